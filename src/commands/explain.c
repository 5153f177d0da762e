/*-------------------------------------------------------------------------
 *
 * commands/explain.c
 *	  tview.explain(): how a view is maintained, or why it cannot be.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/heap.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/analyze.h"
#include "rewrite/rewriteHandler.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "catalog/tv_catalog.h"
#include "commands/explain_cost.h"
#include "commands/query_text.h"
#include "commands/relation_name.h"
#include "commands/unpopulate.h"
#include "commands/view_build.h"
#include "delta/derive.h"
#include "executor/rights.h"
#include "planner/view_cache.h"
#include "planner/view_compile.h"
#include "tv_compat.h"

PG_FUNCTION_INFO_V1(tview_explain);

static void check_view_privilege(Oid view);
static void explain_view(ReturnSetInfo *rsinfo, Oid view);
static void explain_hurry(ReturnSetInfo *rsinfo, Oid view);
static Oid	owner_of(Oid view);
static void explain_as_owner(ReturnSetInfo *rsinfo, Oid owner, List *settings,
							 const TvGraph *graph, TvLayout **layouts);
static void explain_query(ReturnSetInfo *rsinfo, const char *text);
static void explain_refusal(ReturnSetInfo *rsinfo, const TvRefusal *refusal);
static void explain_graph(ReturnSetInfo *rsinfo, const TvGraph *graph, TvLayout **layouts);
static void explain_node(ReturnSetInfo *rsinfo, const TvGraph *graph, const TvNode *node);
static void explain_deltas(ReturnSetInfo *rsinfo, const TvGraph *graph, const TvNode *node,
						   TvLayout **layouts);
static void explain_groups(ReturnSetInfo *rsinfo, const TvGraph *graph, const TvNode *node);
static char *source_name(const TvGraph *graph, int source);
static char *input_names(const TvGraph *graph, const TvNode *node);
static char *identity_text(const TvNode *node);
static char *column_list(const TvNode *node);
static void put(ReturnSetInfo *rsinfo, int node, const char *property, const char *value);

/*
 * tview.explain(text) returns table(node int, property text, value text)
 *
 * The text is the name of a maintained view, or else a query.
 */
Datum
tview_explain(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	char	   *subject = text_to_cstring(PG_GETARG_TEXT_PP(0));
	RangeVar   *relation;
	Oid			relid = InvalidOid;

	InitMaterializedSRF(fcinfo, 0);
	relation = tv_relation_name_parse(subject);
	/* VALUES(1) would be a name, too, if names were taken as they come. */
	if (relation)
		relid = RangeVarGetRelid(relation, AccessShareLock, strchr(subject, '(') != NULL);
	if (OidIsValid(relid))
	{
		tv_relation_require_view(relid);
		check_view_privilege(relid);
		explain_view(rsinfo, relid);
	}
	else
		explain_query(rsinfo, subject);
	return (Datum) 0;
}

/* The cost of maintenance, too, comes from statistics. */
static void
check_view_privilege(Oid view)
{
	if (pg_class_aclcheck(view, GetUserId(), ACL_SELECT) != ACLCHECK_OK &&
		pg_attribute_aclcheck_all(view, GetUserId(), ACL_SELECT, ACLMASK_ANY) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_MATVIEW, get_rel_name(view));
}

static void
explain_view(ReturnSetInfo *rsinfo, Oid view)
{
	TvRefusal  *refusal = NULL;
	TvGraph    *graph;
	char	   *mode;
	List	   *settings;
	ListCell   *lc;

	(void) tv_catalog_option(view, &mode, &settings);
	put(rsinfo, -1, "mode", mode);
	if (strcmp(mode, TV_MODE_DEFERRED) == 0)
		explain_hurry(rsinfo, view);
	put(rsinfo, -1, "populated", tv_view_is_populated(view) ? "true" : "false");
	foreach(lc, settings)
		put(rsinfo, -1, "setting", lfirst(lc));

	if (tv_view_is_populated(view))
	{
		TvView	   *entry = tv_view_lookup(view);

		explain_as_owner(rsinfo, entry->owner, settings, entry->graph, entry->layouts);
		return;
	}
	graph = tv_view_compile(view, &refusal);
	if (graph)
	{
		tv_explain_cost_stand_in(graph);
		explain_as_owner(rsinfo, owner_of(view), settings, graph, tv_view_layouts_unbound(graph));
	}
	else
		explain_refusal(rsinfo, refusal);
}

