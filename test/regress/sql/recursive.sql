--
-- WITH RECURSIVE: trees, graphs, cycles, what stands above and below it
--
CREATE EXTENSION pg_tviews;
SET client_min_messages = warning;
SET statement_timeout = '60s';
\pset tuples_only on
\pset format unaligned

CREATE TABLE node (id integer PRIMARY KEY, parent integer, weight integer, label text);
CREATE INDEX ON node (parent);
INSERT INTO node VALUES (1, NULL, 1, 'root'), (2, 1, 2, 'b'), (3, 1, 3, 'c'), (4, 2, 4, 'd'), (5, 4, 5, 'e');
CREATE TABLE edge (src integer, dst integer, kind text);
CREATE INDEX ON edge (src);
CREATE INDEX ON edge (dst);
INSERT INTO edge VALUES (1, 2, 'x'), (2, 3, 'x'), (3, 1, 'y'), (3, 4, 'y'), (5, 6, 'z');

-- what differs from the definition, in the views and in their hidden state
CREATE FUNCTION differences() RETURNS TABLE (view text, difference text, copies bigint, content text)
LANGUAGE sql AS $$
  SELECT c.relname::text, d.difference, d.copies, d.content
  FROM pg_class c JOIN pg_am a ON a.oid = c.relam, tview.check(c.oid) d
  WHERE a.amname = 'tview' AND c.relkind = 'm' AND c.relispopulated
$$;

-- trees
CREATE MATERIALIZED VIEW tree USING tview AS
  WITH RECURSIVE r(id, depth, path) AS (
    SELECT id, 0, ARRAY[id] FROM node WHERE parent IS NULL
    UNION ALL
    SELECT n.id, r.depth + 1, r.path || n.id FROM r JOIN node n ON n.parent = r.id)
  SELECT * FROM r;
CREATE MATERIALIZED VIEW tree_names USING tview AS
  WITH RECURSIVE r(id, path) AS (
    SELECT id, label FROM node WHERE parent IS NULL
    UNION
    SELECT n.id, r.path || '/' || n.label FROM node n, r WHERE n.parent = r.id)
  SELECT r.id, r.path, n.weight FROM r JOIN node n USING (id);
CREATE MATERIALIZED VIEW totals USING tview AS
  WITH RECURSIVE r(root, id) AS (
    SELECT id, id FROM node
    UNION ALL
    SELECT r.root, n.id FROM r JOIN node n ON n.parent = r.id)
  SELECT root, count(*) AS nodes, sum(weight) AS weight FROM r JOIN node USING (id) GROUP BY root;

-- graphs
CREATE MATERIALIZED VIEW reach USING tview AS
  WITH RECURSIVE r(a, b) AS (
    SELECT src, dst FROM edge
    UNION
    SELECT r.a, e.dst FROM r JOIN edge e ON e.src = r.b)
  SELECT * FROM r;
CREATE MATERIALIZED VIEW from_one USING tview AS
  WITH RECURSIVE r(a) AS (SELECT 1 UNION SELECT e.dst FROM r JOIN edge e ON e.src = r.a)
  SELECT a FROM r;
CREATE MATERIALIZED VIEW both_ways USING tview AS
  WITH RECURSIVE link AS (SELECT src AS a, dst AS b FROM edge UNION ALL SELECT dst, src FROM edge),
    r(a) AS (SELECT 1 UNION SELECT l.b FROM r JOIN link l ON l.a = r.a)
  SELECT a FROM r;
CREATE MATERIALIZED VIEW counted USING tview AS
  WITH RECURSIVE r(b, steps) AS (
    SELECT dst, 1 FROM edge WHERE src = 1
    UNION
    SELECT e.dst, r.steps + 1 FROM r JOIN edge e ON e.src = r.b WHERE r.steps < 5)
  SELECT b, min(steps) AS nearest, count(*) AS lengths FROM r GROUP BY b;
CREATE MATERIALIZED VIEW paths USING tview AS
  WITH RECURSIVE r(a, path) AS (
    SELECT src, ARRAY[src] FROM edge
    UNION ALL
    SELECT e.dst, r.path || e.dst FROM r JOIN edge e ON e.src = r.a WHERE e.dst <> ALL (r.path))
  SELECT a, path FROM r;

