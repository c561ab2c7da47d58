/*
 * postgrest.c
 *		Owns the settings through which PostgREST and this library
 *		communicate.
 *
 * Threat: any role can set them.  They yield only a token, which is verified,
 * an address and a user agent, which are recorded, and the name of a store view,
 * which chooses among those that administrators made.
 */
#include "postgres.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "access/xact.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "http/postgrest.h"
#include "server/json.h"
#include "server/secret.h"
#include "server/settings.h"
#include "text/bytes.h"

#define USER_AGENT_MAX 256

static const char *
setting(const char *name)
{
	const char *value = GetConfigOption(name, true, false);

	return value ? value : "";
}

const char *
postgrest_method(void)
{
	return setting("request.method");
}

const char *
postgrest_path(void)
{
	return setting("request.path");
}

bool
postgrest_request(void)
{
	return *postgrest_method() != '\0';
}

/* True if the first n bytes of a path, percent-decoded, equal text. */
static bool
reads_as(const char *path, size_t n, const char *text)
{
	const char *end = path + n;

	for (; path < end && *text; text++)
	{
		uint8_t c = (uint8_t) *path;
		bool escaped = c == '%' && end - path > 2 && bytes_hex_decode((Slice){path + 1, 2}, &c, 1);

		if (c != (uint8_t) *text)
			return false;
		path += escaped ? 3 : 1;
	}
	return path == end && *text == '\0';
}

/* Length of the last non-empty segment before *end; moves *end to its start. */
static size_t
last_segment(const char *path, const char **end)
{
	const char *stop;

	while (*end > path && (*end)[-1] == '/')
		(*end)--;
	stop = *end;
	while (*end > path && (*end)[-1] != '/')
		(*end)--;
	return stop - *end;
}

static bool
path_calls(const char *path, const char *function)
{
	const char *end = path + strcspn(path, "?");
	size_t n = last_segment(path, &end);

	if (!reads_as(end, n, function))
		return false;
	n = last_segment(path, &end);
	return reads_as(end, n, "rpc");
}

bool
postgrest_calls(const char *const *functions)
{
	const char *path = postgrest_path();

	for (; *functions; functions++)
		if (path_calls(path, *functions))
			return true;
	return false;
}

void
postgrest_refuse_query(const char *const *functions)
{
	const char *method = postgrest_method();

	if (*method != '\0' && (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0) && postgrest_calls(functions))
		postgrest_refuse(405, "Allow", "POST", "secrets are sent in the body of a POST, never in the address");
}

/* Any role can set these settings: malformed JSON is treated as an empty object and never quoted in an error. */
static char *
string_member(const char *json, const char *name, bool any_case)
{
	return json_find(json, name, (any_case ? JSON_ANY_CASE : 0) | JSON_OUTERMOST | JSON_STRINGS);
}

/* Header names are case-insensitive.  NULL if there is no such header. */
static char *
header_value(const char *name)
{
	return string_member(setting("request.headers"), name, true);
}

char *
postgrest_claim(const char *name)
{
	return string_member(setting("request.jwt.claims"), name, false);
}

struct PostgrestMemo
{
	MemoryContext context;
	bool known; /* the other fields are consistent; false if an error interrupted an update */
	SecretCopy headers;
	SecretCopy bearer;
	bool has_bearer;
};

PostgrestMemo *
postgrest_memo(void)
{
	PostgrestMemo *memo = palloc0(sizeof(PostgrestMemo));

	memo->context = CurrentMemoryContext;
	return memo;
}

/* Strips white space, and quotes around the whole value, which some documentation prints. */
static char *
unquoted(char *value)
{
	size_t n;

	value += strspn(value, " \t");
	for (n = strlen(value); n > 0 && (value[n - 1] == ' ' || value[n - 1] == '\t'); n--)
		;
	value[n] = '\0';
	if (n < 2 || value[0] != '"' || value[n - 1] != '"')
		return value;
	value[n - 1] = '\0';
	return value + 1;
}

/*
 * RFC 6750 section 2.1; the scheme is case-insensitive.  As in PostgREST, any white space ends the scheme, and a scheme
 * alone has an empty token.
 */
static const char *
find_bearer(void)
{
	static const char spaces[] = " \t\n\v\f\r";
	char *value = header_value("authorization");
	const char *header = value ? unquoted(value) : NULL;

	if (header == NULL || pg_strncasecmp(header, "bearer", 6) != 0 || strcspn(header, spaces) != 6)
		return NULL;
	return header + 6 + strspn(header + 6, spaces);
}

bool
postgrest_bearer(PostgrestMemo *memo, Slice *token)
{
	Slice headers = slice_of(setting("request.headers"));

	if (!memo->known || !secret_is(&memo->headers, headers))
	{
		const char *bearer = find_bearer();

		memo->known = false;
		secret_keep(&memo->headers, memo->context, headers);
		memo->has_bearer = bearer != NULL;
		if (bearer)
			secret_keep(&memo->bearer, memo->context, slice_of(bearer));
		memo->known = true;
	}
	*token = (Slice){memo->bearer.data, memo->bearer.length};
	return memo->has_bearer;
}

