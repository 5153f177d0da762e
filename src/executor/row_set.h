/*-------------------------------------------------------------------------
 *
 * executor/row_set.h
 *	  A set of rows, told apart by their image, with what is known of each.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_ROW_SET_H
#define TV_ROW_SET_H

#include "access/htup_details.h"
#include "access/tupdesc.h"

typedef struct TvSetRow
{
	struct TvSetRow *next;		/* in the order in which rows came */
	struct TvSetRow *chain;		/* of one bucket */
	uint32		hash;
	bool		stored;			/* for the caller: it is there ... */
	bool		leaves;			/* ... but perhaps no longer ... */
	bool		comes;			/* ... or it comes (again) */
	MinimalTuple tuple;
} TvSetRow;

typedef struct TvRowSet
{
	MemoryContext cxt;
	TupleDesc	desc;
	int64		nrows;
	TvSetRow   *first;
	TvSetRow   *last;
	uint64		nbuckets;		/* a power of two */
	TvSetRow  **buckets;
	Datum	   *values;			/* scratch, a row */
	bool	   *nulls;
} TvRowSet;

/* Everything lives in a context of its own below cxt. */
extern TvRowSet *tv_row_set_make(TupleDesc desc, MemoryContext cxt);

/* The row with this image, made when missing; or, add false, NULL. */
extern TvSetRow *tv_row_set_find(TvRowSet *set, const Datum *values, const bool *nulls,
								 bool add, bool *found);

/* Take a row apart; values refer into the tuple. */
extern void tv_row_set_deform(const TvRowSet *set, const TvSetRow *row,
							  Datum *values, bool *nulls);

#endif							/* TV_ROW_SET_H */
