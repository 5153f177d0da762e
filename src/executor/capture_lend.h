/*-------------------------------------------------------------------------
 *
 * executor/capture_lend.h
 *	  Flush many changed rows off the transition tables, without a copy.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_CAPTURE_LEND_H
#define TV_CAPTURE_LEND_H

#include "commands/trigger.h"

#include "executor/changeset.h"

/*
 * If a trigger call brings many rows, let the changes stand for its transition
 * tables.  False, having done nothing, if it brings few.  *lent: tv_capture_lent()
 * is to be called before the trigger returns.  what_changed: as in
 * tv_changes_add_update().
 */
extern bool tv_capture_lend(TvChanges *changes, TriggerData *trigdata, bool what_changed,
							bool *lent);

/*
 * The delivery is noted: flush now if nothing is undelivered, and copy what
 * then is still pending.
 */
extern void tv_capture_lent(TvChanges *changes);

#endif							/* TV_CAPTURE_LEND_H */
