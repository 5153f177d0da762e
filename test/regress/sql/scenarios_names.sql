--
-- Names that need quotes, keys of every kind, search paths.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir /include/scenarios.inc
\i :include
\set VERBOSITY terse
\set ECHO all

CREATE TABLE "Odd Name" ("Key;" int PRIMARY KEY, "v""q" text);
CREATE MATERIALIZED VIEW "Odd View'; --" USING tview AS
  SELECT "Key;" AS "select", "v""q" AS "it's", count(*) AS "%s" FROM "Odd Name" GROUP BY 1, 2;
INSERT INTO "Odd Name" VALUES (1, 'a'), (2, $$b'";$$);
UPDATE "Odd Name" SET "v""q" = '\' WHERE "Key;" = 1;
SELECT check_views();
TABLE "Odd View'; --" ORDER BY 1;

-- 63 bytes, several of them for one letter
CREATE TABLE äääääääääääääääääääääääääääääää (ööööööööööööööööööööööööööööööö int PRIMARY KEY, x int);
CREATE MATERIALIZED VIEW üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü USING tview AS
  SELECT ööööööööööööööööööööööööööööööö, sum(x) AS äääääääääääääääääääääääääääääää
  FROM äääääääääääääääääääääääääääääää GROUP BY 1 HAVING count(*) > 0;
CREATE MATERIALIZED VIEW a23456789012345678901234567890123456789012345678901234567890123 USING tview AS
  SELECT x, max(ööööööööööööööööööööööööööööööö) FROM äääääääääääääääääääääääääääääää GROUP BY x;
INSERT INTO äääääääääääääääääääääääääääääää VALUES (1, 1), (2, 1), (3, NULL);
SELECT check_views();
DELETE FROM äääääääääääääääääääääääääääääää WHERE ööööööööööööööööööööööööööööööö = 2;
SELECT check_views();

-- keys of text, uuid, two columns, and a domain; none
CREATE DOMAIN code AS text CHECK (VALUE <> '');
CREATE TABLE kt (k text PRIMARY KEY, p uuid);
CREATE TABLE ku (k uuid PRIMARY KEY, a int, b text);
CREATE TABLE k2 (a int, b text, c code, PRIMARY KEY (a, b));
CREATE MATERIALIZED VIEW keys USING tview AS
  SELECT kt.k, ku.k AS u, k2.a, k2.b, k2.c FROM kt JOIN ku ON ku.k = kt.p JOIN k2 USING (a, b);
CREATE MATERIALIZED VIEW keys_gone USING tview AS SELECT k2.c FROM ku JOIN k2 USING (a, b);
CREATE MATERIALIZED VIEW by_key USING tview AS SELECT a, b, c FROM k2 GROUP BY a, b;
INSERT INTO ku SELECT ('00000000-0000-0000-0000-00000000000' || i)::uuid, i, 'b' || i FROM generate_series(1, 3) i;
INSERT INTO kt SELECT 'k' || i, ('00000000-0000-0000-0000-00000000000' || i % 3)::uuid FROM generate_series(1, 6) i;
INSERT INTO k2 SELECT i, 'b' || j, 'c' FROM generate_series(1, 3) i, generate_series(1, 3) j;
SELECT check_views();
UPDATE k2 SET a = a + 10;
SELECT check_views();
UPDATE k2 SET a = substr(b, 2)::int, b = 'b' || (a - 10);
SELECT check_views();
UPDATE kt SET k = k || '!', p = NULL WHERE k < 'k3';
SELECT check_views();
SELECT * FROM keys ORDER BY 1;
DELETE FROM k2 WHERE a = 1;
SELECT check_views();

-- a column called like what the extension may use inside
CREATE TABLE inside (ctid_ int, weight int, "__w" int, "new" int, "old" int, "user" int, sign int, n bigint, "?column?" int, count int);
CREATE MATERIALIZED VIEW inside_v USING tview AS SELECT * FROM inside;
CREATE MATERIALIZED VIEW inside_g USING tview AS
  SELECT weight, "__w", sign, sum(n) AS count, count(count) AS n, max("?column?") AS "__count" FROM inside GROUP BY weight, "__w", sign;
INSERT INTO inside VALUES (1, 2, 3, 4, 5, 6, 7, 8, 9, 10), (1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
UPDATE inside SET weight = -1 WHERE ctid = (SELECT min(ctid) FROM inside);
SELECT check_views();
SELECT * FROM inside_g ORDER BY 1;

-- objects before pg_catalog in the writer's search path must not be used
CREATE SCHEMA hostile;
CREATE FUNCTION hostile.upper(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'HOSTILE' $$;
CREATE FUNCTION hostile.int4pl(int, int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT -1 $$;
CREATE OPERATOR hostile.= (leftarg = int, rightarg = int, function = int4ne);
CREATE OPERATOR hostile.+ (leftarg = int, rightarg = int, function = hostile.int4pl);
CREATE TABLE hostile.author (author_no int, full_name text, house_no int);
CREATE MATERIALIZED VIEW safe USING tview AS
  SELECT a.author_no + 1 AS next, upper(a.full_name) AS name, b.title FROM author a JOIN book b ON b.author_no = a.author_no;
SET search_path = hostile, pg_catalog;
INSERT INTO scenario.author VALUES (4, 'Dora', NULL);
UPDATE scenario.book SET author_no = 4 WHERE title LIKE 'Loops';
INSERT INTO author VALUES (1, 'not this one', 1);
SET search_path = scenario;
SELECT check_views();
SELECT * FROM safe ORDER BY 1, 3;
SET search_path = '';
UPDATE scenario.author SET full_name = 'no path' WHERE author_no = 4;
SET search_path = scenario;
SELECT check_views();
-- temporary objects neither
CREATE TEMP TABLE author (author_no int, full_name text, house_no int);
UPDATE scenario.author SET full_name = 'not temporary' WHERE author_no = 4;
UPDATE scenario.book SET author_no = author_no;
SELECT check_views();
DROP TABLE pg_temp.author;

-- one row, one rendering, whoever writes it
CREATE TABLE moment (i int PRIMARY KEY, t timestamptz, d date, v interval, f float8, b bytea);
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, MDY';
SET IntervalStyle = 'postgres';
CREATE MATERIALIZED VIEW rendered USING tview AS
  SELECT i, jsonb_build_object('t', t, 'd', d) AS doc, t::text AS tt, d::text AS dt, v::text AS vt, f::text AS ft, b::text AS bt,
         date_trunc('day', t) AS day FROM moment;
INSERT INTO moment VALUES (1, '2024-05-05 22:00+00', '2024-05-05', '1 day 02:00', 0.1, '\x41');
SET TimeZone = 'America/New_York';
SET DateStyle = 'German';
SET IntervalStyle = 'iso_8601';
SET extra_float_digits = -10;
SET bytea_output = 'escape';
INSERT INTO moment VALUES (2, '2024-05-05 22:00+00', '05.05.2024', 'P1DT2H', 0.1::float8 + 0.2, 'A');
UPDATE moment SET i = 3 WHERE i = 1;
RESET extra_float_digits;
RESET bytea_output;
SET TimeZone = 'UTC';
SET DateStyle = 'ISO, MDY';
SET IntervalStyle = 'postgres';
SELECT check_views();
SELECT * FROM rendered ORDER BY 1;

-- functions whose result depends on settings and arguments only
CREATE TABLE raw (i int PRIMARY KEY, n int, t text, j jsonb);
CREATE MATERIALIZED VIEW by_settings USING tview AS
  SELECT i, make_timestamptz(2024, 1, n, 23, 0, 0.5) AS at, n::money AS price, n::bigint::money AS price8,
         n::numeric::money AS priced, n::money::numeric AS amount, convert_to(t, 'LATIN1') AS latin,
         convert_from(convert(convert_to(t, 'UTF8'), 'UTF8', 'LATIN1'), 'LATIN1') AS back,
         jsonb_path_query_first_tz(j, '$.datetime() ? (@ < "2024-02-01T00:00:00+00".datetime())') AS early
    FROM raw;
SET TimeZone = 'America/New_York';
SET search_path = hostile, scenario;
INSERT INTO scenario.raw VALUES (1, 10, 'é', '"2024-01-31T22:00:00"'), (2, 20, 'a', '"2024-02-01T01:00:00+00"');
UPDATE scenario.raw SET n = 11 WHERE i = 1;
SET search_path = scenario;
SET TimeZone = 'UTC';
SELECT check_views();
SELECT * FROM by_settings ORDER BY 1;

DROP SCHEMA hostile CASCADE;
DROP SCHEMA scenario CASCADE;
