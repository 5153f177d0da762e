--
-- LIMIT 0: nothing beneath it is computed, at any level of a query, as the server does not.
--
CREATE EXTENSION pg_tviews;
SET client_min_messages = warning;
CREATE TABLE t (k int, v int);
CREATE TABLE u (x int PRIMARY KEY, y varchar(7) COLLATE "C");
INSERT INTO t VALUES (1, 1), (2, 2);
INSERT INTO u VALUES (1, 'a'), (2, 'b');
CREATE FUNCTION check_views() RETURNS bigint LANGUAGE sql AS
  $$ SELECT count(*) FROM tview.views w, tview.check(w.view) $$;

-- the definition itself: OFFSET, ties, a folded count, groups, an aggregate over all rows, windows, DISTINCT ON, a join
CREATE MATERIALIZED VIEW a01 USING tview AS SELECT 60 / (v - 5) AS x FROM t ORDER BY 1 LIMIT 0 OFFSET 2;
CREATE MATERIALIZED VIEW a02 USING tview AS SELECT 60 / (v - 5) AS x FROM t ORDER BY 1 FETCH FIRST 0 ROWS WITH TIES;
CREATE MATERIALIZED VIEW a03 USING tview AS SELECT v FROM t WHERE 60 / (v - 5) > 0 LIMIT 1 - 1;
CREATE MATERIALIZED VIEW a04 USING tview AS SELECT k, sum(60 / (v - 5)) AS s FROM t GROUP BY k HAVING max(60 / (v - 5)) > 0 LIMIT 0;
CREATE MATERIALIZED VIEW a05 USING tview AS SELECT sum(60 / (v - 5)) AS s FROM t LIMIT 0;
CREATE MATERIALIZED VIEW a06 USING tview AS SELECT rank() OVER (ORDER BY 60 / (v - 5)) AS r FROM t LIMIT 0;
CREATE MATERIALIZED VIEW a07 USING tview AS SELECT DISTINCT ON (k) k, 60 / (v - 5) AS q FROM t ORDER BY k, q LIMIT 0;
CREATE MATERIALIZED VIEW a08 USING tview AS
  SELECT y, 60 / (v - 5)::numeric(5,2) AS n, k::text::char(3) AS c, v::numeric(6,3) AS m FROM u JOIN t ON x = 60 / (v - 5) LIMIT 0;
CREATE MATERIALIZED VIEW a09 USING tview AS SELECT k FROM t UNION SELECT 60 / (v - 5) FROM t ORDER BY 1 LIMIT 0;
CREATE MATERIALIZED VIEW a10 USING tview AS SELECT k, generate_series(1, 60 / (v - 5)) AS g FROM t LIMIT 0;
-- the view's columns are the query's
SELECT attname, format_type(atttypid, atttypmod) AS type, attcollation::regcollation AS collation
FROM pg_attribute WHERE attrelid = 'a08'::regclass AND attnum > 0 ORDER BY attnum;

-- a level below: aggregates, CTEs, joins, LATERAL, set operations, plain views, recursion
CREATE VIEW pv AS SELECT 60 / (v - 5) AS x, k FROM t LIMIT 0;
CREATE MATERIALIZED VIEW b01 USING tview AS SELECT count(*) AS n, sum(x) AS s FROM (SELECT 60 / (v - 5) AS x FROM t LIMIT 0) q;
CREATE MATERIALIZED VIEW b02 USING tview AS
  WITH w AS (SELECT 60 / (v - 5) AS x, k FROM t LIMIT 0)
  SELECT a.x, b.x AS other, t.k FROM t LEFT JOIN w a ON a.k = t.k LEFT JOIN w b ON b.k = t.k;
CREATE MATERIALIZED VIEW b03 USING tview AS
  SELECT t.k, q.* FROM t LEFT JOIN LATERAL (SELECT 60 / (t.v - 5) AS z, y FROM u WHERE x = 60 / (t.v - 5) LIMIT 0) q ON true;
