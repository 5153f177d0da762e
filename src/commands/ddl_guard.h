/*-------------------------------------------------------------------------
 *
 * commands/ddl_guard.h
 *	  DDL that the utility hook does not see.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_DDL_GUARD_H
#define TV_DDL_GUARD_H

extern void tv_ddl_guard_init(void);

/*
 * A statement of the client begins: none of an earlier message can be in
 * progress.  DROP EXTENSION drops the event trigger that should tell its end.
 */
extern void tv_ddl_guard_reset(void);

#endif							/* TV_DDL_GUARD_H */
