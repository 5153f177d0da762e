/*-------------------------------------------------------------------------
 *
 * executor/transition.c
 *	  Read the delta of a table off a statement's transition tables.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/memutils.h"

#include "executor/transition.h"

/* Rows that a reader has read, from the first on. */
struct TvTransitionRows
{
	MemoryContext cxt;
	int64		nrows;
	int64		max;			/* by work_mem */
	bool		all;			/* there are no others */
	bool		old_ended;		/* where reading goes on, otherwise: state of
								 * the cursor, and its read pointers */
	int			old_pointer;
	int			new_pointer;
	int			nblocks;
	Datum	  **values;			/* of blocks: columns of the rows */
	uint32	  **marks;			/* of blocks: bits of nulls, and the weight */
};

#define TV_BLOCK_ROWS 1024

/* Marks: the weight and what makes it positive, then a bit for each null. */
#define TV_MARK_BITS 3
#define TV_MARK(weight) ((uint32) ((weight) + 1))
#define TV_MARK_WEIGHT(mark) ((int64) ((mark) & ((1 << TV_MARK_BITS) - 1)) - 1)

static void stop_keeping(TvTransitionCursor *cursor, bool all);

TvTransition *
tv_transition_make(Tuplestorestate *old_rows, Tuplestorestate *new_rows, TupleDesc desc,
				   const TvLayout *layout)
{
	TvTransition *transition = palloc(sizeof(TvTransition));

	transition->old_rows = old_rows;
	transition->new_rows = new_rows;
	transition->paired = old_rows && new_rows &&
		tuplestore_tuple_count(old_rows) == tuplestore_tuple_count(new_rows);
	/* with the values of columns that were added after rows were stored */
	transition->desc = CreateTupleDescCopyConstr(desc);
	transition->layout = layout;
	transition->kept = NULL;
	transition->first = NULL;
	return transition;
}

TvTransition *
tv_transition_replacing(const TvTransition *transition, const bool *kept)
{
	TvTransition *result = palloc(sizeof(TvTransition));

	*result = *transition;
	result->kept = kept;
	result->first = NULL;
	return result;
}

int64
tv_transition_rows(const TvTransition *transition)
{
	return (transition->old_rows ? tuplestore_tuple_count(transition->old_rows) : 0) +
		(transition->new_rows ? tuplestore_tuple_count(transition->new_rows) : 0);
}

/*
 * A transition table is shared by all triggers: one that fired before may have
 * left it positioned anywhere, at a read pointer of its own.
 */
static int
take_pointer(Tuplestorestate *rows, bool exclusive)
{
	return rows == NULL || exclusive ? 0 : tuplestore_alloc_read_pointer(rows, EXEC_FLAG_REWIND);
}

void
tv_transition_begin(TvTransition *transition, TvTransitionCursor *cursor, bool exclusive)
{
	cursor->transition = transition;
	cursor->first = transition->first;
	cursor->keeping = NULL;
	cursor->old_pointer = take_pointer(transition->old_rows, exclusive);
	cursor->new_pointer = take_pointer(transition->new_rows, exclusive);
	cursor->old_slot = MakeSingleTupleTableSlot(transition->desc, &TTSOpsMinimalTuple);
	cursor->new_slot = MakeSingleTupleTableSlot(transition->desc, &TTSOpsMinimalTuple);
	cursor->slot = MakeSingleTupleTableSlot(transition->layout->desc, &TTSOpsVirtual);
	tv_transition_rewind(cursor);
}

void
tv_transition_end(TvTransitionCursor *cursor)
{
	if (cursor->keeping)
		stop_keeping(cursor, false);
	ExecDropSingleTupleTableSlot(cursor->slot);
	ExecDropSingleTupleTableSlot(cursor->old_slot);
	ExecDropSingleTupleTableSlot(cursor->new_slot);
}

static void
rewind_rows(Tuplestorestate *rows, int pointer)
{
	if (rows == NULL)
		return;
	tuplestore_select_read_pointer(rows, pointer);
	tuplestore_rescan(rows);
}

void
tv_transition_rewind(TvTransitionCursor *cursor)
{
	cursor->old_ended = false;
	cursor->new_is_due = false;
	cursor->next = 0;
	cursor->keeping = NULL;
	rewind_rows(cursor->transition->old_rows, cursor->old_pointer);
	rewind_rows(cursor->transition->new_rows, cursor->new_pointer);
}

static bool
read_row(Tuplestorestate *rows, int pointer, TupleTableSlot *slot, const TvLayout *layout)
{
	if (rows == NULL)
		return false;
	tuplestore_select_read_pointer(rows, pointer);
	if (!tuplestore_gettupleslot(rows, true, false, slot))
		return false;
	if (layout->natts > 0)
		slot_getsomeattrs(slot, layout->attnos[layout->natts - 1]);
	return true;
}

