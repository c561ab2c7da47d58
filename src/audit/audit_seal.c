/*
 * audit_seal.c
 *		Owns the seals over the audit: their content, when one may be made,
 *		and their removal with their events.
 *
 * Threat: a user with write access to the tables (even a superuser with
 * triggers off) who changes, removes, adds or moves recorded events.  A seal
 * lists every event of a stretch of time and is authenticated, with the seal
 * before it, by a key derived from the key file.  A chain's row records the
 * first and last seal, so neither end can be cut off; shared memory remembers
 * the newest seal, so an old state cannot be restored while the server runs.
 * Not covered: a reader of the key file, and changes made before the seal.
 *
 * A stretch is sealed only when no transaction can add to it any more.  Every
 * writer of events locks audit_event before it reads the clock, and takes no
 * time before the floor in shared memory.  The worker raises the floor to a
 * time T, then lists the holders of the lock: once these transactions have
 * ended, no event before T can come.  Events waiting in shared memory bound T.
 * A prepared transaction holds its lock under a new name, so any of these
 * delays the seal.  Transactions of other databases do not hold this lock, and
 * readers delay nothing.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "audit/audit_seal.h"
#include "audit/audit_seal_form.h"
#include "audit/throttle_event.h"
#include "keys/key_file_check.h"
#include "server/uuid.h"
#include "shmem/event_queue.h"
#include "tables/catalog.h"

#define INTERVAL_S 30
#define BUSY_S 5 /* until writers are checked again */
#define IDLE_S (10 * 60) /* how often an empty stretch is recorded */

/* The time to seal up to, and the transactions that might still add events before it. */
static struct
{
	bool is_set;
	TimestampTz to;
	List *writers;
	MemoryContext context;
} goal;

/* Published to shared memory after the commit. */
static NewestSeal sealed;
static bool sealed_changed = false;

static void
save_chain(AuditChain *chain)
{
	audit_chain_mac(chain, chain->mac);
	store_chain_put(chain);
	sealed.database = MyDatabaseId;
	sealed.table = catalog_table(TABLE_AUDIT_CHAIN);
	sealed.chain = chain->chain;
	sealed.last = chain->last;
	sealed.at = chain->sealed.at;
	sealed_changed = true;
}

/* True if shared memory remembers seals that the tables no longer hold. */
static bool
is_rolled_back(const AuditChain *chain)
{
	NewestSeal known;

	event_queue_sealed_get(&known);
	if (known.database != MyDatabaseId || known.table != catalog_table(TABLE_AUDIT_CHAIN))
		return false;
	return chain == NULL || memcmp(&chain->chain, &known.chain, UUID_LEN) != 0 || chain->last < known.last;
}

static void
begin_chain(AuditChain *chain, const AuditChain *before)
{
	NewestSeal known;

	memset(chain, 0, sizeof(*chain));
	uuid_new_v7(&chain->chain);
	audit_seal_key_id(chain->key_id);
	chain->first = 1;
	chain->after_loss = is_rolled_back(before) || (before ? audit_chain_is_ours(before) : store_seal_any());
	event_queue_sealed_get(&known);
	if (before && !chain->after_loss)
		chain->started.at = Min(before->sealed.at, goal.to);
	else if (chain->after_loss)
		chain->started.at = known.at != 0 ? Min(known.at, goal.to) : goal.to;
	else
		chain->started.at = DT_NOBEGIN; /* older events than the first one were added later */
	chain->sealed = chain->started;
	if (chain->after_loss)
		ereport(WARNING,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("seals of the audit of djust_auth were removed or altered"),
				 errhint("See djust_auth.audit_verify().")));
}

/* Continues the newest chain that verifies, ignoring forged rows before it, or begins a new one. */
static void
choose_chain(AuditChain *chain)
{
	AuditChain chains[CHAINS_MAX];
	int n = store_chains_lock(chains);
	int i = 0;

	while (i < n &&
		   !(audit_chain_is_ours(&chains[i]) && audit_chain_is_good(&chains[i]) && !is_rolled_back(&chains[i])))
		i++;
	if (i < n)
		*chain = chains[i];
	else
		begin_chain(chain, n > 0 ? &chains[0] : NULL);
	event_queue_raise_floor(chain->sealed.at);
}

static bool
is_still_writing(List *writers, const char *writer)
{
	ListCell *cell;

	if (strncmp(writer, "-1/", 3) == 0)
		return true;
	foreach(cell, writers)
		if (strcmp(lfirst(cell), writer) == 0)
			return true;
	return false;
}

static void
set_goal(void)
{
	if (goal.context == NULL)
		goal.context = AllocSetContextCreate(TopMemoryContext, "djust_auth writers of events", ALLOCSET_SMALL_SIZES);
	MemoryContextReset(goal.context);
	goal.is_set = false;
	/* after every event, even if the clock was set back */
	goal.to = event_queue_raise_floor(event_queue_now() + 1);
	goal.to = Min(goal.to, throttle_event_oldest());
	goal.writers = store_event_writers(goal.context);
	goal.is_set = true;
}

