/*-------------------------------------------------------------------------
 *
 * tv_compat.h
 *	  Differences between server versions 15 to 18, all of them.
 *
 * PG_VERSION_NUM is tested nowhere else.  A wrapper has the signature of the
 * newest version.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_COMPAT_H
#define TV_COMPAT_H

#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif
#include "access/genam.h"
#include "access/stratnum.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "commands/defrem.h"
#include "commands/explain.h"
#include "commands/matview.h"
#include "commands/tablecmds.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_relation.h"
#include "storage/lock.h"
#include "rewrite/rewriteHandler.h"
#include "optimizer/optimizer.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

/* 18 split commands/explain.h. */
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#endif

/*
 * Does the server leave materialized views out when it looks for read/write
 * dependencies among SERIALIZABLE transactions?  16 does not any more.
 */
#define TV_VIEWS_LACK_PREDICATE_LOCKS (PG_VERSION_NUM < 160000)

/* Does EXPLAIN ANALYZE show buffers if nothing is said about them? */
#define TV_EXPLAIN_SHOWS_BUFFERS (PG_VERSION_NUM >= 180000)

/* 18 says it in front of the declaration. */
#ifndef pg_noreturn
#define pg_noreturn pg_attribute_noreturn()
#endif

/* Was the relation's storage replaced in this transaction? */
#if PG_VERSION_NUM >= 160000
#define TV_HAS_NEW_STORAGE(rel) ((rel)->rd_newRelfilelocatorSubid != InvalidSubTransactionId)
#else
#define TV_HAS_NEW_STORAGE(rel) ((rel)->rd_newRelfilenodeSubid != InvalidSubTransactionId)
#endif

/* 16 lets the caller take the error. */
#if PG_VERSION_NUM < 160000
#define stringToQualifiedNameList(string, escontext) stringToQualifiedNameList(string)
#endif

/* 18 takes constant names. */
#if PG_VERSION_NUM < 180000
#define transformRelOptions(old, options, namespace, valid, ignore_oids, is_reset) \
	transformRelOptions(old, options, namespace, (char **) (valid), ignore_oids, is_reset)
#endif

/* 18 gave it a name that is not bound to btree. */
#if PG_VERSION_NUM < 180000
#define get_op_index_interpretation get_op_btree_interpretation
#endif

/* 18 has NOT NULL constraints that are not valid: there may be nulls. */
#if PG_VERSION_NUM >= 180000
#define tv_attribute_not_null(desc, attno) \
	(TupleDescCompactAttr(desc, (attno) - 1)->attnullability == ATTNULLABLE_VALID)
#else
#define tv_attribute_not_null(desc, attno) \
	(TupleDescAttr(desc, (attno) - 1)->attnotnull)
#endif

/* 18 can leave room before the tuple. */
#if PG_VERSION_NUM >= 180000
#define tv_form_minimal_tuple(desc, values, isnull) \
	heap_form_minimal_tuple(desc, values, isnull, 0)
#else
#define tv_form_minimal_tuple(desc, values, isnull) \
	heap_form_minimal_tuple(desc, values, isnull)
#endif

/* 16 renamed what tells the files of relations apart. */
#if PG_VERSION_NUM >= 160000
#define tv_relation_locator(rel) ((rel)->rd_locator)
#define tv_relation_file_number(rel) ((rel)->rd_locator.relNumber)
#else
#define tv_relation_locator(rel) ((rel)->rd_node)
#define tv_relation_file_number(rel) ((rel)->rd_node.relNode)
#endif

/* 16 replaced the family of pg_xxx_ownercheck() by one function. */
#if PG_VERSION_NUM < 160000
static inline bool
object_ownercheck(Oid classid, Oid objectid, Oid roleid)
{
	Assert(classid == RelationRelationId);
	return pg_class_ownercheck(objectid, roleid);
}
#endif

/* 17 has the MAINTAIN privilege: REFRESH needs it, not ownership. */
#if PG_VERSION_NUM < 170000
#define RangeVarCallbackMaintainsTable RangeVarCallbackOwnsTable
#endif

/*
 * Raise 42501 if the current user, or for what views read, their owners, lack a
 * right that this level of a rewritten query needs.  16 put these rights apart.
 */
static inline void
tv_compat_check_permissions(Query *query)
{
#if PG_VERSION_NUM >= 160000
	(void) ExecCheckPermissions(query->rtable, query->rteperminfos, true);
#else
	(void) ExecCheckRTPerms(query->rtable, true);
#endif
}

/*
 * Make an index, from a statement that transformIndexStmt() has seen, without
 * checks of rights.  16 added total_parts.
 */
