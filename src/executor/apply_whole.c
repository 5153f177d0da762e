/*-------------------------------------------------------------------------
 *
 * executor/apply_whole.c
 *	  Compute all rows of a node anew, and write what differs.
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
tv_apply_whole(TvNodeFlush *flush)
{
	/* what the rows are depends on everything: it is read after the lock */
	tv_key_locks_node(flush);
	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	tv_recompute_whole(flush);
	PopActiveSnapshot();
}

void
tv_recompute_whole(TvNodeFlush *flush)
{
	TvNode	   *node = flush->node;
	TvRowTable *rows = tv_rows_make_sorted(node->out_desc, node->identity == TV_IDENTITY_BAG,
										   node->nidentity, node->identity_attnos,
										   flush->rt->identity_sort, flush->cxt);

	tv_rows_let_spill(rows);
	flush->activity->rescans++;
	add_stored(flush, rows);
	tv_isolation_run(tv_plan_get(flush->view, node, TV_PLAN_RECOMPUTE, NULL, 1e9, NULL), NIL,
					 flush->view->relid, false, take_computed, rows);
	tv_apply_rows(flush, rows);
}

/* The rows that are stored leave, unless they are computed again. */
static void
add_stored(TvNodeFlush *flush, TvRowTable *rows)
{
	Relation	rel = table_open(flush->out_relid, RowExclusiveLock);
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
			tv_isolation_fail(get_rel_name(flush->view->relid));
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

/* A transaction that keeps its snapshot must see the same n rows. */
static void
check_stored(TvNodeFlush *flush, TableScanDesc scan, TupleTableSlot *slot, int64 n)
{
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		n--;
	}
	if (n != 0)
		tv_isolation_fail(get_rel_name(flush->view->relid));
}

/* A TvRowConsumer. */
static void
take_computed(TupleTableSlot *slot, void *context)
{
	CHECK_FOR_INTERRUPTS();
	slot_getallattrs(slot);
	(void) tv_rows_add(context, slot->tts_values, slot->tts_isnull, 1);
}
