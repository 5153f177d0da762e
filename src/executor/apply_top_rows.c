/*-------------------------------------------------------------------------
 *
 * executor/apply_top_rows.c
 *	  Follow the first rows of partitions: DISTINCT ON and LIMIT.
 *
 * All rows of a partition stand in one order, which tells all that differ apart.
 * The stored rows S are full if there are as many as LIMIT allows.  Of the delta D
 * of a partition's input:
 *
 *		S full, all of D after the last of S		nothing changes
 *		nothing of D leaves up to the last of S,	the first of S + D
 *		or S not full and nothing leaves; no OFFSET
 *		otherwise									the partition is read again
 *
 * At REPEATABLE READ and above it is always read again, for only a plan can be run
 * under both snapshots.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/sortsupport.h"

#include "executor/apply_partition.h"

/* The order of a node's rows; lives with its runtime. */
typedef struct TvTopRuntime
{
	int			ncolumns;
	AttrNumber *columns;
	SortSupportData *sort;
	bool		tiebreak;
	TupleDesc	desc;			/* blessed */
	FmgrInfo	image_cmp;
} TvTopRuntime;

typedef struct TopRow
{
	Datum	   *values;
	bool	   *nulls;
	Datum		image;			/* the row as a record, made when needed */
} TopRow;

typedef struct TopPass
{
	TvPartitionPass *partitions;
	TvRowTable *delta;
	TvTopRuntime *order;
	int64		count;			/* -1: not known, or all */
	bool		with_ties;
	bool		offset;
	MemoryContext cxt;			/* of one partition */
} TopPass;

/* What becomes of a partition's stored rows. */
typedef enum TopVerdict
{
	TOP_STAYS,
	TOP_MERGES,
	TOP_IS_READ
} TopVerdict;

static TvTopRuntime *get_order(TvNodeRuntime *rt);
static void take_partition(TopPass *p, int64 first, int64 last);
static TopVerdict judge(TopPass *p, TopRow *stored, int64 nstored, TopRow *delta,
						const int64 *weights, int64 ndelta);
static void merge_rows(TopPass *p, const TopRow *stored, int64 nstored, const TopRow *delta,
					   const int64 *weights, int64 ndelta);

/* By partition: the keys are the first columns. */
TvRowTable *
tv_top_rows_delta(TvNodeFlush *flush)
{
	TvNode	   *node = flush->node;
	AttrNumber *keys = palloc(sizeof(AttrNumber) * (node->nkeys + 1));

	for (int i = 0; i < node->nkeys; i++)
		keys[i] = i + 1;
	return tv_rows_make(node->in_desc, false, node->nkeys, keys, flush->cxt);
}

void
tv_apply_top_rows(TvNodeFlush *flush, TvRowTable *delta)
{
	TvNode	   *node = flush->node;
	Const	   *count = (Const *) node->top_rows->count;
	TopPass		pass = {0};
	TopPass    *p = &pass;
	MemoryContext oldcxt;

	p->partitions = tv_partitions_begin(flush, tv_groups_make(flush->rt, flush->cxt));
	p->delta = delta;
	p->order = get_order(flush->rt);
	p->count = count && IsA(count, Const) ? DatumGetInt64(count->constvalue) : -1;
	p->with_ties = node->top_rows->with_ties;
	p->offset = node->top_rows->offset != NULL;
	p->cxt = AllocSetContextCreate(flush->cxt, "pg_tviews first rows", ALLOCSET_DEFAULT_SIZES);

	tv_rows_sort(delta);
	for (int64 first = 0, last; first < delta->nrows; first = last)
	{
		CHECK_FOR_INTERRUPTS();
		last = tv_rows_net_key(delta, first);
		oldcxt = MemoryContextSwitchTo(p->cxt);
		take_partition(p, first, last);
		MemoryContextSwitchTo(oldcxt);
		MemoryContextReset(p->cxt);
	}
	tv_partitions_write(p->partitions);
}

static TvTopRuntime *
get_order(TvNodeRuntime *rt)
{
	TvTopRows  *rows = rt->node->top_rows;
	TvTopRuntime *order = rt->top_rows;
	MemoryContext oldcxt;
	ListCell   *lc;

	if (order)
		return order;
	oldcxt = MemoryContextSwitchTo(rt->view->cxt);
	order = palloc0(sizeof(TvTopRuntime));
	order->columns = palloc(sizeof(AttrNumber) * (list_length(rows->order) + 1));
	order->sort = palloc0(sizeof(SortSupportData) * (list_length(rows->order) + 1));
	foreach(lc, rows->order)
	{
		SortGroupClause *clause = lfirst_node(SortGroupClause, lc);
		SortSupport sort = &order->sort[order->ncolumns];

		order->columns[order->ncolumns++] = clause->tleSortGroupRef;
		sort->ssup_cxt = rt->view->cxt;
		sort->ssup_collation = TupleDescAttr(rt->node->in_desc, clause->tleSortGroupRef - 1)->attcollation;
		sort->ssup_nulls_first = clause->nulls_first;
		PrepareSortSupportFromOrderingOp(clause->sortop, sort);
	}
	order->tiebreak = rows->tiebreak;
	order->desc = BlessTupleDesc(CreateTupleDescCopy(rt->node->in_desc));
	fmgr_info(F_BTRECORDIMAGECMP, &order->image_cmp);
	MemoryContextSwitchTo(oldcxt);
	rt->top_rows = order;
	return order;
}

