/*-------------------------------------------------------------------------
 *
 * delta/inline_with.c
 *	  Put correlated WITH queries where they are read.
 *
 * A WITH query that refers to columns of an outer query has other rows for each
 * outer row.  It is no query of its own that is compiled once, but a subquery
 * like any other, once for each time that it is read:
 *
 *		WITH w AS (Q(l)) SELECT ... FROM w a, (SELECT ... FROM w) b
 *		= SELECT ... FROM (Q(l)) a, (SELECT ... FROM (Q(l))) b
 *
 * Those before it go first, for what reads a correlated one is correlated.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "rewrite/rewriteManip.h"

#include "delta/compile_internal.h"

typedef struct TvInline
{
	CommonTableExpr *cte;
	int			depth;			/* levels between the query that has it and
								 * the walker */
} TvInline;

/* Make the references to a WITH query subqueries. */
static bool
inline_walker(Node *node, void *context)
{
	TvInline   *in = context;

	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		ListCell   *lc;

		check_stack_depth();
		in->depth++;
		foreach(lc, ((Query *) node)->rtable)
		{
			RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

			if (rte->rtekind != RTE_CTE || rte->ctelevelsup != in->depth ||
				strcmp(rte->ctename, in->cte->ctename) != 0)
				continue;
			rte->rtekind = RTE_SUBQUERY;
			rte->subquery = copyObject(castNode(Query, in->cte->ctequery));
			/* what it refers to is as many levels further away */
			IncrementVarSublevelsUp((Node *) rte->subquery, in->depth, 1);
			rte->ctename = NULL;
			rte->ctelevelsup = 0;
			rte->coltypes = rte->coltypmods = rte->colcollations = NIL;
		}
		(void) query_tree_walker((Query *) node, inline_walker, in, 0);
		in->depth--;
		return false;
	}
	return expression_tree_walker(node, inline_walker, in);
}

void
tv_with_inline(Query *query)
{
	ListCell   *lc;

	foreach(lc, query->cteList)
	{
		TvInline	in = {lfirst_node(CommonTableExpr, lc), -1};

		if (in.cte->cterecursive || !IsA(in.cte->ctequery, Query) ||
			castNode(Query, in.cte->ctequery)->commandType != CMD_SELECT ||
			!tv_correlate_is(in.cte->ctequery))
			continue;
		query->cteList = foreach_delete_current(query->cteList, lc);
		(void) inline_walker((Node *) query, &in);
	}
}
