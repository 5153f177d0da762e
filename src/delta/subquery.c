/*-------------------------------------------------------------------------
 *
 * delta/subquery.c
 *	  Rewrite subqueries to the forms that the compiler knows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "parser/parse_agg.h"
#include "parser/parse_func.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "delta/correlate.h"
#include "delta/fold.h"
#include "delta/subquery.h"
#include "tv_compat.h"

static Query *wrap(Query *query);

static List *
output_exprs(Query *query)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (!tle->resjunk)
			result = lappend(result, tle->expr);
	}
	return result;
}

/* Can its output be looked at where it is computed?  What returns a set cannot. */
static bool
is_flat(Query *query)
{
	return !tv_flatten_needs_node(query) && query->setOperations == NULL && !query->hasTargetSRFs;
}

static Node *
replace_mutator(Node *node, List *values)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_SUBLINK)
		return copyObject(list_nth(values, ((Param *) node)->paramid - 1));
	return expression_tree_mutator(node, replace_mutator, values);
}

Node *
tv_subquery_replace_params(Node *test, List *values)
{
	return replace_mutator(test, values);
}

/* SELECT * FROM (query) */
static Query *
wrap(Query *query)
{
	Query	   *result = makeNode(Query);
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	RangeTblRef *ref = makeNode(RangeTblRef);
	List	   *names = NIL;
	ListCell   *lc;

	IncrementVarSublevelsUp((Node *) query, 1, 1);
	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (tle->resjunk)
			continue;
		names = lappend(names, makeString(pstrdup(tle->resname ? tle->resname : "?column?")));
		result->targetList = lappend(result->targetList,
									 makeTargetEntry((Expr *) makeVar(1, tle->resno, exprType((Node *) tle->expr),
																	  exprTypmod((Node *) tle->expr),
																	  exprCollation((Node *) tle->expr), 0),
													 list_length(names), strVal(llast(names)), false));
	}
	rte->rtekind = RTE_SUBQUERY;
	rte->subquery = query;
	rte->eref = makeAlias("subquery", names);
	rte->inFromCl = true;
	ref->rtindex = 1;
	result->commandType = CMD_SELECT;
	result->canSetTag = true;
	result->rtable = list_make1(rte);
	result->jointree = makeFromExpr(list_make1(ref), NULL);
	return result;
}

Query *
tv_subquery_test(SubLink *sublink, TvTestResult result)
{
	Query	   *query = copyObject(castNode(Query, sublink->subselect));
	Node	   *test = copyObject(sublink->testexpr);
	Node	   *outer;
	Node	   *inner;
	NullTest   *null;
	BooleanTest *unknown;

	if (!is_flat(query))
		query = wrap(query);
	switch (result)
	{
		case TV_TEST_TRUE:
			break;
		case TV_TEST_NULL:
			unknown = makeNode(BooleanTest);
			unknown->arg = (Expr *) test;
			unknown->booltesttype = IS_UNKNOWN;
			unknown->location = -1;
			test = (Node *) unknown;
			break;
		case TV_TEST_INNER_NULL:
		case TV_TEST_OUTER_NULL:
			(void) tv_subquery_simple_test(sublink, &outer, &inner);
			null = makeNode(NullTest);
			null->nulltesttype = IS_NULL;
			null->location = -1;
			if (result == TV_TEST_OUTER_NULL)
				null->arg = (Expr *) copyObject(outer);
			else
			{
				Param	   *param = makeNode(Param);

				param->paramkind = PARAM_SUBLINK;
				param->paramid = 1;
				null->arg = (Expr *) param;
			}
			test = (Node *) null;
			break;
	}
	IncrementVarSublevelsUp(test, 1, 0);
	test = replace_mutator(test, output_exprs(query));
	query->jointree->quals = make_and_qual(query->jointree->quals, test);
	return query;
}

bool
tv_subquery_simple_test(SubLink *sublink, Node **outer, Node **inner)
{
	OpExpr	   *op = (OpExpr *) sublink->testexpr;
	Node	   *side;
	List	   *exprs = output_exprs((Query *) sublink->subselect);

	if (!IsA(op, OpExpr) || list_length(op->args) != 2 ||
		get_op_index_interpretation(op->opno) == NIL || !func_strict(get_opcode(op->opno)) ||
		op->opno >= FirstGenbkiObjectId || list_length(exprs) != 1)
		return false;
	/* comparisons of composite values can be null for a null inside */
	for (int i = 0; i < 2; i++)
	{
		Oid			type = exprType(list_nth(op->args, i));

		if (type_is_rowtype(type) || type_is_array(type))
			return false;
	}
	*outer = linitial(op->args);
	side = lsecond(op->args);
	while (IsA(side, RelabelType))
		side = (Node *) ((RelabelType *) side)->arg;
	if (!IsA(side, Param) || checkExprHasSubLink(*outer))
		return false;
	*inner = linitial(exprs);
	return true;
}

