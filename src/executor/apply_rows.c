/*-------------------------------------------------------------------------
 *
 * executor/apply_rows.c
 *	  Apply signed output rows to a store: one pass in key order.
 *
 * By key: the old and the new row of a key are folded into one update in
 * place, if the delta has not done that already (TV_WEIGHT_REPLACES).  As a bag: |w| rows with the very image are deleted, or inserted.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"

#include "executor/flush_internal.h"
#include "executor/transition.h"

typedef struct RowScratch
{
	Datum	   *old_values;
	bool	   *old_nulls;
	Datum	   *new_values;
	bool	   *new_nulls;
	Datum	   *keys;
	bool	   *key_nulls;
} RowScratch;

static void apply_key(TvNodeFlush *flush, TvRowTable *rows, TvWriter *writer,
					  int64 first, int64 last, RowScratch *s);
static void apply_bag(TvNodeFlush *flush, TvRowTable *rows, TvWriter *writer,
					  int64 first, int64 last, RowScratch *s);

TvRowTable *
tv_rows_delta(TvNodeFlush *flush, TvPlan *plan, List *inputs)
{
	TvNode	   *node = flush->node;
	TvRowTable *table = tv_rows_make_sorted(node->out_desc,
											node->identity == TV_IDENTITY_BAG,
											node->nidentity, node->identity_attnos,
											flush->rt->identity_sort, flush->cxt);

	tv_rows_let_spill(table);
	tv_flush_run_delta(flush, plan, inputs, tv_rows_consume, table);
	if (plan->kind == TV_PLAN_DELTA_KEYED && !tv_rows_are_paired(table))
		return NULL;
	return table;
}

void
tv_apply_rows(TvNodeFlush *flush, TvRowTable *rows)
{
	TvNode	   *node = flush->node;
	TvWriter   *writer;
	RowScratch	s;
	int			natts = rows->desc->natts + 1;

	tv_rows_sort(rows);
	if (rows->nrows == 0)
		return;

	s.old_values = palloc(sizeof(Datum) * natts);
	s.old_nulls = palloc(sizeof(bool) * natts);
	s.new_values = palloc(sizeof(Datum) * natts);
	s.new_nulls = palloc(sizeof(bool) * natts);
	s.keys = palloc(sizeof(Datum) * (rows->nkeys + 1));
	s.key_nulls = palloc(sizeof(bool) * (rows->nkeys + 1));

	writer = tv_writer_open(tv_store_access(flush->rt, TV_USE_OUTPUT),
							flush->view_delta ? NULL : GetActiveSnapshot());
	do
	{
		for (int64 first = 0, last; first < rows->nrows; first = last)
		{
			CHECK_FOR_INTERRUPTS();
			last = tv_rows_net_key(rows, first);
			if (node->identity == TV_IDENTITY_BAG)
				apply_bag(flush, rows, writer, first, last, &s);
			else
				apply_key(flush, rows, writer, first, last, &s);
			flush->activity->groups++;
		}
	} while (tv_rows_next(rows));
	if (node->top)
	{
		flush->activity->inserted += writer->inserted;
		flush->activity->updated += writer->updated;
		flush->activity->deleted += writer->deleted;
	}
	tv_writer_close(writer);
}

/*
 * At most one row leaves and one comes for a key; more of either would mean
 * that the key is none.
 */
