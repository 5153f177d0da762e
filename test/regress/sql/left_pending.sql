--
-- What leaves pending changes alone, and what has them applied first: utility statements and functions.
--
\set ECHO none
SET client_min_messages = warning;
CREATE EXTENSION pg_tviews;
\set VERBOSITY terse
\set SHOW_CONTEXT never
\set ECHO all
CREATE TABLE child (id int PRIMARY KEY, p int, n int);
CREATE TABLE other (id int PRIMARY KEY, x int);
CREATE TABLE alone (id int PRIMARY KEY, x int);
CREATE TABLE log (id int);
CREATE SEQUENCE numbers;
CREATE TABLE kind (k int) PARTITION BY LIST (k);
CREATE TABLE kind_1 PARTITION OF kind FOR VALUES IN (1);
INSERT INTO child SELECT i, i % 3, i FROM generate_series(1, 9) i;
CREATE MATERIALIZED VIEW plain AS SELECT count(*) FROM alone;
CREATE MATERIALIZED VIEW sums USING tview AS SELECT p, count(*) AS children, sum(n) AS total FROM child GROUP BY p;
CREATE MATERIALIZED VIEW others USING tview AS SELECT count(*) AS n FROM other;
CREATE MATERIALIZED VIEW logged USING tview AS SELECT count(*) AS n FROM log;
CREATE MATERIALIZED VIEW kinds USING tview AS SELECT k, count(*) AS n FROM kind GROUP BY k;
SELECT count(tview.set(view, 'deferred')::text) FROM tview.views;
CREATE FUNCTION right_now() RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(view::text, ', ' ORDER BY view::text) FROM tview.views, LATERAL tview.check(view) $$;

-- How often was the view brought up to date while this was run, each after a change, in one transaction?
-- To ask for it is a read: once at least.
CREATE FUNCTION flushes(VARIADIC statements text[]) RETURNS int8 LANGUAGE plpgsql AS $$
DECLARE
    before int8 := flushes FROM tview.activity('sums');
    statement text;
BEGIN
    FOREACH statement IN ARRAY statements LOOP
        INSERT INTO child SELECT max(id) + 1, 1, 1 FROM child;
        EXECUTE statement;
    END LOOP;
    RETURN (SELECT flushes FROM tview.activity('sums')) - before;
END $$;

-- statements that cannot touch a view
BEGIN;
SELECT flushes('CREATE TEMP TABLE t1 (x int)', 'CREATE TABLE t2 (id serial PRIMARY KEY, x int REFERENCES alone, CHECK (x > 0))',
  'CREATE TABLE t3 (LIKE child INCLUDING ALL)', 'CREATE TEMP TABLE t4 AS SELECT 1 AS x',
  'ALTER TABLE t2 ADD y int', 'ALTER TABLE t2 RENAME y TO z', 'CREATE INDEX ON t2 (z)', 'REINDEX TABLE t2', 'CLUSTER t2 USING t2_pkey',
  'CREATE TABLE t6 (k int) PARTITION BY LIST (k)', 'CREATE TABLE t7 PARTITION OF t6 DEFAULT', 'CREATE TABLE t8 () INHERITS (t2)',
  'CREATE VIEW t9 AS SELECT * FROM t2', 'CREATE OR REPLACE VIEW t9 AS SELECT * FROM t2', 'CREATE MATERIALIZED VIEW t10 AS SELECT * FROM t2',
  'REFRESH MATERIALIZED VIEW t10', 'TRUNCATE t8', 'ANALYZE alone', 'ANALYZE child', 'COMMENT ON TABLE child IS $c$commented$c$',
  'GRANT SELECT ON t2 TO public', 'CREATE SEQUENCE more', 'ALTER SEQUENCE numbers RESTART', 'GRANT USAGE ON SEQUENCE numbers TO public',
  'CREATE TYPE mood AS ENUM (''glad'')', 'CREATE DOMAIN positive AS int CHECK (VALUE > 0)', 'CREATE TYPE pair AS (a int, b int)',
  'CREATE STATISTICS st ON id, x FROM alone', 'DISCARD PLANS', 'DISCARD SEQUENCES', 'SET LOCAL work_mem = ''2MB''', 'NOTIFY nobody',
  'SET CONSTRAINTS ALL IMMEDIATE', 'LOCK TABLE alone', 'DO ''BEGIN END''', 'EXPLAIN SELECT 1', 'EXPLAIN (COSTS off) SELECT * FROM sums',
  'DECLARE c CURSOR FOR SELECT 1', 'CLOSE c', 'PREPARE one AS SELECT 1', 'EXPLAIN ANALYZE INSERT INTO alone VALUES (1, 1)',
  'COPY alone TO ''/dev/null''', 'COPY child TO ''/dev/null''', 'COPY (SELECT * FROM alone) TO ''/dev/null''', 'COPY child FROM ''/dev/null''',
  'DROP VIEW t9', 'DROP MATERIALIZED VIEW t10', 'DROP TABLE t8, t6', 'DROP TABLE IF EXISTS nothing', 'DROP SEQUENCE more',
  'CREATE POLICY everybody ON alone', 'ALTER POLICY everybody ON alone USING (true)', 'CREATE TABLE IF NOT EXISTS child (id int)');
