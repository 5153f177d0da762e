/*-------------------------------------------------------------------------
 *
 * delta/probes.c
 *	  By which columns the readers of a node below look up its rows.
 *
 * A node's rows are found by its key when the node itself changes.  Its
 * readers look them up otherwise: when another leaf m of a branch changes, by
 * the columns that quals compare with expressions over m,
 *
 *		d(n x m) = n . dm		for each row of dm: rows of n where n.c = f(m)
 *
 * and when a reader recomputes groups, by those that are keys of the groups.
 * The state table gets an index for each such set of columns that its key
 * does not serve, so that the cost of a changed row does not grow with it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "catalog/pg_am.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"

#include "delta/compile_internal.h"

/* What quals say about the columns of leaf l, given leaf m. */
typedef struct Lookup
{
	TvNode	   *node;			/* that leaf l reads */
	int			leaf;
	int			other;
	List	   *equated;		/* of int: columns equated with m ... */
	List	   *compared;		/* ... or compared with it otherwise */
} Lookup;

/* Columns of an index for one look-up, at most. */
#define TV_MAX_PROBE 8

static void look_up_by_leaves(TvNode *node, TvBranch *branch, int leaf);
static void look_up_by_output(TvNode *node, TvBranch *branch, int leaf);
static void look_up_by_groups(TvNode *node, TvNode *reader, TvBranch *branch, int leaf);
static void note_quals(Lookup *lookup, TvBranch *branch);
static void note_qual(Lookup *lookup, Expr *qual);
static void note_long(TvNode *node, const Var *column, Oid opno);
static void note_side(Lookup *lookup, Node *column, Node *value, Oid opno, Oid collation);
static void add_probe(TvNode *node, List *equated, List *compared);
static bool finds_groups_again(const TvNode *node);
static bool is_prefix(List *columns, List *index);

void
tv_probes_assign(TvGraph *graph)
{
	for (int i = 0; i < graph->nnodes; i++)
	{
		TvNode	   *reader = graph->nodes[i];
		ListCell   *lb;

		foreach(lb, reader->branches)
		{
			TvBranch   *branch = lfirst(lb);
			ListCell   *ll;

			foreach(ll, branch->leaves)
			{
				TvLeaf	   *leaf = lfirst(ll);
				TvSource   *source = leaf->source >= 0 ? graph->sources[leaf->source] : NULL;
				TvNode	   *node;

				if (source == NULL || source->kind != TV_SOURCE_NODE)
					continue;
				node = graph->nodes[source->node];
				if (node->nkeys == 0 && node->kind != TV_NODE_RECURSIVE)
					continue;
				look_up_by_leaves(node, branch, foreach_current_index(ll));
				if (node == reader)
					look_up_by_output(node, branch, foreach_current_index(ll));
				if (finds_groups_again(reader))
					look_up_by_groups(node, reader, branch, foreach_current_index(ll));
			}
		}
	}
}

static void
look_up_by_leaves(TvNode *node, TvBranch *branch, int leaf)
{
	ListCell   *lm;

	foreach(lm, branch->leaves)
	{
		Lookup		lookup = {node, leaf, foreach_current_index(lm)};

		if (lookup.other == leaf || ((TvLeaf *) lfirst(lm))->source < 0)
			continue;
		note_quals(&lookup, branch);
		add_probe(node, lookup.equated, lookup.compared);
	}
}

/*
 * A recursive node looks up the rows that one of its rows is derived from: by
 * what the others are equated with, and by columns that are passed on.
 */
static void
look_up_by_output(TvNode *node, TvBranch *branch, int leaf)
{
	Lookup		lookup = {node, leaf};
	List	   *columns;
	ListCell   *lc;

	foreach(lc, branch->leaves)
	{
		lookup.other = foreach_current_index(lc);
		if (lookup.other == leaf)
			continue;
		note_quals(&lookup, branch);
	}
	columns = lookup.equated;
	foreach(lc, branch->exprs)
	{
		Var		   *var = lfirst(lc);

		if (IsA(var, Var) && var->varno == leaf + 1 && tv_probes_can_index(node, var) &&
			list_length(columns) < TV_MAX_PROBE)
			columns = list_append_unique_int(columns, var->varattno);
	}
	if (columns != NIL && !list_member(node->probes, columns))
		node->probes = lappend(node->probes, columns);
}

/*
 * The reader recomputes groups: those of its keys that are columns of the leaf.
 * Where all rows of the leaf are in its groups, an index on the keys of these has
 * their values already, however long they are.
 */
static void
look_up_by_groups(TvNode *node, TvNode *reader, TvBranch *branch, int leaf)
{
	List	   *columns = NIL;
	bool		all_rows = list_length(branch->leaves) == 1 && branch->quals == NIL;

	for (int i = 0; i < reader->nkeys; i++)
	{
		Var		   *var = list_nth(branch->exprs, i);

		if (IsA(var, Var) && var->varno == leaf + 1 &&
			(tv_probes_can_index(node, var) || (all_rows && var->varattno > 0)))
			columns = list_append_unique_int(columns, var->varattno);
	}
	add_probe(node, columns, NIL);
}

/* Does the node recompute single groups, always or when an extremum leaves? */
static bool
finds_groups_again(const TvNode *node)
{
	ListCell   *lc;

	if (node->nkeys == 0)
		return false;
	foreach(lc, node->accs)
		if (((TvAcc *) lfirst(lc))->kind == TV_ACC_EXTREME)
		return true;
	return node->recompute;
}

static void
note_quals(Lookup *lookup, TvBranch *branch)
{
	ListCell   *lc;

	foreach(lc, tv_branch_quals(branch))
		note_qual(lookup, lfirst(lc));
}

