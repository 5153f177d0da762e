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

/* Can a btree index with default operators keep the order of a column of the type? */
extern bool tv_partition_default_order(const SortGroupClause *clause, Oid type, bool *descending);

/* Do the results of an aggregate as a window function depend on the order of its rows? */
extern bool tv_window_aggregate_depends_on_order(const WindowFunc *func);

/*
 * compile_reach.c: if the function looks at rows within reach of the current one,
 * widen the suffix's reach so far; false, and nothing is changed, if it does not.
 */
extern bool tv_reach_add(TvSuffix *suffix, const WindowFunc *func, const WindowClause *window);

/*
 * compile_suffix.c: see whether a change leaves rows before it alone.  Its levels are
 * there; the column that orders all of them, if there is one, is behind the keys.
 */
extern void tv_suffix_make(TvCompiler *c, TvNode *node);

/* Part of tv_partition_finish(): drop it if rows are ordered by their images. */
extern void tv_suffix_finish(TvNode *node);

#endif							/* TV_COMPILE_PARTITION_H */
