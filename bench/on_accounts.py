"""Parts of bench/measure over pgbench's accounts: one row, bulk, tables without views, building, REFRESH, storage."""
import contextlib
import os
import random
import statistics
import subprocess

import psycopg2

import accounts
import measuring
import tvbench
from measuring import DATABASE, HAND, by_pgbench

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
INSERT = ("INSERT INTO pgbench_accounts (aid, bid, abalance, filler) "
          "VALUES (nextval('new_aid'), 1 + random() * ({scale} - 1), 7, '');\n")
UNUSED = "\\set aid random(1, {rows})\nUPDATE pgbench_accounts SET filler = 'f' WHERE aid = :aid;\n"
EXTRA = "CREATE INDEX ON pgbench_accounts ((aid / 100)); CREATE SEQUENCE new_aid START {first}"


def template(run, name=measuring.ACCOUNTS):
    run.templates.append(name)
    tvbench.create_database(name)
    subprocess.run([tvbench.program("pgbench"), "-q", "-i", "-I", "dtgvp", "-F", "50", "-s", str(run.scale), name],
                   check=True, capture_output=True)
    conn = tvbench.connect(name)
    conn.cursor().execute(EXTRA.format(first=run.rows + 1))
    measuring.prepare(conn)
    conn.close()


def open_arms(run, arms, query, letter):
    """The arms' databases; without pg_ivm where that refuses the query."""
    conns = {}
    for arm in arms:
        try:
            conns[arm] = run.database(arm, query, letter)
        except psycopg2.Error as problem:
            if arm != "ivm":
                raise
            run.not_compared[f"pg_ivm on {query}"] = str(problem).strip().splitlines()[0]
            tvbench.drop_database(DATABASE + arm)
    return conns


def peers(run, letter, hand=True):
    return (["hand"] if letter and hand else []) + (["ivm"] if run.has_ivm else [])


def one_row(run):
    for kind, (title, query, letter) in KINDS.items():
        for change, text in (("update", UPDATE.format(rows=run.rows)), ("insert", INSERT.format(scale=run.scale))):
            if not run.wants("one_row", view=kind, change=change):
                continue
            conns = open_arms(run, ["plain", "ours"] + peers(run, letter, change == "update"), query, letter)
            figures = by_pgbench(run, conns, text)
            run.check_arms(conns, query, f"one-row {change}, {title}")
            run.close(conns)
            run.add("one_row", view=kind, title=title, change=change, arms=figures)


def bulk(run):
    sizes = [10, 1000, 100000] if run.quick else [10, 100, 1000, 10000, 100000, 1000000]
    for kind in ("groups_10", "groups_10000", "join_aggregate", "row_per_row"):
        if not run.wants("bulk", view=kind):
            continue
        title, query, letter = KINDS[kind]
        conns = open_arms(run, ["plain", "ours", "empty"] + peers(run, letter), query, letter)
        tables = {"plain": "", "empty": "", "ours": ", v", "ivm": ", v", "hand": f", {HAND[letter].hand_table}"}
        for size in sizes:
            if not run.wants("bulk", view=kind, rows=size):
                continue
            dice = random.Random(size)
            rounds = 2 if size == 1000000 else run.rounds if size >= 10000 else 2 * run.rounds
            firsts = [dice.randint(0, run.rows - size) for _ in range(rounds + 1)]

            def vacuum(arm, cur):
                """VACUUM makes backends compile anew what they know of a table: done apart, before large statements."""
                if size >= 10000:
                    cur.execute("VACUUM pgbench_accounts" + tables[arm])
                    cur.execute(accounts.BULK_STATEMENT.format(first=0, rows=1))

            figures = measuring.in_turns(
                conns, lambda arm, number: [accounts.BULK_STATEMENT.format(first=firsts[number], rows=size)], rounds,
                after=vacuum)
            run.add("bulk", view=kind, title=title, rows=size, arms=figures)
        run.check_arms(conns, query, f"bulk, {title}")
        run.close(conns)


