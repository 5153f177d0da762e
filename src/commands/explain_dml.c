/*-------------------------------------------------------------------------
 *
 * commands/explain_dml.c
 *	  EXPLAIN of a data-changing statement shows the maintenance of views.
 *
 * With ANALYZE, an observer watches the flushes that the statement causes:
 * those at its end, those of statements in the functions it calls, and one
 * before it reads a view.  In a transaction block a deferred flush comes after
 * EXPLAIN is done; outside of one the transaction ends with EXPLAIN, and the
 * flush is done here to be seen.
 *
 * Without ANALYZE nothing is run.  From the targets of the statement the walk
 * goes up as a flush would, and shows for each node the plan for few changed
 * rows.  What foreign key actions and triggers would do is not foreseen.
 *
 * The server does not call this hook for EXPLAIN EXECUTE: see
 * explain_execute.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "parser/parsetree.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "commands/explain_dml.h"
#include "commands/explain_report.h"
#include "executor/explain_run.h"
#include "executor/flush.h"
#include "executor/rights.h"
#include "executor/run_plan.h"
#include "planner/member_cache.h"
#include "tv_compat.h"

/* The arguments of the hook. */
typedef struct ExplainCall
{
	Query	   *query;
	int			cursor_options;
	IntoClause *into;
	ExplainState *es;
	const char *query_string;
	ParamListInfo params;
	QueryEnvironment *query_env;
} ExplainCall;

typedef struct Observer
{
	TvRunObserver pub;
	TvReport   *report;
	TvNodeReport *current;		/* node being flushed */
	TvActivity	before;
	instr_time	start;
} Observer;

static ExplainOneQuery_hook_type prev_ExplainOneQuery = NULL;

static void explain_by_server(void *arg);
static void observe_begin(TvRunObserver *self, TvView *view, TvNode *node,
						  const Bitmapset *changed, const TvActivity *before);
static void observe_plan(TvRunObserver *self, TvPlan *plan, QueryDesc *desc);
static void observe_end(TvRunObserver *self, TvView *view, TvNode *node,
						const TvActivity *after);
static List *find_targets(Query *query, List *targets);
static bool may_change(Query *query, Oid relid, Oid source);
static void print_foreseen(ExplainState *es, List *targets);
static void explain_foreseen(TvReport *report, List *changed);
static void lock_inputs(TvView *view);
static List *foresee_as_owner(TvReport *report, TvView *view, List *changed);
static List *foresee_view(TvReport *report, TvView *view, List *changed);
static void foresee_node(TvReport *report, TvView *view, TvNode *node,
						 const Bitmapset *changed, TvPlan *delta);
static void bind_presence(QueryEnvironment *env, TvView *view, TvNode *node,
						  const Bitmapset *changed);
static void bind_empty(QueryEnvironment *env, const char *name, TupleDesc desc);
static TupleDesc keys_desc(const TvNode *node);
static void start_plan(TvReport *report, TvNodeReport *node_report, TvReportPlan place,
					   TvPlan *plan, QueryEnvironment *env);

static void
tv_ExplainOneQuery(Query *query, int cursorOptions, IntoClause *into, ExplainState *es,
				   const char *queryString, ParamListInfo params, QueryEnvironment *queryEnv)
{
	ExplainCall call = {query, cursorOptions, into, es, queryString, params, queryEnv};
	List	   *targets;

	if (es->analyze)
	{
		tv_explain_observed(es, explain_by_server, &call);
		return;
	}
	/* now, for the planner may scribble on the query */
	targets = find_targets(query, NIL);
	explain_by_server(&call);
	print_foreseen(es, targets);
}

void
tv_explain_foreseen(ExplainState *es, List *queries)
{
	List	   *targets = NIL;
	ListCell   *lc;

	foreach(lc, queries)
		targets = find_targets(lfirst_node(Query, lc), targets);
	print_foreseen(es, targets);
}

void
tv_explain_dml_init(void)
{
	prev_ExplainOneQuery = ExplainOneQuery_hook;
	ExplainOneQuery_hook = tv_ExplainOneQuery;
}

