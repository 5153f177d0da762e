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

#include "executor/row_store.h"
#include "planner/plan_cache.h"

/* Called for every row; the slot is valid for the call only. */
typedef void (*TvRowConsumer) (TupleTableSlot *slot, void *context);

/* An ephemeral relation that a plan reads. */
typedef struct TvInput
{
	const char *name;
	TupleDesc	desc;
	TvRowStore *rows;
} TvInput;

/*
 * Add an ephemeral relation to a List of TvInput *.  The rows stay the
 * caller's.
 */
extern List *tv_run_add_input(List *inputs, const char *name, TupleDesc desc,
							  TvRowStore *rows);

/* The one of this name. */
extern TvInput *tv_run_find_input(List *inputs, const char *name);

/* Make an ephemeral relation known to the executor. */
extern void tv_run_bind(QueryEnvironment *env, const char *name, TupleDesc desc,
						Tuplestorestate *store);

/*
 * Run a plan over inputs (List of TvInput *) under a snapshot, which is the
 * active one.  The consumer must not write what the plan reads.  Returns the
 * number of rows.
 */
extern uint64 tv_run_plan(TvPlan *plan, List *inputs, Snapshot snapshot,
						  TvRowConsumer consumer, void *context);

#endif							/* TV_RUN_PLAN_H */
