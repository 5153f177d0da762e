/*-------------------------------------------------------------------------
 *
 * executor/direct_internal.h
 *	  What the making and the running of direct plans share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_DIRECT_INTERNAL_H
#define TV_DIRECT_INTERNAL_H

#include "executor/nodeIndexscan.h"
#include "nodes/plannodes.h"

#include "executor/direct.h"
#include "executor/row_fetch.h"
#include "executor/row_memory.h"

typedef enum TvDirectKind
{
	TV_DIRECT_RESULT,
	TV_DIRECT_APPEND,
	TV_DIRECT_INPUT_SCAN,		/* of an ephemeral relation */
	TV_DIRECT_TABLE_SCAN,
	TV_DIRECT_INDEX_SCAN,
	TV_DIRECT_SUBQUERY_SCAN,
	TV_DIRECT_MATERIAL,
	TV_DIRECT_NEST_LOOP
} TvDirectKind;

/*
 * A plan node and its state.  Expressions, slots and scan keys are made once
 * and kept with the plan; relations and scans are open during a run only.
 */
typedef struct TvDirectNode
{
	TvDirectKind kind;
	struct TvDirect *direct;
	ExprContext *econtext;
	ExprState  *qual;			/* NULL: none */
	ProjectionInfo *projection; /* NULL: the row scanned is the result */
	int			nchildren;
	struct TvDirectNode **children; /* NEST_LOOP: outer, inner */
	int			current;		/* APPEND: the child being read; RESULT: 1
								 * after its row */

	/* scans, SUBQUERY_SCAN, MATERIAL */
	TupleTableSlot *slot;		/* the row scanned */

	/* INPUT_SCAN */
	const char *name;
	bool		shared;			/* another node reads the same */
	TvRowCursor cursor;

	/* TABLE_SCAN, INDEX_SCAN */
	Oid			relid;
	LOCKMODE	lockmode;
	bool		locked;			/* the table is, before the plan runs */
	bool		heap;			/* rows are stored as in a heap */
	Relation	rel;			/* NULL: not open */
	TableScanDesc table_scan;

	/* INDEX_SCAN */
	Oid			indexid;
	ScanDirection direction;
	Relation	index;
	IndexScanDesc scan;
	int			nscankeys;
	ScanKeyData *scankeys;
	int			nruntime_keys;
	IndexRuntimeKeyInfo *runtime_keys;
	ExprContext *runtime_econtext;
	ExprState  *recheck;		/* the index quals, if the index is lossy */
	bool		started;		/* scan keys are set, or the scan is begun */
	AttrNumber *unique;			/* columns of the table that the scan keys are
								 * about, if these are a unique key of a heap */
	TvKeyPassing *passing;		/* of their arguments */
	TvPlace		place;			/* of the row last found by a unique key */
	bool		remembers;		/* the row that is looked for, by this hash */
	uint64		hash;
	int			nlooked;		/* keys looked for in this run */

	/*
	 * The old and the new row of an update mostly have the same join key: a
	 * look-up by the keys of the one before starts with the row in the slot.
	 */
	bool		by_value;		/* all runtime keys are passed by value */
	NullableDatum *last_keys;	/* runtime keys of the scan at hand */
	int64		nfetched;		/* rows it has returned */
	bool		exhausted;
	bool		replay;			/* return the row in the slot next */
	TupleTableSlot *further;	/* the rows behind the first of a look-up: a
								 * fetch that finds none may have pointed the
								 * slot's tuple at a dead one */

	/* MATERIAL */
	bool		keeps;			/* its rows depend on no parameter */
	List	   *rows;			/* of MinimalTuple, once all are read */
	bool		filled;

	/* NEST_LOOP */
	JoinType	jointype;
	bool		single_match;
	ExprState  *joinqual;
	List	   *params;			/* of NestLoopParam * */
	bool		need_outer;
	bool		matched;
	TupleTableSlot *null_slot;	/* LEFT, ANTI: an inner row of nulls */
} TvDirectNode;

typedef struct TvDirect
{
	MemoryContext cxt;			/* holds everything */
	MemoryContext run_cxt;		/* scans and materialized rows */
	TvDirectNode *top;
	ParamExecData *params;
	List	   *input_scans;	/* of TvDirectNode * */
	List	   *locked;			/* as in the plan */
	bool		running;		/* also when an error has cut a run short */

	/* of this run */
	List	   *inputs;
	Snapshot	snapshot;
} TvDirect;

/* Compile a plan for such inputs; NULL if it is not simple.  Lives in a context below parent. */
extern TvDirect *tv_direct_make(TvPlan *plan, List *inputs, MemoryContext parent);

/* Prepare for a run, the next row or an empty slot, and the end of a run. */
extern void tv_direct_begin(TvDirectNode *node);
extern TupleTableSlot *tv_direct_next(TvDirectNode *node);
extern void tv_direct_end(TvDirectNode *node);

#endif							/* TV_DIRECT_INTERNAL_H */
