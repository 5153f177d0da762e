/*-------------------------------------------------------------------------
 *
 * executor/explain_run.c
 *	  Let EXPLAIN ANALYZE look at the maintenance a statement caused.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/explain_run.h"

static TvRunObserver *observer = NULL;

TvRunObserver *
tv_explain_run_set(TvRunObserver *new_observer)
{
	TvRunObserver *old = observer;

	observer = new_observer;
	return old;
}

int
tv_explain_run_instrument(void)
{
	return observer ? observer->instrument : 0;
}

void
tv_explain_run_plan(TvPlan *plan, QueryDesc *desc)
{
	if (observer)
		observer->plan(observer, plan, desc);
}

void
tv_explain_run_node_begin(TvView *view, TvNode *node, const Bitmapset *changed,
						  const TvActivity *activity)
{
	if (observer)
		observer->node_begin(observer, view, node, changed, activity);
}

void
tv_explain_run_node_end(TvView *view, TvNode *node, const TvActivity *activity)
{
	if (observer)
		observer->node_end(observer, view, node, activity);
}
