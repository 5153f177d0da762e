/*-------------------------------------------------------------------------
 *
 * commands/utility_reach.c
 *	  Which utility statements can touch what is pending.
 *
 * Before a statement that can, everything pending is applied: CREATE and
 * REFRESH would count a change twice, ALTER TABLE and TRUNCATE would take away
 * the rows that a change refers to, and what a view's definition uses has to
 * mean what it meant when the rows were changed.  Where that cannot be done,
 * because a statement is in progress, the utility statement fails.  All others
 * leave what is pending alone.
 *
 * The rule: a statement can, unless it is known here that it cannot.  Those of
 * one relation cannot if no view has to do with the relation, nor with a parent
 * or child of it.  Queries in utility statements (COPY, CREATE TABLE AS,
 * DECLARE, EXECUTE, EXPLAIN) come to the executor's hooks, which flush what they
 * read, as do statements within others (DO, CALL).  COPY FROM changes tables as
 * INSERT does.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "commands/defrem.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"

#include "catalog/tv_catalog.h"
#include "commands/change_utility.h"
#include "commands/create_view.h"
#include "commands/settle.h"
#include "commands/utility_reach.h"
#include "executor/changeset.h"

static TvUtilityReach reach_of_copy(CopyStmt *stmt);
static TvUtilityReach reach_of_create(CreateStmt *stmt);
static TvUtilityReach reach_of_alter(AlterTableStmt *stmt);
static TvUtilityReach reach_of_drop(DropStmt *stmt);
static TvUtilityReach reach_of_grant(GrantStmt *stmt);
static TvUtilityReach reach_of_rename(RenameStmt *stmt);
static TvUtilityReach reach_of_truncate(TruncateStmt *stmt);
static TvUtilityReach reach_of(RangeVar *relation);
static bool is_used(RangeVar *relation);
static bool refers_to_used(List *constraints);

TvUtilityReach
tv_utility_reach(Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_CallStmt:
		case T_CheckPointStmt:
		case T_ClosePortalStmt:
		case T_ConstraintsSetStmt:
		case T_DeallocateStmt:
		case T_DeclareCursorStmt:
		case T_DoStmt:
		case T_ExecuteStmt:
		case T_FetchStmt:
		case T_ListenStmt:
		case T_LoadStmt:
		case T_LockStmt:
		case T_NotifyStmt:
		case T_PrepareStmt:
		case T_UnlistenStmt:
		case T_VariableSetStmt:
		case T_VariableShowStmt:
			return TV_REACH_NO_OBJECT;

		case T_AlterDefaultPrivilegesStmt:
		case T_AlterSeqStmt:
		case T_AlterStatsStmt:
		case T_CommentStmt:
		case T_CompositeTypeStmt:
		case T_CreateDomainStmt:
		case T_CreateEnumStmt:
		case T_CreateRangeStmt:
		case T_CreateSeqStmt:
		case T_CreateStatsStmt:
			return TV_REACH_OTHERS;

		case T_AlterPolicyStmt:
			return reach_of(((AlterPolicyStmt *) stmt)->table);
		case T_AlterTableStmt:
			return reach_of_alter((AlterTableStmt *) stmt);
		case T_ClusterStmt:
			return reach_of(((ClusterStmt *) stmt)->relation);
		case T_CopyStmt:
			return reach_of_copy((CopyStmt *) stmt);
		case T_CreatePolicyStmt:
			return reach_of(((CreatePolicyStmt *) stmt)->table);
		case T_CreateStmt:
			return reach_of_create((CreateStmt *) stmt);
		case T_CreateTableAsStmt:
			return tv_create_view_is_maintained((CreateTableAsStmt *) stmt) ?
				TV_REACH_VIEWS : TV_REACH_OTHERS;
		case T_CreateTrigStmt:
			return reach_of(((CreateTrigStmt *) stmt)->relation);
		case T_DiscardStmt:
			return ((DiscardStmt *) stmt)->target == DISCARD_PLANS ||
				((DiscardStmt *) stmt)->target == DISCARD_SEQUENCES ?
				TV_REACH_OTHERS : TV_REACH_VIEWS;
		case T_DropStmt:
			return reach_of_drop((DropStmt *) stmt);
		case T_ExplainStmt:
			return tv_utility_reach(castNode(Query, ((ExplainStmt *) stmt)->query)->utilityStmt);
		case T_GrantStmt:
			return reach_of_grant((GrantStmt *) stmt);
		case T_IndexStmt:
			return reach_of(((IndexStmt *) stmt)->relation);
		case T_RefreshMatViewStmt:
			return reach_of(((RefreshMatViewStmt *) stmt)->relation);
		case T_ReindexStmt:
			return reach_of(((ReindexStmt *) stmt)->relation);
		case T_RenameStmt:
			return reach_of_rename((RenameStmt *) stmt);
		case T_RuleStmt:
			return reach_of(((RuleStmt *) stmt)->relation);
		case T_SecLabelStmt:
			/* ours is the mode of a view */
			return ((SecLabelStmt *) stmt)->provider &&
				strcmp(((SecLabelStmt *) stmt)->provider, "tview") != 0 ?
				TV_REACH_OTHERS : TV_REACH_VIEWS;
		case T_TruncateStmt:
			return reach_of_truncate((TruncateStmt *) stmt);
		case T_VacuumStmt:
			/* VACUUM is alone in its transaction */
			return ((VacuumStmt *) stmt)->is_vacuumcmd ? TV_REACH_VIEWS : TV_REACH_OTHERS;
		case T_ViewStmt:
			return reach_of(((ViewStmt *) stmt)->view);
		default:
			return TV_REACH_VIEWS;
	}
}

