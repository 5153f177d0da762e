--
-- Output columns of subqueries that nobody reads are not computed: they may fail.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir /include/scenarios.inc
\i :include
\set VERBOSITY terse
\set check 'SELECT check_views() \\g (tuples_only=on format=unaligned)'
\set ECHO all

CREATE TABLE t (id int PRIMARY KEY, k int, v int);
CREATE TABLE u (k int, w int);
INSERT INTO t VALUES (1, 1, 1), (2, 1, 5), (3, 2, 0);
INSERT INTO u VALUES (1, 5), (2, 6);

-- 60 / (v - 5) fails for the second row
CREATE MATERIALIZED VIEW from_subquery USING tview AS
  SELECT s.k, s.n FROM (SELECT k, count(*) AS n, max(60 / (v - 5)) AS bad FROM t GROUP BY k) s;
CREATE MATERIALIZED VIEW having_stays USING tview AS
  SELECT s.k FROM (SELECT k, max(60 / (v - 5)) AS bad FROM t GROUP BY k HAVING sum(v) > 0) s;
CREATE MATERIALIZED VIEW no_column USING tview AS
  SELECT u.w FROM u, (SELECT max(60 / (v - 5)) AS bad FROM t) s;
CREATE MATERIALIZED VIEW with_once USING tview AS
  WITH w AS (SELECT k, max(60 / (v - 5)) AS bad, min(v) AS m FROM t GROUP BY k) SELECT k, m FROM w;
CREATE MATERIALIZED VIEW nested USING tview AS
  SELECT x.k FROM (SELECT s.k, s.bad + 1 AS b FROM (SELECT k, max(60 / (v - 5)) AS bad FROM t GROUP BY k) s) x;
CREATE MATERIALIZED VIEW chain USING tview AS
  WITH w AS (SELECT k, max(60 / (v - 5)) AS bad FROM t GROUP BY k), w2 AS (SELECT k, bad FROM w) SELECT k FROM w2;
CREATE VIEW plain AS SELECT k, max(60 / (v - 5)) AS bad, count(*) AS n FROM t GROUP BY k;
CREATE MATERIALIZED VIEW over_plain USING tview AS SELECT plain.n, u.w FROM plain JOIN u USING (k);
CREATE MATERIALIZED VIEW union_all USING tview AS
  SELECT s.k FROM (SELECT k, max(60 / (v - 5)) AS bad FROM t GROUP BY k UNION ALL SELECT k, w FROM u) s;
CREATE MATERIALIZED VIEW joined USING tview AS
  SELECT k, m FROM (SELECT k, min(v) AS m, max(60 / (v - 5)) AS bad FROM t GROUP BY k) s JOIN u USING (k);
-- a column that is read, if by a qual, a join or another subquery only, is computed
CREATE MATERIALIZED VIEW used USING tview AS
  SELECT s.k FROM (SELECT k, max(60 / (v - 5)) AS bad FROM t GROUP BY k) s WHERE s.bad > 0;
CREATE MATERIALIZED VIEW used USING tview AS
  SELECT s.k FROM (SELECT k, max(60 / (v - 5)) AS bad FROM t GROUP BY k) s JOIN u ON u.w = s.bad;
-- so is one that makes rows differ
CREATE MATERIALIZED VIEW used USING tview AS
  SELECT s.k FROM (SELECT DISTINCT k, max(60 / (v - 5)) AS bad FROM t GROUP BY k) s;
CREATE MATERIALIZED VIEW used USING tview AS
  SELECT s.k FROM (SELECT k, max(60 / (v - 5)) AS bad FROM t GROUP BY k UNION SELECT k, w FROM u) s;
CREATE MATERIALIZED VIEW whole_use USING tview AS
  WITH w AS (SELECT k, count(*) AS n, sum(v) AS s, avg(v) AS a FROM t GROUP BY k)
  SELECT x.k, x.n, y.s FROM w x JOIN w y ON x.k = y.k WHERE y.n > 0;
:check
INSERT INTO t VALUES (4, 2, 5), (5, 3, 5);
:check
UPDATE t SET k = 2 WHERE id = 2;
:check
UPDATE t SET v = -4 WHERE id = 1;
:check
DELETE FROM t WHERE k = 2;
:check
INSERT INTO u SELECT k, v FROM t;
:check
DELETE FROM t;
:check

-- what is not computed has no state
SELECT count(*) FROM pg_attribute WHERE attnum > 0 AND attrelid =
  (SELECT s.state FROM tview.state s WHERE s.view = 'scenario.whole_use'::regclass);

-- a column of a plain view that serves a correlation only is used
CREATE VIEW two_tables AS SELECT k::int8 AS k, v FROM t UNION ALL SELECT k, w FROM u;
CREATE TABLE o (id int PRIMARY KEY, k int8);
INSERT INTO o VALUES (1, 1), (2, 2), (3, 3);
INSERT INTO t VALUES (1, 1, 1);
CREATE MATERIALIZED VIEW correlated USING tview AS
  SELECT id FROM o WHERE EXISTS (SELECT FROM two_tables p WHERE p.k = o.k);
CREATE MATERIALIZED VIEW correlated_groups USING tview AS
  SELECT id, (SELECT max(p.v) FROM two_tables p WHERE p.k = o.k) AS m FROM o
  WHERE NOT EXISTS (SELECT p.v FROM two_tables p WHERE p.k = o.k + 1 GROUP BY p.v);
SELECT id FROM correlated ORDER BY id;
SELECT id, m FROM correlated_groups ORDER BY id;
INSERT INTO t VALUES (2, 3, 3);
:check
UPDATE o SET k = k + 1;
:check
DELETE FROM t WHERE id = 1;
:check