static Oid
owner_of(Oid view)
{
	Relation	rel = table_open(view, AccessShareLock);
	Oid			owner = rel->rd_rel->relowner;

	table_close(rel, NoLock);
	return owner;
}

/*
 * Planning can evaluate functions of the definition, which must not run with
 * the rights of whoever explains.  The settings are reset by an abort.
 */
static void
explain_as_owner(ReturnSetInfo *rsinfo, Oid owner, List *settings, const TvGraph *graph,
				 TvLayout **layouts)
{
	TvRights	rights;

	tv_rights_enter(&rights, owner, settings, graph->user_code,
					graph->uses_settings);
	PG_TRY();
	{
		explain_graph(rsinfo, graph, layouts);
	}
	PG_CATCH();
	{
		SetUserIdAndSecContext(rights.userid, rights.sec_context);
		PG_RE_THROW();
	}
	PG_END_TRY();
	tv_rights_leave(&rights);
}

/* A deferred view does not wait if an immediate view reads it. */
static void
explain_hurry(ReturnSetInfo *rsinfo, Oid view)
{
	ListCell   *lc;

	foreach(lc, tv_populated_readers(view))
	{
		char	   *mode;
		List	   *settings;

		(void) tv_catalog_option(lfirst_oid(lc), &mode, &settings);
		if (strcmp(mode, TV_MODE_IMMEDIATE) == 0)
			put(rsinfo, -1, "maintained at once for", tv_view_name(lfirst_oid(lc)));
	}
}

static void
explain_query(ReturnSetInfo *rsinfo, const char *text)
{
	TvRefusal  *refusal = NULL;
	TvQueryText query_text;
	RawStmt    *raw;
	Query	   *query;
	TvGraph    *graph;

	tv_query_text_enter(&query_text, text);
	raw = tv_query_text_parse(&query_text,
							  "the argument must be the name of a maintained view or one SELECT statement");
	query = parse_analyze_fixedparams(raw, text, NULL, 0, NULL);
	tv_query_text_leave(&query_text);

	/*
	 * What is told of its cost comes from statistics of its tables: whoever
	 * asks must be able to read these.
	 */
	tv_check_query_privileges(query);

	graph = tv_graph_compile(query, NIL, GetUserId(), &refusal);
	if (graph)
		refusal = tv_trigger_privilege_refusal(tv_graph_inputs(graph), GetUserId());
	if (refusal == NULL)
	{
		/* what the server checks when it makes a materialized view */
		CheckAttributeNamesTypes(ExecCleanTypeFromTL(query->targetList), RELKIND_MATVIEW, 0);
		tv_explain_cost_stand_in(graph);
		explain_graph(rsinfo, graph, tv_view_layouts_unbound(graph));
	}
	else
		explain_refusal(rsinfo, refusal);
}

static void
explain_refusal(ReturnSetInfo *rsinfo, const TvRefusal *refusal)
{
	put(rsinfo, -1, "refused", refusal->what);
	put(rsinfo, -1, "sqlstate", unpack_sql_state(refusal->sqlstate));
	put(rsinfo, -1, "reason", refusal->why);
	if (refusal->hint)
		put(rsinfo, -1, "hint", refusal->hint);
}

/* Nodes from the top down. */
static void
explain_graph(ReturnSetInfo *rsinfo, const TvGraph *graph, TvLayout **layouts)
{
	const char *full = tv_graph_full_recompute(graph);

	if (full)
		put(rsinfo, -1, "recomputed as a whole", full);
	for (int i = graph->nnodes - 1; i >= 0; i--)
	{
		explain_node(rsinfo, graph, graph->nodes[i]);
		explain_deltas(rsinfo, graph, graph->nodes[i], layouts);
		explain_groups(rsinfo, graph, graph->nodes[i]);
	}
}

static void
explain_node(ReturnSetInfo *rsinfo, const TvGraph *graph, const TvNode *node)
{
	put(rsinfo, node->id, "strategy", tv_graph_strategy(node));
	put(rsinfo, node->id, "reads", input_names(graph, node));
	put(rsinfo, node->id, "rows found by", identity_text(node));
	if (node->recompute && node->kind != TV_NODE_WHOLE)
		put(rsinfo, node->id, "touched groups are recomputed",
			node->recompute_why ? node->recompute_why : "");
	if (node->has_state)
	{
		if (OidIsValid(node->state_relid))
			put(rsinfo, node->id, "state table", tv_view_name(node->state_relid));
		put(rsinfo, node->id, "state columns", column_list(node));
	}
}

