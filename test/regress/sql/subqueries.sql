--
-- Subqueries in expressions and LATERAL: where they stand, what they refer to, what they are made of.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir /include/scenarios.inc
\i :include
\set VERBOSITY terse
\set check 'SELECT check_views() \\g (tuples_only=on format=unaligned)'
\set ECHO all

CREATE TABLE a (id int PRIMARY KEY, k int, x int);
CREATE TABLE b (id int PRIMARY KEY, a_id int, y int NOT NULL);
CREATE TABLE n (v int, w text);
INSERT INTO a SELECT i, nullif(i % 4, 3), i FROM generate_series(1, 10) i;
INSERT INTO b SELECT i, nullif(i % 6, 5), i % 3 FROM generate_series(1, 12) i;
INSERT INTO n VALUES (1, 'one'), (1, 'one'), (2, NULL), (NULL, 'null');
CREATE INDEX ON b (a_id);

-- EXISTS and IN as conditions
CREATE MATERIALIZED VIEW e1 USING tview AS SELECT id FROM a WHERE EXISTS (SELECT FROM b WHERE b.a_id = a.id);
CREATE MATERIALIZED VIEW e2 USING tview AS SELECT id FROM a WHERE NOT EXISTS (SELECT 1 FROM b WHERE b.a_id = a.id AND b.y > 1 LIMIT 1);
CREATE MATERIALIZED VIEW e3 USING tview AS SELECT id FROM a WHERE EXISTS (SELECT FROM n WHERE w = 'two');
CREATE MATERIALIZED VIEW e4 USING tview AS SELECT id FROM a WHERE EXISTS (SELECT FROM b WHERE b.a_id = a.id AND b.y <> a.k);
CREATE MATERIALIZED VIEW e5 USING tview AS SELECT id, y FROM b WHERE EXISTS (SELECT FROM a WHERE a.id = b.a_id AND a.x > 3);
CREATE MATERIALIZED VIEW e6 USING tview AS
  SELECT id FROM a WHERE EXISTS (SELECT a_id FROM b WHERE b.a_id = a.id GROUP BY a_id HAVING count(*) > 1);
CREATE MATERIALIZED VIEW i1 USING tview AS SELECT id FROM a WHERE k IN (SELECT v FROM n);
CREATE MATERIALIZED VIEW i2 USING tview AS SELECT id FROM a WHERE k NOT IN (SELECT v FROM n);
CREATE MATERIALIZED VIEW i3 USING tview AS SELECT id FROM a WHERE k NOT IN (SELECT y FROM b WHERE b.a_id < a.id);
CREATE MATERIALIZED VIEW i4 USING tview AS SELECT id FROM a WHERE (k, x) IN (SELECT y, id FROM b);
CREATE MATERIALIZED VIEW i5 USING tview AS SELECT id FROM a WHERE (k, x) NOT IN (SELECT y, a_id FROM b);
CREATE MATERIALIZED VIEW i6 USING tview AS SELECT id FROM a WHERE id IN (SELECT a_id FROM b GROUP BY a_id HAVING sum(y) > 1);
CREATE MATERIALIZED VIEW i7 USING tview AS SELECT id FROM a WHERE k IN (SELECT v FROM n UNION SELECT y FROM b WHERE b.a_id = a.id);
CREATE MATERIALIZED VIEW l1 USING tview AS SELECT id FROM a WHERE k > ALL (SELECT v FROM n WHERE v IS NOT NULL);
CREATE MATERIALIZED VIEW l2 USING tview AS SELECT id FROM a WHERE k >= ANY (SELECT v FROM n);
CREATE MATERIALIZED VIEW l3 USING tview AS SELECT id FROM a WHERE NOT (k < ALL (SELECT y FROM b WHERE b.a_id = a.id));
-- under OR, NOT, and as values
CREATE MATERIALIZED VIEW o1 USING tview AS SELECT id FROM a WHERE k = 0 OR EXISTS (SELECT FROM b WHERE b.a_id = a.id) AND k IN (SELECT v FROM n);
CREATE MATERIALIZED VIEW v1 USING tview AS
  SELECT id, EXISTS (SELECT FROM b WHERE b.a_id = a.id) AS e, k IN (SELECT v FROM n) AS i, k NOT IN (SELECT y FROM b WHERE b.a_id < a.id) AS ni,
    k <= ALL (SELECT y FROM b WHERE b.a_id = a.id) AS l FROM a;
