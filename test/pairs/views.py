"""The views, and what transactions do to their tables and to them."""
import re

SCHEMA = """
    CREATE EXTENSION pg_tviews;
    CREATE TABLE l (id int PRIMARY KEY, k int, v int);
    CREATE TABLE r (id int PRIMARY KEY, k int, w int);
    CREATE TABLE s (id int PRIMARY KEY, k int, x int);
    CREATE INDEX ON l (k);
    CREATE INDEX ON r (k);
    CREATE INDEX ON s (k)"""
ROWS = {
    "l": "(1, 1, 10), (2, 1, 20), (3, 2, 30), (4, 3, 40)",
    "r": "(1, 1, 15), (2, 2, 25), (3, 2, 35), (4, 4, 5)",
    "s": "(1, 1, 17), (2, 2, 7), (3, 1, 27), (4, 3, 37)",
}
# back to these rows, whatever there is
RESTORE = """
    WITH d AS (DELETE FROM {t} WHERE id NOT BETWEEN 1 AND 4)
    INSERT INTO {t} VALUES {rows}
    ON CONFLICT (id) DO UPDATE SET k = excluded.k, {c} = excluded.{c}
    WHERE ({t}.k, {t}.{c}) IS DISTINCT FROM (excluded.k, excluded.{c})"""
COLUMNS = {"l": "v", "r": "w", "s": "x"}

# what views named "over" read
LOWER = "SELECT k, count(*) AS n, min(v) AS low FROM l GROUP BY k"
# a second view, for those who drop it
OTHER = "SELECT l.k, count(*) FROM l JOIN r USING (k) GROUP BY l.k"

# one of each operator, over two tables: every pair of writes meets on each of them in every run
CORE_VIEWS = {
    "join": "SELECT l.id, l.v, r.w FROM l JOIN r USING (k)",
    "left": "SELECT l.id, l.v, r.w FROM l LEFT JOIN r USING (k)",
    "anti": "SELECT l.id, l.v FROM l WHERE NOT EXISTS (SELECT FROM r WHERE r.k = l.k)",
    "aggregate": "SELECT l.k, count(*) AS n, sum(r.w) AS w FROM l JOIN r USING (k) GROUP BY l.k",
    "min max": "SELECT l.k, min(r.w) AS low, max(l.v) AS high FROM l JOIN r USING (k) GROUP BY l.k",
    "distinct": "SELECT DISTINCT l.k, r.w FROM l JOIN r USING (k)",
    "top": "SELECT l.id, l.v, r.w FROM l JOIN r USING (k) ORDER BY l.v DESC, l.id, r.id LIMIT 3",
    "window": "SELECT l.id, r.id AS r_id, rank() OVER (PARTITION BY l.k ORDER BY r.w, r.id, l.id) AS place FROM l JOIN r USING (k)",
}

