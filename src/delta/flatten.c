/*-------------------------------------------------------------------------
 *
 * delta/flatten.c
 *	  Bring the linear part of a query into normal form: a sum of branches.
 *
 * Filter, projection, inner join and UNION ALL are linear, so that
 *
 *		(A + B) x C = A x C + B x C
 *		project(filter(A + B)) = project(filter(A)) + project(filter(B))
 *
 * and every nesting of them is a sum of flat products.  Subqueries, plain
 * views and CTEs in FROM are expanded on the way; a grouping inside becomes a
 * node of its own, which its query reads like a table.  A CTE is compiled
 * once, however often it is read, so that its nodes are shared.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/prep.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"

#include "delta/compile_internal.h"
#include "tv_compat.h"

static List *flatten_query(TvCompiler *c, Query *query, bool top,
						   const TvPartial *base, List *corr);
static List *cte_scope(Query *query);
static List *flatten_plain(TvCompiler *c, Query *query, bool top,
						   const TvPartial *base, List *corr);
static List *flatten_distinct(TvCompiler *c, Query *query, List *branches, int ncorr, bool top);
static List *project(TvCompiler *c, List *partials, List *exprs);
static List *tlist_exprs(List *targetlist);
static List *tlist_names(List *targetlist);

/* A query that refers to nothing outside, and what became of it. */
typedef struct TvFlattened
{
	Query	   *query;			/* as it came */
	List	   *scopes;			/* what names of CTEs in it mean */
	Oid			check_as;
	List	   *branches;
} TvFlattened;

/* Each reader multiplies its own copy. */
static List *
copy_branches(List *branches)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, branches)
		result = lappend(result, tv_branch_copy(lfirst(lc)));
	return result;
}

/*
 * A subquery in an expression is compiled for each product of a sum; if it is the
 * same for all of them, they share its nodes.
 */
List *
tv_flatten_query(TvCompiler *c, Query *query, bool top, const TvPartial *base, List *corr)
{
	TvFlattened *entry;
	ListCell   *lc;

	check_stack_depth();
	if (top || base || corr || tv_correlate_is((Node *) query))
		return flatten_query(c, query, top, base, corr);
	foreach(lc, c->flattened)
	{
		entry = lfirst(lc);
		if (entry->scopes == c->scopes && entry->check_as == c->check_as && equal(entry->query, query))
			return copy_branches(entry->branches);
	}
	entry = palloc0(sizeof(TvFlattened));
	entry->query = copyObject(query);
	entry->scopes = c->scopes;
	entry->check_as = c->check_as;
	entry->branches = flatten_query(c, query, false, NULL, NIL);
	if (c->refusal)
		return NIL;
	c->flattened = lappend(c->flattened, entry);
	return copy_branches(entry->branches);
}

static List *
flatten_query(TvCompiler *c, Query *query, bool top, const TvPartial *base, List *corr)
{
	List	   *result;
	List	   *scopes = c->scopes;

	CHECK_FOR_INTERRUPTS();
	tv_with_inline(query);
	if (!tv_target_srf_expand(c, query) || !tv_analyze_query(c, query))
		return NIL;

	c->scopes = lcons(cte_scope(query), list_copy(scopes));
	result = tv_flatten_clauses(c, query, top, base, corr);
	c->scopes = scopes;
	return c->refusal ? NIL : result;
}

List *
tv_flatten_clauses(TvCompiler *c, Query *query, bool top, const TvPartial *base, List *corr)
{
	if (query->hasWindowFuncs)
		return tv_compile_windows(c, query, top, base, corr);
	if (tv_compile_is_over_groups(query))
		return tv_compile_over_groups(c, query, top, base, corr);
	if (query->hasDistinctOn || query->limitCount || query->limitOffset)
		return tv_compile_top_rows(c, query, top, base, corr);
	if (query->setOperations)
		return tv_flatten_set_operation(c, query, top, base, corr);
	return flatten_plain(c, query, top, base, corr);
}

bool
tv_flatten_sides(TvCompiler *c, Query *query, List **left, List **right)
{
	List	   *scopes = c->scopes;
	bool		result;

	if (!tv_analyze_query(c, query))
		return false;
	c->scopes = lcons(cte_scope(query), list_copy(scopes));
	result = tv_set_operation_sides(c, query, left, right);
	c->scopes = scopes;
	return result;
}

