/*-------------------------------------------------------------------------
 *
 * delta/flatten.c
 *	  Bring the linear part of a query into normal form: a sum of branches.
 *
 * Filter, projection, inner join and UNION ALL are linear, so that
 *
 *		(A + B) x C = A x C + B x C
 *		project(filter(A + B)) = project(filter(A)) + project(filter(B))
 *
 * and every nesting of them is a sum of flat products.  Subqueries, plain
 * views and CTEs in FROM are expanded on the way; a grouping inside becomes a
 * node of its own, which its query reads like a table.  A CTE is compiled
 * once, however often it is read, so that its nodes are shared.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/prep.h"
#include "parser/parse_coerce.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteHandler.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "catalog/tv_catalog.h"
#include "delta/compile_internal.h"
#include "tv_compat.h"

/* A product of many sums multiplies out; beyond this it is refused. */
#define TV_MAX_BRANCHES 256

/* A CTE in scope. */
typedef struct TvCte
{
	CommonTableExpr *cte;
	bool		done;
	List	   *branches;
} TvCte;

static List *cte_scope(Query *query);
static List *flatten_plain(TvCompiler *c, Query *query, bool top);
static List *flatten_set_operation(TvCompiler *c, Query *query, Node *node, bool top);
static List *coerce_columns(List *branches, SetOperationStmt *op);
static List *flatten_from_item(TvCompiler *c, Query *query, Node *item,
							   List *partials, List **quals);
static List *flatten_rte(TvCompiler *c, Query *query, int rti, List *partials);
static List *flatten_relation(TvCompiler *c, RangeTblEntry *rte, int rti, List *partials);
static List *flatten_view(TvCompiler *c, Relation rel);
static List *flatten_cte(TvCompiler *c, RangeTblEntry *rte);
static List *read_node(TvCompiler *c, TvNode *node);
static List *add_leaf(List *partials, int rti, RangeTblEntry *rte, int source);
static List *multiply(TvCompiler *c, List *partials, int rti, List *branches);
static List *project(List *partials, List *exprs);
static List *tlist_exprs(List *targetlist);
static List *tlist_names(List *targetlist);

List *
tv_flatten_query(TvCompiler *c, Query *query, bool top)
{
	List	   *result;
	List	   *scopes = c->scopes;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	if (!tv_analyze_query(c, query))
		return NIL;

	c->scopes = lcons(cte_scope(query), list_copy(scopes));
	if (query->setOperations)
		result = flatten_set_operation(c, query, query->setOperations, top);
	else
		result = flatten_plain(c, query, top);
	c->scopes = scopes;
	return c->refusal ? NIL : result;
}

static List *
cte_scope(Query *query)
{
	List	   *scope = NIL;
	ListCell   *lc;

	foreach(lc, query->cteList)
	{
		TvCte	   *entry = palloc0(sizeof(TvCte));

		entry->cte = lfirst_node(CommonTableExpr, lc);
		scope = lappend(scope, entry);
	}
	return scope;
}

/*
 * SELECT ... FROM ... WHERE ... GROUP BY ... HAVING, then DISTINCT.
 */
