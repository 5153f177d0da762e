/*-------------------------------------------------------------------------
 *
 * executor/segment.h
 *	  A run of captured rows: where they are kept, and who has consumed them.
 *
 * The rows are those of a source's layout, with a weight as last column.
 * Segments live in the memory context that is current when they are made; the
 * files they spill to outlive the subtransaction.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_SEGMENT_H
#define TV_SEGMENT_H

#include "executor/changeset.h"
#include "executor/row_store.h"

/* A node of a view has consumed the rows. */
typedef struct TvConsumption
{
	Oid			view;
	int			node;
	SubTransactionId subid;
} TvConsumption;

struct TvSegment
{
	SubTransactionId subid;		/* who captured it */
	const TvLayout *layout;		/* of the rows */
	TvRowStore *rows;
	bool		whole;			/* rows came or went, or it is not known what
								 * changed; else only ... */
	Bitmapset  *columns;		/* ... these columns of the source did */
	int			deliveries;		/* trigger calls or flushes that brought rows */
	List	   *consumed;		/* of TvConsumption * */
	Oid			truncated;		/* a table that was emptied after these rows
								 * (or InvalidOid) ... */
	SubTransactionId settled;	/* ... and who read what it held then */
	Oid			from;			/* the table that these rows come from, if it
								 * was emptied before */
	SubTransactionId voided;	/* who replaced these rows by what that table
								 * held */
	bool		for_all;		/* with these rows, or without any, some came
								 * or went for every snapshot at once */
	SubTransactionId served;	/* who saw to it that all readers consumed it */
};

/*
 * A new segment of the present subtransaction.  others: how many there are
 * already, among which memory is to be shared.
 */
extern TvSegment *tv_segment_make(const TvLayout *layout, int others);
extern void tv_segment_free(TvSegment *segment);

/* Add a row; the arrays have room for the weight. */
extern void tv_segment_add(TvSegment *segment, Datum *values, bool *isnull, int64 weight);

/* Add the old and the new row of an update. */
extern void tv_segment_add_update(TvSegment *segment, Datum *values, bool *isnull,
								  Datum *new_values, bool *new_isnull);

/* Add a row with values taken out of TOAST storage. */
extern void tv_segment_add_detoasted(TvSegment *segment, const Datum *values,
									 const bool *isnull, int64 weight);

/* Take all values out of TOAST storage. */
extern void tv_segment_detoast(TvSegment *segment);

/*
 * A new store, of the current resource owner, with the rows in another layout:
 * one with some of their columns (a reader has gone since they were captured).
 * NULL if the rows lack a column.
 */
extern TvRowStore *tv_segment_project(const TvSegment *segment, const TvLayout *layout);

/*
 * Are two segments pending for the same nodes, and will they stay so whatever
 * is rolled back?
 */
extern bool tv_segment_may_join(const TvSegment *a, const TvSegment *b);

/* Move the rows of a segment to another.  The caller frees the first. */
extern void tv_segment_join(TvSegment *into, TvSegment *from, int others);

#endif							/* TV_SEGMENT_H */
