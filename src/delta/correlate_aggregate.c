/*-------------------------------------------------------------------------
 *
 * delta/correlate_aggregate.c
 *	  Join an outer product with the row of a scalar aggregate.
 *
 * The aggregate is a GROUP node by what it is correlated by, read by a LEFT
 * leaf: for outer rows without a group, its output is computed from what the
 * aggregates give over no rows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_agg.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "delta/correlate.h"
#include "delta/derive_internal.h"
#include "delta/subquery.h"
#include "tv_compat.h"

typedef struct EmptyContext
{
	TvCompiler *c;
	int			depth;
} EmptyContext;

/*
 * The state an aggregate starts with, unless the server passes it around as a
 * pointer.  As in the server, its text is read by the type's input function.
 */
static Const *
initial_state(HeapTuple tuple, Oid type)
{
	bool		isnull;
	Datum		initval = SysCacheGetAttr(AGGFNOID, tuple, Anum_pg_aggregate_agginitval, &isnull);
	Oid			input;
	Oid			ioparam;
	int16		len;
	bool		byval;

	if (isnull)
		return makeNullConst(type, -1, get_typcollation(type));
	getTypeInputInfo(type, &input, &ioparam);
	get_typlenbyval(type, &len, &byval);
	return makeConst(type, -1, get_typcollation(type), len,
					 OidInputFunctionCall(input, TextDatumGetCString(initval), ioparam, -1),
					 false, byval);
}

/* The final function over the initial state: what the aggregate gives over no rows. */
static Node *
initial_result(const Aggref *aggref, HeapTuple tuple, Oid type)
{
	Form_pg_aggregate form = (Form_pg_aggregate) GETSTRUCT(tuple);
	Const	   *state = initial_state(tuple, type);
	List	   *args;
	ListCell   *lc;

	if (!OidIsValid(form->aggfinalfn))
		return (Node *) state;
	if (state->constisnull && func_strict(form->aggfinalfn))
		return (Node *) makeNullConst(aggref->aggtype, -1, aggref->aggcollid);
	args = list_make1(state);
	if (form->aggfinalextra)
		foreach(lc, aggref->aggargtypes)
			args = lappend(args, makeNullConst(lfirst_oid(lc), -1, get_typcollation(lfirst_oid(lc))));
	return (Node *) makeFuncExpr(form->aggfinalfn, aggref->aggtype, args, aggref->aggcollid,
								 aggref->inputcollid, COERCE_EXPLICIT_CALL);
}

/* The type of an aggregate's state, where its arguments decide it, too. */
static Oid
state_type(const Aggref *aggref, Form_pg_aggregate form)
{
	Oid			types[FUNC_MAX_ARGS];
	int			n = get_aggregate_argtypes(unconstify(Aggref *, aggref), types);

	return resolve_aggregate_transtype(aggref->aggfnoid, form->aggtranstype, types, n);
}

/* Could a direct argument fail?  It is computed for no rows, too. */
static bool
direct_may_fail(Node *arg)
{
	if (IsA(arg, RelabelType))
		return direct_may_fail((Node *) ((RelabelType *) arg)->arg);
	if (IsA(arg, FuncExpr) && tv_cast_is_safe(((FuncExpr *) arg)->funcid))
		return direct_may_fail(linitial(((FuncExpr *) arg)->args));
	return !IsA(arg, Var) && !IsA(arg, Const);
}

/* The server's hypothetical sets: the place of a row among none. */
static Node *
empty_hypothetical(const Aggref *aggref)
{
	ListCell   *lc;

	foreach(lc, aggref->aggdirectargs)
		if (direct_may_fail(lfirst(lc)))
		return NULL;
	switch (aggref->aggfnoid)
	{
		case F_RANK_ANY:
		case F_DENSE_RANK_ANY:
			return (Node *) tv_query_int8(1);
		case F_PERCENT_RANK_ANY:
		case F_CUME_DIST_ANY:
			return (Node *) makeConst(FLOAT8OID, -1, InvalidOid, sizeof(float8),
									  Float8GetDatum(aggref->aggfnoid == F_CUME_DIST_ANY ? 1.0 : 0.0),
									  false, FLOAT8PASSBYVAL);
		default:
			return NULL;
	}
}