-- a partition of a tree that is read is empty at first
SELECT flushes('CREATE TABLE kind_2 PARTITION OF kind FOR VALUES IN (2)', 'INSERT INTO kind VALUES (1), (2), (2)',
  'CREATE TABLE kind_rest PARTITION OF kind DEFAULT PARTITION BY RANGE (k)', 'CREATE TABLE kind_3 PARTITION OF kind_rest DEFAULT',
  'INSERT INTO kind VALUES (3), (4)', 'INSERT INTO kind_2 VALUES (2)');
SELECT * FROM kinds ORDER BY k;
COMMIT;
SELECT right_now();
-- those that can: once for each but the first
BEGIN;
SELECT flushes('SELECT 1', 'TRUNCATE other', 'ALTER TABLE child ALTER n SET NOT NULL', 'CREATE TABLE u1 () INHERITS (other)',
  'CREATE TABLE u2 (x int REFERENCES child)', 'ALTER TABLE alone ADD FOREIGN KEY (x) REFERENCES child', 'ALTER TABLE u1 NO INHERIT other',
  'ALTER TABLE kind DETACH PARTITION kind_1', 'ALTER TABLE kind ATTACH PARTITION kind_1 FOR VALUES IN (1)',
  'CREATE MATERIALIZED VIEW u3 USING tview AS SELECT x FROM alone', 'REFRESH MATERIALIZED VIEW others', 'DROP TABLE kind_1',
  'CREATE INDEX ON sums (total)', 'DROP MATERIALIZED VIEW u3', 'GRANT SELECT ON child TO public', 'DROP TABLE u2 CASCADE', 'SELECT 1') - 1 AS fifteen;
COMMIT;
SELECT right_now();
-- statements that read
BEGIN;
SELECT flushes('CREATE TABLE r1 AS SELECT * FROM sums', 'CREATE MATERIALIZED VIEW r2 AS SELECT * FROM sums', 'REFRESH MATERIALIZED VIEW r2',
  'COPY (SELECT * FROM sums) TO ''/dev/null''', 'DECLARE c CURSOR FOR SELECT sum(children) FROM sums', 'PREPARE two AS SELECT sum(children) FROM sums',
  'CREATE TABLE r3 AS EXECUTE two', 'EXPLAIN ANALYZE EXECUTE two', 'SELECT 1');
SELECT (SELECT sum(children) FROM r1) AS r1, (SELECT sum(children) FROM r2) AS r2, (SELECT * FROM r3) AS r3;
FETCH c;
EXECUTE two;
INSERT INTO child VALUES (1001, 1, 1);
EXECUTE two;
COPY child FROM STDIN;
1002	1	1
\.
EXECUTE two;
COMMIT;

