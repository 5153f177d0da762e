/*-------------------------------------------------------------------------
 *
 * commands/change_utility.h
 *	  Utility statements that change rows: COPY FROM and TRUNCATE.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_CHANGE_UTILITY_H
#define TV_CHANGE_UTILITY_H

#include "commands/command.h"

/* CopyStmt */
extern void tv_copy(TvUtility *utility, Node *stmt);

/* TruncateStmt */
extern void tv_truncate(TvUtility *utility, Node *stmt);

#endif							/* TV_CHANGE_UTILITY_H */
