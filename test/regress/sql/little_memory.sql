--
-- Flushes whose rows and groups do not fit into memory.
--
SET client_min_messages = warning;
CREATE EXTENSION pg_tviews;
SET work_mem = '64kB';
SET hash_mem_multiplier = 1;

CREATE TABLE item (id int PRIMARY KEY, kind int, x int, price numeric, label text);
CREATE TABLE sale (id int PRIMARY KEY, item int, n int);
CREATE INDEX ON item (kind);
CREATE INDEX ON sale (item);
INSERT INTO item SELECT i, CASE WHEN i % 7 <> 0 THEN i / 3 END, i % 100, i * 1.5, 'item ' || i % 2000
  FROM generate_series(1, 6000) i;
INSERT INTO sale SELECT i, i % 4000, i % 10 FROM generate_series(1, 6000) i;

CREATE FUNCTION differ() RETURNS SETOF text LANGUAGE sql AS $$
  SELECT v.view || ': ' || c FROM tview.views v, LATERAL (SELECT * FROM tview.check(v.view) LIMIT 3) c $$;

-- rows with a key, with the key alone known of those that leave, and without a key
CREATE MATERIALIZED VIEW keyed USING tview AS SELECT id, x, label FROM item WHERE x % 2 = 0;
CREATE MATERIALIZED VIEW documents USING tview AS
  SELECT id, jsonb_build_object('x', x, 'label', label) AS document FROM item;
CREATE MATERIALIZED VIEW bag USING tview AS SELECT kind, x % 3 AS x FROM item;
CREATE MATERIALIZED VIEW one_image USING tview AS SELECT 'y' AS y FROM item WHERE x > 10;
-- groups by one column, by several, by one that can be null, in a view of its own order
CREATE MATERIALIZED VIEW by_id USING tview AS
  SELECT id, count(*) AS n, sum(x) AS s, max(label) AS last, sum(price) AS price FROM item GROUP BY id;
CREATE MATERIALIZED VIEW by_kind USING tview AS
  SELECT kind, count(x) AS n, avg(x) AS a, min(label) AS first, max(x) AS most, bit_or(x) AS bits, bool_and(x > 5) AS big,
    sum(price) AS price FROM item GROUP BY kind;
CREATE MATERIALIZED VIEW by_label USING tview AS
  SELECT label, array_agg(id ORDER BY id) AS ids, string_agg(x::text, ',' ORDER BY id) AS xs FROM item GROUP BY label;
CREATE MATERIALIZED VIEW lists_by_kind USING tview AS
  SELECT kind, x % 2 AS odd, array_agg(x ORDER BY x, id) AS xs FROM item GROUP BY kind, x % 2;
CREATE MATERIALIZED VIEW having_few USING tview AS
  SELECT kind, sum(x) AS s FROM item GROUP BY kind HAVING count(*) < 3;
CREATE MATERIALIZED VIEW images USING tview AS
  SELECT trim_scale(price) + (x % 2) * 0.00 AS price, count(*) AS n, max(price) AS m FROM item GROUP BY 1;
-- one group of many arguments
CREATE MATERIALIZED VIEW total USING tview AS
  SELECT count(*) AS n, sum(price) AS price, variance(price) AS v, bit_and(x) AS bits, min(label) AS label FROM item;
CREATE MATERIALIZED VIEW few_groups USING tview AS
  SELECT x % 3 AS x, sum(price) AS price, bit_or(kind) AS kinds FROM item GROUP BY x % 3;
-- sets
CREATE MATERIALIZED VIEW different USING tview AS SELECT DISTINCT x, label FROM item;
CREATE MATERIALIZED VIEW both_sides USING tview AS SELECT id FROM item WHERE x < 50 UNION SELECT item FROM sale;
CREATE MATERIALIZED VIEW left_over USING tview AS SELECT id, x FROM item EXCEPT ALL SELECT item, n FROM sale;
-- joins
CREATE MATERIALIZED VIEW joined USING tview AS SELECT s.id, i.label, s.n, i.x FROM sale s JOIN item i ON i.id = s.item;
CREATE MATERIALIZED VIEW outer_joined USING tview AS
  SELECT i.id, i.x, s.id AS sale, s.n FROM item i LEFT JOIN sale s ON s.item = i.id AND s.n > i.x % 10;
