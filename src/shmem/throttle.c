/*
 * throttle.c
 *		Owns the counters of password attempts, in shared memory.
 *
 * Threats: guessing one account's password, in series or in parallel, by a
 * caller who rolls back, cancels or disconnects; and flooding the table with
 * invented addresses to push a counter out of it.
 *
 * An attempt holds a place in its account's entry before anything is hashed.
 * Failures plus attempts under way never exceed the limit: further attempts
 * wait for the running ones and are judged by their outcome.  Counting is not
 * transactional, so callers cannot undo it.  A success clears the count when
 * its transaction commits; other clearings are undone by a rollback
 * (throttle_undo.c).  throttle_table.c decides which entries are evicted.
 *
 * Locks survive a restart: a new or longer one is queued for the worker before
 * the client gets its answer.  A tag without an entry in memory is looked up in
 * the table throttle_lock before its first attempt, for known and unknown
 * addresses alike.  That is done without the LWLock; throttle->cleared shows
 * whether a lock was cleared meanwhile.
 */
#include "postgres.h"

#include "port/pg_bitutils.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "server/compat.h"
#include "server/deadline.h"
#include "server/settings.h"
#include "shmem/event_queue.h"
#include "shmem/throttle.h"
#include "shmem/throttle_owner.h"
#include "shmem/throttle_prepared.h"
#include "shmem/throttle_undo.h"
#include "tables/catalog.h"
#include "tables/store.h"

#define ENTRIES_PER_SLOT (128 * 1024)

typedef struct Throttle
{
	ConditionVariable ended;
	uint64 cleared; /* number of locks cleared */
} Throttle;

/* A tag's saved row, if it was read, and the outcome of the prepared transaction that was to clear its count. */
typedef struct SavedLock
{
	ThrottlePrepared prepared;
	bool read;
	bool found;
	uint64 cleared;
	ThrottleEntry lock;
} SavedLock;

static Throttle *throttle = NULL;
static LWLock *throttle_lock = NULL;
static uint32 wait_event = 0;
static ThrottleTable attempts;

/* The entry of this backend's running attempt; it is not evicted meanwhile. */
static ThrottleEntry *held_entry = NULL;

/* The last message that this backend queued for the worker and has not waited for. */
static uint64 last_message = 0;

static uint32
attempt_sets(void)
{
	return pg_nextpower2_32((uint32) setting_max_concurrent_hashes) * (ENTRIES_PER_SLOT / THROTTLE_TABLE_WAYS);
}

size_t
throttle_size(void)
{
	return add_size(MAXALIGN(sizeof(Throttle)), throttle_table_size(attempt_sets()));
}

/* Reads the saved row if the tag has no entry in memory and a worker maintains the table. */
static void
read_saved(const AccountTag *tag, SavedLock *saved)
{
	ThrottleEntry *lock = &saved->lock;
	ThrottleEntry *entry;
	TimestampTz saved_at;

	memset(saved, 0, sizeof(*saved));
	LWLockAcquire(throttle_lock, LW_SHARED);
	entry = throttle_table_find(&attempts, tag);
	if (entry)
		saved->prepared = (ThrottlePrepared){entry->clears_with, entry->prepared_at};
	saved->cleared = throttle->cleared;
	LWLockRelease(throttle_lock);
	throttle_prepared_look_up(&saved->prepared);
	saved->read = entry == NULL && event_queue_served();
	saved->found = saved->read && catalog_lock(tag, &lock->count, &lock->allowed_at, &saved_at);
	if (saved->found)
		lock->wait_s = throttle_wait_s(saved_at, lock->allowed_at);
	lock->saved = saved->found;
}

/* Call with throttle_lock held, so that messages on one tag reach the worker in order. */
static void
throttle_enqueue(ThrottleEntry *entry, QueueKind kind, const AccountTag *tag)
{
	QueueEntry message = {.kind = kind, .u.lock = {.tag = *tag, .user_id = throttle_owner_of(tag)}};

	if (entry)
	{
		message.u.lock.failures = entry->count;
		message.u.lock.allowed_at = entry->allowed_at;
	}
	last_message = event_queue_put(&message, 0);
	if (entry && last_message != 0)
		entry->saved = kind != EVENT_QUEUE_UNLOCK;
}

static void
count_failure(ThrottleEntry *entry, TimestampTz now)
{
	entry->count = Min(entry->count + 1, THROTTLE_SUSPENDED_AT);
	entry->touched_at = now;
	if (!throttle_is_lock(entry->count))
		return;
	entry->wait_s = throttle_delay_s(entry->count);
	entry->allowed_at = now + entry->wait_s * USECS_PER_SEC;
	if (!entry->shared)
		throttle_enqueue(
			entry, entry->count == THROTTLE_SUSPENDED_AT ? EVENT_QUEUE_SUSPENSION : EVENT_QUEUE_LOCK, &entry->tag);
}

