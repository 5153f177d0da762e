/*-------------------------------------------------------------------------
 *
 * executor/row_fetch.h
 *	  Fetch rows of a store by an index, or from the place next to the last.
 *
 * For tables whose rows are stored as in a heap, under MVCC snapshots.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_ROW_FETCH_H
#define TV_ROW_FETCH_H

#include "access/genam.h"
#include "executor/tuptable.h"
#include "storage/buf.h"
#include "storage/itemptr.h"

/* Where the last row was; all zero: nowhere.  Ends before the lock on the table. */
typedef struct TvPlace
{
	Buffer		buffer;			/* the page last visited, pinned */
	ItemPointerData root;		/* of the last row; invalid: none */
	int			run;			/* so many rows, up to the last, stood each
								 * next to the one before */
	BlockNumber nblocks;		/* the table has at least so many; 0: unknown */
} TvPlace;

/* As index_getnext_slot() forward. */
extern bool tv_row_fetch_next(IndexScanDesc scan, TvPlace *place, TupleTableSlot *slot);

/*
 * The row stored next to the last one, if rows have come in the order in which
 * they are stored, and this one has the keys of the scan.  For unique keys
 * only: then no other row has them.  attnos: the columns of the table the scan
 * keys are about.
 */
extern bool tv_row_fetch_following(IndexScanDesc scan, TvPlace *place, TupleTableSlot *slot,
								   ScanKey keys, const AttrNumber *attnos, int nkeys);

/* Let go of the page; where the last row was is remembered. */
extern void tv_row_fetch_release(TvPlace *place);

#endif							/* TV_ROW_FETCH_H */
