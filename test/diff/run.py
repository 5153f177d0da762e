#!/usr/bin/python3
"""Differential test: random schemas, random views, random statements; each view must equal its query.

Connects by the PG* environment variables, makes databases of its own and drops them.  Every round is
decided by its name SEED/WORKER/ROUND alone and can be run again with --round; in a round named
.../crowd several sessions write at the same time, so its course differs.  Last line printed:
"N passed, N failed", statements after which all views were compared.
"""

import argparse
import multiprocessing
import os
import random
import sys
import time
import traceback
from collections import Counter

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

import psycopg2  # noqa: E402

from oracle import Config, Failure, OutOfHand, Player, SERVER_SAYS, connect, roll_back_prepared, work  # noqa: E402
from crowd import Crowd  # noqa: E402
from reduce import reduce, save, script  # noqa: E402
from schema import Schema  # noqa: E402
from seeds import commit_seed, random_seed  # noqa: E402
from statements import StatementMaker  # noqa: E402
from stmt import REFRESH, Stmt  # noqa: E402
from storm import Storm  # noqa: E402
from views import NO_RULE, ViewMaker  # noqa: E402

CROWD_EVERY = 8         # one round in so many
STORM_EVERY = 8
NAMESPACES = ['r', 'r', 'r', 'Odd Schema', "it's", 'naïve']


