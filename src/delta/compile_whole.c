/*-------------------------------------------------------------------------
 *
 * delta/compile_whole.c
 *	  The last resort: one node that computes the whole query anew.
 *
 * Where no rule tells what a change does to a construct, the query is a function
 * of its tables all the same.  Whenever one of the columns that it reads changes,
 * it is run, and what differs from the rows of the view is written.
 *
 * So the query stays as it is, but for what the server's rewriter would do (plain
 * views become subqueries, SEARCH and CYCLE become columns) and for columns of
 * subqueries that nobody reads.  All that is refused
 * because it depends on more than the tables is refused here, too.  And so is
 * what has several right answers, of which each run might give another one: the
 * rows that stay are those of one run, and nobody could check them by another.
 * (Which of several equal values is shown may differ; check.c knows.)
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteHandler.h"
#include "rewrite/rewriteSearchCycle.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "delta/compile_internal.h"
#include "delta/type_image.h"
#include "tv_compat.h"

typedef struct WholeContext
{
	TvCompiler *c;
	TvNode	   *node;
	Query	   *query;			/* whose clauses are being looked at */
	bool		several;		/* there are several right answers */
} WholeContext;

static bool take_query(WholeContext *w, Query *query);
static bool take_nested(Node *node, void *context);
static bool take_ctes(WholeContext *w, Query *query);
static bool take_items(WholeContext *w, Query *query);
static bool take_relation(WholeContext *w, Query *query, int rti, Bitmapset *used);
static void take_columns(WholeContext *w, RangeTblEntry *rte, Relation rel, Bitmapset *used);
static bool take_view(WholeContext *w, Query *query, int rti, Relation rel);
static bool analyze_clauses(WholeContext *w, Query *query);
static bool analyze_windows(WholeContext *w, Query *query);
static bool sensitive_walker(Node *node, void *context);
static void find_items(Node *item, Bitmapset **items);

bool
tv_compile_whole(TvCompiler *c, const Query *definition, const char *why)
{
	TvNode	   *node = tv_compile_add_node(c, TV_NODE_WHOLE, true);
	WholeContext w = {c, node};
	Query	   *query = copyObject(unconstify(Query *, definition));
	List	   *exprs = NIL;
	List	   *names = NIL;
	ListCell   *lc;

	AcquireRewriteLocks(query, true, false);
	tv_call_args_expand((Node *) query);
	tv_clock_casts_wrap(c, (Node *) query);
	tv_whole_row_expand(c, query);
	tv_prune_query(query);
	if (!take_query(&w, query))
		return false;

	/* a stored order means nothing */
	query->sortClause = NIL;
	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (tle->resjunk)
			continue;
		exprs = lappend(exprs, tle->expr);
		names = lappend(names, makeString(tle->resname ? tle->resname : "?column?"));
	}
	node->definition = query;
	node->recompute = true;
	node->recompute_why = why;
	node->identity = TV_IDENTITY_BAG;
	node->in_desc = tv_compile_desc(NIL, NIL);
	node->out_desc = tv_compile_desc(exprs, names);
	tv_compile_sources_of(c, node);
	return c->refusal == NULL;
}

/*
 * Make a query ready for the planner, check it, and note what it reads.  False if
 * it cannot be: with a refusal, or because there are several right answers.
 */
static bool
take_query(WholeContext *w, Query *query)
{
	Query	   *outer = w->query;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	w->several |= query->limitCount || query->limitOffset || query->hasDistinctOn;
	w->query = query;
	if (w->several || !tv_analyze_query(w->c, query) ||
		!tv_grouping_sets_check(w->c, query) ||
		!take_ctes(w, query) || !analyze_clauses(w, query))
		return false;

	/* queries in it, before views become such: these have other rights */
	if (query_tree_walker(query, take_nested, w, 0) || !take_items(w, query))
		return false;
	tv_compat_renew_permissions(query);
	w->query = outer;
	return true;
}

