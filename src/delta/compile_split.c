/*-------------------------------------------------------------------------
 *
 * delta/compile_split.c
 *	  Split a query at its window functions, or above its groups.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/tlist.h"
#include "rewrite/rewriteManip.h"

#include "delta/split.h"
#include "tv_compat.h"

static void add_column(TvSplit *s, Expr *expr, bool always, Index ref);
static bool collect_walker(Node *node, TvSplit *s);
static Node *map_mutator(Node *node, TvSplit *s);

/* ------------------------------------------------------------------------
 * The inner query
 * ------------------------------------------------------------------------
 */

static bool
is_clause_ref(List *clauses, Index ref)
{
	ListCell   *lc;

	foreach(lc, clauses)
		if (ref != 0 && lfirst_node(SortGroupClause, lc)->tleSortGroupRef == ref)
		return true;
	return false;
}

/*
 * What the inner query must deliver: grouping, partitioning and ordering
 * expressions as a whole, and of everything else the columns and aggregates.
 */
void
tv_split_collect(TvSplit *s, List *extra)
{
	Query	   *query = s->query;
	bool		limited = query->limitCount || query->limitOffset || query->hasDistinctOn;
	ListCell   *lc;

	foreach(lc, extra)
		add_column(s, lfirst(lc), true, 0);
	foreach(lc, query->groupClause)
	{
		SortGroupClause *clause = lfirst_node(SortGroupClause, lc);
		TargetEntry *tle = get_sortgroupclause_tle(clause, query->targetList);

		add_column(s, tle->expr, true, clause->tleSortGroupRef);
	}
	foreach(lc, query->windowClause)
	{
		WindowClause *window = lfirst_node(WindowClause, lc);
		List	   *refs = list_concat_copy(window->partitionClause, window->orderClause);
		ListCell   *lr;

		foreach(lr, refs)
			add_column(s, get_sortgroupclause_tle(lfirst_node(SortGroupClause, lr),
												  query->targetList)->expr, false, 0);
	}
	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		/* an order matters to LIMIT and DISTINCT ON only */
		if (tle->resjunk &&
			!(limited && is_clause_ref(query->sortClause, tle->ressortgroupref)) &&
			!is_clause_ref(query->distinctClause, tle->ressortgroupref))
			continue;
		s->outer_tlist = lappend(s->outer_tlist, tle);
		collect_walker((Node *) tle->expr, s);
	}
	if (s->having_apart)
		collect_walker(query->havingQual, s);
}

static void
add_column(TvSplit *s, Expr *expr, bool always, Index ref)
{
	TargetEntry *tle;

	if (!always && list_member(s->columns, expr))
		return;
	s->columns = lappend(s->columns, expr);
	tle = makeTargetEntry(copyObject(expr), list_length(s->columns),
						  psprintf("c%d", list_length(s->columns)), false);
	tle->ressortgroupref = ref;
	s->inner_tlist = lappend(s->inner_tlist, tle);
}

int
tv_split_column(TvSplit *s, Expr *expr)
{
	ListCell   *lc;

	foreach(lc, s->columns)
		if (equal(lfirst(lc), expr))
		return foreach_current_index(lc);
	elog(ERROR, "expression of a window is no column of its input");
	return -1;
}

/* An expression of the query, as it is seen from s->depth subqueries within. */
static Node *
at_query_level(TvSplit *s, Node *node)
{
	Node	   *copy;

	if (s->depth == 0)
		return node;
	copy = copyObject(node);
	IncrementVarSublevelsUp(copy, -s->depth, s->depth);
	return copy;
}

static bool
is_column_source(TvSplit *s, Node *node)
{
	if (IsA(node, Var))
		return ((Var *) node)->varlevelsup == s->depth;
	if (IsA(node, Aggref))
		return ((Aggref *) node)->agglevelsup == s->depth;
	if (IsA(node, GroupingFunc))
		return ((GroupingFunc *) node)->agglevelsup == s->depth;
	return false;
}

static bool
collect_walker(Node *node, TvSplit *s)
{
	if (node == NULL)
		return false;
	if (s->depth == 0 && list_member(s->columns, node))
		return false;
	if (IsA(node, WindowFunc) && s->depth == 0)
	{
		WindowFunc *func = (WindowFunc *) node;
		ListCell   *lc;

		if (!list_member(s->funcs, func))
			s->funcs = lappend(s->funcs, func);
		/* the node's query can hold no subquery */
		foreach(lc, func->args)
			if (contain_subplans(lfirst(lc)))
			add_column(s, lfirst(lc), false, 0);
		if (func->aggfilter && contain_subplans((Node *) func->aggfilter))
			add_column(s, func->aggfilter, false, 0);
		return expression_tree_walker(node, collect_walker, s);
	}
	if (is_column_source(s, node))
	{
		add_column(s, (Expr *) at_query_level(s, node), false, 0);
		return false;
	}
	if (IsA(node, Query))
	{
		bool		result;

		s->depth++;
		result = query_tree_walker((Query *) node, collect_walker, s, 0);
		s->depth--;
		return result;
	}
	return expression_tree_walker(node, collect_walker, s);
}

