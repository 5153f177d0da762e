/*-------------------------------------------------------------------------
 *
 * executor/run_plan.h
 *	  Run a maintenance plan over ephemeral relations.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_RUN_PLAN_H
#define TV_RUN_PLAN_H

#include "utils/queryenvironment.h"
#include "utils/snapshot.h"
#include "utils/tuplestore.h"

#include "planner/plan_cache.h"

/* Called for every row; the slot is valid for the call only. */
typedef void (*TvRowConsumer) (TupleTableSlot *slot, void *context);

/*
 * Make an ephemeral relation known to an environment.  The store is read from
 * its start, and stays the caller's.
 */
extern void tv_run_bind(QueryEnvironment *env, const char *name, TupleDesc desc,
						Tuplestorestate *store);

/*
 * Run a plan under a snapshot.  The consumer must not write what the plan
 * reads.  Returns the number of rows.
 */
extern uint64 tv_run_plan(TvPlan *plan, QueryEnvironment *env, Snapshot snapshot,
						  TvRowConsumer consumer, void *context);

#endif							/* TV_RUN_PLAN_H */
