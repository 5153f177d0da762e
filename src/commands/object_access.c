/*-------------------------------------------------------------------------
 *
 * commands/object_access.c
 *	  The object access hook: note what a statement does to relations.
 *
 * A view is recognised here, by its access method, and not by its statement:
 * default_table_access_method can make any statement create one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/indexing.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_ts_config.h"
#include "catalog/pg_ts_dict.h"
#include "utils/backend_progress.h"
#include "utils/backend_status.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "catalog/tv_catalog.h"
#include "commands/command.h"
#include "commands/object_access.h"
#include "commands/settle.h"
#include "commands/settle_bodies.h"
#include "commands/settle_tree.h"
#include "tv_compat.h"

static object_access_hook_type prev_object_access = NULL;

static void tv_object_access(ObjectAccessType access, Oid classid, Oid objid, int subid, void *arg);
static void on_create(Oid classid, Oid objid, int subid, ObjectAccessPostCreate *arg);
static void on_create_relation(Oid relid, bool is_internal);
static void on_alter(Oid classid, Oid objid, int subid, ObjectAccessPostAlter *arg);
static void on_drop(Oid classid, Oid objid, int subid);
static Oid	constraint_relation(Oid constraint);
static Oid	trigger_relation(Oid trigger);
static void add_relation(List **list, Oid relid);

void
tv_object_access_init(void)
{
	prev_object_access = object_access_hook;
	object_access_hook = tv_object_access;
}

static void
tv_object_access(ObjectAccessType access, Oid classid, Oid objid, int subid, void *arg)
{
	if (prev_object_access)
		prev_object_access(access, classid, objid, subid, arg);

	/* The others are for objects being used: they come often. */
	if (access != OAT_POST_CREATE && access != OAT_POST_ALTER && access != OAT_DROP)
		return;
	if (!tv_catalog_installed())
		return;
	if (access == OAT_POST_CREATE)
		on_create(classid, objid, subid, arg);
	else if (access == OAT_POST_ALTER)
		on_alter(classid, objid, subid, arg);
	else
		on_drop(classid, objid, subid);
}

static void
on_create(Oid classid, Oid objid, int subid, ObjectAccessPostCreate *arg)
{
	if (classid == RelationRelationId && subid == 0)
		on_create_relation(objid, arg && arg->is_internal);
	else if (classid == RelationRelationId)
		tv_command_note_reshaped(objid);	/* ADD COLUMN */
	else if (classid == ProcedureRelationId)
		tv_command_note_redefined(classid, objid);	/* CREATE OR REPLACE */
	if (classid == ProcedureRelationId || classid == OperatorRelationId ||
		classid == CastRelationId)
		tv_command_note_named(classid, objid);
}

/*
 * A relation was created.  Refuse what has our access method and is no
 * materialized view, and views that the utility hook does not see.
 */
static void
on_create_relation(Oid relid, bool is_internal)
{
	Relation	pg_class = table_open(RelationRelationId, AccessShareLock);
	Form_pg_class form;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			relam = InvalidOid;
	char		relkind = 0;
	char	   *relname = NULL;

	/* The row is too new for the syscache. */
	ScanKeyInit(&key, Anum_pg_class_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(pg_class, ClassOidIndexId, true, SnapshotSelf, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		form = (Form_pg_class) GETSTRUCT(tuple);
		relam = form->relam;
		relkind = form->relkind;
		relname = pstrdup(NameStr(form->relname));
	}
	systable_endscan(scan);
	table_close(pg_class, AccessShareLock);

	/*
	 * The transient heap of a REFRESH that the utility hook does not see.
	 * Those of VACUUM FULL and CLUSTER take the rows as they are.
	 */
	if (relam == tv_catalog_access_method() && is_internal && relkind == RELKIND_RELATION &&
		(tv_command_current == NULL || tv_command_current->unseen) &&
		MyBEEntry->st_progress_command != PROGRESS_COMMAND_CLUSTER)
		tv_refuse_inactive("Concurrent changes would be lost, because the library was loaded after the statement had begun.");

	/* TOAST tables inherit the access method, transient heaps as well. */
	if (relam != tv_catalog_access_method() || is_internal || relkind == RELKIND_TOASTVALUE)
		return;
	if (relkind != RELKIND_MATVIEW)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("access method \"tview\" is for materialized views only"),
				 errhint("Use another access method for tables, or set default_table_access_method to heap.")));
	if (tv_command_current == NULL || !tv_command_current->creating)
		tv_refuse_inactive(psprintf("Materialized view \"%s\" would not be maintained, because the library was loaded after the statement had begun.",
									relname));
	tv_command_current->created = relid;
}

void
tv_refuse_inactive(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("pg_tviews is not active in this session"),
			 errdetail("%s", detail),
			 errhint("Add pg_tviews to shared_preload_libraries or session_preload_libraries.")));
}

static void
on_alter(Oid classid, Oid objid, int subid, ObjectAccessPostAlter *arg)
{
	switch (classid)
	{
		case RelationRelationId:
			tv_command_note_relation(objid);
			if (subid != 0 && tv_command_current &&
				(tv_command_current->tag == T_RenameStmt || tv_command_current->retypes))
				tv_command_note_reshaped(objid);
			break;
		case ConstraintRelationId:
			tv_command_note_relation(constraint_relation(objid));
			break;
		case TriggerRelationId:
			tv_command_note_relation(trigger_relation(objid));
			if (tv_command_current)
				add_relation(&tv_command_current->altered_triggers, trigger_relation(objid));
			break;
		case InheritsRelationId:
			tv_command_note_link(objid, arg->auxiliary_id);
			break;
		case ProcedureRelationId:
			/* Renaming or giving away a function does not change it. */
			if (tv_command_current && tv_command_current->tag == T_AlterFunctionStmt)
				tv_command_note_redefined(classid, objid);
			tv_command_note_named(classid, objid);
			break;
		case OperatorRelationId:
		case NamespaceRelationId:
			tv_command_note_named(classid, objid);
			break;
		case TSConfigRelationId:
		case TSDictionaryRelationId:
			tv_command_note_redefined(classid, objid);
			break;
		default:
			break;
	}
}

