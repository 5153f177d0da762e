/*-------------------------------------------------------------------------
 *
 * executor/changeset.h
 *	  Captured and derived changes of this transaction, and who consumed them.
 *
 * For each source (base table, view, or state table of a node) a list of
 * segments.  A segment is a signed multiset: rows of the source's layout and a
 * weight.  It is stamped with the subtransaction that captured it.  pending(n,
 * i), the part of source i that node n has not consumed, is the segments of i
 * that bear no consumption record of n.  Records are stamped too: an aborted
 * subtransaction takes away its segments and its records, a committed one hands
 * both to its parent.
 *
 * A segment is freed when every reader has consumed it and no rollback to a
 * savepoint can undo that any more, or at the end of the transaction.  Readers
 * that lag behind others (deferred views) keep segments alive; neighbours of
 * one subtransaction that the same readers have consumed are therefore joined,
 * so that the number of segments does not grow with the number of statements.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_CHANGESET_H
#define TV_CHANGESET_H

#include "executor/transition.h"
#include "planner/view_cache.h"

typedef struct TvSegment TvSegment;

typedef struct TvChanges
{
	Oid			source;			/* hash key */
	const TvLayout *layout;		/* of rows to be added and read; lives as long
								 * as the transaction */
	List	   *segments;		/* of TvSegment *, oldest first */
	int			ntruncated;		/* segments with truncated */
	Oid			from;			/* the table whose rows are being added: the
								 * source or a descendant */
	bool		lagging;		/* held some when the outermost data-changing
								 * statement in progress began */
} TvChanges;

/* Is there any segment at all? */
extern bool tv_changes_exist(void);

/*
 * The changes of a source, made when missing.  Rows to be added have this
 * layout; segments that there are already keep theirs.  They come from the
 * source itself, unless the caller then sets from.
 */
extern TvChanges *tv_changes_of(Oid source, const TvLayout *layout);

/* The changes of a source, or NULL. */
extern TvChanges *tv_changes_find(Oid source);

/* All sources with segments: List of TvChanges *. */
extern List *tv_changes_all(void);

/*
 * Add a row: values of the layout's columns.  The weight is put in by this
 * function.
 */
extern void tv_changes_add(TvChanges *changes, Datum *values, bool *isnull, int64 weight);

/*
 * The same, with values taken out of TOAST storage: for rows whose storage
 * goes before they are read.
 */
extern void tv_changes_add_detoasted(TvChanges *changes, Datum *values, bool *isnull,
									 int64 weight);

/*
 * Add the old and the new row of an update.  A reader that needs none of the
 * columns in which they differ is passed over.  what_changed: whether there is
 * any reader to whom this can happen.
 */
extern void tv_changes_add_update(TvChanges *changes, Datum *values, bool *isnull,
								  Datum *new_values, bool *new_isnull, bool what_changed);

/*
 * Add the rows of transition tables, which are read where they are.  Before
 * these end, tv_changes_keep() copies what has not been freed.  columns: those
 * that changed, NULL if rows came or went.
 */
extern void tv_changes_lend(TvChanges *changes, TvTransition *transition, Bitmapset *columns);
extern void tv_changes_keep(TvChanges *changes);

/*
 * The contents of the table changes->from were added with weight -1: it is
 * about to be emptied.  What rows of it came and went after this cannot be known
 * from captured changes, some of them may go with the others.
 */
extern void tv_changes_truncate(TvChanges *changes);

/*
 * Of tables that were emptied, forget the rows captured since.  Returns these
 * tables, for the caller to add their present contents instead.
 */
extern List *tv_changes_settle(TvChanges *changes);

/*
 * Rows of the source came or went without regard to snapshots (TRUNCATE,
 * ATTACH and the like): an older one sees other rows than it saw.
 */
extern void tv_changes_note_for_all(TvChanges *changes);
extern bool tv_changes_for_all(TvChanges *changes);

/* A trigger call, or the flush of a node, has brought rows. */
extern void tv_changes_delivered(TvChanges *changes);

/*
 * The segments of a source that a node has not consumed, and that concern these
 * columns (NULL: all).
 *
 * What is passed over adds up to nothing in these columns: whether a node
 * consumes it makes no difference, now or later.
 */
extern List *tv_changes_pending(TvChanges *changes, Oid view, int node,
								const Bitmapset *columns);

/* Is there any? */
extern bool tv_changes_has_pending(TvChanges *changes, Oid view, int node,
								   const Bitmapset *columns);

/* Record that a node consumed these segments. */
extern void tv_changes_consume(List *segments, Oid view, int node);

/*
 * All readers of a source have consumed all its segments: free those whose
 * consumption can no longer be undone.
 */
extern void tv_changes_served(TvChanges *changes);

/*
 * A data-changing statement begins that is part of no other: what is there now
 * was left behind by earlier ones.
 */
extern void tv_changes_mark_lagging(void);

/* Ends of transactions and subtransactions. */
extern void tv_changes_end_transaction(void);
extern void tv_changes_end_subtransaction(bool commit, SubTransactionId subid,
										  SubTransactionId parent);

#endif							/* TV_CHANGESET_H */
