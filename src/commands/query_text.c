/*-------------------------------------------------------------------------
 *
 * commands/query_text.c
 *	  A query given as a function's argument.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "parser/parser.h"

#include "commands/query_text.h"

static void transpose_position(void *arg);

void
tv_query_text_enter(TvQueryText *query, const char *text)
{
	query->text = text;

	query->callback.callback = transpose_position;
	query->callback.arg = query;
	query->callback.previous = error_context_stack;
	error_context_stack = &query->callback;
}

void
tv_query_text_leave(const TvQueryText *query)
{
	error_context_stack = query->callback.previous;
}

RawStmt *
tv_query_text_parse(const TvQueryText *query, const char *message)
{
	List	   *parsed = raw_parser(query->text, RAW_PARSE_DEFAULT);

	if (list_length(parsed) != 1 || !IsA(linitial_node(RawStmt, parsed)->stmt, SelectStmt))
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("%s", message)));
	return linitial_node(RawStmt, parsed);
}

/* As SPI does for the statements that it runs. */
static void
transpose_position(void *arg)
{
	TvQueryText *query = arg;
	int			position = geterrposition();

	if (position <= 0)
		return;
	errposition(0);
	internalerrposition(position);
	internalerrquery(query->text);
}
