/*-------------------------------------------------------------------------
 *
 * delta/derive_internal.h
 *	  Building blocks of derived queries.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_DERIVE_INTERNAL_H
#define TV_DERIVE_INTERNAL_H

#include "delta/derive.h"

/* record_image_eq and record_image_lt: *= and *< */
#define RECORD_IMAGE_EQ_OP 3188
#define RECORD_IMAGE_LT_OP 3190

/* A SELECT without FROM; the caller fills it in. */
extern Query *tv_query_make(void);

/* Append an RTE to the range table and FROM; returns its index. */
extern int	tv_query_add_rte(Query *query, RangeTblEntry *rte);

/* Append an output column. */
extern void tv_query_add_column(Query *query, Expr *expr, const char *name);

extern RangeTblEntry *tv_query_subquery_rte(Query *subquery, const char *name);

/* The delta of a source; columns as its layout has them. */
extern RangeTblEntry *tv_query_delta_rte(const char *name, const TvLayout *layout,
										 double rows);

/* A leaf over the new state. */
extern RangeTblEntry *tv_query_leaf_rte(const TvGraph *graph, const TvLeaf *leaf);

/* UNION ALL; queries have the same column types.  One query is returned as is. */
extern Query *tv_query_union_all(List *queries);

/* Sum of the branches over the new state: the node's input rows. */
extern Query *tv_query_input(const TvGraph *graph, const TvNode *node);

/* One branch over the new state; exprs: its output. */
extern Query *tv_query_branch(const TvGraph *graph, const TvBranch *branch, List *exprs);

/* int8 constant and product */
extern Expr *tv_query_int8(int64 value);
extern Expr *tv_query_multiply(Expr *a, Expr *b);

/* left = right, null-safe if wanted */
extern Expr *tv_query_key_equals(const TvKey *key, Expr *left, Expr *right, bool null_safe);

/* TV_KEYS_NAME; rows: expected number of keys. */
extern RangeTblEntry *tv_query_keys_rte(const TvNode *node, double rows);

/*
 * Of a query over a node's input (its first RTE): take the rows whose keys are
 * in TV_KEYS_NAME.  rows: expected number of keys.
 */
extern void tv_query_restrict(Query *query, const TvNode *node, TvRecomputeScope scope,
							  double rows);

/* The same of such a query in a LATERAL subquery beside TV_KEYS_NAME, the first RTE there. */
extern void tv_query_restrict_lateral(Query *query, const TvNode *node, TvRecomputeScope scope);

/* The output rows of a PARTITION node, of all partitions or those in TV_KEYS_NAME. */
extern Query *tv_derive_partition(const TvGraph *graph, const TvNode *node,
								  TvRecomputeScope scope, double rows);

/*
 * The node's windows, level by level, over a query for its input rows: all
 * columns of the output row.  input_rows: that query, over all of them.
 */
extern Query *tv_derive_levels(const TvNode *node, Query *input);
extern Query *tv_derive_input_rows(const TvGraph *graph, const TvNode *node);

/* The rows of a RECURSIVE node. */
extern Query *tv_derive_recursive(const TvGraph *graph, const TvNode *node);

/*
 * Derivations, from the node's rows as they are stored, of the rows in
 * TV_KEYS_NAME: the row, whether it is by the recursive term, and from which
 * row of the node.
 */
extern Query *tv_derive_derivations(const TvGraph *graph, const TvNode *node,
									TvRecomputeScope scope, double rows);

/* Set hasAggs etc. are the caller's; this sets WHERE from a list of quals. */
extern void tv_query_where(Query *query, List *quals);

#endif							/* TV_DERIVE_INTERNAL_H */
