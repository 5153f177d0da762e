-- What a view computes of rows of several tables is computed for rows that its query joins: not for rows that never
-- stood in the database at one time, as the terms of a delta pair them, nor for rows that a join leaves out.
SET client_min_messages = warning;
CREATE EXTENSION pg_tviews;
CREATE TABLE t (id int PRIMARY KEY, k int, x int);
CREATE TABLE u (id int PRIMARY KEY, k int, y int);
CREATE TABLE good (id int PRIMARY KEY);
INSERT INTO t VALUES (1, 1, 5);
INSERT INTO u VALUES (1, 1, 3);
INSERT INTO good VALUES (1), (2), (7);
CREATE FUNCTION differing() RETURNS SETOF regclass LANGUAGE sql AS
  $$ SELECT c.relation FROM tview.views v, tview.check(v.view) c $$;

-- functions and lists of values in FROM, in the output, behind each other
CREATE MATERIALIZED VIEW a01 USING tview AS SELECT t.id, u.id AS uid, g FROM t JOIN u ON t.k = u.k, generate_series(1, 10 / (t.x - u.y)) g;
CREATE MATERIALIZED VIEW a02 USING tview AS SELECT t.id, generate_series(1, 10 / (t.x - u.y)) AS s FROM t JOIN u ON t.k = u.k;
CREATE MATERIALIZED VIEW a03 USING tview AS SELECT t.id, q.s FROM t JOIN u ON t.k = u.k, LATERAL (VALUES (10 / (t.x - u.y)), (1)) q (s);
CREATE MATERIALIZED VIEW a04 USING tview AS SELECT t.id, q.s FROM t JOIN u ON t.k = u.k, unnest(ARRAY[10 / (t.x - u.y)]) q (s);
CREATE MATERIALIZED VIEW a05 USING tview AS SELECT t.id, q.s FROM t JOIN u ON t.k = u.k LEFT JOIN generate_series(1, 10 / (t.x - u.y)) q (s) ON true;
CREATE MATERIALIZED VIEW a06 USING tview AS
  SELECT t.id, g.s FROM t JOIN u ON t.k = u.k, LATERAL (VALUES (t.x - u.y)) d (d), generate_series(1, 10 / d.d) g (s) WHERE 10 / d.d > 0;
CREATE MATERIALIZED VIEW a07 USING tview AS
  SELECT t.k, sum(g.s) AS s, sum(h.s) AS h FROM t JOIN u ON t.k = u.k, generate_series(1, 10 / (t.x - u.y)) g (s), generate_series(1, 10 / (t.x - u.y) + g.s) h (s) GROUP BY t.k;
CREATE MATERIALIZED VIEW a08 USING tview AS
  SELECT t.id, b.y FROM t JOIN u ON t.k = u.k, generate_series(1, 10 / (t.x - u.y)) g (s) JOIN u b ON b.id = g.s;
-- conditions of outer joins, what a LATERAL subquery is looked up by
CREATE MATERIALIZED VIEW b01 USING tview AS SELECT t.id, u.id AS uid, w.id AS wid FROM t JOIN u ON t.k = u.k LEFT JOIN t w ON w.id = 10 / (t.x - u.y);
CREATE MATERIALIZED VIEW b02 USING tview AS
  SELECT t.id, u.y, x.c FROM t JOIN u ON t.k = u.k, LATERAL (SELECT max(b.x) AS c FROM t b WHERE b.k = 10 / (t.x - u.y)) x;
CREATE MATERIALIZED VIEW b03 USING tview AS
  SELECT t.id, (SELECT b.y FROM u b WHERE b.id = 10 / (t.x - u.y)) AS y, NOT EXISTS (SELECT FROM u b WHERE b.k = 10 / (t.x - u.y)) AS n FROM t JOIN u ON t.k = u.k;
