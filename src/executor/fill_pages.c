/*-------------------------------------------------------------------------
 *
 * executor/fill_pages.c
 *	  Append rows to a new relation, a page at a time.
 *
 * Rows are formed where they stay: in a page of our own, that becomes a page of
 * the relation when it is full, and goes to WAL as a whole.  So no row is
 * allocated, copied, or logged by itself, which is most of what inserting it
 * costs.  All else is as in heap_multi_insert(), with which it shares the
 * relation's fillfactor, and the shared buffers.
 *
 * Rows are a matter of heap, which is the access method of state tables, and
 * whose routine is that of views.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/heaptoast.h"
#include "access/htup_details.h"
#include "access/visibilitymap.h"
#include "access/xact.h"
#include "access/xloginsert.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "executor/fill_pages.h"
#include "executor/row_memory.h"
#include "tv_compat.h"

struct TvPages
{
	Relation	rel;
	TransactionId xid;
	CommandId	cid;
	int			options;
	Size		kept_free;		/* by the fillfactor */
	BufferAccessStrategy strategy;
	Buffer		vmbuffer;		/* if rows are frozen */
	MemoryContext cxt;			/* reset per large row */
	uint64		nremembered;	/* rows yet to be remembered, at most ... */
	int			nkeys;			/* ... by this key */
	const AttrNumber *keys;
	int			nhashes;		/* of this page: the first rows, by offset */
	uint64		hashes[MaxHeapTuplesPerPage];
	PGAlignedBlock page;
};

static void write_page(TvPages *pages);
static char *make_room(TvPages *pages, Size len);
static void set_header(TvPages *pages, HeapTupleHeader header);
static void put_large(TvPages *pages, const Datum *values, const bool *isnull);

static void
begin_page(TvPages *pages)
{
	PageInit(pages->page.data, BLCKSZ, 0);
	pages->nhashes = 0;
}

TvPages *
tv_pages_open(Relation rel, CommandId cid, int options)
{
	TvPages    *pages = palloc(sizeof(TvPages));

	pages->rel = rel;
	pages->xid = GetCurrentTransactionId();
	pages->cid = cid;
	pages->options = options;
	pages->kept_free = RelationGetTargetPageFreeSpace(rel, HEAP_DEFAULT_FILLFACTOR);
	pages->strategy = GetAccessStrategy(BAS_BULKWRITE);
	pages->vmbuffer = InvalidBuffer;
	pages->nremembered = 0;
	pages->cxt = AllocSetContextCreate(CurrentMemoryContext, "pg_tviews large row",
									   ALLOCSET_DEFAULT_SIZES);
	begin_page(pages);
	return pages;
}

void
tv_pages_remember(TvPages *pages, uint64 nrows, int nkeys, const AttrNumber *keys)
{
	pages->nremembered = nrows;
	pages->nkeys = nkeys;
	pages->keys = keys;
}

/* Note the row that was put last; where its page will be is not known yet. */
static void
note_row(TvPages *pages, const Datum *values, const bool *isnull)
{
	uint64		hash;

	if (pages->nremembered == 0)
		return;
	pages->nremembered--;
	hash = tv_row_memory_hash_row(pages->rel, values, isnull, pages->keys, pages->nkeys);
	tv_row_memory_prefetch(hash);
	pages->hashes[pages->nhashes++] = hash;
}

static void
remember_rows(TvPages *pages, Buffer buffer)
{
	TvRowPlace	place;

	place.buffer = buffer;
	for (int i = 0; i < pages->nhashes; i++)
	{
		place.latest = FirstOffsetNumber + i;
		ItemPointerSet(&place.root, BufferGetBlockNumber(buffer), place.latest);
		tv_row_memory_keep(pages->hashes[i], &place);
	}
}

/* Does a value stand elsewhere, so that it must be fetched? */
static bool
has_external(TupleDesc desc, const Datum *values, const bool *isnull)
{
	for (int i = 0; i < desc->natts; i++)
		if (TupleDescAttr(desc, i)->attlen == -1 && !isnull[i] &&
			VARATT_IS_EXTERNAL(DatumGetPointer(values[i])))
			return true;
	return false;
}

/* As heap_form_tuple() does it, but in place. */
void
tv_pages_put(TvPages *pages, const Datum *values, const bool *isnull)
{
	TupleDesc	desc = RelationGetDescr(pages->rel);
	Size		hoff = SizeofHeapTupleHeader;
	Size		data_len;
	bool		hasnull = false;
	HeapTupleHeader header;

	for (int i = 0; i < desc->natts && !hasnull; i++)
		hasnull = isnull[i];
	if (hasnull)
		hoff += BITMAPLEN(desc->natts);
	hoff = MAXALIGN(hoff);
	if (has_external(desc, values, isnull))
	{
		put_large(pages, values, isnull);
		note_row(pages, values, isnull);
		return;
	}
	data_len = heap_compute_data_size(desc, unconstify(Datum *, values), unconstify(bool *, isnull));
	if (hoff + data_len > TOAST_TUPLE_THRESHOLD)
	{
		put_large(pages, values, isnull);
		note_row(pages, values, isnull);
		return;
	}
	header = (HeapTupleHeader) make_room(pages, hoff + data_len);
	HeapTupleHeaderSetNatts(header, desc->natts);
	header->t_hoff = hoff;
	heap_fill_tuple(desc, unconstify(Datum *, values), unconstify(bool *, isnull),
					(char *) header + hoff, data_len, &header->t_infomask,
					hasnull ? header->t_bits : NULL);
	set_header(pages, header);
	note_row(pages, values, isnull);
}

