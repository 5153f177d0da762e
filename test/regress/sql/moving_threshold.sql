--
-- Rows compared with an aggregate over all rows: only those between its old value and its new one are touched.
--
SET client_min_messages = warning;
CREATE EXTENSION pg_tviews;
CREATE TABLE reading (id int PRIMARY KEY, place int, value numeric, day date);
INSERT INTO reading SELECT i, i % 1000, i * 7 % 5000, date '2024-01-01' + i % 300 FROM generate_series(1, 5000) i;
CREATE INDEX ON reading (value);
CREATE INDEX ON reading (place);
CREATE INDEX ON reading (day);
ANALYZE;

CREATE MATERIALIZED VIEW above USING tview AS
  SELECT id, value FROM reading WHERE value > (SELECT avg(value) FROM reading);
CREATE MATERIALIZED VIEW at_most USING tview AS
  SELECT id, value FROM reading WHERE (SELECT sum(value) / 4000 FROM reading WHERE place < 900) >= value;
CREATE MATERIALIZED VIEW places USING tview AS
  SELECT place, sum(value) AS total FROM reading GROUP BY place
  HAVING sum(value) < (SELECT 0.001 * sum(value) FROM reading);
CREATE MATERIALIZED VIEW recent USING tview AS
  SELECT count(*), min(id) FROM reading WHERE day >= (SELECT max(day) - 30 FROM reading WHERE place <> 7);
-- two comparisons with one aggregate, and one that is shown: the rule does not apply
CREATE MATERIALIZED VIEW around USING tview AS
  SELECT r.id FROM reading r, (SELECT avg(value) AS mean FROM reading) a WHERE r.value > a.mean - 20 AND r.value < a.mean + 20;
CREATE MATERIALIZED VIEW shown USING tview AS
  SELECT r.id, a.lowest FROM reading r, (SELECT min(value) AS lowest FROM reading WHERE place = 1) a WHERE r.value < a.lowest + 5;
SELECT property, value FROM tview.explain('at_most') WHERE property = 'delta of node 0';

CREATE FUNCTION check_all() RETURNS TABLE (view text, difference text, content text) LANGUAGE plpgsql AS $$
DECLARE
  v regclass;
BEGIN
  FOR v IN SELECT t.view FROM tview.views t ORDER BY t.view::text LOOP
    RETURN QUERY SELECT v::text, c.difference, c.content FROM tview.check(v) c;
  END LOOP;
END $$;

-- up, down, by rows that are compared themselves and by others; to nothing and back
UPDATE reading SET value = value + 1000 WHERE id = 1;
UPDATE reading SET value = value * 2 WHERE id % 100 = 3;
SELECT * FROM check_all();
UPDATE reading SET value = 0 WHERE id % 100 = 3;
DELETE FROM reading WHERE id = 77;
INSERT INTO reading VALUES (6000, 3, 2500, '2030-01-01'), (6001, 7, NULL, NULL), (6002, NULL, -5, '2024-02-01');
SELECT * FROM check_all();
UPDATE reading SET place = 950 WHERE place < 900;
SELECT * FROM check_all();
UPDATE reading SET place = id % 900 WHERE id < 3000;
SELECT * FROM check_all();
UPDATE reading SET value = NULL;
SELECT * FROM check_all();
UPDATE reading SET value = id WHERE id < 200;
SELECT * FROM check_all();
UPDATE reading SET value = id * 3 % 2000;
SELECT * FROM check_all();
UPDATE reading SET value = 'NaN' WHERE id = 5;
SELECT * FROM check_all();
UPDATE reading SET value = 'Infinity' WHERE id = 5;
SELECT * FROM check_all();
UPDATE reading SET value = 5 WHERE id = 5;
SELECT * FROM check_all();

-- several versions in one transaction, some undone, and deferred
BEGIN;
UPDATE reading SET value = value + 500 WHERE id = 9;
SAVEPOINT s;
UPDATE reading SET value = value + 500 WHERE id < 100;
ROLLBACK TO s;
UPDATE reading SET value = value - 300 WHERE id = 9;
COMMIT;
SELECT * FROM check_all();
DO LANGUAGE tview $$ ALTER TVIEW above SET (mode = 'deferred') $$;
DO LANGUAGE tview $$ ALTER TVIEW places SET (mode = 'deferred') $$;
BEGIN;
UPDATE reading SET value = value + 5000 WHERE id = 9;
DELETE FROM reading WHERE id = 10;
SAVEPOINT s;
UPDATE reading SET value = value + 50000 WHERE id = 11;
ROLLBACK TO s;
UPDATE reading SET value = value - 4000 WHERE id = 9;
INSERT INTO reading VALUES (10, 1, 1, '2024-01-01');
COMMIT;
SELECT * FROM check_all();

-- how much of the table one changed row reads
CREATE TABLE big (id int PRIMARY KEY, value numeric);
INSERT INTO big SELECT i, i FROM generate_series(1, 20000) i;
CREATE INDEX ON big (value);
CREATE MATERIALIZED VIEW big_above USING tview AS
  SELECT id, value FROM big WHERE value > (SELECT avg(value) FROM big);
ANALYZE;
CREATE FUNCTION reads() RETURNS bigint LANGUAGE sql AS $$
  SELECT pg_stat_get_xact_tuples_returned('big'::regclass)
         + (SELECT sum(pg_stat_get_xact_tuples_returned(indexrelid)) FROM pg_index WHERE indrelid = 'big'::regclass)::bigint
$$;
BEGIN;
UPDATE big SET value = value + 40000 WHERE id = 3;
SELECT reads() AS before \gset
UPDATE big SET value = value - 20000 WHERE id = 3;
SELECT reads() - :before < 50 AS few;
COMMIT;
SELECT * FROM tview.check('big_above');

-- what is recomputed may look at the moving value itself
CREATE TABLE item (id int PRIMARY KEY, size int, name text);
CREATE TABLE part (id int PRIMARY KEY, g int);
INSERT INTO item VALUES (1, 2, 'a'), (2, 3, 'a'), (3, 2, 'b');
INSERT INTO part VALUES (1, 5), (2, 7);
CREATE MATERIALIZED VIEW fitting USING tview AS
  SELECT sum(p.g) AS total, string_agg(DISTINCT i.name, ',') AS names
  FROM item i JOIN (SELECT sum(g) AS g FROM part) p ON i.size <= p.g;
CREATE MATERIALIZED VIEW fitting_by_name USING tview AS
  SELECT i.name, array_agg(p.g - i.size ORDER BY i.id) AS room
  FROM item i JOIN (SELECT sum(g) AS g FROM part) p ON i.size <= p.g GROUP BY i.name;
CREATE MATERIALIZED VIEW fitting_ranked USING tview AS
  SELECT i.id, p.g - i.size AS room, rank() OVER (PARTITION BY i.name ORDER BY p.g - i.size) AS rank
  FROM item i JOIN (SELECT sum(g) AS g FROM part) p ON i.size <= p.g;
INSERT INTO part VALUES (3, 100);
SELECT * FROM fitting;
SELECT * FROM fitting_by_name ORDER BY name;
SELECT * FROM fitting_ranked ORDER BY id;
DELETE FROM part WHERE id = 1;
SELECT v, c.* FROM unnest('{fitting,fitting_by_name,fitting_ranked}'::text[]) v, tview.check(v::regclass) c;
