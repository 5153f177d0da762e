/*-------------------------------------------------------------------------
 *
 * executor/input_store.c
 *	  The rows of a source that a node has not consumed, in one store.
 *
 * A row that is updated again and again (a trigger counts something in it, or
 * a transaction has many statements) leaves a long trail of versions, of which
 * the first and the last count; and if they are equal, nothing was changed.
 * Rows that cancel each other are taken out before they become work.  The rows
 * of one trigger call do not cancel.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/tuplesort.h"

#include "catalog/row_hash.h"
#include "executor/flush_internal.h"
#include "executor/segment.h"

/* Rows of one hash: their images, and what their weights add up to. */
typedef struct Images
{
	TupleDesc	desc;			/* without weight */
	MemoryContext cxt;			/* of the values */
	int			n;
	int			capacity;
	Datum	  **values;
	bool	  **nulls;
	int64	   *weights;
} Images;

static void copy_segments(TvChanges *changes, List *segments, TvRowStore *store);
static TvRowStore *net_segments(TvChanges *changes, List *segments);
static Tuplesortstate *sort_by_hash(TvChanges *changes, List *segments, TupleDesc desc);
static TupleDesc add_hash(TupleDesc desc);
static void add_image(Images *images, const Datum *values, const bool *nulls, int64 weight);
static void put_images(Images *images, TvChanges *changes, TvRowStore *store);

/*
 * The segments in the layout that readers expect now.  Those that had another
 * one are replaced by copies, whose stores are returned in *stores.
 */
static List *
conform(TvChanges *changes, List *segments, List **stores)
{
	List	   *result = NIL;
	ListCell   *lc;

	*stores = NIL;
	foreach(lc, segments)
	{
		TvSegment  *segment = lfirst(lc);

		if (!tv_view_layout_equal(segment->layout, changes->layout))
		{
			TvSegment  *copy = palloc(sizeof(TvSegment));

			*copy = *segment;
			copy->rows = tv_segment_project(segment, changes->layout);
			if (copy->rows == NULL)
				ereport(ERROR,
						(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
						 errmsg("could not maintain views of \"%s\" because of concurrent DDL",
								get_rel_name(changes->source)),
						 errhint("Retry the transaction.")));
			*stores = lappend(*stores, copy->rows);
			segment = copy;
		}
		result = lappend(result, segment);
	}
	return result;
}

TvRowStore *
tv_input_store(TvChanges *changes, List *segments, bool *own)
{
	TvRowStore *store;
	int64		deliveries = 0;
	List	   *stores;
	ListCell   *lc;

	segments = conform(changes, segments, &stores);
	foreach(lc, segments)
		deliveries += ((TvSegment *) lfirst(lc))->deliveries;
	*own = true;
	if (deliveries > 1)
		store = net_segments(changes, segments);
	else if (list_length(segments) == 1)
	{
		*own = stores != NIL;
		return ((TvSegment *) linitial(segments))->rows;
	}
	else
	{
		store = tv_row_store_make(CurrentResourceOwner);
		copy_segments(changes, segments, store);
	}
	foreach(lc, stores)
		tv_row_store_end(lfirst(lc));
	return store;
}

static void
copy_segments(TvChanges *changes, List *segments, TvRowStore *store)
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
			tv_row_store_put_slot(store, slot);
		}
	}
	ExecDropSingleTupleTableSlot(slot);
}

/*
 * Net the segments by image: sorted by a hash of it, so that what does not fit
 * into memory goes to disk.
 */
static TvRowStore *
net_segments(TvChanges *changes, List *segments)
{
	int			natts = changes->layout->natts;
	TupleDesc	desc = add_hash(changes->layout->desc);
	TvRowStore *store = tv_row_store_make(CurrentResourceOwner);
	Tuplesortstate *sort = sort_by_hash(changes, segments, desc);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	Images		images = {0};
	int32		hash = 0;

	images.desc = CreateTemplateTupleDesc(natts);
	for (int i = 1; i <= natts; i++)
		TupleDescCopyEntry(images.desc, i, changes->layout->desc, i);
	images.cxt = AllocSetContextCreate(CurrentMemoryContext, "pg_tviews input",
									   ALLOCSET_DEFAULT_SIZES);
	while (tuplesort_gettupleslot(sort, true, false, slot, NULL))
	{
		CHECK_FOR_INTERRUPTS();
		slot_getallattrs(slot);
		if (DatumGetInt32(slot->tts_values[natts + 1]) != hash)
			put_images(&images, changes, store);
		hash = DatumGetInt32(slot->tts_values[natts + 1]);
		add_image(&images, slot->tts_values, slot->tts_isnull,
				  DatumGetInt64(slot->tts_values[natts]));
	}
	put_images(&images, changes, store);
	ExecDropSingleTupleTableSlot(slot);
	tuplesort_end(sort);
	MemoryContextDelete(images.cxt);
	return store;
}

