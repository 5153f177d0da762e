/*-------------------------------------------------------------------------
 *
 * catalog/tv_state.h
 *	  Hidden state tables, and the index by which rows of a store are found.
 *
 * A "store" is the relation that holds a node's rows: the materialized view
 * itself or a hidden state table.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_STATE_H
#define TV_STATE_H

#include "access/attnum.h"
#include "nodes/pg_list.h"
#include "utils/relcache.h"

/* How the rows of a state table are found. */
typedef enum TvStateIndex
{
	TV_STATE_INDEX_KEY,			/* unique on the key, NULLS NOT DISTINCT */
	TV_STATE_INDEX_SINGLE,		/* unique on a constant: at most one row */
	TV_STATE_INDEX_SHARED,		/* on columns that rows share; none without
								 * columns */
	TV_STATE_INDEX_HASH			/* on tview.row_hash() of the row */
} TvStateIndex;

/*
 * Create the state table of a node: table tview.state_<view>_<node>, USING
 * heap, owned by the extension's owner, member of the extension, fillfactor
 * 70, no privileges for anybody.  columns is a List of ColumnDef.  keys are
 * the attribute numbers of the columns to be indexed.  Records it in the
 * catalog.  Returns its OID.
 */
extern Oid	tv_state_create(Oid view, int node, List *columns, TvStateIndex index,
							int nkeys, const AttrNumber *keys, const char *signature);

/* Make another index, not unique, on columns of a state table (List of int). */
extern void tv_state_make_lookup_index(Oid state, List *columns);

/* One on a column of any length, for equality. */
extern void tv_state_make_lookup_index_any(Oid state, AttrNumber column);

/* The same, to read its rows in an order. */
extern void tv_state_make_order_index(Oid state, int natts, const AttrNumber *attnos,
									  const bool *descending, const bool *nulls_first);

/* Drop all state tables of a view, and forget them. */
extern void tv_state_drop_all(Oid view);

/*
 * The OID of a unique, immediate, valid, ready btree index on exactly these
 * columns (any order), default operator classes and the columns' collations,
 * without predicate or expression, that treats nulls as equal or whose
 * columns are all NOT NULL; InvalidOid if there is none.
 */
extern Oid	tv_state_find_key_index(Relation rel, int nkeys, const AttrNumber *keys);

/* The OID of an index on exactly these columns, unique or not, or InvalidOid. */
extern Oid	tv_state_find_shared_index(Relation rel, int nkeys, const AttrNumber *keys);

/* The OID of the index on tview.row_hash(rel.*), InvalidOid if none. */
extern Oid	tv_state_find_hash_index(Relation rel);

/* The OID of the index on a constant (rows of a one-row store), or InvalidOid. */
extern Oid	tv_state_find_single_index(Relation rel);

/* Make the index for a view that has none that fits: see the three above. */
extern void tv_state_make_key_index(Oid relid, int nkeys, const AttrNumber *keys);
extern void tv_state_make_hash_index(Oid relid);
extern void tv_state_make_single_index(Oid relid);

/*
 * The aggregate of schema tview that computes the moving transition state of
 * aggregate aggfn as a storable value (bytea when its transition type is
 * internal), InvalidOid if there is none yet.  tv_state_ensure_aggregate
 * creates it (for user-defined aggregates; those of the server come with the
 * extension).
 */
extern Oid	tv_state_find_aggregate(Oid aggfn);
extern Oid	tv_state_ensure_aggregate(Oid aggfn);

#endif							/* TV_STATE_H */
