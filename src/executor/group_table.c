/*-------------------------------------------------------------------------
 *
 * executor/group_table.c
 *	  Add up the delta of a node's input by group.
 *
 * Counts and sums are added up as the rows come; min and max remember only
 * the most extreme value of the delta and its net weight; transition states
 * need the rows themselves, for the state is known only when the group's row
 * is read.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "common/int.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "port/pg_bitutils.h"

#include "executor/group_spill.h"
#include "executor/memory_check.h"

/* Up to this many groups are searched one by one. */
#define TV_FEW_GROUPS 8

static void add_image(TvGroupTable *table, TvGroup *group, const Datum *keys, int64 weight);
static void accumulate(TvGroupTable *table, TvGroup *group, int acc, TupleTableSlot *slot,
					   int64 weight);

TvGroupTable *
tv_groups_make(TvNodeRuntime *rt, MemoryContext cxt)
{
	TvGroupTable *table = MemoryContextAllocZero(cxt, sizeof(TvGroupTable));

	table->rt = rt;
	table->cxt = cxt;
	table->capacity = TV_FEW_GROUPS;
	table->groups = MemoryContextAlloc(cxt, sizeof(TvGroup *) * table->capacity);
	table->next_check = TV_FIRST_CHECK;
	return table;
}

uint32
tv_groups_hash_keys(TvNodeRuntime *rt, const Datum *keys, const bool *nulls)
{
	uint32		hash = 0;

	for (int i = 0; i < rt->nkeys; i++)
	{
		hash = pg_rotate_left32(hash, 1);
		if (!nulls[i])
			hash ^= DatumGetUInt32(FunctionCall1Coll(&rt->keys[i].hash,
													 rt->keys[i].collation, keys[i]));
	}
	return murmurhash32(hash);
}

uint32
tv_groups_hash(TvNodeRuntime *rt, const TvGroup *group)
{
	return tv_groups_hash_keys(rt, group->keys, group->nulls);
}

static bool
same_keys(TvNodeRuntime *rt, const TvGroup *group, const Datum *keys, const bool *nulls)
{
	return tv_runtime_compare_keys(rt, group->keys, group->nulls, keys, nulls) == 0;
}

/* The same, for sure and cheaply: byte by byte. */
static bool
looks_same(TvNodeRuntime *rt, const TvGroup *group, const Datum *keys, const bool *nulls)
{
	for (int i = 0; i < rt->nkeys; i++)
		if (group->nulls[i] != nulls[i])
			return false;
	return tv_runtime_same_image(rt, group->keys, keys, nulls);
}

TvGroup *
tv_groups_append(TvGroupTable *table, uint32 hash, const Datum *keys, const bool *nulls)
{
	TvNodeRuntime *rt = table->rt;
	MemoryContext oldcxt = MemoryContextSwitchTo(table->cxt);
	TvGroup    *group = palloc0(sizeof(TvGroup));

	group->hash = hash;
	group->keys = tv_runtime_copy_keys(rt, keys, nulls);
	group->nulls = palloc(sizeof(bool) * (rt->nkeys + 1));
	for (int i = 0; i < rt->nkeys; i++)
	{
		group->nulls[i] = nulls[i];
		group->has_null |= nulls[i];
	}
	group->accs = palloc0(sizeof(TvAccDelta) * (rt->naccs + 1));
	if (table->ngroups == table->capacity)
	{
		table->capacity *= 2;
		table->groups = repalloc_huge(table->groups, sizeof(TvGroup *) * table->capacity);
	}
	table->groups[table->ngroups++] = group;
	MemoryContextSwitchTo(oldcxt);
	return group;
}

