/*-------------------------------------------------------------------------
 *
 * commands/change_utility.h
 *	  Utility statements that change rows: COPY FROM and TRUNCATE.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_CHANGE_UTILITY_H
#define TV_CHANGE_UTILITY_H

#include "nodes/parsenodes.h"

#include "commands/command.h"

/* CopyStmt */
extern void tv_copy(TvUtility *utility, Node *stmt);

/* TruncateStmt */
extern void tv_truncate(TvUtility *utility, Node *stmt);

/* Are the rows of a COPY FROM seen by every snapshot? */
extern bool tv_copy_freezes(CopyStmt *stmt);

/* The relations that TRUNCATE will reach: List of Oid, not locked. */
extern List *tv_truncated_relations(TruncateStmt *stmt);

#endif							/* TV_CHANGE_UTILITY_H */
