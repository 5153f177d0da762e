/*-------------------------------------------------------------------------
 *
 * commands/set_option.c
 *	  Change the options of a maintained view.
 *
 * The mode may change at any time: it says when pending changes are applied,
 * not what they are.  A transaction that has some when another one changes the
 * mode applies them at the end of its next statement, or when it commits.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/reloptions.h"
#include "catalog/pg_class.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "catalog/tv_catalog.h"
#include "commands/relation_name.h"
#include "commands/set_option.h"
#include "executor/flush.h"
#include "output_settings.h"
#include "tv_compat.h"

PG_FUNCTION_INFO_V1(tview_set);

static void hint_options(void *arg);

/*
 * tview.set(view regclass, mode text)
 */
Datum
tview_set(PG_FUNCTION_ARGS)
{
	char	   *mode = PG_ARGISNULL(1) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(1));

	if (PG_ARGISNULL(0) || mode == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("view and mode must not be null"),
				 errhint(TV_MODES_HINT)));
	tv_relation_require_view(PG_GETARG_OID(0));
	tv_set_mode(PG_GETARG_OID(0), mode);
	PG_RETURN_VOID();
}

void
tv_check_mode(const char *mode)
{
	if (!tv_catalog_mode_known(mode))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unrecognized mode \"%s\"", mode),
				 errhint(TV_MODES_HINT)));
}

void
tv_check_storage_options(List *options)
{
	static const char *const namespaces[] = HEAP_RELOPT_NAMESPACES;
	ErrorContextCallback callback = {error_context_stack, hint_options, NULL};
	Datum		reloptions;

	error_context_stack = &callback;
	reloptions = transformRelOptions((Datum) 0, options, NULL, namespaces, false, false);
	(void) heap_reloptions(RELKIND_MATVIEW, reloptions, true);
	error_context_stack = callback.previous;
}

/* The server knows storage parameters only. */
static void
hint_options(void *arg)
{
	if (geterrcode() == ERRCODE_INVALID_PARAMETER_VALUE)
		errhint("A maintained view has the storage parameters of a materialized view, and \"mode\" (immediate or deferred), which tview.set() and language tview set.");
}

void
tv_set_mode(Oid view, const char *mode)
{
	char	   *old_mode;
	List	   *settings;

	tv_check_mode(mode);
	if (!object_ownercheck(RelationRelationId, view, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_MATVIEW, get_rel_name(view));
	tv_flush_for_utility();

	LockRelationOid(view, ShareUpdateExclusiveLock);
	if (get_rel_name(view) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("the materialized view was dropped concurrently")));
	/* without options it was never populated: fix its settings now */
	if (!tv_catalog_option(view, &old_mode, &settings))
		settings = tv_settings_current();
	tv_catalog_record_option(view, mode, settings);
}
