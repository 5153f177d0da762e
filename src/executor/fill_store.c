/*-------------------------------------------------------------------------
 *
 * executor/fill_store.c
 *	  Fill an empty view or state table.
 *
 * While a query runs that gives the rows, nothing is done but to insert them:
 * it may run in parallel mode, where no index can be built and no command begun.
 *
 * The first rows are inserted as a batch by the server, for they may be all: then
 * index entries are made one by one.  What follows goes page by page.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/rel.h"

#include "executor/fill_pages.h"
#include "executor/fill_store.h"
#include "executor/row_memory.h"
#include "tv_compat.h"

/* So many rows, or bytes, are the first batch. */
#define TV_BATCH_ROWS 1000
#define TV_BATCH_BYTES 65536

struct TvFill
{
	MemoryContext cxt;
	Relation	rel;
	CommandId	cid;
	int			options;
	BulkInsertState bulk;
	TupleTableSlot *row;		/* of tv_fill_put() */
	TupleTableSlot *slots[TV_BATCH_ROWS];	/* made when needed */
	int			nslots;
	int			nfilled;
	Size		bytes;
	TvPages    *pages;			/* after the first batch */
	uint64		nrows;			/* inserted */
	uint64		nremembered;	/* at most so many of them are remembered */
	int			nkeys;			/* ... by this key */
	const AttrNumber *keys;
};

TvFill *
tv_fill_open(Oid relid, LOCKMODE lockmode, bool frozen)
{
	TvFill	   *fill = palloc0(sizeof(TvFill));

	fill->cxt = CurrentMemoryContext;
	fill->rel = table_open(relid, lockmode);
	fill->cid = GetCurrentCommandId(true);
	fill->options = TABLE_INSERT_SKIP_FSM | (frozen ? TABLE_INSERT_FROZEN : 0);
	fill->bulk = GetBulkInsertState();
	fill->row = MakeSingleTupleTableSlot(RelationGetDescr(fill->rel), &TTSOpsVirtual);
	return fill;
}

/*
 * While the rows are at hand this costs little, and it saves each of them its first
 * way down the index.  Rows of other tables that are remembered are left half of
 * the room.
 */
void
tv_fill_remember(TvFill *fill, int nkeys, const AttrNumber *keys)
{
	fill->nremembered = tv_row_memory_size() / 2;
	fill->nkeys = nkeys;
	fill->keys = keys;
}

static void
remember_batch(TvFill *fill)
{
	for (int i = 0; i < fill->nfilled && i < fill->nremembered; i++)
	{
		TupleTableSlot *slot = fill->slots[i];
		TvRowPlace	place;

		slot_getallattrs(slot);
		place.root = slot->tts_tid;
		place.latest = ItemPointerGetOffsetNumber(&place.root);
		place.buffer = InvalidBuffer;
		tv_row_memory_keep(tv_row_memory_hash_row(fill->rel, slot->tts_values, slot->tts_isnull,
												  fill->keys, fill->nkeys), &place);
	}
}

/* Insert the rows of the batch; their slots know where, and keep them. */
static void
insert_batch(TvFill *fill)
{
	if (fill->nfilled == 0)
		return;
	table_multi_insert(fill->rel, fill->slots, fill->nfilled, fill->cid, fill->options, fill->bulk);
	remember_batch(fill);
	fill->nrows += fill->nfilled;
}

static void
free_batch(TvFill *fill)
{
	for (int i = 0; i < fill->nslots; i++)
		ExecDropSingleTupleTableSlot(fill->slots[i]);
	fill->nslots = fill->nfilled = 0;
	FreeBulkInsertState(fill->bulk);
	fill->bulk = NULL;
}

/* There are more rows than fit the batch. */
static void
begin_pages(TvFill *fill)
{
	MemoryContext oldcxt = MemoryContextSwitchTo(fill->cxt);

	insert_batch(fill);
	free_batch(fill);
	fill->pages = tv_pages_open(fill->rel, fill->cid, fill->options);
	if (fill->nremembered > fill->nrows)
		tv_pages_remember(fill->pages, fill->nremembered - fill->nrows, fill->nkeys, fill->keys);
	MemoryContextSwitchTo(oldcxt);
}

/* Add a row to the first batch. */
static void
put_in_batch(TvFill *fill, TupleTableSlot *slot)
{
	MemoryContext oldcxt;
	TupleTableSlot *copy;
	HeapTuple	tuple;
	bool		free;

	if (fill->nfilled == fill->nslots)
	{
		oldcxt = MemoryContextSwitchTo(fill->cxt);
		fill->slots[fill->nslots++] = table_slot_create(fill->rel, NULL);
		MemoryContextSwitchTo(oldcxt);
	}
	copy = fill->slots[fill->nfilled++];
	ExecCopySlot(copy, slot);
	copy->tts_tableOid = RelationGetRelid(fill->rel);
	tuple = ExecFetchSlotHeapTuple(copy, true, &free);
	fill->bytes += tuple->t_len;
}

/* Is the first batch still open?  If it is full, it is inserted. */
static bool
in_batch(TvFill *fill)
{
	CHECK_FOR_INTERRUPTS();
	if (fill->pages == NULL &&
		(fill->nfilled == TV_BATCH_ROWS || fill->bytes >= TV_BATCH_BYTES))
		begin_pages(fill);
	return fill->pages == NULL;
}

void
tv_fill_put_slot(TvFill *fill, TupleTableSlot *slot)
{
	if (in_batch(fill))
	{
		put_in_batch(fill, slot);
		return;
	}
	slot_getallattrs(slot);
	tv_pages_put(fill->pages, slot->tts_values, slot->tts_isnull);
	fill->nrows++;
}

void
tv_fill_put(TvFill *fill, const Datum *values, const bool *isnull)
{
	TupleTableSlot *row = fill->row;
	int			natts = row->tts_tupleDescriptor->natts;

	if (!in_batch(fill))
	{
		tv_pages_put(fill->pages, values, isnull);
		fill->nrows++;
		return;
	}
	ExecClearTuple(row);
	memcpy(row->tts_values, values, sizeof(Datum) * natts);
	memcpy(row->tts_isnull, isnull, sizeof(bool) * natts);
	ExecStoreVirtualTuple(row);
	put_in_batch(fill, row);
}

/* Make index entries of the first batch, which has all rows. */
static void
index_batch(TvFill *fill)
{
	EState	   *estate = CreateExecutorState();
	ResultRelInfo *rri = makeNode(ResultRelInfo);

	InitResultRelInfo(rri, fill->rel, 0, NULL, 0);
	ExecOpenIndices(rri, false);
	for (int i = 0; i < fill->nfilled && rri->ri_NumIndices > 0; i++)
	{
		(void) tv_compat_insert_index_tuples(rri, fill->slots[i], estate, false, false, NULL,
											 NIL, false);
		ResetPerTupleExprContext(estate);
	}
	ExecCloseIndices(rri);
	FreeExecutorState(estate);
}

uint64
tv_fill_close(TvFill *fill, bool build)
{
	uint64		nrows;
	Oid			relid = RelationGetRelid(fill->rel);

	if (fill->pages)
	{
		tv_pages_close(fill->pages);
		build = true;
	}
	else
	{
		insert_batch(fill);
		if (!build)
			index_batch(fill);
		free_batch(fill);
	}
	nrows = fill->nrows;
	ExecDropSingleTupleTableSlot(fill->row);
	table_finish_bulk_insert(fill->rel, fill->options);
	table_close(fill->rel, NoLock);
	pfree(fill);
	CommandCounterIncrement();
	if (build)
		tv_compat_reindex_relation(relid);
	return nrows;
}
