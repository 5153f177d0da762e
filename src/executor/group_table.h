/*-------------------------------------------------------------------------
 *
 * executor/group_table.h
 *	  Add up the delta of a node's input by group.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_GROUP_TABLE_H
#define TV_GROUP_TABLE_H

#include "executor/runtime.h"

/* A row of arguments with its weight, for accumulators that need the rows. */
typedef struct TvWeighted
{
	struct TvWeighted *next;
	int64		weight;
	Datum	   *values;			/* arguments */
	bool	   *nulls;
} TvWeighted;

/* What the delta does to one accumulator of one group. */
typedef struct TvAccDelta
{
	bool		touched;
	union
	{
		int64		count;		/* ROWS, COUNT */
		struct
		{
			int64		hi;		/* SUM: hi * 2^64 + lo, as int128 */
			uint64		lo;
		}			sum;
		struct
		{
			Datum		value;	/* EXTREME: the one that sorts first ... */
			int64		weight; /* ... and its net weight */
			bool		left;	/* some of it left ... */
			bool		mixed;	/* ... and there are several images of it */
		}			extreme;
		TvWeighted *rows;		/* TRANS, EXTREME without sort operator */
	}			u;
}			TvAccDelta;

/* Rows of the delta whose keys have one image. */
typedef struct TvKeyImage
{
	struct TvKeyImage *next;
	int64		weight;
	Datum	   *keys;
} TvKeyImage;

typedef struct TvGroup
{
	uint32		hash;
	bool		has_null;		/* a key column is null */
	bool		rescan;			/* must be recomputed */
	bool		recomputed;		/* values below are set */
	bool		primary_done;	/* the primary row has the delta already */
	Datum	   *keys;			/* in the image to be shown */
	bool	   *nulls;
	TvKeyImage *images;			/* if equal keys may have several */
	TvAccDelta *accs;
	Datum	   *values;			/* recomputed: accumulators, then results */
	bool	   *value_nulls;
} TvGroup;

typedef struct TvGroupTable
{
	TvNodeRuntime *rt;
	MemoryContext cxt;			/* holds everything */
	int			ngroups;
	int			capacity;
	TvGroup   **groups;
	int			nbuckets;		/* 0: few groups, searched one by one */
	int		   *buckets;		/* index + 1 into groups, 0 if free */
	TvGroup    *last;			/* with buckets: the one found last */
	int64		nrows;			/* delta rows seen */
} TvGroupTable;

extern TvGroupTable *tv_groups_make(TvNodeRuntime *rt, MemoryContext cxt);

/* The group with this key, made when missing and wanted; else NULL. */
extern TvGroup *tv_groups_find(TvGroupTable *table, const Datum *keys, const bool *nulls,
							   bool make);

/* Hash of a group's keys; rt->hashable.  Equal keys have the same everywhere. */
extern uint32 tv_groups_hash(TvNodeRuntime *rt, const TvGroup *group);

/* Let the group's keys have this image. */
extern void tv_groups_set_keys(TvGroupTable *table, TvGroup *group,
							   const Datum *keys, const bool *nulls);

/* A TvRowConsumer: add a delta row (input row, weight). */
extern void tv_groups_add(TupleTableSlot *slot, void *table);

/* Put the groups into key order. */
extern void tv_groups_sort(TvGroupTable *table);

/*
 * New stored value of an accumulator from its old one and the delta.  count
 * is the new value of the companion count (-1 if it has none), fresh tells that
 * the old count was zero.  Sets *rescan when only a recompute can tell.  The
 * result is in cxt or is the old value.
 */
extern Datum tv_groups_advance(TvGroupTable *table, int acc, const TvAccDelta * delta,
							   Datum old, bool old_null, int64 count, bool fresh,
							   bool *isnull, bool *rescan, MemoryContext cxt);

#endif							/* TV_GROUP_TABLE_H */
