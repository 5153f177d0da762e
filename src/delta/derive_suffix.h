/*-------------------------------------------------------------------------
 *
 * delta/derive_suffix.h
 *	  What queries about a part of a partition are made of.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_DERIVE_SUFFIX_H
#define TV_DERIVE_SUFFIX_H

#include "delta/derive_internal.h"

/* In all of them, an RTE that has the partition's keys as its first columns. */
#define TV_SUFFIX_KEYS_RTI 1

/* TV_KEYS_NAME: the keys and so many values of the first ordering column. */
extern RangeTblEntry *tv_suffix_keys_rte(const TvNode *node, int nvalues, double rows);

/* The node's stored rows. */
extern RangeTblEntry *tv_suffix_state_rte(const TvNode *node);

/* A column of the node's rows, and the n-th value of an RTE like TV_KEYS_NAME. */
extern Var *tv_suffix_row_var(const TvNode *node, int rti, AttrNumber attno, int levels);
extern Var *tv_suffix_value(const TvNode *node, int rti, int n, int levels);

/* Quals: the keys of a row are those of TV_SUFFIX_KEYS_RTI, so many levels up. */
extern List *tv_suffix_same_partition(const TvNode *node, int rti, int levels);

/* The first ordering column of a row, compared with a value. */
extern Expr *tv_suffix_compare(const TvNode *node, Oid operator, int rti, Var *value);

extern Expr *tv_suffix_is_null(Expr *arg);

/* May rows whose first ordering column is null stand at the partition's end? or at its start? */
extern bool tv_suffix_nulls_at(const TvNode *node, bool end);

/* The opposite order. */
extern SortGroupClause *tv_suffix_reversed(const SortGroupClause *clause);

#endif							/* TV_DERIVE_SUFFIX_H */
