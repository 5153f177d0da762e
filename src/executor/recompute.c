/*-------------------------------------------------------------------------
 *
 * executor/recompute.c
 *	  Recompute touched groups from their rows as they are now.
 *
 * The keys of the groups are a join input of the plan, so that indexes of the
 * base tables serve.  Keys with nulls have a plan of their own: equality that
 * takes nulls as equal cannot use an index.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "executor/apply_group.h"
#include "executor/isolation.h"

/* A TvRowConsumer: a recomputed group. */
static void
take_recomputed(TupleTableSlot *slot, void *context)
{
	TvGroupPass *p = context;
	int			nkeys = p->rt->nkeys;
	int			nvalues = p->rt->naccs + p->rt->naggs;
	TvGroup    *group;
	MemoryContext oldcxt;

	CHECK_FOR_INTERRUPTS();
	slot_getallattrs(slot);
	group = tv_groups_find(p->table, slot->tts_values, slot->tts_isnull, false);
	if (group == NULL || !group->rescan)
		return;
	if (p->rt->images)
		tv_groups_set_keys(p->table, group, slot->tts_values, slot->tts_isnull);
	oldcxt = MemoryContextSwitchTo(p->table->cxt);
	group->values = palloc(sizeof(Datum) * (nvalues + 1));
	group->value_nulls = palloc(sizeof(bool) * (nvalues + 1));
	for (int i = 0; i < nvalues; i++)
	{
		Form_pg_attribute att = TupleDescAttr(slot->tts_tupleDescriptor, nkeys + i);

		group->value_nulls[i] = slot->tts_isnull[nkeys + i];
		group->values[i] = group->value_nulls[i] ? (Datum) 0 :
			datumCopy(slot->tts_values[nkeys + i], att->attbyval, att->attlen);
	}
	MemoryContextSwitchTo(oldcxt);
}

/* The keys of groups to be recomputed, with or without nulls, as a row set. */
static TvRowStore *
collect_keys(TvGroupTable *table, bool with_nulls, TupleDesc *desc)
{
	TvRowStore *store = tv_row_store_make(CurrentResourceOwner);
	TvNode	   *node = table->rt->node;

	*desc = CreateTemplateTupleDesc(node->nkeys);
	for (int i = 0; i < node->nkeys; i++)
	{
		TupleDescInitEntry(*desc, i + 1, NULL, node->keys[i].type, node->keys[i].typmod, 0);
		TupleDescInitEntryCollation(*desc, i + 1, node->keys[i].collation);
	}
	for (int i = 0; i < table->ngroups; i++)
	{
		TvGroup    *group = table->groups[i];

		if (group->rescan && group->has_null == with_nulls)
			tv_row_store_put(store, *desc, group->keys, group->nulls);
	}
	return store;
}

void
tv_apply_recompute(TvGroupPass *p)
{
	TvNodeFlush *flush = p->flush;

	for (int i = 0; i < p->table->ngroups; i++)
	{
		TvGroup    *group = p->table->groups[i];

		if (!group->rescan)
			continue;
		group->recomputed = true;
		group->values = NULL;
		if (p->node->recompute)
			flush->activity->rescans++;
	}

	tv_recompute_run(flush, p->table, take_recomputed, p);
}

void
tv_recompute_run(TvNodeFlush *flush, TvGroupTable *table, TvRowConsumer consumer, void *context)
{
	TvNode	   *node = flush->node;

	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	for (int with_nulls = 0; with_nulls < (node->nkeys > 0 ? 2 : 1); with_nulls++)
	{
		TupleDesc	desc;
		TvRowStore *store = collect_keys(table, with_nulls, &desc);
		TvPlanKind	kind = node->nkeys == 0 ? TV_PLAN_RECOMPUTE :
		with_nulls ? TV_PLAN_RECOMPUTE_NULL_KEYS : TV_PLAN_RECOMPUTE_KEYS;

		if (store->nrows > 0)
			tv_isolation_run(tv_plan_get(flush->view, node, kind, NULL, store->nrows, NULL),
							 tv_run_add_input(NIL, TV_KEYS_NAME, desc, store),
							 flush->view->relid, false, consumer, context);
		tv_row_store_end(store);
	}
	PopActiveSnapshot();
}
