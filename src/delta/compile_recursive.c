/*-------------------------------------------------------------------------
 *
 * delta/compile_recursive.c
 *	  WITH RECURSIVE: a node that reads itself.
 *
 *		R = A UNION [ALL] T(R)
 *
 * The node's branches are those of A and of T.  A branch of T has one leaf that
 * reads the node's own state table, and is linear in it, so that T(R + D) =
 * T(R) + T(D): what a row of R leads to does not depend on the others.  An
 * operator over the CTE inside of T, which would look at the rows of one
 * iteration together, is refused.
 *
 * UNION is the least set that has A and, with each row, what T makes of it, in
 * whatever order it is found.  UNION ALL keeps each row as often as there are
 * ways to it, and these are told apart by their length: its rows have the
 * number of the iteration as an additional, last column.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "delta/compile_internal.h"
#include "delta/derive_internal.h"
#include "delta/type_image.h"

/* A source that is not numbered yet has a number below this. */
#define TV_UNNUMBERED_NODE (-2)

/* Columns of a key, at most; more rarely differ in the last ones only. */
#define TV_MAX_RECURSIVE_KEY 8

static bool check_clauses(TvCompiler *c, const TvCte *entry);
static TvNode *make_node(TvCompiler *c, const CommonTableExpr *cte, const SetOperationStmt *op);
static bool check_columns(TvCompiler *c, const CommonTableExpr *cte, const TvNode *node);
static bool check_recursion(TvCompiler *c, const CommonTableExpr *cte, const TvNode *node,
							List *right, int first);
static int	own_leaf(const TvNode *node, const TvBranch *branch, int *count);
static void number_iterations(const TvNode *node, List *left, List *right);
static void find_images(TvNode *node);
static void find_key(TvNode *node);
static bool terms_may_fail(const TvNode *node, List *branches);

List *
tv_compile_recursive(TvCompiler *c, TvCte *entry)
{
	CommonTableExpr *cte = entry->cte;
	Query	   *query = castNode(Query, cte->ctequery);
	int			first = list_length(c->nodes);
	TvNode	   *node;
	TvSource   *self;
	List	   *left;
	List	   *right;
	List	   *branches;
	TvBranch   *branch;

	if (!check_clauses(c, entry))
		return NIL;
	node = make_node(c, cte, castNode(SetOperationStmt, query->setOperations));
	if (!check_columns(c, cte, node))
		return NIL;
	entry->recursive = node;
	if (!tv_flatten_sides(c, query, &left, &right) ||
		!check_recursion(c, cte, node, right, first))
		return NIL;

	if (node->union_all)
		number_iterations(node, left, right);
	else
	{
		find_images(node);
		find_key(node);
	}
	node->may_fail = terms_may_fail(node, right);
	node->branches = list_concat(left, right);
	node->in_desc = CreateTupleDescCopy(node->out_desc);
	self = list_nth(c->sources, node->self);
	tv_compile_put_node(c, node);
	self->node = node->id;
	tv_compile_sources_of(c, node);
	/* what it changes itself is no change for it */
	node->sources = bms_del_member(node->sources, node->self);
	if (c->refusal)
		return NIL;

	branches = tv_flatten_read_node(c, node);
	branch = linitial(branches);
	branch->exprs = list_truncate(branch->exprs, list_length(cte->ctecoltypes));
	return branches;
}

List *
tv_compile_read_recursion(TvCompiler *c, const TvCte *entry)
{
	List	   *branches = tv_flatten_read_node(c, entry->recursive);
	TvBranch   *branch = linitial(branches);

	branch->exprs = list_truncate(branch->exprs, list_length(entry->cte->ctecoltypes));
	return branches;
}

static bool
check_clauses(TvCompiler *c, const TvCte *entry)
{
	CommonTableExpr *cte = entry->cte;

	if (cte->search_clause || cte->cycle_clause)
	{
		tv_compile_no_rule(c, cte->location,
						   cte->cycle_clause ? "a CYCLE clause" : "a SEARCH clause",
						   "The rows of the recursion are stored, and a table cannot have the column of type record that the clause adds.",
						   "Write the path as an array: ARRAY[id] at first, path || id then, and id <> ALL (path) against cycles.");
		return false;
	}
	if (tv_correlate_is(cte->ctequery))
	{
		tv_compile_no_rule(c, cte->location,
						   "WITH RECURSIVE that refers to columns of an outer query",
						   "No maintenance rule exists for it.",
						   "Let the recursion carry the column from its first rows on, and compare it outside.");
		return false;
	}
	return true;
}

