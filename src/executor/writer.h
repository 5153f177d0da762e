/*-------------------------------------------------------------------------
 *
 * executor/writer.h
 *	  Find and write rows of a store: direct table and index operations.
 *
 * Rows are found by the store's key index, under the newest snapshot.  Writing
 * a row that somebody changed meanwhile fails softly: the caller takes a new
 * snapshot (tv_writer_refresh), finds the row again and computes anew.  Under
 * REPEATABLE READ and SERIALIZABLE such a row raises 40001, and so does one
 * that the transaction's snapshot cannot see.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_WRITER_H
#define TV_WRITER_H

#include "access/genam.h"
#include "executor/tuptable.h"
#include "nodes/execnodes.h"

#include "executor/row_fetch.h"
#include "executor/store_access.h"

typedef struct TvWriter
{
	MemoryContext cxt;			/* scans and slots live here */
	const TvStoreAccess *access;
	Relation	rel;
	CommandId	cid;			/* of all writes of this pass */
	ScanKeyData *scankeys;		/* of the index by which rows are found; NULL:
								 * they are found by scanning */
	Relation	index;			/* opened when it is needed, as is the scan */
	IndexScanDesc scan;
	TvPlace		place;			/* of the row last found */
	int			nfound;			/* rows looked for by key, up to a limit */
	bool		remembered;		/* the last one is in row_memory.h ... */
	uint64		hash;			/* ... by this */
	struct TableScanDescData *table_scan;	/* SINGLE, SHARED without key: the
											 * slot's tuple lives in it */
	Snapshot	snapshot;		/* the newest, registered */
	TupleTableSlot *slot;		/* the row found */
	TupleTableSlot *new_slot;	/* the row to write */

	/* made when index entries are written for the first time */
	EState	   *estate;
	ResultRelInfo *rri;

	MemoryContext late_cxt;		/* of late_inserts: theirs, who are closed and
								 * opened again */
	struct Tuplestorestate *late_inserts;	/* with other unique indexes, all
											 * deletes go before all inserts;
											 * unlike a speculative insert, a
											 * late one does not give way to
											 * another transaction's */
	int64		inserted;
	int64		updated;
	int64		deleted;
} TvWriter;

/*
 * Open a store; a view is locked by the caller, a state table is locked with
 * RowExclusiveLock.  snapshot: the newest one, taken in
 * this command, or NULL to begin a new command and take one.
 */
extern TvWriter *tv_writer_open(const TvStoreAccess *access, Snapshot snapshot);

/* Late inserts are made, everything is released but the lock. */
extern void tv_writer_close(TvWriter *writer);

/*
 * Open a store after a pass over it and close that pass: what it was to insert
 * late is inserted by the new one, for the rows that this one deletes may be in
 * the way.
 */
extern TvWriter *tv_writer_open_again(TvWriter *before);

/* Go on under a new command, so that what was written is seen. */
extern void tv_writer_next_command(TvWriter *writer);

/* Take a newer snapshot, after a soft failure. */
extern void tv_writer_refresh(TvWriter *writer);

/* Take that of another writer, so that both see the same. */
extern void tv_writer_refresh_like(TvWriter *writer, const TvWriter *other);

/* Find the row with this key (KEY, SINGLE) into writer->slot. */
extern bool tv_writer_find(TvWriter *writer, const Datum *keys, const bool *nulls);

/*
 * Not found: may a row with this key (KEY) be inserted?  40001 if somebody
 * deleted one that the transaction's snapshot still sees.
 */
extern void tv_writer_check_absent(TvWriter *writer, const Datum *keys, const bool *nulls);

/*
 * Iterate over the rows with this image (BAG): first call with the row hash.
 * Rows whose image differs are passed over by the caller.
 */
extern void tv_writer_find_hash(TvWriter *writer, uint32 hash);
extern bool tv_writer_next(TvWriter *writer);

/* Iterate over the rows that share this key (SHARED), by tv_writer_next. */
extern void tv_writer_find_shared(TvWriter *writer, const Datum *keys, const bool *nulls);

/*
 * These were all: 40001 if somebody deleted one that the transaction's snapshot
 * still sees.
 */
extern void tv_writer_check_shared(TvWriter *writer, const Datum *keys, const bool *nulls);

/* Go back to a row found before, to update or delete it. */
extern void tv_writer_go_to(TvWriter *writer, const ItemPointerData *tid);

/* Lock the row in writer->slot; false: changed meanwhile. */
extern bool tv_writer_lock(TvWriter *writer);

/* Replace the row in writer->slot; false: changed meanwhile. */
extern bool tv_writer_update(TvWriter *writer, const Datum *values, const bool *nulls);

/* Delete the row in writer->slot; false: changed meanwhile. */
extern bool tv_writer_delete(TvWriter *writer);

/*
 * Insert a row.  speculative: false is returned when a row with that key
 * appeared meanwhile, instead of raising a unique violation.
 */
extern bool tv_writer_insert(TvWriter *writer, const Datum *values, const bool *nulls,
							 bool speculative);

#endif							/* TV_WRITER_H */
