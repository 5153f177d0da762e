--
-- What a definition calls without naming it: defaults of arguments, output functions, bodies.
--
SET client_min_messages = warning;
CREATE EXTENSION pg_tviews;
CREATE TABLE s (id int PRIMARY KEY, x int);
INSERT INTO s VALUES (1, 1), (2, 2);
CREATE TABLE look (v int);
INSERT INTO look VALUES (5);

CREATE FUNCTION refused(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
  state text; what text; why text; advice text;
BEGIN
  EXECUTE 'CREATE MATERIALIZED VIEW refused USING tview AS ' || query;
  RETURN NEXT 'NOT REFUSED';
  DROP MATERIALIZED VIEW refused;
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, what = MESSAGE_TEXT,
    why = PG_EXCEPTION_DETAIL, advice = PG_EXCEPTION_HINT;
  RETURN NEXT state || ': ' || what;
  RETURN NEXT '  ' || why;
  RETURN NEXT '  ' || advice;
END $$;
\pset tuples_only on
\pset format unaligned

-- defaults of arguments
CREATE FUNCTION reads(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT v + $1 FROM public.look';
CREATE FUNCTION default_time(int, timestamptz DEFAULT now()) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS 'SELECT $2';
CREATE FUNCTION default_user(int, text DEFAULT current_user) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $2';
CREATE FUNCTION default_random(int, float8 DEFAULT random()) RETURNS float8 LANGUAGE sql IMMUTABLE AS 'SELECT $2';
CREATE FUNCTION default_reads(int, int DEFAULT reads(1)) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + $2';
CREATE FUNCTION default_deep(int, int DEFAULT default_reads(1)) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + $2';
CREATE FUNCTION default_rows(int, int DEFAULT reads(1)) RETURNS SETOF int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + $2';
CREATE FUNCTION default_in_body(int) RETURNS int LANGUAGE sql IMMUTABLE BEGIN ATOMIC; SELECT default_reads($1); END;
CREATE VIEW plain AS SELECT id, default_time(x) AS at FROM s;
SELECT refused('SELECT id, default_time(x) FROM s');
SELECT refused('SELECT id, default_user(x) FROM s');
SELECT refused('SELECT id FROM s WHERE default_random(x) < 0.5');
SELECT refused('SELECT sum(default_reads(x)) FROM s');
SELECT refused('SELECT id, default_deep(x) FROM s');
SELECT refused('SELECT id, r FROM s, default_rows(x) r');
SELECT refused('SELECT a.id FROM s a LEFT JOIN s b ON default_reads(a.x) = b.x');
SELECT refused('SELECT id, (SELECT max(default_reads(b.x)) FROM s b WHERE b.id = s.id) FROM s');
SELECT refused('SELECT id, default_in_body(x) FROM s');
SELECT refused('SELECT * FROM plain');

CREATE FUNCTION doubled(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';
CREATE FUNCTION scaled(n int, factor int DEFAULT doubled(5), shift int DEFAULT 0) RETURNS int LANGUAGE sql IMMUTABLE
  AS 'SELECT n * factor + shift';
CREATE MATERIALIZED VIEW scales USING tview AS
  SELECT id, scaled(x) AS a, scaled(x, shift => 1) AS b, scaled(factor => 3, n => x) AS c, default_time(x, '2024-01-01+00') AS d,
    jsonb_path_query_first(jsonb_build_array(x), '$[0]') AS e
  FROM s;
CREATE MATERIALIZED VIEW scaled_groups USING tview AS SELECT scaled(x) AS g, count(*) AS n FROM s GROUP BY scaled(x);
INSERT INTO s VALUES (3, 3);
UPDATE s SET x = 4 WHERE id = 1;
DELETE FROM s WHERE id = 2;
SELECT id, a, b, c, d IS NOT NULL, e FROM scales ORDER BY id;
SELECT * FROM scaled_groups ORDER BY g;
SELECT * FROM tview.check('scales');
SELECT * FROM tview.check('scaled_groups');

-- another default, and another function in a default, are another definition
CREATE OR REPLACE FUNCTION scaled(n int, factor int DEFAULT 7, shift int DEFAULT 0) RETURNS int LANGUAGE sql IMMUTABLE
  AS 'SELECT n * factor + shift';
SELECT view, populated FROM tview.views ORDER BY 1;
REFRESH MATERIALIZED VIEW scales;
SELECT id, a, b, c FROM scales ORDER BY id;
CREATE OR REPLACE FUNCTION scaled(n int, factor int DEFAULT reads(1), shift int DEFAULT 0) RETURNS int LANGUAGE sql IMMUTABLE
  AS 'SELECT n * factor + shift';
\set VERBOSITY terse
REFRESH MATERIALIZED VIEW scales;
CREATE OR REPLACE FUNCTION scaled(n int, factor int DEFAULT doubled(5), shift int DEFAULT 0) RETURNS int LANGUAGE sql IMMUTABLE
  AS 'SELECT n * factor + shift';
REFRESH MATERIALIZED VIEW scales;
CREATE OR REPLACE FUNCTION doubled(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 20';
SELECT view, populated FROM tview.views ORDER BY 1;
DROP MATERIALIZED VIEW scales, scaled_groups;
