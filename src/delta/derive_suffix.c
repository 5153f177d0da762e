/*-------------------------------------------------------------------------
 *
 * delta/derive_suffix.c
 *	  Partitions from their first changed row on.
 *
 * With S the stored rows of a partition, c a value of the first ordering column o,
 * before which nothing changed, and f over the rows with o >= c alone:
 *
 *		result of a row = carry(last) + f		last = the last row of S with o < c
 *
 * where + is what the function's results are put together by:
 *
 *		row_number(), dense_rank()	last's result + f
 *		rank()						last's result + number of last's peers - 1 + f
 *		sum, count, min, ...		the aggregate's combine function
 *		first_value()				last's result
 *		avg()						the sum by the number, which are results, too
 *		lag(), bounded frames, ...	f, of the rows that have all they look at behind c
 *
 * All rows with the same o are on one side, so that peers are.  Where c is, and
 * where the rows that are kept begin and end, see derive_reach.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "access/sysattr.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_oper.h"
#include "rewrite/rewriteManip.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "delta/derive_internal.h"
#include "delta/derive_suffix.h"
#include "delta/type_image.h"
#include "tv_compat.h"

/* Range table entries of the query for the results. */
#define LAST_RTI 2
#define JOIN_RTI 3

TupleDesc
tv_derive_suffix_desc(const TvNode *node, int nvalues)
{
	TupleDesc	desc = CreateTemplateTupleDesc(node->nkeys + nvalues);

	for (int i = 0; i < node->nkeys + nvalues; i++)
	{
		Form_pg_attribute att = TupleDescAttr(node->in_desc, Min(i, node->nkeys));

		TupleDescInitEntry(desc, i + 1, i < node->nkeys ? psprintf("k%d", i + 1) :
						   psprintf("value_%d", i + 1 - node->nkeys),
						   att->atttypid, att->atttypmod, 0);
		TupleDescInitEntryCollation(desc, i + 1, att->attcollation);
	}
	return desc;
}

RangeTblEntry *
tv_suffix_keys_rte(const TvNode *node, int nvalues, double rows)
{
	TvLayout	layout = {0};

	layout.natts = node->nkeys + nvalues - 1;
	layout.desc = tv_derive_suffix_desc(node, nvalues);
	return tv_query_delta_rte(TV_KEYS_NAME, &layout, rows);
}

RangeTblEntry *
tv_suffix_state_rte(const TvNode *node)
{
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	List	   *names = NIL;

	for (int i = 0; i < node->out_desc->natts; i++)
		names = lappend(names, makeString(pstrdup(NameStr(TupleDescAttr(node->out_desc, i)->attname))));
	rte->rtekind = RTE_RELATION;
	rte->relid = node->state_relid;
	rte->relkind = RELKIND_RELATION;
	rte->rellockmode = AccessShareLock;
	rte->inFromCl = true;
	rte->eref = makeAlias("stored", names);
	return rte;
}

Var *
tv_suffix_row_var(const TvNode *node, int rti, AttrNumber attno, int levels)
{
	Form_pg_attribute att = TupleDescAttr(node->out_desc, attno - 1);

	return makeVar(rti, attno, att->atttypid, att->atttypmod, att->attcollation, levels);
}

List *
tv_suffix_same_partition(const TvNode *node, int rti, int levels)
{
	List	   *quals = NIL;

	for (int i = 0; i < node->nkeys; i++)
		quals = lappend(quals, tv_query_key_equals(&node->keys[i],
												   (Expr *) tv_suffix_row_var(node, rti, i + 1, 0),
												   (Expr *) tv_suffix_row_var(node, TV_SUFFIX_KEYS_RTI, i + 1, levels),
												   false));
	return quals;
}

Expr *
tv_suffix_is_null(Expr *arg)
{
	NullTest   *test = makeNode(NullTest);

	test->arg = arg;
	test->nulltesttype = IS_NULL;
	test->location = -1;
	return (Expr *) test;
}

Var *
tv_suffix_value(const TvNode *node, int rti, int n, int levels)
{
	Form_pg_attribute att = TupleDescAttr(node->out_desc, node->nkeys);

	return makeVar(rti, node->nkeys + n, att->atttypid, att->atttypmod, att->attcollation, levels);
}

Expr *
tv_suffix_compare(const TvNode *node, Oid operator, int rti, Var *value)
{
	Expr	   *column = (Expr *) tv_suffix_row_var(node, rti, node->nkeys + 1, 0);
	OpExpr	   *op = (OpExpr *) make_opclause(operator, BOOLOID, false, column, (Expr *) value,
											  InvalidOid, exprCollation((Node *) column));

	set_opfuncid(op);
	return (Expr *) op;
}

