/*-------------------------------------------------------------------------
 *
 * executor/dependency.h
 *	  Read/write dependencies by way of views, where the server sees none.
 *
 * A SERIALIZABLE transaction that reads a view, and a concurrent one whose
 * writes change the view: the server has to know that the first one comes
 * before the second, or both may commit what no order of them would give.  A
 * server that leaves materialized views out (TV_VIEWS_LACK_PREDICATE_LOCKS) is
 * told by these functions, of the view as a whole.  They are to be called at
 * SERIALIZABLE only.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_DEPENDENCY_H
#define TV_DEPENDENCY_H

/* This transaction is about to read the view.  May raise 40001. */
extern void tv_dependency_read(Oid view);

/* This transaction has written rows of the view.  May raise 40001. */
extern void tv_dependency_written(Oid view);

extern void tv_dependency_end_transaction(void);

#endif							/* TV_DEPENDENCY_H */
