-- Data definitions that are rolled back, in sessions that have not used the views before: what such a session learns of
-- views within the transaction does not hold after it.
CREATE EXTENSION pg_tviews;
SET client_min_messages = warning;
CREATE SCHEMA rolled_back;
SET search_path = rolled_back;
CREATE TABLE item (id int PRIMARY KEY, g int);
CREATE TABLE part (id int, k int) PARTITION BY LIST (k);
CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1);
CREATE TABLE part_2 PARTITION OF part FOR VALUES IN (2);
CREATE TABLE parent (id int);
CREATE TABLE child () INHERITS (parent);
INSERT INTO item VALUES (-5, 0), (-22, 0), (-7, 1);
CREATE MATERIALIZED VIEW least USING tview AS SELECT g, min(id) AS m FROM item GROUP BY g;
CREATE MATERIALIZED VIEW named USING tview AS SELECT m, 'group ' || g AS name FROM least;
CREATE MATERIALIZED VIEW per_group USING tview AS SELECT g, count(*) FROM item GROUP BY g;
CREATE MATERIALIZED VIEW parts USING tview AS SELECT k, count(*) FROM part GROUP BY k;
CREATE MATERIALIZED VIEW parents USING tview AS SELECT id FROM parent;
CREATE MATERIALIZED VIEW empty USING tview AS SELECT id FROM item WITH NO DATA;
CREATE SEQUENCE written;
CREATE PROCEDURE write() LANGUAGE plpgsql AS $$
DECLARE n int := nextval('rolled_back.written');
BEGIN
  INSERT INTO rolled_back.item VALUES (-100 - n, 0), (100 + n, n % 3);
  INSERT INTO rolled_back.part VALUES (n, 1), (n, 2);
  INSERT INTO rolled_back.parent VALUES (n);
  INSERT INTO rolled_back.child VALUES (n);
END $$;
CREATE FUNCTION wrong() RETURNS TABLE (view name, difference text, content text) LANGUAGE plpgsql AS $$
DECLARE name name;
BEGIN
  FOR name IN SELECT relname FROM pg_class JOIN pg_am a ON a.oid = relam
    WHERE amname = 'tview' AND relkind = 'm' AND relispopulated ORDER BY relname LOOP
    RETURN QUERY SELECT name, c.difference, c.content FROM tview.check(('rolled_back.' || name)::regclass) c;
  END LOOP;
END $$;

\c -
SET search_path = rolled_back; SET client_min_messages = warning;
BEGIN;
DROP MATERIALIZED VIEW named;
CALL write();
ROLLBACK;
CALL write();
SELECT * FROM wrong();

\c -
SET search_path = rolled_back; SET client_min_messages = warning;
BEGIN;
DROP MATERIALIZED VIEW per_group;
CALL write();
ROLLBACK;
CALL write();
SELECT * FROM wrong();

\c -
SET search_path = rolled_back; SET client_min_messages = warning;
BEGIN;
DROP MATERIALIZED VIEW least CASCADE;
CALL write();
ROLLBACK;
CALL write();
SELECT * FROM wrong();

\c -
SET search_path = rolled_back; SET client_min_messages = warning;
BEGIN;
DROP MATERIALIZED VIEW parts;
CALL write();
ROLLBACK;
CALL write();
SELECT * FROM wrong();

\c -
SET search_path = rolled_back; SET client_min_messages = warning;
BEGIN;
DROP MATERIALIZED VIEW parents;
CALL write();
ROLLBACK;
CALL write();
SELECT * FROM wrong();

\c -
SET search_path = rolled_back; SET client_min_messages = warning;
BEGIN;
DROP EXTENSION pg_tviews CASCADE;
CALL write();
ROLLBACK;
CALL write();
SELECT * FROM wrong();

\c -
SET search_path = rolled_back; SET client_min_messages = warning;
BEGIN;
REFRESH MATERIALIZED VIEW least;
CALL write();
ROLLBACK;
CALL write();
SELECT * FROM wrong();

\c -
SET search_path = rolled_back; SET client_min_messages = warning;
BEGIN;
REFRESH MATERIALIZED VIEW least WITH NO DATA;
CALL write();
ROLLBACK;
CALL write();
SELECT * FROM wrong();

\c -
SET search_path = rolled_back; SET client_min_messages = warning;
BEGIN;
REFRESH MATERIALIZED VIEW empty;
CALL write();
ROLLBACK;
CALL write();
SELECT * FROM wrong();

\c -
SET search_path = rolled_back; SET client_min_messages = warning;
BEGIN;
CREATE MATERIALIZED VIEW more USING tview AS SELECT m, count(*) FROM named GROUP BY m;
CALL write();
ROLLBACK;
CALL write();
SELECT * FROM wrong();

\c -
SET search_path = rolled_back; SET client_min_messages = warning;
BEGIN;
ALTER TABLE item DROP CONSTRAINT item_pkey;
CALL write();
ROLLBACK;
CALL write();
SELECT * FROM wrong();

\c -
SET search_path = rolled_back; SET client_min_messages = warning;
BEGIN;
ALTER TABLE part DETACH PARTITION part_2;
CALL write();
ROLLBACK;
CALL write();
SELECT * FROM wrong();

\c -
SET search_path = rolled_back; SET client_min_messages = warning;
BEGIN;
ALTER TABLE child NO INHERIT parent;
CALL write();
ROLLBACK;
CALL write();
SELECT * FROM wrong();

\c -
SET search_path = rolled_back; SET client_min_messages = warning;
BEGIN;
SELECT tview.set('per_group', mode => 'deferred');
CALL write();
ROLLBACK;
CALL write();
SELECT * FROM wrong();

\c -
SET search_path = rolled_back; SET client_min_messages = warning;
BEGIN;
TRUNCATE item;
CALL write();
ROLLBACK;
CALL write();
SELECT * FROM wrong();

-- an error after the rows of a statement were changed, but before it ended: the
-- trailer of the format is one byte too many for the file's buffer
CREATE TABLE exported (id int PRIMARY KEY, x text);
CREATE MATERIALIZED VIEW exports USING tview AS SELECT id, upper(x) AS x FROM exported;
DO $$
BEGIN
    BEGIN
        EXECUTE $q$
            COPY (INSERT INTO exported VALUES (1, repeat('x', 2000)), (2, repeat('y', 2065)) RETURNING x)
            TO '/dev/full' (FORMAT binary)
        $q$;
    EXCEPTION WHEN OTHERS THEN
        RAISE NOTICE 'not exported';
    END;
    PERFORM count(*) FROM pg_class a JOIN pg_class b ON a.relname < b.relname;
    PERFORM FROM exports;
    INSERT INTO exported VALUES (3, 'a'), (4, 'b');
    PERFORM FROM exports;
    UPDATE exported SET x = 'c' WHERE id = 3;
END
$$;
SELECT * FROM exports ORDER BY id;
SELECT * FROM tview.check('exports');

SET client_min_messages = warning;
DROP SCHEMA rolled_back CASCADE;
