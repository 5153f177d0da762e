--
-- DDL on what views read: followed, or the view cannot be read any more.
--
CREATE EXTENSION pg_tviews;
CREATE FUNCTION differences() RETURNS TABLE (view regclass, difference text, content text)
LANGUAGE sql VOLATILE AS $$
  SELECT v.view, c.difference, c.content FROM tview.views v, tview.check(v.view) c WHERE v.populated $$;
CREATE VIEW how AS
  SELECT v.view, v.populated,
         (SELECT e.value FROM tview.explain(v.view::text) e WHERE e.property = 'rows found by' LIMIT 1) AS found_by,
         ARRAY(SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = v.view ORDER BY 1) AS indexes
  FROM tview.views v ORDER BY v.view::text COLLATE "C";

CREATE TABLE item (id int PRIMARY KEY, kind int, price int, note text, unused int);
CREATE TABLE kind (id int PRIMARY KEY, name text NOT NULL);
INSERT INTO kind VALUES (1, 'tool'), (2, 'toy');
INSERT INTO item VALUES (1, 1, 10, 'a', 0), (2, 1, 20, 'b', 0), (3, 2, 5, 'c', 0);
CREATE MATERIALIZED VIEW joined USING tview AS
  SELECT i.id, i.price, k.name FROM item i JOIN kind k ON k.id = i.kind;
CREATE MATERIALIZED VIEW totals USING tview AS
  SELECT name, sum(price) AS total FROM joined GROUP BY name;
CREATE MATERIALIZED VIEW keyed USING tview AS SELECT id, note FROM item;
SELECT * FROM how;

-- names and places
ALTER TABLE item RENAME TO "Item";
ALTER TABLE "Item" RENAME price TO "Price";
ALTER TABLE "Item" RENAME CONSTRAINT item_pkey TO item_key;
CREATE SCHEMA away;
ALTER TABLE kind SET SCHEMA away;
ALTER SCHEMA away RENAME TO further;
UPDATE "Item" SET "Price" = "Price" + 1;
UPDATE further.kind SET name = upper(name);
SELECT * FROM totals ORDER BY name;
SELECT * FROM differences();
ALTER TABLE "Item" RENAME TO item;
ALTER TABLE item RENAME "Price" TO price;
ALTER TABLE further.kind SET SCHEMA public;

-- columns that no view reads, in a session that has plans for the table
ALTER TABLE item ADD extra int DEFAULT 7;
INSERT INTO item VALUES (4, 2, 40, 'd', 0, 1);
ALTER TABLE item DROP unused;
INSERT INTO item VALUES (5, 2, 50, 'e', 1);
ALTER TABLE item ALTER extra TYPE text USING extra || '!';
UPDATE item SET price = price * 2;
ALTER TABLE item ALTER price SET DEFAULT 3, ALTER price SET NOT NULL, ADD CHECK (price > 0);
INSERT INTO item (id, kind) VALUES (6, 1);
ALTER TABLE item ADD first int GENERATED ALWAYS AS (price + 1) STORED;
DELETE FROM item WHERE id = 5;
ALTER TABLE item SET (fillfactor = 50), ALTER price SET STATISTICS 10, ALTER note SET STORAGE external;
VACUUM FULL item;
CLUSTER item USING item_key;
REINDEX TABLE item;
ALTER TABLE item SET TABLESPACE pg_default;
UPDATE item SET kind = 3 - kind, price = price - 1 WHERE kind < 3;
SELECT * FROM totals ORDER BY name;
SELECT * FROM differences();

-- columns that one reads
ALTER TABLE item ALTER price TYPE bigint;
ALTER TABLE item DROP price;
ALTER TABLE item DROP note;
DROP TABLE kind;
ALTER TABLE item ALTER note TYPE varchar(10);
SELECT * FROM differences();

