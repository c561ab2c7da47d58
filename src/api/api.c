/*
 * api.c
 *		The public functions: fetch arguments, call one operation, return its
 *		answer.
 */
#include "postgres.h"

#include "utils/uuid.h"

#include "api/args.h"
#include "auth/email_change.h"
#include "auth/link.h"
#include "auth/login.h"
#include "auth/reset.h"
#include "auth/rights.h"
#include "auth/session.h"
#include "auth/sign_up.h"
#include "auth/token.h"
#include "http/confirm_page.h"
#include "http/metadata.h"
#include "http/page_text.h"
#include "http/postgrest.h"
#include "http/reset_page.h"
#include "http/sign_up_page.h"
#include "keys/signing_key.h"
#include "server/normalize.h"
#include "server/settings.h"

#define CHALLENGE "WWW-Authenticate"
#define CALL(function) ((const char *const[]){function, NULL})

/* Begins a writing API function; refuses GET, which would put secrets into the URL, in any kind of transaction. */
static void
begin_call(const char *function)
{
	begin_write(psprintf("%s()", function));
	postgrest_refuse_query(CALL(function));
}

SQL_FUNCTION(djust_login)
{
	Answer answer = {VERDICT_OK};

	begin_call("djust_login");
	REQUIRED(0, "email");
	REQUIRED(1, "password");
	login_with_password(SLICE(0), SLICE(1), &answer);
	RETURN_TEXT(answer_tokens(&answer, ANSWER_TO_LOGIN));
}

/* RFC 6749 sections 4.3 and 6; the client is first-party and public, so client_id and client_secret are not checked. */
static void
token_grant(FunctionCallInfo fcinfo, Answer *answer)
{
	char *grant = TEXT(0);

	answer->verdict = VERDICT_INVALID_REQUEST;
	if (strcmp(grant, "password") == 0)
	{
		if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
			answer->reason = "The grant password needs username and password.";
		else
			login_with_password(SLICE(1), SLICE(2), answer);
	}
	else if (strcmp(grant, "refresh_token") == 0)
	{
		if (PG_ARGISNULL(3))
			answer->reason = "The grant refresh_token needs refresh_token.";
		else
			session_refresh(SLICE(3), answer);
	}
	else
		answer->verdict = VERDICT_UNSUPPORTED_GRANT_TYPE;
}

SQL_FUNCTION(djust_token)
{
	Answer answer = {VERDICT_OK};

	begin_call("djust_token");
	REQUIRED(0, "grant_type");
	token_grant(fcinfo, &answer);
	RETURN_TEXT(answer_tokens(&answer, ANSWER_TO_OAUTH));
}

SQL_FUNCTION(djust_refresh)
{
	Answer answer = {VERDICT_OK};

	begin_call("djust_refresh");
	REQUIRED(0, "refresh_token");
	session_refresh(SLICE(0), &answer);
	RETURN_TEXT(answer_tokens(&answer, ANSWER_TO_LOGIN));
}

SQL_FUNCTION(djust_logout)
{
	begin_call("djust_logout");
	REQUIRED(0, "token");
	PG_RETURN_BOOL(session_logout(SLICE(0)));
}

/* Cache of a call site: the token it saw last.  Lives as long as the statement. */
typedef struct CallMemo
{
	PostgrestMemo *http;
	TokenMemo *token;
} CallMemo;

static CallMemo *
call_memo(FunctionCallInfo fcinfo)
{
	CallMemo *memo = fcinfo->flinfo->fn_extra;
	MemoryContext old;

	if (memo == NULL)
	{
		old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
		fcinfo->flinfo->fn_extra = memo = palloc(sizeof(CallMemo));
		memo->http = postgrest_memo();
		memo->token = token_memo();
		MemoryContextSwitchTo(old);
	}
	return memo;
}

/* RIGHT_NO_MATCH for a denied path. */
static RouteRight
right_on(Slice route, const Bearer *bearer)
{
	RoutePath path;

	if (normalize_path(route, &path) != ROUTE_OK)
		return RIGHT_NO_MATCH;
	return rights_access(bearer->session.profiles, &path);
}

SQL_FUNCTION(djust_can)
{
	RouteRight needed;
	Bearer bearer;

	preloaded_require();
	postgrest_refuse_query(CALL("djust_can"));
	REQUIRED(1, "route");
	REQUIRED(2, "access");
	needed = rights_needed(SLICE(2));
	bearer.session.profiles = NULL;
	if (!PG_ARGISNULL(0) && !token_find_access(SLICE(0), call_memo(fcinfo)->token, &bearer))
		PG_RETURN_BOOL(false);
	PG_RETURN_BOOL(right_on(SLICE(1), &bearer) >= needed);
}

