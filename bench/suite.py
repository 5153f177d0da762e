"""What bench/tpch/run and bench/nexmark/run share: the cost of keeping each query of a suite, against recomputing it.

Two databases hold the same rows, one of them the view. Each change is made in both, in a transaction each, and later
undone in both; which database comes first alternates. The cost of keeping the view is the median over the transactions
of the difference in the processor time of the server's process (of the client's clock, where the system does not tell). "recompute" is REFRESH of the same view as a plain one. Every measurement ends with the comparison of
the view with its query.
"""
import argparse
import json
import statistics
import time

import psycopg2

import tvbench

FLAT = 1.5
CHEAPER = 20
# A query that recomputes faster than this has little to gain: then maintenance must not be slower.
CHEAP_MS = 5
# Differences below this many milliseconds are noise when two scales are compared; no ratio is taken to less than that.
RESOLUTION_MS = 0.05
LEAST_MS = 0.01

SIZES = """
    SELECT (SELECT sum(view_size)::bigint FROM tview.views), (SELECT sum(state_size)::bigint FROM tview.views),
           (SELECT sum(pg_total_relation_size(b)) FROM (SELECT DISTINCT unnest(bases) AS b FROM tview.views) x)"""


class Suite:
    """A suite gives: title (of the heading), unit (of a transaction), database (prefix), labels, scales (default ones),
    full_scale, cheaper_at (the scale at which CHEAPER holds), vacuumed (tables); and the methods below."""

    def generator(self, scale):
        """Deals rows and changes."""
        raise NotImplementedError

    def load(self, cur, generator):
        raise NotImplementedError

    def name(self, label):
        raise NotImplementedError

    def query(self, label, scale):
        raise NotImplementedError

    def change(self, generator):
        """Another change, as do() and undo() take it."""
        raise NotImplementedError

    def do(self, cur, change):
        raise NotImplementedError

    def undo(self, cur, change):
        raise NotImplementedError

    def difference(self, cur, name, query):
        return tvbench.difference(cur, name, query)


class Clock:
    """Milliseconds that a connection's server process has run on a processor, so that other load does not count.

    The number of the clock is what clock_getcpuclockid() of Linux gives. Elsewhere, and for a server on another host, the
    clock on the wall.
    """

    def __init__(self, conn):
        pid = conn.get_backend_pid()
        self.clock = (~pid << 3) | 2
        try:
            with open(f"/proc/{pid}/comm") as comm:
                self.known = comm.read().strip() == "postgres"
            time.clock_gettime(self.clock)
        except OSError:
            self.known = False

    def now(self):
        return (time.clock_gettime(self.clock) if self.known else time.perf_counter()) * 1000


class Pair:
    """Both databases: connections 0 to the one without views, 1 to the other."""

    def __init__(self, suite, scale):
        self.suite, self.scale = suite, scale
        self.names = (suite.database + "_plain", suite.database + "_kept")
        self.conns, self.curs = [], []
        tvbench.create_database(self.names[0])
        conn = tvbench.connect(self.names[0])
        tvbench.install(conn.cursor())
        self.generator = suite.generator(scale)
        suite.load(conn.cursor(), self.generator)
        conn.close()
        tvbench.create_database(self.names[1], template=self.names[0])
        self.reconnect()

    def reconnect(self):
        """Plans are kept per connection: a new one for each view."""
        for conn in self.conns:
            conn.close()
        self.conns = [tvbench.connect(name) for name in self.names]
        self.curs = [conn.cursor() for conn in self.conns]
        self.clocks = [Clock(conn) for conn in self.conns]

    def close(self):
        for conn in self.conns:
            conn.close()
        for name in self.names:
            tvbench.drop_database(name)


def timed(pair, which, action, change, views):
    cur, clock = pair.curs[which], pair.clocks[which]
    start = clock.now()
    cur.execute("BEGIN")
    action(cur, change)
    tvbench.refresh_if_dry(cur, views)
    cur.execute("COMMIT")
    return clock.now() - start


