--
-- The life of a view after its creation: alter, index, write attempts, drop.
--
SET client_min_messages = warning;
CREATE EXTENSION pg_tviews;
CREATE FUNCTION differences() RETURNS TABLE (view regclass, difference text, content text)
LANGUAGE sql VOLATILE AS $$
  SELECT v.view, c.difference, c.content FROM tview.views v, tview.check(v.view) c WHERE v.populated $$;
-- what the extension keeps
CREATE FUNCTION kept() RETURNS TABLE (views bigint, inputs bigint, states bigint, tables bigint, armed bigint)
LANGUAGE sql VOLATILE AS $$
  SELECT (SELECT count(*) FROM tview.view), (SELECT count(*) FROM tview.input), (SELECT count(*) FROM tview.state),
         (SELECT count(*) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'tview'::regnamespace) - 3,
         (SELECT count(DISTINCT tgrelid) FROM pg_trigger WHERE tgfoid = 'tview.capture'::regproc) $$;

CREATE TABLE sale (id int PRIMARY KEY, shop int, amount int, unused text);
CREATE TABLE shop (id int PRIMARY KEY, name text NOT NULL);
INSERT INTO shop VALUES (1, 'North'), (2, 'South');
INSERT INTO sale VALUES (1, 1, 10), (2, 1, 20), (3, 2, 5);
CREATE MATERIALIZED VIEW by_shop USING tview AS
  SELECT shop, count(*) AS n, sum(amount) AS total FROM sale GROUP BY shop;
CREATE MATERIALIZED VIEW named USING tview AS
  SELECT s.id, name, amount FROM sale s JOIN shop ON shop.id = s.shop;
CREATE MATERIALIZED VIEW top USING tview AS SELECT max(total) AS most FROM by_shop;
SELECT * FROM kept();

-- rename, move, give away, rename a column; storage
ALTER MATERIALIZED VIEW by_shop RENAME TO "By Shop";
ALTER MATERIALIZED VIEW "By Shop" RENAME COLUMN total TO "Sum";
ALTER TABLE "By Shop" RENAME n TO rows;
CREATE SCHEMA elsewhere;
ALTER MATERIALIZED VIEW "By Shop" SET SCHEMA elsewhere;
CREATE ROLE regress_tview_keeper;
GRANT SELECT ON sale TO regress_tview_keeper;
GRANT USAGE, CREATE ON SCHEMA elsewhere TO regress_tview_keeper;
ALTER MATERIALIZED VIEW elsewhere."By Shop" OWNER TO regress_tview_keeper;
ALTER MATERIALIZED VIEW elsewhere."By Shop" SET (fillfactor = 50);
ALTER MATERIALIZED VIEW elsewhere."By Shop" ALTER COLUMN "Sum" SET STATISTICS 5;
ALTER MATERIALIZED VIEW elsewhere."By Shop" CLUSTER ON by_shop_shop_idx;
ALTER MATERIALIZED VIEW elsewhere."By Shop" SET TABLESPACE pg_default;
COMMENT ON MATERIALIZED VIEW elsewhere."By Shop" IS 'sums';
\d elsewhere."By Shop"
CLUSTER elsewhere."By Shop";
VACUUM FULL elsewhere."By Shop";
VACUUM (ANALYZE) elsewhere."By Shop";
REINDEX TABLE elsewhere."By Shop";
REINDEX TABLE CONCURRENTLY elsewhere."By Shop";
INSERT INTO sale VALUES (4, 3, 7);
UPDATE sale SET amount = amount + 1;
SELECT * FROM elsewhere."By Shop" ORDER BY shop;
SELECT * FROM top;
SELECT * FROM differences();
SELECT view, owner = current_user AS mine, bases FROM tview.views ORDER BY view::text;
ALTER MATERIALIZED VIEW elsewhere."By Shop" SET ACCESS METHOD heap;
CREATE MATERIALIZED VIEW ordinary AS SELECT 1 AS one;
ALTER MATERIALIZED VIEW ordinary SET ACCESS METHOD tview;
ALTER TABLE sale SET ACCESS METHOD tview;
ALTER MATERIALIZED VIEW named SET ACCESS METHOD tview;
-- the new owner needs the right to read
ALTER MATERIALIZED VIEW named OWNER TO regress_tview_keeper;
INSERT INTO shop (id, name) VALUES (3, 'East');
ALTER MATERIALIZED VIEW named OWNER TO CURRENT_USER;
INSERT INTO shop (id, name) VALUES (3, 'East');
SELECT * FROM named ORDER BY id;

