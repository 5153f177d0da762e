/*-------------------------------------------------------------------------
 *
 * executor/flush.c
 *	  Turn pending changes into changes of views.
 *
 * Invariant, for every node n and each of its inputs i:
 *
 *		stored(n) = Q_n(value(i) - pending(n, i), for all inputs i)
 *
 * A flush visits the views that changes can reach and that cannot wait (see
 * moment.h), lower ones first, and in each its nodes in topological order.  A
 * node with pending input reads all inputs as they are now, consumes all its
 * pending at once, applies its delta, and appends its output delta to the
 * pending of its readers.  So at the end nothing is pending for these views,
 * and every stored node of them equals its query.  What stays pending for
 * others does not matter to them.
 *
 * Locks: first the bases and the reachable views (gate.c).  Then, node by node,
 * what its changes can meet (edges.c), a fresh snapshot, and the rows that are
 * written.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"

#include "executor/activity.h"
#include "executor/explain_run.h"
#include "executor/flush.h"
#include "executor/flush_internal.h"
#include "executor/frames.h"
#include "executor/gate.h"
#include "executor/isolation.h"
#include "executor/key_locks.h"
#include "executor/moment.h"
#include "executor/rights.h"
#include "executor/snapshot_check.h"

static bool running = false;
static uint64 nflushed = 0;

static bool flush_at(TvMoment moment, List *read);
static bool start_clock(void);
static bool flush_selected(TvMoment moment, List *read);
static bool reads_undelivered(List *views);
static void flush_as_owner(TvView *view);
static void name_view(void *arg);
static void flush_view(TvView *view);
static void flush_node(TvView *view, TvNode *node);
static void flush_inputs(TvView *view, TvNode *node, List *inputs,
						 const Bitmapset *changed, const double *rows);
static void run_node(TvNodeFlush *flush, List *inputs, const Bitmapset *changed,
					 const double *rows);
static void open_output(TvNodeFlush *flush);

bool
tv_flush_running(void)
{
	return running;
}

uint64
tv_flush_count(void)
{
	return nflushed;
}

bool
tv_flush(void)
{
	return flush_at(TV_MOMENT_END, NIL);
}

bool
tv_flush_immediate(void)
{
	return flush_at(TV_MOMENT_STATEMENT, NIL);
}

bool
tv_flush_read(List *views)
{
	return flush_at(TV_MOMENT_READ, views);
}

static bool
flush_at(TvMoment moment, List *read)
{
	bool		result;
	bool		timed;

	if (!tv_changes_exist())
		return true;
	if (running || IsInParallelMode() ||
		(moment != TV_MOMENT_READ && tv_frame_undelivered(InvalidOid)))
		return false;

	running = true;
	timed = start_clock();
	PG_TRY();
	{
		result = flush_selected(moment, read);
	}
	PG_FINALLY();
	{
		running = false;
		/* what it has found stays, for the message */
		if (timed)
			disable_timeout(STATEMENT_TIMEOUT, true);
	}
	PG_END_TRY();
	return result;
}

/*
 * The server stops the clock of statement_timeout before a commit that is not a
 * statement of its own, and before deferred triggers are fired.  What is done
 * here takes as long as statements do: the clock runs anew.
 */
static bool
start_clock(void)
{
	if (StatementTimeout <= 0 || MyBackendType != B_BACKEND ||
		get_timeout_active(STATEMENT_TIMEOUT))
		return false;
	enable_timeout_after(STATEMENT_TIMEOUT, StatementTimeout);
	return true;
}

void
tv_flush_for_utility(void)
{
	if (tv_flush())
		return;
	if (running)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("cannot run a utility statement while maintained views are being updated"),
				 errdetail("A function called by the definition of a view runs it."),
				 errhint("Functions in a view's definition must not have side effects.")));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_IN_USE),
			 errmsg("cannot run a utility statement while a change of a base table of maintained views is in progress"),
			 errdetail("The views would have to be brought up to date first, but part of the change is not known before the statement ends."),
			 errhint("Run it after the statement, or in an AFTER STATEMENT trigger.")));
}

/* Readers may have come or gone since rows were captured. */
static void
settle_layouts(void)
{
	ListCell   *lc;

	foreach(lc, tv_changes_all())
	{
		TvChanges  *changes = lfirst(lc);
		TvReaders  *readers = tv_view_readers(changes->source);

		if (readers)
			changes->layout = readers->layout;
	}
}

