-- Equal keys can differ in image: the image of the rows that are there is shown.
SET client_min_messages = warning;
create extension pg_tviews;
create table a(id int primary key, price numeric, label text);
create table b(aid int, x int);
insert into a values (1,1.00,'A'),(2,5,'B');
insert into b values (1,1),(1,2),(2,3);
create materialized view v using tview as select a.id, a.price, count(*), sum(b.x) as s from a join b on b.aid=a.id group by a.id;
create materialized view h using tview as select a.price, count(*) as n from a join b on b.aid=a.id group by a.price having sum(x)>0;
update a set price=1 where id=1;
SELECT * FROM v ORDER BY id;
SELECT * FROM h ORDER BY 1;
update a set price=1.0 where id=1;
SELECT * FROM v ORDER BY id;
SELECT * FROM h ORDER BY 1;
delete from b where x=1;
SELECT * FROM v ORDER BY id;
select * from tview.check('v');
select * from tview.check('h');

-- char(n) is padded: one image, and no group is recomputed because a row leaves; without a length there are several
CREATE TABLE padded (id int PRIMARY KEY, short char(3), long char(5));
INSERT INTO padded SELECT i, i % 3, i % 3 FROM generate_series(1, 30) i;
CREATE MATERIALIZED VIEW padded_one USING tview AS SELECT short, count(*) FROM padded GROUP BY short;
CREATE MATERIALIZED VIEW padded_two USING tview AS
  SELECT k, octet_length(k), count(*) FROM (SELECT short AS k FROM padded UNION ALL SELECT long FROM padded) u GROUP BY k;
DELETE FROM padded WHERE id < 5;
UPDATE padded SET short = NULL WHERE id % 3 = 1;
SELECT groups, rescans FROM tview.activity('padded_one');
SELECT rescans > 0 AS recomputed FROM tview.activity('padded_two');
SELECT * FROM tview.check('padded_one');

-- which of several images a plain query would show depends on where rows lie: check() takes each for right
CREATE TABLE number (k numeric, x int);
CREATE TABLE wanted (id int PRIMARY KEY, k numeric);
INSERT INTO number VALUES (0.00, 1), (0, 2), (1.50, 3);
INSERT INTO wanted VALUES (1, 0), (2, 1.5), (3, 0.00);
CREATE MATERIALIZED VIEW hidden USING tview AS SELECT id FROM wanted WHERE k IN (SELECT k FROM number);
CREATE MATERIALIZED VIEW shown USING tview AS SELECT k, k::text AS t, max(x) FROM number GROUP BY k HAVING count(*) > 0;
CREATE MATERIALIZED VIEW lowest USING tview AS SELECT 1 AS one, min(k), (min(k) + 1)::text AS t FROM number;
CREATE MATERIALIZED VIEW scale USING tview AS SELECT sum(DISTINCT k) FROM number;
CREATE MATERIALIZED VIEW none USING tview AS SELECT FROM number GROUP BY k;
CREATE FUNCTION differing() RETURNS TABLE (relation text, difference text, content text) LANGUAGE sql AS $$
  SELECT regexp_replace(c.relation::text, '\d+', '#'), c.difference, c.content
  FROM unnest('{hidden, shown, lowest, scale, none}'::regclass[]) v, tview.check(v) c $$;
UPDATE number SET x = 10 WHERE x = 1;
SELECT * FROM differing();
INSERT INTO number VALUES (0.000, 4);
DELETE FROM number WHERE x = 10;
SELECT * FROM differing();
-- but what is no row's is found: a function that does not keep what it promised
CREATE FUNCTION scaled(x numeric) RETURNS numeric IMMUTABLE LANGUAGE plpgsql AS
  $$ BEGIN RETURN x + coalesce(current_setting('key_images.more', true)::int, 0); END $$;
CREATE MATERIALIZED VIEW lied USING tview AS SELECT scaled(k) AS k, count(*), max(k) FROM number GROUP BY 1;
SELECT count(*) FROM tview.check('lied');
SET key_images.more = 1;
SELECT difference, copies, content FROM tview.check('lied');
