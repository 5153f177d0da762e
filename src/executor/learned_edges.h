/*-------------------------------------------------------------------------
 *
 * executor/learned_edges.h
 *	  Which edges are locked for both sides, and until when.
 *
 * A table of fixed size in shared memory that is read and written without a
 * lock.  An edge is known by a hash of 64 bits.  Two that are remembered at the
 * same moment may lose one another, and a full table forgets: who relies on it
 * must be right either way.  Never is one edge taken for another unless half of
 * their hashes are equal.
 *
 * Needs nothing of the server but its atomic operations.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_LEARNED_EDGES_H
#define TV_LEARNED_EDGES_H

#include "port/atomics.h"

#define TV_LEARNED_SLOTS 4096

/* An edge may be remembered in one of so many slots, which its hash chooses. */
#define TV_LEARNED_WAYS 4

/* Another half of the edge's hash, and, in the low half, until when, in seconds. */
typedef struct TvLearnedEdges
{
	pg_atomic_uint64 slots[TV_LEARNED_SLOTS];
} TvLearnedEdges;

/* An empty table. */
extern void tv_learned_init(TvLearnedEdges *learned);

/* Is the edge remembered at this time (seconds of any epoch)? */
extern bool tv_learned_holds(TvLearnedEdges *learned, uint64 edge, uint32 now);

/*
 * Remember the edge up to, not including, a time.  It takes the place of one
 * whose time is over if there is one, else of another.
 */
extern void tv_learned_remember(TvLearnedEdges *learned, uint64 edge, uint32 now, uint32 until);

#endif							/* TV_LEARNED_EDGES_H */
