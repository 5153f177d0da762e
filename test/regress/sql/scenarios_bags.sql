--
-- UNION ALL, DISTINCT, and rows without a key.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir /include/scenarios.inc
\i :include
\set VERBOSITY terse
\set ECHO all

CREATE MATERIALIZED VIEW d15 USING tview AS
  SELECT book_no AS k, title AS t, 'b' AS src FROM book UNION ALL SELECT -note_no, body, 'n' FROM note;
-- branches that collide are a bag, as in the query
CREATE MATERIALIZED VIEW bag USING tview AS
  SELECT author_no AS k FROM book UNION ALL SELECT house_no FROM author UNION ALL SELECT author_no FROM book;
CREATE MATERIALIZED VIEW words USING tview AS SELECT DISTINCT live, author_no FROM book;
CREATE MATERIALIZED VIEW no_key USING tview AS SELECT price, live FROM book;
CREATE MATERIALIZED VIEW counted USING tview AS
  SELECT k, count(*) AS n FROM (SELECT author_no AS k FROM book UNION ALL SELECT book_no FROM note) u GROUP BY k;
CREATE MATERIALIZED VIEW with_json USING tview AS SELECT json_build_object('p', price) AS j FROM book;
SELECT check_views();

INSERT INTO book VALUES (4, 'Graphs', 1, 1, 10, true, NULL), (5, 'Graphs', 1, 1, 10, true, NULL);
SELECT check_views();
SELECT * FROM bag ORDER BY 1;
SELECT * FROM no_key ORDER BY 1, 2;
SELECT j::text FROM with_json ORDER BY 1;
UPDATE note SET body = 'Graphs', book_no = 4;
SELECT check_views();
SELECT * FROM d15 ORDER BY 1;
SELECT * FROM counted ORDER BY 1;
-- one of several equal rows goes
DELETE FROM book WHERE book_no = 4;
SELECT check_views();
SELECT * FROM words ORDER BY 1, 2;
SELECT * FROM no_key ORDER BY 1, 2;
UPDATE book SET author_no = NULL;
SELECT check_views();
SELECT * FROM words ORDER BY 1, 2;
SELECT * FROM bag ORDER BY 1;
DELETE FROM book WHERE live;
SELECT check_views();
DELETE FROM book;
DELETE FROM note;
SELECT check_views();

-- rows that are equal but not the same
CREATE TABLE measure (x numeric, d text);
CREATE MATERIALIZED VIEW images USING tview AS SELECT x, d FROM measure;
INSERT INTO measure VALUES (1.0, 'a'), (1.00, 'a'), (1, 'a'), (NULL, NULL), (NULL, NULL);
SELECT check_views();
DELETE FROM measure WHERE x::text = '1.00';
SELECT check_views();
SELECT * FROM images ORDER BY x::text;
UPDATE measure SET x = 1.000 WHERE x IS NULL;
SELECT check_views();
SELECT * FROM images ORDER BY x::text;

DROP SCHEMA scenario CASCADE;
