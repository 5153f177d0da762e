/*-------------------------------------------------------------------------
 *
 * commands/view_build.c
 *	  Make a filled view a maintained one.
 *
 * Shared by CREATE, REFRESH and by whatever changes how a view is maintained
 * (a constraint dropped, an index dropped).  Before it returns, triggers are
 * armed, state tables match the view's contents, and rows can be found.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_proc.h"
#include "commands/matview.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "rewrite/rewriteHandler.h"
#include "storage/lmgr.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "catalog/store_index.h"
#include "catalog/definition.h"
#include "catalog/tv_catalog.h"
#include "catalog/tv_state.h"
#include "catalog/tv_tree.h"
#include "catalog/tv_trigger.h"
#include "commands/view_build.h"
#include "executor/frames.h"
#include "executor/populate.h"
#include "executor/rights.h"
#include "output_settings.h"
#include "planner/view_cache.h"
#include "planner/view_compile.h"
#include "tv_compat.h"

static void record(Oid view, const TvGraph *graph);
static void make_states(Oid view, const TvGraph *graph);
static void make_state(Oid view, const TvNode *node);
static Oid	find_view_index(Relation rel, const TvNode *top);
static void drop_old_indexes(Oid view, const TvNode *top);
static void make_view_index(Oid view, const TvNode *top);

List *
tv_graph_inputs(const TvGraph *graph)
{
	List	   *inputs = NIL;

	for (int i = 0; i < graph->nsources; i++)
		if (graph->sources[i]->kind != TV_SOURCE_NODE)
			inputs = list_append_unique_oid(inputs, graph->sources[i]->relid);
	list_sort(inputs, list_oid_cmp);
	return inputs;
}

void
tv_lock_relations(List *relids, LOCKMODE lockmode)
{
	ListCell   *lc;

	foreach(lc, relids)
	{
		LockRelationOid(lfirst_oid(lc), lockmode);
		if (get_rel_name(lfirst_oid(lc)) == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_TABLE),
					 errmsg("relation with OID %u does not exist", lfirst_oid(lc)),
					 errdetail("It was dropped while the command waited for it.")));
		/* partitions and children, too, are written to directly */
		if (lockmode >= ShareRowExclusiveLock)
			(void) tv_tree_below(lfirst_oid(lc), lockmode);
	}
}

void
tv_arm_source(Oid source)
{
	ListCell   *lc;

	foreach(lc, tv_tree_below(source, NoLock))
		if (!tv_trigger_is_armed(lfirst_oid(lc)))
		(void) tv_trigger_arm(lfirst_oid(lc));
	/* Every backend must learn of the new reader. */
	CacheInvalidateRelcacheByRelid(source);
}

bool
tv_source_is_armed(Oid source)
{
	ListCell   *lc;

	foreach(lc, tv_tree_below(source, NoLock))
		if (!tv_trigger_is_armed(lfirst_oid(lc)))
		return false;
	return true;
}

/*
 * The server checks this only when the view is filled, and columns by columns;
 * its own message is the one to see if a table may not be read at all.
 */
void
tv_check_select_privilege(const TvGraph *graph)
{
	for (int i = 0; i < graph->nsources; i++)
	{
		const TvSource *source = graph->sources[i];

		if (source->kind != TV_SOURCE_NODE &&
			pg_class_aclcheck(source->relid, source->check_as, ACL_SELECT) != ACLCHECK_OK &&
			pg_attribute_aclcheck_all(source->relid, source->check_as, ACL_SELECT,
									  ACLMASK_ANY) != ACLCHECK_OK)
			aclcheck_error(ACLCHECK_NO_PRIV, get_relkind_objtype(get_rel_relkind(source->relid)),
						   get_rel_name(source->relid));
	}
}

static bool
check_privileges_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		tv_compat_check_permissions((Query *) node);
		return query_tree_walker((Query *) node, check_privileges_walker, context, 0);
	}
	return expression_tree_walker(node, check_privileges_walker, context);
}

