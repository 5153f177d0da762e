/*-------------------------------------------------------------------------
 *
 * delta/derive_flip.c
 *	  The delta of a comparison with an aggregate over all rows.
 *
 * Such a leaf S has one row always, so that its change is the old row, weight
 * -1, and the new one, weight 1.  If it is used in nothing but one comparison
 * q(x, S) of rows x of the other leaves,
 *
 *		dP = x . ([q(x, new)] - [q(x, old)])
 *
 * where most rows that pass with the new one have passed with the old one, too.
 * What is left lies between the two.  With m and s the two rows of the change,
 * one way and the other,
 *
 *		dP = sum over m, s with w(m) = - w(s) of
 *			 w(m) x . [q(x, m)] . [q(x, s) is not true]
 *
 * and q(x, s) is not true if its negation is, or if S's side of it is null (a
 * null on the other side would have failed q(x, m)).  For a comparison in the
 * order of an index on x this is a range of the index.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/pg_am.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteManip.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "delta/derive_flip.h"
#include "delta/shield_nulls.h"

/* int8 = int8 */
#define INT8_EQ_OP 410

static bool is_range_comparison(const OpExpr *op, int varno, int *side);
static Query *flips(const TvProduct *product, int leaf, List *exprs, List *quals,
					int comparison, int side, bool null, bool negative);

/* The number of the one qual that speaks of the leaf; -1 if there is no such. */
static int
only_qual(const TvBranch *branch, int leaf, List *exprs, List *quals)
{
	int			result = -1;
	ListCell   *lc;

	if (bms_is_member(leaf + 1, pull_varnos(NULL, (Node *) exprs)))
		return -1;
	foreach(lc, branch->leaves)
	{
		TvLeaf	   *other = lfirst(lc);

		if (bms_is_member(leaf + 1, pull_varnos(NULL, (Node *) other->quals)) ||
			bms_is_member(leaf + 1, pull_varnos(NULL, (Node *) tv_leaf_exprs(other->rte))))
			return -1;
	}
	foreach(lc, quals)
	{
		if (!bms_is_member(leaf + 1, pull_varnos(NULL, lfirst(lc))))
			continue;
		if (result >= 0)
			return -1;
		result = foreach_current_index(lc);
	}
	return result;
}

/* Is it x op f(S), or the other way round, in the order of some index? */
static bool
is_range_comparison(const OpExpr *op, int varno, int *side)
{
	Bitmapset  *of_leaf = bms_make_singleton(varno);
	Oid			opclass;
	int			strategy;

	if (!IsA(op, OpExpr) || list_length(op->args) != 2 || !op_strict(op->opno) ||
		!OidIsValid(get_negator(op->opno)))
		return false;
	for (*side = 0; *side < 2; (*side)++)
	{
		Bitmapset  *others = pull_varnos(NULL, list_nth(op->args, 1 - *side));

		if (bms_equal(pull_varnos(NULL, list_nth(op->args, *side)), of_leaf) &&
			!bms_is_empty(others) && !bms_is_member(varno, others))
			break;
	}
	if (*side == 2)
		return false;
	opclass = GetDefaultOpClass(exprType(list_nth(op->args, 1 - *side)), BTREE_AM_OID);
	strategy = OidIsValid(opclass) ?
		get_op_opfamily_strategy(op->opno, get_opclass_family(opclass)) : 0;
	return strategy != 0 && strategy != BTEqualStrategyNumber;
}

bool
tv_flip_applies(const TvGraph *graph, const TvBranch *branch, int leaf, List *exprs, List *quals)
{
	TvLeaf	   *l = list_nth(branch->leaves, leaf);
	TvSource   *source = l->source >= 0 && l->source < graph->nsources ?
	graph->sources[l->source] : NULL;
	int			comparison;
	int			side;
	ListCell   *lc;

	if (source == NULL || source->kind != TV_SOURCE_NODE || l->mode != TV_LEAF_INNER ||
		graph->nodes[source->node]->kind != TV_NODE_GROUP ||
		graph->nodes[source->node]->nkeys > 0)
		return false;
	foreach(lc, quals)
		if (tv_null_may_fail(lfirst(lc)))
		return false;
	comparison = only_qual(branch, leaf, exprs, quals);
	return comparison >= 0 && is_range_comparison(list_nth(quals, comparison), leaf + 1, &side);
}

List *
tv_flip_queries(const TvProduct *product, int leaf, List *exprs, List *quals, bool negative)
{
	int			comparison = only_qual(product->branch, leaf, exprs, quals);
	int			side;

	if (comparison < 0 ||
		!is_range_comparison(list_nth(quals, comparison), leaf + 1, &side))
		elog(ERROR, "leaf %d of a delta is in no single comparison", leaf);
	return list_make2(flips(product, leaf, exprs, quals, comparison, side, false, negative),
					  flips(product, leaf, exprs, quals, comparison, side, true, negative));
}

/*
 * The one leaf that the other side of the comparison is over, if it is a table
 * of which columns are read, and no more; -1 otherwise.
 */
