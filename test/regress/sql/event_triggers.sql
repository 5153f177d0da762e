--
-- Event triggers that write to the tables of a view, within the statement that alters them.
--
\set VERBOSITY terse
CREATE EXTENSION pg_tviews;
-- what differs between the views and their queries; nothing does
CREATE FUNCTION differences() RETURNS TABLE (view regclass, difference text, content text)
LANGUAGE sql VOLATILE AS $$
  SELECT v.view, c.difference, c.content FROM tview.views v, tview.check(v.view) c WHERE v.populated $$;

CREATE TABLE command (no serial, tag text);
CREATE TABLE sale (id int, region int, amount int) PARTITION BY LIST (region);
CREATE TABLE sale_1 PARTITION OF sale FOR VALUES IN (1);
CREATE TABLE sale_2 (id int, region int, amount int);
CREATE TABLE sale_3 (LIKE sale);
INSERT INTO sale VALUES (1, 1, 10);
INSERT INTO sale_2 VALUES (2, 2, 20);
CREATE MATERIALIZED VIEW regions USING tview AS SELECT region, count(*) AS n, sum(amount) AS total FROM sale GROUP BY region;
CREATE MATERIALIZED VIEW second USING tview AS SELECT id FROM sale_2;
CREATE FUNCTION logs() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO public.command (tag) VALUES (TG_TAG);
  EXECUTE coalesce(nullif(current_setting('regress.next', true), ''), 'SELECT 1');
END $$;
CREATE EVENT TRIGGER logs ON ddl_command_end EXECUTE FUNCTION logs();

-- a log of commands, in a view
CREATE MATERIALIZED VIEW tags USING tview AS SELECT tag, count(*) AS n FROM command GROUP BY tag;
CREATE MATERIALIZED VIEW over_tags USING tview AS SELECT sum(n) AS n FROM tags;
SELECT tview.set('over_tags', 'deferred');
CREATE MATERIALIZED VIEW latest USING tview AS SELECT DISTINCT ON (tag) tag, no FROM command ORDER BY tag, no DESC;
SELECT * FROM differences();
REFRESH MATERIALIZED VIEW tags;
REFRESH MATERIALIZED VIEW CONCURRENTLY latest;
SELECT * FROM differences();
REFRESH MATERIALIZED VIEW over_tags WITH NO DATA;
REFRESH MATERIALIZED VIEW over_tags;
SELECT * FROM differences();
BEGIN;
ALTER TABLE sale_3 ADD COLUMN more int;
CREATE MATERIALIZED VIEW numbers USING tview AS SELECT no FROM command;
ALTER TABLE sale_3 DROP COLUMN more;
COMMIT;
SELECT * FROM differences();
SELECT tag, n FROM tags ORDER BY tag;

-- rows that come while a partition does
SET regress.next = 'INSERT INTO sale VALUES (3, 2, 30)';
ALTER TABLE sale ATTACH PARTITION sale_2 FOR VALUES IN (2);
SET regress.next = 'INSERT INTO sale_2 VALUES (3, 2, 30)';
ALTER TABLE sale ATTACH PARTITION sale_2 FOR VALUES IN (2);
SELECT * FROM differences();
SET regress.next = 'INSERT INTO sale_1 VALUES (3, 1, 30)';
ALTER TABLE sale ATTACH PARTITION sale_2 FOR VALUES IN (2);
SELECT * FROM differences();
SET regress.next = 'INSERT INTO sale_2 VALUES (3, 2, 30)';
ALTER TABLE sale DETACH PARTITION sale_2;
SET regress.next = 'TRUNCATE sale_2';
ALTER TABLE sale DETACH PARTITION sale_2;
SELECT * FROM differences();
SET regress.next = 'UPDATE sale SET amount = amount + 1';
ALTER TABLE sale DETACH PARTITION sale_2;
SELECT * FROM differences();
-- no view has known them before
SET regress.next = 'INSERT INTO sale VALUES (4, 3, 40)';
ALTER TABLE sale ATTACH PARTITION sale_3 FOR VALUES IN (3);
SET regress.next = 'INSERT INTO sale VALUES (5, 4, 40); INSERT INTO sale_4 VALUES (6, 4, 40)';
CREATE TABLE sale_4 PARTITION OF sale FOR VALUES IN (4);
SELECT * FROM differences();
-- triggers that are about to be enabled again
SET regress.next = 'INSERT INTO sale VALUES (5, 4, 40)';
ALTER TABLE sale_4 DISABLE TRIGGER ALL;
ALTER TABLE sale_4 DISABLE TRIGGER USER;
ALTER TABLE sale_1 DISABLE TRIGGER ALL;
SELECT * FROM differences();
-- a new column gets values
SET regress.next = 'UPDATE sale SET more = amount, amount = 1';
ALTER TABLE sale ADD COLUMN more int;
RESET regress.next;
SELECT * FROM differences();
SELECT * FROM regions ORDER BY region;
DROP EVENT TRIGGER logs;
