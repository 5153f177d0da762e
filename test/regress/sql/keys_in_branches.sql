--
-- What is recomputed by key is looked up by key in every branch of the input: those of
-- an outer join, of UNION ALL, and those whose condition sees the nulls of an outer join.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir /include/scenarios.inc
\i :include
\set VERBOSITY terse
\set ECHO all

CREATE TABLE a (id int PRIMARY KEY, g int);
CREATE TABLE b (id int PRIMARY KEY, a_id int, x int);
INSERT INTO a SELECT i, i % 200 FROM generate_series(1, 2000) i;
INSERT INTO a VALUES (0, NULL);
INSERT INTO b SELECT i, i % 1500, i FROM generate_series(1, 4000) i;
CREATE INDEX ON a (g);
CREATE INDEX ON b (a_id);
CREATE TABLE s (code varchar(9), x int);
CREATE TABLE n (id int PRIMARY KEY, code text);
INSERT INTO s SELECT 's' || i % 1900, i FROM generate_series(1, 4000) i;
INSERT INTO n SELECT i, 's' || i FROM generate_series(1, 2000) i;
CREATE INDEX ON s (code);
CREATE INDEX ON s (x);
CREATE INDEX ON n (code);
ANALYZE a, b, s, n;

-- The most rows that a part of the maintenance of one view saw, of a statement that is
-- executed, and whether the view is right then.
CREATE FUNCTION most_rows(query text, statement text, counted boolean DEFAULT true) RETURNS TABLE (few boolean, problems bigint)
LANGUAGE plpgsql SET client_min_messages = warning AS $$
DECLARE
  line text;
  most int := 0;
BEGIN
  EXECUTE 'CREATE MATERIALIZED VIEW v USING tview AS ' || query;
  IF counted THEN
    ANALYZE;
  END IF;
  EXECUTE statement;
  FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off) ' || statement LOOP
    most := greatest(most, substring(line FROM '\(actual rows=(\d+)')::int);
  END LOOP;
  RETURN QUERY SELECT most < 200, count(*) FROM tview.check('v');
  DROP MATERIALIZED VIEW v;
END $$;
CREATE TABLE queries (n int GENERATED ALWAYS AS IDENTITY, query text);
INSERT INTO queries (query) VALUES
  ('SELECT a.g, array_agg(b.x ORDER BY b.id) FROM a LEFT JOIN b ON b.a_id = a.id GROUP BY a.g'),
  ('SELECT a.g, array_agg(b.x ORDER BY b.id) FROM a LEFT JOIN b ON b.a_id = a.id WHERE coalesce(b.x, 0) + 1 > 5 GROUP BY a.g'),
  ('SELECT a.g, count(DISTINCT b.x), mode() WITHIN GROUP (ORDER BY b.x) FROM a LEFT JOIN b ON b.a_id = a.id AND b.x > 7 WHERE a.g <> 3 OR b.x IS NULL GROUP BY a.g'),
  ('SELECT a.g, min(b.x), max(b.x) FROM a LEFT JOIN b ON b.a_id = a.id GROUP BY a.g'),
  ('SELECT g, array_agg(x ORDER BY x, id) FROM (SELECT a.g, b.x, b.id FROM a JOIN b ON b.a_id = a.id UNION ALL SELECT g, id, g FROM a) u GROUP BY g'),
  ('SELECT a.g, b.id, rank() OVER (PARTITION BY a.g ORDER BY b.x, b.id) FROM a LEFT JOIN b ON b.a_id = a.id'),
  ('SELECT a.g, b.id, rank() OVER (PARTITION BY a.g ORDER BY b.x, b.id) FROM a LEFT JOIN b ON b.a_id = a.id WHERE 10 / coalesce(b.id, 1) >= 0'),
  ('SELECT DISTINCT ON (a.g) a.g, b.x, b.id FROM a LEFT JOIN b ON b.a_id = a.id ORDER BY a.g, b.x DESC NULLS LAST, b.id'),
  ('SELECT DISTINCT ON (a.g) a.g, b.x, b.id FROM a LEFT JOIN b ON b.a_id = a.id WHERE coalesce(b.x, 0) + 1 > 0 ORDER BY a.g, b.x DESC NULLS LAST, b.id'),
  ('SELECT a.g, array_agg(b.x ORDER BY b.id) FROM a LEFT JOIN b ON b.a_id = a.id WHERE b.id IS NULL AND coalesce(b.x, 0) + 1 > 0 GROUP BY a.g'),
  -- COALESCE of what is compared is one column in each branch
  ('SELECT coalesce(a.id, b.a_id), array_agg(b.x ORDER BY b.id) FROM a FULL JOIN b ON b.a_id = a.id GROUP BY 1'),
  ('SELECT id, min(a.g), max(b.x), array_agg(c.x) FROM a FULL JOIN b USING (id) FULL JOIN b c USING (id) GROUP BY id'),
  ('SELECT c.id, f.x, f.g FROM a c LEFT JOIN (SELECT id, a.g, b.x FROM a FULL JOIN b USING (id)) f ON f.id = c.id'),
  -- columns of a type that is compared as another one
  ('SELECT s.code, array_agg(n.id ORDER BY n.id), max(s.x) FROM s JOIN n ON n.code = s.code GROUP BY s.code'),
  ('SELECT s.code, n.id, row_number() OVER (PARTITION BY s.code ORDER BY s.x, n.id) FROM s LEFT JOIN n ON n.code = s.code');
SELECT n, r.* FROM queries, most_rows(query, 'UPDATE b SET x = x - 5000 WHERE id IN (77, 3911)') r ORDER BY n;
SELECT n, r.* FROM queries, most_rows(query, 'UPDATE a SET g = g + 1 WHERE id IN (77, 1999)') r ORDER BY n;
SELECT n, r.* FROM queries, most_rows(query, 'UPDATE a SET g = nullif(coalesce(g, 0) + 1, 2) WHERE id IN (0, 1800)') r ORDER BY n;
SELECT n, r.* FROM queries, most_rows(query, 'DELETE FROM b WHERE id = (SELECT min(id) FROM b)') r ORDER BY n;
SELECT n, r.* FROM queries, most_rows(query, 'UPDATE s SET x = x + 1 WHERE x IN (77, 78)') r WHERE query ~ 'code' ORDER BY n;

-- A new table of one row is not taken for one of thousands.
SELECT r.* FROM (VALUES
  ('SELECT a.g, array_agg(a.id ORDER BY a.id) FROM a WHERE EXISTS (SELECT FROM b WHERE b.a_id = a.id) AND (EXISTS (SELECT FROM b WHERE b.a_id = a.id AND b.x > 300) OR a.id IN (SELECT nullif(x, 5) FROM s)) GROUP BY a.g'),
  ('SELECT a.g, max(b.x), array_agg(b.id ORDER BY b.id) FROM a JOIN b ON b.a_id = a.id, (SELECT count(*) AS n, max(x) AS x FROM s) s WHERE b.x < s.n OR b.x = s.x GROUP BY a.g'))
  q(query), most_rows(query, 'UPDATE b SET x = x - 5000, a_id = a_id + 1 WHERE id IN (77, 3911)', false) r;
