/*-------------------------------------------------------------------------
 *
 * commands/definition_lock.h
 *	  Views that come into being, and DDL on what they may be made of,
 *	  exclude each other.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_DEFINITION_LOCK_H
#define TV_DEFINITION_LOCK_H

#include "nodes/parsenodes.h"

/*
 * Keep out DDL that could change what a definition means, until the end of the
 * transaction; for who makes a view, or populates one that was not.  Nothing
 * that was looked up in the catalogs before need hold afterwards.
 */
extern void tv_definitions_lock(void);

/*
 * If the statement could change what a definition means, and does not lock a
 * relation that is part of it: wait for those who make views, and keep them out
 * until the end of the transaction.
 */
extern void tv_definitions_lock_change(Node *stmt);

/*
 * A query was analyzed before the lock was had.  Raise an error if a function,
 * operator, type or collation that it uses is gone.
 */
extern void tv_definitions_check_uses(Query *query);

#endif							/* TV_DEFINITION_LOCK_H */
