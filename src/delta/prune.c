/*-------------------------------------------------------------------------
 *
 * delta/prune.c
 *	  Take output columns that nobody reads out of subqueries.
 *
 * The server does not compute a subquery's output column that its reader does
 * not use (remove_unused_subquery_outputs() in its planner), so a maintained
 * view must not compute it either: it might fail, and it would cost an
 * accumulator for every group.  Such a column becomes a null of its type, as
 * there.  The conditions are the server's: columns that serve GROUP BY,
 * DISTINCT, ORDER BY or a set operation other than UNION ALL stay, and so do
 * those that return sets.
 *
 * A CTE that is read more than once keeps the columns that any reader uses.
 * The work goes from the top down, so that a column that only an unused one
 * needs is unused as well.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"

#include "delta/compile_internal.h"

/* The columns of a query's FROM items that the query reads, wherever in it. */
typedef struct TvUses
{
	const Query *query;
	int			depth;			/* levels between the query and the walker */
	Bitmapset **used;			/* by range table index; attribute numbers
								 * less FirstLowInvalidHeapAttributeNumber */
} TvUses;

/* The columns of a CTE that are read. */
typedef struct TvCteUses
{
	const char *name;
	int			depth;
	Bitmapset  *used;
} TvCteUses;

static void prune_outputs(Query *query, Bitmapset *used);
static void prune_union_all(Query *query, Node *node, Bitmapset *used);
static bool prune_walker(Node *node, void *context);
static bool is_union_all(Node *node);
static Bitmapset **uses_of(const Query *query, const List *more);
static bool use_walker(Node *node, void *context);
static bool cte_use_walker(Node *node, void *context);

void
tv_prune_query(Query *query)
{
	check_stack_depth();

	/* subqueries of a set operation were pruned by whoever reads it */
	if (query->setOperations == NULL)
	{
		Bitmapset **used = uses_of(query, NIL);
		ListCell   *lc;

		foreach(lc, query->rtable)
		{
			RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

			if (rte->rtekind == RTE_SUBQUERY)
				prune_outputs(rte->subquery, used[foreach_current_index(lc) + 1]);
		}
	}
	(void) query_tree_walker(query, prune_walker, NULL, QTW_IGNORE_CTE_SUBQUERIES);

	/* a CTE can be read by those after it only */
	for (int i = list_length(query->cteList) - 1; i >= 0; i--)
	{
		CommonTableExpr *cte = list_nth_node(CommonTableExpr, query->cteList, i);
		TvCteUses	uses = {cte->ctename};

		if (!IsA(cte->ctequery, Query) || castNode(Query, cte->ctequery)->commandType != CMD_SELECT)
			continue;
		if (!cte->cterecursive)
		{
			uses.depth = -1;
			(void) cte_use_walker((Node *) query, &uses);
			prune_outputs(castNode(Query, cte->ctequery), uses.used);
		}
		tv_prune_query(castNode(Query, cte->ctequery));
	}
}

/*
 * Prune the query of a plain view, which the query, and further expressions of
 * it that a correlation took out of it, read as FROM item rti.
 */
void
tv_prune_view(const Query *query, const List *corr, int rti, Query *view)
{
	prune_outputs(view, uses_of(query, corr)[rti]);
	tv_prune_query(view);
}

static bool
prune_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		tv_prune_query((Query *) node);
		return false;
	}
	return expression_tree_walker(node, prune_walker, context);
}

/* Replace what is not in used; the query is changed. */
static void
prune_outputs(Query *query, Bitmapset *used)
{
	bool		changed = false;
	ListCell   *lc;

	/* a reference to the whole row */
	if (bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, used))
		return;
	if (query->setOperations)
	{
		if (is_union_all(query->setOperations))
			prune_union_all(query, query->setOperations, used);
		return;
	}
	if (query->distinctClause && !query->hasDistinctOn)
		return;

	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);
		Node	   *expr = (Node *) tle->expr;

		if (tle->ressortgroupref || tle->resjunk || IsA(expr, Const) ||
			bms_is_member(tle->resno - FirstLowInvalidHeapAttributeNumber, used) ||
			(query->hasTargetSRFs && expression_returns_set(expr)) ||
			contain_volatile_functions(expr))
			continue;
		tle->expr = (Expr *) makeNullConst(exprType(expr), exprTypmod(expr),
										   exprCollation(expr));
		changed = true;
	}
	if (!changed)
		return;

	/* hasAggs stays: it is a query of groups with or without an aggregate */
	if (query->hasWindowFuncs)
		query->hasWindowFuncs = contain_windowfuncs((Node *) query->targetList);
	if (query->hasSubLinks)
		query->hasSubLinks = checkExprHasSubLink((Node *) query);
}

