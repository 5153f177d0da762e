/*-------------------------------------------------------------------------
 *
 * delta/analyze_function.c
 *	  Refuse functions whose result depends on more than their arguments.
 *
 * IMMUTABLE functions are accepted.  Of the STABLE ones, those of the server
 * that depend only on the settings fixed for a view at its creation
 * (TimeZone, DateStyle, ...).  Functions of time, session or catalogs,
 * VOLATILE functions, and user functions that may read tables are refused by
 * name.  An aggregate is what its transition and final functions are.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

#include "catalog/clock_word.h"
#include "delta/compile_internal.h"

#define WHY_STABLE "Its result may depend on the time, the session or the contents of tables."

/*
 * STABLE functions of the server whose result depends on nothing but their
 * arguments and settings.  What these call to print values of any type is
 * looked at by analyze_conversion.c.
 */
static const char *const safe_stable[] = {
	"anytextcat", "array_to_json", "array_to_string", "concat", "concat_ws",
	"convert", "convert_from", "convert_to", "date", "date_cmp_timestamptz", "date_eq_timestamptz", "date_ge_timestamptz",
	"date_gt_timestamptz", "date_le_timestamptz", "date_lt_timestamptz",
	"date_ne_timestamptz", "date_part", "date_trunc", "extract", "format",
	"generate_series", "interval_pl_timestamptz", "json_agg", "json_agg_strict",
	"json_build_array", "json_build_object", "json_object_agg",
	"json_object_agg_strict", "json_object_agg_unique",
	"json_object_agg_unique_strict", "json_populate_record",
	"json_populate_recordset", "json_to_record", "json_to_recordset",
	"jsonb_agg", "jsonb_agg_strict", "jsonb_build_array", "jsonb_build_object",
	"jsonb_object_agg", "jsonb_object_agg_strict", "jsonb_object_agg_unique",
	"jsonb_object_agg_unique_strict", "jsonb_path_exists_tz",
	"jsonb_path_match_tz", "jsonb_path_query_array_tz",
	"jsonb_path_query_first_tz", "jsonb_path_query_tz", "jsonb_populate_record",
	"jsonb_populate_recordset", "jsonb_to_record", "jsonb_to_recordset",
	"make_timestamptz", "money", "numeric", "overlaps", "phraseto_tsquery", "plainto_tsquery", "quote_literal",
	"quote_nullable", "row_to_json", "string_agg", "textanycat", "time",
	"timestamp", "timestamp_cmp_timestamptz", "timestamp_eq_timestamptz",
	"timestamp_ge_timestamptz", "timestamp_gt_timestamptz",
	"timestamp_le_timestamptz", "timestamp_lt_timestamptz",
	"timestamp_ne_timestamptz", "timestamptz", "timestamptz_cmp_date",
	"timestamptz_cmp_timestamp", "timestamptz_eq_date",
	"timestamptz_eq_timestamp", "timestamptz_ge_date",
	"timestamptz_ge_timestamp", "timestamptz_gt_date",
	"timestamptz_gt_timestamp", "timestamptz_le_date",
	"timestamptz_le_timestamp", "timestamptz_lt_date",
	"timestamptz_lt_timestamp", "timestamptz_mi_interval",
	"timestamptz_ne_date", "timestamptz_ne_timestamp",
	"timestamptz_pl_interval", "to_char", "to_date",
	"to_json", "to_jsonb", "to_number", "to_timestamp", "to_tsquery",
	"to_tsvector", "websearch_to_tsquery", "xml", "xml_is_well_formed",
};

#define IS_BUILTIN(funcid) ((funcid) < FirstGenbkiObjectId)

static const char *stable_hint(Oid funcid);
static bool analyze_function(TvCompiler *c, Oid funcid, bool converts, Node *call,
							 int location);
static bool stable_is_safe(Form_pg_proc function);
static bool conversion_is_safe(Form_pg_proc function);
static bool analyze_aggregate(TvCompiler *c, Oid aggfn, int location);

bool
tv_analyze_function(TvCompiler *c, Oid funcid, int location)
{
	return analyze_function(c, funcid, false, NULL, location);
}

bool
tv_analyze_call(TvCompiler *c, Oid funcid, Node *call)
{
	return analyze_function(c, funcid, false, call, exprLocation(call));
}

bool
tv_analyze_io_function(TvCompiler *c, Oid funcid, int location)
{
	return analyze_function(c, funcid, true, NULL, location);
}

/*
 * converts: it is called to print or read a value, as part of something else.
 * call: the node that calls it, or NULL.
 */
