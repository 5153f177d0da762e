/*-------------------------------------------------------------------------
 *
 * catalog/row_hash.h
 *	  Hash of a row's image.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_ROW_HASH_H
#define TV_ROW_HASH_H

#include "access/tupdesc.h"

/*
 * Hash of the images of all attributes, nulls too.  Equal images (that is,
 * tv_image_equal() for each attribute) give equal hashes, whether the values
 * are compressed, stored out of line, or neither.
 */
extern uint32 tv_row_hash(TupleDesc desc, const Datum *values, const bool *isnull);

#endif							/* TV_ROW_HASH_H */
