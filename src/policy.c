/*
 * policy.c
 *		Owns what administrators do to profiles, and whom the API is granted to.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "audit.h"
#include "catalog.h"
#include "errors.h"
#include "policy.h"
#include "rights.h"
#include "ring.h"
#include "store.h"

void
policy_drop_profile(const char *name)
{
	if (store_profile_delete(name) == 0)
		errors_unknown_profile(name);
}

static void
require_both(const pg_uuid_t *user_id, const char *profile)
{
	UserRow		user;

	if (!catalog_user_by_id(user_id, &user))
		errors_unknown_user(user_id);
	if (!catalog_profile_exists(profile))
		errors_unknown_profile(profile);
}

void
policy_add_profile(const pg_uuid_t *user_id, const char *profile)
{
	require_both(user_id, profile);
	store_user_profile_insert(user_id, profile);
}

void
policy_remove_profile(const pg_uuid_t *user_id, const char *profile)
{
	require_both(user_id, profile);
	store_user_profile_delete(user_id, profile);
}

void
policy_set_right(const char *profile, const char *route, const char *access)
{
	if (!catalog_profile_exists(profile))
		errors_unknown_profile(profile);
	store_right_set(profile, route, access);
}

static const char *
right_name(RouteRight right)
{
	return right == RIGHT_WRITE ? "write" : right == RIGHT_READ ? "read" : "none";
}

static void
describe(StringInfo out, List *decisions, RouteRight needed)
{
	const Decision *best = NULL;
	ListCell   *cell;

	foreach(cell, decisions)
	{
		const Decision *decision = lfirst(cell);

		if (best == NULL || decision->right > best->right)
			best = decision;
	}
	if (best == NULL)
		appendStringInfoString(out, "denied: no pattern of the user's profiles matches");
	else
		appendStringInfo(out, "%s: profile %s gives %s by pattern %s", best->right >= needed ? "allowed" : "denied",
						 best->profile, right_name(best->right), best->pattern);
	foreach(cell, decisions)
	{
		const Decision *decision = lfirst(cell);

		if (decision != best)
			appendStringInfo(out, "; profile %s gives %s by pattern %s", decision->profile, right_name(decision->right),
							 decision->pattern);
	}
}

char *
policy_explain(const pg_uuid_t *user_id, const char *route, const char *access)
{
	RouteRight	needed = rights_needed(access, strlen(access));
	ArrayType  *profiles = NULL;
	StringInfoData out;
	RouteFault	fault;
	List	   *decisions;
	UserRow		user;

	initStringInfo(&out);
	if (user_id)
	{
		if (!catalog_user_by_id(user_id, &user))
			errors_unknown_user(user_id);
		if (user.disabled)
			return "denied: the user is disabled";
		profiles = catalog_profiles_of(user_id);
	}
	decisions = rights_explain(profiles, route, strlen(route), &fault);
	if (fault != ROUTE_OK)
		appendStringInfo(&out, "denied: %s", route_fault_text(fault));
	else
		describe(&out, decisions, needed);
	return out.data;
}

/* Which functions each kind gets; each kind's letter marks the rows that are its. */
static const struct
{
	const char *signature;
	bool		administration;
	const char *kinds;			/* a: anonymous, c: customer, b: backend, p: authenticator (PostgREST), w: worker */
}			grants[] = {
	{"djust_login(text, text)", false, "acb"},
	{"djust_token(text, text, text, text, text, text, text)", false, "acb"},
	{"djust_refresh(text)", false, "acb"},
	{"djust_logout(text, text, text, text)", false, "acb"},
	{"djust_reset_request(text)", false, "acb"},
	{"djust_reset_confirm(text, text)", false, "acb"},
	{"djust_reset_page(text, text)", false, "acb"},
	{"djust_jwks()", false, "acb"},
	{"djust_pre_request()", false, "acb"},
	{"djust_request_user()", false, "acb"},
	{"djust_request_can(text, text)", false, "acb"},
	{"djust_can(text, text, text)", false, "cb"},
	{"djust_sessions(text)", false, "cb"},
	{"djust_end_session(text, uuid)", false, "cb"},
	{"djust_change_password(text, text, text)", false, "cb"},
	{"djust_introspect(text, text, text, text)", false, "b"},
	{"postgrest_config()", true, "p"},
	{"claim_mail(integer)", true, "w"},
	{"mail_sent(bigint)", true, "w"},
	{"mail_failed(bigint, text)", true, "w"},
	{"mail_rejected(bigint, text)", true, "w"},
	{"mail_due()", true, "w"},
	{"purge()", true, "w"},
	{"worker_start()", true, "w"},
	{"worker_write()", true, "w"},
	{"worker_purge()", true, "w"},
};

static char
letter_of(const char *kind)
{
	static const char *const names[] = {"anonymous", "customer", "backend", "authenticator", "worker"};
	int			i;

	for (i = 0; i < lengthof(names); i++)
		if (strcmp(kind, names[i]) == 0)
			return "acbpw"[i];
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown kind of grant \"%s\"", kind),
			 errhint("Use anonymous, customer, backend, authenticator or worker.")));
}

void
policy_grant(Oid role, const char *kind)
{
	char		letter = letter_of(kind);
	char	   *name = OidIsValid(role) ? pstrdup(quote_identifier(GetUserNameFromId(role, false))) : NULL;
	char	   *api = pstrdup(quote_identifier(get_namespace_name(catalog_api_schema())));
	int			i;

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cannot grant the API to PUBLIC")));
	/* PostgREST casts the reset page to its type, which is in djust_auth, as the role it serves */
	store_grant(psprintf("GRANT USAGE ON SCHEMA djust_auth%s%s TO %s", strchr("pw", letter) ? "" : ", ",
						 strchr("pw", letter) ? "" : api, name));
	for (i = 0; i < lengthof(grants); i++)
		if (strchr(grants[i].kinds, letter))
			store_grant(psprintf("GRANT EXECUTE ON FUNCTION %s.%s TO %s",
								 grants[i].administration ? "djust_auth" : api, grants[i].signature, name));
	ring_wake_at_commit();
	audit_event("administration", NULL, NULL, psprintf("{\"change\": \"api granted\", \"kind\": \"%s\"}", kind));
}
