/*
 * store_copy.c
 *		Owns writing the key_file row, and deleting what must not live on in a
 *		copied or restored database or under another key file.
 *
 * The rules of store_run.c apply here too.
 */
#include "postgres.h"

#include "tables/store.h"
#include "tables/store_run.h"

void
store_key_file_learn(const uint8_t check_value[SHA256_SIZE], Oid database)
{
	static StoreStatement statement = {
		"INSERT INTO djust_auth.key_file (check_value, database) VALUES ($1, $2) ON CONFLICT DO NOTHING",
		{BYTEAOID, OIDOID}};

	store_run(&statement, ARGUMENTS(bytes_datum(check_value, SHA256_SIZE), ObjectIdGetDatum(database)));
}

void
store_key_file_accept(const uint8_t check_value[SHA256_SIZE], Oid database)
{
	static StoreStatement statement = {
		"INSERT INTO djust_auth.key_file (check_value, database) VALUES ($1, $2)"
		" ON CONFLICT (one) DO UPDATE SET check_value = excluded.check_value, database = excluded.database",
		{BYTEAOID, OIDOID}};

	store_run(&statement, ARGUMENTS(bytes_datum(check_value, SHA256_SIZE), ObjectIdGetDatum(database)));
}

bool
store_key_file_move(Oid database)
{
	static StoreStatement statement = {
		"UPDATE djust_auth.key_file SET database = $1 WHERE database OPERATOR(pg_catalog.<>) $1", {OIDOID}};

	return store_run(&statement, ARGUMENTS(ObjectIdGetDatum(database))) > 0;
}

void
store_session_lock(void)
{
	static StoreStatement statement = {"LOCK TABLE djust_auth.session IN SHARE ROW EXCLUSIVE MODE"};

	store_run(&statement, ARGUMENTS());
}

uint64
store_session_delete_all(void)
{
	static StoreStatement statement = {"DELETE FROM djust_auth.session"};

	return store_run(&statement, ARGUMENTS());
}

uint64
store_reset_delete_all(void)
{
	static StoreStatement statement = {"DELETE FROM djust_auth.reset_token"};

	return store_run(&statement, ARGUMENTS());
}

uint64
store_mail_delete_waiting(void)
{
	static StoreStatement statement = {"DELETE FROM djust_auth.mail_queue WHERE done_at IS NULL"};

	return store_run(&statement, ARGUMENTS());
}

uint64
store_mail_give_up(TimestampTz now, const char *reason)
{
	static StoreStatement statement = {
		"UPDATE djust_auth.mail_queue SET done_at = $1, last_error = $2, with_worker = false"
		" WHERE done_at IS NULL AND address IS NOT NULL",
		{TIMESTAMPTZOID, TEXTOID}};

	return store_run(&statement, ARGUMENTS(TimestampTzGetDatum(now), text_datum(reason)));
}

void
store_key_delete_all(void)
{
	static StoreStatement statement = {"DELETE FROM djust_auth.signing_key"};

	store_run(&statement, ARGUMENTS());
}
