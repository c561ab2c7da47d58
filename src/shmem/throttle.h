/*
 * throttle.h
 *		Limits password attempts per account.
 */
#ifndef DJUST_THROTTLE_H
#define DJUST_THROTTLE_H

#include "shmem/throttle_rule.h"
#include "shmem/throttle_undo.h"

struct LWLock;

typedef enum ThrottleOutcome
{
	ATTEMPT_GOOD, /* clears the count when this transaction commits */
	ATTEMPT_BAD,
	ATTEMPT_NOT_MADE /* nothing was hashed: not counted */
} ThrottleOutcome;

extern size_t throttle_size(void);
extern void throttle_attach(struct LWLock *lock);

extern ThrottleAnswer throttle_enter(const AccountTag *tag, int *retry_after);
extern void throttle_leave(ThrottleOutcome outcome);
/* After ERROR or FATAL: counts the attempt as bad if its hash had begun.  A no-op if no attempt is held. */
extern void throttle_abandon(bool begun);

/* Waits, at most a second, until the worker has saved a lock made or cleared here; a no-op without a worker. */
extern void throttle_await_saved(void);

/* Failures now, and when the next attempt is allowed; without its owner. */
extern void throttle_look_up(const AccountTag *tag, ThrottleCount *count);

/* These include throttle_await_saved, and are undone if the transaction is rolled back. */
extern void throttle_clear(const AccountTag *tag);
/* Called when an address is created or deleted (start_over) or changed (move).  Usually a no-op. */
extern void throttle_start_over(const AccountTag *tag);
extern void throttle_move(const AccountTag *from, const AccountTag *to);
/* The two halves of a move, where the addresses are on two shards. */
extern void throttle_take_away(const AccountTag *tag, ThrottleCount *count);
extern void throttle_bring(const AccountTag *tag, const ThrottleCount *count);

#endif