void
tv_check_query_privileges(const Query *query)
{
	Query	   *copy = copyObject(unconstify(Query *, query));

	/* not all that it names need be locked by now */
	AcquireRewriteLocks(copy, true, false);
	(void) check_privileges_walker((Node *) QueryRewrite(copy), NULL);
}

TvRefusal *
tv_trigger_privilege_refusal(List *relids, Oid userid)
{
	ListCell   *lc;

	foreach(lc, relids)
	{
		Oid			relid = lfirst_oid(lc);
		TvRefusal  *refusal;

		if (object_ownercheck(RelationRelationId, relid, userid) ||
			pg_class_aclcheck(relid, userid, ACL_TRIGGER) == ACLCHECK_OK)
			continue;
		refusal = palloc0(sizeof(TvRefusal));
		refusal->sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE;
		refusal->what = psprintf("permission denied for relation \"%s\"", get_rel_name(relid));
		refusal->why = "A maintained view adds work to every change of the relations it reads, as a trigger does.";
		refusal->hint = psprintf("GRANT TRIGGER ON %s TO %s.", tv_view_name(relid),
								 quote_identifier(GetUserNameFromId(userid, false)));
		refusal->location = -1;
		return refusal;
	}
	return NULL;
}

void
tv_check_trigger_privilege(List *relids, Oid userid)
{
	TvRefusal  *refusal = tv_trigger_privilege_refusal(relids, userid);

	if (refusal)
		tv_refusal_raise(refusal, NULL);
}

void
tv_check_not_in_progress(List *relids, const char *command)
{
	ListCell   *lc;

	foreach(lc, relids)
		if (tv_frame_modifies(lfirst_oid(lc)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("cannot %s while a statement is changing relation \"%s\"",
						command, get_rel_name(lfirst_oid(lc))),
				 errdetail("It would see a part of the statement's changes."),
				 errhint("Run it after the statement.")));
}

bool
tv_view_is_populated(Oid view)
{
	Relation	rel = try_table_open(view, AccessShareLock);
	bool		populated;

	if (rel == NULL)
		return false;			/* dropped concurrently */
	populated = RelationIsPopulated(rel);
	table_close(rel, NoLock);
	return populated;
}

char *
tv_view_name(Oid view)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(view)),
									  get_rel_name(view));
}

int
tv_view_compare_levels(const ListCell *a, const ListCell *b)
{
	int			difference = tv_catalog_view_level(lfirst_oid(a)) -
	tv_catalog_view_level(lfirst_oid(b));

	return difference != 0 ? difference : list_oid_cmp(a, b);
}

/* ------------------------------------------------------------------------
 * Build
 * ------------------------------------------------------------------------
 */

static TvGraph *
compile(Oid view)
{
	TvRefusal  *refusal = NULL;
	TvGraph    *graph = tv_view_compile(view, &refusal);

	if (graph == NULL)
		tv_refusal_raise(refusal, NULL);
	return graph;
}

/* What a build does before rows are written. */
static void
prepare(Oid view, const TvGraph *graph)
{
	ListCell   *lc;

	record(view, graph);
	foreach(lc, tv_graph_inputs(graph))
	{
		Oid			source = lfirst_oid(lc);

		if (tv_catalog_is_view(source))
			CacheInvalidateRelcacheByRelid(source);
		else
			tv_arm_source(source);
	}
	tv_state_drop_all(view);
	make_states(view, graph);
	drop_old_indexes(view, graph->nodes[graph->nnodes - 1]);
	CommandCounterIncrement();
}

void
tv_view_build(Oid view)
{
	TvGraph    *graph = compile(view);

	prepare(view, graph);
	make_view_index(view, graph->nodes[graph->nnodes - 1]);
	tv_view_invalidate(view);
	tv_populate_states(view);
}

/*
 * As running the view's query would check, for its owner.  If it is not filled by
 * all of the query, planning it may fail all the same: SELECT 1/0 ... LIMIT 0.
 */
