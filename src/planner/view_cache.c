/*-------------------------------------------------------------------------
 *
 * planner/view_cache.c
 *	  Compiled views of this backend, and who reads what.
 *
 * Two hash tables: views by OID, and readers by the OID of what they read.
 * Relcache invalidations mark entries; the next look-up rebuilds them.  A
 * populated flag that flips, a new index, a changed column or owner all come as
 * relcache invalidations of the view or of what it reads.
 *
 * A rebuilt entry's old contents may still be in use further up the stack (a
 * plan that is running), so contexts of old contents are only freed at the end
 * of the transaction.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "rewrite/rewriteHandler.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "catalog/definition.h"
#include "catalog/tv_catalog.h"
#include "planner/layout.h"
#include "planner/member_cache.h"
#include "planner/plan_cache.h"
#include "planner/row_security.h"
#include "planner/view_cache.h"
#include "planner/view_compile.h"
#include "planner/view_uses.h"

static HTAB *views = NULL;
static HTAB *readers = NULL;
static List *garbage = NIL;		/* of MemoryContext */
static MemoryContext cache_cxt = NULL;

/* Goes up when any entry is marked or made anew. */
static uint64 generation = 0;

/* Changes of relations, as far as this backend knows: how many, and the last. */
#define TV_RECENT_CHANGES 64
static uint64 nchanges = 0;
static Oid	recent_changes[TV_RECENT_CHANGES];

static void forget_readers(bool views_read, bool layouts);
static void build_view(TvView *view);
static void bind_states(TvView *view);
static void bind_layouts(TvView *view);
static void build_readers(TvReaders *entry);
static void invalidate_readers(Oid source);
static void relation_callback(Datum arg, Oid relid);

void
tv_view_cache_init(void)
{
	CacheRegisterRelcacheCallback(relation_callback, (Datum) 0);
}

