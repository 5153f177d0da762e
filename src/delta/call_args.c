/*-------------------------------------------------------------------------
 *
 * delta/call_args.c
 *	  Put the defaults of arguments where calls leave them out.
 *
 * The server does this when it plans a query, which is after we have looked at
 * it.  A default may be any expression: one that depends on the time or reads a
 * table is as wrong in a maintained view as if it were written out.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_proc.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "utils/syscache.h"

#include "delta/compile_internal.h"

static bool expand_walker(Node *node, void *context);
static List *expand(List *args, Oid funcid, Oid type);

void
tv_call_args_expand(Node *tree)
{
	(void) expand_walker(tree, NULL);
}

static bool
expand_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	check_stack_depth();
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, expand_walker, context, 0);

	/* what comes out of a default may leave out arguments in turn */
	if (IsA(node, FuncExpr))
	{
		FuncExpr   *call = (FuncExpr *) node;

		call->args = expand(call->args, call->funcid, call->funcresulttype);
	}
	else if (IsA(node, WindowFunc))
	{
		WindowFunc *call = (WindowFunc *) node;

		call->args = expand(call->args, call->winfnoid, call->wintype);
	}
	return expression_tree_walker(node, expand_walker, context);
}

static List *
expand(List *args, Oid funcid, Oid type)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(funcid));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", funcid);
	args = expand_function_arguments(args, false, type, tuple);
	ReleaseSysCache(tuple);
	return args;
}
