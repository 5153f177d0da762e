/*-------------------------------------------------------------------------
 *
 * commands/create_view.h
 *	  CREATE MATERIALIZED VIEW ... USING tview.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_CREATE_VIEW_H
#define TV_CREATE_VIEW_H

#include "nodes/parsenodes.h"

#include "commands/command.h"

/* CreateTableAsStmt; any of them, ours or not. */
extern void tv_create_view(TvUtility *utility, Node *stmt);

/* ExplainStmt for which the next function returns true. */
extern void tv_create_view_explain(TvUtility *utility, Node *stmt);

/* Will the new relation be a materialized view with our access method? */
extern bool tv_create_view_is_maintained(CreateTableAsStmt *stmt);

/* Is it EXPLAIN ANALYZE of a statement that creates a relation? */
extern bool tv_create_view_is_explained(ExplainStmt *stmt);

/* Let the server create it; the object access hook sets command->created. */
extern void tv_create_view_run(TvUtility *utility);

#endif							/* TV_CREATE_VIEW_H */
