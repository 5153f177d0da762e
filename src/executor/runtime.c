/*-------------------------------------------------------------------------
 *
 * executor/runtime.c
 *	  What is looked up once per node and backend to run its rule.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/nbtree.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_type.h"
#include "optimizer/optimizer.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "delta/null_params.h"
#include "delta/shield_nulls.h"
#include "delta/type_image.h"
#include "executor/apply_group.h"
#include "executor/row_table.h"
#include "executor/runtime.h"

static void init_keys(TvNodeRuntime *rt);
static void init_accs(TvNodeRuntime *rt);
static void init_projection(TvNodeRuntime *rt);

TvNodeRuntime *
tv_runtime_get(TvView *view, TvNode *node)
{
	TvNodeRuntime *rt;
	MemoryContext oldcxt;

	if (view->runtimes && view->runtimes[node->id])
		return view->runtimes[node->id];

	oldcxt = MemoryContextSwitchTo(view->cxt);
	if (view->runtimes == NULL)
		view->runtimes = palloc0(sizeof(void *) * view->graph->nnodes);
	rt = palloc0(sizeof(TvNodeRuntime));
	rt->view = view;
	rt->node = node;
	if (node->kind == TV_NODE_PARTITION)
	{
		init_keys(rt);
		rt->images = false;		/* every row shows its own */
	}
	else if (node->kind == TV_NODE_GROUP)
	{
		init_keys(rt);
		init_accs(rt);
		init_projection(rt);
		rt->state_counts = tv_group_state_counts(rt);
	}
	rt->key_saves = tv_derive_key_saves(node);
	rt->identity_sort = tv_rows_prepare_sort(node->out_desc, node->nidentity, node->identity_attnos);
	view->runtimes[node->id] = rt;
	MemoryContextSwitchTo(oldcxt);
	return rt;
}

bool
tv_runtime_same_image(const TvNodeRuntime *rt, const Datum *a, const Datum *b,
					  const bool *nulls)
{
	for (int i = 0; i < rt->nkeys; i++)
		if (!nulls[i] && !datum_image_eq(a[i], b[i], rt->keys[i].typbyval, rt->keys[i].typlen))
			return false;
	return true;
}

Datum *
tv_runtime_copy_keys(const TvNodeRuntime *rt, const Datum *keys, const bool *nulls)
{
	Datum	   *copy = palloc(sizeof(Datum) * (rt->nkeys + 1));

	for (int i = 0; i < rt->nkeys; i++)
		copy[i] = nulls[i] ? (Datum) 0 :
			datumCopy(keys[i], rt->keys[i].typbyval, rt->keys[i].typlen);
	return copy;
}

static void
init_keys(TvNodeRuntime *rt)
{
	TvNode	   *node = rt->node;

	rt->nkeys = node->nkeys;
	rt->keys = palloc0(sizeof(TvKeyRuntime) * (rt->nkeys + 1));
	rt->hashable = true;
	for (int i = 0; i < rt->nkeys; i++)
	{
		TvKey	   *key = &node->keys[i];
		TvKeyRuntime *kr = &rt->keys[i];
		RegProcedure left;
		RegProcedure right;

		kr->sort.ssup_cxt = CurrentMemoryContext;
		kr->sort.ssup_collation = key->collation;
		kr->sort.ssup_nulls_first = false;
		PrepareSortSupportFromOrderingOp(key->clause->sortop, &kr->sort);
		kr->collation = key->collation;
		get_typlenbyval(key->type, &kr->typlen, &kr->typbyval);
		rt->images |= !tv_type_one_image(key->type, key->typmod, key->collation);
		if (op_hashjoinable(key->clause->eqop, key->type) &&
			get_op_hash_functions(key->clause->eqop, &left, &right))
			fmgr_info(left, &kr->hash);
		else
			rt->hashable = false;
	}
}

static void
init_accs(TvNodeRuntime *rt)
{
	TvNode	   *node = rt->node;
	ListCell   *lc;

	rt->naccs = list_length(node->accs);
	rt->naggs = list_length(node->aggs);
	rt->accs = palloc0(sizeof(TvAccRuntime) * (rt->naccs + 1));
	foreach(lc, node->accs)
	{
		TvAcc	   *acc = lfirst(lc);
		TvAccRuntime *ar = &rt->accs[foreach_current_index(lc)];

		ar->kind = acc->kind;
		ar->collation = acc->inputcollid;
		if (acc->args)
		{
			ar->arg = linitial_int(acc->args);
			ar->argtype = TupleDescAttr(node->in_desc, ar->arg - 1)->atttypid;
		}
		get_typlenbyval(acc->type, &ar->typlen, &ar->typbyval);
		if (acc->kind == TV_ACC_TRANS)
			ar->trans = tv_trans_make(acc);
		else if (acc->kind == TV_ACC_EXTREME && OidIsValid(acc->sortop))
		{
			ar->sort.ssup_cxt = CurrentMemoryContext;
			ar->sort.ssup_collation = acc->inputcollid;
			PrepareSortSupportFromOrderingOp(acc->sortop, &ar->sort);
			ar->images = !tv_type_one_image(ar->argtype,
											TupleDescAttr(node->in_desc, ar->arg - 1)->atttypmod,
											acc->inputcollid);
		}
		else if (acc->kind == TV_ACC_EXTREME)
		{
			HeapTuple	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(acc->aggfn));

			if (!HeapTupleIsValid(tuple))
				elog(ERROR, "cache lookup failed for aggregate %u", acc->aggfn);
			fmgr_info(((Form_pg_aggregate) GETSTRUCT(tuple))->aggtransfn, &ar->fold);
			ReleaseSysCache(tuple);
		}
	}
}

