/*-------------------------------------------------------------------------
 *
 * delta/analyze_conversion.c
 *	  Refuse conversions of values to and from text that depend on more than
 *	  the values.
 *
 * Functions that take values of any type print them by the types' output
 * functions, or by casts to json, as casts to text do: concat(), to_jsonb(),
 * json_agg() and so on.  Those of what is inside arrays, rows and ranges are
 * called by that of the whole.  None of these calls stands in the expression, so
 * we go through the types.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "access/tupdesc.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/typcache.h"

#include "catalog/clock_word.h"
#include "delta/compile_internal.h"
#include "tv_compat.h"

static bool convert_type(TvCompiler *c, Oid type, TvConversion how, int location);
static bool convert_row(TvCompiler *c, Oid type, TvConversion how, int location);
static bool refuse_unknown(TvCompiler *c, int location);
static bool add_row_type(TvCompiler *c, Oid type, int location);
static bool takes_any_type(Oid type);

/* ------------------------------------------------------------------------
 * Types
 * ------------------------------------------------------------------------
 */

static bool
convert_type(TvCompiler *c, Oid type, TvConversion how, int location)
{
	bool		json = how == TV_PRINT_JSON;
	Oid			element;
	Oid			function;
	Oid			param;
	bool		is_varlena;

	check_stack_depth();
	type = getBaseType(type);
	if (type == RECORDOID || type == RECORDARRAYOID)
		return refuse_unknown(c, location);
	if (OidIsValid(element = get_element_type(type)))
		return convert_type(c, element, how, location);
	if (type_is_rowtype(type))
		return convert_row(c, type, how == TV_READ_CHECKED ? TV_READ : how, location);
	if (type_is_range(type))
		return convert_type(c, get_range_subtype(type), json ? TV_PRINT : how, location);
	if (type_is_multirange(type))
		return convert_type(c, get_multirange_range(type), json ? TV_PRINT : how, location);

	if (how == TV_READ && tv_clock_type(type))
	{
		tv_compile_refuse(c, location, "reading a value of type %s out of a document or row is not supported in a maintained view",
						  format_type_be(type),
						  "Words like 'today' stand for another value whenever they are read.",
						  "Read it as text and cast that: such words are then an error.");
		return false;
	}
	if (how == TV_READ || how == TV_READ_CHECKED)
		getTypeInputInfo(type, &function, &param);
	else
	{
		getTypeOutputInfo(type, &function, &is_varlena);
		/* as the server does, casts of its own types count for nothing */
		if (json && type >= FirstNormalObjectId)
		{
			Oid			cast;

			if (find_coercion_pathway(JSONOID, type, COERCION_EXPLICIT, &cast) == COERCION_PATH_FUNC)
				function = cast;
		}
	}
	return tv_analyze_io_function(c, function, location);
}

static bool
convert_row(TvCompiler *c, Oid type, TvConversion how, int location)
{
	TupleDesc	desc = lookup_rowtype_tupdesc_copy(type, -1);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped && !convert_type(c, att->atttypid, how, location))
			return false;
	}
	return true;
}

static bool
refuse_unknown(TvCompiler *c, int location)
{
	tv_compile_refuse(c, location, "a row of unknown columns, converted to text or JSON, is not supported in a maintained view",
					  NULL,
					  "It cannot be told whether the values in it are always printed alike.",
					  "Give the row a type.");
	return false;
}

/* ------------------------------------------------------------------------
 * Rows without a type of their own
 *
 * Where a row is printed, it may come from a subquery.  What we know of it is
 * that it is one of those that the definition makes.
 * ------------------------------------------------------------------------
 */

static bool
add_row_type(TvCompiler *c, Oid type, int location)
{
	type = OidIsValid(type) ? getBaseType(type) : type;
	/* a row in a row is one of those, too */
	if (type == RECORDOID || type == RECORDARRAYOID || list_member_oid(c->row_types, type))
		return true;
	c->row_types = lappend_oid(c->row_types, type);
	for (int how = 0; how <= TV_PRINT_JSON; how++)
		if ((c->prints_rows & (1 << how)) &&
			!(OidIsValid(type) ? convert_type(c, type, how, location) : refuse_unknown(c, location)))
			return false;
	return true;
}

