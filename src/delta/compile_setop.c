/*-------------------------------------------------------------------------
 *
 * delta/compile_setop.c
 *	  UNION, INTERSECT and EXCEPT, with and without ALL, in any nesting.
 *
 * UNION ALL is the sum of its sides, UNION is DISTINCT over it.  The others
 * are one GROUP node over the sum of both sides, tagged with the side, which
 * groups by all columns and counts the rows of a group, n, and those of the
 * left side, l:
 *
 *	INTERSECT		rows with 0 < l < n
 *	EXCEPT			rows with l = n
 *	INTERSECT ALL	each row min(l, n - l) times
 *	EXCEPT ALL		each row max(l - (n - l), 0) times
 *
 * To have a row many times is to join it with generate_series(), which is
 * linear again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_coerce.h"
#include "parser/parsetree.h"
#include "utils/fmgroids.h"

#include "delta/correlate.h"
#include "delta/derive_internal.h"
#include "delta/subquery.h"

/* operators of int8 */
#define INT8_EQ_OP 410
#define INT8_LT_OP 412

/* The set operation being compiled; base and corr as for tv_flatten_query(). */
typedef struct SetOpContext
{
	TvCompiler *c;
	Query	   *query;
	const TvPartial *base;
	List	   *corr;
} SetOpContext;

static List *flatten_tree(SetOpContext *s, Node *node,
						  const SetOperationStmt *above, bool top);
static List *flatten_union(SetOpContext *s, SetOperationStmt *op,
						   const SetOperationStmt *above, bool top);
static List *flatten_counted(SetOpContext *s, SetOperationStmt *op, bool top);
static List *flatten_side(SetOpContext *s, Node *side, SetOperationStmt *op);
static bool same_columns(const SetOperationStmt *a, const SetOperationStmt *b);
static List *column_names(Query *query);
static TvNode *make_distinct(SetOpContext *s, SetOperationStmt *op,
							 List *branches, bool top);
static List *read_columns(SetOpContext *s, TvNode *node, SetOperationStmt *op);
static void add_side(List *branches, bool left);
static TvLeaf *repeat_leaf(Expr *times);
static List *coerce_columns(List *branches, int ncorr, SetOperationStmt *op);

List *
tv_flatten_set_operation(TvCompiler *c, Query *query, bool top,
						 const TvPartial *base, List *corr)
{
	SetOpContext s = {c, query, base, corr};

	return flatten_tree(&s, query->setOperations, NULL, top);
}

bool
tv_set_operation_sides(TvCompiler *c, Query *query, List **left, List **right)
{
	SetOpContext s = {c, query, NULL, NIL};
	SetOperationStmt *op = castNode(SetOperationStmt, query->setOperations);

	*left = flatten_side(&s, op->larg, op);
	if (!c->refusal)
		*right = flatten_side(&s, op->rarg, op);
	return c->refusal == NULL;
}

bool
tv_union_all_only(Node *setop)
{
	SetOperationStmt *op = (SetOperationStmt *) setop;

	return IsA(setop, RangeTblRef) ||
		(op->op == SETOP_UNION && op->all &&
		 tv_union_all_only(op->larg) && tv_union_all_only(op->rarg));
}

/*
 * A side that is a query.  Outer references pass through the query of the set
 * operation, which has no FROM items of its own.
 */
static List *
flatten_arm(SetOpContext *s, int rti)
{
	TvPartial  *none = tv_partial_make(0, s->base);
	Query	   *arm = (Query *) tv_partial_map(none, (Node *) rt_fetch(rti, s->query->rtable)->subquery);

	if (s->base && (s->corr == NIL || tv_subquery_has_row_anyway(arm)))
	{
		List	   *branches = tv_correlate_join(s->c, s->base, arm);
		ListCell   *lc;

		foreach(lc, branches)
		{
			TvBranch   *branch = lfirst(lc);

			branch->exprs = list_concat((List *) tv_partial_map(none, (Node *) s->corr),
										branch->exprs);
		}
		return branches;
	}
	return tv_flatten_query(s->c, arm, false, s->base, s->corr);
}

/* above: the set operation of which this is a side, or NULL */
static List *
flatten_tree(SetOpContext *s, Node *node, const SetOperationStmt *above, bool top)
{
	SetOperationStmt *op;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	if (IsA(node, RangeTblRef))
		return flatten_arm(s, ((RangeTblRef *) node)->rtindex);
	op = castNode(SetOperationStmt, node);
	if (op->op == SETOP_UNION)
		return flatten_union(s, op, above, top);
	return flatten_counted(s, op, top);
}

