/*-------------------------------------------------------------------------
 *
 * planner/row_security.c
 *	  Has row security come into force for the owner of a view?
 *
 * What happens to tables and views is followed by hooks and event triggers.
 * What a role may do can be changed in any database, by sessions that do not
 * have the library, and no event trigger tells.  But the catalog caches of all
 * backends are told, and who comes later looks for himself, once for each view:
 * a view whose query would give its owner fewer rows now is not read, and not
 * maintained.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "catalog/tv_catalog.h"
#include "planner/row_security.h"
#include "planner/view_cache.h"
#include "planner/view_compile.h"

/* A view that was looked at, and whether nothing has changed since. */
typedef struct CheckedView
{
	Oid			relid;			/* hash key */
	uint64		generation;
} CheckedView;

static HTAB *checked = NULL;
static uint64 current_generation = 1;

static void roles_changed(Datum arg, int cacheid, uint32 hashvalue);
static void compile_again(Oid view);

void
tv_row_security_init(void)
{
	CacheRegisterSyscacheCallback(AUTHOID, roles_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHMEMMEMROLE, roles_changed, (Datum) 0);
}

static void
roles_changed(Datum arg, int cacheid, uint32 hashvalue)
{
	current_generation++;
	tv_view_cache_roles_changed();
}

bool
tv_row_security_enabled(List *relids)
{
	ListCell   *lc;

	foreach(lc, relids)
	{
		HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(lfirst_oid(lc)));
		bool		enabled = false;

		if (HeapTupleIsValid(tuple))
		{
			enabled = ((Form_pg_class) GETSTRUCT(tuple))->relrowsecurity;
			ReleaseSysCache(tuple);
		}
		if (enabled)
			return true;
	}
	return false;
}

void
tv_row_security_check(Oid view)
{
	CheckedView *entry;
	uint64		generation = current_generation;
	List	   *sources;
	ListCell   *lc;

	check_stack_depth();
	if (checked == NULL)
	{
		HASHCTL		ctl = {0};

		ctl.keysize = sizeof(Oid);
		ctl.entrysize = sizeof(CheckedView);
		ctl.hcxt = CacheMemoryContext;
		checked = hash_create("pg_tviews row security", 64, &ctl,
							  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	entry = hash_search(checked, &view, HASH_FIND, NULL);
	if ((entry && entry->generation == generation) || !tv_catalog_is_populated(view))
		return;

	sources = tv_catalog_sources(view);
	if (tv_row_security_enabled(sources))
		compile_again(view);
	foreach(lc, sources)
		if (tv_catalog_is_view(lfirst_oid(lc)))
		tv_row_security_check(lfirst_oid(lc));
	entry = hash_search(checked, &view, HASH_ENTER, NULL);
	entry->generation = generation;
}

/* A view that another one reads is not locked yet. */
static void
compile_again(Oid view)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "pg_tviews row security",
											  ALLOCSET_DEFAULT_SIZES);
	MemoryContext oldcxt = MemoryContextSwitchTo(cxt);
	TvRefusal  *refusal = NULL;

	LockRelationOid(view, AccessShareLock);
	if (tv_view_compile(view, &refusal) == NULL)
		tv_view_refuse(get_rel_name(view), refusal);
	MemoryContextSwitchTo(oldcxt);
	MemoryContextDelete(cxt);
}
