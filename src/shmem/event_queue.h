/*
 * event_queue.h
 *		What the backends of a database and its background worker share.
 */
#ifndef DJUST_EVENT_QUEUE_H
#define DJUST_EVENT_QUEUE_H

#include <stddef.h>
#include <stdint.h>

#include "datatype/timestamp.h"
#include "storage/lwlock.h"
#include "utils/uuid.h"

#include "crypto/account_tag.h"

#define EVENT_QUEUE_ENTRIES 16384
/* Room that is kept: for locks; and for failures, which cost a hash each, from attempts that cost nothing. */
#define EVENT_QUEUE_KEPT_FOR_LOCKS 1024
#define EVENT_QUEUE_KEPT_FOR_FAILURES (EVENT_QUEUE_ENTRIES / 2)
#define EVENT_QUEUE_BATCH 1000
#define EVENT_QUEUE_EVENT_MAX 20
#define EVENT_QUEUE_ADDRESS_MAX 20
#define EVENT_QUEUE_DETAIL_MAX 112
/* A row without a user is shorter by the user's id, and its entry in the index by user by a half of it. */
#define AUDIT_PAD(has_user) ((has_user) ? 0 : UUID_LEN + UUID_LEN / 2)

typedef enum QueueKind
{
	EVENT_QUEUE_EVENT,
	EVENT_QUEUE_LOCK,
	EVENT_QUEUE_UNLOCK
} QueueKind;

typedef struct QueuedEvent
{
	pg_uuid_t	id;
	pg_uuid_t	user_id;
	pg_uuid_t	sid;
	bool		has_user;
	bool		has_sid;
	uint8_t		address_size;	/* of an inet without its header; 0 where unknown */
	uint8_t		address[EVENT_QUEUE_ADDRESS_MAX];
	char		event[EVENT_QUEUE_EVENT_MAX];
	char		actor[NAMEDATALEN];
	char		detail[EVENT_QUEUE_DETAIL_MAX];	/* empty for none */
} QueuedEvent;

typedef struct QueuedLock
{
	AccountTag tag;
	int32_t		failures;
	TimestampTz allowed_at;
	pg_uuid_t	user_id;
} QueuedLock;

/* Of one size, so that neither a burst nor a long text takes another's place. */
typedef struct QueueEntry
{
	QueueKind	kind;
	Oid			database;		/* one that was dropped leaves nothing to a namesake */
	TimestampTz at;
	union
	{
		QueuedEvent	event;
		QueuedLock	lock;
	}			u;
} QueueEntry;

/* The newest seal over the audit, see audit_seal.c. */
typedef struct NewestSeal
{
	Oid			database;		/* InvalidOid: none since server start */
	Oid			table;			/* where its chain stands */
	pg_uuid_t	chain;
	int64_t		last;
	TimestampTz at;
} NewestSeal;

/* The databases of djust_auth.databases; reads the setting, so only after settings_init. */
extern int	event_queue_count(void);
extern const char *event_queue_name(int n);

extern size_t event_queue_size(void);
extern int	event_queue_locks(void);
extern void event_queue_attach(LWLockPadded *locks);

/* Has this backend's database a worker, if not at this moment?  Needs a transaction the first time. */
extern bool event_queue_served(void);

/*
 * Hands an entry to the worker and wakes it; fills in database, and the time where it is 0.  The answer is a ticket for
 * event_queue_await, or 0 when there is no room beyond what is kept for others, or no worker for this database.
 */
extern uint64_t event_queue_put(QueueEntry *entry, int kept);
/* Sleeps until the worker has committed it, for at most a second; not at all when no worker is there to do it. */
extern void event_queue_await(uint64_t ticket);
extern int	event_queue_waiting(void);

/* Once this transaction has committed, the worker looks at the mail queue. */
extern void event_queue_wake_at_commit(void);

/*
 * The clock for events of a database with a worker: never before the floor, which rises to what is about to be sealed.
 */
extern TimestampTz event_queue_now(void);
extern bool event_queue_floor_known(void);
/* No event that is put later, and none that waits, is from before the answer. */
extern TimestampTz event_queue_raise_floor(TimestampTz at);

extern void event_queue_sealed_set(const NewestSeal *sealed);
extern void event_queue_sealed_get(NewestSeal *sealed);

/* For the worker: entries leave only when it drops them. */
extern void event_queue_begin_work(int n);
extern bool event_queue_working(void);
extern int	event_queue_peek(QueueEntry *entries, int max);
extern void event_queue_drop(int n);
/* Was the worker woken for mail since the last call? */
extern bool event_queue_take_call(void);

extern bool event_queue_is_served(const char *database);
/* For commands that need a database alone: its worker leaves and stays away until told otherwise. */
extern void event_queue_send_away(const char *database, bool away);
extern bool event_queue_must_leave(int n);

#endif
