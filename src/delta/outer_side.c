/*-------------------------------------------------------------------------
 *
 * delta/outer_side.c
 *	  The side of an outer join that is padded with nulls: what ON asks of it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/prep.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"

#include "delta/correlate.h"
#include "delta/outer_side.h"
#include "tv_compat.h"

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

void
tv_outer_side_parts(TvOuterSide *s, Node *item, List **parts)
{
	JoinExpr   *join = (JoinExpr *) item;
	RangeTblEntry *rte;

	if (IsA(item, JoinExpr))
	{
		tv_outer_side_parts(s, join->larg, parts);
		tv_outer_side_parts(s, join->rarg, parts);
		*parts = lappend(*parts, tv_compat_flatten_aliases(s->query, join->quals));
		return;
	}
	rte = rt_fetch(((RangeTblRef *) item)->rtindex, s->query->rtable);
	*parts = lappend(*parts, rte->subquery);
	*parts = lappend(*parts, tv_leaf_exprs(rte));
}

bool
tv_outer_side_refers_outside(TvOuterSide *s)
{
	OutsideContext o = {s->rtis, 0};
	List	   *parts = NIL;
	ListCell   *lc;

	tv_outer_side_parts(s, s->item, &parts);
	foreach(lc, parts)
		if (outside_walker(lfirst(lc), &o))
		return true;
	return false;
}

bool
tv_outer_side_condition_refers_outside(const TvOuterSide *a, const TvOuterSide *b)
{
	Bitmapset  *rtis = bms_union(a->rtis, b->rtis);
	OutsideContext o = {rtis, 0};

	return outside_walker(tv_compat_flatten_aliases(a->query, a->quals), &o);
}

static void
take_apart(TvOuterSide *s)
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

bool
tv_outer_side_never_matches(const TvOuterSide *s, const TvPartial *p)
{
	ListCell   *lc;
	ListCell   *li;

	forboth(lc, s->equalities, li, s->inner)
	{
		const OpExpr *op = lfirst_node(OpExpr, lc);
		Node	   *theirs = tv_partial_map(p, list_nth(op->args, 1 - lfirst_int(li)));

		while (IsA(theirs, RelabelType))
			theirs = (Node *) ((RelabelType *) theirs)->arg;
		if (IsA(theirs, Const) && ((Const *) theirs)->constisnull && op_strict(op->opno))
			return true;
	}
	return false;
}

bool
tv_outer_side_none_matches(const TvOuterSide *s, List *partials)
{
	ListCell   *lc;

	foreach(lc, partials)
		if (!tv_outer_side_never_matches(s, lfirst(lc)))
		return false;
	return true;
}

void
tv_outer_side_init(TvOuterSide *s, TvCompiler *c, Query *query, Node *item, Node *quals)
{
	memset(s, 0, sizeof(TvOuterSide));
	s->c = c;
	s->query = query;
	s->item = item;
	s->quals = quals;
	collect_rtis(item, &s->rtis);
	take_apart(s);
}
