/*-------------------------------------------------------------------------
 *
 * commands/command.h
 *	  A utility statement in progress, and what it did to views.
 *
 * The utility hook pushes one TvCommand per statement.  While the server runs
 * the statement, the object access hook notes in it what happens to relations
 * and functions; when the server is done, tv_settle() draws the conclusions
 * for views.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_COMMAND_H
#define TV_COMMAND_H

#include "catalog/objectaddress.h"
#include "nodes/params.h"
#include "nodes/plannodes.h"
#include "tcop/dest.h"
#include "tcop/utility.h"

/* The arguments of the ProcessUtility hook. */
typedef struct TvUtility
{
	PlannedStmt *pstmt;
	const char *query_string;
	bool		read_only_tree;
	ProcessUtilityContext context;
	ParamListInfo params;
	QueryEnvironment *query_env;
	DestReceiver *dest;
	QueryCompletion *qc;
} TvUtility;

/* Between a partition, or inheritance child, and its parent. */
typedef struct TvLink
{
	Oid			child;
	Oid			parent;
} TvLink;

typedef struct TvCommand
{
	struct TvCommand *outer;
	MemoryContext cxt;			/* of the lists */
	NodeTag		tag;			/* of the statement */
	bool		unseen;			/* the utility hook has not seen it begin */
	bool		leaves_pending; /* it cannot touch what was pending before,
								 * which was not flushed */

	bool		creating;		/* a maintained view is being created ... */
	Oid			created;		/* ... and this is it */
	List	   *inputs;			/* of Oid: what that view reads ... */
	bool		input_changed;	/* ... and some of that was changed meanwhile */
	Oid			arming;			/* a view that it refreshes, and that was not
								 * populated */

	List	   *dropping;		/* of Oid: tables that it names to be dropped */
	List	   *dropping_schemas;	/* of Oid */
	List	   *dropped;		/* of Oid: maintained views */
	List	   *touched;		/* of Oid: relations altered in some way */
	List	   *moved;			/* of Oid: relations whose values changed
								 * without triggers */
	List	   *links;			/* of TvLink *: made or removed */
	List	   *altered_triggers;	/* of Oid: relations one of whose triggers
									 * was enabled or disabled */
	List	   *reshaped;		/* of Oid: relations and types with other
								 * columns than before, or other names */
	bool		retypes;		/* an ALTER TABLE that changes columns' types */
	bool		keeps_rows;		/* an ALTER TABLE that stores no rows anew */
	List	   *seen_whole;		/* of Oid: tables that it may store anew, and
								 * that held just what its transaction sees */
	List	   *redefined;		/* of ObjectAddress *: views, functions, ...
								 * that now mean something else */
	List	   *constrained;	/* of Oid: domains with a constraint more */
	List	   *named;			/* of ObjectAddress *: functions, operators,
								 * casts, schemas made, renamed or dropped */
	List	   *names;			/* of char *: those that they had before */
} TvCommand;

/* The innermost statement in progress, or NULL. */
extern TvCommand *tv_command_current;

/*
 * Let the next hook, or the server, do it.  Nothing to do if utility has no
 * statement: then the server is doing it already.
 */
extern void tv_utility_run(TvUtility *utility);

/* Let the handler of a statement that the server is running note what it does. */
extern void tv_utility_note(TvUtility *utility, Node *stmt);

/* Notes of the object access hook; ignored when no statement is in progress. */
extern void tv_command_note_touched(Oid relid);
extern void tv_command_note_relation(Oid relid);	/* touched; of an index,
													 * its table */
extern void tv_command_note_moved(Oid relid);
extern void tv_command_note_link(Oid child, Oid parent);
extern void tv_command_note_reshaped(Oid relid);
extern void tv_command_note_redefined(Oid classid, Oid objid);
extern void tv_command_note_constrained(Oid domain);
extern void tv_command_note_named(Oid classid, Oid objid);

/* A view is being dropped. */
extern void tv_command_note_dropped(Oid view);

extern void tv_commands_init(void);

#endif							/* TV_COMMAND_H */
