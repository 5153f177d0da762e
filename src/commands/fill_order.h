/*-------------------------------------------------------------------------
 *
 * commands/fill_order.h
 *	  The order of the rows that CREATE and REFRESH store.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_FILL_ORDER_H
#define TV_FILL_ORDER_H

#include "nodes/parsenodes.h"

/* Once, when the library is loaded. */
extern void tv_fill_order_init(void);

/* The statement in progress lets the server fill a view with this definition. */
extern void tv_fill_order_expect(const Query *definition);
extern void tv_fill_order_expect_view(Oid view);

#endif							/* TV_FILL_ORDER_H */
