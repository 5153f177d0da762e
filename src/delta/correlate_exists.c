/*-------------------------------------------------------------------------
 *
 * delta/correlate_exists.c
 *	  Find out whether, and where, a correlated query has rows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "delta/correlate.h"
#include "delta/fold.h"
#include "delta/subquery.h"
#include "tv_compat.h"

/* Without what makes no difference to whether there are rows. */
static Query *
simplify_exists(Query *query)
{
	query = copyObject(query);
	if (tv_subquery_limit_is_harmless(query))
		query->limitCount = NULL;
	if (!query->setOperations && !query->hasAggs && !query->groupClause && !query->havingQual &&
		!query->groupingSets && !query->hasTargetSRFs && !query->limitCount && !query->limitOffset)
	{
		query->targetList = NIL;
		query->distinctClause = NIL;
		query->hasDistinctOn = false;
		query->sortClause = NIL;
		query->hasWindowFuncs = false;
		query->windowClause = NIL;
	}
	return query;
}

/*
 * The rows of the query, as branches whose output tells them apart as far as
 * the outer row goes; the last column is a constant.
 */
static List *
exists_branches(TvCompiler *c, const TvPartial *p, Query *query, TvCorrelation **corr)
{
	List	   *branches;
	List	   *columns = NIL;
	ListCell   *lc;
	bool		linear = !tv_flatten_needs_node(query) && query->setOperations == NULL;
	TvPartial  *sub;
	int		   *map;

	*corr = tv_correlate_separate(query);
	if (*corr == NULL && linear)
	{
		*corr = palloc0(sizeof(TvCorrelation));
		sub = tv_correlate_restrict(c, p, query, &map, &columns, &(*corr)->quals);
		branches = tv_flatten_query(c, (Query *) tv_partial_renumber((Node *) query, map), false,
									sub, NIL);
		foreach(lc, branches)
			((TvBranch *) lfirst(lc))->exprs = columns;
		return branches;
	}
	if (*corr == NULL)
		*corr = tv_correlate_by_domain(c, p, query);
	if (c->refusal)
		return NIL;
	branches = tv_flatten_query(c, (*corr)->query, false, (*corr)->base, (*corr)->exprs);
	foreach(lc, branches)
	{
		TvBranch   *branch = lfirst(lc);

		branch->exprs = list_truncate(list_copy(branch->exprs), list_length((*corr)->exprs));
		branch->exprs = lappend(branch->exprs,
								makeConst(INT4OID, -1, InvalidOid, sizeof(int32),
										  Int32GetDatum(1), false, true));
	}
	return branches;
}

/* An aggregate has its row, unless HAVING takes it away. */
static bool
exists_aggregate(TvCompiler *c, TvPartial *p, Query *query, TvLeafMode mode, Node **marker)
{
	Node	   *filter;
	Node	   *there;
	Node	   *one = (Node *) makeConst(INT4OID, -1, InvalidOid, sizeof(int32),
										 Int32GetDatum(1), false, true);

	query->targetList = NIL;
	(void) tv_correlate_aggregate(c, p, query, &filter);
	if (c->refusal)
		return false;
	there = filter ? filter : makeBoolConst(true, false);
	if (mode == TV_LEAF_LEFT)
	{
		CaseExpr   *result = makeNode(CaseExpr);
		CaseWhen   *when = makeNode(CaseWhen);

		when->expr = (Expr *) there;
		when->result = (Expr *) one;
		when->location = -1;
		result->casetype = INT4OID;
		result->args = list_make1(when);
		result->defresult = (Expr *) makeNullConst(INT4OID, -1, InvalidOid);
		result->location = -1;
		*marker = (Node *) result;
	}
	else if (mode == TV_LEAF_INNER)
		p->quals = lappend(p->quals, there);
	else
	{
		BooleanTest *test = makeNode(BooleanTest);

		test->arg = (Expr *) there;
		test->booltesttype = IS_NOT_TRUE;
		test->location = -1;
		p->quals = lappend(p->quals, test);
	}
	return true;
}

bool
tv_correlate_exists(TvCompiler *c, TvPartial *p, Query *query, TvLeafMode mode, Node **marker)
{
	TvCorrelation *corr;
	List	   *branches;

	query = simplify_exists(tv_subquery_one_row(copyObject(query)));
	if (tv_subquery_is_aggregate(query))
		return exists_aggregate(c, p, query, mode, marker);
	if (!tv_correlate_check_rows(c, query))
		return false;
	branches = exists_branches(c, p, query, &corr);
	if (c->refusal)
		return false;
	return tv_match_add(c, p, branches, corr, mode, marker);
}

