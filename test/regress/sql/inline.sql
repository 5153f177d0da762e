--
-- tview.create(), and DO LANGUAGE tview.
--
CREATE EXTENSION pg_tviews;
CREATE FUNCTION differences() RETURNS TABLE (view regclass, difference text, content text)
LANGUAGE sql VOLATILE AS $$
  SELECT v.view, c.difference, c.content FROM tview.views v, tview.check(v.view) c WHERE v.populated $$;
CREATE TABLE t (id int PRIMARY KEY, a int, note text);
INSERT INTO t VALUES (1, 1, 'x;y'), (2, 1, ''''), (3, 2, '$$');

-- the function
SELECT tview.create('by_a', 'SELECT a, count(*) AS n FROM t GROUP BY a');
SELECT tview.create('public."Quoted Name"', 'SELECT id, a AS "A B" FROM t WHERE note <> ''x;y'';', '{}');
SELECT tview.create('later', 'TABLE t', '{"with_data": false, "mode": "immediate"}');
SELECT tview.create('by_a', 'SELECT 1 AS one', '{"if_not_exists": true}');
SELECT tview.create('by_a', 'SELECT 1 AS one');
SELECT tview.create(name => 'in_with', query => 'WITH w AS (SELECT a FROM t) SELECT sum(a) AS s FROM w');
SELECT tview.create('vals', 'VALUES (1, ''one''), (2, ''two'')');
-- one per row of a query, and what they are read by at once
SELECT tview.create('many_' || i, format('SELECT id FROM t WHERE a = %s', i)) FROM generate_series(1, 2) i;
DO $$
DECLARE
  view regclass := tview.create('by_variable', 'SELECT note FROM t');
BEGIN
  INSERT INTO t VALUES (4, 2, 'four');
  RAISE NOTICE '% has % rows', view, (SELECT count(*) FROM by_variable);
END $$;
-- not in a statement that changes what it reads
INSERT INTO t SELECT 5, 5, tview.create('middle', 'SELECT id FROM t')::text;
REFRESH MATERIALIZED VIEW later;
UPDATE t SET a = a + 1;
SELECT * FROM by_a ORDER BY a;
SELECT * FROM "Quoted Name" ORDER BY id;
SELECT * FROM vals;
SELECT view, populated FROM tview.views ORDER BY view::text COLLATE "C";
SELECT * FROM differences();
DROP MATERIALIZED VIEW by_a, "Quoted Name", later, in_with, vals, many_1, many_2, by_variable;

-- the language: create
DO LANGUAGE tview $$ CREATE TVIEW v AS SELECT id, a FROM t $$;
DO LANGUAGE tview 'create tview if not exists v as select 1 as one;';
DO LANGUAGE tview $$
  -- a comment; with a semicolon, and TVIEW
  /* CREATE TVIEW nothing /* nested; */ AS SELECT 1; */
  CREATE TVIEW "Two Words" ("First", second) /* here; too */ WITH (fillfactor = 80) AS
    SELECT a, 'a ; b '' TVIEW' || count(*) AS text FROM t WHERE note <> $x$;$x$ GROUP BY a;;
  CREATE TVIEW public.totals AS
    WITH w AS (SELECT a FROM v) SELECT sum(a) AS s FROM w
    WITH NO DATA;
  REFRESH TVIEW totals;
$$;
DO LANGUAGE tview '';
DO LANGUAGE tview ' ; ; -- nothing';
INSERT INTO t VALUES (6, 6, 'six');
SELECT * FROM "Two Words" ORDER BY 1;
SELECT * FROM totals;
SELECT reloptions FROM pg_class WHERE relname = 'Two Words';
-- replace
DO LANGUAGE tview $$ CREATE OR REPLACE TVIEW v AS SELECT id FROM t $$;
DROP MATERIALIZED VIEW totals;
DO LANGUAGE tview $$ CREATE OR REPLACE TVIEW v AS SELECT id FROM t WHERE id > 2; CREATE OR REPLACE TVIEW fresh AS SELECT a FROM t $$;
SELECT * FROM v ORDER BY id;
CREATE VIEW plain AS SELECT a FROM t;
CREATE MATERIALIZED VIEW ordinary AS SELECT a FROM t;
DO LANGUAGE tview $$ CREATE OR REPLACE TVIEW t AS SELECT 1 AS one $$;
DO LANGUAGE tview $$ CREATE OR REPLACE TVIEW plain AS SELECT 1 AS one $$;
DO LANGUAGE tview $$ CREATE OR REPLACE TVIEW ordinary AS SELECT 1 AS one $$;
-- a refusal leaves the old view
DO LANGUAGE tview $$ CREATE OR REPLACE TVIEW v AS SELECT random() FROM t $$;
SELECT count(*) FROM v;

-- alter, refresh, drop
DO LANGUAGE tview $$
  ALTER TVIEW v RENAME TO w;
  ALTER TVIEW IF EXISTS nowhere RENAME TO w;
  ALTER TVIEW w RENAME COLUMN id TO "Id";
  REFRESH TVIEW w;
  REFRESH TVIEW CONCURRENTLY w WITH DATA;
  DROP TVIEW IF EXISTS nowhere, fresh CASCADE;
$$;
SELECT * FROM w ORDER BY "Id";
DO LANGUAGE tview $$ REFRESH TVIEW w WITH NO DATA $$;
SELECT * FROM w;
DO LANGUAGE tview $$ REFRESH TVIEW w; DROP TVIEW t $$;
DO LANGUAGE tview $$ DROP TVIEW w, plain $$;
DO LANGUAGE tview $$ REFRESH TVIEW ordinary $$;
DO LANGUAGE tview $$ ALTER TVIEW plain RENAME TO x $$;
DO LANGUAGE tview $$ DROP TVIEW nowhere $$;
SELECT view, populated FROM tview.views ORDER BY view::text COLLATE "C";

-- options
DO LANGUAGE tview $$ ALTER TVIEW w SET (mode = deferred) $$;
SELECT mode, c.reloptions FROM tview.views v JOIN pg_class c ON c.oid = v.view WHERE view = 'w'::regclass;
DO LANGUAGE tview $$ ALTER TVIEW w SET (fillfactor = 70, mode = 'immediate', "toast".autovacuum_enabled = false) $$;
SELECT mode, c.reloptions FROM tview.views v JOIN pg_class c ON c.oid = v.view WHERE view = 'w'::regclass;
DO LANGUAGE tview $$ ALTER TVIEW w SET (Mode = DEFERRED); ALTER TVIEW w RESET (mode, fillfactor) $$;
SELECT mode, c.reloptions FROM tview.views v JOIN pg_class c ON c.oid = v.view WHERE view = 'w'::regclass;
DO LANGUAGE tview $$
  CREATE TVIEW late (x) WITH (mode = deferred, fillfactor = 80) AS SELECT id FROM t;
  CREATE TVIEW IF NOT EXISTS late WITH (mode = immediate) AS SELECT id FROM t;
$$;
SELECT mode, c.reloptions FROM tview.views v JOIN pg_class c ON c.oid = v.view WHERE view = 'late'::regclass;
DO LANGUAGE tview $$ CREATE OR REPLACE TVIEW late WITH (mode = 'immediate') AS SELECT id FROM t WITH NO DATA $$;
SELECT mode, c.reloptions FROM tview.views v JOIN pg_class c ON c.oid = v.view WHERE view = 'late'::regclass;
DO LANGUAGE tview $$ ALTER TVIEW IF EXISTS nowhere SET (mode = deferred) $$;
DO LANGUAGE tview $$ ALTER TVIEW IF EXISTS nowhere SET (mode = deferred, fillfactor = 70) $$;
-- options as the server reads them
DO LANGUAGE tview $o$ ALTER TVIEW w SET (mode = "deferred") $o$;
SELECT tview.mode('w');
DO LANGUAGE tview $o$ ALTER TVIEW w SET ("mode" = E'immedi\x61te') $o$;
SELECT tview.mode('w');
DO LANGUAGE tview $o$ ALTER TVIEW w SET (mode /* when */ = /* later */ $x$deferred$x$ -- so
) $o$;
SELECT tview.mode('w');
DO LANGUAGE tview $o$ ALTER TVIEW w SET (mode = "Immediate") $o$;
DO LANGUAGE tview $o$ ALTER TVIEW w SET ("Mode" = immediate) $o$;
DO LANGUAGE tview $o$ ALTER TVIEW w SET ('mode' = immediate) $o$;
DO LANGUAGE tview $o$ ALTER TVIEW w SET (mode = 1) $o$;
DO LANGUAGE tview $o$ ALTER TVIEW w SET (mode = '') $o$;
DO LANGUAGE tview $o$ ALTER TVIEW w RESET ("mode") $o$;
SELECT tview.mode('w');
-- those that are none, wherever they stand
DO LANGUAGE tview $$ CREATE TVIEW nothing WITH (nonsense = 1) AS SELECT id FROM t $$;
DO LANGUAGE tview $$ CREATE TVIEW nothing WITH (mode) AS SELECT id FROM t $$;
CREATE MATERIALIZED VIEW nothing USING tview WITH (mode = deferred) AS SELECT id FROM t;
CREATE MATERIALIZED VIEW nothing USING tview WITH (tview.mode = deferred) AS SELECT id FROM t;
CREATE MATERIALIZED VIEW nothing USING tview WITH (fillfactor = 5) AS SELECT id FROM t;
ALTER MATERIALIZED VIEW w SET (mode = deferred);
ALTER MATERIALIZED VIEW w SET (fillfactor = 80, toast.autovacuum_enabled = false);
ALTER MATERIALIZED VIEW w RESET (fillfactor, toast.autovacuum_enabled);
DO LANGUAGE tview $$ ALTER TVIEW nowhere SET (mode = deferred) $$;
DO LANGUAGE tview $$ ALTER TVIEW w SET (mode = later) $$;
DO LANGUAGE tview $$ ALTER TVIEW w SET (mood = deferred) $$;
DO LANGUAGE tview $$ ALTER TVIEW w SET (mode) $$;
DO LANGUAGE tview $$ ALTER TVIEW w SET (mode = ) $$;
DO LANGUAGE tview $$ ALTER TVIEW w SET () $$;
DO LANGUAGE tview $$ ALTER TVIEW w SET (mode = deferred $$;
DO LANGUAGE tview $$ ALTER TVIEW w SET (mode = deferred) x $$;
DO LANGUAGE tview $$ ALTER TVIEW w RESET (mode = deferred) $$;
DO LANGUAGE tview $$ DROP TVIEW late $$;
-- explain
DO LANGUAGE tview $$ CREATE TVIEW empty AS SELECT a, sum(id) AS s FROM t GROUP BY a WITH NO DATA; EXPLAIN TVIEW public.empty $$;
DO LANGUAGE tview $$
  EXPLAIN TVIEW SELECT a, max(id) FROM t GROUP BY a;
  EXPLAIN TVIEW SELECT random() FROM t;
  EXPLAIN TVIEW SELECT a FROM plain UNION SELECT id FROM t;
$$;
DO LANGUAGE tview $$ EXPLAIN TVIEW plain $$;

-- all or nothing
DO LANGUAGE tview $$ CREATE TVIEW first AS SELECT 1 AS one; CREATE TVIEW second AS SELECT now() $$;
SELECT to_regclass('first');
-- what it does not read
DO LANGUAGE tview $$ CREATE TABLE x (a int) $$;
DO LANGUAGE tview $$ CREATE TVIEW $$;
DO LANGUAGE tview $$ CREATE TVIEW v $$;
DO LANGUAGE tview $$ CREATE TVIEW v AS $$;
DO LANGUAGE tview $$ CREATE TVIEW v AS SELECT (1 $$;
DO LANGUAGE tview $$ CREATE TVIEW v (a AS SELECT 1 $$;
DO LANGUAGE tview $$ CREATE TVIEW 1 AS SELECT 1 $$;
DO LANGUAGE tview $$ CREATE TVIEW v AS DROP TABLE t $$;
DO LANGUAGE tview $$ SELECT 1 $$;
DO LANGUAGE tview $$ DROP TABLE t $$;
DO LANGUAGE tview $$ DROP TVIEW $$;
DO LANGUAGE tview $$ EXPLAIN SELECT 1 $$;
DO LANGUAGE tview $$ EXPLAIN TVIEW $$;
DO LANGUAGE tview $$ CREATE TVIEW v AS SELECT 'open $$;
DO LANGUAGE tview $$
  CREATE TVIEW möglich AS SELECT 1 AS "größe";
  REFRESH VIEW möglich $$;
-- by somebody with no rights
CREATE ROLE regress_tview_nobody;
SET ROLE regress_tview_nobody;
DO LANGUAGE tview $$ DROP TVIEW w $$;
DO LANGUAGE tview $$ ALTER TVIEW w SET (mode = deferred) $$;
DO LANGUAGE tview $$ CREATE OR REPLACE TVIEW w AS SELECT 1 AS one $$;
DO LANGUAGE tview $$ CREATE TVIEW mine AS SELECT a FROM t $$;
RESET ROLE;
DROP ROLE regress_tview_nobody;
SELECT * FROM differences();
