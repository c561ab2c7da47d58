/*
 * store_mail.c
 *		Owns writing reset links and the mail queue.
 *
 * The rules of store.c apply here too.
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "tables/store.h"
#include "tables/store_run.h"

typedef enum Statement
{
	RESET_INSERT,
	RESET_CONSUME,
	RESET_DELETE_OF,
	RESET_DELETE_OF_ALL,
	MAIL_INSERT,
	MAIL_DUE,
	MAIL_TAKE,
	MAIL_SEALED,
	MAIL_DELETE,
	MAIL_LEASE,
	MAIL_DONE,
	MAIL_DONE_ALL,
	MAIL_RETRY,
	MAIL_GET,
	MAIL_RELEASE,
	MAIL_NEXT,
	MAIL_WAITING,
	STATEMENTS
} Statement;

static StoreStatement statements[] = {
	[RESET_INSERT] =
		{"INSERT INTO djust_auth.reset_token (token_hash, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4)",
		 4,
		 {BYTEAOID, UUIDOID, TIMESTAMPTZOID, TIMESTAMPTZOID}},
	[RESET_CONSUME] = {"DELETE FROM djust_auth.reset_token WHERE token_hash" EQ "$1 AND expires_at" GT "$2",
					   2,
					   {BYTEAOID, TIMESTAMPTZOID}},
	[RESET_DELETE_OF] = {"DELETE FROM djust_auth.reset_token WHERE user_id" EQ "$1", 1, {UUIDOID}},
	[RESET_DELETE_OF_ALL] = {"DELETE FROM djust_auth.reset_token WHERE user_id" EQ "ANY ($1)",
							 1,
							 {UUIDARRAYOID},
							 .by_index = true},
	[MAIL_INSERT] =
		{"INSERT INTO djust_auth.mail_queue (kind, user_id, address, created_at, expires_at, next_attempt_at)"
		 " VALUES ($1, $2, $3, $4, $5, $4)",
		 5,
		 {TEXTOID, UUIDOID, BYTEAOID, TIMESTAMPTZOID, TIMESTAMPTZOID}},
	[MAIL_DUE] = {"SELECT id, kind, user_id, address, expires_at, attempts, next_attempt_at FROM djust_auth.mail_queue"
				  " WHERE done_at IS NULL AND next_attempt_at" LE "$1 AND expires_at" GT "$1"
				  " AND ROW(next_attempt_at, id)" GT "ROW($2, $3) ORDER BY next_attempt_at, id LIMIT $4",
				  4,
				  {TIMESTAMPTZOID, TIMESTAMPTZOID, INT8OID, INT4OID},
				  true},
	[MAIL_TAKE] = {"SELECT 1 FROM djust_auth.mail_queue WHERE id" EQ "$1 AND done_at IS NULL AND "
				   "next_attempt_at" LE "$2 FOR UPDATE SKIP LOCKED",
				   2,
				   {INT8OID, TIMESTAMPTZOID}},
	[MAIL_SEALED] =
		{"SELECT id, kind, user_id, address, expires_at, attempts, next_attempt_at FROM djust_auth.mail_queue "
		 "WHERE address IS NOT NULL",
		 0,
		 {0}},
	[MAIL_DELETE] = {"DELETE FROM djust_auth.mail_queue WHERE id" EQ "$1", 1, {INT8OID}},
	[MAIL_LEASE] =
		{"UPDATE djust_auth.mail_queue SET attempts = attempts OPERATOR(pg_catalog.+) 1, next_attempt_at = $2"
		 ", with_worker = $3 WHERE id" EQ "$1",
		 3,
		 {INT8OID, TIMESTAMPTZOID, BOOLOID}},
	[MAIL_DONE] = {"UPDATE djust_auth.mail_queue SET done_at = $2, last_error = $3, with_worker = false "
				   "WHERE id" EQ "$1 AND done_at IS NULL",
				   3,
				   {INT8OID, TIMESTAMPTZOID, TEXTOID}},
	[MAIL_DONE_ALL] = {"UPDATE djust_auth.mail_queue SET done_at = $2, last_error = $3 WHERE ctid" EQ "ANY (ARRAY("
					   "SELECT ctid FROM djust_auth.mail_queue WHERE id" EQ
					   "ANY ($1) AND done_at IS NULL FOR UPDATE SKIP LOCKED))",
					   3,
					   {INT8ARRAYOID, TIMESTAMPTZOID, TEXTOID},
					   true},
	[MAIL_RETRY] = {"UPDATE djust_auth.mail_queue SET next_attempt_at = $2, last_error = $3, with_worker = false"
					" WHERE id" EQ "$1 AND done_at IS NULL",
					3,
					{INT8OID, TIMESTAMPTZOID, TEXTOID}},
	[MAIL_GET] = {"SELECT id, kind, user_id, address, expires_at, attempts, next_attempt_at FROM djust_auth.mail_queue"
				  " WHERE id" EQ "$1 AND done_at IS NULL AND attempts" GT "0 FOR UPDATE",
				  1,
				  {INT8OID}},
	[MAIL_RELEASE] =
		{"UPDATE djust_auth.mail_queue SET next_attempt_at = $1, with_worker = false WHERE with_worker AND done_at "
		 "IS NULL",
		 1,
		 {TIMESTAMPTZOID}},
	[MAIL_NEXT] = {"SELECT pg_catalog.min(next_attempt_at) FROM djust_auth.mail_queue WHERE done_at IS NULL AND "
				   "expires_at" GT "$1",
				   1,
				   {TIMESTAMPTZOID},
				   true},
	[MAIL_WAITING] = {"SELECT pg_catalog.count(*) FROM djust_auth.mail_queue WHERE done_at IS NULL", 0, {0}},
};

StaticAssertDecl(lengthof(statements) == STATEMENTS, "every statement has a text");

static uint64
run(Statement statement, Call *call)
{
	return store_run(&statements[statement], call);
}

void
store_reset_insert(const uint8_t *hash, const pg_uuid_t *user_id, TimestampTz now, TimestampTz expires_at)
{
	Call call = {0};

	put_bytes(&call, hash, SHA256_SIZE);
	put_uuid(&call, user_id);
	put_time(&call, now);
	put_time(&call, expires_at);
	run(RESET_INSERT, &call);
}

bool
store_reset_consume(const uint8_t *hash, TimestampTz now)
{
	Call call = {0};

	put_bytes(&call, hash, SHA256_SIZE);
	put_time(&call, now);
	return run(RESET_CONSUME, &call) > 0;
}

void
store_reset_delete_of(const pg_uuid_t *user_id)
{
	Call call = {0};

	put_uuid(&call, user_id);
	run(RESET_DELETE_OF, &call);
}

void
store_reset_delete_of_all(ArrayType *user_ids)
{
	Call call = {0};

	put(&call, PointerGetDatum(user_ids), false);
	run(RESET_DELETE_OF_ALL, &call);
}

void
store_mail_insert(const char *kind, const pg_uuid_t *user_id, const uint8_t *address, size_t address_size,
				  TimestampTz now, TimestampTz expires_at)
{
	Call call = {0};

	put_text(&call, kind);
	put_uuid(&call, user_id);
	put_bytes(&call, address, address_size);
	put_time(&call, now);
	put_time(&call, expires_at);
	run(MAIL_INSERT, &call);
}

/* Copies a result row into the caller's context. */
static void
read_mail(uint64 row, MemoryContext context, QueuedMail *mail)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	bool no_address;
	bool no_user;
	Datum user_id = store_column(row, 3, UUIDOID, &no_user);
	Datum address = store_column(row, 4, BYTEAOID, &no_address);

	mail->id = DatumGetInt64(store_value(row, 1, INT8OID));
	mail->kind = TextDatumGetCString(store_value(row, 2, TEXTOID));
	mail->has_user = !no_user;
	if (mail->has_user)
		mail->user_id = *DatumGetUUIDP(user_id);
	mail->address = no_address ? NULL : DatumGetByteaPCopy(address);
	mail->expires_at = DatumGetTimestampTz(store_value(row, 5, TIMESTAMPTZOID));
	mail->attempts = DatumGetInt32(store_value(row, 6, INT4OID));
	mail->next_attempt_at = DatumGetTimestampTz(store_value(row, 7, TIMESTAMPTZOID));
	MemoryContextSwitchTo(old);
}