SQL_FUNCTION(djust_reset_request)
{
	begin_call("djust_reset_request");
	REQUIRED(0, "email");
	reset_request(SLICE(0));
	PG_RETURN_VOID();
}

SQL_FUNCTION(djust_reset_confirm)
{
	Answer answer = {VERDICT_OK};

	begin_call("djust_reset_confirm");
	REQUIRED(0, "reset_token");
	REQUIRED(1, "new_password");
	reset_confirm(SLICE(0), SLICE(1), &answer);
	RETURN_TEXT(answer_status_text(&answer, "password_updated"));
}

/* Opening the page writes nothing and checks nothing; only a password sent with the token does. */
SQL_FUNCTION(djust_reset_page)
{
	Answer answer = {VERDICT_OK};
	Slice token;

	preloaded_require();
	if (!PG_ARGISNULL(1))
		begin_call("djust_reset_page");
	REQUIRED(0, "token");
	token = SLICE(0);
	if (!PG_ARGISNULL(1))
		reset_confirm(token, SLICE(1), &answer);
	RETURN_TEXT(reset_page_html(token, PG_ARGISNULL(1) ? NULL : &answer));
}

SQL_FUNCTION(djust_introspect)
{
	bool refresh_too;

	preloaded_require();
	postgrest_refuse_query(CALL("djust_introspect"));
	REQUIRED(0, "token");
	refresh_too = !PG_ARGISNULL(1) && strcmp(TEXT(1), "refresh_token") == 0;
	postgrest_answer(200, 0);
	RETURN_TEXT(session_introspect(SLICE(0), refresh_too));
}

SQL_FUNCTION(djust_change_password)
{
	Answer answer = {VERDICT_OK};

	begin_call("djust_change_password");
	REQUIRED(0, "access_token");
	REQUIRED(1, "current_password");
	REQUIRED(2, "new_password");
	login_change_password(SLICE(0), SLICE(1), SLICE(2), &answer);
	RETURN_TEXT(answer_status_text(&answer, "password_updated"));
}

/* NULL if the request names none. */
static const char *
request_language(void)
{
	return postgrest_accept_language() ? page_language() : NULL;
}

SQL_FUNCTION(djust_sign_up)
{
	Answer answer = {VERDICT_OK};

	begin_call("djust_sign_up");
	REQUIRED(0, "email");
	REQUIRED(1, "password");
	sign_up(SLICE(0), SLICE(1), PG_ARGISNULL(2) || SLICE(2).length == 0 ? request_language() : TEXT(2), &answer);
	RETURN_TEXT(answer_status_text(&answer, "confirmation_sent"));
}

SQL_FUNCTION(djust_confirm_email)
{
	Answer answer = {VERDICT_OK};

	begin_call("djust_confirm_email");
	REQUIRED(0, "token");
	email_confirm(SLICE(0), &answer);
	RETURN_TEXT(answer_status_text(&answer, "email_confirmed"));
}

SQL_FUNCTION(djust_change_email)
{
	Answer answer = {VERDICT_OK};

	begin_call("djust_change_email");
	REQUIRED(0, "access_token");
	REQUIRED(1, "current_password");
	REQUIRED(2, "new_email");
	email_change(SLICE(0), SLICE(1), SLICE(2), &answer);
	RETURN_TEXT(answer_status_text(&answer, "confirmation_sent"));
}

SQL_FUNCTION(djust_revert_email)
{
	Answer answer = {VERDICT_OK};

	begin_call("djust_revert_email");
	REQUIRED(0, "token");
	email_revert(SLICE(0), &answer);
	RETURN_TEXT(answer_status_text(&answer, "email_reverted"));
}

/* As the reset page: only a password sent to it signs up. */
SQL_FUNCTION(djust_sign_up_page)
{
	Slice email = PG_ARGISNULL(0) ? slice_of("") : SLICE(0);
	Answer answer = {VERDICT_OK};

	preloaded_require();
	if (!PG_ARGISNULL(1))
		begin_call("djust_sign_up_page");
	if (!PG_ARGISNULL(1) && setting_sign_up)
		sign_up(email, SLICE(1), page_language(), &answer);
	RETURN_TEXT(sign_up_page_html(email, PG_ARGISNULL(1) ? NULL : &answer));
}

SQL_FUNCTION(djust_confirm_page)
{
	Answer answer = {VERDICT_OK};
	bool puts_back;
	Slice token;

	preloaded_require();
	if (!PG_ARGISNULL(1))
		begin_call("djust_confirm_page");
	REQUIRED(0, "token");
	token = SLICE(0);
	puts_back = link_has_prefix(token, LINK_REVERT);
	if (!PG_ARGISNULL(1))
		(puts_back ? email_revert : email_confirm)(token, &answer);
	RETURN_TEXT(confirm_page_html(token, puts_back, PG_ARGISNULL(1) ? NULL : &answer));
}

