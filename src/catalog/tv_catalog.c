/*-------------------------------------------------------------------------
 *
 * catalog/tv_catalog.c
 *	  Rows of the extension's tables, and the OIDs of its objects.
 *
 * The only code that knows the columns of the tables.  It reads and writes
 * them as the server does with its own catalogs: through their primary keys,
 * without privilege checks, and with CommandCounterIncrement() after each
 * change, so that the next reader sees it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "catalog/tv_catalog.h"

/* Columns of the tables. */
enum
{
	VIEW_VIEW = 1, VIEW_FORMAT, VIEW_LEVEL, VIEW_NATTS = VIEW_LEVEL
};
enum
{
	INPUT_VIEW = 1, INPUT_SOURCE, INPUT_NATTS = INPUT_SOURCE
};
enum
{
	STATE_VIEW = 1, STATE_NODE, STATE_STATE, STATE_SIGNATURE, STATE_NATTS = STATE_SIGNATURE
};

/* The indexes that are scanned, with the table of each. */
typedef enum TvIndex
{
	BY_VIEW,					/* view (view) */
	INPUT_BY_SOURCE,			/* input (source, view) */
	INPUT_BY_VIEW,				/* input (view) */
	STATE_BY_VIEW				/* state (view, node) */
} TvIndex;

#define N_INDEXES (STATE_BY_VIEW + 1)

static const struct
{
	const char *table;
	const char *index;
	AttrNumber	first;			/* the table's column that comes first in it */
}			index_info[N_INDEXES] = {
	{"view", "view_pkey", VIEW_VIEW},
	{"input", "input_pkey", INPUT_SOURCE},
	{"input", "input_view_idx", INPUT_VIEW},
	{"state", "state_pkey", STATE_VIEW}
};

/* OIDs of our objects, looked up once; valid is reset by invalidations. */
static struct
{
	bool		valid;
	Oid			extension;
	Oid			schema;
	Oid			access_method;
	Oid			table[N_INDEXES];
	Oid			index[N_INDEXES];
}			objects;

/* A scan of one of our tables. */
typedef struct TvCatalogScan
{
	Relation	rel;
	SysScanDesc scan;
} TvCatalogScan;

static void look_up_objects(void);
static void forget_objects(Datum arg, int cacheid, uint32 hashvalue);
static bool begin_scan(TvCatalogScan *scan, TvIndex index, Oid first, LOCKMODE lockmode);
static void end_scan(TvCatalogScan *scan, LOCKMODE lockmode);
static void insert_row(TvIndex index, Datum *values);
static void delete_rows(TvIndex index, Oid first);
static Oid	get_oid(TvCatalogScan *scan, HeapTuple tuple, AttrNumber attno);

/* ------------------------------------------------------------------------
 * Objects of the extension
 * ------------------------------------------------------------------------
 */

void
tv_catalog_init(void)
{
	CacheRegisterSyscacheCallback(AMOID, forget_objects, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, forget_objects, (Datum) 0);
}

Oid
tv_catalog_extension(void)
{
	look_up_objects();
	return objects.extension;
}

Oid
tv_catalog_schema(void)
{
	look_up_objects();
	return objects.schema;
}

Oid
tv_catalog_access_method(void)
{
	look_up_objects();
	return objects.access_method;
}

bool
tv_catalog_installed(void)
{
	return OidIsValid(tv_catalog_access_method());
}

bool
tv_catalog_is_view(Oid relid)
{
	HeapTuple	tuple;
	Form_pg_class form;
	bool		result;

	if (!tv_catalog_installed())
		return false;
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	if (!HeapTupleIsValid(tuple))
		return false;
	form = (Form_pg_class) GETSTRUCT(tuple);
	result = form->relkind == RELKIND_MATVIEW &&
		form->relam == objects.access_method;
	ReleaseSysCache(tuple);
	return result;
}

/*
 * Fill the cache of OIDs.  Nothing can be looked up outside of a transaction
 * (or in a failed one); the extension then counts as not installed, for the
 * moment.
 */
static void
look_up_objects(void)
{
	Oid			extension = InvalidOid;
	Oid			schema = InvalidOid;
	Oid			access_method = InvalidOid;

	if (objects.valid && IsTransactionState())
		return;
	memset(&objects, 0, sizeof(objects));
	if (!IsTransactionState())
		return;

	/* An invalidation during the look-up must not be lost. */
	objects.valid = true;
	extension = get_extension_oid("pg_tviews", true);
	if (OidIsValid(extension))
	{
		schema = get_namespace_oid("tview", true);
		access_method = get_table_am_oid("tview", true);
	}
	if (!OidIsValid(schema) || !OidIsValid(access_method))
		return;
	objects.extension = extension;
	objects.schema = schema;
	objects.access_method = access_method;
}

