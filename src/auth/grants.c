/*
 * grants.c
 *		Owns the map from the kinds of grant_api to privileges.
 *
 * Threat: a role that gets too many privileges.  The scripts grant nothing but
 * monitoring to pg_monitor, only this table grants, and a test compares the
 * result with every object of the extension.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

#include "audit/audit.h"
#include "auth/grants.h"
#include "server/json.h"
#include "shmem/event_queue.h"
#include "tables/catalog.h"
#include "tables/store.h"

static const struct
{
	const char *name;
	char letter;
	bool public_api; /* also uses the schema named in CREATE EXTENSION */
} kinds[] = {
	{"anonymous", 'a', true},
	{"customer", 'c', true},
	{"backend", 'b', true},
	{"authenticator", 'p', false}, /* PostgREST's */
	{"worker", 'w', false},
	{"dba", 'd', false},
	{"monitor", 'm', false},
	{"mover", 'v', false},
};

/* Functions of the public API, and the letters of the kinds that may call them. */
static const struct
{
	const char *function;
	const char *kinds;
} public_api[] = {
	{"djust_login(text, text)", "acb"},
	{"djust_token(text, text, text, text, text, text, text)", "acb"},
	{"djust_refresh(text)", "acb"},
	{"djust_logout(text, text, text, text)", "acb"},
	{"djust_reset_request(text)", "acb"},
	{"djust_reset_confirm(text, text)", "acb"},
	{"djust_reset_page(text, text)", "acb"},
	{"djust_sign_up(text, text, text)", "acb"},
	{"djust_confirm_email(text)", "acb"},
	{"djust_revert_email(text)", "acb"},
	{"djust_sign_up_page(text, text)", "acb"},
	{"djust_confirm_page(text, text)", "acb"},
	{"djust_jwks()", "acb"},
	{"djust_metadata()", "acb"},
	{"djust_pre_request()", "acb"},
	{"djust_request_user()", "acb"},
	{"djust_request_can(text, text)", "acb"},
	{"djust_can(text, text, text)", "cb"},
	{"djust_sessions(text)", "cb"},
	{"djust_end_session(text, uuid)", "cb"},
	{"djust_change_password(text, text, text)", "cb"},
	{"djust_change_email(text, text, text)", "cb"},
	{"djust_introspect(text, text, text, text)", "b"},
};