-- five changed leaves: what they were is R - dR
CREATE MATERIALIZED VIEW c01 USING tview AS
  SELECT t.id, g.s, w.id AS wid FROM t JOIN u ON t.k = u.k JOIN t t2 ON t2.id = t.id JOIN u u2 ON u2.id = u.id CROSS JOIN generate_series(1, 10 / (t.x - u2.y)) g (s)
  LEFT JOIN t w ON w.id = 10 / (t2.x - u.y);
-- a group that is computed anew, a limit, a window, DISTINCT, recursion
CREATE MATERIALIZED VIEW d01 USING tview AS SELECT t.k, string_agg(g::text, ',' ORDER BY g) AS s FROM t JOIN u ON t.k = u.k, generate_series(1, 10 / (t.x - u.y)) g GROUP BY t.k;
CREATE MATERIALIZED VIEW d02 USING tview AS SELECT t.id, g FROM t JOIN u ON t.k = u.k, generate_series(1, 10 / (t.x - u.y)) g ORDER BY g DESC, t.id LIMIT 2;
CREATE MATERIALIZED VIEW d03 USING tview AS SELECT t.k, g, rank() OVER (PARTITION BY t.k ORDER BY g) AS r FROM t JOIN u ON t.k = u.k, generate_series(1, 10 / (t.x - u.y)) g;
CREATE MATERIALIZED VIEW d04 USING tview AS SELECT DISTINCT g % 3 AS m FROM t JOIN u ON t.k = u.k, generate_series(1, 10 / (t.x - u.y)) g;
CREATE MATERIALIZED VIEW d05 USING tview AS
  WITH RECURSIVE r AS (SELECT t.id, g FROM t JOIN u ON t.k = u.k, generate_series(1, 10 / (t.x - u.y)) g
    UNION SELECT t.id, h FROM r JOIN t ON t.id = r.g JOIN u ON t.k = u.k, generate_series(1, 10 / (t.x - u.y)) h) SELECT * FROM r;

WITH a AS (UPDATE t SET x = 8), b AS (UPDATE u SET y = 5) SELECT;
SELECT differing();
WITH a AS (UPDATE t SET x = 5), b AS (UPDATE u SET y = 3) SELECT;
SELECT differing();
WITH a AS (INSERT INTO t VALUES (2, 1, 4)), b AS (UPDATE u SET y = 2) SELECT;
SELECT differing();
WITH a AS (UPDATE t SET x = 12 WHERE id = 2), b AS (UPDATE u SET y = 4), c AS (UPDATE t SET x = 2 WHERE id = 1) SELECT;
SELECT differing();
WITH a AS (DELETE FROM t WHERE id = 2), b AS (INSERT INTO u VALUES (2, 2, 12), (3, 1, 12)) SELECT;
SELECT differing();
WITH a AS (UPDATE t SET k = 2, x = 13), b AS (DELETE FROM u WHERE id < 3) SELECT;
SELECT differing();
WITH a AS (UPDATE t SET k = 1), b AS (UPDATE u SET id = 1) SELECT;
SELECT differing();
SELECT * FROM a07;
SELECT * FROM c01 ORDER BY s;
-- rows that are there fail as they do in the query
UPDATE t SET x = 12;
WITH a AS (UPDATE t SET x = 7), b AS (UPDATE u SET y = 7) SELECT;
SELECT differing();
-- several statements whose changes are applied together
SELECT tview.set(view::text, mode => 'deferred') FROM tview.views WHERE view::text ~ '^[abcd]';
BEGIN;
UPDATE t SET x = 3;
UPDATE u SET y = 1;
COMMIT;
BEGIN;
UPDATE t SET x = 12;
UPDATE t SET x = 1;
UPDATE u SET y = 9;
UPDATE u SET y = 3;
INSERT INTO t VALUES (3, 1, 9);
COMMIT;
SELECT differing();
SELECT * FROM b02 ORDER BY id;
DO $$ DECLARE v regclass; BEGIN
  FOR v IN SELECT view FROM tview.views LOOP EXECUTE format('DROP MATERIALIZED VIEW %s', v); END LOOP;
