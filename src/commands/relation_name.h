/*-------------------------------------------------------------------------
 *
 * commands/relation_name.h
 *	  A relation's name given as text.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_RELATION_NAME_H
#define TV_RELATION_NAME_H

#include "nodes/primnodes.h"

/* The name as the grammar reads it, or NULL if the text is no such name. */
extern RangeVar *tv_relation_name_parse(const char *text);

/*
 * Raise 42809 unless view is a maintained view.
 */
extern void tv_relation_require_view(Oid view);

#endif							/* TV_RELATION_NAME_H */
