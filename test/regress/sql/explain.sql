--
-- EXPLAIN of a data-changing statement shows the maintenance of views.
--
\set ECHO none
CREATE EXTENSION pg_tviews;

-- what differs between runs and server versions is left out
CREATE FUNCTION explain(options text, query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  output text;
  line text;
BEGIN
  FOR output IN EXECUTE format('EXPLAIN (costs off, %s) %s', options, query) LOOP
    FOREACH line IN ARRAY string_to_array(output, E'\n') LOOP
      CONTINUE WHEN line ~ '^ *(Trigger |Index Searches:|Storage:|Buckets:|Planning:|Buffers:|Disabled:)';
      line := regexp_replace(line, 'rows=(\d+)\.00', 'rows=\1', 'g');
      line := regexp_replace(line, 'Memory: \d+kB', 'Memory: NkB');
      RETURN NEXT line;
    END LOOP;
  END LOOP;
END $$;
CREATE FUNCTION plan(query text) RETURNS SETOF text LANGUAGE sql
  BEGIN ATOMIC SELECT explain('verbose off', query); END;
CREATE FUNCTION run(query text) RETURNS SETOF text LANGUAGE sql
  BEGIN ATOMIC SELECT explain('analyze, timing off, summary off, buffers off', query); END;
CREATE FUNCTION explain_json(options text, query text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  result json;
BEGIN
  EXECUTE format('EXPLAIN (%s, format json) %s', options, query) INTO result;
  RETURN result;
END $$;

CREATE TABLE customer (id int PRIMARY KEY, name text NOT NULL, region text);
CREATE TABLE sale (id int PRIMARY KEY, customer int NOT NULL REFERENCES customer ON DELETE CASCADE,
                   amount int, note text);
CREATE TABLE other (id int PRIMARY KEY);
INSERT INTO customer VALUES (1, 'Ada', 'north'), (2, 'Bo', 'south'), (3, 'Cy', NULL);
INSERT INTO sale VALUES (1, 1, 10), (2, 1, 20), (3, 2, 5);

CREATE MATERIALIZED VIEW per_customer USING tview AS
  SELECT customer, count(*) AS n, sum(amount) AS total, max(amount) AS biggest FROM sale GROUP BY customer;
-- a view over a view
CREATE MATERIALIZED VIEW good_customer USING tview AS
  SELECT customer, total FROM per_customer WHERE total > 10;
-- two nodes
CREATE MATERIALIZED VIEW histogram USING tview AS
  SELECT n, count(*) AS customers
  FROM (SELECT customer, count(*) AS n FROM sale GROUP BY customer) AS s GROUP BY n;
-- nothing accumulated
CREATE MATERIALIZED VIEW "Names" USING tview AS
  SELECT region, mode() WITHIN GROUP (ORDER BY name) AS name FROM customer GROUP BY region;
SET enable_hashjoin = off;
SET enable_mergejoin = off;
\pset format unaligned
\pset tuples_only on
\set ECHO all

-- the plans for a change that is only explained; nothing changes
SELECT plan('INSERT INTO sale VALUES (4, 2, 7)');
SELECT plan('INSERT INTO customer VALUES (4, ''Di'', ''north'')');
SELECT * FROM per_customer ORDER BY 1;

-- columns that a view reads, and one that none does
SELECT plan('UPDATE sale SET amount = 1');
SELECT plan('UPDATE sale SET note = ''x''');

-- other ways to change a table
SELECT plan('WITH d AS (DELETE FROM sale WHERE id = 1 RETURNING id) SELECT id FROM d');
SELECT line FROM plan('MERGE INTO sale USING other o ON o.id = sale.id WHEN MATCHED THEN DELETE') AS line
WHERE line ~ '^(Maintained|  Node)';
CREATE VIEW sale_plain AS SELECT id, customer, amount FROM sale;
SELECT line FROM plan('UPDATE sale_plain SET amount = 1') AS line WHERE line ~ '^(Maintained|  Node)';
SELECT line FROM explain('verbose', 'DELETE FROM customer') AS line WHERE line ~ '^Maintained';

-- no view reads the table, or nothing is changed
SELECT plan('INSERT INTO other VALUES (1)');
SELECT plan('SELECT * FROM per_customer');
SELECT run('INSERT INTO other VALUES (1)');

-- as run
SELECT run('INSERT INTO sale VALUES (1, 2, 7), (4, 2, 7) ON CONFLICT (id) DO UPDATE SET amount = 11');
SELECT * FROM per_customer ORDER BY 1;
SELECT * FROM good_customer ORDER BY 1;
-- the maximum leaves
SELECT run('DELETE FROM sale WHERE id = 2');
-- groups with and without null keys are recomputed
SELECT run('UPDATE customer SET name = upper(name)');
-- a foreign key cascades
SELECT line FROM run('DELETE FROM customer WHERE id = 2') AS line WHERE line ~ '^(Maintained|  Node)';
-- nothing changed
SELECT run('UPDATE sale SET note = ''x''');
-- statements in a function: flushes are added up, the last plan is shown
CREATE FUNCTION sell(id int) RETURNS void LANGUAGE sql AS 'INSERT INTO sale VALUES ($1, 1, $1)';
SELECT run('SELECT sell(i) FROM generate_series(10, 12) AS i');
-- the next one is not watched
EXPLAIN (costs off) SELECT 1;
INSERT INTO sale VALUES (20, 1, 20);

-- a failed statement, and one after it
SELECT run('INSERT INTO sale VALUES (21, 1, 21), (20, 1, 1)');
INSERT INTO sale VALUES (22, 1, 22);

-- the result of EXPLAIN ANALYZE at a higher isolation level
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT line FROM run('INSERT INTO sale VALUES (23, 1, 23)') AS line WHERE line ~ '^(Maintained|  Node)';
ROLLBACK;

-- structured formats
SELECT jsonb_array_length(e), e #>> '{0,Plan,Operation}', e #>> '{1,Maintained View}',
  e #>> '{1,Nodes,0,Strategy}', e #>> '{1,Nodes,0,Changed Inputs}', e #>> '{1,Nodes,0,Plan,Node Type}'
FROM explain_json('costs off', 'INSERT INTO sale VALUES (30, 3, 30)') AS e;
SELECT v ->> 'Maintained View', v ->> 'Schema', n -> 'Node',
  (SELECT string_agg(k, ', ' ORDER BY k) FROM jsonb_object_keys(n) AS k)
FROM explain_json('analyze, verbose, costs off', 'INSERT INTO sale VALUES (30, 3, 30)') AS e,
  jsonb_array_elements(e) AS v, jsonb_array_elements(v -> 'Nodes') AS n ORDER BY 1, 3;
SELECT jsonb_pretty(n #- '{Plan}' #- '{Recompute,0,Plan}' #- '{Recompute,1,Plan}')
FROM explain_json('analyze, timing off', 'UPDATE customer SET name = lower(name)') AS e,
  jsonb_array_elements(e -> 1 -> 'Nodes') AS n;
SELECT e #> '{1,Nodes,0,Plan}' ? 'Shared Hit Blocks', e #> '{1,Nodes,0,Plan}' ? 'WAL Records',
  e #> '{1,Nodes,0,Plan}' ? 'Actual Total Time', e #> '{1,Nodes,0,Plan}' ? 'Total Cost'
FROM explain_json('analyze, buffers, wal', 'DELETE FROM sale WHERE id = 30') AS e;
SELECT jsonb_array_length(explain_json('analyze', 'INSERT INTO other VALUES (2)'));
SELECT explain('format yaml', 'INSERT INTO customer VALUES (5, ''Ed'', ''west'')');
-- each opening tag has its closing one
SELECT tag, count(*) FILTER (WHERE line ~ '<[^/]') AS opened, count(*) FILTER (WHERE line ~ '</') AS closed
FROM explain('analyze, format xml', 'INSERT INTO sale VALUES (31, 1, 31)') AS line,
  substring(line, '</?([-A-Za-z]+)') AS tag
WHERE tag IN ('explain', 'Query', 'Maintenance', 'Maintained-View', 'Nodes', 'Node', 'Changed-Inputs')
GROUP BY tag ORDER BY tag;

-- of a prepared statement, as otherwise
PREPARE sell (int, int) AS INSERT INTO sale VALUES ($1, $2, 3);
SELECT count(*) AS lines, count(*) FILTER (WHERE line ~ '^Maintained View') AS views FROM plan('EXECUTE sell (41, 1)') AS line;
SELECT plan('EXECUTE sell (41, 1)') EXCEPT SELECT plan('INSERT INTO sale VALUES (41, 1, 3)');
SELECT run('EXECUTE sell (41, 1)');
SELECT jsonb_array_length(explain_json('analyze', 'EXECUTE sell (42, 1)'));
SELECT explain_json('costs off', 'EXECUTE sell (42, 1)')::jsonb = explain_json('costs off', 'INSERT INTO sale VALUES (42, 1, 3)')::jsonb;
SELECT ARRAY(SELECT explain('costs off, format yaml', 'EXECUTE sell (42, 1)')) = ARRAY(SELECT explain('costs off, format yaml', 'INSERT INTO sale VALUES (42, 1, 3)'));
SELECT ARRAY(SELECT explain('costs off, format xml', 'EXECUTE sell (42, 1)')) = ARRAY(SELECT explain('costs off, format xml', 'INSERT INTO sale VALUES (42, 1, 3)'));
SELECT n, total FROM per_customer WHERE customer = 1;
SET plan_cache_mode = force_generic_plan;
SELECT line FROM plan('EXECUTE sell (43, 1)') AS line WHERE line ~ '^(Maintained|  Node)';
RESET plan_cache_mode;
SELECT line FROM explain('verbose', 'EXECUTE sell (43, 1)') AS line WHERE line ~ '^Maintained';
SELECT DISTINCT line ~ 'actual time' FROM explain('analyze, costs on', 'EXECUTE sell (43, 1)') AS line WHERE line ~ 'Tuplestore';
BEGIN;
SELECT tview.set('histogram', 'deferred');
SELECT line FROM run('EXECUTE sell (44, 1)') AS line WHERE line ~ '^Maintained';
ROLLBACK;
PREPARE lives (int) AS SELECT * FROM per_customer WHERE customer = $1;
SELECT run('EXECUTE lives (99)');
SELECT plan('EXECUTE lives (99)');
SELECT run('EXECUTE sell (41, 1)');
SELECT plan('EXECUTE missing (1)');
SELECT plan('EXECUTE sell (1)');
SELECT explain('format wrong', 'EXECUTE sell (43, 1)');
DELETE FROM sale WHERE id > 40;
DEALLOCATE ALL;

-- who may write the table needs no right on the view, nor on what else it reads
CREATE ROLE regress_explain_writer;
CREATE FUNCTION same(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
  $$BEGIN RAISE NOTICE 'called as the owner: %', current_user <> 'regress_explain_writer'; RETURN $1; END$$;
CREATE MATERIALIZED VIEW north USING tview AS
  SELECT c.id AS customer, s.id, s.amount FROM sale s JOIN customer c ON c.id = s.customer
  WHERE c.region = same('north');
GRANT INSERT ON sale TO regress_explain_writer;
GRANT EXECUTE ON FUNCTION plan, run, explain TO regress_explain_writer;
\c -
\pset format unaligned
\pset tuples_only on
SET enable_hashjoin = off;
SET enable_mergejoin = off;
SET ROLE regress_explain_writer;
SELECT line FROM plan('INSERT INTO sale VALUES (40, 1, 40)') AS line WHERE line ~ '^(Maintained|  Node)';
SELECT current_user;
SELECT line FROM run('INSERT INTO sale VALUES (40, 1, 40)') AS line WHERE line ~ '^(Maintained|  Node)';
SELECT * FROM north;
RESET ROLE;
SELECT * FROM north ORDER BY 2;
DROP OWNED BY regress_explain_writer;
DROP ROLE regress_explain_writer;
