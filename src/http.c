/*
 * http.c
 *		Owns the settings through which PostgREST and this library talk.
 *
 * Threat: any role can set these settings.  What is read from them is only
 * ever a token to be verified, or an address and a user agent to be recorded.
 */
#include "postgres.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "access/xact.h"
#include "common/jsonapi.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inet.h"

#include "compat.h"
#include "http.h"
#include "secret.h"
#include "settings.h"

#define USER_AGENT_MAX 256

static const char *
setting(const char *name)
{
	const char *value = GetConfigOption(name, true, false);

	return value ? value : "";
}

const char *
http_method(void)
{
	return setting("request.method");
}

const char *
http_path(void)
{
	return setting("request.path");
}

bool
http_request(void)
{
	return *http_method() != '\0';
}

/* What the parser's callbacks look for: a string member of the outermost object. */
typedef struct HeaderSearch
{
	JsonLexContext *lex;
	const char *name;
	bool		at_name;
	char	   *value;
} HeaderSearch;

static CompatJsonAction
header_field(void *state, char *name, bool is_null)
{
	HeaderSearch *search = state;

	search->at_name = search->lex->lex_level == 1 && strcmp(name, search->name) == 0;
	return COMPAT_JSON_SUCCESS;
}

static CompatJsonAction
header_value(void *state, char *token, JsonTokenType type)
{
	HeaderSearch *search = state;

	if (search->at_name && search->lex->lex_level == 1)
		search->value = type == JSON_TOKEN_STRING ? token : NULL;
	search->at_name = false;
	return COMPAT_JSON_SUCCESS;
}

/* Any role can set these settings: what is no JSON object has no members, and nothing of it reaches an error text. */
static char *
string_member(const char *json, const char *name)
{
	HeaderSearch search = {.name = name};
	JsonSemAction actions = {.semstate = &search, .object_field_start = header_field, .scalar = header_value};

	if (*json == '\0')
		return NULL;
	search.lex = CompatMakeJsonLexContext((char *) json, strlen(json), GetDatabaseEncoding());
	if (pg_parse_json(search.lex, &actions) != JSON_SUCCESS)
		return NULL;
	return search.value;
}

char *
http_header(const char *name)
{
	return string_member(setting("request.headers"), name);
}

char *
http_claim(const char *name)
{
	return string_member(setting("request.jwt.claims"), name);
}

struct HttpMemo
{
	MemoryContext context;
	bool		known;			/* the rest belongs together; not so after an error in between */
	SecretCopy	headers;
	SecretCopy	bearer;
	bool		has_bearer;
};

HttpMemo *
http_memo(void)
{
	HttpMemo   *memo = palloc0(sizeof(HttpMemo));

	memo->context = CurrentMemoryContext;
	return memo;
}

/*
 * RFC 6750 section 2.1; the scheme's name is compared without regard to case.  PostgREST ends it at any white space and
 * takes a scheme without a token for an empty token: what it takes for a bearer is one here.
 */
static const char *
find_bearer(void)
{
	static const char spaces[] = " \t\n\v\f\r";
	const char *header = http_header("authorization");

	if (header == NULL || pg_strncasecmp(header, "bearer", 6) != 0 || strcspn(header, spaces) != 6)
		return NULL;
	return header + 6 + strspn(header + 6, spaces);
}

bool
http_bearer(HttpMemo *memo, const char **token, size_t *length)
{
	const char *headers = setting("request.headers");
	size_t		headers_length = strlen(headers);

	if (!memo->known || !secret_is(&memo->headers, headers, headers_length))
	{
		const char *bearer = find_bearer();

		memo->known = false;
		secret_keep(&memo->headers, memo->context, headers, headers_length);
		memo->has_bearer = bearer != NULL;
		if (bearer)
			secret_keep(&memo->bearer, memo->context, bearer, strlen(bearer));
		memo->known = true;
	}
	*token = memo->bearer.data;
	*length = memo->bearer.length;
	return memo->has_bearer;
}