bool
tv_suffix_nulls_at(const TvNode *node, bool end)
{
	SortGroupClause *first = linitial_node(SortGroupClause, node->suffix->order);

	return !node->suffix->not_null && first->nulls_first != end;
}

/* The limit's column in TV_KEYS_NAME. */
static Var *
limit_value(const TvNode *node, TvSuffixLimit limit, int levels)
{
	return tv_suffix_value(node, TV_SUFFIX_KEYS_RTI, limit, levels);
}

/*
 * Of rows of an RTE: those from one limit on, up to another one.  Two sides make
 * the planner expect few, so that it takes the index that has the order.
 */
static List *
between(const TvNode *node, int rti, int levels, TvSuffixLimit from, TvSuffixLimit until)
{
	const TvSuffix *suffix = node->suffix;

	return list_make2(tv_suffix_compare(node, suffix->from, rti, limit_value(node, from, levels)),
					  tv_suffix_compare(node, suffix->until, rti, limit_value(node, until, levels)));
}

static Expr *
has_no_value(const TvNode *node, int rti)
{
	return tv_suffix_is_null((Expr *) tv_suffix_row_var(node, rti, node->nkeys + 1, 0));
}

/* Do rows without a value count? */
static bool
ends_in_nulls(const TvNode *node)
{
	return !node->suffix->bounded && tv_suffix_nulls_at(node, true);
}

/* Of stored rows: those before START. */
static Expr *
before_start(const TvNode *node, int rti, int levels)
{
	Expr	   *qual = tv_suffix_compare(node, node->suffix->before, rti,
										 limit_value(node, TV_LIMIT_START, levels));

	if (!tv_suffix_nulls_at(node, false))
		return qual;
	return make_orclause(list_make2(qual, has_no_value(node, rti)));
}

SortGroupClause *
tv_suffix_reversed(const SortGroupClause *clause)
{
	SortGroupClause *result = copyObject(unconstify(SortGroupClause *, clause));
	Oid			opfamily;
	Oid			type;
	bool		descending;

	if (!tv_compat_ordering_op(clause->sortop, &opfamily, &type, &descending))
		elog(ERROR, "operator %u is not an ordering operator", clause->sortop);
	tv_compat_reverse_order(result, get_opfamily_member(opfamily, type, type,
														descending ? BTLessStrategyNumber :
														BTGreaterStrategyNumber));
	return result;
}

/* Stored rows, and their tids. */
static Query *
stored_rows(const TvNode *node, double rows, bool without_value)
{
	Query	   *query = tv_query_make();
	int			rti;

	tv_query_add_rte(query, tv_suffix_keys_rte(node, TV_NLIMITS, rows));
	rti = tv_query_add_rte(query, tv_suffix_state_rte(node));
	for (int i = 1; i <= node->out_desc->natts; i++)
		tv_query_add_column(query, (Expr *) tv_suffix_row_var(node, rti, i, 0), NULL);
	tv_query_add_column(query, (Expr *) makeVar(rti, SelfItemPointerAttributeNumber, TIDOID, -1,
												InvalidOid, 0), NULL);
	tv_query_where(query, list_concat(tv_suffix_same_partition(node, rti, 0), without_value ?
									  list_make1(has_no_value(node, rti)) :
									  between(node, rti, 0, TV_LIMIT_FROM, TV_LIMIT_UNTIL)));
	return query;
}

Query *
tv_derive_suffix_stored(const TvNode *node, double rows)
{
	List	   *queries = list_make1(stored_rows(node, rows, false));

	if (ends_in_nulls(node))
		queries = lappend(queries, stored_rows(node, rows, true));
	return tv_query_union_all(queries);
}

/* select * from stored where (keys) and o < START order by ... desc limit 1 */
static Query *
last_row(const TvNode *node)
{
	Query	   *query = tv_query_make();
	int			rti = tv_query_add_rte(query, tv_suffix_state_rte(node));
	ListCell   *lc;

	for (int i = 1; i <= node->out_desc->natts; i++)
		tv_query_add_column(query, (Expr *) tv_suffix_row_var(node, rti, i, 0),
							NameStr(TupleDescAttr(node->out_desc, i - 1)->attname));
	tv_query_add_column(query, tv_query_int8(1), "found");
	tv_query_where(query, lappend(tv_suffix_same_partition(node, rti, 1), before_start(node, rti, 1)));
	foreach(lc, node->suffix->order)
	{
		SortGroupClause *clause = tv_suffix_reversed(lfirst_node(SortGroupClause, lc));
		TargetEntry *tle = list_nth_node(TargetEntry, query->targetList, clause->tleSortGroupRef - 1);

		tle->ressortgroupref = clause->tleSortGroupRef;
		query->sortClause = lappend(query->sortClause, clause);
	}
	query->limitCount = (Node *) tv_query_int8(1);
	return query;
}

