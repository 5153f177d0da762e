/*-------------------------------------------------------------------------
 *
 * executor/group_state.c
 *	  When the state row of a group has to be read.
 *
 * The view's row is the group's row, and the state table has the accumulators
 * that the view does not show.  Mostly these are the counts of the arguments of
 * sums, of which nothing matters but whether they are zero:
 *
 *		sum is null  <=>  count = 0
 *
 * So if the delta moves neither such a count nor the number of rows, as an
 * update mostly does, the sums follow from the view's row alone:
 *
 *		sum' = null		if sum is null
 *		sum' = sum + d	else
 *
 * The state row stays as it is then, and is not looked for.  Whoever changes it
 * alone has locked the view's row and left the sums as they are.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/apply_group.h"

static bool
in_state(const TvNode *node, int acc)
{
	return ((TvAcc *) list_nth(node->accs, acc))->store == TV_STORE_STATE;
}

bool
tv_group_state_counts(const TvNodeRuntime *rt)
{
	TvNode	   *node = rt->node;
	ListCell   *lc;

	if (!node->has_state || node->primary != TV_STORE_VIEW || node->recompute || rt->images)
		return false;
	for (int i = 0; i < list_length(node->state_columns); i++)
		if (node->state_roles[i].role == TV_STATE_OUT)
			return false;
	for (int i = 0; i < rt->naccs; i++)
		if (in_state(node, i) && rt->accs[i].kind != TV_ACC_ROWS && rt->accs[i].kind != TV_ACC_COUNT)
			return false;
	foreach(lc, node->aggs)
	{
		TvAgg	   *agg = lfirst(lc);

		if (agg->acc < 0 || in_state(node, agg->acc))
			return false;
		if (agg->count_acc >= 0 && agg->kind != TV_AGG_SUM && in_state(node, agg->count_acc))
			return false;
	}
	return true;
}

bool
tv_group_state_needed(const TvGroupPass *p, const TvGroup *group)
{
	TvNode	   *node = p->node;

	if (!p->rt->state_counts || group->recomputed)
		return true;
	for (int i = 0; i < p->rt->naccs; i++)
		if ((i == node->rows_acc || in_state(node, i)) && group->accs[i].u.count != 0)
			return true;
	return false;
}

void
tv_group_state_assume(TvGroupPass *p)
{
	TvNode	   *node = p->node;
	ListCell   *lc;

	for (int i = 0; i < p->rt->naccs; i++)
	{
		if (!in_state(node, i))
			continue;
		p->old_accs[i] = Int64GetDatum(1);
		p->old_acc_nulls[i] = false;
	}
	foreach(lc, node->aggs)
	{
		TvAgg	   *agg = lfirst(lc);

		/* a group that is there has rows */
		if (agg->count_acc >= 0 && in_state(node, agg->count_acc) &&
			p->old_acc_nulls[agg->acc] &&
			(node->nkeys == 0 || agg->count_acc != node->rows_acc))
			p->old_accs[agg->count_acc] = Int64GetDatum(0);
	}
}
