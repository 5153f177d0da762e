/*-------------------------------------------------------------------------
 *
 * executor/capture.c
 *	  Trigger function: take the changes of a base table.
 *
 * Only the columns that some view needs are kept.  The old and new row of an
 * update stand at the same place of the two transition tables; where they are
 * equal in those columns, byte by byte, there is no change.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "replication/logicalworker.h"
#include "storage/procarray.h"
#include "utils/datum.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "catalog/tv_trigger.h"
#include "executor/changeset.h"
#include "executor/flush.h"
#include "executor/flush_internal.h"
#include "executor/frames_internal.h"
#include "planner/view_cache.h"

PG_FUNCTION_INFO_V1(tview_capture);

static void capture_update(TvChanges *changes, TriggerData *trigdata);
static void capture_row(TvChanges *changes, TriggerData *trigdata);
static void capture_rows(TvChanges *changes, Tuplestorestate *store, TupleDesc desc, int64 weight);
static void capture_contents(TvChanges *changes, Relation rel, int64 weight);
static void take_columns(const TvLayout *layout, TupleTableSlot *slot, Datum *values, bool *nulls);
static void rewind_store(Tuplestorestate *store);

Datum
tview_capture(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	Relation	rel;
	TvReaders  *readers;
	TvChanges  *changes;
	TriggerEvent event;

	/* A trigger of somebody's own would deliver changes a second time. */
	if (!CALLED_AS_TRIGGER(fcinfo) || !trigdata->tg_trigger->tgisinternal)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function tview.capture() was not called by a trigger of pg_tviews"),
				 errdetail("It belongs to the internal triggers of maintained views."),
				 errhint("Do not call it, and make no triggers with it.")));
	rel = trigdata->tg_relation;
	event = trigdata->tg_event;

	/*
	 * An apply worker fires row triggers only, its copying of a table fires
	 * both; everybody else delivers by statement.
	 */
	if (!TRIGGER_FIRED_BY_TRUNCATE(event) &&
		(TRIGGER_FIRED_FOR_ROW(event) != 0) != IsLogicalWorker())
		return PointerGetDatum(NULL);

	readers = tv_view_readers(RelationGetRelid(rel));
	if (readers)
	{
		if (tv_flush_running())
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_IN_USE),
					 errmsg("cannot change table \"%s\" while views that read it are being updated",
							RelationGetRelationName(rel)),
					 errdetail("A function called by the definition of a view changes a base table."),
					 errhint("Functions in a view's definition must not have side effects.")));
		changes = tv_changes_of(RelationGetRelid(rel), readers->layout);
		if (TRIGGER_FIRED_FOR_ROW(event))
			capture_row(changes, trigdata);
		else if (TRIGGER_FIRED_BY_INSERT(event))
			capture_rows(changes, trigdata->tg_newtable, RelationGetDescr(rel), 1);
		else if (TRIGGER_FIRED_BY_DELETE(event))
			capture_rows(changes, trigdata->tg_oldtable, RelationGetDescr(rel), -1);
		else if (TRIGGER_FIRED_BY_UPDATE(event))
			capture_update(changes, trigdata);
		else
		{
			capture_contents(changes, rel, -1);
			tv_changes_truncate(changes);
		}
		tv_changes_delivered(changes);
	}
	if (!TRIGGER_FIRED_BY_TRUNCATE(event))
		tv_frame_delivered(RelationGetRelid(rel),
						   TRIGGER_FIRED_BY_INSERT(event) ? CMD_INSERT :
						   TRIGGER_FIRED_BY_DELETE(event) ? CMD_DELETE : CMD_UPDATE);
	return PointerGetDatum(NULL);
}

static void
take_columns(const TvLayout *layout, TupleTableSlot *slot, Datum *values, bool *nulls)
{
	if (layout->natts > 0)
		slot_getsomeattrs(slot, layout->attnos[layout->natts - 1]);
	for (int i = 0; i < layout->natts; i++)
	{
		values[i] = slot->tts_values[layout->attnos[i] - 1];
		nulls[i] = slot->tts_isnull[layout->attnos[i] - 1];
	}
}

/*
 * A transition table is shared by all triggers: one that fired before may have
 * left it positioned anywhere, at a read pointer of its own.
 */
static void
rewind_store(Tuplestorestate *store)
{
	tuplestore_select_read_pointer(store, 0);
	tuplestore_rescan(store);
}

static void
capture_rows(TvChanges *changes, Tuplestorestate *store, TupleDesc desc, int64 weight)
{
	const TvLayout *layout = changes->layout;
	TupleTableSlot *slot;
	Datum	   *values;
	bool	   *nulls;

	if (store == NULL || tuplestore_tuple_count(store) == 0)
		return;
	slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	values = palloc(sizeof(Datum) * (layout->natts + 1));
	nulls = palloc(sizeof(bool) * (layout->natts + 1));
	rewind_store(store);
	while (tuplestore_gettupleslot(store, true, false, slot))
	{
		CHECK_FOR_INTERRUPTS();
		take_columns(layout, slot, values, nulls);
		tv_changes_add(changes, values, nulls, weight);
	}
	rewind_store(store);
	ExecDropSingleTupleTableSlot(slot);
}

