"""Random expressions, predicates and aggregates over typed columns.

Everything generated here is deterministic (equal input bags give one result image) and raises no error
on any data the schemas can hold, save for the marked hazards: a denominator written as
HAZARD(expression), which the caller renders as it stands or guarded against zero, and the output of
a subquery that may have more rows than one, marked ONE(expression).
"""

from schema import KINDS, lit

HAZARD_OPEN, HAZARD_CLOSE = '\u27e8', '\u27e9'      # around a denominator that may be zero
ONE_OPEN, ONE_CLOSE = '\u27ea', '\u27eb'            # around the output of a subquery that may have many rows


def ends_with_filter(sql):
    """Is the last parenthesis that of a FILTER?"""
    depth = 0
    for i in range(len(sql) - 1, -1, -1):
        depth += {')': 1, '(': -1}.get(sql[i], 0)
        if depth == 0:
            return sql[:i].endswith('FILTER ')
    return False


class Col:
    """A column or expression visible to a query: its SQL, its kind, whether a bare base column."""

    def __init__(self, sql, kind, table=None, base=None, short=None):
        self.sql, self.kind, self.short = sql, kind, short
        self.table, self.base = table, base         # alias and base Column, for a bare column


# Kinds only queries make.  They differ from their parents in what is safe to do with them.
for _name, _parent, _key in [('ivfree', 'interval', False), ('jsonbf', 'jsonb', False)]:
    _k = KINDS[_parent]
    KINDS[_name] = type(_k)(_name, _k.types, _k.values, key=_key, weight=0)

# shown, but never computed with: sums of such floats would depend on their order
KINDS['opaque'] = type(_k)('opaque', ['float8'], ['0'], key=False, order=False, weight=0)
KINDS['opaque text'] = type(_k)('opaque text', ['text'], ["''"], key=False, order=False, weight=0)

KEY_KINDS = [k.name for k in KINDS.values() if k.key]
JSON_SAFE = ['int', 'text', 'bool', 'date', 'ts', 'tstz', 'enum', 'dom', 'tdom', 'uuid', 'jsonb', 'intarr', 'textarr',
             'char', 'float', 'num0']