static inline ObjectAddress
tv_define_index(Oid relid, IndexStmt *stmt)
{
#if PG_VERSION_NUM >= 160000
	return DefineIndex(relid, stmt, InvalidOid, InvalidOid, InvalidOid, -1,
					   false, false, false, false, true);
#else
	return DefineIndex(relid, stmt, InvalidOid, InvalidOid, InvalidOid,
					   false, false, false, false, true);
#endif
}

/* May the current user refresh this materialized view? */
static inline bool
tv_may_refresh(Oid relid)
{
#if PG_VERSION_NUM >= 170000
	return pg_class_aclcheck(relid, GetUserId(), ACL_MAINTAIN) == ACLCHECK_OK;
#else
	return object_ownercheck(RelationRelationId, relid, GetUserId());
#endif
}

/*
 * REFRESH MATERIALIZED VIEW ... WITH NO DATA, without a check of rights.  17 exported
 * a function for it; before, acting as the owner passes the check.
 */
static inline void
tv_empty_by_oid(Oid relid)
{
#if PG_VERSION_NUM >= 180000
	RefreshMatViewByOid(relid, false, true, false, "", NULL);
#elif PG_VERSION_NUM >= 170000
	RefreshMatViewByOid(relid, true, false, "", NULL, NULL);
#else
	RefreshMatViewStmt *stmt = makeNode(RefreshMatViewStmt);
	Oid			userid;
	int			sec_context;
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Form_pg_class form;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	form = (Form_pg_class) GETSTRUCT(tuple);
	stmt->relation = makeRangeVar(get_namespace_name(form->relnamespace),
								  pstrdup(NameStr(form->relname)), -1);
	GetUserIdAndSecContext(&userid, &sec_context);
	SetUserIdAndSecContext(form->relowner, sec_context | SECURITY_LOCAL_USERID_CHANGE);
	ReleaseSysCache(tuple);
	stmt->skipData = true;
	(void) ExecRefreshMatView(stmt, "", NULL, NULL);
	SetUserIdAndSecContext(userid, sec_context);
#endif
}

/* The expression of a virtual generated column, which 18 has; NULL for others. */
static inline Node *
tv_compat_virtual_column(Relation rel, AttrNumber attno)
{
#if PG_VERSION_NUM >= 180000
	if (TupleDescAttr(RelationGetDescr(rel), attno - 1)->attgenerated == ATTRIBUTE_GENERATED_VIRTUAL)
		return build_generation_expression(rel, attno);
#endif
	return NULL;
}

/* Does this part of ALTER TABLE give a generated column another expression? */
#if PG_VERSION_NUM >= 170000
#define TV_AT_SETS_EXPRESSION(cmd) ((cmd)->subtype == AT_SetExpression)
#else
#define TV_AT_SETS_EXPRESSION(cmd) false
#endif

/* 18 made the expressions of GROUP BY an RTE that the query's columns refer to. */
static inline List *
tv_compat_group_exprs(const RangeTblEntry *rte)
{
#if PG_VERSION_NUM >= 180000
	return rte->groupexprs;
#else
	return NIL;
#endif
}

/*
 * Columns of joins and, from 18 on, of GROUP BY stand for expressions over
 * the FROM items; put these in their place.  16 added the planner's root.
 */
static inline Node *
tv_compat_flatten_aliases(Query *query, Node *node)
{
	if (node == NULL)
		return NULL;
#if PG_VERSION_NUM >= 180000
	if (query->hasGroupRTE)
		node = flatten_group_exprs(NULL, query, node);
#endif
#if PG_VERSION_NUM >= 160000
	return flatten_join_alias_vars(NULL, query, node);
#else
	return flatten_join_alias_vars(query, node);
#endif
}

/* The query groups no more: forget the RTE that 18 has for its groups. */
static inline void
tv_compat_clear_group_rte(Query *query)
{
#if PG_VERSION_NUM >= 180000
	query->hasGroupRTE = false;
#endif
#if PG_VERSION_NUM >= 160000
	query->rteperminfos = NIL;
#endif
}

/*
 * From 16 on, a Var names the outer joins that can make it null.
 */
static inline void
tv_compat_clear_nulling(Var *var)
{
#if PG_VERSION_NUM >= 160000
	var->varnullingrels = NULL;
#endif
}

/* The btree family, type and direction of an ordering operator.  18 says it without strategies. */
static inline bool
tv_compat_ordering_op(Oid op, Oid *opfamily, Oid *type, bool *descending)
{
#if PG_VERSION_NUM >= 180000
	CompareType direction;

	if (!get_ordering_op_properties(op, opfamily, type, &direction))
		return false;
	*descending = direction == COMPARE_GT;
#else
	int16		direction;

	if (!get_ordering_op_properties(op, opfamily, type, &direction))
		return false;
	*descending = direction == BTGreaterStrategyNumber;
#endif
	return true;
}

