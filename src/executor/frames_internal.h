/*-------------------------------------------------------------------------
 *
 * executor/frames_internal.h
 *	  Frames as the executor hooks and the trigger function use them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_FRAMES_INTERNAL_H
#define TV_FRAMES_INTERNAL_H

#include "executor/frames.h"

/* Push a frame for a plan that changes data; its targets live in the query's context. */
extern TvFrame *tv_frame_push(QueryDesc *desc);

/* The frame of a query, or NULL. */
extern TvFrame *tv_frame_of(QueryDesc *desc);

/*
 * Pop a frame whose statement ended.  If its triggers are fired by the
 * enclosing statement (foreign key actions), what it has not delivered passes
 * to that.
 */
extern void tv_frame_end(TvFrame *frame);

/* Our trigger has delivered the rows of this operation. */
extern void tv_frame_delivered(Oid relid, CmdType op);

/*
 * Are the rows that our trigger is about to deliver those of one statement?
 * Foreign key actions that a statement causes deliver with each other and with
 * it, and may have changed a row several times.
 */
extern bool tv_frame_is_single(Oid relid, CmdType op);

extern bool tv_frames_empty(void);

/* At the end of a transaction no statement runs. */
extern void tv_frames_reset(void);

/* Nor does one that began in a subtransaction that is rolled back. */
extern void tv_frames_abort_subtransaction(SubTransactionId subid);

#endif							/* TV_FRAMES_INTERNAL_H */
