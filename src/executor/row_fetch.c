/*-------------------------------------------------------------------------
 *
 * executor/row_fetch.c
 *	  Fetch rows by an index, from the place next to the last, or from memory.
 *
 * The server prunes a page that is visited if less is free than fillfactor
 * left at first.  In the pages of rows that are updated again and again this
 * is so after the first update for ever: every visit would clean up after the
 * one before, at several times the cost of the visit itself.  Here a page is
 * pruned when it is nearly full, so that many updates share the cost.
 *
 * A statement that changes many rows of a base table changes them in the order
 * in which they are stored, and the rows of a view are often stored in the same
 * one.  Then the next row to find is the one next to the last, and to look
 * there is much cheaper than to go down the index.  That it is tried only after
 * some rows have been next to one another keeps the others' cost as it was.
 *
 * A row of a unique key that stands where it was found the last time, under
 * whatever snapshot, is the one: no other row that the snapshot sees has the key.
 * So the version that was last seen is looked at first, for a row that is updated
 * often has many, and then those from the first on.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/relscan.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "utils/rel.h"

#include "executor/row_fetch.h"
#include "executor/row_memory.h"
#include "tv_compat.h"

/* A page with less free space, in bytes, is pruned: that of some rows. */
#define NEARLY_FULL	(BLCKSZ / 8)

/* So many rows next to one another make an order. */
#define ORDERED_RUN	3

static void
prune_if_full(Relation rel, Buffer buffer)
{
	/* read without a lock: the server looks again with one */
	Page		page = BufferGetPage(buffer);

	if (PageIsFull(page) || PageGetHeapFreeSpace(page) < NEARLY_FULL)
		heap_page_prune_opt(rel, buffer);
}

static void
visit(Relation rel, TvPlace *place, BlockNumber block)
{
	Buffer		before = place->buffer;

	place->buffer = ReleaseAndReadBuffer(before, rel, block);
	if (place->buffer != before)
		prune_if_full(rel, place->buffer);
}

/* Visit a page if it is still in the buffer in which it once was. */
static bool
revisit(Relation rel, TvPlace *place, BlockNumber block, Buffer buffer)
{
	if (BufferIsValid(place->buffer) && BufferGetBlockNumber(place->buffer) == block)
		return true;
	if (buffer <= 0 || buffer > NBuffers ||
		!ReadRecentBuffer(tv_relation_locator(rel), MAIN_FORKNUM, block, buffer))
		return false;
	pgstat_count_buffer_read(rel);
	pgstat_count_buffer_hit(rel);
	if (BufferIsValid(place->buffer))
		ReleaseBuffer(place->buffer);
	place->buffer = buffer;
	prune_if_full(rel, buffer);
	return true;
}

/*
 * The version that the snapshot sees of the row whose versions begin at root,
 * into the slot.  all_dead: nobody sees any.
 */
static bool
fetch(Relation rel, Snapshot snapshot, TvPlace *place, ItemPointer root, TupleTableSlot *slot,
	  bool *all_dead)
{
	HeapTuple	tuple = &((BufferHeapTupleTableSlot *) slot)->base.tupdata;
	ItemPointerData tid = *root;
	bool		found;

	Assert(TTS_IS_BUFFERTUPLE(slot));
	ExecClearTuple(slot);
	visit(rel, place, ItemPointerGetBlockNumber(root));
	LockBuffer(place->buffer, BUFFER_LOCK_SHARE);
	found = heap_hot_search_buffer(&tid, rel, place->buffer, snapshot, tuple, all_dead, true);
	LockBuffer(place->buffer, BUFFER_LOCK_UNLOCK);
	if (!found)
		return false;
	tuple->t_self = tid;
	slot->tts_tableOid = RelationGetRelid(rel);
	ExecStoreBufferHeapTuple(tuple, slot, place->buffer);
	return true;
}

/* The version at a place, if the snapshot sees it, into the slot. */
static bool
fetch_version(Relation rel, Snapshot snapshot, TvPlace *place, BlockNumber block,
			  OffsetNumber offset, TupleTableSlot *slot)
{
	HeapTuple	tuple = &((BufferHeapTupleTableSlot *) slot)->base.tupdata;
	Page		page;
	bool		found = false;

	ExecClearTuple(slot);
	visit(rel, place, block);
	LockBuffer(place->buffer, BUFFER_LOCK_SHARE);
	page = BufferGetPage(place->buffer);
	if (OffsetNumberIsValid(offset) && offset <= PageGetMaxOffsetNumber(page))
	{
		ItemId		item = PageGetItemId(page, offset);

		if (ItemIdIsNormal(item))
		{
			tuple->t_data = (HeapTupleHeader) PageGetItem(page, item);
			tuple->t_len = ItemIdGetLength(item);
			tuple->t_tableOid = RelationGetRelid(rel);
			ItemPointerSet(&tuple->t_self, block, offset);
			found = HeapTupleSatisfiesVisibility(tuple, snapshot, place->buffer);
		}
	}
	LockBuffer(place->buffer, BUFFER_LOCK_UNLOCK);
	if (!found)
		return false;
	slot->tts_tableOid = RelationGetRelid(rel);
	ExecStoreBufferHeapTuple(tuple, slot, place->buffer);
	return true;
}

