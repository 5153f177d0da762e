/*-------------------------------------------------------------------------
 *
 * executor/isolation.c
 *	  May a maintenance plan's result be applied at this isolation level?
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/tableam.h"
#include "access/transam.h"
#include "access/xact.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "executor/isolation.h"
#include "executor/row_table.h"
#include "executor/snapshot_check.h"

/* To look at so many transactions costs less than to run a plan once more. */
#define TV_MAX_XIDS 1000

/* What the last column of a result is. */
typedef enum Weight
{
	WEIGHT_NONE,				/* a column as the others: a row counts once */
	WEIGHT_NETS,				/* a weight: rows cancel */
	WEIGHT_TOUCHES				/* a weight: that there is a row is what
								 * counts */
} Weight;

/* Rows of both runs: those of the first count against those of the second. */
typedef struct Comparison
{
	TvRowTable *rows;
	Weight		weight;
	int			sign;
} Comparison;

static void
compare_consume(TupleTableSlot *slot, void *context)
{
	Comparison *c = context;
	int			natts = slot->tts_tupleDescriptor->natts;
	int64		weight = 1;

	CHECK_FOR_INTERRUPTS();
	slot_getallattrs(slot);
	if (c->weight != WEIGHT_NONE)
		weight = DatumGetInt64(slot->tts_values[natts - 1]);
	if (c->weight == WEIGHT_TOUCHES)
		weight = weight < 0 ? -weight : weight;
	tv_rows_add(c->rows, slot->tts_values, slot->tts_isnull, c->sign * weight);
}

/* The result's columns without the weight. */
static TupleDesc
truncated_desc(TupleDesc desc, Weight weight)
{
	int			natts = desc->natts - (weight != WEIGHT_NONE ? 1 : 0);
	TupleDesc	result = CreateTemplateTupleDesc(natts);

	for (int i = 1; i <= natts; i++)
		TupleDescCopyEntry(result, i, desc, i);
	return result;
}

static bool
rows_cancel(TvRowTable *rows)
{
	tv_rows_sort(rows);
	do
	{
		for (int64 first = 0, last; first < rows->nrows; first = last)
		{
			last = tv_rows_net_key(rows, first);
			for (int64 i = first; i < last; i++)
			{
				if (rows->rows[i].weight != 0)
				{
					tv_rows_end(rows);
					return false;
				}
			}
		}
	} while (tv_rows_next(rows));
	return true;
}

/* Is this transaction another's, and does only the newer snapshot see it? */
static bool
seen_by_newer(TransactionId xid, Snapshot newer)
{
	return !TransactionIdIsCurrentTransactionId(xid) && !XidInMVCCSnapshot(xid, newer) &&
		TransactionIdDidCommit(xid);
}

/*
 * Do both snapshots see the same?  The transactions that the older one takes to
 * be running are those of its list, and all that began after it; a list of
 * subtransactions says nothing more, for they commit with theirs.  False if
 * these are too many to look at.
 */
static bool
see_the_same(Snapshot older, Snapshot newer)
{
	TransactionId xid;
	uint32		nlooked = older->xcnt;

	if (older->takenDuringRecovery || newer->takenDuringRecovery || nlooked > TV_MAX_XIDS)
		return false;
	for (uint32 i = 0; i < older->xcnt; i++)
		if (seen_by_newer(older->xip[i], newer))
			return false;
	xid = older->xmax;
	while (TransactionIdPrecedes(xid, newer->xmax))
	{
		if (nlooked++ > TV_MAX_XIDS || seen_by_newer(xid, newer))
			return false;
		TransactionIdAdvance(xid);
	}
	return true;
}

bool
tv_isolation_nobody_committed(void)
{
	return !IsolationUsesXactSnapshot() || tv_isolation_is_newest(GetTransactionSnapshot());
}

bool
tv_isolation_is_newest(Snapshot snapshot)
{
	return see_the_same(snapshot, GetLatestSnapshot());
}

/* Run the plan under both snapshots; are the results equal as bags? */
static bool
same_results(TvPlan *plan, List *inputs, Weight weight)
{
	MemoryContext cxt;
	Comparison	c;
	bool		same;

	tv_snapshot_check(plan->stmt->relationOids, GetTransactionSnapshot());
	if (see_the_same(GetTransactionSnapshot(), GetActiveSnapshot()))
		return true;

	cxt = AllocSetContextCreate(CurrentMemoryContext, "pg_tviews isolation", ALLOCSET_DEFAULT_SIZES);
	c.rows = tv_rows_make(truncated_desc(plan->desc, weight), true, 0, NULL, cxt);
	tv_rows_let_spill(c.rows);
	c.weight = weight;

	c.sign = -1;
	PushActiveSnapshot(GetTransactionSnapshot());
	tv_run_plan(plan, inputs, GetActiveSnapshot(), compare_consume, &c);
	PopActiveSnapshot();
	c.sign = 1;
	tv_run_plan(plan, inputs, GetActiveSnapshot(), compare_consume, &c);
	same = rows_cancel(c.rows);
	MemoryContextDelete(cxt);
	return same;
}

bool
tv_isolation_same(TvPlan *plan, List *inputs)
{
	return !IsolationUsesXactSnapshot() || same_results(plan, inputs, WEIGHT_NONE);
}

static void
run(TvPlan *plan, List *inputs, Oid view, Weight weight, TvRowConsumer consumer, void *context)
{
	if (IsolationUsesXactSnapshot() && !same_results(plan, inputs, weight))
		tv_isolation_fail(get_rel_name(view));
	tv_run_plan(plan, inputs, GetActiveSnapshot(), consumer, context);
}

void
tv_isolation_run(TvPlan *plan, List *inputs, Oid view, bool weighted,
				 TvRowConsumer consumer, void *context)
{
	run(plan, inputs, view, weighted ? WEIGHT_NETS : WEIGHT_NONE, consumer, context);
}

void
tv_isolation_run_touching(TvPlan *plan, List *inputs, Oid view, TvRowConsumer consumer,
						  void *context)
{
	run(plan, inputs, view, WEIGHT_TOUCHES, consumer, context);
}

bool
tv_isolation_sees_newest(Relation rel)
{
	Snapshot	newest;
	TableScanDesc scan;
	TupleTableSlot *slot;
	int64		difference = 0;
	bool		same = true;

	if (!IsolationUsesXactSnapshot())
		return true;
	slot = table_slot_create(rel, NULL);
	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	scan = table_beginscan(rel, GetActiveSnapshot(), 0, NULL);
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		difference--;
	}
	table_endscan(scan);
	newest = RegisterSnapshot(GetLatestSnapshot());
	scan = table_beginscan(rel, newest, 0, NULL);
	while (same && table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		same = table_tuple_satisfies_snapshot(rel, slot, GetActiveSnapshot());
		difference++;
	}
	table_endscan(scan);
	UnregisterSnapshot(newest);
	PopActiveSnapshot();
	ExecDropSingleTupleTableSlot(slot);
	return same && difference == 0;
}

void
tv_isolation_fail(const char *view)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not serialize access due to concurrent update"),
			 errdetail("Maintained view \"%s\" depends on rows that were changed by transactions this one cannot see.",
					   view),
			 errhint("Retry the transaction.")));
}

void
tv_isolation_fail_row(const char *view)
{
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not serialize access due to concurrent update"),
			 errdetail("A row of maintained view \"%s\" was changed by a transaction that this one cannot see.",
					   view),
			 errhint("Retry the transaction.")));
}
