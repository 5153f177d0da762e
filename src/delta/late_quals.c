/*-------------------------------------------------------------------------
 *
 * delta/late_quals.c
 *	  Quals over nulls are evaluated for rows that have these nulls.
 *
 * A qual above an outer join sees the nulls of rows without a match only.  In
 * the product of these rows, with the condition that they have no match,
 *
 *		a where 10 / (a.x - coalesce(null, 0)) > 1 and not exists (...)
 *
 * the server may evaluate the qual first, for rows that have a match, or, if
 * nothing but nulls and constants is left of it, for no row at all.  So it is put
 * above the product, where it is about columns:
 *
 *		select from (select a.x, null as n from a where not exists (...) offset 0)
 *		where 10 / (x - coalesce(n, 0)) > 1
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"

#include "delta/derive_internal.h"
#include "delta/late_quals.h"

#define LATE_NAME "product"

static AttrNumber
find_column(Query *query, Expr *expr)
{
	ListCell   *lc;

	foreach(lc, query->targetList)
		if (equal(lfirst_node(TargetEntry, lc)->expr, expr))
		return foreach_current_index(lc) + 1;
	tv_query_add_column(query, expr, NULL);
	return list_length(query->targetList);
}

static Var *
read_column(Query *query, Expr *expr)
{
	return makeVar(1, find_column(query, expr), exprType((Node *) expr),
				   exprTypmod((Node *) expr), exprCollation((Node *) expr), 0);
}

static Node *
null_mutator(Node *node, void *context)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Const) && ((Const *) node)->constisnull)
		return (Node *) read_column(context, (Expr *) node);
	return expression_tree_mutator(node, null_mutator, context);
}

static Node *
column_mutator(Node *node, void *context)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Var))
		return (Node *) read_column(context, (Expr *) node);
	return expression_tree_mutator(node, column_mutator, context);
}

List *
tv_late_nulls(Query *subquery, List *quals)
{
	return (List *) null_mutator((Node *) quals, subquery);
}

Query *
tv_late_quals(Query *query, List *quals)
{
	Query	   *outer = tv_query_make();
	List	   *columns = query->targetList;
	ListCell   *lc;

	if (quals == NIL)
		return query;
	query->targetList = NIL;
	query->limitOffset = (Node *) tv_query_int8(0);
	/* the nulls last, for columns in their place are columns of outer */
	quals = (List *) column_mutator((Node *) quals, query);
	foreach(lc, columns)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		tv_query_add_column(outer, (Expr *) column_mutator((Node *) tle->expr, query), tle->resname);
	}
	tv_query_where(outer, tv_late_nulls(query, quals));
	tv_query_add_rte(outer, tv_query_subquery_rte(query, LATE_NAME));
	return outer;
}

Query *
tv_late_quals_below(Query *query)
{
	RangeTblEntry *rte = query->rtable ? linitial_node(RangeTblEntry, query->rtable) : NULL;

	return list_length(query->rtable) == 1 && rte->rtekind == RTE_SUBQUERY &&
		rte->subquery->limitOffset && strcmp(rte->eref->aliasname, LATE_NAME) == 0 ?
		rte->subquery : NULL;
}
