/*
 * hash_slot.c
 *		Owns the slots that limit password hashing in the whole server, and an
 *		arena of Argon2 memory for each.
 *
 * Threat: a login flood.  Without a limit, each of hundreds of backends would
 * take 19 MiB and a share of the processors; with it, memory is fixed at server
 * start and the flood waits in a queue that times out.
 *
 * The arenas are touched at start, so that no login waits for the kernel to
 * clear pages.  They are a separate mapping, inherited by fork, because the
 * server's shared memory is not aligned to huge pages: with these a backend
 * maps an arena with ten faults instead of thousands.  libargon2 wipes the
 * memory it used.
 */
#include "postgres.h"

#include <sys/mman.h>

#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/wait_event.h"

#include "server/compat.h"
#include "server/deadline.h"
#include "server/settings.h"
#include "shmem/counters.h"
#include "shmem/hash_slot.h"

typedef struct HashSlots
{
	ConditionVariable freed;
	int waiting;
	bool busy[FLEXIBLE_ARRAY_MEMBER];
} HashSlots;

static HashSlots *slots = NULL;
static char *arenas = NULL;
static size_t arena_size = 0; /* when they were mapped: the setting may change */
static LWLock *slots_lock = NULL;
static uint32 wait_event = 0;
static int held_slot = -1;
static bool is_waiting = false;

#define HUGE_PAGE (2 * 1024 * 1024)
#if defined(__linux__) && !defined(MADV_COLLAPSE)
#define MADV_COLLAPSE 25 /* since Linux 6.1; older C libraries do not define it */
#endif

size_t
hash_slot_size(void)
{
	return MAXALIGN(offsetof(HashSlots, busy) + sizeof(bool) * setting_max_concurrent_hashes);
}

/*
 * Shared by all processes forked later; address and offset are multiples of a huge page.  Linux 6.1 collapses such
 * memory on demand, with any setting for transparent huge pages; elsewhere the pages stay small.
 */
static void
map_arenas(void)
{
	size_t each = (size_t) setting_argon2_memory * 1024;
	size_t size = TYPEALIGN(HUGE_PAGE, mul_size(each, setting_max_concurrent_hashes));
	char *reserved = mmap(NULL, size + HUGE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *memory = (char *) TYPEALIGN(HUGE_PAGE, reserved);

	if (reserved == MAP_FAILED ||
		mmap(memory, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED)
		ereport(FATAL,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("could not map %zu bytes for password hashing: %m", size),
				 errhint("Lower djust_auth.max_concurrent_hashes or djust_auth.argon2_memory.")));
	memset(memory, 0, size);
#ifdef MADV_COLLAPSE
	(void) madvise(memory, size, MADV_COLLAPSE);
#endif
	arenas = memory;
	arena_size = each;
}

void
hash_slot_attach(struct LWLock *lock)
{
	bool found;

	wait_event = CompatWaitEvent("DjustAuthHashSlot");
	slots_lock = lock;
	slots = ShmemInitStruct("djust_auth hash slots", hash_slot_size(), &found);
	/* after a crash the mapping still exists, without users */
	if (arenas == NULL)
		map_arenas();
	if (!found)
	{
		ConditionVariableInit(&slots->freed);
		slots->waiting = 0;
		memset(slots->busy, 0, sizeof(bool) * setting_max_concurrent_hashes);
	}
}

static bool
try_acquire(void)
{
	int i;

	LWLockAcquire(slots_lock, LW_EXCLUSIVE);
	for (i = 0; i < setting_max_concurrent_hashes && held_slot < 0; i++)
		if (!slots->busy[i])
			held_slot = i;
	if (held_slot >= 0)
		slots->busy[held_slot] = true;
	LWLockRelease(slots_lock);
	return held_slot >= 0;
}

static void
set_waiting(bool waiting)
{
	if (waiting == is_waiting)
		return;
	LWLockAcquire(slots_lock, LW_EXCLUSIVE);
	slots->waiting += waiting ? 1 : -1;
	is_waiting = waiting;
	LWLockRelease(slots_lock);
}

/* Waits until a slot is taken or the time is over. */
static bool
wait_for_slot(void)
{
	Deadline deadline = deadline_in(setting_hash_wait_timeout);

	counter_add(COUNT_HASH_WAITS, 1);
	set_waiting(true);
	ConditionVariablePrepareToSleep(&slots->freed);
	while (!try_acquire() && deadline_sleep(&deadline, &slots->freed, wait_event))
		continue;
	ConditionVariableCancelSleep();
	set_waiting(false);

	/* passes on a signal that arrived too late for this waiter */
	if (held_slot < 0)
		ConditionVariableSignal(&slots->freed);
	return held_slot >= 0;
}

bool
hash_slot_acquire(PwArena *arena)
{
	Assert(held_slot < 0);
	if (!try_acquire() && !wait_for_slot())
	{
		counter_add(COUNT_HASH_TIMEOUTS, 1);
		return false;
	}
	arena->memory = arenas + arena_size * held_slot;
	arena->size = arena_size;
	return true;
}

void
hash_slot_release(void)
{
	Assert(held_slot >= 0);
	LWLockAcquire(slots_lock, LW_EXCLUSIVE);
	slots->busy[held_slot] = false;
	held_slot = -1;
	LWLockRelease(slots_lock);
	ConditionVariableSignal(&slots->freed);
}

/* A backend interrupted while waiting may have consumed a signal: passes it on. */
void
hash_slot_abandon(void)
{
	set_waiting(false);
	if (held_slot >= 0)
		hash_slot_release();
	else
		ConditionVariableSignal(&slots->freed);
}

void
hash_slot_count(int *running, int *waiting)
{
	int i;

	*running = 0;
	LWLockAcquire(slots_lock, LW_SHARED);
	for (i = 0; i < setting_max_concurrent_hashes; i++)
		*running += slots->busy[i];
	*waiting = slots->waiting;
	LWLockRelease(slots_lock);
}
