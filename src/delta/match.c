/*-------------------------------------------------------------------------
 *
 * delta/match.c
 *	  A leaf that tells whether an outer row has a match.
 *
 * It serves semi joins, anti joins and outer joins, all of which are linear in
 * it once at most one of its rows matches (see TvLeafMode): a table with a
 * unique key that the correlation covers, or else a DISTINCT node over what the
 * correlation asks for.  Products of one sum often ask for the same; they share
 * the node.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "rewrite/rewriteManip.h"

#include "delta/correlate.h"

/* Let the last leaf of p match by quals. */
static void
set_leaf(TvPartial *p, TvLeafMode mode, List *quals)
{
	TvLeaf	   *leaf = llast(p->leaves);

	leaf->mode = mode;
	if (mode == TV_LEAF_INNER)
		p->quals = list_concat(p->quals, quals);
	else
		leaf->quals = quals;
}

bool
tv_match_direct(TvCompiler *c, TvPartial *p, List *branches, TvCorrelation *corr,
				TvLeafMode mode, Node **marker, List **exprs)
{
	TvBranch   *branch = linitial(branches);
	TvLeaf	   *leaf;
	TvPartial  *trial;
	List	   *inner;
	List	   *quals;
	AttrNumber	column;
	int			n = list_length(p->leaves);

	if (list_length(branches) != 1 || list_length(branch->leaves) != 1 || corr->base)
		return false;
	leaf = linitial(branch->leaves);
	if (leaf->mode != TV_LEAF_INNER || leaf->source < 0)
		return false;

	trial = tv_partial_make(0, NULL);
	trial->leaves = list_copy(p->leaves);
	inner = tv_partial_multiply(trial, branch);
	quals = list_concat(trial->quals, tv_correlation_quals(corr, inner));
	if (!tv_keys_at_most_one(c, leaf, n, quals, &column))
		return false;

	*marker = (Node *) tv_keys_leaf_column(c, leaf, n, column);
	p->leaves = trial->leaves;
	set_leaf(p, mode, quals);
	if (exprs)
	{
		List	   *moved = NIL;
		ListCell   *lc;

		foreach(lc, *exprs)
		{
			Node	   *expr = copyObject(lfirst(lc));

			OffsetVarNodes(expr, n, 0);
			if (mode == TV_LEAF_LEFT)
				expr = tv_correlate_if_there(*marker, expr);
			moved = lappend(moved, expr);
		}
		*exprs = moved;
	}
	return true;
}

static bool
same_branch(const TvBranch *a, const TvBranch *b)
{
	ListCell   *la;
	ListCell   *lb;

	if (list_length(a->leaves) != list_length(b->leaves) ||
		!equal(a->quals, b->quals) || !equal(a->exprs, b->exprs))
		return false;
	forboth(la, a->leaves, lb, b->leaves)
	{
		const TvLeaf *x = lfirst(la);
		const TvLeaf *y = lfirst(lb);

		if (x->source != y->source || x->mode != y->mode ||
			!equal(x->rte, y->rte) || !equal(x->quals, y->quals))
			return false;
	}
	return true;
}

/* Is it such a node, of these branches?  What users call DISTINCT refers to their target list. */
static bool
is_node_of(const TvNode *node, List *branches)
{
	ListCell   *la;
	ListCell   *lb;

	if (node->kind != TV_NODE_GROUP || !node->distinct || node->top ||
		list_length(node->branches) != list_length(branches))
		return false;
	for (int i = 0; i < node->nkeys; i++)
		if (node->keys[i].clause->tleSortGroupRef != 0)
			return false;
	forboth(la, node->branches, lb, branches)
		if (!same_branch(lfirst(la), lfirst(lb)))
		return false;
	return true;
}

/*
 * A node of the same rows that was made for another product.  A product that
 * reads it already gets one of its own: a change of it had more terms otherwise.
 */
static TvNode *
find_node(TvCompiler *c, const TvPartial *p, List *branches)
{
	Bitmapset  *read = NULL;
	ListCell   *lc;

	foreach(lc, p->leaves)
	{
		const TvLeaf *leaf = lfirst(lc);
		const TvSource *source = leaf->source >= 0 ? list_nth(c->sources, leaf->source) : NULL;

		if (source && source->kind == TV_SOURCE_NODE && source->node >= 0)
			read = bms_add_member(read, source->node);
	}
	foreach(lc, c->nodes)
	{
		TvNode	   *node = lfirst(lc);

		if (is_node_of(node, branches) && !bms_is_member(node->id, read))
			return node;
	}
	return NULL;
}

bool
tv_match_add(TvCompiler *c, TvPartial *p, List *branches, TvCorrelation *corr,
			 TvLeafMode mode, Node **marker)
{
	TvNode	   *node;
	List	   *columns;
	Node	   *ignored;

	if (marker == NULL)
		marker = &ignored;
	if (tv_match_direct(c, p, branches, corr, mode, marker, NULL))
		return true;

	node = find_node(c, p, branches);
	if (node == NULL)
		node = tv_compile_distinct_of(c, branches);
	if (c->refusal)
		return false;
	columns = tv_partial_multiply(p, linitial(tv_flatten_read_node(c, node)));
	*marker = llast(columns);
	set_leaf(p, mode, tv_correlation_quals(corr, columns));
	return true;
}
