/*-------------------------------------------------------------------------
 *
 * delta/function_body.c
 *	  What the bodies of SQL functions read and call.
 *
 * A body that is text is looked at twice: for names of tables, in it and in all
 * functions of the names that it calls, and then analysed, for only that tells
 * which operators and casts are meant.
 *
 * The bodies of other languages cannot be looked into: IMMUTABLE is their
 * author's promise.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/functions.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/analyze.h"
#include "parser/parse_coerce.h"
#include "parser/parser.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

#include "config.h"
#include "delta/compile_internal.h"

/* How the functions that a body calls are looked at. */
typedef struct TvBody
{
	bool		analyze;		/* bodies that are text are analysed */
	Node	   *call;
	List	  **seen;			/* of Oid: functions looked at */
	List	  **operators;		/* of Oid */
} TvBody;

static bool function_reads_tables(Oid funcid, TvBody *b);
static bool names_tables(HeapTuple function, const char *body, List **seen);
static bool names_tables_walker(Node *node, void *seen);
static bool named_function_reads_tables(List *name, List **seen);
static List *analyze_body(HeapTuple function, const char *body, Node *call);
static void enter_settings(HeapTuple function);
static bool can_analyze(HeapTuple function, Node *call);
static void note_operators(const Node *node, List **operators);
static bool query_reads_tables(Node *node, void *context);
static bool callee_reads_tables(Oid funcid, void *context);

/*
 * Does a function read tables, or call an SQL function that does?  call: the node
 * that calls it, or NULL.  *seen: all functions that it was found to call;
 * *operators: those of the user's that it was found to use.
 */
bool
tv_function_reads_tables(Oid funcid, Node *call, List **seen, List **operators)
{
	List	   *named = NIL;
	List	   *unused = NIL;
	TvBody		names = {false, NULL, &named, &unused};
	TvBody		bodies = {true, call, seen, operators};

	return function_reads_tables(funcid, &names) || function_reads_tables(funcid, &bodies);
}

static bool
function_reads_tables(Oid funcid, TvBody *b)
{
	HeapTuple	tuple;
	List	   *queries = NIL;
	Datum		datum;
	bool		isnull;
	bool		result = false;

	check_stack_depth();
	if (funcid < FirstGenbkiObjectId || list_member_oid(*b->seen, funcid))
		return false;
	*b->seen = lappend_oid(*b->seen, funcid);

	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(funcid));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for function %u", funcid);
	if (((Form_pg_proc) GETSTRUCT(tuple))->prolang == SQLlanguageId)
	{
		datum = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosqlbody, &isnull);
		if (!isnull)
			queries = list_make1(stringToNode(TextDatumGetCString(datum)));
		else
		{
			char	   *body;

			datum = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &isnull);
			body = isnull ? "" : TextDatumGetCString(datum);
			if (!b->analyze)
				result = names_tables(tuple, body, b->seen);
			else if (can_analyze(tuple, b->call))
				queries = analyze_body(tuple, body, b->call);
		}
	}
	tv_call_args_expand((Node *) queries);
	result = result || query_reads_tables((Node *) queries, b);
	ReleaseSysCache(tuple);
	return result;
}

/* ------------------------------------------------------------------------
 * Bodies that are text
 * ------------------------------------------------------------------------
 */

static bool
names_tables(HeapTuple function, const char *body, List **seen)
{
	List	   *raw = raw_parser(body, RAW_PARSE_DEFAULT);
	ListCell   *lc;

	foreach(lc, raw)
	{
		if (names_tables_walker(lfirst_node(RawStmt, lc)->stmt, seen))
			return true;
	}
	return false;
}

static bool
names_tables_walker(Node *node, void *seen)
{
	if (node == NULL)
		return false;
	check_stack_depth();
	if (IsA(node, RangeVar))
		return true;
	if (IsA(node, FuncCall) &&
		named_function_reads_tables(((FuncCall *) node)->funcname, seen))
		return true;
	return raw_expression_tree_walker(node, names_tables_walker, seen);
}

/* Which one of a name is meant is not known: it may be any. */
static bool
named_function_reads_tables(List *name, List **seen)
{
	List	   *unused = NIL;
	TvBody		b = {false, NULL, seen, &unused};
	FuncCandidateList candidates = FuncnameGetCandidates(name, -1, NIL, false, false,
														 false, true);

	for (; candidates; candidates = candidates->next)
		if (function_reads_tables(candidates->oid, &b))
			return true;
	return false;
}

