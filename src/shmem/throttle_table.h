/*
 * throttle_table.h
 *		Counters by account in shared memory, for throttle.c and throttle_reset.c.
 */
#ifndef DJUST_THROTTLE_TABLE_H
#define DJUST_THROTTLE_TABLE_H

#include "datatype/timestamp.h"

#include "crypto/account_tag.h"

#define THROTTLE_SUSPENDED_AT 100	/* failures: NIST SP 800-63B section 5.2.2 */
#define THROTTLE_TABLE_WAYS 8

typedef struct ThrottleEntry
{
	AccountTag tag;
	int32_t		count;			/* consecutive failures, or reset requests in the window */
	int32_t		under_way;
	bool		saved;			/* a lock the table may hold */
	uint32_t	clears_with;	/* a prepared transaction that clears the count if it commits; 0: none */
	TimestampTz prepared_at;
	int32_t		wait_s;			/* how long the wait was that ends then */
	TimestampTz allowed_at;
	TimestampTz touched_at;
} ThrottleEntry;

typedef struct ThrottleSet
{
	ThrottleEntry	ways[THROTTLE_TABLE_WAYS];
	ThrottleEntry	overflow;
} ThrottleSet;

typedef struct ThrottleTable
{
	uint32_t	mask;
	bool		forgets;		/* the oldest entry may always be evicted */
	ThrottleSet   *sets;
} ThrottleTable;

/* sets is a power of two. */
extern size_t throttle_table_size(uint32_t sets);
extern void throttle_table_attach(ThrottleTable *table, const char *name, uint32_t sets, bool forgets);

/* The rest is called with the lock of the counters held. */
extern ThrottleSet *throttle_table_set(const ThrottleTable *table, const AccountTag *tag);
extern ThrottleEntry *throttle_table_find(ThrottleSet *set, const AccountTag *tag);
/* The tag's own entry, a fresh one in a place that may be taken, or the one its set shares. */
extern ThrottleEntry *throttle_table_take(const ThrottleTable *table, const AccountTag *tag, TimestampTz now);

#endif
