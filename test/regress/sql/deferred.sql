--
-- Deferred views: maintained at commit, or before the transaction reads them.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir /include/scenarios.inc
\i :include
\set VERBOSITY terse
\set ECHO all

-- what maintenance did since this was last asked
CREATE TABLE seen (view regclass PRIMARY KEY, flushes int8, delta_in int8, written int8);
CREATE FUNCTION work(v regclass) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    a record;
    s seen;
BEGIN
    SELECT flushes, delta_in, inserted + updated + deleted AS written INTO a FROM tview.activity(v);
    SELECT * INTO s FROM seen WHERE view = v;
    INSERT INTO seen VALUES (v, a.flushes, a.delta_in, a.written)
        ON CONFLICT (view) DO UPDATE SET flushes = excluded.flushes, delta_in = excluded.delta_in, written = excluded.written;
    RETURN format('%s flushes, %s rows in, %s rows written', a.flushes - coalesce(s.flushes, 0),
                  a.delta_in - coalesce(s.delta_in, 0), a.written - coalesce(s.written, 0));
END $$;

-- modes and options
SELECT tview.create('per_author', 'SELECT author_no, count(*) AS n, sum(price) AS total FROM book GROUP BY author_no',
                    '{"mode": "deferred"}');
CREATE MATERIALIZED VIEW named USING tview AS
  SELECT b.book_no, a.full_name, b.price FROM book b JOIN author a ON a.author_no = b.author_no;
SELECT tview.set('named', mode => 'deferred');
SELECT view, mode FROM tview.views ORDER BY 1;
SELECT tview.set('named', 'immediate');
SELECT tview.mode('named');
SELECT tview.set('named', 'deferred');
SELECT tview.set('named', 'eventual');
SELECT tview.set('named', NULL);
SELECT tview.set('book', 'deferred');
SELECT tview.create('nope', 'SELECT 1 AS a', '{"mode": "lazy"}');
SELECT tview.create('nope', 'SELECT 1 AS a', '{"mode": 1}');
SELECT tview.create('nope', 'SELECT 1 AS a', '{"node": "deferred"}');
SELECT tview.create('per_author', 'SELECT 1 AS a', '{"mode": "immediate", "if_not_exists": true}');
SELECT tview.mode('per_author');
SELECT tview.create('empty', 'SELECT book_no FROM book', '{"mode": "deferred", "with_data": false}');
SELECT tview.mode('empty');
REFRESH MATERIALIZED VIEW empty;
SELECT count(*) > 5 AS has_settings FROM tview.explain('empty') WHERE property = 'setting';
DROP MATERIALIZED VIEW empty;

-- a statement of its own: maintained when it is done
UPDATE book SET price = price + 1 WHERE book_no = 1;
SELECT check_views();
-- many statements, one maintenance
SELECT work('per_author'), work('named');
BEGIN;
UPDATE book SET price = price + 1 WHERE book_no = 1;
UPDATE book SET price = price + 1 WHERE book_no = 2;
UPDATE book SET price = price + 1 WHERE book_no = 1;
INSERT INTO book VALUES (4, 'four', 1, NULL, 4);
COMMIT;
SELECT work('per_author'), work('named');
SELECT check_views();
DO $$
BEGIN
    FOR i IN 1..50 LOOP
        INSERT INTO book VALUES (100 + i, 'many', 2, NULL, i);
    END LOOP;
END $$;
SELECT work('per_author');
SELECT check_views();
-- in a function that SELECT calls
CREATE FUNCTION adds() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1..50 LOOP
        INSERT INTO book VALUES (200 + i, 'many', 2, NULL, i);
    END LOOP;
