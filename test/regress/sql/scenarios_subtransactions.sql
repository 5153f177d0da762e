--
-- Savepoints, exception blocks, statements that fail.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir /include/scenarios.inc
\i :include
\set VERBOSITY terse
\set ECHO all

CREATE MATERIALIZED VIEW d03 USING tview AS
  SELECT b.book_no, a.full_name AS author_name FROM book b JOIN author a ON a.author_no = b.author_no;
CREATE MATERIALIZED VIEW d12 USING tview AS
  SELECT author_no, count(*) AS n, sum(price) AS total, sum(60 / (book_no - 13)) AS risky FROM book GROUP BY author_no;

BEGIN;
UPDATE author SET full_name = 'keep' WHERE author_no = 1;
SAVEPOINT s;
UPDATE author SET full_name = 'lose' WHERE author_no = 2;
SELECT check_views();
ROLLBACK TO s;
SELECT check_views();
RELEASE s;
SELECT check_views();
COMMIT;
SELECT check_views();
SELECT * FROM d03 ORDER BY 1;

-- nested, read in between, released and rolled back in every order
BEGIN;
INSERT INTO book VALUES (10, 'ten', 1, NULL, 10);
SAVEPOINT a;
INSERT INTO book VALUES (11, 'eleven', 2, NULL, 11);
SAVEPOINT b;
DELETE FROM book WHERE book_no = 10;
SELECT check_views();
RELEASE b;
UPDATE book SET author_no = 3;
SELECT check_views();
SAVEPOINT b;
UPDATE author SET full_name = 'three' WHERE author_no = 3;
ROLLBACK TO b;
SELECT check_views();
ROLLBACK TO a;
SELECT check_views();
UPDATE book SET price = 0 WHERE book_no = 10;
COMMIT;
SELECT check_views();
SELECT author_no, n, total FROM d12 ORDER BY 1;

-- exception blocks
DO $$
BEGIN
    UPDATE author SET full_name = 'a' WHERE author_no = 1;
    BEGIN
        UPDATE author SET full_name = 'b' WHERE author_no = 2;
        RAISE EXCEPTION 'x';
    EXCEPTION WHEN others THEN NULL;
    END;
    BEGIN
        UPDATE author SET full_name = 'c' WHERE author_no = 3;
        PERFORM * FROM d03;
    EXCEPTION WHEN others THEN NULL;
    END;
END $$;
SELECT check_views();
SELECT * FROM d03 ORDER BY 1;
-- one that only reads the view before it is undone
DO $$
BEGIN
    UPDATE author SET full_name = 'kept' WHERE author_no = 1;
    BEGIN
        PERFORM * FROM d03;
        RAISE EXCEPTION 'x';
    EXCEPTION WHEN others THEN NULL;
    END;
END $$;
SELECT check_views();
SELECT * FROM d03 ORDER BY 1;

-- a trigger with an exception block, as part of the statement
CREATE FUNCTION careful() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    BEGIN
        UPDATE author SET full_name = full_name || '*' WHERE author_no = NEW.author_no;
        INSERT INTO author VALUES (NEW.author_no, 'taken or new', NULL);
    EXCEPTION WHEN unique_violation THEN
        UPDATE author SET full_name = full_name || '-' WHERE author_no = NEW.author_no;
    END;
    RETURN NULL;
END $$;
CREATE TRIGGER careful AFTER INSERT OR UPDATE ON book FOR EACH ROW EXECUTE FUNCTION careful();
INSERT INTO book VALUES (20, 'taken', 1, NULL, 1), (21, 'new', 50, NULL, 1);
SELECT check_views();
SELECT * FROM d03 ORDER BY 1;
DROP TRIGGER careful ON book;

-- statements that fail leave table and view as they were
INSERT INTO book VALUES (60, 'x', 1, NULL, 1), (60, 'y', 1, NULL, 1);
SELECT check_views();
INSERT INTO book VALUES (13, 'divides by zero in the view', 1, NULL, 1);
SELECT count(*) FROM book WHERE book_no = 13;
SELECT check_views();
UPDATE book SET book_no = 13 WHERE book_no = 1;
SELECT check_views();
BEGIN;
UPDATE author SET full_name = 'stays' WHERE author_no = 1;
SAVEPOINT s;
UPDATE book SET book_no = 13 WHERE book_no = 2;
ROLLBACK TO s;
SELECT check_views();
COMMIT;
SELECT check_views();
SELECT author_no, n, risky FROM d12 ORDER BY 1;

-- transactions in procedures
DO $$
BEGIN
    UPDATE author SET full_name = 'committed' WHERE author_no = 1;
    COMMIT;
    UPDATE author SET full_name = 'undone' WHERE author_no = 2;
    ROLLBACK;
    UPDATE author SET full_name = 'last' WHERE author_no = 3;
END $$;
SELECT check_views();

-- a cursor open across changes sees the view as it was
BEGIN;
DECLARE c CURSOR FOR SELECT book_no FROM d03 ORDER BY 1;
FETCH 1 FROM c;
DELETE FROM book WHERE book_no > 1;
SELECT check_views();
FETCH 2 FROM c;
ROLLBACK;
SELECT check_views();

-- a role of replica fires no ordinary triggers; views stay right
BEGIN;
SET LOCAL session_replication_role = replica;
UPDATE author SET full_name = 'replicated' WHERE author_no = 1;
INSERT INTO book VALUES (70, 'orphan', 700, NULL, 1);
SELECT check_views();
COMMIT;
SELECT check_views();

-- isolation levels
BEGIN ISOLATION LEVEL REPEATABLE READ;
UPDATE author SET full_name = 'rr' WHERE author_no = 1;
INSERT INTO book VALUES (71, 'rr', 1, NULL, 1);
SELECT check_views();
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
UPDATE author SET full_name = 'sr' WHERE author_no = 1;
DELETE FROM book WHERE book_no = 71;
SELECT check_views();
COMMIT;
SELECT check_views();

DROP SCHEMA scenario CASCADE;
