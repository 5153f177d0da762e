/*-------------------------------------------------------------------------
 *
 * delta/flatten_from.c
 *	  Multiply out the items of a FROM clause.
 *
 * A table is one leaf; a subquery, a plain view or a CTE is a sum of
 * branches, with which every product so far is multiplied.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteHandler.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "delta/compile_internal.h"
#include "tv_compat.h"

/* A leaf that is being added. */
typedef struct LeafContext
{
	TvCompiler *c;
	TvPartial  *partial;
} LeafContext;

static List *flatten_rte(TvCompiler *c, Query *query, int rti, List *partials);
static List *flatten_subquery(TvCompiler *c, Query *query, int rti, List *partials);
static List *refuse_branches(TvCompiler *c);
static List *flatten_relation(TvCompiler *c, Query *query, int rti, List *partials);
static List *flatten_view(TvCompiler *c, Query *query, int rti, Relation rel);
static List *flatten_cte(TvCompiler *c, RangeTblEntry *rte, int nfactors);
static List *add_leaf(TvCompiler *c, List *partials, int rti, RangeTblEntry *rte, int source);
static List *few_branches(TvCompiler *c, List *branches, int nfactors);
static List *multiply(TvCompiler *c, Query *query, List *partials, int rti, List *branches);

List *
tv_flatten_from_item(TvCompiler *c, Query *query, Node *item, List *partials)
{
	JoinExpr   *join;
	ListCell   *lc;

	check_stack_depth();
	if (IsA(item, RangeTblRef))
	{
		int			rti = ((RangeTblRef *) item)->rtindex;

		partials = flatten_rte(c, query, rti, partials);
		/* what a plain view's query refuses has no place in this one */
		if (c->refusal && c->refusal->location < 0)
			c->refusal->location = tv_analyze_item_location(query, rti);
		return partials;
	}

	join = castNode(JoinExpr, item);
	if (join->jointype != JOIN_INNER)
		return tv_flatten_outer_join(c, query, join, partials);
	partials = tv_flatten_from_item(c, query, join->larg, partials);
	if (c->refusal)
		return NIL;
	partials = tv_flatten_from_item(c, query, join->rarg, partials);
	foreach(lc, partials)
		if (!tv_flatten_filter(c, query, lfirst(lc), join->quals))
		return NIL;
	return partials;
}

static List *
flatten_rte(TvCompiler *c, Query *query, int rti, List *partials)
{
	RangeTblEntry *rte = rt_fetch(rti, query->rtable);
	List	   *branches;

	switch (rte->rtekind)
	{
		case RTE_RELATION:
			return flatten_relation(c, query, rti, partials);

		case RTE_SUBQUERY:
			return flatten_subquery(c, query, rti, partials);

		case RTE_CTE:
			branches = flatten_cte(c, rte, list_length(partials));
			return c->refusal ? NIL : multiply(c, query, partials, rti, branches);

		case RTE_VALUES:
		case RTE_FUNCTION:
		case RTE_TABLEFUNC:
			if (!tv_analyze_expr(c, (Node *) tv_leaf_exprs(rte)))
				return NIL;
			return add_leaf(c, partials, rti, rte, -1);

		case RTE_RESULT:
			return partials;

		default:
			tv_compile_refuse(c, -1, "%s is not supported in a maintained view",
							  "this kind of FROM item",
							  "No maintenance rule exists for it.",
							  "Leave it to the query that reads the view.");
			return NIL;
	}
}

/*
 * A subquery that refers to nothing outside is a factor of every product.  One
 * that does, to items before it (LATERAL) or outside of the whole query, is
 * compiled for each product.
 */
static List *
flatten_subquery(TvCompiler *c, Query *query, int rti, List *partials)
{
	Query	   *subquery = rt_fetch(rti, query->rtable)->subquery;
	List	   *result = NIL;
	ListCell   *lc;

	if (!tv_correlate_is((Node *) subquery))
	{
		List	   *branches = tv_flatten_query(c, subquery, false, NULL, NIL);

		return c->refusal ? NIL : multiply(c, query, partials, rti, branches);
	}
	foreach(lc, partials)
	{
		TvPartial  *partial = lfirst(lc);
		Query	   *mapped = (Query *) tv_partial_map(partial, (Node *) subquery);
		List	   *branches = tv_correlate_join(c, partial, mapped);
		ListCell   *lb;

		if (c->refusal)
			return NIL;
		foreach(lb, branches)
		{
			TvBranch   *branch = lfirst(lb);
			TvPartial  *product = tv_partial_copy(partial);

			product->leaves = branch->leaves;
			product->quals = branch->quals;
			product->exprsof[rti - 1] = branch->exprs;
			result = lappend(result, product);
		}
	}
	return list_length(result) > TV_MAX_BRANCHES ? refuse_branches(c) : result;
}

