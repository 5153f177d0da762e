--
-- LEFT, RIGHT and FULL JOIN: any condition, nested, below and above other operators.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir /include/scenarios.inc
\i :include
\set VERBOSITY terse
\set check 'SELECT check_views() \\g (tuples_only=on format=unaligned)'
\set ECHO all

CREATE TABLE a (id int PRIMARY KEY, k int, x int);
CREATE TABLE b (id int PRIMARY KEY, a_id int, y int);
CREATE TABLE n (v int, w text);
INSERT INTO a SELECT i, i % 4, i FROM generate_series(1, 10) i;
INSERT INTO b SELECT i, nullif(i % 6, 5), i % 3 FROM generate_series(1, 12) i;
INSERT INTO n VALUES (1, 'one'), (1, 'one'), (2, NULL), (NULL, 'null');
CREATE INDEX ON b (a_id);

CREATE MATERIALIZED VIEW many USING tview AS SELECT a.id, a.x, b.id AS b_id, b.y FROM a LEFT JOIN b ON b.a_id = a.id;
-- looked up by a key: one product
CREATE MATERIALIZED VIEW lookup USING tview AS SELECT b.id, b.y, a.id AS a_id, a.x FROM b LEFT JOIN a ON b.a_id = a.id;
CREATE MATERIALIZED VIEW lookups USING tview AS
  SELECT b.id, a.x, c.x AS cx, coalesce(c.k, -1) AS ck FROM b LEFT JOIN a ON b.a_id = a.id AND a.k > 0 LEFT JOIN a c ON c.id = a.k AND b.y > 0;
CREATE MATERIALIZED VIEW from_subquery USING tview AS
  SELECT b.id, s.two, s.x1 FROM b LEFT JOIN (SELECT id, 2 AS two, x + 1 AS x1 FROM a WHERE k <> 3) s ON s.id = b.a_id;
CREATE MATERIALIZED VIEW to_the_right USING tview AS SELECT a.id, b.id AS b_id FROM b RIGHT JOIN a ON b.a_id = a.id AND b.y = 1;
CREATE MATERIALIZED VIEW two_sides USING tview AS SELECT a.id, b.id AS b_id, coalesce(a.x, b.y) AS c FROM a FULL JOIN b ON b.a_id = a.id;
CREATE MATERIALIZED VIEW both_using USING tview AS SELECT id, a.x, b.y FROM a FULL JOIN b USING (id) WHERE id IS NOT NULL;
-- any condition
CREATE MATERIALIZED VIEW less USING tview AS SELECT a.id, n.v FROM a LEFT JOIN n ON n.v < a.k;
CREATE MATERIALIZED VIEW mixed USING tview AS SELECT a.id, b.id AS b_id FROM a LEFT JOIN b ON b.a_id = a.id AND (b.y > a.k OR a.x = 3);
CREATE MATERIALIZED VIEW on_true USING tview AS SELECT a.id, s.v FROM a LEFT JOIN (SELECT v FROM n WHERE w = 'one') s ON true;
CREATE MATERIALIZED VIEW on_false USING tview AS SELECT a.id, n.v FROM a LEFT JOIN n ON false;
CREATE MATERIALIZED VIEW left_only USING tview AS SELECT a.id, n.w FROM a LEFT JOIN n ON a.k = 2;
CREATE MATERIALIZED VIEW with_subquery USING tview AS
  SELECT a.id, b.id AS b_id FROM a LEFT JOIN b ON b.a_id = a.id AND EXISTS (SELECT FROM n WHERE n.v = b.y);
-- no key anywhere
CREATE MATERIALIZED VIEW bag USING tview AS SELECT n.v, n.w, m.w AS m FROM n LEFT JOIN n m ON m.v = n.v + 1;
CREATE MATERIALIZED VIEW bag_full USING tview AS SELECT n.v, m.w FROM n FULL JOIN n m ON m.v = n.v + 1;
-- nested
CREATE MATERIALIZED VIEW chain USING tview AS
  SELECT a.id, b.id AS b_id, n.w FROM a LEFT JOIN b ON b.a_id = a.id LEFT JOIN n ON n.v = b.y;
CREATE MATERIALIZED VIEW inside USING tview AS
  SELECT a.id, b.id AS b_id, n.w FROM a LEFT JOIN (b JOIN n ON n.v = b.y) ON b.a_id = a.id;
CREATE MATERIALIZED VIEW inside_left USING tview AS
  SELECT a.id, b.id AS b_id, n.w FROM a LEFT JOIN (b LEFT JOIN n ON n.v = b.y) ON b.a_id = a.id;
CREATE MATERIALIZED VIEW full_left USING tview AS
  SELECT a.id, s.b_id, s.w FROM a FULL JOIN (SELECT b.a_id, b.id AS b_id, n.w FROM b LEFT JOIN n ON n.v = b.y) s ON s.a_id = a.id;
-- above: filters, groups, DISTINCT
CREATE MATERIALIZED VIEW unmatched USING tview AS SELECT a.id FROM a LEFT JOIN b ON b.a_id = a.id WHERE b.id IS NULL;
CREATE MATERIALIZED VIEW grouped USING tview AS
  SELECT a.k, count(*) AS n, count(b.id) AS m, sum(b.y) AS s, max(b.y) AS top FROM a LEFT JOIN b ON b.a_id = a.id GROUP BY a.k;
