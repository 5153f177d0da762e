#!/usr/bin/python3
"""bench/tpch/run: what keeping each query costs per transaction of one order, against recomputing it."""
import sys

import tpch
import tvbench  # noqa: F401
import suite


class Tpch(suite.Suite):
    """A change is an order with its lineitems, which is inserted and later deleted."""

    title, unit, database = "TPC-H", "one order with its lineitems", "tview_tpch"
    scale_name, scales, full_scale, cheaper_at = "scale factor", "0.01,0.1", 1.0, 0.1
    labels, vacuumed = tpch.QUERIES, "orders, lineitem"

    generator = staticmethod(tpch.Generator)
    load = staticmethod(tpch.load)
    name = staticmethod(tpch.name)
    query = staticmethod(tpch.query)
    difference = staticmethod(tpch.difference)

    def change(self, generator):
        return generator.new_order()

    def do(self, cur, change):
        tpch.insert_order(cur, *change)

    def undo(self, cur, change):
        tpch.rf2(cur, change[0][0])


if __name__ == "__main__":
    sys.exit(suite.run(Tpch()))
