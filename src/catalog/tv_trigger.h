/*-------------------------------------------------------------------------
 *
 * catalog/tv_trigger.h
 *	  The internal triggers on base tables that deliver changes.
 *
 * Five per base table, shared by all views over it: AFTER INSERT, UPDATE and
 * DELETE FOR EACH STATEMENT with transition tables named tview_old and
 * tview_new, and BEFORE TRUNCATE, enabled ALWAYS; and one FOR EACH ROW, enabled
 * for REPLICA, for the apply workers of subscriptions.  Internal, function
 * tview.capture(), names that sort first.  PARTITION_PRI dependency on the base table,
 * PARTITION_SEC on the access method, so that nobody drops one by hand, DROP
 * TABLE takes them along and DROP EXTENSION too.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_TRIGGER_H
#define TV_TRIGGER_H

/* Make those triggers that are missing (found by function, never by name). */
extern void tv_trigger_arm(Oid relid);

/* Drop them; nothing if there are none. */
extern void tv_trigger_disarm(Oid relid);

/* Does the relation have our triggers, all of them, enabled as they should be? */
extern bool tv_trigger_is_armed(Oid relid);

#endif							/* TV_TRIGGER_H */
