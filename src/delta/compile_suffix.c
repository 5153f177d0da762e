/*-------------------------------------------------------------------------
 *
 * delta/compile_suffix.c
 *	  Can partitions of a PARTITION node be computed from the first changed row on?
 *
 * That is so if one column orders all windows first, and each function is one of
 *
 *		row_number(), rank(), dense_rank()
 *		aggregates over all rows up to the current one whose results can be combined,
 *		and averages of exact numbers: their sums and numbers are results, too
 *		first_value() over the same rows
 *		functions that look at rows within reach of the current one (compile_reach.c)
 *
 * The results of the rows before, but those within reach, stay as they are, and of
 * the others follow from these rows, those within reach before them and the results
 * of the last row before (derive_suffix.c).  For the latter the orders have to be
 * beginnings of one of them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/transam.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/parsenodes.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "delta/compile_partition.h"
#include "delta/correlate.h"
#include "tv_compat.h"

/* Is it about all rows from the partition's first to the current one? */
static bool
looks_back(const WindowClause *window)
{
	int			frame = window->frameOptions;

	return (frame & FRAMEOPTION_START_UNBOUNDED_PRECEDING) &&
		(frame & FRAMEOPTION_END_CURRENT_ROW) && !(frame & FRAMEOPTION_EXCLUSION);
}

/* The function by which two results of an aggregate make one; null is nothing. */
static Oid
combining_function(const WindowFunc *func)
{
	HeapTuple	tuple;
	Form_pg_aggregate agg;
	Oid			result = InvalidOid;

	if (tv_window_aggregate_depends_on_order(func))
		return InvalidOid;
	if (func->winfnoid == F_SUM_INT8 || func->winfnoid == F_SUM_NUMERIC)
		return F_NUMERIC_ADD;
	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(func->winfnoid));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for aggregate %u", func->winfnoid);
	agg = (Form_pg_aggregate) GETSTRUCT(tuple);
	/* the result is the state, and the functions are the server's */
	if (!OidIsValid(agg->aggfinalfn) && agg->aggtranstype == func->wintype &&
		func->winfnoid < FirstGenbkiObjectId && OidIsValid(agg->aggcombinefn) &&
		func_strict(agg->aggcombinefn))
		result = agg->aggcombinefn;
	ReleaseSysCache(tuple);
	return result;
}

/* The sum of which avg() is the server's quotient. */
static Oid
sum_of_average(Oid average)
{
	switch (average)
	{
		case F_AVG_INT2:
			return F_SUM_INT2;
		case F_AVG_INT4:
			return F_SUM_INT4;
		case F_AVG_INT8:
			return F_SUM_INT8;
		case F_AVG_NUMERIC:
			return F_SUM_NUMERIC;
		default:
			return InvalidOid;
	}
}

static TvCarry *
carry_of(TvSuffix *suffix, const WindowFunc *func, const WindowClause *window)
{
	TvCarry    *carry = palloc0(sizeof(TvCarry));

	if (tv_reach_add(suffix, func, window))
	{
		carry->kind = TV_CARRY_NOTHING;
		return carry;
	}
	carry->collation = func->inputcollid;
	switch (func->winfnoid)
	{
		case F_ROW_NUMBER:
		case F_DENSE_RANK_:
			carry->kind = TV_CARRY_ADD;
			return carry;
		case F_RANK_:
			carry->kind = TV_CARRY_RANK;
			carry->norder = list_length(window->orderClause);
			return carry;
	}
	if (!looks_back(window))
		return NULL;
	if (func->winfnoid == F_FIRST_VALUE)
	{
		carry->kind = TV_CARRY_KEEP;
		return carry;
	}
	if (!func->winagg)
		return NULL;
	if (OidIsValid(sum_of_average(func->winfnoid)))
	{
		carry->kind = TV_CARRY_AVERAGE;
		return carry;
	}
	carry->kind = TV_CARRY_COMBINE;
	carry->function = combining_function(func);
	return OidIsValid(carry->function) ? carry : NULL;
}

