/*
 * store.c
 *		Owns writing users, sessions, profiles and rights.
 *
 * Threat: a caller's search_path or operators in a statement that runs as the
 * owner.  All text here is constant (except GRANT, which its caller quotes),
 * every name and operator is qualified, and functions that lead here are
 * declared with search_path = pg_catalog, pg_temp.
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "tables/session_revoke.h"
#include "tables/store.h"
#include "tables/store_row.h"
#include "tables/store_run.h"

typedef enum Statement
{
	SESSION_INSERT,
	SESSION_REFRESH,
	SESSION_DELETE,
	SESSION_DELETE_UNLOCKED,
	SESSION_DELETE_OF,
	SESSION_DELETE_OF_ALL,
	SESSION_COPY_PROFILES,
	SESSION_CLEAR_PROFILES,
	USER_CONFIRM,
	USER_CONFIRM_AT_ONCE,
	USER_CONFIRM_FOR_UPDATE,
	USER_LOCK,
	USER_LOCK_ALL,
	USER_SET_HASH,
	USER_SET_HASH_OWN,
	USER_INSERT,
	USER_DISABLE,
	USER_ENABLE,
	USER_SET_EMAIL,
	USER_DELETE,
	PROFILE_INSERT,
	PROFILE_DELETE,
	USER_PROFILE_INSERT,
	USER_PROFILE_DELETE,
	RIGHT_SET,
	STATEMENTS
} Statement;

static StoreStatement statements[] = {
	[SESSION_INSERT] =
		{"INSERT INTO djust_auth.session (sid, user_id, created_at, refreshed_at, expires_at, access_expires_at, "
		 "generation,"
		 " access_hash, profiles, client_address, user_agent, purge_at)"
		 " VALUES ($1, $2, $3, $3, $4, $5, 0, $6, $7, $8, $9, $4)",
		 9,
		 {UUIDOID, UUIDOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID, BYTEAOID, TEXTARRAYOID, INETOID, TEXTOID}},
	[SESSION_REFRESH] = {"UPDATE djust_auth.session SET generation = $8, refreshed_at = $3, expires_at = $4,"
						 " access_expires_at = $5, access_hash = $6"
						 " WHERE ctid" EQ "$7 AND sid" EQ "$1 AND generation" EQ "$2 AND expires_at" GT "$3",
						 8,
						 {UUIDOID, INT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID, BYTEAOID, TIDOID, INT4OID}},
	[SESSION_DELETE] = {"DELETE FROM djust_auth.session WHERE sid" EQ "$1", 1, {UUIDOID}},
	[SESSION_DELETE_UNLOCKED] = {"DELETE FROM djust_auth.session WHERE ctid" EQ
								 "ANY (ARRAY(SELECT ctid FROM djust_auth.session"
								 " WHERE sid" EQ "$1 FOR UPDATE SKIP LOCKED))",
								 1,
								 {UUIDOID}},
	[SESSION_DELETE_OF] = {"DELETE FROM djust_auth.session WHERE user_id" EQ
						   "$1 AND ($2 IS NULL OR sid OPERATOR(pg_catalog.<>) $2)",
						   2,
						   {UUIDOID, UUIDOID}},
	[SESSION_DELETE_OF_ALL] = {"DELETE FROM djust_auth.session WHERE user_id" EQ "ANY ($1)",
							   1,
							   {UUIDARRAYOID},
							   .by_index = true},
	/* ordered by an expression: by the column alone the planner might scan the whole index by profile */
	[SESSION_COPY_PROFILES] =
		{"UPDATE djust_auth.session SET profiles = ARRAY(SELECT profile FROM djust_auth.user_profile"
		 " WHERE user_profile.user_id" EQ "session.user_id"
		 " ORDER BY (profile OPERATOR(pg_catalog.||) '')) WHERE user_id" EQ "ANY ($1)",
		 1,
		 {UUIDARRAYOID},
		 .by_index = true},
	[SESSION_CLEAR_PROFILES] = {"UPDATE djust_auth.session SET profiles = '{}'", 0, {0}},
	[USER_CONFIRM] = {"SELECT 1 FROM djust_auth.customer_user WHERE id" EQ "$1 AND disabled_at IS NULL"
					  " AND ($2 IS NULL OR password_hash" EQ "$2) FOR SHARE",
					  2,
					  {UUIDOID, TEXTOID}},
	[USER_CONFIRM_AT_ONCE] = {"SELECT 1 FROM djust_auth.customer_user WHERE id" EQ
							  "$1 AND disabled_at IS NULL FOR SHARE SKIP LOCKED",
							  1,
							  {UUIDOID}},
	[USER_CONFIRM_FOR_UPDATE] = {"SELECT 1 FROM djust_auth.customer_user WHERE id" EQ "$1 AND disabled_at IS NULL"
								 " AND ($2 IS NULL OR password_hash" EQ "$2) FOR NO KEY UPDATE",
								 2,
								 {UUIDOID, TEXTOID}},
	[USER_LOCK] = {"SELECT 1 FROM djust_auth.customer_user WHERE id" EQ "$1 FOR NO KEY UPDATE", 1, {UUIDOID}},
	/* in one order, so that two such statements cannot deadlock */
	[USER_LOCK_ALL] = {"SELECT 1 FROM djust_auth.customer_user WHERE id" EQ "ANY ($1) ORDER BY id FOR NO KEY UPDATE",
					   1,
					   {UUIDARRAYOID},
					   .by_index = true},
	[USER_SET_HASH] = {"UPDATE djust_auth.customer_user SET password_hash = $2 WHERE id" EQ "$1",
					   2,
					   {UUIDOID, TEXTOID},
					   .administrative = true},
	[USER_SET_HASH_OWN] =
		{"UPDATE djust_auth.customer_user SET password_hash = $2, hash_replaced_at = pg_catalog.clock_timestamp()"
		 " WHERE id" EQ "$1",
		 2,
		 {UUIDOID, TEXTOID}},
	[USER_INSERT] = {"INSERT INTO djust_auth.customer_user (email, password_hash) VALUES ($1, $2) RETURNING id",
					 2,
					 {TEXTOID, TEXTOID},
					 .administrative = true},
	[USER_DISABLE] = {"UPDATE djust_auth.customer_user SET disabled_at = pg_catalog.clock_timestamp()"
					  " WHERE id" EQ "$1 AND disabled_at IS NULL",
					  1,
					  {UUIDOID},
					  .administrative = true},
	[USER_ENABLE] = {"UPDATE djust_auth.customer_user SET disabled_at = NULL WHERE id" EQ
					 "$1 AND disabled_at IS NOT NULL",
					 1,
					 {UUIDOID},
					 .administrative = true},
	[USER_SET_EMAIL] = {"UPDATE djust_auth.customer_user SET email = $2 WHERE id" EQ "$1",
						2,
						{UUIDOID, TEXTOID},
						.administrative = true},
	[USER_DELETE] = {"DELETE FROM djust_auth.customer_user WHERE id" EQ "$1", 1, {UUIDOID}, .administrative = true},
	[PROFILE_INSERT] = {"INSERT INTO djust_auth.profile (name, description) VALUES ($1, $2)",
						2,
						{TEXTOID, TEXTOID},
						.administrative = true},
	[PROFILE_DELETE] = {"DELETE FROM djust_auth.profile WHERE name" EQ "$1", 1, {TEXTOID}, .administrative = true},
	[USER_PROFILE_INSERT] =
		{"INSERT INTO djust_auth.user_profile (user_id, profile) VALUES ($1, $2) ON CONFLICT DO NOTHING",
		 2,
		 {UUIDOID, TEXTOID},
		 .administrative = true},
	[USER_PROFILE_DELETE] = {"DELETE FROM djust_auth.user_profile WHERE user_id" EQ "$1 AND profile" EQ "$2",
							 2,
							 {UUIDOID, TEXTOID},
							 .administrative = true},
	[RIGHT_SET] = {"INSERT INTO djust_auth.profile_right (profile, route, access)"
				   " VALUES ($1, $2, $3::pg_catalog.text::djust_auth.access_right)"
				   " ON CONFLICT (profile, (djust_auth.route_key(route))) DO UPDATE SET access = excluded.access",
				   3,
				   {TEXTOID, TEXTOID, TEXTOID},
				   .administrative = true},
};

