--
-- What can be seen of views: tview.views, tview.explain(), tview.check(), tview.activity(), comments.
--
CREATE EXTENSION pg_tviews;
CREATE TABLE t (id int PRIMARY KEY, a int, b numeric);
CREATE TABLE u (id int PRIMARY KEY, name text NOT NULL);
INSERT INTO t SELECT i, i % 3, i FROM generate_series(1, 9) i;
INSERT INTO u VALUES (0, 'zero'), (1, 'one'), (2, 'two');
CREATE VIEW plain AS SELECT t.id, u.name, t.b FROM t JOIN u ON u.id = t.a;
CREATE MATERIALIZED VIEW base USING tview AS SELECT id, name, b FROM plain;
CREATE MATERIALIZED VIEW sums USING tview AS SELECT name, sum(b) AS s, avg(b) AS m FROM base GROUP BY name;
CREATE MATERIALIZED VIEW "Top" USING tview AS SELECT max(s) AS most FROM sums;
CREATE MATERIALIZED VIEW pairs USING tview AS SELECT s.s, b.id FROM sums s JOIN base b ON b.name = s.name;
CREATE MATERIALIZED VIEW empty USING tview AS SELECT DISTINCT a FROM t WITH NO DATA;
CREATE MATERIALIZED VIEW ordinary AS SELECT 1 AS one;

-- one row per view: what it reads, how, how big
SELECT view, bases, level, mode, strategy, populated FROM tview.views ORDER BY view::text COLLATE "C";
SELECT view, owner = current_user AS mine,
       view_size = pg_total_relation_size(view) AS view_size,
       state_size = (SELECT coalesce(sum(pg_total_relation_size(state)), 0) FROM tview.state s WHERE s.view = v.view) AS state_size,
       state_size > 0 AS has_state
  FROM tview.views v ORDER BY view::text COLLATE "C";
SELECT view::regclass, format, level FROM tview.view ORDER BY level, view::regclass::text COLLATE "C";
SELECT view::regclass, source::regclass FROM tview.input ORDER BY 1::text, view::regclass::text COLLATE "C", source::regclass::text COLLATE "C";
-- levels follow when a plain view in between reads something else
DROP MATERIALIZED VIEW pairs;
CREATE MATERIALIZED VIEW beneath USING tview AS SELECT id, a, b FROM t;
SET client_min_messages = error;
CREATE OR REPLACE VIEW plain AS SELECT t.id, u.name, t.b FROM beneath t JOIN u ON u.id = t.a;
RESET client_min_messages;
SELECT view, populated FROM tview.views ORDER BY view::text COLLATE "C";
REFRESH MATERIALIZED VIEW base;
REFRESH MATERIALIZED VIEW sums;
REFRESH MATERIALIZED VIEW "Top";
SELECT view, level, bases FROM tview.views ORDER BY level, view::text COLLATE "C";

-- explain: by name and by query the same, but for what exists
SELECT node, property, value FROM tview.explain('sums') WHERE property NOT IN ('setting', 'state table')
EXCEPT
SELECT node, property, value FROM tview.explain('SELECT name, sum(b) AS s, avg(b) AS m FROM base GROUP BY name')
ORDER BY 1, 2;
SELECT property FROM tview.explain('SELECT name, sum(b) AS s, avg(b) AS m FROM base GROUP BY name')
EXCEPT
SELECT property FROM tview.explain('sums');
\pset format unaligned
SELECT * FROM tview.explain('SELECT n, count(*) AS groups FROM (SELECT a, count(*) AS n FROM t GROUP BY a HAVING sum(b) > 1) x GROUP BY n');
SELECT * FROM tview.explain('SELECT x.n, u.name FROM (SELECT DISTINCT a AS n FROM t) x JOIN u ON u.id = x.n');
SELECT * FROM tview.explain('SELECT a, mode() WITHIN GROUP (ORDER BY b) AS m FROM t GROUP BY a');
SELECT * FROM tview.explain('SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY b) AS p FROM t') WHERE property NOT LIKE 'delta%';
SELECT * FROM tview.explain('SELECT 1 AS one');
SELECT * FROM tview.explain('SELECT random() FROM t');
SELECT * FROM tview.explain('empty') WHERE property <> 'setting';
\pset format aligned
-- a part that is recomputed as a whole: told, or refused
CREATE MATERIALIZED VIEW whole USING tview AS SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY b) AS p FROM t;
SET tview.require_incremental = on;
CREATE MATERIALIZED VIEW whole2 USING tview AS SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY b) AS p FROM t;
RESET tview.require_incremental;
-- the settings that a view keeps
SELECT split_part(value, '=', 1) AS setting FROM tview.explain('base') WHERE property = 'setting' ORDER BY 1;

