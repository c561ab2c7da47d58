/*
 * audit.c
 *		Owns the writing of audit events.
 *
 * Takes no password, token or plain-text address: an unknown account is
 * identified by its keyed tag.
 *
 * Threat: learning from WAL volume or replication lag which addresses have
 * accounts.  A refused password writes one row and its index entries, of the
 * same total size for known and unknown addresses and for every cause: detail
 * is padded.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/timestamp.h"

#include "audit/audit.h"
#include "audit/audit_seal_form.h"
#include "audit/throttle_event.h"
#include "http/postgrest.h"
#include "keys/key_file_check.h"
#include "server/uuid.h"
#include "shmem/counters.h"
#include "tables/catalog.h"
#include "tables/datum.h"
#include "tables/store.h"

/* In bytes; shorter causes are padded. */
#define LONGEST_CAUSE 14

/* Subobject number of the lock on audit_event that the worker holds while it writes queued events. */
#define QUEUED_WRITING 1

static const char *const events[] = {"refresh",
									 "login",
									 "login_failed",
									 "throttled",
									 "refresh_reuse",
									 "logout",
									 "reset_requested",
									 "mail_sent",
									 "mail_failed",
									 "reset_confirmed",
									 "password_changed",
									 "signed_up",
									 "email_changed",
									 "administration"};

bool
audit_is_event(Slice name)
{
	int i;

	for (i = 0; i < lengthof(events); i++)
		if (slice_equal(slice_of(events[i]), name))
			return true;
	return false;
}

/*
 * Raises the floor to the newest seal, so that a clock set back while the server was down dates no event before it.
 * Only chains that verify count: a forged one could date all events to come.
 */
static void
load_floor(void)
{
	AuditChain chains[CHAINS_MAX];
	TimestampTz floor = 1;
	int n;

	if (!event_queue_served() || event_queue_floor_known() || !key_file_matches())
		return;
	for (n = store_chains_read(NULL, chains); n > 0; n--)
		if (audit_chain_is_ours(&chains[n - 1]) && audit_chain_is_good(&chains[n - 1]))
			floor = Max(floor, chains[n - 1].sealed.at);
	event_queue_raise_floor(floor);
}

/* The lock must precede reading the clock; see audit_seal.c. */
static void
write_event(AuditRow *row)
{
	load_floor();
	LockRelationOid(catalog_table(TABLE_AUDIT_EVENT), RowExclusiveLock);
	uuid_new_v7(&row->id);
	row->at = event_queue_now();
	row->actor = GetUserNameFromId(GetSessionUserId(), true);
	row->client_address = postgrest_client_address();
	store_audit_insert(row);
}

void
audit_event(const char *event, const pg_uuid_t *user_id, const pg_uuid_t *sid, const char *detail)
{
	AuditRow row = {.event = event, .user_id = user_id, .sid = sid, .detail = detail};

	write_event(&row);
}

/* Fills in everything but detail. */
static void
describe_event(QueuedEvent *row, const char *event, const pg_uuid_t *user_id, const pg_uuid_t *sid)
{
	const char *actor = GetUserNameFromId(GetSessionUserId(), true);
	Datum address = postgrest_client_address();

	Assert(strlen(event) < EVENT_QUEUE_EVENT_MAX);
	load_floor();
	memset(row, 0, sizeof(*row));
	uuid_new_v7(&row->id);
	row->has_user = user_id != NULL;
	if (user_id)
		row->user_id = *user_id;
	row->has_sid = sid != NULL;
	if (sid)
		row->sid = *sid;
	strlcpy(row->event, event, EVENT_QUEUE_EVENT_MAX);
	strlcpy(row->actor, actor ? actor : "", NAMEDATALEN);
	if (address != (Datum) 0 && VARSIZE_ANY_EXHDR(DatumGetPointer(address)) <= EVENT_QUEUE_ADDRESS_MAX)
	{
		row->address_size = VARSIZE_ANY_EXHDR(DatumGetPointer(address));
		memcpy(row->address, VARDATA_ANY(DatumGetPointer(address)), row->address_size);
	}
}

