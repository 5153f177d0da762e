/*-------------------------------------------------------------------------
 *
 * commands/settle_tree.h
 *	  What partitions and children that come and go mean for views.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_SETTLE_TREE_H
#define TV_SETTLE_TREE_H

#include "commands/command.h"

/* Links were made or removed: note the tables as touched. */
extern void tv_settle_links_noted(List *links);

/*
 * Links (List of TvLink *) were made or removed by the statement: arm and
 * disarm tables, and capture the rows that their former and new ancestors have
 * lost or gained.
 */
extern void tv_settle_links(List *links);

/* The same in pg_upgrade: only triggers have to be made. */
extern void tv_settle_links_of_upgrade(List *links);

/*
 * A table is about to be dropped: capture the rows that its ancestors lose,
 * unless they go with it.
 */
extern void tv_settle_table_dropping(Oid relid);

/*
 * A table is about to be changed: raise 55006 if a command in progress has left
 * views not ready to be told.
 */
extern void tv_settle_check_change(Oid relid);

/* A statement names tables or schemas to be dropped (DropStmt *). */
extern void tv_drop(TvUtility *utility, Node *node);

#endif							/* TV_SETTLE_TREE_H */