CREATE MATERIALIZED VIEW v2 USING tview AS
  SELECT k, count(*) FILTER (WHERE EXISTS (SELECT FROM b WHERE b.a_id = a.id)) AS n, sum((SELECT count(*) FROM b WHERE b.a_id = a.id)) AS s FROM a GROUP BY k;
CREATE MATERIALIZED VIEW v3 USING tview AS
  SELECT k, count(*) AS c, (SELECT max(v) FROM n WHERE n.v > a.k) AS m FROM a GROUP BY k HAVING count(*) > (SELECT count(*) FROM n WHERE n.v = a.k);
CREATE MATERIALIZED VIEW v4 USING tview AS SELECT CASE WHEN EXISTS (SELECT FROM n WHERE n.v = a.k) THEN 'known' ELSE 'unknown' END AS c, count(*) FROM a GROUP BY 1;
-- scalar subqueries
CREATE MATERIALIZED VIEW s1 USING tview AS
  SELECT id, (SELECT count(*) FROM b WHERE b.a_id = a.id) AS c, (SELECT max(y) + 1 FROM b WHERE b.a_id = a.id) AS m,
    (SELECT coalesce(sum(y), 0) FROM b WHERE b.a_id = a.id AND y > 0 HAVING count(*) > 1) AS h FROM a;
CREATE MATERIALIZED VIEW s2 USING tview AS SELECT id, (SELECT x FROM a p WHERE p.id = a.k) AS px FROM a;
CREATE MATERIALIZED VIEW s3 USING tview AS SELECT id FROM a WHERE x > (SELECT avg(y) FROM b);
CREATE MATERIALIZED VIEW s4 USING tview AS SELECT id, (SELECT sum(b.y * a.x) FROM b WHERE b.id < a.id) AS t FROM a;
CREATE MATERIALIZED VIEW s5 USING tview AS SELECT id, (SELECT w FROM n WHERE v = a.k + 1) AS w FROM a WHERE k = 1;
CREATE MATERIALIZED VIEW s6 USING tview AS SELECT id FROM a WHERE (k, x) = (SELECT min(y), max(id) FROM b WHERE b.a_id = a.id) OR x = (SELECT 3);
CREATE MATERIALIZED VIEW s7 USING tview AS SELECT id, ARRAY(SELECT y FROM b WHERE b.a_id = a.id ORDER BY b.id DESC) AS ys, ARRAY(SELECT DISTINCT y FROM b ORDER BY 1) AS all_ys FROM a;
-- several levels
CREATE MATERIALIZED VIEW d1 USING tview AS
  SELECT id FROM a WHERE EXISTS (SELECT FROM b WHERE b.a_id = a.id AND EXISTS (SELECT FROM n WHERE n.v = b.y AND n.v < a.x));
CREATE MATERIALIZED VIEW d2 USING tview AS
  SELECT id, (SELECT count(*) FROM b WHERE b.a_id = a.id AND b.y > (SELECT avg(v) FROM n WHERE n.v <= a.x)) AS c FROM a;
CREATE MATERIALIZED VIEW doc USING tview AS
  SELECT a.id, jsonb_build_object('id', a.id, 'k', k,
    'b', (SELECT jsonb_agg(jsonb_build_object('y', b.y, 'n', (SELECT jsonb_agg(n.w ORDER BY n.w) FROM n WHERE n.v = b.y)) ORDER BY b.id)
          FROM b WHERE b.a_id = a.id)) AS doc FROM a;
