/*-------------------------------------------------------------------------
 *
 * commands/settle.c
 *	  What a statement's effects mean for views.
 *
 * A relation that was altered may change how its readers are maintained
 * (a constraint proved a key), or whether they can be at all (row security).
 * Values that changed without triggers, and objects that mean something else
 * now (views and functions in a definition), make a view's contents wrong: such
 * a view, and all that read it, is set unpopulated.  Reading it is then an error
 * of the server's that tells to REFRESH.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/index.h"
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
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "catalog/tv_catalog.h"
#include "catalog/tv_state.h"
#include "catalog/tv_tree.h"
#include "catalog/tv_trigger.h"
#include "commands/refresh.h"
#include "commands/settle.h"
#include "commands/settle_bodies.h"
#include "commands/settle_stores.h"
#include "commands/settle_tree.h"
#include "commands/settle_users.h"
#include "commands/unpopulate.h"
#include "commands/upgrade_view.h"
#include "commands/view_build.h"
#include "tv_compat.h"
#include "executor/changeset.h"
#include "executor/flush.h"
#include "executor/isolation.h"
#include "executor/snapshot_check.h"
#include "planner/view_compile.h"

static void settle_touched(List *relids);
static void settle_rewritten(const TvCommand *command);
static void settle_moved(List *relids);
static void settle_redefined(List *addresses);
static List *views_of(List *relids);
static void settle_reshaped(List *relids);
static void settle_constrained(List *types);
static void rearm(Oid relid);

static void
draw_conclusions(TvCommand *command)
{
	if (IsBinaryUpgrade)
	{
		tv_settle_links_of_upgrade(command->links);
		tv_upgrade_redefined(tv_settle_users_of(command->redefined));
		return;
	}
	tv_settle_dropped(command->dropped);
	settle_redefined(command->redefined);
	tv_unpopulate(tv_settle_other_bodies(command),
				  "A function or operator that is used in the body of a function is another one now.");
	tv_unpopulate(tv_settle_bodies_with_types(command),
				  "A type that is named in the body of a function is another one now.");
	settle_reshaped(command->reshaped);
	settle_constrained(command->constrained);
	settle_moved(command->moved);
	tv_settle_links_noted(command->links);
	if (command->links != NIL || (tv_changes_exist() && !command->leaves_pending))
	{
		List	   *again = tv_settle_set_aside(views_of(command->touched));

		tv_settle_links(command->links);
		if (!command->leaves_pending)
			(void) tv_flush();
		tv_refresh_again(again);
	}
	settle_touched(command->touched);
	if (command->tag == T_AlterTableStmt)
		settle_rewritten(command);
}

/*
 * What the statement named was replaced between our look at it and the
 * server's: what it did to a view should not have been done before the flush.
 */
static void
check_reach(const TvCommand *command)
{
	Oid			view = command->leaves_pending && command->links == NIL && tv_changes_exist() ?
	tv_settle_concerns(command) : InvalidOid;

	if (OidIsValid(view))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not maintain view \"%s\" because of concurrent DDL", get_rel_name(view)),
				 errhint("Retry the transaction.")));
}

void
tv_settle(TvCommand *command)
{
	bool		pushed;

	/* DROP EXTENSION has dropped everything else, too. */
	if (!IsTransactionState() || !tv_catalog_installed())
		return;
	if (command->dropped == NIL && command->touched == NIL && command->links == NIL &&
		command->moved == NIL && command->reshaped == NIL && command->redefined == NIL &&
		command->named == NIL && command->constrained == NIL)
		return;
	CommandCounterIncrement();
	check_reach(command);
	/* what runs in several transactions, CONCURRENTLY, has left none */
	pushed = !ActiveSnapshotSet();
	if (pushed)
		PushActiveSnapshot(GetTransactionSnapshot());
	draw_conclusions(command);
	if (pushed)
		PopActiveSnapshot();
}

