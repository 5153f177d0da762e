/*-------------------------------------------------------------------------
 *
 * catalog/extension_owner.c
 *	  Act as the owner of the extension.
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
