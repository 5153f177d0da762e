#!/usr/bin/python3
"""Two transactions that meet: every pair of writes, on either side of every kind of view, at every isolation level.

Per case two sessions begin, write, and commit in turn; the second may have to wait for the first, or write when the
first has committed. In half of the cases each of them compares the view with its query before it commits. A session that
gets 40001 or 40P01 rolls back and tries again, as applications do; any other error is a failure, but that of a table or
view that the other dropped. Then the view is compared with its query, as values and as text, and with tview.check().
The last line reads "N passed, N failed"; the exit status is 1 if any failed.

    test/pairs/run.py [--seconds 60] [--seed N] [--views join,left] [--case NAME]

All cases in an order that the seed decides, as many as fit in the time. The server is the one the PG* environment
names; databases tview_pairs_N are made and dropped.
"""
import argparse
import itertools
import multiprocessing
import os
import random
import sys
import threading
import time

import psycopg2

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from seeds import commit_seed  # noqa: E402

LEVELS = ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"]
RETRY = ("40001", "40P01")
GONE = ("42P01",)               # the other session dropped the view
WAIT = 10                       # seconds until a session counts as stuck
JOBS = 2

VIEWS = {
    "join": "SELECT l.id, l.v, r.w FROM l JOIN r USING (k)",
    "theta": "SELECT l.id, r.id AS r_id FROM l JOIN r ON l.k < r.k",
    "left": "SELECT l.id, l.v, r.w FROM l LEFT JOIN r USING (k)",
    "full": "SELECT l.id, r.id AS r_id, l.v, r.w FROM l FULL JOIN r ON l.k = r.k",
    "semi": "SELECT l.id, l.v FROM l WHERE EXISTS (SELECT FROM r WHERE r.k = l.k)",
    "anti": "SELECT l.id, l.v FROM l WHERE NOT EXISTS (SELECT FROM r WHERE r.k = l.k)",
    "not in": "SELECT l.id FROM l WHERE l.k NOT IN (SELECT r.k FROM r)",
    "aggregate": "SELECT l.k, count(*) AS n, sum(r.w) AS w FROM l JOIN r USING (k) GROUP BY l.k",
    "scalar aggregate": "SELECT count(*) AS n, sum(v) AS v FROM l",
    "min max": "SELECT l.k, min(r.w) AS low, max(l.v) AS high FROM l JOIN r USING (k) GROUP BY l.k",
    "recomputed": "SELECT k, array_agg(v ORDER BY id) AS vs FROM l GROUP BY k",
    "document": "SELECT l.id, jsonb_build_object('v', l.v, 'r', (SELECT jsonb_agg(r.w ORDER BY r.id) FROM r WHERE r.k = l.k)) AS doc FROM l",
    "compared scalar": "SELECT l.id FROM l WHERE l.v > (SELECT avg(r.w) FROM r)",
    "distinct": "SELECT DISTINCT l.k, r.w FROM l JOIN r USING (k)",
    "distinct on": "SELECT DISTINCT ON (k) k, id, v FROM l ORDER BY k, v DESC, id",
    "top": "SELECT l.id, l.v, r.w FROM l JOIN r USING (k) ORDER BY l.v DESC, l.id, r.id LIMIT 3",
    "window": "SELECT id, k, row_number() OVER (PARTITION BY k ORDER BY v, id) AS place FROM l",
    "union": "SELECT k, v FROM l UNION SELECT k, w FROM r",
    "union all": "SELECT k, v FROM l UNION ALL SELECT k, w FROM r",
    "except": "SELECT k FROM l EXCEPT SELECT k FROM r",
    "intersect all": "SELECT k FROM l INTERSECT ALL SELECT k FROM r",
    "grouping sets": "SELECT l.k, r.k AS rk, count(*) AS n FROM l JOIN r USING (k) GROUP BY ROLLUP (l.k, r.k)",
    "recursive": "WITH RECURSIVE w AS (SELECT id, k FROM l UNION SELECT r.id, r.w FROM w JOIN r ON r.k = w.k) SELECT * FROM w",
    "recursive all": "WITH RECURSIVE w AS (SELECT id, k, 0 AS depth FROM l UNION ALL SELECT r.id, r.w, depth + 1 FROM w JOIN r ON r.k = w.k WHERE depth < 4) SELECT * FROM w",
    "without a rule": "SELECT id, v, (SELECT sum(n) FROM (SELECT count(*) AS n FROM r WHERE r.k = l.k GROUP BY ROLLUP (r.w)) q) AS n FROM l",
    "over a view": "SELECT lower.k, n, low, r.w FROM lower LEFT JOIN r USING (k)",
    "deferred over a view": "SELECT n, count(*) AS groups, max(low) AS low FROM lower GROUP BY n",
    "deferred": "SELECT l.id, l.v, r.w FROM l JOIN r USING (k)",
}

