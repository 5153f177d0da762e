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

struct Tuplesortstate;

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
		struct
		{
			TvWeighted *rows;	/* TRANS, EXTREME without sort operator */
			struct TvArgumentRows *more;	/* group_spill.c: those for which
											 * there was no memory left */
		}			list;
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
	int64		nrows;			/* delta rows seen */
	int64		next_check;		/* how much memory is taken is looked at with
								 * this row */
	struct TvGroupSpill *spill; /* NULL: all groups are in memory */
	bool		overflow;		/* rows of arguments are not kept in memory */
	List	   *stores;			/* of TvArgumentRows that these groups have */
	struct TvRecomputed *recomputed;	/* recompute.c: values of groups for
										 * which there was no memory left */
	int			ngroups;
	int			capacity;
	TvGroup   **groups;
	int			nbuckets;		/* 0: few groups, searched one by one */
	int		   *buckets;		/* index + 1 into groups, 0 if free */
	TvGroup    *last;			/* with buckets: the one found last */
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

/*
 * Put the groups into key order.  If they take more memory than hash tables may
 * (work_mem, hash_mem_multiplier), these are only the first of them; when they
 * are done with, tv_groups_next() puts the next ones in their place.  It returns
 * false, and frees what is not memory, if there are none.
 */
extern void tv_groups_sort(TvGroupTable *table);
extern bool tv_groups_next(TvGroupTable *table);

/* Let the table have one group, with these keys, instead of those it has. */
extern TvGroup *tv_groups_make_only(TvGroupTable *table, const Datum *keys, const bool *nulls);

/* A sort of rows that begin with the keys, in the order of these. */
extern struct Tuplesortstate *tv_groups_begin_sort(const TvNodeRuntime *rt, TupleDesc desc);

/*
 * Before tv_groups_sort(): the hash of the keys of the next row whose group is not
 * in the table yet; rt->hashable.  False: that were all.
 */
extern bool tv_groups_next_hash(TvGroupTable *table, uint32 *hash);

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
