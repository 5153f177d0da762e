/*-------------------------------------------------------------------------
 *
 * delta/type_image.h
 *	  Equality of types, and types whose equal values can look different.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_TYPE_IMAGE_H
#define TV_TYPE_IMAGE_H

#include "nodes/primnodes.h"

/* Do equal values of a type, by its own equality, always have the same image? */
extern bool tv_type_one_image(Oid type, int32 typmod, Oid collation);

/*
 * At least, do they look the same?  An array may have a place for nulls that are not
 * there; no more.
 */
extern bool tv_type_one_text(Oid type, int32 typmod, Oid collation);

/*
 * left = right by an operator that suits both.  They are of a type that it takes
 * without conversion (varchar, a domain): the planner tells such columns from those
 * that a query compares, and looks nothing up by both, if they do not say so.
 */
extern Expr *tv_type_equals(Oid operator, Expr *left, Expr *right, Oid collation);

#endif							/* TV_TYPE_IMAGE_H */
