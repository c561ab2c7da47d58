/*
 * throttle_rule.h
 *		What follows from a count of failures.
 */
#ifndef DJUST_THROTTLE_RULE_H
#define DJUST_THROTTLE_RULE_H

#include "shmem/throttle_table.h"

typedef enum ThrottleAnswer
{
	THROTTLE_GO,				/* a slot is held until throttle_leave */
	THROTTLE_LATER,				/* *retry_after seconds */
	THROTTLE_SUSPENDED,
	THROTTLE_BUSY				/* other attempts did not end within hash_wait_timeout */
} ThrottleAnswer;

#define THROTTLE_LONGEST_WAIT_S (15 * 60)

/* From how many failures on a count is a lock, which outlives the server. */
extern bool throttle_is_lock(int failures);
/* How long the next attempt waits after so many failures. */
extern int	throttle_delay_s(int failures);
/* How long a wait was when it was made, rounded up. */
extern int	throttle_wait_s(TimestampTz made_at, TimestampTz ends_at);
/* With the lock of the counters held; *retry_after is set with THROTTLE_LATER. */
extern ThrottleAnswer throttle_judge(ThrottleEntry *entry, TimestampTz now, int *retry_after);

#endif
