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
#include "catalog/index.h"
#include "catalog/pg_am.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"

#include "catalog/tv_state.h"
#include "executor/writer.h"
#include "tv_compat.h"

static void open_index(TvWriter *writer);
static void begin_scan(TvWriter *writer);
static void end_scan(TvWriter *writer);
static bool check_result(TvWriter *writer, TM_Result result);
static void check_visible(TvWriter *writer);
static void store_new(TvWriter *writer, const Datum *values, const bool *nulls);
static void serialization_failure(TvWriter *writer);

TvWriter *
tv_writer_open(Oid relid, TvIdentity identity, int nkeys, const AttrNumber *keys)
{
	TvWriter   *writer = palloc0(sizeof(TvWriter));

	writer->cxt = CurrentMemoryContext;
	writer->identity = identity;
	writer->nkeys = nkeys;
	writer->keys = palloc(sizeof(AttrNumber) * (nkeys + 1));
	if (nkeys > 0)
		memcpy(writer->keys, keys, sizeof(AttrNumber) * nkeys);
	writer->rel = table_open(relid, RowExclusiveLock);
	writer->estate = CreateExecutorState();
	writer->rri = makeNode(ResultRelInfo);
	InitResultRelInfo(writer->rri, writer->rel, 0, NULL, 0);
	ExecOpenIndices(writer->rri, true);
	writer->slot = table_slot_create(writer->rel, NULL);
	writer->new_slot = MakeSingleTupleTableSlot(RelationGetDescr(writer->rel), &TTSOpsVirtual);

	CommandCounterIncrement();
	writer->snapshot = RegisterSnapshot(GetLatestSnapshot());
	writer->estate->es_snapshot = writer->snapshot;
	writer->estate->es_output_cid = GetCurrentCommandId(true);
	open_index(writer);
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
			table_tuple_insert(writer->rel, writer->new_slot, writer->estate->es_output_cid, 0, NULL);
			(void) tv_compat_insert_index_tuples(writer->rri, writer->new_slot, writer->estate,
												 false, false, NULL, NIL, false);
			ResetPerTupleExprContext(writer->estate);
		}
		ExecDropSingleTupleTableSlot(slot);
		tuplestore_end(writer->late_inserts);
	}
	UnregisterSnapshot(writer->snapshot);
	if (writer->index)
		index_close(writer->index, NoLock);
	ExecDropSingleTupleTableSlot(writer->slot);
	ExecDropSingleTupleTableSlot(writer->new_slot);
	ExecCloseIndices(writer->rri);
	FreeExecutorState(writer->estate);
	table_close(writer->rel, NoLock);
}

/* The index by which rows are found, and how its columns map to the key. */
static void
open_index(TvWriter *writer)
{
	Oid			indexid = InvalidOid;

	switch (writer->identity)
	{
		case TV_IDENTITY_KEY:
			indexid = tv_state_find_key_index(writer->rel, writer->nkeys, writer->keys);
			if (!OidIsValid(indexid))
				ereport(ERROR,
						(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						 errmsg("the key index of materialized view \"%s\" is missing",
								RelationGetRelationName(writer->rel)),
						 errdetail("Rows of a maintained view are found by a unique index on its key."),
						 errhint("REFRESH MATERIALIZED VIEW %s makes it again.",
								 quote_identifier(RelationGetRelationName(writer->rel)))));
			break;
		case TV_IDENTITY_BAG:
			indexid = tv_state_find_hash_index(writer->rel);
			break;
		case TV_IDENTITY_SINGLE:
			indexid = tv_state_find_single_index(writer->rel);
			break;
	}

	for (int i = 0; i < writer->rri->ri_NumIndices; i++)
	{
		Relation	index = writer->rri->ri_IndexRelationDescs[i];

		if (index->rd_index->indisunique && RelationGetRelid(index) != indexid)
			writer->other_unique = true;
	}
	if (!OidIsValid(indexid))
		return;

	if (writer->identity != TV_IDENTITY_BAG)
		writer->arbiters = list_make1_oid(indexid);
	if (writer->identity == TV_IDENTITY_SINGLE)
		return;					/* one row is found by scanning */
	writer->index = index_open(indexid, RowExclusiveLock);
	writer->scankeys = palloc0(sizeof(ScanKeyData) * (writer->nkeys + 1));
	writer->index_of_key = palloc0(sizeof(int) * (writer->nkeys + 1));
	for (int i = 0; i < writer->nkeys; i++)
	{
		for (int j = 0; j < writer->index->rd_index->indnkeyatts; j++)
			if (writer->index->rd_index->indkey.values[j] == writer->keys[i])
				writer->index_of_key[i] = j;
	}
	begin_scan(writer);
}

