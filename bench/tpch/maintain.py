#!/usr/bin/python3
"""bench/tpch/run: maintenance cost per single-order transaction, per query and for all queries at once.

A round of one query is: N transactions without the view, half of them inserting an order with its lineitems and half
deleting one, then the same with the view. "added" is the difference of the medians: what keeping the view costs per
transaction. "recompute" is REFRESH of the same view as a plain one.
"""
import argparse
import json
import statistics
import sys
import time

import psycopg2

import tpch
import tvbench

QUERIES = (1, 3, 5, 6, 7, 8, 9, 10, 12, 14, 19)
DATABASE = "tview_tpch"


def transactions(cur, generator, count, views):
    """Milliseconds of count inserting transactions, and of the count that delete the same orders again."""
    inserts, deletes, keys = [], [], []
    for _ in range(count):
        start = time.perf_counter()
        cur.execute("BEGIN")
        keys.append(tpch.rf1(cur, generator))
        tvbench.refresh_if_dry(cur, views)
        cur.execute("COMMIT")
        inserts.append((time.perf_counter() - start) * 1000)
    for key in keys:
        start = time.perf_counter()
        cur.execute("BEGIN")
        tpch.rf2(cur, key)
        tvbench.refresh_if_dry(cur, views)
        cur.execute("COMMIT")
        deletes.append((time.perf_counter() - start) * 1000)
    return statistics.median(inserts), statistics.median(deletes)


def measure(cur, generator, queries, options):
    """Figures for some queries kept at the same time, and what is wrong with them."""
    transactions(cur, generator, 5, [])
    plain = transactions(cur, generator, options.transactions, [])
    for name, query in queries.items():
        tvbench.create_view(cur, name, query)
    cur.execute("ANALYZE")
    # Plans are made once per connection: not part of the steady cost, and printed apart.
    first = sum(transactions(cur, generator, 1, queries))
    transactions(cur, generator, 5, queries)
    kept = transactions(cur, generator, options.transactions, queries)
    wrong = []
    for name, query in queries.items():
        found = tvbench.difference(cur, name, query)
        if found:
            wrong.append(f"{name}: {found}")
    recompute = 0.0
    for name, query in queries.items():
        cur.execute(f"DROP MATERIALIZED VIEW {name}")
    for name, query in queries.items():
        tvbench.create_view(cur, name, query, maintained=False)
        recompute += statistics.median(tvbench.timed(cur, f"REFRESH MATERIALIZED VIEW {name}") for _ in range(3))
        cur.execute(f"DROP MATERIALIZED VIEW {name}")
    cur.execute("VACUUM orders, lineitem")
    return {"plain_rf1_ms": plain[0], "plain_rf2_ms": plain[1], "kept_rf1_ms": kept[0], "kept_rf2_ms": kept[1],
            "added_ms": (sum(kept) - sum(plain)) / 2, "first_two_ms": first, "recompute_ms": recompute}, wrong


def show(title, figures, wrong):
    added = figures["added_ms"]
    ratio = figures["recompute_ms"] / added if added > 0.001 else float("inf")
    print(f"  {title:<6}{figures['plain_rf1_ms']:>10.2f}{figures['kept_rf1_ms']:>10.2f}{figures['plain_rf2_ms']:>10.2f}"
          f"{figures['kept_rf2_ms']:>10.2f}{added:>10.3f}{figures['first_two_ms']:>10.1f}"
          f"{figures['recompute_ms']:>11.1f}"
          f"{format(ratio, ',.0f' if ratio >= 10 else '.1f') + ' x':>11}"
          + ("".join("   WRONG " + line for line in wrong)), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dry", action="store_true")
    parser.add_argument("--sf", default="0.01,0.1")
    parser.add_argument("--queries", default=",".join(map(str, QUERIES)))
    parser.add_argument("--transactions", type=int, default=100)
    parser.add_argument("--json")
    options = parser.parse_args()
    numbers = [int(number) for number in options.queries.split(",")]
    results, failed = {}, []

    print("Derived from, and not comparable with, TPC-H.\n"
          "Milliseconds per transaction of one order with its lineitems, "
          f"medians of {options.transactions}; fsync off, autovacuum off, jit off, shared_buffers 2GB.")
    if tvbench.DRY:
        print("DRY RUN: plain materialized views, refreshed in each transaction.")
    for sf in map(float, options.sf.split(",")):
        tvbench.create_database(DATABASE)
        conn = tvbench.connect(DATABASE)
        cur = conn.cursor()
        tvbench.install(cur)
        generator = tpch.Generator(sf)
        tpch.load(cur, generator)
        print(f"\nscale factor {sf:g}: {generator.orders:,} orders")
        print(f"  {'':<6}{'RF1 plain':>10}{'kept':>10}{'RF2 plain':>10}{'kept':>10}{'added':>10}{'first two':>10}"
              f"{'recompute':>11}{'ratio':>11}")
        figures = results[sf] = {}
        groups = {f"Q{number}": [number] for number in numbers}
        if len(numbers) > 1:
            groups["all"] = numbers
        for title, group in groups.items():
            queries = {f"q{number:02d}": tpch.query(number, sf, ordered=False) for number in group}
            try:
                figures[title], wrong = measure(cur, generator, queries, options)
            except psycopg2.Error as problem:
                failed.append(f"{title} at {sf:g}: {str(problem).strip().splitlines()[0]}")
                print(f"  {title:<6}{failed[-1]}")
                cur.execute("ROLLBACK")
                for name in queries:
                    cur.execute(f"DROP MATERIALIZED VIEW IF EXISTS {name}")
                continue
            show(title, figures[title], wrong)
            failed += [f"{line} at {sf:g}" for line in wrong]
        conn.close()
        tvbench.drop_database(DATABASE)

    if len(results) > 1:
        small, large = min(results), max(results)
        print(f"\nadded cost at scale factor {large:g} against {small:g} "
              "(recompute grows with the data, this should not):")
        print("  " + ", ".join(f"{title} {results[large][title]['added_ms'] / max(figures['added_ms'], 0.005):.2f}"
                               for title, figures in results[small].items() if title in results[large]))
    for line in failed:
        print(f"WRONG {line}")
    print("WRONG: the figures above do not count" if failed else "OK: every view equals its query")
    if options.json:
        with open(options.json, "w") as out:
            json.dump({"dry": tvbench.DRY, "transactions": options.transactions, "results": results, "wrong": failed},
                      out, indent=1)
            out.write("\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
