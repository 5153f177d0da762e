/*-------------------------------------------------------------------------
 *
 * commands/check.c
 *	  tview.check(): compare a view with its query, and its state tables too.
 *
 * Rows are compared as multisets by their text and by their image.  Of equal
 * values with several images (1.0 and 1.00) a group shows one: such columns are
 * compared by the type's equality, and what is computed from them, by nodes above,
 * is compared with what these compute from the stored rows.  Sums of floats and
 * lists depend on the order in which an aggregate gets its rows, where the query
 * leaves it open: the former may differ by a little, the latter are compared as bags of
 * characters.  The definition runs as the view's owner, with the view's settings, under the
 * snapshot of the calling query.  What a state table should contain is
 * computed as the owner as well, and then compared as the extension's owner,
 * who alone can read it; no expression of the view runs with those rights.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/transam.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "executor/tstoreReceiver.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/tlist.h"
#include "rewrite/rewriteHandler.h"
#include "storage/lmgr.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/typcache.h"

#include "catalog/definition.h"
#include "catalog/extension_owner.h"
#include "catalog/tv_catalog.h"
#include "commands/relation_name.h"
#include "commands/view_build.h"
#include "delta/derive.h"
#include "delta/null_params.h"
#include "delta/shield_nulls.h"
#include "delta/type_image.h"
#include "executor/rights.h"
#include "planner/view_cache.h"
#include "tv_compat.h"

PG_FUNCTION_INFO_V1(tview_check);

#define EXPECTED_NAME "tview_expected"

/* How the columns of a relation are compared, if not by image; numbers from 1. */
typedef struct TvColumns
{
	Bitmapset  *equal;			/* by the type's equality */
	Bitmapset  *computed;		/* not: they depend on the choice of an image */
	Bitmapset  *inexact;		/* floats, added up in any order */
	Bitmapset  *shuffled;		/* lists in any order */
} TvColumns;

static void check_view(ReturnSetInfo *rsinfo, const TvView *view);
static void check_state(ReturnSetInfo *rsinfo, const TvView *view, const TvNode *node);
static void out_columns(const TvNode *node, TvColumns *columns);
static bool varies(const TvNode *node);
static void lock_relations(const TvGraph *graph);
static void run_query(EphemeralNamedRelationData *expected, const TvView *view, Query *query);
static void compare(ReturnSetInfo *rsinfo, Oid relid, EphemeralNamedRelationData *expected,
					const TvColumns *columns);

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

/*
 * The stored definition runs as it is: its text would not always mean the same
 * under the view's settings.  If it has several right answers, for it does not
 * order all rows that it takes in order, or groups values of several images, the
 * top node's output is compared, and the rest with the state tables.
 */
static void
check_view(ReturnSetInfo *rsinfo, const TvView *view)
{
	Relation	rel = table_open(view->relid, NoLock);
	Query	   *query = copyObject(unconstify(Query *, tv_definition_query(rel)));
	TvNode	   *top = view->graph->nodes[view->graph->nnodes - 1];
	bool		several = tv_graph_has_ties(view->graph);
	EphemeralNamedRelationData expected;
	TvColumns	columns = {0};
	TvRights	rights;

	table_close(rel, NoLock);
	for (int i = 0; i < view->graph->nnodes - 1; i++)
		several |= varies(view->graph->nodes[i]);
	out_columns(top, &columns);
	if (several)
		query = tv_derive_output(view->graph, top);
	else
	{
		AcquireRewriteLocks(query, true, false);
		query = linitial_node(Query, QueryRewrite(query));
	}
	run_query(&expected, view, query);
	tv_rights_enter(&rights, view->owner, view->settings, true, true);
	compare(rsinfo, view->relid, &expected, &columns);
	tv_rights_leave(&rights);
}

static bool
acc_has_images(const TvNode *node, const TvAcc *acc)
{
	Form_pg_attribute arg;

	if (acc->kind != TV_ACC_EXTREME || !OidIsValid(acc->sortop))
		return false;
	arg = TupleDescAttr(node->in_desc, linitial_int(acc->args) - 1);
	return !tv_type_one_image(arg->atttypid, arg->atttypmod, acc->inputcollid);
}

static bool
has_one_image(Expr *arg, Oid collation)
{
	return IsA(arg, Const) || tv_type_one_image(exprType((Node *) arg), exprTypmod((Node *) arg), collation);
}