static List *
flatten_union(SetOpContext *s, SetOperationStmt *op,
			  const SetOperationStmt *above, bool top)
{
	List	   *branches;
	List	   *right;
	TvNode	   *node;

	branches = flatten_side(s, op->larg, op);
	if (s->c->refusal)
		return NIL;
	right = flatten_side(s, op->rarg, op);
	if (s->c->refusal)
		return NIL;
	branches = list_concat(branches, right);
	if (list_length(branches) > TV_MAX_UNION_ALL)
	{
		tv_compile_refuse(s->c, -1, "a query of more than %s UNION ALL branches is not supported in a maintained view",
						  psprintf("%d", TV_MAX_UNION_ALL),
						  "Each branch has a maintenance plan of its own.",
						  "Split it into several views.");
		return NIL;
	}

	/* duplicates do not matter to an operation that takes them out itself */
	if (op->all || (above && !above->all && same_columns(above, op)))
		return branches;

	node = make_distinct(s, op, branches, top);
	if (s->c->refusal || node->top)
		return NIL;
	return read_columns(s, node, op);
}

/* INTERSECT and EXCEPT, by counts. */
static List *
flatten_counted(SetOpContext *s, SetOperationStmt *op, bool top)
{
	List	   *left;
	List	   *right;
	List	   *branches;
	TvNode	   *node;
	TvBranch   *branch;
	Var		   *n;
	Var		   *l;
	Expr	   *shown;
	Expr	   *r;

	left = flatten_side(s, op->larg, op);
	if (s->c->refusal)
		return NIL;
	right = flatten_side(s, op->rarg, op);
	if (s->c->refusal)
		return NIL;
	node = make_distinct(s, op, list_concat(list_copy(left), right), top && !op->all);
	if (s->c->refusal)
		return NIL;

	add_side(left, true);
	add_side(right, false);
	node->distinct = false;
	node->set_operation = true;
	node->in_desc = tv_compile_desc(((TvBranch *) linitial(left))->exprs, NIL);
	n = tv_compile_add_count(node, 0);
	l = tv_compile_add_count(node, node->nkeys + 1);

	if (op->op == SETOP_EXCEPT)
		shown = make_opclause(INT8_EQ_OP, BOOLOID, false, (Expr *) l, (Expr *) n,
							  InvalidOid, InvalidOid);
	else
		shown = make_andclause(list_make2(make_opclause(INT8_LT_OP, BOOLOID, false,
														tv_query_int8(0), (Expr *) l,
														InvalidOid, InvalidOid),
										  make_opclause(INT8_LT_OP, BOOLOID, false,
														(Expr *) l, (Expr *) n,
														InvalidOid, InvalidOid)));
	fix_opfuncids((Node *) shown);
	if (node->top)
	{
		node->having = shown;
		return NIL;
	}

	node->out_exprs = list_concat(node->out_exprs, copyObject(list_make2(n, l)));
	node->out_desc = tv_compile_desc(node->out_exprs, NIL);
	branches = read_columns(s, node, op);
	branch = linitial(branches);
	if (!op->all)
	{
		branch->quals = make_ands_implicit(shown);
		return branches;
	}
	r = (Expr *) makeFuncExpr(F_INT8MI, INT8OID, copyObject(list_make2(n, l)), InvalidOid, InvalidOid,
							  COERCE_EXPLICIT_CALL);
	if (op->op == SETOP_EXCEPT)
		r = (Expr *) makeFuncExpr(F_INT8MI, INT8OID, list_make2(l, r), InvalidOid, InvalidOid,
								  COERCE_EXPLICIT_CALL);
	else
	{
		MinMaxExpr *least = makeNode(MinMaxExpr);

		least->minmaxtype = INT8OID;
		least->op = IS_LEAST;
		least->args = list_make2(l, r);
		least->location = -1;
		r = (Expr *) least;
	}
	branch->leaves = lappend(branch->leaves, repeat_leaf(r));
	return branches;
}

static List *
flatten_side(SetOpContext *s, Node *side, SetOperationStmt *op)
{
	List	   *branches = flatten_tree(s, side, op, false);

	return s->c->refusal ? NIL : coerce_columns(branches, list_length(s->corr), op);
}

static bool
same_columns(const SetOperationStmt *a, const SetOperationStmt *b)
{
	return equal(a->colTypes, b->colTypes) && equal(a->colCollations, b->colCollations);
}

