/*-------------------------------------------------------------------------
 *
 * delta/analyze_expr.c
 *	  Refuse expressions whose value depends on more than their arguments.
 *
 * IMMUTABLE functions are accepted.  Of the STABLE ones, those of the server
 * that depend only on the settings fixed for a view at its creation
 * (TimeZone, DateStyle, ...).  Functions of time, session or catalogs,
 * VOLATILE functions, and user functions that may read tables are refused by
 * name.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/parser.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

#include "delta/compile_internal.h"

#define WHY_STABLE "Its result may depend on the time, the session or the contents of tables."

/*
 * STABLE functions of the server whose result depends on nothing but their
 * arguments and settings.  Input and output functions are judged by name
 * ending, see stable_is_safe().
 */
static const char *const safe_stable[] = {
	"anytextcat", "array_to_json", "array_to_string", "concat", "concat_ws",
	"date", "date_cmp_timestamptz", "date_eq_timestamptz", "date_ge_timestamptz",
	"date_gt_timestamptz", "date_le_timestamptz", "date_lt_timestamptz",
	"date_ne_timestamptz", "date_part", "date_trunc", "extract", "format",
	"generate_series", "interval_pl_timestamptz", "json_agg", "json_agg_strict",
	"json_build_array", "json_build_object", "json_object_agg",
	"json_object_agg_strict", "json_object_agg_unique",
	"json_object_agg_unique_strict", "json_populate_record",
	"json_populate_recordset", "json_to_record", "json_to_recordset",
	"jsonb_agg", "jsonb_agg_strict", "jsonb_build_array", "jsonb_build_object",
	"jsonb_object_agg", "jsonb_object_agg_strict", "jsonb_object_agg_unique",
	"jsonb_object_agg_unique_strict", "jsonb_populate_record",
	"jsonb_populate_recordset", "jsonb_to_record", "jsonb_to_recordset",
	"overlaps", "phraseto_tsquery", "plainto_tsquery", "quote_literal",
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
	"timestamptz_pl_interval", "timetz", "timezone", "to_char", "to_date",
	"to_json", "to_jsonb", "to_number", "to_timestamp", "to_tsquery",
	"to_tsvector", "websearch_to_tsquery",
};

static bool check_walker(Node *node, TvCompiler *c);
static bool check_function(Oid funcid, void *context);
static bool stable_is_safe(const char *name);
static bool reads_tables(HeapTuple proctup);

bool
tv_analyze_expr(TvCompiler *c, Node *expr)
{
	check_walker(expr, c);
	return c->refusal == NULL;
}

static bool
check_walker(Node *node, TvCompiler *c)
{
	const char *what = NULL;

	if (node == NULL)
		return false;
	check_stack_depth();

	if (IsA(node, Var))
	{
		Var		   *var = (Var *) node;

		if (var->varattno < 0)
			tv_compile_refuse(c, var->location, "%s is not supported in a maintained view",
							  "a system column",
							  "System columns change without a change of the row.",
							  "Use columns of your own.");
		else if (var->varattno == 0)
			tv_compile_refuse(c, var->location, "%s is not supported in a maintained view",
							  "a whole-row reference",
							  "Changes are captured column by column.",
							  "Name the columns.");
		return c->refusal != NULL;
	}
	if (IsA(node, Query))
		what = "a subquery in an expression";
	else if (IsA(node, Param))
		what = "a parameter";
	else if (IsA(node, SQLValueFunction))
	{
		tv_compile_refuse(c, ((SQLValueFunction *) node)->location,
						  "a function of time or session is not supported in a maintained view",
						  NULL,
						  "Its result changes although no base table does.",
						  "Leave it to the query that reads the view.");
		return true;
	}
	else if (IsA(node, NextValueExpr))
		what = "nextval";
	else if (IsA(node, WindowFunc))
		what = "a window function";
	else if (IsA(node, GroupingFunc))
		what = "GROUPING";
	else if (IsA(node, SubLink))
		what = "a subquery in an expression";
	if (what)
	{
		tv_compile_refuse(c, exprLocation(node), "%s is not supported in a maintained view", what,
						  "No maintenance rule exists for it.",
						  "Leave it to the query that reads the view.");
		return true;
	}

	if (IsA(node, CoerceViaIO) || IsA(node, ArrayCoerceExpr))
		c->uses_settings = true;
	if (check_functions_in_node(node, check_function, c))
		return true;
	return expression_tree_walker(node, check_walker, c);
}