static void
check_query(Oid view, const TvGraph *graph)
{
	Relation	rel = table_open(view, NoLock);
	TvRights	rights;

	tv_rights_enter(&rights, rel->rd_rel->relowner, NIL, graph->leaves_out, false);
	tv_check_query_privileges(tv_definition_query(rel));
	if (graph->leaves_out)
	{
		Query	   *query = copyObject((Query *) tv_definition_query(rel));

		AcquireRewriteLocks(query, true, false);
		(void) pg_plan_query(linitial_node(Query, QueryRewrite(query)), "", 0, NULL);
	}
	tv_rights_leave(&rights);
	table_close(rel, NoLock);
}

uint64
tv_view_build_and_fill(Oid view, bool frozen)
{
	TvGraph    *graph = compile(view);
	Relation	rel;
	uint64		nrows;

	check_query(view, graph);
	prepare(view, graph);
	tv_view_invalidate(view);
	nrows = tv_populate_view(view, frozen);
	make_view_index(view, graph->nodes[graph->nnodes - 1]);

	rel = table_open(view, NoLock);
	SetMatViewPopulatedState(rel, true);
	table_close(rel, NoLock);
	CommandCounterIncrement();
	return nrows;
}

/*
 * A plain view between may have been replaced by one that reads the view: no
 * order of maintenance would be right then.
 */
static void
check_acyclic(Oid view, List *sources)
{
	List	   *reached = list_copy(sources);
	ListCell   *lc;

	/* the list grows while it is walked */
	foreach(lc, reached)
		reached = list_concat_unique_oid(reached, tv_catalog_sources(lfirst_oid(lc)));
	if (list_member_oid(reached, view))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				 errmsg("materialized view \"%s\" would read itself", get_rel_name(view)),
				 errdetail("Its query reads a view that was changed since, and that now reads it in turn."),
				 errhint("Change that view, or drop this one.")));
}

/* Record level, inputs and, unless a dump brought them, settings. */
static void
record(Oid view, const TvGraph *graph)
{
	List	   *sources = tv_graph_inputs(graph);
	int			level = 0;
	char	   *mode;
	List	   *settings;
	ListCell   *lc;

	check_acyclic(view, sources);
	foreach(lc, sources)
		if (tv_catalog_is_view(lfirst_oid(lc)))
		level = Max(level, 1 + tv_catalog_view_level(lfirst_oid(lc)));
	tv_catalog_record_view(view, level, sources);
	if (!tv_catalog_option(view, &mode, &settings))
		tv_catalog_record_option(view, mode, tv_settings_current());
	tv_view_depend(view, graph);
}

static void
depend_on(Oid view, Oid classid, List *objects)
{
	ObjectAddress object;
	ListCell   *lc;

	ObjectAddressSet(object, RelationRelationId, view);
	(void) deleteDependencyRecordsForClass(RelationRelationId, view, classid, DEPENDENCY_NORMAL);
	foreach(lc, objects)
	{
		ObjectAddress referenced;

		ObjectAddressSet(referenced, classid, lfirst_oid(lc));
		recordDependencyOn(&object, &referenced, DEPENDENCY_NORMAL);
	}
}

/*
 * The server knows the functions that stand in the definition, but not what is
 * called in bodies which are text.
 */
void
tv_view_depend(Oid view, const TvGraph *graph)
{
	depend_on(view, ProcedureRelationId, graph->functions);
	depend_on(view, OperatorRelationId, graph->operators);
}

static void
make_states(Oid view, const TvGraph *graph)
{
	for (int i = 0; i < graph->nnodes; i++)
	{
		const TvNode *node = graph->nodes[i];
		ListCell   *lc;

		foreach(lc, node->accs)
		{
			TvAcc	   *acc = lfirst(lc);

			if (acc->kind == TV_ACC_TRANS)
				(void) tv_state_ensure_aggregate(acc->aggfn);
		}
		if (node->has_state)
			make_state(view, node);
	}
}