/* A column of the last row before, which need not be there. */
static Expr *
last_column(const TvNode *node, AttrNumber attno, int levels)
{
	Var		   *var = tv_suffix_row_var(node, LAST_RTI, attno, levels);

	tv_compat_set_nulling(var, JOIN_RTI);
	return (Expr *) var;
}

/* select count(*) from stored where it is a peer of the last row, by so many columns */
static Query *
peers(const TvNode *node, int norder)
{
	Query	   *query = tv_query_make();
	int			rti = tv_query_add_rte(query, tv_suffix_state_rte(node));
	List	   *quals = tv_suffix_same_partition(node, rti, 1);
	Aggref	   *count = makeNode(Aggref);

	for (int i = 0; i < norder; i++)
	{
		SortGroupClause *clause = list_nth_node(SortGroupClause, node->suffix->order, i);
		AttrNumber	attno = clause->tleSortGroupRef;
		Expr	   *left = (Expr *) tv_suffix_row_var(node, rti, attno, 0);
		Expr	   *right = last_column(node, attno, 1);
		OpExpr	   *equals = (OpExpr *) make_opclause(clause->eqop, BOOLOID, false, left, right,
													  InvalidOid, exprCollation((Node *) left));

		set_opfuncid(equals);
		if (i == 0 && node->suffix->not_null)
		{
			quals = lappend(quals, equals);
			continue;
		}
		quals = lappend(quals, make_orclause(list_make2(equals,
														make_andclause(list_make2(tv_suffix_is_null(copyObject(left)),
																				  tv_suffix_is_null(copyObject(right)))))));
	}
	count->aggfnoid = F_COUNT_;
	count->aggtype = INT8OID;
	count->aggstar = true;
	count->aggkind = AGGKIND_NORMAL;
	count->aggsplit = AGGSPLIT_SIMPLE;
	count->aggno = -1;
	count->aggtransno = -1;
	count->location = -1;
	tv_query_add_column(query, (Expr *) count, "peers");
	query->hasAggs = true;
	tv_query_where(query, quals);
	return query;
}

/* Input rows; they will stand so many levels below TV_KEYS_NAME. */
static Query *
input_rows(const TvGraph *graph, const TvNode *node, int levels, bool without_value)
{
	Query	   *input = tv_derive_input_rows(graph, node);
	List	   *quals;

	tv_query_restrict_lateral(input, node, TV_RECOMPUTE_KEYS);
	quals = make_ands_implicit((Expr *) input->jointree->quals);
	tv_query_where(input, list_concat(quals, without_value ? list_make1(has_no_value(node, 1)) :
									  between(node, 1, 1, TV_LIMIT_START, TV_LIMIT_END)));
	IncrementVarSublevelsUp((Node *) input, levels - 1, 1);
	return input;
}

/* The windows over the rows of the partition from START on. */
static Query *
suffix_windows(const TvGraph *graph, const TvNode *node)
{
	int			levels = list_length(node->levels) + 1;

	if (!ends_in_nulls(node))
		return tv_derive_levels(node, input_rows(graph, node, levels, false));
	return tv_derive_levels(node,
							tv_query_union_all(list_make2(input_rows(graph, node, levels + 1, false),
														  input_rows(graph, node, levels + 1, true))));
}

static Expr *
call(Oid function, Oid type, Oid collation, Expr *a, Expr *b)
{
	return (Expr *) makeFuncExpr(function, type, list_make2(a, b), collation, collation,
								 COERCE_EXPLICIT_CALL);
}

static Expr *
as_numeric(Expr *expr)
{
	if (exprType((Node *) expr) == NUMERICOID)
		return expr;
	return (Expr *) makeFuncExpr(F_NUMERIC_INT8, NUMERICOID, list_make1(expr), InvalidOid,
								 InvalidOid, COERCE_EXPLICIT_CALL);
}

/* One of two expressions: whether there is a row before. */
static Expr *
if_found(const TvNode *node, Expr *found, Expr *not_found)
{
	CaseExpr   *choice = makeNode(CaseExpr);
	CaseWhen   *when = makeNode(CaseWhen);
	Var		   *mark = makeVar(LAST_RTI, node->out_desc->natts + 1, INT8OID, -1, InvalidOid, 0);

	tv_compat_set_nulling(mark, JOIN_RTI);
	when->expr = tv_suffix_is_null((Expr *) mark);
	when->result = not_found;
	when->location = -1;
	choice->casetype = exprType((Node *) found);
	choice->casecollid = exprCollation((Node *) found);
	choice->args = list_make1(when);
	choice->defresult = found;
	choice->location = -1;
	return (Expr *) choice;
}

