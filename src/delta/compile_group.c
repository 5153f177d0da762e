/*-------------------------------------------------------------------------
 *
 * delta/compile_group.c
 *	  Make a node of GROUP BY or a scalar aggregate.
 *
 * The node's input row is (group keys, arguments of aggregates, filters).  Its
 * group row is (group keys, results of aggregates); output columns and HAVING
 * are expressions over the group row.
 *
 * A column that depends functionally on the grouping columns (GROUP BY a
 * primary key) is taken as one more key: the groups are the same.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_aggregate.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "parser/parse_oper.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "delta/compile_internal.h"

typedef struct GroupContext
{
	TvCompiler *c;
	TvNode	   *node;
	List	   *in_exprs;		/* input row, over the query's Vars */
	List	   *key_exprs;		/* grouping columns, over the query's Vars */
	List	   *clauses;		/* their SortGroupClauses */
	List	   *aggrefs;		/* as found in the query */
	List	   *out;			/* output columns, over the query's Vars */
	List	   *names;			/* theirs */
	int			depth;			/* of the walk, in subqueries */
} GroupContext;

static bool collect_keys(GroupContext *g, Query *query, List *corr);
static bool take_keys(GroupContext *g);
static void choose_aggregates(GroupContext *g, List *aggrefs);
static void make_branches(GroupContext *g, TvDistinct *distinct, List *partials);
static void add_key(GroupContext *g, Expr *expr, SortGroupClause *clause);
static bool collect_walker(Node *node, GroupContext *g);
static Node *group_row_mutator(Node *node, GroupContext *g);
static int	input_column(GroupContext *g, Expr *expr);
static Aggref *map_aggref(GroupContext *g, const Aggref *aggref);
static void add_aggregate(GroupContext *g, const Aggref *aggref);
static void add_transition(GroupContext *g, TvAgg *agg, const Aggref *aggref, List *args,
						   AttrNumber filter, AttrNumber arg, Oid argtype);
static int	add_acc(TvNode *node, TvAccKind kind, List *args, AttrNumber filter,
					Aggref *aggref);
static Aggref *make_count(TvNode *node, AttrNumber arg, Oid argtype, AttrNumber filter);
static void output_group_row(TvNode *node);

TvNode *
tv_compile_group(TvCompiler *c, Query *query, List *partials, List *corr, bool top)
{
	GroupContext context = {0};
	GroupContext *g = &context;
	TvNode	   *node = tv_compile_make_node(TV_NODE_GROUP, top);
	TvDistinct *distinct;

	g->c = c;
	g->node = node;
	if (!collect_keys(g, query, corr) || !take_keys(g))
		return node;
	distinct = tv_distinct_plan(c, g->aggrefs);
	choose_aggregates(g, distinct ? distinct->aggrefs : g->aggrefs);

	node->out_exprs = (List *) group_row_mutator((Node *) g->out, g);
	node->having = query->havingQual ?
		(Expr *) group_row_mutator(query->havingQual, g) : NULL;
	if (node->having && IsA(node->having, List))
		node->having = make_ands_explicit((List *) node->having);

	/* subqueries are put in by who reads the group row */
	if (checkExprHasSubLink((Node *) node->out_exprs) ||
		checkExprHasSubLink((Node *) node->having))
		top = node->top = false;

	make_branches(g, distinct, partials);
	/* after the nodes of subqueries in its input */
	tv_compile_put_node(c, node);
	node->in_desc = tv_compile_desc(g->in_exprs, NIL);
	if (top)
		node->out_desc = tv_compile_desc(g->out, g->names);
	else
		output_group_row(node);
	tv_compile_sources_of(c, node);
	return node;
}

