#!/usr/bin/python3
"""bench/run: the cost of keeping one view over pgbench_accounts, for one changed row and for 100,000.

Per view there is one database per arm, all copied from one pgbench template, and the arms take turns within each
round. Accounts have fillfactor 50, so that plain updates are HOT and the floor is the lowest there is. Ratios are
taken within a round, then the median over the rounds; the first round warms up and is dropped. At the end
of each arm its view is compared with its query; an arm that fails is printed WRONG and the run fails.
"""
import argparse
import json
import random
import re
import statistics
import subprocess
import sys
import tempfile

import tvbench

TEMPLATE = "tview_bench_template"

# Reach: what the figures should be at most.
ONE_ROW, BULK_AGGREGATE, BULK_JOIN = 1.6, 2.0, 4.0

ONE_ROW_SCRIPT = """\\set aid random(1, {rows})
\\set d random(-5000, 5000)
UPDATE pgbench_accounts SET abalance = abalance + :d WHERE aid = :aid;
"""
BULK_STATEMENT = "UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid > {first} AND aid <= {first} + {rows}"

# What a skilled user writes today: a summary table, one set-based statement per trigger call, emptied groups hidden
# by a view. Only the triggers that the workload fires are installed; they handle group changes.
GROUP_TRIGGER = """
    CREATE TABLE hand_state ({key} int PRIMARY KEY, accounts bigint NOT NULL, total bigint NOT NULL)
        WITH (fillfactor = 80);
    INSERT INTO hand_state {query};
    CREATE VIEW hand AS SELECT * FROM hand_state WHERE accounts > 0;
    CREATE FUNCTION hand_update() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO hand_state AS h
            SELECT {key}, sum(w), sum(w * abalance)
            FROM (SELECT {expression} AS {key}, 1 AS w, abalance FROM new_rows{join}
                  UNION ALL SELECT {expression}, -1, abalance FROM old_rows{join}) d
            GROUP BY {key} HAVING sum(w) <> 0 OR sum(w * abalance) <> 0
            ORDER BY {key}
        ON CONFLICT ({key}) DO UPDATE
            SET accounts = h.accounts + excluded.accounts, total = h.total + excluded.total;
        RETURN NULL;
    END $$"""

ROW_TRIGGER = """
    CREATE TABLE hand (aid int PRIMARY KEY, bid int, abalance int, bbalance int) WITH (fillfactor = 80);
    INSERT INTO hand {query};
    CREATE FUNCTION hand_update() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE hand h SET bid = n.bid, abalance = n.abalance, bbalance = b.bbalance
        FROM new_rows n JOIN pgbench_branches b USING (bid)
        WHERE h.aid = n.aid
          AND (h.bid, h.abalance, h.bbalance) IS DISTINCT FROM (n.bid, n.abalance, b.bbalance);
        RETURN NULL;
    END $$"""

UPDATE_TRIGGER = """
    CREATE TRIGGER {function} AFTER UPDATE ON pgbench_accounts
        REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
        FOR EACH STATEMENT EXECUTE FUNCTION {function}()"""

EMPTY_TRIGGER = """
    CREATE FUNCTION empty() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$"""


class View:
    def __init__(self, letter, title, query, hand, bulk_reach, **parts):
        self.letter, self.title, self.query, self.bulk_reach = letter, title, query, bulk_reach
        self.hand = hand.format(query=query, **parts)
        self.hand_table = "hand" if hand is ROW_TRIGGER else "hand_state"


VIEWS = [
    View("a", "10 groups, one table",
         "SELECT bid, count(*) AS accounts, sum(abalance) AS total FROM pgbench_accounts GROUP BY bid",
         GROUP_TRIGGER, BULK_AGGREGATE, key="bid", expression="bid", join=""),
    View("b", "10,000 groups, one table",
         "SELECT aid % 10000 AS slot, count(*) AS accounts, sum(abalance) AS total FROM pgbench_accounts GROUP BY 1",
         GROUP_TRIGGER, BULK_AGGREGATE, key="slot", expression="aid % 10000", join=""),
    View("c", "10 groups over a join",
         "SELECT b.bid, count(*) AS accounts, sum(a.abalance) AS total "
         "FROM pgbench_accounts a JOIN pgbench_branches b USING (bid) GROUP BY b.bid",
         GROUP_TRIGGER, BULK_AGGREGATE, key="bid", expression="bid", join=" JOIN pgbench_branches USING (bid)"),
    View("d", "a row per account, join",
         "SELECT a.aid, b.bid, a.abalance, b.bbalance FROM pgbench_accounts a JOIN pgbench_branches b USING (bid)",
         ROW_TRIGGER, BULK_JOIN),
]


def set_up(arm, view, database):
    """Make the arm's database and whatever keeps its view; return an open connection."""
    tvbench.create_database(database, TEMPLATE)
    conn = tvbench.connect(database)
    cur = conn.cursor()
    if arm == "ours":
        tvbench.install(cur)
        tvbench.create_view(cur, "v", view.query)
    elif arm == "hand":
        cur.execute(view.hand)
        cur.execute(UPDATE_TRIGGER.format(function="hand_update"))
    elif arm == "empty":
        cur.execute(EMPTY_TRIGGER)
        cur.execute(UPDATE_TRIGGER.format(function="empty"))
    elif arm == "refresh":
        tvbench.create_view(cur, "v", view.query, maintained=False)
    cur.execute("VACUUM ANALYZE")
    return conn


