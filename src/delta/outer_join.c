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
 * covers a unique key, the whole is one product with a LEFT leaf.  A product
 * of L in which q compares nulls of an outer join below has no match: it is
 * padded, and that is all.  So joins that go on from each other are a sum of as
 * many products as there are joins, not of two to their power.
 *
 * Where others may fail on the nulls, the rows that are padded are stored first:
 * outer_stage.c.
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
#include "delta/outer_side.h"
#include "delta/shield_nulls.h"
#include "delta/subquery.h"
#include "tv_compat.h"

/* The side's rows by the values that the other side is compared with. */
static TvCorrelation *
by_equalities(TvOuterSide *s, const TvPartial *p, List **branches)
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
 * May the join of p with its other leaves fail by what it computes of rows of
 * p?
 */
static bool
join_may_fail(const TvPartial *product, const TvPartial *p)
{
	int			before = list_length(p->leaves);
	List	   *parts = NIL;
	ListCell   *lc;

	foreach(lc, product->quals)
		if (!list_member(p->quals, lfirst(lc)))
		parts = lappend(parts, lfirst(lc));
	for (int i = before; i < list_length(product->leaves); i++)
	{
		TvLeaf	   *leaf = list_nth(product->leaves, i);

		parts = list_concat(parts, leaf->quals);
		parts = list_concat(parts, tv_leaf_exprs(leaf->rte));
	}
	foreach(lc, parts)
	{
		int			first = bms_next_member(pull_varnos(NULL, lfirst(lc)), -1);

		if (first >= 0 && first <= before && tv_expr_may_fail(lfirst(lc)))
			return true;
	}
	return false;
}

/*
 * The columns of p that have a match, from the joined products: their first
 * leaves are p's.  If something of their values may fail, it is computed for
 * no rows but those of p.
 */
static TvCorrelation *
by_columns(TvOuterSide *s, const TvPartial *p, List *columns, List *joined, List **branches)
{
	TvCorrelation *corr = palloc0(sizeof(TvCorrelation));
	List	   *domain = tv_correlate_domain(s->c, p, columns, &corr->quals);
	ListCell   *lc;

	*branches = NIL;
	foreach(lc, joined)
	{
		TvPartial  *product = tv_partial_copy(lfirst(lc));
		Bitmapset  *needed = NULL;
		TvPartial  *sub;
		int		   *map;
		ListCell   *lv;

		foreach(lv, columns)
			needed = bms_add_member(needed, lfirst_node(Var, lv)->varno - 1);
		needed = tv_partial_connect(p, needed, join_may_fail(product, p));
		for (int i = list_length(p->leaves); i < list_length(product->leaves); i++)
			needed = bms_add_member(needed, i);
		product->quals = tv_correlate_safe_quals(product->quals, p);
		sub = tv_partial_restrict(product, needed, &map);
		*branches = lappend(*branches,
							tv_partial_branch(sub, (List *) tv_partial_renumber((Node *) domain, map)));
	}
	corr->base = (TvPartial *) p;	/* the branches are of p's leaves */
	return corr;
}

/* Put nulls in the place of the side. */
static TvPartial *
pad(const TvOuterSide *s, TvPartial *p)
{
	int			rti = -1;

	while ((rti = bms_next_member(s->rtis, rti)) >= 0)
	{
		p->leafof[rti - 1] = TV_NULL_LEAF;
		p->exprsof[rti - 1] = NIL;
	}
	return p;
}

/* A product in which the side is null, or may be. */
static TvPartial *
without_match(const TvOuterSide *s, TvPartial *p)
{
	return s->staged && !s->c->refusal ? tv_outer_stage(s, p) : p;
}

