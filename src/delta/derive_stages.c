/*-------------------------------------------------------------------------
 *
 * delta/derive_stages.c
 *	  Leaves that compute something from several changed leaves.
 *
 * The terms of a delta pair rows that never stood in the database at one time.
 * A function in FROM, or the condition of a LEFT or ANTI leaf, may fail on them.
 * So the leaves that it looks at, with those that they are joined to without it,
 * become one leaf E, a subquery, and its delta is netted before others read it:
 *
 *		P(l1, .., lm) = Q(E, .., lm)	E = P'(l1, .., li)
 *		dP = delta of Q by the changes of E and of the leaves that are left
 *
 * Rows of the netted dE were rows of E before or are now, so that what is
 * computed of them was, or is to be, computed by the query as well.  A LEFT or
 * ANTI leaf's own changed rows are still paired with rows of E as it is now: a
 * condition that fails on the leaf's own columns together with those of another
 * is not protected.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/tupdesc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"

#include "delta/derive_stages.h"

typedef struct Failing
{
	const TvBranch *branch;
	int			own;
} Failing;

/* Leaves that an expression names. */
static Bitmapset *
named(Node *expr)
{
	Bitmapset  *varnos = pull_varnos(NULL, expr);
	Bitmapset  *result = NULL;
	int			varno = -1;

	while ((varno = bms_next_member(varnos, varno)) >= 0)
		result = bms_add_member(result, varno - 1);
	return result;
}

/* Leaves that a leaf names in what it computes, or in its condition. */
static Bitmapset *
leaf_reads(const TvBranch *branch, int i)
{
	TvLeaf	   *leaf = list_nth(branch->leaves, i);

	return bms_del_member(bms_join(named((Node *) tv_leaf_exprs(leaf->rte)),
								   named((Node *) leaf->quals)), i);
}

/* Leaves whose rows an expression depends on: what computes something stands for what it reads. */
static Bitmapset *
origins(const TvBranch *branch, Node *expr)
{
	Bitmapset  *leaves = named(expr);
	Bitmapset  *result = NULL;
	int			i = -1;

	check_stack_depth();
	while ((i = bms_next_member(leaves, i)) >= 0)
	{
		TvLeaf	   *leaf = list_nth(branch->leaves, i);

		result = bms_add_member(result, i);
		if (leaf->source < 0)
			result = bms_join(bms_del_member(result, i),
							  origins(branch, (Node *) tv_leaf_exprs(leaf->rte)));
	}
	return result;
}

static bool
contains_failing_function(Node *node, void *context)
{
	const Failing *f = context;
	Bitmapset  *seen;

	if (node == NULL)
		return false;
	/* rows of one leaf did exist: only what sees several is in danger */
	seen = origins(f->branch, node);
	if (f->own >= 0)
		seen = bms_del_member(seen, f->own);
	if (bms_membership(seen) != BMS_MULTIPLE)
		return false;
	if (IsA(node, Var) || IsA(node, Const) || IsA(node, RelabelType) ||
		IsA(node, NullTest) || IsA(node, BooleanTest) || IsA(node, BoolExpr) ||
		IsA(node, List))
		return expression_tree_walker(node, contains_failing_function, context);
	if (IsA(node, OpExpr) || IsA(node, DistinctExpr))
	{
		OpExpr	   *op = (OpExpr *) node;

		/* comparisons of the server's own types do not fail */
		if (op->opno >= FirstGenbkiObjectId || get_op_index_interpretation(op->opno) == NIL)
			return true;
		return expression_tree_walker(node, contains_failing_function, context);
	}
	return true;
}

bool
tv_stages_may_fail(const TvBranch *branch, Node *expr, int own)
{
	Failing		f = {branch, own};

	return contains_failing_function(expr, &f);
}

