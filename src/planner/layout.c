/*-------------------------------------------------------------------------
 *
 * planner/layout.c
 *	  Layouts of deltas: which columns of a relation are captured.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "utils/rel.h"

#include "catalog/definition.h"
#include "planner/layout.h"
#include "planner/view_cache.h"

TvLayout  **
tv_view_layouts_unbound(const TvGraph *graph)
{
	TvLayout  **layouts = palloc0(sizeof(TvLayout *) * (graph->nsources + 1));

	for (int i = 0; i < graph->nsources; i++)
	{
		TvSource   *source = graph->sources[i];

		layouts[i] = source->kind == TV_SOURCE_NODE ?
			tv_layout_of_node(graph->nodes[source->node]) :
			tv_layout_make(source->relid, source->columns);
	}
	return layouts;
}

/* A node's delta has all columns of its output. */
TvLayout *
tv_layout_of_node(const TvNode *node)
{
	TvLayout   *layout = palloc0(sizeof(TvLayout));

	layout->natts = node->out_desc->natts;
	layout->attnos = palloc(sizeof(AttrNumber) * (layout->natts + 1));
	layout->desc = CreateTemplateTupleDesc(layout->natts + 1);
	for (int i = 0; i < layout->natts; i++)
	{
		layout->attnos[i] = i + 1;
		TupleDescCopyEntry(layout->desc, i + 1, node->out_desc, i + 1);
	}
	TupleDescInitEntry(layout->desc, layout->natts + 1, "weight", INT8OID, -1, 0);
	return layout;
}

TvLayout *
tv_layout_copy(const TvLayout *layout)
{
	TvLayout   *copy = palloc(sizeof(TvLayout));

	copy->natts = layout->natts;
	copy->attnos = palloc(sizeof(AttrNumber) * (layout->natts + 1));
	memcpy(copy->attnos, layout->attnos, sizeof(AttrNumber) * layout->natts);
	copy->desc = CreateTupleDescCopy(layout->desc);
	return copy;
}

bool
tv_view_layout_equal(const TvLayout *a, const TvLayout *b)
{
	return a->natts == b->natts &&
		memcmp(a->attnos, b->attnos, sizeof(AttrNumber) * a->natts) == 0;
}

TvLayout *
tv_layout_make(Oid relid, Bitmapset *columns)
{
	Relation	rel = tv_definition_open(relid);
	TvLayout   *layout = palloc0(sizeof(TvLayout));
	int			attno = -1;
	int			n = bms_num_members(columns);

	layout->attnos = palloc(sizeof(AttrNumber) * (n + 1));
	layout->desc = CreateTemplateTupleDesc(n + 1);
	while ((attno = bms_next_member(columns, attno)) >= 0)
	{
		layout->attnos[layout->natts++] = attno;
		if (attno == TV_COLUMN_TABLEOID)
			TupleDescInitEntry(layout->desc, layout->natts, "tableoid", OIDOID, -1, 0);
		else
			TupleDescCopyEntry(layout->desc, layout->natts, rel->rd_att, attno);
	}
	TupleDescInitEntry(layout->desc, n + 1, "weight", INT8OID, -1, 0);
	table_close(rel, NoLock);
	return layout;
}
