"""Rounds of several sessions that write at the same time; whenever all are idle, the views are compared.

What the sessions send is decided by the round's name, how they meet is not: a failure may not come up
again.  The reproducer lists the statements in the order in which they ended.
"""

import random
import threading
import time

import psycopg2

from oracle import Failure, OutOfHand, Player, connect
from schema import Schema
from statements import StatementMaker
from stmt import Stmt
from views import ViewMaker

# what a session must reckon with: conflicts, and the errors of the statements themselves
# (42P07: a table that inherits already)
# (24000: WHERE CURRENT OF visits partitions that the cursor's plan left out)
EXPECTED = ('40001', '40P01', '25P02', '24000', '2BP01', '44000', 'P0001', '42P10', '55000', '55006', '0A000', '42P07')
# what the server says to the second of two sessions that take the same child away, or give it back
RACES = ('is not a parent of relation', 'is not a partition of relation', 'is already a partition')
LEVELS = [''] * 4 + [' ISOLATION LEVEL REPEATABLE READ', ' ISOLATION LEVEL SERIALIZABLE']


class Session(threading.Thread):
    """One writer: some transactions, one after the other."""

    def __init__(self, crowd, number, rng, transactions):
        threading.Thread.__init__(self)
        self.crowd, self.number, self.rng, self.transactions = crowd, number, rng, transactions
        self.failure = None
        p = crowd.player
        self.conn = connect(p.db, p.namespace, timeout='30s')
        self.conn.autocommit = True
        self.cur = self.conn.cursor()
        self.cur.execute("SET deadlock_timeout = '100ms'")
        for s in crowd.maker.settings:
            self.cur.execute('SET ' + s)
        self.maker = StatementMaker(rng, crowd.schema)
        self.maker.keys_stay = crowd.maker.keys_stay
        self.maker.prepared, self.maker.writable_views = [], crowd.maker.writable_views

    def send(self, stmt):
        """True when it worked; conflicts and errors in data are no failure."""
        error = None
        self.last = stmt
        try:
            if stmt.copy is not None:
                import io
                self.cur.copy_expert(stmt.sql, io.StringIO(stmt.copy))
            else:
                self.cur.execute(stmt.sql)
        except psycopg2.Error as e:
            error = e.pgcode
            if self.conn.closed or e.pgcode is None:
                self.failure = Failure('crash', 'connection lost: %s' % str(e).strip())
            elif e.pgcode[:2] not in ('21', '22', '23', '27') and e.pgcode not in EXPECTED and \
                    not any(said in (e.diag.message_primary or '') for said in RACES):
                self.failure = Failure('error', 'session %d: %s: %s\n%s' % (
                    self.number, e.pgcode, str(e).strip(), stmt.script()), state=e.pgcode)
        self.crowd.note(self.number, stmt, error)
        return error is None

    def run(self):
        rng = self.rng
        for _ in range(self.transactions):
            if self.failure or self.conn.closed:
                return
            if rng.random() < 0.4:
                self.send(self.maker.write([]))
                continue
            self.send(Stmt('BEGIN' + rng.choice(LEVELS), 'begin'))
            good, saved = True, False
            for _ in range(rng.randint(1, 4)):
                if rng.random() < 0.15:
                    saved = self.send(Stmt('SAVEPOINT s', 'savepoint'))
                good = self.send(self.maker.write([]))
                if rng.random() < 0.2:
                    time.sleep(rng.random() * 0.01)
                if not good and saved and not self.failure:
                    good = self.send(Stmt('ROLLBACK TO s', 'rollback to'))
                if not good:
                    break
            if not self.conn.closed:
                self.send(Stmt('COMMIT' if good and rng.random() < 0.9 else 'ROLLBACK', 'end'))


class Crowd:
    """Mixed into a Round: play() with several sessions."""

    def play(self):
        rng = self.rng
        self.schema = schema = Schema(rng, deferred_blocks=not self.config.assertions)
        self.player = p = Player(self.db, self.namespace, self.config)
        self.lock = threading.Lock()
        p.tables = schema.tables
        self.maker = StatementMaker(rng, schema, self.round_settings())
        for sql in schema.ddl + self.maker.extra_ddl:
            p.silent(sql, 'schema')
        self.viewmaker = ViewMaker(rng, schema, hazards=False, focus=self.focus)
        self.viewmaker.limit_of = 4
        wanted = rng.randint(2, 5)
        for _ in range(wanted * 2):
            if len(self.viewmaker.views) < wanted:
                self.add_view()
        sessions = [Session(self, i + 1, random.Random('%s %d' % (self.name, i)), 4)
                    for i in range(rng.randint(2, 4))]
        try:
            for _ in range(self.options.length // 20):
                self.meet(sessions)
        finally:
            for s in sessions:
                s.conn.close()
        self.finish()

    def meet(self, sessions):
        """All sessions write for a while; then the views are compared."""
        p = self.player
        for s in sessions:
            threading.Thread.__init__(s)
            s.start()
        for s in sessions:
            s.join()
        failures = [s.failure for s in sessions if s.failure]
        late = [s.last for s in sessions if s.failure and s.failure.state == '57014']
        if len(late) == len(failures) and any(p.grown([stmt]) for stmt in late):
            raise OutOfHand('grown')
        if failures:
            raise failures[0]
        p.compare(deep=True)
        p.compared += 1

    def note(self, number, stmt, error):
        with self.lock:
            p = self.player
            self.kinds[stmt.kind] += 1
            if error:
                p.errors[error] = p.errors.get(error, 0) + 1
            text = '/* session %d%s */ %s' % (number, ': ' + error if error else '', stmt.sql)
            p.log.append(('stmt', Stmt(text, stmt.kind, copy=stmt.copy), None))
