#!/usr/bin/python3
"""bench/flat: the cost of one changed row under maintained views, at 10^4 to 10^6 (10^7) base rows.

One-row statements, and statements of 1,000 rows that lie in 100 blocks of 100 rows, on a table with one view and on a
twin of it without, at all sizes in turns. "added" is the difference of the medians, per changed row. The number of
groups that a statement touches is the same at every size. REFRESH is what the same view costs as a plain one.
"""
import argparse
import json
import random
import statistics
import sys

import tvbench

# Added cost per row at the largest size against the smallest. Index descents and cold pages grow a little; plain DML
# itself is printed beside it for that reason.
FLAT = 1.5

VIEWS = {
    "aggregate, 10 groups": "SELECT grp, count(*) AS n, sum(balance) AS total FROM account GROUP BY grp",
    "join aggregate": "SELECT b.branch, count(*) AS n, sum(a.balance) AS total "
                      "FROM account a JOIN branch b USING (branch) GROUP BY b.branch",
    "a row per account, join": "SELECT a.id, a.balance, b.name FROM account a JOIN branch b USING (branch)",
    "min and max, 100 rows a group": "SELECT id / 100 AS block, min(balance) AS low, max(balance) AS high "
                                     "FROM account GROUP BY 1",
}

BRANCHES = """
    CREATE TABLE branch (branch int PRIMARY KEY, name text NOT NULL);
    INSERT INTO branch SELECT i, 'Branch number ' || i FROM generate_series(1, 100) i"""
ACCOUNTS = """
    CREATE TABLE {table} (id int PRIMARY KEY, grp int NOT NULL, branch int NOT NULL REFERENCES branch,
        balance int NOT NULL, filler text NOT NULL) WITH (fillfactor = 50);
    INSERT INTO {table} SELECT i, i % 10, i % 100 + 1, hashint4(i) % 1000, repeat('x', 60)
        FROM generate_series(0, {rows} - 1) i;
    CREATE INDEX ON {table} ((id / 100))"""

ONE = "UPDATE {table} SET balance = balance + 1 WHERE id = $1"
MANY = "UPDATE {table} SET balance = balance + 1 WHERE id = ANY($1)"
ARMS = {"plain": "twin", "view": "account"}
BLOCK = 100             # rows of a group of "min and max"
STATEMENTS = 25         # of one row, before another arm or size has its turn


def database(rows):
    return f"tview_flat_{rows}"


def build(rows):
    name = database(rows)
    tvbench.create_database(name)
    conn = tvbench.connect(name)
    cur = conn.cursor()
    tvbench.install(cur)
    cur.execute(BRANCHES)
    for table in ARMS.values():
        cur.execute(ACCOUNTS.format(table=table, rows=rows))
    # One plan for every size: the subject is maintenance, not the planner's choice for the UPDATE.
    cur.execute("SET plan_cache_mode = force_generic_plan")
    for arm, table in ARMS.items():
        cur.execute(f"PREPARE one_{arm}(int) AS " + ONE.format(table=table))
        cur.execute(f"PREPARE many_{arm}(int[]) AS " + MANY.format(table=table))
    cur.execute("VACUUM ANALYZE")
    return cur


