--
-- Ways in which a careless implementation goes wrong.
--
\set ECHO none
\getenv abs_srcdir PG_ABS_SRCDIR
\set include :abs_srcdir /include/scenarios.inc
\i :include
\set VERBOSITY terse
\set ECHO all

CREATE TABLE r (a int, x int);
CREATE TABLE s (a int, y int);
CREATE MATERIALIZED VIEW joined USING tview AS SELECT r.a, r.x, s.y FROM r JOIN s ON s.a = r.a;
CREATE MATERIALIZED VIEW grouped USING tview AS SELECT r.a, sum(s.y) AS y, min(r.x) AS x FROM r JOIN s ON s.a = r.a GROUP BY r.a;
INSERT INTO r VALUES (1, 10), (2, 20);
INSERT INTO s VALUES (1, 100), (2, 200);
SELECT check_views();

-- a function called by a statement writes the other table, then reads the view: an error, or the truth
CREATE FUNCTION writes_and_reads(i int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO s VALUES (i, i * 1000);
    RETURN (SELECT count(*) FROM joined);
END $$;
CREATE FUNCTION writes(i int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO s VALUES (i, i * 1000);
    UPDATE s SET y = y + 1 WHERE a = i;
    RETURN i;
END $$;
INSERT INTO r SELECT i, writes(i) FROM generate_series(1, 3) i;
SELECT check_views();
SELECT a, count(*), sum(y) FROM joined GROUP BY a ORDER BY a;
INSERT INTO r SELECT i, writes_and_reads(i) FROM generate_series(1, 3) i;
SELECT check_views();
SELECT writes(4), writes(1);
SELECT check_views();
-- an AFTER ROW trigger that writes the other table
CREATE FUNCTION mirror() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO s VALUES (NEW.a, NEW.x); RETURN NULL; END $$;
CREATE TRIGGER mirror AFTER INSERT ON r FOR EACH ROW EXECUTE FUNCTION mirror();
INSERT INTO r VALUES (5, 50), (6, 60), (5, 51);
SELECT check_views();
DROP TRIGGER mirror ON r;
-- one that reads the view: an error, or the truth; after a statement, the truth
CREATE FUNCTION looks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE WARNING '% sees %', TG_LEVEL, (SELECT count(*) FROM joined);
    RETURN NULL;
END $$;
CREATE TRIGGER looks AFTER INSERT ON r FOR EACH ROW EXECUTE FUNCTION looks();
INSERT INTO r VALUES (5, 52), (6, 61);
SELECT check_views();
DROP TRIGGER looks ON r;
CREATE TRIGGER zz_looks AFTER INSERT ON r FOR EACH STATEMENT EXECUTE FUNCTION looks();
INSERT INTO r VALUES (5, 53), (6, 62);
SELECT count(*) FROM joined;
SELECT check_views();
DROP TRIGGER zz_looks ON r;
-- before it has changed anything: the view as it is
CREATE FUNCTION looks_before() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE WARNING '% % % of % sees %', TG_WHEN, TG_LEVEL, TG_OP, TG_TABLE_NAME, (SELECT count(*) FROM joined);
    IF TG_LEVEL = 'STATEMENT' THEN RETURN NULL; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER looks BEFORE INSERT OR UPDATE OR DELETE ON r FOR EACH STATEMENT EXECUTE FUNCTION looks_before();
SELECT count(*) FROM joined;
INSERT INTO r VALUES (5, 54), (6, 63);
UPDATE r SET x = x + 1 WHERE a = 5;
DELETE FROM r WHERE x = 63;
MERGE INTO r USING (VALUES (5, 55), (99, 0)) w(a, x) ON r.a = w.a AND r.x = w.x
    WHEN MATCHED THEN UPDATE SET x = 56 WHEN NOT MATCHED THEN INSERT VALUES (w.a, w.x);
SELECT check_views();
-- the other table has been changed before it, or has not
WITH w AS (INSERT INTO s VALUES (5, 500) RETURNING a) INSERT INTO r SELECT a, 57 FROM w;
WITH w AS (INSERT INTO s VALUES (5, 501) RETURNING a) INSERT INTO r VALUES (5, 58);
WITH w AS (UPDATE s SET y = y + 1 RETURNING a), x AS (UPDATE r SET x = x + 1 RETURNING a) SELECT count(*) > 0 FROM w;
SELECT check_views();
-- a table without views changed before it
CREATE TABLE other (a int);
WITH w AS (INSERT INTO other VALUES (5) RETURNING a) INSERT INTO r SELECT a, 59 FROM w;
SELECT check_views();
-- not known of these
COPY r FROM stdin;
5	60
\.
CREATE TRIGGER looks_truncate BEFORE TRUNCATE ON r FOR EACH STATEMENT EXECUTE FUNCTION looks_before();
TRUNCATE r;
DROP TRIGGER looks_truncate ON r;
-- at the first row something may have changed
CREATE TRIGGER looks_row BEFORE INSERT ON r FOR EACH ROW EXECUTE FUNCTION looks_before();
INSERT INTO r VALUES (5, 61);
DROP TRIGGER looks_row ON r;
SELECT check_views();
-- it writes, and reads what it has written; so does a statement inside
CREATE FUNCTION writes_before() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() > 1 THEN RETURN NULL; END IF;
    INSERT INTO s VALUES (5, 502);
    RAISE WARNING 'sees % after s', (SELECT count(*) FROM joined);
    INSERT INTO r SELECT 5, 100 + i FROM generate_series(1, 100) i;
    RAISE WARNING 'sees % after r', (SELECT count(*) FROM joined);
    RETURN NULL;
END $$;
CREATE TRIGGER writes BEFORE INSERT ON r FOR EACH STATEMENT EXECUTE FUNCTION writes_before();
INSERT INTO r VALUES (5, 62);
SELECT count(*) FROM joined;
SELECT check_views();
DROP TRIGGER writes ON r;
DROP TRIGGER looks ON r;
-- a foreign key's action: what it deletes is there, but the rest of the statement is not known
CREATE TABLE top (a int PRIMARY KEY);
CREATE TABLE below (a int REFERENCES top ON DELETE CASCADE);
CREATE MATERIALIZED VIEW below_v USING tview AS SELECT a, count(*) FROM below GROUP BY a;
CREATE MATERIALIZED VIEW both_v USING tview AS SELECT t.a FROM top t JOIN below b ON b.a = t.a;
INSERT INTO top SELECT generate_series(1, 5);
INSERT INTO below SELECT generate_series(1, 5);
CREATE FUNCTION looks_below() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('SELECT count(*) FROM %I', TG_ARGV[0]) INTO TG_NARGS;
    RAISE WARNING '% shows %', TG_ARGV[0], TG_NARGS;
    RETURN NULL;
END $$;
CREATE TRIGGER looks BEFORE DELETE ON below FOR EACH STATEMENT EXECUTE FUNCTION looks_below('below_v');
DELETE FROM top WHERE a = 1;
DELETE FROM top WHERE a > 3;
SELECT check_views();
CREATE OR REPLACE TRIGGER looks BEFORE DELETE ON below FOR EACH STATEMENT EXECUTE FUNCTION looks_below('both_v');
DELETE FROM top WHERE a = 2;
SELECT check_views();
DROP TABLE top, below CASCADE;
-- created or refreshed by a function of a statement that changes the table
CREATE FUNCTION refreshes(i int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN REFRESH MATERIALIZED VIEW joined; RETURN i; END $$;
INSERT INTO r SELECT 7, refreshes(1);
SELECT check_views();

-- both sides of a join change in one statement; pairs that never were must not be evaluated
TRUNCATE r, s;
CREATE MATERIALIZED VIEW quotient USING tview AS SELECT r.a, 10 / (r.x + s.y) AS q FROM r JOIN s ON s.a = r.a;
INSERT INTO r VALUES (1, 1);
INSERT INTO s VALUES (1, 1);
WITH w AS (UPDATE r SET x = -1 RETURNING 1) UPDATE s SET y = 3;
SELECT check_views();
TABLE quotient;
WITH w AS (UPDATE r SET x = 5 RETURNING 1) UPDATE s SET y = -4;
SELECT check_views();
UPDATE r SET x = 4;
SELECT check_views();
TABLE quotient;
-- nor counted as an extreme
CREATE MATERIALIZED VIEW extreme USING tview AS SELECT r.a, min(r.x - s.y), max(r.x - s.y), count(*) FROM r JOIN s ON s.a = r.a GROUP BY r.a;
WITH w AS (UPDATE r SET x = 1000 RETURNING 1) UPDATE s SET y = 1000;
SELECT check_views();
TABLE extreme;

-- a child without its parent under a valid foreign key
CREATE TABLE parent (p int PRIMARY KEY, label text);
CREATE TABLE child (c int PRIMARY KEY, p int REFERENCES parent);
CREATE MATERIALIZED VIEW family USING tview AS SELECT c.c, p.label FROM child c JOIN parent p ON p.p = c.p;
INSERT INTO parent VALUES (1, 'one'), (2, 'two');
INSERT INTO child VALUES (1, 1), (2, 2);
BEGIN;
SET LOCAL session_replication_role = replica;
DELETE FROM parent WHERE p = 1;
COMMIT;
SELECT check_views();
INSERT INTO parent VALUES (1, 'back');
SELECT check_views();
TABLE family ORDER BY 1;

-- a key that is checked late holds duplicates for a while
CREATE TABLE late (k int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, v text);
CREATE MATERIALIZED VIEW late_v USING tview AS SELECT k, v FROM late;
CREATE MATERIALIZED VIEW late_g USING tview AS SELECT k, count(*) AS n FROM late GROUP BY k;
INSERT INTO late VALUES (1, 'a'), (2, 'b');
BEGIN;
UPDATE late SET k = 2 WHERE v = 'a';
SELECT check_views();
UPDATE late SET k = 1 WHERE v = 'b';
SELECT check_views();
COMMIT;
SELECT check_views();
UPDATE late SET k = k + 1;
SELECT check_views();
INSERT INTO late VALUES (3, 'again');
SELECT check_views();
TABLE late_v ORDER BY 1;
-- a key that goes
CREATE TABLE keyed (k int CONSTRAINT the_key PRIMARY KEY, v text);
CREATE MATERIALIZED VIEW keyed_v USING tview AS SELECT k, v FROM keyed;
INSERT INTO keyed VALUES (1, 'a');
ALTER TABLE keyed DROP CONSTRAINT the_key;
INSERT INTO keyed VALUES (1, 'a'), (1, 'b');
SELECT check_views();
DELETE FROM keyed WHERE v = 'b';
SELECT check_views();

-- definitions, refreshes and rewrites among changes of one transaction
BEGIN;
UPDATE parent SET label = label || '!';
CREATE MATERIALIZED VIEW family2 USING tview AS SELECT p.label, count(*) AS n FROM child c JOIN parent p USING (p) GROUP BY p.label;
SELECT check_views();
INSERT INTO child VALUES (3, 2);
SELECT check_views();
REFRESH MATERIALIZED VIEW family;
UPDATE parent SET label = repeat(md5(label), 300) WHERE p = 2;
SELECT check_views();
ALTER TABLE parent ADD COLUMN extra int DEFAULT 3;
UPDATE parent SET label = label || 'x';
SELECT check_views();
TRUNCATE child;
SELECT check_views();
INSERT INTO child VALUES (4, 2);
SELECT check_views();
SAVEPOINT s;
TRUNCATE child, parent;
SELECT check_views();
ROLLBACK TO s;
SELECT check_views();
DROP MATERIALIZED VIEW family2;
UPDATE child SET p = 1;
SELECT check_views();
COMMIT;
SELECT check_views();
TABLE family ORDER BY 1;

-- a view's own unique index, with values that change places
CREATE TABLE seat (s int PRIMARY KEY, guest text);
INSERT INTO seat VALUES (1, 'a'), (2, 'b'), (3, 'c');
CREATE MATERIALIZED VIEW seating USING tview AS SELECT s, guest FROM seat;
CREATE UNIQUE INDEX ON seating (guest);
UPDATE seat SET guest = CASE guest WHEN 'a' THEN 'b' WHEN 'b' THEN 'a' ELSE guest END;
SELECT check_views();
UPDATE seat SET s = s + 10;
SELECT check_views();
INSERT INTO seat VALUES (4, 'c');
SELECT check_views();

-- so of every kind of view, whose rows may be found out in several passes: values change places and come free
CREATE TABLE cup (id int PRIMARY KEY, g int, x int);
CREATE TABLE label (id int PRIMARY KEY, word text);
INSERT INTO cup VALUES (1, 1, 10), (2, 2, 20), (3, 3, 30), (4, 1, 5), (5, 2, 6), (6, 3, 7);
INSERT INTO label SELECT i, 'w' || i FROM generate_series(1, 60) i;
CREATE MATERIALIZED VIEW highest USING tview AS SELECT g, max(x) AS m FROM cup GROUP BY g;
CREATE MATERIALIZED VIEW range USING tview AS SELECT g, min(x) AS low, max(x) AS high, count(*) AS n FROM cup GROUP BY g;
CREATE MATERIALIZED VIEW middle USING tview AS SELECT g, avg(x) AS mean, max(x) AS m FROM cup GROUP BY g;
CREATE MATERIALIZED VIEW listed USING tview AS SELECT g, string_agg(x::text, ',' ORDER BY x) AS all_x FROM cup GROUP BY g;
CREATE MATERIALIZED VIEW shown USING tview AS SELECT g, max(x) AS m FROM cup GROUP BY g HAVING count(*) > 1;
CREATE MATERIALIZED VIEW chosen USING tview AS SELECT DISTINCT ON (g) g, x FROM cup ORDER BY g, x DESC;
CREATE MATERIALIZED VIEW first_two USING tview AS SELECT id, x FROM cup ORDER BY x DESC LIMIT 2;
CREATE MATERIALIZED VIEW numbered USING tview AS SELECT id, g, row_number() OVER (PARTITION BY g ORDER BY x) AS n FROM cup;
CREATE MATERIALIZED VIEW reached USING tview AS
  WITH RECURSIVE r AS (SELECT g, x FROM cup UNION SELECT g, x + 1 FROM r WHERE x % 5 <> 0) SELECT g, x FROM r;
CREATE MATERIALIZED VIEW worded USING tview AS
  SELECT h.g, l.word FROM (SELECT g, max(x) AS m FROM cup GROUP BY g) h JOIN label l ON l.id = h.m;
CREATE UNIQUE INDEX ON highest (m);
CREATE UNIQUE INDEX ON range (high);
CREATE UNIQUE INDEX ON range (low);
CREATE UNIQUE INDEX ON middle (m);
CREATE UNIQUE INDEX ON middle (mean);
CREATE UNIQUE INDEX ON listed (all_x);
CREATE UNIQUE INDEX ON shown (m);
CREATE UNIQUE INDEX ON chosen (x);
CREATE UNIQUE INDEX ON first_two (x);
CREATE UNIQUE INDEX ON numbered (g, n);
CREATE UNIQUE INDEX ON reached (g, x);
CREATE UNIQUE INDEX ON worded (word);
UPDATE cup SET x = 40 - x WHERE x >= 10;
SELECT check_views();
-- groups change places, one grows at the top and another shrinks, a new one takes what an old one had
UPDATE cup SET g = 4 - g;
SELECT check_views();
UPDATE cup SET x = CASE WHEN x = 30 THEN 9 WHEN x = 9 THEN 30 WHEN x = 6 THEN 31 WHEN x = 31 THEN 6 ELSE x END;
SELECT check_views();
UPDATE cup SET g = 5 WHERE id = 2;
INSERT INTO cup VALUES (7, 5, 8), (8, 6, 50), (9, 6, 4);
UPDATE cup SET x = CASE x WHEN 50 THEN 20 WHEN 20 THEN 50 ELSE x END;
SELECT check_views();
DELETE FROM cup WHERE x IN (SELECT max(x) FROM cup GROUP BY g);
SELECT check_views();
-- at COMMIT
SELECT tview.set('highest', mode => 'deferred');
BEGIN;
UPDATE cup SET x = 100 - x;
UPDATE cup SET g = 10 - g;
COMMIT;
SELECT check_views();
-- a true violation remains one
UPDATE cup SET x = 3 WHERE g IN (4, 5);
SELECT check_views();
DROP TABLE cup, label CASCADE;

-- not populated: reading is an error, filling it brings it back, also through views over it
CREATE MATERIALIZED VIEW later USING tview AS SELECT s, guest FROM seat WITH NO DATA;
SELECT * FROM later;
INSERT INTO seat VALUES (5, 'e');
REFRESH MATERIALIZED VIEW later;
CREATE MATERIALIZED VIEW over_later USING tview AS SELECT count(*) AS n FROM later;
UPDATE seat SET guest = guest || guest;
SELECT check_views();
TABLE over_later;
REFRESH MATERIALIZED VIEW later WITH NO DATA;
SELECT * FROM over_later;
INSERT INTO seat VALUES (6, 'f');
REFRESH MATERIALIZED VIEW later;
REFRESH MATERIALIZED VIEW over_later;
DELETE FROM seat WHERE s = 11;
SELECT check_views();
TABLE over_later;

DROP SCHEMA scenario CASCADE;
