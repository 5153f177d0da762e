--
-- tview.check() where the query itself leaves open which of several equal values it shows: it
-- depends on which row is met first.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir /include/scenarios.inc
\i :include
\set VERBOSITY terse
\set ECHO all

CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE r (id int PRIMARY KEY, g int, n numeric, t text COLLATE caseless);
CREATE TABLE queries (n int GENERATED ALWAYS AS IDENTITY, query text);
INSERT INTO queries (query) VALUES
  ('SELECT g, percentile_disc(0.5) WITHIN GROUP (ORDER BY n) AS p, percentile_disc(0.5) WITHIN GROUP (ORDER BY t) AS q FROM r GROUP BY g'),
  ('SELECT g, percentile_disc(ARRAY[0.2, 0.5]) WITHIN GROUP (ORDER BY n) AS p FROM r GROUP BY g'),
  ('SELECT g, mode() WITHIN GROUP (ORDER BY n) AS p, mode() WITHIN GROUP (ORDER BY t) AS q FROM r GROUP BY g'),
  ('SELECT g, count(DISTINCT id) AS c, min(n) AS a, max(n) AS b, min(t) AS d, max(t) AS e FROM r GROUP BY g'),
  ('SELECT g, count(DISTINCT n) AS c, min(n) AS a, max(n) AS b, min(t) AS d, max(t) AS e FROM r GROUP BY g'),
  ('SELECT g, string_agg(DISTINCT t, '','') AS s, sum(n) AS m FROM r GROUP BY g'),
  ('SELECT g, array_agg(DISTINCT t) AS s, array_agg(DISTINCT n) AS n, sum(DISTINCT n) AS m FROM r GROUP BY g'),
  ('SELECT g, jsonb_agg(DISTINCT n) AS j, json_agg(DISTINCT n) AS k, max(DISTINCT n) AS m FROM r GROUP BY g'),
  ('SELECT g, array_agg(n ORDER BY n) AS s, string_agg(t, '','' ORDER BY t) AS u, json_agg(n ORDER BY n) AS j, array_agg(id ORDER BY n) AS i FROM r GROUP BY g'),
  ('SELECT g, percentile_disc(0.5) WITHIN GROUP (ORDER BY n)::text AS p, upper(string_agg(DISTINCT t, '','')) AS u FROM r GROUP BY g'),
  ('SELECT s.g, s.p::text || ''!'' AS x FROM (SELECT g, percentile_disc(0.5) WITHIN GROUP (ORDER BY n) AS p FROM r GROUP BY g) s'),
  ('SELECT s.g, array_to_string(s.p, '','') AS x FROM (SELECT g, array_agg(n) AS p FROM r GROUP BY g) s'),
  ('SELECT s.p, count(*) FROM (SELECT g, mode() WITHIN GROUP (ORDER BY t) AS p FROM r GROUP BY g) s GROUP BY s.p'),
  ('SELECT s.p, count(*) FROM (SELECT g, string_agg(DISTINCT t, '','') AS p FROM r GROUP BY g) s GROUP BY s.p'),
  ('SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY n) AS p, string_agg(DISTINCT t, '','') AS s FROM r'),
  ('SELECT g, sum(n) AS s, avg(n) AS v, min(n) AS a, array_agg(n) AS l FROM r GROUP BY g');
INSERT INTO r VALUES (1, 1, 1.0, 'a'), (2, 1, 1.00, 'A'), (3, 1, 1.000, 'b'), (4, 1, 1, 'B'), (5, 2, 2.0, 'c'), (6, 2, 2.00, 'C');
DO $$
DECLARE
  q record;
BEGIN
  FOR q IN SELECT * FROM queries ORDER BY n LOOP
    EXECUTE format('CREATE MATERIALIZED VIEW v%s USING tview AS %s', q.n, q.query);
  END LOOP;
END $$;
CREATE FUNCTION differences(OUT query int, OUT relation regclass, OUT difference text, OUT copies bigint, OUT content text)
RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
  q record;
BEGIN
  FOR q IN SELECT * FROM queries ORDER BY n LOOP
    RETURN QUERY EXECUTE format('SELECT %s, d.* FROM tview.check(''v%s'') d', q.n, q.n);
  END LOOP;
END $$;
SELECT * FROM differences();

-- other rows come first now, and no column of a view has changed
UPDATE r SET id = id + 100 WHERE id IN (1, 5);
SELECT * FROM differences();
DELETE FROM r WHERE id IN (2, 4);
INSERT INTO r VALUES (4, 1, 1, 'B'), (0, 1, 1.00000, 'A'), (-1, 2, 2.00000, 'C');
SELECT * FROM differences();
CREATE INDEX r_g_id_idx ON r (g, id DESC);
CLUSTER r USING r_g_id_idx;
SELECT * FROM differences();
SET enable_seqscan = off;
SET enable_sort = off;
SELECT * FROM differences();
RESET enable_seqscan;
RESET enable_sort;
DROP TABLE r CASCADE;

-- values that are not equal are still told
CREATE TABLE r (id int PRIMARY KEY, g int, n numeric, t text COLLATE caseless);
CREATE FUNCTION added() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 0';
CREATE FUNCTION number(numeric) RETURNS numeric LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1 + scenario.added(); END';
CREATE FUNCTION word(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1 || repeat(''!'', scenario.added()); END';
TRUNCATE queries RESTART IDENTITY;
INSERT INTO queries (query) VALUES
  ('SELECT g, percentile_disc(0.5) WITHIN GROUP (ORDER BY number(n)) AS p FROM r GROUP BY g'),
  ('SELECT g, mode() WITHIN GROUP (ORDER BY word(t)) AS p FROM r GROUP BY g'),
  ('SELECT g, count(DISTINCT id) AS c, max(number(n)) AS b FROM r GROUP BY g'),
  ('SELECT g, string_agg(DISTINCT word(t), '','') AS s FROM r GROUP BY g'),
  ('SELECT g, array_agg(number(n) ORDER BY number(n)) AS s FROM r GROUP BY g');
INSERT INTO r VALUES (1, 1, 1.0, 'a'), (2, 1, 1.00, 'A'), (3, 1, 2, 'b');
DO $$
DECLARE
  q record;
BEGIN
  FOR q IN SELECT * FROM queries ORDER BY n LOOP
    EXECUTE format('CREATE MATERIALIZED VIEW v%s USING tview AS %s', q.n, q.query);
  END LOOP;
END $$;
SELECT * FROM differences();
CREATE OR REPLACE FUNCTION added() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
SELECT query, difference, copies FROM differences() ORDER BY 1, 2;
DROP TABLE r CASCADE;