SCHEMA = """
    CREATE EXTENSION pg_tviews;
    CREATE TABLE l (id int PRIMARY KEY, k int, v int);
    CREATE TABLE r (id int PRIMARY KEY, k int, w int);
    CREATE INDEX ON l (k);
    CREATE INDEX ON r (k)"""
ROWS = """
    TRUNCATE l, r;
    INSERT INTO l VALUES (1, 1, 10), (2, 1, 20), (3, 2, 30), (4, 3, 40);
    INSERT INTO r VALUES (1, 1, 15), (2, 2, 25), (3, 2, 35), (4, 4, 5)"""

# what views named "over" read
LOWER = "SELECT k, count(*) AS n, min(v) AS low FROM l GROUP BY k"

# {t}: the table; {c}: its other column; {n}: the session
WRITES = {
    "insert": "INSERT INTO {t} VALUES (10 + {n}, 1, 50 + {n}), (20 + {n}, 5, {n})",
    "update": "UPDATE {t} SET {c} = {c} + {n} WHERE k = 1",
    "delete": "DELETE FROM {t} WHERE k = 1",
    "key change": "UPDATE {t} SET k = CASE k WHEN 1 THEN 4 ELSE 1 END WHERE id IN (1, 3)",
    "truncate": "TRUNCATE {t}",
    "copy": "COPY {t} FROM STDIN",
}
# on the view, not on a side of it
VIEW_WRITES = {
    "refresh": "REFRESH MATERIALIZED VIEW v",
    "refresh concurrently": "REFRESH MATERIALIZED VIEW CONCURRENTLY v",
    "create": "CREATE MATERIALIZED VIEW extra{n} USING tview AS {query}",
    "drop": "DROP MATERIALIZED VIEW other",
}
COPIED = "3{n}\t1\t60\n4{n}\t2\t\\N\n"


def all_cases():
    writes = [(name, side) for name in WRITES for side in "lr"] + [(name, "-") for name in VIEW_WRITES]
    return [(view, level, first, second) for view in VIEWS for level in range(len(LEVELS))
            for first, second in itertools.product(writes, writes)]


def name_of(case):
    view, level, first, second = case
    return "%s / %s / %s %s / %s %s" % (view, LEVELS[level].lower(), *first, *second)


class Session:
    def __init__(self, database, number):
        self.conn = psycopg2.connect(dbname=database)
        self.conn.autocommit = True
        self.cur = self.conn.cursor()
        self.cur.execute("SET lock_timeout = '%ds'; SELECT pg_backend_pid()" % (WAIT - 1))
        self.pid = self.cur.fetchone()[0]
        self.number = number
        self.thread = self.error = None
        self.wrong = None

    def begin(self, level, look):
        self.cur.execute("BEGIN ISOLATION LEVEL " + LEVELS[level])
        if look:
            self.cur.execute("SELECT 1")        # takes the snapshot

    def write(self, write, query):
        name, table = write
        if name == "copy":
            self.cur.copy_expert("COPY %s FROM STDIN" % table, Lines(COPIED.format(n=self.number)))
            return
        text = WRITES.get(name) or VIEW_WRITES[name]
        self.cur.execute(text.format(t=table, c="v" if table == "l" else "w", n=self.number, query=query))

    def look(self, query):
        """The transaction reads the view and its query, in one statement."""
        self.cur.execute("""
            WITH want AS MATERIALIZED (%s)
            SELECT count(*) FROM ((SELECT want::text FROM want EXCEPT ALL SELECT have::text FROM v have)
                                  UNION ALL (SELECT have::text FROM v have EXCEPT ALL SELECT want::text FROM want)) d""" % query)
        if self.cur.fetchone()[0]:
            self.wrong = "session %d reads a view that does not equal its query" % self.number

    def start(self, write, query, look):
        """Write in the background: it may have to wait for the other session."""
        def work():
            self.write(write, query)
            if look:
                self.look(query)
        self.background(work)

    def start_commit(self):
        """So may a commit, which maintains deferred views."""
        self.background(lambda: self.cur.execute("COMMIT"))

    def background(self, work):
        self.error = None

        def run():
            try:
                work()
            except psycopg2.Error as error:
                self.error = error
        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()

    def join(self, seconds):
        """Has it done what it does in the background?"""
        if self.thread:
            self.thread.join(seconds)
        return not (self.thread and self.thread.is_alive())

    def again(self, level, write, query, error):
        """After an error: what may be retried is retried, alone by now or after the other session."""
        for _ in range(5):
            self.cur.execute("ROLLBACK")
            if error.pgcode in GONE or (write[0] == "refresh concurrently" and error.pgcode == "55000"):
                return              # dropped; or the view has no key
            if error.pgcode not in RETRY:
                raise error
            try:
                self.begin(level, False)
                self.write(write, query)
                self.cur.execute("COMMIT")
                return
            except psycopg2.Error as next_error:
                error = next_error
        raise error


