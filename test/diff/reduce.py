"""Writes a failed round down as one SQL file, and makes it smaller while it still fails."""

import os
import tempfile
import time

from oracle import Failure, Player, ROW


def script(log, namespace, failure, tables, config, seed):
    """The round as a psql script that ends with the differing rows."""
    out = ['-- reproducer: %s' % failure.kind, '-- round %s' % seed]
    out += ['-- ' + line for line in failure.text.splitlines()[:30]]
    out += ['\\set VERBOSITY verbose', "SET TimeZone = 'UTC';", 'SET client_min_messages = error;']
    if config.real:
        out.append('CREATE EXTENSION IF NOT EXISTS pg_tviews;')
    ns = '"%s"' % namespace.replace('"', '""')
    out += ["\\set ns '%s'" % namespace.replace("'", "''")]
    out += ['DROP SCHEMA IF EXISTS %s CASCADE;' % ns, 'CREATE SCHEMA %s;' % ns, 'SET search_path = %s, public;' % ns,
            'RESET client_min_messages;']
    last = None
    for phase, stmt, _ in log:
        if phase != last:
            out.append('\n-- ' + {'schema': 'schema', 'twin': 'what the next view must equal', 'view': 'view',
                                  'stmt': 'statements'}.get(phase, phase))
            last = phase
        out.append(stmt.script())
    out.append('\n-- differing rows: n > 0 too many in the view, n < 0 missing')
    for v in failure.views:
        out.append('SELECT %s AS view, n, t FROM (SELECT t, sum(n) AS n FROM (SELECT %s::text AS t, 1 AS n FROM %s %s UNION ALL '
                   'SELECT %s::text, -1 FROM %s %s) x GROUP BY t HAVING sum(n) <> 0) d ORDER BY t;' % (
                       "'%s'" % v.sql_name.replace("'", "''"), ROW, v.sql_name, ROW, ROW, v.twin, ROW))
        if failure.kind == 'check':
            out.append("SELECT * FROM tview.check('%s');" % v.sql_name.replace("'", "''"))
    return '\n'.join(out) + '\n'


def save(text, hint):
    fd, path = tempfile.mkstemp(prefix='diff_%s_' % hint[:100], suffix='.sql')
    with os.fdopen(fd, 'w') as f:
        f.write(text)
    return path


def replay(db, namespace, config, log, tables, kind):
    """Play a log in a fresh schema: (Failure or None, the log up to the failure)."""
    player = None
    try:
        player = Player(db, namespace, config)
        player.tables = []
        for phase, stmt, view in log:
            if phase == 'stmt':
                player.step(stmt, deep=kind == 'check' or None)
                continue
            error = player.execute(stmt)
            if error is None:
                player.log.append((phase, stmt, view))
            elif kind == 'error' and phase in ('view', 'drop'):
                player.log.append((phase, stmt, view))
                return Failure('error', '%s: %s' % error, state=error[0]), list(player.log)
            if phase == 'view' and error is None:
                player.present(view)
            if phase == 'drop':
                player.views = [v for v in player.views if v is not view]
        if kind == 'leftover':
            player.leftovers()
        if kind == 'amcheck':
            player.check_indexes()
    except Failure as f:
        return f, list(player.log) if player else []
    except Exception as e:              # a cut that left nonsense: not the failure looked for
        return None, []
    finally:
        if player:
            player.close()
    return None, []


def reduce(db, namespace, config, log, tables, failure, seconds=120, say=print):
    """A smaller log with the same failure: (log, Failure)."""
    end = time.time() + seconds

    def fails(candidate):
        f, done = replay(db, namespace, config, candidate, tables, failure.kind)
        return (f, done) if failure.same(f) else (None, None)

    f, done = fails(log)
    if f is None:
        say('the failure does not come up again when the round is replayed')
        return log, failure
    log, failure = done, f

    def units(log, what):
        """Groups of positions that can go together."""
        if what == 'views':
            numbers = []
            for phase, _, v in log:
                if v is not None and v.number not in numbers and v not in failure.views:
                    numbers.append(v.number)
            return [[i for i, (p, _, v) in enumerate(log) if v is not None and v.number == n] for n in numbers]
        if what == 'schema':
            return [[i] for i, (p, s, _) in enumerate(log) if p == 'schema' and not s.sql.startswith('CREATE TABLE')]
        if what == 'tables':
            return [[i] for i, (p, s, _) in enumerate(log) if p == 'schema']
        return [[i] for i, (p, _, _) in enumerate(log) if p == 'stmt']

    changed = True
    while changed and time.time() < end:
        changed = False
        for what in ('stmt', 'views', 'schema', 'tables'):
            group = units(log, what)
            size = max(1, len(group) // 2)
            while group and time.time() < end:
                i, cut = 0, False
                while i < len(group) and time.time() < end:
                    gone = {p for u in group[i:i + size] for p in u}
                    f, done = fails([x for j, x in enumerate(log) if j not in gone])
                    if f is not None:
                        before = len(log)
                        log, failure, changed, cut = done, f, True, True
                        group = units(log, what)
                        if len(log) >= before:
                            break
                    else:
                        i += size
                if size == 1:
                    break
                size = max(1, size // 2)
    say('reduced to %d statements, %d views' % (
        sum(1 for p, _, _ in log if p == 'stmt'), sum(1 for p, _, _ in log if p == 'view')))
    return log, failure