static List *
flatten_plain(TvCompiler *c, Query *query, bool top)
{
	TvPartial  *empty = palloc0(sizeof(TvPartial));
	List	   *partials = list_make1(empty);
	List	   *quals = NIL;
	List	   *branches;
	ListCell   *lc;

	/* names of joined columns stand for columns of the items below */
	query->targetList = (List *)
		tv_compat_flatten_aliases(query, (Node *) query->targetList);
	query->havingQual = tv_compat_flatten_aliases(query, query->havingQual);

	empty->nrtes = list_length(query->rtable);
	empty->leafof = palloc(sizeof(int) * (empty->nrtes + 1));
	empty->exprsof = palloc0(sizeof(List *) * (empty->nrtes + 1));
	for (int i = 0; i < empty->nrtes; i++)
		empty->leafof[i] = -1;

	foreach(lc, query->jointree->fromlist)
	{
		partials = flatten_from_item(c, query, lfirst(lc), partials, &quals);
		if (c->refusal)
			return NIL;
	}

	if (query->jointree->quals)
		quals = lappend(quals, query->jointree->quals);
	quals = (List *) tv_compat_flatten_aliases(query, (Node *) quals);
	if (!tv_analyze_expr(c, (Node *) quals) ||
		!tv_analyze_expr(c, (Node *) query->targetList) ||
		!tv_analyze_expr(c, query->havingQual))
		return NIL;

	foreach(lc, partials)
	{
		TvPartial  *partial = lfirst(lc);
		List	   *mapped = (List *) tv_flatten_map(partial, (Node *) quals);

		/* one list of ANDed quals, so that each can be judged by itself */
		if (mapped)
			partial->quals = list_concat(partial->quals,
										 make_ands_implicit(canonicalize_qual(make_ands_explicit(mapped), false)));
	}

	if (query->hasAggs || query->groupClause || query->havingQual)
	{
		TvNode	   *node = tv_compile_group(c, query, partials,
											top && !query->distinctClause);

		if (c->refusal || node->top)
			return NIL;
		branches = read_node(c, node);
	}
	else
		branches = project(partials, tlist_exprs(query->targetList));

	if (query->distinctClause)
	{
		List	   *clauses = NIL;
		TvNode	   *node;

		foreach(lc, query->targetList)
		{
			TargetEntry *tle = lfirst_node(TargetEntry, lc);

			if (!tle->resjunk)
				clauses = lappend(clauses, get_sortgroupref_clause(tle->ressortgroupref,
																   query->distinctClause));
		}
		node = tv_compile_distinct(c, branches,
								   tv_compile_desc(tlist_exprs(query->targetList),
												   tlist_names(query->targetList)),
								   clauses, top);
		if (c->refusal || node->top)
			return NIL;
		branches = read_node(c, node);
	}
	return branches;
}

/*
 * A tree of UNION [ALL].  UNION is DISTINCT over UNION ALL.
 */
static List *
flatten_set_operation(TvCompiler *c, Query *query, Node *node, bool top)
{
	SetOperationStmt *op;
	List	   *branches;

	check_stack_depth();
	if (IsA(node, RangeTblRef))
	{
		RangeTblEntry *rte = rt_fetch(((RangeTblRef *) node)->rtindex, query->rtable);

		return tv_flatten_query(c, rte->subquery, false);
	}

	op = castNode(SetOperationStmt, node);
	if (op->op != SETOP_UNION)
	{
		tv_compile_refuse(c, -1, "%s is not supported in a maintained view",
						  op->op == SETOP_INTERSECT ? "INTERSECT" : "EXCEPT",
						  "No maintenance rule exists for it.",
						  "Leave it to the query that reads the view.");
		return NIL;
	}

	branches = coerce_columns(flatten_set_operation(c, query, op->larg, false), op);
	if (c->refusal)
		return NIL;
	branches = list_concat(branches,
						   coerce_columns(flatten_set_operation(c, query, op->rarg, false), op));
	if (c->refusal)
		return NIL;
	if (list_length(branches) > TV_MAX_BRANCHES)
	{
		tv_compile_refuse(c, -1, "a query of more than %s UNION ALL branches is not supported in a maintained view",
						  psprintf("%d", TV_MAX_BRANCHES),
						  "Each branch has a maintenance plan of its own.",
						  "Split it into several views.");
		return NIL;
	}

	if (!op->all)
	{
		TvBranch   *first = linitial(branches);
		TvNode	   *distinct = tv_compile_distinct(c, branches,
												   tv_compile_desc(first->exprs, tlist_names(query->targetList)),
												   op->groupClauses, top);

		if (c->refusal || distinct->top)
			return NIL;
		branches = read_node(c, distinct);
	}
	return branches;
}

