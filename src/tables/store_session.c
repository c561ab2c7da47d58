/*
 * store_session.c
 *		Owns writing sessions.
 *
 * The rules of store_run.c apply here too.
 */
#include "postgres.h"

#include "tables/session_revoke.h"
#include "tables/store.h"
#include "tables/store_row.h"
#include "tables/store_run.h"

/* The trigger that lowers purge_at to a new, earlier expires_at. */
#define PURGE_TRIGGER "djust_purge_at"

/* See read_access() in catalog_session.c. */
static Datum
access_datum(const uint8_t hash[SHA256_SIZE], const char *actor)
{
	uint8_t value[SHA256_SIZE + NAMEDATALEN];
	size_t n = actor ? strnlen(actor, NAMEDATALEN) : 0;

	memcpy(value, hash, SHA256_SIZE);
	memcpy(value + SHA256_SIZE, actor ? actor : "", n);
	return bytes_datum(value, SHA256_SIZE + n);
}

void
store_session_insert(const SessionRow *session, Datum client_address, const char *user_agent)
{
	static StoreStatement statement = {
		"INSERT INTO djust_auth.session (sid, user_id, created_at, refreshed_at, expires_at, access_expires_at, "
		"generation, access_hash, profiles, client_address, user_agent, purge_at)"
		" VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, $9, $10, $5)",
		{UUIDOID,
		 UUIDOID,
		 TIMESTAMPTZOID,
		 TIMESTAMPTZOID,
		 TIMESTAMPTZOID,
		 TIMESTAMPTZOID,
		 BYTEAOID,
		 TEXTARRAYOID,
		 INETOID,
		 TEXTOID}};

	store_run(&statement,
			  ARGUMENTS(UUIDPGetDatum(&session->sid),
						UUIDPGetDatum(&session->user_id),
						TimestampTzGetDatum(session->created_at),
						TimestampTzGetDatum(session->refreshed_at),
						TimestampTzGetDatum(session->expires_at),
						TimestampTzGetDatum(session->access_expires_at),
						access_datum(session->access_hash, session->actor),
						PointerGetDatum(session->profiles),
						client_address,
						text_datum(user_agent)));
}

static bool
refresh_by_statement(const SessionRow *session, TimestampTz now, TimestampTz expires_at, TimestampTz access_expires_at,
					 const uint8_t *access_hash)
{
	static StoreStatement statement = {
		"UPDATE djust_auth.session SET generation = $8, refreshed_at = $3, expires_at = $4,"
		" access_expires_at = $5, access_hash = $6 WHERE ctid" EQ "$7 AND sid" EQ "$1 AND generation" EQ
		"$2 AND expires_at" GT "$3",
		{UUIDOID, INT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID, BYTEAOID, TIDOID, INT4OID}};

	return store_run(&statement,
					 ARGUMENTS(UUIDPGetDatum(&session->sid),
							   Int32GetDatum(session->generation),
							   TimestampTzGetDatum(now),
							   TimestampTzGetDatum(expires_at),
							   TimestampTzGetDatum(access_expires_at),
							   access_datum(access_hash, session->actor),
							   PointerGetDatum(&session->tid),
							   Int32GetDatum(session->generation + 1))) > 0;
}

bool
store_session_refresh(const SessionRow *session, TimestampTz now, TimestampTz expires_at, TimestampTz access_expires_at,
					  const uint8_t *access_hash)
{
	Row read = {0};
	Row change = {.idle_trigger = expires_at >= session->purge_at ? PURGE_TRIGGER : NULL};
	RowOutcome outcome;

	if (session->expires_at <= now)
		return false;
	row_set_uuid(&read, Anum_session_sid, &session->sid);
	row_set_int(&read, Anum_session_generation, session->generation);
	row_set_time(&read, Anum_session_expires_at, session->expires_at);
	row_set_int(&change, Anum_session_generation, session->generation + 1);
	row_set_time(&change, Anum_session_refreshed_at, now);
	row_set_time(&change, Anum_session_expires_at, expires_at);
	row_set_time(&change, Anum_session_access_expires_at, access_expires_at);
	row_set(&change, Anum_session_access_hash, BYTEAOID, access_datum(access_hash, session->actor), false);
	outcome = store_row_update_session(session, &read, &change);
	if (outcome == ROW_NEEDS_STATEMENT)
		return refresh_by_statement(session, now, expires_at, access_expires_at, access_hash);
	return outcome == ROW_WRITTEN;
}

