/*-------------------------------------------------------------------------
 *
 * delta/derive_recursive.c
 *	  The rows of a recursive node, computed from its inputs as they are now, and
 *	  how single rows are derived.
 *
 *		with recursive r as (A union [all] T(r)) select * from r
 *
 * The server reads the rows of an iteration once.  A recursive term of several
 * branches is therefore
 *
 *		select t.* from r, lateral (T1(r) union all T2(r) ...) t
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"

#include "delta/derive_internal.h"
#include "tv_compat.h"

#define RECURSION_NAME "recursion"

static Query *with_keys(const TvNode *node, Query *derivations, TvRecomputeScope scope,
						double rows);
static Query *derivation(const TvGraph *graph, const TvNode *node, const TvBranch *branch);
static int	own_leaf(const TvNode *node, const TvBranch *branch);
static Query *recursive_term(const TvGraph *graph, const TvNode *node, List *branches);
static Query *branch_over(const TvGraph *graph, const TvNode *node, const TvBranch *branch,
						  RangeTblEntry *rows);
static RangeTblEntry *iteration_rte(const TvNode *node, Index levels);
static RangeTblEntry *outer_row_rte(const TvNode *node, Index levels);
static void add_columns(Query *query, const TvNode *node, int rti, Index levels);
static Query *set_operation(const TvNode *node, Query *left, Query *right);

Query *
tv_derive_recursive(const TvGraph *graph, const TvNode *node)
{
	Query	   *query = tv_query_make();
	CommonTableExpr *cte = makeNode(CommonTableExpr);
	RangeTblEntry *rte = iteration_rte(node, 0);
	List	   *first = NIL;
	List	   *recursive = NIL;
	ListCell   *lc;

	foreach(lc, node->branches)
	{
		TvBranch   *branch = lfirst(lc);

		if (own_leaf(node, branch) >= 0)
			recursive = lappend(recursive, branch);
		else
			first = lappend(first, tv_query_branch(graph, branch, branch->exprs));
	}
	cte->ctename = RECURSION_NAME;
	cte->ctematerialized = CTEMaterializeDefault;
	cte->cterecursive = true;
	cte->cterefcount = 1;
	cte->location = -1;
	cte->ctecolnames = copyObject(rte->eref->colnames);
	cte->ctecoltypes = list_copy(rte->coltypes);
	cte->ctecoltypmods = list_copy(rte->coltypmods);
	cte->ctecolcollations = list_copy(rte->colcollations);
	cte->ctequery = (Node *) set_operation(node, tv_query_union_all(first),
										   recursive_term(graph, node, recursive));
	query->cteList = list_make1(cte);
	query->hasRecursive = true;
	rte->self_reference = false;
	add_columns(query, node, tv_query_add_rte(query, rte), 0);
	return query;
}

/*
 * select d.* from (A, false, nulls) d, keys where d.c1 = keys.c1 and ...
 * union all
 * select d.* from (T(stored), true, stored) d, keys where ...
 *
 * Keys are joined to each branch, for the server does not look up rows of a
 * join inside of UNION ALL.
 */
Query *
tv_derive_derivations(const TvGraph *graph, const TvNode *node, TvRecomputeScope scope,
					  double rows)
{
	List	   *terms = NIL;
	ListCell   *lc;

	foreach(lc, node->branches)
		terms = lappend(terms, with_keys(node, derivation(graph, node, lfirst(lc)), scope, rows));
	return tv_query_union_all(terms);
}

static Query *
with_keys(const TvNode *node, Query *derivations, TvRecomputeScope scope, double rows)
{
	Query	   *query = tv_query_make();
	TupleDesc	desc = node->out_desc;
	TvLayout	layout = {desc->natts, NULL, desc};
	List	   *quals = NIL;
	int			rti;
	ListCell   *lc;

	tv_query_add_rte(query, tv_query_subquery_rte(derivations, "derivations"));
	foreach(lc, derivations->targetList)
	{
		Node	   *expr = (Node *) lfirst_node(TargetEntry, lc)->expr;

		tv_query_add_column(query, (Expr *) makeVar(1, foreach_current_index(lc) + 1, exprType(expr),
													exprTypmod(expr), exprCollation(expr), 0), NULL);
	}
	rti = tv_query_add_rte(query, tv_query_delta_rte(TV_KEYS_NAME, &layout, rows));
	foreach(lc, node->union_clauses)
	{
		int			i = foreach_current_index(lc);
		Form_pg_attribute att = TupleDescAttr(desc, i);
		TvKey		key = {.clause = lfirst_node(SortGroupClause, lc),.collation = att->attcollation};

		quals = lappend(quals, tv_query_key_equals(&key,
												   (Expr *) makeVar(1, i + 1, att->atttypid, att->atttypmod,
																	att->attcollation, 0),
												   (Expr *) makeVar(rti, i + 1, att->atttypid, att->atttypmod,
																	att->attcollation, 0),
												   scope == TV_RECOMPUTE_NULL_KEYS));
	}
	tv_query_where(query, quals);
	return query;
}