-- outer join, absence, and several terms in the recursive one
CREATE MATERIALIZED VIEW joined USING tview AS
  WITH RECURSIVE r(id, kind) AS (
    SELECT id, NULL::text FROM node WHERE parent IS NULL
    UNION ALL
    SELECT n.id, e.kind FROM r JOIN node n ON n.parent = r.id LEFT JOIN edge e ON e.src = n.id)
  SELECT * FROM r;
CREATE MATERIALIZED VIEW unlinked USING tview AS
  WITH RECURSIVE r(id) AS (
    SELECT id FROM node WHERE parent IS NULL
    UNION ALL
    SELECT n.id FROM r JOIN node n ON n.parent = r.id
    WHERE NOT EXISTS (SELECT FROM edge e WHERE e.src = n.id AND e.kind = 'stop'))
  SELECT id FROM r;
CREATE MATERIALIZED VIEW several USING tview AS
  WITH RECURSIVE r(a) AS (
    SELECT 1
    UNION
    (SELECT q.b FROM r, LATERAL (SELECT e.dst FROM edge e WHERE e.src = r.a
                                UNION ALL SELECT n.id FROM node n WHERE n.parent = r.a) q(b)
     UNION ALL SELECT weight FROM node WHERE weight > 100))
  SELECT a FROM r;

-- over groups, views over it, two of them, one in the other, one inside a subquery
CREATE MATERIALIZED VIEW over_groups USING tview AS
  WITH RECURSIVE link AS (SELECT src, dst, count(*) AS n FROM edge GROUP BY src, dst),
    r(b, total) AS (
      SELECT dst, n FROM link WHERE src = 1
      UNION
      SELECT l.dst, r.total + l.n FROM r JOIN link l ON l.src = r.b WHERE r.total < 6)
  SELECT b, max(total) AS most FROM r GROUP BY b;
CREATE MATERIALIZED VIEW over_reach USING tview AS
  WITH RECURSIVE r(a, b) AS (
    SELECT a, b FROM reach WHERE a = 5
    UNION
    SELECT r.a, reach.b FROM r JOIN reach ON reach.a = r.b)
  SELECT r.a, count(*) AS n FROM r GROUP BY r.a;
CREATE MATERIALIZED VIEW two USING tview AS
  WITH RECURSIVE up(id, parent) AS (
      SELECT id, parent FROM node WHERE id = 5
      UNION ALL
      SELECT n.id, n.parent FROM up JOIN node n ON n.id = up.parent),
    down(id) AS (
      SELECT id FROM up WHERE parent IS NULL
      UNION ALL
      SELECT n.id FROM down JOIN node n ON n.parent = down.id)
  SELECT d.id, u.id AS above FROM down d LEFT JOIN up u ON u.parent = d.id;
CREATE MATERIALIZED VIEW inside USING tview AS
  SELECT n.id, q.a FROM node n JOIN (
    WITH RECURSIVE r(a) AS (SELECT 1 UNION SELECT e.dst FROM r JOIN edge e ON e.src = r.a)
    SELECT a FROM r) q ON q.a = n.id;
CREATE MATERIALIZED VIEW counter USING tview AS
  WITH RECURSIVE r AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM r WHERE i < 3)
  SELECT r.i, n.label FROM r JOIN node n ON n.id = r.i;
SELECT * FROM differences();

-- insertions
INSERT INTO node VALUES (6, 5, 6, 'f'), (7, 6, 7, 'g');
SELECT * FROM differences();
INSERT INTO edge VALUES (4, 5, 'n'), (6, 7, 'n');
SELECT * FROM differences();
INSERT INTO edge VALUES (1, 2, 'x'), (7, 1, 'y');
SELECT * FROM differences();
SELECT * FROM tree ORDER BY 1;
SELECT * FROM counted ORDER BY 1;

-- deletions: a shortcut, a copy, one that cuts a cycle, one that leaves the cycle without its way in
DELETE FROM edge WHERE src = 3 AND dst = 4;
SELECT * FROM differences();
DELETE FROM edge WHERE ctid = (SELECT min(ctid) FROM edge WHERE src = 1 AND dst = 2);
SELECT * FROM differences();
DELETE FROM edge WHERE src = 3 AND dst = 1;
SELECT * FROM differences();
INSERT INTO edge VALUES (2, 8, 'c'), (8, 9, 'c'), (9, 10, 'c'), (10, 8, 'c');
SELECT * FROM differences();
DELETE FROM edge WHERE src = 2 AND dst = 8;
SELECT * FROM differences();
SELECT * FROM from_one ORDER BY 1;
INSERT INTO edge VALUES (1, 9, 'c');
SELECT * FROM differences();
UPDATE edge SET src = 2 WHERE src = 1 AND dst = 9;
SELECT * FROM differences();

