/*
 * store_profile.c
 *		Owns writing profiles, their rights and their users.
 *
 * The rules of store_run.c apply here too.
 */
#include "postgres.h"

#include "tables/store.h"
#include "tables/store_run.h"

void
store_profile_insert(const char *name, const char *description)
{
	static StoreStatement statement = {"INSERT INTO djust_auth.profile (name, description) VALUES ($1, $2)",
									   {TEXTOID, TEXTOID},
									   .administrative = true};

	store_run(&statement, ARGUMENTS(text_datum(name), text_datum(description)));
}

uint64
store_profile_delete(const char *name)
{
	static StoreStatement statement = {
		"DELETE FROM djust_auth.profile WHERE name" EQ "$1", {TEXTOID}, .administrative = true};

	return store_run(&statement, ARGUMENTS(text_datum(name)));
}

void
store_user_profile_insert(const pg_uuid_t *user_id, const char *profile)
{
	static StoreStatement statement = {
		"INSERT INTO djust_auth.user_profile (user_id, profile) VALUES ($1, $2) ON CONFLICT DO NOTHING",
		{UUIDOID, TEXTOID},
		.administrative = true};

	store_run(&statement, ARGUMENTS(UUIDPGetDatum(user_id), text_datum(profile)));
}

void
store_user_profile_give(const pg_uuid_t *user_id, const char *profile)
{
	static StoreStatement statement = {
		"INSERT INTO djust_auth.user_profile (user_id, profile) VALUES ($1, $2) ON CONFLICT DO NOTHING",
		{UUIDOID, TEXTOID}};

	store_run(&statement, ARGUMENTS(UUIDPGetDatum(user_id), text_datum(profile)));
}

uint64
store_user_profile_delete(const pg_uuid_t *user_id, const char *profile)
{
	static StoreStatement statement = {"DELETE FROM djust_auth.user_profile WHERE user_id" EQ "$1 AND profile" EQ "$2",
									   {UUIDOID, TEXTOID},
									   .administrative = true};

	return store_run(&statement, ARGUMENTS(UUIDPGetDatum(user_id), text_datum(profile)));
}

uint64
store_user_profile_follow(const char *before, const char *after)
{
	/* who has a profile of that name already, which the followed shard did not know, keeps it */
	static StoreStatement rename = {"UPDATE djust_auth.user_profile p SET profile = $2 WHERE p.profile" EQ "$1"
									" AND NOT EXISTS (SELECT FROM djust_auth.user_profile o WHERE o.user_id" EQ
									"p.user_id AND o.profile" EQ "$2)",
									{TEXTOID, TEXTOID}};
	static StoreStatement delete = {"DELETE FROM djust_auth.user_profile WHERE profile" EQ "$1", {TEXTOID}};
	uint64 rows = after ? store_run(&rename, ARGUMENTS(text_datum(before), text_datum(after))) : 0;

	return rows + store_run(&delete, ARGUMENTS(text_datum(before)));
}

void
store_right_set(const char *profile, const char *route, const char *access)
{
	static StoreStatement statement = {
		"INSERT INTO djust_auth.profile_right (profile, route, access)"
		" VALUES ($1, $2, $3::pg_catalog.text::djust_auth.access_right)"
		" ON CONFLICT (profile, (djust_auth.route_key(route))) DO UPDATE SET access = excluded.access",
		{TEXTOID, TEXTOID, TEXTOID},
		.administrative = true};

	store_run(&statement, ARGUMENTS(text_datum(profile), text_datum(route), text_datum(access)));
}
