/*-------------------------------------------------------------------------
 *
 * config.c
 *	  Define the settings, alphabetically.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "utils/guc.h"

#include "config.h"

int			tv_lock_escalation = 256;
bool		tv_require_incremental = false;
int			tv_read_in_statement = TV_READ_ERROR;
int			tv_bulk_rows = 200;
int			tv_small_partition = 64;

static const struct config_enum_entry read_in_statement_options[] = {
	{"error", TV_READ_ERROR, false},
	{"before", TV_READ_BEFORE, false},
	{NULL, 0, false}
};

void
tv_config_init(void)
{
	DefineCustomIntVariable("tview.bulk_rows",
							"Number of changed rows from which on the delta plan for many rows is used.",
							"The plan for few rows is made for index look-ups, the one for many rows with the true number of rows.",
							&tv_bulk_rows, 200, 1, INT_MAX,
							PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("tview.small_partition",
							"Number of rows up to which a partition of window functions is computed as a whole.",
							"Of a larger one, ranks and running totals are computed from the first changed row on.",
							&tv_small_partition, 64, 0, INT_MAX,
							PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("tview.lock_escalation",
							"Number of join keys and groups that a transaction locks one by one.",
							"If there are more, all keys of a join, or all groups, are locked at once.",
							&tv_lock_escalation, 256, 0, INT_MAX,
							PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomEnumVariable("tview.read_in_statement",
							 "What a read of a maintained view does while a statement is changing its base tables.",
							 "\"error\" raises an error, \"before\" shows the state before the statement.",
							 &tv_read_in_statement, TV_READ_ERROR, read_in_statement_options,
							 PGC_USERSET, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("tview.require_incremental",
							 "Refuse a maintained view of which a part can only be recomputed as a whole.",
							 NULL,
							 &tv_require_incremental, false,
							 PGC_USERSET, 0, NULL, NULL, NULL);
	MarkGUCPrefixReserved("tview");
}
