/*-------------------------------------------------------------------------
 *
 * catalog/tv_tree.c
 *	  Trees of tables: partitions and inheritance children.
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

bool
tv_tree_has_children(Oid relid)
{
	return has_subclass(relid) && find_inheritance_children(relid, NoLock) != NIL;
}

bool
tv_tree_is_member(Oid relid)
{
	return has_subclass(relid) || tv_tree_parents(relid) != NIL;
}

List *
tv_tree_parents(Oid relid)
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

		if (!form->inhdetachpending)
			result = lappend_oid(result, form->inhparent);
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

	/* siblings have the same ancestors: each is looked at once */
	foreach(lc, result)
		result = list_concat_unique_oid(result, tv_tree_parents(lfirst_oid(lc)));
	return result;
}

bool
tv_tree_detaching(Oid relid)
{
	Relation	rel = table_open(InheritsRelationId, AccessShareLock);
	bool		found = false;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_inherits_inhparent, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(relid));
	scan = systable_beginscan(rel, InheritsParentIndexId, true, NULL, 1, &key);
	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
		found = ((Form_pg_inherits) GETSTRUCT(tuple))->inhdetachpending;
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}
