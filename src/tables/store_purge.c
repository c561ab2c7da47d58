/*
 * store_purge.c
 *		Owns writing audit events, saved locks and grants, and purging.
 *
 * The rules of store.c apply here too.
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "tables/store.h"
#include "tables/store_row.h"
#include "tables/store_run.h"

typedef enum Statement
{
	AUDIT_INSERT,
	AUDIT_FORGET,
	LOCK_SAVE,
	LOCK_DELETE,
	ENDED_DELETE,
	ENDED_FORGET,
	FIRST_PURGE,
	STATEMENTS = FIRST_PURGE + PURGE_TABLES
} Statement;

/*
 * Deletes expired rows in the order of an index on (key, id), so that a purge reads only rows it deletes.  $1: rows
 * with an older key are due; $2, $3: only rows after this key and id; $4: limit.  Locked rows are left to the next
 * purge.  Index entries of deleted rows stay until a vacuum: starting after the last row keeps a batch from reading
 * those of earlier batches.
 */
#define PURGE(table, key, id, type, ended, which, then) \
	{ \
		"WITH due AS MATERIALIZED (SELECT ctid AS place, " key " AS key, " id " AS id, " ended " AS ended" \
		" FROM djust_auth." table " WHERE " which key LT "$1 AND ROW(" key ", " id ")" GT \
		"ROW($2, $3::pg_catalog.text::pg_catalog." type ")" \
		" ORDER BY " key ", " id " LIMIT $4 FOR UPDATE SKIP LOCKED)," \
		" removed AS (DELETE FROM djust_auth." table " WHERE ctid" EQ \
		"ANY (ARRAY(SELECT place FROM due WHERE ended)) RETURNING 1)" then \
		" SELECT (SELECT pg_catalog.count(*) FROM removed), (SELECT pg_catalog.count(*) FROM due)," \
		" key, id::pg_catalog.text" \
		" FROM due ORDER BY due.key DESC, due.id DESC LIMIT 1", \
			4, {TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTOID, INT4OID}, true \
	}

/*
 * A refresh changes expires_at and, to stay a HOT update, no indexed column.  purge_at is therefore only the expiry at
 * the last check: if the session is still alive, purge_at moves to its present expiry.
 */
#define POSTPONE \
	", kept AS (UPDATE djust_auth.session SET purge_at = expires_at" \
	" WHERE ctid" EQ "ANY (ARRAY(SELECT place FROM due WHERE NOT ended)))"
#define DONE_OR_EXPIRED "LEAST(done_at, expires_at)"

static StoreStatement statements[] = {
	[AUDIT_INSERT] = {"INSERT INTO djust_auth.audit_event (id, at, event, user_id, sid, actor, client_address, detail)"
					  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
					  8,
					  {UUIDOID, TIMESTAMPTZOID, TEXTOID, UUIDOID, UUIDOID, TEXTOID, INETOID, JSONBOID}},
	[AUDIT_FORGET] = {"UPDATE djust_auth.audit_event SET client_address = NULL,"
					  " detail = detail OPERATOR(pg_catalog.-) 'personal'"
					  " WHERE user_id" EQ
					  "ANY ($1) AND (client_address IS NOT NULL OR detail OPERATOR(pg_catalog.?) 'personal')",
					  1,
					  {UUIDARRAYOID},
					  .by_index = true},
	[LOCK_SAVE] =
		{"INSERT INTO djust_auth.throttle_lock (tag, failures, allowed_at, saved_at, user_id) VALUES ($1, $2, $3, "
		 "$4, $5)"
		 " ON CONFLICT (tag) DO UPDATE SET failures = excluded.failures, allowed_at = excluded.allowed_at,"
		 " saved_at = excluded.saved_at, user_id = excluded.user_id",
		 5,
		 {BYTEAOID, INT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID, UUIDOID}},
	[LOCK_DELETE] = {"DELETE FROM djust_auth.throttle_lock WHERE tag" EQ "$1", 1, {BYTEAOID}},
	[ENDED_DELETE] = {"DELETE FROM djust_auth.session WHERE ctid" EQ "ANY (ARRAY(SELECT ctid FROM djust_auth.session"
					  " WHERE sid" EQ "ANY (ARRAY(SELECT sid FROM djust_auth.session_ended)) FOR UPDATE SKIP LOCKED))",
					  0,
					  {0},
					  true},
	[ENDED_FORGET] = {"DELETE FROM djust_auth.session_ended WHERE ctid" EQ
					  "ANY (ARRAY(SELECT e.ctid FROM djust_auth.session_ended e"
					  " WHERE NOT EXISTS (SELECT FROM djust_auth.session s WHERE s.sid" EQ
					  "e.sid) FOR UPDATE SKIP LOCKED))",
					  0,
					  {0},
					  true},
	[FIRST_PURGE + PURGE_SESSION] = PURGE("session", "purge_at", "sid", "uuid", "expires_at" LT "$1", "", POSTPONE),
	[FIRST_PURGE + PURGE_RESET_TOKEN] = PURGE("reset_token", "expires_at", "token_hash", "bytea", "true", "", ""),
	[FIRST_PURGE + PURGE_MAIL_QUEUE] = PURGE("mail_queue", DONE_OR_EXPIRED, "id", "int8", "true", "", ""),
	[FIRST_PURGE + PURGE_SIGNING_KEY] = PURGE("signing_key", "verify_until", "kid", "text", "true", "", ""),
	[FIRST_PURGE + PURGE_THROTTLE_LOCK] =
		PURGE("throttle_lock", "saved_at", "tag", "bytea", "true", "failures" LT "100 AND ", ""),
	[FIRST_PURGE + PURGE_AUDIT_EVENT] = PURGE("audit_event", "at", "id", "uuid", "true", "", ""),
};

