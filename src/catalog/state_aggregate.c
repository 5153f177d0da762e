/*-------------------------------------------------------------------------
 *
 * catalog/state_aggregate.c
 *	  Aggregates whose result is the moving state of another aggregate.
 *
 * For aggregate a with a moving transition function f over state type S,
 * tview.state_f(...) runs f and returns the state as it is; if S is internal,
 * as the bytea that a's serialization function makes of it (allowed only
 * where plain and moving transition are the same function: serialization
 * belongs to the plain state).
 *
 * A state aggregate must not name a function of the server that a later
 * version lacks: pg_upgrade could not make it there.  So tview.f, if there is
 * such a function, stands in for pg_catalog.f, and calls it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_node.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "catalog/extension_owner.h"
#include "catalog/tv_catalog.h"
#include "catalog/tv_state.h"

/* What a state aggregate must be like. */
typedef struct TvStateAggregate
{
	Oid			transfn;
	Oid			transtype;
	Oid			finalfn;		/* InvalidOid: the state is the result */
	char	   *initval;		/* or NULL */
	oidvector  *argtypes;
	Oid			combinefn;		/* InvalidOid: workers cannot compute parts */
	Oid			serialfn;		/* with it, if the state is internal */
	Oid			deserialfn;
	bool		parallel_safe;
} TvStateAggregate;

PG_FUNCTION_INFO_V1(tview_call_namesake);

static void tie_to_extension(Oid aggfn);
static bool reading_calls_user(Oid type);
static bool reading_row_calls_user(Oid relid);
static bool describe(Oid aggfn, TvStateAggregate *want);
static Oid	namesake(Oid function, Oid schema);
static Oid	search(const TvStateAggregate *want, char **name);
static bool matches(Oid aggfn, const TvStateAggregate *want);
static Oid	define(const TvStateAggregate *want, char *name);
static char *get_initval(HeapTuple tuple, AttrNumber attno);
static TypeName *function_name(Oid function);

Oid
tv_state_find_aggregate(Oid aggfn)
{
	TvStateAggregate want;
	char	   *name;

	if (!describe(aggfn, &want))
		return InvalidOid;
	return search(&want, &name);
}

Oid
tv_state_ensure_aggregate(Oid aggfn)
{
	TvStateAggregate want;
	char	   *name;
	Oid			found;

	if (!describe(aggfn, &want))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("the transition state of aggregate %s cannot be stored",
						format_procedure(aggfn))));
	found = search(&want, &name);
	if (!OidIsValid(found))
		return define(&want, name);
	tie_to_extension(found);
	return found;
}

/*
 * A state aggregate that does not come with the extension goes with it.  It is
 * no member: dropping its transition function with CASCADE would drop the
 * extension.  A dump holds the aggregate, but not this dependency.
 */
static void
tie_to_extension(Oid aggfn)
{
	Oid			extension = tv_catalog_extension();
	ObjectAddress aggregate;
	ObjectAddress on;

	if (getExtensionOfObject(ProcedureRelationId, aggfn) == extension ||
		list_member_oid(getAutoExtensionsOfObject(ProcedureRelationId, aggfn), extension))
		return;
	ObjectAddressSet(aggregate, ProcedureRelationId, aggfn);
	ObjectAddressSet(on, ExtensionRelationId, extension);
	recordDependencyOn(&aggregate, &on, DEPENDENCY_AUTO_EXTENSION);
}

/*
 * CREATE AGGREGATE reads the initial state from text, here as the extension's
 * owner.
 */
bool
tv_state_initial_is_readable(HeapTuple aggregate)
{
	bool		isnull;

	SysCacheGetAttr(AGGFNOID, aggregate, Anum_pg_aggregate_aggminitval, &isnull);
	return isnull ||
		!reading_calls_user(((Form_pg_aggregate) GETSTRUCT(aggregate))->aggmtranstype);
}

/*
 * Does the type's input function call functions that anybody may have written?
 * Domains call what their CHECK says, and ranges their canonical function; only
 * superusers make base types and operator classes.
 */
static bool
reading_calls_user(Oid type)
{
	Oid			element = get_element_type(type);

	check_stack_depth();
	if (type < FirstGenbkiObjectId)
		return false;
	if (OidIsValid(element))
		return reading_calls_user(element);
	switch (get_typtype(type))
	{
		case TYPTYPE_BASE:
		case TYPTYPE_ENUM:
			return false;
		case TYPTYPE_COMPOSITE:
			return reading_row_calls_user(get_typ_typrelid(type));
		case TYPTYPE_MULTIRANGE:
			return reading_calls_user(get_multirange_range(type));
		case TYPTYPE_RANGE:
			return OidIsValid(lookup_type_cache(type, TYPECACHE_RANGE_INFO)->rng_canonical_finfo.fn_oid) ||
				reading_calls_user(get_range_subtype(type));
		default:
			return true;
	}
}

