/*-------------------------------------------------------------------------
 *
 * delta/aggregate_class.c
 *	  How an aggregate's result follows the changes of its group.
 *
 *	 count			  c' = c + sum of weights
 *	 sum of integers  s' = s + sum of weight * value, null when count is 0
 *	 bool_and/or	  from the counts of rows and of true rows
 *	 moving			  any aggregate with an inverse transition function whose
 *					  state can be stored: t' = inverse(forward(t, +), -)
 *	 extreme		  has a sort operator (min, max, user-defined ones), or is
 *					  bit_and/bit_or: inserts fold; a leaving extremum rescans
 *	 recompute		  everything else: the touched groups are recomputed
 *
 * A moving state can be stored if its type is not internal, or if it is the
 * very state of the plain aggregate, which has serialisation and combine
 * functions.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_type.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "delta/compile_internal.h"

static bool
has_storable_moving_state(const Aggref *aggref)
{
	HeapTuple	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(aggref->aggfnoid));
	Form_pg_aggregate agg;
	bool		result;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for aggregate %u", aggref->aggfnoid);
	agg = (Form_pg_aggregate) GETSTRUCT(tuple);
	result = OidIsValid(agg->aggminvtransfn) &&
		agg->aggnumdirectargs == 0 &&
		get_typtype(agg->aggmtranstype) != TYPTYPE_PSEUDO;
	if (OidIsValid(agg->aggminvtransfn) && agg->aggmtranstype == INTERNALOID)
		result = agg->aggmtransfn == agg->aggtransfn &&
			agg->aggtranstype == INTERNALOID &&
			OidIsValid(agg->aggserialfn) && OidIsValid(agg->aggdeserialfn) &&
			OidIsValid(agg->aggcombinefn) && !func_strict(agg->aggmtransfn);
	ReleaseSysCache(tuple);
	return result;
}

Oid
tv_aggregate_sortop(const Aggref *aggref)
{
	HeapTuple	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(aggref->aggfnoid));
	Oid			result;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for aggregate %u", aggref->aggfnoid);
	result = ((Form_pg_aggregate) GETSTRUCT(tuple))->aggsortop;
	ReleaseSysCache(tuple);
	return result;
}

/*
 * Of an aggregate of class TV_AGG_TRANS: the type its stored state has;
 * strict: rows with a null argument are passed over; counted: the state
 * cannot tell that no row went in, a count must be kept beside it.
 */
bool
tv_aggregate_trans_type(const Aggref *aggref, Oid *type, bool *strict, bool *counted)
{
	HeapTuple	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(aggref->aggfnoid));
	Form_pg_aggregate agg;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for aggregate %u", aggref->aggfnoid);
	agg = (Form_pg_aggregate) GETSTRUCT(tuple);
	*type = agg->aggmtranstype == INTERNALOID ? BYTEAOID : agg->aggmtranstype;
	*strict = func_strict(agg->aggmtransfn);
	*counted = *strict;
	ReleaseSysCache(tuple);
	return true;
}

TvAggKind
tv_aggregate_class(const Aggref *aggref)
{
	if (aggref->aggkind != AGGKIND_NORMAL || aggref->aggorder || aggref->aggdistinct ||
		aggref->aggvariadic)
		return TV_AGG_RECOMPUTE;

	switch (aggref->aggfnoid)
	{
		case F_COUNT_:
		case F_COUNT_ANY:
			return TV_AGG_COUNT;
		case F_SUM_INT2:
		case F_SUM_INT4:
		case F_SUM_INT8:
			return TV_AGG_SUM;
		case F_BOOL_AND:
		case F_EVERY:
			return TV_AGG_BOOL_AND;
		case F_BOOL_OR:
			return TV_AGG_BOOL_OR;
		case F_BIT_AND_INT2:
		case F_BIT_AND_INT4:
		case F_BIT_AND_INT8:
		case F_BIT_AND_BIT:
		case F_BIT_OR_INT2:
		case F_BIT_OR_INT4:
		case F_BIT_OR_INT8:
		case F_BIT_OR_BIT:
			return TV_AGG_EXTREME;
		default:
			break;
	}
	if (list_length(aggref->args) == 1 && OidIsValid(tv_aggregate_sortop(aggref)))
		return TV_AGG_EXTREME;
	if (has_storable_moving_state(aggref))
		return TV_AGG_TRANS;
	return TV_AGG_RECOMPUTE;
}
