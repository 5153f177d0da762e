/*-------------------------------------------------------------------------
 *
 * executor/activity.h
 *	  Counters of maintenance, per view, of this backend.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_ACTIVITY_H
#define TV_ACTIVITY_H

#include "executor/populate.h"

/* The counters of a view, made when missing; they live with the backend. */
extern TvActivity *tv_activity_of(Oid view);

#endif							/* TV_ACTIVITY_H */
