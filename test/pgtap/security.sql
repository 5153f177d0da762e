-- Who may do what, and with whose rights and settings views are maintained.
SET client_min_messages = warning;
BEGIN;
SELECT no_plan();

CREATE ROLE keeper;
CREATE ROLE writer;
CREATE ROLE reader;
CREATE ROLE stranger;
CREATE ROLE table_owner;

-- Run a statement as a role: 'done', or its error.  A refused one leaves nothing behind.
CREATE FUNCTION run_as(role name, statement text, path text DEFAULT 'public') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('SET LOCAL ROLE %I', role);
  EXECUTE format('SET LOCAL search_path = %s', path);
  EXECUTE statement;
  SET LOCAL search_path = public;
  RESET ROLE;
  RETURN 'done';
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE || ' ' || SQLERRM;
END $$;

-- The one value of a query run as a role.
CREATE FUNCTION value_as(role name, query text, path text DEFAULT 'public') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  result text;
BEGIN
  EXECUTE format('SET LOCAL ROLE %I', role);
  EXECUTE format('SET LOCAL search_path = %s', path);
  EXECUTE query INTO result;
  SET LOCAL search_path = public;
  RESET ROLE;
  RETURN result;
EXCEPTION WHEN OTHERS THEN
  RETURN SQLSTATE || ' ' || SQLERRM;
END $$;

-- Differences between a view and its query, seen by the superuser.
CREATE FUNCTION differences(v regclass) RETURNS bigint LANGUAGE sql AS
$$ SELECT count(*) FROM tview.check(v) $$;

CREATE SCHEMA shop AUTHORIZATION table_owner;
CREATE SCHEMA kept AUTHORIZATION keeper;
GRANT USAGE ON SCHEMA shop, kept TO keeper, writer, reader, stranger;
CREATE TABLE shop.item (id int PRIMARY KEY, kind int, amount int, at timestamptz DEFAULT '2024-01-01 12:00+00');
CREATE TABLE shop.secret (password text);
CREATE TABLE shop.booty (what text);
INSERT INTO shop.item VALUES (1, 1, 10), (2, 1, 20), (3, 2, 30);
INSERT INTO shop.secret VALUES ('xyzzy');
ALTER TABLE shop.item OWNER TO table_owner;
ALTER TABLE shop.secret OWNER TO table_owner;
ALTER TABLE shop.booty OWNER TO table_owner;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON shop.item TO writer;
GRANT ALL ON shop.secret, shop.booty TO writer;

--
-- Creating
--
SELECT matches(run_as('keeper', 'CREATE MATERIALIZED VIEW kept.v USING tview AS SELECT id FROM shop.item'),
               '^42501 .*item', 'no right on the table: no view');
-- tview.explain() of a query tells of costs, which come from statistics
CREATE VIEW kept.through AS SELECT id, amount FROM shop.item;
ALTER VIEW kept.through OWNER TO table_owner;
SELECT matches(run_as('keeper', 'SELECT tview.explain($$SELECT id FROM shop.item WHERE amount = 10$$)'),
               '^42501 .*item', 'no right on the table: nothing is explained');
SELECT matches(run_as('keeper', 'SELECT tview.explain($$SELECT (SELECT max(id) FROM shop.item) AS m$$)'),
               '^42501 .*item', 'nor if a subquery reads it');
SELECT matches(run_as('keeper', 'SELECT tview.explain($$SELECT id FROM kept.through$$)'),
               '^42501 .*through', 'nor through a plain view that he may not read');
GRANT SELECT ON kept.through TO keeper;
SELECT is(value_as('keeper', 'SELECT string_agg(value, $$ $$) FROM tview.explain($$SELECT id FROM kept.through$$)'),
          'permission denied for relation "item" 42501 A maintained view adds work to every change of the relations it reads,'
          ' as a trigger does. GRANT TRIGGER ON shop.item TO keeper.', 'through one that he may read, TRIGGER is missing');
GRANT TRIGGER ON shop.item TO keeper;
SELECT is(value_as('keeper', 'SELECT value FROM tview.explain($$SELECT id FROM kept.through$$) WHERE property = $$strategy$$'),
          'delta', 'with it, it is explained');
