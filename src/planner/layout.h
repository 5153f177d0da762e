/*-------------------------------------------------------------------------
 *
 * planner/layout.h
 *	  Layouts of deltas: which columns of a relation are captured.
 *
 * All are made in the current memory context; the weight comes last in the
 * description.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_LAYOUT_H
#define TV_LAYOUT_H

#include "delta/derive.h"

/* Of a relation, these columns (column numbers). */
extern TvLayout *tv_layout_make(Oid relid, Bitmapset *columns);

/* Of a node: all columns of its output. */
extern TvLayout *tv_layout_of_node(const TvNode *node);

extern TvLayout *tv_layout_copy(const TvLayout *layout);

#endif							/* TV_LAYOUT_H */
