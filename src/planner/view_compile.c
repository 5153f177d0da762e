/*-------------------------------------------------------------------------
 *
 * planner/view_compile.c
 *	  Compile the definition of a view that exists.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
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

void
tv_view_check_rights(const TvGraph *graph, const char *name)
{
	for (int i = 0; i < graph->nsources; i++)
	{
		TvSource   *source = graph->sources[i];

		if (source->kind == TV_SOURCE_NODE)
			continue;
		if (pg_class_aclcheck(source->relid, source->check_as, ACL_SELECT) != ACLCHECK_OK &&
			pg_attribute_aclcheck_all(source->relid, source->check_as, ACL_SELECT,
									  ACLMASK_ANY) != ACLCHECK_OK)
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					 errmsg("permission denied for relation \"%s\"", get_rel_name(source->relid)),
					 errdetail("Maintained view \"%s\" reads it with the rights of role \"%s\".",
							   name, GetUserNameFromId(source->check_as, true)),
					 errhint("Grant SELECT on it to that role, or drop the view.")));
	}
}
