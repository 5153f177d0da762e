--
-- Keys of types that are compared as another one: varchar, domains.
--
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_tviews;
RESET client_min_messages;

CREATE DOMAIN code AS varchar(8);
CREATE TABLE country (code varchar(8) PRIMARY KEY, name text);
CREATE TABLE city (id int PRIMARY KEY, country code, x int);
CREATE TABLE word (w text COLLATE "C" PRIMARY KEY, b bpchar);
INSERT INTO country SELECT 'c' || i, 'n' || i FROM generate_series(1, 50) i;
INSERT INTO city SELECT i, 'c' || i % 60, i FROM generate_series(1, 300) i;
INSERT INTO word VALUES ('c1', 'c1'), ('c1 ', 'c1'), ('c2', 'c3 ');

-- looked up by the primary key: no state, and the view has a key
CREATE MATERIALIZED VIEW names USING tview AS
  SELECT ci.id, co.name FROM city ci LEFT JOIN country co ON co.code = ci.country;
CREATE MATERIALIZED VIEW known USING tview AS
  SELECT ci.id, ci.country FROM city ci WHERE EXISTS (SELECT FROM country co WHERE co.code = ci.country);
CREATE MATERIALIZED VIEW codes USING tview AS
  SELECT ci.country, co.name, count(*) FROM city ci JOIN country co ON co.code = ci.country GROUP BY 1, 2;
CREATE MATERIALIZED VIEW shown USING tview AS
  SELECT co.code, w.b FROM country co JOIN word w ON w.w COLLATE "C" = co.code;
-- equal as bpchar are two texts: no key
CREATE MATERIALIZED VIEW padded USING tview AS
  SELECT ci.id, w.b FROM city ci LEFT JOIN word w ON w.w::bpchar = ci.country::bpchar;
SELECT view::regclass, count(*) FROM tview.state GROUP BY 1 ORDER BY 1::text;
SELECT indrelid::regclass, pg_get_indexdef(indexrelid) ~ 'UNIQUE' AS is_unique, pg_get_indexdef(indexrelid, 1, true) AS first_column
FROM pg_index WHERE indrelid IN ('names'::regclass, 'known'::regclass, 'shown'::regclass, 'padded'::regclass) ORDER BY 1::text, 3;
DELETE FROM country WHERE code IN ('c3', 'c4');
UPDATE city SET country = 'c3' WHERE id < 30;
INSERT INTO country VALUES ('c3', 'again'), ('c55', 'new');
UPDATE country SET code = 'c4' WHERE code = 'c5';
UPDATE word SET w = 'c3 ' WHERE w = 'c1 ';
INSERT INTO word VALUES ('c3', 'x'), ('c7', 'y');
SELECT c.* FROM unnest(ARRAY['names', 'known', 'codes', 'shown', 'padded']) v, tview.check(v::regclass) c;
WITH x AS (UPDATE country SET code = code || 'x' WHERE code ~ '1') UPDATE city SET country = country || 'x' WHERE id < 100;
SELECT c.* FROM unnest(ARRAY['names', 'known', 'codes', 'shown', 'padded']) v, tview.check(v::regclass) c;
