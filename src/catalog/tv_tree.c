/*-------------------------------------------------------------------------
 *
 * catalog/tv_tree.c
 *	  Trees of tables: partitions and inheritance children.
 *
 * A partition that is being detached concurrently is no part of its parent any
 * more, but transactions at REPEATABLE READ and SERIALIZABLE still write to it
 * by way of the parent, until the detaching is complete.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_inherits.h"
#include "utils/fmgroids.h"

#include "catalog/tv_tree.h"

static List *parents_of(Oid relid, bool detaching);

bool
tv_tree_has_children(Oid relid)
{
	return has_subclass(relid) && find_inheritance_children(relid, NoLock) != NIL;
}

bool
tv_tree_is_member(Oid relid)
{
	return has_subclass(relid) || parents_of(relid, true) != NIL;
}

List *
tv_tree_parents(Oid relid)
{
	return parents_of(relid, false);
}

/* detaching: also the one that the table is being detached from. */
static List *
parents_of(Oid relid, bool detaching)
{
	Relation	rel = table_open(InheritsRelationId, AccessShareLock);
	List	   *result = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, InheritsRelidSeqnoIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_inherits form = (Form_pg_inherits) GETSTRUCT(tuple);

		if (detaching || !form->inhdetachpending)
			result = lappend_oid(result, form->inhparent);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return result;
}

/* Partitions of a table that are being detached from it. */
static List *
detaching_from(Oid relid)
{
	Relation	rel = table_open(InheritsRelationId, AccessShareLock);
	List	   *result = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_inherits_inhparent, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, InheritsParentIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_inherits form = (Form_pg_inherits) GETSTRUCT(tuple);

		if (form->inhdetachpending)
			result = lappend_oid(result, form->inhrelid);
	}
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return result;
}

List *
tv_tree_above(Oid relid)
{
	List	   *result = list_make1_oid(relid);
	ListCell   *lc;

	/* the list grows while it is walked */
	foreach(lc, result)
		result = list_concat_unique_oid(result, tv_tree_parents(lfirst_oid(lc)));
	return result;
}

List *
tv_tree_below(Oid relid, LOCKMODE lockmode)
{
	return find_all_inheritors(relid, lockmode, NULL);
}

List *
tv_tree_related(Oid relid)
{
	List	   *result = tv_tree_below(relid, NoLock);
	ListCell   *lc;
	ListCell   *ld;

	/* siblings have the same ancestors: each is looked at once */
	foreach(lc, result)
	{
		Oid			member = lfirst_oid(lc);	/* the list moves as it grows */

		result = list_concat_unique_oid(result, tv_tree_parents(member));
		if (!has_subclass(member))
			continue;
		foreach(ld, detaching_from(member))
			result = list_concat_unique_oid(result, tv_tree_below(lfirst_oid(ld), NoLock));
	}
	return result;
}

bool
tv_tree_detaching(Oid relid)
{
	return detaching_from(relid) != NIL;
}
