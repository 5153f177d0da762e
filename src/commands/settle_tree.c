/*-------------------------------------------------------------------------
 *
 * commands/settle_tree.c
 *	  What partitions and children that come and go mean for views.
 *
 * ATTACH and INHERIT bring the rows of a table, and of its descendants, to its
 * new ancestors; DETACH, NO INHERIT and DROP take them away.  No trigger tells,
 * so the tables are read, and their rows become changes of the ancestors.
 *
 * A row of a table counts once in each ancestor, on however many ways it is
 * one: of the ancestors before and after the statement, those that are among
 * one only gain or lose its rows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "nodes/makefuncs.h"
#include "storage/lmgr.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "catalog/tv_catalog.h"
#include "catalog/tv_tree.h"
#include "catalog/tv_trigger.h"
#include "commands/settle.h"
#include "commands/settle_tree.h"
#include "commands/unpopulate.h"
#include "executor/capture.h"

static List *ancestors_before(Oid relid, List *links);
static void settle_table(Oid relid, List *links);
static List *read_sources(List *relids);

/*
 * A plan that was made without a child is not invalidated by the server when the
 * transaction that took the child away is rolled back: it knows the parent only,
 * of which NO INHERIT and DROP change nothing.
 */
static void
invalidate_plans(Oid parent)
{
	if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(parent)))
		CacheInvalidateRelcacheByRelid(parent);
}

void
tv_settle_links_noted(List *links)
{
	ListCell   *lc;

	foreach(lc, links)
	{
		TvLink	   *link = lfirst(lc);

		tv_command_note_touched(link->child);
		tv_command_note_touched(link->parent);
		invalidate_plans(link->parent);
	}
}

void
tv_settle_links(List *links)
{
	List	   *tables = NIL;
	ListCell   *lc;

	foreach(lc, links)
		tables = list_concat_unique_oid(tables, tv_tree_below(((TvLink *) lfirst(lc))->child, NoLock));
	list_sort(tables, list_oid_cmp);
	foreach(lc, tables)
		settle_table(lfirst_oid(lc), links);
}

/*
 * Who wrote to the table knew the ancestors that it had then.  So writers are
 * waited for before its rows are read.
 */
static void
settle_table(Oid relid, List *links)
{
	List	   *before = ancestors_before(relid, links);
	List	   *after = tv_tree_above(relid);
	List	   *gained = read_sources(list_difference_oid(after, before));
	List	   *lost = read_sources(list_difference_oid(before, after));

	if (gained == NIL && lost == NIL)
		return;
	/* views do not read what has a foreign table in it */
	if (get_rel_relkind(relid) != RELKIND_RELATION && get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
		return;
	LockRelationOid(relid, ShareRowExclusiveLock);
	if (!tv_settle_is_read(relid))
		tv_trigger_disarm(relid);
	else if (!tv_trigger_is_armed(relid))
		(void) tv_trigger_arm(relid);
	if (get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE)
		return;
	if (gained != NIL)
		tv_capture_table(relid, gained, 1);
	if (lost != NIL)
		tv_capture_table(relid, lost, -1);
}

/* Those that some view reads, populated or not. */
static List *
read_sources(List *relids)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, relids)
		if (tv_catalog_readers(lfirst_oid(lc)) != NIL)
		result = lappend_oid(result, lfirst_oid(lc));
	return result;
}

/* The table and its ancestors as they were before these links were changed. */
static List *
ancestors_before(Oid relid, List *links)
{
	List	   *result = list_make1_oid(relid);
	ListCell   *lc;
	ListCell   *ll;

	/* the list grows while it is walked */
	foreach(lc, result)
	{
		List	   *parents = tv_tree_parents(lfirst_oid(lc));

		foreach(ll, links)
		{
			TvLink	   *link = lfirst(ll);

			if (link->child != lfirst_oid(lc))
				continue;
			if (list_member_oid(parents, link->parent))
				parents = list_delete_oid(parents, link->parent);
			else
				parents = lappend_oid(parents, link->parent);
		}
		result = list_concat_unique_oid(result, parents);
	}
	return result;
}

/*
 * A view that was just filled lacks what an event trigger changes then.  REFRESH
 * CONCURRENTLY itself writes to the view, and to a temporary table.
 */
