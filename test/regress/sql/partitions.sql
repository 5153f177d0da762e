--
-- Partitioned tables: writes at every level, partitions that come and go.
--
\set VERBOSITY terse
CREATE EXTENSION pg_tviews;
-- what differs between the views and their queries; nothing does
CREATE FUNCTION differences() RETURNS TABLE (view regclass, difference text, content text)
LANGUAGE sql VOLATILE AS $$
  SELECT v.view, c.difference, c.content FROM tview.views v, tview.check(v.view) c WHERE v.populated $$;

-- leaves of other column orders, dropped columns, a level in between, a default
CREATE TABLE sale (id int, region text, day date, amount numeric, note text) PARTITION BY LIST (region);
CREATE TABLE sale_north (gone int, amount numeric, note text, region text, day date, id int);
ALTER TABLE sale_north DROP gone;
ALTER TABLE sale ATTACH PARTITION sale_north FOR VALUES IN ('north');
CREATE TABLE sale_south (note text, region text, id int, gone text, amount numeric, day date) PARTITION BY RANGE (day);
ALTER TABLE sale_south DROP gone;
CREATE TABLE sale_south_2023 PARTITION OF sale_south FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE sale_south_2024 (day date, id int, note text, amount numeric, region text);
ALTER TABLE sale_south ATTACH PARTITION sale_south_2024 FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
ALTER TABLE sale ATTACH PARTITION sale_south FOR VALUES IN ('south');
CREATE TABLE sale_rest PARTITION OF sale DEFAULT;
CREATE TABLE region (region text PRIMARY KEY, name text);
INSERT INTO region SELECT r, upper(r) FROM unnest(ARRAY['north', 'south', 'east']) r;
INSERT INTO sale SELECT i, (ARRAY['north', 'south', 'east'])[1 + i % 3], '2023-06-01'::date + i * 20, i * 1.5, 'n' || i % 4
  FROM generate_series(1, 24) i;

-- views of the root, of a level in between, of a leaf; over several of them
CREATE MATERIALIZED VIEW totals USING tview AS
  SELECT region, count(*) AS n, sum(amount) AS total, max(id) AS top FROM sale GROUP BY region;
CREATE MATERIALIZED VIEW rows USING tview AS SELECT id, region, note FROM sale;
CREATE MATERIALIZED VIEW named USING tview AS SELECT s.id, s.amount, r.name FROM sale s JOIN region r USING (region);
CREATE MATERIALIZED VIEW south USING tview AS SELECT note, sum(amount) AS total, count(*) AS n FROM sale_south GROUP BY note;
CREATE MATERIALIZED VIEW south_2024 USING tview AS SELECT id, day, amount FROM sale_south_2024;
CREATE MATERIALIZED VIEW north USING tview AS SELECT DISTINCT note FROM sale_north;
CREATE MATERIALIZED VIEW pairs USING tview AS
  SELECT a.id, b.id AS other FROM sale a JOIN sale_south b ON b.note = a.note AND a.region = 'north';
CREATE MATERIALIZED VIEW where_from USING tview AS SELECT tableoid::regclass AS t, note, count(*) AS n FROM sale GROUP BY tableoid, note;
CREATE MATERIALIZED VIEW docs USING tview AS SELECT tableoid::regclass AS t, id, to_jsonb(s) - 'day' AS doc FROM sale s;
CREATE MATERIALIZED VIEW above USING tview AS SELECT n, count(*) AS regions FROM totals GROUP BY n;
SELECT * FROM differences();
SELECT * FROM totals ORDER BY region;

-- writes to the root, the level in between, the leaves
INSERT INTO sale VALUES (101, 'north', '2024-03-03', 1, 'a'), (102, 'south', '2024-03-03', 2, 'b'), (103, 'west', '2024-03-03', 3, 'c');
SELECT * FROM differences();
INSERT INTO sale_south VALUES ('a', 'south', 104, 4, '2023-03-03'), ('b', 'south', 105, 5, '2024-03-03');
SELECT * FROM differences();
INSERT INTO sale_south_2024 VALUES ('2024-05-05', 106, 'a', 6, 'south');
INSERT INTO sale_north (id, region, note) VALUES (107, 'north', 'a'), (108, 'north', NULL);
SELECT * FROM differences();
UPDATE sale SET amount = amount + 1 WHERE id > 90;
SELECT * FROM differences();
UPDATE sale_south SET note = 'b' WHERE id % 2 = 0;
SELECT * FROM differences();
UPDATE sale_south_2023 SET amount = NULL WHERE id = 104;
UPDATE sale_north SET id = -id WHERE note = 'a';
SELECT * FROM differences();
DELETE FROM sale WHERE id IN (-107, 102, 3);
DELETE FROM sale_south WHERE note = 'b' AND id < 10;
DELETE FROM sale_south_2024 WHERE id = 106;
SELECT * FROM differences();
SELECT * FROM south ORDER BY note;
-- nothing changes in the columns that are read
UPDATE sale SET day = day WHERE id > 0;
SELECT a.delta_in = 0 AS untouched FROM tview.activity('north') a;

