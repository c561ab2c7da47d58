/*
 * store_key.c
 *		Owns writing signing keys.
 *
 * The rules of store_run.c apply here too.
 */
#include "postgres.h"

#include "tables/store.h"
#include "tables/store_run.h"

void
store_key_lock(void)
{
	static StoreStatement statement = {"LOCK TABLE djust_auth.signing_key IN SHARE ROW EXCLUSIVE MODE"};

	store_run(&statement, ARGUMENTS());
}

void
store_key_retire(TimestampTz verify_until)
{
	static StoreStatement statement = {"UPDATE djust_auth.signing_key SET verify_until = $1 WHERE verify_until IS NULL",
									   {TIMESTAMPTZOID}};

	store_run(&statement, ARGUMENTS(TimestampTzGetDatum(verify_until)));
}

void
store_key_insert(const char *kid, const char *algorithm, const uint8_t *private_key, size_t private_size,
				 const uint8_t *public_key, size_t public_size, TimestampTz now, int longest_token)
{
	static StoreStatement statement = {
		"INSERT INTO djust_auth.signing_key (kid, algorithm, private_key, public_key, created_at, longest_token)"
		" VALUES ($1, $2, $3, $4, $5, $6)",
		{TEXTOID, TEXTOID, BYTEAOID, BYTEAOID, TIMESTAMPTZOID, INT4OID}};

	store_run(&statement,
			  ARGUMENTS(text_datum(kid),
						text_datum(algorithm),
						bytes_datum(private_key, private_size),
						bytes_datum(public_key, public_size),
						TimestampTzGetDatum(now),
						Int32GetDatum(longest_token)));
}

void
store_key_lengthen(const char *kid, int longest_token)
{
	static StoreStatement statement = {"UPDATE djust_auth.signing_key SET longest_token = $2 WHERE kid" EQ
									   "$1 AND longest_token" LT "$2",
									   {TEXTOID, INT4OID}};

	store_run(&statement, ARGUMENTS(text_datum(kid), Int32GetDatum(longest_token)));
}
