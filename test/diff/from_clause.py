"""FROM clauses: trees of joins of every type, functions, VALUES, LATERAL subqueries."""

from collections import Counter

from exprs import Col
from schema import KINDS, ODD_NAMES, ident


class Relation:
    """Something a FROM clause can name."""

    def __init__(self, ref, cols, occurs, table=None, star=True):
        self.ref = ref                  # text for FROM
        self.cols = cols                # (name as SQL, kind)
        self.occurs = occurs            # Counter: base table index -> occurrences
        self.table = table              # schema.Table for a base table
        self.star = star                # does * give cols in this order?


class Tree:
    """A part of a FROM clause: its text, the columns it brings, whether parentheses may go around it."""

    def __init__(self, text, cols, join=False):
        self.text, self.cols, self.join = text, cols, join

    @property
    def operand(self):
        return '(%s)' % self.text if self.join else self.text


class FromMaker:
    """Mixed into ViewMaker."""

    # ---- what may stand there ----

    def relations(self, depth):
        """A random relation for FROM."""
        rng = self.rng
        if self.ctes and rng.random() < 0.5:
            return rng.choice(self.ctes)
        usable = [v for v in self.views if sum(v.query.occurs.values()) < (2 if self.schema.big else 5)]
        if usable and rng.random() < (0.15 if self.outer else 0.3):
            v = rng.choice(usable)
            self.feat.add('over view')
            if v.plain:
                self.feat |= v.features
            return Relation('[[%d]]' % v.number, v.cols, v.query.occurs)
        if depth > 0 and rng.random() < 0.03:
            return self.values_list()
        if depth > 0 and rng.random() < 0.2:
            q = self.with_query(depth - 1) if rng.random() < 0.06 else self.any_query(depth - 1)
            self.feat.add('subquery')
            return Relation('(%s)' % q.sql, q.cols, q.occurs)
        return rng.choice(self.base)

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
        return [(self.alias(i), r) for i, r in enumerate(rels)]

    def alias(self, i):
        """A name for FROM item i, new where a query inside refers to those outside."""
        if self.outer:
            self.aliases += 1
            return '%s%d' % ('abcdefgh'[i % 8], self.aliases)
        return 'abcdefgh'[i] if self.rng.random() < 0.9 else ident(self.rng.choice(ODD_NAMES[:6]) + str(i))

    def columns(self, alias, rel):
        out = []
        for name, kind in rel.cols:
            base = next((c for c in rel.table.cols if c.sql == name), None) if rel.table else None
            out.append(Col('%s.%s' % (alias, name), kind, alias, base, name))
        return out

    def ref(self, rel):
        if rel.table is not None and self.rng.random() < 0.05:
            return 'ONLY ' + rel.ref
        return rel.ref

    def values_list(self):
        """A VALUES list as a relation."""
        rng = self.rng
        rows = ', '.join('(%s, %s)' % (rng.choice(['1', '2', '3', '0', 'NULL::int']), rng.choice(KINDS['text'].values))
                         for _ in range(rng.randint(1, 3)))
        self.feat.add('values')
        return Relation('(SELECT * FROM (VALUES %s) w(x, y))' % rows if rng.random() < 0.5
                        else '(SELECT column1 AS x, column2 AS y FROM (VALUES %s) w)' % rows,
                        [('x', 'int'), ('y', 'text')], Counter())

    # ---- conditions ----

    def join_pred(self, left, right, equal=False):
        """A condition that ties the columns of right to those of left; equal: surely by =."""
        rng = self.rng
        pairs = [(a, b) for a in left for b in right if a.kind == b.kind and KINDS[a.kind].order
                 and a.kind not in ('bool', 'jsonbf', 'ivfree', 'opaque')]
        joiny = [(a, b) for a, b in pairs if a.kind == 'int' or self.fk_like(a, b)]
        if not pairs:
            return 'true' if rng.random() < 0.3 else self.e.pred(left + right, 1)
        a, b = rng.choice(joiny if joiny and rng.random() < 0.8 else pairs)
        r = rng.random()
        if self.schema.big or equal or r < 0.7:
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

    @staticmethod
    def where(conds):
        return ' WHERE ' + ' AND '.join(conds if len(conds) == 1 else ['(%s)' % c for c in conds]) if conds else ''

    @staticmethod
    def occurs(items):
        total = Counter()
        for _, rel in items:
            total.update(rel.occurs)
        return total

    # ---- the clause ----

    def from_clause(self, items):
        """(FROM text, columns in scope, WHERE conditions)."""
        rng = self.rng
        trees = [self.leaf(*i) for i in items]
        where = []
        while len(trees) > 1 and (rng.random() < 0.75 or len(trees) > 3):
            i = rng.randrange(len(trees) - 1)
            trees[i:i + 2] = [self.join(trees[i], trees[i + 1], len(items) == 2)]
        text, cols = trees[0].text, trees[0].cols
        for t in trees[1:]:
            text += ', ' + t.text
            if rng.random() < 0.93 or self.schema.big:
                where.append(self.placed('WHERE', self.join_pred, cols, t.cols))
            else:
                self.feat.add('cross')
            cols = cols + t.cols
        if not self.schema.big and self.want('lateral', 0.07):
            text, cols = self.lateral(text, self.qualified(cols), len(trees) == 1)
        if rng.random() < 0.07 and not self.schema.big:
            made, more = self.function_item(cols)
            text += rng.choice([', ', ' CROSS JOIN ', ' CROSS JOIN LATERAL ']) + made
            cols = self.qualified(cols) + more
            self.feat.add('function in FROM')
        if self.outer and rng.random() < 0.85:
            where.append(self.correlation(cols))
        if rng.random() < 0.4:
            where.append(self.placed('WHERE', self.e.pred, cols + self.some_outer()))
        return text, cols, where

    def decisive(self, cols):
        """Columns that may decide whether a row has a match: mostly those of types with an order."""
        if self.want('match by a type without order', 0.05):
            return cols
        return [c for c in cols if KINDS[c.kind].order] or [Col('1', 'int')]

    @staticmethod
    def qualified(cols):
        """Without merged columns of USING, whose names others may have."""
        return [c for c in cols if c.short]

    def leaf(self, alias, rel):
        return Tree('%s %s' % (self.ref(rel), alias), self.columns(alias, rel))

    def join(self, left, right, alone):
        """Two trees joined; alone: there will be no other FROM item."""
        rng = self.rng
        kind = ''
        for k, p in (('LEFT', 0.22), ('FULL', 0.07), ('RIGHT', 0.06)):
            if self.want(k.lower() + ' join', p):
                kind = k + ' '
                break
        if kind and (left.join or right.join):
            self.feat.add('nested outer join')
        cols = left.cols + right.cols
        if left.join and not kind and rng.random() < 0.2:
            left, right = right, left
        shared = self.shared(left.cols, right.cols)
        r = rng.random()
        if r < 0.13 and shared:
            names = rng.sample(shared, min(len(shared), rng.choice([1, 1, 2])))
            self.feat.add('using')
            text = '%s %sJOIN %s USING (%s)' % (left.text, kind, right.operand, ', '.join(names))
            if alone:
                cols = cols + [Col(n, next(c.kind for c in left.cols if c.short == n)) for n in names]
            return Tree(text, cols, True)
        if r < 0.17 and alone and shared and self.natural_ok(left.cols, right.cols):
            self.feat.add('natural')
            return Tree('%s NATURAL %sJOIN %s' % (left.text, kind, right.operand), cols, True)
        if kind:
            left.cols, right.cols = self.decisive(left.cols), self.decisive(right.cols)
        on = self.placed('ON', self.join_pred, left.cols, right.cols, kind == 'FULL ')
        if kind and rng.random() < 0.3 and not self.schema.big:
            # FULL needs something to merge or hash by, what comes with it may be anything
            on = '%s AND %s' % (on, self.placed('ON', self.e.pred, left.cols + right.cols, 1))
        if kind == 'FULL ' and self.outer and '(SELECT' in left.text + right.operand and \
                not self.want('full join of correlated items', 1.0):
            kind = 'LEFT '
        first = on.split(' AND ')[0]
        sides = [side.strip('() ') for side in first.split(' = ')]
        if kind == 'FULL ' and (len(sides) < 2 or '1' in sides or 'SELECT' in first):
            kind = 'LEFT '
        if not kind and r < 0.2 and not self.schema.big:
            self.feat.add('cross')
            return Tree('%s CROSS JOIN %s' % (left.text, right.operand), cols, True)
        if kind and rng.random() < 0.05 and kind != 'FULL ':
            on = rng.choice(['true', 'false', on])
        return Tree('%s %sJOIN %s ON %s' % (left.text, kind, right.operand, on), cols, True)

    def function_item(self, cols):
        """A set-returning function over the columns at hand: (FROM item, its columns)."""
        rng = self.rng
        self.aliases += 1
        name = 'z%d' % self.aliases
        if self.want('rows from', 0.15):
            calls = [self.function_call(cols) for _ in range(rng.choice([1, 2, 2, 3]))]
            names = ['x%d' % i for i in range(len(calls))]
            made = [Col('%s.%s' % (name, n), k, name, None, n) for n, (_, k) in zip(names, calls)]
            tail = ''
            if rng.random() < 0.4:
                tail = ' WITH ORDINALITY'
                names.append('nr')
                made.append(Col('%s.nr' % name, 'int', name, None, 'nr'))
            return 'ROWS FROM (%s)%s %s(%s)' % (', '.join(c for c, _ in calls), tail, name, ', '.join(names)), made
        call, kind = self.function_call(cols)
        return '%s %s(x)' % (call, name), [Col('%s.x' % name, kind, name, None, 'x')]

    def function_call(self, cols):
        """A set-returning function: (call, kind of its rows)."""
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
        return rng.choice(choices)

    def lateral(self, text, cols, one):
        """(FROM text, columns) with a subquery that reads the items before it."""
        rng = self.rng
        self.outer.append([c for c in self.decisive(cols) if c.short])
        r = rng.random()
        pool = [k for k in ('int', 'text', 'num2', 'date') if self.e.of(self.outer[-1], k)]
        if r < 0.15 and pool:
            kind = rng.choice(pool)
            vals = ', '.join('(%d, %s)' % (i, self.e.of(self.outer[-1], kind).sql) for i in range(rng.randint(1, 3)))
            rel = Relation('(VALUES %s)' % vals, [('column1', 'int'), ('column2', kind)], Counter())
        else:
            q = self.any_query(rng.choice([0, 0, 1]))
            rel = Relation('(%s)' % q.sql, q.cols, q.occurs)
        self.extra.update(rel.occurs)
        item = self.leaf(self.alias(7), rel)
        self.outer.pop()
        item.text = 'LATERAL ' + item.text
        r = rng.random()
        if r < 0.35 and one and self.want('left join', 1.0):
            on = 'true' if rng.random() < 0.7 else self.placed('ON', self.e.pred, self.decisive(cols + item.cols), 1)
            text = '%s LEFT JOIN %s ON %s' % (text, item.text, on)
        else:
            text += (', ' if r < 0.7 else ' CROSS JOIN ') + item.text
        return text, cols + item.cols

    # ---- USING and NATURAL ----

    def shared(self, left, right):
        """Column names on both sides, once on each, of one kind that = knows."""
        ln = Counter(c.short for c in left)
        rn = Counter(c.short for c in right)
        out = []
        for c in left:
            n = c.short
            if n and ln[n] == 1 and rn[n] == 1:
                d = next(x for x in right if x.short == n)
                if c.kind == d.kind and KINDS[c.kind].order and KINDS[c.kind].key and c.kind not in ('intarr', 'bool'):
                    out.append(n)
        return out

    def natural_ok(self, left, right):
        ln = Counter(c.short for c in left)
        rn = Counter(c.short for c in right)
        both = [n for n in ln if n in rn]
        return len(both) == len(self.shared(left, right))
