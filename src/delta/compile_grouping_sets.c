/*-------------------------------------------------------------------------
 *
 * delta/compile_grouping_sets.c
 *	  GROUPING SETS, ROLLUP, CUBE and GROUPING().
 *
 * The result is the sum over the grouping sets of the query grouped by the
 * set alone, in which grouping columns outside of the set are null:
 *
 *		group by grouping sets (S1, .., Sn)  =  sum over i of  group by Si
 *
 * so there is one GROUP node for each distinct set, over the same input.  The
 * empty set is an aggregate over all rows, which always has a row.
 *
 * What is null where follows the server: an output column that is a grouping
 * column by itself, by that; other expressions, wherever they hold one that
 * is equal to a grouping column after constants were folded.  The arguments
 * of aggregates are never null for that reason.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "parser/parse_agg.h"
#include "rewrite/rewriteManip.h"

#include "delta/compile_internal.h"
#include "delta/fold.h"
#include "tv_compat.h"

typedef struct SetContext
{
	List	   *refs;			/* of int: all grouping columns ... */
	List	   *exprs;			/* ... and what they are, constants folded */
	List	   *set;			/* of int: the grouping columns of the set */
	bool		in_call;		/* in arguments of a function */
} SetContext;

static bool collect_columns(TvCompiler *c, Query *query, SetContext *s);
static List *distinct_sets(List *sets);
static bool same_set(const List *a, const List *b);
static Query *restrict_to_set(Query *query, SetContext *s);
static Node *set_mutator(Node *node, void *context);

List *
tv_flatten_grouping(TvCompiler *c, Query *query, List *partials, List *corr, bool top)
{
	SetContext	s = {NIL};
	List	   *sets;
	List	   *distinct;
	List	   *nodes = NIL;
	List	   *branches = NIL;
	ListCell   *lc;
	ListCell   *ld;
	ListCell   *ln;

	if (!collect_columns(c, query, &s))
		return NIL;
	if (query->groupingSets == NIL)
		sets = list_make1(s.refs);
	else
		sets = expand_grouping_sets(query->groupingSets, query->groupDistinct,
									TV_MAX_BRANCHES + 1);
	if (query->groupingSets && (sets == NIL || list_length(sets) > TV_MAX_BRANCHES))
	{
		tv_compile_refuse(c, exprLocation((Node *) query->groupingSets), "a query of more than %s grouping sets is not supported in a maintained view",
						  psprintf("%d", TV_MAX_BRANCHES),
						  "Each grouping set has a state of its own.",
						  "Split it into several views.");
		return NIL;
	}

	distinct = distinct_sets(sets);
	top = top && list_length(sets) == 1;
	foreach(ld, distinct)
	{
		s.set = lfirst(ld);
		nodes = lappend(nodes, tv_compile_group(c, restrict_to_set(query, &s), partials, corr, top));
		if (c->refusal || ((TvNode *) llast(nodes))->top)
			return NIL;
	}
	/* a set that is there twice gives its rows twice */
	foreach(lc, sets)
	{
		forboth(ld, distinct, ln, nodes)
		{
			if (same_set(lfirst(lc), lfirst(ld)))
				branches = list_concat(branches, tv_flatten_read_group(c, lfirst(ln)));
		}
	}
	return branches;
}

bool
tv_grouping_sets_check(TvCompiler *c, Query *query)
{
	SetContext	s = {0};
	Query		flat = *query;

	/* what names of joined columns and of groups stand for */
	flat.targetList = (List *) tv_compat_flatten_aliases(query, copyObject((Node *) query->targetList));
	return collect_columns(c, &flat, &s);
}

/* Find the grouping columns; refuse those that cannot be told apart. */
static bool
collect_columns(TvCompiler *c, Query *query, SetContext *s)
{
	ListCell   *lc;

	foreach(lc, query->groupClause)
	{
		SortGroupClause *clause = lfirst_node(SortGroupClause, lc);
		Node	   *expr = get_sortgroupclause_expr(clause, query->targetList);
		bool		is_constant;

		s->refs = lappend_int(s->refs, clause->tleSortGroupRef);
		if (query->groupingSets == NIL)
			continue;
		expr = tv_fold(expr);
		is_constant = !contain_var_clause(expr) && !checkExprHasSubLink(expr);
		if (list_member(s->exprs, expr) || is_constant)
		{
			tv_compile_refuse(c, exprLocation(expr),
							  "grouping sets over %s are not supported in a maintained view",
							  is_constant ? "a constant" : "the same expression twice",
							  "Where it is null depends on the way the server plans the query.",
							  "Leave it out of the grouping sets.");
			return false;
		}
		s->exprs = lappend(s->exprs, expr);
	}
	return true;
}

