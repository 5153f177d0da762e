--
-- What cannot be maintained is refused at creation: 0A000, the construct, the reason, a hint.
--
SET client_min_messages = warning;
CREATE EXTENSION pg_tviews;

CREATE TABLE t (id int PRIMARY KEY, a int, b int, c text, d date, ts timestamptz, j jsonb);
CREATE TABLE u (id int PRIMARY KEY, t_id int, a int);
INSERT INTO t SELECT i, i, i, 'x', '2024-01-01', '2024-01-01' FROM generate_series(1, 5) i;
CREATE MATERIALIZED VIEW maintained USING tview AS SELECT a, count(*) AS n FROM t GROUP BY a;

-- The error of CREATE, and that tview.explain() tells the same and creates nothing.
CREATE FUNCTION refused(query text) RETURNS TABLE (refusal text) LANGUAGE plpgsql AS $$
DECLARE
  state text; what text; why text; advice text;
  told record;
  before bigint := (SELECT count(*) FROM pg_class);
BEGIN
  BEGIN
    EXECUTE 'CREATE MATERIALIZED VIEW refused USING tview AS ' || query;
    RAISE 'NOT REFUSED';
  EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, what = MESSAGE_TEXT,
      why = PG_EXCEPTION_DETAIL, advice = PG_EXCEPTION_HINT;
  END;
  IF what = 'NOT REFUSED' THEN
    RETURN QUERY SELECT what;
    RETURN;
  END IF;
  SELECT max(value) FILTER (WHERE property = 'sqlstate') AS state,
         max(value) FILTER (WHERE property = 'refused') AS what,
         max(value) FILTER (WHERE property = 'reason') AS why,
         max(value) FILTER (WHERE property = 'hint') AS advice
    INTO told FROM tview.explain(query);
  IF (state, what, why, advice) IS DISTINCT FROM (told.state, told.what, told.why, told.advice) THEN
    RETURN QUERY SELECT 'tview.explain() TELLS ' || told::text;
  END IF;
  IF (SELECT count(*) FROM pg_class) <> before THEN
    RETURN QUERY SELECT 'tview.explain() CREATES SOMETHING';
  END IF;
  RETURN QUERY VALUES (state || ': ' || what), ('  ' || why), ('  ' || advice);
END $$;
\pset tuples_only on
\pset format unaligned

-- clauses
SELECT refused('SELECT a, sum(b) OVER (ORDER BY a ROWS (SELECT 1) PRECEDING) FROM t');
SELECT refused('SELECT a FROM t ORDER BY a LIMIT (SELECT 3)');
SELECT refused('WITH RECURSIVE r AS (SELECT a FROM t UNION ALL (SELECT u.a FROM u JOIN r ON u.t_id = r.a LIMIT 1)) SELECT * FROM r');
SELECT refused('WITH RECURSIVE r AS (SELECT a FROM t UNION ALL (SELECT u.a FROM u JOIN r ON u.t_id = r.a UNION ALL SELECT 1)) SELECT * FROM r');
SELECT refused('SELECT a FROM t FOR UPDATE');
SELECT refused('SELECT a FROM t FOR KEY SHARE');
SELECT refused('SELECT x.a FROM (SELECT a FROM t FOR SHARE) x');
SELECT refused('SELECT a FROM t TABLESAMPLE system (50)');

