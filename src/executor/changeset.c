/*-------------------------------------------------------------------------
 *
 * executor/changeset.c
 *	  Captured and derived changes of this transaction, and who consumed them.
 *
 * Everything lives in one context below TopTransactionContext.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "utils/memutils.h"

#include "executor/changeset.h"
#include "executor/segment.h"

static MemoryContext changes_cxt = NULL;
static List *all_changes = NIL; /* of TvChanges *; few */
static int	nsegments = 0;

static TvSegment *current_segment(TvChanges *changes);
static TvSegment *append_segment(TvChanges *changes, Oid from);
static bool is_emptied(TvChanges *changes);
static bool has_consumed(TvSegment *segment, Oid view, int node);
static void release_done(TvChanges *changes);
static void join_neighbours(TvChanges *changes);
static void free_segment(TvChanges *changes, TvSegment *segment);

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
		changes->layout = layout;
		changes->from = source;
		return changes;
	}
	if (changes_cxt == NULL)
		changes_cxt = AllocSetContextCreate(TopTransactionContext, "pg_tviews changes",
											ALLOCSET_DEFAULT_SIZES);
	oldcxt = MemoryContextSwitchTo(changes_cxt);
	changes = palloc0(sizeof(TvChanges));
	changes->source = source;
	changes->layout = layout;
	changes->from = source;
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
 * The segment that takes new rows: one that this subtransaction made, nobody
 * has consumed, and that has rows of the same kind.
 */
static TvSegment *
current_segment(TvChanges *changes)
{
	SubTransactionId subid = GetCurrentSubTransactionId();
	Oid			from = is_emptied(changes) ? changes->from : InvalidOid;
	TvSegment  *segment;

	for (int i = list_length(changes->segments) - 1; i >= 0; i--)
	{
		segment = list_nth(changes->segments, i);
		if (segment->subid != subid || segment->consumed != NIL ||
			segment->served != InvalidSubTransactionId ||
			!tv_view_layout_equal(segment->layout, changes->layout))
			break;
		if (segment->from == from && !OidIsValid(segment->truncated) &&
			segment->voided == InvalidSubTransactionId)
			return segment;
	}
	join_neighbours(changes);
	return append_segment(changes, from);
}

static TvSegment *
append_segment(TvChanges *changes, Oid from)
{
	MemoryContext oldcxt = MemoryContextSwitchTo(changes_cxt);
	TvSegment  *segment = tv_segment_make(changes->layout, nsegments);

	segment->from = from;
	changes->segments = lappend(changes->segments, segment);
	nsegments++;
	MemoryContextSwitchTo(oldcxt);
	return segment;
}

/* Was the table that rows come from emptied, and nobody has looked since? */
static bool
is_emptied(TvChanges *changes)
{
	ListCell   *lc;

	if (changes->ntruncated == 0)
		return false;
	foreach(lc, changes->segments)
	{
		TvSegment  *segment = lfirst(lc);

		if (segment->truncated == changes->from && segment->settled == InvalidSubTransactionId)
			return true;
	}
	return false;
}

void
tv_changes_add(TvChanges *changes, Datum *values, bool *isnull, int64 weight)
{
	TvSegment  *segment = current_segment(changes);

	tv_segment_add(segment, values, isnull, weight);
	segment->whole = true;
}

void
tv_changes_add_update(TvChanges *changes, Datum *values, bool *isnull,
					  Datum *new_values, bool *new_isnull, bool what_changed)
{
	TvSegment  *segment = current_segment(changes);

	if (what_changed && !segment->whole)
	{
		MemoryContext oldcxt = MemoryContextSwitchTo(changes_cxt);

		segment->columns = tv_transition_differences(changes->layout, segment->columns, values,
													 isnull, new_values, new_isnull);
		MemoryContextSwitchTo(oldcxt);
	}
	else
		segment->whole = true;
	tv_segment_add_update(segment, values, isnull, new_values, new_isnull);
}

void
tv_changes_add_detoasted(TvChanges *changes, Datum *values, bool *isnull, int64 weight)
{
	TvSegment  *segment = current_segment(changes);

	tv_segment_add_detoasted(segment, values, isnull, weight);
	segment->whole = true;
}

void
tv_changes_lend(TvChanges *changes, TvTransition *transition, Bitmapset *columns)
{
	TvSegment  *segment = append_segment(changes, is_emptied(changes) ? changes->from : InvalidOid);

	MemoryContext oldcxt = MemoryContextSwitchTo(changes_cxt);

	tv_row_store_lend(segment->rows, transition);
	segment->columns = bms_copy(columns);
	segment->whole = columns == NULL;
	MemoryContextSwitchTo(oldcxt);
}

void
tv_changes_keep(TvChanges *changes)
{
	ListCell   *lc;

	foreach(lc, changes->segments)
		tv_row_store_keep(((TvSegment *) lfirst(lc))->rows);
	join_neighbours(changes);
}

void
tv_changes_truncate(TvChanges *changes)
{
	ListCell   *lc;

	/* TOAST storage that rows captured before refer to goes, too */
	foreach(lc, changes->segments)
		tv_segment_detoast(lfirst(lc));
	current_segment(changes)->truncated = changes->from;
	changes->ntruncated++;
}