uint64
store_session_delete(const pg_uuid_t *sid)
{
	static StoreStatement statement = {"DELETE FROM djust_auth.session WHERE sid" EQ "$1", {UUIDOID}};

	return store_run(&statement, ARGUMENTS(UUIDPGetDatum(sid)));
}

void
store_session_revoke(const pg_uuid_t *sid)
{
	static StoreStatement statement = {"DELETE FROM djust_auth.session WHERE ctid" EQ
									   "ANY (ARRAY(SELECT ctid FROM djust_auth.session WHERE sid" EQ
									   "$1 FOR UPDATE SKIP LOCKED))",
									   {UUIDOID}};

	session_revoke_at_once(sid);
	store_run(&statement, ARGUMENTS(UUIDPGetDatum(sid)));
}

uint64
store_session_delete_of(const pg_uuid_t *user_id, const pg_uuid_t *but_sid)
{
	static StoreStatement statement = {"DELETE FROM djust_auth.session WHERE user_id" EQ
									   "$1 AND ($2 IS NULL OR sid OPERATOR(pg_catalog.<>) $2)",
									   {UUIDOID, UUIDOID}};

	return store_run(&statement, ARGUMENTS(UUIDPGetDatum(user_id), UUIDPGetDatum(but_sid)));
}

/* By sid, not ctid: a refresh may move the row meanwhile. */
List *
store_session_delete_oldest(const pg_uuid_t *user_id, TimestampTz now, TimestampTz since, int64 kept)
{
	static StoreStatement statement = {
		"DELETE FROM djust_auth.session WHERE sid" EQ "ANY (ARRAY(SELECT sid FROM djust_auth.session WHERE user_id" EQ
		"$1 AND expires_at" GT "$2 AND created_at" GT "$3 ORDER BY created_at DESC, sid DESC OFFSET $4)) RETURNING sid",
		{UUIDOID, TIMESTAMPTZOID, TIMESTAMPTZOID, INT8OID},
		.by_index = true};
	List *sids = NIL;
	uint64 rows = store_query(
		&statement,
		ARGUMENTS(UUIDPGetDatum(user_id), TimestampTzGetDatum(now), TimestampTzGetDatum(since), Int64GetDatum(kept)),
		NULL);
	uint64 i;

	for (i = 0; i < rows; i++)
	{
		pg_uuid_t *sid = palloc(sizeof(pg_uuid_t));

		*sid = *DatumGetUUIDP(store_value(i, 1, UUIDOID));
		sids = lappend(sids, sid);
	}
	store_finish();
	return sids;
}

void
store_session_delete_of_all(ArrayType *user_ids)
{
	static StoreStatement statement = {
		"DELETE FROM djust_auth.session WHERE user_id" EQ "ANY ($1)", {UUIDARRAYOID}, .by_index = true};

	store_run(&statement, ARGUMENTS(PointerGetDatum(user_ids)));
}

void
store_session_copy_profiles(ArrayType *user_ids)
{
	/* ordered by an expression: by the column alone the planner might scan the whole index by profile */
	static StoreStatement statement = {
		"UPDATE djust_auth.session SET profiles = ARRAY(SELECT profile FROM djust_auth.user_profile"
		" WHERE user_profile.user_id" EQ "session.user_id"
		" ORDER BY (profile OPERATOR(pg_catalog.||) '')) WHERE user_id" EQ "ANY ($1)",
		{UUIDARRAYOID},
		.by_index = true};

	store_run(&statement, ARGUMENTS(PointerGetDatum(user_ids)));
}

void
store_session_clear_profiles(void)
{
	static StoreStatement statement = {"UPDATE djust_auth.session SET profiles = '{}'"};

	store_run(&statement, ARGUMENTS());
}

void
store_session_cutoff_raise(TimestampTz before)
{
	static StoreStatement statement = {
		"INSERT INTO djust_auth.session_cutoff AS c (created_before) VALUES ($1) ON CONFLICT (one) DO UPDATE"
		" SET created_before = GREATEST(c.created_before, excluded.created_before), purged = false",
		{TIMESTAMPTZOID}};

	store_run(&statement, ARGUMENTS(TimestampTzGetDatum(before)));
}

void
store_session_cutoff_purged(TimestampTz created_before)
{
	static StoreStatement statement = {
		"UPDATE djust_auth.session_cutoff SET purged = true WHERE created_before" EQ "$1", {TIMESTAMPTZOID}};

	store_run(&statement, ARGUMENTS(TimestampTzGetDatum(created_before)));
}
