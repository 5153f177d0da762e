"""Random schemas: kinds of values, tables, keys, foreign keys, triggers, helper functions.

A Kind says how a value of one SQL type is written and what a query may do with it.  The value sets are
small and skewed, so that rows join and groups collide, and are chosen such that equal values have one
image (text form) unless the kind says otherwise: a view that keeps "one of several equal values" has
no single right answer, so nothing here may ask for one.
"""

import random

import trees


def ident(name):
    """A name as SQL source, quoted only where it must be."""
    if name and name[0].isalpha() and name.isascii() and name.lower() == name \
            and all(c.isalnum() or c == '_' for c in name) and name not in RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'


RESERVED = {'select', 'order', 'user', 'group', 'table', 'end', 'desc', 'all', 'check'}


def lit(text):
    return "'" + text.replace("'", "''") + "'"


class Kind:
    """One family of types.

    key     equal values have one image: usable as group, DISTINCT, min/max, set key
    order   has a btree order (so max, ORDER BY, < work)
    """

    def __init__(self, name, types, values, key=True, order=True, weight=1.0):
        self.name = name
        self.types = types
        self.values = values
        self.key = key
        self.order = order
        self.weight = weight


def _ints(lo, hi):
    return [str(i) for i in range(lo, hi + 1)]


BIG_TEXT = "repeat(md5('%s'), 160)"

KINDS = {k.name: k for k in [
    Kind('int', ['int2', 'int4', 'int8'], _ints(-1, 6), weight=4),
    Kind('num', ['numeric'], ['1', '1.0', '1.00', '2.25', '0.5', '3.000', '-1.5', '0', '0.00', '7.125', '1e3'],
         key=False, weight=1.5),
    Kind('num2', ['numeric(10,2)'], ['0', '1', '1.5', '2.25', '-3.75', '10', '99.99'], weight=1.5),
    Kind('text', ['text', 'varchar(20)', 'varchar'],
         [lit(s) for s in ['a', 'b', 'c', 'ab', 'B', '', 'é', "o'x", 'a b', '\\n', '{"', 'NULL']], weight=3),
    Kind('char', ['char(4)'], [lit(s) for s in ['x', 'y', 'xy', 'z', '']], weight=0.7),
    Kind('bool', ['bool'], ['true', 'false'], weight=1.2),
    Kind('date', ['date'], [lit(s) for s in ['2024-01-01', '2024-02-29', '2023-12-31', '2024-03-10', 'infinity']]),
    Kind('ts', ['timestamp', 'timestamp(0)'],
         [lit(s) for s in ['2024-01-01 00:00', '2024-01-01 12:30:15', '2023-06-01 23:59:59', '2024-03-31 02:30']]),
    Kind('tstz', ['timestamptz'],
         [lit(s) for s in ['2024-01-01 00:00+00', '2024-01-01 22:30:15+00', '2024-07-01 03:00+00',
                           '2024-03-31 01:30+00', '2023-12-31 23:00-05']], weight=1.3),
    Kind('interval', ['interval'], [lit(s) for s in ['1 day', '2 hours', '1 mon', '-1 day', '00:00:01.5']], weight=0.8),
    Kind('jsonb', ['jsonb'],
         [lit(s) for s in ['{"a":1}', '{"a":2,"b":[1,2]}', '[]', '"s"', 'null', '{"a":null}', '7']], weight=1.2),
    Kind('json', ['json'], [lit(s) for s in ['{"a":1}', '{"a": 1}', '[1, 2]', '{"b":2,"b":3}']],
         key=False, order=False, weight=0.8),
    Kind('intarr', ['int[]'], [lit(s) for s in ['{}', '{1}', '{1,2}', '{2,3,2}', '{NULL,1}']], weight=0.8),
    Kind('enum', ['mood'], [lit(s) for s in ['sad', 'ok', 'happy']], weight=0.8),
    Kind('dom', ['small_dom'], _ints(0, 5), weight=0.6),
    Kind('tdom', ['word_dom'], [lit(s) for s in ['u', 'v', 'w']], weight=0.4),
    Kind('bytea', ['bytea'], [lit(s) for s in ['\\x00', '\\x0102', '\\x', '\\xff']], weight=0.6),
    Kind('uuid', ['uuid'],
         [lit('00000000-0000-0000-0000-00000000000%d' % i) for i in range(5)], weight=0.6),
    Kind('float', ['float8'], ['0', '0.5', '1', '-1.5', '2.5', '4'], weight=1),
    # kinds only views produce
    Kind('num0', ['numeric'], ['0', '1', '2'], weight=0),
    Kind('textarr', ['text[]'], ["'{}'", "'{a}'"], weight=0),
    Kind('bytea_agg', ['bytea'], ["'\\x'"], weight=0),
]}

