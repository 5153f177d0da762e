"""The player: sends statements, and after each compares every view with its query.

A view is compared with its twin, a plain view of the same text over plain views down to the base
tables, as a bag of row texts counted in the server.  Every so often also by EXCEPT ALL, and with the
extension's own check of hidden state.  An error a statement raises must come up without the views as
well, or come from the query of a view after the statement.
"""

import time

import psycopg2
import psycopg2.extensions as ext

# what shapes the text of values: fixed while comparing, whatever the session set
OUTPUT_SETTINGS = [('TimeZone', 'UTC'), ('DateStyle', 'ISO, MDY'), ('IntervalStyle', 'postgres'),
                   ('extra_float_digits', '1'), ('bytea_output', 'hex'), ('array_nulls', 'on')]
DEEP_EVERY = 10
# errors of the server itself, of statements that cannot be tried without the views
SERVER_SAYS = ('moving row to another partition during a BEFORE FOR EACH ROW trigger',
               'would be inherited from more than once',
               'cannot truncate a table referenced in a foreign key constraint',
               '_fkey on table ', 'view q_',                                # they depend on a dropped partition
               'does not have a FOR UPDATE/SHARE reference to table')     # a partition that the cursor's plan leaves out
ROW = '"#row"'


class Failure(Exception):
    """A wrong result.  kind: mismatch, check, error, crash, invalid, leftover, amcheck."""

    def __init__(self, kind, text, views=(), state=None):
        Exception.__init__(self, text)
        self.kind, self.text, self.views, self.state = kind, text, list(views), state

    def same(self, other):
        return other is not None and self.kind == other.kind and self.state == other.state


class OutOfHand(Exception):
    """The tables have grown so that the views' queries take too long: the round ends here."""


def work(node):
    """Rows that the nodes of a plan handled."""
    mine = sum(node.get(k, 0) for k in ('Actual Rows', 'Rows Removed by Join Filter', 'Rows Removed by Filter'))
    return mine * node['Actual Loops'] + sum(work(n) for n in node.get('Plans', []))


class Config:
    """How views are stood in for.

    tview   the extension's views
    dry     plain views: proves that what is generated is valid SQL
    audit   plain materialized views, refreshed under other planner settings before each comparison:
            proves that the generated queries have one answer
    stale   plain materialized views, never refreshed: proves that differences are found
    """

    def __init__(self, mode='tview', verify_share=0.25):
        self.mode = mode
        self.verify_share = verify_share
        self.assertions = False         # a server built with assertions

    @property
    def real(self):
        return self.mode == 'tview'

    def create(self, v, names, options=''):
        if v.plain or self.mode == 'dry':
            head = 'CREATE VIEW %s' % v.sql_name
        else:
            head = 'CREATE MATERIALIZED VIEW %s' % v.sql_name
        if v.column_list:
            head += ' (%s)' % ', '.join(n for n, _ in v.cols)
        if self.real and not v.plain:
            head += ' USING tview'
        tail = ' WITH NO DATA' if v.no_data and not v.plain and self.mode != 'dry' else ''
        return '%s AS %s%s' % (head, v.render(names, v.plain or not self.real), tail)

    def twin(self, v, twins):
        return 'CREATE VIEW %s (%s) AS %s' % (v.twin, ', '.join(n for n, _ in v.cols), v.render(twins, v.plain or not self.real))

    def drop(self, v):
        return 'DROP %sVIEW %s' % ('' if v.plain or self.mode == 'dry' else 'MATERIALIZED ', v.sql_name)


