/*-------------------------------------------------------------------------
 *
 * delta/compile_top_rows.c
 *	  Make PARTITION nodes of DISTINCT ON, LIMIT and OFFSET.
 *
 *		DISTINCT ON (k) ... ORDER BY k, o	the first row of each partition by k
 *		ORDER BY o LIMIT n					the first n rows of all
 *
 * The query without them is flattened, its ordering columns among its output;
 * who reads the node takes the columns that the query shows.
 *
 * The first rows of all are found again by an index.  If the input is one table,
 * that is the user's; if it is a node's state table, we make it; otherwise the
 * input is stored by a linear node of its own.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relation.h"
#include "catalog/pg_am.h"
#include "commands/defrem.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "optimizer/tlist.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "delta/compile_partition.h"
#include "delta/fold.h"
#include "tv_compat.h"

/* A query of which the first rows are wanted. */
typedef struct TopQuery
{
	TvCompiler *c;
	Query	   *query;
	Node	   *offset;
	Node	   *count;
	int			ncorr;
	List	   *corr_clauses;	/* of SortGroupClause * */
	List	   *branches;		/* those of the correlation, then the target
								 * list's */
	int		   *at;				/* by number of a column at first: now */
} TopQuery;

static bool constant_part(TvCompiler *c, Node *expr, bool neutral_zero, Node **result);
static Query *without_limits(TopQuery *t);
static int	column_of(TopQuery *t, const SortGroupClause *clause);
static void take_first(TopQuery *t, List *keys, List *clauses, Node *offset, Node *count,
					   bool with_ties);
static List *shown(TopQuery *t);
static bool needs_store(const List *branches, const List *first, int nkeys);
static bool request_order(TvCompiler *c, const TvNode *node);

List *
tv_compile_top_rows(TvCompiler *c, Query *query, bool top, const TvPartial *base, List *corr)
{
	TopQuery	top_query = {c, query};
	TopQuery   *t = &top_query;
	ListCell   *lc;
	int			n;

	query->targetList = (List *)
		tv_compat_flatten_aliases(query, (Node *) query->targetList);
	if (!constant_part(c, query->limitOffset, true, &t->offset) ||
		!constant_part(c, query->limitCount, false, &t->count))
		return NIL;
	if (t->offset == NULL && t->count == NULL && !query->hasDistinctOn)
	{
		query->limitOffset = query->limitCount = NULL;
		return tv_flatten_clauses(c, query, top, base, corr);
	}

	corr = (List *) tv_compat_flatten_aliases(query, (Node *) corr);
	foreach(lc, corr)
	{
		SortGroupClause *clause;

		if (!tv_compile_sort_clause(c, exprType(lfirst(lc)), &clause))
			return NIL;
		t->corr_clauses = lappend(t->corr_clauses, clause);
	}
	t->ncorr = list_length(corr);
	t->branches = tv_flatten_clauses(c, without_limits(t), false, base, corr);
	if (c->refusal)
		return NIL;
	n = list_length(((TvBranch *) linitial(t->branches))->exprs);
	t->at = palloc(sizeof(int) * (n + 1));
	for (int i = 0; i <= n; i++)
		t->at[i] = i;

	if (query->hasDistinctOn)
	{
		List	   *keys = NIL;
		List	   *clauses = NIL;

		foreach(lc, query->distinctClause)
		{
			SortGroupClause *clause = lfirst_node(SortGroupClause, lc);

			if (list_member_int(keys, column_of(t, clause)))
				continue;
			keys = lappend_int(keys, column_of(t, clause));
			clauses = lappend(clauses, clause);
		}
		take_first(t, keys, clauses, NULL, (Node *) makeConst(INT8OID, -1, InvalidOid,
															  sizeof(int64), Int64GetDatum(1),
															  false, FLOAT8PASSBYVAL), false);
	}
	if (!c->refusal && (t->offset || t->count))
		take_first(t, NIL, NIL, t->offset, t->count,
				   query->limitOption == LIMIT_OPTION_WITH_TIES);
	return c->refusal ? NIL : shown(t);
}

/*
 * LIMIT and OFFSET have no Vars of their query.  *result: NULL if the clause
 * does nothing.
 */
static bool
constant_part(TvCompiler *c, Node *expr, bool neutral_zero, Node **result)
{
	*result = NULL;
	if (expr == NULL)
		return true;
	if (contain_subplans(expr) || contain_vars_of_level(expr, 1))
		tv_compile_refuse(c, exprLocation(expr), "%s is not supported in a maintained view",
						  "LIMIT or OFFSET by a subquery or an outer column",
						  "No maintenance rule exists for it.",
						  "Write the number as a constant, or compare it with row_number() OVER ().");
	if (!tv_analyze_expr(c, expr))
		return false;
	expr = tv_fold(copyObject(expr));
	if (!IsA(expr, Const) ||
		(!((Const *) expr)->constisnull &&
		 !(neutral_zero && DatumGetInt64(((Const *) expr)->constvalue) == 0)))
		*result = expr;
	return true;
}