/* The part that the nearest proxy wrote: after the last comma, if it is an address. */
static Datum
forwarded_address(void)
{
	char	   *header = http_header(setting_client_address_header);
	char	   *hop;
	char	   *end;

	if (header == NULL)
		return (Datum) 0;
	hop = strrchr(header, ',');
	hop = hop ? hop + 1 : header;
	while (*hop == ' ')
		hop++;
	for (end = hop + strlen(hop); end > hop && end[-1] == ' '; end--)
		end[-1] = '\0';
	if (*hop == '\0' || strspn(hop, "0123456789abcdefABCDEF.:") != strlen(hop))
		return (Datum) 0;
	{
		unsigned char address[16];

		if (inet_pton(AF_INET, hop, address) != 1 && inet_pton(AF_INET6, hop, address) != 1)
			return (Datum) 0;
	}
	return DirectFunctionCall1(inet_in, CStringGetDatum(hop));
}

Datum
http_client_address(void)
{
	LOCAL_FCINFO(fcinfo, 0);
	Datum		address;

	/* Without the preloaded library there are no settings; a dump is being restored then. */
	if (setting_client_address_header && *setting_client_address_header != '\0' && http_request())
		return forwarded_address();
	if (MyProcPort == NULL)
		return (Datum) 0;
	InitFunctionCallInfoData(*fcinfo, NULL, 0, InvalidOid, NULL, NULL);
	address = inet_client_addr(fcinfo);
	return fcinfo->isnull ? (Datum) 0 : address;
}

char *
http_user_agent(void)
{
	char	   *agent = http_request() ? http_header("user-agent") : NULL;

	if (agent)
		agent[pg_mbcliplen(agent, strlen(agent), USER_AGENT_MAX)] = '\0';
	return agent;
}

static void
set(const char *name, const char *value)
{
	set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
}

#define NO_STORE "{\"Cache-Control\": \"no-store\"}, {\"Pragma\": \"no-cache\"}"

/* Headers as a JSON array, the form PostgREST reads.  A 401 names what it asks for (RFC 9110 section 15.5.2). */
static void
answer(int status, const char *headers)
{
	/* functions that only read may run in a parallel worker, where nothing can be set and nobody would read it */
	if (!http_request() || IsInParallelMode())
		return;
	set("response.headers",
		psprintf("[%s%s]", headers, status == 401 ? ", {\"WWW-Authenticate\": \"Bearer realm=\\\"djust_auth\\\"\"}" : ""));
	if (status != 200)
		set("response.status", psprintf("%d", status));
}

void
http_answer(int status, int retry_after)
{
	answer(status, retry_after > 0 ? psprintf(NO_STORE ", {\"Retry-After\": \"%d\"}", retry_after) : NO_STORE);
}

void
http_answer_page(int status, const char *policy)
{
	answer(status, psprintf(NO_STORE ", {\"Content-Security-Policy\": \"%s\"}, {\"Referrer-Policy\": \"no-referrer\"}, "
							"{\"X-Content-Type-Options\": \"nosniff\"}", policy));
}

void
http_configure(const char *jwks, const char *audience, const char *pre_request)
{
	set("pgrst.jwt_secret", jwks);
	set("pgrst.jwt_aud", audience);
	set("pgrst.db_pre_request", pre_request);
}

/* The error class PostgREST documents for raising a status and headers. */
void
http_refuse(int status, const char *challenge, const char *message)
{
	ereport(ERROR,
			(errcode(MAKE_SQLSTATE('P', 'G', 'R', 'S', 'T')),
			 errmsg("{\"code\": \"%d\", \"message\": \"%s\"}", status, message),
			 errdetail("{\"status\": %d, \"headers\": {\"WWW-Authenticate\": \"%s\"}}", status, challenge)));
}
