/*-------------------------------------------------------------------------
 *
 * delta/compile_distinct_agg.c
 *	  DISTINCT in aggregates: further inputs of a GROUP node.
 *
 * An aggregate over distinct arguments is a plain one over the rows of a
 * DISTINCT node, of which there is one for each list of arguments (and
 * filter).  Its rows are added to the input of the group as further branches,
 * with nulls for what is not theirs:
 *
 *		select k, f(distinct x), g(y) from t group by k
 *		= select k, f(x) filter (of_x), g(y) filter (plain)
 *		  from (select k, null as x, null as of_x, y, true as plain from t
 *				union all
 *				select k, x, true, null, null from (select distinct k, x from t) d) i
 *		  group by k
 *
 * A group has rows of its DISTINCT nodes exactly if it has rows, so the first
 * branch is left out where no plain aggregate needs it.
 *
 * While the group is compiled, what comes from a further input is a Var with a
 * varno beyond those of the query.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_func.h"
#include "parser/parse_oper.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "delta/compile_internal.h"
#include "delta/type_image.h"

/* varno of "is a plain input row"; those of the DISTINCT inputs follow */
#define PLAIN_VARNO 1000000

/* One DISTINCT node. */
typedef struct TvDistinctInput
{
	int			varno;
	List	   *args;			/* over the query's Vars */
	Expr	   *filter;			/* of the aggregates, or NULL */
	List	   *columns;		/* what is stored of the arguments, digests
								 * perhaps, and the filter last */
	List	   *clauses;		/* of SortGroupClause *, by column */
	bool		digested;		/* good for counts only */
} TvDistinctInput;

typedef struct TvInputContext
{
	int			varno;
	List	   *columns;		/* over the leaf of the input's node */
} TvInputContext;

static Aggref *strip(const Aggref *aggref);
static bool is_plain(const Aggref *aggref, Aggref *stripped);
static bool add_distinct(TvCompiler *c, TvDistinct *d, const Aggref *aggref, Aggref *stripped);
static bool add_column(TvCompiler *c, TvDistinctInput *input, Expr *expr, bool may_digest);
static Expr *digest(Expr *expr);
static void read_input(TvDistinctInput *input, Aggref *aggref);
static Expr *plain_row(void);
static List *input_branches(TvCompiler *c, TvDistinctInput *input, List *partials, List *keys,
							List *clauses, List *exprs);
static bool reads_varno(Node *node, void *varno);
static Node *input_mutator(Node *node, void *context);
static Node *plain_mutator(Node *node, void *context);

TvDistinct *
tv_distinct_plan(TvCompiler *c, List *aggrefs)
{
	TvDistinct *d = palloc0(sizeof(TvDistinct));
	bool		any = false;
	ListCell   *lc;

	foreach(lc, aggrefs)
	{
		Aggref	   *aggref = lfirst_node(Aggref, lc);
		Aggref	   *stripped = strip(aggref);

		any |= aggref->aggdistinct != NIL || aggref->aggorder != NIL;
		if (is_plain(aggref, stripped))
			d->plain = true;
		else if (!add_distinct(c, d, aggref, stripped))
			return NULL;
		d->aggrefs = lappend(d->aggrefs, stripped);
	}
	if (!any)
		return NULL;

	/* plain aggregates are over the plain rows only */
	foreach(lc, d->inputs ? d->aggrefs : NIL)
	{
		Aggref	   *aggref = lfirst_node(Aggref, lc);
		Expr	   *filter = aggref->aggfilter;

		if (filter && IsA(filter, Var) && ((Var *) filter)->varno > PLAIN_VARNO)
			continue;
		aggref->aggfilter = filter ? make_andclause(list_make2(plain_row(), filter)) : plain_row();
	}
	return d;
}

/* The aggregate without DISTINCT and ORDER BY. */
static Aggref *
strip(const Aggref *aggref)
{
	Aggref	   *result = copyObject((Aggref *) aggref);
	ListCell   *lc;

	result->aggdistinct = result->aggorder = NIL;
	foreach(lc, result->args)
	{
		lfirst_node(TargetEntry, lc)->ressortgroupref = 0;
		if (lfirst_node(TargetEntry, lc)->resjunk)
			result->args = foreach_delete_current(result->args, lc);
	}
	return result;
}

