--
-- Very long and very deep queries: they work, or are refused, in bounded time.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir /include/scenarios.inc
\i :include
\set VERBOSITY terse
\set check 'SELECT check_views() \\g (tuples_only=on format=unaligned)'
SET statement_timeout = '60s';
CREATE TABLE t (id int PRIMARY KEY, a int);
INSERT INTO t SELECT i, i % 5 FROM generate_series(1, 20) i;
CREATE FUNCTION nested(depth int, inner_query text, around text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  FOR i IN 1 .. depth LOOP inner_query := format(around, inner_query); END LOOP;
  RETURN inner_query;
END $$;
CREATE FUNCTION make(name text, query text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE MATERIALIZED VIEW %s USING tview AS %s', name, query);
  RETURN 'made';
EXCEPTION WHEN OTHERS THEN RETURN SQLERRM;
END $$;
\set ECHO all

SELECT make('union_all', string_agg(format('SELECT id + %s AS id FROM t WHERE a = %s', i, i % 7), ' UNION ALL ')) FROM generate_series(1, 1000) i;
SELECT make('too_many', string_agg(format('SELECT id + %s AS id FROM t', i), ' UNION ALL ')) FROM generate_series(1, 1100) i;
SELECT make('excepts', string_agg(format('SELECT id + %s AS id FROM t', i), ' EXCEPT ')) FROM generate_series(1, 100) i;
SELECT make('nested', nested(200, 'SELECT id, a FROM t', 'SELECT id, a FROM (%s) q WHERE a >= 0'));
SELECT make('nested_groups', nested(30, 'SELECT id, count(*) AS n FROM t GROUP BY id', 'SELECT id, count(*) AS n FROM (%s) q GROUP BY id'));
SELECT make('nested_exists', nested(150, 'SELECT 1 FROM t x WHERE x.id = t.a', 'SELECT t.id FROM t WHERE EXISTS (%s) AND t.a > 0'));
SELECT value FROM tview.explain('nested_exists') WHERE property = 'strategy';
SELECT make('in_list', 'SELECT id FROM t WHERE id IN (' || string_agg(i::text, ',') || ')') FROM generate_series(1, 5000) i;
SELECT make('long_sum', 'SELECT id, ' || string_agg('a', '+') || ' AS s FROM t') FROM generate_series(1, 1000);
SELECT make('self_join', 'SELECT x0.id FROM t x0 ' || string_agg(format('JOIN t x%s ON x%1$s.id = x%s.id', i, i - 1), ' ' ORDER BY i)) FROM generate_series(1, 16) i;
SELECT make('products', 'SELECT 1 AS x FROM t ' || string_agg(format(', LATERAL (SELECT u.id FROM t u WHERE u.id = t.a UNION ALL SELECT t.a) q%s', i), '')) FROM generate_series(1, 10) i;
SELECT make('full_joins', 'SELECT id FROM t x0 ' || string_agg(format('FULL JOIN (SELECT id FROM t WHERE a = %s) x%1$s USING (id)', i), ' ')) FROM generate_series(1, 30) i;
SELECT make('left_joins', 'SELECT x0.id FROM t x0 ' || string_agg(format('LEFT JOIN (SELECT a AS id, id AS a FROM t WHERE id = %s) x%1$s ON x%1$s.id = x0.id', i), ' ')) FROM generate_series(1, 30) i;
-- a sum that depends on nothing else is stored before there are too many products; here the second one
CREATE MATERIALIZED VIEW stored_sums USING tview AS
  WITH c AS (SELECT id % 3 AS x, a % 2 AS y, id % 2 AS z, count(*) AS n FROM t GROUP BY CUBE (1, 2, 3))
  SELECT p.x, q.y, r.n FROM c p JOIN c q ON p.n = q.n JOIN c r ON q.y = r.x AND r.z = 0 WHERE p.y = 1;
SELECT count(*) FROM tview.explain('stored_sums') WHERE property = 'strategy';
DO $$ BEGIN EXECUTE (SELECT 'CREATE TABLE wide (id int PRIMARY KEY, ' || string_agg(format('c%s int', i), ', ') || ')' FROM generate_series(1, 1590) i); END $$;
SELECT make('all_columns', 'SELECT * FROM wide');
INSERT INTO t VALUES (21, 3), (22, NULL);
INSERT INTO wide (id, c1590) VALUES (1, 7);
:check
UPDATE t SET a = a + 1 WHERE id > 10;
UPDATE wide SET c1 = 2;
:check
DELETE FROM t WHERE id < 5;
DELETE FROM wide;
:check