/*
 * Do two orders have the same first column, and is one of them a beginning of the
 * other?  *longest is that other one.
 */
static bool
compare_orders(List **longest, List *order, bool *is_beginning)
{
	ListCell   *la;
	ListCell   *lb;

	forboth(la, *longest, lb, order)
	{
		SortGroupClause *a = lfirst_node(SortGroupClause, la);
		SortGroupClause *b = lfirst_node(SortGroupClause, lb);

		if (a->tleSortGroupRef == b->tleSortGroupRef && a->sortop == b->sortop &&
			a->nulls_first == b->nulls_first)
			continue;
		*is_beginning = false;
		return la != list_head(*longest);
	}
	if (list_length(order) > list_length(*longest))
		*longest = order;
	return true;
}

static bool
choose_operators(TvNode *node, TvSuffix *suffix)
{
	SortGroupClause *clause = linitial_node(SortGroupClause, suffix->order);
	Form_pg_attribute att = TupleDescAttr(node->in_desc, node->nkeys);
	Oid			opfamily;
	Oid			type;
	bool		descending;

	/* an index is to find the rows */
	if (clause->tleSortGroupRef != node->nkeys + 1 ||
		!(att->atttypid == NUMERICOID || get_typlen(getBaseType(att->atttypid)) > 0) ||
		!tv_partition_default_order(clause, att->atttypid, &descending) ||
		!tv_compat_ordering_op(clause->sortop, &opfamily, &type, &descending))
		return false;
	suffix->before = clause->sortop;
	suffix->after = get_opfamily_member(opfamily, type, type,
										descending ? BTLessStrategyNumber : BTGreaterStrategyNumber);
	suffix->from = get_opfamily_member(opfamily, type, type,
									   descending ? BTLessEqualStrategyNumber :
									   BTGreaterEqualStrategyNumber);
	suffix->until = get_opfamily_member(opfamily, type, type,
										descending ? BTGreaterEqualStrategyNumber :
										BTLessEqualStrategyNumber);
	return OidIsValid(suffix->after) && OidIsValid(suffix->from) && OidIsValid(suffix->until);
}

/* The node's rows are kept in this order. */
static void
keep_order(TvNode *node)
{
	List	   *clauses = NIL;
	TvStateOrder *order = palloc0(sizeof(TvStateOrder));
	ListCell   *lc;

	for (int i = 0; i < node->nkeys; i++)
		clauses = lappend(clauses, node->keys[i].clause);
	clauses = list_concat(clauses, node->suffix->order);
	order->attnos = palloc(sizeof(AttrNumber) * list_length(clauses));
	order->descending = palloc0(sizeof(bool) * list_length(clauses));
	order->nulls_first = palloc0(sizeof(bool) * list_length(clauses));
	foreach(lc, clauses)
	{
		SortGroupClause *clause = lfirst_node(SortGroupClause, lc);
		int			n = order->natts;
		AttrNumber	attno = n < node->nkeys ? n + 1 : clause->tleSortGroupRef;
		Form_pg_attribute att = TupleDescAttr(node->in_desc, attno - 1);

		if (n == INDEX_MAX_KEYS ||
			(n > node->nkeys && att->atttypid != NUMERICOID && get_typlen(getBaseType(att->atttypid)) <= 0) ||
			!tv_partition_default_order(clause, att->atttypid, &order->descending[n]))
			break;
		order->attnos[n] = attno;
		order->nulls_first[n] = clause->nulls_first;
		order->natts++;
	}
	if (order->natts > node->nkeys)
		node->orders = lappend(node->orders, order);
	else
		node->suffix = NULL;
}

static bool
never_null(TvCompiler *c, const TvNode *node)
{
	ListCell   *lc;

	foreach(lc, node->branches)
	{
		TvBranch   *branch = lfirst(lc);
		TvPartial	partial = {.leaves = branch->leaves,.quals = branch->quals};

		if (!tv_correlate_not_null(c, &partial, list_nth(branch->exprs, node->nkeys)))
			return false;
	}
	return true;
}

