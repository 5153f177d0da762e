/*-------------------------------------------------------------------------
 *
 * executor/row_spill.c
 *	  Signed rows that do not fit into memory.
 *
 * When the rows of a table that may spill have taken what a hash table may take,
 * they and all that still come are sorted, on disk if need be, in the order
 * that the table has anyway.  They come back in it, as many at a time as there is
 * room for, but all of one key (of one hash).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/tuplesort.h"
#include "utils/typcache.h"

#include "catalog/row_hash.h"
#include "executor/memory_check.h"
#include "executor/row_spill.h"

/* Of one image, so many rows are looked for among those of its hash. */
#define TV_FEW_ROWS 16

typedef struct TvRowSpill
{
	Tuplesortstate *sort;		/* columns, weight, hash, tid */
	bool		begun;			/* the rows of the table are a batch */
	TupleTableSlot *in;			/* the row to be put in */
	TupleTableSlot *out;		/* the next row, if ... */
	bool		has_row;
} TvRowSpill;

static void use_own_context(TvRowTable *table);
static void begin_spill(TvRowTable *table);
static void put_row(TvRowTable *table, const Datum *values, const bool *nulls, int64 weight,
					const ItemPointerData *tid);
static void next_row(TvRowTable *table);
static void clear(TvRowTable *table);
static bool load_batch(TvRowTable *table);

void
tv_rows_let_spill(TvRowTable *table)
{
	/* rows of one key are only told apart by their hash */
	table->may_spill = table->bag || table->nkeys > 0 || table->by_hash;
}

bool
tv_rows_make_room(TvRowTable *table, const Datum *values, const bool *nulls, int64 weight,
				  const ItemPointerData *tid)
{
	int64		look_again = PG_INT64_MAX;

	if (table->spill == NULL && table->may_spill && table->nrows >= TV_FIRST_CHECK)
	{
		Size		room;

		if (table->parent == NULL)
			use_own_context(table);
		room = tv_memory_left(table->cxt);
		if (room == 0)
			begin_spill(table);
		else
			look_again = table->nrows + tv_memory_rows(table->cxt, room, table->nrows);
	}
	if (table->spill)
	{
		put_row(table, values, nulls, weight, tid);
		return false;
	}
	if (table->nrows == table->capacity)
	{
		table->capacity *= 2;
		table->rows = repalloc_huge(table->rows, sizeof(TvSignedRow) * table->capacity);
	}
	table->limit = Min(table->capacity, look_again);
	return true;
}

/* Let there be a context whose size tells that of the table. */
static void
use_own_context(TvRowTable *table)
{
	MemoryContext cxt = AllocSetContextCreate(table->cxt, "pg_tviews rows",
											  ALLOCSET_DEFAULT_SIZES);
	TvSignedRow *rows = MemoryContextAllocHuge(cxt, sizeof(TvSignedRow) * table->capacity);

	memcpy(rows, table->rows, sizeof(TvSignedRow) * table->nrows);
	pfree(table->rows);
	table->rows = rows;
	table->parent = table->cxt;
	table->cxt = cxt;
}

/* The order of compare_rows() in row_table.c. */
static Tuplesortstate *
begin_sort(TvRowTable *table, TupleDesc desc)
{
	int			natts = table->desc->natts;
	int			n = 0;
	AttrNumber *attnos = palloc(sizeof(AttrNumber) * (table->nkeys + 1));
	Oid		   *operators = palloc(sizeof(Oid) * (table->nkeys + 1));
	Oid		   *collations = palloc0(sizeof(Oid) * (table->nkeys + 1));
	bool	   *nulls_first = palloc0(sizeof(bool) * (table->nkeys + 1));

	for (; n < table->nkeys && !table->bag; n++)
	{
		Form_pg_attribute att = TupleDescAttr(table->desc, table->keys[n] - 1);

		attnos[n] = table->keys[n];
		operators[n] = lookup_type_cache(att->atttypid, TYPECACHE_LT_OPR)->lt_opr;
		collations[n] = att->attcollation;
	}
	if (table->bag || table->by_hash)
	{
		attnos[n] = natts + 2;
		operators[n++] = Int8LessOperator;
	}
	return tuplesort_begin_heap(desc, n, attnos, operators, collations, nulls_first, work_mem,
								NULL, TUPLESORT_RANDOMACCESS);
}

static void
begin_spill(TvRowTable *table)
{
	MemoryContext oldcxt = MemoryContextSwitchTo(table->parent);
	TvRowSpill *spill = palloc0(sizeof(TvRowSpill));
	int			natts = table->desc->natts;
	TupleDesc	desc = CreateTemplateTupleDesc(natts + 3);
	Datum	   *values = palloc(sizeof(Datum) * (natts + 1));
	bool	   *nulls = palloc(sizeof(bool) * (natts + 1));

	for (int i = 1; i <= natts; i++)
		TupleDescCopyEntry(desc, i, table->desc, i);
	TupleDescInitEntry(desc, natts + 1, "weight", INT8OID, -1, 0);
	TupleDescInitEntry(desc, natts + 2, "hash", INT8OID, -1, 0);
	TupleDescInitEntry(desc, natts + 3, "tid", INT8OID, -1, 0);
	spill->in = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	spill->out = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	spill->sort = begin_sort(table, desc);
	MemoryContextSwitchTo(oldcxt);
	table->spill = spill;
	for (int64 i = 0; i < table->nrows; i++)
	{
		TvSignedRow *row = &table->rows[i];

		CHECK_FOR_INTERRUPTS();
		tv_rows_deform(table, row, values, nulls);
		put_row(table, values, nulls, row->weight, &row->tid);
	}
	clear(table);
	/* none is put into memory */
	table->limit = 0;
}

