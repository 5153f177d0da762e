/*-------------------------------------------------------------------------
 *
 * delta/partial.c
 *	  Build products of FROM items.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"

#include "delta/partial.h"
#include "tv_compat.h"

static TvLeaf *leaf_copy(const TvLeaf *leaf, int offset);

TvPartial *
tv_partial_make(int nrtes, const TvPartial *base)
{
	TvPartial  *partial = palloc0(sizeof(TvPartial));

	partial->nrtes = nrtes;
	partial->leafof = palloc(sizeof(int) * (nrtes + 1));
	partial->exprsof = palloc0(sizeof(List *) * (nrtes + 1));
	for (int i = 0; i < nrtes; i++)
		partial->leafof[i] = TV_NO_LEAF;
	if (base)
	{
		ListCell   *lc;

		foreach(lc, base->leaves)
			partial->leaves = lappend(partial->leaves, leaf_copy(lfirst(lc), 0));
		partial->quals = copyObject(base->quals);
	}
	return partial;
}

TvPartial *
tv_partial_copy(const TvPartial *partial)
{
	TvPartial  *copy = tv_partial_make(partial->nrtes, partial);

	for (int i = 0; i < partial->nrtes; i++)
	{
		copy->leafof[i] = partial->leafof[i];
		copy->exprsof[i] = copyObject(partial->exprsof[i]);
	}
	return copy;
}

/* A copy whose Vars refer to leaves offset places further. */
static TvLeaf *
leaf_copy(const TvLeaf *leaf, int offset)
{
	TvLeaf	   *copy = palloc(sizeof(TvLeaf));

	*copy = *leaf;
	copy->rte = copyObject(leaf->rte);
	copy->quals = copyObject(leaf->quals);
	if (offset > 0)
	{
		OffsetVarNodes((Node *) tv_leaf_exprs(copy->rte), offset, 0);
		OffsetVarNodes((Node *) copy->quals, offset, 0);
	}
	return copy;
}

int
tv_partial_add_leaf(TvPartial *partial, RangeTblEntry *rte, int source)
{
	TvLeaf	   *leaf = palloc0(sizeof(TvLeaf));

	leaf->rte = rte;
	leaf->source = source;
	leaf->mode = TV_LEAF_INNER;
	partial->leaves = lappend(partial->leaves, leaf);
	return list_length(partial->leaves) - 1;
}

List *
tv_partial_multiply(TvPartial *partial, const TvBranch *branch)
{
	int			offset = list_length(partial->leaves);
	List	   *quals = copyObject(branch->quals);
	List	   *exprs = copyObject(branch->exprs);
	ListCell   *lc;

	foreach(lc, branch->leaves)
		partial->leaves = lappend(partial->leaves, leaf_copy(lfirst(lc), offset));
	OffsetVarNodes((Node *) quals, offset, 0);
	OffsetVarNodes((Node *) exprs, offset, 0);
	partial->quals = list_concat(partial->quals, quals);
	return exprs;
}

TvPartial *
tv_partial_product(const TvPartial *a, const TvPartial *b)
{
	TvPartial  *product = tv_partial_copy(a);
	int			offset = list_length(a->leaves);
	TvBranch	branch = {0};

	branch.leaves = b->leaves;
	branch.quals = b->quals;
	(void) tv_partial_multiply(product, &branch);
	for (int i = 0; i < b->nrtes; i++)
	{
		if (b->leafof[i] != TV_NO_LEAF)
			product->leafof[i] = b->leafof[i] < 0 ? b->leafof[i] : b->leafof[i] + offset;
		if (b->exprsof[i])
		{
			product->exprsof[i] = copyObject(b->exprsof[i]);
			OffsetVarNodes((Node *) product->exprsof[i], offset, 0);
		}
	}
	return product;
}

/* Leaves that a leaf needs to be there. */
static Bitmapset *
leaf_needs(const TvLeaf *leaf)
{
	Bitmapset  *varnos = pull_varnos(NULL, (Node *) leaf->quals);

	return bms_add_members(varnos, pull_varnos(NULL, (Node *) tv_leaf_exprs(leaf->rte)));
}

/* The sets of leaves that conditions, and what leaves look at, join: List of Bitmapset * of leaves. */
static List *
links(const TvPartial *partial)
{
	List	   *result = NIL;
	List	   *sets = NIL;
	ListCell   *lc;

	foreach(lc, partial->quals)
		sets = lappend(sets, pull_varnos(NULL, lfirst(lc)));
	foreach(lc, partial->leaves)
		sets = lappend(sets, bms_add_member(leaf_needs(lfirst(lc)), foreach_current_index(lc) + 1));
	foreach(lc, sets)
	{
		Bitmapset  *leaves = NULL;
		int			varno = -1;

		while ((varno = bms_next_member(lfirst(lc), varno)) >= 0)
			leaves = bms_add_member(leaves, varno - 1);
		if (bms_membership(leaves) == BMS_MULTIPLE)
			result = lappend(result, leaves);
	}
	return result;
}

