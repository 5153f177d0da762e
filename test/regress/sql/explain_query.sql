--
-- tview.explain() of a query foretells what a changed row costs, and which index is missing.
--
SET client_min_messages = warning;
CREATE EXTENSION pg_tviews;
CREATE TABLE shop (shop int PRIMARY KEY, name text NOT NULL, town text);
CREATE TABLE sale (sale int PRIMARY KEY, shop int, day date, amount int, note text);
INSERT INTO shop SELECT i, 'shop ' || i, 'town ' || i % 50 FROM generate_series(1, 500) i;
INSERT INTO sale SELECT i, i % 500 + 1, date '2024-01-01' + i % 200, i % 90, 'n' FROM generate_series(1, 20000) i;
ANALYZE;

-- what is foretold: the planner's figures as "little" (below 100) or "much"
CREATE FUNCTION foretold(query text) RETURNS TABLE (node int, property text, value text) LANGUAGE sql AS $$
  SELECT node, property, CASE WHEN value ~ '^[0-9.]+ for' THEN
                           CASE WHEN split_part(value, ' ', 1)::numeric < 100 THEN 'little' ELSE 'much' END
                         ELSE value END
    FROM tview.explain(query) WHERE property IN ('strategy', 'missing index') OR property LIKE 'cost %'
$$;

-- a join, one way with and the other without an index
SELECT * FROM foretold('SELECT a.sale, b.name FROM sale a JOIN shop b ON b.shop = a.shop');
CREATE INDEX sale_shop ON sale (shop);
SELECT * FROM foretold('SELECT a.sale, b.name FROM sale a JOIN shop b ON b.shop = a.shop');

-- by an expression, by a range, by more than one column, by both sides of an OR, by an array
SELECT property, value FROM foretold('SELECT a.sale, b.shop FROM sale a JOIN shop b ON lower(b.name) = a.note') WHERE property LIKE 'missing%';
CREATE INDEX shop_name ON shop (lower(name));
SELECT property, value FROM foretold('SELECT a.sale, b.shop FROM sale a JOIN shop b ON lower(b.name) = a.note') WHERE property LIKE 'missing%';
SELECT property, value FROM foretold('SELECT a.sale, b.sale AS other FROM sale a JOIN sale b ON a.day > b.day AND a.note = b.note') WHERE property LIKE 'missing%';
SELECT property, value FROM foretold('SELECT a.sale, b.shop FROM sale a, shop b WHERE (a.note = b.town AND a.amount > 1) OR (a.note = b.town AND b.shop < 3)') WHERE property LIKE 'missing%';
SELECT property, value FROM foretold('SELECT a.sale, b.shop FROM sale a JOIN shop b ON a.amount = ANY (ARRAY[b.shop, b.shop + 1])') WHERE property LIKE 'missing%';
-- a cast is part of the index
SELECT property, value FROM foretold('SELECT sale FROM sale WHERE amount > (SELECT avg(amount) FROM sale)') WHERE property LIKE 'missing%';
CREATE INDEX sale_amount ON sale (((amount)::numeric));
SELECT property, value FROM foretold('SELECT sale FROM sale WHERE amount > (SELECT avg(amount) FROM sale)') WHERE property LIKE 'missing%';
-- one leaf from the other: towns only through the shop
SELECT property, value FROM foretold('SELECT a.sale, c.shop FROM sale a JOIN shop b ON b.shop = a.shop JOIN shop c ON c.town = b.town') WHERE property LIKE 'missing%';
-- nothing to compare: every row is read, and no index would help
SELECT * FROM foretold('SELECT a.sale, b.shop FROM sale a CROSS JOIN shop b');

-- groups
SELECT * FROM foretold('SELECT day, count(*), sum(amount) FROM sale GROUP BY day');
SELECT * FROM foretold('SELECT day, max(amount) FROM sale GROUP BY day');
CREATE INDEX sale_day ON sale (day, amount);
SELECT * FROM foretold('SELECT day, max(amount) FROM sale GROUP BY day');
-- of the order of its values nothing but minimum and maximum have a use
SELECT property, value FROM foretold('SELECT note, bit_or(amount) FROM sale GROUP BY note') WHERE property LIKE 'missing%';
SELECT * FROM foretold('SELECT string_agg(note, '','' ORDER BY sale) FROM sale');
SELECT * FROM foretold('SELECT town, string_agg(s.note, '','' ORDER BY s.sale) FROM shop b JOIN sale s ON s.shop = b.shop GROUP BY town');

-- nodes below, by their key and otherwise
SELECT * FROM foretold('SELECT b.name, q.n FROM shop b JOIN (SELECT shop, count(*) AS n FROM sale GROUP BY shop) q ON q.shop = b.shop');
SELECT * FROM foretold('SELECT b.name, q.n FROM shop b JOIN (SELECT shop, count(*) AS n FROM sale GROUP BY shop) q ON q.n = b.shop');
SELECT * FROM foretold('SELECT n, count(*) FROM (SELECT shop, count(*) AS n FROM sale GROUP BY shop) q GROUP BY n');

-- of a view that exists, with its state
CREATE MATERIALIZED VIEW busy USING tview AS
  SELECT b.name, q.n FROM shop b JOIN (SELECT shop, count(*) AS n FROM sale GROUP BY shop) q ON q.n = b.shop;
SELECT * FROM foretold('busy');
REFRESH MATERIALIZED VIEW busy WITH NO DATA;
SELECT * FROM foretold('busy');

-- a maintained view in FROM has no more indexes than it was given
REFRESH MATERIALIZED VIEW busy;
SELECT property, value FROM foretold('SELECT b.n, s.sale FROM busy b JOIN sale s ON s.shop = b.n') WHERE property LIKE 'missing%';

-- planning runs functions of a view with its owner's rights
CREATE ROLE view_owner_of_explain;
CREATE TABLE who (name text);
CREATE FUNCTION tell(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS
  $$ BEGIN RAISE WARNING 'planned by %', current_user; RETURN $1; END $$;
GRANT CREATE, USAGE ON SCHEMA public TO view_owner_of_explain;
GRANT SELECT, TRIGGER ON sale, shop TO view_owner_of_explain;
SET ROLE view_owner_of_explain;
SET client_min_messages = error;
CREATE MATERIALIZED VIEW told USING tview AS SELECT sale FROM sale WHERE amount > tell(1);
RESET ROLE;
RESET client_min_messages;
SELECT DISTINCT property FROM foretold('told');
DROP MATERIALIZED VIEW told;
REVOKE ALL ON SCHEMA public FROM view_owner_of_explain;
REVOKE ALL ON sale, shop FROM view_owner_of_explain;
DROP ROLE view_owner_of_explain;
