/*-------------------------------------------------------------------------
 *
 * executor/apply_group.c
 *	  Apply the delta of a group node's input: one pass in key order.
 *
 * For each touched group: find its row, compute the new accumulators and the
 * new output row, write what differs.
 *
 *		count' = count + d,  sum' = sum + d,  state' = inverse(forward(state, +), -)
 *		group exists iff its row count is not zero (a scalar aggregate: always)
 *		output delta = - old output row + new output row
 *
 * Groups whose new value only a recompute can tell are locked first, then
 * recomputed by one plan under a newer snapshot, and written in a second pass.
 *
 * The primary store's row stands for the group.  Accumulators that it lacks
 * are in the state table, which is left alone where the group's row there can
 * neither change nor tell anything; for a view that follows its state table, output rows
 * are collected and applied afterwards.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "executor/apply_group.h"

static TvGroupPass *apply_all(TvNodeFlush *flush, TvGroupTable *table);
static bool apply_group(TvGroupPass *p, TvGroup *group);
static bool read_old(TvGroupPass *p, TvGroup *group);
static bool choose_keys(TvGroupPass *p, TvGroup *group, bool exists);
static bool compute_new(TvGroupPass *p, TvGroup *group, bool exists, bool *rescan);
static bool write_group(TvGroupPass *p, TvGroup *group, bool exists, bool remains);
static bool row_differs(TvGroupPass *p, TvWriter *writer);
static void form_state_row(TvGroupPass *p, TvGroup *group);
static void emit_change(TvGroupPass *p, bool exists, bool remains);

void
tv_apply_groups(TvNodeFlush *flush, TvGroupTable *table)
{
	TvGroupPass *p;

	tv_groups_sort(table);
	if (table->spill)
		p = tv_apply_spilled(flush, table);
	else
		p = apply_all(flush, table);
	tv_group_pass_end(p);
	tv_writer_close(p->primary);

	if (flush->view_delta)
		tv_apply_rows(flush, flush->view_delta);
}

/* All groups are in the table.  Returns the last pass over it. */
static TvGroupPass *
apply_all(TvNodeFlush *flush, TvGroupTable *table)
{
	TvGroupPass *p = NULL;
	bool		again = false;

	flush->activity->groups += table->ngroups;
	/* nothing is accumulated: all touched groups are recomputed first */
	if (flush->node->recompute)
		tv_apply_recompute_all(flush, table);
	for (;;)
	{
		p = tv_group_pass_begin(flush, table, p);
		for (int i = 0; i < table->ngroups; i++)
		{
			CHECK_FOR_INTERRUPTS();
			if (!again || table->groups[i]->rescan)
				tv_group_pass_apply(p, table->groups[i]);
		}
		if (p->npending == 0)
			break;
		tv_group_pass_end(p);
		tv_apply_recompute(p);
		again = true;
	}
	/* there are no more, but what was kept out of memory has to be freed */
	(void) tv_groups_next(table);
	return p;
}

void
tv_group_pass_apply(TvGroupPass *p, TvGroup *group)
{
	group->rescan = false;
	while (!apply_group(p, group))
	{
		tv_writer_refresh(p->primary);
		if (p->state)
			tv_writer_refresh_like(p->state, p->primary);
	}
	MemoryContextReset(p->cxt);
}

bool
tv_groups_written_late(TvNodeRuntime *rt)
{
	return rt->node->primary == TV_STORE_VIEW && tv_store_access(rt, TV_USE_PRIMARY)->other_unique;
}

/* Cut n values and their null flags off what is left. */
static void
take_array(Datum **values, bool **nulls, int n, Datum **all_values, bool **all_nulls)
{
	*values = *all_values;
	*nulls = *all_nulls;
	*all_values += n;
	*all_nulls += n;
}

