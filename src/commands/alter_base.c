/*-------------------------------------------------------------------------
 *
 * commands/alter_base.c
 *	  Statements that alter what views are made of.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "commands/tablecmds.h"
#include "parser/parse_type.h"
#include "utils/lsyscache.h"

#include "catalog/tv_catalog.h"
#include "catalog/tv_tree.h"
#include "commands/alter_base.h"
#include "commands/set_option.h"
#include "commands/settle.h"
#include "commands/settle_users.h"
#include "commands/view_build.h"
#include "executor/isolation.h"
#include "tv_compat.h"

/* AlterDomainStmt.subtype */
#define TV_DOMAIN_ADD_CONSTRAINT	'C'
#define TV_DOMAIN_SET_NOT_NULL		'O'

static void add_hint(void *arg);
static bool may_store_anew(AlterTableStmt *stmt);
static bool is_read_anywhere(Oid relid);
static bool is_read_anywhere_as(Oid relid, ObjectType objtype);
static void note_seen_whole(AlterTableStmt *stmt, Oid relid);
static void refuse_concurrent_detach(Oid relid);
static void refuse_access_method(Oid relid, AlterTableStmt *stmt, AlterTableCmd *cmd);

void
tv_alter_table(TvUtility *utility, Node *node)
{
	AlterTableStmt *stmt = castNode(AlterTableStmt, node);
	Oid			relid = RangeVarGetRelid(stmt->relation, NoLock, true);
	ErrorContextCallback callback = {error_context_stack, add_hint, NULL};
	bool		retypes = false;
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype == AT_SetAccessMethod)
			refuse_access_method(relid, stmt, cmd);
		if (cmd->subtype == AT_SetRelOptions && OidIsValid(relid) && tv_catalog_is_view(relid))
			tv_check_storage_options(castNode(List, cmd->def));
		if (cmd->subtype == AT_DetachPartition && castNode(PartitionCmd, cmd->def)->concurrent)
			refuse_concurrent_detach(relid);
		if (cmd->subtype == AT_AlterColumnType && tv_command_current)
			tv_command_current->retypes = true;
		/* Rewrites the values of a stored generated column. */
		if (TV_AT_SETS_EXPRESSION(cmd))
			tv_command_note_moved(relid);
		retypes |= cmd->subtype == AT_AlterColumnType;
	}
	if (tv_command_current)
		tv_command_current->keeps_rows = !may_store_anew(stmt);
	if (tv_command_current && !tv_command_current->keeps_rows && OidIsValid(relid))
		note_seen_whole(stmt, relid);
	if (retypes && OidIsValid(relid) && is_read_anywhere_as(relid, stmt->objtype))
		error_context_stack = &callback;
	tv_utility_run(utility);
	error_context_stack = callback.previous;
	/* Not every part of ALTER TABLE tells the object access hook. */
	if (OidIsValid(relid))
		tv_command_note_relation(relid);
}

/*
 * The server says that a view is in the way, and by which column.  What a
 * maintained view would need is not told as easily.
 */
static void
add_hint(void *arg)
{
	if (geterrcode() == ERRCODE_FEATURE_NOT_SUPPORTED)
		errhint("If a maintained view reads the column: drop the view, change the column, and create the view again, in one transaction.");
}

/* Those that replace a table's storage otherwise, as SET TABLESPACE, copy its rows as they are. */
static bool
may_store_anew(AlterTableStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		switch (cmd->subtype)
		{
			case AT_AddColumn:
			case AT_AlterColumnType:
			case AT_SetAccessMethod:
			case AT_SetLogged:
			case AT_SetUnLogged:
				return true;
			default:
				if (TV_AT_SETS_EXPRESSION(cmd))
					return true;
		}
	}
	return false;
}

/* Does a view read the table, or one of its parents or children? */
static bool
is_read_anywhere(Oid relid)
{
	ListCell   *lc;

	foreach(lc, tv_tree_related(relid))
		if (tv_catalog_readers(lfirst_oid(lc)) != NIL)
		return true;
	return false;
}

/* CASCADE takes a change of a composite type to the tables of that type. */
static bool
is_read_anywhere_as(Oid relid, ObjectType objtype)
{
	return objtype == OBJECT_TYPE ? tv_settle_users_of_rows(list_make1_oid(relid)) != NIL :
		is_read_anywhere(relid);
}

/*
 * A transaction that keeps its snapshot sees every row that it rewrites.  Which
 * tables hold nothing but what it saw before?  The storage that it has given to
 * a table holds its own rows, and those found here before, or reported to
 * settle_rewritten().
 */
static void
note_seen_whole(AlterTableStmt *stmt, Oid relid)
{
	LOCKMODE	lockmode = AlterTableGetLockLevel(stmt->cmds);
	List	   *seen = NIL;
	ListCell   *lc;
	MemoryContext old;

	if (lockmode < AccessExclusiveLock || stmt->objtype != OBJECT_TABLE ||
		tv_isolation_nobody_committed() || !is_read_anywhere(relid))
		return;
	relid = AlterTableLookupRelation(stmt, lockmode);
	foreach(lc, OidIsValid(relid) ? tv_tree_below(relid, lockmode) : NIL)
	{
		Relation	rel = table_open(lfirst_oid(lc), NoLock);

		if (rel->rd_rel->relkind == RELKIND_RELATION &&
			(TV_HAS_NEW_STORAGE(rel) || tv_isolation_sees_newest(rel)))
			seen = lappend_oid(seen, RelationGetRelid(rel));
		table_close(rel, NoLock);
	}
	old = MemoryContextSwitchTo(tv_command_current->cxt);
	tv_command_current->seen_whole = list_copy(seen);
	MemoryContextSwitchTo(old);
}

