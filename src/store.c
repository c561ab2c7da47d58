/*
 * store.c
 *		Owns writing: the only file that uses SPI.
 *
 * Threat: a caller's search_path or operators taking part in a statement that
 * runs as the owner.  All text is a constant here (GRANT apart, which its
 * caller quotes), every name and operator is qualified, and the functions that
 * lead here are declared with search_path = pg_catalog, pg_temp.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "store.h"

#define EQ " OPERATOR(pg_catalog.=) "
#define LE " OPERATOR(pg_catalog.<=) "
#define LT " OPERATOR(pg_catalog.<) "
#define GT " OPERATOR(pg_catalog.>) "
#define MAX_ARGUMENTS 12

typedef enum Statement
{
	SESSION_INSERT,
	SESSION_REFRESH,
	SESSION_DELETE,
	SESSION_DELETE_OF,
	SESSION_COPY_PROFILES,
	SESSION_CLEAR_PROFILES,
	USER_CONFIRM,
	USER_CONFIRM_FOR_UPDATE,
	USER_LOCK,
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
	RESET_INSERT,
	RESET_CONSUME,
	RESET_DELETE_OF,
	MAIL_INSERT,
	MAIL_DUE,
	MAIL_LEASE,
	MAIL_DONE,
	MAIL_RETRY,
	MAIL_GET,
	MAIL_WAITING,
	KEY_LOCK,
	KEY_RETIRE,
	KEY_INSERT,
	LAST_ACCESS_EXPIRY,
	AUDIT_INSERT,
	AUDIT_FORGET,
	PURGE_SESSIONS,
	PURGE_RESET_TOKENS,
	PURGE_MAIL,
	PURGE_KEYS,
	PURGE_AUDIT,
	STATEMENTS
} Statement;

typedef struct StatementText
{
	const char *text;
	int			narguments;
	Oid			types[MAX_ARGUMENTS];
} StatementText;

/* Rows are taken in batches by ctid: no index is needed for what is deleted once a minute. */
#define PURGE(table, condition) \
	"DELETE FROM djust_auth." table " WHERE ctid" EQ "ANY (ARRAY(SELECT ctid FROM djust_auth." table \
	" WHERE " condition " LIMIT $2 FOR UPDATE SKIP LOCKED))"