/*
 * A view copied without a query passes no executor.  Frozen rows are seen by
 * snapshots that see nothing else of this transaction.
 */
static TvUtilityReach
reach_of_copy(CopyStmt *stmt)
{
	if (stmt->is_from)
		return tv_copy_freezes(stmt) ? TV_REACH_VIEWS : TV_REACH_OTHERS;
	return stmt->relation &&
		tv_catalog_is_view(RangeVarGetRelid(stmt->relation, NoLock, true)) ?
		TV_REACH_VIEWS : TV_REACH_OTHERS;
}

/*
 * A new partition is empty, and its table means what it meant.  That a child
 * joins by INHERITS can mean that a key of the parent is none any more.
 */
static TvUtilityReach
reach_of_create(CreateStmt *stmt)
{
	ListCell   *lc;

	if (stmt->if_not_exists && OidIsValid(RangeVarGetRelid(stmt->relation, NoLock, true)))
		return TV_REACH_OTHERS;
	if (refers_to_used(stmt->constraints))
		return TV_REACH_VIEWS;
	foreach(lc, stmt->tableElts)
	{
		Node	   *element = lfirst(lc);

		if (IsA(element, Constraint) ? refers_to_used(list_make1(element)) :
			IsA(element, ColumnDef) && refers_to_used(((ColumnDef *) element)->constraints))
			return TV_REACH_VIEWS;
	}
	foreach(lc, stmt->inhRelations)
		if (is_used(lfirst(lc)))
		return stmt->partbound ? TV_REACH_NEW_PARTITION : TV_REACH_VIEWS;
	return TV_REACH_OTHERS;
}

/* CASCADE reaches objects that the statement does not name. */
static TvUtilityReach
reach_of_alter(AlterTableStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->behavior == DROP_CASCADE)
			return TV_REACH_VIEWS;
		if (cmd->def == NULL)
			continue;
		if ((IsA(cmd->def, RangeVar) && is_used((RangeVar *) cmd->def)) ||
			(IsA(cmd->def, PartitionCmd) && is_used(((PartitionCmd *) cmd->def)->name)) ||
			(IsA(cmd->def, Constraint) && refers_to_used(list_make1(cmd->def))) ||
			(IsA(cmd->def, ColumnDef) && refers_to_used(((ColumnDef *) cmd->def)->constraints)))
			return TV_REACH_VIEWS;
	}
	return reach_of(stmt->relation);
}

static TvUtilityReach
reach_of_drop(DropStmt *stmt)
{
	ListCell   *lc;

	if (stmt->behavior == DROP_CASCADE ||
		(stmt->removeType != OBJECT_TABLE && stmt->removeType != OBJECT_SEQUENCE &&
		 stmt->removeType != OBJECT_VIEW && stmt->removeType != OBJECT_MATVIEW &&
		 stmt->removeType != OBJECT_INDEX && stmt->removeType != OBJECT_FOREIGN_TABLE))
		return TV_REACH_VIEWS;
	foreach(lc, stmt->objects)
		if (is_used(makeRangeVarFromNameList(lfirst(lc))))
		return TV_REACH_VIEWS;
	return TV_REACH_OTHERS;
}

static TvUtilityReach
reach_of_grant(GrantStmt *stmt)
{
	ListCell   *lc;

	if (stmt->objtype == OBJECT_SEQUENCE)
		return TV_REACH_OTHERS;
	if (stmt->targtype != ACL_TARGET_OBJECT || stmt->objtype != OBJECT_TABLE)
		return TV_REACH_VIEWS;
	foreach(lc, stmt->objects)
		if (is_used(lfirst(lc)))
		return TV_REACH_VIEWS;
	return TV_REACH_OTHERS;
}

static TvUtilityReach
reach_of_rename(RenameStmt *stmt)
{
	switch (stmt->renameType)
	{
		case OBJECT_COLUMN:
		case OBJECT_INDEX:
		case OBJECT_MATVIEW:
		case OBJECT_SEQUENCE:
		case OBJECT_TABCONSTRAINT:
		case OBJECT_TABLE:
		case OBJECT_TRIGGER:
		case OBJECT_VIEW:
			return reach_of(stmt->relation);
		default:
			return TV_REACH_VIEWS;
	}
}

static TvUtilityReach
reach_of_truncate(TruncateStmt *stmt)
{
	List	   *relids = tv_truncated_relations(stmt);
	ListCell   *lc;

	foreach(lc, relids)
		if (!tv_changes_exist() || tv_settle_is_used(lfirst_oid(lc)))
		return TV_REACH_VIEWS;
	return TV_REACH_OTHERS;
}

static TvUtilityReach
reach_of(RangeVar *relation)
{
	return relation && !is_used(relation) ? TV_REACH_OTHERS : TV_REACH_VIEWS;
}

/* What does not exist is not used.  If nothing is pending, nothing depends on the answer. */
static bool
is_used(RangeVar *relation)
{
	Oid			relid;

	if (!tv_changes_exist())
		return true;
	relid = RangeVarGetRelid(relation, NoLock, true);
	return OidIsValid(relid) && tv_settle_is_used(relid);
}

/* Is there a foreign key among the constraints to what is used? */
static bool
refers_to_used(List *constraints)
{
	ListCell   *lc;

	foreach(lc, constraints)
	{
		Constraint *constraint = lfirst(lc);

		if (IsA(constraint, Constraint) && constraint->contype == CONSTR_FOREIGN &&
			is_used(constraint->pktable))
			return true;
	}
	return false;
}
