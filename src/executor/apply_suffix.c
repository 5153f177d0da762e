/*-------------------------------------------------------------------------
 *
 * executor/apply_suffix.c
 *	  Recompute touched partitions from their first changed row on.
 *
 *		output delta = - stored rows of the partition within its limits
 *					   + the same, computed from the input and stored rows before
 *
 * The limits are the first changed value of the ordering column and the end, or,
 * where windows look at rows beside, those found by a plan (derive_reach.c).
 *
 * Small partitions are computed as a whole, and so are all if there are many, or
 * if a key or a limit is null.  At REPEATABLE READ and above, too: that all stored
 * rows are as the transaction sees them is found out by reading them all.
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
	TupleDesc	desc = tv_derive_suffix_desc(node, 1);
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

/*
 * Of rows first .. last - 1, the keys, the first value of the ordering column and
 * the last one.
 */
static void
changed_values(const TvNode *node, TvRowTable *delta, int64 first, int64 last, Datum *values,
			   bool *nulls)
{
	SortGroupClause *clause = linitial_node(SortGroupClause, node->suffix->order);
	int			natts = delta->desc->natts;
	Datum	   *next = palloc(sizeof(Datum) * natts);
	bool	   *next_nulls = palloc(sizeof(bool) * natts);
	SortSupportData sort = {0};
	int			low = natts - 1;
	int			high = natts;

	sort.ssup_cxt = CurrentMemoryContext;
	sort.ssup_collation = TupleDescAttr(delta->desc, low)->attcollation;
	sort.ssup_nulls_first = clause->nulls_first;
	PrepareSortSupportFromOrderingOp(clause->sortop, &sort);
	tv_rows_deform(delta, &delta->rows[first], values, nulls);
	values[high] = values[low];
	nulls[high] = nulls[low];
	for (int64 i = first + 1; i < last; i++)
	{
		int			at = low;

		CHECK_FOR_INTERRUPTS();
		tv_rows_deform(delta, &delta->rows[i], next, next_nulls);
		if (ApplySortComparator(next[low], next_nulls[low], values[low], nulls[low], &sort) >= 0)
		{
			at = high;
			if (ApplySortComparator(next[low], next_nulls[low], values[high], nulls[high], &sort) <= 0)
				continue;
		}
		values[at] = next[low];
		nulls[at] = next_nulls[low];
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

/* A TvRowConsumer: keys and limits. */
static void
take_limits(TupleTableSlot *slot, void *context)
{
	CHECK_FOR_INTERRUPTS();
	slot_getallattrs(slot);
	(void) tv_rows_add((TvRowTable *) context, slot->tts_values, slot->tts_isnull, 1);
}

/*
 * From the changed values to the limits; partitions that have none are computed as
 * a whole.
 */
static TvRowStore *
find_limits(TvPartitionPass *p, TvRowStore *changes)
{
	TvNodeFlush *flush = p->flush;
	int			nlimits = flush->node->suffix->nlimits;
	TupleDesc	desc = tv_derive_suffix_desc(flush->node, nlimits);
	TvRowTable *limits = tv_rows_make(desc, false, 0, NULL, flush->cxt);
	TvRowStore *store = tv_row_store_make(CurrentResourceOwner);
	Datum	   *values = palloc(sizeof(Datum) * desc->natts);
	bool	   *nulls = palloc(sizeof(bool) * desc->natts);

	tv_isolation_run(tv_plan_get(flush->view, flush->node, TV_PLAN_SUFFIX_LIMITS, NULL, changes->nrows, NULL),
					 tv_run_add_input(NIL, TV_KEYS_NAME, tv_derive_suffix_desc(flush->node, 2), changes),
					 flush->view->relid, false, take_limits, limits);
	for (int64 i = 0; i < limits->nrows; i++)
	{
		tv_rows_deform(limits, &limits->rows[i], values, nulls);
		if (any_null(nulls, desc->natts))
		{
			TvGroup    *group = tv_groups_find(p->touched, values, nulls, false);

			group->rescan = tv_partitions_read(p, group->keys, group->nulls, -1);
			continue;
		}
		tv_row_store_put(store, desc, values, nulls);
	}
	return store;
}

/* changes: keys, the first and the last changed value. */
static void
run_suffixes(TvPartitionPass *p, TvRowStore *changes)
{
	TvView	   *view = p->flush->view;
	TvNode	   *node = p->flush->node;
	TvRowStore *store = changes;
	List	   *inputs;

	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	if (node->suffix->nlimits > 1)
		store = find_limits(p, changes);
	inputs = tv_run_add_input(NIL, TV_KEYS_NAME, tv_derive_suffix_desc(node, node->suffix->nlimits),
							  store);
	if (store->nrows > 0)
	{
		tv_isolation_run(tv_plan_get(view, node, TV_PLAN_SUFFIX_STORED, NULL, store->nrows, NULL),
						 inputs, view->relid, false, take_stored, p);
		tv_isolation_run(tv_plan_get(view, node, TV_PLAN_SUFFIX, NULL, store->nrows, NULL),
						 inputs, view->relid, false, tv_partitions_take, p);
	}
	PopActiveSnapshot();
	p->flush->activity->rescans += store->nrows;
	if (store != changes)
		tv_row_store_end(store);
}

void
tv_apply_suffixes(TvNodeFlush *flush, TvRowTable *delta, TvGroupTable *touched)
{
	TvNode	   *node = flush->node;
	TvPartitionPass *p = tv_partitions_begin(flush, touched);
	TvRowStore *store = tv_row_store_make(CurrentResourceOwner);
	TupleDesc	desc = tv_derive_suffix_desc(node, node->suffix->nlimits > 1 ? 2 : 1);
	int			natts = delta->desc->natts + 1;
	Datum	   *values = palloc(sizeof(Datum) * natts);
	bool	   *nulls = palloc(sizeof(bool) * natts);
	bool		whole = IsolationUsesXactSnapshot() || touched->ngroups > TV_MANY_PARTITIONS;

	for (int64 first = 0, last; first < delta->nrows; first = last)
	{
		int64		before = p->rows->nrows;
		TvGroup    *group;

		CHECK_FOR_INTERRUPTS();
		last = tv_rows_key_end(delta, first);
		changed_values(node, delta, first, last, values, nulls);
		group = tv_groups_find(touched, values, nulls, false);
		if (tv_partitions_read(p, group->keys, group->nulls,
							   whole || any_null(nulls, desc->natts) ? -1 : tv_small_partition))
		{
			group->rescan = true;
			continue;
		}
		group->rescan = false;
		p->rows->nrows = before;
		tv_row_store_put(store, desc, values, nulls);
	}
	if (store->nrows > 0)
		run_suffixes(p, store);
	tv_row_store_end(store);
	tv_partitions_write(p);
}
