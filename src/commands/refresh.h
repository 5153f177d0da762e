/*-------------------------------------------------------------------------
 *
 * commands/refresh.h
 *	  REFRESH MATERIALIZED VIEW of a maintained view.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_REFRESH_H
#define TV_REFRESH_H

#include "commands/command.h"

/* RefreshMatViewStmt; any of them, ours or not. */
extern void tv_refresh(TvUtility *utility, Node *stmt);

/*
 * Refresh views, on behalf of their owners: their definitions need other stores
 * now, and their contents are to change as well.
 */
extern void tv_refresh_again(List *views);

#endif							/* TV_REFRESH_H */
