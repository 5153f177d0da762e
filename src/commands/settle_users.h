/*-------------------------------------------------------------------------
 *
 * commands/settle_users.h
 *	  Which views a definition's parts belong to.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_SETTLE_USERS_H
#define TV_SETTLE_USERS_H

#include "nodes/pg_list.h"

/* The maintained views that use one of these objects: List of ObjectAddress *. */
extern List *tv_settle_users_of(List *addresses);

/*
 * Those that use rows of one of these relations or composite types (List of
 * Oid) as a whole, or as they are stored in a column.
 */
extern List *tv_settle_users_of_rows(List *relids);

/*
 * Those whose query makes values of one of these types (List of Oid), not those
 * that find them in a column.
 */
extern List *tv_settle_makers_of(List *types);

/* These types (List of Oid), and all that are made of them. */
extern List *tv_settle_types_with(List *types);

#endif							/* TV_SETTLE_USERS_H */
