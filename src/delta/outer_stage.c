/*-------------------------------------------------------------------------
 *
 * delta/outer_stage.c
 *	  The rows of an outer join that have no match, stored.
 *
 * Where others may fail on the nulls of these rows (see seen_nulls.c), the leaves
 * that tell that there is no match, and those they look at, become a node of their
 * own, and its columns take the place of nulls:
 *
 *		a x b x f(b.x)  +  (a where no row of b matches) x f(null)
 *		becomes
 *		a x b x f(b.x)  +  N x f(N.x)		N = (a, null as x where no row of b matches)
 *
 * A row of N is a row that has no match, in whatever order the server joins it to
 * others, and whatever else changed with it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"

#include "delta/compile_internal.h"
#include "delta/outer_side.h"

typedef struct Stage
{
	const TvPartial *p;
	TvPartial  *sub;			/* the leaves to be stored ... */
	int		   *map;			/* ... by leaf of p, their place there, or -1 */
	List	   *exprs;			/* what is stored of them, over the leaves of
								 * p */
	List	   *columns;		/* these as columns of the node */
	int		   *rest;			/* by leaf of p that is kept: its new place */
} Stage;

static int
find_expr(const Stage *g, Node *expr)
{
	ListCell   *lc;

	foreach(lc, g->exprs)
		if (equal(lfirst(lc), expr))
		return foreach_current_index(lc);
	return -1;
}

static Var *
plain_var(const Var *var)
{
	return makeVar(var->varno, var->varattno, var->vartype, var->vartypmod, var->varcollid, 0);
}

/* Store the columns of the stored leaves that an expression reads. */
static void
store_vars(Stage *g, Node *expr)
{
	ListCell   *lc;

	foreach(lc, pull_var_clause(expr, 0))
	{
		Var		   *var = plain_var(lfirst_node(Var, lc));

		if (g->map[var->varno - 1] >= 0 && find_expr(g, (Node *) var) < 0)
			g->exprs = lappend(g->exprs, var);
	}
}

static Node *
read_mutator(Node *node, void *context)
{
	const Stage *g = context;
	Var		   *var = (Var *) node;

	if (node == NULL)
		return NULL;
	if (!IsA(node, Var))
		return expression_tree_mutator(node, read_mutator, context);
	if (g->map[var->varno - 1] >= 0)
		return copyObject(list_nth(g->columns, find_expr(g, (Node *) plain_var(var))));
	var = copyObject(var);
	var->varno = g->rest[var->varno - 1] + 1;
	return (Node *) var;
}

/* Is all of it about leaves that are stored? */
static bool
is_within(const Stage *g, Node *expr)
{
	Bitmapset  *varnos = pull_varnos(NULL, expr);
	int			varno = -1;

	while ((varno = bms_next_member(varnos, varno)) >= 0)
		if (g->map[varno - 1] < 0)
			return false;
	return true;
}

/* What is to be stored; false if it cannot be. */
static bool
choose_exprs(Stage *g, const TvOuterSide *s, List *vars)
{
	ListCell   *lc;

	foreach(lc, vars)
	{
		Var		   *var = lfirst_node(Var, lc);
		bool		padded = bms_is_member(var->varno, s->rtis);
		Node	   *expr;

		if (var->varattno <= 0)
			return false;
		expr = tv_partial_map(g->p, (Node *) var);
		if (padded && is_within(g, expr))
			g->exprs = list_append_unique(g->exprs, expr);
		else if (padded)
			return false;
		else
			store_vars(g, expr);
	}
	foreach(lc, g->p->quals)
		if (!is_within(g, lfirst(lc)))
		store_vars(g, lfirst(lc));
	foreach(lc, g->p->leaves)
	{
		TvLeaf	   *leaf = lfirst(lc);

		if (g->map[foreach_current_index(lc)] >= 0)
			continue;
		store_vars(g, (Node *) leaf->quals);
		store_vars(g, (Node *) tv_leaf_exprs(leaf->rte));
	}
	return true;
}