static ExprState *
init_expr(Expr *expr)
{
	return ExecInitExpr(expression_planner(tv_shield_expr_nulls(expr)), NULL);
}

static void
init_projection(TvNodeRuntime *rt)
{
	TvNode	   *node = rt->node;
	TupleDesc	desc = CreateTemplateTupleDesc(rt->nkeys + rt->naggs);
	ListCell   *lc;
	int			i = 0;

	for (i = 0; i < rt->nkeys; i++)
	{
		TupleDescInitEntry(desc, i + 1, NULL, node->keys[i].type, node->keys[i].typmod, 0);
		TupleDescInitEntryCollation(desc, i + 1, node->keys[i].collation);
	}
	foreach(lc, node->aggs)
	{
		Aggref	   *aggref = ((TvAgg *) lfirst(lc))->aggref;

		i++;
		TupleDescInitEntry(desc, i, NULL, aggref->aggtype, -1, 0);
		TupleDescInitEntryCollation(desc, i, aggref->aggcollid);
	}
	rt->group_slot = MakeSingleTupleTableSlot(desc, &TTSOpsVirtual);
	rt->econtext = CreateStandaloneExprContext();
	rt->econtext->ecxt_param_list_info = tv_null_params();
	rt->out = palloc(sizeof(ExprState *) * (list_length(node->out_exprs) + 1));
	i = 0;
	foreach(lc, node->out_exprs)
		rt->out[i++] = init_expr(lfirst(lc));
	if (node->having)
		rt->having = init_expr((Expr *) node->having);
}

bool
tv_runtime_project(TvNodeRuntime *rt, const Datum *keys, const bool *key_nulls,
				   const Datum *results, const bool *result_nulls,
				   Datum *out, bool *out_nulls)
{
	TupleTableSlot *slot = rt->group_slot;
	int			nout = list_length(rt->node->out_exprs);

	ExecClearTuple(slot);
	for (int i = 0; i < rt->nkeys; i++)
	{
		slot->tts_values[i] = keys[i];
		slot->tts_isnull[i] = key_nulls[i];
	}
	for (int i = 0; i < rt->naggs; i++)
	{
		slot->tts_values[rt->nkeys + i] = results[i];
		slot->tts_isnull[rt->nkeys + i] = result_nulls[i];
	}
	ExecStoreVirtualTuple(slot);
	rt->econtext->ecxt_scantuple = slot;

	if (rt->having)
	{
		bool		isnull;
		Datum		passes = ExecEvalExprSwitchContext(rt->having, rt->econtext, &isnull);

		if (isnull || !DatumGetBool(passes))
		{
			memset(out_nulls, true, sizeof(bool) * nout);
			memset(out, 0, sizeof(Datum) * nout);
			return false;
		}
	}
	for (int i = 0; i < nout; i++)
		out[i] = ExecEvalExprSwitchContext(rt->out[i], rt->econtext, &out_nulls[i]);
	return true;
}

void
tv_runtime_results(TvNodeRuntime *rt, const Datum *accs, const bool *acc_nulls,
				   Datum *results, bool *result_nulls)
{
	ListCell   *lc;

	foreach(lc, rt->node->aggs)
	{
		TvAgg	   *agg = lfirst(lc);
		int			i = foreach_current_index(lc);
		int64		count = agg->count_acc < 0 ? 1 : DatumGetInt64(accs[agg->count_acc]);
		bool		fresh = agg->count_acc >= 0 && count == 0;

		result_nulls[i] = false;
		switch (agg->kind)
		{
			case TV_AGG_COUNT:
			case TV_AGG_EXTREME:
				results[i] = accs[agg->acc];
				result_nulls[i] = acc_nulls[agg->acc];
				break;
			case TV_AGG_SUM:
				results[i] = accs[agg->acc];
				result_nulls[i] = fresh || acc_nulls[agg->acc];
				break;
			case TV_AGG_BOOL_AND:
				results[i] = BoolGetDatum(DatumGetInt64(accs[agg->acc]) == count);
				result_nulls[i] = fresh;
				break;
			case TV_AGG_BOOL_OR:
				results[i] = BoolGetDatum(DatumGetInt64(accs[agg->acc]) > 0);
				result_nulls[i] = fresh;
				break;
			case TV_AGG_TRANS:
				{
					TvTrans    *trans = rt->accs[agg->acc].trans;
					TvTransState state;

					tv_trans_load(trans, &state, accs[agg->acc], acc_nulls[agg->acc], fresh,
								  CurrentMemoryContext);
					results[i] = tv_trans_final(trans, &state, &result_nulls[i],
												CurrentMemoryContext);
					break;
				}
			case TV_AGG_RECOMPUTE:
				elog(ERROR, "aggregate has no accumulator");
		}
	}
}

int
tv_runtime_compare_keys(const TvNodeRuntime *rt, const Datum *a, const bool *anull,
						const Datum *b, const bool *bnull)
{
	for (int i = 0; i < rt->nkeys; i++)
	{
		int			c = ApplySortComparator(a[i], anull[i], b[i], bnull[i],
											(SortSupport) &rt->keys[i].sort);

		if (c != 0)
			return c;
	}
	return 0;
}
