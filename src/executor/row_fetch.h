/*-------------------------------------------------------------------------
 *
 * executor/row_fetch.h
 *	  The next row of an index scan, without pruning its page each time.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_ROW_FETCH_H
#define TV_ROW_FETCH_H

#include "access/genam.h"
#include "executor/tuptable.h"
#include "storage/buf.h"

/*
 * As index_getnext_slot() forward, of a scan under an MVCC snapshot of a table
 * whose rows are stored as in a heap.  The page last visited stays pinned in
 * *buffer, which starts as InvalidBuffer and is the caller's to release.
 */
extern bool tv_row_fetch_next(IndexScanDesc scan, Buffer *buffer, TupleTableSlot *slot);

#endif							/* TV_ROW_FETCH_H */
