--
-- The ways to create a maintained view.
--
CREATE EXTENSION pg_tviews;

-- what views hold that their queries do not give, and the reverse
CREATE FUNCTION differences() RETURNS TABLE (view regclass, difference text, content text)
LANGUAGE sql VOLATILE AS $$
  SELECT v.view, c.difference, c.content FROM tview.views v, tview.check(v.view) c WHERE v.populated $$;

CREATE TABLE sale (id int PRIMARY KEY, shop int NOT NULL, amount int);
INSERT INTO sale VALUES (1, 1, 10), (2, 1, 20), (3, 2, 5);

-- stock syntax
CREATE MATERIALIZED VIEW by_shop USING tview AS
  SELECT shop, count(*) AS n, sum(amount) AS total FROM sale GROUP BY shop;
CREATE MATERIALIZED VIEW by_shop USING tview AS SELECT 1 AS one;
CREATE MATERIALIZED VIEW IF NOT EXISTS by_shop USING tview AS SELECT random() AS never_looked_at;
CREATE MATERIALIZED VIEW IF NOT EXISTS named (place, "How Many") USING tview AS
  SELECT shop, count(*) FROM sale GROUP BY shop WITH DATA;
INSERT INTO sale VALUES (4, 3, 7);
SELECT * FROM by_shop ORDER BY shop;
SELECT * FROM named ORDER BY place;
CREATE MATERIALIZED VIEW too_many (a, b, c) USING tview AS SELECT shop, amount FROM sale;

-- without data: nothing is maintained before the first REFRESH
CREATE MATERIALIZED VIEW later USING tview WITH (fillfactor = 70) AS SELECT id, amount FROM sale WITH NO DATA;
INSERT INTO sale VALUES (5, 3, 1);
SELECT * FROM later;
REFRESH MATERIALIZED VIEW later;
INSERT INTO sale VALUES (6, 3, 2);
SELECT * FROM later ORDER BY id;
SELECT reloptions FROM pg_class WHERE relname = 'later';

-- by default_table_access_method
SET default_table_access_method = tview;
CREATE MATERIALIZED VIEW by_default AS SELECT id FROM sale WHERE amount > 5;
CREATE TABLE not_a_view (a int);
CREATE TABLE not_a_view AS SELECT 1 AS a;
SELECT 1 AS a INTO not_a_view;
CREATE TEMP TABLE not_a_view (a int);
REFRESH MATERIALIZED VIEW CONCURRENTLY by_default;
REFRESH MATERIALIZED VIEW by_default;
RESET default_table_access_method;
CREATE TABLE not_a_view (a int) USING tview;
CREATE TABLE not_a_view USING tview AS SELECT 1 AS a;

-- nested in other statements
DO $$
BEGIN
  CREATE MATERIALIZED VIEW in_do USING tview AS SELECT id, shop FROM sale WHERE shop < 3;
  INSERT INTO sale VALUES (7, 2, 9);
  RAISE NOTICE '% rows', (SELECT count(*) FROM in_do);
