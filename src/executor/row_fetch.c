/*-------------------------------------------------------------------------
 *
 * executor/row_fetch.c
 *	  The next row of an index scan, without pruning its page each time.
 *
 * The server prunes a page that is visited if less is free than fillfactor
 * left at first.  In the pages of rows that are updated again and again this
 * is so after the first update for ever: every visit would clean up after the
 * one before, at several times the cost of the visit itself.  Here a page is
 * pruned when it is nearly full, so that many updates share the cost.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/relscan.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "utils/rel.h"

#include "executor/row_fetch.h"

/* A page with less free space, in bytes, is pruned: that of some rows. */
#define NEARLY_FULL	(BLCKSZ / 8)

static void
visit(Relation rel, Buffer *buffer, BlockNumber block)
{
	Buffer		before = *buffer;

	*buffer = ReleaseAndReadBuffer(before, rel, block);
	if (*buffer != before)
	{
		/* read without a lock: the server looks again with one */
		Page		page = BufferGetPage(*buffer);

		if (PageIsFull(page) || PageGetHeapFreeSpace(page) < NEARLY_FULL)
			heap_page_prune_opt(rel, *buffer);
	}
}

bool
tv_row_fetch_next(IndexScanDesc scan, Buffer *buffer, TupleTableSlot *slot)
{
	BufferHeapTupleTableSlot *buffer_slot = (BufferHeapTupleTableSlot *) slot;
	HeapTuple	tuple = &buffer_slot->base.tupdata;
	ItemPointer next;

	Assert(TTS_IS_BUFFERTUPLE(slot));
	while ((next = index_getnext_tid(scan, ForwardScanDirection)) != NULL)
	{
		ItemPointerData tid = *next;
		bool		all_dead;
		bool		found;

		CHECK_FOR_INTERRUPTS();
		ExecClearTuple(slot);
		visit(scan->heapRelation, buffer, ItemPointerGetBlockNumber(&tid));
		LockBuffer(*buffer, BUFFER_LOCK_SHARE);
		found = heap_hot_search_buffer(&tid, scan->heapRelation, *buffer, scan->xs_snapshot,
									   tuple, &all_dead, true);
		LockBuffer(*buffer, BUFFER_LOCK_UNLOCK);
		/* tells the index that its entry can be removed */
		if (!scan->xactStartedInRecovery)
			scan->kill_prior_tuple = all_dead;
		if (found)
		{
			tuple->t_self = tid;
			slot->tts_tableOid = RelationGetRelid(scan->heapRelation);
			ExecStoreBufferHeapTuple(tuple, slot, *buffer);
			pgstat_count_heap_fetch(scan->indexRelation);
			return true;
		}
	}
	ExecClearTuple(slot);
	return false;
}
