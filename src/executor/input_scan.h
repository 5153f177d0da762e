/*-------------------------------------------------------------------------
 *
 * executor/input_scan.h
 *	  A plan node that reads the rows of a TvRowStore.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_INPUT_SCAN_H
#define TV_INPUT_SCAN_H

#include "executor/run_plan.h"

/*
 * A copy of a plan whose scans of ephemeral relations are replaced by nodes
 * that read the inputs without a tuplestore.  In the current memory context.
 * The plan is run in an environment of tv_input_scan_environment().
 */
extern PlannedStmt *tv_input_scan_plan(PlannedStmt *stmt, List *inputs);

/* The inputs (List of TvInput *), by name. */
extern QueryEnvironment *tv_input_scan_environment(List *inputs);

#endif							/* TV_INPUT_SCAN_H */