/* Bring the branches' output to the types the set operation decided on. */
static List *
coerce_columns(List *branches, SetOperationStmt *op)
{
	ListCell   *lb;

	foreach(lb, branches)
	{
		TvBranch   *branch = lfirst(lb);
		List	   *exprs = NIL;
		ListCell   *le;
		ListCell   *lt = list_head(op->colTypes);
		ListCell   *lm = list_head(op->colTypmods);
		ListCell   *lcol = list_head(op->colCollations);

		foreach(le, branch->exprs)
		{
			Node	   *expr = lfirst(le);

			if (exprType(expr) != lfirst_oid(lt))
				expr = coerce_to_common_type(NULL, expr, lfirst_oid(lt), "UNION");
			if (exprTypmod(expr) != lfirst_int(lm) || exprCollation(expr) != lfirst_oid(lcol))
				expr = applyRelabelType(expr, lfirst_oid(lt), lfirst_int(lm), lfirst_oid(lcol),
										COERCE_IMPLICIT_CAST, -1, false);
			exprs = lappend(exprs, expr);
			lt = lnext(op->colTypes, lt);
			lm = lnext(op->colTypmods, lm);
			lcol = lnext(op->colCollations, lcol);
		}
		branch->exprs = exprs;
	}
	return branches;
}

static List *
flatten_from_item(TvCompiler *c, Query *query, Node *item, List *partials, List **quals)
{
	JoinExpr   *join;

	check_stack_depth();
	if (IsA(item, RangeTblRef))
		return flatten_rte(c, query, ((RangeTblRef *) item)->rtindex, partials);

	join = castNode(JoinExpr, item);
	if (join->jointype != JOIN_INNER)
	{
		tv_compile_refuse(c, -1, "%s is not supported in a maintained view",
						  join->jointype == JOIN_LEFT ? "LEFT JOIN" :
						  join->jointype == JOIN_RIGHT ? "RIGHT JOIN" : "FULL JOIN",
						  "No maintenance rule exists for outer joins.",
						  "Use an inner join, or join in the query that reads the view.");
		return NIL;
	}
	partials = flatten_from_item(c, query, join->larg, partials, quals);
	if (c->refusal)
		return NIL;
	partials = flatten_from_item(c, query, join->rarg, partials, quals);
	if (join->quals)
		*quals = lappend(*quals, join->quals);
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
			return flatten_relation(c, rte, rti, partials);

		case RTE_SUBQUERY:
			if (rte->lateral && contain_vars_of_level((Node *) rte->subquery, 1))
			{
				tv_compile_refuse(c, -1, "%s is not supported in a maintained view",
								  "a LATERAL subquery",
								  "No maintenance rule exists for subqueries that read the columns of other FROM items.",
								  "Write it as a join.");
				return NIL;
			}
			branches = tv_flatten_query(c, rte->subquery, false);
			return c->refusal ? NIL : multiply(c, partials, rti, branches);

		case RTE_CTE:
			branches = flatten_cte(c, rte);
			return c->refusal ? NIL : multiply(c, partials, rti, branches);

		case RTE_VALUES:
			if (!tv_analyze_expr(c, (Node *) rte->values_lists))
				return NIL;
			return add_leaf(partials, rti, rte, -1);

		case RTE_FUNCTION:
			if (!tv_analyze_expr(c, (Node *) rte->functions))
				return NIL;
			return add_leaf(partials, rti, rte, -1);

		case RTE_RESULT:
			return partials;

		default:
			tv_compile_refuse(c, -1, "%s is not supported in a maintained view",
							  rte->rtekind == RTE_TABLEFUNC ? "XMLTABLE or JSON_TABLE" : "this kind of FROM item",
							  "No maintenance rule exists for it.",
							  "Leave it to the query that reads the view.");
			return NIL;
	}
}

