/*-------------------------------------------------------------------------
 *
 * executor/moment.h
 *	  Which views are to be brought up to date now, and which can wait.
 *
 * A deferred view waits for the end of the transaction, or for somebody to
 * read it.  A view that an immediate view reads cannot wait: the effective
 * moment of a view is the earliest of its own and those of its readers.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_MOMENT_H
#define TV_MOMENT_H

#include "executor/changeset.h"

/* Why views are to be brought up to date. */
typedef enum TvMoment
{
	TV_MOMENT_STATEMENT,		/* a statement ends: immediate views */
	TV_MOMENT_READ,				/* some are read: these, and what they read */
	TV_MOMENT_END				/* the transaction ends: all */
} TvMoment;

/*
 * OIDs of the views that have pending changes, or can get some from those:
 * lower ones first.
 */
extern List *tv_moment_reachable(void);

/*
 * Of these, the ones to be brought up to date at a moment, in the same order.
 * read: for TV_MOMENT_READ, OIDs of the views that are read.
 */
extern List *tv_moment_select(TvMoment moment, List *reachable, List *read);

/* Has any node of the view pending changes? */
extern bool tv_moment_has_pending(TvView *view);

/* Has any node of this view pending changes of this source? */
extern bool tv_moment_view_pending(Oid view, TvChanges *changes);

/* Has a node of any view pending changes of this source? */
extern bool tv_moment_source_pending(TvChanges *changes);

/* Order views by level, then OID: a list_sort() comparator for view OIDs. */
extern int	tv_moment_compare(const ListCell *a, const ListCell *b);

#endif							/* TV_MOMENT_H */
