"""SELECTs over a FROM clause: plain, grouped, DISTINCT, grouping sets; set operations; recursion."""

from collections import Counter

from exprs import Col
from from_clause import Relation
from schema import KINDS, ODD_NAMES, ident


class Query:
    """A SELECT: text, output columns (name as SQL, kind), base tables read."""

    def __init__(self, sql, cols, occurs):
        self.sql, self.cols, self.occurs = sql, cols, occurs


class SelectMaker:
    """Mixed into ViewMaker."""

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

    def key_exprs(self, cols, lo, hi):
        """Expressions whose equal values have one image."""
        out, seen = [], set()
        for _ in range(40):
            e = self.rng.choice(cols) if self.rng.random() < 0.6 else self.placed('GROUP BY', self.e.expr, cols, 1)
            if KINDS[e.kind].key and e.sql not in seen:
                seen.add(e.sql)
                out.append(e)
            if len(out) >= self.rng.randint(lo, hi):
                break
        return out

    # ---- one row for each row ----

    def linear(self, items):
        rng = self.rng
        text, cols, where = self.from_clause(items)
        r = rng.random()
        if r < 0.2 and len(items) == 1:
            exprs = list(cols)                              # every column, one by one
        else:
            exprs = self.some(cols + self.some_outer(), 1, 6)
            keys = [c for c in cols if c.base is not None and c.base.name in ('id', 'k1', 'k2')]
            if keys and rng.random() < 0.5:
                exprs = keys + exprs
            exprs += self.whole_rows(items)
        sel, out = self.outputs(exprs)
        if r < 0.06 and len(items) == 1 and len(items[0][1].cols) == len(cols) and items[0][1].star:
            sel, out = '*', list(items[0][1].cols)
        elif self.want('set-returning output', 0.035) and not self.schema.big:
            for i in range(rng.choice([1, 1, 2])):
                call, kind = self.function_call(cols)
                sel += ', %s AS srf%d' % (call, i)
                out.append(('srf%d' % i, kind))
        self.feat.add('linear')
        return Query('SELECT %s FROM %s%s' % (sel, text, self.where(where)), out, self.occurs(items))

    def whole_rows(self, items):
        """Expressions over a whole row of a base table."""
        some = [a for a, rel in items if rel.table is not None]
        if not some or not self.want('whole row', 0.05):
            return []
        a = self.rng.choice(some)
        return [self.rng.choice([Col('to_jsonb(%s)' % a, 'jsonbf'), Col('row_to_json(%s)' % a, 'json'),
                                 Col('(%s IS NULL)' % a, 'bool'), Col('(%s.* IS NOT NULL)' % a, 'bool'),
                                 Col("coalesce(%s::text, '-')" % a, 'opaque text')])]

    def distinct(self, items):
        text, cols, where = self.from_clause(items)
        exprs = self.key_exprs(cols, 1, 4)
        if not exprs:
            return self.linear(items)
        self.feat.add('distinct')
        sel, out = self.outputs(exprs)
        return Query('SELECT DISTINCT %s FROM %s%s' % (sel, text, self.where(where)), out, self.occurs(items))

    # ---- groups ----

    def aggregates(self, cols, lo, hi):
        return [self.e.over_aggregates(cols) if self.rng.random() < 0.25 else self.e.aggregate(cols)
                for _ in range(self.rng.randint(lo, hi))]

    def having(self, cols, keys, p):
        """HAVING, or nothing."""
        if self.rng.random() >= p:
            return ''
        self.feat.add('having')
        sql = self.e.having(cols)
        if self.may_sub('HAVING', 0.2):
            sub = self.placed('HAVING', self.over_groups, cols, keys, self.pred_sub)
            sql = '%s %s %s' % (sql, self.rng.choice(['AND', 'OR', 'AND NOT']), sub)
        return ' HAVING ' + sql

    def over_groups(self, cols, keys, make):
        """A subquery that refers to keys and aggregates of the grouped query around it."""
        seen = [k for k in keys if k.short]
        a = self.e.of(cols, 'int')
        if a and self.want('outer aggregate in subquery', 0.6):
            seen.append(Col(self.rng.choice(['sum(%s)::int8', 'count(%s)', 'max(%s)', 'min(%s)']) % a.sql, 'int'))
            seen[-1].short = 'aggregate'
        return make(seen) if seen else '(%s)' % self.rng.choice(['1 IN (SELECT 1)', 'EXISTS (SELECT)'])

    def grouped(self, items):
        rng = self.rng
        text, cols, where = self.from_clause(items)
        keys = self.key_exprs(cols, 1, 3)
        if not keys:
            return self.scalar(items)
        self.feat.add('group')
        # all columns of a table whose primary key is grouped by
        dependent = []
        rel = items[0][1]
        if rel.table is not None and rel.table.key and not rel.table.deferrable \
                and rng.random() < 0.12 and 'JOIN (' not in text:
            mine = [c for c in cols if c.table == items[0][0] and c.base is not None]
            keys = [c for c in mine if c.base.name in rel.table.key]
            dependent = [c for c in mine if c not in keys and rng.random() < 0.5
                         and (KINDS[c.kind].order or self.want('dependent column without order', 0.3))]
            self.feat.add('functional dependency')
        shown = [k for k in keys if rng.random() < 0.88]
        exprs = shown + dependent + self.aggregates(cols, 0 if rng.random() < 0.15 else 1, 4)
        if not exprs:
            exprs = keys[:1]
        if rng.random() < 0.12:
            rng.shuffle(exprs)
        if rng.random() < 0.08:
            exprs = exprs + [Col("coalesce((%s)::text, 'none')" % keys[0].sql, 'text')]
        if self.may_sub('grouped output', 0.12):
            exprs.append(Col(self.placed('grouped output', self.over_groups, cols, keys, self.pred_sub), 'bool'))
        window = None
        if self.want('window over groups', 0.03):
            window = Col('%s OVER (ORDER BY count(*))' % rng.choice(['rank()', 'sum(count(*))', 'dense_rank()',
                                                                     'cume_dist()']), 'opaque')
            exprs.append(window)
        sel, out = self.outputs(exprs)
        group = [k.sql if k.sql.isidentifier() else '(%s)' % k.sql for k in keys]
        if rng.random() < 0.15 and exprs[:len(keys)] == keys:
            group = [str(i + 1) for i in range(len(keys))]
        sql = 'SELECT %s FROM %s%s GROUP BY %s' % (sel, text, self.where(where), ', '.join(group))
        sql += self.having(cols, keys, 0.25)
        if rng.random() < 0.05 and not window and all(KINDS[e.kind].key for e in exprs):
            sql = 'SELECT DISTINCT' + sql[len('SELECT'):]
            self.feat.add('distinct over group')
        return Query(sql, out, self.occurs(items))

    def scalar(self, items):
        text, cols, where = self.from_clause(items)
        self.feat.add('scalar aggregate')
        sel, out = self.outputs(self.aggregates(cols, 1, 4))
        sql = 'SELECT %s FROM %s%s' % (sel, text, self.where(where))
        return Query(sql + self.having(cols, [], 0.15), out, self.occurs(items))

    def grouping_sets(self, items):
        """GROUP BY with several sets.  Keys are columns: over expressions the server itself errs."""
        rng = self.rng
        if self.outer and not self.want('correlated grouping sets', 1.0):
            return self.grouped(items)
        text, cols, where = self.from_clause(items)
        plain = [c for c in cols if c.short and KINDS[c.kind].key]
        keys = rng.sample(plain, min(len(plain), rng.choice([1, 2, 2, 2, 3])))
        keys = [k for i, k in enumerate(keys) if k.sql not in [x.sql for x in keys[:i]]]
        if not keys:
            return self.scalar(items)
        self.feat.add('grouping sets')
        names = [k.sql for k in keys]
        r = rng.random()
        if r < 0.3:
            group = 'ROLLUP (%s)' % ', '.join(names)
        elif r < 0.5:
            group = 'CUBE (%s)' % ', '.join(names)
        elif r < 0.6 and len(names) > 1:
            group = '%s, ROLLUP (%s)' % (names[0], ', '.join(names[1:]))
        elif r < 0.67:
            group = 'DISTINCT ROLLUP (%s), CUBE (%s)' % (', '.join(names), names[-1])
        else:
            sets = ['(%s)' % ', '.join(n for n in names if rng.random() < 0.55) for _ in range(rng.randint(1, 3))]
            group = 'GROUPING SETS (%s)' % ', '.join(sets + ['(%s)' % ', '.join(names)])
        exprs = [k for k in keys if rng.random() < 0.9] + self.aggregates(cols, 0 if rng.random() < 0.1 else 1, 3)
        if rng.random() < 0.5 or not exprs:
            exprs.append(Col('GROUPING(%s)' % ', '.join(rng.sample(names, rng.randint(1, len(names)))), 'int'))
        if rng.random() < 0.2:
            exprs.append(Col("CASE WHEN GROUPING(%s) = 1 THEN 'all' ELSE coalesce(%s::text, '-') END" % (
                names[0], names[0]), 'text'))
        sel, out = self.outputs(exprs)
        sql = 'SELECT %s FROM %s%s GROUP BY %s' % (sel, text, self.where(where), group)
        if rng.random() < 0.1:
            sql += ' HAVING GROUPING(%s) = %d' % (names[0], rng.randint(0, 1))
        else:
            sql += self.having(cols, [], 0.15)
        return Query(sql, out, self.occurs(items))

    # ---- set operations ----

    CAST = {'int': 'int8', 'text': 'text', 'intarr': 'int[]', 'textarr': 'text[]', 'num': 'numeric',
            'num0': 'numeric', 'num2': 'numeric', 'char': 'char(4)', 'dom': 'small_dom', 'tdom': 'word_dom',
            'ivfree': 'interval', 'jsonbf': 'jsonb', 'opaque': 'float8', 'float': 'float8', 'bytea_agg': 'bytea',
            'ts': 'timestamp', 'tstz': 'timestamptz', 'enum': 'mood', 'opaque text': 'text'}

    def operand(self, depth):
        """One SELECT of a set operation."""
        if self.rng.random() < 0.45:
            return self.any_query(max(depth - 1, 0))
        return self.linear(self.pick_items(self.rng.choice([1, 1, 2]), depth))

    def set_operation(self, depth):
        """Operands brought to the kinds of the first by dropping, casting or padding columns."""
        rng = self.rng
        first = None
        for _ in range(20):
            first = self.operand(depth)
            if not any(k.startswith('opaque') for _, k in first.cols) and sum(first.occurs.values()) < 4:
                break
        kinds = [k for _, k in first.cols]
        keys = [k for k in kinds if KINDS[k].key and KINDS[k].order]
        other = bool(keys) and rng.random() < 0.45 and self.want(
            rng.choice(['intersect', 'intersect all', 'except', 'except all', 'except']), 1.0)
        if other:
            kinds = rng.sample(keys, min(len(keys), rng.choice([1, 1, 2])))
        distinct = len(keys) == len(kinds) or other
        text, occurs = self.branch(first, kinds), Counter(first.occurs)
        for i in range(rng.choice([1, 1, 1, 2])):
            q = self.operand(depth)
            occurs.update(q.occurs)
            right = self.branch(q, kinds)
            op = 'UNION' if distinct and rng.random() < 0.25 else 'UNION ALL'
            if other and (i == 0 or rng.random() < 0.4):
                op = rng.choice([f for f in ('intersect', 'intersect all', 'except', 'except all')
                                 if f in self.feat]).upper()
            self.feat.add(op.lower())
            if i and rng.random() < 0.5:
                text = '%s %s (%s)' % (right, op, text)
            else:
                text = '%s %s %s' % ('(%s)' % text if i and rng.random() < 0.5 else text, op, right)
        out = [('u%d' % i, k) for i, k in enumerate(kinds)]
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

    # ---- recursion ----

    def search_or_cycle(self, name, made):
        """Clauses behind a recursive query, and one that shows what they add: (text, its name, its columns)."""
        rng = self.rng
        text, shown = '', ''
        if rng.random() < 0.6:
            text += ' SEARCH %s FIRST BY %s SET o' % (rng.choice(['DEPTH', 'BREADTH']), rng.choice([
                made[0][0], ', '.join(n for n, k in made if k == 'int')]))
            shown += rng.choice([', rank() OVER (ORDER BY o) AS place', ', dense_rank() OVER (ORDER BY o DESC) AS place'])
        if rng.random() < 0.6 or not text:
            text += ' CYCLE %s SET looped%s USING way' % (made[0][0], rng.choice(['', '', ' TO 1 DEFAULT 0']))
            shown += ', looped::int AS looped, cardinality(way) AS steps'
        columns = [n for n, _ in made]
        text += ', %s AS (SELECT %s%s FROM %s)' % (name + 'x', ', '.join(columns), shown, name)
        return text, name + 'x', made + [(n, 'int') for n in ('place', 'looped', 'steps') if ' AS ' + n in shown]

    def recursive(self, depth):
        """WITH RECURSIVE that ends: UNION over a finite domain, or a counter."""
        rng = self.rng
        edges = [(r, [n for n, k in r.cols if k == 'int']) for r in self.base]
        edges = [(r, n) for r, n in edges if n]
        if not edges:
            return self.linear(self.pick_items(1, 0))
        rel, ints = rng.choice(edges)
        src, dst = rng.choice(ints), rng.choice(ints)
        self.aliases += 1
        name = 'r%d' % self.aliases
        self.feat.add('recursive')
        start = ''
        if rng.random() < 0.6:
            start = ' WHERE ' + self.e.pred(self.columns('s', rel), 1)
        r = rng.random()
        occurs = Counter()
        if r < 0.12:
            body = 'SELECT %d UNION ALL SELECT n + 1 FROM %s WHERE n < %d' % (rng.randint(0, 2), name, rng.randint(2, 5))
            cols, made = ['n'], [('n', 'int')]
        elif r < 0.55:
            occurs.update({k: 2 * n for k, n in rel.occurs.items()})
            body = 'SELECT s.%s::int8, s.%s::int8 FROM %s s%s UNION SELECT r.x, e.%s::int8 FROM %s' % (
                src, dst, rel.ref, start, dst, rng.choice(['%s r JOIN %s e', '%s e JOIN %s r']).replace(
                    '%s r', name + ' r').replace('%s e', rel.ref + ' e'))
            body += ' ON e.%s = r.y' % src
            cols, made = ['x', 'y'], [('x', 'int'), ('y', 'int')]
        else:
            occurs.update({k: 2 * n for k, n in rel.occurs.items()})
            distinct = 'DISTINCT ' if self.want('distinct in a recursive term', 0.1) else ''
            body = 'SELECT s.%s::int8, 0, ARRAY[s.%s]::int[] FROM %s s%s UNION %s ' \
                'SELECT %se.%s::int8, r.n + 1, r.path || e.%s::int FROM %s r JOIN %s e ON e.%s = r.x WHERE r.n < %d' % (
                    dst, dst, rel.ref, start, rng.choice(['ALL', '', 'ALL']), distinct, dst, dst, name, rel.ref, src,
                    rng.choice([1, 1, 2]))
            if rng.random() < 0.4:
                body += ' AND e.%s <> ALL (r.path)' % dst
            cols, made = ['x', 'n', 'path'], [('x', 'int'), ('n', 'int'), ('path', 'intarr')]
        clauses, shown = '', name
        # by UNION, rows differ by their way, which goes on for ever on a cycle
        if 'y' not in cols and self.want('search or cycle', 0.7):
            clauses, shown, made = self.search_or_cycle(name, made)
        before = list(self.ctes)
        it = Relation(shown, made, occurs)
        self.ctes = before + [it]
        main = self.any_query(max(depth - 1, 0), force=[it])
        self.ctes = before
        sql = 'WITH RECURSIVE %s(%s) AS (%s)%s %s' % (name, ', '.join(cols), body, clauses, main.sql)
        if depth < 2 and rng.random() < 0.2:
            sql = 'SELECT * FROM (%s) w' % sql
        return Query(sql, main.cols, main.occurs)
