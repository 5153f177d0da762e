/*-------------------------------------------------------------------------
 *
 * delta/compile_partition.c
 *	  Make PARTITION nodes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "catalog/pg_am.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "delta/compile_partition.h"

static List *permuted(List *branches, List *first, int **moved_to);

TvNode *
tv_partition_make(TvCompiler *c, List *branches, List *keys, List *clauses, List *next,
				  int **moved_to)
{
	TvNode	   *node = tv_compile_add_node(c, TV_NODE_PARTITION, false);
	TvBranch   *first;
	ListCell   *lc;

	node->recompute = true;
	node->branches = permuted(branches, list_concat_unique_int(list_copy(keys), next), moved_to);
	first = linitial(node->branches);
	node->in_desc = tv_compile_desc(first->exprs, NIL);
	node->out_desc = CreateTupleDescCopy(node->in_desc);
	node->nkeys = list_length(keys);
	node->keys = palloc0(sizeof(TvKey) * (node->nkeys + 1));
	foreach(lc, clauses)
	{
		int			i = foreach_current_index(lc);
		Form_pg_attribute att = TupleDescAttr(node->in_desc, i);

		node->keys[i].clause = copyObject(lfirst_node(SortGroupClause, lc));
		node->keys[i].type = att->atttypid;
		node->keys[i].typmod = att->atttypmod;
		node->keys[i].collation = att->attcollation;
	}
	if (tv_compile_check_keys(c, node) && tv_partition_check_types(c, node))
		tv_compile_sources_of(c, node);
	return node;
}

/* The rows are stored. */
bool
tv_partition_check_types(TvCompiler *c, const TvNode *node)
{
	for (int i = 0; i < node->in_desc->natts; i++)
	{
		Oid			type = TupleDescAttr(node->in_desc, i)->atttypid;

		if (get_typtype(type) == TYPTYPE_PSEUDO)
		{
			tv_compile_no_rule(c, exprLocation(list_nth(((TvBranch *) linitial(node->branches))->exprs, i)),
							   psprintf("a window, DISTINCT ON or LIMIT over a column of type %s",
										format_type_be(type)),
							   "The rows are stored, and a table cannot have such a column.",
							   "Name the columns of the row one by one.");
			return false;
		}
	}
	return true;
}

/* The branches with some columns in front. */
static List *
permuted(List *branches, List *first, int **moved_to)
{
	int			natts = list_length(((TvBranch *) linitial(branches))->exprs);
	List	   *order = list_copy(first);	/* old positions, in the new order */
	List	   *result = NIL;
	ListCell   *lc;

	for (int i = 1; i <= natts; i++)
		order = list_append_unique_int(order, i);
	*moved_to = palloc0(sizeof(int) * (natts + 1));
	foreach(lc, order)
		(*moved_to)[lfirst_int(lc)] = foreach_current_index(lc) + 1;
	foreach(lc, branches)
	{
		TvBranch   *branch = palloc(sizeof(TvBranch));
		List	   *exprs = NIL;
		ListCell   *lo;

		*branch = *(TvBranch *) lfirst(lc);
		foreach(lo, order)
			exprs = lappend(exprs, list_nth(branch->exprs, lfirst_int(lo) - 1));
		branch->exprs = exprs;
		result = lappend(result, branch);
	}
	return result;
}

/*
 * Rows that the order does not tell apart are ordered by their image, unless a
 * key of the input among the partition's and the order's columns does.
 */
static bool
order_decides(const TvNode *node, const List *order)
{
	List	   *decided = NIL;
	ListCell   *lc;

	if (node->identity != TV_IDENTITY_KEY)
		return false;
	for (int i = 1; i <= node->nkeys; i++)
		decided = lappend_int(decided, i);
	foreach(lc, order)
		decided = lappend_int(decided, lfirst_node(SortGroupClause, lc)->tleSortGroupRef);
	for (int i = 0; i < node->nidentity; i++)
		if (!list_member_int(decided, node->identity_attnos[i]))
			return false;
	return true;
}

bool
tv_partition_default_order(const SortGroupClause *clause, Oid type, bool *descending)
{
	Oid			opclass = GetDefaultOpClass(type, BTREE_AM_OID);
	int			strategy;

	if (!OidIsValid(opclass))
		return false;
	strategy = get_op_opfamily_strategy(clause->sortop, get_opclass_family(opclass));
	*descending = strategy == BTGreaterStrategyNumber;
	return *descending || strategy == BTLessStrategyNumber;
}

void
tv_partition_finish(TvNode *node)
{
	ListCell   *lc;

	foreach(lc, node->levels)
	{
		TvWindowLevel *level = lfirst(lc);
		WindowClause *clause = linitial_node(WindowClause, level->clauses);

		level->tiebreak = level->sensitive && !order_decides(node, clause->orderClause);
	}
	tv_suffix_finish(node);
	if (node->top_rows)
		tv_top_rows_finish(node, order_decides(node, node->top_rows->order));
}
