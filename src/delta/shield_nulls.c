/*-------------------------------------------------------------------------
 *
 * delta/shield_nulls.c
 *	  Keep the planner from computing what derived nulls lead to.
 *
 * Derived queries have null constants where the view's query has columns: of
 * the side of an outer join that has no match, of columns that a grouping set
 * leaves out.  The planner computes constant expressions, for no row at all: of
 *
 *		a.id, 10 / coalesce(b.x, 0)		in the product	a x nulls
 *
 * there would be left 10 / 0, an error, though all rows of a have a match.  Here
 * such nulls become external parameters, whose value the planner does not know.
 * Only where it matters: a strict function of null is null, is not called, and much
 * hangs on what is found to be null or false in time.  So it is worked out
 * what each expression may be when the planner is done with it, and a null is
 * replaced if it is below a function that may raise an error and that the
 * planner might call with a value that stands there because of a null.
 *
 * Expressions may fold in more ways than are told apart here; what is
 * replaced in vain is computed for each row, with the same result.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "delta/null_params.h"
#include "delta/shield_nulls.h"
#include "tv_compat.h"

/* What an expression may become in planning: a set of these. */
#define MAY_BE_NULL 1			/* a null constant */
#define MAY_ABSORB 2			/* another constant, because of a null */
#define MAY_BE_CONST 4			/* another constant, whatever is null */
#define MAY_VARY 8				/* none */

#define NULL_BASED (MAY_BE_NULL | MAY_ABSORB)
#define CONST_VALUE (MAY_ABSORB | MAY_BE_CONST)

/* A query and those it is part of. */
typedef struct Level
{
	Query	   *query;
	struct Level *up;
} Level;

typedef struct Shield
{
	Level	   *level;			/* NULL: no query */
	bool		in_qual;		/* of quals, the planner computes stable
								 * functions as well, for its estimates */
	int			case_arg;		/* what a CaseTestExpr stands for */
} Shield;

/* What the planner does with a function. */
typedef struct Function
{
	bool		strict;
	bool		folded;			/* it is called, if all arguments are constant */
	bool		inlined;		/* or looked into, if some are */
	bool		raises;
} Function;

typedef Expr *(*ColumnChange) (Expr *expr, Shield *shield);

static int	classify(Node *node, Shield *s, bool *danger);
static Node *shield_mutator(Node *node, void *context);
static Node *replace_mutator(Node *node, void *context);
static void shield_query(Query *query, Level *up);

/* A constant of a subquery's output gets into what reads it when it is pulled up. */
static int
classify_column(Query *query, AttrNumber attno, Level *up)
{
	Level		level = {query, up};
	Shield		s = {&level, false, MAY_VARY};
	int			result = MAY_VARY;
	ListCell   *lc;

	check_stack_depth();
	if (query->setOperations == NULL)
		return result | classify((Node *) list_nth_node(TargetEntry, query->targetList, attno - 1)->expr,
								 &s, NULL);
	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (rte->rtekind == RTE_SUBQUERY)
			result |= classify_column(rte->subquery, attno, &level);
	}
	return result;
}

/* Apply change to an output column. */
static void
change_column(Query *query, AttrNumber attno, Level *up, bool in_qual, ColumnChange change)
{
	Level		level = {query, up};
	Shield		s = {&level, in_qual, MAY_VARY};
	ListCell   *lc;

	check_stack_depth();
	if (query->setOperations == NULL)
	{
		TargetEntry *tle = list_nth_node(TargetEntry, query->targetList, attno - 1);

		tle->expr = change(tle->expr, &s);
		return;
	}
	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (rte->rtekind == RTE_SUBQUERY)
			change_column(rte->subquery, attno, &level, in_qual, change);
	}
}

/* The subquery of whose output this is a column, or else NULL. */
static Query *
find_subquery(const Var *var, Level *level, Level **up)
{
	RangeTblEntry *rte;

	for (Index i = 0; i < var->varlevelsup && level; i++)
		level = level->up;
	if (level == NULL || var->varattno <= 0)
		return NULL;
	rte = rt_fetch(var->varno, level->query->rtable);
	*up = level;
	return rte->rtekind == RTE_SUBQUERY ? rte->subquery : NULL;
}

static int
classify_var(const Var *var, Level *level)
{
	Level	   *up;
	Query	   *subquery = find_subquery(var, level, &up);

	return subquery ? classify_column(subquery, var->varattno, up) : MAY_VARY;
}

static Function
look_up_function(Oid funcid, Shield *s)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(funcid));
	Form_pg_proc form;
	Function	result;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", funcid);
	form = (Form_pg_proc) GETSTRUCT(tuple);
	result.strict = form->proisstrict && !form->proretset;
	result.folded = !form->proretset &&
		(form->provolatile == PROVOLATILE_IMMUTABLE ||
		 (form->provolatile == PROVOLATILE_STABLE && s->in_qual));
	result.inlined = form->prolang == SQLlanguageId || OidIsValid(form->prosupport);
	result.raises = !form->proleakproof;
	ReleaseSysCache(tuple);
	return result;
}