-- rewriting and truncating what is pending in the same transaction; toasted values
CREATE TABLE big (id int PRIMARY KEY, t text);
ALTER TABLE big ALTER t SET STORAGE external;
INSERT INTO big SELECT i, repeat(i::text, 5000) FROM generate_series(1, 3) i;
CREATE MATERIALIZED VIEW big_view USING tview AS SELECT id, t FROM big;
CREATE MATERIALIZED VIEW big_bag USING tview AS SELECT t FROM big;
CREATE MATERIALIZED VIEW big_max USING tview AS SELECT max(t) AS m, count(*) AS n FROM big;
BEGIN;
UPDATE big SET t = t || 'x';
ALTER TABLE big ADD other int DEFAULT random();
UPDATE big SET t = t || 'y' WHERE id = 1;
ALTER TABLE big ALTER other TYPE text;
UPDATE big SET t = t || 'z' WHERE id = 1;
SELECT id, length(t), right(t, 3) FROM big_view ORDER BY id;
ROLLBACK;
BEGIN;
UPDATE big SET t = t || 'x';
ALTER TABLE big ADD other float DEFAULT random();
UPDATE big SET t = t || 'y' WHERE id = 1;
CLUSTER big USING big_pkey;
DELETE FROM big WHERE id = 2;
SELECT id, length(t), right(t, 2) FROM big_view ORDER BY id;
CREATE MATERIALIZED VIEW big_later USING tview AS SELECT id, right(t, 2) AS r FROM big;
UPDATE big SET t = t || 'z';
REFRESH MATERIALIZED VIEW big_bag;
INSERT INTO big VALUES (4, repeat('4', 5000));
TRUNCATE big;
INSERT INTO big VALUES (5, repeat('5', 5000)), (6, NULL);
SAVEPOINT s;
TRUNCATE big;
ALTER TABLE big DROP other;
ROLLBACK TO s;
UPDATE big SET t = t || '!' WHERE id = 5;
COMMIT;
SELECT id, length(t) FROM big_view ORDER BY id;
SELECT length(m), n FROM big_max;
SELECT * FROM big_later ORDER BY id;
SELECT * FROM differences();
-- cursors and triggers that are not done
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM big;
FETCH c;
INSERT INTO big VALUES (7, 'seven');
TRUNCATE big;
ROLLBACK;
CREATE FUNCTION ddl_in_trigger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  CREATE MATERIALIZED VIEW from_trigger USING tview AS SELECT id FROM big;
  RETURN NULL;
END $$;
CREATE TRIGGER row_trigger AFTER INSERT ON big FOR EACH ROW EXECUTE FUNCTION ddl_in_trigger();
INSERT INTO big VALUES (8, 'eight');
DROP TRIGGER row_trigger ON big;
CREATE TRIGGER zz_statement_trigger AFTER INSERT ON big FOR EACH STATEMENT EXECUTE FUNCTION ddl_in_trigger();
INSERT INTO big VALUES (8, 'eight');
DROP TRIGGER zz_statement_trigger ON big;
SELECT * FROM differences();

-- TRUNCATE: of several, with CASCADE, of one that is not read alone
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent);
INSERT INTO parent VALUES (1), (2);
INSERT INTO child VALUES (1, 1), (2, 2);
CREATE MATERIALIZED VIEW family USING tview AS SELECT c.id, p.id AS parent FROM child c JOIN parent p ON p.id = c.parent;
CREATE MATERIALIZED VIEW children USING tview AS SELECT count(*) AS n FROM child;
TRUNCATE parent;
TRUNCATE parent CASCADE;
SELECT * FROM family, children;
INSERT INTO parent VALUES (1);
INSERT INTO child VALUES (1, 1);
SELECT * FROM family, children;
TRUNCATE child, parent RESTART IDENTITY;
SELECT * FROM children;
SELECT * FROM differences();

