#!/usr/bin/python3
"""bench/measure: one-row and bulk changes, many views, cascades, build, storage and memory, in one report.

Arms take turns within a round, ratios are taken within rounds, and every arm ends with the equality check. The report
is written at the end, as a whole: an interrupted run, or one that an error ends, leaves the earlier report as it was.
"""
import argparse
import datetime
import json
import os
import platform
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile

import accounts
import page
import tvbench

TEMPLATE = "tview_measure_template"
DATABASE = "tview_measure_"
NEEDED_GB = {True: 2, False: 8}

HAND = {view.letter: view for view in accounts.VIEWS}

# name: title, query, letter of the hand-written trigger in accounts.py
KINDS = {
    "groups_10": ("10 groups", HAND["a"].query, "a"),
    "groups_10000": ("10,000 groups", HAND["b"].query, "b"),
    "join_aggregate": ("aggregate over a join", HAND["c"].query, "c"),
    "row_per_row": ("one row per base row, join", HAND["d"].query, "d"),
    "min_max": ("min and max, 100 rows a group",
                "SELECT aid / 100 AS block, min(abalance) AS low, max(abalance) AS high FROM pgbench_accounts GROUP BY 1",
                None),
    "document": ("JSON document per base row",
                 "SELECT a.aid, jsonb_build_object('id', a.aid, 'balance', a.abalance, 'branch', "
                 "jsonb_build_object('id', b.bid, 'balance', b.bbalance)) AS document "
                 "FROM pgbench_accounts a JOIN pgbench_branches b USING (bid)", None),
}
UPDATE = accounts.ONE_ROW_SCRIPT
INSERT = "INSERT INTO pgbench_accounts (aid, bid, abalance, filler) VALUES (nextval('new_aid'), 1 + random() * ({scale} - 1), 7, '');\n"


class Run:
    def __init__(self, options):
        self.options = options
        self.scale = 1 if options.quick else 10
        self.rows = self.scale * 100000
        self.rounds = 2 if options.quick else 5
        self.found, self.wrong = [], []
        self.admin = tvbench.connect("postgres")
        self.cpu = tvbench.ServerCpu(self.admin.cursor())

    def add(self, name, **figures):
        self.found.append({"name": name, **figures})
        print(" ".join([name] + [f"{key}={value}" for key, value in figures.items()
                                 if not isinstance(value, dict) and key != "title"] +
                       [f"{arm} x{figure['ratio']:.2f}" for arm, units in figures.get("arms", {}).items()
                        for unit, figure in units.items() if isinstance(figure, dict) and unit != "us" and arm != "plain"]),
              flush=True)

    def check(self, cur, view, query, what, **how):
        difference = tvbench.difference(cur, view, query, as_text=False, **how)
        if difference:
            self.wrong.append(f"{what}: {difference}")
            print(f"WRONG {self.wrong[-1]}", flush=True)

    def database(self, arm, query=None, letter=None):
        name = DATABASE + arm
        tvbench.create_database(name, TEMPLATE)
        conn = tvbench.connect(name)
        cur = conn.cursor()
        if arm == "ours":
            tvbench.install(cur)
            if query:
                tvbench.create_view(cur, "v", query)
        elif arm == "hand":
            cur.execute(HAND[letter].hand)
            cur.execute(accounts.UPDATE_TRIGGER.format(function="hand_update"))
        elif arm == "empty":
            cur.execute(accounts.EMPTY_TRIGGER)
            cur.execute(accounts.UPDATE_TRIGGER.format(function="empty"))
        cur.execute("VACUUM ANALYZE")
        return conn

    def close(self, conns):
        for arm, conn in conns.items():
            conn.close()
            tvbench.drop_database(DATABASE + arm)

    def check_arms(self, conns, query, what):
        for arm, conn in conns.items():
            if arm == "ours":
                self.check(conn.cursor(), "v", query, f"{what}, pg_tviews")
            elif arm == "hand":
                self.check(conn.cursor(), "hand", query, f"{what}, hand-written trigger", extension_check=False)


