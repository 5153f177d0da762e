--
-- DISTINCT in aggregates: counted incrementally.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir /include/scenarios.inc
\i :include
\set VERBOSITY terse
\set check 'SELECT check_views() \\g (tuples_only=on format=unaligned)'
\set ECHO all

CREATE TABLE t (id int PRIMARY KEY, k int, n int, p numeric(8,2), s text, c char(4), f boolean, b bytea, j jsonb, a int[]);
CREATE TABLE u (k int, w text);
INSERT INTO t SELECT i, nullif(i % 3, 2), i % 4, (i % 3) / 2.0, nullif('s' || i % 2, 's1'), 'c' || i % 2, i % 2 = 0, '\x01', jsonb_build_object('i', i % 2), ARRAY[i % 2]
  FROM generate_series(1, 12) i;
INSERT INTO u VALUES (0, 'x'), (1, 'y'), (NULL, 'z'), (1, 'y');

CREATE MATERIALIZED VIEW one USING tview AS SELECT k, count(DISTINCT n) AS n FROM t GROUP BY k;
CREATE MATERIALIZED VIEW same_arg USING tview AS SELECT k, count(DISTINCT n) AS c, sum(DISTINCT n) AS s, avg(DISTINCT n) AS a, max(DISTINCT n) AS m FROM t GROUP BY k;
CREATE MATERIALIZED VIEW mixed USING tview AS
  SELECT k, count(*) AS n, sum(n) AS s, count(DISTINCT n) AS dn, sum(DISTINCT p) AS dp, count(DISTINCT s) AS ds, min(p), max(s), avg(n) FILTER (WHERE f) AS af, bool_and(f) AS bf,
         stddev(DISTINCT p) AS sd FROM t GROUP BY k;
CREATE MATERIALIZED VIEW filtered USING tview AS
  SELECT k, count(DISTINCT n) FILTER (WHERE f) AS c, count(DISTINCT n) FILTER (WHERE s IS NULL) AS d, count(DISTINCT n) AS e, sum(DISTINCT n) FILTER (WHERE f) AS g,
         sum(coalesce(n, 7)) FILTER (WHERE s IS NULL) AS h, count(*) FILTER (WHERE s IS NULL) AS i FROM t GROUP BY k;
CREATE MATERIALIZED VIEW of_all USING tview AS SELECT count(DISTINCT s) AS s, sum(DISTINCT n) AS n, count(DISTINCT k) AS k FROM t;
CREATE MATERIALIZED VIEW of_all_mixed USING tview AS SELECT count(DISTINCT s) AS s, count(*) AS n, max(p) FROM t;
CREATE MATERIALIZED VIEW rows USING tview AS SELECT k, count(DISTINCT (n, s)) AS ns, count(DISTINCT (n)) AS n, count(DISTINCT t) AS t FROM t GROUP BY k;
CREATE MATERIALIZED VIEW many_args USING tview AS SELECT k, regr_count(DISTINCT n, id % 2) AS r FROM t GROUP BY k;
CREATE MATERIALIZED VIEW exprs USING tview AS SELECT k, count(DISTINCT n % 2) * 10 + count(DISTINCT 10 / (n + 1)) AS x FROM t GROUP BY k HAVING count(DISTINCT n) > 1;
CREATE MATERIALIZED VIEW no_key_shown USING tview AS SELECT count(DISTINCT n) AS n, count(DISTINCT s) AS s FROM t GROUP BY k;
CREATE MATERIALIZED VIEW no_need USING tview AS SELECT k, min(DISTINCT n) AS n, bool_or(DISTINCT f) AS f, bit_and(DISTINCT n) AS b, count(n ORDER BY p) AS c, sum(n ORDER BY id) AS s FROM t GROUP BY k;
CREATE MATERIALIZED VIEW typed USING tview AS SELECT k, count(DISTINCT c) AS c, count(DISTINCT b) AS b, count(DISTINCT s::varchar(10)) AS v, count(DISTINCT f) AS f FROM t GROUP BY k;
CREATE MATERIALIZED VIEW cubed USING tview AS SELECT k, f, count(DISTINCT n) AS n, count(*) AS c FROM t GROUP BY CUBE (k, f);
CREATE MATERIALIZED VIEW joined USING tview AS SELECT u.w, count(DISTINCT t.n) AS n, count(*) AS c, sum(DISTINCT t.id) AS s FROM t JOIN u ON u.k IS NOT DISTINCT FROM t.k GROUP BY u.w;
CREATE MATERIALIZED VIEW outer_joined USING tview AS SELECT u.w, count(DISTINCT t.n) AS n, count(DISTINCT t) AS r, count(*) AS c FROM u LEFT JOIN t USING (k) GROUP BY u.w;
CREATE MATERIALIZED VIEW below USING tview AS SELECT q.n, count(*) AS groups FROM (SELECT k, count(DISTINCT n) AS n, sum(n) AS s FROM t GROUP BY k) q GROUP BY q.n;
CREATE MATERIALIZED VIEW correlated USING tview AS SELECT u.k, u.w, (SELECT count(DISTINCT n) FROM t WHERE t.k = u.k) AS n, (SELECT count(DISTINCT s) + count(*) FROM t WHERE t.k = u.k AND f) AS s FROM u;
CREATE MATERIALIZED VIEW inside USING tview AS SELECT k, count(DISTINCT (SELECT max(w) FROM u WHERE u.k = t.k)) AS n, count(*) AS c FROM t GROUP BY k;
-- these are recomputed: values that have no digest, aggregates that need the order
CREATE MATERIALIZED VIEW recomputed USING tview AS
  SELECT k, count(DISTINCT j) AS j, count(DISTINCT a) AS a, string_agg(DISTINCT s, ',' ORDER BY s) AS s, array_agg(DISTINCT n) AS n, sum(DISTINCT n::float8) AS f FROM t GROUP BY k;