/*
 * Does an aggregate whose groups are computed anew show some of its arguments,
 * and of equal ones that which comes first?  Sums and lists of all of them do not.
 */
static bool
chooses_image(const Aggref *aggref)
{
	ListCell   *lc;

	if (tv_type_one_image(aggref->aggtype, -1, aggref->aggcollid) ||
		(aggref->aggkind == AGGKIND_NORMAL && aggref->aggdistinct == NIL &&
		 !OidIsValid(tv_aggregate_sortop(aggref))))
		return false;
	foreach(lc, aggref->args)
		if (!has_one_image(lfirst_node(TargetEntry, lc)->expr, aggref->inputcollid))
		return true;
	return false;
}

/* Can this column of the group row have several images? */
static bool
has_images(const TvNode *node, int column)
{
	if (column <= node->nkeys)
	{
		const TvKey *key = &node->keys[column - 1];

		return !tv_type_one_image(key->type, key->typmod, key->collation);
	}
	else
	{
		const TvAgg *agg = list_nth(node->aggs, column - node->nkeys - 1);

		if (agg->kind == TV_AGG_RECOMPUTE)
			return chooses_image(agg->aggref);
		return agg->kind == TV_AGG_EXTREME && acc_has_images(node, list_nth(node->accs, agg->acc));
	}
}

static bool
images_walker(Node *node, void *group)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
		return has_images(group, ((Var *) node)->varattno);
	return expression_tree_walker(node, images_walker, group);
}

/* Is the order in which the aggregate gets its arguments left open?  That of equal ones always is. */
static bool
is_unordered(const Aggref *aggref)
{
	List	   *ordered = NIL;
	ListCell   *lc;

	if (aggref->aggkind != AGGKIND_NORMAL || aggref->aggfnoid >= FirstNormalObjectId)
		return false;
	foreach(lc, aggref->aggorder)
		ordered = lappend(ordered, get_sortgroupclause_expr(lfirst(lc), aggref->args));
	foreach(lc, aggref->args)
	{
		TargetEntry *arg = lfirst_node(TargetEntry, lc);

		if (!arg->resjunk && !IsA(arg->expr, Const) &&
			!(list_member(ordered, arg->expr) && has_one_image(arg->expr, aggref->inputcollid)))
			return true;
	}
	return false;
}

static bool
unordered_walker(Node *node, void *context)
{
	const TvNode *group = context;

	if (node == NULL)
		return false;
	if (IsA(node, Var))
	{
		int			agg = ((Var *) node)->varattno - group->nkeys - 1;

		return agg >= 0 && ((TvAgg *) list_nth(group->aggs, agg))->kind == TV_AGG_RECOMPUTE &&
			is_unordered(((TvAgg *) list_nth(group->aggs, agg))->aggref);
	}
	return expression_tree_walker(node, unordered_walker, context);
}

static bool
is_float(Oid type)
{
	return type == FLOAT4OID || type == FLOAT8OID;
}

static bool
is_list(Oid type)
{
	return OidIsValid(get_element_type(type)) || type == TEXTOID || type == BYTEAOID ||
		type == JSONOID || type == JSONBOID || type == XMLOID;
}

/* Does a node choose one of several images, or the order of a list? */
static bool
varies(const TvNode *node)
{
	ListCell   *lc;

	if (node->kind != TV_NODE_GROUP)
		return false;
	for (int i = 1; i <= node->nkeys + list_length(node->aggs); i++)
		if (has_images(node, i))
			return true;
	foreach(lc, node->aggs)
	{
		TvAgg	   *agg = lfirst(lc);

		if (agg->kind == TV_AGG_RECOMPUTE && is_list(getBaseType(agg->aggref->aggtype)) &&
			is_unordered(agg->aggref))
			return true;
	}
	return false;
}

static void
unordered_column(const TvNode *node, int number, Node *expr, TvColumns *columns)
{
	Oid			type = getBaseType(exprType(expr));

	if (!unordered_walker(expr, (void *) node))
		return;
	if (is_float(type))
		columns->inexact = bms_add_member(columns->inexact, number);
	else if (is_list(type))
		columns->shuffled = bms_add_member(columns->shuffled, number);
}

/* A column that shows an expression over the group row. */
static void
out_column(const TvNode *node, int number, Node *expr, TvColumns *columns)
{
	unordered_column(node, number, expr, columns);
	if (!images_walker(expr, (void *) node))
		return;
	if (IsA(expr, Var) && OidIsValid(lookup_type_cache(exprType(expr), TYPECACHE_EQ_OPR)->eq_opr))
		columns->equal = bms_add_member(columns->equal, number);
	else
		columns->computed = bms_add_member(columns->computed, number);
}