/* The server's own comparisons do not fail. */
static bool
is_comparison(const OpExpr *op)
{
	return op->opno < FirstGenbkiObjectId && get_op_index_interpretation(op->opno) != NIL;
}

static Function
look_up_operator(OpExpr *op, Shield *s)
{
	Function	result;

	set_opfuncid(op);
	result = look_up_function(op->opfuncid, s);
	result.raises &= !is_comparison(op);
	return result;
}

/* A function of arguments; *danger is set if the planner may call it with what absorbed a null. */
static int
combine(Function f, List *args, Shield *s, bool *danger)
{
	int			any = 0;
	int			all = MAY_BE_NULL | MAY_ABSORB | MAY_BE_CONST | MAY_VARY;
	bool		all_values = true;
	bool		surely_null = false;
	int			passed = f.strict ? CONST_VALUE : CONST_VALUE | MAY_BE_NULL;
	int			dangerous = f.strict ? MAY_ABSORB : NULL_BASED;
	int			result = 0;
	ListCell   *lc;

	foreach(lc, args)
	{
		int			arg = classify(lfirst(lc), s, NULL);

		any |= arg;
		all &= arg;
		all_values &= (arg & passed) != 0;
		surely_null |= arg == MAY_BE_NULL;
	}
	if (f.strict && (any & MAY_BE_NULL))
		result |= MAY_BE_NULL;
	if (f.strict && surely_null)
		return result;
	if ((any & MAY_VARY) || !f.folded)
		result |= MAY_VARY;
	if (f.raises && (any & dangerous) && ((f.folded && all_values) || f.inlined))
	{
		if (danger)
			*danger = true;
		result |= MAY_VARY;
	}
	else if (f.folded && all_values && (any & dangerous))
		result |= MAY_ABSORB;
	if (f.folded && (all & MAY_BE_CONST))
		result |= MAY_BE_CONST;
	return result;
}

static int
combine_call(Oid funcid, List *args, Shield *s, bool *danger)
{
	return combine(look_up_function(funcid, s), args, s, danger);
}

/* What calls nothing, or something that does (raises) or does not raise errors. */
static int
combine_plain(bool strict, bool raises, List *args, Shield *s, bool *danger)
{
	Function	f = {strict, true, false, raises};

	return combine(f, args, s, danger);
}

static int
classify_any(List *args, Shield *s)
{
	int			result = 0;
	ListCell   *lc;

	foreach(lc, args)
		result |= classify(lfirst(lc), s, NULL);
	return result;
}

static bool
danger_walker(Node *node, void *context)
{
	bool		danger = false;

	if (node == NULL || IsA(node, Query))
		return false;
	(void) classify(node, context, &danger);
	return danger || expression_tree_walker(node, danger_walker, context);
}

/* It folds if conditions do.  In the short form they are about its argument. */
static int
classify_case(CaseExpr *expr, Shield *s, bool *danger)
{
	Shield		inner = *s;
	int			conditions = 0;
	int			result = classify((Node *) expr->defresult, s, NULL);
	ListCell   *lc;

	if (expr->arg)
		inner.case_arg = classify((Node *) expr->arg, s, NULL);
	foreach(lc, expr->args)
	{
		CaseWhen   *when = lfirst_node(CaseWhen, lc);

		conditions |= classify((Node *) when->expr, &inner, NULL);
		result |= classify((Node *) when->result, s, NULL);
		if (danger && expr->arg && danger_walker((Node *) when->expr, &inner))
			*danger = true;
	}
	if (conditions == MAY_VARY)
		return MAY_VARY;
	if ((conditions & NULL_BASED) && (result & MAY_BE_CONST))
		result |= MAY_ABSORB;
	return result | MAY_VARY;
}

/* Comparisons for which a null is a value; the operator is not called for it. */
static int
classify_null_safe(OpExpr *expr, Shield *s, bool *danger)
{
	int			any = classify_any(expr->args, s);
	int			result = combine(look_up_operator(expr, s), expr->args, s, danger);

	return result | (any & ~MAY_BE_CONST) | ((any & NULL_BASED) ? MAY_ABSORB : 0);
}