/* What the pass before inserts late waits for the deletes of this one. */
TvGroupPass *
tv_group_pass_begin(TvNodeFlush *flush, TvGroupTable *table, TvGroupPass *before)
{
	TvNode	   *node = flush->node;
	MemoryContext pass_cxt = NULL;
	MemoryContext oldcxt = CurrentMemoryContext;
	TvGroupPass *p;
	int			nout = node->out_desc->natts + 1;
	int			nrow = nout + list_length(node->state_columns);
	int			total;
	Datum	   *values;
	bool	   *nulls;

	/* there may be many passes */
	if (before)
	{
		pass_cxt = AllocSetContextCreate(flush->cxt, "pg_tviews pass", ALLOCSET_DEFAULT_SIZES);
		MemoryContextSwitchTo(pass_cxt);
	}
	p = palloc0(sizeof(TvGroupPass));
	p->pass_cxt = pass_cxt;
	p->flush = flush;
	p->rt = flush->rt;
	p->node = node;
	p->table = table;
	p->cxt = AllocSetContextCreate(flush->cxt, "pg_tviews group", ALLOCSET_DEFAULT_SIZES);

	if (before)
	{
		p->primary = tv_writer_open_again(before->primary);
		if (before->pass_cxt)
			MemoryContextDelete(before->pass_cxt);
	}
	else
		p->primary = tv_writer_open(tv_store_access(flush->rt, TV_USE_PRIMARY),
									node->recompute ? NULL : GetActiveSnapshot());
	p->has_state = node->primary == TV_STORE_VIEW && node->has_state;

	/* one piece of memory for all */
	total = node->nkeys + 2 * p->rt->naccs + p->rt->naggs + 2 * nout + nrow;
	values = palloc0((sizeof(Datum) + sizeof(bool)) * total);
	nulls = (bool *) (values + total);
	take_array(&p->old_keys, &p->old_key_nulls, node->nkeys, &values, &nulls);
	take_array(&p->old_accs, &p->old_acc_nulls, p->rt->naccs, &values, &nulls);
	take_array(&p->new_accs, &p->new_acc_nulls, p->rt->naccs, &values, &nulls);
	take_array(&p->results, &p->result_nulls, p->rt->naggs, &values, &nulls);
	take_array(&p->old_out, &p->old_out_nulls, nout, &values, &nulls);
	take_array(&p->new_out, &p->new_out_nulls, nout, &values, &nulls);
	take_array(&p->row, &p->row_nulls, nrow, &values, &nulls);
	MemoryContextSwitchTo(oldcxt);
	return p;
}

void
tv_group_pass_end(TvGroupPass *p)
{
	if (p->node->primary == TV_STORE_VIEW)
	{
		p->flush->activity->inserted += p->primary->inserted;
		p->flush->activity->updated += p->primary->updated;
		p->flush->activity->deleted += p->primary->deleted;
	}
	if (p->state)
		tv_writer_close(p->state);
	MemoryContextDelete(p->cxt);
}

/*
 * Returns false when the group's row was changed meanwhile: to be done again
 * under a newer snapshot.
 */
static bool
apply_group(TvGroupPass *p, TvGroup *group)
{
	MemoryContext oldcxt = MemoryContextSwitchTo(p->cxt);
	bool		exists;
	bool		remains;
	bool		rescan = false;
	bool		chosen = true;
	bool		done;

	ResetExprContext(p->rt->econtext);
	if (p->table->recomputed)
		tv_recompute_fetch(p->table, group);
	exists = read_old(p, group);
	if (p->rt->images && !group->recomputed)
		chosen = choose_keys(p, group, exists);
	remains = compute_new(p, group, exists, &rescan);
	if (remains && !chosen)
		rescan = true;
	if (rescan)
	{
		/* from here on nobody else changes this group */
		done = !exists || tv_writer_lock(p->primary);
		if (done)
		{
			group->rescan = true;
			p->npending++;
			p->flush->activity->rescans++;
		}
	}
	else if (!exists && !remains)
		done = true;
	else
	{
		done = write_group(p, group, exists, remains);
		if (!done && group->recomputed)
		{
			/* what was computed may be old by now */
			group->recomputed = false;
			group->rescan = true;
			p->npending++;
			done = true;
		}
		else if (done)
			emit_change(p, exists, remains);
	}
	MemoryContextSwitchTo(oldcxt);
	return done;
}

