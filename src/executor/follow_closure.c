/*-------------------------------------------------------------------------
 *
 * executor/follow_closure.c
 *	  Follow WITH RECURSIVE ... UNION.
 *
 * R is the least set with R = A + T(R).  A row stays as long as there is a way
 * to it, and that it is derived from a row does not tell: they may be derived
 * from each other.  So what could be lost is taken out first, and then what can
 * still be derived comes back (Gupta, Mumick and Subrahmanian, "Maintaining
 * views incrementally", SIGMOD 1993):
 *
 *	1.	Derivations lost and won at once: the signs of dA + dT(R), where R is what
 *		is stored and derivations by the same columns are netted.
 *	2.	Rows with a lost derivation leave, and so do all stored rows that
 *		T leads to from one that leaves.  What is left, M, has its old derivations.
 *	3.	Of the rows that leave, and the new ones of 1., those come which have a
 *		derivation from M, by A or T as they are now.
 *	4.	With each row that comes, so do those that T leads to from it.
 *
 * T as it is now does for step 2: a derivation by what is no longer there
 * was lost in 1.  If nothing leaves, step 3 is not needed.
 *
 * Nothing is written before the end; the rows that were touched are kept in
 * memory, as those of a recursive UNION are by the server.  At REPEATABLE READ and
 * above, each plan and each look-up must have one result under both snapshots:
 * then so has the whole.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "executor/apply_recursive.h"
#include "executor/isolation.h"
#include "executor/row_set.h"

typedef struct Closure
{
	TvRecursion *r;
	TvRowSet   *rows;			/* that were touched */
	TvWriter   *reader;			/* of what is stored, under the newest
								 * snapshot ... */
	TvWriter   *own_reader;		/* ... and under the transaction's, or NULL */
	TvRowStore *frontier;		/* rows to go on with */
	int64		nleaving;
	TvRowStore *wanted[2];		/* rows that come if they can be derived:
								 * without nulls, with nulls */
} Closure;

static TvSetRow *touch(Closure *c, const Datum *values, const bool *nulls);
static bool is_stored(Closure *c, TvWriter *reader, TvSetRow *row, const Datum *values,
					  const bool *nulls);
static void let_leave(Closure *c, TvSetRow *row);
static void let_come(Closure *c, TvSetRow *row);
static void take_seed(TupleTableSlot *slot, void *context);
static void take_leaving(TupleTableSlot *slot, void *context);
static void take_coming(TupleTableSlot *slot, void *context);
static void take_derivation(TupleTableSlot *slot, void *context);
static void follow(Closure *c, TvRowConsumer consumer);
static void derive_again(Closure *c);
static void write_changes(Closure *c);

void
tv_follow_closure(TvRecursion *r)
{
	TvNodeFlush *flush = r->flush;
	Closure		closure = {r};
	Closure    *c = &closure;
	const TvStoreAccess *access = tv_store_access(flush->rt, TV_USE_OUTPUT);

	c->rows = tv_row_set_make(flush->node->out_desc, flush->cxt);
	c->reader = tv_writer_open(access, GetActiveSnapshot());
	if (IsolationUsesXactSnapshot())
		c->own_reader = tv_writer_open(access, GetTransactionSnapshot());

	c->frontier = tv_recursion_frontier();
	tv_isolation_run(r->plan, r->inputs, flush->view->relid, true, take_seed, c);
	follow(c, take_leaving);
	if (c->nleaving > 0)
		derive_again(c);
	else
	{
		for (TvSetRow *row = c->rows->first; row; row = row->next)
			if (!row->stored)
				let_come(c, row);
	}
	follow(c, take_coming);

	tv_row_store_end(c->frontier);
	tv_writer_close(c->reader);
	if (c->own_reader)
		tv_writer_close(c->own_reader);
	write_changes(c);
}

/* What is known of a row; it is looked up when it is touched first. */
static TvSetRow *
touch(Closure *c, const Datum *values, const bool *nulls)
{
	bool		found;
	TvSetRow   *row = tv_row_set_find(c->rows, values, nulls, true, &found);

	CHECK_FOR_INTERRUPTS();
	if (found)
		return row;
	row->stored = is_stored(c, c->reader, row, values, nulls);
	if (c->own_reader && is_stored(c, c->own_reader, row, values, nulls) != row->stored)
		tv_isolation_fail_row(get_rel_name(c->r->flush->view->relid));
	return row;
}

static bool
is_stored(Closure *c, TvWriter *reader, TvSetRow *row, const Datum *values, const bool *nulls)
{
	TvRowSet   *rows = c->rows;

	/* all columns are the key, and equal values look the same */
	if (c->r->flush->node->identity == TV_IDENTITY_KEY)
		return tv_writer_find(reader, values, nulls);
	tv_writer_find_hash(reader, row->hash);
	while (tv_writer_next(reader))
	{
		slot_getallattrs(reader->slot);
		if (tv_rows_image_equal(rows->desc, values, nulls, reader->slot->tts_values,
								reader->slot->tts_isnull))
			return true;
	}
	return false;
}

/* Is the row there, as far as is known? */
static bool
is_there(const TvSetRow *row)
{
	return row->comes || (row->stored && !row->leaves);
}

