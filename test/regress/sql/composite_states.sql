-- User-defined aggregates whose moving state is of the user's own type: composite, range, array of them.
-- They are maintained by their functions, also where reading the initial state calls functions of the user's.
SET client_min_messages = warning;
CREATE EXTENSION pg_tviews;

-- a composite state; one attribute has no equality operator.  Sums keep their scale: all prices have one decimal
CREATE TYPE sums AS (n bigint, total numeric, note json);
CREATE FUNCTION add_sum(s sums, v numeric) RETURNS sums LANGUAGE sql IMMUTABLE STRICT
  RETURN ROW(s.n + 1, s.total + v, s.note)::sums;
CREATE FUNCTION sub_sum(s sums, v numeric) RETURNS sums LANGUAGE sql IMMUTABLE STRICT
  RETURN ROW(s.n - 1, s.total - v, s.note)::sums;
CREATE FUNCTION mean(s sums) RETURNS text LANGUAGE sql IMMUTABLE STRICT
  RETURN s.total || '/' || s.n || ' ' || s.note;
CREATE AGGREGATE own_mean(numeric) (sfunc = add_sum, stype = sums, initcond = '(0,0,"[1, 2]")', finalfunc = mean,
  msfunc = add_sum, minvfunc = sub_sum, mstype = sums, minitcond = '(0,0,"[1, 2]")', mfinalfunc = mean);

-- a range as state: what the rows cover is counted up from its lower end
CREATE TYPE span AS RANGE (subtype = numeric, multirange_type_name = spans_type);
CREATE FUNCTION longer(s span, v numeric) RETURNS span LANGUAGE sql IMMUTABLE STRICT
  RETURN span(lower(s), upper(s) + v);
CREATE FUNCTION shorter(s span, v numeric) RETURNS span LANGUAGE sql IMMUTABLE STRICT
  RETURN span(lower(s), upper(s) - v);
CREATE AGGREGATE own_span(numeric) (sfunc = longer, stype = span, initcond = '[0,1000)',
  msfunc = longer, minvfunc = shorter, mstype = span, minitcond = '[0,1000)');

-- a row that holds an array of rows and a multirange
CREATE TYPE nest AS (parts sums[], spans spans_type);
CREATE FUNCTION add_nest(s nest, v numeric) RETURNS nest LANGUAGE sql IMMUTABLE STRICT
  RETURN ROW(ARRAY[add_sum(s.parts[1], v)], s.spans)::nest;
CREATE FUNCTION sub_nest(s nest, v numeric) RETURNS nest LANGUAGE sql IMMUTABLE STRICT
  RETURN ROW(ARRAY[sub_sum(s.parts[1], v)], s.spans)::nest;
CREATE AGGREGATE own_nest(numeric) (sfunc = add_nest, stype = nest, initcond = '("{""(0,0,[])""}","{[1,2)}")',
  msfunc = add_nest, minvfunc = sub_nest, mstype = nest, minitcond = '("{""(0,0,[])""}","{[1,2)}")');

-- a domain inside, with an initial state, and without one
CREATE DOMAIN amount AS numeric CHECK (VALUE < 1e9);
CREATE TYPE held AS (total amount);
CREATE FUNCTION add_held(s held, v numeric) RETURNS held LANGUAGE sql IMMUTABLE
  RETURN ROW(coalesce(s.total, 0) + coalesce(v, 0))::held;
CREATE FUNCTION sub_held(s held, v numeric) RETURNS held LANGUAGE sql IMMUTABLE
  RETURN ROW(coalesce(s.total, 0) - coalesce(v, 0))::held;
CREATE AGGREGATE own_held(numeric) (sfunc = add_held, stype = held, initcond = '(0)',
  msfunc = add_held, minvfunc = sub_held, mstype = held, minitcond = '(0)');
CREATE AGGREGATE own_held_null(numeric) (sfunc = add_held, stype = held,
  msfunc = add_held, minvfunc = sub_held, mstype = held);