ODD_NAMES = ['Odd Name', 'select', 'v"q', 'Key;', 'naïve', 'a.b', "it's", 'tab_é', 'END', 'x' * 60, '$1', '--c']


class Column:
    def __init__(self, name, kind, typ, notnull=False, default=None, generated=None, pool=None):
        self.name, self.kind, self.type = name, kind, typ
        self.notnull, self.default, self.generated = notnull, default, generated
        self.pool = pool            # values to draw from, when not the kind's

    @property
    def sql(self):
        return ident(self.name)

    def value(self, rng, null=0.15):
        """A random value; NULL now and then where allowed."""
        if not self.notnull and rng.random() < null:
            return 'NULL'
        values = self.pool or KINDS[self.kind].values
        if self.kind == 'text' and self.type == 'text' and not self.pool and rng.random() < 0.004:
            return BIG_TEXT % rng.randint(1, 3)
        # skew: low positions are more frequent
        return values[int(len(values) * rng.random() ** 1.6)]


class Table:
    def __init__(self, name, index):
        self.name, self.index = name, index
        self.cols = []
        self.key = []               # column names of the primary key
        self.unique = []            # further unique column lists
        self.deferrable = False
        self.fks = []               # (columns, parent table, action text)
        self.fresh = 100            # next never-used key number
        self.rows = 0               # as last counted by the oracle
        self.has_before_trigger = False
        self.pinned = False         # a view needs its key

    @property
    def sql(self):
        return ident(self.name)

    def col(self, name):
        return next(c for c in self.cols if c.name == name)

    @property
    def writable(self):
        return [c for c in self.cols if not c.generated]

    @property
    def nonkey(self):
        return [c for c in self.writable if c.name not in self.key]

    def key_value(self, col, rng, fresh):
        """A value for a key column: a new one, or one from the small common domain."""
        if fresh:
            self.fresh += 1
            n = self.fresh
        else:
            n = int(14 * rng.random())
        if col.kind == 'int':
            return str(n)
        if col.kind == 'text':
            return lit('k%d' % n)
        if col.kind == 'uuid':
            return lit('00000000-0000-0000-0000-%012d' % n)
        if col.kind == 'date':
            return "date '2024-01-01' + %d" % n
        raise ValueError(col.kind)

    def row(self, rng, fresh=None):
        """One row of values, in the order of the writable columns."""
        if fresh is None:
            fresh = rng.random() < 0.75
        out = []
        lead = True
        for c in self.writable:
            if c.name in self.key and not any(c.name in f[0] for f in self.fks):
                # of a composite key only the first part needs to be new
                out.append(self.key_value(c, rng, fresh and lead))
                lead = False
            else:
                out.append(c.value(rng))
        return out

    def ddl(self):
        parts = []
        for c in self.cols:
            s = '%s %s' % (c.sql, c.type)
            if c.generated:
                s += ' GENERATED ALWAYS AS (%s) STORED' % c.generated
            if c.default:
                s += ' DEFAULT %s' % c.default
            if c.notnull and c.name not in self.key:
                s += ' NOT NULL'
            parts.append(s)
        if self.key:
            parts.append('PRIMARY KEY (%s)%s' % (', '.join(ident(k) for k in self.key),
                                                 ' DEFERRABLE INITIALLY DEFERRED' if self.deferrable else ''))
        for u in self.unique:
            parts.append('UNIQUE (%s)' % ', '.join(ident(k) for k in u))
        for cols, parent, action in self.fks:
            parts.append('FOREIGN KEY (%s) REFERENCES %s%s' % (', '.join(ident(c) for c in cols), parent.sql, action))
        return 'CREATE TABLE %s (\n  %s)' % (self.sql, ',\n  '.join(parts))


