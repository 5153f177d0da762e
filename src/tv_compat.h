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

#include "access/xact.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "commands/defrem.h"
#include "commands/matview.h"
#include "commands/tablecmds.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "utils/acl.h"
#include "utils/guc.h"

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

/* The tables that a statement of ALTER TABLE makes or takes. */
#if PG_VERSION_NUM >= 170000
#define TV_AT_SETS_EXPRESSION(cmd) ((cmd)->subtype == AT_SetExpression)
#else
#define TV_AT_SETS_EXPRESSION(cmd) false
#endif

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

static inline void
tv_compat_add_rte(Query *query, RangeTblEntry *rte)
{
	tv_compat_clear_permissions(rte);
	query->rtable = lappend(query->rtable, rte);
}

#endif							/* TV_COMPAT_H */
