/*-------------------------------------------------------------------------
 *
 * executor/runtime.h
 *	  What is looked up once per node and backend to run its rule.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_RUNTIME_H
#define TV_RUNTIME_H

#include "executor/executor.h"
#include "utils/sortsupport.h"

#include "executor/trans.h"
#include "planner/view_cache.h"

typedef struct TvKeyRuntime
{
	SortSupportData sort;
	FmgrInfo	hash;
	Oid			collation;
	int16		typlen;
	bool		typbyval;
} TvKeyRuntime;

/* Of an accumulator. */
typedef struct TvAccRuntime
{
	TvAccKind	kind;
	AttrNumber	arg;			/* first argument's input column, 0 if none */
	Oid			argtype;
	int16		typlen;			/* of the stored value */
	bool		typbyval;
	SortSupportData sort;		/* EXTREME with a sort operator */
	FmgrInfo	fold;			/* EXTREME without */
	Oid			collation;
	bool		images;			/* equal arguments may have several images */
	TvTrans    *trans;			/* TRANS */
} TvAccRuntime;

/* What an update of a source must leave alone for its new row to do. */
typedef struct TvKept
{
	bool		known;
	bool	   *columns;		/* by column of the layout; NULL: none does */
} TvKept;

typedef struct TvNodeRuntime
{
	TvView	   *view;
	TvNode	   *node;
	int			nkeys;
	TvKeyRuntime *keys;
	bool		hashable;
	bool		images;			/* equal keys may have several images */
	int			naccs;
	TvAccRuntime *accs;
	int			naggs;

	/* projection of the group row to the output row */
	ExprContext *econtext;
	TupleTableSlot *group_slot; /* keys, aggregate results */
	ExprState **out;
	ExprState  *having;

	bool		state_counts;	/* the state table has counts alone, of which
								 * nothing matters but whether they are zero,
								 * and that the view's columns tell, too */
	bool		key_saves;		/* tv_derive_key_saves */
	SortSupportData *identity_sort; /* order of the output rows' key */
	struct TvTopRuntime *top_rows;	/* owned by apply_top_rows.c */
	struct TvStoreAccess *access[3];	/* by TvStoreUse; see store_access.c */
	struct TvKeyLocks *locks;	/* owned by key_locks.c */
	TvKept	   *kept;			/* by source; owned by input_replace.c */
} TvNodeRuntime;

/* The runtime of a node, made when missing; lives in the view's context. */
extern TvNodeRuntime *tv_runtime_get(TvView *view, TvNode *node);

/*
 * Output row of a group, from its keys and its aggregate results; values are
 * in the econtext's per-tuple memory.  False if HAVING rejects the group, the
 * output is then null throughout.
 */
extern bool tv_runtime_project(TvNodeRuntime *rt, const Datum *keys, const bool *key_nulls,
							   const Datum *results, const bool *result_nulls,
							   Datum *out, bool *out_nulls);

/*
 * The aggregates' results from the accumulators' stored values.  Results are
 * in the current memory context, or are the stored values themselves.
 */
extern void tv_runtime_results(TvNodeRuntime *rt, const Datum *accs, const bool *acc_nulls,
							   Datum *results, bool *result_nulls);

/* Have these equal keys the same image too? */
extern bool tv_runtime_same_image(const TvNodeRuntime *rt, const Datum *a, const Datum *b,
								  const bool *nulls);

/* A copy of keys in the current memory context. */
extern Datum *tv_runtime_copy_keys(const TvNodeRuntime *rt, const Datum *keys, const bool *nulls);

/* Compare two keys in the order of the key index. */
extern int	tv_runtime_compare_keys(const TvNodeRuntime *rt, const Datum *a, const bool *anull,
									const Datum *b, const bool *bnull);

#endif							/* TV_RUNTIME_H */
