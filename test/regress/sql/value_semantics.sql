--
-- Types whose equality, order or text is peculiar: as group keys, in DISTINCT, joins, extremes, set operations.
--
-- Where equal values have several images, the server may show any of those there are.  So a view is
-- compared with its query by the types' equality, and each value it shows must be, image by image, one
-- of the table's.
--
\set ECHO none
SET client_min_messages = warning;
CREATE EXTENSION pg_tviews;
CREATE EXTENSION citext;
CREATE EXTENSION hstore;
SET TimeZone = 'UTC';
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TYPE pair AS (x int, y text);
CREATE TYPE money_pair AS (a numeric, b citext);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN amount AS numeric;
CREATE DOMAIN ci AS citext;
CREATE COLLATION ignore_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE COLLATION german (provider = icu, locale = 'de');

CREATE TABLE sample (type text PRIMARY KEY, image text[]);
-- values in pairs of equal ones where there are any
INSERT INTO sample VALUES
  ('numeric',           '{1.0,1.00,NaN,NaN,Infinity,-Infinity,0,-0.0,100,1e2,NULL}'),
  ('numeric(6,2)',      '{1.0,1.00,NaN,0,-0.0,99.999,NULL}'),
  ('float8',            '{0,-0,NaN,NaN,Infinity,-Infinity,1e300,1,NULL}'),
  ('citext',            '{abc,ABC,Abc,b,B,"",NULL}'),
  ('text COLLATE ignore_case', '{abc,ABC,Abc,b,B,"",NULL}'),
  ('varchar(5) COLLATE ignore_case', '{abc,ABC,Abc,b,B,"",NULL}'),
  ('text COLLATE german', '{abc,ABC,Abc,b,"ä",z,NULL}'),
  ('text COLLATE "C"',  '{abc,ABC,"é",b,B,"",NULL}'),
  ('char(4)',           '{a,"a ",ab,"",NULL}'),
  ('bpchar',            '{a,"a ","a  ",ab,"",NULL}'),
  ('"char"',            '{a,b,NULL}'),
  ('interval',          '{"1 mon","30 days","720:00","1 day","24:00",0,NULL}'),
  ('timestamptz',       '{"2024-01-01 00:00+00","2024-01-01 01:00+01",infinity,-infinity,NULL}'),
  ('timetz',            '{"12:00+00","13:00+01",NULL}'),
  ('date',              '{2024-01-01,infinity,-infinity,NULL}'),
  ('jsonb',             '{1.0,1.00,"{\"a\": 1.0}","{\"a\": 1.00}","[1, 2]",null,NULL}'),
  ('mood',              '{happy,sad,ok,sad,NULL}'),
  ('positive',          '{1,2,NULL}'),
  ('amount',            '{1,1.0,2,NULL}'),
  ('pair',              '{"(1,a)","(1,)","(,a)","(,)",NULL}'),
  ('money_pair',        '{"(1.0,a)","(1.00,A)","(,)",NULL}'),
  ('numeric[]',         '{"{1.0,2}","{1.00,2}","{}","{NULL}","{{1},{2}}","[0:1]={1.0,2}",NULL}'),
  ('citext[]',          '{"{a,B}","{A,b}",NULL}'),
  ('pair[]',            '{"{\"(1,a)\"}","{\"(1,)\",NULL}",NULL}'),
  ('int4range',         '{"[1,5)","[1,4]",empty,"(,)",NULL}'),
  ('numrange',          '{"[1.0,5)","[1.00,5.0)",empty,"(,)",NULL}'),
  ('nummultirange',     '{"{[1.0,5),[7,8]}","{[1.00,5.0),[7,8.0]}","{}",NULL}'),
  ('inet',              '{10.0.0.1,10.0.0.1/32,10.0.0.0/8,::1,NULL}'),
  ('bit varying',       '{101,1010,"",NULL}'),
  ('bytea',             '{"\\\\x01","\\\\x0100","",NULL}'),
  ('money',             '{1.00,-1.00,NULL}'),
  ('tsvector',          '{"a b","a:1",NULL}'),
  ('hstore',            '{"a=>1","a=>2","",NULL}'),
\set VERBOSITY terse

-- The view's rows and its query's, by equality; images of the table only.
CREATE FUNCTION compare(view regclass, query text, key text) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  n int;
BEGIN
  EXECUTE format('SELECT count(*) FROM ((TABLE %s EXCEPT ALL (%s)) UNION ALL ((%2$s) EXCEPT ALL TABLE %1$s)) d', view, query) INTO n;
  IF n = 0 AND key IS NOT NULL THEN
    EXECUTE format('SELECT count(*) FROM %s WHERE %2$s IS DISTINCT FROM NULL AND %2$s::text NOT IN (SELECT c::text FROM a WHERE c IS DISTINCT FROM NULL UNION ALL SELECT c::text FROM b WHERE c IS DISTINCT FROM NULL)', view, key) INTO n;
  END IF;
  RETURN n;