static bool
analyze_function(TvCompiler *c, Oid funcid, bool converts, Node *call, int location)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(funcid));
	bool		builtin = IS_BUILTIN(funcid);
	List	   *seen = NIL;
	List	   *operators = NIL;
	char		volatility;
	bool		safe;
	bool		aggregate;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", funcid);
	volatility = ((Form_pg_proc) GETSTRUCT(tuple))->provolatile;
	aggregate = ((Form_pg_proc) GETSTRUCT(tuple))->prokind == PROKIND_AGGREGATE;
	safe = builtin && (converts ? conversion_is_safe((Form_pg_proc) GETSTRUCT(tuple)) :
					   stable_is_safe((Form_pg_proc) GETSTRUCT(tuple)));
	ReleaseSysCache(tuple);

	/* the default conversion between encodings is found along search_path */
	c->user_code |= (!builtin && funcid != tv_clock_word_function()) ||
		funcid == F_CONVERT || funcid == F_CONVERT_FROM || funcid == F_CONVERT_TO;
	c->uses_settings |= volatility != PROVOLATILE_IMMUTABLE || !builtin;
	if (volatility == PROVOLATILE_VOLATILE)
		tv_compile_refuse(c, location, "function %s is VOLATILE, which is not supported in a maintained view",
						  format_procedure(funcid),
						  "Its result can differ from call to call, so the view could not equal its query.",
						  builtin ? "Leave it to the query that reads the view." :
						  "Declare it IMMUTABLE if its result depends on its arguments only, or leave it to the query that reads the view.");
	else if (volatility == PROVOLATILE_STABLE && !safe)
		tv_compile_refuse(c, location, "function %s is STABLE, which is not supported in a maintained view",
						  format_procedure(funcid),
						  "Its result may depend on the time, the session or the contents of tables.",
						  stable_hint(funcid));
	else if (!builtin && aggregate)
		return analyze_aggregate(c, funcid, location);
	else if (!builtin && tv_function_reads_tables(funcid, call, &seen, &operators))
		tv_compile_refuse(c, location, "function %s reads tables, which is not supported in a maintained view",
						  format_procedure(funcid),
						  "Changes of those tables would not reach the view.",
						  "Join the tables in the view's query.");

	/* what bodies call is part of the definition */
	c->functions = list_concat_unique_oid(c->functions, seen);
	c->operators = list_concat_unique_oid(c->operators, operators);
	return c->refusal == NULL;
}

static const char *
stable_hint(Oid funcid)
{
	return IS_BUILTIN(funcid) ? "Leave it to the query that reads the view." :
		"Declare it IMMUTABLE if its result depends on its arguments only, or join the tables it reads.";
}

static bool
stable_is_safe(Form_pg_proc function)
{
	const char *name = NameStr(function->proname);
	size_t		len = strlen(name);

	/* a time of day in a time zone is one of today's rules for that zone */
	if (strcmp(name, "timetz") == 0 || strcmp(name, "timezone") == 0)
	{
		for (int i = 0; i < function->pronargs; i++)
			if (function->proargtypes.values[i] == TIMEOID ||
				function->proargtypes.values[i] == TIMETZOID)
				return false;
		return true;
	}
	for (int i = 0; i < lengthof(safe_stable); i++)
		if (strcmp(name, safe_stable[i]) == 0)
			return true;

	/* STABLE as their aggregates are, for they call output functions */
	return len > 8 && strcmp(name + len - 8, "_transfn") == 0;
}

/*
 * Output and input functions of types, but not of those that look up names, nor
 * where the time zone of a time of day is computed.
 */
static bool
conversion_is_safe(Form_pg_proc function)
{
	return strncmp(NameStr(function->proname), "reg", 3) != 0 &&
		function->oid != F_ACLITEMIN && function->oid != F_ACLITEMOUT &&
		function->oid != F_TIMETZ_IN;
}

/* What an aggregate is declared as says nothing about its functions. */
static bool
analyze_aggregate(TvCompiler *c, Oid aggfn, int location)
{
	HeapTuple	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(aggfn));
	Form_pg_aggregate form;
	Oid			functions[8];

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for aggregate %u", aggfn);
	form = (Form_pg_aggregate) GETSTRUCT(tuple);
	functions[0] = form->aggtransfn;
	functions[1] = form->aggfinalfn;
	functions[2] = form->aggcombinefn;
	functions[3] = form->aggserialfn;
	functions[4] = form->aggdeserialfn;
	functions[5] = form->aggmtransfn;
	functions[6] = form->aggminvtransfn;
	functions[7] = form->aggmfinalfn;
	ReleaseSysCache(tuple);

	for (int i = 0; i < lengthof(functions); i++)
		if (OidIsValid(functions[i]) && !tv_analyze_function(c, functions[i], location))
			return false;
	return true;
}
