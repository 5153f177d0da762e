/*-------------------------------------------------------------------------
 *
 * executor/capture.h
 *	  Take the changes of base tables.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_CAPTURE_H
#define TV_CAPTURE_H

#include "nodes/pg_list.h"

/*
 * The rows that the table stores (not those of its children) have come to
 * (weight 1) or leave (-1) these sources (List of Oid), ancestors of it: by ATTACH,
 * DETACH, DROP and the like.  The caller holds a lock on the table that keeps
 * writers out.  Raises 40001 if the transaction's snapshot does not see just
 * these rows.
 */
extern void tv_capture_table(Oid relid, List *sources, int64 weight);

/*
 * Rows that COPY brought to the table are frozen: snapshots that are older see
 * them, too.
 */
extern void tv_capture_frozen(Oid relid);

#endif							/* TV_CAPTURE_H */
