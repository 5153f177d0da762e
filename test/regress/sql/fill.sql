--
-- Views of more rows than are inserted one by one: filled page by page.
--
CREATE EXTENSION pg_tviews;
CREATE FUNCTION differences() RETURNS TABLE (view regclass, difference text, content text)
LANGUAGE sql VOLATILE AS $$
  SELECT v.view, c.difference, c.content FROM tview.views v, tview.check(v.view) c WHERE v.populated $$;

-- nulls, short and long text; what is stored compressed, and what is stored elsewhere
CREATE TABLE item (id int PRIMARY KEY, kind int, note text, letter "char", wide text, far text);
ALTER TABLE item ALTER far SET STORAGE EXTERNAL;
INSERT INTO item SELECT i, nullif(i % 10, 0), CASE WHEN i % 3 > 0 THEN repeat('n', i % 50) END, nullif(i % 4, 1)::"char",
  CASE WHEN i % 500 = 0 THEN repeat('wide ', i) END, CASE WHEN i % 700 = 0 THEN (SELECT string_agg(md5(i::text || j), '') FROM generate_series(1, i / 10) j) END
  FROM generate_series(1, 6000) i;
CREATE TABLE kind (kind int PRIMARY KEY, name text);
INSERT INTO kind SELECT i, 'kind ' || i FROM generate_series(1, 9) i;
ANALYZE;

CREATE MATERIALIZED VIEW rows USING tview AS SELECT i.*, k.name FROM item i LEFT JOIN kind k USING (kind);
CREATE MATERIALIZED VIEW bag USING tview AS SELECT kind, letter, wide FROM item;
CREATE MATERIALIZED VIEW groups USING tview AS SELECT id / 2 AS half, count(*) AS n, sum(kind) AS total FROM item GROUP BY 1;
CREATE MATERIALIZED VIEW different USING tview AS SELECT DISTINCT id / 2 AS half, note FROM item;
CREATE MATERIALIZED VIEW numbered USING tview AS
  SELECT id, far, row_number() OVER (PARTITION BY id / 10 ORDER BY id) AS nr FROM item;
CREATE MATERIALIZED VIEW lists USING tview AS SELECT id / 3 AS third, array_agg(wide ORDER BY id) AS list FROM item GROUP BY 1;
CREATE MATERIALIZED VIEW above USING tview AS SELECT n, count(*) AS halves FROM groups GROUP BY n;
-- exactly as many as are inserted at first, and one more
CREATE MATERIALIZED VIEW thousand USING tview AS SELECT id, letter FROM item WHERE id <= 1000;
CREATE MATERIALIZED VIEW thousand_one USING tview AS SELECT id, letter FROM item WHERE id <= 1001;
SELECT * FROM differences();
SELECT (SELECT count(*) FROM rows) AS rows, (SELECT count(*) FROM bag) AS bag, (SELECT count(*) FROM groups) AS groups,
  (SELECT count(*) FROM different) AS different, (SELECT count(*) FROM numbered) AS numbered,
  (SELECT count(*) FROM lists) AS lists, (SELECT count(*) FROM thousand) AS thousand,
  (SELECT count(*) FROM thousand_one) AS thousand_one;
-- each row says where it is, so that it can be updated and found by an index
SELECT count(*) FROM rows a JOIN rows b ON b.ctid = a.ctid WHERE a.id = b.id;
SELECT length(wide), length(far) FROM rows WHERE id = 3500;
-- long values are not stored in line, nor in the base table's storage
SELECT count(*) > 0 AS elsewhere FROM pg_class c WHERE c.oid = 'rows'::regclass AND pg_relation_size(c.reltoastrelid) > 0;

UPDATE item SET note = note || '!', kind = kind % 9 + 1 WHERE id % 5 = 0;
UPDATE item SET wide = wide || '.', far = NULL WHERE id % 700 = 0;
DELETE FROM item WHERE id % 11 = 0;
INSERT INTO item SELECT i, 3, 'new', 'x', NULL, NULL FROM generate_series(6001, 6100) i;
UPDATE kind SET name = upper(name) WHERE kind = 4;
SELECT * FROM differences();

-- filled again: everybody may see all rows, and an index tells them without the table
REFRESH MATERIALIZED VIEW rows;
REFRESH MATERIALIZED VIEW groups;
REFRESH MATERIALIZED VIEW numbered;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
DO $$
DECLARE line text;
BEGIN
  FOR line IN EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) SELECT id FROM rows WHERE id BETWEEN 2000 AND 2010 LOOP
    IF line LIKE '%Heap Fetches%' THEN
      RAISE NOTICE '%', line;
    END IF;
  END LOOP;
END $$;
RESET enable_seqscan;
RESET enable_bitmapscan;
DELETE FROM item WHERE id % 13 = 0;
VACUUM rows, groups, numbered;
SELECT * FROM differences();

-- taken back, to the start and in part
BEGIN;
CREATE MATERIALIZED VIEW gone USING tview AS SELECT id, note FROM item;
SAVEPOINT s;
CREATE MATERIALIZED VIEW also_gone USING tview AS SELECT id, kind FROM item;
REFRESH MATERIALIZED VIEW groups;
ROLLBACK TO s;
UPDATE item SET note = 'in between' WHERE id = 1;
SELECT * FROM differences();
ROLLBACK;
SELECT * FROM differences();

-- a row that fits no page, after many that do
DO $$ BEGIN
  EXECUTE 'CREATE MATERIALIZED VIEW broad USING tview AS SELECT id'
    || (SELECT string_agg(format(', CASE WHEN id > 2000 THEN (id + %s)::bigint END AS c%s', i, i), '') FROM generate_series(1, 1100) i)
    || ' FROM item WHERE id <= 2010 ORDER BY id';
EXCEPTION WHEN program_limit_exceeded THEN
  RAISE NOTICE '%', sqlerrm;
END $$;

-- memory is that of maintenance while a view is filled, and of the session afterwards
SHOW work_mem;
SET maintenance_work_mem = '1MB';
SET work_mem = '2MB';
CREATE MATERIALIZED VIEW little USING tview AS SELECT note, count(*) AS n FROM item GROUP BY note ORDER BY note;
SHOW work_mem;
SET work_mem = '64kB';
CREATE MATERIALIZED VIEW ordered USING tview AS SELECT DISTINCT id % 2000 AS part, length(note) AS size FROM item;
SHOW work_mem;
DO $$ BEGIN
  CREATE MATERIALIZED VIEW failing USING tview AS SELECT kind, sum(1 / (id - 3000)) AS s FROM item GROUP BY kind;
EXCEPTION WHEN division_by_zero THEN
  RAISE NOTICE 'work_mem: %', current_setting('work_mem');
END $$;
SELECT * FROM differences();