/* The columns of p, as Vars over its leaves, that the join depends on. */
static List *
columns_of(TvOuterSide *s, const TvPartial *p)
{
	TvPartial  *only = pad(s, tv_partial_copy(p));
	List	   *parts = NIL;
	List	   *result = NIL;
	ListCell   *lc;

	tv_outer_side_parts(s, s->item, &parts);
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
add_unmatched(TvOuterSide *s, const TvPartial *p, List *joined)
{
	TvPartial  *result = tv_partial_copy(p);
	TvCorrelation *corr;
	List	   *branches;

	if (joined)
		corr = by_columns(s, p, columns_of(s, p), joined, &branches);
	else
		corr = by_equalities(s, p, &branches);
	if (s->c->refusal || !tv_match_add(s->c, result, branches, corr, TV_LEAF_ANTI, NULL))
		return NULL;
	return without_match(s, pad(s, result));
}

/* p joined with the side. */
static List *
joined_products(TvOuterSide *s, const TvPartial *p)
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
add_lookup(TvOuterSide *s, const TvPartial *p)
{
	TvPartial  *right = linitial(s->partials);
	TvPartial  *result;
	TvCorrelation *corr;
	List	   *branches;
	List	   *exprs = NIL;
	Node	   *marker;
	int			rti = -1;

	if (list_length(s->partials) != 1 || list_length(right->leaves) != 1 || s->general || s->staged)
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
always_one_row(TvOuterSide *s)
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
add_first_row(TvOuterSide *s, TvPartial *p)
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
left_join_lateral(TvOuterSide *s, TvPartial *p)
{
	TvPartial  *first = add_first_row(s, p);
	List	   *joined;
	TvPartial  *unmatched;
	ListCell   *lc;

	if (s->c->refusal)
		return NIL;
	if (first)
		return list_make1(without_match(s, first));
	joined = tv_flatten_from_item(s->c, s->query, s->item, list_make1(tv_partial_copy(p)));
	if (s->c->refusal || always_one_row(s))
		return joined;
	foreach(lc, joined)
		if (!tv_flatten_filter(s->c, s->query, lfirst(lc), copyObject(s->quals)))
		return NIL;
	unmatched = add_unmatched(s, p, joined);
	return s->c->refusal ? NIL : lappend(list_copy(joined), unmatched);
}

/* A join multiplies out; the number of products is bounded before they are made. */
static bool
check_products(TvCompiler *c, int n)
{
	CHECK_FOR_INTERRUPTS();
	if (n <= TV_MAX_BRANCHES)
		return true;
	tv_compile_no_rule(c, -1, psprintf("a join of more than %d combinations of branches", TV_MAX_BRANCHES),
					   "Each combination has a maintenance plan of its own.",
					   "Make parts of it maintained views of their own.");
	return false;
}

static List *
left_join(TvOuterSide *s, TvPartial *p, bool may_prune)
{
	TvPartial  *lookup = add_lookup(s, p);
	TvPartial  *unmatched;
	List	   *joined;

	if (s->c->refusal)
		return NIL;
	if (lookup)
		return list_make1(lookup);
	if (may_prune && tv_outer_side_never_matches(s, p))
		return list_make1(without_match(s, pad(s, tv_partial_copy(p))));
	joined = joined_products(s, p);
	if (s->c->refusal)
		return NIL;
	unmatched = add_unmatched(s, p, s->general ? joined : NIL);
	return s->c->refusal ? NIL : lappend(list_copy(joined), unmatched);
}

static List *
by_itself(TvCompiler *c, Query *query, Node *item)
{
	return tv_flatten_from_item(c, query, item,
								list_make1(tv_partial_make(list_length(query->rtable), NULL)));
}

/* So many leaves are surely of what comes before. */
static int
fewest_leaves(List *partials)
{
	int			result = PG_INT32_MAX;
	ListCell   *lc;

	foreach(lc, partials)
		result = Min(result, list_length(((TvPartial *) lfirst(lc))->leaves));
	return result;
}

/* All products of these; those of b have no base. */
static List *
products(List *a, List *b)
{
	List	   *result = NIL;
	ListCell   *la;
	ListCell   *lb;

	foreach(la, a)
		foreach(lb, b)
		result = lappend(result, tv_partial_product(lfirst(la), lfirst(lb)));
	return result;
}

/*
 * a FULL JOIN b = a LEFT JOIN b + the rows of b without a match.  An ON that
 * refers to what comes before is asked of each of its rows: then before x a and
 * before x b take the place of a and b.
 */
static List *
full_join(TvCompiler *c, Query *query, JoinExpr *join, List *partials)
{
	TvOuterSide left;
	TvOuterSide right;
	List	   *sum = NIL;
	bool		on_outside;
	int			nleft;
	int			nright;
	ListCell   *lc;

	tv_outer_side_init(&left, c, query, join->larg, join->quals);
	tv_outer_side_init(&right, c, query, join->rarg, join->quals);
	if (tv_outer_side_refers_outside(&left) || tv_outer_side_refers_outside(&right))
	{
		tv_compile_no_rule(c, -1,
						   "a FULL JOIN of items that refer to other FROM items or to an outer query",
						   "No maintenance rule exists for it.",
						   "Write it as UNION ALL of a LEFT JOIN and the rows without a match.");
		return NIL;
	}
	on_outside = tv_outer_side_condition_refers_outside(&left, &right);
	left.nbefore = right.nbefore = on_outside ? fewest_leaves(partials) : 0;
	left.staged = tv_seen_nulls_may_fail(query, left.rtis, left.item, join);
	right.staged = tv_seen_nulls_may_fail(query, right.rtis, right.item, join);
	left.partials = by_itself(c, query, join->larg);
	if (c->refusal)
		return NIL;
	right.partials = by_itself(c, query, join->rarg);
	if (c->refusal)
		return NIL;
	nleft = list_length(left.partials);
	nright = list_length(right.partials);
	if (!check_products(c, list_length(partials) * (nleft * nright + nleft + nright)))
		return NIL;

	for (int i = 0; i < 2; i++)
	{
		TvOuterSide *padded = i == 0 ? &right : &left;
		List	   *rows = i == 0 ? left.partials : right.partials;
		bool		may_prune;

		if (on_outside)
			rows = products(partials, rows);
		may_prune = !tv_outer_side_none_matches(padded, rows);
		foreach(lc, rows)
		{
			TvPartial  *p = lfirst(lc);
			List	   *joined;
			TvPartial  *unmatched;

			if (may_prune && tv_outer_side_never_matches(padded, p))
			{
				sum = lappend(sum, without_match(padded, pad(padded, tv_partial_copy(p))));
				continue;
			}
			joined = joined_products(padded, p);
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
	return on_outside ? sum : products(partials, sum);
}

List *
tv_flatten_outer_join(TvCompiler *c, Query *query, JoinExpr *join, List *partials)
{
	bool		right = join->jointype == JOIN_RIGHT;
	bool		first = list_length(partials) == 1 && ((TvPartial *) linitial(partials))->leaves == NIL;
	List	   *result = NIL;
	bool		may_prune;
	ListCell   *lc;
	TvOuterSide s;

	check_stack_depth();
	if (!tv_analyze_expr(c, tv_compat_flatten_aliases(query, join->quals)))
		return NIL;
	if (join->jointype == JOIN_FULL)
		return full_join(c, query, join, partials);

	tv_outer_side_init(&s, c, query, right ? join->larg : join->rarg, join->quals);
	s.staged = tv_seen_nulls_may_fail(query, s.rtis, s.item, join);
	s.nbefore = fewest_leaves(partials);
	partials = tv_flatten_from_item(c, query, right ? join->rarg : join->larg, partials);
	if (c->refusal)
		return NIL;
	if (tv_outer_side_refers_outside(&s))
	{
		foreach(lc, partials)
		{
			result = list_concat(result, left_join_lateral(&s, lfirst(lc)));
			if (c->refusal || !check_products(c, list_length(result)))
				return NIL;
		}
		return result;
	}
	s.partials = by_itself(c, query, s.item);
	if (c->refusal)
		return NIL;
	if (first && !right)
		partials = tv_outer_store(&s, join, partials);
	if (c->refusal)
		return NIL;
	may_prune = !tv_outer_side_none_matches(&s, partials);
	foreach(lc, partials)
	{
		result = list_concat(result, left_join(&s, lfirst(lc), may_prune));
		if (c->refusal || !check_products(c, list_length(result)))
			return NIL;
	}
	return result;
}
