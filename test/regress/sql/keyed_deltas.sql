-- Of a row with a key that leaves a view, only the key is computed: the row that comes for it takes its place.
CREATE EXTENSION pg_tviews;
CREATE TABLE author (id int PRIMARY KEY, name text);
CREATE TABLE post (id int PRIMARY KEY, author int, title text, draft bool DEFAULT false);
CREATE TABLE stamp (post int PRIMARY KEY, note text);
INSERT INTO author SELECT i, 'author ' || i FROM generate_series(1, 3) i;
INSERT INTO post SELECT i, i % 4, 'title ' || i FROM generate_series(1, 8) i;
INSERT INTO stamp SELECT i, 'note ' || i FROM generate_series(1, 4) i;
CREATE MATERIALIZED VIEW document USING tview AS
  SELECT p.id, jsonb_build_object('title', p.title, 'author', a.name, 'note', s.note) AS document, upper(s.note) AS note,
         nullif(upper(p.title), 'HIDDEN') AS title
  FROM post p LEFT JOIN author a ON a.id = p.author LEFT JOIN stamp s ON s.post = p.id WHERE NOT p.draft;
CREATE MATERIALIZED VIEW titles USING tview AS SELECT lower(title) AS title, count(*) FROM document GROUP BY 1;

CREATE MATERIALIZED VIEW shown USING tview AS SELECT id, nullif(upper(title), 'HIDDEN') AS title FROM post;

