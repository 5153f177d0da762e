/*-------------------------------------------------------------------------
 *
 * executor/capture_lend.c
 *	  Flush many changed rows off the transition tables, without a copy.
 *
 * A flush at the end of the statement comes too late for that: the server has
 * dropped the transition tables.  Our trigger call is the last delivery of most
 * statements, so the flush is made in it.  Nothing else differs: what the
 * statement does after it (other triggers) are statements of their own.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/rel.h"

#include "executor/capture_lend.h"
#include "executor/executor_hooks.h"
#include "executor/flush.h"
#include "executor/frames_internal.h"

/* Fewer rows are copied, which is cheap, and flushed with the statement. */
#define TV_LEND_ROWS 64

/* Does an update change anything that a view reads? */
static bool
has_changes(TvTransition *transition)
{
	TvTransitionCursor cursor;
	bool		found;

	tv_transition_begin(transition, &cursor, true);
	found = tv_transition_next(&cursor) != NULL;
	tv_transition_end(&cursor);
	return found;
}

bool
tv_capture_lend(TvChanges *changes, TriggerData *trigdata, bool what_changed, bool *lent)
{
	Tuplestorestate *old_rows;
	Tuplestorestate *new_rows;
	TvTransition *transition;

	if (TRIGGER_FIRED_FOR_ROW(trigdata->tg_event) ||
		TRIGGER_FIRED_BY_TRUNCATE(trigdata->tg_event))
		return false;
	old_rows = TRIGGER_FIRED_BY_INSERT(trigdata->tg_event) ? NULL : trigdata->tg_oldtable;
	new_rows = TRIGGER_FIRED_BY_DELETE(trigdata->tg_event) ? NULL : trigdata->tg_newtable;
	if ((old_rows ? tuplestore_tuple_count(old_rows) : 0) +
		(new_rows ? tuplestore_tuple_count(new_rows) : 0) < TV_LEND_ROWS)
		return false;
	transition = tv_transition_make(old_rows, new_rows, RelationGetDescr(trigdata->tg_relation),
									changes->layout);
	if (has_changes(transition))
	{
		tv_changes_lend(changes, transition, what_changed ? tv_transition_columns(transition) : NULL);
		*lent = true;
	}
	return true;
}

void
tv_capture_lent(TvChanges *changes)
{
	if (tv_may_flush() && !tv_frame_undelivered(InvalidOid))
		(void) tv_flush_immediate();
	tv_changes_keep(changes);
}
