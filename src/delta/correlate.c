/*-------------------------------------------------------------------------
 *
 * delta/correlate.c
 *	  Turn a query that refers to an outer query into a join.
 *
 * A correlated query Q(l) is a function of the outer row.  Joins, filters and
 * projections are linear, so that Q is compiled right on top of the outer
 * product.  What has state cannot be kept per outer row; it is kept per value of
 * what it depends on (Neumann and Kemper, "Unnesting Arbitrary Queries", BTW
 * 2015):
 *
 *		separable	every outer reference stands in a conjunct "inner = outer"
 *					of WHERE: without these conjuncts, Q is kept per value of
 *					the inner sides, and joined by the conjuncts
 *		otherwise	Q x D is kept per row of the domain D = distinct(the outer
 *					columns that Q refers to), and joined by these columns
 *
 * Columns of a domain whose equal values can look different come with their
 * text, so that Q sees each of them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "access/table.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/prep.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "delta/compile_internal.h"
#include "delta/correlate.h"
#include "delta/shield_nulls.h"
#include "delta/subquery.h"
#include "tv_compat.h"

static bool separable_equality(OpExpr *op, int *inner);

/* Which levels does an expression refer to? */
typedef struct LevelsContext
{
	int			depth;
	bool		own;
	bool		outer;
	bool		subquery;
} LevelsContext;

static bool
levels_walker(Node *node, LevelsContext *l)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		l->own |= ((Var *) node)->varlevelsup == l->depth;
		l->outer |= ((Var *) node)->varlevelsup > l->depth;
		return false;
	}
	if (IsA(node, Query))
	{
		l->subquery = true;
		l->depth++;
		(void) query_tree_walker((Query *) node, levels_walker, l, 0);
		l->depth--;
		return false;
	}
	return expression_tree_walker(node, levels_walker, l);
}

bool
tv_correlate_is(Node *query)
{
	LevelsContext l = {-1};

	(void) levels_walker(query, &l);
	return l.outer;
}

/* Vars of a level of a subquery's outer reference, by number of levels above. */
typedef struct ParamsContext
{
	List	   *vars;			/* of Var *, level 0, each once */
	List	   *replace;		/* NIL, or what to put in their places */
	int			depth;
} ParamsContext;

static Node *
params_mutator(Node *node, ParamsContext *p)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Var) && ((Var *) node)->varlevelsup > 0 &&
		((Var *) node)->varlevelsup == p->depth)
	{
		Var		   *var = copyObject((Var *) node);
		int			i = 0;

		var->varlevelsup = 0;
		var->location = -1;
		tv_compat_clear_nulling(var);
		while (i < list_length(p->vars) && !equal(list_nth(p->vars, i), var))
			i++;
		if (i == list_length(p->vars))
			p->vars = lappend(p->vars, var);
		else if (p->replace)
		{
			var = copyObject(list_nth(p->replace, i));
			var->varlevelsup = p->depth;
			return (Node *) var;
		}
		return copyObject(node);
	}
	if (IsA(node, Query))
	{
		Query	   *query;

		p->depth++;
		query = query_tree_mutator((Query *) node, params_mutator, p, 0);
		p->depth--;
		return (Node *) query;
	}
	return expression_tree_mutator(node, params_mutator, p);
}

List *
tv_correlate_outer_columns(Query *query)
{
	ParamsContext p = {NIL};

	(void) params_mutator((Node *) query, &p);
	return p.vars;
}

/* Put inner expressions into a qual of the correlation. */
static Node *
inner_mutator(Node *node, List *inner)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_SUBLINK)
		return copyObject(list_nth(inner, ((Param *) node)->paramid));
	return expression_tree_mutator(node, inner_mutator, inner);
}

List *
tv_correlation_quals(const TvCorrelation *corr, List *inner)
{
	return (List *) inner_mutator((Node *) corr->quals, inner);
}

/* Stands for the inner expression number i in a qual. */
static Expr *
inner_param(int i, Node *expr)
{
	Param	   *param = makeNode(Param);

	param->paramkind = PARAM_SUBLINK;
	param->paramid = i;
	param->paramtype = exprType(expr);
	param->paramtypmod = exprTypmod(expr);
	param->paramcollid = exprCollation(expr);
	param->location = -1;
	return (Expr *) param;
}

