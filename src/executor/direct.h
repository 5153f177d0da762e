/*-------------------------------------------------------------------------
 *
 * executor/direct.h
 *	  Run a delta query over nothing but one delta without the executor.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_DIRECT_H
#define TV_DIRECT_H

#include "executor/run_plan.h"

/*
 * Filter and project the rows of the one ephemeral relation that the plan's
 * query reads.  Returns false, having done nothing, if the query is of
 * another form.
 */
extern bool tv_direct_run(TvPlan *plan, QueryEnvironment *env, TvRowConsumer consumer,
						  void *context);

#endif							/* TV_DIRECT_H */
