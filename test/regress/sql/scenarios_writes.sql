--
-- Every way rows get written, and writes that change nothing.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir /include/scenarios.inc
\i :include
\set VERBOSITY terse
\set ECHO all

CREATE MATERIALIZED VIEW d03 USING tview AS
  SELECT b.book_no, a.full_name AS author_name, jsonb_build_object('title', b.title, 'name', a.full_name) AS doc
  FROM book b JOIN author a ON a.author_no = b.author_no;
CREATE MATERIALIZED VIEW d06 USING tview AS
  SELECT b.book_no, b.title, jsonb_agg(n.body ORDER BY n.note_no) AS notes
  FROM book b JOIN note n ON n.book_no = b.book_no GROUP BY b.book_no;
CREATE MATERIALIZED VIEW d12 USING tview AS
  SELECT author_no, count(*) AS n, sum(price) AS total, max(title) AS last FROM book GROUP BY author_no;
SELECT check_views();

-- MERGE, each action
MERGE INTO book b USING (VALUES (1, 'One', 3), (8, 'Eight', 1), (3, NULL, 1)) s (no, title, author) ON b.book_no = s.no
  WHEN MATCHED AND s.title IS NULL THEN DELETE
  WHEN MATCHED THEN UPDATE SET title = s.title, author_no = s.author
  WHEN NOT MATCHED THEN INSERT (book_no, title, author_no, price) VALUES (s.no, s.title, s.author, 3);
SELECT check_views();
SELECT * FROM d12 ORDER BY 1;
-- ON CONFLICT
INSERT INTO author VALUES (1, 'Ada II', 1), (4, 'Dora', 2) ON CONFLICT (author_no) DO UPDATE SET full_name = excluded.full_name;
SELECT check_views();
INSERT INTO author VALUES (1, 'Not', 1) ON CONFLICT DO NOTHING;
SELECT check_views();
SELECT book_no, author_name FROM d03 ORDER BY 1;
-- COPY
COPY note (note_no, book_no, stars, body) FROM STDIN;
20	1	5	copied
21	8	4	\N
22	\N	1	orphan
\.
SELECT check_views();
SELECT * FROM d06 ORDER BY 1;
-- several tables in one statement, in three shapes
WITH a AS (UPDATE author SET full_name = 'both' WHERE author_no = 3 RETURNING author_no)
UPDATE book SET title = 'both', author_no = a.author_no FROM a WHERE book_no = 2;
SELECT check_views();
WITH d AS (DELETE FROM book WHERE book_no = 8 RETURNING *), n AS (UPDATE note SET book_no = 1 WHERE book_no = 8 RETURNING 1)
SELECT title, (SELECT count(*) FROM n) AS moved FROM d;
SELECT check_views();
WITH a AS (INSERT INTO author VALUES (30, 'New', 1) RETURNING author_no),
     b AS (INSERT INTO book (book_no, title, author_no) SELECT 31, 'of new', author_no FROM a RETURNING book_no)
INSERT INTO note (note_no, book_no, body) SELECT 32, book_no, 'on new' FROM b;
SELECT check_views();
SELECT * FROM d06 WHERE book_no = 31;
-- INSERT ... SELECT from the view itself
INSERT INTO note (note_no, book_no, body) SELECT 100 + book_no, book_no, 'n=' || jsonb_array_length(notes) FROM d06;
SELECT check_views();
SELECT * FROM d06 ORDER BY 1;
-- UPDATE ... FROM, DELETE ... USING, through an updatable view
UPDATE book b SET title = b.title || n.body FROM note n WHERE n.note_no = 100 + b.book_no;
SELECT check_views();
DELETE FROM note n USING book b WHERE n.book_no = b.book_no AND n.note_no > 100;
SELECT check_views();
CREATE VIEW live_book AS SELECT * FROM book WHERE live;
UPDATE live_book SET price = price + 1;
SELECT check_views();
INSERT INTO live_book (book_no, title, author_no, price) VALUES (40, 'through', 2, 4);
DELETE FROM live_book WHERE book_no = 2;
SELECT check_views();
-- loops
DO $$
DECLARE
    r record;
