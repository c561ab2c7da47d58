/*
 * throttle_prepared.h
 *		Outcome of a prepared transaction that clears a count if it commits.
 */
#ifndef DJUST_THROTTLE_PREPARED_H
#define DJUST_THROTTLE_PREPARED_H

#include "shmem/throttle_table.h"

typedef struct ThrottlePrepared
{
	uint32_t xid; /* 0: none, or still prepared */
	TimestampTz prepared_at;
	bool committed;
} ThrottlePrepared;

/*
 * In this order: copies the entry's transaction, with throttle_lock held; looks up its outcome, without the lock;
 * returns whether to clear the entry, with the lock.
 */
extern void throttle_prepared_note(const ThrottleEntry *entry, ThrottlePrepared *prepared);
extern void throttle_prepared_look_up(ThrottlePrepared *prepared);
extern bool throttle_prepared_clears(const ThrottlePrepared *prepared, ThrottleEntry *entry);

#endif
