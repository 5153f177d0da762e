/*-------------------------------------------------------------------------
 *
 * views.c
 *	  Random queries.
 *
 * All of them have one answer: no result depends on an order that is not given,
 * nor on which of several equal values is shown.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stress.h"

#define MAX_ITEMS 4

/* An item of FROM. */
typedef struct Item
{
	int			ncolumns;
	Column		columns[MAX_COLUMNS];
} Item;

typedef struct Maker
{
	Schema	   *schema;
	Rng		   *rng;
	int			depth;			/* of subqueries */
	int			leaves;
	int			level;
}			Maker;

/* A query under construction. */
typedef struct Query
{
	Text		select;
	Text		from;
	Text		where;
	Text		tail;			/* GROUP BY, HAVING, ORDER BY, LIMIT */
	int			nitems;
	Item		items[MAX_ITEMS];
	int			ncolumns;
	Column		columns[MAX_COLUMNS];
} Query;

static void make_query(Maker * m, Text * sql, int *ncolumns, Column * columns);

/* Append an output column. */
static void
output(Query *q, Kind kind, const char *expr)
{
	Column	   *c = &q->columns[q->ncolumns];

	snprintf(c->name, sizeof(c->name), "c%d", q->ncolumns);
	c->kind = kind;
	text_add(&q->select, "%s%s AS %s", q->ncolumns ? ", " : "", expr, c->name);
	q->ncolumns++;
}

/* A random column of one of these kinds; false if there is none. */
static bool
find_column(Maker * m, const Query *q, int from, int to, const char *kinds, char *name, Kind * kind)
{
	for (int try = 0; try < 20; try++)
	{
		int			i = from + rnd(m->rng, to - from);
		const Item *item = &q->items[i];
		const		Column *c = &item->columns[rnd(m->rng, item->ncolumns)];

		if (strchr(kinds, "kivmto"[c->kind]) == NULL)
			continue;
		snprintf(name, 48, "i%d.%s", i, c->name);
		*kind = c->kind;
		return true;
	}
	return false;
}

/* A column as it is shown: of one image. */
static bool
shown(Maker * m, const Query *q, const char *kinds, char *expr, Kind * kind)
{
	char		name[48];

	if (!find_column(m, q, 0, q->nitems, kinds, name, kind))
		return false;
	if (*kind == KIND_IMAGE)
	{
		snprintf(expr, 200, "%s::int4", name);
		*kind = KIND_KEY;
	}
	else
		snprintf(expr, 200, "%s", name);
	return true;
}

static void
copy_columns(Item *item, int n, const Column * columns)
{
	item->ncolumns = n;
	memcpy(item->columns, columns, sizeof(Column) * n);
}

/* Append one item of FROM with its alias. */
static void
add_source(Maker * m, Query *q, Text * text)
{
	Item	   *item = &q->items[q->nitems];
	Schema	   *schema = m->schema;
	int			r = rnd(m->rng, 100);

	if (r < 15 && schema->nviews > 0)
	{
		const		View *view = &schema->views[rnd(m->rng, schema->nviews)];

		if (!view->extra && view->exists && view->level < 3 && m->leaves + view->leaves <= 5)
		{
			text_add(text, "%s i%d", view->name, q->nitems);
			copy_columns(item, view->ncolumns, view->columns);
			m->leaves += view->leaves;
			if (m->level <= view->level)
				m->level = view->level + 1;
			q->nitems++;
			return;
		}
	}
	else if (r < 30 && m->depth < 2)
	{
		Column		columns[MAX_COLUMNS];
		int			n;
		Text		sql = {0};

		make_query(m, &sql, &n, columns);
		text_add(text, "(%s) i%d", sql.data, q->nitems);
		text_free(&sql);
		copy_columns(item, n, columns);
		q->nitems++;
		return;
	}
	text_add(text, "%s i%d", table_or_leaf(&schema->tables[rnd(m->rng, schema->ntables)], m->rng, 10), q->nitems);
	copy_columns(item, ntable_columns, table_columns);
	m->leaves++;
	q->nitems++;
}

