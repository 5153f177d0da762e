--
-- Constructs without a maintenance rule: the query is computed anew as a whole
--
CREATE EXTENSION pg_tviews;
SET statement_timeout = '60s';
\pset tuples_only on
\pset format unaligned

CREATE TABLE item (id integer PRIMARY KEY, shelf integer, qty integer, price numeric, doc json, label text);
CREATE TABLE part (id integer PRIMARY KEY, item_id integer, amount integer, note text);
INSERT INTO item SELECT i, i % 3, i, i, json_build_object('a', i), 'l' || i FROM generate_series(1, 6) i;
INSERT INTO part SELECT i, i % 7, i, 'n' FROM generate_series(1, 12) i;
CREATE VIEW positive AS SELECT id, item_id, amount FROM part WHERE amount > 0;

CREATE FUNCTION differences() RETURNS TABLE (view text, difference text, copies bigint, content text)
LANGUAGE sql AS $$
  SELECT c.relname::text, d.difference, d.copies, d.content
  FROM pg_class c JOIN pg_am a ON a.oid = c.relam, tview.check(c.oid) d
  WHERE a.amname = 'tview' AND c.relkind = 'm' AND c.relispopulated
$$;

-- creation tells it, unless it is not wanted
SET tview.require_incremental = on;
CREATE MATERIALIZED VIEW cycles USING tview AS
  WITH RECURSIVE r AS (SELECT id FROM item UNION ALL SELECT i.id FROM r JOIN item i ON i.shelf = r.id)
    CYCLE id SET looped USING path
  SELECT id, looped, path::text AS path FROM r;
RESET tview.require_incremental;
CREATE MATERIALIZED VIEW cycles USING tview AS
  WITH RECURSIVE r AS (SELECT id FROM item UNION ALL SELECT i.id FROM r JOIN item i ON i.shelf = r.id)
    CYCLE id SET looped USING path
  SELECT id, looped, path::text AS path FROM r;
SELECT property, value FROM tview.explain($$
  WITH RECURSIVE r AS (SELECT id FROM item UNION ALL SELECT i.id FROM r JOIN item i ON i.shelf = r.id)
    CYCLE id SET looped USING path
  SELECT id FROM r$$) WHERE property !~ 'cost';
SET client_min_messages = warning;

CREATE MATERIALIZED VIEW depth_first USING tview AS
  WITH RECURSIVE r AS (
    SELECT id FROM item UNION ALL SELECT p.amount FROM r JOIN positive p ON p.item_id = r.id)
    SEARCH DEPTH FIRST BY id SET o CYCLE id SET looped TO 1 DEFAULT 0 USING path
  SELECT id, looped, rank() OVER (ORDER BY o) AS n FROM r;
CREATE MATERIALIZED VIEW breadth_first USING tview AS
  WITH RECURSIVE r(id, depth) AS (
    SELECT id, 0 FROM item UNION SELECT p.amount, depth + 1 FROM r JOIN positive p ON p.item_id = r.id
      WHERE depth < 3)
    SEARCH BREADTH FIRST BY id SET o
  SELECT id, o::text AS o FROM r;
CREATE MATERIALIZED VIEW documents USING tview AS
  SELECT i.id, i.doc, count(p.id) AS n FROM item i LEFT JOIN positive p ON p.item_id = i.id
  GROUP BY i.id ORDER BY 3;
CREATE MATERIALIZED VIEW reached USING tview AS
  SELECT i.id, (WITH RECURSIVE r AS (SELECT i.shelf AS x UNION
                                     SELECT p.amount FROM r JOIN part p ON p.item_id = r.x)
                SELECT count(*) FROM r) AS n
  FROM item i;
CREATE MATERIALIZED VIEW ranks USING tview AS
  SELECT i.id, (SELECT rank(6 / i.id) WITHIN GROUP (ORDER BY amount) FROM part p WHERE p.item_id = i.id) AS r
  FROM item i;
CREATE MATERIALIZED VIEW rolled_up USING tview AS
  SELECT i.id, (SELECT sum(n) FROM (SELECT count(*) AS n FROM part p WHERE p.item_id = i.id
                                    GROUP BY ROLLUP (p.amount)) q) AS n
  FROM item i;
CREATE MATERIALIZED VIEW matched USING tview AS
  SELECT i.id FROM item i
  WHERE EXISTS (SELECT FROM part p WHERE p.item_id = i.id AND p.amount > (i.doc ->> 'a')::integer);
