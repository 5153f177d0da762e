--
-- What servers from 16 on have and older ones do not: nothing is printed on any of them, for every view
-- equals its query.  Virtual generated columns: generated_columns.sql.
--
\set ECHO none
SET client_min_messages = warning;
CREATE EXTENSION pg_tviews;
CREATE FUNCTION differences() RETURNS TABLE (view regclass, what text) LANGUAGE sql AS
  'SELECT v.view, d::text FROM tview.views v, tview.check(v.view) d WHERE v.populated
   UNION ALL SELECT v.view, ''cannot be read'' FROM tview.views v WHERE NOT v.populated';
\pset format unaligned
\pset tuples_only on
SELECT current_setting('server_version_num')::int >= 170000 AS is_17, current_setting('server_version_num')::int >= 180000 AS is_18 \gset

\if :is_17
-- MERGE WHEN NOT MATCHED BY SOURCE, MERGE RETURNING; SQL/JSON; any_value
CREATE TABLE doc (id int PRIMARY KEY, v int, d jsonb);
CREATE MATERIALIZED VIEW doc_totals USING tview AS SELECT v, count(*) AS n, sum(id) AS s, any_value(v) AS some FROM doc GROUP BY v;
CREATE MATERIALIZED VIEW doc_table USING tview AS
  SELECT doc.id, j.a, j.b FROM doc, JSON_TABLE(doc.d, '$[*]' COLUMNS (a int PATH '$.a', b text PATH '$.b')) j;
CREATE MATERIALIZED VIEW doc_outer USING tview AS
  SELECT doc.id, j.n, j.a FROM doc LEFT JOIN JSON_TABLE(doc.d, '$[*]' COLUMNS (n FOR ORDINALITY, a int PATH '$.a')) j ON j.a > doc.v;
CREATE MATERIALIZED VIEW doc_values USING tview AS
  SELECT id, JSON_OBJECT('a': v, 'b': id) AS o, JSON_ARRAY(v, id) AS l, JSON_VALUE(d, '$[0].a' RETURNING int) AS a,
         JSON_EXISTS(d, '$[0].a') AS e, JSON_QUERY(d, '$[0]') AS q, d IS JSON OBJECT AS i, JSON_SCALAR(v) AS s,
         JSON(d::text) AS j, JSON_SERIALIZE(d) AS t FROM doc;
CREATE MATERIALIZED VIEW doc_lists USING tview AS
  SELECT v, JSON_ARRAYAGG(id ORDER BY id) AS l, JSON_OBJECTAGG(id: v) AS o FROM doc GROUP BY v;
INSERT INTO doc SELECT i, i % 4, jsonb_build_array(jsonb_build_object('a', i, 'b', 'x' || i), jsonb_build_object('a', -i))
  FROM generate_series(1, 12) i;
SELECT * FROM differences();
MERGE INTO doc USING (SELECT generate_series(5, 20)) s (i) ON doc.id = s.i
  WHEN MATCHED AND i < 8 THEN DELETE WHEN MATCHED THEN UPDATE SET v = i
  WHEN NOT MATCHED THEN INSERT VALUES (i, i, NULL) WHEN NOT MATCHED BY SOURCE THEN UPDATE SET v = -1;
SELECT * FROM differences();
WITH x AS (MERGE INTO doc USING (SELECT 9) s (i) ON doc.id = s.i WHEN MATCHED THEN UPDATE SET v = 100 RETURNING merge_action(), doc.id)
  INSERT INTO doc SELECT id + 1000, 1, '[{"a": 1}]' FROM x;
MERGE INTO doc USING (SELECT generate_series(5, 14)) s (i) ON doc.id = s.i WHEN NOT MATCHED BY SOURCE THEN DELETE;
SELECT * FROM differences();
COPY doc FROM PROGRAM $$printf '100\t1\t\\N\nbad\t2\t\\N\n101\t3\t[]\n'$$ WITH (ON_ERROR ignore);
SELECT * FROM differences();

-- who may refresh
CREATE ROLE regress_tview_maintainer;
GRANT MAINTAIN ON doc_totals TO regress_tview_maintainer;
SET ROLE regress_tview_maintainer;
REFRESH MATERIALIZED VIEW doc_totals;
RESET ROLE;
DROP OWNED BY regress_tview_maintainer;
DROP ROLE regress_tview_maintainer;
UPDATE doc SET v = v + 1;
SELECT * FROM differences();
\endif

