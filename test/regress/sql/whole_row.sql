--
-- References to whole rows, and tableoid.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir /include/scenarios.inc
\i :include
\set VERBOSITY terse
\set check 'SELECT check_views() \\g (tuples_only=on format=unaligned)'
\set ECHO all

CREATE TABLE t (id int PRIMARY KEY, gone int, a int, b text);
ALTER TABLE t DROP COLUMN gone;
CREATE TABLE u (t_id int, n numeric);
CREATE VIEW plain AS SELECT a, b FROM t;
CREATE FUNCTION label(t) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT $1.b || '#' || $1.id $$;
INSERT INTO t VALUES (1, 1, 'x'), (2, NULL, NULL), (3, 1, repeat('long ', 1000));
INSERT INTO u VALUES (1, 1.0), (1, 2), (3, NULL), (9, 5);

CREATE MATERIALIZED VIEW rows USING tview AS SELECT t FROM t;
CREATE MATERIALIZED VIEW keyed USING tview AS SELECT id, t AS r, t IS NULL AS n, (t).b FROM t;
CREATE MATERIALIZED VIEW docs USING tview AS SELECT id, to_jsonb(t) AS j, row_to_json(t) AS r, to_jsonb(t.*) -> 'a' AS a FROM t;
CREATE MATERIALIZED VIEW as_text USING tview AS SELECT t::text AS t, u::text AS u, label(t) FROM t JOIN u ON u.t_id = t.id;
CREATE MATERIALIZED VIEW counted USING tview AS SELECT a, count(t) AS n, count(t.*) AS m, count(DISTINCT t) AS d FROM t GROUP BY a;
CREATE MATERIALIZED VIEW grouped USING tview AS SELECT t, count(*) AS n FROM t JOIN u ON u.t_id = t.id GROUP BY t;
CREATE MATERIALIZED VIEW aggregated USING tview AS SELECT a, jsonb_agg(t ORDER BY id) AS l, array_agg(t ORDER BY id) AS r FROM t GROUP BY a;
CREATE MATERIALIZED VIEW distinct_rows USING tview AS SELECT DISTINCT u FROM u;
CREATE MATERIALIZED VIEW common USING tview AS SELECT t FROM t WHERE id < 3 INTERSECT SELECT t FROM t WHERE a = 1;
CREATE MATERIALIZED VIEW compared USING tview AS SELECT x.id, y.id AS other FROM t x JOIN t y ON x < y;
CREATE MATERIALIZED VIEW of_plain USING tview AS SELECT plain, to_jsonb(plain) AS j FROM plain;
CREATE MATERIALIZED VIEW of_subquery USING tview AS SELECT to_jsonb(q) AS j, q::text AS t FROM (SELECT a, count(*) AS n FROM t GROUP BY a) q;
CREATE MATERIALIZED VIEW records USING tview AS SELECT count(DISTINCT q) AS n, count(q) AS m FROM (SELECT a, b FROM t) q;
CREATE MATERIALIZED VIEW of_with USING tview AS WITH w AS (SELECT id, b FROM t) SELECT to_jsonb(w) AS j FROM w WHERE w IS NOT NULL;
CREATE MATERIALIZED VIEW of_values USING tview AS SELECT id, to_jsonb(v) AS j FROM t, (VALUES (1, 'p'), (2, 'q')) v(k, w);
CREATE MATERIALIZED VIEW of_function USING tview AS SELECT id, to_jsonb(f) AS j, g FROM t, jsonb_each(to_jsonb(t)) f, generate_series(1, a) g;
CREATE MATERIALIZED VIEW of_view USING tview AS SELECT to_jsonb(counted) AS j FROM counted;
CREATE MATERIALIZED VIEW of_join USING tview AS SELECT to_jsonb(j) AS j FROM (t JOIN u ON t_id = id) j;
CREATE MATERIALIZED VIEW tables USING tview AS SELECT t.id, t.tableoid::regclass AS t, u.tableoid = t.tableoid AS same FROM t JOIN u ON u.t_id = t.id;
CREATE MATERIALIZED VIEW by_table USING tview AS SELECT tableoid AS t, count(*) FROM (SELECT tableoid, id FROM t UNION ALL SELECT tableoid, t_id FROM u) q GROUP BY tableoid;
-- a row that an outer join pads is null as a whole
CREATE MATERIALIZED VIEW outer_many USING tview AS SELECT t.id, u AS r, u IS NULL AS n, to_jsonb(u) AS j, u.tableoid = t.tableoid AS same FROM t LEFT JOIN u ON u.t_id = t.id;
CREATE MATERIALIZED VIEW outer_one USING tview AS SELECT u.t_id, t AS r, t IS NULL AS n, to_jsonb(t) AS j, t.tableoid IS NULL AS o FROM u LEFT JOIN t ON t.id = u.t_id;
CREATE MATERIALIZED VIEW outer_counted USING tview AS SELECT t.a, count(u) AS n, count(*) AS m, jsonb_agg(u ORDER BY u.n, u.t_id) AS l FROM t LEFT JOIN u ON u.t_id = t.id GROUP BY t.a;
CREATE MATERIALIZED VIEW outer_full USING tview AS SELECT t.id, q IS NULL AS n, to_jsonb(q) AS j, t IS NULL AS c FROM (SELECT t_id, count(*) AS n FROM u GROUP BY t_id) q FULL JOIN t ON q.t_id = t.id;
CREATE MATERIALIZED VIEW outer_with USING tview AS WITH w AS (SELECT * FROM u) SELECT t.id, to_jsonb(w) AS j FROM t LEFT JOIN w ON w.t_id = t.id;
CREATE MATERIALIZED VIEW outer_lateral USING tview AS SELECT t.id, to_jsonb(q) AS j FROM t LEFT JOIN LATERAL (SELECT u.n, t.a FROM u WHERE u.t_id = t.id) q ON true;
CREATE MATERIALIZED VIEW in_subqueries USING tview AS
  SELECT u.t_id, (SELECT to_jsonb(t) FROM t WHERE t.id = u.t_id) AS j, (SELECT count(x) FROM u x WHERE x.t_id < u.t_id) AS n FROM u WHERE EXISTS (SELECT FROM t WHERE t.id >= u.t_id AND u IS NOT NULL);