/* Objects of the schema djust_auth; all others are the owner's: open_session, hs256_key, keys, triggers, grant_api. */
static const struct
{
	const char *privileges;
	const char *class;
	const char *object;
	const char *kinds;
} administration[] = {
	{"EXECUTE", "FUNCTION", "create_user(text, text, text[])", "d"},
	{"EXECUTE", "FUNCTION", "import_user(text, text, text[])", "d"},
	{"EXECUTE", "FUNCTION", "invite_user(text, text[], text)", "d"},
	{"EXECUTE", "FUNCTION", "set_password(uuid, text)", "d"},
	{"EXECUTE", "FUNCTION", "disable_user(uuid)", "d"},
	{"EXECUTE", "FUNCTION", "enable_user(uuid)", "d"},
	{"EXECUTE", "FUNCTION", "delete_user(uuid)", "d"},
	{"EXECUTE", "FUNCTION", "export_user(uuid)", "d"},
	{"EXECUTE", "FUNCTION", "change_email(uuid, text)", "dv"},
	{"EXECUTE", "FUNCTION", "move_state(uuid)", "v"},
	{"EXECUTE", "FUNCTION", "move_accepts(text)", "v"},
	{"EXECUTE", "FUNCTION", "move_out(uuid, text, integer)", "v"},
	{"EXECUTE", "FUNCTION", "move_by_link(text, integer)", "v"},
	{"EXECUTE", "FUNCTION", "link_target(text)", "bv"},
	{"EXECUTE", "FUNCTION", "link_followed(boolean, boolean)", "bv"},
	{"EXECUTE", "FUNCTION", "move_offer(uuid)", "v"},
	{"EXECUTE", "FUNCTION", "move_in(uuid, bytea)", "v"},
	{"EXECUTE", "FUNCTION", "move_done(uuid, uuid)", "v"},
	{"EXECUTE", "FUNCTION", "move_back(uuid, uuid)", "v"},
	{"EXECUTE", "FUNCTION", "move_refuse(uuid)", "v"},
	{"EXECUTE", "FUNCTION", "move_redirect(uuid, uuid, text, integer)", "v"},
	{"EXECUTE", "FUNCTION", "moves()", "v"},
	{"EXECUTE", "FUNCTION", "unlock_user(uuid)", "d"},
	{"EXECUTE", "FUNCTION", "end_sessions(uuid)", "d"},
	{"EXECUTE", "FUNCTION", "end_all_sessions(timestamp with time zone)", "d"},
	{"EXECUTE", "FUNCTION", "check_password(text)", "d"},
	{"EXECUTE", "FUNCTION", "check_hash(text)", "d"},
	{"EXECUTE", "FUNCTION", "token_shard(text)", "bd"},
	{"EXECUTE", "FUNCTION", "normal_email(text)", "bd"},
	{"EXECUTE", "FUNCTION", "email_shard(text, integer)", "bd"},
	{"EXECUTE", "FUNCTION", "create_profile(text, text)", "d"},
	{"EXECUTE", "FUNCTION", "drop_profile(text)", "d"},
	{"EXECUTE", "FUNCTION", "add_profile(uuid, text)", "d"},
	{"EXECUTE", "FUNCTION", "remove_profile(uuid, text)", "d"},
	{"EXECUTE", "FUNCTION", "set_right(text, text, djust_auth.access_right)", "d"},
	{"EXECUTE", "FUNCTION", "explain(uuid, text, text)", "d"},
	{"EXECUTE", "FUNCTION", "profile_access(text, text)", "d"},
	{"EXECUTE", "FUNCTION", "stats()", "dm"},
	{"EXECUTE", "FUNCTION", "stat_here()", "dm"},
	{"EXECUTE", "FUNCTION", "check()", "dm"},
	{"SELECT", "TABLE", "stat", "dm"},
	/* constraints and indexes call these as the role that writes */
	{"EXECUTE", "FUNCTION", "email_is_valid(text)", "d"},
	{"EXECUTE", "FUNCTION", "password_hash_is_valid(text)", "d"},
	{"EXECUTE", "FUNCTION", "route_is_valid(text)", "d"},
	{"EXECUTE", "FUNCTION", "route_key(text)", "d"},
	{"EXECUTE", "FUNCTION", "mail_template_is_valid(text, text, text)", "d"},
	{"EXECUTE", "FUNCTION", "store_is_valid(text, text, text)", "d"},
	{"USAGE", "TYPE", "access_right", "d"},
	{"SELECT, INSERT, UPDATE, DELETE", "TABLE", "customer_user", "d"},
	{"SELECT, INSERT, UPDATE, DELETE", "TABLE", "profile", "d"},
	{"SELECT, INSERT, UPDATE, DELETE", "TABLE", "user_profile", "d"},
	{"SELECT, INSERT, UPDATE, DELETE", "TABLE", "profile_right", "d"},
	{"SELECT, INSERT, UPDATE, DELETE", "TABLE", "mail_template", "d"},
	{"SELECT, INSERT, UPDATE, DELETE", "TABLE", "page_text", "d"},
	{"SELECT, INSERT, UPDATE, DELETE", "TABLE", "store", "d"},
	{"SELECT, INSERT, UPDATE, DELETE", "TABLE", "user_store", "d"},
	{"SELECT, INSERT, UPDATE, DELETE", "TABLE", "password_blocklist", "d"},
	{"SELECT, DELETE", "TABLE", "session", "d"},
	{"SELECT", "TABLE", "active_session", "d"},
	{"SELECT", "TABLE", "effective_right", "d"},
	{"SELECT", "TABLE", "audit_event", "d"},
	{"SELECT", "TABLE", "mail_queue", "d"},
	{"SELECT", "TABLE", "leaving_user", "d"},
	{"SELECT", "TABLE", "pending_email", "d"},
	{"SELECT", "TABLE", "throttle_lock", "d"},

	{"EXECUTE", "FUNCTION", "postgrest_config()", "p"},

	{"EXECUTE", "FUNCTION", "claim_mail(integer)", "w"},
	{"EXECUTE", "FUNCTION", "mail_sender(bigint)", "w"},
	{"EXECUTE", "FUNCTION", "mail_sent(bigint)", "w"},
	{"EXECUTE", "FUNCTION", "mail_failed(bigint, text)", "w"},
	{"EXECUTE", "FUNCTION", "mail_rejected(bigint, text)", "w"},
	{"EXECUTE", "FUNCTION", "mail_due()", "w"},
	{"EXECUTE", "FUNCTION", "purge()", "w"},
	{"EXECUTE", "FUNCTION", "worker_start()", "w"},
	{"EXECUTE", "FUNCTION", "worker_write()", "w"},
	{"EXECUTE", "FUNCTION", "worker_purge()", "w"},
	{"EXECUTE", "FUNCTION", "worker_heartbeat()", "w"},
	{"EXECUTE", "FUNCTION", "worker_seal()", "w"},
	{"EXECUTE", "FUNCTION", "audit_verify()", "d"},
};

