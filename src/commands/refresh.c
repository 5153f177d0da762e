/*-------------------------------------------------------------------------
 *
 * commands/refresh.c
 *	  REFRESH MATERIALIZED VIEW of a maintained view.
 *
 * The first REFRESH is what arms a view that was created WITH NO DATA, as a
 * restored dump does.  Later ones bring back a view that was given up, or
 * rewrite it.  What reads the view is refreshed along with it: its state was
 * computed from the old contents.
 *
 * Locks: of definitions, if the view is not populated; inputs by OID, then views
 * by level, then the snapshot.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "catalog/tv_catalog.h"
#include "catalog/tv_state.h"
#include "commands/definition_lock.h"
#include "commands/refresh.h"
#include "commands/unpopulate.h"
#include "commands/view_build.h"
#include "executor/flush.h"
#include "executor/isolation.h"
#include "executor/rights.h"
#include "planner/view_compile.h"
#include "output_settings.h"
#include "tv_compat.h"

static List *get_inputs(Oid view);
static List *lock_all(RefreshMatViewStmt *stmt, Oid view);
static void lock_view_and_inputs(RefreshMatViewStmt *stmt, Oid view);
static void lock_view(RefreshMatViewStmt *stmt, Oid view);
static void lock_inputs(Oid view, List *readers);
static bool needs_arming(List *inputs);
static int	enter_settings(Oid view);
static void refresh(TvUtility *utility, RefreshMatViewStmt *stmt, Oid view);
static void check_visible(Oid view);
static void name_view(void *arg);
static void prepare_statement(TvUtility *utility, Oid view);
static void refresh_reader(Oid view);

void
tv_refresh(TvUtility *utility, Node *node)
{
	RefreshMatViewStmt *stmt = castNode(RefreshMatViewStmt, node);
	Oid			view = RangeVarGetRelid(stmt->relation, NoLock, true);
	ErrorContextCallback callback = {error_context_stack, name_view, stmt->relation->relname};

	/* Who may not refresh it may not wait for its inputs either. */
	if (!OidIsValid(view) || !tv_catalog_is_view(view) || !tv_may_refresh(view))
	{
		tv_utility_run(utility);
		return;
	}
	error_context_stack = &callback;
	refresh(utility, stmt, view);
	error_context_stack = callback.previous;
}

static void
name_view(void *arg)
{
	errcontext("refreshing maintained view \"%s\"", (char *) arg);
}

static void
refresh(TvUtility *utility, RefreshMatViewStmt *stmt, Oid view)
{
	List	   *readers = lock_all(stmt, view);
	ListCell   *lc;
	int			nestlevel;

	if (stmt->concurrent)
		check_visible(view);
	prepare_statement(utility, view);
	nestlevel = enter_settings(view);
	tv_command_current->inputs = stmt->skipData ? NIL : get_inputs(view);
	tv_command_current->arming = tv_view_is_populated(view) ? InvalidOid : view;
	PushActiveSnapshot(GetLatestSnapshot());
	tv_utility_run(utility);
	tv_command_current->inputs = NIL;
	PopActiveSnapshot();
	AtEOXact_GUC(false, nestlevel);

	if (stmt->skipData)
	{
		tv_state_drop_all(view);
		tv_unpopulate(readers, "A maintained view that it reads was emptied.");
		return;
	}
	/* by an event trigger: nothing of it may stay pending */
	if (tv_command_current->input_changed)
	{
		tv_flush_for_utility();
		if (stmt->concurrent)
		{
			LockRelationOid(view, AccessExclusiveLock);
			tv_empty_by_oid(view);
		}
	}
	if (stmt->concurrent && !tv_command_current->input_changed)
		tv_view_build(view);
	else
		(void) tv_view_build_and_fill(view, true);
	foreach(lc, readers)
		refresh_reader(lfirst_oid(lc));
}

/*
 * REFRESH CONCURRENTLY compares the new rows with those of the view that the
 * transaction sees.
 */
static void
check_visible(Oid view)
{
	Relation	rel = table_open(view, NoLock);

	if (!tv_isolation_sees_newest(rel))
		tv_isolation_fail_row(RelationGetRelationName(rel));
	table_close(rel, NoLock);
}

/*
 * Let the statement name the view so that any search_path finds it, and, unless
 * it compares, only empty the view: we fill it.
 */
static void
prepare_statement(TvUtility *utility, Oid view)
{
	RefreshMatViewStmt *stmt;

	utility->pstmt = copyObject(utility->pstmt);
	utility->read_only_tree = false;
	stmt = castNode(RefreshMatViewStmt, utility->pstmt->utilityStmt);
	stmt->relation->schemaname = get_namespace_name(get_rel_namespace(view));
	if (!stmt->concurrent)
		stmt->skipData = true;
}

/* Refresh a view on behalf of its owner, for its input was refreshed. */
static void
refresh_reader(Oid view)
{
	ErrorContextCallback callback = {error_context_stack, name_view, get_rel_name(view)};

	error_context_stack = &callback;
	tv_check_not_in_progress(tv_catalog_sources(view), "refresh a maintained view");
	tv_empty_by_oid(view);
	(void) tv_view_build_and_fill(view, true);
	error_context_stack = callback.previous;
}