END $$;

-- rows that are not joined, in output columns, which the server computes last
TRUNCATE t, u;
INSERT INTO u SELECT i, i % 5, i FROM generate_series(1, 20) i;
INSERT INTO t VALUES (1, 1, 2), (2, 2, 3);
CREATE MATERIALIZED VIEW e01 USING tview AS SELECT t.id, (SELECT count(*) FROM u WHERE u.k < 10 / t.x) AS n FROM t JOIN good g ON g.id = t.id;
CREATE MATERIALIZED VIEW e02 USING tview AS SELECT t.id, (SELECT jsonb_agg(u.y ORDER BY u.y) FROM u WHERE u.k > 10 / t.x) AS doc FROM t, good g WHERE g.id = t.id;
CREATE MATERIALIZED VIEW e03 USING tview AS SELECT t.id, (SELECT u.y FROM u ORDER BY u.y % t.x, u.y LIMIT 1) AS y FROM t JOIN good g ON g.id = t.id;
CREATE MATERIALIZED VIEW e04 USING tview AS SELECT t.id, EXISTS (SELECT FROM u WHERE u.k < 10 / t.x) AS found FROM t JOIN good g ON g.id = t.id;
INSERT INTO t VALUES (3, 1, 0);
SELECT differing();
UPDATE t SET id = 7, x = 4 WHERE id = 3;
SELECT differing();
INSERT INTO good VALUES (4);
INSERT INTO t VALUES (4, 2, 5), (5, 3, 0);
DELETE FROM good WHERE id = 4;
UPDATE u SET k = k + 1 WHERE y % 3 = 0;
SELECT differing();
SELECT id, n, doc, y, found FROM e01 JOIN e02 USING (id) JOIN e03 USING (id) JOIN e04 USING (id) ORDER BY id;

-- columns of two tables that are joined by a third: their pairs are those that it joins
CREATE MATERIALIZED VIEW f01 USING tview AS
  SELECT t.id, u.id AS uid, q.n FROM t JOIN good g ON g.id = t.k JOIN u ON u.id = g.id, LATERAL (SELECT count(*) AS n FROM u z WHERE z.k < t.x AND z.y > u.y) q;
CREATE MATERIALIZED VIEW f02 USING tview AS
  SELECT t.id, u.id AS uid, z.y FROM t JOIN good g ON g.id = t.k JOIN u ON u.id = g.id LEFT JOIN u z ON z.k < t.x AND z.y > u.y + 17;
SELECT v AS view, node, value FROM unnest('{f01,f02}'::text[]) v, tview.explain(v) WHERE property = 'reads' ORDER BY v, node;
INSERT INTO t VALUES (10, 7, 3), (11, 8, 2);
INSERT INTO good VALUES (8);
UPDATE u SET y = y + 1 WHERE id IN (7, 20);
SELECT differing();

-- a comparison with a value that changes, of a table that changes, too, below what computes from both
SET client_min_messages = error;
CREATE TABLE v (id int PRIMARY KEY, x int);
INSERT INTO v VALUES (1, 5), (2, 6);
CREATE MATERIALIZED VIEW g01 USING tview AS
  WITH pairs AS (SELECT ARRAY[b.y, c.y] AS y FROM (SELECT bit_xor(x) AS o FROM v) a, u b JOIN u c ON b.k = c.k WHERE a.o < c.y)
  SELECT b.y, every(b.y IS NOT NULL) AS e, json_agg(a.y ORDER BY a.y) AS j FROM pairs a JOIN pairs b ON a.y = b.y GROUP BY b.y, a.y;
WITH w AS (INSERT INTO u SELECT max(id) + 1, 7, 20 FROM u) DELETE FROM v WHERE id = 1;
SELECT differing();
WITH w AS (UPDATE u SET y = y + 1 WHERE id % 3 = 0) UPDATE v SET x = x + 3;
SELECT differing();
