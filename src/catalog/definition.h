/*-------------------------------------------------------------------------
 *
 * catalog/definition.h
 *	  The definition of a materialized view.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_DEFINITION_H
#define TV_DEFINITION_H

#include "nodes/parsenodes.h"
#include "utils/relcache.h"

/*
 * The query of a view or materialized view, as analysed at its creation.  It
 * belongs to the relcache: copy it before changing it.
 */
extern const Query *tv_definition_query(Relation rel);

#endif							/* TV_DEFINITION_H */
