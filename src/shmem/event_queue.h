/*
 * event_queue.h
 *		The queue between the backends of a database and its background
 *		worker.
 */
#ifndef DJUST_EVENT_QUEUE_H
#define DJUST_EVENT_QUEUE_H

#include "datatype/timestamp.h"
#include "storage/lwlock.h"
#include "utils/uuid.h"

#include "crypto/account_tag.h"

#define EVENT_QUEUE_ENTRIES 16384
/* Entries reserved for locks; and for locks and failures, which cost a hash each: refused attempts cost nothing. */
#define EVENT_QUEUE_KEPT_FOR_LOCKS 1024
#define EVENT_QUEUE_KEPT_FOR_FAILURES (EVENT_QUEUE_ENTRIES / 2)
#define EVENT_QUEUE_BATCH 1000
#define EVENT_QUEUE_EVENT_MAX 20
#define EVENT_QUEUE_ADDRESS_MAX 20
#define EVENT_QUEUE_DETAIL_MAX 112

typedef enum QueueKind
{
	EVENT_QUEUE_EVENT,
	EVENT_QUEUE_LOCK,
	EVENT_QUEUE_SUSPENSION, /* a lock, by the failure that suspends the password */
	EVENT_QUEUE_UNLOCK
} QueueKind;

typedef struct QueuedEvent
{
	pg_uuid_t id;
	pg_uuid_t user_id;
	pg_uuid_t sid;
	bool has_user;
	bool has_sid;
	uint8_t address_size; /* of an inet without its header; 0 if unknown */
	uint8_t address[EVENT_QUEUE_ADDRESS_MAX];
	char event[EVENT_QUEUE_EVENT_MAX];
	char actor[NAMEDATALEN];
	char detail[EVENT_QUEUE_DETAIL_MAX]; /* empty for none */
} QueuedEvent;

typedef struct QueuedLock
{
	AccountTag tag;
	int32_t failures;
	TimestampTz allowed_at;
	pg_uuid_t user_id;
} QueuedLock;

/* Of fixed size, so that neither a burst nor a long text uses the room of others. */
typedef struct QueueEntry
{
	QueueKind kind;
	Oid database; /* a dropped database's entries must not go to a new one of its name */
	TimestampTz at;
	union
	{
		QueuedEvent event;
		QueuedLock lock;
	} u;
} QueueEntry;

/* The newest seal over the audit, see audit_seal.c. */
typedef struct NewestSeal
{
	Oid database; /* InvalidOid: none since server start */
	Oid table; /* oid of the table of its chain */
	pg_uuid_t chain;
	int64_t last;
	TimestampTz at;
} NewestSeal;

/* How many databases djust_auth.databases names, and their names; call only after settings_init. */
extern int event_queue_databases(void);
extern const char *event_queue_database(int n);

extern size_t event_queue_size(void);
extern int event_queue_locks(void);
extern void event_queue_attach(LWLockPadded *locks);

/* True if a worker serves this backend's database, even if not running now.  The first call needs a transaction. */
extern bool event_queue_served(void);

/*
 * Queues an entry, sets its database and, if 0, its time, and wakes the worker.  Leaves `kept` entries free for others.
 * Returns a ticket for event_queue_await, or 0 if there is no room, or no worker for this database.
 */
extern uint64_t event_queue_put(QueueEntry *entry, int kept);
/* Waits, at most a second, until the worker has committed the entry; returns at once if no worker is running. */
extern void event_queue_await(uint64_t ticket);
extern int event_queue_waiting(void);

/*
 * After this transaction's commit, the worker retries its jobs at once: mail was queued, a role was granted, or the
 * extension was created.
 */
extern void event_queue_wake_at_commit(void);

/* Clock for events of a database with a worker.  It never goes back: its floor is the newest event or seal. */
extern TimestampTz event_queue_now(void);
extern bool event_queue_floor_known(void);
/* Raises the floor.  No queued or later event is from before the returned time. */
extern TimestampTz event_queue_raise_floor(TimestampTz at);

extern void event_queue_sealed_set(const NewestSeal *sealed);
extern void event_queue_sealed_get(NewestSeal *sealed);

/* For the worker: entries stay until it drops them. */
extern void event_queue_begin_work(int n);
extern bool event_queue_in_worker(void);
extern int event_queue_peek(QueueEntry *entries, int max);
extern void event_queue_drop(int n);
/* The worker has written all that was queued. */
extern void event_queue_all_written(void);
/* True if a worker of this database runs; sets *wrote_at to when it last had written all (0: never). */
extern bool event_queue_worker(TimestampTz *wrote_at);
/* True if event_queue_wake_at_commit() has woken the worker since the last call. */
extern bool event_queue_take_retry(void);

extern bool event_queue_serves_database(const char *database);
/*
 * Before a command that needs a database alone (away): its worker disconnects.  After it (not away), or after a minute,
 * it may return.
 */
extern void event_queue_send_away(const char *database, bool away);
extern bool event_queue_must_leave(int n);

#endif
