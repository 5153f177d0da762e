/*-------------------------------------------------------------------------
 *
 * planner/plan_cache.c
 *	  Maintenance plans, planned once per backend.
 *
 * A plan is keyed by node, kind, set of changed sources, and size class: for
 * few rows (planned as for two), and for many, by powers of eight of the true
 * number.  Plans live in the context of their view's cache entry and go with it.
 * Replacing a function or operator starts a new generation of all plans.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/planner.h"
#include "storage/lmgr.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "config.h"
#include "planner/member_cache.h"
#include "planner/plan_cache.h"

/* What few rows are planned as. */
#define TV_SMALL_ROWS 2.0

typedef struct TvPlanKey
{
	int			node;
	int			kind;
	int			size_class;
} TvPlanKey;

typedef struct TvPlanEntry
{
	TvPlanKey	key;
	Bitmapset  *changed;		/* changed sources, of a delta */
	uint64		generation;
	bool		empty;
	TvPlan		plan;
} TvPlanEntry;

struct TvPlanTable
{
	List	   *entries;		/* of TvPlanEntry *, most recent first */
};

static uint64 plan_generation = 1;

static void make_plan(TvView *view, TvNode *node, TvPlanEntry *entry, double rows);

static void
generation_callback(Datum arg, int cacheid, uint32 hashvalue)
{
	plan_generation++;
}

void
tv_plan_cache_init(void)
{
	CacheRegisterSyscacheCallback(PROCOID, generation_callback, (Datum) 0);
	CacheRegisterSyscacheCallback(OPEROID, generation_callback, (Datum) 0);
	CacheRegisterSyscacheCallback(AMOPOPID, generation_callback, (Datum) 0);
}

static int
size_class(double rows)
{
	if (rows < tv_bulk_rows)
		return 0;
	return 1 + (int) (log(rows) / log(8.0));
}

TvPlan *
tv_plan_get(TvView *view, TvNode *node, TvPlanKind kind, const Bitmapset *changed, double rows)
{
	int			class = size_class(rows);
	TvPlanEntry *entry = NULL;
	ListCell   *lc;

	if (view->plans == NULL)
		view->plans = MemoryContextAllocZero(view->cxt, sizeof(struct TvPlanTable));

	foreach(lc, view->plans->entries)
	{
		TvPlanEntry *candidate = lfirst(lc);

		if (candidate->key.node == node->id && candidate->key.kind == kind &&
			candidate->key.size_class == class &&
			(kind != TV_PLAN_DELTA || bms_equal(candidate->changed, changed)))
		{
			entry = candidate;
			break;
		}
	}
	if (entry == NULL)
	{
		MemoryContext oldcxt = MemoryContextSwitchTo(view->cxt);

		entry = palloc0(sizeof(TvPlanEntry));
		entry->key.node = node->id;
		entry->key.kind = kind;
		entry->key.size_class = class;
		entry->changed = bms_copy(changed);
		view->plans->entries = lcons(entry, view->plans->entries);
		MemoryContextSwitchTo(oldcxt);
	}
	if (entry->generation != plan_generation)
		make_plan(view, node, entry, class == 0 ? TV_SMALL_ROWS : rows);
	return entry->empty ? NULL : &entry->plan;
}

static Query *
derive(TvView *view, TvNode *node, TvPlanEntry *entry, double rows)
{
	switch ((TvPlanKind) entry->key.kind)
	{
		case TV_PLAN_DELTA:
			return tv_derive_delta(view->graph, node, entry->changed, view->layouts, rows);
		case TV_PLAN_RECOMPUTE:
			return tv_derive_recompute(view->graph, node, TV_RECOMPUTE_ALL, rows);
		case TV_PLAN_RECOMPUTE_KEYS:
			return tv_derive_recompute(view->graph, node, TV_RECOMPUTE_KEYS, rows);
		case TV_PLAN_RECOMPUTE_NULL_KEYS:
			return tv_derive_recompute(view->graph, node, TV_RECOMPUTE_NULL_KEYS, rows);
		case TV_PLAN_STATE:
			return tv_derive_state(view->graph, node);
		case TV_PLAN_OUTPUT:
			return tv_derive_output(view->graph, node);
	}
	return NULL;
}

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

