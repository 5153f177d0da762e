/*-------------------------------------------------------------------------
 *
 * executor/far_rows.h
 *	  Lock the row that a changed row joins with, before their key.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_FAR_ROWS_H
#define TV_FAR_ROWS_H

#include "delta/graph.h"

/* The leaf on the other side of an edge, if its rows can be locked. */
typedef struct TvFarLeaf
{
	Oid			relid;
	int			nkeys;
	AttrNumber *attnos;			/* its columns of the key */
	Oid		   *types;			/* of the near leaf's values */
	Oid		   *collations;
} TvFarLeaf;

/*
 * The far leaf of an edge, seen from the leaf which (0 or 1), in the current
 * memory context; NULL if it is no table or a key is not one of its columns.
 */
extern TvFarLeaf *tv_far_leaf(const TvGraph *graph, const TvEdge *edge, int which);

/*
 * Lock the row with this key (values of the near leaf, none of them null), as
 * an UPDATE of other columns does, until the end of the transaction.  Does
 * nothing if no unique index leads to it.  Waits as any row lock does.
 */
extern void tv_far_row_lock(const TvFarLeaf *far, const Datum *values);

#endif							/* TV_FAR_ROWS_H */
