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
 * The state table is written under the lock on the view, which excludes other
 * writers of a node that is not additive.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"

#include "executor/flush_internal.h"

typedef struct PartitionPass
{
	TvNodeFlush *flush;
	TvRowTable *rows;			/* stored rows (-1), computed rows (+1) */
	TvWriter   *writer;
	Datum	   *values;
	bool	   *nulls;
} PartitionPass;

static void read_stored(PartitionPass *p, TvGroupTable *touched);
static void take_computed(TupleTableSlot *slot, void *context);
static void write_partition(PartitionPass *p, int64 first, int64 last);

void
tv_apply_partitions(TvNodeFlush *flush, TvGroupTable *touched)
{
	TvNode	   *node = flush->node;
	PartitionPass pass = {flush};
	PartitionPass *p = &pass;
	AttrNumber *keys = palloc(sizeof(AttrNumber) * (node->nkeys + 1));

	for (int i = 0; i < node->nkeys; i++)
		keys[i] = node->keys[i].out_attno;
	p->rows = tv_rows_make(node->out_desc, false, node->nkeys, keys, flush->cxt);
	p->values = palloc(sizeof(Datum) * (node->out_desc->natts + 1));
	p->nulls = palloc(sizeof(bool) * (node->out_desc->natts + 1));

	tv_groups_sort(touched);
	flush->activity->groups += touched->ngroups;
	flush->activity->rescans += touched->ngroups;
	read_stored(p, touched);
	tv_recompute_run(flush, touched, take_computed, p);

	p->writer = tv_writer_open(tv_store_access(flush->rt, TV_USE_STATE), NULL);
	tv_rows_sort(p->rows);
	for (int64 first = 0, last; first < p->rows->nrows; first = last)
	{
		CHECK_FOR_INTERRUPTS();
		for (last = first + 1; last < p->rows->nrows &&
			 tv_rows_same_key(p->rows, &p->rows->rows[first], &p->rows->rows[last]); last++)
			;
		write_partition(p, first, last);
	}
	tv_writer_close(p->writer);
}

static void
read_stored(PartitionPass *p, TvGroupTable *touched)
{
	TvWriter   *writer = tv_writer_open(tv_store_access(p->flush->rt, TV_USE_STATE),
										GetActiveSnapshot());

	for (int i = 0; i < touched->ngroups; i++)
	{
		tv_writer_find_shared(writer, touched->groups[i]->keys, touched->groups[i]->nulls);
		while (tv_writer_next(writer))
		{
			CHECK_FOR_INTERRUPTS();
			slot_getallattrs(writer->slot);
			tv_rows_add(p->rows, writer->slot->tts_values, writer->slot->tts_isnull,
						-1)->tid = writer->slot->tts_tid;
		}
	}
	tv_writer_close(writer);
}

/* A TvRowConsumer: an output row of a touched partition. */
static void
take_computed(TupleTableSlot *slot, void *context)
{
	PartitionPass *p = context;

	CHECK_FOR_INTERRUPTS();
	slot_getallattrs(slot);
	(void) tv_rows_add(p->rows, slot->tts_values, slot->tts_isnull, 1);
}

/* Nobody else writes here. */
static void
check_written(PartitionPass *p, bool done)
{
	if (!done)
		tv_flush_corrupt(p->flush, "A hidden row was changed by somebody else.");
}

/* Write the difference between the rows first .. last - 1 of one partition. */
static void
write_partition(PartitionPass *p, int64 first, int64 last)
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
