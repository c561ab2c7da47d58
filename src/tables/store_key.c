/*
 * store_key.c
 *		Owns writing signing keys.
 *
 * The rules of store.c apply here too.
 */
#include "postgres.h"

#include "catalog/pg_type.h"

#include "tables/store.h"
#include "tables/store_run.h"

typedef enum Statement
{
	KEY_LOCK,
	KEY_RETIRE,
	KEY_INSERT,
	KEY_LENGTHEN,
	STATEMENTS
} Statement;

static StoreStatement statements[] = {
	[KEY_LOCK] = {"LOCK TABLE djust_auth.signing_key IN SHARE ROW EXCLUSIVE MODE", 0, {0}},
	[KEY_RETIRE] = {"UPDATE djust_auth.signing_key SET verify_until = $1 WHERE verify_until IS NULL",
					1,
					{TIMESTAMPTZOID}},
	[KEY_INSERT] =
		{"INSERT INTO djust_auth.signing_key (kid, algorithm, private_key, public_key, created_at, longest_token)"
		 " VALUES ($1, $2, $3, $4, $5, $6)",
		 6,
		 {TEXTOID, TEXTOID, BYTEAOID, BYTEAOID, TIMESTAMPTZOID, INT4OID}},
	[KEY_LENGTHEN] = {"UPDATE djust_auth.signing_key SET longest_token = $2 WHERE kid" EQ "$1 AND longest_token" LT
					  "$2",
					  2,
					  {TEXTOID, INT4OID}},
};

StaticAssertDecl(lengthof(statements) == STATEMENTS, "every statement has a text");

static uint64
run(Statement statement, Call *call)
{
	return store_run(&statements[statement], call);
}

void
store_key_lock(void)
{
	Call call = {0};

	run(KEY_LOCK, &call);
}

void
store_key_retire(TimestampTz verify_until)
{
	Call call = {0};

	put_time(&call, verify_until);
	run(KEY_RETIRE, &call);
}

void
store_key_insert(const char *kid, const char *algorithm, const uint8_t *private_key, size_t private_size,
				 const uint8_t *public_key, size_t public_size, TimestampTz now, int longest_token)
{
	Call call = {0};

	put_text(&call, kid);
	put_text(&call, algorithm);
	put_bytes(&call, private_key, private_size);
	put_bytes(&call, public_key, public_size);
	put_time(&call, now);
	put_int(&call, longest_token);
	run(KEY_INSERT, &call);
}

void
store_key_lengthen(const char *kid, int longest_token)
{
	Call call = {0};

	put_text(&call, kid);
	put_int(&call, longest_token);
	run(KEY_LENGTHEN, &call);
}
