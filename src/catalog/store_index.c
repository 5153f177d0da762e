/*-------------------------------------------------------------------------
 *
 * catalog/store_index.c
 *	  The index by which rows of a store are found.
 *
 * Four kinds: unique on the columns of the key; not unique on columns that rows
 * share; on tview.row_hash(row.*) for rows that have no key; unique on a constant
 * for stores of at most one row.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "nodes/makefuncs.h"
#include "parser/parse_utilcmd.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "catalog/store_index.h"
#include "catalog/tv_catalog.h"
#include "catalog/tv_state.h"
#include "tv_compat.h"

typedef bool (*TvIndexTest) (Relation rel, Relation index, int nkeys, const AttrNumber *keys);

static Oid	find_index(Relation rel, TvIndexTest test, int nkeys, const AttrNumber *keys);
static bool is_key_index(Relation rel, Relation index, int nkeys, const AttrNumber *keys);
static bool is_shared_index(Relation rel, Relation index, int nkeys, const AttrNumber *keys);
static bool is_hash_index(Relation rel, Relation index, int nkeys, const AttrNumber *keys);
static bool is_single_index(Relation rel, Relation index, int nkeys, const AttrNumber *keys);
static bool is_unique(Relation index);
static Oid	row_hash_function(void);
static IndexElem *make_element(char *column, Node *expr);
static void make_index(Oid relid, List *elements, bool unique, bool mark);
static void make_index_by(Oid relid, const char *method, List *elements, bool unique, bool mark);

/* ------------------------------------------------------------------------
 * Find
 * ------------------------------------------------------------------------
 */

Oid
tv_state_find_key_index(Relation rel, int nkeys, const AttrNumber *keys)
{
	return find_index(rel, is_key_index, nkeys, keys);
}

Oid
tv_state_find_shared_index(Relation rel, int nkeys, const AttrNumber *keys)
{
	return find_index(rel, is_shared_index, nkeys, keys);
}

Oid
tv_state_find_hash_index(Relation rel)
{
	return find_index(rel, is_hash_index, 0, NULL);
}

Oid
tv_state_find_single_index(Relation rel)
{
	return find_index(rel, is_single_index, 0, NULL);
}

/* The first index that is usable at all and passes the test. */
static Oid
find_index(Relation rel, TvIndexTest test, int nkeys, const AttrNumber *keys)
{
	List	   *indexes = RelationGetIndexList(rel);
	Oid			result = InvalidOid;
	ListCell   *lc;

	foreach(lc, indexes)
	{
		Relation	index = index_open(lfirst_oid(lc), AccessShareLock);

		if (index->rd_rel->relam == BTREE_AM_OID &&
			index->rd_index->indisvalid && index->rd_index->indisready &&
			RelationGetIndexPredicate(index) == NIL &&
			test(rel, index, nkeys, keys))
			result = RelationGetRelid(index);
		index_close(index, AccessShareLock);
		if (OidIsValid(result))
			break;
	}
	list_free(indexes);
	return result;
}

static bool
is_unique(Relation index)
{
	return index->rd_index->indisunique && index->rd_index->indimmediate;
}

/* Are these columns, in any order, the index's first ones? */
static bool
is_shared_index(Relation rel, Relation index, int nkeys, const AttrNumber *keys)
{
	Form_pg_index form = index->rd_index;

	if (form->indnkeyatts < nkeys)
		return false;
	for (int i = 0; i < nkeys; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(rel), keys[i] - 1);
		Oid			opclass = GetDefaultOpClass(attribute->atttypid, BTREE_AM_OID);
		int			pos;

		for (pos = 0; pos < nkeys; pos++)
			if (form->indkey.values[pos] == keys[i])
				break;
		/* The family tells the equality; of a domain, take the base type's. */
		if (pos == nkeys || !OidIsValid(opclass) ||
			index->rd_opfamily[pos] != get_opclass_family(opclass) ||
			index->rd_indcollation[pos] != attribute->attcollation)
			return false;
	}
	return true;
}

static bool
is_key_index(Relation rel, Relation index, int nkeys, const AttrNumber *keys)
{
	bool		nullable = false;

	if (!is_unique(index) || index->rd_index->indnkeyatts != nkeys ||
		!is_shared_index(rel, index, nkeys, keys))
		return false;
	for (int i = 0; i < nkeys; i++)
		if (!tv_attribute_not_null(RelationGetDescr(rel), keys[i]))
			nullable = true;
	return index->rd_index->indnullsnotdistinct || !nullable;
}

static bool
is_hash_index(Relation rel, Relation index, int nkeys, const AttrNumber *keys)
{
	List	   *exprs = RelationGetIndexExpressions(index);
	FuncExpr   *func;
	Var		   *var;

	if (index->rd_index->indnkeyatts != 1 || list_length(exprs) != 1 ||
		!IsA(linitial(exprs), FuncExpr))
		return false;
	func = linitial_node(FuncExpr, exprs);
	if (func->funcid != row_hash_function() || list_length(func->args) != 1 ||
		!IsA(linitial(func->args), Var))
		return false;
	var = linitial_node(Var, func->args);
	return var->varattno == InvalidAttrNumber;
}

static bool
is_single_index(Relation rel, Relation index, int nkeys, const AttrNumber *keys)
{
	List	   *exprs = RelationGetIndexExpressions(index);

	return is_unique(index) && index->rd_index->indnkeyatts == 1 &&
		list_length(exprs) == 1 && IsA(linitial(exprs), Const) &&
		!((Const *) linitial(exprs))->constisnull;
}

