/*-------------------------------------------------------------------------
 *
 * commands/create_view.c
 *	  CREATE MATERIALIZED VIEW ... USING tview.
 *
 * The server creates the view, empty; view and state tables are filled together,
 * by the queries that maintain them.  Before, we refuse what cannot be maintained
 * and lock the inputs against writers; the snapshots that view and state are filled
 * with are taken after that.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "catalog/tv_catalog.h"
#include "commands/create_view.h"
#include "commands/definition_lock.h"
#include "commands/publish.h"
#include "commands/set_option.h"
#include "commands/upgrade_view.h"
#include "commands/view_build.h"
#include "config.h"
#include "executor/flush.h"
#include "tv_compat.h"

/* Share of a page that rows of a view with a key fill at first, in percent. */
#define TV_VIEW_FILLFACTOR 50

static void leave_room(IntoClause *into, const TvGraph *graph);
static void create(TvUtility *utility, CreateTableAsStmt *stmt);
static void name_view(void *arg);
static bool already_exists(CreateTableAsStmt *stmt);
static void check_full_recompute(const TvGraph *graph, const char *name);
static void fill(TvUtility *utility, List *inputs);
static void create_empty(TvUtility *utility);

void
tv_create_view(TvUtility *utility, Node *node)
{
	CreateTableAsStmt *stmt = castNode(CreateTableAsStmt, node);
	ErrorContextCallback callback = {error_context_stack, name_view, stmt->into->rel->relname};

	if (!tv_create_view_is_maintained(stmt) || already_exists(stmt))
	{
		tv_utility_run(utility);
		return;
	}
	error_context_stack = &callback;
	tv_check_storage_options(stmt->into->options);
	tv_definitions_lock();
	tv_definitions_check_uses(castNode(Query, stmt->query));
	PushActiveSnapshot(GetLatestSnapshot());
	create(utility, stmt);
	PopActiveSnapshot();
	error_context_stack = callback.previous;
}

/* A script may create many, and an error of the query names none of them. */
static void
name_view(void *arg)
{
	errcontext("creating maintained view \"%s\"", (char *) arg);
}

static void
create(TvUtility *utility, CreateTableAsStmt *stmt)
{
	TvRefusal  *refusal = NULL;
	TvGraph    *graph;
	List	   *inputs;

	graph = tv_graph_compile(castNode(Query, stmt->query), stmt->into->colNames,
							 GetUserId(), &refusal);
	if (IsBinaryUpgrade)
	{
		tv_upgrade_view(utility, castNode(Query, stmt->query), graph);
		return;
	}
	if (graph == NULL)
		tv_refusal_raise(refusal, utility->query_string);
	inputs = tv_graph_inputs(graph);

	tv_check_select_privilege(graph);
	tv_check_trigger_privilege(inputs, GetUserId());
	leave_room(stmt->into, graph);
	check_full_recompute(graph, stmt->into->rel->relname);
	tv_publish_warn();
	if (stmt->into->skipData)
		tv_create_view_run(utility);	/* REFRESH will do the rest */
	else
		fill(utility, inputs);
}

bool
tv_create_view_is_explained(ExplainStmt *stmt)
{
	Query	   *query = (Query *) stmt->query;
	bool		analyze = false;
	ListCell   *lc;

	if (!IsA(query, Query) || query->commandType != CMD_UTILITY ||
		!IsA(query->utilityStmt, CreateTableAsStmt))
		return false;
	foreach(lc, stmt->options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, "analyze") == 0)
			analyze = defGetBoolean(option);
	}
	return analyze;
}

void
tv_create_view_explain(TvUtility *utility, Node *stmt)
{
	tv_create_view(utility, castNode(Query, ((ExplainStmt *) stmt)->query)->utilityStmt);
}

/*
 * Rows of a view with a key are updated in place: leave room in its pages, so
 * that updates need no new index entries.  The user's own setting counts.
 */
