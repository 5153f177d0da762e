/*-------------------------------------------------------------------------
 *
 * delta/compile_internal.h
 *	  What the files of the compiler share.
 *
 * A function that can refuse returns NULL, NIL or false and leaves the refusal
 * in the compiler; its callers give up at once.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_COMPILE_INTERNAL_H
#define TV_COMPILE_INTERNAL_H

#include "delta/graph.h"
#include "delta/partial.h"

typedef struct TvCompiler
{
	Oid			owner;			/* who maintains the view */
	List	   *nodes;			/* of TvNode *, topological */
	List	   *sources;		/* of TvSource * */
	List	   *relids;			/* of Oid */
	List	   *scopes;			/* of List of TvCte *: CTEs in scope,
								 * innermost query first */
	List	   *flattened;		/* of TvFlattened *: subqueries compiled */
	List	   *corr;			/* of the query whose FROM is being flattened,
								 * see tv_flatten_query() */
	Oid			check_as;		/* whose row security applies to base tables */
	List	   *whole_rows;		/* of Oid: relations whose row is used */
	int			nsplits;		/* queries that were split */
	List	   *row_types;		/* of Oid: of the columns of rows without a
								 * type of their own; InvalidOid: unknown ones */
	int			prints_rows;	/* bits (1 << TvConversion): such rows are
								 * printed */
	List	   *functions;		/* of Oid: of the user's, called in bodies,
								 * too */
	List	   *operators;		/* of Oid: of the user's, used in bodies */
	bool		checks_words;	/* a text is checked before it is cast */
	bool		uses_settings;
	bool		user_code;
	bool		has_empty;		/* a level of the query has LIMIT 0 */
	bool		drop_empty;		/* leave out what is beneath it */
	TvRefusal  *refusal;
} TvCompiler;

/* Set the compiler's refusal, unless it has one (the first one counts). */
extern void tv_compile_refuse(TvCompiler *c, int location, const char *what,
							  const char *arg, const char *why, const char *hint);

/*
 * The same, where no rule is known for a construct (in words, a noun): the query may
 * still be computed anew as a whole, see compile_whole.c.
 */
extern void tv_compile_no_rule(TvCompiler *c, int location, const char *construct,
							   const char *why, const char *hint);

/*
 * compile_whole.c: a node that computes the whole definition anew, by itself the
 * graph.  why: the construct to blame.  False if it cannot be: with a refusal, or
 * without, if the query has several right answers.
 */
extern bool tv_compile_whole(TvCompiler *c, const Query *definition, const char *why);

/* Index of a source, added if new. */
extern int	tv_compile_source(TvCompiler *c, TvSourceKind kind, Oid relid, int node);

/*
 * The branches whose sum is the query's result.  Grouping inside makes nodes.
 * top: the query is the definition itself; if its last operator is a
 * grouping, that node is made the top node and NIL is returned.
 *
 * A correlated query is compiled on top of base: its outer references, all of
 * level 1, are to the base's leaves, which every branch then has.  corr:
 * expressions of the query that every operator in it must keep apart: they
 * come first in the branches' output, and are keys of its nodes.  A query with
 * a base that makes a node must have the base's columns among corr.
 */
extern List *tv_flatten_query(TvCompiler *c, Query *query, bool top,
							  const TvPartial *base, List *corr);

/*
 * call_args.c: arguments that calls leave out become their defaults, and named
 * ones take their places.  Changes the tree.
 */
extern void tv_call_args_expand(Node *tree);

/*
 * clock_cast.c: casts of text to dates and times look at the text first.  Changes
 * the tree.
 */
extern void tv_clock_casts_wrap(TvCompiler *c, Node *tree);
extern bool tv_clock_cast_is_checked(const CoerceViaIO *cast, const char **word);
extern bool tv_clock_type(Oid type);

/*
 * whole_row.c: rows and tableoids of FROM items become expressions, in the
 * query and its subqueries.  Changes the query.
 */
extern void tv_whole_row_expand(TvCompiler *c, Query *query);

/*
 * prune.c: output columns of subqueries that nobody reads become nulls.
 * Both change the query; it is one that was analysed and not rewritten.
 */
extern void tv_prune_query(Query *query);
extern void tv_prune_view(const Query *query, const List *corr, int rti, Query *view);

/*
 * The columns that a query reads, by FROM item (from 1): attribute numbers less
 * FirstLowInvalidHeapAttributeNumber.
 */
extern Bitmapset **tv_prune_uses(const Query *query);