static void
put_row(TvRowTable *table, const Datum *values, const bool *nulls, int64 weight,
		const ItemPointerData *tid)
{
	TupleTableSlot *slot = table->spill->in;
	int			natts = table->desc->natts;
	uint32		hash = table->bag || table->by_hash ? tv_row_hash(table->desc, values, nulls) : 0;

	ExecClearTuple(slot);
	memcpy(slot->tts_values, values, sizeof(Datum) * natts);
	memcpy(slot->tts_isnull, nulls, sizeof(bool) * natts);
	slot->tts_values[natts] = Int64GetDatum(weight);
	slot->tts_values[natts + 1] = Int64GetDatum((int64) hash);
	slot->tts_values[natts + 2] =
		Int64GetDatum(tid ? (int64) ItemPointerGetBlockNumberNoCheck(tid) << 16 |
					  ItemPointerGetOffsetNumberNoCheck(tid) : 0);
	memset(slot->tts_isnull + natts, false, sizeof(bool) * 3);
	ExecStoreVirtualTuple(slot);
	tuplesort_puttupleslot(table->spill->sort, slot);
}

static void
next_row(TvRowTable *table)
{
	TvRowSpill *spill = table->spill;

	CHECK_FOR_INTERRUPTS();
	spill->has_row = tuplesort_gettupleslot(spill->sort, true, false, spill->out, NULL);
	if (spill->has_row)
		slot_getallattrs(spill->out);
}

void
tv_rows_begin_batches(TvRowTable *table)
{
	if (table->spill->begun)
		return;
	table->spill->begun = true;
	tuplesort_performsort(table->spill->sort);
	next_row(table);
	(void) load_batch(table);
}

void
tv_rows_rewind(TvRowTable *table)
{
	if (table->spill == NULL)
		return;
	tuplesort_rescan(table->spill->sort);
	next_row(table);
	(void) load_batch(table);
}

bool
tv_rows_load_next(TvRowTable *table)
{
	return table->spill && load_batch(table);
}

bool
tv_rows_next(TvRowTable *table)
{
	if (tv_rows_load_next(table))
		return true;
	tv_rows_end(table);
	return false;
}

void
tv_rows_end(TvRowTable *table)
{
	if (table->spill == NULL)
		return;
	tuplesort_end(table->spill->sort);
	ExecDropSingleTupleTableSlot(table->spill->in);
	ExecDropSingleTupleTableSlot(table->spill->out);
	table->spill = NULL;
	table->limit = table->nrows;
}

/* Forget the rows; the table's context holds nothing else. */
static void
clear(TvRowTable *table)
{
	MemoryContextReset(table->cxt);
	table->capacity = TV_FIRST_CHECK;
	table->rows = MemoryContextAlloc(table->cxt, sizeof(TvSignedRow) * table->capacity);
	table->nrows = 0;
}

/* Is there a row of this hash and image among the last ones?  Add the weight to it. */
static bool
net_row(TvRowTable *table, const Datum *values, const bool *nulls, uint32 hash, int64 weight)
{
	Datum		old[MaxTupleAttributeNumber];
	bool		old_nulls[MaxTupleAttributeNumber];

	for (int64 i = table->nrows - 1; i >= Max(0, table->nrows - TV_FEW_ROWS); i--)
	{
		TvSignedRow *row = &table->rows[i];

		if (row->hash != hash)
			return false;
		tv_rows_deform(table, row, old, old_nulls);
		if (tv_rows_image_equal(table->desc, values, nulls, old, old_nulls))
		{
			row->weight += weight;
			return true;
		}
	}
	return false;
}

/* Replace the rows of the table by those that come next; false if there are none. */
static bool
load_batch(TvRowTable *table)
{
	TvRowSpill *spill = table->spill;
	int			natts = table->desc->natts;
	Datum	   *values = spill->out->tts_values;
	bool	   *nulls = spill->out->tts_isnull;
	bool		full = false;

	clear(table);
	for (; spill->has_row; next_row(table))
	{
		TvSignedRow *row;
		int64		weight = DatumGetInt64(values[natts]);
		uint32		hash = (uint32) DatumGetInt64(values[natts + 1]);
		int64		tid = DatumGetInt64(values[natts + 2]);

		full |= tv_memory_left(table->cxt) == 0;
		if (full && table->bag && net_row(table, values, nulls, hash, weight))
			continue;
		if (table->nrows == table->capacity)
		{
			table->capacity *= 2;
			table->rows = repalloc_huge(table->rows, sizeof(TvSignedRow) * table->capacity);
		}
		row = tv_rows_append(table, values, nulls, weight);
		row->hash = hash;
		ItemPointerSet(&row->tid, (BlockNumber) (tid >> 16), (OffsetNumber) (tid & 0xffff));
		if (full && table->nrows > 1 && !tv_rows_belong_together(table, row - 1, row))
		{
			/* it begins the next batch */
			table->nrows--;
			break;
		}
	}
	return table->nrows > 0;
}
