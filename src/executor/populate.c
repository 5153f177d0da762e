/*-------------------------------------------------------------------------
 *
 * executor/populate.c
 *	  Fill a view and its state tables, or these alone.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"

#include "executor/fill_memory.h"
#include "executor/fill_store.h"
#include "executor/flush_internal.h"
#include "executor/isolation.h"
#include "executor/populate.h"
#include "executor/rights.h"
#include "executor/run_plan.h"
#include "executor/snapshot_check.h"

/* What is filled by one run of a plan. */
typedef struct Filling
{
	TvFill	   *state;			/* or NULL */
	TvFill	   *view;			/* or NULL */
	TvNodeRuntime *rt;			/* of the top node, if the view is filled */
	MemoryContext cxt;			/* reset per group */
	Datum	   *values;			/* a group's: results, output row, state row */
	bool	   *nulls;
} Filling;

static void
put_state_row(TupleTableSlot *slot, void *context)
{
	tv_fill_put_slot(((Filling *) context)->state, slot);
}

static void
put_view_row(TupleTableSlot *slot, void *context)
{
	tv_fill_put_slot(((Filling *) context)->view, slot);
}

/* A recomputed group whose row is found by its key: the view has its first columns. */
static void
put_both_rows(TupleTableSlot *slot, void *context)
{
	Filling    *f = context;

	slot_getallattrs(slot);
	tv_fill_put(f->state, slot->tts_values, slot->tts_isnull);
	tv_fill_put(f->view, slot->tts_values, slot->tts_isnull);
}

/* A group, as keys and accumulators. */
static void
put_group(TupleTableSlot *slot, void *context)
{
	Filling    *f = context;
	TvNodeRuntime *rt = f->rt;
	TvNode	   *node = rt->node;
	int			nout = node->out_desc->natts;
	int			nstate = list_length(node->state_columns);
	Datum	   *out = f->values + rt->naggs;
	bool	   *out_nulls = f->nulls + rt->naggs;
	Datum	   *state = out + nout;
	bool	   *state_nulls = out_nulls + nout;
	MemoryContext oldcxt = MemoryContextSwitchTo(f->cxt);

	slot_getallattrs(slot);
	tv_runtime_results(rt, slot->tts_values + rt->nkeys, slot->tts_isnull + rt->nkeys,
					   f->values, f->nulls);
	if (tv_runtime_project(rt, slot->tts_values, slot->tts_isnull, f->values, f->nulls,
						   out, out_nulls))
		tv_fill_put(f->view, out, out_nulls);
	for (int i = 0; i < nstate; i++)
	{
		TvStateColumn *column = &node->state_roles[i];
		int			from = column->role == TV_STATE_KEY ? column->index : rt->nkeys + column->index;

		Assert(column->role != TV_STATE_OUT);
		state[i] = slot->tts_values[from];
		state_nulls[i] = slot->tts_isnull[from];
	}
	tv_fill_put(f->state, state, state_nulls);
	MemoryContextSwitchTo(oldcxt);
	MemoryContextReset(f->cxt);
	ResetExprContext(rt->econtext);
}

static void
run(TvView *view, TvNode *node, TvPlanKind kind, TvRowConsumer consumer, void *context)
{
	TvPlan	   *plan;
	int			level;

	PushActiveSnapshot(GetLatestSnapshot());
	level = tv_fill_memory_enter(NULL);
	plan = tv_plan_get(view, node, kind, NULL, 1e9, NULL);
	AtEOXact_GUC(false, level);
	level = tv_fill_memory_enter(plan->stmt);
	tv_run_plan(plan, NIL, GetActiveSnapshot(), consumer, context);
	AtEOXact_GUC(false, level);
	PopActiveSnapshot();
}

static void
fill_state(TvView *view, TvNode *node)
{
	Filling		f = {0};

	CommandCounterIncrement();
	f.state = tv_fill_open(node->state_relid, RowExclusiveLock, false);
	run(view, node, TV_PLAN_STATE, put_state_row, &f);
	(void) tv_fill_close(f.state, false);
	CommandCounterIncrement();
}