static bool
flush_selected(TvMoment moment, List *read)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "pg_tviews flush",
											  ALLOCSET_DEFAULT_SIZES);
	MemoryContext oldcxt = MemoryContextSwitchTo(cxt);
	bool		pushed = !ActiveSnapshotSet();
	List	   *selected;
	List	   *shut_out;
	bool		known;
	ListCell   *lc;

	/* COMMIT has none */
	if (pushed)
		PushActiveSnapshot(GetTransactionSnapshot());
	tv_capture_settle();
	settle_layouts();
	selected = tv_gate_lock(moment, read);
	known = moment != TV_MOMENT_READ || !reads_undelivered(selected);
	if (known && selected != NIL)
	{
		foreach(lc, selected)
		{
			TvView	   *view = tv_view_lookup(lfirst_oid(lc));

			if (tv_moment_has_pending(view))
				flush_as_owner(view);
		}
		shut_out = list_difference_oid(selected,
									   list_difference_oid(selected, tv_gate_changed_for_all()));
		foreach(lc, tv_changes_all())
		{
			TvChanges  *changes = lfirst(lc);

			if (moment == TV_MOMENT_END || !tv_moment_source_pending(changes))
				tv_changes_served(changes);
		}
		if (shut_out != NIL)
			tv_snapshot_shut_out_older(shut_out);
		/* whoever waits for this flush reads what it wrote */
		CommandCounterIncrement();
	}
	if (pushed)
		PopActiveSnapshot();
	MemoryContextSwitchTo(oldcxt);
	MemoryContextDelete(cxt);
	return known;
}

/* Is a table that one of these views reads being changed? */
static bool
reads_undelivered(List *views)
{
	ListCell   *lc;

	foreach(lc, views)
	{
		TvView	   *view = tv_view_lookup(lfirst_oid(lc));

		for (int i = 0; i < view->graph->nsources; i++)
			if (view->graph->sources[i]->kind == TV_SOURCE_BASE &&
				tv_frame_undelivered(view->graph->sources[i]->relid))
				return true;
	}
	return false;
}

/*
 * On error the settings are reset by the abort of the (sub)transaction, but a
 * caller may catch the error while still in it: the user is reset here.
 */
static void
flush_as_owner(TvView *view)
{
	TvRights	rights;
	ErrorContextCallback callback;

	callback.callback = name_view;
	callback.arg = view->name;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	tv_rights_enter(&rights, view->owner, view->settings,
					view->graph->user_code, view->graph->uses_settings);
	PG_TRY();
	{
		flush_view(view);
	}
	PG_CATCH();
	{
		SetUserIdAndSecContext(rights.userid, rights.sec_context);
		PG_RE_THROW();
	}
	PG_END_TRY();
	tv_rights_leave(&rights);
	error_context_stack = callback.previous;
}

/*
 * The user changed a table, not a view: say where the error comes from, and,
 * of one that the data cause, what can be done.
 */
static void
name_view(void *arg)
{
	if (ERRCODE_TO_CATEGORY(geterrcode()) == ERRCODE_TO_CATEGORY(ERRCODE_DIVISION_BY_ZERO))
		errcontext("while maintaining view \"%s\", whose query fails on the new rows: change them, or drop the view",
				   (char *) arg);
	else
		errcontext("while maintaining view \"%s\"", (char *) arg);
}

List *
tv_flush_reachable(List *relids)
{
	List	   *sources = list_copy(relids);
	List	   *result = NIL;
	ListCell   *lc;

	/* the list grows while it is walked */
	foreach(lc, sources)
	{
		TvReaders  *readers = tv_view_readers(lfirst_oid(lc));

		for (int i = 0; readers && i < readers->nreaders; i++)
		{
			Oid			relid = readers->readers[i].view->relid;

			if (list_member_oid(result, relid))
				continue;
			result = lappend_oid(result, relid);
			sources = lappend_oid(sources, relid);
		}
	}
	list_sort(result, tv_moment_compare);
	return result;
}

static void
flush_view(TvView *view)
{
	for (int i = 0; i < view->graph->nnodes; i++)
		flush_node(view, view->graph->nodes[i]);
}

