--
-- REFRESH, and views that cannot be read before it.
--
CREATE EXTENSION pg_tviews;
CREATE FUNCTION differences() RETURNS TABLE (view regclass, difference text, content text)
LANGUAGE sql VOLATILE AS $$
  SELECT v.view, c.difference, c.content FROM tview.views v, tview.check(v.view) c WHERE v.populated $$;
CREATE VIEW populated AS SELECT view, populated FROM tview.views ORDER BY view::text COLLATE "C";

CREATE TABLE t (id int PRIMARY KEY, a int, b int);
INSERT INTO t SELECT i, i % 3, i FROM generate_series(1, 9) i;

-- nothing changes by it; CONCURRENTLY needs a unique index, which a view with a key has
CREATE MATERIALIZED VIEW low USING tview AS SELECT a, sum(b) AS s, count(*) AS n FROM t GROUP BY a HAVING count(*) > 1;
CREATE MATERIALIZED VIEW mid USING tview AS SELECT n, sum(s) AS s FROM low GROUP BY n;
CREATE MATERIALIZED VIEW high USING tview AS SELECT max(s) AS m FROM mid;
CREATE MATERIALIZED VIEW bag USING tview AS SELECT a FROM t;
REFRESH MATERIALIZED VIEW low;
REFRESH MATERIALIZED VIEW CONCURRENTLY low;
REFRESH MATERIALIZED VIEW CONCURRENTLY bag;
REFRESH MATERIALIZED VIEW bag;
REFRESH MATERIALIZED VIEW high;
INSERT INTO t VALUES (10, 0, 100);
SELECT * FROM low ORDER BY a;
SELECT * FROM high;
SELECT * FROM differences();
-- the views above follow in the same command
REFRESH MATERIALIZED VIEW mid;
DELETE FROM t WHERE id = 10;
SELECT * FROM differences();
-- a view over a view is compared, too, not made anew
BEGIN;
REFRESH MATERIALIZED VIEW CONCURRENTLY mid;
SELECT count(*) FROM pg_locks WHERE relation = 'mid'::regclass AND mode = 'AccessExclusiveLock';
COMMIT;
SELECT * FROM differences();

-- in a transaction with changes before and after, in a savepoint, by functions
BEGIN;
INSERT INTO t VALUES (11, 1, 11);
REFRESH MATERIALIZED VIEW low;
INSERT INTO t VALUES (12, 1, 12);
SAVEPOINT s;
UPDATE t SET b = b + 1;
REFRESH MATERIALIZED VIEW CONCURRENTLY low;
ROLLBACK TO s;
DELETE FROM t WHERE id = 11;
SELECT * FROM low ORDER BY a;
COMMIT;
BEGIN;
INSERT INTO t VALUES (13, 1, 13);
REFRESH MATERIALIZED VIEW low;
REFRESH MATERIALIZED VIEW bag;
ROLLBACK;
SELECT * FROM differences();
DO $$
BEGIN
  UPDATE t SET b = b + 1;
  REFRESH MATERIALIZED VIEW low;
  UPDATE t SET a = a + 1;
END $$;
SELECT * FROM low ORDER BY a;
SELECT * FROM differences();
-- not in the middle of a statement
CREATE FUNCTION refresh_low() RETURNS int LANGUAGE plpgsql AS 'BEGIN REFRESH MATERIALIZED VIEW low; RETURN 1; END';
INSERT INTO t SELECT 20 + refresh_low();
INSERT INTO t SELECT 20 + i, refresh_low() FROM generate_series(1, 2) i;
SELECT refresh_low();
SELECT * FROM differences();

-- without data: it, and what reads it, cannot be read; nothing is maintained
REFRESH MATERIALIZED VIEW low WITH NO DATA;
SELECT * FROM populated;
SELECT * FROM low;
SELECT * FROM high;
SELECT * FROM tview.check('low');
INSERT INTO t VALUES (30, 3, 30);
SELECT count(*) FROM tview.state;
-- from the bottom up
REFRESH MATERIALIZED VIEW high;
REFRESH MATERIALIZED VIEW mid;
REFRESH MATERIALIZED VIEW CONCURRENTLY low;
REFRESH MATERIALIZED VIEW low;
SELECT * FROM populated;
SELECT * FROM mid;
SELECT * FROM low ORDER BY a;
INSERT INTO t VALUES (31, 3, 31);
REFRESH MATERIALIZED VIEW mid;
INSERT INTO t VALUES (32, 3, 32);
REFRESH MATERIALIZED VIEW high;
INSERT INTO t VALUES (33, 3, 33);
SELECT * FROM high;
SELECT * FROM populated;
SELECT * FROM differences();
-- in one transaction, taken back
BEGIN;
REFRESH MATERIALIZED VIEW low WITH NO DATA;
UPDATE t SET b = 0;
ROLLBACK;
UPDATE t SET b = b + 1 WHERE id > 30;
SELECT * FROM differences();
BEGIN;
UPDATE t SET b = b + 1 WHERE id > 30;
REFRESH MATERIALIZED VIEW low WITH NO DATA;
UPDATE t SET b = b + 1 WHERE id > 30;
REFRESH MATERIALIZED VIEW low;
UPDATE t SET b = b + 1 WHERE id > 30;
REFRESH MATERIALIZED VIEW mid;
UPDATE t SET b = b + 1 WHERE id > 30;
REFRESH MATERIALIZED VIEW high;
UPDATE t SET b = b + 1 WHERE id > 30;
COMMIT;
SELECT * FROM differences();

