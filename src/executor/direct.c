/*-------------------------------------------------------------------------
 *
 * executor/direct.c
 *	  Compile simple maintenance plans, to be run without the executor.
 *
 * For the one row of an everyday statement, starting the executor and ending
 * it costs more than all it does in between, and its state cannot be kept from
 * one transaction to the next, for it holds relations open.  Maintenance plans
 * for few rows are nearly always of few kinds of nodes.  Of these the
 * expressions, slots and scan keys are made once and live with the plan.
 *
 * A plan node means here what it means in src/backend/executor.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_am.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "delta/null_params.h"
#include "executor/direct_internal.h"
#include "executor/explain_run.h"
#include "tv_compat.h"

static TvDirectNode *make_node(TvDirect *direct, PlannedStmt *stmt, Plan *plan);
static bool make_index_scan(TvDirectNode *node, PlannedStmt *stmt, IndexScan *plan);
static void set_projection(TvDirectNode *node, Plan *plan, Index scanrelid);

TvDirect *
tv_direct_make(TvPlan *plan, List *inputs, MemoryContext parent)
{
	MemoryContext cxt;
	MemoryContext oldcxt;
	PlannedStmt *stmt = plan->stmt;
	TvDirect   *direct;
	ListCell   *lc;

	if (stmt->commandType != CMD_SELECT || stmt->subplans != NIL || stmt->rowMarks != NIL)
		return NULL;
	foreach(lc, stmt->planTree->targetlist)
		if (lfirst_node(TargetEntry, lc)->resjunk)
		return NULL;

	cxt = AllocSetContextCreate(parent, "pg_tviews direct plan", ALLOCSET_SMALL_SIZES);
	oldcxt = MemoryContextSwitchTo(cxt);
	direct = palloc0(sizeof(TvDirect));
	direct->cxt = cxt;
	direct->inputs = inputs;
	direct->locked = plan->locked;
	direct->params = palloc0(sizeof(ParamExecData) * (list_length(stmt->paramExecTypes) + 1));
	direct->top = make_node(direct, stmt, stmt->planTree);
	if (direct->top)
		direct->run_cxt = AllocSetContextCreate(cxt, "pg_tviews direct run", ALLOCSET_SMALL_SIZES);
	MemoryContextSwitchTo(oldcxt);
	if (direct->top == NULL)
	{
		MemoryContextDelete(cxt);
		return NULL;
	}
	return direct;
}

static ExprContext *
make_econtext(TvDirect *direct)
{
	ExprContext *econtext = CreateStandaloneExprContext();

	econtext->ecxt_param_exec_vals = direct->params;
	econtext->ecxt_param_list_info = tv_null_params();
	return econtext;
}

/* Make the children; false if one of them is not simple. */
static bool
make_children(TvDirectNode *node, PlannedStmt *stmt, List *plans)
{
	ListCell   *lc;

	node->children = palloc0(sizeof(TvDirectNode *) * (list_length(plans) + 1));
	foreach(lc, plans)
	{
		TvDirectNode *child = make_node(node->direct, stmt, lfirst(lc));

		if (child == NULL)
			return false;
		node->children[node->nchildren++] = child;
	}
	return true;
}

/* The row is made by another node, or kept as a minimal tuple. */
static TupleTableSlot *
make_slot(List *targetlist, const TupleTableSlotOps *ops)
{
	return MakeSingleTupleTableSlot(ExecTypeFromTL(targetlist), ops);
}

/* Is the row scanned, as it is, the node's result? */
static bool
is_whole_row(List *targetlist, TupleDesc desc, Index scanrelid)
{
	ListCell   *lc;

	if (list_length(targetlist) != desc->natts)
		return false;
	foreach(lc, targetlist)
	{
		Var		   *var = (Var *) lfirst_node(TargetEntry, lc)->expr;
		int			i = foreach_current_index(lc);

		if (!IsA(var, Var) || var->varno != scanrelid || var->varattno != i + 1 ||
			TupleDescAttr(desc, i)->attisdropped)
			return false;
	}
	return true;
}

/* scanrelid: of the row in node->slot; 0: the inputs are rows of other nodes. */
static void
set_projection(TvDirectNode *node, Plan *plan, Index scanrelid)
{
	TupleDesc	desc = scanrelid > 0 ? node->slot->tts_tupleDescriptor : NULL;

	node->qual = ExecInitQual(plan->qual, NULL);
	if (scanrelid > 0 && is_whole_row(plan->targetlist, desc, scanrelid))
		return;
	node->projection = ExecBuildProjectionInfo(plan->targetlist, node->econtext,
											   make_slot(plan->targetlist, &TTSOpsVirtual),
											   NULL, desc);
}