/* Stops at what cannot be taken. */
static bool
take_nested(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return !take_query(context, (Query *) node);
	return expression_tree_walker(node, take_nested, context);
}

/*
 * SEARCH and CYCLE become columns.  A recursive UNION by columns whose equal
 * values can look different goes on from one of them, whichever comes first.
 */
static bool
take_ctes(WholeContext *w, Query *query)
{
	ListCell   *lc;
	ListCell   *lt;

	foreach(lc, query->cteList)
	{
		CommonTableExpr *cte = lfirst_node(CommonTableExpr, lc);
		SetOperationStmt *op;

		if (!cte->cterecursive)
			continue;
		op = castNode(SetOperationStmt, castNode(Query, cte->ctequery)->setOperations);
		foreach(lt, op->colTypes)
		{
			int			i = foreach_current_index(lt);

			w->several |= !op->all &&
				!tv_type_one_text(lfirst_oid(lt), list_nth_int(op->colTypmods, i),
								  list_nth_oid(op->colCollations, i));
		}
		if (cte->search_clause || cte->cycle_clause)
			lfirst(lc) = rewriteSearchAndCycle(cte);
	}
	return !w->several;
}

/* ------------------------------------------------------------------------
 * FROM
 * ------------------------------------------------------------------------
 */

static void
find_items(Node *item, Bitmapset **items)
{
	ListCell   *lc;

	if (IsA(item, RangeTblRef))
		*items = bms_add_member(*items, ((RangeTblRef *) item)->rtindex);
	else if (IsA(item, JoinExpr))
	{
		find_items(((JoinExpr *) item)->larg, items);
		find_items(((JoinExpr *) item)->rarg, items);
	}
	else
		foreach(lc, castNode(FromExpr, item)->fromlist)
			find_items(lfirst(lc), items);
}

static bool
take_items(WholeContext *w, Query *query)
{
	Bitmapset **used = tv_prune_uses(query);
	Bitmapset  *items = NULL;
	ListCell   *lc;

	find_items((Node *) query->jointree, &items);
	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);
		int			rti = foreach_current_index(lc) + 1;

		if (rte->rtekind != RTE_RELATION)
			continue;
		if (bms_is_member(rti, items))
		{
			if (!take_relation(w, query, rti, used[rti]))
				return false;
			continue;
		}
		/* OLD and NEW in the rule of a view */
		rte->rtekind = RTE_RESULT;
		rte->relid = InvalidOid;
		rte->relkind = '\0';
		rte->rellockmode = 0;
		rte->inh = false;
	}
	return true;
}

static bool
take_relation(WholeContext *w, Query *query, int rti, Bitmapset *used)
{
	TvCompiler *c = w->c;
	RangeTblEntry *rte = rt_fetch(rti, query->rtable);
	Relation	rel = table_open(rte->relid, AccessShareLock);
	bool		result;

	c->relids = list_append_unique_oid(c->relids, rte->relid);
	if (rel->rd_rel->relkind == RELKIND_VIEW)
		result = take_view(w, query, rti, rel);
	else
	{
		result = tv_analyze_relation(c, query, rti, rel);
		if (result)
			take_columns(w, rte, rel, used);
	}
	table_close(rel, NoLock);
	return result && c->refusal == NULL;
}

/*
 * Any change of these columns, or of which rows there are, makes the node run.  Its
 * input row has no columns: there need not be anything but a row.
 */