-- users cannot write to a view, nor hang things on it
INSERT INTO named VALUES (9, 'x', 1);
UPDATE named SET amount = 0;
DELETE FROM named;
TRUNCATE named;
COPY named FROM stdin;
\.
SELECT * FROM named FOR UPDATE;
CREATE TRIGGER t AFTER INSERT ON named FOR EACH STATEMENT EXECUTE FUNCTION tview.capture();
CREATE RULE r AS ON INSERT TO named DO INSTEAD NOTHING;
ALTER MATERIALIZED VIEW named ADD COLUMN x int;
ALTER TABLE named ADD COLUMN x int;
ALTER TABLE named DROP COLUMN amount;
DROP TABLE named;
DROP VIEW named;
DELETE FROM tview.view WHERE false;
DROP TABLE tview.view;
DO $$
BEGIN
  EXECUTE (SELECT 'DROP TABLE ' || state::regclass FROM tview.state LIMIT 1);
EXCEPTION WHEN dependent_objects_still_exist THEN
  RAISE WARNING 'state tables cannot be dropped';
END $$;
DROP FUNCTION tview.capture();
DROP ACCESS METHOD tview;

-- indexes of the user's
CREATE INDEX ON named (name);
CREATE INDEX CONCURRENTLY ON named (amount DESC, name);
CREATE INDEX ON named USING hash (name);
CREATE STATISTICS st ON name, amount FROM named;
CREATE UNIQUE INDEX named_amount ON named (amount);
-- values change places in one statement, chains and rings of them
SELECT id, amount FROM sale ORDER BY id;
UPDATE sale SET amount = CASE id WHEN 1 THEN 21 ELSE 11 END WHERE id IN (1, 2);
UPDATE sale SET amount = amount + 10 WHERE amount IN (11, 21);
UPDATE sale SET amount = 42 - amount WHERE id IN (1, 2);
DELETE FROM sale WHERE id = 1;
INSERT INTO sale VALUES (1, 1, 11);
WITH gone AS (DELETE FROM sale WHERE id = 1 RETURNING amount) INSERT INTO sale SELECT 11, 1, amount FROM gone;
UPDATE sale SET id = 1 WHERE id = 11;
SELECT id, amount FROM named ORDER BY id;
-- and a change that violates it fails
UPDATE sale SET amount = 6 WHERE id = 1;
SELECT * FROM differences();
DROP INDEX named_amount;
UPDATE sale SET amount = 6 WHERE id = 1;
CREATE UNIQUE INDEX ON named (amount);
-- there before the first REFRESH; on a key that may be null as far as the server knows, ours is made too
CREATE MATERIALIZED VIEW unordered USING tview AS SELECT name FROM shop WITH NO DATA;
CREATE UNIQUE INDEX mine ON unordered (name);
REFRESH MATERIALIZED VIEW unordered;
UPDATE shop SET name = name || '!';
CREATE MATERIALIZED VIEW keyed USING tview AS SELECT id, name FROM shop WITH NO DATA;
CREATE UNIQUE INDEX mine_too ON keyed (id);
REFRESH MATERIALIZED VIEW keyed;
SELECT indexrelid::regclass FROM pg_index WHERE indrelid = 'keyed'::regclass;
DROP INDEX mine_too;
SELECT indexrelid::regclass FROM pg_index WHERE indrelid = 'keyed'::regclass;
DELETE FROM shop WHERE id = 3;
SELECT * FROM differences();

