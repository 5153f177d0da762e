--
-- What the differential test found, each cut down to its core.
--
SET client_min_messages = warning;
CREATE EXTENSION pg_tviews;
CREATE TABLE t (k int, v int);
INSERT INTO t VALUES (1, 1), (1, 2), (2, 1);

-- a WITH query is read again after a subquery with a scope of its own
CREATE MATERIALIZED VIEW scopes USING tview AS
  WITH w AS (SELECT DISTINCT k FROM t)
  SELECT x.k, z.n FROM w x, (SELECT k, count(*) AS n FROM t GROUP BY k) z, w y WHERE x.k = z.k AND y.k = z.n;
INSERT INTO t VALUES (2, 3), (3, 1);
SELECT * FROM scopes ORDER BY 1, 2;
SELECT count(*) FROM tview.check('scopes');

-- values that are equal and look different: a group never shows one that has left when another has come
CREATE TABLE price (id int PRIMARY KEY, p numeric, f float8, q int);
INSERT INTO price VALUES (1, 1.00, 0, 1), (2, 1.00, 0, 2), (3, 2.5, 1, 3), (4, 1.000, 1, 4);
CREATE MATERIALIZED VIEW dependent USING tview AS SELECT id, p, f, sum(q) AS q FROM price GROUP BY id;
CREATE MATERIALIZED VIEW recomputed USING tview AS SELECT id, p, array_agg(f) AS f FROM price GROUP BY id;
CREATE MATERIALIZED VIEW distinct_f USING tview AS SELECT DISTINCT f FROM price WHERE id < 3;
CREATE MATERIALIZED VIEW grouped USING tview AS SELECT p, count(*) AS n FROM price WHERE id < 3 GROUP BY p HAVING count(*) > 0;
CREATE MATERIALIZED VIEW extremes USING tview AS SELECT f > 0 AS k, min(p), max(p) FROM price WHERE id <> 4 GROUP BY f > 0;
CREATE MATERIALIZED VIEW above USING tview AS SELECT g.n, g.p::text AS p FROM grouped g;
UPDATE price SET p = 1, f = '-0' WHERE id < 3;
TABLE dependent ORDER BY id;
TABLE recomputed ORDER BY id;
TABLE distinct_f;
TABLE grouped;
TABLE extremes ORDER BY k;
TABLE above;
-- an image that comes beside the one shown changes nothing
INSERT INTO price VALUES (0, 1.0000, 0, 0);
TABLE distinct_f;
TABLE grouped;
DELETE FROM price WHERE id = 0;
TABLE distinct_f;
TABLE grouped;
UPDATE price SET p = p * 1.0;
SELECT relname, (SELECT count(*) FROM tview.check(c.oid)) FROM pg_class c
 WHERE relkind = 'm' AND relnamespace = 'public'::regnamespace ORDER BY 1;

-- which columns changed, added up over savepoints: sets of more than one word
SELECT 'CREATE TABLE wide (id int PRIMARY KEY, ' || string_agg(format('c%s int', i), ', ') || ')'
FROM generate_series(2, 150) i \gexec
INSERT INTO wide (id, c2, c70, c140) SELECT i, i, i, i FROM generate_series(1, 5) i;
CREATE MATERIALIZED VIEW wide_2 USING tview AS SELECT id, c2 FROM wide;
CREATE MATERIALIZED VIEW wide_70 USING tview AS SELECT id, c70 FROM wide;
CREATE MATERIALIZED VIEW wide_140 USING tview AS SELECT id, c140 FROM wide;
SELECT tview.set(v, 'deferred') FROM unnest('{wide_2, wide_70, wide_140}'::regclass[]) v;
BEGIN;
SAVEPOINT a; UPDATE wide SET c2 = c2 + 1; RELEASE a;
SAVEPOINT a; UPDATE wide SET c70 = c70 + 1; RELEASE a;
SAVEPOINT a; UPDATE wide SET c2 = c2 + 1; RELEASE a;
SAVEPOINT a; UPDATE wide SET c2 = c2 + 1; RELEASE a;
SAVEPOINT a; UPDATE wide SET c140 = c140 + 1; RELEASE a;
SAVEPOINT a; UPDATE wide SET c2 = c2 + 1; RELEASE a;
COMMIT;
SELECT c.* FROM unnest('{wide_2, wide_70, wide_140}'::regclass[]) v, tview.check(v) c;

-- WITH queries that refer to an outer query: read twice, in a subquery, by one another, on the side of an outer join
CREATE TABLE o (id int PRIMARY KEY, x int, y text);
CREATE TABLE i (id int PRIMARY KEY, x int, j int, y text);
INSERT INTO o VALUES (1, 1, 'a'), (2, 2, 'a'), (3, NULL, 'b');
INSERT INTO i VALUES (1, 1, 1, 'a'), (2, 1, 2, 'a'), (3, 2, 2, 'b'), (4, 2, 1, 'a');
CREATE MATERIALIZED VIEW with_sides USING tview AS
  SELECT o.id, (SELECT string_agg(l, ',' ORDER BY l) FROM (
    WITH w AS (SELECT i.id, i.x, i.j FROM i WHERE i.y = o.y)
    SELECT p.id || '-' || coalesce(q.id, 0) || o.x AS l FROM w p LEFT JOIN w q ON p.x = q.j AND q.id > 1) s) AS l FROM o;