static void
note_qual(Lookup *lookup, Expr *qual)
{
	OpExpr	   *op = (OpExpr *) qual;
	Oid			commutator;

	if (!IsA(qual, OpExpr) || list_length(op->args) != 2)
		return;
	note_side(lookup, linitial(op->args), lsecond(op->args), op->opno, op->inputcollid);
	commutator = get_commutator(op->opno);
	if (OidIsValid(commutator))
		note_side(lookup, lsecond(op->args), linitial(op->args), commutator, op->inputcollid);
}

/*
 * A column that is equated, and may be too long for a btree index.  Of nodes
 * with keys it is one of these in general, so this is for recursive ones.
 */
static void
note_long(TvNode *node, const Var *column, Oid opno)
{
	Oid			opclass = column->varattno > 0 && node->kind == TV_NODE_RECURSIVE ?
	GetDefaultOpClass(column->vartype, HASH_AM_OID) : InvalidOid;

	if (OidIsValid(opclass) &&
		get_op_opfamily_strategy(opno, get_opclass_family(opclass)) == HTEqualStrategyNumber)
		node->long_probes = list_append_unique_int(node->long_probes, column->varattno);
}

/* column op value, if that is a column of the leaf and a value of the other. */
static void
note_side(Lookup *lookup, Node *column, Node *value, Oid opno, Oid collation)
{
	Var		   *var = (Var *) column;
	Bitmapset  *leaves = pull_varnos(NULL, value);
	Oid			opclass;
	int			strategy;

	while (IsA(var, RelabelType))
		var = (Var *) ((RelabelType *) var)->arg;
	if (!IsA(var, Var) || var->varno != lookup->leaf + 1 ||
		!bms_equal(leaves, bms_make_singleton(lookup->other + 1)) ||
		(OidIsValid(collation) && collation != var->varcollid))
		return;
	if (!tv_probes_can_index(lookup->node, var))
	{
		note_long(lookup->node, var, opno);
		return;
	}
	opclass = GetDefaultOpClass(var->vartype, BTREE_AM_OID);
	strategy = OidIsValid(opclass) ?
		get_op_opfamily_strategy(opno, get_opclass_family(opclass)) : 0;
	if (strategy == BTEqualStrategyNumber)
		lookup->equated = list_append_unique_int(lookup->equated, var->varattno);
	else if (strategy != 0)
		lookup->compared = list_append_unique_int(lookup->compared, var->varattno);
}

/*
 * A value of any length may be too long for an index.  That of a key has to be
 * short enough in any case; one that is no key must not become an error.
 */
bool
tv_probes_can_index(const TvNode *node, const Var *column)
{
	return column->varattno > 0 &&
		(column->varattno <= node->nkeys || column->vartype == NUMERICOID ||
		 get_typlen(getBaseType(column->vartype)) > 0);
}

/* An index serves one inequality, behind all columns that are equated. */
static void
add_probe(TvNode *node, List *equated, List *compared)
{
	List	   *probe = list_copy(equated);
	ListCell   *lc;

	list_sort(probe, list_int_cmp);
	if (compared != NIL)
		probe = list_append_unique_int(probe, linitial_int(compared));
	if (probe == NIL)
		return;
	foreach(lc, node->probes)
		if (equal(lfirst(lc), probe))
		return;
	node->probes = lappend(node->probes, probe);
}

/* The number of columns of the key, which are the first ones of the state table. */
static int
key_columns(const TvNode *node)
{
	return node->kind == TV_NODE_RECURSIVE ? node->nidentity : node->nkeys;
}

/*
 * The key's columns in an order that serves as many lookups as one index can:
 * those of the first lookup that are all keys stand in front.
 */
List *
tv_probes_key_order(const TvNode *node)
{
	List	   *order = NIL;
	int			nkeys = key_columns(node);
	ListCell   *lc;

	foreach(lc, node->probes)
	{
		List	   *probe = lfirst(lc);

		if (llast_int(probe) <= nkeys && linitial_int(probe) <= nkeys)
		{
			ListCell   *lp;
			bool		keys = true;

			foreach(lp, probe)
				keys &= lfirst_int(lp) <= nkeys;
			if (keys)
			{
				order = list_copy(probe);
				break;
			}
		}
	}
	for (int i = 1; i <= nkeys; i++)
		order = list_append_unique_int(order, i);
	return order;
}

/* The lookups that the index on the key does not serve. */
List *
tv_probes_to_index(const TvNode *node)
{
	List	   *indexes = NIL;
	int			nothers;
	ListCell   *lc;

	if (key_columns(node) > 0 && !node->suffix)
		indexes = list_make1(tv_probes_key_order(node));
	/* there are those that keep an order, too */
	foreach(lc, node->orders)
	{
		TvStateOrder *order = lfirst(lc);
		List	   *columns = NIL;

		for (int i = 0; i < order->natts; i++)
			columns = lappend_int(columns, order->attnos[i]);
		indexes = lappend(indexes, columns);
	}
	nothers = list_length(indexes);

	/* longer ones first, for they serve shorter ones */
	for (int length = node->out_desc->natts; length > 0; length--)
	{
		foreach(lc, node->probes)
		{
			List	   *probe = lfirst(lc);
			ListCell   *li;
			bool		served = list_length(probe) != length;

			foreach(li, indexes)
				served |= is_prefix(probe, lfirst(li));
			if (!served)
				indexes = lappend(indexes, probe);
		}
	}
	return list_copy_tail(indexes, nothers);
}

/* Are the columns, in any order, the first ones of the index, or all of it? */
static bool
is_prefix(List *columns, List *index)
{
	ListCell   *lc;

	foreach(lc, index)
	{
		if (foreach_current_index(lc) == list_length(columns))
			break;
		if (!list_member_int(columns, lfirst_int(lc)))
			return false;
	}
	return true;
}