static List *
column_names(Query *query)
{
	List	   *names = NIL;
	ListCell   *lc;

	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (!tle->resjunk)
			names = lappend(names, makeString(tle->resname ? tle->resname : "?column?"));
	}
	return names;
}

/*
 * The node that groups by all columns.  Rows without a column are all equal,
 * but their group exists only if there is one: they get a constant as key.
 */
static TvNode *
make_distinct(SetOpContext *s, SetOperationStmt *op, List *branches, bool top)
{
	List	   *clauses = op->groupClauses;
	List	   *corr = NIL;
	List	   *names = column_names(s->query);
	ListCell   *lc;

	foreach(lc, s->corr)
	{
		SortGroupClause *clause;

		if (!tv_compile_sort_clause(s->c, exprType(lfirst(lc)), &clause))
			return NULL;
		corr = lappend(corr, clause);
		names = lcons(makeString("corr"), names);
	}
	clauses = list_concat(corr, clauses);
	if (op->colTypes == NIL && s->corr == NIL)
	{
		SortGroupClause *clause = makeNode(SortGroupClause);

		clause->eqop = INT8_EQ_OP;
		clause->sortop = INT8_LT_OP;
		clause->hashable = true;
		clauses = list_make1(clause);
		names = NIL;
		top = false;
		foreach(lc, branches)
			((TvBranch *) lfirst(lc))->exprs = list_make1(tv_query_int8(0));
	}
	return tv_compile_distinct(s->c, branches,
							   tv_compile_desc(((TvBranch *) linitial(branches))->exprs, names),
							   clauses, top);
}

/* Read the columns of a node, without its counts. */
static List *
read_columns(SetOpContext *s, TvNode *node, SetOperationStmt *op)
{
	List	   *branches = tv_flatten_read_node(s->c, node);
	TvBranch   *branch = linitial(branches);

	branch->exprs = list_truncate(branch->exprs,
								  list_length(s->corr) + list_length(op->colTypes));
	return branches;
}

/* One more input column: does the row come from the left side? */
static void
add_side(List *branches, bool left)
{
	ListCell   *lc;

	foreach(lc, branches)
	{
		TvBranch   *branch = lfirst(lc);

		branch->exprs = lappend(branch->exprs, makeBoolConst(left, false));
	}
}

/* A leaf that has as many rows as an expression over earlier leaves says. */
static TvLeaf *
repeat_leaf(Expr *times)
{
	TvLeaf	   *leaf = palloc0(sizeof(TvLeaf));
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	RangeTblFunction *function = makeNode(RangeTblFunction);

	function->funcexpr = (Node *) makeFuncExpr(F_GENERATE_SERIES_INT8_INT8, INT8OID,
											   list_make2(tv_query_int8(1), times),
											   InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
	castNode(FuncExpr, function->funcexpr)->funcretset = true;
	function->funccolcount = 1;
	rte->rtekind = RTE_FUNCTION;
	rte->functions = list_make1(function);
	rte->eref = makeAlias("repeat", list_make1(makeString("i")));
	rte->lateral = true;
	rte->inFromCl = true;
	leaf->rte = rte;
	leaf->source = -1;
	return leaf;
}

/* Bring the branches' output to the types the set operation decided on. */
static List *
coerce_columns(List *branches, int ncorr, SetOperationStmt *op)
{
	ListCell   *lb;

	foreach(lb, branches)
	{
		TvBranch   *branch = lfirst(lb);
		List	   *exprs = NIL;
		ListCell   *le;
		ListCell   *lt = list_head(op->colTypes);
		ListCell   *lm = list_head(op->colTypmods);
		ListCell   *lcol = list_head(op->colCollations);

		foreach(le, branch->exprs)
		{
			Node	   *expr = lfirst(le);

			if (foreach_current_index(le) < ncorr)
			{
				exprs = lappend(exprs, expr);
				continue;
			}
			if (exprType(expr) != lfirst_oid(lt))
				expr = coerce_to_common_type(NULL, expr, lfirst_oid(lt), "UNION");
			if (exprTypmod(expr) != lfirst_int(lm) || exprCollation(expr) != lfirst_oid(lcol))
				expr = applyRelabelType(expr, lfirst_oid(lt), lfirst_int(lm), lfirst_oid(lcol),
										COERCE_IMPLICIT_CAST, -1, false);
			exprs = lappend(exprs, expr);
			lt = lnext(op->colTypes, lt);
			lm = lnext(op->colTypmods, lm);
			lcol = lnext(op->colCollations, lcol);
		}
		branch->exprs = exprs;
	}
	return branches;
}