static void
leave_room(IntoClause *into, const TvGraph *graph)
{
	MemoryContext oldcxt;
	ListCell   *lc;

	if (graph->nodes[graph->nnodes - 1]->identity == TV_IDENTITY_BAG)
		return;
	foreach(lc, into->options)
	{
		if (strcmp(lfirst_node(DefElem, lc)->defname, "fillfactor") == 0)
			return;
	}

	/* the statement may be part of a plan that is kept */
	oldcxt = MemoryContextSwitchTo(GetMemoryChunkContext(into));
	into->options = lappend(into->options,
							makeDefElem("fillfactor", (Node *) makeInteger(TV_VIEW_FILLFACTOR), -1));
	MemoryContextSwitchTo(oldcxt);
}

bool
tv_create_view_is_maintained(CreateTableAsStmt *stmt)
{
	const char *method = stmt->into->accessMethod;

	if (stmt->objtype != OBJECT_MATVIEW)
		return false;
	if (method == NULL)
		method = default_table_access_method;
	return get_table_am_oid(method, true) == tv_catalog_access_method();
}

/* IF NOT EXISTS, and it does: the server says so and creates nothing. */
static bool
already_exists(CreateTableAsStmt *stmt)
{
	Oid			namespace;

	if (!stmt->if_not_exists)
		return false;
	namespace = RangeVarGetCreationNamespace(stmt->into->rel);
	return OidIsValid(get_relname_relid(stmt->into->rel->relname, namespace));
}

/* Tell what is recomputed as a whole; refuse it if the user wants so. */
static void
check_full_recompute(const TvGraph *graph, const char *name)
{
	const char *reason = tv_graph_full_recompute(graph);
	bool		all = graph->nodes[graph->nnodes - 1]->kind == TV_NODE_WHOLE;
	char	   *why;

	if (reason == NULL)
		return;
	why = psprintf("%s.", reason);
	why[0] = pg_toupper((unsigned char) why[0]);
	if (tv_require_incremental)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 all ?
				 errmsg("materialized view \"%s\" cannot be maintained incrementally", name) :
				 errmsg("a part of materialized view \"%s\" cannot be maintained incrementally", name),
				 errdetail("%s", why),
				 errhint("Set tview.require_incremental to off to accept it.")));
	ereport(NOTICE,
			(all ?
			 errmsg("materialized view \"%s\" is recomputed as a whole when a table that it reads changes", name) :
			 errmsg("a part of materialized view \"%s\" is recomputed as a whole when it changes", name),
			 errdetail("%s", why)));
}

/*
 * Create the view and fill it.  The rows that EXPLAIN ANALYZE has shown to be
 * made are replaced: they were made under the session's search_path, and apart
 * from the state.
 */
static void
fill(TvUtility *utility, List *inputs)
{
	bool		explained = IsA(utility->pstmt->utilityStmt, ExplainStmt);
	uint64		nrows;
	Oid			view;

	tv_check_not_in_progress(inputs, "create a maintained view");
	tv_lock_relations(inputs, ShareRowExclusiveLock);
	tv_command_current->inputs = inputs;
	PushActiveSnapshot(GetLatestSnapshot());
	if (explained)
		tv_create_view_run(utility);
	else
		create_empty(utility);
	PopActiveSnapshot();
	tv_command_current->inputs = NIL;
	view = tv_command_current->created;
	if (!OidIsValid(view))
		return;

	CommandCounterIncrement();
	/* by an event trigger: nothing of it may stay pending */
	if (tv_command_current->input_changed)
		tv_flush_for_utility();
	if (explained)
		tv_empty_by_oid(view);
	nrows = tv_view_build_and_fill(view, false);
	if (utility->qc && !explained)
		SetQueryCompletion(utility->qc, CMDTAG_SELECT, nrows);
}

static void
create_empty(TvUtility *utility)
{
	CreateTableAsStmt *stmt;

	utility->pstmt = copyObject(utility->pstmt);
	utility->read_only_tree = false;
	stmt = castNode(CreateTableAsStmt, utility->pstmt->utilityStmt);
	stmt->into->skipData = true;
	tv_create_view_run(utility);
}

void
tv_create_view_run(TvUtility *utility)
{
	tv_command_current->creating = true;
	tv_utility_run(utility);
	tv_command_current->creating = false;
}
