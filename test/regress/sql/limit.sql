--
-- LIMIT, OFFSET, FETCH WITH TIES: orders, ties, what they are taken of, what stands around them.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir /include/scenarios.inc
\i :include
\set VERBOSITY terse
\set ECHO all
CREATE INDEX ON note (stars);
SET client_min_messages = notice;

-- one table, whose index keeps the order
CREATE MATERIALIZED VIEW l01 USING tview AS SELECT note_no, stars FROM note ORDER BY stars DESC, note_no LIMIT 2;
-- and a filter; nulls; an offset
CREATE MATERIALIZED VIEW l02 USING tview AS
  SELECT body, note_no FROM note WHERE book_no IS NOT NULL ORDER BY stars NULLS FIRST, note_no DESC LIMIT 3 OFFSET 1;
-- ties
CREATE MATERIALIZED VIEW l03 USING tview AS SELECT note_no, stars FROM note ORDER BY stars FETCH FIRST 2 ROWS WITH TIES;
-- a join, by an expression: its rows are kept, in order
CREATE MATERIALIZED VIEW l04 USING tview AS
  SELECT b.title, n.note_no, n.stars * b.price AS worth FROM book b JOIN note n USING (book_no)
  ORDER BY n.stars * b.price DESC, n.note_no LIMIT 2;
SELECT node, property, value FROM tview.explain('l04') WHERE property IN ('strategy', 'rows found by', 'state columns');
SELECT substring(indexdef, 'USING.*') AS kept FROM pg_indexes WHERE schemaname = 'tview' AND indexdef ~ 'DESC';
-- groups, in the order of an aggregate
CREATE MATERIALIZED VIEW l05 USING tview AS
  SELECT book_no, sum(stars) AS s FROM note GROUP BY book_no ORDER BY sum(stars) DESC NULLS LAST, book_no LIMIT 2;
-- windows, DISTINCT, DISTINCT ON, UNION
CREATE MATERIALIZED VIEW l06 USING tview AS
  SELECT note_no, count(*) OVER (PARTITION BY book_no) AS n FROM note ORDER BY n DESC, note_no LIMIT 3;
CREATE MATERIALIZED VIEW l07 USING tview AS SELECT DISTINCT stars FROM note ORDER BY stars LIMIT 2;
CREATE MATERIALIZED VIEW l08 USING tview AS
  SELECT DISTINCT ON (book_no) book_no, note_no FROM note ORDER BY book_no, stars DESC, note_no LIMIT 2;
CREATE MATERIALIZED VIEW l09 USING tview AS
  SELECT book_no AS no FROM book UNION SELECT note_no FROM note ORDER BY no DESC LIMIT 4;
CREATE MATERIALIZED VIEW l10 USING tview AS
  SELECT title FROM book UNION ALL (SELECT body FROM note ORDER BY note_no LIMIT 1) ORDER BY 1 LIMIT 4;
-- below a join, a group, another LIMIT, in a CTE that is read twice, over a view
CREATE MATERIALIZED VIEW l11 USING tview AS
  SELECT q.note_no, b.title FROM (SELECT note_no, book_no FROM note ORDER BY note_no DESC LIMIT 3) q JOIN book b USING (book_no);
CREATE MATERIALIZED VIEW l12 USING tview AS
  SELECT count(*) AS n, sum(stars) AS s FROM (SELECT stars FROM note ORDER BY stars, note_no LIMIT 3) q;
CREATE MATERIALIZED VIEW l13 USING tview AS
  SELECT note_no FROM (SELECT note_no FROM note ORDER BY note_no LIMIT 4) q ORDER BY note_no DESC LIMIT 2;
CREATE MATERIALIZED VIEW l14 USING tview AS
  WITH q AS (SELECT note_no, stars FROM note ORDER BY note_no LIMIT 3)
  SELECT a.note_no, b.note_no AS other FROM q a JOIN q b ON a.stars < b.stars;
CREATE MATERIALIZED VIEW l15 USING tview AS SELECT note_no AS top FROM l01 ORDER BY note_no DESC LIMIT 1;
-- no rows; all rows; all but the first
CREATE MATERIALIZED VIEW l16 USING tview AS SELECT note_no FROM note ORDER BY note_no LIMIT 0;
CREATE MATERIALIZED VIEW l17 USING tview AS SELECT note_no FROM note ORDER BY note_no LIMIT ALL OFFSET 0;
SELECT property, value FROM tview.explain('l17') WHERE property = 'strategy';
CREATE MATERIALIZED VIEW l18 USING tview AS SELECT note_no FROM note ORDER BY note_no OFFSET 1 + 1;
CREATE MATERIALIZED VIEW l19 USING tview AS SELECT 1 AS one LIMIT 5;
-- for each row outside: by an equality, by another comparison, of a group, of a window, in expressions
CREATE MATERIALIZED VIEW m01 USING tview AS
  SELECT b.book_no, q.note_no, q.body FROM book b LEFT JOIN LATERAL
    (SELECT note_no, body FROM note n WHERE n.book_no = b.book_no ORDER BY note_no DESC LIMIT 2) q ON true;
