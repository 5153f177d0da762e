/*-------------------------------------------------------------------------
 *
 * commands/settle.c
 *	  What a statement's effects mean for views.
 *
 * A relation that was altered may change how its readers are maintained
 * (a constraint proved a key), or whether they can be at all (row security).
 * Rows that came or went without triggers (partitions), and objects that mean
 * something else now (views and functions in a definition), make a view's
 * contents wrong: such a view, and all that read it, is set unpopulated.
 * Reading it is then an error of the server's that tells to REFRESH.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_cast.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_ts_config.h"
#include "catalog/pg_ts_dict.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "catalog/tv_catalog.h"
#include "catalog/tv_state.h"
#include "catalog/tv_trigger.h"
#include "commands/settle.h"
#include "commands/unpopulate.h"
#include "commands/view_build.h"

static void settle_touched(List *relids);
static void settle_moved(List *relids);
static void settle_redefined(List *addresses);
static void settle_view(Oid view);
static void rearm(Oid relid);
static void disarm_unread(List *relids);
static List *views_that_use(const ObjectAddress *object);
static Oid	rule_relation(Oid rule);

void
tv_settle(TvCommand *command)
{
	/* DROP EXTENSION has dropped everything else, too. */
	if (!IsTransactionState() || !tv_catalog_installed() || IsBinaryUpgrade)
		return;
	if (command->dropped == NIL && command->touched == NIL &&
		command->moved == NIL && command->redefined == NIL)
		return;
	CommandCounterIncrement();
	tv_settle_dropped(command->dropped);
	settle_redefined(command->redefined);
	settle_moved(command->moved);
	settle_touched(command->touched);
}

/* ------------------------------------------------------------------------
 * Dropped views
 * ------------------------------------------------------------------------
 */

void
tv_settle_dropped(List *views)
{
	List	   *sources = NIL;
	ListCell   *lc;

	foreach(lc, views)
	{
		Oid			view = lfirst_oid(lc);

		sources = list_concat_unique_oid(sources, tv_catalog_sources(view));
		tv_state_drop_all(view);
		tv_catalog_forget_view(view);
	}
	disarm_unread(sources);
}

/*
 * Drop the triggers of tables that no view reads any more.  Not if that means
 * waiting for a writer: it may be waiting for the view that is being dropped.
 * Triggers left behind do nothing, and the next view over the table uses them.
 */
static void
disarm_unread(List *relids)
{
	ListCell   *lc;

	list_sort(relids, list_oid_cmp);
	foreach(lc, relids)
	{
		Oid			relid = lfirst_oid(lc);
		char		relkind = get_rel_relkind(relid);

		if (relkind == '\0' || relkind == RELKIND_MATVIEW || tv_catalog_readers(relid) != NIL)
			continue;
		if (!ConditionalLockRelationOid(relid, ShareRowExclusiveLock))
			continue;
		tv_trigger_disarm(relid);
	}
}

/* ------------------------------------------------------------------------
 * Altered relations
 * ------------------------------------------------------------------------
 */

/* Look again at the views that read these relations, or are among them. */
static void
settle_touched(List *relids)
{
	List	   *views = NIL;
	ListCell   *lc;

	foreach(lc, relids)
	{
		Oid			relid = lfirst_oid(lc);
		List	   *readers = tv_catalog_readers(relid);

		if (readers != NIL && get_rel_relkind(relid) != RELKIND_MATVIEW)
			rearm(relid);
		views = list_concat_unique_oid(views, readers);
		if (tv_catalog_is_view(relid))
			views = list_append_unique_oid(views, relid);
	}
	foreach(lc, views)
		settle_view(lfirst_oid(lc));
}

/*
 * Look again at a view: it may need other state tables, another index, or be
 * beyond maintenance.
 */
static void
settle_view(Oid view)
{
	TvRefusal  *refusal = NULL;
	TvGraph    *graph;
	List	   *inputs;

	if (!tv_catalog_is_view(view) || !tv_catalog_has_view(view))
		return;
	LockRelationOid(view, AccessShareLock);
	if (!tv_view_is_populated(view))
		return;
	graph = tv_view_compile(view, &refusal);
	if (graph == NULL)
	{
		tv_unpopulate(list_make1_oid(view), psprintf("Its definition is refused now: %s. %s",
													 refusal->what, refusal->why));
		return;
	}
	if (tv_view_fits(view, graph))
		return;

	inputs = tv_graph_inputs(graph);
	tv_check_not_in_progress(inputs, "change how a view is maintained");
	tv_lock_relations(inputs, ShareRowExclusiveLock);
	LockRelationOid(view, AccessExclusiveLock);
	tv_view_build(view);
}

/*
 * ENABLE TRIGGER and DISABLE TRIGGER ALL reach our triggers as well, which
 * are no business of theirs.
 */
static void
rearm(Oid relid)
{
	if (get_rel_relkind(relid) == '\0' || tv_trigger_is_armed(relid))
		return;
	tv_trigger_arm(relid);
	ereport(NOTICE,
			(errmsg("the triggers on \"%s\" that maintain views stay enabled", get_rel_name(relid))));
}

/* ------------------------------------------------------------------------
 * Changed contents and meanings
 * ------------------------------------------------------------------------
 */

/* Rows of these relations, and so of their ancestors, have changed. */
static void
settle_moved(List *relids)
{
	List	   *views = NIL;
	List	   *todo = list_copy(relids);

	while (todo != NIL)
	{
		Oid			relid = linitial_oid(todo);
		Relation	rel;
		ScanKeyData key;
		SysScanDesc scan;
		HeapTuple	tuple;

		todo = list_delete_first(todo);
		views = list_concat_unique_oid(views, tv_catalog_readers(relid));

		rel = table_open(InheritsRelationId, AccessShareLock);
		ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ,
					ObjectIdGetDatum(relid));
		scan = systable_beginscan(rel, InheritsRelidSeqnoIndexId, true, NULL, 1, &key);
		while (HeapTupleIsValid(tuple = systable_getnext(scan)))
			todo = lappend_oid(todo, ((Form_pg_inherits) GETSTRUCT(tuple))->inhparent);
		systable_endscan(scan);
		table_close(rel, AccessShareLock);
	}
	tv_unpopulate(views, "Rows of a table that it reads came or went with a partition or child table.");
}

/* Views, functions and others in definitions mean something else now. */
static void
settle_redefined(List *addresses)
{
	List	   *views = NIL;
	ListCell   *lc;

	foreach(lc, addresses)
		views = list_concat_unique_oid(views, views_that_use(lfirst(lc)));
	tv_unpopulate(views, "A view, function or type that its definition uses was changed.");
}

/*
 * The maintained views whose definition depends on an object: directly, or
 * through plain views, functions, operators, casts and types.  Of a type, the
 * readers of tables with columns of it, too.
 */
static List *
views_that_use(const ObjectAddress *object)
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
				if (current->classId == TypeRelationId)
					views = list_concat_unique_oid(views, tv_catalog_readers(form->objid));
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
		}
		systable_endscan(scan);
	}
	table_close(depend, AccessShareLock);
	free_object_addresses(seen);
	return views;
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