/* The condition that joins the last item with those before. */
static void
join_condition(Maker * m, const Query *q, Text * text, bool full)
{
	char		l[48],
				r[48];
	Kind		kind;
	int			last = q->nitems - 1;
	/* the server itself joins both sides in full by equality only */
	bool		equal = full || !chance(m->rng, 8);

	if (!find_column(m, q, 0, last, "ki", l, &kind) || !find_column(m, q, last, last + 1, "ki", r, &kind))
	{
		if (find_column(m, q, 0, last, "t", l, &kind) && find_column(m, q, last, last + 1, "t", r, &kind))
			text_add(text, "%s = %s", l, r);
		else
			text_add(text, "true");
		return;
	}
	if (chance(m->rng, 6))
		text_add(text, "%s + 1 = %s", l, r);
	else
		text_add(text, "%s %s %s", l, equal ? "=" : "<", r);
	if (chance(m->rng, 25) && find_column(m, q, 0, last, "ki", l, &kind) &&
		find_column(m, q, last, last + 1, "ki", r, &kind))
		text_add(text, " AND %s %s %s", l, chance(m->rng, 70) ? "=" : "<=", r);
}

static void
make_from(Maker * m, Query *q)
{
	static const int counts[] = {1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 4};
	int			n = m->depth > 1 ? 1 + rnd(m->rng, 2) : counts[rnd(m->rng, 12)];

	add_source(m, q, &q->from);
	while (q->nitems < n && m->leaves < 5)
	{
		int			r = rnd(m->rng, 100);
		bool		full = r >= 93;

		text_add(&q->from, r < 68 ? " JOIN " : r < 88 ? " LEFT JOIN " : r < 93 ? " RIGHT JOIN " : " FULL JOIN ");
		add_source(m, q, &q->from);
		text_add(&q->from, " ON ");
		join_condition(m, q, &q->from, full);
	}
}

/* A condition of WHERE. */
static void
make_condition(Maker * m, Query *q, Text * text)
{
	char		l[48];
	Kind		kind;
	int			r = rnd(m->rng, 100);
	const char *other = m->schema->tables[rnd(m->rng, m->schema->ntables)].name;

	if (r < 55 || !find_column(m, q, 0, q->nitems, "k", l, &kind) || m->leaves > 3)
	{
		if (find_column(m, q, 0, q->nitems, "v", l, &kind))
			text_add(text, "%s %s %d", l, chance(m->rng, 50) ? ">" : "<>", rnd(m->rng, 20));
		else if (find_column(m, q, 0, q->nitems, "k", l, &kind))
			text_add(text, "%s %s %d", l, chance(m->rng, 50) ? "<" : "=", rnd(m->rng, 6));
		else
			text_add(text, "true");
		return;
	}
	m->leaves++;
	if (r < 75)
		text_add(text, "%sEXISTS (SELECT 1 FROM %s e WHERE e.%c = %s%s)", chance(m->rng, 50) ? "NOT " : "",
				 other, "abg"[rnd(m->rng, 3)], l, chance(m->rng, 30) ? " AND e.x > 5" : "");
	else if (r < 90)
		text_add(text, "%s %sIN (SELECT e.%c FROM %s e)", l, chance(m->rng, 40) ? "NOT " : "",
				 "abg"[rnd(m->rng, 3)], other);
	else
		text_add(text, "%s <= (SELECT %s(e.g) FROM %s e%s)", l, chance(m->rng, 50) ? "max" : "count", other,
				 chance(m->rng, 50) ? " WHERE e.x > 5" : "");
}

static void
make_where(Maker * m, Query *q)
{
	if (!chance(m->rng, 45))
		return;
	text_add(&q->where, " WHERE ");
	make_condition(m, q, &q->where);
	if (chance(m->rng, 20))
	{
		text_add(&q->where, chance(m->rng, 70) ? " AND " : " OR ");
		make_condition(m, q, &q->where);
	}
}