/* What is joined to a leaf by links among these leaves. */
static Bitmapset *
reachable(List *links, int leaf, const Bitmapset *among)
{
	Bitmapset  *result = bms_make_singleton(leaf);
	bool		grown = true;
	ListCell   *lc;

	while (grown)
	{
		grown = false;
		foreach(lc, links)
		{
			Bitmapset  *link = lfirst(lc);

			if (bms_overlap(link, result) && !bms_is_subset(link, result) &&
				bms_is_subset(link, among))
			{
				result = bms_add_members(result, link);
				grown = true;
			}
		}
		CHECK_FOR_INTERRUPTS();
	}
	return result;
}

Bitmapset *
tv_partial_connect(const TvPartial *partial, const Bitmapset *needed, bool whole)
{
	List	   *all_links = links(partial);
	Bitmapset  *all = NULL;
	Bitmapset  *joined = NULL;
	int			nleaves = list_length(partial->leaves);
	int			i = -1;

	if (nleaves > 0)
		all = bms_add_range(NULL, 0, nleaves - 1);
	while ((i = bms_next_member(needed, i)) >= 0)
		if (!bms_is_member(i, joined))
			joined = bms_join(joined, reachable(all_links, i, all));
	if (whole)
		return joined;

	/* without those that do not help to join them */
	for (i = nleaves - 1; i >= 0; i--)
	{
		Bitmapset  *less;
		int			k = -1;

		if (!bms_is_member(i, joined) || bms_is_member(i, needed))
			continue;
		less = bms_del_member(bms_copy(joined), i);
		/* each of them reaches as many of them as with it */
		while ((k = bms_next_member(needed, k)) >= 0)
			if (!bms_equal(bms_intersect(needed, reachable(all_links, k, joined)),
						   bms_intersect(needed, reachable(all_links, k, less))))
				break;
		if (k < 0)
			joined = less;
	}
	return joined;
}

static Node *
renumber_leaf(Node *exprs, void *map)
{
	return tv_partial_renumber(exprs, map);
}

TvPartial *
tv_partial_restrict(const TvPartial *partial, Bitmapset *needed, int **map)
{
	int			nleaves = list_length(partial->leaves);
	TvPartial  *result = tv_partial_make(partial->nrtes, NULL);
	Bitmapset  *kept = NULL;
	ListCell   *lc;
	int			n = 0;

	needed = bms_copy(needed);
	for (int i = nleaves - 1; i >= 0; i--)
	{
		TvLeaf	   *leaf = list_nth(partial->leaves, i);
		Bitmapset  *varnos;
		int			varno = -1;

		if (!bms_is_member(i, needed))
			continue;
		varnos = leaf_needs(leaf);
		while ((varno = bms_next_member(varnos, varno)) >= 0)
			needed = bms_add_member(needed, varno - 1);
	}

	*map = palloc(sizeof(int) * (nleaves + 1));
	for (int i = 0; i < nleaves; i++)
	{
		bool		keep = bms_is_member(i, needed);

		(*map)[i] = keep ? n++ : -1;
		if (keep)
			kept = bms_add_member(kept, i + 1);
	}
	for (int i = 0; i < nleaves; i++)
	{
		TvLeaf	   *leaf;

		if ((*map)[i] < 0)
			continue;
		leaf = leaf_copy(list_nth(partial->leaves, i), 0);
		tv_leaf_mutate(leaf->rte, renumber_leaf, *map);
		leaf->quals = (List *) tv_partial_renumber((Node *) leaf->quals, *map);
		result->leaves = lappend(result->leaves, leaf);
	}
	foreach(lc, partial->quals)
		if (bms_is_subset(pull_varnos(NULL, lfirst(lc)), kept))
		result->quals = lappend(result->quals, tv_partial_renumber(lfirst(lc), *map));
	for (int i = 0; i < partial->nrtes; i++)
	{
		int			leaf = partial->leafof[i];

		result->leafof[i] = leaf < 0 ? leaf : (*map)[leaf];
		if (bms_is_subset(pull_varnos(NULL, (Node *) partial->exprsof[i]), kept))
			result->exprsof[i] = (List *) tv_partial_renumber((Node *) partial->exprsof[i], *map);
	}
	return result;
}

typedef struct RenumberContext
{
	const int  *map;
	int			depth;
} RenumberContext;

static Node *
renumber_mutator(Node *node, RenumberContext *r)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Var))
	{
		Var		   *var = copyObject((Var *) node);

		if (var->varlevelsup == r->depth)
		{
			var->varno = r->map[var->varno - 1] + 1;
			var->varnosyn = 0;
			var->varattnosyn = 0;
			if (var->varno == 0)
				elog(ERROR, "a leaf that is needed was left out");
		}
		return (Node *) var;
	}
	if (IsA(node, Query))
	{
		Query	   *query;

		r->depth++;
		query = query_tree_mutator((Query *) node, renumber_mutator, r, 0);
		r->depth--;
		return (Node *) query;
	}
	return expression_tree_mutator(node, renumber_mutator, r);
}

