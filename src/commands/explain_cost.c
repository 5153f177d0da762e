/*-------------------------------------------------------------------------
 *
 * commands/explain_cost.c
 *	  What tview.explain() foretells of a node's cost: plans for one changed row.
 *
 * The planner's estimate is that of the plan for one row of delta, or for one
 * group that is recomputed.  Of a query without a view, state tables do not
 * exist: a leaf over a node below is planned as a single row that is at hand,
 * and a look-up in an index is added, which is what it will be if the quals
 * equate its whole key.  If they do not, its number of rows is not known, and
 * no figure is given.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/nodeFuncs.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/ruleutils.h"

#include "commands/explain_cost.h"
#include "commands/view_build.h"
#include "delta/lookup_index.h"
#include "planner/plan_query.h"

/* One look-up in an index: a page of it and a page of the table. */
#define LOOKUP_COST (2 * random_page_cost)

static bool found_by_key(const TvGraph *graph, const TvBranch *branch, int leaf,
						 const TvNode *node);
static bool is_constant(const TvNode *node, int column);
static int	count_stand_ins(const TvGraph *graph, const TvNode *node, int source, bool *by_key);
static char *cost_text(Query *query, int lookups);
static char *index_text(const TvGraph *graph, const TvMissingIndex *index);

void
tv_explain_cost_stand_in(TvGraph *graph)
{
	for (int i = 0; i < graph->nnodes; i++)
	{
		ListCell   *lb;
		ListCell   *ll;

		foreach(lb, graph->nodes[i]->branches)
		{
			foreach(ll, ((TvBranch *) lfirst(lb))->leaves)
			{
				TvLeaf	   *leaf = lfirst(ll);
				TvSource   *source = leaf->source >= 0 ? graph->sources[leaf->source] : NULL;
				TupleDesc	desc;

				if (source == NULL || source->kind != TV_SOURCE_NODE ||
					leaf->rte->rtekind != RTE_RELATION)
					continue;
				desc = graph->nodes[source->node]->out_desc;
				leaf->rte->rtekind = RTE_NAMEDTUPLESTORE;
				leaf->rte->enrname = pstrdup(leaf->rte->eref->aliasname);
				leaf->rte->enrtuples = 1;
				for (int a = 0; a < desc->natts; a++)
				{
					Form_pg_attribute att = TupleDescAttr(desc, a);

					leaf->rte->coltypes = lappend_oid(leaf->rte->coltypes, att->atttypid);
					leaf->rte->coltypmods = lappend_int(leaf->rte->coltypmods, att->atttypmod);
					leaf->rte->colcollations = lappend_oid(leaf->rte->colcollations,
														   att->attcollation);
				}
			}
		}
	}
}

char *
tv_explain_cost_delta(const TvGraph *graph, const TvNode *node, int source, TvLayout **layouts)
{
	bool		by_key = true;
	int			lookups = count_stand_ins(graph, node, source, &by_key);
	Query	   *query;

	if (!by_key)
		return pstrdup("unknown: rows of a node below are not found by its whole key");
	query = tv_derive_delta(graph, node, bms_make_singleton(source), layouts, NULL);
	return query ? cost_text(query, lookups) : NULL;
}

char *
tv_explain_cost_group(const TvGraph *graph, const TvNode *node)
{
	bool		by_key = true;
	ListCell   *lc;
	bool		rescans = node->recompute;

	foreach(lc, node->accs)
		rescans |= ((TvAcc *) lfirst(lc))->kind == TV_ACC_EXTREME;
	if (!rescans)
		return NULL;
	if (count_stand_ins(graph, node, -1, &by_key) > 0)
		return pstrdup("unknown: it is computed from rows of a node below");
	return cost_text(tv_derive_recompute(graph, node, node->nkeys > 0 ? TV_RECOMPUTE_KEYS :
										 TV_RECOMPUTE_ALL, 1), 0);
}

List *
tv_explain_missing_indexes(const TvGraph *graph, const TvNode *node)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, tv_missing_indexes(graph, node))
		result = lappend(result, index_text(graph, lfirst(lc)));
	return result;
}

/*
 * How many leaves stand in for state tables in the branches that a change of
 * the source (-1: a recompute) is joined with.
 */
