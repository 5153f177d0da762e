--
-- GROUPING SETS, ROLLUP, CUBE and GROUPING().
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir /include/scenarios.inc
\i :include
\set VERBOSITY terse
\set check 'SELECT check_views() \\g (tuples_only=on format=unaligned)'
\set ECHO all

CREATE TABLE s (id int PRIMARY KEY, a int, b text, v int, n numeric);
CREATE TABLE d (a int PRIMARY KEY, name text);
INSERT INTO s VALUES (1, 1, 'x', 5, 1.5), (2, 1, 'y', 7, NULL), (3, 2, NULL, NULL, 2.25), (4, NULL, 'x', 1, 3);
INSERT INTO d VALUES (1, 'one'), (2, 'two');

CREATE MATERIALIZED VIEW roll USING tview AS SELECT a, b, count(*) AS n, sum(v) AS s FROM s GROUP BY ROLLUP (a, b);
CREATE MATERIALIZED VIEW cubed USING tview AS
  SELECT a, b, GROUPING(a, b) AS g, GROUPING(b) AS gb, avg(n), min(v), max(v) FROM s GROUP BY CUBE (a, b);
CREATE MATERIALIZED VIEW sets USING tview AS
  SELECT a, b, v % 2 AS odd, count(*) AS n FROM s GROUP BY GROUPING SETS ((a), (b, v % 2), (), (a), (b, a));
CREATE MATERIALIZED VIEW product USING tview AS
  SELECT a, b, v, count(*) AS n FROM s GROUP BY a, ROLLUP (b), CUBE (v);
CREATE MATERIALIZED VIEW dedup USING tview AS
  SELECT a, b, count(*) AS n FROM s GROUP BY DISTINCT ROLLUP (a, b), ROLLUP (a);
CREATE MATERIALIZED VIEW dup USING tview AS
  SELECT a, b, count(*) AS n FROM s GROUP BY ROLLUP (a, b), ROLLUP (a);
-- expressions over grouping columns are evaluated over their nulls, arguments of aggregates are not
CREATE MATERIALIZED VIEW exprs USING tview AS
  SELECT coalesce(b, '*') AS b, a + 1 AS a1, sum(a) AS sa, count(b) AS cb, string_agg(b, ',' ORDER BY id) FILTER (WHERE a > 0) AS l,
         CASE WHEN GROUPING(a) = 1 THEN 'all' ELSE a::text END AS label
    FROM s GROUP BY ROLLUP (b, a);
CREATE MATERIALIZED VIEW expr_key USING tview AS
  SELECT a + 1 AS k, (a + 1) * 10 AS k10, lower(b) AS b, count(*) FROM s GROUP BY GROUPING SETS ((a + 1), (lower(b)), (a + 1, b));
CREATE MATERIALIZED VIEW with_having USING tview AS
  SELECT a, b, count(*) AS n FROM s GROUP BY ROLLUP (a, b) HAVING count(*) > 1 AND (a IS NULL OR GROUPING(b) = 0);
CREATE MATERIALIZED VIEW direct USING tview AS
  SELECT a, percentile_disc(a / 10.0) WITHIN GROUP (ORDER BY v) AS p FROM s GROUP BY ROLLUP (a);
-- only sets without a column, and a single set
CREATE MATERIALIZED VIEW grand USING tview AS SELECT sum(v) AS s FROM s GROUP BY ();
CREATE MATERIALIZED VIEW grands USING tview AS SELECT 1 AS one FROM s WHERE a > 1 GROUP BY GROUPING SETS ((), ());
CREATE MATERIALIZED VIEW single USING tview AS SELECT a, count(*) AS n FROM s GROUP BY GROUPING SETS ((a));
CREATE MATERIALIZED VIEW plain USING tview AS SELECT a, GROUPING(a) AS g, count(*) AS n FROM s GROUP BY a;
-- a column that depends on those that are in all sets
CREATE MATERIALIZED VIEW dependent USING tview AS
  SELECT s.id, s.v, s.b, d.name, count(*) AS n FROM s JOIN d USING (a) GROUP BY s.id, ROLLUP (d.name);
-- over joins, below and above other operators
CREATE MATERIALIZED VIEW joined USING tview AS
  SELECT d.name, s.b, sum(s.v) AS v FROM s JOIN d USING (a) GROUP BY CUBE (d.name, s.b);
CREATE MATERIALIZED VIEW above USING tview AS
  SELECT g, count(*) AS groups, sum(n) AS n FROM (SELECT GROUPING(a, b) AS g, count(*) AS n FROM s GROUP BY ROLLUP (a, b)) q GROUP BY g;
CREATE MATERIALIZED VIEW distinct_above USING tview AS SELECT DISTINCT count(*) AS n, a FROM s GROUP BY CUBE (a, b);
CREATE MATERIALIZED VIEW joined_above USING tview AS
  SELECT d.name, q.n FROM d JOIN (SELECT a, count(*) AS n FROM s GROUP BY ROLLUP (a)) q ON q.a IS NOT DISTINCT FROM d.a OR q.a IS NULL;
CREATE MATERIALIZED VIEW united USING tview AS
  SELECT a, count(*) FROM s GROUP BY ROLLUP (a) EXCEPT ALL SELECT a, count(*) FROM s GROUP BY a;
SELECT node, value FROM tview.explain('SELECT a, b, count(*) FROM s GROUP BY CUBE (a, b)') WHERE property = 'strategy';
TABLE cubed ORDER BY g, a, b;
TABLE dup ORDER BY a, b, n;
:check
INSERT INTO s VALUES (5, 2, 'y', 3, 7), (6, NULL, NULL, NULL, NULL), (7, 1, 'x', 9, 'NaN');
:check
UPDATE s SET a = 2 WHERE id IN (1, 4);
:check
UPDATE s SET b = nullif(b, 'x'), v = v + 1;
:check
UPDATE d SET name = 'one' WHERE a = 2;
:check
DELETE FROM s WHERE a = 2;
:check
WITH x AS (DELETE FROM d WHERE a = 1 RETURNING a) INSERT INTO s SELECT 10 + a, a, 'z', a, a FROM x;
:check
DELETE FROM s;
:check
INSERT INTO s SELECT i, i % 4, chr(97 + i % 3), i % 5, i / 3.0 FROM generate_series(1, 40) i;
:check
TRUNCATE s;
:check
REFRESH MATERIALIZED VIEW cubed;
INSERT INTO s VALUES (1, 1, 'x', 5, 1.5);
:check

-- where it is null depends on how the server plans
-- (18 does not know where it stands)
DO $$
BEGIN
  CREATE MATERIALIZED VIEW twice USING tview AS SELECT a AS x, a AS y, count(*) FROM s GROUP BY x, ROLLUP (y);
EXCEPTION WHEN feature_not_supported THEN
  RAISE INFO '%', SQLERRM;
END $$;
CREATE MATERIALIZED VIEW const USING tview AS SELECT 1 AS one, count(*) FROM s GROUP BY ROLLUP (one);
CREATE MATERIALIZED VIEW folded USING tview AS SELECT a + (1 + 1) AS x, a + 2 AS y, count(*) FROM s GROUP BY CUBE (x, y);
CREATE MATERIALIZED VIEW many USING tview AS SELECT count(*) FROM s GROUP BY CUBE (a, b, v, n, id, a + 1, a + 2, a + 3, a + 4);
