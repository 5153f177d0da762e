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

void
tv_input_replace(TvView *view, TvNode *node, List *inputs, const Bitmapset *changed,
				 List **stores)
{
	TvInput    *input = linitial(inputs);
	Bitmapset  *columns;
	bool	   *kept;
	int			source;

	/* two runs under two snapshots compare what leaves, too */
	if (!bms_get_singleton_member(changed, &source) || IsolationUsesXactSnapshot() ||
		input->rows->transition == NULL || !input->rows->transition->paired ||
		!tv_derive_keeps_keys(node, source, &columns))
		return;
	kept = kept_columns(view->layouts[source], columns);
	if (kept == NULL)
		return;
	input->rows = tv_row_store_replacing(input->rows, kept);
	*stores = lappend(*stores, input->rows);
}
