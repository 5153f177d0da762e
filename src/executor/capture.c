/*-------------------------------------------------------------------------
 *
 * executor/capture.c
 *	  Trigger function: take the changes of a base table.
 *
 * Only the columns that some view needs are kept.  The old and new row of an
 * update stand at the same place of the two transition tables; where they are
 * equal in those columns, byte by byte, there is no change.
 *
 * A table in a tree delivers row by row (see catalog/tv_trigger.c), to itself
 * and to each of its ancestors that a view reads, in their columns.
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
#include "executor/capture.h"
#include "executor/capture_lend.h"
#include "executor/changeset.h"
#include "executor/flush.h"
#include "executor/flush_internal.h"
#include "executor/frames_internal.h"
#include "executor/isolation.h"
#include "planner/member_cache.h"

PG_FUNCTION_INFO_V1(tview_capture);

/* A source that the rows of a table are captured for. */
typedef struct TvCapture
{
	TvChanges  *changes;
	const AttrNumber *attnos;	/* the layout's columns, in the table */
	AttrNumber	last_attno;		/* the highest of them */
	Datum	   *values;
	bool	   *nulls;
} TvCapture;

static TvChanges *capture_statement(TriggerData *trigdata);
static void capture_update(TvChanges *changes, TriggerData *trigdata, bool what_changed);
static void capture_row(TriggerData *trigdata);
static void capture_truncate(Relation rel);
static void note_delivered(TvChanges *changes, TriggerData *trigdata);
static void note_statement(TriggerData *trigdata);
static void capture_rows(TvChanges *changes, Tuplestorestate *store, TupleDesc desc, int64 weight);
static List *captures_of(Relation rel);
static TvCapture *make_capture(Relation rel, const TvMembership *membership,
							   const TvLayout *layout);
static void capture_contents(List *captures, Relation rel, int64 weight);
static void check_visibility(Relation rel);
static void take_columns(const TvLayout *layout, TupleTableSlot *slot, Datum *values, bool *nulls);
static void rewind_store(Tuplestorestate *store);
static bool columns_equal(const TvLayout *layout, const Datum *a, const bool *anull,
						  const Datum *b, const bool *bnull);

static CmdType
operation_of(const TriggerData *trigdata)
{
	return TRIGGER_FIRED_BY_INSERT(trigdata->tg_event) ? CMD_INSERT :
		TRIGGER_FIRED_BY_DELETE(trigdata->tg_event) ? CMD_DELETE : CMD_UPDATE;
}

/* Was each row changed once at most? */
static bool
changes_rows_once(const TriggerData *trigdata)
{
	return !TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) ||
		tv_frame_is_single(RelationGetRelid(trigdata->tg_relation), CMD_UPDATE);
}

Datum
tview_capture(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	Trigger    *trigger;
	TvChanges  *lent = NULL;

	/* A trigger of somebody's own would deliver changes a second time. */
	if (!CALLED_AS_TRIGGER(fcinfo) || !trigdata->tg_trigger->tgisinternal)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function tview.capture() was not called by a trigger of pg_tviews"),
				 errdetail("It belongs to the internal triggers of maintained views."),
				 errhint("Do not call it, and make no triggers with it.")));
	trigger = trigdata->tg_trigger;

	/*
	 * An apply worker fires row triggers only, its copying of a table fires
	 * both; everybody else delivers by statement.  In trees rows are
	 * delivered by row triggers, whoever fires them.
	 */
	if (TRIGGER_FIRED_BY_TRUNCATE(trigdata->tg_event))
		capture_truncate(trigdata->tg_relation);
	else if (TRIGGER_FIRED_FOR_ROW(trigdata->tg_event))
	{
		if (tv_trigger_delivers_rows(trigger) || IsLogicalWorker())
			capture_row(trigdata);
	}
	else if (trigger->tgoldtable == NULL && trigger->tgnewtable == NULL)
		note_statement(trigdata);
	else if (IsLogicalWorker())
		return PointerGetDatum(NULL);
	else
		lent = capture_statement(trigdata);

	if (!TRIGGER_FIRED_BY_TRUNCATE(trigdata->tg_event) &&
		!TRIGGER_FIRED_FOR_ROW(trigdata->tg_event))
		tv_frame_delivered(RelationGetRelid(trigdata->tg_relation), operation_of(trigdata));
	if (lent)
		tv_capture_lent(lent);
	return PointerGetDatum(NULL);
}

/* Functions that a flush calls must not write. */
static void
check_not_flushing(Relation rel)
{
	if (tv_flush_running())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("cannot change table \"%s\" while views that read it are being updated",
						RelationGetRelationName(rel)),
				 errdetail("A function called by the definition of a view changes a base table."),
				 errhint("Functions in a view's definition must not have side effects.")));
}

