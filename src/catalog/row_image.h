/*-------------------------------------------------------------------------
 *
 * catalog/row_image.h
 *	  When two values have the same image.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_ROW_IMAGE_H
#define TV_ROW_IMAGE_H

#include "access/tupdesc.h"

/* Do values of a type hold rows, in themselves or as elements of an array? */
extern bool tv_image_has_rows(Oid type);

/*
 * Have two values of an attribute, neither of them null, the same image?
 * Byte by byte, compressed or not, in rows as well.
 */
extern bool tv_image_equal(Form_pg_attribute attribute, Datum a, Datum b);

#endif							/* TV_ROW_IMAGE_H */
