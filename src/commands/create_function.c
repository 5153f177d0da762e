/*-------------------------------------------------------------------------
 *
 * commands/create_function.c
 *	  tview.create(): CREATE MATERIALIZED VIEW as a function.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "parser/analyze.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "commands/definition_lock.h"
#include "commands/query_text.h"
#include "commands/relation_name.h"
#include "commands/set_option.h"

PG_FUNCTION_INFO_V1(tview_create);

#define OPTIONS_HINT \
	"Options are \"mode\" (\"immediate\" or \"deferred\"), \"with_data\" and \"if_not_exists\" (true or false)."

typedef struct TvCreateOptions
{
	bool		with_data;
	bool		if_not_exists;
	char	   *mode;			/* NULL: the default */
} TvCreateOptions;

static TvCreateOptions read_options(Jsonb *jsonb);
static void read_option(TvCreateOptions *options, const char *key, JsonbValue *value);
static bool read_bool(const char *key, JsonbValue *value);
static char *read_mode(JsonbValue *value);
static void create_view(RangeVar *relation, RawStmt *select, const char *query,
						const TvCreateOptions *options);

/*
 * tview.create(name text, query text, options jsonb) returns regclass
 */
Datum
tview_create(PG_FUNCTION_ARGS)
{
	char	   *name;
	char	   *query;
	TvCreateOptions options;
	RangeVar   *relation;
	TvQueryText query_text;
	Oid			existing;
	Oid			view;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("name, query and options must not be null"),
				 errhint("Without options, leave the argument out.")));
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	query = text_to_cstring(PG_GETARG_TEXT_PP(1));
	options = read_options(PG_GETARG_JSONB_P(2));
	relation = tv_relation_name_parse(name);
	if (relation == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("invalid name of a view: \"%s\"", name)));

	existing = RangeVarGetRelid(relation, NoLock, true);
	/* CREATE takes it, too; before the query is analyzed is better */
	tv_definitions_lock();
	tv_query_text_enter(&query_text, query);
	create_view(relation,
				tv_query_text_parse(&query_text, "the query of a view must be one SELECT statement"),
				query, &options);
	tv_query_text_leave(&query_text);

	view = RangeVarGetRelid(relation, NoLock, false);
	if (options.mode && view != existing)
		tv_set_mode(view, options.mode);
	PG_RETURN_OID(view);
}

/* Run the statement that the grammar would make of it. */
static void
create_view(RangeVar *relation, RawStmt *select, const char *query,
			const TvCreateOptions *options)
{
	CreateTableAsStmt *stmt = makeNode(CreateTableAsStmt);
	RawStmt    *raw = makeNode(RawStmt);
	PlannedStmt *planned = makeNode(PlannedStmt);

	stmt->query = select->stmt;
	stmt->into = makeNode(IntoClause);
	stmt->into->rel = relation;
	stmt->into->accessMethod = "tview";
	stmt->into->onCommit = ONCOMMIT_NOOP;
	stmt->into->skipData = !options->with_data;
	stmt->objtype = OBJECT_MATVIEW;
	stmt->if_not_exists = options->if_not_exists;
	raw->stmt = (Node *) stmt;

	planned->commandType = CMD_UTILITY;
	planned->utilityStmt = parse_analyze_fixedparams(raw, query, NULL, 0, NULL)->utilityStmt;
	planned->canSetTag = false;
	planned->stmt_location = -1;
	CommandCounterIncrement();
	ProcessUtility(planned, query, false, PROCESS_UTILITY_QUERY, NULL, NULL,
				   None_Receiver, NULL);
	CommandCounterIncrement();
}

static TvCreateOptions
read_options(Jsonb *jsonb)
{
	TvCreateOptions options = {true, false, NULL};
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	value;
	char	   *key = NULL;

	if (!JB_ROOT_IS_OBJECT(jsonb))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("options must be a JSON object"),
				 errhint(OPTIONS_HINT)));
	iterator = JsonbIteratorInit(&jsonb->root);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			key = pnstrdup(value.val.string.val, value.val.string.len);
		else if (token == WJB_VALUE)
			read_option(&options, key, &value);
	}
	return options;
}

static void
read_option(TvCreateOptions *options, const char *key, JsonbValue *value)
{
	if (strcmp(key, "with_data") == 0)
		options->with_data = read_bool(key, value);
	else if (strcmp(key, "if_not_exists") == 0)
		options->if_not_exists = read_bool(key, value);
	else if (strcmp(key, "mode") == 0)
		options->mode = read_mode(value);
	else
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unrecognized option \"%s\"", key),
				 errhint(OPTIONS_HINT)));
}

static bool
read_bool(const char *key, JsonbValue *value)
{
	if (value->type != jbvBool)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"%s\" must be true or false", key),
				 errhint(OPTIONS_HINT)));
	return value->val.boolean;
}

static char *
read_mode(JsonbValue *value)
{
	char	   *mode;

	if (value->type != jbvString)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("option \"%s\" must be a string", "mode"),
				 errhint(OPTIONS_HINT)));
	mode = pnstrdup(value->val.string.val, value->val.string.len);
	tv_check_mode(mode);
	return mode;
}
