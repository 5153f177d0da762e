/*-------------------------------------------------------------------------
 *
 * delta/lookup_index.c
 *	  Which indexes of base tables a node needs for looking rows up, and lacks.
 *
 * From a changed leaf, or from the keys of a group that is recomputed, the
 * other leaves of the branch are reached one after the other:
 *
 *		m is reached if a qual compares an expression over m alone with one
 *		over reached leaves, and an index of m begins with that expression
 *
 * Hidden state has the indexes it needs (probes.c).  A leaf that is compared
 * with reached ones and has no such index is scanned for every change; one
 * that is not compared with anything has to be.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/prep.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "delta/compile_internal.h"
#include "delta/fold.h"
#include "delta/lookup_index.h"
#include "delta/shield_nulls.h"

/* An expression over a leaf, compared with what is known. */
typedef struct Comparison
{
	Expr	   *expr;			/* varno 1 */
	Oid			opno;			/* expr opno known; InvalidOid: a group's key */
	Oid			collation;
	bool		equality;
} Comparison;

typedef struct Search
{
	const TvGraph *graph;
	const TvNode *node;
	TvBranch   *branch;
	List	   *quals;
	int			source;			/* changed; -1: groups are recomputed */
	Bitmapset  *reached;		/* varnos of leaves whose rows are at hand ... */
	Bitmapset  *done;			/* ... and of all that were looked up */
	List	   *missing;		/* of TvMissingIndex * */
} Search;

static void search_branch(Search *s);
static bool reach_next(Search *s);
static void note_missing(Search *s, int leaf, List *comparisons);
static List *comparisons_of(Search *s, int leaf);
static void compare(Search *s, List **result, int leaf, Node *side, Node *other, Oid opno,
					Oid collation);
static bool has_index(Oid relid, List *comparisons);
static bool begins_with(Relation index, List *comparisons);
static List *flat_quals(TvBranch *branch);
static bool recomputes_groups(const TvNode *node, List **extreme);

List *
tv_missing_indexes(const TvGraph *graph, const TvNode *node)
{
	Search		search = {graph, node};
	Search	   *s = &search;
	ListCell   *lb;

	foreach(lb, node->branches)
	{
		int			nleaves;

		s->branch = lfirst(lb);
		s->quals = flat_quals(s->branch);
		nleaves = list_length(s->branch->leaves);
		for (int i = 0; i < nleaves; i++)
		{
			s->source = ((TvLeaf *) list_nth(s->branch->leaves, i))->source;
			if (s->source < 0)
				continue;
			s->reached = bms_make_singleton(i + 1);
			search_branch(s);
		}
		if (recomputes_groups(node, NULL))
		{
			s->source = -1;
			s->reached = NULL;
			search_branch(s);
		}
	}
	return s->missing;
}

static void
search_branch(Search *s)
{
	ListCell   *lc;

	/* functions and VALUES are computed */
	foreach(lc, s->branch->leaves)
		if (((TvLeaf *) lfirst(lc))->source < 0)
		s->reached = bms_add_member(s->reached, foreach_current_index(lc) + 1);
	s->done = bms_copy(s->reached);
	while (reach_next(s))
		;
}

/* A leaf that may have no row leads to no other. */
static void
reach(Search *s, int leaf)
{
	s->done = bms_add_member(s->done, leaf + 1);
	if (((TvLeaf *) list_nth(s->branch->leaves, leaf))->mode == TV_LEAF_INNER)
		s->reached = bms_add_member(s->reached, leaf + 1);
}

/* Reach one more leaf, by index if there is one; false when all are done. */
static bool
reach_next(Search *s)
{
	int			candidate = -1;
	List	   *needed = NIL;
	ListCell   *lc;

	foreach(lc, s->branch->leaves)
	{
		int			leaf = foreach_current_index(lc);
		TvSource   *source;
		List	   *comparisons;

		if (bms_is_member(leaf + 1, s->done))
			continue;
		comparisons = comparisons_of(s, leaf);
		if (comparisons == NIL)
			continue;
		source = s->graph->sources[((TvLeaf *) lfirst(lc))->source];
		/* hidden state is indexed */
		if (source->kind == TV_SOURCE_NODE || has_index(source->relid, comparisons))
		{
			reach(s, leaf);
			return true;
		}
		if (candidate < 0)
		{
			candidate = leaf;
			needed = comparisons;
		}
	}
	if (candidate < 0)
		return false;
	note_missing(s, candidate, needed);
	reach(s, candidate);
	return true;
}

/* Equalities first, then one that is none, then what an extremum is of. */
static void
note_missing(Search *s, int leaf, List *comparisons)
{
	TvMissingIndex *index = palloc0(sizeof(TvMissingIndex));
	bool		ranged = false;
	List	   *extreme = NIL;
	ListCell   *lc;

	index->source = s->source;
	index->relid = s->graph->sources[((TvLeaf *) list_nth(s->branch->leaves, leaf))->source]->relid;
	foreach(lc, comparisons)
		if (((Comparison *) lfirst(lc))->equality)
		index->exprs = list_append_unique(index->exprs, ((Comparison *) lfirst(lc))->expr);
	foreach(lc, comparisons)
	{
		if (!((Comparison *) lfirst(lc))->equality && !ranged)
		{
			index->exprs = list_append_unique(index->exprs, ((Comparison *) lfirst(lc))->expr);
			ranged = true;
		}
	}
	if (s->source < 0 && recomputes_groups(s->node, &extreme) && list_length(extreme) == 1)
	{
		Node	   *arg = copyObject(list_nth(s->branch->exprs, linitial_int(extreme) - 1));

		if (bms_equal(pull_varnos(NULL, arg), bms_make_singleton(leaf + 1)))
		{
			ChangeVarNodes(arg, leaf + 1, 1, 0);
			index->exprs = list_append_unique(index->exprs, arg);
		}
	}
	foreach(lc, s->missing)
	{
		TvMissingIndex *other = lfirst(lc);

		if (other->source == index->source && other->relid == index->relid &&
			equal(other->exprs, index->exprs))
			return;
	}
	s->missing = lappend(s->missing, index);
}