-- drop
DROP MATERIALIZED VIEW elsewhere."By Shop";
SELECT * FROM kept();
DROP MATERIALIZED VIEW top;
DROP MATERIALIZED VIEW elsewhere."By Shop", keyed;
DROP MATERIALIZED VIEW IF EXISTS keyed;
SELECT * FROM kept();
BEGIN;
DROP MATERIALIZED VIEW named;
INSERT INTO sale VALUES (20, 1, 20);
SAVEPOINT s;
DROP MATERIALIZED VIEW unordered;
ROLLBACK TO s;
UPDATE shop SET name = name || '?';
ROLLBACK;
INSERT INTO sale VALUES (21, 1, 21);
SELECT * FROM differences();
-- no triggers are left where nobody reads
DROP MATERIALIZED VIEW named;
SELECT * FROM kept();
SELECT DISTINCT tgrelid::regclass FROM pg_trigger WHERE tgfoid = 'tview.capture'::regproc;
-- with a table
DROP TABLE shop;
CREATE MATERIALIZED VIEW counted USING tview AS SELECT shop, count(*) AS n FROM sale GROUP BY shop HAVING count(*) > 0;
CREATE MATERIALIZED VIEW recounted USING tview AS SELECT n, count(*) FROM counted GROUP BY n;
SELECT * FROM kept();
DROP TABLE shop CASCADE;
DROP TABLE sale CASCADE;
SELECT * FROM kept();
-- with a schema, in which the table is or is not
CREATE TABLE kept_table (a int);
CREATE SCHEMA doomed;
CREATE TABLE doomed.t (a int);
CREATE MATERIALIZED VIEW doomed.v USING tview AS SELECT a, count(*) FROM kept_table GROUP BY a HAVING sum(a) > 1;
CREATE MATERIALIZED VIEW v USING tview AS SELECT a, count(*) FROM doomed.t GROUP BY a HAVING sum(a) > 1;
SELECT * FROM kept();
DROP SCHEMA doomed CASCADE;
INSERT INTO kept_table VALUES (1);
SELECT * FROM kept();
-- with a function, a type, a column, a plain view
CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2 * $1';
CREATE TYPE mood AS ENUM ('sad', 'happy');
ALTER TABLE kept_table ADD m mood, ADD b int;
CREATE VIEW plain AS SELECT b FROM kept_table;
CREATE MATERIALIZED VIEW v1 USING tview AS SELECT twice(a) FROM kept_table;
CREATE MATERIALIZED VIEW v2 USING tview AS SELECT a FROM kept_table WHERE m = 'sad';
CREATE MATERIALIZED VIEW v3 USING tview AS SELECT sum(b) FROM plain;
CREATE MATERIALIZED VIEW v4 USING tview AS SELECT count(*) FROM v1;
DROP FUNCTION twice CASCADE;
DROP TYPE mood CASCADE;
SELECT * FROM kept();
ALTER TABLE kept_table DROP b;
ALTER TABLE kept_table DROP b CASCADE;
SELECT * FROM kept();
-- with its owner
CREATE MATERIALIZED VIEW v1 USING tview AS SELECT a FROM kept_table;
ALTER MATERIALIZED VIEW v1 OWNER TO regress_tview_keeper;
DROP ROLE regress_tview_keeper;
DROP OWNED BY regress_tview_keeper;
DROP ROLE regress_tview_keeper;
SELECT * FROM kept();

-- the extension
CREATE MATERIALIZED VIEW v1 USING tview AS SELECT a, sum(a), count(*) FROM kept_table GROUP BY a HAVING sum(a) > 1;
CREATE MATERIALIZED VIEW v2 USING tview AS SELECT count(*) FROM v1;
INSERT INTO kept_table VALUES (5);
DROP EXTENSION pg_tviews;
BEGIN;
DROP SCHEMA tview CASCADE;
SELECT extname FROM pg_extension WHERE extname = 'pg_tviews';
INSERT INTO kept_table VALUES (5);
ROLLBACK;
SET client_min_messages = error;
DROP EXTENSION pg_tviews CASCADE;
RESET client_min_messages;
INSERT INTO kept_table VALUES (6);
UPDATE kept_table SET a = a + 1;
TRUNCATE kept_table;
SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal OR tgname LIKE '%tview%';
SELECT nspname FROM pg_namespace WHERE nspname LIKE 'tview%';
SELECT relname FROM pg_class WHERE relname ~ '^(v1|v2|state_)';
SELECT amname FROM pg_am WHERE amname = 'tview';
CREATE MATERIALIZED VIEW v1 USING tview AS SELECT 1 AS one;
-- and back, in the same session
CREATE EXTENSION pg_tviews;
CREATE MATERIALIZED VIEW v1 USING tview AS SELECT a, count(*) AS n FROM kept_table GROUP BY a;
INSERT INTO kept_table VALUES (1), (1);
SELECT * FROM v1;
BEGIN;
DROP EXTENSION pg_tviews CASCADE;
INSERT INTO kept_table VALUES (2);
ROLLBACK;
INSERT INTO kept_table VALUES (3);
SELECT * FROM v1 ORDER BY a;
SELECT * FROM tview.check('v1');
