/*-------------------------------------------------------------------------
 *
 * delta/leaf_exprs.c
 *	  The expressions of a leaf: they may read the leaves before it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "delta/graph.h"

List *
tv_leaf_exprs(const RangeTblEntry *rte)
{
	return list_make3(rte->functions, rte->values_lists, rte->tablefunc);
}

void
tv_leaf_mutate(RangeTblEntry *rte, Node *(*mutator) (Node *, void *), void *context)
{
	rte->functions = (List *) mutator((Node *) rte->functions, context);
	rte->values_lists = (List *) mutator((Node *) rte->values_lists, context);
	rte->tablefunc = (TableFunc *) mutator((Node *) rte->tablefunc, context);
}

List *
tv_branch_quals(const TvBranch *branch)
{
	List	   *quals = list_copy(branch->quals);
	ListCell   *lc;

	foreach(lc, branch->leaves)
		quals = list_concat(quals, ((TvLeaf *) lfirst(lc))->quals);
	return quals;
}
