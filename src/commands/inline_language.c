/*-------------------------------------------------------------------------
 *
 * commands/inline_language.c
 *	  DO LANGUAGE tview: CREATE TVIEW and its like.
 *
 * The server's grammar has no TVIEW, and no way to add it.  In a DO block of
 * this language the statements can be written as if it had.  Their heads are
 * rewritten to the server's own statements, which run as if typed:
 *
 *		CREATE [OR REPLACE] TVIEW [IF NOT EXISTS] name [(columns)] ... AS ...
 *		ALTER | DROP | REFRESH TVIEW ...
 *		EXPLAIN TVIEW name | query
 *
 * Among the options of WITH (...), SET (...) and RESET (...) may stand "mode",
 * which the server's own statements have no place for.
 *
 * The server's scanner cuts the text into tokens, so that comments, quotes
 * and dollar quotes are what they are everywhere else.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "common/keywords.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "parser/scanner.h"
#include "parser/scansup.h"
#include "utils/builtins.h"

#include "catalog/tv_catalog.h"
#include "commands/query_text.h"
#include "commands/relation_name.h"
#include "commands/set_option.h"
#include "tv_compat.h"

PG_FUNCTION_INFO_V1(tview_inline_handler);
PG_FUNCTION_INFO_V1(tview_call_handler);
PG_FUNCTION_INFO_V1(tview_validator);

typedef struct TvToken
{
	int			start;			/* byte offset */
	int			code;			/* the scanner's; of punctuation, the
								 * character */
	char	   *word;			/* lower case, if it is an unquoted word */
	char	   *text;			/* without quotes; NULL if it has no text */
} TvToken;

/* A statement being read: tokens[pos] is next, tokens[end] is its ';' or EOF. */
typedef struct TvReader
{
	const char *source;
	TvToken    *tokens;
	int			pos;
	int			end;
} TvReader;

static TvToken *scan_tokens(const char *source, int *ntokens);
static char *unquoted_word(const char *source, int start);
static void run_statement(TvReader *reader);
static void run_create(TvReader *reader);
static void run_alter(TvReader *reader);
static char *read_options(TvReader *reader, bool reset, char **mode);
static char *text_of(TvReader *reader, int token);
static void skip_missing(const char *name);
static Oid	find_relation(const char *name, bool missing_ok);
static void run_explain(TvReader *reader);
static void execute(const char *statement);
static bool accept_word(TvReader *reader, const char *word);
static void expect_word(TvReader *reader, const char *word);
static bool at_char(TvReader *reader, char c);
static bool accept_char(TvReader *reader, char c);
static char *read_name(TvReader *reader);
static void skip_parentheses(TvReader *reader);
static void check_views(TvReader reader);
static char *text_between(TvReader *reader, int from, int to);
pg_noreturn static void syntax_error(TvReader *reader);

/*
 * tview.tview_inline_handler(internal): the body of a DO block
 */
Datum
tview_inline_handler(PG_FUNCTION_ARGS)
{
	InlineCodeBlock *block = (InlineCodeBlock *) PG_GETARG_POINTER(0);
	TvReader	reader = {block->source_text};
	TvQueryText text;
	int			ntokens;
	int			depth = 0;

	tv_query_text_enter(&text, reader.source);
	reader.tokens = scan_tokens(reader.source, &ntokens);
	tv_query_text_leave(&text);
	for (int i = 0; i < ntokens; i++)
	{
		int			code = reader.tokens[i].code;

		if (code == '(')
			depth++;
		else if (code == ')')
			depth--;
		else if (code == 0 || (code == ';' && depth <= 0))
		{
			reader.end = i;
			if (reader.pos < reader.end)
				run_statement(&reader);
			reader.pos = i + 1;
		}
	}
	PG_RETURN_VOID();
}

/*
 * tview.tview_validator(oid): there are no functions in this language
 */
Datum
tview_validator(PG_FUNCTION_ARGS)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("language tview is for DO blocks only"),
			 errhint("Write DO LANGUAGE tview $$ CREATE TVIEW ... $$.")));
	PG_RETURN_VOID();			/* keep compiler quiet */
}

/*
 * tview.tview_call_handler(): nobody gets here
 */
Datum
tview_call_handler(PG_FUNCTION_ARGS)
{
	return tview_validator(fcinfo);
}