-- the proof of a key: dropped, made
CREATE TABLE member (id int CONSTRAINT member_key PRIMARY KEY, name text);
INSERT INTO member VALUES (1, 'x'), (2, 'x');
CREATE MATERIALIZED VIEW members USING tview AS SELECT id, name FROM member;
SELECT * FROM how WHERE view = 'members'::regclass;
ALTER TABLE member DROP CONSTRAINT member_key;
SELECT * FROM how WHERE view = 'members'::regclass;
INSERT INTO member VALUES (1, 'x'), (1, 'x');
DELETE FROM member WHERE ctid = (SELECT max(ctid) FROM member);
SELECT * FROM members ORDER BY id;
SELECT * FROM differences();
DELETE FROM member WHERE id = 1;
ALTER TABLE member ADD PRIMARY KEY (id);
SELECT * FROM how WHERE view = 'members'::regclass;
UPDATE member SET id = id + 1;
-- deferrable: two rows with one value, for a while
ALTER TABLE member DROP CONSTRAINT member_pkey, ADD PRIMARY KEY (id) DEFERRABLE INITIALLY DEFERRED;
SELECT * FROM how WHERE view = 'members'::regclass;
INSERT INTO member VALUES (4, 'y');
BEGIN;
UPDATE member SET id = 4 WHERE id = 3;
SELECT * FROM members ORDER BY id, name;
UPDATE member SET id = 3 WHERE name = 'y';
COMMIT;
SELECT * FROM members ORDER BY id, name;
SELECT * FROM differences();
CREATE UNIQUE INDEX partial ON member (id) WHERE id > 0;
CREATE UNIQUE INDEX expression ON member ((id + 0));
CREATE UNIQUE INDEX nullable ON member (name);
SELECT * FROM how WHERE view = 'members'::regclass;
ALTER TABLE member ALTER name SET NOT NULL;
SELECT * FROM how WHERE view = 'members'::regclass;
ALTER TABLE member ALTER name DROP NOT NULL;
SELECT * FROM how WHERE view = 'members'::regclass;
CREATE UNIQUE INDEX same_nulls ON member (name) NULLS NOT DISTINCT;
SELECT * FROM how WHERE view = 'members'::regclass;
INSERT INTO member VALUES (6, NULL);
UPDATE member SET id = id + 1 WHERE name IS NULL;
SELECT * FROM differences();
DROP INDEX same_nulls;
INSERT INTO member VALUES (12, NULL), (13, NULL);
DELETE FROM member WHERE name IS NULL;
CREATE UNIQUE INDEX CONCURRENTLY same_nulls ON member (name) NULLS NOT DISTINCT;
SELECT * FROM how WHERE view = 'members'::regclass;
REINDEX INDEX CONCURRENTLY same_nulls;
INSERT INTO member VALUES (9, NULL);
DROP INDEX CONCURRENTLY same_nulls;
SELECT * FROM how WHERE view = 'members'::regclass;
INSERT INTO member VALUES (10, NULL);
SELECT * FROM differences();
-- GROUP BY a primary key
CREATE TABLE article (id int PRIMARY KEY, title text);
INSERT INTO article VALUES (1, 'one');
CREATE MATERIALIZED VIEW articles USING tview AS SELECT id, title, count(*) AS n FROM article GROUP BY id;
ALTER TABLE article DROP CONSTRAINT article_pkey;

-- our index on the view
DROP INDEX keyed_id_idx;
SELECT * FROM how WHERE view = 'keyed'::regclass;
UPDATE item SET note = note || '.' WHERE id < 3;
DO $$
BEGIN
  EXECUTE (SELECT 'DROP INDEX ' || indexrelid::regclass FROM pg_index WHERE indrelid = 'members'::regclass);
END $$;
SELECT * FROM how WHERE view = 'members'::regclass;
INSERT INTO member VALUES (11, 'eleven');
SELECT * FROM differences();

-- triggers
ALTER TABLE item DISABLE TRIGGER ALL;
UPDATE item SET price = price + 1;
ALTER TABLE item ENABLE TRIGGER ALL;
ALTER TABLE item DISABLE TRIGGER USER;
UPDATE item SET price = price + 1;
SELECT DISTINCT tgenabled FROM pg_trigger WHERE tgrelid = 'item'::regclass AND tgtype & 1 = 0;
DO $$
BEGIN
  EXECUTE (SELECT format('DROP TRIGGER %I ON item', tgname) FROM pg_trigger
           WHERE tgrelid = 'item'::regclass AND tgname LIKE ' tview_insert%');
EXCEPTION WHEN dependent_objects_still_exist THEN
  RAISE NOTICE 'not dropped: SQLSTATE %', SQLSTATE;
END $$;
SET session_replication_role = replica;
UPDATE item SET price = price + 1;
RESET session_replication_role;
SELECT * FROM differences();
\d item