/* The rows of a branch, whether it is of the recursive term, the row it is by. */
static Query *
derivation(const TvGraph *graph, const TvNode *node, const TvBranch *branch)
{
	int			leaf = own_leaf(node, branch);
	List	   *exprs = lappend(list_copy(branch->exprs), makeBoolConst(leaf >= 0, false));

	for (int i = 0; i < node->out_desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(node->out_desc, i);

		exprs = lappend(exprs, leaf >= 0 ?
						(Node *) makeVar(leaf + 1, i + 1, att->atttypid, att->atttypmod,
										 att->attcollation, 0) :
						(Node *) makeNullConst(att->atttypid, att->atttypmod, att->attcollation));
	}
	return tv_query_branch(graph, branch, exprs);
}

/* The leaf that reads the node itself, or -1. */
static int
own_leaf(const TvNode *node, const TvBranch *branch)
{
	ListCell   *lc;

	foreach(lc, branch->leaves)
		if (((TvLeaf *) lfirst(lc))->source == node->self)
		return foreach_current_index(lc);
	return -1;
}

/* A query two levels below the one with the CTE. */
static Query *
recursive_term(const TvGraph *graph, const TvNode *node, List *branches)
{
	Query	   *query;
	List	   *terms = NIL;
	RangeTblEntry *rte;
	ListCell   *lc;

	if (list_length(branches) == 1)
		return branch_over(graph, node, linitial(branches), iteration_rte(node, 2));

	foreach(lc, branches)
		terms = lappend(terms, branch_over(graph, node, lfirst(lc), outer_row_rte(node, 3)));
	query = tv_query_make();
	tv_query_add_rte(query, iteration_rte(node, 2));
	rte = tv_query_subquery_rte(tv_query_union_all(terms), "terms");
	rte->lateral = true;
	add_columns(query, node, tv_query_add_rte(query, rte), 0);
	return query;
}

/* The branch over the present state, with something else in place of the node's rows. */
static Query *
branch_over(const TvGraph *graph, const TvNode *node, const TvBranch *branch,
			RangeTblEntry *rows)
{
	TvBranch	copy = *branch;
	ListCell   *lc;

	copy.leaves = NIL;
	foreach(lc, branch->leaves)
	{
		TvLeaf	   *leaf = palloc(sizeof(TvLeaf));

		*leaf = *(TvLeaf *) lfirst(lc);
		if (leaf->source == node->self)
		{
			leaf->source = -1;
			leaf->rte = rows;
		}
		copy.leaves = lappend(copy.leaves, leaf);
	}
	return tv_query_branch(graph, &copy, branch->exprs);
}

/* The CTE, declared so many levels above. */
static RangeTblEntry *
iteration_rte(const TvNode *node, Index levels)
{
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	List	   *names = NIL;

	rte->rtekind = RTE_CTE;
	rte->ctename = RECURSION_NAME;
	rte->ctelevelsup = levels;
	rte->self_reference = true;
	for (int i = 0; i < node->out_desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(node->out_desc, i);

		rte->coltypes = lappend_oid(rte->coltypes, att->atttypid);
		rte->coltypmods = lappend_int(rte->coltypmods, att->atttypmod);
		rte->colcollations = lappend_oid(rte->colcollations, att->attcollation);
		names = lappend(names, makeString(psprintf("c%d", i + 1)));
	}
	rte->eref = makeAlias(RECURSION_NAME, names);
	rte->inFromCl = true;
	return rte;
}

/* (select r.c1, r.c2 ...): the row of the first FROM item of a query above */
static RangeTblEntry *
outer_row_rte(const TvNode *node, Index levels)
{
	Query	   *row = tv_query_make();
	RangeTblEntry *rte;

	add_columns(row, node, 1, levels);
	rte = tv_query_subquery_rte(row, "row_of_iteration");
	rte->lateral = true;
	return rte;
}

static void
add_columns(Query *query, const TvNode *node, int rti, Index levels)
{
	for (int i = 0; i < node->out_desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(node->out_desc, i);

		tv_query_add_column(query, (Expr *) makeVar(rti, i + 1, att->atttypid, att->atttypmod,
													att->attcollation, levels), NULL);
	}
}

static Query *
set_operation(const TvNode *node, Query *left, Query *right)
{
	Query	   *query = tv_query_make();
	SetOperationStmt *op = makeNode(SetOperationStmt);
	RangeTblRef *refs[2] = {makeNode(RangeTblRef), makeNode(RangeTblRef)};

	tv_compat_add_rte(query, tv_query_subquery_rte(left, "first_rows"));
	tv_compat_add_rte(query, tv_query_subquery_rte(right, "next_rows"));
	refs[0]->rtindex = 1;
	refs[1]->rtindex = 2;
	op->op = SETOP_UNION;
	op->all = node->union_all;
	op->larg = (Node *) refs[0];
	op->rarg = (Node *) refs[1];
	op->groupClauses = copyObject(node->union_clauses);
	for (int i = 0; i < node->out_desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(node->out_desc, i);

		op->colTypes = lappend_oid(op->colTypes, att->atttypid);
		op->colTypmods = lappend_int(op->colTypmods, att->atttypmod);
		op->colCollations = lappend_oid(op->colCollations, att->attcollation);
	}
	query->jointree->fromlist = NIL;
	query->setOperations = (Node *) op;
	add_columns(query, node, 1, 0);
	return query;
}
