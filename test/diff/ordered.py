"""What depends on an order of rows: windows, DISTINCT ON, LIMIT.

Every order that decides something is total, up to rows that are equal in all columns: it ends with
all columns of the FROM clause, and their images.  Two windows that tell such rows apart would still
be free to number them differently, so a query has one at most.
"""

from exprs import Col
from schema import KINDS
from selects import Query


class OrderedMaker:
    """Mixed into ViewMaker."""

    def total_order(self, cols, lead=None):
        """ORDER BY list that leaves only equal rows undecided; lead: begin with some of these."""
        rng = self.rng
        first = []
        if lead is not None:
            first = [c.sql + self.e.direction() for c in rng.sample(lead, min(len(lead), rng.choice([1, 1, 2])))
                     if KINDS[c.kind].order]
        key = self.unique_columns(cols)
        return ', '.join(first + [self.e.sort_all(key or [c for c in cols if c.short])])

    def unique_columns(self, cols):
        """The primary key of the only table among cols, now and then, instead of all columns."""
        tables = {c.table for c in cols if c.short}
        rels = [c.base for c in cols]
        if len(tables) != 1 or any(b is None for b in rels) or self.rng.random() < 0.4:
            return None
        for t in self.schema.tables:
            if t.key and not t.deferrable and all(any(b is x for x in t.cols) for b in rels):
                t.pinned = True                     # its key stays
                return [c for c in cols if c.base.name in t.key]
        return None

    # ---- LIMIT, DISTINCT ON ----

    def limited(self, items):
        """ORDER BY ... LIMIT, over a FROM clause or a whole query."""
        rng = self.rng
        self.feat.add('limit')
        if rng.random() < 0.3:
            q = self.any_query(0)
            a = self.alias(0)
            cols = [Col('%s.%s' % (a, n), k, a, None, n) for n, k in q.cols]
            sql = 'SELECT * FROM (%s) %s' % (q.sql, a)
            return Query(sql + self.limit(cols, cols), q.cols, q.occurs)
        text, cols, where = self.from_clause(items)
        keys = [c for c in cols if c.base is not None and c.base.name in ('id', 'k1', 'k2')]
        exprs = (keys if rng.random() < 0.5 else []) + self.some(cols + self.some_outer(), 1, 4)
        sel, out = self.outputs(exprs)
        sql = 'SELECT %s FROM %s%s' % (sel, text, self.where(where))
        return Query(sql + self.limit(cols, [c for c in cols if c.short]), out, self.occurs(items))

    def limit(self, cols, lead):
        rng = self.rng
        n = rng.choice([1, 1, 2, 3, 5, 0])
        sortable = [c for c in lead if KINDS[c.kind].order]
        if sortable and self.want('with ties', 0.2):
            order = ', '.join(c.sql + self.e.direction() for c in rng.sample(sortable, min(len(sortable), rng.choice([1, 2]))))
            return ' ORDER BY %s FETCH FIRST %d ROWS WITH TIES' % (order, max(n, 1))
        sql = ' ORDER BY ' + self.total_order(cols, lead)
        r = rng.random()
        if r < 0.15:
            return sql + ' OFFSET %d' % rng.randint(1, 3)
        if r < 0.3:
            return sql + ' LIMIT %d OFFSET %d' % (n, rng.randint(0, 3))
        return sql + rng.choice([' LIMIT %d', ' LIMIT %d', ' FETCH FIRST %d ROWS ONLY']) % n

    def distinct_on(self, items):
        rng = self.rng
        text, cols, where = self.from_clause(items)
        sortable = [c for c in cols if c.short and KINDS[c.kind].order]
        if not sortable:
            return self.linear(items)
        self.feat.add('distinct on')
        keys = [c.sql for c in rng.sample(sortable, min(len(sortable), rng.choice([1, 1, 2])))]
        if rng.random() < 0.15:
            e = self.placed('GROUP BY', self.e.expr, cols, 1)
            if KINDS[e.kind].order and KINDS[e.kind].key:
                keys[0] = '(%s)' % e.sql
        exprs = [c for c in sortable if c.sql in keys and rng.random() < 0.85]
        exprs += self.some(cols + self.some_outer(), 1, 4)
        sel, out = self.outputs(exprs)
        sql = 'SELECT DISTINCT ON (%s) %s FROM %s%s ORDER BY %s, %s' % (
            ', '.join(keys), sel, text, self.where(where),
            ', '.join(k + self.e.direction() for k in keys), self.total_order(cols, sortable))
        if rng.random() < 0.1 and self.want('limit', 1.0):
            sql += ' LIMIT %d' % rng.randint(1, 4)
        return Query(sql, out, self.occurs(items))

    # ---- windows ----

    def windowed(self, items):
        rng = self.rng
        text, cols, where = self.from_clause(items)
        usable = [c for c in cols if c.short]
        if not usable:
            return self.linear(items)
        self.feat.add('window')
        total = self.total_order(cols, usable)
        part = self.partition(usable)
        named = rng.random() < 0.3
        total_w = '%sORDER BY %s' % (part, total)
        exprs = self.some(cols, 0, 3)
        keys = [c for c in cols if c.base is not None and c.base.name in ('id', 'k1', 'k2')]
        if rng.random() < 0.5:
            exprs = keys + exprs
        made = []
        for _ in range(rng.choice([1, 1, 2, 3])):
            if rng.random() < 0.6:
                made.append(self.positional(usable, 'w' if named else '(%s)' % total_w, total_w))
            else:
                made.append(self.peerwise(usable))
        for i, c in enumerate(made):
            if c.kind == 'int' and rng.random() < 0.15:
                made[i] = Col('coalesce(%s, 0) + 1' % c.sql, 'int')
        sel, out = self.outputs(exprs + made)
        sql = 'SELECT %s FROM %s%s' % (sel, text, self.where(where))
        if named and any(' OVER w' in c.sql or '(w ' in c.sql for c in made):
            sql += ' WINDOW w AS (%s)' % total_w
        ints = [n for n, k in out if k == 'int']
        if ints and rng.random() < 0.3:
            # the usual top n of each group
            self.feat.add('window filtered')
            sql = 'SELECT * FROM (%s) w WHERE w.%s <= %d' % (sql, rng.choice(ints[-2:]), rng.randint(1, 3))
        return Query(sql, out, self.occurs(items))

    def partition(self, cols):
        rng = self.rng
        some = [c for c in cols if KINDS[c.kind].order]
        if not some or rng.random() < 0.25:
            return ''
        parts = [c.sql for c in rng.sample(some, min(len(some), rng.choice([1, 1, 1, 2])))]
        if rng.random() < 0.15:
            parts[0] = '(%s)' % self.placed('window', self.e.pred, cols, 1)
        return 'PARTITION BY %s ' % ', '.join(parts)

    def bounds(self, unit):
        """Start and end of a frame, in an order that is allowed."""
        rng = self.rng
        all_of = ['UNBOUNDED PRECEDING', '%s PRECEDING' % unit(), 'CURRENT ROW', '%s FOLLOWING' % unit(),
                  'UNBOUNDED FOLLOWING']
        i = rng.randrange(0, 4)
        j = rng.randrange(max(i, 1), 5)
        return 'BETWEEN %s AND %s' % (all_of[i], all_of[j])

    def positional(self, cols, window, total):
        """A window function that depends on the place of each row in a total order."""
        rng = self.rng
        c = rng.choice(cols)
        r = rng.random()
        if r < 0.3:
            return Col('%s OVER %s' % (rng.choice(['row_number()', 'row_number()', 'ntile(2)', 'ntile(3)']), window), 'int')
        if r < 0.55:
            f = rng.choice(['lag(%s)', 'lead(%s)', 'lag(%s, 2)', 'first_value(%s)', 'last_value(%s)', 'nth_value(%s, 2)'])
            return Col('%s OVER %s' % (f % c.sql, window), c.kind)
        frame = 'ROWS ' + self.bounds(lambda: str(rng.randint(0, 2)))
        if rng.random() < 0.3:
            frame += rng.choice([' EXCLUDE CURRENT ROW', ' EXCLUDE NO OTHERS'])
        inner = '(w %s)' % frame if window == 'w' else '(%s %s)' % (total, frame)
        if window == 'w' and 'ORDER BY' not in total:
            inner = '(%s %s)' % (total, frame)
        if rng.random() < 0.25:
            f, kind = rng.choice(['first_value(%s)', 'last_value(%s)', 'nth_value(%s, 2)']) % c.sql, c.kind
        elif rng.random() < 0.2 and self.e.of(cols, 'int', 'text'):
            a = self.e.of(cols, 'int', 'text')
            f, kind = ('array_agg((%s)::int)' % a.sql, 'intarr') if a.kind == 'int' else \
                ("string_agg(%s, ',')" % a.sql, 'text')
        else:
            f, kind = self.unordered(cols)
        return Col('%s OVER %s' % (f, inner), kind)

    def unordered(self, cols):
        """An aggregate whose result does not depend on the order of its input: (call, kind)."""
        rng = self.rng
        for _ in range(20):
            f = rng.choice([self.e.a_count, self.e.a_count_x, self.e.a_sum, self.e.a_sum, self.e.a_avg, self.e.a_extreme,
                            self.e.a_variance, self.e.a_bool, self.e.a_bit])
            got = self.placed('window', f, cols)
            if got is not None:
                if rng.random() < 0.15:
                    got = ('%s FILTER (WHERE %s)' % (got[0], self.placed('window', self.e.pred, cols, 1)), got[1])
                return got
        return 'count(*)', 'int'

    def peerwise(self, cols):
        """A window function that gives the same to all peers."""
        rng = self.rng
        sortable = [c for c in cols if KINDS[c.kind].order]
        part = self.partition(cols)
        if not sortable or rng.random() < 0.2:
            f, kind = self.unordered(cols)
            return Col('%s OVER (%s)' % (f, part.strip()), kind)
        order = rng.sample(sortable, min(len(sortable), rng.choice([1, 1, 2])))
        by = 'ORDER BY ' + ', '.join(c.sql + self.e.direction() for c in order)
        r = rng.random()
        if r < 0.4:
            f, kind = rng.choice([('rank()', 'int'), ('dense_rank()', 'int'), ('percent_rank()', 'opaque'),
                                  ('cume_dist()', 'opaque')])
            return Col('%s OVER (%s%s)' % (f, part, by), kind)
        f, kind = self.unordered(cols)
        frame = ''
        unit = {'int': lambda: str(rng.randint(0, 3)), 'num2': lambda: rng.choice(['0.5', '2', '10']),
                'date': lambda: rng.choice(["interval '1 day'", "interval '40 days'"]),
                'ts': lambda: "interval '1 day'", 'tstz': lambda: "interval '5 hours'",
                'float': lambda: rng.choice(['0.5', '2'])}.get(order[0].kind)
        if r < 0.6:
            frame = ' GROUPS ' + self.bounds(lambda: str(rng.randint(0, 2)))
        elif r < 0.85 and unit and len(order) == 1:
            by = 'ORDER BY ' + order[0].sql + self.e.direction()
            frame = ' RANGE ' + self.bounds(unit)
        elif r < 0.92:
            frame = ' RANGE ' + rng.choice(['BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING', 'CURRENT ROW',
                                            'BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING'])
        if frame and rng.random() < 0.3:
            frame += rng.choice([' EXCLUDE CURRENT ROW', ' EXCLUDE GROUP', ' EXCLUDE TIES'])
        return Col('%s OVER (%s%s%s)' % (f, part, by, frame), kind)
