/*-------------------------------------------------------------------------
 *
 * executor/apply_suffix.c
 *	  Recompute touched partitions from their first changed row on.
 *
 *		output delta = - stored rows of the partition within its limits
 *					   + the same, computed from the input and stored rows before
 *
 * A plan finds the limits, from the changed values of the ordering column
 * (derive_reach.c).  If results depend on rows within reach alone, there are some
 * for each changed value.  Such are made one that overlap: then no row between
 * START and FROM, or UNTIL and END, has changed, and the rows that are stored there
 * are those of the input.
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

/* If a partition has more changed values, all from the first to the last are one. */
#define TV_MANY_VALUES 64

/* A value of the first ordering column. */
typedef struct Value
{
	Datum		value;
	bool		null;
} Value;

typedef struct SuffixPass
{
	TvPartitionPass *partitions;
	TvNode	   *node;
	SortSupportData sort;		/* of the first ordering column */
	TupleDesc	changes_desc;	/* keys, the first and the last changed value */
	TvRowStore *changes;
	TupleDesc	limits_desc;
	TvRowStore *limits;
} SuffixPass;

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

static void
begin_pass(SuffixPass *s, TvNodeFlush *flush, TvRowTable *delta, TvGroupTable *touched)
{
	SortGroupClause *clause = linitial_node(SortGroupClause, flush->node->suffix->order);

	memset(s, 0, sizeof(*s));
	s->partitions = tv_partitions_begin(flush, touched);
	s->node = flush->node;
	s->sort.ssup_cxt = CurrentMemoryContext;
	s->sort.ssup_collation = TupleDescAttr(delta->desc, delta->desc->natts - 1)->attcollation;
	s->sort.ssup_nulls_first = clause->nulls_first;
	PrepareSortSupportFromOrderingOp(clause->sortop, &s->sort);
	s->changes_desc = tv_derive_suffix_desc(s->node, 2);
	s->changes = tv_row_store_make(CurrentResourceOwner);
	s->limits_desc = tv_derive_suffix_desc(s->node, TV_NLIMITS);
	s->limits = tv_row_store_make(CurrentResourceOwner);
}

static int
compare_values(const void *pa, const void *pb, void *sort)
{
	const Value *a = pa;
	const Value *b = pb;

	return ApplySortComparator(a->value, a->null, b->value, b->null, (SortSupport) sort);
}

/* The different values of the ordering column in rows first .. last - 1, in order. */
static int64
changed_values(SuffixPass *s, TvRowTable *delta, int64 first, int64 last, Value *found)
{
	int			natts = delta->desc->natts;
	Datum	   *values = palloc(sizeof(Datum) * natts);
	bool	   *nulls = palloc(sizeof(bool) * natts);
	int64		n = 0;

	for (int64 i = first; i < last; i++)
	{
		CHECK_FOR_INTERRUPTS();
		tv_rows_deform(delta, &delta->rows[i], values, nulls);
		found[i - first].value = values[natts - 1];
		found[i - first].null = nulls[natts - 1];
	}
	qsort_arg(found, last - first, sizeof(Value), compare_values, &s->sort);
	for (int64 i = 0; i < last - first; i++)
		if (n == 0 || compare_values(&found[i], &found[n - 1], &s->sort) != 0)
			found[n++] = found[i];
	return n;
}

static bool
any_null(const bool *nulls, int n)
{
	for (int i = 0; i < n; i++)
		if (nulls[i])
			return true;
	return false;
}

static void
put_change(SuffixPass *s, Datum *values, bool *nulls, const Value *from, const Value *to)
{
	int			nkeys = s->node->nkeys;

	values[nkeys] = from->value;
	nulls[nkeys] = from->null;
	values[nkeys + 1] = to->value;
	nulls[nkeys + 1] = to->null;
	tv_row_store_put(s->changes, s->changes_desc, values, nulls);
}

/*
 * Take in the changes of the partition that rows first .. last - 1 are about; it
 * is not small.  False if it has to be computed as a whole.
 */