VIEW_TABLE = {"ours": ", v", "hand": ", {hand}", "plain": "", "empty": ""}


def vacuum(arm, view, cur):
    """Outside every measured time: autovacuum is off, and all arms should meet the same tables."""
    cur.execute("VACUUM pgbench_accounts" + VIEW_TABLE[arm].format(hand=view.hand_table))


def pgbench(database, script, seconds, cpu):
    """Mean microseconds per transaction, client's clock and server's CPU, of a run of about so many seconds.

    pgbench counts whole seconds only: shorter runs are given a number of transactions, after a run that tells their rate.
    """
    command = [tvbench.program("pgbench"), "-n", "-M", "prepared", "-c", "1", "-f", script]
    children = cpu.children()
    if seconds < 1:
        probe = subprocess.run(command + ["-t", "100", database], capture_output=True, text=True)
        rate = re.search(r"^tps = ([0-9.]+)", probe.stdout, re.M)
        limit = ["-t", str(max(50, int(seconds * float(rate[1]))) if rate else 100)]
    else:
        limit = ["-T", str(seconds)]
    cpu.wait_for(children)
    before = cpu.read()
    result = subprocess.run(command + limit + [database], capture_output=True, text=True)
    found = re.search(r"^tps = ([0-9.]+)", result.stdout, re.M)
    done = re.search(r"^number of transactions actually processed: (\d+)", result.stdout, re.M)
    failed = re.search(r"^number of failed transactions: (\d+)", result.stdout, re.M)
    if result.returncode or not found or (failed and int(failed[1])):
        raise RuntimeError(f"pgbench on {database} failed:\n{result.stdout}{result.stderr}")
    cpu.wait_for(children)
    after = cpu.read()
    return 1e6 / float(found[1]), (after - before) * 1e6 / int(done[1]) if before is not None else None


def in_rounds(arms, rounds, measure):
    """Call measure(arm, round) for every arm in every round, turning the order; drop the first round."""
    values = {arm: [] for arm in arms}
    for number in range(rounds + 1):
        turn = number % len(arms)
        for arm in arms[turn:] + arms[:turn]:
            value = measure(arm, number)
            if number:
                values[arm].append(value)
    return values


def summary(values, base):
    """Median, spread, and the median within-round ratios to the base arm and to each other arm, for every arm."""
    def ratio(runs, others):
        return statistics.median(run / max(other, 1e-9) for run, other in zip(runs, others))
    return {arm: {"median": statistics.median(runs), "spread": tvbench.spread(runs), "ratio": ratio(runs, values[base]),
                  "of": {other: ratio(runs, values[other]) for other in values if other != arm}}
            for arm, runs in values.items()}


def check(arm, view, conn):
    """None when the arm's view equals its query (or it has none)."""
    cur = conn.cursor()
    if arm == "ours":
        tvbench.refresh_if_dry(cur, ["v"])
        return tvbench.difference(cur, "v", view.query, as_text=False)
    if arm == "hand":
        return tvbench.difference(cur, "hand", view.query, as_text=False, extension_check=False)
    return None


def one_row(view, options, cpu):
    arms = ["plain", "ours", "hand"]
    conns = {arm: set_up(arm, view, f"tview_bench_{arm}") for arm in arms}
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(ONE_ROW_SCRIPT.format(rows=options.scale * 100000))
        script.flush()
        runs = in_rounds(arms, options.rounds,
                         lambda arm, _: pgbench(f"tview_bench_{arm}", script.name, options.seconds, cpu))
    wall = summary({arm: [run[0] for run in values] for arm, values in runs.items()}, "plain")
    server = None
    if runs["plain"][0][1] is not None:
        server = summary({arm: [run[1] for run in values] for arm, values in runs.items()}, "plain")
    wrong = {arm: check(arm, view, conns[arm]) for arm in arms}
    return conns, wall, server, wrong


def bulk(view, options, conns):
    conns["empty"] = set_up("empty", view, "tview_bench_empty")
    arms = ["plain", "ours", "hand", "empty"]
    for arm in arms:
        vacuum(arm, view, conns[arm].cursor())
    dice = random.Random(42)
    firsts = [dice.randrange(0, options.scale * 100000 - options.bulk) for _ in range(options.rounds + 1)]

    def measure(arm, number):
        cur = conns[arm].cursor()
        took = tvbench.timed(cur, BULK_STATEMENT.format(first=firsts[number], rows=options.bulk))
        vacuum(arm, view, cur)
        return took

    times = summary(in_rounds(arms, options.rounds, measure), "plain")
    return times, {arm: check(arm, view, conns[arm]) for arm in arms}


def refresh_time(view):
    conn = set_up("refresh", view, "tview_bench_refresh")
    took = statistics.median(tvbench.timed(conn.cursor(), "REFRESH MATERIALIZED VIEW v") for _ in range(3))
    conn.close()
    tvbench.drop_database("tview_bench_refresh")
    return took


