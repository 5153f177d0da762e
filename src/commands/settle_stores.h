/*-------------------------------------------------------------------------
 *
 * commands/settle_stores.h
 *	  Views that need other stores than they have.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_SETTLE_STORES_H
#define TV_SETTLE_STORES_H

#include "nodes/pg_list.h"

/*
 * Look again at views: each may need other state tables, or another index, and
 * so may all that read it then.
 */
extern void tv_settle_stores(List *views);

/*
 * Rows are about to come or go.  Views that can no longer be maintained are
 * given up; those that now need other stores cannot take the change: they, and
 * all that read them, do not count as readers until the caller refreshes them.
 * Returns these.
 */
extern List *tv_settle_set_aside(List *views);

#endif							/* TV_SETTLE_STORES_H */
