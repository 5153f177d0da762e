/*-------------------------------------------------------------------------
 *
 * delta/derive_partition.c
 *	  Queries that compute partitions of a PARTITION node.
 *
 * The first rows of partitions, by their keys or all of them:
 *
 *		select t.* from keys, lateral (select * from input where input.k = keys.k
 *									   order by ... limit ...) t
 *		select * from (select *, row_number() over (partition by k order by ...)
 *					   from input) where row_number between ...
 *
 * Windows stand on levels (compile_window.c), each a query over the one
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
#include "utils/fmgroids.h"

#include "delta/derive_internal.h"

/* > and <= of int8 */
#define INT8_GT_OP 413
#define INT8_LE_OP 414

static Query *input_rows(const TvGraph *graph, const TvNode *node, TvRecomputeScope scope,
						 double rows);
static Query *level_query(const TvWindowLevel *level, Query *input);
static void sort_for(Query *query, const TvNode *node, const TvWindowLevel *level);
static void sort_by(Query *query, const TvNode *node, List *order, bool tiebreak);
static Query *first_rows(const TvGraph *graph, const TvNode *node);
static Query *first_rows_of_keys(const TvGraph *graph, const TvNode *node,
								 TvRecomputeScope scope, double rows);
static Query *first_rows_by_number(const TvGraph *graph, const TvNode *node);

Query *
tv_derive_partition(const TvGraph *graph, const TvNode *node, TvRecomputeScope scope,
					double rows)
{
	if (node->top_rows && node->nkeys == 0)
		return first_rows(graph, node);
	if (node->top_rows && scope != TV_RECOMPUTE_ALL)
		return first_rows_of_keys(graph, node, scope, rows);
	if (node->top_rows)
		return first_rows_by_number(graph, node);

	return tv_derive_levels(node, input_rows(graph, node, scope, rows));
}