OTHER_VIEWS = {
    # joins
    "theta": "SELECT l.id, r.id AS r_id FROM l JOIN r ON l.k < r.k",
    "full": "SELECT l.id, r.id AS r_id, l.v, r.w FROM l FULL JOIN r ON l.k = r.k",
    "full grouped": "SELECT coalesce(l.k, r.k) AS k, count(*) AS n, max(w) AS w FROM l FULL JOIN r ON l.k = r.k GROUP BY 1",
    "lateral": "SELECT l.id, q.w FROM l CROSS JOIN LATERAL (SELECT w FROM r WHERE r.k = l.k ORDER BY w DESC, r.id LIMIT 1) q",
    "duplicates": "SELECT k FROM l",
    "duplicates joined": "SELECT l.k, w FROM l JOIN r USING (k)",
    "self": "SELECT a.id, b.id AS b_id, a.v, b.v AS b_v FROM l a JOIN l b ON a.k = b.k AND a.id < b.id",
    "self by other column": "SELECT a.id, b.v FROM l a JOIN l b ON a.id = b.k",
    "self left": "SELECT a.id, b.id AS b_id, b.v FROM l a LEFT JOIN l b ON b.k = a.id",
    "self anti": "SELECT a.id, a.v FROM l a WHERE NOT EXISTS (SELECT FROM l b WHERE b.k = a.k AND b.v > a.v)",
    "self grouped": "SELECT a.k, count(*) AS n, max(b.v) AS high FROM l a JOIN l b ON a.id = b.k GROUP BY a.k",
    "three": "SELECT l.id, r.id AS r_id, s.id AS s_id, v, w, x FROM l JOIN r USING (k) JOIN s USING (k)",
    "three in a row": "SELECT l.id, r.id AS r_id, s.x FROM l JOIN r ON l.k = r.k JOIN s ON s.k = r.id",
    "three around one": "SELECT r.id AS r_id, s.id AS s_id, l.v FROM l JOIN r ON l.k = r.k JOIN s ON s.k = l.id",
    "three left": "SELECT l.id, r.id AS r_id, s.x FROM l LEFT JOIN r ON l.k = r.k LEFT JOIN s ON s.k = r.id",
    "three grouped": "SELECT l.k, count(*) AS n, max(x) AS x FROM l JOIN r USING (k) JOIN s ON s.id = r.id GROUP BY l.k",
    "three, one twice": "SELECT l.id, r.id AS r_id, z.v FROM l JOIN r ON l.k = r.k JOIN l z ON z.id = r.id",
    # conditions
    "semi": "SELECT l.id, l.v FROM l WHERE EXISTS (SELECT FROM r WHERE r.k = l.k)",
    "not in": "SELECT l.id FROM l WHERE l.k NOT IN (SELECT r.k FROM r)",
    "exists or": "SELECT id FROM l WHERE EXISTS (SELECT FROM r WHERE r.k = l.k) OR v > 30",
    "theta anti": "SELECT id, k FROM l WHERE NOT EXISTS (SELECT FROM r WHERE r.k > l.k)",
    "compared scalar": "SELECT l.id FROM l WHERE l.v > (SELECT avg(r.w) FROM r)",
    "highest rows": "SELECT id, v FROM l WHERE v = (SELECT max(v) FROM l)",
    "scalar per row": "SELECT l.id, (SELECT max(w) FROM r WHERE r.k = l.k) AS w FROM l",
    # groups
    "scalar aggregate": "SELECT count(*) AS n, sum(v) AS v FROM l",
    "scalar aggregate of a join": "SELECT count(*) AS n, sum(l.v + r.w) AS vw FROM l JOIN r USING (k)",
    "min max of all": "SELECT min(v) AS low, max(v) AS high FROM l",
    "min max of a left join": "SELECT l.k, min(r.w) AS low, count(*) AS n FROM l LEFT JOIN r USING (k) GROUP BY l.k",
    "count distinct": "SELECT k, count(DISTINCT v) AS n FROM l GROUP BY k",
    "having": "SELECT l.k, count(*) AS n FROM l LEFT JOIN r USING (k) GROUP BY l.k HAVING count(r.w) < 2",
    "groups of groups": "SELECT n, count(*) AS groups FROM (SELECT k, count(*) AS n FROM l GROUP BY k) q GROUP BY n",
    "scalar of groups": "SELECT max(v) AS v, count(*) AS n FROM (SELECT sum(v) AS v FROM l GROUP BY k) q",
    "groups joined": "SELECT a.k, a.n, b.id FROM (SELECT k, count(*) AS n FROM l GROUP BY k) a JOIN l b ON b.k = a.k",
    "grouping sets": "SELECT l.k, r.k AS rk, count(*) AS n FROM l JOIN r USING (k) GROUP BY ROLLUP (l.k, r.k)",
    "recomputed": "SELECT k, array_agg(v ORDER BY id) AS vs FROM l GROUP BY k",
    "recomputed of a join": "SELECT l.k, array_agg(w ORDER BY l.id, r.id) AS ws FROM l JOIN r USING (k) GROUP BY l.k",
    "document": "SELECT l.id, jsonb_build_object('v', l.v, 'r', (SELECT jsonb_agg(r.w ORDER BY r.id) FROM r WHERE r.k = l.k)) AS doc FROM l",
    # distinct, top, window
    "distinct of one table": "SELECT DISTINCT k FROM l",
    "distinct on": "SELECT DISTINCT ON (k) k, id, v FROM l ORDER BY k, v DESC, id",
    "distinct on of a join": "SELECT DISTINCT ON (l.k) l.k, l.id, r.id AS r_id, w FROM l JOIN r USING (k) ORDER BY l.k, w DESC, l.id, r.id",
    "top with ties": "SELECT k, v FROM l ORDER BY k FETCH FIRST 2 ROWS WITH TIES",
    "top after others": "SELECT id, v FROM l ORDER BY v, id OFFSET 1 LIMIT 2",
    "window of one table": "SELECT id, k, row_number() OVER (PARTITION BY k ORDER BY v, id) AS place FROM l",
    "window of two tables": "SELECT t, id, sum(id) OVER (PARTITION BY k ORDER BY t, id) AS ids FROM"
                            " (SELECT 1 AS t, id, k FROM l UNION ALL SELECT 2, id, k FROM r) q",
    "window of all": "SELECT id, sum(v) OVER (ORDER BY id) AS v FROM l",
    "window of neighbours": "SELECT id, ntile(2) OVER (ORDER BY v, id) AS t, lag(v) OVER (ORDER BY v, id) AS before FROM l",
    # set operations, recursion, what has no rule
    "union": "SELECT k, v FROM l UNION SELECT k, w FROM r",
    "union all": "SELECT k, v FROM l UNION ALL SELECT k, w FROM r",
    "except": "SELECT k FROM l EXCEPT SELECT k FROM r",
    "intersect all": "SELECT k FROM l INTERSECT ALL SELECT k FROM r",
    "recursive": "WITH RECURSIVE w AS (SELECT id, k FROM l UNION SELECT r.id, r.w FROM w JOIN r ON r.k = w.k) SELECT * FROM w",
    "recursive all": "WITH RECURSIVE w AS (SELECT id, k, 0 AS depth FROM l UNION ALL SELECT r.id, r.w, depth + 1 FROM w JOIN r ON r.k = w.k WHERE depth < 4) SELECT * FROM w",
    "without a rule": "SELECT id, v, (SELECT sum(n) FROM (SELECT count(*) AS n FROM r WHERE r.k = l.k GROUP BY ROLLUP (r.w)) q) AS n FROM l",
    # views of views
    "over a view": "SELECT lower.k, n, low, r.w FROM lower LEFT JOIN r USING (k)",
    "groups over a view": "SELECT n, count(*) AS groups, max(low) AS low FROM lower GROUP BY n",
}