/* WHERE, and ON of inner joins, as a list of conjuncts. */
static void
take_quals(Query *query, Node *item, List **quals)
{
	JoinExpr   *join = (JoinExpr *) item;

	if (!IsA(item, JoinExpr) || join->jointype != JOIN_INNER)
		return;
	take_quals(query, join->larg, quals);
	take_quals(query, join->rarg, quals);
	if (join->quals)
		*quals = lappend(*quals, join->quals);
	join->quals = NULL;
}

static List *
conjuncts(Query *query)
{
	List	   *quals = NIL;
	ListCell   *lc;

	foreach(lc, query->jointree->fromlist)
		take_quals(query, lfirst(lc), &quals);
	if (query->jointree->quals)
		quals = lappend(quals, query->jointree->quals);
	if (quals == NIL)
		return NIL;
	quals = (List *) tv_compat_flatten_aliases(query, (Node *) quals);
	return make_ands_implicit(canonicalize_qual(make_ands_explicit(quals), false));
}

TvCorrelation *
tv_correlate_separate(Query *original)
{
	TvCorrelation *corr = palloc0(sizeof(TvCorrelation));
	Query	   *query = copyObject(original);
	List	   *kept = NIL;
	ListCell   *lc;

	if (query->setOperations)
		return NULL;
	foreach(lc, conjuncts(query))
	{
		Node	   *qual = lfirst(lc);
		LevelsContext l = {0};
		int			inner;

		(void) levels_walker(qual, &l);
		if (!l.outer)
			kept = lappend(kept, qual);
		else if (!l.own && !l.subquery)
		{
			/* decides for or against all rows */
			IncrementVarSublevelsUp(qual, -1, 1);
			corr->quals = lappend(corr->quals, qual);
		}
		else if (IsA(qual, OpExpr) && separable_equality((OpExpr *) qual, &inner))
		{
			OpExpr	   *op = (OpExpr *) qual;
			Node	   *expr = list_nth(op->args, inner);

			lfirst(list_nth_cell(op->args, inner)) = inner_param(list_length(corr->exprs), expr);
			IncrementVarSublevelsUp((Node *) op, -1, 1);
			corr->quals = lappend(corr->quals, op);
			corr->exprs = lappend(corr->exprs, expr);
		}
		else
			return NULL;
	}
	query->jointree->quals = kept ? (Node *) make_ands_explicit(kept) : NULL;
	if (tv_correlate_is((Node *) query))
		return NULL;
	corr->query = query;
	return corr;
}

bool
tv_correlate_groups_by(OpExpr *op, Node *side)
{
	Oid			opclass = GetDefaultOpClass(exprType(side), BTREE_AM_OID);
	Oid			collation = exprCollation(side);

	if (!OidIsValid(opclass) || op_volatile(op->opno) != PROVOLATILE_IMMUTABLE ||
		get_op_opfamily_strategy(op->opno, get_opclass_family(opclass)) != BTEqualStrategyNumber)
		return false;
	if (!OidIsValid(op->inputcollid) || op->inputcollid == collation)
		return true;
	return get_collation_isdeterministic(op->inputcollid) &&
		OidIsValid(collation) && get_collation_isdeterministic(collation);
}

/* Is the qual "inner = outer", by the equality that groups the inner side? */
static bool
separable_equality(OpExpr *op, int *inner)
{
	for (int side = 0; side < 2 && list_length(op->args) == 2; side++)
	{
		Node	   *mine = list_nth(op->args, side);
		Node	   *other = list_nth(op->args, 1 - side);
		LevelsContext lm = {0};
		LevelsContext lo = {0};

		(void) levels_walker(mine, &lm);
		(void) levels_walker(other, &lo);
		if (!lm.own || lm.outer || lm.subquery || lo.own || !lo.outer || lo.subquery)
			continue;
		if (!tv_correlate_groups_by(op, mine))
			return false;
		*inner = side;
		return true;
	}
	return false;
}

