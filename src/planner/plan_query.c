/*-------------------------------------------------------------------------
 *
 * planner/plan_query.c
 *	  Plan a derived query, for few changed rows or for many.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/plancat.h"
#include "optimizer/planner.h"
#include "storage/lmgr.h"
#include "utils/memutils.h"
#include "utils/selfuncs.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "delta/derive.h"
#include "delta/shield_nulls.h"
#include "planner/join_search.h"
#include "planner/plan_query.h"

/* The planner wants every relation locked. */
static bool
lock_relations(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		RangeTblEntry *rte = (RangeTblEntry *) node;

		if (rte->rtekind == RTE_RELATION)
			LockRelationOid(rte->relid, rte->rellockmode);
		return false;
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, lock_relations, context,
								 QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, lock_relations, context);
}

/* What starting the executor costs beyond the planner's estimate. */
#define TV_EXECUTOR_START_COST 10.0

/* What a few look-ups may cost in place of a scan, by the planner's estimate. */
#define TV_LOOKUP_COST 20.0

bool
tv_plan_is_simple(Plan *plan)
{
	List	   *children = NIL;
	ListCell   *lc;

	check_stack_depth();
	switch (nodeTag(plan))
	{
		case T_Append:
			children = ((Append *) plan)->appendplans;
			break;
		case T_SubqueryScan:
			children = list_make1(((SubqueryScan *) plan)->subplan);
			break;
		case T_NestLoop:
			children = list_make2(outerPlan(plan), innerPlan(plan));
			break;
		case T_Result:
		case T_Material:
			children = outerPlan(plan) ? list_make1(outerPlan(plan)) : NIL;
			break;
		case T_NamedTuplestoreScan:
		case T_SeqScan:
		case T_IndexScan:
			break;
		default:
			return false;
	}
	foreach(lc, children)
		if (!tv_plan_is_simple(lfirst(lc)))
		return false;
	return true;
}

static bool *const avoided[] = {&enable_hashjoin, &enable_mergejoin, &enable_bitmapscan,
&enable_indexonlyscan, &enable_memoize, &enable_seqscan};

/* What to plan without, as far as possible: a range of these. */
#define TV_ALL_NODES 0
#define TV_NO_COMPLEX_NODES (lengthof(avoided) - 1)
#define TV_NO_SCANS_EITHER lengthof(avoided)

/* Switch the first n off (saved is set), or back (saved is read). */
static void
allow_avoided(int n, bool allow, bool *saved)
{
	for (int i = 0; i < n; i++)
	{
		if (!allow)
			saved[i] = *avoided[i];
		*avoided[i] = allow && saved[i];
	}
}

static set_rel_pathlist_hook_type prev_set_rel_pathlist = NULL;
static bool avoid_whole_indexes = false;

/* To read an index from end to end is a scan of the table, too. */
static void
tv_set_rel_pathlist(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	ListCell   *lc;

	if (prev_set_rel_pathlist)
		prev_set_rel_pathlist(root, rel, rti, rte);
	if (!avoid_whole_indexes)
		return;
	foreach(lc, rel->pathlist)
	{
		Path	   *path = lfirst(lc);

		if (IsA(path, IndexPath) && ((IndexPath *) path)->indexclauses == NIL)
		{
			path->startup_cost += disable_cost;
			path->total_cost += disable_cost;
		}
	}
}

static get_relation_stats_hook_type prev_get_relation_stats = NULL;

/*
 * A column of what a table was has about the same values as what it is, of which
 * the planner sees nothing: it is a column of a union.
 */
static bool
tv_get_relation_stats(PlannerInfo *root, RangeTblEntry *rte, AttrNumber attnum,
					  VariableStatData *vardata)
{
	ListCell   *lc;

	if (prev_get_relation_stats && prev_get_relation_stats(root, rte, attnum, vardata))
		return true;
	if (join_search_hook != tv_join_search || rte->rtekind != RTE_SUBQUERY || !rte->inh ||
		strcmp(rte->eref->aliasname, TV_OLD_STATE_NAME) != 0)
		return false;
	foreach(lc, root->append_rel_list)
	{
		AppendRelInfo *part = lfirst_node(AppendRelInfo, lc);
		Var		   *var;
		RangeTblEntry *table;

		if (root->simple_rte_array[part->parent_relid] != rte || attnum <= 0 ||
			attnum > list_length(part->translated_vars))
			continue;
		var = list_nth(part->translated_vars, attnum - 1);
		if (var == NULL || !IsA(var, Var) || var->varlevelsup != 0)
			continue;
		table = root->simple_rte_array[var->varno];
		if (table->rtekind != RTE_RELATION)
			continue;
		vardata->statsTuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(table->relid),
											  Int16GetDatum(var->varattno),
											  BoolGetDatum(table->inh));
		vardata->freefunc = ReleaseSysCache;
		vardata->acl_ok = true;
		vardata->isunique = has_unique_index(find_base_rel(root, var->varno), var->varattno);
		return true;
	}
	return false;
}

static get_relation_info_hook_type prev_get_relation_info = NULL;
static List *single_tables = NIL;

/*
 * Nobody has counted the rows of a new table, so the planner takes it for one of ten
 * pages, and what is joined to its only row for thousands.
 */
static void
tv_get_relation_info(PlannerInfo *root, Oid relid, bool inhparent, RelOptInfo *rel)
{
	if (prev_get_relation_info)
		prev_get_relation_info(root, relid, inhparent, rel);
	if (join_search_hook == tv_join_search && list_member_oid(single_tables, relid))
	{
		rel->pages = Min(rel->pages, 1);
		rel->tuples = 1;
	}
}