GRANT SELECT (id) ON shop.item TO keeper;
SELECT is(value_as('keeper', 'SELECT value FROM tview.explain($$SELECT id FROM shop.item$$) WHERE property = $$strategy$$'),
          'delta', 'so is a query of the columns that he may read');
SELECT matches(run_as('keeper', 'SELECT tview.explain($$SELECT id FROM shop.item WHERE amount = 10$$)'),
               '^42501 .*item', 'but not of others');
REVOKE SELECT (id), TRIGGER ON shop.item FROM keeper;
DROP VIEW kept.through;
GRANT SELECT ON shop.item TO keeper;
SELECT matches(run_as('keeper', 'CREATE MATERIALIZED VIEW kept.v USING tview AS SELECT id FROM shop.item'),
               '^42501 .*item', 'SELECT is not enough: a view slows the writers of its tables');
SELECT matches(run_as('keeper', $$ SELECT tview.create('kept.v', 'SELECT id FROM shop.item') $$),
               '^42501 .*item', 'tview.create() asks the same');
SELECT matches(run_as('keeper', $$ DO LANGUAGE tview 'CREATE TVIEW kept.v AS SELECT id FROM shop.item' $$),
               '^42501 .*item', 'and so does CREATE TVIEW');
CREATE VIEW kept.plain AS SELECT id FROM shop.item;
ALTER VIEW kept.plain OWNER TO table_owner;
GRANT SELECT ON kept.plain TO keeper;
SELECT matches(run_as('keeper', 'CREATE MATERIALIZED VIEW kept.v USING tview AS SELECT id FROM kept.plain'),
               '^42501 .*item', 'a plain view in between lends no TRIGGER right');
REVOKE SELECT ON shop.item FROM keeper;
GRANT TRIGGER ON shop.item TO keeper;
SELECT matches(run_as('keeper', 'CREATE MATERIALIZED VIEW kept.v USING tview AS SELECT id FROM shop.item'),
               '^42501 .*item', 'TRIGGER is not enough either');
GRANT SELECT ON shop.item TO keeper;
SELECT matches(run_as('stranger', 'CREATE MATERIALIZED VIEW kept.v USING tview AS SELECT 1 AS one'),
               '^42501 .*kept', 'no right on the schema');

-- functions of the owner of the view: one tells whose rights it has, one tries to abuse others'
SET ROLE keeper;
CREATE FUNCTION kept.who(int) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
$$ BEGIN RETURN current_user; END $$;
CREATE FUNCTION kept.steal(int) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
$$ DECLARE result text; BEGIN
  SELECT password INTO result FROM shop.secret;
  RETURN result;
EXCEPTION WHEN insufficient_privilege THEN
  RETURN 'denied';
END $$;
-- the server allows more to a VOLATILE function that an IMMUTABLE one calls
CREATE FUNCTION kept.try_escalate() RETURNS text LANGUAGE plpgsql AS
$$ DECLARE
  attempt text;
BEGIN
  FOREACH attempt IN ARRAY '{SET ROLE NONE,RESET ROLE,SET SESSION AUTHORIZATION DEFAULT,RESET SESSION AUTHORIZATION}'::text[] LOOP
    BEGIN
      EXECUTE attempt;
      RETURN attempt;
    EXCEPTION WHEN insufficient_privilege THEN NULL;
    END;
  END LOOP;
  RETURN 'restricted';
END $$;
CREATE FUNCTION kept.escalate(int) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
$$ BEGIN RETURN kept.try_escalate(); END $$;
CREATE MATERIALIZED VIEW kept.v USING tview AS
  SELECT id, kind, kept.who(id) AS runs_as, kept.steal(id) AS stolen, kept.escalate(id) AS escalated FROM shop.item;
CREATE MATERIALIZED VIEW kept.totals USING tview AS
  SELECT kind, count(*) AS n, avg(amount) AS mean, max(amount) AS most FROM shop.item GROUP BY kind;
GRANT SELECT ON kept.v, kept.totals TO reader;
RESET ROLE;

