/*-------------------------------------------------------------------------
 *
 * commands/view_build.h
 *	  Make a filled view a maintained one.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_VIEW_BUILD_H
#define TV_VIEW_BUILD_H

#include "delta/graph.h"
#include "storage/lockdefs.h"
#include "utils/relcache.h"

/* The tables and maintained views that the graph reads, ascending OIDs. */
extern List *tv_graph_inputs(const TvGraph *graph);

/*
 * Lock relations in the order of the list; with their partitions and children,
 * if the lock keeps writers out.
 */
extern void tv_lock_relations(List *relids, LOCKMODE lockmode);

/*
 * Arm a base table, with its partitions and children.  The caller has locked
 * them (ShareRowExclusiveLock).
 */
extern void tv_arm_source(Oid source);

/* Is it armed, with all of them? */
extern bool tv_source_is_armed(Oid source);

/*
 * Raise 42501 if something that the graph reads may not be read at all by
 * whom it is read for.
 */
extern void tv_check_select_privilege(const TvGraph *graph);

/*
 * Raise 42501 as running the query would, with the rights of the current user
 * and, of what views read, of their owners.
 */
extern void tv_check_query_privileges(const Query *query);

/*
 * Raise 42501 unless userid may have triggers on every relation in the list.
 */
extern void tv_check_trigger_privilege(List *relids, Oid userid);

/* The same as a refusal, NULL if there is none. */
extern TvRefusal *tv_trigger_privilege_refusal(List *relids, Oid userid);

/* Raise 55006 if a statement in progress modifies one of these relations. */
extern void tv_check_not_in_progress(List *relids, const char *command);

/*
 * Arm the base tables of a view that was just filled, make its state tables
 * anew and fill them, make the index it needs, and record all of that.  The
 * caller has locked its inputs (ShareRowExclusiveLock where not armed yet)
 * and the view.
 */
extern void tv_view_build(Oid view);

/*
 * The same for a view that is empty and not populated: it is filled, too, and
 * populated then.  Gives the number of its rows.  frozen: every snapshot is to
 * see them, as those of a REFRESH.
 */
extern uint64 tv_view_build_and_fill(Oid view, bool frozen);

/*
 * Does what is stored for the view, which the caller has locked, fit its graph?
 * Otherwise it needs a build.
 */
extern bool tv_view_fits(Oid view, const TvGraph *graph);

/* Is the materialized view, which this locks, there and populated? */
extern bool tv_view_is_populated(Oid view);

/* Its qualified name, quoted where necessary, for messages. */
extern char *tv_view_name(Oid view);

/* For list_sort(): what is read before what reads it, and else by OID. */
extern int	tv_view_compare_levels(const ListCell *a, const ListCell *b);

/* Make the view depend on the functions that its definition calls at any depth. */
extern void tv_view_depend(Oid view, const TvGraph *graph);

#endif							/* TV_VIEW_BUILD_H */
