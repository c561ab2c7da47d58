/*
 * throttle.h
 *		How often a password may be tried.
 */
#ifndef DJUST_THROTTLE_H
#define DJUST_THROTTLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/account_tag.h"

#define THROTTLE_SUSPENDED_AT 100	/* NIST SP 800-63B section 5.2.2 */

struct LWLock;

typedef enum ThrottleAnswer
{
	THROTTLE_GO,				/* a slot is held until throttle_leave */
	THROTTLE_LATER,				/* *retry_after seconds */
	THROTTLE_SUSPENDED,
	THROTTLE_BUSY				/* other attempts did not end within hash_wait_timeout */
} ThrottleAnswer;

typedef enum ThrottleOutcome
{
	ATTEMPT_GOOD,				/* clears the count when this transaction commits */
	ATTEMPT_BAD,
	ATTEMPT_NOT_MADE			/* nothing was hashed: the slot is given back uncounted */
} ThrottleOutcome;

extern size_t throttle_size(void);
extern void throttle_attach(struct LWLock *lock);

extern ThrottleAnswer throttle_enter(const AccountTag *tag, int *retry_after);
extern void throttle_leave(ThrottleOutcome outcome);
/* After ERROR or FATAL: an attempt whose hash had begun counts as bad.  Harmless when none is held. */
extern void throttle_abandon(bool begun);

/* At the end of a transaction in which an attempt was good: it has committed, or is prepared and may. */
extern void throttle_clear_committed(const AccountTag *tag);
extern void throttle_clear_with(const AccountTag *tag, uint32_t prepared);

/*
 * Waits, for a second at most, until a lock that was made or cleared here is on disk; where a worker is there to write
 * it.
 */
extern void throttle_settle(void);

/* These include throttle_settle, and are taken back if the transaction is rolled back. */
extern void throttle_clear(const AccountTag *tag);
/* Called when an address is created (start_over) or changed (move).  Usually there is nothing to clear. */
extern void throttle_start_over(const AccountTag *tag);
extern void throttle_move(const AccountTag *from, const AccountTag *to);

/* Failures, fewer than 0 to take them away.  No transaction is involved. */
extern void throttle_add(const AccountTag *tag, int failures, int64_t allowed_at);

#endif
