--
-- Subqueries that look at the groups of the query they stand in.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir /include/scenarios.inc
\i :include
\set VERBOSITY terse
\set check 'SELECT check_views() \\g (tuples_only=on format=unaligned)'
SET client_min_messages = warning;
\set ECHO all

CREATE TABLE t (id int PRIMARY KEY, a int, b int);
CREATE TABLE u (id int PRIMARY KEY, t_id int, a int);
INSERT INTO t SELECT i, i % 4, i % 3 FROM generate_series(1, 20) i;
INSERT INTO u SELECT i, i % 20, i % 7 FROM generate_series(1, 40) i;
CREATE MATERIALIZED VIEW x1 USING tview AS
  SELECT a, count(*) FROM t GROUP BY a HAVING EXISTS (SELECT FROM u WHERE u.a > count(t.id));
CREATE MATERIALIZED VIEW x2 USING tview AS
  SELECT a, (SELECT count(*) FROM u WHERE u.a = sum(t.b)) AS n, sum(b) FROM t GROUP BY a;
CREATE MATERIALIZED VIEW x3 USING tview AS
  SELECT a, b, grouping(a,b) AS g, count(*) AS n, (SELECT max(u.id) FROM u WHERE u.a = t.a) AS m FROM t GROUP BY ROLLUP (a, b) HAVING count(*) > (SELECT min(a) FROM u);
CREATE MATERIALIZED VIEW x4 USING tview AS
  SELECT (SELECT string_agg(u.id::text, ',' ORDER BY u.id) FROM u WHERE u.a < avg(t.b) + grouping(t.a)) AS s FROM t GROUP BY CUBE (a, b);
CREATE MATERIALIZED VIEW x5 USING tview AS
  SELECT u.id, (SELECT (SELECT count(*) FROM u v WHERE v.a = sum(t.b)) FROM t WHERE t.a = u.a) AS n FROM u;
CREATE MATERIALIZED VIEW x6 USING tview AS
  SELECT DISTINCT ON (a) a, (SELECT x.id FROM u x WHERE x.a >= count(t.id) ORDER BY x.id LIMIT 1) AS f, b FROM t GROUP BY a, b ORDER BY a, b DESC;
CREATE MATERIALIZED VIEW x7 USING tview AS
  SELECT count(*) AS n, (SELECT count(*) FROM u WHERE u.id < max(t.id)) AS m FROM t;
CREATE MATERIALIZED VIEW x8 USING tview AS
  WITH w AS (SELECT a, id FROM u) SELECT t.a + 1 AS a1, (SELECT count(*) FROM w WHERE w.a = max(t.b)) AS m FROM t JOIN w USING (id) GROUP BY GROUPING SETS ((t.a + 1), ()) HAVING NOT EXISTS (SELECT FROM w WHERE w.a = sum(t.id));
CREATE MATERIALIZED VIEW x9 USING tview AS
  SELECT a, rank() OVER (ORDER BY sum(b)) AS r, (SELECT count(*) FROM u WHERE u.a = count(t.id)) AS m FROM t GROUP BY a HAVING sum(b) > (SELECT min(u.a) FROM u WHERE u.id < sum(t.id));
CREATE MATERIALIZED VIEW x10 USING tview AS
  SELECT a, sum(b + (SELECT count(*) FROM u WHERE u.a = t.a)) AS s FROM t GROUP BY ROLLUP (a);
CREATE MATERIALIZED VIEW x11 USING tview AS
  SELECT count(*) FILTER (WHERE EXISTS (SELECT FROM u WHERE u.t_id = t.id)) AS s, string_agg((SELECT max(u.id) FROM u WHERE u.t_id = t.id)::text, ',' ORDER BY id) FROM t GROUP BY CUBE (a, b);
CREATE MATERIALIZED VIEW x12 USING tview AS
  SELECT (SELECT count(*) FROM u WHERE u.t_id = t.id) AS s, count(*), sum(b), grouping((SELECT count(*) FROM u WHERE u.t_id = t.id)) FROM t GROUP BY ROLLUP ((SELECT count(*) FROM u WHERE u.t_id = t.id));
:check
INSERT INTO t VALUES (30, 1, 2), (31, 7, 7);
:check
UPDATE u SET a = a + 1 WHERE id % 3 = 0;
:check
DELETE FROM t WHERE a = 2;
:check
UPDATE t SET b = b + 3;
:check
TRUNCATE u;
:check
INSERT INTO u SELECT i, i % 20, i % 7 FROM generate_series(1, 40) i;
:check
DELETE FROM t;
:check
INSERT INTO t SELECT i, i % 4, i % 3 FROM generate_series(1, 20) i;
:check