-- a subtree moves up, down, to nowhere and back; a leaf goes, an inner node goes
UPDATE node SET parent = 1 WHERE id = 4;
SELECT * FROM differences();
UPDATE node SET parent = 3 WHERE id = 2;
SELECT * FROM differences();
UPDATE node SET parent = 99 WHERE id = 4;
SELECT * FROM differences();
UPDATE node SET parent = 2 WHERE id = 4;
SELECT * FROM differences();
DELETE FROM node WHERE id = 7;
SELECT * FROM differences();
UPDATE node SET label = label || '!' WHERE id IN (1, 4);
SELECT * FROM differences();
UPDATE node SET weight = weight + 100 WHERE id = 3;
SELECT * FROM differences();

-- a row that gets an outer join's match, one that loses it
INSERT INTO edge VALUES (4, 4, 'stop');
SELECT * FROM differences();
UPDATE edge SET kind = 'go' WHERE kind = 'stop';
SELECT * FROM differences();

-- several tables in one statement, several statements in one transaction
WITH a AS (DELETE FROM edge WHERE kind = 'c' RETURNING src),
  b AS (INSERT INTO edge SELECT 1, 10, 'w' FROM a LIMIT 1 RETURNING dst)
UPDATE node SET parent = 1 WHERE id IN (SELECT 6 FROM a);
SELECT * FROM differences();
BEGIN;
UPDATE node SET parent = 2 WHERE id = 6;
SAVEPOINT s;
DELETE FROM node WHERE id = 1;
SELECT * FROM differences();
ROLLBACK TO s;
INSERT INTO edge SELECT i, i + 1, 'k' FROM generate_series(20, 30) i;
INSERT INTO edge VALUES (1, 20, 'k'), (30, 1, 'k');
COMMIT;
SELECT * FROM differences();

-- a cycle of parents that no root leads to; what was there must go
BEGIN;
DROP MATERIALIZED VIEW totals, two;
UPDATE node SET parent = 5 WHERE id = 2;
SELECT * FROM differences();
UPDATE node SET parent = 1 WHERE id = 2;
SELECT * FROM differences();
ROLLBACK;
SELECT * FROM differences();

-- all of it
TRUNCATE edge;
SELECT * FROM differences();
DELETE FROM node;
SELECT * FROM differences();
INSERT INTO node SELECT i, nullif(i / 3, 0), i, 'n' || i FROM generate_series(1, 100) i;
INSERT INTO edge SELECT i % 40, i * 7 % 40, 'm' FROM generate_series(1, 60) i;
SELECT * FROM differences();
REFRESH MATERIALIZED VIEW reach;
SELECT * FROM differences();

-- at other isolation levels
BEGIN ISOLATION LEVEL REPEATABLE READ;
UPDATE node SET parent = 4 WHERE id = 9;
INSERT INTO edge VALUES (39, 41, 'r');
DELETE FROM edge WHERE src = 7;
SELECT * FROM differences();
COMMIT;
SELECT * FROM differences();

-- a cycle that nobody reaches does no harm under UNION ALL; one that is reached is an endless recursion, here as in the
-- query, and can be cancelled
CREATE TABLE link (src integer, dst integer);
INSERT INTO link VALUES (1, 2), (2, 3), (11, 12), (12, 11);
CREATE MATERIALIZED VIEW walks USING tview AS
  WITH RECURSIVE r(a) AS (SELECT 1 UNION ALL SELECT l.dst FROM r JOIN link l ON l.src = r.a)
  SELECT a FROM r;
