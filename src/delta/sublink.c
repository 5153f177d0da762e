/*-------------------------------------------------------------------------
 *
 * delta/sublink.c
 *	  Subqueries in expressions.
 *
 * In WHERE and HAVING, EXISTS and IN are semi joins, NOT EXISTS and NOT IN anti
 * joins.  Anywhere else a subquery is a LEFT leaf, and its value an expression
 * over the leaf's columns:
 *
 *		EXISTS q		a match is there
 *		x op ANY q		true if there is a match for which the test is true, else
 *						null if there is one for which it is null, else false
 *		x op ALL q		not (there is a match for which it is false or null) ...
 *		(select ...)	of an aggregate: its row; of anything else: the only row,
 *						with an error if there are several
 *		ARRAY(select)	the array aggregate of its rows
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/prep.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"

#include "delta/correlate.h"
#include "delta/subquery.h"
#include "tv_compat.h"

typedef struct ExpandContext
{
	TvCompiler *c;
	TvPartial  *p;
} ExpandContext;

static bool filter_one(TvCompiler *c, TvPartial *p, Node *qual);
static Node *expand_mutator(Node *node, ExpandContext *e);

/* What has no place of its own is refused where the subquery stands. */
static void
locate(TvCompiler *c, Node *expr)
{
	if (c->refusal && c->refusal->location < 0)
		c->refusal->location = exprLocation(expr);
}

bool
tv_sublink_filter(TvCompiler *c, TvPartial *p, Node *quals)
{
	List	   *later = NIL;
	ListCell   *lc;

	if (quals && IsA(quals, List))
		quals = (Node *) make_ands_explicit((List *) quals);
	foreach(lc, make_ands_implicit(canonicalize_qual((Expr *) quals, false)))
	{
		/* domains of subqueries are smaller when the other quals are there */
		if (checkExprHasSubLink(lfirst(lc)))
			later = lappend(later, lfirst(lc));
		else
			p->quals = lappend(p->quals, lfirst(lc));
	}
	foreach(lc, later)
	{
		if (!filter_one(c, p, lfirst(lc)))
		{
			locate(c, lfirst(lc));
			return false;
		}
	}
	return true;
}

Node *
tv_sublink_expand(TvCompiler *c, TvPartial *p, Node *exprs)
{
	ExpandContext e = {c, p};

	if (!checkExprHasSubLink(exprs))
		return exprs;
	return expand_mutator(exprs, &e);
}

/* Is there a row for which the test of x op ANY (or ALL) comes out like that? */
static bool
add_any(TvCompiler *c, TvPartial *p, SubLink *sublink, TvTestResult result,
		TvLeafMode mode, Node **marker)
{
	Query	   *query = tv_subquery_test(sublink, result);

	return tv_correlate_exists(c, p, query, mode, marker);
}

/*
 * Leaves for rows for which the test is null: one for null values of the
 * subquery, one for a null x, as far as there can be any.  *markers: theirs.
 */
static bool
add_any_null(TvCompiler *c, TvPartial *p, SubLink *sublink, TvLeafMode mode, List **markers)
{
	Node	   *marker;
	Node	   *outer;
	Node	   *inner;

	*markers = NIL;
	if (!tv_subquery_simple_test(sublink, &outer, &inner))
	{
		if (!add_any(c, p, sublink, TV_TEST_NULL, mode, &marker))
			return false;
		*markers = lappend(*markers, marker);
		return true;
	}
	if (!tv_subquery_not_null((Query *) sublink->subselect, inner))
	{
		if (!add_any(c, p, sublink, TV_TEST_INNER_NULL, mode, &marker))
			return false;
		*markers = lappend(*markers, marker);
	}
	if (!tv_correlate_not_null(c, p, outer))
	{
		if (!add_any(c, p, sublink, TV_TEST_OUTER_NULL, mode, &marker))
			return false;
		*markers = lappend(*markers, marker);
	}
	return true;
}

