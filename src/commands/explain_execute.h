/*-------------------------------------------------------------------------
 *
 * commands/explain_execute.h
 *	  EXPLAIN EXECUTE shows the maintenance of views, too.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_EXPLAIN_EXECUTE_H
#define TV_EXPLAIN_EXECUTE_H

#include "commands/command.h"

/* Is it EXPLAIN EXECUTE, in format TEXT? */
extern bool tv_explain_is_execute(ExplainStmt *stmt);

/* Run it. */
extern void tv_explain_execute(TvUtility *utility, ExplainStmt *stmt);

#endif							/* TV_EXPLAIN_EXECUTE_H */
