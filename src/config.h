/*-------------------------------------------------------------------------
 *
 * config.h
 *	  The settings of the product (tview.*).
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_CONFIG_H
#define TV_CONFIG_H

typedef enum TvReadInStatement
{
	TV_READ_ERROR,				/* raise 55000 */
	TV_READ_BEFORE				/* show the state before the statement */
} TvReadInStatement;

/* What functions of a definition find unqualified names in. */
#define TV_SEARCH_PATH "pg_catalog, pg_temp"

/* Refuse definitions of which a part needs a full recompute. */
extern bool tv_require_incremental;

/* What a read of a view sees while its bases are in the middle of a change. */
extern int	tv_read_in_statement;

/* From this many changed rows on, the delta plan for many rows is used. */
extern int	tv_bulk_rows;
extern int	tv_small_partition;

/* More keys than that are not locked one by one by a transaction. */
extern int	tv_lock_escalation;

extern void tv_config_init(void);

#endif							/* TV_CONFIG_H */
