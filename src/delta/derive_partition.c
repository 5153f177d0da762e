/*-------------------------------------------------------------------------
 *
 * delta/derive_partition.c
 *	  Queries that compute partitions of a PARTITION node.
 *
 * The windows stand on levels (compile_window.c), each a query over the one
 * below:
 *
 *		select *, func() over (...)
 *		from (select *, func() over (...)
 *			  from (input restricted to the touched partitions) order by ...)
 *
 * Where results depend on the order of rows that the window does not order, the
 * level's input comes in the window's order, and such rows by their image.  A
 * sorted input is not sorted again, so that the same rows always give the same
 * results.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"

#include "delta/derive_internal.h"

static Query *input_rows(const TvGraph *graph, const TvNode *node, TvRecomputeScope scope,
						 double rows);
static Query *level_query(const TvWindowLevel *level, Query *input);
static void sort_for(Query *query, const TvNode *node, const TvWindowLevel *level);

Query *
tv_derive_partition(const TvGraph *graph, const TvNode *node, TvRecomputeScope scope,
					double rows)
{
	Query	   *query = input_rows(graph, node, scope, rows);
	ListCell   *lc;

	foreach(lc, node->levels)
	{
		TvWindowLevel *level = lfirst(lc);

		if (level->tiebreak)
			sort_for(query, node, level);
		query = level_query(level, query);
	}
	return query;
}

static Query *
input_rows(const TvGraph *graph, const TvNode *node, TvRecomputeScope scope, double rows)
{
	Query	   *query = tv_query_make();

	tv_query_add_rte(query, tv_query_subquery_rte(tv_query_input(graph, node), "input"));
	for (int i = 0; i < node->in_desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(node->in_desc, i);

		tv_query_add_column(query, (Expr *) makeVar(1, i + 1, att->atttypid, att->atttypmod,
													att->attcollation, 0), NULL);
	}
	tv_query_restrict(query, node, scope, rows);
	return query;
}

/* Sort references are numbers of columns: label these with them. */
static void
label_columns(Query *query, List *clauses)
{
	ListCell   *lc;

	foreach(lc, clauses)
	{
		Index		ref = lfirst_node(SortGroupClause, lc)->tleSortGroupRef;

		list_nth_node(TargetEntry, query->targetList, ref - 1)->ressortgroupref = ref;
	}
}

/* The rows of the level's input, and its windows' results. */
static Query *
level_query(const TvWindowLevel *level, Query *input)
{
	Query	   *query = tv_query_make();
	ListCell   *lc;

	tv_query_add_rte(query, tv_query_subquery_rte(input, "input"));
	foreach(lc, input->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (tle->resjunk)
			continue;
		tv_query_add_column(query, (Expr *) makeVar(1, tle->resno, exprType((Node *) tle->expr),
													exprTypmod((Node *) tle->expr),
													exprCollation((Node *) tle->expr), 0), NULL);
	}
	foreach(lc, level->clauses)
	{
		WindowClause *clause = copyObject(lfirst_node(WindowClause, lc));

		label_columns(query, clause->partitionClause);
		label_columns(query, clause->orderClause);
		query->windowClause = lappend(query->windowClause, clause);
	}
	foreach(lc, level->funcs)
		tv_query_add_column(query, copyObject(lfirst(lc)), NULL);
	query->hasWindowFuncs = true;
	return query;
}

/* Partition by partition, in the window's order, then by the row's image. */
static void
sort_for(Query *query, const TvNode *node, const TvWindowLevel *level)
{
	WindowClause *clause = linitial_node(WindowClause, level->clauses);
	List	   *order = list_concat_copy(clause->partitionClause, clause->orderClause);
	RowExpr    *row = makeNode(RowExpr);
	SortGroupClause *image = makeNode(SortGroupClause);
	TargetEntry *tle;
	ListCell   *lc;

	label_columns(query, order);
	foreach(lc, order)
	{
		SortGroupClause *sort = copyObject(lfirst_node(SortGroupClause, lc));
		bool		seen = false;
		ListCell   *ls;

		foreach(ls, query->sortClause)
			seen |= lfirst_node(SortGroupClause, ls)->tleSortGroupRef == sort->tleSortGroupRef;
		if (!seen)
			query->sortClause = lappend(query->sortClause, sort);
	}

	row->row_typeid = RECORDOID;
	row->row_format = COERCE_EXPLICIT_CALL;
	row->location = -1;
	for (int i = 0; i < node->in_desc->natts; i++)
	{
		row->args = lappend(row->args,
							copyObject(list_nth_node(TargetEntry, query->targetList, i)->expr));
		row->colnames = lappend(row->colnames, makeString(psprintf("f%d", i + 1)));
	}
	if (row->args == NIL)
		return;
	tle = makeTargetEntry((Expr *) row, list_length(query->targetList) + 1, NULL, true);
	tle->ressortgroupref = tle->resno;
	query->targetList = lappend(query->targetList, tle);
	image->tleSortGroupRef = tle->ressortgroupref;
	image->eqop = RECORD_IMAGE_EQ_OP;
	image->sortop = RECORD_IMAGE_LT_OP;
	query->sortClause = lappend(query->sortClause, image);
}
