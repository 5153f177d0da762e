-- The assertions of pg_tviews_pgtap: each passing, and failing with diagnostics.
SET client_min_messages = warning;
BEGIN;
SELECT no_plan();

CREATE SCHEMA "Assert";
CREATE EXTENSION pg_tviews_pgtap SCHEMA "Assert";
SET LOCAL search_path = public, "Assert";

CREATE TABLE item (id int PRIMARY KEY, kind int NOT NULL, label text);
CREATE TABLE kind (kind int PRIMARY KEY, name text);
CREATE TABLE other (x int);
INSERT INTO item SELECT i, i % 3, 'label ' || i FROM generate_series(1, 30) i;
INSERT INTO kind SELECT i, 'kind ' || i FROM generate_series(0, 2) i;
CREATE MATERIALIZED VIEW plain AS SELECT * FROM item;
CREATE MATERIALIZED VIEW named USING tview AS SELECT id, name FROM item JOIN kind USING (kind);
CREATE MATERIALIZED VIEW per_kind USING tview AS SELECT kind, count(*) AS n, min(label) AS first FROM item GROUP BY kind;
CREATE MATERIALIZED VIEW sizes USING tview AS SELECT n, count(*) AS kinds FROM per_kind GROUP BY n;
CREATE MATERIALIZED VIEW whole USING tview AS SELECT string_agg(label, ',' ORDER BY id) AS all_labels FROM item;
CREATE MATERIALIZED VIEW "Odd ""name" USING tview AS SELECT id, label FROM item;
CREATE MATERIALIZED VIEW empty USING tview AS SELECT id FROM item WITH NO DATA;

-- tview_is_current
SELECT * FROM check_test(tview_is_current('named'), true, 'current', 'named should equal its query', '');
SELECT * FROM check_test(tview_is_current('named', 'a join'), true, 'current, described', 'a join', '');
SELECT * FROM check_test(tview_is_current('"Odd ""name"'), true, 'current, odd name',
                         '"Odd ""name" should equal its query', '');
SELECT * FROM check_test(tview_is_current('plain'), false, 'not a maintained view', 'plain should equal its query',
                         '    died: 42809: .*', true);
SELECT * FROM check_test(tview_is_current('empty'), false, 'not populated', 'empty should equal its query',
                         '    died: 55000: materialized view "empty" has not been populated');
SELECT * FROM check_test(tview_is_current(NULL), false, 'no view', NULL, '    no view was given');

-- tview_is_incremental
SELECT * FROM check_test(tview_is_incremental('named'), true, 'incremental join',
                         'named should be maintained incrementally', '');
SELECT * FROM check_test(tview_is_incremental('per_kind', 'groups'), true, 'incremental groups', 'groups', '');
SELECT * FROM check_test(tview_is_incremental('empty'), true, 'incremental, not populated', NULL, '');
SELECT * FROM check_test(tview_is_incremental('whole'), false, 'recomputed as a whole',
                         'whole should be maintained incrementally', '    recomputed as a whole: .+', true);
SELECT * FROM check_test(tview_is_incremental('plain'), false, 'incremental, not a maintained view', NULL,
                         '    died: 42809: .*', true);
SELECT * FROM check_test(tview_is_incremental(NULL), false, 'incremental, no view', NULL, '    no view was given');

-- tview_reads
SELECT * FROM check_test(tview_reads('named', ARRAY['item', 'kind']), true, 'reads, text array',
                         'named should read exactly these tables', '');
SELECT * FROM check_test(tview_reads('named', '{kind,public.item}'), true, 'reads, literal', NULL, '');
SELECT * FROM check_test(tview_reads('named', ARRAY['kind', 'item', 'item']::regclass[], 'both'), true,
                         'reads, regclass array', 'both', '');
SELECT * FROM check_test(tview_reads('sizes', ARRAY['per_kind']), true, 'reads a maintained view', NULL, '');
SELECT * FROM check_test(tview_reads('named', ARRAY['item']), false, 'reads more', NULL, '    it also reads: kind');
SELECT * FROM check_test(tview_reads('named', ARRAY['item', 'other', 'kind', 'plain']), false, 'reads fewer', NULL,
                         '    it does not read: other, plain');
SELECT * FROM check_test(tview_reads('named', ARRAY['other']), false, 'reads others', 'named should read exactly these tables',
                         E'    it also reads: item, kind\n    it does not read: other');
SELECT * FROM check_test(tview_reads('named', '{}'), false, 'reads something', NULL, '    it also reads: item, kind');
SELECT * FROM check_test(tview_reads('named', NULL), false, 'reads, no tables given', NULL, '    it also reads: item, kind');
SELECT * FROM check_test(tview_reads('plain', ARRAY['item']), false, 'reads, not a maintained view', NULL,
                         '    plain is not a maintained view, or was never populated');