def by_pgbench(run, conns, text):
    """Ratios of client time and server CPU to the first arm."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(text)
        script.flush()
        values = accounts.in_rounds(list(conns), run.rounds,
                                    lambda arm, _: accounts.pgbench(DATABASE + arm, script.name, 1, run.cpu))
    first = next(iter(conns))
    result = {}
    for i, unit in enumerate(("us", "cpu_us")):
        if values[first][0][i] is not None:
            summary = accounts.summary({arm: [v[i] for v in runs] for arm, runs in values.items()}, first)
            for arm, figures in summary.items():
                result.setdefault(arm, {})[unit] = figures
    return result


def one_row(run):
    for kind, (title, query, letter) in KINDS.items():
        for change, text in (("update", UPDATE.format(rows=run.rows)), ("insert", INSERT.format(scale=run.scale))):
            arms = ["plain", "ours"] + (["hand"] if letter and change == "update" else [])
            conns = {arm: run.database(arm, query, letter) for arm in arms}
            figures = by_pgbench(run, conns, text)
            run.check_arms(conns, query, f"one-row {change}, {title}")
            run.close(conns)
            run.add("one_row", view=kind, title=title, change=change, arms=figures)


def bulk(run):
    sizes = [n for n in (10, 100, 1000, 10000, 100000, 1000000) if n <= run.rows]
    for kind in ("groups_10", "groups_10000", "join_aggregate", "row_per_row"):
        title, query, letter = KINDS[kind]
        arms = ["plain", "ours", "hand", "empty"]
        conns = {arm: run.database(arm, query, letter) for arm in arms}
        tables = {"plain": "", "empty": "", "ours": ", v", "hand": f", {HAND[letter].hand_table}"}
        for size in sizes:
            dice = random.Random(size)
            firsts = [dice.randint(0, run.rows - size) for _ in range(run.rounds + 1)]

            def measure(arm, number):
                cur = conns[arm].cursor()
                took = tvbench.timed(cur, accounts.BULK_STATEMENT.format(first=firsts[number], rows=size))
                cur.execute("VACUUM pgbench_accounts" + tables[arm])
                return took

            figures = accounts.summary(accounts.in_rounds(arms, run.rounds, measure), "plain")
            run.add("bulk", view=kind, title=title, rows=size, arms={arm: {"ms": f} for arm, f in figures.items()})
        run.check_arms(conns, query, f"bulk, {title}")
        run.close(conns)


def many_views(run):
    """Views over one base: those that an update concerns, and those that read other columns."""
    for concerned in (True, False):
        column = "abalance" if concerned else "length(filler)"
        for n in (1, 10, 100):
            conns = {"plain": run.database("plain"), "ours": run.database("ours")}
            cur = conns["ours"].cursor()
            query = f"SELECT bid + {{}} AS k, sum({column}) AS s FROM pgbench_accounts GROUP BY 1"
            tvbench.create_view(cur, "watch", "SELECT bid, max(abalance) AS m FROM pgbench_accounts WHERE aid < 0 GROUP BY bid")
            for i in range(n):
                tvbench.create_view(cur, f"v{i}", query.format(i))
            figures = by_pgbench(run, conns, UPDATE.format(rows=run.rows))
            for i in (0, n - 1):
                run.check(cur, f"v{i}", query.format(i), f"{n} views")
            run.close(conns)
            run.add("many_views", views=n, concerned=concerned, arms=figures)


def cascade(run):
    base = "SELECT aid, abalance AS b FROM pgbench_accounts"
    for depth in (1, 2, 5, 10):
        conns = {"plain": run.database("plain"), "ours": run.database("ours")}
        cur = conns["ours"].cursor()
        query = base
        for i in range(depth):
            tvbench.create_view(cur, f"v{i}", query)
            query = f"SELECT aid, b FROM v{i}"
        cur.execute("VACUUM ANALYZE")
        figures = by_pgbench(run, conns, UPDATE.format(rows=run.rows))
        run.check(cur, f"v{depth - 1}", base, f"cascade of {depth}")
        run.close(conns)
        run.add("cascade", depth=depth, arms=figures)


def build(run):
    for kind, (title, query, _) in KINDS.items():
        conns = {"ours": run.database("ours")}
        cur = conns["ours"].cursor()
        times = {"plain": [], "ours": []}
        for number in range(run.rounds + 1):
            for arm in ("plain", "ours") if number % 2 else ("ours", "plain"):
                sql = f"CREATE MATERIALIZED VIEW b {'USING tview ' if arm == 'ours' else ''}AS {query}"
                took = tvbench.timed(cur, sql)
                if arm == "ours" and number == run.rounds:
                    run.check(cur, "b", query, f"build, {title}")
                cur.execute("DROP MATERIALIZED VIEW b")
                if number:
                    times[arm].append(took)
        run.close(conns)
        run.add("build", view=kind, title=title,
                arms={arm: {"ms": f} for arm, f in accounts.summary(times, "plain").items()})


def refresh(run):
    """What recomputing the same view as a plain one costs, each time."""
    keys = {"groups_10": "bid", "groups_10000": "slot", "join_aggregate": "bid", "row_per_row": "aid",
            "min_max": "block", "document": "aid"}
    for kind, (title, query, _) in KINDS.items():
        conns = {"plain": run.database("plain")}
        cur = conns["plain"].cursor()
        tvbench.create_view(cur, "v", query, maintained=False)
        cur.execute(f"CREATE UNIQUE INDEX ON v ({keys[kind]})")
        took = {}
        for how in ("", "CONCURRENTLY "):
            values = []
            for _ in range(2 if run.options.quick else 3):
                cur.execute("UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid <= 100")
                values.append(tvbench.timed(cur, f"REFRESH MATERIALIZED VIEW {how}v"))
            took["concurrently" if how else "refresh"] = statistics.median(values)
        run.check(cur, "v", query, f"refresh, {title}", extension_check=False)
        run.close(conns)
        run.add("refresh", view=kind, title=title, ms=took)


def storage(run):
    """WAL and growth, with autovacuum off: bytes per updated row in statements of one row."""
    updates = 1000 if run.options.quick else 10000
    for kind, (title, query, _) in KINDS.items():
        conns = {"plain": run.database("plain"), "ours": run.database("ours", query)}
        figures = {}
        for arm, conn in conns.items():
            cur = conn.cursor()
            size = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind IN ('r', 'm') AND oid >= 16384"
            cur.execute(size)
            before = cur.fetchone()[0]
            cur.execute("SELECT pg_current_wal_insert_lsn()")
            lsn = cur.fetchone()[0]
            dice = random.Random(5)
            for _ in range(updates):
                cur.execute("UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = %s",
                            (dice.randint(1, run.rows),))
            cur.execute("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), %s)", (lsn,))
            wal = cur.fetchone()[0]
            cur.execute(size)
            figures[arm] = {"wal_bytes": float(wal) / updates, "grown_bytes": float(cur.fetchone()[0] - before) / updates}
        run.check_arms(conns, query, f"storage, {title}")
        run.close(conns)
        run.add("storage", view=kind, title=title, updates=updates, arms=figures)


def memory(run):
    """Memory of a backend that has changed a base of each of many views, and of one that has not."""
    n = 100 if run.options.quick else 1000
    conns = {"ours": run.database("ours")}
    cur = conns["ours"].cursor()
    for i in range(n):
        cur.execute(f"CREATE TABLE t{i} (id int PRIMARY KEY, k int, v int)")
        tvbench.create_view(cur, f"v{i}", f"SELECT k, count(*), sum(v) FROM t{i} GROUP BY k")
    used = "SELECT sum(total_bytes) FROM pg_backend_memory_contexts"

    def backend(statement):
        conn = tvbench.connect(DATABASE + "ours")
        cur = conn.cursor()
        for i in range(n):
            cur.execute(statement.format(i))
        cur.execute(used)
        found = float(cur.fetchone()[0])
        conn.close()
        return found

    reads = backend("SELECT count(*) FROM t{}")
    writes = backend("INSERT INTO t{} VALUES (1, 1, 1)")
    for i in (0, n - 1):
        run.check(cur, f"v{i}", f"SELECT k, count(*), sum(v) FROM t{i} GROUP BY k", f"memory, {n} views")
    run.close(conns)
    run.add("memory", views=n, reads_bytes=reads, writes_bytes=writes, per_view_bytes=(writes - reads) / n)


PARTS = [one_row, bulk, many_views, cascade, build, refresh, storage, memory]


def machine(cur):
    def first(path, key):
        try:
            with open(path) as lines:
                return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(key)), None)
        except OSError:
            return None

    cur.execute("SELECT version()")
    version = cur.fetchone()[0]
    commit = subprocess.run(["git", "-C", os.path.dirname(os.path.abspath(__file__)), "describe", "--always", "--dirty"],
                            capture_output=True, text=True).stdout.strip()
    return {"server": version, "commit": commit or None, "system": platform.platform(), "cores": os.cpu_count(),
            "processor": first("/proc/cpuinfo", "model name"), "memory": first("/proc/meminfo", "MemTotal"),
            "load_before": os.getloadavg()[0], "settings": accounts.settings(cur),
            "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")}


def interrupted(number, frame):
    raise KeyboardInterrupt


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only")
    parser.add_argument("--out", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "report"))
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, interrupted)

    run = Run(options)
    cur = run.admin.cursor()
    cur.execute("SHOW data_directory")
    free = shutil.disk_usage(os.path.dirname(cur.fetchone()[0])).free / 2**30
    if free < NEEDED_GB[options.quick]:
        print(f"bench/measure: {free:.1f} GB of disk are free, {NEEDED_GB[options.quick]} are needed: nothing was measured")
        return 2
    about = machine(cur)
    wanted = options.only.split(",") if options.only else [part.__name__ for part in PARTS]
    try:
        tvbench.create_database(TEMPLATE)
        subprocess.run([tvbench.program("pgbench"), "-q", "-i", "-I", "dtgvp", "-F", "50", "-s", str(run.scale),
                        TEMPLATE], check=True, capture_output=True)
        conn = tvbench.connect(TEMPLATE)
        conn.cursor().execute(f"CREATE INDEX ON pgbench_accounts ((aid / 100)); CREATE SEQUENCE new_aid START {run.rows + 1}")
        conn.close()
        for part in PARTS:
            if part.__name__ in wanted:
                part(run)
    except KeyboardInterrupt:
        print("bench/measure: interrupted; no report was written", file=sys.stderr)
        return 130
    finally:
        for arm in ("plain", "ours", "hand", "empty"):
            tvbench.drop_database(DATABASE + arm)
        tvbench.drop_database(TEMPLATE)

    report = {"about": about, "quick": options.quick, "rows": run.rows, "rounds": run.rounds,
              "not_compared": ["pg_ivm"], "wrong": run.wrong, "measurements": run.found}
    os.makedirs(options.out, exist_ok=True)
    for name, text in (("report.json", json.dumps(report, indent=1) + "\n"), ("index.html", page.render(report))):
        with open(os.path.join(options.out, name + ".new"), "w") as out:
            out.write(text)
    for name in ("report.json", "index.html"):
        os.replace(os.path.join(options.out, name + ".new"), os.path.join(options.out, name))
    for line in run.wrong:
        print(f"WRONG {line}")
    print("WRONG: the figures above do not count" if run.wrong else
          f"OK: every view of every arm equals its query; {os.path.join(options.out, 'index.html')}")
    return 1 if run.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
