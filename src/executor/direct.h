/*-------------------------------------------------------------------------
 *
 * executor/direct.h
 *	  Run simple maintenance plans without the executor's start-up.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_DIRECT_H
#define TV_DIRECT_H

#include "executor/run_plan.h"

/*
 * Run a plan of simple nodes: scans of ephemeral relations, of tables, and by
 * index, nested loops, Append, Material.  Same contract as tv_run_plan().
 * Returns false, having done nothing, if the plan has other nodes.
 */
extern bool tv_direct_run(TvPlan *plan, List *inputs, Snapshot snapshot,
						  TvRowConsumer consumer, void *context, uint64 *processed);

#endif							/* TV_DIRECT_H */