static TupleTableSlot *
make_table_slot(TvDirectNode *node, PlannedStmt *stmt, Index scanrelid)
{
	RangeTblEntry *rte = list_nth_node(RangeTblEntry, stmt->rtable, scanrelid - 1);
	Relation	rel;
	TupleTableSlot *slot;

	node->relid = rte->relid;
	node->lockmode = rte->rellockmode;
	node->locked = list_member_oid(node->direct->locked, rte->relid);
	rel = table_open(rte->relid, rte->rellockmode);
	node->heap = rel->rd_tableam == GetHeapamTableAmRoutine();
	/* with the values of columns that were added after rows were stored */
	slot = MakeSingleTupleTableSlot(CreateTupleDescCopyConstr(RelationGetDescr(rel)),
									table_slot_callbacks(rel));
	table_close(rel, NoLock);
	return slot;
}

static bool
make_nest_loop(TvDirectNode *node, PlannedStmt *stmt, NestLoop *plan)
{
	node->kind = TV_DIRECT_NEST_LOOP;
	node->jointype = plan->join.jointype;
	if (node->jointype != JOIN_INNER && node->jointype != JOIN_LEFT &&
		node->jointype != JOIN_SEMI && node->jointype != JOIN_ANTI)
		return false;
	if (!make_children(node, stmt, list_make2(outerPlan(plan), innerPlan(plan))))
		return false;
	node->single_match = plan->join.inner_unique || node->jointype == JOIN_SEMI;
	node->joinqual = ExecInitQual(plan->join.joinqual, NULL);
	node->params = plan->nestParams;
	node->null_slot = make_slot(innerPlan(plan)->targetlist, &TTSOpsVirtual);
	ExecStoreAllNullTuple(node->null_slot);
	set_projection(node, &plan->join.plan, 0);
	return true;
}

/* Nodes that read the same relation need cursors of their own. */
static void
note_input_scan(TvDirectNode *node)
{
	ListCell   *lc;

	foreach(lc, node->direct->input_scans)
	{
		TvDirectNode *other = lfirst(lc);

		if (strcmp(other->name, node->name) == 0)
			other->shared = node->shared = true;
	}
	node->direct->input_scans = lappend(node->direct->input_scans, node);
}

static bool
make_scan(TvDirectNode *node, PlannedStmt *stmt, Plan *plan)
{
	Index		scanrelid = ((Scan *) plan)->scanrelid;

	switch (nodeTag(plan))
	{
		case T_NamedTuplestoreScan:
			node->kind = TV_DIRECT_INPUT_SCAN;
			node->name = ((NamedTuplestoreScan *) plan)->enrname;
			node->slot = MakeSingleTupleTableSlot(CreateTupleDescCopy(tv_run_find_input(node->direct->inputs, node->name)->desc),
												  &TTSOpsMinimalTuple);
			note_input_scan(node);
			break;
		case T_SeqScan:
			node->kind = TV_DIRECT_TABLE_SCAN;
			node->slot = make_table_slot(node, stmt, scanrelid);
			break;
		case T_SubqueryScan:
			node->kind = TV_DIRECT_SUBQUERY_SCAN;
			if (!make_children(node, stmt, list_make1(((SubqueryScan *) plan)->subplan)))
				return false;
			node->slot = make_slot(((SubqueryScan *) plan)->subplan->targetlist, &TTSOpsVirtual);
			break;
		case T_IndexScan:
			if (!make_index_scan(node, stmt, (IndexScan *) plan))
				return false;
			break;
		default:
			return false;
	}
	set_projection(node, plan, scanrelid);
	return true;
}

/* Is a row with these keys the only one? */
static bool
is_unique(TvDirectNode *node, Relation index)
{
	Form_pg_index form = index->rd_index;

	if (index->rd_rel->relam != BTREE_AM_OID || node->nscankeys != form->indnkeyatts ||
		!form->indisunique || !form->indimmediate || !form->indisvalid ||
		!heap_attisnull(index->rd_indextuple, Anum_pg_index_indexprs, NULL) ||
		!heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL))
		return false;
	for (int i = 0; i < node->nscankeys; i++)
		if (node->scankeys[i].sk_attno != i + 1 || (node->scankeys[i].sk_flags & ~SK_ISNULL) ||
			node->scankeys[i].sk_strategy != BTEqualStrategyNumber)
			return false;
	return true;
}

