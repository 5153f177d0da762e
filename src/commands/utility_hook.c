/*-------------------------------------------------------------------------
 *
 * commands/utility_hook.c
 *	  The ProcessUtility hook: which statement goes to which handler.
 *
 * A statement that can touch what is pending (see utility_reach.h) first flushes
 * it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "nodes/parsenodes.h"
#include "utils/snapmgr.h"

#include "catalog/tv_catalog.h"
#include "commands/alter_base.h"
#include "commands/change_utility.h"
#include "commands/command.h"
#include "commands/create_view.h"
#include "commands/ddl_guard.h"
#include "commands/definition_lock.h"
#include "commands/explain_dml.h"
#include "commands/explain_execute.h"
#include "commands/object_access.h"
#include "commands/publish.h"
#include "commands/refresh.h"
#include "commands/settle.h"
#include "commands/settle_tree.h"
#include "commands/utility_reach.h"
#include "executor/changeset.h"
#include "executor/executor_hooks.h"
#include "executor/flush.h"
#include "executor/frames.h"

typedef void (*TvHandler) (TvUtility *utility, Node *stmt);

TvCommand  *tv_command_current = NULL;

static ProcessUtility_hook_type prev_ProcessUtility = NULL;

static void tv_ProcessUtility(PlannedStmt *pstmt, const char *queryString, bool readOnlyTree,
							  ProcessUtilityContext context, ParamListInfo params,
							  QueryEnvironment *queryEnv, DestReceiver *dest, QueryCompletion *qc);
static void run_statement(TvUtility *utility, Node *stmt);
static bool ends_transaction(TransactionStmt *stmt);
static void flush_for_commit(void);
static void run_query(TvUtility *utility, Node *stmt);
static void run_command(TvUtility *utility, Node *stmt, TvUtilityReach reach);
static bool flush_before(Node *stmt);
static TvHandler find_handler(Node *stmt);
static void run_plainly(TvUtility *utility, Node *stmt);

void
tv_commands_init(void)
{
	prev_ProcessUtility = ProcessUtility_hook;
	ProcessUtility_hook = tv_ProcessUtility;
	tv_object_access_init();
	tv_ddl_guard_init();
	tv_frame_check = tv_settle_check_change;
	tv_explain_dml_init();
}

void
tv_utility_run(TvUtility *utility)
{
	ProcessUtility_hook_type run = prev_ProcessUtility ? prev_ProcessUtility :
	standard_ProcessUtility;

	if (utility->pstmt == NULL)
		return;
	run(utility->pstmt, utility->query_string, utility->read_only_tree, utility->context,
		utility->params, utility->query_env, utility->dest, utility->qc);
}

static void
tv_ProcessUtility(PlannedStmt *pstmt, const char *queryString, bool readOnlyTree,
				  ProcessUtilityContext context, ParamListInfo params,
				  QueryEnvironment *queryEnv, DestReceiver *dest, QueryCompletion *qc)
{
	TvUtility	utility = {pstmt, queryString, readOnlyTree, context, params, queryEnv, dest, qc};
	Node	   *stmt = pstmt->utilityStmt;
	bool		outermost;

	if (context == PROCESS_UTILITY_TOPLEVEL)
		tv_ddl_guard_reset();
	if (IsParallelWorker() || !tv_catalog_installed())
	{
		tv_utility_run(&utility);
		return;
	}
	if (IsA(stmt, TransactionStmt))
	{
		if (ends_transaction((TransactionStmt *) stmt))
			flush_for_commit();
		tv_utility_run(&utility);
		return;
	}

	tv_statement_begin();
	PG_TRY();
	{
		run_statement(&utility, stmt);
	}
	PG_FINALLY();
	{
		outermost = tv_statement_end();
	}
	PG_END_TRY();
	if (outermost && context == PROCESS_UTILITY_TOPLEVEL)
		tv_statement_flush(true);
}

/* Every statement but those that control transactions. */
static void
run_statement(TvUtility *utility, Node *stmt)
{
	TvUtilityReach reach = TV_REACH_VIEWS;

	if (IsA(stmt, ExplainStmt) && tv_explain_is_execute((ExplainStmt *) stmt))
		tv_explain_execute(utility, (ExplainStmt *) stmt);
	else if ((IsA(stmt, ExplainStmt) && !tv_create_view_is_explained((ExplainStmt *) stmt)) ||
			 (utility->context == PROCESS_UTILITY_SUBCOMMAND && tv_command_current != NULL))
		tv_utility_run(utility);
	else if ((reach = tv_utility_reach(stmt)) == TV_REACH_NO_OBJECT)
		run_query(utility, stmt);
	else
		run_command(utility, stmt, reach);
}

