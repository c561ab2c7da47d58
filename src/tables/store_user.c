/*
 * store_user.c
 *		Owns writing users.
 *
 * The rules of store_run.c apply here too.
 */
#include "postgres.h"

#include "tables/store.h"
#include "tables/store_run.h"

bool
store_user_confirm(const pg_uuid_t *id, const char *hash, bool for_update)
{
	static StoreStatement exclusive = {"SELECT 1 FROM djust_auth.customer_user WHERE id" EQ "$1 AND disabled_at IS NULL"
									   " AND ($2 IS NULL OR password_hash" EQ "$2) FOR NO KEY UPDATE",
									   {UUIDOID, TEXTOID}};
	static StoreStatement shared = {"SELECT 1 FROM djust_auth.customer_user WHERE id" EQ "$1 AND disabled_at IS NULL"
									" AND ($2 IS NULL OR password_hash" EQ "$2) FOR SHARE",
									{UUIDOID, TEXTOID}};

	return store_run(for_update ? &exclusive : &shared, ARGUMENTS(UUIDPGetDatum(id), text_datum(hash))) > 0;
}

bool
store_user_lock_at_once(const pg_uuid_t *id)
{
	static StoreStatement statement = {"SELECT 1 FROM djust_auth.customer_user WHERE id" EQ "$1 FOR SHARE SKIP LOCKED",
									   {UUIDOID}};

	return store_run(&statement, ARGUMENTS(UUIDPGetDatum(id))) > 0;
}

void
store_user_lock(const pg_uuid_t *id)
{
	static StoreStatement statement = {"SELECT 1 FROM djust_auth.customer_user WHERE id" EQ "$1 FOR NO KEY UPDATE",
									   {UUIDOID}};

	store_run(&statement, ARGUMENTS(UUIDPGetDatum(id)));
}

void
store_user_lock_to_delete(const pg_uuid_t *id)
{
	static StoreStatement statement = {"SELECT 1 FROM djust_auth.customer_user WHERE id" EQ "$1 FOR UPDATE", {UUIDOID}};

	store_run(&statement, ARGUMENTS(UUIDPGetDatum(id)));
}

uint64
store_user_lock_all(ArrayType *ids)
{
	/* in one order, so that two such statements cannot deadlock */
	static StoreStatement statement = {"SELECT 1 FROM djust_auth.customer_user WHERE id" EQ
									   "ANY ($1) ORDER BY id FOR NO KEY UPDATE",
									   {UUIDARRAYOID},
									   .by_index = true};

	return store_run(&statement, ARGUMENTS(PointerGetDatum(ids)));
}

void
store_user_set_hash(const pg_uuid_t *id, const char *hash, bool own_change)
{
	static StoreStatement own_work = {
		"UPDATE djust_auth.customer_user SET password_hash = $2, hash_replaced_at = pg_catalog.clock_timestamp()"
		" WHERE id" EQ "$1",
		{UUIDOID, TEXTOID}};
	static StoreStatement by_administrator = {"UPDATE djust_auth.customer_user SET password_hash = $2 WHERE id" EQ "$1",
											  {UUIDOID, TEXTOID},
											  .administrative = true};

	store_run(own_change ? &own_work : &by_administrator, ARGUMENTS(UUIDPGetDatum(id), text_datum(hash)));
}

/* The id of a statement's only row; false if it has none. */
static bool
insert_user(StoreStatement *statement, const char *email, const char *hash, const char *locale, pg_uuid_t *id)
{
	bool inserted =
		store_query(statement, ARGUMENTS(text_datum(email), text_datum(hash), text_datum(locale)), NULL) == 1;

	if (inserted)
		*id = *DatumGetUUIDP(store_value(0, 1, UUIDOID));
	store_finish();
	return inserted;
}

#define INSERT_USER "INSERT INTO djust_auth.customer_user (email, password_hash, locale) VALUES ($1, $2, $3)"

void
store_user_insert(const char *email, const char *hash, const char *locale, pg_uuid_t *id)
{
	static StoreStatement statement = {
		INSERT_USER " RETURNING id", {TEXTOID, TEXTOID, TEXTOID}, .administrative = true};

	if (!insert_user(&statement, email, hash, locale, id))
		elog(ERROR, "user was not inserted");
}

#define INSERT_NEW_USER INSERT_USER " ON CONFLICT (email) DO NOTHING RETURNING id"

bool
store_user_invite(const char *email, const char *locale, pg_uuid_t *id)
{
	static StoreStatement statement = {INSERT_NEW_USER, {TEXTOID, TEXTOID, TEXTOID}, .administrative = true};

	return insert_user(&statement, email, NULL, locale, id);
}

bool
store_user_sign_up(const char *email, const char *hash, const char *locale, pg_uuid_t *id)
{
	static StoreStatement statement = {INSERT_NEW_USER, {TEXTOID, TEXTOID, TEXTOID}};

	return insert_user(&statement, email, hash, locale, id);
}

uint64
store_user_set_disabled(const pg_uuid_t *id, bool disabled)
{
	static StoreStatement disable = {
		"UPDATE djust_auth.customer_user SET disabled_at = pg_catalog.clock_timestamp() WHERE id" EQ
		"$1 AND disabled_at IS NULL",
		{UUIDOID},
		.administrative = true};
	static StoreStatement enable = {"UPDATE djust_auth.customer_user SET disabled_at = NULL WHERE id" EQ
									"$1 AND disabled_at IS NOT NULL",
									{UUIDOID},
									.administrative = true};

	return store_run(disabled ? &disable : &enable, ARGUMENTS(UUIDPGetDatum(id)));
}

uint64
store_user_set_email(const pg_uuid_t *id, const char *email, bool own_change)
{
	static StoreStatement own_work = {"UPDATE djust_auth.customer_user SET email = $2 WHERE id" EQ "$1",
									  {UUIDOID, TEXTOID}};
	static StoreStatement by_administrator = {
		"UPDATE djust_auth.customer_user SET email = $2 WHERE id" EQ "$1", {UUIDOID, TEXTOID}, .administrative = true};

	return store_run(own_change ? &own_work : &by_administrator, ARGUMENTS(UUIDPGetDatum(id), text_datum(email)));
}

uint64
store_user_delete(const pg_uuid_t *id)
{
	static StoreStatement statement = {
		"DELETE FROM djust_auth.customer_user WHERE id" EQ "$1", {UUIDOID}, .administrative = true};

	return store_run(&statement, ARGUMENTS(UUIDPGetDatum(id)));
}

#define FORMER \
	"coalesce(detail OPERATOR(pg_catalog.#>>) '{personal,old,email}'," \
	" CASE WHEN event" EQ "'email_changed' THEN detail OPERATOR(pg_catalog.#>>) '{personal,old}' END)"

List *
store_user_addresses(const pg_uuid_t *id)
{
	static StoreStatement statement = {"SELECT email FROM djust_auth.customer_user WHERE id" EQ
									   "$1 UNION SELECT " FORMER " FROM djust_auth.audit_event WHERE user_id" EQ
									   "$1 AND " FORMER " IS NOT NULL",
									   {UUIDOID}};
	List *addresses = NIL;
	uint64 rows = store_query(&statement, ARGUMENTS(UUIDPGetDatum(id)), NULL);
	uint64 i;

	for (i = 0; i < rows; i++)
		addresses = lappend(addresses, TextDatumGetCString(store_value(i, 1, TEXTOID)));
	store_finish();
	return addresses;
}