/* Window functions stand in an ORDER BY only that means nothing. */
Query *
tv_split_without_windows(TvSplit *s)
{
	Query	   *query = copyObject(s->query);
	ListCell   *lc;

	query->hasWindowFuncs = false;
	query->windowClause = NIL;
	query->sortClause = NIL;
	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (tle->resjunk && !is_clause_ref(query->groupClause, tle->ressortgroupref))
			query->targetList = foreach_delete_current(query->targetList, lc);
	}
	return query;
}

Query *
tv_split_inner(TvSplit *s)
{
	Query	   *inner = copyObject(s->query);

	inner->targetList = s->inner_tlist;
	if (s->having_apart)
		inner->havingQual = NULL;
	inner->hasWindowFuncs = false;
	inner->windowClause = NIL;
	inner->hasTargetSRFs = false;
	inner->hasDistinctOn = false;
	inner->distinctClause = NIL;
	inner->sortClause = NIL;
	inner->limitCount = NULL;
	inner->limitOffset = NULL;
	return inner;
}

/* ------------------------------------------------------------------------
 * The outer query
 * ------------------------------------------------------------------------
 */

/* Replace the query's columns and window functions by Vars of one relation. */
static Node *
map_mutator(Node *node, TvSplit *s)
{
	int			at = 0;
	ListCell   *lc;

	if (node == NULL)
		return NULL;
	if (s->depth == 0 || is_column_source(s, node))
	{
		Node	   *wanted = at_query_level(s, node);

		foreach(lc, s->columns)
			if (equal(lfirst(lc), wanted))
			at = s->column_at[foreach_current_index(lc)];
		foreach(lc, s->funcs)
			if (s->depth == 0 && equal(lfirst(lc), wanted))
			at = s->result_at[foreach_current_index(lc)];
	}
	if (at != 0)
		return (Node *) makeVar(s->varno, at, exprType(node), exprTypmod(node),
								exprCollation(node), s->depth);
	if (IsA(node, Query))
	{
		Query	   *result;

		s->depth++;
		result = query_tree_mutator((Query *) node, map_mutator, s, 0);
		s->depth--;
		return (Node *) result;
	}
	return expression_tree_mutator(node, map_mutator, s);
}

Node *
tv_split_map(TvSplit *s, Node *expr)
{
	return map_mutator(expr, s);
}

List *
tv_split_first_columns(TvSplit *s, List *branches)
{
	ListCell   *lc;

	foreach(lc, branches)
	{
		TvBranch   *branch = lfirst(lc);

		branch->exprs = list_copy_tail(branch->exprs, s->nextra);
	}
	s->column_at = palloc(sizeof(int) * (list_length(s->columns) + 1));
	s->result_at = palloc0(sizeof(int) * (list_length(s->funcs) + 1));
	for (int i = 0; i < list_length(s->columns); i++)
		s->column_at[i] = i + 1;
	return branches;
}

/* What was compiled so far is read like a CTE that is flattened already. */
Query *
tv_split_outer(TvSplit *s, List *branches, List **corr)
{
	Query	   *outer = copyObject(s->query);
	CommonTableExpr *cte = makeNode(CommonTableExpr);
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	RangeTblRef *ref = makeNode(RangeTblRef);
	TvCte	   *entry = palloc0(sizeof(TvCte));
	List	   *names = NIL;
	ListCell   *lc;

	/* no name of a user's has a character below the blank */
	cte->ctename = psprintf("\001inner %d", s->c->nsplits++);
	entry->cte = cte;
	entry->done = true;
	entry->branches = branches;
	linitial(s->c->scopes) = lcons(entry, list_copy(linitial(s->c->scopes)));

	rte->rtekind = RTE_CTE;
	rte->ctename = cte->ctename;
	rte->inFromCl = true;
	foreach(lc, ((TvBranch *) linitial(branches))->exprs)
	{
		Node	   *expr = lfirst(lc);

		rte->coltypes = lappend_oid(rte->coltypes, exprType(expr));
		rte->coltypmods = lappend_int(rte->coltypmods, exprTypmod(expr));
		rte->colcollations = lappend_oid(rte->colcollations, exprCollation(expr));
		names = lappend(names, makeString(psprintf("c%d", foreach_current_index(lc) + 1)));
	}
	rte->eref = makeAlias("inner", names);
	ref->rtindex = 1;

	outer->rtable = list_make1(rte);
	outer->jointree = makeFromExpr(list_make1(ref), NULL);
	outer->hasAggs = false;
	outer->groupClause = NIL;
	tv_compat_clear_group_rte(outer);
	outer->groupingSets = NIL;
	outer->havingQual = NULL;
	outer->hasWindowFuncs = false;
	outer->windowClause = NIL;
	s->varno = 1;
	outer->targetList = (List *) map_mutator((Node *) s->outer_tlist, s);
	if (s->having_apart)
		outer->jointree->quals = map_mutator(s->query->havingQual, s);
	*corr = NIL;
	for (int i = 0; i < s->nextra; i++)
	{
		Node	   *expr = list_nth(s->columns, i);

		*corr = lappend(*corr, makeVar(1, s->column_at[i], exprType(expr), exprTypmod(expr),
									   exprCollation(expr), 0));
	}
	return outer;
}