CREATE MATERIALIZED VIEW full_joined USING tview AS
  SELECT i.shelf, sum(z.n) AS n
  FROM item i, LATERAL (SELECT p.amount AS n FROM (SELECT * FROM part WHERE item_id = i.id) p
                        FULL JOIN (SELECT qty FROM item j WHERE j.qty = i.qty) q ON p.amount = q.qty) z
  GROUP BY i.shelf;
CREATE MATERIALIZED VIEW records USING tview AS
  SELECT id, json_each(doc) IS NULL AS r FROM item;
CREATE MATERIALIZED VIEW shown_once USING tview AS
  WITH RECURSIVE r AS (SELECT id FROM item UNION ALL
                       SELECT DISTINCT p.amount FROM r JOIN part p ON p.item_id = r.id AND p.amount > r.id)
  SELECT id, count(*) AS n FROM r GROUP BY id;
CREATE MATERIALIZED VIEW numbers USING tview AS
  SELECT price, (SELECT dense_rank(6 / max(i.id)) WITHIN GROUP (ORDER BY p.amount) FROM part p WHERE p.item_id = max(i.id)) AS d
  FROM item i GROUP BY price;
-- these have one
CREATE MATERIALIZED VIEW places USING tview AS
  SELECT i.id, (SELECT rank(i.qty) WITHIN GROUP (ORDER BY amount) FROM part p WHERE p.item_id = i.id) AS r,
    (SELECT dense_rank(2) WITHIN GROUP (ORDER BY amount DESC) FROM part p WHERE p.item_id = i.id) AS d,
    (SELECT percent_rank(i.qty) WITHIN GROUP (ORDER BY amount) FROM part p WHERE p.item_id = i.id) AS p,
    (SELECT cume_dist(i.price) WITHIN GROUP (ORDER BY amount) FROM part p WHERE p.item_id = i.id) AS c
  FROM item i;
-- views over it have rules again
CREATE MATERIALIZED VIEW over_it USING tview AS
  SELECT n, count(*) AS items, sum(id) AS ids FROM reached GROUP BY n;
SELECT relname, e.value FROM pg_class c JOIN pg_am a ON a.oid = c.relam,
  tview.explain(pg_get_viewdef(c.oid)) e
WHERE amname = 'tview' AND relkind = 'm' AND e.property IN ('strategy', 'recomputed as a whole') ORDER BY 1, 2;
SELECT * FROM differences();

-- whatever changes
INSERT INTO part VALUES (13, 3, 5), (14, 2, 6), (15, 4, 1);
SELECT * FROM differences();
UPDATE item SET shelf = 1, qty = qty + 1, doc = '{"a": 4, "b": [1]}' WHERE id IN (2, 4);
SELECT * FROM differences();
DELETE FROM part WHERE id IN (5, 13);
SELECT * FROM differences();
WITH x AS (UPDATE part SET amount = amount - 7 RETURNING id)
INSERT INTO item SELECT id + 100, 2, id, id, '{}', 'new' FROM x WHERE id < 4;
SELECT * FROM differences();
UPDATE item SET price = price::numeric(9, 2) WHERE id = 3;
SELECT * FROM differences();
SELECT * FROM depth_first ORDER BY n LIMIT 5;
SELECT * FROM over_it ORDER BY 1;
BEGIN;
DELETE FROM item;
SELECT * FROM differences();
SAVEPOINT a;
TRUNCATE part;
SELECT * FROM differences();
ROLLBACK TO a;
SELECT count(*) FROM ranks;
ROLLBACK;
SELECT * FROM differences();

-- what no column in the query tells of is passed over
BEGIN;
CREATE TEMP TABLE before AS SELECT ctid AS place, id FROM ranks;
SELECT flushes FROM tview.activity('full_joined') \gset
UPDATE part SET note = 'other';
UPDATE item SET label = 'other';
SELECT count(*) FROM ranks r JOIN before b ON r.id = b.id AND r.ctid = b.place;
SELECT flushes = :flushes AS passed_over FROM tview.activity('full_joined');
COMMIT;

-- deferred; of several changes in one transaction, one run
SELECT tview.set('rolled_up', mode => 'deferred');
BEGIN;
INSERT INTO part VALUES (16, 1, 1);
INSERT INTO part VALUES (17, 1, 2);
SELECT * FROM rolled_up WHERE id = 1;
COMMIT;
SELECT * FROM differences();

