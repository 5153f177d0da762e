/*-------------------------------------------------------------------------
 *
 * executor/segment.c
 *	  A run of captured rows: where they are kept, and who has consumed them.
 *
 * Stores are made under the transaction's resource owner: their files
 * must survive the subtransaction that made them.  Whoever owns the segments
 * closes them before that owner is released.
 *
 * What was captured before a savepoint stays when that is rolled back to.  So
 * an operation on a segment of an enclosing subtransaction, which an error can
 * interrupt, builds a new store and puts it in place at the end.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "executor/segment.h"
#include "tv_compat.h"

static TvRowStore *make_store(int others);
static void put_detoasted(TvRowStore *store, const TvLayout *layout, const Datum *values,
						  const bool *isnull, int64 weight);
static void copy_rows(TvRowStore *into, TvRowStore *from, const TvLayout *layout,
					  bool detoast);
static void replace_store(TvSegment *segment, TvRowStore *more, bool detoast, int others);

/*
 * All stores together take little more than work_mem before they spill, however
 * many savepoints there are.
 */
static TvRowStore *
make_store(int others)
{
	TvRowStore *store = tv_row_store_make(TopTransactionResourceOwner);

	store->kbytes = Max(work_mem / (1 + others), 64);
	return store;
}

TvSegment *
tv_segment_make(const TvLayout *layout, int others)
{
	TvSegment  *segment = palloc0(sizeof(TvSegment));

	segment->layout = layout;
	segment->subid = GetCurrentSubTransactionId();
	segment->rows = make_store(others);
	return segment;
}

void
tv_segment_free(TvSegment *segment)
{
	tv_row_store_end(segment->rows);
	list_free_deep(segment->consumed);
	pfree(segment);
}

void
tv_segment_add(TvSegment *segment, Datum *values, bool *isnull, int64 weight)
{
	int			natts = segment->layout->natts;

	values[natts] = Int64GetDatum(weight);
	isnull[natts] = false;
	tv_row_store_put(segment->rows, segment->layout->desc, values, isnull);
}

void
tv_segment_add_update(TvSegment *segment, Datum *values, bool *isnull,
					  Datum *new_values, bool *new_isnull)
{
	int			natts = segment->layout->natts;

	values[natts] = Int64GetDatum(-1);
	new_values[natts] = Int64GetDatum(1);
	isnull[natts] = new_isnull[natts] = false;
	tv_row_store_put_update(segment->rows, segment->layout->desc, values, isnull,
							new_values, new_isnull);
}

void
tv_segment_add_detoasted(TvSegment *segment, const Datum *values, const bool *isnull,
						 int64 weight)
{
	put_detoasted(segment->rows, segment->layout, values, isnull, weight);
}

static void
put_detoasted(TvRowStore *store, const TvLayout *layout, const Datum *values,
			  const bool *isnull, int64 weight)
{
	int			natts = layout->natts;
	Datum	   *flat = palloc(sizeof(Datum) * (natts + 1));
	bool	   *nulls = palloc(sizeof(bool) * (natts + 1));

	for (int i = 0; i < natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(layout->desc, i);

		flat[i] = values[i];
		nulls[i] = isnull[i];
		if (!isnull[i] && att->attlen == -1 &&
			VARATT_IS_EXTERNAL(DatumGetPointer(values[i])))
			flat[i] = PointerGetDatum(detoast_external_attr((struct varlena *) DatumGetPointer(values[i])));
	}
	flat[natts] = Int64GetDatum(weight);
	nulls[natts] = false;
	tv_row_store_put(store, layout->desc, flat, nulls);
	for (int i = 0; i < natts; i++)
		if (flat[i] != values[i])
			pfree(DatumGetPointer(flat[i]));
	pfree(flat);
	pfree(nulls);
}

static void
copy_rows(TvRowStore *into, TvRowStore *from, const TvLayout *layout, bool detoast)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(layout->desc, &TTSOpsMinimalTuple);
	TvRowCursor cursor;

	tv_row_store_begin(from, &cursor, true);
	while (tv_row_store_next(&cursor, slot))
	{
		CHECK_FOR_INTERRUPTS();
		if (detoast)
		{
			slot_getallattrs(slot);
			put_detoasted(into, layout, slot->tts_values, slot->tts_isnull,
						  DatumGetInt64(slot->tts_values[layout->natts]));
		}
		else
			tv_row_store_put_slot(into, slot);
	}
	ExecDropSingleTupleTableSlot(slot);
}

