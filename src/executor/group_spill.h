/*-------------------------------------------------------------------------
 *
 * executor/group_spill.h
 *	  Groups that do not fit into memory.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_GROUP_SPILL_H
#define TV_GROUP_SPILL_H

#include "executor/group_table.h"
#include "executor/row_store.h"

/* Arguments of an accumulator, with their weights, that are not kept in memory. */
typedef struct TvArgumentRows
{
	TvRowStore *rows;
	TupleDesc	desc;			/* arguments, weight */
} TvArgumentRows;

/*
 * Of a table that has seen next_check rows: take the row, which is of no group
 * then, if there is no room for groups.
 */
extern bool tv_groups_spill(TvGroupTable *table, TupleTableSlot *slot);

/* The groups are sorted: from here on, have as many of them as there is room for. */
extern void tv_groups_begin_batches(TvGroupTable *table);

/* Keep a row of arguments out of memory. */
extern void tv_groups_put_arguments(TvGroupTable *table, TvAccDelta * delta, const TvAcc *acc,
									TupleTableSlot *slot, int64 weight);

/* group_table.c: a new group at the end, and the row of a group. */
extern TvGroup *tv_groups_append(TvGroupTable *table, uint32 hash, const Datum *keys,
								 const bool *nulls);
extern void tv_groups_add_to(TvGroupTable *table, TvGroup *group, TupleTableSlot *slot);
extern void tv_groups_rebuild_buckets(TvGroupTable *table);
extern uint32 tv_groups_hash_keys(TvNodeRuntime *rt, const Datum *keys, const bool *nulls);

#endif							/* TV_GROUP_SPILL_H */
