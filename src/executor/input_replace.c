/*-------------------------------------------------------------------------
 *
 * executor/input_replace.c
 *	  Leave out the old rows of updates that change no key.
 *
 * An update that leaves alone the columns by which a row meets others, and
 * those that the key of the view's rows is made of, changes rows of the view in
 * place: each row that comes has the key of one that leaves, which is found in
 * the view by that key.  So half of the delta need not be computed.  Updates
 * that do more are given as they are, row by row.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"

#include "delta/derive.h"
#include "executor/flush_internal.h"

/* The columns of the layout that must be kept; NULL: not all are in it. */
static bool *
kept_columns(const TvLayout *layout, const Bitmapset *columns)
{
	bool	   *kept = palloc0(sizeof(bool) * (layout->natts + 1));
	int			nfound = 0;

	for (int i = 0; i < layout->natts; i++)
	{
		kept[i] = layout->attnos[i] > 0 && bms_is_member(layout->attnos[i], columns);
		nfound += kept[i];
	}
	return nfound == bms_num_members(columns) ? kept : NULL;
}

/* The same for the node's delta of a source, looked up once; NULL: it needs old rows. */
static const bool *
kept_of_source(TvNodeRuntime *rt, int source)
{
	TvView	   *view = rt->view;
	MemoryContext oldcxt;
	Bitmapset  *columns;

	if (rt->kept == NULL)
		rt->kept = MemoryContextAllocZero(view->cxt, sizeof(TvKept) * view->graph->nsources);
	if (!rt->kept[source].known)
	{
		oldcxt = MemoryContextSwitchTo(view->cxt);
		if (tv_derive_keeps_keys(rt->node, source, &columns))
			rt->kept[source].columns = kept_columns(view->layouts[source], columns);
		rt->kept[source].known = true;
		MemoryContextSwitchTo(oldcxt);
	}
	return rt->kept[source].columns;
}

void
tv_input_replace(TvView *view, TvNode *node, List *inputs, const Bitmapset *changed,
				 List **stores)
{
	TvInput    *input = linitial(inputs);
	const bool *kept;
	int			source;

	/* two runs under two snapshots compare what leaves, too */
	if (!bms_get_singleton_member(changed, &source) || IsolationUsesXactSnapshot() ||
		!tv_row_store_is_updates(input->rows))
		return;
	kept = kept_of_source(tv_runtime_get(view, node), source);
	if (kept == NULL)
		return;
	input->rows = tv_row_store_replacing(input->rows, view->layouts[source], kept);
	*stores = lappend(*stores, input->rows);
}
