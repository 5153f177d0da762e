/*-------------------------------------------------------------------------
 *
 * commands/set_option.h
 *	  Change the options of a maintained view.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_SET_OPTION_H
#define TV_SET_OPTION_H

#include "nodes/pg_list.h"

/* Hint of errors about modes. */
#define TV_MODES_HINT "Modes are \"immediate\" and \"deferred\"."

/* Raise 22023 unless it is the name of a mode. */
extern void tv_check_mode(const char *mode);

/*
 * Raise 22023 unless these options (List of DefElem *) of CREATE or ALTER are
 * storage parameters.  The server would do so, too, but knows no mode.
 */
extern void tv_check_storage_options(List *options);

/*
 * Set the mode of a view.  Raises 42501 unless the current user owns it, and
 * 55006 when a statement in progress changes a table of a view.
 */
extern void tv_set_mode(Oid view, const char *mode);

#endif							/* TV_SET_OPTION_H */
