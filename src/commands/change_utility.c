/*-------------------------------------------------------------------------
 *
 * commands/change_utility.c
 *	  Utility statements that change rows: COPY FROM and TRUNCATE.
 *
 * They do not pass through the executor, so the frame that says which
 * relations are being changed is pushed here, and the flush that follows a
 * data-changing statement is run here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/heap.h"
#include "catalog/namespace.h"
#include "catalog/pg_inherits.h"
#include "commands/defrem.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "catalog/tv_catalog.h"
#include "commands/change_utility.h"
#include "executor/capture.h"
#include "executor/executor_hooks.h"
#include "executor/frames.h"
#include "executor/snapshot_check.h"
#include "planner/row_security.h"

static void run_in_frame(TvUtility *utility, List *relids, CmdType op);
static void check_readable(Oid relid);

void
tv_copy(TvUtility *utility, Node *node)
{
	CopyStmt   *stmt = castNode(CopyStmt, node);
	Oid			relid = InvalidOid;

	if (stmt->is_from && stmt->relation)
		relid = RangeVarGetRelid(stmt->relation, NoLock, true);
	if (OidIsValid(relid))
	{
		run_in_frame(utility, list_make1_oid(relid), CMD_INSERT);
		if (tv_copy_freezes(stmt))
			tv_capture_frozen(relid);
		/* Within an outer statement's frame this waits for that one's end. */
		tv_statement_flush(false);
		return;
	}
	if (!stmt->is_from && stmt->relation)
		check_readable(RangeVarGetRelid(stmt->relation, AccessShareLock, true));
	tv_utility_run(utility);
}

bool
tv_copy_freezes(CopyStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, "freeze") == 0)
			return defGetBoolean(option);
	}
	return false;
}

/* From 18 on a materialized view can be copied without a query. */
static void
check_readable(Oid relid)
{
	if (!OidIsValid(relid) || !tv_catalog_is_view(relid))
		return;
	tv_row_security_check(relid);
	if (IsolationUsesXactSnapshot())
		tv_snapshot_check(list_make1_oid(relid), GetTransactionSnapshot());
}

void
tv_truncate(TvUtility *utility, Node *node)
{
	run_in_frame(utility, tv_truncated_relations(castNode(TruncateStmt, node)), CMD_UTILITY);
	tv_statement_flush(false);
}

static void
run_in_frame(TvUtility *utility, List *relids, CmdType op)
{
	TvFrame    *frame = tv_frame_push_utility(relids, op);

	PG_TRY();
	{
		tv_utility_run(utility);
	}
	PG_FINALLY();
	{
		tv_frame_pop(frame);
	}
	PG_END_TRY();
}

/* One that joins in the meantime has its trigger fired all the same. */
List *
tv_truncated_relations(TruncateStmt *stmt)
{
	List	   *relids = NIL;
	ListCell   *lc;

	foreach(lc, stmt->relations)
	{
		RangeVar   *relation = lfirst_node(RangeVar, lc);
		Oid			relid = RangeVarGetRelid(relation, NoLock, true);

		if (!OidIsValid(relid))
			continue;
		if (relation->inh)
			relids = list_concat_unique_oid(relids, find_all_inheritors(relid, NoLock, NULL));
		else
			relids = list_append_unique_oid(relids, relid);
	}
	if (stmt->behavior == DROP_CASCADE)
	{
		List	   *more;

		while ((more = list_difference_oid(heap_truncate_find_FKs(relids), relids)) != NIL)
			relids = list_concat(relids, more);
	}
	return relids;
}