NAMES = {"plain": "plain DML, no view", "ours": "pg_tviews", "hand": "hand-written trigger",
         "empty": "empty trigger, transition tables"}


def show(title, unit, times, wrong, server=None):
    print(f"  {title:<40}{'x plain':>9}{unit:>11}{'+-':>6}" + (f"{'CPU x plain':>14}{'CPU us':>9}" if server else ""))
    for arm, figures in times.items():
        line = (f"    {NAMES[arm]:<38}{figures['ratio']:>9.2f}{figures['median']:>11.1f}"
                f"{figures['spread'] * 100:>5.0f}%")
        if server:
            line += f"{server[arm]['ratio']:>14.2f}{server[arm]['median']:>9.1f}"
        print(line + (f"   WRONG: {wrong[arm]}" if wrong.get(arm) else ""), flush=True)


def reach(lines, what, value, limit):
    lines.append((what, value, limit, value <= limit))


def run_view(view, options, cpu, lines):
    print(f"\n({view.letter}) {view.title}\n    {view.query}", flush=True)
    conns, wall, server, wrong = one_row(view, options, cpu)
    show("one row per transaction", "us", wall, wrong, server)
    bulk_times, bulk_wrong = bulk(view, options, conns)
    show(f"one statement, {options.bulk:,} rows", "ms", bulk_times, bulk_wrong)
    for arm, conn in conns.items():
        conn.close()
        tvbench.drop_database(f"tview_bench_{arm}")
    refresh = refresh_time(view)
    print(f"    {'REFRESH of a plain materialized view':<38}"
          f"{refresh / bulk_times['plain']['median']:>9.2f}{refresh:>11.1f}", flush=True)

    reach(lines, f"({view.letter}) one row, of plain", wall["ours"]["ratio"], ONE_ROW)
    if server:
        reach(lines, f"({view.letter}) one row, of plain, server CPU", server["ours"]["ratio"], ONE_ROW)
    reach(lines, f"({view.letter}) one row, of the hand-written trigger",
          wall["ours"]["ratio"] / wall["hand"]["ratio"], 1.0)
    reach(lines, f"({view.letter}) bulk, of plain", bulk_times["ours"]["ratio"], view.bulk_reach)
    failed = [f"({view.letter}) {NAMES[arm]}: {found}" for result in (wrong, bulk_wrong)
              for arm, found in result.items() if found]
    return {"view": view.letter, "query": view.query, "one_row_us": wall, "one_row_cpu_us": server,
            "bulk_ms": bulk_times, "refresh_ms": refresh}, failed


def settings(cur):
    names = ("fsync", "synchronous_commit", "full_page_writes", "autovacuum", "jit", "shared_buffers")
    cur.execute("SELECT name, current_setting(name) FROM pg_settings WHERE name = ANY(%s)", (list(names),))
    found = dict(cur.fetchall())
    return ", ".join(f"{name}={found[name]}" for name in names)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dry", action="store_true")
    parser.add_argument("--quick", action="store_true", help="3 rounds")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=1)
    parser.add_argument("--scale", type=int, default=10)
    parser.add_argument("--bulk", type=int, default=100000)
    parser.add_argument("--views", default="abcd")
    parser.add_argument("--json")
    options = parser.parse_args()
    if options.quick:
        options.rounds = 3

    admin = tvbench.connect("postgres")
    cur = admin.cursor()
    cur.execute("SHOW server_version")
    version = cur.fetchone()[0]
    cpu = tvbench.ServerCpu(cur)
    print(f"PostgreSQL {version}, pgbench scale {options.scale}, fillfactor 50, one client;\n{settings(cur)}")
    print(f"Medians of {options.rounds} interleaved rounds ({options.seconds} s each for one-row); "
          "+- is half the quartile distance.\nRatios are taken within rounds.")
    if tvbench.DRY:
        print("DRY RUN: 'pg_tviews' is a plain materialized view that nobody maintains.")

    tvbench.create_database(TEMPLATE)
    subprocess.run([tvbench.program("pgbench"), "-q", "-i", "-I", "dtgvp", "-F", "50", "-s", str(options.scale),
                    TEMPLATE], check=True, capture_output=True)
    results, lines, failed = [], [], []
    for view in VIEWS:
        if view.letter in options.views:
            result, wrong = run_view(view, options, cpu, lines)
            results.append(result)
            failed += wrong
    tvbench.drop_database(TEMPLATE)

    print("\nreach" + " " * 44 + "measured  at most")
    for what, value, limit, met in lines:
        print(f"  {what:<46}{value:>9.2f}{limit:>9.2f}  {'met' if met else 'MISSED'}")
    for line in failed:
        print(f"WRONG {line}")
    print("WRONG: the figures above do not count" if failed else "OK: every view of every arm equals its query")
    if options.json:
        with open(options.json, "w") as out:
            json.dump({"server": version, "settings": settings(cur), "options": vars(options), "dry": tvbench.DRY,
                       "results": results, "wrong": failed}, out, indent=1)
            out.write("\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
