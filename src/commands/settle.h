/*-------------------------------------------------------------------------
 *
 * commands/settle.h
 *	  What a statement's effects mean for views.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_SETTLE_H
#define TV_SETTLE_H

#include "commands/command.h"

/*
 * Draw the conclusions from the notes of a statement that has been executed:
 * afterwards every view is right, or unpopulated.
 */
extern void tv_settle(TvCommand *command);

/* Clean up after views that were dropped. */
extern void tv_settle_dropped(List *views);

#endif							/* TV_SETTLE_H */
