/*-------------------------------------------------------------------------
 *
 * delta/derive_delta.c
 *	  The delta of a node's input, from the deltas of its sources.
 *
 * A branch is a product P(l1, ..., lm) of leaves, linear in each of them.
 * With R1 the state after the change, dR the change and R0 = R1 - dR:
 *
 *	one changed leaf		dP = P(.., dRi, ..)			others new
 *	several, i1 < .. < ik	dP = sum over j of  P(R1 for changed leaves before
 *							j, dR at j, R1 - dR for changed leaves after j)
 *
 * Both read nothing but the new state and the deltas; weights multiply.  The
 * telescoped sum has k terms.  Multiplied out it is the sum over the non-empty
 * subsets K of the changed leaves of (-1)^(|K| - 1) P(dR on K, R1 elsewhere),
 * with 2^k - 1 terms.  The server plans look-ups in R1 better than those in the
 * union R1 - dR, so this form is used while k is small.
 *
 * With several changed leaves, a term pairs rows that never stood in the
 * database at one time, and the sum takes them out again.  Expressions must
 * not see such pairs, for they might fail on them: the terms deliver the raw
 * columns, these are added up by their image, and output expressions and
 * quals that could fail are evaluated on what is left; leaves that could fail
 * become a second stage (derive_stages.c).  A node that computes its touched groups anew is told of groups too many instead, where that is safe.
 *
 * The change of an aggregate over all rows that others are compared with has a
 * sharper rule: derive_flip.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_aggregate.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_oper.h"
#include "port/pg_bitutils.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "delta/derive_flip.h"
#include "delta/derive_stages.h"
#include "delta/late_quals.h"
#include "delta/shield_nulls.h"
#include "delta/type_image.h"
#include "tv_compat.h"

/* Up to this many changed leaves, R1 - dR is multiplied out. */
#define TV_MULTIPLY_OUT 4

typedef struct DeltaContext
{
	const TvGraph *graph;
	TvLayout  **layouts;
	const double *rows;
	int			nsources;		/* of the graph, then stages ... */
	Query	  **deltas;			/* ... whose changes are these queries, by
								 * source */
} DeltaContext;

static bool derivations_count(const TvNode *node, const Bitmapset *leaves,
							  const TvBranch *branch);
static List *derivation_columns(const TvNode *node, const TvBranch *branch);
static Bitmapset *changed_leaves(const TvBranch *branch, const Bitmapset *changed);
static List *single_terms(DeltaContext *d, const TvBranch *branch, int leaf, List *exprs);
static List *several_terms(DeltaContext *d, const TvBranch *branch,
						   const Bitmapset *leaves, List *exprs, List *apart);
static Query *netted_terms(DeltaContext *d, const TvBranch *branch,
						   const Bitmapset *leaves, List *exprs, List *apart);
static List *terms_of(DeltaContext *d, const TvBranch *branch, const Bitmapset *leaves, int j,
					  List *exprs, List *quals);
static void add_choices(DeltaContext *d, const TvBranch *branch, TvLeafState *states,
						int k, const Bitmapset *deltas, List *exprs, List *quals,
						bool negative, List **terms);
static bool qual_may_fail(Node *qual, const TvBranch *branch);
static bool touches_only(const TvNode *node, const TvBranch *branch, List *exprs);

char *
tv_derive_delta_name(int source)
{
	return psprintf("tview_delta_%d", source);
}

