/*-------------------------------------------------------------------------
 *
 * delta/graph.h
 *	  A definition compiled to a graph of maintained nodes.
 *
 * A node holds one stateful operator, or the final linear expression.  What
 * stands between nodes is linear and kept in normal form: a node's input is
 * the sum (UNION ALL) of branches, a branch is a product of leaves, filtered
 * by quals, projected to the input row.  A leaf reads a source: a base
 * table, a maintained view, or a node below.
 *
 *		input(n) = sum over branches b of  project_b(filter_b(leaf x leaf x ...))
 *
 * Within a branch, Vars have varno = 1 + index of the leaf; only an ANTI leaf's
 * own quals have Vars of it.  A leaf's varattno
 * is the attribute number in the source: for a node below, the number of its
 * output column.
 *
 * Everything here is built in the caller's memory context, is read-only
 * afterwards, and knows neither tuples nor plans.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_GRAPH_H
#define TV_GRAPH_H

#include "access/sysattr.h"
#include "access/tupdesc.h"
#include "nodes/bitmapset.h"
#include "nodes/parsenodes.h"
#include "nodes/primnodes.h"

#include "tv_error.h"

typedef enum TvSourceKind
{
	TV_SOURCE_BASE,				/* a table */
	TV_SOURCE_VIEW,				/* another maintained view */
	TV_SOURCE_NODE				/* a node below in the same graph */
} TvSourceKind;

typedef struct TvSource
{
	TvSourceKind kind;
	Oid			relid;			/* base table or view; state table of the node
								 * once bound */
	int			node;			/* TV_SOURCE_NODE: index in graph->nodes */
	Oid			check_as;		/* who must be allowed to read it */
	Bitmapset  *columns;		/* column numbers the graph reads */
} TvSource;

/*
 * Column numbers are attribute numbers, and one for tableoid: of tables in
 * trees, a row is captured with the OID of the table that stores it.
 */
#define TV_COLUMN_TABLEOID	0
#define TV_COLUMN_OF_ATTNO(attno) \
	((attno) == TableOidAttributeNumber ? TV_COLUMN_TABLEOID : (attno))
#define TV_ATTNO_OF_COLUMN(column) \
	((column) == TV_COLUMN_TABLEOID ? TableOidAttributeNumber : (column))

/*
 * What a leaf contributes to the product.  LEFT and ANTI have quals of their
 * own, and at most one row of the leaf matches them for any rows of the others
 * (a unique index or a node's key sees to it), so that both are linear in the
 * leaf D:
 *
 *		LEFT	D on quals + (1 - [D on quals]) x nulls
 *		ANTI	1 - [D on quals]
 */
typedef enum TvLeafMode
{
	TV_LEAF_INNER,				/* its rows */
	TV_LEAF_LEFT,				/* its row that matches, or else nulls */
	TV_LEAF_ANTI				/* nothing, if no row matches */
} TvLeafMode;

typedef struct TvLeaf
{
	RangeTblEntry *rte;			/* as it stands in a query over the new state;
								 * for a node below, relid is filled in when
								 * bound */
	int			source;			/* index in graph->sources; -1: VALUES, a
								 * function or XMLTABLE, which never change */
	TvLeafMode	mode;
	List	   *quals;			/* LEFT, ANTI: of Expr *, over this leaf and
								 * those before it */
} TvLeaf;

/*
 * What a leaf computes from the leaves before it: the functions, lists of
 * values or XMLTABLE of its RTE.  tv_leaf_exprs() gives them as they are, to
 * look at or to change Vars in place; tv_leaf_mutate() replaces each.
 */
extern List *tv_leaf_exprs(const RangeTblEntry *rte);
extern void tv_leaf_mutate(RangeTblEntry *rte, Node *(*mutator) (Node *, void *),
						   void *context);

typedef struct TvBranch
{
	List	   *leaves;			/* of TvLeaf * */
	List	   *quals;			/* of Expr *, implicitly ANDed */
	List	   *exprs;			/* of Expr *: the input row */
} TvBranch;

/* The branch's quals with those of its leaves: a list of its own. */
extern List *tv_branch_quals(const TvBranch *branch);

typedef enum TvNodeKind
{
	TV_NODE_LINEAR,				/* output row = input row */
	TV_NODE_GROUP,				/* GROUP BY, scalar aggregate, DISTINCT */
	TV_NODE_PARTITION,			/* window functions, DISTINCT ON, LIMIT: rows
								 * of one key are recomputed together */
	TV_NODE_RECURSIVE,			/* WITH RECURSIVE: reads itself */
	TV_NODE_WHOLE				/* the whole query, computed anew */
} TvNodeKind;

typedef enum TvStore
{
	TV_STORE_VIEW,				/* the materialized view */
	TV_STORE_STATE				/* the node's state table */
} TvStore;