INSERT INTO link VALUES (12, 13), (13, 11), (1, 3);
SELECT * FROM differences();
SELECT * FROM walks ORDER BY 1;
SET statement_timeout = '300ms';
INSERT INTO link VALUES (3, 11);
INSERT INTO link VALUES (3, 1);
INSERT INTO link VALUES (3, 2), (3, 2), (3, 2);
SET statement_timeout = '60s';
SELECT * FROM differences();
-- in one statement: the cycle is reached, and cut
WITH cut AS (DELETE FROM link WHERE src = 12 RETURNING dst)
INSERT INTO link SELECT DISTINCT 3, 11 FROM cut;
SELECT * FROM differences();
SELECT * FROM walks ORDER BY 1;
-- the other way round: what led there becomes a cycle that is not reached
WITH cut AS (DELETE FROM link WHERE src = 1 RETURNING dst)
INSERT INTO link SELECT 12, 2 FROM cut;
SELECT * FROM differences();

-- keys of any length; factors; a column that is not kept apart by its image
CREATE TABLE part (code text PRIMARY KEY, parent varchar(20), quantity numeric, kind char(3));
CREATE INDEX ON part (parent);
INSERT INTO part VALUES ('car', NULL, 1, 'a'), ('wheel', 'car', 4, 'b'), ('screw', 'wheel', 5, 'c'), ('axle', 'car', 2.50, 'b');
CREATE MATERIALIZED VIEW needed USING tview AS
  WITH RECURSIVE r(code, root, quantity) AS (
    SELECT code, code, quantity FROM part WHERE parent IS NULL
    UNION ALL
    SELECT p.code, r.root, r.quantity * p.quantity FROM r JOIN part p ON p.parent = r.code)
  SELECT root, code, sum(quantity) AS quantity FROM r GROUP BY root, code;
CREATE MATERIALIZED VIEW kinds USING tview AS
  WITH RECURSIVE r(code, kind) AS (
    SELECT code, kind FROM part WHERE kind = 'a'
    UNION
    SELECT p.code, r.kind FROM r JOIN part p ON p.parent = r.code)
  SELECT * FROM r;
SET client_min_messages = notice;
CREATE MATERIALIZED VIEW quantities USING tview AS
  WITH RECURSIVE r(code, quantity) AS (
    SELECT code, quantity FROM part WHERE parent IS NULL
    UNION
    SELECT p.code, p.quantity FROM r JOIN part p ON p.parent = r.code)
  SELECT * FROM r;
SET tview.require_incremental = on;
CREATE MATERIALIZED VIEW refused USING tview AS
  WITH RECURSIVE r(code, quantity) AS (
    SELECT code, quantity FROM part
    UNION
    SELECT p.code, p.quantity FROM r JOIN part p ON p.parent = r.code)
  SELECT * FROM r;
RESET tview.require_incremental;
UPDATE part SET quantity = 6 WHERE code = 'screw';
INSERT INTO part VALUES ('nut', 'screw', 1, 'd'), ('tyre', 'wheel', 1.0, 'd');
SELECT * FROM needed ORDER BY code;
SELECT * FROM differences();
UPDATE part SET parent = 'axle' WHERE code = 'screw';
SELECT * FROM differences();
DELETE FROM part WHERE code = 'axle';
SELECT * FROM differences();
UPDATE part SET kind = 'a' WHERE code = 'axle' OR code = 'screw';
SELECT * FROM differences();

-- a term that can fail does so for rows that are there, and only for them
CREATE TABLE share (src integer, dst integer, parts integer);
INSERT INTO share VALUES (1, 2, 4), (2, 3, 5);
CREATE MATERIALIZED VIEW shares USING tview AS
  WITH RECURSIVE r(id, amount) AS (
    SELECT 1, 1000
    UNION ALL
    SELECT s.dst, r.amount / (s.parts + r.id - 2) FROM r JOIN share s ON s.src = r.id)
  SELECT * FROM r;
CREATE MATERIALIZED VIEW share_set USING tview AS
  WITH RECURSIVE r(id, amount) AS (
    SELECT 1, 1000
    UNION
    SELECT s.dst, r.amount / (s.parts + r.id - 2) FROM r JOIN share s ON s.src = r.id)
  SELECT * FROM r;
-- the row with id 3 would meet parts = -1
WITH gone AS (DELETE FROM share WHERE src = 2 RETURNING 1)
INSERT INTO share SELECT 3, 4, -1 FROM gone;
SELECT * FROM shares ORDER BY id;
SELECT * FROM differences();
INSERT INTO share VALUES (2, 5, 0);
INSERT INTO share VALUES (1, 5, 2), (5, 6, 1);
DELETE FROM share WHERE dst = 2;
SELECT * FROM shares ORDER BY id;
SELECT * FROM differences();

