/*-------------------------------------------------------------------------
 *
 * planner/row_security.h
 *	  Has row security come into force for the owner of a view?
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_ROW_SECURITY_H
#define TV_ROW_SECURITY_H

#include "nodes/pg_list.h"

/* Has one of these relations (List of Oid) row security, for whomever? */
extern bool tv_row_security_enabled(List *relids);

/*
 * Raise an error if a maintained view is populated, but can no longer be
 * maintained because row security is in force for whom its query reads with.
 */
extern void tv_row_security_check(Oid view);

extern void tv_row_security_init(void);

#endif							/* TV_ROW_SECURITY_H */