/* How a group's aggregates follow its changes. */
typedef enum TvAccKind
{
	TV_ACC_ROWS,				/* number of rows of the group */
	TV_ACC_COUNT,				/* number of rows with a non-null argument */
	TV_ACC_SUM,					/* sum of small integers (int8), or of int8
								 * (numeric) */
	TV_ACC_TRANS,				/* transition state, moved by the aggregate's
								 * own forward and inverse functions */
	TV_ACC_EXTREME				/* min, max and their like: inserts fold,
								 * leaving extrema rescan the group */
} TvAccKind;

/* An accumulator: a stored value per group from which results are computed. */
typedef struct TvAcc
{
	TvAccKind	kind;
	List	   *args;			/* of int: input columns (1-based) of the
								 * arguments */
	AttrNumber	filter;			/* input column, bool, 0 if none */
	Oid			aggfn;			/* TRANS, EXTREME: the aggregate */
	Oid			inputcollid;	/* TRANS, EXTREME */
	Oid			sortop;			/* EXTREME: its < or >, the extremum sorts
								 * first */
	Aggref	   *aggref;			/* what computes the stored value from the
								 * group's input rows (Vars have varno 1); for
								 * TRANS, the original aggregate: the state
								 * aggregate stands in for it when derived */
	Oid			type;			/* of the stored value */
	int32		typmod;
	Oid			collation;
	TvStore		store;			/* where it is stored ... */
	AttrNumber	attno;			/* ... and in which column */
} TvAcc;

typedef enum TvAggKind
{
	TV_AGG_COUNT,				/* = acc */
	TV_AGG_SUM,					/* = acc if count acc > 0, else null */
	TV_AGG_BOOL_AND,			/* count acc > 0 ? acc = count acc : null */
	TV_AGG_BOOL_OR,				/* count acc > 0 ? acc > 0 : null */
	TV_AGG_TRANS,				/* final function of acc */
	TV_AGG_EXTREME,				/* = acc */
	TV_AGG_RECOMPUTE			/* no accumulator: only the group's recompute
								 * tells */
} TvAggKind;

/* An aggregate result of a group. */
typedef struct TvAgg
{
	TvAggKind	kind;
	Aggref	   *aggref;			/* over the input row (Vars have varno 1) */
	int			acc;			/* index in node->accs, -1 if none */
	int			count_acc;		/* COUNT accumulator of its argument, -1 if
								 * none needed */
} TvAgg;

/* A grouping column: input columns 1..nkeys are the group's key. */
typedef struct TvKey
{
	SortGroupClause *clause;	/* equality and sort operators */
	Oid			type;
	int32		typmod;
	Oid			collation;
	AttrNumber	out_attno;		/* output column that shows it, 0 if none */
	AttrNumber	primary_attno;	/* column in the primary store */
	AttrNumber	state_attno;	/* column in the state table, 0 if none */
} TvKey;

/*
 * Windows of a partition node that are computed by one query.  Its input is
 * the node's input row and the results of the levels before.  Sort references
 * of clauses are numbers of columns of that input.
 */
typedef struct TvWindowLevel
{
	List	   *clauses;		/* of WindowClause * */
	List	   *funcs;			/* of WindowFunc *, Vars have varno 1 */
	bool		sensitive;		/* a result depends on the order of rows that
								 * the (only) clause does not order ... */
	bool		tiebreak;		/* ... and such rows there may be: they are
								 * ordered by their image */
} TvWindowLevel;

/*
 * The first rows of each partition: LIMIT, OFFSET, DISTINCT ON.  Sort references
 * are numbers of columns of the node's row.
 */
typedef struct TvTopRows
{
	List	   *order;			/* of SortGroupClause * */
	Node	   *offset;			/* int8 without Vars, or NULL */
	Node	   *count;			/* the same; NULL: all */
	bool		with_ties;
	bool		tiebreak;		/* the order does not tell all rows apart:
								 * such rows are ordered by their image */
	bool		ordered;		/* an index keeps the input in this order */
} TvTopRows;

/*
 * The results of windows, of the rows of a partition from the first changed one
 * on, are told from these rows, some rows beside them and the results of the last
 * row before; see derive_suffix.c.
 */
typedef enum TvCarryKind
{
	TV_CARRY_ADD,				/* what it was before is added: row_number(),
								 * dense_rank() */
	TV_CARRY_RANK,				/* the same, with the number of its peers */
	TV_CARRY_COMBINE,			/* function combines both; null is nothing */
	TV_CARRY_KEEP,				/* stays what it was: first_value() */
	TV_CARRY_AVERAGE,			/* a sum by a number, which are kept, too */
	TV_CARRY_NOTHING			/* looks at rows within reach only: lag() */
} TvCarryKind;

