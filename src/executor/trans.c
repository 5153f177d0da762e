/*-------------------------------------------------------------------------
 *
 * executor/trans.c
 *	  Move the stored transition state of an aggregate forward and backward.
 *
 * Aggregate support functions ask for the memory context of their state
 * through their caller's node; they are shown a WindowAggState, which is what
 * calls moving-aggregate functions in the server.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "nodes/execnodes.h"
#include "parser/parse_agg.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "executor/trans.h"

#define TV_MAX_TRANS_ARGS 8

struct TvTrans
{
	int			nargs;
	Oid			collation;
	FmgrInfo	forward;
	FmgrInfo	inverse;
	FmgrInfo	final;			/* fn_oid 0 if none */
	int			final_args;
	FmgrInfo	serialize;		/* fn_oid 0: stored as it is */
	FmgrInfo	deserialize;
	FmgrInfo	combine;
	int16		typlen;
	bool		typbyval;
	Datum		initial;
	bool		initial_null;
	WindowAggState caller;		/* what the functions see as their context */
};

TvTrans *
tv_trans_make(const TvAcc *acc)
{
	TvTrans    *trans = palloc0(sizeof(TvTrans));
	Oid			argtypes[FUNC_MAX_ARGS];
	HeapTuple	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(acc->aggfn));
	Form_pg_aggregate agg;
	Expr	   *forward_expr;
	Expr	   *inverse_expr;
	Expr	   *final_expr;
	Datum		initval;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for aggregate %u", acc->aggfn);
	agg = (Form_pg_aggregate) GETSTRUCT(tuple);

	trans->nargs = get_aggregate_argtypes(acc->aggref, argtypes);
	if (trans->nargs > TV_MAX_TRANS_ARGS)
		ereport(ERROR,
				(errcode(ERRCODE_TOO_MANY_ARGUMENTS),
				 errmsg("aggregate %s has too many arguments for a maintained view",
						get_func_name(acc->aggfn)),
				 errdetail("At most %d are supported.", TV_MAX_TRANS_ARGS),
				 errhint("Leave it to the query that reads the view.")));
	trans->collation = acc->inputcollid;
	build_aggregate_transfn_expr(argtypes, trans->nargs, 0, false, agg->aggmtranstype,
								 acc->inputcollid, agg->aggmtransfn, agg->aggminvtransfn,
								 &forward_expr, &inverse_expr);
	fmgr_info(agg->aggmtransfn, &trans->forward);
	fmgr_info_set_expr((Node *) forward_expr, &trans->forward);
	fmgr_info(agg->aggminvtransfn, &trans->inverse);
	fmgr_info_set_expr((Node *) inverse_expr, &trans->inverse);
	if (OidIsValid(agg->aggmfinalfn))
	{
		trans->final_args = agg->aggmfinalextra ? trans->nargs + 1 : 1;
		build_aggregate_finalfn_expr(argtypes, trans->final_args, agg->aggmtranstype,
									 acc->aggref->aggtype, acc->inputcollid,
									 agg->aggmfinalfn, &final_expr);
		fmgr_info(agg->aggmfinalfn, &trans->final);
		fmgr_info_set_expr((Node *) final_expr, &trans->final);
	}
	if (agg->aggmtranstype == INTERNALOID)
	{
		fmgr_info(agg->aggserialfn, &trans->serialize);
		fmgr_info(agg->aggdeserialfn, &trans->deserialize);
		fmgr_info(agg->aggcombinefn, &trans->combine);
	}
	get_typlenbyval(agg->aggmtranstype, &trans->typlen, &trans->typbyval);

	initval = SysCacheGetAttr(AGGFNOID, tuple, Anum_pg_aggregate_aggminitval,
							  &trans->initial_null);
	if (!trans->initial_null)
	{
		Oid			input;
		Oid			ioparam;

		getTypeInputInfo(agg->aggmtranstype, &input, &ioparam);
		trans->initial = OidInputFunctionCall(input, TextDatumGetCString(initval), ioparam, -1);
	}
	ReleaseSysCache(tuple);

	trans->caller.ss.ps.type = T_WindowAggState;
	return trans;
}