StaticAssertDecl(lengthof(statements) == STATEMENTS, "every statement has a text");

static uint64
run(Statement statement, Call *call)
{
	return store_run(&statements[statement], call);
}

/* Sees to it that purge_at is not later than expires_at. */
#define PURGE_TRIGGER "djust_purge_at"

void
store_session_insert(const NewSession *session)
{
	Call call = {0};

	put_uuid(&call, &session->sid);
	put_uuid(&call, &session->user_id);
	put_time(&call, session->created_at);
	put_time(&call, session->expires_at);
	put_time(&call, session->access_expires_at);
	put_bytes(&call, session->access_hash, SHA256_SIZE);
	put(&call, PointerGetDatum(session->profiles), false);
	put(&call, session->client_address, session->client_address == (Datum) 0);
	put_text(&call, session->user_agent);
	run(SESSION_INSERT, &call);
}

static bool
refresh_by_statement(const SessionRow *session, TimestampTz now, TimestampTz expires_at, TimestampTz access_expires_at,
					 const uint8_t *access_hash)
{
	Call call = {0};

	put_uuid(&call, &session->sid);
	put_int(&call, session->generation);
	put_time(&call, now);
	put_time(&call, expires_at);
	put_time(&call, access_expires_at);
	put_bytes(&call, access_hash, SHA256_SIZE);
	put(&call, PointerGetDatum(&session->place), false);
	put_int(&call, session->generation + 1);
	return run(SESSION_REFRESH, &call) > 0;
}

