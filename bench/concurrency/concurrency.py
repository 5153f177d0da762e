#!/usr/bin/python3
"""bench/concurrency: what writers that work side by side get done under one view.

Per workload there is one database per arm, and the arms take turns within each round, after one that is not counted.
Ratios of transactions per second are taken within a round, then the median over the rounds. Transactions that fail with
a serialization failure or a deadlock are retried by pgbench, as applications do; how many is printed. At the end of
each arm its view is compared with its query; an arm that fails is printed WRONG and the run fails.

The arm "by hand" is the least that can be done: the client's statement writes the view's rows into a table as well, and
nothing makes that right when clients meet. Only the number of its rows is compared.
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import tvbench  # noqa: E402

UPDATE_ONE = """\\set aid random(1, 1000000)
\\set d random(-5000, 5000)
UPDATE pgbench_accounts SET abalance = abalance + :d WHERE aid = :aid;
"""

UPDATE_BOTH = """\\set aid random(1, 1000000)
\\set d random(-5000, 5000)
WITH a AS (UPDATE pgbench_accounts SET abalance = abalance + :d WHERE aid = :aid RETURNING aid)
    UPDATE v SET total = total + :d FROM a WHERE v.slot = a.{key};
"""

# Four new posts for each user who is renamed.
POST = """\\set author random(1, {users})
INSERT INTO post (author, title) VALUES (:author, 'title ' || :author);
"""
RENAME = """\\set author random(1, {users})
UPDATE author SET name = 'name ' || random() WHERE id = :author;
"""
POST_BOTH = """\\set author random(1, {users})
WITH p AS (INSERT INTO post (author, title) VALUES (:author, 'title ' || :author) RETURNING *)
    INSERT INTO v SELECT p.id, p.title, u.id, u.name FROM p JOIN author u ON u.id = p.author;
"""
RENAME_BOTH = """\\set author random(1, {users})
WITH u AS (UPDATE author SET name = 'name ' || random() WHERE id = :author RETURNING *)
    UPDATE v SET name = u.name FROM u JOIN post p ON p.author = u.id WHERE v.id = p.id;
"""
THINK = "BEGIN;\n{statement}\\sleep 2 ms\nCOMMIT;\n"

BLOG = """
    CREATE TABLE author (id int PRIMARY KEY, name text NOT NULL) WITH (fillfactor = 50);
    CREATE TABLE post (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, author int NOT NULL, title text NOT NULL);
    INSERT INTO author SELECT i, 'name ' || i FROM generate_series(1, {users}) i;
    INSERT INTO post (author, title) SELECT i % {users} + 1, 'title ' || i FROM generate_series(1, 10000) i;
    CREATE INDEX ON post (author)"""

POSTS = "SELECT p.id, p.title, u.id AS author, u.name FROM post p JOIN author u ON u.id = p.author"

# An account, then its branch, in one transaction: 4 branches of 10 accounts, all of which show the balance of the branch.
BRANCHES = """
    CREATE TABLE branch (id int PRIMARY KEY, balance bigint NOT NULL) WITH (fillfactor = 50);
    CREATE TABLE account (id int PRIMARY KEY, branch int NOT NULL, balance bigint NOT NULL) WITH (fillfactor = 50);
    INSERT INTO branch SELECT i, 0 FROM generate_series(0, 3) i;
    INSERT INTO account SELECT i, i % 4, 0 FROM generate_series(1, 40) i;
    CREATE INDEX ON account (branch)"""
BALANCES = "SELECT a.id, b.id AS branch, a.balance, b.balance AS total FROM account a JOIN branch b ON b.id = a.branch"
PAYMENT = """\\set id random(1, 40)
\\set d random(-5000, 5000)
BEGIN;
UPDATE account SET balance = balance + :d WHERE id = :id;
UPDATE branch SET balance = balance + :d WHERE id = :id % 4;
COMMIT;
"""
PAYMENT_BOTH = """\\set id random(1, 40)
\\set d random(-5000, 5000)
BEGIN;
WITH a AS (UPDATE account SET balance = balance + :d WHERE id = :id RETURNING *)
    UPDATE v SET balance = a.balance FROM a WHERE v.id = a.id;
WITH b AS (UPDATE branch SET balance = balance + :d WHERE id = :id % 4 RETURNING *)
    UPDATE v SET total = b.balance FROM b WHERE v.branch = b.id;
