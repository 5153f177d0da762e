-- A look-up that finds a row, and behind it, by the same index, rows that nobody sees any more: the old and the
-- new row of an update look up the same key, and the row that the first look-up found serves the second.
SET client_min_messages = warning;
CREATE EXTENSION pg_tviews;
CREATE TABLE t (k int PRIMARY KEY, j int);
CREATE TABLE u (x int, y text, j int, shown text, n int, PRIMARY KEY (x, y));
INSERT INTO t SELECT i, 0 FROM generate_series(1, 4) i;
INSERT INTO u SELECT i, 'a', 1, 'the first', i FROM generate_series(1, 4) i;
CREATE MATERIALIZED VIEW outer_join USING tview AS
	SELECT t.k, u.x, u.shown, u.n FROM t LEFT JOIN u ON t.k = u.x AND t.j = u.j;
CREATE MATERIALIZED VIEW inner_join USING tview AS
	SELECT t.k, upper(u.shown) AS shown, u.n, u FROM t JOIN u ON t.k = u.x AND t.j = u.j;
CREATE MATERIALIZED VIEW groups USING tview AS
	SELECT u.shown, sum(u.n) AS n, count(*) AS rows FROM t LEFT JOIN u ON t.k = u.x AND t.j = u.j GROUP BY 1;
CREATE FUNCTION differing() RETURNS SETOF regclass LANGUAGE sql AS
	$$ SELECT c.relation FROM tview.views v, tview.check(v.view) c $$;

-- deleted, rolled back, changed to another key, and failed
INSERT INTO u VALUES (1, 'b', 2, 'deleted', 100), (1, 'c', 2, 'deleted', 200);
DELETE FROM u WHERE y > 'a';
BEGIN;
INSERT INTO u VALUES (2, 'b', 2, NULL, 100), (2, 'c', NULL, 'rolled back', NULL);
ROLLBACK;
INSERT INTO u VALUES (3, 'b', 2, 'changed', 100);
UPDATE u SET x = 5 WHERE y = 'b';
INSERT INTO u VALUES (4, 'b', 2, 'failed', 100), (4, 'b', 2, 'failed', 100);
UPDATE t SET j = 1 WHERE k = 1;
UPDATE t SET j = 1 WHERE k = 2;
UPDATE t SET j = 1 WHERE k > 2;
SELECT * FROM outer_join ORDER BY k;
SELECT * FROM inner_join ORDER BY k;
SELECT * FROM groups ORDER BY shown;
SELECT differing();
-- and visible ones
INSERT INTO u VALUES (1, 'b', 0, 'zero', 10), (1, 'c', 2, 'two', 20), (1, 'd', 3, 'three', 30);
DELETE FROM u WHERE y = 'c';
UPDATE t SET j = 0 WHERE k = 1;
SELECT differing();
UPDATE t SET j = 3 WHERE k = 1;
SELECT differing();
UPDATE t SET j = 1 - j;
SELECT differing();
UPDATE t SET j = j + 1;
SELECT * FROM outer_join ORDER BY k;
SELECT differing();