static void
note_changed_input(TvCommand *command, Oid relid)
{
	List	   *tables;
	ListCell   *lc;
	ListCell   *lt;

	if (command->inputs == NIL || command->input_changed ||
		get_rel_persistence(relid) == RELPERSISTENCE_TEMP ||
		(get_rel_relkind(relid) == RELKIND_MATVIEW && !list_member_oid(command->inputs, relid)))
		return;
	tables = tv_tree_below(relid, NoLock);
	foreach(lc, command->inputs)
	{
		/* of a view, it is not known which tables change it */
		command->input_changed |= tv_catalog_is_view(lfirst_oid(lc));
		foreach(lt, tv_tree_below(lfirst_oid(lc), NoLock))
			command->input_changed |= list_member_oid(tables, lfirst_oid(lt));
	}
	/* it has no state yet, so it cannot take part in maintenance */
	if (command->input_changed && OidIsValid(command->arming))
		tv_unpopulate(list_make1_oid(command->arming), NULL);
}

/*
 * Views follow a command when it ends.  What an event trigger, or a function
 * that the command calls, changes before that, in a table whose triggers are not
 * as they should be by then, would be counted twice, or not at all.
 */
void
tv_settle_check_change(Oid relid)
{
	for (TvCommand *command = tv_command_current; command; command = command->outer)
	{
		List	   *linked = NIL;
		ListCell   *lc;

		note_changed_input(command, relid);
		if (command->links == NIL && command->altered_triggers == NIL)
			continue;
		foreach(lc, command->links)
		{
			Oid			child = ((TvLink *) lfirst(lc))->child;

			if (get_rel_relkind(child) != '\0')
				linked = list_concat_unique_oid(linked, tv_tree_below(child, NoLock));
		}
		foreach(lc, tv_tree_below(relid, NoLock))
		{
			Oid			table = lfirst_oid(lc);

			if (!list_member_oid(linked, table) &&
				(!list_member_oid(command->altered_triggers, table) || tv_trigger_is_armed(table)))
				continue;
			if (tv_trigger_exists(table))
				ereport(ERROR,
						(errcode(ERRCODE_OBJECT_IN_USE),
						 errmsg("cannot change table \"%s\" while a command that alters it is in progress",
								get_rel_name(table)),
						 errdetail("Maintained views read it, and follow the command when it ends."),
						 errhint("Change it after the command, not in an event trigger or a function that the command calls.")));
		}
	}
}

/*
 * Views may have been made before the table was attached, and what they read is
 * not recorded yet: a table whose parent has triggers of ours needs them, too.
 */
void
tv_settle_links_of_upgrade(List *links)
{
	ListCell   *lc;
	ListCell   *lt;

	foreach(lc, links)
	{
		TvLink	   *link = lfirst(lc);

		if (!tv_trigger_exists(link->parent))
			continue;
		(void) tv_trigger_arm(link->parent);
		foreach(lt, tv_tree_below(link->child, NoLock))
			(void) tv_trigger_arm(lfirst_oid(lt));
	}
}

void
tv_settle_table_dropping(Oid relid)
{
	List	   *sources = NIL;
	ListCell   *lc;

	foreach(lc, tv_tree_parents(relid))
	{
		tv_command_note_touched(lfirst_oid(lc));
		invalidate_plans(lfirst_oid(lc));
	}
	foreach(lc, read_sources(list_delete_oid(tv_tree_above(relid), relid)))
	{
		Oid			source = lfirst_oid(lc);

		/* its views go with it */
		if (tv_command_current &&
			(list_member_oid(tv_command_current->dropping, source) ||
			 list_member_oid(tv_command_current->dropping_schemas, get_rel_namespace(source))))
			continue;
		sources = lappend_oid(sources, source);
	}
	if (sources != NIL)
		tv_capture_table(relid, sources, -1);
}

void
tv_drop(TvUtility *utility, Node *node)
{
	DropStmt   *stmt = castNode(DropStmt, node);
	TvCommand  *command = tv_command_current;
	MemoryContext oldcxt = MemoryContextSwitchTo(command->cxt);
	ListCell   *lc;

	foreach(lc, stmt->objects)
	{
		if (stmt->removeType == OBJECT_SCHEMA)
			command->dropping_schemas = lappend_oid(command->dropping_schemas,
													get_namespace_oid(strVal(lfirst(lc)), true));
		else if (stmt->removeType == OBJECT_TABLE)
			command->dropping = lappend_oid(command->dropping,
											RangeVarGetRelid(makeRangeVarFromNameList(lfirst(lc)),
															 NoLock, true));
	}
	MemoryContextSwitchTo(oldcxt);
	tv_utility_run(utility);
}
