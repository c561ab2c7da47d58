/*
 * throttle_table.h
 *		Counters by account in shared memory, for throttle.c and throttle_reset.c.
 */
#ifndef DJUST_THROTTLE_TABLE_H
#define DJUST_THROTTLE_TABLE_H

#include "datatype/timestamp.h"

#include "shmem/throttle.h"

#define TALLY_WAYS 8

typedef struct TallyEntry
{
	ThrottleTag tag;
	int32_t		count;			/* consecutive failures, or reset requests in the window */
	int32_t		under_way;
	bool		saved;			/* a lock the table may hold */
	uint32_t	clears_with;	/* a prepared transaction that clears the count if it commits; 0: none */
	TimestampTz prepared_at;
	int32_t		wait_s;			/* how long the wait was that ends then */
	TimestampTz allowed_at;
	TimestampTz touched_at;
} TallyEntry;

typedef struct TallySet
{
	TallyEntry	ways[TALLY_WAYS];
	TallyEntry	overflow;
} TallySet;

typedef struct Tally
{
	uint32_t	mask;
	bool		forgets;		/* the oldest entry may always be evicted */
	TallySet   *sets;
} Tally;

/* sets is a power of two. */
extern size_t tally_size(uint32_t sets);
extern void tally_attach(Tally *tally, const char *name, uint32_t sets, bool forgets);

/* The rest is called with the lock of the counters held. */
extern TallySet *tally_set(const Tally *tally, const ThrottleTag *tag);
extern TallyEntry *tally_find(TallySet *set, const ThrottleTag *tag);
/* The tag's own entry, a fresh one in a place that may be taken, or the one its set shares. */
extern TallyEntry *tally_take(const Tally *tally, const ThrottleTag *tag, TimestampTz now);

#endif