/* Callback of check_functions_in_node: true stops the walk. */
static bool
check_function(Oid funcid, void *context)
{
	TvCompiler *c = context;
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(funcid));
	Form_pg_proc proc;
	bool		builtin = funcid < FirstGenbkiObjectId;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", funcid);
	proc = (Form_pg_proc) GETSTRUCT(tuple);

	c->user_code |= !builtin;
	c->uses_settings |= proc->provolatile != PROVOLATILE_IMMUTABLE || !builtin;
	if (proc->provolatile == PROVOLATILE_VOLATILE)
		tv_compile_refuse(c, -1, "function %s is VOLATILE, which is not supported in a maintained view",
						  format_procedure(funcid),
						  "Its result can differ from call to call, so the view could not equal its query.",
						  "Use an IMMUTABLE function.");
	else if (proc->provolatile == PROVOLATILE_STABLE &&
			 !(builtin && stable_is_safe(NameStr(proc->proname))))
		tv_compile_refuse(c, -1, "function %s is STABLE, which is not supported in a maintained view",
						  format_procedure(funcid), WHY_STABLE,
						  builtin ? "Leave it to the query that reads the view." :
						  "Declare it IMMUTABLE if its result depends on its arguments only, or join the tables it reads.");
	else if (!builtin && reads_tables(tuple))
		tv_compile_refuse(c, -1, "function %s reads tables, which is not supported in a maintained view",
						  format_procedure(funcid),
						  "Changes of those tables would not reach the view.",
						  "Join the tables in the view's query.");
	ReleaseSysCache(tuple);
	return c->refusal != NULL;
}

static bool
stable_is_safe(const char *name)
{
	size_t		len = strlen(name);

	for (int i = 0; i < lengthof(safe_stable); i++)
		if (strcmp(name, safe_stable[i]) == 0)
			return true;

	/* input and output of types, but not of those that look up names */
	if (strncmp(name, "reg", 3) == 0)
		return false;
	return (len > 4 && strcmp(name + len - 4, "_out") == 0) ||
		(len > 3 && strcmp(name + len - 3, "_in") == 0) ||
		(len > 3 && strcmp(name + len - 3, "out") == 0);
}

static bool
raw_reads_table(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeVar))
		return true;
	return raw_expression_tree_walker(node, raw_reads_table, context);
}

static bool
query_reads_table(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
		return ((RangeTblEntry *) node)->rtekind == RTE_RELATION;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, query_reads_table, context,
								 QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, query_reads_table, context);
}

/*
 * Does the body of an SQL function name a table?  The bodies of other
 * languages cannot be looked into: IMMUTABLE is their author's promise.
 */
static bool
reads_tables(HeapTuple proctup)
{
	Form_pg_proc proc = (Form_pg_proc) GETSTRUCT(proctup);
	Datum		datum;
	bool		isnull;
	List	   *raw;
	ListCell   *lc;

	if (proc->prolang != SQLlanguageId)
		return false;

	datum = SysCacheGetAttr(PROCOID, proctup, Anum_pg_proc_prosqlbody, &isnull);
	if (!isnull)
		return query_reads_table(stringToNode(TextDatumGetCString(datum)), NULL);

	datum = SysCacheGetAttr(PROCOID, proctup, Anum_pg_proc_prosrc, &isnull);
	if (isnull)
		return false;
	raw = raw_parser(TextDatumGetCString(datum), RAW_PARSE_DEFAULT);
	foreach(lc, raw)
	{
		if (raw_reads_table(lfirst_node(RawStmt, lc)->stmt, NULL))
			return true;
	}
	return false;
}
