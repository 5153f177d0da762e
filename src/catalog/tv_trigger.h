/*-------------------------------------------------------------------------
 *
 * catalog/tv_trigger.h
 *	  The internal triggers on base tables that deliver changes.
 *
 * Internal, shared by all views over the table, function tview.capture(),
 * names that sort first, enabled ALWAYS:
 *
 *	 a table alone		AFTER INSERT, UPDATE and DELETE FOR EACH STATEMENT with
 *						transition tables tview_old and tview_new, BEFORE
 *						TRUNCATE, and one FOR EACH ROW, enabled for REPLICA,
 *						for the apply workers of subscriptions
 *	 a partition, and a	AFTER INSERT OR UPDATE OR DELETE, one FOR EACH ROW and
 *	 table with parents	one FOR EACH STATEMENT, and BEFORE TRUNCATE
 *	 or children
 *	 a partitioned		that FOR EACH STATEMENT
 *	 table
 *
 * PARTITION_PRI dependency on the base table, PARTITION_SEC on the access
 * method, so that nobody drops one by hand, DROP TABLE takes them along and
 * DROP EXTENSION too.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_TRIGGER_H
#define TV_TRIGGER_H

#include "utils/reltrigger.h"

/*
 * Let the relation have the triggers that it should have as it is now, and no
 * others (found by function, never by name).  Returns false if some were there
 * but not enabled.
 */
extern bool tv_trigger_arm(Oid relid);

/* Drop them; nothing if there are none. */
extern void tv_trigger_disarm(Oid relid);

/* Does it have just these, enabled as they should be? */
extern bool tv_trigger_is_armed(Oid relid);

/* Has it any of our triggers? */
extern bool tv_trigger_exists(Oid relid);

/* Is it the trigger that delivers the rows of a table in a tree? */
extern bool tv_trigger_delivers_rows(const Trigger *trigger);

#endif							/* TV_TRIGGER_H */
