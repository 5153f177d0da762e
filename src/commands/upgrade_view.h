/*-------------------------------------------------------------------------
 *
 * commands/upgrade_view.h
 *	  CREATE MATERIALIZED VIEW as pg_upgrade runs it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_UPGRADE_VIEW_H
#define TV_UPGRADE_VIEW_H

#include "commands/command.h"
#include "delta/graph.h"

/*
 * Create a view whose contents, state and catalog rows are moved by
 * pg_upgrade.  graph is NULL if its definition is refused.
 */
extern void tv_upgrade_view(TvUtility *utility, Query *definition, const TvGraph *graph);

/*
 * These views read plain views that have been replaced: a dump makes a view
 * that depends on a constraint without its query first.
 */
extern void tv_upgrade_redefined(List *views);

#endif							/* TV_UPGRADE_VIEW_H */