List *
tv_correlate_lookup(TvCompiler *c, TvPartial *p, Query *query)
{
	TvCorrelation *corr;
	RangeTblRef *ref;
	RangeTblEntry *rte;
	List	   *branches;
	List	   *exprs;
	Node	   *marker;

	if (tv_flatten_needs_node(query) || query->setOperations || checkExprHasSubLink((Node *) query->targetList) ||
		checkExprHasSubLink(query->jointree->quals) ||
		list_length(query->jointree->fromlist) != 1)
		return NIL;
	ref = linitial(query->jointree->fromlist);
	if (!IsA(ref, RangeTblRef))
		return NIL;
	rte = rt_fetch(ref->rtindex, query->rtable);
	if (rte->rtekind != RTE_RELATION || rte->relkind == RELKIND_VIEW)
		return NIL;
	corr = tv_correlate_separate(query);
	if (corr == NULL)
		return NIL;
	branches = tv_flatten_query(c, corr->query, false, NULL, corr->exprs);
	if (c->refusal)
		return NIL;
	exprs = list_copy_tail(((TvBranch *) linitial(branches))->exprs, list_length(corr->exprs));
	if (!tv_match_direct(c, p, branches, corr, TV_LEAF_LEFT, &marker, &exprs))
		return NIL;
	return exprs;
}

/* Has the query one row at most for every outer row, by LIMIT 1? */
static bool
is_first_row(Query *query)
{
	Const	   *limit;

	if (query->limitCount == NULL || query->limitOption == LIMIT_OPTION_WITH_TIES ||
		tv_subquery_has_row_anyway(query))
		return false;
	limit = (Const *) tv_fold(query->limitCount);
	return IsA(limit, Const) && !limit->constisnull && DatumGetInt64(limit->constvalue) == 1;
}

List *
tv_correlate_first_row(TvCompiler *c, TvPartial *p, Query *query)
{
	TvCorrelation *corr;
	TvBranch   *branch;
	List	   *branches;
	List	   *exprs;
	List	   *result = NIL;
	Node	   *marker;
	ListCell   *lc;

	if (!is_first_row(query) || !tv_correlate_is((Node *) query))
		return NIL;
	corr = tv_correlate(c, p, query);
	if (c->refusal || corr->exprs == NIL)
		return NIL;
	branches = tv_flatten_query(c, corr->query, false, corr->base, corr->exprs);
	if (c->refusal)
		return NIL;
	branch = linitial(branches);
	if (list_length(branches) != 1 || list_length(branch->leaves) != 1 || branch->quals != NIL)
	{
		tv_compile_refuse(c, exprLocation(query->limitCount), "LIMIT 1 in a subquery like this is not supported in a maintained view",
						  NULL, "No maintenance rule exists for it.",
						  "Put what the subquery computes from its first row outside of it.");
		return NIL;
	}
	exprs = tv_partial_multiply(p, branch);
	((TvLeaf *) llast(p->leaves))->mode = TV_LEAF_LEFT;
	((TvLeaf *) llast(p->leaves))->quals = tv_correlation_quals(corr, exprs);
	marker = list_nth(exprs, corr->marker);
	foreach(lc, list_copy_tail(exprs, list_length(corr->exprs)))
		result = lappend(result, tv_correlate_if_there(marker, lfirst(lc)));
	return result;
}

bool
tv_correlate_not_null(TvCompiler *c, const TvPartial *p, Node *expr)
{
	Var		   *var = (Var *) expr;
	TvLeaf	   *leaf;
	Relation	rel;
	bool		result;
	ListCell   *lc;

	while (IsA(var, RelabelType))
		var = (Var *) ((RelabelType *) var)->arg;
	if (IsA(var, Const))
		return !((Const *) var)->constisnull;
	if (!IsA(var, Var) || var->varattno <= 0)
		return false;
	foreach(lc, p->quals)
	{
		NullTest   *test = lfirst(lc);

		if (IsA(test, NullTest) && test->nulltesttype == IS_NOT_NULL && equal(test->arg, var))
			return true;
	}
	leaf = list_nth(p->leaves, var->varno - 1);
	if (leaf->mode != TV_LEAF_INNER || leaf->source < 0 || leaf->rte->rtekind != RTE_RELATION ||
		!OidIsValid(leaf->rte->relid))
		return false;
	rel = table_open(leaf->rte->relid, AccessShareLock);
	result = tv_attribute_not_null(RelationGetDescr(rel), var->varattno);
	table_close(rel, NoLock);
	return result;
}
