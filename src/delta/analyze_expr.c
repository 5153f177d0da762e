/*-------------------------------------------------------------------------
 *
 * delta/analyze_expr.c
 *	  Refuse expressions whose value depends on more than their arguments.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/lsyscache.h"

#include "delta/compile_internal.h"
#include "tv_compat.h"

/* Argument of check_function(). */
typedef struct TvFunctionCheck
{
	TvCompiler *compiler;
	Node	   *call;			/* the node that calls the function */
} TvFunctionCheck;

static bool check_walker(Node *node, TvCompiler *c);
static bool check_call(Node *node, TvCompiler *c);
static bool analyze_conversions(TvCompiler *c, Node *node);
static bool analyze_cast(TvCompiler *c, CoerceViaIO *cast);
static bool analyze_table_function(TvCompiler *c, TableFunc *function);
static bool check_function(Oid funcid, void *context);

bool
tv_analyze_expr(TvCompiler *c, Node *expr)
{
	check_walker(expr, c);
	return c->refusal == NULL;
}

static bool
check_walker(Node *node, TvCompiler *c)
{
	const char *what = NULL;

	if (node == NULL)
		return false;
	check_stack_depth();

	if (IsA(node, Var))
	{
		Var		   *var = (Var *) node;

		/* what is left of tableoid is that of a table in a tree */
		if (var->varattno == TableOidAttributeNumber)
			return false;
		if (var->varattno < 0)
			tv_compile_refuse(c, var->location, "%s is not supported in a maintained view",
							  "a system column",
							  "System columns change without a change of the row.",
							  "Use columns of your own.");
		else if (var->varattno == 0)
			tv_compile_refuse(c, var->location, "%s is not supported in a maintained view",
							  "a whole-row reference",
							  "Changes are captured column by column.",
							  "Name the columns.");
		return c->refusal != NULL;
	}
	if (IsA(node, Query))
		what = "a subquery in an expression";
	else if (IsA(node, Param) && ((Param *) node)->paramkind != PARAM_SUBLINK)
		what = "a parameter";
	else if (IsA(node, SQLValueFunction))
	{
		tv_compile_refuse(c, ((SQLValueFunction *) node)->location,
						  "a function of time or session is not supported in a maintained view",
						  NULL,
						  "Its result changes although no base table does.",
						  "Leave it to the query that reads the view.");
		return true;
	}
	else if (IsA(node, NextValueExpr))
		what = "nextval";
	else if (IsA(node, SubLink))
		/* the query in it is looked at when it is compiled */
		return check_walker(((SubLink *) node)->testexpr, c);
	if (what)
	{
		tv_compile_refuse(c, exprLocation(node), "%s is not supported in a maintained view", what,
						  "No maintenance rule exists for it.",
						  "Leave it to the query that reads the view.");
		return true;
	}

	if (IsA(node, ArrayCoerceExpr) || IsA(node, XmlExpr) || tv_compat_is_json_node(node))
		c->uses_settings = true;
	if (IsA(node, TableFunc) && !analyze_table_function(c, (TableFunc *) node))
		return true;
	if (IsA(node, CoerceViaIO))
	{
		if (!analyze_cast(c, (CoerceViaIO *) node))
			return true;
		return expression_tree_walker(node, check_walker, c);
	}
	if (check_call(node, c))
		return true;
	if (IsA(node, RangeTblFunction) && ((RangeTblFunction *) node)->funccoltypes)
	{
		/* its columns are known, although its type tells nothing */
		Node	   *call = ((RangeTblFunction *) node)->funcexpr;
		TvFunctionCheck check = {c, call};

		return !tv_analyze_row_function(c, (RangeTblFunction *) node) ||
			check_functions_in_node(call, check_function, &check) ||
			expression_tree_walker(call, check_walker, c);
	}
	if (IsA(node, FuncExpr) && !tv_analyze_row_call(c, (FuncExpr *) node))
		return true;
	return expression_tree_walker(node, check_walker, c);
}

/* The functions that a node itself calls. */
static bool
check_call(Node *node, TvCompiler *c)
{
	TvFunctionCheck check = {c, node};

	return check_functions_in_node(node, check_function, &check) || !analyze_conversions(c, node);
}

/* Those that print values, or read them, as part of something else. */
static bool
analyze_conversions(TvCompiler *c, Node *node)
{
	int			location = exprLocation(node);
	List	   *printed = NIL;
	TvConversion how = TV_PRINT;
	ListCell   *lc;

	if (IsA(node, FuncExpr))
	{
		FuncExpr   *call = (FuncExpr *) node;

		return tv_analyze_arguments(c, call->funcid, call->args, call->funcresulttype, location);
	}
	if (IsA(node, OpExpr))
	{
		OpExpr	   *op = (OpExpr *) node;

		return tv_analyze_arguments(c, get_opcode(op->opno), op->args, op->opresulttype, location);
	}
	if (IsA(node, Aggref))
	{
		Aggref	   *agg = (Aggref *) node;

		return tv_analyze_arguments(c, agg->aggfnoid, agg->args, agg->aggtype, location);
	}
	if (IsA(node, WindowFunc))
	{
		WindowFunc *call = (WindowFunc *) node;

		return tv_analyze_arguments(c, call->winfnoid, call->args, call->wintype, location);
	}
	if (IsA(node, RowExpr))
		return tv_analyze_row(c, (RowExpr *) node);

	if (IsA(node, XmlExpr))
		printed = list_concat_copy(((XmlExpr *) node)->named_args, ((XmlExpr *) node)->args);
	else if (tv_compat_is_json_node(node))
	{
		printed = tv_compat_json_args(node);
		how = TV_PRINT_JSON;
		if (!tv_analyze_conversion(c, NULL, exprType(node), TV_READ, location))
			return false;
	}
	foreach(lc, printed)
	{
		if (!tv_analyze_conversion(c, lfirst(lc), exprType(lfirst(lc)), how, location))
			return false;
	}
	return true;
}

/* A cast by way of text. */
static bool
analyze_cast(TvCompiler *c, CoerceViaIO *cast)
{
	const char *word;
	bool		checked = tv_clock_cast_is_checked(cast, &word);

	if (word)
	{
		tv_compile_refuse(c, cast->location, "\"%s\", cast to a date or time, is not supported in a maintained view", word,
						  "It stands for another value whenever it is read.",
						  "Leave it to the query that reads the view.");
		return false;
	}
	return tv_analyze_conversion(c, (Node *) cast->arg, exprType((Node *) cast->arg), TV_PRINT,
								 cast->location) &&
		tv_analyze_conversion(c, NULL, cast->resulttype, checked ? TV_READ_CHECKED : TV_READ,
							  cast->location);
}

/* XMLTABLE makes values of its columns' types from text. */
static bool
analyze_table_function(TvCompiler *c, TableFunc *function)
{
	ListCell   *lc;

	c->uses_settings = true;
	foreach(lc, function->coltypes)
	{
		if (!tv_analyze_conversion(c, NULL, lfirst_oid(lc), TV_READ, function->location))
			return false;
	}
	return true;
}

/* Callback of check_functions_in_node: true stops the walk. */
static bool
check_function(Oid funcid, void *context)
{
	TvFunctionCheck *check = context;

	return !tv_analyze_call(check->compiler, funcid, check->call);
}
