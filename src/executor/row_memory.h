/*-------------------------------------------------------------------------
 *
 * executor/row_memory.h
 *	  Where rows with a unique key were last found, shared by all backends.
 *
 * What is remembered may be old: whoever uses it looks whether the row that he
 * wants stands there.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_ROW_MEMORY_H
#define TV_ROW_MEMORY_H

#include "access/skey.h"
#include "storage/buf.h"
#include "storage/itemptr.h"
#include "utils/rel.h"

/* How values of a column of the key are passed. */
typedef struct TvKeyPassing
{
	int16		typlen;
	bool		typbyval;
} TvKeyPassing;

/* For the arguments of scan keys about a table: what stands for a row in the memory. */
extern uint64 tv_row_memory_hash(Relation rel, const ScanKeyData *keys,
								 const TvKeyPassing *passing, int nkeys);

/*
 * The place where the versions of the row begin, and the buffer in which its
 * page was.  Neither needs to exist.
 */
extern bool tv_row_memory_recall(uint64 hash, ItemPointer root, Buffer *buffer);
extern void tv_row_memory_keep(uint64 hash, const ItemPointerData *root, Buffer buffer);

/* When the library is loaded. */
extern void tv_row_memory_init(void);

#endif							/* TV_ROW_MEMORY_H */
