/*-------------------------------------------------------------------------
 *
 * executor/apply_recursive.c
 *	  Follow a recursive query.
 *
 * Which rows a change leads to depends on all that are there: the node is locked,
 * and then everything is read under a snapshot that is newer than the lock.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "executor/flush_internal.h"
#include "executor/isolation.h"
#include "executor/key_locks.h"

static void add_stored(TvNodeFlush *flush, TvRowTable *rows);
static void take_computed(TupleTableSlot *slot, void *context);
static void check_stored(TvNodeFlush *flush, TableScanDesc scan, TupleTableSlot *slot, int64 n);

void
tv_apply_recursive(TvNodeFlush *flush)
{
	TvNode	   *node = flush->node;
	TvRowTable *rows = tv_rows_make(node->out_desc, true, 0, NULL, flush->cxt);

	tv_key_locks_node(flush);
	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	flush->activity->rescans++;
	add_stored(flush, rows);
	tv_isolation_run(tv_plan_get(flush->view, node, TV_PLAN_RECOMPUTE, NULL, 1e9, NULL), NIL,
					 flush->view->relid, false, take_computed, rows);
	tv_apply_rows(flush, rows);
	PopActiveSnapshot();
}

/* The rows that are stored leave, unless they are computed again. */
static void
add_stored(TvNodeFlush *flush, TvRowTable *rows)
{
	Relation	rel = table_open(flush->node->state_relid, RowExclusiveLock);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TableScanDesc scan = table_beginscan(rel, GetActiveSnapshot(), 0, NULL);
	int64		n = 0;

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		slot_getallattrs(slot);
		(void) tv_rows_add(rows, slot->tts_values, slot->tts_isnull, -1);
		n++;
		if (IsolationUsesXactSnapshot() &&
			!table_tuple_satisfies_snapshot(rel, slot, GetTransactionSnapshot()))
			check_stored(flush, NULL, NULL, 0);
	}
	table_endscan(scan);
	if (IsolationUsesXactSnapshot())
	{
		scan = table_beginscan(rel, GetTransactionSnapshot(), 0, NULL);
		check_stored(flush, scan, slot, n);
		table_endscan(scan);
	}
	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, NoLock);
}

/*
 * A transaction that keeps its snapshot must see the same n rows; without a
 * scan, it is known that it does not.
 */
static void
check_stored(TvNodeFlush *flush, TableScanDesc scan, TupleTableSlot *slot, int64 n)
{
	while (scan && table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		n--;
	}
	if (scan && n == 0)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not serialize access due to concurrent update"),
			 errdetail("Maintained view \"%s\" depends on rows that were changed by transactions this one cannot see.",
					   get_rel_name(flush->view->relid)),
			 errhint("Retry the transaction.")));
}

/* A TvRowConsumer. */
static void
take_computed(TupleTableSlot *slot, void *context)
{
	CHECK_FOR_INTERRUPTS();
	slot_getallattrs(slot);
	(void) tv_rows_add(context, slot->tts_values, slot->tts_isnull, 1);
}