static List *
read_mails(Statement statement, Call *call)
{
	MemoryContext caller = CurrentMemoryContext;
	List *mails = NIL;
	uint64 rows;
	uint64 i;

	store_connect();
	rows = store_execute(&statements[statement], call);
	for (i = 0; i < rows; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(caller);
		QueuedMail *mail = palloc0(sizeof(QueuedMail));

		mails = lappend(mails, mail);
		MemoryContextSwitchTo(old);
		read_mail(i, caller, mail);
	}
	store_finish();
	return mails;
}

List *
store_mail_due(TimestampTz now, const QueuedMail *after, int max)
{
	Call call = {0};

	put_time(&call, now);
	put_time(&call, after->next_attempt_at);
	put_id(&call, after->id);
	put_int(&call, max);
	return read_mails(MAIL_DUE, &call);
}

bool
store_mail_take(int64 id, TimestampTz now)
{
	Call call = {0};

	put_id(&call, id);
	put_time(&call, now);
	return run(MAIL_TAKE, &call) > 0;
}

List *
store_mail_sealed(void)
{
	Call call = {0};

	return read_mails(MAIL_SEALED, &call);
}

void
store_mail_delete(int64 id)
{
	Call call = {0};

	put_id(&call, id);
	run(MAIL_DELETE, &call);
}

