--
-- Rows are looked for where they were last found: they may have gone from there.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir /include/scenarios.inc
\i :include
\set VERBOSITY terse
\set check 'SELECT check_views() \\g (tuples_only=on format=unaligned)'
\set ECHO all

CREATE TABLE dim (id int PRIMARY KEY, code text UNIQUE, n numeric UNIQUE, later int UNIQUE DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE fact (id int PRIMARY KEY, dim int, code text, n numeric, later int, kind text, v int);
INSERT INTO dim SELECT i, 'c' || i, i, i FROM generate_series(1, 400) i;
INSERT INTO fact SELECT i, i % 400, 'c' || i % 400, i % 400, i % 400, 'k' || i % 300, i FROM generate_series(1, 1200) i;
INSERT INTO fact VALUES (2001, NULL, NULL, NULL, NULL, NULL, 1);
VACUUM ANALYZE dim, fact;

CREATE MATERIALIZED VIEW kinds USING tview AS SELECT kind, count(*), sum(v) AS v FROM fact GROUP BY kind;
CREATE MATERIALIZED VIEW numbers USING tview AS SELECT n, count(*), max(v) AS v FROM fact GROUP BY n;
CREATE MATERIALIZED VIEW by_id USING tview AS SELECT f.id, f.v, d.code FROM fact f JOIN dim d ON d.id = f.dim;
CREATE MATERIALIZED VIEW by_code USING tview AS SELECT f.id, f.v, d.n FROM fact f JOIN dim d ON d.code = f.code;
CREATE MATERIALIZED VIEW by_number USING tview AS SELECT f.id, f.v, d.code FROM fact f JOIN dim d ON d.n = f.n;
CREATE MATERIALIZED VIEW by_later USING tview AS SELECT f.id, f.v, d.id AS dim FROM fact f JOIN dim d ON d.later = f.later;

-- looked for, found, and found again
UPDATE fact SET v = v + 1 WHERE id IN (17, 18, 2001);
UPDATE fact SET v = v + 1 WHERE id IN (17, 18, 2001);
:check
-- the groups go, and come to stand elsewhere
UPDATE fact SET kind = 'other', n = 1000 + n WHERE id % 300 IN (17, 18);
INSERT INTO fact VALUES (3001, 18, 'c18', 18.00, 18, 'k18', 5);
INSERT INTO fact VALUES (3002, 17, 'c17', 17.0, 17, 'k17', 6);
:check
-- the version that was last seen is rolled back, or replaced in another page
BEGIN;
UPDATE fact SET v = v + 1 WHERE id IN (17, 30);
SAVEPOINT a;
UPDATE fact SET v = v + 1 WHERE id IN (17, 30);
UPDATE dim SET code = code WHERE id = 30;
ROLLBACK TO a;
UPDATE fact SET v = v + 1 WHERE id IN (17, 30);
:check
ROLLBACK;
UPDATE fact SET v = v + 1 WHERE id IN (17, 30);
:check
UPDATE fact SET kind = repeat(kind, 100) WHERE id % 300 = 30;
UPDATE dim SET code = repeat(code, 200) WHERE id IN (30, 31);
UPDATE fact SET v = v + 1 WHERE id % 300 IN (30, 31);
UPDATE fact SET v = v + 1 WHERE id % 300 IN (30, 31);
:check
-- others take their places
DELETE FROM fact WHERE id % 300 IN (20, 21, 22);
VACUUM kinds, numbers, by_id;
INSERT INTO fact SELECT 4000 + i, i, 'c' || i, i, i, 'new' || i, i FROM generate_series(1, 5) i;
INSERT INTO fact SELECT 4010 + i, 20 + i, 'c' || 20 + i, 20 + i, 20 + i, 'k' || 20 + i, i FROM generate_series(0, 2) i;
UPDATE fact SET v = v + 1 WHERE id > 4000;
:check
-- rows of the joined table change places
BEGIN;
UPDATE dim SET id = -id, code = '-' || code, n = -n WHERE id IN (17, 18);
UPDATE dim SET id = 35 + id, code = 'c' || 35 + id, n = 35 + id, later = 35 + id WHERE id IN (-17, -18);
UPDATE fact SET v = v + 1 WHERE id IN (17, 18);
:check
COMMIT;
:check
-- a deferrable key can have two rows for a while
BEGIN;
UPDATE fact SET v = v + 1 WHERE id = 30;
UPDATE dim SET later = 30 WHERE id = 31;
UPDATE fact SET v = v + 1 WHERE id = 30;
:check
UPDATE dim SET later = 31 WHERE id = 31;
COMMIT;
:check
-- the end of a table is cut off
UPDATE fact SET v = v + 1 WHERE id > 1150;
DELETE FROM fact WHERE id > 20;
VACUUM kinds, numbers, by_id, by_code, by_number;
INSERT INTO fact SELECT i, i % 400, 'c' || i % 400, i % 400, i % 400, 'k' || i % 300, i FROM generate_series(1151, 1155) i;
UPDATE fact SET v = v + 1 WHERE id > 1150;
:check
-- other files
REFRESH MATERIALIZED VIEW kinds;
TRUNCATE dim;
UPDATE fact SET v = v + 1 WHERE id IN (10, 11);
INSERT INTO dim SELECT i, 'c' || i, i, i FROM generate_series(20, 1, -1) i;
UPDATE fact SET v = v + 1 WHERE id IN (10, 11);
VACUUM FULL dim;
UPDATE fact SET v = v + 1 WHERE id IN (10, 11);
:check
-- the snapshot tells which of two versions counts
BEGIN ISOLATION LEVEL REPEATABLE READ;
UPDATE fact SET v = v + 1 WHERE id IN (10, 11);
UPDATE dim SET code = 'changed' || id WHERE id = 10;
UPDATE fact SET v = v + 1, code = 'changed10' WHERE id = 10;
:check
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
UPDATE fact SET v = v + 1 WHERE id IN (10, 11);
:check
ROLLBACK;
:check
