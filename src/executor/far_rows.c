/*-------------------------------------------------------------------------
 *
 * executor/far_rows.c
 *	  Lock the row that a changed row joins with, before their key.
 *
 * "Change a line, then its order" in one transaction, beside "change the order"
 * in another: the second has the order's row and waits for the key that the
 * first one has, which will wait for the row.  Without a view the second would
 * not wait at all.  The first cannot be given the row later, so it has to take
 * it before the key: where an edge was seen to be locked for both of its sides
 * (lock_tags.h), who changes one row of it locks the row it joins with, if a
 * unique key leads there.
 *
 * For one key of a statement only.  Several rows would be locked in another
 * order than a statement that changes them does it, and so deadlock with it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/nbtree.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "nodes/nodeFuncs.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "executor/far_rows.h"
#include "tv_compat.h"

static bool is_key(Relation index, const TvFarLeaf *far);
static bool make_scan_keys(Relation index, const TvFarLeaf *far, const Datum *values,
						   ScanKey keys);
static void lock_row(Relation rel, Relation index, ScanKey keys, int nkeys);

TvFarLeaf *
tv_far_leaf(const TvGraph *graph, const TvEdge *edge, int which)
{
	TvSource   *source = graph->sources[edge->sources[1 - which]];
	TvFarLeaf  *far;
	ListCell   *lc;

	if (source->kind != TV_SOURCE_BASE || edge->keys == NIL ||
		edge->sources[0] == edge->sources[1] || list_length(edge->keys) > INDEX_MAX_KEYS)
		return NULL;
	far = palloc0(sizeof(TvFarLeaf));
	far->relid = source->relid;
	far->attnos = palloc(sizeof(AttrNumber) * list_length(edge->keys));
	far->types = palloc(sizeof(Oid) * list_length(edge->keys));
	far->collations = palloc(sizeof(Oid) * list_length(edge->keys));
	foreach(lc, edge->keys)
	{
		TvEdgeKey  *key = lfirst(lc);
		Node	   *column = strip_implicit_coercions((Node *) key->exprs[1 - which]);

		if (!IsA(column, Var) || ((Var *) column)->varattno <= 0 || key->null_safe)
			return NULL;
		far->attnos[far->nkeys] = ((Var *) column)->varattno;
		far->types[far->nkeys] = exprType((Node *) key->exprs[which]);
		far->collations[far->nkeys++] = key->collation;
	}
	return far;
}

void
tv_far_row_lock(const TvFarLeaf *far, const Datum *values)
{
	Relation	rel = try_table_open(far->relid, RowShareLock);
	ScanKeyData keys[INDEX_MAX_KEYS];
	bool		found = false;
	ListCell   *lc;

	if (rel == NULL)
		return;
	/* rows of a partitioned table are in others */
	if (rel->rd_rel->relkind == RELKIND_RELATION && !rel->rd_rel->relhassubclass)
	{
		foreach(lc, RelationGetIndexList(rel))
		{
			Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

			found = is_key(index, far) && make_scan_keys(index, far, values, keys);
			if (found)
				lock_row(rel, index, keys, far->nkeys);
			index_close(index, NoLock);
			if (found)
				break;
		}
	}
	table_close(rel, NoLock);
}

/* Does the index allow one row at most for each key? */
static bool
is_key(Relation index, const TvFarLeaf *far)
{
	Form_pg_index form = index->rd_index;

	if (index->rd_rel->relam != BTREE_AM_OID || !form->indisunique || !form->indimmediate ||
		!form->indisvalid || form->indnkeyatts != far->nkeys ||
		RelationGetIndexPredicate(index) != NIL)
		return false;
	for (int i = 0; i < far->nkeys; i++)
	{
		if (form->indkey.values[i] == 0)
			return false;
	}
	return true;
}

/* False if the index is on other columns, or by another equality. */
static bool
make_scan_keys(Relation index, const TvFarLeaf *far, const Datum *values, ScanKey keys)
{
	for (int i = 0; i < far->nkeys; i++)
	{
		Oid			equality;
		int			k = 0;

		while (k < far->nkeys && far->attnos[k] != index->rd_index->indkey.values[i])
			k++;
		if (k == far->nkeys ||
			(OidIsValid(index->rd_indcollation[i]) &&
			 index->rd_indcollation[i] != far->collations[k]))
			return false;
		equality = get_opfamily_member(index->rd_opfamily[i], index->rd_opcintype[i],
									   far->types[k], BTEqualStrategyNumber);
		if (!OidIsValid(equality))
			return false;
		ScanKeyEntryInitialize(&keys[i], 0, i + 1, BTEqualStrategyNumber, far->types[k],
							   index->rd_indcollation[i], get_opcode(equality), values[k]);
	}
	return true;
}

/* What has become of the row meanwhile is for the maintenance to see. */
static void
lock_row(Relation rel, Relation index, ScanKey keys, int nkeys)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	IndexScanDesc scan = tv_compat_index_beginscan(rel, index, snapshot, nkeys);

	index_rescan(scan, keys, nkeys, NULL, 0);
	if (index_getnext_slot(scan, ForwardScanDirection, slot))
	{
		ItemPointerData tid = slot->tts_tid;
		TM_FailureData failure;

		(void) table_tuple_lock(rel, &tid, snapshot, slot, GetCurrentCommandId(true),
								LockTupleNoKeyExclusive, LockWaitBlock,
								TUPLE_LOCK_FLAG_LOCK_UPDATE_IN_PROGRESS |
								TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &failure);
	}
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	UnregisterSnapshot(snapshot);
}
