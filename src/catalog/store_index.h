/*-------------------------------------------------------------------------
 *
 * catalog/store_index.h
 *	  Make and drop the indexes by which rows of a store are found.
 *
 * An index made for a view is marked as ours by an automatic dependency on
 * the extension (ALTER INDEX ... DEPENDS ON EXTENSION), which dumps keep.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_STORE_INDEX_H
#define TV_STORE_INDEX_H

#include "access/attnum.h"
#include "nodes/pg_list.h"

extern void tv_store_index_make_key(Oid relid, int nkeys, const AttrNumber *keys, bool unique,
									bool mark);
extern void tv_store_index_make_hash(Oid relid, bool mark);
extern void tv_store_index_make_single(Oid relid, bool mark);

/* One that is not unique, on columns (List of int), for readers of the rows. */
extern void tv_store_index_make_lookup(Oid relid, List *columns);

/* One on a column whose values may be too long for the others. */
extern void tv_store_index_make_lookup_any(Oid relid, AttrNumber column);

/* An index of a state table that keeps its rows in an order. */
extern void tv_store_index_make_order(Oid relid, int natts, const AttrNumber *attnos,
									  const bool *descending, const bool *nulls_first);

/* The OIDs of the indexes of a view that we made. */
extern List *tv_store_index_ours(Oid relid);

/*
 * Drop those, except keep: the unique ones promise what the definition no
 * longer does.
 */
extern void tv_store_index_drop_ours(Oid relid, Oid keep);

#endif							/* TV_STORE_INDEX_H */