/*
 * The partition leaves its table with the first of two transactions, for those
 * who look after it, while writers go on: views could not follow.
 */
static void
refuse_concurrent_detach(Oid relid)
{
	ListCell   *lc;
	ListCell   *lv;

	foreach(lc, OidIsValid(relid) ? tv_tree_above(relid) : NIL)
	{
		foreach(lv, tv_catalog_readers(lfirst_oid(lc)))
		{
			if (!tv_view_is_populated(lfirst_oid(lv)))
				continue;
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("cannot detach a partition concurrently from table \"%s\", which maintained view \"%s\" reads",
							get_rel_name(relid), get_rel_name(lfirst_oid(lv))),
					 errdetail("The view has to lose the partition's rows in the same moment."),
					 errhint("Use DETACH PARTITION without CONCURRENTLY, or run REFRESH MATERIALIZED VIEW %s WITH NO DATA first.",
							 tv_view_name(lfirst_oid(lv)))));
		}
	}
}

/*
 * A unique index can prove a key.  The object access hook sees it before its
 * row in pg_index can be read.
 */
void
tv_create_index(TvUtility *utility, Node *node)
{
	IndexStmt  *stmt = castNode(IndexStmt, node);

	tv_utility_run(utility);
	if (stmt->unique)
		tv_command_note_touched(RangeVarGetRelid(stmt->relation, NoLock, true));
}

/*
 * A view is made a maintained one when it is created, and stays one.
 */
static void
refuse_access_method(Oid relid, AlterTableStmt *stmt, AlterTableCmd *cmd)
{
	const char *method = cmd->name ? cmd->name : default_table_access_method;
	bool		from = OidIsValid(relid) && tv_catalog_is_view(relid);
	bool		to = get_table_am_oid(method, true) == tv_catalog_access_method();

	if (from == to)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 from ?
			 errmsg("cannot change the access method of maintained view \"%s\"",
					stmt->relation->relname) :
			 errmsg("cannot change the access method of \"%s\" to \"%s\"",
					stmt->relation->relname, method),
			 errhint("Create a new materialized view with the access method wanted.")));
}

/* An index that was invalid can prove a key from now on. */
void
tv_reindex(TvUtility *utility, Node *node)
{
	ReindexStmt *stmt = castNode(ReindexStmt, node);
	ListCell   *lc;
	ListCell   *ls;

	tv_utility_run(utility);
	if (stmt->relation)
	{
		tv_command_note_relation(RangeVarGetRelid(stmt->relation, NoLock, true));
		return;
	}
	foreach(lc, tv_catalog_all_views())
	{
		foreach(ls, tv_catalog_sources(lfirst_oid(lc)))
			tv_command_note_touched(lfirst_oid(ls));
	}
}

/*
 * What a role may do, or a membership in one, decides whether row security is
 * in force for the owner of a view.
 */
void
tv_alter_role(TvUtility *utility, Node *node)
{
	ListCell   *lc;

	tv_utility_run(utility);
	foreach(lc, tv_catalog_all_views())
		tv_command_note_touched(lfirst_oid(lc));
}

/*
 * Triggers, state tables and the access method are found by the name of the
 * extension's schema.
 */
void
tv_rename(TvUtility *utility, Node *node)
{
	RenameStmt *stmt = castNode(RenameStmt, node);

	if ((stmt->renameType == OBJECT_SCHEMA &&
		 get_namespace_oid(stmt->subname, true) == tv_catalog_schema()) ||
		(stmt->renameType == OBJECT_LANGUAGE &&
		 strcmp(strVal(stmt->object), "tview") == 0))
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("cannot rename %s \"%s\" because extension pg_tviews requires it",
						stmt->renameType == OBJECT_SCHEMA ? "schema" : "language",
						stmt->renameType == OBJECT_SCHEMA ? stmt->subname : strVal(stmt->object)),
				 errdetail("Maintained views are found and maintained by that name.")));
	tv_utility_run(utility);
}

/* A rule for SELECT is the query of a view. */
void
tv_create_rule(TvUtility *utility, Node *node)
{
	RuleStmt   *stmt = castNode(RuleStmt, node);
	Oid			relid;

	tv_utility_run(utility);
	relid = RangeVarGetRelid(stmt->relation, NoLock, true);
	if (stmt->event == CMD_SELECT && OidIsValid(relid))
		tv_command_note_redefined(RelationRelationId, relid);
}

void
tv_replace_view(TvUtility *utility, Node *node)
{
	ViewStmt   *stmt = castNode(ViewStmt, node);
	Oid			relid;

	tv_utility_run(utility);
	if (!stmt->replace)
		return;
	relid = RangeVarGetRelid(stmt->view, NoLock, true);
	if (OidIsValid(relid))
		tv_command_note_redefined(RelationRelationId, relid);
}

void
tv_alter_enum(TvUtility *utility, Node *node)
{
	AlterEnumStmt *stmt = castNode(AlterEnumStmt, node);

	tv_utility_run(utility);
	/* A new value is nowhere yet; a renamed one may have been turned to text. */
	if (stmt->oldVal)
		tv_command_note_redefined(TypeRelationId,
								  typenameTypeId(NULL, makeTypeNameFromNameList(stmt->typeName)));
}

/*
 * What is stored in columns was checked, unless that was not wanted.  What
 * queries convert to the domain would be checked when they run.
 */
void
tv_alter_domain(TvUtility *utility, Node *node)
{
	AlterDomainStmt *stmt = castNode(AlterDomainStmt, node);

	tv_utility_run(utility);
	if (stmt->subtype == TV_DOMAIN_ADD_CONSTRAINT || stmt->subtype == TV_DOMAIN_SET_NOT_NULL)
		tv_command_note_constrained(typenameTypeId(NULL, makeTypeNameFromNameList(stmt->typeName)));
}
