--
-- What can be done to the tables that views read, one after the other.  After each statement a write
-- follows, and every view either equals its query or cannot be read, with what it says then.
--
\set VERBOSITY terse
CREATE EXTENSION pg_tviews;
CREATE TABLE kind (kind int PRIMARY KEY, name text NOT NULL);
CREATE TABLE item (id int PRIMARY KEY, kind int, price int, note text, unused int, twice int GENERATED ALWAYS AS (price * 2) STORED);
CREATE TABLE part (id int, kind int, price int, unused int) PARTITION BY LIST (kind);
CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1);
CREATE TABLE part_2 PARTITION OF part DEFAULT;
CREATE VIEW cheap AS SELECT id, kind, price FROM item WHERE price < 100;
INSERT INTO kind VALUES (1, 'tool'), (2, 'toy');
INSERT INTO item SELECT i, 1 + i % 2, i * 10, 'n' || i, 0 FROM generate_series(1, 6) i;
INSERT INTO part SELECT id, kind, price, 0 FROM item;
CREATE MATERIALIZED VIEW joined USING tview AS SELECT i.id, i.price, i.twice, k.name FROM item i JOIN kind k USING (kind);
CREATE MATERIALIZED VIEW totals USING tview AS SELECT name, sum(price) AS total, max(twice) AS most FROM joined GROUP BY name;
CREATE MATERIALIZED VIEW noted USING tview AS SELECT id, note FROM item;
CREATE MATERIALIZED VIEW cheaper USING tview AS SELECT kind, count(*) AS n FROM cheap GROUP BY kind;
CREATE MATERIALIZED VIEW parts USING tview AS SELECT kind, count(*) AS n, sum(price) AS total FROM part GROUP BY kind;
CREATE MATERIALIZED VIEW firsts USING tview AS SELECT p.id, k.name FROM part_1 p JOIN kind k USING (kind);

