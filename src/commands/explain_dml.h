/*-------------------------------------------------------------------------
 *
 * commands/explain_dml.h
 *	  EXPLAIN of a data-changing statement shows the maintenance of views.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_EXPLAIN_DML_H
#define TV_EXPLAIN_DML_H

/* Install the hook. */
extern void tv_explain_dml_init(void);

#endif							/* TV_EXPLAIN_DML_H */
