/*
 * audit_verify.c
 *		Owns the comparison of the audit with its seals.
 *
 * One pass over chains, seals and events, in order of time and under one
 * snapshot, in portions, so memory use is bounded.  Within a chain no events
 * belong between two seals.  The content of a missing or forged seal is
 * unknown: that is reported once, and events of its time are skipped.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "audit/audit_seal_form.h"
#include "audit/audit_verify.h"
#include "shmem/event_queue.h"
#include "tables/catalog.h"
#include "text/bytes.h"

typedef struct Walk
{
	AuditReport report;
	void *arg;
	Snapshot snapshot;
	MemoryContext seal_context;
	MemoryContext event_context;

	/* events: a portion, and the position in it */
	SealedEvent *events;
	int n;
	int i;
	EventKey last; /* of the last event read */
	bool begun;

	/* seals of the chain */
	EventKey started; /* members before this were purged */
	int64 expected; /* number of the next seal; 0 if unknown */
	int forged; /* seals since the last good one */
	bool has_previous;
	uint8_t previous[SHA256_SIZE];

	int64 covered;
	int64 seals;
	int64 uncovered;
} Walk;

static const EventKey beginning = {.at = DT_NOBEGIN};
static const EventKey the_end = {
	DT_NOEND,
	{{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
};

static void
report_event(Walk *walk, const EventKey *key, const char *finding)
{
	walk->report(walk->arg, key->at, &key->id, finding);
}

static void
report_seals(Walk *walk, TimestampTz at, const char *finding)
{
	walk->report(walk->arg, at, NULL, finding);
}

/* NULL at the end. */
static SealedEvent *
next_event(Walk *walk)
{
	CHECK_FOR_INTERRUPTS();
	if (walk->i == walk->n && (walk->n > 0 || !walk->begun))
	{
		MemoryContextReset(walk->event_context);
		walk->n =
			store_events_read(walk->event_context, walk->snapshot, &walk->last, walk->begun, &the_end, walk->events);
		walk->i = 0;
		walk->begun = true;
		if (walk->n > 0)
			walk->last = walk->events[walk->n - 1].key;
	}
	return walk->i < walk->n ? &walk->events[walk->i] : NULL;
}

static SealedEvent *
next_before(Walk *walk, const EventKey *end)
{
	SealedEvent *event = next_event(walk);

	return event && event_key_cmp(&event->key, end) < 0 ? event : NULL;
}

static void
skip_before(Walk *walk, const EventKey *end)
{
	while (next_before(walk, end))
	{
		walk->uncovered++;
		walk->i++;
	}
}

static void
report_added(Walk *walk, const EventKey *end)
{
	SealedEvent *event;

	while ((event = next_before(walk, end)) != NULL)
	{
		report_event(walk, &event->key, "added: its time was sealed without it");
		walk->i++;
	}
}

static bool
user_is_there(const SealedEvent *event)
{
	UserRow user;

	return event->has_user && catalog_user_by_id(&event->user_id, &user);
}

static void
compare_event(Walk *walk, const SealedEvent *event, const uint8_t *member)
{
	uint8_t now[MEMBER_SIZE];

	audit_seal_member(event, now);
	walk->covered++;
	if (!bytes_equal(now, member, MEMBER_PERSONAL))
		report_event(walk, &event->key, "altered since it was sealed");
	else if (bytes_equal(now, member, MEMBER_SIZE))
		return;
	else if (audit_member_has_personal(now))
		report_event(walk, &event->key, "altered since it was sealed: client address or personal values");
	else if (user_is_there(event) && !store_event_user_left(walk->snapshot, event))
		report_event(walk,
					 &event->key,
					 "altered since it was sealed: client address or personal values are gone, but the user is not");
}

static bool
is_member(const AuditSeal *seal, const pg_uuid_t *id)
{
	int i;

	for (i = 0; i < seal->count; i++)
	{
		EventKey key = audit_member_key(seal->members + i * MEMBER_SIZE);

		if (memcmp(&key.id, id, UUID_LEN) == 0)
			return true;
	}
	return false;
}

static bool
is_purged(const Walk *walk, const uint8_t *member)
{
	EventKey key = audit_member_key(member);

	return event_key_cmp(&key, &walk->started) < 0;
}

static void
compare_events(Walk *walk, const AuditSeal *seal)
{
	SealedEvent *event;
	int i = 0;

	while (i < seal->count && is_purged(walk, seal->members + i * MEMBER_SIZE))
		i++;
	for (;;)
	{
		EventKey key;
		int order;

		event = next_before(walk, &seal->to);
		if (i < seal->count)
			key = audit_member_key(seal->members + i * MEMBER_SIZE);
		if (event == NULL && i == seal->count)
			return;
		order = event == NULL ? -1 : i == seal->count ? 1 : event_key_cmp(&key, &event->key);
		if (order < 0)
			report_event(walk, &key, "removed, or its time altered, since it was sealed");
		else if (order > 0)
			report_event(walk,
						 &event->key,
						 is_member(seal, &event->key.id) ? "its time was altered since it was sealed" :
														   "added: its time was sealed without it");
		else
			compare_event(walk, event, seal->members + i * MEMBER_SIZE);
		i += order <= 0;
		walk->i += order >= 0;
	}
}

/* Checks the gap before the next good seal or the end of the chain. */
static void
check_gap(Walk *walk, int64 number, const EventKey *from, const uint8_t *previous)
{
	int64 missing = walk->expected == 0 ? 0 : number - walk->expected - walk->forged;

	if (missing > 0)
		report_seals(walk, from->at, psprintf(INT64_FORMAT " seal(s) before this time were removed", missing));
	if (missing > 0 || walk->forged > 0)
		skip_before(walk, from);
	else
	{
		if (walk->has_previous && !bytes_equal(walk->previous, previous, SHA256_SIZE))
			report_seals(walk, from->at, "a seal does not follow the one before it");
		report_added(walk, from);
	}
	walk->forged = 0;
}

static void
compare_seal(Walk *walk, const AuditSeal *seal)
{
	uint8_t mac[SHA256_SIZE];

	audit_seal_mac(seal, mac);
	walk->seals++;
	if (!bytes_equal(mac, seal->mac, SHA256_SIZE))
	{
		report_seals(walk, seal->to.at, psprintf("seal " INT64_FORMAT " was altered", seal->number));
		walk->forged++;
		return;
	}
	check_gap(walk, seal->number, &seal->from, seal->previous);
	compare_events(walk, seal);
	walk->expected = seal->number + 1;
	walk->has_previous = true;
	memcpy(walk->previous, seal->mac, SHA256_SIZE);
}

static void
compare_seals(Walk *walk, const AuditChain *chain)
{
	AuditSeal seals[SEALS_AT_ONCE];
	int64 number = PG_INT64_MIN;
	int n;
	int i;

	do
	{
		MemoryContextReset(walk->seal_context);
		n = store_seals_read(walk->seal_context, walk->snapshot, &chain->chain, number, seals);
		for (i = 0; i < n; i++)
			compare_seal(walk, &seals[i]);
		if (n > 0)
			number = seals[n - 1].number;
	} while (n == SEALS_AT_ONCE);
}

static void
compare_chain(Walk *walk, const AuditChain *chain)
{
	bool is_good = audit_chain_is_good(chain);

	if (!audit_chain_is_ours(chain))
	{
		report_seals(walk, chain->sealed.at, "events up to this time are sealed under another key file: not verified");
		skip_before(walk, &chain->sealed);
		return;
	}
	if (chain->after_loss)
		report_seals(walk, chain->started.at, "seals before this time were removed or altered");
	walk->forged = 0;
	walk->has_previous = false;
	walk->expected = is_good ? chain->first : 0;
	walk->started = is_good ? chain->started : beginning;
	if (is_good)
		skip_before(walk, &chain->started);
	else
		report_seals(walk, chain->sealed.at, "what is known of this chain of seals was altered");
	compare_seals(walk, chain);
	if (is_good)
		check_gap(walk, chain->last + 1, &chain->sealed, chain->last_mac);
}

/* Checks that the newest seal in shared memory is still in the tables. */
static void
compare_memory(Walk *walk, const NewestSeal *known, const AuditChain *chains, int n)
{
	int i;

	if (known->database != MyDatabaseId || known->table != catalog_table(TABLE_AUDIT_CHAIN))
		return;
	for (i = 0; i < n; i++)
		if (memcmp(&chains[i].chain, &known->chain, UUID_LEN) == 0 && chains[i].last >= known->last)
			return;
	report_seals(walk, known->at, "seals up to this time were removed");
}

static void
report_extent(const Walk *walk, const AuditChain *chains, int n)
{
	int64 unsealed = n > 0 ? store_events_count(walk->snapshot, &chains[n - 1].sealed) : walk->uncovered;

	if (n == 0)
		ereport(NOTICE,
				(errmsg("nothing is sealed: " INT64_FORMAT " events", unsealed),
				 errhint("The background worker seals: name the database in djust_auth.databases.")));
	else
		ereport(NOTICE,
				(errmsg(INT64_FORMAT " events were compared with " INT64_FORMAT " seals, up to %s; " INT64_FORMAT
									 " newer events are not sealed yet, " INT64_FORMAT " others are not covered",
						walk->covered,
						walk->seals,
						timestamptz_to_str(chains[n - 1].sealed.at),
						unsealed,
						walk->uncovered)));
}

void
audit_verify(AuditReport report, void *arg)
{
	Walk walk = {.report = report, .arg = arg, .last = beginning};
	AuditChain chains[CHAINS_MAX];
	NewestSeal known;
	int n;
	int i;

	event_queue_sealed_get(&known);
	walk.snapshot = RegisterSnapshot(GetLatestSnapshot());
	walk.seal_context = AllocSetContextCreate(CurrentMemoryContext, "djust_auth seals", ALLOCSET_DEFAULT_SIZES);
	walk.event_context = AllocSetContextCreate(CurrentMemoryContext, "djust_auth events", ALLOCSET_DEFAULT_SIZES);
	walk.events = palloc(EVENTS_AT_ONCE * sizeof(SealedEvent));
	n = store_chains_read(walk.snapshot, chains);
	if (store_seals_orphaned(walk.snapshot))
		report_seals(&walk, GetCurrentTimestamp(), "what is known of a chain of seals was removed");
	for (i = 0; i < n; i++)
		compare_chain(&walk, &chains[i]);
	compare_memory(&walk, &known, chains, n);
	if (n == 0)
		skip_before(&walk, &the_end);
	report_extent(&walk, chains, n);
	UnregisterSnapshot(walk.snapshot);
}
