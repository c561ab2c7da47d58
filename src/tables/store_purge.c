/*
 * store_purge.c
 *		Owns writing audit events, saved locks and grants, and purging.
 *
 * The rules of store.c apply here too.
 */
#include "postgres.h"

#include "tables/store.h"
#include "tables/store_row.h"
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
#define DONE_OR_EXPIRED "LEAST(done_at, expires_at)"

#define NO_SUSPENSION "failures" LT "100 AND "
#define LOWEST_UUID "00000000-0000-0000-0000-000000000000"
#define LOWEST_INT8 "-9223372036854775808"

static struct
{
	StoreStatement statement;
	const char *lowest_id;
} purges[] = {
	[PURGE_SESSION] = {PURGE("session", "purge_at", "sid", "uuid", "expires_at" LT "$1", "", POSTPONE), LOWEST_UUID},
	[PURGE_RESET_TOKEN] = {PURGE("reset_token", "expires_at", "token_hash", "bytea", "true", "", ""), ""},
	[PURGE_MAIL_QUEUE] = {PURGE("mail_queue", DONE_OR_EXPIRED, "id", "int8", "true", "", ""), LOWEST_INT8},
	[PURGE_SIGNING_KEY] = {PURGE("signing_key", "verify_until", "kid", "text", "true", "", ""), ""},
	[PURGE_THROTTLE_LOCK] = {PURGE("throttle_lock", "saved_at", "tag", "bytea", "true", NO_SUSPENSION, ""), ""},
	[PURGE_AUDIT_EVENT] = {PURGE("audit_event", "at", "id", "uuid", "true", "", ""), LOWEST_UUID},
};

StaticAssertDecl(lengthof(purges) == PURGE_TABLES, "every table has a statement");

static Datum
detail_of(const AuditRow *row)
{
	return row->detail ? DirectFunctionCall1(jsonb_in, CStringGetDatum(row->detail)) : (Datum) 0;
}

static void
insert_by_statement(const AuditRow *row)
{
	static StoreStatement statement = {
		"INSERT INTO djust_auth.audit_event (id, at, event, user_id, sid, actor, client_address, detail)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		{UUIDOID, TIMESTAMPTZOID, TEXTOID, UUIDOID, UUIDOID, TEXTOID, INETOID, JSONBOID}};

	store_run(&statement,
			  ARGUMENTS(UUIDPGetDatum(&row->id),
						TimestampTzGetDatum(row->at),
						text_datum(row->event),
						UUIDPGetDatum(row->user_id),
						UUIDPGetDatum(row->sid),
						text_datum(row->actor),
						row->client_address,
						detail_of(row)));
}

void
store_audit_insert(const AuditRow *event)
{
	Row row = {0};

	row_set_uuid(&row, Anum_audit_event_id, &event->id);
	row_set_time(&row, Anum_audit_event_at, event->at);
	row_set_text(&row, Anum_audit_event_event, event->event);
	row_set_uuid(&row, Anum_audit_event_user_id, event->user_id);
	row_set_uuid(&row, Anum_audit_event_sid, event->sid);
	row_set_text(&row, Anum_audit_event_actor, event->actor);
	row_set(&row, Anum_audit_event_client_address, INETOID, event->client_address, event->client_address == (Datum) 0);
	row_set(&row, Anum_audit_event_detail, JSONBOID, detail_of(event), event->detail == NULL);
	if (!store_row_insert(TABLE_AUDIT_EVENT, &row))
		insert_by_statement(event);
}

void
store_audit_forget(ArrayType *user_ids)
{
	static StoreStatement statement = {
		"UPDATE djust_auth.audit_event SET client_address = NULL, detail = detail OPERATOR(pg_catalog.-) 'personal'"
		" WHERE user_id" EQ "ANY ($1) AND (client_address IS NOT NULL OR detail OPERATOR(pg_catalog.?) 'personal')",
		{UUIDARRAYOID},
		.by_index = true};

	store_run(&statement, ARGUMENTS(PointerGetDatum(user_ids)));
}

void
store_lock_save(const AccountTag *tag, int32 failures, TimestampTz allowed_at, TimestampTz at, const pg_uuid_t *user_id)
{
	static StoreStatement statement = {
		"INSERT INTO djust_auth.throttle_lock (tag, failures, allowed_at, saved_at, user_id)"
		" VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tag) DO UPDATE SET failures = excluded.failures,"
		" allowed_at = excluded.allowed_at, saved_at = excluded.saved_at, user_id = excluded.user_id",
		{BYTEAOID, INT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID, UUIDOID}};

	store_run(&statement,
			  ARGUMENTS(bytes_datum(tag->bytes, sizeof(tag->bytes)),
						Int32GetDatum(failures),
						TimestampTzGetDatum(allowed_at),
						TimestampTzGetDatum(at),
						UUIDPGetDatum(user_id)));
}

void
store_lock_delete(const AccountTag *tag)
{
	static StoreStatement statement = {"DELETE FROM djust_auth.throttle_lock WHERE tag" EQ "$1", {BYTEAOID}};

	store_run(&statement, ARGUMENTS(bytes_datum(tag->bytes, sizeof(tag->bytes))));
}

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

	if (catalog_pages(TABLE_SESSION_ENDED) == 0)
		return 0;
	rows = store_run(&delete_sessions, ARGUMENTS());
	store_run(&forget, ARGUMENTS());
	return rows;
}

void
store_grant(const char *statement)
{
	store_connect();
	if (SPI_execute(statement, false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "could not grant");
	store_finish();
}
