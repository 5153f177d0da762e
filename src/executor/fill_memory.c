/*-------------------------------------------------------------------------
 *
 * executor/fill_memory.c
 *	  Memory for queries that fill a view.
 *
 * To fill a view is maintenance, as building an index is: its sorts and hash
 * tables may take maintenance_work_mem, all of them together.  work_mem, which
 * many sessions may take several times at once, is the least that each gets.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/guc.h"

#include "executor/fill_memory.h"

/* So many operations share it, as far as is known before there is a plan. */
#define TV_EXPECTED_OPERATIONS 4

static int	count_operations(const Plan *plan);

static int
count_in_list(List *plans)
{
	ListCell   *lc;
	int			n = 0;

	foreach(lc, plans)
		n += count_operations(lfirst(lc));
	return n;
}

/* The operations of a plan that may take work_mem each; a worker's are its own. */
static int
count_operations(const Plan *plan)
{
	int			n = 0;

	if (plan == NULL)
		return 0;
	check_stack_depth();
	n = count_operations(plan->lefttree) + count_operations(plan->righttree);
	switch (nodeTag(plan))
	{
		case T_Sort:
		case T_IncrementalSort:
		case T_Agg:
		case T_Hash:
		case T_SetOp:
		case T_WindowAgg:
		case T_Material:
		case T_Memoize:
		case T_CteScan:
		case T_FunctionScan:
		case T_TableFuncScan:
			return n + 1;
		case T_RecursiveUnion:
			return n + 3;
		case T_Append:
			return n + count_in_list(((const Append *) plan)->appendplans);
		case T_MergeAppend:
			return n + count_in_list(((const MergeAppend *) plan)->mergeplans);
		case T_SubqueryScan:
			return n + count_operations(((const SubqueryScan *) plan)->subplan);
		case T_Gather:
			return n * (1 + ((const Gather *) plan)->num_workers);
		case T_GatherMerge:
			return n * (1 + ((const GatherMerge *) plan)->num_workers);
		default:
			return n;
	}
}

int
tv_fill_memory_enter(const PlannedStmt *stmt)
{
	int			level = NewGUCNestLevel();
	int			n = TV_EXPECTED_OPERATIONS;
	int			kbytes;
	char		value[32];

	if (stmt)
		n = count_operations(stmt->planTree) + count_in_list(stmt->subplans);
	kbytes = maintenance_work_mem / Max(n, 1);
	if (kbytes > work_mem)
	{
		snprintf(value, sizeof(value), "%dkB", kbytes);
		(void) set_config_option("work_mem", value, PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	}
	return level;
}
