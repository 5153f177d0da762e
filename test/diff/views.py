"""Random view definitions.

A definition is text in which other relations of the schema appear as [[number]], so that it can be
rendered twice: for the maintained view, reading maintained views, and for its twin, a plain view that
reads plain views only and ends at the base tables.  The twin is what the oracle believes.
"""

from collections import Counter

from exprs import Col, Exprs, HAZARD_CLOSE, HAZARD_OPEN
from schema import KINDS, ODD_NAMES, ident


class Relation:
    """Something a FROM clause can name."""

    def __init__(self, ref, cols, occurs, table=None):
        self.ref = ref                  # text for FROM
        self.cols = cols                # (name as SQL, kind)
        self.occurs = occurs            # Counter: base table index -> occurrences
        self.table = table              # schema.Table for a base table


class Query:
    """A SELECT: text, output columns (name as SQL, kind), base tables read."""

    def __init__(self, sql, cols, occurs):
        self.sql, self.cols, self.occurs = sql, cols, occurs


class View:
    """A view of the round: maintained or plain."""

    def __init__(self, number, name, query, plain):
        self.number, self.name, self.plain = number, name, plain
        self.sql_name = ident(name)
        self.twin = 'q_%d' % number
        self.query = query
        self.cols = query.cols
        self.features = set()
        self.no_data = False            # created WITH NO DATA, then refreshed
        self.column_list = False        # names given before AS
        self.hazard = False

    def render(self, names, guard):
        """The definition with [[n]] replaced by names[n]; guard: write hazards as nullif(x, 0)."""
        sql = self.query.sql
        for n, name in names.items():
            sql = sql.replace('[[%d]]' % n, name)
        return sql.replace(HAZARD_OPEN, 'nullif(' if guard else '(').replace(HAZARD_CLOSE, ', 0)' if guard else ')')

    def strict(self):
        """Are hazards in the output only, so that every plan evaluates them for the same rows?"""
        sql = self.query.sql
        return sql.count('SELECT') == 1 and 'GROUP BY' not in sql and HAZARD_OPEN not in sql.split(' FROM ', 1)[1]

    def jsonish(self):
        return any(k == 'json' for _, k in self.cols)


