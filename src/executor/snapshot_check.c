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
 * A transaction that keeps its snapshot and fills a view itself fills it with
 * the newest rows all the same, for the view will outlive it.  If these are not
 * its own rows, too, the view is noted, and this transaction cannot read it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
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

/* Is the view of that transaction one that the snapshot must not be shown? */
static bool
too_new(Oid view, TransactionId filled_by, Snapshot snapshot)
{
	if (!TransactionIdIsNormal(filled_by))
		return false;
	if (TransactionIdIsCurrentTransactionId(filled_by))
		return tv_snapshot_is_newer(view);
	return XidInMVCCSnapshot(filled_by, snapshot);
}

void
tv_snapshot_check(List *relids, Snapshot snapshot)
{
	ListCell   *lc;

	if (snapshot == NULL || snapshot->snapshot_type != SNAPSHOT_MVCC)
		return;
	foreach(lc, relids)
	{
		HeapTuple	tuple;
		TransactionId xmin;
		char	   *name;

		if (!tv_catalog_is_view(lfirst_oid(lc)))
			continue;
		tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(lfirst_oid(lc)));
		if (!HeapTupleIsValid(tuple))
			continue;
		xmin = HeapTupleHeaderGetXmin(tuple->t_data);
		name = pstrdup(NameStr(((Form_pg_class) GETSTRUCT(tuple))->relname));
		ReleaseSysCache(tuple);
		if (too_new(lfirst_oid(lc), xmin, snapshot))
			ereport(ERROR,
					(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
					 errmsg("could not serialize access to materialized view \"%s\" due to concurrent update", name),
					 errdetail("It was created, refreshed or altered, and may have rows that this query's snapshot does not see."),
					 errhint("Retry the transaction.")));
		pfree(name);
	}
}
