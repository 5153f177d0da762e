/*-------------------------------------------------------------------------
 *
 * executor/row_set.c
 *	  A set of rows, told apart by their image, with what is known of each.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "catalog/row_hash.h"
#include "executor/row_set.h"
#include "executor/row_table.h"
#include "tv_compat.h"

#define TV_FIRST_BUCKETS 64

static void
make_buckets(TvRowSet *set, uint64 n)
{
	set->nbuckets = n;
	set->buckets = MemoryContextAllocExtended(set->cxt, sizeof(TvSetRow *) * n,
											  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
}

TvRowSet *
tv_row_set_make(TupleDesc desc, MemoryContext cxt)
{
	MemoryContext own = AllocSetContextCreate(cxt, "pg_tviews row set", ALLOCSET_DEFAULT_SIZES);
	MemoryContext oldcxt = MemoryContextSwitchTo(own);
	TvRowSet   *set = palloc0(sizeof(TvRowSet));

	set->cxt = own;
	set->desc = desc;
	set->values = palloc(sizeof(Datum) * (desc->natts + 1));
	set->nulls = palloc(sizeof(bool) * (desc->natts + 1));
	make_buckets(set, TV_FIRST_BUCKETS);
	MemoryContextSwitchTo(oldcxt);
	return set;
}

static void
link_row(TvRowSet *set, TvSetRow *row)
{
	TvSetRow  **bucket = &set->buckets[row->hash & (set->nbuckets - 1)];

	row->chain = *bucket;
	*bucket = row;
}

static void
grow(TvRowSet *set)
{
	pfree(set->buckets);
	make_buckets(set, set->nbuckets * 4);
	for (TvSetRow *row = set->first; row; row = row->next)
		link_row(set, row);
}

TvSetRow *
tv_row_set_find(TvRowSet *set, const Datum *values, const bool *nulls, bool add, bool *found)
{
	uint32		hash = tv_row_hash(set->desc, values, nulls);
	TvSetRow   *row;
	MemoryContext oldcxt;

	for (row = set->buckets[hash & (set->nbuckets - 1)]; row; row = row->chain)
	{
		if (row->hash != hash)
			continue;
		tv_row_set_deform(set, row, set->values, set->nulls);
		if (tv_rows_image_equal(set->desc, values, nulls, set->values, set->nulls))
			break;
	}
	if (found)
		*found = row != NULL;
	if (row || !add)
		return row;

	oldcxt = MemoryContextSwitchTo(set->cxt);
	row = palloc0(sizeof(TvSetRow));
	row->hash = hash;
	row->tuple = tv_form_minimal_tuple(set->desc, unconstify(Datum *, values),
									   unconstify(bool *, nulls));
	MemoryContextSwitchTo(oldcxt);
	if (set->last)
		set->last->next = row;
	else
		set->first = row;
	set->last = row;
	if (++set->nrows > set->nbuckets)
		grow(set);				/* links this one, too */
	else
		link_row(set, row);
	return row;
}

void
tv_row_set_deform(const TvRowSet *set, const TvSetRow *row, Datum *values, bool *nulls)
{
	tv_minimal_deform(row->tuple, set->desc, values, nulls);
}