CREATE SEQUENCE ids START 100;
CREATE PROCEDURE write_all() LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO item (id, kind, price, note) VALUES (nextval('ids'), 1, 7, 'new');
  UPDATE item SET price = price + 1, note = coalesce(note, '') || '.' WHERE id % 2 = 0;
  DELETE FROM item WHERE id = (SELECT min(id) FROM item WHERE id >= 100) AND id % 3 = 0;
  UPDATE kind SET name = name || '''' WHERE kind = 1;
  UPDATE part SET kind = 3 - kind, price = price + 1 WHERE id % 3 = 0;
  INSERT INTO part_1 (id, kind, price) VALUES (nextval('ids'), 1, 5);
END $$;
-- what is wrong after a statement and further writes: nothing; or which views cannot be read
CREATE FUNCTION look() RETURNS TABLE (what text) LANGUAGE plpgsql AS $$
DECLARE
  v record;
  d record;
BEGIN
  CALL write_all();
  FOR v IN SELECT view, populated FROM tview.views ORDER BY view::text COLLATE "C" LOOP
    IF NOT v.populated THEN
      what := format('%s cannot be read', v.view);
      RETURN NEXT;
      CONTINUE;
    END IF;
    FOR d IN SELECT * FROM tview.check(v.view) LOOP
      what := format('WRONG: %s, %s %s', v.view, d.difference, d.content);
      RETURN NEXT;
    END LOOP;
  END LOOP;
END $$;
CREATE PROCEDURE repair() LANGUAGE plpgsql AS $$
DECLARE
  v regclass;
BEGIN
  FOR v IN SELECT view FROM tview.views WHERE NOT populated ORDER BY view <> 'joined'::regclass, view::text COLLATE "C" LOOP
    EXECUTE format('REFRESH MATERIALIZED VIEW %s', v);
  END LOOP;
END $$;
SELECT * FROM look();

-- triggers
ALTER TABLE item DISABLE TRIGGER ALL;
SELECT * FROM look();
ALTER TABLE item ENABLE TRIGGER ALL;
ALTER TABLE part DISABLE TRIGGER ALL;
ALTER TABLE part_1 DISABLE TRIGGER ALL;
SELECT * FROM look();
ALTER TABLE ONLY part ENABLE TRIGGER ALL;
ALTER TABLE item DISABLE TRIGGER USER, ENABLE TRIGGER USER;
SELECT * FROM look();
SET client_min_messages = warning;
DO $$
DECLARE
  t record;
BEGIN
  FOR t IN SELECT tgrelid::regclass AS rel, tgname FROM pg_trigger WHERE tgfoid = 'tview.capture'::regproc LOOP
    EXECUTE format('ALTER TABLE %s DISABLE TRIGGER %I', t.rel, t.tgname);
    EXECUTE format('ALTER TABLE %s ENABLE REPLICA TRIGGER %I', t.rel, t.tgname);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', t.rel, t.tgname);
  END LOOP;
END $$;
SELECT * FROM look();
DO $$
DECLARE
  t record;
BEGIN
  FOR t IN SELECT tgrelid::regclass AS rel, tgname FROM pg_trigger WHERE tgfoid = 'tview.capture'::regproc LOOP
    EXECUTE format('ALTER TRIGGER %I ON %s RENAME TO %I', t.tgname, t.rel, 'z' || t.tgname);
  END LOOP;
END $$;
SELECT * FROM look();
RESET client_min_messages;
SET session_replication_role = replica;
SELECT * FROM look();
RESET session_replication_role;

-- columns
ALTER TABLE item ADD COLUMN more int DEFAULT 5;
SELECT * FROM look();
ALTER TABLE item ADD COLUMN random float DEFAULT random();
SELECT * FROM look();
ALTER TABLE ONLY part ADD COLUMN more int;
DO $$
BEGIN
  ALTER TABLE part ADD COLUMN counted int GENERATED ALWAYS AS IDENTITY;
  ALTER TABLE part DROP COLUMN counted;
EXCEPTION WHEN invalid_table_definition THEN
  IF current_setting('server_version_num')::int >= 170000 THEN
    RAISE;
  END IF;
END $$;
SELECT * FROM look();
ALTER TABLE part ADD COLUMN more int DEFAULT 5;
SELECT * FROM look();
ALTER TABLE item DROP COLUMN unused, DROP COLUMN more;
ALTER TABLE part DROP COLUMN unused;
SELECT * FROM look();
ALTER TABLE item DROP COLUMN price;
ALTER TABLE item ALTER COLUMN price TYPE bigint;
ALTER TABLE part ALTER COLUMN price TYPE bigint;
ALTER TABLE item ALTER COLUMN random TYPE text;
SELECT * FROM look();
ALTER TABLE item ALTER price SET DEFAULT 4, ALTER price SET NOT NULL, ADD CONSTRAINT positive CHECK (price > 0) NOT VALID;
ALTER TABLE item VALIDATE CONSTRAINT positive;
ALTER TABLE item ALTER note SET STORAGE EXTERNAL, ALTER note SET COMPRESSION pglz, ALTER note SET STATISTICS 5, ALTER note SET (n_distinct = 5);
SELECT * FROM look();
ALTER TABLE item RENAME COLUMN price TO cost;
ALTER TABLE item RENAME COLUMN cost TO price;
ALTER TABLE part RENAME COLUMN price TO cost;
ALTER TABLE part RENAME COLUMN cost TO price;
SELECT * FROM look();
ALTER TABLE item ALTER COLUMN twice DROP EXPRESSION;
SELECT * FROM look();

-- storage
VACUUM FULL item;
CLUSTER item USING item_pkey;
VACUUM FULL part;
REINDEX TABLE item;
REINDEX TABLE CONCURRENTLY kind;
ALTER TABLE item SET TABLESPACE pg_default;
ALTER TABLE item SET (fillfactor = 60), SET ACCESS METHOD heap;
ALTER TABLE item REPLICA IDENTITY FULL;
CREATE STATISTICS of_item ON kind, price FROM item;
ANALYZE item, part;
SELECT * FROM look();
ALTER TABLE kind SET UNLOGGED;
SELECT * FROM look();
ALTER TABLE kind SET LOGGED;
CALL repair();
SELECT * FROM look();

-- names and places
CREATE SCHEMA elsewhere;
ALTER TABLE kind SET SCHEMA elsewhere;
ALTER TABLE part_1 SET SCHEMA elsewhere;
ALTER TABLE elsewhere.kind RENAME TO sort;
ALTER TABLE elsewhere.sort RENAME TO kind;
ALTER SCHEMA elsewhere RENAME TO away;
ALTER TABLE away.kind SET SCHEMA public;
ALTER TABLE away.part_1 SET SCHEMA public;
SELECT * FROM look();

-- rules
CREATE RULE instead AS ON INSERT TO item WHERE NEW.price > 1000 DO INSTEAD NOTHING;
CREATE RULE also AS ON DELETE TO item DO ALSO UPDATE kind SET name = upper(name) WHERE kind = OLD.kind;
SELECT * FROM look();
INSERT INTO item (id, kind, price) VALUES (1000, 1, 2000), (1001, 1, 1);
DELETE FROM item WHERE id = 1001;
SELECT * FROM look();
DROP RULE instead ON item;
ALTER TABLE item DISABLE RULE also;
SELECT * FROM look();

-- keys
CREATE VIEW found AS SELECT DISTINCT value FROM tview.explain('noted') WHERE property = 'rows found by';
ALTER TABLE item DROP CONSTRAINT item_pkey;
SELECT * FROM found;
SELECT * FROM look();
INSERT INTO item (id, kind, price, note) VALUES (1, 1, 1, 'twice'), (1, 1, 1, 'twice');
SELECT * FROM look();
CREATE UNIQUE INDEX CONCURRENTLY item_id ON item (id);
SELECT * FROM found;
DELETE FROM item WHERE note LIKE 'twice%';
REINDEX INDEX item_id;
SELECT * FROM found;
SELECT * FROM look();
DROP INDEX item_id;
SELECT * FROM found;
CREATE UNIQUE INDEX item_id ON item (id);
ALTER TABLE item ADD CONSTRAINT item_pkey PRIMARY KEY USING INDEX item_id;
SELECT * FROM found;
ALTER TABLE item ALTER CONSTRAINT item_pkey DEFERRABLE;
ALTER TABLE item DROP CONSTRAINT item_pkey, ADD CONSTRAINT item_pkey UNIQUE (id) DEFERRABLE;
SELECT * FROM found;
SELECT * FROM look();
ALTER TABLE item DROP CONSTRAINT item_pkey, ADD PRIMARY KEY (id), ALTER id ADD GENERATED BY DEFAULT AS IDENTITY;
SELECT * FROM found;
SELECT * FROM look();

-- plain views
CREATE OR REPLACE VIEW cheap AS SELECT id, kind, price FROM item WHERE price < 50;
SELECT * FROM look();
CALL repair();
ALTER VIEW cheap RENAME TO cheapest;
ALTER VIEW cheapest RENAME COLUMN price TO cost;
ALTER VIEW cheapest ALTER COLUMN cost SET DEFAULT 0;
ALTER VIEW cheapest SET (security_barrier);
SELECT * FROM look();
CREATE OR REPLACE RULE "_RETURN" AS ON SELECT TO cheapest DO INSTEAD SELECT id, kind, price AS cost FROM item WHERE price < 20;
SELECT * FROM look();
CALL repair();

-- rights and row security
CREATE ROLE regress_tview_keeper;
CREATE ROLE regress_tview_group;
GRANT ALL ON item, kind, part, part_1 TO regress_tview_keeper;
GRANT ALL ON SCHEMA public TO regress_tview_keeper;
ALTER MATERIALIZED VIEW noted OWNER TO regress_tview_keeper;
ALTER MATERIALIZED VIEW parts OWNER TO regress_tview_keeper;
SELECT * FROM look();
CREATE POLICY high ON item USING (id > 3);
SELECT * FROM look();
ALTER TABLE item ENABLE ROW LEVEL SECURITY;
SELECT * FROM look();
REFRESH MATERIALIZED VIEW noted;
ALTER ROLE regress_tview_keeper BYPASSRLS;
CALL repair();
SELECT * FROM look();
ALTER TABLE item FORCE ROW LEVEL SECURITY;
SELECT * FROM look();
ALTER ROLE regress_tview_keeper NOBYPASSRLS;
SELECT * FROM look();
ALTER ROLE regress_tview_keeper SUPERUSER;
CALL repair();
ALTER ROLE regress_tview_keeper NOSUPERUSER;
SELECT * FROM look();
-- who has the rights of the table's owner sees all
ALTER TABLE item NO FORCE ROW LEVEL SECURITY;
ALTER TABLE item OWNER TO regress_tview_group;
GRANT regress_tview_group TO regress_tview_keeper;
CALL repair();
SELECT * FROM look();
REVOKE regress_tview_group FROM regress_tview_keeper;
SELECT * FROM look();
GRANT regress_tview_group TO regress_tview_keeper;
CALL repair();
ALTER TABLE item OWNER TO CURRENT_USER;
SELECT * FROM look();
ALTER TABLE item DISABLE ROW LEVEL SECURITY;
CALL repair();
-- of a partitioned table, only that of the table named
ALTER TABLE part_1 ENABLE ROW LEVEL SECURITY;
SELECT * FROM look();
ALTER TABLE part ENABLE ROW LEVEL SECURITY;
SELECT * FROM look();
ALTER TABLE part DISABLE ROW LEVEL SECURITY;
CALL repair();
-- a plain view reads with the rights of its owner, or of who reads it
CREATE VIEW through AS SELECT id, note FROM item;
GRANT SELECT ON through TO regress_tview_keeper;
GRANT ALL ON through, cheapest TO regress_tview_keeper;
SET ROLE regress_tview_keeper;
CREATE MATERIALIZED VIEW by_view USING tview AS SELECT id, note FROM through;
RESET ROLE;
ALTER TABLE item ENABLE ROW LEVEL SECURITY;
SELECT * FROM look();
ALTER VIEW through SET (security_invoker);
SELECT * FROM look();
ALTER VIEW through SET (security_invoker = off);
REFRESH MATERIALIZED VIEW by_view;
ALTER VIEW through OWNER TO regress_tview_keeper;
SELECT * FROM look();
ALTER TABLE item DISABLE ROW LEVEL SECURITY;
CALL repair();
SELECT * FROM look();
DROP OWNED BY regress_tview_keeper, regress_tview_group CASCADE;
DROP ROLE regress_tview_keeper, regress_tview_group;
SELECT * FROM look();

-- types
CREATE TYPE pair AS (a int, b int);
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE DOMAIN small AS int CHECK (VALUE < 100);
CREATE TABLE typed (id int, pair pair, mood mood, small small);
INSERT INTO typed VALUES (1, (1, 2), 'sad', 3), (2, NULL, 'glad', NULL);
CREATE MATERIALIZED VIEW types USING tview AS SELECT id, pair, pair::text AS t, mood::text AS m, small FROM typed;
ALTER TYPE pair ADD ATTRIBUTE c int;
SELECT * FROM look();
CALL repair();
ALTER TYPE pair ALTER ATTRIBUTE a TYPE bigint;
ALTER TYPE pair RENAME ATTRIBUTE b TO d;
SELECT * FROM look();
CALL repair();
ALTER TYPE pair DROP ATTRIBUTE a;
SELECT * FROM look();
CALL repair();
ALTER TYPE mood ADD VALUE 'mad';
SELECT * FROM look();
ALTER TYPE mood RENAME VALUE 'sad' TO 'bad';
SELECT * FROM look();
CALL repair();
ALTER DOMAIN small DROP CONSTRAINT small_check;
ALTER DOMAIN small ADD CHECK (VALUE < 1000);
INSERT INTO typed VALUES (3, (1, 2), 'mad', 500);
SELECT * FROM look();
ALTER TYPE pair RENAME TO couple;
SELECT * FROM look();

-- whole rows, and rows in columns
CREATE TABLE whole (id int PRIMARY KEY, a int);
CREATE TABLE of_rows (id int, w whole);
INSERT INTO whole VALUES (1, 1), (2, NULL);
INSERT INTO of_rows SELECT w.id, w FROM whole w;
CREATE MATERIALIZED VIEW wholes USING tview AS SELECT id, to_jsonb(w) AS doc FROM whole w;
CREATE MATERIALIZED VIEW rows_of USING tview AS SELECT id, w::text AS w, to_json(w)::text AS doc FROM of_rows;
ALTER TABLE whole ADD COLUMN b int;
SELECT * FROM look();
CALL repair();
ALTER TABLE whole RENAME COLUMN a TO c;
SELECT * FROM look();
CALL repair();
UPDATE whole SET c = 5, b = 6 WHERE id = 1;
ALTER TABLE whole DROP COLUMN b;
SELECT * FROM look();
CALL repair();
ALTER TABLE whole RENAME TO hole;
SELECT * FROM look();
ALTER TABLE hole ALTER COLUMN c TYPE text;
SELECT * FROM look();
CALL repair();

-- types in types, and in bodies that are text
CREATE TYPE weather AS ENUM ('dry', 'wet');
CREATE TYPE day AS (weather weather);
CREATE TYPE days AS (of_them day[]);
CREATE TABLE forecast (id int, weather weather);
CREATE TABLE reports (id int, day day, days days, forecast forecast);
INSERT INTO reports VALUES (1, row('dry'), row(ARRAY[row('dry')::day]), row(1, 'dry'));
CREATE FUNCTION as_day(int) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT to_json(row('wet')::public.day)::text $$;
CREATE FUNCTION a_day_later(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 1';
CREATE MATERIALIZED VIEW of_day USING tview AS SELECT id, day::text AS d FROM reports;
CREATE MATERIALIZED VIEW of_days USING tview AS SELECT id, days::text AS d FROM reports;
CREATE MATERIALIZED VIEW of_forecast USING tview AS SELECT id, to_jsonb(forecast) AS d FROM reports;
CREATE MATERIALIZED VIEW of_as_day USING tview AS SELECT kind AS id, as_day(kind) AS d FROM kind;
CREATE MATERIALIZED VIEW of_later USING tview AS SELECT kind AS id, a_day_later(kind) AS d FROM kind;
ALTER TYPE weather RENAME VALUE 'dry' TO 'sunny';
SELECT * FROM look();
CALL repair();
ALTER TYPE day RENAME ATTRIBUTE weather TO sky;
SELECT * FROM look();
CALL repair();

-- domains: what a query converts to them is checked when it runs
CREATE DOMAIN amount AS int;
CREATE DOMAIN tiny AS amount;
CREATE TYPE holder AS (amount amount);
CREATE FUNCTION to_amount(int) RETURNS amount LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1; END';
CREATE FUNCTION by_amount(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1::public.amount + 0';
CREATE TABLE sums (id int, amount amount);
INSERT INTO sums VALUES (1, 1), (9, 9);
CREATE MATERIALIZED VIEW found_there USING tview AS SELECT a.id, b.amount FROM sums a LEFT JOIN sums b ON b.id = a.id + 8;
CREATE MATERIALIZED VIEW made_so USING tview AS SELECT id, (id - 5)::amount AS a FROM sums;
CREATE MATERIALIZED VIEW made_tiny USING tview AS SELECT id, (id - 5)::tiny::int AS a FROM sums;
CREATE MATERIALIZED VIEW made_in_row USING tview AS SELECT id, row(id - 5)::holder::text AS a FROM sums;
CREATE MATERIALIZED VIEW made_by_call USING tview AS SELECT id, to_amount(id - 5) + 0 AS a FROM sums;
CREATE MATERIALIZED VIEW made_in_body USING tview AS SELECT id, by_amount(id - 5) AS a FROM sums;
ALTER DOMAIN amount ADD CONSTRAINT positive CHECK (VALUE > 0) NOT VALID;
SELECT * FROM look();
REFRESH MATERIALIZED VIEW made_so;
DELETE FROM sums WHERE id < 6;
CALL repair();
DROP MATERIALIZED VIEW made_in_row;
ALTER DOMAIN amount VALIDATE CONSTRAINT positive;
ALTER DOMAIN amount DROP CONSTRAINT positive;
ALTER DOMAIN amount SET DEFAULT 3;
SELECT * FROM look();
ALTER DOMAIN tiny SET NOT NULL;
SELECT * FROM look();
CALL repair();

-- a change of a column's type, which is refused where the view reads a partition, or a table of a type
\set VERBOSITY default
ALTER TABLE part ALTER COLUMN id TYPE bigint;
CREATE TYPE shape AS (a int);
CREATE TABLE shaped OF shape;
CREATE MATERIALIZED VIEW of_shaped USING tview AS SELECT a FROM shaped;
ALTER TYPE shape ALTER ATTRIBUTE a TYPE bigint CASCADE;
\set VERBOSITY terse
SELECT * FROM look();

-- behind the server's back: each write fails, and says why
CREATE TABLE lasting (id int);
CREATE MATERIALIZED VIEW of_lasting USING tview AS SELECT id FROM lasting;
UPDATE pg_class SET relpersistence = 'u' WHERE oid = 'lasting'::regclass;
INSERT INTO lasting VALUES (1);
INSERT INTO lasting VALUES (1);
UPDATE pg_class SET relpersistence = 'p' WHERE oid = 'lasting'::regclass;
INSERT INTO lasting VALUES (2);
SELECT * FROM look();

-- gone
DROP TABLE kind;
ALTER TABLE item DROP COLUMN note CASCADE;
DROP TABLE typed CASCADE;
DROP VIEW cheapest CASCADE;
DROP TABLE kind, part, hole, of_rows, lasting, reports, sums, shaped CASCADE;
SELECT view FROM tview.views;
