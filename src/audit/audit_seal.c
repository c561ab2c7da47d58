/*
 * audit_seal.c
 *		Owns the seals over the audit: what a seal says, when one may be made,
 *		how seals leave with their events.
 *
 * Threat: somebody who can write the tables (a superuser with triggers off,
 * too) and would change, remove, add or move what has been recorded.  A seal
 * lists every event of a stretch of time and is authenticated, with the seal
 * before it, by a key derived from the key file.  The row of a chain says which
 * seals there are, so that neither its beginning nor its end can be cut off;
 * shared memory remembers the newest one, so that an old state cannot be put
 * back while the server runs.  Nothing here helps against somebody who reads
 * the key file, or against what is changed before it is sealed.
 *
 * A stretch is sealed only when nobody can add to it any more.  Every writer of
 * events locks audit_event before it reads the clock, and takes no time before
 * the floor in shared memory.  The worker raises the floor to a time T, then
 * notes who holds the lock: when these transactions have ended, no event before
 * T can come.  What waits in shared memory bounds T.  A prepared transaction
 * holds its lock under another name than before, so that any of these puts the
 * seal off.  Transactions of other databases hold no such lock, and a reader
 * puts off nothing.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "audit/audit.h"
#include "audit/audit_seal.h"
#include "audit/audit_seal_form.h"
#include "audit/throttle_event.h"
#include "keys/key_file.h"
#include "shmem/event_queue.h"
#include "tables/catalog.h"
#include "text/bytes.h"

#define INTERVAL_S 30
#define BUSY_S 5				/* until writers are looked at again */
#define IDLE_S (10 * 60)		/* a stretch without events is recorded no more often */

/* The time to be sealed up to, and who might still add events before it. */
static struct
{
	bool		noted;
	TimestampTz to;
	List	   *writers;
	MemoryContext context;
}			goal;

/* What shared memory will know once the transaction has committed. */
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

/* Does shared memory know of seals that the tables do not hold any more? */
static bool
is_rolled_back(const AuditChain *chain)
{
	NewestSeal	known;

	event_queue_sealed_get(&known);
	if (known.database != MyDatabaseId || known.table != catalog_table(TABLE_AUDIT_CHAIN))
		return false;
	return chain == NULL || memcmp(&chain->chain, &known.chain, UUID_LEN) != 0 || chain->last < known.last;
}

static void
begin_chain(AuditChain *chain, const AuditChain *before)
{
	NewestSeal	known;

	memset(chain, 0, sizeof(*chain));
	audit_new_id(&chain->chain);
	audit_seal_key_id(chain->key_id);
	chain->first = 1;
	chain->after_loss = is_rolled_back(before) || (before ? audit_chain_is_ours(before) : store_seal_any());
	event_queue_sealed_get(&known);
	if (before && !chain->after_loss)
		chain->started.at = Min(before->sealed.at, goal.to);
	else if (chain->after_loss)
		chain->started.at = known.at != 0 ? Min(known.at, goal.to) : goal.to;
	else
		chain->started.at = DT_NOBEGIN; /* whatever is older than the first event was put in later */
	chain->sealed = chain->started;
	if (chain->after_loss)
		ereport(WARNING,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("seals of the audit of djust_auth were removed or altered"),
				 errhint("See djust_auth.audit_verify().")));
}

/* The newest chain that verifies goes on, whatever forged rows stand before it; or a new one. */
static void
take_chain(AuditChain *chain)
{
	AuditChain	chains[CHAINS_MAX];
	int			n = store_chains_lock(chains);
	int			i = 0;

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
	ListCell   *cell;

	if (strncmp(writer, "-1/", 3) == 0)
		return true;
	foreach(cell, writers)
		if (strcmp(lfirst(cell), writer) == 0)
			return true;
	return false;
}

static void
note_goal(void)
{
	if (goal.context == NULL)
		goal.context = AllocSetContextCreate(TopMemoryContext, "djust_auth writers of events", ALLOCSET_SMALL_SIZES);
	MemoryContextReset(goal.context);
	goal.noted = false;
	goal.to = event_queue_raise_floor(GetCurrentTimestamp());
	goal.to = Min(goal.to, throttle_event_oldest());
	goal.writers = store_event_writers(goal.context);
	goal.noted = true;
}

