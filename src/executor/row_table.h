/*-------------------------------------------------------------------------
 *
 * executor/row_table.h
 *	  Collect signed rows and net them by image, in the order of a key.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_ROW_TABLE_H
#define TV_ROW_TABLE_H

#include "access/htup_details.h"
#include "executor/tuptable.h"
#include "utils/sortsupport.h"

/* A row with its weight. */
typedef struct TvSignedRow
{
	MinimalTuple tuple;
	int64		weight;
	uint32		hash;			/* of the row's image; only set for bags */
	Datum		key;			/* first key column, refers into tuple */
	bool		key_null;
	ItemPointerData tid;		/* for the caller: where the row is stored */
} TvSignedRow;

typedef struct TvRowTable
{
	MemoryContext cxt;
	TupleDesc	desc;			/* of the rows, without weight */
	bool		paired;			/* see tv_rows_are_paired */
	bool		bag;			/* no key: in the order of the image's hash */
	int			nkeys;			/* 0 and no bag: all rows are of one key */
	AttrNumber *keys;
	SortSupportData *sort;
	int64		nrows;
	int64		capacity;
	int64		limit;			/* with so many rows, room is to be made */
	TvSignedRow *rows;
	bool		may_spill;
	bool		by_hash;		/* if it spills, rows of one key may be apart,
								 * those of one image not */
	MemoryContext parent;		/* of cxt, if that is the table's own */
	struct TvRowSpill *spill;	/* NULL: all rows are in memory */
} TvRowTable;

extern TvRowTable *tv_rows_make(TupleDesc desc, bool bag, int nkeys, const AttrNumber *keys,
								MemoryContext cxt);

/* The same, with how the keys sort prepared once for many tables. */
extern TvRowTable *tv_rows_make_sorted(TupleDesc desc, bool bag, int nkeys,
									   const AttrNumber *keys, SortSupportData *sort,
									   MemoryContext cxt);

/* How the key columns sort; in the current memory context. */
extern SortSupportData *tv_rows_prepare_sort(TupleDesc desc, int nkeys, const AttrNumber *keys);

/*
 * Of an empty table: if its rows take more memory than hash tables may (work_mem,
 * hash_mem_multiplier), let only the first of them be there once they are sorted;
 * tv_rows_next() puts the next ones in their place.  It returns false, and frees
 * what is not memory, if there are none.  Who does not get there calls tv_rows_end().
 */
extern void tv_rows_let_spill(TvRowTable *table);
extern bool tv_rows_next(TvRowTable *table);
extern void tv_rows_end(TvRowTable *table);

/* The row is good until the next one is added; NULL if it is not in memory. */
extern TvSignedRow *tv_rows_add(TvRowTable *table, const Datum *values, const bool *nulls,
								int64 weight);

/* The same of a row that is stored there. */
extern void tv_rows_add_stored(TvRowTable *table, const Datum *values, const bool *nulls,
							   int64 weight, const ItemPointerData *tid);

/* A TvRowConsumer: the slot's last column is the weight. */
extern void tv_rows_consume(TupleTableSlot *slot, void *table);

/* Sort; rows of one key (of one hash) then stand together. */
extern void tv_rows_sort(TvRowTable *table);

/* Of sorted rows: the end of those of one key (of one hash) that begin at first. */
extern int64 tv_rows_key_end(const TvRowTable *table, int64 first);

/*
 * Does at most one row leave and one come for each key?  Then the rows are
 * sorted, and no more netted: of those that leave, only the key may be known.
 * A row of weight TV_WEIGHT_REPLACES stands for both.
 */
extern bool tv_rows_are_paired(TvRowTable *table);

/*
 * The same as tv_rows_key_end, and net them: weights of rows with one image are added up on the
 * first of them, the others get weight 0.
 */
extern int64 tv_rows_net_key(TvRowTable *table, int64 first);

/*
 * Of the rows first .. last - 1, which are of one key, those with one image and
 * weights -1 and 1 are paired, and get weight 0.
 */
extern void tv_rows_pair(TvRowTable *table, int64 first, int64 last);

/* A minimal tuple as a heap tuple, for functions that look into those. */
static inline HeapTupleData
tv_minimal_as_heap(MinimalTuple tuple)
{
	HeapTupleData result = {0};

	result.t_len = tuple->t_len + MINIMAL_TUPLE_OFFSET;
	result.t_data = (HeapTupleHeader) ((char *) tuple - MINIMAL_TUPLE_OFFSET);
	return result;
}

/* Take a row apart; values refer into the tuple. */
extern void tv_minimal_deform(MinimalTuple tuple, TupleDesc desc, Datum *values, bool *nulls);
extern void tv_rows_deform(const TvRowTable *table, const TvSignedRow *row,
						   Datum *values, bool *nulls);

/* Are two rows equal, byte by byte and null by null? */
extern bool tv_rows_image_equal(TupleDesc desc, const Datum *a, const bool *anull,
								const Datum *b, const bool *bnull);

#endif							/* TV_ROW_TABLE_H */
