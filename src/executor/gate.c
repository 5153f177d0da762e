/*-------------------------------------------------------------------------
 *
 * executor/gate.c
 *	  Lock what a flush reads and writes, before it begins.
 *
 * First the bases that are read, then all reachable views, each in the order
 * of OIDs, so that two flushes never wait for one another here.  Views that
 * wait are locked against DDL alone, for what is pending for them would not fit
 * another definition.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "storage/lmgr.h"

#include "executor/changeset.h"
#include "executor/flush.h"
#include "executor/gate.h"
#include "planner/member_cache.h"

static int	compare_oids(const ListCell *a, const ListCell *b);
static List *bases_of(List *views);
static void lock_views(List *bases, List *waiting, List *selected, List *for_all);

/*
 * Who held a lock that we waited for may have dropped a view, emptied it, or
 * made another one or another base reachable: what is reachable is found again
 * until all of it is locked.  If nothing was heard of meanwhile, it is.
 */
List *
tv_gate_lock(TvMoment moment, List *read)
{
	List	   *waiting = NIL;	/* locked against DDL */
	List	   *locked = NIL;	/* locked to be written */
	List	   *read_from = NIL;	/* bases locked */

	for (;;)
	{
		uint64		generation = tv_view_cache_generation();
		List	   *reachable = tv_moment_reachable();
		List	   *selected = tv_moment_select(moment, reachable, read);
		List	   *more = list_difference_oid(selected, locked);
		List	   *others = list_difference_oid(list_difference_oid(reachable, selected),
												 waiting);
		List	   *bases = list_difference_oid(bases_of(reachable), read_from);

		if (more == NIL && others == NIL && bases == NIL)
			return selected;
		lock_views(bases, others, more, tv_gate_changed_for_all());
		if (tv_view_cache_generation() == generation)
			return selected;
		waiting = list_concat(waiting, others);
		locked = list_concat(locked, more);
		read_from = list_concat(read_from, bases);
	}
}

List *
tv_gate_changed_for_all(void)
{
	List	   *sources = NIL;
	ListCell   *lc;

	foreach(lc, tv_changes_all())
	{
		TvChanges  *changes = lfirst(lc);

		if (tv_changes_for_all(changes))
			sources = lappend_oid(sources, changes->source);
	}
	return sources == NIL ? NIL : tv_flush_reachable(sources);
}

static int
compare_oids(const ListCell *a, const ListCell *b)
{
	return lfirst_oid(a) < lfirst_oid(b) ? -1 : lfirst_oid(a) > lfirst_oid(b);
}

/*
 * The bases that these views read, without those that this transaction has
 * changed, and so locked already, and more strongly.  Of a table in a tree, that
 * may have been another table.
 */
static List *
bases_of(List *views)
{
	List	   *bases = NIL;
	ListCell   *lc;

	foreach(lc, views)
	{
		TvView	   *view = tv_view_lookup(lfirst_oid(lc));

		for (int i = 0; i < view->graph->nsources; i++)
		{
			TvSource   *source = view->graph->sources[i];
			TvChanges  *changes = tv_changes_find(source->relid);

			if (source->kind == TV_SOURCE_BASE &&
				(changes == NULL || changes->segments == NIL ||
				 tv_member_lookup(source->relid)->in_tree))
				bases = list_append_unique_oid(bases, source->relid);
		}
	}
	list_sort(bases, compare_oids);
	return bases;
}

/*
 * No entry is looked up between the locks: it may be gone by then.  for_all:
 * views whose rows of pg_class will be written, which one transaction may at a
 * time.
 */
static void
lock_views(List *bases, List *waiting, List *selected, List *for_all)
{
	List	   *exclusive = NIL;
	List	   *by_oid = list_concat_copy(waiting, selected);
	ListCell   *lc;

	foreach(lc, by_oid)
		if (tv_view_lookup(lfirst_oid(lc))->graph->exclusive)
		exclusive = lappend_oid(exclusive, lfirst_oid(lc));

	foreach(lc, bases)
		LockRelationOid(lfirst_oid(lc), AccessShareLock);
	list_sort(by_oid, compare_oids);
	foreach(lc, by_oid)
	{
		Oid			relid = lfirst_oid(lc);

		if (list_member_oid(for_all, relid) && !list_member_oid(waiting, relid))
			LockRelationOid(relid, ShareUpdateExclusiveLock);
		LockRelationOid(relid, list_member_oid(waiting, relid) ? AccessShareLock :
						list_member_oid(exclusive, relid) ? ShareRowExclusiveLock :
						RowExclusiveLock);
	}
}
