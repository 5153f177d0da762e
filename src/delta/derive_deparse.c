/*-------------------------------------------------------------------------
 *
 * delta/derive_deparse.c
 *	  SQL text of a derived query, for people.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
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

/* Add the columns of one side to those of a join. */
static void
add_join_columns(Query *query, Node *side, RangeTblEntry *join, List **columns)
{
	int			rti = IsA(side, RangeTblRef) ? ((RangeTblRef *) side)->rtindex :
	castNode(JoinExpr, side)->rtindex;
	RangeTblEntry *rte = rt_fetch(rti, query->rtable);
	ListCell   *lc;

	foreach(lc, rte->eref->colnames)
	{
		AttrNumber	attno = foreach_current_index(lc) + 1;

		*columns = lappend_int(*columns, attno);
		join->joinaliasvars = lappend(join->joinaliasvars,
									  makeVar(rti, attno, INT4OID, -1, InvalidOid, 0));
		join->eref->colnames = lappend(join->eref->colnames, copyObject(lfirst(lc)));
	}
}

/* The planner can do without the columns of joins, the printer cannot. */
static void
name_join_columns(Query *query, Node *item)
{
	JoinExpr   *join = (JoinExpr *) item;
	RangeTblEntry *rte;

	if (!IsA(item, JoinExpr))
		return;
	name_join_columns(query, join->larg);
	name_join_columns(query, join->rarg);
	rte = rt_fetch(join->rtindex, query->rtable);
	if (rte->joinaliasvars)
		return;
	add_join_columns(query, join->larg, rte, &rte->joinleftcols);
	add_join_columns(query, join->rarg, rte, &rte->joinrightcols);
}

static bool
name_joins(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		Query	   *query = (Query *) node;
		ListCell   *lc;

		foreach(lc, query->jointree->fromlist)
			name_join_columns(query, lfirst(lc));
		return query_tree_walker(query, name_joins, context, 0);
	}
	return expression_tree_walker(node, name_joins, context);
}

char *
tv_derive_deparse(const Query *query)
{
	Query	   *copy = copyObject((Query *) query);

	name_ephemeral_relations((Node *) copy, NULL);
	name_joins((Node *) copy, NULL);
	return pg_get_querydef(copy, true);
}
