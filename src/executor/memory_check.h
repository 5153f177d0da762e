/*-------------------------------------------------------------------------
 *
 * executor/memory_check.h
 *	  How much more memory may a table of a flush take?
 *
 * What a hash table of a query may: work_mem times hash_mem_multiplier.  A test can
 * be built with less, down to nothing:
 *
 *		make COPT='-DTV_FIRST_CHECK=1 -DTV_MEMORY_LIMIT=0'
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_MEMORY_CHECK_H
#define TV_MEMORY_CHECK_H

#include "executor/nodeHash.h"
#include "utils/memutils.h"

/* The memory of fewer rows is not looked at. */
#ifndef TV_FIRST_CHECK
#define TV_FIRST_CHECK 64
#endif

#ifndef TV_MEMORY_LIMIT
#define TV_MEMORY_LIMIT get_hash_memory_limit()
#endif

/* Of what is all in this context. */
static inline Size
tv_memory_left(MemoryContext cxt)
{
	Size		taken = MemoryContextMemAllocated(cxt, false);
	Size		limit = TV_MEMORY_LIMIT;

	return taken < limit ? limit - taken : 0;
}

/* After how many rows to look again, if so many are there and so much room is left. */
static inline int64
tv_memory_rows(MemoryContext cxt, Size left, int64 nrows)
{
	Size		row = MemoryContextMemAllocated(cxt, false) / (nrows + 1) + 1;

	return Max(1, Min(1024, left / row / 4));
}

#endif							/* TV_MEMORY_CHECK_H */
