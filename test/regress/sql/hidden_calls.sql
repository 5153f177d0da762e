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

-- conversions of values by their types: names of relations and roles change
CREATE TYPE pair AS (a int, r regclass);
CREATE DOMAIN relation AS regclass;
CREATE TABLE o (id int PRIMARY KEY, rc regclass, rd relation, rs regclass[], p pair, ps pair[], role regrole, acl aclitem);
INSERT INTO o VALUES (1, 's', 's', '{s}', '(1,s)', '{"(1,s)"}', 'pg_monitor', NULL);
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE m (id int PRIMARY KEY, mood mood, moods mood[]);
SELECT refused('SELECT id, rc::text FROM o');
SELECT refused('SELECT id, rd::text FROM o');
SELECT refused('SELECT id, rs::text FROM o');
SELECT refused('SELECT id, ps::text FROM o');
SELECT refused('SELECT id, ROW(id, rc)::text FROM o');
SELECT refused('SELECT id, ARRAY[rc]::text FROM o');
SELECT refused('SELECT id, acl::text FROM o');
SELECT refused('SELECT id, rs::text[] FROM o');
SELECT refused('SELECT id, to_jsonb(rc) FROM o');
SELECT refused('SELECT id, to_json(p) FROM o');
SELECT refused('SELECT id, to_jsonb(o) FROM o');
SELECT refused('SELECT id, row_to_json(o) FROM o');
SELECT refused('SELECT s.id, to_jsonb(o) FROM s LEFT JOIN (SELECT id, rc FROM o) o ON o.id = s.id');
SELECT refused('SELECT id, to_jsonb(q) FROM (SELECT id, ROW(id, rc) AS r FROM o) q');
SELECT refused('SELECT concat(id, rc) FROM o');
SELECT refused($$SELECT concat_ws('-', id, rd) FROM o$$);
SELECT refused($$SELECT concat(VARIADIC rs) FROM o$$);
SELECT refused($$SELECT format('%s', rc) FROM o$$);
SELECT refused($$SELECT 'x' || rc FROM o$$);
SELECT refused($$SELECT 'x' || p FROM o$$);
SELECT refused($$SELECT array_to_string(rs, ',') FROM o$$);
SELECT refused($$SELECT array_to_json(ps) FROM o$$);
SELECT refused('SELECT quote_literal(rc) FROM o');
SELECT refused('SELECT quote_nullable(role) FROM o');
SELECT refused($$SELECT json_build_object('r', rc) FROM o$$);
SELECT refused('SELECT jsonb_build_array(id, rc) FROM o');
SELECT refused('SELECT json_agg(rc) FROM o');
SELECT refused('SELECT jsonb_agg(o) FROM o');
SELECT refused('SELECT jsonb_object_agg(id, rc) FROM o');
SELECT refused('SELECT id, jsonb_agg(rc) OVER () FROM o');
SELECT refused('SELECT id, xmlelement(name r, rc) FROM o');
SELECT refused($$SELECT id, xmlforest(p AS p) FROM o$$);
SELECT refused($$SELECT id, (jsonb_populate_record(NULL::pair, to_jsonb(id))).a FROM o$$);
SELECT refused($$SELECT o.id, r.x FROM o, jsonb_to_record(to_jsonb(o.id)) AS r(x regclass)$$);

-- a cast to JSON of the user's
CREATE FUNCTION mood_json(mood) RETURNS json LANGUAGE sql STABLE AS 'SELECT to_json(v) FROM public.look';
CREATE CAST (mood AS json) WITH FUNCTION mood_json(mood);
SELECT refused('SELECT id, to_jsonb(mood) FROM m');
SELECT refused('SELECT id, json_build_array(moods) FROM m');
SELECT refused('SELECT jsonb_agg(m) FROM m');
SELECT refused('SELECT id, mood::text, array_to_string(moods, $$,$$), concat(mood) FROM m');
DROP CAST (mood AS json);

-- what is printed alike for ever
CREATE TYPE point3 AS (x int, at date, tags text[]);
CREATE TABLE k (id int PRIMARY KEY, rc regclass, p point3, d date, n numeric, r daterange, m mood);
INSERT INTO k VALUES (1, 's', '(1,2024-01-01,{a})', '2024-01-01', 1.5, '[2024-01-01,2024-02-01)', 'ok');
CREATE MATERIALIZED VIEW printed USING tview AS
  SELECT id, rc, rc = 's'::regclass AS same, to_jsonb(p) AS p, to_jsonb(q) AS q, concat(d, n, r) AS c, format('%s %s', p, m) AS f,
    ROW(id, d)::text AS t, json_build_object('m', m, 'r', r)::text AS o, quote_nullable(r) AS l, ARRAY[p]::text AS ps
  FROM k LEFT JOIN (SELECT x, doubled(x) AS twice FROM s) q ON q.x = k.id;
UPDATE k SET m = 'sad', d = '2024-02-02';
INSERT INTO k (id) VALUES (2);
SELECT * FROM printed ORDER BY id;
SELECT * FROM tview.check('printed');

