/*-------------------------------------------------------------------------
 *
 * planner/member_cache.h
 *	  Which sources the rows of a table belong to.
 *
 * The rows of a table that has parents (a partition, an inheritance child) are
 * rows of its ancestors, too, in columns of other numbers.  Entries are marked by
 * invalidations; the next look-up rebuilds them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_MEMBER_CACHE_H
#define TV_MEMBER_CACHE_H

#include "planner/view_cache.h"

/* A source that a table's rows belong to: the table or an ancestor. */
typedef struct TvMembership
{
	Oid			source;
	int			natts;
	AttrNumber *source_attnos;	/* the columns of the layout it is bound to */
	AttrNumber *attnos;			/* the same columns in the table */
	AttrNumber	last_attno;		/* the highest of these */
} TvMembership;

typedef struct TvMember
{
	Oid			relid;			/* hash key */
	uint64		generation;		/* the entry is of this one; 0 if invalid */
	MemoryContext cxt;			/* everything below */
	bool		in_tree;		/* the table has parents or children */
	bool		reaches;		/* a view reads one of related */
	List	   *related;		/* of Oid: what a change made through the
								 * table can change */
	int			nsources;
	TvMembership *sources;		/* the table and its ancestors, if a view
								 * reads them */
} TvMember;

/*
 * The entry of a table; NULL if no view can be concerned, the extension not
 * being there.  Its contents live as long as the transaction.
 */
extern TvMember *tv_member_lookup(Oid relid);

/*
 * Can a change made through the table relid change what a view reads in
 * source (InvalidOid: anything that a view reads)?
 */
extern bool tv_member_reaches(Oid relid, Oid source);

/*
 * Bind a membership of table relid to the layout that the readers of its
 * source agree on.  The result is in cxt.
 */
extern void tv_membership_bind(MemoryContext cxt, Oid relid, TvMembership *membership,
							   const TvLayout *layout);

/* A plan depends on these tables (List of Oid), of trees perhaps. */
extern void tv_member_watch(List *relids);

/*
 * For the relcache callback: something changed in a relation.  everything: it
 * may be who reads what.  Returns whether it is a table that something depends
 * on as part of a tree.
 */
extern bool tv_member_invalidate(Oid relid, bool everything);

#endif							/* TV_MEMBER_CACHE_H */
