-- Foreign key actions: rows that one statement changes several times
CREATE EXTENSION pg_tviews;

CREATE TABLE place (id int PRIMARY KEY);
INSERT INTO place SELECT generate_series(1, 200);
CREATE TABLE trip (id int PRIMARY KEY, a int REFERENCES place ON UPDATE CASCADE ON DELETE SET NULL,
                   b int REFERENCES place ON UPDATE CASCADE ON DELETE SET NULL, t text);
INSERT INTO trip SELECT i, 1 + i % 100, 1 + i % 100, 'trip ' || i FROM generate_series(1, 200) i;
-- the key of its rows is made of what actions change
CREATE TABLE leg (a int REFERENCES place ON UPDATE CASCADE, b int REFERENCES place ON UPDATE CASCADE,
                  t text, PRIMARY KEY (a, b));
INSERT INTO leg SELECT i, i, 'leg ' || i FROM generate_series(1, 100) i;
-- refers to itself
CREATE TABLE person (id int PRIMARY KEY, boss int REFERENCES person ON UPDATE CASCADE, t text);
INSERT INTO person SELECT i, 1 + i / 10, 'person ' || i FROM generate_series(1, 100) i;
-- rows are delivered one by one
CREATE TABLE stay (id int PRIMARY KEY, a int REFERENCES place ON UPDATE CASCADE ON DELETE SET NULL,
                   b int REFERENCES place ON UPDATE CASCADE ON DELETE SET NULL, t text)
    PARTITION BY RANGE (id);
CREATE TABLE stay_1 PARTITION OF stay FOR VALUES FROM (0) TO (50);
CREATE TABLE stay_2 PARTITION OF stay FOR VALUES FROM (50) TO (1000);
INSERT INTO stay SELECT i, i, i, 'stay ' || i FROM generate_series(1, 100) i;

CREATE MATERIALIZED VIEW trips USING tview AS SELECT id, a, b, t FROM trip;
CREATE MATERIALIZED VIEW trip_texts USING tview AS SELECT id, upper(t || a) AS ta, upper(t || b) AS tb FROM trip;
CREATE MATERIALIZED VIEW trip_extremes USING tview AS
    SELECT a, min(b) AS low, max(b) AS high, count(*) AS n FROM trip GROUP BY a;
CREATE MATERIALIZED VIEW legs USING tview AS SELECT a, b, upper(t) AS t FROM leg;
CREATE MATERIALIZED VIEW people USING tview AS
    SELECT p.id, b.id AS boss, upper(p.t || b.t) AS t FROM person p LEFT JOIN person b ON b.id = p.boss;
CREATE MATERIALIZED VIEW stays USING tview AS SELECT id, a, b, upper(t || a) AS t FROM stay;
CREATE MATERIALIZED VIEW leg_stays USING tview AS
    SELECT l.a, l.b, s.id, upper(l.t || s.t) AS t FROM leg l JOIN stay s ON s.a = l.a AND s.b = l.b;
CREATE FUNCTION differences() RETURNS TABLE (view regclass, n bigint) LANGUAGE sql AS $$
    SELECT c.oid::regclass, (SELECT count(*) FROM tview.check(c.oid::regclass))
    FROM pg_class c JOIN pg_am a ON a.oid = c.relam WHERE a.amname = 'tview' AND c.relkind = 'm' ORDER BY c.relname
$$;

UPDATE place SET id = id + 1000 WHERE id = 3;
UPDATE place SET id = id + 1000 WHERE id < 90;
UPDATE person SET id = id + 1000;
UPDATE person SET id = id + 1000 WHERE id = 1001;
SELECT * FROM differences();

-- a session that had not loaded the library when the statement began
\c
UPDATE place SET id = id + 1000;
\c
UPDATE person SET id = id - 1000 WHERE id = 2001;
SELECT * FROM differences();

DROP TABLE leg CASCADE;
DELETE FROM place WHERE id = 2050;
DELETE FROM place WHERE id BETWEEN 2040 AND 2095;
\c
DELETE FROM place;
SELECT * FROM differences();
SELECT count(*), count(a), count(b) FROM trips;

-- deferred
SELECT tview.set('trips', mode => 'deferred');
INSERT INTO place SELECT generate_series(1, 200);
UPDATE trip SET a = 1 + id % 100, b = 1 + id % 100;
BEGIN;
UPDATE place SET id = id + 1000;
UPDATE place SET id = id - 1000 WHERE id > 1010;
COMMIT;
SELECT * FROM differences();
