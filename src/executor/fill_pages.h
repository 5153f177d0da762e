/*-------------------------------------------------------------------------
 *
 * executor/fill_pages.h
 *	  Append rows to a new relation, a page at a time.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_FILL_PAGES_H
#define TV_FILL_PAGES_H

#include "access/attnum.h"
#include "utils/relcache.h"

typedef struct TvPages TvPages;

/*
 * Begin.  Nobody else writes to the relation, whose storage was made by this
 * (sub)transaction.  options: of table_multi_insert().
 */
extern TvPages *tv_pages_open(Relation rel, CommandId cid, int options);

/*
 * Remember where up to so many rows are stored; see row_memory.h.  keys: the columns
 * of their unique key; must live as long.
 */
extern void tv_pages_remember(TvPages *pages, uint64 nrows, int nkeys, const AttrNumber *keys);

/* Append a row. */
extern void tv_pages_put(TvPages *pages, const Datum *values, const bool *isnull);

/* Write the last page. */
extern void tv_pages_close(TvPages *pages);

#endif							/* TV_FILL_PAGES_H */