bool
store_session_refresh(const SessionRow *session, TimestampTz now, TimestampTz expires_at, TimestampTz access_expires_at,
					  const uint8_t *access_hash)
{
	Row read = {0};
	Row change = {.settled = expires_at >= session->purge_at ? PURGE_TRIGGER : NULL};
	RowOutcome outcome;
	SessionTid moved;

	if (session->expires_at <= now)
		return false;
	give_uuid(&read, Anum_session_sid, &session->sid);
	give_int(&read, Anum_session_generation, session->generation);
	give_time(&read, Anum_session_expires_at, session->expires_at);
	give_int(&change, Anum_session_generation, session->generation + 1);
	give_time(&change, Anum_session_refreshed_at, now);
	give_time(&change, Anum_session_expires_at, expires_at);
	give_time(&change, Anum_session_access_expires_at, access_expires_at);
	give(&change, Anum_session_access_hash, BYTEAOID, bytes_datum(access_hash, SHA256_SIZE), false);
	outcome = row_update(TABLE_SESSION, &session->place, &read, &change, &moved);
	if (outcome == ROW_NEEDS_STATEMENT)
		return refresh_by_statement(session, now, expires_at, access_expires_at, access_hash);
	if (outcome == ROW_WRITTEN && moved.buffer != InvalidBuffer)
		session_tid_keep(&session->sid, &moved);
	return outcome == ROW_WRITTEN;
}

/* Runs a statement whose only argument is an id. */
static uint64
run_for(Statement statement, const pg_uuid_t *id)
{
	Call call = {0};

	put_uuid(&call, id);
	return run(statement, &call);
}

static uint64
run_alone(Statement statement)
{
	Call call = {0};

	return run(statement, &call);
}

uint64
store_session_delete(const pg_uuid_t *sid)
{
	return run_for(SESSION_DELETE, sid);
}

void
store_session_revoke(const pg_uuid_t *sid)
{
	session_revoke_at_once(sid);
	run_for(SESSION_DELETE_UNLOCKED, sid);
}

uint64
store_session_delete_of(const pg_uuid_t *user_id, const pg_uuid_t *but_sid)
{
	Call call = {0};

	put_uuid(&call, user_id);
	put_uuid(&call, but_sid);
	return run(SESSION_DELETE_OF, &call);
}