/* A row that may have to be compressed, or stored in part elsewhere. */
static void
put_large(TvPages *pages, const Datum *values, const bool *isnull)
{
	MemoryContext oldcxt = MemoryContextSwitchTo(pages->cxt);
	HeapTuple	tuple = heap_form_tuple(RelationGetDescr(pages->rel), unconstify(Datum *, values),
										unconstify(bool *, isnull));
	char	   *place;

	tuple->t_tableOid = RelationGetRelid(pages->rel);
	set_header(pages, tuple->t_data);
	if (HeapTupleHasExternal(tuple) || tuple->t_len > TOAST_TUPLE_THRESHOLD)
		tuple = heap_toast_insert_or_update(pages->rel, tuple, NULL, pages->options);
	/* the server raises the error */
	if (MAXALIGN(tuple->t_len) > MaxHeapTupleSize)
		heap_insert(pages->rel, tuple, pages->cid, pages->options, NULL);
	place = make_room(pages, tuple->t_len);
	memcpy(place, tuple->t_data, tuple->t_len);
	MemoryContextSwitchTo(oldcxt);
	MemoryContextReset(pages->cxt);
}

static void
set_header(TvPages *pages, HeapTupleHeader header)
{
	header->t_infomask &= ~HEAP_XACT_MASK;
	header->t_infomask2 &= ~HEAP2_XACT_MASK;
	header->t_infomask |= HEAP_XMAX_INVALID;
	HeapTupleHeaderSetXmin(header, pages->xid);
	if (pages->options & TABLE_INSERT_FROZEN)
		HeapTupleHeaderSetXminFrozen(header);
	HeapTupleHeaderSetCmin(header, pages->cid);
	HeapTupleHeaderSetXmax(header, InvalidTransactionId);
}

/* The place of a tuple that is to be written there, in zeros. */
static char *
make_room(TvPages *pages, Size len)
{
	Page		page = pages->page.data;
	PageHeader	head = (PageHeader) page;
	OffsetNumber last = PageGetMaxOffsetNumber(page);

	Assert(MAXALIGN(len) <= MaxHeapTupleSize);
	if (last > 0 && PageGetHeapFreeSpace(page) < MAXALIGN(len) + pages->kept_free)
	{
		write_page(pages);
		begin_page(pages);
		last = 0;
	}
	head->pd_lower += sizeof(ItemIdData);
	head->pd_upper -= MAXALIGN(len);
	ItemIdSetNormal(PageGetItemId(page, last + 1), head->pd_upper, len);
	return page + head->pd_upper;
}

/* A new block at the end of the relation, locked. */
static Buffer
extend(TvPages *pages)
{
	bool		lock = !RELATION_IS_LOCAL(pages->rel);
	Buffer		buffer;

	if (lock)
		LockRelationForExtension(pages->rel, ExclusiveLock);
	buffer = ReadBufferExtended(pages->rel, MAIN_FORKNUM, P_NEW, RBM_ZERO_AND_LOCK,
								pages->strategy);
	if (lock)
		UnlockRelationForExtension(pages->rel, ExclusiveLock);
	return buffer;
}

static void
write_page(TvPages *pages)
{
	Relation	rel = pages->rel;
	Page		page = pages->page.data;
	OffsetNumber last = PageGetMaxOffsetNumber(page);
	bool		frozen = (pages->options & TABLE_INSERT_FROZEN) != 0;
	Buffer		buffer = extend(pages);
	BlockNumber block = BufferGetBlockNumber(buffer);

	for (OffsetNumber i = FirstOffsetNumber; i <= last; i++)
	{
		HeapTupleHeader header = (HeapTupleHeader) PageGetItem(page, PageGetItemId(page, i));

		ItemPointerSet(&header->t_ctid, block, i);
	}
	if (frozen)
	{
		LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
		visibilitymap_pin(rel, block, &pages->vmbuffer);
		LockBuffer(buffer, BUFFER_LOCK_EXCLUSIVE);
		PageSetAllVisible(page);
	}

	START_CRIT_SECTION();
	memcpy(BufferGetPage(buffer), page, BLCKSZ);
	MarkBufferDirty(buffer);
	if (RelationNeedsWAL(rel))
		(void) log_newpage_buffer(buffer, true);
	END_CRIT_SECTION();

	if (frozen)
		visibilitymap_set(rel, block, buffer, InvalidXLogRecPtr, pages->vmbuffer,
						  InvalidTransactionId,
						  VISIBILITYMAP_ALL_VISIBLE | VISIBILITYMAP_ALL_FROZEN);
	remember_rows(pages, buffer);
	UnlockReleaseBuffer(buffer);
	pgstat_count_heap_insert(rel, last);
}

void
tv_pages_close(TvPages *pages)
{
	if (PageGetMaxOffsetNumber(pages->page.data) > 0)
		write_page(pages);
	if (BufferIsValid(pages->vmbuffer))
		ReleaseBuffer(pages->vmbuffer);
	FreeAccessStrategy(pages->strategy);
	MemoryContextDelete(pages->cxt);
	pfree(pages);
}
