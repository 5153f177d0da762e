"""Random view definitions.

A definition is text in which other relations of the schema appear as [[number]], so that it can be
rendered twice: for the maintained view, reading maintained views, and for its twin, a plain view that
reads plain views only and ends at the base tables.  The twin is what the oracle believes.
"""

import re
from collections import Counter

from exprs import Exprs, HAZARD_CLOSE, HAZARD_OPEN, ONE_CLOSE, ONE_OPEN
from from_clause import FromMaker, Relation
from ordered import OrderedMaker
from schema import KINDS, ident
from selects import Query, SelectMaker
from subqueries import SubqueryMaker

# Constructs without a rule of their own: the view is computed anew as a whole, or refused beside what has several
# right answers for all that the extension knows.  A refusal of anything else is a failure.
NO_RULE = {
    'dependent column without order', 'correlated grouping sets', 'match by a type without order',
    'full join of correlated items', 'search or cycle', 'recursion over outer columns', 'distinct in a recursive term',
}
SEVERAL = re.compile(r'\bLIMIT\b|\bOFFSET\b|\bFETCH\b|\bDISTINCT ON\b|\bOVER\b|\bUNION\b')
PROBE = 0.3             # how often they are tried, compared with others


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
        self.deferred = False           # maintained at COMMIT

    def render(self, names, guard):
        """The definition with [[n]] replaced by names[n]; guard: write hazards such that they do not fail."""
        sql = self.query.sql
        for n, name in names.items():
            sql = sql.replace('[[%d]]' % n, name)
        sql = sql.replace(HAZARD_OPEN, 'nullif(' if guard else '(').replace(HAZARD_CLOSE, ', 0)' if guard else ')')
        return sql.replace(ONE_OPEN, 'min(' if guard else '(').replace(ONE_CLOSE, ')')

    def strict(self):
        """Are hazards in the output only, so that every plan evaluates them for the same rows?"""
        sql = self.query.sql
        return sql.count('SELECT') == 1 and 'GROUP BY' not in sql and HAZARD_OPEN not in sql.split(' FROM ', 1)[1]

    def jsonish(self):
        return any(k == 'json' for _, k in self.cols)