--
-- Rights while a view is maintained
--
SELECT is(run_as('writer', 'INSERT INTO shop.item VALUES (4, 2, 40)'), 'done', 'a writer needs no right on the view');
SELECT is(run_as('table_owner', 'INSERT INTO shop.item VALUES (5, 2, 50)'), 'done', 'nor does the owner of the table');
INSERT INTO shop.item VALUES (6, 2, 60);
SELECT is((SELECT string_agg(DISTINCT runs_as, ',') FROM kept.v), 'keeper', 'functions of a view run as its owner, whoever writes');
SELECT is((SELECT string_agg(DISTINCT stolen, ',') FROM kept.v), 'denied', 'and do not have the rights of the writer');
SELECT is((SELECT string_agg(DISTINCT escalated, ',') FROM kept.v), 'restricted', 'nor can they get them');
SELECT is(differences('kept.v') + differences('kept.totals'), 0::bigint, 'the views equal their queries');
SELECT is(run_as('writer', 'UPDATE shop.item SET kind = 3, amount = 5 WHERE id IN (1, 3, 5)'), 'done', 'UPDATE');
SELECT is(run_as('writer', 'DELETE FROM shop.item WHERE id = 2'), 'done', 'DELETE');
SELECT is(differences('kept.v') + differences('kept.totals'), 0::bigint, 'the views equal their queries after UPDATE and DELETE');
SELECT matches(value_as('writer', 'SELECT count(*) FROM kept.v'), '^42501 ', 'a writer of the table may not read the view');
SELECT is(current_user::text, session_user::text, 'the user is who it was');
-- as one that may do anything, and while the owner's rights are in force
SELECT is((SELECT count(*) FROM kept.v WHERE runs_as <> 'keeper' OR stolen <> 'denied' OR escalated <> 'restricted'), 0::bigint,
          'no function got the rights of a superuser');

