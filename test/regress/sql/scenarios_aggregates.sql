--
-- Aggregates: groups that appear, move and empty; extremes that leave; arrays of children; HAVING.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir /include/scenarios.inc
\i :include
\set VERBOSITY terse
\set ECHO all

CREATE MATERIALIZED VIEW d12 USING tview AS
  SELECT author_no, count(*) AS n, sum(price) AS total, avg(price) AS mean FROM book GROUP BY author_no;
CREATE MATERIALIZED VIEW d13 USING tview AS
  SELECT book_no, min(stars) AS lo, max(stars) AS hi, count(DISTINCT stars) AS kinds
  FROM note GROUP BY book_no HAVING count(*) > 1;
CREATE MATERIALIZED VIEW d06 USING tview AS
  SELECT b.book_no, jsonb_agg(jsonb_build_object('n', n.note_no, 's', n.stars) ORDER BY n.note_no) AS notes
  FROM book b JOIN note n ON n.book_no = b.book_no GROUP BY b.book_no;
CREATE MATERIALIZED VIEW d05 USING tview AS
  SELECT a.author_no, a.full_name, count(b.book_no) AS books, sum(b.price) AS worth
  FROM author a JOIN book b ON b.author_no = a.author_no GROUP BY a.author_no, a.full_name;
CREATE MATERIALIZED VIEW whole USING tview AS
  SELECT count(*) AS n, sum(price) AS total, min(title) AS first, array_agg(book_no ORDER BY book_no) AS books FROM book;
CREATE MATERIALIZED VIEW hidden_key USING tview AS
  SELECT count(*) AS n, sum(price) AS total FROM book GROUP BY author_no;
CREATE MATERIALIZED VIEW spread USING tview AS
  SELECT live, variance(price), stddev_pop(price), bool_and(price > 8), string_agg(title, '/' ORDER BY title DESC) AS titles,
         sum(price) FILTER (WHERE author_no = 1) AS ones, round(avg(price), 1) + count(*) AS mixed,
         percentile_disc(0.5) WITHIN GROUP (ORDER BY price) AS median
  FROM book GROUP BY live;
SELECT check_views();
SELECT * FROM d12 ORDER BY 1;
SELECT * FROM whole;

-- a group for NULL, a move, a group that empties
INSERT INTO book VALUES (6, 'Nul', NULL, NULL, 5, true, NULL);
SELECT check_views();
SELECT * FROM d12 ORDER BY 1;
UPDATE book SET author_no = 3 WHERE book_no = 6;
SELECT check_views();
SELECT * FROM d12 ORDER BY 1;
DELETE FROM book WHERE author_no = 3;
SELECT check_views();
SELECT * FROM d12 ORDER BY 1;
UPDATE book SET author_no = 2 WHERE book_no = 1;
SELECT check_views();
SELECT * FROM d05 ORDER BY 1;
SELECT * FROM hidden_key ORDER BY 1, 2;

-- sums of nothing but NULL, and back
UPDATE book SET price = NULL;
SELECT check_views();
SELECT * FROM d12 ORDER BY 1;
UPDATE book SET price = book_no;
SELECT check_views();
UPDATE book SET live = NOT live;
SELECT check_views();
SELECT * FROM spread ORDER BY 1;

-- the extreme leaves
INSERT INTO note VALUES (10, 1, 1, 'bad'), (11, 1, 5, 'wow');
SELECT check_views();
SELECT * FROM d13 ORDER BY 1;
DELETE FROM note WHERE note_no = 10;
SELECT check_views();
SELECT * FROM d13 ORDER BY 1;
DELETE FROM note WHERE book_no = 1 AND note_no <> 1;
SELECT check_views();
SELECT * FROM d13 ORDER BY 1;
INSERT INTO note VALUES (12, 1, NULL, 'none'), (13, 2, 4, 'again');
SELECT check_views();
SELECT * FROM d13 ORDER BY 1;

-- arrays of children: move, edit, delete, empty
UPDATE note SET book_no = 2 WHERE note_no = 1;
SELECT check_views();
SELECT * FROM d06 ORDER BY 1;
UPDATE note SET stars = 1 WHERE note_no = 3;
SELECT check_views();
SELECT * FROM d06 ORDER BY 1;
DELETE FROM note WHERE book_no = 2;
SELECT check_views();
SELECT * FROM d06 ORDER BY 1;

-- nothing at all: scalar aggregates keep their row, groups do not
DELETE FROM book;
SELECT check_views();
SELECT * FROM whole;
SELECT count(*) FROM d12;

DROP SCHEMA scenario CASCADE;
