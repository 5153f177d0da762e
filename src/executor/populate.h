/*-------------------------------------------------------------------------
 *
 * executor/populate.h
 *	  Fill a view and its state tables, or these alone.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_POPULATE_H
#define TV_POPULATE_H

/*
 * Fill the (empty) state tables of a view that was filled, bottom up, under a fresh
 * snapshot, as the view's owner.  The caller holds AccessExclusiveLock on the
 * view; writers of its bases are kept out by it.
 */
extern void tv_populate_states(Oid view);

/*
 * The same, and fill the (empty) view itself; gives its number of rows.  Indexes
 * that it has are built.  frozen: every snapshot is to see the rows.
 */
extern uint64 tv_populate_view(Oid view, bool frozen);

/* Counters of this backend, per view since the session began. */
typedef struct TvActivity
{
	int64		flushes;
	int64		delta_in;		/* rows of delta consumed */
	int64		delta_out;		/* rows of delta produced */
	int64		groups;			/* groups or keys touched */
	int64		rescans;		/* groups recomputed */
	int64		inserted;		/* rows of the view */
	int64		updated;
	int64		deleted;
} TvActivity;

/* NULL if the view was not maintained in this session. */
extern const TvActivity *tv_activity(Oid view);

#endif							/* TV_POPULATE_H */
