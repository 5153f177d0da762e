/*-------------------------------------------------------------------------
 *
 * delta/derive_suffix.c
 *	  Partitions from their first changed row on, where the windows look back only.
 *
 * With S the stored rows of a partition, c the first value of the first ordering
 * column o at which something changed, and f over the rows with o >= c alone:
 *
 *		result of a row = carry(last) + f		last = the last row of S with o < c
 *
 * where + is what the function's results are put together by:
 *
 *		row_number(), dense_rank()	last's result + f
 *		rank()						last's result + number of last's peers - 1 + f
 *		sum, count, min, ...		the aggregate's combine function
 *		first_value()				last's result
 *
 * All rows with the same o are on one side, so that peers are.
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
#include "delta/type_image.h"
#include "tv_compat.h"

/* Range table entries of the query for the results. */
#define KEYS_RTI 1
#define LAST_RTI 2
#define JOIN_RTI 3

TupleDesc
tv_derive_suffix_keys(const TvNode *node)
{
	TupleDesc	desc = CreateTemplateTupleDesc(node->nkeys + 1);

	for (int i = 0; i <= node->nkeys; i++)
	{
		Form_pg_attribute att = TupleDescAttr(node->in_desc, i);

		TupleDescInitEntry(desc, i + 1, i < node->nkeys ? psprintf("k%d", i + 1) : "from_value",
						   att->atttypid, att->atttypmod, 0);
		TupleDescInitEntryCollation(desc, i + 1, att->attcollation);
	}
	return desc;
}

static RangeTblEntry *
keys_rte(const TvNode *node, double rows)
{
	TvLayout	layout = {0};

	layout.natts = node->nkeys;
	layout.desc = tv_derive_suffix_keys(node);
	return tv_query_delta_rte(TV_KEYS_NAME, &layout, rows);
}

static RangeTblEntry *
state_rte(const TvNode *node)
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

static Var *
row_var(const TvNode *node, int rti, AttrNumber attno, int levels)
{
	Form_pg_attribute att = TupleDescAttr(node->out_desc, attno - 1);

	return makeVar(rti, attno, att->atttypid, att->atttypmod, att->attcollation, levels);
}

/* The keys of a row are those in TV_KEYS_NAME, so many levels up. */
static List *
same_partition(const TvNode *node, int rti, int levels)
{
	List	   *quals = NIL;

	for (int i = 0; i < node->nkeys; i++)
		quals = lappend(quals, tv_query_key_equals(&node->keys[i],
												   (Expr *) row_var(node, rti, i + 1, 0),
												   (Expr *) row_var(node, KEYS_RTI, i + 1, levels),
												   false));
	return quals;
}

static Expr *
is_null(Expr *arg)
{
	NullTest   *test = makeNode(NullTest);

	test->arg = arg;
	test->nulltesttype = IS_NULL;
	test->location = -1;
	return (Expr *) test;
}

/* The first ordering column is at the value in TV_KEYS_NAME, or after it; or before. */
static Expr *
compared(const TvNode *node, int rti, int levels, bool from)
{
	SortGroupClause *first = linitial_node(SortGroupClause, node->suffix->order);
	AttrNumber	attno = node->nkeys + 1;
	Expr	   *column = (Expr *) row_var(node, rti, attno, 0);
	OpExpr	   *op = (OpExpr *) make_opclause(from ? node->suffix->from : node->suffix->before,
											  BOOLOID, false, column,
											  (Expr *) row_var(node, KEYS_RTI, attno, levels),
											  InvalidOid, exprCollation((Node *) column));

	set_opfuncid(op);
	/* nulls stand at one end */
	if (node->suffix->not_null || from == first->nulls_first)
		return (Expr *) op;
	return make_orclause(list_make2(op, is_null(copyObject(column))));
}

Query *
tv_derive_suffix_stored(const TvNode *node, double rows)
{
	Query	   *query = tv_query_make();
	int			rti;

	tv_query_add_rte(query, keys_rte(node, rows));
	rti = tv_query_add_rte(query, state_rte(node));
	for (int i = 1; i <= node->out_desc->natts; i++)
		tv_query_add_column(query, (Expr *) row_var(node, rti, i, 0), NULL);
	tv_query_add_column(query, (Expr *) makeVar(rti, SelfItemPointerAttributeNumber, TIDOID, -1,
												InvalidOid, 0), NULL);
	tv_query_where(query, lappend(same_partition(node, rti, 0), compared(node, rti, 0, true)));
	return query;
}

