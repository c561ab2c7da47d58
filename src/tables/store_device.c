/*
 * store_device.c
 *		Owns the statements on devices.
 *
 * The rules of store_run.c apply here too.
 */
#include "postgres.h"

#include "tables/store.h"
#include "tables/store_run.h"

#define UNSEEN_S (180 * SECS_PER_DAY)

bool
store_device_any(const pg_uuid_t *user_id)
{
	static StoreStatement statement = {"SELECT 1 FROM djust_auth.known_device WHERE user_id" EQ "$1 LIMIT 1",
									   {UUIDOID}};

	return store_run(&statement, ARGUMENTS(UUIDPGetDatum(user_id))) > 0;
}

void
store_device_delete_all(void)
{
	static StoreStatement statement = {"DELETE FROM djust_auth.known_device"};

	if (catalog_has(TABLE_KNOWN_DEVICE))
		store_run(&statement, ARGUMENTS());
}

bool
store_device_see(const pg_uuid_t *user_id, const AccountTag *device, TimestampTz now)
{
	static StoreStatement insert = {
		"INSERT INTO djust_auth.known_device AS k (device, user_id, seen_at) VALUES ($1, $2, $3)"
		" ON CONFLICT (device) DO UPDATE SET seen_at = excluded.seen_at WHERE k.seen_at" LT "$4",
		{BYTEAOID, UUIDOID, TIMESTAMPTZOID, TIMESTAMPTZOID}};
	/* once a day, so that most logins write nothing */
	static StoreStatement update = {"UPDATE djust_auth.known_device SET seen_at = $2 WHERE device" EQ
									"$1 AND seen_at" LT "$3",
									{BYTEAOID, TIMESTAMPTZOID, TIMESTAMPTZOID}};
	Datum tag = bytes_datum(device->bytes, sizeof(device->bytes));
	bool is_new = store_run(&insert,
							ARGUMENTS(tag,
									  UUIDPGetDatum(user_id),
									  TimestampTzGetDatum(now),
									  TimestampTzGetDatum(now - UNSEEN_S * USECS_PER_SEC))) > 0;

	if (!is_new)
		store_run(&update,
				  ARGUMENTS(tag, TimestampTzGetDatum(now), TimestampTzGetDatum(now - SECS_PER_DAY * USECS_PER_SEC)));
	return is_new;
}