-- children that come and go
CREATE TABLE other (LIKE item INCLUDING GENERATED);
ALTER TABLE item INHERIT other;
SELECT * FROM totals ORDER BY name;
REFRESH MATERIALIZED VIEW joined;
ALTER TABLE item NO INHERIT other;
UPDATE item SET price = price + 1;
REFRESH MATERIALIZED VIEW totals;
REFRESH MATERIALIZED VIEW joined;
SELECT * FROM totals ORDER BY name;
REFRESH MATERIALIZED VIEW totals;
REFRESH MATERIALIZED VIEW keyed;
CREATE TABLE heir () INHERITS (item);
DROP TABLE heir;
REFRESH MATERIALIZED VIEW joined;
REFRESH MATERIALIZED VIEW keyed;
REFRESH MATERIALIZED VIEW totals;
UPDATE item SET price = price + 1;
SELECT * FROM differences();
-- what cannot be followed: the view, and what reads it, cannot be read
ALTER TABLE kind SET UNLOGGED;
REFRESH MATERIALIZED VIEW joined;
SELECT property, value FROM tview.explain('joined') WHERE property IN ('populated', 'refused', 'reason', 'hint');
SELECT view, strategy, populated FROM tview.views WHERE view = 'joined'::regclass;
ALTER TABLE kind SET LOGGED;
REFRESH MATERIALIZED VIEW joined;
REFRESH MATERIALIZED VIEW totals;
-- functions, types and plain views that mean something else
CREATE FUNCTION price_of(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE TYPE grade AS ENUM ('low', 'high');
ALTER TABLE kind ADD grade grade DEFAULT 'low';
CREATE VIEW cheap AS SELECT id, price FROM item WHERE price < 100;
CREATE MATERIALIZED VIEW priced USING tview AS SELECT id, price_of(price) AS p FROM item;
CREATE MATERIALIZED VIEW graded USING tview AS SELECT id, grade::text AS g FROM kind;
CREATE MATERIALIZED VIEW bargain USING tview AS SELECT id FROM cheap;
CREATE OR REPLACE FUNCTION price_of(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 1';
SELECT * FROM priced;
REFRESH MATERIALIZED VIEW priced;
ALTER FUNCTION price_of VOLATILE;
REFRESH MATERIALIZED VIEW priced;
ALTER FUNCTION price_of IMMUTABLE;
REFRESH MATERIALIZED VIEW priced;
ALTER FUNCTION price_of RENAME TO cost_of;
ALTER TYPE grade ADD VALUE 'highest';
ALTER TYPE grade RENAME VALUE 'low' TO 'poor';
REFRESH MATERIALIZED VIEW graded;
CREATE OR REPLACE VIEW cheap AS SELECT id, price FROM item WHERE price < 50;
REFRESH MATERIALIZED VIEW bargain;
ALTER VIEW cheap RENAME TO cheapest;
UPDATE item SET price = price + 1;
SELECT * FROM differences();
-- row security
CREATE ROLE regress_tview_bound;
GRANT SELECT, TRIGGER ON item TO regress_tview_bound;
ALTER MATERIALIZED VIEW keyed OWNER TO regress_tview_bound;
ALTER TABLE item ENABLE ROW LEVEL SECURITY;
SELECT * FROM keyed;
ALTER TABLE item DISABLE ROW LEVEL SECURITY;
REFRESH MATERIALIZED VIEW keyed;
UPDATE item SET note = 'same';
SELECT view, populated FROM tview.views WHERE NOT populated ORDER BY view::text COLLATE "C";
SELECT * FROM differences();
DROP OWNED BY regress_tview_bound;
DROP ROLE regress_tview_bound;

-- the proof of a key that goes while the view is not populated
CREATE TABLE proved (id int PRIMARY KEY, x int);
INSERT INTO proved VALUES (1, 1);
CREATE MATERIALIZED VIEW by_proof USING tview AS SELECT id, x FROM proved;
REFRESH MATERIALIZED VIEW by_proof WITH NO DATA;
ALTER TABLE proved DROP CONSTRAINT proved_pkey;
INSERT INTO proved VALUES (1, 2);
REFRESH MATERIALIZED VIEW by_proof;
INSERT INTO proved VALUES (1, 2);
SELECT * FROM by_proof ORDER BY id, x;
