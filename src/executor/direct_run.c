/*-------------------------------------------------------------------------
 *
 * executor/direct_run.c
 *	  Run direct plans, row by row.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "executor/direct_internal.h"
#include "tv_compat.h"

/* Of a run that looks for many rows, so many are remembered. */
#define TV_REMEMBERED_ROWS 64

static void rescan(TvDirectNode *node);
static void open_input(TvDirectNode *node);

void
tv_direct_begin(TvDirectNode *node)
{
	if (node->kind == TV_DIRECT_INPUT_SCAN)
		open_input(node);
	node->current = 0;
	node->started = false;
	node->need_outer = true;
	node->filled = false;
	node->rows = NIL;
	node->nlooked = 0;
	for (int i = 0; i < node->nchildren; i++)
		tv_direct_begin(node->children[i]);
}

void
tv_direct_end(TvDirectNode *node)
{
	for (int i = 0; i < node->nchildren; i++)
		tv_direct_end(node->children[i]);
	if (node->slot)
		ExecClearTuple(node->slot);
	if (node->further)
		ExecClearTuple(node->further);
	if (node->projection)
		ExecClearTuple(node->projection->pi_state.resultslot);
	ResetExprContext(node->econtext);
	if (node->kind == TV_DIRECT_INPUT_SCAN)
		tv_row_store_close(&node->cursor);
	if (node->scan)
		index_endscan(node->scan);
	node->scan = NULL;
	if (node->index)
		index_close(node->index, NoLock);
	node->index = NULL;
	tv_row_fetch_release(&node->place);
	memset(&node->place, 0, sizeof(TvPlace));
	if (node->table_scan)
		table_endscan(node->table_scan);
	node->table_scan = NULL;
	if (node->rel)
		table_close(node->rel, NoLock);
	node->rel = NULL;
}

/* Several nodes may read one relation at different places. */
static void
open_input(TvDirectNode *node)
{
	TvInput    *input = tv_run_find_input(node->direct->inputs, node->name);

	tv_row_store_begin(input->rows, &node->cursor, !node->shared);
}

/* From the start, with the parameters as they are now. */
static void
rescan(TvDirectNode *node)
{
	switch (node->kind)
	{
		case TV_DIRECT_INPUT_SCAN:
			tv_row_store_rewind(&node->cursor);
			return;
		case TV_DIRECT_TABLE_SCAN:
		case TV_DIRECT_INDEX_SCAN:
			node->started = false;
			return;
		case TV_DIRECT_MATERIAL:
			node->current = 0;
			if (node->filled && node->keeps)
				return;
			node->filled = false;
			break;
		case TV_DIRECT_NEST_LOOP:
			/* the inner side is scanned again for each outer row */
			node->need_outer = true;
			rescan(node->children[0]);
			return;
		case TV_DIRECT_RESULT:
		case TV_DIRECT_APPEND:
		case TV_DIRECT_SUBQUERY_SCAN:
			node->current = 0;
			break;
	}
	for (int i = 0; i < node->nchildren; i++)
		rescan(node->children[i]);
}

static void
start_table_scan(TvDirectNode *node)
{
	MemoryContext oldcxt;

	if (node->table_scan)
	{
		table_rescan(node->table_scan, NULL);
		return;
	}
	oldcxt = MemoryContextSwitchTo(node->direct->run_cxt);
	node->rel = table_open(node->relid, node->locked ? NoLock : node->lockmode);
	node->table_scan = table_beginscan(node->rel, node->direct->snapshot, 0, NULL);
	MemoryContextSwitchTo(oldcxt);
}

/* Notes the keys.  The scan at hand then serves if its first row is at hand. */
static bool
same_keys_again(TvDirectNode *node)
{
	bool		same = node->by_value && node->nfetched <= 1;

	for (int i = 0; i < node->nruntime_keys; i++)
	{
		ScanKey		key = node->runtime_keys[i].scan_key;
		NullableDatum *last = &node->last_keys[i];
		bool		isnull = (key->sk_flags & SK_ISNULL) != 0;

		same &= isnull == last->isnull && (isnull || key->sk_argument == last->value);
		last->value = key->sk_argument;
		last->isnull = isnull;
	}
	node->replay = same && node->nfetched == 1;
	return same;
}

