/*-------------------------------------------------------------------------
 *
 * executor/store_access.c
 *	  How rows of a store are found: looked up once, used by every flush.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "catalog/tv_state.h"
#include "executor/store_access.h"

static void describe(TvStoreAccess *access, TvNodeRuntime *rt, TvStoreUse use);
static void find_index(TvStoreAccess *access, Relation rel, Oid view);
static void fail_missing(Oid view, const char *what);
static void make_scan_keys(TvStoreAccess *access);
static void check_other_indexes(TvStoreAccess *access, Relation rel);

TvStoreAccess *
tv_store_access(TvNodeRuntime *rt, TvStoreUse use)
{
	TvStoreAccess *access = rt->access[use];
	MemoryContext oldcxt;
	Relation	rel;

	if (access)
		return access;
	oldcxt = MemoryContextSwitchTo(rt->view->cxt);
	access = palloc0(sizeof(TvStoreAccess));
	describe(access, rt, use);
	access->lockmode = access->relid == rt->view->relid ? NoLock : RowExclusiveLock;
	rel = table_open(access->relid, RowExclusiveLock);
	find_index(access, rel, rt->view->relid);
	check_other_indexes(access, rel);
	make_scan_keys(access);
	table_close(rel, NoLock);
	MemoryContextSwitchTo(oldcxt);
	rt->access[use] = access;
	return access;
}

static void
describe(TvStoreAccess *access, TvNodeRuntime *rt, TvStoreUse use)
{
	TvNode	   *node = rt->node;

	if (use == TV_USE_OUTPUT)
	{
		access->relid = node->top ? rt->view->relid : node->state_relid;
		access->identity = node->identity;
		access->nkeys = node->nidentity;
		access->keys = node->identity_attnos;
		return;
	}
	access->relid = use == TV_USE_PRIMARY && node->primary == TV_STORE_VIEW ?
		rt->view->relid : node->state_relid;
	if (node->kind == TV_NODE_PARTITION)
		access->identity = TV_IDENTITY_SHARED;
	else
		access->identity = node->nkeys > 0 ? TV_IDENTITY_KEY : TV_IDENTITY_SINGLE;
	access->nkeys = node->nkeys;
	access->keys = palloc(sizeof(AttrNumber) * (node->nkeys + 1));
	for (int i = 0; i < node->nkeys; i++)
		access->keys[i] = use == TV_USE_PRIMARY ? node->keys[i].primary_attno :
			node->keys[i].state_attno;
}

static void
find_index(TvStoreAccess *access, Relation rel, Oid view)
{
	const char *what = NULL;

	switch (access->identity)
	{
		case TV_IDENTITY_KEY:
			access->index = tv_state_find_key_index(rel, access->nkeys, access->keys);
			what = "a unique index on its key";
			break;
		case TV_IDENTITY_BAG:
			access->index = tv_state_find_hash_index(rel);
			what = "an index on tview.row_hash()";
			break;
		case TV_IDENTITY_SINGLE:
			/* the one row is found by scanning; the index keeps it one */
			access->index = tv_state_find_single_index(rel);
			return;
		case TV_IDENTITY_SHARED:
			if (access->nkeys == 0)
				return;
			access->index = tv_state_find_shared_index(rel, access->nkeys, access->keys);
			what = "an index on its key";
			break;
	}
	if (!OidIsValid(access->index))
		fail_missing(view, what);
}

/* The store may be a state table, which users do not know of. */
static void
fail_missing(Oid view, const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the index by which rows of maintained view \"%s\" are found is missing",
					get_rel_name(view)),
			 errdetail("Its rows are found by %s.", what),
			 errhint("REFRESH MATERIALIZED VIEW %s makes it again.",
					 quote_qualified_identifier(get_namespace_name(get_rel_namespace(view)),
												get_rel_name(view)))));
}

static void
make_scan_keys(TvStoreAccess *access)
{
	Relation	index;

	if (access->identity == TV_IDENTITY_SINGLE || !OidIsValid(access->index))
		return;
	index = index_open(access->index, AccessShareLock);
	access->nscankeys = access->identity == TV_IDENTITY_BAG ? 1 : access->nkeys;
	access->scankeys = palloc0(sizeof(ScanKeyData) * (access->nscankeys + 1));
	access->scanned = palloc0(sizeof(AttrNumber) * (access->nscankeys + 1));
	access->passing = palloc0(sizeof(TvKeyPassing) * (access->nscankeys + 1));
	access->index_of_key = palloc0(sizeof(int) * (access->nkeys + 1));
	if (access->identity == TV_IDENTITY_BAG)
		ScanKeyInit(&access->scankeys[0], 1, BTEqualStrategyNumber, F_INT4EQ, (Datum) 0);
	for (int i = 0; i < access->nkeys && access->identity != TV_IDENTITY_BAG; i++)
	{
		for (int j = 0; j < index->rd_index->indnkeyatts; j++)
		{
			Oid			type = index->rd_opcintype[j];
			Oid			op;

			if (index->rd_index->indkey.values[j] != access->keys[i])
				continue;
			op = get_opfamily_member(index->rd_opfamily[j], type, type, BTEqualStrategyNumber);
			access->index_of_key[i] = j;
			access->scanned[j] = access->keys[i];
			get_typlenbyval(type, &access->passing[j].typlen, &access->passing[j].typbyval);
			ScanKeyEntryInitialize(&access->scankeys[j], 0, j + 1, BTEqualStrategyNumber,
								   InvalidOid, index->rd_indcollation[j], get_opcode(op),
								   (Datum) 0);
			break;
		}
	}
	index_close(index, NoLock);
}

static void
check_other_indexes(TvStoreAccess *access, Relation rel)
{
	List	   *indexes = RelationGetIndexList(rel);
	ListCell   *lc;

	foreach(lc, indexes)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		if (index->rd_index->indisunique && lfirst_oid(lc) != access->index)
			access->other_unique = true;
		index_close(index, NoLock);
	}
	list_free(indexes);
}
