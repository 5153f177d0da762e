/*-------------------------------------------------------------------------
 *
 * output_settings.h
 *	  The settings that shape a value's text: recorded, and set again.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_OUTPUT_SETTINGS_H
#define TV_OUTPUT_SETTINGS_H

#include "nodes/pg_list.h"

/* The session's values, a List of char * "name=value", palloc'd. */
extern List *tv_settings_current(void);

/* Is this "name=value" for one of the settings that are recorded? */
extern bool tv_settings_known(const char *setting);

/*
 * Set those that differ, until the end of the current GUC nest level.  The
 * caller has called NewGUCNestLevel() and calls AtEOXact_GUC().
 */
extern void tv_settings_apply(List *settings);

#endif							/* TV_OUTPUT_SETTINGS_H */
