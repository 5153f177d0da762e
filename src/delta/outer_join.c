/*-------------------------------------------------------------------------
 *
 * delta/outer_join.c
 *	  LEFT, RIGHT and FULL JOIN as sums of products.
 *
 *		L left join R on q	=  L x R on q  +  (L where no row of R matches) x nulls
 *		L right join R		=  R left join L
 *		L full join R		=  L x R on q  +  both antijoins, padded with nulls
 *
 * The antijoin is a leaf (see TvLeafMode).  Where R is a table of which q
 * covers a unique key, the whole is one product with a LEFT leaf.
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
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"

#include "delta/correlate.h"
#include "delta/subquery.h"
#include "tv_compat.h"

/* One side of an outer join, as seen from the other. */
typedef struct OuterSide
{
	TvCompiler *c;
	Query	   *query;
	Node	   *item;			/* the side that is padded with nulls */
	Bitmapset  *rtis;			/* its range table indexes */
	List	   *partials;		/* it by itself */
	Node	   *quals;			/* ON, or NULL */

	/* ON taken apart */
	List	   *own;			/* quals on this side only */
	List	   *other;			/* quals on the other side only */
	List	   *equalities;		/* of OpExpr *: "other side = this side" ... */
	List	   *inner;			/* ... and which argument is of this side */
	bool		general;		/* there is more to it */
} OuterSide;

static void
collect_rtis(Node *item, Bitmapset **rtis)
{
	if (IsA(item, RangeTblRef))
		*rtis = bms_add_member(*rtis, ((RangeTblRef *) item)->rtindex);
	else
	{
		collect_rtis(castNode(JoinExpr, item)->larg, rtis);
		collect_rtis(castNode(JoinExpr, item)->rarg, rtis);
	}
}

/* Has it Vars of levels above the query's, or of FROM items outside of rtis? */
typedef struct OutsideContext
{
	const Bitmapset *rtis;
	int			depth;
} OutsideContext;

static bool
outside_walker(Node *node, OutsideContext *o)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		Var		   *var = (Var *) node;

		return var->varlevelsup > o->depth ||
			(var->varlevelsup == o->depth && !bms_is_member(var->varno, o->rtis));
	}
	if (IsA(node, Query))
	{
		bool		result;

		o->depth++;
		result = query_tree_walker((Query *) node, outside_walker, o, 0);
		o->depth--;
		return result;
	}
	return expression_tree_walker(node, outside_walker, o);
}

/* What the items of rtis, and join conditions among them, are made of. */
static void
collect_parts(OuterSide *s, Node *item, List **parts)
{
	JoinExpr   *join = (JoinExpr *) item;
	RangeTblEntry *rte;

	if (IsA(item, JoinExpr))
	{
		collect_parts(s, join->larg, parts);
		collect_parts(s, join->rarg, parts);
		*parts = lappend(*parts, tv_compat_flatten_aliases(s->query, join->quals));
		return;
	}
	rte = rt_fetch(((RangeTblRef *) item)->rtindex, s->query->rtable);
	*parts = lappend(*parts, rte->subquery);
	*parts = lappend(*parts, tv_leaf_exprs(rte));
}

/* Does the side refer to FROM items before it, or outside of the query? */
static bool
refers_outside(OuterSide *s)
{
	OutsideContext o = {s->rtis, 0};
	List	   *parts = NIL;
	ListCell   *lc;

	collect_parts(s, s->item, &parts);
	foreach(lc, parts)
		if (outside_walker(lfirst(lc), &o))
		return true;
	return false;
}

static void
take_apart(OuterSide *s)
{
	Node	   *quals = tv_compat_flatten_aliases(s->query, copyObject(s->quals));
	OutsideContext o = {s->rtis, 0};
	ListCell   *lc;

	if (quals && IsA(quals, List))
		quals = (Node *) make_ands_explicit((List *) quals);
	foreach(lc, make_ands_implicit(canonicalize_qual((Expr *) quals, false)))
	{
		Node	   *qual = lfirst(lc);
		OpExpr	   *op = (OpExpr *) qual;
		int			side = -1;

		if (checkExprHasSubLink(qual))
			s->general = true;
		else if (!outside_walker(qual, &o))
			s->own = lappend(s->own, qual);
		else if (!bms_overlap(pull_varnos(NULL, qual), s->rtis))
			s->other = lappend(s->other, qual);
		else
		{
			for (int i = 0; IsA(op, OpExpr) && list_length(op->args) == 2 && i < 2; i++)
			{
				Node	   *mine = list_nth(op->args, i);
				Node	   *theirs = list_nth(op->args, 1 - i);

				if (!outside_walker(mine, &o) && bms_overlap(pull_varnos(NULL, mine), s->rtis) &&
					!bms_overlap(pull_varnos(NULL, theirs), s->rtis) &&
					tv_correlate_groups_by(op, mine))
					side = i;
			}
			if (side < 0)
				s->general = true;
			else
			{
				s->equalities = lappend(s->equalities, op);
				s->inner = lappend_int(s->inner, side);
			}
		}
	}
}