TvGroup *
tv_groups_find(TvGroupTable *table, const Datum *keys, const bool *nulls, bool make)
{
	TvNodeRuntime *rt = table->rt;
	uint32		hash = 0;
	TvGroup    *group;

	if (table->nbuckets == 0)
	{
		for (int i = 0; i < table->ngroups; i++)
			if (same_keys(rt, table->groups[i], keys, nulls))
				return table->groups[i];
		if (!make)
			return NULL;
		if (rt->hashable && table->ngroups >= TV_FEW_GROUPS)
		{
			for (int i = 0; i < table->ngroups; i++)
				table->groups[i]->hash = tv_groups_hash_keys(rt, table->groups[i]->keys,
															 table->groups[i]->nulls);
			hash = tv_groups_hash_keys(rt, keys, nulls);
			group = table->last = tv_groups_append(table, hash, keys, nulls);
			tv_groups_rebuild_buckets(table);
			return group;
		}
		return tv_groups_append(table, 0, keys, nulls);
	}

	/* the new row of an update mostly stands in the group of the old one */
	if (looks_same(rt, table->last, keys, nulls))
		return table->last;
	hash = tv_groups_hash_keys(rt, keys, nulls);
	for (int b = hash & (table->nbuckets - 1);; b = (b + 1) & (table->nbuckets - 1))
	{
		if (table->buckets[b] == 0)
		{
			if (!make)
				return NULL;
			group = table->last = tv_groups_append(table, hash, keys, nulls);
			if (table->ngroups * 2 > table->nbuckets)
				tv_groups_rebuild_buckets(table);
			else
				table->buckets[b] = table->ngroups;
			return group;
		}
		group = table->groups[table->buckets[b] - 1];
		if (group->hash == hash && same_keys(rt, group, keys, nulls))
			return table->last = group;
	}
}

