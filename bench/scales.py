"""Parts of bench/measure about the size of what lies there: base tables from 10^4 to 10^7 rows, and the queries derived
from TPC-H at two scale factors. The programs bench/flat and bench/tpch/run do the measuring.
"""
import argparse
import os
import sys

import flat
import suite
import tvbench

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "tpch"))
import maintain  # noqa: E402


def base_size(run):
    """Cost per changed row of views over tables of several sizes, on top of plain DML."""
    sizes = [10**4, 10**5] if run.quick else [10**4, 10**5, 10**6, 10**7]
    options = argparse.Namespace(turns=10 if run.quick else 60, warm=2 if run.quick else 10, batch=1000)
    try:
        cursors = {rows: flat.build(rows) for rows in sizes}
        for title, query in flat.VIEWS.items():
            results, wrong = flat.measure(title, query, cursors, options)
            run.wrong += wrong
            for rows, figures in results.items():
                run.add("base_size", title=title, size=rows, **figures)
        for cur in cursors.values():
            cur.connection.close()
    finally:
        for rows in sizes:
            tvbench.drop_database(flat.database(rows))


def tpch(run):
    """Cost of keeping each query of TPC-H per order, against recomputing it."""
    queries = maintain.Tpch()
    options = argparse.Namespace(transactions=10 if run.quick else 100, warm=2 if run.quick else 10, refreshes=3)
    groups = {f"Q{label}": [label] for label in queries.labels}
    groups["all"] = list(queries.labels)
    for scale in [0.01] if run.quick else [0.01, 0.1]:
        for title, figures in suite.one_scale(queries, scale, groups, options, run.wrong).items():
            run.add("tpch", title=title, scale=scale, **figures)
