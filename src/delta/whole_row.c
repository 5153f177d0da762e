/*-------------------------------------------------------------------------
 *
 * delta/whole_row.c
 *	  References to whole rows, and tableoid.
 *
 * A reference to the row of a FROM item becomes a row made of its columns, as
 * the server's rewriter does it for views; tableoid becomes a constant.  A row
 * that an outer join pads with nulls is null as a whole, though, and not a row
 * of nulls: such an item is put into a subquery with a column for the row,
 * which is padded as any other.
 *
 *		select t from s left join t on q
 *		= select t.row from s left join (select a, b, row(a, b) as row from t) t on q
 *
 * What is left as it is, for items that nothing can be said about, is refused
 * when the expression is analysed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"

#include "delta/compile_internal.h"
#include "tv_compat.h"

typedef struct TvRowContext
{
	TvCompiler *c;
	Query	   *query;
	int			depth;			/* levels between the query and the walker */
	Bitmapset  *nullable;		/* items that an outer join may pad */
	Bitmapset  *wrapped;		/* items to be put into a subquery */
} TvRowContext;

static bool find_walker(Node *node, void *context);
static bool descend_walker(Node *node, void *context);
static void find_nullable(Node *item, bool nullable, Bitmapset **result);
static Node *expand_mutator(Node *node, void *context);
static Node *expand_row(TvRowContext *r, Var *var, RangeTblEntry *rte);
static Node *expand_tableoid(TvRowContext *r, Var *var, RangeTblEntry *rte);
static bool can_wrap(const RangeTblEntry *rte);
static List *columns_of(RangeTblEntry *rte, int rti, int depth, bool dropped, List **names);
static Expr *make_row(RangeTblEntry *rte, int rti, int depth, Oid type);
static Oid	row_type(const RangeTblEntry *rte);
static void wrap(RangeTblEntry *rte);

void
tv_whole_row_expand(TvCompiler *c, Query *query)
{
	TvRowContext r = {c, query};
	ListCell   *lc;
	int			rti = -1;

	check_stack_depth();
	if (query_tree_walker(query, find_walker, &r, 0))
	{
		foreach(lc, query->jointree->fromlist)
			find_nullable(lfirst(lc), false, &r.nullable);
		(void) query_tree_mutator(query, expand_mutator, &r, QTW_DONT_COPY_QUERY);
		while ((rti = bms_next_member(r.wrapped, rti)) >= 0)
			wrap(rt_fetch(rti, query->rtable));
	}
	(void) query_tree_walker(query, descend_walker, c, 0);
}

/* Is there a whole row or tableoid of one of the query's own items? */
static bool
find_walker(Node *node, void *context)
{
	TvRowContext *r = context;

	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		Var		   *var = (Var *) node;

		return var->varlevelsup == r->depth &&
			(var->varattno == InvalidAttrNumber || var->varattno == TableOidAttributeNumber);
	}
	if (IsA(node, Query))
	{
		bool		found;

		check_stack_depth();
		r->depth++;
		found = query_tree_walker((Query *) node, find_walker, r, 0);
		r->depth--;
		return found;
	}
	return expression_tree_walker(node, find_walker, context);
}

static bool
descend_walker(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
	{
		tv_whole_row_expand(context, (Query *) node);
		return false;
	}
	return expression_tree_walker(node, descend_walker, context);
}

static void
find_nullable(Node *item, bool nullable, Bitmapset **result)
{
	JoinExpr   *join;

	check_stack_depth();
	if (IsA(item, RangeTblRef))
	{
		if (nullable)
			*result = bms_add_member(*result, ((RangeTblRef *) item)->rtindex);
		return;
	}
	join = castNode(JoinExpr, item);
	find_nullable(join->larg, nullable || join->jointype == JOIN_RIGHT ||
				  join->jointype == JOIN_FULL, result);
	find_nullable(join->rarg, nullable || join->jointype == JOIN_LEFT ||
				  join->jointype == JOIN_FULL, result);
}

static Node *
expand_mutator(Node *node, void *context)
{
	TvRowContext *r = context;

	if (node == NULL)
		return NULL;
	if (IsA(node, Var))
	{
		Var		   *var = (Var *) node;
		RangeTblEntry *rte;

		if (var->varlevelsup != r->depth || var->varattno > 0)
			return node;
		rte = rt_fetch(var->varno, r->query->rtable);
		if (var->varattno == InvalidAttrNumber)
			return expand_row(r, var, rte);
		if (var->varattno == TableOidAttributeNumber)
			return expand_tableoid(r, var, rte);
		return node;
	}
	if (IsA(node, Query))
	{
		check_stack_depth();
		r->depth++;
		(void) query_tree_mutator((Query *) node, expand_mutator, r, QTW_DONT_COPY_QUERY);
		r->depth--;
		return node;
	}
	return expression_tree_mutator(node, expand_mutator, context);
}

