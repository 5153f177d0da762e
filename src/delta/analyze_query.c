/*-------------------------------------------------------------------------
 *
 * delta/analyze_query.c
 *	  Refuse the clauses of a query that no rule covers.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/tlist.h"
#include "parser/parsetree.h"
#include "utils/syscache.h"

#include "catalog/tv_tree.h"
#include "delta/compile_internal.h"

#define WHY_NO_RULE "No maintenance rule exists for it."
#define HINT_READER "Leave it to the query that reads the view."

static const char *unsupported_clause(Query *query, int *location, const char **why,
									  const char **hint);

/* Does the query read this table with its inheritance children? */
static bool
reads_children(Query *query, Oid relid)
{
	ListCell   *lc;

	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (rte->rtekind == RTE_RELATION && rte->relid == relid &&
			rte->relkind == RELKIND_RELATION && rte->inh && tv_tree_has_children(relid))
			return true;
	}
	return false;
}

typedef struct DependentContext
{
	Query	   *query;
	Oid			relid;
	int			location;
	List	   *keys;
} DependentContext;

/* Find a column of the table that is shown, and not grouped by. */
static bool
find_dependent(Node *node, void *context)
{
	DependentContext *c = context;
	Var		   *var = (Var *) node;
	RangeTblEntry *rte;

	if (node == NULL || IsA(node, Aggref))
		return false;
	if (!IsA(node, Var))
		return expression_tree_walker(node, find_dependent, context);
	if (var->varlevelsup > 0 || list_member(c->keys, var))
		return false;
	rte = rt_fetch(var->varno, c->query->rtable);
	if (rte->rtekind != RTE_RELATION || rte->relid != c->relid)
		return false;
	c->location = var->location;
	return c->location >= 0;
}

/*
 * The server takes the primary key of a table for one of its inheritance
 * children, too.
 */
static bool
groups_by_inherited_key(Query *query, int *location)
{
	ListCell   *lc;

	foreach(lc, query->constraintDeps)
	{
		HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(lfirst_oid(lc)));
		Oid			relid;

		if (!HeapTupleIsValid(tuple))
			continue;
		relid = ((Form_pg_constraint) GETSTRUCT(tuple))->conrelid;
		ReleaseSysCache(tuple);
		if (reads_children(query, relid))
		{
			DependentContext context = {query, relid, -1};

			context.keys = get_sortgrouplist_exprs(query->groupClause, query->targetList);
			(void) find_dependent((Node *) query->targetList, &context);
			*location = context.location;
			return true;
		}
	}
	return false;
}

/*
 * The query itself, clause by clause; not its FROM items.
 */
bool
tv_analyze_query(TvCompiler *c, Query *query)
{
	int			location = -1;
	const char *why = WHY_NO_RULE;
	const char *hint = HINT_READER;
	const char *what = unsupported_clause(query, &location, &why, &hint);

	if (what == NULL && !groups_by_inherited_key(query, &location))
		return true;
	if (what == NULL)
	{
		what = "GROUP BY a primary key that does not hold for inheritance children";
		why = "Rows of the table and of its children may have the same key, so the query's result is not determined.";
		hint = "Group by all columns that the query shows.";
	}
	tv_compile_refuse(c, location, "%s is not supported in a maintained view", what, why, hint);
	return false;
}

/* Returns NULL if there is none; leaves *why and *hint where they fit. */
static const char *
unsupported_clause(Query *query, int *location, const char **why, const char **hint)
{
	if (query->commandType != CMD_SELECT || query->utilityStmt)
		return "a statement other than SELECT";
	if (query->hasModifyingCTE)
		return "a data-modifying WITH clause";
	if (query->rowMarks || query->hasForUpdate)
	{
		if (query->rowMarks)
			*location = tv_analyze_item_location(query, linitial_node(RowMarkClause, query->rowMarks)->rti);
		*why = "A maintained view stores its rows, there is nothing to lock.";
		*hint = "Leave the clause out.";
		return "FOR UPDATE or FOR SHARE";
	}
	return NULL;
}
