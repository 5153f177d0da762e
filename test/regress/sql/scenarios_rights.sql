--
-- Owner, writer, reader, stranger; what a dropped table or schema takes along.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir /include/scenarios.inc
\i :include
\set VERBOSITY terse
\set ECHO all

CREATE ROLE scenario_owner;
CREATE ROLE scenario_writer;
CREATE ROLE scenario_reader;
CREATE ROLE scenario_stranger;
CREATE FUNCTION who(int) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN current_user; END $$;
GRANT USAGE, CREATE ON SCHEMA scenario TO scenario_owner;
GRANT USAGE ON SCHEMA scenario TO scenario_writer, scenario_reader, scenario_stranger;
GRANT SELECT, INSERT, UPDATE, DELETE ON book, author TO scenario_writer;

-- a view slows its tables' writers, so reading them is not enough
SET ROLE scenario_owner;
CREATE MATERIALIZED VIEW owned USING tview AS SELECT book_no, title, who(book_no) AS runs_as FROM book;
RESET ROLE;
GRANT SELECT ON book TO scenario_owner;
SET ROLE scenario_owner;
CREATE MATERIALIZED VIEW owned USING tview AS SELECT book_no, title, who(book_no) AS runs_as FROM book;
RESET ROLE;
GRANT SELECT, TRIGGER ON book TO scenario_owner;
SET ROLE scenario_owner;
CREATE MATERIALIZED VIEW owned USING tview AS SELECT book_no, title, who(book_no) AS runs_as FROM book;
GRANT SELECT ON owned TO scenario_reader;
CREATE FUNCTION differing() RETURNS bigint LANGUAGE sql AS $$
  SELECT count(*) FROM ((TABLE owned EXCEPT ALL SELECT book_no, title, who(book_no) FROM book) UNION ALL
                        (SELECT book_no, title, who(book_no) FROM book EXCEPT ALL TABLE owned)) d
$$;
SELECT differing();
RESET ROLE;

