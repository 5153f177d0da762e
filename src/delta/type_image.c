/*-------------------------------------------------------------------------
 *
 * delta/type_image.c
 *	  Equality of types, and types whose equal values can look different.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/nbtree.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "delta/type_image.h"

/*
 * Do equal values of a type always have the same image?  The operator class
 * promises it to btree for deduplication; numerics of one scale are as good.
 */
bool
tv_type_one_image(Oid type, int32 typmod, Oid collation)
{
	TypeCacheEntry *entry;
	Oid			proc;

	type = getBaseTypeAndTypmod(type, &typmod);
	if (type == NUMERICOID && typmod >= 0)
		return true;

	/*
	 * padded to its length; of no length: there may be blanks at the end, or
	 * not
	 */
	if (type == BPCHAROID)
		return typmod >= 0 && OidIsValid(collation) && get_collation_isdeterministic(collation);
	entry = lookup_type_cache(type, TYPECACHE_BTREE_OPFAMILY);
	if (!OidIsValid(entry->btree_opf))
		return false;
	proc = get_opfamily_proc(entry->btree_opf, entry->btree_opintype, entry->btree_opintype,
							 BTEQUALIMAGE_PROC);
	return OidIsValid(proc) &&
		DatumGetBool(OidFunctionCall1Coll(proc, collation, ObjectIdGetDatum(entry->btree_opintype)));
}

bool
tv_type_one_text(Oid type, int32 typmod, Oid collation)
{
	Oid			element = get_base_element_type(type);

	return tv_type_one_image(type, typmod, collation) ||
		(OidIsValid(element) && tv_type_one_image(element, typmod, collation));
}

/* An argument as the type that the operator is declared for, as in a query. */
static Expr *
as_declared(Expr *expr, Oid type)
{
	if (exprType((Node *) expr) == type || IsPolymorphicType(type) || type == RECORDOID)
		return expr;
	return (Expr *) makeRelabelType(expr, type, -1, exprCollation((Node *) expr),
									COERCE_IMPLICIT_CAST);
}

Expr *
tv_type_equals(Oid operator, Expr *left, Expr *right, Oid collation)
{
	OpExpr	   *result;
	Oid			left_type;
	Oid			right_type;

	op_input_types(operator, &left_type, &right_type);
	result = (OpExpr *) make_opclause(operator, BOOLOID, false, as_declared(left, left_type),
									  as_declared(right, right_type), InvalidOid, collation);
	set_opfuncid(result);
	return (Expr *) result;
}