class Player:
    def __init__(self, db, namespace, config, make_namespace=True):
        self.db, self.namespace, self.config = db, namespace, config
        self.views = []                 # present views
        self.fresh = []                 # those of them made in the open transaction
        self.tables = []
        self.log = []                   # (phase, Stmt, view or None)
        self.txn = []                   # statements since BEGIN
        self.pending = None             # a failed statement to verify after the rollback
        self.compared = 0
        self.errors = {}                # sqlstate -> times
        self.verified = 0
        self.prepared_sql = None
        self.prepared_at = 0
        self.prepared_count = 0
        self.settings_changed = False
        self.deferred = False           # some views may be
        self.slowest = 0.0
        if make_namespace:
            c = connect(db)
            c.autocommit = True
            roll_back_prepared(c)
            c.cursor().execute('DROP SCHEMA IF EXISTS %s CASCADE' % quoted(namespace))
            c.cursor().execute('CREATE SCHEMA %s' % quoted(namespace))
            c.close()
        self.sessions = []
        self.open_session()
        self.open_session()
        self.other_session()

    # ---- two sessions, that take turns ----

    def open_session(self):
        self.conn = connect(self.db, self.namespace, timeout='30s' if self.config.assertions else '10s')
        self.conn.autocommit = True
        self.cur = self.conn.cursor()
        self.sessions.append((self.conn, self.cur))

    def other_session(self):
        at = [c for c, _ in self.sessions].index(self.conn)
        self.conn, self.cur = self.sessions[1 - at]
        self.prepared_sql = None

    def close(self):
        for conn, _ in self.sessions:
            try:
                conn.close()
            except psycopg2.Error:
                pass

    # ---- plain execution ----

    @property
    def status(self):
        s = self.conn.info.transaction_status
        if s == ext.TRANSACTION_STATUS_IDLE:
            return 'idle'
        return 'failed' if s == ext.TRANSACTION_STATUS_INERROR else 'open'

    def execute(self, stmt):
        """Send a statement.  None, or its error as (sqlstate, message)."""
        if stmt.kind == 'session':
            self.other_session()
            return None
        if stmt.kind == 'schema' and stmt.sql.startswith(('PREPARE ', 'SET ')):
            self.other_session()                # both need it
            self.quiet(stmt.sql)
            self.other_session()
        if 'tview.set(' in stmt.sql:
            self.deferred = True
        try:
            if stmt.copy is not None:
                import io
                self.cur.copy_expert(stmt.sql, io.StringIO(stmt.copy))
            elif stmt.kind == 'prepared transaction':
                self.cur.execute(stmt.sql.replace("'diff'", "'%s'" % self.db))
            else:
                self.cur.execute(stmt.sql)
        except psycopg2.Error as e:
            if self.conn.closed or e.pgcode is None or e.pgcode in ('57P02', '57P01', '57P03'):
                raise Failure('crash', 'connection lost: %s' % str(e).strip())
            return e.pgcode, str(e).strip()
        return None

    def quiet(self, sql):
        """Run SQL that is no part of the tested statements; returns rows."""
        try:
            self.cur.execute(sql)
            return self.cur.fetchall() if self.cur.description else []
        except psycopg2.OperationalError as e:
            if self.conn.closed:
                raise Failure('crash', 'connection lost: %s' % str(e).strip())
            raise

    # ---- one step ----

    def step(self, stmt, deep=None):
        """Run one statement of the test, then compare.  Raises Failure; returns the statement's error, if any."""
        self.log.append(('stmt', stmt, None))
        start = time.time()
        before = self.status
        if stmt.txn == 'end' and self.fresh:
            self.views = [v for v in self.views if v not in self.fresh]
        error = self.execute(stmt)
        if stmt.txn == 'begin' and error is None:
            self.txn = [stmt]
        if error is None and self.deferred and self.status == 'open':
            error = self.read_views()
        if stmt.txn == 'end' and self.fresh:
            self.views += [v for v in self.fresh if self.quiet("SELECT to_regclass('%s')" % v.twin)[0][0]]
            self.fresh = []
        if stmt.kind == 'setting':
            self.settings_changed = not stmt.sql.startswith('RESET ALL')
        if stmt.txn == 'begin' and error is None:
            pass
        elif before != 'idle' and self.status != 'failed':
            self.txn.append(stmt)
        if error is not None:
            self.errors[error[0]] = self.errors.get(error[0], 0) + 1
            if error[0] == '54000' and 'index row' in error[1]:
                # a documented limit: keys of groups are indexed, and too long for it
                raise OutOfHand('key too long')
            if error[0] == '57014':
                if 'bulk' in stmt.kind:
                    # thousands of rows joined with thousands by a handful of values
                    raise OutOfHand('bulk')
                if self.grown([s for s in self.txn if before != 'idle' and s.txn != 'begin'] + [stmt]):
                    raise OutOfHand('grown: ' + stmt.sql)
                raise Failure('error', 'statement timeout', state=error[0])
            if self.status == 'failed' and before == 'open':
                self.pending = (stmt, error, list(self.txn))
            elif self.status == 'idle':
                self.verify_error(stmt, error, self.txn if before != 'idle' else [])
        elif self.pending is not None and stmt.txn in ('back', 'end'):
            failed, err, done = self.pending
            self.pending = None
            if stmt.txn == 'back':
                name = stmt.sql.split()[-1]
                # what the savepoint holds now: from when it was made, or last rolled back to
                at = max((i for i, s in enumerate(done)
                          if s.sql in ('SAVEPOINT ' + name, 'ROLLBACK TO ' + name)), default=None)
                if at is not None:
                    self.verify_error(failed, err, done[at + 1:])
            else:
                self.verify_error(failed, err, done)
        # what waits for COMMIT PREPARED can keep everybody out of its tables
        locked = stmt.sql.startswith('PREPARE TRANSACTION') and error is None and self.quiet(
            "SELECT count(*) FROM pg_locks WHERE pid IS NULL AND locktype = 'relation' "
            "AND mode = 'AccessExclusiveLock' AND database = "
            "(SELECT oid FROM pg_database WHERE datname = current_database())")[0][0] > 0
        if self.status == 'idle':
            self.txn = []
        if self.status != 'failed' and not locked:
            if stmt.kind.endswith('ddl'):
                self.check_populated()
            if self.lazy() == 'one':
                self.compare_one()
            elif self.lazy() != 'all':
                self.compare(deep)
            self.compared += 1
        self.slowest = max(self.slowest, time.time() - start)
        return error

    def present(self, v):
        """The view exists from now on."""
        self.views = self.views + [v]
        if self.status == 'open':
            self.fresh = self.fresh + [v]

    def silent(self, sql, phase, view=None):
        """DDL of the round: logged, errors returned."""
        from stmt import Stmt
        s = Stmt(sql, phase)
        try:
            error = self.execute(s)
        except Failure:                 # a crash
            self.log.append((phase, s, view))
            raise
        if error is None:
            self.log.append((phase, s, view))
        return error

    # ---- errors ----

    def verify_error(self, stmt, error, done):
        """Would the statement fail without the maintained views, or a view's query after it?"""
        state, message = error
        if not self.config.real:
            if state[:2] not in ('21', '22', '23', '27') and state not in ('55000', 'P0001', '44000', '0A000', '42P10', '2BP01'):
                raise Failure('invalid', '%s: %s\n%s' % (state, message, stmt.sql), state=state)
            return
        if stmt.kind in ('do with commit', 'prepared transaction') or stmt.reads_view or any(s.reads_view for s in done):
            if state[:2] not in ('21', '22', '23', '27') and state not in ('2D000', '44000', '55006') and not any(
                    m in message for m in SERVER_SAYS):
                raise Failure('error', '%s: %s' % (state, message), state=state)
            return
        if state in ('22012', '21000') and any(v.hazard and (stmt.kind in ('do block', 'failing') or not v.strict())
                                    for v in self.views):
            return                      # the query may fail in between, or on rows that a plan leaves out before
        usual = state[:2] in ('21', '23') or (state[:2] == '22' and not any(v.hazard for v in self.views))
        if usual and (hash_of(stmt.sql) % 100) >= self.config.verify_share * 100:
            return
        self.verified += 1
        nested = self.status == 'open'
        self.quiet('SAVEPOINT verify_error' if nested else (done[0].sql if done and done[0].txn == 'begin' else 'BEGIN'))
        try:
            plain = self.without_views(stmt, [s for s in done if s.txn != 'begin'])
        finally:
            if not self.conn.closed:
                self.quiet('ROLLBACK TO verify_error' if nested else 'ROLLBACK')
                if nested:
                    self.quiet('RELEASE verify_error')
        if state == '23505' and self.of_table(message):
            return                      # keys that move may collide or not: it depends on where rows lie
        if plain is None or plain[0] != state:
            raise Failure('error', 'the statement fails only with the views: %s: %s\nwithout them: %s\n%s' % (
                state, message, plain, stmt.sql), state=state)

    def without_views(self, stmt, done):
        """The error of the statement, or of a view's query after it, with the maintained views dropped."""
        for v in self.views:
            if not v.plain:
                self.quiet('DROP MATERIALIZED VIEW IF EXISTS %s CASCADE' % v.sql_name)
        for s in done:
            if s.kind in ('refresh', 'mode') or s.txn == 'end':     # COMMIT: what it does comes below
                continue
            error = self.execute(s.without_views())
            if error is not None:
                return 'replay', error
        error = None
        if stmt.txn != 'end':
            error = self.execute(stmt.without_views())
        # views are maintained before deferred triggers run, and after them
        for when in ('', 'SET CONSTRAINTS ALL IMMEDIATE'):
            if error is None and when:
                error = self.execute_sql(when)
            for v in self.views:
                error = error or self.execute_sql('SELECT count(%s::text) FROM %s %s' % (ROW, v.twin, ROW))
        return error

    def of_table(self, message):
        """Is the unique constraint that was violated one of a table, not of a view?"""
        name = message.splitlines()[0].split('unique constraint "', 1)[-1][:-1]
        return bool(self.quiet("SELECT 1 FROM pg_class x JOIN pg_index i ON i.indexrelid = x.oid "
                               "JOIN pg_class c ON c.oid = i.indrelid WHERE x.relname = '%s' AND c.relkind = 'r' "
                               "AND x.relnamespace = (SELECT oid FROM pg_namespace "
                               "WHERE nspname = current_schema())" % name.replace("'", "''")))

    def grown(self, statements):
        """Are the queries a lot of work before or after these statements, or their changes because tables come up often?"""
        if self.status != 'idle':
            self.quiet('ROLLBACK')
        for v in self.views:
            rows = 1
            for i, times in v.query.occurs.items():
                rows *= max(1, self.tables[i].rows) ** times if i < len(self.tables) else 1
            if rows > 1000000 or max(v.query.occurs.values(), default=0) >= 4:
                return True
        self.quiet('BEGIN')
        try:
            for v in self.views:
                if not v.plain:
                    self.quiet('DROP MATERIALIZED VIEW IF EXISTS %s CASCADE' % v.sql_name)
            self.quiet("SET LOCAL statement_timeout = '3s'")
            for s in [None] + statements:
                if s and s.kind not in ('refresh', 'mode') and self.execute(s.without_views()) is not None:
                    return False
                for v in self.views if s in (None, statements[-1]) or s.kind == 'bulk insert' else ():
                    rows = self.quiet('EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF, FORMAT JSON) '
                                      'SELECT count(%s::text) FROM %s %s' % (ROW, v.twin, ROW))
                    if work(rows[0][0][0]['Plan']) > 100000:
                        return True
            return False
        except psycopg2.errors.QueryCanceled:
            return True
        finally:
            if not self.conn.closed:
                self.quiet('ROLLBACK')

    def execute_sql(self, sql):
        from stmt import Stmt
        return self.execute(Stmt(sql, ''))

    # ---- deferred views ----

    def lazy(self):
        """Are all or all but one of the views left to lag behind in this transaction?"""
        return self.txn[0].lazy if self.txn and self.status == 'open' else None

    def read_views(self):
        """The error of maintaining deferred views, as if the statement before had raised it."""
        if self.lazy() == 'all':
            return None
        if self.lazy() == 'one':        # functions in a query bring up to date all
            return self.views and self.execute_sql('SELECT count(*) FROM (%s) d' % self.difference(self.chosen())) or None
        error = None
        for v in self.views:
            error = error or self.execute_sql('SELECT count(*) FROM %s' % v.sql_name)
        return error

    def chosen(self):
        """The view that is read now, while others lag behind."""
        return self.views[len(self.log) // 2 % len(self.views)] if self.views else None

    def compare_one(self):
        v = self.chosen()
        restore = self.pin_settings() if self.settings_changed else []
        try:
            if v and self.quiet('SELECT count(*) FROM (%s) d' % self.difference(v))[0][0]:
                raise Failure('mismatch', self.describe([v]), [v])
        except psycopg2.errors.QueryCanceled:
            raise OutOfHand('comparison')
        self.unpin_settings(restore)

    # ---- comparison ----

    def difference(self, v):
        return ('SELECT t, sum(n) AS n FROM (SELECT {r}::text AS t, 1 AS n FROM {v} {r} UNION ALL '
                'SELECT {r}::text, -1 FROM {q} {r}) x GROUP BY t HAVING sum(n) <> 0').format(
                    r=ROW, v=v.sql_name, q=v.twin)

    def compare_sql(self):
        parts = ["SELECT 'v' AS what, %d AS i, (SELECT count(*) FROM (%s) y) AS n" % (i, self.difference(v))
                 for i, v in enumerate(self.views)]
        parts += ["SELECT 't', %d, (SELECT count(*) FROM %s)" % (i, t.sql) for i, t in enumerate(self.tables)]
        return ' UNION ALL '.join(parts)

    def compare(self, deep=None):
        """Every view against its twin."""
        if deep is None:
            deep = self.compared % DEEP_EVERY == DEEP_EVERY - 1
        restore = self.pin_settings() if self.settings_changed else []
        if self.config.mode == 'audit':
            self.refresh_all()
        try:
            rows = self.quiet(self.prepared())
        except psycopg2.Error as e:
            if e.pgcode == '57014':
                raise OutOfHand('comparison')
            if e.pgcode in ('22012', '21000') and any(v.hazard and not v.strict() for v in self.views):
                # over plain views the server's plan evaluates it for rows that the view's own query leaves out before
                raise OutOfHand('hazard')
            raise Failure('error', 'comparison failed: %s: %s' % (e.pgcode, str(e).strip()), state=e.pgcode)
        wrong = []
        for what, i, n in rows:
            if what == 't':
                self.tables[i].rows = n
            elif n:
                wrong.append(self.views[i])
        if wrong:
            raise Failure('mismatch', self.describe(wrong), wrong)
        if deep:
            try:
                self.deep_check()
            except psycopg2.errors.QueryCanceled:
                raise OutOfHand('deep comparison')
        self.unpin_settings(restore)

    def check_populated(self):
        """None of the DDL that is tried may leave a view unpopulated."""
        for v in self.views:
            if not v.plain and not self.quiet("SELECT relispopulated FROM pg_class WHERE oid = '%s'::regclass" %
                                              v.sql_name.replace("'", "''"))[0][0]:
                raise Failure('error', '%s was set unpopulated' % v.sql_name, [v])

    def pin_settings(self):
        old = self.quiet('SELECT ' + ', '.join("current_setting('%s')" % n for n, _ in OUTPUT_SETTINGS))[0]
        for name, value in OUTPUT_SETTINGS:
            self.cur.execute('SELECT set_config(%s, %s, false)', (name, value))
        return [(n, o) for (n, _), o in zip(OUTPUT_SETTINGS, old)]

    def unpin_settings(self, old):
        for name, value in old:
            self.cur.execute('SELECT set_config(%s, %s, false)', (name, value))

    def prepared(self):
        """The comparison as a prepared statement, planned anew now and then; sometimes sent as text."""
        sql = self.compare_sql()
        if self.compared % 8 == 7:
            return sql
        if sql != self.prepared_sql or self.compared - self.prepared_at > 30:
            if self.prepared_sql is not None:
                self.quiet('DEALLOCATE diff_%d' % self.prepared_count)
            self.prepared_count += 1                # other sessions have their own
            try:
                self.quiet('PREPARE diff_%d AS %s' % (self.prepared_count, sql))
            except psycopg2.Error:
                self.prepared_sql = None
                raise
            self.prepared_sql, self.prepared_at = sql, self.compared
        return 'EXECUTE diff_%d' % self.prepared_count

    def deep_check(self):
        for v in self.views:
            if not v.jsonish():
                n = self.quiet('SELECT count(*) FROM ((TABLE {0} EXCEPT ALL TABLE {1}) UNION ALL '
                               '(TABLE {1} EXCEPT ALL TABLE {0})) x'.format(v.sql_name, v.twin))[0][0]
                if n:
                    raise Failure('mismatch', 'EXCEPT ALL finds %d rows\n%s' % (n, self.describe([v])), [v])
        if not self.config.real:
            return
        for v in self.views:
            if v.plain:
                continue
            try:
                rows = self.quiet("SELECT c::text FROM tview.check('%s') c" % v.sql_name.replace("'", "''"))
            except psycopg2.errors.QueryCanceled:
                raise
            except psycopg2.Error as e:
                raise Failure('check', 'tview.check(%s): %s: %s' % (v.sql_name, e.pgcode, str(e).strip()), [v],
                              e.pgcode)
            if rows:
                raise Failure('check', 'tview.check(%s):\n%s' % (
                    v.sql_name, '\n'.join(r[0] or '' for r in rows[:20])), [v])

    def describe(self, views):
        out = []
        for v in views:
            try:
                rows = self.quiet('SELECT n, t FROM (%s) d ORDER BY t LIMIT 12' % self.difference(v))
            except psycopg2.errors.QueryCanceled:
                out.append('%s: it takes too long to tell which rows differ' % v.sql_name)
                continue
            out.append('%s (twin %s): rows too many (+) or missing (-)' % (v.sql_name, v.twin))
            out += ['  %+d  %s' % (n, t if len(t) < 400 else t[:400] + '...') for n, t in rows]
        return '\n'.join(out)

    def refresh_all(self):
        n = self.compared
        for i, name in enumerate(('enable_hashagg', 'enable_sort', 'enable_hashjoin', 'enable_nestloop',
                                  'enable_mergejoin')):
            self.quiet('SET %s = %s' % (name, 'off' if (n + i) % 3 == 0 else 'on'))
        try:
            for v in self.views:
                if not v.plain:
                    self.quiet('REFRESH MATERIALIZED VIEW %s' % v.sql_name)
        except psycopg2.errors.QueryCanceled:
            raise OutOfHand('refresh')
        finally:
            for name in ('enable_hashagg', 'enable_sort', 'enable_hashjoin', 'enable_nestloop', 'enable_mergejoin'):
                self.quiet('SET %s = on' % name)

    # ---- end of a round ----

    def check_indexes(self):
        """Every index of every view and of its hidden state agrees with its table."""
        have = self.quiet("SELECT 1 FROM pg_extension WHERE extname = 'amcheck'")
        if not have or not self.config.real:
            return
        try:
            self.quiet("SELECT bt_index_check(i.indexrelid, true) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid "
                       "JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am a ON a.oid = x.relam "
                       "WHERE a.amname = 'btree' AND i.indisvalid AND c.relpersistence = 'p' AND "
                       "(c.relnamespace = 'tview'::regnamespace OR c.relkind = 'm')")
        except psycopg2.Error as e:
            raise Failure('amcheck', '%s: %s' % (e.pgcode, str(e).strip()), state=e.pgcode)

    def keep_vacuum_away(self):
        """Triggers are left, unarmed, where dropping them would mean to wait: autovacuum must not be what is waited for."""
        for command, in self.quiet("SELECT format('ALTER TABLE %I SET (autovacuum_enabled = off)', relname) FROM pg_class "
                                   "WHERE relkind = 'r' AND relnamespace = "
                                   "(SELECT oid FROM pg_namespace WHERE nspname = current_schema())"):
            self.execute_sql(command)

    def leftovers(self):
        """What the extension left behind once every view is gone."""
        if not self.config.real:
            return
        rows = self.quiet("SELECT t.tgname || ' on ' || t.tgrelid::regclass FROM pg_trigger t "
                          "JOIN pg_proc p ON p.oid = t.tgfoid WHERE p.pronamespace = 'tview'::regnamespace")
        rows += self.quiet("SELECT 'relation ' || c.oid::regclass FROM pg_class c "
                           "WHERE c.relnamespace = 'tview'::regnamespace AND c.relkind = 'r' AND c.oid NOT IN "
                           "(SELECT b.oid FROM diff_baseline b)")
        if rows:
            raise Failure('leftover', 'left behind: ' + '; '.join(r[0] for r in rows[:10]))


def hash_of(text):
    n = 0
    for ch in text:
        n = (n * 31 + ord(ch)) % 1000003
    return n


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def roll_back_prepared(conn):
    """Two-phase transactions that a cut round left open in this database."""
    cur = conn.cursor()
    cur.execute('SELECT gid FROM pg_prepared_xacts WHERE database = current_database()')
    for gid, in cur.fetchall():
        cur.execute('ROLLBACK PREPARED %s', (gid,))


def connect(db, namespace=None, wait=60, timeout='10s'):
    """A connection; waits while a crashed server recovers."""
    options = '-c jit=off -c client_min_messages=error -c TimeZone=UTC -c statement_timeout=%s ' \
        '-c max_parallel_workers_per_gather=0'      # starting them takes longer than the comparison
    options %= timeout
    if namespace:
        path = quoted(namespace) + ',public'
        options += ' -c search_path=' + path.replace('\\', '\\\\').replace(' ', '\\ ')
    end = time.time() + wait
    while True:
        try:
            c = psycopg2.connect(dbname=db, options=options, application_name='diff')
            c.set_client_encoding('UTF8')
            return c
        except psycopg2.OperationalError:
            if time.time() > end:
                raise
            time.sleep(0.3)