Node *
tv_partial_renumber(Node *node, const int *map)
{
	RenumberContext r = {map, 0};

	return renumber_mutator(node, &r);
}

typedef struct MapContext
{
	const TvPartial *partial;
	int			depth;
} MapContext;

/* What a Var of the query stands for, at level 0. */
static Node *
map_var(const TvPartial *partial, const Var *var)
{
	int			leaf = partial->leafof[var->varno - 1];
	List	   *exprs = partial->exprsof[var->varno - 1];
	Var		   *result;

	if (leaf == TV_NULL_LEAF)
		return (Node *) makeNullConst(var->vartype, var->vartypmod, var->varcollid);
	if (leaf == TV_NO_LEAF)
	{
		if (var->varattno <= 0 || var->varattno > list_length(exprs))
			elog(ERROR, "column %d of FROM item %d is unknown", var->varattno, var->varno);
		result = copyObject(list_nth(exprs, var->varattno - 1));
		/* errors point at where the query names it */
		if (IsA(result, Var))
			result->location = var->location;
		return (Node *) result;
	}
	result = copyObject((Var *) var);
	result->varno = leaf + 1;
	result->varlevelsup = 0;
	result->varnosyn = 0;
	result->varattnosyn = 0;
	tv_compat_clear_nulling(result);
	return (Node *) result;
}

static Node *
strip_relabel(Node *node)
{
	while (node && IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	return node;
}

/* Is a column that a strict operator compares, so that it is not null where the quals hold? */
static bool
is_compared(const TvPartial *partial, Node *column)
{
	ListCell   *lc;

	foreach(lc, partial->quals)
	{
		OpExpr	   *op = lfirst(lc);
		ListCell   *la;

		if (!IsA(op, OpExpr) || op->opretset || !op_strict(op->opno))
			continue;
		foreach(la, op->args)
			if (equal(strip_relabel(lfirst(la)), column))
			return true;
	}
	return false;
}

/*
 * COALESCE (a.x, b.x), as USING and FULL JOIN make it, is but one column in each of
 * the products, by which an index finds rows.  Other constants than null stay where
 * they are: see shield_nulls.c.
 */
static Node *
simplify_coalesce(const TvPartial *partial, CoalesceExpr *coalesce)
{
	List	   *args = NIL;
	ListCell   *lc;
	Node	   *first;

	foreach(lc, coalesce->args)
	{
		Node	   *arg = strip_relabel(lfirst(lc));

		if (!IsA(arg, Const) || !((Const *) arg)->constisnull)
			args = lappend(args, lfirst(lc));
	}
	if (args == NIL)
		return (Node *) makeNullConst(coalesce->coalescetype, exprTypmod((Node *) coalesce),
									  coalesce->coalescecollid);
	first = strip_relabel(linitial(args));
	if (IsA(first, Var) && (list_length(args) == 1 || is_compared(partial, first)) &&
		exprTypmod(linitial(args)) == exprTypmod((Node *) coalesce) &&
		exprCollation(linitial(args)) == coalesce->coalescecollid)
		return linitial(args);
	return (Node *) coalesce;
}

static Node *
map_mutator(Node *node, MapContext *m)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, CoalesceExpr))
	{
		node = expression_tree_mutator(node, map_mutator, m);
		return m->depth > 0 ? node : simplify_coalesce(m->partial, (CoalesceExpr *) node);
	}
	if (IsA(node, Var))
	{
		Var		   *var = (Var *) node;

		if (var->varlevelsup == m->depth)
		{
			Node	   *result = map_var(m->partial, var);

			if (m->depth > 0)
				IncrementVarSublevelsUp(result, m->depth, 0);
			return result;
		}
		var = copyObject(var);
		if (var->varlevelsup > m->depth)
		{
			/* an outer reference: to a leaf of the base */
			var->varlevelsup--;
			tv_compat_clear_nulling(var);
		}
		return (Node *) var;
	}
	if (IsA(node, Query))
	{
		Query	   *query;

		m->depth++;
		query = query_tree_mutator((Query *) node, map_mutator, m, 0);
		m->depth--;
		return (Node *) query;
	}
	return expression_tree_mutator(node, map_mutator, m);
}

Node *
tv_partial_map(const TvPartial *partial, Node *expr)
{
	MapContext	m = {partial, 0};

	return map_mutator(expr, &m);
}

TvBranch *
tv_partial_branch(const TvPartial *partial, List *exprs)
{
	TvBranch   *branch = palloc0(sizeof(TvBranch));

	branch->leaves = partial->leaves;
	branch->quals = partial->quals;
	branch->exprs = exprs;
	return branch;
}

TvBranch *
tv_branch_copy(const TvBranch *branch)
{
	TvBranch   *copy = palloc0(sizeof(TvBranch));
	ListCell   *lc;

	foreach(lc, branch->leaves)
		copy->leaves = lappend(copy->leaves, leaf_copy(lfirst(lc), 0));
	copy->quals = copyObject(branch->quals);
	copy->exprs = copyObject(branch->exprs);
	return copy;
}
