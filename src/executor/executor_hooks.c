/*-------------------------------------------------------------------------
 *
 * executor/executor_hooks.c
 *	  One statement's life: frames, reads, and the flush at its end.
 *
 * ExecutorRun of a statement that changes data pushes a frame, ExecutorFinish
 * pops it after the server has fired all triggers, and flushes.  ExecutorStart
 * of a statement that reads a view flushes first when something is pending.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/transam.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "replication/logicalworker.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "catalog/tv_catalog.h"
#include "config.h"
#include "executor/changeset.h"
#include "executor/executor_hooks.h"
#include "executor/flush.h"
#include "executor/frames_internal.h"
#include "executor/snapshot_check.h"
#include "planner/view_cache.h"
#include "tv_compat.h"

static ExecutorStart_hook_type prev_ExecutorStart = NULL;
static ExecutorRun_hook_type prev_ExecutorRun = NULL;
static ExecutorFinish_hook_type prev_ExecutorFinish = NULL;

/*
 * A library loaded in the middle of a statement does not know the frames of
 * that statement: nothing is flushed before the next one begins.
 */
static TimestampTz loaded_in_statement = 0;

static void flush_before_read(QueryDesc *desc);
static bool reads_views(PlannedStmt *stmt);
static bool calls_user_functions(PlannedStmt *stmt);
static bool affected(Oid view);

/* May a flush be made at the end of a statement? */
static bool
may_flush(void)
{
	if (loaded_in_statement != 0)
	{
		if (GetCurrentStatementStartTimestamp() == loaded_in_statement)
			return false;
		loaded_in_statement = 0;
	}
	return !IsParallelWorker() && !IsLogicalWorker();
}

static void
tv_ExecutorStart(QueryDesc *desc, int eflags)
{
	if ((tv_changes_exist() || !tv_frames_empty()) && !tv_flush_running() &&
		!(eflags & EXEC_FLAG_EXPLAIN_ONLY))
		flush_before_read(desc);
	if (desc->plannedstmt->relationOids && !(eflags & EXEC_FLAG_EXPLAIN_ONLY) && !IsParallelWorker())
		tv_snapshot_check(desc->plannedstmt->relationOids, desc->snapshot);
	if (prev_ExecutorStart)
		prev_ExecutorStart(desc, eflags);
	else
		standard_ExecutorStart(desc, eflags);
}

static void
call_run(QueryDesc *desc, ScanDirection direction, uint64 count, bool once)
{
	if (prev_ExecutorRun)
		TV_CALL_EXECUTOR_RUN(prev_ExecutorRun, desc, direction, count, once);
	else
		TV_CALL_EXECUTOR_RUN(standard_ExecutorRun, desc, direction, count, once);
}

static void
tv_ExecutorRun(QueryDesc *desc, ScanDirection direction, uint64 count TV_EXECUTE_ONCE_PARAM)
{
	TvFrame    *frame = NULL;

	if ((desc->operation != CMD_SELECT || desc->plannedstmt->hasModifyingCTE) &&
		!IsParallelWorker() && tv_frame_of(desc) == NULL)
		frame = tv_frame_push(desc);
	if (frame == NULL)
	{
		call_run(desc, direction, count, TV_EXECUTE_ONCE_VALUE);
		return;
	}
	PG_TRY();
	{
		call_run(desc, direction, count, TV_EXECUTE_ONCE_VALUE);
	}
	PG_CATCH();
	{
		tv_frame_pop(frame);
		PG_RE_THROW();
	}
	PG_END_TRY();
}

static void
tv_ExecutorFinish(QueryDesc *desc)
{
	TvFrame    *frame = tv_frames_empty() ? NULL : tv_frame_of(desc);

	PG_TRY();
	{
		if (prev_ExecutorFinish)
			prev_ExecutorFinish(desc);
		else
			standard_ExecutorFinish(desc);
	}
	PG_CATCH();
	{
		if (frame)
			tv_frame_pop(frame);
		PG_RE_THROW();
	}
	PG_END_TRY();

	if (frame == NULL)
		return;
	tv_frame_end(frame);
	if (tv_changes_exist() && may_flush())
	{
		/* account for it as part of the statement */
		if (desc->totaltime)
			InstrStartNode(desc->totaltime);
		(void) tv_flush();
		if (desc->totaltime)
			InstrStopNode(desc->totaltime, 0);
	}
}

/*
 * A statement is about to read.  If it can see a view with pending changes,
 * flush and give it a snapshot that sees the result.  If part of a change is
 * not known yet, a view it concerns cannot be shown.
 */
