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

typedef struct TvCompiler
{
	Oid			owner;			/* who maintains the view */
	List	   *nodes;			/* of TvNode *, topological */
	List	   *sources;		/* of TvSource * */
	List	   *relids;			/* of Oid */
	List	   *scopes;			/* of List of TvCte *: CTEs in scope,
								 * innermost query first */
	Oid			check_as;		/* whose row security applies to base tables */
	bool		uses_settings;
	bool		user_code;
	TvRefusal  *refusal;
} TvCompiler;

/* Set the compiler's refusal, unless it has one (the first one counts). */
extern void tv_compile_refuse(TvCompiler *c, int location, const char *what,
							  const char *arg, const char *why, const char *hint);

/* Index of a source, added if new. */
extern int	tv_compile_source(TvCompiler *c, TvSourceKind kind, Oid relid, int node);

/*
 * The branches whose sum is the query's result.  Grouping inside makes nodes.
 * top: the query is the definition itself; if its last operator is a
 * grouping, that node is made the top node and NIL is returned.
 */
extern List *tv_flatten_query(TvCompiler *c, Query *query, bool top);

/*
 * prune.c: output columns of subqueries that nobody reads become nulls.
 * Both change the query; it is one that was analysed and not rewritten.
 */
extern void tv_prune_query(Query *query);
extern void tv_prune_view(const Query *query, int rti, Query *view);

/*
 * target_srf.c: set-returning functions of the output list go into FROM.
 * Changes the query; false if it is refused.
 */
extern bool tv_target_srf_expand(TvCompiler *c, Query *query);

/*
 * compile_grouping_sets.c: the branches that read a query's groups.  top: if
 * one node does, it is made the top node and NIL is returned.
 */
extern List *tv_flatten_grouping(TvCompiler *c, Query *query, List *partials, bool top);

/*
 * As tv_flatten_query(), of a query whose CTEs are in scope: parts of one that was
 * split are flattened by it.
 */
extern List *tv_flatten_clauses(TvCompiler *c, Query *query, bool top);

/*
 * Flatten a query that has window functions.  extra: expressions over the
 * query's Vars that become leading keys of every partition, and leading
 * columns of the result.
 */
extern List *tv_compile_windows(TvCompiler *c, Query *query, List *extra, bool top);

/* branches x query -> GROUP node; see compile_group.c */
extern TvNode *tv_compile_group(TvCompiler *c, Query *query, List *partials, bool top);

/* clauses: of SortGroupClause *, one per column of desc, in order */
extern TvNode *tv_compile_distinct(TvCompiler *c, List *branches, TupleDesc desc,
								   List *clauses, bool top);

/*
 * Add a result to a node's group row: the number of rows, or of those for
 * which the boolean input column filter is true.  Returns its column.
 */
extern Var *tv_compile_add_count(TvNode *node, AttrNumber filter);

/* compile_setop.c: as tv_flatten_query(), of a query with a set operation */
extern List *tv_flatten_set_operation(TvCompiler *c, Query *query, bool top);

/*
 * A product of FROM items under construction: what the Vars of the query
 * stand for in terms of the branch's leaves.
 */
typedef struct TvPartial
{
	List	   *leaves;
	List	   *quals;
	int			nrtes;
	int		   *leafof;			/* by range table index - 1: leaf index, or -1 */
	List	  **exprsof;		/* by range table index - 1: output
								 * expressions of a subquery, or NIL */
} TvPartial;

/* A product of many sums multiplies out; beyond this it is refused. */
#define TV_MAX_BRANCHES 256

/* A CTE in scope; it is flattened when it is first read. */
typedef struct TvCte
{
	CommonTableExpr *cte;
	bool		done;
	List	   *branches;
} TvCte;

/* Multiply products by a FROM item; join conditions are appended to quals. */
extern List *tv_flatten_from_item(TvCompiler *c, Query *query, Node *item,
								  List *partials, List **quals);

/* The output of a node below, as a branch with one leaf. */
extern List *tv_flatten_read_node(TvCompiler *c, TvNode *node);

/* Replace the query's Vars by what they stand for; a fresh tree. */
extern Node *tv_flatten_map(const TvPartial *partial, Node *expr);

/* Checks; all set the refusal and return false. */
extern bool tv_analyze_query(TvCompiler *c, Query *query);
extern bool tv_analyze_expr(TvCompiler *c, Node *expr);
extern bool tv_analyze_function(TvCompiler *c, Oid funcid, int location);
extern bool tv_analyze_relation(TvCompiler *c, RangeTblEntry *rte, Relation rel,
								Oid check_as);

/* Node construction */
extern TvNode *tv_compile_add_node(TvCompiler *c, TvNodeKind kind, bool top);
extern TupleDesc tv_compile_desc(List *exprs, List *names);
extern void tv_compile_sources_of(TvCompiler *c, TvNode *node);

/* aggregate_class.c: how an aggregate's result follows the changes */
extern TvAggKind tv_aggregate_class(const Aggref *aggref);
extern Oid	tv_aggregate_sortop(const Aggref *aggref);
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

/* stores.c: where keys and accumulators are stored */
extern void tv_stores_assign(TvNode *node);

#endif							/* TV_COMPILE_INTERNAL_H */