/* The columns of the CTE; it gets its number after the nodes that it reads. */
static TvNode *
make_node(TvCompiler *c, const CommonTableExpr *cte, const SetOperationStmt *op)
{
	TvNode	   *node = tv_compile_make_node(TV_NODE_RECURSIVE, false);
	int			natts = list_length(op->colTypes);
	ListCell   *lc;

	node->union_all = op->all;
	node->union_clauses = copyObject(op->groupClauses);
	node->identity = TV_IDENTITY_BAG;
	node->out_desc = CreateTemplateTupleDesc(natts + (op->all ? 1 : 0));
	foreach(lc, op->colTypes)
	{
		int			i = foreach_current_index(lc);

		TupleDescInitEntry(node->out_desc, i + 1, strVal(list_nth(cte->ctecolnames, i)),
						   lfirst_oid(lc), list_nth_int(op->colTypmods, i), 0);
		TupleDescInitEntryCollation(node->out_desc, i + 1, list_nth_oid(op->colCollations, i));
	}
	if (op->all)
		TupleDescInitEntry(node->out_desc, natts + 1, "iteration", INT8OID, -1, 0);
	node->ndelta = node->out_desc->natts;
	node->id = TV_UNNUMBERED_NODE - list_length(c->sources);
	node->self = tv_compile_source(c, TV_SOURCE_NODE, InvalidOid, node->id);
	return node;
}

/* The rows are stored. */
static bool
check_columns(TvCompiler *c, const CommonTableExpr *cte, const TvNode *node)
{
	for (int i = 0; i < node->out_desc->natts; i++)
	{
		Oid			type = TupleDescAttr(node->out_desc, i)->atttypid;

		if (get_typtype(type) != TYPTYPE_PSEUDO)
			continue;
		tv_compile_no_rule(c, cte->location, psprintf("WITH RECURSIVE with a column of type %s",
													  format_type_be(type)),
						   "The rows are stored, and a table cannot have such a column.",
						   "Use an array of a type that a table can have.");
		return false;
	}
	return true;
}

/* Is the recursive term linear in the CTE?  first: nodes were made from there on. */
static bool
check_recursion(TvCompiler *c, const CommonTableExpr *cte, const TvNode *node,
				List *right, int first)
{
	ListCell   *lc;
	ListCell   *lb;
	int			count;

	for_each_from(lc, c->nodes, first)
	{
		foreach(lb, ((TvNode *) lfirst(lc))->branches)
		{
			(void) own_leaf(node, lfirst(lb), &count);
			if (count == 0)
				continue;
			tv_compile_no_rule(c, cte->location,
							   "an aggregate, window function, DISTINCT, LIMIT, set operation, or subquery that refers to it without an equality, over the recursive CTE in its own query",
							   "It would look at the rows of each iteration together, and these are not kept.",
							   "Apply it to the CTE outside of the recursion, or let the subquery refer to it by equality.");
			return false;
		}
	}
	foreach(lb, right)
	{
		int			leaf = own_leaf(node, lfirst(lb), &count);

		if (count == 1 && ((TvLeaf *) list_nth(((TvBranch *) lfirst(lb))->leaves, leaf))->mode == TV_LEAF_INNER)
			continue;
		if (count == 0 && !node->union_all)
			continue;
		if (count == 0)
			tv_compile_refuse(c, cte->location, "%s is not supported in a maintained view",
							  "a part of a recursive term that does not read the CTE",
							  "It gives its rows in each iteration, so that the recursion ends only if it has none.",
							  "Put it before UNION ALL.");
		else
			tv_compile_no_rule(c, cte->location, "a recursive term that needs the CTE more than once",
							   "No maintenance rule exists for it.",
							   "Read it in a plain join.");
		return false;
	}
	return true;
}

/* The leaf that reads the node itself, the first of them; *count: how many. */
static int
own_leaf(const TvNode *node, const TvBranch *branch, int *count)
{
	int			result = -1;
	ListCell   *lc;

	*count = 0;
	foreach(lc, branch->leaves)
	{
		if (((TvLeaf *) lfirst(lc))->source != node->self)
			continue;
		if ((*count)++ == 0)
			result = foreach_current_index(lc);
	}
	return result;
}

/* iteration: 0 at first, then that of the row of the CTE, plus 1 */
static void
number_iterations(const TvNode *node, List *left, List *right)
{
	ListCell   *lc;
	int			count;

	foreach(lc, left)
	{
		TvBranch   *branch = lfirst(lc);

		branch->exprs = lappend(list_copy(branch->exprs), tv_query_int8(0));
	}
	foreach(lc, right)
	{
		TvBranch   *branch = lfirst(lc);
		int			leaf = own_leaf(node, branch, &count);
		Var		   *before = makeVar(leaf + 1, node->out_desc->natts, INT8OID, -1, InvalidOid, 0);
		Expr	   *number = (Expr *) makeFuncExpr(F_INT8PL, INT8OID,
												   list_make2(before, tv_query_int8(1)),
												   InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);

		branch->exprs = lappend(list_copy(branch->exprs), number);
	}
}