/* Is the plan made of nodes that executor/direct.c can run? */
static bool
is_simple(Plan *plan)
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
		if (!is_simple(lfirst(lc)))
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

static PlannedStmt *
plan_without(Query *query, int n)
{
	bool		saved[lengthof(avoided)];
	PlannedStmt *volatile stmt = NULL;

	allow_avoided(n, false, saved);
	PG_TRY();
	{
		stmt = standard_planner(copyObject(query), "maintenance of a view", 0, NULL);
	}
	PG_CATCH();
	{
		allow_avoided(n, true, saved);
		PG_RE_THROW();
	}
	PG_END_TRY();
	allow_avoided(n, true, saved);
	return stmt;
}

/* The number of sequential scans in a plan. */
static int
count_scans(Plan *plan)
{
	List	   *children = NIL;
	ListCell   *lc;
	int			n = 0;

	if (plan == NULL)
		return 0;
	check_stack_depth();
	if (IsA(plan, SeqScan))
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

/*
 * For few rows, the executor's start-up is what a plan costs, which the
 * planner does not count: a plan that does without is taken even if it is a
 * little dearer by the estimate.  So is one that looks rows up where the best
 * one scans a small table: the rows may be a hundred times as many as planned
 * for, and the table may grow without anybody telling.
 */
static PlannedStmt *
plan_query(Query *query, bool few_rows)
{
	PlannedStmt *stmt = plan_without(query, TV_ALL_NODES);
	PlannedStmt *other;
	int			scans;

	if (!few_rows)
		return stmt;
	if (!is_simple(stmt->planTree))
	{
		other = plan_without(query, TV_NO_COMPLEX_NODES);
		if (other->planTree->total_cost <= stmt->planTree->total_cost + TV_EXECUTOR_START_COST)
			stmt = other;
	}
	scans = count_scans(stmt->planTree);
	if (scans == 0)
		return stmt;
	other = plan_without(query, TV_NO_SCANS_EITHER);
	if (count_scans(other->planTree) < scans &&
		other->planTree->total_cost <= stmt->planTree->total_cost + scans * TV_LOOKUP_COST)
		stmt = other;
	return stmt;
}

/*
 * Derive and plan in a scratch context, then keep only the result.  The
 * caller holds locks on the sources.
 */
static void
make_plan(TvView *view, TvNode *node, TvPlanEntry *entry, double rows)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext,
												  "pg_tviews planning",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext oldcxt = MemoryContextSwitchTo(scratch);
	uint64		generation;
	Query	   *query;
	PlannedStmt *stmt;
	bool		snapshot_set = false;

	/* an invalidation while planning makes this plan old at once */
	AcceptInvalidationMessages();
	generation = plan_generation;
	query = derive(view, node, entry, rows);
	if (query == NULL)
	{
		entry->empty = true;
		entry->generation = generation;
		MemoryContextSwitchTo(oldcxt);
		MemoryContextDelete(scratch);
		return;
	}

	lock_relations((Node *) query, NULL);
	if (!ActiveSnapshotSet())
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		snapshot_set = true;
	}
	stmt = plan_query(query, entry->key.size_class == 0);
	stmt->jitFlags = 0;
	if (snapshot_set)
		PopActiveSnapshot();

	MemoryContextSwitchTo(view->cxt);
	entry->plan.stmt = copyObject(stmt);
	entry->plan.query = copyObject(query);
	entry->plan.desc = ExecCleanTypeFromTL(entry->plan.stmt->planTree->targetlist);
	entry->plan.kind = entry->key.kind;
	entry->plan.simple = is_simple(entry->plan.stmt->planTree);
	view->plan_relids = list_concat_unique_oid(view->plan_relids,
											   list_difference_oid(stmt->relationOids,
																   view->graph->relids));
	tv_member_watch(view->plan_relids);
	entry->plan.direct = NULL;
	entry->plan.bulk = entry->key.size_class > 0;
	entry->empty = false;
	entry->generation = generation;
	MemoryContextSwitchTo(oldcxt);
	MemoryContextDelete(scratch);
}
