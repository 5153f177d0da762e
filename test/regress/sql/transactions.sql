--
-- Transactions that go wrong in every way, with all views in one mode.  This file is two tests: under
-- the name transactions_deferred the views are deferred.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir /include/scenarios.inc
\i :include
SELECT CASE WHEN current_database() LIKE '%deferred' THEN 'deferred' ELSE 'immediate' END AS mode \gset
\set VERBOSITY terse
\set ECHO all

CREATE TABLE parent (p int PRIMARY KEY, name text);
CREATE TABLE child (c int PRIMARY KEY, p int, n int);
INSERT INTO parent VALUES (1, 'one'), (2, 'two'), (3, 'three');
INSERT INTO child SELECT i, 1 + i % 3, i FROM generate_series(1, 30) i;
CREATE MATERIALIZED VIEW family USING tview AS SELECT c.c, p.name, c.n FROM child c JOIN parent p ON p.p = c.p;
CREATE MATERIALIZED VIEW sums USING tview AS SELECT p, count(*) AS children, sum(n) AS total, max(n) AS top FROM child GROUP BY p;
CREATE MATERIALIZED VIEW over_sums USING tview AS SELECT children, count(*) AS parents FROM sums GROUP BY children;
CREATE MATERIALIZED VIEW fragile USING tview AS SELECT c, 100 / (n - 13) AS q FROM child WHERE n <> 13 OR c > 100;
CREATE FUNCTION slow(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_sleep(60) WHERE n = 777;
    RETURN n;
END $$;
CREATE MATERIALIZED VIEW slowly USING tview AS SELECT c, slow(n) AS n FROM child;
CREATE FUNCTION careful(n int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
    RETURN 100 / n;
EXCEPTION WHEN division_by_zero THEN
    RETURN 0;
END $$;
CREATE MATERIALIZED VIEW carefully USING tview AS SELECT c, careful(n % 3) AS n FROM child;
SELECT count(tview.set(view, :'mode')::text) FROM tview.views;

-- exception blocks in triggers: before and after a change, with and without a read in between
CREATE FUNCTION tries() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    n int8;
BEGIN
    BEGIN
        UPDATE parent SET name = name || '+' WHERE p = 1;
        RAISE EXCEPTION 'x' USING errcode = 'P0002';
    EXCEPTION WHEN no_data_found THEN
        UPDATE parent SET name = name || '-' WHERE p = 2;
    END;
    BEGIN
        SELECT count(*) INTO n FROM family;
        UPDATE parent SET name = name || '=' WHERE p = 3;
    EXCEPTION WHEN object_not_in_prerequisite_state THEN
        UPDATE parent SET name = name || '?' WHERE p = 3;
    END;
    RETURN NULL;
END $$;
CREATE TRIGGER tries AFTER UPDATE ON child FOR EACH ROW EXECUTE FUNCTION tries();
UPDATE child SET n = n + 1 WHERE c IN (1, 2);
SELECT check_views();
SELECT DISTINCT name FROM family ORDER BY 1;
BEGIN;
UPDATE child SET n = n + 1 WHERE c = 1;
SAVEPOINT s;
UPDATE child SET n = n + 1 WHERE c = 2;
ROLLBACK TO s;
UPDATE child SET n = n + 1 WHERE c = 3;
COMMIT;
SELECT check_views();
SELECT DISTINCT name FROM family ORDER BY 1;
DROP TRIGGER tries ON child;
CREATE TRIGGER zz_tries AFTER UPDATE ON child FOR EACH STATEMENT EXECUTE FUNCTION tries();
UPDATE child SET n = n + 1 WHERE c IN (1, 2);
SELECT check_views();
SELECT DISTINCT name FROM family ORDER BY 1;
DROP TRIGGER zz_tries ON child;

-- maintenance fails when some views are done; the savepoint takes all of it back
BEGIN;
UPDATE child SET n = n * 10 WHERE c < 4;
SAVEPOINT s;
INSERT INTO child VALUES (101, 1, 13);
SELECT count(*) FROM fragile;
ROLLBACK TO s;
INSERT INTO child VALUES (102, 1, 14);
SELECT count(*) FROM fragile;
COMMIT;
SELECT check_views();
DO $$
BEGIN
    UPDATE child SET n = n + 1 WHERE c = 4;
    BEGIN
        INSERT INTO child VALUES (101, 1, 13);
        PERFORM count(*) FROM sums;
        PERFORM count(*) FROM fragile;
    EXCEPTION WHEN division_by_zero THEN
        INSERT INTO child VALUES (101, 1, 15);
    END;
END $$;
SELECT check_views();
DELETE FROM child WHERE c > 100;
-- without a savepoint: the transaction is over, the session is not
BEGIN;
INSERT INTO child VALUES (101, 1, 13);
COMMIT;
SELECT count(*) FROM child WHERE c = 101;
ROLLBACK;
SELECT check_views();
BEGIN;
SAVEPOINT s;
INSERT INTO child VALUES (101, 1, 13);
COMMIT AND CHAIN;
ROLLBACK;
SELECT count(*) FROM child WHERE c = 101;
INSERT INTO child VALUES (101, 1, 13)\; SELECT 'not reached' AS x WHERE false;
SELECT count(*) FROM child WHERE c = 101;
SELECT check_views();

-- a time limit
SET statement_timeout = '2s';
BEGIN;
UPDATE child SET n = 777 WHERE c = 5;
COMMIT;
SELECT n FROM child WHERE c = 5;
ROLLBACK;
BEGIN;
UPDATE child SET n = n + 1 WHERE c = 6;
SAVEPOINT s;
UPDATE child SET n = 777 WHERE c = 5;
SELECT count(*) FROM slowly;
ROLLBACK TO s;
COMMIT;
UPDATE child SET n = 777 WHERE c = 5;
SELECT careful(n) FROM child WHERE c = 5;
RESET statement_timeout;
SELECT check_views();

-- subtransactions in a definition, with savepoints open at the end
BEGIN;
UPDATE child SET n = n + 1 WHERE c = 7;
SAVEPOINT a;
UPDATE child SET n = n + 1 WHERE c = 8;
SAVEPOINT b;
UPDATE child SET n = n + 1 WHERE c = 9;
COMMIT;
SELECT check_views();

-- chained transactions
BEGIN;
UPDATE child SET n = n + 1 WHERE c = 7;
COMMIT AND CHAIN;
UPDATE child SET n = n + 1 WHERE c = 8;
SELECT check_views();
ROLLBACK AND CHAIN;
UPDATE child SET n = n + 1 WHERE c = 9;
COMMIT;
SELECT check_views();

-- the role and the settings at commit are not those of the change
CREATE ROLE regress_tview_passer;
GRANT regress_tview_passer TO CURRENT_USER;
BEGIN;
UPDATE child SET n = n + 1 WHERE c = 7;
SET ROLE regress_tview_passer;
SET search_path = pg_catalog;
COMMIT;
RESET ROLE;
SET search_path = scenario;
SELECT check_views();
DROP ROLE regress_tview_passer;

-- sessions that are cleaned for the next client
BEGIN;
UPDATE child SET n = n + 1 WHERE c = 7;
DISCARD PLANS;
UPDATE child SET n = n + 1 WHERE c = 7;
RESET ALL;
SET search_path = scenario;
COMMIT;
DISCARD ALL;
SET search_path = scenario;
UPDATE child SET n = n + 1 WHERE c = 7;
SELECT check_views();

-- two phases
BEGIN;
UPDATE child SET n = n + 1 WHERE c = 7;
SAVEPOINT s;
UPDATE child SET n = n + 1 WHERE c = 8;
PREPARE TRANSACTION 'regress_transactions';
SELECT n FROM slowly WHERE c = 7;
COMMIT PREPARED 'regress_transactions';
SELECT check_views();
BEGIN;
UPDATE child SET n = n + 1 WHERE c = 7;
PREPARE TRANSACTION 'regress_transactions';
ROLLBACK PREPARED 'regress_transactions';
SELECT check_views();
BEGIN;
INSERT INTO child VALUES (101, 1, 13);
PREPARE TRANSACTION 'regress_transactions';
ROLLBACK;
SELECT gid FROM pg_prepared_xacts WHERE database = current_database();
SELECT check_views();

-- cursors that outlive the transaction show what they showed in it
BEGIN;
UPDATE child SET n = n + 1000 WHERE c = 7;
DECLARE held CURSOR WITH HOLD FOR SELECT c, n > 1000 FROM slowly WHERE c IN (7, 8) ORDER BY c;
UPDATE child SET n = n + 1000 WHERE c = 8;
COMMIT;
FETCH ALL FROM held;
CLOSE held;
SELECT check_views();

-- change sets that do not fit into memory, and savepoints
SET work_mem = '64kB';
BEGIN;
INSERT INTO child SELECT i, i % 7, i FROM generate_series(1001, 6000) i;
SAVEPOINT a;
UPDATE child SET n = n + 1 WHERE c > 1000;
RELEASE a;
SAVEPOINT b;
SELECT children, total FROM sums WHERE p = 6;
UPDATE child SET n = n + 1 WHERE c > 2000;
DELETE FROM child WHERE c > 5000;
SELECT children, total FROM sums WHERE p = 6;
ROLLBACK TO b;
SELECT children, total FROM sums WHERE p = 6;
SAVEPOINT c;
UPDATE child SET n = n + 1 WHERE c > 3000;
ROLLBACK TO a;
ROLLBACK TO b;
UPDATE child SET n = n - 1 WHERE c > 1000;
COMMIT;
SELECT check_views();
RESET work_mem;

-- procedures that commit
CREATE PROCEDURE steps() LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1..4 LOOP
        UPDATE child SET n = n + 1 WHERE c = i;
        UPDATE parent SET name = 'step ' || i WHERE p = 1;
        IF i % 2 = 0 THEN COMMIT; ELSE ROLLBACK; END IF;
    END LOOP;
    UPDATE child SET n = n + 1 WHERE c = 5;
END $$;
CALL steps();
SELECT check_views();
BEGIN;
UPDATE child SET n = n + 1 WHERE c = 5;
CALL steps();
ROLLBACK;
SELECT check_views();
DROP PROCEDURE steps();

DROP SCHEMA scenario CASCADE;
