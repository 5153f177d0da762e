/*-------------------------------------------------------------------------
 *
 * executor/writer.c
 *	  Find and write rows of a store: direct table and index operations.
 *
 * The server's executor cannot write a materialized view, and is slower.  The
 * protocol of insertion is that of INSERT ... ON CONFLICT
 * (src/backend/executor/nodeModifyTable.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

#include "executor/dependency.h"
#include "executor/isolation.h"
#include "executor/writer.h"
#include "executor/writer_index.h"
#include "tv_compat.h"

/* Of a statement that changes many rows, so many are remembered. */
#define TV_REMEMBERED_ROWS 64

static void end_scan(TvWriter *writer);
static bool check_result(TvWriter *writer, TM_Result result);
static void check_visible(TvWriter *writer);
static void store_new(TvWriter *writer, const Datum *values, const bool *nulls);

/*
 * Whoever rebuilds or drops an index needs a lock on its table that conflicts
 * with ours, or waits for it: the index needs none of its own.
 */
static Relation
open_index(Oid index)
{
	Relation	rel = RelationIdGetRelation(index);

	if (!RelationIsValid(rel))
		elog(ERROR, "could not open index with OID %u", index);
	return rel;
}

TvWriter *
tv_writer_open(const TvStoreAccess *access, Snapshot snapshot)
{
	TvWriter   *writer = palloc0(sizeof(TvWriter));

	writer->cxt = writer->late_cxt = CurrentMemoryContext;
	writer->access = access;
	writer->rel = table_open(access->relid, access->lockmode);
	writer->slot = table_slot_create(writer->rel, NULL);
	writer->new_slot = MakeSingleTupleTableSlot(RelationGetDescr(writer->rel), &TTSOpsVirtual);

	if (snapshot == NULL)
	{
		CommandCounterIncrement();
		snapshot = GetLatestSnapshot();
	}
	writer->snapshot = RegisterSnapshot(snapshot);
	writer->cid = GetCurrentCommandId(true);
	if (access->identity != TV_IDENTITY_SINGLE && OidIsValid(access->index))
	{
		writer->scankeys = palloc(sizeof(ScanKeyData) * (access->nscankeys + 1));
		memcpy(writer->scankeys, access->scankeys, sizeof(ScanKeyData) * access->nscankeys);
	}
	return writer;
}

TvWriter *
tv_writer_open_again(TvWriter *before)
{
	struct Tuplestorestate *late_inserts = before->late_inserts;
	const TvStoreAccess *access = before->access;
	MemoryContext late_cxt = before->late_cxt;
	TvWriter   *writer;

	before->late_inserts = NULL;
	tv_writer_close(before);
	writer = tv_writer_open(access, NULL);
	writer->late_inserts = late_inserts;
	writer->late_cxt = late_cxt;
	return writer;
}

void
tv_writer_close(TvWriter *writer)
{
	end_scan(writer);
	if (writer->late_inserts)
	{
		TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(writer->rel),
														&TTSOpsMinimalTuple);

		while (tuplestore_gettupleslot(writer->late_inserts, true, false, slot))
		{
			CHECK_FOR_INTERRUPTS();
			slot_getallattrs(slot);
			store_new(writer, slot->tts_values, slot->tts_isnull);
			table_tuple_insert(writer->rel, writer->new_slot, writer->cid, 0, NULL);
			(void) tv_writer_insert_entries(writer, false, false, NIL);
		}
		ExecDropSingleTupleTableSlot(slot);
		tuplestore_end(writer->late_inserts);
	}
	if (TV_VIEWS_LACK_PREDICATE_LOCKS && IsolationIsSerializable() &&
		writer->rel->rd_rel->relkind == RELKIND_MATVIEW &&
		writer->inserted + writer->updated + writer->deleted > 0)
		tv_dependency_written(RelationGetRelid(writer->rel));
	UnregisterSnapshot(writer->snapshot);
	if (writer->index)
		RelationClose(writer->index);
	ExecDropSingleTupleTableSlot(writer->slot);
	ExecDropSingleTupleTableSlot(writer->new_slot);
	if (writer->rri)
	{
		ExecCloseIndices(writer->rri);
		FreeExecutorState(writer->estate);
	}
	table_close(writer->rel, NoLock);
}

void
tv_writer_next_command(TvWriter *writer)
{
	CommandCounterIncrement();
	writer->cid = GetCurrentCommandId(true);
	tv_writer_refresh(writer);
}

