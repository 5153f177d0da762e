/*-------------------------------------------------------------------------
 *
 * executor/fill_store.c
 *	  Fill an empty view or state table.
 *
 * While a query runs that gives the rows, nothing is done but to insert them:
 * it may run in parallel mode, where no index can be built and no command begun.
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

#include "executor/fill_store.h"
#include "tv_compat.h"

/*
 * So many rows, or bytes, are inserted at a time.  Of a single batch, index
 * entries are made one by one.
 */
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
	uint64		nrows;			/* inserted */
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

/* Insert the rows of the batch; their slots know where, and keep them. */
static void
insert_batch(TvFill *fill)
{
	MemoryContext oldcxt;
	MemoryContext cxt;

	if (fill->nfilled == 0)
		return;
	/* the server's function leaves things behind */
	cxt = AllocSetContextCreate(fill->cxt, "pg_tviews fill", ALLOCSET_DEFAULT_SIZES);
	oldcxt = MemoryContextSwitchTo(cxt);
	table_multi_insert(fill->rel, fill->slots, fill->nfilled, fill->cid, fill->options, fill->bulk);
	MemoryContextSwitchTo(oldcxt);
	MemoryContextDelete(cxt);
	fill->nrows += fill->nfilled;
}

static void
clear_batch(TvFill *fill)
{
	for (int i = 0; i < fill->nfilled; i++)
		ExecClearTuple(fill->slots[i]);
	fill->nfilled = 0;
	fill->bytes = 0;
}

void
tv_fill_put_slot(TvFill *fill, TupleTableSlot *slot)
{
	MemoryContext oldcxt;
	TupleTableSlot *copy;
	HeapTuple	tuple;
	bool		free;

	CHECK_FOR_INTERRUPTS();
	if (fill->nfilled == TV_BATCH_ROWS || fill->bytes >= TV_BATCH_BYTES)
	{
		insert_batch(fill);
		clear_batch(fill);
	}
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

void
tv_fill_put(TvFill *fill, const Datum *values, const bool *isnull)
{
	TupleTableSlot *row = fill->row;
	int			natts = row->tts_tupleDescriptor->natts;

	ExecClearTuple(row);
	memcpy(row->tts_values, values, sizeof(Datum) * natts);
	memcpy(row->tts_isnull, isnull, sizeof(bool) * natts);
	ExecStoreVirtualTuple(row);
	tv_fill_put_slot(fill, row);
}

/* Make index entries of the last batch, which has all rows. */
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

	insert_batch(fill);
	nrows = fill->nrows;
	build |= nrows > fill->nfilled;
	if (!build)
		index_batch(fill);
	clear_batch(fill);
	for (int i = 0; i < fill->nslots; i++)
		ExecDropSingleTupleTableSlot(fill->slots[i]);
	ExecDropSingleTupleTableSlot(fill->row);
	FreeBulkInsertState(fill->bulk);
	table_finish_bulk_insert(fill->rel, fill->options);
	table_close(fill->rel, NoLock);
	pfree(fill);
	CommandCounterIncrement();
	if (build)
		tv_compat_reindex_relation(relid);
	return nrows;
}
