/*-------------------------------------------------------------------------
 *
 * executor/group_advance.c
 *	  What an accumulator's stored value becomes by the delta of its group.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/int.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "executor/group_spill.h"

static Datum new_sum(Oid argtype, const TvAccDelta * delta, Datum old, bool old_null);
static Datum new_extreme(TvAccRuntime *ar, const TvAccDelta * delta, Datum old, bool old_null,
						 bool *isnull, bool *rescan);
static Datum new_fold(TvAccRuntime *ar, const TvAccDelta * delta, Datum old, bool old_null,
					  bool *isnull, bool *rescan, MemoryContext cxt);
static Datum fold_more(TvAccRuntime *ar, TvArgumentRows *more, Datum value, bool *isnull,
					   bool *rescan);
static Datum new_trans(TvAccRuntime *ar, const TvAccDelta * delta, Datum old, bool old_null,
					   int64 count, bool fresh, bool *isnull, bool *rescan, MemoryContext cxt);

Datum
tv_groups_advance(TvGroupTable *table, int acc, const TvAccDelta * delta,
				  Datum old, bool old_null, int64 count, bool fresh,
				  bool *isnull, bool *rescan, MemoryContext cxt)
{
	TvAccRuntime *ar = &table->rt->accs[acc];
	int64		sum;

	*isnull = false;
	switch (ar->kind)
	{
		case TV_ACC_ROWS:
		case TV_ACC_COUNT:
			if (pg_add_s64_overflow(old_null ? 0 : DatumGetInt64(old), delta->u.count, &sum))
				ereport(ERROR,
						(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						 errmsg("bigint out of range")));
			return Int64GetDatum(sum);
		case TV_ACC_SUM:
			if (count == 0)
			{
				*isnull = true;
				return (Datum) 0;
			}
			if (!delta->touched)
			{
				*isnull = old_null;
				return old;
			}
			return new_sum(ar->argtype, delta, old, old_null);
		case TV_ACC_EXTREME:
			if (!delta->touched)
			{
				*isnull = old_null;
				return old;
			}
			if (ar->fold.fn_oid)
				return new_fold(ar, delta, old, old_null, isnull, rescan, cxt);
			return new_extreme(ar, delta, old, old_null, isnull, rescan);
		case TV_ACC_TRANS:
			return new_trans(ar, delta, old, old_null, count, fresh, isnull, rescan, cxt);
	}
	return (Datum) 0;
}

/* s' = s + d; in int8, or numeric for sums of int8 */
static Datum
new_sum(Oid argtype, const TvAccDelta * delta, Datum old, bool old_null)
{
	int128		sum = ((int128) delta->u.sum.hi << 64) | delta->u.sum.lo;

	if (argtype != INT8OID)
	{
		if (!old_null)
			sum += DatumGetInt64(old);
		if (sum > PG_INT64_MAX || sum < PG_INT64_MIN)
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("bigint out of range")));
		return Int64GetDatum((int64) sum);
	}
	else
	{
		int64		high = (int64) (sum / INT64CONST(1000000000000000000));
		int64		low = (int64) (sum % INT64CONST(1000000000000000000));
		Datum		result = NumericGetDatum(int64_to_numeric(low));

		if (high != 0)
			result = DirectFunctionCall2(numeric_add, result,
										 DirectFunctionCall2(numeric_mul,
															 NumericGetDatum(int64_to_numeric(high)),
															 NumericGetDatum(int64_to_numeric(INT64CONST(1000000000000000000)))));
		if (!old_null)
			result = DirectFunctionCall2(numeric_add, old, result);
		return result;
	}
}

/*
 * t is the value of the delta that sorts first, w its net weight, e the old
 * extremum.  What sorts behind e cannot matter, and what sorts behind t
 * matters only if t does not stand.
 *
 *	  e before t			e
 *	  t before e (or none)	w > 0: t; else another row of the delta may be it
 *	  t equals e			w >= 0: e; else it may have left
 *
 * If t has several images (1.0 and 1.00), and some of them left, only a rescan
 * tells which ones there are.
 */
static Datum
new_extreme(TvAccRuntime *ar, const TvAccDelta * delta, Datum old, bool old_null,
			bool *isnull, bool *rescan)
{
	int			c = old_null ? -1 :
	ApplySortComparator(delta->u.extreme.value, false, old, false, &ar->sort);

	if (c <= 0 && delta->u.extreme.mixed && delta->u.extreme.left)
	{
		*rescan = true;
		*isnull = old_null;
		return old;
	}
	if (c < 0 && delta->u.extreme.weight > 0)
	{
		*isnull = false;
		return delta->u.extreme.value;
	}
	if (c < 0 || (c == 0 && delta->u.extreme.weight < 0))
		*rescan = true;
	*isnull = old_null;
	return old;
}

typedef struct FoldedValue
{
	Datum		value;
	uint32		hash;
	int64		weight;
} FoldedValue;

static int
compare_folded(const void *a, const void *b)
{
	uint32		ha = ((const FoldedValue *) a)->hash;
	uint32		hb = ((const FoldedValue *) b)->hash;

	return ha < hb ? -1 : ha > hb;
}