static List *
refuse_branches(TvCompiler *c)
{
	tv_compile_no_rule(c, -1, psprintf("a join of UNION ALL subqueries with more than %d combinations", TV_MAX_BRANCHES),
					   "Each combination of branches has a maintenance plan of its own.",
					   "Make the UNION ALL subqueries maintained views of their own.");
	return NIL;
}

static List *
flatten_relation(TvCompiler *c, Query *query, int rti, List *partials)
{
	RangeTblEntry *rte = rt_fetch(rti, query->rtable);
	Relation	rel = table_open(rte->relid, AccessShareLock);
	List	   *branches;
	bool		is_view;
	int			source;
	TvBranch   *branch;

	c->relids = list_append_unique_oid(c->relids, rte->relid);
	if (rel->rd_rel->relkind == RELKIND_VIEW)
	{
		branches = flatten_view(c, query, rti, rel);
		table_close(rel, NoLock);
		return c->refusal ? NIL : multiply(c, query, partials, rti, branches);
	}
	if (!tv_analyze_relation(c, query, rti, rel))
	{
		table_close(rel, NoLock);
		return NIL;
	}
	is_view = rel->rd_rel->relkind == RELKIND_MATVIEW;
	source = tv_compile_source(c, is_view ? TV_SOURCE_VIEW : TV_SOURCE_BASE, rte->relid, -1);
	branch = tv_table_branch(c, rte, rel, source);
	table_close(rel, NoLock);
	if (c->refusal)
		return NIL;
	return branch ? multiply(c, query, partials, rti, list_make1(branch)) :
		add_leaf(c, partials, rti, rte, source);
}

/* A plain view stands for its query, with the view owner's rights. */
static List *
flatten_view(TvCompiler *c, Query *query, int rti, Relation rel)
{
	Query	   *view = copyObject(get_view_query(rel));
	List	   *scopes = c->scopes;
	Oid			check_as = c->check_as;
	List	   *branches;

	tv_call_args_expand((Node *) view);
	tv_clock_casts_wrap(c, (Node *) view);
	tv_whole_row_expand(c, view);
	tv_prune_view(query, c->corr, rti, view);
	tv_empty_levels(c, view);
	c->scopes = NIL;
	if (!RelationHasSecurityInvoker(rel))
		c->check_as = rel->rd_rel->relowner;
	branches = tv_flatten_query(c, view, false, NULL, NIL);
	c->scopes = scopes;
	c->check_as = check_as;
	return branches;
}

/*
 * The branches of a CTE that refers to nothing outside; nfactors: of products
 * they will be multiplied with.
 */
static List *
flatten_cte(TvCompiler *c, RangeTblEntry *rte, int nfactors)
{
	List	   *scopes = c->scopes;
	List	   *scope = list_nth(scopes, rte->ctelevelsup);
	List	   *result = NIL;
	TvCte	   *entry = NULL;
	ListCell   *lc;

	foreach(lc, scope)
	{
		entry = lfirst(lc);
		if (strcmp(entry->cte->ctename, rte->ctename) == 0)
			break;
		entry = NULL;
	}
	if (entry == NULL)
		elog(ERROR, "could not find CTE \"%s\"", rte->ctename);

	if (rte->self_reference)
		return tv_compile_read_recursion(c, entry);
	if (entry->cte->cterecursive && !entry->done)
	{
		c->scopes = list_copy_tail(scopes, rte->ctelevelsup);
		entry->branches = tv_compile_recursive(c, entry);
		c->scopes = scopes;
		if (c->refusal)
			return NIL;
		entry->done = true;
	}
	if (!entry->done)
	{
		c->scopes = list_copy_tail(scopes, rte->ctelevelsup);
		entry->branches = tv_flatten_query(c, castNode(Query, entry->cte->ctequery), false,
										   NULL, NIL);
		c->scopes = scopes;
		if (c->refusal)
			return NIL;
		entry->done = true;
	}

	entry->branches = few_branches(c, entry->branches, nfactors);

	/* every reference multiplies its own copy */
	foreach(lc, entry->branches)
		result = lappend(result, tv_branch_copy(lfirst(lc)));
	return result;
}

