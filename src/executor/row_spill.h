/*-------------------------------------------------------------------------
 *
 * executor/row_spill.h
 *	  Signed rows that do not fit into memory.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_ROW_SPILL_H
#define TV_ROW_SPILL_H

#include "executor/row_table.h"

/*
 * Of a table with as many rows as its limit: make room for one more.  False if
 * the row was taken elsewhere.
 */
extern bool tv_rows_make_room(TvRowTable *table, const Datum *values, const bool *nulls,
							  int64 weight, const ItemPointerData *tid);

/* All rows have come: have as many of the first as there is room for. */
extern void tv_rows_begin_batches(TvRowTable *table);

/* tv_rows_next(), but keep what it frees; and back to the first rows. */
extern bool tv_rows_load_next(TvRowTable *table);
extern void tv_rows_rewind(TvRowTable *table);

/* row_table.c: a row into memory; must these two be in memory together? */
extern TvSignedRow *tv_rows_append(TvRowTable *table, const Datum *values, const bool *nulls,
								   int64 weight);
extern bool tv_rows_belong_together(const TvRowTable *table, const TvSignedRow *a,
									const TvSignedRow *b);

#endif							/* TV_ROW_SPILL_H */
