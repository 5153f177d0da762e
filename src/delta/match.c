/*-------------------------------------------------------------------------
 *
 * delta/match.c
 *	  A leaf that tells whether an outer row has a match.
 *
 * It serves semi joins, anti joins and outer joins, all of which are linear in
 * it once at most one of its rows matches (see TvLeafMode): a table with a
 * unique key that the correlation covers, or else a DISTINCT node over what the
 * correlation asks for.
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

	node = tv_compile_distinct_of(c, branches);
	if (c->refusal)
		return false;
	columns = tv_partial_multiply(p, linitial(tv_flatten_read_node(c, node)));
	*marker = llast(columns);
	set_leaf(p, mode, tv_correlation_quals(corr, columns));
	return true;
}