Oid
tv_settle_concerns(const TvCommand *command)
{
	List	   *relids = list_concat_unique_oid(list_copy(command->touched), command->moved);
	List	   *views;
	ListCell   *lc;

	relids = list_concat_unique_oid(relids, command->reshaped);
	foreach(lc, command->links)
	{
		relids = list_append_unique_oid(relids, ((TvLink *) lfirst(lc))->child);
		relids = list_append_unique_oid(relids, ((TvLink *) lfirst(lc))->parent);
	}
	views = list_concat_unique_oid(views_of(relids), tv_settle_users_of(command->redefined));
	views = list_concat_unique_oid(views, tv_settle_users_of_rows(command->reshaped));
	views = list_concat_unique_oid(views, tv_settle_makers_of(command->constrained));
	views = list_concat_unique_oid(views, tv_settle_other_bodies(command));
	views = list_concat_unique_oid(views, tv_settle_bodies_with_types(command));
	foreach(lc, views)
		if (!list_member_oid(command->dropped, lfirst_oid(lc)) &&
			tv_catalog_has_view(lfirst_oid(lc)) && tv_view_is_populated(lfirst_oid(lc)))
		return lfirst_oid(lc);
	return InvalidOid;
}

/* ------------------------------------------------------------------------
 * Dropped views
 * ------------------------------------------------------------------------
 */

/*
 * What the views read has fewer readers now.  Others learn it from the views,
 * but a backend that has never used a view would, after a rollback, go on
 * without it.
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
	foreach(lc, sources)
		if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(lfirst_oid(lc))))
		CacheInvalidateRelcacheByRelid(lfirst_oid(lc));
	tv_settle_disarm_unread(sources);
}

/*
 * Drop the triggers of tables that no view reads any more.  Not if that means
 * waiting for a writer: it may be waiting for the view that is being dropped.
 * Triggers left behind do nothing, and the next view over the table uses them.
 */
void
tv_settle_disarm_unread(List *relids)
{
	List	   *tables = NIL;
	ListCell   *lc;

	foreach(lc, relids)
		if (get_rel_relkind(lfirst_oid(lc)) != '\0')
		tables = list_concat_unique_oid(tables, tv_tree_below(lfirst_oid(lc), NoLock));
	list_sort(tables, list_oid_cmp);
	foreach(lc, tables)
	{
		Oid			relid = lfirst_oid(lc);

		if (get_rel_relkind(relid) == RELKIND_MATVIEW || tv_settle_is_read(relid))
			continue;
		if (!ConditionalLockRelationOid(relid, ShareRowExclusiveLock))
			continue;
		if (get_rel_relkind(relid) != '\0')
			tv_trigger_disarm(relid);
	}
}

bool
tv_settle_is_read(Oid relid)
{
	ListCell   *lc;

	foreach(lc, tv_tree_above(relid))
		if (tv_catalog_readers(lfirst_oid(lc)) != NIL)
		return true;
	return false;
}

/* ------------------------------------------------------------------------
 * Altered relations
 * ------------------------------------------------------------------------
 */

bool
tv_settle_is_used(Oid relid)
{
	ObjectAddress relation;
	ObjectAddress type;
	ListCell   *lc;

	if (get_rel_relkind(relid) == RELKIND_INDEX || get_rel_relkind(relid) == RELKIND_PARTITIONED_INDEX)
		relid = IndexGetRelation(relid, true);
	if (tv_catalog_is_view(relid) || get_rel_namespace(relid) == tv_catalog_schema())
		return true;
	foreach(lc, tv_tree_related(relid))
		if (tv_catalog_readers(lfirst_oid(lc)) != NIL)
		return true;
	ObjectAddressSet(relation, RelationRelationId, relid);
	ObjectAddressSet(type, TypeRelationId, get_rel_type_id(relid));
	return tv_settle_users_of(OidIsValid(type.objectId) ?
							  list_make2(&relation, &type) : list_make1(&relation)) != NIL;
}

/* The views that read these relations, through plain views as well, or are among them. */
static List *
views_of(List *relids)
{
	List	   *views = NIL;
	ListCell   *lc;
	ListCell   *la;

	foreach(lc, relids)
	{
		foreach(la, tv_tree_above(lfirst_oid(lc)))
			views = list_concat_unique_oid(views, tv_catalog_readers(lfirst_oid(la)));
		if (tv_catalog_is_view(lfirst_oid(lc)))
			views = list_append_unique_oid(views, lfirst_oid(lc));
		else if (get_rel_relkind(lfirst_oid(lc)) == RELKIND_VIEW)
		{
			ObjectAddress view;

			ObjectAddressSet(view, RelationRelationId, lfirst_oid(lc));
			views = list_concat_unique_oid(views, tv_settle_users_of(list_make1(&view)));
		}
	}
	return views;
}