int
tv_trans_nargs(const TvTrans *trans)
{
	return trans->nargs;
}

Datum
tv_trans_initial(TvTrans *trans, bool *isnull)
{
	*isnull = trans->initial_null;
	return trans->initial;
}

/* Call forward or inverse; the result stays in cxt. */
static Datum
call(TvTrans *trans, FmgrInfo *function, TvTransState *state, const Datum *args,
	 const bool *nulls, bool *isnull, MemoryContext cxt)
{
	LOCAL_FCINFO(fcinfo, TV_MAX_TRANS_ARGS + 1);
	bool		elsewhere = state->scratch && OidIsValid(trans->deserialize.fn_oid);
	MemoryContext oldcxt = MemoryContextSwitchTo(elsewhere ? state->scratch : cxt);
	Datum		result;

	trans->caller.curaggcontext = cxt;
	InitFunctionCallInfoData(*fcinfo, function, trans->nargs + 1, trans->collation,
							 (Node *) &trans->caller, NULL);
	fcinfo->args[0].value = state->value;
	fcinfo->args[0].isnull = state->isnull;
	for (int i = 0; i < trans->nargs; i++)
	{
		fcinfo->args[i + 1].value = args[i];
		fcinfo->args[i + 1].isnull = nulls[i];
	}
	result = FunctionCallInvoke(fcinfo);
	*isnull = fcinfo->isnull;
	MemoryContextSwitchTo(oldcxt);
	return result;
}

/*
 * A deserialised state is fit for being combined, not for going on with it
 * (that of variance(numeric) would no longer add up squares): it is combined
 * into a new state, which a forward call with null arguments makes.
 */
static void
load_internal(TvTrans *trans, TvTransState *state, Datum stored, MemoryContext cxt)
{
	LOCAL_FCINFO(fcinfo, 2);
	Datum		args[TV_MAX_TRANS_ARGS] = {0};
	bool		nulls[TV_MAX_TRANS_ARGS];
	Datum		loaded;
	bool		isnull;

	trans->caller.curaggcontext = cxt;
	InitFunctionCallInfoData(*fcinfo, &trans->deserialize, 2, InvalidOid,
							 (Node *) &trans->caller, NULL);
	fcinfo->args[0].value = stored;
	fcinfo->args[0].isnull = false;
	fcinfo->args[1].value = PointerGetDatum(NULL);
	fcinfo->args[1].isnull = false;
	loaded = FunctionCallInvoke(fcinfo);

	memset(nulls, true, sizeof(nulls));
	state->value = (Datum) 0;
	state->isnull = true;
	state->value = call(trans, &trans->forward, state, args, nulls, &isnull, cxt);

	InitFunctionCallInfoData(*fcinfo, &trans->combine, 2, trans->collation,
							 (Node *) &trans->caller, NULL);
	fcinfo->args[0].value = state->value;
	fcinfo->args[0].isnull = isnull;
	fcinfo->args[1].value = loaded;
	fcinfo->args[1].isnull = false;
	state->value = FunctionCallInvoke(fcinfo);
	state->isnull = fcinfo->isnull;
}

void
tv_trans_load(TvTrans *trans, TvTransState *state, Datum stored, bool isnull, bool fresh,
			  MemoryContext cxt)
{
	MemoryContext oldcxt = MemoryContextSwitchTo(cxt);

	state->fresh = fresh;
	state->scratch = NULL;
	if (fresh || isnull)
	{
		bool		internal = OidIsValid(trans->deserialize.fn_oid);

		state->isnull = fresh ? trans->initial_null : true;
		if (!state->isnull)
			state->value = internal ? trans->initial :
				datumCopy(trans->initial, trans->typbyval, trans->typlen);
		else
			state->value = (Datum) 0;
	}
	else if (OidIsValid(trans->deserialize.fn_oid))
		load_internal(trans, state, stored, cxt);
	else
	{
		state->value = datumCopy(stored, trans->typbyval, trans->typlen);
		state->isnull = false;
	}
	MemoryContextSwitchTo(oldcxt);
}