-- functions: an IMMUTABLE one reads nothing, a VOLATILE one has its own snapshots
CREATE FUNCTION plus_one(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1 + 1; END';
CREATE FUNCTION next_id() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT max(id) + 1 FROM child); END';
CREATE FUNCTION stable_total() RETURNS int8 STABLE LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT sum(total) FROM sums); END';
CREATE FUNCTION volatile_total() RETURNS int8 LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT sum(total) FROM sums); END';
CREATE FUNCTION sql_total() RETURNS SETOF int8 LANGUAGE sql AS 'SELECT sum(total) FROM sums; SELECT sum(total) FROM sums';
CREATE AGGREGATE highest(int) (SFUNC = int4larger, STYPE = int);
CREATE FUNCTION reads_step(int8, int) RETURNS int8 STABLE LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT sum(total) FROM sums); END';
CREATE AGGREGATE reads_all(int) (SFUNC = reads_step, STYPE = int8);
BEGIN;
SELECT flushes('SELECT plus_one(n) FROM child', 'SELECT next_id()', 'INSERT INTO child VALUES (next_id(), plus_one(0), 1)',
  'UPDATE child SET n = plus_one(n) WHERE id = 1', 'UPDATE child SET n = plus_one(n) - 2 WHERE id = 1', 'SELECT highest(n) FROM child',
  'CREATE TABLE f1 (id int DEFAULT next_id(), n int DEFAULT plus_one(1))', 'INSERT INTO f1 DEFAULT VALUES');
COMMIT;
SELECT flushes('SELECT stable_total()');
SELECT flushes('SELECT volatile_total()');
SELECT flushes('SELECT reads_all(1)');
-- each sees what was written before it
SELECT sum(n) AS total FROM child \gset
BEGIN;
UPDATE child SET n = n + 1 WHERE id = 2;
SELECT stable_total() - :total AS one;
UPDATE child SET n = n + 1 WHERE id = 2;
SELECT volatile_total() - :total AS two;
UPDATE child SET n = n + 1 WHERE id = 2;
SELECT volatile_total() - :total AS three, sum(total) - :total AS three FROM sums;
UPDATE child SET n = n + 1 WHERE id = 2;
SELECT sql_total() - :total AS four;
UPDATE child SET n = n + 1 WHERE id = 2;
SELECT reads_all(1) - :total AS five;
UPDATE child SET n = n + 1 WHERE id = 2;
INSERT INTO alone VALUES (100, NULL), (101, NULL);
SELECT id, volatile_total() - :total AS six FROM alone WHERE id >= 100;
INSERT INTO log SELECT volatile_total() - :total;
TABLE log;
ROLLBACK;
BEGIN ISOLATION LEVEL REPEATABLE READ;
UPDATE child SET n = n + 1 WHERE id = 2;
SELECT stable_total() - :total AS one;
UPDATE child SET n = n + 1 WHERE id = 2;
SELECT volatile_total() - :total AS two;
ROLLBACK;
-- one that reads the table that is being changed
INSERT INTO child VALUES (2000, 1, volatile_total());
SET tview.read_in_statement = before;
BEGIN;
INSERT INTO child VALUES (2000, 1, 0);
INSERT INTO child VALUES (2001, 1, volatile_total() - :total);
SELECT n AS zero FROM child WHERE id = 2001;
ROLLBACK;
RESET tview.read_in_statement;
-- one that lies
CREATE FUNCTION liar(int) RETURNS int8 IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT sum(total) FROM sums); END';
BEGIN;
UPDATE child SET n = n + 1 WHERE id = 2;
SELECT liar(1) - :total AS one;
UPDATE child SET n = n + 1 WHERE id = 2;
SAVEPOINT s;
SELECT liar(id) - :total AS two FROM child WHERE id = 2;
ROLLBACK TO s;
UPDATE child SET n = n + 1 WHERE id = 2;
SELECT stable_total() - :total AS three;
ROLLBACK;
-- workers know of no changes: no rows, if all of them agree
ALTER FUNCTION volatile_total() PARALLEL SAFE;
ALTER FUNCTION liar(int) PARALLEL SAFE;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
BEGIN;
UPDATE child SET n = n + 1 WHERE id = 2;
SELECT count(*) FROM child WHERE volatile_total() = :total + 1 HAVING count(*) <> (SELECT count(*) FROM child);
UPDATE child SET n = n + 1 WHERE id = 2;
SELECT count(*) FROM child WHERE liar(id) = :total + 2 HAVING count(*) <> (SELECT count(*) FROM child);
ROLLBACK;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
-- a function that becomes STABLE, and one that is a snapshot's only user, in loops and blocks
BEGIN;
ALTER FUNCTION plus_one(int) STABLE;
SELECT flushes('SELECT plus_one(1)', 'SELECT plus_one(1)');
ROLLBACK;
CREATE FUNCTION loops() RETURNS int8 STABLE LANGUAGE plpgsql AS $$
DECLARE
    r record;
    sum int8 := 0;
