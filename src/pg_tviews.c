/*-------------------------------------------------------------------------
 *
 * pg_tviews.c
 *	  Load the library: define the settings, then start the layers in order.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"

#include "catalog/tv_catalog.h"
#include "commands/command.h"
#include "config.h"
#include "executor/executor_hooks.h"
#include "pg_tviews.h"
#include "planner/plan_cache.h"
#include "planner/plan_query.h"
#include "planner/row_security.h"
#include "planner/view_cache.h"

PG_MODULE_MAGIC;

void
_PG_init(void)
{
	tv_config_init();
	tv_catalog_init();
	tv_view_option_init();
	tv_view_cache_init();
	tv_row_security_init();
	tv_plan_cache_init();
	tv_plan_query_init();
	tv_executor_init();
	tv_commands_init();
}
