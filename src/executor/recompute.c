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
#include "utils/tuplesort.h"

#include "executor/apply_group.h"
#include "executor/isolation.h"
#include "executor/memory_check.h"

/* Rows of recomputed groups: keys, accumulators, results; in key order. */
typedef struct TvRecomputed
{
	MemoryContext cxt;			/* holds everything */
	Tuplesortstate *sort;
	TupleTableSlot *slot;
	bool		sorted;
	bool		has_row;
} TvRecomputed;

/* A TvRowConsumer: a recomputed group, for which there is no memory. */
static void
put_recomputed(TupleTableSlot *slot, void *context)
{
	TvGroupPass *p = context;
	TvGroupTable *table = p->table;
	TvRecomputed *recomputed = table->recomputed;

	if (recomputed == NULL)
	{
		MemoryContext cxt = AllocSetContextCreate(p->flush->cxt, "pg_tviews recomputed",
												  ALLOCSET_DEFAULT_SIZES);
		MemoryContext oldcxt = MemoryContextSwitchTo(cxt);

		recomputed = palloc0(sizeof(TvRecomputed));
		recomputed->cxt = cxt;
		recomputed->slot = MakeSingleTupleTableSlot(CreateTupleDescCopy(slot->tts_tupleDescriptor),
													&TTSOpsMinimalTuple);
		recomputed->sort = tv_groups_begin_sort(table->rt, recomputed->slot->tts_tupleDescriptor);
		MemoryContextSwitchTo(oldcxt);
		table->recomputed = recomputed;
	}
	tuplesort_puttupleslot(recomputed->sort, slot);
}

void
tv_recompute_end(TvGroupTable *table)
{
	if (table->recomputed == NULL)
		return;
	tuplesort_end(table->recomputed->sort);
	ExecDropSingleTupleTableSlot(table->recomputed->slot);
	MemoryContextDelete(table->recomputed->cxt);
	table->recomputed = NULL;
}

static void
next_recomputed(TvRecomputed *recomputed)
{
	CHECK_FOR_INTERRUPTS();
	recomputed->has_row = tuplesort_gettupleslot(recomputed->sort, true, false, recomputed->slot,
												 NULL);
	if (recomputed->has_row)
		slot_getallattrs(recomputed->slot);
}

void
tv_recompute_fetch(TvGroupTable *table, TvGroup *group)
{
	TvRecomputed *recomputed = table->recomputed;
	Datum	   *values = recomputed->slot->tts_values;
	bool	   *nulls = recomputed->slot->tts_isnull;
	int			nkeys = table->rt->nkeys;
	int			c = -1;

	if (!group->recomputed || (group->values != NULL && group->values != values + nkeys))
		return;
	if (!recomputed->sorted)
	{
		tuplesort_performsort(recomputed->sort);
		recomputed->sorted = true;
		next_recomputed(recomputed);
	}
	while (recomputed->has_row)
	{
		c = tv_runtime_compare_keys(table->rt, values, nulls, group->keys, group->nulls);
		if (c >= 0)
			break;
		next_recomputed(recomputed);
	}
	if (!recomputed->has_row || c != 0)
		return;
	if (table->rt->images)
		tv_groups_set_keys(table, group, values, nulls);
	group->values = values + nkeys;
	group->value_nulls = nulls + nkeys;
}

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
	if (nkeys > 0 && tv_memory_left(p->table->cxt) == 0)
	{
		put_recomputed(slot, p);
		return;
	}
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

TupleDesc
tv_recompute_key_desc(const TvNode *node)
{
	TupleDesc	desc = CreateTemplateTupleDesc(node->nkeys);

	for (int i = 0; i < node->nkeys; i++)
	{
		TupleDescInitEntry(desc, i + 1, NULL, node->keys[i].type, node->keys[i].typmod, 0);
		TupleDescInitEntryCollation(desc, i + 1, node->keys[i].collation);
	}
	return desc;
}

