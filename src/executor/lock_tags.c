/*-------------------------------------------------------------------------
 *
 * executor/lock_tags.c
 *	  Locks on the keys of an edge, or of groups, in two colours.
 *
 * The locks are entries of the server's lock table, of type userlock, which
 * neither the server nor advisory locks use.  In pg_locks:
 *
 *		classid		the view
 *		objid		the hash of the key
 *		objsubid	the number of the edge
 *
 * Escalation: the lock table is of fixed size, so a transaction that would lock
 * more than tview.lock_escalation keys locks an edge as a whole.  For that, an
 * edge has two more tags (objsubid 0, objid = 2 x edge + side).  Whoever locks
 * keys as a writer of side s holds RowExclusiveLock on the tag of s; whoever
 * locks all keys holds that too, and ShareLock on the tag of the other side:
 *
 *					tag of s			tag of the other side
 *		keys		RowExclusive		-
 *		all keys	RowExclusive		Share
 *
 * So writers of one side never wait for each other, and all keys exclude any
 * key of the other side.
 *
 * A transaction that holds keys of the edge waits, for all of them, for others
 * that hold some; two that do so wait for each other, even if their keys are
 * not the same.  So it takes all keys if nobody else has any, and otherwise goes
 * on key by key as long as the lock table has room for it (lock_budget.h).
 *
 * Learning: two transactions that change a row of one leaf and later one of
 * the other, of the same key, as "insert a line, then update its order" does,
 * both get the first lock, and wait for each other with the second.  When a
 * transaction that has a key in one colour asks for it in the other, this is
 * remembered for some time: everybody then locks that edge for both sides at
 * once, and the second transaction waits before it has anything.  That is
 * always right, it only waits more; so what is remembered need not be exact.
 *
 * Nothing else is remembered about locks but in the lock table, where a
 * rollback to a savepoint takes them away.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lock.h"
#include "storage/shmem.h"
#include "utils/inval.h"
#include "utils/timestamp.h"

#include "config.h"
#include "executor/learned_edges.h"
#include "executor/lock_budget.h"
#include "executor/lock_tags.h"
#include "tv_compat.h"

/* How long an edge is locked for both sides after that was last needed. */
#define TV_LEARNED_SECONDS 600

/* Shared if the library is preloaded. */
static TvLearnedEdges own_learned;
static TvLearnedEdges *learned = &own_learned;

static shmem_request_hook_type prev_shmem_request = NULL;
static shmem_startup_hook_type prev_shmem_startup = NULL;

/* Keys locked by this transaction, those of rolled back parts included. */
static int64 nlocked = 0;
static bool any_locked = false;

static void compact(TvTagSet *set);
static void lock_tags(TvTagSet *set);
static bool learn(const TvTagSet *set, int sides);
static bool lock_all(const TvTagSet *set, int sides, bool wait);
static bool lock_keys(const TvTagSet *set, int sides);

TvTagSet *
tv_tags_make(Oid view, int number, bool keyed, bool exclusive)
{
	TvTagSet   *set = palloc0(sizeof(TvTagSet));

	set->view = view;
	set->number = number;
	set->keyed = keyed;
	set->exclusive = exclusive;
	set->capacity = 4;
	set->tags = palloc(sizeof(uint64) * set->capacity);
	return set;
}

/* More keys than that are not locked one by one in any case. */
static int64
most_keys(void)
{
	if (!any_locked || tv_lock_budget_most() < tv_lock_escalation)
		return tv_lock_escalation;
	return tv_lock_budget_most();
}

void
tv_tags_add(TvTagSet *set, uint32 hash, int side)
{
	uint64		tag = (uint64) hash << 2 | side;

	if (tv_tags_full(set, side) || (set->ntags > 0 && set->tags[set->ntags - 1] == tag))
		return;
	if (set->ntags == set->capacity)
	{
		compact(set);
		if (set->keyed && set->ntags > most_keys())
		{
			set->all |= side;
			return;
		}
		if (set->ntags > set->capacity / 4)
		{
			set->capacity *= 4;
			set->tags = repalloc_huge(set->tags, sizeof(uint64) * set->capacity);
		}
	}
	set->tags[set->ntags++] = tag;
}

static int
compare_tags(const void *a, const void *b)
{
	uint64		ta = *(const uint64 *) a;
	uint64		tb = *(const uint64 *) b;

	return ta < tb ? -1 : ta > tb;
}