-- rows that move
UPDATE sale SET region = 'south' WHERE region = 'north' AND id % 2 = 0 AND day IS NOT NULL;
SELECT * FROM differences();
UPDATE sale SET region = CASE region WHEN 'south' THEN 'east' WHEN 'east' THEN 'south' ELSE region END, id = id + 1000;
SELECT * FROM differences();
UPDATE sale_south SET day = '2024-12-31' WHERE day < '2024-01-01';
SELECT * FROM differences();
SELECT * FROM totals ORDER BY region;
UPDATE sale_south_2024 SET day = '2023-12-31';

-- COPY into the root and into a leaf, INSERT ... ON CONFLICT, MERGE
COPY sale FROM STDIN;
2001	north	2024-01-01	1	x
2002	south	2024-01-01	2	x
2003	far	2024-01-01	3	x
\.
COPY sale_south_2023 (id, region, day, amount, note) FROM STDIN;
2004	south	2023-01-01	4	x
\.
SELECT * FROM differences();
CREATE UNIQUE INDEX sale_key ON sale (id, region, day);
INSERT INTO sale VALUES (2001, 'north', '2024-01-01', 10, 'y'), (2005, 'south', '2023-02-01', 5, 'y')
  ON CONFLICT (id, region, day) DO UPDATE SET amount = EXCLUDED.amount, note = EXCLUDED.note;
MERGE INTO sale s USING (VALUES (2001, 'north'), (2002, 'south'), (2006, 'south')) n(id, region) ON n.id = s.id
  WHEN MATCHED AND s.id = 2001 THEN DELETE
  WHEN MATCHED THEN UPDATE SET region = 'north'
  WHEN NOT MATCHED THEN INSERT VALUES (n.id, n.region, '2023-07-07', 6, 'z');
SELECT * FROM differences();
WITH gone AS (DELETE FROM sale_south RETURNING *), come AS (INSERT INTO sale_north (id, region, note) SELECT id, 'north', note FROM gone)
  UPDATE sale SET amount = 7 WHERE region = 'east';
SELECT * FROM differences();

-- a key that a unique index of the partitioned table proves
CREATE TABLE ticket (id int, half int, title text, PRIMARY KEY (id, half)) PARTITION BY LIST (half);
CREATE TABLE ticket_1 PARTITION OF ticket FOR VALUES IN (1);
CREATE TABLE ticket_2 PARTITION OF ticket FOR VALUES IN (2);
CREATE MATERIALIZED VIEW tickets USING tview AS SELECT id, half, title FROM ticket;
SELECT DISTINCT value FROM tview.explain('tickets') WHERE property = 'rows found by';
INSERT INTO ticket SELECT i, 1 + i % 2, 't' || i FROM generate_series(1, 10) i;
UPDATE ticket SET half = 3 - half, id = 10 + id;
SELECT * FROM differences();
ALTER TABLE ticket DROP CONSTRAINT ticket_pkey;
SELECT DISTINCT value FROM tview.explain('tickets') WHERE property = 'rows found by';
INSERT INTO ticket SELECT * FROM ticket_1;
DELETE FROM ticket_1 WHERE ctid IN (SELECT min(ctid) FROM ticket_1 GROUP BY id);
CREATE UNIQUE INDEX ticket_key ON ONLY ticket (id, half);
SELECT DISTINCT value FROM tview.explain('tickets') WHERE property = 'rows found by';
CREATE UNIQUE INDEX ticket_1_key ON ticket_1 (id, half);
CREATE UNIQUE INDEX ticket_2_key ON ticket_2 (id, half);
ALTER INDEX ticket_key ATTACH PARTITION ticket_1_key;
ALTER INDEX ticket_key ATTACH PARTITION ticket_2_key;
SELECT DISTINCT value FROM tview.explain('tickets') WHERE property = 'rows found by';
ALTER TABLE ticket ALTER id SET NOT NULL, ALTER half SET NOT NULL;
SELECT DISTINCT value FROM tview.explain('tickets') WHERE property = 'rows found by';
UPDATE ticket SET half = 3 - half, title = title || '!';
SELECT * FROM differences();
DROP INDEX ticket_key;
SELECT DISTINCT value FROM tview.explain('tickets') WHERE property = 'rows found by';
UPDATE ticket SET half = 3 - half, title = title || '!';
SELECT * FROM differences();

