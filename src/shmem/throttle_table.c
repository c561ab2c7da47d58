/*
 * throttle_table.c
 *		Owns the tables of counters of throttle.c and throttle_reset_request.c.
 *
 * Threat: flooding a table with invented addresses to push a counter out of it.
 *
 * The table is set-associative under a keyed hash, so callers cannot choose a
 * set.  It has room for several times the attempts that all hash slots can
 * compute in PROTECTED_MS.  An entry touched within that time is never evicted;
 * of older ones the one with the fewest failures is evicted first, suspended
 * ones never.  An account whose set is full shares the set's overflow entry,
 * which fails closed: unrelated accounts are then counted together.
 *
 * A table with `forgets` evicts the oldest entry instead.
 */
#include "postgres.h"

#include "storage/shmem.h"

#include "shmem/throttle_table.h"
#include "tables/store.h"

#define PROTECTED_MS (15 * 60 * 1000)

/* Includes padding for alignment. */
size_t
throttle_table_size(uint32_t sets)
{
	return add_size(mul_size(sets, sizeof(ThrottleSet)), 128);
}

void
throttle_table_attach(ThrottleTable *table, const char *name, uint32_t sets, bool forgets)
{
	bool found;

	table->forgets = forgets;
	table->mask = sets - 1;
	table->sets = ShmemInitStruct(name, mul_size(sets, sizeof(ThrottleSet)), &found);
	if (!found)
		memset(table->sets, 0, mul_size(sets, sizeof(ThrottleSet)));
}

static ThrottleSet *
set_of(const ThrottleTable *table, const AccountTag *tag)
{
	uint32 hash;

	memcpy(&hash, tag->bytes, sizeof(hash));
	return &table->sets[hash & table->mask];
}

ThrottleEntry *
throttle_table_find(const ThrottleTable *table, const AccountTag *tag)
{
	ThrottleSet *set = set_of(table, tag);
	int i;

	for (i = 0; i < THROTTLE_TABLE_WAYS; i++)
		if (memcmp(&set->ways[i].tag, tag, sizeof(*tag)) == 0)
			return &set->ways[i];
	return NULL;
}

/* Also true if touched_at is that far in the future: the clock was set back. */
static bool
protection_is_over(TimestampTz touched_at, TimestampTz now)
{
	return Max(now - touched_at, touched_at - now) > PROTECTED_MS * INT64CONST(1000);
}

static bool
may_evict(const ThrottleEntry *entry, TimestampTz now)
{
	if (entry->under_way > 0 || entry->count >= THROTTLE_SUSPENDED_AT)
		return false;
	return entry->count == 0 || protection_is_over(entry->touched_at, now);
}

/* Evict first: the entry with fewer failures, then the older one. */
static bool
leaves_before(const ThrottleTable *table, const ThrottleEntry *a, const ThrottleEntry *b)
{
	if (a->count != b->count && !table->forgets)
		return a->count < b->count;
	return a->touched_at < b->touched_at;
}

/* Shared by several accounts, so it is reset once the set calms down. */
static ThrottleEntry *
overflow_entry(ThrottleSet *set, TimestampTz now)
{
	if (set->overflow.under_way == 0 && protection_is_over(set->overflow.touched_at, now))
		memset(&set->overflow, 0, sizeof(set->overflow));
	set->overflow.shared = true;
	return &set->overflow;
}

ThrottleEntry *
throttle_table_take(const ThrottleTable *table, const AccountTag *tag, TimestampTz now)
{
	ThrottleSet *set = set_of(table, tag);
	ThrottleEntry *entry = throttle_table_find(table, tag);
	ThrottleEntry *victim = NULL;
	int i;

	if (entry)
		return entry;
	for (i = 0; i < THROTTLE_TABLE_WAYS; i++)
	{
		ThrottleEntry *candidate = &set->ways[i];

		if ((table->forgets || may_evict(candidate, now)) &&
			(victim == NULL || leaves_before(table, candidate, victim)))
			victim = candidate;
	}
	if (victim == NULL)
		return overflow_entry(set, now);
	memset(victim, 0, sizeof(*victim));
	victim->tag = *tag;
	victim->touched_at = now;
	return victim;
}
