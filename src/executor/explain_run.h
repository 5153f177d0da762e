/*-------------------------------------------------------------------------
 *
 * executor/explain_run.h
 *	  Let EXPLAIN ANALYZE look at the maintenance a statement caused.
 *
 * EXPLAIN registers an observer for the time of the statement; a flush tells
 * it what it does.  Without an observer these functions do nothing.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_EXPLAIN_RUN_H
#define TV_EXPLAIN_RUN_H

#include "executor/execdesc.h"

#include "executor/populate.h"
#include "planner/plan_cache.h"

typedef struct TvRunObserver
{
	int			instrument;		/* options for the maintenance plans */
	/* a plan of the node was run; before the executor is shut down */
	void		(*plan) (struct TvRunObserver *self, TvPlan *plan, QueryDesc *desc);
	/* before and after a node of a view is flushed; counters so far */
	void		(*node_begin) (struct TvRunObserver *self, TvView *view, TvNode *node,
							   const Bitmapset *changed, const TvActivity *before);
	void		(*node_end) (struct TvRunObserver *self, TvView *view, TvNode *node,
							 const TvActivity *after);
} TvRunObserver;

/* Set the observer, returns the one before (NULL for none). */
extern TvRunObserver *tv_explain_run_set(TvRunObserver *observer);

extern int	tv_explain_run_instrument(void);
extern void tv_explain_run_plan(TvPlan *plan, QueryDesc *desc);
extern void tv_explain_run_node_begin(TvView *view, TvNode *node, const Bitmapset *changed,
									  const TvActivity *activity);
extern void tv_explain_run_node_end(TvView *view, TvNode *node, const TvActivity *activity);

#endif							/* TV_EXPLAIN_RUN_H */