class Lines:
    def __init__(self, text):
        self.text = text

    def read(self, size=-1):
        text, self.text = self.text, ""
        return text


class Worker:
    def __init__(self, number):
        self.database = "tview_pairs_%d" % number
        self.admin = psycopg2.connect(dbname="postgres")
        self.admin.autocommit = True
        with self.admin.cursor() as cur:
            cur.execute("DROP DATABASE IF EXISTS %s WITH (FORCE)" % self.database)
            cur.execute("CREATE DATABASE %s TEMPLATE template0" % self.database)
        self.main = Session(self.database, 0)
        self.main.cur.execute("SET client_min_messages = warning")
        self.main.cur.execute(SCHEMA)
        self.sessions = [Session(self.database, 1), Session(self.database, 2)]
        for session in self.sessions:
            session.cur.execute("SET client_min_messages = warning")
        self.view = None
        self.waited = self.retried = 0

    def close(self):
        for session in self.sessions + [self.main]:
            session.conn.close()
        with self.admin.cursor() as cur:
            cur.execute("DROP DATABASE %s WITH (FORCE)" % self.database)

    def set_up(self, view):
        cur = self.main.cur
        cur.execute("DROP MATERIALIZED VIEW IF EXISTS extra1, extra2")
        if self.view != view:
            cur.execute("DROP MATERIALIZED VIEW IF EXISTS v, other, lower")
            if "over a view" in view:
                cur.execute("CREATE MATERIALIZED VIEW lower USING tview AS " + LOWER)
            cur.execute("CREATE MATERIALIZED VIEW v USING tview AS " + VIEWS[view])
            if "deferred" in view:
                cur.execute("SELECT tview.set('v', mode => 'deferred')")
            self.view = view
        cur.execute("CREATE MATERIALIZED VIEW IF NOT EXISTS other USING tview AS SELECT l.k, count(*) FROM l JOIN r USING (k) GROUP BY l.k")
        cur.execute(ROWS)

    def is_waiting(self, session):
        """Does it wait for a lock, or has it done its work?  Waits until one is true."""
        until = time.time() + WAIT
        while time.time() < until:
            if session.join(0.002):
                return False
            self.main.cur.execute("SELECT wait_event_type FROM pg_stat_activity WHERE pid = %s", (session.pid,))
            found = self.main.cur.fetchone()
            if found and found[0] == "Lock":
                return not session.join(0.001)
        raise RuntimeError("session %d is stuck" % session.number)

    def play(self, case):
        """None, or what is wrong."""
        view, level, first, second = case
        query = VIEWS[view]
        a, b = self.sessions
        self.set_up(view)
        variant = sum(map(ord, name_of(case))) % 4
        late = variant == 1         # whether the other commits first, if it can
        apart = variant == 2        # whether the first commits before the other writes
        look = variant >= 2
        a.begin(level, True)
        b.begin(level, True)
        try:
            self.run(a, b, level, first, second, query, late, apart, look)
        except (psycopg2.Error, RuntimeError) as error:
            return "%s: %s" % (getattr(error, "pgcode", None), str(error).strip())
        finally:
            for session in self.sessions:
                if session.thread and session.thread.is_alive():
                    session.conn.cancel()
                    session.thread.join()
                session.cur.execute("ROLLBACK")
        return self.compare()

    def run(self, a, b, level, first, second, query, late, apart, look):
        a_error = a.wrong = b.wrong = None
        try:
            a.write(first, query)
            if look:
                a.look(query)
        except psycopg2.Error as error:
            a_error = error
            a.cur.execute("ROLLBACK")
        if apart and a_error is None:
            a_error = self.commit(a)
        b.start(second, query, look)
        waits = self.is_waiting(b)
        self.waited += waits
        if a_error is None:
            a.error = None
        order = [b, a] if late and not waits and not b.error else [a, b]
        for session in order:
            if session is b and not b.join(WAIT):
                raise RuntimeError("the second session goes on waiting after the first has ended")
            if session.error is None and not (session is a and (apart or a_error)):
                session.start_commit()
                self.is_waiting(session)
        for session in order:
            if not session.join(WAIT):
                raise RuntimeError("the commit of session %d goes on waiting after the other has ended" % session.number)
        a_error = a_error or a.error
        if a.wrong or b.wrong:
            raise RuntimeError(a.wrong or b.wrong)
        if b.error:
            b.again(level, second, query, b.error)
        if a_error:
            a.again(level, first, query, a_error)
        self.retried += bool(a_error or b.error)

    def commit(self, session):
        try:
            session.cur.execute("COMMIT")
        except psycopg2.Error as error:
            return error
        return None

    def compare(self):
        cur = self.main.cur
        cur.execute("SELECT c.relname, pg_get_viewdef(c.oid) FROM pg_class c WHERE relkind = 'm' ORDER BY 1")
        for name, query in cur.fetchall():
            cur.execute("""
                WITH want AS MATERIALIZED (%s), have AS MATERIALIZED (SELECT * FROM %s)
                SELECT (SELECT count(*) FROM (SELECT want::text FROM want EXCEPT ALL SELECT have::text FROM have) d),
                       (SELECT count(*) FROM (SELECT have::text FROM have EXCEPT ALL SELECT want::text FROM want) d),
                       (SELECT count(*) FROM tview.check('%s'))""" % (query.rstrip("; \n"), name, name))
            found = cur.fetchone()
            if any(found):
                return "%s: %d rows missing, %d too many, tview.check reports %d" % (name, *found)
        return None


