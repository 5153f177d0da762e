/*-------------------------------------------------------------------------
 *
 * commands/settle_bodies.h
 *	  Views whose functions have bodies that now mean something else.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_SETTLE_BODIES_H
#define TV_SETTLE_BODIES_H

#include "commands/command.h"

/*
 * What names an object in the body of a function: NULL if it is not there, empty
 * if it is used without being named (a cast).
 */
extern char *tv_settle_name_in_bodies(const ObjectAddress *object);

/*
 * The populated views in whose definition the body of a function uses other
 * functions or operators since the command, for names are found anew whenever
 * the function runs.  List of Oid.
 */
extern List *tv_settle_other_bodies(const TvCommand *command);

/*
 * The views with a function whose body, a text, has the name of a type in it that
 * the statement changed: what it stands for is not known.
 */
extern List *tv_settle_bodies_with_types(const TvCommand *command);

#endif							/* TV_SETTLE_BODIES_H */
