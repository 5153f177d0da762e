/*-------------------------------------------------------------------------
 *
 * delta/correlate.h
 *	  Correlated queries as joins: what correlate.c, match.c, sublink.c and
 *	  outer_join.c share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_CORRELATE_H
#define TV_CORRELATE_H

#include "delta/compile_internal.h"
#include "delta/type_image.h"

/* A query taken apart from the outer query that it refers to. */
typedef struct TvCorrelation
{
	Query	   *query;			/* without the conditions of the correlation */
	TvPartial  *base;			/* what its outer references are to, or NULL */
	List	   *exprs;			/* of the query: what it is to be kept by */
	List	   *quals;			/* over the outer leaves; Params
								 * (PARAM_SUBLINK, numbered from 0) stand for
								 * exprs */
	int			marker;			/* index of one of exprs that is not null
								 * where quals hold */
} TvCorrelation;

/* The quals, with these in the places of exprs. */
extern List *tv_correlation_quals(const TvCorrelation *corr, List *inner);

/* Take apart by conjuncts "inner = outer"; NULL if there is more to it. */
extern TvCorrelation *tv_correlate_separate(Query *query);

/*
 * quals without those of p that may fail on nulls in them: a part of p has rows
 * that these are not about, and may have rows too many.
 */
extern List *tv_correlate_safe_quals(List *quals, const TvPartial *p);

/* Keep it per row of the domain of the outer columns. */
extern TvCorrelation *tv_correlate_by_domain(TvCompiler *c, const TvPartial *p, Query *query);

/* Refuse it if it has a row where its FROM has none. */
extern bool tv_correlate_check_rows(TvCompiler *c, Query *query);

/* Take it apart the one way or the other. */
extern TvCorrelation *tv_correlate(TvCompiler *c, const TvPartial *p, Query *query);

/*
 * The part of p that the query refers to; *columns: these columns in terms of
 * it, as a domain has them; *quals: as in TvCorrelation.
 */
extern TvPartial *tv_correlate_restrict(TvCompiler *c, const TvPartial *p, Query *query,
										int **map, List **columns, List **quals);

/*
 * Join p with the row of a scalar aggregate; returns its output.  *filter: its
 * HAVING, or NULL.
 */
extern List *tv_correlate_aggregate(TvCompiler *c, TvPartial *p, Query *query, Node **filter);

/* An expression over a LEFT leaf, null where the leaf's marker is. */
extern Node *tv_correlate_if_there(Node *marker, Node *there);

/* A set operation without any but UNION ALL? */
extern bool tv_union_all_only(Node *setop);

/* The outer columns, as Vars of level 0, that a query refers to. */
extern List *tv_correlate_outer_columns(Query *query);

/*
 * These columns of p as the columns of a domain: each, and its text if equal
 * values can look different; then a constant, which tells a row that is there
 * from nulls.  Quals that join by them are added to *quals.
 */
extern List *tv_correlate_domain(TvCompiler *c, const TvPartial *p, List *vars, List **quals);

/* Does the operator tell one side's values apart exactly as GROUP BY does? */
extern bool tv_correlate_groups_by(OpExpr *op, Node *side);

/*
 * The columns of a scalar query that looks up a row of a table by a unique key,
 * with a LEFT leaf added to p; NIL if it is none.
 */
extern List *tv_correlate_lookup(TvCompiler *c, TvPartial *p, Query *query);

/*
 * The columns of a correlated query with LIMIT 1, with a LEFT leaf added to p;
 * NIL if it is none.
 */
extern List *tv_correlate_first_row(TvCompiler *c, TvPartial *p, Query *query);

/*
 * match.c: add a leaf to p that matches where one of the branches does.  Their
 * output is the exprs of corr, and last a constant.  *marker (may be NULL): a
 * column that is not null where the leaf matches.
 */
extern bool tv_match_add(TvCompiler *c, TvPartial *p, List *branches, TvCorrelation *corr,
						 TvLeafMode mode, Node **marker);

/*
 * The same if the branches are one leaf whose unique key the correlation covers,
 * which is then used itself; false otherwise.  *exprs, over the branch's leaf,
 * are moved to it; null where a LEFT leaf has no match.
 */
extern bool tv_match_direct(TvCompiler *c, TvPartial *p, List *branches, TvCorrelation *corr,
							TvLeafMode mode, Node **marker, List **exprs);

#endif							/* TV_CORRELATE_H */