static Datum
image_of(TvTopRuntime *order, TopRow *row)
{
	if (row->image == (Datum) 0)
		row->image = heap_copy_tuple_as_datum(heap_form_tuple(order->desc, row->values,
															  row->nulls), order->desc);
	return row->image;
}

static int
compare_order(TvTopRuntime *order, const TopRow *a, const TopRow *b)
{
	for (int i = 0; i < order->ncolumns; i++)
	{
		int			col = order->columns[i] - 1;
		int			c = ApplySortComparator(a->values[col], a->nulls[col],
											b->values[col], b->nulls[col], &order->sort[i]);

		if (c != 0)
			return c;
	}
	return 0;
}

/* The order that derived queries have, too; see derive_partition.c. */
static int
compare_rows(const void *pa, const void *pb, void *arg)
{
	TvTopRuntime *order = arg;
	TopRow	   *a = unconstify(TopRow *, (const TopRow *) pa);
	TopRow	   *b = unconstify(TopRow *, (const TopRow *) pb);
	int			c = compare_order(order, a, b);

	if (c == 0 && order->tiebreak)
		c = DatumGetInt32(FunctionCall2(&order->image_cmp, image_of(order, a), image_of(order, b)));
	return c;
}

static void *
alloc_array(Size size, int64 n)
{
	return MemoryContextAllocExtended(CurrentMemoryContext, size * (n + 1),
									  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

/* Take rows first .. last - 1 apart, but those of weight 0. */
static TopRow *
deform_rows(TvRowTable *table, int64 first, int64 last, int64 **weights, int64 *n)
{
	int			natts = table->desc->natts + 1;
	TopRow	   *rows = alloc_array(sizeof(TopRow), last - first);

	*n = 0;
	*weights = alloc_array(sizeof(int64), last - first);
	for (int64 i = first; i < last; i++)
	{
		TopRow	   *row = &rows[*n];

		CHECK_FOR_INTERRUPTS();
		if (table->rows[i].weight == 0)
			continue;
		row->values = palloc(sizeof(Datum) * natts);
		row->nulls = palloc(sizeof(bool) * natts);
		tv_rows_deform(table, &table->rows[i], row->values, row->nulls);
		(*weights)[(*n)++] = table->rows[i].weight;
	}
	return rows;
}

/* The delta rows first .. last - 1 are of one partition. */
static void
take_partition(TopPass *p, int64 first, int64 last)
{
	TvRowTable *rows = p->partitions->rows;
	int64		before = rows->nrows;
	int64		ndelta;
	int64		nstored;
	int64	   *weights;
	int64	   *ignored;
	TopRow	   *delta = deform_rows(p->delta, first, last, &weights, &ndelta);
	TopRow	   *stored;
	TvGroup    *group;

	if (ndelta == 0)
		return;
	/* the keys are the first columns */
	group = tv_groups_find(p->partitions->touched, delta[0].values, delta[0].nulls, true);
	(void) tv_partitions_read(p->partitions, delta[0].values, delta[0].nulls, -1);
	stored = deform_rows(rows, before, rows->nrows, &ignored, &nstored);
	switch (judge(p, stored, nstored, delta, weights, ndelta))
	{
		case TOP_STAYS:
			rows->nrows = before;
			break;
		case TOP_MERGES:
			merge_rows(p, stored, nstored, delta, weights, ndelta);
			break;
		case TOP_IS_READ:
			group->rescan = true;
			break;
	}
}

static TopVerdict
judge(TopPass *p, TopRow *stored, int64 nstored, TopRow *delta, const int64 *weights,
	  int64 ndelta)
{
	bool		full = nstored >= p->count;
	bool		comes = false;
	bool		leaves = false;
	TopRow	   *last = NULL;

	if (IsolationUsesXactSnapshot() || p->count < 0)
		return TOP_IS_READ;
	if (p->count == 0)
		return TOP_STAYS;
	for (int64 i = 0; i < nstored && full; i++)
		if (last == NULL || compare_rows(&stored[i], last, p->order) > 0)
			last = &stored[i];
	for (int64 i = 0; i < ndelta; i++)
	{
		if (last && (p->with_ties ? compare_order(p->order, &delta[i], last) :
					 compare_rows(&delta[i], last, p->order)) > 0)
			continue;
		comes |= weights[i] > 0;
		leaves |= weights[i] < 0;
	}
	if (!comes && !leaves)
		return TOP_STAYS;
	return leaves || p->offset ? TOP_IS_READ : TOP_MERGES;
}

/* The first of what is stored and what came are the new rows. */
static void
merge_rows(TopPass *p, const TopRow *stored, int64 nstored, const TopRow *delta,
		   const int64 *weights, int64 ndelta)
{
	int64		n = nstored;
	int64		taken;
	TopRow	   *rows;

	for (int64 i = 0; i < ndelta; i++)
		n += Max(weights[i], 0);
	rows = alloc_array(sizeof(TopRow), n);
	memcpy(rows, stored, sizeof(TopRow) * nstored);
	n = nstored;
	for (int64 i = 0; i < ndelta; i++)
		for (int64 copy = 0; copy < weights[i]; copy++)
			rows[n++] = delta[i];
	qsort_arg(rows, n, sizeof(TopRow), compare_rows, p->order);

	taken = Min(n, p->count);
	while (p->with_ties && taken < n &&
		   compare_order(p->order, &rows[taken - 1], &rows[taken]) == 0)
		taken++;
	for (int64 i = 0; i < taken; i++)
		(void) tv_rows_add(p->partitions->rows, rows[i].values, rows[i].nulls, 1);
}
