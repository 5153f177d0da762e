--
-- DISTINCT ON: winners that change, keys that change, ties, nulls, and what stands around it.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir /include/scenarios.inc
\i :include
\set VERBOSITY terse
\set ECHO all
SET client_min_messages = notice;

CREATE MATERIALIZED VIEW o01 USING tview AS
  SELECT DISTINCT ON (isbn) isbn, edition_no, rev, blurb FROM edition ORDER BY isbn, rev DESC, edition_no;
SELECT node, property, value FROM tview.explain('o01') WHERE property IN ('strategy', 'rows found by', 'state columns');
-- the key is not shown, or an expression; several keys; no order
CREATE MATERIALIZED VIEW o02 USING tview AS
  SELECT DISTINCT ON (lower(isbn)) edition_no, blurb FROM edition ORDER BY lower(isbn), edition_no DESC;
CREATE MATERIALIZED VIEW o03 USING tview AS
  SELECT DISTINCT ON (book_no, stars) stars, note_no FROM note ORDER BY stars, book_no, note_no;
CREATE MATERIALIZED VIEW o04 USING tview AS SELECT DISTINCT ON (rev, isbn) isbn, rev FROM edition;
-- over a join, a group, a window; below a join and a group; over a view
CREATE MATERIALIZED VIEW o05 USING tview AS
  SELECT DISTINCT ON (a.author_no) a.full_name, b.title FROM author a JOIN book b ON b.author_no = a.author_no
  ORDER BY a.author_no, b.price DESC, b.book_no;
CREATE MATERIALIZED VIEW o06 USING tview AS
  SELECT DISTINCT ON (count(*)) count(*) AS n, book_no FROM note GROUP BY book_no ORDER BY count(*), book_no;
CREATE MATERIALIZED VIEW o07 USING tview AS
  SELECT DISTINCT ON (book_no) book_no, note_no, sum(stars) OVER (PARTITION BY book_no ORDER BY note_no) AS s
  FROM note ORDER BY book_no, note_no DESC;
CREATE MATERIALIZED VIEW o08 USING tview AS
  SELECT b.title, q.body FROM book b JOIN (SELECT DISTINCT ON (book_no) book_no, body FROM note
                                           ORDER BY book_no, stars DESC, note_no) q USING (book_no);
CREATE MATERIALIZED VIEW o09 USING tview AS
  SELECT rev, count(*) AS n FROM (SELECT DISTINCT ON (isbn) isbn, rev FROM edition ORDER BY isbn, rev DESC) q GROUP BY rev;
CREATE MATERIALIZED VIEW o10 USING tview AS SELECT DISTINCT ON (rev) rev, isbn FROM o01 ORDER BY rev, isbn;
SET client_min_messages = warning;
SELECT check_views();

INSERT INTO edition VALUES (4, 'A', 3, 'third');
SELECT * FROM o01 ORDER BY isbn;
SELECT check_views();
DELETE FROM edition WHERE edition_no = 4;
SELECT check_views();
UPDATE edition SET isbn = 'B' WHERE edition_no = 2;
SELECT check_views();
INSERT INTO edition VALUES (5, 'C', 1, 'a'), (6, 'a', 9, 'b'), (7, 'B', 2, 'c'), (8, 'B', 1, NULL);
SELECT check_views();
UPDATE edition SET rev = 10 - rev;
SELECT check_views();
DELETE FROM edition WHERE isbn = 'B';
SELECT check_views();
UPDATE edition SET isbn = 'A';
SELECT check_views();
INSERT INTO note VALUES (4, 1, 5, 'n'), (5, NULL, 5, 'n'), (6, NULL, NULL, 'n'), (7, 2, 9, 'n');
SELECT check_views();
UPDATE note SET book_no = NULL WHERE note_no IN (1, 7);
SELECT check_views();
UPDATE note SET stars = 6 - stars;
SELECT check_views();
UPDATE book SET author_no = 2, price = price + 1;
SELECT check_views();
DELETE FROM note WHERE book_no IS NULL;
SELECT check_views();

-- a row that is not the first changes nothing, and is not looked further into
SELECT fingerprint('o01') AS before \gset
INSERT INTO edition VALUES (20, 'A', 0, 'not shown');
SELECT fingerprint('o01') = :'before' AS untouched;
SELECT check_views();

BEGIN;
INSERT INTO edition VALUES (30, 'A', 99, 'first');
SAVEPOINT s;
DELETE FROM edition WHERE edition_no <> 20;
SELECT check_views();
ROLLBACK TO s;
SELECT check_views();
ROLLBACK;
SELECT check_views();
INSERT INTO edition SELECT 100 + i, 'i' || i % 20, i % 7, 'b' FROM generate_series(1, 300) i;
SELECT check_views();
DELETE FROM edition WHERE edition_no % 3 = 0;
SELECT check_views();
TRUNCATE edition;
SELECT check_views();

-- an order that does not decide; keys that are equal and look different
CREATE TABLE reading (at numeric, tag text);
INSERT INTO reading VALUES (1.0, 'b'), (1.00, 'a'), (1, 'c'), (NULL, 'x'), (NULL, 'w');
CREATE MATERIALIZED VIEW o20 USING tview AS SELECT DISTINCT ON (at) at, tag FROM reading;
CREATE MATERIALIZED VIEW o21 USING tview AS SELECT DISTINCT ON (at) at, tag FROM reading ORDER BY at, tag;
SELECT * FROM o21 ORDER BY at;
SELECT * FROM tview.check('o20');
DELETE FROM reading WHERE tag IN ('a', 'w');
SELECT * FROM o21 ORDER BY at;
SELECT * FROM tview.check('o20');
INSERT INTO reading VALUES (1, 'c'), (1.000, 'A');
SELECT * FROM tview.check('o20');
SELECT * FROM tview.check('o21');
UPDATE reading SET at = 2.0 WHERE tag = 'c';
SELECT * FROM tview.check('o20');
SELECT * FROM o21 ORDER BY at;
