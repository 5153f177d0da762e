/*-------------------------------------------------------------------------
 *
 * catalog/tv_trigger.c
 *	  The internal triggers on base tables.
 *
 * Found by their function, never by name: the owner of the base table can
 * rename them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "nodes/makefuncs.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "catalog/tv_catalog.h"
#include "catalog/tv_tree.h"
#include "catalog/tv_trigger.h"

#define EVENTS_OF_ROWS (TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE)

/* Which tables need a trigger: bits for trigger_info. */
#define TABLE_ALONE			1	/* rows come by statement, in one row type */
#define TABLE_IN_TREE		2	/* rows come one by one, from where they are
								 * stored */
#define TABLE_PARTITIONED	4	/* stores no rows */

/*
 * The triggers.  The leading space makes the names sort first.
 *
 * The apply worker of a subscription fires no statement triggers; "apply",
 * which fires only where session_replication_role is replica, delivers its
 * rows.
 *
 * A statement on a table that has children, or is one, changes rows of other
 * tables, and of these it fires row triggers only.  Its transition tables do
 * not tell where a row is stored, either.  So in trees a row trigger delivers
 * each row, and the one for the statement, without transition tables, tells
 * that all have come.
 */
static const struct
{
	const char *name;
	int			tables;
	int16		events;
	int16		timing;
	bool		row;
	bool		old_table;
	bool		new_table;
	char		fires;
}			trigger_info[] = {

	{" tview_insert", TABLE_ALONE, TRIGGER_TYPE_INSERT, TRIGGER_TYPE_AFTER, false, false, true,
	TRIGGER_FIRES_ALWAYS},
	{" tview_update", TABLE_ALONE, TRIGGER_TYPE_UPDATE, TRIGGER_TYPE_AFTER, false, true, true,
	TRIGGER_FIRES_ALWAYS},
	{" tview_delete", TABLE_ALONE, TRIGGER_TYPE_DELETE, TRIGGER_TYPE_AFTER, false, true, false,
	TRIGGER_FIRES_ALWAYS},
	{" tview_truncate", TABLE_ALONE | TABLE_IN_TREE, TRIGGER_TYPE_TRUNCATE, TRIGGER_TYPE_BEFORE,
	false, false, false, TRIGGER_FIRES_ALWAYS},
	{" tview_apply", TABLE_ALONE, EVENTS_OF_ROWS, TRIGGER_TYPE_AFTER, true, false, false,
	TRIGGER_FIRES_ON_REPLICA},
	{" tview_row", TABLE_IN_TREE, EVENTS_OF_ROWS, TRIGGER_TYPE_AFTER, true, false, false,
	TRIGGER_FIRES_ALWAYS},
	{" tview_statement", TABLE_IN_TREE | TABLE_PARTITIONED, EVENTS_OF_ROWS, TRIGGER_TYPE_AFTER,
	false, false, false, TRIGGER_FIRES_ALWAYS}
};

#define N_TRIGGERS lengthof(trigger_info)

/* What to do with our triggers found on a relation. */
typedef enum TvTriggerAction
{
	TRIGGER_LOOK,
	TRIGGER_ENABLE,
	TRIGGER_DELETE
} TvTriggerAction;

static uint32 triggers_of(int table);
static uint32 wanted_triggers(Oid relid);
static uint32 visit_triggers(Oid relid, TvTriggerAction action, uint32 which, bool *all_enabled);
static int	which_trigger(Form_pg_trigger form);
static void enable_trigger(Relation pg_trigger, HeapTuple tuple, char fires);
static void create_trigger(Oid relid, int which);
static TriggerTransition *transition(const char *name, bool isnew);
static Oid	capture_function(void);

/* The triggers of a kind of table, bit by bit. */
static uint32
triggers_of(int table)
{
	uint32		result = 0;

	for (int i = 0; i < N_TRIGGERS; i++)
		if (trigger_info[i].tables & table)
			result |= 1U << i;
	return result;
}

/* The triggers that a relation should have, and no others. */
static uint32
wanted_triggers(Oid relid)
{
	if (get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE)
		return triggers_of(TABLE_PARTITIONED);
	return triggers_of(tv_tree_is_member(relid) ? TABLE_IN_TREE : TABLE_ALONE);
}

bool
tv_trigger_arm(Oid relid)
{
	bool		all_enabled;
	uint32		present;
	uint32		wanted;

	/* What CREATE TRIGGER takes; it keeps writers out. */
	LockRelationOid(relid, ShareRowExclusiveLock);
	wanted = wanted_triggers(relid);
	present = visit_triggers(relid, TRIGGER_ENABLE, wanted, &all_enabled);
	if (present & ~wanted)
		(void) visit_triggers(relid, TRIGGER_DELETE, ~wanted, NULL);
	for (int i = 0; i < N_TRIGGERS; i++)
		if (wanted & ~present & (1U << i))
			create_trigger(relid, i);
	CacheInvalidateRelcacheByRelid(relid);
	CommandCounterIncrement();
	return all_enabled;
}

void
tv_trigger_disarm(Oid relid)
{
	/*
	 * DROP TRIGGER locks out readers, too.  They do not mind: only writers
	 * use triggers, and this lock waits for them.
	 */
	LockRelationOid(relid, ShareRowExclusiveLock);
	if (visit_triggers(relid, TRIGGER_DELETE, ~0U, NULL) != 0)
		CacheInvalidateRelcacheByRelid(relid);
	CommandCounterIncrement();
}