/*
 * As the server does when it runs the function, under the settings that it will
 * have in maintenance.
 */
static List *
analyze_body(HeapTuple function, const char *body, Node *call)
{
	MemoryContext cxt = CurrentMemoryContext;
	List	   *volatile queries = NIL;
	int			nestlevel = NewGUCNestLevel();
	ListCell   *lc;

	enter_settings(function);
	PG_TRY();
	{
		SQLFunctionParseInfoPtr info = prepare_sql_fn_parse_info(function, call, InvalidOid);

		foreach(lc, raw_parser(body, RAW_PARSE_DEFAULT))
			queries = lappend(queries, parse_analyze_withcb(lfirst_node(RawStmt, lc), body,
															(ParserSetupHook) sql_fn_parser_setup, info, NULL));
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(cxt);
		error = CopyErrorData();
		/* what is wrong with the body itself is of class 42 */
		if (strncmp(unpack_sql_state(error->sqlerrcode), "42", 2) != 0)
			PG_RE_THROW();
		FlushErrorState();
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("function %s, whose body cannot be analysed, is not supported in a maintained view",
						format_procedure(((Form_pg_proc) GETSTRUCT(function))->oid)),
				 errdetail("%s", error->message),
				 errhint("Maintenance runs with search_path \"%s\": write the schemas of what the body uses, or set a search_path for the function.",
						 TV_SEARCH_PATH)));
	}
	PG_END_TRY();
	AtEOXact_GUC(true, nestlevel);
	return queries;
}

static void
enter_settings(HeapTuple function)
{
	bool		isnull;
	Datum		config = SysCacheGetAttr(PROCOID, function, Anum_pg_proc_proconfig, &isnull);

	(void) set_config_option("search_path", TV_SEARCH_PATH, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	if (!isnull)
		ProcessGUCArray(DatumGetArrayTypeP(config), superuser() ? PGC_SUSET : PGC_USERSET,
						PGC_S_SESSION, GUC_ACTION_SAVE);
}

/*
 * Are the types of the arguments known?  Those of polymorphic functions are where
 * an expression calls them, and not in an aggregate.
 */
static bool
can_analyze(HeapTuple function, Node *call)
{
	Form_pg_proc form = (Form_pg_proc) GETSTRUCT(function);

	for (int i = 0; i < form->pronargs; i++)
	{
		Oid			type = form->proargtypes.values[i];

		if (IsPolymorphicType(type) &&
			(call == NULL || !OidIsValid(get_call_expr_argtype(call, i))))
			return false;
	}
	return true;
}

/* ------------------------------------------------------------------------
 * Analysed bodies
 * ------------------------------------------------------------------------
 */

static void
note_operators(const Node *node, List **operators)
{
	List	   *used = NIL;
	ListCell   *lc;

	/* DISTINCT and NULLIF have the same struct */
	if (IsA(node, OpExpr) || IsA(node, DistinctExpr) || IsA(node, NullIfExpr))
		used = list_make1_oid(((const OpExpr *) node)->opno);
	else if (IsA(node, ScalarArrayOpExpr))
		used = list_make1_oid(((const ScalarArrayOpExpr *) node)->opno);
	else if (IsA(node, RowCompareExpr))
		used = ((const RowCompareExpr *) node)->opnos;
	foreach(lc, used)
		if (lfirst_oid(lc) >= FirstGenbkiObjectId)
		*operators = list_append_unique_oid(*operators, lfirst_oid(lc));
}

static bool
query_reads_tables(Node *node, void *context)
{
	TvBody	   *b = context;
	TvBody		callee = {b->analyze, node, b->seen, b->operators};

	if (node == NULL)
		return false;
	check_stack_depth();
	if (IsA(node, RangeTblEntry))
		return ((RangeTblEntry *) node)->rtekind == RTE_RELATION;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, query_reads_tables, b,
								 QTW_EXAMINE_RTES_BEFORE);
	note_operators(node, b->operators);
	return check_functions_in_node(node, callee_reads_tables, &callee) ||
		expression_tree_walker(node, query_reads_tables, b);
}

static bool
callee_reads_tables(Oid funcid, void *context)
{
	return function_reads_tables(funcid, context);
}
