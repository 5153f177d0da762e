/*-------------------------------------------------------------------------
 *
 * commands/query_text.h
 *	  A query given as a function's argument.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_QUERY_TEXT_H
#define TV_QUERY_TEXT_H

#include "nodes/parsenodes.h"

typedef struct TvQueryText
{
	const char *text;
	ErrorContextCallback callback;
} TvQueryText;

/*
 * Between enter and leave, the positions in errors are positions in text, not
 * in the statement that calls the function.  An error leaves by itself.
 */
extern void tv_query_text_enter(TvQueryText *query, const char *text);
extern void tv_query_text_leave(const TvQueryText *query);

/* Parse text; raises 42601 with message, unless it is one SELECT statement. */
extern RawStmt *tv_query_text_parse(const TvQueryText *query, const char *message);

#endif							/* TV_QUERY_TEXT_H */