static void
forget_objects(Datum arg, int cacheid, uint32 hashvalue)
{
	objects.valid = false;
}

/* ------------------------------------------------------------------------
 * Views and their inputs
 * ------------------------------------------------------------------------
 */

bool
tv_catalog_is_populated(Oid view)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(view));
	bool		result = false;

	if (HeapTupleIsValid(tuple))
	{
		result = ((Form_pg_class) GETSTRUCT(tuple))->relispopulated;
		ReleaseSysCache(tuple);
	}
	return result;
}

bool
tv_catalog_has_view(Oid view)
{
	TvCatalogScan scan;
	bool		found;

	if (!begin_scan(&scan, BY_VIEW, view, AccessShareLock))
		return false;
	found = HeapTupleIsValid(systable_getnext(scan.scan));
	end_scan(&scan, AccessShareLock);
	return found;
}

int
tv_catalog_view_level(Oid view)
{
	TvCatalogScan scan;
	HeapTuple	tuple;
	int			level = 0;

	if (!begin_scan(&scan, BY_VIEW, view, AccessShareLock))
		return 0;
	tuple = systable_getnext(scan.scan);
	if (HeapTupleIsValid(tuple))
	{
		bool		isnull;

		level = DatumGetInt32(heap_getattr(tuple, VIEW_LEVEL,
										   RelationGetDescr(scan.rel), &isnull));
	}
	end_scan(&scan, AccessShareLock);
	return level;
}

void
tv_catalog_record_view(Oid view, int level, List *sources)
{
	Datum		values[VIEW_NATTS];
	ListCell   *lc;

	delete_rows(BY_VIEW, view);
	delete_rows(INPUT_BY_VIEW, view);

	values[VIEW_VIEW - 1] = ObjectIdGetDatum(view);
	values[VIEW_FORMAT - 1] = Int32GetDatum(TV_STATE_FORMAT);
	values[VIEW_LEVEL - 1] = Int32GetDatum(level);
	insert_row(BY_VIEW, values);

	foreach(lc, sources)
	{
		Datum		input[INPUT_NATTS];

		input[INPUT_VIEW - 1] = ObjectIdGetDatum(view);
		input[INPUT_SOURCE - 1] = ObjectIdGetDatum(lfirst_oid(lc));
		insert_row(INPUT_BY_SOURCE, input);
	}
	CommandCounterIncrement();
}

void
tv_catalog_forget_view(Oid view)
{
	delete_rows(STATE_BY_VIEW, view);
	delete_rows(INPUT_BY_VIEW, view);
	delete_rows(BY_VIEW, view);
	CommandCounterIncrement();
}

List *
tv_catalog_all_views(void)
{
	TvCatalogScan scan;
	HeapTuple	tuple;
	List	   *result = NIL;

	if (!begin_scan(&scan, BY_VIEW, InvalidOid, AccessShareLock))
		return NIL;
	while (HeapTupleIsValid(tuple = systable_getnext(scan.scan)))
		result = lappend_oid(result, get_oid(&scan, tuple, VIEW_VIEW));
	end_scan(&scan, AccessShareLock);
	return result;
}

List *
tv_catalog_readers(Oid source)
{
	TvCatalogScan scan;
	HeapTuple	tuple;
	List	   *result = NIL;

	if (!begin_scan(&scan, INPUT_BY_SOURCE, source, AccessShareLock))
		return NIL;
	while (HeapTupleIsValid(tuple = systable_getnext(scan.scan)))
		result = lappend_oid(result, get_oid(&scan, tuple, INPUT_VIEW));
	end_scan(&scan, AccessShareLock);
	return result;
}

List *
tv_catalog_sources(Oid view)
{
	TvCatalogScan scan;
	HeapTuple	tuple;
	List	   *result = NIL;

	if (!begin_scan(&scan, INPUT_BY_VIEW, view, AccessShareLock))
		return NIL;
	while (HeapTupleIsValid(tuple = systable_getnext(scan.scan)))
		result = lappend_oid(result, get_oid(&scan, tuple, INPUT_SOURCE));
	end_scan(&scan, AccessShareLock);
	list_sort(result, list_oid_cmp);
	return result;
}

/* ------------------------------------------------------------------------
 * State tables
 * ------------------------------------------------------------------------
 */

Oid
tv_catalog_state(Oid view, int node, char **signature)
{
	TvCatalogScan scan;
	HeapTuple	tuple;
	Oid			result = InvalidOid;

	if (signature)
		*signature = NULL;
	if (!begin_scan(&scan, STATE_BY_VIEW, view, AccessShareLock))
		return InvalidOid;
	while (HeapTupleIsValid(tuple = systable_getnext(scan.scan)))
	{
		TupleDesc	desc = RelationGetDescr(scan.rel);
		bool		isnull;

		if (DatumGetInt32(heap_getattr(tuple, STATE_NODE, desc, &isnull)) != node)
			continue;
		result = get_oid(&scan, tuple, STATE_STATE);
		if (signature)
			*signature = TextDatumGetCString(heap_getattr(tuple, STATE_SIGNATURE,
														  desc, &isnull));
	}
	end_scan(&scan, AccessShareLock);
	return result;
}

