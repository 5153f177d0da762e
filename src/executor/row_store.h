/*-------------------------------------------------------------------------
 *
 * executor/row_store.h
 *	  Rows kept to be read again: in memory, in a tuplestore, or where they are.
 *
 * A statement that changes one row is the everyday case, and making a
 * tuplestore costs more than everything else that is done with that row.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_ROW_STORE_H
#define TV_ROW_STORE_H

#include "executor/tuptable.h"
#include "utils/resowner.h"
#include "utils/tuplestore.h"

#include "executor/transition.h"

/* Up to this many rows are kept outside of a tuplestore. */
#define TV_STORE_FEW_ROWS 8

typedef struct TvRowStore
{
	MemoryContext cxt;			/* holds everything */
	ResourceOwner owner;		/* of the tuplestore's files */
	int			kbytes;			/* what it may take before it uses files;
								 * work_mem if not set otherwise */
	int64		nrows;			/* at most, of transition tables */
	MinimalTuple few[TV_STORE_FEW_ROWS];
	bool		updates;		/* while there are few: the old and the new
								 * row of an update, and so on */
	Tuplestorestate *store;		/* all rows; NULL while there are few */
	TvTransition *transition;	/* all rows; NULL: they are ours */
} TvRowStore;

/* A place in a store; several can read it at the same time. */
typedef struct TvRowCursor
{
	TvRowStore *rows;
	int64		next;
	int			pointer;		/* read pointer of the tuplestore */
	TvTransitionCursor transition;
} TvRowCursor;

/*
 * Make an empty store in the current memory context.  Its files belong to
 * owner and to nobody's transaction state but the caller's: who outlives owner
 * must end the store before.
 */
extern TvRowStore *tv_row_store_make(ResourceOwner owner);

/*
 * Let an empty store stand for transition tables, without copying them.
 * Before these end, it is ended or tv_row_store_keep() is called.
 */
extern void tv_row_store_lend(TvRowStore *rows, TvTransition *transition);
extern void tv_row_store_keep(TvRowStore *rows);

/*
 * Of a store of nothing but updates, another one in which the new row alone
 * stands for those that leave some columns of the layout alone; kept: see
 * transition.h.
 */
extern bool tv_row_store_is_updates(const TvRowStore *rows);
extern TvRowStore *tv_row_store_replacing(const TvRowStore *rows, const TvLayout *layout,
										  const bool *kept);

/* Add a row of values. */
extern void tv_row_store_put(TvRowStore *rows, TupleDesc desc, const Datum *values,
							 const bool *isnull);

/* Add the old and the new row of an update. */
extern void tv_row_store_put_update(TvRowStore *rows, TupleDesc desc, const Datum *values,
									const bool *isnull, const Datum *new_values,
									const bool *new_isnull);

/* Add the row of a slot. */
extern void tv_row_store_put_slot(TvRowStore *rows, TupleTableSlot *slot);

/* The rows as a tuplestore, at its start; it stays the store's. */
extern Tuplestorestate *tv_row_store_tuplestore(TvRowStore *rows);

/*
 * Read from the start.  exclusive: no other cursor of the store is in use.
 * A cursor that is not takes a little memory of the store until its end.
 */
extern void tv_row_store_begin(TvRowStore *rows, TvRowCursor *cursor, bool exclusive);

/* Back to the start. */
extern void tv_row_store_rewind(TvRowCursor *cursor);

/*
 * The next row into a slot of minimal tuples; false, and an empty slot, at the
 * end.  The row is valid until the next call or the next addition.
 */
extern bool tv_row_store_next(TvRowCursor *cursor, TupleTableSlot *slot);

/*
 * The same; the row may be in another slot, for it is not copied.  NULL at the
 * end.
 */
extern TupleTableSlot *tv_row_store_fetch(TvRowCursor *cursor, TupleTableSlot *slot);

/* Free what a cursor holds. */
extern void tv_row_store_close(TvRowCursor *cursor);

/* Free it. */
extern void tv_row_store_end(TvRowStore *rows);

#endif							/* TV_ROW_STORE_H */