/* ------------------------------------------------------------------------
 * Tokens
 * ------------------------------------------------------------------------
 */

/* All tokens, the last one having code 0 (end of text). */
static TvToken *
scan_tokens(const char *source, int *ntokens)
{
	core_yy_extra_type extra;
	core_yyscan_t scanner = scanner_init(source, &extra, &ScanKeywords, ScanKeywordTokens);
	int			size = 64;
	TvToken    *tokens = palloc(size * sizeof(TvToken));
	int			n = 0;

	do
	{
		core_YYSTYPE value = {0};
		YYLTYPE		location;
		char		first;

		CHECK_FOR_INTERRUPTS();
		if (n == size)
		{
			size *= 2;
			tokens = repalloc(tokens, size * sizeof(TvToken));
		}
		tokens[n].code = core_yylex(&value, &location, scanner);
		tokens[n].start = tokens[n].code == 0 ? strlen(source) : location;
		tokens[n].word = unquoted_word(source, tokens[n].start);
		/* integers and parameters come as numbers, not as pointers to a text */
		first = source[tokens[n].start];
		tokens[n].text = isdigit((unsigned char) first) ||
			(first == '$' && isdigit((unsigned char) source[tokens[n].start + 1])) ? NULL : value.str;
	} while (tokens[n++].code != 0);

	scanner_finish(scanner);
	*ntokens = n;
	return tokens;
}

/*
 * The word that stands at start, in lower case; NULL for anything else, such
 * as E'...' and U&"...".
 */
static char *
unquoted_word(const char *source, int start)
{
	const char *p = source + start;
	const char *end = p;

	if (!isalpha((unsigned char) *p) && *p != '_' && !IS_HIGHBIT_SET(*p))
		return NULL;
	while (isalnum((unsigned char) *end) || *end == '_' || *end == '$' || IS_HIGHBIT_SET(*end))
		end++;
	if (*end == '\'' || (end[0] == '&' && (end[1] == '\'' || end[1] == '"')))
		return NULL;
	return downcase_identifier(p, end - p, false, false);
}

/* ------------------------------------------------------------------------
 * Statements
 * ------------------------------------------------------------------------
 */

static void
run_statement(TvReader *reader)
{
	const char *verb = NULL;

	if (accept_word(reader, "create"))
		run_create(reader);
	else if (accept_word(reader, "explain"))
		run_explain(reader);
	else if (accept_word(reader, "alter"))
		run_alter(reader);
	else
	{
		if (accept_word(reader, "drop"))
			verb = "DROP";
		else if (accept_word(reader, "refresh"))
			verb = "REFRESH";
		else
			syntax_error(reader);
		expect_word(reader, "tview");
		check_views(*reader);
		execute(psprintf("%s MATERIALIZED VIEW %s", verb,
						 text_between(reader, reader->pos, reader->end)));
	}
}

static void
run_create(TvReader *reader)
{
	bool		replace = false;
	bool		if_not_exists = false;
	int			head;
	char	   *name;
	char	   *columns;
	char	   *with = "";
	char	   *mode = NULL;
	Oid			existing;

	if (accept_word(reader, "or"))
	{
		expect_word(reader, "replace");
		replace = true;
	}
	expect_word(reader, "tview");
	if (!replace && accept_word(reader, "if"))
	{
		expect_word(reader, "not");
		expect_word(reader, "exists");
		if_not_exists = true;
	}
	head = reader->pos;
	name = read_name(reader);
	skip_parentheses(reader);
	if (reader->pos == reader->end)
		syntax_error(reader);

	/* What is not a maintained view is not ours to replace. */
	if (replace)
	{
		Oid			relid = find_relation(name, true);

		if (OidIsValid(relid))
		{
			tv_relation_require_view(relid);
			execute(psprintf("DROP MATERIALIZED VIEW %s", name));
		}
	}
	columns = text_between(reader, head, reader->pos);
	if (accept_word(reader, "with"))
		with = read_options(reader, false, &mode);
	existing = find_relation(name, true);
	execute(psprintf("CREATE MATERIALIZED VIEW %s%s\nUSING tview %s%s%s%s",
					 if_not_exists ? "IF NOT EXISTS " : "", columns,
					 *with ? "WITH " : "", with, *with ? " " : "",
					 text_between(reader, reader->pos, reader->end)));
	if (mode && find_relation(name, false) != existing)
		tv_set_mode(find_relation(name, false), mode);
}

