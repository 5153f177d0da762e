/*-------------------------------------------------------------------------
 *
 * delta/subquery.h
 *	  Rewrite subqueries to the forms that the compiler knows.
 *
 * All on Query trees, none of which is changed unless it says so; outer
 * references have level 1.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_SUBQUERY_H
#define TV_SUBQUERY_H

#include "nodes/parsenodes.h"
#include "nodes/primnodes.h"

typedef enum TvTestResult
{
	TV_TEST_TRUE,
	TV_TEST_NULL,
	TV_TEST_INNER_NULL,			/* the subquery's value is null */
	TV_TEST_OUTER_NULL			/* the value it is compared with is null */
} TvTestResult;

/* The rows of x op ANY's subquery for which the test has this result. */
extern Query *tv_subquery_test(SubLink *sublink, TvTestResult result);

/*
 * Is the test null only if one of its two sides is?  *outer is over the outer
 * query's leaves, *inner an output expression of the subquery.
 */
extern bool tv_subquery_simple_test(SubLink *sublink, Node **outer, Node **inner);

/* Is an output expression of the query known not to be null? */
extern bool tv_subquery_not_null(Query *query, Node *expr);

/* A scalar aggregate, with exactly one row before HAVING? */
extern bool tv_subquery_is_aggregate(const Query *query);

/* Does it have a row even if its FROM has none? */
extern bool tv_subquery_has_row_anyway(const Query *query);

/* Does LIMIT leave a row, if there is any? */
extern bool tv_subquery_limit_is_harmless(const Query *query);

/* Without LIMIT and DISTINCT of an aggregate's one row; changes query. */
extern Query *tv_subquery_one_row(Query *query);

/*
 * An aggregate that gives the query's only row and, as its last column, the
 * number of rows; changes query.
 */
extern Query *tv_subquery_only_row(Query *query);
extern bool tv_subquery_counts_rows(const Query *query);

/* Its columns, with an error when they are looked at and there are several. */
extern List *tv_subquery_check_only(List *exprs);

/* SELECT array_agg(...) for ARRAY(query); NULL if that is not the same. */
extern Query *tv_subquery_array(Query *query);
extern Node *tv_subquery_empty_array(Oid type);

/* Replace Params of a test by values. */
extern Node *tv_subquery_replace_params(Node *test, List *values);

#endif							/* TV_SUBQUERY_H */
