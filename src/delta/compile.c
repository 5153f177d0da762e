/*-------------------------------------------------------------------------
 *
 * delta/compile.c
 *	  Compile a definition to a graph of maintained nodes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "delta/compile_internal.h"

static TvGraph *compile(const Query *definition, List *colnames, Oid owner, TvRefusal **refusal);
static void compile_nodes(TvCompiler *c, Query *query);
static void leave_out_empty(TvCompiler *c, const Query *definition);
static TvNode *compile_top_linear(TvCompiler *c, List *branches, Query *query);

/*
 * Constant expressions are computed, so user code may run.  After an error the
 * server itself becomes who it was before the transaction or subtransaction.
 */
TvGraph *
tv_graph_compile(const Query *definition, List *colnames, Oid owner, TvRefusal **refusal)
{
	TvGraph    *graph;
	Oid			userid;
	int			sec_context;

	GetUserIdAndSecContext(&userid, &sec_context);
	SetUserIdAndSecContext(owner, sec_context | SECURITY_RESTRICTED_OPERATION |
						   SECURITY_LOCAL_USERID_CHANGE);
	graph = compile(definition, colnames, owner, refusal);
	SetUserIdAndSecContext(userid, sec_context);
	return graph;
}

static TvGraph *
compile(const Query *definition, List *colnames, Oid owner, TvRefusal **refusal)
{
	TvCompiler	compiler = {0};
	TvCompiler *c = &compiler;
	TvGraph    *graph;
	TvNode	   *top;
	ListCell   *lc;
	int			i = 0;

	*refusal = NULL;
	c->owner = owner;

	compile_nodes(c, copyObject(unconstify(Query *, definition)));
	if (c->refusal && c->refusal->no_rule)
	{
		TvCompiler	whole = {.owner = owner};

		if (tv_compile_whole(&whole, definition, c->refusal->no_rule))
			*c = whole;
		else if (whole.refusal)
			c->refusal = whole.refusal;
		else
			c->refusal->why = psprintf("%s The query cannot be computed anew as a whole either, for the order of rows may leave it several right answers.",
									   c->refusal->why);
	}
	if (c->refusal)
	{
		*refusal = c->refusal;
		return NULL;
	}
	if (c->has_empty)
		leave_out_empty(c, definition);

	graph = palloc0(sizeof(TvGraph));
	graph->nnodes = list_length(c->nodes);
	graph->nodes = palloc(sizeof(TvNode *) * graph->nnodes);
	foreach(lc, c->nodes)
		graph->nodes[i++] = lfirst(lc);
	graph->nsources = list_length(c->sources);
	graph->sources = palloc(sizeof(TvSource *) * (graph->nsources + 1));
	i = 0;
	foreach(lc, c->sources)
		graph->sources[i++] = lfirst(lc);
	graph->relids = c->relids;
	graph->whole_rows = c->whole_rows;
	graph->uses_settings = c->uses_settings;
	graph->user_code = c->user_code;
	graph->checks_words = c->checks_words;
	graph->leaves_out = c->drop_empty;
	graph->functions = c->functions;
	graph->operators = c->operators;

	top = graph->nodes[graph->nnodes - 1];
	if (colnames)
	{
		i = 0;
		foreach(lc, colnames)
		{
			if (i < top->out_desc->natts)
				namestrcpy(&TupleDescAttr(top->out_desc, i)->attname, strVal(lfirst(lc)));
			i++;
		}
	}
	tv_probes_assign(graph);
	for (i = 0; i < graph->nnodes; i++)
	{
		TvNode	   *node = graph->nodes[i];

		if (node->kind == TV_NODE_LINEAR || node->kind == TV_NODE_PARTITION)
			tv_keys_infer(c, node);
		if (node->kind == TV_NODE_PARTITION)
			tv_partition_finish(node);
		node->ndelta = Max(node->ndelta, node->nkeys);
		tv_stores_assign(node, c->sources);
	}
	tv_edges_assign(graph);
	return graph;
}

/* Are there subqueries in expressions of each other, more than so many? */
static bool
nests_sublinks(Node *node, void *context)
{
	int			left = *(int *) context;

	if (node == NULL)
		return false;
	check_stack_depth();
	if (IsA(node, SubLink))
	{
		left--;
		return left < 0 || expression_tree_walker(node, nests_sublinks, &left);
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, nests_sublinks, context, 0);
	return expression_tree_walker(node, nests_sublinks, context);
}