/* Keys, output columns and aggregates, as the query has them. */
static bool
collect_keys(GroupContext *g, Query *query, List *corr)
{
	SortGroupClause *clause;
	TargetEntry *tle;
	ListCell   *lc;

	foreach(lc, corr)
	{
		if (!tv_compile_sort_clause(g->c, exprType(lfirst(lc)), &clause))
			return false;
		add_key(g, lfirst(lc), clause);
		g->out = lappend(g->out, lfirst(lc));
		g->names = lappend(g->names, makeString("corr"));
	}
	foreach(lc, query->groupClause)
	{
		clause = lfirst_node(SortGroupClause, lc);
		tle = get_sortgroupclause_tle(clause, query->targetList);
		add_key(g, tle->expr, clause);
	}
	foreach(lc, query->targetList)
	{
		tle = lfirst_node(TargetEntry, lc);
		if (tle->resjunk)
			continue;
		g->out = lappend(g->out, tle->expr);
		g->names = lappend(g->names, makeString(tle->resname ? tle->resname : "?column?"));
	}

	/* aggregates, and columns that depend on the keys */
	collect_walker((Node *) g->out, g);
	collect_walker(query->havingQual, g);
	return g->c->refusal == NULL;
}

/* The node's keys; its input row begins with them. */
static bool
take_keys(GroupContext *g)
{
	TvNode	   *node = g->node;

	node->nkeys = list_length(g->key_exprs);
	node->keys = palloc0(sizeof(TvKey) * (node->nkeys + 1));
	for (int i = 0; i < node->nkeys; i++)
	{
		Node	   *expr = list_nth(g->key_exprs, i);

		node->keys[i].clause = copyObject(list_nth(g->clauses, i));
		node->keys[i].type = exprType(expr);
		node->keys[i].typmod = exprTypmod(expr);
		node->keys[i].collation = exprCollation(expr);
	}
	g->in_exprs = list_copy(g->key_exprs);
	return tv_compile_check_keys(g->c, node);
}

/* By accumulators, if all of them have one. */
static void
choose_aggregates(GroupContext *g, List *aggrefs)
{
	TvNode	   *node = g->node;
	ListCell   *lc;

	foreach(lc, aggrefs)
	{
		if (tv_aggregate_class(lfirst_node(Aggref, lc)) == TV_AGG_RECOMPUTE)
		{
			node->recompute = true;
			node->recompute_why = get_func_name(lfirst_node(Aggref, lc)->aggfnoid);
		}
	}
	if (!node->recompute)
		tv_compile_count_rows(node);
	foreach(lc, aggrefs)
		add_aggregate(g, lfirst_node(Aggref, lc));
}

/* The node's input: the query's own, and that of aggregates with DISTINCT. */
static void
make_branches(GroupContext *g, TvDistinct *distinct, List *partials)
{
	TvNode	   *node = g->node;
	ListCell   *lc;

	if (distinct && distinct->inputs)
		node->branches = tv_distinct_branches(g->c, distinct, partials, g->key_exprs, g->clauses,
											  g->in_exprs);
	if (distinct && distinct->inputs && !distinct->plain)
		return;
	foreach(lc, partials)
	{
		TvPartial  *partial = tv_partial_copy(lfirst(lc));
		List	   *row = distinct ? tv_distinct_plain_row(distinct, g->in_exprs) : g->in_exprs;
		List	   *exprs = (List *) tv_partial_map(partial, (Node *) row);

		exprs = (List *) tv_sublink_expand(g->c, partial, (Node *) exprs);
		node->branches = lappend(node->branches, tv_partial_branch(partial, exprs));
	}
}

/*
 * A node below the top delivers its group row.  Output expressions and HAVING
 * belong to whoever reads it: there they are evaluated for the rows that are
 * needed only, as the server would, and may not fail for others.
 */
static void
output_group_row(TvNode *node)
{
	List	   *row = NIL;
	ListCell   *lc;

	for (int i = 0; i < node->nkeys; i++)
		row = lappend(row, makeVar(1, i + 1, node->keys[i].type, node->keys[i].typmod,
								   node->keys[i].collation, 0));
	foreach(lc, node->aggs)
	{
		Aggref	   *aggref = ((TvAgg *) lfirst(lc))->aggref;

		row = lappend(row, makeVar(1, node->nkeys + foreach_current_index(lc) + 1,
								   aggref->aggtype, -1, aggref->aggcollid, 0));
	}
	node->read_exprs = node->out_exprs;
	node->read_having = node->having;
	node->out_exprs = row;
	node->having = NULL;
	node->out_desc = tv_compile_desc(row, NIL);
	tv_compile_identify_by_keys(node);
}

static void
add_key(GroupContext *g, Expr *expr, SortGroupClause *clause)
{
	if (list_member(g->key_exprs, expr))
		return;
	g->key_exprs = lappend(g->key_exprs, expr);
	g->clauses = lappend(g->clauses, clause);
}

