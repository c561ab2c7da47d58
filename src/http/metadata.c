/*
 * metadata.c
 *		Owns the metadata of the authorization server (RFC 8414).
 *
 * Threat: a client that sends passwords and tokens to somebody else's endpoints.
 * All addresses come from settings that only a superuser can change, none from
 * the request.
 */
#include "postgres.h"

#include "http/metadata.h"
#include "server/json.h"
#include "server/settings.h"

static void
require_issuer(void)
{
	if (!settings_is_base_url(setting_issuer))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("djust_auth.issuer is not a URL, so there is no metadata"),
				 errhint("Set it to an https URL (http for localhost) without query and fragment, such as "
						 "https://shop.example.")));
}

/* PostgREST's path of a function, below djust_auth.api_url or else the issuer. */
static void
endpoint(StringInfo out, const char *name, const char *function)
{
	const char *base = *setting_api_url ? setting_api_url : setting_issuer;
	size_t length = strlen(base);

	if (base[length - 1] == '/')
		length--;
	json_string(out, name, psprintf("%.*s/rpc/%s", (int) length, base, function));
}

/* The caller passes JSON. */
static void
array(StringInfo out, const char *name, const char *elements)
{
	json_member(out, name);
	appendStringInfo(out, "[%s]", elements);
}

/*
 * Clients of djust_token and djust_logout are first-party and public.  Introspection over HTTP needs the bearer of a
 * role that may call it (RFC 7662 section 2.1).  There is no authorization endpoint, hence no response type.
 */
char *
metadata_json(void)
{
	StringInfoData out;

	require_issuer();
	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	json_string(&out, "issuer", setting_issuer);
	endpoint(&out, "token_endpoint", "djust_token");
	endpoint(&out, "revocation_endpoint", "djust_logout");
	endpoint(&out, "introspection_endpoint", "djust_introspect");
	endpoint(&out, "jwks_uri", "djust_jwks");
	array(&out, "grant_types_supported", "\"password\",\"refresh_token\"");
	array(&out, "response_types_supported", "");
	array(&out, "token_endpoint_auth_methods_supported", "\"none\"");
	array(&out, "revocation_endpoint_auth_methods_supported", "\"none\"");
	array(&out, "introspection_endpoint_auth_methods_supported", "\"Bearer\"");
	appendStringInfoChar(&out, '}');
	return out.data;
}
