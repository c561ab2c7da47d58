/*
 * store_heartbeat.c
 *		Owns writing the row of heartbeat.
 *
 * The rules of store_run.c apply here too.
 */
#include "postgres.h"

#include "tables/store.h"
#include "tables/store_run.h"

void
store_heartbeat(TimestampTz at)
{
	static StoreStatement statement = {"INSERT INTO djust_auth.heartbeat (at) VALUES ($1)"
									   " ON CONFLICT (one) DO UPDATE SET at = excluded.at",
									   {TIMESTAMPTZOID}};

	store_run(&statement, ARGUMENTS(TimestampTzGetDatum(at)));
}