SELECT q.n, (SELECT string_agg(value, ', ' ORDER BY node DESC) FROM tview.explain(q.sql) WHERE property = 'strategy') AS strategy
  FROM (VALUES (1, 'SELECT k, count(DISTINCT n) FROM t GROUP BY k'), (2, 'SELECT k, count(DISTINCT n) AS n, sum(DISTINCT n), count(DISTINCT s) AS s, count(*) FROM t GROUP BY k'),
               (3, 'SELECT k, min(DISTINCT n), sum(n ORDER BY id) FROM t GROUP BY k'), (4, 'SELECT k, count(DISTINCT n), array_agg(n) FROM t GROUP BY k'),
               (5, 'SELECT k, count(DISTINCT j) FROM t GROUP BY k')) q(n, sql) ORDER BY 1;
TABLE mixed ORDER BY k;
:check
INSERT INTO t (id, k, n, p, s) VALUES (20, 0, 9, 1.50, repeat('long', 3000)), (21, 0, 9, 1.5, repeat('long', 3000) || 'er'), (22, 5, NULL, NULL, NULL);
:check
INSERT INTO t (id, k, n, p, s) VALUES (23, 0, 9, NULL, repeat('long', 3000));
:check
UPDATE t SET n = n + 1, s = s || 'x' WHERE id % 2 = 0;
:check
DELETE FROM t WHERE id = 20;
:check
UPDATE t SET k = 1 WHERE k = 0;
:check
UPDATE t SET f = NOT f, p = -p;
:check
DELETE FROM t WHERE id IN (21, 22, 23);
:check
DELETE FROM u WHERE k = 1;
:check
WITH d AS (DELETE FROM t WHERE id < 5 RETURNING k) INSERT INTO u SELECT k, 'd' FROM d;
:check
BEGIN;
INSERT INTO t (id, k, n) SELECT i, i % 3, i FROM generate_series(100, 400) i;
SAVEPOINT s;
DELETE FROM t WHERE id > 200;
:check
ROLLBACK TO s;
:check
COMMIT;
TRUNCATE t;
:check
INSERT INTO t (id, k, n) VALUES (1, 1, 1), (2, 1, 1), (3, 1, NULL);
:check

-- values too long for an index are kept as their hash
SELECT k, length(image_digest::text) FROM t, LATERAL tview.image_digest(repeat('x', 1000 * id)) LIMIT 1;
SELECT tview.image_digest('ab'::text), tview.image_digest(NULL::text), tview.image_digest(repeat('ab', 64)) = tview.image_digest(repeat('ab', 64)::bytea) AS same;
SELECT tview.image_digest(1);
SELECT tview.image_digest(r) = tview.image_digest(ROW(1, 2)) AS same, tview.image_digest(r) = tview.image_digest(ROW(1, 3)) AS other,
       length(tview.image_digest(r)) FROM (VALUES (ROW(1, 2))) v (r);