CREATE MATERIALIZED VIEW with_nested USING tview AS
  SELECT o.id FROM o WHERE o.x IN (
    WITH w AS MATERIALIZED (SELECT i.x, i.j FROM i WHERE i.y = o.y), w2 AS (SELECT x, count(*) AS n FROM w GROUP BY x)
    SELECT s.x FROM (SELECT a.x, rank() OVER (ORDER BY a.n) AS r FROM w2 a WHERE EXISTS (SELECT FROM w WHERE w.j = a.x)) s
    WHERE s.r <= 1);
CREATE MATERIALIZED VIEW with_first USING tview AS
  SELECT o.id FROM o WHERE o.y >= (SELECT s.l FROM (
    WITH w AS (SELECT DISTINCT i.x, i.j, i.id FROM i WHERE o.y = i.y)
    SELECT p.id, 'a' || (o.x - 1) AS l FROM w q RIGHT JOIN w p ON q.j = p.j WHERE o.x = q.j ORDER BY p.id, q.id LIMIT 2) s
    ORDER BY s.l, s.id LIMIT 1);
CREATE FUNCTION differing() RETURNS SETOF regclass LANGUAGE sql AS $$
  SELECT c.relation FROM unnest('{with_sides, with_nested, with_first}'::regclass[]) v, tview.check(v) c $$;
TABLE with_sides ORDER BY id;
TABLE with_nested ORDER BY id;
SELECT differing();
INSERT INTO i VALUES (5, 2, 2, 'a'), (6, NULL, 1, 'b');
SELECT differing();
UPDATE o SET y = 'a', x = 1 WHERE id = 3;
SELECT differing();
DELETE FROM i WHERE j = 2;
SELECT differing();
UPDATE i SET y = 'b', x = j;
SELECT differing();
TABLE with_sides ORDER BY id;

-- a plan made without a child must not outlive the rollback that brings it back
CREATE TABLE up (a int);
CREATE TABLE down () INHERITS (up);
INSERT INTO down VALUES (1), (2);
CREATE MATERIALIZED VIEW steps USING tview AS SELECT x.a, y.a AS b FROM up x JOIN up y ON y.a = x.a + 1;
BEGIN;
ALTER TABLE down NO INHERIT up;
INSERT INTO up VALUES (3);
INSERT INTO up VALUES (4);
ROLLBACK;
INSERT INTO up VALUES (3);
BEGIN;
SAVEPOINT s;
DROP TABLE down;
UPDATE up SET a = a;
ROLLBACK TO s;
INSERT INTO up VALUES (0);
COMMIT;
TABLE steps ORDER BY a;
SELECT * FROM tview.check('steps');

-- subqueries in HAVING of a correlated aggregate
create table whole(id int primary key, x int); create table part(id int primary key, x int, v int); create table picked(v int);
insert into whole values (1,1),(2,2),(3,3),(4,null); insert into part values (1,1,1),(2,1,2),(3,2,5); insert into picked values (3);
CREATE MATERIALIZED VIEW h1 USING tview AS select id, (select sum(v) from part where part.x=whole.x having count(*) < 4 and not (1 in (select 1))) s from whole;
CREATE MATERIALIZED VIEW h2 USING tview AS select id, (select sum(v) from part where part.x=whole.x having sum(v) in (select v from picked)) s from whole;
CREATE MATERIALIZED VIEW h3 USING tview AS select id, (select count(*) from part where part.x=whole.x having not exists (select from picked where picked.v = whole.id)) s from whole;
CREATE MATERIALIZED VIEW h4 USING tview AS select id, (select max(v) from part where part.x=whole.x having sum(v) not in (select v from picked)) s from whole;
CREATE MATERIALIZED VIEW h5 USING tview AS select id from whole where exists (select sum(v) from part where part.x > whole.x having count(*) in (select v from picked));
select * from h1 order by 1; select * from h2 order by 1; select * from h3 order by 1; select * from h4 order by 1; select * from h5 order by 1;
create function having_differs() returns setof regclass language sql as $$ select c.relation from unnest('{h1,h2,h3,h4,h5}'::regclass[]) v, tview.check(v) c $$;
select having_differs();
insert into picked values (5),(1); select having_differs();
delete from picked where v=3; select having_differs();
insert into part values (4,3,1),(5,3,4),(6,null,3); select having_differs();
insert into picked values (null); select having_differs();
update whole set x = 1; select having_differs();
delete from picked; select having_differs();
delete from part; select having_differs();
select * from h1 order by 1; select * from h2 order by 1; select * from h3 order by 1; select * from h4 order by 1; select * from h5 order by 1;
