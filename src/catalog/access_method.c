/*-------------------------------------------------------------------------
 *
 * catalog/access_method.c
 *	  The table access method "tview": heap, under another name.
 *
 * The name is what marks a materialized view as maintained.  The routine must
 * be heap's own, not a copy: heap compares the pointer when it builds an
 * index.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/tableam.h"
#include "fmgr.h"

PG_FUNCTION_INFO_V1(tview_handler);

/*
 * tview.tview_handler(internal) returns table_am_handler
 */
Datum
tview_handler(PG_FUNCTION_ARGS)
{
	PG_RETURN_POINTER(GetHeapamTableAmRoutine());
}