END $$;

CREATE FUNCTION try(type text, images text[]) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  def record;
  step text;
  made text[] = '{}';
  bad text[] = '{}';
BEGIN
  EXECUTE format('CREATE TABLE a (id int PRIMARY KEY, g int, c %s)', type);
  EXECUTE format('CREATE TABLE b (id int, c %s)', type);
  FOR def IN SELECT * FROM (VALUES
      ('grouped',  'SELECT c, count(*) AS n FROM a GROUP BY c', 'c'),
      ('filtered', 'SELECT c, sum(g) AS s FROM a GROUP BY c HAVING count(*) > 1', 'c'),
      ('rolled',   'SELECT c, g, count(*) AS n FROM a GROUP BY ROLLUP (c, g)', 'c'),
      ('distincts','SELECT DISTINCT c FROM a', 'c'),
      ('bag',      'SELECT c FROM a WHERE g < 2', 'c'),
      ('united',   'SELECT c FROM a UNION SELECT c FROM b', 'c'),
      ('common',   'SELECT c FROM a INTERSECT SELECT c FROM b', 'c'),
      ('common_all', 'SELECT c FROM a INTERSECT ALL SELECT c FROM b', 'c'),
      ('without',  'SELECT c FROM a EXCEPT SELECT c FROM b', 'c'),
      ('without_all', 'SELECT c FROM a EXCEPT ALL SELECT c FROM b', 'c'),
      ('joined',   'SELECT a.id, b.id AS other, a.c FROM a JOIN b ON a.c = b.c', 'c'),
      ('joined_group', 'SELECT b.id, q.n FROM b JOIN (SELECT c, count(*) AS n FROM a GROUP BY c) q ON q.c = b.c', NULL),
      ('outer_joined', 'SELECT a.id, b.id AS other FROM a LEFT JOIN b ON a.c = b.c', NULL),
      ('inside',   'SELECT id FROM a WHERE c IN (SELECT c FROM b)', NULL),
      ('not_exists', 'SELECT id FROM a WHERE NOT EXISTS (SELECT FROM b WHERE b.c = a.c)', NULL),
      ('ranked',   'SELECT id, rank() OVER (ORDER BY c) AS r, count(*) OVER (PARTITION BY c) AS n FROM a', NULL),
      ('counted',  'SELECT g, count(DISTINCT c) AS n, count(c) AS m FROM a GROUP BY g', NULL),
      ('extremes', 'SELECT g, min(c) AS lo, max(c) AS hi FROM a GROUP BY g', 'lo'),
      ('lists',    'SELECT g, jsonb_agg(c ORDER BY id) AS l FROM a GROUP BY g', NULL)) v(name, query, key)
  LOOP
    BEGIN
      EXECUTE format('CREATE MATERIALIZED VIEW %s USING tview AS %s', def.name, def.query);
      made := made || ARRAY[def.name, def.query, def.key];
    EXCEPTION WHEN feature_not_supported OR undefined_function THEN
      bad := bad || (def.name || ' ' || SQLSTATE);
    END;
  END LOOP;

  FOREACH step IN ARRAY ARRAY[
      format('INSERT INTO a SELECT i, i %% 3, v::%s FROM unnest(%L::text[]) WITH ORDINALITY s(v, i)', regexp_replace(type, ' COLLATE.*', ''), images),
      'INSERT INTO b SELECT id, c FROM a WHERE id % 2 = 0',
      'INSERT INTO a SELECT id + 100, g, c FROM a',
      'INSERT INTO b SELECT id, c FROM a WHERE id % 3 = 0',
      'DELETE FROM a WHERE id IN (1, 3, 101)',
      'UPDATE a SET c = (SELECT c FROM b WHERE id = 2 LIMIT 1) WHERE id IN (2, 4, 104)',
      'UPDATE a SET g = 2 - g',
      'DELETE FROM b WHERE id < 5',
      'WITH d AS (DELETE FROM a WHERE id < 50 RETURNING *) INSERT INTO b SELECT id, c FROM d',
      'DELETE FROM a',
      'INSERT INTO a SELECT row_number() OVER (), 1, c FROM b',
      'TRUNCATE b']
  LOOP
    EXECUTE step;
    FOR i IN 1 .. cardinality(made) BY 3 LOOP
      IF compare(made[i]::regclass, made[i + 1], made[i + 2]) <> 0 THEN
        bad := bad || (made[i] || ' differs after ' || step);
      END IF;
    END LOOP;
  END LOOP;
  SET LOCAL client_min_messages = error;
  DROP TABLE a, b CASCADE;
  SET LOCAL client_min_messages = warning;
  RETURN array_to_string(bad, E'\n');
END $$;
\set ECHO all
SELECT type, try(type, image) FROM sample ORDER BY type COLLATE "C";
