/*-------------------------------------------------------------------------
 *
 * executor/flush_on_read.c
 *	  Bring views up to date before a query of the same transaction reads them.
 *
 * Cached plans pass no planner hook, so the start of the executor is the place
 * that sees every query.  The query has its snapshot by then, which does not
 * see what the flush is about to write: it is exchanged for a new one.  Only
 * advancing its command ID would not do at READ COMMITTED: the flush may have
 * waited, and built upon what others committed.  This is so, too, if it has
 * written nothing, because what it would have changed is gone.  It is exchanged in
 * place, for a portal or a function may have it on the stack more than once, for
 * the queries that come after this one.
 *
 * A view named in the query is flushed with what it reads.  If functions may
 * read any view under the query's snapshot, all are flushed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "replication/logicalworker.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "catalog/tv_catalog.h"
#include "config.h"
#include "executor/changeset.h"
#include "executor/dependency.h"
#include "executor/executor_hooks.h"
#include "executor/flush.h"
#include "executor/flush_on_read.h"
#include "executor/frames.h"
#include "executor/function_reads.h"
#include "executor/isolation.h"
#include "executor/moment.h"
#include "executor/snapshot_check.h"
#include "planner/row_security.h"

static List *views_among(List *relids);
static bool is_behind(Snapshot snapshot, CommandId cid, uint64 nflushed);
static bool renew_snapshot(QueryDesc *desc);
static void replace_snapshot(Snapshot snapshot, Snapshot latest);
static void check_readable(Oid view);
static bool affected(Oid view, bool *lagging);
pg_noreturn static void refuse_shared_snapshot(void);

void
tv_flush_before_query(QueryDesc *desc)
{
	PlannedStmt *stmt = desc->plannedstmt;
	List	   *views;
	bool		functions;
	CommandId	cid = GetCurrentCommandId(false);
	uint64		nflushed = tv_flush_count();
	ListCell   *lc;

	if (IsInParallelMode() || IsParallelWorker() || stmt->utilityStmt)
		return;
	views = views_among(stmt->relationOids);
	functions = tv_functions_read(stmt);
	if (views == NIL && !functions)
		return;

	if (tv_may_flush() && !(functions && tv_flush()))
		(void) tv_flush_read(views);
	if (is_behind(desc->snapshot, cid, nflushed) && !renew_snapshot(desc) && views != NIL)
		refuse_shared_snapshot();
	foreach(lc, views)
		check_readable(lfirst_oid(lc));
}

static List *
views_among(List *relids)
{
	List	   *views = NIL;
	ListCell   *lc;

	foreach(lc, relids)
		if (tv_catalog_is_view(lfirst_oid(lc)))
		views = list_append_unique_oid(views, lfirst_oid(lc));
	return views;
}

/*
 * The views that a query reads.  relationOids would name those, too, whose OID
 * is a constant in it, as queries of catalogs have it.
 */
static List *
views_read(PlannedStmt *stmt)
{
	List	   *views = NIL;
	ListCell   *lc;

	foreach(lc, stmt->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (rte->rtekind == RTE_RELATION && rte->relkind == RELKIND_MATVIEW)
			views = lappend_oid(views, rte->relid);
	}
	return views;
}

/*
 * A query at READ COMMITTED that is shut out is one whose snapshot was taken
 * before it came to wait for the view, or just before the view changed.
 */
void
tv_check_query_snapshot(QueryDesc *desc)
{
	List	   *relids = views_read(desc->plannedstmt);
	ListCell   *lc;

	foreach(lc, relids)
		if (tv_catalog_is_view(lfirst_oid(lc)))
		tv_row_security_check(lfirst_oid(lc));
	if (relids == NIL || !tv_snapshot_too_old(relids, desc->snapshot))
		return;
	if (!IsolationUsesXactSnapshot())
		(void) renew_snapshot(desc);
	tv_snapshot_check(relids, desc->snapshot);
}

void
tv_note_query_reads(QueryDesc *desc)
{
	ListCell   *lc;

	foreach(lc, views_read(desc->plannedstmt))
		if (tv_catalog_is_view(lfirst_oid(lc)))
		tv_dependency_read(lfirst_oid(lc));
}

/*
 * Does the snapshot of a query not see the state that a flush has built upon?
 * cid, nflushed: before the flush.
 */
