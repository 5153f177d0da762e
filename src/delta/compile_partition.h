/*-------------------------------------------------------------------------
 *
 * delta/compile_partition.h
 *	  Make PARTITION nodes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_COMPILE_PARTITION_H
#define TV_COMPILE_PARTITION_H

#include "delta/compile_internal.h"

/*
 * A node over branches, whose columns are put in a new order: the keys, the
 * columns of next, the others (all numbered from 1).  clauses: of
 * SortGroupClause *, the keys' equality; no column is a key twice.
 * *moved_to: the new number of each column, by the old one.  The output row is
 * the input row, to be extended by the caller.
 */
extern TvNode *tv_partition_make(TvCompiler *c, List *branches, List *keys, List *clauses,
								 List *next, int **moved_to);

/* Can the node's rows be stored?  Sets the refusal if not. */
extern bool tv_partition_check_types(TvCompiler *c, const TvNode *node);

/* Part of tv_partition_finish(); decided: the order tells all rows apart. */
extern void tv_top_rows_finish(TvNode *node, bool decided);

#endif							/* TV_COMPILE_PARTITION_H */
