/*-------------------------------------------------------------------------
 *
 * executor/store_access.h
 *	  How rows of a store are found: looked up once, used by every flush.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_STORE_ACCESS_H
#define TV_STORE_ACCESS_H

#include "access/skey.h"
#include "storage/lockdefs.h"

#include "executor/row_memory.h"
#include "executor/runtime.h"

/* The stores of a node. */
typedef enum TvStoreUse
{
	TV_USE_OUTPUT,				/* the view, or the state table of a LINEAR
								 * node, by the identity of its rows */
	TV_USE_PRIMARY,				/* the primary store, by group key */
	TV_USE_STATE				/* the state table, by group key */
} TvStoreUse;

typedef struct TvStoreAccess
{
	Oid			relid;
	LOCKMODE	lockmode;		/* NoLock for a view: locked before */
	TvIdentity	identity;
	int			nkeys;
	AttrNumber *keys;			/* columns of the key */
	Oid			index;			/* by which rows are found; InvalidOid: by
								 * scanning */
	int			nscankeys;
	ScanKeyData *scankeys;		/* in the order of the index, to be copied */
	AttrNumber *scanned;		/* columns of the table they are about; not
								 * BAG */
	TvKeyPassing *passing;		/* of their arguments */
	int		   *index_of_key;	/* scan key of key i */
	bool		other_unique;	/* has unique indexes besides the key's */
} TvStoreAccess;

/*
 * The access to a store of a node; made when missing, lives as long as the
 * view's cache entry, which ends when an index of the store comes or goes.
 * Raises 55000 when the index that is needed is missing.
 */
extern TvStoreAccess *tv_store_access(TvNodeRuntime *rt, TvStoreUse use);

#endif							/* TV_STORE_ACCESS_H */
