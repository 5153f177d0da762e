"""What the parts of bench/measure share: databases for the arms, taking turns, the equality check, what was found.

A figure of an arm is a dictionary: "median", "spread", "ratio" (to the first arm) and "of" (to each other arm), the
ratios being medians of those within a round.
"""
import contextlib
import tempfile

import accounts
import figures
import suite
import tvbench

ACCOUNTS = "tview_measure_accounts"
DATABASE = "tview_measure_"
ARMS = ("plain", "ours", "hand", "empty", "ivm")
HAND = {view.letter: view for view in accounts.VIEWS}


class Run:
    """One run: its sizes, what it has found, what was wrong."""

    def __init__(self, quick, cited=False):
        self.quick, self.cited = quick, cited
        self.scale = 1 if quick else 10
        self.rows = self.scale * 100000
        self.rounds = 2 if quick else 5
        self.seconds = 0.4 if quick else 1
        self.found, self.wrong, self.not_compared = [], [], {}
        self.templates = []
        self.admin = tvbench.connect("postgres")
        cur = self.admin.cursor()
        self.cpu = tvbench.ServerCpu(cur)
        cur.execute("SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_ivm'")
        self.has_ivm = cur.fetchone()[0] == 1
        if not self.has_ivm:
            self.not_compared["pg_ivm"] = "not installed in this server"

    def add(self, part, **figures):
        self.found.append({"name": part, **figures})
        line = [part] + [f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
                         for key, value in figures.items() if isinstance(value, (int, str)) and key != "title"]
        for arm, units in figures.get("arms", {}).items():
            unit = next((unit for unit in ("ms", "us") if isinstance(units.get(unit), dict)), None)
            if unit:
                line.append(f"{arm} {units[unit]['median']:.3g} {unit} x{units[unit]['ratio']:.2f}"
                            f" +-{100 * units[unit]['spread']:.0f}%")
        print("  ".join(line), flush=True)

    def wants(self, part, **attributes):
        """Is this to be measured? All is, unless the run is for what the documents cite."""
        return not self.cited or figures.is_cited(part, attributes)

    def check(self, cur, view, query, what, **how):
        """An arm whose view differs from its query makes the run fail."""
        difference = tvbench.difference(cur, view, query, as_text=False, **how)
        if difference:
            self.wrong.append(f"{what}: {difference}")
            print(f"WRONG {self.wrong[-1]}", flush=True)

    def template(self, name, sql):
        """A database to copy the arms of a part from; dropped with the run."""
        self.templates.append(name)
        tvbench.create_database(name)
        conn = tvbench.connect(name)
        conn.cursor().execute(sql)
        conn.cursor().execute("VACUUM ANALYZE")
        conn.close()

    def drop_template(self, name):
        tvbench.drop_database(name)
        self.templates.remove(name)

    def database(self, arm, query=None, letter=None, template=ACCOUNTS):
        """The database of an arm, with what keeps its view; an open connection to it."""
        tvbench.create_database(DATABASE + arm, template)
        conn = tvbench.connect(DATABASE + arm)
        cur = conn.cursor()
        if arm == "ours":
            tvbench.install(cur)
            if query:
                tvbench.create_view(cur, "v", query)
        elif arm == "ivm":
            cur.execute("CREATE EXTENSION pg_ivm")
            cur.execute("SELECT pgivm.create_immv('v', %s)", (query,))
        elif arm == "hand" and letter:
            cur.execute(HAND[letter].hand)
            cur.execute(accounts.UPDATE_TRIGGER.format(function="hand_update"))
        elif arm == "empty":
            cur.execute(accounts.EMPTY_TRIGGER)
            cur.execute(accounts.UPDATE_TRIGGER.format(function="empty"))
        prepare(conn)
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
                self.check(conn.cursor(), "hand", query, f"{what}, hand-written", extension_check=False)
            elif arm == "ivm":
                # it adds columns of its own
                cur = conn.cursor()
                cur.execute(f"SELECT * FROM ({query}) q LIMIT 0")
                columns = ", ".join(column.name for column in cur.description)
                self.check(cur, f"(SELECT {columns} FROM v) kept", query, f"{what}, pg_ivm", extension_check=False)

    def drop_all(self):
        for name in [DATABASE + arm for arm in ARMS] + self.templates:
            tvbench.drop_database(name)