/*
 * The triggers of a table that was in a tree serve one that is alone, too: it
 * keeps them as long as changing them would mean to lock it.
 */
bool
tv_trigger_is_armed(Oid relid)
{
	bool		all_enabled;
	uint32		wanted = wanted_triggers(relid);
	uint32		present = visit_triggers(relid, TRIGGER_LOOK, ~0U, &all_enabled);

	return all_enabled &&
		(present == wanted || (wanted == triggers_of(TABLE_ALONE) &&
							   present == triggers_of(TABLE_IN_TREE)));
}

bool
tv_trigger_exists(Oid relid)
{
	bool		all_enabled;

	return visit_triggers(relid, TRIGGER_LOOK, ~0U, &all_enabled) != 0;
}

bool
tv_trigger_delivers_rows(const Trigger *trigger)
{
	return TRIGGER_FOR_ROW(trigger->tgtype) && trigger->tgnargs > 0;
}

/*
 * Visit those of our triggers on a relation that are in the set which.
 * Returns which of all there are, bit by bit; *all_enabled (or NULL) is set to
 * whether all in the set fire when they should.
 */
static uint32
visit_triggers(Oid relid, TvTriggerAction action, uint32 which, bool *all_enabled)
{
	LOCKMODE	lockmode = action == TRIGGER_LOOK ? AccessShareLock : RowExclusiveLock;
	Relation	pg_trigger = table_open(TriggerRelationId, lockmode);
	Oid			function = capture_function();
	uint32		present = 0;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	if (all_enabled)
		*all_enabled = true;
	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(pg_trigger, TriggerRelidNameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);
		int			i;

		if (form->tgfoid != function)
			continue;
		i = which_trigger(form);
		present |= 1U << i;
		if (!(which & (1U << i)))
			continue;
		if (form->tgenabled != trigger_info[i].fires && action != TRIGGER_DELETE)
		{
			*all_enabled = false;
			if (action == TRIGGER_ENABLE)
				enable_trigger(pg_trigger, tuple, trigger_info[i].fires);
		}
		if (action == TRIGGER_DELETE)
		{
			deleteDependencyRecordsFor(TriggerRelationId, form->oid, false);
			CatalogTupleDelete(pg_trigger, &tuple->t_self);
		}
	}
	systable_endscan(scan);
	table_close(pg_trigger, lockmode);
	return present;
}

static int
which_trigger(Form_pg_trigger form)
{
	for (int i = 0; i < N_TRIGGERS; i++)
	{
		bool		of_tree = trigger_info[i].row && trigger_info[i].tables == TABLE_IN_TREE;

		if ((form->tgtype & TRIGGER_TYPE_EVENT_MASK) == trigger_info[i].events &&
			TRIGGER_FOR_ROW(form->tgtype) == trigger_info[i].row &&
			(form->tgnargs > 0) == of_tree)
			return i;
	}
	elog(ERROR, "unknown trigger %u of tview.capture()", form->oid);
	return 0;
}

static void
enable_trigger(Relation pg_trigger, HeapTuple tuple, char fires)
{
	HeapTuple	copy = heap_copytuple(tuple);
	Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(copy);

	form->tgenabled = fires;
	CatalogTupleUpdate(pg_trigger, &copy->t_self, copy);
	CacheInvalidateRelcacheByRelid(form->tgrelid);
	heap_freetuple(copy);
}

static void
create_trigger(Oid relid, int which)
{
	CreateTrigStmt *stmt = makeNode(CreateTrigStmt);
	ObjectAddress trigger;
	ObjectAddress base;
	ObjectAddress method;

	stmt->trigname = pstrdup(trigger_info[which].name);
	stmt->row = trigger_info[which].row;
	stmt->timing = trigger_info[which].timing;
	stmt->events = trigger_info[which].events;
	/* an argument tells it from the one for apply workers */
	if (stmt->row && trigger_info[which].tables == TABLE_IN_TREE)
		stmt->args = list_make1(makeString(pstrdup("tree")));
	if (trigger_info[which].old_table)
		stmt->transitionRels = lappend(stmt->transitionRels, transition("tview_old", false));
	if (trigger_info[which].new_table)
		stmt->transitionRels = lappend(stmt->transitionRels, transition("tview_new", true));

	trigger = CreateTriggerFiringOn(stmt, NULL, relid, InvalidOid, InvalidOid, InvalidOid,
									capture_function(), InvalidOid, NULL, true, false,
									trigger_info[which].fires);

	/*
	 * A pair of partition dependencies: DROP TRIGGER is refused, DROP TABLE
	 * and DROP EXTENSION take the trigger along.
	 */
	ObjectAddressSet(base, RelationRelationId, relid);
	recordDependencyOn(&trigger, &base, DEPENDENCY_PARTITION_PRI);
	ObjectAddressSet(method, AccessMethodRelationId, tv_catalog_access_method());
	recordDependencyOn(&trigger, &method, DEPENDENCY_PARTITION_SEC);
}

static TriggerTransition *
transition(const char *name, bool isnew)
{
	TriggerTransition *result = makeNode(TriggerTransition);

	result->name = pstrdup(name);
	result->isNew = isnew;
	result->isTable = true;
	return result;
}

/* tview.capture() */
static Oid
capture_function(void)
{
	Oid			function;

	function = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
							   CStringGetDatum("capture"),
							   PointerGetDatum(buildoidvector(NULL, 0)),
							   ObjectIdGetDatum(tv_catalog_schema()));
	if (!OidIsValid(function))
		elog(ERROR, "function tview.capture() does not exist");
	return function;
}