-- tview_touches_at_most
SELECT * FROM check_test(tview_touches_at_most('UPDATE item SET kind = 0 WHERE id = 1', 'per_kind', 2), true,
                         'touches two', 'per_kind: at most 2 rows should be touched', '');
SELECT * FROM check_test(tview_touches_at_most('UPDATE kind SET name = name', 'named', 0, 'no change'), true,
                         'touches none', 'no change', '');
SELECT * FROM check_test(tview_touches_at_most('UPDATE kind SET name = ''new'' WHERE kind = 2', 'named', 9), false,
                         'touches ten', 'named: at most 9 rows should be touched',
                         E'    rows of named touched: 10 (0 inserted, 10 updated, 0 deleted)\n    at most: 9');
SELECT * FROM check_test(tview_touches_at_most('INSERT INTO item VALUES (31, 7)', 'per_kind', 0), false, 'touches one', NULL,
                         E'    rows of per_kind touched: 1 (1 inserted, 0 updated, 0 deleted)\n    at most: 0');
SELECT * FROM check_test(tview_touches_at_most('DELETE FROM item WHERE id = 31', 'per_kind', 0), false, 'deletes one', NULL,
                         E'    rows of per_kind touched: 1 (0 inserted, 0 updated, 1 deleted)\n    at most: 0');
SELECT is((SELECT count(*) FROM item WHERE id = 31), 0::bigint, 'the statement was run');
PREPARE relabel AS UPDATE item SET label = 'changed' WHERE id = 2;
SELECT * FROM check_test(tview_touches_at_most('relabel', '"Odd ""name"', 1), true, 'prepared statement', NULL, '');
SELECT is((SELECT label FROM item WHERE id = 2), 'changed', 'the prepared statement was run');
SELECT * FROM check_test(tview_touches_at_most('INSERT INTO item VALUES (2, 0)', 'named', 1), false, 'statement fails', NULL,
                         '    died: 23505: .*', true);
SELECT * FROM check_test(tview_touches_at_most('DELETE FROM other', 'plain', 1), false, 'touches, not a maintained view', NULL,
                         '    died: 42809: .*', true);
SELECT * FROM check_test(tview_touches_at_most('DELETE FROM other WHERE false', 'named', NULL), false, 'touches, no limit', NULL,
                         E'    rows of named touched: 0 (0 inserted, 0 updated, 0 deleted)\n    at most: ');

-- planted names
CREATE SCHEMA hostile;
CREATE FUNCTION hostile.format(text, VARIADIC "any") RETURNS text LANGUAGE internal STABLE AS 'text_format';
CREATE FUNCTION hostile.planted(bigint, bigint) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'planted'; END $$;
CREATE OPERATOR hostile.+ (LEFTARG = int8, RIGHTARG = int8, FUNCTION = int8mi);
CREATE OPERATOR hostile.<= (LEFTARG = int8, RIGHTARG = int8, FUNCTION = hostile.planted);
CREATE TABLE hostile.input (view oid, source oid);
SET LOCAL search_path = hostile, public, pg_catalog, "Assert";
SELECT * FROM check_test(tview_touches_at_most('UPDATE item SET kind = 1 WHERE id = 1', 'per_kind', 2), true,
                         'touches, planted operators', NULL, '');
SELECT * FROM check_test(tview_reads('named', ARRAY['item', 'kind']), true, 'reads, planted table', NULL, '');

SET LOCAL search_path = public, "Assert";

-- changes that go unseen: the trigger is disabled behind the server's back, and the cache told so
UPDATE pg_trigger SET tgenabled = 'D' WHERE tgrelid = 'item'::regclass AND tgfoid = 'tview.capture'::regproc;
UPDATE pg_class SET relname = relname WHERE oid = 'item'::regclass;
UPDATE item SET label = 'unseen' WHERE id = 1;
SELECT * FROM check_test(tview_is_current('"Odd ""name"'), false, 'not current',  '"Odd ""name" should equal its query',
                         E'    "Odd ""name": 1 extra: (1,"label 1")\n    "Odd ""name": 1 missing: (1,unseen)');
SELECT * FROM check_test(tview_is_current('named'), true, 'still current', NULL, '');
INSERT INTO item SELECT i, 0 FROM generate_series(101, 107) i;
SELECT * FROM check_test(tview_is_current('named', 'seven unseen'), false, 'not current by seven rows', 'seven unseen',
                         (SELECT string_agg(format(E'    named: 1 missing: (%s,"kind 0")\n', i), '') FROM generate_series(101, 105) i)
                         || '    and 2 more');
-- as they are used
SELECT tview_is_current('sizes');
SELECT tview_is_incremental('sizes');
SELECT tview_reads('sizes', ARRAY['per_kind']);
SELECT tview_touches_at_most('UPDATE kind SET name = ''two'' WHERE kind = 2', 'named', 10);

SELECT * FROM finish();
ROLLBACK;
