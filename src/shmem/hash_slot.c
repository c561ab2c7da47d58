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
 *
 * There are as many slots as processors, and a waiter is often woken on a
 * processor where another backend hashes, while the one that freed the slot
 * goes idle; the kernel may leave it so for ten milliseconds.  So each slot
 * shows where its holder hashes, and a backend on the same processor moves
 * before it begins.
 */
#include "postgres.h"

#ifdef __linux__
#include <sched.h>
#endif
#include <sys/mman.h>

#include "miscadmin.h"
#include "pgstat.h"
#include "storage/condition_variable.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"

#include "server/deadline.h"
#include "server/settings.h"
#include "shmem/counters.h"
#include "shmem/hash_slot.h"

typedef struct Slot
{
	bool		busy;
	int			cpu;			/* of the holder when it began to hash; -1: not yet, or unknown */
} Slot;

typedef struct HashSlots
{
	ConditionVariable freed;
	size_t		arena_size;
	Slot		slot[FLEXIBLE_ARRAY_MEMBER];
} HashSlots;

static HashSlots *slots = NULL;
static char *arenas = NULL;
static size_t mapped_arena = 0;	/* size of each arena when mapped */
static LWLock *slots_lock = NULL;
static int	held_slot = -1;

#define HUGE_PAGE (2 * 1024 * 1024)
#if defined(__linux__) && !defined(MADV_COLLAPSE)
#define MADV_COLLAPSE 25		/* since Linux 6.1; older C libraries do not define it */
#endif

static size_t
arena_size(void)
{
	return (size_t) setting_argon2_memory * 1024;
}

static size_t
arenas_size(void)
{
	return TYPEALIGN(HUGE_PAGE, mul_size(arena_size(), setting_max_concurrent_hashes));
}

static size_t
header_size(void)
{
	return MAXALIGN(offsetof(HashSlots, slot) + sizeof(Slot) * setting_max_concurrent_hashes);
}

size_t
hash_slot_size(void)
{
	return header_size();
}

/*
 * Shared by all processes forked later; address and offset are multiples of a huge page.  Linux 6.1 collapses such
 * memory on demand, with any setting for transparent huge pages; elsewhere the pages stay small.
 */
static char *
map_arenas(void)
{
	size_t		size = arenas_size();
	char	   *reserved = mmap(NULL, size + HUGE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char	   *memory = (char *) TYPEALIGN(HUGE_PAGE, reserved);

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
	return memory;
}

void
hash_slot_attach(struct LWLock *lock)
{
	bool		found;

	slots_lock = lock;
	slots = ShmemInitStruct("djust_auth hash slots", header_size(), &found);
	/* after a crash the mapping still exists, without users; the setting may have changed since */
	if (arenas == NULL)
	{
		mapped_arena = arena_size();
		arenas = map_arenas();
	}
	if (!found)
	{
		ConditionVariableInit(&slots->freed);
		slots->arena_size = mapped_arena;
		memset(slots->slot, 0, sizeof(Slot) * setting_max_concurrent_hashes);
	}
}

static bool
try_acquire(void)
{
	int			i;

	LWLockAcquire(slots_lock, LW_EXCLUSIVE);
	for (i = 0; i < setting_max_concurrent_hashes && held_slot < 0; i++)
	{
		if (!slots->slot[i].busy)
		{
			slots->slot[i] = (Slot) {true, -1};
			held_slot = i;
		}
	}
	LWLockRelease(slots_lock);
	return held_slot >= 0;
}

/* Waits until a slot is taken or the time is over. */
static bool
wait_for_slot(void)
{
	Deadline	deadline = deadline_in(setting_hash_wait_timeout);
	long		left;

	counter_add(COUNT_HASH_WAITS, 1);
	ConditionVariablePrepareToSleep(&slots->freed);
	while (!try_acquire())
	{
		left = deadline_left(&deadline);
		if (left <= 0)
			break;
		ConditionVariableTimedSleep(&slots->freed, left, PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();

	/* passes on a signal that arrived too late for this waiter */
	if (held_slot < 0)
		ConditionVariableSignal(&slots->freed);
	return held_slot >= 0;
}

#ifdef __linux__
/* CPUs of other holders.  Read without a lock: a hint only. */
static void
cpus_of_others(cpu_set_t *cpus)
{
	int			i;

	CPU_ZERO(cpus);
	for (i = 0; i < setting_max_concurrent_hashes; i++)
	{
		Slot		slot = slots->slot[i];

		if (i != held_slot && slot.busy && slot.cpu >= 0)
			CPU_SET(slot.cpu, cpus);
	}
}

/*
 * The kernel moves a process off a processor it may no longer use, and leaves it there when it may use all again. Uses
 * only processors allowed anyway; stays if other holders use all of them.
 */
static void
leave_cpu(const cpu_set_t *others)
{
	cpu_set_t	allowed;
	cpu_set_t	wanted;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
		return;
	CPU_AND(&wanted, &allowed, others);
	CPU_XOR(&wanted, &wanted, &allowed);
	if (CPU_COUNT(&wanted) > 0 && sched_setaffinity(0, sizeof(wanted), &wanted) == 0)
		(void) sched_setaffinity(0, sizeof(allowed), &allowed);
}
#endif

/* Call with the slot held, before hashing. */
static void
choose_cpu(void)
{
#ifdef __linux__
	cpu_set_t	others;
	int			cpu = sched_getcpu();

	cpus_of_others(&others);
	if (cpu >= 0 && CPU_ISSET(cpu, &others))
	{
		leave_cpu(&others);
		cpu = sched_getcpu();
	}
	slots->slot[held_slot].cpu = cpu;
#endif
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
	choose_cpu();
	arena->memory = arenas + slots->arena_size * held_slot;
	arena->size = slots->arena_size;
	return true;
}

void
hash_slot_release(void)
{
	Assert(held_slot >= 0);
	LWLockAcquire(slots_lock, LW_EXCLUSIVE);
	slots->slot[held_slot].busy = false;
	held_slot = -1;
	LWLockRelease(slots_lock);
	ConditionVariableSignal(&slots->freed);
}

/* A backend interrupted while waiting may have consumed a signal: passes it on. */
void
hash_slot_abandon(void)
{
	if (held_slot >= 0)
		hash_slot_release();
	else
		ConditionVariableSignal(&slots->freed);
}
