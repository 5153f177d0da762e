/*-------------------------------------------------------------------------
 *
 * commands/explain_report.h
 *	  What EXPLAIN tells about the maintenance of views.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_EXPLAIN_REPORT_H
#define TV_EXPLAIN_REPORT_H

#include "executor/execdesc.h"
#include "portability/instr_time.h"

#include "executor/populate.h"
#include "planner/plan_cache.h"

struct ExplainState;

/* Places for the plans of a node. */
typedef enum TvReportPlan
{
	TV_REPORT_DELTA,
	TV_REPORT_RECOMPUTE,		/* the whole node, or groups without null keys */
	TV_REPORT_RECOMPUTE_NULLS,	/* groups with null keys */
	TV_REPORT_NPLANS
} TvReportPlan;

typedef struct TvNodeReport
{
	int			node;
	const char *strategy;
	bool		keyed;			/* has groups: a recompute can be of some */
	bool		lost;			/* what was recomputed are rows of a recursion
								 * that were lost */
	bool		bounded;		/* ... around the change */
	bool		from_change;	/* ... of a partition, from its first changed
								 * row on, or around it */
	List	   *changed;		/* of char *: inputs with a delta */
	int64		flushes;
	TvActivity	activity;
	instr_time	time;
	StringInfo	plans[TV_REPORT_NPLANS];	/* printed; NULL: none */
} TvNodeReport;

typedef struct TvReport
{
	struct ExplainState *es;	/* of the statement */
	MemoryContext cxt;			/* of everything here */
	int			indent;			/* es's own, where the report will begin */
	List	   *views;			/* of TvViewReport * */
} TvReport;

/* An empty report; everything in it is kept in the current context. */
extern TvReport *tv_report_make(struct ExplainState *es);

/* The report of a node, made when missing; changed: sources with a delta. */
extern TvNodeReport *tv_report_node(TvReport *report, TvView *view, TvNode *node,
									const Bitmapset *changed);

/* Print a plan, run or only started, for the node; replaces an earlier one. */
extern void tv_report_plan(TvReport *report, TvNodeReport *node, TvReportPlan place,
						   QueryDesc *desc);

/* Append the report to the statement's output. */
extern void tv_report_print(TvReport *report);

#endif							/* TV_EXPLAIN_REPORT_H */
