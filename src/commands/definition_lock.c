/*-------------------------------------------------------------------------
 *
 * commands/definition_lock.c
 *	  Views that come into being, and DDL on what they may be made of,
 *	  exclude each other.
 *
 * DDL that changes a function, a type or the like finds the views that use it
 * in the catalogs.  A view that another transaction is just making, or is about
 * to record what it reads, is not there yet.  Nor does the other one see what
 * the DDL has changed: both would commit, and the view would show what its query
 * once meant.  Relations are locked by both; functions, types and the like are
 * locked by nobody.
 *
 * So there is one lock for each database, in two modes of the server's lock
 * table that conflict with each other, and not with themselves:
 *
 *		ShareLock			who makes or populates a view
 *		RowExclusiveLock	who changes what views may be made of
 *
 * In pg_locks it is a userlock as those of keys are, with tview.view, the table
 * of the views that are recorded, as classid.  It is taken before whatever the
 * statement looks up or locks otherwise; only the relations in the query of a
 * CREATE were locked already, when it was analyzed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "storage/lock.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "catalog/tv_catalog.h"
#include "catalog/tv_tree.h"
#include "commands/definition_lock.h"

static void lock(LOCKMODE lockmode);
static bool changes_meanings(Node *stmt);
static bool alter_changes_meanings(AlterTableStmt *stmt);
static bool is_of_relation(ObjectType type);
static bool rows_are_used(RangeVar *relation);
static bool row_type_is_used(Oid type);

void
tv_definitions_lock(void)
{
	lock(ShareLock);
}

void
tv_definitions_lock_change(Node *stmt)
{
	if (changes_meanings(stmt))
		lock(RowExclusiveLock);
}

static void
lock(LOCKMODE lockmode)
{
	Oid			table = get_relname_relid("view", tv_catalog_schema());
	LOCKTAG		tag;

	/* the extension is being created */
	if (!OidIsValid(table))
		return;
	tag.locktag_field1 = MyDatabaseId;
	tag.locktag_field2 = table;
	tag.locktag_field3 = 0;
	tag.locktag_field4 = 0;
	tag.locktag_type = LOCKTAG_USERLOCK;
	tag.locktag_lockmethodid = USER_LOCKMETHOD;
	(void) LockAcquire(&tag, lockmode, false, false);
	AcceptInvalidationMessages();
}

/* ------------------------------------------------------------------------
 * Statements that change what a definition means
 * ------------------------------------------------------------------------
 */

/*
 * What tv_settle() reacts to, and whatever takes away objects that it would find
 * dependent.  Statements that only change relations lock them, as the views'
 * makers do.  Scripts of extensions come here statement by statement.
 */
static bool
changes_meanings(Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_AlterCollationStmt:
		case T_AlterDomainStmt:
		case T_AlterFunctionStmt:
		case T_AlterOpFamilyStmt:
		case T_AlterOperatorStmt:
		case T_AlterTSConfigurationStmt:
		case T_AlterTSDictionaryStmt:
		case T_AlterTypeStmt:
		case T_CreateCastStmt:
		case T_CreateConversionStmt:
		case T_CreateFunctionStmt:
		case T_CreateOpClassStmt:
		case T_CreateOpFamilyStmt:
		case T_CreateRangeStmt: /* it has functions */
		case T_DefineStmt:
		case T_DropOwnedStmt:
			return true;
		case T_AlterEnumStmt:	/* a new value is nowhere yet */
			return ((AlterEnumStmt *) stmt)->oldVal != NULL;
		case T_AlterObjectSchemaStmt:
			return !is_of_relation(((AlterObjectSchemaStmt *) stmt)->objectType);
		case T_AlterTableStmt:
			return alter_changes_meanings((AlterTableStmt *) stmt);
		case T_DropStmt:
			return ((DropStmt *) stmt)->behavior == DROP_CASCADE ||
				!is_of_relation(((DropStmt *) stmt)->removeType);
		case T_RenameStmt:
			if (((RenameStmt *) stmt)->renameType == OBJECT_COLUMN)
				return rows_are_used(((RenameStmt *) stmt)->relation);
			return !is_of_relation(((RenameStmt *) stmt)->renameType);
		case T_ViewStmt:
			return ((ViewStmt *) stmt)->replace && rows_are_used(((ViewStmt *) stmt)->view);
		default:
			return false;
	}
}

/* The rows of a table may be stored in columns of another one. */
static bool
alter_changes_meanings(AlterTableStmt *stmt)
{
	ListCell   *lc;

	if (stmt->objtype == OBJECT_TYPE)
		return true;
	foreach(lc, stmt->cmds)
	{
		switch (lfirst_node(AlterTableCmd, lc)->subtype)
		{
			case AT_AddColumn:
			case AT_AlterColumnType:
			case AT_DropColumn:
				return rows_are_used(stmt->relation);
			default:
				break;
		}
	}
	return false;
}

