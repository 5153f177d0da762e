/*-------------------------------------------------------------------------
 *
 * output_settings.c
 *	  The settings that shape how values are written as text, or read from it.
 *
 * Fixed per view at its creation: the same row is rendered the same, whoever
 * writes it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/guc.h"

#include "output_settings.h"

static const char *const setting_names[] = {
	"DateStyle",
	"IntervalStyle",
	"TimeZone",
	"array_nulls",
	"bytea_output",
	"default_text_search_config",
	"extra_float_digits",
	"lc_monetary",
	"lc_numeric",
	"lc_time",
	"timezone_abbreviations",
	"xmlbinary",
	"xmloption"
};

static const char *find_setting(const char *setting);

List *
tv_settings_current(void)
{
	List	   *settings = NIL;

	for (int i = 0; i < lengthof(setting_names); i++)
		settings = lappend(settings,
						   psprintf("%s=%s", setting_names[i],
									GetConfigOption(setting_names[i], false, false)));
	return settings;
}

bool
tv_settings_known(const char *setting)
{
	return find_setting(setting) != NULL;
}

void
tv_settings_apply(List *settings)
{
	ListCell   *lc;

	foreach(lc, settings)
	{
		const char *setting = lfirst(lc);
		const char *name = find_setting(setting);
		const char *value;

		if (name == NULL)
			continue;
		value = setting + strlen(name) + 1;
		/* Setting some of them costs more than comparing all of them. */
		if (strcmp(GetConfigOption(name, false, false), value) == 0)
			continue;
		(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	}
}

/* The name in "name=value", if it is one of ours, else NULL. */
static const char *
find_setting(const char *setting)
{
	for (int i = 0; i < lengthof(setting_names); i++)
	{
		size_t		len = strlen(setting_names[i]);

		if (pg_strncasecmp(setting, setting_names[i], len) == 0 && setting[len] == '=')
			return setting_names[i];
	}
	return NULL;
}