class Exprs:
    def __init__(self, rng, hazards=True, maker=None):
        self.rng = rng
        self.maker = maker              # makes subqueries
        self.allow_hazards = hazards
        self.hazard_used = False

    # ---- picking columns ----

    def of(self, cols, *kinds):
        """A random column of one of these kinds, or None."""
        found = [c for c in cols if c.kind in kinds]
        return self.rng.choice(found) if found else None

    def const(self, kind):
        return self.rng.choice(KINDS[kind].values)

    # ---- scalar expressions ----

    def expr(self, cols, depth=2):
        """A random expression over cols: Col."""
        rng = self.rng
        if depth > 0 and self.maker and self.maker.may_sub(self.maker.place, 0.1):
            got = self.maker.scalar_sub(cols)
            if got is not None:
                return got
        if rng.random() < 0.5 or depth == 0:
            return rng.choice(cols)
        for _ in range(8):
            kind = rng.choice(['int', 'int', 'num', 'num2', 'text', 'text', 'text', 'bool', 'date', 'ts', 'tstz',
                               'jsonb', 'jsonb', 'json', 'intarr', 'textarr', 'float', 'interval'])
            sql = getattr(self, 'make_' + kind)(cols, depth)
            if sql is not None:
                if isinstance(sql, Col):
                    return sql
                return Col(sql, kind)
        return rng.choice(cols)

    def make_int(self, cols, depth):
        rng = self.rng
        a = self.of(cols, 'int', 'dom')
        t = self.of(cols, 'text', 'tdom')
        r = rng.random()
        if self.allow_hazards and not self.maker.outer and a and r < 0.04:
            self.hazard_used = True
            return '60 / %s(%s - %d)%s' % (HAZARD_OPEN, a.sql, rng.choice([5, 6]), HAZARD_CLOSE)
        if t and r < 0.2:
            return rng.choice(['length(%s)', 'coalesce(length(%s), -1)', 'ascii(%s)', 'position(\'b\' in %s)']) % t.sql
        arr = self.of(cols, 'intarr')
        if arr and r < 0.35:
            return rng.choice(['%s[1]', 'cardinality(%s)', 'coalesce(array_length(%s, 1), 0)']) % arr.sql
        if a is None:
            return None
        b = self.of(cols, 'int', 'dom')
        s, u = a.sql, b.sql
        return rng.choice([
            '%s + 1' % s, '%s * 2' % s, 'coalesce(%s, 0)' % s, 'abs(%s)' % s, '%s %% 5' % s, '- %s' % s,
            '(%s + %s)' % (s, u), '(%s - %s)' % (s, u), 'nullif(%s, 1)' % s, 'greatest(%s, %s)' % (s, u),
            'bump(%s)' % s, 'CASE WHEN %s THEN %s ELSE %s END' % (self.pred(cols, depth - 1), s, u),
            '%s::int8' % s, 'CASE %s WHEN 1 THEN 10 WHEN 2 THEN 20 END' % s, '(%s & 3)' % s,
            '%s / 2' % s, '(%s IS NULL)::int' % s])

    def make_num(self, cols, depth):
        a, b = self.of(cols, 'num', 'num2', 'num0'), self.of(cols, 'num', 'num2', 'num0')
        if a is None:
            return None
        return self.rng.choice(['%s + %s' % (a.sql, b.sql), '%s * 1.5' % a.sql, 'coalesce(%s, 0)' % a.sql,
                                'round(%s, 1)' % a.sql, '%s / 3' % a.sql, '(%s - %s)' % (a.sql, b.sql),
                                'CASE WHEN %s > 1 THEN %s ELSE 0.5 END' % (a.sql, b.sql)])

    def make_num2(self, cols, depth):
        a, b = self.of(cols, 'num2'), self.of(cols, 'num2')
        if a is None:
            return None
        n = self.of(cols, 'int') or Col('2', 'int')
        return self.rng.choice(['(%s + %s)' % (a.sql, b.sql), '%s * %s' % (a.sql, n.sql), 'coalesce(%s, 0.00)' % a.sql,
                                '- %s' % a.sql, '%s::numeric(12,2)' % a.sql])

    def make_text(self, cols, depth):
        rng = self.rng
        r = rng.random()
        a, b = self.of(cols, 'text', 'tdom'), self.of(cols, 'text', 'tdom')
        if a is None or r < 0.3:
            x = self.of(cols, 'int', 'date', 'ts', 'tstz', 'bool', 'enum', 'num2', 'uuid', 'interval', 'jsonb')
            if x is None:
                return None
            if x.kind == 'int':
                return rng.choice(['label(%s)', '%s::text', "'#' || %s", "to_char(%s, 'FM000')"]) % x.sql
            if x.kind in ('date', 'ts', 'tstz'):
                return rng.choice(["to_char(%s, 'YYYY-MM')", '%s::text', "extract(year FROM %s)::text"]) % x.sql
            if x.kind == 'jsonb':
                return rng.choice(["%s ->> 'a'", '%s::text', 'jsonb_typeof(%s)']) % x.sql
            return '%s::text' % x.sql
        s, u = a.sql, b.sql
        return rng.choice(['upper(%s)' % s, "%s || '!'" % s, "coalesce(%s, '-')" % s, 'lower(%s) || %s' % (s, u),
                           'left(%s, 2)' % s, 'reverse(%s)' % s, "replace(%s, 'a', 'zz')" % s,
                           "coalesce(%s, %s, 'none')" % (s, u), 'md5(%s)' % s, "nullif(%s, '')" % s,
                           "concat(%s, '/', %s)" % (s, u), "format('%%s-%%s', %s, %s)" % (s, u),
                           'CASE WHEN %s THEN %s END' % (self.pred(cols, depth - 1), s), 'trim(%s)' % s,
                           "CASE WHEN %s LIKE 'a%%' THEN 'A' ELSE %s END" % (s, u)])

    def make_bool(self, cols, depth):
        return '(%s)' % self.pred(cols, depth - 1)

    def make_date(self, cols, depth):
        a = self.of(cols, 'date')
        z = self.of(cols, 'ts', 'tstz')
        if z and self.rng.random() < 0.5:
            return '%s::date' % z.sql
        if a is None:
            return None
        b = self.of(cols, 'date')
        return self.rng.choice(['%s + 1' % a.sql, "coalesce(%s, '2000-01-01')" % a.sql,
                                'greatest(%s, %s)' % (a.sql, b.sql)])

    def make_ts(self, cols, depth):
        a = self.of(cols, 'ts')
        if a is None:
            return None
        return self.rng.choice(["date_trunc('day', %s)", "%s + interval '90 min'", "date_trunc('month', %s)"]) % a.sql

    def make_tstz(self, cols, depth):
        a = self.of(cols, 'tstz')
        if a is None:
            return None
        return self.rng.choice(["date_trunc('day', %s)", "%s + interval '1 day'",
                                "coalesce(%s, '2020-01-01 00:00+00'::timestamptz)",
                                "(%s AT TIME ZONE 'Asia/Tokyo') AT TIME ZONE 'UTC'"]) % a.sql

    def make_interval(self, cols, depth):
        a = self.of(cols, 'interval')
        return '%s * 2' % a.sql if a else None

    def make_jsonb(self, cols, depth):
        rng = self.rng
        j = self.of(cols, 'jsonb')
        if j and rng.random() < 0.35:
            return rng.choice(["%s -> 'a'", "coalesce(%s, '{}')", "jsonb_build_array(%s, 1)",
                               "jsonb_strip_nulls(%s)"]) % j.sql
        parts, safe = [], True
        for i in range(rng.randint(1, 3)):
            c = rng.choice(cols)
            if c.kind not in JSON_SAFE:
                safe = False
            parts.append((rng.choice('abcdxyz') + str(i), c.sql))
        r = rng.random()
        if r < 0.55:
            sql = 'jsonb_build_object(%s)' % ', '.join('%s, %s' % (lit(k), v) for k, v in parts)
        elif r < 0.75:
            sql = 'to_jsonb(%s)' % parts[0][1]
        else:
            sql = 'jsonb_build_array(%s)' % ', '.join(v for _, v in parts)
        return Col(sql, 'jsonb' if safe else 'jsonbf')

    def make_json(self, cols, depth):
        c, d = self.rng.choice(cols), self.rng.choice(cols)
        return self.rng.choice(["json_build_object('k', %s, 'l', %s)" % (c.sql, d.sql), 'to_json(%s)' % c.sql,
                                'json_build_array(%s, %s)' % (c.sql, d.sql)])

    def make_intarr(self, cols, depth):
        a, b, r = self.of(cols, 'int'), self.of(cols, 'int', 'dom'), self.of(cols, 'intarr')
        if r and self.rng.random() < 0.5:
            return self.rng.choice(['%s || 9', 'array_append(%s, NULL)', 'coalesce(%s, \'{}\')']) % r.sql
        return 'ARRAY[%s, %s]::int[]' % (a.sql, b.sql) if a and b else None

    def make_textarr(self, cols, depth):
        a, b = self.of(cols, 'text'), self.of(cols, 'text')
        return "ARRAY[%s, %s, 'z']::text[]" % (a.sql, b.sql) if a else None

    def make_float(self, cols, depth):
        a = self.of(cols, 'float')
        return self.rng.choice(['%s * 2', '%s + 0.5', 'coalesce(%s, 0.5)']) % a.sql if a else None

    # ---- predicates ----

    def pred(self, cols, depth=2):
        """A boolean expression over cols."""
        rng = self.rng
        if depth > 0 and self.maker and self.maker.may_sub(self.maker.place, 0.22):
            return self.maker.pred_sub(cols)
        r = rng.random()
        if depth > 0 and r < 0.16:
            return '(%s %s %s)' % (self.pred(cols, depth - 1), rng.choice(['AND', 'OR']), self.pred(cols, depth - 1))
        if depth > 0 and r < 0.2:
            return 'NOT (%s)' % self.pred(cols, depth - 1)
        c = rng.choice(cols)
        if r < 0.3:
            return '%s IS %sNULL' % (c.sql, rng.choice(['', 'NOT ']))
        if c.kind == 'bool':
            return rng.choice(['%s', 'NOT %s', '%s IS NOT TRUE', 'coalesce(%s, false)']) % c.sql
        if c.kind in ('text', 'tdom') and r < 0.5:
            return c.sql + rng.choice([" LIKE 'a%'", " NOT LIKE '%b%'", " ~ '^[ab]'", " ILIKE 'B'"])
        if c.kind == 'jsonb' and r < 0.8:
            return c.sql + rng.choice([" @> '{\"a\":1}'", " ? 'a'", " <> '[]'"])
        if c.kind == 'intarr' and r < 0.8:
            return rng.choice(["%s && '{1,3}'", '2 = ANY (%s)', "%s @> '{2}'"]) % c.sql
        if not KINDS[c.kind].order:
            return '%s IS NOT NULL' % c.sql
        if c.kind in ('jsonb', 'jsonbf', 'textarr', 'intarr', 'ivfree', 'bytea'):
            return '%s IS NOT NULL' % c.sql
        other = self.of([x for x in cols if x is not c], c.kind)
        if other and r < 0.55:
            return '%s %s %s' % (c.sql, rng.choice(['=', '<>', '<', '>=', 'IS DISTINCT FROM', 'IS NOT DISTINCT FROM']),
                                 other.sql)
        k = self.const(c.kind)
        if r < 0.72:
            return '%s IN (%s)' % (c.sql, ', '.join(self.const(c.kind) for _ in range(rng.randint(1, 3))))
        if r < 0.78:
            return '%s BETWEEN %s AND %s' % (c.sql, k, self.const(c.kind))
        return '%s %s %s' % (c.sql, rng.choice(['=', '<>', '<', '<=', '>', '>=']), k)

    # ---- aggregates ----

    def aggregate(self, cols):
        """One aggregate call: Col (its kind is that of the result)."""
        return self.maker.placed('aggregate', self.make_aggregate, cols)

    def make_aggregate(self, cols):
        rng = self.rng
        for _ in range(20):
            got = rng.choice(self.AGGREGATES)(self, cols)
            if got is None:
                continue
            sql, kind = got
            if rng.random() < 0.18:
                p = self.pred(cols, 1)
                if ends_with_filter(sql):
                    sql = sql[:-1] + ' AND (%s))' % p
                elif sql.endswith('::int8'):
                    sql = '(%s FILTER (WHERE %s))::int8' % (sql[:-6], p)
                else:
                    sql += ' FILTER (WHERE %s)' % p
            return Col(sql, kind)
        return Col('count(*)', 'int')

    def argument(self, cols, *kinds):
        """An argument of one of these kinds: a column, sometimes an expression."""
        if self.rng.random() < 0.25:
            e = self.expr(cols, 1)
            if e.kind in kinds:
                return e
        return self.of(cols, *kinds)

    def a_count(self, cols):
        return 'count(*)', 'int'

    def a_count_x(self, cols):
        c = self.argument(cols, *KINDS)
        return 'count(%s)' % c.sql, 'int'

    def a_count_distinct(self, cols):
        c = self.argument(cols, *[k for k in KEY_KINDS] + ['num'])
        return ('count(DISTINCT %s)' % c.sql, 'int') if c else None

    def a_sum(self, cols):
        c = self.argument(cols, 'int', 'num', 'num2', 'float', 'interval', 'dom', 'num0')
        if c is None:
            return None
        kind = {'int': 'num0', 'dom': 'num0', 'interval': 'ivfree'}.get(c.kind, c.kind)
        return 'sum(%s)' % c.sql, kind

    def a_sum_int(self, cols):
        c = self.argument(cols, 'int')
        return ('sum(%s)::int8' % c.sql, 'int') if c and self.rng.random() < 0.5 else None

    def a_avg(self, cols):
        c = self.argument(cols, 'int', 'num', 'num2', 'float', 'interval')
        if c is None:
            return None
        return 'avg(%s)' % c.sql, {'float': 'opaque', 'interval': 'ivfree'}.get(c.kind, 'num')

    def a_extreme(self, cols):
        c = self.argument(cols, 'int', 'num2', 'text', 'char', 'date', 'ts', 'tstz', 'interval', 'enum', 'float',
                          'dom', 'tdom', 'intarr', 'textarr', 'num0')
        if c is None:
            return None
        return '%s(%s)' % (self.rng.choice(['min', 'max']), c.sql), {'dom': 'int', 'tdom': 'text'}.get(c.kind, c.kind)

    def a_variance(self, cols):
        c = self.argument(cols, 'int', 'num', 'num2')
        if c is None:
            return None
        f = self.rng.choice(['variance', 'stddev_samp', 'stddev_pop', 'var_pop', 'stddev', 'var_samp'])
        return '%s(%s)' % (f, c.sql), 'num'

    def a_bool(self, cols):
        return '%s(%s)' % (self.rng.choice(['bool_and', 'bool_or', 'every']), self.pred(cols, 1)), 'bool'

    def a_bit(self, cols):
        c = self.of(cols, 'int')
        return ('%s(%s)' % (self.rng.choice(['bit_and', 'bit_or', 'bit_xor']), c.sql), 'int') if c else None

    def direction(self):
        return self.rng.choice(['', '', ' DESC', ' NULLS FIRST', ' DESC NULLS LAST'])

    def a_array(self, cols):
        c = self.argument(cols, 'int', 'text')
        if c is None:
            return None
        cast, kind = ('::int', 'intarr') if c.kind == 'int' else ('::text', 'textarr')
        if self.rng.random() < 0.3:
            return 'array_agg(DISTINCT (%s)%s)' % (c.sql, cast), kind
        return 'array_agg((%s)%s ORDER BY %s%s)' % (c.sql, cast, c.sql, self.direction()), kind

    def a_string(self, cols):
        c = self.argument(cols, 'text')
        if c is None:
            return None
        if self.rng.random() < 0.3:
            return "string_agg(DISTINCT (%s)::text, ',')" % c.sql, 'text'
        return "string_agg(%s, ',' ORDER BY %s%s)" % (c.sql, c.sql, self.direction()), 'text'

    def sort_all(self, cols):
        """ORDER BY that decides everything about rows made of these columns."""
        keys = []
        for c in cols:
            if c.kind in ('json',):
                keys.append('%s::text' % c.sql)
            elif KINDS[c.kind].key:
                keys.append(c.sql + self.direction())
            else:
                keys += [c.sql, '%s::text' % c.sql]
        return ', '.join(keys)

    def a_json(self, cols):
        some = [self.rng.choice(cols) for _ in range(self.rng.randint(1, 3))]
        js = self.rng.choice(['json', 'jsonb'])
        if len(some) == 1:
            arg = some[0].sql
        else:
            arg = '%s_build_object(%s)' % (js, ', '.join("'%s%d', %s" % ('f', i, c.sql) for i, c in enumerate(some)))
        safe = all(c.kind in JSON_SAFE for c in some)
        return '%s_agg(%s ORDER BY %s)' % (js, arg, self.sort_all(some)), \
            'json' if js == 'json' else 'jsonb' if safe else 'jsonbf'

    def a_object(self, cols):
        k, v = self.of(cols, 'text', 'int', 'date', 'enum', 'uuid'), self.rng.choice(cols)
        if k is None:
            return None
        js = self.rng.choice(['json', 'jsonb'])
        return '%s_object_agg((%s)::text, %s ORDER BY %s) FILTER (WHERE %s IS NOT NULL)' % (
            js, k.sql, v.sql, self.sort_all([k, v]), k.sql), \
            'json' if js == 'json' else 'jsonb' if v.kind in JSON_SAFE else 'jsonbf'

    def a_percentile(self, cols):
        rng = self.rng
        if rng.random() < 0.4:
            c = self.of(cols, 'float')
            return ('percentile_cont(%s) WITHIN GROUP (ORDER BY %s)' % (rng.choice(['0.5', '0.25']), c.sql), 'float') \
                if c else None
        c = self.argument(cols, 'int', 'num2', 'text', 'date', 'tstz', 'enum')
        return ('percentile_disc(%s) WITHIN GROUP (ORDER BY %s)' % (rng.choice(['0.5', '0', '0.9']), c.sql), c.kind) \
            if c else None

    def a_user(self, cols):
        c = self.argument(cols, 'int')
        return self.rng.choice([('hash_all(%s)' % c.sql, 'int'), ('inv_sum(%s)' % c.sql, 'text')]) if c else None

    def a_distinct_sum(self, cols):
        c = self.of(cols, 'int', 'num2')
        if c is None:
            return None
        f = self.rng.choice(['sum', 'avg'])
        return '%s(DISTINCT %s)' % (f, c.sql), 'num' if f == 'avg' else 'num0' if c.kind == 'int' else 'num2'

    AGGREGATES = [a_count] * 3 + [a_count_x] * 2 + [a_count_distinct] + [a_sum] * 4 + [a_sum_int, a_avg, a_avg] + \
        [a_extreme] * 4 + [a_variance, a_bool, a_bool, a_bit, a_array, a_array, a_string, a_json, a_json, a_object,
                           a_percentile, a_user, a_distinct_sum]

    def over_aggregates(self, cols):
        """An expression over aggregates: Col."""
        rng = self.rng
        a = self.aggregate(cols)
        r = rng.random()
        if r < 0.12:
            return Col("jsonb_build_object('n', count(*), 'a', %s)" % a.sql, 'jsonbf')
        if r < 0.2 and a.kind in ('text', 'date'):
            return Col('CASE WHEN count(*) > 1 THEN %s END' % a.sql, a.kind)
        if a.kind in ('int', 'num0'):
            if r < 0.35:
                return Col('%s + count(*)' % a.sql, 'num0')
            if r < 0.5:
                return Col('coalesce(%s, 0)' % a.sql, 'num0')
            if r < 0.6:
                return Col('%s / nullif(count(*), 0)::numeric' % a.sql, 'num')
            return Col("'=' || %s" % a.sql, 'text')
        if a.kind in ('num', 'num2'):
            if r < 0.5:
                return Col('coalesce(%s, 0)' % a.sql, 'num')
            return Col('round(%s, 2)' % a.sql, 'num')
        if a.kind == 'text':
            return Col("coalesce(%s, '?')" % a.sql, 'text')
        if a.kind == 'bool':
            return Col('NOT %s' % a.sql, 'bool')
        if a.kind == 'intarr':
            return Col('cardinality(%s)' % a.sql, 'int')
        return a

    def having(self, cols):
        return self.maker.placed('aggregate', self.make_having, cols)

    def make_having(self, cols):
        rng = self.rng
        n = self.of(cols, 'int', 'num2')
        choices = ['count(*) > %d' % rng.randint(1, 3), 'count(*) %% 2 = %d' % rng.randint(0, 1),
                   'bool_or(%s)' % self.pred(cols, 1), 'count(*) < 4']
        if n:
            choices += ['sum(%s) > %d' % (n.sql, rng.randint(0, 6)), 'max(%s) IS NOT NULL' % n.sql,
                        'min(%s) < %d' % (n.sql, rng.randint(0, 4)), 'count(%s) <> count(*)' % n.sql,
                        'avg(%s) >= 1' % n.sql]
        return rng.choice(choices)
