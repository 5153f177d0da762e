/*-------------------------------------------------------------------------
 *
 * delta/derive_deparse.c
 *	  SQL text of a derived query, for people.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/ruleutils.h"

#include "delta/derive.h"

/*
 * The server cannot print ephemeral relations; shown as names of CTEs they
 * read as what they are: named row sets.  So do the nodes of a graph that is
 * not bound to state tables.
 */
static bool
name_ephemeral_relations(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		RangeTblEntry *rte = (RangeTblEntry *) node;

		if (rte->rtekind == RTE_NAMEDTUPLESTORE)
		{
			rte->rtekind = RTE_CTE;
			rte->ctename = rte->enrname;
		}
		else if (rte->rtekind == RTE_RELATION && !OidIsValid(rte->relid))
		{
			rte->rtekind = RTE_CTE;
			rte->ctename = rte->eref->aliasname;
		}
		return false;
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, name_ephemeral_relations, context,
								 QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, name_ephemeral_relations, context);
}

char *
tv_derive_deparse(const Query *query)
{
	Query	   *copy = copyObject((Query *) query);

	name_ephemeral_relations((Node *) copy, NULL);
	return pg_get_querydef(copy, true);
}