class Round:
    """One schema, its views, and a stream of statements."""

    def __init__(self, name, db, config, options):
        self.name, self.db, self.config, self.options = name, db, config, options
        self.rng = random.Random(name)
        self.focus = name.split('/')[0].partition('+')[2].split(',')
        self.refused = Counter()
        self.features = Counter()
        self.kinds = Counter()
        self.whole = Counter()          # constructs without a rule in views that were accepted
        self.slow = 0                   # views that are too much work
        self.accepted = 0
        self.player = None
        self.namespace = self.rng.choice(NAMESPACES)
        self.own_indexes = random.Random(name + ' indexes').random() < 0.2
        self.deferred = self.rng.choice([0, 0, 0.5, 1]) if config.real else 0     # share of the views

    def play(self):
        """Runs the round; raises Failure."""
        if self.config.real and random.Random(self.name + ' storm').randrange(STORM_EVERY) == 0:
            with Storm(self.db):
                self.calm()
        else:
            self.calm()

    def calm(self):
        rng, begun = self.rng, time.time()
        schema = Schema(rng, big=rng.random() < 0.12, deferred_blocks=not self.config.assertions)
        self.schema = schema
        self.player = p = Player(self.db, self.namespace, self.config)
        p.tables = schema.tables
        self.maker = StatementMaker(rng, schema, self.round_settings())
        for sql in schema.ddl + self.maker.extra_ddl:
            error = p.silent(sql, 'schema')
            if error and not (sql.startswith('INSERT') and
                              (error[0][:2] in ('22', '23', '21') or error[1].startswith(SERVER_SAYS))):
                raise Failure('invalid', 'schema: %s: %s\n%s' % (error[0], error[1], sql), state=error[0])
        self.viewmaker = ViewMaker(rng, schema, rare=NO_RULE if self.config.real else (), focus=self.focus)
        wanted = rng.randint(3, 8)
        for _ in range(wanted * 2):
            if len(self.viewmaker.views) < wanted:
                self.add_view()
        p.compare(deep=True)
        n = self.options.length
        while n > 0:
            n -= 1
            if p.status == 'idle' and rng.random() < 0.02 and not p.settings_changed:
                self.special()
                continue
            for stmt in self.maker.next(p.status, self.viewmaker.views):
                self.kinds[stmt.kind] += 1
                if p.step(stmt) is not None or p.status == 'failed':
                    break
            if p.slowest > 3 or time.time() - begun > 20:       # grown out of hand
                break
        if p.status != 'idle':
            p.step(Stmt('ROLLBACK', 'end', txn='end'))
        if p.settings_changed:
            p.step(self.maker.reset())
        self.finish()

    def round_settings(self):
        """Settings of the whole round: which plans are used, and whether change sets spill."""
        rng = random.Random(self.name + ' settings')
        out = []
        if self.config.real and rng.random() < 0.6:
            out.append('tview.bulk_rows = %s' % rng.choice(['1', '1', '3', '50', '100000']))
            out.append('tview.small_partition = %s' % rng.choice(['0', '0', '2', '64']))
        if rng.random() < 0.25:
            out.append("work_mem = '64kB'")
        if rng.random() < 0.04:
            out.append('max_parallel_workers_per_gather = 2')
        return out

    def add_view(self):
        """One more view, if the extension takes it."""
        v = self.viewmaker.make()
        p = self.player
        twins = {w.number: w.twin for w in self.viewmaker.views}
        names = {w.number: w.sql_name for w in self.viewmaker.views}
        if p.status == 'open':
            p.silent('SAVEPOINT new_view', 'twin', v)
        error = p.silent(self.config.twin(v, twins), 'twin', v)
        if error:
            raise Failure('invalid', 'view: %s: %s\n%s' % (error[0], error[1], v.query.sql), state=error[0])
        error = p.execute_sql('EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF, FORMAT JSON) '
                              'SELECT count("#row"::text) FROM %s "#row"' % v.twin)
        if error or work(p.cur.fetchone()[0][0]['Plan']) > 10000:
            # a column may turn out to be a constant, which FULL JOIN cannot merge by
            if error and error[0][:2] not in ('21', '22') and error[0] != '57014' and \
                    not error[1].startswith('FULL JOIN is only supported with'):
                raise Failure('invalid', 'view: %s: %s\n%s' % (error[0], error[1], v.query.sql), state=error[0])
            self.slow += 1
            self.forget(v)
            return None
        create = self.config.create(v, names)
        error = p.silent(create, 'view', v)
        if error is None and 'WITH NO DATA' in create[-14:]:
            error = p.silent('REFRESH MATERIALIZED VIEW %s' % v.sql_name, 'view2', v)
        if error:
            if error[0] in ('22012', '21000') and any(w.hazard for w in p.views + [v]):
                self.forget(v)          # another plan of the query evaluates it for other rows
                return None
            if error[0] == '0A000' and (not self.config.real or self.viewmaker.may_be_refused(v)):
                self.refused[' + '.join(sorted(self.viewmaker.no_rule(v))) or error[1].splitlines()[0]] += 1
                if self.options.show_refused:
                    print('%s\n    %s' % (error[1], create))
                self.forget(v)
                return None
            p.log.append(('view', Stmt(create, 'view'), v))
            raise Failure('error', 'creating a view: %s: %s\n%s' % (error[0], error[1], create), state=error[0])
        if p.status == 'open':
            p.silent('RELEASE new_view', 'view2', v)
        if self.config.real and not v.plain and (v.deferred or self.rng.random() < self.deferred):
            stmt = self.maker.mode(v, 'deferred')
            if p.execute(stmt) is None:
                p.log.append(('view2', stmt, v))
                self.maker.deferred = True
                v.features.add('deferred')
        if self.config.real and not v.plain and self.own_indexes and p.status == 'idle' and self.rng.random() < 0.5:
            stmt = self.maker.own_unique_index(v)
            if p.execute(stmt) is None:
                p.log.append(('view2', stmt, v))
                v.features.add('own unique index')
        self.accepted += 1
        if not v.plain and self.config.real:
            self.whole.update(sorted(self.viewmaker.no_rule(v)))
        self.features.update(sorted(v.features))
        self.viewmaker.add(v)
        p.present(v)
        return v

    def forget(self, v):
        """Take a view that is not used out of database and log."""
        p = self.player
        p.execute_sql('DROP VIEW %s' % v.twin if p.status == 'idle' else 'ROLLBACK TO new_view')
        p.log = [x for x in p.log if x[2] is not v]

    def special(self):
        """Refreshes and new views in the middle of a round, alone or inside a transaction."""
        rng, p = self.rng, self.player
        real = [v for v in self.viewmaker.views if not v.plain]
        r = rng.random()
        if r < 0.25 and real and self.config.mode != 'dry':
            p.step(Stmt('REFRESH MATERIALIZED VIEW %s' % rng.choice(real).sql_name, 'refresh'))
        elif r < 0.4:
            self.change_schema(real)
        elif r < 0.6 and real and self.config.mode != 'dry':
            p.step(Stmt('BEGIN', 'begin', txn='begin'))
            p.step(self.maker.update())
            if p.status == 'open':
                p.step(Stmt('REFRESH MATERIALIZED VIEW %s' % rng.choice(real).sql_name, 'refresh'))
            p.step(Stmt('COMMIT' if p.status == 'open' else 'ROLLBACK', 'end', txn='end'))
        elif r < 0.8 and len(real) < 9:
            self.add_view()
            p.compare()
        elif len(real) < 9:
            p.step(Stmt('BEGIN', 'begin', txn='begin'))
            p.step(self.maker.update())
            if p.status == 'open':
                self.add_view()
                p.step(self.maker.update())
            p.step(Stmt('COMMIT' if p.status == 'open' and rng.random() < 0.7 else 'ROLLBACK', 'end', txn='end'))
            self.viewmaker.views = list(p.views)

    def change_schema(self, real):
        """DDL on a table or view, alone or inside a transaction."""
        rng, p = self.rng, self.player
        stmt = self.maker.view_ddl(real) if real and self.config.real and rng.random() < 0.3 else self.maker.ddl()
        self.kinds['ddl'] += 1
        views = self.viewmaker.views
        whole = next((i for i, v in enumerate(views) if 'whole row' in v.features), len(views))
        if self.config.real and (' ADD COLUMN ' in stmt.sql or ' RENAME COLUMN ' in stmt.sql):
            # views of whole rows, and what reads them, are set unpopulated
            stmt = Stmt('; '.join([stmt.sql] + [REFRESH + v.sql_name for v in views[whole:] if not v.plain]), stmt.kind)
        if rng.random() < 0.5 or 'VACUUM' in stmt.sql:
            p.step(stmt)
            return
        p.step(Stmt('BEGIN', 'begin', txn='begin'))
        for s in (self.maker.update(), stmt, self.maker.update()):
            if p.status == 'open':
                p.step(s)
        p.step(Stmt('COMMIT' if p.status == 'open' and rng.random() < 0.6 else 'ROLLBACK', 'end', txn='end'))

    def finish(self):
        """Refresh, deep check, then drop the views in random order, writing in between."""
        rng, p = self.rng, self.player
        real = [v for v in self.viewmaker.views if not v.plain]
        if real and self.config.mode != 'dry':
            p.step(Stmt('REFRESH MATERIALIZED VIEW %s' % rng.choice(real).sql_name, 'refresh'), deep=True)
        p.compare(deep=True)
        p.check_indexes()
        p.keep_vacuum_away()
        while p.views:
            v = rng.choice(p.views)
            p.log.append(('drop', Stmt(self.config.drop(v) + ' CASCADE', 'drop'), v))
            error = p.execute_sql(self.config.drop(v) + ' CASCADE')
            if error:
                raise Failure('error', 'dropping %s: %s: %s' % (v.sql_name, error[0], error[1]), state=error[0])
            left = {r[0] for r in p.quiet(
                "SELECT c.relname FROM pg_class c WHERE c.relkind IN ('m', 'v') AND c.relnamespace = "
                "(SELECT oid FROM pg_namespace WHERE nspname = current_schema())")}
            p.views = [w for w in p.views if w.name in left]
            if rng.random() < 0.5 and p.views:
                p.step(self.maker.write([]))
            if rng.random() < 0.2:
                p.step(Stmt('-- the other session', 'session'))
        p.leftovers()