/* Is it the same without them? */
static bool
is_plain(const Aggref *aggref, Aggref *stripped)
{
	TvAggKind	kind = tv_aggregate_class(stripped);

	if (aggref->aggorder == NIL && aggref->aggdistinct == NIL)
		return kind != TV_AGG_RECOMPUTE;
	if (kind == TV_AGG_BOOL_AND || kind == TV_AGG_BOOL_OR)
		return true;
	if (aggref->aggorder)
		return aggref->aggdistinct == NIL && (kind == TV_AGG_COUNT || kind == TV_AGG_SUM);
	return kind == TV_AGG_EXTREME;
}

/* Let an aggregate read the DISTINCT input that it needs; false: it cannot. */
static bool
add_distinct(TvCompiler *c, TvDistinct *d, const Aggref *aggref, Aggref *stripped)
{
	TvAggKind	kind = tv_aggregate_class(stripped);
	bool		may_digest = kind == TV_AGG_COUNT;
	TvDistinctInput *input = palloc0(sizeof(TvDistinctInput));
	BooleanTest *filter = makeNode(BooleanTest);
	ListCell   *lc;
	ListCell   *lf;

	if (aggref->aggdistinct == NIL ||
		(kind != TV_AGG_COUNT && kind != TV_AGG_SUM &&
		 (kind != TV_AGG_TRANS || aggref->aggorder)))
		return false;
	foreach(lc, stripped->args)
		input->args = lappend(input->args, lfirst_node(TargetEntry, lc)->expr);
	input->filter = aggref->aggfilter;
	foreach(lc, d->inputs)
	{
		TvDistinctInput *other = lfirst(lc);

		if (equal(other->args, input->args) && equal(other->filter, input->filter))
		{
			read_input(other, stripped);
			return may_digest || !other->digested;
		}
	}

	input->varno = PLAIN_VARNO + 1 + list_length(d->inputs);
	foreach(lc, input->args)
	{
		Expr	   *arg = lfirst(lc);

		/* a row is distinct from another by its columns */
		if (!IsA(arg, RowExpr))
		{
			if (!add_column(c, input, arg, may_digest))
				return false;
			continue;
		}
		if (!may_digest)
			return false;
		input->digested = true;
		foreach(lf, ((RowExpr *) arg)->args)
			if (!add_column(c, input, lfirst(lf), may_digest))
			return false;
	}
	filter->arg = input->filter ? copyObject(input->filter) :
		(Expr *) makeBoolConst(true, false);
	filter->booltesttype = IS_TRUE;
	filter->location = -1;
	if (!add_column(c, input, (Expr *) filter, false))
		return false;
	d->inputs = lappend(d->inputs, input);
	read_input(input, stripped);
	return true;
}

/*
 * Values of any length do not fit into the index that finds rows: for counts,
 * their digest does.
 */
static bool
add_column(TvCompiler *c, TvDistinctInput *input, Expr *expr, bool may_digest)
{
	Oid			type = exprType((Node *) expr);
	Oid			base = getBaseType(type);
	SortGroupClause *clause;

	if (get_typtype(base) == TYPTYPE_PSEUDO)
		return false;
	if (get_typlen(base) < 0 && base != NUMERICOID && base != INETOID && base != CIDROID)
	{
		if (!may_digest || get_typlen(base) != -1 ||
			!tv_type_one_image(type, exprTypmod((Node *) expr), exprCollation((Node *) expr)))
			return false;
		expr = digest(expr);
		type = BYTEAOID;
		input->digested = true;
	}
	clause = makeNode(SortGroupClause);
	get_sort_group_operators(type, false, false, false,
							 &clause->sortop, &clause->eqop, NULL, &clause->hashable);
	if (!OidIsValid(clause->sortop))
		return false;
	input->columns = lappend(input->columns, expr);
	input->clauses = lappend(input->clauses, clause);
	return true;
}

static Expr *
digest(Expr *expr)
{
	Oid			any = ANYOID;
	Oid			function = LookupFuncName(list_make2(makeString("tview"),
													 makeString("image_digest")),
										  1, &any, false);

	return (Expr *) makeFuncExpr(function, BYTEAOID, list_make1(expr), InvalidOid, InvalidOid,
								 COERCE_EXPLICIT_CALL);
}

/* The Var that stands for a column of an input. */
static Var *
input_var(TvDistinctInput *input, int column)
{
	Node	   *expr = list_nth(input->columns, column);

	return makeVar(input->varno, column + 1, exprType(expr), exprTypmod(expr),
				   exprCollation(expr), 0);
}

