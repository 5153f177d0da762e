/*-------------------------------------------------------------------------
 *
 * delta/derive_recompute.c
 *	  Queries that compute a node's rows from its inputs as they are now.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"

#include "catalog/tv_state.h"
#include "delta/derive_internal.h"
#include "tv_compat.h"

static Query *grouped(const TvGraph *graph, const TvNode *node);
static Node *group_row_mutator(Node *node, void *context);
static Expr *acc_value(const TvAcc *acc);
static Expr *state_value(const TvNode *node, int column);

Query *
tv_derive_recompute(const TvGraph *graph, const TvNode *node,
					TvRecomputeScope scope, double rows)
{
	Query	   *query;
	ListCell   *lc;

	if (node->kind == TV_NODE_PARTITION)
		return tv_derive_partition(graph, node, scope, rows);
	if (node->kind == TV_NODE_RECURSIVE)
		return scope == TV_RECOMPUTE_ALL ? tv_derive_recursive(graph, node) :
			tv_derive_derivations(graph, node, scope, rows);
	if (node->kind == TV_NODE_WHOLE)
		return copyObject(node->definition);
	query = tv_derive_groups(graph, node);
	foreach(lc, node->aggs)
		tv_query_add_column(query, (Expr *) copyObject(((TvAgg *) lfirst(lc))->aggref), NULL);

	tv_query_restrict(query, node, scope, rows);
	return query;
}

Query *
tv_derive_groups(const TvGraph *graph, const TvNode *node)
{
	Query	   *query = grouped(graph, node);
	ListCell   *lc;

	for (int i = 0; i < node->nkeys; i++)
	{
		TargetEntry *tle;

		tv_query_add_column(query, (Expr *) makeVar(1, i + 1, node->keys[i].type,
													node->keys[i].typmod,
													node->keys[i].collation, 0), NULL);
		tle = llast_node(TargetEntry, query->targetList);
		tle->ressortgroupref = i + 1;
	}
	foreach(lc, node->accs)
		tv_query_add_column(query, acc_value(lfirst(lc)), NULL);
	return query;
}

Query *
tv_derive_output(const TvGraph *graph, const TvNode *node)
{
	Query	   *query;
	ListCell   *lc;

	if (node->kind == TV_NODE_LINEAR)
		return tv_query_input(graph, node);
	if (node->kind == TV_NODE_PARTITION)
		return tv_derive_partition(graph, node, TV_RECOMPUTE_ALL, 0);
	if (node->kind == TV_NODE_RECURSIVE)
		return tv_derive_recursive(graph, node);
	if (node->kind == TV_NODE_WHOLE)
		return copyObject(node->definition);

	query = grouped(graph, node);
	foreach(lc, node->out_exprs)
		tv_query_add_column(query, (Expr *) group_row_mutator(lfirst(lc), (void *) node), NULL);
	query->havingQual = group_row_mutator((Node *) node->having, (void *) node);

	/* keys that are no output columns */
	for (int i = 0; i < node->nkeys; i++)
	{
		TargetEntry *tle = makeTargetEntry((Expr *) makeVar(1, i + 1, node->keys[i].type,
															node->keys[i].typmod,
															node->keys[i].collation, 0),
										   list_length(query->targetList) + 1, NULL, true);

		tle->ressortgroupref = i + 1;
		query->targetList = lappend(query->targetList, tle);
	}
	return query;
}

Query *
tv_derive_state(const TvGraph *graph, const TvNode *node)
{
	Query	   *query;
	ListCell   *lc;

	if (node->kind != TV_NODE_GROUP)
		return tv_derive_output(graph, node);
	query = grouped(graph, node);
	foreach(lc, node->state_columns)
	{
		ColumnDef  *def = lfirst_node(ColumnDef, lc);

		tv_query_add_column(query, state_value(node, foreach_current_index(lc)), def->colname);
	}
	for (int i = 0; i < node->nkeys; i++)
	{
		TargetEntry *tle = makeTargetEntry((Expr *) makeVar(1, i + 1, node->keys[i].type,
															node->keys[i].typmod,
															node->keys[i].collation, 0),
										   list_length(query->targetList) + 1, NULL, true);

		tle->ressortgroupref = i + 1;
		query->targetList = lappend(query->targetList, tle);
	}
	/* groups that fail HAVING have no row when nothing is accumulated */
	if (node->recompute)
		query->havingQual = group_row_mutator((Node *) node->having, (void *) node);
	return query;
}

/* select ... from (input) group by keys; hasAggs is set */
static Query *
grouped(const TvGraph *graph, const TvNode *node)
{
	Query	   *query = tv_query_make();

	tv_query_add_rte(query, tv_query_subquery_rte(tv_query_input(graph, node), "input"));
	for (int i = 0; i < node->nkeys; i++)
	{
		SortGroupClause *clause = copyObject(node->keys[i].clause);

		clause->tleSortGroupRef = i + 1;
		clause->nulls_first = false;
		query->groupClause = lappend(query->groupClause, clause);
	}
	query->hasAggs = node->accs != NIL || node->aggs != NIL;
	return query;
}

/* Columns of the group row become keys and aggregates over the input. */
static Node *
group_row_mutator(Node *node, void *context)
{
	const TvNode *group = context;

	if (node == NULL)
		return NULL;
	if (IsA(node, Var))
	{
		Var		   *var = (Var *) node;

		if (var->varattno <= group->nkeys)
			return copyObject(node);
		return (Node *) copyObject(((TvAgg *) list_nth(group->aggs,
													   var->varattno - group->nkeys - 1))->aggref);
	}
	return expression_tree_mutator(node, group_row_mutator, context);
}

/* The aggregate that computes an accumulator's stored value. */
static Expr *
acc_value(const TvAcc *acc)
{
	Aggref	   *aggref = copyObject(acc->aggref);

	if (acc->kind == TV_ACC_TRANS)
	{
		aggref->aggfnoid = tv_state_find_aggregate(acc->aggfn);
		if (!OidIsValid(aggref->aggfnoid))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_FUNCTION),
					 errmsg("the state aggregate of %s is missing", format_procedure(acc->aggfn)),
					 errdetail("It was dropped, or the aggregate was replaced."),
					 errhint("REFRESH the maintained view.")));
		aggref->aggtype = acc->type;
		aggref->aggcollid = acc->collation;
	}
	return (Expr *) aggref;
}

static Expr *
state_value(const TvNode *node, int column)
{
	TvStateColumn *col = &node->state_roles[column];

	switch (col->role)
	{
		case TV_STATE_OUT:
			return (Expr *) group_row_mutator(list_nth(node->out_exprs, col->index - 1),
											  (void *) node);
		case TV_STATE_KEY:
			return (Expr *) makeVar(1, col->index + 1, node->keys[col->index].type,
									node->keys[col->index].typmod,
									node->keys[col->index].collation, 0);
		case TV_STATE_ACC:
			return acc_value(list_nth(node->accs, col->index));
	}
	return NULL;
}
