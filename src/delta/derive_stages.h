/*-------------------------------------------------------------------------
 *
 * delta/derive_stages.h
 *	  Leaves that compute something from several changed leaves.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_DERIVE_STAGES_H
#define TV_DERIVE_STAGES_H

#include "delta/derive_product.h"

/* What the first stage of a branch is called in queries. */
#define TV_STAGE_NAME "first"

/* A branch in two parts: one leaf of the second stands for the first. */
typedef struct TvStages
{
	TvBranch   *first;			/* a product of leaves of the branch; its
								 * output are the columns read of it */
	Bitmapset  *first_changed;	/* changed leaves of it */
	TvBranch   *second;			/* the branch, with leaf 0 for the first stage */
	Bitmapset  *second_changed; /* changed leaves of it, 0 among them */
	List	   *apart;			/* over the leaves of second */
	TvLayout   *layout;			/* of the change of the first stage */

	Bitmapset  *in_first;		/* leaves of the branch that are in it */
	int		   *place;			/* by leaf of the branch: which one it is in
								 * its stage */
} TvStages;

/*
 * Split a branch, if a leaf of it could fail on rows that never stood in the
 * database at one time, as these leaves have changed.  source: the leaf that
 * stands for the first stage has this for its source.  apart: expressions over
 * the leaves, not in the branch's output, that are needed as well.
 */
extern bool tv_stages_split(const TvGraph *graph, const TvBranch *branch,
							const Bitmapset *changed, int source, List *apart,
							TvStages *stages);

/* An expression over the leaves of the branch that was split, over those of second. */
extern Node *tv_stages_map(const TvStages *stages, Node *expr);

/*
 * May an expression fail on rows of several leaves of the branch that never
 * coexisted?  own: a leaf (-1: none) whose own columns are out of danger.
 */
extern bool tv_stages_may_fail(const TvBranch *branch, Node *expr, int own);

/* May a leaf, by what it computes or by its own condition? */
extern bool tv_stages_leaf_may_fail(const TvBranch *branch, int leaf);

#endif							/* TV_DERIVE_STAGES_H */
