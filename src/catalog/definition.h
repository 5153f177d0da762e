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

/*
 * Open a view, or a table that one reads, with AccessShareLock.  Its OID comes
 * from the catalog without a lock on it, so that others can have dropped it
 * since: then 40001, as a retry finds the view gone.
 */
extern Relation tv_definition_open(Oid relid);

#endif							/* TV_DEFINITION_H */