/* The test of ALL is its negation's ANY, negated. */
static SubLink *
all_as_any(SubLink *sublink)
{
	SubLink    *any = copyObject(sublink);

	any->subLinkType = ANY_SUBLINK;
	any->testexpr = (Node *) make_notclause((Expr *) any->testexpr);
	if (IsA(sublink->testexpr, OpExpr) &&
		OidIsValid(get_negator(((OpExpr *) sublink->testexpr)->opno)))
		any->testexpr = negate_clause(sublink->testexpr);
	return any;
}

static SubLink *
with_expanded_test(TvCompiler *c, TvPartial *p, SubLink *sublink)
{
	sublink = copyObject(sublink);
	sublink->testexpr = tv_sublink_expand(c, p, sublink->testexpr);
	if (sublink->subLinkType == ALL_SUBLINK)
		sublink = all_as_any(sublink);
	return sublink;
}

static bool
filter_one(TvCompiler *c, TvPartial *p, Node *qual)
{
	bool		negated = is_notclause(qual);
	SubLink    *sublink = negated ? (SubLink *) get_notclausearg(qual) : (SubLink *) qual;
	TvLeafMode	mode;
	List	   *markers;
	Node	   *marker;

	if (IsA(sublink, SubLink))
	{
		bool		all = sublink->subLinkType == ALL_SUBLINK;

		mode = negated != all ? TV_LEAF_ANTI : TV_LEAF_INNER;
		if (sublink->subLinkType == EXISTS_SUBLINK)
			return tv_correlate_exists(c, p, (Query *) sublink->subselect, mode, NULL);
		if (sublink->subLinkType == ANY_SUBLINK || all)
		{
			sublink = with_expanded_test(c, p, sublink);
			if (c->refusal)
				return false;
			/* null is as good as false here, so only "no row" asks for nulls */
			if (!add_any(c, p, sublink, TV_TEST_TRUE, mode, &marker))
				return false;
			return mode == TV_LEAF_INNER || add_any_null(c, p, sublink, mode, &markers);
		}
	}
	p->quals = lappend(p->quals, tv_sublink_expand(c, p, qual));
	return c->refusal == NULL;
}

static Expr *
is_there(Node *marker)
{
	NullTest   *test = makeNode(NullTest);

	test->arg = (Expr *) copyObject(marker);
	test->nulltesttype = IS_NOT_NULL;
	test->location = -1;
	return (Expr *) test;
}

/* x op ANY q as a value */
static Node *
any_value(TvCompiler *c, TvPartial *p, SubLink *sublink)
{
	CaseExpr   *result = makeNode(CaseExpr);
	CaseWhen   *when;
	List	   *markers;
	List	   *tests = NIL;
	Node	   *marker;
	ListCell   *lc;
	bool		negated = sublink->subLinkType == ALL_SUBLINK;

	sublink = with_expanded_test(c, p, sublink);
	if (c->refusal || !add_any(c, p, sublink, TV_TEST_TRUE, TV_LEAF_LEFT, &marker) ||
		!add_any_null(c, p, sublink, TV_LEAF_LEFT, &markers))
		return NULL;
	if (markers == NIL)
		return negated ? (Node *) make_notclause(is_there(marker)) : (Node *) is_there(marker);

	when = makeNode(CaseWhen);
	when->expr = is_there(marker);
	when->result = (Expr *) makeBoolConst(!negated, false);
	when->location = -1;
	result->args = list_make1(when);
	foreach(lc, markers)
		tests = lappend(tests, is_there(lfirst(lc)));
	when = makeNode(CaseWhen);
	when->expr = list_length(tests) > 1 ? make_orclause(tests) : linitial(tests);
	when->result = (Expr *) makeBoolConst(false, true);
	when->location = -1;
	result->args = lappend(result->args, when);
	result->casetype = BOOLOID;
	result->defresult = (Expr *) makeBoolConst(negated, false);
	result->location = -1;
	return (Node *) result;
}