/* What becomes of a result over the suffix alone; windows_rti: there. */
static Expr *
carried(const TvNode *node, const TvCarry *carry, int windows_rti, int peers_rti)
{
	Var		   *result = tv_suffix_row_var(node, windows_rti, carry->attno, 0);
	Expr	   *last = NULL;
	CoalesceExpr *either;
	Expr	   *both;

	if (carry->kind == TV_CARRY_NOTHING)
		return (Expr *) result;
	if (carry->kind == TV_CARRY_AVERAGE)
		return call(F_NUMERIC_DIV, NUMERICOID, InvalidOid,
					as_numeric(carried(node, carry->sum, windows_rti, 0)),
					as_numeric(carried(node, carry->number, windows_rti, 0)));
	last = last_column(node, carry->attno, 0);
	switch (carry->kind)
	{
		case TV_CARRY_KEEP:
			return if_found(node, last, (Expr *) result);
		case TV_CARRY_RANK:
			both = call(F_INT8PL, INT8OID, InvalidOid, copyObject(last),
						(Expr *) makeVar(peers_rti, 1, INT8OID, -1, InvalidOid, 0));
			both = call(F_INT8MI, INT8OID, InvalidOid, both, tv_query_int8(1));
			both = call(F_INT8PL, INT8OID, InvalidOid, both, (Expr *) copyObject(result));
			break;
		case TV_CARRY_ADD:
			both = call(F_INT8PL, INT8OID, InvalidOid, copyObject(last), (Expr *) copyObject(result));
			break;
		default:
			both = call(carry->function, result->vartype, carry->collation, copyObject(last),
						(Expr *) copyObject(result));
			break;
	}
	/* either may be null */
	either = makeNode(CoalesceExpr);
	either->coalescetype = result->vartype;
	either->coalescecollid = result->varcollid;
	either->args = list_make3(both, last, result);
	either->location = -1;
	return (Expr *) either;
}

/* Of computed rows: those from FROM on; those before serve as what they look at. */
static Expr *
from_first(const TvNode *node, int rti)
{
	Expr	   *qual = tv_suffix_compare(node, node->suffix->from, rti,
										 limit_value(node, TV_LIMIT_FROM, 0));

	if (!ends_in_nulls(node))
		return qual;
	return make_orclause(list_make2(qual, has_no_value(node, rti)));
}

/* keys left join last on true */
static void
join_last(Query *query, const TvNode *node)
{
	RangeTblEntry *last = tv_query_subquery_rte(last_row(node), "last");
	RangeTblEntry *joined = makeNode(RangeTblEntry);
	JoinExpr   *join = makeNode(JoinExpr);

	last->lateral = true;
	tv_query_add_rte(query, last);
	joined->rtekind = RTE_JOIN;
	joined->jointype = JOIN_LEFT;
	joined->eref = makeAlias("unnamed_join", NIL);
	joined->inFromCl = true;
	query->rtable = lappend(query->rtable, joined);
	join->jointype = JOIN_LEFT;
	join->larg = linitial(query->jointree->fromlist);
	join->rarg = lsecond(query->jointree->fromlist);
	join->quals = (Node *) makeBoolConst(true, false);
	join->rtindex = JOIN_RTI;
	query->jointree->fromlist = list_make1(join);
}

Query *
tv_derive_suffix(const TvGraph *graph, const TvNode *node, double rows)
{
	Query	   *query = tv_query_make();
	RangeTblEntry *windows;
	List	   *peers_rtis = NIL;
	int			rti;
	ListCell   *lc;
	ListCell   *lp;

	tv_query_add_rte(query, tv_suffix_keys_rte(node, TV_NLIMITS, rows));
	if (!node->suffix->bounded)
		join_last(query, node);
	foreach(lc, node->suffix->carries)
	{
		TvCarry    *carry = lfirst(lc);
		RangeTblEntry *rte;

		if (carry->kind != TV_CARRY_RANK)
		{
			peers_rtis = lappend_int(peers_rtis, 0);
			continue;
		}
		rte = tv_query_subquery_rte(peers(node, carry->norder), "peers");
		rte->lateral = true;
		peers_rtis = lappend_int(peers_rtis, tv_query_add_rte(query, rte));
	}
	windows = tv_query_subquery_rte(suffix_windows(graph, node), "windows");
	windows->lateral = true;
	rti = tv_query_add_rte(query, windows);
	for (int i = 1; i <= node->in_desc->natts; i++)
		tv_query_add_column(query, (Expr *) tv_suffix_row_var(node, rti, i, 0), NULL);
	forboth(lc, node->suffix->carries, lp, peers_rtis)
	{
		TvCarry    *carry = lfirst(lc);

		tv_query_add_column(query, carried(node, carry, rti, lfirst_int(lp)), NULL);
	}
	if (node->suffix->bounded)
		tv_query_where(query, between(node, rti, 0, TV_LIMIT_FROM, TV_LIMIT_UNTIL));
	else
		tv_query_where(query, list_make1(from_first(node, rti)));
	return query;
}