Query *
tv_derive_delta(const TvGraph *graph, const TvNode *node, const Bitmapset *changed,
				TvLayout **layouts, const double *rows)
{
	DeltaContext d = {graph, layouts, rows, graph->nsources};
	List	   *terms = NIL;
	Query	   *query;
	ListCell   *lc;

	foreach(lc, node->branches)
	{
		TvBranch   *branch = lfirst(lc);
		Bitmapset  *leaves = changed_leaves(branch, changed);
		List	   *exprs = branch->exprs;
		int			leaf = -1;

		if (node->recompute)
			exprs = list_truncate(list_copy(exprs), node->ndelta);
		if (bms_num_members(leaves) == 1 && !derivations_count(node, leaves, branch))
			terms = list_concat(terms, single_terms(&d, branch, bms_singleton_member(leaves), exprs));
		else if (touches_only(node, branch, exprs))
		{
			while ((leaf = bms_next_member(leaves, leaf)) >= 0)
				terms = list_concat(terms, terms_of(&d, branch, leaves, leaf, exprs, branch->quals));
		}
		else if (!bms_is_empty(leaves))
			terms = list_concat(terms, several_terms(&d, branch, leaves, exprs,
													 derivation_columns(node, branch)));
	}
	if (terms == NIL)
		return NULL;
	query = tv_query_union_all(terms);

	/* one group: the first row tells that it is touched */
	if (node->kind == TV_NODE_GROUP && node->recompute && node->nkeys == 0)
		query->limitCount = (Node *) tv_query_int8(1);
	return query;
}

/*
 * Of a recursive UNION it matters whether a derivation is lost, be another one
 * of the same row won at the same time: they are netted, also with one changed
 * leaf, but kept apart by the row of the node that they are from.
 */
static bool
derivations_count(const TvNode *node, const Bitmapset *leaves, const TvBranch *branch)
{
	TvLeaf	   *leaf = list_nth(branch->leaves, bms_next_member(leaves, -1));

	return node->kind == TV_NODE_RECURSIVE && !node->union_all && leaf->source != node->self;
}

static List *
derivation_columns(const TvNode *node, const TvBranch *branch)
{
	List	   *result = NIL;
	ListCell   *lc;

	if (node->kind != TV_NODE_RECURSIVE || node->union_all)
		return NIL;
	foreach(lc, branch->leaves)
	{
		if (((TvLeaf *) lfirst(lc))->source != node->self)
			continue;
		for (int i = 0; i < node->out_desc->natts; i++)
		{
			Form_pg_attribute att = TupleDescAttr(node->out_desc, i);

			result = lappend(result, makeVar(foreach_current_index(lc) + 1, i + 1, att->atttypid,
											 att->atttypmod, att->attcollation, 0));
		}
	}
	return result;
}

/*
 * Is all that the rows are for to tell which groups are to be computed anew?
 * Pairs that never stood in the database at one time name groups too many then,
 * which costs less than to take these pairs out, unless expressions see them.
 */
static bool
touches_only(const TvNode *node, const TvBranch *branch, List *exprs)
{
	ListCell   *lc;

	if (node->kind != TV_NODE_GROUP || !node->recompute)
		return false;
	foreach(lc, exprs)
		if (!IsA(lfirst(lc), Var))
		return false;
	foreach(lc, branch->quals)
		if (qual_may_fail(lfirst(lc), branch))
		return false;
	for (int i = 0; i < list_length(branch->leaves); i++)
		if (tv_stages_leaf_may_fail(branch, i))
			return false;
	return true;
}

static Bitmapset *
changed_leaves(const TvBranch *branch, const Bitmapset *changed)
{
	Bitmapset  *result = NULL;
	ListCell   *lc;

	foreach(lc, branch->leaves)
	{
		TvLeaf	   *leaf = lfirst(lc);

		if (leaf->source >= 0 && bms_is_member(leaf->source, changed))
			result = bms_add_member(result, foreach_current_index(lc));
	}
	return result;
}

static List *
single_terms(DeltaContext *d, const TvBranch *branch, int leaf, List *exprs)
{
	TvLeafState *states = palloc0(sizeof(TvLeafState) * list_length(branch->leaves));
	List	   *terms = NIL;

	add_choices(d, branch, states, -1, bms_make_singleton(leaf), exprs, branch->quals, false,
				&terms);
	return terms;
}

/*
 * The delta by several changed leaves, or by one whose rows are netted all the
 * same.
 */
