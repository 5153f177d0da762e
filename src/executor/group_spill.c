/*-------------------------------------------------------------------------
 *
 * executor/group_spill.c
 *	  Groups that do not fit into memory.
 *
 * When the groups of a delta have taken what a hash table may take, they are
 * left as they are, and all rows that still come are sorted by key, on disk if
 * need be.  Then groups and rows are merged in the order of the keys, as many at
 * a time as there is room for:
 *
 *		groups of a batch = groups left in memory, and those of rows, with keys
 *		after all that were before; rows added to groups of the same key
 *
 * So the groups are worked on in the same order, be there room for all or not.
 * Of a single group, all that may be large is rows of arguments (TvWeighted); if
 * there is no room for these, they are kept in a store.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/nodeHash.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/tuplesort.h"

#include "executor/apply_group.h"
#include "executor/group_spill.h"
#include "executor/memory_check.h"

typedef struct TvGroupSpill
{
	Tuplesortstate *sort;		/* rows as they came */
	bool		sorted;
	bool		begun;			/* the groups of the table are a batch */
	TupleTableSlot *slot;		/* the next row, not empty if ... */
	bool		has_row;
	MemoryContext parent;
	MemoryContext left_cxt;		/* of the groups left */
	int			nleft;
	TvGroup   **left;			/* in key order */
	int			next_left;
} TvGroupSpill;

static void use_own_context(TvGroupTable *table);
static void begin_spill(TvGroupTable *table, TupleDesc desc);
static void next_row(TvGroupTable *table);
static bool load_batch(TvGroupTable *table);
static void end_spill(TvGroupTable *table);

bool
tv_groups_spill(TvGroupTable *table, TupleTableSlot *slot)
{
	if (table->spill == NULL)
	{
		Size		room;

		if (table->nrows == TV_FIRST_CHECK)
			use_own_context(table);
		room = tv_memory_left(table->cxt);
		/* there is always a group in the table, if there is any */
		if (room > 0 || table->ngroups == 0)
		{
			table->next_check = table->nrows + tv_memory_rows(table->cxt, room, table->nrows);
			return false;
		}
		if (table->rt->nkeys == 0)
		{
			table->overflow = true;
			table->next_check = PG_INT64_MAX;
			return false;
		}
		begin_spill(table, slot->tts_tupleDescriptor);
	}
	tuplesort_puttupleslot(table->spill->sort, slot);
	return true;
}

/* Let there be a context whose size tells that of the table. */
static void
use_own_context(TvGroupTable *table)
{
	MemoryContext cxt = AllocSetContextCreate(table->cxt, "pg_tviews groups",
											  ALLOCSET_DEFAULT_SIZES);
	TvGroup   **groups = MemoryContextAlloc(cxt, sizeof(TvGroup *) * table->capacity);

	memcpy(groups, table->groups, sizeof(TvGroup *) * table->ngroups);
	pfree(table->groups);
	table->groups = groups;
	table->cxt = cxt;
}

Tuplesortstate *
tv_groups_begin_sort(const TvNodeRuntime *rt, TupleDesc desc)
{
	AttrNumber *attnos = palloc(sizeof(AttrNumber) * rt->nkeys);
	Oid		   *operators = palloc(sizeof(Oid) * rt->nkeys);
	Oid		   *collations = palloc(sizeof(Oid) * rt->nkeys);
	bool	   *nulls_first = palloc0(sizeof(bool) * rt->nkeys);

	/* the order of tv_runtime_compare_keys() */
	for (int i = 0; i < rt->nkeys; i++)
	{
		attnos[i] = i + 1;
		operators[i] = rt->node->keys[i].clause->sortop;
		collations[i] = rt->node->keys[i].collation;
	}
	return tuplesort_begin_heap(desc, rt->nkeys, attnos, operators, collations, nulls_first,
								work_mem, NULL, TUPLESORT_RANDOMACCESS);
}

static void
begin_spill(TvGroupTable *table, TupleDesc desc)
{
	MemoryContext parent = MemoryContextGetParent(table->cxt);
	MemoryContext oldcxt = MemoryContextSwitchTo(parent);
	TvGroupSpill *spill = palloc0(sizeof(TvGroupSpill));

	desc = CreateTupleDescCopy(desc);
	spill->parent = parent;
	spill->left_cxt = table->cxt;
	spill->slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	spill->sort = tv_groups_begin_sort(table->rt, desc);
	MemoryContextSwitchTo(oldcxt);
	table->spill = spill;
	/* every row that comes is looked at */
	table->next_check = 0;
}

/* Go on to the next row in the order of the keys. */
static void
next_row(TvGroupTable *table)
{
	TvGroupSpill *spill = table->spill;

	CHECK_FOR_INTERRUPTS();
	if (!spill->sorted)
	{
		tuplesort_performsort(spill->sort);
		spill->sorted = true;
	}
	spill->has_row = tuplesort_gettupleslot(spill->sort, true, false, spill->slot, NULL);
	if (spill->has_row)
		slot_getallattrs(spill->slot);
}

bool
tv_groups_next_hash(TvGroupTable *table, uint32 *hash)
{
	if (table->spill == NULL)
		return false;
	next_row(table);
	if (!table->spill->has_row)
		return false;
	*hash = tv_groups_hash_keys(table->rt, table->spill->slot->tts_values,
								table->spill->slot->tts_isnull);
	return true;
}