static Node *
expand_row(TvRowContext *r, Var *var, RangeTblEntry *rte)
{
	Var		   *result;
	List	   *names;

	/* that of a join is expanded with the other names of its columns */
	if (rte->rtekind == RTE_JOIN)
		return (Node *) var;
	if (rte->rtekind == RTE_RELATION)
		r->c->whole_rows = list_append_unique_oid(r->c->whole_rows, rte->relid);
	if (!bms_is_member(var->varno, r->nullable))
		return (Node *) make_row(rte, var->varno, r->depth, var->vartype);
	if (!can_wrap(rte))
		return (Node *) var;

	r->wrapped = bms_add_member(r->wrapped, var->varno);
	result = copyObject(var);
	result->varattno = list_length(columns_of(rte, var->varno, 0, true, &names)) + 1;
	return (Node *) result;
}

static Node *
expand_tableoid(TvRowContext *r, Var *var, RangeTblEntry *rte)
{
	Var		   *result;
	List	   *names;

	/* rows of several tables cannot be told apart here */
	if (rte->rtekind != RTE_RELATION ||
		(rte->relkind != RELKIND_RELATION && rte->relkind != RELKIND_MATVIEW) ||
		(rte->inh && has_subclass(rte->relid)))
		return (Node *) var;
	if (!bms_is_member(var->varno, r->nullable))
		return (Node *) makeConst(OIDOID, -1, InvalidOid, sizeof(Oid),
								  ObjectIdGetDatum(rte->relid), false, true);

	r->wrapped = bms_add_member(r->wrapped, var->varno);
	result = copyObject(var);
	result->varattno = list_length(columns_of(rte, var->varno, 0, true, &names)) + 2;
	return (Node *) result;
}

/* Functions and their like may refer to other items. */
static bool
can_wrap(const RangeTblEntry *rte)
{
	return rte->rtekind == RTE_RELATION || rte->rtekind == RTE_SUBQUERY ||
		rte->rtekind == RTE_CTE;
}

static List *
columns_of(RangeTblEntry *rte, int rti, int depth, bool dropped, List **names)
{
	List	   *vars;

	tv_compat_expand_rte(rte, rti, depth, dropped, names, &vars);
	return vars;
}

/* The row of an item, of the type that a reference to it has. */
static Expr *
make_row(RangeTblEntry *rte, int rti, int depth, Oid type)
{
	RowExpr    *row = makeNode(RowExpr);
	List	   *names;

	row->args = columns_of(rte, rti, depth, type != RECORDOID, &names);
	row->row_typeid = type;
	row->row_format = COERCE_IMPLICIT_CAST;
	row->colnames = type == RECORDOID ? names : NIL;
	row->location = -1;
	return (Expr *) row;
}

static Oid
row_type(const RangeTblEntry *rte)
{
	Oid			type = rte->rtekind == RTE_RELATION ? get_rel_type_id(rte->relid) : RECORDOID;

	return OidIsValid(type) ? type : RECORDOID;
}

/*
 * Put an item into a subquery: its columns with their numbers, its row, the
 * OID of its table.
 */
static void
wrap(RangeTblEntry *rte)
{
	Query	   *query = makeNode(Query);
	RangeTblEntry *inner = makeNode(RangeTblEntry);
	RangeTblRef *ref = makeNode(RangeTblRef);
	List	   *names;
	List	   *vars;
	ListCell   *lv;
	ListCell   *ln;

	*inner = *rte;
	if (inner->rtekind == RTE_CTE)
		inner->ctelevelsup++;
	else if (inner->rtekind == RTE_SUBQUERY)
		IncrementVarSublevelsUp((Node *) inner->subquery, 1, 1);
	inner->lateral = false;
	tv_compat_clear_permissions(inner);
	ref->rtindex = 1;
	query->commandType = CMD_SELECT;
	query->canSetTag = true;
	query->rtable = list_make1(inner);
	query->jointree = makeFromExpr(list_make1(ref), NULL);

	vars = columns_of(inner, 1, 0, true, &names);
	vars = lappend(vars, make_row(inner, 1, 0, row_type(inner)));
	names = lappend(names, makeString("row"));
	vars = lappend(vars, makeConst(OIDOID, -1, InvalidOid, sizeof(Oid),
								   ObjectIdGetDatum(inner->relid), false, true));
	names = lappend(names, makeString("tableoid"));
	forboth(lv, vars, ln, names)
		query->targetList = lappend(query->targetList,
									makeTargetEntry(lfirst(lv), list_length(query->targetList) + 1,
													strVal(lfirst(ln)), false));

	memset((char *) rte + sizeof(NodeTag), 0, sizeof(RangeTblEntry) - sizeof(NodeTag));
	rte->rtekind = RTE_SUBQUERY;
	rte->subquery = query;
	rte->lateral = inner->rtekind == RTE_SUBQUERY && contain_vars_of_level((Node *) query, 1);
	rte->alias = inner->alias;
	rte->eref = makeAlias(inner->eref->aliasname, names);
	rte->inFromCl = inner->inFromCl;
}