/*
 * empty_level.c: find LIMIT 0 in the query and its subqueries, and leave out what
 * is beneath it if the compiler is to do so.  Changes the query.
 */
extern void tv_empty_levels(TvCompiler *c, Query *query);

/*
 * inline_with.c: WITH queries that refer to outer queries of the query become
 * subqueries.  Changes the query.
 */
extern void tv_with_inline(Query *query);

/*
 * target_srf.c: set-returning functions of the output list go into FROM.
 * Changes the query; false if it is refused.
 */
extern bool tv_target_srf_expand(TvCompiler *c, Query *query);

/*
 * compile_grouping_sets.c: the branches that read a query's groups.  top: if
 * one node does, it is made the top node and NIL is returned.
 */
extern List *tv_flatten_grouping(TvCompiler *c, Query *query, List *partials, List *corr,
								 bool top);

/* Refuse grouping sets whose result is not determined. */
extern bool tv_grouping_sets_check(TvCompiler *c, Query *query);

/*
 * As tv_flatten_query(), of a query whose CTEs are in scope: parts of one that was
 * split are flattened by it.
 */
extern List *tv_flatten_clauses(TvCompiler *c, Query *query, bool top,
								const TvPartial *base, List *corr);

/* As tv_flatten_query(), of a query that has window functions. */
extern List *tv_compile_windows(TvCompiler *c, Query *query, bool top,
								const TvPartial *base, List *corr);

/*
 * Does the result of a row depend on the order of rows that the window leaves
 * undecided?  Ranks do not, nor do aggregates over frames that take peers
 * together, or all rows.
 */
extern bool tv_window_is_sensitive(const WindowFunc *func, const WindowClause *window);

/* Check the function that adds an offset of RANGE, if there is one. */
extern bool tv_window_check_in_range(TvCompiler *c, Oid funcid);

/*
 * The same, of one without window functions in which subqueries look at
 * aggregates, or stand above grouping sets.
 */
extern bool tv_compile_is_over_groups(Query *query);
extern List *tv_compile_over_groups(TvCompiler *c, Query *query, bool top,
									const TvPartial *base, List *corr);

/* The same, of one without window functions that has DISTINCT ON, LIMIT or OFFSET. */
extern List *tv_compile_top_rows(TvCompiler *c, Query *query, bool top,
								 const TvPartial *base, List *corr);

/* branches x query -> GROUP node; see compile_group.c */
extern TvNode *tv_compile_group(TvCompiler *c, Query *query, List *partials, List *corr,
								bool top);

/* clauses: of SortGroupClause *, one per column of desc, in order */
extern TvNode *tv_compile_distinct(TvCompiler *c, List *branches, TupleDesc desc,
								   List *clauses, bool top);

/* The accumulator by which a node knows whether a group exists. */
extern void tv_compile_count_rows(TvNode *node);

/* The first columns of the output row are the keys. */
extern void tv_compile_identify_by_keys(TvNode *node);

/*
 * Add a result to a node's group row: the number of rows, or of those for
 * which the boolean input column filter is true.  Returns its column.
 */
extern Var *tv_compile_add_count(TvNode *node, AttrNumber filter);

/* compile_setop.c: as tv_flatten_query(), of a query with a set operation */
extern List *tv_flatten_set_operation(TvCompiler *c, Query *query, bool top,
									  const TvPartial *base, List *corr);

/*
 * DISTINCT over branches by all their columns, by the types' own equality; a
 * branch that reads it.  NULL if a type has none.
 */
extern TvNode *tv_compile_distinct_of(TvCompiler *c, List *branches);

/* How the type is grouped; false, and a refusal, if it cannot be. */
extern bool tv_compile_sort_clause(TvCompiler *c, Oid type, SortGroupClause **clause);

/* A product of many sums multiplies out; beyond this it is refused. */
#define TV_MAX_BRANCHES 256

/*
 * Each product has plans of its own.  Beyond this, a sum that depends on nothing
 * outside is stored by a node of its own, so that it is one factor.
 */
#define TV_MAX_PRODUCTS 64

/* A sum by itself may have more terms. */
#define TV_MAX_UNION_ALL 1024

/*
 * A change of a source that is read k times in a product has k terms, in each
 * of which the planner has all of the product's leaves to order.
 */
#define TV_MAX_READS 16

/*
 * Subqueries in expressions of each other.  Compiling them takes memory by the
 * square of their number.
 */
#define TV_MAX_SUBLINKS 64