/* What is known of the leaf: comparisons with reached leaves and keys. */
static List *
comparisons_of(Search *s, int leaf)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, s->quals)
	{
		Node	   *qual = lfirst(lc);

		if (IsA(qual, OpExpr) && list_length(((OpExpr *) qual)->args) == 2)
		{
			OpExpr	   *op = (OpExpr *) qual;

			compare(s, &result, leaf, linitial(op->args), lsecond(op->args), op->opno,
					op->inputcollid);
			compare(s, &result, leaf, lsecond(op->args), linitial(op->args),
					get_commutator(op->opno), op->inputcollid);
		}
		else if (IsA(qual, ScalarArrayOpExpr) && ((ScalarArrayOpExpr *) qual)->useOr)
		{
			ScalarArrayOpExpr *op = (ScalarArrayOpExpr *) qual;

			compare(s, &result, leaf, linitial(op->args), lsecond(op->args), op->opno,
					op->inputcollid);
		}
	}
	for (int i = 0; s->source < 0 && i < s->node->nkeys; i++)
		compare(s, &result, leaf, list_nth(s->branch->exprs, i), NULL,
				s->node->keys[i].clause->eqop, s->node->keys[i].collation);
	return result;
}

/* side op other; other NULL: the value of a group's key. */
static void
compare(Search *s, List **result, int leaf, Node *side, Node *other, Oid opno, Oid collation)
{
	Comparison *comparison;
	Bitmapset  *known = other ? pull_varnos(NULL, other) : NULL;

	if (!OidIsValid(opno) ||
		!bms_equal(pull_varnos(NULL, side), bms_make_singleton(leaf + 1)) ||
		(other && (bms_is_empty(known) || !bms_is_subset(known, s->reached))) ||
		get_op_index_interpretation(opno) == NIL)
		return;
	comparison = palloc(sizeof(Comparison));
	side = tv_fold((Node *) tv_shield_expr_nulls((Expr *) side));
	ChangeVarNodes(side, leaf + 1, 1, 0);
	while (IsA(side, RelabelType))
		side = (Node *) ((RelabelType *) side)->arg;
	comparison->expr = (Expr *) side;
	comparison->opno = opno;
	comparison->collation = collation;
	comparison->equality = op_mergejoinable(opno, exprType(side)) ||
		op_hashjoinable(opno, exprType(side));
	*result = lappend(*result, comparison);
}

static bool
has_index(Oid relid, List *comparisons)
{
	Relation	rel = table_open(relid, AccessShareLock);
	List	   *indexes = RelationGetIndexList(rel);
	bool		found = false;
	ListCell   *lc;

	foreach(lc, indexes)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		found |= index->rd_index->indisvalid && RelationGetIndexPredicate(index) == NIL &&
			begins_with(index, comparisons);
		index_close(index, NoLock);
	}
	table_close(rel, NoLock);
	return found;
}

/* Is one of the expressions the first column of the index? */
static bool
begins_with(Relation index, List *comparisons)
{
	AttrNumber	attno = index->rd_index->indkey.values[0];
	Node	   *expr = attno == 0 ? linitial(RelationGetIndexExpressions(index)) : NULL;
	ListCell   *lc;

	foreach(lc, comparisons)
	{
		Comparison *comparison = lfirst(lc);
		Var		   *var = (Var *) comparison->expr;

		if (get_op_opfamily_strategy(comparison->opno, index->rd_opfamily[0]) != 0 &&
			(!OidIsValid(comparison->collation) ||
			 comparison->collation == index->rd_indcollation[0]) &&
			(expr ? equal(expr, var) : IsA(var, Var) && var->varattno == attno))
			return true;
	}
	return false;
}

/* The quals as the planner will see them: what all sides of an OR share stands alone. */
static List *
flat_quals(TvBranch *branch)
{
	List	   *quals = NIL;
	ListCell   *lc;

	foreach(lc, tv_branch_quals(branch))
		quals = list_concat(quals, make_ands_implicit(canonicalize_qual(copyObject(lfirst(lc)),
																		false)));
	return quals;
}

/*
 * Does the node recompute single groups, always or when an extremum leaves?
 * *extreme: then the input columns that extrema are of.
 */
static bool
recomputes_groups(const TvNode *node, List **extreme)
{
	bool		result = node->recompute;
	ListCell   *lc;

	if (node->nkeys == 0)
		return false;
	foreach(lc, node->accs)
	{
		TvAcc	   *acc = lfirst(lc);

		if (acc->kind != TV_ACC_EXTREME)
			continue;
		result = true;
		if (extreme && acc->args && OidIsValid(acc->sortop))
			*extreme = list_append_unique_int(*extreme, linitial_int(acc->args));
	}
	return result;
}