/* Look for rows with the scan keys as they are now. */
static void
start_scan(TvWriter *writer)
{
	if (writer->index == NULL)
		writer->index = open_index(writer->access->index);
	if (writer->scan == NULL)
		writer->scan = tv_compat_index_beginscan(writer->rel, writer->index, writer->snapshot,
												 writer->access->nscankeys);
	index_rescan(writer->scan, writer->scankeys, writer->access->nscankeys, NULL, 0);
}

static void
end_scan(TvWriter *writer)
{
	ExecClearTuple(writer->slot);
	if (writer->scan)
		index_endscan(writer->scan);
	writer->scan = NULL;
	tv_row_fetch_release(&writer->place);
	if (writer->table_scan)
		table_endscan(writer->table_scan);
	writer->table_scan = NULL;
}

static void
take_snapshot(TvWriter *writer, Snapshot snapshot)
{
	MemoryContext oldcxt = MemoryContextSwitchTo(writer->cxt);

	end_scan(writer);
	UnregisterSnapshot(writer->snapshot);
	writer->snapshot = RegisterSnapshot(snapshot);
	if (writer->estate)
		writer->estate->es_snapshot = writer->snapshot;
	MemoryContextSwitchTo(oldcxt);
}

void
tv_writer_refresh(TvWriter *writer)
{
	take_snapshot(writer, GetLatestSnapshot());
}

void
tv_writer_refresh_like(TvWriter *writer, const TvWriter *other)
{
	take_snapshot(writer, other->snapshot);
}

/* One scan key per column of the index, nulls included. */
static void
set_scan_keys(TvWriter *writer, const Datum *keys, const bool *nulls)
{
	const TvStoreAccess *access = writer->access;

	for (int i = 0; i < access->nkeys; i++)
	{
		int			j = access->index_of_key[i];
		ScanKey		key = &writer->scankeys[j];

		if (nulls[i])
			ScanKeyEntryInitialize(key, SK_ISNULL | SK_SEARCHNULL, j + 1, InvalidStrategy,
								   InvalidOid, InvalidOid, InvalidOid, (Datum) 0);
		else
		{
			if (key->sk_flags & SK_ISNULL)
				*key = access->scankeys[j];
			key->sk_argument = keys[i];
		}
	}
}

static void
begin_table_scan(TvWriter *writer)
{
	ExecClearTuple(writer->slot);
	if (writer->table_scan)
		table_endscan(writer->table_scan);
	writer->table_scan = table_beginscan(writer->rel, writer->snapshot, 0, NULL);
}

static bool
scan_single(TvWriter *writer)
{
	begin_table_scan(writer);
	return table_scan_getnextslot(writer->table_scan, ForwardScanDirection, writer->slot);
}

/* Find the row with the unique key in the scan keys. */
static bool
find_by_key(TvWriter *writer)
{
	const TvStoreAccess *access = writer->access;

	writer->remembered = false;
	if (tv_row_fetch_following(writer->rel, writer->snapshot, &writer->place, writer->slot,
							   writer->scankeys, access->scanned, access->nscankeys))
		return true;
	if (writer->nfound < TV_REMEMBERED_ROWS)
	{
		writer->nfound++;
		writer->remembered = true;
		writer->hash = tv_row_memory_hash(writer->rel, writer->scankeys, access->passing,
										  access->nscankeys);
		if (tv_row_fetch_remembered(writer->rel, writer->snapshot, &writer->place, writer->slot,
									writer->scankeys, access->scanned, access->nscankeys,
									writer->hash))
			return true;
	}
	start_scan(writer);
	if (!tv_row_fetch_next(writer->scan, &writer->place, writer->slot))
		return false;
	if (writer->remembered)
		tv_row_fetch_remember(&writer->place, writer->slot, false, writer->hash);
	return true;
}

bool
tv_writer_find(TvWriter *writer, const Datum *keys, const bool *nulls)
{
	MemoryContext oldcxt = MemoryContextSwitchTo(writer->cxt);
	bool		found;

	if (writer->scankeys == NULL)
		found = scan_single(writer);
	else
	{
		set_scan_keys(writer, keys, nulls);
		if (writer->access->identity == TV_IDENTITY_KEY)
			found = find_by_key(writer);
		else
		{
			start_scan(writer);
			found = tv_row_fetch_next(writer->scan, &writer->place, writer->slot);
		}
	}
	MemoryContextSwitchTo(oldcxt);
	if (found)
		check_visible(writer);
	return found;
}