static List *
flatten_relation(TvCompiler *c, RangeTblEntry *rte, int rti, List *partials)
{
	Relation	rel = table_open(rte->relid, AccessShareLock);
	List	   *branches;
	bool		is_view;

	c->relids = list_append_unique_oid(c->relids, rte->relid);
	if (rel->rd_rel->relkind == RELKIND_VIEW)
	{
		branches = flatten_view(c, rel);
		table_close(rel, NoLock);
		return c->refusal ? NIL : multiply(c, partials, rti, branches);
	}
	if (!tv_analyze_relation(c, rte, rel, OidIsValid(c->check_as) ? c->check_as : c->owner))
	{
		table_close(rel, NoLock);
		return NIL;
	}
	is_view = rel->rd_rel->relkind == RELKIND_MATVIEW;
	table_close(rel, NoLock);
	return add_leaf(partials, rti, rte,
					tv_compile_source(c, is_view ? TV_SOURCE_VIEW : TV_SOURCE_BASE,
									  rte->relid, -1));
}

/* A plain view stands for its query, with the view owner's rights. */
static List *
flatten_view(TvCompiler *c, Relation rel)
{
	List	   *scopes = c->scopes;
	Oid			check_as = c->check_as;
	List	   *branches;

	c->scopes = NIL;
	if (!RelationHasSecurityInvoker(rel))
		c->check_as = rel->rd_rel->relowner;
	branches = tv_flatten_query(c, copyObject(get_view_query(rel)), false);
	c->scopes = scopes;
	c->check_as = check_as;
	return branches;
}

static List *
flatten_cte(TvCompiler *c, RangeTblEntry *rte)
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

	if (!entry->done)
	{
		c->scopes = list_copy_tail(scopes, rte->ctelevelsup);
		entry->branches = tv_flatten_query(c, castNode(Query, entry->cte->ctequery), false);
		c->scopes = scopes;
		if (c->refusal)
			return NIL;
		entry->done = true;
	}

	/* every reference multiplies its own copy */
	foreach(lc, entry->branches)
	{
		TvBranch   *branch = lfirst(lc);
		TvBranch   *copy = palloc0(sizeof(TvBranch));
		ListCell   *ll;

		foreach(ll, branch->leaves)
		{
			TvLeaf	   *leaf = palloc(sizeof(TvLeaf));

			*leaf = *(TvLeaf *) lfirst(ll);
			leaf->rte = copyObject(leaf->rte);
			copy->leaves = lappend(copy->leaves, leaf);
		}
		copy->quals = copyObject(branch->quals);
		copy->exprs = copyObject(branch->exprs);
		result = lappend(result, copy);
	}
	return result;
}

/* The output of a node below, as a branch with one leaf. */
static List *
read_node(TvCompiler *c, TvNode *node)
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

/* Multiply by one leaf. */
static List *
add_leaf(List *partials, int rti, RangeTblEntry *rte, int source)
{
	ListCell   *lc;

	foreach(lc, partials)
	{
		TvPartial  *partial = lfirst(lc);
		TvLeaf	   *leaf = palloc0(sizeof(TvLeaf));

		leaf->rte = copyObject(rte);
		leaf->source = source;
		/* functions and VALUES may read the columns of earlier items */
		leaf->rte->functions = (List *)
			tv_flatten_map(partial, (Node *) leaf->rte->functions);
		leaf->rte->values_lists = (List *)
			tv_flatten_map(partial, (Node *) leaf->rte->values_lists);
		partial->leafof[rti - 1] = list_length(partial->leaves);
		partial->leaves = lappend(partial->leaves, leaf);
	}
	return partials;
}

