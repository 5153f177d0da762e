/*-------------------------------------------------------------------------
 *
 * executor/apply_suffix.c
 *	  Recompute touched partitions from their first changed row on.
 *
 *		output delta = - stored rows of the partition from the first change on
 *					   + the same, computed from the input and the row before
 *
 * Small partitions are computed as a whole, and so are all if there are many, or
 * if a key or the value to begin at is null.  At REPEATABLE READ and above, too:
 * that all stored rows are as the transaction sees them is found out by reading
 * them all.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"
#include "utils/sortsupport.h"

#include "config.h"
#include "executor/apply_partition.h"
#include "executor/isolation.h"

/* If there are more, partitions are computed as a whole. */
#define TV_MANY_PARTITIONS 64

TvRowTable *
tv_suffix_delta(TvNodeFlush *flush)
{
	TvNode	   *node = flush->node;
	TupleDesc	desc = tv_derive_suffix_keys(node);
	AttrNumber *keys = palloc(sizeof(AttrNumber) * (node->nkeys + 1));

	for (int i = 0; i < node->nkeys; i++)
		keys[i] = i + 1;
	return tv_rows_make(desc, false, node->nkeys, keys, flush->cxt);
}

void
tv_suffix_touched(TvRowTable *delta, TvGroupTable *touched)
{
	int			natts = delta->desc->natts;
	Datum	   *values = palloc(sizeof(Datum) * natts);
	bool	   *nulls = palloc(sizeof(bool) * natts);

	tv_rows_sort(delta);
	for (int64 first = 0; first < delta->nrows; first = tv_rows_key_end(delta, first))
	{
		CHECK_FOR_INTERRUPTS();
		tv_rows_deform(delta, &delta->rows[first], values, nulls);
		(void) tv_groups_find(touched, values, nulls, true);
	}
}

/* The first of the values of the ordering column in rows first .. last - 1, with the keys. */
static void
first_value(const TvNode *node, TvRowTable *delta, int64 first, int64 last, Datum *values,
			bool *nulls)
{
	SortGroupClause *clause = linitial_node(SortGroupClause, node->suffix->order);
	int			natts = delta->desc->natts;
	Datum	   *next = palloc(sizeof(Datum) * natts);
	bool	   *next_nulls = palloc(sizeof(bool) * natts);
	SortSupportData sort = {0};
	int			col = natts - 1;

	sort.ssup_cxt = CurrentMemoryContext;
	sort.ssup_collation = TupleDescAttr(delta->desc, col)->attcollation;
	sort.ssup_nulls_first = clause->nulls_first;
	PrepareSortSupportFromOrderingOp(clause->sortop, &sort);
	tv_rows_deform(delta, &delta->rows[first], values, nulls);
	for (int64 i = first + 1; i < last; i++)
	{
		CHECK_FOR_INTERRUPTS();
		tv_rows_deform(delta, &delta->rows[i], next, next_nulls);
		if (ApplySortComparator(next[col], next_nulls[col], values[col], nulls[col], &sort) < 0)
		{
			memcpy(values, next, sizeof(Datum) * natts);
			memcpy(nulls, next_nulls, sizeof(bool) * natts);
		}
	}
}

static bool
any_null(const bool *nulls, int n)
{
	for (int i = 0; i < n; i++)
		if (nulls[i])
			return true;
	return false;
}

/* A TvRowConsumer: a stored row, and its tid. */
static void
take_stored(TupleTableSlot *slot, void *context)
{
	TvPartitionPass *p = context;
	int			natts = p->rows->desc->natts;

	CHECK_FOR_INTERRUPTS();
	slot_getallattrs(slot);
	tv_rows_add(p->rows, slot->tts_values, slot->tts_isnull, -1)->tid =
		*(ItemPointer) DatumGetPointer(slot->tts_values[natts]);
}

/* A TvRowConsumer: a computed row. */
static void
take_computed(TupleTableSlot *slot, void *context)
{
	TvPartitionPass *p = context;

	CHECK_FOR_INTERRUPTS();
	slot_getallattrs(slot);
	(void) tv_rows_add(p->rows, slot->tts_values, slot->tts_isnull, 1);
}

static void
run_suffixes(TvPartitionPass *p, TupleDesc desc, TvRowStore *store)
{
	TvView	   *view = p->flush->view;
	List	   *inputs = tv_run_add_input(NIL, TV_KEYS_NAME, desc, store);

	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	tv_isolation_run(tv_plan_get(view, p->flush->node, TV_PLAN_SUFFIX_STORED, NULL, store->nrows, NULL),
					 inputs, view->relid, false, take_stored, p);
	tv_isolation_run(tv_plan_get(view, p->flush->node, TV_PLAN_SUFFIX, NULL, store->nrows, NULL),
					 inputs, view->relid, false, take_computed, p);
	PopActiveSnapshot();
	p->flush->activity->rescans += store->nrows;
}

void
tv_apply_suffixes(TvNodeFlush *flush, TvRowTable *delta, TvGroupTable *touched)
{
	TvNode	   *node = flush->node;
	TvPartitionPass *p = tv_partitions_begin(flush, touched);
	TvRowStore *store = tv_row_store_make(CurrentResourceOwner);
	int			natts = delta->desc->natts;
	Datum	   *values = palloc(sizeof(Datum) * natts);
	bool	   *nulls = palloc(sizeof(bool) * natts);
	bool		whole = IsolationUsesXactSnapshot() || touched->ngroups > TV_MANY_PARTITIONS;

	for (int64 first = 0, last; first < delta->nrows; first = last)
	{
		int64		before = p->rows->nrows;
		TvGroup    *group;

		CHECK_FOR_INTERRUPTS();
		last = tv_rows_key_end(delta, first);
		first_value(node, delta, first, last, values, nulls);
		group = tv_groups_find(touched, values, nulls, false);
		if (tv_partitions_read(p, group->keys, group->nulls,
							   whole || any_null(nulls, natts) ? -1 : tv_small_partition))
		{
			group->rescan = true;
			continue;
		}
		group->rescan = false;
		p->rows->nrows = before;
		tv_row_store_put(store, delta->desc, values, nulls);
	}
	if (store->nrows > 0)
		run_suffixes(p, delta->desc, store);
	tv_row_store_end(store);
	tv_partitions_write(p);
}