/* The lock keeps the columns as they are until the state has been read. */
static bool
reading_row_calls_user(Oid relid)
{
	Relation	rel = relation_open(relid, AccessShareLock);
	TupleDesc	desc = RelationGetDescr(rel);
	bool		result = false;

	for (int i = 0; i < desc->natts && !result; i++)
	{
		Form_pg_attribute column = TupleDescAttr(desc, i);

		result = !column->attisdropped && reading_calls_user(column->atttypid);
	}
	relation_close(rel, NoLock);
	return result;
}

/* What the state aggregate of aggfn must be; false if there can be none. */
static bool
describe(Oid aggfn, TvStateAggregate *want)
{
	HeapTuple	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(aggfn));
	HeapTuple	proc;
	Form_pg_aggregate form;
	bool		storable;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for aggregate %u", aggfn);
	form = (Form_pg_aggregate) GETSTRUCT(tuple);
	want->transfn = namesake(form->aggmtransfn, tv_catalog_schema());
	if (!OidIsValid(want->transfn))
		want->transfn = form->aggmtransfn;
	want->transtype = form->aggmtranstype;
	want->finalfn = InvalidOid;
	want->initval = get_initval(tuple, Anum_pg_aggregate_aggminitval);
	storable = form->aggkind == AGGKIND_NORMAL && OidIsValid(form->aggminvtransfn) &&
		tv_state_initial_is_readable(tuple);
	if (form->aggmtranstype == INTERNALOID)
	{
		want->finalfn = form->aggserialfn;
		storable = storable && form->aggmtransfn == form->aggtransfn &&
			OidIsValid(form->aggserialfn);
	}
	want->combinefn = want->serialfn = want->deserialfn = InvalidOid;
	if (form->aggmtransfn == form->aggtransfn && want->transfn == form->aggmtransfn &&
		form->aggmtranstype == form->aggtranstype)
	{
		want->combinefn = form->aggcombinefn;
		if (OidIsValid(form->aggcombinefn) && form->aggmtranstype == INTERNALOID)
		{
			want->serialfn = form->aggserialfn;
			want->deserialfn = form->aggdeserialfn;
		}
	}
	ReleaseSysCache(tuple);
	if (!storable)
		return false;

	proc = SearchSysCache1(PROCOID, ObjectIdGetDatum(aggfn));
	if (!HeapTupleIsValid(proc))
		elog(ERROR, "cache lookup failed for function %u", aggfn);
	want->argtypes = buildoidvector(((Form_pg_proc) GETSTRUCT(proc))->proargtypes.values,
									((Form_pg_proc) GETSTRUCT(proc))->pronargs);
	want->parallel_safe = ((Form_pg_proc) GETSTRUCT(proc))->proparallel == PROPARALLEL_SAFE;
	if (!want->parallel_safe)
		want->combinefn = want->serialfn = want->deserialfn = InvalidOid;
	ReleaseSysCache(proc);
	return true;
}

/* The function of the same name and arguments in a schema, or InvalidOid. */
static Oid
namesake(Oid function, Oid schema)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Form_pg_proc form;
	Oid			found;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", function);
	form = (Form_pg_proc) GETSTRUCT(tuple);
	found = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
							NameGetDatum(&form->proname),
							PointerGetDatum(&form->proargtypes),
							ObjectIdGetDatum(schema));
	ReleaseSysCache(tuple);
	return found;
}

/*
 * tview.f(...): call pg_catalog.f, of the same arguments
 *
 * After an upgrade to a version that has no such function nothing calls it.
 */
Datum
tview_call_namesake(PG_FUNCTION_ARGS)
{
	FmgrInfo   *function = fcinfo->flinfo->fn_extra;

	if (function == NULL)
	{
		Oid			found = namesake(fcinfo->flinfo->fn_oid, PG_CATALOG_NAMESPACE);

		if (!OidIsValid(found))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_FUNCTION),
					 errmsg("this version of the server has no function that %s could call",
							format_procedure(fcinfo->flinfo->fn_oid))));
		function = MemoryContextAlloc(fcinfo->flinfo->fn_mcxt, sizeof(FmgrInfo));
		fmgr_info_cxt(found, function, fcinfo->flinfo->fn_mcxt);
		fcinfo->flinfo->fn_extra = function;
	}
	return FunctionCall2Coll(function, PG_GET_COLLATION(),
							 PG_GETARG_DATUM(0), PG_GETARG_DATUM(1));
}

