/*-------------------------------------------------------------------------
 *
 * commands/utility_reach.h
 *	  Which utility statements can touch what is pending.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_UTILITY_REACH_H
#define TV_UTILITY_REACH_H

#include "nodes/nodes.h"

typedef enum TvUtilityReach
{
	TV_REACH_NO_OBJECT,			/* alters nothing that views are made of */
	TV_REACH_OTHERS,			/* alters objects that no view has to do with */
	TV_REACH_NEW_PARTITION,		/* adds an empty table to a tree that is read */
	TV_REACH_VIEWS				/* may touch a view, or what one is made of */
} TvUtilityReach;

/*
 * What a utility statement can touch.  Takes no locks: a relation that is
 * replaced meanwhile is noticed when the statement is done, see command.h.
 */
extern TvUtilityReach tv_utility_reach(Node *stmt);

#endif							/* TV_UTILITY_REACH_H */
