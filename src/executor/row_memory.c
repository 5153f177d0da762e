/*-------------------------------------------------------------------------
 *
 * executor/row_memory.c
 *	  Where rows with a unique key were last found, shared by all backends.
 *
 * To go down an index takes most of the time that the maintenance of one row
 * takes.  The same rows are mostly looked for again: of the groups that are
 * changed, and of the small tables that a change is joined to.
 *
 * The memory is a fixed part of shared memory, in sets of a few entries each
 * that stand in one cache line.  Nothing is locked: an entry that is read while
 * it is written is as wrong as an old one, and does as little harm.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "storage/bufmgr.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/datum.h"

#include "executor/row_memory.h"
#include "tv_compat.h"

/* Entries of a set: a cache line. */
#define TV_MEMORY_WAYS 4

/* Sets for each shared buffer: a 64th of its size. */
#define TV_MEMORY_SETS_PER_BUFFER 2
#define TV_MEMORY_MAX_SETS (1024 * 1024)

/* The bits of a hash that choose a page of sets. */
#define TV_MEMORY_PAGE_SETS 64
#define TV_MEMORY_PAGES_MASK ((uint64) (PG_UINT32_MAX & ~(uint32) (TV_MEMORY_PAGE_SETS - 1)))

/* So many neighbours share a page, a fourth of which they take. */
#define TV_MEMORY_NEIGHBOURS 64

typedef struct MemoryEntry
{
	uint32		tag;			/* 0: empty */
	BlockNumber block;
	OffsetNumber offset;		/* where the versions begin */
	OffsetNumber latest;		/* the one last seen */
	Buffer		buffer;
} MemoryEntry;

typedef struct MemorySet
{
	MemoryEntry ways[TV_MEMORY_WAYS];
} MemorySet;

/* NULL: the library is not preloaded, and nothing is remembered. */
static MemorySet *sets = NULL;
static uint32 nsets = 0;

static shmem_request_hook_type prev_shmem_request = NULL;
static shmem_startup_hook_type prev_shmem_startup = NULL;

/* The finalizer of MurmurHash3. */
static uint64
mix(uint64 hash)
{
	hash ^= hash >> 33;
	hash *= UINT64CONST(0xff51afd7ed558ccd);
	hash ^= hash >> 33;
	hash *= UINT64CONST(0xc4ceb9fe1a85ec53);
	return hash ^ hash >> 33;
}

static uint64
hash_relation(Relation rel)
{
	return mix((uint64) MyDatabaseId << 32 | tv_relation_file_number(rel));
}

/*
 * Rows with neighbouring numbers as keys share a page of the memory, for they
 * are often looked for, or stored, one after the other.
 */
static uint64
add_value(uint64 hash, Datum value, bool isnull, bool typbyval, int16 typlen)
{
	uint64		page;

	if (isnull)
		return mix(hash);
	if (!typbyval)
		return mix(hash ^ datum_image_hash(value, false, typlen));
	page = mix(hash ^ (uint64) value / TV_MEMORY_NEIGHBOURS);
	hash = mix(hash ^ (uint64) value);
	return (hash & ~TV_MEMORY_PAGES_MASK) | (page & TV_MEMORY_PAGES_MASK);
}

uint64
tv_row_memory_hash(Relation rel, const ScanKeyData *keys, const TvKeyPassing *passing, int nkeys)
{
	uint64		hash = hash_relation(rel);

	for (int i = 0; i < nkeys; i++)
		hash = add_value(hash, keys[i].sk_argument, (keys[i].sk_flags & SK_ISNULL) != 0,
						 passing[i].typbyval, passing[i].typlen);
	return hash;
}

uint64
tv_row_memory_hash_row(Relation rel, const Datum *values, const bool *isnull,
					   const AttrNumber *keys, int nkeys)
{
	uint64		hash = hash_relation(rel);

	for (int i = 0; i < nkeys; i++)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), keys[i] - 1);

		hash = add_value(hash, values[keys[i] - 1], isnull[keys[i] - 1], att->attbyval, att->attlen);
	}
	return hash;
}

static MemorySet *
set_of(uint64 hash, uint32 *tag)
{
	*tag = (uint32) (hash >> 32) | 1;
	return &sets[(uint32) hash & (nsets - 1)];
}

bool
tv_row_memory_recall(uint64 hash, TvRowPlace *place)
{
	MemorySet  *set;
	uint32		tag;

	if (sets == NULL)
		return false;
	set = set_of(hash, &tag);
	for (int i = 0; i < TV_MEMORY_WAYS; i++)
	{
		MemoryEntry entry = set->ways[i];

		if (entry.tag != tag || !OffsetNumberIsValid(entry.offset))
			continue;
		ItemPointerSet(&place->root, entry.block, entry.offset);
		place->latest = entry.latest;
		place->buffer = entry.buffer;
		return true;
	}
	return false;
}

void
tv_row_memory_keep(uint64 hash, const TvRowPlace *place)
{
	static uint32 turn = 0;
	MemoryEntry *entry = NULL;
	MemorySet  *set;
	uint32		tag;

	if (sets == NULL)
		return;
	set = set_of(hash, &tag);
	for (int i = 0; i < TV_MEMORY_WAYS && (entry == NULL || entry->tag != tag); i++)
		if (set->ways[i].tag == tag || (entry == NULL && set->ways[i].tag == 0))
			entry = &set->ways[i];
	if (entry == NULL)
		entry = &set->ways[turn++ % TV_MEMORY_WAYS];
	entry->tag = tag;
	entry->block = ItemPointerGetBlockNumber(&place->root);
	entry->offset = ItemPointerGetOffsetNumber(&place->root);
	entry->latest = place->latest;
	entry->buffer = place->buffer;
}

void
tv_row_memory_prefetch(uint64 hash)
{
	uint32		tag;

	if (sets)
		__builtin_prefetch(set_of(hash, &tag), 1);
}

uint64
tv_row_memory_size(void)
{
	return sets ? (uint64) nsets * TV_MEMORY_WAYS : 0;
}

/* A power of two. */
static uint32
sets_for_buffers(void)
{
	uint32		wanted = (uint32) Min(NBuffers, TV_MEMORY_MAX_SETS) * TV_MEMORY_SETS_PER_BUFFER;

	return (uint32) 1 << pg_leftmost_one_pos32(Min(wanted, TV_MEMORY_MAX_SETS));
}

/* Sets begin at cache lines. */
static Size
memory_size(void)
{
	return add_size(mul_size(sets_for_buffers(), sizeof(MemorySet)), PG_CACHE_LINE_SIZE);
}

static void
request_shmem(void)
{
	if (prev_shmem_request)
		prev_shmem_request();
	RequestAddinShmemSpace(memory_size());
}

static void
startup_shmem(void)
{
	bool		found;
	void	   *start;

	if (prev_shmem_startup)
		prev_shmem_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	start = ShmemInitStruct("pg_tviews row memory", memory_size(), &found);
	nsets = sets_for_buffers();
	sets = (MemorySet *) TYPEALIGN(PG_CACHE_LINE_SIZE, start);
	if (!found)
		memset(sets, 0, sizeof(MemorySet) * nsets);
	LWLockRelease(AddinShmemInitLock);
}

void
tv_row_memory_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;
	prev_shmem_request = shmem_request_hook;
	shmem_request_hook = request_shmem;
	prev_shmem_startup = shmem_startup_hook;
	shmem_startup_hook = startup_shmem;
}