/* The view and the state of the top node, by one run of its query. */
static uint64
fill_top(TvView *view, bool frozen)
{
	TvNode	   *top = view->graph->nodes[view->graph->nnodes - 1];
	Filling		f = {0};
	uint64		nrows;

	CommandCounterIncrement();
	f.rt = tv_runtime_get(view, top);
	f.view = tv_fill_open(view->relid, NoLock, frozen);
	if (top->identity == TV_IDENTITY_KEY)
		tv_fill_remember(f.view, top->nidentity, top->identity_attnos);
	if (top->has_state)
		f.state = tv_fill_open(top->state_relid, RowExclusiveLock, false);
	if (!top->has_state)
		run(view, top, TV_PLAN_OUTPUT, put_view_row, &f);
	else if (top->recompute)
		run(view, top, TV_PLAN_STATE, put_both_rows, &f);
	else
	{
		int			nvalues = f.rt->naggs + top->out_desc->natts + list_length(top->state_columns);

		f.cxt = AllocSetContextCreate(CurrentMemoryContext, "pg_tviews group",
									  ALLOCSET_DEFAULT_SIZES);
		f.values = palloc0(sizeof(Datum) * nvalues);
		f.nulls = palloc0(sizeof(bool) * nvalues);
		run(view, top, TV_PLAN_GROUPS, put_group, &f);
		MemoryContextDelete(f.cxt);
	}
	if (f.state)
		(void) tv_fill_close(f.state, false);
	nrows = tv_fill_close(f.view, true);
	CommandCounterIncrement();
	return nrows;
}

/*
 * The view was filled with the newest rows.  A transaction that keeps its
 * snapshot must not read there others than its query gives.
 */
static void
check_isolation(TvView *view)
{
	bool		same = true;

	if (!IsolationUsesXactSnapshot())
		return;
	for (int i = 0; i < view->graph->nsources; i++)
		if (tv_snapshot_is_newer(view->graph->sources[i]->relid))
			same = false;
	PushActiveSnapshot(GetLatestSnapshot());
	for (int i = 0; i < view->graph->nnodes && same; i++)
	{
		TvNode	   *node = view->graph->nodes[i];

		same = tv_isolation_same(tv_plan_get(view, node, node->top ? TV_PLAN_OUTPUT : TV_PLAN_STATE,
											 NULL, 1e9, NULL), NIL);
	}
	PopActiveSnapshot();
	if (!same)
		tv_snapshot_note_newer(view->relid);
}

static void
add_output(TupleTableSlot *slot, void *context)
{
	CHECK_FOR_INTERRUPTS();
	slot_getallattrs(slot);
	tv_rows_add(context, slot->tts_values, slot->tts_isnull, 1);
}

/* A row of the top node's state table, as the view shows it. */
static void
add_state_row(TvNodeRuntime *rt, TupleTableSlot *slot, TvRowTable *rows)
{
	TvNode	   *node = rt->node;
	int			nvalues = rt->naccs + rt->nkeys + rt->naggs + node->out_desc->natts + 1;
	Datum	   *values = palloc0(sizeof(Datum) * nvalues);
	bool	   *nulls = palloc0(sizeof(bool) * nvalues);
	int			results = rt->naccs + rt->nkeys;
	int			out = results + rt->naggs;
	ListCell   *lc;

	slot_getallattrs(slot);
	if (node->recompute)
	{
		(void) tv_rows_add(rows, slot->tts_values, slot->tts_isnull, 1);
		return;
	}
	foreach(lc, node->accs)
	{
		AttrNumber	attno = ((TvAcc *) lfirst(lc))->attno;

		values[foreach_current_index(lc)] = slot->tts_values[attno - 1];
		nulls[foreach_current_index(lc)] = slot->tts_isnull[attno - 1];
	}
	for (int i = 0; i < rt->nkeys; i++)
	{
		values[rt->naccs + i] = slot->tts_values[node->keys[i].state_attno - 1];
		nulls[rt->naccs + i] = slot->tts_isnull[node->keys[i].state_attno - 1];
	}
	tv_runtime_results(rt, values, nulls, values + results, nulls + results);
	if (tv_runtime_project(rt, values + rt->naccs, nulls + rt->naccs, values + results,
						   nulls + results, values + out, nulls + out))
		(void) tv_rows_add(rows, values + out, nulls + out, 1);
}

/* Add the rows of the view (negative), or those its state table stands for. */
static void
add_stored(TvNodeRuntime *rt, Oid relid, bool state, TvRowTable *rows)
{
	Relation	rel = table_open(relid, AccessShareLock);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	TableScanDesc scan = table_beginscan(rel, GetActiveSnapshot(), 0, NULL);
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "pg_tviews state row",
											  ALLOCSET_DEFAULT_SIZES);
	MemoryContext oldcxt = MemoryContextSwitchTo(cxt);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		slot_getallattrs(slot);
		if (state)
		{
			ResetExprContext(rt->econtext);
			add_state_row(rt, slot, rows);
		}
		else
			tv_rows_add(rows, slot->tts_values, slot->tts_isnull, -1);
		MemoryContextReset(cxt);
	}
	MemoryContextSwitchTo(oldcxt);
	MemoryContextDelete(cxt);
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	table_close(rel, NoLock);
}

/*
 * The view was filled by its query, the state tables by queries of ours.  Of
 * groups that may look different when computed twice, the view must show what
 * the state tables hold: that is what will leave it.
 */
