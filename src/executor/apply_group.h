/*-------------------------------------------------------------------------
 *
 * executor/apply_group.h
 *	  A pass over the touched groups of a node.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_APPLY_GROUP_H
#define TV_APPLY_GROUP_H

#include "executor/flush_internal.h"

/* Everything that is the same for all groups of a pass. */
typedef struct TvGroupPass
{
	TvNodeFlush *flush;
	TvNodeRuntime *rt;
	TvNode	   *node;
	TvGroupTable *table;
	TvWriter   *primary;
	bool		has_state;		/* the primary store has not everything */
	TvWriter   *state;			/* opened when it is needed */
	MemoryContext cxt;			/* per group */
	int			npending;		/* groups left to be recomputed */

	/* the group at hand */
	Datum	   *old_keys;		/* in the image that is stored; set if there
								 * may be several */
	bool	   *old_key_nulls;
	bool		state_read;		/* the state row was found */
	Datum	   *old_accs;
	bool	   *old_acc_nulls;
	Datum	   *new_accs;
	bool	   *new_acc_nulls;
	Datum	   *results;
	bool	   *result_nulls;
	Datum	   *old_out;
	bool	   *old_out_nulls;
	bool		old_visible;
	Datum	   *new_out;
	bool	   *new_out_nulls;
	bool		new_visible;
	Datum	   *row;			/* of a store */
	bool	   *row_nulls;
} TvGroupPass;

/*
 * Recompute the groups marked rescan, under a snapshot that is newer than the
 * locks on their rows.  Their values are set, or stay NULL if they are no
 * more.  Of the pass only flush, rt, node and table are used.
 */
extern void tv_apply_recompute(TvGroupPass *p);

/*
 * group_state.c.  Has the state table nothing but such counts that the view's
 * row tells what matters of them?  Is the state row of the group at hand needed
 * for its delta?  If not, set the old counts, as far as they matter, after
 * those accumulators that the view has.
 */
extern bool tv_group_state_counts(const TvNodeRuntime *rt);
extern bool tv_group_state_needed(const TvGroupPass *p, const TvGroup *group);
extern void tv_group_state_assume(TvGroupPass *p);

#endif							/* TV_APPLY_GROUP_H */
