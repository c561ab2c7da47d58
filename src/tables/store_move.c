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

#define LINKS_OF_MAIL \
	"(SELECT coalesce(pg_catalog.json_agg(l), '[]'::pg_catalog.json) FROM djust_auth.email_link l WHERE l.mail" EQ \
	"p.mail)"

/* Links that put a former address back, in the order of their mails.  One that was claimed and not sent waits. */
#define REVERTS \
	"(SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('mail', p.mail, 'address', p.address," \
	" 'account', p.account, 'store', p.store, 'created_at', p.created_at, 'expires_at', p.expires_at, 'waits'," \
	" EXISTS (SELECT FROM djust_auth.mail_queue q WHERE q.id" EQ "p.mail AND q.done_at IS NULL)," \
	" 'links', " LINKS_OF_MAIL ") ORDER BY p.mail), '[]'::pg_catalog.json)" \
	" FROM djust_auth.pending_email p WHERE p.user_id" EQ "u.id AND p.kind" EQ "'revert')"

#define STORE "(SELECT v.store FROM djust_auth.user_store v WHERE v.user_id" EQ "u.id)"

char *
store_move_read(const pg_uuid_t *id, const char *new_email, int failures, TimestampTz allowed_at,
				const PendingEmail *link)
{
	static StoreStatement statement = {
		"SELECT pg_catalog.json_build_object('id', u.id, 'email', u.email, 'new_email', $2,"
		" 'password_hash', u.password_hash, 'disabled_at', u.disabled_at, 'created_at', u.created_at,"
		" 'hash_replaced_at', u.hash_replaced_at,"
		" 'locale', u.locale, 'store', " STORE ", 'failures', $3, 'allowed_at', $4, 'link', $5, 'link_mail', $6,"
		" 'reverts', " REVERTS ","
		" 'profiles', (SELECT coalesce(pg_catalog.json_agg(p.profile), '[]'::pg_catalog.json)"
		" FROM djust_auth.user_profile p WHERE p.user_id" EQ "u.id),"
		" 'events', (SELECT coalesce(pg_catalog.json_agg(pg_catalog.to_jsonb(e) ORDER BY e.at, e.id),"
		" '[]'::pg_catalog.json) FROM (SELECT a.id, a.at, a.event, a.sid, a.actor, a.client_address, a.detail"
		" FROM djust_auth.audit_event a WHERE a.user_id" EQ "u.id ORDER BY a.at DESC, a.id DESC LIMIT " CppAsString2(
			MOVED_EVENTS_MOST) ") e)"
							   ")::pg_catalog.text FROM djust_auth.customer_user u WHERE u.id" EQ "$1 FOR UPDATE",
		{UUIDOID, TEXTOID, INT4OID, TIMESTAMPTZOID, TEXTOID, INT8OID}};
	char *document = NULL;

	if (store_query(&statement,
					ARGUMENTS(UUIDPGetDatum(id),
							  text_datum(new_email),
							  Int32GetDatum(failures),
							  TimestampTzGetDatum(allowed_at),
							  text_datum(link ? link->kind : NULL),
							  Int64GetDatum(link ? link->mail : 0)),
					NULL) > 0)
		document = TextDatumGetCString(store_value(0, 1, TEXTOID));
	store_finish();
	return document;
}

#define CUSTOMER \
	"pg_catalog.json_to_record($1::pg_catalog.json) r(id pg_catalog.uuid, email pg_catalog.text," \
	" new_email pg_catalog.text, password_hash pg_catalog.text, disabled_at pg_catalog.timestamptz," \
	" created_at pg_catalog.timestamptz, hash_replaced_at pg_catalog.timestamptz, locale pg_catalog.text," \
	" store pg_catalog.text," \
	" failures pg_catalog.int4, allowed_at pg_catalog.timestamptz, profiles pg_catalog.json, events pg_catalog.json," \
	" link pg_catalog.text, link_mail pg_catalog.int8, reverts pg_catalog.json)"

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
									  ", pg_catalog.json_array_elements_text(r.profiles) p"
									  " WHERE NOT $2 OR EXISTS (SELECT FROM djust_auth.profile o WHERE o.name" EQ "p)",
									  {TEXTOID, BOOLOID},
									  .administrative = true};
	static StoreStatement store = {
		"INSERT INTO djust_auth.user_store (user_id, store) SELECT r.id, s.name FROM " CUSTOMER
		" JOIN djust_auth.store s ON s.name" EQ "r.store",
		{TEXTOID},
		.administrative = true};

	if (store_run(&user, ARGUMENTS(text_datum(document), BoolGetDatum(back))) == 0)
		return false;
	store_run(&profiles, ARGUMENTS(text_datum(document), BoolGetDatum(back)));
	store_run(&store, ARGUMENTS(text_datum(document)));
	return true;
}

