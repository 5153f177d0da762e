/*-------------------------------------------------------------------------
 *
 * executor/executor_hooks.c
 *	  One statement's life: frames, reads, and the flush at its end.
 *
 * ExecutorRun of a statement that changes data pushes a frame, ExecutorFinish
 * pops it after the server has fired all triggers, and flushes what cannot wait
 * for the end of the transaction.  ExecutorStart of a statement that reads a
 * view flushes first when something is pending.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "replication/logicalworker.h"
#include "utils/timestamp.h"

#include "executor/changeset.h"
#include "executor/dependency.h"
#include "executor/executor_hooks.h"
#include "executor/flush.h"
#include "executor/flush_on_read.h"
#include "executor/frames_internal.h"
#include "executor/lock_tags.h"
#include "executor/row_memory.h"
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

/* Statements in progress, one inside the other. */
static int	nesting = 0;

/*
 * The transaction is committing, and what was pending has been applied: what is
 * changed from now on (by another extension) cannot wait.
 */
static bool closing = false;

void
tv_statement_begin(void)
{
	nesting++;
}

bool
tv_statement_end(void)
{
	return --nesting == 0;
}

void
tv_statement_flush(bool outermost)
{
	if (!tv_changes_exist() || !tv_may_flush())
		return;
	/* for statement_timeout it is a part of the statement here */
	if (closing || (outermost && !IsTransactionBlock()))
		(void) tv_flush();
	else
		(void) tv_flush_immediate();
}

bool
tv_may_flush(void)
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
		tv_flush_before_query(desc);
	if (desc->plannedstmt->relationOids && !(eflags & EXEC_FLAG_EXPLAIN_ONLY) && !IsParallelWorker())
		tv_check_query_snapshot(desc);
	if (TV_VIEWS_LACK_PREDICATE_LOCKS && IsolationIsSerializable() &&
		!(eflags & EXEC_FLAG_EXPLAIN_ONLY))
		tv_note_query_reads(desc);
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
	TvFrame    *volatile frame = NULL;

	if ((desc->operation != CMD_SELECT || desc->plannedstmt->hasModifyingCTE) &&
		!IsParallelWorker() && tv_frame_of(desc) == NULL)
		frame = tv_frame_push(desc);
	tv_statement_begin();
	PG_TRY();
	{
		call_run(desc, direction, count, TV_EXECUTE_ONCE_VALUE);
	}
	PG_CATCH();
	{
		(void) tv_statement_end();
		if (frame)
			tv_frame_pop(frame);
		PG_RE_THROW();
	}
	PG_END_TRY();

	/*
	 * A SELECT called functions that changed something.  When it is finished,
	 * there is no snapshot any more.
	 */
	if (tv_statement_end() && frame == NULL && count == 0)
		tv_statement_flush(true);
}

static void
tv_ExecutorFinish(QueryDesc *desc)
{
	TvFrame    *frame = tv_frames_empty() ? NULL : tv_frame_of(desc);
	bool		outermost;

	tv_statement_begin();
	PG_TRY();
	{
		if (prev_ExecutorFinish)
			prev_ExecutorFinish(desc);
		else
			standard_ExecutorFinish(desc);
	}
	PG_CATCH();
	{
		(void) tv_statement_end();
		if (frame)
			tv_frame_pop(frame);
		PG_RE_THROW();
	}
	PG_END_TRY();
	outermost = tv_statement_end();

	if (frame == NULL)
		return;
	tv_frame_end(frame);
	if (tv_changes_exist())
	{
		/* account for it as part of the statement */
		if (desc->totaltime)
			InstrStartNode(desc->totaltime);
		tv_statement_flush(outermost);
		if (desc->totaltime)
			InstrStopNode(desc->totaltime, 0);
	}
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
			if (!IsParallelWorker() && !tv_flush())
				ereport(ERROR,
						(errcode(ERRCODE_OBJECT_IN_USE),
						 errmsg("cannot commit while maintained views are being updated"),
						 errdetail("A function called by the definition of a view ends the transaction."),
						 errhint("Functions in a view's definition must not have side effects.")));
			tv_changes_end_transaction();
			closing = true;
			break;
		case XACT_EVENT_ABORT:
			tv_frames_reset();
			tv_changes_end_transaction();
			closing = false;
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PREPARE:
			closing = false;
			break;
		default:
			return;
	}
	if (event != XACT_EVENT_PRE_COMMIT && event != XACT_EVENT_PRE_PREPARE)
	{
		tv_snapshot_end_transaction();
		tv_dependency_end_transaction();
		tv_tags_end_transaction();
		tv_view_cache_end_transaction();
	}
}

static void
subxact_callback(SubXactEvent event, SubTransactionId subid, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_COMMIT_SUB)
		tv_changes_end_subtransaction(true, subid, parent);
	else if (event == SUBXACT_EVENT_ABORT_SUB)
	{
		tv_frames_abort_subtransaction(subid);
		tv_changes_end_subtransaction(false, subid, parent);
	}
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
	tv_tags_init();
	tv_row_memory_init();
	RegisterXactCallback(xact_callback, NULL);
	RegisterSubXactCallback(subxact_callback, NULL);
	if (IsTransactionState())
		loaded_in_statement = GetCurrentStatementStartTimestamp();
}
