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
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "nodes/makefuncs.h"
#include "parser/parse_node.h"
#include "utils/builtins.h"
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
} TvStateAggregate;

static bool describe(Oid aggfn, TvStateAggregate *want);
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
	return OidIsValid(found) ? found : define(&want, name);
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
	ReleaseSysCache(tuple);
	if (!storable)
		return false;

	proc = SearchSysCache1(PROCOID, ObjectIdGetDatum(aggfn));
	if (!HeapTupleIsValid(proc))
		elog(ERROR, "cache lookup failed for function %u", aggfn);
	want->argtypes = buildoidvector(((Form_pg_proc) GETSTRUCT(proc))->proargtypes.values,
									((Form_pg_proc) GETSTRUCT(proc))->pronargs);
	ReleaseSysCache(proc);
	return true;
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
	ObjectAddress extension;

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

	tv_extension_owner_enter(&save);
	address = DefineAggregate(pstate, list_make2(makeString("tview"), makeString(name)),
							  list_make2(args, makeInteger(-1)), false, parameters, false);
	tv_extension_owner_leave(&save);
	free_parsestate(pstate);

	/*
	 * Not a member: dropping the transition function with CASCADE would drop
	 * the extension.
	 */
	ObjectAddressSet(extension, ExtensionRelationId, tv_catalog_extension());
	recordDependencyOn(&address, &extension, DEPENDENCY_AUTO_EXTENSION);
	CommandCounterIncrement();
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
