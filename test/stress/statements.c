/*-------------------------------------------------------------------------
 *
 * statements.c
 *	  Random statements that write, compare, or change views.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>

#include "stress.h"

#define LEAVES 25				/* percent of statements on leaves, where there are any */

static const Table *
any_table(const Schema * schema, Rng * rng)
{
	return &schema->tables[rnd(rng, schema->ntables)];
}

/* A value of a column, as SQL. */
static void
value(Text * sql, const Table * table, const char *column, const Schema * schema, Rng * rng)
{
	switch (column[0])
	{
		case 'a':
			if (table->parent >= 0)
			{
				if (chance(rng, 20))
					text_add(sql, "NULL");
				else
					text_add(sql, "(SELECT id FROM %s ORDER BY id OFFSET %d LIMIT 1)",
							 schema->tables[table->parent].name, rnd(rng, 5));
				return;
			}
			/* FALLTHROUGH */
		case 'b':
			if (chance(rng, 5))
				text_add(sql, "NULL");
			else
				text_add(sql, "%d%s", rnd(rng, table->domain),
						 column[0] == 'b' && chance(rng, 30) ? ".00" : "");
			return;
		case 'g':
			if (chance(rng, 5))
				text_add(sql, "NULL");
			else
				text_add(sql, "%d", rnd(rng, 4));
			return;
		case 'x':
			text_add(sql, "%d", rnd(rng, 30));
			return;
		case 'y':
			text_add(sql, "%d.%02d", rnd(rng, 20), rnd(rng, 100));
			return;
		default:
			text_add(sql, "'t%d'", rnd(rng, 4));
	}
}

/* A key: one that no other session makes, or one of few. */
static int
new_id(Rng * rng, int n)
{
	return chance(rng, 70) ? 1000 * (n + 1) + rnd(rng, 1000) : rnd(rng, 40);
}

static void
predicate(Text * sql, const Table * table, Rng * rng)
{
	int			r = rnd(rng, 100);

	if (r < 35)
		text_add(sql, "id = %d", rnd(rng, 40));
	else if (r < 50)
		text_add(sql, "a = %d", rnd(rng, table->domain));
	else if (r < 65)
		text_add(sql, "b = %d", rnd(rng, table->domain));
	else if (r < 80)
		text_add(sql, "g = %d AND x %% 3 = %d", rnd(rng, 4), rnd(rng, 3));
	else if (r < 90)
		text_add(sql, "x = %d", rnd(rng, 30));
	else
		text_add(sql, "id > 999 AND id %% 5 = %d", rnd(rng, 5));
}

static void
row(Text * sql, const Table * table, const Schema * schema, Rng * rng, int n)
{
	text_add(sql, "(%d", new_id(rng, n));
	for (int i = 1; i < ntable_columns; i++)
	{
		text_add(sql, ", ");
		value(sql, table, table_columns[i].name, schema, rng);
	}
	text_add(sql, ")");
}

static void
insert(Text * sql, const Schema * schema, Rng * rng, int n)
{
	const		Table *table = any_table(schema, rng);
	const char *name = table_or_leaf(table, rng, LEAVES);
	int			rows = chance(rng, 70) ? 1 : 1 + rnd(rng, 4);

	if (chance(rng, 6))
	{
		text_add(sql, "INSERT INTO %s " COLUMNS " SELECT %d + i, NULL, i %% %d, i %% 4, i %% 30, i, 't' || i %% 4"
				 " FROM generate_series(1, %d) i", name, 100000 * (n + 1) + 1000 * rnd(rng, 50),
				 table->domain, 5 + rnd(rng, chance(rng, 80) ? 10 : 40));
	}
	else
	{
		text_add(sql, "INSERT INTO %s " COLUMNS " VALUES ", name);
		for (int i = 0; i < rows; i++)
		{
			text_add(sql, "%s", i ? ", " : "");
			row(sql, table, schema, rng, n);
		}
	}
	if (table->has_key && chance(rng, 85))
		text_add(sql, " ON CONFLICT %s", rows > 1 || chance(rng, 50) ? "DO NOTHING" :
				 "(id) DO UPDATE SET a = excluded.a, x = excluded.x");
}

static void
update(Text * sql, const Schema * schema, Rng * rng)
{
	const		Table *table = any_table(schema, rng);
	int			r = rnd(rng, 100);

	text_add(sql, "UPDATE %s SET ", table_or_leaf(table, rng, LEAVES));
	if (r < (table->moves_by_id ? 15 : 3))
		text_add(sql, "id = id + %d", 500 + rnd(rng, 400));
	else
	{
		int			n = 1 + rnd(rng, 2);
		int			c = 1 + rnd(rng, ntable_columns - 1);

		for (int i = 0; i < n; i++)
		{
			if (i && c == ntable_columns - 1)
				break;
			text_add(sql, "%s%s = ", i ? ", " : "", table_columns[c + i].name);
			value(sql, table, table_columns[c + i].name, schema, rng);
		}
	}
	text_add(sql, " WHERE ");
	predicate(sql, table, rng);
}