static Oid
row_hash_function(void)
{
	Oid			argtype = RECORDOID;

	return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
						   CStringGetDatum("row_hash"),
						   PointerGetDatum(buildoidvector(&argtype, 1)),
						   ObjectIdGetDatum(tv_catalog_schema()));
}

/* ------------------------------------------------------------------------
 * Make and drop
 * ------------------------------------------------------------------------
 */

void
tv_state_make_key_index(Oid relid, int nkeys, const AttrNumber *keys)
{
	tv_store_index_make_key(relid, nkeys, keys, true, true);
}

void
tv_state_make_hash_index(Oid relid)
{
	tv_store_index_make_hash(relid, true);
}

void
tv_state_make_single_index(Oid relid)
{
	tv_store_index_make_single(relid, true);
}

void
tv_store_index_make_key(Oid relid, int nkeys, const AttrNumber *keys, bool unique, bool mark)
{
	List	   *elements = NIL;

	for (int i = 0; i < nkeys; i++)
		elements = lappend(elements,
						   make_element(get_attname(relid, keys[i], false), NULL));
	make_index(relid, elements, unique, mark);
}

void
tv_store_index_make_lookup_any(Oid relid, AttrNumber column)
{
	make_index_by(relid, "hash", list_make1(make_element(get_attname(relid, column, false), NULL)),
				  false, false);
}

void
tv_store_index_make_lookup(Oid relid, List *columns)
{
	List	   *elements = NIL;
	ListCell   *lc;

	foreach(lc, columns)
		elements = lappend(elements,
						   make_element(get_attname(relid, lfirst_int(lc), false), NULL));
	make_index(relid, elements, false, false);
}

void
tv_store_index_make_order(Oid relid, int natts, const AttrNumber *attnos,
						  const bool *descending, const bool *nulls_first)
{
	List	   *elements = NIL;

	for (int i = 0; i < natts; i++)
	{
		IndexElem  *element = make_element(get_attname(relid, attnos[i], false), NULL);

		element->ordering = descending[i] ? SORTBY_DESC : SORTBY_ASC;
		element->nulls_ordering = nulls_first[i] ? SORTBY_NULLS_FIRST : SORTBY_NULLS_LAST;
		elements = lappend(elements, element);
	}
	make_index(relid, elements, false, false);
}

void
tv_store_index_make_hash(Oid relid, bool mark)
{
	ColumnRef  *row = makeNode(ColumnRef);
	FuncCall   *call;

	row->fields = list_make2(makeString(get_rel_name(relid)), makeNode(A_Star));
	row->location = -1;
	call = makeFuncCall(list_make2(makeString("tview"), makeString("row_hash")),
						list_make1(row), COERCE_EXPLICIT_CALL, -1);
	make_index(relid, list_make1(make_element(NULL, (Node *) call)), false, mark);
}

void
tv_store_index_make_single(Oid relid, bool mark)
{
	A_Const    *constant = makeNode(A_Const);

	constant->val.boolval.type = T_Boolean;
	constant->val.boolval.boolval = true;
	constant->location = -1;
	make_index(relid, list_make1(make_element(NULL, (Node *) constant)), true, mark);
}

List *
tv_store_index_ours(Oid relid)
{
	Relation	rel = table_open(relid, NoLock);
	List	   *indexes = RelationGetIndexList(rel);
	List	   *ours = NIL;
	ListCell   *lc;

	table_close(rel, NoLock);
	foreach(lc, indexes)
	{
		if (list_member_oid(getAutoExtensionsOfObject(RelationRelationId, lfirst_oid(lc)),
							tv_catalog_extension()))
			ours = lappend_oid(ours, lfirst_oid(lc));
	}
	return ours;
}

void
tv_store_index_drop_ours(Oid relid, Oid keep)
{
	ListCell   *lc;

	foreach(lc, tv_store_index_ours(relid))
	{
		ObjectAddress address;

		if (lfirst_oid(lc) == keep)
			continue;
		LockRelationOid(lfirst_oid(lc), AccessExclusiveLock);
		ObjectAddressSet(address, RelationRelationId, lfirst_oid(lc));
		performDeletion(&address, DROP_RESTRICT, PERFORM_DELETION_INTERNAL);
	}
}

static IndexElem *
make_element(char *column, Node *expr)
{
	IndexElem  *element = makeNode(IndexElem);

	element->name = column;
	element->expr = expr;
	element->ordering = SORTBY_DEFAULT;
	element->nulls_ordering = SORTBY_NULLS_DEFAULT;
	return element;
}

/*
 * Make a btree index; a unique one holds one row without values, too.  mark:
 * as ours.
 */
static void
make_index(Oid relid, List *elements, bool unique, bool mark)
{
	make_index_by(relid, "btree", elements, unique, mark);
}

static void
make_index_by(Oid relid, const char *method, List *elements, bool unique, bool mark)
{
	IndexStmt  *stmt = makeNode(IndexStmt);
	ObjectAddress address;

	stmt->relation = makeRangeVar(get_namespace_name(get_rel_namespace(relid)),
								  get_rel_name(relid), -1);
	stmt->accessMethod = pstrdup(method);
	stmt->indexParams = elements;
	stmt->unique = unique;
	stmt->nulls_not_distinct = unique;
	stmt = transformIndexStmt(relid, stmt, "");
	address = tv_define_index(relid, stmt);

	if (mark)
	{
		ObjectAddress extension;

		ObjectAddressSet(extension, ExtensionRelationId, tv_catalog_extension());
		recordDependencyOn(&address, &extension, DEPENDENCY_AUTO_EXTENSION);
	}
	CommandCounterIncrement();
}
