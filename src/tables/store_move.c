/*
 * store_move.c
 *		Owns taking a customer out of the tables for another shard, and putting
 *		one in.
 *
 * The rules of store_run.c apply here too.
 */
#include "postgres.h"

#include "tables/store.h"
#include "tables/store_run.h"

char *
store_move_read(const pg_uuid_t *id, const char *new_email, int failures, TimestampTz allowed_at)
{
	static StoreStatement statement = {
		"SELECT pg_catalog.json_build_object('id', u.id, 'email', u.email, 'new_email', $2,"
		" 'password_hash', u.password_hash, 'disabled_at', u.disabled_at, 'created_at', u.created_at,"
		" 'hash_replaced_at', u.hash_replaced_at,"
		" 'locale', u.locale, 'failures', $3, 'allowed_at', $4,"
		" 'profiles', (SELECT coalesce(pg_catalog.json_agg(p.profile), '[]'::pg_catalog.json)"
		" FROM djust_auth.user_profile p WHERE p.user_id" EQ "u.id),"
		" 'events', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.to_jsonb(e) OPERATOR(pg_catalog.-) 'user_id'"
		" ORDER BY e.at, e.id), '[]'::pg_catalog.json) FROM djust_auth.audit_event e WHERE e.user_id" EQ "u.id)"
		")::pg_catalog.text FROM djust_auth.customer_user u WHERE u.id" EQ "$1 FOR UPDATE",
		{UUIDOID, TEXTOID, INT4OID, TIMESTAMPTZOID}};
	char *document = NULL;

	if (store_query(
			&statement,
			ARGUMENTS(
				UUIDPGetDatum(id), text_datum(new_email), Int32GetDatum(failures), TimestampTzGetDatum(allowed_at)),
			NULL) > 0)
		document = TextDatumGetCString(store_value(0, 1, TEXTOID));
	store_finish();
	return document;
}

#define CUSTOMER \
	"pg_catalog.json_to_record($1::pg_catalog.json) r(id pg_catalog.uuid, email pg_catalog.text," \
	" new_email pg_catalog.text, password_hash pg_catalog.text, disabled_at pg_catalog.timestamptz," \
	" created_at pg_catalog.timestamptz, hash_replaced_at pg_catalog.timestamptz, locale pg_catalog.text," \
	" failures pg_catalog.int4, allowed_at pg_catalog.timestamptz, profiles pg_catalog.json, events pg_catalog.json)"

bool
store_move_insert(const char *document, bool back)
{
	static StoreStatement user = {
		"INSERT INTO djust_auth.customer_user"
		" (id, email, password_hash, disabled_at, created_at, hash_replaced_at, locale)"
		" SELECT r.id, CASE WHEN $2 THEN r.email ELSE r.new_email END, r.password_hash, r.disabled_at, r.created_at,"
		" r.hash_replaced_at, r.locale FROM " CUSTOMER " ON CONFLICT (id) DO NOTHING",
		{TEXTOID, BOOLOID},
		.administrative = true};
	static StoreStatement profiles = {"INSERT INTO djust_auth.user_profile (user_id, profile)"
									  " SELECT r.id, p FROM " CUSTOMER
									  ", pg_catalog.json_array_elements_text(r.profiles) p",
									  {TEXTOID},
									  .administrative = true};

	if (store_run(&user, ARGUMENTS(text_datum(document), BoolGetDatum(back))) == 0)
		return false;
	store_run(&profiles, ARGUMENTS(text_datum(document)));
	return true;
}

void
store_move_describe(const char *document, bool back, MovedUser *user)
{
	static StoreStatement statement = {
		"SELECT CASE WHEN $2 THEN r.email ELSE r.new_email END, r.failures, r.allowed_at, r.events::pg_catalog.text"
		" FROM " CUSTOMER,
		{TEXTOID, BOOLOID}};

	store_query(&statement, ARGUMENTS(text_datum(document), BoolGetDatum(back)), NULL);
	user->email = TextDatumGetCString(store_value(0, 1, TEXTOID));
	user->failures = DatumGetInt32(store_value(0, 2, INT4OID));
	user->allowed_at = DatumGetTimestampTz(store_value(0, 3, TIMESTAMPTZOID));
	user->events = TextDatumGetCString(store_value(0, 4, TEXTOID));
	store_finish();
}

void
store_leaving_insert(const pg_uuid_t *id, int shard, Datum sealed)
{
	static StoreStatement statement = {
		"INSERT INTO djust_auth.leaving_user (user_id, shard, sealed) VALUES ($1, $2, $3)",
		{UUIDOID, INT4OID, BYTEAOID}};

	store_run(&statement, ARGUMENTS(UUIDPGetDatum(id), Int32GetDatum(shard), sealed));
}

bool
store_leaving_offer(const pg_uuid_t *id, LeavingUser *leaving)
{
	static StoreStatement statement = {
		"UPDATE djust_auth.leaving_user SET offers = offers OPERATOR(pg_catalog.+) 1 WHERE user_id" EQ "$1"
		" RETURNING shard, sealed, offers",
		{UUIDOID}};
	bool found = store_query(&statement, ARGUMENTS(UUIDPGetDatum(id)), NULL) > 0;

	if (found)
	{
		leaving->shard = DatumGetInt32(store_value(0, 1, INT4OID));
		leaving->sealed = DatumGetByteaPCopy(store_value(0, 2, BYTEAOID));
		leaving->offers = DatumGetInt32(store_value(0, 3, INT4OID));
	}
	store_finish();
	return found;
}

bool
store_leaving_take(const pg_uuid_t *id, int offer, LeavingUser *leaving)
{
	static StoreStatement statement = {"DELETE FROM djust_auth.leaving_user WHERE user_id" EQ "$1 AND ($2" LT
									   "0 OR offers" EQ "$2)"
									   " RETURNING shard, sealed, offers",
									   {UUIDOID, INT4OID}};
	bool found = store_query(&statement, ARGUMENTS(UUIDPGetDatum(id), Int32GetDatum(offer)), NULL) > 0;

	if (found)
	{
		leaving->shard = DatumGetInt32(store_value(0, 1, INT4OID));
		leaving->sealed = DatumGetByteaPCopy(store_value(0, 2, BYTEAOID));
		leaving->offers = DatumGetInt32(store_value(0, 3, INT4OID));
	}
	store_finish();
	return found;
}