static void
explain_by_server(void *arg)
{
	ExplainCall *call = arg;
	ExplainOneQuery_hook_type explain = (prev_ExplainOneQuery ? prev_ExplainOneQuery :
										 standard_ExplainOneQuery);

	explain(call->query, call->cursor_options, call->into, call->es, call->query_string,
			call->params, call->query_env);
}

/* ------------------------------------------------------------------------
 * ANALYZE
 * ------------------------------------------------------------------------
 */

void
tv_explain_observed(ExplainState *es, void (*run) (void *), void *arg)
{
	Observer	observer = {{0}};
	TvRunObserver *outer;

	observer.pub.instrument = es->timing ? INSTRUMENT_TIMER : INSTRUMENT_ROWS;
	if (es->buffers)
		observer.pub.instrument |= INSTRUMENT_BUFFERS;
	if (es->wal)
		observer.pub.instrument |= INSTRUMENT_WAL;
	observer.pub.node_begin = observe_begin;
	observer.pub.plan = observe_plan;
	observer.pub.node_end = observe_end;
	observer.report = tv_report_make(es);

	outer = tv_explain_run_set(&observer.pub);
	PG_TRY();
	{
		run(arg);
		if (!IsTransactionBlock())
			(void) tv_flush();
	}
	PG_FINALLY();
	{
		(void) tv_explain_run_set(outer);
	}
	PG_END_TRY();
	tv_report_print(observer.report);
}

static void
observe_begin(TvRunObserver *self, TvView *view, TvNode *node,
			  const Bitmapset *changed, const TvActivity *before)
{
	Observer   *observer = (Observer *) self;

	observer->current = tv_report_node(observer->report, view, node, changed);
	observer->before = *before;
	INSTR_TIME_SET_CURRENT(observer->start);
}

/* Of several runs the last is kept: it is the one whose result was applied. */
static void
observe_plan(TvRunObserver *self, TvPlan *plan, QueryDesc *desc)
{
	Observer   *observer = (Observer *) self;
	TvReportPlan place;

	switch (plan->kind)
	{
		case TV_PLAN_DELTA:
		case TV_PLAN_DELTA_KEYED:
			place = TV_REPORT_DELTA;
			break;
		case TV_PLAN_RECOMPUTE:
		case TV_PLAN_RECOMPUTE_KEYS:
		case TV_PLAN_SUFFIX:
			place = TV_REPORT_RECOMPUTE;
			break;
		case TV_PLAN_RECOMPUTE_NULL_KEYS:
			place = TV_REPORT_RECOMPUTE_NULLS;
			break;
		default:
			/* a function filled a view */
			return;
	}
	if (observer->current && place != TV_REPORT_DELTA)
	{
		observer->current->from_change = plan->kind == TV_PLAN_SUFFIX;
		observer->current->lost = !observer->current->keyed && plan->kind != TV_PLAN_RECOMPUTE;
	}
	if (observer->current)
		tv_report_plan(observer->report, observer->current, place, desc);
}

static void
observe_end(TvRunObserver *self, TvView *view, TvNode *node, const TvActivity *after)
{
	Observer   *observer = (Observer *) self;
	TvNodeReport *current = observer->current;
	TvActivity *sum = &current->activity;
	const TvActivity *before = &observer->before;
	instr_time	end;

	INSTR_TIME_SET_CURRENT(end);
	INSTR_TIME_ACCUM_DIFF(current->time, end, observer->start);
	current->flushes++;
	sum->delta_in += after->delta_in - before->delta_in;
	sum->delta_out += after->delta_out - before->delta_out;
	sum->groups += after->groups - before->groups;
	sum->rescans += after->rescans - before->rescans;
	sum->inserted += after->inserted - before->inserted;
	sum->updated += after->updated - before->updated;
	sum->deleted += after->deleted - before->deleted;
	observer->current = NULL;
}

/* ------------------------------------------------------------------------
 * Without ANALYZE: targets of the statement
 * ------------------------------------------------------------------------
 */

