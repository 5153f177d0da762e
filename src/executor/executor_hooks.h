/*-------------------------------------------------------------------------
 *
 * executor/executor_hooks.h
 *	  The executor hooks.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_EXECUTOR_HOOKS_H
#define TV_EXECUTOR_HOOKS_H

/* Install the executor hooks and transaction callbacks. */
extern void tv_executor_init(void);

#endif							/* TV_EXECUTOR_HOOKS_H */
