"""Sessions that play a case, and the comparison after it."""
import threading
import time

import psycopg2

from cases import learns, written
from views import COLUMNS, COPIED, LOWER, OTHER, RESTORE, ROWS, SCHEMA, VIEWS, WRITES, tables

RETRY = ("40001", "40P01")
GONE = ("42P01",)               # a session dropped the view
NO_KEY = "55000"                # CONCURRENTLY: the view has no unique index
DUPLICATE = "23505"
WAIT = 10                       # seconds until a session counts as stuck
DROPS = {"drop": "v", "drop other": "other"}


class Wrong(Exception):
    """A view that does not equal its query, or a session that is stuck."""


class Lines:
    def __init__(self, text):
        self.text = text

    def read(self, size=-1):
        text, self.text = self.text, ""
        return text


class Session:
    def __init__(self, database, number):
        self.conn = psycopg2.connect(dbname=database)
        self.conn.autocommit = True
        self.cur = self.conn.cursor()
        self.cur.execute("SET client_min_messages = error; SET lock_timeout = '%ds'; SET deadlock_timeout = '20ms';"
                         "SELECT pg_backend_pid()" % (WAIT - 1))
        self.pid = self.cur.fetchone()[0]
        self.number = number
        self.gid = "%s_%d" % (database, number)
        self.thread = self.error = self.wrong = None
        self.actions = []

    def begin(self, transaction, query, look):
        """What it is going to do; its transaction begins here, with its snapshot."""
        self.transaction, self.query, self.look = transaction, query, look
        self.thread = self.error = self.wrong = None
        self.prepared = False
        self.actions = list(self.make_actions())
        self.cur.execute("BEGIN ISOLATION LEVEL " + transaction.level)
        self.cur.execute("SELECT 1")

    def make_actions(self):
        for number, step in enumerate(self.transaction.steps):
            yield lambda step=step, number=number: self.write(step, number)
            if step.undone:
                yield self.undo
        if self.transaction.end == "prepare":
            yield self.prepare
            yield self.commit_prepared
        else:
            yield lambda: self.cur.execute(self.transaction.end)

    def write(self, step, number, look=True):
        if step.undone:
            self.cur.execute("SAVEPOINT s")
        i = 3 * number + self.number
        if step.write == "copy":
            self.cur.copy_expert("COPY %s FROM STDIN" % step.table, Lines(COPIED.format(i=i)))
        else:
            self.cur.execute(WRITES[step.write].format(t=step.table, c=COLUMNS.get(step.table), n=self.number, i=i,
                                                       query=self.query))
        if self.look and look:
            self.compare()

    def undo(self):
        self.cur.execute("ROLLBACK TO s")
        if self.look:
            self.compare()

    def prepare(self):
        self.cur.execute("PREPARE TRANSACTION '%s'" % self.gid)
        self.prepared = True

    def commit_prepared(self):
        self.cur.execute("COMMIT PREPARED '%s'" % self.gid)
        self.prepared = False

    def leave(self):
        self.cur.execute("ROLLBACK")
        if self.prepared:
            self.cur.execute("ROLLBACK PREPARED '%s'" % self.gid)
            self.prepared = False

    def compare(self):
        """The transaction reads the view and its query, in one statement."""
        self.cur.execute("""
            WITH want AS MATERIALIZED (%s)
            SELECT count(*) FROM ((SELECT want::text FROM want EXCEPT ALL SELECT have::text FROM v have)
                                  UNION ALL (SELECT have::text FROM v have EXCEPT ALL SELECT want::text FROM want)) d""" % self.query)
        if self.cur.fetchone()[0]:
            self.wrong = "session %d reads a view that does not equal its query" % self.number

    def go_on(self):
        """The next action, in the background: it may have to wait for another session."""
        action = self.actions.pop(0)

        def run():
            try:
                action()
            except psycopg2.Error as error:
                self.error = error
                self.actions = []
                self.leave()
        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()

    def join(self, seconds):
        """Has it done what it does in the background?"""
        if self.thread:
            self.thread.join(seconds)
            if self.thread.is_alive():
                return False
            self.thread = None
        return True

    def stop(self):
        if self.thread:
            self.conn.cancel()
            self.thread.join()
            self.thread = None
        self.leave()

    def again(self, writes):
        """After an error: what may be retried is retried, alone by now.  writes: all of the case"""
        for _ in range(5):
            error = self.error
            if error is None or self.settles(error, writes):
                return
            if error.pgcode not in RETRY and not self.finds_rows_of_empty_table(error, writes):
                raise error
            self.error = None
            try:
                self.cur.execute("BEGIN ISOLATION LEVEL " + self.transaction.level)
                for number, step in enumerate(self.transaction.steps):
                    self.write(step, number, False)
                    if step.undone:
                        self.cur.execute("ROLLBACK TO s")
                self.cur.execute("ROLLBACK" if self.transaction.end == "rollback" else "COMMIT")
            except psycopg2.Error as next_error:
                self.error = next_error
                self.cur.execute("ROLLBACK")
        raise self.error

    def settles(self, error, writes):
        """Is it one that others, or the view, make sure to come again?"""
        if error.pgcode in GONE:
            return any('"%s"' % DROPS[write] in str(error) for write in writes if write in DROPS)
        return error.pgcode == NO_KEY and any(step.write == "refresh concurrently" for step in self.transaction.steps)

    def finds_rows_of_empty_table(self, error, writes):
        """An older snapshot sees a table that was truncated as empty; so it would insert what is there."""
        return error.pgcode == DUPLICATE and self.transaction.level != "read committed" and writes & {"truncate", "truncate both"}


