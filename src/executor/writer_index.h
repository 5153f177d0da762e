/*-------------------------------------------------------------------------
 *
 * executor/writer_index.h
 *	  Index entries of the rows that maintenance writes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_WRITER_INDEX_H
#define TV_WRITER_INDEX_H

#include "executor/writer.h"

/* What is needed to write index entries: not for updates in place. */
extern void tv_writer_open_indexes(TvWriter *writer);

/*
 * Index entries of the row in new_slot.  update, only_summarizing: as the update
 * told.  arbiters: indexes (List of Oid) that may hold the row's key already, in
 * which case false is returned.
 */
extern bool tv_writer_insert_entries(TvWriter *writer, bool update, bool only_summarizing,
									 List *arbiters);

/*
 * Insert the row in new_slot unless its key is there, which is rare: so nobody
 * looks for it first, and the row is taken back if its index entry meets another.
 */
extern bool tv_writer_insert_speculatively(TvWriter *writer, List *arbiters);

/* Wait for a transaction that is inserting or deleting the same key; false if the key stays. */
extern bool tv_writer_wait_for_key(TvWriter *writer, List *arbiters);

#endif							/* TV_WRITER_INDEX_H */