\if :is_18
-- keys without overlaps
CREATE EXTENSION btree_gist;
CREATE TABLE stay (id int, during int4range, x int, PRIMARY KEY (id, during WITHOUT OVERLAPS));
CREATE TABLE meal (id int, during int4range, y int, FOREIGN KEY (id, PERIOD during) REFERENCES stay (id, PERIOD during));
CREATE MATERIALIZED VIEW stay_rows USING tview AS SELECT id, during, x FROM stay;
CREATE MATERIALIZED VIEW stay_meals USING tview AS
  SELECT s.id, s.during, s.x, m.y FROM meal m LEFT JOIN stay s ON s.id = m.id AND s.during = m.during;
CREATE MATERIALIZED VIEW stay_totals USING tview AS
  SELECT s.id, s.during, count(*) AS n, sum(m.y) AS y FROM stay s LEFT JOIN meal m ON s.id = m.id AND s.during && m.during GROUP BY s.id, s.during;
CREATE MATERIALIZED VIEW stay_hungry USING tview AS
  SELECT id, during, x FROM stay s WHERE NOT EXISTS (SELECT FROM meal m WHERE m.id = s.id AND m.during = s.during);
CREATE MATERIALIZED VIEW stay_first USING tview AS SELECT DISTINCT id, during FROM stay ORDER BY id LIMIT 3;
INSERT INTO stay SELECT i % 3, int4range(i, i + 3), i FROM generate_series(1, 20, 3) i;
INSERT INTO stay SELECT i, int4range(1, 10), i FROM generate_series(10, 15) i;
INSERT INTO meal SELECT id, during, x FROM stay WHERE id > 11;
UPDATE stay SET x = x + 1;
SELECT * FROM differences();
UPDATE stay SET during = int4range(1, 12) WHERE id BETWEEN 10 AND 14;
DELETE FROM stay WHERE id = 10;
SELECT * FROM differences();

-- OLD in RETURNING
CREATE TABLE was (id int, v int, nv int);
CREATE MATERIALIZED VIEW was_totals USING tview AS SELECT w.id, sum(w.v) AS v, sum(w.nv) AS nv, max(d.v) AS top FROM was w JOIN doc d USING (id) GROUP BY w.id;
WITH x AS (UPDATE doc SET v = v + 1 RETURNING id, old.v, new.v AS nv) INSERT INTO was SELECT * FROM x;
SELECT * FROM differences();

-- a constraint NOT NULL that is not valid proves nothing
CREATE TABLE part (id int, k int UNIQUE);
INSERT INTO part VALUES (0, NULL), (1, NULL);
ALTER TABLE part ADD CONSTRAINT part_k NOT NULL k NOT VALID;
CREATE MATERIALIZED VIEW part_rows USING tview AS SELECT k, id FROM part;
INSERT INTO part VALUES (1, 1), (2, 2);
UPDATE part SET k = 5 WHERE id = 0;
SELECT * FROM differences();
DELETE FROM part WHERE k IS NULL;
ALTER TABLE part VALIDATE CONSTRAINT part_k;
CREATE MATERIALIZED VIEW part_keyed USING tview AS SELECT k, id, casefold('Ab' || id) AS c, array_sort(ARRAY[k, id]) AS l FROM part;
CREATE MATERIALIZED VIEW part_top USING tview AS SELECT max(ARRAY[k, id]) AS l, min(id::text::bytea) AS b FROM part;
UPDATE part SET k = k + 10;
DELETE FROM part WHERE id = 1;
SELECT * FROM differences();