bool
tv_stages_leaf_may_fail(const TvBranch *branch, int leaf)
{
	TvLeaf	   *l = list_nth(branch->leaves, leaf);

	return tv_stages_may_fail(branch, (Node *) tv_leaf_exprs(l->rte), -1) ||
		tv_stages_may_fail(branch, (Node *) l->quals, leaf);
}

/* The leaf with those that read it, and those that read these. */
static Bitmapset *
readers(const TvBranch *branch, int leaf)
{
	Bitmapset  *result = bms_make_singleton(leaf);

	/* they come after it */
	for (int i = leaf + 1; i < list_length(branch->leaves); i++)
		if (bms_overlap(leaf_reads(branch, i), result))
			result = bms_add_member(result, i);
	return result;
}

/* The leaves, grown by all that are joined to them, but for those that come late. */
static Bitmapset *
joined_to(const TvBranch *branch, Bitmapset *leaves, const Bitmapset *late)
{
	List	   *links = NIL;
	bool		grown = true;
	ListCell   *lc;

	foreach(lc, branch->quals)
		links = lappend(links, named(lfirst(lc)));
	for (int i = 0; i < list_length(branch->leaves); i++)
		links = lappend(links, bms_add_member(leaf_reads(branch, i), i));
	while (grown)
	{
		grown = false;
		foreach(lc, links)
		{
			Bitmapset  *link = lfirst(lc);

			if (bms_overlap(link, late) || !bms_overlap(link, leaves) || bms_is_subset(link, leaves))
				continue;
			leaves = bms_add_members(leaves, link);
			grown = true;
		}
	}
	return leaves;
}

/* The leaves of the first stage; NULL if there is no need of one. */
static Bitmapset *
choose_first(const TvBranch *branch, const Bitmapset *changed)
{
	for (int i = 0; i < list_length(branch->leaves); i++)
	{
		Bitmapset  *first;

		if (!tv_stages_leaf_may_fail(branch, i))
			continue;
		first = joined_to(branch, leaf_reads(branch, i), readers(branch, i));
		if (bms_membership(bms_intersect(first, changed)) == BMS_MULTIPLE)
			return first;
	}
	return NULL;
}

static Node *
first_mutator(Node *node, void *context)
{
	const int  *places = context;

	if (node == NULL)
		return NULL;
	if (IsA(node, Var))
	{
		Var		   *var = copyObject((Var *) node);

		var->varno = places[var->varno - 1] + 1;
		return (Node *) var;
	}
	return expression_tree_mutator(node, first_mutator, context);
}

/* A column of the leaf that stands for the first stage; of the stage, if it is not there yet. */
static Var *
first_column(const TvStages *s, const Var *var)
{
	int			varno = s->place[var->varno - 1] + 1;
	AttrNumber	attno = 1;
	ListCell   *lc;

	foreach(lc, s->first->exprs)
	{
		Var		   *have = lfirst_node(Var, lc);

		if (have->varno == varno && have->varattno == var->varattno)
			break;
		attno++;
	}
	if (attno > list_length(s->first->exprs))
		s->first->exprs = lappend(s->first->exprs,
								  makeVar(varno, var->varattno, var->vartype, var->vartypmod,
										  var->varcollid, 0));
	return makeVar(1, attno, var->vartype, var->vartypmod, var->varcollid, 0);
}

static Node *
second_mutator(Node *node, void *context)
{
	const TvStages *s = context;
	Var		   *var = (Var *) node;

	if (node == NULL)
		return NULL;
	if (!IsA(node, Var))
		return expression_tree_mutator(node, second_mutator, context);
	if (bms_is_member(var->varno - 1, s->in_first))
		return (Node *) first_column(s, var);
	var = copyObject(var);
	var->varno = s->place[var->varno - 1] + 1;
	return (Node *) var;
}

Node *
tv_stages_map(const TvStages *stages, Node *expr)
{
	return second_mutator(expr, unconstify(TvStages *, stages));
}