void
tv_groups_begin_batches(TvGroupTable *table)
{
	TvGroupSpill *spill = table->spill;

	if (spill->begun)
		return;
	spill->begun = true;
	spill->left = table->groups;
	spill->nleft = table->ngroups;
	table->cxt = AllocSetContextCreate(spill->parent, "pg_tviews groups", ALLOCSET_DEFAULT_SIZES);
	if (spill->sorted)
		tuplesort_rescan(spill->sort);
	next_row(table);
	(void) load_batch(table);
}

bool
tv_groups_next(TvGroupTable *table)
{
	ListCell   *lc;

	foreach(lc, table->stores)
		tv_row_store_end(((TvArgumentRows *) lfirst(lc))->rows);
	table->stores = NIL;
	if (table->recomputed)
		tv_recompute_end(table);
	if (table->spill == NULL)
		return false;
	if (load_batch(table))
		return true;
	end_spill(table);
	return false;
}

/* The group with the first of the keys that are left; NULL if there is none. */
static TvGroup *
next_group(TvGroupTable *table)
{
	TvGroupSpill *spill = table->spill;
	TupleTableSlot *row = spill->slot;
	TvGroup    *group = spill->next_left < spill->nleft ? spill->left[spill->next_left] : NULL;

	if (spill->has_row &&
		(group == NULL || tv_runtime_compare_keys(table->rt, row->tts_values, row->tts_isnull,
												  group->keys, group->nulls) < 0))
		return tv_groups_append(table, table->rt->hashable ?
								tv_groups_hash_keys(table->rt, row->tts_values, row->tts_isnull) : 0,
								row->tts_values, row->tts_isnull);
	if (group == NULL)
		return NULL;
	spill->next_left++;
	if (table->rt->hashable)
		group->hash = tv_groups_hash(table->rt, group);
	if (table->ngroups == table->capacity)
	{
		table->capacity *= 2;
		table->groups = repalloc_huge(table->groups, sizeof(TvGroup *) * table->capacity);
	}
	table->groups[table->ngroups++] = group;
	return group;
}

/* Add the rows of the group; they come next. */
static void
add_rows(TvGroupTable *table, TvGroup *group)
{
	TupleTableSlot *row = table->spill->slot;

	while (table->spill->has_row &&
		   tv_runtime_compare_keys(table->rt, row->tts_values, row->tts_isnull,
								   group->keys, group->nulls) == 0)
	{
		tv_groups_add_to(table, group, row);
		if (!table->overflow)
			table->overflow = tv_memory_left(table->cxt) == 0;
		next_row(table);
	}
}

/* Forget all groups of the table, whose context holds nothing else. */
static void
clear(TvGroupTable *table)
{
	MemoryContextReset(table->cxt);
	table->capacity = 64;
	table->groups = MemoryContextAlloc(table->cxt, sizeof(TvGroup *) * table->capacity);
	table->ngroups = 0;
	table->nbuckets = 0;
	table->buckets = NULL;
	table->last = NULL;
	table->overflow = false;
}

TvGroup *
tv_groups_make_only(TvGroupTable *table, const Datum *keys, const bool *nulls)
{
	clear(table);
	return tv_groups_append(table, 0, keys, nulls);
}

/* Replace the groups of the table by those that come next; false if there are none. */
static bool
load_batch(TvGroupTable *table)
{
	TvGroup    *group;

	clear(table);
	while (!table->overflow && (group = next_group(table)) != NULL)
	{
		add_rows(table, group);
		/* groups that were left in memory take none of this context */
		table->overflow |= tv_memory_left(table->cxt) == 0;
	}
	if (table->rt->hashable && table->ngroups > 0)
	{
		table->last = table->groups[0];
		tv_groups_rebuild_buckets(table);
	}
	return table->ngroups > 0;
}

static void
end_spill(TvGroupTable *table)
{
	TvGroupSpill *spill = table->spill;

	tuplesort_end(spill->sort);
	ExecDropSingleTupleTableSlot(spill->slot);
	MemoryContextDelete(spill->left_cxt);
	table->spill = NULL;
}

void
tv_groups_put_arguments(TvGroupTable *table, TvAccDelta * delta, const TvAcc *acc,
						TupleTableSlot *slot, int64 weight)
{
	TvArgumentRows *more = delta->u.list.more;
	int			n = list_length(acc->args);
	Datum		values[FUNC_MAX_ARGS + 1];
	bool		nulls[FUNC_MAX_ARGS + 1];
	ListCell   *lc;

	if (more == NULL)
	{
		MemoryContext oldcxt = MemoryContextSwitchTo(table->cxt);

		more = palloc(sizeof(TvArgumentRows));
		more->desc = CreateTemplateTupleDesc(n + 1);
		foreach(lc, acc->args)
			TupleDescCopyEntry(more->desc, foreach_current_index(lc) + 1,
							   slot->tts_tupleDescriptor, lfirst_int(lc));
		TupleDescInitEntry(more->desc, n + 1, "weight", INT8OID, -1, 0);
		more->rows = tv_row_store_make(CurrentResourceOwner);
		table->stores = lappend(table->stores, more);
		MemoryContextSwitchTo(oldcxt);
		delta->u.list.more = more;
	}
	foreach(lc, acc->args)
	{
		values[foreach_current_index(lc)] = slot->tts_values[lfirst_int(lc) - 1];
		nulls[foreach_current_index(lc)] = slot->tts_isnull[lfirst_int(lc) - 1];
	}
	values[n] = Int64GetDatum(weight);
	nulls[n] = false;
	tv_row_store_put(more->rows, more->desc, values, nulls);
}
