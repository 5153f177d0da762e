/*-------------------------------------------------------------------------
 *
 * schema.c
 *	  Random tables: few keys, many meetings.
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

static void
make_table(Schema * schema, Rng * rng, Text * ddl)
{
	static const char *const types[] = {"int4", "int8", "int2", "numeric(6,2)"};
	static const int domains[] = {2, 4, 10, 40};
	Table	   *table = &schema->tables[schema->ntables];
	int			n = schema->ntables++;

	snprintf(table->name, sizeof(table->name), "t%d", n);
	table->has_key = chance(rng, 75);
	table->domain = domains[rnd(rng, 4)];
	table->parent = -1;
	for (int i = 0; i < n; i++)
		if (schema->tables[i].has_key && chance(rng, 30))
			table->parent = i;

	text_add(ddl, "CREATE TABLE %s (id int4%s, a %s, b %s, g int4, x int4 NOT NULL, y numeric(8,2), t text);\n",
			 table->name, table->has_key ? " PRIMARY KEY" : "",
			 table->parent >= 0 ? "int4" : types[rnd(rng, 3)], types[rnd(rng, 4)]);
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