-- state of so many rows that its indexes are built when they are there
CREATE TABLE many (id integer PRIMARY KEY, parent integer);
CREATE INDEX ON many (parent);
INSERT INTO many SELECT i, nullif(i / 2, 0) FROM generate_series(1, 3000) i;
CREATE MATERIALIZED VIEW many_depths USING tview AS
  WITH RECURSIVE r AS (SELECT id, 0 AS depth FROM many WHERE parent IS NULL
                       UNION SELECT m.id, r.depth + 1 FROM r JOIN many m ON m.parent = r.id)
  SELECT depth, count(*) AS nodes, max(id) AS last FROM r GROUP BY depth;
UPDATE many SET parent = 1 WHERE id IN (2999, 17);
DELETE FROM many WHERE id = 100;
INSERT INTO many VALUES (4000, 3000);
SELECT * FROM differences();
SELECT * FROM many_depths ORDER BY depth DESC LIMIT 3;

-- rows of a UNION differ in some column: they are found by all of them, if these fit an index and look as they compare
CREATE TABLE way (src integer, dst integer, at date);
CREATE INDEX ON way (src);
CREATE INDEX ON way (dst);
INSERT INTO way VALUES (1, 2, '2024-01-01'), (2, NULL, NULL), (2, 3, NULL), (NULL, 5, '2024-01-02'), (3, 1, NULL), (3, 1, '2024-01-03');
CREATE MATERIALIZED VIEW ways USING tview AS
  WITH RECURSIVE r(a, b, at) AS (SELECT src, dst, at FROM way UNION SELECT r.a, w.dst, w.at FROM r JOIN way w ON w.src = r.b)
  SELECT * FROM r;
CREATE MATERIALIZED VIEW ways_named USING tview AS
  WITH RECURSIVE r(a, b) AS (SELECT src, dst::text FROM way UNION SELECT r.a, w.dst::text FROM r JOIN way w ON w.src::text = r.b)
  SELECT * FROM r;
CREATE MATERIALIZED VIEW ways_above USING tview AS SELECT w.a, w.b, k.at FROM ways w LEFT JOIN way k ON k.src = w.a AND k.dst = w.b;
CREATE VIEW indexes AS
  SELECT i.indrelid::regclass AS view, i.indisunique, regexp_replace(pg_get_indexdef(i.indexrelid), '^.* USING ', '') AS index
  FROM pg_index i WHERE i.indrelid IN ('ways'::regclass, 'ways_named'::regclass)
  UNION ALL
  SELECT s.view::regclass, i.indisunique, 'state: ' || regexp_replace(pg_get_indexdef(i.indexrelid), '^.* USING |state_[0-9]+_', '', 'g')
  FROM tview.state s JOIN pg_index i ON i.indrelid = s.state WHERE s.view IN ('ways'::regclass, 'ways_named'::regclass);
SELECT * FROM indexes ORDER BY view::text, index COLLATE "C";
SELECT count(*), count(a), count(b), count(at) FROM ways;
SELECT * FROM differences();
INSERT INTO way VALUES (5, 6, NULL), (6, 5, NULL), (NULL, NULL, NULL), (NULL, NULL, NULL);
SELECT * FROM differences();
UPDATE way SET dst = 7 WHERE src = 2 AND dst IS NULL;
UPDATE way SET at = '2024-02-01' WHERE at IS NULL;
SELECT * FROM differences();
BEGIN ISOLATION LEVEL REPEATABLE READ;
DELETE FROM way WHERE src = 3 AND at < '2024-02-01';
DELETE FROM way WHERE src IS NULL AND dst IS NULL;
SELECT * FROM differences();
SAVEPOINT s;
DELETE FROM way;
SELECT count(*) FROM ways;
ROLLBACK TO s;
DELETE FROM way WHERE src = 1;
COMMIT;
SELECT * FROM differences();
INSERT INTO way SELECT i, i + 1, '2024-01-01'::date + i FROM generate_series(100, 160) i;
UPDATE way SET src = src + 1 WHERE src BETWEEN 120 AND 130;
DELETE FROM way WHERE src = 140;
REFRESH MATERIALIZED VIEW CONCURRENTLY ways;
UPDATE way SET dst = dst - 1 WHERE src BETWEEN 120 AND 130;
SELECT * FROM differences();
SELECT count(*), count(DISTINCT a), max(b) FROM ways;
