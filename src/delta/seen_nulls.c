/*-------------------------------------------------------------------------
 *
 * delta/seen_nulls.c
 *	  Does what FROM items and subqueries compute fail on the nulls of an outer join?
 *
 * Conditions in WHERE and output columns over such nulls are evaluated above the
 * product that has them, for rows without a match only (late_quals.c).  But the
 * products of other outer joins and of subqueries ask what they compute of parts of
 * this product, and a function in FROM may be called before it is known that
 * there is no match.  If it may fail then, the rows without a match are stored
 * (see tv_outer_stage), and the others read columns that are null.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"

#include "delta/compile_internal.h"
#include "delta/shield_nulls.h"
#include "tv_compat.h"

typedef struct Seen
{
	Query	   *query;
	const Bitmapset *rtis;		/* FROM items of it that may be null */
	List	   *exprs;			/* of the one item: its columns; NIL: all are
								 * null */
	int			depth;			/* of the query looked at, below */
	bool		found;			/* by put_nulls() */
	List	   *sublinks;		/* by put_nulls() */
} Seen;

static bool query_may_fail(Query *query, Seen *s);

/* An expression with nulls in the place of the columns; subqueries are put aside. */
static Node *
put_nulls(Node *node, Seen *s)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Var))
	{
		Var		   *var = (Var *) node;
		Node	   *expr;

		if (var->varlevelsup != s->depth || !bms_is_member(var->varno, s->rtis))
			return node;
		expr = s->exprs && var->varattno > 0 && var->varattno <= list_length(s->exprs) ?
			list_nth(s->exprs, var->varattno - 1) : NULL;
		if (s->exprs && expr == NULL)
			return node;
		s->found = true;
		return expr ? expr : (Node *) makeNullConst(var->vartype, var->vartypmod, var->varcollid);
	}
	if (IsA(node, SubLink))
	{
		s->sublinks = lappend(s->sublinks, node);
		return (Node *) makeVar(1, 1, exprType(node), exprTypmod(node), exprCollation(node), 0);
	}
	return expression_tree_mutator(node, put_nulls, s);
}

/* A set-returning function that is strict has no rows, of a null. */
static bool
has_no_rows(const Node *expr)
{
	const FuncExpr *func = (const FuncExpr *) expr;
	ListCell   *lc;

	if (!IsA(expr, FuncExpr) || !func->funcretset || !func_strict(func->funcid))
		return false;
	foreach(lc, func->args)
		if (tv_expr_surely_null(lfirst(lc)))
		return true;
	return false;
}

/* May it fail?  only_sublinks: it is looked at for the subqueries in it. */
static bool
expr_may_fail(Node *node, Seen *s, bool only_sublinks)
{
	List	   *outer_sublinks = s->sublinks;
	List	   *sublinks;
	Node	   *expr;
	ListCell   *lc;

	check_stack_depth();
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblFunction))
		return expr_may_fail(((RangeTblFunction *) node)->funcexpr, s, only_sublinks);
	if (IsA(node, TargetEntry))
		return expr_may_fail((Node *) ((TargetEntry *) node)->expr, s, only_sublinks);
	if (IsA(node, List) || is_andclause(node))
	{
		foreach(lc, IsA(node, List) ? (List *) node : ((BoolExpr *) node)->args)
			if (expr_may_fail(lfirst(lc), s, only_sublinks))
			return true;
		return false;
	}
	s->found = false;
	s->sublinks = NIL;
	expr = put_nulls(node, s);
	sublinks = s->sublinks;
	s->sublinks = outer_sublinks;
	if (!only_sublinks && s->found && !has_no_rows(expr) && tv_expr_may_fail(expr))
		return true;
	foreach(lc, sublinks)
	{
		SubLink    *sublink = lfirst_node(SubLink, lc);

		if (expr_may_fail(sublink->testexpr, s, false) ||
			query_may_fail(castNode(Query, sublink->subselect), s))
			return true;
	}
	return false;
}

static bool
item_may_fail(Node *item, Seen *s, const Node *except, const JoinExpr *its_join)
{
	JoinExpr   *join = (JoinExpr *) item;
	Node	   *quals;

	if (item == except || !IsA(item, JoinExpr))
		return false;
	if (item_may_fail(join->larg, s, except, its_join) ||
		item_may_fail(join->rarg, s, except, its_join))
		return true;
	if (join == its_join)
		return false;
	/* ON of an inner join is a condition as those in WHERE are */
	quals = s->depth == 0 ? tv_compat_flatten_aliases(s->query, copyObject(join->quals)) : join->quals;
	return expr_may_fail(quals, s, s->depth == 0 && join->jointype == JOIN_INNER);
}

