/*-------------------------------------------------------------------------
 *
 * delta/stores.c
 *	  Decide where a node keeps its keys, accumulators and rows.
 *
 * What the view's own columns hold is not stored twice: when every key is an
 * output column and there is no HAVING, the view's row is the group's row, and
 * the state table has only the accumulators that the view does not show.
 * Otherwise the state table has a complete row per group, and the view follows.
 *
 * A node below the top has one table for both: its output columns first, then
 * what they do not show.  The table of a linear or partition node has its output
 * rows, those of a partition found by the key that they share.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"

#include "delta/compile_internal.h"

static void assign_identity(TvNode *node);
static void assign_recompute(TvNode *node);
static void assign_rows(TvNode *node);
static void assign_accumulators(TvNode *node);
static AttrNumber add_column(TvNode *node, TvStateRole role, int index, const char *name,
							 Oid type, int32 typmod, Oid collation);
static AttrNumber shown_as(const TvNode *node, int group_column);
static void add_out_columns(TvNode *node);
static void add_keys(TvNode *node, bool shared_with_out);
static char *signature(const TvNode *node, List *sources);

void
tv_stores_assign(TvNode *node, List *sources)
{
	if ((node->kind == TV_NODE_LINEAR && node->top) || node->kind == TV_NODE_WHOLE)
	{
		node->primary = TV_STORE_VIEW;
		return;
	}
	if (node->kind == TV_NODE_GROUP)
	{
		for (int i = 0; i < node->nkeys; i++)
			node->keys[i].out_attno = shown_as(node, i + 1);
		assign_identity(node);
	}

	node->state_roles = palloc0(sizeof(TvStateColumn) *
								(node->out_desc->natts + node->nkeys +
								 list_length(node->accs) + 2));
	if (node->kind != TV_NODE_GROUP)
		assign_rows(node);
	else if (node->recompute)
		assign_recompute(node);
	else
		assign_accumulators(node);
	/* also without columns: the rows of SELECT FROM t LIMIT 1 */
	node->has_state = node->primary == TV_STORE_STATE || node->state_columns != NIL;
	if (node->has_state)
		node->signature = signature(node, sources);
}

static void
assign_identity(TvNode *node)
{
	if (node->nkeys == 0)
	{
		node->identity = TV_IDENTITY_SINGLE;
		return;
	}
	node->identity_attnos = palloc(sizeof(AttrNumber) * node->nkeys);
	for (int i = 0; i < node->nkeys; i++)
	{
		if (node->keys[i].out_attno == 0)
		{
			node->identity = TV_IDENTITY_BAG;
			return;
		}
		node->identity_attnos[i] = node->keys[i].out_attno;
	}
	node->identity = TV_IDENTITY_KEY;
	node->nidentity = node->nkeys;
}

/* Nothing is accumulated; the old row of a group must be found by its key. */
static void
assign_recompute(TvNode *node)
{
	if (node->top && node->identity != TV_IDENTITY_BAG)
	{
		node->primary = TV_STORE_VIEW;
		for (int i = 0; i < node->nkeys; i++)
			node->keys[i].primary_attno = node->keys[i].out_attno;
		return;
	}
	node->primary = TV_STORE_STATE;
	add_out_columns(node);
	add_keys(node, true);
}

/* The output rows are stored; keys are the first columns. */
static void
assign_rows(TvNode *node)
{
	node->primary = TV_STORE_STATE;
	for (int i = 0; i < node->nkeys; i++)
		node->keys[i].out_attno = i + 1;
	add_out_columns(node);
	add_keys(node, true);
}

static void
assign_accumulators(TvNode *node)
{
	bool		shared = node->having == NULL;
	ListCell   *lc;
	int			i;

	if (node->top && shared && node->identity != TV_IDENTITY_BAG)
		node->primary = TV_STORE_VIEW;
	else
		node->primary = TV_STORE_STATE;

	/* columns of the output that hold an accumulator */
	if (shared && (node->primary == TV_STORE_VIEW || !node->top))
	{
		i = 0;
		foreach(lc, node->aggs)
		{
			TvAgg	   *agg = lfirst(lc);
			AttrNumber	shown = shown_as(node, node->nkeys + ++i);

			if (shown && (agg->kind == TV_AGG_COUNT || agg->kind == TV_AGG_SUM ||
						  agg->kind == TV_AGG_EXTREME))
			{
				TvAcc	   *acc = list_nth(node->accs, agg->acc);

				acc->attno = shown;
				acc->store = node->top ? TV_STORE_VIEW : TV_STORE_STATE;
			}
		}
	}

	if (node->primary == TV_STORE_VIEW)
	{
		bool		complete = true;

		foreach(lc, node->accs)
			if (((TvAcc *) lfirst(lc))->attno == 0)
			complete = false;
		for (i = 0; i < node->nkeys; i++)
			node->keys[i].primary_attno = node->keys[i].out_attno;
		if (complete)
			return;
	}

	if (!node->top)
		add_out_columns(node);
	add_keys(node, !node->top && shared);
	i = 0;
	foreach(lc, node->accs)
	{
		TvAcc	   *acc = lfirst(lc);

		if (acc->attno == 0)
		{
			acc->store = TV_STORE_STATE;
			acc->attno = add_column(node, TV_STATE_ACC, i, psprintf("a%d", i + 1),
									acc->type, acc->typmod, acc->collation);
		}
		i++;
	}
}

