--
-- The state table has the counts that tell whether a sum is null.  It is left alone where they do not move.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir /include/scenarios.inc
\i :include
\set VERBOSITY terse
\set check 'SELECT check_views() \\g (tuples_only=on format=unaligned)'
\set ECHO all

CREATE TABLE sale (id int PRIMARY KEY, shop int, amount int, tip bigint, paid bool NOT NULL DEFAULT true);
INSERT INTO sale SELECT i, i % 4, CASE WHEN i % 4 < 3 THEN i END, CASE WHEN i % 3 = 0 THEN i END FROM generate_series(1, 24) i;

CREATE MATERIALIZED VIEW shops USING tview AS SELECT shop, count(*), sum(amount) FROM sale GROUP BY shop;
CREATE MATERIALIZED VIEW uncounted USING tview AS SELECT shop, sum(amount) FROM sale GROUP BY shop;
CREATE MATERIALIZED VIEW sums USING tview AS
  SELECT shop, sum(amount) AS amount, sum(tip) AS tip, sum(amount) FILTER (WHERE paid) AS paid, max(tip) FROM sale GROUP BY shop;
CREATE MATERIALIZED VIEW counted USING tview AS SELECT shop, sum(amount), count(amount) + 1 AS more FROM sale GROUP BY shop;
CREATE MATERIALIZED VIEW total USING tview AS SELECT sum(amount), sum(tip) AS tip FROM sale;
:check
-- counts stay as they are
BEGIN;
UPDATE sale SET amount = amount + 1, tip = tip + 1;
SELECT s.view::regclass AS "state is looked at of" FROM tview.state s JOIN pg_locks l ON l.relation = s.state
  WHERE l.pid = pg_backend_pid() AND l.mode = 'RowExclusiveLock' ORDER BY 1;
COMMIT;
:check
-- some go, some come, as many in all
UPDATE sale SET amount = CASE WHEN id <= 4 THEN NULL ELSE 7 END WHERE id IN (1, 2, 5, 6, 3, 7);
:check
UPDATE sale SET amount = CASE WHEN amount IS NULL THEN id END WHERE id IN (1, 5, 2, 6);
:check
-- the last one of a group goes, and comes back
UPDATE sale SET amount = NULL WHERE shop = 1;
:check
UPDATE sale SET amount = NULL, tip = tip + 1 WHERE shop = 1;
:check
UPDATE sale SET amount = 0 WHERE id = 1;
:check
UPDATE sale SET amount = 5 WHERE id = 1;
:check
-- rows without an amount come and go; so do groups of them
INSERT INTO sale VALUES (101, 3, NULL, NULL), (102, 9, NULL, NULL);
:check
UPDATE sale SET tip = 1 WHERE id = 102;
:check
DELETE FROM sale WHERE id IN (101, 102);
:check
-- one leaves the group, another comes
UPDATE sale SET shop = CASE shop WHEN 1 THEN 2 ELSE 1 END WHERE id IN (1, 2);
:check
UPDATE sale SET paid = NOT paid, amount = amount + 1 WHERE id % 2 = 0;
:check
-- rolled back
BEGIN;
SAVEPOINT a;
UPDATE sale SET amount = amount + 1 WHERE id = 1;
ROLLBACK TO a;
UPDATE sale SET amount = amount + 2 WHERE id = 1;
SAVEPOINT b;
UPDATE sale SET amount = NULL WHERE shop = 2;
ROLLBACK TO b;
UPDATE sale SET amount = amount + 4 WHERE shop = 2;
:check
COMMIT;
DELETE FROM sale;
:check
INSERT INTO sale VALUES (1, 1, NULL, NULL), (2, 1, 2, 2);
UPDATE sale SET amount = 3 WHERE id = 2;
:check
