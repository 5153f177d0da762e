/*-------------------------------------------------------------------------
 *
 * executor/lock_budget.h
 *	  How many key locks a transaction may hold.
 *
 * The server's lock table has room for max_locks_per_transaction locks of each
 * session on average, and whoever needs one when it is full fails, with a
 * view or without.  Key locks never take more than three quarters of it: a
 * fourth of each session's part is its own, and half of the table is lent to
 * those that need more.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_LOCK_BUDGET_H
#define TV_LOCK_BUDGET_H

/* The most that any transaction may hold, whatever the others do. */
extern int64 tv_lock_budget_most(void);

/*
 * May this transaction hold so many keys, all in all?  If so they are its own
 * until it ends; a prepared one goes on without them, for its session's place
 * in the lock table is counted apart (max_prepared_transactions).
 */
extern bool tv_lock_budget_ask(int64 keys);

extern void tv_lock_budget_end_transaction(void);
extern void tv_lock_budget_init(void);

#endif							/* TV_LOCK_BUDGET_H */