/* The leaves that are kept, and the node in the place of the first that is stored. */
static TvPartial *
read_leaves(Stage *g, TvBranch *stored)
{
	TvPartial  *result = tv_partial_make(g->p->nrtes, NULL);
	TvBranch   *copy = tv_branch_copy(tv_partial_branch(g->p, NIL));
	int			nleaves = list_length(copy->leaves);
	int			n = 0;
	ListCell   *lc;

	g->rest = palloc0(sizeof(int) * nleaves);
	for (int i = 0; i < nleaves; i++)
	{
		if (g->map[i] < 0)
			g->rest[i] = n++;
		else if (g->columns == NIL)
		{
			g->columns = copyObject(stored->exprs);
			foreach(lc, g->columns)
				lfirst_node(Var, lc)->varno = n + 1;
			n++;
		}
	}
	n = 0;
	foreach(lc, copy->leaves)
	{
		TvLeaf	   *leaf = lfirst(lc);

		if (g->map[foreach_current_index(lc)] < 0)
		{
			tv_leaf_mutate(leaf->rte, read_mutator, g);
			leaf->quals = (List *) read_mutator((Node *) leaf->quals, g);
			result->leaves = lappend(result->leaves, leaf);
		}
		else if (n++ == 0)
			result->leaves = lappend(result->leaves, linitial(stored->leaves));
	}
	foreach(lc, copy->quals)
		if (!is_within(g, lfirst(lc)))
		result->quals = lappend(result->quals, read_mutator(lfirst(lc), g));
	return result;
}

/* FROM items in terms of the new leaves: of these, the columns that anybody reads. */
static void
read_items(Stage *g, const TvOuterSide *s, List *vars, TvPartial *result)
{
	ListCell   *lc;

	for (int i = 0; i < g->p->nrtes; i++)
	{
		int			leaf = g->p->leafof[i];

		if (leaf >= 0 && g->map[leaf] < 0)
			result->leafof[i] = g->rest[leaf];
		else if (leaf == TV_NULL_LEAF && !bms_is_member(i + 1, s->rtis))
			result->leafof[i] = leaf;
		else if (leaf != TV_NO_LEAF || g->p->exprsof[i] != NIL)
			result->exprsof[i] = list_make1(makeNullConst(INT4OID, -1, InvalidOid));
	}
	foreach(lc, vars)
	{
		Var		   *var = lfirst_node(Var, lc);
		List	   *of_item = result->exprsof[var->varno - 1];
		Node	   *expr = tv_partial_map(g->p, (Node *) var);

		if (result->leafof[var->varno - 1] != TV_NO_LEAF)
			continue;
		while (list_length(of_item) < var->varattno)
			of_item = lappend(of_item, makeNullConst(INT4OID, -1, InvalidOid));
		lfirst(list_nth_cell(of_item, var->varattno - 1)) =
			bms_is_member(var->varno, s->rtis) ?
			copyObject(list_nth(g->columns, find_expr(g, expr))) : read_mutator(expr, g);
		result->exprsof[var->varno - 1] = of_item;
	}
}

/* The leaves of the FROM item that tell whether there is a match. */
static Bitmapset *
tells_no_match(const TvOuterSide *s, const TvPartial *p, List *vars)
{
	Bitmapset  *result = NULL;
	Bitmapset  *read = NULL;
	ListCell   *lc;

	foreach(lc, vars)
		if (bms_is_member(lfirst_node(Var, lc)->varno, s->rtis))
		read = bms_add_members(read, pull_varnos(NULL, tv_partial_map(p, lfirst(lc))));
	foreach(lc, p->leaves)
	{
		TvLeafMode	mode = ((TvLeaf *) lfirst(lc))->mode;
		int			i = foreach_current_index(lc);

		if (i >= s->nbefore &&
			(mode == TV_LEAF_ANTI || (mode == TV_LEAF_LEFT && bms_is_member(i + 1, read))))
			result = bms_add_member(result, i);
	}
	return result;
}

TvPartial *
tv_outer_stage(const TvOuterSide *s, TvPartial *p)
{
	Stage		g = {p};
	List	   *vars = tv_outer_columns_read(s->c, s->query, p);
	Bitmapset  *needed = tells_no_match(s, p, vars);
	TvBranch   *branch;
	List	   *stored;
	TvPartial  *result;

	if (bms_is_empty(needed))
		return p;
	g.sub = tv_partial_restrict(p, needed, &g.map);
	/* others count on the leaves that were there before */
	for (int i = 0; i < s->nbefore; i++)
		if (g.map[i] >= 0)
			return p;
	if (!choose_exprs(&g, s, vars) || g.exprs == NIL)
		return p;
	branch = tv_partial_branch(g.sub, (List *) tv_partial_renumber((Node *) g.exprs, g.map));
	stored = tv_flatten_stored(s->c, list_make1(branch));
	if (s->c->refusal || stored == NIL)
		return p;
	result = read_leaves(&g, linitial(stored));
	read_items(&g, s, vars, result);
	return result;
}
