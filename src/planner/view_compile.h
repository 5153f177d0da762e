/*-------------------------------------------------------------------------
 *
 * planner/view_compile.h
 *	  Compile the definition of a view that exists.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_VIEW_COMPILE_H
#define TV_VIEW_COMPILE_H

#include "delta/graph.h"
#include "tv_error.h"

/*
 * Compile the definition of an existing view.  The caller holds a lock on it.
 * NULL and *refusal when it cannot be maintained (any more).
 */
extern TvGraph *tv_view_compile(Oid view, TvRefusal **refusal);

/* Raise the refusal of the definition of a view that was maintained so far. */
pg_noreturn extern void tv_view_refuse(const char *view, const TvRefusal *refusal);

/* The owner must still be allowed to read what the view of that name reads. */
extern void tv_view_check_rights(const TvGraph *graph, const char *name);

#endif							/* TV_VIEW_COMPILE_H */
