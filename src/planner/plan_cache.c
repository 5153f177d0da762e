/*-------------------------------------------------------------------------
 *
 * planner/plan_cache.c
 *	  Maintenance plans, planned once per backend.
 *
 * A plan is keyed by node, kind, set of changed sources, and size class: for
 * few rows (planned as for two), and for many, by powers of eight of the true
 * number.  Plans live below the context of their view's cache entry and go with it.
 * Replacing a function or operator starts a new generation of all plans.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_proc.h"
#include "executor/executor.h"
#include "optimizer/clauses.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "config.h"
#include "planner/member_cache.h"
#include "planner/plan_cache.h"
#include "planner/plan_query.h"

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
	MemoryContext cxt;			/* of the plan, if it was made */
	TvPlan		plan;
} TvPlanEntry;

struct TvPlanTable
{
	List	   *entries;		/* of TvPlanEntry *, most recent first */
};

static uint64 plan_generation = 1;

static void make_plan(TvView *view, TvNode *node, TvPlanEntry *entry, double rows,
					  const double *source_rows);

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

/* Of several sources; that two of them meet would be a pity only. */
static int
combined_class(const Bitmapset *changed, const double *source_rows)
{
	uint32		class = 0;
	int			s = -1;

	while ((s = bms_next_member(changed, s)) >= 0)
		class = class * 16 + size_class(source_rows[s]);
	return class & 0x7fffffff;
}

static bool
is_delta(TvPlanKind kind)
{
	return kind == TV_PLAN_DELTA || kind == TV_PLAN_DELTA_KEYED;
}