static bool
take_changes(SuffixPass *s, TvRowTable *delta, int64 first, int64 last)
{
	int			natts = s->node->nkeys + 2;
	Datum	   *values = palloc(sizeof(Datum) * natts);
	bool	   *nulls = palloc(sizeof(bool) * natts);
	Value	   *found = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(Value) * (last - first));
	int64		n = changed_values(s, delta, first, last, found);

	tv_rows_deform(delta, &delta->rows[first], values, nulls);
	/* what changed behind all values counts anyway */
	if (!s->node->suffix->bounded && n > 1 && found[n - 1].null)
		n--;
	if (any_null(nulls, s->node->nkeys) || found[0].null || found[n - 1].null)
		return false;
	if (!s->node->suffix->bounded || n > TV_MANY_VALUES)
		put_change(s, values, nulls, &found[0], &found[n - 1]);
	else
		for (int64 i = 0; i < n; i++)
			put_change(s, values, nulls, &found[i], &found[i]);
	pfree(found);
	return true;
}

/* A TvRowConsumer: a stored row, and its tid. */
static void
take_stored(TupleTableSlot *slot, void *context)
{
	TvPartitionPass *p = context;
	int			natts = p->rows->desc->natts;

	CHECK_FOR_INTERRUPTS();
	slot_getallattrs(slot);
	tv_rows_add_stored(p->rows, slot->tts_values, slot->tts_isnull, -1,
					   (ItemPointer) DatumGetPointer(slot->tts_values[natts]));
}

/* A TvRowConsumer: keys and limits. */
static void
take_limits(TupleTableSlot *slot, void *context)
{
	CHECK_FOR_INTERRUPTS();
	slot_getallattrs(slot);
	(void) tv_rows_add((TvRowTable *) context, slot->tts_values, slot->tts_isnull, 1);
}

static int
compare_limits(SuffixPass *s, const Datum *a, TvSuffixLimit limit_a, const Datum *b,
			   TvSuffixLimit limit_b)
{
	int			before = s->node->nkeys - 1;

	return ApplySortComparator(a[before + limit_a], false, b[before + limit_b], false, &s->sort);
}

static int
compare_starts(const void *a, const void *b, void *s)
{
	return compare_limits(s, *(Datum *const *) a, TV_LIMIT_START, *(Datum *const *) b, TV_LIMIT_START);
}

/* From FROM to UNTIL, over START to END, of both; a starts first. */
static void
widen(SuffixPass *s, Datum *a, const Datum *b)
{
	int			before = s->node->nkeys - 1;

	if (compare_limits(s, b, TV_LIMIT_FROM, a, TV_LIMIT_FROM) < 0)
		a[before + TV_LIMIT_FROM] = b[before + TV_LIMIT_FROM];
	for (int limit = TV_LIMIT_UNTIL; limit <= TV_LIMIT_END; limit++)
		if (compare_limits(s, b, limit, a, limit) > 0)
			a[before + limit] = b[before + limit];
}

/* Put limits of one partition, made one where they overlap; none is null. */
static void
put_limits(SuffixPass *s, Datum **limits, int64 n)
{
	bool	   *nulls = palloc0(sizeof(bool) * s->limits_desc->natts);
	int64		last = 0;

	qsort_arg(limits, n, sizeof(Datum *), compare_starts, s);
	for (int64 i = 1; i < n; i++)
	{
		if (compare_limits(s, limits[i], TV_LIMIT_START, limits[last], TV_LIMIT_END) <= 0)
			widen(s, limits[last], limits[i]);
		else
			limits[++last] = limits[i];
	}
	for (int64 i = 0; i <= last; i++)
		tv_row_store_put(s->limits, s->limits_desc, limits[i], nulls);
}

