/*-------------------------------------------------------------------------
 *
 * executor/row_table.c
 *	  Collect signed rows and net them by image, in the order of a key.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#include "catalog/row_hash.h"
#include "catalog/row_image.h"
#include "executor/memory_check.h"
#include "executor/row_spill.h"
#include "executor/transition.h"
#include "tv_compat.h"

/* Up to this many rows of one key are compared with each other. */
#define TV_FEW_ROWS 16

SortSupportData *
tv_rows_prepare_sort(TupleDesc desc, int nkeys, const AttrNumber *keys)
{
	SortSupportData *sort = palloc0(sizeof(SortSupportData) * (nkeys + 1));

	for (int i = 0; i < nkeys; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, keys[i] - 1);
		TypeCacheEntry *type = lookup_type_cache(att->atttypid, TYPECACHE_LT_OPR);

		sort[i].ssup_cxt = CurrentMemoryContext;
		sort[i].ssup_collation = att->attcollation;
		PrepareSortSupportFromOrderingOp(type->lt_opr, &sort[i]);
	}
	return sort;
}

TvRowTable *
tv_rows_make(TupleDesc desc, bool bag, int nkeys, const AttrNumber *keys, MemoryContext cxt)
{
	return tv_rows_make_sorted(desc, bag, nkeys, keys, NULL, cxt);
}

TvRowTable *
tv_rows_make_sorted(TupleDesc desc, bool bag, int nkeys, const AttrNumber *keys,
					SortSupportData *sort, MemoryContext cxt)
{
	MemoryContext oldcxt = MemoryContextSwitchTo(cxt);
	TvRowTable *table = palloc0(sizeof(TvRowTable));

	table->cxt = cxt;
	table->desc = desc;
	table->bag = bag;
	table->nkeys = nkeys;
	table->keys = palloc(sizeof(AttrNumber) * (nkeys + 1));
	for (int i = 0; i < nkeys; i++)
		table->keys[i] = keys[i];
	table->sort = sort ? sort : tv_rows_prepare_sort(desc, nkeys, keys);
	table->capacity = 16;
	table->limit = Min(table->capacity, TV_FIRST_CHECK);
	table->rows = palloc(sizeof(TvSignedRow) * table->capacity);
	MemoryContextSwitchTo(oldcxt);
	return table;
}

TvSignedRow *
tv_rows_add(TvRowTable *table, const Datum *values, const bool *nulls, int64 weight)
{
	if (table->nrows >= table->limit && !tv_rows_make_room(table, values, nulls, weight, NULL))
		return NULL;
	return tv_rows_append(table, values, nulls, weight);
}

void
tv_rows_add_stored(TvRowTable *table, const Datum *values, const bool *nulls, int64 weight,
				   const ItemPointerData *tid)
{
	if (table->nrows >= table->limit && !tv_rows_make_room(table, values, nulls, weight, tid))
		return;
	tv_rows_append(table, values, nulls, weight)->tid = *tid;
}

TvSignedRow *
tv_rows_append(TvRowTable *table, const Datum *values, const bool *nulls, int64 weight)
{
	MemoryContext oldcxt = MemoryContextSwitchTo(table->cxt);
	TvSignedRow *row;

	row = &table->rows[table->nrows++];
	row->tuple = tv_form_minimal_tuple(table->desc, unconstify(Datum *, values),
									   unconstify(bool *, nulls));
	row->weight = weight;
	row->hash = 0;
	if (table->nkeys > 0)
	{
		HeapTupleData tuple = tv_minimal_as_heap(row->tuple);

		row->key = heap_getattr(&tuple, table->keys[0], table->desc, &row->key_null);
	}
	else if (table->bag)
		row->hash = tv_row_hash(table->desc, values, nulls);
	MemoryContextSwitchTo(oldcxt);
	return row;
}