/* The side's rows by the values that the other side is compared with. */
static TvCorrelation *
by_equalities(OuterSide *s, const TvPartial *p, List **branches)
{
	TvCorrelation *corr = palloc0(sizeof(TvCorrelation));
	ListCell   *lc;
	ListCell   *li;

	corr->quals = (List *) tv_partial_map(p, (Node *) s->other);
	forboth(lc, s->equalities, li, s->inner)
	{
		OpExpr	   *op = copyObject(lfirst_node(OpExpr, lc));
		int			side = lfirst_int(li);
		Node	   *inner = list_nth(op->args, side);
		Param	   *param = makeNode(Param);

		param->paramkind = PARAM_SUBLINK;
		param->paramid = list_length(corr->exprs);
		param->paramtype = exprType(inner);
		param->paramtypmod = exprTypmod(inner);
		param->paramcollid = exprCollation(inner);
		param->location = -1;
		lfirst(list_nth_cell(op->args, 1 - side)) = tv_partial_map(p, list_nth(op->args, 1 - side));
		lfirst(list_nth_cell(op->args, side)) = param;
		corr->quals = lappend(corr->quals, op);
		corr->exprs = lappend(corr->exprs, inner);
	}

	*branches = NIL;
	foreach(lc, s->partials)
	{
		TvPartial  *right = tv_partial_copy(lfirst(lc));
		List	   *exprs;

		if (s->own && !tv_flatten_filter(s->c, s->query, right,
										 (Node *) make_ands_explicit(copyObject(s->own))))
			return NULL;
		exprs = (List *) tv_partial_map(right, (Node *) corr->exprs);
		exprs = lappend(exprs, makeConst(INT4OID, -1, InvalidOid, sizeof(int32),
										 Int32GetDatum(1), false, true));
		*branches = lappend(*branches, tv_partial_branch(right, exprs));
	}
	return corr;
}

/*
 * The columns of p that have a match, from the joined products: their first
 * leaves are p's.
 */
static TvCorrelation *
by_columns(OuterSide *s, const TvPartial *p, List *columns, List *joined, List **branches)
{
	TvCorrelation *corr = palloc0(sizeof(TvCorrelation));
	List	   *domain = tv_correlate_domain(s->c, p, columns, &corr->quals);
	ListCell   *lc;

	*branches = NIL;
	foreach(lc, joined)
	{
		TvPartial  *product = lfirst(lc);
		Bitmapset  *needed = NULL;
		TvPartial  *sub;
		int		   *map;
		ListCell   *lv;

		foreach(lv, columns)
			needed = bms_add_member(needed, lfirst_node(Var, lv)->varno - 1);
		for (int i = list_length(p->leaves); i < list_length(product->leaves); i++)
			needed = bms_add_member(needed, i);
		sub = tv_partial_restrict(product, needed, &map);
		*branches = lappend(*branches,
							tv_partial_branch(sub, (List *) tv_partial_renumber((Node *) domain, map)));
	}
	corr->base = (TvPartial *) p;	/* the branches are of p's leaves */
	return corr;
}

/* The columns of p, as Vars over its leaves, that the join depends on. */
static List *
columns_of(OuterSide *s, const TvPartial *p)
{
	TvPartial  *only = tv_partial_copy(p);
	List	   *parts = NIL;
	List	   *result = NIL;
	int			rti = -1;
	ListCell   *lc;

	while ((rti = bms_next_member(s->rtis, rti)) >= 0)
	{
		only->leafof[rti - 1] = TV_NULL_LEAF;
		only->exprsof[rti - 1] = NIL;
	}
	collect_parts(s, s->item, &parts);
	parts = lappend(parts, tv_compat_flatten_aliases(s->query, s->quals));
	foreach(lc, parts)
	{
		Node	   *part = lfirst(lc);
		List	   *vars = NIL;

		if (part == NULL)
			continue;
		part = tv_partial_map(only, part);
		if (IsA(part, Query))
			vars = tv_correlate_outer_columns((Query *) part);
		else
		{
			/* subqueries in conditions refer to p as well */
			Query	   *probe = makeNode(Query);

			probe->commandType = CMD_SELECT;
			probe->jointree = makeFromExpr(NIL, part);
			IncrementVarSublevelsUp(part, 1, 0);
			vars = tv_correlate_outer_columns(probe);
		}
		result = list_concat_unique(result, vars);
	}
	return result;
}

