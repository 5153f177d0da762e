/*-------------------------------------------------------------------------
 *
 * delta/shield_nulls.h
 *	  Keep the planner from computing what derived nulls lead to.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_SHIELD_NULLS_H
#define TV_SHIELD_NULLS_H

#include "nodes/parsenodes.h"

/*
 * The query, or a copy of which the planner computes nothing from nulls that
 * could fail.  It may contain external parameters, which are null: it is run with
 * tv_null_params() of null_params.h.
 */
extern Query *tv_shield_nulls(Query *query);

/* The same for an expression without subqueries. */
extern Expr *tv_shield_expr_nulls(Expr *expr);

/* May it fail, for whatever row? */
extern bool tv_expr_may_fail(Node *expr);

/*
 * May it, with a null constant in it, fail for rows for which this is not what
 * stands there?
 */
extern bool tv_null_may_fail(Node *expr);

/* Is it null, whatever its columns are? */
extern bool tv_expr_surely_null(Node *expr);

/* Is there a null constant in it? */
extern bool tv_expr_has_null(Node *expr);

#endif							/* TV_SHIELD_NULLS_H */