static void
prune_union_all(Query *query, Node *node, Bitmapset *used)
{
	check_stack_depth();
	if (IsA(node, RangeTblRef))
	{
		RangeTblEntry *rte = rt_fetch(((RangeTblRef *) node)->rtindex, query->rtable);

		prune_outputs(rte->subquery, used);
		return;
	}
	prune_union_all(query, castNode(SetOperationStmt, node)->larg, used);
	prune_union_all(query, castNode(SetOperationStmt, node)->rarg, used);
}

/* Is there nothing but UNION ALL in the tree of set operations? */
static bool
is_union_all(Node *node)
{
	SetOperationStmt *op;

	check_stack_depth();
	if (IsA(node, RangeTblRef))
		return true;
	op = castNode(SetOperationStmt, node);
	return op->op == SETOP_UNION && op->all &&
		is_union_all(op->larg) && is_union_all(op->rarg);
}

Bitmapset **
tv_prune_uses(const Query *query)
{
	return uses_of(query, NIL);
}

/* By range table index, from 1. */
static Bitmapset **
uses_of(const Query *query, const List *more)
{
	TvUses		uses = {query};

	uses.used = palloc0(sizeof(Bitmapset *) * (list_length(query->rtable) + 1));
	(void) query_tree_walker(unconstify(Query *, query), use_walker, &uses,
							 QTW_IGNORE_JOINALIASES);
	(void) use_walker((Node *) more, &uses);
	return uses.used;
}

static bool
use_walker(Node *node, void *context)
{
	TvUses	   *uses = context;

	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		Var		   *var = (Var *) node;
		RangeTblEntry *rte;
		int			depth = uses->depth;

		if (var->varlevelsup != depth)
			return false;
		rte = rt_fetch(var->varno, uses->query->rtable);
		if (rte->rtekind != RTE_JOIN)
		{
			uses->used[var->varno] = bms_add_member(uses->used[var->varno],
													var->varattno - FirstLowInvalidHeapAttributeNumber);
			return false;
		}
		/* what the joined column stands for is at the query's own level */
		uses->depth = 0;
		(void) use_walker(var->varattno > 0 ? list_nth(rte->joinaliasvars, var->varattno - 1) :
						  (Node *) rte->joinaliasvars, uses);
		uses->depth = depth;
		return false;
	}
	if (IsA(node, Query))
	{
		check_stack_depth();
		uses->depth++;
		(void) query_tree_walker((Query *) node, use_walker, uses, QTW_IGNORE_JOINALIASES);
		uses->depth--;
		return false;
	}
	return expression_tree_walker(node, use_walker, uses);
}

static bool
cte_use_walker(Node *node, void *context)
{
	TvCteUses  *uses = context;

	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		Query	   *query = (Query *) node;
		Bitmapset **used = NULL;
		ListCell   *lc;

		check_stack_depth();
		uses->depth++;
		foreach(lc, query->rtable)
		{
			RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

			if (rte->rtekind != RTE_CTE || rte->ctelevelsup != uses->depth ||
				strcmp(rte->ctename, uses->name) != 0)
				continue;
			if (used == NULL)
				used = uses_of(query, NIL);
			uses->used = bms_add_members(uses->used, used[foreach_current_index(lc) + 1]);
		}
		(void) query_tree_walker(query, cte_use_walker, uses, 0);
		uses->depth--;
		return false;
	}
	return expression_tree_walker(node, cte_use_walker, uses);
}