/* Consume what is pending for a node, which may add up to nothing. */
static void
flush_node(TvView *view, TvNode *node)
{
	List	   *inputs = NIL;
	Bitmapset  *changed = NULL;
	double	   *rows = palloc0(sizeof(double) * (view->graph->nsources + 1));
	List	   *consumed = NIL;
	List	   *stores = NIL;
	int			s = -1;
	ListCell   *lc;

	while ((s = bms_next_member(node->sources, s)) >= 0)
	{
		TvChanges  *changes = tv_changes_find(view->graph->sources[s]->relid);
		List	   *segments;
		bool		own;
		TvRowStore *store;

		if (changes == NULL)
			continue;
		segments = tv_changes_pending(changes, view->relid, node->id,
									  view->graph->sources[s]->columns);
		if (segments == NIL)
			continue;
		if (!tv_view_layout_equal(changes->layout, view->layouts[s]))
			ereport(ERROR,
					(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					 errmsg("could not maintain view \"%s\" because of concurrent DDL",
							get_rel_name(view->relid)),
					 errhint("Retry the transaction.")));
		consumed = list_concat(consumed, segments);
		store = tv_input_store(changes, segments, &own);
		if (own)
			stores = lappend(stores, store);
		if (store->nrows == 0)
			continue;
		inputs = tv_run_add_input(inputs, view->delta_names[s], view->layouts[s]->desc, store);
		changed = bms_add_member(changed, s);
		rows[s] = store->nrows;
	}
	if (changed != NULL)
	{
		tv_input_replace(view, node, inputs, changed, &stores);
		inputs = tv_presence_add_inputs(view, node, inputs, changed, &stores);
		flush_inputs(view, node, inputs, changed, rows);
	}
	tv_changes_consume(consumed, view->relid, node->id);
	foreach(lc, stores)
		tv_row_store_end(lfirst(lc));
}

/* inputs: the deltas of what changed; rows: their numbers, by source. */
static void
flush_inputs(TvView *view, TvNode *node, List *inputs, const Bitmapset *changed,
			 const double *rows)
{
	int			s = -1;
	TvNodeFlush flush = {0};
	MemoryContext oldcxt;

	flush.view = view;
	flush.node = node;
	flush.rt = tv_runtime_get(view, node);
	flush.activity = tv_activity_of(view->relid);
	flush.cxt = AllocSetContextCreate(CurrentMemoryContext, "pg_tviews node",
									  ALLOCSET_DEFAULT_SIZES);
	oldcxt = MemoryContextSwitchTo(flush.cxt);
	tv_explain_run_node_begin(view, node, changed, flush.activity);
	flush.activity->flushes += node->top;
	nflushed++;
	while ((s = bms_next_member(changed, s)) >= 0)
		flush.activity->delta_in += (int64) rows[s];
	open_output(&flush);
	run_node(&flush, inputs, changed, rows);
	if (flush.out)
		tv_changes_delivered(flush.out);
	tv_explain_run_node_end(view, node, flush.activity);
	MemoryContextSwitchTo(oldcxt);
	MemoryContextDelete(flush.cxt);
}

/*
 * An additive node's delta depends on the change alone, whoever looks at it.  That
 * of a node that is recomputed may have less than whole rows.
 */
void
tv_flush_run_delta(TvNodeFlush *flush, TvPlan *plan, List *inputs,
				   TvRowConsumer consumer, void *context)
{
	if (flush->node->additive)
		tv_run_plan(plan, inputs, GetActiveSnapshot(), consumer, context);
	else if (flush->node->recompute && !flush->node->top_rows)
		tv_isolation_run_touching(plan, inputs, flush->view->relid, consumer, context);
	else
		tv_isolation_run(plan, inputs, flush->view->relid, true, consumer, context);
}

/* Two runs under two snapshots compare whole rows, so they compute them. */
static TvPlanKind
delta_kind(const TvNodeRuntime *rt)
{
	return rt->key_saves && !IsolationUsesXactSnapshot() ? TV_PLAN_DELTA_KEYED : TV_PLAN_DELTA;
}

