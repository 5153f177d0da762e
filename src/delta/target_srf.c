/*-------------------------------------------------------------------------
 *
 * delta/target_srf.c
 *	  Bring set-returning functions of the output list into FROM.
 *
 * The functions of one nesting depth run in lockstep, the shorter ones padded
 * with nulls, and a row for which all of them return nothing vanishes.  That
 * is what a lateral FROM item ROWS FROM (f, g, ...) does:
 *
 *	select x, f(y), h(g(z)) from t
 *	= select x, l1.f, l2.h
 *	  from t, lateral rows from (f(y), g(z)) l1, lateral rows from (h(l1.g)) l2
 *
 * The functions run after grouping and windows, so these go into a subquery;
 * those in grouping columns run before.  DISTINCT comes after all of them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "funcapi.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "rewrite/rewriteManip.h"

#include "delta/compile_internal.h"
#include "tv_compat.h"

/* The functions of one depth, as one FROM item. */
typedef struct TvSrfLevel
{
	TvCompiler *c;
	int			rti;
	List	   *calls;			/* of Node *, as they stand in the query */
	List	   *first;			/* of int: number of the first column of each */
	List	   *counts;			/* of int: number of columns */
	List	   *functions;		/* of RangeTblFunction * */
	List	   *names;
	int			ncolumns;
} TvSrfLevel;

typedef struct TvReplace
{
	List	   *from;			/* of Node * */
	List	   *to;				/* of Node * */
} TvReplace;

static bool expand_keys(TvCompiler *c, Query *query);
static void push_down(Query *query);
static bool expand(TvCompiler *c, Query *query, List *entries);
static bool collect_level(Node *node, void *context);
static Node *level_mutator(Node *node, void *context);
static Node *replace_mutator(Node *node, void *context);
static Node *inner_column_mutator(Node *node, void *context);

#define IS_SRF(node) ((IsA(node, FuncExpr) && ((FuncExpr *) (node))->funcretset) || \
					  (IsA(node, OpExpr) && ((OpExpr *) (node))->opretset))

bool
tv_target_srf_expand(TvCompiler *c, Query *query)
{
	int			location = -1;
	ListCell   *lc;

	if (!query->hasTargetSRFs)
		return true;
	if (query->hasDistinctOn)
	{
		foreach(lc, query->targetList)
			if (location < 0 && expression_returns_set(lfirst(lc)))
			location = exprLocation(lfirst(lc));
		tv_compile_refuse(c, location, "%s is not supported in a maintained view",
						  "a set-returning function in the output list beside DISTINCT ON",
						  "Which of them comes first depends on the rest of the query.",
						  "Put the function into FROM.");
		return false;
	}
	query->targetList = (List *)
		tv_compat_flatten_aliases(query, (Node *) query->targetList);
	if (!expand_keys(c, query))
		return false;
	foreach(lc, query->windowClause)
	{
		WindowClause *window = lfirst_node(WindowClause, lc);

		if (expression_returns_set((Node *) get_sortgrouplist_exprs(window->partitionClause,
																	query->targetList)) ||
			expression_returns_set((Node *) get_sortgrouplist_exprs(window->orderClause,
																	query->targetList)))
		{
			tv_compile_no_rule(c, -1,
							   "a set-returning function in a window",
							   "No maintenance rule exists for it.",
							   "Put the function into FROM.");
			return false;
		}
	}
	query->hasTargetSRFs = expression_returns_set((Node *) query->targetList);
	if (!query->hasTargetSRFs)
		return true;
	if (query->hasAggs || query->groupClause || query->groupingSets || query->havingQual ||
		query->hasWindowFuncs)
		push_down(query);
	query->hasTargetSRFs = false;
	return expand(c, query, query->targetList);
}

/*
 * Grouping columns are computed before the grouping.  An expression elsewhere
 * that is equal to one stands for it.
 */
