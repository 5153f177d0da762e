/*-------------------------------------------------------------------------
 *
 * commands/explain_report.c
 *	  What EXPLAIN tells about the maintenance of views.
 *
 * A plan is printed at once, for it does not outlive the flush, by an
 * ExplainState of its own; the report is put together when the server has
 * printed the statement.  All nodes stand at one depth of the output, so that
 * the indentation of a plan is known before its surroundings are printed.
 *
 * In the structured formats a view is one more element beside the statement's
 * own, which tools that look at the first element do not see:
 *
 *		[{"Plan": ...}, {"Maintained View": ..., "Nodes": [{..., "Plan": ...}]}]
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "commands/explain_report.h"
#include "tv_compat.h"

/*
 * Depth of a node's properties below the statement's element, and of a
 * recompute's, in structured formats and in text.
 */
#define NODE_DEPTH(es) ((es)->format == EXPLAIN_FORMAT_TEXT ? 2 : 3)
#define RECOMPUTE_DEPTH(es) ((es)->format == EXPLAIN_FORMAT_TEXT ? 3 : 5)

typedef struct TvViewReport
{
	Oid			relid;
	const char *schema;
	const char *name;
	bool		deferred;
	List	   *nodes;			/* of TvNodeReport * */
} TvViewReport;

static TvViewReport *find_view(TvReport *report, TvView *view);
static void add_changed(TvNodeReport *node_report, TvView *view, const Bitmapset *changed);
static void print_view(TvReport *report, TvViewReport *view);
static void print_node_text(ExplainState *es, TvNodeReport *node);
static void print_node(ExplainState *es, TvNodeReport *node);
static void print_recompute(ExplainState *es, TvNodeReport *node, TvReportPlan place);

TvReport *
tv_report_make(ExplainState *es)
{
	TvReport   *report = palloc0(sizeof(TvReport));

	report->es = es;
	report->cxt = CurrentMemoryContext;
	report->indent = es->indent;
	return report;
}

TvNodeReport *
tv_report_node(TvReport *report, TvView *view, TvNode *node, const Bitmapset *changed)
{
	MemoryContext oldcxt = MemoryContextSwitchTo(report->cxt);
	TvViewReport *view_report = find_view(report, view);
	TvNodeReport *found = NULL;
	ListCell   *lc;

	foreach(lc, view_report->nodes)
	{
		if (((TvNodeReport *) lfirst(lc))->node == node->id)
			found = lfirst(lc);
	}
	if (found == NULL)
	{
		found = palloc0(sizeof(TvNodeReport));
		found->node = node->id;
		found->strategy = pstrdup(tv_graph_strategy(node));
		found->keyed = node->nkeys > 0;
		found->bounded = node->suffix && node->suffix->bounded;
		view_report->nodes = lappend(view_report->nodes, found);
	}
	add_changed(found, view, changed);
	MemoryContextSwitchTo(oldcxt);
	return found;
}

static TvViewReport *
find_view(TvReport *report, TvView *view)
{
	TvViewReport *found;
	ListCell   *lc;

	foreach(lc, report->views)
	{
		found = lfirst(lc);
		if (found->relid == view->relid)
			return found;
	}
	found = palloc0(sizeof(TvViewReport));
	found->relid = view->relid;
	found->schema = get_namespace_name(get_rel_namespace(view->relid));
	found->deferred = view->deferred;
	found->name = get_rel_name(view->relid);
	report->views = lappend(report->views, found);
	return found;
}

/* Names are looked up now: the view's entry may be gone when they are printed. */
static void
add_changed(TvNodeReport *node_report, TvView *view, const Bitmapset *changed)
{
	int			s = -1;

	while ((s = bms_next_member(changed, s)) >= 0)
	{
		TvSource   *source = view->graph->sources[s];
		char	   *name;
		bool		known = false;
		ListCell   *lc;

		name = (source->kind == TV_SOURCE_NODE ? psprintf("node %d", source->node) :
				get_rel_name(source->relid));
		foreach(lc, node_report->changed)
			known |= strcmp(lfirst(lc), name) == 0;
		if (!known)
			node_report->changed = lappend(node_report->changed, name);
	}
}

/*
 * The options are those of the statement's EXPLAIN.  The state of the group
 * that surrounds the plan is made up: something has been printed in it before.
 */
void
tv_report_plan(TvReport *report, TvNodeReport *node, TvReportPlan place, QueryDesc *desc)
{
	ExplainState *es = palloc(sizeof(ExplainState));

	if (node->plans[place] == NULL)
	{
		MemoryContext oldcxt = MemoryContextSwitchTo(report->cxt);

		node->plans[place] = makeStringInfo();
		MemoryContextSwitchTo(oldcxt);
	}
	resetStringInfo(node->plans[place]);

	*es = *report->es;
	es->str = node->plans[place];
	es->settings = false;
	es->hide_workers = false;
	es->workers_state = NULL;
	es->grouping_stack = list_make1_int(1);
	es->indent = report->indent + (place == TV_REPORT_DELTA ? NODE_DEPTH(es) :
								   RECOMPUTE_DEPTH(es));
	ExplainPrintPlan(es, desc);
}

/* ------------------------------------------------------------------------
 * Output
 * ------------------------------------------------------------------------
 */

void
tv_report_print(TvReport *report)
{
	ListCell   *lc;

	foreach(lc, report->views)
		print_view(report, lfirst(lc));
}

