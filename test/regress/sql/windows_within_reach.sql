-- Windows that look at rows within reach of the current one are computed around the change.
SET client_min_messages = warning;
CREATE EXTENSION pg_tviews;
CREATE TABLE reading (id int PRIMARY KEY, sensor int, at timestamp NOT NULL, later timestamp, level numeric, power float8, amount int, word text);
INSERT INTO reading SELECT i, i % 3, timestamp '2026-01-01' + i * interval '1 hour', CASE WHEN i % 50 <> 0 THEN timestamp '2026-01-01' + i / 3 * interval '1 hour' END,
  (i * 7919) % 200 / 4.0, i * 0.1, i % 10, 'w' || i % 7 FROM generate_series(1, 900) i;
CREATE INDEX ON reading (sensor, at);
CREATE INDEX ON reading (at, id);
CREATE INDEX ON reading (later DESC);
CREATE FUNCTION differing() RETURNS SETOF regclass LANGUAGE sql AS
  $$ SELECT c.relation FROM tview.views v, tview.check(v.view) c $$;
-- how many rows the windows of each view are evaluated over by a statement
CREATE FUNCTION evaluated(statement text) RETURNS TABLE (view text, rows int) LANGUAGE plpgsql AS $$
DECLARE line text; BEGIN
  FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF) ' || statement LOOP
    IF line ~ 'Maintained View:' THEN
      view := split_part(line, ': ', 2); rows := NULL;
    ELSIF line ~ 'Recompute:' THEN
      rows := 0;
    ELSIF rows = 0 AND line ~ 'WindowAgg' THEN
      rows := substring(line FROM 'actual rows=(\d+)'); RETURN NEXT; rows := NULL;
    END IF;
  END LOOP;
END $$;

CREATE MATERIALIZED VIEW beside USING tview AS
  SELECT id, sensor, lag(amount) OVER w AS a, lag(word, 2, 'none') OVER w AS b, lead(level) OVER w AS c, lead(id, 3) OVER w AS d, lag(id, -1) OVER w AS e,
    power - lag(power) OVER w AS rise FROM reading WINDOW w AS (PARTITION BY sensor ORDER BY at);
CREATE MATERIALIZED VIEW moving USING tview AS
  SELECT id, avg(power) OVER (ORDER BY at ROWS 6 PRECEDING) AS a, sum(level) OVER (ORDER BY at ROWS BETWEEN 2 PRECEDING AND 2 FOLLOWING EXCLUDE CURRENT ROW) AS b,
    string_agg(word, ',') OVER (ORDER BY at ROWS BETWEEN CURRENT ROW AND 2 FOLLOWING) AS c, nth_value(id, 2) OVER (ORDER BY at ROWS BETWEEN 3 PRECEDING AND 1 PRECEDING) AS d,
    last_value(id) OVER (ORDER BY at ROWS BETWEEN 1 FOLLOWING AND 3 FOLLOWING) AS e FROM reading;
CREATE MATERIALIZED VIEW day USING tview AS
  SELECT id, sensor, sum(amount) OVER (PARTITION BY sensor ORDER BY at RANGE '1 day' PRECEDING) AS a,
    max(power) OVER (PARTITION BY sensor ORDER BY at RANGE BETWEEN '3 hours' PRECEDING AND '90 minutes' FOLLOWING) AS b FROM reading;
-- nulls at the beginning, ties that their images order
CREATE MATERIALIZED VIEW latest USING tview AS
  SELECT id, later, count(*) OVER (ORDER BY later DESC RANGE BETWEEN '2 hours' PRECEDING AND CURRENT ROW) AS n, lag(word) OVER (ORDER BY later DESC) AS before,
    array_agg(amount) OVER (ORDER BY later DESC ROWS 1 PRECEDING) AS two FROM reading;
CREATE MATERIALIZED VIEW earliest USING tview AS
  SELECT id, lead(id) OVER (PARTITION BY sensor ORDER BY later, id) AS next FROM reading;
-- orders that begin alike
CREATE MATERIALIZED VIEW orders USING tview AS
  SELECT id, lag(amount) OVER (PARTITION BY sensor ORDER BY at, id) AS a, lead(amount) OVER (PARTITION BY sensor ORDER BY at, word, id DESC) AS b FROM reading;
-- totals beside them: to the end
CREATE MATERIALIZED VIEW both_kinds USING tview AS
  SELECT id, lag(amount, 2) OVER w AS a, lead(amount) OVER w AS b, sum(amount) OVER w AS c, row_number() OVER w AS d, avg(amount) OVER w AS e,
    avg(level) FILTER (WHERE level > 10) OVER w AS f, last_value(word) OVER w AS g, avg(amount) OVER (ORDER BY at, id ROWS UNBOUNDED PRECEDING) AS h,
    rank() OVER (ORDER BY at) AS i FROM reading WINDOW w AS (ORDER BY at, id);