/* The columns of the row of a scalar subquery; nulls if there is none. */
static List *
row_values(TvCompiler *c, TvPartial *p, Query *query)
{
	List	   *exprs;
	List	   *result = NIL;
	Node	   *filter;
	ListCell   *lc;

	query = tv_subquery_one_row(copyObject(query));
	if (!tv_subquery_is_aggregate(query))
	{
		exprs = tv_correlate_lookup(c, p, query);
		if (exprs == NIL && !c->refusal)
			exprs = tv_correlate_first_row(c, p, query);
		if (exprs || c->refusal)
			return exprs;
		query = tv_subquery_only_row(query);
	}
	exprs = tv_correlate_aggregate(c, p, query, &filter);
	if (c->refusal)
		return NIL;
	if (tv_subquery_counts_rows(query))
		exprs = tv_subquery_check_only(exprs);
	foreach(lc, exprs)
	{
		Node	   *expr = lfirst(lc);

		if (filter)
		{
			CaseExpr   *guarded = makeNode(CaseExpr);
			CaseWhen   *when = makeNode(CaseWhen);

			when->expr = copyObject((Expr *) filter);
			when->result = (Expr *) expr;
			when->location = -1;
			guarded->casetype = exprType(expr);
			guarded->casecollid = exprCollation(expr);
			guarded->args = list_make1(when);
			guarded->defresult = (Expr *) makeNullConst(exprType(expr), exprTypmod(expr),
														exprCollation(expr));
			guarded->location = -1;
			expr = (Node *) guarded;
		}
		result = lappend(result, expr);
	}
	return result;
}

static Node *
array_value(TvCompiler *c, TvPartial *p, SubLink *sublink)
{
	Query	   *query = tv_subquery_array(copyObject((Query *) sublink->subselect));
	List	   *exprs;
	Node	   *filter;
	CoalesceExpr *result;

	if (query == NULL)
	{
		tv_compile_no_rule(c, sublink->location,
						   "ARRAY over a subquery like this",
						   "No maintenance rule exists for it.",
						   "Write it with array_agg() and ORDER BY.");
		return NULL;
	}
	exprs = tv_correlate_aggregate(c, p, query, &filter);
	if (c->refusal)
		return NULL;
	result = makeNode(CoalesceExpr);
	result->coalescetype = exprType(linitial(exprs));
	result->coalescecollid = exprCollation(linitial(exprs));
	result->args = list_make2(linitial(exprs), tv_subquery_empty_array(result->coalescetype));
	result->location = -1;
	return (Node *) result;
}

static Node *
sublink_value(TvCompiler *c, TvPartial *p, SubLink *sublink)
{
	Node	   *marker;
	List	   *values;

	check_stack_depth();
	switch (sublink->subLinkType)
	{
		case EXISTS_SUBLINK:
			if (!tv_correlate_exists(c, p, (Query *) sublink->subselect, TV_LEAF_LEFT, &marker))
				return NULL;
			return (Node *) is_there(marker);
		case ANY_SUBLINK:
		case ALL_SUBLINK:
			return any_value(c, p, sublink);
		case EXPR_SUBLINK:
			values = row_values(c, p, (Query *) sublink->subselect);
			return c->refusal ? NULL : linitial(values);
		case ROWCOMPARE_SUBLINK:
			values = row_values(c, p, (Query *) sublink->subselect);
			if (c->refusal)
				return NULL;
			return tv_subquery_replace_params(tv_sublink_expand(c, p, sublink->testexpr), values);
		case ARRAY_SUBLINK:
			return array_value(c, p, sublink);
		default:
			tv_compile_no_rule(c, sublink->location,
							   "this kind of subquery in an expression",
							   "No maintenance rule exists for it.",
							   "Write it as a join.");
			return NULL;
	}
}

static Node *
expand_mutator(Node *node, ExpandContext *e)
{
	if (node == NULL || e->c->refusal)
		return NULL;
	if (IsA(node, SubLink))
	{
		Node	   *value = sublink_value(e->c, e->p, (SubLink *) node);

		locate(e->c, node);
		return value;
	}
	return expression_tree_mutator(node, expand_mutator, e);
}
