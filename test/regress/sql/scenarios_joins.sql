--
-- Joins: own writes, root rows, documents, two hops, one table twice, filters.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir /include/scenarios.inc
\i :include
\set VERBOSITY terse
\set ECHO all

-- read your own writes, and undo them
CREATE MATERIALIZED VIEW d01 USING tview AS SELECT author_no, full_name FROM author;
BEGIN;
INSERT INTO author VALUES (9, 'Zed', 1);
SELECT * FROM d01 ORDER BY 1;
SELECT check_views();
UPDATE author SET full_name = 'Zee' WHERE author_no = 9;
SELECT * FROM d01 WHERE author_no = 9;
SELECT check_views();
DELETE FROM author WHERE author_no = 9;
SELECT count(*) FROM d01;
ROLLBACK;
SELECT * FROM d01 ORDER BY 1;
SELECT check_views();

-- documents over a join
CREATE MATERIALIZED VIEW d03 USING tview AS
  SELECT b.book_no, b.author_no, a.full_name AS author_name,
         jsonb_build_object('title', b.title, 'by', jsonb_build_object('name', a.full_name)) AS doc
  FROM book b JOIN author a ON a.author_no = b.author_no;
-- two hops
CREATE MATERIALIZED VIEW d04 USING tview AS
  SELECT b.book_no, jsonb_build_object('t', b.title, 'house', h.label) AS doc
  FROM book b JOIN author a ON a.author_no = b.author_no JOIN house h ON h.house_no = a.house_no;
-- one table twice
CREATE MATERIALIZED VIEW d09 USING tview AS
  SELECT b.book_no, a.full_name AS writer, e.full_name AS editor
  FROM book b JOIN author a ON a.author_no = b.author_no JOIN author e ON e.author_no = b.editor_no;
-- one column in several outputs
CREATE MATERIALIZED VIEW d10 USING tview AS
  SELECT book_no, jsonb_build_object('raw', title, 'caps', upper(title), 'len', length(title)) AS doc FROM book;
-- filter columns
CREATE MATERIALIZED VIEW d11 USING tview AS
  SELECT b.book_no, b.title, b.price FROM book b JOIN author a ON a.author_no = b.author_no
  WHERE b.live AND a.house_no IS NOT NULL;
SELECT check_views();

-- the root row goes, its key changes
BEGIN;
DELETE FROM book WHERE book_no = 3;
SELECT check_views();
UPDATE book SET book_no = 30 WHERE book_no = 2;
SELECT check_views();
SELECT book_no, author_name FROM d03 ORDER BY 1;
ROLLBACK;
SELECT check_views();

-- a new row with all columns, a new name in every document
INSERT INTO book VALUES (4, 'Graphs', 2, 1, 9, true, NULL);
SELECT check_views();
SELECT * FROM d03 WHERE book_no = 4;
UPDATE author SET full_name = 'Brim' WHERE author_no = 2;
SELECT check_views();
SELECT * FROM d03 WHERE author_no = 2 ORDER BY 1;
SELECT * FROM d09 ORDER BY 1;

-- two hops away, and another way there
UPDATE house SET label = 'Norte' WHERE house_no = 1;
SELECT check_views();
SELECT * FROM d04 ORDER BY 1;
UPDATE author SET house_no = 2 WHERE author_no = 1;
SELECT check_views();
SELECT * FROM d04 ORDER BY 1;
UPDATE book SET author_no = 2 WHERE book_no = 1;
SELECT check_views();
UPDATE book SET author_no = editor_no, editor_no = author_no;
SELECT check_views();
SELECT * FROM d09 ORDER BY 1;

-- derived keys
UPDATE book SET title = 'Loops II' WHERE book_no = 1;
SELECT check_views();
SELECT * FROM d10 WHERE book_no = 1;

-- rows enter and leave
UPDATE book SET live = false WHERE book_no = 2;
SELECT check_views();
SELECT * FROM d11 ORDER BY 1;
UPDATE author SET house_no = NULL WHERE author_no = 2;
SELECT check_views();
SELECT * FROM d11 ORDER BY 1;
UPDATE book SET live = true WHERE book_no = 2;
SELECT check_views();
UPDATE author SET house_no = 1;
SELECT check_views();
SELECT * FROM d11 ORDER BY 1;

-- orphans: the parent comes, its key moves to them, it goes
INSERT INTO book VALUES (5, 'Ghost', 77, 77, 1, true, NULL);
SELECT check_views();
INSERT INTO author VALUES (77, 'Late', 1);
SELECT check_views();
SELECT * FROM d09 WHERE book_no = 5;
UPDATE author SET author_no = 78 WHERE author_no = 77;
SELECT check_views();
DELETE FROM author;
SELECT check_views();
SELECT count(*) FROM d09;

DROP SCHEMA scenario CASCADE;