-- LATERAL
CREATE MATERIALIZED VIEW t1 USING tview AS SELECT a.id, s.y FROM a, LATERAL (SELECT y FROM b WHERE b.a_id = a.id AND y < a.x) s;
CREATE MATERIALIZED VIEW t2 USING tview AS SELECT a.id, s.n, s.t FROM a, LATERAL (SELECT count(*) AS n, sum(b.y + a.x) AS t FROM b WHERE b.a_id = a.id) s;
CREATE MATERIALIZED VIEW t3 USING tview AS SELECT a.id, s.y FROM a LEFT JOIN LATERAL (SELECT DISTINCT b.y FROM b WHERE b.a_id >= a.id) s ON s.y <> a.k;
CREATE MATERIALIZED VIEW t4 USING tview AS SELECT a.id, s.y, s.c FROM a, LATERAL (SELECT y, count(*) AS c FROM b WHERE b.a_id = a.id GROUP BY y HAVING count(*) < 3) s;
CREATE MATERIALIZED VIEW t5 USING tview AS SELECT a.id, s.u FROM a, LATERAL (SELECT a.x UNION ALL SELECT y FROM b WHERE b.a_id = a.id) s(u);
CREATE MATERIALIZED VIEW t6 USING tview AS SELECT a.id, s.u FROM a, LATERAL (SELECT a.k UNION SELECT y FROM b WHERE b.a_id = a.id EXCEPT SELECT v FROM n) s(u);
CREATE MATERIALIZED VIEW t7 USING tview AS SELECT a.id, s.r FROM a, LATERAL (SELECT rank() OVER (PARTITION BY b.y ORDER BY b.id) AS r FROM b WHERE b.a_id = a.id) s;
CREATE MATERIALIZED VIEW t8 USING tview AS SELECT a.id, g, s.c FROM a, generate_series(1, a.k) g, LATERAL (SELECT count(*) AS c FROM b WHERE b.y = g) s;
CREATE MATERIALIZED VIEW t9 USING tview AS SELECT a.id, s.g, s.c FROM a, LATERAL (SELECT b.y, count(*), grouping(b.y) FROM b WHERE b.a_id = a.id GROUP BY GROUPING SETS ((b.y), (b.y, b.a_id))) s(y, c, g);
CREATE MATERIALIZED VIEW t10 USING tview AS SELECT a.id, s.u FROM a, LATERAL (SELECT count(*) FROM b WHERE b.a_id = a.id UNION SELECT x FROM b WHERE y = 1) s(u);
CREATE MATERIALIZED VIEW t11 USING tview AS SELECT a.id, s.c FROM a, LATERAL (SELECT DISTINCT count(*) FROM b WHERE b.a_id = a.id LIMIT 1) s(c);
CREATE MATERIALIZED VIEW t12 USING tview AS SELECT a.id FROM a WHERE EXISTS (SELECT count(*) FROM b WHERE b.a_id = a.id HAVING count(*) <> 1) AND NOT EXISTS (SELECT max(y) FROM b WHERE b.a_id = a.id HAVING max(y) > 1);
-- first rows
CREATE MATERIALIZED VIEW f1 USING tview AS SELECT a.id, s.y FROM a, LATERAL (SELECT y FROM b WHERE b.a_id = a.id ORDER BY b.id DESC LIMIT 2) s;
CREATE MATERIALIZED VIEW f2 USING tview AS SELECT a.id, (SELECT y FROM b WHERE b.a_id = a.id ORDER BY b.id DESC LIMIT 1) AS y FROM a;
CREATE MATERIALIZED VIEW f3 USING tview AS SELECT a.id, s.y, s.t FROM a LEFT JOIN LATERAL (SELECT y, 'x'::text AS t FROM b WHERE b.a_id < a.id ORDER BY b.id DESC LIMIT 1) s ON true;
CREATE MATERIALIZED VIEW f4 USING tview AS SELECT a.id, s.y FROM a LEFT JOIN LATERAL (SELECT DISTINCT ON (y) y, id FROM b WHERE b.a_id <= a.id ORDER BY y, id) s ON true;
CREATE MATERIALIZED VIEW f5 USING tview AS SELECT a.id FROM a WHERE EXISTS (SELECT FROM b WHERE b.a_id = a.id OFFSET 1);
CREATE MATERIALIZED VIEW f6 USING tview AS SELECT a.id, ARRAY(SELECT y FROM b WHERE b.a_id = a.id ORDER BY b.id LIMIT 2) AS ys, (SELECT id FROM b ORDER BY id DESC LIMIT 1) AS last FROM a;
-- WITH inside of a subquery; subqueries in the arguments of FROM items
CREATE MATERIALIZED VIEW w1 USING tview AS SELECT id, (WITH q AS (SELECT y FROM b WHERE b.a_id = a.id) SELECT count(*) FROM q x JOIN q z USING (y)) AS c FROM a;
CREATE MATERIALIZED VIEW w2 USING tview AS SELECT a.id, g, v.m FROM a, generate_series(1, (SELECT count(*) FROM b WHERE b.a_id = a.id)) g, (VALUES ((SELECT max(v) FROM n)), (7)) v(m);
-- aggregates that give something over no rows
CREATE FUNCTION show_sum(int) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT '<' || coalesce($1, -1) || '>' $$;
CREATE FUNCTION show_both(int, int) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT '<' || coalesce($1, -1) || coalesce($2, -2) || '>' $$;
CREATE AGGREGATE from_seven (int) (SFUNC = int4pl, STYPE = int, INITCOND = '7');
CREATE AGGREGATE shown (int) (SFUNC = int4pl, STYPE = int, FINALFUNC = show_sum);
CREATE AGGREGATE shown_extra (int) (SFUNC = int4pl, STYPE = int, INITCOND = '0', FINALFUNC = show_both, FINALFUNC_EXTRA);
CREATE MATERIALIZED VIEW g1 USING tview AS
  SELECT id, (SELECT from_seven(y) FROM b WHERE b.a_id = a.id) AS s, (SELECT shown(y) || shown_extra(y) FROM b WHERE b.a_id = a.id) AS t FROM a;