static bool
is_behind(Snapshot snapshot, CommandId cid, uint64 nflushed)
{
	if (GetCurrentCommandId(false) != cid)
		return true;
	return tv_flush_count() != nflushed && !IsolationUsesXactSnapshot() && snapshot != NULL &&
		!tv_isolation_is_newest(snapshot);
}

/*
 * Let the query see what was written since it got its snapshot.  False if the
 * snapshot is that of a query in progress, too: such a one has registered it.
 */
static bool
renew_snapshot(QueryDesc *desc)
{
	Snapshot	snapshot = desc->snapshot;

	if (snapshot == NULL)
		return true;
	if (snapshot->regd_count != 1)
		return false;
	if (IsolationUsesXactSnapshot())
	{
		snapshot->curcid = GetCurrentCommandId(false);
		return true;
	}
	if (!ActiveSnapshotSet() || GetActiveSnapshot() != snapshot)
		return false;
	/* those registered are in the order of their xmin */
	UnregisterSnapshot(snapshot);
	replace_snapshot(snapshot, GetTransactionSnapshot());
	(void) RegisterSnapshot(snapshot);
	return true;
}

/* The old arrays are part of the old snapshot's memory. */
static void
replace_snapshot(Snapshot snapshot, Snapshot latest)
{
	SnapshotData old = *snapshot;

	Assert(old.copied && old.active_count > 0 && old.regd_count == 0);
	*snapshot = *latest;
	snapshot->copied = true;
	snapshot->active_count = old.active_count;
	snapshot->regd_count = 0;
	snapshot->ph_node = old.ph_node;
	snapshot->xip = snapshot->subxip = NULL;
	if (latest->xcnt > 0)
	{
		snapshot->xip = MemoryContextAlloc(TopTransactionContext, latest->xcnt * sizeof(TransactionId));
		memcpy(snapshot->xip, latest->xip, latest->xcnt * sizeof(TransactionId));
	}
	if (latest->subxcnt > 0)
	{
		snapshot->subxip = MemoryContextAlloc(TopTransactionContext, latest->subxcnt * sizeof(TransactionId));
		memcpy(snapshot->subxip, latest->subxip, latest->subxcnt * sizeof(TransactionId));
	}
}

static void
refuse_shared_snapshot(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("cannot read a maintained view whose changes the query's snapshot does not see"),
			 errdetail("The query shares its snapshot with another one that began before the change."),
			 errhint("Read the view in a statement of its own, or in a VOLATILE function.")));
}

/* Raise 55000 if the view does not show this transaction's own changes. */
static void
check_readable(Oid view)
{
	bool		lagging = false;

	if (!affected(view, &lagging))
		return;
	/* As before the statement; not as before those that came earlier. */
	if (tv_read_in_statement == TV_READ_BEFORE && !lagging)
		return;
	if (!tv_may_flush() && !IsLogicalWorker())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("view \"%s\" has changes that cannot be applied yet", get_rel_name(view)),
				 errdetail("pg_tviews was loaded by the message of the client that is being processed; a statement that it does not know of may be in progress."),
				 errhint("Add pg_tviews to shared_preload_libraries or session_preload_libraries, or send each statement by itself.")));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("view \"%s\" has changes of a statement in progress", get_rel_name(view)),
			 lagging ?
			 errdetail("A statement is changing a base table of the view, and changes of earlier ones have not been applied yet, because a view is deferred.") :
			 errdetail("A statement is changing a base table of the view; what it changes is not known before it ends."),
			 lagging ?
			 errhint("Read the view in an AFTER STATEMENT trigger, or query the base tables.") :
			 errhint("Read the view in an AFTER STATEMENT trigger, query the base tables, or set tview.read_in_statement to \"before\".")));
}

/*
 * Does a view depend on something undelivered or pending?  lagging is set if
 * something pending may be older than the statement in progress.
 */
static bool
affected(Oid view, bool *lagging)
{
	bool		result = false;
	ListCell   *lc;

	check_stack_depth();
	foreach(lc, tv_catalog_sources(view))
	{
		Oid			source = lfirst_oid(lc);
		TvChanges  *changes = tv_changes_find(source);

		if (tv_frame_undelivered(source))
			result = true;
		if (changes && tv_moment_view_pending(view, changes))
		{
			result = true;
			*lagging |= changes->lagging;
		}
		if (tv_catalog_is_view(source) && affected(source, lagging))
			result = true;
	}
	return result;
}