static void
make_state(Oid view, const TvNode *node)
{
	AttrNumber *keys = palloc(Max(node->nkeys, 1) * sizeof(AttrNumber));
	TvStateIndex index = node->nkeys > 0 ? TV_STATE_INDEX_KEY : TV_STATE_INDEX_SINGLE;
	int			nkeys = node->nkeys;
	Oid			state;
	ListCell   *lc;

	if (node->kind == TV_NODE_PARTITION)
	{
		index = TV_STATE_INDEX_SHARED;
		/* an index in the order begins with the keys */
		if (node->suffix)
			nkeys = 0;
	}
	else if (node->kind == TV_NODE_LINEAR || node->kind == TV_NODE_RECURSIVE)
	{
		index = node->identity == TV_IDENTITY_KEY ? TV_STATE_INDEX_KEY : TV_STATE_INDEX_HASH;
		nkeys = node->nidentity;
		keys = palloc(Max(nkeys, 1) * sizeof(AttrNumber));
		for (int i = 0; i < nkeys; i++)
			keys[i] = node->identity_attnos[i];
	}
	foreach(lc, tv_probes_key_order(node))
		keys[foreach_current_index(lc)] = node->kind == TV_NODE_RECURSIVE ?
		lfirst_int(lc) : node->keys[lfirst_int(lc) - 1].state_attno;
	state = tv_state_create(view, node->id, node->state_columns, index, nkeys, keys,
							node->signature);
	foreach(lc, tv_probes_to_index(node))
		tv_state_make_lookup_index(state, lfirst(lc));
	foreach(lc, node->long_probes)
		tv_state_make_lookup_index_any(state, lfirst_int(lc));
	foreach(lc, node->orders)
	{
		TvStateOrder *order = lfirst(lc);

		tv_state_make_order_index(state, order->natts, order->attnos, order->descending,
								  order->nulls_first);
	}
}

/* The index by which the view's rows are found, InvalidOid if it has none. */
static Oid
find_view_index(Relation rel, const TvNode *top)
{
	switch (top->identity)
	{
		case TV_IDENTITY_KEY:
			return tv_state_find_key_index(rel, top->nidentity, top->identity_attnos);
		case TV_IDENTITY_BAG:
			return tv_state_find_hash_index(rel);
		case TV_IDENTITY_SINGLE:
			return tv_state_find_single_index(rel);
		case TV_IDENTITY_SHARED:
			break;
	}
	return InvalidOid;
}

/*
 * Drop the indexes that we made for another identity: nothing proves a key that
 * was, and a unique index on it would make writes to base tables fail.
 */
static void
drop_old_indexes(Oid view, const TvNode *top)
{
	Relation	rel = table_open(view, NoLock);
	Oid			index = find_view_index(rel, top);

	table_close(rel, NoLock);
	tv_store_index_drop_ours(view, index);
}

/* Make the index if there is none. */
static void
make_view_index(Oid view, const TvNode *top)
{
	Relation	rel = table_open(view, NoLock);
	Oid			index = find_view_index(rel, top);

	table_close(rel, NoLock);
	if (OidIsValid(index))
		return;
	switch (top->identity)
	{
		case TV_IDENTITY_KEY:
			tv_state_make_key_index(view, top->nidentity, top->identity_attnos);
			break;
		case TV_IDENTITY_BAG:
			tv_state_make_hash_index(view);
			break;
		case TV_IDENTITY_SINGLE:
			tv_state_make_single_index(view);
			break;
		case TV_IDENTITY_SHARED:
			break;
	}
	CommandCounterIncrement();
}

bool
tv_view_fits(Oid view, const TvGraph *graph)
{
	Relation	rel;
	Oid			index;
	int			nstates = 0;

	if (!equal(tv_catalog_sources(view), tv_graph_inputs(graph)))
		return false;
	for (int i = 0; i < graph->nnodes; i++)
	{
		const TvNode *node = graph->nodes[i];
		char	   *signature;

		if (!node->has_state)
			continue;
		nstates++;
		if (!OidIsValid(tv_catalog_state(view, node->id, &signature)) ||
			strcmp(signature, node->signature) != 0)
			return false;
	}
	if (nstates != list_length(tv_catalog_states(view)))
		return false;

	rel = table_open(view, NoLock);
	index = find_view_index(rel, graph->nodes[graph->nnodes - 1]);
	table_close(rel, NoLock);
	/* One that we made for a key that was is no proof of anything now. */
	return OidIsValid(index) &&
		list_difference_oid(tv_store_index_ours(view), list_make1_oid(index)) == NIL;
}