-- created without data, over one without data
CREATE MATERIALIZED VIEW low2 USING tview AS SELECT a, count(*) AS n FROM t GROUP BY a WITH NO DATA;
CREATE MATERIALIZED VIEW high2 USING tview AS SELECT max(n) AS m FROM low2 WITH NO DATA;
CREATE MATERIALIZED VIEW high3 USING tview AS SELECT max(n) AS m FROM low2;
SELECT property, value FROM tview.explain('high2') WHERE property IN ('populated', 'strategy', 'reads');
INSERT INTO t VALUES (40, 4, 4);
REFRESH MATERIALIZED VIEW low2;
SELECT * FROM high2;
REFRESH MATERIALIZED VIEW high2;
UPDATE t SET a = 3;
SELECT * FROM high2;
SELECT view::regclass, level FROM tview.view ORDER BY level, view::regclass::text COLLATE "C";
SELECT * FROM differences();
DROP MATERIALIZED VIEW low2 CASCADE;

-- what was lost is built again: our index, and a state table's contents
DO $$
BEGIN
  EXECUTE format('DELETE FROM %s', (SELECT state::regclass FROM tview.state WHERE view = 'low'::regclass));
END $$;
SELECT view, difference, count(*) FROM differences() GROUP BY 1, 2;
UPDATE t SET b = b + 1;
REFRESH MATERIALIZED VIEW low;
UPDATE t SET b = b + 1;
SELECT * FROM differences();
-- an index of ours that is not valid
UPDATE pg_index SET indisvalid = false WHERE indrelid = 'mid'::regclass;
\c -
UPDATE t SET b = b + 1;
REFRESH MATERIALIZED VIEW mid;
UPDATE t SET b = b + 1;
SELECT indexrelid::regclass, indisvalid FROM pg_index WHERE indrelid = 'mid'::regclass;
-- of a state table: it is the view that is named
UPDATE pg_index SET indisvalid = false
  WHERE indrelid IN (SELECT state FROM tview.state WHERE view = 'low'::regclass) AND indisunique;
\c -
UPDATE t SET b = b + 1;
REFRESH MATERIALIZED VIEW low;
UPDATE t SET b = b + 1;
SELECT * FROM differences();

-- the settings of the view's creation hold, not those of the session
SET TimeZone = 'UTC';
SET DateStyle = 'ISO';
CREATE TABLE e (id int PRIMARY KEY, ts timestamptz);
INSERT INTO e VALUES (1, '2024-01-01 12:00+00');
CREATE MATERIALIZED VIEW texts USING tview AS SELECT id, ts::text AS t FROM e;
SET TimeZone = 'Asia/Tokyo';
SET DateStyle = 'SQL';
REFRESH MATERIALIZED VIEW texts;
INSERT INTO e VALUES (2, '2024-06-01 12:00+00');
SELECT * FROM texts ORDER BY id;
SELECT * FROM differences();
SHOW TimeZone;
SECURITY LABEL FOR tview ON MATERIALIZED VIEW texts IS 'mode=immediate; TimeZone=Asia/Tokyo; DateStyle=SQL, DMY';
REFRESH MATERIALIZED VIEW texts WITH NO DATA;
SECURITY LABEL FOR tview ON MATERIALIZED VIEW texts IS 'mode=manual';
SECURITY LABEL FOR tview ON MATERIALIZED VIEW texts IS 'work_mem=64kB';
SECURITY LABEL FOR tview ON MATERIALIZED VIEW texts IS 'mode=immediate; TimeZone=Asia/Tokyo; DateStyle=SQL, DMY';
REFRESH MATERIALIZED VIEW texts;
RESET TimeZone;
RESET DateStyle;
INSERT INTO e VALUES (3, '2024-06-01 12:00+00');
SELECT * FROM texts ORDER BY id;
SELECT * FROM differences();