/*
 * Add the tables that the query changes and a view reads (List of Oid): of a
 * table in a tree, parents and children as well.
 */
static List *
find_targets(Query *query, List *targets)
{
	ListCell   *lc;

	if (query->resultRelation != 0)
	{
		Oid			relid = rt_fetch(query->resultRelation, query->rtable)->relid;
		TvMember   *member = tv_member_lookup(relid);

		foreach(lc, member ? member->related : NIL)
			if (tv_view_readers(lfirst_oid(lc)) != NULL &&
				may_change(query, relid, lfirst_oid(lc)))
			targets = list_append_unique_oid(targets, lfirst_oid(lc));
	}
	/* only CTEs at the top may change data */
	foreach(lc, query->hasModifyingCTE ? query->cteList : NIL)
		targets = find_targets(castNode(Query, lfirst_node(CommonTableExpr, lc)->ctequery),
							   targets);
	return targets;
}

/*
 * An UPDATE of columns that no view reads in source is no change.  Triggers and generated
 * columns may change other columns than those it sets.
 */
static bool
may_change(Query *query, Oid relid, Oid source)
{
	const TvLayout *layout = tv_view_layout(source);
	Relation	rel;
	bool		result;
	ListCell   *lc;

	if (query->commandType != CMD_UPDATE)
		return true;
	rel = table_open(relid, AccessShareLock);
	result = (rel->trigdesc && rel->trigdesc->trig_update_before_row) ||
		(rel->rd_att->constr && rel->rd_att->constr->has_generated_stored);
	table_close(rel, NoLock);
	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		/* columns of parents and children correspond by name */
		for (int i = 0; i < layout->natts && !tle->resjunk; i++)
			result |= layout->attnos[i] == TV_COLUMN_TABLEOID ||
				strcmp(get_attname(source, layout->attnos[i], false),
					   get_attname(relid, tle->resno, false)) == 0;
	}
	return result;
}

/* ------------------------------------------------------------------------
 * Without ANALYZE: what a flush would do
 * ------------------------------------------------------------------------
 */

static void
print_foreseen(ExplainState *es, List *targets)
{
	TvReport   *report;

	if (targets == NIL)
		return;
	report = tv_report_make(es);
	explain_foreseen(report, targets);
	tv_report_print(report);
}

/* changed: List of Oid, relations with a delta. */
static void
explain_foreseen(TvReport *report, List *changed)
{
	List	   *reachable = tv_flush_reachable(changed);
	ListCell   *lc;

	/* a lock can let an invalidation through: look up again afterwards */
	foreach(lc, reachable)
		lock_inputs(tv_view_lookup(lfirst_oid(lc)));
	foreach(lc, reachable)
		changed = foresee_as_owner(report, tv_view_lookup(lfirst_oid(lc)), changed);
}

static void
lock_inputs(TvView *view)
{
	TvGraph    *graph = view->graph;

	LockRelationOid(view->relid, AccessShareLock);
	for (int i = 0; i < graph->nsources; i++)
		LockRelationOid(graph->sources[i]->relid, AccessShareLock);
}

/*
 * Planning can evaluate functions of the definition, which must not run with
 * the rights of whoever explains.  The settings are reset by an abort.
 */
static List *
foresee_as_owner(TvReport *report, TvView *view, List *changed)
{
	TvRights	rights;

	tv_rights_enter(&rights, view->owner, view->settings,
					view->graph->user_code, view->graph->uses_settings);
	PG_TRY();
	{
		changed = foresee_view(report, view, changed);
	}
	PG_CATCH();
	{
		SetUserIdAndSecContext(rights.userid, rights.sec_context);
		PG_RE_THROW();
	}
	PG_END_TRY();
	tv_rights_leave(&rights);
	return changed;
}

