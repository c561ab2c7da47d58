/*
 * throttle_prepared.h
 *		How the prepared transaction ended that was to clear a count.
 */
#ifndef DJUST_THROTTLE_PREPARED_H
#define DJUST_THROTTLE_PREPARED_H

#include "shmem/throttle_table.h"

typedef struct ThrottlePrepared
{
	uint32_t	xid;			/* 0: none that has ended */
	TimestampTz prepared_at;
	bool		committed;
} ThrottlePrepared;

/* The entry's, with the lock of the counters held; how it ended, without; whether the entry is to be cleared, with it. */
extern void throttle_prepared_note(const ThrottleEntry *entry, ThrottlePrepared *prepared);
extern void throttle_prepared_look_up(ThrottlePrepared *prepared);
extern bool throttle_prepared_clears(const ThrottlePrepared *prepared, ThrottleEntry *entry);

#endif