BEGIN
    FOR i IN 50..55 LOOP
        INSERT INTO book (book_no, title, author_no, price) VALUES (i, 'L' || i, i % 3, i);
        UPDATE author SET full_name = full_name || i WHERE author_no = i % 3;
    END LOOP;
    FOR r IN SELECT * FROM book WHERE book_no > 52 LOOP
        DELETE FROM book WHERE book_no = r.book_no;
    END LOOP;
END $$;
SELECT check_views();
SELECT * FROM d12 ORDER BY 1;
-- prepared, more often than a custom plan is made
PREPARE rename(int, text) AS UPDATE author SET full_name = $2 WHERE author_no = $1;
EXECUTE rename(1, 'a');
EXECUTE rename(2, 'b');
EXECUTE rename(1, 'c');
EXECUTE rename(1, 'd');
EXECUTE rename(2, 'e');
EXECUTE rename(1, 'f');
EXECUTE rename(2, 'g');
SELECT check_views();
-- TRUNCATE, alone and within a transaction
TRUNCATE note;
SELECT check_views();
SELECT count(*) FROM d06;
BEGIN;
INSERT INTO note VALUES (1, 1, 5, 'again');
SELECT check_views();
TRUNCATE note, book;
SELECT check_views();
INSERT INTO book VALUES (1, 'After', 1);
SELECT check_views();
SELECT * FROM d12;
ROLLBACK;
SELECT check_views();
-- no rows, no change
UPDATE book SET title = title || 'x' WHERE false;
INSERT INTO book SELECT * FROM book WHERE false;
DELETE FROM author WHERE author_no < 0;
SELECT check_views();
SELECT fingerprint('d03') AS f03, fingerprint('d12') AS f12 \gset
UPDATE book SET title = title, price = price;
UPDATE book SET topics = '{9}';
UPDATE author SET house_no = house_no + 1;
SELECT fingerprint('d03') = :'f03' AS same_d03, fingerprint('d12') = :'f12' AS same_d12, check_views();

-- cascades of foreign keys
DELETE FROM note;
DELETE FROM book WHERE author_no NOT IN (SELECT author_no FROM author);
ALTER TABLE book ADD FOREIGN KEY (author_no) REFERENCES author ON DELETE CASCADE ON UPDATE CASCADE,
  ADD FOREIGN KEY (editor_no) REFERENCES author ON DELETE SET NULL ON UPDATE CASCADE NOT VALID;
ALTER TABLE note ADD FOREIGN KEY (book_no) REFERENCES book ON DELETE CASCADE ON UPDATE CASCADE;
INSERT INTO note (note_no, book_no, body) SELECT book_no, book_no, title FROM book;
SELECT check_views();
UPDATE author SET author_no = author_no + 1000;
SELECT check_views();
UPDATE book SET book_no = book_no + 1000 WHERE author_no = 1002;
SELECT check_views();
SELECT book_no, jsonb_array_length(notes) FROM d06 ORDER BY 1;
DELETE FROM author WHERE author_no = 1002;
SELECT check_views();
SELECT * FROM d12 ORDER BY 1;
TRUNCATE author CASCADE;
SELECT check_views();
SELECT count(*) FROM d03;

-- a BEFORE trigger that rewrites the row, an AFTER trigger that writes elsewhere
CREATE FUNCTION rewrite() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.title = 'skip' THEN
        RETURN NULL;
    END IF;
    NEW.title := upper(NEW.title);
    NEW.author_no := coalesce(NEW.author_no, 1);
    RETURN NEW;
END $$;
CREATE FUNCTION elsewhere() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO note (note_no, book_no, body) VALUES (500 + NEW.book_no, NEW.book_no, 'by trigger');
    UPDATE author SET full_name = full_name || '+' WHERE author_no = NEW.author_no;
    RETURN NULL;
END $$;
CREATE TRIGGER rewrite BEFORE INSERT OR UPDATE ON book FOR EACH ROW EXECUTE FUNCTION rewrite();
CREATE TRIGGER elsewhere AFTER INSERT ON book FOR EACH ROW EXECUTE FUNCTION elsewhere();
INSERT INTO author VALUES (1, 'First', 1);
INSERT INTO book (book_no, title, author_no) VALUES (1, 'rewritten', 1), (2, 'skip', 1), (3, 'three', NULL);
SELECT check_views();
SELECT book_no, author_name, doc FROM d03 ORDER BY 1;
SELECT * FROM d06 ORDER BY 1;

DROP SCHEMA scenario CASCADE;