/* Can nobody add an event before the goal any more? */
static bool
is_settled(void)
{
	ListCell   *cell;

	if (!goal.noted)
		note_goal();
	foreach(cell, store_event_writers(CurrentMemoryContext))
		if (is_still_writing(goal.writers, lfirst(cell)))
			return false;
	return true;
}

static void
seal_events(AuditChain *chain, const SealedEvent *events, int count, const EventKey *to)
{
	uint8_t    *members = palloc(SEAL_EVENTS * MEMBER_SIZE);
	AuditSeal	seal = {
		.chain = chain->chain, .number = chain->last + 1, .from = chain->sealed, .to = *to, .count = count
	};
	int			i;

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

/* True when there is more before the goal. */
static bool
seal_batch(AuditChain *chain)
{
	EventKey	to = {.at = goal.to};
	SealedEvent *events = palloc(EVENTS_AT_ONCE * sizeof(SealedEvent));
	int			n = store_events_read(CurrentMemoryContext, NULL, &chain->sealed, false, &to, events);

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
	AuditChain	chain;
	bool		more;

	sealed_changed = false;
	if (!is_settled())
		return now + BUSY_S * USECS_PER_SEC;
	take_chain(&chain);
	more = goal.to > chain.sealed.at && seal_batch(&chain);
	if (more)
		return 0;
	goal.noted = false;
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
 * Does the seal end by then, and by its MAC?  If so those before it do, too.  Otherwise somebody who puts back the end
 * that a row tells would have seals purged that are still needed, and with them what they cover.
 */
static bool
has_ended(const AuditChain *chain, int64 number, TimestampTz before)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "djust_auth seals", ALLOCSET_DEFAULT_SIZES);
	AuditSeal	seals[SEALS_AT_ONCE];
	uint8_t		mac[SHA256_SIZE];
	bool		ended = false;

	if (number > 0 && store_seals_read(context, NULL, &chain->chain, number - 1, seals) > 0)
	{
		audit_seal_mac(&seals[0], mac);
		ended = seals[0].number == number && seals[0].to.at <= before && bytes_equal(mac, seals[0].mac, SHA256_SIZE);
	}
	MemoryContextDelete(context);
	return ended;
}

/* Seals go when all their events do; of the oldest that is left a part may not be covered any more. */
static void
retire_seals(AuditChain *chain, TimestampTz before)
{
	bool		is_ours = audit_chain_is_ours(chain);
	bool		is_good = is_ours && audit_chain_is_good(chain);
	EventKey	start = {.at = before};
	int64		last;

	while (store_seals_ended(&chain->chain, before, &last) && (!is_ours || has_ended(chain, last, before)))
	{
		store_seals_retire(&chain->chain, last);
		chain->first = last + 1;
	}
	chain->started = start;
	if (event_key_cmp(&chain->sealed, &start) < 0)
		chain->sealed = start;
	/* what is known of a forged chain stays as it is */
	if (is_good)
		save_chain(chain);
}

/* Without the key file nothing that is covered can go. */
TimestampTz
audit_seal_retire(TimestampTz before)
{
	AuditChain	chains[CHAINS_MAX];
	TimestampTz limit = before;
	TimestampTz first;
	int			n;
	int			i;

	if (!store_event_first(&first) || first >= before)
		return before;
	n = store_chains_lock(chains);
	for (i = 0; i < n; i++)
	{
		AuditChain *chain = &chains[i];

		if (!key_file_audit_usable())
			limit = Min(limit, chain->started.at);
		else if (chain->sealed.at <= before &&
				 (audit_chain_is_ours(chain) ? i > 0 && audit_chain_is_good(chain) : true))
			store_chain_delete(&chain->chain);
		else if (chain->started.at < before)
			retire_seals(chain, before);
	}
	return limit;
}
