/*-------------------------------------------------------------------------
 *
 * delta/compile_over_groups.c
 *	  Subqueries that look at the groups of the query they stand in.
 *
 *		SELECT k, (SELECT .. agg(x) ..) FROM .. GROUP BY k HAVING h
 *
 * is compiled as
 *
 *		SELECT k, (SELECT .. a ..) FROM (SELECT k, agg(x) AS a FROM .. GROUP BY k) WHERE h
 *
 * so that the subquery is correlated with columns, as any other.  The same is
 * done for all subqueries over grouping sets, whose columns are null in some.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/nodeFuncs.h"
#include "optimizer/tlist.h"

#include "delta/split.h"
#include "tv_compat.h"

typedef struct LookContext
{
	List	   *group_exprs;	/* computed before grouping */
	bool		sets;			/* over grouping sets any subquery counts */
	int			depth;
} LookContext;

static bool
looks_at_groups(Node *node, LookContext *context)
{
	if (node == NULL)
		return false;
	if (context->depth == 0)
	{
		/* what is in an aggregate's arguments comes before it */
		if (IsA(node, Aggref) || list_member(context->group_exprs, node))
			return false;
		if (IsA(node, SubLink) && context->sets)
			return true;
	}
	else if ((IsA(node, Aggref) && ((Aggref *) node)->agglevelsup == context->depth) ||
			 (IsA(node, GroupingFunc) && ((GroupingFunc *) node)->agglevelsup == context->depth))
		return true;
	if (IsA(node, Query))
	{
		bool		result;

		context->depth++;
		result = query_tree_walker((Query *) node, looks_at_groups, context, 0);
		context->depth--;
		return result;
	}
	return expression_tree_walker(node, looks_at_groups, context);
}

bool
tv_compile_is_over_groups(Query *query)
{
	LookContext context = {NIL, query->groupingSets != NIL, 0};
	Node	   *target;
	Node	   *having;
	ListCell   *lc;

	if (!query->hasSubLinks || query->setOperations ||
		!(query->hasAggs || query->groupClause || query->groupingSets || query->havingQual))
		return false;
	target = tv_compat_flatten_aliases(query, (Node *) query->targetList);
	having = tv_compat_flatten_aliases(query, query->havingQual);
	foreach(lc, query->groupClause)
		context.group_exprs = lappend(context.group_exprs,
									  get_sortgroupclause_expr(lfirst(lc), (List *) target));
	return looks_at_groups(target, &context) || looks_at_groups(having, &context);
}

List *
tv_compile_over_groups(TvCompiler *c, Query *query, bool top, const TvPartial *base, List *corr)
{
	TvSplit		split = {c, query, list_length(corr), true};
	TvSplit    *s = &split;
	List	   *branches;

	query->targetList = (List *) tv_compat_flatten_aliases(query, (Node *) query->targetList);
	query->havingQual = tv_compat_flatten_aliases(query, query->havingQual);
	corr = (List *) tv_compat_flatten_aliases(query, (Node *) corr);
	tv_split_collect(s, corr);
	branches = tv_flatten_clauses(c, tv_split_inner(s), false, base, corr);
	if (c->refusal)
		return NIL;
	branches = tv_split_first_columns(s, branches);
	query = tv_split_outer(s, branches, &corr);
	return tv_flatten_clauses(c, query, top, NULL, corr);
}
