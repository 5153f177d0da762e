/*-------------------------------------------------------------------------
 *
 * schema.c
 *	  Random tables: few keys, many meetings.
 *
 * Some are partitioned, some have a table that inherits.  Statements go to leaves,
 * too, and rows move from one to another.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stress.h"

const		Column table_columns[] = {
	{"id", KIND_KEY}, {"a", KIND_KEY}, {"b", KIND_IMAGE}, {"g", KIND_KEY},
	{"x", KIND_VALUE}, {"y", KIND_MONEY}, {"t", KIND_TEXT}
};
const int	ntable_columns = 7;

/* How a table is partitioned: by its id, or it has no primary key. */
typedef struct Partitioning
{
	const char *by;
	const char *bounds[MAX_LEAVES];
}			Partitioning;

static const Partitioning partitionings[] = {
	{"RANGE (id)", {"FROM (MINVALUE) TO (15)", "FROM (15) TO (1500)", NULL}},
	{"HASH (id)", {"WITH (MODULUS 3, REMAINDER 0)", "WITH (MODULUS 3, REMAINDER 1)", "WITH (MODULUS 3, REMAINDER 2)"}},
	{"LIST (g)", {"IN (0, NULL)", "IN (1, 2)", NULL}},
	{"RANGE (x)", {"FROM (MINVALUE) TO (10)", "FROM (10) TO (20)", NULL}}
};

/* Definitions of the columns that have these first letters, in that order. */
static void
add_columns(Text * ddl, const char *letters, const char *a, const char *b, bool has_key)
{
	for (const char *c = letters; *c; c++)
	{
		text_add(ddl, "%s", c == letters ? "" : ", ");
		switch (*c)
		{
			case 'i':
				text_add(ddl, "id int4%s", has_key ? " PRIMARY KEY" : "");
				break;
			case 'a':
			case 'b':
				text_add(ddl, "%c %s", *c, *c == 'a' ? a : b);
				break;
			case 'g':
				text_add(ddl, "g int4");
				break;
			case 'x':
				text_add(ddl, "x int4 NOT NULL");
				break;
			case 'y':
				text_add(ddl, "y numeric(8,2)");
				break;
			default:
				text_add(ddl, "t text");
		}
	}
}

static const char *
add_leaf(Schema * schema, Table * table)
{
	char	   *leaf = table->leaves[table->nleaves];

	snprintf(leaf, sizeof(table->leaves[0]), "t%d_%d", (int) (table - schema->tables), table->nleaves);
	table->nleaves++;
	return leaf;
}

/* Three partitions: one has its columns in another order, one may be partitioned itself. */
static void
make_partitions(Schema * schema, Table * table, const Partitioning * p, Rng * rng, Text * ddl,
				const char *a, const char *b)
{
	for (int i = 0; i < MAX_LEAVES; i++)
	{
		const char *leaf = add_leaf(schema, table);
		const char *values = p->bounds[i] ? " FOR VALUES " : " DEFAULT";
		const char *bound = p->bounds[i] ? p->bounds[i] : "";

		if (i == 1)
		{
			text_add(ddl, "CREATE TABLE %s (", leaf);
			add_columns(ddl, "txyibga", a, b, table->has_key);
			text_add(ddl, ");\nALTER TABLE %s ATTACH PARTITION %s%s%s;\n", table->name, leaf, values, bound);
			continue;
		}
		text_add(ddl, "CREATE TABLE %s PARTITION OF %s%s%s", leaf, table->name, values, bound);
		if (i == 2 && !table->has_key && chance(rng, 30))
			text_add(ddl, " PARTITION BY LIST (a);\n"
					 "CREATE TABLE %s_few PARTITION OF %s FOR VALUES IN (NULL, 1);\n"
					 "CREATE TABLE %s_rest PARTITION OF %s DEFAULT;\n", leaf, leaf, leaf, leaf);
		else
			text_add(ddl, ";\n");
	}
}