static void
read_input(TvDistinctInput *input, Aggref *aggref)
{
	int			last = list_length(input->columns) - 1;
	int			column = 0;
	ListCell   *lc;

	foreach(lc, aggref->args)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		/* a row is never null, and only counted */
		if (IsA(tle->expr, RowExpr))
			tle->expr = (Expr *) input_var(input, last);
		else
			tle->expr = (Expr *) input_var(input, column++);
		if (input->digested)
			aggref->aggargtypes = list_make1_oid(exprType((Node *) tle->expr));
	}
	aggref->aggfilter = (Expr *) input_var(input, last);
}

static Expr *
plain_row(void)
{
	return (Expr *) makeVar(PLAIN_VARNO, 1, BOOLOID, -1, InvalidOid, 0);
}

List *
tv_distinct_branches(TvCompiler *c, TvDistinct *d, List *partials, List *keys, List *clauses,
					 List *exprs)
{
	List	   *branches = NIL;
	ListCell   *lc;

	foreach(lc, d->inputs)
	{
		branches = list_concat(branches,
							   input_branches(c, lfirst(lc), partials, keys, clauses, exprs));
		if (c->refusal)
			return NIL;
	}
	return branches;
}

/* Make the input's node; the branch that reads it gives the group's input row. */
static List *
input_branches(TvCompiler *c, TvDistinctInput *input, List *partials, List *keys,
			   List *clauses, List *exprs)
{
	List	   *columns = list_concat(list_copy(keys), input->columns);
	int			nkeys = list_length(keys);
	TvInputContext context = {input->varno};
	List	   *branches = NIL;
	List	   *row;
	TvNode	   *node;
	TvBranch   *branch;
	ListCell   *lc;

	foreach(lc, partials)
	{
		TvPartial  *partial = tv_partial_copy(lfirst(lc));
		Node	   *mapped = tv_partial_map(partial, (Node *) columns);

		mapped = tv_sublink_expand(c, partial, mapped);
		branches = lappend(branches, tv_partial_branch(partial, (List *) mapped));
	}
	if (c->refusal)
		return NIL;
	node = tv_compile_distinct(c, branches, tv_compile_desc(columns, NIL),
							   list_concat(list_copy(clauses), input->clauses), false);
	if (c->refusal)
		return NIL;

	branches = tv_flatten_read_node(c, node);
	branch = linitial(branches);
	context.columns = list_copy_tail(branch->exprs, nkeys);
	row = list_truncate(list_copy(branch->exprs), nkeys);
	for_each_from(lc, exprs, nkeys)
	{
		Node	   *expr = lfirst(lc);

		if (reads_varno(expr, &input->varno))
			row = lappend(row, input_mutator(expr, &context));
		else
			row = lappend(row, makeNullConst(exprType(expr), exprTypmod(expr),
											 exprCollation(expr)));
	}
	branch->exprs = row;
	return branches;
}

List *
tv_distinct_plain_row(const TvDistinct *d, List *exprs)
{
	List	   *row = NIL;
	ListCell   *lc;

	foreach(lc, exprs)
	{
		Node	   *expr = lfirst(lc);

		if (reads_varno(expr, NULL))
			expr = (Node *) makeNullConst(exprType(expr), exprTypmod(expr), exprCollation(expr));
		row = lappend(row, plain_mutator(expr, NULL));
	}
	return row;
}

/* Does an expression read an input: this one, or any? */
static bool
reads_varno(Node *node, void *varno)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
		return varno ? ((Var *) node)->varno == *(int *) varno :
			((Var *) node)->varno > PLAIN_VARNO;
	return expression_tree_walker(node, reads_varno, varno);
}

static Node *
input_mutator(Node *node, void *context)
{
	TvInputContext *i = context;

	if (node == NULL)
		return NULL;
	if (IsA(node, Var))
	{
		Assert(((Var *) node)->varno == i->varno);
		return copyObject(list_nth(i->columns, ((Var *) node)->varattno - 1));
	}
	return expression_tree_mutator(node, input_mutator, context);
}

/* All rows of the query's input are plain ones. */
static Node *
plain_mutator(Node *node, void *context)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Var))
		return ((Var *) node)->varno == PLAIN_VARNO ? makeBoolConst(true, false) : node;
	if (IsA(node, Query))
		return node;
	return expression_tree_mutator(node, plain_mutator, context);
}