static void
enqueue_or_write(const QueuedEvent *event, int kept)
{
	QueueEntry entry = {.kind = EVENT_QUEUE_EVENT, .u.event = *event};

	if (!event_queue_served())
	{
		entry.at = GetCurrentTimestamp();
		audit_write(&entry);
	}
	else if (event_queue_put(&entry, kept) == 0)
		counter_add(COUNT_AUDIT_LOST, 1);
}

void
audit_event_autonomous(const char *event, const pg_uuid_t *user_id, const pg_uuid_t *sid, const char *detail)
{
	QueuedEvent row;

	Assert(detail == NULL || strlen(detail) < EVENT_QUEUE_DETAIL_MAX);
	describe_event(&row, event, user_id, sid);
	strlcpy(row.detail, detail ? detail : "", EVENT_QUEUE_DETAIL_MAX);
	enqueue_or_write(&row, EVENT_QUEUE_KEPT_FOR_LOCKS);
}

void
audit_login_failed(const pg_uuid_t *user_id, const AccountTag *tag, const char *cause)
{
	char account[ACCOUNT_TAG_HEX_SIZE];
	QueuedEvent row;

	Assert(strlen(cause) <= LONGEST_CAUSE);
	account_tag_hex(tag, account);
	describe_event(&row, "login_failed", user_id, NULL);
	snprintf(row.detail,
			 sizeof(row.detail),
			 "{\"cause\": \"%s\", \"account\": \"%s\", \"pad\": \"%*s\"}",
			 cause,
			 account,
			 (int) (LONGEST_CAUSE - strlen(cause)) + AUDIT_PAD(user_id != NULL),
			 "");
	enqueue_or_write(&row, EVENT_QUEUE_KEPT_FOR_LOCKS);
}

void
audit_throttled(const pg_uuid_t *user_id, const AccountTag *tag)
{
	uint32_t attempts;
	QueuedEvent row;

	describe_event(&row, "throttled", user_id, NULL);
	attempts = throttle_event_count(tag, &row, event_queue_served());
	if (attempts == 0)
		return;
	throttle_event_detail(tag, user_id != NULL, attempts, row.detail);
	enqueue_or_write(&row, EVENT_QUEUE_KEPT_FOR_FAILURES);
}

/* Waits for the worker to commit events it is writing; it then finds the user deleted. */
void
audit_forget(ArrayType *user_ids)
{
	Oid table = catalog_table(TABLE_AUDIT_EVENT);

	LockDatabaseObject(RelationRelationId, table, QUEUED_WRITING, ExclusiveLock);
	UnlockDatabaseObject(RelationRelationId, table, QUEUED_WRITING, ExclusiveLock);
	store_audit_forget(user_ids);
}

/*
 * False if the user was deleted since the event was queued: the client address is personal data.  The lock is held
 * until the transaction ends, so a later deletion waits and finds the event.  Locking the user's row instead would
 * write WAL for known addresses only; nor may locks and statistics show that an event has no user.
 */
static bool
may_keep_address(const QueuedEvent *event)
{
	Oid table = catalog_table(TABLE_AUDIT_EVENT);

	if (!event_queue_in_worker())
		return true;
	/* first the lock that others may hold for long: a deletion must not wait for a waiting worker */
	LockRelationOid(table, RowExclusiveLock);
	LockDatabaseObject(RelationRelationId, table, QUEUED_WRITING, ShareLock);
	return catalog_user_stays(&event->user_id) || !event->has_user;
}

void
audit_write(const QueueEntry *entry)
{
	const QueuedEvent *event = &entry->u.event;
	AuditRow row = {.id = event->id, .at = entry->at, .event = event->event};

	/* No name: the role was dropped while logged in. */
	if (event->actor[0] != '\0')
		row.actor = event->actor;
	if (event->has_user)
		row.user_id = &event->user_id;
	if (event->has_sid)
		row.sid = &event->sid;
	if (event->detail[0] != '\0')
		row.detail = event->detail;
	if (event->address_size > 0 && may_keep_address(event))
		row.client_address = bytes_datum(event->address, event->address_size);
	store_audit_insert(&row);
}
