/*-------------------------------------------------------------------------
 *
 * planner/view_uses.h
 *	  The columns that views read, while they are compiled.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_VIEW_USES_H
#define TV_VIEW_USES_H

#include "delta/graph.h"

/*
 * Note what the graph of a view, or NULL, reads.  moment: any number that is
 * another one when it may read something else.
 */
extern void tv_view_uses_note(Oid view, const TvGraph *graph, uint64 moment);

/*
 * The columns of the source that the view reads.  If they are not known, it is
 * compiled, which leaves nothing behind.
 */
extern Bitmapset *tv_view_columns_read(Oid view, Oid source, uint64 moment);

extern void tv_view_uses_forget(void);

#endif							/* TV_VIEW_USES_H */