typedef struct TvCarry
{
	TvCarryKind kind;
	AttrNumber	attno;			/* the result's column of the output row */
	Oid			function;
	Oid			collation;
	int			norder;			/* RANK: how many columns order its window */
	struct TvCarry *sum;		/* AVERAGE: other results */
	struct TvCarry *number;
} TvCarry;

/* A RANGE frame's end: which values of the ordering column it takes in. */
typedef struct TvReachRange
{
	Oid			in_range;		/* its function, and how it is called */
	Oid			collation;
	Const	   *offset;
	bool		sub;
	bool		less;
} TvReachRange;

/* How far windows look in one direction. */
typedef struct TvReach
{
	int64		rows;			/* at most; peers not counted */
	List	   *ranges;			/* of TvReachRange * */
} TvReach;

typedef struct TvSuffix
{
	List	   *order;			/* of SortGroupClause *; references are
								 * columns of the row, the first of them is
								 * the one behind the keys */
	Oid			from;			/* operators: the first column at a value, or
								 * after it; and so on */
	Oid			after;
	Oid			before;
	Oid			until;
	bool		not_null;		/* the first column is never null */
	List	   *carries;		/* of TvCarry * */
	TvReach		back;			/* of NOTHING */
	TvReach		ahead;
	bool		bounded;		/* all are NOTHING: results end to change some
								 * rows behind the last changed one */
} TvSuffix;

/* An order in which a state table is read. */
typedef struct TvStateOrder
{
	int			natts;
	AttrNumber *attnos;
	bool	   *descending;
	bool	   *nulls_first;
} TvStateOrder;

/* What a column of a state table holds. */
typedef enum TvStateRole
{
	TV_STATE_OUT,				/* output column number index */
	TV_STATE_KEY,				/* group key number index (from 0) */
	TV_STATE_ACC				/* accumulator number index (from 0) */
} TvStateRole;

typedef struct TvStateColumn
{
	TvStateRole role;
	int			index;
} TvStateColumn;

/* How rows of the output relation are found again. */
typedef enum TvIdentity
{
	TV_IDENTITY_KEY,			/* by a unique key */
	TV_IDENTITY_BAG,			/* by the whole row's image; duplicates happen */
	TV_IDENTITY_SINGLE,			/* there is at most one row */
	TV_IDENTITY_SHARED			/* by columns that several rows share; without
								 * any, by scanning.  State tables only */
} TvIdentity;

/* An equality by which rows of two leaves meet. */
typedef struct TvEdgeKey
{
	Expr	   *exprs[2];		/* a column of each source, or a cast of it
								 * that cannot fail; Vars have varno 1 */
	Oid			hashes[2];		/* hash functions, of one operator family */
	Oid			collation;
	bool		null_safe;		/* nulls meet, too */
} TvEdgeKey;

/*
 * Two leaves of a branch that can change.  Transactions of which one changes
 * the first and one the second must not miss each other: they lock the keys by
 * which their rows can meet.  Pairs of leaves of the node whose rows meet in the
 * same way are one edge.
 */
typedef struct TvEdge
{
	int			number;			/* > 0, in the graph */
	int			sources[2];		/* of the leaves, ascending */
	List	   *keys;			/* of TvEdgeKey *; NIL: all their rows may
								 * meet */
} TvEdge;