/* The query; ordering columns become output columns. */
static Query *
without_limits(TopQuery *t)
{
	Query	   *inner = copyObject(t->query);
	ListCell   *lc;

	foreach(lc, inner->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);
		ListCell   *ls;

		foreach(ls, list_concat_copy(inner->sortClause,
									 inner->hasDistinctOn ? inner->distinctClause : NIL))
			if (lfirst_node(SortGroupClause, ls)->tleSortGroupRef == tle->ressortgroupref)
			tle->resjunk = false;
	}
	if (inner->hasDistinctOn)
		inner->distinctClause = NIL;
	inner->hasDistinctOn = false;
	inner->sortClause = NIL;
	inner->limitCount = NULL;
	inner->limitOffset = NULL;
	return inner;
}

/* Number of the column of a target list entry among the branches' at first. */
static int
number_of(TopQuery *t, const TargetEntry *wanted)
{
	int			n = t->ncorr;
	ListCell   *lc;

	foreach(lc, t->query->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);
		bool		output = !tle->resjunk;
		ListCell   *ls;

		foreach(ls, list_concat_copy(t->query->sortClause,
									 t->query->hasDistinctOn ? t->query->distinctClause : NIL))
			output |= lfirst_node(SortGroupClause, ls)->tleSortGroupRef == tle->ressortgroupref;
		n += output;
		if (tle == wanted)
			break;
	}
	return n;
}

/* Where the column of a clause stands now. */
static int
column_of(TopQuery *t, const SortGroupClause *clause)
{
	return t->at[number_of(t, get_sortgroupclause_tle(unconstify(SortGroupClause *, clause),
													  t->query->targetList))];
}

/* Put a node that takes the first rows of each partition on top. */
static void
take_first(TopQuery *t, List *keys, List *clauses, Node *offset, Node *count, bool with_ties)
{
	TvTopRows  *rows = palloc0(sizeof(TvTopRows));
	List	   *first = NIL;
	List	   *order = NIL;
	int		   *moved_to;
	TvNode	   *node;
	ListCell   *lc;

	for (int i = t->ncorr; i >= 1; i--)
		keys = lcons_int(t->at[i], keys);
	clauses = list_concat(list_copy(t->corr_clauses), clauses);
	first = list_copy(keys);
	foreach(lc, t->query->sortClause)
	{
		SortGroupClause *clause = copyObject(lfirst_node(SortGroupClause, lc));

		if (list_member_int(first, column_of(t, clause)))
			continue;
		first = lappend_int(first, column_of(t, clause));
		order = lappend(order, clause);
	}
	if (needs_store(t->branches, first, list_length(keys)))
	{
		List	   *stored = tv_flatten_stored(t->c, t->branches);

		/* otherwise the node on top refuses it */
		if (stored)
			t->branches = stored;
	}

	node = tv_partition_make(t->c, t->branches, keys, clauses, first, &moved_to);
	if (t->c->refusal)
		return;
	for (int i = 1; i <= node->in_desc->natts; i++)
		t->at[i] = moved_to[t->at[i]];
	foreach(lc, order)
		lfirst_node(SortGroupClause, lc)->tleSortGroupRef =
		column_of(t, lfirst_node(SortGroupClause, lc));
	rows->order = order;
	rows->offset = offset;
	rows->count = count;
	rows->with_ties = with_ties;
	node->top_rows = rows;
	node->ndelta = node->in_desc->natts;
	rows->ordered = request_order(t->c, node);
	t->branches = tv_flatten_read_node(t->c, node);
}

/* Those of the correlation and those that the query shows, in its order. */
static List *
shown(TopQuery *t)
{
	TvBranch   *branch = linitial(t->branches);
	List	   *exprs = NIL;
	ListCell   *lc;

	for (int i = 1; i <= t->ncorr; i++)
		exprs = lappend(exprs, list_nth(branch->exprs, t->at[i] - 1));
	foreach(lc, t->query->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (!tle->resjunk)
			exprs = lappend(exprs, list_nth(branch->exprs, t->at[number_of(t, tle)] - 1));
	}
	branch->exprs = exprs;
	return t->branches;
}

/* ------------------------------------------------------------------------
 * The order of the input
 * ------------------------------------------------------------------------
 */

/*
 * Keys lead to a partition by indexes of what is joined.  Without keys, all
 * of the input would be computed: unless it is read from one relation, in
 * which the order can be kept, it is stored.
 */
