/*-------------------------------------------------------------------------
 *
 * executor/flush_on_read.h
 *	  Bring views up to date before a query of the same transaction reads them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_FLUSH_ON_READ_H
#define TV_FLUSH_ON_READ_H

#include "executor/execdesc.h"

/*
 * To be called before a query is started, if there are changes or statements
 * in progress.  If the query can see a view with pending changes, they are
 * applied and the query gets a snapshot that sees the result.  Raises 55000
 * when that is not possible: part of a change is not known yet, or the query
 * shares its snapshot with another one.
 */
extern void tv_flush_before_query(QueryDesc *desc);

/*
 * May the views that a query names be read under its snapshot?  It is given a
 * newer one, or 40001 is raised.
 */
extern void tv_check_query_snapshot(QueryDesc *desc);

/* Note which views a query of a SERIALIZABLE transaction reads (executor/dependency.h). */
extern void tv_note_query_reads(QueryDesc *desc);

#endif							/* TV_FLUSH_ON_READ_H */
