--
-- INTERSECT and EXCEPT, with and without ALL, nested, below and above other operators.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir /include/scenarios.inc
\i :include
\set VERBOSITY terse
\set check 'SELECT check_views() \\g (tuples_only=on format=unaligned)'
\set ECHO all

CREATE TABLE l (id int PRIMARY KEY, a int, b text);
CREATE TABLE r (a int, b text);
INSERT INTO l VALUES (1, 1, 'x'), (2, 1, 'x'), (3, 2, NULL), (4, NULL, NULL), (5, 3, 'y');
INSERT INTO r VALUES (1, 'x'), (2, NULL), (2, NULL), (4, 'z');

CREATE MATERIALIZED VIEW i USING tview AS SELECT a, b FROM l INTERSECT SELECT a, b FROM r;
CREATE MATERIALIZED VIEW ia USING tview AS SELECT a, b FROM l INTERSECT ALL SELECT a, b FROM r;
CREATE MATERIALIZED VIEW e USING tview AS SELECT a, b FROM l EXCEPT SELECT a, b FROM r;
CREATE MATERIALIZED VIEW ea USING tview AS SELECT a, b FROM l EXCEPT ALL SELECT a, b FROM r;
CREATE MATERIALIZED VIEW ea_back USING tview AS SELECT a, b FROM r EXCEPT ALL SELECT a, b FROM l;
-- the same table on both sides
CREATE MATERIALIZED VIEW self USING tview AS SELECT a FROM l WHERE b IS NOT NULL EXCEPT ALL SELECT a FROM l WHERE id > 2;
-- sides of different types
CREATE MATERIALIZED VIEW types USING tview AS
  SELECT a, b FROM l INTERSECT SELECT a::numeric, b::varchar(5) FROM r EXCEPT SELECT 3, NULL;
-- nested in each other
CREATE MATERIALIZED VIEW n1 USING tview AS
  SELECT a FROM l UNION SELECT a FROM r EXCEPT SELECT id FROM l;
CREATE MATERIALIZED VIEW n2 USING tview AS
  (SELECT a FROM l UNION ALL SELECT a FROM r) EXCEPT ALL (SELECT id FROM l INTERSECT ALL SELECT a FROM r);
CREATE MATERIALIZED VIEW n3 USING tview AS
  SELECT a FROM l EXCEPT (SELECT a FROM r UNION (SELECT id FROM l WHERE a = 1 EXCEPT SELECT 2));
CREATE MATERIALIZED VIEW n4 USING tview AS
  SELECT a FROM l UNION (SELECT a FROM r UNION (SELECT id FROM l UNION ALL SELECT a FROM r)) UNION SELECT 7;
CREATE MATERIALIZED VIEW n5 USING tview AS
  (SELECT a FROM l UNION SELECT a FROM r) INTERSECT ALL (SELECT a FROM l UNION ALL SELECT a FROM r);
-- below joins and groups
CREATE MATERIALIZED VIEW joined USING tview AS
  SELECT l.id, s.b FROM l JOIN (SELECT a, b FROM l EXCEPT SELECT a, b FROM r) s USING (a);
CREATE MATERIALIZED VIEW joined_all USING tview AS
  SELECT l.id, s.b FROM l JOIN (SELECT a, b FROM l INTERSECT ALL SELECT a, b FROM r) s USING (a) JOIN r USING (a);
CREATE MATERIALIZED VIEW counted USING tview AS
  SELECT b, count(*) AS n, sum(a) AS s FROM (SELECT a, b FROM l EXCEPT ALL SELECT a, b FROM r) s GROUP BY b;
-- above groups
CREATE MATERIALIZED VIEW groups USING tview AS
  SELECT b, count(*) AS n FROM l GROUP BY b EXCEPT SELECT b, count(*) FROM r GROUP BY b HAVING max(a) > 0;
-- in a WITH query that is read twice
CREATE MATERIALIZED VIEW twice USING tview AS
  WITH w AS (SELECT a FROM l INTERSECT SELECT a FROM r) SELECT x.a, y.a AS c FROM w x, w y EXCEPT SELECT a, a FROM w;
CREATE MATERIALIZED VIEW over_view USING tview AS SELECT a FROM ea INTERSECT ALL SELECT id FROM l;
-- no column: all rows are equal
CREATE MATERIALIZED VIEW none_i USING tview AS SELECT FROM l INTERSECT SELECT FROM r;
CREATE MATERIALIZED VIEW none_ea USING tview AS SELECT FROM l EXCEPT ALL SELECT FROM r;
CREATE MATERIALIZED VIEW none_u USING tview AS SELECT FROM l WHERE id > 9 UNION SELECT FROM r WHERE a > 9;
SELECT node, value FROM tview.explain('SELECT a FROM l UNION SELECT a FROM r EXCEPT SELECT id FROM l') WHERE property = 'strategy';
TABLE i ORDER BY 1, 2;
TABLE ea ORDER BY 1, 2;
:check
INSERT INTO r VALUES (1, 'x');
:check
INSERT INTO r VALUES (1, 'x'), (3, 'y'), (NULL, NULL), (12, 'w');
:check
INSERT INTO l VALUES (6, 4, 'z'), (7, 4, 'z'), (8, 12, 'w'), (9, 1, 'x');
:check
UPDATE l SET a = a + 1;
:check
UPDATE r SET b = NULL WHERE a < 3;
:check
DELETE FROM l WHERE id IN (2, 3, 6);
:check
WITH d AS (DELETE FROM l WHERE id < 5 RETURNING a, b) INSERT INTO r SELECT * FROM d;
:check
UPDATE l SET id = id + 20, b = CASE WHEN b = 'x' THEN 'y' ELSE 'x' END;
:check
BEGIN;
DELETE FROM r WHERE b IS NULL;
:check
SAVEPOINT s;
INSERT INTO l SELECT 30 + row_number() OVER (), a, b FROM r, generate_series(1, 3);
:check
ROLLBACK TO s;
:check
COMMIT;
TRUNCATE r;
:check
INSERT INTO r SELECT a, b FROM l;
:check
DELETE FROM l;
:check
INSERT INTO l SELECT i, i % 4, CASE i % 3 WHEN 0 THEN 'x' WHEN 1 THEN 'y' END FROM generate_series(1, 40) i;
:check
REFRESH MATERIALIZED VIEW n2;
:check

-- equal values of several images
CREATE TABLE price (p numeric, q numeric);
INSERT INTO price VALUES (1.0, 1.00), (2, 2.0), (3, 4);
CREATE MATERIALIZED VIEW images USING tview AS SELECT p FROM price EXCEPT SELECT q FROM price WHERE q <> p OR q > 3;
CREATE MATERIALIZED VIEW images_all USING tview AS SELECT p FROM price INTERSECT ALL SELECT q FROM price;
UPDATE price SET p = round(p, 3), q = round(q, 3);
TABLE images ORDER BY 1;
TABLE images_all ORDER BY 1;
:check
DELETE FROM price WHERE p = 3;
:check

-- a type without an order cannot be a key: all is computed anew
CREATE TABLE x (c xid, d xid);
CREATE MATERIALIZED VIEW no_order USING tview AS SELECT c FROM x EXCEPT ALL SELECT d FROM x;
INSERT INTO x VALUES ('1', '2'), ('1', '3'), ('4', '1');
SELECT * FROM no_order ORDER BY c::text;
SELECT * FROM tview.check('no_order');
