/*-------------------------------------------------------------------------
 *
 * executor/apply_spilled.c
 *	  Apply groups that do not fit into memory together.
 *
 * As in apply_group.c, there is a pass over all of them, in key order, then those that only a
 * recompute can tell are recomputed, by one run of the plan, and there is a pass
 * over these.  The keys of these are kept in a store, and their values are sorted by
 * key, so that they come in the same order.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "executor/apply_group.h"

static TvRowStore *apply_recomputed(TvGroupPass *p, TvRowStore *keys, TupleDesc desc);

TvGroupPass *
tv_apply_spilled(TvNodeFlush *flush, TvGroupTable *table)
{
	bool		recompute = flush->node->recompute;
	TupleDesc	desc = tv_recompute_key_desc(flush->node);
	TvRowStore *keys = tv_row_store_make(CurrentResourceOwner);
	TvGroupPass *p = recompute ? NULL : tv_group_pass_begin(flush, table, NULL);

	do
	{
		flush->activity->groups += table->ngroups;
		for (int i = 0; i < table->ngroups; i++)
		{
			TvGroup    *group = table->groups[i];

			CHECK_FOR_INTERRUPTS();
			group->rescan = recompute;
			if (!recompute)
				tv_group_pass_apply(p, group);
			if (group->rescan)
				tv_row_store_put(keys, desc, group->keys, group->nulls);
		}
	} while (tv_groups_next(table));
	if (recompute)
		flush->activity->rescans += keys->nrows;
	while (keys->nrows > 0)
	{
		if (p)
			tv_group_pass_end(p);
		tv_recompute_spilled(flush, table, keys);
		p = tv_group_pass_begin(flush, table, p);
		keys = apply_recomputed(p, keys, desc);
	}
	tv_row_store_end(keys);
	tv_recompute_end(table);
	return p;
}

/* Apply what is recomputed; the keys of those that have to be once more. */
static TvRowStore *
apply_recomputed(TvGroupPass *p, TvRowStore *keys, TupleDesc desc)
{
	TvRowStore *again = tv_row_store_make(CurrentResourceOwner);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	TvRowCursor cursor;

	tv_row_store_begin(keys, &cursor, true);
	while (tv_row_store_next(&cursor, slot))
	{
		TvGroup    *group;

		CHECK_FOR_INTERRUPTS();
		slot_getallattrs(slot);
		group = tv_groups_make_only(p->table, slot->tts_values, slot->tts_isnull);
		group->recomputed = true;
		tv_group_pass_apply(p, group);
		if (group->rescan)
			tv_row_store_put(again, desc, group->keys, group->nulls);
	}
	tv_row_store_close(&cursor);
	ExecDropSingleTupleTableSlot(slot);
	tv_row_store_end(keys);
	return again;
}