static bool
rte_may_fail(RangeTblEntry *rte, Seen *s)
{
	Node	   *exprs = (Node *) tv_leaf_exprs(rte);
	Query	   *subquery = rte->rtekind == RTE_SUBQUERY ? rte->subquery : NULL;

	if (s->depth == 0)
	{
		exprs = tv_compat_flatten_aliases(s->query, copyObject(exprs));
		subquery = (Query *) tv_compat_flatten_aliases(s->query, (Node *) copyObject(subquery));
	}
	else if (expr_may_fail((Node *) tv_compat_group_exprs(rte), s, false))
		return true;
	return expr_may_fail(exprs, s, false) || (subquery && query_may_fail(subquery, s));
}

/* A query below, of which all is looked at. */
static bool
query_may_fail(Query *query, Seen *s)
{
	bool		result = false;
	ListCell   *lc;

	check_stack_depth();
	s->depth++;
	foreach(lc, query->jointree->fromlist)
		result = result || item_may_fail(lfirst(lc), s, NULL, NULL);
	foreach(lc, query->rtable)
		result = result || rte_may_fail(lfirst_node(RangeTblEntry, lc), s);
	foreach(lc, query->cteList)
		result = result || query_may_fail(castNode(Query, lfirst_node(CommonTableExpr, lc)->ctequery), s);
	result = result ||
		expr_may_fail(query->jointree->quals, s, false) ||
		expr_may_fail((Node *) query->targetList, s, false) ||
		expr_may_fail(query->havingQual, s, false) ||
		expr_may_fail(query->limitOffset, s, false) ||
		expr_may_fail(query->limitCount, s, false);
	s->depth--;
	return result;
}

/* The query that has the items: what is there but WHERE and output columns, and all subqueries. */
static bool
seen_may_fail(Seen *s, const Node *except, const JoinExpr *its_join)
{
	List	   *parts = list_make3(s->query->jointree->quals, s->query->targetList,
								   s->query->havingQual);
	ListCell   *lc;

	foreach(lc, s->query->jointree->fromlist)
		if (item_may_fail(lfirst(lc), s, except, its_join))
		return true;
	foreach(lc, s->query->rtable)
		if (!bms_is_member(foreach_current_index(lc) + 1, s->rtis) &&
			rte_may_fail(lfirst_node(RangeTblEntry, lc), s))
		return true;
	foreach(lc, parts)
		if (expr_may_fail(tv_compat_flatten_aliases(s->query, copyObject(lfirst(lc))), s, true))
		return true;
	return false;
}

bool
tv_seen_nulls_may_fail(Query *query, const Bitmapset *rtis, const Node *item, const JoinExpr *join)
{
	Seen		s = {query, rtis};

	return seen_may_fail(&s, item, join);
}

/* Columns of LEFT leaves become nulls. */
static Node *
left_mutator(Node *node, void *context)
{
	const TvBranch *branch = context;
	Var		   *var = (Var *) node;

	if (node == NULL)
		return NULL;
	if (IsA(node, Var))
		return ((TvLeaf *) list_nth(branch->leaves, var->varno - 1))->mode == TV_LEAF_LEFT ?
			(Node *) makeNullConst(var->vartype, var->vartypmod, var->varcollid) : node;
	return expression_tree_mutator(node, left_mutator, context);
}

bool
tv_seen_branch_may_fail(Query *query, int rti, const TvBranch *branch)
{
	Seen		s = {query, bms_make_singleton(rti)};
	bool		guarded = false;
	bool		nulls = false;
	ListCell   *lc;

	foreach(lc, branch->leaves)
		guarded |= ((TvLeaf *) lfirst(lc))->mode != TV_LEAF_INNER;
	if (!guarded)
		return false;
	foreach(lc, branch->exprs)
	{
		Node	   *expr = left_mutator(lfirst(lc), unconstify(TvBranch *, branch));

		s.exprs = lappend(s.exprs, tv_expr_has_null(expr) ? expr : NULL);
		nulls |= llast(s.exprs) != NULL;
	}
	return nulls && seen_may_fail(&s, NULL, NULL);
}
