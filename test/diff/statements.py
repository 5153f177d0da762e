"""Random statements on the base tables: every way rows get written, transactions, errors, settings."""

import trees
from ddl import DdlMaker
from schema import KINDS, ident, lit
from stmt import Stmt


class StatementMaker(DdlMaker):
    def __init__(self, rng, schema, settings=()):
        self.rng, self.schema = rng, schema
        self.settings = list(settings)  # of the whole round
        self.extra_ddl = ['SET ' + s for s in self.settings]
        self.writable_views = []        # (table, name, columns)
        self.prepared = []              # (name, function making its arguments)
        self.saves = []
        self.txn_left = 0
        self.deferred = False           # some views are
        self.settings_changed = False
        self.loaded = False             # the bulk load of a big round was done
        self.objects = 0                # made by DDL in mid-round
        self.keys_stay = False          # no DDL that takes a key from a view
        self.setup()

    # ---- once per round ----

    def setup(self):
        rng = self.rng
        for t in self.schema.tables:
            if rng.random() < 0.3:
                name = 'up_%d' % t.index
                cols = [c for c in t.cols]
                where = ' WHERE %s' % self.condition(t) if rng.random() < 0.4 else ''
                check = ' WITH CHECK OPTION' if where and rng.random() < 0.3 else ''
                self.extra_ddl.append('CREATE VIEW %s AS SELECT %s FROM %s%s%s' % (
                    name, ', '.join(c.sql for c in cols), t.sql, where, check))
                self.writable_views.append((t, name))
        for i, t in enumerate(self.schema.tables):
            if rng.random() < 0.4:
                n = 'ins_%d' % i
                cols = t.writable
                self.extra_ddl.append('PREPARE %s AS INSERT INTO %s (%s) VALUES (%s)%s' % (
                    n, t.sql, ', '.join(c.sql for c in cols), ', '.join('$%d' % (k + 1) for k in range(len(cols))),
                    '' if t.deferrable else ' ON CONFLICT DO NOTHING'))
                self.prepared.append((n, lambda t=t: t.row(rng)))
            if rng.random() < 0.4 and t.nonkey:
                n = 'upd_%d' % i
                c, w = rng.choice(t.nonkey), rng.choice(t.writable)
                if KINDS[w.kind].order:
                    self.extra_ddl.append('PREPARE %s AS UPDATE %s SET %s = $1 WHERE %s = $2' % (
                        n, t.sql, c.sql, w.sql))
                    self.prepared.append((n, lambda t=t, c=c, w=w: [c.value(rng), self.seek(t, w)]))

    # ---- pieces ----

    def table(self):
        """A table; small ones are as likely as large ones, the full ones less so."""
        return trees.pick(self.rng, self.rng.choice(self.schema.tables))

    def seek(self, t, c):
        """A value that column c may well hold."""
        if c.name in t.key and not any(c.name in f[0] for f in t.fks):
            if c.kind == 'int' and t.fresh > 100 and self.rng.random() < 0.5:
                return str(self.rng.randint(101, t.fresh))
            return t.key_value(c, self.rng, False)
        return c.value(self.rng, null=0)

    def condition(self, t, alias='', narrow=False):
        """A condition on the rows of t."""
        rng = self.rng
        p = alias + '.' if alias else ''
        cols = [c for c in t.cols if KINDS[c.kind].order and c.kind not in ('jsonb',)]
        if not cols:
            return 'true'
        key = [c for c in cols if c.name in t.key]
        if key and (narrow or rng.random() < 0.5):
            return ' AND '.join('%s%s = %s' % (p, c.sql, self.seek(t, c)) for c in key)
        c = rng.choice(cols)
        r = rng.random()
        if r < 0.55:
            s = '%s%s = %s' % (p, c.sql, self.seek(t, c))
        elif r < 0.65:
            s = '%s%s IS NULL' % (p, c.sql)
        elif r < 0.8:
            s = '%s%s IN (%s, %s)' % (p, c.sql, self.seek(t, c), self.seek(t, c))
        else:
            s = '%s%s %s %s' % (p, c.sql, rng.choice(['<', '>', '>=']), self.seek(t, c))
        if narrow or rng.random() < 0.35:
            s += ' AND %s' % self.condition(t, alias)
        return s

    def setters(self, t, alias='', n=None):
        """SET list of an UPDATE."""
        rng = self.rng
        cols = t.nonkey or t.writable
        chosen = rng.sample(cols, min(len(cols), n or rng.choice([1, 1, 2, 3])))
        return ', '.join('%s = %s' % (c.sql, self.new_value(t, c, alias)) for c in chosen)

    def new_value(self, t, c, alias=''):
        rng = self.rng
        p = alias + '.' if alias else ''
        r = rng.random()
        if c.kind == 'int' and c.name not in t.key and not t.unique and not any(c.name in f[0] for f in t.fks):
            if r < 0.3:
                return '%s%s + 1' % (p, c.sql) if rng.random() < 0.3 else '(%s%s + 1) %% 7' % (p, c.sql)
        if c.kind in ('num', 'num2', 'float') and r < 0.3:
            # not -x: minus zero equals zero and looks different
            return '%s%s%s' % ('0 - ' if c.kind == 'float' else '-', p, c.sql)
        if c.kind == 'bool' and r < 0.5:
            return 'NOT %s%s' % (p, c.sql)
        if c.kind == 'text' and r < 0.12 and c.name not in t.key and not any(c.name in f[0] for f in t.fks):
            return 'left(%s%s || %s, 6)' % (p, c.sql, lit(rng.choice(['x', 'é', ''])))
        return c.value(rng)

    @staticmethod
    def cols(t):
        return ', '.join(c.sql for c in t.writable)

    def values(self, t, n, fresh=None):
        return ', '.join('(%s)' % ', '.join(t.row(self.rng, fresh)) for _ in range(n))

    def on_conflict(self, t, p=0.35):
        if t.deferrable or self.rng.random() > p:
            return ''
        if t.key and self.rng.random() < 0.6 and t.nonkey:
            c = self.rng.choice(t.nonkey)
            how = 'excluded.%s' % c.sql if self.rng.random() < 0.6 else c.value(self.rng)
            where = ' WHERE %s' % self.condition(t, t.sql) if self.rng.random() < 0.25 else ''
            return ' ON CONFLICT (%s) DO UPDATE SET %s = %s%s' % (
                ', '.join(ident(k) for k in t.key), c.sql, how, where)
        return ' ON CONFLICT DO NOTHING'

    def returning(self, t):
        return ' RETURNING %s' % self.rng.choice(t.cols).sql if self.rng.random() < 0.08 else ''

    # ---- single statements ----

    def insert(self, t=None):
        t = t or self.table()
        n = self.rng.choice([1, 1, 1, 2, 3, 6])
        full = t.rows > 32
        if full:
            return self.delete(t, wide=True)
        return Stmt('INSERT INTO %s (%s) VALUES %s%s%s' % (
            t.sql, self.cols(t), self.values(t, n), self.on_conflict(t), self.returning(t)), 'insert')

    def insert_default(self):
        t = self.table()
        need = [c for c in t.writable if c.notnull]
        pick = need + [c for c in t.writable if c not in need and self.rng.random() < 0.3]
        row = dict(zip([c.name for c in t.writable], t.row(self.rng)))
        if not pick:
            return Stmt('INSERT INTO %s DEFAULT VALUES' % t.sql, 'insert')
        return Stmt('INSERT INTO %s (%s) VALUES (%s)' % (
            t.sql, ', '.join(c.sql for c in pick), ', '.join(row[c.name] for c in pick)), 'insert')

    def insert_select(self):
        t = self.table()
        if t.rows > 30:
            return self.delete(t, wide=True)
        t.fresh += 10
        parts = []
        for c in t.writable:
            if c.name in t.key and c.kind == 'int' and not any(c.name in f[0] for f in t.fks):
                parts.append('x.%s + %d' % (c.sql, t.fresh))
            elif self.rng.random() < 0.2:
                v = c.value(self.rng)
                parts.append('%s::%s' % ('(%s)' % v, c.type))
            else:
                parts.append('x.%s' % c.sql)
        t.fresh += 60
        return Stmt('INSERT INTO %s (%s) SELECT %s FROM %s x WHERE %s%s' % (
            t.sql, self.cols(t), ', '.join(parts), t.sql, self.condition(t, 'x'),
            '' if t.deferrable else ' ON CONFLICT DO NOTHING'), 'insert select')

    def update(self, t=None, narrow=None):
        t = t or self.table()
        narrow = self.rng.random() < 0.55 if narrow is None else narrow
        only = 'ONLY ' if self.rng.random() < 0.05 else ''
        return Stmt('UPDATE %s%s SET %s WHERE %s%s' % (
            only, t.sql, self.setters(t), self.condition(t, narrow=narrow), self.returning(t)), 'update')

    def update_all(self):
        t = self.table()
        return Stmt('UPDATE %s SET %s' % (t.sql, self.setters(t)), 'update all')

    def update_key(self):
        t = self.table()
        keys = [t.col(k) for k in t.key if t.col(k).kind in ('int', 'text')
                and not any(k in f[0] for f in t.fks)]
        if not keys:
            return self.update(t)
        c = keys[0]
        r = self.rng.random()
        if c.kind == 'int' and r < 0.3:
            t.fresh += 200
            return Stmt('UPDATE %s SET %s = %s + %d WHERE %s' % (t.sql, c.sql, c.sql, t.fresh, self.condition(t)),
                        'update key')
        if c.kind == 'int' and t.deferrable and r < 0.6:
            return Stmt('UPDATE %s SET %s = %s + 1' % (t.sql, c.sql, c.sql), 'update key')
        return Stmt('UPDATE %s SET %s = %s WHERE %s' % (
            t.sql, c.sql, t.key_value(c, self.rng, r < 0.8), self.condition(t, narrow=True)), 'update key')

    def update_noop(self):
        t = self.table()
        c = self.rng.choice(t.writable)
        return Stmt('UPDATE %s SET %s = %s' % (t.sql, c.sql, c.sql), 'update no-op')

    def update_swap(self):
        """Two columns of one kind change places."""
        t = self.table()
        for a in t.nonkey:
            for b in t.nonkey:
                if a is not b and a.type == b.type and a.notnull == b.notnull and a.kind != 'json' \
                        and not any(x.name in f[0] for f in t.fks for x in (a, b)):
                    return Stmt('UPDATE %s SET %s = %s, %s = %s WHERE %s' % (
                        t.sql, a.sql, b.sql, b.sql, a.sql, self.condition(t)), 'update swap')
        return self.update(t)

    def update_from(self):
        t, o = self.table(), self.table()
        pairs = [(a, b) for a in t.cols for b in o.cols if a.kind == b.kind == 'int']
        if not pairs:
            return self.update(t)
        a, b = self.rng.choice(pairs)
        # a constant: which of several matching rows wins would not matter
        return Stmt('UPDATE %s u SET %s FROM %s o WHERE u.%s = o.%s AND %s' % (
            t.sql, self.setters(t, 'u'), o.sql, a.sql, b.sql, self.condition(o, 'o')), 'update from')

    def delete(self, t=None, wide=False):
        t = t or self.table()
        return Stmt('DELETE FROM %s WHERE %s%s' % (
            t.sql, self.condition(t) + (' OR ' + self.condition(t) if wide else ''), self.returning(t)), 'delete')

    def delete_one_of_equal(self):
        t = self.table()
        return Stmt('DELETE FROM %s WHERE ctid = (SELECT min(ctid) FROM %s WHERE %s)' % (
            t.sql, t.sql, self.condition(t)), 'delete by ctid')

    def delete_using(self):
        t, o = self.table(), self.table()
        pairs = [(a, b) for a in t.cols for b in o.cols if a.kind == b.kind == 'int']
        if not pairs:
            return self.delete(t)
        a, b = self.rng.choice(pairs)
        return Stmt('DELETE FROM %s d USING %s o WHERE d.%s = o.%s AND %s AND %s' % (
            t.sql, o.sql, a.sql, b.sql, self.condition(o, 'o', narrow=True), self.condition(t, 'd')), 'delete using')

    def merge(self):
        t = self.table()
        if not t.key or t.deferrable or not t.nonkey:
            return self.insert()
        rows = self.values(t, self.rng.randint(1, 4), fresh=self.rng.random() < 0.4)
        key = [t.col(k) for k in t.key]
        names = [c.sql for c in t.writable]
        first = ', '.join('(%s)::%s' % (v, c.type) for v, c in zip(t.row(self.rng, False), t.writable))
        src = '(SELECT DISTINCT ON (%s) * FROM (SELECT %s UNION ALL SELECT * FROM (VALUES %s) v) y(%s) ORDER BY %s) s' % (
            ', '.join(c.sql for c in key), first, rows, ', '.join(names), ', '.join(c.sql for c in key))
        # a plain VALUES list has no types of its own
        src = src.replace('UNION ALL SELECT * FROM (VALUES %s) v)' % rows,
                          ''.join(' UNION ALL SELECT %s' % ', '.join(
                              '(%s)::%s' % (v, c.type) for v, c in zip(t.row(self.rng), t.writable))
                              for _ in range(self.rng.randint(0, 3))) + ')')
        c = self.rng.choice(t.nonkey)
        matched = self.rng.choice([
            'WHEN MATCHED THEN UPDATE SET %s = s.%s' % (c.sql, c.sql),
            'WHEN MATCHED AND %s THEN DELETE WHEN MATCHED THEN UPDATE SET %s = s.%s' % (
                self.condition(t, 't'), c.sql, c.sql),
            'WHEN MATCHED THEN DELETE',
            'WHEN MATCHED AND %s THEN DO NOTHING WHEN MATCHED THEN DELETE' % self.condition(t, 't')])
        insert = ' WHEN NOT MATCHED THEN INSERT (%s) VALUES (%s)' % (
            self.cols(t), ', '.join('s.' + n for n in names)) if self.rng.random() < 0.7 else ''
        return Stmt('MERGE INTO %s t USING %s ON %s %s%s' % (
            t.sql, src, ' AND '.join('t.%s = s.%s' % (k.sql, k.sql) for k in key), matched, insert), 'merge')

    def copy(self):
        t = self.table()
        cols = [c for c in t.writable]
        lines = []
        for _ in range(self.rng.randint(1, 6)):
            vals = [self.copy_text(v) for v in t.row(self.rng, True)]
            if any(v is None for v in vals):
                return self.insert(t)
            lines.append('\t'.join(vals))
        return Stmt('COPY %s (%s) FROM STDIN' % (t.sql, ', '.join(c.sql for c in cols)), 'copy',
                    copy=''.join(x + '\n' for x in lines))

    @staticmethod
    def copy_text(v):
        """A literal as COPY's text format writes it; None where that takes the server."""
        if v == 'NULL':
            return '\\N'
        if v.startswith("'") and v.endswith("'"):
            return v[1:-1].replace("''", "'").replace('\\', '\\\\')
        if v.replace('.', '', 1).replace('-', '', 1).isdigit() or v in ('true', 'false', '1e3'):
            return v
        return None

    def truncate(self):
        rng = self.rng
        ts = rng.sample(self.schema.tables, 1 if rng.random() < 0.75 else min(2, len(self.schema.tables)))
        return Stmt('TRUNCATE %s%s' % (', '.join(t.sql for t in ts), rng.choice([' CASCADE', ' RESTART IDENTITY CASCADE', ''])),
                    'truncate')

    def refill(self, t):
        return Stmt('INSERT INTO %s (%s) VALUES %s%s' % (
            t.sql, self.cols(t), self.values(t, 6, fresh=False), '' if t.deferrable else ' ON CONFLICT DO NOTHING'),
            'insert')

    def writable_cte(self):
        """One statement that changes two or three tables."""
        rng = self.rng
        makers = [lambda t: self.insert_cte(t), lambda t: self.update(t).sql, lambda t: self.delete(t).sql]
        ts = rng.sample(self.schema.tables, min(len(self.schema.tables), rng.choice([2, 2, 3])))
        parts = []
        for i, t in enumerate(ts[:-1]):
            sql = rng.choice(makers)(t)
            sql = sql.split(' RETURNING ')[0] + ' RETURNING *'
            parts.append('w%d AS (%s)' % (i, sql))
        if rng.random() < 0.35:
            main = 'SELECT count(*) FROM w0'
        else:
            main = rng.choice(makers)(ts[-1]).split(' RETURNING ')[0]
        return Stmt('WITH %s %s' % (', '.join(parts), main), 'writable cte')

    def insert_cte(self, t):
        return 'INSERT INTO %s (%s) VALUES %s%s' % (
            t.sql, self.cols(t), self.values(t, self.rng.randint(1, 3)), '' if t.deferrable else ' ON CONFLICT DO NOTHING')

    def insert_from_view(self, views):
        """Rows computed from a view: it is read and maintained in one statement."""
        t = self.table()
        ints = [c for c in t.nonkey if c.kind == 'int' and not any(c.name in f[0] for f in t.fks) and not t.unique]
        pick = [v for v in views if not v.plain]
        if not ints or not pick or t.rows > 30:
            return self.update()
        v, c = self.rng.choice(pick), self.rng.choice(ints)
        return Stmt('UPDATE %s SET %s = (SELECT count(*) FROM %s) %% 7 WHERE %s' % (
            t.sql, c.sql, v.sql_name, self.condition(t)), 'write from view', reads_view=True)

    def through_view(self):
        if not self.writable_views:
            return self.update()
        t, name = self.rng.choice(self.writable_views)
        r = self.rng.random()
        if r < 0.35:
            s = self.insert(t) if t.rows <= 32 else self.delete(t)
        elif r < 0.75:
            s = self.update(t)
        else:
            s = self.delete(t)
        for verb in ('INSERT INTO ', 'UPDATE ONLY ', 'UPDATE ', 'DELETE FROM '):
            if s.sql.startswith(verb + t.sql + ' '):
                rest = s.sql[len(verb + t.sql):]
                rest = rest.split(' ON CONFLICT')[0]
                return Stmt(verb.replace('ONLY ', '') + name + rest, 'through view')
        return s

    def do_block(self):
        """Several statements in plpgsql, maybe in a loop, maybe with an inner abort."""
        rng = self.rng
        body = [self.inner_dml() for _ in range(rng.randint(1, 3))]
        text = ' '.join('%s;' % b for b in body)
        r = rng.random()
        if r < 0.3:
            text = 'FOR i IN 1..%d LOOP %s END LOOP;' % (rng.randint(2, 4), text)
        elif r < 0.7:
            inner = self.inner_dml()
            how = rng.choice(["RAISE EXCEPTION 'inner';", 'PERFORM 1 / 0;', ''])
            after = '%s;' % self.inner_dml() if rng.random() < 0.5 else ''
            text = '%s BEGIN %s; %s EXCEPTION WHEN others THEN %s NULL; END;' % (text, inner, how, after)
        elif r < 0.78:
            t = self.table()
            text = 'FOR r IN SELECT * FROM %s WHERE %s LOOP %s END LOOP;' % (t.sql, self.condition(t), text)
            text = 'DECLARE r record; BEGIN %s END;' % text
        elif r < 0.86:
            t = self.table()
            text = 'DECLARE c CURSOR FOR SELECT * FROM %s WHERE %s FOR UPDATE; BEGIN FOR r IN c LOOP ' \
                   'UPDATE %s SET %s WHERE CURRENT OF c; END LOOP; END;' % (
                       t.sql, self.condition(t), t.sql, self.setters(t))
        elif r < 0.92:
            text += " EXECUTE %s;" % lit(self.inner_dml())
        return Stmt('DO $do$ BEGIN %s END $do$' % text, 'do block')

    def committing_block(self):
        text = ' '.join('%s; %s;' % (self.inner_dml(),
                                     self.rng.choice(['COMMIT', 'COMMIT', 'ROLLBACK'])) for _ in range(2))
        return Stmt('DO $do$ BEGIN %s %s; END $do$' % (text, self.inner_dml()),
                    'do with commit')

    def plain_dml(self):
        return self.rng.choice([self.insert, self.update, self.update, self.delete, self.insert_default,
                                self.update_key, self.writable_cte])()

    def inner_dml(self):
        """A statement as plpgsql takes it: without a result."""
        s = self.plain_dml()
        if s.kind == 'writable cte':
            return s.sql if ') SELECT count(*) FROM w0' not in s.sql else self.inner_dml()
        return s.sql.split(' RETURNING ')[0]

    def execute_prepared(self):
        if not self.prepared:
            return self.update()
        n, args = self.rng.choice(self.prepared)
        return Stmt('EXECUTE %s (%s)' % (n, ', '.join(args())), 'execute')

    def explain_analyze(self):
        s = self.plain_dml()
        return Stmt('EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) ' + s.sql, 'explain analyze')

    def failing(self):
        """A statement that fails after having changed rows."""
        rng = self.rng
        t = self.table()
        r = rng.random()
        num = [c for c in t.nonkey if c.kind == 'int']
        if r < 0.35 and t.key:
            row = t.row(rng, False)
            return Stmt('INSERT INTO %s (%s) VALUES (%s), (%s)' % (
                t.sql, self.cols(t), ', '.join(row), ', '.join(row)), 'failing')
        if r < 0.6 and num:
            return Stmt('UPDATE %s SET %s = 1 / (%s - %s)' % (t.sql, num[0].sql, num[0].sql, num[0].value(rng, 0)),
                        'failing')
        other = self.table()
        body = '%s; UPDATE %s SET %s;' % (self.inner_dml(), other.sql, self.setters(other))
        return Stmt("DO $do$ BEGIN %s RAISE EXCEPTION USING ERRCODE = '22000', MESSAGE = 'meant'; END $do$" % body,
                    'failing')

    def bulk(self):
        """Thousands of rows at once, gone again some statements later."""
        t = self.table()
        parts = []
        base = 100000
        for c in t.writable:
            if c.name in t.key and not any(c.name in f[0] for f in t.fks):
                if c.kind == 'int':
                    parts.append('%d + n' % base)
                elif c.kind == 'text':
                    parts.append("'bulk' || n")
                elif c.kind == 'uuid':
                    parts.append("md5(n::text)::uuid")
                else:
                    parts.append("date '2050-01-01' + n")
            elif any(c.name in f[0] for f in t.fks):
                parts.append('NULL::%s' % c.type if not c.notnull else c.value(self.rng, 0))
            else:
                vals = [c.value(self.rng, null=0) for _ in range(3)] + ([] if c.notnull else ['NULL'])
                parts.append('(ARRAY[%s]::text[])[1 + (n * %d) %% %d]::%s' % (
                    ', '.join('(%s)::%s::text' % (v, c.type) if v != 'NULL' else v for v in vals),
                    self.rng.choice([1, 3, 7]), len(vals), c.type)
                    if c.kind not in ('intarr', 'json', 'jsonb') else '(%s)::%s' % (vals[0], c.type))
        self.loaded = True
        return Stmt('INSERT INTO %s (%s) SELECT %s FROM generate_series(1, 2000) n%s' % (
            t.sql, self.cols(t), ', '.join(parts), '' if t.deferrable else ' ON CONFLICT DO NOTHING'), 'bulk insert')

    def unload(self):
        """Bring the large tables back to a few rows."""
        t = max(self.schema.tables, key=lambda x: x.rows)
        self.loaded = False
        if self.rng.random() < 0.5:
            return Stmt('DELETE FROM %s WHERE ctid <> ALL (ARRAY(SELECT ctid FROM %s ORDER BY ctid LIMIT 8))' % (
                t.sql, t.sql), 'bulk delete')
        return Stmt('TRUNCATE %s CASCADE' % t.sql, 'truncate')

    def setting(self):
        rng = self.rng
        self.settings_changed = True
        return Stmt('SET %s' % rng.choice([
            "TimeZone = 'America/New_York'", "TimeZone = 'Asia/Kolkata'", "DateStyle = 'German'",
            "DateStyle = 'SQL, DMY'", "IntervalStyle = 'iso_8601'", 'extra_float_digits = -3', "bytea_output = 'escape'",
            'enable_seqscan = off', 'enable_hashagg = off', 'enable_nestloop = off', 'enable_hashjoin = off',
            'default_transaction_isolation = "repeatable read"', 'array_nulls = off',
        ]), 'setting')

    def reset(self):
        return Stmt('; '.join(['RESET ALL'] + ['SET ' + s for s in self.settings]), 'setting')

    # ---- the stream ----

    WEIGHTED = [(insert, 16), (insert_default, 3), (insert_select, 4), (update, 17), (update_all, 3), (update_key, 5),
                (update_noop, 3), (update_swap, 2), (update_from, 4), (delete, 8), (delete_one_of_equal, 3),
                (delete_using, 2), (merge, 5), (copy, 4), (truncate, 1.0), (writable_cte, 8), (through_view, 4),
                (do_block, 8), (execute_prepared, 6), (explain_analyze, 1.5), (failing, 4)]

    def write(self, views):
        """One writing statement."""
        rng = self.rng
        big = [t for t in self.schema.tables if t.rows > 300]
        if big:
            if rng.random() < 0.25:
                return self.unload()
        elif self.schema.big and rng.random() < 0.06:
            return self.bulk()
        over = [t for t in self.schema.tables if 50 < t.rows <= 300]
        if over and rng.random() < 0.5:
            return self.delete(rng.choice(over), wide=True)
        empty = [t for t in self.schema.tables if t.rows == 0]
        if empty and rng.random() < 0.3:
            return self.refill(rng.choice(empty))
        if rng.random() < 0.015:
            return self.insert_from_view(views)
        grown = [t for t in self.schema.tables if t.leaves]
        if grown and not self.keys_stay and rng.random() < 0.02:
            return Stmt(rng.choice(trees.ddl(rng, rng.choice(grown))), 'partition ddl')
        f = rng.choices([f for f, _ in self.WEIGHTED], [w for _, w in self.WEIGHTED])[0]
        return f(self)

    def mode(self, view, mode=None):
        """Change when a view is maintained."""
        mode = mode or self.rng.choice(['immediate', 'deferred'])
        if view.plain:
            return Stmt('SELECT 1', 'mode')
        return Stmt("SELECT tview.set(%s, '%s')" % (lit(view.sql_name), mode), 'mode')

    def next(self, status, views):
        """The next statements to send, in order; status is 'idle', 'open' or 'failed'."""
        rng = self.rng
        if status == 'idle':
            self.saves = []
            if rng.random() < (0.2 if self.deferred else 0.075):
                self.txn_left = rng.randint(2, 9)
                level = rng.choice([''] * 5 + [' ISOLATION LEVEL REPEATABLE READ', ' ISOLATION LEVEL SERIALIZABLE'])
                lazy = rng.choice([None, 'all', 'all', 'one']) if self.deferred else None
                if lazy:
                    self.txn_left += rng.randint(0, 6)
                out = [Stmt('BEGIN' + level, 'begin', txn='begin', lazy=lazy)]
                if rng.random() < 0.12:
                    out.append(Stmt('SET LOCAL session_replication_role = replica', 'replica role', txn='set'))
                elif rng.random() < 0.1:
                    out.append(Stmt('SET CONSTRAINTS ALL DEFERRED', 'set constraints', txn='set'))
                return out
            if rng.random() < 0.02 and not self.settings_changed:
                return [Stmt('-- the other session', 'session')]
            if rng.random() < 0.012 and not self.settings_changed:
                return [self.setting()]
            if self.settings_changed and rng.random() < 0.12:
                self.settings_changed = False
                return [self.reset()]
            if rng.random() < 0.01:
                return [self.committing_block()]
            return [self.write(views)]
        if status == 'failed':
            if self.saves and rng.random() < 0.9:
                name = self.saves[-1]
                return [Stmt('ROLLBACK TO %s' % name, 'rollback to', txn='back')]
            self.saves = []
            return [Stmt('ROLLBACK', 'rollback', txn='end')]
        self.txn_left -= 1
        if self.txn_left <= 0:
            self.saves = []
            if rng.random() < 0.08:
                return [Stmt("PREPARE TRANSACTION 'diff'", 'prepared transaction', txn='end'),
                        Stmt("%s PREPARED 'diff'" % ('ROLLBACK' if rng.random() < 0.4 else 'COMMIT'),
                             'prepared transaction')]
            return [Stmt('ROLLBACK' if rng.random() < 0.3 else 'COMMIT', 'end', txn='end')]
        r = rng.random()
        if r < 0.14:
            name = 's%d' % (len(self.saves) + 1)
            self.saves.append(name)
            return [Stmt('SAVEPOINT %s' % name, 'savepoint', txn='save')]
        if r < 0.26 and self.saves:
            i = rng.randrange(len(self.saves))
            name = self.saves[i]
            del self.saves[i + 1:]
            return [Stmt('ROLLBACK TO %s' % name, 'rollback to', txn='back')]
        if r < 0.34 and self.saves:
            i = rng.randrange(len(self.saves))
            name = self.saves[i]
            del self.saves[i:]
            return [Stmt('RELEASE %s' % name, 'release', txn='save')]
        if rng.random() < 0.03:
            return [Stmt('SET CONSTRAINTS ALL IMMEDIATE', 'set constraints', txn='set')]
        if self.deferred and views and rng.random() < 0.03:
            return [self.mode(rng.choice(views))]
        return [self.write(views)]