class Schema:
    """Tables, helper objects and the DDL that makes them, in order."""

    def __init__(self, rng, big=False, deferred_blocks=True):
        self.rng = rng
        self.big = big              # a round that also loads thousands of rows
        # a server with assertions stops at an exception block in a trigger that runs at COMMIT
        self.deferred_blocks = deferred_blocks
        self.tables = []
        self.ddl = []
        self.used = set()
        self.helpers()
        for i in range(rng.randint(2, 5)):
            self.tables.append(self.make_table(i))
        for t in self.tables:
            self.ddl += trees.plant(rng, t, any(f[1] is t for x in self.tables for f in x.fks))
        self.indexes()
        self.triggers()
        self.fill()

    def name(self, base, odd=0.08):
        """A name not used before in this schema; sometimes one that needs quotes."""
        if self.rng.random() < odd:
            n = self.rng.choice(ODD_NAMES)
            if n not in self.used:
                self.used.add(n)
                return n
        self.used.add(base)
        return base

    def helpers(self):
        self.ddl += [
            "CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')",
            "CREATE DOMAIN small_dom AS int CHECK (VALUE BETWEEN -100 AND 1000)",
            "CREATE DOMAIN word_dom AS text CHECK (length(VALUE) < 50)",
            "CREATE FUNCTION label(n bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'n' || n $$",
            "CREATE FUNCTION bump(n bigint) RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT AS "
            "$$ BEGIN RETURN n * 2 + 1; END $$",
            "CREATE FUNCTION hash_step(s bigint, v bigint) RETURNS bigint LANGUAGE sql IMMUTABLE AS "
            "$$ SELECT (s * (coalesce(v, 3) + 5)) % 1000003 $$",
            "CREATE FUNCTION add_step(s bigint, v bigint) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT AS "
            "$$ SELECT s + v $$",
            "CREATE FUNCTION sub_step(s bigint, v bigint) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT AS "
            "$$ SELECT s - v $$",
            "CREATE FUNCTION show_state(s bigint) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT '<' || s || '>' $$",
            "CREATE AGGREGATE hash_all(bigint) (sfunc = hash_step, stype = bigint, initcond = '7')",
            "CREATE AGGREGATE inv_sum(bigint) (sfunc = add_step, stype = bigint, initcond = '0', "
            "msfunc = add_step, minvfunc = sub_step, mstype = bigint, minitcond = '0', "
            "finalfunc = show_state, mfinalfunc = show_state)",
        ]

    def make_table(self, i):
        rng = self.rng
        t = Table(self.name('t%d' % i), i)
        style = rng.choices(['int', 'bigint', 'text', 'uuid', 'pair', 'none', 'date'],
                            [5, 2, 2, 1, 2, 3, 0.5])[0]
        names = set()

        def add(base, kind, typ=None, **kw):
            n = base
            if rng.random() < 0.06:
                odd = rng.choice(ODD_NAMES)
                if odd not in names:
                    n = odd
            names.add(n)
            c = Column(n, kind, typ or rng.choice(KINDS[kind].types), **kw)
            t.cols.append(c)
            return c

        if style == 'pair':
            a = add('k1', 'int', rng.choice(['int4', 'int8']), notnull=True)
            b = add('k2', *rng.choice([('text', 'text'), ('int', 'int4')]), notnull=True)
            t.key = [a.name, b.name]
        elif style != 'none':
            kind, typ = {'int': ('int', 'int4'), 'bigint': ('int', 'int8'), 'text': ('text', 'text'),
                         'uuid': ('uuid', 'uuid'), 'date': ('date', 'date')}[style]
            t.key = [add('id', kind, typ, notnull=True).name]
            t.deferrable = rng.random() < 0.05

        # columns to join on: the same small domain everywhere
        for j in range(rng.randint(1, 2)):
            add('j%d' % j, 'int', notnull=rng.random() < 0.2, pool=_ints(0, 3) + _ints(0, 6))
        if rng.random() < 0.4:
            add('jt', 'text', 'text')
        kinds = [k for k in KINDS.values() if k.weight]
        for j in range(rng.randint(2, 5)):
            k = rng.choices(kinds, [k.weight for k in kinds])[0]
            c = add('c%d' % j, k.name, notnull=rng.random() < 0.15)
            if rng.random() < 0.1:
                c.default = c.value(rng, null=0)
        if rng.random() < 0.12:
            src = next(c for c in t.cols if c.name.startswith('j') and c.kind == 'int') \
                if any(c.name.startswith('j') and c.kind == 'int' for c in t.cols) else None
            if src:
                add('g', 'int', 'int8', generated='%s * 10 + 1' % src.sql)

        # a foreign key to an earlier table with a one-column key that takes plain values
        parents = [p for p in self.tables if len(p.key) == 1 and not p.deferrable]
        if parents and rng.random() < 0.45:
            p = rng.choice(parents)
            pk = p.col(p.key[0])
            if pk.kind == 'int':
                pool = _ints(0, 13)
            elif pk.kind == 'text':
                pool = [lit('k%d' % n) for n in range(14)]
            elif pk.kind == 'uuid':
                pool = [lit('00000000-0000-0000-0000-%012d' % n) for n in range(14)]
            else:
                pool = ["date '2024-01-01' + %d" % n for n in range(14)]
            c = add('p', pk.kind, pk.type, pool=pool)
            action = rng.choice([' ON DELETE CASCADE ON UPDATE CASCADE', ' ON DELETE SET NULL ON UPDATE CASCADE',
                                 ' ON DELETE CASCADE', ' ON DELETE SET NULL ON UPDATE SET NULL',
                                 ' ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED'])
            t.fks.append(([c.name], p, action))
        if rng.random() < 0.1:
            c = rng.choice(t.nonkey)
            if KINDS[c.kind].order and not t.fks and rng.random() < 0.4:
                t.unique.append([c.name])
        return t

    def indexes(self):
        rng = self.rng
        for t in self.tables:
            for c in t.cols:
                if rng.random() < 0.18 and KINDS[c.kind].order and c.name not in t.key:
                    self.ddl.append('CREATE INDEX ON %s (%s)' % (t.sql, c.sql))

    def triggers(self):
        """Triggers change only tables with a higher number, so they end."""
        rng = self.rng
        n = 0
        for t in self.tables:
            if rng.random() < 0.15:
                n += 1
                self.before_trigger(t, 'tg%d' % n)
            later = self.tables[t.index + 1:]
            if later and rng.random() < 0.22:
                n += 1
                self.after_trigger(t, rng.choice(later), 'tg%d' % n)
        if not self.deferred_blocks and any('EXCEPTION WHEN' in sql for sql in self.ddl):
            self.ddl = [sql.replace(' DEFERRABLE INITIALLY DEFERRED FOR EACH', ' FOR EACH')
                        if sql.startswith('CREATE CONSTRAINT TRIGGER') else sql for sql in self.ddl]

    def before_trigger(self, t, name):
        rng = self.rng
        t.has_before_trigger = True
        c = rng.choice(t.nonkey) if t.nonkey else None
        if c is None:
            return
        v = c.value(rng, null=0)
        body = rng.choice([
            'IF NEW.%s IS NULL THEN NEW.%s := %s; END IF;' % (c.sql, c.sql, v),
            'NEW.%s := coalesce(NEW.%s, %s);' % (c.sql, c.sql, v),
            'IF TG_OP = \'UPDATE\' AND NEW.%s IS NULL THEN RETURN NULL; END IF;' % c.sql,
            'BEGIN IF NEW.%s IS NULL THEN RAISE EXCEPTION \'x\'; END IF; EXCEPTION WHEN raise_exception THEN '
            'NEW.%s := %s; END;' % (c.sql, c.sql, v),
        ])
        self.ddl.append('CREATE FUNCTION %s_f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN %s RETURN NEW; END $$'
                        % (name, body))
        self.ddl.append('CREATE TRIGGER %s BEFORE INSERT OR UPDATE ON %s FOR EACH ROW EXECUTE FUNCTION %s_f()'
                        % (name, t.sql, name))

    def after_trigger(self, t, other, name):
        rng = self.rng
        ints = [c for c in other.nonkey if c.kind == 'int' and not any(c.name in f[0] for f in other.fks)
                and [c.name] not in other.unique]
        actions = []
        if ints:
            c = rng.choice(ints)
            actions.append('UPDATE %s SET %s = (coalesce(%s, 0) + 1) %% 6 WHERE %s IS NULL OR %s < 2;'
                           % (other.sql, c.sql, c.sql, c.sql, c.sql))
        if not other.fks:
            cols = [c for c in other.writable]
            actions.append('INSERT INTO %s (%s) VALUES (%s) ON CONFLICT DO NOTHING;' % (
                other.sql, ', '.join(c.sql for c in cols), ', '.join(other.row(rng, fresh=False)))
                if not other.deferrable else 'NULL;')
        c = rng.choice(other.writable)
        actions.append('DELETE FROM %s WHERE %s = %s;' % (other.sql, c.sql, c.value(rng, null=0))
                       if KINDS[c.kind].order else 'NULL;')
        body = rng.choice(actions)
        if rng.random() < 0.3:
            body = 'BEGIN %s RAISE EXCEPTION \'undo\'; EXCEPTION WHEN raise_exception THEN NULL; END; %s' % (
                body, rng.choice(actions))
        row = rng.random() < 0.5
        deferred = row and rng.random() < 0.15
        guard = ''
        self.ddl.append('CREATE FUNCTION %s_f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN %s%s RETURN NULL; END $$'
                        % (name, guard, body))
        events = rng.choice(['INSERT', 'UPDATE', 'DELETE', 'INSERT OR UPDATE OR DELETE', 'INSERT OR DELETE'])
        self.ddl.append('CREATE %sTRIGGER %s AFTER %s ON %s%s FOR EACH %s EXECUTE FUNCTION %s_f()' % (
            'CONSTRAINT ' if deferred else '', name, events, t.sql,
            ' DEFERRABLE INITIALLY DEFERRED' if deferred else '', 'ROW' if row else 'STATEMENT', name))

    def fill(self):
        """First rows; parents hold the small keys that children refer to."""
        rng = self.rng
        for t in self.tables:
            if rng.random() < 0.08:
                continue
            rows = []
            referenced = any(f[1] is t for x in self.tables for f in x.fks)
            for n in range(14 if referenced else rng.randint(2, 14)):
                r = t.row(rng, fresh=False)
                if len(t.key) == 1 and not any(t.key[0] in f[0] for f in t.fks):
                    pos = [c.name for c in t.writable].index(t.key[0])
                    c = t.col(t.key[0])
                    r[pos] = {'int': str(n), 'text': lit('k%d' % n), 'uuid': lit('00000000-0000-0000-0000-%012d' % n),
                              'date': "date '2024-01-01' + %d" % n}[c.kind]
                rows.append(r)
                if not t.key and rng.random() < 0.3:
                    rows.append(r)
            for f in t.fks:                       # only parents that exist
                if any(p.rows == 0 for p in [f[1]]):
                    for r in rows:
                        for name in f[0]:
                            pos = [c.name for c in t.writable].index(name)
                            if not t.col(name).notnull:
                                r[pos] = 'NULL'
            for r in rows:                        # one by one, so that a failed round can be cut down to few
                self.ddl.append('INSERT INTO %s (%s) VALUES (%s)%s' % (
                    t.sql, ', '.join(c.sql for c in t.writable), ', '.join(r),
                    '' if t.deferrable else ' ON CONFLICT DO NOTHING'))
            t.rows = len(rows)
