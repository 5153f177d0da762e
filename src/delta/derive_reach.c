/*-------------------------------------------------------------------------
 *
 * delta/derive_reach.c
 *	  Which part of a partition is computed anew, by how far its windows look.
 *
 * With first and last the first and the last value of the ordering column o at
 * which something changed, back and ahead how far windows look:
 *
 *		FROM  = first, then back over the rows that see it ahead
 *		START = FROM, then back over the rows that these see
 *		UNTIL = last, then on over the rows that see it behind; to the end where
 *				results follow from those of the row before
 *		END   = UNTIL, then on over the rows that these see
 *
 * Each of these steps goes from a value v to another one, over the stored rows S of
 * the partition; outside of first .. last they are what they were.
 *
 *		n rows		the n-th o of S before v
 *		RANGE		the next o of S before v that is out of the range
 *
 * or the first o of S if there is none.  It may go too far, which costs only; where
 * it might end among nulls it gives null, and the partition is computed as a whole.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"

#include "delta/derive_internal.h"
#include "delta/derive_suffix.h"
#include "tv_compat.h"

/* One step: on to the partition's end, or back; from column n of the values. */
typedef struct Step
{
	const TvNode *node;
	int			n;
	bool		on;
	bool		seen;			/* over what is seen from there; or sees it */
} Step;

/* The subquery's only value. */
static Expr *
scalar(Query *query)
{
	SubLink    *link = makeNode(SubLink);

	link->subLinkType = EXPR_SUBLINK;
	link->subselect = (Node *) query;
	link->location = -1;
	return (Expr *) link;
}

static Expr *
exists(Query *query)
{
	Expr	   *link = scalar(query);

	((SubLink *) link)->subLinkType = EXISTS_SUBLINK;
	return link;
}

/* select o from stored where (keys) and (o is further) order by ... offset ... limit 1 */
static Query *
stored_values(const Step *step, bool nearest_first, int64 offset)
{
	const TvNode *node = step->node;
	const TvSuffix *suffix = node->suffix;
	Query	   *query = tv_query_make();
	int			rti = tv_query_add_rte(query, tv_suffix_state_rte(node));
	SortGroupClause *first = linitial_node(SortGroupClause, suffix->order);
	SortGroupClause *clause = step->on == nearest_first ? copyObject(first) : tv_suffix_reversed(first);
	Expr	   *further = tv_suffix_compare(node, step->on ? suffix->after : suffix->before, rti,
											tv_suffix_value(node, TV_SUFFIX_KEYS_RTI, step->n, 1));

	tv_query_add_column(query, (Expr *) tv_suffix_row_var(node, rti, node->nkeys + 1, 0), "value");
	tv_query_where(query, lappend(tv_suffix_same_partition(node, rti, 1), further));
	clause->tleSortGroupRef = 1;
	linitial_node(TargetEntry, query->targetList)->ressortgroupref = 1;
	query->sortClause = list_make1(clause);
	if (offset > 0)
		query->limitOffset = (Node *) tv_query_int8(offset);
	query->limitCount = (Node *) tv_query_int8(1);
	return query;
}

/* The next value out of the range. */
static Query *
out_of_range(const Step *step, const TvReachRange *range)
{
	Query	   *query = stored_values(step, true, 0);
	Expr	   *other = (Expr *) tv_suffix_row_var(step->node, 1, step->node->nkeys + 1, 0);
	Expr	   *here = (Expr *) tv_suffix_value(step->node, TV_SUFFIX_KEYS_RTI, step->n, 1);
	List	   *args = list_make5(step->seen ? other : here, step->seen ? here : other,
								  copyObject(range->offset), makeBoolConst(range->sub, false),
								  makeBoolConst(range->less, false));
	FuncExpr   *in_range = makeFuncExpr(range->in_range, BOOLOID, args, InvalidOid,
										range->collation, COERCE_EXPLICIT_CALL);

	tv_query_where(query, lappend(make_ands_implicit((Expr *) query->jointree->quals),
								  make_notclause((Expr *) in_range)));
	return query;
}

/* select from stored where (keys) and o is null */
static Query *
stored_nulls(const TvNode *node)
{
	Query	   *query = tv_query_make();
	int			rti = tv_query_add_rte(query, tv_suffix_state_rte(node));
	Expr	   *column = (Expr *) tv_suffix_row_var(node, rti, node->nkeys + 1, 0);

	tv_query_add_column(query, tv_query_int8(1), "found");
	tv_query_where(query, lappend(tv_suffix_same_partition(node, rti, 1), tv_suffix_is_null(column)));
	return query;
}

static Expr *
coalesce(const TvNode *node, List *args)
{
	Form_pg_attribute att = TupleDescAttr(node->out_desc, node->nkeys);
	CoalesceExpr *result = makeNode(CoalesceExpr);

	result->coalescetype = att->atttypid;
	result->coalescecollid = att->attcollation;
	result->args = args;
	result->location = -1;
	return (Expr *) result;
}