/* Report the view's nodes; returns changed with what they would change. */
static List *
foresee_view(TvReport *report, TvView *view, List *changed)
{
	for (int i = 0; i < view->graph->nnodes; i++)
	{
		TvNode	   *node = view->graph->nodes[i];
		Bitmapset  *inputs = NULL;
		TvPlan	   *delta;
		int			s = -1;

		while ((s = bms_next_member(node->sources, s)) >= 0)
			if (list_member_oid(changed, view->graph->sources[s]->relid))
				inputs = bms_add_member(inputs, s);
		if (inputs == NULL)
			continue;
		delta = tv_plan_get(view, node, TV_PLAN_DELTA, inputs, 1, NULL);
		if (delta == NULL)
			continue;
		foresee_node(report, view, node, inputs, delta);
		changed = lappend_oid(changed, node->top ? view->relid : node->state_relid);
	}
	return changed;
}

static void
foresee_node(TvReport *report, TvView *view, TvNode *node, const Bitmapset *changed,
			 TvPlan *delta)
{
	TvNodeReport *node_report = tv_report_node(report, view, node, changed);
	QueryEnvironment *env = create_queryEnv();
	int			s = -1;

	while ((s = bms_next_member(changed, s)) >= 0)
		bind_empty(env, tv_derive_delta_name(s), view->layouts[s]->desc);
	bind_presence(env, view, node, changed);
	if (node->kind != TV_NODE_WHOLE)
		start_plan(report, node_report, TV_REPORT_DELTA, delta, env);

	if (node->recompute)
	{
		TvPlanKind	kind = node->nkeys == 0 ? TV_PLAN_RECOMPUTE : TV_PLAN_RECOMPUTE_KEYS;

		env = create_queryEnv();
		bind_empty(env, TV_KEYS_NAME, keys_desc(node));
		start_plan(report, node_report, TV_REPORT_RECOMPUTE,
				   tv_plan_get(view, node, kind, NULL, 1, NULL), env);
	}
}

/* What LEFT and ANTI leaves need to know of the deltas. */
static void
bind_presence(QueryEnvironment *env, TvView *view, TvNode *node, const Bitmapset *changed)
{
	ListCell   *lb;
	ListCell   *lc;

	foreach(lb, node->branches)
	{
		foreach(lc, ((TvBranch *) lfirst(lb))->leaves)
		{
			TvLeaf	   *leaf = lfirst(lc);
			char	   *name;

			if (leaf->mode == TV_LEAF_INNER || !bms_is_member(leaf->source, changed))
				continue;
			name = tv_derive_presence_name(leaf, foreach_current_index(lc));
			if (get_ENR(env, name) == NULL)
				bind_empty(env, name, view->layouts[leaf->source]->desc);
		}
	}
}

/* Its name is known, it has no rows; the store goes with the current context. */
static void
bind_empty(QueryEnvironment *env, const char *name, TupleDesc desc)
{
	tv_run_bind(env, name, desc, tuplestore_begin_heap(false, false, work_mem));
}

static TupleDesc
keys_desc(const TvNode *node)
{
	TupleDesc	desc = CreateTemplateTupleDesc(node->nkeys);

	for (int i = 0; i < node->nkeys; i++)
	{
		TupleDescInitEntry(desc, i + 1, NULL, node->keys[i].type, node->keys[i].typmod, 0);
		TupleDescInitEntryCollation(desc, i + 1, node->keys[i].collation);
	}
	return desc;
}

/* Start a plan for being shown, not run. */
static void
start_plan(TvReport *report, TvNodeReport *node_report, TvReportPlan place,
		   TvPlan *plan, QueryEnvironment *env)
{
	QueryDesc  *desc;
	ListCell   *lc;

	foreach(lc, plan->stmt->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (rte->rtekind == RTE_RELATION)
			LockRelationOid(rte->relid, rte->rellockmode);
	}
	desc = CreateQueryDesc(plan->stmt, "maintenance of a view", GetActiveSnapshot(),
						   InvalidSnapshot, None_Receiver, NULL, env, 0);
	standard_ExecutorStart(desc, EXEC_FLAG_EXPLAIN_ONLY);
	tv_report_plan(report, node_report, place, desc);
	standard_ExecutorEnd(desc);
	FreeQueryDesc(desc);
}
