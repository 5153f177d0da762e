/*-------------------------------------------------------------------------
 *
 * executor/transition.h
 *	  Read the delta of a table off a statement's transition tables.
 *
 *		delta = - old rows + new rows
 *
 * Projected to a layout on the way.  The old and the new row of an update
 * stand at the same place of the two tables; where they are equal in the
 * columns of the layout, byte by byte, there is no change.
 *
 * What one reader read can be kept for those that come after it, as far as
 * work_mem goes, if the columns are passed by value: to take rows apart, maybe
 * of files, is what a pass costs.
 *
 * Where a reader can do without the old row of an update that leaves some columns
 * alone, it gets the new row only, with the weight TV_WEIGHT_REPLACES.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_TRANSITION_H
#define TV_TRANSITION_H

#include "executor/tuptable.h"
#include "utils/tuplestore.h"

#include "delta/derive.h"

/* Of a row that takes the place of the stored one with its key. */
#define TV_WEIGHT_REPLACES 2

typedef struct TvTransitionRows TvTransitionRows;

/* The transition tables of a statement; they end with its trigger calls. */
typedef struct TvTransition
{
	Tuplestorestate *old_rows;	/* NULL: none */
	Tuplestorestate *new_rows;	/* NULL: none */
	bool		paired;			/* both have the same rows, before and after */
	TupleDesc	desc;			/* of the table; not reference-counted */
	const TvLayout *layout;
	const bool *kept;			/* by column of the layout: those that an
								 * update must leave alone for its new row to
								 * do; NULL: none does */
	TvTransitionRows *first;	/* rows that were kept; NULL: none */
} TvTransition;

/* A place in the delta. */
typedef struct TvTransitionCursor
{
	TvTransition *transition;
	int			old_pointer;
	int			new_pointer;
	bool		old_ended;		/* not paired: now come the new rows */
	bool		new_is_due;		/* paired: the old row was returned */
	TupleTableSlot *old_slot;
	TupleTableSlot *new_slot;
	TupleTableSlot *slot;		/* virtual: the columns of the layout, weight */
	TvTransitionRows *first;	/* rows kept before it began; NULL: none */
	int64		next;			/* of these */
	TvTransitionRows *keeping;	/* rows that this one keeps, or NULL */
} TvTransitionCursor;

/* Make one in the current memory context, from those of a trigger call. */
extern TvTransition *tv_transition_make(Tuplestorestate *old_rows, Tuplestorestate *new_rows,
										TupleDesc desc, const TvLayout *layout);

/* The same rows; kept: as above. */
extern TvTransition *tv_transition_replacing(const TvTransition *transition, const bool *kept);

/* At most so many rows are in the delta. */
extern int64 tv_transition_rows(const TvTransition *transition);

/*
 * Read from the start.  exclusive: no other cursor of these tables is in use.
 * Slots are made in the current memory context.
 */
extern void tv_transition_begin(TvTransition *transition, TvTransitionCursor *cursor,
								bool exclusive);

/* Keep the rows that the cursor, being at the start, reads. */
extern void tv_transition_keep(TvTransitionCursor *cursor);

extern void tv_transition_rewind(TvTransitionCursor *cursor);

/* The next row, valid until the next call; NULL at the end. */
extern TupleTableSlot *tv_transition_next(TvTransitionCursor *cursor);

/*
 * Add to columns the attribute numbers of the source in which two rows of a
 * layout differ.
 */
extern Bitmapset *tv_transition_differences(const TvLayout *layout, Bitmapset *columns,
											const Datum *a, const bool *anull,
											const Datum *b, const bool *bnull);

/* Those in which any update of the delta differs; NULL if rows came or went. */
extern Bitmapset *tv_transition_columns(TvTransition *transition);

/* Free the slots. */
extern void tv_transition_end(TvTransitionCursor *cursor);

#endif							/* TV_TRANSITION_H */
