/*-------------------------------------------------------------------------
 *
 * executor/flush_internal.h
 *	  What the steps of a flush share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_FLUSH_INTERNAL_H
#define TV_FLUSH_INTERNAL_H

#include "executor/changeset.h"
#include "executor/group_table.h"
#include "executor/populate.h"
#include "executor/row_table.h"
#include "executor/run_plan.h"
#include "executor/writer.h"

/* The flush of one node. */
typedef struct TvNodeFlush
{
	TvView	   *view;
	TvNode	   *node;
	TvNodeRuntime *rt;
	MemoryContext cxt;			/* reset when the node is done */
	TvActivity *activity;
	Oid			out_relid;		/* whose readers get the output delta */
	TvChanges  *out;			/* NULL: nobody reads it */
	AttrNumber *out_attnos;		/* output columns they want, natts of the
								 * layout */
	TvRowTable *view_delta;		/* output delta that is still to be applied to
								 * the view (groups kept in a state table) */
} TvNodeFlush;

/*
 * Of tables that were truncated since the last flush, let the changes add up
 * to what the tables hold now.
 */
extern void tv_capture_settle(void);

/*
 * One store with all these segments: a new one, or (own is false) that of the
 * only segment.  Rows that cancel each other are left out.
 */
extern TvRowStore *tv_input_store(TvChanges *changes, List *segments, bool *own);

/*
 * input_replace.c: where the node's rows take the place of stored ones, let
 * its only input give the new rows alone.  *stores: what is to be ended.
 */
extern void tv_input_replace(TvView *view, TvNode *node, List *inputs,
							 const Bitmapset *changed, List **stores);

/*
 * presence.c: add what the node's LEFT and ANTI leaves need to know of the
 * deltas.  *stores: theirs, to be ended.
 */
extern List *tv_presence_add_inputs(TvView *view, TvNode *node, List *inputs,
									const Bitmapset *changed, List **stores);

/* Hand an output row to the readers of the node. */
extern void tv_flush_emit(TvNodeFlush *flush, const Datum *values, const bool *nulls,
						  int64 weight);

/*
 * Apply the delta of a GROUP node's input.  Where rows are inserted late, the
 * groups are locked before, for two transactions may make the same group.
 */
extern void tv_apply_groups(TvNodeFlush *flush, TvGroupTable *table);
extern bool tv_groups_written_late(TvNodeRuntime *rt);

/*
 * Recompute the groups or partitions that are marked to be rescanned, from
 * their rows as they are now.
 */
extern void tv_recompute_run(TvNodeFlush *flush, TvGroupTable *table,
							 TvRowConsumer consumer, void *context);

/* The same of those with these keys. */
extern void tv_recompute_keys(TvNodeFlush *flush, TvRowStore *keys,
							  TvRowConsumer consumer, void *context);
extern TupleDesc tv_recompute_key_desc(const TvNode *node);

/* Recompute the touched partitions of a PARTITION node. */
extern void tv_apply_partitions(TvNodeFlush *flush, TvGroupTable *touched);

/*
 * The rows of a delta, by which partitions are followed.  If these do not fit into
 * memory, touched is set instead: these partitions are recomputed.
 */
typedef struct TvPartitionDelta
{
	TvNodeFlush *flush;
	TvRowTable *rows;
	TvGroupTable *touched;
} TvPartitionDelta;

/* A TvRowConsumer: add a row to a TvPartitionDelta. */
extern void tv_partitions_consume(TupleTableSlot *slot, void *delta);

/*
 * The same of one with a suffix: its delta, the partitions in it, and recompute
 * these from their first changed row on.
 */
extern TvRowTable *tv_suffix_delta(TvNodeFlush *flush);
extern void tv_suffix_touched(TvRowTable *delta, TvGroupTable *touched);
extern void tv_apply_suffixes(TvNodeFlush *flush, TvRowTable *delta, TvGroupTable *touched);

/* Collect and apply the delta of the input of a PARTITION node that takes first rows. */
extern TvRowTable *tv_top_rows_delta(TvNodeFlush *flush);
extern void tv_apply_top_rows(TvNodeFlush *flush, TvRowTable *delta);

/* Follow the change of what a RECURSIVE node reads. */
extern void tv_apply_recursive(TvNodeFlush *flush, List *inputs, const Bitmapset *changed,
							   const double *rows);

/* Run the plan of the node's delta, under two snapshots if that is needed. */
extern void tv_flush_run_delta(TvNodeFlush *flush, TvPlan *plan, List *inputs,
							   TvRowConsumer consumer, void *context);

/*
 * The delta of a linear node.  NULL if the plan computes no more than the keys
 * of rows that leave, and more than one row leaves or comes for a key: some of
 * them cancel each other, and nobody knows which.
 */
extern TvRowTable *tv_rows_delta(TvNodeFlush *flush, TvPlan *plan, List *inputs);

/*
 * Lock a node, then compute its output anew as a whole; and the latter alone, under
 * the active snapshot, of a node that is locked.
 */
extern void tv_apply_whole(TvNodeFlush *flush);
extern void tv_recompute_whole(TvNodeFlush *flush);

/*
 * Apply output rows to the view, by key or as a bag.  emit: also hand them
 * to the readers.
 */
extern void tv_apply_rows(TvNodeFlush *flush, TvRowTable *rows);

/* Raise XX001: the view does not hold what it should. */
pg_noreturn extern void tv_flush_corrupt(TvNodeFlush *flush, const char *why);

#endif							/* TV_FLUSH_INTERNAL_H */