BEGIN
    FOR r IN SELECT total FROM sums LOOP
        sum := sum + r.total;
    END LOOP;
    IF sum <> (SELECT sum(total) FROM sums) THEN
        RAISE 'other sums in the same function';
    END IF;
    RETURN sum;
END $$;
CREATE FUNCTION blocks() RETURNS int8 STABLE LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        PERFORM 1 / (sum(total) - sum(total)) FROM sums;
    EXCEPTION WHEN division_by_zero THEN
        NULL;
    END;
    RETURN (SELECT sum(total) FROM sums);
END $$;
CREATE FUNCTION writes_and(reads text) RETURNS int8 LANGUAGE plpgsql AS $$
DECLARE
    sum int8;
BEGIN
    UPDATE child SET n = n + 1 WHERE id = 2;
    IF reads = 'loops' THEN sum := loops(); ELSE sum := blocks(); END IF;
    UPDATE child SET n = n + 1 WHERE id = 2;
    RETURN sum;
END $$;
SELECT writes_and('loops') - :total AS one, writes_and('blocks') - :total AS three, writes_and('loops') - :total AS five;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT writes_and('loops') - :total AS seven, writes_and('blocks') - :total AS nine;
COMMIT;
SELECT right_now();

-- in a row trigger that writes to another table, nothing can be applied
CREATE FUNCTION runs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO log VALUES (new.id);
    EXECUTE current_setting('my.statement');
    RETURN new;
END $$;
CREATE TRIGGER runs BEFORE INSERT ON other FOR EACH ROW EXECUTE FUNCTION runs();
CREATE FUNCTION run(VARIADIC statements text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    statement text;
BEGIN
    FOREACH statement IN ARRAY statements LOOP
        PERFORM set_config('my.statement', statement, true);
        BEGIN
            INSERT INTO other SELECT (SELECT count(*) FROM other) + i, 1 FROM generate_series(1, 2) i;
            RETURN NEXT statement || ': done';
        EXCEPTION WHEN object_in_use THEN
            RETURN NEXT statement || ': ' || SQLERRM;
        END;
    END LOOP;
END $$;
SELECT run('CREATE TABLE IF NOT EXISTS n1 (x int)', 'CREATE TEMP TABLE IF NOT EXISTS n2 AS SELECT 1', 'TRUNCATE n1', 'ANALYZE n1', 'ANALYZE log',
  'COMMENT ON TABLE n1 IS $c$c$c$', 'GRANT SELECT ON n1 TO public', 'ALTER SEQUENCE numbers RESTART', 'DISCARD SEQUENCES',
  'CREATE INDEX IF NOT EXISTS n1i ON n1 (x)', 'REFRESH MATERIALIZED VIEW plain', 'DROP TABLE IF EXISTS nothing', 'COPY n1 TO ''/dev/null''',
  'COPY kind FROM ''/dev/null''', 'COPY other FROM ''/dev/null''', 'CREATE TABLE IF NOT EXISTS kind_1 PARTITION OF kind FOR VALUES IN (1)',
  'TRUNCATE log', 'REFRESH MATERIALIZED VIEW kinds', 'CREATE TABLE n3 (x int REFERENCES child)', 'ALTER TABLE kind ADD x int',
  'CREATE FUNCTION f() RETURNS int LANGUAGE sql AS ''SELECT 1''');
SELECT right_now();
-- partitions made on demand
CREATE FUNCTION routes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TABLE IF NOT EXISTS kind_%s PARTITION OF kind FOR VALUES IN (%1$s)', 10 + new.id % 3);
    EXECUTE format('INSERT INTO kind_%s VALUES ($1)', 10 + new.id % 3) USING 10 + new.id % 3;
    RETURN new;
END $$;
CREATE TRIGGER routes BEFORE INSERT ON log FOR EACH ROW EXECUTE FUNCTION routes();
DROP TABLE kind_rest;
INSERT INTO log SELECT generate_series(1, 8);
UPDATE kind SET k = 11 WHERE k = 10;
SELECT * FROM kinds ORDER BY k;
SELECT right_now();