static const StatementText statements[] = {
	[SESSION_INSERT] = {
		"INSERT INTO djust_auth.session (sid, user_id, created_at, refreshed_at, expires_at, access_expires_at, generation,"
		" access_hash, profiles, client_address, user_agent)"
		" VALUES ($1, $2, $3, $3, $4, $5, 0, $6, $7, $8, $9)",
		9, {UUIDOID, UUIDOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID, BYTEAOID, TEXTARRAYOID, INETOID, TEXTOID}},
	[SESSION_REFRESH] = {
		"UPDATE djust_auth.session SET generation = generation OPERATOR(pg_catalog.+) 1, refreshed_at = $3, expires_at = $4,"
		" access_expires_at = $5, access_hash = $6"
		" WHERE sid" EQ "$1 AND generation" EQ "$2 AND expires_at" GT "$3",
		6, {UUIDOID, INT4OID, TIMESTAMPTZOID, TIMESTAMPTZOID, TIMESTAMPTZOID, BYTEAOID}},
	[SESSION_DELETE] = {
		"DELETE FROM djust_auth.session WHERE sid" EQ "$1",
		1, {UUIDOID}},
	[SESSION_DELETE_OF] = {
		"DELETE FROM djust_auth.session WHERE user_id" EQ "$1 AND ($2 IS NULL OR sid OPERATOR(pg_catalog.<>) $2)",
		2, {UUIDOID, UUIDOID}},
	[SESSION_COPY_PROFILES] = {
		"UPDATE djust_auth.session SET profiles = ARRAY(SELECT profile FROM djust_auth.user_profile"
		" WHERE user_id" EQ "$1 ORDER BY profile) WHERE user_id" EQ "$1",
		1, {UUIDOID}},
	[SESSION_CLEAR_PROFILES] = {
		"UPDATE djust_auth.session SET profiles = '{}'",
		0, {0}},
	[USER_CONFIRM] = {
		"SELECT 1 FROM djust_auth.customer_user WHERE id" EQ "$1 AND disabled_at IS NULL"
		" AND ($2 IS NULL OR password_hash" EQ "$2) FOR SHARE",
		2, {UUIDOID, TEXTOID}},
	[USER_CONFIRM_FOR_UPDATE] = {
		"SELECT 1 FROM djust_auth.customer_user WHERE id" EQ "$1 AND disabled_at IS NULL"
		" AND ($2 IS NULL OR password_hash" EQ "$2) FOR NO KEY UPDATE",
		2, {UUIDOID, TEXTOID}},
	[USER_LOCK] = {
		"SELECT 1 FROM djust_auth.customer_user WHERE id" EQ "$1 FOR NO KEY UPDATE",
		1, {UUIDOID}},
	[USER_SET_HASH] = {
		"UPDATE djust_auth.customer_user SET password_hash = $2 WHERE id" EQ "$1",
		2, {UUIDOID, TEXTOID}},
	[USER_SET_HASH_OWN] = {
		"UPDATE djust_auth.customer_user SET password_hash = $2, hash_replaced_at = pg_catalog.clock_timestamp()"
		" WHERE id" EQ "$1",
		2, {UUIDOID, TEXTOID}},
	[USER_INSERT] = {
		"INSERT INTO djust_auth.customer_user (email, password_hash) VALUES ($1, $2) RETURNING id",
		2, {TEXTOID, TEXTOID}},
	[USER_DISABLE] = {
		"UPDATE djust_auth.customer_user SET disabled_at = pg_catalog.clock_timestamp()"
		" WHERE id" EQ "$1 AND disabled_at IS NULL",
		1, {UUIDOID}},
	[USER_ENABLE] = {
		"UPDATE djust_auth.customer_user SET disabled_at = NULL WHERE id" EQ "$1 AND disabled_at IS NOT NULL",
		1, {UUIDOID}},
	[USER_SET_EMAIL] = {
		"UPDATE djust_auth.customer_user SET email = $2 WHERE id" EQ "$1",
		2, {UUIDOID, TEXTOID}},
	[USER_DELETE] = {
		"DELETE FROM djust_auth.customer_user WHERE id" EQ "$1",
		1, {UUIDOID}},
	[PROFILE_INSERT] = {
		"INSERT INTO djust_auth.profile (name, description) VALUES ($1, $2)",
		2, {TEXTOID, TEXTOID}},
	[PROFILE_DELETE] = {
		"DELETE FROM djust_auth.profile WHERE name" EQ "$1",
		1, {TEXTOID}},
	[USER_PROFILE_INSERT] = {
		"INSERT INTO djust_auth.user_profile (user_id, profile) VALUES ($1, $2) ON CONFLICT DO NOTHING",
		2, {UUIDOID, TEXTOID}},
	[USER_PROFILE_DELETE] = {
		"DELETE FROM djust_auth.user_profile WHERE user_id" EQ "$1 AND profile" EQ "$2",
		2, {UUIDOID, TEXTOID}},
	[RIGHT_SET] = {
		"INSERT INTO djust_auth.profile_right (profile, route, access)"
		" VALUES ($1, $2, $3::pg_catalog.text::djust_auth.access_right)"
		" ON CONFLICT (profile, (djust_auth.route_key(route))) DO UPDATE SET access = excluded.access",
		3, {TEXTOID, TEXTOID, TEXTOID}},
	[RESET_INSERT] = {
		"INSERT INTO djust_auth.reset_token (token_hash, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4)",
		4, {BYTEAOID, UUIDOID, TIMESTAMPTZOID, TIMESTAMPTZOID}},
	[RESET_CONSUME] = {
		"DELETE FROM djust_auth.reset_token WHERE token_hash" EQ "$1 AND expires_at" GT "$2",
		2, {BYTEAOID, TIMESTAMPTZOID}},
	[RESET_DELETE_OF] = {
		"DELETE FROM djust_auth.reset_token WHERE user_id" EQ "$1",
		1, {UUIDOID}},
	[MAIL_INSERT] = {
		"INSERT INTO djust_auth.mail_queue (kind, user_id, address, created_at, expires_at, next_attempt_at)"
		" VALUES ($1, $2, $3, $4, $5, $4)",
		5, {TEXTOID, UUIDOID, BYTEAOID, TIMESTAMPTZOID, TIMESTAMPTZOID}},
	[MAIL_DUE] = {
		"SELECT id, kind, user_id, address, expires_at, attempts FROM djust_auth.mail_queue"
		" WHERE done_at IS NULL AND next_attempt_at" LE "$1 AND expires_at" GT "$1"
		" ORDER BY next_attempt_at LIMIT $2 FOR UPDATE SKIP LOCKED",
		2, {TIMESTAMPTZOID, INT4OID}},
	[MAIL_LEASE] = {
		"UPDATE djust_auth.mail_queue SET attempts = attempts OPERATOR(pg_catalog.+) 1, next_attempt_at = $2"
		" WHERE id" EQ "$1",
		2, {INT8OID, TIMESTAMPTZOID}},
	[MAIL_DONE] = {
		"UPDATE djust_auth.mail_queue SET done_at = $2, last_error = $3 WHERE id" EQ "$1 AND done_at IS NULL",
		3, {INT8OID, TIMESTAMPTZOID, TEXTOID}},
	[MAIL_RETRY] = {
		"UPDATE djust_auth.mail_queue SET next_attempt_at = $3, last_error = $4,"
		" done_at = CASE WHEN expires_at" LE "$3 THEN $2 END WHERE id" EQ "$1 AND done_at IS NULL",
		4, {INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTOID}},
	[MAIL_GET] = {
		"SELECT id, kind, user_id, address, expires_at, attempts FROM djust_auth.mail_queue"
		" WHERE id" EQ "$1 AND done_at IS NULL AND attempts" GT "0 FOR UPDATE",
		1, {INT8OID}},
	[MAIL_WAITING] = {
		"SELECT pg_catalog.count(*) FROM djust_auth.mail_queue WHERE done_at IS NULL",
		0, {0}},
	[KEY_LOCK] = {
		"LOCK TABLE djust_auth.signing_key IN SHARE ROW EXCLUSIVE MODE",
		0, {0}},
	[KEY_RETIRE] = {
		"UPDATE djust_auth.signing_key SET verify_until = $1 WHERE verify_until IS NULL",
		1, {TIMESTAMPTZOID}},
	[KEY_INSERT] = {
		"INSERT INTO djust_auth.signing_key (kid, algorithm, private_key, public_key, created_at) VALUES ($1, $2, $3, $4, $5)",
		5, {TEXTOID, TEXTOID, BYTEAOID, BYTEAOID, TIMESTAMPTZOID}},
	[LAST_ACCESS_EXPIRY] = {
		"SELECT pg_catalog.max(access_expires_at) FROM djust_auth.session",
		0, {0}},
	[AUDIT_INSERT] = {
		"INSERT INTO djust_auth.audit_event (id, at, event, user_id, sid, actor, client_address, detail)"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, $8::pg_catalog.jsonb)",
		8, {UUIDOID, TIMESTAMPTZOID, TEXTOID, UUIDOID, UUIDOID, TEXTOID, INETOID, TEXTOID}},
	[AUDIT_FORGET] = {
		"UPDATE djust_auth.audit_event SET client_address = NULL WHERE user_id" EQ "$1 AND client_address IS NOT NULL",
		1, {UUIDOID}},
	[PURGE_SESSIONS] = {PURGE("session", "expires_at" LT "$1"), 3, {TIMESTAMPTZOID, INT4OID, TIMESTAMPTZOID}},
	[PURGE_RESET_TOKENS] = {PURGE("reset_token", "expires_at" LT "$1"), 3, {TIMESTAMPTZOID, INT4OID, TIMESTAMPTZOID}},
	[PURGE_MAIL] = {PURGE("mail_queue", "done_at IS NOT NULL OR expires_at" LT "$1"), 3, {TIMESTAMPTZOID, INT4OID, TIMESTAMPTZOID}},
	[PURGE_KEYS] = {PURGE("signing_key", "verify_until" LT "$1"), 3, {TIMESTAMPTZOID, INT4OID, TIMESTAMPTZOID}},
	[PURGE_AUDIT] = {PURGE("audit_event", "at" LT "$3"), 3, {TIMESTAMPTZOID, INT4OID, TIMESTAMPTZOID}},
};