/* The queries that compute the node's delta, one per changed input. */
static void
explain_deltas(ReturnSetInfo *rsinfo, const TvGraph *graph, const TvNode *node,
			   TvLayout **layouts)
{
	int			source = -1;

	/* whatever the change is, it leads to the same */
	if (node->kind == TV_NODE_WHOLE)
		return;
	while ((source = bms_next_member(node->sources, source)) >= 0)
	{
		Query	   *delta;

		delta = tv_derive_delta(graph, node, bms_make_singleton(source), layouts, NULL);
		if (delta == NULL)
			continue;
		put(rsinfo, node->id, psprintf("delta of %s", source_name(graph, source)),
			tv_derive_deparse(delta));
		put(rsinfo, node->id, psprintf("cost of a row of %s", source_name(graph, source)),
			tv_explain_cost_delta(graph, node, source, layouts));
	}
}

static void
explain_groups(ReturnSetInfo *rsinfo, const TvGraph *graph, const TvNode *node)
{
	char	   *cost = tv_explain_cost_group(graph, node);
	ListCell   *lc;

	if (cost)
		put(rsinfo, node->id, "cost of a group computed anew", cost);
	foreach(lc, tv_explain_missing_indexes(graph, node))
		put(rsinfo, node->id, "missing index", lfirst(lc));
}

/* ------------------------------------------------------------------------
 * Texts
 * ------------------------------------------------------------------------
 */

static char *
source_name(const TvGraph *graph, int source)
{
	const TvSource *s = graph->sources[source];

	if (s->kind == TV_SOURCE_NODE)
		return psprintf("node %d", s->node);
	return tv_view_name(s->relid);
}

static char *
input_names(const TvGraph *graph, const TvNode *node)
{
	StringInfoData text;
	int			source = -1;

	initStringInfo(&text);
	while ((source = bms_next_member(node->sources, source)) >= 0)
		appendStringInfo(&text, "%s%s", text.len > 0 ? ", " : "", source_name(graph, source));
	return text.data;
}

static char *
partition_columns(const TvNode *node)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < node->nkeys; i++)
		appendStringInfo(&text, "%s%s", i > 0 ? ", " : "",
						 quote_identifier(NameStr(TupleDescAttr(node->out_desc, i)->attname)));
	return text.data;
}

static char *
identity_text(const TvNode *node)
{
	StringInfoData text;

	if (node->kind == TV_NODE_PARTITION && node->nkeys == 0)
		return "they are one partition";
	if (node->kind == TV_NODE_PARTITION)
		return psprintf("partition (%s)", partition_columns(node));
	if (node->identity == TV_IDENTITY_BAG)
		return "hash of the row";
	if (node->identity == TV_IDENTITY_SINGLE)
		return "there is one row at most";
	initStringInfo(&text);
	appendStringInfoString(&text, "key (");
	for (int i = 0; i < node->nidentity; i++)
		appendStringInfo(&text, "%s%s", i > 0 ? ", " : "",
						 quote_identifier(NameStr(TupleDescAttr(node->out_desc,
																node->identity_attnos[i] - 1)->attname)));
	appendStringInfoChar(&text, ')');
	return text.data;
}

static char *
column_list(const TvNode *node)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	foreach(lc, node->state_columns)
	{
		ColumnDef  *column = lfirst_node(ColumnDef, lc);

		appendStringInfo(&text, "%s%s", text.len > 0 ? ", " : "",
						 quote_identifier(column->colname));
		if (column->typeName && OidIsValid(column->typeName->typeOid))
			appendStringInfo(&text, " %s", format_type_with_typemod(column->typeName->typeOid,
																	column->typeName->typemod));
	}
	return text.data;
}

/* Add a row; node -1 for none. */
static void
put(ReturnSetInfo *rsinfo, int node, const char *property, const char *value)
{
	Datum		values[3];
	bool		nulls[3] = {node < 0, false, value == NULL};

	values[0] = Int32GetDatum(node);
	values[1] = CStringGetTextDatum(property);
	values[2] = value ? CStringGetTextDatum(value) : (Datum) 0;
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}
