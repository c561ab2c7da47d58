/*
 * store_mail.c
 *		Owns the statements on reset links and on the mail queue.
 *
 * The rules of store_run.c apply here too.
 */
#include "postgres.h"

#include "tables/store.h"
#include "tables/store_run.h"

#define MAIL_COLUMNS "id, kind, user_id, address, expires_at, attempts, next_attempt_at"

void
store_reset_insert(const uint8_t *hash, const pg_uuid_t *user_id, TimestampTz now, TimestampTz expires_at)
{
	static StoreStatement statement = {
		"INSERT INTO djust_auth.reset_token (token_hash, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4)",
		{BYTEAOID, UUIDOID, TIMESTAMPTZOID, TIMESTAMPTZOID}};

	store_run(&statement,
			  ARGUMENTS(bytes_datum(hash, SHA256_SIZE),
						UUIDPGetDatum(user_id),
						TimestampTzGetDatum(now),
						TimestampTzGetDatum(expires_at)));
}

bool
store_reset_consume(const uint8_t *hash, TimestampTz now)
{
	static StoreStatement statement = {"DELETE FROM djust_auth.reset_token WHERE token_hash" EQ "$1 AND expires_at" GT
									   "$2",
									   {BYTEAOID, TIMESTAMPTZOID}};

	return store_run(&statement, ARGUMENTS(bytes_datum(hash, SHA256_SIZE), TimestampTzGetDatum(now))) > 0;
}

void
store_link_delete_of_all(ArrayType *user_ids)
{
	static StoreStatement statement = {
		"DELETE FROM djust_auth.reset_token WHERE user_id" EQ "ANY ($1)", {UUIDARRAYOID}, .by_index = true};

	store_run(&statement, ARGUMENTS(PointerGetDatum(user_ids)));
	store_pending_end_changes(user_ids);
}

void
store_link_delete_of(const pg_uuid_t *user_id)
{
	Datum id = UUIDPGetDatum(user_id);

	store_link_delete_of_all(construct_array(&id, 1, UUIDOID, UUID_LEN, false, TYPALIGN_CHAR));
}

void
store_mail_insert(const char *kind, const pg_uuid_t *user_id, const uint8_t *address, size_t address_size,
				  const char *store, TimestampTz now, TimestampTz expires_at)
{
	/* schema 1.0 has no column for a store view */
	static StoreStatement of_none = {
		"INSERT INTO djust_auth.mail_queue (kind, user_id, address, created_at, expires_at, next_attempt_at)"
		" VALUES ($1, $2, $3, $4, $5, $4)",
		{TEXTOID, UUIDOID, BYTEAOID, TIMESTAMPTZOID, TIMESTAMPTZOID}};
	static StoreStatement of_store = {
		"INSERT INTO djust_auth.mail_queue (kind, user_id, address, created_at, expires_at, next_attempt_at, store)"
		" VALUES ($1, $2, $3, $4, $5, $4, $6)",
		{TEXTOID, UUIDOID, BYTEAOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTOID}};
	Arguments arguments = ARGUMENTS(text_datum(kind),
									UUIDPGetDatum(user_id),
									bytes_datum(address, address_size),
									TimestampTzGetDatum(now),
									TimestampTzGetDatum(expires_at),
									text_datum(store));

	if (store == NULL)
		arguments.n--;
	store_run(store ? &of_store : &of_none, arguments);
}

static void
read_mail(uint64 row, QueuedMail *mail)
{
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
}

static List *
read_mails(StoreStatement *statement, Arguments arguments)
{
	List *mails = NIL;
	uint64 rows = store_query(statement, arguments, NULL);
	uint64 i;

	for (i = 0; i < rows; i++)
	{
		QueuedMail *mail = palloc0(sizeof(QueuedMail));

		read_mail(i, mail);
		mails = lappend(mails, mail);
	}
	store_finish();
	return mails;
}

List *
store_mail_due(TimestampTz now, const QueuedMail *after, int max)
{
	static StoreStatement statement = {"SELECT " MAIL_COLUMNS " FROM djust_auth.mail_queue"
									   " WHERE done_at IS NULL AND next_attempt_at" LE "$1 AND expires_at" GT "$1"
									   " AND ROW(next_attempt_at, id)" GT
									   "ROW($2, $3) ORDER BY next_attempt_at, id LIMIT $4",
									   {TIMESTAMPTZOID, TIMESTAMPTZOID, INT8OID, INT4OID},
									   .by_index = true};

	return read_mails(&statement,
					  ARGUMENTS(TimestampTzGetDatum(now),
								TimestampTzGetDatum(after->next_attempt_at),
								Int64GetDatum(after->id),
								Int32GetDatum(max)));
}

void
store_mail_bound(TimestampTz now, TimestampTz latest)
{
	static StoreStatement statement = {
		"UPDATE djust_auth.mail_queue SET next_attempt_at = $1 WHERE ctid" EQ "ANY (ARRAY("
		"SELECT ctid FROM djust_auth.mail_queue WHERE done_at IS NULL AND next_attempt_at" GT
		"$2 FOR UPDATE SKIP LOCKED))",
		{TIMESTAMPTZOID, TIMESTAMPTZOID},
		.by_index = true};

	store_run(&statement, ARGUMENTS(TimestampTzGetDatum(now), TimestampTzGetDatum(latest)));
}

