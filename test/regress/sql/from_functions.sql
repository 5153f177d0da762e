--
-- Functions in FROM: ROWS FROM, WITH ORDINALITY, unnest and = ANY joins, XMLTABLE; settings that shape their values.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir /include/scenarios.inc
\i :include
\set VERBOSITY terse
\set check 'SELECT check_views() \\g (tuples_only=on format=unaligned)'
\set ECHO all

CREATE TABLE t (id int PRIMARY KEY, n int, tags int[], doc jsonb, x xml, at timestamptz);
CREATE TABLE tag (id int PRIMARY KEY, name text);
INSERT INTO tag VALUES (1, 'one'), (2, 'two'), (3, 'three');
INSERT INTO t VALUES
  (1, 2, '{1,2}', '[{"a": 1, "b": "x"}, {"a": 2}]', '<r><i k="1">a</i><i k="2"/></r>', '2024-01-01 12:00+00'),
  (2, 1, '{3,3,NULL}', '[]', '<r/>', NULL), (3, 0, NULL, NULL, NULL, '2024-07-01 12:00+00');
CREATE FUNCTION pair(int) RETURNS TABLE (a int, b text) LANGUAGE sql IMMUTABLE AS 'SELECT i, i::text FROM generate_series(1, $1) i';

CREATE MATERIALIZED VIEW rows_from USING tview AS
  SELECT t.id, f.* FROM t, ROWS FROM (unnest(tags), generate_series(1, n), pair(n)) WITH ORDINALITY AS f(tag, g, a, b, nr);
CREATE MATERIALIZED VIEW several_arrays USING tview AS SELECT id, u.* FROM t, unnest(tags, array['p', 'q']) WITH ORDINALITY u(tag, letter, nr);
CREATE MATERIALIZED VIEW recordset USING tview AS SELECT id, r.a, r.b FROM t, jsonb_to_recordset(doc) AS r(a int, b text);
CREATE MATERIALIZED VIEW rows_from_records USING tview AS
  SELECT id, r.* FROM t, ROWS FROM (jsonb_to_recordset(doc) AS (a int, b text), generate_series(1, 1)) AS r;
CREATE MATERIALIZED VIEW any_join USING tview AS SELECT t.id, tag.name FROM t JOIN tag ON tag.id = ANY (t.tags);
CREATE MATERIALIZED VIEW all_join USING tview AS SELECT t.id, tag.name FROM t JOIN tag ON tag.id <> ALL (t.tags);
CREATE MATERIALIZED VIEW unnest_join USING tview AS
  SELECT t.id, u.nr, tag.name FROM t CROSS JOIN unnest(t.tags) WITH ORDINALITY u(tag, nr) JOIN tag ON tag.id = u.tag;
CREATE MATERIALIZED VIEW counted USING tview AS
  SELECT tag.name, count(*) AS n, array_agg(t.id ORDER BY t.id, u.nr) AS ids
    FROM t, unnest(t.tags) WITH ORDINALITY u(tag, nr), tag WHERE tag.id = u.tag GROUP BY tag.name;
CREATE FUNCTION tag_count(int[]) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT coalesce(cardinality($1), 0)';
CREATE MATERIALIZED VIEW chain USING tview AS
  SELECT t.id, g.i, h.j FROM t, generate_series(1, n) g(i), LATERAL generate_series(g.i, n + tag_count(t.tags)) h(j);
-- the function reads two tables
CREATE MATERIALIZED VIEW of_both USING tview AS
  SELECT t.id, tag.name, g FROM t, tag, generate_series(tag.id, t.n) g WHERE t.id <> tag.id;

CREATE MATERIALIZED VIEW xml_rows USING tview AS
  SELECT t.id, e.* FROM t, XMLTABLE('/r/i' PASSING t.x COLUMNS nr FOR ORDINALITY, k int PATH '@k', v text PATH '.' DEFAULT 'n' || t.n) e;
CREATE MATERIALIZED VIEW xml_space USING tview AS
  SELECT t.id, e.a::timestamptz FROM t, XMLTABLE(XMLNAMESPACES('http://z' AS z), '/z:r/z:i' PASSING t.x COLUMNS a text PATH '@at') e;
CREATE MATERIALIZED VIEW xml_joined USING tview AS
  SELECT tag.name, count(*) AS n FROM t CROSS JOIN XMLTABLE('/r/i' PASSING t.x COLUMNS k int PATH '@k' NOT NULL) e JOIN tag ON tag.id = e.k GROUP BY tag.name;