void
tv_rows_consume(TupleTableSlot *slot, void *context)
{
	TvRowTable *table = context;

	CHECK_FOR_INTERRUPTS();
	slot_getallattrs(slot);
	(void) tv_rows_add(table, slot->tts_values, slot->tts_isnull,
					   DatumGetInt64(slot->tts_values[table->desc->natts]));
}

static Datum
key_value(const TvRowTable *table, const TvSignedRow *row, int key, bool *isnull)
{
	HeapTupleData tuple;

	if (key == 0)
	{
		*isnull = row->key_null;
		return row->key;
	}
	tuple = tv_minimal_as_heap(row->tuple);
	return heap_getattr(&tuple, table->keys[key], table->desc, isnull);
}

static int
compare_rows(const void *pa, const void *pb, void *arg)
{
	const TvRowTable *table = arg;
	const TvSignedRow *a = pa;
	const TvSignedRow *b = pb;

	if (table->bag)
		return a->hash < b->hash ? -1 : a->hash > b->hash;
	for (int i = 0; i < table->nkeys; i++)
	{
		bool		anull;
		bool		bnull;
		Datum		avalue = key_value(table, a, i, &anull);
		Datum		bvalue = key_value(table, b, i, &bnull);
		int			c = ApplySortComparator(avalue, anull, bvalue, bnull, &table->sort[i]);

		if (c != 0)
			return c;
	}
	return 0;
}

void
tv_rows_sort(TvRowTable *table)
{
	if (table->spill)
		tv_rows_begin_batches(table);
	else if (table->nrows > 1 && !table->paired)
		qsort_arg(table->rows, table->nrows, sizeof(TvSignedRow), compare_rows, table);
}

bool
tv_rows_belong_together(const TvRowTable *table, const TvSignedRow *a, const TvSignedRow *b)
{
	return (!table->by_hash || a->hash == b->hash) &&
		compare_rows(a, b, unconstify(TvRowTable *, table)) == 0;
}

int64
tv_rows_key_end(const TvRowTable *table, int64 first)
{
	int64		end = first + 1;

	while (end < table->nrows && compare_rows(&table->rows[first], &table->rows[end],
											  unconstify(TvRowTable *, table)) == 0)
		end++;
	return end;
}

void
tv_minimal_deform(MinimalTuple tuple, TupleDesc desc, Datum *values, bool *nulls)
{
	HeapTupleData heap = tv_minimal_as_heap(tuple);

	heap_deform_tuple(&heap, desc, values, nulls);
}

void
tv_rows_deform(const TvRowTable *table, const TvSignedRow *row, Datum *values, bool *nulls)
{
	tv_minimal_deform(row->tuple, table->desc, values, nulls);
}

bool
tv_rows_image_equal(TupleDesc desc, const Datum *a, const bool *anull,
					const Datum *b, const bool *bnull)
{
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (anull[i] != bnull[i])
			return false;
		if (!anull[i] && !tv_image_equal(att, a[i], b[i]))
			return false;
	}
	return true;
}

static int
compare_hashes(const void *pa, const void *pb)
{
	const TvSignedRow *a = pa;
	const TvSignedRow *b = pb;

	return a->hash < b->hash ? -1 : a->hash > b->hash;
}

/* Of many rows of one key, let those with one image stand together. */
static void
sort_by_image(TvRowTable *table, int64 first, int64 last, Datum *values, bool *nulls)
{
	for (int64 i = first; i < last; i++)
	{
		CHECK_FOR_INTERRUPTS();
		tv_rows_deform(table, &table->rows[i], values, nulls);
		table->rows[i].hash = tv_row_hash(table->desc, values, nulls);
	}
	qsort(&table->rows[first], last - first, sizeof(TvSignedRow), compare_hashes);
}

