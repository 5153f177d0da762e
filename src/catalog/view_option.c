/*-------------------------------------------------------------------------
 *
 * catalog/view_option.c
 *	  What belongs to a view and must survive a dump: mode and settings.
 *
 * Kept as the view's security label of provider "tview":
 *
 *		mode=immediate; TimeZone=UTC; DateStyle=ISO, MDY; ...
 *
 * A label is dumped right after its view and before the view's REFRESH, it
 * follows renames, and the server drops it with the view.  A table marked
 * with pg_extension_config_dump() has none of this: its rows are restored
 * before those views that pg_dump moves behind the constraints they depend on
 * (GROUP BY primary key), and naming a view that is not there yet is an
 * error.
 *
 * Separator is "; ", a semicolon in a value is doubled.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "commands/seclabel.h"
#include "miscadmin.h"
#include "nodes/value.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/relcache.h"
#include "utils/rel.h"

#include "catalog/tv_catalog.h"
#include "output_settings.h"

#define PROVIDER "tview"
#define MODE_PREFIX "mode="

static void check_label(const ObjectAddress *object, const char *label);
static List *split_label(const char *label);
static char *join_label(const char *mode, List *settings);

/* Register the label provider.  Called once per backend. */
void
tv_view_option_init(void)
{
	register_label_provider(PROVIDER, check_label);
}

bool
tv_catalog_mode_known(const char *mode)
{
	return strcmp(mode, TV_MODE_IMMEDIATE) == 0 || strcmp(mode, TV_MODE_DEFERRED) == 0;
}

bool
tv_catalog_option(Oid view, char **mode, List **settings)
{
	ObjectAddress address;
	char	   *label;
	ListCell   *lc;

	ObjectAddressSet(address, RelationRelationId, view);
	label = GetSecurityLabel(&address, PROVIDER);
	*mode = TV_MODE_IMMEDIATE;
	*settings = NIL;
	if (label == NULL)
		return false;
	foreach(lc, split_label(label))
	{
		char	   *item = lfirst(lc);

		if (strncmp(item, MODE_PREFIX, strlen(MODE_PREFIX)) == 0)
			*mode = item + strlen(MODE_PREFIX);
		else if (tv_settings_known(item))
			*settings = lappend(*settings, item);
	}
	return true;
}

void
tv_catalog_record_option(Oid view, const char *mode, List *settings)
{
	ObjectAddress address;

	ObjectAddressSet(address, RelationRelationId, view);
	SetSecurityLabel(&address, PROVIDER, join_label(mode, settings));
	CommandCounterIncrement();
	CacheInvalidateRelcacheByRelid(view);
}

/*
 * Is this label acceptable?  Called for SECURITY LABEL FOR tview, which is
 * what a restored dump runs.  A populated view's text was written under its
 * settings, so they cannot change under it; its mode can.
 */
static void
check_label(const ObjectAddress *object, const char *label)
{
	ListCell   *lc;
	Relation	rel;
	bool		populated;
	char	   *mode;
	List	   *settings = NIL;
	List	   *current;

	if (object->classId != RelationRelationId || object->objectSubId != 0 ||
		!tv_catalog_is_view(object->objectId))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("labels of provider \"%s\" belong to maintained views only", PROVIDER)));

	foreach(lc, label ? split_label(label) : NIL)
	{
		char	   *item = lfirst(lc);

		if (strncmp(item, MODE_PREFIX, strlen(MODE_PREFIX)) == 0 ?
			!tv_catalog_mode_known(item + strlen(MODE_PREFIX)) : !tv_settings_known(item))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unrecognized option of a maintained view: \"%s\"", item),
					 errhint("Options are \"mode=immediate\", \"mode=deferred\" and settings that shape output, as \"TimeZone=UTC\".")));
		if (strncmp(item, MODE_PREFIX, strlen(MODE_PREFIX)) != 0)
			settings = lappend(settings, makeString(item));
	}

	rel = relation_open(object->objectId, AccessShareLock);
	populated = RelationIsPopulated(rel);
	relation_close(rel, NoLock);
	(void) tv_catalog_option(object->objectId, &mode, &current);
	foreach(lc, current)
		lfirst(lc) = makeString(lfirst(lc));
	/* pg_upgrade marks the view populated first, and moves its rows later. */
	if (populated && !IsBinaryUpgrade && !equal(settings, current))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the settings of materialized view \"%s\" cannot be changed while it is populated",
						get_rel_name(object->objectId)),
				 errdetail("Its rows were written under the settings it has."),
				 errhint("Run REFRESH MATERIALIZED VIEW ... WITH NO DATA first, and REFRESH MATERIALIZED VIEW afterwards. The mode alone is changed by tview.set().")));
	CacheInvalidateRelcacheByRelid(object->objectId);
}

/* Split a label into its items; the result is palloc'd. */
static List *
split_label(const char *label)
{
	List	   *items = NIL;
	StringInfoData item;
	const char *p;

	initStringInfo(&item);
	for (p = label; *p; p++)
	{
		if (p[0] == ';' && p[1] == ';')
			p++;
		else if (p[0] == ';')
		{
			items = lappend(items, item.data);
			initStringInfo(&item);
			if (p[1] == ' ')
				p++;
			continue;
		}
		appendStringInfoChar(&item, *p);
	}
	if (item.len > 0)
		items = lappend(items, item.data);
	return items;
}

static char *
join_label(const char *mode, List *settings)
{
	StringInfoData label;
	ListCell   *lc;

	initStringInfo(&label);
	appendStringInfo(&label, MODE_PREFIX "%s", mode);
	foreach(lc, settings)
	{
		const char *p;

		appendStringInfoString(&label, "; ");
		for (p = lfirst(lc); *p; p++)
		{
			if (*p == ';')
				appendStringInfoChar(&label, ';');
			appendStringInfoChar(&label, *p);
		}
	}
	return label.data;
}
