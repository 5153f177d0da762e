/*-------------------------------------------------------------------------
 *
 * delta/compile_reach.c
 *	  How far from the current row does a window function look?
 *
 *		lag(), lead()				so many rows
 *		aggregates, first_value(),	as far as the frame reaches: so many rows, or all
 *		last_value(), nth_value()	rows in a RANGE; CURRENT ROW is among its peers
 *
 * A result must be a function of these rows and their order.  An aggregate with
 * functions for moving frames is so if these restore a state exactly, as the
 * server's do.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "utils/fmgroids.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "delta/compile_partition.h"
#include "delta/fold.h"

static Const *
constant(Node *expr)
{
	expr = tv_fold(copyObject(expr));
	return IsA(expr, Const) && !((Const *) expr)->constisnull ? (Const *) expr : NULL;
}

/* lag(), or lead(): the same the other way round. */
static bool
add_distance(TvSuffix *suffix, const WindowFunc *func, bool lead)
{
	int64		distance = 1;

	if (list_length(func->args) > 1)
	{
		Const	   *given = constant(lsecond(func->args));

		if (given == NULL)
			return false;
		distance = DatumGetInt32(given->constvalue);
	}
	if (lead)
		distance = -distance;
	suffix->back.rows = Max(suffix->back.rows, distance);
	suffix->ahead.rows = Max(suffix->ahead.rows, -distance);
	return true;
}

/* Is the result of the aggregate over a frame that moves that over its rows? */
static bool
is_exact(const WindowFunc *func)
{
	HeapTuple	tuple;
	bool		result;

	if (func->winfnoid < FirstGenbkiObjectId)
		return true;
	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(func->winfnoid));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for aggregate %u", func->winfnoid);
	result = !OidIsValid(((Form_pg_aggregate) GETSTRUCT(tuple))->aggminvtransfn);
	ReleaseSysCache(tuple);
	return result;
}

/*
 * Does a greater value plus the offset give a greater one?  The 30th of January at
 * noon and the 31st in the morning do not with a month, nor do days where the clock
 * is put forward.  The frames of the rows behind then depend on those before.
 */
static bool
keeps_order(const WindowClause *window, bool start, const Const *offset)
{
	Oid			in_range = start ? window->startInRangeFunc : window->endInRangeFunc;
	Interval   *interval;

	if (offset->consttype != INTERVALOID)
		return true;
	interval = DatumGetIntervalP(offset->constvalue);
	return interval->month == 0 &&
		(interval->day == 0 || in_range != F_IN_RANGE_TIMESTAMPTZ_TIMESTAMPTZ_INTERVAL_BOOL_BOOL);
}

/*
 * The range that one end of a frame takes in; nodeWindowAgg.c calls in_range
 * functions like this.
 */
static TvReachRange *
range_of(const WindowClause *window, bool start, Const *offset)
{
	TvReachRange *range = palloc0(sizeof(TvReachRange));

	range->in_range = start ? window->startInRangeFunc : window->endInRangeFunc;
	range->collation = window->inRangeColl;
	range->offset = offset;
	range->sub = start == window->inRangeAsc;
	range->less = start != window->inRangeAsc;
	return range;
}

/* An end of the frame, n PRECEDING at its start or n FOLLOWING at its end. */
static bool
add_offset(TvReach *reach, const WindowClause *window, bool start)
{
	Const	   *offset = constant(start ? window->startOffset : window->endOffset);

	if (offset == NULL)
		return false;
	if (window->frameOptions & FRAMEOPTION_RANGE)
	{
		TvReachRange *range = range_of(window, start, offset);
		ListCell   *lc;

		if (!keeps_order(window, start, offset))
			return false;
		foreach(lc, reach->ranges)
		{
			TvReachRange *other = lfirst(lc);

			if (other->in_range == range->in_range && equal(other->offset, range->offset))
				return true;
		}
		reach->ranges = lappend(reach->ranges, range);
		return true;
	}
	if (DatumGetInt64(offset->constvalue) < 0)
		return false;
	reach->rows = Max(reach->rows, DatumGetInt64(offset->constvalue));
	return true;
}

static bool
add_frame(TvSuffix *suffix, const WindowClause *window)
{
	int			frame = window->frameOptions;
	TvReach		back = suffix->back;
	TvReach		ahead = suffix->ahead;

	back.ranges = list_copy(back.ranges);
	ahead.ranges = list_copy(ahead.ranges);
	if (frame & (FRAMEOPTION_START_UNBOUNDED_PRECEDING | FRAMEOPTION_END_UNBOUNDED_FOLLOWING))
		return false;
	if ((frame & FRAMEOPTION_GROUPS) &&
		(frame & (FRAMEOPTION_START_OFFSET | FRAMEOPTION_END_OFFSET)))
		return false;
	if ((frame & FRAMEOPTION_START_OFFSET_PRECEDING) && !add_offset(&back, window, true))
		return false;
	if ((frame & FRAMEOPTION_END_OFFSET_FOLLOWING) && !add_offset(&ahead, window, false))
		return false;
	suffix->back = back;
	suffix->ahead = ahead;
	return true;
}

bool
tv_reach_add(TvSuffix *suffix, const WindowFunc *func, const WindowClause *window)
{
	switch (func->winfnoid)
	{
		case F_LAG_ANYELEMENT:
		case F_LAG_ANYELEMENT_INT4:
		case F_LAG_ANYCOMPATIBLE_INT4_ANYCOMPATIBLE:
			return add_distance(suffix, func, false);
		case F_LEAD_ANYELEMENT:
		case F_LEAD_ANYELEMENT_INT4:
		case F_LEAD_ANYCOMPATIBLE_INT4_ANYCOMPATIBLE:
			return add_distance(suffix, func, true);
		case F_LAST_VALUE:
			/* the current row's last peer */
			if ((window->frameOptions & FRAMEOPTION_END_CURRENT_ROW) &&
				!(window->frameOptions & FRAMEOPTION_EXCLUSION))
				return true;
			return add_frame(suffix, window);
		case F_FIRST_VALUE:
		case F_NTH_VALUE:
			return add_frame(suffix, window);
	}
	return func->winagg && is_exact(func) && add_frame(suffix, window);
}