SELECT id, n, left(b, 4) AS b FROM keyed ORDER BY id;
SELECT id, t, same FROM tables ORDER BY id;
:check
INSERT INTO t VALUES (4, NULL, 'x'), (5, 1, repeat('long ', 1000)), (9, 9, '9');
:check
UPDATE t SET b = b || 'y', a = NULL WHERE id IN (1, 4);
:check
UPDATE u SET n = n * 1.0;
:check
UPDATE t SET a = 2 WHERE a = 1;
:check
WITH d AS (DELETE FROM t WHERE id = 3 RETURNING *) INSERT INTO u SELECT a, id FROM d;
:check
DELETE FROM u WHERE n IS NULL;
:check
TRUNCATE t;
:check
INSERT INTO t SELECT i, i % 3, chr(96 + i) FROM generate_series(1, 9) i;
:check

-- a row has the columns that its table has: another column, and it is another row
-- (the server keeps the columns of a join's alias as they were, whatever the text of the query says)
DROP MATERIALIZED VIEW of_join;
CREATE MATERIALIZED VIEW no_row USING tview AS SELECT id, a FROM t;
ALTER TABLE t ADD COLUMN c int;
SELECT count(*) FROM docs;
SELECT relname FROM pg_class WHERE relkind = 'm' AND relispopulated ORDER BY 1;
DO $$
DECLARE v record;
BEGIN
  FOR v IN SELECT oid::regclass AS name FROM pg_class WHERE relkind = 'm' AND NOT relispopulated ORDER BY oid LOOP
    EXECUTE 'REFRESH MATERIALIZED VIEW ' || v.name;
  END LOOP;
END $$;
:check
UPDATE t SET c = id WHERE id < 4;
:check
SET client_min_messages = error;
ALTER TABLE t RENAME COLUMN c TO d;
SELECT relname FROM pg_class WHERE relkind = 'm' AND relispopulated ORDER BY 1;
REFRESH MATERIALIZED VIEW docs;
SELECT j FROM docs WHERE id = 1;
ALTER TABLE t DROP COLUMN d;
REFRESH MATERIALIZED VIEW docs;
SELECT j FROM docs WHERE id = 1;
REFRESH MATERIALIZED VIEW of_plain;
ALTER VIEW plain RENAME COLUMN b TO renamed;
SELECT count(*) FROM of_plain;
REFRESH MATERIALIZED VIEW of_plain;
SELECT j FROM of_plain ORDER BY 1 LIMIT 1;
-- this changes nothing of the kind
ALTER TABLE t ALTER COLUMN b SET STATISTICS 50, ALTER COLUMN b SET DEFAULT 'z';
SELECT count(*) FROM docs;

-- records cannot be stored
CREATE MATERIALIZED VIEW refused USING tview AS SELECT q FROM (SELECT a, b FROM t) q;
CREATE MATERIALIZED VIEW by_record USING tview AS SELECT count(*) FROM (SELECT a, b FROM t) q GROUP BY q;
-- system columns that a row does not keep
CREATE MATERIALIZED VIEW refused USING tview AS SELECT xmin FROM t;