static void
clear_entry(ThrottleEntry *entry)
{
	entry->count = 0;
	if (!entry->saved)
		return;
	throttle->cleared++;
	throttle_enqueue(entry, EVENT_QUEUE_UNLOCK, &entry->tag);
}

/*
 * Restores a saved lock into an entry of its own or, if the set is full, into *unstored.  False: read the table again,
 * as the entry was evicted, or a lock cleared, since.
 */
static bool
find_or_restore(const AccountTag *tag, TimestampTz now, const SavedLock *saved, ThrottleEntry **entry,
				ThrottleEntry *unstored)
{
	*entry = throttle_table_find(&attempts, tag);
	if (*entry)
	{
		if (throttle_prepared_clears(&saved->prepared, *entry))
			clear_entry(*entry);
		return true;
	}
	if (event_queue_served() && (!saved->read || saved->cleared != throttle->cleared))
		return false;
	*unstored = saved->lock;
	*entry = throttle_table_take(&attempts, tag, now);
	if (!(*entry)->shared)
	{
		(*entry)->count = unstored->count;
		(*entry)->allowed_at = unstored->allowed_at;
		(*entry)->wait_s = unstored->wait_s;
		(*entry)->saved = unstored->saved;
	}
	return true;
}

static ThrottleAnswer
try_enter(const AccountTag *tag, const SavedLock *saved, int *retry_after, bool *again)
{
	TimestampTz now;
	ThrottleAnswer answer = THROTTLE_GO;
	ThrottleEntry unstored = {.count = 0};
	ThrottleEntry *entry;

	LWLockAcquire(throttle_lock, LW_EXCLUSIVE);
	now = GetCurrentTimestamp();
	*again = !find_or_restore(tag, now, saved, &entry, &unstored);
	if (!*again)
	{
		if (entry->shared)
			answer = throttle_judge(&unstored, now, retry_after);
		if (answer == THROTTLE_GO)
			answer = throttle_judge(entry, now, retry_after);
		if (answer == THROTTLE_GO)
		{
			entry->under_way++;
			held_entry = entry;
		}
	}
	LWLockRelease(throttle_lock);
	return answer;
}

static ThrottleAnswer
enter(const AccountTag *tag, int *retry_after)
{
	SavedLock saved;
	ThrottleAnswer answer;
	bool again;

	do
	{
		read_saved(tag, &saved);
		answer = try_enter(tag, &saved, retry_after, &again);
	} while (again);
	return answer;
}

ThrottleAnswer
throttle_enter(const AccountTag *tag, int *retry_after)
{
	ThrottleAnswer answer;
	Deadline deadline;

	Assert(held_entry == NULL);
	answer = enter(tag, retry_after);
	if (answer != THROTTLE_BUSY)
		return answer;

	deadline = deadline_in(setting_hash_wait_timeout);
	ConditionVariablePrepareToSleep(&throttle->ended);
	while ((answer = enter(tag, retry_after)) == THROTTLE_BUSY &&
		   deadline_sleep(&deadline, &throttle->ended, wait_event))
		continue;
	ConditionVariableCancelSleep();
	return answer;
}

/* A success clears the account's own entry once it commits, but never a shared entry. */
void
throttle_leave(ThrottleOutcome outcome)
{
	TimestampTz now;

	Assert(held_entry != NULL);
	if (outcome == ATTEMPT_GOOD && !held_entry->shared && (held_entry->count > 0 || held_entry->saved))
		throttle_undo_clear_at_commit(&held_entry->tag);
	LWLockAcquire(throttle_lock, LW_EXCLUSIVE);
	now = GetCurrentTimestamp();
	held_entry->under_way--;
	if (outcome == ATTEMPT_BAD)
		count_failure(held_entry, now);
	held_entry = NULL;
	LWLockRelease(throttle_lock);
	ConditionVariableBroadcast(&throttle->ended);
}

void
throttle_abandon(bool begun)
{
	if (held_entry)
		throttle_leave(begun ? ATTEMPT_BAD : ATTEMPT_NOT_MADE);
}

static void
clear_committed(const AccountTag *tag)
{
	ThrottleEntry *entry;

	LWLockAcquire(throttle_lock, LW_EXCLUSIVE);
	entry = throttle_table_find(&attempts, tag);
	if (entry)
		clear_entry(entry);
	LWLockRelease(throttle_lock);
	ConditionVariableBroadcast(&throttle->ended);
}

static void
clear_with(const AccountTag *tag, TransactionId prepared)
{
	ThrottleEntry *entry;

	LWLockAcquire(throttle_lock, LW_EXCLUSIVE);
	entry = throttle_table_find(&attempts, tag);
	if (entry)
	{
		entry->clears_with = prepared;
		entry->prepared_at = GetCurrentTimestamp();
	}
	LWLockRelease(throttle_lock);
}