static void
make_table(Schema * schema, Rng * rng, Text * ddl)
{
	static const char *const types[] = {"int4", "int8", "int2", "numeric(6,2)"};
	static const int domains[] = {2, 4, 10, 40};
	Table	   *table = &schema->tables[schema->ntables];
	int			n = schema->ntables++;
	int			shape = rnd(rng, 100);
	const Partitioning *p = NULL;
	const char *a;
	const char *b = types[rnd(rng, 4)];

	snprintf(table->name, sizeof(table->name), "t%d", n);
	table->has_key = chance(rng, 75);
	table->domain = domains[rnd(rng, 4)];
	table->parent = -1;
	for (int i = 0; i < n; i++)
		if (schema->tables[i].has_key && chance(rng, 30))
			table->parent = i;
	a = table->parent >= 0 ? "int4" : types[rnd(rng, 3)];
	if (shape < 20)
	{
		int			i = rnd(rng, 4);

		p = &partitionings[i];
		table->moves_by_id = i < 2;
		table->has_key &= table->moves_by_id;
	}

	text_add(ddl, "CREATE TABLE %s (", table->name);
	add_columns(ddl, "iabgxyt", a, b, table->has_key);
	text_add(ddl, ")%s%s;\n", p ? " PARTITION BY " : "", p ? p->by : "");
	if (p)
		make_partitions(schema, table, p, rng, ddl, a, b);
	else if (shape < 30)
		text_add(ddl, "CREATE TABLE %s (extra int4%s) INHERITS (%s);\n", add_leaf(schema, table),
				 table->has_key ? ", PRIMARY KEY (id)" : "", table->name);
	text_add(ddl, "INSERT INTO %s SELECT i, %s, i %% %d, i %% 3, i, i / 4.0, 't' || i %% 4"
			 " FROM generate_series(1, %d) i;\n",
			 table->name, table->parent >= 0 ? "NULL" : "i % 5", table->domain, 1 + rnd(rng, 30));
	if (table->parent >= 0)
	{
		static const char *const actions[] = {"CASCADE", "SET NULL", "NO ACTION"};

		text_add(ddl, "ALTER TABLE %s ADD FOREIGN KEY (a) REFERENCES %s (id) ON DELETE %s ON UPDATE CASCADE%s;\n",
				 table->name, schema->tables[table->parent].name, actions[rnd(rng, 3)],
				 chance(rng, 20) ? " DEFERRABLE INITIALLY DEFERRED" : "");
	}
	for (const char *c = "abg"; *c; c++)
		if (chance(rng, 60))
			text_add(ddl, "CREATE INDEX ON %s (%c);\n", table->name, *c);
}

const char *
table_or_leaf(const Table * table, Rng * rng, int percent)
{
	if (table->nleaves > 0 && chance(rng, percent))
		return table->leaves[rnd(rng, table->nleaves)];
	return table->name;
}

void
schema_make(Schema * schema, Rng * rng, Text * ddl)
{
	int			n = 2 + rnd(rng, MAX_TABLES - 1);

	memset(schema, 0, sizeof(Schema));
	schema->truncates = chance(rng, 25);
	for (int i = 0; i < n; i++)
		make_table(schema, rng, ddl);

	/* a trigger that changes another table of the views */
	if (chance(rng, 20))
		text_add(ddl, "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$"
				 " BEGIN UPDATE %s SET x = x + 1 WHERE g = new.g; RETURN NULL; END $$;\n"
				 "CREATE TRIGGER touch AFTER INSERT ON %s FOR EACH ROW EXECUTE FUNCTION touch();\n",
				 schema->tables[0].name, schema->tables[n - 1].name);
}

void
schema_free(Schema * schema)
{
	for (int i = 0; i < schema->nviews; i++)
		free(schema->views[i].query);
	schema->nviews = 0;
}
