/*-------------------------------------------------------------------------
 *
 * catalog/extension_owner.c
 *	  Act as somebody else.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_extension.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"

#include "catalog/extension_owner.h"
#include "catalog/tv_catalog.h"

static Oid	extension_owner(void);

void
tv_extension_owner_enter(TvUser *save)
{
	GetUserIdAndSecContext(&save->userid, &save->sec_context);
	SetUserIdAndSecContext(extension_owner(),
						   save->sec_context | SECURITY_LOCAL_USERID_CHANGE);
}

void
tv_extension_owner_leave(const TvUser *save)
{
	SetUserIdAndSecContext(save->userid, save->sec_context);
}

int
tv_restricted_enter(TvUser *save, Oid userid)
{
	int			nestlevel;

	GetUserIdAndSecContext(&save->userid, &save->sec_context);
	SetUserIdAndSecContext(userid, save->sec_context |
						   SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
	nestlevel = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	return nestlevel;
}

void
tv_restricted_leave(const TvUser *save, int nestlevel)
{
	AtEOXact_GUC(false, nestlevel);
	SetUserIdAndSecContext(save->userid, save->sec_context);
}

static Oid
extension_owner(void)
{
	Relation	rel = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			owner;

	ScanKeyInit(&key, Anum_pg_extension_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(tv_catalog_extension()));
	scan = systable_beginscan(rel, ExtensionOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "extension pg_tviews is not installed");
	owner = ((Form_pg_extension) GETSTRUCT(tuple))->extowner;
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return owner;
}