CREATE TABLE item (id int PRIMARY KEY, shelf int, price numeric);
INSERT INTO item SELECT i, i % 4, i * 1.5 FROM generate_series(1, 40) i;

-- the first that uses it does so twice
CREATE MATERIALIZED VIEW twice USING tview AS SELECT shelf, own_mean(price) AS m, own_mean(price * 2) AS d FROM item GROUP BY shelf;
CREATE MATERIALIZED VIEW means USING tview AS SELECT shelf, own_mean(price) AS m FROM item GROUP BY shelf;
CREATE MATERIALIZED VIEW spans USING tview AS SELECT shelf, own_span(price) AS s FROM item GROUP BY shelf;
CREATE MATERIALIZED VIEW nests USING tview AS SELECT shelf, own_nest(price) AS s FROM item GROUP BY shelf;
CREATE MATERIALIZED VIEW every USING tview AS SELECT own_mean(price) AS m, own_span(price) AS s, own_held_null(price) AS h FROM item;
CREATE MATERIALIZED VIEW holds USING tview AS SELECT shelf, own_held(price) AS h FROM item GROUP BY shelf;
CREATE MATERIALIZED VIEW nulls USING tview AS SELECT shelf, own_held_null(price) AS h FROM item GROUP BY shelf;

-- by their functions
CREATE FUNCTION differing() RETURNS SETOF regclass LANGUAGE sql AS
  $$ SELECT c.relation FROM tview.views v, tview.check(v.view) c $$;
SELECT v.view, e.value FROM tview.views v, tview.explain(v.view::text) e
WHERE e.property = 'strategy' ORDER BY v.view::text, e.node;
SELECT differing();
INSERT INTO item VALUES (41, 1, 7.0), (42, 9, 8.5), (43, 9, NULL), (44, NULL, 3.0);
SELECT differing();
UPDATE item SET price = price + 10 WHERE shelf IN (1, 9);
SELECT differing();
UPDATE item SET shelf = 2 WHERE id BETWEEN 3 AND 8;
SELECT differing();
DELETE FROM item WHERE shelf = 9 OR id % 3 = 0;
SELECT differing();
SELECT m.shelf, m, s.s, left(n.s::text, 40) AS n, h.h, u.h AS u
FROM means m JOIN spans s USING (shelf) JOIN nests n USING (shelf) JOIN holds h USING (shelf) JOIN nulls u USING (shelf) ORDER BY shelf;
SELECT * FROM every;
TRUNCATE item;
SELECT differing();
INSERT INTO item VALUES (1, 1, 1.0);
SELECT differing();
SELECT * FROM every;

-- a range with a canonical function
CREATE TYPE steps;
CREATE FUNCTION stepwise(steps) RETURNS steps LANGUAGE internal IMMUTABLE STRICT AS 'int4range_canonical';
CREATE TYPE steps AS RANGE (subtype = int, canonical = stepwise);
CREATE FUNCTION longer(s steps, v int) RETURNS steps IMMUTABLE STRICT RETURN steps(lower(s), upper(s) + v);
CREATE FUNCTION shorter(s steps, v int) RETURNS steps IMMUTABLE STRICT RETURN steps(lower(s), upper(s) - v);
CREATE AGGREGATE own_steps(int) (sfunc = longer, stype = steps, initcond = '[0,1000)',
  msfunc = longer, minvfunc = shorter, mstype = steps, minitcond = '[0,1000)');
CREATE MATERIALIZED VIEW stepped USING tview AS SELECT shelf, own_steps(id) AS s FROM item GROUP BY shelf;
SELECT value FROM tview.explain('stepped') WHERE property = 'strategy';
INSERT INTO item VALUES (2, 1, 1.0), (3, 2, 1.0);
DELETE FROM item WHERE id = 1;
SELECT differing();

-- a type that a state has is changed beneath it
ALTER TYPE sums ADD ATTRIBUTE more int;
SELECT * FROM means;
