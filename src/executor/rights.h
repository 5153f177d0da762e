/*-------------------------------------------------------------------------
 *
 * executor/rights.h
 *	  Run maintenance as the view's owner, with the view's settings.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_RIGHTS_H
#define TV_RIGHTS_H

#include "config.h"
#include "planner/view_cache.h"

typedef struct TvRights
{
	Oid			userid;
	int			sec_context;
	int			guc_level;		/* 0: no setting was changed */
} TvRights;

/*
 * Become the view's owner in a security-restricted operation; set search_path
 * and the recorded settings as far as expressions of the view may depend on
 * them.  force: set them in any case (for queries of any kind).
 */
extern void tv_rights_enter(TvRights *rights, Oid owner, List *settings,
							bool user_code, bool uses_settings);

/* Undo it; also to be called in PG_CATCH. */
extern void tv_rights_leave(TvRights *rights);

#endif							/* TV_RIGHTS_H */
