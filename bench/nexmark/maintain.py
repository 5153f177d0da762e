#!/usr/bin/python3
"""bench/nexmark/run: what keeping each query costs per batch of fifty events, against recomputing it."""
import sys

import nexmark
import tvbench  # noqa: F401
import suite


class Nexmark(suite.Suite):
    """A change is fifty events: a person, three auctions and 46 bids, which are inserted and later deleted."""

    title, unit, database = "Nexmark", "fifty events", "tview_nexmark"
    scale_name, scales, full_scale, cheaper_at = "events", "10000,100000", 1000000.0, 100000.0
    labels, vacuumed = nexmark.QUERIES, "bid, auction, person"

    name = staticmethod(nexmark.name)
    load = staticmethod(nexmark.load)
    do = staticmethod(nexmark.insert)
    undo = staticmethod(nexmark.delete)

    def generator(self, scale):
        return nexmark.Generator(int(scale))

    def query(self, label, scale):
        return nexmark.query(label)

    def change(self, generator):
        return generator.batch()


if __name__ == "__main__":
    sys.exit(suite.run(Nexmark()))
