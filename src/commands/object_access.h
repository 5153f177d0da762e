/*-------------------------------------------------------------------------
 *
 * commands/object_access.h
 *	  The object access hook.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_OBJECT_ACCESS_H
#define TV_OBJECT_ACCESS_H

#include "tv_compat.h"

extern void tv_object_access_init(void);

/* Raise 55000: the library was loaded too late for a statement. */
pg_noreturn extern void tv_refuse_inactive(const char *detail);

#endif							/* TV_OBJECT_ACCESS_H */
