/*-------------------------------------------------------------------------
 *
 * delta/outer_store.c
 *	  Outer joins so far as one factor of those that follow.
 *
 * Each outer join without a key doubles the products of the joins before it, and
 * a change of a table that is read several times has a term for each product and
 * place.  Before there are too many, the joins that the FROM clause begins with
 * are stored by a node of their own, which the next one reads as if it were a
 * table.  WHERE would come after all joins: its quals that look at nothing but
 * stored columns are applied before, for later outer joins keep all of these rows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteManip.h"

#include "delta/outer_side.h"
#include "tv_compat.h"

/*
 * So often a product may read one source: what a table was can be a sum of five rows
 * for each row of the change, and these multiply.
 */
#define MANY_READS 6

/* The columns of a query's FROM items that are read, wherever in it. */
typedef struct ColumnsContext
{
	Query	   *query;
	int			depth;
	List	   *vars;			/* of Var *, of level 0 */
} ColumnsContext;

/* Reads of the source that a product reads most often, or two together, if there is b. */
static int
most_reads(const TvPartial *a, const TvPartial *b, int nsources)
{
	int		   *reads = palloc0(sizeof(int) * (nsources + 1));
	int			most = 1;

	for (int i = 0; i < (b ? 2 : 1); i++)
	{
		ListCell   *lc;

		foreach(lc, i == 0 ? a->leaves : b->leaves)
		{
			int			source = ((TvLeaf *) lfirst(lc))->source;

			if (source < 0)
				continue;
			reads[source]++;
			most = Max(most, reads[source]);
		}
	}
	pfree(reads);
	return most;
}

/* Would the products of the join with the side be too many, or read a table too often? */
static bool
is_too_large(const TvOuterSide *s, List *partials)
{
	int			nsources = list_length(s->c->sources);
	bool		may_prune = !tv_outer_side_none_matches(s, partials);
	int			terms = 0;
	int			most = 0;
	ListCell   *lc;
	ListCell   *lr;

	foreach(lc, partials)
	{
		TvPartial  *p = lfirst(lc);
		int			reads = most_reads(p, NULL, nsources);

		if (may_prune && tv_outer_side_never_matches(s, p))
		{
			terms += reads;
			continue;
		}
		foreach(lr, s->partials)
		{
			reads = most_reads(p, lfirst(lr), nsources);
			most = Max(most, reads);
			terms += 2 * reads;
		}
	}
	return most > MANY_READS || (list_length(partials) > 1 && terms > TV_MAX_PRODUCTS);
}

/* Is it the join that the FROM clause begins with, or on its outer side? */
static bool
is_first(const Query *query, const JoinExpr *join)
{
	Node	   *item = linitial(query->jointree->fromlist);

	while (IsA(item, JoinExpr) && item != (Node *) join)
	{
		JoinExpr   *other = (JoinExpr *) item;

		if (other->jointype != JOIN_INNER && other->jointype != JOIN_LEFT)
			return false;
		item = other->larg;
	}
	return item == (Node *) join;
}

static void
add_column(ColumnsContext *c, const Var *var)
{
	List	   *vars;
	ListCell   *lc;
	Var		   *own = copyObject((Var *) var);

	own->varlevelsup = 0;
	vars = pull_var_clause(tv_compat_flatten_aliases(c->query, (Node *) own), 0);
	foreach(lc, vars)
	{
		ListCell   *lo;
		bool		found = false;

		own = lfirst_node(Var, lc);
		foreach(lo, c->vars)
		{
			Var		   *other = lfirst_node(Var, lo);

			found |= other->varno == own->varno && other->varattno == own->varattno;
		}
		if (!found)
			c->vars = lappend(c->vars, own);
	}
}

static bool
column_walker(Node *node, ColumnsContext *c)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		if (((Var *) node)->varlevelsup == c->depth)
			add_column(c, (Var *) node);
		return false;
	}
	if (IsA(node, Query))
	{
		bool		result;

		c->depth++;
		result = query_tree_walker((Query *) node, column_walker, c, QTW_IGNORE_JOINALIASES);
		c->depth--;
		return result;
	}
	return expression_tree_walker(node, column_walker, c);
}

