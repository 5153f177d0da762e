/*-------------------------------------------------------------------------
 *
 * catalog/tv_catalog.h
 *	  What is stored about maintained views, and the objects of the extension.
 *
 * The tables (schema tview, members of the extension, heap):
 *
 *	 view (view oid primary key, format int, level int)
 *		 one row per view that was populated once; level = 1 + the highest
 *		 level of the maintained views it reads, 0 if it reads none.
 *	 input (view oid, source oid, primary key (source, view))
 *		 the base tables and maintained views that a view reads (plain views
 *		 in between are expanded).
 *	 state (view oid, node int, state oid, signature text, primary key (view, node))
 *		 the hidden state tables.
 * The view's mode and the output-shaping settings fixed at its creation are
 * the view's security label of provider tview, which survives a dump: see
 * view_option.c.
 *
 * Rows hold relation OIDs only, which pg_upgrade keeps.  All writers act as
 * the extension's owner.  All readers scan by index with a fresh catalog
 * snapshot; results are palloc'd in the current memory context.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_CATALOG_H
#define TV_CATALOG_H

#include "nodes/pg_list.h"
#include "storage/lockdefs.h"
#include "utils/relcache.h"

/* Format of the state tables written by this version of the library. */
#define TV_STATE_FORMAT 1

/*
 * Objects of the extension in this database.  InvalidOid when it is not
 * installed.  Cached in the backend; the cache is dropped on invalidation of
 * pg_extension, pg_am or pg_namespace entries.
 */
extern Oid	tv_catalog_extension(void);
extern Oid	tv_catalog_schema(void);
extern Oid	tv_catalog_access_method(void);
extern bool tv_catalog_installed(void);

/* Is it a materialized view with our access method?  Takes no lock. */
extern bool tv_catalog_is_view(Oid relid);

/* Views */
extern bool tv_catalog_has_view(Oid view);

/* Says the catalog: without a lock on it, it may be otherwise soon. */
extern bool tv_catalog_is_populated(Oid view);
extern int	tv_catalog_view_level(Oid view);	/* 0 if not recorded */
extern void tv_catalog_record_view(Oid view, int level, List *sources);
extern void tv_catalog_forget_view(Oid view);	/* view, input, state rows */
extern List *tv_catalog_all_views(void);	/* list of OIDs */

/* List of view OIDs that read source directly (base table or view). */
extern List *tv_catalog_readers(Oid source);

/* List of sources (OIDs) that view reads directly, ascending. */
extern List *tv_catalog_sources(Oid view);

/* Open tview.view and tview.input; false, and nothing is open, if they are not there. */
extern bool tv_catalog_open_tables(Relation *view, Relation *input, LOCKMODE lockmode);

/* State tables */
extern Oid	tv_catalog_state(Oid view, int node, char **signature); /* InvalidOid if none */
extern List *tv_catalog_states(Oid view);	/* OIDs */
extern void tv_catalog_record_state(Oid view, int node, Oid state, const char *signature);
extern void tv_catalog_forget_states(Oid view);

/*
 * Options: mode is one of those below, settings a List of char * "name=value".
 * False, and defaults, if none are recorded.
 */
#define TV_MODE_IMMEDIATE "immediate"	/* at the end of each statement */
#define TV_MODE_DEFERRED "deferred" /* at commit, or before it is read */
extern bool tv_catalog_mode_known(const char *mode);
extern bool tv_catalog_option(Oid view, char **mode, List **settings);
extern void tv_catalog_record_option(Oid view, const char *mode, List *settings);

extern void tv_catalog_init(void);
extern void tv_view_option_init(void);

#endif							/* TV_CATALOG_H */
