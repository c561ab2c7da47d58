/*
 * throttle.c
 *		Owns the counters of password attempts and of reset requests, in
 *		shared memory.
 *
 * Threats: guessing one account's password, in series or in parallel, by a
 * caller who rolls back, cancels or disconnects; and flooding the table with
 * invented addresses so that a counter falls out of it.
 *
 * An attempt holds a place in its account's entry before anything is hashed.
 * Failures plus attempts under way never exceed the limit: those beyond it
 * wait for the ones under way and are then judged by how these ended.  No
 * transaction is involved, so nothing a caller does undoes a count.
 *
 * The table is set-associative under a keyed hash, so nobody can aim at a
 * place.  It has room for several times the attempts that all hash slots can
 * compute in PROTECTED_MS, and an entry touched within that time is never
 * evicted; older ones leave with the fewest failures first, suspended ones
 * never.  What finds no place shares its set's overflow entry, which fails
 * closed: strangers then count together.
 *
 * Reset requests cost the caller nothing, so their table can be flooded.  It
 * forgets the oldest instead: a flood may buy one mail too many for every
 * 65,536 requests, but never keeps customers from resetting their passwords.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "port/pg_bitutils.h"
#include "storage/condition_variable.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

#include "settings.h"
#include "throttle.h"

#define WAYS 8
#define ENTRIES_PER_SLOT (128 * 1024)
#define RESET_ENTRIES (64 * 1024)
#define PROTECTED_MS (15 * 60 * 1000)
#define LONGEST_DELAY_S (15 * 60)
#define RESET_PAUSE_MS (60 * 1000)
#define RESET_WINDOW_MS (60 * 60 * 1000)
#define RESETS_PER_WINDOW 5

typedef struct Entry
{
	ThrottleTag tag;
	int32		count;			/* consecutive failures, or reset requests in the window */
	int32		under_way;
	TimestampTz allowed_at;
	TimestampTz touched_at;
} Entry;

typedef struct Set
{
	Entry		ways[WAYS];
	Entry		overflow;
} Set;

typedef struct Table
{
	uint32		mask;
	bool		forgets;		/* the oldest entry may always be evicted */
	Set		   *sets;
} Table;

typedef struct Throttle
{
	ConditionVariable ended;
} Throttle;

static Throttle *throttle = NULL;
static LWLock *throttle_lock = NULL;
static Table attempts;
static Table resets;

/* The entry this backend has an attempt under way in: pinned by that, so the pointer stays good. */
static Entry *held_entry = NULL;
static bool held_shared;

static uint32
attempt_sets(void)
{
	return pg_nextpower2_32((uint32) setting_max_concurrent_hashes) * (ENTRIES_PER_SLOT / WAYS);
}

size_t
throttle_size(void)
{
	Size		sets = add_size(attempt_sets(), RESET_ENTRIES / WAYS);

	return add_size(MAXALIGN(sizeof(Throttle)), add_size(mul_size(sets, sizeof(Set)), 2 * 128));
}

static void
attach_table(Table *table, const char *name, uint32 sets, bool forgets)
{
	bool		found;

	table->forgets = forgets;
	table->mask = sets - 1;
	table->sets = ShmemInitStruct(name, mul_size(sets, sizeof(Set)), &found);
	if (!found)
		memset(table->sets, 0, mul_size(sets, sizeof(Set)));
}

void
throttle_attach(struct LWLock *lock)
{
	bool		found;

	throttle_lock = lock;
	throttle = ShmemInitStruct("djust_auth throttle", sizeof(Throttle), &found);
	if (!found)
		ConditionVariableInit(&throttle->ended);
	attach_table(&attempts, "djust_auth attempts", attempt_sets(), false);
	attach_table(&resets, "djust_auth resets", RESET_ENTRIES / WAYS, true);
}

static Set *
set_of(const Table *table, const ThrottleTag *tag)
{
	uint32		hash;

	memcpy(&hash, tag->bytes, sizeof(hash));
	return &table->sets[hash & table->mask];
}

static Entry *
find_entry(Set *set, const ThrottleTag *tag)
{
	int			i;

	for (i = 0; i < WAYS; i++)
		if (memcmp(&set->ways[i].tag, tag, sizeof(*tag)) == 0)
			return &set->ways[i];
	return NULL;
}

static bool
may_evict(const Entry *entry, TimestampTz now)
{
	if (entry->under_way > 0 || entry->count >= THROTTLE_SUSPENDED_AT)
		return false;
	return entry->count == 0 || now - entry->touched_at > PROTECTED_MS * INT64CONST(1000);
}

/* Which of two leaves first: the one with fewer failures, then the older one. */
static bool
leaves_before(const Table *table, const Entry *a, const Entry *b)
{
	if (a->count != b->count && !table->forgets)
		return a->count < b->count;
	return a->touched_at < b->touched_at;
}

/* Shared by strangers, so it forgets once the flood that filled the set is over. */
static Entry *
overflow_entry(Set *set, TimestampTz now)
{
	if (set->overflow.under_way == 0 && now - set->overflow.touched_at > PROTECTED_MS * INT64CONST(1000))
		memset(&set->overflow, 0, sizeof(set->overflow));
	return &set->overflow;
}

