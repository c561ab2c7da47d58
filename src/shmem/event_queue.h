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

#include "shmem/throttle.h"

#define RING_ENTRIES 16384
/* Room that is kept: for locks; and for failures, which cost a hash each, from attempts that cost nothing. */
#define RING_KEPT_FOR_LOCKS 1024
#define RING_KEPT_FOR_FAILURES (RING_ENTRIES / 2)
#define RING_BATCH 1000
#define RING_EVENT_MAX 20
#define RING_ADDRESS_MAX 20
#define RING_DETAIL_MAX 112
/* A row without a user is shorter by the user's id, and its entry in the index by user by a half of it. */
#define AUDIT_PAD(has_user) ((has_user) ? 0 : UUID_LEN + UUID_LEN / 2)

typedef enum RingKind
{
	RING_EVENT,
	RING_LOCK,
	RING_UNLOCK
} RingKind;

typedef struct RingEvent
{
	pg_uuid_t	id;
	pg_uuid_t	user_id;
	pg_uuid_t	sid;
	bool		has_user;
	bool		has_sid;
	uint8_t		address_size;	/* of an inet without its header; 0 where unknown */
	uint8_t		address[RING_ADDRESS_MAX];
	char		event[RING_EVENT_MAX];
	char		actor[NAMEDATALEN];
	char		detail[RING_DETAIL_MAX];	/* empty for none */
} RingEvent;

typedef struct RingLock
{
	ThrottleTag tag;
	int32_t		failures;
	TimestampTz allowed_at;
	pg_uuid_t	user_id;
} RingLock;

/* Of one size, so that neither a burst nor a long text takes another's place. */
typedef struct RingEntry
{
	RingKind	kind;
	Oid			database;		/* one that was dropped leaves nothing to a namesake */
	TimestampTz at;
	union
	{
		RingEvent	event;
		RingLock	lock;
	}			u;
} RingEntry;

/* The newest seal over the audit, see audit_seal.c. */
typedef struct RingSealed
{
	Oid			database;		/* InvalidOid: none since server start */
	Oid			table;			/* where its chain stands */
	pg_uuid_t	chain;
	int64_t		last;
	TimestampTz at;
} RingSealed;

/* How far a purge is; see stats(). */
typedef struct RingProgress
{
	TimestampTz started_at;		/* 0: never since server start */
	TimestampTz finished_at;	/* 0: under way */
	uint64_t	removed;
	int			table;			/* PurgeTable */
} RingProgress;

/* The databases of djust_auth.databases; reads the setting, so only after settings_init. */
extern int	ring_count(void);
extern const char *ring_name(int n);

extern size_t ring_size(void);
extern int	ring_locks(void);
extern void ring_attach(LWLockPadded *locks);

/* Has this backend's database a worker, if not at this moment?  Needs a transaction the first time. */
extern bool ring_served(void);

/*
 * Hands an entry to the worker and wakes it; fills in database, and the time where it is 0.  The answer is a ticket for
 * ring_await, or 0 when there is no room beyond what is kept for others, or no worker for this database.
 */
extern uint64_t ring_put(RingEntry *entry, int kept);
/* Sleeps until the worker has committed it, for at most a second; not at all when no worker is there to do it. */
extern void ring_await(uint64_t ticket);
extern int	ring_waiting(void);

/* Once this transaction has committed, the worker looks at the mail queue. */
extern void ring_wake_at_commit(void);

/*
 * The clock for events of a database with a worker: never before the floor, which rises to what is about to be sealed.
 */
extern TimestampTz ring_now(void);
extern bool ring_floor_known(void);
/* No event that is put later, and none that waits, is from before the answer. */
extern TimestampTz ring_raise_floor(TimestampTz at);

extern void ring_sealed_set(const RingSealed *sealed);
extern void ring_sealed_get(RingSealed *sealed);

extern void ring_progress_set(const RingProgress *progress);
extern void ring_progress_get(RingProgress *progress);

/* For the worker: entries leave only when it drops them. */
extern void ring_begin_work(int n);
extern bool ring_working(void);
extern int	ring_peek(RingEntry *entries, int max);
extern void ring_drop(int n);
/* Was the worker woken for mail since the last call? */
extern bool ring_take_call(void);

extern bool ring_is_served(const char *database);
/* For commands that need a database alone: its worker leaves and stays away until told otherwise. */
extern void ring_send_away(const char *database, bool away);
extern bool ring_must_leave(int n);

#endif
