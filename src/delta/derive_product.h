/*-------------------------------------------------------------------------
 *
 * delta/derive_product.h
 *	  A product of leaves as a query.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_DERIVE_PRODUCT_H
#define TV_DERIVE_PRODUCT_H

#include "delta/derive_internal.h"

/* How a leaf appears in a product. */
typedef enum TvLeafState
{
	TV_STATE_NEW,				/* as it is now */
	TV_STATE_OLD,				/* as it was: now less the change */
	TV_STATE_DELTA,				/* the change */
	TV_STATE_DELTA_NULL			/* of a LEFT leaf, the change of its being
								 * null */
} TvLeafState;

typedef struct TvProduct
{
	const TvGraph *graph;
	const TvBranch *branch;
	const TvLeafState *states;	/* by leaf */
	TvLayout  **layouts;		/* by source: of those that changed */
	const double *rows;			/* expected number of delta rows, by source,
								 * or NULL */
	Query	  **deltas;			/* by source, or NULL: the change of what is
								 * no source of the graph */
} TvProduct;

/*
 * select exprs [, weight] from the leaves where quals.  Without weighted all
 * leaves must be NEW.  negative: the weight is negated.
 */
extern Query *tv_product_query(const TvProduct *product, List *exprs, List *quals,
							   bool weighted, bool negative);

#endif							/* TV_DERIVE_PRODUCT_H */