static void
delete(Text * sql, const Schema * schema, Rng * rng)
{
	const		Table *table = any_table(schema, rng);

	text_add(sql, "DELETE FROM %s WHERE ", table_or_leaf(table, rng, LEAVES));
	predicate(sql, table, rng);
}

/* Several tables in one statement. */
static void
many_tables(Text * sql, const Schema * schema, Rng * rng, int n)
{
	const		Table *from = any_table(schema, rng);
	const		Table *to = any_table(schema, rng);

	switch (rnd(rng, 3))
	{
		case 0:
			text_add(sql, "WITH d AS (DELETE FROM %s WHERE ", from->name);
			predicate(sql, from, rng);
			text_add(sql, " RETURNING *) INSERT INTO %s " COLUMNS " SELECT id + %d, NULL, b, g, x, y, t FROM d%s",
					 to->name, 1000 * rnd(rng, 9), to->has_key ? " ON CONFLICT DO NOTHING" : "");
			break;
		case 1:
			text_add(sql, "DO $do$ BEGIN\n");
			update(sql, schema, rng);
			text_add(sql, ";\n");
			insert(sql, schema, rng, n);
			text_add(sql, ";\nEND $do$");
			break;
		default:
			text_add(sql, "WITH u AS (UPDATE %s SET x = x + 1 WHERE ", from->name);
			predicate(sql, from, rng);
			text_add(sql, " RETURNING g) UPDATE %s SET x = x - 1 WHERE g IN (SELECT g FROM u)", to->name);
			break;
	}
}

static void
merge(Text * sql, const Schema * schema, Rng * rng, int n)
{
	const		Table *to = any_table(schema, rng);
	int			id = new_id(rng, n);

	text_add(sql, "MERGE INTO %s USING (VALUES (%d), (%d)) s (id) ON %s.id = s.id"
			 " WHEN MATCHED AND x > 15 THEN DELETE WHEN MATCHED THEN UPDATE SET x = x + 3, g = 1"
			 " WHEN NOT MATCHED THEN INSERT VALUES (s.id, NULL, 1, %d, 5, 1, 't1')",
			 to->name, id, id + 1, to->name, rnd(rng, 4));
}

static void
copy(Stmt * stmt, const Schema * schema, Rng * rng, int n)
{
	const		Table *table = any_table(schema, rng);
	int			rows = 1 + rnd(rng, 4);
	int			id = 500000 * (n + 1) + rnd(rng, 10000);

	stmt->kind = STMT_COPY;
	text_add(&stmt->sql, "COPY %s " COLUMNS " FROM stdin", table_or_leaf(table, rng, LEAVES));
	for (int i = 0; i < rows; i++)
		text_add(&stmt->copy, "%d\t\\N\t%d\t%d\t%d\t1.5\tt%d\n", id + i, rnd(rng, table->domain),
				 rnd(rng, 4), rnd(rng, 30), rnd(rng, 4));
}

void
stmt_write(Stmt * stmt, const Schema * schema, Rng * rng, int n)
{
	int			r = rnd(rng, 1000);

	stmt->kind = STMT_WRITE;
	if (r < 330)
		insert(&stmt->sql, schema, rng, n);
	else if (r < 660)
		update(&stmt->sql, schema, rng);
	else if (r < 860)
		delete(&stmt->sql, schema, rng);
	else if (r < 930)
		many_tables(&stmt->sql, schema, rng, n);
	else if (r < 960)
		merge(&stmt->sql, schema, rng, n);
	else if (r < 990 || !schema->truncates)
		copy(stmt, schema, rng, n);
	else
		text_add(&stmt->sql, "TRUNCATE %s CASCADE", table_or_leaf(any_table(schema, rng), rng, LEAVES));
}

/* A view that is there in this phase. */
static const View *
any_view(const Schema * schema, Rng * rng, bool extra)
{
	for (int i = 0; i < 20; i++)
	{
		const		View *view = &schema->views[rnd(rng, schema->nviews)];

		if (view->extra == extra && (extra || view->exists))
			return view;
	}
	return NULL;
}

void
stmt_compare(Stmt * stmt, const Schema * schema, Rng * rng)
{
	const		View *view = any_view(schema, rng, false);

	if (view == NULL)
	{
		stmt->kind = STMT_WRITE;
		text_add(&stmt->sql, "SELECT 1");
		return;
	}
	stmt->kind = STMT_COMPARE;
	view_difference(view, &stmt->sql);
}

void
stmt_ddl(Stmt * stmt, const Schema * schema, Rng * rng)
{
	const		View *view = any_view(schema, rng, chance(rng, 60));

	stmt->kind = STMT_DDL;
	if (view == NULL)
		text_add(&stmt->sql, "SELECT 1");
	else if (!view->extra)
		text_add(&stmt->sql, "REFRESH MATERIALIZED VIEW %s", view->name);
	else if (chance(rng, 50))
		text_add(&stmt->sql, "DROP MATERIALIZED VIEW IF EXISTS %s", view->name);
	else
		text_add(&stmt->sql, "CREATE MATERIALIZED VIEW IF NOT EXISTS %s USING tview AS %s",
				 view->name, view->query);
}
