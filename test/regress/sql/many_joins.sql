--
-- Joins of many tables, and of one table many times: what they take is bounded.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir /include/scenarios.inc
\i :include
\set VERBOSITY terse
\set check 'SELECT check_views() \\g (tuples_only=on format=unaligned)'
SET statement_timeout = '60s';
CREATE TABLE t (id int PRIMARY KEY, a int, b int);
CREATE INDEX ON t (a);
CREATE INDEX ON t (b);
INSERT INTO t SELECT i, i, i + 1 FROM generate_series(1, 300) i;
ANALYZE t;
-- tables s0 to s19
CREATE FUNCTION make_tables(n int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  FOR i IN 0 .. n - 1 LOOP
    EXECUTE format('CREATE TABLE s%s (id int PRIMARY KEY, a int, b int); CREATE INDEX ON s%1$s (a); CREATE INDEX ON s%1$s (b);'
                   'INSERT INTO s%1$s SELECT i, i, i + 1 FROM generate_series(1, 50) i; ANALYZE s%1$s', i);
  END LOOP;
END $$;
SELECT make_tables(20);
-- a join of n tables; how: the join of number i with the one before
CREATE FUNCTION make(name text, n int, tables text, how text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE query text;
BEGIN
  SELECT format('SELECT x0.id AS i0 %s FROM %s x0 %s', string_agg(format(', x%s.id AS i%1$s', i), '' ORDER BY i),
                format(tables, 0), string_agg(format(how, i, i - 1, format(tables, i)), ' ' ORDER BY i))
    INTO query FROM generate_series(1, n - 1) i;
  EXECUTE format('CREATE MATERIALIZED VIEW %s USING tview AS %s', name, query);
  RETURN (SELECT count(*) FROM tview.input WHERE view = name::regclass) || ' tables, '
         || (SELECT count(*) FROM tview.state WHERE view = name::regclass) || ' state tables';
END $$;
CREATE FUNCTION memory_used() RETURNS int LANGUAGE sql AS
  $$ SELECT substring(pg_read_file('/proc/self/status') FROM 'VmHWM:\s+(\d+)')::int / 1024 $$;
\set ECHO all

-- every table is compared with every other: all orders of joins are possible
SELECT make('clique', 10, 't', 'JOIN t x%1$s ON x%1$s.id = x0.id');
-- each row looks up nine others, or the next one
SELECT make('star', 10, 't', 'LEFT JOIN t x%1$s ON x%1$s.id = x0.b');
SELECT make('chain', 10, 't', 'LEFT JOIN t x%1$s ON x%1$s.id = x%2$s.b');
-- the same without a key: each join doubles the products, unless they are stored on the way
SELECT make('bag_star', 10, 't', 'LEFT JOIN t x%1$s ON x%1$s.a = x0.b');
SELECT make('bag_chain', 10, 't', 'LEFT JOIN t x%1$s ON x%1$s.a = x%2$s.b');
-- a table may be read as often as it likes
SELECT make('long_star', 20, 't', 'LEFT JOIN t x%1$s ON x%1$s.id = x0.b');
BEGIN;
INSERT INTO t VALUES (1001, 1001, 1002);
SELECT count(*) < 1000 AS few_locks FROM pg_locks WHERE locktype = 'userlock' AND pid = pg_backend_pid();
COMMIT;
INSERT INTO t VALUES (1002, 1002, 1001), (1003, NULL, 5), (1004, 7, NULL);
UPDATE t SET b = 7 WHERE id = 1001;
UPDATE t SET a = 1002, id = 2000 WHERE id = 5;
DELETE FROM t WHERE id IN (6, 1002);
:check
DROP MATERIALIZED VIEW clique, star, chain, bag_star, bag_chain, long_star;

-- twenty tables
SELECT make('clique', 20, 's%s', 'JOIN %3$s x%1$s ON x%1$s.id = x0.id');
SELECT make('star', 20, 's%s', 'LEFT JOIN %3$s x%1$s ON x%1$s.id = x0.b');
SELECT make('bag_star', 20, 's%s', 'LEFT JOIN %3$s x%1$s ON x%1$s.a = x0.b');
SELECT make('bag_chain', 20, 's%s', 'LEFT JOIN %3$s x%1$s ON x%1$s.a = x%2$s.b');
INSERT INTO s0 VALUES (100, 100, 7);
INSERT INTO s5 VALUES (100, 7, 100), (101, 7, 8);
UPDATE s19 SET a = 7 WHERE id = 8;
DELETE FROM s17 WHERE id = 7;
:check
SELECT memory_used() < 400 AS little_memory;

-- stored sums have the rows of WHERE only, and columns of items of any kind
CREATE MATERIALIZED VIEW filtered USING tview AS
  SELECT x0.id, x6.id AS i6, (SELECT max(y.id) FROM t y WHERE y.b = x3.a) AS m, g.k, j.id AS j
    FROM t x0 LEFT JOIN t x1 ON x1.a = x0.b LEFT JOIN (SELECT a AS c, count(*) AS n FROM t GROUP BY a) x2 ON x2.c = x0.b
         LEFT JOIN t x3 ON x3.a = x0.b AND x3.id > 3 LEFT JOIN t x4 ON x4.a = x0.b LEFT JOIN t x5 ON x5.a = x4.b
         LEFT JOIN t x6 ON x6.a = x5.b + x2.n JOIN s1 j ON j.a = x0.id, LATERAL (SELECT x1.id + x0.a AS k) g
   WHERE x0.a BETWEEN 10 AND 40 AND x2.n > 0 AND (x6.id IS NULL OR x6.id <> 17) AND NOT EXISTS (SELECT FROM s2 z WHERE z.a = x5.id);
SELECT count(*) FROM tview.explain('filtered') WHERE property = 'strategy';
INSERT INTO t VALUES (3000, 21, 30), (3001, 12, 12);
UPDATE t SET a = 13 WHERE id = 14;
UPDATE s1 SET a = 11 WHERE id = 12;
DELETE FROM s2 WHERE id = 20;
DELETE FROM t WHERE id = 30;
:check
