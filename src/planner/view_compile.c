/*-------------------------------------------------------------------------
 *
 * planner/view_compile.c
 *	  Compile the definition of a view that exists.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "utils/rel.h"

#include "catalog/definition.h"
#include "planner/view_compile.h"

static List *column_names(TupleDesc desc);

TvGraph *
tv_view_compile(Oid view, TvRefusal **refusal)
{
	Relation	rel = table_open(view, NoLock);
	Query	   *definition = copyObject((Query *) tv_definition_query(rel));
	List	   *colnames = column_names(RelationGetDescr(rel));
	Oid			owner = rel->rd_rel->relowner;

	table_close(rel, NoLock);
	return tv_graph_compile(definition, colnames, owner, refusal);
}

static List *
column_names(TupleDesc desc)
{
	List	   *names = NIL;

	for (int i = 0; i < desc->natts; i++)
		names = lappend(names, makeString(pstrdup(NameStr(TupleDescAttr(desc, i)->attname))));
	return names;
}

void
tv_view_refuse(const char *view, const TvRefusal *refusal)
{
	ereport(ERROR,
			(errcode(refusal->sqlstate),
			 errmsg("materialized view \"%s\" can no longer be maintained: %s",
					view, refusal->what),
			 errdetail("%s", refusal->why),
			 errhint("Drop the view, or undo the change of what it reads.")));
	pg_unreachable();
}
