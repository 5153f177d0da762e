/*-------------------------------------------------------------------------
 *
 * commands/unpopulate.c
 *	  Give up views that cannot be vouched for.
 *
 * An unpopulated view receives no changes, so everything that reads it goes
 * along, in the same act.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "commands/matview.h"
#include "storage/lmgr.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "catalog/tv_catalog.h"
#include "catalog/tv_state.h"
#include "commands/unpopulate.h"
#include "commands/view_build.h"
#include "planner/view_cache.h"

static bool unpopulate_one(Oid view);
static void warn(Oid view, const char *reason);

void
tv_unpopulate(List *views, const char *reason)
{
	List	   *all = list_copy(views);
	ListCell   *lc;

	foreach(lc, views)
		all = list_concat_unique_oid(all, tv_populated_readers(lfirst_oid(lc)));
	list_sort(all, tv_view_compare_levels);
	foreach(lc, all)
		if (unpopulate_one(lfirst_oid(lc)) && reason)
		warn(lfirst_oid(lc), list_member_oid(views, lfirst_oid(lc)) ? reason :
			 "A maintained view that it reads is no longer maintained.");
}

/*
 * Leaves no locks: who waits for stronger ones later, as two REFRESHes would,
 * must not hold these.
 */
List *
tv_populated_readers(Oid view)
{
	List	   *result = NIL;
	List	   *todo = list_make1_oid(view);

	while (todo != NIL)
	{
		ListCell   *lc;
		List	   *readers = tv_catalog_readers(linitial_oid(todo));

		todo = list_delete_first(todo);
		foreach(lc, readers)
		{
			Oid			reader = lfirst_oid(lc);
			Relation	rel;
			bool		populated;

			if (reader == view || list_member_oid(result, reader))
				continue;
			rel = try_table_open(reader, AccessShareLock);
			if (rel == NULL)
				continue;		/* dropped concurrently */
			populated = RelationIsPopulated(rel);
			table_close(rel, AccessShareLock);
			if (!populated)
				continue;
			result = lappend_oid(result, reader);
			todo = lappend_oid(todo, reader);
		}
	}
	list_sort(result, tv_view_compare_levels);
	return result;
}

/* Returns false if the view was unpopulated already. */
static bool
unpopulate_one(Oid view)
{
	Relation	rel;
	bool		populated;
	ListCell   *lc;

	/* Nobody may read it meanwhile, nor write to it. */
	LockRelationOid(view, AccessExclusiveLock);
	if (get_rel_name(view) == NULL)
		return false;
	rel = table_open(view, NoLock);
	populated = RelationIsPopulated(rel);
	if (populated)
		SetMatViewPopulatedState(rel, false);
	table_close(rel, NoLock);

	tv_state_drop_all(view);
	tv_view_invalidate(view);
	foreach(lc, tv_catalog_sources(view))
		if (get_rel_name(lfirst_oid(lc)))
		CacheInvalidateRelcacheByRelid(lfirst_oid(lc));
	return populated;
}

static void
warn(Oid view, const char *reason)
{
	ereport(WARNING,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("materialized view \"%s\" is no longer maintained, and cannot be read",
					get_rel_name(view)),
			 errdetail("%s", reason),
			 errhint("Run REFRESH MATERIALIZED VIEW %s.", tv_view_name(view))));
}