static List *
several_terms(DeltaContext *d, const TvBranch *branch, const Bitmapset *leaves, List *exprs,
			  List *apart)
{
	DeltaContext staged = *d;
	TvStages	s;

	if (!tv_stages_split(d->graph, branch, leaves, d->nsources, apart, &s))
		return list_make1(netted_terms(d, branch, leaves, exprs, apart));

	staged.nsources++;
	staged.layouts = palloc0(sizeof(TvLayout *) * staged.nsources);
	memcpy(staged.layouts, d->layouts, sizeof(TvLayout *) * d->nsources);
	staged.layouts[d->nsources] = s.layout;
	staged.deltas = palloc0(sizeof(Query *) * staged.nsources);
	if (d->deltas)
		memcpy(staged.deltas, d->deltas, sizeof(Query *) * d->nsources);
	staged.deltas[d->nsources] =
		tv_query_union_all(several_terms(d, s.first, s.first_changed, s.first->exprs, NIL));

	exprs = (List *) tv_stages_map(&s, (Node *) exprs);
	if (apart == NIL && bms_membership(s.second_changed) == BMS_SINGLETON)
		return single_terms(&staged, s.second, 0, exprs);
	return several_terms(&staged, s.second, s.second_changed, exprs, s.apart);
}

/* The raw columns that expressions over the leaves need. */
static List *
raw_columns(List *exprs, List *quals)
{
	List	   *vars = list_concat(pull_var_clause((Node *) exprs, 0),
								   pull_var_clause((Node *) quals, 0));
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, vars)
		result = list_append_unique(result, lfirst(lc));

	/* the record must have a field */
	if (result == NIL)
		result = list_make1(makeConst(INT4OID, -1, InvalidOid, sizeof(int32),
									  Int32GetDatum(1), false, true));
	return result;
}

/*
 * How the raw columns are netted: those whose equal values always look the same
 * as they are, which the server can hash; the others as the fields of a record
 * that is compared by its image.
 */
typedef struct Netting
{
	List	   *plain;
	List	   *packed;
	Query	   *query;
} Netting;

static void
choose_columns(Netting *n, List *raw)
{
	ListCell   *lc;

	foreach(lc, raw)
	{
		Node	   *column = lfirst(lc);

		if (tv_type_one_image(exprType(column), exprTypmod(column), exprCollation(column)))
			n->plain = lappend(n->plain, column);
		else
			n->packed = lappend(n->packed, column);
	}
}

/* What each term delivers beside its weight. */
static List *
term_columns(const Netting *n)
{
	RowExpr    *row = makeNode(RowExpr);

	if (n->packed == NIL)
		return n->plain;
	row->args = n->packed;
	row->row_typeid = RECORDOID;
	row->row_format = COERCE_EXPLICIT_CALL;
	row->location = -1;
	for (int i = 1; i <= list_length(n->packed); i++)
		row->colnames = lappend(row->colnames, makeString(psprintf("f%d", i)));
	return lappend(list_copy(n->plain), row);
}

static Var *
net_var(const Node *column, int attno)
{
	if (column == NULL)
		return makeVar(1, attno, RECORDOID, -1, InvalidOid, 0);
	return makeVar(1, attno, exprType(column), exprTypmod(column), exprCollation(column), 0);
}

/* Group the netting's query by the column of its input that was just added. */
static void
group_by(Netting *n, Var *var)
{
	SortGroupClause *clause = makeNode(SortGroupClause);
	TargetEntry *tle = llast(n->query->targetList);

	if (var->vartype == RECORDOID)
	{
		clause->eqop = RECORD_IMAGE_EQ_OP;
		clause->sortop = RECORD_IMAGE_LT_OP;
	}
	else
		get_sort_group_operators(var->vartype, true, true, false, &clause->sortop, &clause->eqop,
								 NULL, &clause->hashable);
	clause->tleSortGroupRef = tle->ressortgroupref = list_length(n->query->targetList);
	n->query->groupClause = lappend(n->query->groupClause, clause);
}

