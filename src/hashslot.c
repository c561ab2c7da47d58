/*
 * hashslot.c
 *		Owns the slots that bound password hashing in the whole server, and
 *		one arena of Argon2 memory for each.
 *
 * Threat: a login flood.  Without a bound, each of hundreds of backends would
 * take 19 MiB and a share of the processors; with it, memory is fixed at
 * server start and the flood waits in a queue that times out.
 *
 * The arenas are part of the main shared memory, touched at start, so that no
 * login pays for the kernel clearing pages.  libargon2 wipes what it used.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "storage/condition_variable.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

#include "hashslot.h"
#include "settings.h"
#include "shared.h"

typedef struct HashSlots
{
	ConditionVariable freed;
	size_t		arena_size;
	bool		busy[FLEXIBLE_ARRAY_MEMBER];
} HashSlots;

static HashSlots *slots = NULL;
static char *arenas = NULL;
static LWLock *slots_lock = NULL;
static int	held_slot = -1;

static size_t
arena_size(void)
{
	return (size_t) setting_argon2_memory * 1024;
}

static size_t
header_size(void)
{
	return MAXALIGN(offsetof(HashSlots, busy) + sizeof(bool) * setting_max_concurrent_hashes);
}

/* One page more, to start the arenas on a page of their own. */
size_t
hashslot_size(void)
{
	return add_size(header_size(), add_size(mul_size(arena_size(), setting_max_concurrent_hashes), 2 * 4096));
}

void
hashslot_attach(struct LWLock *lock)
{
	bool		found;
	char	   *memory;

	slots_lock = lock;
	slots = ShmemInitStruct("djust_auth hash slots", header_size(), &found);
	memory = ShmemInitStruct("djust_auth hash arenas", arena_size() * setting_max_concurrent_hashes + 4096, &found);
	arenas = (char *) TYPEALIGN(4096, memory);
	if (!found)
	{
		ConditionVariableInit(&slots->freed);
		slots->arena_size = arena_size();
		memset(slots->busy, 0, sizeof(bool) * setting_max_concurrent_hashes);
		memset(arenas, 0, slots->arena_size * setting_max_concurrent_hashes);
	}
}

static bool
try_acquire(void)
{
	int			i;

	LWLockAcquire(slots_lock, LW_EXCLUSIVE);
	for (i = 0; i < setting_max_concurrent_hashes && held_slot < 0; i++)
	{
		if (!slots->busy[i])
		{
			slots->busy[i] = true;
			held_slot = i;
		}
	}
	LWLockRelease(slots_lock);
	return held_slot >= 0;
}

/* Sleeps until a slot is taken or the time is over. */
static bool
wait_for_slot(void)
{
	TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), setting_hash_wait_timeout);
	long		left;

	shared_count(COUNT_HASH_WAITS, 1);
	ConditionVariablePrepareToSleep(&slots->freed);
	while (!try_acquire())
	{
		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
		if (left <= 0)
			break;
		ConditionVariableTimedSleep(&slots->freed, left, PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();

	/* A signal that reached a sleeper that gave up must not be lost to the others. */
	if (held_slot < 0)
		ConditionVariableSignal(&slots->freed);
	return held_slot >= 0;
}

bool
hashslot_acquire(PwArena *arena)
{
	Assert(held_slot < 0);
	if (!try_acquire() && !wait_for_slot())
	{
		shared_count(COUNT_HASH_TIMEOUTS, 1);
		return false;
	}
	arena->memory = arenas + slots->arena_size * held_slot;
	arena->size = slots->arena_size;
	return true;
}

void
hashslot_release(void)
{
	Assert(held_slot >= 0);
	LWLockAcquire(slots_lock, LW_EXCLUSIVE);
	slots->busy[held_slot] = false;
	held_slot = -1;
	LWLockRelease(slots_lock);
	ConditionVariableSignal(&slots->freed);
}

/* One that was cut off while waiting may have swallowed a signal: it is passed on. */
void
hashslot_abandon(void)
{
	if (held_slot >= 0)
		hashslot_release();
	else
		ConditionVariableSignal(&slots->freed);
}