/* Runs a statement whose only argument is an array of ids. */
static uint64
run_for_all(Statement statement, ArrayType *ids)
{
	Call call = {0};

	put(&call, PointerGetDatum(ids), false);
	return run(statement, &call);
}

void
store_session_delete_of_all(ArrayType *user_ids)
{
	run_for_all(SESSION_DELETE_OF_ALL, user_ids);
}

void
store_session_copy_profiles(ArrayType *user_ids)
{
	run_for_all(SESSION_COPY_PROFILES, user_ids);
}

void
store_session_clear_profiles(void)
{
	run_alone(SESSION_CLEAR_PROFILES);
}

static bool
confirm(const pg_uuid_t *id, const char *hash, bool for_update)
{
	Call call = {0};

	put_uuid(&call, id);
	put_text(&call, hash);
	return run(for_update ? USER_CONFIRM_FOR_UPDATE : USER_CONFIRM, &call) > 0;
}

bool
store_user_confirm(const pg_uuid_t *id, bool for_update)
{
	return confirm(id, NULL, for_update);
}

bool
store_user_confirm_at_once(const pg_uuid_t *id)
{
	return run_for(USER_CONFIRM_AT_ONCE, id) > 0;
}

bool
store_user_confirm_hash(const UserRow *user, bool for_update)
{
	return confirm(&user->id, user->hash, for_update);
}

void
store_user_lock(const pg_uuid_t *id)
{
	run_for(USER_LOCK, id);
}

uint64
store_user_lock_all(ArrayType *ids)
{
	return run_for_all(USER_LOCK_ALL, ids);
}

void
store_user_set_hash(const pg_uuid_t *id, const char *hash, bool own_change)
{
	Call call = {0};

	put_uuid(&call, id);
	put_text(&call, hash);
	run(own_change ? USER_SET_HASH_OWN : USER_SET_HASH, &call);
}

void
store_user_insert(const char *email, const char *hash, pg_uuid_t *id)
{
	Call call = {0};

	put_text(&call, email);
	put_text(&call, hash);
	store_connect();
	if (store_execute(&statements[USER_INSERT], &call) != 1)
		elog(ERROR, "user was not inserted");
	*id = *DatumGetUUIDP(store_value(0, 1, UUIDOID));
	store_finish();
}

uint64
store_user_set_disabled(const pg_uuid_t *id, bool disabled)
{
	return run_for(disabled ? USER_DISABLE : USER_ENABLE, id);
}

uint64
store_user_set_email(const pg_uuid_t *id, const char *email)
{
	Call call = {0};

	put_uuid(&call, id);
	put_text(&call, email);
	return run(USER_SET_EMAIL, &call);
}

uint64
store_user_delete(const pg_uuid_t *id)
{
	return run_for(USER_DELETE, id);
}

void
store_profile_insert(const char *name, const char *description)
{
	Call call = {0};

	put_text(&call, name);
	put_text(&call, description);
	run(PROFILE_INSERT, &call);
}

uint64
store_profile_delete(const char *name)
{
	Call call = {0};

	put_text(&call, name);
	return run(PROFILE_DELETE, &call);
}

static uint64
run_user_profile(Statement statement, const pg_uuid_t *user_id, const char *profile)
{
	Call call = {0};

	put_uuid(&call, user_id);
	put_text(&call, profile);
	return run(statement, &call);
}

void
store_user_profile_insert(const pg_uuid_t *user_id, const char *profile)
{
	run_user_profile(USER_PROFILE_INSERT, user_id, profile);
}

uint64
store_user_profile_delete(const pg_uuid_t *user_id, const char *profile)
{
	return run_user_profile(USER_PROFILE_DELETE, user_id, profile);
}

void
store_right_set(const char *profile, const char *route, const char *access)
{
	Call call = {0};

	put_text(&call, profile);
	put_text(&call, route);
	put_text(&call, access);
	run(RIGHT_SET, &call);
}
