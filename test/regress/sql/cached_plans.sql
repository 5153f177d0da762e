-- Maintenance plans that are made anew take the place of the old ones in memory
CREATE EXTENSION pg_tviews;
CREATE TABLE base (id int PRIMARY KEY, k int, x text);
CREATE TABLE other (k int PRIMARY KEY, name text);
CREATE MATERIALIZED VIEW joined USING tview AS
    SELECT b.id, upper(b.x) AS x, o.name FROM base b LEFT JOIN other o USING (k);
CREATE MATERIALIZED VIEW grouped USING tview AS
    SELECT k, count(*) AS n, sum(id) AS s, max(x) AS m FROM base GROUP BY k;

-- with each function that anybody makes, all plans are made anew
DO $$
BEGIN
    FOR i IN 1..100 LOOP
        EXECUTE format('CREATE OR REPLACE FUNCTION number() RETURNS int LANGUAGE sql AS ''SELECT %s''', i);
        INSERT INTO base VALUES (i, i, 'x');
        DELETE FROM base WHERE id = i;
        COMMIT;
    END LOOP;
END
$$;
SELECT sum(total_bytes) < 1000000 AS small, count(*) < 50 AS few
FROM pg_backend_memory_contexts WHERE name LIKE 'pg_tviews%';