bool
store_mail_get(int64 id, QueuedMail *mail)
{
	MemoryContext caller = CurrentMemoryContext;
	Call call = {0};
	bool found;

	put_id(&call, id);
	store_connect();
	found = store_execute(&statements[MAIL_GET], &call) > 0;
	if (found)
		read_mail(0, caller, mail);
	store_finish();
	return found;
}

void
store_mail_lease(int64 id, TimestampTz next_attempt_at, bool with_worker)
{
	Call call = {0};

	put_id(&call, id);
	put_time(&call, next_attempt_at);
	put(&call, BoolGetDatum(with_worker), false);
	run(MAIL_LEASE, &call);
}

bool
store_mail_done(int64 id, TimestampTz now, const char *error)
{
	Call call = {0};

	put_id(&call, id);
	put_time(&call, now);
	put_text(&call, error);
	return run(MAIL_DONE, &call) > 0;
}

void
store_mail_done_all(List *mails, TimestampTz now, const char *error)
{
	Datum *ids = palloc(list_length(mails) * sizeof(Datum));
	Call call = {0};
	ListCell *cell;

	foreach(cell, mails)
		ids[foreach_current_index(cell)] = Int64GetDatum(((QueuedMail *) lfirst(cell))->id);
	put(&call,
		PointerGetDatum(
			construct_array(ids, list_length(mails), INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE)),
		false);
	put_time(&call, now);
	put_text(&call, error);
	run(MAIL_DONE_ALL, &call);
}

bool
store_mail_retry(int64 id, TimestampTz next_attempt_at, const char *error)
{
	Call call = {0};

	put_id(&call, id);
	put_time(&call, next_attempt_at);
	put_text(&call, error);
	return run(MAIL_RETRY, &call) > 0;
}

uint64
store_mail_release(TimestampTz now)
{
	Call call = {0};

	put_time(&call, now);
	return run(MAIL_RELEASE, &call);
}

bool
store_mail_next(TimestampTz now, TimestampTz *next)
{
	Call call = {0};
	bool is_null;

	put_time(&call, now);
	*next = DatumGetTimestampTz(store_run_value(&statements[MAIL_NEXT], &call, TIMESTAMPTZOID, &is_null));
	return !is_null;
}

int64
store_mail_waiting(void)
{
	Call call = {0};
	bool is_null;

	return DatumGetInt64(store_run_value(&statements[MAIL_WAITING], &call, INT8OID, &is_null));
}