void
tv_writer_find_shared(TvWriter *writer, const Datum *keys, const bool *nulls)
{
	MemoryContext oldcxt = MemoryContextSwitchTo(writer->cxt);

	if (writer->scankeys == NULL)
		begin_table_scan(writer);
	else
	{
		set_scan_keys(writer, keys, nulls);
		start_scan(writer);
	}
	MemoryContextSwitchTo(oldcxt);
}

void
tv_writer_find_hash(TvWriter *writer, uint32 hash)
{
	MemoryContext oldcxt;

	writer->scankeys[0].sk_argument = Int32GetDatum((int32) hash);
	oldcxt = MemoryContextSwitchTo(writer->cxt);
	start_scan(writer);
	MemoryContextSwitchTo(oldcxt);
}

bool
tv_writer_next(TvWriter *writer)
{
	MemoryContext oldcxt = MemoryContextSwitchTo(writer->cxt);
	bool		found = writer->scankeys ?
	tv_row_fetch_next(writer->scan, &writer->place, writer->slot) :
	table_scan_getnextslot(writer->table_scan, ForwardScanDirection, writer->slot);

	MemoryContextSwitchTo(oldcxt);
	writer->remembered = false;
	if (found)
		check_visible(writer);
	return found;
}

/*
 * 40001 if the transaction's snapshot sees a row with this key (all rows, if
 * there is no index) that a newer one, if given, does not see.
 */
static void
check_not_seen(TvWriter *writer, const Datum *keys, const bool *nulls, Snapshot newer)
{
	MemoryContext oldcxt = MemoryContextSwitchTo(writer->cxt);
	TableScanDesc table_scan = NULL;
	IndexScanDesc scan = NULL;
	bool		gone = false;

	if (writer->scankeys)
	{
		set_scan_keys(writer, keys, nulls);
		if (writer->index == NULL)
			writer->index = open_index(writer->access->index);
		scan = tv_compat_index_beginscan(writer->rel, writer->index, GetTransactionSnapshot(),
										 writer->access->nscankeys);
		index_rescan(scan, writer->scankeys, writer->access->nscankeys, NULL, 0);
	}
	else
		table_scan = table_beginscan(writer->rel, GetTransactionSnapshot(), 0, NULL);
	ExecClearTuple(writer->slot);
	while (!gone && (scan ? index_getnext_slot(scan, ForwardScanDirection, writer->slot) :
					 table_scan_getnextslot(table_scan, ForwardScanDirection, writer->slot)))
	{
		CHECK_FOR_INTERRUPTS();
		gone = newer == NULL ||
			!table_tuple_satisfies_snapshot(writer->rel, writer->slot, newer);
	}
	ExecClearTuple(writer->slot);
	if (scan)
		index_endscan(scan);
	else
		table_endscan(table_scan);
	MemoryContextSwitchTo(oldcxt);
	if (gone)
		tv_isolation_fail_row(RelationGetRelationName(writer->rel));
}

void
tv_writer_check_absent(TvWriter *writer, const Datum *keys, const bool *nulls)
{
	if (IsolationUsesXactSnapshot() && writer->scankeys != NULL)
		check_not_seen(writer, keys, nulls, NULL);
}

void
tv_writer_check_shared(TvWriter *writer, const Datum *keys, const bool *nulls)
{
	if (IsolationUsesXactSnapshot())
		check_not_seen(writer, keys, nulls, writer->snapshot);
}

/* A row that the transaction's snapshot cannot see must not be built upon. */
static void
check_visible(TvWriter *writer)
{
	if (IsolationUsesXactSnapshot() &&
		!table_tuple_satisfies_snapshot(writer->rel, writer->slot, GetTransactionSnapshot()))
		tv_isolation_fail_row(RelationGetRelationName(writer->rel));
}

static bool
check_result(TvWriter *writer, TM_Result result)
{
	switch (result)
	{
		case TM_Ok:
			return true;
		case TM_Updated:
		case TM_Deleted:
			if (IsolationUsesXactSnapshot())
				tv_isolation_fail_row(RelationGetRelationName(writer->rel));
			return false;
		case TM_SelfModified:
			elog(ERROR, "row of \"%s\" was already changed by this pass",
				 RelationGetRelationName(writer->rel));
			break;
		default:
			elog(ERROR, "unexpected result %d of writing \"%s\"", result,
				 RelationGetRelationName(writer->rel));
	}
	return false;
}

