/*-------------------------------------------------------------------------
 *
 * delta/table_branch.c
 *	  Tables whose captured rows are not the rows that a query reads.
 *
 * Of a table with partitions or children, the rows of all are captured
 * together, with the OID of the table that stores each:
 *
 *		only t = project(filter_{tableoid = t}(t))
 *
 * The filter is empty over the present state, where the server reads t alone.
 *
 * Virtual generated columns are in no row: they stand for their expressions.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/rel.h"
#include "utils/typcache.h"

#include "delta/compile_internal.h"
#include "tv_compat.h"

static Expr *stored_here(Oid relid);
static bool has_virtual(Relation rel);

TvBranch *
tv_table_branch(TvCompiler *c, RangeTblEntry *rte, Relation rel, int source)
{
	/* rows of a child that is being dropped are still to be taken away */
	bool		only = !rte->inh && has_subclass(RelationGetRelid(rel));
	TvBranch   *branch;
	TvLeaf	   *leaf;

	if (!only && !has_virtual(rel))
		return NULL;
	branch = palloc0(sizeof(TvBranch));
	leaf = palloc0(sizeof(TvLeaf));
	leaf->rte = copyObject(rte);
	leaf->source = source;
	branch->leaves = list_make1(leaf);
	if (only)
		branch->quals = list_make1(stored_here(RelationGetRelid(rel)));
	for (int i = 1; i <= RelationGetNumberOfAttributes(rel); i++)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(rel), i - 1);
		Node	   *expr = tv_compat_virtual_column(rel, i);

		if (att->attisdropped)
			expr = (Node *) makeNullConst(INT4OID, -1, InvalidOid);
		else if (expr == NULL)
			expr = (Node *) makeVar(1, i, att->atttypid, att->atttypmod, att->attcollation, 0);
		else
		{
			tv_call_args_expand(expr);
			tv_clock_casts_wrap(c, expr);
			if (!tv_analyze_expr(c, expr))
				return NULL;
		}
		branch->exprs = lappend(branch->exprs, expr);
	}
	return branch;
}

/* tableoid = relid */
static Expr *
stored_here(Oid relid)
{
	Var		   *tableoid = makeVar(1, TableOidAttributeNumber, OIDOID, -1, InvalidOid, 0);
	Const	   *value = makeConst(OIDOID, -1, InvalidOid, sizeof(Oid), ObjectIdGetDatum(relid),
								  false, true);
	OpExpr	   *equals = (OpExpr *) make_opclause(lookup_type_cache(OIDOID, TYPECACHE_EQ_OPR)->eq_opr, BOOLOID, false,
												  (Expr *) tableoid, (Expr *) value,
												  InvalidOid, InvalidOid);

	set_opfuncid(equals);
	return (Expr *) equals;
}

static bool
has_virtual(Relation rel)
{
	for (int i = 1; i <= RelationGetNumberOfAttributes(rel); i++)
		if (tv_compat_virtual_column(rel, i))
			return true;
	return false;
}
