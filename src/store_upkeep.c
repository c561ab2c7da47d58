/*
 * store_upkeep.c
 *		Owns writing: audit events, saved locks, purging, grants.
 *
 * The rules of store.c hold here too.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "storage/itemptr.h"

#include "store.h"
#include "store_row.h"
#include "store_run.h"

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
 * $1: what is older goes; $2: how many rows; $3, $4: from which page on, up to which.  Pages in place of an index, which
 * would make every refresh of a session write into it.  Rows that somebody holds are left to the next purge.
 */
#define PURGE(table, where) \
	{"DELETE FROM djust_auth." table " WHERE ctid" EQ "ANY (ARRAY(SELECT ctid FROM djust_auth." table \
	" WHERE " where " LIMIT $2 FOR UPDATE SKIP LOCKED))", 4, {TIMESTAMPTZOID, INT4OID, TIDOID, TIDOID}, true}
#define PAGES "ctid" GE "$3 AND ctid" LT "$4 AND "

static StoreStatement statements[] = {
	[AUDIT_INSERT] = {
		"INSERT INTO djust_auth.audit_event (id, at, event, user_id, sid, actor, client_address, detail)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		8, {UUIDOID, TIMESTAMPTZOID, TEXTOID, UUIDOID, UUIDOID, TEXTOID, INETOID, JSONBOID}},
	[AUDIT_FORGET] = {
		"UPDATE djust_auth.audit_event SET client_address = NULL WHERE user_id" EQ "$1 AND client_address IS NOT NULL",
		1, {UUIDOID}},
	[LOCK_SAVE] = {
		"INSERT INTO djust_auth.throttle_lock (tag, failures, allowed_at, saved_at) VALUES ($1, $2, $3, $4)"
		" ON CONFLICT (tag) DO UPDATE SET failures = excluded.failures, allowed_at = excluded.allowed_at,"
		" saved_at = excluded.saved_at",
		4, {BYTEAOID, INT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID}},
	[LOCK_DELETE] = {
		"DELETE FROM djust_auth.throttle_lock WHERE tag" EQ "$1",
		1, {BYTEAOID}},
	[ENDED_DELETE] = {
		"DELETE FROM djust_auth.session WHERE ctid" EQ "ANY (ARRAY(SELECT ctid FROM djust_auth.session"
		" WHERE sid" EQ "ANY (ARRAY(SELECT sid FROM djust_auth.session_ended)) FOR UPDATE SKIP LOCKED))",
		0, {0}, true},
	[ENDED_FORGET] = {
		"DELETE FROM djust_auth.session_ended WHERE ctid" EQ "ANY (ARRAY(SELECT e.ctid FROM djust_auth.session_ended e"
		" WHERE NOT EXISTS (SELECT FROM djust_auth.session s WHERE s.sid" EQ "e.sid) FOR UPDATE SKIP LOCKED))",
		0, {0}, true},
	[FIRST_PURGE + PURGE_SESSION] = PURGE("session", PAGES "expires_at" LT "$1"),
	[FIRST_PURGE + PURGE_RESET_TOKEN] = PURGE("reset_token", PAGES "expires_at" LT "$1"),
	[FIRST_PURGE + PURGE_MAIL_QUEUE] = PURGE("mail_queue", PAGES "(done_at IS NOT NULL OR expires_at" LT "$1)"),
	[FIRST_PURGE + PURGE_SIGNING_KEY] = PURGE("signing_key", PAGES "verify_until" LT "$1"),
	[FIRST_PURGE + PURGE_THROTTLE_LOCK] = PURGE("throttle_lock", PAGES "saved_at" LT "$1 AND failures" LT "100"),
	[FIRST_PURGE + PURGE_AUDIT_EVENT] = PURGE("audit_event", "at" LT "$1"),
};

StaticAssertDecl(lengthof(statements) == STATEMENTS, "every statement has a text");

static Datum
detail_of(const AuditRow *row)
{
	return row->detail ? DirectFunctionCall1(jsonb_in, CStringGetDatum(row->detail)) : (Datum) 0;
}

static void
insert_by_statement(const AuditRow *row)
{
	Call		call = {0};

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
	Row			row = {0};

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
store_audit_forget(const pg_uuid_t *user_id)
{
	Call		call = {0};

	put_uuid(&call, user_id);
	store_run(&statements[AUDIT_FORGET], &call);
}

void
store_lock_save(const uint8_t *tag, size_t size, int32 failures, TimestampTz allowed_at, TimestampTz at)
{
	Call		call = {0};

	put_bytes(&call, tag, size);
	put_int(&call, failures);
	put_time(&call, allowed_at);
	put_time(&call, at);
	store_run(&statements[LOCK_SAVE], &call);
}

void
store_lock_delete(const uint8_t *tag, size_t size)
{
	Call		call = {0};

	put_bytes(&call, tag, size);
	store_run(&statements[LOCK_DELETE], &call);
}

uint64
store_purge(PurgeTable table, TimestampTz before, uint32 first_page, uint32 end_page, int max)
{
	ItemPointerData first;
	ItemPointerData end;
	Call		call = {0};

	ItemPointerSet(&first, first_page, 0);
	ItemPointerSet(&end, end_page, 0);
	put_time(&call, before);
	put_int(&call, max);
	put(&call, PointerGetDatum(&first), false);
	put(&call, PointerGetDatum(&end), false);
	return store_run(&statements[FIRST_PURGE + table], &call);
}

uint64
store_purge_ended(void)
{
	Call		call = {0};
	uint64		rows;

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