/* Turn an order round, by the operator for it.  18 has the direction in the clause, too. */
static inline void
tv_compat_reverse_order(SortGroupClause *clause, Oid sortop)
{
	clause->sortop = sortop;
	clause->nulls_first = !clause->nulls_first;
#if PG_VERSION_NUM >= 180000
	clause->reverse_sort = !clause->reverse_sort;
#endif
}

static inline void
tv_compat_set_nulling(Var *var, int rtindex)
{
#if PG_VERSION_NUM >= 160000
	var->varnullingrels = bms_make_singleton(rtindex);
#endif
}

/* The columns of an RTE, with dropped ones as nulls.  18 added RETURNING. */
static inline void
tv_compat_expand_rte(RangeTblEntry *rte, int rti, int depth, bool dropped,
					 List **names, List **vars)
{
#if PG_VERSION_NUM >= 180000
	expandRTE(rte, rti, depth, VAR_RETURNING_DEFAULT, -1, dropped, names, vars);
#else
	expandRTE(rte, rti, depth, -1, dropped, names, vars);
#endif
}

/* Append an RTE on which no permission is checked. */
static inline void
tv_compat_clear_permissions(RangeTblEntry *rte)
{
#if PG_VERSION_NUM >= 160000
	rte->perminfoindex = 0;
#else
	rte->requiredPerms = 0;
	rte->checkAsUser = InvalidOid;
	rte->selectedCols = NULL;
#endif
}

/* From 16 on, the planner expects permissions of every table, if empty ones. */
static inline void
tv_compat_add_rte(Query *query, RangeTblEntry *rte)
{
	tv_compat_clear_permissions(rte);
#if PG_VERSION_NUM >= 160000
	if (rte->rtekind == RTE_RELATION)
		addRTEPermissionInfo(&query->rteperminfos, rte)->requiredPerms = 0;
#endif
	query->rtable = lappend(query->rtable, rte);
}

/* The same for all tables of a query. */
static inline void
tv_compat_renew_permissions(Query *query)
{
	ListCell   *lc;

#if PG_VERSION_NUM >= 160000
	query->rteperminfos = NIL;
#endif
	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		tv_compat_clear_permissions(rte);
#if PG_VERSION_NUM >= 160000
		if (rte->rtekind == RTE_RELATION)
			addRTEPermissionInfo(&query->rteperminfos, rte)->requiredPerms = 0;
#endif
	}
}

/* Build all indexes of a table anew.  17 wants to know by which statement. */
static inline void
tv_compat_reindex_relation(Oid relid)
{
	ReindexParams params = {0};

#if PG_VERSION_NUM >= 170000
	(void) reindex_relation(NULL, relid, 0, &params);
#else
	(void) reindex_relation(relid, 0, &params);
#endif
}

/* Does an Append leave out partitions at run time?  18 keeps what it needs elsewhere. */
#if PG_VERSION_NUM >= 180000
#define TV_APPEND_PRUNES(plan) ((plan)->part_prune_index >= 0)
#else
#define TV_APPEND_PRUNES(plan) ((plan)->part_prune_info != NULL)
#endif

/* 18 removed the argument execute_once. */
static inline void
tv_compat_ExecutorRun(QueryDesc *desc)
{
#if PG_VERSION_NUM >= 180000
	standard_ExecutorRun(desc, ForwardScanDirection, 0);
#else
	standard_ExecutorRun(desc, ForwardScanDirection, 0, true);
#endif
}

/*
 * Take a lock until the end of the transaction.  Unless report_full, returns
 * LOCKACQUIRE_NOT_AVAIL if the lock table has no room.  18 added an argument.
 */
static inline LockAcquireResult
tv_compat_lock_acquire(const LOCKTAG *tag, LOCKMODE mode, bool report_full)
{
#if PG_VERSION_NUM >= 180000
	return LockAcquireExtended(tag, mode, false, false, report_full, NULL, false);
#else
	return LockAcquireExtended(tag, mode, false, false, report_full, NULL);
#endif
}

/* Does this transaction hold this lock in just this mode? 17 added an argument. */
static inline bool
tv_compat_lock_held(const LOCKTAG *tag, LOCKMODE mode)
{
#if PG_VERSION_NUM >= 170000
	return LockHeldByMe(tag, mode, false);
#else
	return LockHeldByMe(tag, mode);
#endif
}

