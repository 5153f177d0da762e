/*-------------------------------------------------------------------------
 *
 * delta/derive_keyed.c
 *	  The delta of rows with a key: of a row that leaves, the key will do.
 *
 * Such a row is found by its key, and what leaves the view is the row found.
 * So its other columns need not be computed: with w the weight of the row,
 *
 *		e  becomes  CASE WHEN w > 0 THEN e END
 *
 * which saves half of what a document or another costly expression takes.
 * Rows of different signs can then no longer cancel each other.  It is for the
 * caller to see that at most one row leaves and one comes for each key.
 *
 * Most updates change neither the key of a row nor what it meets.  Then even the
 * keys of the rows that leave are known: they are those of the rows that come.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"

#include "delta/derive_internal.h"

/* int8 > int8 */
#define INT8_GT_OP 413

static bool is_key(const TvNode *node, AttrNumber attno);
static bool is_costly(Node *node, void *context);
static Expr *when_it_comes(Expr *expr, const Expr *weight);

/* Operators and tests cost about as much as finding out that they need not be. */
static bool
is_costly(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var) || IsA(node, Const) || IsA(node, RelabelType) || IsA(node, OpExpr) ||
		IsA(node, BoolExpr) || IsA(node, NullTest) || IsA(node, BooleanTest) ||
		IsA(node, FieldSelect) || IsA(node, List))
		return expression_tree_walker(node, is_costly, context);
	return true;
}

bool
tv_derive_key_saves(const TvNode *node)
{
	ListCell   *lb;
	ListCell   *lc;

	if (node->kind != TV_NODE_LINEAR || node->identity != TV_IDENTITY_KEY)
		return false;
	foreach(lb, node->branches)
		foreach(lc, ((TvBranch *) lfirst(lb))->exprs)
		if (!is_key(node, foreach_current_index(lc) + 1) && is_costly(lfirst(lc), NULL))
		return true;
	return false;
}

void
tv_derive_delta_keyed(const TvNode *node, Query *query)
{
	TargetEntry *weight = llast_node(TargetEntry, query->targetList);
	ListCell   *lc;

	if (query->setOperations)
	{
		foreach(lc, query->rtable)
		{
			RangeTblEntry *term = lfirst_node(RangeTblEntry, lc);

			if (term->rtekind == RTE_SUBQUERY)
				tv_derive_delta_keyed(node, term->subquery);
		}
		return;
	}
	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		/* a column that the query sorts or groups by is not only output */
		if (tle != weight && tle->ressortgroupref == 0 && !is_key(node, tle->resno) &&
			is_costly((Node *) tle->expr, NULL))
			tle->expr = when_it_comes(tle->expr, weight->expr);
	}
}

/* The one leaf of the node that reads the source; -1 if there is another one, too. */
static int
find_only_leaf(const TvNode *node, int source)
{
	int			result = -1;
	ListCell   *lc;

	if (list_length(node->branches) != 1)
		return -1;
	foreach(lc, ((TvBranch *) linitial(node->branches))->leaves)
	{
		TvLeaf	   *leaf = lfirst(lc);

		if (leaf->source != source)
			continue;
		if (result >= 0 || leaf->mode != TV_LEAF_INNER)
			return -1;
		result = foreach_current_index(lc);
	}
	return result;
}

bool
tv_derive_keeps_keys(const TvNode *node, int source, Bitmapset **columns)
{
	int			leaf;
	TvBranch   *branch;
	Bitmapset  *found = NULL;
	int			m = -1;
	ListCell   *lc;

	if (node->kind != TV_NODE_LINEAR || node->identity != TV_IDENTITY_KEY)
		return false;
	leaf = find_only_leaf(node, source);
	if (leaf < 0)
		return false;

	branch = linitial(node->branches);
	pull_varattnos((Node *) tv_branch_quals(branch), leaf + 1, &found);
	foreach(lc, branch->leaves)
		pull_varattnos((Node *) tv_leaf_exprs(((TvLeaf *) lfirst(lc))->rte), leaf + 1, &found);
	for (int i = 0; i < node->nidentity; i++)
		pull_varattnos(list_nth(branch->exprs, node->identity_attnos[i] - 1), leaf + 1, &found);

	*columns = NULL;
	while ((m = bms_next_member(found, m)) >= 0)
	{
		int			attno = m + FirstLowInvalidHeapAttributeNumber;

		if (attno <= 0)
			return false;
		*columns = bms_add_member(*columns, attno);
	}
	return true;
}

static bool
is_key(const TvNode *node, AttrNumber attno)
{
	for (int i = 0; i < node->nidentity; i++)
		if (node->identity_attnos[i] == attno)
			return true;
	return false;
}

static Expr *
when_it_comes(Expr *expr, const Expr *weight)
{
	CaseExpr   *result = makeNode(CaseExpr);
	CaseWhen   *when = makeNode(CaseWhen);
	OpExpr	   *comes = (OpExpr *) make_opclause(INT8_GT_OP, BOOLOID, false,
												 copyObject(unconstify(Expr *, weight)),
												 tv_query_int8(0), InvalidOid, InvalidOid);

	set_opfuncid(comes);
	when->expr = (Expr *) comes;
	when->result = expr;
	when->location = -1;
	result->casetype = exprType((Node *) expr);
	result->casecollid = exprCollation((Node *) expr);
	result->args = list_make1(when);
	result->defresult = (Expr *) makeNullConst(result->casetype, exprTypmod((Node *) expr),
											   result->casecollid);
	result->location = -1;
	return (Expr *) result;
}