/* Is the FROM item one of the products? */
static bool
is_there(const TvPartial *p, int rti)
{
	return p->leafof[rti - 1] != TV_NO_LEAF || p->exprsof[rti - 1] != NIL;
}

List *
tv_outer_columns_read(TvCompiler *c, Query *query, const TvPartial *p)
{
	ColumnsContext columns = {query};
	List	   *result = NIL;
	ListCell   *lc;

	(void) query_tree_walker(query, column_walker, &columns, QTW_IGNORE_JOINALIASES);
	(void) column_walker((Node *) c->corr, &columns);
	foreach(lc, columns.vars)
	{
		Var		   *var = lfirst_node(Var, lc);

		if (is_there(p, var->varno))
			result = lappend(result, var);
	}
	return result;
}

/* Apply the quals of WHERE that look at nothing else. */
static bool
filter(TvCompiler *c, Query *query, List *partials)
{
	Node	   *where = tv_compat_flatten_aliases(query, copyObject(query->jointree->quals));
	ListCell   *lc;

	foreach(lc, make_ands_implicit(canonicalize_qual((Expr *) where, false)))
	{
		Node	   *qual = lfirst(lc);
		Bitmapset  *varnos;
		bool		there = true;
		int			varno = -1;
		ListCell   *lp;

		if (checkExprHasSubLink(qual))
			continue;
		varnos = pull_varnos(NULL, qual);
		while ((varno = bms_next_member(varnos, varno)) >= 0)
			there &= is_there(linitial(partials), varno);
		if (!there || bms_is_empty(varnos) || contain_vars_of_level(qual, 1))
			continue;
		foreach(lp, partials)
			if (!tv_flatten_filter(c, query, lfirst(lp), copyObject(qual)))
			return false;
	}
	return true;
}

/* The columns, of one stored sum, take the place of the products. */
static TvPartial *
read_stored(const TvPartial *p, const TvBranch *stored, const List *columns)
{
	TvPartial  *result = tv_partial_make(p->nrtes, NULL);
	List	   *exprs = tv_partial_multiply(result, stored);
	const ListCell *lc;
	ListCell   *le;

	for (int rti = 1; rti <= p->nrtes; rti++)
		if (is_there(p, rti))
			result->exprsof[rti - 1] = list_make1(makeNullConst(INT4OID, -1, InvalidOid));
	forboth(lc, columns, le, exprs)
	{
		const Var  *var = lfirst_node(Var, lc);
		List	   *of_item = result->exprsof[var->varno - 1];

		while (list_length(of_item) < var->varattno)
			of_item = lappend(of_item, makeNullConst(INT4OID, -1, InvalidOid));
		lfirst(list_nth_cell(of_item, var->varattno - 1)) = lfirst(le);
		result->exprsof[var->varno - 1] = of_item;
	}
	return result;
}

List *
tv_outer_store(const TvOuterSide *s, const JoinExpr *join, List *partials)
{
	TvCompiler *c = s->c;
	List	   *columns;
	List	   *branches = NIL;
	List	   *stored;
	ListCell   *lc;

	if (!is_first(s->query, join) || !is_too_large(s, partials))
		return partials;
	columns = tv_outer_columns_read(c, s->query, linitial(partials));
	if (columns == NIL)
		return partials;
	foreach(lc, columns)
		if (lfirst_node(Var, lc)->varattno <= 0)
		return partials;
	if (!filter(c, s->query, partials))
		return NIL;
	foreach(lc, partials)
		branches = lappend(branches,
						   tv_partial_branch(lfirst(lc),
											 (List *) tv_partial_map(lfirst(lc), (Node *) columns)));
	stored = tv_flatten_stored(c, branches);
	if (c->refusal)
		return NIL;
	return stored ? list_make1(read_stored(linitial(partials), linitial(stored), columns)) : partials;
}
