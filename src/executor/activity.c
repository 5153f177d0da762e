/*-------------------------------------------------------------------------
 *
 * executor/activity.c
 *	  Counters of maintenance, per view, of this backend.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "executor/activity.h"

typedef struct ActivityEntry
{
	Oid			view;
	TvActivity	activity;
} ActivityEntry;

static HTAB *activities = NULL;

TvActivity *
tv_activity_of(Oid view)
{
	ActivityEntry *entry;
	bool		found;

	if (activities == NULL)
	{
		HASHCTL		ctl = {0};

		ctl.keysize = sizeof(Oid);
		ctl.entrysize = sizeof(ActivityEntry);
		ctl.hcxt = TopMemoryContext;
		activities = hash_create("pg_tviews activity", 64, &ctl,
								 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	entry = hash_search(activities, &view, HASH_ENTER, &found);
	if (!found)
		memset(&entry->activity, 0, sizeof(TvActivity));
	return &entry->activity;
}

const TvActivity *
tv_activity(Oid view)
{
	ActivityEntry *entry = activities ? hash_search(activities, &view, HASH_FIND, NULL) : NULL;

	return entry ? &entry->activity : NULL;
}
