--
-- Input that is wrong: a clear error, nothing changed, the session goes on.
--
CREATE EXTENSION pg_tviews;
CREATE TABLE t (id int PRIMARY KEY, a int, b int);
INSERT INTO t VALUES (1, 10, 2), (2, 20, 4);

-- queries that are none
CREATE MATERIALIZED VIEW v USING tview AS SELEC a FROM t;
CREATE MATERIALIZED VIEW v USING tview AS SELECT a FROM nowhere;
CREATE MATERIALIZED VIEW v USING tview AS SELECT nothing FROM t;
CREATE MATERIALIZED VIEW v USING tview AS INSERT INTO t VALUES (3, 1, 1) RETURNING a;
CREATE MATERIALIZED VIEW v USING tview AS WITH x AS (DELETE FROM t RETURNING a) SELECT a FROM x;
CREATE MATERIALIZED VIEW v USING tview AS SELECT a INTO x FROM t;
CREATE MATERIALIZED VIEW v USING tview AS SELECT a, a FROM t;
CREATE MATERIALIZED VIEW v USING tview WITH (nonsense = 1) AS SELECT a FROM t;
CREATE MATERIALIZED VIEW v USING tviews AS SELECT a FROM t;
CREATE MATERIALIZED VIEW nowhere.v USING tview AS SELECT a FROM t;
SELECT tview.create('v', 'SELEC a FROM t');
SELECT tview.create('v', '');
SELECT tview.create('v', 'SELECT a FROM t; SELECT b FROM t');
SELECT tview.create('v', 'SELECT a FROM t; DROP TABLE t');
SELECT tview.create('v', 'DELETE FROM t');
SELECT tview.create('v', 'SELECT a INTO x FROM t');
SELECT tview.create('v', 'TABLE t FOR UPDATE');
SELECT tview.create('v', 'SELECT $1::int');
SELECT tview.create('v', NULL);
SELECT tview.create(NULL, 'SELECT 1 AS one');
SELECT tview.create('v', 'SELECT 1 AS one', NULL);
-- what the server refuses in a materialized view is not explained either
SELECT tview.explain('SELECT 1 AS a, 2 AS a');
SELECT tview.explain('SELECT ROW(1, 2) AS r');
SELECT tview.explain('SELECT 1 AS ctid');
SELECT * FROM tview.explain('');
SELECT * FROM tview.explain('nowhere');
SELECT * FROM tview.explain('"Nowhere".at_all');
SELECT property, value FROM tview.explain('VALUES(1)') WHERE property = 'strategy';
SELECT * FROM tview.explain('DROP TABLE t');
SELECT * FROM tview.explain('SELECT 1 / 0 FROM t') WHERE property = 'strategy';
CREATE MATERIALIZED VIEW v USING tview AS SELECT a / 0 FROM t;

-- names
CREATE MATERIALIZED VIEW t USING tview AS SELECT a FROM t;
CREATE MATERIALIZED VIEW t_pkey USING tview AS SELECT a FROM t;
CREATE VIEW plain AS SELECT a FROM t;
CREATE MATERIALIZED VIEW plain USING tview AS SELECT a FROM t;
CREATE MATERIALIZED VIEW v USING tview AS SELECT a FROM v;
SELECT tview.create('v', 'SELECT * FROM v');
SELECT tview.create('t', 'SELECT a FROM t');
SELECT tview.create('', 'SELECT a FROM t');
SELECT tview.create('a.b.c.d', 'SELECT a FROM t');
SELECT tview.create('other.public.v', 'SELECT a FROM t');
SELECT tview.create('two words', 'SELECT a FROM t');
SELECT tview.create('"unclosed', 'SELECT a FROM t');

-- options
SELECT tview.create('v', 'SELECT a FROM t', '{"mode": "manual"}');
SELECT tview.create('v', 'SELECT a FROM t', '{"mode": "sometimes"}');
SELECT tview.create('v', 'SELECT a FROM t', '{"mode": null}');
SELECT tview.create('v', 'SELECT a FROM t', '{"mode": ["immediate"]}');
SELECT tview.create('v', 'SELECT a FROM t', '{"fast": true}');
SELECT tview.create('v', 'SELECT a FROM t', '{"with_data": "yes"}');
SELECT tview.create('v', 'SELECT a FROM t', '{"if_not_exists": 1}');
SELECT tview.create('v', 'SELECT a FROM t', '["mode"]');
SELECT tview.create('v', 'SELECT a FROM t', 'true');
SET tview.bulk_rows = -1;
SET tview.bulk_rows = 'many';
SET tview.read_in_statement = 'after';
SET tview.nonsense = 1;

-- relations that are no views
SELECT * FROM tview.explain('t');
SELECT * FROM tview.explain('plain');
SELECT * FROM tview.check('t');
SELECT * FROM tview.check(0);
SELECT * FROM tview.activity('t');
SELECT tview.mode('t'), tview.strategy('t');
SELECT tview.mode(0), tview.strategy(0);
SECURITY LABEL FOR tview ON TABLE t IS 'mode=immediate';
-- internal functions
SELECT tview.capture();
SELECT tview.ddl_guard();
CREATE TRIGGER mine AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION tview.capture();
INSERT INTO t VALUES (3, 1, 1);
DROP TRIGGER mine ON t;
INSERT INTO t VALUES (3, 1, 1);
DO $$ BEGIN PERFORM tview.tview_handler(NULL); EXCEPTION WHEN OTHERS THEN RAISE 'cannot be called'; END $$;
CREATE FUNCTION f() RETURNS int LANGUAGE tview AS 'x';
SELECT tview.row_hash(NULL), tview.row_hash(ROW()) IS NULL AS none;

