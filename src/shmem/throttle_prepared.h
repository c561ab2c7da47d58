/*
 * throttle_prepared.h
 *		Outcome of a prepared transaction that clears a count if it commits.
 */
#ifndef DJUST_THROTTLE_PREPARED_H
#define DJUST_THROTTLE_PREPARED_H

#include "shmem/throttle_table.h"

typedef struct ThrottlePrepared
{
	uint32_t xid; /* of the entry; 0: none, or still prepared */
	TimestampTz prepared_at;
	bool committed;
} ThrottlePrepared;

/* Looks up the outcome of an entry's transaction, without throttle_lock; then, with it: whether to clear the entry. */
extern void throttle_prepared_look_up(ThrottlePrepared *prepared);
extern bool throttle_prepared_clears(const ThrottlePrepared *prepared, ThrottleEntry *entry);

#endif
