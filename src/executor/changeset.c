/*-------------------------------------------------------------------------
 *
 * executor/changeset.c
 *	  Captured and derived changes of this transaction, and who consumed them.
 *
 * Everything lives in one context below TopTransactionContext.  Tuplestores
 * are made under the transaction's resource owner: their files must survive
 * the subtransaction that made them, and are closed here before the owner is
 * released.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#include "executor/changeset.h"

typedef struct TvConsumption
{
	Oid			view;
	int			node;
	SubTransactionId subid;
} TvConsumption;

static MemoryContext changes_cxt = NULL;
static List *all_changes = NIL; /* of TvChanges *; few */
static int	nsegments = 0;

static TvSegment *current_segment(TvChanges *changes);
static TvSegment *new_segment(TvChanges *changes);
static void detoast_segment(TvChanges *changes, TvSegment *segment);
static void free_segment(TvSegment *segment);

bool
tv_changes_exist(void)
{
	return nsegments > 0;
}

TvChanges *
tv_changes_find(Oid source)
{
	ListCell   *lc;

	foreach(lc, all_changes)
	{
		TvChanges  *changes = lfirst(lc);

		if (changes->source == source)
			return changes;
	}
	return NULL;
}

TvChanges *
tv_changes_of(Oid source, const TvLayout *layout)
{
	TvChanges  *changes = tv_changes_find(source);
	MemoryContext oldcxt;

	if (changes)
	{
		if (changes->segments == NIL)
			changes->layout = layout;
		else if (!tv_view_layout_equal(changes->layout, layout))
			ereport(ERROR,
					(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					 errmsg("could not capture a change because of concurrent DDL on a maintained view"),
					 errhint("Retry the transaction.")));
		return changes;
	}
	if (changes_cxt == NULL)
		changes_cxt = AllocSetContextCreate(TopTransactionContext, "pg_tviews changes",
											ALLOCSET_DEFAULT_SIZES);
	oldcxt = MemoryContextSwitchTo(changes_cxt);
	changes = palloc0(sizeof(TvChanges));
	changes->source = source;
	changes->layout = layout;
	all_changes = lappend(all_changes, changes);
	MemoryContextSwitchTo(oldcxt);
	return changes;
}

List *
tv_changes_all(void)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, all_changes)
		if (((TvChanges *) lfirst(lc))->segments != NIL)
		result = lappend(result, lfirst(lc));
	return result;
}

/*
 * The segment that takes new rows: the last one, if this subtransaction made
 * it and nobody has consumed it.
 */
static TvSegment *
current_segment(TvChanges *changes)
{
	SubTransactionId subid = GetCurrentSubTransactionId();
	TvSegment  *segment = changes->segments ? llast(changes->segments) : NULL;

	if (segment && segment->subid == subid && segment->consumed == NIL &&
		!segment->truncates && segment->voided == InvalidSubTransactionId)
		return segment;
	return new_segment(changes);
}

static TvRowStore *
make_store(void)
{
	MemoryContext oldcxt = MemoryContextSwitchTo(changes_cxt);
	TvRowStore *rows = tv_row_store_make(TopTransactionResourceOwner);

	MemoryContextSwitchTo(oldcxt);
	return rows;
}

static TvSegment *
new_segment(TvChanges *changes)
{
	MemoryContext oldcxt = MemoryContextSwitchTo(changes_cxt);
	TvSegment  *segment = palloc0(sizeof(TvSegment));

	segment->subid = GetCurrentSubTransactionId();
	segment->rows = make_store();
	changes->segments = lappend(changes->segments, segment);
	nsegments++;
	MemoryContextSwitchTo(oldcxt);
	return segment;
}

void
tv_changes_add(TvChanges *changes, Datum *values, bool *isnull, int64 weight)
{
	TvSegment  *segment = current_segment(changes);
	int			natts = changes->layout->natts;

	values[natts] = Int64GetDatum(weight);
	isnull[natts] = false;
	tv_row_store_put(segment->rows, changes->layout->desc, values, isnull);
}

static void
put_detoasted(TvRowStore *rows, const TvLayout *layout, const Datum *values,
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
	tv_row_store_put(rows, layout->desc, flat, nulls);
	for (int i = 0; i < natts; i++)
		if (flat[i] != values[i])
			pfree(DatumGetPointer(flat[i]));
	pfree(flat);
	pfree(nulls);
}

void
tv_changes_add_detoasted(TvChanges *changes, Datum *values, bool *isnull, int64 weight)
{
	TvSegment  *segment = current_segment(changes);

	put_detoasted(segment->rows, changes->layout, values, isnull, weight);
}

void
tv_changes_truncate(TvChanges *changes)
{
	ListCell   *lc;

	/* TOAST storage that rows captured before refer to goes, too */
	foreach(lc, changes->segments)
		detoast_segment(changes, lfirst(lc));
	current_segment(changes)->truncates = true;
}

