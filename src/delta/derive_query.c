/*-------------------------------------------------------------------------
 *
 * delta/derive_query.c
 *	  Building blocks of derived queries.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "rewrite/rewriteManip.h"
#include "storage/lockdefs.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "delta/derive_product.h"
#include "delta/late_quals.h"
#include "delta/shield_nulls.h"
#include "delta/type_image.h"
#include "tv_compat.h"

Query *
tv_query_make(void)
{
	Query	   *query = makeNode(Query);

	query->commandType = CMD_SELECT;
	query->querySource = QSRC_ORIGINAL;
	query->canSetTag = true;
	query->jointree = makeFromExpr(NIL, NULL);
	return query;
}

int
tv_query_add_rte(Query *query, RangeTblEntry *rte)
{
	RangeTblRef *ref = makeNode(RangeTblRef);

	tv_compat_add_rte(query, rte);
	ref->rtindex = list_length(query->rtable);
	query->jointree->fromlist = lappend(query->jointree->fromlist, ref);
	return ref->rtindex;
}

void
tv_query_add_column(Query *query, Expr *expr, const char *name)
{
	int			resno = list_length(query->targetList) + 1;

	query->targetList = lappend(query->targetList,
								makeTargetEntry(expr, resno,
												name ? pstrdup(name) : psprintf("c%d", resno),
												false));
}

RangeTblEntry *
tv_query_subquery_rte(Query *subquery, const char *name)
{
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	List	   *names = NIL;
	ListCell   *lc;

	foreach(lc, subquery->targetList)
		if (!lfirst_node(TargetEntry, lc)->resjunk)
		names = lappend(names, makeString(lfirst_node(TargetEntry, lc)->resname));
	rte->rtekind = RTE_SUBQUERY;
	rte->subquery = subquery;
	rte->alias = makeAlias(name, NIL);
	rte->eref = makeAlias(name, names);
	rte->inFromCl = true;
	return rte;
}

RangeTblEntry *
tv_query_delta_rte(const char *name, const TvLayout *layout, double rows)
{
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	List	   *names = NIL;

	rte->rtekind = RTE_NAMEDTUPLESTORE;
	rte->enrname = pstrdup(name);
	rte->enrtuples = rows;
	for (int i = 0; i < layout->desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(layout->desc, i);

		rte->coltypes = lappend_oid(rte->coltypes, att->atttypid);
		rte->coltypmods = lappend_int(rte->coltypmods, att->atttypmod);
		rte->colcollations = lappend_oid(rte->colcollations, att->attcollation);
		names = lappend(names, makeString(pstrdup(NameStr(att->attname))));
	}
	rte->eref = makeAlias(name, names);
	rte->inFromCl = true;
	return rte;
}

RangeTblEntry *
tv_query_leaf_rte(const TvGraph *graph, const TvLeaf *leaf)
{
	RangeTblEntry *rte = copyObject(leaf->rte);

	if (leaf->source >= 0 && leaf->source < graph->nsources)
	{
		rte->relid = graph->sources[leaf->source]->relid;
		rte->rellockmode = AccessShareLock;
	}
	rte->inFromCl = true;
	rte->securityQuals = NIL;
	tv_compat_clear_permissions(rte);
	return rte;
}

void
tv_query_where(Query *query, List *quals)
{
	query->jointree->quals = quals ? (Node *) make_ands_explicit(quals) : NULL;
}

/* Left-deep tree of UNION ALL. */
Query *
tv_query_union_all(List *queries)
{
	Query	   *query;
	Query	   *first = linitial_node(Query, queries);
	Node	   *tree = NULL;
	ListCell   *lc;
	ListCell   *lt;

	if (list_length(queries) == 1)
		return first;

	query = tv_query_make();
	query->jointree->fromlist = NIL;
	foreach(lc, queries)
	{
		RangeTblRef *ref = makeNode(RangeTblRef);
		SetOperationStmt *op;

		tv_compat_add_rte(query, tv_query_subquery_rte(lfirst_node(Query, lc),
													   psprintf("branch_%d", foreach_current_index(lc) + 1)));
		ref->rtindex = list_length(query->rtable);
		if (tree == NULL)
		{
			tree = (Node *) ref;
			continue;
		}
		op = makeNode(SetOperationStmt);
		op->op = SETOP_UNION;
		op->all = true;
		op->larg = tree;
		op->rarg = (Node *) ref;
		foreach(lt, first->targetList)
		{
			Node	   *expr = (Node *) lfirst_node(TargetEntry, lt)->expr;

			op->colTypes = lappend_oid(op->colTypes, exprType(expr));
			op->colTypmods = lappend_int(op->colTypmods, -1);
			op->colCollations = lappend_oid(op->colCollations, exprCollation(expr));
		}
		tree = (Node *) op;
	}
	query->setOperations = tree;
	foreach(lt, first->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lt);

		tv_query_add_column(query, (Expr *) makeVar(1, tle->resno, exprType((Node *) tle->expr),
													exprTypmod((Node *) tle->expr),
													exprCollation((Node *) tle->expr), 0),
							tle->resname);
	}
	return query;
}