/* select * from stored where (keys) and o < c order by ... desc limit 1 */
static Query *
last_row(const TvNode *node)
{
	Query	   *query = tv_query_make();
	int			rti = tv_query_add_rte(query, state_rte(node));
	ListCell   *lc;

	for (int i = 1; i <= node->out_desc->natts; i++)
		tv_query_add_column(query, (Expr *) row_var(node, rti, i, 0),
							NameStr(TupleDescAttr(node->out_desc, i - 1)->attname));
	tv_query_add_column(query, tv_query_int8(1), "found");
	tv_query_where(query, lappend(same_partition(node, rti, 1), compared(node, rti, 1, false)));
	foreach(lc, node->suffix->order)
	{
		SortGroupClause *clause = copyObject(lfirst_node(SortGroupClause, lc));
		TargetEntry *tle = list_nth_node(TargetEntry, query->targetList, clause->tleSortGroupRef - 1);
		Oid			opfamily;
		Oid			type;
		bool		descending;

		if (!tv_compat_ordering_op(clause->sortop, &opfamily, &type, &descending))
			elog(ERROR, "operator %u is not an ordering operator", clause->sortop);
		tv_compat_reverse_order(clause, get_opfamily_member(opfamily, type, type,
															descending ? BTLessStrategyNumber :
															BTGreaterStrategyNumber));
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
	Var		   *var = row_var(node, LAST_RTI, attno, levels);

	tv_compat_set_nulling(var, JOIN_RTI);
	return (Expr *) var;
}

/* select count(*) from stored where it is a peer of the last row, by so many columns */
static Query *
peers(const TvNode *node, int norder)
{
	Query	   *query = tv_query_make();
	int			rti = tv_query_add_rte(query, state_rte(node));
	List	   *quals = same_partition(node, rti, 1);
	Aggref	   *count = makeNode(Aggref);

	for (int i = 0; i < norder; i++)
	{
		SortGroupClause *clause = list_nth_node(SortGroupClause, node->suffix->order, i);
		AttrNumber	attno = clause->tleSortGroupRef;
		Expr	   *left = (Expr *) row_var(node, rti, attno, 0);
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
														make_andclause(list_make2(is_null(copyObject(left)),
																				  is_null(copyObject(right)))))));
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

/* The windows over the rows of the partition from the value on. */
static Query *
suffix_windows(const TvGraph *graph, const TvNode *node)
{
	Query	   *input = tv_derive_input_rows(graph, node);
	List	   *quals;

	tv_query_restrict_lateral(input, node, TV_RECOMPUTE_KEYS);
	quals = make_ands_implicit((Expr *) input->jointree->quals);
	tv_query_where(input, lappend(quals, compared(node, 1, 1, true)));
	/* the levels stand between */
	IncrementVarSublevelsUp((Node *) input, list_length(node->levels), 1);
	return tv_derive_levels(node, input);
}

static Expr *
call(Oid function, Oid type, Oid collation, Expr *a, Expr *b)
{
	return (Expr *) makeFuncExpr(function, type, list_make2(a, b), collation, collation,
								 COERCE_EXPLICIT_CALL);
}

/* What becomes of a result over the suffix alone. */
static Expr *
carried(const TvNode *node, const TvCarry *carry, Var *result, int peers_rti)
{
	Expr	   *last = last_column(node, carry->attno, 0);
	CoalesceExpr *either = makeNode(CoalesceExpr);
	Expr	   *both;

	switch (carry->kind)
	{
		case TV_CARRY_KEEP:
			{
				CaseExpr   *choice = makeNode(CaseExpr);
				CaseWhen   *when = makeNode(CaseWhen);
				Var		   *found = makeVar(LAST_RTI, node->out_desc->natts + 1, INT8OID, -1,
											InvalidOid, 0);

				tv_compat_set_nulling(found, JOIN_RTI);
				when->expr = is_null((Expr *) found);
				when->result = (Expr *) result;
				when->location = -1;
				choice->casetype = result->vartype;
				choice->casecollid = result->varcollid;
				choice->args = list_make1(when);
				choice->defresult = last;
				choice->location = -1;
				return (Expr *) choice;
			}
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
	either->coalescetype = result->vartype;
	either->coalescecollid = result->varcollid;
	either->args = list_make3(both, last, result);
	either->location = -1;
	return (Expr *) either;
}

/* keys left join last on true */
static void
join_last(Query *query, const TvNode *node, double rows)
{
	RangeTblEntry *last = tv_query_subquery_rte(last_row(node), "last");
	RangeTblEntry *joined = makeNode(RangeTblEntry);
	JoinExpr   *join = makeNode(JoinExpr);

	last->lateral = true;
	tv_query_add_rte(query, keys_rte(node, rows));
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

	join_last(query, node, rows);
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
		tv_query_add_column(query, (Expr *) row_var(node, rti, i, 0), NULL);
	forboth(lc, node->suffix->carries, lp, peers_rtis)
	{
		TvCarry    *carry = lfirst(lc);

		tv_query_add_column(query, carried(node, carry, row_var(node, rti, carry->attno, 0),
										   lfirst_int(lp)), NULL);
	}
	return query;
}
