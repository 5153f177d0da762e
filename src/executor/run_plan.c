/*-------------------------------------------------------------------------
 *
 * executor/run_plan.c
 *	  Run a maintenance plan over ephemeral relations.
 *
 * The standard executor functions are called directly: maintenance is part of
 * the user's statement and is accounted for there, not as statements of its
 * own.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/executor.h"
#include "storage/lmgr.h"
#include "utils/memutils.h"

#include "delta/null_params.h"
#include "executor/direct.h"
#include "executor/explain_run.h"
#include "executor/input_scan.h"
#include "executor/run_plan.h"
#include "tv_compat.h"

typedef struct ConsumerReceiver
{
	DestReceiver pub;
	TvRowConsumer consumer;
	void	   *context;
} ConsumerReceiver;

static bool
receive(TupleTableSlot *slot, DestReceiver *self)
{
	ConsumerReceiver *receiver = (ConsumerReceiver *) self;

	receiver->consumer(slot, receiver->context);
	return true;
}

static void
startup(DestReceiver *self, int operation, TupleDesc desc)
{
}

static void
shutdown(DestReceiver *self)
{
}

void
tv_run_bind(QueryEnvironment *env, const char *name, TupleDesc desc, Tuplestorestate *store)
{
	EphemeralNamedRelation enr = palloc0(sizeof(EphemeralNamedRelationData));

	enr->md.name = pstrdup(name);
	enr->md.reliddesc = InvalidOid;
	enr->md.tupdesc = desc;
	enr->md.enrtype = ENR_NAMED_TUPLESTORE;
	enr->md.enrtuples = tuplestore_tuple_count(store);
	enr->reldata = store;
	register_ENR(env, enr);
}

List *
tv_run_add_input(List *inputs, const char *name, TupleDesc desc, TvRowStore *rows)
{
	TvInput    *input = palloc(sizeof(TvInput));

	input->name = name;
	input->desc = desc;
	input->rows = rows;
	return lappend(inputs, input);
}

TvInput *
tv_run_find_input(List *inputs, const char *name)
{
	ListCell   *lc;

	foreach(lc, inputs)
	{
		TvInput    *input = lfirst(lc);

		if (strcmp(input->name, name) == 0)
			return input;
	}
	elog(ERROR, "ephemeral relation \"%s\" is missing", name);
	return NULL;
}

static QueryEnvironment *
make_environment(List *inputs)
{
	QueryEnvironment *env = create_queryEnv();
	ListCell   *lc;

	foreach(lc, inputs)
	{
		TvInput    *input = lfirst(lc);

		tv_run_bind(env, input->name, input->desc, tv_row_store_tuplestore(input->rows));
	}
	return env;
}

/* Does an input stand for transition tables? */
static bool
has_lent(List *inputs)
{
	ListCell   *lc;

	foreach(lc, inputs)
		if (((TvInput *) lfirst(lc))->rows->transition)
		return true;
	return false;
}

/* The plan that reads such inputs. */
static PlannedStmt *
plan_in_place(TvPlan *plan, List *inputs)
{
	MemoryContext oldcxt;

	if (plan->in_place == NULL)
	{
		oldcxt = MemoryContextSwitchTo(GetMemoryChunkContext(plan->query));
		plan->in_place = tv_input_scan_plan(plan->stmt, inputs);
		MemoryContextSwitchTo(oldcxt);
	}
	return plan->in_place;
}

uint64
tv_run_plan(TvPlan *plan, List *inputs, Snapshot snapshot,
			TvRowConsumer consumer, void *context)
{
	ConsumerReceiver receiver = {{0}};
	QueryDesc  *desc;
	uint64		processed;
	bool		in_place;
	ListCell   *lc;

	if (tv_direct_run(plan, inputs, snapshot, consumer, context, &processed))
		return processed;

	receiver.pub.receiveSlot = receive;
	receiver.pub.rStartup = startup;
	receiver.pub.rShutdown = shutdown;
	receiver.pub.rDestroy = shutdown;
	receiver.pub.mydest = DestNone;
	receiver.consumer = consumer;
	receiver.context = context;

	foreach(lc, plan->stmt->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (rte->rtekind == RTE_RELATION)
			LockRelationOid(rte->relid, rte->rellockmode);
	}

	in_place = has_lent(inputs) && !tv_explain_run_instrument();
	desc = CreateQueryDesc(in_place ? plan_in_place(plan, inputs) : plan->stmt,
						   "maintenance of a view", snapshot, InvalidSnapshot, &receiver.pub,
						   tv_null_params(),
						   in_place ? tv_input_scan_environment(inputs) : make_environment(inputs),
						   tv_explain_run_instrument());
	standard_ExecutorStart(desc, EXEC_FLAG_SKIP_TRIGGERS);
	tv_compat_ExecutorRun(desc);
	processed = desc->estate->es_processed;
	standard_ExecutorFinish(desc);
	tv_explain_run_plan(plan, desc);
	standard_ExecutorEnd(desc);
	FreeQueryDesc(desc);
	return processed;
}