/* Is it a relation, a part of one, or nothing that a query could be made of? */
static bool
is_of_relation(ObjectType type)
{
	switch (type)
	{
		case OBJECT_COLUMN:
		case OBJECT_DATABASE:
		case OBJECT_DOMCONSTRAINT:
		case OBJECT_EVENT_TRIGGER:
		case OBJECT_FDW:
		case OBJECT_FOREIGN_SERVER:
		case OBJECT_FOREIGN_TABLE:
		case OBJECT_INDEX:
		case OBJECT_MATVIEW:
		case OBJECT_POLICY:
		case OBJECT_PUBLICATION:
		case OBJECT_ROLE:
		case OBJECT_RULE:
		case OBJECT_SEQUENCE:
		case OBJECT_STATISTIC_EXT:
		case OBJECT_SUBSCRIPTION:
		case OBJECT_TABCONSTRAINT:
		case OBJECT_TABLE:
		case OBJECT_TABLESPACE:
		case OBJECT_TRIGGER:
		case OBJECT_VIEW:
			return true;
		default:
			return false;
	}
}

/* Is the row type of the relation, or of one below it, used by anything? */
static bool
rows_are_used(RangeVar *relation)
{
	Oid			relid = RangeVarGetRelid(relation, NoLock, true);
	ListCell   *lc;

	if (!OidIsValid(relid))
		return false;
	foreach(lc, tv_tree_below(relid, NoLock))
	{
		Oid			type = get_rel_type_id(lfirst_oid(lc));

		if (OidIsValid(type) &&
			(row_type_is_used(type) || row_type_is_used(get_array_type(type))))
			return true;
	}
	return false;
}

/* Does anything depend on the type but its array type?  Not yet committed counts. */
static bool
row_type_is_used(Oid type)
{
	Relation	depend = table_open(DependRelationId, AccessShareLock);
	bool		used = false;
	SnapshotData dirty;
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	InitDirtySnapshot(dirty);
	ScanKeyInit(&key[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(TypeRelationId));
	ScanKeyInit(&key[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(type));
	scan = systable_beginscan(depend, DependReferenceIndexId, true, &dirty, 2, key);
	while (!used && HeapTupleIsValid(tuple = systable_getnext(scan)))
		used = ((Form_pg_depend) GETSTRUCT(tuple))->deptype != DEPENDENCY_INTERNAL;
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
	return used;
}

/* ------------------------------------------------------------------------
 * What a query uses
 * ------------------------------------------------------------------------
 */

static void
check_exists(int cacheid, Oid objid)
{
	if (!OidIsValid(objid) || SearchSysCacheExists1(cacheid, ObjectIdGetDatum(objid)))
		return;
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("a function, operator, type or collation that the query uses was dropped concurrently"),
			 errhint("Run the statement again.")));
}

static bool
check_function(Oid function, void *context)
{
	check_exists(PROCOID, function);
	return false;
}

static void
check_operators(Node *node)
{
	ListCell   *lc;

	switch (nodeTag(node))
	{
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
			check_exists(OPEROID, ((OpExpr *) node)->opno);
			break;
		case T_ScalarArrayOpExpr:
			check_exists(OPEROID, ((ScalarArrayOpExpr *) node)->opno);
			break;
		case T_RowCompareExpr:
			foreach(lc, ((RowCompareExpr *) node)->opnos)
				check_exists(OPEROID, lfirst_oid(lc));
			break;
		case T_SortGroupClause:
			check_exists(OPEROID, ((SortGroupClause *) node)->eqop);
			check_exists(OPEROID, ((SortGroupClause *) node)->sortop);
			break;
		default:
			break;
	}
}

/* Nodes that name a type by themselves; those of columns go with relations. */
static bool
names_type(Node *node)
{
	switch (nodeTag(node))
	{
		case T_ArrayCoerceExpr:
		case T_ArrayExpr:
		case T_CoerceToDomain:
		case T_CoerceViaIO:
		case T_CollateExpr:
		case T_Const:
		case T_ConvertRowtypeExpr:
		case T_FieldSelect:
		case T_FuncExpr:
		case T_RelabelType:
		case T_RowExpr:
			return true;
		default:
			return false;
	}
}

/* Children first: the functions of a cast by text are those of its argument's type. */
static bool
check_uses_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, check_uses_walker, context,
								 QTW_EXAMINE_SORTGROUP);
	(void) expression_tree_walker(node, check_uses_walker, context);
	check_operators(node);
	if (names_type(node))
	{
		check_exists(TYPEOID, exprType(node));
		check_exists(COLLOID, exprCollation(node));
	}
	(void) check_functions_in_node(node, check_function, context);
	return false;
}

void
tv_definitions_check_uses(Query *query)
{
	(void) check_uses_walker((Node *) query, NULL);
}