static void
on_drop(Oid classid, Oid objid, int subid)
{
	if (classid == ConstraintRelationId)
		tv_command_note_relation(constraint_relation(objid));
	else if (classid == TSConfigRelationId)
		tv_command_note_redefined(classid, objid);
	else if (classid == OperatorRelationId || classid == CastRelationId)
		tv_command_note_named(classid, objid);
	else if (classid == RelationRelationId && subid != 0)
	{
		tv_command_note_relation(objid);
		tv_command_note_reshaped(objid);
	}
	else if (classid == RelationRelationId)
	{
		char		relkind = get_rel_relkind(objid);

		if (relkind == RELKIND_INDEX || relkind == RELKIND_PARTITIONED_INDEX)
			tv_command_note_relation(objid);
		else if (relkind == RELKIND_MATVIEW && tv_catalog_is_view(objid))
			tv_command_note_dropped(objid);
		else if (relkind == RELKIND_RELATION)
			tv_settle_table_dropping(objid);
	}
}

/* The table of a constraint; InvalidOid for one of a domain. */
static Oid
constraint_relation(Oid constraint)
{
	HeapTuple	tuple = SearchSysCache1(CONSTROID, ObjectIdGetDatum(constraint));
	Oid			relid = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		relid = ((Form_pg_constraint) GETSTRUCT(tuple))->conrelid;
		ReleaseSysCache(tuple);
	}
	return relid;
}

static Oid
trigger_relation(Oid trigger)
{
	Relation	rel = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			relid = InvalidOid;

	ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(trigger));
	scan = systable_beginscan(rel, TriggerOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		relid = ((Form_pg_trigger) GETSTRUCT(tuple))->tgrelid;
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return relid;
}

void
tv_command_note_relation(Oid relid)
{
	char		relkind;

	if (!OidIsValid(relid))
		return;
	relkind = get_rel_relkind(relid);
	if (relkind == RELKIND_INDEX || relkind == RELKIND_PARTITIONED_INDEX)
		relid = IndexGetRelation(relid, true);
	tv_command_note_touched(relid);
}

/* ------------------------------------------------------------------------
 * Notes
 * ------------------------------------------------------------------------
 */

void
tv_command_note_touched(Oid relid)
{
	if (tv_command_current)
		add_relation(&tv_command_current->touched, relid);
}

void
tv_command_note_moved(Oid relid)
{
	if (tv_command_current)
		add_relation(&tv_command_current->moved, relid);
}

/* A link that is made and removed by one statement is none. */
void
tv_command_note_link(Oid child, Oid parent)
{
	MemoryContext oldcxt;
	TvLink	   *link;
	ListCell   *lc;

	if (tv_command_current == NULL)
		return;
	foreach(lc, tv_command_current->links)
	{
		link = lfirst(lc);
		if (link->child == child && link->parent == parent)
		{
			tv_command_current->links = foreach_delete_current(tv_command_current->links, lc);
			return;
		}
	}
	oldcxt = MemoryContextSwitchTo(tv_command_current->cxt);
	link = palloc(sizeof(TvLink));
	link->child = child;
	link->parent = parent;
	tv_command_current->links = lappend(tv_command_current->links, link);
	MemoryContextSwitchTo(oldcxt);
}

void
tv_command_note_reshaped(Oid relid)
{
	if (tv_command_current)
		add_relation(&tv_command_current->reshaped, relid);
}

void
tv_command_note_constrained(Oid domain)
{
	if (tv_command_current)
		add_relation(&tv_command_current->constrained, domain);
}

void
tv_command_note_redefined(Oid classid, Oid objid)
{
	MemoryContext oldcxt;
	ObjectAddress *address;

	if (tv_command_current == NULL)
		return;
	oldcxt = MemoryContextSwitchTo(tv_command_current->cxt);
	address = palloc(sizeof(ObjectAddress));
	ObjectAddressSet(*address, classid, objid);
	tv_command_current->redefined = lappend(tv_command_current->redefined, address);
	MemoryContextSwitchTo(oldcxt);
}

void
tv_command_note_named(Oid classid, Oid objid)
{
	MemoryContext oldcxt;
	ObjectAddress *address;
	char	   *name;

	if (tv_command_current == NULL)
		return;
	oldcxt = MemoryContextSwitchTo(tv_command_current->cxt);
	address = palloc(sizeof(ObjectAddress));
	ObjectAddressSet(*address, classid, objid);
	tv_command_current->named = lappend(tv_command_current->named, address);
	name = tv_settle_name_in_bodies(address);
	if (name)
		tv_command_current->names = lappend(tv_command_current->names, name);
	MemoryContextSwitchTo(oldcxt);
}

void
tv_command_note_dropped(Oid view)
{
	/*
	 * Its state tables wait for the end of the statement: within DROP
	 * EXTENSION they are about to be dropped anyway.  Without our utility
	 * hook nobody would come back to them.
	 */
	if (tv_command_current)
		add_relation(&tv_command_current->dropped, view);
	else
		tv_settle_dropped(list_make1_oid(view));
}

static void
add_relation(List **list, Oid relid)
{
	MemoryContext oldcxt = MemoryContextSwitchTo(tv_command_current->cxt);

	if (OidIsValid(relid))
		*list = list_append_unique_oid(*list, relid);
	MemoryContextSwitchTo(oldcxt);
}