/*
 * UNION takes rows as equal by the types' equality.  Where equal values can
 * look different, which of them is kept, and what follows from it, depends on
 * the order in which they come.
 */
static void
find_images(TvNode *node)
{
	for (int i = 0; i < node->out_desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(node->out_desc, i);

		if (tv_type_one_image(att->atttypid, att->atttypmod, att->attcollation))
			continue;
		node->recompute = true;
		node->recompute_why = format_type_be(att->atttypid);
		node->ties |= !tv_type_one_text(att->atttypid, att->atttypmod, att->attcollation);
	}
}

/*
 * The rows of a UNION differ: all columns together are their key, if values that
 * are equal are so byte by byte, and are sure to fit an index.
 */
static void
find_key(TvNode *node)
{
	int			natts = node->out_desc->natts;
	int			length = 0;

	if (node->recompute)
		return;
	for (int i = 0; i < natts; i++)
	{
		int16		typlen = TupleDescAttr(node->out_desc, i)->attlen;

		if (typlen <= 0)
			return;
		length += typlen;
	}
	if (natts > TV_MAX_RECURSIVE_KEY || length > TV_MAX_RECURSIVE_KEY * NAMEDATALEN)
		return;
	node->identity = TV_IDENTITY_KEY;
	node->nidentity = natts;
	node->identity_attnos = palloc(sizeof(AttrNumber) * natts);
	for (int i = 0; i < natts; i++)
		node->identity_attnos[i] = i + 1;
}

/* ------------------------------------------------------------------------
 * Errors
 * ------------------------------------------------------------------------
 */

/* a + 1, a - 1 for integers: fails at the end of the type's range only. */
static bool
is_count(Oid function, const List *args)
{
	switch (function)
	{
		case F_INT2PL:
		case F_INT4PL:
		case F_INT8PL:
		case F_INT42PL:
		case F_INT24PL:
		case F_INT84PL:
		case F_INT48PL:
		case F_INT2MI:
		case F_INT4MI:
		case F_INT8MI:
		case F_INT84MI:
			return IsA(linitial(args), Const) || IsA(lsecond(args), Const);
		default:
			return false;
	}
}

static bool
function_may_fail(Oid function, const List *args)
{
	switch (function)
	{
		case F_ARRAY_APPEND:
		case F_ARRAY_PREPEND:
		case F_ARRAY_CAT:
		case F_TEXTCAT:
		case F_TEXTANYCAT:
		case F_ANYTEXTCAT:
			/* they fail beyond 10^131072 only */
		case F_NUMERIC_ADD:
		case F_NUMERIC_SUB:
		case F_NUMERIC_MUL:
			return false;
		default:
			return !tv_cast_is_safe(function) && !is_count(function, args);
	}
}

static bool
may_fail_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	switch (nodeTag(node))
	{
		case T_Var:
		case T_Const:
		case T_RelabelType:
		case T_NullTest:
		case T_BooleanTest:
		case T_BoolExpr:
		case T_CaseExpr:
		case T_CaseWhen:
		case T_CoalesceExpr:
		case T_ArrayExpr:
		case T_List:
			break;
		case T_FuncExpr:
			if (function_may_fail(((FuncExpr *) node)->funcid, ((FuncExpr *) node)->args))
				return true;
			break;
		case T_OpExpr:
		case T_DistinctExpr:
		case T_ScalarArrayOpExpr:
			{
				/* comparisons of the server's own types do not fail */
				Oid			operator = IsA(node, ScalarArrayOpExpr) ?
				((ScalarArrayOpExpr *) node)->opno : ((OpExpr *) node)->opno;

				if ((operator >= FirstGenbkiObjectId ||
					 get_op_index_interpretation(operator) == NIL) &&
					(IsA(node, ScalarArrayOpExpr) ||
					 function_may_fail(get_opcode(operator), ((OpExpr *) node)->args)))
					return true;
				break;
			}
		default:
			return true;
	}
	return expression_tree_walker(node, may_fail_walker, context);
}

/*
 * Could the recursive terms fail on a row of the CTE with others that it never
 * met?  What looks at one leaf alone sees its rows anyway.
 */
static bool
terms_may_fail(const TvNode *node, List *branches)
{
	ListCell   *lb;
	ListCell   *lc;

	foreach(lb, branches)
	{
		TvBranch   *branch = lfirst(lb);

		if (may_fail_walker((Node *) branch->exprs, NULL))
			return true;
		foreach(lc, tv_branch_quals(branch))
			if (bms_membership(pull_varnos(NULL, lfirst(lc))) == BMS_MULTIPLE &&
				may_fail_walker(lfirst(lc), NULL))
			return true;
		foreach(lc, branch->leaves)
			if (may_fail_walker((Node *) tv_leaf_exprs(((TvLeaf *) lfirst(lc))->rte), NULL))
			return true;
	}
	return false;
}