/* p where the side has no match, with nulls for the side. */
static TvPartial *
add_unmatched(OuterSide *s, const TvPartial *p, List *joined)
{
	TvPartial  *result = tv_partial_copy(p);
	TvCorrelation *corr;
	List	   *branches;
	int			rti = -1;

	if (joined)
		corr = by_columns(s, p, columns_of(s, p), joined, &branches);
	else
		corr = by_equalities(s, p, &branches);
	if (s->c->refusal || !tv_match_add(s->c, result, branches, corr, TV_LEAF_ANTI, NULL))
		return NULL;
	while ((rti = bms_next_member(s->rtis, rti)) >= 0)
	{
		result->leafof[rti - 1] = TV_NULL_LEAF;
		result->exprsof[rti - 1] = NIL;
	}
	return result;
}

/* p joined with the side. */
static List *
joined_products(OuterSide *s, const TvPartial *p)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, s->partials)
	{
		TvPartial  *product = tv_partial_product(p, lfirst(lc));

		if (!tv_flatten_filter(s->c, s->query, product, copyObject(s->quals)))
			return NIL;
		result = lappend(result, product);
	}
	return result;
}

/* As one product, with the side as a LEFT leaf, if it is looked up by a key. */
static TvPartial *
add_lookup(OuterSide *s, const TvPartial *p)
{
	TvPartial  *right = linitial(s->partials);
	TvPartial  *result;
	TvCorrelation *corr;
	List	   *branches;
	List	   *exprs = NIL;
	Node	   *marker;
	int			rti = -1;

	if (list_length(s->partials) != 1 || list_length(right->leaves) != 1 || s->general)
		return NULL;
	result = tv_partial_copy(p);
	corr = by_equalities(s, p, &branches);
	if (s->c->refusal)
		return NULL;
	while ((rti = bms_next_member(s->rtis, rti)) >= 0)
		exprs = list_concat(exprs, right->exprsof[rti - 1]);
	if (!tv_match_direct(s->c, result, branches, corr, TV_LEAF_LEFT, &marker, &exprs))
		return NULL;
	rti = -1;
	while ((rti = bms_next_member(s->rtis, rti)) >= 0)
	{
		int			n = list_length(right->exprsof[rti - 1]);

		if (right->leafof[rti - 1] >= 0)
			result->leafof[rti - 1] = list_length(result->leaves) - 1;
		else
			result->leafof[rti - 1] = right->leafof[rti - 1];
		result->exprsof[rti - 1] = list_truncate(list_copy(exprs), n);
		exprs = list_copy_tail(exprs, n);
	}
	return result;
}

/* Is the condition no condition? */
static bool
is_always_true(Node *quals)
{
	return quals == NULL || (IsA(quals, Const) && !((Const *) quals)->constisnull &&
							 DatumGetBool(((Const *) quals)->constvalue));
}

/* Does a subquery give exactly one row, whatever it refers to? */
static bool
always_one_row(OuterSide *s)
{
	RangeTblEntry *rte;

	if (!IsA(s->item, RangeTblRef))
		return false;
	rte = rt_fetch(((RangeTblRef *) s->item)->rtindex, s->query->rtable);
	return rte->rtekind == RTE_SUBQUERY && tv_subquery_is_aggregate(rte->subquery) &&
		rte->subquery->havingQual == NULL && is_always_true(s->quals);
}

/* As one product, if the side is a query with LIMIT 1. */
static TvPartial *
add_first_row(OuterSide *s, TvPartial *p)
{
	TvPartial  *result;
	RangeTblEntry *rte;
	List	   *exprs;
	int			rti;

	if (!IsA(s->item, RangeTblRef) || !is_always_true(s->quals))
		return NULL;
	rti = ((RangeTblRef *) s->item)->rtindex;
	rte = rt_fetch(rti, s->query->rtable);
	if (rte->rtekind != RTE_SUBQUERY)
		return NULL;
	result = tv_partial_copy(p);
	exprs = tv_correlate_first_row(s->c, result,
								   (Query *) tv_partial_map(p, (Node *) rte->subquery));
	if (exprs == NIL)
		return NULL;
	result->exprsof[rti - 1] = exprs;
	return result;
}

/* The side refers to columns of p: it is compiled on top of it. */
static List *
left_join_lateral(OuterSide *s, TvPartial *p)
{
	TvPartial  *first = add_first_row(s, p);
	List	   *joined;
	TvPartial  *unmatched;
	ListCell   *lc;

	if (s->c->refusal)
		return NIL;
	if (first)
		return list_make1(first);
	joined = tv_flatten_from_item(s->c, s->query, s->item, list_make1(tv_partial_copy(p)));
	if (s->c->refusal || always_one_row(s))
		return joined;
	foreach(lc, joined)
		if (!tv_flatten_filter(s->c, s->query, lfirst(lc), copyObject(s->quals)))
		return NIL;
	unmatched = add_unmatched(s, p, joined);
	return s->c->refusal ? NIL : lappend(list_copy(joined), unmatched);
}