-- a function that writes, though it says IMMUTABLE
SET ROLE keeper;
CREATE TABLE kept.log (line text);
CREATE FUNCTION kept.write() RETURNS void LANGUAGE plpgsql AS
$$ BEGIN INSERT INTO kept.log VALUES (current_user); END $$;
CREATE FUNCTION kept.writes(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
$$ BEGIN
  IF $1 > 100 THEN
    PERFORM kept.write();
  END IF;
  RETURN $1;
END $$;
CREATE MATERIALIZED VIEW kept.logged USING tview AS SELECT line FROM kept.log;
CREATE MATERIALIZED VIEW kept.writing USING tview AS SELECT kept.writes(id) AS x FROM shop.item;
CREATE FUNCTION kept.plant() RETURNS void LANGUAGE plpgsql AS
$$ BEGIN CREATE TEMP TABLE planted (x int); END $$;
CREATE FUNCTION kept.plants(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
$$ BEGIN
  IF $1 > 100 THEN
    PERFORM kept.plant();
  END IF;
  RETURN $1;
END $$;
CREATE MATERIALIZED VIEW kept.planting USING tview AS SELECT kept.plants(id) AS x FROM shop.item;
RESET ROLE;
SELECT matches(run_as('writer', 'INSERT INTO shop.item VALUES (101, 1, 1)'), '^(55006|42501) ',
             'no temporary table in the session of the writer');
DROP MATERIALIZED VIEW kept.planting;
SELECT matches(run_as('writer', 'INSERT INTO shop.item VALUES (101, 1, 1)'), '^55[0-9A-Z]{3} |^done$', 'a write to the table of a view from within');
SELECT is(differences('kept.logged') + differences('kept.writing') + differences('kept.v'), 0::bigint, 'leaves no view that differs');
DROP MATERIALIZED VIEW kept.logged, kept.writing;
DELETE FROM shop.item WHERE id = 101;

-- the owner loses its right
REVOKE SELECT ON shop.item FROM keeper;
SELECT matches(run_as('writer', 'INSERT INTO shop.item VALUES (7, 7, 7)'), '^42501 .*item', 'the owner has lost its right: an error');
GRANT SELECT ON shop.item TO keeper;
SELECT is(run_as('writer', 'INSERT INTO shop.item VALUES (8, 8, 8)'), 'done', 'the owner has its right again');
SELECT is(differences('kept.v') + differences('kept.totals'), 0::bigint, 'the views equal their queries');

--
-- Names
--
CREATE SCHEMA evil AUTHORIZATION writer;
SET ROLE writer;
CREATE FUNCTION evil.count(anyelement) RETURNS bigint LANGUAGE sql AS 'SELECT 666::bigint';
CREATE FUNCTION evil.trap(int, int) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped as %', current_user; END $$;
CREATE FUNCTION evil.trap8(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped as %', current_user; END $$;
CREATE FUNCTION evil.plus(int, int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped as %', current_user; END $$;
CREATE FUNCTION evil.plus8(bigint, bigint) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped as %', current_user; END $$;
CREATE OPERATOR evil.= (LEFTARG = int, RIGHTARG = int, FUNCTION = evil.trap);
CREATE OPERATOR evil.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = evil.trap8);
CREATE OPERATOR evil.<> (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = evil.trap8);
CREATE OPERATOR evil.+ (LEFTARG = int, RIGHTARG = int, FUNCTION = evil.plus);
CREATE OPERATOR evil.+ (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = evil.plus8);
CREATE FUNCTION evil.who(int) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'evil' $$;
CREATE FUNCTION evil.row_hash(record) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN 1; END';
CREATE FUNCTION evil.abs(bigint) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped as %', current_user; END $$;
CREATE FUNCTION evil.sum(int) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped as %', current_user; END $$;
GRANT USAGE ON SCHEMA evil TO PUBLIC;
RESET ROLE;
SET ROLE keeper;
CREATE FUNCTION kept.unqualified(int) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
$$ BEGIN RETURN CASE WHEN $1 = 10 + 1 THEN current_setting('search_path') END; END $$;
CREATE MATERIALIZED VIEW kept.names USING tview AS
  SELECT i.kind + 1 AS k, count(*) AS n, sum(i.amount + 1) AS total, max(kept.unqualified(i.id)) AS path
    FROM shop.item i JOIN shop.item j ON i.id = j.id GROUP BY i.kind;
RESET ROLE;
\set path '''evil, public, pg_catalog'''
SELECT is(run_as('writer', 'INSERT INTO shop.item VALUES (11, 1, 10), (12, 2, 20)', :path), 'done', 'planted operators: INSERT');
SELECT is(run_as('writer', 'UPDATE shop.item SET amount = 11, kind = 5 WHERE id OPERATOR(pg_catalog.=) 11', :path), 'done', 'planted operators: UPDATE');
SELECT is(run_as('writer', 'DELETE FROM shop.item WHERE id OPERATOR(pg_catalog.=) 12', :path), 'done', 'planted operators: DELETE');
SELECT is(run_as('keeper', 'REFRESH MATERIALIZED VIEW kept.totals', :path), 'done', 'planted operators: REFRESH');
SELECT is(run_as('keeper', 'REFRESH MATERIALIZED VIEW CONCURRENTLY kept.totals', :path), 'done', 'planted operators: REFRESH CONCURRENTLY');
SELECT is(value_as('keeper', 'SELECT relation FROM tview.check($$kept.names$$)', :path), NULL, 'planted operators: tview.check()');
SELECT isnt(value_as('keeper', 'SELECT property FROM tview.explain($$kept.names$$)', :path), NULL, 'planted operators: tview.explain()');
SELECT matches(run_as('stranger', 'SELECT tview.explain($$kept.names$$)', :path), '^42501 .*names', 'nothing is explained to strangers');
SELECT is(value_as('keeper', 'SELECT owner FROM tview.views WHERE view OPERATOR(pg_catalog.=) $$kept.names$$::regclass', :path), 'keeper',
          'planted operators: tview.views');
SELECT is((SELECT string_agg(DISTINCT path, '; ') FROM kept.names WHERE path <> ''), 'pg_catalog, pg_temp',
          'functions of a view run with a fixed search_path');
SELECT is(differences('kept.names') + differences('kept.v'), 0::bigint, 'planted operators: the views equal their queries');
SELECT is(run_as('keeper', 'CREATE MATERIALIZED VIEW kept.filled USING tview AS SELECT id, kept.unqualified(id) AS path FROM shop.item', :path),
          'done', 'a view is created under another search_path');
SELECT is((SELECT path FROM kept.filled WHERE id = 11), 'pg_catalog, pg_temp', 'CREATE fills it under the fixed search_path');
SELECT is(run_as('keeper', 'REFRESH MATERIALIZED VIEW filled', 'evil, kept'), 'done', 'and REFRESH finds it by the session''s');
SELECT is((SELECT path FROM kept.filled WHERE id = 11), 'pg_catalog, pg_temp', 'and fills it under the fixed one');
SELECT is(run_as('keeper', 'DROP MATERIALIZED VIEW kept.filled'), 'done', 'it is dropped');
SELECT is(run_as('keeper', 'EXPLAIN ANALYZE CREATE MATERIALIZED VIEW kept.filled USING tview AS SELECT id, kept.unqualified(id) AS path FROM shop.item', 'kept'),
          'done', 'a view is created by EXPLAIN under another search_path');
SELECT is((SELECT path FROM kept.filled WHERE id = 11), 'pg_catalog, pg_temp', 'and filled under the fixed one');
SELECT is(differences('kept.filled'), 0::bigint, 'it equals its query');
SELECT is(run_as('keeper', 'DROP MATERIALIZED VIEW kept.filled'), 'done', 'it is dropped');
DROP SCHEMA evil CASCADE;

-- the temporary schema of the writer
SET ROLE writer;
CREATE FUNCTION pg_temp.who(int) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'temp' $$;
CREATE TEMP TABLE item (id int, kind int, amount int);
CREATE TEMP TABLE secret (password text);
INSERT INTO item VALUES (1000, 1000, 1000);
RESET ROLE;
SELECT is(run_as('writer', 'INSERT INTO shop.item VALUES (13, 1, 10)'), 'done', 'temporary tables of the same names');
SELECT is((SELECT runs_as FROM kept.v WHERE id = 13), 'keeper', 'temporary functions of the same names');
SELECT is(differences('kept.v') + differences('kept.totals') + differences('kept.names'), 0::bigint, 'the views equal their queries');

--
-- Row security
--
CREATE TABLE shop.rows (id int PRIMARY KEY, owner text);
INSERT INTO shop.rows VALUES (1, 'keeper'), (2, 'writer');
ALTER TABLE shop.rows OWNER TO table_owner;
GRANT SELECT, TRIGGER ON shop.rows TO keeper;
GRANT ALL ON shop.rows TO writer;
SELECT is(run_as('table_owner', 'ALTER TABLE shop.rows ENABLE ROW LEVEL SECURITY'), 'done', 'row security is enabled');
SELECT is(run_as('table_owner', 'CREATE POLICY own ON shop.rows USING (owner = current_user)'), 'done', 'with a policy');
SELECT matches(run_as('keeper', 'CREATE MATERIALIZED VIEW kept.secured USING tview AS SELECT id FROM shop.rows'),
               '^(0A000|42501|55000) .*row', 'a table with row security in force for the owner is refused');
GRANT USAGE, CREATE ON SCHEMA kept TO table_owner;
SELECT is(run_as('table_owner', 'CREATE MATERIALIZED VIEW kept.secured USING tview AS SELECT id FROM shop.rows'), 'done',
          'not for the owner of the table, who bypasses it');
SELECT is(run_as('writer', $$ INSERT INTO shop.rows VALUES (3, 'writer') $$), 'done', 'a writer under row security');
SELECT is((SELECT count(*) FROM kept.secured), 3::bigint, 'all rows arrive');
SELECT is(run_as('table_owner', 'ALTER TABLE shop.rows FORCE ROW LEVEL SECURITY'), 'done', 'row security comes into force later');
SELECT is(run_as('writer', $$ INSERT INTO shop.rows VALUES (4, 'writer') $$), 'done', 'writers go on');
SELECT alike(value_as('table_owner', 'SELECT count(*) FROM kept.secured'), '55000 %not been populated',
             'but the view cannot be read any more');
SELECT is(run_as('table_owner', 'ALTER TABLE shop.rows NO FORCE ROW LEVEL SECURITY'), 'done', 'and is not in force any more');
DROP MATERIALIZED VIEW kept.secured;
ALTER TABLE shop.rows DISABLE ROW LEVEL SECURITY;
SELECT is(run_as('keeper', 'CREATE MATERIALIZED VIEW kept.secured USING tview AS SELECT id FROM shop.rows'), 'done', 'without row security');
ALTER TABLE shop.rows ENABLE ROW LEVEL SECURITY;
SELECT is(run_as('writer', $$ INSERT INTO shop.rows VALUES (5, 'writer') $$), 'done', 'row security enabled under a view: writers go on');
SELECT alike(value_as('keeper', 'SELECT max(id) FROM kept.secured'), '55000 %not been populated', 'but the view cannot be read any more');
DROP MATERIALIZED VIEW kept.secured;

--
-- What users may not do
--
SELECT matches(run_as('keeper', 'INSERT INTO kept.totals VALUES (1, 1, 1, 1)'), '^42809 ', 'INSERT into the view, by its owner');
SELECT matches(run_as('keeper', 'UPDATE kept.totals SET n = 0'), '^42809 ', 'UPDATE of the view');
SELECT matches(run_as('keeper', 'DELETE FROM kept.totals'), '^42809 ', 'DELETE from the view');
SELECT matches(run_as('keeper', 'TRUNCATE kept.totals'), '^42809 ', 'TRUNCATE of the view');
SELECT matches(run_as('keeper', 'COPY kept.totals FROM PROGRAM $$true$$'), '^(42809|42501) ', 'COPY into the view');
SELECT matches(run_as(session_user::name, 'UPDATE kept.totals SET n = 0'), '^42809 ', 'UPDATE of the view, by a superuser');
SELECT matches(run_as('keeper', 'CREATE TRIGGER t AFTER INSERT ON kept.totals EXECUTE FUNCTION tview.capture()'), '^(42809|42501) ',
               'a trigger on the view');
SELECT matches(run_as('table_owner', 'CREATE TRIGGER t AFTER INSERT ON shop.item FOR EACH STATEMENT EXECUTE FUNCTION tview.capture()'), '^42501 ',
               'the trigger function is not for users');
SELECT matches(run_as('reader', 'REFRESH MATERIALIZED VIEW kept.totals'), '^42501 ', 'REFRESH by a reader');
SELECT matches(run_as('reader', 'DROP MATERIALIZED VIEW kept.totals'), '^42501 ', 'DROP by a reader');
SELECT matches(run_as('writer', 'REFRESH MATERIALIZED VIEW kept.totals WITH NO DATA'), '^42501 ', 'REFRESH by a writer');
SELECT matches(run_as('writer', $$ DO LANGUAGE tview 'DROP TVIEW kept.totals' $$), '^42501 ', 'DROP TVIEW by a writer');
SELECT matches(run_as('reader', $$ SELECT tview.check('kept.totals') $$), '^42501 ', 'tview.check() by a reader');
SELECT matches(run_as('reader', $$ SECURITY LABEL FOR tview ON MATERIALIZED VIEW kept.totals IS 'mode=deferred' $$), '^42501 ',
               'options set by a reader');
SELECT matches(run_as('keeper', $$ SECURITY LABEL FOR tview ON MATERIALIZED VIEW kept.totals IS 'TimeZone=UTC; search_path=evil' $$), '^(55000|22023) ',
               'options set on a populated view');
SELECT matches(run_as('keeper', $$ SECURITY LABEL FOR tview ON MATERIALIZED VIEW kept.totals IS 'session_preload_libraries=evil' $$), '^(55000|22023) ',
               'an option that is none');
SELECT matches(run_as('keeper', $$ SECURITY LABEL FOR tview ON TABLE kept.log IS 'mode=deferred' $$), '^42809 ', 'options of a table');

-- a reader reads the view and nothing else
SELECT is(value_as('reader', 'SELECT count(*) > 0 FROM kept.totals'), 'true', 'a reader reads the view');
SELECT matches(value_as('reader', 'SELECT count(*) FROM shop.item'), '^42501 ', 'not its tables');
SELECT matches(value_as('stranger', 'SELECT count(*) FROM kept.totals'), '^42501 ', 'a stranger does not');
SELECT is(value_as('stranger', 'SELECT count(*) FROM tview.views'), value_as('keeper', 'SELECT count(*) FROM tview.views'),
          'everybody sees which views there are, as in the catalogs');

-- state and catalog tables
SELECT isnt_empty('SELECT FROM tview.state WHERE view = $$kept.totals$$::regclass', 'there is hidden state');
SELECT state::regclass::text AS state FROM tview.state WHERE view = 'kept.totals'::regclass LIMIT 1 \gset
CREATE TEMP TABLE state_name AS SELECT :'state'::text AS name;
SELECT matches(run_as(r, format(s, (SELECT name FROM state_name))), '^42501 ', format(s, 'state') || ' by ' || r)
  FROM unnest('{keeper,writer,stranger}'::name[]) r,
       unnest('{"SELECT count(*) FROM %s","DELETE FROM %s","TRUNCATE %s","DROP TABLE %s","ALTER TABLE %s ADD x int","LOCK TABLE %s"}'::text[]) s;
SELECT matches(run_as(r, format(s, t)), '^42501 ', format(s, t) || ' by ' || r)
  FROM unnest('{keeper,writer}'::name[]) r, unnest('{view,input,state}'::text[]) t,
       unnest('{"DELETE FROM tview.%s","TRUNCATE tview.%s","UPDATE tview.%1$s SET view = 0","INSERT INTO tview.%1$s SELECT * FROM tview.%1$s"}'::text[]) s;
SELECT matches(run_as('stranger', 'CREATE TABLE tview.mine (x int)'), '^42501 ', 'no table in the schema of the extension');

-- ownership goes to another role
GRANT CREATE ON SCHEMA kept TO reader;
SELECT matches(run_as('keeper', 'ALTER MATERIALIZED VIEW kept.v OWNER TO reader'), '^42501 ', 'a view cannot be given to others');
ALTER MATERIALIZED VIEW kept.totals OWNER TO reader;
SELECT matches(run_as('writer', 'INSERT INTO shop.item VALUES (14, 14, 14)'), '^42501 .*item', 'an owner without a right on the table: an error');
ALTER MATERIALIZED VIEW kept.totals OWNER TO keeper;
SELECT is(run_as('writer', 'INSERT INTO shop.item VALUES (15, 15, 15)'), 'done', 'the old owner');
SELECT is(differences('kept.totals'), 0::bigint, 'the view equals its query');

--
-- Settings
--
SET LOCAL TimeZone = 'Asia/Kolkata';
SET LOCAL DateStyle = 'German, DMY';
SET LOCAL IntervalStyle = 'iso_8601';
SET LOCAL extra_float_digits = 1;
SET LOCAL bytea_output = 'hex';
SET ROLE keeper;
CREATE MATERIALIZED VIEW kept.texts USING tview AS
  SELECT id, at::text AS shown, to_json(at)::text AS json, date_trunc('day', at) AS day, (at - '2023-12-31 00:00+00')::text AS since,
         (amount / 3.0::float8)::text AS third, decode(md5(id::text), 'hex')::text AS bytes
    FROM shop.item;
RESET ROLE;
SET LOCAL TimeZone = 'America/New_York';
SET LOCAL DateStyle = 'SQL, MDY';
SET LOCAL IntervalStyle = 'sql_standard';
SET LOCAL extra_float_digits = -5;
SET LOCAL bytea_output = 'escape';
SELECT is(run_as('writer', 'INSERT INTO shop.item VALUES (21, 1, 10)'), 'done', 'a writer with other settings');
SELECT is(current_setting('TimeZone') || current_setting('DateStyle'), 'America/New_YorkSQL, MDY', 'keeps them');
SELECT is((SELECT ROW(shown, json, since)::text FROM kept.texts WHERE id = 21), (SELECT ROW(shown, json, since)::text FROM kept.texts WHERE id = 1),
          'the same row is rendered the same');
SELECT is((SELECT shown || ' ' || since FROM kept.texts WHERE id = 21), '01.01.2024 17:30:00 IST P1DT12H', 'by the settings of the view');
SELECT is((SELECT (day AT TIME ZONE 'UTC')::time FROM kept.texts WHERE id = 21), '18:30'::time, 'days begin where the view has them begin');
SELECT is(run_as('writer', 'UPDATE shop.item SET at = at WHERE id = 21; UPDATE shop.item SET at = at + $$1 day$$ WHERE id = 1'), 'done', 'UPDATE with other settings');
SELECT is(differences('kept.texts'), 0::bigint, 'the view equals its query');
-- a setting that errors out in the middle leaves the writer's settings
SELECT matches(run_as('writer', 'INSERT INTO shop.item VALUES (21, 1, 10)'), '^23505 ', 'a failed statement');
SELECT is(current_setting('TimeZone') || current_setting('DateStyle'), 'America/New_YorkSQL, MDY', 'leaves the settings');

SELECT * FROM finish();
ROLLBACK;
