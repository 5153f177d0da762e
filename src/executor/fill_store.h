/*-------------------------------------------------------------------------
 *
 * executor/fill_store.h
 *	  Fill an empty view or state table.
 *
 * Rows are inserted many at a time.  Index entries are made when all rows are
 * there.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_FILL_STORE_H
#define TV_FILL_STORE_H

#include "executor/tuptable.h"
#include "storage/lockdefs.h"

typedef struct TvFill TvFill;

/*
 * Open a relation whose storage was made by this (sub)transaction, into which
 * nothing but this is written before it is closed.  frozen: its rows are to be
 * seen by every snapshot, as those of a REFRESH.
 */
extern TvFill *tv_fill_open(Oid relid, LOCKMODE lockmode, bool frozen);

/*
 * Remember where rows are stored, as far as there is room for that (see
 * row_memory.h).  keys: the columns of the unique key by which they will be
 * found; must live as long.
 */
extern void tv_fill_remember(TvFill *fill, int nkeys, const AttrNumber *keys);

/* Insert a row: that of a slot that has the relation's columns ... */
extern void tv_fill_put_slot(TvFill *fill, TupleTableSlot *slot);

/* ... or these values, which are copied. */
extern void tv_fill_put(TvFill *fill, const Datum *values, const bool *isnull);

/*
 * Make the index entries; gives the number of rows.  build: by building the
 * indexes, from which the planner learns the number of rows, however few; else,
 * of few rows, one by one, which is faster.
 */
extern uint64 tv_fill_close(TvFill *fill, bool build);

#endif							/* TV_FILL_STORE_H */
