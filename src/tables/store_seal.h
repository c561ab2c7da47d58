/*
 * store_seal.h
 *		The tables audit_chain and audit_seal, and events as seals cover them.
 */
#ifndef DJUST_STORE_SEAL_H
#define DJUST_STORE_SEAL_H

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"
#include "utils/snapshot.h"
#include "utils/uuid.h"

#include "crypto/crypto.h"

#define KEY_ID_SIZE 8
#define MEMBER_SIZE 56 /* of an event in a seal, see audit_seal_form.c */
#define EVENTS_AT_ONCE 1001
#define SEAL_EVENTS (EVENTS_AT_ONCE - 1) /* in one seal, at most */
#define SEALS_AT_ONCE 16
#define CHAINS_MAX 16

/* A position in the order of events. */
typedef struct EventKey
{
	TimestampTz at;
	pg_uuid_t id;
} EventKey;

/* Strings are palloc'd, NULL if there is none. */
typedef struct SealedEvent
{
	EventKey key;
	bool has_user;
	bool has_sid;
	pg_uuid_t user_id;
	pg_uuid_t sid;
	char *event;
	char *actor;
	char *detail; /* without personal data */
	char *client_address;
	char *personal;
} SealedEvent;

typedef struct AuditSeal
{
	pg_uuid_t chain;
	int64 number;
	EventKey from; /* covers events from here ... */
	EventKey to; /* ... to before here: exactly those in members */
	TimestampTz made_at;
	int count;
	const uint8_t *members; /* count * MEMBER_SIZE bytes */
	uint8_t previous[SHA256_SIZE]; /* mac of the previous seal */
	uint8_t mac[SHA256_SIZE];
} AuditSeal;

/* A chain of seals: its row in audit_chain. */
typedef struct AuditChain
{
	pg_uuid_t chain;
	uint8_t key_id[KEY_ID_SIZE];
	int64 first; /* number of the oldest stored seal */
	int64 last; /* of the newest; first - 1 if none is stored */
	EventKey started; /* older events are not covered (any more) */
	EventKey sealed; /* events are covered up to here */
	bool after_loss; /* started because the previous chain was deleted or forged */
	uint8_t last_mac[SHA256_SIZE];
	uint8_t mac[SHA256_SIZE];
} AuditChain;

static inline int
event_key_cmp(const EventKey *a, const EventKey *b)
{
	return a->at != b->at ? (a->at < b->at ? -1 : 1) : memcmp(a->id.data, b->id.data, UUID_LEN);
}

/* Locks the rows; newest first. */
extern int store_chains_lock(AuditChain chains[CHAINS_MAX]);
extern void store_chain_put(const AuditChain *chain);
/* Deletes its seals, too. */
extern void store_chain_delete(const pg_uuid_t *chain);
extern void store_seal_insert(const AuditSeal *seal);
/* Number of the last of the oldest seals whose rows say they end by then; false if none does. */
extern bool store_seals_ended(const pg_uuid_t *chain, TimestampTz before, int64 *last);
/* Deletes the seals up to this number. */
extern void store_seals_retire(const pg_uuid_t *chain, int64 last);
extern bool store_seal_any(void);
/* True if there are seals of a chain that is not in audit_chain. */
extern bool store_seals_orphaned(Snapshot snapshot);
extern bool store_event_first(TimestampTz *at);

/* Virtual transaction ids, as text, holding the lock that writers of events take. */
extern List *store_event_writers(MemoryContext context);

/* Read in order, into a context, under a snapshot (NULL: the latest); return how many were read. */
extern int store_chains_read(Snapshot snapshot, AuditChain chains[CHAINS_MAX]);
extern int store_seals_read(MemoryContext context, Snapshot snapshot, const pg_uuid_t *chain, int64 after,
							AuditSeal seals[SEALS_AT_ONCE]);
/* Events from this key (after it, if exclusive) and before another. */
extern int store_events_read(MemoryContext context, Snapshot snapshot, const EventKey *from, bool exclusive,
							 const EventKey *to, SealedEvent events[EVENTS_AT_ONCE]);
/* True if its user left by a move after the event: that removed the personal data, and they may have come back. */
extern bool store_event_user_left(Snapshot snapshot, const SealedEvent *event);
extern int64 store_events_count(Snapshot snapshot, const EventKey *from);

#endif
