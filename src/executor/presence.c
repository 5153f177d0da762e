/*-------------------------------------------------------------------------
 *
 * executor/presence.c
 *	  What a delta does to the presence of matches.
 *
 * A LEFT or ANTI leaf's null rows depend on nothing of the leaf but the
 * columns that its quals look at.  Netted by these, the delta of an everyday
 * update is empty: the row that leaves and the one that comes match the same
 * rows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/executor.h"
#include "miscadmin.h"

#include "delta/derive.h"
#include "executor/flush_internal.h"

static bool has_input(List *inputs, const char *name);
static TvRowStore *net_by_columns(const TvInput *delta, const TvLayout *layout,
								  const Bitmapset *columns);

List *
tv_presence_add_inputs(TvView *view, TvNode *node, List *inputs, const Bitmapset *changed,
					   List **stores)
{
	ListCell   *lb;
	ListCell   *ll;

	if (!node->has_presence)
		return inputs;
	foreach(lb, node->branches)
	{
		foreach(ll, ((TvBranch *) lfirst(lb))->leaves)
		{
			TvLeaf	   *leaf = lfirst(ll);
			int			index = foreach_current_index(ll);
			TvLayout   *layout;
			TvRowStore *store;
			char	   *name;

			if (leaf->mode == TV_LEAF_INNER || !bms_is_member(leaf->source, changed))
				continue;
			name = tv_derive_presence_name(leaf, index);
			if (has_input(inputs, name))
				continue;
			layout = view->layouts[leaf->source];
			store = net_by_columns(tv_run_find_input(inputs, view->delta_names[leaf->source]),
								   layout, tv_derive_presence_columns(leaf, index));
			*stores = lappend(*stores, store);
			inputs = tv_run_add_input(inputs, name, layout->desc, store);
		}
	}
	return inputs;
}

static bool
has_input(List *inputs, const char *name)
{
	ListCell   *lc;

	foreach(lc, inputs)
		if (strcmp(((TvInput *) lfirst(lc))->name, name) == 0)
		return true;
	return false;
}

/* The columns of the delta, without the others and the weight. */
static TvRowTable *
collect(const TvInput *delta, int ncolumns, const int *positions, MemoryContext cxt)
{
	TupleDesc	desc = CreateTemplateTupleDesc(ncolumns);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(delta->desc, &TTSOpsMinimalTuple);
	TvRowTable *rows;
	TvRowCursor cursor;
	Datum	   *values = palloc(sizeof(Datum) * (ncolumns + 1));
	bool	   *nulls = palloc(sizeof(bool) * (ncolumns + 1));

	for (int i = 0; i < ncolumns; i++)
		TupleDescCopyEntry(desc, i + 1, delta->desc, positions[i] + 1);
	rows = tv_rows_make(desc, true, 0, NULL, cxt);
	tv_rows_let_spill(rows);
	tv_row_store_begin(delta->rows, &cursor, false);
	while (tv_row_store_next(&cursor, slot))
	{
		CHECK_FOR_INTERRUPTS();
		slot_getallattrs(slot);
		for (int i = 0; i < ncolumns; i++)
		{
			values[i] = slot->tts_values[positions[i]];
			nulls[i] = slot->tts_isnull[positions[i]];
		}
		tv_rows_add(rows, values, nulls, DatumGetInt64(slot->tts_values[delta->desc->natts - 1]));
	}
	tv_row_store_close(&cursor);
	ExecDropSingleTupleTableSlot(slot);
	return rows;
}

static TvRowStore *
net_by_columns(const TvInput *delta, const TvLayout *layout, const Bitmapset *columns)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "pg_tviews presence",
											  ALLOCSET_SMALL_SIZES);
	TvRowStore *store = tv_row_store_make(CurrentResourceOwner);
	int		   *positions = palloc(sizeof(int) * (layout->natts + 1));
	Datum	   *values = palloc0(sizeof(Datum) * (layout->natts + 1));
	bool	   *nulls = palloc(sizeof(bool) * (layout->natts + 1));
	Datum	   *picked = palloc(sizeof(Datum) * (layout->natts + 1));
	bool	   *picked_nulls = palloc(sizeof(bool) * (layout->natts + 1));
	int			n = 0;
	TvRowTable *rows;

	for (int i = 0; i < layout->natts; i++)
		if (bms_is_member(layout->attnos[i], columns))
			positions[n++] = i;
	rows = collect(delta, n, positions, cxt);
	tv_rows_sort(rows);
	memset(nulls, true, sizeof(bool) * layout->natts);
	nulls[layout->natts] = false;
	do
	{
		for (int64 first = 0; first < rows->nrows;)
			first = tv_rows_net_key(rows, first);
		for (int64 i = 0; i < rows->nrows; i++)
		{
			if (rows->rows[i].weight == 0)
				continue;
			tv_rows_deform(rows, &rows->rows[i], picked, picked_nulls);
			for (int k = 0; k < n; k++)
			{
				values[positions[k]] = picked[k];
				nulls[positions[k]] = picked_nulls[k];
			}
			values[layout->natts] = Int64GetDatum(rows->rows[i].weight);
			tv_row_store_put(store, layout->desc, values, nulls);
		}
	} while (tv_rows_next(rows));
	MemoryContextDelete(cxt);
	return store;
}