/* The error does not quote the word, which may be a token in the wrong argument. */
static int
find_kind(const char *name)
{
	int i;

	for (i = 0; i < lengthof(kinds); i++)
		if (strcmp(name, kinds[i].name) == 0)
			return i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown kind of grant"),
			 errhint("Use anonymous, customer, backend, authenticator, worker, dba, monitor or mover.")));
}

static void
grant(const char *privileges, const char *class, const char *schema, const char *object, const char *role)
{
	store_grant(psprintf("GRANT %s ON %s %s.%s TO %s", privileges, class, schema, object, role));
}

/* False for an object of a newer version of the schema than the database has. */
static bool
is_there(const char *class, const char *schema, const char *object)
{
	LOCAL_FCINFO(call, 1);

	InitFunctionCallInfoData(*call, NULL, 1, InvalidOid, NULL, NULL);
	call->args[0].value = CStringGetTextDatum(psprintf("%s.%s", schema, object));
	call->args[0].isnull = false;
	if (strcmp(class, "FUNCTION") == 0)
		to_regprocedure(call);
	else if (strcmp(class, "TABLE") == 0)
		to_regclass(call);
	return !call->isnull;
}

static void
audit_grant(const char *kind, const char *role)
{
	StringInfoData detail;

	initStringInfo(&detail);
	appendStringInfoChar(&detail, '{');
	json_string(&detail, "change", "api granted");
	json_string(&detail, "kind", kind);
	json_string(&detail, "role", role);
	appendStringInfoChar(&detail, '}');
	audit_event("administration", NULL, NULL, detail.data);
}

void
grants_give(Oid role, const char *kind)
{
	int n = find_kind(kind);
	char letter = kinds[n].letter;
	char *name = OidIsValid(role) ? GetUserNameFromId(role, false) : NULL;
	const char *grantee;
	const char *schema;
	int i;

	if (name == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("cannot grant the API to PUBLIC")));
	grantee = quote_identifier(name);
	schema = quote_identifier(get_namespace_name(catalog_api_schema()));
	/* even for public kinds: PostgREST casts the reset page to its type as the request's role */
	store_grant(psprintf("GRANT USAGE ON SCHEMA djust_auth TO %s", grantee));
	if (kinds[n].public_api)
		store_grant(psprintf("GRANT USAGE ON SCHEMA %s TO %s", schema, grantee));
	for (i = 0; i < lengthof(public_api); i++)
		if (strchr(public_api[i].kinds, letter) && is_there("FUNCTION", schema, public_api[i].function))
			grant("EXECUTE", "FUNCTION", schema, public_api[i].function, grantee);
	for (i = 0; i < lengthof(administration); i++)
		if (strchr(administration[i].kinds, letter) &&
			is_there(administration[i].class, "djust_auth", administration[i].object))
			grant(
				administration[i].privileges, administration[i].class, "djust_auth", administration[i].object, grantee);
	event_queue_wake_at_commit();
	audit_grant(kind, name);
}