/* One row changed by an apply worker. */
static void
capture_row(TvChanges *changes, TriggerData *trigdata)
{
	Datum	   *values = palloc(sizeof(Datum) * (changes->layout->natts + 1));
	bool	   *nulls = palloc(sizeof(bool) * (changes->layout->natts + 1));
	bool		inserted = TRIGGER_FIRED_BY_INSERT(trigdata->tg_event);

	take_columns(changes->layout, trigdata->tg_trigslot, values, nulls);
	tv_changes_add(changes, values, nulls, inserted ? 1 : -1);
	if (TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
	{
		take_columns(changes->layout, trigdata->tg_newslot, values, nulls);
		tv_changes_add(changes, values, nulls, 1);
	}
}

static bool
columns_equal(const TvLayout *layout, const Datum *a, const bool *anull,
			  const Datum *b, const bool *bnull)
{
	for (int i = 0; i < layout->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(layout->desc, i);

		if (anull[i] != bnull[i])
			return false;
		if (!anull[i] && !datum_image_eq(a[i], b[i], att->attbyval, att->attlen))
			return false;
	}
	return true;
}

static void
capture_update(TvChanges *changes, TriggerData *trigdata)
{
	const TvLayout *layout = changes->layout;
	TupleDesc	desc = RelationGetDescr(trigdata->tg_relation);
	TupleTableSlot *old_slot;
	TupleTableSlot *new_slot;
	Datum	   *values;
	bool	   *nulls;
	Datum	   *new_values;
	bool	   *new_nulls;

	if (trigdata->tg_newtable == NULL || tuplestore_tuple_count(trigdata->tg_newtable) == 0)
		return;
	if (tuplestore_tuple_count(trigdata->tg_newtable) != tuplestore_tuple_count(trigdata->tg_oldtable))
	{
		capture_rows(changes, trigdata->tg_oldtable, desc, -1);
		capture_rows(changes, trigdata->tg_newtable, desc, 1);
		return;
	}

	old_slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	new_slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	values = palloc(sizeof(Datum) * (layout->natts + 1) * 2);
	nulls = palloc(sizeof(bool) * (layout->natts + 1) * 2);
	new_values = values + layout->natts + 1;
	new_nulls = nulls + layout->natts + 1;
	rewind_store(trigdata->tg_oldtable);
	rewind_store(trigdata->tg_newtable);
	while (tuplestore_gettupleslot(trigdata->tg_oldtable, true, false, old_slot) &&
		   tuplestore_gettupleslot(trigdata->tg_newtable, true, false, new_slot))
	{
		CHECK_FOR_INTERRUPTS();
		take_columns(layout, old_slot, values, nulls);
		take_columns(layout, new_slot, new_values, new_nulls);
		if (columns_equal(layout, values, nulls, new_values, new_nulls))
			continue;
		tv_changes_add(changes, values, nulls, -1);
		tv_changes_add(changes, new_values, new_nulls, 1);
	}
	rewind_store(trigdata->tg_oldtable);
	rewind_store(trigdata->tg_newtable);
	ExecDropSingleTupleTableSlot(old_slot);
	ExecDropSingleTupleTableSlot(new_slot);
}

/*
 * The table's contents.  TRUNCATE holds AccessExclusiveLock and takes away
 * rows regardless of snapshots, so the newest state counts.
 */
static void
capture_contents(TvChanges *changes, Relation rel, int64 weight)
{
	const TvLayout *layout = changes->layout;
	Snapshot	snapshot;
	TableScanDesc scan;
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	Datum	   *values = palloc(sizeof(Datum) * (layout->natts + 1));
	bool	   *nulls = palloc(sizeof(bool) * (layout->natts + 1));

	CommandCounterIncrement();
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	scan = table_beginscan(rel, snapshot, 0, NULL);
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		take_columns(layout, slot, values, nulls);
		tv_changes_add_detoasted(changes, values, nulls, weight);
	}
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(slot);
}

/*
 * A trigger that fires after ours before a TRUNCATE may bring rows that go
 * with the others, one that fires after it brings rows that stay, and both
 * look the same to us.  What the table holds now tells.
 */
void
tv_capture_settle(void)
{
	ListCell   *lc;

	foreach(lc, tv_changes_all())
	{
		TvChanges  *changes = lfirst(lc);
		Relation	rel;

		if (!tv_changes_settle(changes))
			continue;
		rel = table_open(changes->source, AccessShareLock);
		capture_contents(changes, rel, 1);
		table_close(rel, NoLock);
	}
}