def beside(run):
    """What is paid where no view is concerned: by a table without views, and for a column that no view reads."""
    title, query, _ = KINDS["join_aggregate"]
    conns = {arm: run.database(arm, query) for arm in ("plain", "ours")}
    figures = by_pgbench(run, conns, UNUSED.format(rows=run.rows))
    run.check_arms(conns, query, "beside, unused column")
    run.close(conns)
    run.add("beside", title="column that no view reads", arms=figures)
    if os.environ.get("TV_SERVER") == "env":
        run.not_compared["a server that has not loaded the library"] = "the server is the caller's"
        return
    with UnloadedServer() as server:
        with server.environment():
            template(run, DATABASE + "plain")
        conns = {"plain": None, "ours": run.database("ours")}
        values = accounts.in_rounds(list(conns), run.rounds, lambda arm, _: server.pgbench(arm, run))
        run.close({"ours": conns["ours"]})
        run.templates.remove(DATABASE + "plain")
    run.add("beside", title="table without views, library loaded", arms=measuring.in_microseconds(values))


class UnloadedServer:
    """A second server that does not load the library, with the first one's other settings; stopped in any case."""

    NAMES = ("PGHOST", "PGPORT", "PGUSER", "TV_SERVER_DIR")

    def __enter__(self):
        self.script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tools", "server.sh")
        conn = tvbench.connect("postgres")
        cur = conn.cursor()
        cur.execute("SELECT name || '=' || current_setting(name) FROM pg_settings WHERE source = 'configuration file' "
                    "AND name NOT IN ('shared_preload_libraries', 'unix_socket_directories', 'port', 'listen_addresses') "
                    "AND name NOT LIKE '%% %%'")
        settings = [row[0] for row in cur.fetchall()]
        conn.close()
        arguments = [part for setting in settings + ["shared_preload_libraries="] for part in ("-c", setting)]
        started = subprocess.run([self.script, "start"] + arguments, check=True, capture_output=True, text=True).stdout
        self.place = dict(line.removeprefix("export ").split("=", 1) for line in started.splitlines() if "=" in line)
        return self

    def __exit__(self, *error):
        with self.environment():
            subprocess.run([self.script, "stop"], check=True)

    @contextlib.contextmanager
    def environment(self):
        before = {name: os.environ.get(name) for name in self.NAMES}
        os.environ.update(self.place)
        try:
            yield
        finally:
            for name, value in before.items():
                os.environ.pop(name, None)
                if value is not None:
                    os.environ[name] = value

    def pgbench(self, arm, run):
        """One turn of either server."""
        with contextlib.ExitStack() as stack:
            cpu = run.cpu
            if arm == "plain":
                stack.enter_context(self.environment())
                conn = tvbench.connect("postgres")
                stack.callback(conn.close)
                cpu = tvbench.ServerCpu(conn.cursor())
            script = stack.enter_context(measuring.script_file(UPDATE.format(rows=run.rows)))
            return accounts.pgbench(DATABASE + arm, script, run.seconds, cpu)


def build(run):
    for kind, (title, query, _) in KINDS.items():
        conns = {"ours": run.database("ours")}
        run.add("build", view=kind, title=title, rows=run.rows,
                arms=measuring.build_times(run, conns["ours"], query, f"build, {title}"))
        run.close(conns)


def refresh(run):
    """What recomputing the same view as a plain one costs, each time."""
    keys = {"groups_10": "bid", "groups_10000": "slot", "join_aggregate": "bid", "row_per_row": "aid",
            "min_max": "block", "document": "aid"}
    for kind, (title, query, _) in KINDS.items():
        if not run.wants("refresh", view=kind):
            continue
        conns = {"plain": run.database("plain")}
        cur = conns["plain"].cursor()
        tvbench.create_view(cur, "v", query, maintained=False)
        cur.execute(f"CREATE UNIQUE INDEX ON v ({keys[kind]})")
        took = {}
        for how in ("", "CONCURRENTLY "):
            values = []
            for _ in range(2 if run.quick else 3):
                cur.execute("UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid <= 100")
                values.append(tvbench.timed(cur, f"REFRESH MATERIALIZED VIEW {how}v"))
            took["concurrently" if how else "refresh"] = statistics.median(values)
        run.check(cur, "v", query, f"refresh, {title}", extension_check=False)
        run.close(conns)
        run.add("refresh", view=kind, title=title, ms=took)


def storage(run):
    """WAL and growth, with autovacuum off: bytes per updated row in statements of one row."""
    updates = 1000 if run.quick else 10000
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