StaticAssertDecl(lengthof(statements) == STATEMENTS, "every statement has a text");

static SPIPlanPtr plans[STATEMENTS];

/* Arguments of one call. */
typedef struct Call
{
	int			n;
	Datum		values[MAX_ARGUMENTS];
	char		nulls[MAX_ARGUMENTS];
} Call;

static void
put(Call *call, Datum value, bool is_null)
{
	Assert(call->n < MAX_ARGUMENTS);
	call->values[call->n] = value;
	call->nulls[call->n] = is_null ? 'n' : ' ';
	call->n++;
}

static void
put_text(Call *call, const char *value)
{
	put(call, value ? CStringGetTextDatum(value) : (Datum) 0, value == NULL);
}

static void
put_uuid(Call *call, const pg_uuid_t *value)
{
	put(call, value ? UUIDPGetDatum(value) : (Datum) 0, value == NULL);
}

static void
put_time(Call *call, TimestampTz value)
{
	put(call, TimestampTzGetDatum(value), false);
}

static void
put_bytes(Call *call, const uint8_t *value, size_t n)
{
	bytea	   *copy;

	if (value == NULL)
	{
		put(call, (Datum) 0, true);
		return;
	}
	copy = palloc(VARHDRSZ + n);
	SET_VARSIZE(copy, VARHDRSZ + n);
	memcpy(VARDATA(copy), value, n);
	put(call, PointerGetDatum(copy), false);
}