List *
tv_catalog_states(Oid view)
{
	TvCatalogScan scan;
	HeapTuple	tuple;
	List	   *result = NIL;

	if (!begin_scan(&scan, STATE_BY_VIEW, view, AccessShareLock))
		return NIL;
	while (HeapTupleIsValid(tuple = systable_getnext(scan.scan)))
		result = lappend_oid(result, get_oid(&scan, tuple, STATE_STATE));
	end_scan(&scan, AccessShareLock);
	return result;
}

void
tv_catalog_record_state(Oid view, int node, Oid state, const char *signature)
{
	Datum		values[STATE_NATTS];

	values[STATE_VIEW - 1] = ObjectIdGetDatum(view);
	values[STATE_NODE - 1] = Int32GetDatum(node);
	values[STATE_STATE - 1] = ObjectIdGetDatum(state);
	values[STATE_SIGNATURE - 1] = CStringGetTextDatum(signature);
	insert_row(STATE_BY_VIEW, values);
	CommandCounterIncrement();
}

void
tv_catalog_forget_states(Oid view)
{
	delete_rows(STATE_BY_VIEW, view);
	CommandCounterIncrement();
}

/* ------------------------------------------------------------------------
 * Rows
 * ------------------------------------------------------------------------
 */

/* Find the table and index, once; false if the extension is not (yet) there. */
static bool
find_table(TvIndex index)
{
	Oid			schema = tv_catalog_schema();

	if (!OidIsValid(schema))
		return false;
	if (!OidIsValid(objects.index[index]))
	{
		objects.table[index] = get_relname_relid(index_info[index].table, schema);
		objects.index[index] = get_relname_relid(index_info[index].index, schema);
	}
	return OidIsValid(objects.table[index]) && OidIsValid(objects.index[index]);
}

bool
tv_catalog_open_tables(Relation *view, Relation *input, LOCKMODE lockmode)
{
	/* Each is opened as soon as it is found: finding the next may forget it. */
	if (!find_table(BY_VIEW))
		return false;
	*view = table_open(objects.table[BY_VIEW], lockmode);
	if (find_table(INPUT_BY_VIEW))
	{
		*input = table_open(objects.table[INPUT_BY_VIEW], lockmode);
		return true;
	}
	table_close(*view, lockmode);
	return false;
}

/*
 * Start a scan for first in the first column of the index; for all rows if it
 * is InvalidOid.  Returns false, and
 * nothing has to be ended, when there is no such table.
 */
static bool
begin_scan(TvCatalogScan *scan, TvIndex index, Oid first, LOCKMODE lockmode)
{
	ScanKeyData key;

	if (!find_table(index))
		return false;
	ScanKeyInit(&key, index_info[index].first, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(first));
	scan->rel = table_open(objects.table[index], lockmode);
	scan->scan = systable_beginscan(scan->rel, objects.index[index], true, NULL,
									OidIsValid(first) ? 1 : 0, &key);
	return true;
}

static void
end_scan(TvCatalogScan *scan, LOCKMODE lockmode)
{
	systable_endscan(scan->scan);
	table_close(scan->rel, lockmode);
}

static Oid
get_oid(TvCatalogScan *scan, HeapTuple tuple, AttrNumber attno)
{
	bool		isnull;

	return DatumGetObjectId(heap_getattr(tuple, attno, RelationGetDescr(scan->rel),
										 &isnull));
}

/* Insert a row, no column null, into the table of an index. */
static void
insert_row(TvIndex index, Datum *values)
{
	bool		nulls[STATE_NATTS] = {false};
	Relation	rel;
	HeapTuple	tuple;

	if (!find_table(index))
		elog(ERROR, "table tview.%s does not exist", index_info[index].table);
	rel = table_open(objects.table[index], RowExclusiveLock);
	tuple = heap_form_tuple(RelationGetDescr(rel), values, nulls);
	CatalogTupleInsert(rel, tuple);
	heap_freetuple(tuple);
	table_close(rel, RowExclusiveLock);
}

/* Delete the rows that have first in the first column of the index. */
static void
delete_rows(TvIndex index, Oid first)
{
	TvCatalogScan scan;
	HeapTuple	tuple;

	if (!begin_scan(&scan, index, first, RowExclusiveLock))
		return;
	while (HeapTupleIsValid(tuple = systable_getnext(scan.scan)))
		CatalogTupleDelete(scan.rel, &tuple->t_self);
	end_scan(&scan, RowExclusiveLock);
}
