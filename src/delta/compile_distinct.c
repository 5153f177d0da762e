/*-------------------------------------------------------------------------
 *
 * delta/compile_distinct.c
 *	  Make a node that has nothing but keys: DISTINCT.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_oper.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "delta/compile_internal.h"

TvNode *
tv_compile_distinct(TvCompiler *c, List *branches, TupleDesc desc, List *clauses, bool top)
{
	TvNode	   *node = tv_compile_add_node(c, TV_NODE_GROUP, top);
	ListCell   *lc;
	int			i = 0;

	node->distinct = true;
	node->nkeys = desc->natts;
	node->keys = palloc0(sizeof(TvKey) * (node->nkeys + 1));
	foreach(lc, clauses)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		node->keys[i].clause = copyObject(lfirst_node(SortGroupClause, lc));
		node->keys[i].type = att->atttypid;
		node->keys[i].typmod = att->atttypmod;
		node->keys[i].collation = att->attcollation;
		node->out_exprs = lappend(node->out_exprs,
								  makeVar(1, i + 1, att->atttypid, att->atttypmod,
										  att->attcollation, 0));
		i++;
	}
	if (!tv_compile_check_keys(c, node))
		return node;
	tv_compile_count_rows(node);
	node->branches = branches;
	node->in_desc = CreateTupleDescCopy(desc);
	node->out_desc = CreateTupleDescCopy(desc);
	if (!top)
		tv_compile_identify_by_keys(node);
	tv_compile_sources_of(c, node);
	return node;
}

bool
tv_compile_sort_clause(TvCompiler *c, Oid type, SortGroupClause **clause)
{
	*clause = makeNode(SortGroupClause);
	get_sort_group_operators(type, false, false, false,
							 &(*clause)->sortop, &(*clause)->eqop, NULL, &(*clause)->hashable);
	if (OidIsValid((*clause)->sortop))
		return true;
	tv_compile_no_rule(c, -1, psprintf("a subquery that depends on a column of type %s",
									   format_type_be(type)),
					   "Its rows are grouped by that column, and the type has no order.",
					   "Cast the column to a type with an order, such as text.");
	return false;
}

TvNode *
tv_compile_distinct_of(TvCompiler *c, List *branches)
{
	List	   *exprs = ((TvBranch *) linitial(branches))->exprs;
	List	   *clauses = NIL;
	ListCell   *lc;

	foreach(lc, exprs)
	{
		SortGroupClause *clause;

		if (!tv_compile_sort_clause(c, exprType(lfirst(lc)), &clause))
			return NULL;
		clauses = lappend(clauses, clause);
	}
	return tv_compile_distinct(c, branches, tv_compile_desc(exprs, NIL), clauses, false);
}

void
tv_compile_identify_by_keys(TvNode *node)
{
	node->identity = node->nkeys > 0 ? TV_IDENTITY_KEY : TV_IDENTITY_SINGLE;
	node->nidentity = node->nkeys;
	node->identity_attnos = palloc(sizeof(AttrNumber) * (node->nkeys + 1));
	for (int i = 0; i < node->nkeys; i++)
		node->identity_attnos[i] = i + 1;
}

/* Keys are found and locked in order, by a btree index. */
bool
tv_compile_check_keys(TvCompiler *c, TvNode *node)
{
	for (int i = 0; i < node->nkeys; i++)
	{
		SortGroupClause *clause = node->keys[i].clause;
		Oid			lt = InvalidOid;
		Oid			eq = InvalidOid;
		bool		hashable;

		if (get_typtype(node->keys[i].type) == TYPTYPE_PSEUDO)
		{
			tv_compile_no_rule(c, -1,
							   psprintf("%s a column of type %s",
										node->kind == TV_NODE_GROUP ? "grouping by" : "a window over",
										format_type_be(node->keys[i].type)),
							   "Its keys are stored, and values of this type cannot be.",
							   "Name its columns.");
			return false;
		}
		if (!OidIsValid(clause->sortop))
		{
			get_sort_group_operators(node->keys[i].type, false, false, false,
									 &lt, &eq, NULL, &hashable);
			clause->sortop = lt;
		}
		if (!OidIsValid(clause->sortop))
		{
			tv_compile_no_rule(c, -1, psprintf("grouping by a column of type %s",
											   format_type_be(node->keys[i].type)),
							   "Groups are found by a btree index, and the type has no order.",
							   "Cast the column to a type with an order, such as text.");
			return false;
		}
	}
	return true;
}