Expr *
tv_correlate_equal(Expr *a, Expr *b, bool not_null)
{
	TypeCacheEntry *type = lookup_type_cache(exprType((Node *) a), TYPECACHE_EQ_OPR);
	OpExpr	   *equals;
	NullTest   *test;
	List	   *nulls = NIL;

	equals = (OpExpr *) make_opclause(type->eq_opr, BOOLOID, false, a, b,
									  InvalidOid, exprCollation((Node *) a));
	set_opfuncid(equals);
	if (not_null)
		return (Expr *) equals;
	for (int i = 0; i < 2; i++)
	{
		test = makeNode(NullTest);
		test->arg = copyObject(i == 0 ? a : b);
		test->nulltesttype = IS_NULL;
		test->location = -1;
		nulls = lappend(nulls, test);
	}
	return make_orclause(list_make2(equals, make_andclause(nulls)));
}

/*
 * Columns of the outer product that a query depends on, as the columns of a
 * domain: each, and its text if equal values can look different; then a
 * constant, which tells a row that is there from nulls.
 */
List *
tv_correlate_domain(TvCompiler *c, const TvPartial *p, List *vars, List **quals)
{
	List	   *columns = NIL;
	ListCell   *lc;

	foreach(lc, vars)
	{
		Var		   *var = lfirst_node(Var, lc);
		bool		not_null = tv_correlate_not_null(c, p, (Node *) var);

		*quals = lappend(*quals, tv_correlate_equal((Expr *) copyObject(var),
													inner_param(list_length(columns), (Node *) var),
													not_null));
		columns = lappend(columns, copyObject(var));
		if (!tv_type_one_image(var->vartype, var->vartypmod, var->varcollid))
		{
			CoerceViaIO *text = makeNode(CoerceViaIO);

			text	  ->arg = (Expr *) copyObject(var);
			text	  ->resulttype = TEXTOID;
			text	  ->resultcollid = C_COLLATION_OID;
			text	  ->coerceformat = COERCE_EXPLICIT_CAST;
			text	  ->location = -1;

			c->uses_settings = true;
			*quals = lappend(*quals, tv_correlate_equal((Expr *) text,
														inner_param(list_length(columns), (Node *) text),
														not_null));
			columns = lappend(columns, copyObject(text));
		}
	}
	return lappend(columns, makeConst(INT4OID, -1, InvalidOid, sizeof(int32),
									  Int32GetDatum(1), false, true));
}

List *
tv_correlate_safe_quals(List *quals, const TvPartial *p)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, quals)
		if (!tv_null_may_fail(lfirst(lc)) || !list_member(p->quals, lfirst(lc)))
		result = lappend(result, lfirst(lc));
	return result;
}

typedef struct OuterContext
{
	int			depth;			/* of the query looked at */
} OuterContext;

static bool
names_outer(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
		return ((Var *) node)->varlevelsup == (Index) ((OuterContext *) context)->depth;
	return expression_tree_walker(node, names_outer, context);
}

/* May a query fail by what it computes of the row of the outer product? */
static bool
outer_may_fail(Node *node, void *context)
{
	OuterContext *outer = context;
	bool		result;

	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		outer->depth++;
		result = query_tree_walker((Query *) node, outer_may_fail, context, 0);
		outer->depth--;
		return result;
	}
	switch (nodeTag(node))
	{
		case T_FuncExpr:
		case T_OpExpr:
		case T_DistinctExpr:
		case T_NullIfExpr:
		case T_ScalarArrayOpExpr:
		case T_CoerceViaIO:
		case T_CoerceToDomain:
		case T_ArrayCoerceExpr:
		case T_Aggref:
		case T_WindowFunc:
		case T_SubscriptingRef:
		case T_RowCompareExpr:
		case T_XmlExpr:
			/* subqueries are looked at by themselves */
			if (!checkExprHasSubLink(node) && names_outer(node, context) &&
				tv_expr_may_fail(node))
				return true;
			break;
		default:
			break;
	}
	return expression_tree_walker(node, outer_may_fail, context);
}

/*
 * The part of an outer product that vars depend on.  If something of their
 * values may fail, it has no rows that the whole has not.
 */
