/*
 * throttle_reset_request.c
 *		Owns the limit on password reset requests per address, in shared
 *		memory.
 *
 * Threat: a flooded mailbox.
 *
 * Reset requests cost the caller nothing, so their table can be flooded.  It
 * evicts the oldest entry instead of failing closed: a flood may cause one
 * extra mail for every 65,536 requests, but never keeps users from resetting
 * their passwords.
 */
#include "postgres.h"

#include "storage/lwlock.h"
#include "utils/timestamp.h"

#include "shmem/throttle_reset_request.h"
#include "shmem/throttle_table.h"

#define ENTRIES (64 * 1024)
#define PAUSE_MS (60 * 1000)
#define WINDOW_MS (60 * 60 * 1000)
#define REQUESTS_PER_WINDOW 5

static LWLock *requests_lock = NULL;
static ThrottleTable requests;

size_t
throttle_reset_request_size(void)
{
	return throttle_table_size(ENTRIES / THROTTLE_TABLE_WAYS);
}

void
throttle_reset_request_attach(struct LWLock *lock)
{
	requests_lock = lock;
	throttle_table_attach(&requests, "djust_auth resets", ENTRIES / THROTTLE_TABLE_WAYS, true);
}

/* In this table allowed_at ends the pause and touched_at begins the window. */
bool
throttle_reset_request_admit(const AccountTag *tag)
{
	TimestampTz now;
	ThrottleEntry *entry;
	bool allowed;

	LWLockAcquire(requests_lock, LW_EXCLUSIVE);
	now = GetCurrentTimestamp();
	entry = throttle_table_take(&requests, tag, now);
	/* the clock may have been set back */
	entry->touched_at = Min(entry->touched_at, now);
	entry->allowed_at = Min(entry->allowed_at, now + PAUSE_MS * INT64CONST(1000));
	if (now - entry->touched_at >= WINDOW_MS * INT64CONST(1000))
	{
		entry->count = 0;
		entry->touched_at = now;
	}
	allowed = entry->count < REQUESTS_PER_WINDOW && now >= entry->allowed_at;
	if (allowed)
	{
		entry->count++;
		entry->allowed_at = now + PAUSE_MS * INT64CONST(1000);
	}
	LWLockRelease(requests_lock);
	return allowed;
}
