--
-- Outer joins and subqueries: parents that come late, children in arrays, semi- and anti-joins, chains of WITH.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir /include/scenarios.inc
\i :include
\set VERBOSITY terse
\set ECHO all

CREATE MATERIALIZED VIEW d05 USING tview AS
  SELECT a.author_no, a.full_name, count(b.book_no) AS books, sum(b.price) AS worth
    FROM author a LEFT JOIN book b ON b.author_no = a.author_no GROUP BY a.author_no, a.full_name;
CREATE MATERIALIZED VIEW d06 USING tview AS
  SELECT b.book_no, coalesce(jsonb_agg(jsonb_build_object('n', n.note_no, 's', n.stars) ORDER BY n.note_no)
         FILTER (WHERE n.note_no IS NOT NULL), '[]') AS notes
    FROM book b LEFT JOIN note n ON n.book_no = b.book_no GROUP BY b.book_no;
CREATE MATERIALIZED VIEW d08 USING tview AS
  SELECT b.book_no, b.title, a.full_name FROM book b LEFT JOIN author a ON a.author_no = b.author_no;
CREATE MATERIALIZED VIEW d08_full USING tview AS
  SELECT b.book_no, b.title, a.author_no, a.full_name FROM book b FULL JOIN author a ON a.author_no = b.author_no;
CREATE MATERIALIZED VIEW d09 USING tview AS
  SELECT b.book_no, a.full_name AS writer, e.full_name AS editor
    FROM book b JOIN author a ON a.author_no = b.author_no LEFT JOIN author e ON e.author_no = b.editor_no;
CREATE MATERIALIZED VIEW d16 USING tview AS
  SELECT a.author_no, EXISTS (SELECT 1 FROM book b WHERE b.author_no = a.author_no AND b.live) AS active,
         a.author_no IN (SELECT editor_no FROM book) AS edits
    FROM author a WHERE NOT EXISTS (SELECT 1 FROM book x WHERE x.author_no = a.author_no AND x.price > 100);
CREATE MATERIALIZED VIEW d16_not_in USING tview AS
  SELECT author_no FROM author WHERE author_no NOT IN (SELECT editor_no FROM book WHERE live);
CREATE MATERIALIZED VIEW d17 USING tview AS
  WITH w AS (SELECT book_no, avg(stars) AS s FROM note GROUP BY book_no), z AS (SELECT book_no, round(s, 2) AS s FROM w)
  SELECT b.book_no, b.title, z.s, r.last2 FROM book b LEFT JOIN z ON z.book_no = b.book_no
    LEFT JOIN LATERAL (SELECT jsonb_agg(q.body ORDER BY q.note_no DESC) AS last2 FROM
      (SELECT note_no, body FROM note n WHERE n.book_no = b.book_no ORDER BY note_no DESC LIMIT 2) q) r ON true;
CREATE MATERIALIZED VIEW d19 USING tview AS
  SELECT book_no, title || (SELECT suffix FROM shop_setting LIMIT 1) AS label FROM book;
SELECT check_views();

-- re-pointing: the old parent and the new one
UPDATE book SET author_no = 2 WHERE book_no = 1;
SELECT check_views();
SELECT * FROM d05 ORDER BY author_no;

-- children move, change, go; the array of a parent without any is empty
UPDATE note SET book_no = 2 WHERE note_no = 2;
SELECT check_views();
UPDATE note SET stars = 1 WHERE note_no = 3;
SELECT check_views();
DELETE FROM note WHERE book_no = 2;
SELECT check_views();
SELECT * FROM d06 ORDER BY book_no;
SELECT book_no, s, last2 FROM d17 ORDER BY book_no;
SELECT rescans AS before FROM tview.activity('d06') \gset
DELETE FROM note WHERE note_no = 1;
SELECT rescans - :before AS parents_computed FROM tview.activity('d06');

-- the parent comes late, changes its key, goes
INSERT INTO book VALUES (5, 'Ghost', 77, NULL, 1, true, NULL);
SELECT check_views();
INSERT INTO author VALUES (77, 'Late', NULL);
SELECT check_views();
SELECT * FROM d08 ORDER BY book_no;
UPDATE author SET author_no = 78 WHERE author_no = 77;
SELECT check_views();
DELETE FROM author WHERE author_no = 78;
SELECT check_views();
SELECT * FROM d08_full ORDER BY book_no, author_no;

-- one table twice: an editor of one book, writer of another
UPDATE author SET full_name = 'Brim' WHERE author_no = 2;
SELECT check_views();
UPDATE book SET editor_no = author_no, author_no = editor_no;
SELECT check_views();

-- semi- and anti-joins; three-valued IN
UPDATE book SET price = 200 WHERE book_no = 1;
SELECT check_views();
SELECT * FROM d16 ORDER BY author_no;
UPDATE book SET editor_no = NULL;
SELECT check_views();
SELECT * FROM d16 ORDER BY author_no;
SELECT * FROM d16_not_in;
UPDATE book SET live = NOT live;
SELECT check_views();
DELETE FROM book WHERE author_no = 1;
SELECT check_views();
DELETE FROM book;
SELECT check_views();
SELECT * FROM d16_not_in ORDER BY 1;
INSERT INTO book VALUES (1, 'Loops', 1, 2, 10, true, '{1,2}'), (2, 'Trees', 1, 3, 12, true, '{2}');
SELECT check_views();

-- chains: averages and the last two
INSERT INTO note VALUES (12, 1, 2, 'new'), (13, 1, 2, 'newer'), (14, 1, 5, 'newest');
SELECT check_views();
SELECT book_no, s, last2 FROM d17 ORDER BY book_no;
DELETE FROM note WHERE note_no = 14;
UPDATE note SET note_no = 11 WHERE note_no = 13;
SELECT check_views();
SELECT book_no, s, last2 FROM d17 ORDER BY book_no;

-- a table that looked unrelated
UPDATE shop_setting SET suffix = '?';
SELECT check_views();
SELECT * FROM d19 ORDER BY book_no;
DELETE FROM shop_setting;
SELECT check_views();

-- both sides, in one statement and in one transaction that is undone in part
WITH a AS (UPDATE author SET full_name = full_name || '!', house_no = 1 RETURNING author_no),
     n AS (DELETE FROM note WHERE note_no = 12 RETURNING note_no)
  UPDATE book SET author_no = 3, editor_no = 1 FROM a WHERE a.author_no = book.author_no;
SELECT check_views();
BEGIN;
DELETE FROM author WHERE author_no = 3;
SAVEPOINT s;
UPDATE book SET author_no = NULL;
TRUNCATE note;
ROLLBACK TO s;
INSERT INTO note SELECT 100 + i, 1 + i % 3, i % 5, 'b' || i FROM generate_series(1, 9) i;
COMMIT;
SELECT check_views();
TRUNCATE author, book;
SELECT check_views();