/* What an aggregate gives over no rows. */
static Node *
empty_aggregate(TvCompiler *c, const Aggref *aggref)
{
	HeapTuple	tuple;
	Form_pg_aggregate form;
	Node	   *result = NULL;

	if (aggref->aggfnoid == F_COUNT_ || aggref->aggfnoid == F_COUNT_ANY ||
		aggref->aggfnoid == F_REGR_COUNT)
		return (Node *) makeConst(INT8OID, -1, InvalidOid, sizeof(int64),
								  Int64GetDatum(0), false, FLOAT8PASSBYVAL);
	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(aggref->aggfnoid));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for aggregate %u", aggref->aggfnoid);
	form = (Form_pg_aggregate) GETSTRUCT(tuple);
	/* the server's own give null, but for hypothetical sets */
	if (aggref->aggfnoid < FirstGenbkiObjectId && form->aggkind != AGGKIND_HYPOTHETICAL)
		result = (Node *) makeNullConst(aggref->aggtype, -1, aggref->aggcollid);

	else if (form->aggkind == AGGKIND_HYPOTHETICAL)
		result = empty_hypothetical(aggref);

	/*
	 * a final function of a pointer works in an aggregate only; one with
	 * direct arguments needs them
	 */
	else if (form->aggkind == AGGKIND_NORMAL &&
			 (form->aggtranstype != INTERNALOID || !OidIsValid(form->aggfinalfn) ||
			  func_strict(form->aggfinalfn)))
		result = initial_result(aggref, tuple, state_type(aggref, form));
	ReleaseSysCache(tuple);
	if (result)
		return result;
	tv_compile_no_rule(c, aggref->location,
					   psprintf("aggregate %s in a correlated subquery", get_func_name(aggref->aggfnoid)),
					   "Its result over no rows is not known.",
					   "Write it as a LEFT JOIN of a grouped subquery.");
	return (Node *) makeNullConst(aggref->aggtype, -1, aggref->aggcollid);
}

/* An output expression of a scalar aggregate over no rows, in the outer query. */
static Node *
empty_mutator(Node *node, EmptyContext *e)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Aggref) && ((Aggref *) node)->agglevelsup == e->depth)
		return empty_aggregate(e->c, (Aggref *) node);
	if (IsA(node, Var))
	{
		Var		   *var = copyObject((Var *) node);

		if (var->varlevelsup > e->depth)
			var->varlevelsup--;
		return (Node *) var;
	}
	if (IsA(node, Query))
	{
		Query	   *query;

		e->depth++;
		query = query_tree_mutator((Query *) node, empty_mutator, e, 0);
		e->depth--;
		return (Node *) query;
	}
	return expression_tree_mutator(node, empty_mutator, e);
}

/* CASE WHEN marker IS NOT NULL THEN there ELSE absent END */
static Node *
if_there(Node *marker, Node *there, Node *absent)
{
	CaseExpr   *result = makeNode(CaseExpr);
	CaseWhen   *when = makeNode(CaseWhen);
	NullTest   *test = makeNode(NullTest);

	test->arg = (Expr *) copyObject(marker);
	test->nulltesttype = IS_NOT_NULL;
	test->location = -1;
	when->expr = (Expr *) test;
	when->result = (Expr *) there;
	when->location = -1;
	result->casetype = exprType(there);
	result->casecollid = exprCollation(there);
	result->args = list_make1(when);
	result->defresult = (Expr *) absent;
	result->location = -1;
	return (Node *) result;
}