/* Is one place the next after the other, in a page or at the start of the next page? */
static bool
is_next(ItemPointer last, ItemPointer next)
{
	BlockNumber a = ItemPointerGetBlockNumberNoCheck(last);
	BlockNumber b = ItemPointerGetBlockNumberNoCheck(next);

	if (!ItemPointerIsValid(last))
		return false;
	if (a == b)
		return ItemPointerGetOffsetNumber(next) == ItemPointerGetOffsetNumber(last) + 1;
	return b == a + 1 && ItemPointerGetOffsetNumber(next) == FirstOffsetNumber;
}

static void
moved_to(TvPlace *place, ItemPointer root)
{
	place->run = is_next(&place->root, root) ? Min(place->run + 1, ORDERED_RUN) : 0;
	place->root = *root;
}

bool
tv_row_fetch_next(IndexScanDesc scan, TvPlace *place, TupleTableSlot *slot)
{
	ItemPointer next;

	while ((next = index_getnext_tid(scan, ForwardScanDirection)) != NULL)
	{
		ItemPointerData root = *next;
		bool		all_dead;
		bool		found = fetch(scan->heapRelation, scan->xs_snapshot, place, &root, slot,
								  &all_dead);

		CHECK_FOR_INTERRUPTS();
		/* tells the index that its entry can be removed */
		if (!scan->xactStartedInRecovery)
			scan->kill_prior_tuple = all_dead;
		if (found)
		{
			pgstat_count_heap_fetch(scan->indexRelation);
			moved_to(place, &root);
			return true;
		}
	}
	ExecClearTuple(slot);
	return false;
}

static bool
has_keys(TupleTableSlot *slot, ScanKey keys, const AttrNumber *attnos, int nkeys)
{
	for (int i = 0; i < nkeys; i++)
	{
		bool		isnull;
		Datum		value = slot_getattr(slot, attnos[i], &isnull);

		if (isnull != ((keys[i].sk_flags & SK_ISNULL) != 0))
			return false;
		if (!isnull && !DatumGetBool(FunctionCall2Coll(&keys[i].sk_func, keys[i].sk_collation,
													   value, keys[i].sk_argument)))
			return false;
	}
	return true;
}

/* A page that VACUUM cut off must not be read; under our lock it cuts off none. */
static bool
exists(Relation rel, TvPlace *place, BlockNumber block)
{
	if (block >= place->nblocks)
		place->nblocks = RelationGetNumberOfBlocks(rel);
	return block < place->nblocks;
}

bool
tv_row_fetch_following(Relation rel, Snapshot snapshot, TvPlace *place, TupleTableSlot *slot,
					   ScanKey keys, const AttrNumber *attnos, int nkeys)
{
	ItemPointerData guess = place->root;
	bool		all_dead;

	if (place->run < ORDERED_RUN)
		return false;
	/* behind the last row of a page stand new versions of its rows */
	ItemPointerSetOffsetNumber(&guess, ItemPointerGetOffsetNumber(&guess) + 1);
	if (!fetch(rel, snapshot, place, &guess, slot, &all_dead))
	{
		ItemPointerSet(&guess, ItemPointerGetBlockNumber(&guess) + 1, FirstOffsetNumber);
		if (!exists(rel, place, ItemPointerGetBlockNumber(&guess)) ||
			!fetch(rel, snapshot, place, &guess, slot, &all_dead))
			return false;
	}
	if (!has_keys(slot, keys, attnos, nkeys))
	{
		ExecClearTuple(slot);
		return false;
	}
	moved_to(place, &guess);
	return true;
}

bool
tv_row_fetch_remembered(Relation rel, Snapshot snapshot, TvPlace *place, TupleTableSlot *slot,
						ScanKey keys, const AttrNumber *attnos, int nkeys, uint64 hash)
{
	TvRowPlace	last;
	BlockNumber block;
	bool		latest;
	bool		all_dead;

	if (!tv_row_memory_recall(hash, &last))
		return false;
	block = ItemPointerGetBlockNumber(&last.root);
	if (!revisit(rel, place, block, last.buffer) && !exists(rel, place, block))
		return false;
	/* what SERIALIZABLE reads is noted on the way from the first version */
	latest = !IsolationIsSerializable() &&
		fetch_version(rel, snapshot, place, block, last.latest, slot);
	if (!latest && !fetch(rel, snapshot, place, &last.root, slot, &all_dead))
		return false;
	if (!has_keys(slot, keys, attnos, nkeys))
	{
		ExecClearTuple(slot);
		return false;
	}
	moved_to(place, &last.root);
	if (!latest || place->buffer != last.buffer)
		tv_row_fetch_remember(place, slot, false, hash);
	return true;
}

void
tv_row_fetch_remember(const TvPlace *place, TupleTableSlot *slot, bool moved, uint64 hash)
{
	TvRowPlace	now;
	BlockNumber block = ItemPointerGetBlockNumber(&slot->tts_tid);

	now.root = moved ? slot->tts_tid : place->root;
	now.latest = ItemPointerGetOffsetNumber(&slot->tts_tid);
	now.buffer = block == ItemPointerGetBlockNumber(&place->root) ? place->buffer : InvalidBuffer;
	tv_row_memory_keep(hash, &now);
}

void
tv_row_fetch_release(TvPlace *place)
{
	if (BufferIsValid(place->buffer))
		ReleaseBuffer(place->buffer);
	place->buffer = InvalidBuffer;
}