COMMIT;
"""
CORRECTION = """\\set id random(0, 3)
UPDATE branch SET balance = balance + 1 WHERE id = :id;
"""
CORRECTION_BOTH = """\\set id random(0, 3)
WITH b AS (UPDATE branch SET balance = balance + 1 WHERE id = :id RETURNING *)
    UPDATE v SET total = b.balance FROM b WHERE v.branch = b.id;
"""


class Workload:
    """Scripts are (share, text), those by hand, too; key: of the rows of v; setup is None for pgbench's own tables;
    reach: share of the tps without view; grows: its rows get more, so that each number of clients begins anew."""

    def __init__(self, letter, title, query, scripts, by_hand, key, setup=None, reach=None, ahead=None,
                 grows=False):
        self.letter, self.title, self.query, self.scripts, self.by_hand = letter, title, query, scripts, by_hand
        self.key, self.setup, self.reach, self.ahead, self.grows = key, setup, reach, ahead, grows


def accounts(letter, title, key, reach, ahead):
    return Workload(letter, title,
                    f"SELECT {key} AS slot, count(*) AS accounts, sum(abalance) AS total FROM pgbench_accounts GROUP BY 1",
                    [(1, UPDATE_ONE)], [(1, UPDATE_BOTH.format(key=key))], "slot", reach=reach, ahead=ahead)


def with_thought(text):
    settings, statement = text.split("\n", 1)
    return settings + "\n" + THINK.format(statement=statement)


def blog(letter, title, users, think):
    scripts, by_hand = ([(share, with_thought(text.format(users=users)) if think else text.format(users=users))
                         for share, text in found] for found in (((4, POST), (1, RENAME)),
                                                                 ((4, POST_BOTH), (1, RENAME_BOTH))))
    return Workload(letter, title, POSTS, scripts, by_hand, "id", setup=BLOG.format(users=users), reach=0.75, ahead=9,
                    grows=True)


def branches(letter, title, corrections):
    return Workload(letter, title, BALANCES, [(8, PAYMENT)] + [(1, CORRECTION)] * corrections,
                    [(8, PAYMENT_BOTH)] + [(1, CORRECTION_BOTH)] * corrections, "id", setup=BRANCHES, reach=0.5)


WORKLOADS = [
    accounts("a", "10 groups, one account updated", "aid % 10", 0.60, 9),
    accounts("b", "100,000 groups, one account updated", "aid % 100000", 0.75, 9),
    blog("c", "join of two written tables: 80 % new posts, 20 % renamed authors of 10,000", 10000, False),
    blog("d", "the same with 1,000 authors and 2 ms of thought in each transaction", 1000, True),
    accounts("e", "one hot group, one account updated", "aid * 0", None, None),
    branches("f", "account, then its branch: 4 branches of 10 accounts", 0),
    branches("g", "the same with a correction of a branch alone for each 8 of them", 1),
]

NAMES = {"plain": "no view", "hand": "by hand", "ours": "pg_tviews", "ivm": "pg_ivm"}


def has_ivm(cur):
    cur.execute("SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_ivm'")
    return cur.fetchone()[0] == 1


def set_up(arm, workload, database):
    tvbench.create_database(database)
    conn = tvbench.connect(database)
    cur = conn.cursor()
    if workload.setup:
        cur.execute(workload.setup)
    else:
        subprocess.run([tvbench.program("pgbench"), "-q", "-i", "-I", "dtgp", "-F", "50", "-s", "10", database],
                       check=True, capture_output=True)
    if arm == "hand":
        cur.execute(f"CREATE TABLE v WITH (fillfactor = 50) AS {workload.query}")
        cur.execute(f"CREATE UNIQUE INDEX ON v ({workload.key})")
    elif arm == "ours":
        tvbench.install(cur)
        tvbench.create_view(cur, "v", workload.query)
    elif arm == "ivm":
        cur.execute("CREATE EXTENSION pg_ivm")
        cur.execute("SELECT pgivm.create_immv('v', %s)", (workload.query,))
    cur.execute("VACUUM ANALYZE")
    return conn


class Watch(threading.Thread):
    """The most rows seen in pg_locks of a database while it is worked on."""

    def __init__(self, database):
        super().__init__(daemon=True)
        self.conn, self.most, self.done = tvbench.connect(database), 0, threading.Event()

    def run(self):
        with self.conn.cursor() as cur:
            while not self.done.wait(0.25):
                cur.execute("SELECT count(*) FROM pg_locks WHERE NOT fastpath AND pid <> pg_backend_pid()")
                self.most = max(self.most, cur.fetchone()[0])

    def stop(self):
        self.done.set()
        self.join()
        self.conn.close()
        return self.most


def deadlocks(conn):
    with conn.cursor() as cur:
        cur.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return cur.fetchone()[0]


def pgbench(database, scripts, clients, seconds):
    """(transactions per second, transactions retried, rows in the lock table at most)"""
    command = [tvbench.program("pgbench"), "-n", "-M", "prepared", "-c", str(clients), "-j", str(min(clients, 2)),
               "-T", str(seconds), "--max-tries=100"]
    for name, share in scripts:
        command += ["-f", f"{name}@{share}"]
    watch = Watch(database)
    watch.start()
    result = subprocess.run(command + [database], capture_output=True, text=True)
    most = watch.stop()
    tps = re.search(r"^tps = ([0-9.]+)", result.stdout, re.M)
    retried = re.search(r"^number of transactions retried: (\d+)", result.stdout, re.M)
    failed = re.search(r"^number of failed transactions: (\d+)", result.stdout, re.M)
    if result.returncode or not tps or (failed and int(failed[1])):
        raise RuntimeError(f"pgbench on {database} failed:\n{result.stdout}{result.stderr}")
    return float(tps[1]), int(retried[1]) if retried else 0, most


def set_fsync(cur, value):
    cur.execute(f"ALTER SYSTEM SET fsync = {value}")
    cur.execute("SELECT pg_reload_conf()")
    for _ in range(100):
        cur.execute("SHOW fsync")
        if cur.fetchone()[0] == value:
            return
        time.sleep(0.05)
    raise RuntimeError("the server does not take the setting of fsync")


def measure_point(arms, conns, scripts, clients, options):
    """Figures of every arm for one number of clients."""
    runs = {arm: [] for arm in arms}
    before = {arm: deadlocks(conns[arm]) for arm in arms}
    for number in range(options.rounds):
        turn = number % len(arms)
        for arm in arms[turn:] + arms[:turn]:
            runs[arm].append(pgbench(f"tview_bench_{arm}", scripts["hand" if arm == "hand" else "plain"], clients,
                                     options.seconds))
    time.sleep(1.1)             # statistics of ended sessions arrive
    return {arm: {"tps": statistics.median(run[0] for run in found),
                  "ratio": statistics.median(run[0] / floor[0] for run, floor in zip(found, runs["plain"])),
                  "spread": tvbench.spread([run[0] for run in found]),
                  "retried": sum(run[1] for run in found), "locks": max(run[2] for run in found),
                  "deadlocks": deadlocks(conns[arm]) - before[arm]} for arm, found in runs.items()}


def check(arm, workload, conn):
    if arm == "plain":
        return None
    cur = conn.cursor()
    if arm == "hand":
        cur.execute(f"SELECT (SELECT count(*) FROM v) - (SELECT count(*) FROM ({workload.query}) q)")
        rows = cur.fetchone()[0]
        return f"{rows} rows more than the query has" if rows else None
    if arm == "ours":
        tvbench.refresh_if_dry(cur, ["v"])
        return tvbench.difference(cur, "v", workload.query, as_text=False)
    columns = workload.query.split(" FROM ")[0].removeprefix("SELECT ")
    columns = ", ".join(column.split(" AS ")[-1].split(".")[-1] for column in columns.split(", "))
    return tvbench.difference(cur, f"(SELECT {columns} FROM v) x", workload.query, as_text=False,
                              extension_check=False)


def show(clients, point):
    for arm, figures in point.items():
        print(f"    {clients:>2} clients  {NAMES[arm]:<10}{figures['ratio']:>8.2f}{figures['tps']:>10,.0f}"
              f"{figures['spread'] * 100:>5.0f}%{figures['retried']:>9,}{figures['deadlocks']:>11,}{figures['locks']:>7,}",
              flush=True)


def write_scripts(folder, arm, scripts):
    """(file, share) of each"""
    files = [(os.path.join(folder, f"{arm}{i}.sql"), share) for i, (share, _) in enumerate(scripts)]
    for (name, _), (_, text) in zip(files, scripts):
        with open(name, "w") as out:
            out.write(text)
    return files


def set_up_all(workload, options, arms, scripts):
    conns = {arm: set_up(arm, workload, f"tview_bench_{arm}") for arm in arms}
    for arm in arms:                # not counted: caches are filled, and who meets whom is learned
        pgbench(f"tview_bench_{arm}", scripts["hand" if arm == "hand" else "plain"], 8, options.seconds)
    return conns


def tear_down_all(workload, conns):
    """What is wrong with the views, before they are dropped."""
    wrong = [f"({workload.letter}) {NAMES[arm]}: {found}" for arm, conn in conns.items()
             if (found := check(arm, workload, conn))]
    for arm, conn in conns.items():
        conn.close()
        tvbench.drop_database(f"tview_bench_{arm}")
    return wrong


def run_workload(workload, options, arms, admin, lines, by_hand):
    print(f"\n({workload.letter}) {workload.title}\n    {workload.query}", flush=True)
    points, wrong, conns = [], [], None
    with tempfile.TemporaryDirectory() as folder:
        scripts = {arm: write_scripts(folder, arm, found)
                   for arm, found in (("plain", workload.scripts), ("hand", workload.by_hand))}
        for fsync in options.fsync.split(","):
            set_fsync(admin, fsync)
            print(f"  fsync {fsync:<20}{'of plain':>12}{'tps':>8}{'+-':>6}{'retried':>9}{'deadlocks':>11}{'locks':>7}")
            for clients in map(int, options.clients.split(",")):
                if conns and workload.grows:
                    wrong += tear_down_all(workload, conns)
                    conns = None
                conns = conns or set_up_all(workload, options, arms, scripts)
                point = measure_point(arms, conns, scripts, clients, options)
                points.append({"fsync": fsync, "clients": clients, "arms": point})
                show(clients, point)
                if clients == 8:
                    reach(workload, fsync, point, lines, by_hand)
    wrong += tear_down_all(workload, conns)
    for line in wrong:
        print(f"  WRONG {line}")
    return {"workload": workload.letter, "title": workload.title, "query": workload.query, "points": points}, wrong


def reach(workload, fsync, point, lines, by_hand):
    what = f"({workload.letter}) 8 clients, fsync {fsync}"
    if workload.reach:
        lines.append((what + ", of no view", point["ours"]["ratio"], workload.reach))
        by_hand.append((what, point["hand"]["ratio"], point["ours"]["tps"] / point["hand"]["tps"]))
    if workload.ahead and "ivm" in point:
        lines.append((what + ", of pg_ivm", point["ours"]["tps"] / point["ivm"]["tps"], workload.ahead))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--dry", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--clients", default="1,2,8,16")
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workloads", default="abcdefg")
    parser.add_argument("--fsync", default="off,on")
    parser.add_argument("--json")
    options = parser.parse_args()
    if options.quick:
        options.clients, options.fsync, options.rounds = "8", "off", 1

    conn = tvbench.connect("postgres")
    admin = conn.cursor()
    admin.execute("SHOW server_version")
    version = admin.fetchone()[0]
    arms = ["plain", "hand", "ours"] + (["ivm"] if has_ivm(admin) else [])
    print(f"PostgreSQL {version}, {os.cpu_count()} processors, synchronous_commit=on; {options.seconds} s per figure, "
          f"medians of {options.rounds} interleaved rounds.")
    if "ivm" not in arms:
        print("pg_ivm is not installed in this server: not compared.")
    results, lines, by_hand, failed = [], [], [], []
    for workload in WORKLOADS:
        if workload.letter in options.workloads:
            result, wrong = run_workload(workload, options, arms, admin, lines, by_hand)
            results.append(result)
            failed += wrong

    print("\nreach" + " " * 44 + "measured at least")
    for what, value, least in lines:
        print(f"  {what:<46}{value:>9.2f}{least:>9.2f}  {'met' if value >= least else 'MISSED'}")
    print("\nthe same rows written by hand" + " " * 18 + "of no view  pg_tviews, of by hand")
    for what, floor, ratio in by_hand:
        print(f"  {what:<46}{floor:>9.2f}{ratio:>9.2f}")
    print("WRONG: the figures above do not count" if failed else "OK: every view of every arm equals its query")
    if options.json:
        with open(options.json, "w") as out:
            json.dump({"server": version, "processors": os.cpu_count(), "options": vars(options), "dry": tvbench.DRY,
                       "results": results, "wrong": failed}, out, indent=1)
            out.write("\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
