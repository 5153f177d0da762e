--
-- Tables with inheritance children: writes to each of them, children that come and go.
--
\set VERBOSITY terse
CREATE EXTENSION pg_tviews;
-- what differs between the views and their queries; nothing does
CREATE FUNCTION differences() RETURNS TABLE (view regclass, difference text, content text)
LANGUAGE sql VOLATILE AS $$
  SELECT v.view, c.difference, c.content FROM tview.views v, tview.check(v.view) c WHERE v.populated $$;

CREATE TABLE place (id int PRIMARY KEY, name text, size int, kind text);
CREATE TABLE city (mayor text) INHERITS (place);
CREATE TABLE harbour (depth int);
CREATE TABLE thing (kind text, name text);
CREATE TABLE port (berths int, name text) INHERITS (city, thing);
CREATE TABLE late (kind text, name text, junk int, size int NOT NULL, id int NOT NULL);
ALTER TABLE late DROP junk;
INSERT INTO place SELECT i, 'p' || i, i, 'k' || i % 3 FROM generate_series(1, 5) i;
INSERT INTO city SELECT i, 'c' || i, i, 'k' || i % 3, 'm' FROM generate_series(4, 9) i;
INSERT INTO port SELECT i, 'h' || i, i, 'k' || i % 3, 'm', i FROM generate_series(8, 12) i;
INSERT INTO late SELECT 'k' || i % 3, 'l' || i, i, i FROM generate_series(1, 3) i;

CREATE MATERIALIZED VIEW places USING tview AS SELECT id, name FROM place;
CREATE MATERIALIZED VIEW kinds USING tview AS SELECT kind, count(*) AS n, sum(size) AS total, max(name) AS last FROM place GROUP BY kind;
CREATE MATERIALIZED VIEW cities USING tview AS SELECT c.id, c.name, p.id AS same FROM city c JOIN place p ON p.kind = c.kind AND p.size = c.size;
CREATE MATERIALIZED VIEW things USING tview AS SELECT DISTINCT kind FROM thing;
CREATE MATERIALIZED VIEW ports USING tview AS SELECT id, berths FROM port;
CREATE MATERIALIZED VIEW own_places USING tview AS SELECT id, name FROM ONLY place;
CREATE MATERIALIZED VIEW own_and_all USING tview AS
  SELECT a.kind, count(*) AS n, sum(b.size) AS s FROM ONLY place a JOIN place b USING (kind) LEFT JOIN ONLY city c ON c.id = a.id GROUP BY a.kind;
CREATE MATERIALIZED VIEW where_from USING tview AS SELECT tableoid::regclass AS t, count(*) AS n FROM place GROUP BY tableoid;
CREATE MATERIALIZED VIEW own_missing USING tview AS
  SELECT id, name FROM city c WHERE NOT EXISTS (SELECT FROM ONLY place p WHERE p.id = c.id);
CREATE MATERIALIZED VIEW above USING tview AS SELECT n, count(*) AS kinds FROM kinds GROUP BY n;
SELECT * FROM differences();
SELECT * FROM kinds ORDER BY kind;
SELECT * FROM where_from ORDER BY t::text COLLATE "C";
-- the key of the parent does not hold for the children
SELECT DISTINCT value FROM tview.explain('places') WHERE property = 'rows found by';
SELECT DISTINCT value FROM tview.explain('own_places') WHERE property = 'rows found by';

INSERT INTO place VALUES (20, 'x', 1, 'k0');
INSERT INTO city VALUES (20, 'x', 1, 'k0', NULL);
INSERT INTO port VALUES (20, 'x', 1, 'k7', NULL, 3), (21, 'y', 1, 'k0', NULL, 3);
INSERT INTO thing VALUES ('k8', 'no place');
SELECT * FROM differences();
UPDATE place SET size = size + 1 WHERE id > 8;
UPDATE ONLY place SET name = name || '.' WHERE id < 6;
UPDATE city SET kind = 'k1' WHERE id % 4 = 0;
UPDATE ONLY city SET kind = 'k2' WHERE id % 3 = 0;
UPDATE thing SET name = upper(name), kind = 'k9' WHERE kind = 'k1';
UPDATE port SET berths = 0, id = id + 100;
SELECT * FROM differences();
DELETE FROM place WHERE id IN (1, 5, 20, 108);
DELETE FROM ONLY place WHERE id < 4;
DELETE FROM thing WHERE kind = 'k8' OR name LIKE 'H9%';
SELECT * FROM differences();
COPY city (id, name, size, kind) FROM STDIN;
30	copied	3	k1
31	copied	3	k2
\.
WITH up AS (UPDATE place SET size = size * 2 RETURNING id) INSERT INTO thing SELECT 'from', id FROM up;
SELECT * FROM differences();
SELECT * FROM kinds ORDER BY kind;
BEGIN;
TRUNCATE ONLY place;
SELECT * FROM differences();
TRUNCATE city;
SELECT * FROM differences();
ROLLBACK;
SELECT * FROM differences();

