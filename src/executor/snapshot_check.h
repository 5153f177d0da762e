/*-------------------------------------------------------------------------
 *
 * executor/snapshot_check.h
 *	  May a view be read under this snapshot?
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_SNAPSHOT_CHECK_H
#define TV_SNAPSHOT_CHECK_H

#include "nodes/pg_list.h"
#include "utils/snapshot.h"

/*
 * Raise 40001 if one of these relations (List of Oid, locked) is a maintained
 * view that was filled with rows that the snapshot does not see.  Other
 * relations, and snapshots that are none of MVCC, pass.
 */
extern void tv_snapshot_check(List *relids, Snapshot snapshot);

/* Is one of them such a view? */
extern bool tv_snapshot_too_old(List *relids, Snapshot snapshot);

/*
 * Let snapshots older than this transaction not be shown these views (List of
 * Oid, locked in ShareUpdateExclusiveLock mode).
 */
extern void tv_snapshot_shut_out_older(List *views);

/*
 * This transaction has filled a view with rows that its own snapshot, which it
 * keeps, does not see.  Others may read it.
 */
extern void tv_snapshot_note_newer(Oid view);
extern bool tv_snapshot_is_newer(Oid view);
extern void tv_snapshot_end_transaction(void);

#endif							/* TV_SNAPSHOT_CHECK_H */
