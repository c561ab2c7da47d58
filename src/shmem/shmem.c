/*
 * shmem.c
 *		Owns the shared memory segment: asks for it, hands its parts to
 *		throttle.c, hash_slot.c, event_queue.c and session_tid.c, keeps the counters.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"

#include "audit/throttle_event.h"
#include "keys/key_file_check.h"
#include "keys/key_file_disk.h"
#include "shmem/event_queue.h"
#include "shmem/hash_slot.h"
#include "shmem/shmem.h"
#include "shmem/throttle.h"
#include "shmem/throttle_reset.h"
#include "tables/session_tid.h"

#define SEGMENT "djust_auth"

typedef struct Shared
{
	pg_atomic_uint64 counters[COUNTERS];
} Shared;

static const char *const counter_names[] = {
	[COUNT_LOGINS] = "logins",
	[COUNT_LOGIN_FAILURES] = "login_failures",
	[COUNT_HASHES] = "hashes",
	[COUNT_HASH_WAITS] = "hash_waits",
	[COUNT_HASH_TIMEOUTS] = "hash_timeouts",
	[COUNT_THROTTLED] = "throttled",
	[COUNT_REFRESHES] = "refreshes",
	[COUNT_REFRESH_REUSES] = "refresh_reuses",
	[COUNT_LOGOUTS] = "logouts",
	[COUNT_RESET_REQUESTS] = "reset_requests",
	[COUNT_MAILS_SENT] = "mails_sent",
	[COUNT_MAILS_FAILED] = "mails_failed",
	[COUNT_AUDIT_LOST] = "audit_lost",
	[COUNT_PURGED] = "purged",
};

StaticAssertDecl(lengthof(counter_names) == COUNTERS, "every counter has a name");

static Shared *shared = NULL;
static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

static void
request_memory(void)
{
	if (previous_request_hook)
		previous_request_hook();
	RequestAddinShmemSpace(MAXALIGN(sizeof(Shared)));
	RequestAddinShmemSpace(throttle_size());
	RequestAddinShmemSpace(hash_slot_size());
	RequestAddinShmemSpace(throttle_reset_size());
	RequestAddinShmemSpace(event_queue_size());
	RequestAddinShmemSpace(session_tid_size());
	RequestAddinShmemSpace(throttle_event_size());
	RequestAddinShmemSpace(key_file_check_size());
	RequestNamedLWLockTranche(SEGMENT, 4 + event_queue_locks());
}

/* In the postmaster, and again after a crash. */
static void
start_memory(void)
{
	LWLockPadded *locks;
	bool		found;
	int			i;

	if (previous_startup_hook)
		previous_startup_hook();
	key_file_load();

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	locks = GetNamedLWLockTranche(SEGMENT);
	shared = ShmemInitStruct(SEGMENT, sizeof(Shared), &found);
	if (!found)
		for (i = 0; i < COUNTERS; i++)
			pg_atomic_init_u64(&shared->counters[i], 0);
	throttle_attach(&locks[0].lock);
	hash_slot_attach(&locks[1].lock);
	throttle_reset_attach(&locks[2].lock);
	throttle_event_attach(&locks[3].lock);
	event_queue_attach(&locks[4]);
	session_tid_attach();
	key_file_check_attach();
	LWLockRelease(AddinShmemInitLock);
}

void
shared_init(void)
{
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = request_memory;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = start_memory;
}

bool
shared_loaded(void)
{
	return shared != NULL;
}

void
shared_require(void)
{
	if (!shared_loaded())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("djust_auth must be loaded via shared_preload_libraries"),
				 errhint("Add djust_auth to shared_preload_libraries in postgresql.conf and restart the server.")));
}

void
shared_count(Counter counter, uint64_t n)
{
	pg_atomic_fetch_add_u64(&shared->counters[counter], (int64) n);
}

uint64_t
shared_counter(Counter counter)
{
	return pg_atomic_read_u64(&shared->counters[counter]);
}

const char *
shared_counter_name(Counter counter)
{
	return counter_names[counter];
}