static void
compile_nodes(TvCompiler *c, Query *query)
{
	List	   *branches;
	TvNode	   *last;
	int			nsublinks = TV_MAX_SUBLINKS;

	if (nests_sublinks((Node *) query, &nsublinks))
	{
		tv_compile_no_rule(c, -1, psprintf("an expression with more than %d subqueries in each other", TV_MAX_SUBLINKS),
						   "Each is compiled with all that are in it.",
						   "Make a part of them a maintained view of its own.");
		return;
	}
	tv_call_args_expand((Node *) query);
	tv_clock_casts_wrap(c, (Node *) query);
	tv_whole_row_expand(c, query);
	tv_prune_query(query);
	tv_empty_levels(c, query);

	/* a stored order means nothing */
	branches = tv_flatten_query(c, query, true, NULL, NIL);
	if (c->refusal)
		return;
	last = c->nodes ? llast(c->nodes) : NULL;
	if (last == NULL || !last->top)
		compile_top_linear(c, branches, query);
}

/*
 * Compile once more, without what is beneath LIMIT 0.  The sources that no node reads
 * any more remain the view's: it depends on them, and on the right to read them.
 */
static void
leave_out_empty(TvCompiler *c, const Query *definition)
{
	TvCompiler	rest = {.owner = c->owner,.drop_empty = true};
	ListCell   *lc;

	compile_nodes(&rest, copyObject(unconstify(Query *, definition)));
	if (rest.refusal)
		return;
	foreach(lc, c->sources)
	{
		TvSource   *source = lfirst(lc);

		if (source->kind == TV_SOURCE_NODE)
			continue;
		rest.check_as = source->check_as;
		(void) tv_compile_source(&rest, source->kind, source->relid, -1);
	}
	c->nodes = rest.nodes;
	c->sources = rest.sources;
	c->drop_empty = true;
}

/* The definition's last operator is linear. */
static TvNode *
compile_top_linear(TvCompiler *c, List *branches, Query *query)
{
	TvNode	   *node = tv_compile_add_node(c, TV_NODE_LINEAR, true);
	List	   *names = NIL;
	ListCell   *lc;

	foreach(lc, query->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, lc);

		if (!tle->resjunk)
			names = lappend(names, makeString(tle->resname ? tle->resname : "?column?"));
	}
	node->branches = branches;
	node->in_desc = tv_compile_desc(((TvBranch *) linitial(branches))->exprs, names);
	node->out_desc = CreateTupleDescCopy(node->in_desc);
	tv_compile_sources_of(c, node);
	return node;
}

void
tv_compile_refuse(TvCompiler *c, int location, const char *what,
				  const char *arg, const char *why, const char *hint)
{
	if (c->refusal == NULL)
		c->refusal = tv_refusal_make(ERRCODE_FEATURE_NOT_SUPPORTED, location,
									 what, arg, why, hint);
}

void
tv_compile_no_rule(TvCompiler *c, int location, const char *construct,
				   const char *why, const char *hint)
{
	if (c->refusal)
		return;
	tv_compile_refuse(c, location, "%s is not supported in a maintained view", construct, why, hint);
	c->refusal->no_rule = construct;
}

int
tv_compile_source(TvCompiler *c, TvSourceKind kind, Oid relid, int node)
{
	TvSource   *source;
	ListCell   *lc;
	int			i = 0;

	foreach(lc, c->sources)
	{
		source = lfirst(lc);
		if (source->kind == kind && source->relid == relid && source->node == node)
			return i;
		i++;
	}
	source = palloc0(sizeof(TvSource));
	source->kind = kind;
	source->relid = relid;
	source->node = node;
	source->check_as = OidIsValid(c->check_as) ? c->check_as : c->owner;
	c->sources = lappend(c->sources, source);
	return i;
}

TvNode *
tv_compile_make_node(TvNodeKind kind, bool top)
{
	TvNode	   *node = palloc0(sizeof(TvNode));

	node->kind = kind;
	node->top = top;
	node->rows_acc = -1;
	return node;
}

void
tv_compile_put_node(TvCompiler *c, TvNode *node)
{
	node->id = list_length(c->nodes);
	c->nodes = lappend(c->nodes, node);
}

TvNode *
tv_compile_add_node(TvCompiler *c, TvNodeKind kind, bool top)
{
	TvNode	   *node = tv_compile_make_node(kind, top);

	tv_compile_put_node(c, node);
	return node;
}

TupleDesc
tv_compile_desc(List *exprs, List *names)
{
	TupleDesc	desc = CreateTemplateTupleDesc(list_length(exprs));
	ListCell   *lc;
	int			i = 0;

	foreach(lc, exprs)
	{
		Node	   *expr = lfirst(lc);
		Oid			type = exprType(expr);

		/* a literal without a type is text, as in CREATE TABLE AS */
		if (type == UNKNOWNOID)
			type = TEXTOID;
		i++;
		TupleDescInitEntry(desc, i,
						   names ? strVal(list_nth(names, i - 1)) : psprintf("c%d", i),
						   type, exprTypmod(expr), 0);
		TupleDescInitEntryCollation(desc, i, exprCollation(expr));
	}
	return desc;
}

