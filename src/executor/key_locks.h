/*-------------------------------------------------------------------------
 *
 * executor/key_locks.h
 *	  Lock what a change meets, before it is looked at.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_KEY_LOCKS_H
#define TV_KEY_LOCKS_H

#include "executor/flush_internal.h"

/*
 * Lock the keys by which rows of the inputs (List of TvInput *, for the changed
 * sources) can meet changes of other leaves.  A snapshot taken afterwards sees
 * what such changes were committed; others wait for this transaction.
 */
extern void tv_key_locks_join(TvNodeFlush *flush, List *inputs, const Bitmapset *changed);

/*
 * Lock the groups that the node is going to recompute, likewise.
 */
extern void tv_key_locks_groups(TvNodeFlush *flush, TvGroupTable *touched);

/* Lock all that the node keeps of its rows, likewise. */
extern void tv_key_locks_node(TvNodeFlush *flush);

#endif							/* TV_KEY_LOCKS_H */