/* Multiply by a sum of branches. */
static List *
multiply(TvCompiler *c, List *partials, int rti, List *branches)
{
	List	   *result = NIL;
	ListCell   *lp;
	ListCell   *lb;

	if (list_length(partials) * list_length(branches) > TV_MAX_BRANCHES)
	{
		tv_compile_refuse(c, -1, "a join of UNION ALL subqueries with more than %s combinations is not supported in a maintained view",
						  psprintf("%d", TV_MAX_BRANCHES),
						  "Each combination of branches has a maintenance plan of its own.",
						  "Make the UNION ALL subqueries maintained views of their own.");
		return NIL;
	}

	foreach(lp, partials)
	{
		TvPartial  *partial = lfirst(lp);

		foreach(lb, branches)
		{
			TvBranch   *branch = lfirst(lb);
			TvPartial  *product = palloc(sizeof(TvPartial));
			int			offset = list_length(partial->leaves);
			List	   *quals = copyObject(branch->quals);
			List	   *exprs = copyObject(branch->exprs);
			ListCell   *ll;

			*product = *partial;
			product->leafof = palloc(sizeof(int) * (partial->nrtes + 1));
			memcpy(product->leafof, partial->leafof, sizeof(int) * partial->nrtes);
			product->exprsof = palloc(sizeof(List *) * (partial->nrtes + 1));
			memcpy(product->exprsof, partial->exprsof, sizeof(List *) * partial->nrtes);
			product->leaves = list_copy(partial->leaves);
			foreach(ll, branch->leaves)
			{
				TvLeaf	   *leaf = palloc(sizeof(TvLeaf));

				*leaf = *(TvLeaf *) lfirst(ll);
				leaf->rte = copyObject(leaf->rte);
				OffsetVarNodes((Node *) leaf->rte->functions, offset, 0);
				OffsetVarNodes((Node *) leaf->rte->values_lists, offset, 0);
				product->leaves = lappend(product->leaves, leaf);
			}
			OffsetVarNodes((Node *) quals, offset, 0);
			OffsetVarNodes((Node *) exprs, offset, 0);
			product->quals = list_concat(copyObject(partial->quals), quals);
			product->exprsof[rti - 1] = exprs;
			result = lappend(result, product);
		}
	}
	return result;
}

static List *
project(List *partials, List *exprs)
{
	List	   *branches = NIL;
	ListCell   *lc;

	foreach(lc, partials)
	{
		TvPartial  *partial = lfirst(lc);
		TvBranch   *branch = palloc0(sizeof(TvBranch));

		branch->leaves = partial->leaves;
		branch->quals = partial->quals;
		branch->exprs = (List *) tv_flatten_map(partial, (Node *) exprs);
		branches = lappend(branches, branch);
	}
	return branches;
}

static Node *
map_mutator(Node *node, void *context)
{
	const TvPartial *partial = context;

	if (node == NULL)
		return NULL;
	if (IsA(node, Var))
	{
		Var		   *var = (Var *) node;
		int			leaf;

		Assert(var->varlevelsup == 0);
		leaf = partial->leafof[var->varno - 1];
		if (leaf >= 0)
		{
			Var		   *result = copyObject(var);

			result->varno = leaf + 1;
			result->varnosyn = 0;
			result->varattnosyn = 0;
			return (Node *) result;
		}
		if (var->varattno <= 0 ||
			var->varattno > list_length(partial->exprsof[var->varno - 1]))
			elog(ERROR, "column %d of FROM item %d is unknown", var->varattno, var->varno);
		return copyObject(list_nth(partial->exprsof[var->varno - 1], var->varattno - 1));
	}
	return expression_tree_mutator(node, map_mutator, context);
}

Node *
tv_flatten_map(const TvPartial *partial, Node *expr)
{
	return map_mutator(expr, (void *) partial);
}

static List *
tlist_exprs(List *targetlist)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, targetlist)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (!tle->resjunk)
			result = lappend(result, tle->expr);
	}
	return result;
}

static List *
tlist_names(List *targetlist)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, targetlist)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (!tle->resjunk)
			result = lappend(result, makeString(tle->resname ? tle->resname : "?column?"));
	}
	return result;
}