-- not so: the other end, groups of peers, so many rows as a column says, months
CREATE MATERIALIZED VIEW others USING tview AS
  SELECT id, sum(amount) OVER (PARTITION BY sensor ORDER BY at ROWS BETWEEN 1 PRECEDING AND UNBOUNDED FOLLOWING) AS a,
    count(*) OVER (PARTITION BY amount ORDER BY at GROUPS 2 PRECEDING) AS b, lag(word, amount) OVER (PARTITION BY word ORDER BY at) AS c,
    count(*) OVER (PARTITION BY later ORDER BY at RANGE '1 month' PRECEDING) AS f,
    count(*) OVER (PARTITION BY power ORDER BY at::timestamptz RANGE '1 day' PRECEDING) AS g,
    avg(power) OVER (PARTITION BY level ORDER BY at) AS d, ntile(3) OVER (PARTITION BY at ORDER BY id) AS e FROM reading;
SELECT v.view, e.node, e.value FROM tview.views v, tview.explain(v.view::text) e WHERE e.property = 'strategy' ORDER BY v.view::text, e.node;
SELECT differing();

-- at the end
INSERT INTO reading VALUES (901, 1, '2026-02-08 00:00', '2026-02-01', 3.25, 0.7, 5, 'end'), (902, 1, '2026-02-08 01:00', NULL, 4, 1e15, NULL, 'end');
SELECT differing();
SELECT * FROM both_kinds WHERE id > 900;
-- only rows around the change are computed
SELECT * FROM evaluated('UPDATE reading SET amount = amount + 1, power = -power WHERE id = 450') WHERE view <> 'others';
SELECT differing();
-- ... around each of several, and both places of a row that moves
SELECT view, rows < 50 AS few FROM evaluated('UPDATE reading SET amount = amount + 1, power = -power WHERE id IN (3, 450, 451, 897)') WHERE view IN ('beside', 'moving', 'day', 'orders');
SELECT view, rows < 50 AS few FROM evaluated('UPDATE reading SET at = ''2026-01-02 12:30'' WHERE id = 800') WHERE view IN ('beside', 'moving', 'day', 'orders');
SELECT differing();
-- in between, at the beginning, before it
UPDATE reading SET amount = 100, level = 1.50, power = -0.3, word = 'mid' WHERE id = 333;
SELECT differing();
UPDATE reading SET word = 'first' WHERE id IN (1, 2);
INSERT INTO reading VALUES (-1, 0, '2025-01-01', '2025-01-01', 2000, 'NaN', 1, 'begin');
SELECT differing();
DELETE FROM reading WHERE id IN (-1, 2, 500, 902);
SELECT differing();
-- rows move, and fall together
UPDATE reading SET at = '2026-01-03 12:30' WHERE id IN (10, 11, 600, 899);
SELECT differing();
UPDATE reading SET at = at + interval '1 year', later = later - interval '2 days' WHERE id IN (20, 450, 880);
SELECT differing();
UPDATE reading SET sensor = 1 WHERE id IN (99, 700);
UPDATE reading SET sensor = NULL WHERE id IN (100, 701);
SELECT differing();
-- nulls come and go
UPDATE reading SET later = NULL WHERE id % 97 = 0;
SELECT differing();
UPDATE reading SET later = '2026-01-04' WHERE id % 97 = 0;
DELETE FROM reading WHERE later IS NULL;
SELECT differing();
INSERT INTO reading VALUES (950, 2, '2026-01-10', NULL, 1, 1, 1, 'null');
SELECT differing();
ALTER TABLE reading ALTER at DROP NOT NULL;
INSERT INTO reading VALUES (951, 2, NULL, NULL, 1, 1, 1, 'null'), (952, 2, '2027-03-01', '2027-03-01', 1, 1, 1, 'last');
SELECT differing();
UPDATE reading SET amount = amount + 1 WHERE at IS NULL OR id = 952;
SELECT differing();
-- several partitions and many
UPDATE reading SET amount = amount + 1 WHERE id % 97 = 5;
SELECT differing();
INSERT INTO reading SELECT i, i % 200, timestamp '2026-01-20' + i * interval '1 minute', NULL, i % 5, i, i % 3, 'many' FROM generate_series(2000, 2400) i;
SELECT differing();
-- several changes in a transaction, both snapshots
BEGIN;
UPDATE reading SET amount = 0 WHERE id = 300;
SAVEPOINT s;
DELETE FROM reading WHERE id = 301;
ROLLBACK TO s;
UPDATE reading SET amount = 7 WHERE id = 302;
COMMIT;
BEGIN ISOLATION LEVEL REPEATABLE READ;
UPDATE reading SET amount = 1 WHERE id = 300;
COMMIT;
SELECT differing();
DELETE FROM reading WHERE id > 20;
SELECT differing();
TRUNCATE reading;
SELECT differing();