static void
print_view(TvReport *report, TvViewReport *view)
{
	ExplainState *es = report->es;
	ListCell   *lc;

	if (es->format == EXPLAIN_FORMAT_TEXT)
	{
		const char *name = es->verbose ? quote_qualified_identifier(view->schema, view->name) :
		quote_identifier(view->name);

		ExplainPropertyText("Maintained View",
							view->deferred ? psprintf("%s (deferred)", name) : name, es);
		foreach(lc, view->nodes)
			print_node_text(es, lfirst(lc));
		return;
	}
	ExplainOpenGroup("Maintenance", NULL, true, es);
	ExplainPropertyText("Maintained View", view->name, es);
	if (es->verbose)
		ExplainPropertyText("Schema", view->schema, es);
	ExplainPropertyText("Mode", view->deferred ? "deferred" : "immediate", es);
	ExplainOpenGroup("Nodes", "Nodes", false, es);
	foreach(lc, view->nodes)
		print_node(es, lfirst(lc));
	ExplainCloseGroup("Nodes", "Nodes", false, es);
	ExplainCloseGroup("Maintenance", NULL, true, es);
}

/* Counters stand in parentheses after the strategy, as those of a plan do. */
static void
print_node_text(ExplainState *es, TvNodeReport *node)
{
	const TvActivity *a = &node->activity;
	StringInfoData text;

	initStringInfo(&text);
	appendStringInfoString(&text, node->strategy);
	if (es->analyze)
	{
		appendStringInfo(&text, " (delta in=" INT64_FORMAT " out=" INT64_FORMAT
						 " groups=" INT64_FORMAT " recomputed=" INT64_FORMAT
						 " inserted=" INT64_FORMAT " updated=" INT64_FORMAT
						 " deleted=" INT64_FORMAT,
						 a->delta_in, a->delta_out, a->groups, a->rescans,
						 a->inserted, a->updated, a->deleted);
		if (es->timing)
			appendStringInfo(&text, " time=%.3f", INSTR_TIME_GET_MILLISEC(node->time));
		appendStringInfo(&text, " flushes=" INT64_FORMAT ")", node->flushes);
	}
	es->indent++;
	ExplainPropertyText(psprintf("Node %d", node->node), text.data, es);
	es->indent++;
	ExplainPropertyList("Changed Inputs", node->changed, es);
	if (node->plans[TV_REPORT_DELTA])
		appendStringInfoString(es->str, node->plans[TV_REPORT_DELTA]->data);
	for (int i = TV_REPORT_RECOMPUTE; i < TV_REPORT_NPLANS; i++)
		print_recompute(es, node, i);
	es->indent -= 2;
}

static void
print_node(ExplainState *es, TvNodeReport *node)
{
	const TvActivity *a = &node->activity;

	ExplainOpenGroup("Node", NULL, true, es);
	ExplainPropertyInteger("Node", NULL, node->node, es);
	ExplainPropertyText("Strategy", node->strategy, es);
	ExplainPropertyList("Changed Inputs", node->changed, es);
	if (es->analyze)
	{
		ExplainPropertyInteger("Flushes", NULL, node->flushes, es);
		ExplainPropertyInteger("Delta Rows In", NULL, a->delta_in, es);
		ExplainPropertyInteger("Delta Rows Out", NULL, a->delta_out, es);
		ExplainPropertyInteger("Groups Touched", NULL, a->groups, es);
		ExplainPropertyInteger("Groups Recomputed", NULL, a->rescans, es);
		ExplainPropertyInteger("Rows Inserted", NULL, a->inserted, es);
		ExplainPropertyInteger("Rows Updated", NULL, a->updated, es);
		ExplainPropertyInteger("Rows Deleted", NULL, a->deleted, es);
		if (es->timing)
			ExplainPropertyFloat("Time", "ms", INSTR_TIME_GET_MILLISEC(node->time), 3, es);
	}
	if (node->plans[TV_REPORT_DELTA])
		appendStringInfoString(es->str, node->plans[TV_REPORT_DELTA]->data);
	if (node->plans[TV_REPORT_RECOMPUTE] || node->plans[TV_REPORT_RECOMPUTE_NULLS])
	{
		ExplainOpenGroup("Recompute", "Recompute", false, es);
		for (int i = TV_REPORT_RECOMPUTE; i < TV_REPORT_NPLANS; i++)
			print_recompute(es, node, i);
		ExplainCloseGroup("Recompute", "Recompute", false, es);
	}
	ExplainCloseGroup("Node", NULL, true, es);
}

static void
print_recompute(ExplainState *es, TvNodeReport *node, TvReportPlan place)
{
	const char *what = node->lost ? "lost rows" : "all rows";

	if (node->plans[place] == NULL)
		return;
	if (node->keyed)
		what = (place == TV_REPORT_RECOMPUTE_NULLS ? "touched groups with a null key" :
				"touched groups");
	if (node->from_change && place == TV_REPORT_RECOMPUTE)
		what = node->bounded ? "rows around the change" : "rows from the first change on";
	if (es->format == EXPLAIN_FORMAT_TEXT)
	{
		ExplainPropertyText("Recompute", what, es);
		appendStringInfoString(es->str, node->plans[place]->data);
		return;
	}
	ExplainOpenGroup("Query", NULL, true, es);
	ExplainPropertyText("Rows", what, es);
	appendStringInfoString(es->str, node->plans[place]->data);
	ExplainCloseGroup("Query", NULL, true, es);
}