/* Net the rows first .. last - 1, which are of one key. */
static void
net(TvRowTable *table, int64 first, int64 last)
{
	int			natts = table->desc->natts;
	Datum	   *avalues = palloc(sizeof(Datum) * (natts + 1));
	Datum	   *bvalues = palloc(sizeof(Datum) * (natts + 1));
	bool	   *anulls = palloc(sizeof(bool) * (natts + 1));
	bool	   *bnulls = palloc(sizeof(bool) * (natts + 1));

	/* rows of a bag stand so already */
	if (!table->bag && last - first > TV_FEW_ROWS)
		sort_by_image(table, first, last, avalues, anulls);
	for (int64 i = first; i < last; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (table->rows[i].weight == 0)
			continue;
		tv_rows_deform(table, &table->rows[i], avalues, anulls);
		for (int64 j = i + 1; j < last && table->rows[j].hash == table->rows[i].hash; j++)
		{
			if (table->rows[j].weight == 0)
				continue;
			tv_rows_deform(table, &table->rows[j], bvalues, bnulls);
			if (tv_rows_image_equal(table->desc, avalues, anulls, bvalues, bnulls))
			{
				table->rows[i].weight += table->rows[j].weight;
				table->rows[j].weight = 0;
			}
		}
	}
	pfree(avalues);
	pfree(bvalues);
	pfree(anulls);
	pfree(bnulls);
}

/* Of the rows in memory: tv_rows_are_paired(). */
static bool
are_paired(TvRowTable *table)
{
	for (int64 first = 0, last; first < table->nrows; first = last)
	{
		TvSignedRow *row = &table->rows[first];

		CHECK_FOR_INTERRUPTS();
		last = tv_rows_key_end(table, first);
		if (last - first == 1 && row->weight == TV_WEIGHT_REPLACES)
			continue;
		if (last - first > 2 || (row[0].weight != 1 && row[0].weight != -1) ||
			(last - first == 2 && row[1].weight != -row[0].weight))
			return false;
	}
	return true;
}

bool
tv_rows_are_paired(TvRowTable *table)
{
	tv_rows_sort(table);
	do
	{
		if (!are_paired(table))
		{
			tv_rows_end(table);
			return false;
		}
	} while (tv_rows_load_next(table));
	tv_rows_rewind(table);
	table->paired = true;
	return true;
}

int64
tv_rows_net_key(TvRowTable *table, int64 first)
{
	int64		end = tv_rows_key_end(table, first);

	CHECK_FOR_INTERRUPTS();
	if (end > first + 1 && !table->paired)
		net(table, first, end);
	return end;
}

/* Pair rows first .. last - 1, which have one hash. */
static void
pair_hashed(TvRowTable *table, int64 first, int64 last, Datum **values, bool **nulls)
{
	int64		start = first;	/* no row before it has weight -1 */

	for (int64 i = first; i < last; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (table->rows[i].weight != 1)
			continue;
		while (start < last && table->rows[start].weight != -1)
			start++;
		if (start == last)
			return;
		tv_rows_deform(table, &table->rows[i], values[0], nulls[0]);
		for (int64 j = start; j < last; j++)
		{
			if (table->rows[j].weight != -1)
				continue;
			tv_rows_deform(table, &table->rows[j], values[1], nulls[1]);
			if (tv_rows_image_equal(table->desc, values[0], nulls[0], values[1], nulls[1]))
			{
				table->rows[i].weight = table->rows[j].weight = 0;
				break;
			}
		}
	}
}

void
tv_rows_pair(TvRowTable *table, int64 first, int64 last)
{
	int			natts = table->desc->natts;
	Datum	   *values[2] = {palloc(sizeof(Datum) * (natts + 1)), palloc(sizeof(Datum) * (natts + 1))};
	bool	   *nulls[2] = {palloc(sizeof(bool) * (natts + 1)), palloc(sizeof(bool) * (natts + 1))};

	if (!table->bag)
		sort_by_image(table, first, last, values[0], nulls[0]);
	for (int64 i = first, next; i < last; i = next)
	{
		for (next = i + 1; next < last && table->rows[next].hash == table->rows[i].hash; next++)
			;
		pair_hashed(table, i, next, values, nulls);
	}
	for (int i = 0; i < 2; i++)
	{
		pfree(values[i]);
		pfree(nulls[i]);
	}
}