/* SELECT list of columns and simple expressions. */
static void
plain_columns(Maker * m, Query *q, int n)
{
	char		e[200],
				f[260];
	Kind		kind;

	while (n-- > 0)
	{
		if (!shown(m, q, "kivmto", e, &kind))
			continue;
		if (kind == KIND_VALUE && chance(m->rng, 30))
		{
			snprintf(f, sizeof(f), "%s * 2 + 1", e);
			output(q, KIND_VALUE, f);
		}
		else if (chance(m->rng, 10))
		{
			snprintf(f, sizeof(f), "coalesce(%s::text, 'none')", e);
			output(q, KIND_TEXT, f);
		}
		else
			output(q, kind, e);
	}
	if (q->ncolumns == 0)
		output(q, KIND_VALUE, "1");
}

static void
aggregate(Maker * m, Query *q)
{
	char		e[200],
				f[700];
	Kind		kind;
	int			r = rnd(m->rng, 100);
	char		filter[230] = "";

	if (r < 25 || !shown(m, q, "kvm", e, &kind))
	{
		output(q, KIND_VALUE, "count(*)::int4");
		return;
	}
	if (chance(m->rng, 12))
		snprintf(filter, sizeof(filter), " FILTER (WHERE %s > 2)", e);
	if (r < 45)
	{
		snprintf(f, sizeof(f), "sum(%s)%s", e, filter);
		output(q, KIND_OTHER, f);
	}
	else if (r < 70)
	{
		snprintf(f, sizeof(f), "%s(%s)%s", chance(m->rng, 50) ? "min" : "max", e, filter);
		output(q, kind, f);
	}
	else if (r < 82)
	{
		snprintf(f, sizeof(f), "%s(%s)", chance(m->rng, 50) ? "avg" : "count", e);
		output(q, KIND_OTHER, f);
	}
	else if (r < 90)
	{
		snprintf(f, sizeof(f), "count(DISTINCT %s)::int4", e);
		output(q, KIND_VALUE, f);
	}
	else
	{
		snprintf(f, sizeof(f), "string_agg(%s::text, ',' ORDER BY %s)", e, e);
		output(q, KIND_TEXT, f);
	}
}

static void
group_shape(Maker * m, Query *q)
{
	char		e[200];
	Kind		kind;
	int			nkeys = chance(m->rng, 12) ? 0 : 1 + rnd(m->rng, 2);
	Text		keys = {0};

	for (int i = 0; i < nkeys; i++)
	{
		if (!shown(m, q, "kit", e, &kind))
			continue;
		text_add(&keys, "%s%s", keys.len ? ", " : "", e);
		if (!chance(m->rng, 10))
			output(q, kind, e);
	}
	for (int i = 1 + rnd(m->rng, 3); i > 0; i--)
		aggregate(m, q);
	if (keys.len)
		text_add(&q->tail, " GROUP BY %s", keys.data);
	if (chance(m->rng, 12))
		text_add(&q->tail, " HAVING count(*) > %d", rnd(m->rng, 3));
	text_free(&keys);
}

/* ORDER BY all columns: which rows are first is then no matter of chance. */
static void
order_by_all(Query *q)
{
	text_add(&q->tail, " ORDER BY ");
	for (int i = 0; i < q->ncolumns; i++)
		text_add(&q->tail, "%s%d", i ? ", " : "", i + 1);
}

static void
window_shape(Maker * m, Query *q)
{
	char		p[200],
				o[200],
				f[600];
	Kind		kind;

	plain_columns(m, q, 1 + rnd(m->rng, 3));
	if (!shown(m, q, "ki", p, &kind) || !shown(m, q, "kv", o, &kind))
		return;
	switch (rnd(m->rng, 3))
	{
		case 0:
			snprintf(f, sizeof(f), "rank() OVER (PARTITION BY %s ORDER BY %s)", p, o);
			break;
		case 1:
			snprintf(f, sizeof(f), "sum(%s) OVER (PARTITION BY %s)", o, p);
			break;
		default:
			snprintf(f, sizeof(f), "count(*) OVER (PARTITION BY %s ORDER BY %s)", p, o);
			break;
	}
	output(q, KIND_OTHER, f);
}