def transactions(pair, count, views):
    """Milliseconds of transactions in (plain, kept): count that change something, and count that undo it."""
    changes = [pair.suite.change(pair.generator) for _ in range(count)]
    results = []
    for action in (pair.suite.do, pair.suite.undo):
        results.append([])
        for i, change in enumerate(changes):
            took = [0.0, 0.0]
            for which in ((0, 1), (1, 0))[i % 2]:
                took[which] = timed(pair, which, action, change, views if which else [])
            results[-1].append(took)
    return results


def refresh(pair, name):
    start = pair.clocks[1].now()
    pair.curs[1].execute(f"REFRESH MATERIALIZED VIEW {name}")
    return pair.clocks[1].now() - start


def added(pairs):
    return statistics.median(kept - plain for plain, kept in pairs)


def measure(pair, queries, options):
    """Figures for some queries kept at the same time, and what is wrong with them."""
    pair.reconnect()
    cur = pair.curs[1]
    transactions(pair, options.warm, [])
    start = time.perf_counter()
    for name, query in queries.items():
        tvbench.create_view(cur, name, query)
    build = (time.perf_counter() - start) * 1000
    cur.execute("VACUUM ANALYZE")
    sizes = (0, 0, 1)
    if not tvbench.DRY:
        cur.execute(SIZES)
        sizes = tuple(int(size or 0) for size in cur.fetchone())
    # Plans are made once per connection: not part of the steady cost, and printed apart.
    first = sum(pairs[0][1] - pairs[0][0] for pairs in transactions(pair, 1, queries))
    transactions(pair, options.warm, queries)
    done, undone = transactions(pair, options.transactions, queries)
    wrong = []
    for name, query in queries.items():
        found = pair.suite.difference(cur, name, query)
        if found:
            wrong.append(f"{name}: {found}")
    recompute = 0.0
    for name in queries:
        cur.execute(f"DROP MATERIALIZED VIEW {name}")
    for name, query in queries.items():
        tvbench.create_view(cur, name, query, maintained=False)
        recompute += statistics.median(refresh(pair, name) for _ in range(options.refreshes))
        cur.execute(f"DROP MATERIALIZED VIEW {name}")
    for each in pair.curs:
        each.execute("VACUUM " + pair.suite.vacuumed)
    return {"plain_ms": statistics.median(plain for plain, _ in done + undone),
            "added_do_ms": added(done), "added_undo_ms": added(undone), "added_ms": added(done + undone),
            "first_two_ms": first, "recompute_ms": recompute, "build_ms": build,
            "view_bytes": sizes[0], "state_bytes": sizes[1], "input_bytes": sizes[2]}, wrong


def times(figures):
    return figures["recompute_ms"] / max(figures["added_ms"], LEAST_MS)


def show(title, figures, wrong):
    ratio = times(figures)
    print(f"  {title:<6}{figures['plain_ms']:>8.2f}{figures['added_do_ms']:>10.3f}{figures['added_undo_ms']:>10.3f}"
          f"{figures['added_ms']:>10.3f}{figures['first_two_ms']:>11.1f}{figures['recompute_ms']:>11.1f}"
          f"{format(ratio, ',.0f' if ratio >= 10 else '.1f') + ' x':>11}"
          f"{figures['view_bytes'] / 1024:>11,.0f}{figures['state_bytes'] / 1024:>11,.0f}"
          f"{100 * figures['state_bytes'] / figures['input_bytes']:>8.1f}%"
          + ("".join("   WRONG " + line for line in wrong)), flush=True)