static bool
print_some_row(TvCompiler *c, TvConversion how, int location)
{
	ListCell   *lc;

	c->prints_rows |= 1 << how;
	foreach(lc, c->row_types)
	{
		Oid			type = lfirst_oid(lc);

		if (!(OidIsValid(type) ? convert_type(c, type, how, location) : refuse_unknown(c, location)))
			return false;
	}
	return true;
}

bool
tv_analyze_row(TvCompiler *c, const RowExpr *row)
{
	ListCell   *lc;

	if (row->row_typeid != RECORDOID)
		return true;
	foreach(lc, row->args)
	{
		if (!add_row_type(c, exprType(lfirst(lc)), row->location))
			return false;
	}
	return true;
}

/* A call that returns a row, or rows, as a value. */
bool
tv_analyze_row_call(TvCompiler *c, const FuncExpr *call)
{
	TupleDesc	desc;

	if (call->funcresulttype != RECORDOID)
		return true;
	desc = get_expr_result_tupdesc((Node *) unconstify(FuncExpr *, call), true);
	if (desc == NULL)
		return add_row_type(c, InvalidOid, call->location);
	for (int i = 0; i < desc->natts; i++)
		if (!add_row_type(c, TupleDescAttr(desc, i)->atttypid, call->location))
			return false;
	return true;
}

/* A function in FROM with a list of its columns. */
bool
tv_analyze_row_function(TvCompiler *c, const RangeTblFunction *function)
{
	Oid			funcid = IsA(function->funcexpr, FuncExpr) ? ((FuncExpr *) function->funcexpr)->funcid : InvalidOid;
	ListCell   *lc;

	foreach(lc, function->funccoltypes)
	{
		int			location = exprLocation(function->funcexpr);

		if (!add_row_type(c, lfirst_oid(lc), location))
			return false;

		/* those of the server read documents of JSON */
		if (OidIsValid(funcid) && funcid < FirstGenbkiObjectId &&
			!convert_type(c, lfirst_oid(lc), TV_READ, location))
			return false;
	}
	return true;
}

/* ------------------------------------------------------------------------
 * Expressions
 * ------------------------------------------------------------------------
 */

bool
tv_analyze_conversion(TvCompiler *c, Node *value, Oid type, TvConversion how, int location)
{
	ListCell   *lc;

	c->uses_settings = true;
	if (type != RECORDOID && type != RECORDARRAYOID)
		return convert_type(c, type, how, location);
	if (value && IsA(value, RowExpr))
	{
		foreach(lc, ((RowExpr *) value)->args)
		{
			if (!tv_analyze_conversion(c, lfirst(lc), exprType(lfirst(lc)), how, location))
				return false;
		}
		return true;
	}
	if (how == TV_READ || how == TV_READ_CHECKED)
		return refuse_unknown(c, location);
	return print_some_row(c, how, location);
}

/*
 * The arguments of a function of the server's that takes values of any type.  It
 * prints them if it is not IMMUTABLE, or of JSON; a few make rows out of
 * documents.
 */
bool
tv_analyze_arguments(TvCompiler *c, Oid funcid, List *args, Oid result, int location)
{
	char	   *name;
	Oid		   *types;
	int			ntypes;
	int			i = 0;
	bool		json;
	TvConversion how;
	ListCell   *lc;

	if (funcid >= FirstGenbkiObjectId)
		return true;
	name = get_func_name(funcid);
	json = strstr(name, "json") != NULL;

	/* some aggregates say so although they print */
	if (func_volatile(funcid) == PROVOLATILE_IMMUTABLE && !json)
		return true;
	(void) get_func_signature(funcid, &types, &ntypes);
	how = strstr(name, "populate") ? TV_READ : json ? TV_PRINT_JSON : TV_PRINT;
	foreach(lc, args)
	{
		/* the last one may stand for many */
		Oid			declared = ntypes > 0 ? types[Min(i, ntypes - 1)] : InvalidOid;
		Node	   *arg = lfirst(lc);

		i++;
		if (IsA(arg, TargetEntry))
			arg = (Node *) ((TargetEntry *) arg)->expr;
		if (takes_any_type(declared) &&
			!tv_analyze_conversion(c, arg, how == TV_READ && result != RECORDOID ? result : exprType(arg),
								   how, location))
			return false;
	}
	return true;
}

static bool
takes_any_type(Oid type)
{
	return type == ANYOID || type == RECORDOID || IsPolymorphicType(type);
}