-- privileges: SELECT is the server's to check, TRIGGER is ours
CREATE ROLE regress_tview_user;
GRANT CREATE ON SCHEMA public TO regress_tview_user;
SET ROLE regress_tview_user;
CREATE MATERIALIZED VIEW v USING tview AS SELECT a FROM t;
RESET ROLE;
GRANT SELECT ON t TO regress_tview_user;
SET ROLE regress_tview_user;
CREATE MATERIALIZED VIEW v USING tview AS SELECT a FROM t;
CREATE MATERIALIZED VIEW v USING tview AS SELECT a FROM t WITH NO DATA;
SELECT tview.create('v', 'SELECT a FROM t');
RESET ROLE;
REVOKE SELECT ON t FROM regress_tview_user;
GRANT TRIGGER, SELECT (a) ON t TO regress_tview_user;
SET ROLE regress_tview_user;
CREATE MATERIALIZED VIEW v USING tview AS SELECT a, b FROM t;
CREATE MATERIALIZED VIEW v USING tview AS SELECT a FROM t;
DROP MATERIALIZED VIEW v;
RESET ROLE;
REVOKE TRIGGER ON t FROM regress_tview_user;
GRANT SELECT ON t TO regress_tview_user;
SET ROLE regress_tview_user;
SELECT property, value FROM tview.explain('SELECT a FROM t') WHERE property IN ('refused', 'sqlstate', 'hint');
INSERT INTO tview.view VALUES (1, 1, 1);
DELETE FROM tview.input;
RESET ROLE;
GRANT TRIGGER ON t TO regress_tview_user;
SET ROLE regress_tview_user;
SELECT property, value FROM tview.explain('SELECT a FROM t') WHERE property IN ('strategy', 'reads');
RESET ROLE;
SET ROLE regress_tview_user;
CREATE MATERIALIZED VIEW v USING tview AS SELECT a, b FROM t;
RESET ROLE;
INSERT INTO t VALUES (4, 40, 1);
SELECT * FROM v ORDER BY a;
-- a view of somebody else's: SELECT and TRIGGER on it as on a table
CREATE ROLE regress_tview_other;
GRANT CREATE ON SCHEMA public TO regress_tview_other;
SET ROLE regress_tview_other;
CREATE MATERIALIZED VIEW w USING tview AS SELECT a FROM v;
DO $$
BEGIN
  REFRESH MATERIALIZED VIEW v;
EXCEPTION WHEN insufficient_privilege THEN
  RAISE NOTICE 'refused';
END $$;
DROP MATERIALIZED VIEW v;
ALTER MATERIALIZED VIEW v RENAME TO mine;
SELECT * FROM tview.check('v');
RESET ROLE;
GRANT SELECT ON v TO regress_tview_other;
SET ROLE regress_tview_other;
CREATE MATERIALIZED VIEW w USING tview AS SELECT a FROM v;
RESET ROLE;
-- the right to read is taken back
REVOKE SELECT ON t FROM regress_tview_user;
INSERT INTO t VALUES (5, 50, 1);
GRANT SELECT ON t TO regress_tview_user;
INSERT INTO t VALUES (5, 50, 1);
SELECT count(*) FROM v;

-- an expression that fails on the new row: the statement fails, and names the view
CREATE MATERIALIZED VIEW quotient USING tview AS SELECT id, a / b AS q FROM t;
CREATE MATERIALIZED VIEW over_quotient USING tview AS SELECT sum(100 / (q - 7)) AS s FROM quotient;
INSERT INTO t VALUES (6, 1, 0);
\echo :LAST_ERROR_SQLSTATE
UPDATE t SET b = b - 1;
\echo :LAST_ERROR_SQLSTATE
-- in the view above
INSERT INTO t VALUES (6, 7, 1);
\echo :LAST_ERROR_SQLSTATE
COPY t FROM stdin;
7	1	1
8	1	0
\.
BEGIN;
INSERT INTO t VALUES (7, 1, 1);
SAVEPOINT s;
INSERT INTO t VALUES (8, 1, 0);
ROLLBACK TO s;
INSERT INTO t VALUES (8, 1, 1);
COMMIT;
DO $$
BEGIN
  INSERT INTO t VALUES (9, 1, 0);
EXCEPTION WHEN division_by_zero THEN
  RAISE NOTICE 'caught: %', SQLERRM;
END $$;
SELECT * FROM t ORDER BY id;
SELECT * FROM quotient ORDER BY id;
SELECT * FROM over_quotient;
SELECT v.view, c.* FROM tview.views v, tview.check(v.view) c;

-- a result that leaves the range of its type
CREATE MATERIALIZED VIEW total USING tview AS SELECT b, sum(a::bigint * 4611686018427387) AS s, max(a * 1000) AS m FROM t GROUP BY b;
INSERT INTO t VALUES (10, 2000000, 1);
-- a constraint of the user's on the view
CREATE UNIQUE INDEX ON quotient (q) WHERE q > 100;
INSERT INTO t VALUES (10, 500, 1), (11, 501, 1);
INSERT INTO t VALUES (12, 501, 1);
SELECT v.view, c.* FROM tview.views v, tview.check(v.view) c;
DROP OWNED BY regress_tview_user, regress_tview_other CASCADE;
DROP ROLE regress_tview_user, regress_tview_other;
