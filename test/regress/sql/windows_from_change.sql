-- Windows that look back only are computed from the first changed row on: ranks, running totals.
SET client_min_messages = warning;
CREATE EXTENSION pg_tviews;
CREATE TABLE entry (id int PRIMARY KEY, account int, booked date NOT NULL, points numeric, amount int, word text);
INSERT INTO entry SELECT i, i % 3, date '2026-01-01' + i / 10, (i * 7919) % 200 / 4.0, i % 10, 'w' || i % 7 FROM generate_series(1, 900) i;
CREATE INDEX ON entry (account, id);
CREATE INDEX ON entry (booked, id);
CREATE INDEX ON entry (points DESC);
CREATE FUNCTION differing() RETURNS SETOF regclass LANGUAGE sql AS
  $$ SELECT c.relation FROM tview.views v, tview.check(v.view) c $$;

CREATE MATERIALIZED VIEW totals USING tview AS
  SELECT id, sum(amount) OVER w AS total, count(*) OVER w AS n, row_number() OVER w AS place, first_value(word) OVER w AS first,
    min(amount) FILTER (WHERE amount > 3) OVER w AS least, bool_or(amount > 8) OVER w AS any, sum(points) OVER w AS points
  FROM entry WINDOW w AS (ORDER BY id);
CREATE MATERIALIZED VIEW accounts USING tview AS
  SELECT account, id, amount, sum(amount) OVER (PARTITION BY account ORDER BY booked, id ROWS UNBOUNDED PRECEDING) AS balance FROM entry;
CREATE MATERIALIZED VIEW ranks USING tview AS
  SELECT id, points, rank() OVER (ORDER BY points DESC) AS r, dense_rank() OVER (ORDER BY points DESC) AS d, rank() OVER (ORDER BY points DESC, id) AS exact FROM entry;
CREATE MATERIALIZED VIEW nulls_last USING tview AS
  SELECT id, account, rank() OVER (PARTITION BY account ORDER BY points) AS r, count(points) OVER (PARTITION BY account ORDER BY points, id) AS n FROM entry;
-- a join below; results looked at above
CREATE TABLE account (account int PRIMARY KEY, factor int);
INSERT INTO account VALUES (0, 1), (1, 2), (2, 3);
CREATE MATERIALIZED VIEW joined USING tview AS
  SELECT account, max(total) AS most FROM (SELECT e.account, sum(e.amount * a.factor) OVER (PARTITION BY e.account ORDER BY e.id) AS total FROM entry e JOIN account a USING (account)) q GROUP BY account;
-- these look at some rows beside: around the change; to the other end, at ties that nothing orders, or are no sums: by partition
CREATE MATERIALIZED VIEW others USING tview AS
  SELECT id, lag(amount) OVER (PARTITION BY account ORDER BY id) AS a, lead(amount) OVER (PARTITION BY account ORDER BY id) AS b,
    row_number() OVER (PARTITION BY word ORDER BY booked) AS c, avg(amount) OVER (PARTITION BY amount ORDER BY id) AS d,
    sum(id) OVER (PARTITION BY booked ORDER BY id) AS e, sum(id) OVER (PARTITION BY booked ORDER BY amount) AS f,
    sum(id) OVER (PARTITION BY points ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 FOLLOWING) AS g,
    sum(id) OVER (PARTITION BY points ORDER BY id ROWS UNBOUNDED PRECEDING EXCLUDE CURRENT ROW) AS h FROM entry;
SELECT v.view, e.node, e.value FROM tview.views v, tview.explain(v.view::text) e WHERE e.property = 'strategy' ORDER BY v.view::text, e.node;
SELECT differing();

-- at the end
INSERT INTO entry VALUES (901, 1, '2027-01-01', -1, 5, 'end'), (902, 2, '2027-01-01', NULL, 5, 'end'), (903, 1, '2027-01-01', 1000, 5, 'end');
SELECT differing();
SELECT total, n, place, first FROM totals WHERE id = 903;
-- in between, at the beginning, and before
UPDATE entry SET amount = 100 WHERE id = 850;
UPDATE entry SET points = 10 WHERE id IN (5, 500);
UPDATE entry SET points = 10.00, word = 'same' WHERE id = 700;
SELECT differing();
UPDATE entry SET amount = 77 WHERE id = 1;
INSERT INTO entry VALUES (-1, 0, '2025-01-01', 2000, 1, 'begin');
SELECT differing();
-- keys move, rows leave
UPDATE entry SET id = id + 1000 WHERE id IN (3, 400, 899);
UPDATE entry SET account = 1 WHERE id = 600;
UPDATE entry SET account = NULL WHERE id IN (10, 880);
SELECT differing();
DELETE FROM entry WHERE id IN (1899, 903, -1, 333);
SELECT differing();
-- nulls in the order
UPDATE entry SET points = NULL WHERE id % 100 = 7;
UPDATE entry SET points = 3 WHERE id = 107;
SELECT differing();
-- what is joined
UPDATE account SET factor = 5 WHERE account = 1;
SELECT differing();
-- many partitions; several changes of one; all together
INSERT INTO entry SELECT i, i % 200, '2027-02-01', i % 5, i, 'many' FROM generate_series(2000, 2400) i;
UPDATE entry SET amount = amount + 1 WHERE id % 97 = 0;
WITH a AS (DELETE FROM entry WHERE id % 50 = 3), b AS (UPDATE account SET factor = 7), c AS (INSERT INTO entry VALUES (3000, 0, '2028-01-01', 0, 0, 'c')) SELECT;
SELECT differing();
BEGIN;
INSERT INTO entry VALUES (3001, 0, '2028-01-01', 4, 1, 'x');
SAVEPOINT s;
UPDATE entry SET amount = 0 WHERE id = 890;
ROLLBACK TO s;
DELETE FROM entry WHERE id = 3001;
INSERT INTO entry VALUES (3002, 0, '2028-01-01', 4, 1, 'x');
COMMIT;
SELECT differing();
-- both snapshots are looked at
BEGIN ISOLATION LEVEL REPEATABLE READ;
INSERT INTO entry VALUES (3003, 0, '2028-01-01', 4, 1, 'x');
COMMIT;
SELECT differing();
-- values that a total does not come back from; a total that no longer fits
INSERT INTO entry VALUES (4000, 0, '2028-01-01', 'NaN', 0, 'x'), (4001, 0, '2028-01-01', 'Infinity', 0, 'x');
SELECT differing();
UPDATE entry SET amount = 2147483647 WHERE id = 890;
SELECT differing();
-- the ordering column may become null
ALTER TABLE entry ALTER booked DROP NOT NULL;
INSERT INTO entry VALUES (4002, 0, NULL, 1, 1, 'x'), (4003, 0, '2026-03-01', 1, 1, 'x');
UPDATE entry SET booked = NULL WHERE id = 300;
SELECT differing();
DELETE FROM entry WHERE id > 20;
SELECT differing();
TRUNCATE entry;
SELECT differing();
