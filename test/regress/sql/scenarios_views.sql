--
-- Views over views, renamed columns, join by array membership.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir /include/scenarios.inc
\i :include
\set VERBOSITY terse
\set ECHO all

CREATE MATERIALIZED VIEW helper USING tview AS SELECT author_no, upper(full_name) AS shout FROM author;
CREATE MATERIALIZED VIEW d20 USING tview AS
  SELECT b.book_no, b.title, h.shout FROM book b JOIN helper h ON h.author_no = b.author_no;
CREATE VIEW between_views AS SELECT shout, count(*) AS n FROM d20 GROUP BY shout;
CREATE MATERIALIZED VIEW top USING tview AS
  SELECT v.shout, v.n, t.total FROM between_views v
  JOIN (SELECT shout, sum(book_no) AS total FROM d20 GROUP BY shout) t USING (shout);
CREATE MATERIALIZED VIEW d21 USING tview AS
  SELECT b.book_no, array_agg(t.word ORDER BY t.topic_no) AS words
  FROM book b JOIN topic t ON t.topic_no = ANY (b.topics) GROUP BY b.book_no;
SELECT check_views();

UPDATE author SET full_name = 'Ava' WHERE author_no = 1;
SELECT check_views();
SELECT * FROM d20 ORDER BY 1;
SELECT * FROM top ORDER BY 1;
DELETE FROM author WHERE author_no = 2;
SELECT check_views();
INSERT INTO author VALUES (2, 'ava', 1);
SELECT check_views();
SELECT * FROM top ORDER BY 1;
-- base and view on it change in one statement
WITH a AS (UPDATE author SET full_name = full_name || '!' RETURNING 1),
     b AS (UPDATE book SET author_no = 3 WHERE book_no = 1 RETURNING 1)
INSERT INTO book VALUES (7, 'New', 3, NULL, 1, true, '{1}');
SELECT check_views();
SELECT * FROM top ORDER BY 1;

UPDATE topic SET word = 'kod' WHERE topic_no = 2;
SELECT check_views();
UPDATE book SET topics = '{1}' WHERE book_no = 2;
SELECT check_views();
SELECT * FROM d21 ORDER BY 1;
INSERT INTO topic VALUES (3, 'new');
UPDATE book SET topics = topics || 3;
SELECT check_views();
SELECT * FROM d21 ORDER BY 1;

-- names change, maintenance goes on
ALTER TABLE author RENAME COLUMN full_name TO name_full;
UPDATE author SET name_full = 'Renamed' WHERE author_no = 3;
SELECT check_views();
ALTER TABLE author RENAME TO writer;
INSERT INTO writer VALUES (5, 'Five', NULL);
UPDATE book SET author_no = 5 WHERE book_no = 2;
SELECT check_views();
ALTER MATERIALIZED VIEW helper RENAME TO helper2;
ALTER MATERIALIZED VIEW helper2 RENAME COLUMN shout TO cry;
UPDATE writer SET name_full = 'Six' WHERE author_no = 5;
SELECT check_views();
SELECT * FROM d20 ORDER BY 1;
ALTER SCHEMA scenario RENAME TO scenario2;
SET search_path = scenario2;
UPDATE writer SET name_full = 'Seven' WHERE author_no = 5;
SELECT check_views();
SELECT * FROM top ORDER BY 1;
ALTER TABLE writer ADD COLUMN more text DEFAULT 'x', ALTER house_no SET DEFAULT 4;
INSERT INTO writer (author_no, name_full, more) VALUES (6, 'Eight', 'y');
UPDATE book SET author_no = 6;
SELECT check_views();
ALTER TABLE writer DROP COLUMN house_no;
UPDATE writer SET name_full = 'Nine' WHERE author_no = 6;
SELECT check_views();

-- a cycle cannot be made
CREATE OR REPLACE VIEW between_views AS SELECT shout, n FROM top;

DROP SCHEMA scenario2 CASCADE;
