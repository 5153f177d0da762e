/*-------------------------------------------------------------------------
 *
 * delta/lookup_index.h
 *	  Which indexes of base tables a node needs for looking rows up, and lacks.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_LOOKUP_INDEX_H
#define TV_LOOKUP_INDEX_H

#include "delta/graph.h"

typedef struct TvMissingIndex
{
	int			source;			/* index in graph->sources: whose changes need
								 * it; -1: groups that are recomputed */
	Oid			relid;			/* a table or maintained view */
	List	   *exprs;			/* of Expr *: what it should be on; Vars have
								 * varno 1 */
} TvMissingIndex;

/*
 * The indexes without which tables are scanned for a changed row: List of
 * TvMissingIndex *, in the current memory context.  Locks what it looks at.
 */
extern List *tv_missing_indexes(const TvGraph *graph, const TvNode *node);

#endif							/* TV_LOOKUP_INDEX_H */
