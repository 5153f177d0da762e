/*-------------------------------------------------------------------------
 *
 * executor/lock_budget.c
 *	  How many key locks a transaction may hold.
 *
 * What is lent to all transactions is one number in shared memory.  If the
 * library is not preloaded there is none, and each session has half of its
 * part of the lock table.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/twophase.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/lock.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"

#include "executor/lock_budget.h"

/* Keys lent to all transactions, or NULL. */
static pg_atomic_uint64 *all_lent = NULL;

/* Keys lent to this transaction. */
static uint64 lent = 0;

static shmem_request_hook_type prev_shmem_request = NULL;
static shmem_startup_hook_type prev_shmem_startup = NULL;

/* Keys that a transaction may hold without a loan. */
static int64
own_part(void)
{
	return all_lent ? max_locks_per_xact / 4 : max_locks_per_xact / 2;
}

/* Keys that may be lent, to all together: half of the lock table's room. */
static int64
lendable(void)
{
	if (all_lent == NULL)
		return 0;
	return (int64) max_locks_per_xact * (MaxBackends + max_prepared_xacts) / 2;
}

int64
tv_lock_budget_most(void)
{
	return own_part() + lendable();
}

bool
tv_lock_budget_ask(int64 keys)
{
	int64		more = keys - own_part() - (int64) lent;

	if (more <= 0)
		return true;
	if (more > lendable())
		return false;
	if (pg_atomic_fetch_add_u64(all_lent, more) + more > (uint64) lendable())
	{
		pg_atomic_fetch_sub_u64(all_lent, more);
		return false;
	}
	lent += more;
	return true;
}

void
tv_lock_budget_end_transaction(void)
{
	if (lent > 0)
		pg_atomic_fetch_sub_u64(all_lent, lent);
	lent = 0;
}

static void
request_shmem(void)
{
	if (prev_shmem_request)
		prev_shmem_request();
	RequestAddinShmemSpace(sizeof(pg_atomic_uint64));
}

static void
startup_shmem(void)
{
	bool		found;

	if (prev_shmem_startup)
		prev_shmem_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	all_lent = ShmemInitStruct("pg_tviews lent key locks", sizeof(pg_atomic_uint64), &found);
	if (!found)
		pg_atomic_init_u64(all_lent, 0);
	LWLockRelease(AddinShmemInitLock);
}

void
tv_lock_budget_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;
	prev_shmem_request = shmem_request_hook;
	shmem_request_hook = request_shmem;
	prev_shmem_startup = shmem_startup_hook;
	shmem_startup_hook = startup_shmem;
}