END $$;
SELECT adds();
SELECT work('per_author');
SELECT check_views();
-- several statements in one string
INSERT INTO book VALUES (300, 'string', 3, NULL, 1)\; INSERT INTO book VALUES (301, 'string', 3, NULL, 1);
SELECT work('per_author');
SELECT check_views();
-- changed back: no work
BEGIN;
UPDATE book SET price = price + 1, author_no = 1 WHERE book_no > 100 AND author_no = 2;
UPDATE book SET price = price - 1, author_no = 2 WHERE book_no > 100 AND author_no = 1;
INSERT INTO book VALUES (302, 'brief', 1, NULL, 1);
DELETE FROM book WHERE book_no = 302;
COMMIT;
SELECT work('per_author'), work('named');
SELECT check_views();

-- a transaction reads its own writes
BEGIN;
UPDATE author SET full_name = 'read' WHERE author_no = 1;
SELECT full_name FROM named WHERE book_no = 1;
UPDATE author SET full_name = 'again' WHERE author_no = 1;
SELECT full_name FROM named WHERE book_no = 1;
SELECT check_views();
COMMIT;
-- only what is read is brought up to date
SELECT work('per_author'), work('named');
BEGIN;
UPDATE book SET price = price + 1 WHERE book_no = 1;
SELECT total FROM per_author WHERE author_no = 1;
UPDATE book SET price = price + 1 WHERE book_no = 1;
SELECT total FROM per_author WHERE author_no = 1;
SAVEPOINT s;
SELECT work('per_author'), work('named');
ROLLBACK TO s;
COMMIT;
SELECT check_views();
-- a limit of time, where the server has stopped the clock before it commits
CREATE FUNCTION slow(n int8) RETURNS int8 IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_sleep(300) WHERE n = 777;
    RETURN n;
END $$;
CREATE MATERIALIZED VIEW slowly USING tview AS SELECT book_no, slow(price::int8) AS price FROM book;
SELECT tview.set('slowly', 'deferred');
CREATE TABLE late (price int);
CREATE FUNCTION sets_price() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE book SET price = new.price WHERE book_no = 1;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON late DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sets_price();
SET statement_timeout = '2s';
UPDATE book SET price = 777 WHERE book_no = 1\; SELECT 'not committed' AS n;
BEGIN;
INSERT INTO late VALUES (777);
COMMIT;
INSERT INTO late VALUES (777);
RESET statement_timeout;
SELECT price = 777 AS committed, (SELECT count(*) FROM late) AS late FROM book WHERE book_no = 1;
SELECT check_views();
DROP MATERIALIZED VIEW slowly;
DROP TABLE late;

-- by every way to read
BEGIN;
PREPARE p AS SELECT count(*) FROM named;
EXECUTE p;
DELETE FROM book WHERE book_no = 300;
EXECUTE p;
DELETE FROM book WHERE book_no = 301;
DECLARE c CURSOR FOR SELECT count(*) FROM named;
DELETE FROM book WHERE book_no = 250;
FETCH c;
CLOSE c;
COPY (SELECT count(*) FROM named) TO STDOUT;
DELETE FROM book WHERE book_no = 249;
CREATE TABLE copy AS SELECT count(*) AS n FROM named;
TABLE copy;
DELETE FROM book WHERE book_no = 248;
INSERT INTO copy SELECT count(*) FROM named;
TABLE copy;
DELETE FROM book WHERE book_no = 247;
CREATE VIEW over AS SELECT count(*) AS n FROM named;
SELECT * FROM over;
DELETE FROM book WHERE book_no = 246;
WITH d AS MATERIALIZED (SELECT n FROM over) SELECT * FROM d;
CREATE FUNCTION stable_count() RETURNS int8 STABLE LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(*) FROM named); END $$;
CREATE FUNCTION sql_count() RETURNS int8 STABLE LANGUAGE sql AS 'SELECT count(*) FROM named';
DELETE FROM book WHERE book_no = 245;
SELECT stable_count();
DELETE FROM book WHERE book_no = 244;
SELECT sql_count();
DELETE FROM book WHERE book_no = 243;
DO $$
DECLARE
    n int8;