CREATE MATERIALIZED VIEW xml_below USING tview AS
  SELECT q.k + tag.id AS k FROM tag, (SELECT e.k FROM t, XMLTABLE('/r/i' PASSING t.x COLUMNS k int PATH '@k') e UNION ALL SELECT 7) q;
TABLE rows_from ORDER BY id, nr;
TABLE xml_rows ORDER BY id, nr;
:check
INSERT INTO t VALUES (4, 2, '{2,1}', '[{"b": "z"}]', '<r xmlns="http://z"><i at="2024-03-31 02:30"/></r>', NULL);
:check
INSERT INTO t SELECT id + 10, n + 1, tags || id, doc || '{"a": 5}', x, at FROM t;
:check
UPDATE t SET n = n + 1, tags = array_remove(tags, 1), x = '<r><i k="3">c</i></r>' WHERE id < 3;
:check
UPDATE tag SET id = id + 1 WHERE id = 3;
:check
WITH d AS (DELETE FROM tag WHERE id = 1) UPDATE t SET n = 3 WHERE id = 12;
:check
DELETE FROM t WHERE id > 2;
:check
UPDATE t SET x = '<r><i/></r>';
:check
INSERT INTO tag VALUES (1, 'uno');
:check
TRUNCATE t;
:check

-- how values are read and written is fixed at creation
CREATE MATERIALIZED VIEW as_text USING tview AS
  SELECT id, xmlelement(name e, at, decode(to_hex(16 + id), 'hex'))::text AS e, name, name::timestamptz AS read, replace(label, '#', 'NULL')::text[] AS list, label::xml::text AS x
    FROM (SELECT t.id, at, at::text AS name, '{#,' || id || '}' AS label FROM t) q;
SET TimeZone = 'Asia/Tokyo'; SET xmlbinary = hex; SET array_nulls = off; SET xmloption = document; SET DateStyle = german;
INSERT INTO t VALUES (1, 1, '{1}', '[]', '<r xmlns="http://z"><i at="2024-03-31 02:30"/></r>', '2024-01-01 12:00+00');
RESET TimeZone; RESET xmlbinary; RESET array_nulls; RESET xmloption; RESET DateStyle;
TABLE as_text;
:check

-- a column that joins by its name, read by FROM items behind the join
CREATE TABLE ja (id int PRIMARY KEY, j int, c int);
CREATE TABLE jb (id int PRIMARY KEY, j int, p int);
INSERT INTO ja VALUES (1, 1, 1), (2, 2, 2), (3, NULL, 3);
INSERT INTO jb VALUES (1, 1, 1), (2, 3, 3), (4, 4, 4);
CREATE MATERIALIZED VIEW merged_args USING tview AS
  SELECT x, j, b.p FROM ja a FULL JOIN jb b USING (j) CROSS JOIN ROWS FROM (generate_series(1, j), generate_series(1, b.p)) z(x, y);
CREATE MATERIALIZED VIEW merged_values USING tview AS SELECT x, j, b.p FROM ja a FULL JOIN jb b USING (j), LATERAL (VALUES (j), (1)) z(x);
CREATE MATERIALIZED VIEW merged_lateral USING tview AS SELECT x, a.j, n FROM ja a FULL JOIN jb b USING (j), LATERAL (SELECT j + 1) z(x),
  LATERAL (SELECT count(*) AS n FROM ja c WHERE c.j > x AND EXISTS (SELECT FROM jb d WHERE d.j = b.j)) y;
CREATE MATERIALIZED VIEW merged_twice USING tview AS
  SELECT x, j FROM ja a FULL JOIN (jb b FULL JOIN jb c USING (j)) USING (j) LEFT JOIN generate_series(1, j) z(x) ON x = j;
CREATE FUNCTION merged_differs() RETURNS SETOF regclass LANGUAGE sql AS
  $$ SELECT c.relation FROM unnest('{merged_args,merged_values,merged_lateral,merged_twice}'::regclass[]) v, tview.check(v) c $$;
SELECT merged_differs();
UPDATE ja SET j = j + 1;
SELECT merged_differs();
DELETE FROM jb WHERE id = 1;
INSERT INTO jb VALUES (7, 2, 2), (8, NULL, 1);
SELECT merged_differs();
TRUNCATE ja;
SELECT merged_differs();
SELECT * FROM merged_args ORDER BY j, x;