static void
begin_scan(TvWriter *writer)
{
	if (writer->index)
		writer->scan = tv_compat_index_beginscan(writer->rel, writer->index, writer->snapshot,
												 writer->identity == TV_IDENTITY_BAG ? 1 : writer->nkeys);
}

static void
end_scan(TvWriter *writer)
{
	ExecClearTuple(writer->slot);
	if (writer->scan)
		index_endscan(writer->scan);
	writer->scan = NULL;
	if (writer->table_scan)
		table_endscan(writer->table_scan);
	writer->table_scan = NULL;
}

void
tv_writer_refresh(TvWriter *writer)
{
	MemoryContext oldcxt = MemoryContextSwitchTo(writer->cxt);

	end_scan(writer);
	UnregisterSnapshot(writer->snapshot);
	writer->snapshot = RegisterSnapshot(GetLatestSnapshot());
	writer->estate->es_snapshot = writer->snapshot;
	begin_scan(writer);
	MemoryContextSwitchTo(oldcxt);
}

/* One scan key per column of the index, nulls included. */
static void
set_scan_keys(TvWriter *writer, const Datum *keys, const bool *nulls)
{
	Relation	index = writer->index;

	for (int i = 0; i < writer->nkeys; i++)
	{
		int			j = writer->index_of_key[i];
		ScanKey		key = &writer->scankeys[j];

		if (nulls[i])
		{
			ScanKeyEntryInitialize(key, SK_ISNULL | SK_SEARCHNULL, j + 1, InvalidStrategy,
								   InvalidOid, InvalidOid, InvalidOid, (Datum) 0);
			continue;
		}
		if (key->sk_func.fn_oid == InvalidOid || (key->sk_flags & SK_ISNULL))
		{
			Oid			type = index->rd_opcintype[j];
			Oid			op = get_opfamily_member(index->rd_opfamily[j], type, type,
												 BTEqualStrategyNumber);

			ScanKeyEntryInitialize(key, 0, j + 1, BTEqualStrategyNumber, InvalidOid,
								   index->rd_indcollation[j], get_opcode(op), keys[i]);
		}
		else
			key->sk_argument = keys[i];
	}
}

static bool
scan_single(TvWriter *writer)
{
	ExecClearTuple(writer->slot);
	if (writer->table_scan)
		table_endscan(writer->table_scan);
	writer->table_scan = table_beginscan(writer->rel, writer->snapshot, 0, NULL);
	return table_scan_getnextslot(writer->table_scan, ForwardScanDirection, writer->slot);
}

bool
tv_writer_find(TvWriter *writer, const Datum *keys, const bool *nulls)
{
	MemoryContext oldcxt = MemoryContextSwitchTo(writer->cxt);
	bool		found;

	if (writer->index == NULL)
		found = scan_single(writer);
	else
	{
		set_scan_keys(writer, keys, nulls);
		index_rescan(writer->scan, writer->scankeys, writer->nkeys, NULL, 0);
		found = index_getnext_slot(writer->scan, ForwardScanDirection, writer->slot);
	}
	MemoryContextSwitchTo(oldcxt);
	if (found)
		check_visible(writer);
	return found;
}

void
tv_writer_find_hash(TvWriter *writer, uint32 hash)
{
	MemoryContext oldcxt;

	if (writer->index == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the row index of materialized view \"%s\" is missing",
						RelationGetRelationName(writer->rel)),
				 errdetail("Rows of a maintained view without a key are found by an index on tview.row_hash()."),
				 errhint("REFRESH MATERIALIZED VIEW %s makes it again.",
						 quote_identifier(RelationGetRelationName(writer->rel)))));
	ScanKeyInit(&writer->scankeys[0], 1, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum((int32) hash));
	oldcxt = MemoryContextSwitchTo(writer->cxt);
	index_rescan(writer->scan, writer->scankeys, 1, NULL, 0);
	MemoryContextSwitchTo(oldcxt);
}

bool
tv_writer_next(TvWriter *writer)
{
	MemoryContext oldcxt = MemoryContextSwitchTo(writer->cxt);
	bool		found = index_getnext_slot(writer->scan, ForwardScanDirection, writer->slot);

	MemoryContextSwitchTo(oldcxt);
	if (found)
		check_visible(writer);
	return found;
}

static void
serialization_failure(TvWriter *writer)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not serialize access due to concurrent update"),
			 errdetail("A row of maintained view \"%s\" was changed by a transaction that this one cannot see.",
					   RelationGetRelationName(writer->rel)),
			 errhint("Retry the transaction.")));
}