/* The state table's writer, under the primary store's snapshot. */
static TvWriter *
state_writer(TvGroupPass *p)
{
	MemoryContext oldcxt;

	if (p->state == NULL)
	{
		oldcxt = MemoryContextSwitchTo(p->pass_cxt ? p->pass_cxt : p->flush->cxt);
		p->state = tv_writer_open(tv_store_access(p->rt, TV_USE_STATE), p->primary->snapshot);
		MemoryContextSwitchTo(oldcxt);
	}
	return p->state;
}

static void
fetch_accs(TvGroupPass *p)
{
	ListCell   *lc;

	foreach(lc, p->node->accs)
	{
		TvAcc	   *acc = lfirst(lc);
		int			i = foreach_current_index(lc);
		bool		in_state = p->has_state && acc->store == TV_STORE_STATE;

		if (!in_state || p->state_read)
			p->old_accs[i] = slot_getattr((in_state ? p->state : p->primary)->slot, acc->attno,
										  &p->old_acc_nulls[i]);
	}
	if (p->has_state && !p->state_read)
		tv_group_state_assume(p);
}

/* Read the group's row and its old output row; false if there is none. */
static bool
read_old(TvGroupPass *p, TvGroup *group)
{
	TvNode	   *node = p->node;
	bool		exists = tv_writer_find(p->primary, group->keys, group->nulls);

	p->old_visible = false;
	p->state_read = exists && p->has_state && tv_group_state_needed(p, group);
	if (p->state_read && !tv_writer_find(state_writer(p), group->keys, group->nulls))
		tv_flush_corrupt(p->flush, "The hidden state of a group is missing.");
	if (!exists)
	{
		tv_writer_check_absent(p->primary, group->keys, group->nulls);
		if (node->nkeys == 0 && !(node->recompute && node->having))
			tv_flush_corrupt(p->flush, "The row of an aggregate over all rows is missing.");
		for (int i = 0; i < p->rt->naccs; i++)
		{
			p->old_accs[i] = (Datum) 0;
			p->old_acc_nulls[i] = p->rt->accs[i].kind != TV_ACC_ROWS &&
				p->rt->accs[i].kind != TV_ACC_COUNT;
		}
		return false;
	}

	fetch_accs(p);
	for (int i = 0; p->rt->images && i < node->nkeys; i++)
		p->old_keys[i] = slot_getattr(p->primary->slot, node->keys[i].primary_attno,
									  &p->old_key_nulls[i]);

	if (node->primary == TV_STORE_VIEW || !node->top || node->recompute)
	{
		/* the output row is stored here */
		slot_getsomeattrs(p->primary->slot, node->out_desc->natts);
		memcpy(p->old_out, p->primary->slot->tts_values, sizeof(Datum) * node->out_desc->natts);
		memcpy(p->old_out_nulls, p->primary->slot->tts_isnull, sizeof(bool) * node->out_desc->natts);
		p->old_visible = true;
	}
	else
	{
		tv_runtime_results(p->rt, p->old_accs, p->old_acc_nulls, p->results, p->result_nulls);
		p->old_visible = tv_runtime_project(p->rt, p->rt->images ? p->old_keys : group->keys,
											group->nulls,
											p->results, p->result_nulls,
											p->old_out, p->old_out_nulls);
	}
	return true;
}

/*
 * Which of several images of its keys (1.0 and 1.00) the group shows: the one
 * it shows, unless rows of that left and rows of another came; a new group, one
 * that came.  False if only a recompute can tell: nothing but rows of the image
 * shown left, and the group may have others only.
 */
static bool
choose_keys(TvGroupPass *p, TvGroup *group, bool exists)
{
	TvKeyImage *came = NULL;
	bool		stays = exists;

	for (TvKeyImage *image = group->images; image; image = image->next)
	{
		if (exists && image->weight < 0 &&
			tv_runtime_same_image(p->rt, image->keys, p->old_keys, group->nulls))
			stays = false;
		if (image->weight > 0)
			came = image;
	}
	if (came && !stays)
		tv_groups_set_keys(p->table, group, came->keys, group->nulls);
	else if (exists)
		tv_groups_set_keys(p->table, group, p->old_keys, group->nulls);
	return came || stays || !exists;
}

