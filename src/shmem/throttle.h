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
#include "shmem/throttle_rule.h"

struct LWLock;

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

#endif