CREATE MATERIALIZED VIEW per_row USING tview AS SELECT a.id, count(b.id) AS m FROM a LEFT JOIN b ON b.a_id = a.id GROUP BY a.id;
CREATE MATERIALIZED VIEW distinct_y USING tview AS SELECT DISTINCT b.y, n.w FROM b LEFT JOIN n ON n.v = b.y;
-- below: groups, UNION, views
CREATE MATERIALIZED VIEW to_group USING tview AS
  SELECT a.id, s.n, s.t FROM a LEFT JOIN (SELECT a_id, count(*) AS n, sum(y) AS t FROM b GROUP BY a_id) s ON s.a_id = a.id;
CREATE MATERIALIZED VIEW to_union USING tview AS
  SELECT a.id, s.v FROM a LEFT JOIN (SELECT v FROM n UNION ALL SELECT y FROM b) s ON s.v = a.k;
CREATE MATERIALIZED VIEW to_view USING tview AS SELECT n.v, g.m, g.s FROM n LEFT JOIN grouped g ON g.k = n.v;
-- expressions on columns that are null where there is no match
CREATE MATERIALIZED VIEW padded USING tview AS
  SELECT a.id, s.c FROM a LEFT JOIN (SELECT a_id, coalesce(y, 7) * 2 AS c, 'yes'::text AS t FROM b) s ON s.a_id = a.id WHERE s.t IS NULL OR s.c > 1;
-- joins that go on from each other: as many products as joins; products that ask for the same share its counts
CREATE MATERIALIZED VIEW going_on USING tview AS
  SELECT n.v, b.id, c.id AS c_id, d.y, e.w FROM n LEFT JOIN b ON b.a_id = n.v LEFT JOIN b c ON c.a_id = b.y LEFT JOIN b d ON d.y = c.y AND d.id < 4 LEFT JOIN n e ON e.v = d.id + c.id;
CREATE MATERIALIZED VIEW star USING tview AS
  SELECT a.id, b.id AS b_id, c.y, n.w FROM a LEFT JOIN b ON b.a_id = a.id LEFT JOIN b c ON c.y = a.id LEFT JOIN n ON n.v = a.id;
CREATE MATERIALIZED VIEW full_on USING tview AS
  SELECT n.v, b.id, c.w FROM n FULL JOIN b ON b.a_id = n.v FULL JOIN n c ON c.v = b.y;
-- an ON of a correlated query that refers to the outer row: another join for each of these
CREATE MATERIALIZED VIEW on_outer USING tview AS
  SELECT n.v, n.w, (SELECT count(*) FROM a FULL JOIN b ON b.a_id = a.id AND b.y < n.v) AS c,
         (SELECT sum(a.x) FROM a FULL JOIN b ON b.a_id = a.id AND (SELECT a.k >= n.v) WHERE b.id IS NULL OR b.y = n.v) AS s FROM n;
CREATE MATERIALIZED VIEW on_outer_lateral USING tview AS
  SELECT n.v, s.* FROM n, LATERAL (SELECT a.id, b.y, 10 / (1 + coalesce(b.y, 4)) AS q FROM a FULL JOIN b ON b.a_id = a.id AND a.k < n.v) s WHERE n.w = 'one' OR s.y = n.v;
CREATE MATERIALIZED VIEW on_outer_in USING tview AS
  SELECT a.id FROM a WHERE a.k IN (SELECT n.v FROM n FULL JOIN b ON b.y = n.v AND EXISTS (SELECT FROM b c WHERE c.id = a.id AND c.y <> n.v) GROUP BY n.v HAVING count(b.id) < 3);
CREATE MATERIALIZED VIEW on_outer_left USING tview AS
  SELECT a.id, s.z FROM a LEFT JOIN LATERAL (SELECT b.y + coalesce(n.v, a.x) AS z FROM b FULL JOIN n ON n.v = b.y AND a.k = b.y WHERE b.a_id = a.id) s ON s.z > 2;
SELECT view::regclass::text, count(*) FROM tview.state WHERE view IN ('going_on'::regclass, 'star'::regclass, 'full_on'::regclass) GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM padded;
SELECT node, property, value FROM tview.explain('SELECT b.id, a.x FROM b LEFT JOIN a ON b.a_id = a.id')
WHERE property IN ('strategy', 'reads', 'rows found by') ORDER BY 1 DESC, 2;
:check
INSERT INTO b VALUES (20, 7, 5), (21, 8, NULL), (22, NULL, 1);
:check
DELETE FROM b WHERE a_id = 3;
:check
UPDATE b SET a_id = a_id + 1, y = y + 1;
:check
UPDATE a SET k = k + 1 WHERE id % 3 = 0;
:check
INSERT INTO n SELECT g, 'w' || g FROM generate_series(0, 3) g;
:check
UPDATE n SET w = 'W' WHERE v = 1;
:check
WITH u AS (UPDATE a SET x = x + 1, k = 3 - k RETURNING 1), d AS (UPDATE n SET v = v + 1) DELETE FROM b WHERE id % 2 = 0;
:check
INSERT INTO a VALUES (100, 1, NULL), (101, NULL, 5);
:check
TRUNCATE b;
:check
INSERT INTO b SELECT i, nullif(i % 6, 5), i % 3 FROM generate_series(1, 12) i;
:check
DELETE FROM a WHERE id < 5;
:check
BEGIN;
DELETE FROM n;
SAVEPOINT s;
INSERT INTO a SELECT i, i % 3, i FROM generate_series(1, 4) i;
ROLLBACK TO s;
INSERT INTO n VALUES (2, 'two'), (NULL, NULL);
COMMIT;
:check