-- plain views that are replaced, with the rights of their owners
CREATE OR REPLACE VIEW positive AS SELECT id, item_id, amount FROM part WHERE amount > 2;
SELECT * FROM differences();
INSERT INTO part VALUES (18, 1, 2), (19, 1, 3);
SELECT * FROM differences();
ALTER TABLE item ADD COLUMN more integer;
ALTER TABLE item DROP COLUMN label;
INSERT INTO part VALUES (20, 5, 2);
SELECT * FROM differences();
REFRESH MATERIALIZED VIEW depth_first;
SELECT * FROM differences();

-- partitions, children, generated columns, the table's OID
CREATE TABLE parted (id integer, x integer, g integer GENERATED ALWAYS AS (x * 2) STORED) PARTITION BY LIST (x);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1, 2);
CREATE TABLE parted_2 PARTITION OF parted DEFAULT;
CREATE TABLE parent (id integer, x integer);
CREATE TABLE child () INHERITS (parent);
INSERT INTO parted VALUES (1, 1), (2, 3);
INSERT INTO parent VALUES (5, 1);
INSERT INTO child VALUES (3, 4);
CREATE MATERIALIZED VIEW trees USING tview AS
  WITH RECURSIVE r AS (SELECT id, g, tableoid = 'parted_1'::regclass AS t FROM parted UNION ALL
                       SELECT c.id, c.x, r.t FROM r JOIN ONLY parent c ON c.x = r.id) SEARCH BREADTH FIRST BY g SET o
  SELECT id, g, t, rank() OVER (ORDER BY o) AS n, (SELECT count(*) FROM parent) AS rows FROM r;
UPDATE parted SET x = 5;
INSERT INTO parted VALUES (1, 2);
INSERT INTO child VALUES (4, 1);
INSERT INTO parent VALUES (9, 1);
SELECT * FROM differences();
ALTER TABLE parted DETACH PARTITION parted_1;
ALTER TABLE child NO INHERIT parent;
SELECT * FROM trees ORDER BY n;
SELECT * FROM differences();
DROP TABLE parted_2;
SELECT * FROM trees;

-- still refused: what depends on more than the tables ...
CREATE MATERIALIZED VIEW v USING tview AS
  WITH RECURSIVE r AS (SELECT id FROM item UNION ALL SELECT i.id FROM r JOIN item i ON i.shelf = r.id)
    CYCLE id SET looped USING path
  SELECT id, random() AS x FROM r;
CREATE MATERIALIZED VIEW v USING tview AS
  SELECT i.id, (SELECT rank(6 / i.id) WITHIN GROUP (ORDER BY amount) FROM part p WHERE p.item_id = i.id) AS r
  FROM item i WHERE EXISTS (SELECT FROM part WHERE now() > '2020-01-01');
CREATE MATERIALIZED VIEW v USING tview AS
  SELECT i.id, (SELECT rank(6 / i.id) WITHIN GROUP (ORDER BY amount) FROM part p WHERE p.item_id = i.id) AS r
  FROM item i, pg_class;
CREATE MATERIALIZED VIEW v USING tview AS
  SELECT i.id, i.ctid::text, (SELECT rank(6 / i.id) WITHIN GROUP (ORDER BY amount) FROM part p WHERE p.item_id = i.id) AS r
  FROM item i;
CREATE MATERIALIZED VIEW v USING tview AS
  SELECT i.shelf, i.doc, (SELECT rank(6 / i.id) WITHIN GROUP (ORDER BY amount) FROM part p WHERE p.item_id = i.id) AS r
  FROM item i FOR UPDATE;
-- ... and what has several right answers
CREATE MATERIALIZED VIEW v USING tview AS
  SELECT i.id, (SELECT rank(6 / i.id) WITHIN GROUP (ORDER BY amount) FROM part p WHERE p.item_id = i.id) AS r
  FROM item i ORDER BY i.qty LIMIT 3;
CREATE MATERIALIZED VIEW v USING tview AS
  WITH RECURSIVE r AS (SELECT id FROM item UNION ALL SELECT i.id FROM r JOIN item i ON i.shelf = r.id)
    SEARCH DEPTH FIRST BY id SET o
  SELECT id, row_number() OVER (ORDER BY o) AS n FROM r;
CREATE MATERIALIZED VIEW v USING tview AS
  WITH RECURSIVE r AS (SELECT price FROM item UNION SELECT DISTINCT i.price + 1 FROM r JOIN item i ON i.price = r.price)
    SEARCH DEPTH FIRST BY price SET o
  SELECT price FROM r;