/* ALTER TVIEW: the server's, but for the mode. */
static void
run_alter(TvReader *reader)
{
	int			head;
	char	   *name;
	char	   *options;
	char	   *mode = NULL;
	bool		reset;
	bool		if_exists = false;

	expect_word(reader, "tview");
	check_views(*reader);
	head = reader->pos;
	if (accept_word(reader, "if"))
	{
		expect_word(reader, "exists");
		if_exists = true;
	}
	name = read_name(reader);
	reset = accept_word(reader, "reset");
	if ((!reset && !accept_word(reader, "set")) || !at_char(reader, '('))
	{
		execute(psprintf("ALTER MATERIALIZED VIEW %s", text_between(reader, head, reader->end)));
		return;
	}
	options = read_options(reader, reset, &mode);
	if (reader->pos < reader->end)
		syntax_error(reader);
	if (mode && OidIsValid(find_relation(name, if_exists)))
		tv_set_mode(find_relation(name, false), mode);
	else if (mode && *options == '\0')
		skip_missing(name);
	if (*options == '\0')
		return;
	execute(psprintf("ALTER MATERIALIZED VIEW %s%s %s %s", if_exists ? "IF EXISTS " : "", name,
					 reset ? "RESET" : "SET", options));
}

/* As the server says it of ALTER ... IF EXISTS. */
static void
skip_missing(const char *name)
{
	RangeVar   *relation = tv_relation_name_parse(name);

	ereport(NOTICE,
			(errmsg("relation \"%s\" does not exist, skipping", relation ? relation->relname : name)));
}

/*
 * Read options in parentheses.  The mode goes to *mode, if it is there; returns
 * the others, again in parentheses, or an empty text if there are none.
 */
static char *
read_options(TvReader *reader, bool reset, char **mode)
{
	StringInfoData others;

	initStringInfo(&others);
	if (!accept_char(reader, '('))
		syntax_error(reader);
	do
	{
		int			first = reader->pos;
		int			value = 0;
		int			depth = 0;

		while (reader->pos < reader->end && (depth > 0 || !at_char(reader, ',')) &&
			   (depth > 0 || !at_char(reader, ')')))
		{
			int			code = reader->tokens[reader->pos++].code;

			depth += code == '(' ? 1 : code == ')' ? -1 : 0;
			if (code == '=' && value == 0)
				value = reader->pos;
		}
		if (reader->pos >= reader->end || reader->pos == first || reader->pos == value)
			syntax_error(reader);
		if (reader->source[reader->tokens[first].start] == '\'' ||
			strcmp(text_of(reader, first), "mode") != 0 ||
			(reader->pos > first + 1 && value != first + 2))
			appendStringInfo(&others, "%s%s", others.len > 0 ? ", " : "(",
							 text_between(reader, first, reader->pos));
		else if (reset && reader->pos == first + 1)
			*mode = TV_MODE_IMMEDIATE;
		else if (!reset && value == 0)
			*mode = "true";		/* what the server takes for no value */
		else if (!reset && reader->pos == value + 1)
			*mode = text_of(reader, value);
		else if (!reset)
			*mode = text_between(reader, value, reader->pos);
		else
			syntax_error(reader);
	} while (accept_char(reader, ','));
	if (!accept_char(reader, ')'))
		syntax_error(reader);
	if (*mode)
		tv_check_mode(*mode);
	if (others.len > 0)
		appendStringInfoChar(&others, ')');
	return others.data;
}

/* A name, keyword or string as the server understands it; else as it is written. */
static char *
text_of(TvReader *reader, int token)
{
	if (reader->tokens[token].text)
		return reader->tokens[token].text;
	return text_between(reader, token, token + 1);
}

static Oid
find_relation(const char *name, bool missing_ok)
{
	RangeVar   *relation = tv_relation_name_parse(name);

	return relation ? RangeVarGetRelid(relation, NoLock, missing_ok) : InvalidOid;
}

