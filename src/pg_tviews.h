/*-------------------------------------------------------------------------
 *
 * pg_tviews.h
 *	  Start reading here.
 *
 * A maintained view is an ordinary materialized view whose access method is
 * "tview".  After every statement that changes a table it reads, it equals
 * its query.  This is how:
 *
 *	CREATE	commands/utility_hook -> create_view: refuse or compile
 *			(delta/graph.h: TvGraph, TvRefusal), lock the inputs, let the
 *			server create and fill the view -> view_build: triggers
 *			(catalog/tv_trigger), state tables and indexes (catalog/tv_state),
 *			fill the state tables (executor/populate)
 *	change	the triggers deliver what a statement changed: executor/capture
 *			fills change sets; executor/frames knows what is still to come
 *			-> executor/flush, when the outermost statement ends: for each
 *			view and node, from the bottom up: delta queries (delta/derive.h),
 *			planned once (planner/plan_cache), run, and applied to the node's
 *			store (executor/apply); the node's own delta is the next one's
 *			input
 *	COMMIT	flush what is left
 *	REFRESH commands/refresh: as CREATE, and everything that reads the view
 *	DROP	commands/object_access notes it -> settle: state tables, catalog
 *			rows, triggers nobody needs
 *	ALTER	object_access notes what is touched -> settle: compile again, build
 *			again if another layout is needed; a view that can no longer be
 *			vouched for is set unpopulated (commands/unpopulate), and so is
 *			everything that reads it: reading it is an error, never stale
 *
 * Words.  Base table: a table that a view reads.  Source: a base table,
 * another maintained view, or a node below.  Node: one stateful operator of a
 * definition.  Store: the relation that holds a node's rows.  Delta: a signed
 * multiset of rows, the weight in the last column.  Layout: which columns a
 * stored delta has.
 *
 * Layers: src < catalog < delta < planner < executor < commands.  A file
 * includes files of its own layer and of those to the left.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_TVIEWS_H
#define PG_TVIEWS_H

/* One column set of a delta; delta/derive.h */
struct TvLayout;

/* A definition, compiled; delta/graph.h */
struct TvGraph;
struct TvNode;
struct TvSource;

/* Why a definition cannot be maintained; tv_error.h */
struct TvRefusal;

/* A compiled view in the backend's cache; planner/view_cache.h */
struct TvView;

/* A data-changing statement in progress; executor/frames.h */
struct TvFrame;

/* A utility statement in progress; commands/command.h */
struct TvCommand;

extern void _PG_init(void);

#endif							/* PG_TVIEWS_H */
