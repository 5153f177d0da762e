/*-------------------------------------------------------------------------
 *
 * delta/late_quals.h
 *	  Quals over nulls are evaluated for rows that have these nulls.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_LATE_QUALS_H
#define TV_LATE_QUALS_H

#include "nodes/parsenodes.h"

/* Add quals to a query without groups that are evaluated last; it may become a subquery. */
extern Query *tv_late_quals(Query *query, List *quals);

/* What stands below the quals, if that made a subquery of it; else NULL. */
extern Query *tv_late_quals_below(Query *query);

/*
 * The quals, which stand above the subquery (its first RTE, which has OFFSET 0),
 * with columns of it in the place of nulls.
 */
extern List *tv_late_nulls(Query *subquery, List *quals);

#endif							/* TV_LATE_QUALS_H */
