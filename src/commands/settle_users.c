/*-------------------------------------------------------------------------
 *
 * commands/settle_users.c
 *	  Which views a definition's parts belong to.
 *
 * The server records what the rules of views, functions, operators, casts and
 * columns depend on, and so do we for bodies that are text.  These are followed
 * from what was changed to the views, through types that are made of types.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_ts_config.h"
#include "catalog/pg_ts_dict.h"
#include "catalog/pg_type.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "catalog/tv_catalog.h"
#include "commands/settle_users.h"
#include "planner/view_compile.h"
#include "tv_compat.h"

static bool uses_row(Oid view, Oid relid);
static List *views_that_use(const ObjectAddress *object, bool stored, List **types);
static Oid	rule_relation(Oid rule);

List *
tv_settle_users_of(List *addresses)
{
	List	   *views = NIL;
	ListCell   *lc;

	foreach(lc, addresses)
		views = list_concat_unique_oid(views, views_that_use(lfirst(lc), true, NULL));
	return views;
}

List *
tv_settle_makers_of(List *types)
{
	List	   *views = NIL;
	ListCell   *lc;

	foreach(lc, types)
	{
		ObjectAddress type;

		ObjectAddressSet(type, TypeRelationId, lfirst_oid(lc));
		views = list_concat_unique_oid(views, views_that_use(&type, false, NULL));
	}
	return views;
}

List *
tv_settle_users_of_rows(List *relids)
{
	List	   *views = NIL;
	ListCell   *lc;
	ListCell   *lv;

	foreach(lc, relids)
	{
		Oid			type = get_rel_type_id(lfirst_oid(lc));
		ObjectAddress address;

		/* a relation that is gone, or an index */
		if (!OidIsValid(type))
			continue;
		ObjectAddressSet(address, TypeRelationId, type);
		views = list_concat_unique_oid(views, views_that_use(&address, true, NULL));
		ObjectAddressSet(address, RelationRelationId, lfirst_oid(lc));
		foreach(lv, views_that_use(&address, true, NULL))
			if (uses_row(lfirst_oid(lv), lfirst_oid(lc)))
			views = list_append_unique_oid(views, lfirst_oid(lv));
	}
	return views;
}

static bool
uses_row(Oid view, Oid relid)
{
	TvRefusal  *refusal = NULL;
	TvGraph    *graph;

	LockRelationOid(view, AccessShareLock);
	graph = tv_view_compile(view, &refusal);
	return graph && list_member_oid(graph->whole_rows, relid);
}

/*
 * The maintained views that use a text search configuration without naming it:
 * it was the default when they were created.
 */
static List *
views_that_search_by(Oid config)
{
	static const char prefix[] = "default_text_search_config=";
	List	   *views = NIL;
	ListCell   *lc;
	ListCell   *ls;

	foreach(lc, tv_catalog_all_views())
	{
		Oid			view = lfirst_oid(lc);
		char	   *mode;
		List	   *settings = NIL;
		TvRefusal  *refusal = NULL;
		TvGraph    *graph;

		(void) tv_catalog_option(view, &mode, &settings);
		foreach(ls, settings)
		{
			const char *setting = lfirst(ls);
			Oid			found;

			if (strncmp(setting, prefix, strlen(prefix)) != 0)
				continue;
			found = get_ts_config_oid(stringToQualifiedNameList(setting + strlen(prefix), NULL), true);
			/* or it was that, and is dropped */
			if (found != config && OidIsValid(found))
				continue;
			LockRelationOid(view, AccessShareLock);
			graph = tv_view_compile(view, &refusal);
			if (graph && graph->uses_settings)
				views = list_append_unique_oid(views, view);
		}
	}
	return views;
}

/*
 * The maintained views whose definition depends on an object: directly, or
 * through plain views, functions, operators, casts and types.  Of a type, if
 * stored, the readers of tables with columns of it, too.  The types on the way
 * are added to types, unless it is NULL.
 */
static List *
views_that_use(const ObjectAddress *object, bool stored, List **types)
{
	Relation	depend = table_open(DependRelationId, AccessShareLock);
	ObjectAddresses *seen = new_object_addresses();
	List	   *todo = list_make1(unconstify(ObjectAddress *, object));
	List	   *views = NIL;

	add_exact_object_address(object, seen);
	while (todo != NIL)
	{
		ObjectAddress *current = linitial(todo);
		ScanKeyData key[2];
		SysScanDesc scan;
		HeapTuple	tuple;

		todo = list_delete_first(todo);
		if (current->classId == TSConfigRelationId)
			views = list_concat_unique_oid(views, views_that_search_by(current->objectId));
		ScanKeyInit(&key[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
					ObjectIdGetDatum(current->classId));
		ScanKeyInit(&key[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
					ObjectIdGetDatum(current->objectId));
		scan = systable_beginscan(depend, DependReferenceIndexId, true, NULL, 2, key);
		while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		{
			Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);
			ObjectAddress *next = palloc(sizeof(ObjectAddress));

			ObjectAddressSet(*next, form->classid, form->objid);
			if (form->classid == RewriteRelationId)
			{
				Oid			relid = rule_relation(form->objid);

				ObjectAddressSet(*next, RelationRelationId, relid);
				if (tv_catalog_is_view(relid))
				{
					views = list_append_unique_oid(views, relid);
					continue;
				}
				if (get_rel_relkind(relid) != RELKIND_VIEW)
					continue;
			}
			else if (form->classid == RelationRelationId)
			{
				if (current->classId == TypeRelationId && stored)
					views = list_concat_unique_oid(views, tv_catalog_readers(form->objid));
				if (((current->classId == TypeRelationId && stored) ||
					 current->classId == ProcedureRelationId) &&
					tv_catalog_is_view(form->objid))
					views = list_append_unique_oid(views, form->objid);
				if (current->classId != TypeRelationId)
					continue;
				/* a column's type is a part of its row's */
				ObjectAddressSet(*next, TypeRelationId, get_rel_type_id(form->objid));
				if (!OidIsValid(next->objectId))
					continue;
			}
			else if (form->classid != ProcedureRelationId && form->classid != OperatorRelationId &&
					 form->classid != CastRelationId && form->classid != TypeRelationId &&
					 form->classid != TSConfigRelationId && form->classid != TSDictionaryRelationId)
				continue;
			if (object_address_present(next, seen))
				continue;
			add_exact_object_address(next, seen);
			todo = lappend(todo, next);
			if (types && next->classId == TypeRelationId)
				*types = list_append_unique_oid(*types, next->objectId);
		}
		systable_endscan(scan);
	}
	table_close(depend, AccessShareLock);
	free_object_addresses(seen);
	return views;
}

List *
tv_settle_types_with(List *types)
{
	List	   *result = list_copy(types);
	ListCell   *lc;

	foreach(lc, types)
	{
		ObjectAddress type;

		ObjectAddressSet(type, TypeRelationId, lfirst_oid(lc));
		(void) views_that_use(&type, false, &result);
	}
	return result;
}

static Oid
rule_relation(Oid rule)
{
	Relation	rel = table_open(RewriteRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			relid = InvalidOid;

	ScanKeyInit(&key, Anum_pg_rewrite_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(rule));
	scan = systable_beginscan(rel, RewriteOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		relid = ((Form_pg_rewrite) GETSTRUCT(tuple))->ev_class;
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return relid;
}