void
tv_plan_query_init(void)
{
	prev_get_relation_info = get_relation_info_hook;
	get_relation_info_hook = tv_get_relation_info;

	prev_get_relation_stats = get_relation_stats_hook;
	get_relation_stats_hook = tv_get_relation_stats;

	prev_set_rel_pathlist = set_rel_pathlist_hook;
	set_rel_pathlist_hook = tv_set_rel_pathlist;
}

/* What planning takes is freed at once: for many products this is much. */
static PlannedStmt *
plan_without(Query *query, int n, int options)
{
	bool		saved[lengthof(avoided)];
	join_search_hook_type search = join_search_hook;
	MemoryContext oldcxt = CurrentMemoryContext;
	MemoryContext scratch = AllocSetContextCreate(oldcxt, "pg_tviews planning",
												  ALLOCSET_DEFAULT_SIZES);
	PlannedStmt *stmt = NULL;

	allow_avoided(n, false, saved);
	avoid_whole_indexes = n == TV_NO_SCANS_EITHER;
	tv_join_search_begin(query, search);
	join_search_hook = tv_join_search;
	PG_TRY();
	{
		MemoryContextSwitchTo(scratch);
		stmt = standard_planner(copyObject(query), "maintenance of a view", options, NULL);
		MemoryContextSwitchTo(oldcxt);
	}
	PG_FINALLY();
	{
		join_search_hook = search;
		avoid_whole_indexes = false;
		allow_avoided(n, true, saved);
	}
	PG_END_TRY();
	stmt = copyObject(stmt);
	MemoryContextDelete(scratch);
	return stmt;
}

/* The number of scans of whole tables in a plan. */
static int
count_scans(Plan *plan)
{
	List	   *children = NIL;
	ListCell   *lc;
	int			n = 0;

	if (plan == NULL)
		return 0;
	check_stack_depth();
	if (IsA(plan, SeqScan) ||
		(IsA(plan, IndexScan) && ((IndexScan *) plan)->indexqual == NIL) ||
		(IsA(plan, IndexOnlyScan) && ((IndexOnlyScan *) plan)->indexqual == NIL))
		n = 1;
	else if (IsA(plan, Append))
		children = ((Append *) plan)->appendplans;
	else if (IsA(plan, MergeAppend))
		children = ((MergeAppend *) plan)->mergeplans;
	else if (IsA(plan, SubqueryScan))
		children = list_make1(((SubqueryScan *) plan)->subplan);
	foreach(lc, children)
		n += count_scans(lfirst(lc));
	return n + count_scans(plan->lefttree) + count_scans(plan->righttree);
}

/* The same in its subplans, too. */
static int
count_all_scans(PlannedStmt *stmt)
{
	int			n = count_scans(stmt->planTree);
	ListCell   *lc;

	foreach(lc, stmt->subplans)
		n += count_scans(lfirst(lc));
	return n;
}

/*
 * For few rows, the executor's start-up is what a plan costs, which the
 * planner does not count: a plan that does without is taken even if it is a
 * little dearer by the estimate.  So is one that looks rows up where the best
 * one scans a small table: the rows may be a hundred times as many as planned
 * for, and the table may grow without anybody telling.
 */
static PlannedStmt *
choose_plan(Query *query, bool few_rows, bool parallel)
{
	PlannedStmt *stmt = plan_without(query, TV_ALL_NODES, parallel ? CURSOR_OPT_PARALLEL_OK : 0);
	PlannedStmt *other;
	int			scans;

	if (!few_rows)
		return stmt;
	if (!tv_plan_is_simple(stmt->planTree))
	{
		other = plan_without(query, TV_NO_COMPLEX_NODES, 0);
		if (other->planTree->total_cost <= stmt->planTree->total_cost + TV_EXECUTOR_START_COST)
			stmt = other;
	}
	scans = count_all_scans(stmt);
	if (scans == 0)
		return stmt;
	other = plan_without(query, TV_NO_SCANS_EITHER, 0);
	if (count_all_scans(other) < scans &&
		other->planTree->total_cost <= stmt->planTree->total_cost + scans * TV_LOOKUP_COST)
		stmt = other;
	return stmt;
}

PlannedStmt *
tv_plan_query(Query *query, List *single, bool few_rows, bool parallel)
{
	PlannedStmt *stmt;
	bool		snapshot_set = false;

	lock_relations((Node *) query, NULL);
	query = tv_shield_nulls(query);
	if (!ActiveSnapshotSet())
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		snapshot_set = true;
	}
	single_tables = single;
	stmt = choose_plan(query, few_rows, parallel);
	single_tables = NIL;
	stmt->jitFlags = 0;
	if (snapshot_set)
		PopActiveSnapshot();
	return stmt;
}

void
tv_plan_order_groups(Query *query)
{
	List	   *keys = query->groupClause ? query->groupClause : query->distinctClause;
	ListCell   *lc;

	if (query->sortClause != NIL || query->setOperations || query->groupingSets != NIL ||
		query->hasDistinctOn || query->hasWindowFuncs || query->hasTargetSRFs ||
		query->limitCount || query->limitOffset ||
		(query->groupClause != NIL && query->distinctClause != NIL))
		return;
	foreach(lc, keys)
		if (!OidIsValid(lfirst_node(SortGroupClause, lc)->sortop))
		return;
	query->sortClause = copyObject(keys);
}