/* Raw columns become columns of the netting, or fields of its record. */
static Node *
field_mutator(Node *node, void *context)
{
	const Netting *n = context;
	ListCell   *lc;

	if (node == NULL)
		return NULL;
	if (!IsA(node, Var))
		return expression_tree_mutator(node, field_mutator, context);
	foreach(lc, n->plain)
		if (equal(lfirst(lc), node))
		return (Node *) net_var(node, foreach_current_index(lc) + 1);
	foreach(lc, n->packed)
	{
		if (equal(lfirst(lc), node))
		{
			FieldSelect *field = makeNode(FieldSelect);

			field->arg = (Expr *) net_var(NULL, list_length(n->plain) + 1);
			field->fieldnum = foreach_current_index(lc) + 1;
			field->resulttype = exprType(node);
			field->resulttypmod = exprTypmod(node);
			field->resultcollid = exprCollation(node);
			return (Node *) field;
		}
	}
	elog(ERROR, "column not found among the raw columns of a delta");
}

/*
 * P(R1 for changed leaves before j, dR at j, R1 - dR after j), as one term or,
 * for few leaves, multiplied out to products of R1 and - dR.
 */
static List *
terms_of(DeltaContext *d, const TvBranch *branch, const Bitmapset *leaves, int j,
		 List *exprs, List *quals)
{
	int			nleaves = list_length(branch->leaves);
	bool		multiply_out = bms_num_members(leaves) <= TV_MULTIPLY_OUT;
	int			nafter = 0;
	List	   *terms = NIL;
	int			k = j;

	while ((k = bms_next_member(leaves, k)) >= 0)
		nafter++;
	for (uint32 mask = 0; mask < (multiply_out ? (uint32) 1 << nafter : 1); mask++)
	{
		TvLeafState *states = palloc0(sizeof(TvLeafState) * nleaves);
		Bitmapset  *deltas = bms_make_singleton(j);
		int			after = 0;

		k = j;
		while ((k = bms_next_member(leaves, k)) >= 0)
		{
			if (!multiply_out)
				states[k] = TV_STATE_OLD;
			else if (mask & ((uint32) 1 << after))
				deltas = bms_add_member(deltas, k);
			after++;
		}
		add_choices(d, branch, states, -1, deltas, exprs, quals,
					pg_popcount32(mask) % 2 == 1, &terms);
	}
	return terms;
}

/*
 * Add the terms up: OFFSET 0 keeps quals from being pushed below.
 *
 * select columns, sum(w) as w from (terms) group by columns offset 0
 */
static void
add_up(Netting *n, List *terms)
{
	Aggref	   *sum = makeNode(Aggref);
	ListCell   *lc;
	int			ncolumns = list_length(n->plain);

	n->query = tv_query_make();
	tv_query_add_rte(n->query, tv_query_subquery_rte(tv_query_union_all(terms), "terms"));
	foreach(lc, n->plain)
	{
		Var		   *var = net_var(lfirst(lc), foreach_current_index(lc) + 1);

		tv_query_add_column(n->query, (Expr *) var, NULL);
		group_by(n, var);
	}
	if (n->packed != NIL)
	{
		Var		   *var = net_var(NULL, ++ncolumns);

		tv_query_add_column(n->query, (Expr *) var, "r");
		group_by(n, var);
	}
	sum->aggfnoid = F_SUM_INT8;
	sum->aggtype = NUMERICOID;
	sum->aggargtypes = list_make1_oid(INT8OID);
	sum->args = list_make1(makeTargetEntry((Expr *) makeVar(1, ncolumns + 1, INT8OID, -1, InvalidOid, 0),
										   1, NULL, false));
	sum->aggkind = AGGKIND_NORMAL;
	sum->aggsplit = AGGSPLIT_SIMPLE;
	sum->aggno = -1;
	sum->aggtransno = -1;
	sum->location = -1;
	tv_query_add_column(n->query,
						(Expr *) makeFuncExpr(F_INT8_NUMERIC, INT8OID, list_make1(sum),
											  InvalidOid, InvalidOid, COERCE_EXPLICIT_CAST),
						"w");
	n->query->hasAggs = true;
	n->query->limitOffset = (Node *) tv_query_int8(0);
}

/*
 * apart: further columns by which rows are told apart.
 *
 * select exprs(columns), w
 * from (select columns, sum(w) as w from (terms) group by columns offset 0)
 * where w <> 0 and quals(columns)
 */