static void
note_unique_key(TvDirectNode *node, Relation index)
{
	if (!node->heap || !is_unique(node, index))
		return;
	node->unique = palloc(sizeof(AttrNumber) * (node->nscankeys + 1));
	node->passing = palloc(sizeof(TvKeyPassing) * (node->nscankeys + 1));
	for (int i = 0; i < node->nscankeys; i++)
	{
		Oid			type = node->scankeys[i].sk_subtype;

		node->unique[i] = index->rd_index->indkey.values[i];
		get_typlenbyval(OidIsValid(type) ? type : index->rd_opcintype[i],
						&node->passing[i].typlen, &node->passing[i].typbyval);
	}
}

static bool
make_index_scan(TvDirectNode *node, PlannedStmt *stmt, IndexScan *plan)
{
	IndexArrayKeyInfo *array_keys = NULL;
	int			narray_keys = 0;
	Relation	index;

	if (plan->indexorderby != NIL)
		return false;
	node->kind = TV_DIRECT_INDEX_SCAN;
	node->slot = make_table_slot(node, stmt, plan->scan.scanrelid);
	node->further = make_table_slot(node, stmt, plan->scan.scanrelid);
	node->indexid = plan->indexid;
	node->direction = plan->indexorderdir;
	index = index_open(plan->indexid, node->lockmode);
	ExecIndexBuildScanKeys(NULL, index, plan->indexqual, false,
						   &node->scankeys, &node->nscankeys,
						   &node->runtime_keys, &node->nruntime_keys,
						   &array_keys, &narray_keys);
	note_unique_key(node, index);
	index_close(index, NoLock);
	node->recheck = ExecInitQual(plan->indexqualorig, NULL);
	node->runtime_econtext = make_econtext(node->direct);
	node->last_keys = palloc0(sizeof(NullableDatum) * (node->nruntime_keys + 1));
	node->by_value = true;
	for (int i = 0; i < node->nruntime_keys; i++)
		node->by_value &= get_typbyval(exprType((Node *) node->runtime_keys[i].key_expr->expr));
	return narray_keys == 0;
}

static TvDirectNode *
make_node(TvDirect *direct, PlannedStmt *stmt, Plan *plan)
{
	TvDirectNode *node = palloc0(sizeof(TvDirectNode));
	bool		ok;

	check_stack_depth();
	node->direct = direct;
	node->econtext = make_econtext(direct);
	switch (nodeTag(plan))
	{
		case T_Result:
			node->kind = TV_DIRECT_RESULT;
			ok = ((Result *) plan)->resconstantqual == NULL &&
				make_children(node, stmt, outerPlan(plan) ? list_make1(outerPlan(plan)) : NIL);
			if (ok)
				set_projection(node, plan, 0);
			break;
		case T_Append:
			node->kind = TV_DIRECT_APPEND;
			ok = !TV_APPEND_PRUNES((Append *) plan) && plan->qual == NIL &&
				make_children(node, stmt, ((Append *) plan)->appendplans);
			break;
		case T_Material:
			node->kind = TV_DIRECT_MATERIAL;
			node->keeps = bms_is_empty(outerPlan(plan)->extParam);
			node->slot = make_slot(plan->targetlist, &TTSOpsMinimalTuple);
			ok = make_children(node, stmt, list_make1(outerPlan(plan)));
			break;
		case T_NestLoop:
			ok = make_nest_loop(node, stmt, (NestLoop *) plan);
			break;
		case T_NamedTuplestoreScan:
		case T_SeqScan:
		case T_IndexScan:
		case T_SubqueryScan:
			ok = make_scan(node, stmt, plan);
			break;
		default:
			ok = false;
	}
	return ok ? node : NULL;
}

/*
 * A run that an error cut short left slots and scans that are not to be
 * trusted: the plan is compiled anew.
 */
bool
tv_direct_run(TvPlan *plan, List *inputs, Snapshot snapshot,
			  TvRowConsumer consumer, void *context, uint64 *processed)
{
	TvDirect   *direct = plan->direct;
	TupleTableSlot *slot;

	if (!plan->simple || tv_explain_run_instrument())
		return false;
	if (direct && direct->running)
	{
		MemoryContextDelete(direct->cxt);
		direct = plan->direct = NULL;
	}
	if (direct == NULL)
	{
		direct = plan->direct = tv_direct_make(plan, inputs,
											   GetMemoryChunkContext(plan->query));
		if (direct == NULL)
		{
			plan->simple = false;
			return false;
		}
	}

	*processed = 0;
	direct->inputs = inputs;
	direct->snapshot = snapshot;
	direct->running = true;
	tv_direct_begin(direct->top);
	for (;;)
	{
		slot = tv_direct_next(direct->top);
		if (TupIsNull(slot))
			break;
		consumer(slot, context);
		(*processed)++;
	}
	tv_direct_end(direct->top);
	MemoryContextReset(direct->run_cxt);
	direct->running = false;
	return true;
}