def prepare(conn):
    """Vacuumed, analyzed and in memory: a copied database is not, and plain DML would pay for it as others do."""
    cur = conn.cursor()
    cur.execute("VACUUM ANALYZE")
    cur.execute("SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_prewarm'")
    if cur.fetchone()[0]:
        cur.execute("CREATE EXTENSION IF NOT EXISTS pg_prewarm")
        cur.execute("SELECT count(pg_prewarm(oid)) FROM pg_class WHERE relkind IN ('r', 'm', 'i', 't') AND oid >= 16384")


def summaries(values, first):
    """{arm: [(milliseconds, CPU milliseconds[, bytes of WAL])]} to {arm: {unit: figure}}, without units that are None."""
    result = {arm: {} for arm in values}
    for i, unit in zip(range(len(values[first][0])), ("ms", "cpu_ms", "wal_bytes")):
        if values[first][0][i] is not None:
            for arm, figure in accounts.summary({arm: [v[i] for v in runs] for arm, runs in values.items()}, first).items():
                result[arm][unit] = figure
    return result


def in_microseconds(values):
    """What pgbench says of each turn, as figures."""
    return {arm: {unit.replace("ms", "us"): figure for unit, figure in figures.items()}
            for arm, figures in summaries(values, next(iter(values))).items()}


@contextlib.contextmanager
def script_file(text):
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(text)
        script.flush()
        yield script.name


def by_pgbench(run, conns, text):
    """One-row transactions of pgbench: mean client time and server CPU of each turn, in microseconds."""
    with script_file(text) as script:
        return in_microseconds(accounts.in_rounds(
            list(conns), run.rounds, lambda arm, _: accounts.pgbench(DATABASE + arm, script, run.seconds, run.cpu)))


def build_times(run, conn, query, what):
    """Creating a maintained view against creating a plain one, in turns; the last maintained one is checked."""
    cur = conn.cursor()
    watch = Stopwatch(conn)
    values = {"plain": [], "ours": []}
    for number in range(run.rounds + 1):
        for arm in ("plain", "ours") if number % 2 else ("ours", "plain"):
            took = watch.time([f"CREATE MATERIALIZED VIEW b {'USING tview ' if arm == 'ours' else ''}AS {query}"])
            if arm == "ours" and number == run.rounds:
                run.check(cur, "b", query, what)
            cur.execute("DROP MATERIALIZED VIEW b")
            if number:
                values[arm].append(took)
    return summaries(values, "plain")


class Stopwatch:
    """Client time and processor time of the server's process, per statement of a connection."""

    def __init__(self, conn):
        self.cur = conn.cursor()
        self.clock = suite.Clock(conn)

    def time(self, statements):
        """(milliseconds, CPU milliseconds or None) of a transaction, a single statement being one by itself."""
        before = self.clock.now() if self.clock.known else None
        if len(statements) == 1:
            took = tvbench.timed(self.cur, statements[0])
        else:
            took = tvbench.timed(self.cur, "BEGIN")
            took += sum(tvbench.timed(self.cur, statement) for statement in statements)
            took += tvbench.timed(self.cur, "COMMIT")
        return took, self.clock.now() - before if self.clock.known else None


def in_turns(conns, transaction, count, warm=1, after=None, wal=None):
    """Every arm executes transaction(arm, number), a list of statements, for each number, in turning order.

    The first ones, warm, are not counted: plans are made in them. after(arm, cursor) follows each, untimed. wal is
    another connection, if bytes of WAL are wanted: they are the server's, and nobody else may write.
    """
    lsn = wal.cursor() if wal else None

    def written():
        lsn.execute("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')")
        return float(lsn.fetchone()[0])

    watches = {arm: Stopwatch(conn) for arm, conn in conns.items()}
    values = {arm: [] for arm in conns}
    arms = list(conns)
    for number in range(warm + count):
        turn = number % len(arms)
        for arm in arms[turn:] + arms[:turn]:
            statements = transaction(arm, number)
            before = written() if wal else None
            took = watches[arm].time(statements)
            if wal:
                took += (written() - before,)
            if after:
                after(arm, watches[arm].cur)
            if number >= warm:
                values[arm].append(took)
    return summaries(values, arms[0])