-- the writer has no right on the view, and its functions run as the owner of the view
SET ROLE scenario_writer;
INSERT INTO book VALUES (9, 'written', 1, NULL, 1);
UPDATE book SET title = 'rewritten' WHERE book_no = 1;
SELECT count(*) FROM owned;
RESET ROLE;
SET ROLE scenario_owner;
SELECT differing();
RESET ROLE;
SELECT * FROM owned ORDER BY 1;
-- the reader has no right on the table
SET ROLE scenario_reader;
SELECT count(*) FROM owned;
SELECT count(*) FROM book;
-- (the server's message differs between versions)
DO $$
BEGIN
  REFRESH MATERIALIZED VIEW owned;
EXCEPTION WHEN insufficient_privilege THEN
  RAISE WARNING 'not refreshed';
END $$;
DROP MATERIALIZED VIEW owned;
RESET ROLE;
SET ROLE scenario_stranger;
SELECT count(*) FROM owned;
ALTER MATERIALIZED VIEW owned RENAME TO mine;
RESET ROLE;
-- what is constant in a definition is computed whenever a session compiles it: as the owner, with the
-- owner's functions, whoever writes to the table, alters it or looks at the view
CREATE FUNCTION first_rows() RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF current_user <> 'scenario_owner' OR current_setting('search_path') <> 'pg_catalog, pg_temp' THEN
    RAISE 'called as % with search_path %', current_user, current_setting('search_path');
  END IF;
  RETURN 2;
END $$;
SET ROLE scenario_owner;
CREATE MATERIALIZED VIEW few USING tview AS
  SELECT book_no, (SELECT b.title FROM book b WHERE b.book_no = book.book_no ORDER BY b.title LIMIT first_rows() - 1) AS title
  FROM book WHERE EXISTS (SELECT FROM book c WHERE c.book_no > book.book_no LIMIT first_rows())
  ORDER BY book_no OFFSET first_rows() - 2 LIMIT first_rows();
CREATE MATERIALIZED VIEW rolled USING tview AS
  SELECT title, book_no + first_rows() AS k, count(*) AS n FROM book GROUP BY ROLLUP (title, book_no + first_rows());
RESET ROLE;
ALTER TABLE book ALTER title SET STATISTICS 10;
CREATE UNIQUE INDEX few_books ON book (title, book_no);
UPDATE book SET title = 'of a superuser' WHERE book_no = 1;
DROP INDEX few_books;
SET ROLE scenario_writer;
UPDATE book SET title = 'rewritten' WHERE book_no = 1;
RESET ROLE;
SELECT count(*) > 0 AS explained FROM tview.explain('few');
SELECT * FROM tview.check('few');
SELECT * FROM tview.check('rolled');
DROP MATERIALIZED VIEW few, rolled;

-- hidden tables and aggregates belong to the extension's owner: what is done as him calls no function of the user's.
-- The check of a domain, when the initial state of an aggregate is read; casts and operators, when states are compared
SET ROLE scenario_owner;
CREATE FUNCTION own(anyelement) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  IF current_user <> 'scenario_owner' THEN RAISE 'called as %', current_user; END IF;
  RETURN true;
END $$;
CREATE DOMAIN checked AS bigint CHECK (scenario.own(VALUE));
CREATE FUNCTION add_checked(s checked, v bigint) RETURNS checked LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT (s + v)::scenario.checked $$;
CREATE FUNCTION sub_checked(s checked, v bigint) RETURNS checked LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT (s - v)::scenario.checked $$;
CREATE AGGREGATE total_checked(bigint) (sfunc = add_checked, stype = checked, initcond = '0',
  msfunc = add_checked, minvfunc = sub_checked, mstype = checked, minitcond = '0');
CREATE TYPE pair AS (a int, b text);
CREATE FUNCTION shown(pair[]) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN scenario.own(1); END $$;
CREATE CAST (pair[] AS text) WITH FUNCTION shown(pair[]) AS ASSIGNMENT;
CREATE FUNCTION differ(numeric[], numeric[]) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN scenario.own(1); END $$;
CREATE OPERATOR <> (FUNCTION = differ, LEFTARG = numeric[], RIGHTARG = numeric[]);
CREATE MATERIALIZED VIEW totals USING tview AS SELECT title, total_checked(book_no) AS total FROM book GROUP BY title;
CREATE MATERIALIZED VIEW total USING tview AS SELECT total_checked(book_no) AS total FROM book;
CREATE MATERIALIZED VIEW lists USING tview AS
  SELECT list, count(*) AS n FROM (SELECT title, array_agg((book_no, title)::pair) AS list FROM book GROUP BY title) l GROUP BY list;
RESET ROLE;
UPDATE book SET title = 'another' WHERE book_no = 1;
SET ROLE scenario_owner;
SELECT * FROM tview.check('totals');
SELECT * FROM tview.check('total');
SELECT t.title, t.total, e.value FROM totals t, tview.explain('totals') e WHERE e.property = 'strategy' AND t.total = 1;
SELECT * FROM tview.check('lists');
DROP MATERIALIZED VIEW totals, total, lists;
DROP AGGREGATE total_checked(bigint);
DROP FUNCTION add_checked, sub_checked;
DROP DOMAIN checked;
DROP CAST (pair[] AS text);
DROP FUNCTION shown;
DROP TYPE pair;
DROP OPERATOR <> (numeric[], numeric[]);
DROP FUNCTION differ, own;
RESET ROLE;
UPDATE book SET title = 'rewritten' WHERE book_no = 1;
-- the owner loses its right on the table: writing fails clearly, or goes on
REVOKE SELECT ON book FROM scenario_owner;
SET ROLE scenario_writer;
UPDATE book SET title = 'revoked' WHERE book_no = 1;
RESET ROLE;
GRANT SELECT ON book TO scenario_owner;
SET ROLE scenario_writer;
UPDATE book SET title = 'granted' WHERE book_no = 1;
RESET ROLE;
SELECT runs_as, title FROM owned WHERE book_no = 1;
-- row security in force for the owner
ALTER TABLE author ENABLE ROW LEVEL SECURITY;
GRANT SELECT, TRIGGER ON author TO scenario_owner;
SET ROLE scenario_owner;
CREATE MATERIALIZED VIEW secured USING tview AS SELECT * FROM author;
RESET ROLE;
ALTER TABLE author DISABLE ROW LEVEL SECURITY;

DROP MATERIALIZED VIEW owned;

-- dropping
CREATE VIEW leftovers AS
  SELECT 'trigger' AS what, count(*) FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid WHERE p.pronamespace = 'tview'::regnamespace
  UNION ALL SELECT 'view', count(*) FROM pg_class c JOIN pg_am a ON a.oid = c.relam WHERE a.amname = 'tview';
CREATE MATERIALIZED VIEW one USING tview AS SELECT author_no, max(title) AS t FROM book GROUP BY author_no;
CREATE MATERIALIZED VIEW two USING tview AS SELECT t, count(*) AS n FROM one GROUP BY t;
SELECT check_views();
DROP TABLE book;
DROP MATERIALIZED VIEW one;
BEGIN;
DROP TABLE book CASCADE;
ROLLBACK;
INSERT INTO book VALUES (10, 'after the rollback', 3, NULL, 1);
SELECT * FROM two ORDER BY 1;
DROP MATERIALIZED VIEW two;
UPDATE book SET title = 'two is gone' WHERE book_no = 10;
SELECT * FROM one ORDER BY 1;
DROP TABLE book CASCADE;
TABLE leftovers;
CREATE MATERIALIZED VIEW three USING tview AS SELECT count(*) AS n FROM author;
ALTER MATERIALIZED VIEW three OWNER TO scenario_owner;
INSERT INTO author VALUES (10, 'Ten', 1);
TABLE three;
DROP OWNED BY scenario_owner;
TABLE leftovers;
INSERT INTO author VALUES (11, 'Eleven', 1);
CREATE SCHEMA other;
CREATE MATERIALIZED VIEW other.four USING tview AS SELECT house_no, count(*) AS n FROM author GROUP BY house_no;
INSERT INTO author VALUES (12, 'Twelve', 1);
SELECT check_views();
DROP SCHEMA other CASCADE;
INSERT INTO author VALUES (13, 'Thirteen', 1);
TABLE leftovers;
CREATE MATERIALIZED VIEW five USING tview AS SELECT house_no, count(*) AS n FROM author GROUP BY house_no;
DROP EXTENSION pg_tviews;
DROP VIEW leftovers;
DROP EXTENSION pg_tviews CASCADE;
INSERT INTO author VALUES (14, 'Fourteen', 1);
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'author'::regclass;
SELECT to_regclass('five');
CREATE EXTENSION pg_tviews;
CREATE MATERIALIZED VIEW six USING tview AS SELECT house_no, count(*) AS n FROM author GROUP BY house_no;
INSERT INTO author VALUES (15, 'Fifteen', 1);
SELECT check_views();

DROP SCHEMA scenario CASCADE;
DROP ROLE scenario_owner, scenario_writer, scenario_reader, scenario_stranger;