CREATE MATERIALIZED VIEW b04 USING tview AS SELECT k FROM t UNION (SELECT 60 / (v - 5) FROM t LIMIT 0);
CREATE MATERIALIZED VIEW b05 USING tview AS SELECT k FROM t UNION ALL (SELECT 60 / (v - 5) FROM t LIMIT 0);
CREATE MATERIALIZED VIEW b06 USING tview AS SELECT k FROM t EXCEPT (SELECT 60 / (v - 5) FROM t LIMIT 0);
CREATE MATERIALIZED VIEW b07 USING tview AS SELECT k, x, 10 / coalesce(x, 1) AS d FROM pv;
CREATE MATERIALIZED VIEW b08 USING tview AS
  WITH RECURSIVE r AS ((SELECT 60 / (v - 5) AS x FROM t LIMIT 0) UNION ALL SELECT x + 1 FROM r WHERE x < 3) SELECT x FROM r;
CREATE MATERIALIZED VIEW b09 USING tview AS SELECT k, rank() OVER (ORDER BY x) AS r FROM (SELECT 60 / (v - 5) AS x, k FROM t LIMIT 0) q;
-- what is above sees columns, and not nulls to compute with
CREATE MATERIALIZED VIEW b10 USING tview AS
  SELECT t.k, 10 / coalesce(q.x, 0) AS d FROM t JOIN (SELECT 60 / (v - 5) AS x FROM t LIMIT 0) q ON true;

-- in expressions
CREATE MATERIALIZED VIEW c01 USING tview AS
  SELECT k, (SELECT 60 / (t.v - 5) FROM u LIMIT 0) AS q, (SELECT 60 / (v - 5) FROM t LIMIT 0) AS r, ARRAY(SELECT 60 / (t.v - 5) FROM u LIMIT 0) AS a
  FROM t;
CREATE MATERIALIZED VIEW c02 USING tview AS
  SELECT k FROM t WHERE k IN (SELECT 60 / (v - 5) FROM t LIMIT 0) OR NOT EXISTS (SELECT 60 / (v - 5) FROM t LIMIT 0);
CREATE MATERIALIZED VIEW c03 USING tview AS SELECT k FROM t WHERE k NOT IN (SELECT 60 / (v - 5) FROM t LIMIT 0);
-- an aggregate of the query outside is computed there
CREATE MATERIALIZED VIEW c04 USING tview AS SELECT (SELECT sum(60 / (t.v - 5)) LIMIT 0) AS s FROM t;
-- over views
CREATE MATERIALIZED VIEW d01 USING tview AS SELECT 60 / (5 - b.n) AS x, t.k FROM b01 b, t LIMIT 0;
SELECT check_views();

INSERT INTO t VALUES (5, 5);
DROP MATERIALIZED VIEW c04;
INSERT INTO t VALUES (5, 5), (6, 5), (7, 8);
SELECT check_views();
UPDATE t SET v = 5;
UPDATE u SET x = x + 10;
SELECT check_views();
SELECT * FROM a05;
SELECT * FROM b01;
SELECT * FROM b03 ORDER BY k;
SELECT * FROM c01 ORDER BY k;
SELECT * FROM c02 ORDER BY k;
SELECT * FROM c03 ORDER BY k;
DELETE FROM t WHERE k < 6;
SELECT check_views();
TRUNCATE t;
SELECT check_views();
INSERT INTO t VALUES (1, 5);
SELECT check_views();
REFRESH MATERIALIZED VIEW b02;
SELECT check_views();

-- no state but that of LIMIT; the tables remain the view's
SELECT node, property, value FROM tview.explain('a04') WHERE property IN ('strategy', 'reads', 'state columns');
SELECT i.source::regclass FROM tview.input i WHERE i.view = 'd01'::regclass ORDER BY 1;
-- what is beneath is refused as elsewhere; a query that cannot even be planned fails
CREATE MATERIALIZED VIEW e01 USING tview AS SELECT random() AS r FROM t LIMIT 0;
CREATE MATERIALIZED VIEW e02 USING tview AS SELECT count(*) AS n FROM (SELECT clock_timestamp() FROM t LIMIT 0) q;
CREATE MATERIALIZED VIEW e03 USING tview AS SELECT 10 / x AS q FROM (SELECT 0 AS x) q, t LIMIT 0;
CREATE MATERIALIZED VIEW e04 USING tview AS SELECT v FROM t LIMIT 0 OFFSET -1;