/* Is the item in FROM through inner joins only? */
static bool
is_inner(Node *item, int rti)
{
	JoinExpr   *join = (JoinExpr *) item;

	if (IsA(item, RangeTblRef))
		return ((RangeTblRef *) item)->rtindex == rti;
	return IsA(item, JoinExpr) && join->jointype == JOIN_INNER &&
		(is_inner(join->larg, rti) || is_inner(join->rarg, rti));
}

bool
tv_subquery_not_null(Query *query, Node *expr)
{
	Var		   *var;
	RangeTblEntry *rte;
	Relation	rel;
	bool		result;
	ListCell   *lc;

	expr = tv_compat_flatten_aliases(query, expr);
	while (IsA(expr, RelabelType))
		expr = (Node *) ((RelabelType *) expr)->arg;
	if (IsA(expr, Const))
		return !((Const *) expr)->constisnull;
	var = (Var *) expr;
	if (!IsA(expr, Var) || var->varlevelsup > 0 || var->varattno <= 0 || !is_flat(query))
		return false;
	rte = rt_fetch(var->varno, query->rtable);
	if (rte->rtekind != RTE_RELATION)
		return false;
	foreach(lc, query->jointree->fromlist)
		if (is_inner(lfirst(lc), var->varno))
		break;
	if (lc == NULL)
		return false;
	rel = table_open(rte->relid, AccessShareLock);
	result = tv_attribute_not_null(RelationGetDescr(rel), var->varattno);
	table_close(rel, NoLock);
	return result;
}

bool
tv_subquery_is_aggregate(const Query *query)
{
	return (query->hasAggs || query->havingQual) && !query->groupClause && !query->groupingSets &&
		!query->setOperations && !query->distinctClause && !query->hasWindowFuncs &&
		!query->hasTargetSRFs && !query->limitCount && !query->limitOffset;
}

bool
tv_subquery_has_row_anyway(const Query *query)
{
	ListCell   *lc;

	if (query->setOperations)
		return false;			/* its sides are looked at one by one */
	foreach(lc, query->groupingSets ?
			expand_grouping_sets(query->groupingSets, query->groupDistinct, -1) : NIL)
		if (lfirst(lc) == NIL)
		return true;
	return (query->hasAggs || query->havingQual) && !query->groupClause && !query->groupingSets;
}

bool
tv_subquery_limit_is_harmless(const Query *query)
{
	Const	   *limit;

	if (query->limitOffset)
		return false;
	if (query->limitCount == NULL)
		return true;
	limit = (Const *) tv_fold(query->limitCount);
	return IsA(limit, Const) && (limit->constisnull || DatumGetInt64(limit->constvalue) > 0);
}

Query *
tv_subquery_one_row(Query *query)
{
	if ((query->hasAggs || query->havingQual) && !query->groupClause && !query->groupingSets &&
		!query->hasTargetSRFs && !query->hasWindowFuncs && !query->setOperations &&
		tv_subquery_limit_is_harmless(query))
	{
		query->limitCount = NULL;
		query->distinctClause = NIL;
		query->hasDistinctOn = false;
	}
	return query;
}

static Aggref *
make_aggregate(Oid fn, Oid result, List *args)
{
	Aggref	   *aggref = makeNode(Aggref);
	ListCell   *lc;

	aggref->aggfnoid = fn;
	aggref->aggtype = result;
	aggref->args = args;
	aggref->aggstar = args == NIL;
	aggref->aggkind = AGGKIND_NORMAL;
	aggref->aggsplit = AGGSPLIT_SIMPLE;
	aggref->aggno = -1;
	aggref->aggtransno = -1;
	aggref->location = -1;
	foreach(lc, args)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (tle->resjunk)
			continue;
		aggref->aggargtypes = lappend_oid(aggref->aggargtypes, exprType((Node *) tle->expr));
		aggref->inputcollid = exprCollation((Node *) tle->expr);
		aggref->aggcollid = get_typcollation(result) ? aggref->inputcollid : InvalidOid;
	}
	return aggref;
}