-- equal values that look different
CREATE TABLE num (id int PRIMARY KEY, d numeric);
INSERT INTO num VALUES (1, 1.0), (2, 1.00), (3, 2);
CREATE MATERIALIZED VIEW m1 USING tview AS SELECT id, (SELECT count(*) || ':' || num.d FROM n WHERE n.v > num.d - 1) AS t FROM num;
CREATE MATERIALIZED VIEW m2 USING tview AS SELECT id, d FROM num WHERE d IN (SELECT v FROM n);
:check
INSERT INTO b VALUES (20, 7, 5), (21, 8, 0), (22, NULL, 1);
:check
DELETE FROM b WHERE a_id = 3;
:check
UPDATE b SET a_id = a_id + 1, y = y + 1;
:check
UPDATE a SET k = k + 1 WHERE id % 3 = 0;
:check
INSERT INTO n VALUES (0, 'zero'), (3, 'three'), (4, 'two');
:check
-- more than one row of a scalar subquery
INSERT INTO n VALUES (2, 'again');
:check
DELETE FROM n WHERE v = 2;
INSERT INTO n VALUES (5, 'five'), (5, 'five');
:check
WITH u AS (UPDATE a SET x = x + 1, k = 3 - k RETURNING 1), d AS (UPDATE n SET v = v - 1 WHERE v <> 2) DELETE FROM b WHERE id % 2 = 0;
:check
DELETE FROM n WHERE v IS NULL;
:check
INSERT INTO a VALUES (100, 1, NULL), (101, NULL, 5);
UPDATE num SET d = d + 0.0 WHERE id = 3;
:check
TRUNCATE b;
:check
INSERT INTO b SELECT i, nullif(i % 6, 5), i % 3 FROM generate_series(1, 12) i;
:check
DELETE FROM a WHERE id < 5;
:check
TRUNCATE n;
:check
