/*-------------------------------------------------------------------------
 *
 * executor/flush.h
 *	  Turn pending changes into changes of views.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_FLUSH_H
#define TV_FLUSH_H

#include "nodes/pg_list.h"

/*
 * Flush everything pending, if nothing is undelivered.  Returns false when
 * something is undelivered, in which case nothing was done.  Cheap when
 * nothing is pending.
 */
extern bool tv_flush(void);

/* The same at the end of a statement: views that are deferred wait. */
extern bool tv_flush_immediate(void);

/*
 * The same before views (List of Oid) are read: these, and what they read.
 * Only what these depend on has to be delivered.
 */
extern bool tv_flush_read(List *views);

/* Is a flush running in this backend? */
extern bool tv_flush_running(void);

/* Grows when a change is applied, though it may turn out to change no row. */
extern uint64 tv_flush_count(void);

/*
 * OIDs of the views that changes of these relations (List of Oid) can reach,
 * lower ones first.
 */
extern List *tv_flush_reachable(List *relids);

/*
 * For utility statements: flush everything pending first.  Raises 55006 when
 * something pending cannot be flushed because a statement is in progress.
 */
extern void tv_flush_for_utility(void);

#endif							/* TV_FLUSH_H */