/* Is the row with the unique key where it was last found?  Then it is in the slot. */
static bool
recall_row(TvDirectNode *node)
{
	node->remembers = node->unique && node->nlooked++ < TV_REMEMBERED_ROWS &&
		!IsolationIsSerializable();
	for (int i = 0; node->remembers && i < node->nscankeys; i++)
		if (node->scankeys[i].sk_flags & SK_ISNULL)
			node->remembers = false;
	if (!node->remembers)
		return false;
	node->hash = tv_row_memory_hash(node->rel, node->scankeys, node->passing, node->nscankeys);
	return tv_row_fetch_remembered(node->rel, node->direct->snapshot, &node->place, node->slot,
								   node->scankeys, node->unique, node->nscankeys, node->hash);
}

static void
start_index_scan(TvDirectNode *node)
{
	MemoryContext oldcxt;
	bool		first = node->rel == NULL;

	if (first)
		node->rel = table_open(node->relid, node->locked ? NoLock : node->lockmode);
	ResetExprContext(node->runtime_econtext);
	if (node->nruntime_keys > 0)
		ExecIndexEvalRuntimeKeys(node->runtime_econtext, node->runtime_keys,
								 node->nruntime_keys);
	if (same_keys_again(node) && !first)
		return;
	node->replay = false;
	node->nfetched = 0;
	node->exhausted = recall_row(node);
	if (node->exhausted)
	{
		node->nfetched = 1;
		node->replay = true;
		return;
	}
	oldcxt = MemoryContextSwitchTo(node->direct->run_cxt);
	if (node->scan == NULL)
	{
		node->index = index_open(node->indexid, node->lockmode);
		node->scan = tv_compat_index_beginscan(node->rel, node->index, node->direct->snapshot,
											   node->nscankeys);
	}
	index_rescan(node->scan, node->scankeys, node->nscankeys, NULL, 0);
	MemoryContextSwitchTo(oldcxt);
}

static TupleTableSlot *
fetch_indexed(TvDirectNode *node)
{
	TupleTableSlot *slot;

	if (!node->started)
		start_index_scan(node);
	node->started = true;
	if (node->replay)
	{
		node->replay = false;
		return node->slot;
	}
	if (node->exhausted)
		return NULL;
	if (node->remembers)
	{
		/* the only row */
		node->exhausted = true;
		if (!tv_row_fetch_next(node->scan, &node->place, node->slot))
			return NULL;
		tv_row_fetch_remember(&node->place, node->slot, false, node->hash);
		node->nfetched++;
		return node->slot;
	}
	slot = node->nfetched == 0 ? node->slot : node->further;
	while (index_getnext_slot(node->scan, node->direction, slot))
	{
		CHECK_FOR_INTERRUPTS();
		node->econtext->ecxt_scantuple = slot;
		if (!node->scan->xs_recheck || ExecQual(node->recheck, node->econtext))
		{
			node->nfetched++;
			return slot;
		}
		ResetExprContext(node->econtext);
	}
	node->exhausted = true;
	return NULL;
}

/* Read the next row from where the node takes them; NULL or empty: no more. */
static TupleTableSlot *
fetch(TvDirectNode *node)
{
	TupleTableSlot *slot;

	switch (node->kind)
	{
		case TV_DIRECT_INPUT_SCAN:
			return tv_row_store_fetch(&node->cursor, node->slot);
		case TV_DIRECT_TABLE_SCAN:
			if (!node->started)
				start_table_scan(node);
			node->started = true;
			return table_scan_getnextslot(node->table_scan, ForwardScanDirection, node->slot) ?
				node->slot : NULL;
		case TV_DIRECT_INDEX_SCAN:
			return fetch_indexed(node);
		case TV_DIRECT_SUBQUERY_SCAN:
			return tv_direct_next(node->children[0]);
		case TV_DIRECT_RESULT:
			if (node->nchildren > 0)
			{
				slot = tv_direct_next(node->children[0]);
				node->econtext->ecxt_outertuple = slot;
				return slot;
			}
			break;
		default:
			break;
	}
	return NULL;
}