/* The output of a node below, as a branch with one leaf. */
List *
tv_flatten_read_node(TvCompiler *c, TvNode *node)
{
	TvBranch   *branch = palloc0(sizeof(TvBranch));
	TvLeaf	   *leaf = palloc0(sizeof(TvLeaf));
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	List	   *names = NIL;

	for (int i = 0; i < node->out_desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(node->out_desc, i);

		branch->exprs = lappend(branch->exprs,
								makeVar(1, i + 1, att->atttypid, att->atttypmod,
										att->attcollation, 0));
		names = lappend(names, makeString(pstrdup(NameStr(att->attname))));
	}
	if (node->read_exprs)
		branch->exprs = copyObject(node->read_exprs);
	if (node->read_having)
		branch->quals = make_ands_implicit(copyObject(node->read_having));
	rte->rtekind = RTE_RELATION;
	rte->relkind = RELKIND_RELATION;
	rte->rellockmode = AccessShareLock;
	rte->inFromCl = true;
	rte->eref = makeAlias(psprintf("node_%d", node->id), names);
	leaf->rte = rte;
	leaf->source = tv_compile_source(c, TV_SOURCE_NODE, InvalidOid, node->id);
	branch->leaves = list_make1(leaf);
	return list_make1(branch);
}

/* Expressions of a leaf; subqueries in them become leaves before it. */
static Node *
map_leaf(Node *exprs, void *context)
{
	LeafContext *l = context;

	return tv_sublink_expand(l->c, l->partial, tv_partial_map(l->partial, exprs));
}

/* Multiply by one leaf. */
static List *
add_leaf(TvCompiler *c, List *partials, int rti, RangeTblEntry *rte, int source)
{
	ListCell   *lc;

	foreach(lc, partials)
	{
		TvPartial  *partial = lfirst(lc);
		RangeTblEntry *copy = copyObject(rte);
		LeafContext l = {c, partial};

		/* functions and their like may read the columns of earlier items */

		tv_leaf_mutate(copy, map_leaf, &l);
		copy->lateral |= contain_var_clause((Node *) tv_leaf_exprs(copy));
		partial->leafof[rti - 1] = tv_partial_add_leaf(partial, copy, source);
	}
	return partials;
}

List *
tv_flatten_stored(TvCompiler *c, List *branches)
{
	TvNode	   *node;
	ListCell   *lc;

	foreach(lc, ((TvBranch *) linitial(branches))->exprs)
		if (get_typtype(exprType(lfirst(lc))) == TYPTYPE_PSEUDO)
		return NIL;
	node = tv_compile_add_node(c, TV_NODE_LINEAR, false);
	node->branches = branches;
	node->in_desc = tv_compile_desc(((TvBranch *) linitial(branches))->exprs, NIL);
	node->out_desc = CreateTupleDescCopy(node->in_desc);
	tv_compile_sources_of(c, node);
	return tv_flatten_read_node(c, node);
}

/* The same sum with one branch, if there were too many products otherwise. */
static List *
few_branches(TvCompiler *c, List *branches, int nfactors)
{
	List	   *stored = NIL;

	if (nfactors > 1 && list_length(branches) > 1 &&
		nfactors * list_length(branches) > TV_MAX_PRODUCTS)
		stored = tv_flatten_stored(c, branches);
	return stored ? stored : branches;
}

/* The branches, those with nulls that the query may fail on stored: see seen_nulls.c. */
static List *
stage_nulls(TvCompiler *c, Query *query, int rti, List *branches)
{
	List	   *others = NIL;
	List	   *staged = NIL;
	List	   *stored;
	ListCell   *lc;

	foreach(lc, branches)
	{
		if (tv_seen_branch_may_fail(query, rti, lfirst(lc)))
			staged = lappend(staged, lfirst(lc));
		else
			others = lappend(others, lfirst(lc));
	}
	stored = staged ? tv_flatten_stored(c, staged) : NIL;
	return stored ? list_concat(others, stored) : branches;
}

/* Multiply by a sum of branches. */
static List *
multiply(TvCompiler *c, Query *query, List *partials, int rti, List *branches)
{
	List	   *result = NIL;
	ListCell   *lp;
	ListCell   *lb;

	branches = stage_nulls(c, query, rti, branches);
	if (c->refusal)
		return NIL;
	branches = few_branches(c, branches, list_length(partials));
	if (list_length(partials) * list_length(branches) >
		(list_length(partials) == 1 ? TV_MAX_UNION_ALL : TV_MAX_BRANCHES))
		return refuse_branches(c);
	foreach(lp, partials)
	{
		foreach(lb, branches)
		{
			TvPartial  *product = tv_partial_copy(lfirst(lp));

			product->exprsof[rti - 1] = tv_partial_multiply(product, lfirst(lb));
			result = lappend(result, product);
		}
	}
	return result;
}
