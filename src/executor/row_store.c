/*-------------------------------------------------------------------------
 *
 * executor/row_store.c
 *	  Rows kept to be read again: in memory, in a tuplestore, or where they are.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/memutils.h"

#include "executor/row_store.h"
#include "executor/row_table.h"
#include "tv_compat.h"

TvRowStore *
tv_row_store_make(ResourceOwner owner)
{
	TvRowStore *rows = palloc(sizeof(TvRowStore));

	rows->cxt = CurrentMemoryContext;
	rows->owner = owner;
	rows->kbytes = work_mem;
	rows->nrows = 0;
	rows->updates = true;
	rows->store = NULL;
	rows->transition = NULL;
	return rows;
}

void
tv_row_store_lend(TvRowStore *rows, TvTransition *transition)
{
	Assert(rows->nrows == 0);
	rows->transition = transition;
	rows->nrows = tv_transition_rows(transition);
}

bool
tv_row_store_is_updates(const TvRowStore *rows)
{
	return rows->transition ? rows->transition->paired :
		rows->store == NULL && rows->updates && rows->nrows > 0;
}

/* Are two rows of the layout equal in these columns? */
static bool
same_columns(const TvLayout *layout, const bool *some, MinimalTuple a, MinimalTuple b)
{
	HeapTupleData ta = tv_minimal_as_heap(a);
	HeapTupleData tb = tv_minimal_as_heap(b);

	for (int i = 0; i < layout->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(layout->desc, i);
		bool		anull;
		bool		bnull;
		Datum		avalue;
		Datum		bvalue;

		if (!some[i])
			continue;
		avalue = heap_getattr(&ta, i + 1, layout->desc, &anull);
		bvalue = heap_getattr(&tb, i + 1, layout->desc, &bnull);
		if (anull != bnull ||
			(!anull && !datum_image_eq(avalue, bvalue, att->attbyval, att->attlen)))
			return false;
	}
	return true;
}

/* A copy of a row with another weight, which is its last column and never null. */
static MinimalTuple
copy_weighted(MinimalTuple row, int64 weight)
{
	MinimalTuple copy = palloc(row->t_len);

	memcpy(copy, row, row->t_len);
	memcpy((char *) copy + row->t_len - sizeof(weight), &weight, sizeof(weight));
	return copy;
}

TvRowStore *
tv_row_store_replacing(const TvRowStore *rows, const TvLayout *layout, const bool *kept)
{
	TvRowStore *result = tv_row_store_make(CurrentResourceOwner);

	if (rows->transition)
	{
		tv_row_store_lend(result, tv_transition_replacing(rows->transition, kept));
		return result;
	}
	result->updates = false;
	for (int64 i = 0; i < rows->nrows; i += 2)
	{
		MinimalTuple old_row = rows->few[i];
		MinimalTuple new_row = rows->few[i + 1];
		bool		replaces = same_columns(layout, kept, old_row, new_row);

		if (!replaces)
			result->few[result->nrows++] = copy_weighted(old_row, -1);
		result->few[result->nrows++] = copy_weighted(new_row, replaces ? TV_WEIGHT_REPLACES : 1);
	}
	return result;
}