/* Give the segment a new store with its rows and, if not NULL, more rows. */
static void
replace_store(TvSegment *segment, TvRowStore *more, bool detoast, int others)
{
	MemoryContext oldcxt = MemoryContextSwitchTo(GetMemoryChunkContext(segment));
	TvRowStore *store = make_store(others);

	MemoryContextSwitchTo(oldcxt);
	PG_TRY();
	{
		copy_rows(store, segment->rows, segment->layout, detoast);
		if (more)
			copy_rows(store, more, segment->layout, detoast);
	}
	PG_CATCH();
	{
		tv_row_store_end(store);
		PG_RE_THROW();
	}
	PG_END_TRY();
	tv_row_store_end(segment->rows);
	segment->rows = store;
}

void
tv_segment_detoast(TvSegment *segment)
{
	replace_store(segment, NULL, true, 0);
}

/* Positions of a layout's columns, and of its weight, in another; NULL if not there. */
static int *
find_columns(const TvLayout *layout, const TvLayout *in)
{
	int		   *positions = palloc(sizeof(int) * (layout->natts + 1));
	int			j = 0;

	for (int i = 0; i < layout->natts; i++)
	{
		while (j < in->natts && in->attnos[j] != layout->attnos[i])
			j++;
		if (j == in->natts)
			return NULL;
		positions[i] = j;
	}
	positions[layout->natts] = in->natts;
	return positions;
}

TvRowStore *
tv_segment_project(const TvSegment *segment, const TvLayout *layout)
{
	int		   *positions = find_columns(layout, segment->layout);
	TupleTableSlot *slot;
	Datum	   *values = palloc(sizeof(Datum) * (layout->natts + 1));
	bool	   *nulls = palloc(sizeof(bool) * (layout->natts + 1));
	TvRowStore *store;
	TvRowCursor cursor;

	if (positions == NULL)
		return NULL;
	slot = MakeSingleTupleTableSlot(segment->layout->desc, &TTSOpsMinimalTuple);
	store = tv_row_store_make(CurrentResourceOwner);
	tv_row_store_begin(segment->rows, &cursor, true);
	while (tv_row_store_next(&cursor, slot))
	{
		CHECK_FOR_INTERRUPTS();
		slot_getallattrs(slot);
		for (int i = 0; i <= layout->natts; i++)
		{
			values[i] = slot->tts_values[positions[i]];
			nulls[i] = slot->tts_isnull[positions[i]];
		}
		tv_row_store_put(store, layout->desc, values, nulls);
	}
	ExecDropSingleTupleTableSlot(slot);
	return store;
}

/*
 * Rows before and after a TRUNCATE are not the same until it is known, for
 * good, what the source held then.
 */
static bool
may_take_part(const TvSegment *segment)
{
	return segment->voided == InvalidSubTransactionId &&
		(!OidIsValid(segment->truncated) || segment->settled == segment->subid);
}

bool
tv_segment_may_join(const TvSegment *a, const TvSegment *b)
{
	ListCell   *lc;

	if (a->subid != b->subid || a->served != b->served || a->from != b->from ||
		!tv_view_layout_equal(a->layout, b->layout) || !may_take_part(a) || !may_take_part(b) ||
		list_length(a->consumed) != list_length(b->consumed))
		return false;
	foreach(lc, b->consumed)
	{
		TvConsumption *wanted = lfirst(lc);
		ListCell   *la;
		bool		found = false;

		foreach(la, a->consumed)
		{
			TvConsumption *record = lfirst(la);

			found |= record->view == wanted->view && record->node == wanted->node &&
				record->subid == wanted->subid;
		}
		if (!found)
			return false;
	}
	return true;
}

void
tv_segment_join(TvSegment *into, TvSegment *from, int others)
{
	MemoryContext oldcxt;

	if (into->subid != GetCurrentSubTransactionId())
		replace_store(into, from->rows, false, others);
	else if (from->rows->nrows > into->rows->nrows)
	{
		TvRowStore *rows = into->rows;

		copy_rows(from->rows, rows, into->layout, false);
		into->rows = from->rows;
		from->rows = rows;
	}
	else
		copy_rows(into->rows, from->rows, into->layout, false);
	into->deliveries += from->deliveries;
	into->whole |= from->whole;
	into->for_all |= from->for_all;
	/* the set can be made anew, and must live as long as the segment */
	oldcxt = MemoryContextSwitchTo(GetMemoryChunkContext(into));
	into->columns = bms_add_members(into->columns, from->columns);
	MemoryContextSwitchTo(oldcxt);
	into->truncated = InvalidOid;
	into->settled = InvalidSubTransactionId;
}
