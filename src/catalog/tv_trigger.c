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
#include "utils/rel.h"
#include "utils/syscache.h"

#include "catalog/tv_catalog.h"
#include "catalog/tv_trigger.h"

/*
 * The triggers.  The leading space makes the names sort first.
 *
 * The apply worker of a subscription fires no statement triggers; the last
 * one, which fires only where session_replication_role is replica, delivers
 * its rows.
 */
static const struct
{
	const char *name;
	int16		events;
	int16		timing;
	bool		row;
	bool		old_table;
	bool		new_table;
	char		fires;
}			trigger_info[] = {

	{" tview_insert", TRIGGER_TYPE_INSERT, TRIGGER_TYPE_AFTER, false, false, true,
	TRIGGER_FIRES_ALWAYS},
	{" tview_update", TRIGGER_TYPE_UPDATE, TRIGGER_TYPE_AFTER, false, true, true,
	TRIGGER_FIRES_ALWAYS},
	{" tview_delete", TRIGGER_TYPE_DELETE, TRIGGER_TYPE_AFTER, false, true, false,
	TRIGGER_FIRES_ALWAYS},
	{" tview_truncate", TRIGGER_TYPE_TRUNCATE, TRIGGER_TYPE_BEFORE, false, false, false,
	TRIGGER_FIRES_ALWAYS},
	{" tview_apply", TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE,
	TRIGGER_TYPE_AFTER, true, false, false, TRIGGER_FIRES_ON_REPLICA}
};

#define N_TRIGGERS lengthof(trigger_info)

/* What to do with our triggers found on a relation. */
typedef enum TvTriggerAction
{
	TRIGGER_LOOK,
	TRIGGER_ENABLE,
	TRIGGER_DELETE
} TvTriggerAction;

static uint32 visit_triggers(Oid relid, TvTriggerAction action, bool *all_enabled);
static int	which_trigger(Form_pg_trigger form);
static void enable_trigger(Relation pg_trigger, HeapTuple tuple, char fires);
static void create_trigger(Oid relid, int which);
static TriggerTransition *transition(const char *name, bool isnew);
static Oid	capture_function(void);

void
tv_trigger_arm(Oid relid)
{
	bool		all_enabled;
	uint32		present;

	/* What CREATE TRIGGER takes; it keeps writers out. */
	LockRelationOid(relid, ShareRowExclusiveLock);
	present = visit_triggers(relid, TRIGGER_LOOK, &all_enabled);
	if (!all_enabled)
		(void) visit_triggers(relid, TRIGGER_ENABLE, &all_enabled);
	for (int i = 0; i < N_TRIGGERS; i++)
		if (!(present & (1U << i)))
			create_trigger(relid, i);
	CommandCounterIncrement();
}

void
tv_trigger_disarm(Oid relid)
{
	bool		all_enabled;

	/*
	 * DROP TRIGGER locks out readers, too.  They do not mind: only writers
	 * use triggers, and this lock waits for them.
	 */
	LockRelationOid(relid, ShareRowExclusiveLock);
	if (visit_triggers(relid, TRIGGER_DELETE, &all_enabled) != 0)
		CacheInvalidateRelcacheByRelid(relid);
	CommandCounterIncrement();
}

bool
tv_trigger_is_armed(Oid relid)
{
	bool		all_enabled;
	uint32		present = visit_triggers(relid, TRIGGER_LOOK, &all_enabled);

	return present == (1U << N_TRIGGERS) - 1 && all_enabled;
}

/*
 * Visit our triggers on a relation.  Returns which of them there are, bit by
 * bit; *all_enabled is set to whether all of them fire when they should.
 */
static uint32
visit_triggers(Oid relid, TvTriggerAction action, bool *all_enabled)
{
	LOCKMODE	lockmode = action == TRIGGER_LOOK ? AccessShareLock : RowExclusiveLock;
	Relation	pg_trigger = table_open(TriggerRelationId, lockmode);
	Oid			function = capture_function();
	uint32		present = 0;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	*all_enabled = true;
	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(pg_trigger, TriggerRelidNameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_trigger form = (Form_pg_trigger) GETSTRUCT(tuple);

		int			which;

		if (form->tgfoid != function)
			continue;
		which = which_trigger(form);
		present |= 1U << which;
		if (form->tgenabled != trigger_info[which].fires)
		{
			*all_enabled = false;
			if (action == TRIGGER_ENABLE)
				enable_trigger(pg_trigger, tuple, trigger_info[which].fires);
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
		if ((form->tgtype & TRIGGER_TYPE_EVENT_MASK) == trigger_info[i].events &&
			TRIGGER_FOR_ROW(form->tgtype) == trigger_info[i].row)
			return i;
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
