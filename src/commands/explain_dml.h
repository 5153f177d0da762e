/*-------------------------------------------------------------------------
 *
 * commands/explain_dml.h
 *	  EXPLAIN of a data-changing statement shows the maintenance of views.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_EXPLAIN_DML_H
#define TV_EXPLAIN_DML_H

#include "nodes/pg_list.h"

struct ExplainState;

/* Install the hook. */
extern void tv_explain_dml_init(void);

/* Call run(arg), which explains with ANALYZE; append the maintenance to es. */
extern void tv_explain_observed(struct ExplainState *es, void (*run) (void *), void *arg);

/* Append to es the maintenance that running these (rewritten) queries would bring. */
extern void tv_explain_foreseen(struct ExplainState *es, List *queries);

#endif							/* TV_EXPLAIN_DML_H */
