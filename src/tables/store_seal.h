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
#define MEMBER_SIZE 56			/* of an event in a seal, see audit_seal.c */
#define SEAL_EVENTS 1000		/* in one seal, at most */
#define EVENTS_AT_ONCE (SEAL_EVENTS + 1)
#define SEALS_AT_ONCE 16
#define CHAINS_MAX 16

/* A place in the order of events. */
typedef struct EventKey
{
	TimestampTz at;
	pg_uuid_t	id;
} EventKey;

/* All strings are palloc'd, NULL where there is none. */
typedef struct SealedEvent
{
	EventKey	key;
	bool		has_user;
	bool		has_sid;
	pg_uuid_t	user_id;
	pg_uuid_t	sid;
	char	   *event;
	char	   *actor;
	char	   *detail;			/* without what is personal */
	char	   *client_address;
	char	   *personal;
} SealedEvent;

typedef struct AuditSeal
{
	pg_uuid_t	chain;
	int64		number;
	EventKey	from;			/* events from here on ... */
	EventKey	to;				/* ... before there, are those in members and no others */
	TimestampTz made_at;
	int			count;
	const uint8_t *members;		/* count * MEMBER_SIZE bytes */
	uint8_t		previous[SHA256_SIZE];	/* mac of the seal before */
	uint8_t		mac[SHA256_SIZE];
} AuditSeal;

/* What is known of a chain without its seals. */
typedef struct AuditChain
{
	pg_uuid_t	chain;
	uint8_t		key_id[KEY_ID_SIZE];
	int64		first;			/* number of the oldest seal that is kept */
	int64		last;			/* of the newest; first - 1 where none is kept */
	EventKey	started;		/* events before this are not covered, or no longer */
	EventKey	sealed;			/* up to here events are covered */
	bool		after_loss;		/* begun because the chain before was gone or forged */
	uint8_t		last_mac[SHA256_SIZE];
	uint8_t		mac[SHA256_SIZE];
} AuditChain;

static inline int
event_key_cmp(const EventKey *a, const EventKey *b)
{
	return a->at != b->at ? (a->at < b->at ? -1 : 1) : memcmp(a->id.data, b->id.data, UUID_LEN);
}

/* The rows are locked; newest first. */
extern int	store_chains_lock(AuditChain chains[CHAINS_MAX]);
extern void store_chain_put(const AuditChain *chain);
/* With its seals. */
extern void store_chain_delete(const pg_uuid_t *chain);
extern void store_seal_insert(const AuditSeal *seal);
/* Some of the oldest seals say that they end by then: the last of them.  False where none does. */
extern bool store_seals_ended(const pg_uuid_t *chain, TimestampTz before, int64 *last);
/* Removes the seals up to this number. */
extern void store_seals_retire(const pg_uuid_t *chain, int64 last);
extern bool store_seal_any(void);
/* Of a chain that audit_chain does not know. */
extern bool store_seals_orphaned(Snapshot snapshot);
extern bool store_event_first(TimestampTz *at);

/* Virtual transactions, as text, that hold the lock which writers of events take. */
extern List *store_event_writers(MemoryContext context);

/* In order, into a context, under a snapshot (NULL: the latest): how many were read. */
extern int	store_chains_read(Snapshot snapshot, AuditChain chains[CHAINS_MAX]);
extern int	store_seals_read(MemoryContext context, Snapshot snapshot, const pg_uuid_t *chain, int64 after,
							 AuditSeal seals[SEALS_AT_ONCE]);
/* From a place on, or behind it, and before another one. */
extern int store_events_read(MemoryContext context, Snapshot snapshot, const EventKey *from, bool behind,
							 const EventKey *to, SealedEvent events[EVENTS_AT_ONCE]);
extern int64 store_events_count(Snapshot snapshot, const EventKey *from);

#endif