static void
let_leave(Closure *c, TvSetRow *row)
{
	if (!row->stored || row->leaves)
		return;
	row->leaves = true;
	c->nleaving++;
	tv_recursion_put(c->r, c->frontier, row->tuple, 1);
}

static void
let_come(Closure *c, TvSetRow *row)
{
	if (is_there(row))
		return;
	row->comes = true;
	tv_recursion_put(c->r, c->frontier, row->tuple, 1);
}

/* TvRowConsumers: a derivation that is lost or won, ... */
static void
take_seed(TupleTableSlot *slot, void *context)
{
	Closure    *c = context;
	TvSetRow   *row;

	slot_getallattrs(slot);
	row = touch(c, slot->tts_values, slot->tts_isnull);
	if (DatumGetInt64(slot->tts_values[c->rows->desc->natts]) < 0)
		let_leave(c, row);
}

/* ... a row that a leaving one leads to, ... */
static void
take_leaving(TupleTableSlot *slot, void *context)
{
	Closure    *c = context;

	slot_getallattrs(slot);
	let_leave(c, touch(c, slot->tts_values, slot->tts_isnull));
}

/* ... a row that a coming one leads to. */
static void
take_coming(TupleTableSlot *slot, void *context)
{
	Closure    *c = context;

	slot_getallattrs(slot);
	let_come(c, touch(c, slot->tts_values, slot->tts_isnull));
}

/* Go on from the rows of the frontier, until there are none. */
static void
follow(Closure *c, TvRowConsumer consumer)
{
	while (c->frontier->nrows > 0)
	{
		TvRowStore *rows = c->frontier;

		CHECK_FOR_INTERRUPTS();
		c->frontier = tv_recursion_frontier();
		tv_recursion_step(c->r, rows, consumer, c);
		tv_row_store_end(rows);
	}
}

/* ------------------------------------------------------------------------
 * What can be derived
 * ------------------------------------------------------------------------
 */

/*
 * A derivation of a wanted row: the row, whether it is by T, and then from
 * which row.  That row is stored, but it may be leaving.
 */
static void
take_derivation(TupleTableSlot *slot, void *context)
{
	Closure    *c = context;
	int			natts = c->rows->desc->natts;
	TvSetRow   *row;
	TvSetRow   *from = NULL;

	CHECK_FOR_INTERRUPTS();
	slot_getallattrs(slot);
	row = tv_row_set_find(c->rows, slot->tts_values, slot->tts_isnull, false, NULL);
	if (row == NULL || is_there(row))
		return;
	if (DatumGetBool(slot->tts_values[natts]))
		from = tv_row_set_find(c->rows, slot->tts_values + natts + 1,
							   slot->tts_isnull + natts + 1, false, NULL);
	if (from == NULL || is_there(from))
		let_come(c, row);
}

/* Rows without nulls are looked up by index. */
static void
want(Closure *c, const TvSetRow *row)
{
	TvRecursion *r = c->r;
	bool		has_null = false;

	tv_row_set_deform(c->rows, row, r->values, r->nulls);
	for (int i = 0; i < c->rows->desc->natts; i++)
		has_null |= r->nulls[i];
	tv_row_store_put(c->wanted[has_null], c->rows->desc, r->values, r->nulls);
}

static void
derive_again(Closure *c)
{
	TvNodeFlush *flush = c->r->flush;

	for (int i = 0; i < 2; i++)
		c->wanted[i] = tv_row_store_make(CurrentResourceOwner);
	for (TvSetRow *row = c->rows->first; row; row = row->next)
	{
		CHECK_FOR_INTERRUPTS();
		if (!is_there(row))
			want(c, row);
	}
	for (int i = 0; i < 2; i++)
	{
		TvPlanKind	kind = i == 0 ? TV_PLAN_RECOMPUTE_KEYS : TV_PLAN_RECOMPUTE_NULL_KEYS;

		if (c->wanted[i]->nrows > 0)
			tv_isolation_run(tv_plan_get(flush->view, flush->node, kind, NULL,
										 c->wanted[i]->nrows, NULL),
							 tv_run_add_input(NIL, TV_KEYS_NAME, c->rows->desc, c->wanted[i]),
							 flush->view->relid, false, take_derivation, c);
		tv_row_store_end(c->wanted[i]);
	}
}

static void
write_changes(Closure *c)
{
	TvRecursion *r = c->r;
	TvNodeFlush *flush = r->flush;
	TvNode	   *node = flush->node;
	TvRowTable *changes = tv_rows_make_sorted(node->out_desc, node->identity == TV_IDENTITY_BAG,
											  node->nidentity, node->identity_attnos,
											  flush->rt->identity_sort, flush->cxt);

	for (TvSetRow *row = c->rows->first; row; row = row->next)
	{
		CHECK_FOR_INTERRUPTS();
		if (row->stored == is_there(row))
			continue;
		tv_row_set_deform(c->rows, row, r->values, r->nulls);
		(void) tv_rows_add(changes, r->values, r->nulls, row->stored ? -1 : 1);
	}
	tv_apply_rows(flush, changes);
}