static SPIPlanPtr
plan_of(Statement statement)
{
	const StatementText *text = &statements[statement];

	if (plans[statement] == NULL)
	{
		SPIPlanPtr	plan = SPI_prepare(text->text, text->narguments, (Oid *) text->types);

		if (plan == NULL || SPI_keepplan(plan) != 0)
			elog(ERROR, "could not prepare statement %d", statement);
		plans[statement] = plan;
	}
	return plans[statement];
}

/* Runs a statement between SPI_connect and SPI_finish; results are in SPI_tuptable. */
static uint64
execute(Statement statement, Call *call)
{
	SPIPlanPtr	plan = plan_of(statement);
	int			result;

	Assert(call->n == statements[statement].narguments);
	result = SPI_execute_snapshot(plan, call->values, call->nulls, GetLatestSnapshot(), InvalidSnapshot, false, true, 0);
	if (result < 0)
		elog(ERROR, "statement %d failed: %s", statement, SPI_result_code_string(result));
	return SPI_processed;
}

static void
connect_spi(void)
{
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
}

static void
finish_spi(void)
{
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "could not finish SPI");
}

/* For statements of which only the number of rows is wanted. */
static uint64
run(Statement statement, Call *call)
{
	uint64		rows;

	connect_spi();
	rows = execute(statement, call);
	finish_spi();
	return rows;
}

static Datum
column(uint64 row, int number, bool *is_null)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, number, is_null);
}

