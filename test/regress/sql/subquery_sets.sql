-- Set-returning functions in the output of subqueries.
SET client_min_messages = warning;
CREATE EXTENSION pg_tviews;
CREATE TABLE a (id int PRIMARY KEY, n int, arr int[], t text);
CREATE TABLE b (a_id int, arr int[]);
INSERT INTO a VALUES (1, 3, '{3,1,2}', 'z,x'), (2, 5, '{}', ''), (3, NULL, NULL, NULL), (4, 1, '{NULL,1}', 'y');
INSERT INTO b VALUES (1, '{9,8}'), (1, '{7}'), (3, '{1}');
CREATE FUNCTION differing() RETURNS SETOF regclass LANGUAGE sql AS
  $$ SELECT c.relation FROM tview.views v, tview.check(v.view) c $$;
CREATE MATERIALIZED VIEW sorted USING tview AS SELECT id, ARRAY(SELECT unnest(arr) ORDER BY 1) AS s FROM a;
CREATE MATERIALIZED VIEW plus USING tview AS SELECT id, ARRAY(SELECT unnest(arr) + n ORDER BY 1 DESC) AS s, ARRAY(SELECT generate_series(1, n)) AS g,
  ARRAY(SELECT regexp_split_to_table(t, ',') ORDER BY 1) AS w FROM a;
CREATE MATERIALIZED VIEW of_rows USING tview AS SELECT id, ARRAY(SELECT unnest(b.arr) FROM b WHERE b.a_id = a.id ORDER BY 1) AS s FROM a;
CREATE MATERIALIZED VIEW by_other USING tview AS SELECT id, ARRAY(SELECT unnest(b.arr) FROM b WHERE b.a_id = a.id ORDER BY b.arr[1], 1) AS s FROM a;
CREATE MATERIALIZED VIEW of_group USING tview AS SELECT a_id, ARRAY(SELECT unnest(array_agg(DISTINCT arr[1])) ORDER BY 1) AS s FROM b GROUP BY a_id;
CREATE MATERIALIZED VIEW tests USING tview AS
  SELECT id, n IN (SELECT unnest(arr)) AS i, n NOT IN (SELECT unnest(arr)) AS o, n > ALL (SELECT unnest(arr)) AS l, n = ANY (ARRAY(SELECT unnest(arr))) AS y,
    EXISTS (SELECT unnest(arr)) AS e, (SELECT max(u) FROM (SELECT unnest(arr) AS u) q) AS m FROM a;
CREATE MATERIALIZED VIEW filtered USING tview AS SELECT id FROM a WHERE n IN (SELECT unnest(arr)) OR n NOT IN (SELECT unnest(b.arr) FROM b WHERE b.a_id = a.id);
CREATE MATERIALIZED VIEW single USING tview AS SELECT id, (SELECT unnest(arr[1:1])) AS s FROM a;
SELECT differing();
SELECT * FROM sorted ORDER BY id;
SELECT * FROM tests ORDER BY id;
UPDATE a SET arr = arr || 0 WHERE id IN (1, 2);
SELECT differing();
UPDATE a SET n = n + 1, t = t || ',a';
SELECT differing();
INSERT INTO b VALUES (2, '{4,4,NULL}'), (1, NULL);
UPDATE b SET arr = arr || a_id WHERE a_id = 1;
SELECT differing();
DELETE FROM b WHERE a_id = 3;
DELETE FROM a WHERE id = 1;
INSERT INTO a VALUES (5, 2, '{2,2}', 'b');
SELECT differing();
-- as the query: more than one row
CREATE MATERIALIZED VIEW one USING tview AS SELECT id, (SELECT unnest(arr)) AS s FROM a WHERE id = 9;
INSERT INTO a VALUES (9, 2, '{2}', 'b');
UPDATE a SET arr = '{1,2}' WHERE id = 9;
SELECT differing();