static bool
expand_keys(TvCompiler *c, Query *query)
{
	TvReplace	replace = {NIL};
	List	   *keys = NIL;
	ListCell   *lc;

	foreach(lc, query->groupClause)
	{
		TargetEntry *tle = get_sortgroupclause_tle(lfirst_node(SortGroupClause, lc),
												   query->targetList);

		if (!expression_returns_set((Node *) tle->expr))
			continue;
		keys = lappend(keys, tle);
		replace.from = lappend(replace.from, copyObject(tle->expr));
	}
	if (keys == NIL)
		return true;
	if (!expand(c, query, keys))
		return false;
	foreach(lc, keys)
		replace.to = lappend(replace.to, lfirst_node(TargetEntry, lc)->expr);
	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (!list_member_ptr(keys, tle))
			tle->expr = (Expr *) replace_mutator((Node *) tle->expr, &replace);
	}
	query->havingQual = replace_mutator(query->havingQual, &replace);
	return true;
}

static Node *
replace_mutator(Node *node, void *context)
{
	TvReplace  *replace = context;
	ListCell   *lf;
	ListCell   *lt;

	if (node == NULL)
		return NULL;
	forboth(lf, replace->from, lt, replace->to)
	{
		if (equal(node, lfirst(lf)))
			return copyObject(lfirst(lt));
	}
	if (IsA(node, Aggref))
		return node;
	return expression_tree_mutator(node, replace_mutator, context);
}

/*
 * Put all but the set-returning functions, DISTINCT, ORDER BY and LIMIT into a
 * subquery; its columns are what is below the functions.
 */
static void
push_down(Query *query)
{
	Query	   *inner = makeNode(Query);
	Query	   *outer = makeNode(Query);
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	RangeTblRef *ref = makeNode(RangeTblRef);
	List	   *names = NIL;
	ListCell   *lc;

	*inner = *query;
	inner->hasTargetSRFs = false;
	inner->hasDistinctOn = false;
	inner->targetList = NIL;
	inner->distinctClause = NIL;
	inner->sortClause = NIL;
	inner->limitCount = inner->limitOffset = NULL;
	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (tle->ressortgroupref && !expression_returns_set((Node *) tle->expr))
		{
			tle = copyObject(tle);
			tle->resjunk = false;
			tle->resno = list_length(inner->targetList) + 1;
			inner->targetList = lappend(inner->targetList, tle);
		}
	}

	outer->commandType = query->commandType;
	outer->querySource = query->querySource;
	outer->canSetTag = query->canSetTag;
	outer->hasTargetSRFs = true;
	outer->distinctClause = query->distinctClause;
	outer->sortClause = query->sortClause;
	outer->limitCount = query->limitCount;
	outer->limitOffset = query->limitOffset;
	outer->limitOption = query->limitOption;
	outer->targetList = (List *) inner_column_mutator((Node *) query->targetList, inner);

	/* the subquery is one level deeper */
	IncrementVarSublevelsUp((Node *) inner, 1, 1);
	foreach(lc, inner->targetList)
		names = lappend(names, makeString(psprintf("c%d", foreach_current_index(lc) + 1)));
	rte->rtekind = RTE_SUBQUERY;
	rte->subquery = inner;
	rte->eref = makeAlias("below", names);
	rte->inFromCl = true;
	ref->rtindex = 1;
	outer->rtable = list_make1(rte);
	outer->jointree = makeFromExpr(list_make1(ref), NULL);
	*query = *outer;
}

/* The largest expressions without a set-returning function become columns. */
static Node *
inner_column_mutator(Node *node, void *context)
{
	Query	   *inner = context;
	TargetEntry *tle;

	if (node == NULL)
		return NULL;
	if (IsA(node, TargetEntry) || IsA(node, List) || expression_returns_set(node))
		return expression_tree_mutator(node, inner_column_mutator, context);
	if (IsA(node, Const))
		return copyObject(node);

	tle = tlist_member((Expr *) node, inner->targetList);
	if (tle == NULL)
	{
		tle = makeTargetEntry((Expr *) copyObject(node), list_length(inner->targetList) + 1,
							  NULL, false);
		inner->targetList = lappend(inner->targetList, tle);
	}
	return (Node *) makeVar(1, tle->resno, exprType(node), exprTypmod(node),
							exprCollation(node), 0);
}

/*
 * Replace the set-returning functions of some target entries by columns of new
 * FROM items, one for each depth.
 */
