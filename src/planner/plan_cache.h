/*-------------------------------------------------------------------------
 *
 * planner/plan_cache.h
 *	  Maintenance plans, planned once per backend.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_PLAN_CACHE_H
#define TV_PLAN_CACHE_H

#include "nodes/plannodes.h"

#include "planner/view_cache.h"

typedef enum TvPlanKind
{
	TV_PLAN_DELTA,				/* tv_derive_delta */
	TV_PLAN_DELTA_KEYED,		/* ... changed by tv_derive_delta_keyed */
	TV_PLAN_RECOMPUTE,			/* tv_derive_recompute, the whole node */
	TV_PLAN_RECOMPUTE_KEYS,		/* ... keys without nulls */
	TV_PLAN_RECOMPUTE_NULL_KEYS,	/* ... keys with nulls */
	TV_PLAN_SUFFIX,				/* tv_derive_suffix */
	TV_PLAN_SUFFIX_STORED,		/* tv_derive_suffix_stored */
	TV_PLAN_SUFFIX_LIMITS,		/* tv_derive_suffix_limits */
	TV_PLAN_STATE,				/* tv_derive_state */
	TV_PLAN_GROUPS,				/* tv_derive_groups */
	TV_PLAN_OUTPUT				/* tv_derive_output */
} TvPlanKind;

typedef struct TvPlan
{
	PlannedStmt *stmt;
	PlannedStmt *in_place;		/* reads its inputs where they are; made by
								 * executor/run_plan.c */
	Query	   *query;			/* as derived, for EXPLAIN */
	TupleDesc	desc;			/* of its output */
	TvPlanKind	kind;
	bool		bulk;			/* planned for many rows */
	List	   *locked;			/* of Oid: tables that are locked when it runs */
	bool		simple;			/* of nodes that executor/direct.c can run */
	struct TvDirect *direct;	/* owned by executor/direct.c */
} TvPlan;

/*
 * The plan of a node for this set of changed sources and number of changed
 * rows; made when missing.  Valid as long as the view's entry is, and no
 * function it calls is replaced.  rows matters by order of magnitude only; of
 * a delta, source_rows (by source) if it is not NULL.
 * NULL when the delta is empty by construction.
 */
extern TvPlan *tv_plan_get(TvView *view, TvNode *node, TvPlanKind kind,
						   const Bitmapset *changed, double rows,
						   const double *source_rows);

extern void tv_plan_cache_init(void);

#endif							/* TV_PLAN_CACHE_H */
