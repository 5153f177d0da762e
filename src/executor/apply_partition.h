/*-------------------------------------------------------------------------
 *
 * executor/apply_partition.h
 *	  Recompute touched partitions, and write what differs.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_APPLY_PARTITION_H
#define TV_APPLY_PARTITION_H

#include "executor/flush_internal.h"

/* The partitions that one flush of a node touches. */
typedef struct TvPartitionPass
{
	TvNodeFlush *flush;
	TvGroupTable *touched;		/* rescan: to be recomputed */
	TvRowStore *keys;			/* those of all of them, if they do not fit
								 * into memory; else NULL */
	TvRowTable *rows;			/* stored rows (-1), computed rows (1) */
	TvWriter   *reader;
	TvWriter   *writer;
	Datum	   *values;
	bool	   *nulls;
} TvPartitionPass;

extern TvPartitionPass *tv_partitions_begin(TvNodeFlush *flush, TvGroupTable *touched);

/* From here on, p->rows may be elsewhere than in memory. */
extern void tv_partitions_let_spill(TvPartitionPass *p);

/*
 * Add the stored rows of a partition to p->rows: at most so many, unless that is
 * negative.  True if these are all.
 */
extern bool tv_partitions_read(TvPartitionPass *p, const Datum *keys, const bool *nulls,
							   int64 limit);

/* A TvRowConsumer, context a TvPartitionPass: a computed output row. */
extern void tv_partitions_take(TupleTableSlot *slot, void *context);

/* Recompute what is marked, write the difference between both kinds of rows. */
extern void tv_partitions_write(TvPartitionPass *p);

#endif							/* TV_APPLY_PARTITION_H */