static List *
distinct_sets(List *sets)
{
	List	   *result = NIL;
	ListCell   *lc;
	ListCell   *lr;

	foreach(lc, sets)
	{
		bool		found = false;

		foreach(lr, result)
			found |= same_set(lfirst(lc), lfirst(lr));
		if (!found)
			result = lappend(result, lfirst(lc));
	}
	return result;
}

static bool
same_set(const List *a, const List *b)
{
	return list_difference_int(a, b) == NIL && list_difference_int(b, a) == NIL;
}

/* The query grouped by the columns of one set. */
static Query *
restrict_to_set(Query *query, SetContext *s)
{
	Query	   *result = makeNode(Query);
	ListCell   *lc;

	*result = *query;
	result->groupClause = NIL;
	result->groupingSets = NIL;
	result->targetList = NIL;
	foreach(lc, query->groupClause)
	{
		SortGroupClause *clause = lfirst_node(SortGroupClause, lc);

		if (list_member_int(s->set, clause->tleSortGroupRef))
			result->groupClause = lappend(result->groupClause, clause);
	}
	foreach(lc, query->targetList)
	{
		TargetEntry *tle = flatCopyTargetEntry(lfirst_node(TargetEntry, lc));
		Node	   *expr = (Node *) tle->expr;

		if (list_member_int(s->refs, tle->ressortgroupref))
		{
			if (!list_member_int(s->set, tle->ressortgroupref))
				tle->expr = (Expr *) makeNullConst(exprType(expr), exprTypmod(expr),
												   exprCollation(expr));
		}
		else
			tle->expr = (Expr *) set_mutator(expr, s);
		result->targetList = lappend(result->targetList, tle);
	}
	result->havingQual = set_mutator(query->havingQual, s);
	return result;
}

/*
 * What GROUPING() says of a set.  The argument of something that may fail is
 * written so that it is not computed before there is a group (delta/shield_nulls.c).
 */
static Expr *
make_mask(int mask, bool in_call)
{
	Const	   *result = makeConst(INT4OID, -1, InvalidOid, sizeof(int32),
								   Int32GetDatum(mask), false, true);
	CoalesceExpr *guarded;

	if (!in_call)
		return (Expr *) result;
	guarded = makeNode(CoalesceExpr);
	guarded->coalescetype = INT4OID;
	guarded->args = list_make2(makeNullConst(INT4OID, -1, InvalidOid), result);
	guarded->location = -1;
	return (Expr *) guarded;
}

static Node *
set_mutator(Node *node, void *context)
{
	SetContext *s = context;
	Node	   *result;
	bool		in_call;
	ListCell   *le;
	ListCell   *lr;

	if (node == NULL)
		return NULL;
	if (IsA(node, GroupingFunc))
	{
		int			mask = 0;

		/* the last argument is the lowest bit; it is 0 if in the set */
		foreach(lr, ((GroupingFunc *) node)->refs)
			mask = (mask << 1) | !list_member_int(s->set, lfirst_int(lr));
		return (Node *) make_mask(mask, s->in_call);
	}
	if (IsA(node, Aggref))
	{
		Aggref	   *aggref = copyObject((Aggref *) node);

		aggref->aggdirectargs = (List *) set_mutator((Node *) aggref->aggdirectargs, s);
		return (Node *) aggref;
	}
	if (s->exprs && !IsA(node, List))
	{
		Node	   *folded = tv_fold(node);

		forboth(le, s->exprs, lr, s->refs)
		{
			if (!equal(folded, lfirst(le)))
				continue;
			if (list_member_int(s->set, lfirst_int(lr)))
				return copyObject(node);
			return (Node *) makeNullConst(exprType(node), exprTypmod(node),
										  exprCollation(node));
		}
	}
	in_call = s->in_call;
	s->in_call |= IsA(node, FuncExpr) ||
		(IsA(node, OpExpr) && get_op_index_interpretation(((OpExpr *) node)->opno) == NIL);
	result = expression_tree_mutator(node, set_mutator, context);
	s->in_call = in_call;
	return result;
}