/* Is an expression, found depth subqueries below, this one of the query? */
static bool
same_at_depth(const Node *expr, const Node *found, int depth)
{
	Node	   *moved;

	if (depth == 0)
		return equal(expr, found);
	if (nodeTag(expr) != nodeTag(found))
		return false;
	moved = copyObject((Node *) expr);
	IncrementVarSublevelsUp(moved, depth, 0);
	return equal(moved, found);
}

/*
 * Find aggregates, and take Vars outside of them that are no key as keys; also
 * in subqueries that refer to them.
 */
static bool
collect_walker(Node *node, GroupContext *g)
{
	ListCell   *lc;

	if (node == NULL)
		return false;
	foreach(lc, g->key_exprs)
		if (same_at_depth(lfirst(lc), node, g->depth))
		return false;
	if (IsA(node, Aggref) && ((Aggref *) node)->agglevelsup == g->depth)
	{
		if (g->depth > 0)
		{
			tv_compile_no_rule(g->c, ((Aggref *) node)->location,
							   "an aggregate of the outer query in a subquery",
							   "No maintenance rule exists for it.",
							   "Compute the aggregate in a subquery in FROM.");
			return true;
		}
		foreach(lc, g->aggrefs)
			if (equal(lfirst(lc), node))
			return false;
		g->aggrefs = lappend(g->aggrefs, node);
		/* direct arguments may hold grouping columns */
		return collect_walker((Node *) ((Aggref *) node)->aggdirectargs, g);
	}
	if (IsA(node, Var) && ((Var *) node)->varlevelsup == g->depth)
	{
		SortGroupClause *clause = makeNode(SortGroupClause);
		Oid			type = exprType(node);
		Var		   *var = copyObject((Var *) node);

		get_sort_group_operators(type, false, false, false,
								 &clause->sortop, &clause->eqop, NULL, &clause->hashable);
		if (!OidIsValid(clause->sortop))
		{
			tv_compile_no_rule(g->c, ((Var *) node)->location,
							   psprintf("a column of type %s that depends on the grouping columns",
										format_type_be(type)),
							   "It is taken as a grouping column, and the type has no order.",
							   "Cast the column to text and group by that.");
			return true;
		}
		var->varlevelsup = 0;
		add_key(g, (Expr *) var, clause);
		return false;
	}
	if (IsA(node, Query))
	{
		bool		result;

		g->depth++;
		result = query_tree_walker((Query *) node, collect_walker, g, 0);
		g->depth--;
		return result;
	}
	return expression_tree_walker(node, collect_walker, g);
}

/* Express output columns and HAVING over the group row. */
static Node *
group_row_mutator(Node *node, GroupContext *g)
{
	ListCell   *lc;
	int			i = 0;

	if (node == NULL)
		return NULL;
	foreach(lc, g->key_exprs)
	{
		i++;
		if (same_at_depth(lfirst(lc), node, g->depth))
			return (Node *) makeVar(1, i, exprType(node), exprTypmod(node),
									exprCollation(node), g->depth);
	}
	if (IsA(node, Aggref) && ((Aggref *) node)->agglevelsup == g->depth)
	{
		foreach(lc, g->aggrefs)
		{
			i++;
			if (equal(lfirst(lc), node))
				return (Node *) makeVar(1, i, exprType(node), -1, exprCollation(node), 0);
		}
		elog(ERROR, "aggregate not found");
	}
	if (IsA(node, Query))
	{
		Query	   *query;

		g->depth++;
		query = query_tree_mutator((Query *) node, group_row_mutator, g, 0);
		g->depth--;
		return (Node *) query;
	}
	return expression_tree_mutator(node, group_row_mutator, g);
}

/* Number of the input column that holds expr, added if new. */
static int
input_column(GroupContext *g, Expr *expr)
{
	ListCell   *lc;
	int			i = 0;

	foreach(lc, g->in_exprs)
	{
		i++;
		if (equal(lfirst(lc), expr))
			return i;
	}
	g->in_exprs = lappend(g->in_exprs, expr);
	return i + 1;
}

