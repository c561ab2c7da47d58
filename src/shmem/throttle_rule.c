/*
 * throttle_rule.c
 *		Owns the rule that judges a count of failures: go, wait, or suspended.
 *
 * Threat: a clock that is set forward or back during a wait.
 */
#include "postgres.h"

#include "common/int.h"

#include "server/settings.h"
#include "shmem/throttle_rule.h"
#include "tables/store.h"

bool
throttle_is_lock(int failures)
{
	return failures >= setting_max_login_failures;
}

/* 1 s at the limit, doubling up to 15 minutes. */
int
throttle_delay_s(int failures)
{
	int doublings = failures - setting_max_login_failures;

	return doublings >= 10 ? THROTTLE_LONGEST_WAIT_S : Min(1 << Max(doublings, 0), THROTTLE_LONGEST_WAIT_S);
}

/* Returns the longest wait for times that only an altered table can have. */
int
throttle_wait_s(TimestampTz made_at, TimestampTz ends_at)
{
	int64 wait;

	if (TIMESTAMP_NOT_FINITE(made_at) || TIMESTAMP_NOT_FINITE(ends_at) ||
		pg_sub_s64_overflow(ends_at, made_at, &wait) || wait >= THROTTLE_LONGEST_WAIT_S * USECS_PER_SEC)
		return THROTTLE_LONGEST_WAIT_S;
	return (int) (Max(wait + USECS_PER_SEC - 1, 0) / USECS_PER_SEC);
}

/* Restarts a wait that now exceeds its original length: the clock was set back. */
static void
bound_wait(ThrottleEntry *entry, TimestampTz now)
{
	int64 longest = Min(entry->wait_s, THROTTLE_LONGEST_WAIT_S) * USECS_PER_SEC;

	entry->allowed_at = Min(entry->allowed_at, now + longest);
}

/* THROTTLE_BUSY: wait for a running attempt, then ask again.  Read now with throttle_lock held: it never decreases. */
ThrottleAnswer
throttle_judge(ThrottleEntry *entry, TimestampTz now, int *retry_after)
{
	if (entry->count >= THROTTLE_SUSPENDED_AT)
		return THROTTLE_SUSPENDED;
	if (entry->count >= setting_max_login_failures)
	{
		bound_wait(entry, now);
		if (now < entry->allowed_at)
		{
			*retry_after = (int) ((entry->allowed_at - now + USECS_PER_SEC - 1) / USECS_PER_SEC);
			return THROTTLE_LATER;
		}
		return entry->under_way > 0 ? THROTTLE_BUSY : THROTTLE_GO;
	}
	return entry->count + entry->under_way < setting_max_login_failures ? THROTTLE_GO : THROTTLE_BUSY;
}