void
throttle_await_saved(void)
{
	uint64 last = last_message;

	last_message = 0;
	event_queue_await(last);
}

/* An entry of its own for the account; NULL if its set is full. */
static ThrottleEntry *
take_own(const AccountTag *tag)
{
	ThrottleEntry *entry = throttle_table_take(&attempts, tag, GetCurrentTimestamp());

	return entry->shared ? NULL : entry;
}

/* Also called during a rollback.  A lock without an entry in memory goes to the worker only. */
static void
put_back(const AccountTag *tag, const ThrottleCount *what)
{
	ThrottleEntry unstored = {.count = 0};
	ThrottleEntry *entry;

	if (what->failures == 0)
		return;
	throttle_owner_set(tag, what->user_id.data);
	LWLockAcquire(throttle_lock, LW_EXCLUSIVE);
	entry = take_own(tag);
	if (entry == NULL)
		entry = &unstored;
	entry->count = Max(Min(entry->count + what->failures, THROTTLE_SUSPENDED_AT), 0);
	entry->allowed_at = Max(entry->allowed_at, what->allowed_at);
	entry->wait_s = THROTTLE_LONGEST_WAIT_S;
	if (throttle_is_lock(entry->count))
		throttle_enqueue(entry, EVENT_QUEUE_LOCK, tag);
	else if (what->failures < 0)
		throttle_enqueue(entry, EVENT_QUEUE_UNLOCK, tag);
	LWLockRelease(throttle_lock);
}

/* Keeps an empty entry: no attempt may read the old row before the worker deletes it.  A rollback restores it. */
static const ThrottleCount *
clear(const AccountTag *tag)
{
	ThrottleCount *note = throttle_undo_note(tag);
	SavedLock saved;
	ThrottleEntry *entry;

	read_saved(tag, &saved);
	LWLockAcquire(throttle_lock, LW_EXCLUSIVE);
	entry = throttle_table_find(&attempts, tag);
	note->failures = entry ? entry->count : saved.lock.count;
	note->allowed_at = entry ? entry->allowed_at : saved.lock.allowed_at;
	entry = take_own(tag);
	if (entry)
		entry->count = 0;
	throttle->cleared++;
	throttle_enqueue(entry, EVENT_QUEUE_UNLOCK, tag);
	LWLockRelease(throttle_lock);
	ConditionVariableBroadcast(&throttle->ended);
	return note;
}

void
throttle_clear(const AccountTag *tag)
{
	clear(tag);
	throttle_await_saved();
}

static bool
is_counted(const AccountTag *tag)
{
	SavedLock saved;
	ThrottleEntry *entry;
	bool counted;

	read_saved(tag, &saved);
	LWLockAcquire(throttle_lock, LW_SHARED);
	entry = throttle_table_find(&attempts, tag);
	counted = saved.found || (entry && entry->count > 0);
	LWLockRelease(throttle_lock);
	return counted;
}

void
throttle_look_up(const AccountTag *tag, ThrottleCount *count)
{
	SavedLock saved;
	ThrottleEntry *entry;

	read_saved(tag, &saved);
	LWLockAcquire(throttle_lock, LW_SHARED);
	entry = throttle_table_find(&attempts, tag);
	count->failures = entry ? entry->count : saved.lock.count;
	count->allowed_at = entry ? entry->allowed_at : saved.lock.allowed_at;
	LWLockRelease(throttle_lock);
}

void
throttle_start_over(const AccountTag *tag)
{
	if (is_counted(tag))
		throttle_clear(tag);
}

void
throttle_take_away(const AccountTag *tag, ThrottleCount *count)
{
	*count = is_counted(tag) ? *clear(tag) : (ThrottleCount){0};
	throttle_await_saved();
}

void
throttle_bring(const AccountTag *tag, const ThrottleCount *count)
{
	ThrottleCount *added;

	throttle_start_over(tag);
	if (count->failures == 0)
		return;
	added = throttle_undo_note(tag);
	put_back(tag, count);
	added->failures = -count->failures;
	throttle_await_saved();
}

void
throttle_move(const AccountTag *from, const AccountTag *to)
{
	ThrottleCount count;

	throttle_take_away(from, &count);
	throttle_bring(to, &count);
}

void
throttle_attach(struct LWLock *lock)
{
	static const ThrottleUndoActions actions = {put_back, clear_committed, clear_with, throttle_await_saved};
	bool found;

	wait_event = CompatWaitEvent("DjustAuthThrottle");
	throttle_lock = lock;
	throttle = ShmemInitStruct("djust_auth throttle", sizeof(Throttle), &found);
	if (!found)
	{
		throttle->cleared = 0;
		ConditionVariableInit(&throttle->ended);
	}
	throttle_undo_init(&actions);
	throttle_table_attach(&attempts, "djust_auth attempts", attempt_sets(), false);
}