static List *
cte_scope(Query *query)
{
	List	   *scope = NIL;
	ListCell   *lc;

	foreach(lc, query->cteList)
	{
		TvCte	   *entry = palloc0(sizeof(TvCte));

		entry->cte = lfirst_node(CommonTableExpr, lc);
		scope = lappend(scope, entry);
	}
	return scope;
}

bool
tv_flatten_needs_node(const Query *query)
{
	return query->hasAggs || query->groupClause || query->groupingSets || query->havingQual ||
		query->distinctClause || query->hasWindowFuncs || query->limitCount ||
		query->limitOffset;
}

static Node *
flatten_leaf(Node *exprs, void *query)
{
	return tv_compat_flatten_aliases(query, exprs);
}

/*
 * FROM items that read columns of a join before them, by a name that may stand
 * for those of both sides: FULL JOIN USING, then functions, LATERAL.
 */
static void
flatten_lateral_aliases(Query *query)
{
	ListCell   *lc;

	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (!rte->lateral)
			continue;
		tv_leaf_mutate(rte, flatten_leaf, query);
		rte->subquery = (Query *) tv_compat_flatten_aliases(query, (Node *) rte->subquery);
	}
}

/* The range table entries in a FROM item; *lateral: is there a subquery that reads items before it? */
static Bitmapset *
item_rtis(const Query *query, Node *item, bool *lateral)
{
	RangeTblEntry *rte;

	if (IsA(item, JoinExpr))
		return bms_join(item_rtis(query, ((JoinExpr *) item)->larg, lateral),
						item_rtis(query, ((JoinExpr *) item)->rarg, lateral));
	rte = rt_fetch(((RangeTblRef *) item)->rtindex, query->rtable);
	*lateral |= rte->lateral && rte->rtekind == RTE_SUBQUERY;
	return bms_make_singleton(((RangeTblRef *) item)->rtindex);
}

/* Apply the conditions on these entries; returns those that are left. */
static List *
filter_early(TvCompiler *c, Query *query, List *partials, const Bitmapset *rtis, List *quals)
{
	List	   *left = NIL;
	List	   *now = NIL;
	ListCell   *lc;

	foreach(lc, quals)
	{
		Bitmapset  *varnos = pull_varnos(NULL, tv_compat_flatten_aliases(query, copyObject(lfirst(lc))));

		if (bms_is_empty(varnos) || !bms_is_subset(varnos, rtis) || checkExprHasSubLink(lfirst(lc)))
			left = lappend(left, lfirst(lc));
		else
			now = lappend(now, lfirst(lc));
	}
	if (now != NIL)
		foreach(lc, partials)
			(void) tv_flatten_filter(c, query, lfirst(lc),
									 copyObject((Node *) make_ands_explicit(now)));
	return left;
}

/*
 * FROM and WHERE.  A subquery that reads items before it is to see no rows of
 * them that WHERE leaves out.
 */
static List *
flatten_input(TvCompiler *c, Query *query, const TvPartial *base, List *corr)
{
	List	   *partials = list_make1(tv_partial_make(list_length(query->rtable), base));
	List	   *quals = make_ands_implicit((Expr *) query->jointree->quals);
	List	   *outer_corr = c->corr;
	Bitmapset  *rtis = NULL;
	ListCell   *lc;

	flatten_lateral_aliases(query);
	c->corr = corr;
	foreach(lc, query->jointree->fromlist)
	{
		bool		lateral = false;
		Bitmapset  *own = item_rtis(query, lfirst(lc), &lateral);

		if (lateral)
			quals = filter_early(c, query, partials, rtis, quals);
		if (!c->refusal)
			partials = tv_flatten_from_item(c, query, lfirst(lc), partials);
		if (c->refusal)
			return NIL;
		rtis = bms_join(rtis, own);
	}
	c->corr = outer_corr;
	foreach(lc, partials)
		if (quals != NIL &&
			!tv_flatten_filter(c, query, lfirst(lc), copyObject((Node *) make_ands_explicit(quals))))
		return NIL;
	return partials;
}