void
tv_groups_rebuild_buckets(TvGroupTable *table)
{
	int			n = 64;

	while (n < table->ngroups * 4)
		n *= 2;
	if (table->buckets)
		pfree(table->buckets);
	table->buckets = MemoryContextAllocExtended(table->cxt, sizeof(int) * n,
												MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	table->nbuckets = n;
	for (int i = 0; i < table->ngroups; i++)
	{
		int			b = table->groups[i]->hash & (n - 1);

		while (table->buckets[b] != 0)
			b = (b + 1) & (n - 1);
		table->buckets[b] = i + 1;
	}
}

void
tv_groups_set_keys(TvGroupTable *table, TvGroup *group, const Datum *keys, const bool *nulls)
{
	TvNodeRuntime *rt = table->rt;
	MemoryContext oldcxt = MemoryContextSwitchTo(table->cxt);

	for (int i = 0; i < rt->nkeys; i++)
	{
		TvKeyRuntime *key = &rt->keys[i];

		if (!nulls[i] && !datum_image_eq(group->keys[i], keys[i], key->typbyval, key->typlen))
			group->keys[i] = datumCopy(keys[i], key->typbyval, key->typlen);
	}
	MemoryContextSwitchTo(oldcxt);
}

void
tv_groups_add(TupleTableSlot *slot, void *context)
{
	TvGroupTable *table = context;

	CHECK_FOR_INTERRUPTS();
	slot_getallattrs(slot);
	if (++table->nrows >= table->next_check && tv_groups_spill(table, slot))
		return;
	tv_groups_add_to(table, tv_groups_find(table, slot->tts_values, slot->tts_isnull, true), slot);
}

void
tv_groups_add_to(TvGroupTable *table, TvGroup *group, TupleTableSlot *slot)
{
	int64		weight = DatumGetInt64(slot->tts_values[slot->tts_tupleDescriptor->natts - 1]);

	if (table->rt->images)
		add_image(table, group, slot->tts_values, weight);
	if (table->rt->node->recompute)
	{
		group->rescan = true;
		return;
	}
	for (int i = 0; i < table->rt->naccs; i++)
		accumulate(table, group, i, slot, weight);
}

/* Count the rows of each image of the group's keys. */
static void
add_image(TvGroupTable *table, TvGroup *group, const Datum *keys, int64 weight)
{
	TvNodeRuntime *rt = table->rt;
	MemoryContext oldcxt;
	TvKeyImage *image;

	for (image = group->images; image; image = image->next)
	{
		if (tv_runtime_same_image(rt, keys, image->keys, group->nulls))
		{
			image->weight += weight;
			return;
		}
	}
	oldcxt = MemoryContextSwitchTo(table->cxt);
	image = palloc(sizeof(TvKeyImage));
	image->weight = weight;
	image->keys = tv_runtime_copy_keys(rt, keys, group->nulls);
	image->next = group->images;
	group->images = image;
	MemoryContextSwitchTo(oldcxt);
}

/* Remember a row of arguments. */
static void
add_row(TvGroupTable *table, TvAccDelta * delta, const TvAcc *acc, TupleTableSlot *slot,
		int64 weight)
{
	MemoryContext oldcxt;
	TvWeighted *row;
	int			n = list_length(acc->args);
	ListCell   *lc;

	if (table->overflow)
	{
		tv_groups_put_arguments(table, delta, acc, slot, weight);
		return;
	}
	oldcxt = MemoryContextSwitchTo(table->cxt);
	row = palloc(sizeof(TvWeighted));
	row->weight = weight;
	row->values = palloc(sizeof(Datum) * (n + 1));
	row->nulls = palloc(sizeof(bool) * (n + 1));
	foreach(lc, acc->args)
	{
		int			col = lfirst_int(lc) - 1;
		int			i = foreach_current_index(lc);
		Form_pg_attribute att = TupleDescAttr(slot->tts_tupleDescriptor, col);

		row->nulls[i] = slot->tts_isnull[col];
		row->values[i] = row->nulls[i] ? (Datum) 0 :
			datumCopy(slot->tts_values[col], att->attbyval, att->attlen);
	}
	row->next = delta->u.list.rows;
	delta->u.list.rows = row;
	MemoryContextSwitchTo(oldcxt);
}

static void
accumulate(TvGroupTable *table, TvGroup *group, int acc, TupleTableSlot *slot, int64 weight)
{
	TvAcc	   *def = list_nth(table->rt->node->accs, acc);
	TvAccRuntime *ar = &table->rt->accs[acc];
	TvAccDelta *delta = &group->accs[acc];
	Datum		value = (Datum) 0;

	if (def->filter && (slot->tts_isnull[def->filter - 1] ||
						!DatumGetBool(slot->tts_values[def->filter - 1])))
		return;
	if (ar->arg)
	{
		if (slot->tts_isnull[ar->arg - 1] && ar->kind != TV_ACC_TRANS)
			return;
		value = slot->tts_values[ar->arg - 1];
	}

	switch (ar->kind)
	{
		case TV_ACC_ROWS:
		case TV_ACC_COUNT:
			if (pg_add_s64_overflow(delta->u.count, weight, &delta->u.count))
				ereport(ERROR,
						(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
						 errmsg("bigint out of range")));
			break;
		case TV_ACC_SUM:
			{
				int128		sum = ((int128) delta->u.sum.hi << 64) | delta->u.sum.lo;
				int64		x = ar->argtype == INT2OID ? DatumGetInt16(value) :
				ar->argtype == INT4OID ? DatumGetInt32(value) : DatumGetInt64(value);

				sum += (int128) weight * x;
				delta->u.sum.hi = (int64) (sum >> 64);
				delta->u.sum.lo = (uint64) sum;
				break;
			}
		case TV_ACC_EXTREME:
			if (ar->fold.fn_oid)
				add_row(table, delta, def, slot, weight);
			else
			{
				int			c = delta->touched ?
				ApplySortComparator(value, false, delta->u.extreme.value, false, &ar->sort) : -1;

				if (c < 0)
				{
					MemoryContext oldcxt = MemoryContextSwitchTo(table->cxt);

					if (delta->touched && !ar->typbyval)
						pfree(DatumGetPointer(delta->u.extreme.value));
					delta->u.extreme.value = datumCopy(value, ar->typbyval, ar->typlen);
					delta->u.extreme.weight = weight;
					delta->u.extreme.left = weight < 0;
					delta->u.extreme.mixed = false;
					MemoryContextSwitchTo(oldcxt);
				}
				else if (c == 0)
				{
					delta->u.extreme.weight += weight;
					delta->u.extreme.left |= weight < 0;
					if (ar->images && !delta->u.extreme.mixed)
						delta->u.extreme.mixed = !datum_image_eq(value, delta->u.extreme.value,
																 ar->typbyval, ar->typlen);
				}
			}
			break;
		case TV_ACC_TRANS:
			add_row(table, delta, def, slot, weight);
			break;
	}
	delta->touched = true;
}

static int
compare_groups(const void *a, const void *b, void *arg)
{
	const TvGroup *ga = *(TvGroup *const *) a;
	const TvGroup *gb = *(TvGroup *const *) b;

	return tv_runtime_compare_keys(arg, ga->keys, ga->nulls, gb->keys, gb->nulls);
}

void
tv_groups_sort(TvGroupTable *table)
{
	if (table->ngroups > 1)
		qsort_arg(table->groups, table->ngroups, sizeof(TvGroup *), compare_groups, table->rt);
	if (table->spill)
		tv_groups_begin_batches(table);
	else if (table->nbuckets > 0)
		tv_groups_rebuild_buckets(table);
}
