/*
 * store_email.c
 *		Owns the statements on addresses that wait to be confirmed, and on their
 *		links.
 *
 * The rules of store_run.c apply here too.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/lock.h"

#include "tables/store.h"
#include "tables/store_run.h"

#define PENDING_COLUMNS \
	"p.mail, p.kind, p.user_id, p.sid, p.address, p.account, p.password_hash, p.locale, p.store, p.expires_at"

/* Queues the mail in the same statement, as the two have one id. */
void
store_pending_insert(const char *mail_kind, const PendingEmail *pending, TimestampTz now)
{
	static StoreStatement statement = {
		"WITH queued AS (INSERT INTO djust_auth.mail_queue (kind, user_id, address, created_at, expires_at,"
		" next_attempt_at, store) VALUES ($1, $2, $3, $4, $5, $4, $11) RETURNING id)"
		" INSERT INTO djust_auth.pending_email (mail, kind, user_id, sid, address, account, password_hash, locale,"
		" store, created_at, expires_at) SELECT q.id, $6, $2, $7, $3, $8, $9, $10, $11, $4, $5 FROM queued q",
		{TEXTOID,
		 UUIDOID,
		 BYTEAOID,
		 TIMESTAMPTZOID,
		 TIMESTAMPTZOID,
		 TEXTOID,
		 UUIDOID,
		 BYTEAOID,
		 TEXTOID,
		 TEXTOID,
		 TEXTOID}};

	store_run(&statement,
			  ARGUMENTS(text_datum(mail_kind),
						UUIDPGetDatum(pending->has_user ? &pending->user_id : NULL),
						PointerGetDatum(pending->address),
						TimestampTzGetDatum(now),
						TimestampTzGetDatum(pending->expires_at),
						text_datum(pending->kind),
						UUIDPGetDatum(pending->has_sid ? &pending->sid : NULL),
						bytes_datum(pending->account.bytes, sizeof(pending->account.bytes)),
						text_datum(pending->password_hash),
						text_datum(pending->locale),
						text_datum(pending->store)));
}

static bool
uuid_or_none(int number, pg_uuid_t *id)
{
	bool is_null;
	Datum value = store_column(0, number, UUIDOID, &is_null);

	if (!is_null)
		*id = *DatumGetUUIDP(value);
	return !is_null;
}

/* Of a statement that returns PENDING_COLUMNS. */
static bool
read_pending(StoreStatement *statement, Arguments arguments, PendingEmail *pending)
{
	bool found = store_query(statement, arguments, NULL) > 0;

	if (found)
	{
		pending->mail = DatumGetInt64(store_value(0, 1, INT8OID));
		pending->kind = TextDatumGetCString(store_value(0, 2, TEXTOID));
		pending->has_user = uuid_or_none(3, &pending->user_id);
		pending->has_sid = uuid_or_none(4, &pending->sid);
		pending->address = DatumGetByteaPCopy(store_value(0, 5, BYTEAOID));
		datum_bytes(store_value(0, 6, BYTEAOID), pending->account.bytes, sizeof(pending->account.bytes));
		pending->password_hash = store_text_or_null(0, 7);
		pending->locale = store_text_or_null(0, 8);
		pending->store = store_text_or_null(0, 9);
		pending->expires_at = DatumGetTimestampTz(store_value(0, 10, TIMESTAMPTZOID));
	}
	store_finish();
	return found;
}

bool
store_pending_of_mail(int64 mail, PendingEmail *pending)
{
	static StoreStatement statement = {"SELECT " PENDING_COLUMNS " FROM djust_auth.pending_email p WHERE p.mail" EQ
									   "$1 AND p.kind" NE "'ended'",
									   {INT8OID}};

	return read_pending(&statement, ARGUMENTS(Int64GetDatum(mail)), pending);
}

List *
store_pending_of_user(const pg_uuid_t *user_id)
{
	static StoreStatement statement = {"SELECT mail, address FROM djust_auth.pending_email WHERE user_id" EQ "$1",
									   {UUIDOID}};
	uint64 rows = store_query(&statement, ARGUMENTS(UUIDPGetDatum(user_id)), NULL);
	List *found = NIL;
	uint64 i;

	for (i = 0; i < rows; i++)
	{
		QueuedMail *mail = palloc0(sizeof(QueuedMail));

		mail->id = DatumGetInt64(store_value(i, 1, INT8OID));
		mail->address = DatumGetByteaPCopy(store_value(i, 2, BYTEAOID));
		found = lappend(found, mail);
	}
	store_finish();
	return found;
}

bool
store_pending_of_link(const uint8_t *hash, TimestampTz now, PendingEmail *pending)
{
	static StoreStatement statement = {
		"SELECT " PENDING_COLUMNS " FROM djust_auth.email_link l JOIN djust_auth.pending_email p ON p.mail" EQ "l.mail"
		" WHERE l.token_hash" EQ "$1 AND p.expires_at" GT "$2 AND p.kind" NE "'ended'",
		{BYTEAOID, TIMESTAMPTZOID}};

	return read_pending(&statement, ARGUMENTS(bytes_datum(hash, SHA256_SIZE), TimestampTzGetDatum(now)), pending);
}

bool
store_pending_lock_at_once(int64 mail)
{
	static StoreStatement statement = {
		"SELECT 1 FROM djust_auth.pending_email WHERE mail" EQ "$1 FOR UPDATE SKIP LOCKED", {INT8OID}};

	return store_run(&statement, ARGUMENTS(Int64GetDatum(mail))) > 0;
}