#define EACH_REVERT \
	"pg_catalog.json_to_recordset(r.reverts) v(mail pg_catalog.int8, address pg_catalog.bytea," \
	" account pg_catalog.bytea, store pg_catalog.text, created_at pg_catalog.timestamptz," \
	" expires_at pg_catalog.timestamptz," \
	" waits pg_catalog.bool, links pg_catalog.json)"
#define EACH_LINK \
	"pg_catalog.json_to_recordset(v.links) l(token_hash pg_catalog.bytea, created_at pg_catalog.timestamptz," \
	" expires_at pg_catalog.timestamptz)"

/* A link that has put an address back is used up, and the later ones end. */
#define GOES_ALONG "(r.link IS NULL OR r.link" NE "'revert' OR v.mail" LT "r.link_mail)"

uint64
store_move_insert_reverts(const char *document, bool back)
{
	static StoreStatement statement = {
		"WITH v AS MATERIALIZED (SELECT pg_catalog.nextval('djust_auth.mail_queue_id_seq') AS mail, o.user_id,"
		" o.address, o.account, o.store, o.created_at, o.expires_at, o.waits, o.links"
		" FROM (SELECT r.id AS user_id, v.address, v.account, v.store, v.created_at, v.expires_at, v.waits, v.links"
		" FROM " CUSTOMER ", " EACH_REVERT " WHERE $2 OR " GOES_ALONG
		" ORDER BY v.mail OFFSET 0) o), queued AS (INSERT INTO djust_auth.mail_queue"
		" (id, kind, user_id, address, store, created_at, expires_at, next_attempt_at) OVERRIDING SYSTEM VALUE"
		" SELECT v.mail, 'email_changed', v.user_id, v.address, v.store, v.created_at, v.expires_at,"
		" pg_catalog.clock_timestamp() FROM v WHERE v.waits),"
		" linked AS (INSERT INTO djust_auth.email_link (token_hash, mail, created_at, expires_at)"
		" SELECT l.token_hash, v.mail, l.created_at, l.expires_at FROM v, " EACH_LINK
		" ON CONFLICT (token_hash) DO UPDATE SET mail = EXCLUDED.mail, shard = NULL)"
		" INSERT INTO djust_auth.pending_email (mail, kind, user_id, address, account, store, created_at, expires_at)"
		" SELECT v.mail, 'revert', v.user_id, v.address, v.account, v.store, v.created_at, v.expires_at FROM v",
		{TEXTOID, BOOLOID}};

	return store_run(&statement, ARGUMENTS(text_datum(document), BoolGetDatum(back)));
}

void
store_move_forward(const char *document, int shard)
{
	static StoreStatement statement = {"UPDATE djust_auth.email_link SET shard = $2 WHERE token_hash" EQ
									   "ANY (ARRAY(SELECT l.token_hash FROM " CUSTOMER ", " EACH_REVERT ", " EACH_LINK
									   " WHERE " GOES_ALONG "))",
									   {TEXTOID, INT4OID}};

	store_run(&statement, ARGUMENTS(text_datum(document), Int32GetDatum(shard)));
}

void
store_move_describe(const char *document, bool back, MovedUser *user)
{
	static StoreStatement statement = {
		"SELECT CASE WHEN $2 THEN r.email ELSE r.new_email END, r.failures, r.allowed_at, r.events::pg_catalog.text,"
		" r.email, CASE WHEN NOT $2 THEN r.link END FROM " CUSTOMER,
		{TEXTOID, BOOLOID}};
	bool is_null;
	Datum link;

	store_query(&statement, ARGUMENTS(text_datum(document), BoolGetDatum(back)), NULL);
	user->email = TextDatumGetCString(store_value(0, 1, TEXTOID));
	user->failures = DatumGetInt32(store_value(0, 2, INT4OID));
	user->allowed_at = DatumGetTimestampTz(store_value(0, 3, TIMESTAMPTZOID));
	user->events = TextDatumGetCString(store_value(0, 4, TEXTOID));
	user->former_email = TextDatumGetCString(store_value(0, 5, TEXTOID));
	link = store_column(0, 6, TEXTOID, &is_null);
	user->link = is_null ? NULL : TextDatumGetCString(link);
	store_finish();
}

