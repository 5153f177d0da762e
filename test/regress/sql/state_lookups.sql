-- Readers look up the rows of nodes below by index, whatever they compare.
SET client_min_messages = warning;
CREATE EXTENSION pg_tviews;
CREATE TABLE sale (id int PRIMARY KEY, shop int, item int, day date, amount int);
CREATE TABLE shop (shop int PRIMARY KEY, name text, goal bigint);
INSERT INTO shop SELECT i, 'shop ' || i, 100 * i FROM generate_series(1, 2000) i;
INSERT INTO sale SELECT i, i % 2000 + 1, i % 7, date '2024-01-01' + i % 3, i FROM generate_series(1, 12000) i;
CREATE INDEX ON sale (shop, item);
CREATE INDEX ON sale (item, shop);
ANALYZE;

-- What the last statement read of a view's hidden state, when it read more than a hundred rows of a table.
CREATE FUNCTION state_reads() RETURNS TABLE (state text, reads bigint) LANGUAGE sql AS $$
  SELECT regexp_replace(c.relname, '_\d+_', '_'),
         (pg_stat_get_xact_tuples_returned(c.oid)
          + (SELECT sum(pg_stat_get_xact_tuples_returned(i.indexrelid)) FROM pg_index i WHERE i.indrelid = c.oid))::bigint
    FROM pg_class c WHERE c.relnamespace = 'tview'::regnamespace AND c.relname LIKE 'state\_%' AND c.relkind = 'r'
$$;
CREATE FUNCTION reads_much(statement text) RETURNS TABLE (state text, much boolean) LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE statement;
  CREATE TEMP TABLE before ON COMMIT DROP AS SELECT * FROM state_reads();
  EXECUTE statement;
  RETURN QUERY SELECT s.state, s.reads - b.reads > 100 FROM state_reads() s JOIN before b USING (state) ORDER BY 1;
  DROP TABLE before;
END $$;
CREATE FUNCTION state_indexes() RETURNS SETOF text LANGUAGE sql AS $$
  SELECT regexp_replace(indexdef, '^CREATE (.*)INDEX .* ON tview.state_\d+_(\d+) USING btree (.*)$', 'node \2: \1\3')
    FROM pg_indexes WHERE schemaname = 'tview' AND tablename LIKE 'state\_%' ORDER BY 1
$$;

-- by a part of the key, which therefore comes first in its index
CREATE MATERIALIZED VIEW by_part USING tview AS
  SELECT s.name, t.item, t.total FROM shop s JOIN
    (SELECT item, shop, sum(amount) AS total FROM sale GROUP BY item, shop) t ON t.shop = s.shop;
SELECT * FROM state_indexes();
ANALYZE;
SELECT * FROM reads_much('UPDATE shop SET name = name || ''.'' WHERE shop = 7');
SELECT * FROM tview.check('by_part');
DROP MATERIALIZED VIEW by_part;

-- by a result, behind what is equated
CREATE MATERIALIZED VIEW by_result USING tview AS
  SELECT s.shop, t.day, t.total FROM shop s JOIN
    (SELECT shop, day, sum(amount) AS total FROM sale GROUP BY shop, day) t ON t.total > s.goal AND t.shop = s.shop;
SELECT * FROM state_indexes();
DROP MATERIALIZED VIEW by_result;
CREATE MATERIALIZED VIEW by_result_alone USING tview AS
  SELECT s.shop, t.shop AS other, t.total FROM shop s JOIN
    (SELECT shop, sum(amount) AS total FROM sale GROUP BY shop) t ON t.total = s.goal;
SELECT * FROM state_indexes();
ANALYZE;
SELECT * FROM reads_much('UPDATE shop SET goal = goal + 1 WHERE shop = 7');
SELECT * FROM reads_much('UPDATE sale SET amount = amount + 1 WHERE id = 7');
SELECT * FROM tview.check('by_result_alone');
DROP MATERIALIZED VIEW by_result_alone;

-- a group over groups whose extremum leaves is recomputed by the index on its key
CREATE MATERIALIZED VIEW highest USING tview AS
  SELECT t.shop, max(t.total) AS highest FROM
    (SELECT item, shop, sum(amount) AS total FROM sale GROUP BY item, shop) t GROUP BY t.shop;
SELECT * FROM state_indexes();
ANALYZE;
SELECT * FROM reads_much('UPDATE sale SET amount = amount - 10 WHERE shop = 7');
SELECT * FROM tview.check('highest');
DROP MATERIALIZED VIEW highest;

-- a text that is no key may be too long for an index
CREATE MATERIALIZED VIEW by_text USING tview AS
  SELECT s.shop, t.shop AS other FROM shop s JOIN
    (SELECT shop, string_agg(item::text, ',' ORDER BY item) AS items FROM sale GROUP BY shop) t ON t.items = s.name;
SELECT * FROM state_indexes();
UPDATE shop SET name = repeat('1234567890', 1000) WHERE shop = 1;
INSERT INTO sale SELECT 100000 + i, 2, i % 10, NULL, 1 FROM generate_series(1, 9000) i;
SELECT * FROM tview.check('by_text');

-- partitions by texts: those of a node above another one's rows
ALTER TABLE sale ADD note text;
UPDATE sale SET note = 'note ' || id % 3000;
CREATE INDEX ON sale (note);
ANALYZE sale;
DROP MATERIALIZED VIEW by_text;
CREATE MATERIALIZED VIEW by_note USING tview AS
  SELECT id, rank() OVER (PARTITION BY shop ORDER BY id) AS r, rank() OVER (PARTITION BY note ORDER BY id) AS s FROM sale;
SELECT * FROM state_indexes();
ANALYZE;
SELECT * FROM reads_much('UPDATE sale SET note = ''note 5'' || amount WHERE id = 777');
SELECT * FROM tview.check('by_note');
DROP MATERIALIZED VIEW by_note;