static Var *
input_var(GroupContext *g, Expr *expr)
{
	int			attno = input_column(g, expr);

	return makeVar(1, attno, exprType((Node *) expr), exprTypmod((Node *) expr),
				   exprCollation((Node *) expr), 0);
}

/* The aggregate over the input row. */
static Aggref *
map_aggref(GroupContext *g, const Aggref *aggref)
{
	Aggref	   *result = copyObject((Aggref *) aggref);
	ListCell   *lc;

	foreach(lc, result->args)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		tle->expr = (Expr *) input_var(g, tle->expr);
	}
	if (result->aggfilter)
		result->aggfilter = (Expr *) input_var(g, result->aggfilter);
	/* direct arguments are over the grouping columns, which come first */
	result->aggdirectargs = (List *) group_row_mutator((Node *) result->aggdirectargs, g);
	return result;
}

/*
 * A moving transition state, and beside it the number of rows that went into
 * it: with none left it is the initial state, whatever the inverse made of it.
 */
static void
add_transition(GroupContext *g, TvAgg *agg, const Aggref *aggref, List *args,
			   AttrNumber filter, AttrNumber arg, Oid argtype)
{
	TvNode	   *node = g->node;
	TvAcc	   *acc;
	ListCell   *lc;
	bool		strict;
	bool		counted;
	Oid			type;

	tv_aggregate_trans_type(aggref, &type, &strict, &counted);
	agg->acc = add_acc(node, TV_ACC_TRANS, args, filter, agg->aggref);
	acc = list_nth(node->accs, agg->acc);
	acc->type = type;
	acc->typmod = -1;
	acc->collation = get_typcollation(type);
	if (!counted)
		agg->count_acc = filter == 0 ? node->rows_acc :
			add_acc(node, TV_ACC_COUNT, NIL, filter,
					make_count(node, 0, InvalidOid, filter));
	else if (list_length(args) == 1)
		agg->count_acc = add_acc(node, TV_ACC_COUNT, args, filter,
								 make_count(node, arg, argtype, filter));
	else
	{
		/* rows none of whose arguments is null */
		List	   *tests = NIL;
		AttrNumber	col;

		foreach(lc, aggref->args)
		{
			NullTest   *test = makeNode(NullTest);

			test->arg = lfirst_node(TargetEntry, lc)->expr;
			test->nulltesttype = IS_NOT_NULL;
			test->location = -1;
			tests = lappend(tests, test);
		}
		if (aggref->aggfilter)
			tests = lappend(tests, aggref->aggfilter);
		col = input_column(g, make_andclause(tests));
		agg->count_acc = add_acc(node, TV_ACC_COUNT, NIL, col,
								 make_count(node, 0, InvalidOid, col));
	}
}

static void
add_aggregate(GroupContext *g, const Aggref *aggref)
{
	TvNode	   *node = g->node;
	TvAgg	   *agg = palloc0(sizeof(TvAgg));
	AttrNumber	filter = 0;
	AttrNumber	arg = 0;
	Oid			argtype = InvalidOid;
	List	   *args = NIL;
	ListCell   *lc;
	TvAcc	   *acc;

	agg->aggref = map_aggref(g, aggref);
	agg->kind = node->recompute ? TV_AGG_RECOMPUTE : tv_aggregate_class(aggref);
	agg->acc = agg->count_acc = -1;
	node->aggs = lappend(node->aggs, agg);
	if (agg->kind == TV_AGG_RECOMPUTE)
		return;

	if (agg->aggref->aggfilter)
		filter = castNode(Var, agg->aggref->aggfilter)->varattno;
	foreach(lc, agg->aggref->args)
	{
		Var		   *var = castNode(Var, lfirst_node(TargetEntry, lc)->expr);

		args = lappend_int(args, var->varattno);
		arg = var->varattno;
		argtype = var->vartype;
	}

	switch (agg->kind)
	{
		case TV_AGG_COUNT:
			if (args == NIL && filter == 0)
				agg->acc = node->rows_acc;
			else
				agg->acc = add_acc(node, TV_ACC_COUNT, args, filter, agg->aggref);
			break;
		case TV_AGG_SUM:
			agg->acc = add_acc(node, TV_ACC_SUM, args, filter, agg->aggref);
			agg->count_acc = add_acc(node, TV_ACC_COUNT, args, filter,
									 make_count(node, arg, argtype, filter));
			break;
		case TV_AGG_BOOL_AND:
		case TV_AGG_BOOL_OR:
			{
				/* rows for which the argument is true, and not filtered out */
				Expr	   *truth = (Expr *) linitial_node(TargetEntry, aggref->args)->expr;
				Expr	   *both = aggref->aggfilter == NULL ? truth :
				make_andclause(list_make2(truth, aggref->aggfilter));
				AttrNumber	truthcol = input_column(g, both);

				agg->acc = add_acc(node, TV_ACC_COUNT, NIL, truthcol,
								   make_count(node, 0, InvalidOid, truthcol));
				agg->count_acc = add_acc(node, TV_ACC_COUNT, args, filter,
										 make_count(node, arg, argtype, filter));
				break;
			}
		case TV_AGG_TRANS:
			add_transition(g, agg, aggref, args, filter, arg, argtype);
			break;
		case TV_AGG_EXTREME:
			agg->acc = add_acc(node, TV_ACC_EXTREME, args, filter, agg->aggref);
			acc = list_nth(node->accs, agg->acc);
			acc->sortop = tv_aggregate_sortop(aggref);
			break;
		case TV_AGG_RECOMPUTE:
			break;
	}
}