static void
apply_key(TvNodeFlush *flush, TvRowTable *rows, TvWriter *writer,
		  int64 first, int64 last, RowScratch *s)
{
	TvSignedRow *leaves = NULL;
	TvSignedRow *comes = NULL;

	for (int64 i = first; i < last; i++)
	{
		TvSignedRow *row = &rows->rows[i];
		TvSignedRow **which = row->weight < 0 ? &leaves : &comes;

		if (row->weight == 0)
			continue;
		if (row->weight == TV_WEIGHT_REPLACES && last - first == 1)
		{
			leaves = comes = row;
			break;
		}
		if (*which != NULL || row->weight > 1 || row->weight < -1)
			tv_flush_corrupt(flush, "Two rows of its query have the same key.");
		*which = row;
	}
	if (leaves == NULL && comes == NULL)
		return;

	tv_rows_deform(rows, comes ? comes : leaves, s->new_values, s->new_nulls);
	for (int i = 0; i < rows->nkeys; i++)
	{
		s->keys[i] = s->new_values[rows->keys[i] - 1];
		s->key_nulls[i] = s->new_nulls[rows->keys[i] - 1];
	}

	for (;;)
	{
		bool		done;

		if (leaves == NULL)
		{
			done = tv_writer_insert(writer, s->new_values, s->new_nulls, true);
			if (!done)
				tv_flush_corrupt(flush, "A row to be inserted is already there.");
			tv_flush_emit(flush, s->new_values, s->new_nulls, 1);
			return;
		}
		if (!tv_writer_find(writer, s->keys, s->key_nulls))
			tv_flush_corrupt(flush, "A row to be changed or deleted is missing.");
		slot_getallattrs(writer->slot);

		/* the stored row is what leaves, whatever the plan said */
		tv_flush_emit(flush, writer->slot->tts_values, writer->slot->tts_isnull, -1);
		if (comes == NULL)
			done = tv_writer_delete(writer);
		else if (tv_rows_image_equal(rows->desc, writer->slot->tts_values,
									 writer->slot->tts_isnull, s->new_values, s->new_nulls))
			done = true;
		else
			done = tv_writer_update(writer, s->new_values, s->new_nulls);
		if (comes && done)
			tv_flush_emit(flush, s->new_values, s->new_nulls, 1);
		if (done)
			return;
		/* it was not that row after all */
		tv_flush_emit(flush, writer->slot->tts_values, writer->slot->tts_isnull, 1);
		tv_writer_refresh(writer);
	}
}

/* Delete one row with this image. */
static void
delete_one(TvNodeFlush *flush, TvRowTable *rows, TvWriter *writer, TvSignedRow *row,
		   RowScratch *s)
{
	bool		retried = false;

	for (;;)
	{
		bool		skipped = false;

		tv_writer_find_hash(writer, row->hash);
		while (tv_writer_next(writer))
		{
			slot_getallattrs(writer->slot);
			if (!tv_rows_image_equal(rows->desc, writer->slot->tts_values,
									 writer->slot->tts_isnull, s->old_values, s->old_nulls))
				continue;
			if (ItemPointerIsValid(&writer->slot->tts_tid) && tv_writer_delete(writer))
				return;
			/* somebody else took this one */
			skipped = true;
		}
		if (!skipped && retried)
			break;
		retried = true;
		tv_writer_refresh(writer);
	}
	tv_flush_corrupt(flush, "A row to be deleted is missing.");
}

/*
 * Rows that this pass has deleted are still seen by the scan's snapshot, so
 * all deletions of one image are made in one scan.
 */
static void
delete_many(TvNodeFlush *flush, TvRowTable *rows, TvWriter *writer, TvSignedRow *row,
			int64 count, RowScratch *s)
{
	if (count > 0)
	{
		tv_writer_find_hash(writer, row->hash);
		while (count > 0 && tv_writer_next(writer))
		{
			CHECK_FOR_INTERRUPTS();
			slot_getallattrs(writer->slot);
			if (tv_rows_image_equal(rows->desc, writer->slot->tts_values,
									writer->slot->tts_isnull, s->old_values, s->old_nulls) &&
				tv_writer_delete(writer))
				count--;
		}
	}
	if (count > 0)
	{
		/* others took some of them, and new ones may have come */
		tv_writer_next_command(writer);
	}
	while (count-- > 0)
	{
		delete_one(flush, rows, writer, row, s);
		tv_writer_next_command(writer);
	}
}

static void
apply_bag(TvNodeFlush *flush, TvRowTable *rows, TvWriter *writer,
		  int64 first, int64 last, RowScratch *s)
{
	for (int64 i = first; i < last; i++)
	{
		TvSignedRow *row = &rows->rows[i];

		if (row->weight == 0)
			continue;
		tv_rows_deform(rows, row, s->old_values, s->old_nulls);
		tv_flush_emit(flush, s->old_values, s->old_nulls, row->weight);
		if (row->weight < 0)
			delete_many(flush, rows, writer, row, -row->weight, s);
		for (int64 n = 0; n < row->weight; n++)
		{
			CHECK_FOR_INTERRUPTS();
			(void) tv_writer_insert(writer, s->old_values, s->old_nulls, false);
		}
	}
}
