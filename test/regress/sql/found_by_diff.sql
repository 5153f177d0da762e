--
-- What the differential test found, each cut down to its core.
--
SET client_min_messages = warning;
CREATE EXTENSION pg_tviews;
CREATE TABLE t (k int, v int);
INSERT INTO t VALUES (1, 1), (1, 2), (2, 1);

-- a WITH query is read again after a subquery with a scope of its own
CREATE MATERIALIZED VIEW scopes USING tview AS
  WITH w AS (SELECT DISTINCT k FROM t)
  SELECT x.k, z.n FROM w x, (SELECT k, count(*) AS n FROM t GROUP BY k) z, w y WHERE x.k = z.k AND y.k = z.n;
INSERT INTO t VALUES (2, 3), (3, 1);
SELECT * FROM scopes ORDER BY 1, 2;
SELECT count(*) FROM tview.check('scopes');