/* Print tview.explain(), a line per property. */
static void
run_explain(TvReader *reader)
{
	Oid			argtype = TEXTOID;
	Datum		argument;

	expect_word(reader, "tview");
	argument = CStringGetTextDatum(text_between(reader, reader->pos, reader->end));
	SPI_connect();
	if (SPI_execute_with_args("SELECT node, property, value FROM tview.explain($1)",
							  1, &argtype, &argument, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "tview.explain() failed");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		char	   *node = SPI_getvalue(row, desc, 1);
		char	   *property = SPI_getvalue(row, desc, 2);
		char	   *value = SPI_getvalue(row, desc, 3);

		if (node)
			ereport(INFO, (errmsg("node %s: %s: %s", node, property, value ? value : "")));
		else
			ereport(INFO, (errmsg("%s: %s", property, value ? value : "")));
	}
	SPI_finish();
}

/* Run a statement of the server's, as the user. */
static void
execute(const char *statement)
{
	int			result;

	SPI_connect();
	result = SPI_execute(statement, false, 0);
	if (result < 0)
		elog(ERROR, "SPI_execute failed: %s", SPI_result_code_string(result));
	SPI_finish();
	CommandCounterIncrement();
}

/* ------------------------------------------------------------------------
 * Reading
 * ------------------------------------------------------------------------
 */

static bool
accept_word(TvReader *reader, const char *word)
{
	TvToken    *token = &reader->tokens[reader->pos];

	if (reader->pos >= reader->end || token->word == NULL || strcmp(token->word, word) != 0)
		return false;
	reader->pos++;
	return true;
}

static void
expect_word(TvReader *reader, const char *word)
{
	if (!accept_word(reader, word))
		syntax_error(reader);
}

static bool
at_char(TvReader *reader, char c)
{
	return reader->pos < reader->end && reader->tokens[reader->pos].code == c;
}

static bool
accept_char(TvReader *reader, char c)
{
	if (!at_char(reader, c))
		return false;
	reader->pos++;
	return true;
}

/* Read a possibly qualified name; returns its text. */
static char *
read_name(TvReader *reader)
{
	int			first = reader->pos;

	do
	{
		const char *p = reader->source + reader->tokens[reader->pos].start;

		if (reader->pos >= reader->end ||
			(reader->tokens[reader->pos].word == NULL && *p != '"'))
			syntax_error(reader);
		reader->pos++;
	} while (accept_char(reader, '.'));
	return text_between(reader, first, reader->pos);
}

/* Skip a list in parentheses, if there is one. */
static void
skip_parentheses(TvReader *reader)
{
	int			depth = 0;

	if (reader->pos >= reader->end || reader->tokens[reader->pos].code != '(')
		return;
	do
	{
		if (reader->pos >= reader->end)
			syntax_error(reader);
		if (reader->tokens[reader->pos].code == '(')
			depth++;
		else if (reader->tokens[reader->pos].code == ')')
			depth--;
		reader->pos++;
	} while (depth > 0);
}

/*
 * Raise an error if ALTER, DROP or REFRESH names something else than a
 * maintained view.  A copy of the reader is used: the text is not consumed.
 */
static void
check_views(TvReader reader)
{
	(void) accept_word(&reader, "concurrently");
	if (accept_word(&reader, "if"))
		expect_word(&reader, "exists");
	do
	{
		Oid			relid = find_relation(read_name(&reader), true);

		if (OidIsValid(relid))
			tv_relation_require_view(relid);
	} while (accept_char(&reader, ','));
}

/* The text from one token up to, not including, another. */
static char *
text_between(TvReader *reader, int from, int to)
{
	int			start = reader->tokens[from].start;
	char	   *result = pnstrdup(reader->source + start, reader->tokens[to].start - start);

	/* Between the tokens there may be comments; they stay. */
	for (char *p = result + strlen(result); p > result && scanner_isspace(p[-1]);)
		*--p = '\0';
	return result;
}

static void
syntax_error(TvReader *reader)
{
	TvToken    *token = &reader->tokens[reader->pos];
	int			position = pg_mbstrlen_with_len(reader->source, token->start) + 1;
	const char *hint = "Statements of language tview are CREATE, ALTER, DROP, REFRESH and EXPLAIN TVIEW.";

	if (reader->pos >= reader->end)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("syntax error at end of statement"), errhint("%s", hint),
				 internalerrposition(position), internalerrquery(reader->source)));
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg("syntax error at or near \"%s\"",
					text_between(reader, reader->pos, reader->pos + 1)),
			 errhint("%s", hint),
			 internalerrposition(position), internalerrquery(reader->source)));
}
