/*-------------------------------------------------------------------------
 *
 * executor/input_scan.c
 *	  A plan node that reads the rows of a TvRowStore.
 *
 * The server's node for ephemeral relations reads tuplestores only.  Rows that
 * stand in transition tables would have to be copied for it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/extensible.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"

#include "executor/input_scan.h"

typedef struct InputScanState
{
	CustomScanState css;		/* must be first */
	TvRowCursor cursor;
	TupleTableSlot *slot;		/* for rows that are kept as minimal tuples */
} InputScanState;

static Node *create_state(CustomScan *scan);
static void begin_scan(CustomScanState *node, EState *estate, int eflags);
static TupleTableSlot *exec_scan(CustomScanState *node);
static void end_scan(CustomScanState *node);
static void rescan(CustomScanState *node);
static void replace_scans(Plan **plan, List *inputs);

static const CustomScanMethods scan_methods = {
	.CustomName = "pg_tviews input",
	.CreateCustomScanState = create_state
};

static const CustomExecMethods exec_methods = {
	.CustomName = "pg_tviews input",
	.BeginCustomScan = begin_scan,
	.ExecCustomScan = exec_scan,
	.EndCustomScan = end_scan,
	.ReScanCustomScan = rescan
};

QueryEnvironment *
tv_input_scan_environment(List *inputs)
{
	QueryEnvironment *env = create_queryEnv();
	ListCell   *lc;

	foreach(lc, inputs)
	{
		TvInput    *input = lfirst(lc);
		EphemeralNamedRelation enr = palloc0(sizeof(EphemeralNamedRelationData));

		enr->md.name = pstrdup(input->name);
		enr->md.tupdesc = input->desc;
		enr->md.enrtype = ENR_NAMED_TUPLESTORE;
		enr->md.enrtuples = input->rows->nrows;
		enr->reldata = input->rows;
		register_ENR(env, enr);
	}
	return env;
}

/* Columns of the row scanned, for expressions of a node without a relation. */
static Node *
refer_to_input(Node *node, Index *scanrelid)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Var) && ((Var *) node)->varno == *scanrelid)
	{
		Var		   *var = copyObject((Var *) node);

		var->varno = INDEX_VAR;
		return (Node *) var;
	}
	return expression_tree_mutator(node, refer_to_input, scanrelid);
}

static Plan *
make_scan(NamedTuplestoreScan *old, List *inputs)
{
	CustomScan *scan = makeNode(CustomScan);
	TupleDesc	desc = tv_run_find_input(inputs, old->enrname)->desc;
	Index		scanrelid = old->scan.scanrelid;

	scan->scan.plan = old->scan.plan;
	scan->scan.plan.type = T_CustomScan;
	scan->scan.plan.targetlist = (List *)
		refer_to_input((Node *) old->scan.plan.targetlist, &scanrelid);
	scan->scan.plan.qual = (List *) refer_to_input((Node *) old->scan.plan.qual, &scanrelid);
	scan->custom_private = list_make1(makeString(old->enrname));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		Var		   *var = makeVar(scanrelid, i + 1, att->atttypid, att->atttypmod,
								  att->attcollation, 0);

		scan->custom_scan_tlist = lappend(scan->custom_scan_tlist,
										  makeTargetEntry((Expr *) var, i + 1, NULL, false));
	}
	scan->methods = &scan_methods;
	return &scan->scan.plan;
}

static void
replace_in_list(List *plans, List *inputs)
{
	ListCell   *lc;

	foreach(lc, plans)
		replace_scans((Plan **) &lfirst(lc), inputs);
}

static void
replace_scans(Plan **plan, List *inputs)
{
	if (*plan == NULL)
		return;
	check_stack_depth();
	if (IsA(*plan, NamedTuplestoreScan))
	{
		*plan = make_scan((NamedTuplestoreScan *) *plan, inputs);
		return;
	}
	if (IsA(*plan, Append))
		replace_in_list(((Append *) *plan)->appendplans, inputs);
	else if (IsA(*plan, MergeAppend))
		replace_in_list(((MergeAppend *) *plan)->mergeplans, inputs);
	else if (IsA(*plan, SubqueryScan))
		replace_scans(&((SubqueryScan *) *plan)->subplan, inputs);
	replace_scans(&(*plan)->lefttree, inputs);
	replace_scans(&(*plan)->righttree, inputs);
}

PlannedStmt *
tv_input_scan_plan(PlannedStmt *stmt, List *inputs)
{
	PlannedStmt *copy = copyObject(stmt);

	replace_scans(&copy->planTree, inputs);
	replace_in_list(copy->subplans, inputs);
	return copy;
}

static Node *
create_state(CustomScan *scan)
{
	InputScanState *state = palloc0(sizeof(InputScanState));

	NodeSetTag(state, T_CustomScanState);
	state->css.methods = &exec_methods;
	return (Node *) state;
}

static void
begin_scan(CustomScanState *node, EState *estate, int eflags)
{
	InputScanState *state = (InputScanState *) node;
	CustomScan *scan = (CustomScan *) node->ss.ps.plan;
	EphemeralNamedRelation enr = get_ENR(estate->es_queryEnv,
										 strVal(linitial(scan->custom_private)));

	tv_row_store_begin(enr->reldata, &state->cursor, false);
	state->slot = MakeSingleTupleTableSlot(enr->md.tupdesc, &TTSOpsMinimalTuple);
}

/* The executor takes it for granted that this node's rows are virtual tuples. */
static TupleTableSlot *
next_row(ScanState *node)
{
	InputScanState *state = (InputScanState *) node;
	TupleTableSlot *slot = node->ss_ScanTupleSlot;
	TupleTableSlot *row = tv_row_store_fetch(&state->cursor, state->slot);

	if (row == NULL)
		return ExecClearTuple(slot);
	if (row != state->slot)
		return row;
	slot_getallattrs(row);
	ExecClearTuple(slot);
	memcpy(slot->tts_values, row->tts_values, sizeof(Datum) * row->tts_nvalid);
	memcpy(slot->tts_isnull, row->tts_isnull, sizeof(bool) * row->tts_nvalid);
	return ExecStoreVirtualTuple(slot);
}

static bool
recheck_row(ScanState *node, TupleTableSlot *slot)
{
	return true;
}

static TupleTableSlot *
exec_scan(CustomScanState *node)
{
	return ExecScan(&node->ss, next_row, recheck_row);
}

static void
end_scan(CustomScanState *node)
{
	InputScanState *state = (InputScanState *) node;

	tv_row_store_close(&state->cursor);
	ExecDropSingleTupleTableSlot(state->slot);
}

static void
rescan(CustomScanState *node)
{
	tv_row_store_rewind(&((InputScanState *) node)->cursor);
	ExecScanReScan(&node->ss);
}
