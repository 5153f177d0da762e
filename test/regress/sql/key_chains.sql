-- What proves a key of a view decides how the rows of the views that read it are found, too.
CREATE EXTENSION pg_tviews;
CREATE TABLE b (id int NOT NULL, x int);
CREATE TABLE c (id int PRIMARY KEY, y int);
INSERT INTO b VALUES (1, 1), (2, 2), (3, 1);
INSERT INTO c VALUES (1, 10), (2, 20);

-- k1 <- k2 <- k3; k2 <- j, which joins; g, which groups, stands between; d reads b and k1
CREATE MATERIALIZED VIEW k1 USING tview AS SELECT id, x FROM b;
CREATE MATERIALIZED VIEW k2 USING tview AS SELECT id, x FROM k1;
CREATE MATERIALIZED VIEW k3 USING tview AS SELECT id, x + 1 AS x FROM k2;
CREATE MATERIALIZED VIEW j USING tview AS SELECT k2.id, k2.x, c.y FROM k2 JOIN c ON c.id = k2.x;
CREATE MATERIALIZED VIEW j2 USING tview AS SELECT id, y FROM j;
CREATE MATERIALIZED VIEW o USING tview AS SELECT c.id, k2.x FROM c LEFT JOIN k2 ON k2.id = c.id;
CREATE MATERIALIZED VIEW g USING tview AS SELECT x, count(*) AS n, max(id) AS id FROM k2 GROUP BY x;
CREATE MATERIALIZED VIEW g2 USING tview AS SELECT g.x, g.n, k2.id FROM g JOIN k2 ON k2.id = g.id;
CREATE MATERIALIZED VIEW d USING tview AS SELECT b.id, k1.x FROM b JOIN k1 ON k1.id = b.id;
CREATE MATERIALIZED VIEW d2 USING tview AS SELECT id, x FROM d;

-- the indexes by which rows are found, and what is wrong
CREATE FUNCTION found_by(OUT view name, OUT found_by text) RETURNS SETOF record LANGUAGE sql AS $$
  SELECT c.relname, string_agg(regexp_replace(pg_get_indexdef(i.indexrelid), '^.* (USING .*)$',
                                              CASE WHEN i.indisunique THEN 'key ' ELSE '' END || '\1'), '; ' ORDER BY NOT i.indisunique, i.indexrelid)
  FROM pg_class c JOIN pg_index i ON i.indrelid = c.oid
  WHERE c.relkind = 'm' GROUP BY c.relname ORDER BY c.relname COLLATE "C" $$;
CREATE FUNCTION wrong(OUT view name, OUT difference text, OUT content text) RETURNS SETOF record LANGUAGE sql AS $$
  SELECT c.relname, k.difference, k.content::text
  FROM pg_class c, LATERAL tview.check(c.oid::regclass) k
  WHERE c.relkind = 'm' AND c.relispopulated $$;
-- rows that come, change and go
CREATE PROCEDURE write() LANGUAGE sql AS $$
  UPDATE b SET x = x + 1;
  INSERT INTO b VALUES (4, 1), (5, 2);
  UPDATE b SET id = id + 10 WHERE id > 3;
  UPDATE c SET y = y + 1;
  DELETE FROM b WHERE id > 3;
  UPDATE b SET x = x - 1 $$;
SELECT * FROM found_by();

-- a primary key comes and goes
ALTER TABLE b ADD PRIMARY KEY (id);
SELECT * FROM found_by();
CALL write();
SELECT * FROM wrong();
ALTER TABLE b DROP CONSTRAINT b_pkey;
SELECT * FROM found_by();
CALL write();
INSERT INTO b VALUES (1, 1), (1, 2);
SELECT * FROM wrong();
DELETE FROM b WHERE ctid IN (SELECT ctid FROM b WHERE id = 1 ORDER BY ctid DESC LIMIT 2);
SELECT * FROM wrong();

