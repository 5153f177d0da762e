--
-- Generated columns, read by views; where the server can, their expression is changed, and they are virtual.
--
\set VERBOSITY terse
CREATE EXTENSION pg_tviews;
CREATE FUNCTION differences() RETURNS TABLE (view regclass, difference text, content text)
LANGUAGE sql VOLATILE AS $$
  SELECT v.view, c.difference, c.content FROM tview.views v, tview.check(v.view) c WHERE v.populated $$;
CREATE TABLE item (id int PRIMARY KEY, price int, twice int GENERATED ALWAYS AS (price * 2) STORED);
INSERT INTO item VALUES (1, 1), (2, 2);
CREATE MATERIALIZED VIEW v USING tview AS SELECT id, twice FROM item;
CREATE MATERIALIZED VIEW above USING tview AS SELECT sum(twice) AS s FROM v;
UPDATE item SET price = price + 1;
INSERT INTO item VALUES (3, 3);
SELECT * FROM v ORDER BY id;
SELECT * FROM differences();

-- a new expression: all values change, and no trigger tells
DO $$
BEGIN
  IF current_setting('server_version_num')::int < 170000 THEN
    RETURN;
  END IF;
  SET client_min_messages = error;
  ALTER TABLE item ADD COLUMN thrice int GENERATED ALWAYS AS (price * 3) STORED;
  EXECUTE 'ALTER TABLE item ALTER COLUMN twice SET EXPRESSION AS (price * 20)';
  IF EXISTS (SELECT FROM tview.views WHERE populated) THEN
    RAISE 'a view can be read';
  END IF;
  REFRESH MATERIALIZED VIEW v;
  REFRESH MATERIALIZED VIEW above;
  RESET client_min_messages;
END $$;
UPDATE item SET price = price + 1;
SELECT * FROM differences();

-- in a tree
CREATE TABLE part (id int, price int, twice int GENERATED ALWAYS AS (price * 2) STORED) PARTITION BY LIST (id);
CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1, 2);
CREATE TABLE part_2 (twice int GENERATED ALWAYS AS (price * 2) STORED, id int, price int);
ALTER TABLE part ATTACH PARTITION part_2 DEFAULT;
CREATE MATERIALIZED VIEW parts USING tview AS SELECT id, twice FROM part;
INSERT INTO part (id, price) SELECT i, i FROM generate_series(1, 4) i;
UPDATE part SET price = price + 1, id = 5 - id;
SELECT * FROM parts ORDER BY id;
SELECT * FROM differences();
DO $$
BEGIN
  IF current_setting('server_version_num')::int < 170000 THEN
    RETURN;
  END IF;
  SET client_min_messages = error;
  EXECUTE 'ALTER TABLE part_1 ALTER COLUMN twice SET EXPRESSION AS (price * 200)';
  IF EXISTS (SELECT FROM tview.views WHERE view = 'parts'::regclass AND populated) THEN
    RAISE 'a view can be read';
  END IF;
  REFRESH MATERIALIZED VIEW parts;
  RESET client_min_messages;
END $$;
UPDATE part SET price = price + 1, id = 5 - id;
SELECT * FROM differences();

-- computed when they are read: not in the rows that triggers see
DO $$
BEGIN
  IF current_setting('server_version_num')::int < 180000 THEN
    RETURN;
  END IF;
  EXECUTE 'CREATE TABLE virtual (id int, price int, twice int GENERATED ALWAYS AS (price * 2) VIRTUAL)';
  CREATE MATERIALIZED VIEW virtuals USING tview AS SELECT id, twice, to_jsonb(v) AS doc FROM virtual v;
  CREATE MATERIALIZED VIEW joined USING tview AS
    SELECT i.id, sum(v.twice) AS twice, count(v) AS n FROM item i LEFT JOIN virtual v ON v.id = i.id AND v.twice > 2 GROUP BY i.id;
  INSERT INTO virtual (id, price) VALUES (1, 1), (2, 2), (2, NULL);
  UPDATE virtual SET price = price + 7 WHERE id = 2;
END $$;
SELECT * FROM differences();
DO $$
BEGIN
  IF current_setting('server_version_num')::int < 180000 THEN
    RETURN;
  END IF;
  SET client_min_messages = error;
  EXECUTE 'ALTER TABLE virtual ALTER COLUMN twice SET EXPRESSION AS (price * 200)';
  IF EXISTS (SELECT FROM tview.views WHERE view IN ('joined'::regclass, 'virtuals'::regclass) AND populated) THEN
    RAISE 'a view can be read';
  END IF;
  REFRESH MATERIALIZED VIEW joined;
  REFRESH MATERIALIZED VIEW virtuals;
  UPDATE virtual SET price = price + 7 WHERE id = 2;
  RESET client_min_messages;
END $$;
SELECT * FROM differences();