/* Scans: filter and project what is fetched. */
static TupleTableSlot *
next_scanned(TvDirectNode *node)
{
	ExprContext *econtext = node->econtext;

	ResetExprContext(econtext);
	for (;;)
	{
		TupleTableSlot *slot = fetch(node);

		CHECK_FOR_INTERRUPTS();
		if (TupIsNull(slot))
			return NULL;
		econtext->ecxt_scantuple = slot;
		if (ExecQual(node->qual, econtext))
			return node->projection ? ExecProject(node->projection) : slot;
		ResetExprContext(econtext);
	}
}

static TupleTableSlot *
next_result(TvDirectNode *node)
{
	if (node->nchildren > 0)
		return next_scanned(node);
	/* one row out of nothing */
	ResetExprContext(node->econtext);
	if (node->current++ > 0 || !ExecQual(node->qual, node->econtext))
		return NULL;
	return ExecProject(node->projection);
}

static TupleTableSlot *
next_append(TvDirectNode *node)
{
	while (node->current < node->nchildren)
	{
		TupleTableSlot *slot = tv_direct_next(node->children[node->current]);

		if (!TupIsNull(slot))
			return slot;
		node->current++;
	}
	return NULL;
}

static TupleTableSlot *
next_material(TvDirectNode *node)
{
	if (!node->filled)
	{
		node->rows = NIL;
		for (;;)
		{
			TupleTableSlot *slot = tv_direct_next(node->children[0]);
			MemoryContext oldcxt;

			if (TupIsNull(slot))
				break;
			oldcxt = MemoryContextSwitchTo(node->direct->run_cxt);
			node->rows = lappend(node->rows, ExecCopySlotMinimalTuple(slot));
			MemoryContextSwitchTo(oldcxt);
		}
		node->filled = true;
	}
	if (node->current >= list_length(node->rows))
		return NULL;
	return ExecStoreMinimalTuple(list_nth(node->rows, node->current++), node->slot, false);
}

/* Go to the next outer row, and start the inner side over; false: no more. */
static bool
next_outer(TvDirectNode *node)
{
	TupleTableSlot *outer = tv_direct_next(node->children[0]);
	ListCell   *lc;

	if (TupIsNull(outer))
		return false;
	node->econtext->ecxt_outertuple = outer;
	node->need_outer = false;
	node->matched = false;
	foreach(lc, node->params)
	{
		NestLoopParam *param = lfirst(lc);
		ParamExecData *value = &node->direct->params[param->paramno];

		value->value = slot_getattr(outer, param->paramval->varattno, &value->isnull);
	}
	rescan(node->children[1]);
	return true;
}

static TupleTableSlot *
next_nest_loop(TvDirectNode *node)
{
	ExprContext *econtext = node->econtext;

	ResetExprContext(econtext);
	for (;;)
	{
		TupleTableSlot *inner;

		CHECK_FOR_INTERRUPTS();
		if (node->need_outer && !next_outer(node))
			return NULL;
		inner = tv_direct_next(node->children[1]);
		if (TupIsNull(inner))
		{
			node->need_outer = true;
			if (node->matched || (node->jointype != JOIN_LEFT && node->jointype != JOIN_ANTI))
				continue;
			inner = node->null_slot;
			econtext->ecxt_innertuple = inner;
		}
		else
		{
			econtext->ecxt_innertuple = inner;
			if (!ExecQual(node->joinqual, econtext))
			{
				ResetExprContext(econtext);
				continue;
			}
			node->matched = true;
			node->need_outer |= node->single_match || node->jointype == JOIN_ANTI;
			if (node->jointype == JOIN_ANTI)
				continue;
		}
		if (ExecQual(node->qual, econtext))
			return ExecProject(node->projection);
		ResetExprContext(econtext);
	}
}

TupleTableSlot *
tv_direct_next(TvDirectNode *node)
{
	switch (node->kind)
	{
		case TV_DIRECT_RESULT:
			return next_result(node);
		case TV_DIRECT_APPEND:
			return next_append(node);
		case TV_DIRECT_MATERIAL:
			return next_material(node);
		case TV_DIRECT_NEST_LOOP:
			return next_nest_loop(node);
		default:
			return next_scanned(node);
	}
}