TvPartial *
tv_correlate_restrict(TvCompiler *c, const TvPartial *p, Query *query, int **map,
					  List **columns, List **quals)
{
	List	   *vars = tv_correlate_outer_columns(query);
	Bitmapset  *needed = NULL;
	TvPartial  *safe = tv_partial_copy(p);
	TvPartial  *result;
	OuterContext outer = {0};
	ListCell   *lc;

	foreach(lc, vars)
		needed = bms_add_member(needed, lfirst_node(Var, lc)->varno - 1);
	safe->quals = tv_correlate_safe_quals(p->quals, p);
	needed = tv_partial_connect(safe, needed, outer_may_fail((Node *) query, &outer));
	result = tv_partial_restrict(safe, needed, map);
	*columns = (List *) tv_partial_renumber((Node *) tv_correlate_domain(c, p, vars, quals), *map);
	return result;
}

TvCorrelation *
tv_correlate_by_domain(TvCompiler *c, const TvPartial *p, Query *query)
{
	TvCorrelation *corr = palloc0(sizeof(TvCorrelation));
	ParamsContext replace = {0};
	TvPartial  *sub;
	TvNode	   *domain;
	List	   *columns;
	int		   *map;
	ListCell   *lc;

	sub = tv_correlate_restrict(c, p, query, &map, &columns, &corr->quals);
	domain = tv_compile_distinct_of(c, list_make1(tv_partial_branch(sub, columns)));
	if (c->refusal)
		return NULL;

	corr->base = tv_partial_make(0, NULL);
	(void) tv_partial_multiply(corr->base, linitial(tv_flatten_read_node(c, domain)));
	replace.vars = tv_correlate_outer_columns(query);
	foreach(lc, columns)
	{
		Node	   *column = lfirst(lc);
		Var		   *var = makeVar(1, foreach_current_index(lc) + 1, exprType(column),
								  exprTypmod(column), exprCollation(column), 1);

		corr->exprs = lappend(corr->exprs, var);
		if (IsA(column, Var))
			replace.replace = lappend(replace.replace, var);
	}
	corr->query = (Query *) params_mutator((Node *) query, &replace);
	corr->marker = list_length(corr->exprs) - 1;
	return corr;
}

TvCorrelation *
tv_correlate(TvCompiler *c, const TvPartial *p, Query *query)
{
	TvCorrelation *corr = tv_correlate_separate(query);

	return corr ? corr : tv_correlate_by_domain(c, p, query);
}

/*
 * What is kept by values of inner rows cannot have a row for outer rows without
 * any; aggregates by themselves are dealt with elsewhere.
 */
bool
tv_correlate_check_rows(TvCompiler *c, Query *query)
{
	if (!tv_subquery_has_row_anyway(query) || !tv_correlate_is((Node *) query))
		return true;
	tv_compile_no_rule(c, -1,
					   query->groupingSets ?
					   "an empty grouping set in a subquery that refers to an outer query" :
					   "an aggregate without GROUP BY below another operator in a subquery that refers to an outer query",
					   "It has a row even where there are none, and no maintenance rule exists for that.",
					   "Put the aggregate into a subquery of its own.");
	return false;
}

List *
tv_correlate_join(TvCompiler *c, const TvPartial *p, Query *query)
{
	TvCorrelation *corr;
	List	   *result = NIL;
	List	   *branches;
	ListCell   *lc;

	query = tv_subquery_one_row(query);

	if (!tv_flatten_needs_node(query) && (query->setOperations == NULL || tv_union_all_only(query->setOperations)))
		return tv_flatten_query(c, query, false, p, NIL);

	if (tv_subquery_is_aggregate(query))
	{
		TvPartial  *product = tv_partial_copy(p);
		Node	   *filter;
		List	   *exprs = tv_correlate_aggregate(c, product, query, &filter);

		if (c->refusal)
			return NIL;
		if (filter)
			product->quals = lappend(product->quals, filter);
		return list_make1(tv_partial_branch(product, exprs));
	}

	if (!tv_correlate_check_rows(c, query))
		return NIL;
	corr = tv_correlate(c, p, query);
	if (c->refusal)
		return NIL;
	branches = tv_flatten_query(c, corr->query, false, corr->base, corr->exprs);
	foreach(lc, branches)
	{
		TvPartial  *product = tv_partial_copy(p);
		List	   *exprs = tv_partial_multiply(product, lfirst(lc));

		product->quals = list_concat(product->quals, tv_correlation_quals(corr, exprs));
		exprs = list_copy_tail(exprs, list_length(corr->exprs));
		result = lappend(result, tv_partial_branch(product, exprs));
	}
	return result;
}