static TupleTableSlot *
project(TvTransitionCursor *cursor, TupleTableSlot *row, int64 weight)
{
	const TvLayout *layout = cursor->transition->layout;
	TupleTableSlot *slot = cursor->slot;

	ExecClearTuple(slot);
	for (int i = 0; i < layout->natts; i++)
	{
		slot->tts_values[i] = row->tts_values[layout->attnos[i] - 1];
		slot->tts_isnull[i] = row->tts_isnull[layout->attnos[i] - 1];
	}
	slot->tts_values[layout->natts] = Int64GetDatum(weight);
	slot->tts_isnull[layout->natts] = false;
	return ExecStoreVirtualTuple(slot);
}

/* Are two rows equal in the columns of the layout, or in some of them? */
static bool
same_columns(const TvLayout *layout, const bool *some, TupleTableSlot *a, TupleTableSlot *b)
{
	for (int i = 0; i < layout->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(layout->desc, i);
		int			col = layout->attnos[i] - 1;

		if (some && !some[i])
			continue;
		if (a->tts_isnull[col] != b->tts_isnull[col])
			return false;
		if (!a->tts_isnull[col] &&
			!datum_image_eq(a->tts_values[col], b->tts_values[col], att->attbyval, att->attlen))
			return false;
	}
	return true;
}

/* The next row of the transition tables. */
static TupleTableSlot *
read_next(TvTransitionCursor *cursor)
{
	TvTransition *t = cursor->transition;

	if (!t->paired)
	{
		if (!cursor->old_ended &&
			read_row(t->old_rows, cursor->old_pointer, cursor->old_slot, t->layout))
			return project(cursor, cursor->old_slot, -1);
		cursor->old_ended = true;
		if (read_row(t->new_rows, cursor->new_pointer, cursor->new_slot, t->layout))
			return project(cursor, cursor->new_slot, 1);
		return NULL;
	}
	if (cursor->new_is_due)
	{
		cursor->new_is_due = false;
		return project(cursor, cursor->new_slot, 1);
	}
	while (read_row(t->old_rows, cursor->old_pointer, cursor->old_slot, t->layout) &&
		   read_row(t->new_rows, cursor->new_pointer, cursor->new_slot, t->layout))
	{
		CHECK_FOR_INTERRUPTS();
		if (same_columns(t->layout, NULL, cursor->old_slot, cursor->new_slot))
			continue;
		if (t->kept && same_columns(t->layout, t->kept, cursor->old_slot, cursor->new_slot))
			return project(cursor, cursor->new_slot, TV_WEIGHT_REPLACES);
		cursor->new_is_due = true;
		return project(cursor, cursor->old_slot, -1);
	}
	return NULL;
}

/* ------------------------------------------------------------------------
 * Rows that are kept
 * ------------------------------------------------------------------------
 */

void
tv_transition_keep(TvTransitionCursor *cursor)
{
	const TvLayout *layout = cursor->transition->layout;
	Size		size = layout->natts * sizeof(Datum) + sizeof(uint32);
	TvTransitionRows *rows;
	MemoryContext oldcxt;

	if (cursor->transition->first || layout->natts > 32 - TV_MARK_BITS)
		return;
	for (int i = 0; i < layout->natts; i++)
		if (!TupleDescAttr(layout->desc, i)->attbyval)
			return;
	oldcxt = MemoryContextSwitchTo(GetMemoryChunkContext(cursor->transition));
	rows = palloc0(sizeof(TvTransitionRows));
	rows->cxt = CurrentMemoryContext;
	rows->max = Min((int64) work_mem * 1024 / size, tv_transition_rows(cursor->transition) + 2);
	rows->values = palloc(sizeof(Datum *) * (rows->max / TV_BLOCK_ROWS + 1));
	rows->marks = palloc(sizeof(uint32 *) * (rows->max / TV_BLOCK_ROWS + 1));
	MemoryContextSwitchTo(oldcxt);
	cursor->keeping = rows;
}

static void
keep_row(TvTransitionCursor *cursor, TupleTableSlot *row)
{
	TvTransitionRows *rows = cursor->keeping;
	int			natts = cursor->transition->layout->natts;
	int			block = rows->nrows / TV_BLOCK_ROWS;
	int			i = rows->nrows % TV_BLOCK_ROWS;
	uint32		mark = TV_MARK(DatumGetInt64(row->tts_values[natts]));

	if (block == rows->nblocks)
	{
		rows->values[block] = MemoryContextAlloc(rows->cxt, sizeof(Datum) * TV_BLOCK_ROWS * Max(natts, 1));
		rows->marks[block] = MemoryContextAlloc(rows->cxt, sizeof(uint32) * TV_BLOCK_ROWS);
		rows->nblocks++;
	}
	memcpy(rows->values[block] + i * natts, row->tts_values, sizeof(Datum) * natts);
	for (int a = 0; a < natts; a++)
		mark |= (uint32) row->tts_isnull[a] << (TV_MARK_BITS + a);
	rows->marks[block][i] = mark;
	rows->nrows++;
}