static bool
ends_transaction(TransactionStmt *stmt)
{
	return stmt->kind == TRANS_STMT_COMMIT || stmt->kind == TRANS_STMT_PREPARE;
}

/*
 * Here a flush still counts for statement_timeout.  If it fails, the
 * transaction is over, as it is when a deferred constraint fails: otherwise
 * the session would be left in a failed transaction.
 */
static void
flush_for_commit(void)
{
	PG_TRY();
	{
		(void) tv_flush();
	}
	PG_CATCH();
	{
		(void) EndTransactionBlock(false);
		PG_RE_THROW();
	}
	PG_END_TRY();
}

/*
 * DECLARE and EXECUTE run their query under the active snapshot, which the portal
 * of the statement may hold as well: give the query one that a flush can renew.
 */
static void
run_query(TvUtility *utility, Node *stmt)
{
	bool		pushed = (IsA(stmt, DeclareCursorStmt) || IsA(stmt, ExecuteStmt)) &&
	tv_changes_exist() && ActiveSnapshotSet();

	if (pushed)
		PushCopiedSnapshot(GetActiveSnapshot());
	tv_utility_run(utility);
	if (pushed)
		PopActiveSnapshot();
}

/* Flush, run the statement by its handler, and draw the conclusions. */
static void
run_command(TvUtility *utility, Node *stmt, TvUtilityReach reach)
{
	TvCommand	command = {0};
	volatile bool pushed = false;

	tv_definitions_lock_change(stmt);
	if (reach == TV_REACH_VIEWS || tv_flush_running())
		pushed = flush_before(stmt);
	else
		command.leaves_pending = tv_changes_exist();

	command.outer = tv_command_current;
	command.cxt = CurrentMemoryContext;
	command.tag = nodeTag(stmt);
	tv_command_current = &command;
	PG_TRY();
	{
		find_handler(stmt) (utility, stmt);
		tv_settle(&command);
	}
	PG_FINALLY();
	{
		tv_command_current = command.outer;
	}
	PG_END_TRY();
	if (pushed)
		PopActiveSnapshot();
}

/*
 * COPY of a view reads it under the active snapshot, which is older than what is
 * written here, or was waited for.  Returns true if a newer one was pushed.
 */
static bool
flush_before(Node *stmt)
{
	CommandId	cid = GetCurrentCommandId(false);
	uint64		nflushed = tv_flush_count();

	tv_flush_for_utility();
	if (!IsA(stmt, CopyStmt) ||
		(GetCurrentCommandId(false) == cid && tv_flush_count() == nflushed))
		return false;
	PushActiveSnapshot(GetTransactionSnapshot());
	return true;
}

static TvHandler
find_handler(Node *stmt)
{
	static const struct
	{
		NodeTag		tag;
		TvHandler	handler;
	}			handlers[] = {
		{T_AlterDomainStmt, tv_alter_domain},
		{T_AlterEnumStmt, tv_alter_enum},
		{T_AlterRoleStmt, tv_alter_role},
		{T_AlterSubscriptionStmt, tv_change_subscription},
		{T_AlterTableStmt, tv_alter_table},
		{T_CopyStmt, tv_copy},
		{T_CreatePublicationStmt, tv_create_publication},
		{T_CreateSubscriptionStmt, tv_change_subscription},
		{T_CreateTableAsStmt, tv_create_view},
		{T_DropRoleStmt, tv_alter_role},
		{T_DropStmt, tv_drop},
		{T_ExplainStmt, tv_create_view_explain},
		{T_GrantRoleStmt, tv_alter_role},
		{T_IndexStmt, tv_create_index},
		{T_RefreshMatViewStmt, tv_refresh},
		{T_RenameStmt, tv_rename},
		{T_ReindexStmt, tv_reindex},
		{T_RuleStmt, tv_create_rule},
		{T_TruncateStmt, tv_truncate},
		{T_ViewStmt, tv_replace_view}
	};

	for (int i = 0; i < lengthof(handlers); i++)
		if (handlers[i].tag == nodeTag(stmt))
			return handlers[i].handler;
	return run_plainly;
}

/*
 * Handlers that create and refresh views do more than taking notes, and are
 * not for statements in progress: these the object access hook refuses.  A
 * REINDEX of the whole database is too much to be noted for nothing.
 */
void
tv_utility_note(TvUtility *utility, Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_AlterDomainStmt:
		case T_AlterEnumStmt:
		case T_AlterTableStmt:
		case T_DropStmt:
		case T_IndexStmt:
		case T_RenameStmt:
		case T_RuleStmt:
		case T_ViewStmt:
			find_handler(stmt) (utility, stmt);
			break;
		default:
			break;
	}
}

/* The handler of statements that need none. */
static void
run_plainly(TvUtility *utility, Node *stmt)
{
	tv_utility_run(utility);
}
