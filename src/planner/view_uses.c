/*-------------------------------------------------------------------------
 *
 * planner/view_uses.c
 *	  The columns that views read, while they are compiled.
 *
 * The layout of a source depends on all its readers, and a view has the layouts
 * of all its sources: without this, a view would be compiled once for each of
 * them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "catalog/definition.h"
#include "planner/view_uses.h"

typedef struct Use
{
	Oid			view;
	Oid			source;			/* or InvalidOid, for any other */
	Bitmapset  *columns;
} Use;

static MemoryContext uses_cxt = NULL;
static List *uses = NIL;		/* of Use * */
static uint64 uses_moment = 0;

void
tv_view_uses_forget(void)
{
	if (uses_cxt == NULL)
		return;
	MemoryContextDelete(uses_cxt);
	uses_cxt = NULL;
	uses = NIL;
}

static void
add_use(Oid view, Oid source, const Bitmapset *columns)
{
	Use		   *use = palloc(sizeof(Use));

	use->view = view;
	use->source = source;
	use->columns = bms_copy(columns);
	uses = lappend(uses, use);
}

/* False if they are not known. */
static bool
find_columns(Oid view, Oid source, uint64 moment, Bitmapset **columns)
{
	bool		known = false;
	ListCell   *lc;

	*columns = NULL;
	if (moment != uses_moment)
		return false;
	foreach(lc, uses)
	{
		const Use  *use = lfirst(lc);

		if (use->view != view)
			continue;
		known = true;
		if (use->source == source)
			*columns = bms_add_members(*columns, use->columns);
	}
	return known;
}

void
tv_view_uses_note(Oid view, const TvGraph *graph, uint64 moment)
{
	MemoryContext oldcxt;
	Bitmapset  *columns;

	if (moment != uses_moment)
		tv_view_uses_forget();
	if (find_columns(view, InvalidOid, moment, &columns))
		return;
	if (uses_cxt == NULL)
		uses_cxt = AllocSetContextCreate(CacheMemoryContext, "pg_tviews columns read",
										 ALLOCSET_SMALL_SIZES);
	uses_moment = moment;
	oldcxt = MemoryContextSwitchTo(uses_cxt);
	for (int i = 0; graph && i < graph->nsources; i++)
		if (graph->sources[i]->kind != TV_SOURCE_NODE)
			add_use(view, graph->sources[i]->relid, graph->sources[i]->columns);
	add_use(view, InvalidOid, NULL);
	MemoryContextSwitchTo(oldcxt);
}

Bitmapset *
tv_view_columns_read(Oid view, Oid source, uint64 moment)
{
	Bitmapset  *columns;
	MemoryContext scratch;
	MemoryContext oldcxt;
	Relation	rel;
	TvRefusal  *refusal;

	if (find_columns(view, source, moment, &columns))
		return columns;
	scratch = AllocSetContextCreate(CurrentMemoryContext, "pg_tviews columns read",
									ALLOCSET_DEFAULT_SIZES);
	oldcxt = MemoryContextSwitchTo(scratch);
	rel = tv_definition_open(view);
	tv_view_uses_note(view, tv_graph_compile(tv_definition_query(rel), NIL,
											 rel->rd_rel->relowner, &refusal), moment);
	table_close(rel, NoLock);
	MemoryContextSwitchTo(oldcxt);
	(void) find_columns(view, source, moment, &columns);
	MemoryContextDelete(scratch);
	return columns;
}