class Player:
    """A database, and those who meet in it."""

    def __init__(self, number):
        self.database = "tview_pairs_%d" % number
        self.admin = psycopg2.connect(dbname="postgres")
        self.admin.autocommit = True
        with self.admin.cursor() as cur:
            cur.execute("DROP DATABASE IF EXISTS %s WITH (FORCE)" % self.database)
            cur.execute("CREATE DATABASE %s TEMPLATE template0" % self.database)
        self.main = Session(self.database, 0)
        self.main.cur.execute(SCHEMA)
        self.sessions = [Session(self.database, n) for n in (1, 2, 3)]
        self.made = None                # the view that stands, and how
        self.beside = set()             # other views
        self.written = set(COLUMNS)     # tables that do not have their rows
        self.waited = self.retried = 0

    def close(self):
        for session in self.sessions + [self.main]:
            session.conn.close()
        with self.admin.cursor() as cur:
            cur.execute("DROP DATABASE %s WITH (FORCE)" % self.database)

    def set_up(self, case):
        cur = self.main.cur
        kind = (case.view, "deferred" in case.flags)
        unwanted = self.beside | (set() if self.made == kind else {"v", "lower"})
        if unwanted:
            cur.execute("DROP MATERIALIZED VIEW IF EXISTS " + ", ".join(sorted(unwanted)))
        # each table in a transaction of its own: one that writes several teaches the view's edges
        for table in sorted(self.written):
            cur.execute(RESTORE.format(t=table, c=COLUMNS[table], rows=ROWS[table]))
        if self.made != kind:
            self.make_view(*kind)
        writes = {step.write for transaction in case.transactions for step in transaction.steps}
        if "drop other" in writes:
            cur.execute("CREATE MATERIALIZED VIEW other USING tview AS " + OTHER)
        if "learned" in case.flags:
            cur.execute("BEGIN; INSERT INTO l VALUES (-1, 1, 1); INSERT INTO r VALUES (-1, 1, 1); COMMIT;"
                        "DELETE FROM l WHERE id = -1; DELETE FROM r WHERE id = -1")
        # a view is made anew after cases that drop it, or teach it something
        self.made = None if "drop" in writes or learns(case) else kind
        self.written = set().union(*map(written, case.transactions))
        self.beside = {"other"} if "drop other" in writes else set()
        if "create" in writes:
            self.beside |= {"extra%d" % (3 * n + session.number) for session in self.sessions for n in range(3)}

    def make_view(self, view, deferred):
        cur = self.main.cur
        if "over a view" in view:
            cur.execute("CREATE MATERIALIZED VIEW lower USING tview AS " + LOWER)
        cur.execute("CREATE MATERIALIZED VIEW v USING tview AS " + VIEWS[view])
        if deferred:
            cur.execute("SELECT tview.set('v', mode => 'deferred')")

    def settle(self, session):
        """Waits until it has done its work, or waits for a lock; whether it waits."""
        until = time.time() + WAIT
        while time.time() < until:
            if session.join(0.001):
                return False
            self.main.cur.execute("SELECT wait_event_type FROM pg_stat_get_activity(%s)", (session.pid,))
            found = self.main.cur.fetchone()
            if found and found[0] == "Lock":
                return not session.join(0.001)
        raise Wrong("session %d is stuck" % session.number)

    def play(self, case):
        """None, or what is wrong."""
        self.set_up(case)
        sessions = self.sessions[:len(case.transactions)]
        writes = {step.write for transaction in case.transactions for step in transaction.steps}
        try:
            for session, transaction in zip(sessions, case.transactions):
                session.begin(transaction, VIEWS[case.view], "look" in case.flags)
            self.take_turns(sessions, case.order)
            for session in sessions:
                if session.wrong:
                    raise Wrong(session.wrong)
            for session in sessions:
                self.retried += session.error is not None
                session.again(writes)
        except (psycopg2.Error, Wrong) as error:
            return "%s: %s" % (getattr(error, "pgcode", None), str(error).strip())
        finally:
            for session in sessions:
                session.stop()
        return self.compare()

    def take_turns(self, sessions, order):
        """In that order; who waits for a lock when it is his turn has it after all others."""
        waiting = {}
        for digit in order:
            session = sessions[int(digit) - 1]
            if session.thread is None and session.actions:
                session.go_on()
            for each in sessions:
                waiting[each] = self.settle(each)
            self.waited += waiting[session]
        until = time.time() + WAIT
        while any(session.thread or session.actions for session in sessions):
            moved = False
            for session in sessions:
                if session.thread is None and session.actions:
                    session.go_on()
                    moved = True
                if session.thread:
                    moved |= not self.settle(session)
            if moved:
                until = time.time() + WAIT
            elif time.time() > until:
                raise Wrong("all sessions go on waiting: %s" % [session.number for session in sessions if session.thread])

    def compare(self):
        """Every view with its query, as values and as text, and with tview.check()."""
        cur = self.main.cur
        cur.execute("SELECT relname, pg_get_viewdef(oid) FROM pg_class WHERE relkind = 'm' ORDER BY 1")
        for name, query in cur.fetchall():
            cur.execute("""
                WITH want AS MATERIALIZED (%s), have AS MATERIALIZED (SELECT * FROM %s)
                SELECT (SELECT count(*) FROM (SELECT want::text FROM want EXCEPT ALL SELECT have::text FROM have) d),
                       (SELECT count(*) FROM (SELECT have::text FROM have EXCEPT ALL SELECT want::text FROM want) d),
                       (SELECT count(*) FROM tview.check('%s'))""" % (query.rstrip("; \n"), name, name))
            found = cur.fetchone()
            if any(found):
                self.made = None
                return "%s: %d rows missing, %d too many, tview.check reports %d" % (name, *found)
        return None