StaticAssertDecl(lengthof(statements) == STATEMENTS, "every statement has a text");

/* The lowest id of each type. */
static const char *const first_ids[] = {
	[PURGE_SESSION] = "00000000-0000-0000-0000-000000000000",
	[PURGE_RESET_TOKEN] = "",
	[PURGE_MAIL_QUEUE] = "-9223372036854775808",
	[PURGE_SIGNING_KEY] = "",
	[PURGE_THROTTLE_LOCK] = "",
	[PURGE_AUDIT_EVENT] = "00000000-0000-0000-0000-000000000000",
};

StaticAssertDecl(lengthof(first_ids) == PURGE_TABLES, "every table has a first id");

static Datum
detail_of(const AuditRow *row)
{
	return row->detail ? DirectFunctionCall1(jsonb_in, CStringGetDatum(row->detail)) : (Datum) 0;
}

static void
insert_by_statement(const AuditRow *row)
{
	Call call = {0};

	put_uuid(&call, &row->id);
	put_time(&call, row->at);
	put_text(&call, row->event);
	put_uuid(&call, row->user_id);
	put_uuid(&call, row->sid);
	put_text(&call, row->actor);
	put(&call, row->client_address, row->client_address == (Datum) 0);
	put(&call, detail_of(row), row->detail == NULL);
	store_run(&statements[AUDIT_INSERT], &call);
}

void
store_audit_insert(const AuditRow *event)
{
	Row row = {0};

	give_uuid(&row, Anum_audit_event_id, &event->id);
	give_time(&row, Anum_audit_event_at, event->at);
	give_text(&row, Anum_audit_event_event, event->event);
	give_uuid(&row, Anum_audit_event_user_id, event->user_id);
	give_uuid(&row, Anum_audit_event_sid, event->sid);
	give_text(&row, Anum_audit_event_actor, event->actor);
	give(&row, Anum_audit_event_client_address, INETOID, event->client_address, event->client_address == (Datum) 0);
	give(&row, Anum_audit_event_detail, JSONBOID, detail_of(event), event->detail == NULL);
	if (!row_insert(TABLE_AUDIT_EVENT, &row))
		insert_by_statement(event);
}

void
store_audit_forget(ArrayType *user_ids)
{
	Call call = {0};

	put(&call, PointerGetDatum(user_ids), false);
	store_run(&statements[AUDIT_FORGET], &call);
}

void
store_lock_save(const uint8_t *tag, size_t size, int32 failures, TimestampTz allowed_at, TimestampTz at,
				const pg_uuid_t *user_id)
{
	Call call = {0};

	put_bytes(&call, tag, size);
	put_int(&call, failures);
	put_time(&call, allowed_at);
	put_time(&call, at);
	put_uuid(&call, user_id);
	store_run(&statements[LOCK_SAVE], &call);
}

void
store_lock_delete(const uint8_t *tag, size_t size)
{
	Call call = {0};

	put_bytes(&call, tag, size);
	store_run(&statements[LOCK_DELETE], &call);
}

uint64
store_purge(PurgeTable table, TimestampTz before, int max, PurgeCursor *cursor)
{
	Call call = {0};
	int64 removed = 0;
	int64 seen = 0;

	put_time(&call, before);
	put_time(&call, cursor->begun ? cursor->key : DT_NOBEGIN);
	put_text(&call, cursor->begun ? cursor->id : first_ids[table]);
	put_int(&call, max);
	store_connect();
	if (store_execute(&statements[FIRST_PURGE + table], &call) > 0)
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
	Call call = {0};
	uint64 rows;

	if (catalog_pages(TABLE_SESSION_ENDED) == 0)
		return 0;
	rows = store_run(&statements[ENDED_DELETE], &call);
	store_run(&statements[ENDED_FORGET], &call);
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