DROP MATERIALIZED VIEW printed;

-- the clock in texts
CREATE TABLE docs (id int PRIMARY KEY, j jsonb, c text, v varchar(30), a text, t time, tz timetz, cs text[]);
INSERT INTO docs VALUES (1, '{"created_at": "2024-01-01 10:00+00", "a": 1, "b": "today"}', '2024-01-01', '10:00', '{2024-01-01}',
  '10:00', '10:00+00', '{2024-05-05}');
SELECT refused($$SELECT id, 'now'::text::timestamptz FROM docs$$);
SELECT refused($$SELECT id, '2 Today'::text::date FROM docs$$);
SELECT refused($$SELECT id, '{yesterday}'::text::date[] FROM docs$$);
SELECT refused('SELECT id, t::timetz FROM docs');
SELECT refused('SELECT id, c::timetz FROM docs');
SELECT refused($$SELECT id, tz AT TIME ZONE 'Europe/Berlin' FROM docs$$);
SELECT refused($$SELECT id, date_in(c::cstring) FROM docs$$);
CREATE TYPE dated AS (id int, at date);
SELECT refused('SELECT id, c::dated FROM docs');
SELECT refused('SELECT id, (jsonb_populate_record(NULL::dated, j)).at FROM docs');
SELECT refused('SELECT d.id, r.at FROM docs d, jsonb_to_record(j) AS r(at timestamptz)');
SELECT refused($$SELECT d.id, x.at FROM docs d, XMLTABLE('/a' PASSING xmlparse(content c) COLUMNS at date PATH 'b') x$$);

CREATE MATERIALIZED VIEW texts USING tview AS
  SELECT id, (j->>'created_at')::timestamptz AS created_at, c::date AS c, v::time AS v, a::date[] AS a, '2024-01-01'::text::date AS k,
    cs::date[] AS cs, r.b, tz AT TIME ZONE interval '1 hour' AS z, to_date(c, 'YYYY-MM-DD') AS td
  FROM docs, jsonb_to_record(j) AS r(b text);
CREATE MATERIALIZED VIEW text_groups USING tview AS SELECT (j->>'created_at')::date AS day, count(*) AS n FROM docs GROUP BY 1;
CREATE MATERIALIZED VIEW text_joined USING tview AS
  SELECT a.id, b.id AS other FROM docs a LEFT JOIN docs b ON a.c::date = (b.j->>'created_at')::date;
INSERT INTO docs (id, j, c) VALUES (2, '{"created_at": "2024-01-01 11:00+00"}', '2024-02-03'), (3, NULL, '2024-03-04');
UPDATE docs SET c = '2024-01-01' WHERE id = 2;
SELECT id, created_at AT TIME ZONE 'UTC', c, v, a, k, cs, b, z, td FROM texts ORDER BY id;
SELECT * FROM text_groups ORDER BY day;
SELECT * FROM text_joined ORDER BY id, other;
SELECT v.view, c.* FROM tview.views v, tview.check(v.view) c;
\set VERBOSITY default
-- such a word is an error where it is written,
INSERT INTO docs (id, c) VALUES (4, 'today');
UPDATE docs SET j = '{"created_at": "Tomorrow 10:00"}' WHERE id = 2;
UPDATE docs SET a = '{"to\\day"}' WHERE id = 1;
UPDATE docs SET j = '{"created_at": "2024-01-01", "b": "now"}' WHERE id = 2;
SELECT v.view, c.* FROM tview.views v, tview.check(v.view) c;
-- and where a view is filled that would read it
DROP MATERIALIZED VIEW texts, text_groups, text_joined;
UPDATE docs SET c = 'today' WHERE id = 1;
CREATE MATERIALIZED VIEW texts USING tview AS SELECT id, c::date AS c FROM docs;
CREATE MATERIALIZED VIEW texts USING tview AS SELECT c::date AS c, count(*) FROM docs GROUP BY 1;
CREATE MATERIALIZED VIEW texts USING tview AS SELECT id, c::date AS c FROM docs WHERE id > 1;
SELECT id, c FROM texts ORDER BY id;
REFRESH MATERIALIZED VIEW texts;
DROP MATERIALIZED VIEW texts;