Query *
tv_derive_levels(const TvNode *node, Query *input)
{
	Query	   *query = input;
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

Query *
tv_derive_input_rows(const TvGraph *graph, const TvNode *node)
{
	return input_rows(graph, node, TV_RECOMPUTE_ALL, 0);
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

	sort_by(query, node, list_concat_copy(clause->partitionClause, clause->orderClause), true);
}

/* Add ORDER BY columns of the input row, and then by its image. */
static void
sort_by(Query *query, const TvNode *node, List *order, bool tiebreak)
{
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
	if (!tiebreak || node->in_desc->natts == 0)
		return;

	row->row_typeid = RECORDOID;
	row->row_format = COERCE_EXPLICIT_CALL;
	row->location = -1;
	for (int i = 0; i < node->in_desc->natts; i++)
	{
		row->args = lappend(row->args,
							copyObject(list_nth_node(TargetEntry, query->targetList, i)->expr));
		row->colnames = lappend(row->colnames, makeString(psprintf("f%d", i + 1)));
	}
	tle = makeTargetEntry((Expr *) row, list_length(query->targetList) + 1, NULL, true);
	tle->ressortgroupref = tle->resno;
	query->targetList = lappend(query->targetList, tle);
	image->tleSortGroupRef = tle->ressortgroupref;
	image->eqop = RECORD_IMAGE_EQ_OP;
	image->sortop = RECORD_IMAGE_LT_OP;
	query->sortClause = lappend(query->sortClause, image);
}

/* ------------------------------------------------------------------------
 * First rows
 * ------------------------------------------------------------------------
 */

static Query *
first_rows(const TvGraph *graph, const TvNode *node)
{
	TvTopRows  *rows = node->top_rows;
	Query	   *query = input_rows(graph, node, TV_RECOMPUTE_ALL, 0);

	sort_by(query, node, rows->order, rows->tiebreak);
	query->limitOffset = copyObject(rows->offset);
	query->limitCount = copyObject(rows->count);
	query->limitOption = rows->with_ties ? LIMIT_OPTION_WITH_TIES : LIMIT_OPTION_COUNT;
	return query;
}

/* The node's row, read from RTE rti. */
static void
add_row(Query *query, const TvNode *node, int rti)
{
	for (int i = 0; i < node->in_desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(node->in_desc, i);

		tv_query_add_column(query, (Expr *) makeVar(rti, i + 1, att->atttypid, att->atttypmod,
													att->attcollation, 0), NULL);
	}
}

/* For each key, read its partition in order. */
static Query *
first_rows_of_keys(const TvGraph *graph, const TvNode *node, TvRecomputeScope scope,
				   double rows)
{
	Query	   *query = tv_query_make();
	Query	   *partition = first_rows(graph, node);
	RangeTblEntry *rte;

	tv_query_add_rte(query, tv_query_keys_rte(node, rows));
	tv_query_restrict_lateral(partition, node, scope);
	rte = tv_query_subquery_rte(partition, "partition");
	rte->lateral = true;
	add_row(query, node, tv_query_add_rte(query, rte));
	return query;
}

/* number - offset, as int8 */
static Expr *
from_offset(Expr *number, const TvTopRows *rows)
{
	if (rows->offset == NULL)
		return number;
	return (Expr *) makeFuncExpr(F_INT8MI, INT8OID, list_make2(number, copyObject(rows->offset)),
								 InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
}

static Expr *
compare_int8(Oid operator, Expr *left, Expr *right)
{
	OpExpr	   *result = (OpExpr *) make_opclause(operator, BOOLOID, false, left, right,
												  InvalidOid, InvalidOid);

	set_opfuncid(result);
	return (Expr *) result;
}

static void
add_number(Query *query, const TvNode *node, Oid function, Index winref)
{
	WindowFunc *func = makeNode(WindowFunc);

	func->winfnoid = function;
	func->wintype = INT8OID;
	func->winref = winref;
	func->location = -1;
	tv_query_add_column(query, (Expr *) func, NULL);
}

/* All partitions, by row_number() and, WITH TIES, rank(). */
static Query *
first_rows_by_number(const TvGraph *graph, const TvNode *node)
{
	TvTopRows  *rows = node->top_rows;
	Query	   *query = tv_query_make();
	Query	   *input = input_rows(graph, node, TV_RECOMPUTE_ALL, 0);
	Query	   *numbered = tv_query_make();
	WindowClause *window = makeNode(WindowClause);
	List	   *quals = NIL;
	int			natts = node->in_desc->natts;

	for (int i = 0; i < node->nkeys; i++)
	{
		SortGroupClause *clause = copyObject(node->keys[i].clause);

		clause->tleSortGroupRef = i + 1;
		window->partitionClause = lappend(window->partitionClause, clause);
	}
	window->orderClause = copyObject(rows->order);
	window->frameOptions = FRAMEOPTION_DEFAULTS;
	window->winref = 1;
	sort_by(input, node, list_concat_copy(window->partitionClause, window->orderClause),
			rows->tiebreak);

	tv_query_add_rte(numbered, tv_query_subquery_rte(input, "input"));
	add_row(numbered, node, 1);
	label_columns(numbered, window->partitionClause);
	label_columns(numbered, window->orderClause);
	numbered->windowClause = list_make1(window);
	numbered->hasWindowFuncs = true;
	add_number(numbered, node, F_ROW_NUMBER, 1);
	if (rows->with_ties)
		add_number(numbered, node, F_RANK_, 1);

	tv_query_add_rte(query, tv_query_subquery_rte(numbered, "numbered"));
	add_row(query, node, 1);
	if (rows->offset)
		quals = lappend(quals, compare_int8(INT8_GT_OP,
											from_offset((Expr *) makeVar(1, natts + 1, INT8OID, -1,
																		 InvalidOid, 0), rows),
											tv_query_int8(0)));
	if (rows->count)
		quals = lappend(quals, compare_int8(INT8_LE_OP,
											from_offset((Expr *) makeVar(1, natts + (rows->with_ties ? 2 : 1),
																		 INT8OID, -1, InvalidOid, 0), rows),
											(Expr *) copyObject(rows->count)));
	tv_query_where(query, quals);
	return query;
}
