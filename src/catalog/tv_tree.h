/*-------------------------------------------------------------------------
 *
 * catalog/tv_tree.h
 *	  Trees of tables: partitions and inheritance children.
 *
 * A row that a table stores is a row of each of its ancestors, too.  All
 * functions read pg_inherits as it is now, take no lock unless told to, and
 * return lists in the current memory context.  A partition that is being
 * detached concurrently belongs to its tree no more.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_TREE_H
#define TV_TREE_H

#include "nodes/pg_list.h"
#include "storage/lockdefs.h"

/* Has the table children, of any kind? */
extern bool tv_tree_has_children(Oid relid);

/*
 * Has it a parent or children, or had it children?  The server takes note of
 * the last child leaving when it vacuums the table, and so do we.  A parent that
 * it is being detached from counts.
 */
extern bool tv_tree_is_member(Oid relid);

/*
 * The parents, without the table itself and those it is being detached from:
 * List of Oid.
 */
extern List *tv_tree_parents(Oid relid);

/* The table and all its ancestors: whose rows the rows that it stores are. */
extern List *tv_tree_above(Oid relid);

/* The table and all its descendants, locked: where its rows are stored. */
extern List *tv_tree_below(Oid relid, LOCKMODE lockmode);

/*
 * The tables that have a row in common with this one: its descendants and the
 * ancestors of these.  A change made through the table can change no others.
 * Partitions that are being detached can be written to by way of it.
 */
extern List *tv_tree_related(Oid relid);

/* Is a partition of this table being detached? */
extern bool tv_tree_detaching(Oid relid);

#endif							/* TV_TREE_H */