SQL_FUNCTION(djust_sessions)
{
	preloaded_require();
	postgrest_refuse_query(CALL("djust_sessions"));
	REQUIRED(0, "access_token");
	postgrest_answer(200, 0);
	RETURN_TEXT(session_list(SLICE(0)));
}

SQL_FUNCTION(djust_end_session)
{
	begin_call("djust_end_session");
	REQUIRED(0, "access_token");
	PG_RETURN_INT32(session_end(SLICE(0), PG_ARGISNULL(1) ? NULL : PG_GETARG_UUID_P(1)));
}

SQL_FUNCTION(djust_jwks)
{
	preloaded_require();
	RETURN_TEXT(signing_key_jwks(false));
}

SQL_FUNCTION(djust_metadata)
{
	preloaded_require();
	RETURN_TEXT(metadata_json());
}

/* Bearer of the HTTP request.  Sets *present if there is a bearer token; false if that token is dead. */
static bool
request_bearer(FunctionCallInfo fcinfo, Bearer *bearer, bool *present)
{
	CallMemo *memo = call_memo(fcinfo);
	Slice token;

	bearer->session.profiles = NULL;
	*present = postgrest_bearer(memo->http, &token);
	return !*present || token_find_access(token, memo->token, bearer);
}

SQL_FUNCTION(djust_request_user)
{
	Bearer bearer;
	pg_uuid_t *user_id;
	bool present;

	preloaded_require();
	if (!request_bearer(fcinfo, &bearer, &present) || !present)
		PG_RETURN_NULL();
	user_id = palloc(sizeof(pg_uuid_t));
	*user_id = bearer.session.user_id;
	PG_RETURN_UUID_P(user_id);
}

SQL_FUNCTION(djust_request_can)
{
	RouteRight needed;
	Bearer bearer;
	bool present;

	preloaded_require();
	REQUIRED(0, "route");
	REQUIRED(1, "access");
	needed = rights_needed(SLICE(1));
	if (!request_bearer(fcinfo, &bearer, &present))
		PG_RETURN_BOOL(false);
	PG_RETURN_BOOL(right_on(SLICE(0), &bearer) >= needed);
}

/* PostgREST takes the role from the first Authorization header but passes on the last: compares their sessions. */
static bool
same_session(const Bearer *bearer, bool present)
{
	char *sid = postgrest_claim("sid");

	return sid == NULL ||
		   (present &&
			strcmp(sid, DatumGetCString(DirectFunctionCall1(uuid_out, UUIDPGetDatum(&bearer->session.sid)))) == 0);
}

/* Calls that lead to a session or need none: a dead bearer token does not matter there. */
static const char *const login_calls[] = {"djust_login",
										  "djust_token",
										  "djust_refresh",
										  "djust_reset_request",
										  "djust_reset_confirm",
										  "djust_reset_page",
										  "djust_metadata",
										  "djust_sign_up",
										  "djust_confirm_email",
										  "djust_revert_email",
										  "djust_sign_up_page",
										  "djust_confirm_page",
										  NULL};

/* For HEAD, PostgREST does not even call them.  Functions that write are refused by their read-only transaction. */
static const char *const readers_of_secrets[] = {"djust_can", "djust_introspect", "djust_sessions", NULL};

static bool
request_is_allowed(const Bearer *bearer)
{
	RouteRight needed;

	return rights_parse_access(slice_of(postgrest_method()), &needed) &&
		   right_on(slice_of(postgrest_path()), bearer) >= needed;
}

SQL_FUNCTION(djust_pre_request)
{
	Bearer bearer;
	bool present;

	preloaded_require();
	postgrest_refuse_query(readers_of_secrets);
	if (!request_bearer(fcinfo, &bearer, &present) || !same_session(&bearer, present))
	{
		if (!postgrest_calls(login_calls))
			postgrest_refuse(401,
							 CHALLENGE,
							 "Bearer realm=\\\"djust_auth\\\", error=\\\"invalid_token\\\"",
							 "the access token is not valid");
		present = false;
		bearer.session.profiles = NULL;
	}
	if (setting_enforce_routes && !request_is_allowed(&bearer))
	{
		if (!present)
			postgrest_refuse(401, CHALLENGE, "Bearer realm=\\\"djust_auth\\\"", "a login is needed");
		postgrest_refuse(403,
						 CHALLENGE,
						 "Bearer realm=\\\"djust_auth\\\", error=\\\"insufficient_scope\\\"",
						 "the profiles do not allow this");
	}
	PG_RETURN_VOID();
}