static List *
left_join(OuterSide *s, TvPartial *p)
{
	TvPartial  *lookup = add_lookup(s, p);
	TvPartial  *unmatched;
	List	   *joined;

	if (s->c->refusal)
		return NIL;
	if (lookup)
		return list_make1(lookup);
	joined = joined_products(s, p);
	if (s->c->refusal)
		return NIL;
	unmatched = add_unmatched(s, p, s->general ? joined : NIL);
	return s->c->refusal ? NIL : lappend(list_copy(joined), unmatched);
}

static void
init_side(OuterSide *s, TvCompiler *c, Query *query, Node *item, Node *quals)
{
	memset(s, 0, sizeof(OuterSide));
	s->c = c;
	s->query = query;
	s->item = item;
	s->quals = quals;
	collect_rtis(item, &s->rtis);
	take_apart(s);
}

static List *
by_itself(TvCompiler *c, Query *query, Node *item)
{
	return tv_flatten_from_item(c, query, item,
								list_make1(tv_partial_make(list_length(query->rtable), NULL)));
}

static List *
full_join(TvCompiler *c, Query *query, JoinExpr *join, List *partials)
{
	OuterSide	left;
	OuterSide	right;
	List	   *sum = NIL;
	List	   *result = NIL;
	ListCell   *lc;
	ListCell   *lp;

	init_side(&left, c, query, join->larg, join->quals);
	init_side(&right, c, query, join->rarg, join->quals);
	if (refers_outside(&left) || refers_outside(&right))
	{
		tv_compile_no_rule(c, -1,
						   "a FULL JOIN of items that refer to other FROM items or to an outer query",
						   "No maintenance rule exists for it.",
						   "Write it as UNION ALL of a LEFT JOIN and the rows without a match.");
		return NIL;
	}
	left.partials = by_itself(c, query, join->larg);
	if (c->refusal)
		return NIL;
	right.partials = by_itself(c, query, join->rarg);
	if (c->refusal)
		return NIL;

	for (int i = 0; i < 2; i++)
	{
		OuterSide  *padded = i == 0 ? &right : &left;

		foreach(lc, i == 0 ? left.partials : right.partials)
		{
			TvPartial  *p = lfirst(lc);
			List	   *joined = joined_products(padded, p);
			TvPartial  *unmatched;

			if (c->refusal)
				return NIL;
			unmatched = add_unmatched(padded, p, padded->general ? joined : NIL);
			if (c->refusal)
				return NIL;
			if (i == 0)
				sum = list_concat(sum, joined);
			sum = lappend(sum, unmatched);
		}
	}
	foreach(lp, partials)
		foreach(lc, sum)
		result = lappend(result, tv_partial_product(lfirst(lp), lfirst(lc)));
	return result;
}

List *
tv_flatten_outer_join(TvCompiler *c, Query *query, JoinExpr *join, List *partials)
{
	bool		right = join->jointype == JOIN_RIGHT;
	List	   *result = NIL;
	ListCell   *lc;
	OuterSide	s;

	check_stack_depth();
	if (!tv_analyze_expr(c, tv_compat_flatten_aliases(query, join->quals)))
		return NIL;
	if (join->jointype == JOIN_FULL)
		return full_join(c, query, join, partials);

	init_side(&s, c, query, right ? join->larg : join->rarg, join->quals);
	partials = tv_flatten_from_item(c, query, right ? join->rarg : join->larg, partials);
	if (c->refusal)
		return NIL;
	if (refers_outside(&s))
	{
		foreach(lc, partials)
		{
			result = list_concat(result, left_join_lateral(&s, lfirst(lc)));
			if (c->refusal)
				return NIL;
		}
	}
	else
	{
		s.partials = by_itself(c, query, s.item);
		if (c->refusal)
			return NIL;
		foreach(lc, partials)
		{
			result = list_concat(result, left_join(&s, lfirst(lc)));
			if (c->refusal)
				return NIL;
		}
	}
	if (list_length(result) > TV_MAX_BRANCHES)
	{
		tv_compile_no_rule(c, -1, psprintf("a join of more than %d combinations of branches", TV_MAX_BRANCHES),
						   "Each combination has a maintenance plan of its own.",
						   "Make parts of it maintained views of their own.");
		return NIL;
	}
	return result;
}