/* The limits of one partition; null: among the nulls, so that it is computed as a whole. */
static void
take_partition(SuffixPass *s, TvRowTable *table, int64 first, int64 last)
{
	TvPartitionPass *p = s->partitions;
	int			natts = s->limits_desc->natts;
	Datum	  **limits = palloc(sizeof(Datum *) * (last - first));
	bool	   *nulls = palloc(sizeof(bool) * natts);
	TvGroup    *group;

	for (int64 i = first; i < last; i++)
	{
		limits[i - first] = palloc(sizeof(Datum) * natts);
		tv_rows_deform(table, &table->rows[i], limits[i - first], nulls);
		if (!any_null(nulls, natts))
			continue;
		group = tv_groups_find(p->touched, limits[i - first], nulls, false);
		group->rescan = tv_partitions_read(p, group->keys, group->nulls, -1);
		return;
	}
	put_limits(s, limits, last - first);
}

/* From the changes to the limits. */
static void
find_limits(SuffixPass *s)
{
	TvNodeFlush *flush = s->partitions->flush;
	int			nkeys = s->node->nkeys;
	AttrNumber *keys = palloc(sizeof(AttrNumber) * (nkeys + 1));
	TvRowTable *table;

	for (int i = 0; i < nkeys; i++)
		keys[i] = i + 1;
	table = tv_rows_make(s->limits_desc, false, nkeys, keys, flush->cxt);
	tv_isolation_run(tv_plan_get(flush->view, s->node, TV_PLAN_SUFFIX_LIMITS, NULL,
								 s->changes->nrows, NULL),
					 tv_run_add_input(NIL, TV_KEYS_NAME, s->changes_desc, s->changes),
					 flush->view->relid, false, take_limits, table);
	tv_rows_sort(table);
	for (int64 first = 0, last; first < table->nrows; first = last)
	{
		last = tv_rows_key_end(table, first);
		take_partition(s, table, first, last);
	}
}

static void
run_suffixes(SuffixPass *s)
{
	TvPartitionPass *p = s->partitions;
	TvView	   *view = p->flush->view;
	int64		n;
	List	   *inputs;

	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	find_limits(s);
	n = s->limits->nrows;
	inputs = tv_run_add_input(NIL, TV_KEYS_NAME, s->limits_desc, s->limits);
	if (n > 0)
	{
		tv_isolation_run(tv_plan_get(view, s->node, TV_PLAN_SUFFIX_STORED, NULL, n, NULL),
						 inputs, view->relid, false, take_stored, p);
		tv_isolation_run(tv_plan_get(view, s->node, TV_PLAN_SUFFIX, NULL, n, NULL),
						 inputs, view->relid, false, tv_partitions_take, p);
	}
	PopActiveSnapshot();
	p->flush->activity->rescans += n;
}

void
tv_apply_suffixes(TvNodeFlush *flush, TvRowTable *delta, TvGroupTable *touched)
{
	SuffixPass	pass;
	SuffixPass *s = &pass;
	TvPartitionPass *p;
	Datum	   *keys = palloc(sizeof(Datum) * delta->desc->natts);
	bool	   *nulls = palloc(sizeof(bool) * delta->desc->natts);
	bool		whole = IsolationUsesXactSnapshot() || touched->ngroups > TV_MANY_PARTITIONS;

	begin_pass(s, flush, delta, touched);
	p = s->partitions;
	if (whole)
		tv_partitions_let_spill(p);
	for (int64 first = 0, last; first < delta->nrows; first = last)
	{
		int64		before = p->rows->nrows;
		TvGroup    *group;

		CHECK_FOR_INTERRUPTS();
		last = tv_rows_key_end(delta, first);
		tv_rows_deform(delta, &delta->rows[first], keys, nulls);
		group = tv_groups_find(touched, keys, nulls, false);
		group->rescan = tv_partitions_read(p, group->keys, group->nulls,
										   whole ? -1 : tv_small_partition);
		if (group->rescan)
			continue;
		p->rows->nrows = before;
		if (!take_changes(s, delta, first, last))
			group->rescan = tv_partitions_read(p, group->keys, group->nulls, -1);
	}
	/* no row is taken back any more */
	tv_partitions_let_spill(p);
	if (s->changes->nrows > 0)
		run_suffixes(s);
	tv_row_store_end(s->changes);
	tv_row_store_end(s->limits);
	tv_partitions_write(p);
}