#define ROWS_COLUMN "tview rows"

Query *
tv_subquery_only_row(Query *query)
{
	Oid			any = ANYELEMENTOID;
	Oid			only = LookupFuncName(list_make2(makeString("tview"), makeString("only_value")),
									  1, &any, false);
	List	   *targets = NIL;
	int			n = 0;
	ListCell   *lc;

	if (!is_flat(query))
		query = wrap(query);
	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);
		Oid			type = exprType((Node *) tle->expr);
		Aggref	   *aggref;

		if (tle->resjunk)
			continue;
		/* a literal without a type is text */
		if (type == UNKNOWNOID)
			type = TEXTOID;
		aggref = make_aggregate(only, type,
								list_make1(makeTargetEntry(copyObject(tle->expr), 1, NULL, false)));
		n++;
		targets = lappend(targets, makeTargetEntry((Expr *) aggref, n, tle->resname, false));
	}
	n++;
	targets = lappend(targets, makeTargetEntry((Expr *) make_aggregate(F_COUNT_, INT8OID, NIL), n,
											   ROWS_COLUMN, false));
	query->targetList = targets;
	query->sortClause = NIL;
	query->hasAggs = true;
	return query;
}

bool
tv_subquery_counts_rows(const Query *query)
{
	TargetEntry *last = llast_node(TargetEntry, query->targetList);

	return last->resname && strcmp(last->resname, ROWS_COLUMN) == 0;
}

List *
tv_subquery_check_only(List *exprs)
{
	Oid			args[2] = {ANYELEMENTOID, INT8OID};
	Oid			check = LookupFuncName(list_make2(makeString("tview"), makeString("only_row")),
									   2, args, false);
	Node	   *rows = llast(exprs);
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, list_truncate(list_copy(exprs), list_length(exprs) - 1))
	{
		Node	   *expr = lfirst(lc);

		result = lappend(result, makeFuncExpr(check, exprType(expr),
											  list_make2(expr, copyObject(rows)),
											  exprCollation(expr), exprCollation(expr),
											  COERCE_EXPLICIT_CALL));
	}
	return result;
}

Query *
tv_subquery_array(Query *query)
{
	List	   *args = NIL;
	List	   *order = query->sortClause;
	TargetEntry *value;
	Aggref	   *aggref;
	Oid			type;
	Oid			result;
	ListCell   *lc;

	if (!is_flat(query))
	{
		/* what it is sorted by must come out of it */
		foreach(lc, query->targetList)
		{
			TargetEntry *tle = lfirst_node(TargetEntry, lc);

			if (tle->resjunk && (query->distinctClause || query->setOperations ||
								 query->groupClause || query->hasAggs))
				return NULL;
			tle->resjunk = false;
		}
		if (!query->limitCount && !query->limitOffset)
			query->sortClause = NIL;
		value = linitial_node(TargetEntry, query->targetList);
		order = copyObject(order);
		args = copyObject(query->targetList);
		query = wrap(query);
		foreach(lc, args)
		{
			TargetEntry *tle = lfirst_node(TargetEntry, lc);

			tle->expr = copyObject(list_nth_node(TargetEntry, query->targetList,
												 foreach_current_index(lc))->expr);
		}
	}
	else
		args = copyObject(query->targetList);

	/* array_agg(value ORDER BY ...): further columns only serve the order */
	value = linitial_node(TargetEntry, args);
	foreach(lc, args)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		tle->resjunk = tle != value;
		tle->resname = NULL;
	}
	type = exprType((Node *) value->expr);
	result = type_is_array(type) ? type : get_array_type(type);
	if (!OidIsValid(result))
		return NULL;
	aggref = make_aggregate(type_is_array(type) ? F_ARRAY_AGG_ANYARRAY : F_ARRAY_AGG_ANYNONARRAY,
							result, args);
	aggref->aggorder = order;
	query->targetList = list_make1(makeTargetEntry((Expr *) aggref, 1, "array", false));
	query->sortClause = NIL;
	query->hasAggs = true;
	return query;
}

Node *
tv_subquery_empty_array(Oid type)
{
	Oid			element = get_element_type(type);

	return (Node *) makeConst(type, -1, get_typcollation(type), -1,
							  PointerGetDatum(construct_empty_array(element)), false, false);
}