/* The values of a delta, of each image its net weight; their number. */
static int64
net_values(TvAccRuntime *ar, const TvAccDelta * delta, FoldedValue **result)
{
	int64		n = 0;
	int64		nrows = 0;
	FoldedValue *values;

	for (TvWeighted *row = delta->u.list.rows; row; row = row->next)
		nrows++;
	values = MemoryContextAllocHuge(CurrentMemoryContext, sizeof(FoldedValue) * nrows);
	for (TvWeighted *row = delta->u.list.rows; row; row = row->next)
	{
		values[n].value = row->values[0];
		values[n].hash = datum_image_hash(row->values[0], ar->typbyval, ar->typlen);
		values[n].weight = row->weight;
		n++;
	}
	qsort(values, nrows, sizeof(FoldedValue), compare_folded);
	for (int64 i = 0; i < nrows; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (values[i].weight == 0)
			continue;
		for (int64 j = i + 1; j < nrows && values[j].hash == values[i].hash; j++)
		{
			if (values[j].weight != 0 &&
				datum_image_eq(values[i].value, values[j].value, ar->typbyval, ar->typlen))
			{
				values[i].weight += values[j].weight;
				values[j].weight = 0;
			}
		}
	}
	*result = values;
	return nrows;
}

/*
 * bit_and, bit_or: values that came fold in; values that left need a rescan.
 * A value that both came and left did neither.
 */
static Datum
new_fold(TvAccRuntime *ar, const TvAccDelta * delta, Datum old, bool old_null,
		 bool *isnull, bool *rescan, MemoryContext cxt)
{
	MemoryContext oldcxt = MemoryContextSwitchTo(cxt);
	FoldedValue *values;
	int64		n = net_values(ar, delta, &values);
	Datum		value = old;
	bool		null = old_null;

	for (int64 i = 0; i < n && !*rescan; i++)
	{
		if (values[i].weight < 0)
			*rescan = true;
		if (values[i].weight <= 0)
			continue;
		value = null ? values[i].value :
			FunctionCall2Coll(&ar->fold, ar->collation, value, values[i].value);
		null = false;
	}
	if (delta->u.list.more && !*rescan)
		value = fold_more(ar, delta->u.list.more, value, &null, rescan);
	*isnull = null;
	MemoryContextSwitchTo(oldcxt);
	return value;
}

/*
 * The same of values that are not in memory.  Those that left are not netted: a
 * rescan is always right.
 */
static Datum
fold_more(TvAccRuntime *ar, TvArgumentRows *more, Datum value, bool *isnull, bool *rescan)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(more->desc, &TTSOpsMinimalTuple);
	TvRowCursor cursor;

	tv_row_store_begin(more->rows, &cursor, true);
	while (!*rescan && tv_row_store_next(&cursor, slot))
	{
		CHECK_FOR_INTERRUPTS();
		slot_getallattrs(slot);
		if (DatumGetInt64(slot->tts_values[1]) <= 0)
		{
			*rescan = true;
			continue;
		}
		if (!*isnull)
			value = FunctionCall2Coll(&ar->fold, ar->collation, value, slot->tts_values[0]);
		else
			value = slot->tts_values[0];
		/* it may be part of the slot's tuple */
		value = datumCopy(value, ar->typbyval, ar->typlen);
		*isnull = false;
	}
	tv_row_store_close(&cursor);
	ExecDropSingleTupleTableSlot(slot);
	return value;
}

/*
 * Move a state by a row, forward (sign 1) or back (-1), as often as the row's
 * weight says.  False if it cannot go back.
 */
static bool
move_state(TvAccRuntime *ar, TvTransState *state, int sign, int64 weight, const Datum *values,
		   const bool *nulls, MemoryContext cxt)
{
	int64		times = sign * weight;

	CHECK_FOR_INTERRUPTS();
	while (times-- > 0)
		if (!(sign > 0 ? tv_trans_forward(ar->trans, state, values, nulls, cxt) :
			  tv_trans_inverse(ar->trans, state, values, nulls, cxt)))
			return false;
	return true;
}

/* The same by all rows that are not in memory. */
static bool
move_by_more(TvAccRuntime *ar, TvTransState *state, int sign, TvArgumentRows *more,
			 MemoryContext cxt)
{
	TupleTableSlot *slot = MakeSingleTupleTableSlot(more->desc, &TTSOpsMinimalTuple);
	bool		done = true;
	TvRowCursor cursor;

	state->scratch = AllocSetContextCreate(cxt, "pg_tviews arguments", ALLOCSET_SMALL_SIZES);
	tv_row_store_begin(more->rows, &cursor, true);
	while (done && tv_row_store_next(&cursor, slot))
	{
		slot_getallattrs(slot);
		done = move_state(ar, state, sign, DatumGetInt64(slot->tts_values[more->desc->natts - 1]),
						  slot->tts_values, slot->tts_isnull, cxt);
		MemoryContextReset(state->scratch);
	}
	tv_row_store_close(&cursor);
	ExecDropSingleTupleTableSlot(slot);
	MemoryContextDelete(state->scratch);
	state->scratch = NULL;
	return done;
}

static Datum
new_trans(TvAccRuntime *ar, const TvAccDelta * delta, Datum old, bool old_null,
		  int64 count, bool fresh, bool *isnull, bool *rescan, MemoryContext cxt)
{
	TvTransState state;

	if (count == 0)
		return tv_trans_initial(ar->trans, isnull);
	if (!delta->touched)
	{
		*isnull = old_null;
		return old;
	}
	tv_trans_load(ar->trans, &state, old, old_null, fresh, cxt);

	/* all forward ones first: the state never gets empty in between */
	for (int sign = 1; sign >= -1; sign -= 2)
	{
		bool		done = true;

		for (TvWeighted *row = delta->u.list.rows; row && done; row = row->next)
			done = move_state(ar, &state, sign, row->weight, row->values, row->nulls, cxt);
		if (done && delta->u.list.more)
			done = move_by_more(ar, &state, sign, delta->u.list.more, cxt);
		if (!done)
		{
			*rescan = true;
			*isnull = true;
			return (Datum) 0;
		}
	}
	return tv_trans_store(ar->trans, &state, isnull, cxt);
}