Node *
tv_correlate_if_there(Node *marker, Node *there)
{
	/* a column of the leaf itself is null along with the marker */
	if (IsA(there, Var) && ((Var *) there)->varno == castNode(Var, marker)->varno)
		return there;
	return if_there(marker, there,
					(Node *) makeNullConst(exprType(there), exprTypmod(there), exprCollation(there)));
}

/*
 * Add the branch of a scalar aggregate to the outer product: its group is a
 * LEFT leaf, what its output needs besides follows.  Returns the exprs.
 */
static List *
add_group(TvCompiler *c, TvPartial *p, const TvCorrelation *corr, TvBranch *branch, Node **having)
{
	int			first = list_length(p->leaves);
	int			nquals = list_length(p->quals);
	List	   *exprs = tv_partial_multiply(p, branch);
	TvLeaf	   *leaf = list_nth(p->leaves, first);

	/* the branch's own quals are HAVING */
	*having = list_length(p->quals) > nquals ?
		(Node *) make_ands_explicit(list_copy_tail(p->quals, nquals)) : NULL;
	p->quals = list_truncate(p->quals, nquals);
	for (int i = first + 1; i < list_length(p->leaves); i++)
	{
		if (((TvLeaf *) list_nth(p->leaves, i))->mode != TV_LEAF_LEFT)
			tv_compile_no_rule(c, -1, "a subquery in HAVING of a correlated aggregate",
							   "No maintenance rule exists for it.",
							   "Write it as a join with a grouped subquery.");
	}
	if (corr->exprs)
	{
		leaf->mode = TV_LEAF_LEFT;
		leaf->quals = tv_correlation_quals(corr, exprs);
	}
	return exprs;
}

List *
tv_correlate_aggregate(TvCompiler *c, TvPartial *p, Query *query, Node **filter)
{
	TvCorrelation *corr;
	EmptyContext e = {c, 0};
	List	   *branches;
	List	   *exprs;
	List	   *result = NIL;
	Node	   *having;
	Node	   *marker;
	ListCell   *lc;
	int			i;

	*filter = NULL;
	query->targetList = (List *) tv_compat_flatten_aliases(query, (Node *) query->targetList);
	query->havingQual = tv_compat_flatten_aliases(query, query->havingQual);

	/*
	 * a subquery that is a value adds to the product, one that filters might
	 * take from it
	 */
	if (query->havingQual && checkExprHasSubLink(query->havingQual))
	{
		BooleanTest *test = makeNode(BooleanTest);

		test->arg = (Expr *) query->havingQual;
		test->booltesttype = IS_TRUE;
		test->location = -1;
		query->havingQual = (Node *) test;
	}
	corr = tv_correlate(c, p, query);
	if (c->refusal)
		return NIL;

	/* conditions on the outer row alone decide whether rows are seen */
	if (corr->exprs == NIL && corr->quals != NIL)
	{
		corr = tv_correlate_by_domain(c, p, query);
		if (c->refusal)
			return NIL;
	}
	branches = tv_flatten_query(c, corr->query, false, corr->base, corr->exprs);
	if (c->refusal)
		return NIL;
	exprs = add_group(c, p, corr, linitial(branches), &having);
	i = list_length(corr->exprs);
	marker = i > 0 ? list_nth(exprs, corr->marker) : NULL;

	if (having)
		*filter = !marker ? having :
			if_there(marker, having,
					 tv_sublink_expand(c, p, empty_mutator(query->havingQual, &e)));
	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);
		Node	   *there;

		if (tle->resjunk)
			continue;
		there = list_nth(exprs, i++);
		if (marker)
		{
			Node	   *absent = tv_sublink_expand(c, p, empty_mutator((Node *) tle->expr, &e));

			if (IsA(absent, Const) && ((Const *) absent)->constisnull)
				there = tv_correlate_if_there(marker, there);
			else
				there = if_there(marker, there, absent);
		}
		result = lappend(result, there);
	}
	return result;
}
