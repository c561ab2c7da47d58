/*
 * store_lock.c
 *		Owns writing saved locks of the throttle.
 *
 * The rules of store_run.c apply here too.
 */
#include "postgres.h"

#include "tables/store.h"
#include "tables/store_run.h"

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

static UserLock *
read_lock(uint64 row)
{
	UserLock *lock = palloc(sizeof(UserLock));

	lock->user_id = *DatumGetUUIDP(store_value(row, 1, UUIDOID));
	lock->email = TextDatumGetCString(store_value(row, 2, TEXTOID));
	lock->failures = DatumGetInt32(store_value(row, 3, INT4OID));
	lock->allowed_at = DatumGetTimestampTz(store_value(row, 4, TIMESTAMPTZOID));
	lock->saved_at = DatumGetTimestampTz(store_value(row, 5, TIMESTAMPTZOID));
	return lock;
}

List *
store_locks_take(void)
{
	static StoreStatement read_locks = {
		"SELECT l.user_id, u.email, l.failures, l.allowed_at, l.saved_at FROM djust_auth.throttle_lock l"
		" JOIN djust_auth.customer_user u ON u.id" EQ "l.user_id"};
	static StoreStatement delete_locks = {"DELETE FROM djust_auth.throttle_lock"};
	List *locks = NIL;
	uint64 rows = store_query(&read_locks, ARGUMENTS(), NULL);
	uint64 i;

	for (i = 0; i < rows; i++)
		locks = lappend(locks, read_lock(i));
	store_finish();
	store_run(&delete_locks, ARGUMENTS());
	return locks;
}