static int
compared_leaf(const TvProduct *product, Node *x, List *exprs, List *quals)
{
	Bitmapset  *varnos = pull_varnos(NULL, x);
	Bitmapset  *attnos = NULL;
	TvLeaf	   *leaf;
	int			varno;

	if (!bms_get_singleton_member(varnos, &varno))
		return -1;
	leaf = list_nth(product->branch->leaves, varno - 1);
	if (leaf->mode != TV_LEAF_INNER || leaf->source < 0 || leaf->rte->rtekind != RTE_RELATION ||
		!OidIsValid(product->graph->sources[leaf->source]->relid))
		return -1;
	pull_varattnos((Node *) exprs, varno, &attnos);
	pull_varattnos((Node *) quals, varno, &attnos);
	pull_varattnos((Node *) tv_branch_quals(product->branch), varno, &attnos);
	varno--;
	/* whole rows and system columns are no columns of a subquery */
	return bms_next_member(attnos, -1) > -FirstLowInvalidHeapAttributeNumber ? varno : -1;
}

typedef struct InnerContext
{
	int			varno;			/* becomes the subquery's own */
} InnerContext;

static Node *
inner_mutator(Node *node, InnerContext *inner)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Var))
	{
		Var		   *var = copyObject((Var *) node);

		if (var->varno == inner->varno)
			var->varno = 1;
		else
			var->varlevelsup = 1;
		var->varnosyn = 0;
		var->varattnosyn = 0;
		return (Node *) var;
	}
	return expression_tree_mutator(node, inner_mutator, inner);
}

/*
 * Put the leaf's table into a subquery of its own, with these quals: there the
 * rows of the change are parameters, by which the planner sees a range, and it
 * cannot do it the other way round.
 */
static void
fence(Query *query, int leaf, List *quals)
{
	ListCell   *cell = list_nth_cell(query->rtable, leaf);
	RangeTblEntry *rte = lfirst(cell);
	Relation	rel = table_open(rte->relid, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(rel);
	Query	   *inner = tv_query_make();
	InnerContext context = {leaf + 1};

	tv_query_add_rte(inner, rte);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		tv_query_add_column(inner, att->attisdropped ?
							(Expr *) makeNullConst(INT4OID, -1, InvalidOid) :
							(Expr *) makeVar(1, i + 1, att->atttypid, att->atttypmod,
											 att->attcollation, 0), NameStr(att->attname));
	}
	table_close(rel, NoLock);
	tv_query_where(inner, (List *) inner_mutator((Node *) quals, &context));
	inner->limitOffset = (Node *) tv_query_int8(0);
	rte = tv_query_subquery_rte(inner, rte->eref->aliasname);
	rte->lateral = true;
	lfirst(cell) = rte;
}

/*
 * The product with the leaf's change as m, and once more as s.  null: where
 * the comparison with s has a null, else where it fails.
 */
static Query *
flips(const TvProduct *product, int leaf, List *exprs, List *quals, int comparison, int side,
	  bool null, bool negative)
{
	TvLeaf	   *l = list_nth(product->branch->leaves, leaf);
	TvLayout   *layout = product->layouts[l->source];
	Query	   *query = tv_product_query(product, exprs, quals, true, negative);
	List	   *where = make_ands_implicit((Expr *) query->jointree->quals);
	OpExpr	   *holds = list_nth_node(OpExpr, where, comparison);
	OpExpr	   *fails = copyObject(holds);
	int			s = tv_query_add_rte(query, tv_query_delta_rte(tv_derive_delta_name(l->source),
															   layout, product->rows ? product->rows[l->source] : 1));
	Var		   *weight_m = makeVar(leaf + 1, layout->natts + 1, INT8OID, -1, InvalidOid, 0);
	Var		   *weight_s = makeVar(s, layout->natts + 1, INT8OID, -1, InvalidOid, 0);
	OpExpr	   *opposite;
	List	   *between;
	int			x;

	ChangeVarNodes((Node *) fails, leaf + 1, s, 0);
	if (null)
	{
		NullTest   *test = makeNode(NullTest);

		test->arg = list_nth(fails->args, side);
		test->nulltesttype = IS_NULL;
		test->location = -1;
		between = list_make2(holds, test);
	}
	else
	{
		fails->opno = get_negator(fails->opno);
		fails->opfuncid = InvalidOid;
		set_opfuncid(fails);
		between = list_make2(holds, fails);
	}
	where = list_delete_nth_cell(where, comparison);
	x = compared_leaf(product, list_nth(list_nth_node(OpExpr, quals, comparison)->args, 1 - side),
					  exprs, quals);
	/* a table that has changed, too, is not read as it is */
	if (x >= 0 && list_nth_node(RangeTblEntry, query->rtable, x)->rtekind == RTE_RELATION)
		fence(query, x, between);
	else
		where = list_concat(where, between);

	opposite = (OpExpr *) make_opclause(INT8_EQ_OP, BOOLOID, false, (Expr *) weight_m,
										(Expr *) makeFuncExpr(F_INT8UM, INT8OID,
															  list_make1(weight_s),
															  InvalidOid, InvalidOid,
															  COERCE_EXPLICIT_CALL),
										InvalidOid, InvalidOid);
	set_opfuncid(opposite);
	tv_query_where(query, lappend(where, opposite));
	return query;
}
