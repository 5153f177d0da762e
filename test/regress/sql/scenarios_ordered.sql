--
-- Order: winners of a group, ranks, the first few; and what must not be done for it.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir /include/scenarios.inc
\i :include
\set VERBOSITY terse
\set ECHO all

CREATE MATERIALIZED VIEW d14 USING tview AS
  SELECT DISTINCT ON (isbn) isbn, edition_no, rev, blurb FROM edition ORDER BY isbn, rev DESC;
CREATE MATERIALIZED VIEW d14_two USING tview AS
  SELECT DISTINCT ON (isbn, rev) isbn, rev, edition_no FROM edition ORDER BY isbn, rev, edition_no DESC;
CREATE MATERIALIZED VIEW d18 USING tview AS
  SELECT book_no, author_no, rank() OVER (PARTITION BY author_no ORDER BY price DESC) AS pos FROM book;
CREATE MATERIALIZED VIEW d13 USING tview AS
  SELECT book_no, min(stars) AS lo, max(stars) AS hi, count(DISTINCT stars) AS kinds FROM note
   GROUP BY book_no HAVING count(*) > 1;
CREATE MATERIALIZED VIEW dear USING tview AS
  SELECT book_no, title, price FROM book ORDER BY price DESC NULLS LAST, book_no LIMIT 2;
CREATE MATERIALIZED VIEW noted USING tview AS
  SELECT book_no, count(*) AS n FROM note GROUP BY book_no ORDER BY n DESC FETCH FIRST ROW WITH TIES;
SELECT check_views();

-- the winner changes, goes, moves to another group, all of them change
INSERT INTO edition VALUES (4, 'A', 3, 'third');
SELECT check_views();
SELECT * FROM d14 ORDER BY isbn;
DELETE FROM edition WHERE edition_no = 4;
SELECT check_views();
UPDATE edition SET isbn = 'C' WHERE edition_no = 2;
SELECT check_views();
UPDATE edition SET rev = rev + 1;
SELECT check_views();
SELECT * FROM d14 ORDER BY isbn;
INSERT INTO edition VALUES (5, 'A', 2, 'again'), (6, 'A', 2, NULL);
SELECT check_views();
SELECT * FROM d14_two ORDER BY isbn, rev;
DELETE FROM edition WHERE edition_no IN (5, 6);
SELECT check_views();

-- ranks of touched authors, no others
SELECT groups AS before FROM tview.activity('d18') \gset
UPDATE book SET price = 20 WHERE book_no = 1;
SELECT check_views();
SELECT groups - :before AS touched FROM tview.activity('d18');
UPDATE book SET author_no = 2 WHERE book_no = 2;
SELECT check_views();
SELECT * FROM d18 ORDER BY author_no, pos;
INSERT INTO book VALUES (6, 'Null', NULL, NULL, NULL, true, NULL), (7, 'Tie', 2, NULL, 12, true, NULL);
SELECT check_views();
SELECT * FROM dear ORDER BY price DESC;

-- the first two: one passes, one goes, all go
UPDATE book SET price = 100 WHERE book_no = 3;
SELECT check_views();
DELETE FROM book WHERE book_no = 3;
SELECT check_views();
SELECT * FROM dear ORDER BY price DESC;
UPDATE book SET price = NULL;
SELECT check_views();
DELETE FROM book WHERE book_no > 1;
SELECT check_views();

-- extremes, kinds, HAVING
INSERT INTO note VALUES (10, 1, 1, 'bad'), (11, 1, 5, 'wow');
SELECT check_views();
SELECT * FROM d13 ORDER BY book_no;
SELECT * FROM noted ORDER BY book_no;
DELETE FROM note WHERE note_no = 10;
SELECT check_views();
INSERT INTO note SELECT 20 + i, 2, i, 'n' FROM generate_series(1, 2) i;
SELECT check_views();
SELECT * FROM noted ORDER BY book_no;
DELETE FROM note WHERE book_no = 1 AND note_no <> 1;
SELECT check_views();
SELECT * FROM d13 ORDER BY book_no;

-- no tuple is written for nothing
SELECT fingerprint('d14') || fingerprint('d18') || fingerprint('dear') AS before \gset
UPDATE edition SET blurb = blurb, rev = rev;
UPDATE book SET title = title, price = price;
SELECT fingerprint('d14') || fingerprint('d18') || fingerprint('dear') = :'before' AS untouched;

-- one row reached by three paths in one statement is written once
CREATE MATERIALIZED VIEW three_ways USING tview AS
  SELECT b.book_no, b.title, w.full_name AS writer, e.full_name AS editor
    FROM book b JOIN author w ON w.author_no = b.author_no JOIN author e ON e.author_no = b.editor_no;
INSERT INTO book SELECT 100 + i, 'many', 1, 1, i, true, NULL FROM generate_series(1, 40) i;
SELECT updated AS before FROM tview.activity('three_ways') \gset
WITH a AS (UPDATE author SET full_name = full_name || '+' WHERE author_no = 1 RETURNING author_no)
  UPDATE book SET title = 'changed' FROM a WHERE book.author_no = a.author_no AND book_no > 100;
SELECT updated - :before AS written, (SELECT count(*) FROM three_ways WHERE title = 'changed') AS rows FROM tview.activity('three_ways');
SELECT check_views();

-- a large group is not read again for one row
CREATE TABLE big (id int PRIMARY KEY, grp int, x int);
INSERT INTO big SELECT i, 1, i % 10 FROM generate_series(1, 20000) i;
CREATE MATERIALIZED VIEW big_sum USING tview AS SELECT grp, count(*) AS n, sum(x) AS total, avg(x) AS mean FROM big GROUP BY grp;
BEGIN;
SELECT pg_stat_get_xact_tuples_returned('big'::regclass) AS before \gset
INSERT INTO big VALUES (0, 1, 5);
DELETE FROM big WHERE id = 9;
SELECT pg_stat_get_xact_tuples_returned('big'::regclass) - :before AS rows_read;
COMMIT;
SELECT check_views();

-- deferred: many statements, one recompute of the parent
CREATE MATERIALIZED VIEW d06 USING tview AS
  SELECT b.book_no, jsonb_agg(jsonb_build_object('n', n.note_no, 's', n.stars) ORDER BY n.note_no) AS notes
    FROM book b JOIN note n ON n.book_no = b.book_no GROUP BY b.book_no;
DO LANGUAGE tview $$ ALTER TVIEW d06 SET (mode = deferred) $$;
INSERT INTO note SELECT 200 + i, 1, i % 5, 'n' FROM generate_series(1, 50) i;
SELECT rescans AS before FROM tview.activity('d06') \gset
BEGIN;
DO $$ BEGIN FOR i IN 201..250 LOOP UPDATE note SET stars = stars + 1 WHERE note_no = i; END LOOP; END $$;
COMMIT;
SELECT rescans - :before AS recomputed FROM tview.activity('d06');
SELECT check_views();