-- children that come and go; the first and the last one change what proves a key
ALTER TABLE late INHERIT place;
SELECT * FROM differences();
UPDATE late SET name = name || '!';
UPDATE place SET kind = 'k0' WHERE id < 3;
SELECT * FROM differences();
ALTER TABLE late INHERIT thing;
SELECT * FROM differences();
UPDATE thing SET kind = kind || '-' WHERE name LIKE 'l%';
SELECT * FROM differences();
-- reached on two ways, and still once
ALTER TABLE late ADD mayor text;
ALTER TABLE late INHERIT city;
SELECT * FROM differences();
INSERT INTO late VALUES ('k1', 'twice', 1, 77);
SELECT * FROM differences();
ALTER TABLE late NO INHERIT place;
SELECT * FROM differences();
ALTER TABLE late NO INHERIT city, NO INHERIT thing;
SELECT * FROM differences();
INSERT INTO late VALUES ('k1', 'alone', 1, 78);
SELECT tgrelid::regclass, count(*) FROM pg_trigger WHERE tgfoid = 'tview.capture'::regproc AND tgrelid = 'late'::regclass GROUP BY 1;
CREATE TABLE own (id int PRIMARY KEY, x int);
CREATE TABLE heir (id int NOT NULL, x int);
INSERT INTO own VALUES (1, 1), (2, 2);
INSERT INTO heir VALUES (2, 20), (3, 30);
CREATE MATERIALIZED VIEW owns USING tview AS SELECT id, x FROM own;
CREATE MATERIALIZED VIEW owns_and_kinds USING tview AS SELECT o.x, k.n FROM own o, (SELECT kind, count(*) AS n FROM place GROUP BY kind) k WHERE o.id = k.n;
CREATE MATERIALIZED VIEW over_owns USING tview AS SELECT sum(x) AS x FROM owns;
SELECT DISTINCT value FROM tview.explain('owns') WHERE property = 'rows found by';
ALTER TABLE heir INHERIT own;
SELECT DISTINCT value FROM tview.explain('owns') WHERE property = 'rows found by';
SELECT * FROM owns ORDER BY id, x;
SELECT * FROM over_owns;
SELECT * FROM differences();
UPDATE own SET x = x + 1 WHERE id = 2;
SELECT * FROM differences();
ALTER TABLE heir NO INHERIT own;
SELECT DISTINCT value FROM tview.explain('owns') WHERE property = 'rows found by';
SELECT * FROM differences();
UPDATE own SET x = x + 1;
UPDATE heir SET x = x + 1;
SELECT * FROM differences();
BEGIN;
CREATE TABLE child () INHERITS (own);
INSERT INTO child VALUES (1, 100);
SELECT * FROM differences();
SAVEPOINT s;
DROP TABLE child;
SELECT * FROM differences();
UPDATE own SET x = x + 1;
ROLLBACK TO s;
UPDATE own SET x = x + 1;
SELECT * FROM differences();
COMMIT;
SELECT * FROM owns ORDER BY id, x;
DROP TABLE child;
SELECT * FROM owns ORDER BY id, x;
UPDATE own SET x = x + 1;
SELECT * FROM differences();
SELECT view FROM tview.views WHERE NOT populated;
DROP TABLE port CASCADE;
SELECT * FROM differences();
DROP TABLE city CASCADE;
SELECT * FROM differences();
SELECT * FROM kinds ORDER BY kind;

-- what cannot be
CREATE TABLE village () INHERITS (place);
CREATE MATERIALIZED VIEW refused USING tview AS SELECT id, name, count(*) FROM place GROUP BY id;
CREATE MATERIALIZED VIEW determined USING tview AS SELECT id, x, count(*) FROM own GROUP BY id;
-- the key is that of a table without children
CREATE MATERIALIZED VIEW beside_places USING tview AS
  SELECT o.id, o.x, count(p.name) AS n FROM own o LEFT JOIN place p ON p.id = o.id GROUP BY o.id;
SELECT * FROM tview.check('beside_places');
CREATE TABLE second () INHERITS (own);
SELECT * FROM determined;
CREATE TEMP TABLE short_lived () INHERITS (place);
SELECT * FROM places LIMIT 1;
DROP TABLE short_lived;
REFRESH MATERIALIZED VIEW places;
REFRESH MATERIALIZED VIEW kinds;
SELECT * FROM differences();