/* Index of an accumulator, added if new. */
static int
add_acc(TvNode *node, TvAccKind kind, List *args, AttrNumber filter, Aggref *aggref)
{
	TvAcc	   *acc;
	ListCell   *lc;
	int			i = 0;

	foreach(lc, node->accs)
	{
		acc = lfirst(lc);
		if (acc->kind == kind && equal(acc->args, args) && acc->filter == filter &&
			(kind == TV_ACC_ROWS || kind == TV_ACC_COUNT || equal(acc->aggref, aggref)))
			return i;
		i++;
	}
	acc = palloc0(sizeof(TvAcc));
	acc->kind = kind;
	acc->args = args;
	acc->filter = filter;
	acc->aggref = aggref;
	acc->aggfn = aggref->aggfnoid;
	acc->inputcollid = aggref->inputcollid;
	acc->type = aggref->aggtype;
	acc->typmod = -1;
	acc->collation = aggref->aggcollid;
	node->accs = lappend(node->accs, acc);
	return i;
}

void
tv_compile_count_rows(TvNode *node)
{
	node->rows_acc = add_acc(node, TV_ACC_ROWS, NIL, 0, make_count(node, 0, InvalidOid, 0));
}

Var *
tv_compile_add_count(TvNode *node, AttrNumber filter)
{
	TvAgg	   *agg = palloc0(sizeof(TvAgg));

	agg->kind = TV_AGG_COUNT;
	agg->aggref = make_count(node, 0, InvalidOid, filter);
	agg->acc = add_acc(node, filter ? TV_ACC_COUNT : TV_ACC_ROWS, NIL, filter, agg->aggref);
	agg->count_acc = -1;
	node->aggs = lappend(node->aggs, agg);
	return makeVar(1, node->nkeys + list_length(node->aggs), INT8OID, -1, InvalidOid, 0);
}

/* count(*), or count(input column arg), FILTER (WHERE input column filter) */
static Aggref *
make_count(TvNode *node, AttrNumber arg, Oid argtype, AttrNumber filter)
{
	Aggref	   *aggref = makeNode(Aggref);

	aggref->aggfnoid = arg ? F_COUNT_ANY : F_COUNT_;
	aggref->aggtype = INT8OID;
	aggref->aggkind = AGGKIND_NORMAL;
	aggref->aggstar = (arg == 0);
	aggref->aggsplit = AGGSPLIT_SIMPLE;
	aggref->aggno = -1;
	aggref->aggtransno = -1;
	aggref->location = -1;
	if (arg)
	{
		aggref->aggargtypes = list_make1_oid(argtype);
		aggref->args = list_make1(makeTargetEntry((Expr *) makeVar(1, arg, argtype, -1,
																   get_typcollation(argtype), 0),
												  1, NULL, false));
	}
	if (filter)
		aggref->aggfilter = (Expr *) makeVar(1, filter, BOOLOID, -1, InvalidOid, 0);
	return aggref;
}