/* Look again at the views of relations, and at their triggers. */
static void
settle_touched(List *relids)
{
	ListCell   *lc;

	foreach(lc, relids)
		if (tv_settle_is_read(lfirst_oid(lc)))
		rearm(lfirst_oid(lc));
	tv_settle_stores(views_of(relids));
}

/*
 * ENABLE TRIGGER and DISABLE TRIGGER ALL reach our triggers as well, which
 * are no business of theirs.
 */
static void
rearm(Oid relid)
{
	char		relkind = get_rel_relkind(relid);

	if ((relkind != RELKIND_RELATION && relkind != RELKIND_PARTITIONED_TABLE) ||
		tv_trigger_is_armed(relid))
		return;
	if (tv_trigger_arm(relid))
		return;
	ereport(NOTICE,
			(errmsg("the triggers on \"%s\" that maintain views stay enabled", get_rel_name(relid))));
}

/*
 * Rows that ALTER TABLE rewrote belong to this transaction: an older snapshot
 * sees an empty table, and the one that this transaction keeps sees rows that
 * were written after it was taken, if there were any.
 */
static void
settle_rewritten(const TvCommand *command)
{
	List	   *rewritten = NIL;
	bool		newer = false;
	List	   *views;
	ListCell   *lc;
	ListCell   *lt;

	foreach(lc, command->touched)
	{
		if (get_rel_relkind(lfirst_oid(lc)) == '\0')
			continue;
		foreach(lt, tv_tree_below(lfirst_oid(lc), NoLock))
		{
			Relation	rel = RelationIdGetRelation(lfirst_oid(lt));

			if (!RelationIsValid(rel))
				continue;
			if (rel->rd_rel->relkind == RELKIND_RELATION && TV_HAS_NEW_STORAGE(rel) &&
				rel->rd_createSubid == InvalidSubTransactionId)
			{
				rewritten = list_concat_unique_oid(rewritten, tv_tree_above(lfirst_oid(lt)));
				newer |= !command->keeps_rows && RelationGetNumberOfBlocks(rel) > 0 &&
					!list_member_oid(command->seen_whole, lfirst_oid(lt));
			}
			RelationClose(rel);
		}
	}
	if (rewritten == NIL)
		return;
	views = tv_flush_reachable(rewritten);
	list_sort(views, list_oid_cmp);
	tv_lock_relations(views, ShareUpdateExclusiveLock);
	tv_snapshot_shut_out_older(views);
	if (newer && !tv_isolation_nobody_committed())
	{
		foreach(lc, views)
			tv_snapshot_note_newer(lfirst_oid(lc));
	}
}

/* ------------------------------------------------------------------------
 * Changed contents and meanings
 * ------------------------------------------------------------------------
 */

/* Values in these relations, and in their parents and children, have changed. */
static void
settle_moved(List *relids)
{
	List	   *views = NIL;
	ListCell   *lc;
	ListCell   *lr;

	foreach(lc, relids)
	{
		foreach(lr, tv_tree_related(lfirst_oid(lc)))
			views = list_concat_unique_oid(views, tv_catalog_readers(lfirst_oid(lr)));
	}
	tv_unpopulate(views, "A generated column of a table that it reads was computed anew.");
}

/* Views, functions and others in definitions mean something else now. */
static void
settle_redefined(List *addresses)
{
	tv_unpopulate(tv_settle_users_of(addresses), "A view, function or type that its definition uses was changed.");
}

/*
 * Relations and types have other columns: so have their rows, where these are
 * used as a whole, or stored.
 */
static void
settle_reshaped(List *relids)
{
	tv_unpopulate(tv_settle_users_of_rows(relids), "The columns of a table or type were changed, whose rows it uses as a whole.");
}

/* What the views show may be of no such domain any more: the query would raise an error. */
static void
settle_constrained(List *types)
{
	tv_unpopulate(tv_settle_makers_of(types), "A domain to which its query converts values has got another constraint.");
}
