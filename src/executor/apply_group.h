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
	MemoryContext pass_cxt;		/* holds this and the writers; NULL: that of
								 * the flush does */
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
 * Begin a pass, after one before it (which is ended) or NULL: it must see what was
 * locked after the snapshot of that one.
 */
extern TvGroupPass *tv_group_pass_begin(TvNodeFlush *flush, TvGroupTable *table,
										TvGroupPass *before);

/* Apply a group, or mark it rescan, if only a recompute can tell; it is locked then. */
extern void tv_group_pass_apply(TvGroupPass *p, TvGroup *group);

/* Ends all but the primary store's writer. */
extern void tv_group_pass_end(TvGroupPass *p);

/* apply_spilled.c: apply the groups of a table that spills.  Returns the last pass. */
extern TvGroupPass *tv_apply_spilled(TvNodeFlush *flush, TvGroupTable *table);

/*
 * Recompute the groups marked rescan, under a snapshot that is newer than the
 * locks on their rows.  Their values are set, or stay NULL if they are no
 * more.  Of the pass only flush, rt, node and table are used.
 */
extern void tv_apply_recompute(TvGroupPass *p);

/* The same of all groups of the table. */
extern void tv_apply_recompute_all(TvNodeFlush *flush, TvGroupTable *table);

/* The same of all groups with these keys, whose values are fetched one by one. */
extern void tv_recompute_spilled(TvNodeFlush *flush, TvGroupTable *table, TvRowStore *keys);

/*
 * Where there was no memory for the values of all recomputed groups, let this
 * one have its own.  Groups are asked for in the order of their keys; values are good
 * until the next one is.
 */
extern void tv_recompute_fetch(TvGroupTable *table, TvGroup *group);
extern void tv_recompute_end(TvGroupTable *table);

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