/* What may the expression become?  danger: set if it itself (not a part of it) may fail then. */
static int
classify(Node *node, Shield *s, bool *danger)
{
	int			any;

	check_stack_depth();
	if (node == NULL)
		return MAY_BE_NULL;
	switch (nodeTag(node))
	{
		case T_Const:
			return ((Const *) node)->constisnull ? MAY_BE_NULL : MAY_BE_CONST;
		case T_Var:
			return classify_var((Var *) node, s->level);
		case T_CaseTestExpr:
			return s->case_arg;
		case T_FuncExpr:
			return combine_call(((FuncExpr *) node)->funcid, ((FuncExpr *) node)->args, s, danger);
		case T_OpExpr:
			return combine(look_up_operator((OpExpr *) node, s), ((OpExpr *) node)->args, s, danger);
		case T_ScalarArrayOpExpr:
			set_sa_opfuncid((ScalarArrayOpExpr *) node);
			return combine_call(((ScalarArrayOpExpr *) node)->opfuncid,
								((ScalarArrayOpExpr *) node)->args, s, danger);
		case T_NullIfExpr:
		case T_DistinctExpr:
			return classify_null_safe((OpExpr *) node, s, danger);
		case T_RelabelType:
			return classify((Node *) ((RelabelType *) node)->arg, s, NULL);
		case T_CollateExpr:
			return classify((Node *) ((CollateExpr *) node)->arg, s, NULL);
		case T_ConvertRowtypeExpr:
			return classify((Node *) ((ConvertRowtypeExpr *) node)->arg, s, NULL);
		case T_CoerceToDomain:
			return classify((Node *) ((CoerceToDomain *) node)->arg, s, NULL) | MAY_VARY;
		case T_FieldSelect:
			return classify((Node *) ((FieldSelect *) node)->arg, s, NULL);
		case T_CoerceViaIO:
			return combine_plain(true, true, list_make1(((CoerceViaIO *) node)->arg), s, danger);
		case T_ArrayCoerceExpr:
			return combine_plain(true, true, list_make1(((ArrayCoerceExpr *) node)->arg), s, danger);
		case T_ArrayExpr:
			return combine_plain(false, ((ArrayExpr *) node)->multidims,
								 ((ArrayExpr *) node)->elements, s, danger);
		case T_RowExpr:
			any = classify_any(((RowExpr *) node)->args, s);
			return MAY_VARY | MAY_BE_CONST | ((any & NULL_BASED) ? MAY_ABSORB : 0);
		case T_SubscriptingRef:
			any = classify((Node *) ((SubscriptingRef *) node)->refexpr, s, NULL) |
				classify_any(((SubscriptingRef *) node)->refupperindexpr, s);
			return any | ((any & NULL_BASED) ? MAY_ABSORB : 0);
		case T_CoalesceExpr:
			any = classify_any(((CoalesceExpr *) node)->args, s);
			return (any & NULL_BASED) && (any & MAY_BE_CONST) ? any | MAY_ABSORB : any;
		case T_MinMaxExpr:
			any = classify_any(((MinMaxExpr *) node)->args, s);
			return (any & NULL_BASED) && (any & MAY_BE_CONST) ? any | MAY_ABSORB : any;
		case T_CaseExpr:
			return classify_case((CaseExpr *) node, s, danger);
		case T_NullTest:
			any = classify((Node *) ((NullTest *) node)->arg, s, NULL);
			return (any & ~MAY_BE_NULL) | ((any & NULL_BASED) ? MAY_ABSORB : 0);
		case T_BooleanTest:
			any = classify((Node *) ((BooleanTest *) node)->arg, s, NULL);
			return (any & ~MAY_BE_NULL) | ((any & NULL_BASED) ? MAY_ABSORB : 0);
		case T_BoolExpr:
			any = classify_any(((BoolExpr *) node)->args, s);
			return any | ((any & MAY_BE_NULL) && ((BoolExpr *) node)->boolop != NOT_EXPR ?
						  MAY_ABSORB : 0);
		default:
			return MAY_VARY;
	}
}

static Expr *
replace_column(Expr *expr, Shield *s)
{
	return (Expr *) replace_mutator((Node *) expr, s);
}

static Expr *
shield_column(Expr *expr, Shield *s)
{
	return (Expr *) shield_mutator((Node *) expr, s);
}

/* Replace all nulls of an expression, wherever they come from. */
static Node *
replace_mutator(Node *node, void *context)
{
	Shield	   *s = context;
	Level	   *up;
	Query	   *subquery;

	if (node == NULL)
		return NULL;
	if (IsA(node, Const) && ((Const *) node)->constisnull)
		return (Node *) tv_null_param((Const *) node);
	if (IsA(node, Var))
	{
		subquery = find_subquery((Var *) node, s->level, &up);
		if (subquery && (classify_var((Var *) node, s->level) & NULL_BASED))
			change_column(subquery, ((Var *) node)->varattno, up, s->in_qual, replace_column);
		return node;
	}
	if (IsA(node, Query))
		return shield_mutator(node, context);
	return expression_tree_mutator(node, replace_mutator, context);
}

