/*-------------------------------------------------------------------------
 *
 * commands/unpopulate.h
 *	  Give up views that cannot be vouched for.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_UNPOPULATE_H
#define TV_UNPOPULATE_H

#include "nodes/pg_list.h"

/*
 * Set the populated ones among views, and all that read them, unpopulated:
 * reading one is an error from then on, until REFRESH.  Warns, with reason
 * (full sentence) as detail; silent when reason is NULL.
 */
extern void tv_unpopulate(List *views, const char *reason);

/*
 * The populated maintained views that read view, directly or through others,
 * lowest level first; without view itself.  Leaves no locks.
 */
extern List *tv_populated_readers(Oid view);

#endif							/* TV_UNPOPULATE_H */