static void
add_out_columns(TvNode *node)
{
	for (int i = 0; i < node->out_desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(node->out_desc, i);

		add_column(node, TV_STATE_OUT, i + 1, psprintf("c%d", i + 1),
				   att->atttypid, att->atttypmod, att->attcollation);
	}
}

static void
add_keys(TvNode *node, bool shared_with_out)
{
	for (int i = 0; i < node->nkeys; i++)
	{
		TvKey	   *key = &node->keys[i];

		if (shared_with_out && key->out_attno)
			key->state_attno = key->out_attno;
		else
			key->state_attno = add_column(node, TV_STATE_KEY, i, psprintf("k%d", i + 1),
										  key->type, key->typmod, key->collation);
		if (node->primary == TV_STORE_STATE)
			key->primary_attno = key->state_attno;
	}
}

static AttrNumber
add_column(TvNode *node, TvStateRole role, int index, const char *name,
		   Oid type, int32 typmod, Oid collation)
{
	int			n = list_length(node->state_columns);

	node->state_columns = lappend(node->state_columns,
								  makeColumnDef(name, type, typmod, collation));
	node->state_roles[n].role = role;
	node->state_roles[n].index = index;
	return n + 1;
}

/* The output column that is just this column of the group row; 0 if none. */
static AttrNumber
shown_as(const TvNode *node, int group_column)
{
	ListCell   *lc;
	AttrNumber	out = 0;

	foreach(lc, node->out_exprs)
	{
		Var		   *var = lfirst(lc);

		out++;
		if (IsA(var, Var) && var->varattno == group_column)
			return out;
	}
	return 0;
}

/*
 * What the node's input is made of, as far as it depends on more than the
 * definition: a unique index decides whether a table is read or a node.
 */
static void
append_branches(StringInfo buf, const TvNode *node, List *sources)
{
	ListCell   *lb;
	ListCell   *ll;

	foreach(lb, node->branches)
	{
		foreach(ll, ((TvBranch *) lfirst(lb))->leaves)
		{
			TvLeaf	   *leaf = lfirst(ll);
			TvSource   *source;

			if (leaf->source < 0)
				continue;
			source = list_nth(sources, leaf->source);
			if (source->kind == TV_SOURCE_NODE)
				appendStringInfo(buf, "n%d", source->node);
			else
				appendStringInfo(buf, "r%u", source->relid);
			appendStringInfoString(buf, leaf->mode == TV_LEAF_LEFT ? "? " :
								   leaf->mode == TV_LEAF_ANTI ? "! " : " ");
		}
		appendStringInfoString(buf, "| ");
	}
}

/*
 * Two state tables with one signature have the same columns with the same
 * meaning, and the same indexes; a state table of another signature cannot be
 * used.
 */
static char *
signature(const TvNode *node, List *sources)
{
	StringInfoData buf;
	ListCell   *lc;
	int			i = 0;

	initStringInfo(&buf);
	if (node->kind == TV_NODE_PARTITION)
		appendStringInfo(&buf, "partition%d ", node->nkeys);
	else if (node->kind == TV_NODE_RECURSIVE)
		appendStringInfoString(&buf, node->union_all ? "recursive all " : "recursive ");
	else if (node->kind == TV_NODE_LINEAR)
	{
		appendStringInfoString(&buf, "linear");
		for (int k = 0; k < node->nidentity; k++)
			appendStringInfo(&buf, ",%d", node->identity_attnos[k]);
		appendStringInfoChar(&buf, ' ');
	}
	foreach(lc, node->orders)
	{
		TvStateOrder *order = lfirst(lc);

		appendStringInfoString(&buf, "order");
		for (int k = 0; k < order->natts; k++)
			appendStringInfo(&buf, ",%d%s%s", order->attnos[k],
							 order->descending[k] ? "d" : "", order->nulls_first[k] ? "n" : "");
		appendStringInfoChar(&buf, ' ');
	}
	append_branches(&buf, node, sources);
	foreach(lc, node->state_columns)
	{
		ColumnDef  *def = lfirst_node(ColumnDef, lc);
		TvStateColumn *col = &node->state_roles[i++];

		appendStringInfo(&buf, "%d.%d:%u.%d.%u ", col->role, col->index,
						 def->typeName->typeOid, def->typeName->typemod, def->collOid);
	}
	i = 0;
	foreach(lc, node->accs)
	{
		TvAcc	   *acc = lfirst(lc);
		ListCell   *la;

		appendStringInfo(&buf, "acc%d=%d", i++, acc->kind);
		foreach(la, acc->args)
			appendStringInfo(&buf, ",%d", lfirst_int(la));
		appendStringInfo(&buf, "@%d.%d ", acc->store, acc->attno);
	}
	foreach(lc, node->probes)
	{
		ListCell   *lp;

		appendStringInfoString(&buf, "by");
		foreach(lp, lfirst(lc))
			appendStringInfo(&buf, ".%d", lfirst_int(lp));
		appendStringInfoChar(&buf, ' ');
	}
	foreach(lc, node->long_probes)
		appendStringInfo(&buf, "long.%d ", lfirst_int(lc));
	return buf.data;
}
