/*-------------------------------------------------------------------------
 *
 * delta/type_image.h
 *	  Types whose equal values can look different.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_TYPE_IMAGE_H
#define TV_TYPE_IMAGE_H

/* Do equal values of a type, by its own equality, always have the same image? */
extern bool tv_type_one_image(Oid type, int32 typmod, Oid collation);

/*
 * At least, do they look the same?  An array may have a place for nulls that are not
 * there; no more.
 */
extern bool tv_type_one_text(Oid type, int32 typmod, Oid collation);

#endif							/* TV_TYPE_IMAGE_H */
