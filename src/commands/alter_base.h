/*-------------------------------------------------------------------------
 *
 * commands/alter_base.h
 *	  Statements that alter what views are made of.
 *
 * Most need no handler: the object access hook sees what they do.  These are
 * the ones of which it does not see enough.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_ALTER_BASE_H
#define TV_ALTER_BASE_H

#include "commands/command.h"

/* AlterTableStmt: also of views, indexes, materialized views. */
extern void tv_alter_table(TvUtility *utility, Node *stmt);

/* IndexStmt */
extern void tv_create_index(TvUtility *utility, Node *stmt);

/* ReindexStmt */
extern void tv_reindex(TvUtility *utility, Node *stmt);

/* AlterRoleStmt, DropRoleStmt, GrantRoleStmt */
extern void tv_alter_role(TvUtility *utility, Node *stmt);

/* RenameStmt, of anything */
extern void tv_rename(TvUtility *utility, Node *stmt);

/* RuleStmt */
extern void tv_create_rule(TvUtility *utility, Node *stmt);

/* ViewStmt */
extern void tv_replace_view(TvUtility *utility, Node *stmt);

/* AlterEnumStmt */
extern void tv_alter_domain(TvUtility *utility, Node *stmt);
extern void tv_alter_enum(TvUtility *utility, Node *stmt);

#endif							/* TV_ALTER_BASE_H */
