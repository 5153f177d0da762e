/*-------------------------------------------------------------------------
 *
 * delta/flatten.c
 *	  Bring the linear part of a query into normal form: a sum of branches.
 *
 * Filter, projection, inner join and UNION ALL are linear, so that
 *
 *		(A + B) x C = A x C + B x C
 *		project(filter(A + B)) = project(filter(A)) + project(filter(B))
 *
 * and every nesting of them is a sum of flat products.  Subqueries, plain
 * views and CTEs in FROM are expanded on the way; a grouping inside becomes a
 * node of its own, which its query reads like a table.  A CTE is compiled
 * once, however often it is read, so that its nodes are shared.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/prep.h"
#include "parser/parsetree.h"

#include "delta/compile_internal.h"
#include "tv_compat.h"

static List *cte_scope(Query *query);
static List *flatten_plain(TvCompiler *c, Query *query, bool top);
static List *project(List *partials, List *exprs);
static List *tlist_exprs(List *targetlist);
static List *tlist_names(List *targetlist);

List *
tv_flatten_query(TvCompiler *c, Query *query, bool top)
{
	List	   *result;
	List	   *scopes = c->scopes;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	if (!tv_target_srf_expand(c, query) || !tv_analyze_query(c, query))
		return NIL;

	c->scopes = lcons(cte_scope(query), list_copy(scopes));
	result = tv_flatten_clauses(c, query, top);
	c->scopes = scopes;
	return c->refusal ? NIL : result;
}

List *
tv_flatten_clauses(TvCompiler *c, Query *query, bool top)
{
	if (query->hasWindowFuncs)
		return tv_compile_windows(c, query, NIL, top);
	if (query->setOperations)
		return tv_flatten_set_operation(c, query, top);
	return flatten_plain(c, query, top);
}

static List *
cte_scope(Query *query)
{
	List	   *scope = NIL;
	ListCell   *lc;

	foreach(lc, query->cteList)
	{
		TvCte	   *entry = palloc0(sizeof(TvCte));

		entry->cte = lfirst_node(CommonTableExpr, lc);
		scope = lappend(scope, entry);
	}
	return scope;
}

/*
 * SELECT ... FROM ... WHERE ... GROUP BY ... HAVING, then DISTINCT.
 */
static List *
flatten_plain(TvCompiler *c, Query *query, bool top)
{
	TvPartial  *empty = palloc0(sizeof(TvPartial));
	List	   *partials = list_make1(empty);
	List	   *quals = NIL;
	List	   *branches;
	ListCell   *lc;

	/* names of joined columns stand for columns of the items below */
	query->targetList = (List *)
		tv_compat_flatten_aliases(query, (Node *) query->targetList);
	query->havingQual = tv_compat_flatten_aliases(query, query->havingQual);

	empty->nrtes = list_length(query->rtable);
	empty->leafof = palloc(sizeof(int) * (empty->nrtes + 1));
	empty->exprsof = palloc0(sizeof(List *) * (empty->nrtes + 1));
	for (int i = 0; i < empty->nrtes; i++)
		empty->leafof[i] = -1;

	foreach(lc, query->jointree->fromlist)
	{
		partials = tv_flatten_from_item(c, query, lfirst(lc), partials, &quals);
		if (c->refusal)
			return NIL;
	}

	if (query->jointree->quals)
		quals = lappend(quals, query->jointree->quals);
	quals = (List *) tv_compat_flatten_aliases(query, (Node *) quals);
	if (!tv_analyze_expr(c, (Node *) quals) ||
		!tv_analyze_expr(c, (Node *) query->targetList) ||
		!tv_analyze_expr(c, query->havingQual))
		return NIL;

	foreach(lc, partials)
	{
		TvPartial  *partial = lfirst(lc);
		List	   *mapped = (List *) tv_flatten_map(partial, (Node *) quals);

		/* one list of ANDed quals, so that each can be judged by itself */
		if (mapped)
			partial->quals = list_concat(partial->quals,
										 make_ands_implicit(canonicalize_qual(make_ands_explicit(mapped), false)));
	}

	if (query->hasAggs || query->groupClause || query->groupingSets || query->havingQual)
	{
		branches = tv_flatten_grouping(c, query, partials, top && !query->distinctClause);
		if (branches == NIL)
			return NIL;
	}
	else
		branches = project(partials, tlist_exprs(query->targetList));

	if (query->distinctClause)
	{
		List	   *clauses = NIL;
		TvNode	   *node;

		foreach(lc, query->targetList)
		{
			TargetEntry *tle = lfirst_node(TargetEntry, lc);

			if (!tle->resjunk)
				clauses = lappend(clauses, get_sortgroupref_clause(tle->ressortgroupref,
																   query->distinctClause));
		}
		node = tv_compile_distinct(c, branches,
								   tv_compile_desc(tlist_exprs(query->targetList),
												   tlist_names(query->targetList)),
								   clauses, top);
		if (c->refusal || node->top)
			return NIL;
		branches = tv_flatten_read_node(c, node);
	}
	return branches;
}

static List *
project(List *partials, List *exprs)
{
	List	   *branches = NIL;
	ListCell   *lc;

	foreach(lc, partials)
	{
		TvPartial  *partial = lfirst(lc);
		TvBranch   *branch = palloc0(sizeof(TvBranch));

		branch->leaves = partial->leaves;
		branch->quals = partial->quals;
		branch->exprs = (List *) tv_flatten_map(partial, (Node *) exprs);
		branches = lappend(branches, branch);
	}
	return branches;
}

static Node *
map_mutator(Node *node, void *context)
{
	const TvPartial *partial = context;

	if (node == NULL)
		return NULL;
	if (IsA(node, Var))
	{
		Var		   *var = (Var *) node;
		int			leaf;

		Assert(var->varlevelsup == 0);
		leaf = partial->leafof[var->varno - 1];
		if (leaf >= 0)
		{
			Var		   *result = copyObject(var);

			result->varno = leaf + 1;
			result->varnosyn = 0;
			result->varattnosyn = 0;
			return (Node *) result;
		}
		if (var->varattno <= 0 ||
			var->varattno > list_length(partial->exprsof[var->varno - 1]))
			elog(ERROR, "column %d of FROM item %d is unknown", var->varattno, var->varno);
		return copyObject(list_nth(partial->exprsof[var->varno - 1], var->varattno - 1));
	}
	return expression_tree_mutator(node, map_mutator, context);
}

Node *
tv_flatten_map(const TvPartial *partial, Node *expr)
{
	return map_mutator(expr, (void *) partial);
}

static List *
tlist_exprs(List *targetlist)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, targetlist)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (!tle->resjunk)
			result = lappend(result, tle->expr);
	}
	return result;
}

static List *
tlist_names(List *targetlist)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, targetlist)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (!tle->resjunk)
			result = lappend(result, makeString(tle->resname ? tle->resname : "?column?"));
	}
	return result;
}
