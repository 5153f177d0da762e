/*-------------------------------------------------------------------------
 *
 * delta/fold.c
 *	  Compute the constant parts of an expression.
 *
 * A definition is compiled in every session that writes to its tables.  What
 * functions it calls then is the owner's code, run for the owner: neither with
 * the rights of the session's user, which tv_graph_compile() sees to, nor with a
 * search_path that lets this user put functions of his own in the way.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/guc.h"

#include "config.h"
#include "delta/fold.h"

static bool
is_user_function(Oid funcid, void *context)
{
	return funcid >= FirstGenbkiObjectId;
}

static bool
calls_user_code(Node *node, void *context)
{
	if (node == NULL)
		return false;
	/* the server's walker knows it below CASE only */
	if (IsA(node, CaseWhen))
		return calls_user_code((Node *) ((CaseWhen *) node)->expr, context) ||
			calls_user_code((Node *) ((CaseWhen *) node)->result, context);
	if (check_functions_in_node(node, is_user_function, context))
		return true;
	return expression_tree_walker(node, calls_user_code, context);
}

Node *
tv_fold(Node *expr)
{
	int			level;

	if (!calls_user_code(expr, NULL))
		return eval_const_expressions(NULL, expr);
	level = NewGUCNestLevel();
	(void) set_config_option("search_path", TV_SEARCH_PATH, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	expr = eval_const_expressions(NULL, expr);
	AtEOXact_GUC(false, level);
	return expr;
}