/* Remember where a read pointer is. */
static int
copy_pointer(Tuplestorestate *rows, int pointer)
{
	int			copy;

	if (rows == NULL)
		return 0;
	copy = tuplestore_alloc_read_pointer(rows, EXEC_FLAG_REWIND);
	tuplestore_copy_read_pointer(rows, pointer, copy);
	return copy;
}

/* Others may read what was kept; if there is more, from here on. */
static void
stop_keeping(TvTransitionCursor *cursor, bool all)
{
	TvTransition *t = cursor->transition;
	TvTransitionRows *rows = cursor->keeping;

	cursor->keeping = NULL;
	rows->all = all;
	if (!all)
	{
		/* of an update, both rows or none */
		if (cursor->new_is_due)
			return;
		rows->old_ended = cursor->old_ended;
		rows->old_pointer = copy_pointer(t->old_rows, cursor->old_pointer);
		rows->new_pointer = copy_pointer(t->new_rows, cursor->new_pointer);
	}
	t->first = rows;
}

static void
go_to_pointer(Tuplestorestate *rows, int from, int to)
{
	if (rows)
		tuplestore_copy_read_pointer(rows, from, to);
}

/* A row that was kept. */
static TupleTableSlot *
kept_row(TvTransitionCursor *cursor)
{
	TvTransitionRows *rows = cursor->first;
	TupleTableSlot *slot = cursor->slot;
	int			natts = cursor->transition->layout->natts;
	int			block = cursor->next / TV_BLOCK_ROWS;
	int			i = cursor->next % TV_BLOCK_ROWS;
	uint32		mark = rows->marks[block][i];

	ExecClearTuple(slot);
	memcpy(slot->tts_values, rows->values[block] + i * natts, sizeof(Datum) * natts);
	for (int a = 0; a < natts; a++)
		slot->tts_isnull[a] = (mark >> (TV_MARK_BITS + a)) & 1;
	slot->tts_values[natts] = Int64GetDatum(TV_MARK_WEIGHT(mark));
	slot->tts_isnull[natts] = false;
	cursor->next++;
	return ExecStoreVirtualTuple(slot);
}

/* Go on where the rows that were kept end. */
static void
leave_kept(TvTransitionCursor *cursor)
{
	TvTransition *t = cursor->transition;

	cursor->old_ended = cursor->first->old_ended;
	go_to_pointer(t->old_rows, cursor->first->old_pointer, cursor->old_pointer);
	go_to_pointer(t->new_rows, cursor->first->new_pointer, cursor->new_pointer);
}

TupleTableSlot *
tv_transition_next(TvTransitionCursor *cursor)
{
	TvTransitionRows *rows = cursor->keeping;
	TupleTableSlot *row;

	if (cursor->first && cursor->next <= cursor->first->nrows)
	{
		if (cursor->next < cursor->first->nrows)
			return kept_row(cursor);
		if (cursor->first->all)
			return NULL;
		leave_kept(cursor);
		cursor->next++;
	}
	/* room for both rows of an update */
	if (rows && !cursor->new_is_due && rows->nrows + 2 > rows->max)
		stop_keeping(cursor, false);
	row = read_next(cursor);
	if (cursor->keeping && row)
		keep_row(cursor, row);
	else if (cursor->keeping)
		stop_keeping(cursor, true);
	return row;
}

Bitmapset *
tv_transition_differences(const TvLayout *layout, Bitmapset *columns,
						  const Datum *a, const bool *anull, const Datum *b, const bool *bnull)
{
	for (int i = 0; i < layout->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(layout->desc, i);

		if (bms_is_member(layout->attnos[i], columns))
			continue;
		if (anull[i] != bnull[i] ||
			(!anull[i] && !datum_image_eq(a[i], b[i], att->attbyval, att->attlen)))
			columns = bms_add_member(columns, layout->attnos[i]);
	}
	return columns;
}

Bitmapset *
tv_transition_columns(TvTransition *transition)
{
	const TvLayout *layout = transition->layout;
	TvTransitionCursor cursor;
	Bitmapset  *columns = NULL;
	TupleTableSlot *row;
	Datum	   *values;
	bool	   *nulls;

	if (!transition->paired)
		return NULL;
	values = palloc(sizeof(Datum) * (layout->natts + 1));
	nulls = palloc(sizeof(bool) * (layout->natts + 1));
	tv_transition_begin(transition, &cursor, true);
	while (bms_num_members(columns) < layout->natts &&
		   (row = tv_transition_next(&cursor)) != NULL)
	{
		/* the old row stays in its slot when the new one is returned */
		memcpy(values, row->tts_values, sizeof(Datum) * layout->natts);
		memcpy(nulls, row->tts_isnull, sizeof(bool) * layout->natts);
		row = tv_transition_next(&cursor);
		columns = tv_transition_differences(layout, columns, values, nulls,
											row->tts_values, row->tts_isnull);
	}
	tv_transition_end(&cursor);
	return columns;
}
