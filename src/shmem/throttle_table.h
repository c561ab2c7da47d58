/*
 * throttle_table.h
 *		Counters per account in shared memory, for throttle.c and
 *		throttle_reset_request.c.
 */
#ifndef DJUST_THROTTLE_TABLE_H
#define DJUST_THROTTLE_TABLE_H

#include "datatype/timestamp.h"

#include "crypto/account_tag.h"

#define THROTTLE_TABLE_WAYS 8

typedef struct ThrottleEntry
{
	AccountTag tag;
	int32_t count; /* consecutive failures, or reset requests in the window */
	int32_t under_way;
	bool saved; /* a lock that may have a saved row */
	bool shared; /* the overflow entry of its set */
	uint32_t clears_with; /* clears the count if it commits; 0: none */
	TimestampTz prepared_at;
	int32_t wait_s; /* original length of the wait until allowed_at */
	TimestampTz allowed_at;
	TimestampTz touched_at;
} ThrottleEntry;

typedef struct ThrottleSet
{
	ThrottleEntry ways[THROTTLE_TABLE_WAYS];
	ThrottleEntry overflow;
} ThrottleSet;

typedef struct ThrottleTable
{
	uint32_t mask;
	bool forgets; /* the oldest entry may always be evicted */
	ThrottleSet *sets;
} ThrottleTable;

/* sets is a power of two. */
extern size_t throttle_table_size(uint32_t sets);
extern void throttle_table_attach(ThrottleTable *table, const char *name, uint32_t sets, bool forgets);

/* Call the following with the table's LWLock held. */
extern ThrottleEntry *throttle_table_find(const ThrottleTable *table, const AccountTag *tag);
/* Returns the tag's entry, a new one in a free or evicted place, or the overflow entry of its set. */
extern ThrottleEntry *throttle_table_take(const ThrottleTable *table, const AccountTag *tag, TimestampTz now);

#endif