def work(number, cases, until, results):
    worker = Worker(number)
    try:
        for case in cases:
            if time.time() > until:
                break
            results.put((name_of(case), worker.play(case)))
    finally:
        worker.close()
        results.put((worker.waited, worker.retried))


def share(cases, seed):
    """The cases of every worker: by kind of view, for a view costs more to make than a case."""
    dice = random.Random(seed)
    groups = {}
    dice.shuffle(cases)
    size = 40
    for case in cases:
        groups.setdefault(case[0], []).append(case)
    chunks = [group[i:i + size] for group in groups.values() for i in range(0, len(group), size)]
    dice.shuffle(chunks)
    return [[case for chunk in chunks[n::JOBS] for case in chunk] for n in range(JOBS)]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", default=commit_seed())
    parser.add_argument("--views")
    parser.add_argument("--case")
    options = parser.parse_args()
    print("seed %s" % options.seed)
    cases = all_cases()
    if options.views:
        cases = [case for case in cases if case[0] in options.views.split(",")]
    if options.case:
        cases = [case for case in cases if name_of(case) == options.case]
    results = multiprocessing.Queue()
    until = time.time() + options.seconds
    workers = [multiprocessing.Process(target=work, args=(n, mine, until, results))
               for n, mine in enumerate(share(cases, options.seed))]
    for process in workers:
        process.start()
    passed = failed = ended = waited = retried = 0
    while ended < len(workers):
        result = results.get()
        if isinstance(result[0], int):
            ended += 1
            waited, retried = waited + result[0], retried + result[1]
        elif result[1] is None:
            passed += 1
        else:
            failed += 1
            if failed <= 20:
                print("FAIL  %s\n      %s\n      run again: --case '%s'" % (result[0], result[1], result[0]), flush=True)
    for process in workers:
        process.join()
        if process.exitcode:
            failed += 1
            print("FAIL  a worker ended with %s" % process.exitcode)
    print("%d of %d cases in %.0f s; in %d a session waited, in %d one had to try again" %
          (passed + failed, len(cases), options.seconds - (until - time.time()), waited, retried))
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