/* Replace nulls below what might fail because of them. */
static Node *
shield_mutator(Node *node, void *context)
{
	Shield	   *s = context;
	Shield		inner = *s;
	bool		danger = false;
	Level	   *up;
	Query	   *subquery;

	if (node == NULL)
		return NULL;
	if (IsA(node, Query))
	{
		shield_query((Query *) node, s->level);
		return node;
	}
	if (IsA(node, Var))
	{
		/* outside of quals it is seen to with the subquery */
		subquery = s->in_qual ? find_subquery((Var *) node, s->level, &up) : NULL;
		if (subquery)
			change_column(subquery, ((Var *) node)->varattno, up, true, shield_column);
		return node;
	}
	if (!IsA(node, List))
		(void) classify(node, s, &danger);
	if (danger)
		return replace_mutator(node, s);
	if (IsA(node, CaseExpr) && ((CaseExpr *) node)->arg)
		inner.case_arg = classify((Node *) ((CaseExpr *) node)->arg, s, NULL);
	return expression_tree_mutator(node, shield_mutator, &inner);
}

/* Levels below first; a subquery in FROM sees those above it, too, if it is LATERAL. */
static void
shield_query(Query *query, Level *up)
{
	Level		level = {query, up};
	Shield		s = {&level, false, MAY_VARY};
	Shield		quals = {&level, true, MAY_VARY};
	ListCell   *lc;

	foreach(lc, query->cteList)
		shield_query(castNode(Query, lfirst_node(CommonTableExpr, lc)->ctequery), &level);
	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (rte->rtekind == RTE_SUBQUERY)
			shield_query(rte->subquery, &level);
		rte->functions = (List *) shield_mutator((Node *) rte->functions, &quals);
		rte->tablefunc = (TableFunc *) shield_mutator((Node *) rte->tablefunc, &quals);
		rte->values_lists = (List *) shield_mutator((Node *) rte->values_lists, &s);
	}
	query->targetList = (List *) shield_mutator((Node *) query->targetList, &s);
	query->jointree = (FromExpr *) shield_mutator((Node *) query->jointree, &quals);
	query->havingQual = shield_mutator(query->havingQual, &quals);
	query->limitOffset = shield_mutator(query->limitOffset, &quals);
	query->limitCount = shield_mutator(query->limitCount, &quals);
}

static bool
has_null(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Const))
		return ((Const *) node)->constisnull;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, has_null, context, 0);
	return expression_tree_walker(node, has_null, context);
}

/* Is something called that may fail, other than a strict function of null? */
static bool
raises_walker(Node *node, void *context)
{
	Shield	   *s = context;
	bool		raises;

	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_FuncExpr:
			raises = look_up_function(((FuncExpr *) node)->funcid, s).raises;
			break;
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
			raises = look_up_operator((OpExpr *) node, s).raises;
			break;
		case T_ScalarArrayOpExpr:
			set_sa_opfuncid((ScalarArrayOpExpr *) node);
			raises = look_up_function(((ScalarArrayOpExpr *) node)->opfuncid, s).raises;
			break;
		case T_List:
		case T_Var:
		case T_Const:
		case T_RelabelType:
		case T_CollateExpr:
		case T_NullTest:
		case T_BooleanTest:
		case T_BoolExpr:
		case T_CoalesceExpr:
		case T_CaseExpr:
		case T_CaseWhen:
		case T_CaseTestExpr:
		case T_MinMaxExpr:
		case T_RowExpr:
		case T_FieldSelect:
			raises = false;
			break;
		default:
			raises = true;
	}
	if (raises && classify(node, s, NULL) != MAY_BE_NULL)
		return true;
	return expression_tree_walker(node, raises_walker, context);
}

bool
tv_expr_may_fail(Node *expr)
{
	Shield		s = {NULL, true, MAY_VARY};

	return classify(expr, &s, NULL) != MAY_BE_NULL && raises_walker(expr, &s);
}

bool
tv_expr_surely_null(Node *expr)
{
	Shield		s = {NULL, true, MAY_VARY};

	return classify(expr, &s, NULL) == MAY_BE_NULL;
}

bool
tv_expr_has_null(Node *expr)
{
	return has_null(expr, NULL);
}

bool
tv_null_may_fail(Node *expr)
{
	return has_null(expr, NULL) && tv_expr_may_fail(expr);
}

Query *
tv_shield_nulls(Query *query)
{
	if (!has_null((Node *) query, NULL))
		return query;
	query = copyObject(query);
	shield_query(query, NULL);
	return query;
}

Expr *
tv_shield_expr_nulls(Expr *expr)
{
	Shield		s = {NULL, false, MAY_VARY};

	return (Expr *) shield_mutator((Node *) expr, &s);
}
