/*-------------------------------------------------------------------------
 *
 * executor/follow_iterations.c
 *	  Follow WITH RECURSIVE ... UNION ALL.
 *
 * With R(k) the rows of iteration k, R(0) = A and R(k) = T(R(k - 1)).  T is
 * linear, so with ' for the new state and d for the difference
 *
 *		dR(0) = dA
 *		dR(k) = T'(R'(k - 1)) - T(R(k - 1)) = T'(dR(k - 1)) + dT(R(k - 1))
 *
 * The stored rows know their iteration: dT(R), computed at once, falls apart
 * into the second summands.  The first ones are computed one after the other,
 * netted in between.  dR(k) is exact, so this ends at the latest when both the
 * old and the new recursion do, whatever cycles there are among rows that
 * neither of them reaches, or no longer.
 *
 * The rows of an iteration are written soon: T'(..) does not read what is
 * stored, and a recursion without end must not take all memory before
 * it is cancelled.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "executor/apply_recursive.h"
#include "executor/isolation.h"

/* So many rows are written together. */
#define TV_ROWS_TOGETHER 8192

typedef struct Iterations
{
	TvRecursion *r;
	TvRowTable *seeds;			/* dA + dT(R), by iteration */
	int64		next_seed;
	TvRowTable *rows;			/* of the present iteration */
	TvRowTable *changes;		/* netted, to be written */
	MemoryContext changes_cxt;
	int64		nchanges;		/* how many rows that is */
} Iterations;

static TvRowTable *
make_bag(TvRecursion *r, MemoryContext cxt)
{
	return tv_rows_make(r->flush->node->out_desc, true, 0, NULL, cxt);
}

static int64
iteration_of(Iterations *it, const TvSignedRow *row)
{
	tv_rows_deform(it->seeds, row, it->r->values, it->r->nulls);
	return DatumGetInt64(it->r->values[it->seeds->desc->natts - 1]);
}

/* Add the seeds of an iteration to its rows. */
static void
add_seeds(Iterations *it, int64 iteration)
{
	while (it->next_seed < it->seeds->nrows &&
		   iteration_of(it, &it->seeds->rows[it->next_seed]) == iteration)
	{
		CHECK_FOR_INTERRUPTS();
		(void) tv_rows_add(it->rows, it->r->values, it->r->nulls,
						   it->seeds->rows[it->next_seed++].weight);
	}
}

static void
write_changes(Iterations *it, bool all)
{
	if (it->changes->nrows == 0 || (!all && it->nchanges < TV_ROWS_TOGETHER))
		return;
	tv_apply_rows(it->r->flush, it->changes);
	MemoryContextReset(it->changes_cxt);
	it->changes = make_bag(it->r, it->changes_cxt);
	it->nchanges = 0;
}

/* The netted rows of the iteration: to be written, and to go on with. */
static TvRowStore *
take_rows(Iterations *it)
{
	TvRowTable *rows = it->rows;
	TvRowStore *frontier = tv_recursion_frontier();

	tv_rows_sort(rows);
	for (int64 first = 0, last; first < rows->nrows; first = last)
	{
		CHECK_FOR_INTERRUPTS();
		last = tv_rows_net_key(rows, first);
		for (int64 i = first; i < last; i++)
		{
			TvSignedRow *row = &rows->rows[i];

			if (row->weight == 0)
				continue;
			tv_recursion_put(it->r, frontier, row->tuple, row->weight);
			(void) tv_rows_add(it->changes, it->r->values, it->r->nulls, row->weight);
			it->nchanges += row->weight > 0 ? row->weight : -row->weight;
		}
	}
	return frontier;
}

void
tv_follow_iterations(TvRecursion *r)
{
	TvNodeFlush *flush = r->flush;
	Iterations	iterations = {r};
	Iterations *it = &iterations;
	AttrNumber	number = flush->node->out_desc->natts;
	MemoryContext cxt = AllocSetContextCreate(flush->cxt, "pg_tviews iteration",
											  ALLOCSET_DEFAULT_SIZES);
	int64		iteration = 0;

	it->changes_cxt = AllocSetContextCreate(flush->cxt, "pg_tviews iterations",
											ALLOCSET_DEFAULT_SIZES);
	it->changes = make_bag(r, it->changes_cxt);
	it->seeds = tv_rows_make(flush->node->out_desc, false, 1, &number, flush->cxt);
	tv_isolation_run(r->plan, r->inputs, flush->view->relid, true, tv_rows_consume, it->seeds);
	tv_rows_sort(it->seeds);

	it->rows = make_bag(r, cxt);
	while (it->rows->nrows > 0 || it->next_seed < it->seeds->nrows)
	{
		MemoryContext next = AllocSetContextCreate(flush->cxt, "pg_tviews iteration",
												   ALLOCSET_DEFAULT_SIZES);
		MemoryContext oldcxt = MemoryContextSwitchTo(cxt);
		TvRowStore *frontier;

		CHECK_FOR_INTERRUPTS();
		if (it->rows->nrows == 0)
			iteration = iteration_of(it, &it->seeds->rows[it->next_seed]);
		add_seeds(it, iteration++);
		frontier = take_rows(it);
		it->rows = make_bag(r, next);
		if (frontier->nrows > 0)
			tv_recursion_step(r, frontier, tv_rows_consume, it->rows);
		tv_row_store_end(frontier);
		write_changes(it, false);
		MemoryContextSwitchTo(oldcxt);
		MemoryContextDelete(cxt);
		cxt = next;
	}
	write_changes(it, true);
}
