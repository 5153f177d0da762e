/*-------------------------------------------------------------------------
 *
 * executor/lock_tags.h
 *	  Locks on the keys of an edge, or of groups, in two colours.
 *
 * Writers of the first leaf of an edge and writers of the second exclude each
 * other, key by key; writers of the same leaf do not.  The modes of the
 * server's lock table give just that: RowExclusiveLock and ShareLock conflict
 * with each other, not with themselves; ShareRowExclusiveLock, for who changes
 * both leaves, conflicts with all three.
 *
 *-------------------------------------------------------------------------
 */
#ifndef TV_LOCK_TAGS_H
#define TV_LOCK_TAGS_H

/* Whose writer asks; a bit mask. */
#define TV_SIDE_FIRST	1
#define TV_SIDE_SECOND	2
#define TV_SIDE_BOTH	3

/* Keys of one edge (or of the groups of one node) that are to be locked. */
typedef struct TvTagSet
{
	Oid			view;
	int			number;			/* of the edge, in the view */
	bool		keyed;			/* false: the edge has one key only */
	bool		exclusive;		/* groups: all writers exclude each other */
	int			all;			/* sides whose writers lock all keys */
	bool		ready;			/* tags are sorted, both_sides is known */
	bool		both_sides;		/* the edge is locked for both sides */
	int			ntags;
	int			capacity;
	uint64	   *tags;			/* hash of the key << 2 | sides */
} TvTagSet;

/* An empty set, in the current memory context. */
extern TvTagSet *tv_tags_make(Oid view, int number, bool keyed, bool exclusive);

/* Add a key by its hash; 0 if the edge has only one. */
extern void tv_tags_add(TvTagSet *set, uint32 hash, int side);

/* Need no more keys of this side be added, for all are locked anyway? */
#define tv_tags_full(set, side) (((set)->all & (side)) != 0)

/*
 * Is there one key, of one side, of an edge that must be locked for both, and
 * not locked by this transaction yet?  Then no more may be added.
 */
extern bool tv_tags_lone(TvTagSet *set, int side);

/*
 * Lock the keys, in their order, until the end of the transaction.  Waits as
 * any lock does.
 */
extern void tv_tags_lock(TvTagSet *set);

extern void tv_tags_end_transaction(void);
extern void tv_tags_init(void);

#endif							/* TV_LOCK_TAGS_H */
