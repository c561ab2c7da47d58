/*
 * throttle_rule.h
 *		Judging an account by its failures.
 */
#ifndef DJUST_THROTTLE_RULE_H
#define DJUST_THROTTLE_RULE_H

#include "shmem/throttle_table.h"

typedef enum ThrottleAnswer
{
	THROTTLE_GO, /* a place in the account's entry is held until throttle_leave */
	THROTTLE_LATER, /* *retry_after seconds */
	THROTTLE_SUSPENDED,
	THROTTLE_BUSY /* other attempts did not end within hash_wait_timeout */
} ThrottleAnswer;

#define THROTTLE_LONGEST_WAIT_S (15 * 60)

/* True if so many failures make a lock, which survives a restart. */
extern bool throttle_is_lock(int failures);
/* Delay of the next attempt after so many failures. */
extern int throttle_delay_s(int failures);
/* Length of a wait when it began, rounded up. */
extern int throttle_wait_s(TimestampTz made_at, TimestampTz ends_at);
/* Call with throttle_lock held; sets *retry_after with THROTTLE_LATER. */
extern ThrottleAnswer throttle_judge(ThrottleEntry *entry, TimestampTz now, int *retry_after);

#endif