void
tv_row_store_keep(TvRowStore *rows)
{
	TvTransition *transition = rows->transition;
	TvTransitionCursor cursor;
	TupleTableSlot *row;

	if (transition == NULL)
		return;
	rows->transition = NULL;
	rows->nrows = 0;
	if (rows->store)
		tuplestore_end(rows->store);
	rows->store = NULL;
	tv_transition_begin(transition, &cursor, true);
	while ((row = tv_transition_next(&cursor)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		tv_row_store_put_slot(rows, row);
	}
	tv_transition_end(&cursor);
}

/* A copy for a reader that cannot do without. */
static void
copy_transition(TvRowStore *rows)
{
	TvTransitionCursor cursor;
	TupleTableSlot *row;

	tv_transition_begin(rows->transition, &cursor, true);
	while ((row = tv_transition_next(&cursor)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		tuplestore_puttupleslot(rows->store, row);
	}
	tv_transition_end(&cursor);
}

/* Move the rows to a tuplestore. */
static void
make_tuplestore(TvRowStore *rows)
{
	MemoryContext oldcxt = MemoryContextSwitchTo(rows->cxt);
	ResourceOwner owner = CurrentResourceOwner;

	CurrentResourceOwner = rows->owner;
	rows->store = tuplestore_begin_heap(false, false, rows->kbytes);
	CurrentResourceOwner = owner;
	if (rows->transition)
	{
		MemoryContextSwitchTo(oldcxt);
		copy_transition(rows);
		return;
	}
	for (int64 i = 0; i < rows->nrows; i++)
	{
		HeapTupleData tuple = tv_minimal_as_heap(rows->few[i]);

		tuplestore_puttuple(rows->store, &tuple);
		pfree(rows->few[i]);
	}
	MemoryContextSwitchTo(oldcxt);
}

void
tv_row_store_put(TvRowStore *rows, TupleDesc desc, const Datum *values, const bool *isnull)
{
	if (rows->store == NULL && rows->nrows == TV_STORE_FEW_ROWS)
		make_tuplestore(rows);
	rows->updates = false;
	if (rows->store)
		tuplestore_putvalues(rows->store, desc, unconstify(Datum *, values),
							 unconstify(bool *, isnull));
	else
	{
		MemoryContext oldcxt = MemoryContextSwitchTo(rows->cxt);

		rows->few[rows->nrows] = tv_form_minimal_tuple(desc, unconstify(Datum *, values),
													   unconstify(bool *, isnull));
		MemoryContextSwitchTo(oldcxt);
	}
	rows->nrows++;
}

void
tv_row_store_put_update(TvRowStore *rows, TupleDesc desc, const Datum *values, const bool *isnull,
						const Datum *new_values, const bool *new_isnull)
{
	bool		updates = rows->updates;

	tv_row_store_put(rows, desc, values, isnull);
	tv_row_store_put(rows, desc, new_values, new_isnull);
	rows->updates = updates;
}

void
tv_row_store_put_slot(TvRowStore *rows, TupleTableSlot *slot)
{
	if (rows->store == NULL && rows->nrows == TV_STORE_FEW_ROWS)
		make_tuplestore(rows);
	rows->updates = false;
	if (rows->store)
		tuplestore_puttupleslot(rows->store, slot);
	else
	{
		MemoryContext oldcxt = MemoryContextSwitchTo(rows->cxt);

		rows->few[rows->nrows] = ExecCopySlotMinimalTuple(slot);
		MemoryContextSwitchTo(oldcxt);
	}
	rows->nrows++;
}

Tuplestorestate *
tv_row_store_tuplestore(TvRowStore *rows)
{
	if (rows->store == NULL)
		make_tuplestore(rows);
	tuplestore_select_read_pointer(rows->store, 0);
	tuplestore_rescan(rows->store);
	return rows->store;
}

void
tv_row_store_begin(TvRowStore *rows, TvRowCursor *cursor, bool exclusive)
{
	cursor->rows = rows;
	if (rows->transition)
	{
		cursor->next = 0;
		tv_transition_begin(rows->transition, &cursor->transition, exclusive);
		return;
	}
	cursor->pointer = rows->store && !exclusive ?
		tuplestore_alloc_read_pointer(rows->store, EXEC_FLAG_REWIND) : 0;
	tv_row_store_rewind(cursor);
}

void
tv_row_store_rewind(TvRowCursor *cursor)
{
	cursor->next = 0;
	if (cursor->rows->transition)
		tv_transition_rewind(&cursor->transition);
	else if (cursor->rows->store)
	{
		tuplestore_select_read_pointer(cursor->rows->store, cursor->pointer);
		tuplestore_rescan(cursor->rows->store);
	}
}

bool
tv_row_store_next(TvRowCursor *cursor, TupleTableSlot *slot)
{
	TvRowStore *rows = cursor->rows;

	if (rows->transition)
	{
		TupleTableSlot *row = tv_transition_next(&cursor->transition);

		if (row == NULL)
		{
			ExecClearTuple(slot);
			return false;
		}
		ExecCopySlot(slot, row);
		return true;
	}
	if (rows->store)
	{
		tuplestore_select_read_pointer(rows->store, cursor->pointer);
		return tuplestore_gettupleslot(rows->store, true, false, slot);
	}
	if (cursor->next == rows->nrows)
	{
		ExecClearTuple(slot);
		return false;
	}
	ExecStoreMinimalTuple(rows->few[cursor->next++], slot, false);
	return true;
}

TupleTableSlot *
tv_row_store_fetch(TvRowCursor *cursor, TupleTableSlot *slot)
{
	if (cursor->rows->transition)
		return tv_transition_next(&cursor->transition);
	return tv_row_store_next(cursor, slot) ? slot : NULL;
}

void
tv_row_store_close(TvRowCursor *cursor)
{
	if (cursor->rows->transition)
		tv_transition_end(&cursor->transition);
}

void
tv_row_store_end(TvRowStore *rows)
{
	if (rows->store)
		tuplestore_end(rows->store);
	else if (rows->transition == NULL)
		for (int64 i = 0; i < rows->nrows; i++)
			pfree(rows->few[i]);
	pfree(rows);
}
