/*-------------------------------------------------------------------------
 *
 * planner/plan_query.h
 *	  Plan a derived query, for few changed rows or for many.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_PLAN_QUERY_H
#define TV_PLAN_QUERY_H

#include "nodes/plannodes.h"

/* Once, when the library is loaded. */
extern void tv_plan_query_init(void);

/*
 * Plan a copy of the query, in the current memory context.  Takes the locks
 * that its relations ask for, and a snapshot if none is active.
 * single: tables (OIDs) that have at most one row.
 * few_rows: favour a plan without start-up that looks rows up.  parallel: workers
 * may help, where the server's settings allow them.
 */
extern PlannedStmt *tv_plan_query(Query *query, List *single, bool few_rows, bool parallel);

/*
 * Let a query that fills a table give its groups in the order of their keys, in
 * which they will be looked for; others are left as they are.
 */
extern void tv_plan_order_groups(Query *query);

/* Is the plan made of nodes that executor/direct.c can run? */
extern bool tv_plan_is_simple(Plan *plan);

#endif							/* TV_PLAN_QUERY_H */