TvPlan *
tv_plan_get(TvView *view, TvNode *node, TvPlanKind kind, const Bitmapset *changed, double rows,
			const double *source_rows)
{
	int			class = source_rows ? combined_class(changed, source_rows) : size_class(rows);
	TvPlanEntry *entry = NULL;
	ListCell   *lc;

	if (view->plans == NULL)
		view->plans = MemoryContextAllocZero(view->cxt, sizeof(struct TvPlanTable));

	foreach(lc, view->plans->entries)
	{
		TvPlanEntry *candidate = lfirst(lc);

		if (candidate->key.node == node->id && candidate->key.kind == kind &&
			candidate->key.size_class == class &&
			(!is_delta(kind) || bms_equal(candidate->changed, changed)))
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

	/*
	 * what was compiled serves until the view is looked up again, but not its
	 * plans
	 */
	if (entry->generation != plan_generation || !view->valid)
		make_plan(view, node, entry, class == 0 ? TV_SMALL_ROWS : rows, source_rows);
	return entry->empty ? NULL : &entry->plan;
}

static Query *
derive(TvView *view, TvNode *node, TvPlanEntry *entry, double rows, const double *source_rows)
{
	double	   *expected = palloc(sizeof(double) * (view->graph->nsources + 1));
	Query	   *query = NULL;

	for (int s = 0; s < view->graph->nsources; s++)
	{
		expected[s] = source_rows ? source_rows[s] : rows;
		if (size_class(expected[s]) == 0)
			expected[s] = TV_SMALL_ROWS;
	}
	switch ((TvPlanKind) entry->key.kind)
	{
		case TV_PLAN_DELTA:
		case TV_PLAN_DELTA_KEYED:
			return tv_derive_delta(view->graph, node, entry->changed, view->layouts, expected);
		case TV_PLAN_RECOMPUTE:
			return tv_derive_recompute(view->graph, node, TV_RECOMPUTE_ALL, rows);
		case TV_PLAN_RECOMPUTE_KEYS:
			return tv_derive_recompute(view->graph, node, TV_RECOMPUTE_KEYS, rows);
		case TV_PLAN_RECOMPUTE_NULL_KEYS:
			return tv_derive_recompute(view->graph, node, TV_RECOMPUTE_NULL_KEYS, rows);
		case TV_PLAN_SUFFIX:
			return tv_derive_suffix(view->graph, node, rows);
		case TV_PLAN_SUFFIX_STORED:
			return tv_derive_suffix_stored(node, rows);
		case TV_PLAN_SUFFIX_LIMITS:
			return tv_derive_suffix_limits(node, rows);
		case TV_PLAN_STATE:
			query = tv_derive_state(view->graph, node);
			break;
		case TV_PLAN_GROUPS:
			query = tv_derive_groups(view->graph, node);
			break;
		case TV_PLAN_OUTPUT:
			query = tv_derive_output(view->graph, node);
			break;
	}
	tv_plan_order_groups(query);
	return query;
}

/*
 * May workers help?  Only where a view is filled: the deltas of a flush are
 * where they cannot read them.  Of groups, the output row is computed while the
 * plan runs, by the leader.
 */
static bool
may_be_parallel(TvView *view, TvNode *node, TvPlanKind kind)
{
	if (kind == TV_PLAN_GROUPS)
		return max_parallel_hazard(tv_derive_output(view->graph, node)) != PROPARALLEL_UNSAFE;
	return kind == TV_PLAN_STATE || kind == TV_PLAN_OUTPUT;
}

/* A flush, which alone runs plans of deltas, has locked them; see executor/gate.c. */
static List *
base_tables(TvView *view)
{
	List	   *result = NIL;

	for (int i = 0; i < view->graph->nsources; i++)
		if (view->graph->sources[i]->kind == TV_SOURCE_BASE)
			result = lappend_oid(result, view->graph->sources[i]->relid);
	return result;
}

/* Does a node have at most one row?  So has a list of constants, such as "is there any". */
static bool
is_single(const TvNode *node)
{
	ListCell   *lc;

	if (node->identity == TV_IDENTITY_SINGLE)
		return true;
	if (node->kind != TV_NODE_GROUP || node->nkeys == 0 || list_length(node->branches) != 1)
		return false;
	foreach(lc, ((TvBranch *) linitial(node->branches))->exprs)
	{
		if (foreach_current_index(lc) == node->nkeys)
			break;
		if (!IsA(lfirst(lc), Const))
			return false;
	}
	return true;
}

/* The state tables that have at most one row. */
static List *
single_tables(const TvGraph *graph)
{
	List	   *result = NIL;

	for (int i = 0; i < graph->nsources; i++)
	{
		const TvSource *source = graph->sources[i];

		if (source->kind == TV_SOURCE_NODE && source->node >= 0 &&
			is_single(graph->nodes[source->node]))
			result = lappend_oid(result, source->relid);
	}
	return result;
}

/*
 * Derive and plan in a scratch context, then keep only the result.  The
 * caller holds locks on the sources.
 */
static void
make_plan(TvView *view, TvNode *node, TvPlanEntry *entry, double rows,
		  const double *source_rows)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext,
												  "pg_tviews planning",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext oldcxt = MemoryContextSwitchTo(scratch);
	uint64		generation;
	Query	   *query;
	PlannedStmt *stmt;

	/* an invalidation while planning makes this plan old at once */
	AcceptInvalidationMessages();
	generation = plan_generation;
	query = derive(view, node, entry, rows, source_rows);
	if (query && entry->key.kind == TV_PLAN_DELTA_KEYED)
		tv_derive_delta_keyed(node, query);
	if (query == NULL)
	{
		entry->empty = true;
		entry->generation = generation;
		MemoryContextSwitchTo(oldcxt);
		MemoryContextDelete(scratch);
		return;
	}

	stmt = tv_plan_query(query, single_tables(view->graph), entry->key.size_class == 0,
						 may_be_parallel(view, node, entry->key.kind));

	/* one that is being run further up the stack stays until it has ended */
	tv_view_cache_discard(entry->cxt);
	entry->cxt = NULL;
	entry->cxt = AllocSetContextCreate(view->cxt, "pg_tviews plan", ALLOCSET_SMALL_SIZES);
	MemoryContextSwitchTo(entry->cxt);
	entry->plan.stmt = copyObject(stmt);
	entry->plan.query = copyObject(query);
	entry->plan.desc = ExecCleanTypeFromTL(entry->plan.stmt->planTree->targetlist);
	entry->plan.kind = entry->key.kind;
	entry->plan.locked = is_delta(entry->key.kind) ? base_tables(view) : NIL;
	entry->plan.simple = tv_plan_is_simple(entry->plan.stmt->planTree);
	MemoryContextSwitchTo(view->cxt);
	view->plan_relids = list_concat_unique_oid(view->plan_relids,
											   list_difference_oid(stmt->relationOids,
																   view->graph->relids));
	tv_member_watch(view->plan_relids);
	entry->plan.direct = NULL;
	entry->plan.in_place = NULL;
	entry->plan.bulk = entry->key.size_class > 0;
	entry->empty = false;
	entry->generation = generation;
	MemoryContextSwitchTo(oldcxt);
	MemoryContextDelete(scratch);
}
