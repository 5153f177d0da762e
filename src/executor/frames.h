/*-------------------------------------------------------------------------
 *
 * executor/frames.h
 *	  Which changes of statements in progress are not yet delivered.
 *
 * One frame per executing data-changing statement; a frame knows the
 * (relation, operation) pairs whose rows may have changed and that our
 * triggers have not delivered.  A flush is exact only when no frame has any.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_FRAMES_H
#define TV_FRAMES_H

#include "executor/execdesc.h"
#include "nodes/nodes.h"

typedef struct TvFrame TvFrame;

/*
 * For a statement run by a utility (COPY FROM, TRUNCATE): push a frame with
 * relations, of operation op (CMD_INSERT; CMD_UTILITY means TRUNCATE).  The
 * caller pops it, also on error (PG_TRY/PG_CATCH).
 */
extern TvFrame *tv_frame_push_utility(List *relids, CmdType op);
extern void tv_frame_pop(TvFrame *frame);

/*
 * Called with each relation that a statement is about to change, as it is named
 * there; may raise an error.  Set by whoever knows what is not ready for it.
 */
typedef void (*TvFrameCheck) (Oid relid);
extern TvFrameCheck tv_frame_check;

/* Does a statement in progress modify this relation? */
extern bool tv_frame_modifies(Oid relid);

/* Is something undelivered, for this relation (or, InvalidOid, at all)? */
extern bool tv_frame_undelivered(Oid relid);

#endif							/* TV_FRAMES_H */
