-- The lock table is never filled by key locks, whatever the settings.
CREATE EXTENSION IF NOT EXISTS pg_tviews;
SET client_min_messages = warning;
CREATE SCHEMA lock_budget;
SET search_path = lock_budget;
CREATE TABLE l (id int PRIMARY KEY, k int, v int);
CREATE TABLE r (k int PRIMARY KEY, w int);
INSERT INTO l SELECT i, i, i FROM generate_series(1, 30000) i;
INSERT INTO r SELECT i, i FROM generate_series(1, 30000, 10) i;
CREATE MATERIALIZED VIEW joined USING tview AS SELECT id, v, w FROM l JOIN r USING (k);
CREATE MATERIALIZED VIEW highest USING tview AS SELECT k, array_agg(v) FROM l GROUP BY k;

CREATE VIEW locked AS
  SELECT classid::regclass, count(*) FILTER (WHERE objsubid > 0) < 10000 AS bounded,
         bool_or(objsubid = 0) AS of_all
    FROM pg_locks WHERE locktype = 'userlock' AND pid = pg_backend_pid() GROUP BY 1 ORDER BY 1;

SET tview.lock_escalation = 1000000;
BEGIN;
UPDATE l SET v = v + 1;
SELECT * FROM locked;
COMMIT;
-- in many small steps, after keys were locked
BEGIN;
UPDATE l SET v = v + 1 WHERE id = 1;
DO $$ BEGIN FOR i IN 0 .. 29 LOOP UPDATE l SET v = v + 1 WHERE id BETWEEN i * 1000 AND i * 1000 + 999; END LOOP; END $$;
SELECT * FROM locked;
COMMIT;
SELECT * FROM tview.check('joined');
SELECT * FROM tview.check('highest');
-- what was lent is back: many transactions one after the other
DO $$ BEGIN FOR i IN 1 .. 30 LOOP UPDATE l SET v = v + 1 WHERE id <= 1000; COMMIT; END LOOP; END $$;
BEGIN;
SAVEPOINT s;
UPDATE l SET v = v + 1 WHERE id <= 1000;
ROLLBACK TO s;
UPDATE l SET v = v + 1 WHERE id BETWEEN 2001 AND 3000;
SELECT classid::regclass, count(*) FILTER (WHERE objsubid > 0) AS keys FROM pg_locks
  WHERE locktype = 'userlock' AND pid = pg_backend_pid() GROUP BY 1 ORDER BY 1;
COMMIT;
RESET tview.lock_escalation;
SELECT * FROM tview.check('joined');
SELECT * FROM tview.check('highest');
DROP SCHEMA lock_budget CASCADE;
