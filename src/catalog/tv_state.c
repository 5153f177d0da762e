/*-------------------------------------------------------------------------
 *
 * catalog/tv_state.c
 *	  Create and drop hidden state tables.
 *
 * A state table is a member of the extension: left out of dumps, protected
 * from DROP, gone with the extension.  It must not depend on its view: a drop
 * of the view would then recurse to a member of the extension, and the server
 * would drop the extension.  The commands drop it with the view instead.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "catalog/toasting.h"
#include "commands/tablecmds.h"
#include "nodes/makefuncs.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "catalog/extension_owner.h"
#include "catalog/store_index.h"
#include "catalog/tv_catalog.h"
#include "catalog/tv_state.h"

static Oid	define_table(const char *name, List *columns);

Oid
tv_state_create(Oid view, int node, List *columns, TvStateIndex index, int nkeys,
				const AttrNumber *keys, const char *signature)
{
	TvUser		save;
	ObjectAddress state;
	ObjectAddress extension;

	tv_extension_owner_enter(&save);
	ObjectAddressSet(state, RelationRelationId,
					 define_table(psprintf("state_%u_%d", view, node), columns));
	ObjectAddressSet(extension, ExtensionRelationId, tv_catalog_extension());
	/* Within another extension's script the server has made it a member. */
	deleteDependencyRecordsForClass(RelationRelationId, state.objectId,
									ExtensionRelationId, DEPENDENCY_EXTENSION);
	recordDependencyOn(&state, &extension, DEPENDENCY_EXTENSION);

	switch (index)
	{
		case TV_STATE_INDEX_KEY:
			tv_store_index_make_key(state.objectId, nkeys, keys, true, false);
			break;
		case TV_STATE_INDEX_SHARED:
			if (nkeys > 0)
				tv_store_index_make_key(state.objectId, nkeys, keys, false, false);
			break;
		case TV_STATE_INDEX_SINGLE:
			tv_store_index_make_single(state.objectId, false);
			break;
		case TV_STATE_INDEX_HASH:
			tv_store_index_make_hash(state.objectId, false);
			break;
	}
	tv_extension_owner_leave(&save);

	tv_catalog_record_state(view, node, state.objectId, signature);
	return state.objectId;
}

void
tv_state_make_lookup_index(Oid state, List *columns)
{
	TvUser		save;

	tv_extension_owner_enter(&save);
	tv_store_index_make_lookup(state, columns);
	tv_extension_owner_leave(&save);
}

void
tv_state_make_lookup_index_any(Oid state, AttrNumber column)
{
	TvUser		save;

	tv_extension_owner_enter(&save);
	tv_store_index_make_lookup_any(state, column);
	tv_extension_owner_leave(&save);
}

void
tv_state_make_order_index(Oid state, int natts, const AttrNumber *attnos,
						  const bool *descending, const bool *nulls_first)
{
	TvUser		save;

	tv_extension_owner_enter(&save);
	tv_store_index_make_order(state, natts, attnos, descending, nulls_first);
	tv_extension_owner_leave(&save);
}

void
tv_state_drop_all(Oid view)
{
	List	   *states = tv_catalog_states(view);
	ListCell   *lc;

	foreach(lc, states)
	{
		ObjectAddress state;

		ObjectAddressSet(state, RelationRelationId, lfirst_oid(lc));
		if (get_rel_name(state.objectId) == NULL)
			continue;
		performDeletion(&state, DROP_CASCADE,
						PERFORM_DELETION_INTERNAL | PERFORM_DELETION_SKIP_EXTENSIONS);
	}
	tv_catalog_forget_states(view);
}

/* Create the table and its TOAST table. */
static Oid
define_table(const char *name, List *columns)
{
	CreateStmt *stmt = makeNode(CreateStmt);
	ObjectAddress address;

	stmt->relation = makeRangeVar("tview", pstrdup(name), -1);
	stmt->relation->relpersistence = RELPERSISTENCE_PERMANENT;
	stmt->tableElts = copyObject(columns);
	stmt->accessMethod = "heap";
	stmt->oncommit = ONCOMMIT_NOOP;
	/* Room for the new version of a row in its page. */
	stmt->options = list_make1(makeDefElem("fillfactor", (Node *) makeInteger(70), -1));

	address = DefineRelation(stmt, RELKIND_RELATION, InvalidOid, NULL, NULL);
	CommandCounterIncrement();
	NewRelationCreateToastTable(address.objectId, (Datum) 0);
	CommandCounterIncrement();
	return address.objectId;
}
