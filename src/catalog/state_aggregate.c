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

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/value.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

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
static void go_with_functions(Oid aggfn);
static bool describe(Oid aggfn, TvStateAggregate *want);
static Oid	namesake(Oid function, Oid schema);
static Oid	search(const TvStateAggregate *want, char **name);
static bool matches(Oid aggfn, const TvStateAggregate *want);
static Oid	define(const TvStateAggregate *want, char *name);
static char *get_initval(HeapTuple tuple, AttrNumber attno);
static List *function_name(Oid function);

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
	go_with_functions(aggfn);
	/* the next node of the view may use it, too */
	CommandCounterIncrement();
}

/*
 * It goes with the functions and types it uses, too: nobody who drops them
 * knows of it.  The aggregate it is the state of, which uses them as well, keeps
 * them while it is there.
 */
static void
go_with_functions(Oid aggfn)
{
	Relation	depend = table_open(DependRelationId, RowExclusiveLock);
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key[0], Anum_pg_depend_classid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(ProcedureRelationId));
	ScanKeyInit(&key[1], Anum_pg_depend_objid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(aggfn));
	scan = systable_beginscan(depend, DependDependerIndexId, true, NULL, 2, key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);

		if (form->deptype != DEPENDENCY_NORMAL ||
			(form->refclassid != ProcedureRelationId && form->refclassid != TypeRelationId))
			continue;
		tuple = heap_copytuple(tuple);
		((Form_pg_depend) GETSTRUCT(tuple))->deptype = DEPENDENCY_AUTO;
		CatalogTupleUpdate(depend, &tuple->t_self, tuple);
	}
	systable_endscan(scan);
	table_close(depend, RowExclusiveLock);
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
	storable = form->aggkind == AGGKIND_NORMAL && OidIsValid(form->aggminvtransfn);
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

/*
 * Make aggregate tview.name, which belongs to the owner of the extension.
 *
 * Not by DefineAggregate: it reads the initial state from text, as him here,
 * which may call functions of the user's (the CHECK of a domain, the canonical
 * function of a range).  What the owner's queries read is read as that owner.
 */
static Oid
define(const TvStateAggregate *want, char *name)
{
	TvUser		save;
	ObjectAddress address;

	tv_extension_owner_enter(&save);
	address = AggregateCreate(name, tv_catalog_schema(), false, AGGKIND_NORMAL,
							  want->argtypes->dim1, 0, want->argtypes,
							  PointerGetDatum(NULL), PointerGetDatum(NULL),
							  PointerGetDatum(NULL), NIL, InvalidOid,
							  function_name(want->transfn),
							  function_name(want->finalfn),
							  function_name(want->combinefn),
							  function_name(want->serialfn),
							  function_name(want->deserialfn),
							  NIL, NIL, NIL, false, false,
							  AGGMODIFY_READ_ONLY, AGGMODIFY_READ_ONLY,
							  NIL, want->transtype, 0, InvalidOid, 0,
							  want->initval, NULL,
							  want->parallel_safe ? PROPARALLEL_SAFE : PROPARALLEL_UNSAFE);
	tv_extension_owner_leave(&save);

	CommandCounterIncrement();
	tie_to_extension(address.objectId);
	return address.objectId;
}

/* A function's qualified name, NIL for none. */
static List *
function_name(Oid function)
{
	if (!OidIsValid(function))
		return NIL;
	return list_make2(makeString(get_namespace_name(get_func_namespace(function))),
					  makeString(get_func_name(function)));
}

static char *
get_initval(HeapTuple tuple, AttrNumber attno)
{
	bool		isnull;
	Datum		value = SysCacheGetAttr(AGGFNOID, tuple, attno, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}