void
tv_writer_go_to(TvWriter *writer, const ItemPointerData *tid)
{
	ExecClearTuple(writer->slot);
	writer->slot->tts_tid = *tid;
	writer->remembered = false;
}

bool
tv_writer_lock(TvWriter *writer)
{
	TM_FailureData tmfd;
	ItemPointerData tid = writer->slot->tts_tid;
	TM_Result	result;

	result = table_tuple_lock(writer->rel, &tid, writer->snapshot, writer->slot,
							  writer->cid, LockTupleNoKeyExclusive,
							  LockWaitBlock, 0, &tmfd);
	return check_result(writer, result);
}

static void
store_new(TvWriter *writer, const Datum *values, const bool *nulls)
{
	TupleTableSlot *slot = writer->new_slot;
	int			natts = slot->tts_tupleDescriptor->natts;

	ExecClearTuple(slot);
	memcpy(slot->tts_values, values, sizeof(Datum) * natts);
	memcpy(slot->tts_isnull, nulls, sizeof(bool) * natts);
	ExecStoreVirtualTuple(slot);
	slot->tts_tableOid = RelationGetRelid(writer->rel);
}

/* Keep a row for the end of the pass. */
static void
insert_later(TvWriter *writer, const Datum *values, const bool *nulls)
{
	MemoryContext oldcxt = MemoryContextSwitchTo(writer->late_cxt);

	if (writer->late_inserts == NULL)
		writer->late_inserts = tuplestore_begin_heap(false, false, work_mem);
	MemoryContextSwitchTo(oldcxt);
	tuplestore_putvalues(writer->late_inserts, RelationGetDescr(writer->rel),
						 unconstify(Datum *, values), unconstify(bool *, nulls));
}

bool
tv_writer_update(TvWriter *writer, const Datum *values, const bool *nulls)
{
	TM_FailureData tmfd;
	LockTupleMode lockmode;
	TvUpdateIndexes update_indexes;
	TM_Result	result;

	if (writer->access->other_unique)
	{
		if (!tv_writer_delete(writer))
			return false;
		writer->deleted--;
		writer->updated++;
		insert_later(writer, values, nulls);
		return true;
	}

	store_new(writer, values, nulls);
	result = table_tuple_update(writer->rel, &writer->slot->tts_tid, writer->new_slot,
								writer->cid, writer->snapshot,
								InvalidSnapshot, true, &tmfd, &lockmode, &update_indexes);
	if (!check_result(writer, result))
		return false;
	if (writer->remembered)
		tv_row_fetch_remember(&writer->place, writer->new_slot,
							  TV_UPDATES_INDEXES(update_indexes) &&
							  !TV_ONLY_SUMMARIZING(update_indexes), writer->hash);
	if (TV_UPDATES_INDEXES(update_indexes))
		(void) tv_writer_insert_entries(writer, true, TV_ONLY_SUMMARIZING(update_indexes), NIL);
	writer->updated++;
	return true;
}

bool
tv_writer_delete(TvWriter *writer)
{
	TM_FailureData tmfd;
	TM_Result	result;

	result = table_tuple_delete(writer->rel, &writer->slot->tts_tid,
								writer->cid, writer->snapshot,
								InvalidSnapshot, true, &tmfd, false);
	if (!check_result(writer, result))
		return false;
	writer->deleted++;
	return true;
}

bool
tv_writer_insert(TvWriter *writer, const Datum *values, const bool *nulls, bool speculative)
{
	List	   *arbiters;
	bool		done;

	if (writer->access->other_unique)
	{
		insert_later(writer, values, nulls);
		writer->inserted++;
		return true;
	}
	store_new(writer, values, nulls);
	if (!speculative || !OidIsValid(writer->access->index))
	{
		table_tuple_insert(writer->rel, writer->new_slot, writer->cid, 0, NULL);
		(void) tv_writer_insert_entries(writer, false, false, NIL);
		writer->inserted++;
		return true;
	}

	tv_writer_open_indexes(writer);
	arbiters = list_make1_oid(writer->access->index);
	done = tv_writer_insert_speculatively(writer, arbiters);
	if (!done)
	{
		if (tv_writer_wait_for_key(writer, arbiters))
			done = tv_writer_insert_speculatively(writer, arbiters);
		else if (IsolationUsesXactSnapshot())
			tv_isolation_fail_row(RelationGetRelationName(writer->rel));
	}
	list_free(arbiters);
	if (done)
		writer->inserted++;
	return done;
}
