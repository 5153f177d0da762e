/*-------------------------------------------------------------------------
 *
 * tv_error.c
 *	  Make and raise refusals.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "tv_error.h"

TvRefusal *
tv_refusal_make(int sqlstate, int location, const char *what,
				const char *arg, const char *why, const char *hint)
{
	TvRefusal  *refusal = palloc0(sizeof(TvRefusal));

	refusal->sqlstate = sqlstate;
	refusal->what = arg ? psprintf(what, arg) : what;
	refusal->why = why;
	refusal->hint = hint;
	refusal->location = location;
	return refusal;
}

void
tv_refusal_raise(const TvRefusal *refusal, const char *source)
{
	int			position = 0;

	if (source && refusal->location >= 0)
		position = pg_mbstrlen_with_len(source, refusal->location) + 1;
	ereport(ERROR,
			(errcode(refusal->sqlstate),
			 errmsg("%s", refusal->what),
			 errdetail("%s", refusal->why),
			 refusal->hint ? errhint("%s", refusal->hint) : 0,
			 position > 0 ? errposition(position) : 0));
	pg_unreachable();
}