/*
 * The transition tables of a statement on a table that is alone.  Returns the
 * changes if they stand for these tables now.
 */
static TvChanges *
capture_statement(TriggerData *trigdata)
{
	Relation	rel = trigdata->tg_relation;
	TvReaders  *readers = tv_view_readers(RelationGetRelid(rel));
	TvChanges  *changes;
	bool		lent = false;

	if (readers == NULL)
		return NULL;
	check_not_flushing(rel);
	changes = tv_changes_of(RelationGetRelid(rel), readers->layout);
	if (changes_rows_once(trigdata) &&
		tv_capture_lend(changes, trigdata, !readers->alike, &lent))
		 /* read where they are */ ;
	else if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
		capture_rows(changes, trigdata->tg_newtable, RelationGetDescr(rel), 1);
	else if (TRIGGER_FIRED_BY_DELETE(trigdata->tg_event))
		capture_rows(changes, trigdata->tg_oldtable, RelationGetDescr(rel), -1);
	else
		capture_update(changes, trigdata, !readers->alike);
	note_delivered(changes, trigdata);
	return lent ? changes : NULL;
}

/* Rows that were changed several times count as several deliveries, to be netted. */
static void
note_delivered(TvChanges *changes, TriggerData *trigdata)
{
	tv_changes_delivered(changes);
	if (!changes_rows_once(trigdata))
		tv_changes_delivered(changes);
}

/* All rows of a statement on a table in a tree have been delivered. */
static void
note_statement(TriggerData *trigdata)
{
	Oid			relid = RelationGetRelid(trigdata->tg_relation);
	ListCell   *lc;

	foreach(lc, tv_changes_all())
	{
		TvChanges  *changes = lfirst(lc);

		if (tv_member_reaches(relid, changes->source))
			note_delivered(changes, trigdata);
	}
}

/* ------------------------------------------------------------------------
 * Rows of tables in trees, of apply workers, and of whole tables
 * ------------------------------------------------------------------------
 */

/* Whom a table's rows are captured for: List of TvCapture *. */
static List *
captures_of(Relation rel)
{
	TvMember   *member = tv_member_lookup(RelationGetRelid(rel));
	List	   *result = NIL;

	for (int i = 0; member && i < member->nsources; i++)
	{
		TvReaders  *readers = tv_view_readers(member->sources[i].source);

		if (readers == NULL)
			continue;
		tv_membership_bind(member->cxt, member->relid, &member->sources[i], readers->layout);
		result = lappend(result, make_capture(rel, &member->sources[i], readers->layout));
	}
	if (result != NIL)
		check_not_flushing(rel);
	return result;
}

static TvCapture *
make_capture(Relation rel, const TvMembership *membership, const TvLayout *layout)
{
	TvCapture  *capture = palloc(sizeof(TvCapture));
	int			natts = layout->natts;

	capture->changes = tv_changes_of(membership->source, layout);
	capture->changes->from = RelationGetRelid(rel);
	capture->attnos = membership->attnos;
	capture->last_attno = membership->last_attno;
	capture->values = palloc(sizeof(Datum) * (natts + 1));
	capture->nulls = palloc(sizeof(bool) * (natts + 1));
	return capture;
}

static void
take_mapped(const TvCapture *capture, TupleTableSlot *slot, Datum *values, bool *nulls)
{
	slot_getsomeattrs(slot, capture->last_attno);
	for (int i = 0; i < capture->changes->layout->natts; i++)
	{
		if (capture->attnos[i] == TV_COLUMN_TABLEOID)
		{
			values[i] = ObjectIdGetDatum(capture->changes->from);
			nulls[i] = false;
			continue;
		}
		values[i] = slot->tts_values[capture->attnos[i] - 1];
		nulls[i] = slot->tts_isnull[capture->attnos[i] - 1];
	}
}

static void
capture_row(TriggerData *trigdata)
{
	ListCell   *lc;

	foreach(lc, captures_of(trigdata->tg_relation))
	{
		TvCapture  *capture = lfirst(lc);
		TvChanges  *changes = capture->changes;

		take_mapped(capture, trigdata->tg_trigslot, capture->values, capture->nulls);
		if (TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event))
		{
			Datum	   *values = palloc(sizeof(Datum) * (changes->layout->natts + 1));
			bool	   *nulls = palloc(sizeof(bool) * (changes->layout->natts + 1));

			take_mapped(capture, trigdata->tg_newslot, values, nulls);
			if (columns_equal(changes->layout, capture->values, capture->nulls, values, nulls))
				continue;
			tv_changes_add(changes, capture->values, capture->nulls, -1);
			tv_changes_add(changes, values, nulls, 1);
		}
		else
			tv_changes_add(changes, capture->values, capture->nulls,
						   TRIGGER_FIRED_BY_INSERT(trigdata->tg_event) ? 1 : -1);
		if (IsLogicalWorker())
			tv_changes_delivered(changes);
	}
}