bool
store_mail_take(int64 id, TimestampTz now)
{
	static StoreStatement statement = {"SELECT 1 FROM djust_auth.mail_queue WHERE id" EQ
									   "$1 AND done_at IS NULL AND next_attempt_at" LE "$2 FOR UPDATE SKIP LOCKED",
									   {INT8OID, TIMESTAMPTZOID}};

	return store_run(&statement, ARGUMENTS(Int64GetDatum(id), TimestampTzGetDatum(now))) > 0;
}

List *
store_mail_sealed(void)
{
	static StoreStatement statement = {"SELECT " MAIL_COLUMNS " FROM djust_auth.mail_queue WHERE address IS NOT NULL"};

	return read_mails(&statement, ARGUMENTS());
}

void
store_mail_delete(int64 id)
{
	static StoreStatement statement = {"DELETE FROM djust_auth.mail_queue WHERE id" EQ "$1", {INT8OID}};

	store_run(&statement, ARGUMENTS(Int64GetDatum(id)));
}

bool
store_mail_get(int64 id, QueuedMail *mail)
{
	static StoreStatement statement = {"SELECT " MAIL_COLUMNS " FROM djust_auth.mail_queue"
									   " WHERE id" EQ "$1 AND done_at IS NULL AND attempts" GT "0 FOR UPDATE",
									   {INT8OID}};
	bool found = store_query(&statement, ARGUMENTS(Int64GetDatum(id)), NULL) > 0;

	if (found)
		read_mail(0, mail);
	store_finish();
	return found;
}

void
store_mail_lease(int64 id, TimestampTz next_attempt_at, bool with_worker)
{
	static StoreStatement statement = {
		"UPDATE djust_auth.mail_queue SET attempts = attempts OPERATOR(pg_catalog.+) 1, next_attempt_at = $2"
		", with_worker = $3 WHERE id" EQ "$1",
		{INT8OID, TIMESTAMPTZOID, BOOLOID}};

	store_run(&statement,
			  ARGUMENTS(Int64GetDatum(id), TimestampTzGetDatum(next_attempt_at), BoolGetDatum(with_worker)));
}

bool
store_mail_done(int64 id, TimestampTz now, const char *error)
{
	static StoreStatement statement = {
		"UPDATE djust_auth.mail_queue SET done_at = $2, last_error = $3, with_worker = false WHERE id" EQ
		"$1 AND done_at IS NULL",
		{INT8OID, TIMESTAMPTZOID, TEXTOID}};

	return store_run(&statement, ARGUMENTS(Int64GetDatum(id), TimestampTzGetDatum(now), text_datum(error))) > 0;
}

Datum
store_mail_ids(const List *mails)
{
	int n = list_length(mails);
	Datum *ids = palloc(n * sizeof(Datum));
	ListCell *cell;

	foreach(cell, mails)
		ids[foreach_current_index(cell)] = Int64GetDatum(((QueuedMail *) lfirst(cell))->id);
	return PointerGetDatum(construct_array(ids, n, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

void
store_mail_done_all(List *mails, TimestampTz now, const char *error)
{
	static StoreStatement statement = {
		"UPDATE djust_auth.mail_queue SET done_at = $2, last_error = $3 WHERE ctid" EQ "ANY (ARRAY("
		"SELECT ctid FROM djust_auth.mail_queue WHERE id" EQ "ANY ($1) AND done_at IS NULL FOR UPDATE SKIP LOCKED))",
		{INT8ARRAYOID, TIMESTAMPTZOID, TEXTOID},
		.by_index = true};

	store_run(&statement, ARGUMENTS(store_mail_ids(mails), TimestampTzGetDatum(now), text_datum(error)));
}

bool
store_mail_retry(int64 id, TimestampTz next_attempt_at, const char *error)
{
	static StoreStatement statement = {
		"UPDATE djust_auth.mail_queue SET next_attempt_at = $2, last_error = $3, with_worker = false WHERE id" EQ
		"$1 AND done_at IS NULL",
		{INT8OID, TIMESTAMPTZOID, TEXTOID}};

	return store_run(&statement,
					 ARGUMENTS(Int64GetDatum(id), TimestampTzGetDatum(next_attempt_at), text_datum(error))) > 0;
}

uint64
store_mail_release(TimestampTz now)
{
	static StoreStatement statement = {"UPDATE djust_auth.mail_queue SET next_attempt_at = $1, with_worker = false"
									   " WHERE with_worker AND done_at IS NULL",
									   {TIMESTAMPTZOID}};

	return store_run(&statement, ARGUMENTS(TimestampTzGetDatum(now)));
}

bool
store_mail_next(TimestampTz now, TimestampTz *next)
{
	static StoreStatement statement = {
		"SELECT pg_catalog.min(next_attempt_at) FROM djust_auth.mail_queue WHERE done_at IS NULL AND expires_at" GT
		"$1",
		{TIMESTAMPTZOID},
		.by_index = true};
	bool is_null;

	*next =
		DatumGetTimestampTz(store_run_value(&statement, ARGUMENTS(TimestampTzGetDatum(now)), TIMESTAMPTZOID, &is_null));
	return !is_null;
}

int64
store_mail_waiting(void)
{
	static StoreStatement statement = {"SELECT pg_catalog.count(*) FROM djust_auth.mail_queue WHERE done_at IS NULL"};

	return DatumGetInt64(store_run_value(&statement, ARGUMENTS(), INT8OID, NULL));
}
