/*-------------------------------------------------------------------------
 *
 * delta/outer_side.h
 *	  One side of an outer join, as seen from the other.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_OUTER_SIDE_H
#define TV_OUTER_SIDE_H

#include "delta/compile_internal.h"

typedef struct TvOuterSide
{
	TvCompiler *c;
	Query	   *query;
	Node	   *item;			/* the side that is padded with nulls */
	Bitmapset  *rtis;			/* its range table indexes */
	List	   *partials;		/* it by itself */
	Node	   *quals;			/* ON, or NULL */

	/* ON taken apart */
	List	   *own;			/* quals on this side only */
	List	   *other;			/* quals on the other side only */
	List	   *equalities;		/* of OpExpr *: "other side = this side" ... */
	List	   *inner;			/* ... and which argument is of this side */
	bool		general;		/* there is more to it */

	bool		staged;			/* rows without a match are to be stored ... */
	int			nbefore;		/* ... but not these first leaves for it */
} TvOuterSide;

/* partials: left to the caller */
extern void tv_outer_side_init(TvOuterSide *s, TvCompiler *c, Query *query, Node *item, Node *quals);

/* Append what an item of the side, and join conditions in it, are made of. */
extern void tv_outer_side_parts(TvOuterSide *s, Node *item, List **parts);

/* Does the side refer to FROM items before it, or outside of the query? */
extern bool tv_outer_side_refers_outside(TvOuterSide *s);

/* Does the ON of a and b refer to anything but them? */
extern bool tv_outer_side_condition_refers_outside(const TvOuterSide *a, const TvOuterSide *b);

/* Does an equality of ON compare nulls that stand for columns of p? */
extern bool tv_outer_side_never_matches(const TvOuterSide *s, const TvPartial *p);

/* Of all partials, so that nobody would read the side? */
extern bool tv_outer_side_none_matches(const TvOuterSide *s, List *partials);

/*
 * outer_store.c: the products that FROM begins with, which are to be joined with
 * the side: one that reads them stored, if there would be too many otherwise.
 */
extern List *tv_outer_store(const TvOuterSide *s, const JoinExpr *join, List *partials);

/* The columns, of the FROM items that are in the product, that anybody reads: of Var *. */
extern List *tv_outer_columns_read(TvCompiler *c, Query *query, const TvPartial *p);

/*
 * outer_stage.c: a product in which the side is null, or may be, reads the rows
 * without a match stored; as it is if that cannot be.
 */
extern TvPartial *tv_outer_stage(const TvOuterSide *s, TvPartial *p);

#endif							/* TV_OUTER_SIDE_H */