bool
tv_flatten_filter(TvCompiler *c, Query *query, TvPartial *partial, Node *quals)
{
	quals = tv_compat_flatten_aliases(query, quals);
	if (quals == NULL)
		return true;
	return tv_analyze_expr(c, quals) &&
		tv_sublink_filter(c, partial, tv_partial_map(partial, quals));
}

/*
 * SELECT ... FROM ... WHERE ... GROUP BY ... HAVING, then DISTINCT.
 */
static List *
flatten_plain(TvCompiler *c, Query *query, bool top, const TvPartial *base, List *corr)
{
	List	   *partials = flatten_input(c, query, base, corr);
	List	   *branches;

	/* names of joined columns stand for columns of the items below */
	query->targetList = (List *)
		tv_compat_flatten_aliases(query, (Node *) query->targetList);
	query->havingQual = tv_compat_flatten_aliases(query, query->havingQual);
	corr = (List *) tv_compat_flatten_aliases(query, (Node *) corr);

	if (c->refusal ||
		!tv_analyze_expr(c, (Node *) query->targetList) ||
		!tv_analyze_expr(c, query->havingQual))
		return NIL;

	if (query->hasAggs || query->groupClause || query->groupingSets || query->havingQual)
	{
		branches = tv_flatten_grouping(c, query, partials, corr, top && !query->distinctClause);
		if (branches == NIL)
			return NIL;
	}
	else
		branches = project(c, partials, list_concat(list_copy(corr), tlist_exprs(query->targetList)));
	if (c->refusal)
		return NIL;

	if (query->distinctClause)
		branches = flatten_distinct(c, query, branches, list_length(corr), top);
	return branches;
}

List *
tv_flatten_read_group(TvCompiler *c, TvNode *node)
{
	TvBranch   *branch = linitial(tv_flatten_read_node(c, node));
	TvPartial  *partial = tv_partial_make(0, NULL);
	List	   *exprs;

	partial->leaves = branch->leaves;
	if (!tv_sublink_filter(c, partial, (Node *) branch->quals))
		return NIL;
	exprs = (List *) tv_sublink_expand(c, partial, (Node *) branch->exprs);
	return list_make1(tv_partial_branch(partial, exprs));
}

/* Columns of the correlation, the first ncorr, are kept apart. */
static List *
flatten_distinct(TvCompiler *c, Query *query, List *branches, int ncorr, bool top)
{
	List	   *exprs = list_truncate(list_copy(((TvBranch *) linitial(branches))->exprs), ncorr);
	List	   *clauses = NIL;
	List	   *names = NIL;
	TvNode	   *node;
	ListCell   *lc;

	foreach(lc, exprs)
	{
		SortGroupClause *clause;

		if (!tv_compile_sort_clause(c, exprType(lfirst(lc)), &clause))
			return NIL;
		clauses = lappend(clauses, clause);
		names = lappend(names, makeString("corr"));
	}
	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (!tle->resjunk)
			clauses = lappend(clauses, get_sortgroupref_clause(tle->ressortgroupref,
															   query->distinctClause));
	}
	exprs = list_concat(exprs, tlist_exprs(query->targetList));
	names = list_concat(names, tlist_names(query->targetList));
	node = tv_compile_distinct(c, branches, tv_compile_desc(exprs, names), clauses, top);
	if (c->refusal || node->top)
		return NIL;
	return tv_flatten_read_node(c, node);
}

static List *
project(TvCompiler *c, List *partials, List *exprs)
{
	List	   *branches = NIL;
	ListCell   *lc;

	foreach(lc, partials)
	{
		TvPartial  *partial = lfirst(lc);
		List	   *mapped = (List *) tv_sublink_expand(c, partial,
														tv_partial_map(partial, (Node *) exprs));

		branches = lappend(branches, tv_partial_branch(partial, mapped));
	}
	return branches;
}

static List *
tlist_exprs(List *targetlist)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, targetlist)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (!tle->resjunk)
			result = lappend(result, tle->expr);
	}
	return result;
}

static List *
tlist_names(List *targetlist)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, targetlist)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (!tle->resjunk)
			result = lappend(result, makeString(tle->resname ? tle->resname : "?column?"));
	}
	return result;
}
