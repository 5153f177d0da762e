/*-------------------------------------------------------------------------
 *
 * catalog/only_row.c
 *	  The only row of a scalar subquery.
 *
 * A subquery that is compared or shown as a value may have one row at most;
 * the error for more is raised only when a value is asked for.  So its rows are
 * kept as their only value and their number, and whoever reads the value looks
 * at the number.  Of several values none is kept, so that what is kept does not
 * depend on the order of rows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"

PG_FUNCTION_INFO_V1(tview_only_value_step);
PG_FUNCTION_INFO_V1(tview_only_row);

/*
 * tview.only_value_step(anyelement, anyelement): keep neither
 *
 * The first value becomes the state without a call.  The null that the second
 * makes of it stays, for the function is strict.
 */
Datum
tview_only_value_step(PG_FUNCTION_ARGS)
{
	PG_RETURN_NULL();
}

/* tview.only_row(anyelement, bigint): the value, if it is of one row (or none) */
Datum
tview_only_row(PG_FUNCTION_ARGS)
{
	if (!PG_ARGISNULL(1) && PG_GETARG_INT64(1) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_CARDINALITY_VIOLATION),
				 errmsg("more than one row returned by a subquery used as an expression")));
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}