void
store_session_insert(const NewSession *session)
{
	Call		call = {0};

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

bool
store_session_refresh(const SessionRow *session, TimestampTz now, TimestampTz expires_at, TimestampTz access_expires_at,
					  const uint8_t *access_hash)
{
	Call		call = {0};

	put_uuid(&call, &session->sid);
	put(&call, Int32GetDatum(session->generation), false);
	put_time(&call, now);
	put_time(&call, expires_at);
	put_time(&call, access_expires_at);
	put_bytes(&call, access_hash, SHA256_SIZE);
	return run(SESSION_REFRESH, &call) > 0;
}

/* Statements whose only argument is an id. */
static uint64
run_for(Statement statement, const pg_uuid_t *id)
{
	Call		call = {0};

	put_uuid(&call, id);
	return run(statement, &call);
}

static uint64
run_alone(Statement statement)
{
	Call		call = {0};

	return run(statement, &call);
}

uint64
store_session_delete(const pg_uuid_t *sid)
{
	return run_for(SESSION_DELETE, sid);
}

uint64
store_session_delete_of(const pg_uuid_t *user_id, const pg_uuid_t *but_sid)
{
	Call		call = {0};

	put_uuid(&call, user_id);
	put_uuid(&call, but_sid);
	return run(SESSION_DELETE_OF, &call);
}

void
store_session_copy_profiles(const pg_uuid_t *user_id)
{
	run_for(SESSION_COPY_PROFILES, user_id);
}

void
store_session_clear_profiles(void)
{
	run_alone(SESSION_CLEAR_PROFILES);
}

bool
store_user_confirm(const pg_uuid_t *id, const char *hash, bool for_update)
{
	Call		call = {0};

	put_uuid(&call, id);
	put_text(&call, hash);
	return run(for_update ? USER_CONFIRM_FOR_UPDATE : USER_CONFIRM, &call) > 0;
}

void
store_user_lock(const pg_uuid_t *id)
{
	run_for(USER_LOCK, id);
}

void
store_user_set_hash(const pg_uuid_t *id, const char *hash, bool own_change)
{
	Call		call = {0};

	put_uuid(&call, id);
	put_text(&call, hash);
	run(own_change ? USER_SET_HASH_OWN : USER_SET_HASH, &call);
}

void
store_user_insert(const char *email, const char *hash, pg_uuid_t *id)
{
	Call		call = {0};
	bool		is_null;

	put_text(&call, email);
	put_text(&call, hash);
	connect_spi();
	if (execute(USER_INSERT, &call) != 1)
		elog(ERROR, "user was not inserted");
	*id = *DatumGetUUIDP(column(0, 1, &is_null));
	finish_spi();
}

uint64
store_user_set_disabled(const pg_uuid_t *id, bool disabled)
{
	return run_for(disabled ? USER_DISABLE : USER_ENABLE, id);
}

uint64
store_user_set_email(const pg_uuid_t *id, const char *email)
{
	Call		call = {0};

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
	Call		call = {0};

	put_text(&call, name);
	put_text(&call, description);
	run(PROFILE_INSERT, &call);
}

uint64
store_profile_delete(const char *name)
{
	Call		call = {0};

	put_text(&call, name);
	return run(PROFILE_DELETE, &call);
}

static uint64
run_user_profile(Statement statement, const pg_uuid_t *user_id, const char *profile)
{
	Call		call = {0};

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
	Call		call = {0};

	put_text(&call, profile);
	put_text(&call, route);
	put_text(&call, access);
	run(RIGHT_SET, &call);
}

void
store_reset_insert(const uint8_t *hash, const pg_uuid_t *user_id, TimestampTz now, TimestampTz expires_at)
{
	Call		call = {0};

	put_bytes(&call, hash, SHA256_SIZE);
	put_uuid(&call, user_id);
	put_time(&call, now);
	put_time(&call, expires_at);
	run(RESET_INSERT, &call);
}

bool
store_reset_consume(const uint8_t *hash, TimestampTz now)
{
	Call		call = {0};

	put_bytes(&call, hash, SHA256_SIZE);
	put_time(&call, now);
	return run(RESET_CONSUME, &call) > 0;
}

void
store_reset_delete_of(const pg_uuid_t *user_id)
{
	run_for(RESET_DELETE_OF, user_id);
}

void
store_mail_insert(const char *kind, const pg_uuid_t *user_id, const uint8_t *address, size_t address_size,
				  TimestampTz now, TimestampTz expires_at)
{
	Call		call = {0};

	put_text(&call, kind);
	put_uuid(&call, user_id);
	put_bytes(&call, address, address_size);
	put_time(&call, now);
	put_time(&call, expires_at);
	run(MAIL_INSERT, &call);
}

/* Copies row number `row` of the result into the context the caller came with. */
static void
read_mail(uint64 row, MemoryContext context, QueuedMail *mail)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	bool		no_address;
	bool		no_user;
	bool		is_null;
	Datum		user_id = column(row, 3, &no_user);
	Datum		address = column(row, 4, &no_address);

	mail->id = DatumGetInt64(column(row, 1, &is_null));
	mail->kind = TextDatumGetCString(column(row, 2, &is_null));
	mail->has_user = !no_user;
	if (mail->has_user)
		mail->user_id = *DatumGetUUIDP(user_id);
	mail->address = no_address ? NULL : DatumGetByteaPCopy(address);
	mail->expires_at = DatumGetTimestampTz(column(row, 5, &is_null));
	mail->attempts = DatumGetInt32(column(row, 6, &is_null));
	MemoryContextSwitchTo(old);
}

List *
store_mail_due(TimestampTz now, int max)
{
	MemoryContext caller = CurrentMemoryContext;
	List	   *mails = NIL;
	Call		call = {0};
	uint64		rows;
	uint64		i;

	put_time(&call, now);
	put(&call, Int32GetDatum(max), false);
	connect_spi();
	rows = execute(MAIL_DUE, &call);
	for (i = 0; i < rows; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(caller);
		QueuedMail *mail = palloc0(sizeof(QueuedMail));

		mails = lappend(mails, mail);
		MemoryContextSwitchTo(old);
		read_mail(i, caller, mail);
	}
	finish_spi();
	return mails;
}

