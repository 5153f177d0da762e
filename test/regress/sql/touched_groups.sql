--
-- Groups computed anew: the delta only tells which ones are touched.
--
SET client_min_messages = warning;
CREATE EXTENSION pg_tviews;

CREATE TABLE part (id int PRIMARY KEY, kind int, follows int, label text);
INSERT INTO part SELECT n, n % 4, (n + 1) % 4, chr(96 + n) FROM generate_series(1, 12) n;

-- one group: the first touched row is enough; pairs of two changed leaves are not taken out
CREATE MATERIALIZED VIEW all_pairs USING tview AS
  SELECT string_agg(a.label || b.label, ',' ORDER BY a.id, b.id) AS pairs FROM part a JOIN part b ON a.kind = b.follows;
SELECT value ~ 'netted' AS netted, value ~ 'LIMIT' AS limited FROM tview.explain('all_pairs') WHERE property ~ '^delta of';
-- groups by a column
CREATE MATERIALIZED VIEW pairs_by_kind USING tview AS
  SELECT a.kind, array_agg(b.label ORDER BY a.id, b.id) AS labels FROM part a LEFT JOIN part b ON a.kind = b.follows GROUP BY a.kind;
SELECT DISTINCT value ~ 'netted' AS netted FROM tview.explain('pairs_by_kind') WHERE property ~ '^delta of' AND value ~ 'part b';
-- groups by an expression that fails on pairs that never stood there at one time: these are taken out
CREATE MATERIALIZED VIEW quotients USING tview AS
  SELECT 12 / (a.kind - b.follows) AS q, array_agg(b.label ORDER BY a.id, b.id) AS labels
  FROM part a JOIN part b ON a.id = b.id GROUP BY 1;
SELECT value ~ 'netted' AS netted FROM tview.explain('quotients') WHERE property ~ '^delta of';

CREATE FUNCTION differ() RETURNS SETOF text LANGUAGE sql AS $$
  SELECT v.view || ': ' || c FROM tview.views v, tview.check(v.view) c $$;
-- every kind by what was the one that followed it
UPDATE part SET kind = follows, follows = (follows + 1) % 4;
SELECT * FROM differ();
UPDATE part SET label = upper(label) WHERE id IN (1, 2);
SELECT * FROM differ();
UPDATE part SET kind = 3, follows = 0 WHERE kind = 1;
SELECT * FROM differ();
SELECT q, labels FROM quotients ORDER BY q;
DELETE FROM part WHERE kind = 3;
SELECT * FROM differ();
-- under a snapshot that is kept
BEGIN ISOLATION LEVEL REPEATABLE READ;
INSERT INTO part VALUES (20, 0, 1, 'x'), (21, 1, 2, 'y');
SAVEPOINT s;
DELETE FROM part WHERE id < 9;
ROLLBACK TO s;
UPDATE part SET label = label || '''' WHERE kind = 0;
SELECT * FROM differ();
COMMIT;
SELECT * FROM differ();
TRUNCATE part;
SELECT * FROM differ();
SELECT * FROM all_pairs;
SELECT count(*) FROM pairs_by_kind;