/*
 * A branch that reads a node which stores the sum of these; NIL if a column's
 * type cannot be stored.
 */
extern List *tv_flatten_stored(TvCompiler *c, List *branches);

/*
 * seen_nulls.c: may what the query's other FROM items and its subqueries compute
 * fail where these items are null?  item: the side of join that is padded.
 */
extern bool tv_seen_nulls_may_fail(Query *query, const Bitmapset *rtis, const Node *item,
								   const JoinExpr *join);

/* The same for nulls of outer joins in a branch, which is to be a FROM item. */
extern bool tv_seen_branch_may_fail(Query *query, int rti, const TvBranch *branch);

/* A CTE in scope; it is flattened when it is first read. */
typedef struct TvCte
{
	CommonTableExpr *cte;
	bool		done;
	List	   *branches;
	TvNode	   *recursive;		/* its node, as soon as it can be read */
} TvCte;

/*
 * compile_recursive.c: the branches that read a recursive CTE; in its own
 * query, and outside of it.
 */
extern List *tv_compile_read_recursion(TvCompiler *c, const TvCte *entry);
extern List *tv_compile_recursive(TvCompiler *c, TvCte *entry);

/* The branches of both sides of a recursive CTE's query. */
extern bool tv_flatten_sides(TvCompiler *c, Query *query, List **left, List **right);
extern bool tv_set_operation_sides(TvCompiler *c, Query *query, List **left, List **right);

/* Multiply products by a FROM item. */
extern List *tv_flatten_from_item(TvCompiler *c, Query *query, Node *item, List *partials);

/* Multiply products by a LEFT, RIGHT or FULL JOIN; see outer_join.c */
extern List *tv_flatten_outer_join(TvCompiler *c, Query *query, JoinExpr *join, List *partials);

/*
 * Add quals (over the query's Vars) to a partial.  Those that are subqueries
 * become leaves; see sublink.c
 */
extern bool tv_flatten_filter(TvCompiler *c, Query *query, TvPartial *partial, Node *quals);

/* The same for quals that are mapped already. */
extern bool tv_sublink_filter(TvCompiler *c, TvPartial *partial, Node *quals);

/* Put leaves in the place of subqueries in mapped expressions; a fresh tree. */
extern Node *tv_sublink_expand(TvCompiler *c, TvPartial *partial, Node *exprs);

/* Does a subquery refer to something outside of it? */
extern bool tv_correlate_is(Node *query);

/*
 * The branches of p x query, where outer references of the query (level 1) are
 * to p's leaves; see correlate.c
 */
extern List *tv_correlate_join(TvCompiler *c, const TvPartial *p, Query *query);

/*
 * Add a leaf that matches where the query (outer references as above) has
 * rows.  *marker: a column of it that is not null where it matches.
 */
extern bool tv_correlate_exists(TvCompiler *c, TvPartial *p, Query *query,
								TvLeafMode mode, Node **marker);

/* a = b, or both null; by the type's own equality.  not_null: a cannot be */
extern Expr *tv_correlate_equal(Expr *a, Expr *b, bool not_null);

/* Can the expression, over the partial's leaves, be null? */
extern bool tv_correlate_not_null(TvCompiler *c, const TvPartial *p, Node *expr);

/* Does a query that is no plain sum of products need a node of its own? */
extern bool tv_flatten_needs_node(const Query *query);

/*
 * A group row, read through the output expressions and HAVING, in which
 * subqueries are more leaves.
 */
extern List *tv_flatten_read_group(TvCompiler *c, TvNode *node);

/*
 * What a table is in terms of its captured rows, if these are not the rows that
 * a query reads; NULL if they are.
 */
extern TvBranch *tv_table_branch(TvCompiler *c, RangeTblEntry *rte, Relation rel, int source);

/* The output of a node below, as a branch with one leaf. */
extern List *tv_flatten_read_node(TvCompiler *c, TvNode *node);

/* Checks; all set the refusal and return false. */
extern bool tv_analyze_query(TvCompiler *c, Query *query);
extern bool tv_analyze_expr(TvCompiler *c, Node *expr);
extern bool tv_analyze_function(TvCompiler *c, Oid funcid, int location);

/* The same, with the node that calls it: its arguments have types. */
extern bool tv_analyze_call(TvCompiler *c, Oid funcid, Node *call);

/*
 * function_body.c: does a function read tables, or call an SQL function that
 * does?  call: the node that calls it, or NULL.  *seen: the functions of the
 * user's that are called, itself among them.  *operators: the operators of the
 * user's in bodies.
 */
