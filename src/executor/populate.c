/*-------------------------------------------------------------------------
 *
 * executor/populate.c
 *	  Fill the state tables of a view whose contents were just filled.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"

#include "executor/populate.h"
#include "executor/rights.h"
#include "executor/run_plan.h"
#include "executor/writer.h"

static void
insert_state_row(TupleTableSlot *slot, void *context)
{
	TvWriter   *writer = context;

	CHECK_FOR_INTERRUPTS();
	slot_getallattrs(slot);
	(void) tv_writer_insert(writer, slot->tts_values, slot->tts_isnull, false);
}

static void
populate_node(TvView *view, TvNode *node)
{
	TvPlan	   *plan;
	TvWriter   *writer;

	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	plan = tv_plan_get(view, node, TV_PLAN_STATE, NULL, 1e9);
	writer = tv_writer_open(tv_store_access(tv_runtime_get(view, node), TV_USE_STATE),
							GetActiveSnapshot());
	tv_run_plan(plan, create_queryEnv(), GetActiveSnapshot(), insert_state_row, writer);
	tv_writer_close(writer);
	PopActiveSnapshot();
	CommandCounterIncrement();
}

void
tv_populate_states(Oid relid)
{
	TvView	   *view = tv_view_lookup(relid);
	TvRights	rights;

	tv_rights_enter(&rights, view->owner, view->settings, true, true);
	PG_TRY();
	{
		for (int i = 0; i < view->graph->nnodes; i++)
			if (view->graph->nodes[i]->has_state)
				populate_node(view, view->graph->nodes[i]);
	}
	PG_CATCH();
	{
		SetUserIdAndSecContext(rights.userid, rights.sec_context);
		PG_RE_THROW();
	}
	PG_END_TRY();
	tv_rights_leave(&rights);
}
