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

/* A populated view that the notes of a statement concern, or InvalidOid. */
extern Oid	tv_settle_concerns(const TvCommand *command);

/* Clean up after views that were dropped. */
extern void tv_settle_dropped(List *views);

/* Does a view, populated or not, read the table or an ancestor of it? */
extern bool tv_settle_is_read(Oid relid);

/*
 * Has any view to do with the relation: is it one, or a part of one, or does one
 * use it, its rows' type, or what stands above or below it in a tree?
 */
extern bool tv_settle_is_used(Oid relid);

/*
 * Drop the triggers of those of these tables, and of their partitions and
 * children, that no view reads.
 */
extern void tv_settle_disarm_unread(List *relids);

#endif							/* TV_SETTLE_H */