/* True if no transaction can add an event before the goal any more. */
static bool
is_settled(void)
{
	ListCell *cell;

	if (!goal.is_set)
		set_goal();
	foreach(cell, store_event_writers(CurrentMemoryContext))
		if (is_still_writing(goal.writers, lfirst(cell)))
			return false;
	return true;
}

static void
seal_events(AuditChain *chain, const SealedEvent *events, int count, const EventKey *to)
{
	uint8_t *members = palloc(SEAL_EVENTS * MEMBER_SIZE);
	AuditSeal seal = {
		.chain = chain->chain, .number = chain->last + 1, .from = chain->sealed, .to = *to, .count = count};
	int i;

	for (i = 0; i < count; i++)
		audit_seal_member(&events[i], members + i * MEMBER_SIZE);
	seal.members = members;
	seal.made_at = GetCurrentTimestamp();
	memcpy(seal.previous, chain->last_mac, SHA256_SIZE);
	audit_seal_mac(&seal, seal.mac);
	store_seal_insert(&seal);
	chain->last = seal.number;
	chain->sealed = *to;
	memcpy(chain->last_mac, seal.mac, SHA256_SIZE);
	save_chain(chain);
}

/* Returns true if there are more events before the goal. */
static bool
seal_batch(AuditChain *chain)
{
	EventKey to = {.at = goal.to};
	SealedEvent *events = palloc(EVENTS_AT_ONCE * sizeof(SealedEvent));
	int n = store_events_read(CurrentMemoryContext, NULL, &chain->sealed, false, &to, events);

	if (n > SEAL_EVENTS)
		seal_events(chain, events, SEAL_EVENTS, &events[SEAL_EVENTS].key);
	else if (n > 0)
		seal_events(chain, events, n, &to);
	else if (chain->last == 0 || to.at - chain->sealed.at >= IDLE_S * USECS_PER_SEC)
	{
		chain->sealed = to;
		save_chain(chain);
	}
	return n > SEAL_EVENTS;
}

TimestampTz
audit_seal_some(void)
{
	TimestampTz now = GetCurrentTimestamp();
	AuditChain chain;
	bool more;

	sealed_changed = false;
	if (!is_settled())
		return now + BUSY_S * USECS_PER_SEC;
	choose_chain(&chain);
	more = goal.to > chain.sealed.at && seal_batch(&chain);
	if (more)
		return 0;
	goal.is_set = false;
	return now + INTERVAL_S * USECS_PER_SEC;
}

void
audit_seal_committed(void)
{
	if (sealed_changed)
		event_queue_sealed_set(&sealed);
	sealed_changed = false;
}

/*
 * True if the seal ends by `before` and its MAC is good; the seals before it then end, too.  Without the MAC, changing
 * the end stored in a row would have seals, and the events they cover, purged too early.
 */
static bool
has_ended(const AuditChain *chain, int64 number, TimestampTz before)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "djust_auth seals", ALLOCSET_DEFAULT_SIZES);
	AuditSeal seals[SEALS_AT_ONCE];
	uint8_t mac[SHA256_SIZE];
	bool ended = false;

	if (number > 0 && store_seals_read(context, NULL, &chain->chain, number - 1, seals) > 0)
	{
		audit_seal_mac(&seals[0], mac);
		ended = seals[0].number == number && seals[0].to.at <= before && bytes_equal(mac, seals[0].mac, SHA256_SIZE);
	}
	MemoryContextDelete(context);
	return ended;
}

/* Deletes seals all of whose events are older; the oldest remaining seal may then be covered in part only. */
static void
retire_seals(AuditChain *chain, TimestampTz before)
{
	bool is_ours = audit_chain_is_ours(chain);
	bool is_good = is_ours && audit_chain_is_good(chain);
	EventKey start = {.at = before};
	int64 last;

	while (store_seals_ended(&chain->chain, before, &last) && (!is_ours || has_ended(chain, last, before)))
	{
		store_seals_retire(&chain->chain, last);
		chain->first = last + 1;
	}
	chain->started = start;
	if (event_key_cmp(&chain->sealed, &start) < 0)
		chain->sealed = start;
	/* a forged chain's row stays as it is */
	if (is_good)
		save_chain(chain);
}

/* Without the key file no covered event can be deleted. */
TimestampTz
audit_seal_retire(TimestampTz before)
{
	AuditChain chains[CHAINS_MAX];
	TimestampTz limit = before;
	TimestampTz first;
	int n;
	int i;

	if (!store_event_first(&first) || first >= before)
		return before;
	n = store_chains_lock(chains);
	for (i = 0; i < n; i++)
	{
		AuditChain *chain = &chains[i];

		if (!key_file_matches())
			limit = Min(limit, chain->started.at);
		else if (chain->sealed.at <= before && (!audit_chain_is_ours(chain) || (i > 0 && audit_chain_is_good(chain))))
			store_chain_delete(&chain->chain);
		else if (chain->started.at < before)
			retire_seals(chain, before);
	}
	return limit;
}