-- bodies of functions: operators, casts, calls
\set VERBOSITY terse
CREATE OPERATOR @#@ (RIGHTARG = int, FUNCTION = reads);
CREATE TYPE boxed AS (a int);
CREATE FUNCTION box(int) RETURNS boxed LANGUAGE sql IMMUTABLE AS 'SELECT ROW(v)::public.boxed FROM public.look';
CREATE CAST (int AS boxed) WITH FUNCTION box(int);
CREATE FUNCTION by_operator(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT OPERATOR(public.@#@) $1';
CREATE FUNCTION by_operator_any(anyelement) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT OPERATOR(public.@#@) $1';
CREATE FUNCTION by_cast(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT ($1::public.boxed).a';
CREATE FUNCTION by_call(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT public.by_operator($1)';
CREATE FUNCTION by_default(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT public.default_reads($1)';
CREATE FUNCTION by_path(int) RETURNS int LANGUAGE sql IMMUTABLE SET search_path = public AS 'SELECT @#@ $1';
CREATE FUNCTION unknown_operator(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT @#@ $1';
SELECT refused('SELECT id, by_operator(x) FROM s');
SELECT refused('SELECT id, by_operator_any(x) FROM s');
SELECT refused('SELECT id, by_cast(x) FROM s');
SELECT refused('SELECT id, by_call(x) FROM s');
SELECT refused('SELECT id, by_default(x) FROM s');
SELECT refused('SELECT id, by_path(x) FROM s');
SELECT refused('SELECT id, unknown_operator(x) FROM s');

-- what a body calls is part of the definition
CREATE FUNCTION inner_one(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE FUNCTION outer_one(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT public.inner_one($1) + 1';
CREATE FUNCTION outermost(int) RETURNS int LANGUAGE sql IMMUTABLE SET search_path = public AS 'SELECT outer_one($1)';
CREATE FUNCTION keep_first(anyelement, anyelement) RETURNS anyelement LANGUAGE sql IMMUTABLE AS 'SELECT coalesce($1, $2)';
CREATE AGGREGATE any_one(anyelement) (SFUNC = keep_first, STYPE = anyelement);
CREATE FUNCTION recursive_one(int) RETURNS int LANGUAGE sql IMMUTABLE
  AS 'SELECT CASE WHEN $1 > 0 THEN public.recursive_one($1 - 1) ELSE 0 END';
CREATE MATERIALIZED VIEW nested USING tview AS SELECT id, outermost(x) AS x, keep_first(x, 1) AS k, recursive_one(x) AS r FROM s;
CREATE MATERIALIZED VIEW some_x USING tview AS SELECT any_one(x) AS x FROM s WHERE id = 3;
INSERT INTO s VALUES (7, 7);
SELECT * FROM nested WHERE id = 7;
CREATE OR REPLACE FUNCTION inner_one(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 100';
SELECT view, populated FROM tview.views WHERE view IN ('nested'::regclass, 'some_x'::regclass) ORDER BY 1;
REFRESH MATERIALIZED VIEW nested;
SELECT * FROM nested WHERE id = 7;
CREATE OR REPLACE FUNCTION inner_one(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT OPERATOR(public.@#@) $1';
REFRESH MATERIALIZED VIEW nested;
DROP FUNCTION inner_one(int);
DROP MATERIALIZED VIEW nested, some_x;
DROP FUNCTION inner_one(int);

-- the names in a body that is text are looked for whenever it runs
CREATE SCHEMA front;
CREATE FUNCTION kind(numeric) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'numeric' $$;
CREATE FUNCTION kind_of(int) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT Public.Kind($1)';
CREATE OPERATOR #+# (LEFTARG = numeric, RIGHTARG = numeric, FUNCTION = numeric_add);
CREATE FUNCTION combined(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 OPERATOR(public.#+#) 1';
CREATE FUNCTION tag(int) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'public ' || $1 $$;
CREATE FUNCTION tagged(int) RETURNS text LANGUAGE sql IMMUTABLE SET search_path = front, public AS 'SELECT tag($1)';
CREATE FUNCTION tagged_by_tree(int) RETURNS text LANGUAGE sql IMMUTABLE BEGIN ATOMIC; SELECT kind($1) || tag($1); END;
CREATE MATERIALIZED VIEW kinds USING tview AS SELECT id, kind_of(x) AS k FROM s;
CREATE MATERIALIZED VIEW combinations USING tview AS SELECT id, combined(x) AS x FROM s;
CREATE MATERIALIZED VIEW tags USING tview AS SELECT id, tagged(x) AS t FROM s;
CREATE MATERIALIZED VIEW trees USING tview AS SELECT id, tagged_by_tree(x) AS t FROM s;
CREATE FUNCTION kind(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'text' $$;
CREATE FUNCTION front.kind(int) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'elsewhere' $$;
CREATE OPERATOR front.#+# (LEFTARG = int, RIGHTARG = int, FUNCTION = int4mi);
SELECT view, populated FROM tview.views ORDER BY view::text;
CREATE FUNCTION kind(int) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'integer' $$;
CREATE OPERATOR #+# (LEFTARG = int, RIGHTARG = int, FUNCTION = int4mi);
CREATE FUNCTION front.tag(int) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'front ' || $1 $$;
SELECT view, populated FROM tview.views ORDER BY view::text;
REFRESH MATERIALIZED VIEW kinds;
REFRESH MATERIALIZED VIEW combinations;
REFRESH MATERIALIZED VIEW tags;
INSERT INTO s VALUES (8, 8);
SELECT k.*, c.x, t.t, r.t FROM kinds k JOIN combinations c USING (id) JOIN tags t USING (id) JOIN trees r USING (id) WHERE id = 8;
DROP OPERATOR #+# (int, int);
ALTER FUNCTION front.tag(int) RENAME TO other_tag;
ALTER SCHEMA front RENAME TO back;
SELECT view, populated FROM tview.views ORDER BY view::text;
