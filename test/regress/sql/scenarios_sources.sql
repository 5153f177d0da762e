--
-- What a view may not read: it is refused by name, or the view is right about it.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir /include/scenarios.inc
\i :include
\set VERBOSITY terse
\set ECHO all

CREATE FUNCTION reads_a_table(n int) RETURNS text LANGUAGE sql STABLE AS 'SELECT suffix FROM scenario.shop_setting LIMIT 1';
CREATE MATERIALIZED VIEW plain_matview AS SELECT * FROM author;
CREATE TEMP TABLE temporary (i int);
CREATE UNLOGGED TABLE unlogged (i int);

CREATE MATERIALIZED VIEW d19 USING tview AS SELECT book_no, title || (SELECT suffix FROM shop_setting LIMIT 1) AS label FROM book;
SELECT check_views() >= 0;
UPDATE shop_setting SET suffix = '?';
SELECT check_views() >= 0;
CREATE MATERIALIZED VIEW x1 USING tview AS SELECT book_no, now() AS t FROM book;
CREATE MATERIALIZED VIEW x2 USING tview AS SELECT book_no, reads_a_table(book_no) AS t FROM book;
CREATE MATERIALIZED VIEW x3 USING tview AS SELECT * FROM plain_matview;
CREATE MATERIALIZED VIEW x4 USING tview AS SELECT book_no, random() AS r FROM book;
CREATE MATERIALIZED VIEW x5 USING tview AS SELECT book_no, current_user AS u FROM book;
CREATE MATERIALIZED VIEW x6 USING tview AS SELECT book_no, current_setting('search_path') AS s FROM book;
CREATE MATERIALIZED VIEW x7 USING tview AS SELECT i FROM temporary;
CREATE MATERIALIZED VIEW x8 USING tview AS SELECT relname FROM pg_class;
CREATE MATERIALIZED VIEW x9 USING tview AS SELECT book_no, clock_timestamp() - '2024-01-01' AS age FROM book;
CREATE MATERIALIZED VIEW x10 USING tview AS SELECT book_no, tableoid::regclass, ctid FROM book;
CREATE MATERIALIZED VIEW x11 USING tview AS SELECT i FROM unlogged;
CREATE MATERIALIZED VIEW x12 USING tview AS SELECT book_no FROM book TABLESAMPLE system (50);
CREATE MATERIALIZED VIEW x13 USING tview AS SELECT 'now'::timestamp AS constant, book_no FROM book;
SELECT check_views() >= 0;

-- nothing a user may do to the rows of a view
CREATE MATERIALIZED VIEW d01 USING tview AS SELECT author_no, full_name FROM author;
INSERT INTO d01 VALUES (7, 'x');
UPDATE d01 SET full_name = 'x';
DELETE FROM d01;
TRUNCATE d01;
COPY d01 FROM STDIN;
SELECT * FROM d01 FOR UPDATE;
LOCK TABLE d01;
ALTER MATERIALIZED VIEW d01 SET ACCESS METHOD heap;
ALTER TABLE author SET ACCESS METHOD tview;
CREATE TABLE no_view (i int) USING tview;
SELECT check_views() >= 0;

DROP SCHEMA scenario CASCADE;