BEGIN
    FOR n IN SELECT count(*) FROM named LOOP RAISE WARNING 'loop: %', n; END LOOP;
    DELETE FROM book WHERE book_no = 242;
    RAISE WARNING 'expression: %', (SELECT count(*) FROM named);
    DELETE FROM book WHERE book_no = 241;
    n := stable_count();
    RAISE WARNING 'stable: %', n;
    DELETE FROM book WHERE book_no = 240;
    EXECUTE 'SELECT count(*) FROM named' INTO n;
    RAISE WARNING 'dynamic: %', n;
END $$;
DELETE FROM book WHERE book_no = 239;
-- without what 18 adds
EXPLAIN (ANALYZE, BUFFERS OFF, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT count(*) FROM named WHERE book_no < 0 \g (tuples_only=on) | sed -e 's/\.00 / /' -e '/Index Searches/d'
SELECT count(*) FROM named;
COMMIT;
SELECT check_views();
-- a query plan that runs in parallel
BEGIN;
SELECT set_config(CASE WHEN current_setting('server_version_num')::int < 160000 THEN 'force_parallel_mode' ELSE 'debug_parallel_query' END, 'on', true);
DELETE FROM book WHERE book_no = 238;
SELECT count(*) FROM named;
COMMIT;
-- REPEATABLE READ, SERIALIZABLE
BEGIN ISOLATION LEVEL REPEATABLE READ;
DELETE FROM book WHERE book_no = 237;
SELECT count(*) FROM named;
DELETE FROM book WHERE book_no = 236;
EXECUTE p;
SELECT stable_count();
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
DELETE FROM book WHERE book_no = 235;
SELECT check_views();
DELETE FROM book WHERE book_no = 234;
COMMIT;
SELECT check_views();

-- savepoints
BEGIN;
UPDATE author SET full_name = 'kept' WHERE author_no = 1;
SAVEPOINT s;
SELECT full_name FROM named WHERE book_no = 1;
ROLLBACK TO s;
COMMIT;
SELECT check_views();
BEGIN;
INSERT INTO book VALUES (10, 'ten', 1, NULL, 10);
SAVEPOINT a;
INSERT INTO book VALUES (11, 'eleven', 1, NULL, 11);
SAVEPOINT b;
DELETE FROM book WHERE book_no = 10;
RELEASE b;
SELECT n FROM per_author WHERE author_no = 1;
SAVEPOINT b;
UPDATE author SET full_name = 'one' WHERE author_no = 1;
SELECT full_name FROM named WHERE book_no = 1;
ROLLBACK TO b;
SELECT full_name FROM named WHERE book_no = 1;
ROLLBACK TO a;
SELECT n FROM per_author WHERE author_no = 1;
COMMIT;
SELECT check_views();
DO $$
BEGIN
    UPDATE author SET full_name = 'outer' WHERE author_no = 1;
    BEGIN
        PERFORM * FROM named;
        UPDATE author SET full_name = 'inner' WHERE author_no = 1;
        RAISE EXCEPTION 'x';
    EXCEPTION WHEN others THEN NULL;
    END;
    FOR i IN 1..5 LOOP
        BEGIN
            UPDATE book SET price = i WHERE book_no = i;
            PERFORM * FROM per_author;
        EXCEPTION WHEN division_by_zero THEN NULL;
        END;
    END LOOP;
END $$;
SELECT check_views();
-- transactions in a procedure
DO $$
BEGIN
    UPDATE author SET full_name = 'committed' WHERE author_no = 1;
    COMMIT;
    UPDATE author SET full_name = 'undone' WHERE author_no = 1;
    ROLLBACK;
    UPDATE author SET full_name = 'last' WHERE author_no = 2;
END $$;
SELECT check_views();
SELECT DISTINCT full_name FROM named ORDER BY 1;

-- views over views, in all mixtures of modes
CREATE MATERIALIZED VIEW top_immediate USING tview AS SELECT n, count(*) AS authors FROM per_author GROUP BY n;
SELECT property, value FROM tview.explain('per_author') WHERE property LIKE '%mode%' OR property LIKE '%maintained%';
SELECT work('per_author'), work('top_immediate'), work('named');
BEGIN;
INSERT INTO book VALUES (20, 'twenty', 1, NULL, 20);
INSERT INTO book VALUES (21, 'twenty', 1, NULL, 20);
SELECT work('per_author'), work('top_immediate'), work('named');
COMMIT;
SELECT check_views();
SELECT tview.set('top_immediate', 'deferred'), tview.set('per_author', 'immediate');
SELECT work('per_author'), work('top_immediate'), work('named');
BEGIN;
INSERT INTO book VALUES (22, 'twenty', 1, NULL, 20);
SAVEPOINT s;
INSERT INTO book VALUES (23, 'twenty', 1, NULL, 20);
RELEASE s;
INSERT INTO book VALUES (24, 'twenty', 1, NULL, 20);
COMMIT;
SELECT work('per_author'), work('top_immediate'), work('named');
SELECT check_views();
-- the mode is changed with something pending
BEGIN;
INSERT INTO book VALUES (25, 'twenty', 1, NULL, 20);
SELECT tview.set('top_immediate', 'immediate'), tview.set('per_author', 'deferred');
INSERT INTO book VALUES (26, 'twenty', 1, NULL, 20);
ROLLBACK;
SELECT check_views();
SELECT view, mode FROM tview.views ORDER BY 1;

-- other statements with something pending
BEGIN;
UPDATE book SET price = 1.5 WHERE book_no = 1;
CREATE MATERIALIZED VIEW made USING tview AS SELECT author_no, sum(price) AS s FROM book GROUP BY author_no;
SELECT tview.set('made', 'deferred');
UPDATE book SET price = 2.5 WHERE book_no = 1;
REFRESH MATERIALIZED VIEW made;
UPDATE book SET price = 3.5 WHERE book_no = 1;
ALTER TABLE book ADD COLUMN extra int;
UPDATE book SET extra = 1, price = 4.5 WHERE book_no = 1;
CREATE UNIQUE INDEX ON book (book_no, price);
UPDATE book SET price = 5.5 WHERE book_no = 1;
SELECT check_views();
UPDATE book SET price = 6.5 WHERE book_no = 1;
DROP MATERIALIZED VIEW made;
UPDATE book SET price = 7.5 WHERE book_no = 1;
COMMIT;
SELECT check_views();
BEGIN;
INSERT INTO book VALUES (30, 'thirty', 1, NULL, 20);
TRUNCATE book;
INSERT INTO book VALUES (31, 'thirty', 1, NULL, 20);
SAVEPOINT s;
TRUNCATE book;
INSERT INTO book VALUES (32, 'thirty', 1, NULL, 20);
ROLLBACK TO s;
COMMIT;
SELECT check_views();
SELECT * FROM named;
BEGIN;
COPY book FROM STDIN;
40	forty	1	\N	40	t	\N	\N
41	forty	1	\N	40	t	\N	\N
\.
DELETE FROM book WHERE book_no = 41;
SELECT book_no FROM named ORDER BY 1;
COMMIT;
SELECT check_views();

-- read in the middle of a statement
CREATE FUNCTION peeks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE WARNING '% sees %', TG_LEVEL, (SELECT count(*) FROM named);
    RETURN NULL;
END $$;
CREATE TRIGGER peeks AFTER INSERT ON book FOR EACH ROW EXECUTE FUNCTION peeks();
INSERT INTO book VALUES (50, 'fifty', 1, NULL, 50);
SET tview.read_in_statement = before;
INSERT INTO book VALUES (50, 'fifty', 1, NULL, 50);
-- as before the statement, but not as before the transaction
BEGIN;
INSERT INTO author VALUES (50, 'Fay', 1);
INSERT INTO book VALUES (51, 'fifty', 50, NULL, 50);
ROLLBACK;
RESET tview.read_in_statement;
DROP TRIGGER peeks ON book;
CREATE TRIGGER zz_peeks AFTER INSERT ON book FOR EACH STATEMENT EXECUTE FUNCTION peeks();
INSERT INTO book VALUES (52, 'fifty', 1, NULL, 50);
DROP TRIGGER zz_peeks ON book;
-- in a trigger of another table that a view reads
CREATE MATERIALIZED VIEW notes USING tview AS SELECT stars, count(*) FROM note GROUP BY stars;
CREATE TRIGGER peeks AFTER INSERT ON note FOR EACH ROW EXECUTE FUNCTION peeks();
BEGIN;
INSERT INTO book VALUES (53, 'fifty', 1, NULL, 50);
INSERT INTO note VALUES (50, 53, 5, 'x');
COMMIT;
SELECT check_views();

-- errors of maintenance come at commit, or when the view is read
CREATE MATERIALIZED VIEW risky USING tview AS SELECT book_no, 60 / (book_no - 13) AS q FROM book;
SELECT tview.set('risky', 'deferred');
INSERT INTO book VALUES (13, 'thirteen', 1, NULL, 1);
BEGIN;
INSERT INTO book VALUES (13, 'thirteen', 1, NULL, 1);
SAVEPOINT s;
SELECT count(*) FROM risky;
ROLLBACK TO s;
DELETE FROM book WHERE book_no = 13;
COMMIT;
SELECT check_views();
BEGIN;
INSERT INTO book VALUES (13, 'thirteen', 1, NULL, 1);
COMMIT;
SELECT count(*) FROM book WHERE book_no = 13;
SELECT check_views();
-- a unique index of the user's own: values change places
CREATE TABLE seat (guest int PRIMARY KEY, place int);
INSERT INTO seat VALUES (1, 1), (2, 2), (3, 3);
CREATE MATERIALIZED VIEW seats USING tview AS SELECT guest, place FROM seat;
CREATE UNIQUE INDEX ON seats (place);
SELECT tview.set('seats', 'deferred');
BEGIN;
UPDATE seat SET place = 2 WHERE guest = 1;
UPDATE seat SET place = 3 WHERE guest = 2;
UPDATE seat SET place = 1 WHERE guest = 3;
COMMIT;
SELECT check_views();
TABLE seats ORDER BY 1;
UPDATE seat SET place = 1;
SELECT check_views();
-- deferred constraints and triggers run at commit, before views are maintained for the last time
CREATE FUNCTION at_commit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE author SET full_name = full_name || '!' WHERE author_no = 1;
    RAISE WARNING 'named: %', (SELECT full_name FROM named LIMIT 1);
    UPDATE author SET full_name = full_name || '?' WHERE author_no = 1;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON house DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION at_commit();
BEGIN;
INSERT INTO house VALUES (10, 'ten');
COMMIT;
SELECT check_views();
SELECT DISTINCT full_name FROM named;

DROP SCHEMA scenario CASCADE;

-- EXPLAIN ANALYZE of a statement that is a transaction of its own shows the maintenance at its end
SET search_path = public;
CREATE TABLE alone (id int PRIMARY KEY, g int);
INSERT INTO alone SELECT n, n % 3 FROM generate_series(1, 10) n;
CREATE MATERIALIZED VIEW per_g USING tview AS SELECT g, count(*) AS n FROM alone GROUP BY g;
SELECT tview.set('per_g', 'deferred');
EXPLAIN (ANALYZE, BUFFERS OFF, COSTS OFF, TIMING OFF, SUMMARY OFF) UPDATE alone SET g = 2 WHERE id = 1 \g (tuples_only=on) | sed -e 's/\.00 / /' -e '/Index Searches/d' -e '/Trigger/d'
SELECT * FROM tview.check('per_g');