/*
 * By few locks, so that a claim of many mails does not fill the server's table of them; two addresses that share one
 * cost a retry.  The class is none of those that SQL functions use.
 */
#define PACE_LOCKS 1024
#define PACE_LOCK_CLASS 0x646a

bool
store_pending_pace_at_once(const PendingEmail *pending)
{
	LOCKTAG tag;

	SET_LOCKTAG_ADVISORY(tag,
						 MyDatabaseId,
						 0,
						 (pending->account.bytes[0] << 8 | pending->account.bytes[1]) % PACE_LOCKS,
						 PACE_LOCK_CLASS);
	return LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL;
}

bool
store_pending_admit(const PendingEmail *pending, TimestampTz now)
{
	static StoreStatement statement = {
		"UPDATE djust_auth.pending_email SET mailed_at = coalesce(mailed_at, $3) WHERE mail" EQ
		"$1 AND (mailed_at IS NOT NULL OR (SELECT pg_catalog.count(*)" LT "5 AND pg_catalog.max(o.mailed_at)" LE
		"$4 IS NOT FALSE FROM djust_auth.pending_email o WHERE o.account" EQ "$2 AND o.mailed_at" GT
		"$5 AND o.mailed_at" LE "$3))",
		{INT8OID, BYTEAOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID}};

	return store_run(&statement,
					 ARGUMENTS(Int64GetDatum(pending->mail),
							   bytes_datum(pending->account.bytes, sizeof(pending->account.bytes)),
							   TimestampTzGetDatum(now),
							   TimestampTzGetDatum(now - SECS_PER_MINUTE * USECS_PER_SEC),
							   TimestampTzGetDatum(now - SECS_PER_HOUR * USECS_PER_SEC))) > 0;
}

/* Ended rows stay for an hour, as the pace of mails counts them. */
#define END \
	"UPDATE djust_auth.pending_email SET kind = 'ended', password_hash = NULL," \
	" expires_at = pg_catalog.clock_timestamp() OPERATOR(pg_catalog.+) '1 hour'::pg_catalog.interval WHERE "

bool
store_pending_take(int64 mail)
{
	static StoreStatement statement = {END "mail" EQ "$1 AND kind" NE "'ended'", {INT8OID}};

	return store_run(&statement, ARGUMENTS(Int64GetDatum(mail))) > 0;
}

void
store_pending_delete(int64 mail)
{
	static StoreStatement statement = {"DELETE FROM djust_auth.pending_email WHERE mail" EQ "$1", {INT8OID}};

	store_run(&statement, ARGUMENTS(Int64GetDatum(mail)));
}

void
store_pending_end_changes(ArrayType *user_ids)
{
	static StoreStatement statement = {
		END "user_id" EQ "ANY ($1) AND kind" EQ "'change'", {UUIDARRAYOID}, .by_index = true};

	if (catalog_has(TABLE_PENDING_EMAIL))
		store_run(&statement, ARGUMENTS(PointerGetDatum(user_ids)));
}

/* Ids of mails grow, and these are made under the user's lock. */
void
store_pending_delete_reverts(const pg_uuid_t *user_id, int64 after_mail)
{
	static StoreStatement statement = {"DELETE FROM djust_auth.pending_email WHERE user_id" EQ "$1 AND kind" EQ
									   "'revert' AND mail" GT "$2",
									   {UUIDOID, INT8OID}};

	store_run(&statement, ARGUMENTS(UUIDPGetDatum(user_id), Int64GetDatum(after_mail)));
}

void
store_pending_forget(const pg_uuid_t *user_id, const AccountTag *account)
{
	static StoreStatement statement = {"WITH gone AS (DELETE FROM djust_auth.pending_email WHERE user_id" EQ
									   "$1 OR user_id IS NULL AND account" EQ "$2 RETURNING mail)"
									   " DELETE FROM djust_auth.mail_queue WHERE id" EQ
									   "ANY (ARRAY(SELECT mail FROM gone))",
									   {UUIDOID, BYTEAOID}};

	if (catalog_has(TABLE_PENDING_EMAIL))
		store_run(&statement, ARGUMENTS(UUIDPGetDatum(user_id), bytes_datum(account->bytes, sizeof(account->bytes))));
}

uint64
store_pending_delete_all(void)
{
	static StoreStatement statement = {"DELETE FROM djust_auth.pending_email"};

	return catalog_has(TABLE_PENDING_EMAIL) ? store_run(&statement, ARGUMENTS()) : 0;
}

void
store_email_link_insert(const uint8_t *hash, const PendingEmail *pending, TimestampTz now)
{
	static StoreStatement statement = {
		"INSERT INTO djust_auth.email_link (token_hash, mail, created_at, expires_at) VALUES ($1, $2, $3, $4)",
		{BYTEAOID, INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID}};

	store_run(&statement,
			  ARGUMENTS(bytes_datum(hash, SHA256_SIZE),
						Int64GetDatum(pending->mail),
						TimestampTzGetDatum(now),
						TimestampTzGetDatum(pending->expires_at)));
}

int
store_email_link_shard(const uint8_t *hash, TimestampTz now)
{
	static StoreStatement statement = {
		"SELECT pg_catalog.max(l.shard) FROM djust_auth.email_link l WHERE l.token_hash" EQ "$1 AND l.expires_at" GT
		"$2",
		{BYTEAOID, TIMESTAMPTZOID}};
	bool is_null;
	Datum shard = store_run_value(
		&statement, ARGUMENTS(bytes_datum(hash, SHA256_SIZE), TimestampTzGetDatum(now)), INT4OID, &is_null);

	return is_null ? -1 : DatumGetInt32(shard);
}