-- functions
SELECT refused('SELECT a, random() FROM t');
SELECT refused('SELECT a FROM t WHERE random() < 0.5');
SELECT refused('SELECT a, clock_timestamp() FROM t');
SELECT refused('SELECT a, gen_random_uuid() FROM t');
CREATE SEQUENCE seq;
SELECT refused($$SELECT a, nextval('seq') FROM t$$);
SELECT refused('SELECT a, now() FROM t');
SELECT refused('SELECT a, statement_timestamp() FROM t');
SELECT refused('SELECT a, current_date - d FROM t');
SELECT refused('SELECT a FROM t WHERE ts > current_timestamp');
SELECT refused('SELECT a, localtime FROM t');
SELECT refused('SELECT a, age(d) FROM t');
SELECT refused('SELECT a, current_user FROM t');
SELECT refused('SELECT a, session_user FROM t');
SELECT refused('SELECT a, current_database() FROM t');
SELECT refused('SELECT a, current_schema FROM t');
SELECT refused($$SELECT a, current_setting('work_mem') FROM t$$);
SELECT refused('SELECT a, pg_backend_pid() FROM t');
SELECT refused('SELECT a, inet_client_addr() FROM t');
SELECT refused('SELECT a, txid_current() FROM t');
SELECT refused('SELECT a, c::regclass FROM t');
SELECT refused($$SELECT a, to_regclass(c) FROM t$$);
SELECT refused($$SELECT a, pg_relation_size('t') FROM t$$);
SELECT refused($$SELECT a, has_table_privilege('t', 'SELECT') FROM t$$);
SELECT refused($$SELECT a, query_to_xml('SELECT 1', true, true, '') FROM t$$);
CREATE FUNCTION stable_one(int) RETURNS int LANGUAGE sql STABLE AS 'SELECT $1 + 1';
CREATE FUNCTION volatile_one(int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN $1 + 1; END';
CREATE FUNCTION reads_text(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT a FROM u WHERE id = $1';
CREATE FUNCTION reads_atomic(int) RETURNS int LANGUAGE sql IMMUTABLE BEGIN ATOMIC; SELECT a FROM u WHERE id = $1; END;
CREATE FUNCTION reads_deep(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT reads_text($1)';
CREATE FUNCTION reads_deeper(int) RETURNS int LANGUAGE sql IMMUTABLE BEGIN ATOMIC; SELECT reads_deep($1); END;
CREATE FUNCTION reads_nothing(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT count(*)::int FROM generate_series(1, $1)';
CREATE FUNCTION reads_nested(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1 WHERE EXISTS (SELECT 1 FROM u)';
CREATE FUNCTION reads_more(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + a FROM u WHERE id = $2';
SELECT refused('SELECT stable_one(a) FROM t');
SELECT refused('SELECT volatile_one(a) FROM t');
SELECT refused('SELECT sum(volatile_one(a)) FROM t');
SELECT refused('SELECT reads_text(a) FROM t');
SELECT refused('SELECT reads_atomic(a) FROM t');
SELECT refused('SELECT reads_nested(a) FROM t');
SELECT refused('SELECT reads_deep(a) FROM t');
SELECT refused('SELECT reads_deeper(a) FROM t');
SELECT refused('SELECT t.a FROM t JOIN u ON reads_text(t.a) = u.a');
SELECT refused('SELECT a, count(*) FROM t GROUP BY a HAVING stable_one(a) > 1');
CREATE OPERATOR @# (RIGHTARG = int, FUNCTION = stable_one);
SELECT refused('SELECT @# a FROM t');
CREATE AGGREGATE agg_volatile (int) (SFUNC = int4pl, STYPE = int, FINALFUNC = volatile_one);
SELECT refused('SELECT agg_volatile(a) FROM t');
CREATE AGGREGATE agg_reads (int) (SFUNC = reads_more, STYPE = int);
SELECT refused('SELECT agg_reads(a) FROM t');
CREATE VIEW plain_time AS SELECT a, now() AS seen FROM t;
SELECT refused('SELECT * FROM plain_time');

-- columns
SELECT refused('SELECT ctid FROM t');
SELECT refused('SELECT a FROM t WHERE xmin = ''1''');

-- relations
CREATE FOREIGN DATA WRAPPER nowhere;
CREATE SERVER nowhere FOREIGN DATA WRAPPER nowhere;
CREATE FOREIGN TABLE ft (a int) SERVER nowhere;
CREATE TABLE parts (a int, b int) PARTITION BY LIST (a);
CREATE UNLOGGED TABLE part1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE parent (a int, b int);
CREATE TABLE child () INHERITS (parent);
CREATE TABLE keyed_parent (a int PRIMARY KEY, b int);
CREATE TABLE keyed_child () INHERITS (keyed_parent);
CREATE UNLOGGED TABLE unlogged (a int);
CREATE TEMP TABLE temporary (a int);
CREATE MATERIALIZED VIEW stale AS SELECT a FROM t;
CREATE VIEW plain_catalog AS SELECT relname FROM pg_class;
SELECT refused('SELECT a FROM ft');
SELECT refused('SELECT a FROM parts');
SELECT refused('SELECT a FROM part1');
SELECT refused('SELECT a, b, count(*) FROM keyed_parent GROUP BY a');
SELECT refused('SELECT a FROM unlogged');
-- (this one is the server's)
SELECT refused('SELECT a FROM temporary');
SELECT refused('SELECT a FROM stale');
SELECT refused('SELECT relname FROM plain_catalog');
SELECT refused('SELECT relname::text FROM pg_class');
SELECT refused('SELECT table_name::text FROM information_schema.tables');
SELECT refused('SELECT last_value FROM seq');
SELECT refused('SELECT view FROM tview.view');
SELECT refused('SELECT * FROM tview.views');

-- row security: in force for the owner of the view, or of the plain view in between
CREATE ROLE regress_tview_owner;
GRANT CREATE ON SCHEMA public TO regress_tview_owner;
GRANT SELECT, TRIGGER ON t TO regress_tview_owner;
GRANT SELECT ON maintained TO regress_tview_owner;
ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE VIEW plain_secured AS SELECT a FROM t;
ALTER VIEW plain_secured OWNER TO regress_tview_owner;
SELECT refused('SELECT a FROM plain_secured');
SET ROLE regress_tview_owner;
SELECT refused('SELECT a FROM t');
RESET ROLE;
-- forced upon the table's owner as well
ALTER TABLE t OWNER TO regress_tview_owner;
SET ROLE regress_tview_owner;
ALTER TABLE t FORCE ROW LEVEL SECURITY;
SELECT refused('SELECT a FROM t');
RESET ROLE;
ALTER TABLE t DISABLE ROW LEVEL SECURITY;
ALTER TABLE t OWNER TO CURRENT_USER;

-- the construct is pointed at, in the user's own text only
\set SHOW_CONTEXT never
CREATE MATERIALIZED VIEW v USING tview AS
  SELECT 'möglich' AS word, a FROM t WHERE a > random();
CREATE MATERIALIZED VIEW v USING tview AS SELECT a FROM t WHERE ts < now();
CREATE MATERIALIZED VIEW v USING tview AS SELECT a FROM t WHERE ts < current_timestamp;
CREATE MATERIALIZED VIEW v USING tview AS SELECT a, t.ctid FROM t;
CREATE MATERIALIZED VIEW v USING tview AS SELECT * FROM plain_time;
DO $$ BEGIN EXECUTE 'CREATE MATERIALIZED VIEW v USING tview AS SELECT random() FROM t'; END $$;
SELECT tview.create('v', 'SELECT a, random() FROM t');
SELECT 'a longer statement' AS text, tview.create('v', 'SELECT a FROM t WHERE') AS view;
SELECT 'a longer statement' AS text, e.* FROM tview.explain('SELECT a, nowhere FROM t') e;
DO LANGUAGE tview $$ CREATE TVIEW v AS SELECT a, random() FROM t $$;

-- where: FROM items and clauses have no place of their own, so it is that of a column of theirs, or of what is part of them
CREATE VIEW plain_over_plain AS SELECT * FROM plain_catalog;
CREATE MATERIALIZED VIEW refused USING tview AS SELECT t.id, c.relname::text FROM t, pg_class c WHERE c.relname = t.c;
CREATE MATERIALIZED VIEW refused USING tview AS SELECT t.id, p.relname::text FROM t, plain_over_plain p WHERE p.relname = t.c;
CREATE MATERIALIZED VIEW refused USING tview AS SELECT t.id, (SELECT count(*) FROM plain_over_plain p WHERE p.relname = t.c) FROM t;
CREATE MATERIALIZED VIEW refused USING tview AS SELECT t.id, x.n FROM t, (SELECT count(*) AS n FROM pg_class) x;
CREATE MATERIALIZED VIEW refused USING tview AS SELECT count(*) FROM t TABLESAMPLE bernoulli (10);
CREATE MATERIALIZED VIEW refused USING tview AS SELECT t.id, a FROM t FOR UPDATE;
CREATE MATERIALIZED VIEW refused USING tview AS SELECT sum(b) OVER (ORDER BY a ROWS (SELECT 1) PRECEDING) FROM t;
CREATE MATERIALIZED VIEW refused USING tview AS SELECT a, b FROM keyed_parent GROUP BY a;
CREATE MATERIALIZED VIEW refused USING tview AS SELECT t.id, (SELECT u.a FROM u WHERE u.t_id = t.id ORDER BY u.id LIMIT t.a) FROM t;
CREATE MATERIALIZED VIEW refused USING tview AS SELECT t.id FROM t WHERE t.a > (SELECT u.a FROM u WHERE u.t_id = t.id ORDER BY u.id OFFSET t.a LIMIT 1);
CREATE MATERIALIZED VIEW refused USING tview AS SELECT DISTINCT ON (a) a, row(a, b) AS r FROM t ORDER BY a;
CREATE MATERIALIZED VIEW refused USING tview AS SELECT DISTINCT ON (a) a, generate_series(1, b) FROM t ORDER BY a;

-- what is not refused
SELECT refused('SELECT reads_nothing(a) FROM t');
SELECT refused($$SELECT a, to_char(ts, 'YYYY') FROM t$$);
SELECT refused('SELECT t.a, g FROM t CROSS JOIN LATERAL generate_series(1, t.a) g');
SELECT refused('SELECT t.a, x.a AS xa FROM t CROSS JOIN LATERAL (SELECT a FROM u) x');
SELECT refused('SELECT a, count(*) FROM t GROUP BY a ORDER BY 2');
SELECT refused('SELECT j FROM t');
SELECT refused('SELECT a, n FROM maintained');
SELECT view FROM tview.views;
DROP OWNED BY regress_tview_owner;
DROP ROLE regress_tview_owner;