class CrowdRound(Crowd, Round):
    pass


def report(rnd, failure, options, say):
    """Everything needed to see and repeat a failure."""
    p = rnd.player
    log, config = p.log if p else [], rnd.config
    say('FAILED round %s: %s' % (rnd.name, failure.kind))
    say(failure.text)
    if failure.kind != 'invalid' and options.reduce and p and not isinstance(rnd, Crowd):
        p.close()
        log, failure = reduce(rnd.db, rnd.namespace, config, log, p.tables, failure, options.reduce_seconds, say)
    path = save(script(log, rnd.namespace, failure, p.tables if p else [], config, rnd.name), rnd.name.replace('/', '_'))
    for title, phases in (('schema', ('schema',)), ('views', ('view',)), ('statements', ('stmt', 'drop', 'view2'))):
        say('-- %s' % title)
        part = [s.script() for ph, s, _ in log if ph in phases]
        for s in part if len(part) < 60 or not options.brief else part[-10:]:
            say(s)
    # again, for whoever sees the end only
    say('FAILED round %s: %s' % (rnd.name, failure.kind))
    say(failure.text)
    say('run again: run.py --round %s' % rnd.name)
    say('reproducer: %s' % path)


def make_database(db, config):
    drop_database(db)
    admin = connect('postgres', wait=10)
    admin.autocommit = True
    admin.cursor().execute('CREATE DATABASE %s TEMPLATE template0 ENCODING \'UTF8\' LC_COLLATE \'C\' LC_CTYPE \'C\'' % db)
    admin.close()
    c = connect(db)
    c.autocommit = True
    cur = c.cursor()
    cur.execute('SHOW debug_assertions')
    config.assertions = cur.fetchone()[0] == 'on'
    if config.real:
        cur.execute('CREATE EXTENSION pg_tviews')
        cur.execute("CREATE TABLE public.diff_baseline AS SELECT oid FROM pg_class "
                    "WHERE relnamespace = 'tview'::regnamespace")
        try:
            cur.execute('CREATE EXTENSION amcheck')
        except psycopg2.Error:
            pass
    c.close()