-- virtual generated columns: keys, self joins, windows, recursion, in a tree with other expressions in partitions
CREATE TABLE gen (id int PRIMARY KEY, a int, b int GENERATED ALWAYS AS (a * 2), c text GENERATED ALWAYS AS ('v' || a::text) VIRTUAL);
CREATE TABLE tree (id int, a int, b int GENERATED ALWAYS AS (a * 2)) PARTITION BY RANGE (id);
CREATE TABLE tree_1 PARTITION OF tree FOR VALUES FROM (0) TO (10);
CREATE TABLE tree_2 PARTITION OF tree (b GENERATED ALWAYS AS (a * 3)) FOR VALUES FROM (10) TO (100);
CREATE VIEW plain AS SELECT id, b, c FROM gen;
CREATE MATERIALIZED VIEW gen_groups USING tview AS SELECT b, count(*) AS n, min(c) AS c, max(id) AS id FROM gen GROUP BY b;
CREATE MATERIALIZED VIEW gen_self USING tview AS SELECT g.id, h.id AS h, g.c FROM gen g LEFT JOIN gen h ON g.b = h.a;
CREATE MATERIALIZED VIEW tree_rows USING tview AS SELECT id, b FROM tree;
CREATE MATERIALIZED VIEW tree_groups USING tview AS SELECT b, count(*) AS n FROM tree GROUP BY b;
CREATE MATERIALIZED VIEW gen_window USING tview AS SELECT id, row_number() OVER (ORDER BY b, id) AS r FROM gen;
CREATE MATERIALIZED VIEW gen_rows USING tview AS SELECT gen AS r, gen.b FROM gen WHERE b > 4;
CREATE MATERIALIZED VIEW gen_counts USING tview AS SELECT (SELECT count(*) FROM gen x WHERE x.b = g.b) AS n, id FROM gen g;
CREATE MATERIALIZED VIEW gen_exists USING tview AS SELECT id FROM gen WHERE EXISTS (SELECT FROM tree WHERE tree.b = gen.b);
CREATE MATERIALIZED VIEW gen_union USING tview AS SELECT b FROM gen UNION SELECT b FROM tree;
CREATE MATERIALIZED VIEW gen_reach USING tview AS
  WITH RECURSIVE r AS (SELECT id, b FROM gen WHERE id = 1 UNION SELECT g.id, g.b FROM gen g JOIN r ON g.a = r.b) SELECT * FROM r;
CREATE MATERIALIZED VIEW gen_first USING tview AS SELECT DISTINCT ON (b) b, c, id FROM gen ORDER BY b, id LIMIT 5;
CREATE MATERIALIZED VIEW gen_lists USING tview AS SELECT b, string_agg(c, ',' ORDER BY id) AS l FROM plain GROUP BY b;
INSERT INTO gen SELECT i, i % 7 FROM generate_series(1, 30) i;
INSERT INTO tree SELECT i, i % 7 FROM generate_series(1, 50) i;
SELECT * FROM differences();
UPDATE gen SET a = a + 1 WHERE id % 3 = 0;
UPDATE tree SET id = (id + 20) % 90;
DELETE FROM gen WHERE b = 4;
DELETE FROM tree WHERE b = 6;
SELECT * FROM differences();
INSERT INTO gen VALUES (99, NULL);
INSERT INTO gen VALUES (99, 3) ON CONFLICT (id) DO UPDATE SET a = excluded.b;
UPDATE gen SET a = 8 FROM tree WHERE tree.b = gen.b;
COPY gen (id, a) FROM PROGRAM $$printf '200\t3\n201\t\\N\n'$$;
TRUNCATE tree_1;
SELECT * FROM differences();
-- COPY TO reads a view, too, but none that is newer than its snapshot
\setenv PGDATABASE :DBNAME
CREATE TABLE copied (id int PRIMARY KEY, k int);
INSERT INTO copied VALUES (1, 1);
CREATE MATERIALIZED VIEW copies USING tview AS SELECT k, count(*) AS n FROM copied GROUP BY k;
CREATE PROCEDURE copy_views(expected text) LANGUAGE plpgsql AS $$
DECLARE
  got text := 'done';
BEGIN
  BEGIN
    COPY copies TO '/dev/null';
  EXCEPTION WHEN serialization_failure THEN
    got := 'too old';
  END;
  IF got <> expected THEN RAISE WARNING 'COPY: %', got; END IF;
END $$;
CALL copy_views('done');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT 1 AS snapshot \gset
\! psql -X -q -c 'INSERT INTO copied VALUES (2, 1)' -c 'REFRESH MATERIALIZED VIEW copies'
CALL copy_views('too old');
COMMIT;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT 1 AS snapshot \gset
\! psql -X -q -c 'TRUNCATE copied'
CALL copy_views('too old');
COMMIT;
CALL copy_views('done');
\endif
