/*-------------------------------------------------------------------------
 *
 * planner/join_search.h
 *	  The order of joins in queries of many tables.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_JOIN_SEARCH_H
#define TV_JOIN_SEARCH_H

#include "nodes/parsenodes.h"
#include "optimizer/paths.h"

/*
 * To be the planner's join_search_hook while it plans one query: previous is the
 * one to ask for joins of few tables, or NULL.
 */
extern void tv_join_search_begin(const Query *query, join_search_hook_type previous);
extern RelOptInfo *tv_join_search(PlannerInfo *root, int levels_needed, List *initial_rels);

#endif							/* TV_JOIN_SEARCH_H */
