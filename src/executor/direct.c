/*-------------------------------------------------------------------------
 *
 * executor/direct.c
 *	  Run a delta query over nothing but one delta without the executor.
 *
 * The delta of a node over one table is select exprs, weight from delta where
 * quals.  Starting the executor for the one row of an everyday statement costs
 * more than everything else, so such a query is compiled to expressions once,
 * which live with the plan.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "utils/memutils.h"

#include "executor/direct.h"
#include "executor/explain_run.h"

struct TvDirect
{
	char	   *name;			/* of the delta */
	ExprContext *econtext;
	TupleTableSlot *input;
	ExprState  *qual;
	ProjectionInfo *projection;
};

static bool
is_direct(Query *query)
{
	RangeTblEntry *rte;

	if (list_length(query->rtable) != 1 || query->setOperations || query->hasAggs ||
		query->groupClause || query->limitOffset)
		return false;
	rte = linitial_node(RangeTblEntry, query->rtable);
	return rte->rtekind == RTE_NAMEDTUPLESTORE;
}

/* Compile the query's expressions; in the plan's context. */
static struct TvDirect *
make_direct(TvPlan *plan, TupleDesc desc)
{
	MemoryContext oldcxt = MemoryContextSwitchTo(GetMemoryChunkContext(plan->query));
	struct TvDirect *direct = palloc0(sizeof(struct TvDirect));
	Query	   *query = copyObject(plan->query);
	List	   *quals = make_ands_implicit((Expr *) query->jointree->quals);
	ListCell   *lc;

	direct->name = linitial_node(RangeTblEntry, query->rtable)->enrname;
	direct->econtext = CreateStandaloneExprContext();
	direct->input = MakeSingleTupleTableSlot(CreateTupleDescCopy(desc), &TTSOpsMinimalTuple);
	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		tle->expr = expression_planner(tle->expr);
	}
	direct->qual = ExecInitQual((List *) expression_planner((Expr *) quals), NULL);
	direct->projection = ExecBuildProjectionInfo(query->targetList, direct->econtext,
												 MakeSingleTupleTableSlot(CreateTupleDescCopy(plan->desc),
																		  &TTSOpsVirtual),
												 NULL, direct->input->tts_tupleDescriptor);
	MemoryContextSwitchTo(oldcxt);
	return direct;
}

bool
tv_direct_run(TvPlan *plan, QueryEnvironment *env, TvRowConsumer consumer, void *context)
{
	struct TvDirect *direct = plan->direct;
	EphemeralNamedRelation enr;
	Tuplestorestate *store;
	ExprContext *econtext;

	if (tv_explain_run_instrument() || !is_direct(plan->query))
		return false;
	if (direct == NULL)
	{
		enr = get_ENR(env, linitial_node(RangeTblEntry, plan->query->rtable)->enrname);
		direct = plan->direct = make_direct(plan, enr->md.tupdesc);
	}
	enr = get_ENR(env, direct->name);
	store = enr->reldata;
	econtext = direct->econtext;

	/* a run that an error cut short left a tuple whose memory is gone */
	direct->input->tts_flags &= ~TTS_FLAG_SHOULDFREE;
	ExecClearTuple(direct->input);

	tuplestore_select_read_pointer(store, 0);
	tuplestore_rescan(store);
	while (tuplestore_gettupleslot(store, true, false, direct->input))
	{
		CHECK_FOR_INTERRUPTS();
		econtext->ecxt_scantuple = direct->input;
		if (ExecQual(direct->qual, econtext))
			consumer(ExecProject(direct->projection), context);
		ResetExprContext(econtext);
	}
	ExecClearTuple(direct->input);
	return true;
}