CREATE MATERIALIZED VIEW full_joined USING tview AS
  SELECT i.id, i.x, s.id AS sale, s.n FROM item i FULL JOIN sale s ON s.item = i.kind;
CREATE MATERIALIZED VIEW not_sold USING tview AS
  SELECT i.id, i.label FROM item i WHERE NOT EXISTS (SELECT FROM sale s WHERE s.item = i.id AND s.n > i.x % 10);
-- partitions: many of them, and one that is large
CREATE MATERIALIZED VIEW ranked USING tview AS
  SELECT id, x, rank() OVER (PARTITION BY kind ORDER BY x) AS place, count(*) OVER (PARTITION BY kind) AS n FROM item;
CREATE MATERIALIZED VIEW shares USING tview AS SELECT id, x, sum(x) OVER (ORDER BY id) AS running, count(*) OVER () AS n FROM item;
CREATE MATERIALIZED VIEW beside USING tview AS SELECT id, lag(x) OVER (PARTITION BY kind ORDER BY id) AS before FROM item;
CREATE MATERIALIZED VIEW firsts USING tview AS SELECT DISTINCT ON (kind) kind, x, id FROM item ORDER BY kind, x, id;
CREATE MATERIALIZED VIEW most USING tview AS SELECT id, x FROM item ORDER BY x DESC, id LIMIT 20;
-- views on views, those of all of the above that wait for the commit
CREATE MATERIALIZED VIEW over_groups USING tview AS SELECT n, count(*) AS kinds, sum(price) AS price FROM by_kind GROUP BY n;
CREATE MATERIALIZED VIEW over_rows USING tview AS SELECT label, count(*) AS n, max(x) AS x FROM joined GROUP BY label;
-- a unique index of the user's: rows change places
CREATE MATERIALIZED VIEW places USING tview AS SELECT id, id + x % 2 * 10000 AS place, sum(x) AS s FROM item GROUP BY id, place;
CREATE UNIQUE INDEX ON places (place);

-- each statement is maintained at once
UPDATE item SET x = x + 3, price = price + 1;
SELECT * FROM differ();
UPDATE item SET label = 'item ' || id % 500, kind = kind + 1 WHERE id % 5 <> 0;
SELECT * FROM differ();
DELETE FROM item WHERE id > 3000;
SELECT * FROM differ();
INSERT INTO item SELECT i, i / 2, i % 90, i, 'late ' || i FROM generate_series(3001, 8000) i;
SELECT * FROM differ();
WITH s AS (UPDATE sale SET n = n + 1, item = item + 1 RETURNING 1) UPDATE item SET x = x + (SELECT count(*) FROM s) % 7;
SELECT * FROM differ();

-- all of them wait
SELECT count(tview.set(view, 'deferred')) > 20 AS all_deferred FROM tview.views;
BEGIN;
UPDATE item SET x = x + 1, price = price * 2;
SAVEPOINT a;
DELETE FROM item WHERE id % 2 = 0;
UPDATE sale SET n = 0;
ROLLBACK TO a;
SELECT sum(n) FROM by_kind;
UPDATE item SET label = label || '!', kind = NULL WHERE id % 3 = 0;
UPDATE sale SET item = item + 5 WHERE id % 2 = 0;
COMMIT;
SELECT * FROM differ();

-- an error in the middle of a flush leaves nothing
CREATE MATERIALIZED VIEW quotients USING tview AS SELECT id, 1000 / (x - 100000) AS q, count(*) AS n FROM item GROUP BY 1, 2;
BEGIN;
UPDATE item SET x = x + 1;
SAVEPOINT a;
UPDATE item SET x = 100000 WHERE id = 7000;
SELECT count(*) FROM keyed;
ROLLBACK TO a;
UPDATE item SET x = x + 1;
COMMIT;
SELECT * FROM differ();

-- under a snapshot that is kept
BEGIN ISOLATION LEVEL REPEATABLE READ;
UPDATE item SET x = x - 50, label = 'one of ' || id % 700;
UPDATE sale SET n = n + 2;
COMMIT;
SELECT * FROM differ();
TRUNCATE sale;
DELETE FROM item;
SELECT * FROM differ();
SELECT count(*) FROM by_id;
