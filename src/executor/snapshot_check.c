/*-------------------------------------------------------------------------
 *
 * executor/snapshot_check.c
 *	  May a view be read under this snapshot?
 *
 * CREATE and REFRESH of a materialized view are not MVCC-safe: the server
 * writes the new rows so that every snapshot sees them.  A snapshot that is
 * older would see a view that is newer than its tables.  Both commands write
 * the view's row of pg_class, so the transaction that did is the one to look
 * for.  Other commands that write that row are taken for one of these: an error
 * too many, never a wrong row.
 *
 * TRUNCATE, ATTACH PARTITION, COPY FREEZE, a rewriting ALTER TABLE and the like are
 * not MVCC-safe either: an older snapshot sees the table as it never was, but the
 * view as it was.  So they write that row of each view they reach, for this
 * purpose alone.
 *
 * A transaction that keeps its snapshot and fills a view itself fills it with
 * the newest rows all the same, for the view will outlive it.  If these are not
 * its own rows, too, the view is noted, and this transaction cannot read it.  So
 * it is with one that rewrites a table: the newest rows become its own there.
 * One that merely alters a view writes that row of pg_class, too, and those whom
 * it replaces are asked for.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/pg_class.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "catalog/tv_catalog.h"
#include "executor/snapshot_check.h"

/* List of Oid, in the transaction's context; a rollback to a savepoint keeps it. */
static List *newer = NIL;

void
tv_snapshot_note_newer(Oid view)
{
	MemoryContext oldcxt = MemoryContextSwitchTo(TopTransactionContext);

	newer = list_append_unique_oid(newer, view);
	MemoryContextSwitchTo(oldcxt);
}

bool
tv_snapshot_is_newer(Oid view)
{
	return list_member_oid(newer, view);
}

void
tv_snapshot_end_transaction(void)
{
	newer = NIL;
}

/*
 * Has this transaction altered a view whose row in pg_class was another's, which
 * the snapshot does not see?  While this transaction goes on, nobody removes the
 * version that it replaced.
 */
static bool
altered_too_new(Oid view, Snapshot snapshot)
{
	Relation	pg_class = table_open(RelationRelationId, AccessShareLock);
	bool		found = false;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_class_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(view));
	scan = systable_beginscan(pg_class, ClassOidIndexId, true, SnapshotAny, 1, &key);
	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		TransactionId xmin = HeapTupleHeaderGetXmin(tuple->t_data);

		found = TransactionIdIsNormal(xmin) && !TransactionIdIsCurrentTransactionId(xmin) &&
			XidInMVCCSnapshot(xmin, snapshot) && TransactionIdDidCommit(xmin);
	}
	systable_endscan(scan);
	table_close(pg_class, AccessShareLock);
	return found;
}

/* Is the view of that transaction one that the snapshot must not be shown? */
static bool
too_new(Oid view, TransactionId filled_by, Snapshot snapshot)
{
	if (!TransactionIdIsNormal(filled_by))
		return false;
	if (TransactionIdIsCurrentTransactionId(filled_by))
		return tv_snapshot_is_newer(view) || altered_too_new(view, snapshot);
	return XidInMVCCSnapshot(filled_by, snapshot);
}

/* The first of the relations that the snapshot must not be shown. */
static Oid
find_too_new(List *relids, Snapshot snapshot)
{
	ListCell   *lc;

	if (snapshot == NULL || snapshot->snapshot_type != SNAPSHOT_MVCC)
		return InvalidOid;
	foreach(lc, relids)
	{
		HeapTuple	tuple;
		TransactionId xmin;

		if (!tv_catalog_is_view(lfirst_oid(lc)))
			continue;
		tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(lfirst_oid(lc)));
		if (!HeapTupleIsValid(tuple))
			continue;
		xmin = HeapTupleHeaderGetXmin(tuple->t_data);
		ReleaseSysCache(tuple);
		if (too_new(lfirst_oid(lc), xmin, snapshot))
			return lfirst_oid(lc);
	}
	return InvalidOid;
}

bool
tv_snapshot_too_old(List *relids, Snapshot snapshot)
{
	return OidIsValid(find_too_new(relids, snapshot));
}

void
tv_snapshot_check(List *relids, Snapshot snapshot)
{
	Oid			view = find_too_new(relids, snapshot);

	if (OidIsValid(view))
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access to materialized view \"%s\" due to concurrent update",
						get_rel_name(view)),
				 errdetail("It was created, refreshed or altered, or a table that it reads was, and may have rows that this query's snapshot does not see."),
				 errhint("Retry the transaction.")));
}

void
tv_snapshot_shut_out_older(List *views)
{
	Relation	pg_class;
	ListCell   *lc;

	/* what shuts out this transaction's own snapshot must not be forgotten */
	if (IsolationUsesXactSnapshot())
		tv_snapshot_check(views, GetTransactionSnapshot());
	pg_class = table_open(RelationRelationId, RowExclusiveLock);
	foreach(lc, views)
	{
		HeapTuple	tuple = SearchSysCacheCopy1(RELOID, ObjectIdGetDatum(lfirst_oid(lc)));

		if (!HeapTupleIsValid(tuple))
			elog(ERROR, "cache lookup failed for relation %u", lfirst_oid(lc));
		if (!TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data)))
			CatalogTupleUpdate(pg_class, &tuple->t_self, tuple);
		heap_freetuple(tuple);
	}
	table_close(pg_class, RowExclusiveLock);
}