static void
make_select(Maker * m, Text * sql, int *ncolumns, Column * columns)
{
	Query		q = {0};
	int			r = rnd(m->rng, 100);
	const char *distinct = "";

	make_from(m, &q);
	make_where(m, &q);
	if (r < 40)
		plain_columns(m, &q, 1 + rnd(m->rng, 4));
	else if (r < 75)
		group_shape(m, &q);
	else if (r < 86)
	{
		plain_columns(m, &q, 1 + rnd(m->rng, 2));
		distinct = "DISTINCT ";
	}
	else if (r < 93)
		window_shape(m, &q);
	else
	{
		plain_columns(m, &q, 1 + rnd(m->rng, 3));
		order_by_all(&q);
		if (chance(m->rng, 70))
			text_add(&q.tail, " LIMIT %d", 1 + rnd(m->rng, 8));
	}
	text_add(sql, "SELECT %s%s FROM %s%s%s", distinct, q.select.data, q.from.data,
			 q.where.data ? q.where.data : "", q.tail.data ? q.tail.data : "");
	*ncolumns = q.ncolumns;
	memcpy(columns, q.columns, sizeof(Column) * q.ncolumns);
	text_free(&q.select);
	text_free(&q.from);
	text_free(&q.where);
	text_free(&q.tail);
}

/* Two queries brought to one column of text and one of integers. */
static void
set_operation(Maker * m, Text * sql, int *ncolumns, Column * columns)
{
	static const char *const ops[] = {"UNION ALL", "UNION", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL"};
	const char *op = ops[chance(m->rng, 60) ? rnd(m->rng, 2) : rnd(m->rng, 6)];

	for (int i = 0; i < 2; i++)
	{
		Text		part = {0};
		Column		c[MAX_COLUMNS];
		int			n;

		make_select(m, &part, &n, c);
		text_add(sql, "%s SELECT x%d.c0::text AS c0, (x%d.c%d IS NULL)::int4 AS c1 FROM (%s) x%d",
				 i ? op : "", i, i, n - 1, part.data, i);
		if (i == 0)
			text_add(sql, " ");
		text_free(&part);
	}
	*ncolumns = 2;
	snprintf(columns[0].name, sizeof(columns[0].name), "c0");
	columns[0].kind = KIND_TEXT;
	snprintf(columns[1].name, sizeof(columns[1].name), "c1");
	columns[1].kind = KIND_KEY;
}

static void
make_query(Maker * m, Text * sql, int *ncolumns, Column * columns)
{
	m->depth++;
	if (chance(m->rng, 12) && m->leaves < 3)
		set_operation(m, sql, ncolumns, columns);
	else
		make_select(m, sql, ncolumns, columns);
	m->depth--;
}

View *
view_make(Schema * schema, Rng * rng)
{
	Maker		m = {schema, rng, 0, 0, 0};
	View	   *view = &schema->views[schema->nviews];
	Text		sql = {0};

	memset(view, 0, sizeof(View));
	snprintf(view->name, sizeof(view->name), "v%d", schema->nviews);
	make_query(&m, &sql, &view->ncolumns, view->columns);
	view->query = sql.data;
	view->leaves = m.leaves;
	view->level = m.level;
	schema->nviews++;
	return view;
}

void
view_difference(const View * view, Text * sql)
{
	text_add(sql, "WITH q AS MATERIALIZED (%s), v AS MATERIALIZED (TABLE %s)"
			 " SELECT count(*) FROM ((SELECT q::text FROM q EXCEPT ALL SELECT v::text FROM v)"
			 " UNION ALL (SELECT v::text FROM v EXCEPT ALL SELECT q::text FROM q)) d",
			 view->query, view->name);
}