static int
count_stand_ins(const TvGraph *graph, const TvNode *node, int source, bool *by_key)
{
	int			n = 0;
	ListCell   *lb;
	ListCell   *ll;

	foreach(lb, node->branches)
	{
		TvBranch   *branch = lfirst(lb);
		bool		reads = source < 0;

		foreach(ll, branch->leaves)
			reads |= ((TvLeaf *) lfirst(ll))->source == source;
		if (!reads)
			continue;
		foreach(ll, branch->leaves)
		{
			TvLeaf	   *leaf = lfirst(ll);

			if (leaf->rte->rtekind != RTE_NAMEDTUPLESTORE || leaf->source == source)
				continue;
			n++;
			*by_key &= found_by_key(graph, branch, foreach_current_index(ll),
									graph->nodes[graph->sources[leaf->source]->node]);
		}
	}
	return n;
}

/* Do quals equate all columns of the node's key with other leaves or constants? */
static bool
found_by_key(const TvGraph *graph, const TvBranch *branch, int leaf, const TvNode *node)
{
	Bitmapset  *equated = NULL;
	ListCell   *lc;

	if (node->kind != TV_NODE_GROUP)
		return false;
	foreach(lc, tv_branch_quals(branch))
	{
		OpExpr	   *op = lfirst(lc);

		if (!IsA(op, OpExpr) || list_length(op->args) != 2 || get_mergejoin_opfamilies(op->opno) == NIL)
			continue;
		for (int side = 0; side < 2; side++)
		{
			Var		   *var = list_nth(op->args, side);
			Node	   *other = list_nth(op->args, 1 - side);

			if (IsA(var, Var) && var->varno == leaf + 1 &&
				!bms_is_member(leaf + 1, pull_varnos(NULL, other)))
				equated = bms_add_member(equated, var->varattno);
		}
	}
	for (int i = 0; i < node->nkeys; i++)
		if (!bms_is_member(i + 1, equated) && !is_constant(node, i))
			return false;
	return true;
}

/* Is a column of the node's input the same constant in all rows? */
static bool
is_constant(const TvNode *node, int column)
{
	Node	   *first = list_nth(((TvBranch *) linitial(node->branches))->exprs, column);
	ListCell   *lc;

	foreach(lc, node->branches)
		if (!equal(list_nth(((TvBranch *) lfirst(lc))->exprs, column), first))
		return false;
	return IsA(first, Const);
}

/* A graph has many plans, and planning a join of many tables takes much memory. */
static char *
cost_text(Query *query, int lookups)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "pg_tviews estimate",
											  ALLOCSET_DEFAULT_SIZES);
	MemoryContext oldcxt = MemoryContextSwitchTo(cxt);
	Plan	   *plan = tv_plan_query(query, NIL, true, false)->planTree;
	Cost		cost = plan->total_cost + lookups * LOOKUP_COST;
	double		rows = plan->plan_rows;

	MemoryContextSwitchTo(oldcxt);
	MemoryContextDelete(cxt);
	return psprintf("%.2f for about %.0f %s", cost, rows, rows < 1.5 ? "row" : "rows");
}

static char *
index_text(const TvGraph *graph, const TvMissingIndex *index)
{
	List	   *context = deparse_context_for(get_rel_name(index->relid), index->relid);
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	appendStringInfo(&text, "on %s (", tv_view_name(index->relid));
	foreach(lc, index->exprs)
	{
		Node	   *expr = lfirst(lc);
		bool		bare = IsA(expr, Var) ||
		(IsA(expr, FuncExpr) && ((FuncExpr *) expr)->funcformat == COERCE_EXPLICIT_CALL);

		/* casts as well, without which it would be another index */
		appendStringInfo(&text, bare ? "%s%s" : "%s(%s)",
						 foreach_current_index(lc) > 0 ? ", " : "",
						 deparse_expression(expr, context, false, true));
	}
	appendStringInfoChar(&text, ')');
	if (index->source < 0)
		appendStringInfoString(&text, ", for groups that are computed anew");
	else if (graph->sources[index->source]->kind == TV_SOURCE_NODE)
		appendStringInfo(&text, ", for changes of node %d", graph->sources[index->source]->node);
	else
		appendStringInfo(&text, ", for changes of %s",
						 tv_view_name(graph->sources[index->source]->relid));
	return text.data;
}
