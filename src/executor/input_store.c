/*-------------------------------------------------------------------------
 *
 * executor/input_store.c
 *	  The rows of a source that a node has not consumed, in one store.
 *
 * A row that is updated again and again within a statement (a trigger counts
 * something in it) leaves a long trail of versions, of which the first and
 * the last count.  In a join each of them would be multiplied with the changes
 * of other tables: rows that cancel each other are taken out before.  The rows
 * of one trigger call do not cancel.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/executor.h"
#include "miscadmin.h"

#include "executor/flush_internal.h"

/* Up to this many rows are joined as they are. */
#define TV_FEW_INPUT_ROWS 64

typedef void (*RowTaker) (TupleTableSlot *slot, void *context);

static void
read_segments(TvChanges *changes, List *segments, RowTaker take, void *context)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(changes->layout->desc, &TTSOpsMinimalTuple);
	ListCell   *lc;

	foreach(lc, segments)
	{
		TvSegment  *segment = lfirst(lc);
		TvRowCursor cursor;

		tv_row_store_begin(segment->rows, &cursor, true);
		while (tv_row_store_next(&cursor, slot))
		{
			CHECK_FOR_INTERRUPTS();
			take(slot, context);
		}
	}
	ExecDropSingleTupleTableSlot(slot);
}

static void
put_row(TupleTableSlot *slot, void *context)
{
	tv_row_store_put_slot(context, slot);
}

/* Net the segments by image. */
static TvRowStore *
net_segments(TvChanges *changes, List *segments)
{
	int			natts = changes->layout->natts;
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "pg_tviews input",
											  ALLOCSET_DEFAULT_SIZES);
	TvRowStore *store = tv_row_store_make(CurrentResourceOwner);
	Datum	   *values = palloc(sizeof(Datum) * (natts + 1));
	bool	   *nulls = palloc(sizeof(bool) * (natts + 1));
	TupleDesc	desc = CreateTemplateTupleDesc(natts);
	TvRowTable *rows;

	for (int i = 1; i <= natts; i++)
		TupleDescCopyEntry(desc, i, changes->layout->desc, i);
	rows = tv_rows_make(desc, true, 0, NULL, cxt);
	read_segments(changes, segments, tv_rows_consume, rows);
	tv_rows_sort(rows);
	for (int64 first = 0, last; first < rows->nrows; first = last)
	{
		for (last = first + 1; last < rows->nrows &&
			 tv_rows_same_key(rows, &rows->rows[first], &rows->rows[last]); last++)
			;
		tv_rows_net(rows, first, last);
	}

	nulls[natts] = false;
	for (int64 i = 0; i < rows->nrows; i++)
	{
		if (rows->rows[i].weight == 0)
			continue;
		tv_rows_deform(rows, &rows->rows[i], values, nulls);
		values[natts] = Int64GetDatum(rows->rows[i].weight);
		tv_row_store_put(store, changes->layout->desc, values, nulls);
	}
	MemoryContextDelete(cxt);
	pfree(values);
	pfree(nulls);
	return store;
}

TvRowStore *
tv_input_store(TvChanges *changes, List *segments, bool additive, bool *own)
{
	TvRowStore *store;
	int64		deliveries = 0;
	int64		nrows = 0;
	ListCell   *lc;

	foreach(lc, segments)
	{
		TvSegment  *segment = lfirst(lc);

		deliveries += segment->deliveries;
		nrows += segment->rows->nrows;
	}
	*own = true;
	if (!additive && deliveries > 1 && nrows > TV_FEW_INPUT_ROWS)
		return net_segments(changes, segments);

	*own = list_length(segments) > 1;
	if (!*own)
		return ((TvSegment *) linitial(segments))->rows;
	store = tv_row_store_make(CurrentResourceOwner);
	read_segments(changes, segments, put_row, store);
	return store;
}