static void
make_tables(void)
{
	HASHCTL		ctl = {0};

	cache_cxt = AllocSetContextCreate(CacheMemoryContext, "pg_tviews views",
									  ALLOCSET_DEFAULT_SIZES);
	ctl.keysize = sizeof(Oid);
	ctl.entrysize = sizeof(TvView);
	ctl.hcxt = cache_cxt;
	views = hash_create("pg_tviews views", 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	ctl.entrysize = sizeof(TvReaders);
	readers = hash_create("pg_tviews readers", 256, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* Does a change of a relation make what was compiled of the view old? */
static bool
concerns(const TvView *view, Oid relid, bool in_tree)
{
	bool		result = !OidIsValid(relid) || view->relid == relid ||
	list_member_oid(view->graph->relids, relid) ||
	(in_tree && list_member_oid(view->plan_relids, relid));

	for (int i = 0; !result && i < view->graph->nnodes; i++)
		result = view->graph->nodes[i]->state_relid == relid;
	return result;
}

/*
 * Was the view changed since there were so many changes?  Locks taken while it is
 * compiled let changes in, maybe of what was looked at before.
 */
static bool
changed_since(const TvView *view, uint64 before)
{
	if (nchanges - before > TV_RECENT_CHANGES)
		return true;
	for (uint64 i = before; i < nchanges; i++)
		if (concerns(view, recent_changes[i % TV_RECENT_CHANGES], false))
			return true;
	return false;
}

/*
 * A relation changed.  Entries of views that depend on it, and what is known
 * of its readers, must be looked up again.  A change of a view can be a change
 * of its populated flag, which decides whether it counts as a reader.
 */
static void
relation_callback(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS seq;
	TvView	   *view;
	TvReaders  *reader;
	bool		is_view;
	bool		in_tree;
	bool		any = false;

	if (views == NULL)
		return;
	generation++;
	is_view = !OidIsValid(relid) || hash_search(views, &relid, HASH_FIND, NULL) != NULL;
	in_tree = tv_member_invalidate(relid, is_view);

	hash_seq_init(&seq, views);
	while ((view = hash_seq_search(&seq)) != NULL)
	{
		if (!view->valid || !concerns(view, relid, in_tree))
			continue;
		view->valid = false;
		any = true;
	}

	recent_changes[nchanges++ % TV_RECENT_CHANGES] = relid;
	if (is_view || any)
		forget_readers(is_view, true);
	reader = hash_search(readers, &relid, HASH_FIND, NULL);
	if (reader)
	{
		reader->valid = reader->layout_valid = false;
		reader->changed = true;
	}
}

void
tv_view_cache_roles_changed(void)
{
	HASH_SEQ_STATUS seq;
	TvView	   *view;
	bool		any = false;

	tv_view_uses_forget();
	if (views == NULL)
		return;
	hash_seq_init(&seq, views);
	while ((view = hash_seq_search(&seq)) != NULL)
	{
		any |= view->valid && view->row_security;
		view->valid &= !view->row_security;
	}
	if (any)
		forget_readers(false, true);
}

/* Free what was replaced; nothing of it can be in use any more. */
static void
collect_garbage(void)
{
	ListCell   *lc;

	foreach(lc, garbage)
		MemoryContextDelete(lfirst(lc));
	list_free(garbage);
	garbage = NIL;
}

void
tv_view_cache_end_transaction(void)
{
	if (garbage)
		collect_garbage();
	tv_view_uses_forget();
}

void
tv_view_cache_discard(MemoryContext cxt)
{
	MemoryContext oldcxt;

	if (cxt == NULL)
		return;
	/* nothing else is to free it before */
	MemoryContextSetParent(cxt, cache_cxt);
	oldcxt = MemoryContextSwitchTo(cache_cxt);
	garbage = lappend(garbage, cxt);
	MemoryContextSwitchTo(oldcxt);
}

uint64
tv_view_cache_generation(void)
{
	return generation;
}

static TvView *
find_view(Oid relid)
{
	TvView	   *view;
	bool		found;

	if (views == NULL)
		make_tables();
	view = hash_search(views, &relid, HASH_ENTER, &found);
	if (!found)
	{
		memset(view, 0, sizeof(TvView));
		view->relid = relid;
	}
	return view;
}

TvView *
tv_view_lookup(Oid relid)
{
	TvView	   *view = find_view(relid);

	if (!view->valid)
	{
		generation++;
		tv_view_cache_discard(view->cxt);
		view->cxt = NULL;
		view->graph = NULL;
		view->plans = NULL;
		view->plan_relids = NIL;
		view->runtimes = NULL;

		/*
		 * what is known of readers refers to the old graph, also after an
		 * error
		 */
		forget_readers(true, false);
		build_view(view);
	}
	return view;
}

/* layouts: the definitions, from which they follow, may have changed. */
static void
forget_readers(bool views_read, bool layouts)
{
	HASH_SEQ_STATUS seq;
	TvReaders  *reader;

	hash_seq_init(&seq, readers);
	while ((reader = hash_seq_search(&seq)) != NULL)
	{
		if (views_read)
			reader->valid = false;
		if (layouts)
		{
			reader->layout_valid = false;
			reader->changed = true;
		}
	}
}

static void
build_view(TvView *view)
{
	MemoryContext cxt = AllocSetContextCreate(cache_cxt, "pg_tviews view",
											  ALLOCSET_DEFAULT_SIZES);
	MemoryContext oldcxt = MemoryContextSwitchTo(cxt);
	Relation	rel = tv_definition_open(view->relid);
	TvRefusal  *refusal;
	List	   *names = NIL;
	char	   *mode;
	uint64		before = nchanges;

	view->cxt = cxt;
	view->owner = rel->rd_rel->relowner;
	view->name = pstrdup(RelationGetRelationName(rel));
	for (int i = 0; i < RelationGetNumberOfAttributes(rel); i++)
		names = lappend(names, makeString(pstrdup(NameStr(TupleDescAttr(rel->rd_att, i)->attname))));
	view->graph = tv_graph_compile(tv_definition_query(rel), names, view->owner, &refusal);
	if (view->graph == NULL)
		tv_view_refuse(RelationGetRelationName(rel), refusal);
	view->row_security = tv_row_security_enabled(view->graph->relids);
	tv_view_uses_note(view->relid, view->graph, before);
	view->level = tv_catalog_view_level(view->relid);
	(void) tv_catalog_option(view->relid, &mode, &view->settings);
	view->deferred = strcmp(mode, TV_MODE_DEFERRED) == 0;
	bind_states(view);
	bind_layouts(view);
	tv_view_check_rights(view->graph, RelationGetRelationName(rel));

	table_close(rel, NoLock);
	MemoryContextSwitchTo(oldcxt);
	view->valid = !changed_since(view, before);
}

/* Find the state tables; they must be of the layout the definition asks for. */
static void
bind_states(TvView *view)
{
	TvGraph    *graph = view->graph;

	for (int i = 0; i < graph->nnodes; i++)
	{
		TvNode	   *node = graph->nodes[i];
		char	   *stored = NULL;

		if (!node->has_state)
			continue;
		node->state_relid = tv_catalog_state(view->relid, i, &stored);
		if (!OidIsValid(node->state_relid) || strcmp(stored, node->signature) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("the hidden state of materialized view \"%s\" does not fit its definition",
							get_rel_name(view->relid)),
					 errdetail("What the view reads was changed in a way that needs other state."),
					 errhint("REFRESH MATERIALIZED VIEW %s.",
							 quote_identifier(get_rel_name(view->relid)))));
	}
	for (int i = 0; i < graph->nsources; i++)
		if (graph->sources[i]->kind == TV_SOURCE_NODE)
			graph->sources[i]->relid = graph->nodes[graph->sources[i]->node]->state_relid;
}

/* Sources have the layout on which all their readers agree. */
static void
bind_layouts(TvView *view)
{
	TvGraph    *graph = view->graph;

	view->layouts = palloc0(sizeof(TvLayout *) * (graph->nsources + 1));
	view->delta_names = palloc0(sizeof(char *) * (graph->nsources + 1));
	for (int i = 0; i < graph->nsources; i++)
	{
		TvSource   *source = graph->sources[i];

		view->delta_names[i] = tv_derive_delta_name(i);
		view->layouts[i] = source->kind == TV_SOURCE_NODE ?
			tv_layout_of_node(graph->nodes[source->node]) :
			tv_layout_copy(tv_view_layout(source->relid));
	}
}

/* Lock a view that can be read; false if it cannot, perhaps because somebody has dropped it. */
static bool
lock_populated(Oid relid)
{
	if (!tv_catalog_is_populated(relid))
		return false;
	LockRelationOid(relid, AccessShareLock);
	return tv_catalog_is_populated(relid);
}

static int
compare_views(const ListCell *a, const ListCell *b)
{
	TvView	   *va = lfirst(a);
	TvView	   *vb = lfirst(b);

	if (va->level != vb->level)
		return va->level < vb->level ? -1 : 1;
	return va->relid < vb->relid ? -1 : va->relid > vb->relid;
}

static TvReaders *
find_readers(Oid source)
{
	TvReaders  *entry;
	bool		found;

	if (views == NULL)
		make_tables();
	entry = hash_search(readers, &source, HASH_ENTER, &found);
	if (!found)
	{
		memset(entry, 0, sizeof(TvReaders));
		entry->relid = source;
	}
	return entry;
}

/* Views that were compiled for another layout of a source must be rebuilt. */
static void
invalidate_readers(Oid source)
{
	HASH_SEQ_STATUS seq;
	TvView	   *view;

	generation++;
	hash_seq_init(&seq, views);
	while ((view = hash_seq_search(&seq)) != NULL)
	{
		for (int i = 0; view->valid && i < view->graph->nsources; i++)
			if (view->graph->sources[i]->relid == source)
				view->valid = false;
	}
}

/*
 * The layout of a source's delta: the columns that any reader needs.  Found
 * from the definitions alone, for compiling a view asks for it.
 */
TvLayout *
tv_view_layout(Oid source)
{
	TvReaders  *entry = find_readers(source);

	if (!entry->layout_valid)
	{
		uint64		before = nchanges;
		List	   *oids = tv_catalog_readers(source);
		Bitmapset  *columns = NULL;
		TvLayout   *layout;
		MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "pg_tviews layout",
												  ALLOCSET_SMALL_SIZES);
		MemoryContext oldcxt = MemoryContextSwitchTo(cxt);
		ListCell   *lc;

		foreach(lc, oids)
		{
			(void) find_view(lfirst_oid(lc));
			if (lock_populated(lfirst_oid(lc)))
				columns = bms_add_members(columns,
										  tv_view_columns_read(lfirst_oid(lc), source, nchanges));
		}
		layout = tv_layout_make(source, columns);
		if (entry->layout && !tv_view_layout_equal(entry->layout, layout))
			invalidate_readers(source);
		entry->layout = layout;
		entry->layout_valid = nchanges == before;
		MemoryContextSwitchTo(oldcxt);
		MemoryContextSetParent(cxt, cache_cxt);
		tv_view_cache_discard(entry->layout_cxt);
		entry->layout_cxt = cxt;
	}
	return entry->layout;
}

TvReaders *
tv_view_readers(Oid source)
{
	TvReaders  *entry;

	if (views != NULL)
	{
		entry = hash_search(readers, &source, HASH_FIND, NULL);
		if (entry && entry->valid)
			return entry->nreaders > 0 ? entry : NULL;
	}
	if (!IsTransactionState() || !tv_catalog_installed())
		return NULL;
	entry = find_readers(source);
	build_readers(entry);
	return entry->nreaders > 0 ? entry : NULL;
}

/*
 * Locks are taken on the way, and whoever held them may have made a reader that
 * is not on the list: then the entry is old at once.
 */
static void
build_readers(TvReaders *entry)
{
	List	   *oids;
	List	   *found = NIL;
	ListCell   *lc;
	int			n = 0;

	generation++;
	AcceptInvalidationMessages();
	entry->changed = false;
	oids = tv_catalog_readers(entry->relid);
	entry->layout_valid = false;
	entry->nreaders = 0;
	entry->alike = true;
	if (oids != NIL)
		(void) tv_view_layout(entry->relid);

	foreach(lc, oids)
	{
		/* an unpopulated view is no reader, but may become one */
		(void) find_view(lfirst_oid(lc));
		if (lock_populated(lfirst_oid(lc)))
			found = lappend(found, tv_view_lookup(lfirst_oid(lc)));
	}
	list_sort(found, compare_views);
	if (entry->readers)
		pfree(entry->readers);
	entry->readers = MemoryContextAlloc(cache_cxt, sizeof(TvReader) * (list_length(found) + 1));
	foreach(lc, found)
	{
		TvView	   *view = lfirst(lc);

		for (int i = 0; i < view->graph->nsources; i++)
		{
			if (view->graph->sources[i]->relid == entry->relid)
			{
				entry->readers[n].view = view;
				entry->readers[n].source = i;
				n++;
				if (bms_num_members(view->graph->sources[i]->columns) < entry->layout->natts)
					entry->alike = false;
			}
		}
	}
	entry->nreaders = n;
	entry->valid = !entry->changed;
}

bool
tv_view_concerns(Oid relid)
{
	return tv_view_readers(relid) != NULL || tv_catalog_is_view(relid);
}

void
tv_view_invalidate(Oid relid)
{
	ListCell   *lc;
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));

	generation++;
	tv_view_uses_forget();
	if (HeapTupleIsValid(tuple))
	{
		CacheInvalidateRelcacheByTuple(tuple);
		ReleaseSysCache(tuple);
	}
	foreach(lc, tv_catalog_sources(relid))
	{
		tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(lfirst_oid(lc)));
		if (HeapTupleIsValid(tuple))
		{
			CacheInvalidateRelcacheByTuple(tuple);
			ReleaseSysCache(tuple);
		}
		if (readers)
		{
			Oid			source = lfirst_oid(lc);
			TvReaders  *entry = hash_search(readers, &source, HASH_FIND, NULL);

			if (entry)
				entry->valid = entry->layout_valid = false;
		}
	}
	if (views)
	{
		TvView	   *view = hash_search(views, &relid, HASH_FIND, NULL);

		if (view)
			view->valid = false;
	}
	(void) tv_member_invalidate(relid, true);
}