/* Sort the tags, each key once. */
static void
compact(TvTagSet *set)
{
	int			n = 0;

	if (set->ntags < 2)
		return;
	qsort(set->tags, set->ntags, sizeof(uint64), compare_tags);
	for (int i = 1; i < set->ntags; i++)
	{
		if (set->tags[i] >> 2 == set->tags[n] >> 2)
			set->tags[n] |= set->tags[i];
		else
			set->tags[++n] = set->tags[i];
	}
	set->ntags = n + 1;
}

static void
set_tag(LOCKTAG *tag, const TvTagSet *set, uint32 objid, uint16 objsubid)
{
	tag->locktag_field1 = MyDatabaseId;
	tag->locktag_field2 = set->view;
	tag->locktag_field3 = objid;
	tag->locktag_field4 = objsubid;
	tag->locktag_type = LOCKTAG_USERLOCK;
	tag->locktag_lockmethodid = USER_LOCKMETHOD;
}

static void
set_key_tag(LOCKTAG *tag, const TvTagSet *set, uint64 key)
{
	set_tag(tag, set, (uint32) (key >> 2), set->number);
}

static void
set_side_tag(LOCKTAG *tag, const TvTagSet *set, int side)
{
	set_tag(tag, set, 2 * set->number + (side == TV_SIDE_SECOND), 0);
}

static LOCKMODE
mode_of(const TvTagSet *set, int sides)
{
	if (set->exclusive || sides == TV_SIDE_BOTH)
		return ShareRowExclusiveLock;
	return sides == TV_SIDE_FIRST ? RowExclusiveLock : ShareLock;
}

/* Does this transaction hold a key in any mode? */
static bool
holds_key(const TvTagSet *set, uint64 key)
{
	LOCKTAG		tag;

	set_key_tag(&tag, set, key);
	return tv_compat_lock_held(&tag, RowExclusiveLock) || tv_compat_lock_held(&tag, ShareLock) ||
		tv_compat_lock_held(&tag, ShareRowExclusiveLock);
}

/* The keys that this transaction would hold with those of the set. */
static int64
count_held(const TvTagSet *set)
{
	int64		count = nlocked + set->ntags;

	if (count > tv_lock_escalation && any_locked)
	{
		for (int i = 0; i < set->ntags; i++)
			count -= holds_key(set, set->tags[i]);
	}
	return count;
}

/* Does this transaction hold keys of the edge? */
static bool
holds_some(const TvTagSet *set)
{
	for (int side = TV_SIDE_FIRST; any_locked && side <= TV_SIDE_SECOND; side++)
	{
		LOCKTAG		tag;

		set_side_tag(&tag, set, side);
		if (tv_compat_lock_held(&tag, RowExclusiveLock))
			return true;
	}
	return false;
}

/* The sides whose writer asks, after which no more tags are added. */
static int
make_ready(TvTagSet *set)
{
	int			sides = set->all;

	if (!set->ready)
		compact(set);
	for (int i = 0; i < set->ntags; i++)
		sides |= set->tags[i] & TV_SIDE_BOTH;
	if (!set->ready && sides != 0 && !set->exclusive)
		set->both_sides = learn(set, sides);
	set->ready = true;
	return sides;
}

bool
tv_tags_lone(TvTagSet *set, int side)
{
	return make_ready(set) == side && set->all == 0 && set->ntags == 1 && set->both_sides &&
		!(any_locked && holds_key(set, set->tags[0]));
}

/*
 * Who had the lock may have attached a partition, say, of a table that this
 * transaction has locked before.  A lock on a table would tell us; this one does
 * not, and a plan that was made earlier would be taken for good.
 */
void
tv_tags_lock(TvTagSet *set)
{
	lock_tags(set);
	AcceptInvalidationMessages();
}

/* Key by key as far as there is room, else all keys at once. */
static void
lock_tags(TvTagSet *set)
{
	int			sides = make_ready(set);
	int64		count;

	if (sides == 0)
		return;
	if (set->both_sides)
	{
		sides = TV_SIDE_BOTH;
		for (int i = 0; i < set->ntags; i++)
			set->tags[i] |= TV_SIDE_BOTH;
	}
	count = set->keyed && set->all == 0 ? count_held(set) : 0;
	any_locked = true;
	if (set->all == 0 && (!set->keyed || count <= tv_lock_escalation))
	{
		if ((!set->keyed || tv_lock_budget_ask(count)) && lock_keys(set, sides))
			return;
	}
	else if (holds_some(set))
	{
		if (lock_all(set, sides, false))
			return;
		if (set->all == 0 && tv_lock_budget_ask(count) && lock_keys(set, sides))
			return;
	}
	(void) lock_all(set, sides, true);
}