static void
flush_before_read(QueryDesc *desc)
{
	PlannedStmt *stmt = desc->plannedstmt;
	ListCell   *lc;
	Snapshot	snapshot;

	if (IsInParallelMode() || IsParallelWorker() || stmt->utilityStmt)
		return;
	if (!reads_views(stmt) && !calls_user_functions(stmt))
		return;

	if (!tv_frame_undelivered(InvalidOid) && may_flush())
	{
		if (!tv_changes_exist())
			return;
		(void) tv_flush();
		snapshot = desc->snapshot;
		if (snapshot == NULL || IsolationUsesXactSnapshot())
		{
			if (snapshot)
				snapshot->curcid = GetCurrentCommandId(false);
			return;
		}
		/* own, unshared snapshot of the query: exchange it for a new one */
		if (ActiveSnapshotSet() && GetActiveSnapshot() == snapshot &&
			snapshot->active_count == 1 && snapshot->regd_count == 1)
		{
			PopActiveSnapshot();
			UnregisterSnapshot(snapshot);
			PushActiveSnapshot(GetTransactionSnapshot());
			desc->snapshot = RegisterSnapshot(GetActiveSnapshot());
			return;
		}
		if (!reads_views(stmt))
			return;
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("cannot read a maintained view whose changes the query's snapshot does not see"),
				 errdetail("The query shares its snapshot with another one that began before the change."),
				 errhint("Read the view in a statement of its own, or in a VOLATILE function.")));
	}

	foreach(lc, stmt->relationOids)
	{
		if (!tv_catalog_is_view(lfirst_oid(lc)) || !affected(lfirst_oid(lc)) ||
			tv_read_in_statement == TV_READ_BEFORE)
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("view \"%s\" has changes of a statement in progress",
						get_rel_name(lfirst_oid(lc))),
				 errdetail("A statement is changing a base table of the view; what it changes is not known before it ends."),
				 errhint("Read the view in an AFTER STATEMENT trigger, query the base tables, or set tview.read_in_statement to \"before\".")));
	}
}

static bool
reads_views(PlannedStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->relationOids)
		if (tv_catalog_is_view(lfirst_oid(lc)))
		return true;
	return false;
}

/* Functions that did not come with the server may read anything. */
static bool
calls_user_functions(PlannedStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->invalItems)
		if (lfirst_node(PlanInvalItem, lc)->cacheId == PROCOID)
		return true;
	return false;
}

/* Does a view depend on something undelivered or pending? */
static bool
affected(Oid view)
{
	ListCell   *lc;

	check_stack_depth();
	if (tv_changes_find(view) && tv_changes_find(view)->segments)
		return true;
	foreach(lc, tv_catalog_sources(view))
	{
		Oid			source = lfirst_oid(lc);
		TvChanges  *changes = tv_changes_find(source);

		if (tv_frame_undelivered(source) || (changes && changes->segments))
			return true;
		if (tv_catalog_is_view(source) && affected(source))
			return true;
	}
	return false;
}

static void
xact_callback(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			/* normally nothing is left; what is must not be lost */
			tv_frames_reset();
			if (tv_changes_exist() && !IsParallelWorker())
			{
				PushActiveSnapshot(GetTransactionSnapshot());
				(void) tv_flush();
				PopActiveSnapshot();
			}
			tv_changes_end_transaction();
			break;
		case XACT_EVENT_ABORT:
			tv_frames_reset();
			tv_changes_end_transaction();
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PREPARE:
			break;
		default:
			return;
	}
	if (event != XACT_EVENT_PRE_COMMIT && event != XACT_EVENT_PRE_PREPARE)
	{
		tv_snapshot_end_transaction();
		tv_view_cache_end_transaction();
	}
}

static void
subxact_callback(SubXactEvent event, SubTransactionId subid, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_COMMIT_SUB)
		tv_changes_end_subtransaction(true, subid, parent);
	else if (event == SUBXACT_EVENT_ABORT_SUB)
		tv_changes_end_subtransaction(false, subid, parent);
}

void
tv_executor_init(void)
{
	prev_ExecutorStart = ExecutorStart_hook;
	ExecutorStart_hook = tv_ExecutorStart;
	prev_ExecutorRun = ExecutorRun_hook;
	ExecutorRun_hook = tv_ExecutorRun;
	prev_ExecutorFinish = ExecutorFinish_hook;
	ExecutorFinish_hook = tv_ExecutorFinish;
	RegisterXactCallback(xact_callback, NULL);
	RegisterSubXactCallback(subxact_callback, NULL);
	if (IsTransactionState())
		loaded_in_statement = GetCurrentStatementStartTimestamp();
}
