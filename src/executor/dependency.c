/*-------------------------------------------------------------------------
 *
 * executor/dependency.c
 *	  Read/write dependencies by way of views, where the server sees none.
 *
 * Readers and writers of a view leave marks among the server's predicate locks,
 * which outlive a transaction as long as they are of interest, and survive
 * PREPARE TRANSACTION.  A mark is a lock on a page that there is not, whose number
 * is the view's OID: of tview.input for readers, of tview.view for writers.
 * If a transaction has many, the server makes one of them that stands for all.
 *
 * Each side leaves its mark first and looks for the other's afterwards, so that
 * one of the two finds the other.  The writer has the server do it: to write to a
 * page that others have read is what the server looks for.  The reader goes
 * through the locks, and then says that it has read a row which that writer has
 * changed.
 *
 * The server forgets the marks of a writer before its ID in two cases.  When it
 * runs short of room for transactions, it keeps the mark but not whose it is.
 * And as soon as only READ ONLY transactions run beside it, it drops the mark.
 * Then all who are concurrent with the reader are taken for writers of the view.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "storage/predicate.h"
#include "storage/predicate_internals.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "catalog/tv_catalog.h"
#include "executor/dependency.h"

/* Views that this transaction has read, in its context; a rollback to a savepoint keeps it. */
static List *noted = NIL;

void
tv_dependency_end_transaction(void)
{
	noted = NIL;
}

static bool
marks_view(const PREDICATELOCKTARGETTAG *tag, Oid writers, Oid view)
{
	if (GET_PREDICATELOCKTARGETTAG_DB(*tag) != MyDatabaseId ||
		GET_PREDICATELOCKTARGETTAG_RELATION(*tag) != writers)
		return false;
	return GET_PREDICATELOCKTARGETTAG_TYPE(*tag) == PREDLOCKTAG_RELATION ||
		GET_PREDICATELOCKTARGETTAG_PAGE(*tag) == view;
}

/* Depend on those who wrote the view, as far as they are known; false if some are not. */
static bool
depend_on_writers(Relation readers, Relation writers, Oid view, Snapshot snapshot)
{
	PredicateLockData *locks = GetPredicateLockStatusData();
	bool		known = true;

	for (int i = 0; i < locks->nelements; i++)
	{
		TransactionId xid = locks->xacts[i].topXid;

		if (!marks_view(&locks->locktags[i], RelationGetRelid(writers), view))
			continue;
		if (!TransactionIdIsValid(xid))
			known = false;
		else if (XidInMVCCSnapshot(xid, snapshot))
			CheckForSerializableConflictOut(readers, xid, snapshot);
	}
	pfree(locks->locktags);
	pfree(locks->xacts);
	pfree(locks);
	return known;
}

/* Those who are not SERIALIZABLE make no difference. */
static void
depend_on_all(Relation readers, Snapshot snapshot)
{
	TransactionId end = XidFromFullTransactionId(ReadNextFullTransactionId());

	for (uint32 i = 0; i < snapshot->xcnt; i++)
		CheckForSerializableConflictOut(readers, snapshot->xip[i], snapshot);
	for (TransactionId xid = snapshot->xmax; TransactionIdPrecedes(xid, end);)
	{
		CHECK_FOR_INTERRUPTS();
		CheckForSerializableConflictOut(readers, xid, snapshot);
		TransactionIdAdvance(xid);
	}
}

void
tv_dependency_read(Oid view)
{
	Snapshot	snapshot;
	Relation	readers;
	Relation	writers;
	MemoryContext oldcxt;

	if (list_member_oid(noted, view) ||
		!tv_catalog_open_tables(&writers, &readers, AccessShareLock))
		return;
	snapshot = GetTransactionSnapshot();
	/* not of a READ ONLY transaction that has turned out to be safe */
	if (CheckForSerializableConflictOutNeeded(readers, snapshot))
	{
		PredicateLockPage(readers, view, snapshot);
		if (XactReadOnly || !depend_on_writers(readers, writers, view, snapshot))
			depend_on_all(readers, snapshot);
	}
	table_close(readers, AccessShareLock);
	table_close(writers, AccessShareLock);
	oldcxt = MemoryContextSwitchTo(TopTransactionContext);
	noted = lappend_oid(noted, view);
	MemoryContextSwitchTo(oldcxt);
}

void
tv_dependency_written(Oid view)
{
	Relation	readers;
	Relation	writers;

	if (!tv_catalog_open_tables(&writers, &readers, AccessShareLock))
		return;
	PredicateLockPage(writers, view, GetTransactionSnapshot());
	CheckForSerializableConflictIn(readers, NULL, view);
	table_close(readers, AccessShareLock);
	table_close(writers, AccessShareLock);
}