static TvLeaf *
copy_leaf(const TvLeaf *leaf, Node *(*mutator) (Node *, void *), void *context)
{
	TvLeaf	   *result = palloc(sizeof(TvLeaf));

	*result = *leaf;
	result->rte = copyObject(leaf->rte);
	tv_leaf_mutate(result->rte, mutator, context);
	result->quals = (List *) mutator((Node *) leaf->quals, context);
	return result;
}

/* Deal the leaves and conditions out to the two stages. */
static void
fill_stages(TvStages *s, const TvBranch *branch, const Bitmapset *changed)
{
	ListCell   *lc;

	/* its RTE is made when all columns are known */
	s->second->leaves = list_make1(palloc0(sizeof(TvLeaf)));
	foreach(lc, branch->leaves)
	{
		int			i = foreach_current_index(lc);
		bool		first = bms_is_member(i, s->in_first);
		Bitmapset **set = first ? &s->first_changed : &s->second_changed;

		s->place[i] = list_length(first ? s->first->leaves : s->second->leaves);
		if (bms_is_member(i, changed))
			*set = bms_add_member(*set, s->place[i]);
		if (first)
			s->first->leaves = lappend(s->first->leaves,
									   copy_leaf(lfirst(lc), first_mutator, s->place));
		else
			s->second->leaves = lappend(s->second->leaves,
										copy_leaf(lfirst(lc), second_mutator, s));
	}
	s->second_changed = bms_add_member(s->second_changed, 0);
	foreach(lc, branch->quals)
	{
		Bitmapset  *leaves = named(lfirst(lc));

		if (!bms_is_empty(leaves) && bms_is_subset(leaves, s->in_first))
			s->first->quals = lappend(s->first->quals, first_mutator(lfirst(lc), s->place));
		else
			s->second->quals = lappend(s->second->quals, second_mutator(lfirst(lc), s));
	}
	s->second->exprs = (List *) second_mutator((Node *) branch->exprs, s);
}

/* What the change of the first stage looks like: all of its columns, in their order. */
static TvLayout *
make_layout(const List *columns)
{
	TvLayout   *layout = palloc0(sizeof(TvLayout));
	ListCell   *lc;

	layout->natts = list_length(columns);
	layout->attnos = palloc(sizeof(AttrNumber) * (layout->natts + 1));
	layout->desc = CreateTemplateTupleDesc(layout->natts + 1);
	foreach(lc, columns)
	{
		Node	   *column = lfirst(lc);
		int			i = foreach_current_index(lc);

		layout->attnos[i] = i + 1;
		TupleDescInitEntry(layout->desc, i + 1, psprintf("c%d", i + 1), exprType(column),
						   exprTypmod(column), 0);
		TupleDescInitEntryCollation(layout->desc, i + 1, exprCollation(column));
	}
	TupleDescInitEntry(layout->desc, layout->natts + 1, "weight", INT8OID, -1, 0);
	return layout;
}

bool
tv_stages_split(const TvGraph *graph, const TvBranch *branch, const Bitmapset *changed,
				int source, List *apart, TvStages *stages)
{
	Bitmapset  *first = choose_first(branch, changed);
	TvLeaf	   *stand_in;
	Query	   *query;

	if (first == NULL)
		return false;
	memset(stages, 0, sizeof(*stages));
	stages->in_first = first;
	stages->place = palloc0(sizeof(int) * list_length(branch->leaves));
	stages->first = palloc0(sizeof(TvBranch));
	stages->second = palloc0(sizeof(TvBranch));
	fill_stages(stages, branch, changed);
	stages->apart = (List *) second_mutator((Node *) apart, stages);
	stages->layout = make_layout(stages->first->exprs);

	query = tv_query_branch(graph, stages->first, stages->first->exprs);
	stand_in = linitial(stages->second->leaves);
	stand_in->rte = tv_query_subquery_rte(query, TV_STAGE_NAME);
	stand_in->source = source;
	stand_in->mode = TV_LEAF_INNER;
	return true;
}