-- The costly columns stand under the weight.
CREATE FUNCTION tested_columns(statement text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  line text;
  found bigint := 0;
BEGIN
  FOR line IN EXECUTE 'EXPLAIN (VERBOSE, ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF) ' || statement LOOP
    found := found + (length(line) - length(replace(line, 'CASE WHEN', ''))) / length('CASE WHEN');
  END LOOP;
  RETURN found;
END $$;
SELECT tested_columns('UPDATE post SET title = ''new'' WHERE id = 1') AS at_read_committed;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT tested_columns('UPDATE post SET title = ''newer'' WHERE id = 1') AS at_repeatable_read;
COMMIT;

-- The new row has nulls where the one that leaves is not computed.
UPDATE post SET title = 'hidden' WHERE id IN (2, 3);
SELECT * FROM document WHERE id IN (2, 3) ORDER BY id;
SELECT * FROM shown WHERE id IN (2, 3) ORDER BY id;
UPDATE post SET title = NULL, author = NULL WHERE id = 3;
DELETE FROM stamp WHERE post IN (2, 3);
UPDATE post SET title = 'shown' WHERE id IN (2, 3);
SELECT * FROM document WHERE id IN (2, 3) ORDER BY id;
SELECT * FROM tview.check('document');
SELECT * FROM tview.check('shown');

-- Rows without a document come and go; keys move and change places.
UPDATE post SET draft = true WHERE id = 4;
UPDATE post SET draft = NOT draft;
UPDATE post SET draft = NOT draft WHERE id <> 5;
UPDATE post SET id = id + 100;
ALTER TABLE post DROP CONSTRAINT post_pkey;
ALTER TABLE post ADD PRIMARY KEY (id) DEFERRABLE;
SELECT * FROM tview.check('document');
DROP MATERIALIZED VIEW titles, document, shown;
ALTER TABLE post DROP CONSTRAINT post_pkey;
ALTER TABLE post ADD PRIMARY KEY (id);
UPDATE post SET id = id - 100;
CREATE MATERIALIZED VIEW document USING tview AS
  SELECT p.id, jsonb_build_object('title', p.title, 'author', a.name, 'note', s.note) AS document, upper(s.note) AS note
  FROM post p LEFT JOIN author a ON a.id = p.author LEFT JOIN stamp s ON s.post = p.id WHERE NOT p.draft;
CREATE MATERIALIZED VIEW notes USING tview AS SELECT lower(note) AS note, count(*) FROM document GROUP BY 1;

-- One row changed several times at once: some of what the plan gives cancels, so all of it is computed.
BEGIN;
UPDATE post SET title = 'once' WHERE id = 6;
SAVEPOINT s;
UPDATE post SET title = 'twice' WHERE id = 6;
UPDATE stamp SET note = 'changed' WHERE post = 4;
ROLLBACK TO s;
UPDATE post SET title = 'three times' WHERE id = 6;
COMMIT;
SELECT document FROM document WHERE id = 6;
DROP MATERIALIZED VIEW notes;
SELECT tview.set('document', mode => 'deferred');
BEGIN;
UPDATE post SET title = 'a' WHERE id IN (6, 7);
UPDATE post SET title = 'b' WHERE id IN (6, 7);
UPDATE stamp SET note = 'c' WHERE post = 4;
SAVEPOINT s;
UPDATE stamp SET post = 6 WHERE post = 4;
UPDATE post SET title = 'd' WHERE id = 7;
UPDATE author SET name = upper(name);
DELETE FROM post WHERE id = 5;
INSERT INTO post VALUES (5, 2, 'again');
RELEASE s;
COMMIT;
SELECT * FROM document WHERE id BETWEEN 4 AND 7 ORDER BY id;
SELECT * FROM tview.check('document');

-- A transaction that keeps its snapshot compares two whole deltas.
BEGIN ISOLATION LEVEL REPEATABLE READ;
UPDATE post SET title = 'e' WHERE id = 7;
UPDATE author SET name = lower(name) WHERE id = 3;
COMMIT;
SELECT document FROM document WHERE id = 7;
SELECT * FROM tview.check('document');

-- Many rows at once: an update that leaves keys and what they meet alone gives the new rows only; others give both, row by row.
CREATE TABLE shelf (id int PRIMARY KEY, room text);
CREATE TABLE book (id int PRIMARY KEY, shelf int, title text, pages int, lent bool NOT NULL DEFAULT false);
INSERT INTO shelf SELECT i, 'room ' || i % 4 FROM generate_series(1, 10) i;
INSERT INTO book SELECT i, i % 12, 'title ' || i, i FROM generate_series(1, 300) i;
CREATE MATERIALIZED VIEW placed USING tview AS
  SELECT b.id, b.title, s.room, s.id AS shelf FROM book b JOIN shelf s ON s.id = b.shelf WHERE NOT b.lent;
CREATE MATERIALIZED VIEW card USING tview AS
  SELECT b.id, jsonb_build_object('title', b.title, 'room', s.room, 'lent', b.lent) AS card
  FROM book b LEFT JOIN shelf s ON s.id = b.shelf AND b.pages > 10;
CREATE MATERIALIZED VIEW rooms USING tview AS SELECT room, count(*), min(title) AS first FROM placed GROUP BY room;
CREATE FUNCTION differences() RETURNS SETOF text LANGUAGE sql AS $$
  SELECT relation || ' ' || difference FROM tview.check('placed') UNION ALL
  SELECT relation || ' ' || difference FROM tview.check('card') UNION ALL
  SELECT relation || ' ' || difference FROM tview.check('rooms') $$;
UPDATE book SET title = upper(title);
UPDATE book SET title = title;
UPDATE book SET title = title || id % 2 * 0, shelf = CASE WHEN id % 3 = 0 THEN shelf + 1 ELSE shelf END, lent = id % 7 = 0;
UPDATE book SET id = id + CASE WHEN id % 5 = 0 THEN 1000 ELSE 0 END, title = 'new' WHERE id > 20;
UPDATE book SET pages = NULL, title = 'unread' WHERE id % 2 = 0;
SELECT * FROM differences();
-- one row of theirs meets many of the others
INSERT INTO shelf SELECT i, 'room ' || i % 4 FROM generate_series(11, 200) i;
UPDATE book SET shelf = 1 + id % 200;
UPDATE shelf SET room = upper(room);
UPDATE shelf SET room = CASE WHEN id % 2 = 0 THEN 'none' ELSE room END, id = id + CASE WHEN id > 150 THEN 1000 ELSE 0 END;
UPDATE shelf SET room = NULL;
SELECT * FROM differences();
SELECT * FROM rooms ORDER BY room;
-- an update after which both old and new rows are missing from the view
UPDATE book SET title = 'gone', shelf = shelf + 5000 WHERE shelf > 100;
SELECT * FROM differences();
-- two statements, one flush
SELECT tview.set('card', mode => 'deferred');
BEGIN;
UPDATE book SET title = 'first';
UPDATE book SET title = title || ' and second', lent = NOT lent WHERE id % 2 = 0;
UPDATE shelf SET room = 'both' WHERE id < 90;
COMMIT;
SELECT * FROM differences();
BEGIN ISOLATION LEVEL REPEATABLE READ;
UPDATE book SET title = 'kept snapshot';
UPDATE shelf SET room = 'changed' WHERE id < 90;
COMMIT;
SELECT * FROM differences();
SELECT count(*), min(title) FROM placed;