static bool
needs_store(const List *branches, const List *first, int nkeys)
{
	TvBranch   *branch = linitial(branches);
	bool		changes = false;
	ListCell   *lb;
	ListCell   *ll;

	foreach(lb, branches)
	{
		foreach(ll, ((TvBranch *) lfirst(lb))->leaves)
			changes |= ((TvLeaf *) lfirst(ll))->source >= 0;
	}
	if (nkeys > 0 || !changes)
		return false;
	if (list_length(branches) != 1 || list_length(branch->leaves) != 1 ||
		((TvLeaf *) linitial(branch->leaves))->mode != TV_LEAF_INNER)
		return true;
	if (first == NIL)
		return false;
	return !IsA(list_nth(branch->exprs, linitial_int(first) - 1), Var);
}

/* Has the table a btree index by which it is read in an order, from column on? */
static bool
has_order(Oid relid, const TvStateOrder *order, int column)
{
	Relation	rel = relation_open(relid, AccessShareLock);
	List	   *indexes = RelationGetIndexList(rel);
	AttrNumber	attno = order->attnos[column];
	Oid			opclass = GetDefaultOpClass(TupleDescAttr(rel->rd_att, attno - 1)->atttypid,
											BTREE_AM_OID);
	bool		found = false;
	ListCell   *lc;

	foreach(lc, indexes)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);
		bool		descending = (index->rd_indoption[0] & INDOPTION_DESC) != 0;
		bool		nulls_first = (index->rd_indoption[0] & INDOPTION_NULLS_FIRST) != 0;

		/* forward or backward */
		found |= index->rd_index->indisvalid && index->rd_rel->relam == BTREE_AM_OID &&
			index->rd_index->indkey.values[0] == attno &&
			index->rd_opfamily[0] == get_opclass_family(opclass) &&
			RelationGetIndexPredicate(index) == NIL &&
			(descending == order->descending[column]) == (nulls_first == order->nulls_first[column]);
		index_close(index, NoLock);
	}
	list_free(indexes);
	relation_close(rel, NoLock);
	return found;
}

/*
 * Let the input be kept in order: its state table gets an index on the keys
 * and the ordering columns, as far as they are columns of it.  False if nobody
 * keeps it so.
 */
static bool
request_order(TvCompiler *c, const TvNode *node)
{
	TvBranch   *branch = linitial(node->branches);
	TvStateOrder *order = palloc0(sizeof(TvStateOrder));
	TvSource   *source;
	TvNode	   *below = NULL;
	List	   *clauses = NIL;
	ListCell   *lc;

	if (list_length(node->branches) != 1 || list_length(branch->leaves) != 1 ||
		((TvLeaf *) linitial(branch->leaves))->mode != TV_LEAF_INNER ||
		((TvLeaf *) linitial(branch->leaves))->source < 0)
		return false;
	source = list_nth(c->sources, ((TvLeaf *) linitial(branch->leaves))->source);
	/* first rows of a recursion, in it, are refused */
	if (source->kind == TV_SOURCE_NODE && source->node < 0)
		return false;
	if (source->kind == TV_SOURCE_NODE)
		below = list_nth(c->nodes, source->node);
	for (int i = 0; i < node->nkeys; i++)
		clauses = lappend(clauses, node->keys[i].clause);
	clauses = list_concat(clauses, node->top_rows->order);
	order->attnos = palloc(sizeof(AttrNumber) * (list_length(clauses) + 1));
	order->descending = palloc0(sizeof(bool) * (list_length(clauses) + 1));
	order->nulls_first = palloc0(sizeof(bool) * (list_length(clauses) + 1));
	foreach(lc, clauses)
	{
		SortGroupClause *clause = lfirst_node(SortGroupClause, lc);
		int			n = order->natts;
		Var		   *var = list_nth(branch->exprs, n);

		if (!IsA(var, Var) || n == INDEX_MAX_KEYS ||
			(below && !tv_probes_can_index(below, var)) ||
			!tv_partition_default_order(clause, var->vartype, &order->descending[n]))
			break;
		order->attnos[n] = var->varattno;
		order->nulls_first[n] = clause->nulls_first;
		order->natts++;
	}
	if (order->natts <= node->nkeys)
		return false;
	if (below == NULL)
		return has_order(source->relid, order, node->nkeys);
	below->orders = lappend(below->orders, order);
	return true;
}

/*
 * With ties, rows that the order does not tell apart are all taken or none,
 * unless OFFSET parts them.
 */
void
tv_top_rows_finish(TvNode *node, bool decided)
{
	TvTopRows  *rows = node->top_rows;

	rows->tiebreak = !decided && (!rows->with_ties || rows->offset);

	/* DISTINCT ON: there is one row of each key */
	if (node->identity == TV_IDENTITY_BAG && node->nkeys > 0 && rows->offset == NULL &&
		!rows->with_ties && rows->count && IsA(rows->count, Const) &&
		DatumGetInt64(((Const *) rows->count)->constvalue) == 1)
	{
		node->identity = TV_IDENTITY_KEY;
		node->nidentity = node->nkeys;
		node->identity_attnos = palloc(sizeof(AttrNumber) * node->nkeys);
		for (int i = 0; i < node->nkeys; i++)
			node->identity_attnos[i] = i + 1;
	}
}
