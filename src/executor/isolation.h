/*-------------------------------------------------------------------------
 *
 * executor/isolation.h
 *	  May a maintenance plan's result be applied at this isolation level?
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_ISOLATION_H
#define TV_ISOLATION_H

#include "executor/run_plan.h"
#include "tv_compat.h"

/*
 * Run a plan that reads more than the change itself, under the newest state.
 *
 * READ COMMITTED: as it is.  REPEATABLE READ and SERIALIZABLE: the result must
 * be right both for what this transaction sees and for what is committed, so
 * the plan is run under both snapshots, and 40001 is raised if the results
 * differ as bags.  natts: columns of the result; the last one is a weight if
 * weighted, else every row counts once.
 */
extern void tv_isolation_run(TvPlan *plan, List *inputs, Oid view, bool weighted,
							 TvRowConsumer consumer, void *context);

/*
 * The same for a plan whose rows only say what has to be recomputed: one that
 * leaves a group and one that comes to it do not cancel.
 */
extern void tv_isolation_run_touching(TvPlan *plan, List *inputs, Oid view,
									  TvRowConsumer consumer, void *context);

/*
 * Does the plan give the same rows (each counts once) under the snapshot that
 * this transaction keeps as under the active one, the newest?
 */
extern bool tv_isolation_same(TvPlan *plan, List *inputs);

/*
 * Does this transaction see just the rows that a relation holds now?  To be
 * asked when it is about to change all of them.
 */
extern bool tv_isolation_sees_newest(Relation rel);

/*
 * Has nobody committed since this transaction took the snapshot that it keeps?
 * True, too, if it keeps none; false if it would take long to tell.
 */
extern bool tv_isolation_nobody_committed(void);

/* Does this snapshot see all that others have committed?  False as above. */
extern bool tv_isolation_is_newest(Snapshot snapshot);

/*
 * Raise 40001: rows that the view depends on, or one of its own rows, were
 * changed by a transaction that this one cannot see.
 */
pg_noreturn extern void tv_isolation_fail(const char *view);
pg_noreturn extern void tv_isolation_fail_row(const char *view);

#endif							/* TV_ISOLATION_H */