END $$;
CREATE FUNCTION make_view(name text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  n bigint;
BEGIN
  EXECUTE format('CREATE MATERIALIZED VIEW %I USING tview AS SELECT id, amount FROM sale WHERE shop = 2', name);
  UPDATE sale SET amount = amount + 1;
  EXECUTE format('SELECT sum(amount) FROM %I', name) INTO n;
  RETURN n;
END $$;
SELECT make_view('In function');
SELECT sum(amount) FROM sale WHERE shop = 2;
CREATE FUNCTION make_sql() RETURNS void LANGUAGE sql AS $$
  CREATE MATERIALIZED VIEW in_sql_function USING tview AS SELECT id FROM sale $$;
SELECT make_sql();
-- the plan is the server's
\o /dev/null
EXPLAIN ANALYZE
  CREATE MATERIALIZED VIEW explained USING tview AS SELECT id, amount + 1 AS more FROM sale;
\o
EXPLAIN (COSTS OFF) CREATE MATERIALIZED VIEW only_explained USING tview AS SELECT id FROM sale;
EXPLAIN (ANALYZE FALSE, COSTS OFF) CREATE MATERIALIZED VIEW only_explained USING tview AS SELECT id FROM sale;
EXPLAIN (ANALYZE) CREATE MATERIALIZED VIEW refused USING tview AS SELECT random() FROM sale;
-- several statements in one message, the transaction is theirs
CREATE MATERIALIZED VIEW batch USING tview AS SELECT id, -amount AS minus FROM sale\; INSERT INTO sale VALUES (7, 7, 7)\; SELECT count(*) FROM batch;
CREATE MATERIALIZED VIEW batch USING tview AS SELECT id, -amount AS minus FROM sale\; INSERT INTO sale VALUES (12, 7, 7)\; SELECT count(*) FROM batch;

-- a transaction, and one that is taken back
BEGIN;
INSERT INTO sale VALUES (8, 4, 4);
CREATE MATERIALIZED VIEW in_transaction USING tview AS SELECT shop, max(amount) AS most FROM sale GROUP BY shop;
INSERT INTO sale VALUES (9, 4, 5);
SAVEPOINT s;
CREATE MATERIALIZED VIEW taken_back USING tview AS SELECT shop FROM sale;
INSERT INTO sale VALUES (10, 4, 6);
ROLLBACK TO s;
SELECT * FROM in_transaction WHERE shop = 4;
COMMIT;
SELECT * FROM in_transaction WHERE shop = 4;

-- over each other, over plain views, over itself
CREATE VIEW plain AS SELECT shop, total FROM by_shop WHERE total > 5;
CREATE MATERIALIZED VIEW over_plain USING tview AS SELECT count(*) AS shops, sum(total) AS total FROM plain;
CREATE MATERIALIZED VIEW itself USING tview AS SELECT * FROM itself;
UPDATE sale SET amount = 100 WHERE id = 1;
SELECT * FROM over_plain;
-- no input at all
CREATE MATERIALIZED VIEW constant USING tview AS SELECT 1 AS one, 'x' AS x;
CREATE MATERIALIZED VIEW series USING tview AS SELECT g FROM generate_series(1, 3) g;
SELECT * FROM constant, series;
CREATE MATERIALIZED VIEW no_columns USING tview AS SELECT FROM sale;

UPDATE sale SET amount = amount + 1, shop = shop + 1;
DELETE FROM sale WHERE id = 2;
SELECT view, strategy, populated FROM tview.views ORDER BY view::text COLLATE "C";
SELECT * FROM differences();

-- many rows, workers help: groups whose state is stored apart, groups without a key to show,
-- rows without a key, and documents that do not fit a page
CREATE TABLE reading (id int PRIMARY KEY, sensor int NOT NULL, value numeric, note text);
INSERT INTO reading SELECT i, i % 2500, i / 7.0, CASE i % 3 WHEN 0 THEN 'note' END FROM generate_series(1, 10000) i;
ANALYZE reading;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
CREATE MATERIALIZED VIEW averages USING tview AS
  SELECT sensor, avg(value) AS average, sum(value) AS total, count(note) AS notes FROM reading GROUP BY sensor;
CREATE MATERIALIZED VIEW frequent USING tview AS
  SELECT count(*) AS n, variance(value) AS variance FROM reading GROUP BY sensor HAVING count(*) > 3;
CREATE MATERIALIZED VIEW notes USING tview AS
  SELECT r.note, s.shop FROM reading r LEFT JOIN sale s ON s.id = r.sensor;
CREATE MATERIALIZED VIEW lists USING tview AS
  SELECT sensor % 3 AS third, string_agg(md5(value::text), ',' ORDER BY id) AS list FROM reading GROUP BY 1;
CREATE MATERIALIZED VIEW ranked USING tview AS
  SELECT average, rank() OVER (PARTITION BY notes ORDER BY sensor) AS place FROM averages;
CREATE UNIQUE INDEX averages_extra ON averages ((sensor + 1));
REFRESH MATERIALIZED VIEW averages;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
SELECT * FROM differences();
UPDATE reading SET value = value + 1, note = 'x' WHERE sensor < 20;
DELETE FROM reading WHERE sensor > 2480 AND id < 5000;
SELECT * FROM differences();
SET enable_seqscan = off;
SELECT average, notes FROM averages WHERE sensor + 1 = 8;
RESET enable_seqscan;

-- the owner must be allowed to read each column
CREATE ROLE create_reader;
GRANT SELECT (id, sensor), TRIGGER ON reading TO create_reader;
GRANT CREATE ON SCHEMA public TO create_reader;
SET ROLE create_reader;
CREATE MATERIALIZED VIEW sensors USING tview AS SELECT id, sensor FROM reading WHERE id < 3;
CREATE MATERIALIZED VIEW denied USING tview AS SELECT id, (SELECT value) AS value FROM reading;
CREATE MATERIALIZED VIEW denied USING tview AS SELECT id, value FROM reading WITH NO DATA;
RESET ROLE;
REFRESH MATERIALIZED VIEW sensors;
REFRESH MATERIALIZED VIEW denied;
GRANT SELECT (value) ON reading TO create_reader;
REFRESH MATERIALIZED VIEW denied;
SELECT count(*) FROM denied;
SELECT * FROM differences();
DROP OWNED BY create_reader;
DROP ROLE create_reader;
