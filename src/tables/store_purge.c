/*
 * store_purge.c
 *		Owns the statements that delete expired rows.
 *
 * The rules of store_run.c apply here too.
 */
#include "postgres.h"

#include "tables/session_revoke.h"
#include "tables/store.h"
#include "tables/store_run.h"

/*
 * Deletes expired rows in the order of an index on (key, id), so that a purge reads only rows it deletes.  $1: rows
 * with an older key are due; $2, $3: only rows after this key and id; $4: limit.  Locked rows are left to the next
 * purge.  Index entries of deleted rows stay until a vacuum: starting after the last row keeps a batch from reading
 * those of earlier batches.
 */
#define PURGE(table, key, id, type, ended, which, then) \
	{ \
		"WITH due AS MATERIALIZED (SELECT ctid AS tid, " key " AS key, " id " AS id, " ended " AS ended" \
		" FROM djust_auth." table " WHERE " which key LT "$1 AND ROW(" key ", " id ")" GT \
		"ROW($2, $3::pg_catalog.text::pg_catalog." type ")" \
		" ORDER BY " key ", " id " LIMIT $4 FOR UPDATE SKIP LOCKED)," \
		" removed AS (DELETE FROM djust_auth." table " WHERE ctid" EQ \
		"ANY (ARRAY(SELECT tid FROM due WHERE ended)) RETURNING 1)" then \
		" SELECT (SELECT pg_catalog.count(*) FROM removed), (SELECT pg_catalog.count(*) FROM due)," \
		" key, id::pg_catalog.text" \
		" FROM due ORDER BY due.key DESC, due.id DESC LIMIT 1", \
			{TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTOID, INT4OID}, .by_index = true \
	}

/*
 * A refresh changes expires_at and, to stay a HOT update, no indexed column.  purge_at is therefore only the expiry at
 * the last check: if the session is still alive, purge_at moves to its present expiry.
 */
#define POSTPONE \
	", kept AS (UPDATE djust_auth.session SET purge_at = expires_at" \
	" WHERE ctid" EQ "ANY (ARRAY(SELECT tid FROM due WHERE NOT ended)))"
#define BEFORE_CUTOFF "created_at" LT "(SELECT created_before FROM djust_auth.session_cutoff) AND "
#define DONE_OR_EXPIRED "LEAST(done_at, expires_at)"

#define NO_SUSPENSION "failures" LT CppAsString2(THROTTLE_SUSPENDED_AT) " AND "
#define LOWEST_UUID "00000000-0000-0000-0000-000000000000"
#define LOWEST_INT8 "-9223372036854775808"

static struct
{
	StoreStatement statement;
	const char *lowest_id;
} purges[] = {
	[PURGE_CUTOFF] = {PURGE("session", "purge_at", "sid", "uuid", "true", BEFORE_CUTOFF, ""), LOWEST_UUID},
	[PURGE_SESSION] = {PURGE("session", "purge_at", "sid", "uuid", "expires_at" LT "$1", "", POSTPONE), LOWEST_UUID},
	[PURGE_RESET_TOKEN] = {PURGE("reset_token", "expires_at", "token_hash", "bytea", "true", "", ""), ""},
	[PURGE_MAIL_QUEUE] = {PURGE("mail_queue", DONE_OR_EXPIRED, "id", "int8", "true", "", ""), LOWEST_INT8},
	[PURGE_PENDING_EMAIL] = {PURGE("pending_email", "expires_at", "mail", "int8", "true", "", ""), LOWEST_INT8},
	[PURGE_EMAIL_LINK] = {PURGE("email_link", "expires_at", "token_hash", "bytea", "true", "", ""), ""},
	[PURGE_KNOWN_DEVICE] = {PURGE("known_device", "seen_at", "device", "bytea", "true", "", ""), ""},
	[PURGE_SIGNING_KEY] = {PURGE("signing_key", "verify_until", "kid", "text", "true", "", ""), ""},
	[PURGE_THROTTLE_LOCK] = {PURGE("throttle_lock", "saved_at", "tag", "bytea", "true", NO_SUSPENSION, ""), ""},
	[PURGE_AUDIT_EVENT] = {PURGE("audit_event", "at", "id", "uuid", "true", "", ""), LOWEST_UUID},
};

StaticAssertDecl(lengthof(purges) == PURGE_TABLES, "every table has a statement");

uint64
store_purge(PurgeTable table, TimestampTz before, int max, PurgeCursor *cursor)
{
	TimestampTz key = cursor->begun ? cursor->key : DT_NOBEGIN;
	const char *id = cursor->begun ? cursor->id : purges[table].lowest_id;
	int64 removed = 0;
	int64 seen = 0;

	if (store_query(
			&purges[table].statement,
			ARGUMENTS(TimestampTzGetDatum(before), TimestampTzGetDatum(key), text_datum(id), Int32GetDatum(max)),
			NULL) > 0)
	{
		removed = DatumGetInt64(store_value(0, 1, INT8OID));
		seen = DatumGetInt64(store_value(0, 2, INT8OID));
		cursor->begun = true;
		cursor->key = DatumGetTimestampTz(store_value(0, 3, TIMESTAMPTZOID));
		strlcpy(cursor->id, TextDatumGetCString(store_value(0, 4, TEXTOID)), sizeof(cursor->id));
	}
	store_finish();
	cursor->more = seen == max;
	return removed;
}

uint64
store_purge_ended(void)
{
	static StoreStatement delete_sessions = {
		"DELETE FROM djust_auth.session WHERE ctid" EQ "ANY (ARRAY(SELECT ctid FROM djust_auth.session"
		" WHERE sid" EQ "ANY (ARRAY(SELECT sid FROM djust_auth.session_ended)) FOR UPDATE SKIP LOCKED))",
		.by_index = true};
	static StoreStatement forget = {
		"DELETE FROM djust_auth.session_ended WHERE ctid" EQ "ANY (ARRAY(SELECT e.ctid FROM djust_auth.session_ended e"
		" WHERE NOT EXISTS (SELECT FROM djust_auth.session s WHERE s.sid" EQ "e.sid) FOR UPDATE SKIP LOCKED))",
		.by_index = true};
	uint64 rows;

	if (!session_revoke_may_have_entries())
		return 0;
	rows = store_run(&delete_sessions, ARGUMENTS());
	store_run(&forget, ARGUMENTS());
	return rows;
}
