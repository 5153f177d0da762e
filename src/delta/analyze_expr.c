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
	int			location;		/* of the node that calls the function */
} TvFunctionCheck;

static bool check_walker(Node *node, TvCompiler *c);
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
	TvFunctionCheck check = {c};
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

	if (IsA(node, CoerceViaIO) || IsA(node, ArrayCoerceExpr) || IsA(node, XmlExpr) ||
		tv_compat_is_json_node(node))
		c->uses_settings = true;
	if (IsA(node, TableFunc) && !analyze_table_function(c, (TableFunc *) node))
		return true;
	check.location = exprLocation(node);
	if (check_functions_in_node(node, check_function, &check))
		return true;
	return expression_tree_walker(node, check_walker, c);
}

/* XMLTABLE makes values of its columns' types from text. */
static bool
analyze_table_function(TvCompiler *c, TableFunc *function)
{
	ListCell   *lc;

	c->uses_settings = true;
	foreach(lc, function->coltypes)
	{
		Oid			input;
		Oid			param;

		getTypeInputInfo(lfirst_oid(lc), &input, &param);
		if (!tv_analyze_function(c, input, function->location))
			return false;
	}
	return true;
}

/* Callback of check_functions_in_node: true stops the walk. */
static bool
check_function(Oid funcid, void *context)
{
	TvFunctionCheck *check = context;

	return !tv_analyze_function(check->compiler, funcid, check->location);
}