/*
 * Rows that nobody sees any more may still be seen by an older snapshot.  A
 * table that never had any makes no difference.
 */
static void
note_for_all(List *captures, Relation rel)
{
	ListCell   *lc;

	if (captures == NIL || table_relation_size(rel, MAIN_FORKNUM) == 0)
		return;
	foreach(lc, captures)
		tv_changes_note_for_all(((TvCapture *) lfirst(lc))->changes);
}

static void
capture_truncate(Relation rel)
{
	List	   *captures = captures_of(rel);
	ListCell   *lc;

	if (captures != NIL)
		check_visibility(rel);
	capture_contents(captures, rel, -1);
	note_for_all(captures, rel);
	foreach(lc, captures)
	{
		TvCapture  *capture = lfirst(lc);

		tv_changes_truncate(capture->changes);
		tv_changes_delivered(capture->changes);
	}
}

/*
 * Capture the rows that a table holds.  Whoever is about to take them away, or
 * has brought them, did so regardless of snapshots and has locked the table, so
 * the newest state counts.
 */
static void
capture_contents(List *captures, Relation rel, int64 weight)
{
	Snapshot	snapshot;
	TableScanDesc scan;
	TupleTableSlot *slot;
	ListCell   *lc;

	if (captures == NIL)
		return;
	slot = table_slot_create(rel, NULL);
	CommandCounterIncrement();
	snapshot = RegisterSnapshot(GetLatestSnapshot());
	scan = table_beginscan(rel, snapshot, 0, NULL);
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		foreach(lc, captures)
		{
			TvCapture  *capture = lfirst(lc);

			take_mapped(capture, slot, capture->values, capture->nulls);
			tv_changes_add_detoasted(capture->changes, capture->values, capture->nulls, weight);
		}
	}
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	ExecDropSingleTupleTableSlot(slot);
}

/*
 * A transaction that goes on seeing what its snapshot sees would see a view
 * with other rows than its query gives.
 */
static void
check_visibility(Relation rel)
{
	if (!tv_isolation_sees_newest(rel))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to concurrent update"),
				 errdetail("Rows of table \"%s\", which maintained views are to get or lose, were changed by a transaction that this one cannot see.",
						   RelationGetRelationName(rel)),
				 errhint("Retry the transaction.")));
}

void
tv_capture_table(Oid relid, List *sources, int64 weight)
{
	Relation	rel = table_open(relid, AccessShareLock);
	List	   *captures = NIL;
	ListCell   *lc;

	foreach(lc, sources)
	{
		TvMembership *membership = palloc0(sizeof(TvMembership));
		TvReaders  *readers = tv_view_readers(lfirst_oid(lc));

		if (readers == NULL)
			continue;
		membership->source = lfirst_oid(lc);
		tv_membership_bind(CurrentMemoryContext, relid, membership, readers->layout);
		captures = lappend(captures, make_capture(rel, membership, readers->layout));
	}
	if (captures != NIL)
		check_visibility(rel);
	capture_contents(captures, rel, weight);
	note_for_all(captures, rel);
	table_close(rel, NoLock);
}

void
tv_capture_frozen(Oid relid)
{
	Relation	rel = table_open(relid, AccessShareLock);

	note_for_all(captures_of(rel), rel);
	table_close(rel, NoLock);
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
		ListCell   *le;

		foreach(le, tv_changes_settle(changes))
		{
			Relation	rel = table_open(lfirst_oid(le), AccessShareLock);
			TvMembership membership = {changes->source};

			tv_membership_bind(CurrentMemoryContext, lfirst_oid(le), &membership, changes->layout);
			capture_contents(list_make1(make_capture(rel, &membership, changes->layout)), rel, 1);
			table_close(rel, NoLock);
		}
	}
}

/* ------------------------------------------------------------------------
 * Transition tables
 * ------------------------------------------------------------------------
 */

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
capture_update(TvChanges *changes, TriggerData *trigdata, bool what_changed)
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
		tv_changes_add_update(changes, values, nulls, new_values, new_nulls, what_changed);
	}
	rewind_store(trigdata->tg_oldtable);
	rewind_store(trigdata->tg_newtable);
	ExecDropSingleTupleTableSlot(old_slot);
	ExecDropSingleTupleTableSlot(new_slot);
}
