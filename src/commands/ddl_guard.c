/*-------------------------------------------------------------------------
 *
 * commands/ddl_guard.c
 *	  DDL that the utility hook does not see, because the library is not
 *	  preloaded.
 *
 * Two event triggers call in.  The first one loads the library in a session
 * that does not have it, from when on the object access hook takes notes; the
 * statement stands for the command that the utility hook would have pushed.
 * The conclusions are not drawn: the flush and the locks that must come before
 * the statement are missed.  If the notes concern a populated view, the
 * statement fails.
 *
 * Where the utility hook has seen the statement, there is nothing to do.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "commands/event_trigger.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "catalog/tv_catalog.h"
#include "commands/command.h"
#include "commands/ddl_guard.h"
#include "commands/definition_lock.h"
#include "commands/object_access.h"
#include "commands/settle.h"

PG_FUNCTION_INFO_V1(tview_ddl_guard);

static void begin(Node *stmt);
static void note_parallel_phases(Node *stmt);
static void end(void);
static void check(const TvCommand *command);
static void forget(void);
static void subxact_callback(SubXactEvent event, SubTransactionId subid, SubTransactionId parent, void *arg);
static void xact_callback(XactEvent event, void *arg);

/* The statement in progress that the utility hook does not know, or NULL. */
static TvCommand *unseen = NULL;
static SubTransactionId unseen_subid;
static TimestampTz unseen_message;	/* of the client, that it came by */

/*
 * tview.ddl_guard() returns event_trigger
 */
Datum
tview_ddl_guard(PG_FUNCTION_ARGS)
{
	EventTriggerData *data = (EventTriggerData *) fcinfo->context;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function tview.ddl_guard() was not called by an event trigger"),
				 errdetail("It belongs to the event triggers of pg_tviews."),
				 errhint("Do not call it.")));
	if (IsBinaryUpgrade || !tv_catalog_installed())
		PG_RETURN_NULL();
	if (strcmp(data->event, "ddl_command_start") == 0)
	{
		if (tv_command_current == NULL)
			begin(data->parsetree);
	}
	else if (strcmp(data->event, "ddl_command_end") == 0 && unseen && tv_command_current == unseen)
		end();
	PG_RETURN_NULL();
}

void
tv_ddl_guard_init(void)
{
	RegisterXactCallback(xact_callback, NULL);
	RegisterSubXactCallback(subxact_callback, NULL);
}

/*
 * The handler of the statement notes what the object access hook is not told
 * of, and refuses what it would refuse; what it hands on is being run.
 */
static void
begin(Node *stmt)
{
	MemoryContext cxt = AllocSetContextCreate(TopMemoryContext, "pg_tviews unseen statement",
											  ALLOCSET_SMALL_SIZES);
	TvUtility	utility = {0};

	/* survives the commits within a statement */
	unseen = MemoryContextAllocZero(cxt, sizeof(TvCommand));
	unseen->cxt = cxt;
	unseen->unseen = true;
	unseen->tag = nodeTag(stmt);
	unseen_subid = GetCurrentSubTransactionId();
	unseen_message = GetCurrentStatementStartTimestamp();
	tv_command_current = unseen;
	tv_definitions_lock_change(stmt);
	tv_utility_note(&utility, stmt);
	note_parallel_phases(stmt);
	check(unseen);
}

/* DROP INDEX CONCURRENTLY has no way back once it has begun. */
static void
note_parallel_phases(Node *stmt)
{
	DropStmt   *drop = (DropStmt *) stmt;
	ListCell   *lc;

	if (!IsA(stmt, DropStmt) || !drop->concurrent)
		return;
	foreach(lc, drop->objects)
		tv_command_note_relation(RangeVarGetRelid(makeRangeVarFromNameList(lfirst(lc)),
												  NoLock, true));
}

static void
end(void)
{
	tv_settle_dropped(unseen->dropped);
	CommandCounterIncrement();
	check(unseen);
	forget();
}

static void
check(const TvCommand *command)
{
	Oid			view = tv_settle_concerns(command);

	if (OidIsValid(view))
		tv_refuse_inactive(psprintf("Maintained view \"%s\" could become stale by the statement, because the library was loaded after it had begun.",
									get_rel_name(view)));
}

void
tv_ddl_guard_reset(void)
{
	if (unseen && unseen_message != GetCurrentStatementStartTimestamp())
		forget();
}

static void
forget(void)
{
	TvCommand  *command = unseen;

	if (tv_command_current == command)
		tv_command_current = NULL;
	unseen = NULL;
	MemoryContextDelete(command->cxt);
}

static void
subxact_callback(SubXactEvent event, SubTransactionId subid, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB && unseen && subid == unseen_subid)
		forget();
}

static void
xact_callback(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_ABORT && unseen)
		forget();
}