/*
 * Look for it by name: state_<function>, or with a number when another
 * aggregate has that name.  *name is the first free one.
 */
static Oid
search(const TvStateAggregate *want, char **name)
{
	char	   *function = get_func_name(want->transfn);

	for (int i = 1;; i++)
	{
		NameData	fullname;
		Oid			found;

		namestrcpy(&fullname, i == 1 ? psprintf("state_%s", function) :
				   psprintf("state%d_%s", i, function));
		*name = pstrdup(NameStr(fullname));
		found = GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
								CStringGetDatum(*name),
								PointerGetDatum(want->argtypes),
								ObjectIdGetDatum(tv_catalog_schema()));
		if (!OidIsValid(found) || matches(found, want))
			return found;
	}
}

static bool
matches(Oid aggfn, const TvStateAggregate *want)
{
	HeapTuple	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(aggfn));
	Form_pg_aggregate form;
	char	   *initval;
	bool		result;

	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_aggregate) GETSTRUCT(tuple);
	initval = get_initval(tuple, Anum_pg_aggregate_agginitval);
	result = form->aggtransfn == want->transfn &&
		form->aggtranstype == want->transtype &&
		form->aggfinalfn == want->finalfn &&
		(form->aggcombinefn == want->combinefn || !OidIsValid(form->aggcombinefn) ||
		 !OidIsValid(want->combinefn)) &&
		(want->parallel_safe || func_parallel(aggfn) != PROPARALLEL_SAFE) &&
		(initval == NULL) == (want->initval == NULL) &&
		(initval == NULL || strcmp(initval, want->initval) == 0);
	ReleaseSysCache(tuple);
	return result;
}

/* CREATE AGGREGATE tview.name, as the owner of the extension. */
static Oid
define(const TvStateAggregate *want, char *name)
{
	List	   *args = NIL;
	List	   *parameters;
	ParseState *pstate = make_parsestate(NULL);
	TvUser		save;
	ObjectAddress address;

	for (int i = 0; i < want->argtypes->dim1; i++)
	{
		FunctionParameter *arg = makeNode(FunctionParameter);

		arg->argType = makeTypeNameFromOid(want->argtypes->values[i], -1);
		arg->mode = FUNC_PARAM_DEFAULT;
		args = lappend(args, arg);
	}
	parameters = list_make2(makeDefElem("sfunc", (Node *) function_name(want->transfn), -1),
							makeDefElem("stype", (Node *) makeTypeNameFromOid(want->transtype, -1), -1));
	if (OidIsValid(want->finalfn))
		parameters = lappend(parameters,
							 makeDefElem("finalfunc", (Node *) function_name(want->finalfn), -1));
	if (want->initval)
		parameters = lappend(parameters,
							 makeDefElem("initcond", (Node *) makeString(want->initval), -1));
	if (OidIsValid(want->combinefn))
		parameters = lappend(parameters,
							 makeDefElem("combinefunc", (Node *) function_name(want->combinefn), -1));
	if (OidIsValid(want->serialfn))
		parameters = list_concat(parameters,
								 list_make2(makeDefElem("serialfunc", (Node *) function_name(want->serialfn), -1),
											makeDefElem("deserialfunc", (Node *) function_name(want->deserialfn), -1)));
	if (want->parallel_safe)
		parameters = lappend(parameters,
							 makeDefElem("parallel", (Node *) makeString("safe"), -1));

	tv_extension_owner_enter(&save);
	address = DefineAggregate(pstate, list_make2(makeString("tview"), makeString(name)),
							  list_make2(args, makeInteger(-1)), false, parameters, false);
	tv_extension_owner_leave(&save);
	free_parsestate(pstate);

	CommandCounterIncrement();
	tie_to_extension(address.objectId);
	return address.objectId;
}

/* A function's qualified name, as the grammar gives it to CREATE AGGREGATE. */
static TypeName *
function_name(Oid function)
{
	return makeTypeNameFromNameList(list_make2(makeString(get_namespace_name(get_func_namespace(function))),
											   makeString(get_func_name(function))));
}

static char *
get_initval(HeapTuple tuple, AttrNumber attno)
{
	bool		isnull;
	Datum		value = SysCacheGetAttr(AGGFNOID, tuple, attno, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}