/* Note the columns that expressions over the leaves of a branch read. */
static void
note_columns(TvCompiler *c, TvNode *node, TvBranch *branch, Node *exprs)
{
	List	   *vars = pull_var_clause(exprs, PVC_RECURSE_AGGREGATES);
	ListCell   *lc;

	if (checkExprHasSubLink(exprs))
		tv_compile_no_rule(c, -1, "a subquery in this place",
						   "No maintenance rule exists for it.",
						   "Put it into FROM, WHERE, HAVING or the output list.");

	foreach(lc, vars)
	{
		Var		   *var = lfirst_node(Var, lc);
		TvLeaf	   *leaf = list_nth(branch->leaves, var->varno - 1);

		if (leaf->source >= 0)
		{
			TvSource   *source = list_nth(c->sources, leaf->source);

			source->columns = bms_add_member(source->columns, TV_COLUMN_OF_ATTNO(var->varattno));
		}
	}
}

void
tv_compile_sources_of(TvCompiler *c, TvNode *node)
{
	ListCell   *lb;

	foreach(lb, node->branches)
	{
		TvBranch   *branch = lfirst(lb);
		int		   *reads = palloc0(sizeof(int) * (list_length(c->sources) + 1));
		ListCell   *ll;

		note_columns(c, node, branch, (Node *) branch->exprs);
		note_columns(c, node, branch, (Node *) branch->quals);
		foreach(ll, branch->leaves)
		{
			TvLeaf	   *leaf = lfirst(ll);

			note_columns(c, node, branch, (Node *) tv_leaf_exprs(leaf->rte));
			note_columns(c, node, branch, (Node *) leaf->quals);
			node->has_presence |= leaf->mode != TV_LEAF_INNER;
			if (leaf->source < 0)
				continue;
			node->sources = bms_add_member(node->sources, leaf->source);
			if (++reads[leaf->source] > TV_MAX_READS)
				tv_compile_no_rule(c, -1, psprintf("a join that reads one table or subquery more than %d times",
												   TV_MAX_READS),
								   "A change of it is joined with all of the others, each time it is read.",
								   "Join a part of them in a maintained view of its own.");
		}
		pfree(reads);
	}
}

const char *
tv_graph_strategy(const TvNode *node)
{
	if (node->kind == TV_NODE_LINEAR)
		return "delta";
	if (node->kind == TV_NODE_RECURSIVE && !node->recompute)
		return node->union_all ? "recursion by iterations" : "recursion, lost rows derived again";
	if (node->top_rows)
		return node->nkeys > 0 ? "first rows of touched partitions" : "first rows";
	if (node->suffix && node->suffix->bounded)
		return node->nkeys > 0 ? "recompute touched partitions around the change" :
			"recompute around the change";
	if (node->suffix)
		return node->nkeys > 0 ? "recompute touched partitions from the first change on" :
			"recompute from the first change on";
	if (node->kind == TV_NODE_PARTITION && node->nkeys > 0)
		return "recompute touched partitions";
	if (node->distinct)
		return "distinct by counts";
	if (node->set_operation)
		return "set operation by counts";
	if (node->recompute)
		return node->nkeys > 0 ? "recompute touched groups" : "recompute";
	return "group by accumulators";
}

const char *
tv_graph_full_recompute(const TvGraph *graph)
{
	for (int i = 0; i < graph->nnodes; i++)
	{
		TvNode	   *node = graph->nodes[i];

		if (!node->recompute || node->nkeys > 0 || node->suffix || bms_is_empty(node->sources))
			continue;
		if (node->top_rows && node->top_rows->ordered && node->top_rows->count)
			continue;
		if (node->top_rows && node->top_rows->count)
			return "no index keeps the rows in the order of LIMIT, so that all are read when one of the first leaves";
		if (node->top_rows)
			return "OFFSET without LIMIT leaves all rows but the first, which are computed anew by every change";
		if (node->kind == TV_NODE_RECURSIVE)
			return psprintf("WITH RECURSIVE by UNION, with a column of type %s whose equal values can look different, is computed anew by every change",
							node->recompute_why);
		if (node->kind == TV_NODE_WHOLE)
			return psprintf("%s has no maintenance rule, so that the whole query is computed anew by every change",
							node->recompute_why);
		if (node->kind == TV_NODE_PARTITION)
			return "window functions without PARTITION BY are computed anew by every change";
		return psprintf("aggregate %s over all rows has no inverse, so that it is computed anew by every change",
						node->recompute_why);
	}
	return NULL;
}

bool
tv_graph_node_has_ties(const TvNode *node)
{
	ListCell   *lc;

	if (node->ties)
		return true;
	foreach(lc, node->levels)
		if (((TvWindowLevel *) lfirst(lc))->tiebreak)
		return true;
	return node->top_rows && node->top_rows->tiebreak;
}

bool
tv_graph_has_ties(const TvGraph *graph)
{
	for (int i = 0; i < graph->nnodes; i++)
		if (tv_graph_node_has_ties(graph->nodes[i]))
			return true;
	return false;
}
