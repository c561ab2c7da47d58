/*
 * throttle_event.c
 *		Owns the counting of refused attempts: one event an account and minute.
 *
 * Threat: attempts that are refused cost nothing, so events of them would fill
 * the audit and the event queue, and push other events out.  A minute begins with the
 * first refused attempt; the others of the minute are only counted.  The worker
 * writes the event when the minute is over, and all events that are counting
 * when the server stops; a crash of the server loses the counts of a minute.
 *
 * In a database without a worker the first attempt writes the event in its own
 * transaction, with the attempts since the event before it: the attempts after
 * the last event are told by the next one.
 *
 * The table is set-associative under a keyed hash.  An account that finds no
 * place gets an event for each attempt.  An entry that nobody wrote for
 * ABANDONED_S (its database was dropped, its worker does not start) gives way,
 * and its attempts are counted as lost.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

#include "audit/throttle_event.h"
#include "shmem/counters.h"
#include "text/bytes.h"

#define SETS 1024				/* a power of two */
#define WAYS 8
#define ABANDONED_S (10 * 60)

typedef struct Entry
{
	AccountTag tag;
	Oid			database;		/* InvalidOid: the place is free */
	TimestampTz since;
	uint32_t	count;			/* attempts that no event has told of */
	QueuedEvent	event;
} Entry;

static LWLock *entries_lock = NULL;
static Entry *entries = NULL;

size_t
throttle_event_size(void)
{
	return mul_size(SETS * WAYS, sizeof(Entry));
}

void
throttle_event_attach(struct LWLock *lock)
{
	bool		found;

	entries_lock = lock;
	entries = ShmemInitStruct("djust_auth throttled", throttle_event_size(), &found);
	if (!found)
		memset(entries, 0, throttle_event_size());
}

static TimestampTz
end_of(const Entry *entry, int seconds)
{
	return entry->since + seconds * USECS_PER_SEC;
}

/* A clock that was set back ends a minute, too. */
static bool
is_over(const Entry *entry, int seconds, TimestampTz now)
{
	return now >= end_of(entry, seconds) || now < entry->since;
}

static Entry *
set_of(const AccountTag *tag)
{
	uint32		hash;

	memcpy(&hash, tag->bytes, sizeof(hash));
	return &entries[(hash & (SETS - 1)) * WAYS];
}

static Entry *
find(const AccountTag *tag)
{
	Entry	   *set = set_of(tag);
	int			i;

	for (i = 0; i < WAYS; i++)
		if (set[i].database == MyDatabaseId && memcmp(&set[i].tag, tag, sizeof(*tag)) == 0)
			return &set[i];
	return NULL;
}

/* NULL when every place is taken. */
static Entry *
free_place(const AccountTag *tag, TimestampTz now)
{
	Entry	   *set = set_of(tag);
	int			i;

	for (i = 0; i < WAYS; i++)
		if (!OidIsValid(set[i].database))
			return &set[i];
	for (i = 0; i < WAYS; i++)
		if (is_over(&set[i], ABANDONED_S, now))
		{
			counter_add(COUNT_AUDIT_LOST, set[i].count > 0 ? 1 : 0);
			return &set[i];
		}
	return NULL;
}

static void
start(Entry *entry, const AccountTag *tag, const QueuedEvent *event, TimestampTz now)
{
	entry->tag = *tag;
	entry->database = MyDatabaseId;
	entry->since = now;
	entry->count = 0;
	entry->event = *event;
}

static uint32_t
count(const AccountTag *tag, const QueuedEvent *event, bool has_worker, TimestampTz now)
{
	Entry	   *entry = find(tag);
	uint32_t	told = 1;

	if (entry == NULL)
	{
		entry = free_place(tag, now);
		if (entry == NULL)
			return 1;
		start(entry, tag, event, now);
	}
	else if (has_worker || !is_over(entry, THROTTLE_EVENT_S, now))
	{
		entry->count++;
		return 0;
	}
	else
	{
		told = entry->count + 1;
		start(entry, tag, event, now);
	}
	if (!has_worker)
		return told;
	entry->count = told;
	return 0;
}

uint32_t
throttle_event_count(const AccountTag *tag, const QueuedEvent *event, bool has_worker)
{
	uint32_t	told;

	LWLockAcquire(entries_lock, LW_EXCLUSIVE);
	told = count(tag, event, has_worker, event_queue_now());
	LWLockRelease(entries_lock);
	return told;
}

void
throttle_event_detail(const AccountTag *tag, bool has_user, uint32_t n, char detail[EVENT_QUEUE_DETAIL_MAX])
{
	char		account[2 * sizeof(tag->bytes)];

	bytes_hex_encode(tag->bytes, sizeof(tag->bytes), account);
	snprintf(detail, EVENT_QUEUE_DETAIL_MAX, "{\"account\": \"%.*s\", \"count\": %u, \"pad\": \"%*s\"}",
			 (int) sizeof(account), account, n, AUDIT_PAD(has_user), "");
}

/* False when the event queue is full: the entry stays, and goes on counting. */
static bool
hand_over(Entry *entry)
{
	QueueEntry	message = {.kind = EVENT_QUEUE_EVENT, .at = entry->since};

	message.u.event = entry->event;
	throttle_event_detail(&entry->tag, entry->event.has_user, entry->count, message.u.event.detail);
	if (event_queue_put(&message, EVENT_QUEUE_KEPT_FOR_FAILURES) == 0)
		return false;
	entry->database = InvalidOid;
	return true;
}

TimestampTz
throttle_event_flush(bool all)
{
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz next = DT_NOEND;
	int			i;

	LWLockAcquire(entries_lock, LW_EXCLUSIVE);
	for (i = 0; i < SETS * WAYS; i++)
	{
		Entry	   *entry = &entries[i];

		if (entry->database != MyDatabaseId)
			continue;
		if (!(all || is_over(entry, THROTTLE_EVENT_S, now)) || !hand_over(entry))
			next = Min(next, Max(end_of(entry, THROTTLE_EVENT_S), now + USECS_PER_SEC));
	}
	LWLockRelease(entries_lock);
	return next;
}

TimestampTz
throttle_event_oldest(void)
{
	TimestampTz oldest = DT_NOEND;
	int			i;

	LWLockAcquire(entries_lock, LW_SHARED);
	for (i = 0; i < SETS * WAYS; i++)
		if (entries[i].database == MyDatabaseId)
			oldest = Min(oldest, entries[i].since);
	LWLockRelease(entries_lock);
	return oldest;
}