-- foreign keys of and to partitions
CREATE TABLE customer (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE customer_1 PARTITION OF customer FOR VALUES FROM (0) TO (10);
CREATE TABLE customer_2 PARTITION OF customer FOR VALUES FROM (10) TO (100);
CREATE TABLE bill (id int, customer int REFERENCES customer ON DELETE CASCADE ON UPDATE CASCADE, amount int) PARTITION BY LIST (customer);
CREATE TABLE bill_1 PARTITION OF bill FOR VALUES IN (1, 2, 3);
CREATE TABLE bill_2 PARTITION OF bill DEFAULT;
INSERT INTO customer SELECT generate_series(1, 20);
INSERT INTO bill SELECT i, 1 + i % 20, i FROM generate_series(1, 60) i;
CREATE MATERIALIZED VIEW bills USING tview AS
  SELECT c.id, count(*) AS n, sum(b.amount) AS total FROM customer c JOIN bill b ON b.customer = c.id GROUP BY c.id;
CREATE MATERIALIZED VIEW bills_1 USING tview AS SELECT id, customer FROM bill_1;
DELETE FROM customer WHERE id IN (1, 5, 15);
SELECT * FROM differences();
DELETE FROM customer_2 WHERE id > 17;
UPDATE customer SET id = id + 50 WHERE id IN (2, 12);
SELECT * FROM differences();
BEGIN;
SAVEPOINT a;
UPDATE customer SET id = 2 WHERE id = 52;
DELETE FROM bill_2 WHERE id % 2 = 0;
ROLLBACK TO a;
INSERT INTO bill VALUES (99, 3, 9);
SAVEPOINT b;
UPDATE bill SET customer = 4 WHERE id = 99;
RELEASE b;
SELECT * FROM differences();
COMMIT;
SELECT * FROM differences();

-- TRUNCATE
BEGIN;
TRUNCATE sale_south_2024;
SELECT * FROM differences();
INSERT INTO sale VALUES (3001, 'south', '2024-03-03', 1, 'a'), (3002, 'north', '2024-03-03', 1, 'a');
TRUNCATE sale_south;
SELECT * FROM differences();
ROLLBACK;
SELECT * FROM differences();
TRUNCATE sale_south;
SELECT * FROM differences();
TRUNCATE bill, customer;
SELECT * FROM differences();
CREATE FUNCTION before_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO sale VALUES (4001, 'north', '2024-01-01', 1, TG_WHEN), (4002, 'west', clock_timestamp(), 1, 'stays')
    ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;
CREATE TRIGGER zz_before BEFORE TRUNCATE ON sale_north EXECUTE FUNCTION before_truncate();
TRUNCATE sale_north;
SELECT * FROM rows WHERE id > 4000;
SELECT * FROM differences();
DROP TRIGGER zz_before ON sale_north;
CREATE TRIGGER zz_after AFTER TRUNCATE ON sale_north EXECUTE FUNCTION before_truncate();
TRUNCATE sale_north;
SELECT id, note FROM rows WHERE id > 4000 ORDER BY id, note;
SELECT * FROM differences();
TRUNCATE sale;
SELECT * FROM rows;
DROP TRIGGER zz_after ON sale_north;
SELECT * FROM differences();

-- partitions that come and go
INSERT INTO sale SELECT i, (ARRAY['north', 'south', 'east'])[1 + i % 3], '2023-06-01'::date + i * 20, i * 1.5, 'n' || i % 4
  FROM generate_series(1, 24) i;
INSERT INTO ticket SELECT i, 1 + i % 2, 't' || i FROM generate_series(101, 110) i;
CREATE TABLE sale_far (note text, id int, amount numeric, day date, region text);
INSERT INTO sale_far SELECT 'far', i, i, '2024-01-01', 'far' FROM generate_series(501, 510) i;
CREATE MATERIALIZED VIEW far USING tview AS SELECT id, note FROM sale_far;
ALTER TABLE sale ATTACH PARTITION sale_far FOR VALUES IN ('far');
SELECT * FROM differences();
SELECT * FROM totals ORDER BY region;
INSERT INTO sale VALUES (511, 'far', '2024-01-01', 1, 'far');
UPDATE sale_far SET amount = 0;
UPDATE sale SET region = 'far' WHERE id = 1;
SELECT * FROM differences();
CREATE TABLE sale_south_2025 PARTITION OF sale_south FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
INSERT INTO sale VALUES (512, 'south', '2025-01-01', 1, 'new');
INSERT INTO sale_south_2025 (id, region, day) SELECT id + 1, region, day FROM sale_south_2025;
SELECT * FROM differences();
ALTER TABLE sale DETACH PARTITION sale_far;
SELECT * FROM differences();
SELECT * FROM totals ORDER BY region;
UPDATE sale_far SET id = id + 100;
INSERT INTO sale_far VALUES ('x', 1);
INSERT INTO sale VALUES (513, 'far', '2024-01-01', 1, 'far');
SELECT * FROM differences();
ALTER TABLE sale DETACH PARTITION sale_south;
SELECT * FROM differences();
SELECT * FROM south ORDER BY note;
UPDATE sale_south SET amount = amount + 1;
UPDATE sale_south_2024 SET note = 'n0';
SELECT * FROM differences();
ALTER TABLE sale ATTACH PARTITION sale_south FOR VALUES IN ('south');
SELECT * FROM differences();
UPDATE sale SET amount = amount + 1;
SELECT * FROM differences();
BEGIN;
DROP TABLE sale_south_2025;
SELECT * FROM differences();
DROP TABLE sale_north CASCADE;
ALTER TABLE sale DETACH PARTITION sale_south;
ALTER TABLE sale ATTACH PARTITION sale_south FOR VALUES IN ('south');
SELECT * FROM differences();
ROLLBACK;
SELECT * FROM differences();
BEGIN;
DROP TABLE sale_south_2025;
UPDATE sale SET amount = amount - 1;
SAVEPOINT s;
DROP TABLE sale_south_2024 CASCADE;
ROLLBACK TO s;
DROP TABLE sale_rest;
COMMIT;
SELECT * FROM differences();
ALTER TABLE sale DETACH PARTITION sale_north CONCURRENTLY;
-- in one transaction with other changes
BEGIN;
INSERT INTO sale VALUES (601, 'north', '2024-01-01', 1, 'n'), (602, 'south', '2024-01-01', 1, 'n');
ALTER TABLE sale DETACH PARTITION sale_north;
INSERT INTO sale_north (id, region, note) VALUES (603, 'north', 'm');
CREATE TABLE sale_north_2 (LIKE sale);
INSERT INTO sale_north_2 SELECT id, region, day, amount, note FROM sale_north;
ALTER TABLE sale ATTACH PARTITION sale_north_2 FOR VALUES IN ('north');
UPDATE sale SET note = note || '.';
SELECT * FROM differences();
COMMIT;
SELECT * FROM differences();
DROP TABLE sale_north CASCADE;
-- what cannot be: the views are given up
CREATE UNLOGGED TABLE sale_west PARTITION OF sale FOR VALUES IN ('west');
SELECT * FROM rows LIMIT 1;
DROP TABLE sale_west;
REFRESH MATERIALIZED VIEW rows;
REFRESH MATERIALIZED VIEW totals;
REFRESH MATERIALIZED VIEW named;
REFRESH MATERIALIZED VIEW above;
REFRESH MATERIALIZED VIEW pairs;
SELECT * FROM differences();
SELECT view FROM tview.views WHERE NOT populated;
CREATE FOREIGN DATA WRAPPER nothing;
CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing;
CREATE TABLE abroad (id int) PARTITION BY LIST (id);
CREATE MATERIALIZED VIEW followed USING tview AS SELECT id FROM abroad;
CREATE FOREIGN TABLE abroad_1 PARTITION OF abroad FOR VALUES IN (1) SERVER nowhere;
CREATE MATERIALIZED VIEW refused USING tview AS SELECT id FROM abroad;
CREATE MATERIALIZED VIEW empty USING tview AS SELECT id FROM ONLY sale;
UPDATE sale SET amount = amount + 1;
SELECT * FROM differences();
DROP MATERIALIZED VIEW empty;
-- triggers: only where they are needed
DROP MATERIALIZED VIEW where_from, docs, rows, totals, named, above, pairs;
SELECT tgrelid::regclass, array_agg(regexp_replace(tgname, '_[0-9]*$', '') ORDER BY tgname COLLATE "C") FROM pg_trigger
 WHERE tgfoid = 'tview.capture'::regproc AND tgrelid::regclass::text LIKE 'sale%' GROUP BY 1 ORDER BY 1::text COLLATE "C";
DROP TABLE sale CASCADE;
SELECT * FROM differences();
