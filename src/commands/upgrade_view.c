/*-------------------------------------------------------------------------
 *
 * commands/upgrade_view.c
 *	  CREATE MATERIALIZED VIEW as pg_upgrade runs it.
 *
 * pg_upgrade moves the contents of the view, its state tables and the rows of
 * our tables, later than this.  What it does not move are internal triggers,
 * and what a dump does not tell: that a state aggregate goes with the extension.
 *
 * A view that can no longer be maintained, as one whose table has become
 * unlogged, is unpopulated in the old cluster, and has to pass all the same.
 * Here all look unpopulated: the tables of a refused view are armed, too.  If
 * it was populated, a write to them raises the refusal; nothing is stale.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "access/transam.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "rewrite/rewriteHandler.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "catalog/definition.h"
#include "catalog/tv_state.h"
#include "commands/create_view.h"
#include "commands/upgrade_view.h"
#include "commands/view_build.h"

static bool arm_walker(Node *node, void *context);
static void arm_relation(Oid relid);

void
tv_upgrade_view(TvUtility *utility, Query *definition, const TvGraph *graph)
{
	tv_create_view_run(utility);
	if (graph && OidIsValid(tv_command_current->created))
		tv_view_depend(tv_command_current->created, graph);
	(void) arm_walker((Node *) definition, NULL);
	for (int i = 0; graph && i < graph->nnodes; i++)
	{
		ListCell   *lc;

		foreach(lc, graph->nodes[i]->accs)
		{
			TvAcc	   *acc = lfirst(lc);

			if (acc->kind == TV_ACC_TRANS)
				(void) tv_state_ensure_aggregate(acc->aggfn);
		}
	}
}

void
tv_upgrade_redefined(List *views)
{
	ListCell   *lc;

	foreach(lc, views)
	{
		Relation	rel = table_open(lfirst_oid(lc), AccessShareLock);

		(void) arm_walker((Node *) tv_definition_query(rel), NULL);
		table_close(rel, AccessShareLock);
	}
}

/*
 * Arm all tables that a query reads, also by way of plain views.  context is
 * the plain view whose query it is, or NULL: up to version 16 its range table
 * has the view itself, as what its rule calls old and new.
 */
static bool
arm_walker(Node *node, void *context)
{
	Oid		   *view = context;

	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		RangeTblEntry *rte = (RangeTblEntry *) node;

		if (rte->rtekind == RTE_RELATION && (view == NULL || rte->relid != *view))
			arm_relation(rte->relid);
		return false;
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, arm_walker, context, QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, arm_walker, context);
}

static void
arm_relation(Oid relid)
{
	char		relkind = get_rel_relkind(relid);
	Relation	rel;

	check_stack_depth();

	if (relid < FirstNormalObjectId)
		return;
	if (relkind == RELKIND_RELATION || relkind == RELKIND_PARTITIONED_TABLE)
		tv_arm_source(relid);
	else if (relkind == RELKIND_VIEW)
	{
		rel = table_open(relid, AccessShareLock);
		(void) arm_walker((Node *) get_view_query(rel), &relid);
		table_close(rel, AccessShareLock);
	}
}