-- activity counts what this session did
SELECT * FROM tview.activity('sums');
UPDATE t SET b = b + 1 WHERE id = 1;
UPDATE t SET b = b WHERE id = 1;
DELETE FROM t WHERE id = 9;
INSERT INTO u VALUES (9, 'nine');
SELECT * FROM tview.activity('base');
SELECT * FROM tview.activity('sums');
BEGIN;
UPDATE t SET b = b + 1 WHERE id = 1;
ROLLBACK;

-- check finds a wrong row, and one that is too many
SELECT * FROM tview.check('base');
SELECT * FROM tview.check('sums');
SELECT * FROM tview.check('"Top"');
SELECT * FROM tview.check('empty');
UPDATE pg_trigger SET tgenabled = 'D' WHERE tgrelid = 't'::regclass AND tgenabled = 'A';
\c -
DELETE FROM t WHERE id = 2;
UPDATE t SET b = 100 WHERE id = 3;
INSERT INTO t VALUES (77, 1, 1);
UPDATE pg_trigger SET tgenabled = 'A' WHERE tgrelid = 't'::regclass AND tgenabled = 'D';
\c -
SELECT * FROM tview.check('beneath');
SELECT * FROM tview.check('base');
-- a row that should be there is not
DELETE FROM t WHERE id = 77;
ALTER MATERIALIZED VIEW beneath RENAME TO "Beneath";
DELETE FROM t WHERE id = 77;
REFRESH MATERIALIZED VIEW "Beneath";
SELECT * FROM tview.check('"Beneath"');
SELECT * FROM tview.check('sums');
DELETE FROM t WHERE id = 77;

-- every object has a comment
SELECT classid::regclass, pg_describe_object(classid, objid, 0) AS uncommented
  FROM pg_depend
 WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'
   AND classid <> 'pg_type'::regclass
   AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pg_tviews')
   AND coalesce(obj_description(objid, classid::regclass::text),
                CASE WHEN classid = 'pg_class'::regclass AND pg_describe_object(classid, objid, 0) LIKE '% tview.state\_%' THEN '-' END) IS NULL
 ORDER BY 2;
SELECT attrelid::regclass, attname
  FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
 WHERE c.relnamespace = 'tview'::regnamespace AND c.relkind IN ('r', 'v') AND c.relname NOT LIKE 'state\_%'
   AND attnum > 0 AND col_description(attrelid, attnum) IS NULL
 ORDER BY 1, 2;
-- nothing of it is in the way of a table's description
\d t
\d base
-- nor can others look into the hidden state
SELECT count(*) FROM tview.state s WHERE has_table_privilege('public', s.state, 'SELECT');
CREATE ROLE regress_tview_reader;
SET ROLE regress_tview_reader;
SELECT count(*) > 0 AS rows FROM tview.views;
-- the cost of maintenance tells of the tables: only who may read the view is told
SELECT property FROM tview.explain('base') WHERE property = 'strategy';
DO $$
BEGIN
  EXECUTE (SELECT 'SELECT * FROM ' || state::regclass FROM tview.state LIMIT 1);
EXCEPTION WHEN insufficient_privilege THEN
  RAISE NOTICE 'not allowed';
END $$;
SELECT * FROM tview.check('base');
RESET ROLE;
DROP ROLE regress_tview_reader;

-- sums of floats, and lists without an order, differ by the order in which rows are read: check knows that
CREATE TABLE gauge (id int PRIMARY KEY, station int, x float8, y float4, label text, seen bool);
INSERT INTO gauge SELECT i, i % 3, i * 0.1 + 1e5 / i, i * 0.3, 'g' || i FROM generate_series(1, 3000) i;
CREATE MATERIALIZED VIEW readings USING tview AS
  SELECT station, sum(x) AS sx, stddev(x) AS dx, sum(y) AS sy, sum(x) / 3 AS third, array_agg(label) AS labels,
         string_agg(label, ',') AS text, jsonb_agg(label) AS json, array_agg(label ORDER BY station) AS some_order
  FROM gauge GROUP BY station;
-- no column that the view uses, but other places of the rows
UPDATE gauge SET seen = true WHERE id % 2 = 0;
SELECT count(*) FROM (SELECT * FROM readings EXCEPT
  SELECT station, sum(x), stddev(x), sum(y), sum(x) / 3, array_agg(label), string_agg(label, ','), jsonb_agg(label),
         array_agg(label ORDER BY station) FROM gauge GROUP BY station) others;
SELECT * FROM tview.check('readings');
-- what is wrong is still found
UPDATE pg_trigger SET tgenabled = 'D' WHERE tgrelid = 'gauge'::regclass AND tgfoid = 'tview.capture'::regproc;
UPDATE pg_class SET relname = relname WHERE oid = 'gauge'::regclass;
UPDATE gauge SET x = x + 0.01 WHERE id = 1;
UPDATE gauge SET label = 'unseen' WHERE id = 2;
SELECT relation, difference, copies, split_part(content, ',', 1) AS station FROM tview.check('readings') ORDER BY 4, 2;