void
tv_changes_note_for_all(TvChanges *changes)
{
	TvSegment  *segment = current_segment(changes);

	segment->for_all = true;
	segment->whole = true;
}

bool
tv_changes_for_all(TvChanges *changes)
{
	ListCell   *lc;

	foreach(lc, changes->segments)
		if (((TvSegment *) lfirst(lc))->for_all)
		return true;
	return false;
}

List *
tv_changes_settle(TvChanges *changes)
{
	SubTransactionId subid = GetCurrentSubTransactionId();
	List	   *emptied = NIL;
	ListCell   *lc;

	if (changes->ntruncated == 0)
		return NIL;
	foreach(lc, changes->segments)
	{
		TvSegment  *segment = lfirst(lc);

		if (list_member_oid(emptied, segment->from) &&
			segment->voided == InvalidSubTransactionId)
			segment->voided = subid;
		if (OidIsValid(segment->truncated) && segment->settled == InvalidSubTransactionId)
		{
			segment->settled = subid;
			emptied = list_append_unique_oid(emptied, segment->truncated);
		}
	}
	return emptied;
}

void
tv_changes_delivered(TvChanges *changes)
{
	if (changes->segments != NIL)
		((TvSegment *) llast(changes->segments))->deliveries++;
}

/* Is it pending for a node that reads these columns? */
static bool
is_pending(TvSegment *segment, Oid view, int node, const Bitmapset *columns)
{
	if (segment->voided != InvalidSubTransactionId ||
		(columns && !segment->whole && !bms_overlap(columns, segment->columns)))
		return false;
	return !has_consumed(segment, view, node);
}

bool
tv_changes_has_pending(TvChanges *changes, Oid view, int node, const Bitmapset *columns)
{
	ListCell   *lc;

	foreach(lc, changes->segments)
	{
		if (is_pending(lfirst(lc), view, node, columns))
			return true;
	}
	return false;
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
tv_changes_pending(TvChanges *changes, Oid view, int node, const Bitmapset *columns)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, changes->segments)
	{
		if (is_pending(lfirst(lc), view, node, columns))
			result = lappend(result, lfirst(lc));
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

/* Will nobody need it, whatever is rolled back? */
static bool
is_done(TvSegment *segment)
{
	return segment->voided == segment->subid || segment->served == segment->subid;
}

static void
release_done(TvChanges *changes)
{
	ListCell   *lc;

	foreach(lc, changes->segments)
	{
		TvSegment  *segment = lfirst(lc);

		if (is_done(segment))
		{
			free_segment(changes, segment);
			changes->segments = foreach_delete_current(changes->segments, lc);
		}
	}
}

/*
 * Consumption in an inner subtransaction can be undone.  The records of a
 * segment were made in subtransactions that enclose the present one, or in it.
 */
void
tv_changes_served(TvChanges *changes)
{
	SubTransactionId subid = GetCurrentSubTransactionId();
	ListCell   *lc;

	foreach(lc, changes->segments)
	{
		TvSegment  *segment = lfirst(lc);

		if (segment->served == InvalidSubTransactionId)
			segment->served = subid;
	}
	release_done(changes);
}

void
tv_changes_mark_lagging(void)
{
	ListCell   *lc;

	foreach(lc, all_changes)
	{
		TvChanges  *changes = lfirst(lc);

		changes->lagging = changes->segments != NIL;
	}
}

/*
 * Join what can be joined.  Rows that have to be copied on both sides are only
 * if these are of like size: then each row is moved a few times at most, and a
 * logarithmic number of segments is left.
 */
static void
join_neighbours(TvChanges *changes)
{
	SubTransactionId subid = GetCurrentSubTransactionId();
	TvSegment  *last = NULL;
	ListCell   *lc;

	if (list_length(changes->segments) < 2)
		return;
	foreach(lc, changes->segments)
	{
		TvSegment  *segment = lfirst(lc);

		if (last != NULL && tv_segment_may_join(last, segment) &&
			(segment->subid == subid || segment->rows->nrows >= last->rows->nrows / 2))
		{
			if (OidIsValid(last->truncated))
				changes->ntruncated--;
			tv_segment_join(last, segment, nsegments);
			free_segment(changes, segment);
			changes->segments = foreach_delete_current(changes->segments, lc);
		}
		else
			last = segment;
	}
}

static void
free_segment(TvChanges *changes, TvSegment *segment)
{
	if (OidIsValid(segment->truncated))
		changes->ntruncated--;
	tv_segment_free(segment);
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
					free_segment(changes, segment);
					changes->segments = foreach_delete_current(changes->segments, ls);
					continue;
				}
				segment->subid = parent;
			}
			if (segment->settled == subid)
				segment->settled = commit ? parent : InvalidSubTransactionId;
			if (segment->voided == subid)
				segment->voided = commit ? parent : InvalidSubTransactionId;
			if (segment->served == subid)
				segment->served = commit ? parent : InvalidSubTransactionId;
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
		if (commit)
			release_done(changes);
	}
}
