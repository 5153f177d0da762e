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

/* The same for a row; the columns of the key are in the order of the scan keys. */
extern uint64 tv_row_memory_hash_row(Relation rel, const Datum *values, const bool *isnull,
									 const AttrNumber *keys, int nkeys);

/*
 * The place where the versions of a row begin, in the same page that of the
 * version last seen, and the buffer in which that page was.  None of them needs
 * to exist.
 */
typedef struct TvRowPlace
{
	ItemPointerData root;
	OffsetNumber latest;
	Buffer		buffer;
} TvRowPlace;

extern bool tv_row_memory_recall(uint64 hash, TvRowPlace *place);
extern void tv_row_memory_keep(uint64 hash, const TvRowPlace *place);

/* Tell the processor that a row is about to be remembered: the memory is not in its caches. */
extern void tv_row_memory_prefetch(uint64 hash);

/* So many rows can be remembered, of all tables. */
extern uint64 tv_row_memory_size(void);

/* When the library is loaded. */
extern void tv_row_memory_init(void);

#endif							/* TV_ROW_MEMORY_H */
