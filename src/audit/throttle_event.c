/*
 * throttle_event.c
 *		Owns the counting of refused attempts: one event per account and
 *		minute.
 *
 * Threat: refused attempts cost nothing, so an event for each would fill the
 * audit and the event queue and push other events out.  A minute begins with
 * the first refused attempt; later ones are only counted.  The worker writes
 * the event when the minute is over, and all pending events when the server
 * stops; a crash of the server loses a minute's counts.
 *
 * In a database without a worker the first attempt writes the event in its own
 * transaction, with the attempts since the previous event: attempts after the
 * last event are reported by the next one.
 *
 * The table is set-associative under a keyed hash.  If an account's set is
 * full, each of its attempts writes an event.  An entry that was not written
 * for ABANDONED_S (its database was dropped, or its worker does not start) is
 * replaced, and its event counted as lost.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

#include "audit/throttle_event.h"
#include "shmem/counters.h"

#define SETS 1024 /* a power of two */
#define WAYS 8
#define ABANDONED_S (10 * 60)

typedef struct Entry
{
	AccountTag tag;
	Oid database; /* InvalidOid: the entry is free */
	TimestampTz since;
	uint32_t count; /* attempts not yet in an event */
	QueuedEvent event;
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
	bool found;

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
has_lasted(const Entry *entry, int seconds, TimestampTz now)
{
	return now >= end_of(entry, seconds) || now < entry->since;
}

static Entry *
set_of(const AccountTag *tag)
{
	uint32 hash;

	memcpy(&hash, tag->bytes, sizeof(hash));
	return &entries[(hash & (SETS - 1)) * WAYS];
}

static Entry *
find_entry(const AccountTag *tag)
{
	Entry *set = set_of(tag);
	int i;

	for (i = 0; i < WAYS; i++)
		if (set[i].database == MyDatabaseId && memcmp(&set[i].tag, tag, sizeof(*tag)) == 0)
			return &set[i];
	return NULL;
}

/* NULL if the set is full. */
static Entry *
free_entry(const AccountTag *tag, TimestampTz now)
{
	Entry *set = set_of(tag);
	int i;

	for (i = 0; i < WAYS; i++)
		if (!OidIsValid(set[i].database))
			return &set[i];
	for (i = 0; i < WAYS; i++)
		if (has_lasted(&set[i], ABANDONED_S, now))
		{
			counter_add(COUNT_AUDIT_LOST, set[i].count > 0 ? 1 : 0);
			return &set[i];
		}
	return NULL;
}

static uint32_t
count_attempt(const AccountTag *tag, const QueuedEvent *event, bool has_worker, TimestampTz now)
{
	Entry *entry = find_entry(tag);
	uint32_t attempts = 1;

	if (entry && (has_worker || !has_lasted(entry, THROTTLE_EVENT_S, now)))
	{
		entry->count++;
		return 0;
	}
	if (entry)
		attempts = entry->count + 1;
	else if ((entry = free_entry(tag, now)) == NULL)
		return 1;
	*entry = (Entry){
		.tag = *tag,
		.database = MyDatabaseId,
		.since = now,
		.count = has_worker ? attempts : 0,
		.event = *event,
	};
	return has_worker ? 0 : attempts;
}

uint32_t
throttle_event_count(const AccountTag *tag, const QueuedEvent *event, bool has_worker)
{
	uint32_t attempts;

	LWLockAcquire(entries_lock, LW_EXCLUSIVE);
	attempts = count_attempt(tag, event, has_worker, event_queue_now());
	LWLockRelease(entries_lock);
	return attempts;
}

void
throttle_event_detail(const AccountTag *tag, bool has_user, uint32_t n, char detail[EVENT_QUEUE_DETAIL_MAX])
{
	char account[ACCOUNT_TAG_HEX_SIZE];

	account_tag_hex(tag, account);
	snprintf(detail,
			 EVENT_QUEUE_DETAIL_MAX,
			 "{\"account\": \"%s\", \"count\": %u, \"pad\": \"%*s\"}",
			 account,
			 n,
			 AUDIT_PAD(has_user),
			 "");
}

/* Returns false if the event queue is full: the entry stays and goes on counting. */
static bool
throttle_event_enqueue(Entry *entry)
{
	QueueEntry message = {.kind = EVENT_QUEUE_EVENT, .at = entry->since};

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
	int i;

	LWLockAcquire(entries_lock, LW_EXCLUSIVE);
	for (i = 0; i < SETS * WAYS; i++)
	{
		Entry *entry = &entries[i];

		if (entry->database != MyDatabaseId)
			continue;
		if (!(all || has_lasted(entry, THROTTLE_EVENT_S, now)) || !throttle_event_enqueue(entry))
			next = Min(next, Max(end_of(entry, THROTTLE_EVENT_S), now + USECS_PER_SEC));
	}
	LWLockRelease(entries_lock);
	return next;
}

TimestampTz
throttle_event_oldest(void)
{
	TimestampTz oldest = DT_NOEND;
	int i;

	LWLockAcquire(entries_lock, LW_SHARED);
	for (i = 0; i < SETS * WAYS; i++)
		if (entries[i].database == MyDatabaseId)
			oldest = Min(oldest, entries[i].since);
	LWLockRelease(entries_lock);
	return oldest;
}