/* The layout of a segment, and a hash at the end. */
static TupleDesc
add_hash(TupleDesc desc)
{
	TupleDesc	result = CreateTemplateTupleDesc(desc->natts + 1);

	for (int i = 1; i <= desc->natts; i++)
		TupleDescCopyEntry(result, i, desc, i);
	TupleDescInitEntry(result, desc->natts + 1, "hash", INT4OID, -1, 0);
	return result;
}

static Tuplesortstate *
sort_by_hash(TvChanges *changes, List *segments, TupleDesc desc)
{
	AttrNumber	attno = desc->natts;
	Oid			less = Int4LessOperator;
	Oid			collation = InvalidOid;
	bool		nulls_first = false;
	Tuplesortstate *sort = tuplesort_begin_heap(desc, 1, &attno, &less, &collation, &nulls_first,
												work_mem, NULL, TUPLESORT_NONE);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(changes->layout->desc, &TTSOpsMinimalTuple);
	TupleTableSlot *hashed = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	TupleDesc	row_desc = CreateTemplateTupleDesc(desc->natts - 2);
	ListCell   *lc;

	for (int i = 1; i <= row_desc->natts; i++)
		TupleDescCopyEntry(row_desc, i, desc, i);
	foreach(lc, segments)
	{
		TvSegment  *segment = lfirst(lc);
		TvRowCursor cursor;

		tv_row_store_begin(segment->rows, &cursor, true);
		while (tv_row_store_next(&cursor, slot))
		{
			CHECK_FOR_INTERRUPTS();
			slot_getallattrs(slot);
			ExecClearTuple(hashed);
			memcpy(hashed->tts_values, slot->tts_values, sizeof(Datum) * attno);
			memcpy(hashed->tts_isnull, slot->tts_isnull, sizeof(bool) * attno);
			hashed->tts_values[attno - 1] =
				Int32GetDatum(tv_row_hash(row_desc, slot->tts_values, slot->tts_isnull));
			hashed->tts_isnull[attno - 1] = false;
			ExecStoreVirtualTuple(hashed);
			tuplesort_puttupleslot(sort, hashed);
		}
	}
	ExecDropSingleTupleTableSlot(slot);
	ExecDropSingleTupleTableSlot(hashed);
	tuplesort_performsort(sort);
	return sort;
}

static void
add_image(Images *images, const Datum *values, const bool *nulls, int64 weight)
{
	int			natts = images->desc->natts;
	MemoryContext oldcxt;

	for (int i = 0; i < images->n; i++)
	{
		if (tv_rows_image_equal(images->desc, values, nulls, images->values[i], images->nulls[i]))
		{
			images->weights[i] += weight;
			return;
		}
	}
	if (images->n == images->capacity)
	{
		int			capacity = Max(images->capacity * 2, 4);

		images->values = images->values ?
			repalloc(images->values, capacity * sizeof(Datum *)) : palloc(capacity * sizeof(Datum *));
		images->nulls = images->nulls ?
			repalloc(images->nulls, capacity * sizeof(bool *)) : palloc(capacity * sizeof(bool *));
		images->weights = images->weights ?
			repalloc(images->weights, capacity * sizeof(int64)) : palloc(capacity * sizeof(int64));
		images->capacity = capacity;
	}
	oldcxt = MemoryContextSwitchTo(images->cxt);
	images->values[images->n] = palloc(sizeof(Datum) * (natts + 1));
	images->nulls[images->n] = palloc(sizeof(bool) * (natts + 1));
	for (int i = 0; i < natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(images->desc, i);

		images->nulls[images->n][i] = nulls[i];
		images->values[images->n][i] = nulls[i] ? (Datum) 0 :
			datumCopy(values[i], att->attbyval, att->attlen);
	}
	MemoryContextSwitchTo(oldcxt);
	images->weights[images->n++] = weight;
}

/* Put what is left of the rows of one hash into the store. */
static void
put_images(Images *images, TvChanges *changes, TvRowStore *store)
{
	int			natts = images->desc->natts;

	for (int i = 0; i < images->n; i++)
	{
		if (images->weights[i] == 0)
			continue;
		images->values[i][natts] = Int64GetDatum(images->weights[i]);
		images->nulls[i][natts] = false;
		tv_row_store_put(store, changes->layout->desc, images->values[i], images->nulls[i]);
	}
	images->n = 0;
	MemoryContextReset(images->cxt);
}