Query *
tv_query_branch(const TvGraph *graph, const TvBranch *branch, List *exprs)
{
	TvLeafState *states = palloc0(sizeof(TvLeafState) * (list_length(branch->leaves) + 1));
	TvProduct	product = {graph, branch, states};

	return tv_product_query(&product, exprs, branch->quals, false, false);
}

Query *
tv_query_input(const TvGraph *graph, const TvNode *node)
{
	List	   *queries = NIL;
	ListCell   *lc;

	foreach(lc, node->branches)
	{
		TvBranch   *branch = lfirst(lc);

		queries = lappend(queries, tv_query_branch(graph, branch, branch->exprs));
	}
	return tv_query_union_all(queries);
}

Expr *
tv_query_int8(int64 value)
{
	return (Expr *) makeConst(INT8OID, -1, InvalidOid, sizeof(int64),
							  Int64GetDatum(value), false, FLOAT8PASSBYVAL);
}

Expr *
tv_query_multiply(Expr *a, Expr *b)
{
	return (Expr *) makeFuncExpr(F_INT8MUL, INT8OID, list_make2(a, b),
								 InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
}

Expr *
tv_query_key_equals(const TvKey *key, Expr *left, Expr *right, bool null_safe)
{
	Expr	   *equals = tv_type_equals(key->clause->eqop, left, right, key->collation);
	NullTest   *left_null;
	NullTest   *right_null;

	if (!null_safe)
		return equals;

	left_null = makeNode(NullTest);
	left_null->arg = copyObject(left);
	left_null->nulltesttype = IS_NULL;
	left_null->location = -1;
	right_null = copyObject(left_null);
	right_null->arg = copyObject(right);
	return make_orclause(list_make2(equals,
									make_andclause(list_make2(left_null, right_null))));
}

RangeTblEntry *
tv_query_keys_rte(const TvNode *node, double rows)
{
	TvLayout	layout = {0};

	layout.natts = node->nkeys - 1; /* no weight */
	layout.desc = CreateTemplateTupleDesc(node->nkeys);
	for (int i = 0; i < node->nkeys; i++)
	{
		TupleDescInitEntry(layout.desc, i + 1, psprintf("k%d", i + 1),
						   node->keys[i].type, node->keys[i].typmod, 0);
		TupleDescInitEntryCollation(layout.desc, i + 1, node->keys[i].collation);
	}
	return tv_query_delta_rte(TV_KEYS_NAME, &layout, rows);
}

/* Add quals to those that a query has. */
static void
add_quals(Query *query, List *quals)
{
	tv_query_where(query, list_concat(make_ands_implicit((Expr *) query->jointree->quals), quals));
}

/*
 * Take the rows of a query whose columns are in TV_KEYS_NAME; columns: expressions
 * of that query.  above: how many levels above the query the keys are the first
 * RTE; 0: they are joined here.
 */
static void
restrict_columns(Query *query, List *columns, const TvNode *node, TvRecomputeScope scope,
				 double rows, int above)
{
	List	   *quals = NIL;
	int			rti = above ? 1 : tv_query_add_rte(query, tv_query_keys_rte(node, rows));

	for (int i = 0; i < node->nkeys; i++)
	{
		Var		   *right = makeVar(rti, i + 1, node->keys[i].type, node->keys[i].typmod,
									node->keys[i].collation, above);

		quals = lappend(quals, tv_query_key_equals(&node->keys[i],
												   copyObject(list_nth(columns, i)),
												   (Expr *) right,
												   scope == TV_RECOMPUTE_NULL_KEYS));
	}
	add_quals(query, quals);
}

/* Replace columns of the query below by what they are there. */
static Node *
below_mutator(Node *node, void *below)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Var) && ((Var *) node)->varlevelsup == 0)
		return (Node *) copyObject(list_nth_node(TargetEntry, ((Query *) below)->targetList,
												 ((Var *) node)->varattno - 1)->expr);
	return expression_tree_mutator(node, below_mutator, below);
}

