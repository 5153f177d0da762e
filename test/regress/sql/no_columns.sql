-- Relations without columns: only the number of their rows counts, wherever they are stored.
CREATE EXTENSION pg_tviews;
SET client_min_messages = warning;
CREATE TABLE t (x int);
INSERT INTO t VALUES (1), (2);
CREATE MATERIALIZED VIEW rows USING tview AS SELECT FROM t;
CREATE MATERIALIZED VIEW one USING tview AS SELECT FROM t LIMIT 1;
CREATE MATERIALIZED VIEW none USING tview AS SELECT FROM t LIMIT 0;
CREATE MATERIALIZED VIEW ordered USING tview AS SELECT FROM t ORDER BY x OFFSET 1 LIMIT 2;
CREATE MATERIALIZED VIEW grouped USING tview AS SELECT FROM t GROUP BY ();
CREATE MATERIALIZED VIEW groups USING tview AS SELECT FROM t GROUP BY x HAVING count(*) > 1;
CREATE MATERIALIZED VIEW twice USING tview AS SELECT FROM t UNION ALL SELECT FROM t;
CREATE MATERIALIZED VIEW united USING tview AS SELECT count(*) AS n FROM (SELECT FROM t UNION SELECT FROM t) s;
CREATE MATERIALIZED VIEW counted USING tview AS SELECT count(*) AS n FROM (SELECT FROM t LIMIT 2) s;
CREATE MATERIALIZED VIEW joined USING tview AS SELECT FROM t u LEFT JOIN (SELECT FROM t OFFSET 1) s ON true;
CREATE MATERIALIZED VIEW nested USING tview AS
	SELECT FROM t FULL JOIN (SELECT FROM t GROUP BY x HAVING count(*) > 1) s ON true, LATERAL (SELECT FROM t LIMIT 2) z;
CREATE MATERIALIZED VIEW beside USING tview AS SELECT u.x FROM t u LEFT JOIN LATERAL (SELECT FROM t WHERE t.x > u.x LIMIT 2) z ON true;
CREATE MATERIALIZED VIEW over USING tview AS SELECT FROM one;

-- both ways of comparing: tview.check(), and the number of rows
CREATE FUNCTION differences() RETURNS TABLE (view text, difference text) LANGUAGE plpgsql AS $$
DECLARE v regclass; stored bigint; computed bigint;
BEGIN
	FOR v IN SELECT s.view FROM tview.views s ORDER BY s.view::text LOOP
		RETURN QUERY SELECT v::text, c.difference::text FROM tview.check(v) c;
		EXECUTE format('SELECT count(*) FROM %s', v) INTO stored;
		EXECUTE format('SELECT count(*) FROM (%s) q', rtrim(pg_get_viewdef(v), ';')) INTO computed;
		IF stored <> computed THEN
			RETURN QUERY SELECT v::text, format('%s instead of %s rows', stored, computed);
		END IF;
	END LOOP;
END $$;
SELECT * FROM differences();
INSERT INTO t VALUES (3), (4), (4);
SELECT * FROM differences();
DELETE FROM t WHERE x = 1;
SELECT * FROM differences();
UPDATE t SET x = x + 1;
SELECT * FROM differences();
DELETE FROM t WHERE x > 4;
SELECT * FROM differences();
TRUNCATE t;
SELECT * FROM differences();
INSERT INTO t VALUES (1), (1);
SELECT * FROM differences();
SELECT count(*) FROM tview.views;