static bool
expand(TvCompiler *c, Query *query, List *entries)
{
	while (expression_returns_set((Node *) entries))
	{
		TvSrfLevel	level = {c};
		RangeTblEntry *rte = makeNode(RangeTblEntry);
		RangeTblRef *ref = makeNode(RangeTblRef);
		ListCell   *lc;

		level.rti = list_length(query->rtable) + 1;
		(void) collect_level((Node *) entries, &level);
		if (c->refusal)
			return false;
		foreach(lc, entries)
		{
			TargetEntry *tle = lfirst_node(TargetEntry, lc);

			tle->expr = (Expr *) level_mutator((Node *) tle->expr, &level);
		}
		if (c->refusal)
			return false;

		rte->rtekind = RTE_FUNCTION;
		rte->functions = level.functions;
		rte->eref = makeAlias("set_returning", level.names);
		rte->lateral = true;
		rte->inFromCl = true;
		query->rtable = lappend(query->rtable, rte);
		ref->rtindex = level.rti;
		query->jointree->fromlist = lappend(query->jointree->fromlist, ref);
	}
	return true;
}

/* Find the functions whose arguments hold no other. */
static bool
collect_level(Node *node, void *context)
{
	TvSrfLevel *level = context;
	RangeTblFunction *function;
	TypeFuncClass class;
	TupleDesc	desc = NULL;
	Node	   *call = node;

	if (node == NULL)
		return false;
	if (!IS_SRF(node) ||
		expression_returns_set((Node *) (IsA(node, FuncExpr) ? ((FuncExpr *) node)->args :
										 ((OpExpr *) node)->args)))
		return expression_tree_walker(node, collect_level, context);
	if (list_member(level->calls, node))
		return false;

	/* FROM takes functions, not operators */
	if (IsA(node, OpExpr))
	{
		OpExpr	   *op = (OpExpr *) node;
		FuncExpr   *f;

		set_opfuncid(op);
		f = makeFuncExpr(op->opfuncid, op->opresulttype, op->args, op->opcollid,
						 op->inputcollid, COERCE_EXPLICIT_CALL);
		f->funcretset = true;
		f->location = op->location;
		call = (Node *) f;
	}
	class = get_expr_result_type(call, NULL, &desc);
	if (class != TYPEFUNC_SCALAR && class != TYPEFUNC_COMPOSITE)
	{
		tv_compile_no_rule(level->c, exprLocation(node),
						   "a function in the output list that returns a set of records",
						   "What columns the records have is not known.",
						   "Put the function into FROM.");
		return true;
	}
	function = makeNode(RangeTblFunction);
	function->funcexpr = copyObject(call);
	function->funccolcount = class == TYPEFUNC_SCALAR ? 1 : desc->natts;
	level->calls = lappend(level->calls, node);
	level->functions = lappend(level->functions, function);
	level->first = lappend_int(level->first, level->ncolumns + 1);
	level->counts = lappend_int(level->counts, class == TYPEFUNC_SCALAR ? 0 : desc->natts);
	for (int i = 0; i < function->funccolcount; i++)
		level->names = lappend(level->names, makeString(psprintf("f%d", ++level->ncolumns)));
	return false;
}

/* The column of the level that stands for a call, or one of its fields. */
static Node *
level_mutator(Node *node, void *context)
{
	TvSrfLevel *level = context;
	FieldSelect *field = NULL;
	Node	   *call = node;

	if (node == NULL)
		return NULL;
	if (IsA(node, FieldSelect))
	{
		field = (FieldSelect *) node;
		call = (Node *) field->arg;
	}
	for (int i = 0; i < list_length(level->calls); i++)
	{
		if (!equal(call, list_nth(level->calls, i)))
			continue;
		if (field == NULL && list_nth_int(level->counts, i) > 0)
		{
			/* null and a row of nulls could not be told apart */
			tv_compile_no_rule(level->c, exprLocation(node),
							   "a function in the output list that returns a set of rows",
							   "A row is taken apart into its columns.",
							   "Name the columns, as in (f(x)).y, or put the function into FROM.");
			return NULL;
		}
		return (Node *) makeVar(level->rti,
								list_nth_int(level->first, i) + (field ? field->fieldnum - 1 : 0),
								exprType(node), exprTypmod(node), exprCollation(node), 0);
	}
	return expression_tree_mutator(node, level_mutator, context);
}