/* The columns of a node's output. */
static void
out_columns(const TvNode *node, TvColumns *columns)
{
	ListCell   *lc;

	/* of equal values, each run of the query may show another one */
	for (int i = 0; node->kind == TV_NODE_WHOLE && i < node->out_desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(node->out_desc, i);

		if (!tv_type_one_image(att->atttypid, att->atttypmod, att->attcollation) &&
			OidIsValid(lookup_type_cache(att->atttypid, TYPECACHE_EQ_OPR)->eq_opr))
			columns->equal = bms_add_member(columns->equal, i + 1);
	}
	if (node->kind != TV_NODE_GROUP)
		return;
	foreach(lc, node->out_exprs)
		out_column(node, foreach_current_index(lc) + 1, lfirst(lc), columns);
}

/* The columns of a node's state table. */
static void
state_columns(const TvNode *node, TvColumns *columns)
{
	if (node->kind != TV_NODE_GROUP)
		return;
	for (int i = 0; i < list_length(node->state_columns); i++)
	{
		TvStateColumn *col = &node->state_roles[i];

		if (col->role == TV_STATE_OUT)
			out_column(node, i + 1, list_nth(node->out_exprs, col->index - 1), columns);
		else if (col->role == TV_STATE_KEY ? has_images(node, col->index + 1) :
				 acc_has_images(node, list_nth(node->accs, col->index)))
			columns->equal = bms_add_member(columns->equal, i + 1);
	}
}

