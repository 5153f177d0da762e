/*-------------------------------------------------------------------------
 *
 * commands/settle_stores.c
 *	  Views that need other stores than they have.
 *
 * What proves a key decides how the rows of a view are found, and what state it
 * has.  The index that the key gives a view proves keys of the views that read
 * it: they are looked at again once it has been rebuilt, and so on upwards.
 *
 * Locks: the inputs of all that may be rebuilt by OID, then views by level.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "storage/lmgr.h"

#include "catalog/tv_catalog.h"
#include "commands/settle_stores.h"
#include "commands/unpopulate.h"
#include "commands/view_build.h"
#include "planner/view_compile.h"

static TvGraph *compile_misfit(Oid view);
static void rebuild(List *views, List *inputs);

void
tv_settle_stores(List *views)
{
	List	   *affected = NIL;
	List	   *inputs = NIL;
	ListCell   *lc;
	ListCell   *lr;

	foreach(lc, views)
	{
		TvGraph    *graph = compile_misfit(lfirst_oid(lc));

		if (graph == NULL)
			continue;
		affected = list_append_unique_oid(affected, lfirst_oid(lc));
		inputs = list_concat_unique_oid(inputs, tv_graph_inputs(graph));
		foreach(lr, tv_populated_readers(lfirst_oid(lc)))
		{
			affected = list_append_unique_oid(affected, lfirst_oid(lr));
			inputs = list_concat_unique_oid(inputs, tv_catalog_sources(lfirst_oid(lr)));
		}
	}
	if (affected != NIL)
		rebuild(affected, list_difference_oid(inputs, affected));
}

List *
tv_settle_set_aside(List *views)
{
	List	   *again = NIL;
	ListCell   *lc;

	foreach(lc, views)
	{
		if (compile_misfit(lfirst_oid(lc)) == NULL)
			continue;
		again = list_append_unique_oid(again, lfirst_oid(lc));
		again = list_concat_unique_oid(again, tv_populated_readers(lfirst_oid(lc)));
	}
	tv_unpopulate(again, NULL);
	return again;
}

/*
 * The definition of a populated view that what is stored does not fit.  NULL if
 * there is nothing to do, and if it is beyond maintenance, in which case it is
 * given up.
 *
 * Leaves no lock: others that read it and wait for what reads it, as REFRESH does,
 * must not be waited for by who holds one.  But a view that is not populated
 * stays locked: until this transaction has committed, a REFRESH would build it
 * by what proved its key before.
 */
static TvGraph *
compile_misfit(Oid view)
{
	TvRefusal  *refusal = NULL;
	TvGraph    *graph;

	if (!tv_catalog_is_view(view) || !tv_catalog_has_view(view))
		return NULL;
	LockRelationOid(view, AccessShareLock);
	if (!tv_catalog_is_populated(view))
		return NULL;
	graph = tv_view_compile(view, &refusal);
	if (graph == NULL)
		tv_unpopulate(list_make1_oid(view), psprintf("Its definition is refused now: %s. %s",
													 refusal->what, refusal->why));
	else if (tv_view_fits(view, graph))
		graph = NULL;
	UnlockRelationOid(view, AccessShareLock);
	return graph;
}

/*
 * Rebuild those of the views that need it.  Whether a reader does shows only when
 * what it reads has its index.  By then it is too late to wait for the writers
 * of its other inputs: they may be waiting for what was rebuilt.
 */
static void
rebuild(List *views, List *inputs)
{
	ListCell   *lc;

	list_sort(inputs, list_oid_cmp);
	tv_check_not_in_progress(inputs, "change how a view is maintained");
	tv_lock_relations(inputs, ShareRowExclusiveLock);
	list_sort(views, tv_view_compare_levels);
	foreach(lc, views)
	{
		if (compile_misfit(lfirst_oid(lc)) == NULL)
			continue;
		LockRelationOid(lfirst_oid(lc), AccessExclusiveLock);
		/* it may have been dropped or refreshed meanwhile */
		if (compile_misfit(lfirst_oid(lc)))
			tv_view_build(lfirst_oid(lc));
	}
}
