/*-------------------------------------------------------------------------
 *
 * delta/derive.h
 *	  Queries derived from a compiled graph.
 *
 * All results are fresh Query trees, ready for the planner; relation RTEs
 * carry rellockmode AccessShareLock and no required permissions (the checks
 * are made when the view's plan is bound).
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_DERIVE_H
#define TV_DERIVE_H

#include "delta/graph.h"

/*
 * What a stored delta of a source looks like: some of its columns, then the
 * weight, int8.
 */
typedef struct TvLayout
{
	int			natts;			/* without the weight */
	AttrNumber *attnos;			/* column numbers of the source, ascending */
	TupleDesc	desc;			/* natts + 1 columns; the last is the weight */
} TvLayout;

/* Name of the ephemeral relation that delivers the delta of a source. */
extern char *tv_derive_delta_name(int source);

/*
 * Name of the ephemeral relation that delivers what a LEFT or ANTI leaf's delta
 * does to the presence of matches: the rows of the delta, netted by the columns
 * that the leaf's quals look at; other columns are null.
 */
extern char *tv_derive_presence_name(const TvLeaf *leaf, int index);

/* These columns: attribute numbers of the source; index: of the leaf. */
extern Bitmapset *tv_derive_presence_columns(const TvLeaf *leaf, int index);

/* Name of subqueries for what a source was: the union of what it is and its change. */
#define TV_OLD_STATE_NAME "old_state"

/* Name of the ephemeral relation that delivers touched keys. */
#define TV_KEYS_NAME "tview_keys"

/*
 * The delta of node's input, all-post form: rows are the input row (for a
 * recompute node: its first ndelta columns) and the weight last.
 * changed: sources with a delta; layouts: by source, set for the changed ones.
 * rows: expected number of delta rows, by source, or NULL for one row of each.
 * Returns NULL if no branch reads a changed source.
 */
extern Query *tv_derive_delta(const TvGraph *graph, const TvNode *node,
							  const Bitmapset *changed, TvLayout **layouts,
							  const double *rows);

/*
 * Change a delta of the node, so that of rows that leave no more than the key is
 * computed.  Is there a key, and does this save anything?
 */
extern void tv_derive_delta_keyed(const TvNode *node, Query *query);
extern bool tv_derive_key_saves(const TvNode *node);

/*
 * Do rows of the node's output keep their keys, and come and go, by some columns
 * of a source alone?  If these stay in an update, and nothing else changed, each
 * new row of the output takes the place of the stored one with its key.
 * *columns: attribute numbers of the source.
 */
extern bool tv_derive_keeps_keys(const TvNode *node, int source, Bitmapset **columns);

typedef enum TvRecomputeScope
{
	TV_RECOMPUTE_ALL,			/* every group */
	TV_RECOMPUTE_KEYS,			/* groups in TV_KEYS_NAME, no key column null */
	TV_RECOMPUTE_NULL_KEYS		/* same, key columns may be null */
} TvRecomputeScope;

/*
 * Recompute groups of a GROUP node over the new state.  Rows are: keys,
 * stored values of the accumulators, results of the aggregates.  Of a
 * PARTITION node: the output rows of the partitions.  Of a RECURSIVE node: the
 * output rows; by keys, the derivations of these output rows.  Of a WHOLE node:
 * the output rows.
 */
extern Query *tv_derive_recompute(const TvGraph *graph, const TvNode *node,
								  TvRecomputeScope scope, double rows);

/*
 * What is computed anew of a partition of a node with a suffix, by values of the
 * first ordering column: the rows from FROM on, up to UNTIL, over the rows from
 * START on, up to END.  If the suffix is not bounded, both are the last value there
 * is, and rows without a value at the partition's end count as well.
 */
typedef enum TvSuffixLimit
{
	TV_LIMIT_FROM = 1,
	TV_LIMIT_START,
	TV_LIMIT_UNTIL,
	TV_LIMIT_END
} TvSuffixLimit;

#define TV_NLIMITS TV_LIMIT_END

/*
 * These output rows over the new state; and those that are stored, with their
 * tids behind them.  TV_KEYS_NAME has the keys and the limits, none of them null.
 */
extern Query *tv_derive_suffix(const TvGraph *graph, const TvNode *node, double rows);
extern Query *tv_derive_suffix_stored(const TvNode *node, double rows);

/*
 * The keys, and the limits or null if one is among the nulls.  TV_KEYS_NAME has
 * the keys and the first and the last changed value.
 */
extern Query *tv_derive_suffix_limits(const TvNode *node, double rows);

/* Names and types of keys and so many values of the first ordering column. */
extern TupleDesc tv_derive_suffix_desc(const TvNode *node, int nvalues);

/*
 * The node's whole output over the new state.  Rows are the output row.
 */
extern Query *tv_derive_output(const TvGraph *graph, const TvNode *node);

/*
 * The rows of the node's state table, recomputed: its columns in order.
 */
extern Query *tv_derive_state(const TvGraph *graph, const TvNode *node);

/*
 * The groups of a GROUP node that accumulates, whether they have an output row or not: keys,
 * stored values of accumulators.
 */
extern Query *tv_derive_groups(const TvGraph *graph, const TvNode *node);

/* SQL text of a derived query, for people. */
extern char *tv_derive_deparse(const Query *query);

#endif							/* TV_DERIVE_H */