bool
store_mail_get(int64 id, QueuedMail *mail)
{
	MemoryContext caller = CurrentMemoryContext;
	Call		call = {0};
	bool		found;

	put(&call, Int64GetDatum(id), false);
	connect_spi();
	found = execute(MAIL_GET, &call) > 0;
	if (found)
		read_mail(0, caller, mail);
	finish_spi();
	return found;
}

void
store_mail_lease(int64 id, TimestampTz next_attempt_at)
{
	Call		call = {0};

	put(&call, Int64GetDatum(id), false);
	put_time(&call, next_attempt_at);
	run(MAIL_LEASE, &call);
}

bool
store_mail_done(int64 id, TimestampTz now, const char *error)
{
	Call		call = {0};

	put(&call, Int64GetDatum(id), false);
	put_time(&call, now);
	put_text(&call, error);
	return run(MAIL_DONE, &call) > 0;
}

bool
store_mail_retry(int64 id, TimestampTz now, TimestampTz next_attempt_at, const char *error)
{
	Call		call = {0};

	put(&call, Int64GetDatum(id), false);
	put_time(&call, now);
	put_time(&call, next_attempt_at);
	put_text(&call, error);
	return run(MAIL_RETRY, &call) > 0;
}

/* The one value of a statement without arguments. */
static Datum
run_value(Statement statement, bool *is_null)
{
	Call		call = {0};
	Datum		value;

	connect_spi();
	if (execute(statement, &call) != 1)
		elog(ERROR, "statement %d gave no value", statement);
	value = column(0, 1, is_null);
	finish_spi();
	return value;
}

int64
store_mail_waiting(void)
{
	bool		is_null;

	return DatumGetInt64(run_value(MAIL_WAITING, &is_null));
}

TimestampTz
store_last_access_expiry(void)
{
	bool		is_null;
	Datum		value = run_value(LAST_ACCESS_EXPIRY, &is_null);

	return is_null ? DT_NOBEGIN : DatumGetTimestampTz(value);
}

void
store_key_lock(void)
{
	run_alone(KEY_LOCK);
}

void
store_key_retire(TimestampTz verify_until)
{
	Call		call = {0};

	put_time(&call, verify_until);
	run(KEY_RETIRE, &call);
}

void
store_key_insert(const char *kid, const char *algorithm, const uint8_t *private_key, size_t private_size,
				 const uint8_t *public_key, size_t public_size, TimestampTz now)
{
	Call		call = {0};

	put_text(&call, kid);
	put_text(&call, algorithm);
	put_bytes(&call, private_key, private_size);
	put_bytes(&call, public_key, public_size);
	put_time(&call, now);
	run(KEY_INSERT, &call);
}

void
store_audit_insert(const AuditRow *row)
{
	Call		call = {0};

	put_uuid(&call, &row->id);
	put_time(&call, row->at);
	put_text(&call, row->event);
	put_uuid(&call, row->user_id);
	put_uuid(&call, row->sid);
	put_text(&call, row->actor);
	put(&call, row->client_address, row->client_address == (Datum) 0);
	put_text(&call, row->detail);
	run(AUDIT_INSERT, &call);
}

void
store_audit_forget(const pg_uuid_t *user_id)
{
	run_for(AUDIT_FORGET, user_id);
}

bool
store_purge(int n, TimestampTz now, TimestampTz audit_before, int max, PurgeStep *step)
{
	static const struct
	{
		const char *table;
		Statement	statement;
	}			steps[] = {
		{"session", PURGE_SESSIONS},
		{"reset_token", PURGE_RESET_TOKENS},
		{"mail_queue", PURGE_MAIL},
		{"signing_key", PURGE_KEYS},
		{"audit_event", PURGE_AUDIT},
	};
	Call		call = {0};

	if (n >= (int) lengthof(steps))
		return false;
	put_time(&call, now);
	put(&call, Int32GetDatum(max), false);
	put_time(&call, audit_before);
	step->table = steps[n].table;
	step->rows = run(steps[n].statement, &call);
	return true;
}

void
store_grant(const char *statement)
{
	connect_spi();
	if (SPI_execute(statement, false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "could not grant");
	finish_spi();
}