/* The partition's end, but for nulls. */
static Expr *
furthest_value(const Step *step)
{
	Expr	   *here = (Expr *) tv_suffix_value(step->node, TV_SUFFIX_KEYS_RTI, step->n, 0);

	return coalesce(step->node, list_make2(scalar(stored_values(step, false, 0)), here));
}

/* What a step leads to, given the query for where it leads if there is enough. */
static Expr *
destination(const Step *step, Query *found)
{
	const TvNode *node = step->node;
	Form_pg_attribute att = TupleDescAttr(node->out_desc, node->nkeys);
	Expr	   *furthest = furthest_value(step);

	if (tv_suffix_nulls_at(node, step->on))
	{
		CaseExpr   *choice = makeNode(CaseExpr);
		CaseWhen   *when = makeNode(CaseWhen);

		when->expr = exists(stored_nulls(node));
		when->result = (Expr *) makeNullConst(att->atttypid, att->atttypmod, att->attcollation);
		when->location = -1;
		choice->casetype = att->atttypid;
		choice->casecollid = att->attcollation;
		choice->args = list_make1(when);
		choice->defresult = furthest;
		choice->location = -1;
		furthest = (Expr *) choice;
	}
	return coalesce(node, list_make2(scalar(found), furthest));
}

/* Everything that a query has, and one value more; it is computed once. */
static Query *
with_value(const TvNode *node, Query *below, int nvalues, Expr *value)
{
	Query	   *query = tv_query_make();

	below->limitOffset = (Node *) tv_query_int8(0);
	tv_query_add_rte(query, tv_query_subquery_rte(below, "below"));
	for (int i = 1; i <= node->nkeys; i++)
		tv_query_add_column(query, (Expr *) tv_suffix_row_var(node, TV_SUFFIX_KEYS_RTI, i, 0), NULL);
	for (int i = 1; i <= nvalues; i++)
		tv_query_add_column(query, (Expr *) tv_suffix_value(node, TV_SUFFIX_KEYS_RTI, i, 0), NULL);
	tv_query_add_column(query, value, NULL);
	query->hasSubLinks = true;
	return query;
}

/* All steps of one limit, from value n; *n: the limit's. */
static Query *
add_limit(const TvNode *node, Query *query, const TvReach *reach, bool on, bool seen, int *n,
		  int *nvalues)
{
	Step		step = {node, *n, on, seen};
	ListCell   *lc;

	if (reach->rows > 0)
	{
		query = with_value(node, query, *nvalues,
						   destination(&step, stored_values(&step, true, reach->rows - 1)));
		step.n = ++*nvalues;
	}
	foreach(lc, reach->ranges)
	{
		query = with_value(node, query, *nvalues,
						   destination(&step, out_of_range(&step, lfirst(lc))));
		step.n = ++*nvalues;
	}
	*n = step.n;
	return query;
}

Query *
tv_derive_suffix_limits(const TvNode *node, double rows)
{
	const TvSuffix *suffix = node->suffix;
	Query	   *query = tv_query_make();
	Query	   *result = tv_query_make();
	int			nvalues = 2;
	int			at[] = {0, 1, 1, 2, 2}; /* by limit */

	tv_query_add_rte(query, tv_suffix_keys_rte(node, 2, rows));
	for (int i = 1; i <= node->nkeys; i++)
		tv_query_add_column(query, (Expr *) tv_suffix_row_var(node, TV_SUFFIX_KEYS_RTI, i, 0), NULL);
	for (int i = 1; i <= 2; i++)
		tv_query_add_column(query, (Expr *) tv_suffix_value(node, TV_SUFFIX_KEYS_RTI, i, 0), NULL);

	query = add_limit(node, query, &suffix->ahead, false, false, &at[TV_LIMIT_FROM], &nvalues);
	at[TV_LIMIT_START] = at[TV_LIMIT_FROM];
	query = add_limit(node, query, &suffix->back, false, true, &at[TV_LIMIT_START], &nvalues);
	if (suffix->bounded)
	{
		query = add_limit(node, query, &suffix->back, true, false, &at[TV_LIMIT_UNTIL], &nvalues);
		at[TV_LIMIT_END] = at[TV_LIMIT_UNTIL];
		query = add_limit(node, query, &suffix->ahead, true, true, &at[TV_LIMIT_END], &nvalues);
	}
	else
	{
		Step		step = {node, at[TV_LIMIT_UNTIL], true, false};

		query = with_value(node, query, nvalues, furthest_value(&step));
		at[TV_LIMIT_UNTIL] = at[TV_LIMIT_END] = ++nvalues;
	}
	tv_query_add_rte(result, tv_query_subquery_rte(query, "steps"));
	for (int i = 1; i <= node->nkeys; i++)
		tv_query_add_column(result, (Expr *) tv_suffix_row_var(node, 1, i, 0), NULL);
	for (int limit = TV_LIMIT_FROM; limit <= TV_NLIMITS; limit++)
		tv_query_add_column(result, (Expr *) tv_suffix_value(node, 1, at[limit], 0), NULL);
	return result;
}
