--
-- Window functions: partitions, orders, frames, several windows, ties, and what stands around them.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir /include/scenarios.inc
\i :include
\set VERBOSITY terse
\set ECHO all
SET client_min_messages = notice;

-- a row's partition is its recompute unit: told by the node's key
CREATE MATERIALIZED VIEW w01 USING tview AS
  SELECT book_no, author_no, rank() OVER (PARTITION BY author_no ORDER BY price DESC) AS pos FROM book;
SELECT node, property, value FROM tview.explain('w01') WHERE property IN ('strategy', 'rows found by', 'state columns');
-- ranking, with an order that decides
CREATE MATERIALIZED VIEW w02 USING tview AS
  SELECT note_no, row_number() OVER w AS n, lag(note_no) OVER w AS before, lead(note_no, 2, -1) OVER w AS after,
         first_value(body) OVER w AS first, nth_value(note_no, 2) OVER w AS second, ntile(2) OVER w AS half
  FROM note WINDOW w AS (PARTITION BY book_no ORDER BY stars DESC, note_no);
-- aggregates over frames
CREATE MATERIALIZED VIEW w03 USING tview AS
  SELECT note_no, sum(stars) OVER (PARTITION BY book_no ORDER BY note_no) AS running,
         avg(stars) OVER (PARTITION BY book_no ORDER BY note_no ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS around,
         count(*) OVER (PARTITION BY book_no ORDER BY stars RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) AS near,
         sum(stars) OVER (PARTITION BY book_no ORDER BY note_no GROUPS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
                          EXCLUDE CURRENT ROW) AS before,
         count(*) FILTER (WHERE stars > 3) OVER (PARTITION BY book_no) AS good,
         array_agg(note_no) OVER (PARTITION BY book_no ORDER BY note_no
                                  RANGE BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS ids
  FROM note;
-- several partitions, one of them all rows
CREATE MATERIALIZED VIEW w04 USING tview AS
  SELECT note_no, stars, rank() OVER (PARTITION BY book_no ORDER BY stars) AS in_book,
         dense_rank() OVER (PARTITION BY stars ORDER BY note_no) AS of_stars, count(*) OVER () AS total,
         stars * 100 / sum(stars) OVER (PARTITION BY book_no) AS pct
  FROM note;
-- over groups, and with an order by an aggregate
CREATE MATERIALIZED VIEW w05 USING tview AS
  SELECT author_no, sum(price) AS total, rank() OVER (ORDER BY sum(price) DESC) AS place,
         sum(count(*)) OVER (PARTITION BY author_no % 2) AS books
  FROM book GROUP BY author_no HAVING count(*) > 0;
-- filtered from above; joined; grouped from above; distinct
CREATE MATERIALIZED VIEW w06 USING tview AS
  SELECT book_no, note_no, body FROM (SELECT *, row_number() OVER (PARTITION BY book_no ORDER BY stars DESC, note_no) AS n
                                      FROM note) q WHERE n <= 2;
CREATE MATERIALIZED VIEW w07 USING tview AS
  SELECT b.book_no, b.title, q.n FROM book b
  JOIN (SELECT book_no, count(*) OVER (PARTITION BY stars) AS n, note_no FROM note) q ON q.book_no = b.book_no;
CREATE MATERIALIZED VIEW w08 USING tview AS
  SELECT n, count(*) AS notes FROM (SELECT count(*) OVER (PARTITION BY book_no) AS n FROM note) q GROUP BY n;
CREATE MATERIALIZED VIEW w09 USING tview AS
  SELECT DISTINCT book_no, max(stars) OVER (PARTITION BY book_no) AS best FROM note;
-- over a join, in a CTE read twice, in a branch of UNION ALL, over a view over a view
CREATE MATERIALIZED VIEW w10 USING tview AS
  SELECT n.note_no, a.full_name, count(*) OVER (PARTITION BY a.author_no) AS notes
  FROM note n JOIN book b ON b.book_no = n.book_no JOIN author a ON a.author_no = b.author_no;
CREATE MATERIALIZED VIEW w11 USING tview AS
  WITH q AS (SELECT note_no, book_no, sum(stars) OVER (PARTITION BY book_no) AS s FROM note)
  SELECT a.note_no, b.note_no AS other, a.s FROM q a JOIN q b ON a.book_no = b.book_no AND a.note_no < b.note_no;
CREATE MATERIALIZED VIEW w12 USING tview AS
  SELECT book_no AS no, rank() OVER (PARTITION BY live ORDER BY price) AS r FROM book
  UNION ALL SELECT note_no, rank() OVER (PARTITION BY book_no ORDER BY stars) FROM note;
CREATE MATERIALIZED VIEW w13 USING tview AS
  SELECT pos, count(*) AS books, sum(count(*)) OVER (PARTITION BY pos % 2) AS alike FROM w01 GROUP BY pos;
-- no columns of its own; an unused window; windows in an ORDER BY that means nothing
CREATE MATERIALIZED VIEW w14 USING tview AS SELECT row_number() OVER (PARTITION BY book_no) AS n FROM note;
CREATE MATERIALIZED VIEW w15 USING tview AS
  SELECT note_no, body FROM note WINDOW w AS (ORDER BY stars) ORDER BY rank() OVER w;
SELECT node, property, value FROM tview.explain('w15') WHERE property = 'strategy';
SET client_min_messages = warning;
SELECT check_views();

-- rows come, change their order, their partition, go; nulls are a partition
INSERT INTO note VALUES (4, 1, 4, 'new'), (5, 2, 4, 'new'), (6, NULL, NULL, NULL), (7, NULL, 1, 'x');
SELECT check_views();
UPDATE note SET stars = 1 WHERE note_no = 1;
SELECT check_views();
UPDATE note SET book_no = 2 WHERE note_no = 4;
SELECT check_views();
UPDATE note SET book_no = NULL WHERE note_no = 5;
SELECT check_views();
UPDATE note SET note_no = note_no + 10;
SELECT check_views();
UPDATE book SET price = price * 2, author_no = 2 WHERE book_no = 2;
SELECT check_views();
INSERT INTO book VALUES (4, 'Sorts', 3, NULL, NULL, true, NULL), (5, 'Sets', NULL, 1, 7, false, NULL);
SELECT check_views();
DELETE FROM book WHERE book_no IN (1, 5);
SELECT check_views();
DELETE FROM note WHERE book_no IS NULL;
SELECT check_views();
SELECT * FROM w02 ORDER BY note_no;

-- several tables in one statement
WITH b AS (INSERT INTO book VALUES (6, 'Maps', 1, 2, 3, true, NULL) RETURNING book_no)
INSERT INTO note SELECT 30 + i, book_no, i, 'm' FROM b, generate_series(1, 3) i;
SELECT check_views();

-- only touched partitions are written
SELECT fingerprint('w02') AS before \gset
UPDATE note SET body = body WHERE note_no = 31;
SELECT fingerprint('w02') = :'before' AS untouched;
SELECT array_agg(note_no ORDER BY note_no) AS ids, count(*) AS n FROM w02 WHERE note_no > 30 \gset
BEGIN;
UPDATE note SET stars = 5 WHERE note_no = 31;
SELECT array_agg(note_no ORDER BY note_no) <@ :'ids' AS of_the_partition FROM w02
  WHERE xmin::text::bigint = txid_current() % (2^32)::bigint;
COMMIT;
SELECT check_views();

-- subtransactions, and a transaction that leaves nothing behind
BEGIN;
INSERT INTO note VALUES (40, 6, 9, 's');
SAVEPOINT s;
UPDATE note SET book_no = 6;
SELECT check_views();
ROLLBACK TO s;
SELECT check_views();
DELETE FROM note WHERE note_no = 31;
SELECT check_views();
ROLLBACK;
SELECT check_views();

-- many rows, all rows, none
INSERT INTO note SELECT 100 + i, i % 7, i % 6, 'b' || i FROM generate_series(1, 500) i;
SELECT check_views();
UPDATE note SET stars = stars + 1 WHERE note_no % 3 = 0;
SELECT check_views();
TRUNCATE note;
SELECT check_views();
INSERT INTO note SELECT i, i % 2, i, 'b' FROM generate_series(1, 5) i;
SELECT check_views();

-- an order that does not decide: the view is one right answer, and stays the same one
CREATE TABLE race (lane int, lap int, at numeric);
INSERT INTO race VALUES (1, 1, 5), (1, 1, 5.0), (1, 1, 5.00), (1, 2, 4), (2, 1, 5), (2, 1, 5);
CREATE MATERIALIZED VIEW w20 USING tview AS
  SELECT lane, lap, at, row_number() OVER (PARTITION BY lane ORDER BY lap) AS n,
         lag(at) OVER (PARTITION BY lane ORDER BY at DESC) AS behind,
         sum(at) OVER (PARTITION BY lap ORDER BY at ROWS UNBOUNDED PRECEDING) AS run FROM race;
SELECT * FROM tview.check('w20');
SELECT * FROM w20 ORDER BY lane, n;
INSERT INTO race VALUES (1, 1, 5.000), (2, 1, 6);
SELECT * FROM tview.check('w20');
DELETE FROM race WHERE ctid = (SELECT min(ctid) FROM race);
SELECT * FROM tview.check('w20');
UPDATE race SET lane = 1;
SELECT * FROM tview.check('w20');
REFRESH MATERIALIZED VIEW w20;
SELECT * FROM tview.check('w20');
DROP MATERIALIZED VIEW w20;

-- equal keys of several images are one partition, each row shows its own
CREATE TABLE reading (no int PRIMARY KEY, at numeric, tag text COLLATE "C");
INSERT INTO reading VALUES (1, 1.0, 'a'), (2, 1.00, 'a'), (3, 1, 'b'), (4, NULL, 'b');
CREATE MATERIALIZED VIEW w21 USING tview AS SELECT no, at, count(*) OVER (PARTITION BY at) AS n FROM reading;
SELECT * FROM w21 ORDER BY no;
UPDATE reading SET at = 1.000 WHERE no = 3;
SELECT check_views();
DELETE FROM reading WHERE no = 2;
SELECT check_views();
SELECT * FROM w21 ORDER BY no;

-- what is said, and what is refused
SET client_min_messages = notice;
CREATE MATERIALIZED VIEW w30 USING tview AS SELECT book_no, rank() OVER (ORDER BY price) AS r FROM book;
SET tview.require_incremental = on;
CREATE MATERIALIZED VIEW w31 USING tview AS SELECT book_no, rank() OVER (ORDER BY price) AS r FROM book;
RESET tview.require_incremental;
CREATE MATERIALIZED VIEW w32 USING tview AS SELECT book_no, count(*) OVER (PARTITION BY random()) FROM book;
CREATE MATERIALIZED VIEW w33 USING tview AS SELECT book_no, count(*) OVER (PARTITION BY topics, ROW(live)) FROM book;
DROP MATERIALIZED VIEW w30;
