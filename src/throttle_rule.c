/*
 * throttle_rule.c
 *		Owns the rule by which a count of failures is judged: go, wait, or never.
 *
 * Threat: a wall clock that is set, in either direction, while somebody waits.
 */
#include "postgres.h"

#include "utils/timestamp.h"

#include "settings.h"
#include "throttle_rule.h"

#define LONGEST_DELAY_S (15 * 60)

bool
throttle_is_lock(int failures)
{
	return failures >= Min(setting_max_login_failures, THROTTLE_SUSPENDED_AT);
}

/* 1 s after the limit, doubling up to a quarter of an hour. */
int
throttle_delay_s(int failures)
{
	int			doublings = failures - setting_max_login_failures;

	return doublings >= 10 ? LONGEST_DELAY_S : Min(1 << Max(doublings, 0), LONGEST_DELAY_S);
}

/* A wait cannot be longer than the count gives: if it is, the clock was set back since, and the wait begins now. */
static void
bound_wait(TallyEntry *entry, TimestampTz now)
{
	entry->allowed_at = Min(entry->allowed_at, now + throttle_delay_s(entry->count) * USECS_PER_SEC);
}

/*
 * THROTTLE_BUSY means: wait for an attempt under way to end, then ask again.  The time is read with the lock held, so that
 * whoever comes second does not come from before.
 */
ThrottleAnswer
throttle_judge(TallyEntry *entry, TimestampTz now, int *retry_after)
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
	return entry->count + entry->under_way < Min(setting_max_login_failures, THROTTLE_SUSPENDED_AT) ? THROTTLE_GO : THROTTLE_BUSY;
}
