/*-------------------------------------------------------------------------
 *
 * delta/split.h
 *	  Split a query at its window functions, or above its groups.
 *
 * What is evaluated before them (FROM, WHERE, GROUP BY, HAVING) is the inner
 * query, of which the columns are all that the windows and the output look at;
 * what comes after (output expressions, DISTINCT, LIMIT) the outer query, which
 * reads the columns and the windows' results from one relation.
 *
 * Where subqueries look at aggregates, the inner query ends with GROUP BY, and
 * HAVING is a condition of the outer query.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_SPLIT_H
#define TV_SPLIT_H

#include "delta/compile_internal.h"

/* A query that is being split. */
typedef struct TvSplit
{
	TvCompiler *c;
	Query	   *query;
	int			nextra;
	bool		having_apart;	/* HAVING belongs to the outer query */
	List	   *columns;		/* of Expr *: columns of the inner query */
	List	   *inner_tlist;
	List	   *outer_tlist;
	List	   *funcs;			/* of WindowFunc *, as found in the query */
	int		   *column_at;		/* where they stand in the current node's row:
								 * by index of columns ... */
	int		   *result_at;		/* ... and of funcs, 0 if not yet */
	int			varno;			/* of the Vars that stand for them */
	int			depth;			/* of subqueries in the expression at hand */
} TvSplit;

/*
 * Find the window functions of s->query, and the columns of the inner query.
 * extra: expressions that become the first of them.
 */
extern void tv_split_collect(TvSplit *s, List *extra);

/* Index of the column that holds an expression of the query. */
extern int	tv_split_column(TvSplit *s, Expr *expr);

/* Replace columns and window functions by Vars of relation s->varno. */
extern Node *tv_split_map(TvSplit *s, Node *expr);

extern Query *tv_split_inner(TvSplit *s);

/*
 * Compiled branches of the inner query: at first the columns stand as these
 * deliver them, once those of the correlation in front, which are columns
 * anyway, are taken away.
 */
extern List *tv_split_first_columns(TvSplit *s, List *branches);

/*
 * branches deliver columns and results.  A CTE is put in scope.
 * *corr: the extra expressions, over the outer query.
 */
extern Query *tv_split_outer(TvSplit *s, List *branches, List **corr);

/* The query, if no window function matters: those of an ORDER BY do not. */
extern Query *tv_split_without_windows(TvSplit *s);

#endif							/* TV_SPLIT_H */