class ViewMaker:
    def __init__(self, rng, schema, hazards=True, extended=False):
        self.rng, self.schema = rng, schema
        self.base = [Relation(t.sql, [(c.sql, c.kind) for c in t.cols], Counter({t.index: 1}), t)
                     for t in schema.tables]
        self.views = []                 # accepted View objects
        self.ctes = []                  # relations of the WITH being written
        self.number = 0
        self.hazards = hazards
        self.extended = extended
        self.limit = 3 if schema.big else 7
        self.e = None
        self.feat = None

    # ---- entry ----

    def make(self):
        """A new candidate View; the caller accepts it with add()."""
        rng = self.rng
        self.number += 1
        self.e = Exprs(rng, self.hazards)
        self.feat = set()
        self.ctes = []
        plain = rng.random() < 0.13
        for _ in range(30):
            self.feat.clear()
            self.ctes = []
            q = self.with_query() if rng.random() < 0.14 else self.any_query(2, top=True)
            if sum(q.occurs.values()) <= self.limit:
                break
        else:
            q = self.linear(0, [], self.pick_items(1, 0))
        v = View(self.number, self.schema.name('v%d' % self.number), q, plain)
        v.features = set(self.feat)
        v.hazard = self.e.hazard_used
        v.no_data = not plain and rng.random() < 0.06
        v.column_list = not plain and rng.random() < 0.1
        return v

    def add(self, v):
        self.views.append(v)

    def relations(self, depth):
        """A random relation for FROM."""
        rng = self.rng
        if self.ctes and rng.random() < 0.5:
            return rng.choice(self.ctes)
        usable = [v for v in self.views if sum(v.query.occurs.values()) < (2 if self.schema.big else 5)]
        if usable and rng.random() < 0.3:
            v = rng.choice(usable)
            self.feat.add('over view')
            return Relation('[[%d]]' % v.number, v.cols, v.query.occurs)
        if depth > 0 and rng.random() < 0.03:
            return self.values_list()
        if depth > 0 and rng.random() < 0.22:
            q = self.any_query(depth - 1)
            self.feat.add('subquery')
            return Relation('(%s)' % q.sql, q.cols, q.occurs)
        return rng.choice(self.base)

    def with_query(self):
        """WITH a AS (...), b AS (...) SELECT ..."""
        rng = self.rng
        parts, made = [], []
        for i in range(rng.choice([1, 1, 2])):
            q = self.any_query(1)
            name = 'w%d' % (i + 1)
            hint = rng.choice(['', '', 'MATERIALIZED ', 'NOT MATERIALIZED '])
            parts.append('%s AS %s(%s)' % (name, hint, q.sql))
            made.append(Relation(name, q.cols, q.occurs))
            self.ctes = list(made)
        self.feat.add('cte')
        items = [made[-1]] + ([rng.choice(made)] if rng.random() < 0.35 else [])
        main = self.any_query(1, top=True, force=items)
        self.ctes = []
        return Query('WITH %s %s' % (', '.join(parts), main.sql), main.cols, main.occurs)

    def any_query(self, depth, top=False, force=None):
        rng = self.rng
        kind = rng.choices(['linear', 'group', 'scalar', 'distinct', 'union'], [34, 34, 8, 10, 12])[0]
        if kind == 'union' and force is None:
            return self.union_all(depth)
        items = self.pick_items(self.join_width(), depth, force)
        if kind == 'group':
            q = self.grouped(items, top)
        elif kind == 'scalar':
            q = self.scalar(items)
        elif kind == 'distinct':
            q = self.distinct(items)
        else:
            q = self.linear(depth, [], items)
        if top and rng.random() < 0.06 and KINDS[q.cols[0][1]].order:
            q.sql += ' ORDER BY 1'
        return q

    def join_width(self):
        if self.schema.big:
            return self.rng.choice([1, 1, 2])
        return self.rng.choices([1, 2, 3, 4, 5], [40, 36, 16, 5, 3])[0]

    # ---- FROM ----

    def pick_items(self, n, depth, force=None):
        """FROM items: list of (alias, Relation)."""
        rng = self.rng
        rels = list(force or [])
        while len(rels) < max(n, len(rels) or 1):
            if rels and rng.random() < 0.15:
                rels.append(rng.choice(rels))
                self.feat.add('self join')
            else:
                rels.append(self.relations(depth))
        rng.shuffle(rels)
        if len(rels) > 1:
            self.feat.add('join')
        return [('abcdefgh'[i] if rng.random() < 0.9 else ident(rng.choice(ODD_NAMES[:6]) + str(i)), r)
                for i, r in enumerate(rels)]

    def columns(self, alias, rel):
        out = []
        for name, kind in rel.cols:
            base = next((c for c in rel.table.cols if c.sql == name), None) if rel.table else None
            out.append(Col('%s.%s' % (alias, name), kind, alias, base, name))
        return out

    def join_pred(self, left, right):
        """A condition that ties the columns of right to those of left."""
        rng = self.rng
        pairs = [(a, b) for a in left for b in right if a.kind == b.kind and KINDS[a.kind].order
                 and a.kind not in ('bool', 'jsonbf', 'ivfree')]
        joiny = [(a, b) for a, b in pairs if a.kind == 'int' or self.fk_like(a, b)]
        if not pairs:
            return 'true' if rng.random() < 0.3 else self.e.pred(left + right, 1)
        a, b = rng.choice(joiny if joiny and rng.random() < 0.8 else pairs)
        r = rng.random()
        if self.schema.big or r < 0.7:
            return '%s = %s' % ((a.sql, b.sql) if rng.random() < 0.7 else (b.sql, a.sql))
        if r < 0.78:
            c, d = rng.choice(pairs)
            return '%s = %s AND %s = %s' % (a.sql, b.sql, c.sql, d.sql)
        if r < 0.84:
            op = rng.choice(['<', '<=', '<>', '>'])
            return '%s %s %s' % (a.sql, op, b.sql)
        if r < 0.88:
            return '%s IS NOT DISTINCT FROM %s' % (a.sql, b.sql)
        if r < 0.92 and a.kind == 'int':
            return rng.choice(['%s + 1 = %s', '%s %% 3 = %s %% 3', '%s BETWEEN %s - 1 AND 5', '%s = ANY (ARRAY[%s, 1])',
                               'abs(%s) = %s']) % (a.sql, b.sql)
        if r < 0.96:
            return '(%s = %s OR %s)' % (a.sql, b.sql, self.e.pred(left + right, 1))
        return '(%s, %s) = (%s, %s)' % (a.sql, pairs[0][0].sql, b.sql, pairs[0][1].sql)

    def fk_like(self, a, b):
        for x, y in ((a, b), (b, a)):
            if x.base and y.base and x.base.name == 'p' and y.base.name == 'id':
                return True
        return False

    def from_clause(self, items):
        """(FROM text, columns in scope, WHERE conditions)."""
        rng = self.rng
        alias, rel = items[0]
        text = '%s %s' % (self.ref(rel), alias)
        cols = self.columns(alias, rel)
        where = []
        joined = False                  # text is a join that parentheses may go around
        for alias, rel in items[1:]:
            right = self.columns(alias, rel)
            item = '%s %s' % (self.ref(rel), alias)
            r = rng.random()
            shared = self.shared(cols, right)
            if r < 0.3 and ' JOIN ' not in text:
                text += ', ' + item
                if rng.random() < 0.93 or self.schema.big:
                    where.append(self.join_pred(cols, right))
                else:
                    self.feat.add('cross')
            elif r < 0.42 and shared and ', ' not in text:
                name = rng.choice(shared)
                text += ' JOIN %s USING (%s)' % (item, name)
                self.feat.add('using')
                cols = cols + right
                joined = True
                continue
            elif r < 0.46 and len(items) == 2 and shared and self.natural_ok(cols, right):
                text += ' NATURAL JOIN %s' % item
                self.feat.add('natural')
            elif r < 0.5 and joined and ', ' not in text:
                text = '%s JOIN (%s) ON %s' % (item, text, self.join_pred(cols, right))
            elif r < 0.53 and not self.schema.big:
                text += ' CROSS JOIN %s' % item if ', ' not in text else ', ' + item
                where.append(self.join_pred(cols, right))
            elif ', ' in text:
                text += ', ' + item
                where.append(self.join_pred(cols, right))
            else:
                text += ' JOIN %s ON %s' % (item, self.join_pred(cols, right))
                joined = True
            cols = cols + right
        if rng.random() < 0.07 and not self.schema.big:
            made, more = self.function_item(cols)
            text += rng.choice([', ', ' CROSS JOIN ', ' CROSS JOIN LATERAL ']) + made
            cols = cols + more
            self.feat.add('function in FROM')
        if rng.random() < 0.4:
            where.append(self.e.pred(cols))
        return text, cols, where

    def function_item(self, cols):
        """A set-returning function over the columns at hand: (FROM item, its columns)."""
        rng = self.rng
        choices = [('generate_series(1, 2)', 'int')]
        a = self.e.of(cols, 'intarr')
        if a:
            choices += [('unnest(%s)' % a.sql, 'int')] * 3
        a = self.e.of(cols, 'textarr')
        if a:
            choices += [('unnest(%s)' % a.sql, 'text')] * 3
        a = self.e.of(cols, 'int')
        if a:
            choices.append(('generate_series(1, least(abs(%s), 3))' % a.sql, 'int'))
        a = self.e.of(cols, 'text')
        if a:
            choices.append(("string_to_table(left(%s, 4), NULL)" % a.sql, 'text'))
        a = self.e.of(cols, 'jsonb')
        if a:
            choices.append(("jsonb_array_elements(CASE WHEN jsonb_typeof(%s) = 'array' THEN %s ELSE '[]' END)" % (
                a.sql, a.sql), 'jsonb'))
        call, kind = rng.choice(choices)
        return '%s z9(x)' % call, [Col('z9.x', kind, 'z9', None, 'x')]

    def values_list(self):
        """A VALUES list as a relation."""
        rng = self.rng
        rows = ', '.join('(%s, %s)' % (rng.choice(['1', '2', '3', '0', 'NULL::int']), rng.choice(KINDS['text'].values))
                         for _ in range(rng.randint(1, 3)))
        self.feat.add('values')
        return Relation('(SELECT * FROM (VALUES %s) w(x, y))' % rows if rng.random() < 0.5
                        else '(SELECT column1 AS x, column2 AS y FROM (VALUES %s) w)' % rows,
                        [('x', 'int'), ('y', 'text')], Counter())

    def ref(self, rel):
        if rel.table is not None and self.rng.random() < 0.05:
            return 'ONLY ' + rel.ref
        return rel.ref

    def shared(self, left, right):
        """Column names on both sides, once on each, of one kind that = knows."""
        ln = Counter(c.short for c in left)
        rn = Counter(c.short for c in right)
        out = []
        for c in left:
            n = c.short
            if ln[n] == 1 and rn[n] == 1:
                d = next(x for x in right if x.short == n)
                if c.kind == d.kind and KINDS[c.kind].order and KINDS[c.kind].key and c.kind not in ('intarr', 'bool'):
                    out.append(n)
        return out

    def natural_ok(self, left, right):
        ln = Counter(c.short for c in left)
        rn = Counter(c.short for c in right)
        both = [n for n in ln if n in rn]
        return len(both) == len(self.shared(left, right))

    @staticmethod
    def where(conds):
        return ' WHERE ' + ' AND '.join(conds if len(conds) == 1 else ['(%s)' % c for c in conds]) if conds else ''

    @staticmethod
    def occurs(items):
        total = Counter()
        for _, rel in items:
            total.update(rel.occurs)
        return total

    # ---- output ----

    def outputs(self, exprs):
        """SELECT list text and output columns, names made unique."""
        rng = self.rng
        names, parts, cols = set(), [], []
        for i, c in enumerate(exprs):
            n = 'o%d' % i
            r = rng.random()
            if r < 0.05:
                n = rng.choice(ODD_NAMES)
            elif r < 0.3 and c.base is not None:
                n = c.base.name
            elif r < 0.36:
                n = 'j0'
            if n in names:
                n = 'o%d' % i
            names.add(n)
            parts.append('%s AS %s' % (c.sql, ident(n)))
            cols.append((ident(n), c.kind))
        return ', '.join(parts), cols

    def some(self, cols, lo, hi):
        return [self.e.expr(cols) for _ in range(self.rng.randint(lo, hi))]

    def linear(self, depth, exprs, items):
        rng = self.rng
        text, cols, where = self.from_clause(items)
        r = rng.random()
        bare = [c for c in cols]
        if r < 0.2 and len(items) == 1:
            exprs = bare                                    # every column, one by one
        else:
            exprs = self.some(cols, 1, 6)
            keys = [c for c in cols if c.base is not None and c.base.name in ('id', 'k1', 'k2')]
            if keys and rng.random() < 0.5:
                exprs = keys + exprs
        sel, out = self.outputs(exprs)
        if r < 0.06 and len(items) == 1:
            sel, out = '*', list(items[0][1].cols)
        self.feat.add('linear')
        return Query('SELECT %s FROM %s%s' % (sel, text, self.where(where)), out, self.occurs(items))

    def key_exprs(self, cols, lo, hi):
        """Expressions whose equal values have one image."""
        out, seen = [], set()
        for _ in range(40):
            e = self.rng.choice(cols) if self.rng.random() < 0.6 else self.e.expr(cols, 1)
            if KINDS[e.kind].key and e.sql not in seen:
                seen.add(e.sql)
                out.append(e)
            if len(out) >= self.rng.randint(lo, hi):
                break
        return out

    def grouped(self, items, top):
        rng = self.rng
        text, cols, where = self.from_clause(items)
        keys = self.key_exprs(cols, 1, 3)
        if not keys:
            return self.scalar(items)
        self.feat.add('group')
        # all columns of a table whose primary key is grouped by
        dependent = []
        rel = items[0][1]
        if rel.table is not None and rel.table.key and not rel.table.deferrable and rng.random() < 0.12 \
                and 'JOIN (' not in text:
            mine = [c for c in cols if c.table == items[0][0] and c.base is not None]
            keys = [c for c in mine if c.base.name in rel.table.key]
            dependent = [c for c in mine if c not in keys and rng.random() < 0.5]
            self.feat.add('functional dependency')
        shown = [k for k in keys if rng.random() < 0.88]
        aggs = [self.e.over_aggregates(cols) if rng.random() < 0.25 else self.e.aggregate(cols)
                for _ in range(rng.randint(0 if rng.random() < 0.15 else 1, 4))]
        exprs = shown + dependent + aggs
        if not exprs:
            exprs = keys[:1]
        if rng.random() < 0.12:
            rng.shuffle(exprs)
        if rng.random() < 0.08:
            exprs = exprs + [Col("coalesce((%s)::text, 'none')" % keys[0].sql, 'text')]
        sel, out = self.outputs(exprs)
        group = [k.sql if k.sql.isidentifier() else '(%s)' % k.sql for k in keys]
        if rng.random() < 0.15 and exprs[:len(keys)] == keys:
            group = [str(i + 1) for i in range(len(keys))]
        sql = 'SELECT %s FROM %s%s GROUP BY %s' % (sel, text, self.where(where), ', '.join(group))
        if rng.random() < 0.25:
            sql += ' HAVING ' + self.e.having(cols)
            self.feat.add('having')
        if rng.random() < 0.05 and len(set(e.kind for e in exprs)) and all(KINDS[e.kind].key for e in exprs):
            sql = 'SELECT DISTINCT' + sql[len('SELECT'):]
            self.feat.add('distinct over group')
        return Query(sql, out, self.occurs(items))

    def scalar(self, items):
        rng = self.rng
        text, cols, where = self.from_clause(items)
        self.feat.add('scalar aggregate')
        aggs = [self.e.over_aggregates(cols) if rng.random() < 0.25 else self.e.aggregate(cols)
                for _ in range(rng.randint(1, 4))]
        sel, out = self.outputs(aggs)
        sql = 'SELECT %s FROM %s%s' % (sel, text, self.where(where))
        if rng.random() < 0.15:
            sql += ' HAVING ' + self.e.having(cols)
        return Query(sql, out, self.occurs(items))

    def distinct(self, items):
        text, cols, where = self.from_clause(items)
        exprs = self.key_exprs(cols, 1, 4)
        if not exprs:
            return self.linear(0, [], items)
        self.feat.add('distinct')
        sel, out = self.outputs(exprs)
        return Query('SELECT DISTINCT %s FROM %s%s' % (sel, text, self.where(where)), out, self.occurs(items))

    # ---- UNION ALL ----

    CAST = {'int': 'int8', 'text': 'text', 'intarr': 'int[]', 'textarr': 'text[]', 'num': 'numeric',
            'num0': 'numeric', 'num2': 'numeric', 'char': 'char(4)', 'dom': 'small_dom', 'tdom': 'word_dom',
            'ivfree': 'interval', 'jsonbf': 'jsonb', 'opaque': 'float8', 'float': 'float8', 'bytea_agg': 'bytea',
            'ts': 'timestamp', 'tstz': 'timestamptz', 'enum': 'mood'}

    def union_all(self, depth):
        """Branches brought to the kinds of the first by dropping, casting or padding columns."""
        rng = self.rng
        first = None
        for _ in range(20):
            first = self.any_query(0) if rng.random() < 0.5 else \
                self.linear(0, [], self.pick_items(rng.choice([1, 1, 2]), depth))
            if not any(k == 'opaque' for _, k in first.cols) and sum(first.occurs.values()) < 4:
                break
        self.feat.add('union all')
        kinds = [k for _, k in first.cols]
        sql, occurs = [self.branch(first, kinds)], Counter(first.occurs)
        for _ in range(rng.choice([1, 1, 1, 2])):
            q = self.any_query(0) if rng.random() < 0.4 else \
                self.linear(0, [], self.pick_items(rng.choice([1, 1, 2]), depth))
            sql.append(self.branch(q, kinds))
            occurs.update(q.occurs)
        out = [('u%d' % i, k) for i, k in enumerate(kinds)]
        text = sql[0]
        distinct = all(KINDS[k].key and KINDS[k].order for k in kinds)
        for branch in sql[1:]:
            one = distinct and rng.random() < 0.25
            text = '%s UNION %s%s' % (text, '' if one else 'ALL ', branch)
            if one:
                self.feat.add('union')
        if rng.random() < 0.3:
            return Query('SELECT %s FROM (%s) u' % (', '.join(n for n, _ in out), text), out, occurs)
        return Query(text, out, occurs)

    def branch(self, q, kinds):
        """SELECT from q with exactly these kinds, columns named u0, u1, ..."""
        free = list(q.cols)
        parts = []
        for i, k in enumerate(kinds):
            got = next((c for c in free if c[1] == k), None)
            typ = self.CAST.get(k, k)
            if got is not None:
                free.remove(got)
                parts.append('x.%s::%s AS u%d' % (got[0], typ, i))
            elif KINDS[k].values and self.rng.random() < 0.6:
                v = '0.00' if k == 'num2' else self.rng.choice(KINDS[k].values)
                parts.append('%s::%s AS u%d' % ('(%s)' % v if v[0] == '-' else v, typ, i))
            else:
                parts.append('NULL::%s AS u%d' % (typ, i))
        return 'SELECT %s FROM (%s) x' % (', '.join(parts), q.sql)