/* Lock each key; false if the lock table is full. */
static bool
lock_keys(const TvTagSet *set, int sides)
{
	LOCKTAG		tag;

	for (int side = TV_SIDE_FIRST; set->keyed && side <= TV_SIDE_SECOND; side++)
	{
		if (!(sides & side))
			continue;
		set_side_tag(&tag, set, side);
		(void) LockAcquire(&tag, RowExclusiveLock, false, false);
	}
	for (int i = 0; i < set->ntags; i++)
	{
		set_key_tag(&tag, set, set->tags[i]);
		switch (tv_compat_lock_acquire(&tag, mode_of(set, set->tags[i] & TV_SIDE_BOTH),
									   !set->keyed))
		{
			case LOCKACQUIRE_NOT_AVAIL:
				return false;
			case LOCKACQUIRE_OK:
				nlocked += set->keyed;
				break;
			default:
				break;
		}
	}
	return true;
}

/* The mode of the tag of a side, for who locks all keys. */
static LOCKMODE
all_mode(const TvTagSet *set, int sides, int side)
{
	if (set->exclusive || sides == TV_SIDE_BOTH)
		return ShareRowExclusiveLock;
	return sides == side ? RowExclusiveLock : ShareLock;
}

/*
 * Lock all keys, for writers of these sides; false if that would have to wait
 * and must not.
 */
static bool
lock_all(const TvTagSet *set, int sides, bool wait)
{
	for (int side = TV_SIDE_FIRST; side <= TV_SIDE_SECOND; side++)
	{
		LOCKTAG		tag;

		if (set->exclusive && side == TV_SIDE_SECOND)
			break;
		set_side_tag(&tag, set, side);
		if (LockAcquire(&tag, all_mode(set, sides, side), false, !wait) != LOCKACQUIRE_NOT_AVAIL)
			continue;
		if (side == TV_SIDE_SECOND)
		{
			set_side_tag(&tag, set, TV_SIDE_FIRST);
			LockRelease(&tag, all_mode(set, sides, TV_SIDE_FIRST), false);
		}
		return false;
	}
	return true;
}

/* ------------------------------------------------------------------------
 * Learning
 * ------------------------------------------------------------------------
 */

/* Does this transaction hold the key in the other colour, or in both? */
static bool
wants_both(const LOCKTAG *tag, int sides)
{
	return ((sides & TV_SIDE_SECOND) && tv_compat_lock_held(tag, RowExclusiveLock)) ||
		((sides & TV_SIDE_FIRST) && tv_compat_lock_held(tag, ShareLock)) ||
		tv_compat_lock_held(tag, ShareRowExclusiveLock);
}

/* Must the edge be locked for both sides? */
static bool
learn(const TvTagSet *set, int sides)
{
	/* seconds since 2000 fit until 2136 */
	uint32		now = (uint32) (GetCurrentStatementStartTimestamp() / USECS_PER_SEC);
	uint32		edge[] = {MyDatabaseId, set->view, set->number};
	uint64		hash = hash_bytes_extended((const unsigned char *) edge, sizeof(edge), 0);
	bool		both = false;
	LOCKTAG		tag;

	if (any_locked)
	{
		for (int i = 0; i < set->ntags && !both; i++)
		{
			set_key_tag(&tag, set, set->tags[i]);
			both = wants_both(&tag, set->tags[i] & TV_SIDE_BOTH);
		}
		if (set->keyed && !both && sides != TV_SIDE_BOTH)
		{
			/* all keys of one side were locked */
			set_side_tag(&tag, set, sides);
			both = tv_compat_lock_held(&tag, ShareLock);
		}
	}
	if (both)
		tv_learned_remember(learned, hash, now, now + TV_LEARNED_SECONDS);
	return both || tv_learned_holds(learned, hash, now);
}

void
tv_tags_end_transaction(void)
{
	nlocked = 0;
	any_locked = false;
	tv_lock_budget_end_transaction();
}

static void
request_shmem(void)
{
	if (prev_shmem_request)
		prev_shmem_request();
	RequestAddinShmemSpace(sizeof(own_learned));
}

static void
startup_shmem(void)
{
	bool		found;

	if (prev_shmem_startup)
		prev_shmem_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	learned = ShmemInitStruct("pg_tviews learned edges", sizeof(own_learned), &found);
	if (!found)
		tv_learned_init(learned);
	LWLockRelease(AddinShmemInitLock);
}

void
tv_tags_init(void)
{
	tv_learned_init(&own_learned);
	tv_lock_budget_init();
	if (!process_shared_preload_libraries_in_progress)
		return;
	prev_shmem_request = shmem_request_hook;
	shmem_request_hook = request_shmem;
	prev_shmem_startup = shmem_startup_hook;
	shmem_startup_hook = startup_shmem;
}
