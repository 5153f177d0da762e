/*-------------------------------------------------------------------------
 *
 * executor/function_reads.h
 *	  May a query read views through the functions that it calls?
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_FUNCTION_READS_H
#define TV_FUNCTION_READS_H

#include "nodes/plannodes.h"

/*
 * Does a query have to be flushed for before it begins, because of functions
 * that it calls?
 */
extern bool tv_functions_read(const PlannedStmt *stmt);

#endif							/* TV_FUNCTION_READS_H */
