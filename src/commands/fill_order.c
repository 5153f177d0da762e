/*-------------------------------------------------------------------------
 *
 * commands/fill_order.c
 *	  The order of the rows that CREATE and REFRESH store.
 *
 * Maintenance visits groups in the order of their keys, and it is several times
 * cheaper to find a row next to the last one than anywhere in the table.  The
 * server fills views by itself, with groups as its hash table gives them: all
 * that is done here is to ask its planner for an order when it plans the query
 * of a view that is being filled.  The definition stays as it is.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "optimizer/planner.h"
#include "utils/rel.h"

#include "catalog/definition.h"
#include "commands/command.h"
#include "commands/fill_order.h"
#include "planner/plan_query.h"

static planner_hook_type prev_planner = NULL;

/* Is it the query that fills the view?  It was rewritten since. */
static bool
is_filling(const Query *query, const Query *definition)
{
	return query->commandType == CMD_SELECT &&
		equal(query->targetList, definition->targetList) &&
		equal(query->groupClause, definition->groupClause) &&
		equal(query->distinctClause, definition->distinctClause);
}

static PlannedStmt *
tv_planner(Query *query, const char *query_string, int options, ParamListInfo params)
{
	TvCommand  *command = tv_command_current;

	if (command && command->filling && is_filling(query, command->filling))
	{
		command->filling = NULL;
		tv_plan_order_groups(query);
	}
	return prev_planner ? prev_planner(query, query_string, options, params) :
		standard_planner(query, query_string, options, params);
}

void
tv_fill_order_init(void)
{
	prev_planner = planner_hook;
	planner_hook = tv_planner;
}

void
tv_fill_order_expect(const Query *definition)
{
	MemoryContext oldcxt;

	if (tv_command_current == NULL)
		return;
	oldcxt = MemoryContextSwitchTo(tv_command_current->cxt);
	tv_command_current->filling = copyObject(definition);
	MemoryContextSwitchTo(oldcxt);
}

void
tv_fill_order_expect_view(Oid view)
{
	Relation	rel = table_open(view, NoLock);

	tv_fill_order_expect(tv_definition_query(rel));
	table_close(rel, NoLock);
}