-- a unique index
CREATE UNIQUE INDEX b_id ON b (id);
CALL write();
SELECT * FROM wrong();
SELECT * FROM found_by() WHERE view IN ('k1', 'k2', 'k3');
DROP INDEX b_id;
CALL write();
SELECT * FROM wrong();
SELECT * FROM found_by() WHERE view IN ('k1', 'k2', 'k3');
CREATE UNIQUE INDEX CONCURRENTLY b_id ON b (id);
CALL write();
SELECT * FROM wrong();
SELECT * FROM found_by() WHERE view IN ('k1', 'k2', 'k3');

-- which proves nothing of columns that may be null
ALTER TABLE b ALTER id DROP NOT NULL;
CALL write();
INSERT INTO b VALUES (NULL, 1), (NULL, 1);
SELECT * FROM wrong();
SELECT * FROM found_by() WHERE view IN ('k1', 'k2', 'k3');
DELETE FROM b WHERE id IS NULL;
ALTER TABLE b ALTER id SET NOT NULL;
CALL write();
SELECT * FROM wrong();
SELECT * FROM found_by() WHERE view IN ('k1', 'k2', 'k3');
DROP INDEX CONCURRENTLY b_id;
CALL write();
SELECT * FROM wrong();

-- in a transaction that changes rows as well, and rolled back
BEGIN;
UPDATE b SET x = x + 1;
ALTER TABLE b ADD PRIMARY KEY (id);
CALL write();
SELECT * FROM wrong();
SAVEPOINT s;
ALTER TABLE b DROP CONSTRAINT b_pkey;
CALL write();
SELECT * FROM wrong();
ROLLBACK TO s;
CALL write();
SELECT * FROM wrong();
SELECT * FROM found_by() WHERE view IN ('k1', 'k2', 'k3');
ROLLBACK;
CALL write();
SELECT * FROM wrong();
SELECT * FROM found_by() WHERE view IN ('k1', 'k2', 'k3');

-- not populated when the key comes: REFRESH finds it
REFRESH MATERIALIZED VIEW k2 WITH NO DATA;
ALTER TABLE b ADD PRIMARY KEY (id);
CALL write();
REFRESH MATERIALIZED VIEW k2;
REFRESH MATERIALIZED VIEW k3;
SELECT * FROM found_by() WHERE view IN ('k1', 'k2', 'k3');
CALL write();
SELECT * FROM wrong();
-- nor all of it when it goes: k1 and what reads it
REFRESH MATERIALIZED VIEW k1 WITH NO DATA;
ALTER TABLE b DROP CONSTRAINT b_pkey;
CALL write();
REFRESH MATERIALIZED VIEW k1;
REFRESH MATERIALIZED VIEW k2;
CALL write();
SELECT * FROM wrong();
REFRESH MATERIALIZED VIEW k3;
REFRESH MATERIALIZED VIEW j;
REFRESH MATERIALIZED VIEW j2;
REFRESH MATERIALIZED VIEW o;
REFRESH MATERIALIZED VIEW g;
REFRESH MATERIALIZED VIEW g2;
REFRESH MATERIALIZED VIEW d;
REFRESH MATERIALIZED VIEW d2;
CALL write();
SELECT * FROM wrong();
SELECT * FROM found_by();

-- a proof that stands in the middle
CREATE UNIQUE INDEX k1_id ON k1 (id) NULLS NOT DISTINCT;
SELECT * FROM found_by() WHERE view IN ('k1', 'k2', 'k3');
CALL write();
SELECT * FROM wrong();
DROP INDEX k1_id;
SELECT * FROM found_by() WHERE view IN ('k1', 'k2', 'k3');
CALL write();
SELECT * FROM wrong();
-- an index of ours that is dropped is made again, before its readers are looked at
ALTER TABLE b ADD PRIMARY KEY (id);
DROP INDEX k1_id_idx;
SELECT * FROM found_by() WHERE view IN ('k1', 'k2', 'k3');
CALL write();
SELECT * FROM wrong();

