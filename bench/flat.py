#!/usr/bin/python3
"""bench/flat: the cost of one changed row under maintained views, at 10^4 to 10^6 (10^7) base rows.

At each size: plain DML and the same with one view, by one-row statements and by statements of 1,000 scattered rows, in
turns. "added" is the difference, per changed row. REFRESH is what the same view costs as a plain one.
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

TABLES = """
    CREATE TABLE branch (branch int PRIMARY KEY, name text NOT NULL);
    INSERT INTO branch SELECT i, 'Branch number ' || i FROM generate_series(1, {rows} / 1000 + 1) i;
    CREATE TABLE account (id int PRIMARY KEY, grp int NOT NULL, branch int NOT NULL REFERENCES branch,
        balance int NOT NULL, filler text NOT NULL) WITH (fillfactor = 50);
    INSERT INTO account SELECT i, i % 10, i % ({rows} / 1000 + 1) + 1, hashint4(i) % 1000, repeat('x', 60)
        FROM generate_series(1, {rows}) i;
    CREATE INDEX ON account (branch);
    CREATE INDEX ON account ((id / 100))"""

ONE = "UPDATE account SET balance = balance + 1 WHERE id = %s"
MANY = "UPDATE account SET balance = balance + 1 WHERE id = ANY(%s)"


def build(rows):
    tvbench.create_database("tview_flat")
    conn = tvbench.connect("tview_flat")
    cur = conn.cursor()
    tvbench.install(cur)
    cur.execute(TABLES.format(rows=rows))
    # One plan for every size: the subject is maintenance, not the planner's choice for the UPDATE.
    cur.execute("SET plan_cache_mode = force_generic_plan")
    cur.execute("PREPARE one(int) AS " + ONE.replace("%s", "$1"))
    cur.execute("PREPARE many(int[]) AS " + MANY.replace("%s", "$1"))
    cur.execute("VACUUM ANALYZE")
    return conn


def measure(cur, dice, rows, options):
    """Median microseconds of a one-row statement, and per row of a statement changing many."""
    ones = [tvbench.timed(cur, "EXECUTE one(%s)", (dice.randint(1, rows),)) * 1000 for _ in range(options.ones)]
    many = []
    for _ in range(options.manys):
        ids = dice.sample(range(1, rows + 1), options.batch)
        many.append(tvbench.timed(cur, "EXECUTE many(%s)", (ids,)) * 1000 / options.batch)
    cur.execute("VACUUM account")
    return statistics.median(ones), statistics.median(many)


def one_size(rows, options):
    conn = build(rows)
    cur = conn.cursor()
    results, wrong = {}, []
    for title, query in VIEWS.items():
        dice = random.Random(7)
        runs = {"plain": [], "view": []}
        for _ in range(options.rounds):
            measure(cur, dice, rows, argparse.Namespace(ones=100, manys=1, batch=options.batch))
            runs["plain"].append(measure(cur, dice, rows, options))
            tvbench.create_view(cur, "v", query)
            measure(cur, dice, rows, argparse.Namespace(ones=100, manys=1, batch=options.batch))
            runs["view"].append(measure(cur, dice, rows, options))
            tvbench.refresh_if_dry(cur, ["v"])
            found = tvbench.difference(cur, "v", query, as_text=False)
            if found:
                wrong.append(f"{title}, {rows:,} rows: {found}")
            cur.execute("DROP MATERIALIZED VIEW v")
        tvbench.create_view(cur, "v", query, maintained=False)
        refresh = tvbench.timed(cur, "REFRESH MATERIALIZED VIEW v")
        cur.execute("DROP MATERIALIZED VIEW v")
        best = {arm: [statistics.median(run[i] for run in values) for i in (0, 1)] for arm, values in runs.items()}
        results[title] = {"plain_one_us": best["plain"][0], "added_one_us": best["view"][0] - best["plain"][0],
                          "plain_batch_us": best["plain"][1], "added_batch_us": best["view"][1] - best["plain"][1],
                          "refresh_ms": refresh}
    conn.close()
    tvbench.drop_database("tview_flat")
    return results, wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dry", action="store_true")
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ones", type=int, default=1000)
    parser.add_argument("--manys", type=int, default=5)
    parser.add_argument("--batch", type=int, default=1000)
    parser.add_argument("--json")
    options = parser.parse_args()
    sizes = [10**4, 10**5, 10**6] + ([10**7] if options.full else [])

    print(f"Microseconds per changed row, client's clock, medians of {options.rounds} rounds; "
          f"fsync off, autovacuum off, jit off, shared_buffers 2GB.")
    if tvbench.DRY:
        print("DRY RUN: the view is a plain one that nobody maintains.")
    tables, wrong = {}, []
    for rows in sizes:
        tables[rows], failed = one_size(rows, options)
        wrong += failed
        print(f"\n{rows:>10,} base rows{'':<14}{'one row a statement':>24}"
              f"{format(options.batch, ',') + ' a statement':>22}{'REFRESH':>12}")
        print(f"{'':<35}{'plain':>12}{'added':>12}{'plain':>11}{'added':>11}{'ms':>12}")
        for title, row in tables[rows].items():
            print(f"  {title:<33}{row['plain_one_us']:>12.1f}{row['added_one_us']:>12.1f}{row['plain_batch_us']:>11.2f}"
                  f"{row['added_batch_us']:>11.2f}{row['refresh_ms']:>12.1f}", flush=True)

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