static void
take_columns(WholeContext *w, RangeTblEntry *rte, Relation rel, Bitmapset *used)
{
	int			number = tv_compile_source(w->c, rel->rd_rel->relkind == RELKIND_MATVIEW ?
										   TV_SOURCE_VIEW : TV_SOURCE_BASE, rte->relid, -1);
	TvSource   *source = list_nth(w->c->sources, number);
	TvBranch   *captured = tv_table_branch(w->c, rte, rel, number);
	TvBranch   *branch = palloc0(sizeof(TvBranch));
	TvLeaf	   *leaf = palloc0(sizeof(TvLeaf));
	int			bit = -1;

	while ((bit = bms_next_member(used, bit)) >= 0)
	{
		AttrNumber	attno = bit + FirstLowInvalidHeapAttributeNumber;
		List	   *vars = NIL;
		ListCell   *lc;

		/* what a virtual column is computed from */
		if (captured && attno > 0)
			vars = pull_var_clause(list_nth(captured->exprs, attno - 1), 0);
		else
			source->columns = bms_add_member(source->columns, TV_COLUMN_OF_ATTNO(attno));
		foreach(lc, vars)
			source->columns = bms_add_member(source->columns,
											 TV_COLUMN_OF_ATTNO(lfirst_node(Var, lc)->varattno));
	}
	leaf->rte = copyObject(rte);
	leaf->source = number;
	branch->leaves = list_make1(leaf);
	w->node->branches = lappend(w->node->branches, branch);
}

/* A plain view stands for its query, with the view owner's rights. */
static bool
take_view(WholeContext *w, Query *query, int rti, Relation rel)
{
	RangeTblEntry *rte = rt_fetch(rti, query->rtable);
	Query	   *view = copyObject(get_view_query(rel));
	Oid			check_as = w->c->check_as;
	bool		result;

	AcquireRewriteLocks(view, true, false);
	tv_call_args_expand((Node *) view);
	tv_clock_casts_wrap(w->c, (Node *) view);
	tv_whole_row_expand(w->c, view);
	tv_prune_view(query, NIL, rti, view);
	if (!RelationHasSecurityInvoker(rel))
		w->c->check_as = rel->rd_rel->relowner;
	result = take_query(w, view);
	w->c->check_as = check_as;

	rte->rtekind = RTE_SUBQUERY;
	rte->subquery = view;
	rte->security_barrier = RelationIsSecurityView(rel);
	rte->relid = InvalidOid;
	rte->relkind = '\0';
	rte->rellockmode = 0;
	rte->inh = false;
	return result;
}

/* ------------------------------------------------------------------------
 * Expressions
 * ------------------------------------------------------------------------
 */

static bool
analyze_clauses(WholeContext *w, Query *query)
{
	TvCompiler *c = w->c;
	ListCell   *lc;

	/* what names of joined columns and of groups stand for, too */
	if (!tv_analyze_expr(c, tv_compat_flatten_aliases(query, (Node *) query->targetList)) ||
		!tv_analyze_expr(c, tv_compat_flatten_aliases(query, (Node *) query->jointree)) ||
		!tv_analyze_expr(c, tv_compat_flatten_aliases(query, query->havingQual)))
		return false;
	foreach(lc, query->rtable)
		if (!tv_analyze_expr(c, (Node *) tv_leaf_exprs(lfirst_node(RangeTblEntry, lc))))
		return false;
	return analyze_windows(w, query);
}

static bool
analyze_windows(WholeContext *w, Query *query)
{
	ListCell   *lc;

	foreach(lc, query->windowClause)
	{
		WindowClause *clause = lfirst_node(WindowClause, lc);

		if (!tv_analyze_expr(w->c, clause->startOffset) ||
			!tv_analyze_expr(w->c, clause->endOffset) ||
			!tv_window_check_in_range(w->c, clause->startInRangeFunc) ||
			!tv_window_check_in_range(w->c, clause->endInRangeFunc))
			return false;
	}
	w->several |= sensitive_walker((Node *) query->targetList, query);
	return !w->several;
}

/* Is there a window function that looks at the order of rows that it is not given? */
static bool
sensitive_walker(Node *node, void *context)
{
	Query	   *query = context;

	if (node == NULL)
		return false;
	if (IsA(node, WindowFunc))
	{
		WindowFunc *func = (WindowFunc *) node;

		if (tv_window_is_sensitive(func, list_nth_node(WindowClause, query->windowClause,
													   func->winref - 1)))
			return true;
	}
	return expression_tree_walker(node, sensitive_walker, context);
}
