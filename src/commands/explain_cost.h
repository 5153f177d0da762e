/*-------------------------------------------------------------------------
 *
 * commands/explain_cost.h
 *	  What tview.explain() foretells of a node's cost: plans for one changed row.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_EXPLAIN_COST_H
#define TV_EXPLAIN_COST_H

#include "delta/derive.h"

/*
 * Let leaves over nodes below stand for state tables that do not exist.  The
 * graph is of no use for maintenance afterwards.
 */
extern void tv_explain_cost_stand_in(TvGraph *graph);

/*
 * The planner's estimate for one changed row of a source, as text; NULL if
 * the node does not care.
 */
extern char *tv_explain_cost_delta(const TvGraph *graph, const TvNode *node, int source,
								   TvLayout **layouts);

/* The same for one group that is recomputed; NULL if none ever is. */
extern char *tv_explain_cost_group(const TvGraph *graph, const TvNode *node);

/* Indexes that the node lacks: List of char *. */
extern List *tv_explain_missing_indexes(const TvGraph *graph, const TvNode *node);

#endif							/* TV_EXPLAIN_COST_H */
