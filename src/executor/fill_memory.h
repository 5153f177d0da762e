/*-------------------------------------------------------------------------
 *
 * executor/fill_memory.h
 *	  Memory for queries that fill a view.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_FILL_MEMORY_H
#define TV_FILL_MEMORY_H

#include "nodes/plannodes.h"

/*
 * Raise work_mem to what a query that fills a view is run with, or, without a
 * plan, to what it is planned with.  Gives the nest level of settings by which
 * AtEOXact_GUC() takes it back.
 */
extern int	tv_fill_memory_enter(const PlannedStmt *stmt);

#endif							/* TV_FILL_MEMORY_H */
