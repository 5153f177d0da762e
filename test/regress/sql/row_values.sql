--
-- Columns that hold rows, and arrays of rows.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir /include/scenarios.inc
\i :include
\set VERBOSITY terse
\set check 'SELECT check_views() \\g (tuples_only=on format=unaligned)'
\set ECHO all

CREATE TYPE pair AS (x text, n int);
CREATE DOMAIN pairs AS pair[];
CREATE TABLE t (id int PRIMARY KEY, s text, p pair, ps pairs);

-- a row made of a value holds it as it was found, compressed or not
CREATE MATERIALIZED VIEW made USING tview AS SELECT ROW(s, id % 2)::pair AS p FROM t;
CREATE MATERIALIZED VIEW made_list USING tview AS SELECT ARRAY[ROW(s, 1)::pair, NULL, p] AS ps, id % 2 AS k FROM t;
CREATE MATERIALIZED VIEW stored USING tview AS SELECT p, ps FROM t;
CREATE MATERIALIZED VIEW keyed USING tview AS SELECT id, ROW(s, n)::pair AS p FROM (SELECT id, s, (p).n FROM t) q;
CREATE MATERIALIZED VIEW grouped USING tview AS SELECT p, count(*) AS n FROM t GROUP BY p;
CREATE MATERIALIZED VIEW grouped_made USING tview AS SELECT ROW(s, 1)::pair AS p, count(*) AS n, min(id) FROM t GROUP BY 1;
CREATE MATERIALIZED VIEW extremes USING tview AS SELECT id % 2 AS k, max(ps) AS m, min(ps::pair[]) AS least FROM t GROUP BY 1;
CREATE MATERIALIZED VIEW distinct_made USING tview AS SELECT DISTINCT ARRAY[ROW(s, 0)::pair] AS ps FROM t;
CREATE MATERIALIZED VIEW above USING tview AS SELECT (p).x, n FROM grouped;
INSERT INTO t VALUES (1, repeat('a', 4000), ROW(repeat('b', 4000), 1), ARRAY[ROW(repeat('c', 4000), 2)::pair]), (2, 'x', NULL, NULL), (3, NULL, ROW(NULL, NULL), '{NULL}');
:check
INSERT INTO t SELECT id + 10, s, p, ps FROM t;
:check
-- nothing has changed
CREATE TEMP TABLE before AS SELECT fingerprint('made') AS made, fingerprint('keyed') AS keyed;
UPDATE t SET s = left(s || s, length(s));
SELECT fingerprint('made') = made AS made, fingerprint('keyed') = keyed AS keyed FROM before;
:check
UPDATE t SET p = ROW((p).x, 5) WHERE id = 1;
:check
UPDATE t SET p.n = 7, ps[2] = ROW('z', 1);
:check
DELETE FROM t WHERE id = 1;
:check
-- rows of a type that gets or loses an attribute
ALTER TYPE pair ADD ATTRIBUTE more int;
SELECT count(*) FROM made;
REFRESH MATERIALIZED VIEW made;
REFRESH MATERIALIZED VIEW made_list; REFRESH MATERIALIZED VIEW stored; REFRESH MATERIALIZED VIEW keyed;
REFRESH MATERIALIZED VIEW grouped; REFRESH MATERIALIZED VIEW grouped_made; REFRESH MATERIALIZED VIEW extremes;
REFRESH MATERIALIZED VIEW distinct_made; REFRESH MATERIALIZED VIEW above;
:check
DELETE FROM t WHERE id = 2;
:check
ALTER TYPE pair DROP ATTRIBUTE n;
DROP MATERIALIZED VIEW keyed;
ALTER TYPE pair DROP ATTRIBUTE n;
SELECT relname FROM pg_class WHERE relkind = 'm' AND relispopulated;
