/*-------------------------------------------------------------------------
 *
 * commands/inspect.c
 *	  What tview.views and tview.activity() show.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "catalog/tv_catalog.h"
#include "commands/relation_name.h"
#include "commands/view_build.h"
#include "executor/populate.h"
#include "planner/view_compile.h"

PG_FUNCTION_INFO_V1(tview_mode);
PG_FUNCTION_INFO_V1(tview_strategy);
PG_FUNCTION_INFO_V1(tview_activity);

/*
 * tview.mode(regclass) returns text
 */
Datum
tview_mode(PG_FUNCTION_ARGS)
{
	Oid			view = PG_GETARG_OID(0);
	char	   *mode;
	List	   *settings;

	if (!tv_catalog_is_view(view))
		PG_RETURN_NULL();
	(void) tv_catalog_option(view, &mode, &settings);
	PG_RETURN_TEXT_P(cstring_to_text(mode));
}

/*
 * tview.strategy(regclass) returns text: those of the nodes, from the top down
 */
Datum
tview_strategy(PG_FUNCTION_ARGS)
{
	Oid			view = PG_GETARG_OID(0);
	TvRefusal  *refusal = NULL;
	TvGraph    *graph;
	StringInfoData text;

	LockRelationOid(view, AccessShareLock);
	if (!tv_catalog_is_view(view))
		PG_RETURN_NULL();
	graph = tv_view_compile(view, &refusal);
	if (graph == NULL)
		PG_RETURN_TEXT_P(cstring_to_text("refused"));

	initStringInfo(&text);
	for (int i = graph->nnodes - 1; i >= 0; i--)
		appendStringInfo(&text, "%s%s", text.len > 0 ? ", " : "",
						 tv_graph_strategy(graph->nodes[i]));
	PG_RETURN_TEXT_P(cstring_to_text(text.data));
}

/*
 * tview.activity(regclass) returns record: the counters of this session
 */
Datum
tview_activity(PG_FUNCTION_ARGS)
{
	Oid			view = PG_GETARG_OID(0);
	const TvActivity *activity;
	TvActivity	none = {0};
	TupleDesc	desc;
	Datum		values[8];
	bool		nulls[8] = {false};

	tv_relation_require_view(view);
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE || desc->natts != 8)
		elog(ERROR, "tview.activity() must return eight columns");
	activity = tv_activity(view);
	if (activity == NULL)
		activity = &none;
	values[0] = Int64GetDatum(activity->flushes);
	values[1] = Int64GetDatum(activity->delta_in);
	values[2] = Int64GetDatum(activity->delta_out);
	values[3] = Int64GetDatum(activity->groups);
	values[4] = Int64GetDatum(activity->rescans);
	values[5] = Int64GetDatum(activity->inserted);
	values[6] = Int64GetDatum(activity->updated);
	values[7] = Int64GetDatum(activity->deleted);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
