/*-------------------------------------------------------------------------
 *
 * executor/gate.h
 *	  Lock what a flush reads and writes, before it begins.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_GATE_H
#define TV_GATE_H

#include "nodes/pg_list.h"

#include "executor/moment.h"

/*
 * Lock the tables that a flush at this moment reads, and the views that it can
 * reach.  read: views (List of Oid) that are about to be read, for
 * TV_MOMENT_READ.  Returns the OIDs of the views to flush, lower ones first.
 */
extern List *tv_gate_lock(TvMoment moment, List *read);

/*
 * OIDs of the views that read what was changed for every snapshot at once, as
 * by TRUNCATE, lower ones first.
 */
extern List *tv_gate_changed_for_all(void);

#endif							/* TV_GATE_H */