static Query *
netted_terms(DeltaContext *d, const TvBranch *branch, const Bitmapset *leaves, List *exprs,
			 List *apart)
{
	List	   *safe = NIL;
	List	   *unsafe = NIL;
	List	   *terms = NIL;
	ListCell   *lc;
	int			j = -1;
	Query	   *outer = tv_query_make();
	Netting		n = {0};
	Expr	   *weight;
	OpExpr	   *nonzero;

	foreach(lc, branch->quals)
	{
		if (qual_may_fail(lfirst(lc), branch))
			unsafe = lappend(unsafe, lfirst(lc));
		else
			safe = lappend(safe, lfirst(lc));
	}

	/* all that the node looks at, even if it only wants to know the keys */
	choose_columns(&n, raw_columns(list_concat_copy(branch->exprs, apart), unsafe));
	while ((j = bms_next_member(leaves, j)) >= 0)
		terms = list_concat(terms, terms_of(d, branch, leaves, j, term_columns(&n), safe));
	add_up(&n, terms);

	unsafe = (List *) field_mutator((Node *) unsafe, &n);
	weight = (Expr *) makeVar(1, list_length(n.query->targetList), INT8OID, -1, InvalidOid, 0);
	unsafe = tv_late_nulls(n.query, unsafe);
	tv_query_add_rte(outer, tv_query_subquery_rte(n.query, "netted"));
	foreach(lc, exprs)
		tv_query_add_column(outer, (Expr *) field_mutator(lfirst(lc), &n), NULL);
	tv_query_add_column(outer, weight, "weight");

	/* 411 is int8 <> int8 */
	nonzero = (OpExpr *) make_opclause(411, BOOLOID, false, copyObject(weight),
									   tv_query_int8(0), InvalidOid, InvalidOid);
	set_opfuncid(nonzero);
	tv_query_where(outer, lcons(nonzero, unsafe));
	return outer;
}

/*
 * The products in which these leaves, from k + 1 on, are their changes.  The
 * change of a LEFT leaf has two parts, which are products of their own.
 */
static void
add_choices(DeltaContext *d, const TvBranch *branch, TvLeafState *states, int k,
			const Bitmapset *deltas, List *exprs, List *quals, bool negative, List **terms)
{
	TvProduct	product = {d->graph, branch, states, d->layouts, d->rows, d->deltas};
	int			only;

	k = bms_next_member(deltas, k);
	if (k < 0)
	{
		/* a node that only wants to know the keys looks at more than these */
		if (bms_get_singleton_member(deltas, &only) &&
			tv_flip_applies(d->graph, branch, only,
							list_concat_copy(exprs, branch->exprs), quals))
			*terms = list_concat(*terms, tv_flip_queries(&product, only, exprs, quals, negative));
		else
			*terms = lappend(*terms, tv_product_query(&product, exprs, quals, true, negative));
		return;
	}
	states[k] = TV_STATE_DELTA;
	add_choices(d, branch, states, k, deltas, exprs, quals, negative, terms);
	if (((TvLeaf *) list_nth(branch->leaves, k))->mode == TV_LEAF_LEFT)
	{
		states[k] = TV_STATE_DELTA_NULL;
		add_choices(d, branch, states, k, deltas, exprs, quals, negative, terms);
	}
}

/* Does an expression see that another leaf has no match? */
static bool
sees_nulls(Node *node, void *context)
{
	const TvBranch *branch = context;

	if (node == NULL)
		return false;
	if (IsA(node, Const))
		return ((Const *) node)->constisnull;
	if (IsA(node, Var))
		return ((TvLeaf *) list_nth(branch->leaves, ((Var *) node)->varno - 1))->mode == TV_LEAF_LEFT;
	return expression_tree_walker(node, sees_nulls, context);
}

/* May the qual raise an error on a pair of rows that never coexisted? */
static bool
qual_may_fail(Node *qual, const TvBranch *branch)
{
	return tv_stages_may_fail(branch, qual, -1) ||
		(sees_nulls(qual, unconstify(TvBranch *, branch)) && tv_expr_may_fail(qual));
}