-- no view reads itself, also if a plain view between is replaced
CREATE TABLE leaf (id int PRIMARY KEY, g int);
INSERT INTO leaf SELECT n, n % 3 FROM generate_series(1, 9) n;
CREATE VIEW between AS SELECT id, g FROM leaf;
CREATE MATERIALIZED VIEW circle USING tview AS SELECT id, g FROM between;
CREATE OR REPLACE VIEW between AS SELECT id, g FROM circle UNION ALL SELECT id, g FROM leaf;
REFRESH MATERIALIZED VIEW circle;
INSERT INTO leaf VALUES (100, 1);
SELECT * FROM circle;
CREATE OR REPLACE VIEW between AS SELECT id, g FROM circle;
REFRESH MATERIALIZED VIEW circle;
CREATE OR REPLACE VIEW between AS SELECT id, g FROM leaf WHERE id > 4;
REFRESH MATERIALIZED VIEW circle;
CREATE MATERIALIZED VIEW upon USING tview AS SELECT g, count(*) AS n FROM circle GROUP BY g;
CREATE OR REPLACE VIEW between AS SELECT n::int AS id, g FROM upon;
REFRESH MATERIALIZED VIEW circle;
REFRESH MATERIALIZED VIEW upon;
CREATE OR REPLACE VIEW between AS SELECT id, g FROM leaf;
REFRESH MATERIALIZED VIEW circle;
REFRESH MATERIALIZED VIEW upon;
SELECT * FROM upon ORDER BY g;
SELECT * FROM differences();
-- everything is found by these names
ALTER SCHEMA tview RENAME TO other;
ALTER LANGUAGE tview RENAME TO other;

-- a text search configuration that a view uses by name, or as the default
CREATE TEXT SEARCH CONFIGURATION plain (COPY = simple);
CREATE TEXT SEARCH CONFIGURATION other (COPY = simple);
CREATE TABLE letter (id int PRIMARY KEY, body text);
INSERT INTO letter VALUES (1, 'the cats');
SET default_text_search_config = 'public.plain';
CREATE MATERIALIZED VIEW by_default USING tview AS SELECT id, to_tsvector(body) AS words FROM letter;
CREATE MATERIALIZED VIEW by_name USING tview AS SELECT id, to_tsvector('other', body) AS words FROM letter;
CREATE MATERIALIZED VIEW without USING tview AS SELECT id, body FROM letter;
RESET default_text_search_config;
ALTER TEXT SEARCH CONFIGURATION other ALTER MAPPING FOR asciiword WITH english_stem;
ALTER TEXT SEARCH CONFIGURATION plain ALTER MAPPING FOR asciiword WITH english_stem;
REFRESH MATERIALIZED VIEW by_default;
REFRESH MATERIALIZED VIEW by_name;
INSERT INTO letter VALUES (2, 'the dogs');
SELECT * FROM by_default ORDER BY id;
SELECT * FROM differences();
DROP TEXT SEARCH CONFIGURATION plain;
INSERT INTO letter VALUES (3, 'the mice');
REFRESH MATERIALIZED VIEW by_default;
SELECT count(*) FROM without;

-- Groups are stored in the order of their keys, in which maintenance looks for them; the definition tells nothing of it.
CREATE TABLE scattered (id int PRIMARY KEY, k int, x int);
INSERT INTO scattered SELECT i, i * 7919 % 5003, i FROM generate_series(1, 6000) i;
CREATE FUNCTION out_of_order(view regclass) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN
  EXECUTE format('SELECT count(*) FROM (SELECT k < lag(k) OVER (ORDER BY ctid) AS before FROM %s) t WHERE before', view) INTO n;
  RETURN n;
END $$;
CREATE MATERIALIZED VIEW by_k USING tview AS SELECT k, count(*), sum(x) FROM scattered GROUP BY k;
CREATE MATERIALIZED VIEW distinct_k USING tview AS SELECT DISTINCT k FROM scattered;
CREATE MATERIALIZED VIEW some_k USING tview AS SELECT k, count(*) FROM scattered GROUP BY k WITH NO DATA;
SELECT out_of_order('by_k'), out_of_order('distinct_k');
DELETE FROM scattered WHERE k < 100;
INSERT INTO scattered SELECT 6000 + i, i, i FROM generate_series(100, 1, -1) i;
REFRESH MATERIALIZED VIEW by_k;
REFRESH MATERIALIZED VIEW some_k;
SELECT out_of_order('by_k'), out_of_order('some_k');
SELECT pg_get_viewdef('by_k') ~* 'order by' AS ordered;
SELECT * FROM tview.check('by_k');
DROP TABLE scattered CASCADE;
DROP FUNCTION out_of_order;