/*
 * What the keys are in a branch, where the rows can be looked up by them; NIL if
 * they are better compared with the branch's result.
 */
static List *
keys_of_branch(Query *branch, const TvNode *node)
{
	Query	   *below = tv_late_quals_below(branch);
	List	   *result = NIL;

	for (int i = 0; i < node->nkeys; i++)
	{
		Node	   *expr = (Node *) list_nth_node(TargetEntry, branch->targetList, i)->expr;

		if (below)
			expr = below_mutator(expr, below);
		if (checkExprHasSubLink(expr) || tv_null_may_fail(expr))
			return NIL;
		result = lappend(result, expr);
	}
	return result;
}

static List *
branches_of(Query *input)
{
	List	   *branches = NIL;
	ListCell   *lc;

	if (!input->setOperations)
		return list_make1(input);
	foreach(lc, input->rtable)
		branches = lappend(branches, lfirst_node(RangeTblEntry, lc)->subquery);
	return branches;
}

/*
 * The planner looks no rows up within the branches of a union, nor below late
 * quals, by what they are joined to outside.  So each is joined to the keys:
 *
 *		(A + B) join keys = (A join keys) + (B join keys)
 */
static bool
restrict_branches(Query *input, const TvNode *node, TvRecomputeScope scope, double rows)
{
	List	   *branches = branches_of(input);
	List	   *keys = NIL;
	ListCell   *lc;
	ListCell   *lk;

	if (!input->setOperations && tv_late_quals_below(input) == NULL)
		return false;
	foreach(lc, branches)
	{
		keys = lappend(keys, keys_of_branch(lfirst(lc), node));
		if (llast(keys) == NIL)
			return false;
	}
	forboth(lc, branches, lk, keys)
	{
		Query	   *below = tv_late_quals_below(lfirst(lc));

		restrict_columns(below ? below : lfirst(lc), lfirst(lk), node, scope, rows, 0);
	}
	return true;
}

static List *
keys_of_input(const TvNode *node)
{
	List	   *columns = NIL;

	for (int i = 0; i < node->nkeys; i++)
		columns = lappend(columns, makeVar(1, i + 1, node->keys[i].type, node->keys[i].typmod,
										   node->keys[i].collation, 0));
	return columns;
}

void
tv_query_restrict(Query *query, const TvNode *node, TvRecomputeScope scope, double rows)
{
	if (scope == TV_RECOMPUTE_ALL || node->nkeys == 0 ||
		restrict_branches(linitial_node(RangeTblEntry, query->rtable)->subquery, node, scope, rows))
		return;
	restrict_columns(query, keys_of_input(node), node, scope, rows, 0);
}

/*
 * A condition on a lateral subquery goes down into the branches of a union by
 * itself, but not below late quals.
 */
void
tv_query_restrict_lateral(Query *query, const TvNode *node, TvRecomputeScope scope)
{
	Query	   *input = linitial_node(RangeTblEntry, query->rtable)->subquery;
	ListCell   *lc;

	restrict_columns(query, keys_of_input(node), node, scope, 0, 1);
	foreach(lc, branches_of(input))
	{
		Query	   *below = tv_late_quals_below(lfirst(lc));
		List	   *keys = below ? keys_of_branch(lfirst(lc), node) : NIL;

		/* the query, the union, the branch */
		if (keys != NIL)
			restrict_columns(below, keys, node, scope, 0, input->setOperations ? 4 : 3);
	}
}