extern bool tv_function_reads_tables(Oid funcid, Node *call, List **seen, List **operators);

/* The same, of one that converts values to or from text. */
extern bool tv_analyze_io_function(TvCompiler *c, Oid funcid, int location);

/* analyze_conversion.c: what is called to convert a value, by its type */
typedef enum TvConversion
{
	TV_PRINT,
	TV_PRINT_JSON,
	TV_READ,
	TV_READ_CHECKED,			/* words like 'today' are an error */
} TvConversion;

/* value: NULL if not known */
extern bool tv_analyze_conversion(TvCompiler *c, Node *value, Oid type, TvConversion how,
								  int location);
extern bool tv_analyze_arguments(TvCompiler *c, Oid funcid, List *args, Oid result, int location);

/* Rows that have no type of their own may be converted elsewhere. */
extern bool tv_analyze_row(TvCompiler *c, const RowExpr *row);
extern bool tv_analyze_row_call(TvCompiler *c, const FuncExpr *call);
extern bool tv_analyze_row_function(TvCompiler *c, const RangeTblFunction *function);

extern bool tv_analyze_relation(TvCompiler *c, Query *query, int rti, Relation rel);

/* Where the query names a column of the FROM item for the first time; -1: nowhere. */
extern int	tv_analyze_item_location(Query *query, int rti);

/* Node construction */
extern TvNode *tv_compile_add_node(TvCompiler *c, TvNodeKind kind, bool top);

/* The same in two steps, for nodes that must come before it. */
extern TvNode *tv_compile_make_node(TvNodeKind kind, bool top);
extern void tv_compile_put_node(TvCompiler *c, TvNode *node);
extern TupleDesc tv_compile_desc(List *exprs, List *names);
extern void tv_compile_sources_of(TvCompiler *c, TvNode *node);

/*
 * compile_distinct_agg.c: aggregates that can do without DISTINCT and ORDER BY,
 * perhaps over further inputs of their group.
 */
typedef struct TvDistinct
{
	List	   *aggrefs;		/* what stands for each of the aggregates */
	List	   *inputs;			/* further inputs */
	bool		plain;			/* the query's own input is needed, too */
} TvDistinct;

/* NULL if there is nothing to do, or one of the aggregates cannot. */
extern TvDistinct *tv_distinct_plan(TvCompiler *c, List *aggrefs);

/*
 * The input row of the group, exprs, which begins with its keys: over the
 * query's input, and as the branches of the further inputs.
 */
extern List *tv_distinct_plain_row(const TvDistinct *d, List *exprs);
extern List *tv_distinct_branches(TvCompiler *c, TvDistinct *d, List *partials, List *keys,
								  List *clauses, List *exprs);

/* aggregate_class.c: how an aggregate's result follows the changes */
extern TvAggKind tv_aggregate_class(const Aggref *aggref);
extern bool tv_aggregate_trans_type(const Aggref *aggref, Oid *type, bool *strict,
									bool *counted);

/* keys.c: identity of the rows of a LINEAR node */
extern void tv_keys_infer(TvCompiler *c, TvNode *node);

/* Can rows be found by these keys?  Sets the refusal if not. */
extern bool tv_compile_check_keys(TvCompiler *c, TvNode *node);

/* When the keys of a PARTITION node's input are known: what they decide. */
extern void tv_partition_finish(TvNode *node);

/* probes.c: by which columns readers look up the rows of nodes below */
extern void tv_probes_assign(TvGraph *graph);

/*
 * Is there at most one row of the leaf, number i of its branch, for which quals
 * hold, whatever the rows of the others are?  *column: one that is then not null.
 */
extern bool tv_keys_at_most_one(TvCompiler *c, TvLeaf *leaf, int i, List *quals,
								AttrNumber *column);

/* A column of leaf number i as a Var. */
extern Var *tv_keys_leaf_column(TvCompiler *c, TvLeaf *leaf, int i, AttrNumber attno);

/* probes.c: may an index on the node's rows have this column? */
extern bool tv_probes_can_index(const TvNode *node, const Var *column);

/* edges.c: what a change must lock */
extern void tv_edges_assign(TvGraph *graph);

/* Casts that keep nulls apart from values, never fail, and know no settings. */
extern bool tv_cast_is_safe(Oid function);

/* stores.c: where keys and accumulators are stored */
extern void tv_stores_assign(TvNode *node, List *sources);

#endif							/* TV_COMPILE_INTERNAL_H */
