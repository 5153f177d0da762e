/*-------------------------------------------------------------------------
 *
 * executor/row_fetch.h
 *	  Fetch rows by an index, from the place next to the last, or from memory.
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
extern bool tv_row_fetch_following(Relation rel, Snapshot snapshot, TvPlace *place,
								   TupleTableSlot *slot, ScanKey keys,
								   const AttrNumber *attnos, int nkeys);

/*
 * The row with these unique keys where it was last found, by whatever backend.
 * hash: as from tv_row_memory_hash().
 */
extern bool tv_row_fetch_remembered(Relation rel, Snapshot snapshot, TvPlace *place,
									TupleTableSlot *slot, ScanKey keys,
									const AttrNumber *attnos, int nkeys, uint64 hash);

/*
 * Remember the last row found, and the version in the slot: the one that was
 * found, or another that took its place.  moved: not in its page, or so that
 * the versions begin with it.
 */
extern void tv_row_fetch_remember(const TvPlace *place, TupleTableSlot *slot, bool moved,
								  uint64 hash);

/* Let go of the page; where the last row was is remembered. */
extern void tv_row_fetch_release(TvPlace *place);

#endif							/* TV_ROW_FETCH_H */
