/*
 * store_export.c
 *		Owns reading all that is kept about one person.
 *
 * Threat: a secret in a document that leaves the database.  Each column is
 * named: a column that is added later, by an administrator too, is not exported
 * unless it is named here; a test compares this with the tables.
 *
 * The rules of store_run.c apply here too.
 */
#include "postgres.h"

#include "tables/store.h"
#include "tables/store_run.h"

#define OBJECT "pg_catalog.json_build_object"
#define LIST "(SELECT coalesce(pg_catalog.json_agg("
#define OR_NONE "), '[]'::pg_catalog.json) FROM djust_auth."
#define OF_USER " t WHERE t.user_id" EQ "u.id)"

#define ACCOUNT \
	OBJECT "('id', u.id, 'email', u.email, 'password_scheme', djust_auth.check_hash(u.password_hash)," \
		   " 'disabled_at', u.disabled_at, 'created_at', u.created_at, 'hash_replaced_at', u.hash_replaced_at," \
		   " 'locale', u.locale, 'store'," \
		   " (SELECT t.store FROM djust_auth.user_store t WHERE t.user_id" EQ "u.id))"
#define FAILURES OBJECT "('failures', $2, 'allowed_at', CASE WHEN $3" GT "pg_catalog.clock_timestamp() THEN $3 END)"
#define PROFILES LIST "t.profile ORDER BY t.profile" OR_NONE "user_profile" OF_USER
#define SESSIONS \
	LIST OBJECT "('sid', t.sid, 'created_at', t.created_at, 'refreshed_at', t.refreshed_at," \
				" 'expires_at', t.expires_at, 'access_expires_at', t.access_expires_at, 'profiles', t.profiles," \
				" 'client_address', t.client_address, 'user_agent', t.user_agent)" \
				" ORDER BY t.created_at, t.sid" OR_NONE "session" OF_USER
#define LINKS \
	LIST OBJECT "('created_at', t.created_at, 'expires_at', t.expires_at)" \
				" ORDER BY t.created_at" OR_NONE "reset_token" OF_USER
#define ADDRESSES \
	LIST OBJECT "('kind', t.kind, 'address', ($7)[pg_catalog.array_position($6, t.mail)], 'sid', t.sid," \
				" 'store', t.store, 'created_at', t.created_at, 'expires_at', t.expires_at, 'mailed_at', t.mailed_at)" \
				" ORDER BY t.created_at" OR_NONE "pending_email" OF_USER
#define DEVICES LIST OBJECT "('seen_at', t.seen_at) ORDER BY t.seen_at" OR_NONE "known_device" OF_USER
#define MAILS \
	LIST OBJECT "('kind', t.kind, 'store', t.store, 'created_at', t.created_at, 'expires_at', t.expires_at," \
				" 'attempts', t.attempts, 'next_attempt_at', t.next_attempt_at, 'done_at', t.done_at," \
				" 'last_error', t.last_error)" \
				" ORDER BY t.id" OR_NONE "mail_queue t WHERE t.user_id" EQ "u.id OR t.id" EQ "ANY ($4))"
#define EVENTS \
	LIST OBJECT "('id', t.id, 'at', t.at, 'event', t.event, 'sid', t.sid, 'actor', t.actor," \
				" 'client_address', t.client_address, 'detail', t.detail)" \
				" ORDER BY t.at, t.id" OR_NONE "audit_event t WHERE t.user_id" EQ "u.id" \
				" OR (t.user_id IS NULL AND t.detail OPERATOR(pg_catalog.->>) 'account'" EQ "ANY ($5)))"

char *
store_export(const pg_uuid_t *id, int failures, TimestampTz allowed_at, const List *mails, Datum pending_mails,
			 ArrayType *pending, ArrayType *accounts)
{
	static StoreStatement statement = {
		"SELECT " OBJECT "('user', " ACCOUNT ", 'profiles', " PROFILES ", 'failed_attempts', " FAILURES
		", 'sessions', " SESSIONS ", 'links', " LINKS ", 'pending_addresses', " ADDRESSES ", 'devices', " DEVICES
		", 'mails', " MAILS ", 'audit', " EVENTS ")::pg_catalog.text"
		" FROM djust_auth.customer_user u WHERE u.id" EQ "$1",
		{UUIDOID, INT4OID, TIMESTAMPTZOID, INT8ARRAYOID, TEXTARRAYOID, INT8ARRAYOID, TEXTARRAYOID}};
	Datum ids = store_mail_ids(mails);
	char *document = NULL;

	if (store_query(&statement,
					ARGUMENTS(UUIDPGetDatum(id),
							  Int32GetDatum(failures),
							  TimestampTzGetDatum(allowed_at),
							  ids,
							  PointerGetDatum(accounts),
							  pending_mails,
							  PointerGetDatum(pending)),
					NULL) > 0)
		document = TextDatumGetCString(store_value(0, 1, TEXTOID));
	store_finish();
	return document;
}
