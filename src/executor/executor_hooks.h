/*-------------------------------------------------------------------------
 *
 * executor/executor_hooks.h
 *	  The executor hooks.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_EXECUTOR_HOOKS_H
#define TV_EXECUTOR_HOOKS_H

/*
 * May changes be applied now?  Not by a parallel worker, nor by an apply worker
 * before it commits, nor as long as a statement runs that began before the
 * library was loaded.
 */
extern bool tv_may_flush(void);

/*
 * A statement begins, or ends, be it with an error.  tv_statement_end() returns
 * true if the statement is part of no other one.
 */
extern void tv_statement_begin(void);
extern bool tv_statement_end(void);

/*
 * Flush at the end of a statement: what cannot wait, or everything if the
 * statement was the transaction (outermost, and outside of a transaction
 * block).
 */
extern void tv_statement_flush(bool outermost);

/* Install the executor hooks and transaction callbacks. */
extern void tv_executor_init(void);

#endif							/* TV_EXECUTOR_HOOKS_H */