-- deferred, in part and as a whole; with changes pending
SELECT tview.set('k2', mode => 'deferred');
ALTER TABLE b DROP CONSTRAINT b_pkey;
CALL write();
SELECT * FROM wrong();
ALTER TABLE b ADD PRIMARY KEY (id);
CALL write();
SELECT * FROM wrong();
SELECT count(tview.set(oid::regclass, mode => 'deferred')) FROM pg_class WHERE relkind = 'm';
BEGIN;
UPDATE b SET x = x + 1;
ALTER TABLE b DROP CONSTRAINT b_pkey;
INSERT INTO b VALUES (1, 1);
SELECT * FROM wrong();
CALL write();
DELETE FROM b WHERE ctid IN (SELECT ctid FROM b WHERE id = 1 ORDER BY ctid DESC LIMIT 1);
COMMIT;
SELECT * FROM wrong();
BEGIN;
CALL write();
CREATE UNIQUE INDEX b_id ON b (id);
CALL write();
COMMIT;
SELECT * FROM wrong();
SELECT * FROM found_by();

-- of several owners, behind plain views
CREATE ROLE regress_lower;
CREATE ROLE regress_upper;
GRANT CREATE ON SCHEMA public TO regress_lower, regress_upper;
CREATE TABLE p (id int NOT NULL, x int);
INSERT INTO p VALUES (1, 1), (2, 2);
GRANT SELECT, TRIGGER ON p TO regress_lower;
SET ROLE regress_lower;
CREATE MATERIALIZED VIEW p1 USING tview AS SELECT id, x FROM p;
CREATE VIEW plain AS SELECT id, x FROM p1;
GRANT SELECT ON plain TO regress_upper;
GRANT TRIGGER ON p1 TO regress_upper;
SET ROLE regress_upper;
CREATE MATERIALIZED VIEW p2 USING tview AS SELECT id, x FROM plain;
CREATE MATERIALIZED VIEW p3 USING tview AS SELECT id, x FROM p2;
RESET ROLE;
ALTER TABLE p ADD PRIMARY KEY (id);
UPDATE p SET x = x + 1;
SELECT * FROM wrong();
SELECT * FROM found_by() WHERE view LIKE 'p%';
ALTER TABLE p DROP CONSTRAINT p_pkey;
UPDATE p SET x = x + 1;
SELECT * FROM wrong();
SELECT * FROM found_by() WHERE view LIKE 'p%';

-- an inheritance child comes and goes
CREATE TABLE parent (id int PRIMARY KEY, x int);
INSERT INTO parent VALUES (1, 1), (2, 2);
CREATE MATERIALIZED VIEW t1 USING tview AS SELECT id, x FROM parent;
CREATE MATERIALIZED VIEW t2 USING tview AS SELECT id, x FROM t1;
CREATE MATERIALIZED VIEW t3 USING tview AS SELECT id, x FROM t2;
CREATE TABLE child () INHERITS (parent);
INSERT INTO child VALUES (1, 1);
UPDATE parent SET x = x + 1;
SELECT * FROM wrong();
DROP TABLE child;
UPDATE parent SET x = x + 1;
SELECT * FROM wrong();
SELECT * FROM found_by() WHERE view LIKE 't%';

-- a statement that is in progress on what a reader reads
CREATE FUNCTION alter_b() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DROP INDEX b_id;
  RETURN NULL;
END $$;
CREATE TRIGGER alter_b AFTER UPDATE ON c FOR EACH ROW EXECUTE FUNCTION alter_b();
UPDATE c SET y = y + 1 WHERE id = 1;
DROP TRIGGER alter_b ON c;
CALL write();
SELECT * FROM wrong();
DROP OWNED BY regress_lower, regress_upper CASCADE;
DROP ROLE regress_lower, regress_upper;