static void
align_view(TvView *view)
{
	TvNode	   *top = view->graph->nodes[view->graph->nnodes - 1];
	TvNodeRuntime *rt = tv_runtime_get(view, top);
	TvActivity	activity = {0};
	TvNodeFlush flush = {0};
	TvRowTable *rows;

	flush.view = view;
	flush.node = top;
	flush.rt = rt;
	flush.activity = &activity;
	flush.cxt = AllocSetContextCreate(CurrentMemoryContext, "pg_tviews align",
									  ALLOCSET_DEFAULT_SIZES);
	rows = tv_rows_make_sorted(top->out_desc, top->identity == TV_IDENTITY_BAG,
							   top->nidentity, top->identity_attnos,
							   rt->identity_sort, flush.cxt);
	tv_rows_let_spill(rows);
	flush.view_delta = rows;

	PushActiveSnapshot(GetLatestSnapshot());
	add_stored(rt, view->relid, false, rows);
	if (top->kind == TV_NODE_GROUP && top->primary == TV_STORE_STATE)
		add_stored(rt, top->state_relid, true, rows);
	else
		tv_run_plan(tv_plan_get(view, top, TV_PLAN_OUTPUT, NULL, 1e9, NULL), NIL,
					GetActiveSnapshot(), add_output, rows);
	tv_apply_rows(&flush, rows);
	PopActiveSnapshot();
	CommandCounterIncrement();
	MemoryContextDelete(flush.cxt);
}

/*
 * May a group's row look different when it is computed twice?  It shows one of
 * several equal values, or an aggregate depends on the order of rows.
 */
static bool
varies(const TvNodeRuntime *rt)
{
	if (rt->images || rt->node->recompute)
		return true;
	for (int i = 0; i < rt->naccs; i++)
		if (rt->accs[i].images)
			return true;
	return false;
}

/* Do the view's rows depend on stored rows of that kind? */
static bool
may_differ(TvView *view)
{
	for (int i = 0; i < view->graph->nnodes; i++)
	{
		TvNode	   *node = view->graph->nodes[i];

		if (tv_graph_node_has_ties(node))
			return true;
		if (node->kind == TV_NODE_GROUP && node->has_state &&
			(!node->top || node->primary == TV_STORE_STATE) &&
			varies(tv_runtime_get(view, node)))
			return true;
	}
	return false;
}

static void
discard(TupleTableSlot *slot, void *context)
{
	CHECK_FOR_INTERRUPTS();
}

/* What is pending for the view is in its contents by now. */
static void
consume_pending(TvView *view)
{
	for (int i = 0; i < view->graph->nnodes; i++)
	{
		TvNode	   *node = view->graph->nodes[i];
		int			s = -1;

		while ((s = bms_next_member(node->sources, s)) >= 0)
		{
			TvChanges  *changes = tv_changes_find(view->graph->sources[s]->relid);

			if (changes)
				tv_changes_consume(tv_changes_pending(changes, view->relid, node->id, NULL),
								   view->relid, node->id);
		}
	}
}

static void
fill_states(TvView *view, int nnodes)
{
	for (int i = 0; i < nnodes; i++)
		if (view->graph->nodes[i]->has_state)
			fill_state(view, view->graph->nodes[i]);
}

void
tv_populate_states(Oid relid)
{
	TvView	   *view = tv_view_lookup(relid);
	TvNode	   *top = view->graph->nodes[view->graph->nnodes - 1];
	TvRights	rights;

	tv_rights_enter(&rights, view->owner, view->settings, true, true);
	PG_TRY();
	{
		fill_states(view, view->graph->nnodes);
		check_isolation(view);
		/* The view's own query may read texts on which ours fails. */
		if (view->graph->checks_words)
			run(view, top, TV_PLAN_OUTPUT, discard, NULL);
		if (may_differ(view))
			align_view(view);
	}
	PG_CATCH();
	{
		SetUserIdAndSecContext(rights.userid, rights.sec_context);
		PG_RE_THROW();
	}
	PG_END_TRY();
	tv_rights_leave(&rights);
	consume_pending(view);
}

uint64
tv_populate_view(Oid relid, bool frozen)
{
	TvView	   *view = tv_view_lookup(relid);
	TvRights	rights;
	volatile uint64 nrows = 0;

	tv_rights_enter(&rights, view->owner, view->settings, true, true);
	PG_TRY();
	{
		fill_states(view, view->graph->nnodes - 1);
		nrows = fill_top(view, frozen);
		check_isolation(view);
	}
	PG_CATCH();
	{
		SetUserIdAndSecContext(rights.userid, rights.sec_context);
		PG_RE_THROW();
	}
	PG_END_TRY();
	tv_rights_leave(&rights);
	consume_pending(view);
	return nrows;
}