static void
check_state(ReturnSetInfo *rsinfo, const TvView *view, const TvNode *node)
{
	EphemeralNamedRelationData expected;
	TvColumns	columns = {0};
	TvRights	rights;
	TvUser		user;

	state_columns(node, &columns);
	run_query(&expected, view, tv_derive_state(view->graph, node));
	/* the settings, and then the rights of who owns the table */
	tv_rights_enter(&rights, view->owner, view->settings, true, true);
	tv_extension_owner_enter(&user);
	compare(rsinfo, node->state_relid, &expected, &columns);
	tv_extension_owner_leave(&user);
	tv_rights_leave(&rights);
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

/* Run a rewritten query as the view's owner; its rows are *expected. */
static void
run_query(EphemeralNamedRelationData *expected, const TvView *view, Query *query)
{
	Tuplestorestate *store = tuplestore_begin_heap(false, false, work_mem);
	DestReceiver *dest = CreateDestReceiver(DestTuplestore);
	TvRights	rights;
	PlannedStmt *plan;
	QueryDesc  *query_desc;

	tv_rights_enter(&rights, view->owner, view->settings, true, true);
	SetTuplestoreDestReceiverParams(dest, store, CurrentMemoryContext, false, NULL, NULL);
	plan = pg_plan_query(tv_shield_nulls(query), "", 0, NULL);

	query_desc = CreateQueryDesc(plan, "", GetActiveSnapshot(), InvalidSnapshot,
								 dest, tv_null_params(), NULL, 0);
	standard_ExecutorStart(query_desc, 0);
	tv_compat_ExecutorRun(query_desc);
	memset(expected, 0, sizeof(*expected));
	expected->md.name = EXPECTED_NAME;
	expected->md.reliddesc = InvalidOid;
	expected->md.tupdesc = CreateTupleDescCopy(query_desc->tupDesc);
	expected->md.enrtype = ENR_NAMED_TUPLESTORE;
	expected->md.enrtuples = tuplestore_tuple_count(store);
	expected->reldata = store;
	standard_ExecutorFinish(query_desc);
	standard_ExecutorEnd(query_desc);
	FreeQueryDesc(query_desc);
	tv_rights_leave(&rights);
}

/*
 * Put the differences between a relation and what is expected into the result.
 * State tables are read as the extension's owner, so that the statement must call
 * nothing of the user's: search_path is that of maintenance, and a row, unlike
 * a value, has no cast to text but the server's.
 */
static void
compare(ReturnSetInfo *rsinfo, Oid relid, EphemeralNamedRelationData *expected,
		const TvColumns *columns)
{
	char	   *stored = tv_view_name(relid);
	StringInfoData names;
	StringInfoData exact;
	StringInfoData equal;
	StringInfoData group;
	StringInfoData floats;
	StringInfoData tolerances;
	char	   *sql;

	initStringInfo(&names);
	initStringInfo(&exact);
	initStringInfo(&equal);
	initStringInfo(&group);
	initStringInfo(&floats);
	initStringInfo(&tolerances);
	for (int i = 1; i <= expected->md.tupdesc->natts; i++)
	{
		appendStringInfo(&names, "%sc%d", i > 1 ? ", " : "", i);
		if (bms_is_member(i, columns->equal))
		{
			appendStringInfo(&equal, ", tview_row.c%d", i);
			appendStringInfo(&group, ", c%d", i);
		}
		else if (bms_is_member(i, columns->computed))
			continue;
		else if (bms_is_member(i, columns->inexact))
		{
			Oid			type = getBaseType(TupleDescAttr(expected->md.tupdesc, i - 1)->atttypid);

			appendStringInfo(&floats, ", tview_row.c%d::pg_catalog.numeric", i);
			appendStringInfo(&tolerances, ", %s", type == FLOAT4OID ? "1e-4" : "1e-9");
		}
		else if (bms_is_member(i, columns->shuffled))
			appendStringInfo(&exact, ", (SELECT pg_catalog.string_agg(c, '' ORDER BY c COLLATE pg_catalog.\"C\")"
							 " FROM pg_catalog.string_to_table(ROW(tview_row.c%d)::pg_catalog.text, NULL) c)", i);
		else
			appendStringInfo(&exact, ", tview_row.c%d", i);
	}

	/*
	 * rows with the same floats could not be told apart by these columns
	 * below
	 */
	if (equal.len > 0)
	{
		appendStringInfoString(&exact, floats.data);
		resetStringInfo(&floats);
		resetStringInfo(&tolerances);
	}
	/* a view may have no columns */
	if (names.len > 0)
	{
		char	   *list = psprintf("(%s)", names.data);

		resetStringInfo(&names);
		appendStringInfoString(&names, list);
	}

	SPI_connect();
	if (SPI_register_relation(expected) != SPI_OK_REL_REGISTER)
		elog(ERROR, "SPI_register_relation failed");

	/* of rows that differ in floats, those that differ by little cancel out */
	sql = psprintf("WITH totals AS MATERIALIZED"
				   " (SELECT pg_catalog.min(content COLLATE pg_catalog.\"C\") AS content, exact, image, floats,"
				   " pg_catalog.sum(weight)::pg_catalog.int8 AS n"
				   " FROM (SELECT ROW(tview_row.*)::pg_catalog.text AS content,"
				   " ROW(0%2$s)::pg_catalog.text AS exact, tview.row_hash(ROW(0%2$s)) AS image,"
				   " ARRAY[0%7$s]::pg_catalog.numeric[] AS floats,"
				   " 1 AS weight%3$s FROM %5$s tview_row%1$s"
				   " UNION ALL SELECT ROW(tview_row.*)::pg_catalog.text,"
				   " ROW(0%2$s)::pg_catalog.text, tview.row_hash(ROW(0%2$s)),"
				   " ARRAY[0%7$s]::pg_catalog.numeric[], -1%3$s"
				   " FROM %6$s tview_row%1$s) both_sides"
				   " GROUP BY exact, image, floats%4$s"
				   " HAVING pg_catalog.sum(weight) <> 0)"
				   " SELECT CASE WHEN n > 0 THEN 'missing' ELSE 'extra' END, pg_catalog.abs(n), content"
				   " FROM totals t WHERE NOT EXISTS"
				   " (SELECT FROM totals o WHERE o.n = - t.n AND o.exact = t.exact AND o.image = t.image"
				   " AND o.floats <> t.floats AND NOT EXISTS"
				   " (SELECT FROM ROWS FROM (pg_catalog.unnest(t.floats), pg_catalog.unnest(o.floats),"
				   " pg_catalog.unnest(ARRAY[0%8$s]::pg_catalog.numeric[])) f(x, y, tolerance)"
				   " WHERE x IS DISTINCT FROM y AND (pg_catalog.abs(x - y)"
				   " <= 1e-9 + tolerance * greatest(pg_catalog.abs(x), pg_catalog.abs(y))) IS NOT TRUE))"
				   " ORDER BY content COLLATE pg_catalog.\"C\", n DESC",
				   names.data, exact.data, equal.data, group.data, EXPECTED_NAME, stored,
				   floats.data, tolerances.data);
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
	SPI_finish();
	tuplestore_end(expected->reldata);
}