class ViewMaker(FromMaker, SelectMaker, OrderedMaker, SubqueryMaker):
    def __init__(self, rng, schema, hazards=True, rare=NO_RULE, focus=()):
        self.rng, self.schema, self.rare = rng, schema, rare
        self.focus = focus              # constructs to use more often
        self.base = [Relation(t.sql, [(c.sql, c.kind) for c in t.cols], Counter({t.index: 1}), t)
                     for t in schema.tables]
        if rng.random() < 0.3:
            self.base += [Relation(leaf, [(c.sql, c.kind) for c in t.cols], Counter({t.index: 1}), star=False)
                          for t in schema.tables for leaf, _ in t.leaves]
        self.views = []                 # accepted View objects
        self.number = 0
        self.hazards = hazards
        self.limit_of = 3 if schema.big else 7      # base tables read, counted as often as they come up
        self.new_view()

    def new_view(self):
        self.e = Exprs(self.rng, self.hazards, self)
        self.feat = set()               # constructs used
        self.ctes = []                  # relations of the WITHs in scope
        self.outer = []                 # for each query around the one being written, its columns
        self.frames = [Counter()]       # for each query being written, base tables read in its expressions
        self.aliases = 0
        self.place = 'output'           # where the expression being written stands
        self.one_hazard = False
        self.budget = self.rng.choice([0, 0, 1, 2, 4])      # subqueries in expressions

    # ---- entry ----

    def make(self):
        """A new candidate View; the caller accepts it with add()."""
        rng = self.rng
        self.number += 1
        plain = rng.random() < 0.13
        for _ in range(40):
            self.new_view()
            depth = rng.choice([1, 2, 2, 3, 4])
            q = self.with_query(depth, True) if rng.random() < 0.14 else self.any_query(depth, top=True)
            if sum(q.occurs.values()) <= self.limit_of and len(q.sql) < 12000:
                break
        else:
            self.new_view()
            q = self.linear([('a', rng.choice(self.base))])
        v = View(self.number, self.schema.name('v%d' % self.number), q, plain)
        v.features = set(self.feat)
        if 'grouping sets' in self.feat and any(f.startswith('subquery in ') for f in self.feat):
            v.features.add('subquery over grouping sets')
        v.hazard = self.e.hazard_used or self.one_hazard
        v.no_data = not plain and rng.random() < 0.06
        v.deferred = not plain and rng.random() < 0.1
        v.column_list = not plain and rng.random() < 0.1
        return v

    def add(self, v):
        self.views.append(v)

    def may_be_refused(self, v):
        """Is there a construct without a rule beside one that may have several right answers?"""
        below, queries = [v], []
        for w in below:
            queries.append(w.query.sql)
            below += [x for x in self.views if x.plain and '[[%d]]' % x.number in w.query.sql and x not in below]
        return self.no_rule(v) and any(SEVERAL.search(sql) for sql in queries)

    def no_rule(self, v):
        """The constructs without a rule in it, and in the plain views that it reads."""
        found = v.features & NO_RULE
        for x in self.views:
            if x.plain and '[[%d]]' % x.number in v.query.sql:
                found |= self.no_rule(x)
        return found

    # ---- what all parts use ----

    def want(self, construct, p):
        """Shall this construct be used here?"""
        p *= self.share(construct)
        if self.rng.random() >= p:
            return False
        self.feat.add(construct)
        return True

    def share(self, construct):
        """How often a construct is used, compared with its usual share."""
        return 5 if construct in self.focus else PROBE if construct in self.rare else 1

    def placed(self, place, make, *args):
        """What make() gives, with place noted as where it stands."""
        before, self.place = self.place, place
        try:
            return make(*args)
        finally:
            self.place = before

    @property
    def extra(self):
        return self.frames[-1]

    @staticmethod
    def query(sql, cols, occurs):
        return Query(sql, cols, occurs)

    # ---- queries ----

    def with_query(self, depth, top=False):
        """WITH a AS (...), b AS (...) SELECT ..."""
        rng = self.rng
        parts, made, before = [], [], list(self.ctes)
        for i in range(rng.choice([1, 1, 2])):
            q = self.any_query(max(depth - 1, 0))
            self.aliases += 1
            name = 'w%d' % self.aliases
            hint = rng.choice(['', '', 'MATERIALIZED ', 'NOT MATERIALIZED '])
            parts.append('%s AS %s(%s)' % (name, hint, q.sql))
            made.append(Relation(name, q.cols, q.occurs))
            self.ctes = before + made
        self.feat.add('cte')
        items = [made[-1]] + ([rng.choice(made)] if rng.random() < 0.35 else [])
        main = self.any_query(max(depth - 1, 0), top=top, force=items)
        self.ctes = before
        return Query('WITH %s %s' % (', '.join(parts), main.sql), main.cols, main.occurs)

    # name, how often, constructs it needs, can be given FROM items
    FORMS = [('linear', 34, None, True), ('grouped', 32, None, True), ('scalar', 7, None, True),
             ('distinct', 9, None, True), ('set_operation', 14, None, False),
             ('grouping_sets', 7, 'grouping sets', True), ('limited', 6, 'limit', True),
             ('distinct_on', 5, 'distinct on', True), ('windowed', 9, 'window', True),
             ('recursive', 4, 'recursive', False), ('documents', 6, 'document', True)]

    def any_query(self, depth, top=False, force=None):
        rng = self.rng
        forms = [f for f in self.FORMS if force is None or f[3]]
        if self.schema.big or len(self.outer) > 2:
            forms = [f for f in forms if f[0] not in ('recursive', 'documents', 'windowed')]
        name = rng.choices([f[0] for f in forms],
                           [f[1] * self.share(f[2]) for f in forms])[0]
        place, self.place = self.place, 'output'
        self.frames.append(Counter())
        if name in ('set_operation', 'recursive'):
            q = getattr(self, name)(depth)
        else:
            q = getattr(self, name)(self.pick_items(self.join_width(), depth, force))
        construct = next(f[2] for f in forms if f[0] == name)
        if construct and construct != 'grouping sets':
            self.feat.add(construct)
        q.occurs = q.occurs + self.frames.pop()
        self.place = place
        if top and name not in ('limited', 'distinct_on', 'recursive') and rng.random() < 0.06 and KINDS[q.cols[0][1]].order \
                and ' LIMIT ' not in q.sql:
            q.sql += ' ORDER BY 1'
        return q

    def join_width(self):
        if self.schema.big:
            return self.rng.choice([1, 1, 2])
        if self.outer:
            return self.rng.choice([1, 1, 2])
        return self.rng.choices([1, 2, 3, 4, 5], [40, 36, 16, 5, 3])[0]
