/*-------------------------------------------------------------------------
 *
 * delta/partial.h
 *	  A product of FROM items under construction.
 *
 * A partial knows what the Vars of the query being compiled stand for in terms
 * of its leaves.  A correlated query is compiled on top of a base: leaves that
 * its outer references (Vars of level 1, varno = 1 + index of the base's leaf)
 * stand for.  They come first among the leaves of every partial of the query.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_PARTIAL_H
#define TV_PARTIAL_H

#include "delta/graph.h"

/* leafof: the item is no single leaf, or is null-extended */
#define TV_NO_LEAF (-1)
#define TV_NULL_LEAF (-2)

typedef struct TvPartial
{
	List	   *leaves;			/* of TvLeaf * */
	List	   *quals;			/* of Expr *, over the leaves */
	int			nrtes;
	int		   *leafof;			/* by range table index - 1: leaf index, or
								 * TV_NO_LEAF, TV_NULL_LEAF */
	List	  **exprsof;		/* by range table index - 1: output
								 * expressions of a subquery, or NIL */
} TvPartial;

/* A partial for a query with nrtes FROM items, none of them there yet. */
extern TvPartial *tv_partial_make(int nrtes, const TvPartial *base);

/* A copy that can be added to without changing the original. */
extern TvPartial *tv_partial_copy(const TvPartial *partial);

/* Add a leaf; returns its index. */
extern int	tv_partial_add_leaf(TvPartial *partial, RangeTblEntry *rte, int source);

/* Multiply by a branch, changing the partial; returns the branch's exprs. */
extern List *tv_partial_multiply(TvPartial *partial, const TvBranch *branch);

/* The product of two partials of one query; b has no base. */
extern TvPartial *tv_partial_product(const TvPartial *a, const TvPartial *b);

/*
 * These leaves (indexes), with those by which the partial joins them to each
 * other, so that their product has no pairs that the whole has not; whole: with
 * all leaves that are joined to them, so that it has no more rows.
 */
extern Bitmapset *tv_partial_connect(const TvPartial *partial, const Bitmapset *needed,
									 bool whole);

/*
 * These leaves (indexes) of the partial, those that they depend on, and the
 * quals on them: they have all the values of their columns that the whole has,
 * perhaps more.  *map: by leaf, its new index or -1.
 */
extern TvPartial *tv_partial_restrict(const TvPartial *partial, Bitmapset *needed, int **map);

/* Renumber the leaves that level 0 (of an expression) or level 1 (of a Query) refers to. */
extern Node *tv_partial_renumber(Node *node, const int *map);

/*
 * Replace the query's Vars by what they stand for, and outer references by
 * references to the leaves of the base; a fresh tree.  Works on expressions
 * with subqueries, whose outer references then have level 1 and refer to leaves.
 * Given a Query, it is taken as a subquery of the query being compiled.
 */
extern Node *tv_partial_map(const TvPartial *partial, Node *expr);

/* The partial as a branch. */
extern TvBranch *tv_partial_branch(const TvPartial *partial, List *exprs);

extern TvBranch *tv_branch_copy(const TvBranch *branch);

#endif							/* TV_PARTIAL_H */