def scattered(dice, rows, batch):
    """A tenth of the rows of as many blocks as that takes, at least if there are so many blocks."""
    each = BLOCK // 10
    blocks = dice.sample(range(rows // BLOCK), min(rows // BLOCK, batch // each))
    return [block * BLOCK + i for block in blocks for i in dice.sample(range(BLOCK), each)]


def turn(cur, dice, rows, options, times):
    """Each arm's statements, on the same rows."""
    ids = [dice.randrange(rows) for _ in range(STATEMENTS)]
    batch = scattered(dice, rows, options.batch)
    for arm in dice.sample(list(ARMS), len(ARMS)):
        times[arm, "one"] += [tvbench.timed(cur, f"EXECUTE one_{arm}(%s)", (i,)) * 1000 for i in ids]
        times[arm, "batch"].append(tvbench.timed(cur, f"EXECUTE many_{arm}(%s)", (batch,)) * 1000 / len(batch))


def measure(title, query, cursors, options):
    """One view at all sizes: {size: figures}, and what was wrong."""
    dice = random.Random(7)
    times = {rows: {(arm, kind): [] for arm in ARMS for kind in ("one", "batch")} for rows in cursors}
    results, wrong = {}, []
    for cur in cursors.values():
        tvbench.create_view(cur, "v", query)
    for i in range(-options.warm, options.turns):
        if i == 0:
            for rows in cursors:
                for values in times[rows].values():
                    values.clear()
        for rows, cur in cursors.items():
            if i % 10 == 0:
                cur.execute("VACUUM account, twin, v")
            turn(cur, dice, rows, options, times[rows])
    for rows, cur in cursors.items():
        tvbench.refresh_if_dry(cur, ["v"])
        found = tvbench.difference(cur, "v", query, as_text=False)
        if found:
            wrong.append(f"{title}, {rows:,} rows: {found}")
        cur.execute("DROP MATERIALIZED VIEW v")
        tvbench.create_view(cur, "v", query, maintained=False)
        refresh = tvbench.timed(cur, "REFRESH MATERIALIZED VIEW v")
        cur.execute("DROP MATERIALIZED VIEW v")
        best = {key: statistics.median(values) for key, values in times[rows].items()}
        results[rows] = {"refresh_ms": refresh}
        for kind in ("one", "batch"):
            results[rows][f"plain_{kind}_us"] = best["plain", kind]
            results[rows][f"added_{kind}_us"] = best["view", kind] - best["plain", kind]
    return results, wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dry", action="store_true")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--turns", type=int, default=60)
    parser.add_argument("--warm", type=int, default=10)
    parser.add_argument("--batch", type=int, default=1000)
    parser.add_argument("--json")
    options = parser.parse_args()
    sizes = [10**4, 10**5, 10**6] + ([10**7] if options.full else [])

    print(f"Microseconds per changed row, client's clock, medians of {options.turns * STATEMENTS} one-row statements "
          f"and of {options.turns} of {options.batch:,} rows; fsync off, autovacuum off, jit off, shared_buffers 2GB.")
    if tvbench.DRY:
        print("DRY RUN: the view is a plain one that nobody maintains.")
    cursors = {rows: build(rows) for rows in sizes}
    tables, wrong = {rows: {} for rows in sizes}, []
    for title, query in VIEWS.items():
        results, failed = measure(title, query, cursors, options)
        wrong += failed
        print(f"\n{title:<35}{'one row a statement':>24}{format(options.batch, ',') + ' a statement':>22}"
              f"{'REFRESH':>12}\n{'':<35}{'plain':>12}{'added':>12}{'plain':>11}{'added':>11}{'ms':>12}")
        for rows, row in results.items():
            tables[rows][title] = row
            print(f"{rows:>18,} base rows{'':<7}{row['plain_one_us']:>12.1f}{row['added_one_us']:>12.1f}"
                  f"{row['plain_batch_us']:>11.2f}{row['added_batch_us']:>11.2f}{row['refresh_ms']:>12.1f}", flush=True)
    for rows, cur in cursors.items():
        cur.connection.close()
        tvbench.drop_database(database(rows))

    print(f"\nreach: added cost per row, {sizes[-1]:,} rows against {sizes[0]:,}{'':<11}measured  at most")
    for title in VIEWS:
        for key, what in (("added_one_us", "one row"), ("added_batch_us", f"{options.batch:,} rows")):
            first, last = tables[sizes[0]][title][key], tables[sizes[-1]][title][key]
            # A difference below a microsecond per row is noise, not cost.
            ratio = last / max(first, 1.0)
            print(f"  {title + ', ' + what:<58}{ratio:>8.2f}{FLAT:>9.2f}  {'met' if ratio <= FLAT else 'MISSED'}")
    for line in wrong:
        print(f"WRONG {line}")
    print("WRONG: the figures above do not count" if wrong else "OK: every view equals its query")
    if options.json:
        with open(options.json, "w") as out:
            json.dump({"dry": tvbench.DRY, "sizes": tables, "wrong": wrong}, out, indent=1)
            out.write("\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