void
tv_refresh_again(List *views)
{
	List	   *inputs = NIL;
	ListCell   *lc;

	foreach(lc, views)
		inputs = list_concat_unique_oid(inputs, get_inputs(lfirst_oid(lc)));
	inputs = list_difference_oid(inputs, views);
	list_sort(inputs, list_oid_cmp);
	tv_check_not_in_progress(inputs, "refresh a maintained view");
	tv_lock_relations(inputs, ShareRowExclusiveLock);
	list_sort(views, tv_view_compare_levels);
	foreach(lc, views)
	{
		LockRelationOid(lfirst_oid(lc), AccessExclusiveLock);
		refresh_reader(lfirst_oid(lc));
	}
}

/* The inputs by the definition as it is now; leaves no lock on the view. */
static List *
get_inputs(Oid view)
{
	TvRefusal  *refusal = NULL;
	TvGraph    *graph;
	List	   *inputs;

	LockRelationOid(view, AccessShareLock);
	if (get_rel_name(view) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("the materialized view was dropped concurrently")));
	graph = tv_view_compile(view, &refusal);
	if (graph == NULL)
		tv_refusal_raise(refusal, NULL);
	inputs = tv_graph_inputs(graph);
	UnlockRelationOid(view, AccessShareLock);
	return inputs;
}

/*
 * Returns the populated readers of the view.  Some may have come or gone while
 * we waited; none do once the view and all of them are locked.
 */
static List *
lock_all(RefreshMatViewStmt *stmt, Oid view)
{
	List	   *readers;
	List	   *locked = NIL;

	if (stmt->skipData)
		lock_view(stmt, view);
	else
		lock_view_and_inputs(stmt, view);
	for (;;)
	{
		List	   *more;
		ListCell   *lc;

		readers = tv_populated_readers(view);
		more = list_difference_oid(readers, locked);
		if (more == NIL)
			return readers;
		foreach(lc, more)
			LockRelationOid(lfirst_oid(lc), AccessExclusiveLock);
		locked = list_concat(locked, more);
	}
}

/*
 * What a populated view is made of is recorded, so that DDL finds it, and waits
 * for the lock on it.  If it was emptied while we waited for that lock, what has
 * to come before it is missing.
 */
static void
lock_view_and_inputs(RefreshMatViewStmt *stmt, Oid view)
{
	LOCKMODE	lockmode = stmt->concurrent ? ExclusiveLock : AccessExclusiveLock;

	for (;;)
	{
		bool		populated = tv_catalog_is_populated(view);

		if (!populated)
			tv_definitions_lock();
		lock_inputs(view, tv_populated_readers(view));
		lock_view(stmt, view);
		if (!populated || tv_catalog_is_populated(view))
			return;
		UnlockRelationOid(view, lockmode);
	}
}

static void
lock_view(RefreshMatViewStmt *stmt, Oid view)
{
	LOCKMODE	lockmode = stmt->concurrent ? ExclusiveLock : AccessExclusiveLock;

	if (RangeVarGetRelidExtended(stmt->relation, lockmode, 0,
								 RangeVarCallbackMaintainsTable, NULL) != view)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("materialized view \"%s\" was replaced concurrently",
						stmt->relation->relname)));
}

/*
 * Lock the tables and other views that the views read.  Writers of a table
 * that is armed are kept out by the lock on the view, if it is populated: they
 * lock no other.  Else they have to be kept out of the table.
 */
static void
lock_inputs(Oid view, List *readers)
{
	List	   *own = get_inputs(view);
	List	   *inputs = list_copy(own);
	bool		arming = !tv_catalog_is_populated(view) || needs_arming(own);
	ListCell   *lc;

	tv_check_not_in_progress(own, "refresh a maintained view");
	if (!tv_catalog_has_view(view))
	{
		HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(view));

		if (!HeapTupleIsValid(tuple))
			elog(ERROR, "cache lookup failed for relation %u", view);
		tv_check_trigger_privilege(own, ((Form_pg_class) GETSTRUCT(tuple))->relowner);
		ReleaseSysCache(tuple);
	}

	foreach(lc, readers)
		inputs = list_concat_unique_oid(inputs, tv_catalog_sources(lfirst_oid(lc)));
	inputs = list_difference_oid(inputs, lappend_oid(list_copy(readers), view));
	list_sort(inputs, list_oid_cmp);
	foreach(lc, inputs)
		tv_lock_relations(list_make1_oid(lfirst_oid(lc)),
						  arming && list_member_oid(own, lfirst_oid(lc)) ?
						  ShareRowExclusiveLock : AccessShareLock);
}

static bool
needs_arming(List *inputs)
{
	ListCell   *lc;

	foreach(lc, inputs)
		if (!tv_catalog_is_view(lfirst_oid(lc)) && !tv_source_is_armed(lfirst_oid(lc)))
		return true;
	return false;
}

/*
 * Set what the view's rows are rendered with, until AtEOXact_GUC(), and the
 * search_path that its functions see when it is maintained.  The access method for the server's own temporary table is forced, too: ours is
 * for views only.
 */
static int
enter_settings(Oid view)
{
	int			nestlevel = NewGUCNestLevel();
	char	   *mode;
	List	   *settings;

	if (tv_catalog_option(view, &mode, &settings))
		tv_settings_apply(settings);
	(void) set_config_option("search_path", TV_SEARCH_PATH, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	(void) set_config_option("default_table_access_method", "heap", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	return nestlevel;
}
