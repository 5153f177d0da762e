/*-------------------------------------------------------------------------
 *
 * executor/apply_recursive.h
 *	  Follow a recursive query.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_APPLY_RECURSIVE_H
#define TV_APPLY_RECURSIVE_H

#include "executor/flush_internal.h"

/* The flush of a RECURSIVE node. */
typedef struct TvRecursion
{
	TvNodeFlush *flush;
	TvPlan	   *plan;			/* what the change of its inputs makes of the
								 * stored rows */
	List	   *inputs;			/* that change */
	const TvLayout *layout;		/* of the node's own rows, and a weight */
	Bitmapset  *self;			/* the source that they are */
	double	   *rows;			/* by source: their number, for the planner */
	Datum	   *values;			/* scratch, a row and its weight */
	bool	   *nulls;
} TvRecursion;

/* The rows with which a step goes on: a store, in the current context. */
extern TvRowStore *tv_recursion_frontier(void);
extern void tv_recursion_put(TvRecursion *r, TvRowStore *frontier, MinimalTuple row,
							 int64 weight);

/* What these rows lead to at once; the consumer gets rows with a weight. */
extern void tv_recursion_step(TvRecursion *r, TvRowStore *frontier,
							  TvRowConsumer consumer, void *context);

/* UNION ALL, and UNION. */
extern void tv_follow_iterations(TvRecursion *r);
extern void tv_follow_closure(TvRecursion *r);

#endif							/* TV_APPLY_RECURSIVE_H */
