/*-------------------------------------------------------------------------
 *
 * commands/check.c
 *	  tview.check(): compare a view with its query, and its state tables too.
 *
 * Rows are compared as multisets by their text and by their image.  The
 * definition runs as the view's owner, with the view's settings, under the
 * snapshot of the calling query.  What a state table should contain is
 * computed as the owner as well, and then compared as the extension's owner,
 * who alone can read it; no expression of the view runs with those rights.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_class.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "executor/tstoreReceiver.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

#include "catalog/extension_owner.h"
#include "catalog/tv_catalog.h"
#include "commands/relation_name.h"
#include "commands/view_build.h"
#include "delta/derive.h"
#include "executor/rights.h"
#include "planner/view_cache.h"
#include "tv_compat.h"

PG_FUNCTION_INFO_V1(tview_check);

#define EXPECTED_NAME "tview_expected"

static void check_view(ReturnSetInfo *rsinfo, const TvView *view);
static void check_state(ReturnSetInfo *rsinfo, const TvView *view, const TvNode *node);
static void lock_relations(const TvGraph *graph);
static Tuplestorestate *run_query(const TvView *view, Query *query, TupleDesc *desc);
static void report(ReturnSetInfo *rsinfo, Oid relid, const char *expected, const char *stored);

/*
 * tview.check(regclass)
 *	returns table(relation regclass, difference text, copies bigint, content text)
 */
Datum
tview_check(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Oid			relid = PG_GETARG_OID(0);
	TvView	   *view;

	tv_relation_require_view(relid);
	if (!object_ownercheck(RelationRelationId, relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_MATVIEW, get_rel_name(relid));
	LockRelationOid(relid, AccessShareLock);
	if (!tv_view_is_populated(relid))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("materialized view \"%s\" has not been populated", get_rel_name(relid)),
				 errhint("Use the REFRESH MATERIALIZED VIEW command.")));

	InitMaterializedSRF(fcinfo, 0);
	view = tv_view_lookup(relid);
	lock_relations(view->graph);
	check_view(rsinfo, view);
	for (int i = 0; i < view->graph->nnodes; i++)
		if (view->graph->nodes[i]->has_state)
			check_state(rsinfo, view, view->graph->nodes[i]);
	return (Datum) 0;
}

static void
check_view(ReturnSetInfo *rsinfo, const TvView *view)
{
	TvRights	rights;
	char	   *definition;
	char	   *end;

	tv_rights_enter(&rights, view->owner, view->settings, true, true);
	/* With that search_path every name in it is qualified. */
	definition = TextDatumGetCString(DirectFunctionCall1(pg_get_viewdef,
														 ObjectIdGetDatum(view->relid)));
	end = strrchr(definition, ';');
	if (end)
		*end = '\0';

	SPI_connect();
	report(rsinfo, view->relid, psprintf("(%s)", definition), tv_view_name(view->relid));
	SPI_finish();
	tv_rights_leave(&rights);
}

static void
check_state(ReturnSetInfo *rsinfo, const TvView *view, const TvNode *node)
{
	EphemeralNamedRelationData expected = {0};
	TupleDesc	desc;
	TvUser		user;

	expected.reldata = run_query(view, tv_derive_state(view->graph, node), &desc);
	expected.md.name = EXPECTED_NAME;
	expected.md.reliddesc = InvalidOid;
	expected.md.tupdesc = desc;
	expected.md.enrtype = ENR_NAMED_TUPLESTORE;
	expected.md.enrtuples = tuplestore_tuple_count(expected.reldata);

	tv_extension_owner_enter(&user);
	SPI_connect();
	if (SPI_register_relation(&expected) != SPI_OK_REL_REGISTER)
		elog(ERROR, "SPI_register_relation failed");
	report(rsinfo, node->state_relid, EXPECTED_NAME, tv_view_name(node->state_relid));
	SPI_finish();
	tv_extension_owner_leave(&user);
	tuplestore_end(expected.reldata);
}

/* The cached graph was compiled in a transaction that is over. */
static void
lock_relations(const TvGraph *graph)
{
	tv_lock_relations(graph->relids, AccessShareLock);
	for (int i = 0; i < graph->nnodes; i++)
		if (graph->nodes[i]->has_state)
			LockRelationOid(graph->nodes[i]->state_relid, AccessShareLock);
}

/* Run a derived query as the view's owner. */
static Tuplestorestate *
run_query(const TvView *view, Query *query, TupleDesc *desc)
{
	Tuplestorestate *store = tuplestore_begin_heap(false, false, work_mem);
	DestReceiver *dest = CreateDestReceiver(DestTuplestore);
	TvRights	rights;
	PlannedStmt *plan;
	QueryDesc  *query_desc;

	tv_rights_enter(&rights, view->owner, view->settings, true, true);
	SetTuplestoreDestReceiverParams(dest, store, CurrentMemoryContext, false, NULL, NULL);
	plan = pg_plan_query(query, "", 0, NULL);

	query_desc = CreateQueryDesc(plan, "", GetActiveSnapshot(), InvalidSnapshot,
								 dest, NULL, NULL, 0);
	standard_ExecutorStart(query_desc, 0);
	tv_compat_ExecutorRun(query_desc);
	*desc = CreateTupleDescCopy(query_desc->tupDesc);
	standard_ExecutorFinish(query_desc);
	standard_ExecutorEnd(query_desc);
	FreeQueryDesc(query_desc);
	tv_rights_leave(&rights);
	return store;
}

/*
 * Put the differences between two table expressions into the result.
 */
static void
report(ReturnSetInfo *rsinfo, Oid relid, const char *expected, const char *stored)
{
	char	   *sql;

	sql = psprintf("SELECT CASE WHEN n > 0 THEN 'missing' ELSE 'extra' END, pg_catalog.abs(n), content"
				   " FROM (SELECT content, pg_catalog.sum(weight)::pg_catalog.int8 AS n"
				   " FROM (SELECT ROW(tview_row.*)::pg_catalog.text AS content,"
				   " tview.row_hash(ROW(tview_row.*)) AS image, 1 AS weight FROM %s tview_row"
				   " UNION ALL SELECT ROW(tview_row.*)::pg_catalog.text,"
				   " tview.row_hash(ROW(tview_row.*)), -1 FROM %s tview_row) both_sides"
				   " GROUP BY content, image) totals"
				   " WHERE n <> 0 ORDER BY content COLLATE pg_catalog.\"C\", n DESC",
				   expected, stored);
	if (SPI_execute(sql, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "comparing with \"%s\" failed", stored);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		TupleDesc	desc = SPI_tuptable->tupdesc;
		Datum		values[4];
		bool		nulls[4] = {false};

		values[0] = ObjectIdGetDatum(relid);
		for (int column = 1; column <= 3; column++)
			values[column] = SPI_getbinval(row, desc, column, &nulls[column]);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
}