static void
detoast_segment(TvChanges *changes, TvSegment *segment)
{
	TvRowStore *old = segment->rows;
	TvRowCursor cursor;
	TupleTableSlot *slot = MakeSingleTupleTableSlot(changes->layout->desc, &TTSOpsMinimalTuple);
	int			natts = changes->layout->natts;

	segment->rows = make_store();
	tv_row_store_begin(old, &cursor, true);
	while (tv_row_store_next(&cursor, slot))
	{
		CHECK_FOR_INTERRUPTS();
		slot_getallattrs(slot);
		put_detoasted(segment->rows, changes->layout, slot->tts_values, slot->tts_isnull,
					  DatumGetInt64(slot->tts_values[natts]));
	}
	ExecDropSingleTupleTableSlot(slot);
	tv_row_store_end(old);
}

bool
tv_changes_settle(TvChanges *changes)
{
	SubTransactionId subid = GetCurrentSubTransactionId();
	bool		found = false;
	ListCell   *lc;

	foreach(lc, changes->segments)
	{
		TvSegment  *segment = lfirst(lc);

		if (found && segment->voided == InvalidSubTransactionId)
			segment->voided = subid;
		if (segment->truncates && segment->settled == InvalidSubTransactionId)
		{
			segment->settled = subid;
			found = true;
		}
	}
	return found;
}

void
tv_changes_delivered(TvChanges *changes)
{
	if (changes->segments != NIL)
		((TvSegment *) llast(changes->segments))->deliveries++;
}

static bool
has_consumed(TvSegment *segment, Oid view, int node)
{
	ListCell   *lc;

	foreach(lc, segment->consumed)
	{
		TvConsumption *record = lfirst(lc);

		if (record->view == view && record->node == node)
			return true;
	}
	return false;
}

List *
tv_changes_pending(TvChanges *changes, Oid view, int node)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, changes->segments)
	{
		TvSegment  *segment = lfirst(lc);

		if (segment->voided != InvalidSubTransactionId || has_consumed(segment, view, node))
			continue;
		result = lappend(result, segment);
	}
	return result;
}

void
tv_changes_consume(List *segments, Oid view, int node)
{
	MemoryContext oldcxt = MemoryContextSwitchTo(changes_cxt);
	SubTransactionId subid = GetCurrentSubTransactionId();
	ListCell   *lc;

	foreach(lc, segments)
	{
		TvSegment  *segment = lfirst(lc);
		TvConsumption *record = palloc(sizeof(TvConsumption));

		record->view = view;
		record->node = node;
		record->subid = subid;
		segment->consumed = lappend(segment->consumed, record);
	}
	MemoryContextSwitchTo(oldcxt);
}

/* Has every reader consumed it, in the subtransaction that captured it, or is it void? */
static bool
is_done(TvChanges *changes, TvSegment *segment)
{
	ListCell   *lc;

	if (segment->voided != InvalidSubTransactionId)
		return segment->voided == segment->subid;
	if (segment->consumed == NIL)
		return false;
	foreach(lc, segment->consumed)
		if (((TvConsumption *) lfirst(lc))->subid != segment->subid)
		return false;
	return true;
}

void
tv_changes_release(void)
{
	ListCell   *lc;

	foreach(lc, all_changes)
	{
		TvChanges  *changes = lfirst(lc);
		ListCell   *ls;

		foreach(ls, changes->segments)
		{
			TvSegment  *segment = lfirst(ls);

			if (is_done(changes, segment))
			{
				free_segment(segment);
				changes->segments = foreach_delete_current(changes->segments, ls);
			}
		}
	}
}

static void
free_segment(TvSegment *segment)
{
	tv_row_store_end(segment->rows);
	list_free_deep(segment->consumed);
	pfree(segment);
	nsegments--;
}

void
tv_changes_end_transaction(void)
{
	ListCell   *lc;
	ListCell   *ls;

	foreach(lc, all_changes)
	{
		TvChanges  *changes = lfirst(lc);

		foreach(ls, changes->segments)
			tv_row_store_end(((TvSegment *) lfirst(ls))->rows);
	}
	all_changes = NIL;
	nsegments = 0;
	if (changes_cxt)
		MemoryContextDelete(changes_cxt);
	changes_cxt = NULL;
}

void
tv_changes_end_subtransaction(bool commit, SubTransactionId subid, SubTransactionId parent)
{
	ListCell   *lc;

	foreach(lc, all_changes)
	{
		TvChanges  *changes = lfirst(lc);
		ListCell   *ls;

		foreach(ls, changes->segments)
		{
			TvSegment  *segment = lfirst(ls);
			ListCell   *lr;

			if (segment->subid == subid)
			{
				if (!commit)
				{
					free_segment(segment);
					changes->segments = foreach_delete_current(changes->segments, ls);
					continue;
				}
				segment->subid = parent;
			}
			if (segment->settled == subid)
				segment->settled = commit ? parent : InvalidSubTransactionId;
			if (segment->voided == subid)
				segment->voided = commit ? parent : InvalidSubTransactionId;
			foreach(lr, segment->consumed)
			{
				TvConsumption *record = lfirst(lr);

				if (record->subid != subid)
					continue;
				if (commit)
					record->subid = parent;
				else
					segment->consumed = foreach_delete_current(segment->consumed, lr);
			}
		}
	}
}