/* Compute the node's delta, then apply it. */
static void
run_node(TvNodeFlush *flush, List *inputs, const Bitmapset *changed, const double *rows)
{
	TvNode	   *node = flush->node;
	TvPlan	   *plan;

	if (node->kind == TV_NODE_RECURSIVE)
	{
		tv_apply_recursive(flush, inputs, changed, rows);
		return;
	}
	if (node->kind == TV_NODE_WHOLE)
	{
		tv_apply_whole(flush);
		return;
	}
	if (node->edges)
		tv_key_locks_join(flush, inputs, changed);
	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	plan = tv_plan_get(flush->view, node, delta_kind(flush->rt), changed, 0, rows);
	if (plan == NULL)
	{
		PopActiveSnapshot();
		return;
	}
	if (node->top_rows)
	{
		TvPartitionDelta delta = {flush, tv_top_rows_delta(flush), NULL};

		tv_flush_run_delta(flush, plan, inputs, tv_partitions_consume, &delta);
		if (delta.rows->nrows > 0)
		{
			/* which rows are kept depends on all that are there */
			tv_key_locks_node(flush);
			PopActiveSnapshot();
			PushActiveSnapshot(GetLatestSnapshot());
			if (delta.touched)
				tv_apply_partitions(flush, delta.touched);
			else
				tv_apply_top_rows(flush, delta.rows);
		}
	}
	else if (node->kind == TV_NODE_GROUP || node->kind == TV_NODE_PARTITION)
	{
		TvGroupTable *table = tv_groups_make(flush->rt, flush->cxt);
		TvPartitionDelta delta = {flush, NULL, NULL};

		if (node->suffix)
		{
			delta.rows = tv_suffix_delta(flush);
			tv_flush_run_delta(flush, plan, inputs, tv_partitions_consume, &delta);
			if (delta.touched)
				table = delta.touched;
			else
				tv_suffix_touched(delta.rows, table);
		}
		else
			tv_flush_run_delta(flush, plan, inputs, tv_groups_add, table);
		if (table->ngroups > 0 && (node->locks_groups || tv_groups_written_late(flush->rt)))
		{
			/* what is recomputed must be read after it is locked */
			tv_key_locks_groups(flush, table);
			PopActiveSnapshot();
			PushActiveSnapshot(GetLatestSnapshot());
		}
		if (table->ngroups > 0 && node->kind == TV_NODE_GROUP)
			tv_apply_groups(flush, table);
		else if (table->ngroups > 0 && node->suffix && delta.touched == NULL)
			tv_apply_suffixes(flush, delta.rows, table);
		else if (table->ngroups > 0)
			tv_apply_partitions(flush, table);
	}
	else
	{
		TvRowTable *table = tv_rows_delta(flush, plan, inputs);

		if (table == NULL)
		{
			plan = tv_plan_get(flush->view, node, TV_PLAN_DELTA, changed, 0, rows);
			table = tv_rows_delta(flush, plan, inputs);
		}
		tv_apply_rows(flush, table);
	}
	PopActiveSnapshot();
}

/* Find out who reads the node's output. */
static void
open_output(TvNodeFlush *flush)
{
	TvNode	   *node = flush->node;
	TvView	   *view = flush->view;

	if (node->top)
	{
		TvReaders  *readers = tv_view_readers(view->relid);

		flush->out_relid = view->relid;
		if (readers)
			flush->out = tv_changes_of(view->relid, readers->layout);
		if (node->kind == TV_NODE_GROUP && node->primary == TV_STORE_STATE)
		{
			flush->view_delta = tv_rows_make_sorted(node->out_desc,
													node->identity == TV_IDENTITY_BAG,
													node->nidentity, node->identity_attnos,
													flush->rt->identity_sort, flush->cxt);
			tv_rows_let_spill(flush->view_delta);
		}
		return;
	}
	flush->out_relid = node->state_relid;
	for (int i = 0; i < view->graph->nsources; i++)
	{
		if (view->graph->sources[i]->kind == TV_SOURCE_NODE &&
			view->graph->sources[i]->node == node->id)
			flush->out = tv_changes_of(node->state_relid, view->layouts[i]);
	}
}

void
tv_flush_emit(TvNodeFlush *flush, const Datum *values, const bool *nulls, int64 weight)
{
	const TvLayout *layout;
	Datum		row[MaxTupleAttributeNumber];
	bool		row_nulls[MaxTupleAttributeNumber];

	flush->activity->delta_out++;
	if (flush->out == NULL)
		return;
	layout = flush->out->layout;
	for (int i = 0; i < layout->natts; i++)
	{
		row[i] = values[layout->attnos[i] - 1];
		row_nulls[i] = nulls[layout->attnos[i] - 1];
	}
	tv_changes_add(flush->out, row, row_nulls, weight);
}

void
tv_flush_corrupt(TvNodeFlush *flush, const char *why)
{
	char	   *name = get_rel_name(flush->view->relid);

	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("materialized view \"%s\" does not hold what its query gives", name),
			 errdetail("%s", why),
			 errhint("See SELECT * FROM tview.check('%s'); REFRESH MATERIALIZED VIEW repairs the view.",
					 quote_identifier(name))));
	pg_unreachable();
}
