/*-------------------------------------------------------------------------
 *
 * delta/derive_flip.h
 *	  The delta of a comparison with an aggregate over all rows.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_DERIVE_FLIP_H
#define TV_DERIVE_FLIP_H

#include "delta/derive_product.h"

/*
 * Is the leaf, of a branch with this output and these quals, used in nothing
 * but one comparison with the others?
 */
extern bool tv_flip_applies(const TvGraph *graph, const TvBranch *branch, int leaf,
							List *exprs, List *quals);

/*
 * Then: the products whose sum is that of the other leaves and the leaf's
 * change, which is the only one in the product.
 */
extern List *tv_flip_queries(const TvProduct *product, int leaf, List *exprs, List *quals,
							 bool negative);

#endif							/* TV_DERIVE_FLIP_H */