/* The delta of an accumulator; none if its store has taken it already. */
static const TvAccDelta *
acc_delta(TvGroupPass *p, TvGroup *group, int acc)
{
	static const TvAccDelta none = {0};
	const TvAcc *def = list_nth(p->node->accs, acc);

	if (group->primary_done && def->store == TV_STORE_VIEW)
		return &none;
	return &group->accs[acc];
}

/* New accumulators and output row; false if the group is no more. */
static bool
compute_new(TvGroupPass *p, TvGroup *group, bool exists, bool *rescan)
{
	TvNode	   *node = p->node;
	ListCell   *lc;
	int			rows = node->rows_acc;

	if (group->recomputed)
	{
		if (group->values == NULL)
		{
			p->new_visible = false;
			return false;
		}
		memcpy(p->new_accs, group->values, sizeof(Datum) * p->rt->naccs);
		memcpy(p->new_acc_nulls, group->value_nulls, sizeof(bool) * p->rt->naccs);
		memcpy(p->results, group->values + p->rt->naccs, sizeof(Datum) * p->rt->naggs);
		memcpy(p->result_nulls, group->value_nulls + p->rt->naccs, sizeof(bool) * p->rt->naggs);
	}
	else
	{
		/* counts first, the others look at them */
		foreach(lc, node->accs)
		{
			int			i = foreach_current_index(lc);
			bool		ignored;

			if (p->rt->accs[i].kind != TV_ACC_ROWS && p->rt->accs[i].kind != TV_ACC_COUNT)
				continue;
			p->new_accs[i] = tv_groups_advance(p->table, i, acc_delta(p, group, i), p->old_accs[i],
											   p->old_acc_nulls[i], -1, false,
											   &p->new_acc_nulls[i], &ignored, p->cxt);
			if (DatumGetInt64(p->new_accs[i]) < 0)
				tv_flush_corrupt(p->flush, "The number of rows of a group got negative.");
		}
		if (node->nkeys > 0 && DatumGetInt64(p->new_accs[rows]) == 0)
		{
			p->new_visible = false;
			return false;
		}
		for (int i = 0; i < p->rt->naccs; i++)
		{
			int			count = -1;

			if (p->rt->accs[i].kind == TV_ACC_ROWS || p->rt->accs[i].kind == TV_ACC_COUNT)
				continue;
			foreach(lc, node->aggs)
				if (((TvAgg *) lfirst(lc))->acc == i)
				count = ((TvAgg *) lfirst(lc))->count_acc;
			p->new_accs[i] = tv_groups_advance(p->table, i, acc_delta(p, group, i),
											   p->old_accs[i], p->old_acc_nulls[i],
											   count < 0 ? -1 : DatumGetInt64(p->new_accs[count]),
											   !exists || (count >= 0 && DatumGetInt64(p->old_accs[count]) == 0),
											   &p->new_acc_nulls[i], rescan, p->cxt);
			if (*rescan)
				return true;
		}
		tv_runtime_results(p->rt, p->new_accs, p->new_acc_nulls, p->results, p->result_nulls);
	}

	p->new_visible = tv_runtime_project(p->rt, group->keys, group->nulls,
										p->results, p->result_nulls,
										p->new_out, p->new_out_nulls);
	/* a recomputed group that HAVING rejects has no row */
	if (node->recompute && !p->new_visible)
		return false;
	return true;
}

/* The row of a state table, by the roles of its columns. */
static void
form_state_row(TvGroupPass *p, TvGroup *group)
{
	TvNode	   *node = p->node;
	int			natts = list_length(node->state_columns);

	for (int i = 0; i < natts; i++)
	{
		TvStateColumn *col = &node->state_roles[i];

		switch (col->role)
		{
			case TV_STATE_OUT:
				p->row[i] = p->new_out[col->index - 1];
				p->row_nulls[i] = p->new_out_nulls[col->index - 1];
				break;
			case TV_STATE_KEY:
				p->row[i] = group->keys[col->index];
				p->row_nulls[i] = group->nulls[col->index];
				break;
			case TV_STATE_ACC:
				p->row[i] = p->new_accs[col->index];
				p->row_nulls[i] = p->new_acc_nulls[col->index];
				break;
		}
	}
}