typedef struct TvNode
{
	int			id;				/* index in graph->nodes */
	TvNodeKind	kind;
	bool		top;			/* output is the view */
	List	   *branches;		/* of TvBranch * */
	TupleDesc	in_desc;		/* the input row */
	TupleDesc	out_desc;		/* the output row */
	Bitmapset  *sources;		/* indexes in graph->sources */
	bool		distinct;		/* GROUP made of a DISTINCT or a UNION */
	bool		set_operation;	/* GROUP made of an INTERSECT or EXCEPT */

	/* identity of the output rows */
	TvIdentity	identity;
	int			nidentity;
	AttrNumber *identity_attnos;	/* output columns of the key */
	List	   *proofs;			/* of Oid: indexes that prove a LINEAR key */

	/* GROUP */
	int			nkeys;
	TvKey	   *keys;
	List	   *accs;			/* of TvAcc *; NIL if recompute */
	List	   *aggs;			/* of TvAgg * */
	List	   *out_exprs;		/* of Expr *: output row over the group row
								 * (keys, aggregate results), varno 1 */
	Expr	   *having;			/* over the group row, or NULL; top node only */
	List	   *read_exprs;		/* node below: what its reader makes of the
								 * group row ... */
	Expr	   *read_having;	/* ... and which groups it takes */
	bool		recompute;		/* touched groups are recomputed, nothing is
								 * accumulated */
	const char *recompute_why;	/* the aggregate (WHOLE: construct) to blame */
	int			rows_acc;		/* index of the ROWS accumulator, -1 if none */

	int			ndelta;			/* recompute: how many columns of the input
								 * row its delta has, at least the keys */

	/*
	 * PARTITION: keys and recompute as above.  Output row: the input row,
	 * then the windows' results.  Below the top only.
	 */
	List	   *levels;			/* of TvWindowLevel * */
	TvTopRows  *top_rows;		/* or NULL */
	TvSuffix   *suffix;			/* or NULL */

	/* RECURSIVE, below the top only */
	int			self;			/* index of itself in graph->sources; not in
								 * sources */
	bool		union_all;		/* the last column numbers the iterations */
	List	   *union_clauses;	/* of SortGroupClause *: UNION's equality */
	bool		may_fail;		/* its recursive term, on rows that never met */
	bool		ties;			/* recompute: UNION can keep one of several
								 * equal rows that look different */

	/* WHOLE, the top and only node; each branch has one leaf, a table */
	Query	   *definition;		/* ready for the planner */

	/*
	 * The primary store holds the row that represents the group and is
	 * locked.  VIEW: the view's row has the key; accumulators that it lacks
	 * are in the state table, whose row always exists along with it.  STATE:
	 * the state table has everything; for the top node the view follows.
	 */
	TvStore		primary;
	bool		has_state;
	List	   *state_columns;	/* of ColumnDef *, in order */
	TvStateColumn *state_roles; /* what each of them holds */
	List	   *probes;			/* of IntList: sets of output columns by which
								 * readers look up rows of a node below */
	List	   *long_probes;	/* of int: columns of any length, which are
								 * looked up one by one (RECURSIVE) */
	List	   *orders;			/* of TvStateOrder *, an index each */
	char	   *signature;		/* of the state table's layout */
	Oid			state_relid;	/* filled in when bound */

	bool		has_presence;	/* a leaf is LEFT or ANTI */

	/* locks, see edges.c */
	bool		additive;		/* the delta depends on the change alone:
								 * locks on the rows written suffice */
	List	   *edges;			/* of TvEdge * */
	int			group_lock;		/* number of the locks on groups, 0 if none */
	bool		locks_groups;	/* every change takes them: groups are
								 * recomputed; otherwise only while rows are
								 * inserted late, see writer.h */
} TvNode;

typedef struct TvGraph
{
	int			nnodes;
	TvNode	  **nodes;			/* in topological order, the top one last */
	int			nsources;
	TvSource  **sources;
	List	   *relids;			/* of Oid: every relation the definition
								 * depends on (plain views too) */
	List	   *whole_rows;		/* of Oid: those of which it uses the row,
								 * with whatever columns that has */
	List	   *functions;		/* of Oid: those of the user's that it calls,
								 * in bodies of SQL functions, too */
	List	   *operators;		/* of Oid: those of the user's in such bodies */
	bool		uses_settings;	/* an expression depends on settings that
								 * shape output */
	bool		user_code;		/* an expression calls a function that did not
								 * come with the server */
	bool		checks_words;	/* an expression may fail on texts that the
								 * query itself can read */
	bool		leaves_out;		/* no node computes what is beneath LIMIT 0 */
	bool		exclusive;		/* no finer locks are known than one on the
								 * whole view */
} TvGraph;

/* The sort operator of min, max and the like; InvalidOid: it is of another kind. */
extern Oid	tv_aggregate_sortop(const Aggref *aggref);

/*
 * Compile an analysed, not rewritten query (from get_view_query() or
 * CreateTableAsStmt).  Does not modify it.  colnames: the view's column
 * names (List of String) or NIL.  Returns NULL and sets *refusal when the
 * definition cannot be maintained.  The caller holds locks on nothing; the
 * function takes AccessShareLock on what it reads and keeps it.
 */
extern TvGraph *tv_graph_compile(const Query *definition, List *colnames,
								 Oid owner, TvRefusal **refusal);

/*
 * Indexes of the state table of a node below, as lists of its columns: the one
 * on the key, and those for lookups that it does not serve.
 */
extern List *tv_probes_key_order(const TvNode *node);
extern List *tv_probes_to_index(const TvNode *node);

/* One-word strategy of a node, for people: linear, group, distinct, ... */
extern const char *tv_graph_strategy(const TvNode *node);

/* The part that can only be recomputed as a whole, and why; NULL if none. */
extern const char *tv_graph_full_recompute(const TvGraph *graph);

/*
 * Does the node's output depend on the order of rows that the query does not
 * order?  Then the query has several right answers, of which one is stored.
 */
extern bool tv_graph_node_has_ties(const TvNode *node);
extern bool tv_graph_has_ties(const TvGraph *graph);

#endif							/* TV_GRAPH_H */