VIEWS = {**CORE_VIEWS, **OTHER_VIEWS}

# on one table.  {t}: the table; {c}: its other column; {n}: the session; {i}: a number of this write alone
CORE_WRITES = {
    "insert": "INSERT INTO {t} VALUES (100 + {i}, 1, 50 + {n}), (200 + {i}, 5, {n})",
    "update": "UPDATE {t} SET {c} = {c} + {n} WHERE k = 1",
    "delete": "DELETE FROM {t} WHERE k = 1",
    "key change": "UPDATE {t} SET k = CASE k WHEN 1 THEN 4 ELSE 1 END WHERE id IN (1, 3)",
    "truncate": "TRUNCATE {t}",
    "copy": "COPY {t} FROM STDIN",
}
COPIED = "3{i:02}\t1\t60\n4{i:02}\t2\t\\N\n"
OTHER_WRITES = {
    "primary key change": "UPDATE {t} SET id = id + 10000 * {i} WHERE id IN (1, 2)",
    "upsert": "INSERT INTO {t} VALUES (1, 2, 70 + {n}), (600 + {i}, 1, 3) ON CONFLICT (id) DO UPDATE SET k = excluded.k",
    "merge": "MERGE INTO {t} USING (VALUES (2), (600 + {i})) q (id) ON q.id = {t}.id"
             " WHEN MATCHED THEN UPDATE SET k = 2, {c} = {n} WHEN NOT MATCHED THEN INSERT VALUES (q.id, 1, 80)",
    "delete all": "DELETE FROM {t}",
    "swap": "UPDATE {t} SET k = 3 - k WHERE k IN (1, 2)",
    "there and back": "UPDATE {t} SET {c} = {c} + 1 WHERE k = 1; UPDATE {t} SET {c} = {c} - 1 WHERE k = 1; DELETE FROM {t} WHERE k = 2",
    "null key": "UPDATE {t} SET k = NULL WHERE id = 1; INSERT INTO {t} VALUES (800 + {i}, NULL, 99)",
    "key of null": "INSERT INTO {t} VALUES (900 + {i}, NULL, 98); UPDATE {t} SET k = 2 WHERE k IS NULL",
    "null value": "UPDATE {t} SET {c} = NULL WHERE k = 1",
}
# on the view, not on a side of it
CORE_VIEW_WRITES = {
    "refresh": "REFRESH MATERIALIZED VIEW v",
    "create": "CREATE MATERIALIZED VIEW extra{i} USING tview AS {query}",
    "drop": "DROP MATERIALIZED VIEW v",
}
OTHER_VIEW_WRITES = {
    "refresh concurrently": "REFRESH MATERIALIZED VIEW CONCURRENTLY v",
    "drop other": "DROP MATERIALIZED VIEW other",
    "truncate both": "TRUNCATE l, r",
    "update both": "WITH a AS (UPDATE l SET v = v + 5 WHERE k <= 2) UPDATE r SET w = w - 20, k = k + 1 WHERE id <= 2",
    "child, parent": "INSERT INTO l VALUES (700 + {i}, 1, {n}); UPDATE r SET w = w + 1 WHERE k = 1",
    "parent, child": "UPDATE r SET w = w + 1 WHERE k = 1; INSERT INTO l VALUES (700 + {i}, 1, {n})",
    "lock all keys": "SET LOCAL tview.lock_escalation = 0",
}
WRITES = {**CORE_WRITES, **OTHER_WRITES, **CORE_VIEW_WRITES, **OTHER_VIEW_WRITES}
# those that write both tables
BOTH = ("truncate both", "update both", "child, parent", "parent, child")


def tables(view):
    """The tables that a view reads, as sides to write on."""
    names = set(re.findall(r"(?:FROM|JOIN) ([lrs])\b", VIEWS[view]))
    if "over a view" in view:
        names.add("l")
    return sorted(names)
