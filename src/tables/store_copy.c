/*
 * store_copy.c
 *		Owns writing the key_file row, and deleting what must not live on in a
 *		copied or restored database or under another key file.
 *
 * The rules of store.c apply here too.
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "tables/store.h"
#include "tables/store_run.h"

typedef enum Statement
{
	KEY_FILE_LEARN,
	KEY_FILE_ACCEPT,
	KEY_FILE_MOVE,
	SESSION_LOCK,
	SESSION_DELETE_ALL,
	RESET_DELETE_ALL,
	MAIL_DELETE_WAITING,
	MAIL_GIVE_UP,
	KEY_DELETE_ALL,
	LOCKS_OF_USERS,
	LOCK_DELETE_ALL,
	STATEMENTS
} Statement;

static StoreStatement statements[] = {
	[KEY_FILE_LEARN] =
		{"INSERT INTO djust_auth.key_file (check_value, database) VALUES ($1, $2) ON CONFLICT DO NOTHING",
		 2,
		 {BYTEAOID, OIDOID}},
	[KEY_FILE_ACCEPT] =
		{"INSERT INTO djust_auth.key_file (check_value, database) VALUES ($1, $2)"
		 " ON CONFLICT (one) DO UPDATE SET check_value = excluded.check_value, database = excluded.database",
		 2,
		 {BYTEAOID, OIDOID}},
	[KEY_FILE_MOVE] = {"UPDATE djust_auth.key_file SET database = $1 WHERE database OPERATOR(pg_catalog.<>) $1",
					   1,
					   {OIDOID}},
	[SESSION_LOCK] = {"LOCK TABLE djust_auth.session IN SHARE ROW EXCLUSIVE MODE", 0, {0}},
	[SESSION_DELETE_ALL] = {"DELETE FROM djust_auth.session", 0, {0}},
	[RESET_DELETE_ALL] = {"DELETE FROM djust_auth.reset_token", 0, {0}},
	[MAIL_DELETE_WAITING] = {"DELETE FROM djust_auth.mail_queue WHERE done_at IS NULL", 0, {0}},
	[MAIL_GIVE_UP] = {"UPDATE djust_auth.mail_queue SET done_at = $1, last_error = $2, with_worker = false"
					  " WHERE done_at IS NULL AND address IS NOT NULL",
					  2,
					  {TIMESTAMPTZOID, TEXTOID}},
	[KEY_DELETE_ALL] = {"DELETE FROM djust_auth.signing_key", 0, {0}},
	[LOCKS_OF_USERS] =
		{"SELECT l.user_id, u.email, l.failures, l.allowed_at, l.saved_at FROM djust_auth.throttle_lock l"
		 " JOIN djust_auth.customer_user u ON u.id" EQ "l.user_id",
		 0,
		 {0}},
	[LOCK_DELETE_ALL] = {"DELETE FROM djust_auth.throttle_lock", 0, {0}},
};

StaticAssertDecl(lengthof(statements) == STATEMENTS, "every statement has a text");

static uint64
run(Statement statement)
{
	Call call = {0};

	return store_run(&statements[statement], &call);
}

static void
write_key_file(Statement statement, const uint8_t *check_value, size_t size, Oid database)
{
	Call call = {0};

	put_bytes(&call, check_value, size);
	put(&call, ObjectIdGetDatum(database), false);
	store_run(&statements[statement], &call);
}

void
store_key_file_learn(const uint8_t *check_value, size_t size, Oid database)
{
	write_key_file(KEY_FILE_LEARN, check_value, size, database);
}

void
store_key_file_accept(const uint8_t *check_value, size_t size, Oid database)
{
	write_key_file(KEY_FILE_ACCEPT, check_value, size, database);
}

bool
store_key_file_move(Oid database)
{
	Call call = {0};

	put(&call, ObjectIdGetDatum(database), false);
	return store_run(&statements[KEY_FILE_MOVE], &call) > 0;
}

void
store_session_lock(void)
{
	run(SESSION_LOCK);
}

uint64
store_session_delete_all(void)
{
	return run(SESSION_DELETE_ALL);
}

uint64
store_reset_delete_all(void)
{
	return run(RESET_DELETE_ALL);
}

uint64
store_mail_delete_waiting(void)
{
	return run(MAIL_DELETE_WAITING);
}

uint64
store_mail_give_up(TimestampTz now, const char *reason)
{
	Call call = {0};

	put_time(&call, now);
	put_text(&call, reason);
	return store_run(&statements[MAIL_GIVE_UP], &call);
}

void
store_key_delete_all(void)
{
	run(KEY_DELETE_ALL);
}

static UserLock *
read_lock(uint64 row)
{
	UserLock *lock = palloc(sizeof(UserLock));
	bool is_null;

	lock->user_id = *DatumGetUUIDP(store_column(row, 1, UUIDOID, &is_null));
	lock->email = TextDatumGetCString(store_column(row, 2, TEXTOID, &is_null));
	lock->failures = DatumGetInt32(store_column(row, 3, INT4OID, &is_null));
	lock->allowed_at = DatumGetTimestampTz(store_column(row, 4, TIMESTAMPTZOID, &is_null));
	lock->saved_at = DatumGetTimestampTz(store_column(row, 5, TIMESTAMPTZOID, &is_null));
	return lock;
}

List *
store_locks_take(void)
{
	MemoryContext caller = CurrentMemoryContext;
	Call call = {0};
	List *locks = NIL;
	uint64 rows;
	uint64 i;

	store_connect();
	rows = store_execute(&statements[LOCKS_OF_USERS], &call);
	for (i = 0; i < rows; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(caller);

		locks = lappend(locks, read_lock(i));
		MemoryContextSwitchTo(old);
	}
	store_execute(&statements[LOCK_DELETE_ALL], &call);
	store_finish();
	return locks;
}
