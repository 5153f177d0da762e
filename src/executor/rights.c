/*-------------------------------------------------------------------------
 *
 * executor/rights.c
 *	  Run maintenance as the view's owner, with the view's settings.
 *
 * Changing a setting costs more than taking a lock, so that a setting is set
 * only where the view's expressions may depend on it and it differs.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/guc.h"

#include "executor/rights.h"

static void
set_if_different(TvRights *rights, const char *name, const char *value)
{
	const char *now = GetConfigOption(name, true, false);

	if (now == NULL || strcmp(now, value) == 0)
		return;
	if (rights->guc_level == 0)
		rights->guc_level = NewGUCNestLevel();
	(void) set_config_option(name, value, PGC_SUSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

void
tv_rights_enter(TvRights *rights, Oid owner, List *settings,
				bool user_code, bool uses_settings)
{
	ListCell   *lc;

	rights->guc_level = 0;
	GetUserIdAndSecContext(&rights->userid, &rights->sec_context);
	SetUserIdAndSecContext(owner, rights->sec_context | SECURITY_RESTRICTED_OPERATION |
						   SECURITY_LOCAL_USERID_CHANGE);
	if (user_code)
		set_if_different(rights, "search_path", TV_SEARCH_PATH);
	if (!uses_settings)
		return;
	foreach(lc, settings)
	{
		char	   *setting = lfirst(lc);
		char	   *equals = strchr(setting, '=');
		char		name[NAMEDATALEN];

		if (equals == NULL || equals - setting >= NAMEDATALEN)
			continue;
		memcpy(name, setting, equals - setting);
		name[equals - setting] = '\0';
		set_if_different(rights, name, equals + 1);
	}
}

void
tv_rights_leave(TvRights *rights)
{
	if (rights->guc_level != 0)
		AtEOXact_GUC(false, rights->guc_level);
	SetUserIdAndSecContext(rights->userid, rights->sec_context);
}