def drop_database(db):
    try:
        admin = connect('postgres', wait=30)
        admin.autocommit = True
        cur = admin.cursor()
        cur.execute('SELECT 1 FROM pg_prepared_xacts WHERE database = %s', (db,))
        if cur.fetchone():
            c = connect(db)
            c.autocommit = True
            roll_back_prepared(c)
            c.close()
        admin.cursor().execute('DROP DATABASE IF EXISTS %s WITH (FORCE)' % db)
        admin.close()
    except psycopg2.Error as e:
        print('cannot drop %s: %s' % (db, e))


def worker(number, options, stop_at, queue):
    """Rounds one after the other until time or statements are used up."""
    config = Config(options.mode)
    db = 'diff_%d_%d' % (os.getpid(), number)
    lines = []

    def say(*args):
        lines.append(' '.join(str(a) for a in args))

    total = {'given up': 0}
    total.update(passed=0, failed=0, rounds=0, accepted=0, verified=0, slow=0, refused=Counter(), whole=Counter(),
                 features=Counter(), kinds=Counter(), errors=Counter())
    try:
        make_database(db, config)
        n = 0
        share = -(-options.statements // options.workers)
        while time.time() < stop_at and total['passed'] < share and total['failed'] < options.max_failures:
            name = options.round or '%s/%d/%d' % (options.seed, number, n)
            if not options.round and config.real and (options.crowd or n % CROWD_EVERY == CROWD_EVERY - 1):
                name += '/crowd'
            n += 1
            rnd = (CrowdRound if name.endswith('/crowd') else Round)(name, db, config, options)
            failure, begun = None, time.time()
            try:
                rnd.play()
            except OutOfHand as reason:
                total['given up'] += 1
                queue.put(('text', 'given up: round %s: %s' % (name, reason)))
                rnd.player.close()
                make_database(db, config)
            except Failure as f:
                failure = f
            except psycopg2.Error as e:
                failure = Failure('crash' if e.pgcode is None else 'error', '%s: %s\n%s' % (
                    e.pgcode, str(e).strip(), traceback.format_exc(limit=-4)), state=e.pgcode)
            p = rnd.player
            if failure is not None:
                total['failed'] += 1
                try:
                    report(rnd, failure, options, say)
                except Exception:
                    say(traceback.format_exc())
                queue.put(('text', '\n'.join(lines)))
                lines.clear()
            if p is not None:
                total['passed'] += p.compared
                total['verified'] += p.verified
                total['errors'].update(p.errors)
                p.close()
            if failure is not None and not (options.keep and options.round):
                make_database(db, config)       # nothing of this round may be in the way of the next
            total['rounds'] += 1
            total['accepted'] += rnd.accepted
            total['slow'] += rnd.slow
            for k in ('refused', 'whole', 'features', 'kinds'):
                total[k].update(getattr(rnd, k))
            if options.verbose:
                queue.put(('text', 'round %s: %d compared, %d views, %.1f s, slowest %.2f s' % (
                    name, p.compared if p else 0, rnd.accepted, time.time() - begun, p.slowest if p else 0)))
            if options.round:
                break
    except Exception:
        total['failed'] += 1
        queue.put(('text', traceback.format_exc()))
    finally:
        if not options.keep:
            drop_database(db)
        queue.put(('total', total))


def main():
    a = argparse.ArgumentParser(description=__doc__)
    a.add_argument('--seed', default=None, help='start of the random names of rounds; 7+window,limit: with many of these constructs')
    a.add_argument('--round', help='run this one round again')
    a.add_argument('--seconds', type=int, default=None,
                   help='450 if not said; where CI is set, 1500, and fewer statements than aimed for are a failure')
    a.add_argument('--statements', type=int, default=None, help='compared statements to aim for; 20000 if not said')
    a.add_argument('--length', type=int, default=120, help='statements of one round')
    a.add_argument('--workers', type=int, default=2)
    a.add_argument('--max-failures', type=int, default=2, help='for each worker')
    a.add_argument('--reduce', action='store_true', help='make failures smaller before printing them')
    a.add_argument('--reduce-seconds', type=int, default=120)
    a.add_argument('--strict', type=float, metavar='SHARE', help='fail when more than this share of views is refused')
    a.add_argument('--show-refused', action='store_true', help='print the definitions that are refused')
    a.add_argument('--brief', action='store_true', help='print the end of long statement lists only')
    a.add_argument('--keep', action='store_true', help='leave the databases')
    a.add_argument('--verbose', action='store_true')
    a.add_argument('--crowd', action='store_true', help='only rounds of several sessions at the same time')
    for mode, text in (('dry', 'plain views instead: is everything valid SQL?'),
                       ('audit', 'refreshed materialized views instead: has every query one answer?'),
                       ('stale', 'unrefreshed materialized views instead: are differences found?')):
        a.add_argument('--' + mode, dest='mode', action='store_const', const=mode, default='tview', help=text)
    options = a.parse_args()
    if options.seed is None:
        options.seed = random_seed() if options.statements else commit_seed()
    options.statements = options.statements or 20000
    options.all_of_them = bool(os.environ.get('CI')) and options.seconds is None and not options.round
    if options.seconds is None:
        options.seconds = 1500 if options.all_of_them else 450
    if options.round:
        options.workers, options.reduce = 1, options.reduce
    print('seed %s' % options.seed, flush=True)
    start = time.time()
    queue = multiprocessing.Queue()
    procs = [multiprocessing.Process(target=worker, args=(i, options, start + options.seconds, queue))
             for i in range(options.workers)]
    for p in procs:
        p.start()
    totals = []
    while len(totals) < len(procs):
        try:
            what, value = queue.get(timeout=2)
        except Exception:
            if not any(p.is_alive() for p in procs):
                break
            continue
        if what == 'text':
            print(value, flush=True)
        else:
            totals.append(value)
    for p in procs:
        p.join()
    summary(totals, options, time.time() - start, len(procs))


def summary(totals, options, elapsed, workers):
    def all_of(key):
        c = Counter()
        for t in totals:
            c.update(t[key])
        return c

    def count(key):
        return sum(t[key] for t in totals)

    failed = count('failed') + (workers - len(totals))
    refused, accepted = all_of('refused'), count('accepted')
    print('%d rounds (%d given up: too many rows), %d views (%d too much work), %.0f s, %.0f statements/s' % (
        count('rounds'), count('given up'), accepted, count('slow'), elapsed, count('passed') / max(elapsed, 0.001)))
    print('views:      ' + ', '.join('%s %d' % x for x in all_of('features').most_common()))
    print('statements: ' + ', '.join('%s %d' % x for x in all_of('kinds').most_common()))
    print('errors:     ' + ', '.join('%s %d' % x for x in all_of('errors').most_common())
          + '; %d checked against the same without views' % count('verified'))
    for constructs, n in refused.most_common(30):
        print('refused %4d  %s' % (n, constructs))
    print('no rule:    ' + ', '.join('%s %d' % x for x in all_of('whole').most_common()))
    share = sum(refused.values()) / max(1, sum(refused.values()) + accepted)
    if options.strict is not None and share > options.strict:
        print('refused share %.3f is above %.3f' % (share, options.strict))
        failed += 1
    if options.all_of_them and count('passed') < options.statements:
        print('%d statements were aimed for' % options.statements)
        failed += 1
    print('%d passed, %d failed' % (count('passed'), failed))
    sys.exit(1 if failed else 0)


if __name__ == '__main__':
    main()