SELECT node, property, value FROM tview.explain('m01') WHERE property IN ('strategy', 'rows found by');
CREATE MATERIALIZED VIEW m02 USING tview AS
  SELECT b.book_no, q.note_no FROM book b, LATERAL
    (SELECT note_no FROM note n WHERE n.stars < b.price AND n.book_no <> b.book_no ORDER BY stars DESC, note_no LIMIT 2 OFFSET 1) q;
CREATE MATERIALIZED VIEW m03 USING tview AS
  SELECT a.author_no, q.stars, q.n FROM author a, LATERAL
    (SELECT n.stars, count(*) AS n FROM book b JOIN note n USING (book_no) WHERE b.author_no = a.author_no
     GROUP BY n.stars ORDER BY count(*) DESC, n.stars FETCH FIRST 1 ROWS WITH TIES) q;
CREATE MATERIALIZED VIEW m04 USING tview AS
  SELECT b.book_no, q.note_no, q.r, q.price FROM book b, LATERAL
    (SELECT note_no, b.price, rank() OVER (ORDER BY stars) AS r FROM note n WHERE n.book_no = b.book_no) q WHERE q.r <= 2;
CREATE MATERIALIZED VIEW m05 USING tview AS
  SELECT b.book_no, q.note_no, q.r FROM book b, LATERAL
    (SELECT note_no, b.price + row_number() OVER (ORDER BY stars, note_no) AS r FROM note n WHERE n.stars >= b.book_no) q;
CREATE MATERIALIZED VIEW m06 USING tview AS
  SELECT book_no, (SELECT body FROM note n WHERE n.book_no = b.book_no ORDER BY stars DESC, note_no LIMIT 1) AS best,
         (SELECT suffix FROM shop_setting ORDER BY suffix LIMIT 1) AS suffix FROM book b;
CREATE MATERIALIZED VIEW m07 USING tview AS
  SELECT book_no FROM book WHERE book_no IN (SELECT book_no FROM note ORDER BY stars, note_no LIMIT 3)
    OR price > (SELECT price FROM book ORDER BY price DESC NULLS LAST, book_no LIMIT 1 OFFSET 1);
CREATE MATERIALIZED VIEW m08 USING tview AS
  SELECT b.book_no, q.isbn, q.rev FROM book b, LATERAL
    (SELECT DISTINCT ON (isbn) isbn, rev FROM edition e WHERE e.edition_no <> b.book_no ORDER BY isbn, rev DESC, edition_no) q;
CREATE MATERIALIZED VIEW m09 USING tview AS
  SELECT b.book_no, ARRAY(SELECT note_no FROM note n WHERE n.book_no = b.book_no ORDER BY note_no LIMIT 2) AS ids FROM book b;
CREATE MATERIALIZED VIEW m10 USING tview AS
  SELECT book_no FROM book b WHERE EXISTS (SELECT 1 FROM note n WHERE n.book_no = b.book_no OFFSET 1);
SET client_min_messages = warning;
SELECT check_views();

-- rows come before the last, after it, leave the first ones, change their order
INSERT INTO note VALUES (4, 2, 9, 'top'), (5, 3, 1, 'low');
SELECT check_views();
INSERT INTO note VALUES (6, 1, 3, 'mid'), (7, NULL, NULL, 'none'), (8, 2, 1, 'low');
SELECT check_views();
UPDATE note SET body = 'changed' WHERE note_no = 4;
SELECT check_views();
UPDATE note SET stars = 0 WHERE note_no = 4;
SELECT check_views();
DELETE FROM note WHERE note_no IN (1, 5);
SELECT check_views();
UPDATE note SET stars = NULL WHERE stars = 3;
SELECT check_views();
UPDATE note SET note_no = note_no + 10, stars = stars + 1;
SELECT check_views();
UPDATE book SET price = price + 100 WHERE book_no = 2;
SELECT check_views();
DELETE FROM book WHERE book_no = 2;
SELECT check_views();
DELETE FROM note;
SELECT check_views();
INSERT INTO note SELECT i, i % 4, i % 7, 'b' || i FROM generate_series(1, 200) i;
SELECT check_views();
DELETE FROM note WHERE note_no % 10 <> 0;
SELECT check_views();
TRUNCATE note;
SELECT check_views();
INSERT INTO note SELECT i, i % 4, i % 7, 'b' || i FROM generate_series(1, 20) i;
SELECT check_views();

