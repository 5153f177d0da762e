/*-------------------------------------------------------------------------
 *
 * executor/apply_partition.c
 *	  Recompute touched partitions, and write what differs.
 *
 *		output delta = - stored rows of the touched partitions
 *					   + the same partitions, computed from the input as it is
 *
 * A stored row and a computed one with the same image cancel.  What is left of
 * one partition is paired at will: an update in place is cheaper than a delete
 * and an insert.
 *
 * The partitions are locked by their keys, and the snapshot is newer than these
 * locks: nobody else writes their rows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"

#include "executor/apply_partition.h"
#include "executor/memory_check.h"

static void write_partition(TvPartitionPass *p, int64 first, int64 last);

void
tv_apply_partitions(TvNodeFlush *flush, TvGroupTable *touched)
{
	TvPartitionPass *p = tv_partitions_begin(flush, touched);
	TupleDesc	desc = tv_recompute_key_desc(flush->node);

	tv_groups_sort(touched);
	if (touched->spill)
		p->keys = tv_row_store_make(CurrentResourceOwner);
	tv_partitions_let_spill(p);
	do
	{
		for (int i = 0; i < touched->ngroups; i++)
		{
			TvGroup    *group = touched->groups[i];

			(void) tv_partitions_read(p, group->keys, group->nulls, -1);
			if (p->keys)
				tv_row_store_put(p->keys, desc, group->keys, group->nulls);
		}
	} while (tv_groups_next(touched));
	tv_partitions_write(p);
}

void
tv_partitions_consume(TupleTableSlot *slot, void *context)
{
	TvPartitionDelta *delta = context;
	TvRowTable *rows = delta->rows;
	Datum	   *values;
	bool	   *nulls;

	if (delta->touched)
	{
		tv_groups_add(slot, delta->touched);
		return;
	}
	tv_rows_consume(slot, rows);
	if (rows->nrows % TV_FIRST_CHECK != 0 || tv_memory_left(rows->cxt) > 0)
		return;

	/* the keys are the first columns */
	delta->touched = tv_groups_make(delta->flush->rt, delta->flush->cxt);
	values = palloc(sizeof(Datum) * (rows->desc->natts + 1));
	nulls = palloc(sizeof(bool) * (rows->desc->natts + 1));
	for (int64 i = 0; i < rows->nrows; i++)
	{
		CHECK_FOR_INTERRUPTS();
		tv_rows_deform(rows, &rows->rows[i], values, nulls);
		tv_groups_find(delta->touched, values, nulls, true)->rescan = true;
	}
	pfree(values);
	pfree(nulls);
}

TvPartitionPass *
tv_partitions_begin(TvNodeFlush *flush, TvGroupTable *touched)
{
	TvNode	   *node = flush->node;
	TvPartitionPass *p = palloc0(sizeof(TvPartitionPass));
	AttrNumber *keys = palloc(sizeof(AttrNumber) * (node->nkeys + 1));

	for (int i = 0; i < node->nkeys; i++)
		keys[i] = node->keys[i].out_attno;
	p->flush = flush;
	p->touched = touched;
	p->rows = tv_rows_make(node->out_desc, false, node->nkeys, keys, flush->cxt);
	p->values = palloc(sizeof(Datum) * (node->out_desc->natts + 1));
	p->nulls = palloc(sizeof(bool) * (node->out_desc->natts + 1));
	p->reader = tv_writer_open(tv_store_access(flush->rt, TV_USE_STATE), GetActiveSnapshot());
	return p;
}

void
tv_partitions_let_spill(TvPartitionPass *p)
{
	/* rows of one image meet; what is left is paired at will */
	p->rows->by_hash = true;
	tv_rows_let_spill(p->rows);
}

bool
tv_partitions_read(TvPartitionPass *p, const Datum *keys, const bool *nulls, int64 limit)
{
	int64		n = 0;

	tv_writer_find_shared(p->reader, keys, nulls);
	while (tv_writer_next(p->reader))
	{
		TupleTableSlot *slot = p->reader->slot;

		CHECK_FOR_INTERRUPTS();
		if (limit >= 0 && n++ == limit)
			return false;
		slot_getallattrs(slot);
		tv_rows_add_stored(p->rows, slot->tts_values, slot->tts_isnull, -1, &slot->tts_tid);
	}
	tv_writer_check_shared(p->reader, keys, nulls);
	return true;
}

void
tv_partitions_write(TvPartitionPass *p)
{
	TvActivity *activity = p->flush->activity;
	int			nrescan = 0;

	tv_writer_close(p->reader);
	for (int i = 0; i < p->touched->ngroups; i++)
		nrescan += p->touched->groups[i]->rescan;
	activity->groups += p->keys ? p->keys->nrows : p->touched->ngroups;
	activity->rescans += p->keys ? p->keys->nrows : nrescan;
	if (p->keys)
	{
		tv_recompute_keys(p->flush, p->keys, tv_partitions_take, p);
		tv_row_store_end(p->keys);
	}
	else if (nrescan > 0)
		tv_recompute_run(p->flush, p->touched, tv_partitions_take, p);
	tv_rows_sort(p->rows);
	if (p->rows->nrows == 0)
		return;

	p->writer = tv_writer_open(tv_store_access(p->flush->rt, TV_USE_STATE), NULL);
	do
	{
		for (int64 first = 0, last; first < p->rows->nrows; first = last)
		{
			CHECK_FOR_INTERRUPTS();
			last = tv_rows_key_end(p->rows, first);
			write_partition(p, first, last);
		}
	} while (tv_rows_next(p->rows));
	tv_writer_close(p->writer);
}

void
tv_partitions_take(TupleTableSlot *slot, void *context)
{
	TvPartitionPass *p = context;

	CHECK_FOR_INTERRUPTS();
	slot_getallattrs(slot);
	(void) tv_rows_add(p->rows, slot->tts_values, slot->tts_isnull, 1);
}

/* Nobody else writes here. */
static void
check_written(TvPartitionPass *p, bool done)
{
	if (!done)
		tv_flush_corrupt(p->flush, "A hidden row was changed by somebody else.");
}

/* Write the difference between the rows first .. last - 1 of one partition. */
static void
write_partition(TvPartitionPass *p, int64 first, int64 last)
{
	TvRowTable *rows = p->rows;
	int64		comes = first;

	tv_rows_pair(rows, first, last);
	for (int64 leaves = first; leaves < last; leaves++)
	{
		TvSignedRow *old = &rows->rows[leaves];

		if (old->weight != -1)
			continue;
		CHECK_FOR_INTERRUPTS();
		tv_rows_deform(rows, old, p->values, p->nulls);
		tv_flush_emit(p->flush, p->values, p->nulls, -1);
		tv_writer_go_to(p->writer, &old->tid);
		while (comes < last && rows->rows[comes].weight != 1)
			comes++;
		if (comes == last)
		{
			check_written(p, tv_writer_delete(p->writer));
			continue;
		}
		tv_rows_deform(rows, &rows->rows[comes++], p->values, p->nulls);
		check_written(p, tv_writer_update(p->writer, p->values, p->nulls));
		tv_flush_emit(p->flush, p->values, p->nulls, 1);
	}
	for (; comes < last; comes++)
	{
		if (rows->rows[comes].weight != 1)
			continue;
		CHECK_FOR_INTERRUPTS();
		tv_rows_deform(rows, &rows->rows[comes], p->values, p->nulls);
		(void) tv_writer_insert(p->writer, p->values, p->nulls, false);
		tv_flush_emit(p->flush, p->values, p->nulls, 1);
	}
}