void
tv_writer_check_absent(TvWriter *writer, const Datum *keys, const bool *nulls)
{
	MemoryContext oldcxt;
	IndexScanDesc scan;
	bool		found;

	if (!IsolationUsesXactSnapshot() || writer->index == NULL)
		return;
	oldcxt = MemoryContextSwitchTo(writer->cxt);
	set_scan_keys(writer, keys, nulls);
	scan = tv_compat_index_beginscan(writer->rel, writer->index, GetTransactionSnapshot(),
									 writer->nkeys);
	index_rescan(scan, writer->scankeys, writer->nkeys, NULL, 0);
	found = index_getnext_slot(scan, ForwardScanDirection, writer->slot);
	ExecClearTuple(writer->slot);
	index_endscan(scan);
	MemoryContextSwitchTo(oldcxt);
	if (found)
		serialization_failure(writer);
}

/* A row that the transaction's snapshot cannot see must not be built upon. */
static void
check_visible(TvWriter *writer)
{
	if (IsolationUsesXactSnapshot() &&
		!table_tuple_satisfies_snapshot(writer->rel, writer->slot, GetTransactionSnapshot()))
		serialization_failure(writer);
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
				serialization_failure(writer);
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

bool
tv_writer_lock(TvWriter *writer)
{
	TM_FailureData tmfd;
	ItemPointerData tid = writer->slot->tts_tid;
	TM_Result	result;

	result = table_tuple_lock(writer->rel, &tid, writer->snapshot, writer->slot,
							  writer->estate->es_output_cid, LockTupleNoKeyExclusive,
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
	MemoryContext oldcxt = MemoryContextSwitchTo(writer->cxt);

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

	if (writer->other_unique)
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
								writer->estate->es_output_cid, writer->snapshot,
								InvalidSnapshot, true, &tmfd, &lockmode, &update_indexes);
	if (!check_result(writer, result))
		return false;
	if (writer->rri->ri_NumIndices > 0 && TV_UPDATES_INDEXES(update_indexes))
		(void) tv_compat_insert_index_tuples(writer->rri, writer->new_slot, writer->estate,
											 true, false, NULL, NIL,
											 TV_ONLY_SUMMARIZING(update_indexes));
	ResetPerTupleExprContext(writer->estate);
	writer->updated++;
	return true;
}

bool
tv_writer_delete(TvWriter *writer)
{
	TM_FailureData tmfd;
	TM_Result	result;

	result = table_tuple_delete(writer->rel, &writer->slot->tts_tid,
								writer->estate->es_output_cid, writer->snapshot,
								InvalidSnapshot, true, &tmfd, false);
	if (!check_result(writer, result))
		return false;
	writer->deleted++;
	return true;
}

bool
tv_writer_insert(TvWriter *writer, const Datum *values, const bool *nulls, bool speculative)
{
	bool		conflict = false;
	uint32		token;
	ItemPointerData tid;

	if (writer->other_unique)
	{
		insert_later(writer, values, nulls);
		writer->inserted++;
		return true;
	}
	store_new(writer, values, nulls);
	if (!speculative || writer->arbiters == NIL)
	{
		table_tuple_insert(writer->rel, writer->new_slot, writer->estate->es_output_cid, 0, NULL);
		if (writer->rri->ri_NumIndices > 0)
			(void) tv_compat_insert_index_tuples(writer->rri, writer->new_slot, writer->estate,
												 false, false, NULL, NIL, false);
		ResetPerTupleExprContext(writer->estate);
		writer->inserted++;
		return true;
	}

	/* waits for a transaction that is inserting the same key */
	if (!tv_compat_check_index_constraints(writer->rri, writer->new_slot, writer->estate,
										   &tid, writer->arbiters))
	{
		if (IsolationUsesXactSnapshot())
			serialization_failure(writer);
		return false;
	}
	token = SpeculativeInsertionLockAcquire(GetCurrentTransactionId());
	table_tuple_insert_speculative(writer->rel, writer->new_slot, writer->estate->es_output_cid,
								   0, NULL, token);
	(void) tv_compat_insert_index_tuples(writer->rri, writer->new_slot, writer->estate,
										 false, true, &conflict, writer->arbiters, false);
	table_tuple_complete_speculative(writer->rel, writer->new_slot, token, !conflict);
	SpeculativeInsertionLockRelease(GetCurrentTransactionId());
	ResetPerTupleExprContext(writer->estate);
	if (conflict)
		return false;
	writer->inserted++;
	return true;
}