/* The keys of groups to be recomputed, with or without nulls, as a row set. */
static TvRowStore *
collect_keys(TvGroupTable *table, bool with_nulls, TupleDesc desc)
{
	TvRowStore *store = tv_row_store_make(CurrentResourceOwner);

	for (int i = 0; i < table->ngroups; i++)
	{
		TvGroup    *group = table->groups[i];

		if (group->rescan && group->has_null == with_nulls)
			tv_row_store_put(store, desc, group->keys, group->nulls);
	}
	return store;
}

/* Those of a store that have nulls. */
static TvRowStore *
select_null_keys(TvRowStore *keys, TupleDesc desc)
{
	TvRowStore *store = tv_row_store_make(CurrentResourceOwner);
	TupleTableSlot *slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	TvRowCursor cursor;

	tv_row_store_begin(keys, &cursor, true);
	while (tv_row_store_next(&cursor, slot))
	{
		bool		has_null = false;

		CHECK_FOR_INTERRUPTS();
		slot_getallattrs(slot);
		for (int i = 0; i < desc->natts; i++)
			has_null |= slot->tts_isnull[i];
		if (has_null)
			tv_row_store_put_slot(store, slot);
	}
	tv_row_store_close(&cursor);
	ExecDropSingleTupleTableSlot(slot);
	return store;
}

void
tv_apply_recompute(TvGroupPass *p)
{
	TvNodeFlush *flush = p->flush;

	tv_recompute_end(p->table);
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
tv_apply_recompute_all(TvNodeFlush *flush, TvGroupTable *table)
{
	TvGroupPass p = {0};

	p.flush = flush;
	p.rt = flush->rt;
	p.node = flush->node;
	p.table = table;
	tv_apply_recompute(&p);
}

/* Run a plan over keys of groups. */
static void
run_keys(TvNodeFlush *flush, TvPlanKind kind, TvRowStore *keys, TupleDesc desc,
		 TvRowConsumer consumer, void *context)
{
	if (keys->nrows > 0)
		tv_isolation_run(tv_plan_get(flush->view, flush->node, kind, NULL, keys->nrows, NULL),
						 tv_run_add_input(NIL, TV_KEYS_NAME, desc, keys),
						 flush->view->relid, false, consumer, context);
}

/* A key with nulls equals none in the plan for keys without. */
void
tv_recompute_keys(TvNodeFlush *flush, TvRowStore *keys, TvRowConsumer consumer, void *context)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "pg_tviews recompute",
											  ALLOCSET_DEFAULT_SIZES);
	MemoryContext oldcxt = MemoryContextSwitchTo(cxt);
	TupleDesc	desc = tv_recompute_key_desc(flush->node);
	TvRowStore *with_nulls = select_null_keys(keys, desc);

	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	run_keys(flush, TV_PLAN_RECOMPUTE_KEYS, keys, desc, consumer, context);
	run_keys(flush, TV_PLAN_RECOMPUTE_NULL_KEYS, with_nulls, desc, consumer, context);
	PopActiveSnapshot();
	tv_row_store_end(with_nulls);
	MemoryContextSwitchTo(oldcxt);
	MemoryContextDelete(cxt);
}

void
tv_recompute_spilled(TvNodeFlush *flush, TvGroupTable *table, TvRowStore *keys)
{
	TvGroupPass p = {0};

	p.flush = flush;
	p.table = table;
	tv_recompute_end(table);
	tv_recompute_keys(flush, keys, put_recomputed, &p);
}

void
tv_recompute_run(TvNodeFlush *flush, TvGroupTable *table, TvRowConsumer consumer, void *context)
{
	TvNode	   *node = flush->node;
	TupleDesc	desc = tv_recompute_key_desc(node);

	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	for (int with_nulls = 0; with_nulls < (node->nkeys > 0 ? 2 : 1); with_nulls++)
	{
		TvRowStore *store = collect_keys(table, with_nulls, desc);
		TvPlanKind	kind = node->nkeys == 0 ? TV_PLAN_RECOMPUTE :
		with_nulls ? TV_PLAN_RECOMPUTE_NULL_KEYS : TV_PLAN_RECOMPUTE_KEYS;

		run_keys(flush, kind, store, desc, consumer, context);
		tv_row_store_end(store);
	}
	PopActiveSnapshot();
}
