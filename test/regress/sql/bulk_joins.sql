--
-- Statements of many rows under joins: their delta is read twice, first for the keys that are locked.
--
CREATE EXTENSION pg_tviews;
CREATE FUNCTION differences() RETURNS TABLE (view regclass, difference text, content text)
LANGUAGE sql VOLATILE AS $$
  SELECT v.view, c.difference, c.content FROM tview.views v, tview.check(v.view) c WHERE v.populated $$;

CREATE TABLE kind (kind int PRIMARY KEY, name text);
CREATE TABLE item (id int PRIMARY KEY, kind int, amount bigint, flag boolean, unread int);
CREATE TABLE worded (id int PRIMARY KEY, kind int, word text);
INSERT INTO kind SELECT i, 'kind ' || i FROM generate_series(0, 9) i;
INSERT INTO item SELECT i, nullif(i % 10, 3), nullif(i % 7, 2), CASE WHEN i % 4 > 0 THEN i % 4 = 1 END, i FROM generate_series(1, 5000) i;
INSERT INTO worded SELECT i, i % 10, CASE WHEN i % 3 > 0 THEN 'word ' || i END FROM generate_series(1, 5000) i;

CREATE MATERIALIZED VIEW totals USING tview AS
  SELECT k.kind, count(*) AS n, sum(i.amount) AS total, count(i.flag) AS flags FROM item i JOIN kind k USING (kind) GROUP BY k.kind;
CREATE MATERIALIZED VIEW rows USING tview AS SELECT i.id, i.amount, i.flag, k.name FROM item i JOIN kind k USING (kind);
CREATE MATERIALIZED VIEW outer_rows USING tview AS SELECT i.id, i.kind, k.name FROM item i LEFT JOIN kind k USING (kind);
CREATE MATERIALIZED VIEW pairs USING tview AS
  SELECT a.id AS a, b.id AS b FROM item a JOIN item b ON b.id = a.id + 1 AND b.amount = a.amount + 1;
CREATE MATERIALIZED VIEW counted USING tview AS SELECT count(*) AS n FROM item i JOIN kind k USING (kind);
CREATE MATERIALIZED VIEW words USING tview AS SELECT k.name, count(w.word) AS n, max(w.word) AS last
  FROM worded w JOIN kind k USING (kind) GROUP BY k.name;

-- all rows are kept for the second time, many, a few, or as far as not all keys are locked at once
CREATE PROCEDURE change() LANGUAGE plpgsql AS $$
BEGIN
  UPDATE item SET amount = amount + 1;
  UPDATE item SET unread = unread + 1;
  UPDATE item SET amount = CASE WHEN id % 2 = 0 THEN amount + 1 ELSE amount END;
  UPDATE item SET kind = CASE WHEN id % 3 = 0 THEN (coalesce(kind, 0) + 1) % 10 ELSE kind END, flag = NOT flag;
  UPDATE item SET flag = NULL, amount = 1 WHERE id > 4000;
  UPDATE worded SET kind = kind % 9, word = word || '.' WHERE id % 2 = 0;
  DELETE FROM item WHERE id % 3 = 1;
  INSERT INTO item SELECT i, nullif(i % 10, 3), nullif(i % 7, 2), CASE WHEN i % 4 > 0 THEN i % 4 = 1 END, i
    FROM generate_series(1, 5000) i ON CONFLICT (id) DO UPDATE SET kind = excluded.kind;
END $$;
SHOW work_mem;
CALL change();
SELECT * FROM differences();
SET work_mem = '64kB';
CALL change();
SELECT * FROM differences();
SET work_mem = '150kB';
CALL change();
SELECT * FROM differences();
SET tview.lock_escalation = 4;
CALL change();
SELECT * FROM differences();
SET work_mem = '4MB';
CALL change();
SELECT * FROM differences();
RESET tview.lock_escalation;
SET tview.bulk_rows = 1000000;
CALL change();
SELECT * FROM differences();
SELECT kind, n, total, flags FROM totals ORDER BY kind;

-- both tables change at once, and a cursor over the other goes on
BEGIN;
DECLARE c CURSOR FOR SELECT kind FROM kind ORDER BY kind;
FETCH 1 FROM c;
WITH k AS (UPDATE kind SET name = upper(name) RETURNING kind)
UPDATE item i SET amount = amount + 10 FROM k WHERE k.kind = i.kind;
FETCH 1 FROM c;
COMMIT;
SELECT * FROM differences();
