/*-------------------------------------------------------------------------
 *
 * delta/empty_level.c
 *	  Take out of a query what stands beneath LIMIT 0.
 *
 * The server's Limit node never runs its child if the count is 0, so nothing
 * beneath it fails, whatever the rows.  Maintenance must not compute it either:
 *
 *		first 0 rows of (Q)  =  first 0 rows of (SELECT null, ... WHERE false)
 *
 * with nulls of the types of Q's columns.  LIMIT stays: it is a node, so that those
 * above read columns of a table, as they would of the server's Limit node, and not
 * nulls that the planner could compute with.
 *
 * What is taken out is compiled before, in the query as it is: it is refused as
 * anywhere else, and the view depends on what it reads.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteManip.h"

#include "delta/compile_internal.h"
#include "delta/fold.h"

typedef struct TvEmptyLevels
{
	TvCompiler *c;
	int			depth;			/* levels of queries around the walker */
} TvEmptyLevels;

static bool empty_walker(Node *node, void *context);
static bool has_no_rows(const Query *query, int depth);
static void make_empty(Query *query);

void
tv_empty_levels(TvCompiler *c, Query *query)
{
	TvEmptyLevels levels = {c, 0};

	(void) empty_walker((Node *) query, &levels);
}

static bool
empty_walker(Node *node, void *context)
{
	TvEmptyLevels *levels = context;

	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		Query	   *query = (Query *) node;

		check_stack_depth();
		if (has_no_rows(query, levels->depth))
		{
			levels->c->has_empty = true;
			if (levels->c->drop_empty)
				make_empty(query);
			return false;
		}
		levels->depth++;
		(void) query_tree_walker(query, empty_walker, levels, 0);
		levels->depth--;
		return false;
	}
	return expression_tree_walker(node, empty_walker, context);
}

static bool
has_no_rows(const Query *query, int depth)
{
	Const	   *limit;

	if (query->commandType != CMD_SELECT || query->limitCount == NULL)
		return false;
	limit = (Const *) tv_fold(copyObject(query->limitCount));
	if (!IsA(limit, Const) || limit->constisnull || DatumGetInt64(limit->constvalue) != 0)
		return false;

	/* aggregates of the queries around are computed there, row or no row */
	for (int i = 1; i <= depth; i++)
		if (contain_aggs_of_level((Node *) query, i))
			return false;
	return true;
}

/* Its columns keep their numbers and types.  An OFFSET may fail, so it stays. */
static void
make_empty(Query *query)
{
	Query	   *empty = makeNode(Query);
	ListCell   *lc;

	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);
		Node	   *expr = (Node *) tle->expr;

		if (!tle->resjunk)
			empty->targetList = lappend(empty->targetList,
										makeTargetEntry((Expr *) makeNullConst(exprType(expr), exprTypmod(expr),
																			   exprCollation(expr)),
														tle->resno, tle->resname, false));
	}
	empty->commandType = query->commandType;
	empty->querySource = query->querySource;
	empty->canSetTag = query->canSetTag;
	empty->jointree = makeFromExpr(NIL, makeBoolConst(false, false));
	empty->limitCount = query->limitCount;
	empty->limitOffset = query->limitOffset;
	empty->limitOption = LIMIT_OPTION_COUNT;
	*query = *empty;
}