def reach(suite, results):
    """The bounds the project sets itself, at one scale and from the smallest to the largest."""
    small, large = min(results), max(results)
    if small < large:
        print(f"\nreach: cost at {suite.scale_name} {large:g} against {small:g}, at most {FLAT} times "
              "(recompute grows with the data)")
        for title, figures in results[small].items():
            if title not in results[large]:
                continue
            before, after = figures["added_ms"], results[large][title]["added_ms"]
            ratio = max(after, RESOLUTION_MS) / max(before, RESOLUTION_MS)
            print(f"  {title:<6}{before:>10.3f}{after:>10.3f}{ratio:>8.2f}  "
                  f"{'met' if ratio <= FLAT or after - before <= RESOLUTION_MS else 'MISSED'}")
    if suite.cheaper_at in results:
        print(f"\nreach: at {suite.scale_name} {suite.cheaper_at:g}, at least {CHEAPER} times cheaper than recompute, "
              f"or not slower if that takes less than {CHEAP_MS} ms")
        for title, figures in results[suite.cheaper_at].items():
            bound = CHEAPER if figures["recompute_ms"] >= CHEAP_MS else 1
            print(f"  {title:<6}{times(figures):>10.1f}{bound:>6}  {'met' if times(figures) >= bound else 'MISSED'}")


def one_scale(suite, scale, groups, options, failed):
    start = time.perf_counter()
    pair = Pair(suite, scale)
    print(f"\n{suite.scale_name} {scale:g}, loaded in {time.perf_counter() - start:.0f} s")
    print(f"  {'':<6}{'plain':>8}{'added do':>10}{'undo':>10}{'added':>10}{'first two':>11}{'recompute':>11}"
          f"{'ratio':>11}{'view kB':>11}{'state kB':>11}{'/inputs':>9}", flush=True)
    figures, refused = {}, set()
    for title, group in groups.items():
        queries = {suite.name(label): suite.query(label, scale) for label in group if label not in refused}
        try:
            figures[title], wrong = measure(pair, queries, options)
        except psycopg2.Error as problem:
            failed.append(f"{title} at {scale:g}: {str(problem).strip().splitlines()[0]}")
            refused.update(group)
            pair.reconnect()
            for name in queries:
                pair.curs[1].execute(f"DROP MATERIALIZED VIEW IF EXISTS {name}")
            continue
        show(title, figures[title], wrong)
        failed += [f"{line} at {scale:g}" for line in wrong]
    pair.close()
    return figures


def run(suite):
    parser = argparse.ArgumentParser()
    parser.add_argument("--dry", action="store_true")
    parser.add_argument("--full", action="store_true", help="the largest scale, too")
    parser.add_argument("--scales", "--sf", default=suite.scales)
    parser.add_argument("--queries", default=",".join(suite.labels))
    parser.add_argument("--transactions", type=int, default=100)
    parser.add_argument("--warm", type=int, default=10)
    parser.add_argument("--refreshes", type=int, default=3)
    parser.add_argument("--json")
    options = parser.parse_args()
    labels = options.queries.split(",")
    groups = {f"Q{label}": [label] for label in labels}
    if len(labels) > 1:
        groups["all"] = labels
    scales = list(map(float, options.scales.split(","))) + ([suite.full_scale] if options.full else [])
    results, failed = {}, []

    print(f"Derived from, and not comparable with, {suite.title}.\n"
          f"Processor milliseconds per transaction of {suite.unit}, medians of {2 * options.transactions}; "
          "fsync off, autovacuum off, jit off, shared_buffers 2GB.")
    if tvbench.DRY:
        print("DRY RUN: plain materialized views, refreshed in each transaction.")
    for scale in scales:
        results[scale] = one_scale(suite, scale, groups, options, failed)
    reach(suite, results)
    for line in failed:
        print(f"WRONG {line}")
    print("WRONG: the figures above do not count" if failed else "OK: every view equals its query")
    if options.json:
        with open(options.json, "w") as out:
            json.dump({"dry": tvbench.DRY, "transactions": options.transactions, "results": results, "wrong": failed},
                      out, indent=1)
            out.write("\n")
    return 1 if failed else 0