/*
 * One more result, behind all others, in the window of one that is there; its
 * level may have to be repeated for that.
 */
static TvCarry *
add_result(TvNode *node, TvSuffix *suffix, const TvWindowLevel *level, const WindowFunc *like,
		   Oid function)
{
	TvWindowLevel *last = llast(node->levels);
	WindowFunc *func = copyObject(unconstify(WindowFunc *, like));
	int			natts = node->out_desc->natts + 1;
	TupleDesc	desc = CreateTemplateTupleDesc(natts);
	TvCarry    *carry;

	if (last != level)
	{
		last = palloc0(sizeof(TvWindowLevel));
		last->sensitive = level->sensitive;
		last->clauses = copyObject(level->clauses);
		node->levels = lappend(node->levels, last);
	}
	func->winfnoid = function;
	func->wintype = get_func_rettype(function);
	func->wincollid = InvalidOid;
	last->funcs = lappend(last->funcs, func);
	for (int i = 1; i < natts; i++)
		TupleDescCopyEntry(desc, i, node->out_desc, i);
	TupleDescInitEntry(desc, natts, psprintf("c%d", natts), func->wintype, -1, 0);
	node->out_desc = desc;
	carry = carry_of(suffix, func, list_nth(last->clauses, func->winref - 1));
	carry->attno = natts;
	suffix->carries = lappend(suffix->carries, carry);
	return carry;
}

/* What averages are told from becomes part of the rows. */
static void
add_averages(TvNode *node, TvSuffix *suffix)
{
	List	   *levels = list_copy(node->levels);
	AttrNumber	attno = node->in_desc->natts;
	ListCell   *ll;
	ListCell   *lc;

	foreach(ll, levels)
	{
		TvWindowLevel *level = lfirst(ll);
		List	   *funcs = list_copy(level->funcs);

		foreach(lc, funcs)
		{
			WindowFunc *func = lfirst_node(WindowFunc, lc);
			TvCarry    *carry = list_nth(suffix->carries, attno++ - node->in_desc->natts);

			if (carry->kind != TV_CARRY_AVERAGE)
				continue;
			carry->sum = add_result(node, suffix, level, func, sum_of_average(func->winfnoid));
			level = llast(node->levels);
			carry->number = add_result(node, suffix, level, func, F_COUNT_ANY);
		}
	}
}

void
tv_suffix_make(TvCompiler *c, TvNode *node)
{
	TvSuffix   *suffix = palloc0(sizeof(TvSuffix));
	AttrNumber	attno = node->in_desc->natts;
	bool		total = true;
	ListCell   *ll;
	ListCell   *lc;

	suffix->bounded = true;
	foreach(ll, node->levels)
	{
		TvWindowLevel *level = lfirst(ll);

		foreach(lc, level->clauses)
			if (!compare_orders(&suffix->order, lfirst_node(WindowClause, lc)->orderClause, &total))
			return;
		foreach(lc, level->funcs)
		{
			WindowFunc *func = lfirst_node(WindowFunc, lc);
			TvCarry    *carry = carry_of(suffix, func, list_nth(level->clauses, func->winref - 1));

			if (carry == NULL)
				return;
			carry->attno = ++attno;
			suffix->bounded &= carry->kind == TV_CARRY_NOTHING;
			suffix->carries = lappend(suffix->carries, carry);
		}
	}
	/* which row is the last before others is told by one order */
	if (!suffix->bounded && !total)
		return;
	suffix->not_null = never_null(c, node);
	if (!choose_operators(node, suffix))
		return;
	add_averages(node, suffix);
	node->suffix = suffix;
}

/* The last row before others is found by the order alone. */
void
tv_suffix_finish(TvNode *node)
{
	ListCell   *lc;

	if (node->suffix == NULL)
		return;
	foreach(lc, node->levels)
		if (((TvWindowLevel *) lfirst(lc))->tiebreak && !node->suffix->bounded)
	{
		node->suffix = NULL;
		return;
	}
	node->ndelta = Max(node->ndelta, node->nkeys + 1);
	keep_order(node);
}