/* The tag's own entry, a fresh one in a place that may be taken, or the shared one. */
static Entry *
take_entry(const Table *table, const ThrottleTag *tag, TimestampTz now)
{
	Set		   *set = set_of(table, tag);
	Entry	   *entry = find_entry(set, tag);
	Entry	   *victim = NULL;
	int			i;

	if (entry)
		return entry;
	for (i = 0; i < WAYS; i++)
	{
		Entry	   *candidate = &set->ways[i];

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

/* 1 s after the limit, doubling up to a quarter of an hour. */
static int
delay_after(int failures)
{
	int			doublings = failures - setting_max_login_failures;

	return doublings >= 10 ? LONGEST_DELAY_S : Min(1 << Max(doublings, 0), LONGEST_DELAY_S);
}

/* THROTTLE_BUSY means: wait for an attempt under way to end, then ask again. */
static ThrottleAnswer
judge(const Entry *entry, TimestampTz now, int *retry_after)
{
	if (entry->count >= THROTTLE_SUSPENDED_AT)
		return THROTTLE_SUSPENDED;
	if (entry->count >= setting_max_login_failures)
	{
		if (now < entry->allowed_at)
		{
			*retry_after = (int) ((entry->allowed_at - now + USECS_PER_SEC - 1) / USECS_PER_SEC);
			return THROTTLE_LATER;
		}
		return entry->under_way > 0 ? THROTTLE_BUSY : THROTTLE_GO;
	}
	return entry->count + entry->under_way < Min(setting_max_login_failures, THROTTLE_SUSPENDED_AT) ? THROTTLE_GO : THROTTLE_BUSY;
}

static ThrottleAnswer
try_enter(const ThrottleTag *tag, int *retry_after)
{
	TimestampTz now = GetCurrentTimestamp();
	Set		   *set = set_of(&attempts, tag);
	ThrottleAnswer answer;
	Entry	   *entry;

	LWLockAcquire(throttle_lock, LW_EXCLUSIVE);
	entry = take_entry(&attempts, tag, now);
	answer = judge(entry, now, retry_after);
	if (answer == THROTTLE_GO)
	{
		entry->under_way++;
		held_entry = entry;
		held_shared = entry == &set->overflow;
	}
	LWLockRelease(throttle_lock);
	return answer;
}

ThrottleAnswer
throttle_enter(const ThrottleTag *tag, int *retry_after)
{
	ThrottleAnswer answer;
	TimestampTz deadline;
	long		left;

	Assert(held_entry == NULL);
	answer = try_enter(tag, retry_after);
	if (answer != THROTTLE_BUSY)
		return answer;

	deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), setting_hash_wait_timeout);
	ConditionVariablePrepareToSleep(&throttle->ended);
	while ((answer = try_enter(tag, retry_after)) == THROTTLE_BUSY)
	{
		left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
		if (left <= 0)
			break;
		ConditionVariableTimedSleep(&throttle->ended, left, PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();
	return answer;
}

static void
count_failure(Entry *entry, TimestampTz now)
{
	entry->count = Min(entry->count + 1, THROTTLE_SUSPENDED_AT);
	entry->touched_at = now;
	if (entry->count >= setting_max_login_failures)
		entry->allowed_at = now + delay_after(entry->count) * USECS_PER_SEC;
}

/* A success clears the account's own entry; in a shared one it clears nobody. */
void
throttle_leave(ThrottleOutcome outcome)
{
	TimestampTz now = GetCurrentTimestamp();

	Assert(held_entry != NULL);
	LWLockAcquire(throttle_lock, LW_EXCLUSIVE);
	held_entry->under_way--;
	if (outcome == ATTEMPT_GOOD && !held_shared)
		held_entry->count = 0;
	if (outcome == ATTEMPT_BAD)
		count_failure(held_entry, now);
	held_entry = NULL;
	LWLockRelease(throttle_lock);
	ConditionVariableBroadcast(&throttle->ended);
}

void
throttle_abandon(void)
{
	if (held_entry)
		throttle_leave(ATTEMPT_BAD);
}

void
throttle_clear(const ThrottleTag *tag)
{
	Entry	   *entry;

	LWLockAcquire(throttle_lock, LW_EXCLUSIVE);
	entry = find_entry(set_of(&attempts, tag), tag);
	if (entry)
		entry->count = 0;
	LWLockRelease(throttle_lock);
	ConditionVariableBroadcast(&throttle->ended);
}

/* Here allowed_at ends the pause and touched_at begins the window. */
bool
throttle_reset_request(const ThrottleTag *tag)
{
	TimestampTz now = GetCurrentTimestamp();
	Entry	   *entry;
	bool		allowed;

	LWLockAcquire(throttle_lock, LW_EXCLUSIVE);
	entry = take_entry(&resets, tag, now);
	if (now - entry->touched_at >= RESET_WINDOW_MS * INT64CONST(1000))
	{
		entry->count = 0;
		entry->touched_at = now;
	}
	allowed = entry->count < RESETS_PER_WINDOW && now >= entry->allowed_at;
	if (allowed)
	{
		entry->count++;
		entry->allowed_at = now + RESET_PAUSE_MS * INT64CONST(1000);
	}
	LWLockRelease(throttle_lock);
	return allowed;
}