/* Empty, or ":" and a port. */
static bool
is_port(const char *text)
{
	size_t n;

	if (*text == '\0')
		return true;
	n = strspn(text + 1, "0123456789");
	return *text == ':' && n > 0 && text[n + 1] == '\0' && strtoul(text + 1, NULL, 10) <= 65535;
}

/* Strips the brackets of an IPv6 address, and a port. */
static char *
without_port(char *hop)
{
	char *end;

	if (*hop == '[')
	{
		end = strchr(++hop, ']');
		if (end == NULL || !is_port(end + 1))
			return NULL;
		*end = '\0';
		return strchr(hop, ':') ? hop : NULL;
	}
	end = strchr(hop, ':');
	if (end && strchr(hop, '.') && end > strchr(hop, '.') && is_port(end))
		*end = '\0';
	return hop;
}

/* The hop after the last comma, written by the nearest proxy; 0 if it is not an address. */
static Datum
forwarded_address(void)
{
	char *header = header_value(setting_client_address_header);
	unsigned char address[16];
	char *hop;
	char *end;

	if (header == NULL)
		return (Datum) 0;
	hop = strrchr(header, ',');
	hop = hop ? hop + 1 : header;
	hop += strspn(hop, " \t");
	for (end = hop + strlen(hop); end > hop && strchr(" \t", end[-1]); end--)
		end[-1] = '\0';
	hop = without_port(hop);
	if (hop == NULL || (inet_pton(AF_INET, hop, address) != 1 && inet_pton(AF_INET6, hop, address) != 1))
		return (Datum) 0;
	return DirectFunctionCall1(inet_in, CStringGetDatum(hop));
}

/* True for a request made for a client, by PostgREST or by a backend that sets request.headers. */
static bool
is_on_behalf(void)
{
	return postgrest_request() || *setting("request.headers") != '\0';
}

Datum
postgrest_client_address(void)
{
	LOCAL_FCINFO(fcinfo, 0);
	Datum address;

	/* The settings are missing without the preloaded library, while a dump is restored. */
	if (setting_client_address_header && *setting_client_address_header != '\0' && is_on_behalf())
		return forwarded_address();
	if (MyProcPort == NULL)
		return (Datum) 0;
	InitFunctionCallInfoData(*fcinfo, NULL, 0, InvalidOid, NULL, NULL);
	address = inet_client_addr(fcinfo);
	return fcinfo->isnull ? (Datum) 0 : address;
}

char *
postgrest_user_agent(void)
{
	char *agent = header_value("user-agent");

	if (agent)
		agent[pg_mbcliplen(agent, strlen(agent), USER_AGENT_MAX)] = '\0';
	return agent;
}

char *
postgrest_store(void)
{
	return *setting_store_header ? header_value(setting_store_header) : NULL;
}

char *
postgrest_accept_language(void)
{
	return header_value("accept-language");
}

static void
set_local(const char *name, const char *value)
{
	set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
}

#define NO_STORE "{\"Cache-Control\": \"no-store\"}, {\"Pragma\": \"no-cache\"}"

/* headers: a JSON array without brackets, as PostgREST reads it.  A 401 needs a challenge (RFC 9110 section 15.5.2). */
static void
answer(int status, const char *headers)
{
	/* a parallel worker cannot set anything; read-only functions may run there */
	if (!postgrest_request() || IsInParallelMode())
		return;
	set_local("response.headers",
			  psprintf("[%s%s]",
					   headers,
					   status == 401 ? ", {\"WWW-Authenticate\": \"Bearer realm=\\\"djust_auth\\\"\"}" : ""));
	if (status != 200)
		set_local("response.status", psprintf("%d", status));
}

static char *
retry_header(int retry_after)
{
	return retry_after > 0 ? psprintf(", {\"Retry-After\": \"%d\"}", retry_after) : "";
}

void
postgrest_answer(int status, int retry_after)
{
	answer(status, psprintf(NO_STORE "%s", retry_header(retry_after)));
}

void
postgrest_answer_page(int status, int retry_after, const char *language, const char *policy)
{
	answer(status,
		   psprintf(NO_STORE "%s, {\"Content-Security-Policy\": \"%s\"}, {\"Referrer-Policy\": \"no-referrer\"}, "
							 "{\"X-Content-Type-Options\": \"nosniff\"}, {\"Content-Language\": \"%s\"}, "
							 "{\"Vary\": \"Accept-Language\"}",
					retry_header(retry_after),
					policy,
					language));
}

void
postgrest_configure(const char *jwks, const char *audience, const char *pre_request)
{
	set_local("pgrst.jwt_secret", jwks);
	set_local("pgrst.jwt_aud", audience);
	set_local("pgrst.db_pre_request", pre_request);
}

/* The SQLSTATE that PostgREST documents for raising a status and headers. */
void
postgrest_refuse(int status, const char *header, const char *value, const char *message)
{
	ereport(ERROR,
			(errcode(MAKE_SQLSTATE('P', 'G', 'R', 'S', 'T')),
			 errmsg("{\"code\": \"%d\", \"message\": \"%s\"}", status, message),
			 errdetail("{\"status\": %d, \"headers\": {\"%s\": \"%s\"}}", status, header, value)));
}