/* 18 added instrumentation of index scans. */
static inline IndexScanDesc
tv_compat_index_beginscan(Relation heap, Relation index, Snapshot snapshot, int nkeys)
{
#if PG_VERSION_NUM >= 180000
	return index_beginscan(heap, index, snapshot, NULL, nkeys, 0);
#else
	return index_beginscan(heap, index, snapshot, nkeys, 0);
#endif
}

/* 16 tells what kind of indexes an update concerns. */
#if PG_VERSION_NUM >= 160000
typedef TU_UpdateIndexes TvUpdateIndexes;
#define TV_UPDATES_INDEXES(u) ((u) != TU_None)
#define TV_ONLY_SUMMARIZING(u) ((u) == TU_Summarizing)
#else
typedef bool TvUpdateIndexes;
#define TV_UPDATES_INDEXES(u) (u)
#define TV_ONLY_SUMMARIZING(u) false
#endif

static inline List *
tv_compat_insert_index_tuples(ResultRelInfo *rri, TupleTableSlot *slot, EState *estate,
							  bool update, bool no_dup_error, bool *conflict,
							  List *arbiters, bool only_summarizing)
{
#if PG_VERSION_NUM >= 160000
	return ExecInsertIndexTuples(rri, slot, estate, update, no_dup_error, conflict,
								 arbiters, only_summarizing);
#else
	return ExecInsertIndexTuples(rri, slot, estate, update, no_dup_error, conflict, arbiters);
#endif
}

/* 18 added the id of the tuple itself. */
static inline bool
tv_compat_check_index_constraints(ResultRelInfo *rri, TupleTableSlot *slot, EState *estate,
								  ItemPointer conflict, List *arbiters)
{
#if PG_VERSION_NUM >= 180000
	ItemPointerData invalid;

	ItemPointerSetInvalid(&invalid);
	return ExecCheckIndexConstraints(rri, slot, estate, conflict, &invalid, arbiters);
#else
	return ExecCheckIndexConstraints(rri, slot, estate, conflict, arbiters);
#endif
}

/*
 * 17 exported what EXPLAIN does with a query when there is no hook: plan it,
 * with time and buffers measured, run it if asked to, print it.
 */
#if PG_VERSION_NUM < 170000
static inline void
standard_ExplainOneQuery(Query *query, int cursorOptions, IntoClause *into, ExplainState *es,
						 const char *queryString, ParamListInfo params,
						 QueryEnvironment *queryEnv)
{
	BufferUsage before = pgBufferUsage;
	BufferUsage used = {0};
	instr_time	start;
	instr_time	duration;
	PlannedStmt *plan;

	INSTR_TIME_SET_CURRENT(start);
	plan = pg_plan_query(query, queryString, cursorOptions, params);
	INSTR_TIME_SET_CURRENT(duration);
	INSTR_TIME_SUBTRACT(duration, start);
	BufferUsageAccumDiff(&used, &pgBufferUsage, &before);
	ExplainOnePlan(plan, into, es, queryString, params, queryEnv, &duration,
				   es->buffers ? &used : NULL);
}
#endif

/* 16 and 17 brought expressions of JSON, which convert values as they like. */
static inline bool
tv_compat_is_json_node(const Node *node)
{
#if PG_VERSION_NUM >= 170000
	return IsA(node, JsonConstructorExpr) || IsA(node, JsonExpr);
#elif PG_VERSION_NUM >= 160000
	return IsA(node, JsonConstructorExpr);
#else
	return false;
#endif
}

/* The values that such an expression may print. */
static inline List *
tv_compat_json_args(const Node *node)
{
#if PG_VERSION_NUM >= 170000
	if (IsA(node, JsonExpr))
		return ((const JsonExpr *) node)->passing_values;
#endif
#if PG_VERSION_NUM >= 160000
	return ((const JsonConstructorExpr *) node)->args;
#else
	return NIL;
#endif
}

/* 18 removed the argument execute_once of ExecutorRun. */
#if PG_VERSION_NUM >= 180000
#define TV_EXECUTE_ONCE_PARAM
#define TV_EXECUTE_ONCE_VALUE true
#define TV_CALL_EXECUTOR_RUN(function, desc, direction, count, once) \
	((void) (once), (function) (desc, direction, count))
#else
#define TV_EXECUTE_ONCE_PARAM , bool execute_once
#define TV_EXECUTE_ONCE_VALUE execute_once
#define TV_CALL_EXECUTOR_RUN(function, desc, direction, count, once) \
	(function) (desc, direction, count, once)
#endif

#endif							/* TV_COMPAT_H */
