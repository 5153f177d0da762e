/*-------------------------------------------------------------------------
 *
 * tv_error.h
 *	  A refusal: why a definition cannot be maintained, as a value.
 *
 * The analysis of a definition returns a refusal instead of raising it, so
 * that CREATE can raise it, and tview.explain() can print it, word by word
 * the same.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_ERROR_H
#define TV_ERROR_H

#include "tv_compat.h"

typedef struct TvRefusal
{
	int			sqlstate;		/* ERRCODE_... */
	const char *what;			/* message: the construct, lower case, no full
								 * stop */
	const char *why;			/* detail: full sentence */
	const char *hint;			/* what to write instead, full sentence; or
								 * NULL */
	int			location;		/* byte offset in the query's text, or -1 */
	const char *no_rule;		/* the construct, if all that is missing is a
								 * rule for it; or NULL */
} TvRefusal;

/*
 * Make a refusal in the current memory context.  what is a format for one
 * optional %s argument (arg, may be NULL).  why and hint are constants.
 */
extern TvRefusal *tv_refusal_make(int sqlstate, int location, const char *what,
								  const char *arg, const char *why, const char *hint);

/*
 * Raise a refusal as an error.  source: the text that was refused, in which
 * the construct is then pointed at; NULL if the definition came from the
 * catalog.
 */
pg_noreturn extern void tv_refusal_raise(const TvRefusal *refusal, const char *source);

#endif							/* TV_ERROR_H */