-- the rows are read again only if one of the first ones leaves
CREATE FUNCTION work(statement text, relation text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    l text;
    mine bool := false;
BEGIN
    FOR l IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) ' || statement
    LOOP
        IF l ~ 'Maintained View' THEN
            mine := l ~ relation;
        ELSIF mine AND l ~ 'Node' THEN
            RETURN NEXT substring(l, '  Node.*');
        END IF;
    END LOOP;
END $$;
SELECT work('INSERT INTO note VALUES (31, 1, 0, ''after'')', 'l01');
SELECT work('INSERT INTO note VALUES (32, 1, 8, ''first'')', 'l01');
SELECT work('UPDATE note SET body = ''x''', 'l01');
SELECT work('DELETE FROM note WHERE note_no = 32', 'l01');
SELECT check_views();

-- subtransactions; a transaction with a snapshot of its own
BEGIN;
DELETE FROM note WHERE stars = 6;
SAVEPOINT s;
UPDATE note SET stars = 10 - stars;
SELECT check_views();
ROLLBACK TO s;
SELECT check_views();
ROLLBACK;
SELECT check_views();
BEGIN ISOLATION LEVEL REPEATABLE READ;
UPDATE note SET stars = 10 - stars;
SELECT check_views();
INSERT INTO note VALUES (41, 1, 8, 'first');
SELECT check_views();
COMMIT;
SELECT check_views();
DROP VIEW IF EXISTS v;

-- an order that does not decide: one right answer is chosen by the rows' images, and kept
CREATE TABLE race (lane int, lap int, at numeric);
INSERT INTO race VALUES (1, 1, 5), (1, 1, 5.0), (1, 1, 5.00), (1, 2, 4), (2, 1, 5), (2, 1, 5);
CREATE MATERIALIZED VIEW l20 USING tview AS SELECT lane, at FROM race ORDER BY lap LIMIT 3;
CREATE MATERIALIZED VIEW l21 USING tview AS SELECT * FROM race LIMIT 2;
CREATE MATERIALIZED VIEW l22 USING tview AS SELECT at FROM race ORDER BY lap OFFSET 2 FETCH FIRST 2 ROWS WITH TIES;
CREATE FUNCTION check_ties() RETURNS bigint LANGUAGE sql AS
  $$ SELECT count(*) FROM tview.views v, tview.check(v.view) WHERE v.view::text ~ '^l2' $$;
SELECT * FROM l20 ORDER BY lane, at::text;
SELECT * FROM l21;
SELECT check_ties();
INSERT INTO race VALUES (1, 1, 5.000), (0, 1, 5), (2, 1, 5);
SELECT check_ties();
DELETE FROM race WHERE ctid = (SELECT min(ctid) FROM race);
SELECT check_ties();
UPDATE race SET lap = 1;
SELECT check_ties();
DELETE FROM race WHERE lane = 0;
SELECT check_ties();
REFRESH MATERIALIZED VIEW l20;
SELECT check_ties();
DELETE FROM race;
SELECT check_ties();
DROP MATERIALIZED VIEW l20, l21, l22;

-- what is said, and what is refused
SET client_min_messages = notice;
CREATE MATERIALIZED VIEW l30 USING tview AS SELECT title FROM book ORDER BY title LIMIT 3;
DROP INDEX note_stars_idx;
SELECT value FROM tview.explain('l01') WHERE property = 'recomputed as a whole';
CREATE INDEX ON note (stars DESC, note_no);
SELECT value FROM tview.explain('l01') WHERE property = 'recomputed as a whole';
SELECT check_views();
SET tview.require_incremental = on;
CREATE MATERIALIZED VIEW l31 USING tview AS SELECT title FROM book ORDER BY title LIMIT 3;
CREATE MATERIALIZED VIEW l31 USING tview AS SELECT book_no FROM book ORDER BY book_no LIMIT 3;
RESET tview.require_incremental;
CREATE MATERIALIZED VIEW l32 USING tview AS SELECT book_no FROM book ORDER BY book_no LIMIT random();
CREATE MATERIALIZED VIEW l33 USING tview AS SELECT book_no FROM book ORDER BY book_no LIMIT -1;
CREATE MATERIALIZED VIEW l34 USING tview AS SELECT ROW(book_no) AS r FROM book ORDER BY book_no LIMIT 1;