void
store_leaving_insert(const pg_uuid_t *id, const pg_uuid_t *move, int shard, Datum sealed)
{
	static StoreStatement statement = {
		"INSERT INTO djust_auth.leaving_user (user_id, move, shard, sealed) VALUES ($1, $2, $3, $4)",
		{UUIDOID, UUIDOID, INT4OID, BYTEAOID}};

	store_run(&statement, ARGUMENTS(UUIDPGetDatum(id), UUIDPGetDatum(move), Int32GetDatum(shard), sealed));
}

/* Of a statement that returns these columns. */
static bool
read_leaving(StoreStatement *statement, Arguments arguments, LeavingUser *leaving)
{
	bool found = store_query(statement, arguments, NULL) > 0;

	if (found)
	{
		leaving->move = *DatumGetUUIDP(store_value(0, 1, UUIDOID));
		leaving->shard = DatumGetInt32(store_value(0, 2, INT4OID));
		leaving->sealed = DatumGetByteaPCopy(store_value(0, 3, BYTEAOID));
	}
	store_finish();
	return found;
}

bool
store_leaving_read(const pg_uuid_t *id, LeavingUser *leaving)
{
	static StoreStatement statement = {
		"SELECT move, shard, sealed FROM djust_auth.leaving_user WHERE user_id" EQ "$1 FOR UPDATE", {UUIDOID}};

	return read_leaving(&statement, ARGUMENTS(UUIDPGetDatum(id)), leaving);
}

void
store_leaving_redirect(const pg_uuid_t *id, const pg_uuid_t *move, int shard, Datum sealed)
{
	static StoreStatement statement = {
		"UPDATE djust_auth.leaving_user SET move = $2, shard = $3, sealed = $4 WHERE user_id" EQ "$1",
		{UUIDOID, UUIDOID, INT4OID, BYTEAOID}};

	store_run(&statement, ARGUMENTS(UUIDPGetDatum(id), UUIDPGetDatum(move), Int32GetDatum(shard), sealed));
}

char *
store_move_readdress(const char *document, const char *new_email)
{
	static StoreStatement statement = {
		"SELECT ($1::pg_catalog.jsonb OPERATOR(pg_catalog.||) pg_catalog.jsonb_build_object('new_email', $2))"
		"::pg_catalog.text",
		{TEXTOID, TEXTOID}};
	char *readdressed;

	store_query(&statement, ARGUMENTS(text_datum(document), text_datum(new_email)), NULL);
	readdressed = TextDatumGetCString(store_value(0, 1, TEXTOID));
	store_finish();
	return readdressed;
}

bool
store_leaving_any(void)
{
	static StoreStatement statement = {"SELECT 1 FROM djust_auth.leaving_user LIMIT 1"};

	return store_run(&statement, ARGUMENTS()) > 0;
}

bool
store_leaving_take(const pg_uuid_t *id, const pg_uuid_t *move, LeavingUser *leaving)
{
	static StoreStatement statement = {"DELETE FROM djust_auth.leaving_user WHERE user_id" EQ "$1 AND move" EQ
									   "$2 RETURNING move, shard, sealed",
									   {UUIDOID, UUIDOID}};

	return read_leaving(&statement, ARGUMENTS(UUIDPGetDatum(id), UUIDPGetDatum(move)), leaving);
}

bool
store_move_decide(const pg_uuid_t *move, bool refused, bool *was_refused)
{
	static StoreStatement insert = {
		"INSERT INTO djust_auth.decided_move (move, refused) VALUES ($1, $2) ON CONFLICT DO NOTHING",
		{UUIDOID, BOOLOID}};
	static StoreStatement read = {"SELECT refused FROM djust_auth.decided_move WHERE move" EQ "$1", {UUIDOID}};
	bool first = store_run(&insert, ARGUMENTS(UUIDPGetDatum(move), BoolGetDatum(refused))) > 0;

	*was_refused =
		first ? refused : DatumGetBool(store_run_value(&read, ARGUMENTS(UUIDPGetDatum(move)), BOOLOID, NULL));
	return first;
}
