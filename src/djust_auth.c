/*
 * djust_auth.c
 *		Wires the library into the server: settings, hooks, the worker, and
 *		the shared memory of each part.
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"

#include "audit/throttle_event.h"
#include "keys/key_file_check.h"
#include "keys/key_file_disk.h"
#include "server/compat.h"
#include "server/logmask.h"
#include "server/settings.h"
#include "shmem/counters.h"
#include "shmem/event_queue.h"
#include "shmem/hash_slot.h"
#include "shmem/throttle.h"
#include "shmem/throttle_reset_request.h"
#include "tables/session_tid.h"
#include "worker/utility_hook.h"
#include "worker/worker.h"

DJUST_MODULE_MAGIC;

void _PG_init(void);

#define LOCKS "djust_auth"

/* Locks of the tranche; the last is the first of several. */
enum
{
	LOCK_THROTTLE,
	LOCK_HASH_SLOT,
	LOCK_THROTTLE_RESET_REQUEST,
	LOCK_THROTTLE_EVENT,
	LOCK_EVENT_QUEUE
};

static shmem_request_hook_type previous_request_hook = NULL;
static shmem_startup_hook_type previous_startup_hook = NULL;

static void
request_memory(void)
{
	if (previous_request_hook)
		previous_request_hook();
	RequestAddinShmemSpace(counters_size());
	RequestAddinShmemSpace(throttle_size());
	RequestAddinShmemSpace(hash_slot_size());
	RequestAddinShmemSpace(throttle_reset_request_size());
	RequestAddinShmemSpace(event_queue_size());
	RequestAddinShmemSpace(session_tid_size());
	RequestAddinShmemSpace(throttle_event_size());
	RequestAddinShmemSpace(key_file_check_size());
	RequestNamedLWLockTranche(LOCKS, LOCK_EVENT_QUEUE + event_queue_locks());
}

/* Runs in the postmaster, and again after a crash. */
static void
start_memory(void)
{
	LWLockPadded *locks;

	if (previous_startup_hook)
		previous_startup_hook();
	key_file_load();

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	locks = GetNamedLWLockTranche(LOCKS);
	counters_attach();
	throttle_attach(&locks[LOCK_THROTTLE].lock);
	hash_slot_attach(&locks[LOCK_HASH_SLOT].lock);
	throttle_reset_request_attach(&locks[LOCK_THROTTLE_RESET_REQUEST].lock);
	throttle_event_attach(&locks[LOCK_THROTTLE_EVENT].lock);
	event_queue_attach(&locks[LOCK_EVENT_QUEUE]);
	session_tid_attach();
	key_file_check_attach();
	LWLockRelease(AddinShmemInitLock);
}

static void
memory_init(void)
{
	previous_request_hook = shmem_request_hook;
	shmem_request_hook = request_memory;
	previous_startup_hook = shmem_startup_hook;
	shmem_startup_hook = start_memory;
}

/* Without preloading, the library offers only what restoring a dump needs; all other functions raise 55000. */
void
_PG_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return;
	settings_init();
	logmask_init();
	memory_init();
	utility_hook_init();
	worker_register();
}