static bool
any_null(const TvTrans *trans, const bool *nulls)
{
	for (int i = 0; i < trans->nargs; i++)
		if (nulls[i])
			return true;
	return false;
}

bool
tv_trans_forward(TvTrans *trans, TvTransState *state, const Datum *args, const bool *nulls,
				 MemoryContext cxt)
{
	bool		isnull;
	Datum		value;

	if (trans->forward.fn_strict)
	{
		if (any_null(trans, nulls))
			return true;
		if (state->fresh && state->isnull)
		{
			MemoryContext oldcxt = MemoryContextSwitchTo(cxt);

			/* the first value is the state; types are binary compatible */
			state->value = datumCopy(args[0], trans->typbyval, trans->typlen);
			state->isnull = false;
			state->fresh = false;
			MemoryContextSwitchTo(oldcxt);
			return true;
		}
		if (state->isnull)
			return false;
	}
	value = call(trans, &trans->forward, state, args, nulls, &isnull, cxt);
	state->value = value;
	state->isnull = isnull;
	state->fresh = false;
	return true;
}

bool
tv_trans_inverse(TvTrans *trans, TvTransState *state, const Datum *args, const bool *nulls,
				 MemoryContext cxt)
{
	bool		isnull;
	Datum		value;

	if (trans->forward.fn_strict && any_null(trans, nulls))
		return true;
	if (state->isnull)
		return false;
	value = call(trans, &trans->inverse, state, args, nulls, &isnull, cxt);
	if (isnull)
		return false;
	state->value = value;
	return true;
}

Datum
tv_trans_store(TvTrans *trans, TvTransState *state, bool *isnull, MemoryContext cxt)
{
	Datum		result;
	MemoryContext oldcxt;

	*isnull = state->isnull;
	if (state->isnull)
		return (Datum) 0;
	oldcxt = MemoryContextSwitchTo(cxt);
	if (OidIsValid(trans->serialize.fn_oid))
	{
		LOCAL_FCINFO(fcinfo, 1);

		trans->caller.curaggcontext = cxt;
		InitFunctionCallInfoData(*fcinfo, &trans->serialize, 1, InvalidOid,
								 (Node *) &trans->caller, NULL);
		fcinfo->args[0].value = state->value;
		fcinfo->args[0].isnull = false;
		result = FunctionCallInvoke(fcinfo);
		*isnull = fcinfo->isnull;
	}
	else
		result = datumCopy(state->value, trans->typbyval, trans->typlen);
	MemoryContextSwitchTo(oldcxt);
	return result;
}

Datum
tv_trans_final(TvTrans *trans, TvTransState *state, bool *isnull, MemoryContext cxt)
{
	LOCAL_FCINFO(fcinfo, TV_MAX_TRANS_ARGS + 1);
	MemoryContext oldcxt;
	Datum		result;

	if (!OidIsValid(trans->final.fn_oid))
	{
		*isnull = state->isnull;
		return state->value;
	}
	if (trans->final.fn_strict && (state->isnull || trans->final_args > 1))
	{
		*isnull = true;
		return (Datum) 0;
	}
	oldcxt = MemoryContextSwitchTo(cxt);
	trans->caller.curaggcontext = cxt;
	InitFunctionCallInfoData(*fcinfo, &trans->final, trans->final_args, trans->collation,
							 (Node *) &trans->caller, NULL);
	fcinfo->args[0].value = state->value;
	fcinfo->args[0].isnull = state->isnull;
	for (int i = 1; i < trans->final_args; i++)
	{
		fcinfo->args[i].value = (Datum) 0;
		fcinfo->args[i].isnull = true;
	}
	result = FunctionCallInvoke(fcinfo);
	*isnull = fcinfo->isnull;
	MemoryContextSwitchTo(oldcxt);
	return result;
}
