/*-------------------------------------------------------------------------
 *
 * executor/apply_recursive.c
 *	  Follow a recursive query.
 *
 * Which rows a change leads to depends on all that are there: the node is locked,
 * and then everything is read under a snapshot that is newer than the lock.
 *
 * On the way, rows of the old recursion are joined with new rows of the other
 * inputs, and such a pair may be in neither state.  If the recursive term could
 * fail on it, and the change takes rows away and adds others, everything is
 * computed anew.  A change of one sign only makes no such pairs, as long as
 * there are no outer or anti joins.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "executor/apply_recursive.h"
#include "executor/isolation.h"
#include "executor/key_locks.h"

static bool may_fail(TvNodeFlush *flush, List *inputs);
static void follow(TvNodeFlush *flush, List *inputs, const Bitmapset *changed,
				   const double *rows);

void
tv_apply_recursive(TvNodeFlush *flush, List *inputs, const Bitmapset *changed,
				   const double *rows)
{
	tv_key_locks_node(flush);
	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	if (flush->node->recompute || may_fail(flush, inputs))
		tv_recompute_whole(flush);
	else
		follow(flush, inputs, changed, rows);
	PopActiveSnapshot();
}

/* Could an expression see a pair of rows that the query never does? */
static bool
may_fail(TvNodeFlush *flush, List *inputs)
{
	bool		signs[2] = {false, false};
	ListCell   *lc;

	if (!flush->node->may_fail)
		return false;
	if (flush->node->has_presence)
		return true;
	foreach(lc, inputs)
	{
		TvInput    *input = lfirst(lc);
		TupleTableSlot *slot = MakeSingleTupleTableSlot(input->desc, &TTSOpsMinimalTuple);
		TvRowCursor cursor;

		tv_row_store_begin(input->rows, &cursor, true);
		while (!(signs[0] && signs[1]) && tv_row_store_next(&cursor, slot))
		{
			CHECK_FOR_INTERRUPTS();
			slot_getallattrs(slot);
			signs[DatumGetInt64(slot->tts_values[input->desc->natts - 1]) > 0] = true;
		}
		tv_row_store_close(&cursor);
		ExecDropSingleTupleTableSlot(slot);
	}
	return signs[0] && signs[1];
}

/* ------------------------------------------------------------------------
 * By differences
 * ------------------------------------------------------------------------
 */

static void
follow(TvNodeFlush *flush, List *inputs, const Bitmapset *changed, const double *rows)
{
	TvNode	   *node = flush->node;
	TvView	   *view = flush->view;
	int			natts = node->out_desc->natts + 1;
	TvRecursion recursion = {flush};
	TvRecursion *r = &recursion;

	r->plan = tv_plan_get(view, node, TV_PLAN_DELTA, changed, 0, rows);
	if (r->plan == NULL)
		return;
	r->inputs = inputs;
	r->layout = view->layouts[node->self];
	r->self = bms_make_singleton(node->self);
	r->rows = palloc0(sizeof(double) * (view->graph->nsources + 1));
	r->values = palloc(sizeof(Datum) * natts);
	r->nulls = palloc(sizeof(bool) * natts);
	if (node->union_all)
		tv_follow_iterations(r);
	else
		tv_follow_closure(r);
}

TvRowStore *
tv_recursion_frontier(void)
{
	return tv_row_store_make(CurrentResourceOwner);
}

void
tv_recursion_put(TvRecursion *r, TvRowStore *frontier, MinimalTuple row, int64 weight)
{
	TupleDesc	desc = r->flush->node->out_desc;

	tv_minimal_deform(row, desc, r->values, r->nulls);
	r->values[desc->natts] = Int64GetDatum(weight);
	r->nulls[desc->natts] = false;
	tv_row_store_put(frontier, r->layout->desc, r->values, r->nulls);
}

void
tv_recursion_step(TvRecursion *r, TvRowStore *frontier, TvRowConsumer consumer, void *context)
{
	TvView	   *view = r->flush->view;
	TvNode	   *node = r->flush->node;
	TvPlan	   *plan;

	r->rows[node->self] = frontier->nrows;
	plan = tv_plan_get(view, node, TV_PLAN_DELTA, r->self, 0, r->rows);
	if (plan)
		tv_isolation_run(plan, tv_run_add_input(NIL, view->delta_names[node->self],
												r->layout->desc, frontier),
						 view->relid, true, consumer, context);
}