/* Does the row found by a writer differ from the one at hand? */
static bool
row_differs(TvGroupPass *p, TvWriter *writer)
{
	TupleDesc	desc = RelationGetDescr(writer->rel);

	slot_getallattrs(writer->slot);
	return !tv_rows_image_equal(desc, writer->slot->tts_values, writer->slot->tts_isnull,
								p->row, p->row_nulls);
}

/*
 * Did rows come or go without changing the extremum?  The group's row is locked
 * then although nothing is written: another transaction in which the extremum
 * leaves must wait for us before it looks for the next one.
 */
static bool
moves_below_extremum(TvGroupPass *p, TvGroup *group)
{
	for (int i = 0; i < p->rt->naccs; i++)
		if (p->rt->accs[i].kind == TV_ACC_EXTREME && (group->accs[i].touched || group->recomputed))
			return true;
	return false;
}

/*
 * Write the group's rows: the primary store, then the state table.  Whoever
 * writes the state row has written or locked the primary row before, so that
 * two writers never wait for each other.  False: somebody else was first.
 */
static bool
write_group(TvGroupPass *p, TvGroup *group, bool exists, bool remains)
{
	TvNode	   *node = p->node;
	bool		state_differs = false;

	if (exists && !remains)
	{
		/*
		 * A writer that only locked the primary row may have changed the
		 * state, and so whether the group remains.
		 */
		if (p->has_state && (!tv_writer_lock(p->primary) || !tv_writer_delete(p->state)))
			return false;
		return tv_writer_delete(p->primary);
	}

	if (p->has_state && (!exists || p->state_read))
	{
		form_state_row(p, group);
		state_differs = !exists || row_differs(p, p->state);
	}
	if (node->primary == TV_STORE_STATE)
		form_state_row(p, group);
	else
	{
		memcpy(p->row, p->new_out, sizeof(Datum) * node->out_desc->natts);
		memcpy(p->row_nulls, p->new_out_nulls, sizeof(bool) * node->out_desc->natts);
	}
	if (!exists)
	{
		if (!tv_writer_insert(p->primary, p->row, p->row_nulls, true))
			return false;
	}
	else if (row_differs(p, p->primary))
	{
		if (!tv_writer_update(p->primary, p->row, p->row_nulls))
			return false;
	}
	else if ((state_differs || moves_below_extremum(p, group)) &&
			 !tv_writer_lock(p->primary))
		return false;

	if (state_differs)
	{
		form_state_row(p, group);
		if (!exists)
			(void) tv_writer_insert(state_writer(p), p->row, p->row_nulls, false);
		else if (!tv_writer_update(p->state, p->row, p->row_nulls))
		{
			/* the primary row is ours now: only the rest is to be done again */
			group->primary_done = true;
			emit_change(p, exists, remains);
			CommandCounterIncrement();
			p->primary->cid = p->state->cid = GetCurrentCommandId(true);
			return false;
		}
	}
	return true;
}

/*
 * - old output row + new output row.  When the primary row was written in an
 * earlier try, what is old here is what that try emitted as new: both are
 * emitted, the sum is right.
 */
static void
emit_change(TvGroupPass *p, bool exists, bool remains)
{
	bool		was = exists && p->old_visible;
	bool		is = remains && p->new_visible;

	if (was && is && tv_rows_image_equal(p->node->out_desc, p->old_out, p->old_out_nulls,
										 p->new_out, p->new_out_nulls))
		return;
	if (was)
	{
		if (p->flush->view_delta)
			tv_rows_add(p->flush->view_delta, p->old_out, p->old_out_nulls, -1);
		else
			tv_flush_emit(p->flush, p->old_out, p->old_out_nulls, -1);
	}
	if (is)
	{
		if (p->flush->view_delta)
			tv_rows_add(p->flush->view_delta, p->new_out, p->new_out_nulls, 1);
		else
			tv_flush_emit(p->flush, p->new_out, p->new_out_nulls, 1);
	}
}
