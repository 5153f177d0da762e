"""Subqueries in expressions: EXISTS, IN, ANY, ALL, scalar and ARRAY subqueries, JSON documents."""

from exprs import Col, ONE_CLOSE, ONE_OPEN
from schema import KINDS, lit

SCALAR_KINDS = ['int', 'int', 'text', 'num2', 'date', 'bool', 'enum', 'uuid']
COMPARED = ['int', 'int', 'int', 'text', 'num2', 'num', 'date', 'ts', 'enum', 'uuid', 'dom', 'char', 'float', 'num0']


class SubqueryMaker:
    """Mixed into ViewMaker.  self.outer: a list of columns for each query around the one being written."""

    # ---- the queries around ----

    def may_sub(self, place, p):
        """Shall there be a subquery in an expression at this place?"""
        if self.budget <= 0 or len(self.outer) > 3 or self.rng.random() >= p:
            return False
        if place == 'aggregate' and self.outer:
            return False                # an aggregate over columns of an outer query alone belongs to that
        construct = 'subquery in ' + place
        if not self.want(construct, 1.0):
            return False
        self.budget -= 1
        return True

    def some_outer(self):
        """Columns of the queries around, for an expression inside."""
        if not self.outer or self.rng.random() < 0.6:
            return []
        level = self.outer[-1] if self.rng.random() < 0.7 else self.rng.choice(self.outer)
        return self.rng.sample(level, min(len(level), 2))

    def correlation(self, cols):
        """A condition between the query being written and one around it."""
        rng = self.rng
        level = self.outer[-1]
        if len(self.outer) > 1 and rng.random() < 0.3:
            level = rng.choice(self.outer[:-1])
            self.feat.add('correlated over levels')
        if not level:
            return 'true'
        self.feat.add('correlated')
        return self.placed('WHERE', self.join_pred, level, cols)

    def inside(self, cols, make, *args):
        """What make() gives, with cols as the columns of the query around it."""
        self.outer.append([c for c in self.decisive(cols) if c.short])
        try:
            return make(*args)
        finally:
            self.outer.pop()

    # ---- predicates ----

    def pred_sub(self, cols):
        """A boolean expression with a subquery over cols."""
        return self.inside(cols, self.make_pred_sub, [c for c in cols if c.short])

    def make_pred_sub(self, cols):
        rng = self.rng
        r = rng.random()
        if r < 0.42:
            no = 'NOT ' if rng.random() < 0.45 else ''
            self.feat.add((no + 'exists').lower())
            return '%sEXISTS (%s)' % (no, self.exists_body())
        x = self.e.of(cols, *COMPARED)
        if x is None:
            return 'EXISTS (%s)' % self.exists_body()
        if r < 0.7:
            return self.in_sub(cols, x)
        if r < 0.8:
            op, how = rng.choice(['=', '<', '>=', '<>', '>']), rng.choice(['ANY', 'ALL', 'SOME'])
            self.feat.add('any, all')
            return '%s %s %s (%s)' % (x.sql, op, how, self.column_body([x.kind]))
        self.feat.add('compared scalar subquery')
        op = rng.choice(['=', '<', '>', '<=', '<>', 'IS DISTINCT FROM', 'IS NOT DISTINCT FROM'])
        return '%s %s (%s)' % (x.sql, op, self.single_body(x.kind))

    def in_sub(self, cols, x):
        rng = self.rng
        no = 'NOT ' if rng.random() < 0.45 else ''
        self.feat.add((no + 'in').lower())
        y = self.e.of([c for c in cols if c is not x], *COMPARED)
        if y is not None and rng.random() < 0.2:
            return '(%s, %s) %sIN (%s)' % (x.sql, y.sql, no, self.column_body([x.kind, y.kind]))
        left = x.sql
        if x.kind == 'int' and rng.random() < 0.2:
            left = '(%s + 1)' % left
        if no and rng.random() < 0.2:
            return 'NOT (%s IN (%s))' % (left, self.column_body([x.kind]))
        return '%s %sIN (%s)' % (left, no, self.column_body([x.kind]))

    def exists_body(self):
        rng = self.rng
        r = rng.random()
        if r < 0.3:
            q = self.any_query(rng.choice([0, 0, 1]))
            self.extra.update(q.occurs)
            return q.sql
        text, cols, where, occurs = self.simple_from()
        self.extra.update(occurs)
        sel = rng.choice(['', '1', '*', 'NULL', cols[0].sql])
        sql = 'SELECT %s FROM %s%s' % (sel, text, self.where(where))
        if rng.random() < 0.1:
            by = self.e.of(cols, 'int', 'text', 'bool')
            sql = 'SELECT FROM %s%s%s HAVING %s' % (
                text, self.where(where), ' GROUP BY ' + by.sql if by else '', self.e.having(cols))
        return sql

    def simple_from(self):
        """FROM clause of one or two items: (text, columns, WHERE conditions, base tables read)."""
        items = self.pick_items(self.rng.choice([1, 1, 1, 2]), self.rng.choice([0, 0, 1]))
        text, cols, where = self.from_clause(items)
        return text, cols, where, self.occurs(items)

    def of_kind(self, cols, kind):
        """An expression of this kind over cols: SQL."""
        c = self.e.of(cols, kind)
        for _ in range(3 if self.rng.random() < 0.25 else 0):
            e = self.e.expr(cols, 1)
            if e.kind == kind:
                return e.sql
        if c is not None:
            return c.sql
        values = KINDS[kind].values
        v = self.rng.choice(values) if values and self.rng.random() < 0.8 else 'NULL'
        return '(%s)::%s' % (v, self.CAST.get(kind, KINDS[kind].types[0]))

    def column_body(self, kinds):
        """A query with columns of exactly these kinds."""
        rng = self.rng
        r = rng.random()
        if r < 0.15:
            q = self.any_query(rng.choice([0, 1]))
            self.extra.update(q.occurs)
            a = self.alias(0)
            cols = [Col('%s.%s' % (a, n), k, a, None, n) for n, k in q.cols]
            return 'SELECT %s FROM (%s) %s' % (', '.join(self.of_kind(cols, k) for k in kinds), q.sql, a)
        if r < 0.2 and len(kinds) == 1:
            call = self.set_output(self.outer[-1], kinds[0])
            if call:
                return 'SELECT ' + call
        text, cols, where, occurs = self.simple_from()
        self.extra.update(occurs)
        parts = ', '.join(self.of_kind(cols, k) for k in kinds)
        if r > 0.9 and len(kinds) == 1:
            parts = self.set_output(cols, kinds[0]) or parts
        sql = 'SELECT %s%s FROM %s%s' % ('DISTINCT ' if r < 0.25 else '', parts, text, self.where(where))
        if r < 0.3 and r > 0.25:
            parts = [self.e.of(cols, k) for k in kinds]
            if all(parts):
                names = ', '.join(c.sql for c in parts)
                sql = 'SELECT %s FROM %s%s GROUP BY %s HAVING %s' % (names, text, self.where(where), names,
                                                                    self.e.having(cols))
        elif r > 0.95 and self.want('limit', 1.0):
            sql += self.limit(cols, [c for c in cols if c.short])
        return sql

    def set_output(self, cols, kind):
        """A set-returning function over cols, of rows of this kind: SQL or None."""
        for _ in range(4):
            call, found = self.function_call(cols)
            if found == kind:
                self.feat.add('set in the output of a subquery')
                return call
        return None

    # ---- values ----

    def scalar_sub(self, cols):
        """A subquery as a value over cols: Col or None."""
        rng = self.rng
        r = rng.random()
        if r < 0.1:
            return Col('(%s)' % self.inside(cols, self.make_pred_sub, [c for c in cols if c.short]), 'bool')
        if r < 0.25 and self.want('array subquery', 0.6):
            sql, kind = self.inside(cols, self.array_body)
            return Col('ARRAY(%s)' % sql, kind)
        if r < 0.45:
            return self.inside(cols, self.document)
        if r < 0.8:
            sql, kind = self.inside(cols, self.aggregate_body)
        else:
            kind = rng.choice(SCALAR_KINDS)
            sql = self.inside(cols, self.single_body, kind)
        self.feat.add('scalar subquery')
        return Col('(%s)' % sql, kind)

    def aggregate_body(self):
        """One aggregate over a FROM clause: (SQL, kind)."""
        rng = self.rng
        if rng.random() < 0.15:
            q = self.any_query(rng.choice([0, 1]))
            self.extra.update(q.occurs)
            return 'SELECT count(*) FROM (%s) %s' % (q.sql, self.alias(0)), 'int'
        text, cols, where, occurs = self.simple_from()
        self.extra.update(occurs)
        a = self.e.over_aggregates(cols) if rng.random() < 0.15 else self.e.aggregate(cols)
        sql = 'SELECT %s FROM %s%s' % (a.sql, text, self.where(where))
        if rng.random() < 0.12:
            sql += ' HAVING ' + self.e.having(cols)
        return sql, a.kind

    def single_body(self, kind):
        """A query of one column of this kind and one row at most, or one that fails with more."""
        rng = self.rng
        r = rng.random()
        if kind == 'int' and self.want('recursion over outer columns', 0.25):
            sql = self.outer_recursion()
            if sql:
                return sql
        if kind == 'int' and self.want('hypothetical set in a subquery', 0.1):
            text, cols, where, occurs = self.simple_from()
            self.extra.update(occurs)
            c, x = self.e.of(cols, 'int'), self.e.of(self.outer[-1], 'int')
            if c:
                return 'SELECT %s(%s) WITHIN GROUP (ORDER BY %s) FROM %s%s' % (
                    rng.choice(['rank', 'dense_rank']), x.sql if x and rng.random() < 0.5 else rng.randint(0, 3), c.sql,
                    text, self.where(where))
        if r < 0.35 and kind in ('int', 'text', 'num2', 'date', 'ts', 'enum', 'float', 'num0', 'char'):
            text, cols, where, occurs = self.simple_from()
            self.extra.update(occurs)
            f = rng.choice(['min', 'max', 'sum' if kind in ('num2', 'num0', 'float') else 'max'])
            return 'SELECT %s(%s) FROM %s%s' % (f, self.of_kind(cols, kind), text, self.where(where))
        if r < 0.65:
            sql = self.by_key(kind)
            if sql:
                return sql
        if r < 0.9 and self.want('limit', 1.0):
            text, cols, where, occurs = self.simple_from()
            self.extra.update(occurs)
            return 'SELECT %s FROM %s%s ORDER BY %s LIMIT 1' % (
                self.of_kind(cols, kind), text, self.where(where), self.total_order(cols, [c for c in cols if c.short]))
        if r < 0.95 and self.hazards and kind in ('int', 'text', 'num2', 'date') and self.one_allowed():
            text, cols, where, occurs = self.simple_from()
            self.extra.update(occurs)
            return 'SELECT %s%s%s FROM %s%s' % (ONE_OPEN, self.of_kind(cols, kind), ONE_CLOSE, text, self.where(where))
        return 'SELECT %s' % self.of_kind(self.outer[-1] or [Col('1', 'int')], kind)

    def outer_recursion(self):
        """What can be reached from a column of the query around: SQL or None."""
        rng = self.rng
        x = self.e.of(self.outer[-1], 'int')
        edges = [(r, [n for n, k in r.cols if k == 'int']) for r in self.base]
        edges = [(r, n) for r, n in edges if n]
        if x is None or not edges:
            return None
        rel, ints = rng.choice(edges)
        self.aliases += 1
        name = 'r%d' % self.aliases
        self.extra.update(rel.occurs)
        return 'WITH RECURSIVE %s(x) AS (SELECT %s::int8 UNION SELECT e.%s::int8 FROM %s e JOIN %s r ON e.%s = r.x) ' \
            'SELECT %s FROM %s' % (name, x.sql, rng.choice(ints), rel.ref, name, rng.choice(ints),
                                   rng.choice(['count(*)', 'max(x)', 'min(x)', 'count(x)']), name)

    def one_allowed(self):
        """A subquery that may give more rows than one: rarely, for it stops statements."""
        self.one_hazard = True
        self.feat.add('more than one row')
        return True

    def by_key(self, kind):
        """A look-up by the primary key: SQL or None."""
        rng = self.rng
        outer = self.outer[-1]
        fits = []
        for t in self.schema.tables:
            if t.key and not t.deferrable:
                keys = [t.col(k) for k in t.key]
                if all(self.e.of(outer, k.kind) for k in keys) and any(c.kind == kind for c in t.cols):
                    fits.append((t, keys))
        if not fits:
            return None
        t, keys = rng.choice(fits)
        t.pinned = True                 # without its key the subquery might give more rows than one
        a = self.alias(0)
        rel = next(b for b in self.base if b.table is t)
        self.extra.update(rel.occurs)
        cols = self.columns(a, rel)
        conds = ['%s.%s = %s' % (a, k.sql, self.e.of(outer, k.kind).sql) for k in keys]
        if rng.random() < 0.3:
            conds.append(self.placed('WHERE', self.e.pred, cols + self.some_outer(), 1))
        self.feat.add('scalar subquery by key')
        return 'SELECT %s FROM %s %s%s' % (self.of_kind(cols, kind), t.sql, a, self.where(conds))

    def array_body(self):
        rng = self.rng
        text, cols, where, occurs = self.simple_from()
        self.extra.update(occurs)
        kind = rng.choice(['int', 'text'])
        cast, array = ('int', 'intarr') if kind == 'int' else ('text', 'textarr')
        if rng.random() < 0.15:
            call = self.set_output(cols, kind)
            if call:
                return 'SELECT (%s)::%s FROM %s%s ORDER BY 1' % (call, cast, text, self.where(where)), array
        sql = 'SELECT (%s)::%s FROM %s%s ORDER BY %s' % (
            self.of_kind(cols, kind), cast, text, self.where(where), self.total_order(cols))
        if rng.random() < 0.2 and self.want('limit', 1.0):
            sql += ' LIMIT %d' % rng.randint(1, 3)
        return sql, array

    # ---- documents ----

    def document(self, depth=2):
        """A JSON array of the related rows, with arrays of the rows related to those: Col."""
        rng = self.rng
        if not self.want('document', 1.0):
            return Col('(SELECT 1)', 'int')
        text, cols, where, occurs = self.simple_from()
        self.extra.update(occurs)
        shown = [c for c in cols if c.short]
        fields = [(c.short, c.sql) for c in rng.sample(shown, min(len(shown), rng.randint(1, 3)))]
        if depth and rng.random() < 0.6 and len(self.outer) < 4 and sum(self.extra.values()) < self.limit_of:
            fields.append(('nested', self.inside(cols, self.document, depth - 1).sql))
        elif rng.random() < 0.3:
            fields.append(('more', self.e.expr(cols, 1).sql))
        body = 'jsonb_build_object(%s)' % ', '.join('%s, %s' % (lit('k%d %s' % (i, n)), v) for i, (n, v) in enumerate(fields))
        if rng.random() < 0.12 and fields:
            body = fields[0][1]
        call = 'jsonb_agg(%s ORDER BY %s)' % (body, self.total_order(cols))
        if rng.random() < 0.4:
            call = "coalesce(%s, '[]')" % call
        return Col('(SELECT %s FROM %s%s)' % (call, text, self.where(where)), 'jsonbf')

    def documents(self, items):
        """One document for each row of a FROM clause."""
        rng = self.rng
        text, cols, where = self.from_clause(items)
        shown = rng.sample([c for c in cols if c.short], min(2, len([c for c in cols if c.short])))
        if not shown:
            return self.linear(items)
        parts = ', '.join('%s, %s' % (lit('k%d' % i), c.sql) for i, c in enumerate(shown))
        parts += ", 'items', " + self.inside(cols, self.document).sql
        if rng.random() < 0.3:
            parts += ", 'other', " + self.inside(cols, self.document, 0).sql
        keys = [c for c in cols if c.base is not None and c.base.name in ('id', 'k1', 'k2')]
        sel, out = self.outputs(keys + [Col('jsonb_build_object(%s)' % parts, 'jsonbf')])
        return self.query('SELECT %s FROM %s%s' % (sel, text, self.where(where)), out, self.occurs(items))
