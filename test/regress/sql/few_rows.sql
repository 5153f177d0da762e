--
-- Statements that change few rows: plans that run without the executor.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir /include/scenarios.inc
\i :include
\set VERBOSITY terse
\set check 'SELECT check_views() \\g (tuples_only=on format=unaligned)'
\set ECHO all

CREATE TABLE dim (id int PRIMARY KEY, code text UNIQUE, parent int);
CREATE TABLE fact (id int PRIMARY KEY, dim int, code text, v int);
CREATE INDEX ON fact (dim);
CREATE TABLE tiny (a int, b int);
INSERT INTO dim SELECT i, 'c' || i, i / 10 FROM generate_series(1, 1000) i;
INSERT INTO fact SELECT i, i % 1000, 'c' || i % 700, i FROM generate_series(1, 3000) i;
INSERT INTO tiny VALUES (1, 10), (2, 20), (NULL, 30);
-- columns whose values older rows do not have
ALTER TABLE dim ADD COLUMN extra text DEFAULT 'missing';
ALTER TABLE fact ADD COLUMN rate int NOT NULL DEFAULT 7;
VACUUM ANALYZE dim, fact, tiny;

CREATE MATERIALIZED VIEW by_key USING tview AS
  SELECT f.id, d.code, d.extra, f.rate FROM fact f JOIN dim d ON d.id = f.dim;
CREATE MATERIALIZED VIEW by_code USING tview AS
  SELECT f.id, d.id AS dim, d.extra FROM fact f JOIN dim d ON d.code = f.code WHERE f.v % 2 = 0;
CREATE MATERIALIZED VIEW per_dim USING tview AS
  SELECT d.parent, count(*), sum(f.v) AS v, sum(f.rate) AS rates, max(d.extra)
  FROM fact f JOIN dim d ON d.id = f.dim GROUP BY d.parent;
CREATE MATERIALIZED VIEW three USING tview AS
  SELECT f.id, p.code AS parent, t.b FROM fact f JOIN dim d ON d.id = f.dim JOIN dim p ON p.id = d.parent
  JOIN tiny t ON t.a = p.id % 3;
CREATE MATERIALIZED VIEW crossed USING tview AS
  SELECT t.b, u.a, count(*) FROM tiny t, tiny u WHERE t.b > coalesce(u.a, 0) GROUP BY 1, 2;
CREATE MATERIALIZED VIEW grouped_below USING tview AS
  SELECT s.n, d.code FROM (SELECT dim, count(*) AS n FROM fact GROUP BY dim HAVING count(*) > 2) s
  JOIN dim d ON d.id = s.dim;
:check
INSERT INTO fact VALUES (5001, 17, 'c18', 4);
:check
INSERT INTO fact VALUES (5002, NULL, NULL, 4), (5003, 18, 'none', 6), (5004, -1, 'c1', 8);
:check
UPDATE fact SET v = v + 1 WHERE id = 17;
:check
-- the old and the new row have another key, then the same one
UPDATE fact SET dim = dim + 1, code = 'c5' WHERE id IN (17, 18);
:check
UPDATE fact SET dim = 40, code = 'c40' WHERE id BETWEEN 100 AND 104;
:check
UPDATE dim SET extra = 'known' WHERE id IN (40, 41);
:check
UPDATE dim SET parent = 3, code = 'c-' || id WHERE id = 40;
:check
UPDATE tiny SET a = 0 WHERE a IS NULL;
:check
INSERT INTO tiny VALUES (1, 11), (NULL, NULL);
:check
DELETE FROM fact WHERE id = 5001;
:check
DELETE FROM dim WHERE id = 41;
:check

-- an error in the middle of such a plan leaves nothing behind
CREATE MATERIALIZED VIEW fails USING tview AS
  SELECT f.id, d.code, 100 / (f.v - 1000000) AS q FROM fact f JOIN dim d ON d.id = f.dim;
UPDATE fact SET v = v WHERE id = 1;
UPDATE fact SET v = 1000000 WHERE id = 1;
UPDATE fact SET v = 1000000 WHERE id = 2;
DO $$
BEGIN
  UPDATE fact SET v = 1000000 WHERE id = 3;
EXCEPTION WHEN division_by_zero THEN
  UPDATE fact SET v = 3000001 WHERE id = 3;
END $$;
:check
UPDATE fact SET v = 1 WHERE id = 1;
:check

-- other indexes, other columns: the plans follow
DROP INDEX fact_dim_idx;
UPDATE dim SET extra = 'again' WHERE id IN (40, 42);
:check
CREATE INDEX ON fact (dim, v);
ALTER TABLE dim ADD COLUMN more int DEFAULT 3;
UPDATE dim SET extra = 'thrice' WHERE id IN (40, 42);
UPDATE fact SET v = v + 1 WHERE id = 40;
:check
ALTER TABLE dim DROP COLUMN more;
UPDATE dim SET extra = 'four' WHERE id IN (40, 42);
UPDATE fact SET v = v + 1 WHERE id = 40;
:check
BEGIN ISOLATION LEVEL REPEATABLE READ;
UPDATE fact SET v = v + 1, dim = 43 WHERE id = 40;
UPDATE dim SET extra = 'five' WHERE id = 43;
:check
COMMIT;

-- views that read other columns than those that changed are passed over
CREATE TABLE wide (id int PRIMARY KEY, a int, b int, c int);
INSERT INTO wide SELECT i, i % 7, i, i FROM generate_series(1, 500) i;
CREATE MATERIALIZED VIEW only_a USING tview AS SELECT a, count(*) FROM wide GROUP BY a;
CREATE MATERIALIZED VIEW only_b USING tview AS SELECT b % 3 AS k, sum(b) FROM wide GROUP BY 1;
CREATE MATERIALIZED VIEW a_and_c USING tview AS SELECT x.id, y.c FROM wide x JOIN wide y ON y.id = x.a;
CREATE MATERIALIZED VIEW above USING tview AS SELECT count, count(*) AS n FROM only_a GROUP BY count;
:check
UPDATE wide SET b = b + 1 WHERE id = 3;
:check
UPDATE wide SET b = b + 1;
UPDATE wide SET a = a + 1 WHERE id < 100;
:check
UPDATE wide SET c = c + 1, b = 7 WHERE id % 2 = 0;
:check
BEGIN;
UPDATE wide SET b = b + 1 WHERE id = 3;
SAVEPOINT s;
UPDATE wide SET a = a + 1 WHERE id = 3;
UPDATE wide SET b = b + 1 WHERE id < 200;
ROLLBACK TO s;
:check
UPDATE wide SET c = 0 WHERE id < 5;
COMMIT;
:check
DO $$
BEGIN
  UPDATE wide SET a = 1 WHERE id = 1;
  UPDATE wide SET b = 2 WHERE id = 1;
  DELETE FROM wide WHERE id = 2;
  UPDATE wide SET c = 3, a = 5 WHERE id = 1;
END $$;
:check
