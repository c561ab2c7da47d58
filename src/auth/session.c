/*
 * session.c
 *		Owns sessions: opening, renewing, listing, ending.
 *
 * A session lives while its row exists and has not expired; ending it deletes
 * the row.  Threat: a stolen refresh token.  Each is used once; a second use
 * after the grace period ends the session for both holders, and no rollback
 * revives it (session_revoke.c).
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "audit/audit.h"
#include "auth/session.h"
#include "auth/session_cutoff.h"
#include "http/postgrest.h"
#include "keys/key_file.h"
#include "keys/signing_key.h"
#include "server/encoding.h"
#include "server/json.h"
#include "server/settings.h"
#include "server/shard.h"
#include "server/uuid.h"
#include "shmem/counters.h"
#include "tables/store.h"

#define REFRESH_TRIES 50

/* Longest claim profiles, in bytes of names: a token must fit into an HTTP header. */
#define CLAIMED_PROFILES_MAX 2048

static TimestampTz
seconds_after(TimestampTz time, int seconds)
{
	return time + seconds * USECS_PER_SEC;
}

/* Omitted if the names have more than this many bytes in all. */
static void
append_profiles(StringInfo out, ArrayType *profiles, size_t longest)
{
	Datum *values;
	size_t length = 0;
	int n;
	int i;

	deconstruct_array(profiles, TEXTOID, -1, false, TYPALIGN_INT, &values, NULL, &n);
	for (i = 0; i < n; i++)
		length += VARSIZE_ANY_EXHDR(DatumGetPointer(values[i]));
	if (length > longest)
		return;
	json_member(out, "profiles");
	appendStringInfoChar(out, '[');
	for (i = 0; i < n; i++)
		json_string(out, NULL, TextDatumGetCString(values[i]));
	appendStringInfoChar(out, ']');
}

void
session_append_act(StringInfo out, const char *actor)
{
	if (actor == NULL)
		return;
	json_member(out, "act");
	appendStringInfoChar(out, '{');
	json_string(out, "sub", actor);
	appendStringInfoChar(out, '}');
}

char *
session_detail(const SessionRow *session)
{
	StringInfoData out;

	if (session->actor == NULL)
		return NULL;
	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	session_append_act(&out, session->actor);
	appendStringInfoChar(&out, '}');
	return out.data;
}

/* RFC 9068 section 2.2.  sid comes first: token.c finds the session by it. */
static Slice
make_access_token(const SessionRow *session, TimestampTz now)
{
	StringInfoData out;
	pg_uuid_t jti;

	uuid_new_v7(&jti);
	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	json_uuid(&out, "sid", &session->sid);
	json_number(&out, "exp", timestamptz_to_time_t(session->access_expires_at));
	json_number(&out, "iat", timestamptz_to_time_t(now));
	json_uuid(&out, "sub", &session->user_id);
	json_uuid(&out, "jti", &jti);
	json_string(&out, "iss", setting_issuer);
	json_string(&out, "aud", setting_audience);
	json_string(&out, "client_id", setting_client_id);
	session_append_act(&out, session->actor);
	append_profiles(&out, session->profiles, CLAIMED_PROFILES_MAX);
	if (*setting_jwt_role != '\0')
		json_string(&out, "role", setting_jwt_role);
	appendStringInfoChar(&out, '}');
	return signing_key_sign(slice_of(database_to_utf8(out.data)), postgrest_request());
}

/* Rounded down, because exp has whole seconds. */
static TimestampTz
access_expiry(TimestampTz now, TimestampTz session_end)
{
	TimestampTz end = Min(seconds_after(now, setting_access_token_lifetime), session_end);

	return end / USECS_PER_SEC * USECS_PER_SEC;
}

static TimestampTz
refresh_expiry(TimestampTz now, TimestampTz created_at)
{
	return Min(seconds_after(now, setting_refresh_token_lifetime),
			   seconds_after(created_at, setting_session_max_lifetime));
}

static int
seconds_until(TimestampTz now, TimestampTz then)
{
	return (int) ((then - now + USECS_PER_SEC / 2) / USECS_PER_SEC);
}

/* Times in tokens are whole seconds. */
static TimestampTz
whole_seconds(TimestampTz at)
{
	return at / USECS_PER_SEC * USECS_PER_SEC;
}

/* Makes both tokens of a session of this generation and expiry; sets the hash and the expiry of the access token. */
static void
issue(SessionRow *session, TimestampTz now, Answer *answer)
{
	Slice token;

	session->access_expires_at = access_expiry(now, session->expires_at);
	token = make_access_token(session, now);
	if (!crypto_sha256(token.data, token.length, session->access_hash))
		elog(ERROR, "could not hash a token");
	answer->access_token = token.data;
	answer->refresh_token = token_make_refresh(&session->sid, session->generation);
	answer->expires_in = seconds_until(now, session->access_expires_at);
	answer->refresh_expires_in = seconds_until(now, session->expires_at);
}

bool
session_limited(void)
{
	return setting_max_sessions > 0;
}

/* Called under the user's lock: ends the oldest sessions, so that there is room for one more. */
static void
make_room(const pg_uuid_t *user_id)
{
	TimestampTz now = GetCurrentTimestamp();
	ListCell *cell;

	foreach(cell, store_session_delete_oldest(user_id, now, token_sessions_since(now), setting_max_sessions - 1))
		audit_event("logout", user_id, lfirst(cell), "{\"cause\": \"max_sessions\"}");
}

void
session_open(const pg_uuid_t *user_id, const char *actor, pg_uuid_t *sid, Answer *answer)
{
	TimestampTz now = whole_seconds(GetCurrentTimestamp());
	SessionRow session = {
		.user_id = *user_id, .actor = actor, .refreshed_at = now, .expires_at = refresh_expiry(now, now)};

	/* all sessions may have ended within this second, or the clock was set back since */
	session.created_at = Max(now, session_cutoff() + 1);
	uuid_new_v7(&session.sid);
	shard_mark_sid(&session.sid);
	session.profiles = catalog_profiles_of(user_id);
	issue(&session, now, answer);
	if (session_limited())
		make_room(user_id);
	store_session_insert(&session, postgrest_client_address(), postgrest_user_agent());
	answer->verdict = VERDICT_OK;
	*sid = session.sid;
}

/*
 * Returns false if the row was changed since it was read.  The clock is read once, for the row and the token: it may be
 * set between two readings, and the token would live before it was issued.
 */
static bool
rotate(const SessionRow *session, Answer *answer)
{
	TimestampTz refreshed_at = GetCurrentTimestamp();
	TimestampTz now = whole_seconds(refreshed_at);
	SessionRow next = *session;

	next.generation++;
	next.expires_at = refresh_expiry(now, session->created_at);
	issue(&next, now, answer);
	return store_session_refresh(session, refreshed_at, next.expires_at, next.access_expires_at, next.access_hash);
}

static void
end_reused(const SessionRow *session)
{
	char *detail = session_detail(session);

	store_session_revoke(&session->sid);
	counter_add(COUNT_REFRESH_REUSES, 1);
	audit_event_autonomous("refresh_reuse",
						   &session->user_id,
						   &session->sid,
						   detail && strlen(detail) < EVENT_QUEUE_DETAIL_MAX ? detail : NULL);
}

void
session_refresh(Slice token, Answer *answer)
{
	TimestampTz presented_at = GetCurrentTimestamp();
	SessionRow session;
	int tries;

	key_file_require();
	answer->verdict = VERDICT_INVALID_GRANT;
	/* Repeated if the row changes between reading and writing: by another refresh, or a change of profiles. */
	for (tries = 0; tries < REFRESH_TRIES; tries++)
	{
		switch (token_find_refresh(token, presented_at, &session))
		{
			case REFRESH_DEAD:
				return;
			case REFRESH_REUSED:
				end_reused(&session);
				return;
			case REFRESH_PREVIOUS:
				/* a retry within the grace period; writes nothing, so any number of retries do not conflict */
				issue(&session, whole_seconds(GetCurrentTimestamp()), answer);
				break;
			case REFRESH_CURRENT:
				if (!rotate(&session, answer))
					continue;
				audit_event("refresh", &session.user_id, &session.sid, session_detail(&session));
				break;
		}
		answer->verdict = VERDICT_OK;
		counter_add(COUNT_REFRESHES, 1);
		return;
	}
}

/* A refresh token of any generation ends its session: an old one may be stolen. */
bool
session_logout(Slice token)
{
	Bearer bearer;

	if (!token_find_access(token, NULL, &bearer) &&
		token_find_refresh(token, GetCurrentTimestamp(), &bearer.session) == REFRESH_DEAD)
		return false;
	if (store_session_delete(&bearer.session.sid) == 0)
		return false;
	counter_add(COUNT_LOGOUTS, 1);
	audit_event("logout", &bearer.session.user_id, &bearer.session.sid, session_detail(&bearer.session));
	return true;
}

static void
audit_ended(const SessionRow *by, const pg_uuid_t *sid, int ended)
{
	StringInfoData detail;

	initStringInfo(&detail);
	appendStringInfoChar(&detail, '{');
	json_number(&detail, "ended", ended);
	session_append_act(&detail, by->actor);
	appendStringInfoChar(&detail, '}');
	audit_event("logout", &by->user_id, sid, detail.data);
}

int
session_end(Slice token, const pg_uuid_t *sid)
{
	Bearer bearer;
	SessionRow other;
	uint64 ended;

	if (!token_find_access(token, NULL, &bearer))
		return 0;
	if (sid == NULL)
	{
		/* waits for running logins, so that their sessions end, too */
		store_user_lock(&bearer.session.user_id);
		ended = store_session_delete_of(&bearer.session.user_id, &bearer.session.sid);
	}
	else if (!catalog_session(sid, &other) || memcmp(&other.user_id, &bearer.session.user_id, sizeof(pg_uuid_t)) != 0 ||
			 !token_session_lives(&other, GetCurrentTimestamp()))
		return 0;
	else
		ended = store_session_delete(sid);
	if (ended > 0)
		audit_ended(&bearer.session, sid, (int) ended);
	return (int) ended;
}

static void
append_entry(StringInfo out, const SessionEntry *entry, const pg_uuid_t *current)
{
	const SessionRow *row = &entry->session;

	json_member(out, NULL);
	appendStringInfoChar(out, '{');
	json_uuid(out, "sid", &row->sid);
	json_time(out, "created_at", row->created_at);
	json_time(out, "refreshed_at", row->refreshed_at);
	json_time(out, "expires_at", row->expires_at);
	json_string(out, "client_address", entry->client_address);
	json_string(out, "user_agent", entry->user_agent);
	session_append_act(out, row->actor);
	json_bool(out, "current", memcmp(&row->sid, current, sizeof(pg_uuid_t)) == 0);
	appendStringInfoChar(out, '}');
}

char *
session_list(Slice token)
{
	TimestampTz now = GetCurrentTimestamp();
	StringInfoData out;
	Bearer bearer;
	ListCell *cell;

	initStringInfo(&out);
	appendStringInfoChar(&out, '[');
	if (token_find_access(token, NULL, &bearer))
	{
		foreach(cell, catalog_sessions_of(&bearer.session.user_id))
		{
			SessionEntry *entry = lfirst(cell);

			if (token_session_lives(&entry->session, now))
				append_entry(&out, entry, &bearer.session.sid);
		}
	}
	appendStringInfoChar(&out, ']');
	return out.data;
}

/*
 * RFC 7662.  A refresh token is active only when `token_type_hint` is `refresh_token`: a resource server that checks
 * only "active" must not take it for an access token.
 */
char *
session_introspect(Slice token, bool refresh_too)
{
	const char *type = "Bearer";
	StringInfoData out;
	Bearer bearer;
	RefreshState state;
	UserRow user;

	if (!token_find_access(token, NULL, &bearer))
	{
		if (!refresh_too)
			return "{\"active\":false}";
		state = token_find_refresh(token, GetCurrentTimestamp(), &bearer.session);
		if (state != REFRESH_CURRENT && state != REFRESH_PREVIOUS)
			return "{\"active\":false}";
		type = "refresh_token";
		bearer.issued_at = bearer.session.refreshed_at;
		bearer.expires_at = bearer.session.expires_at;
	}
	if (!catalog_user_by_id(&bearer.session.user_id, &user))
		return "{\"active\":false}";
	initStringInfo(&out);
	appendStringInfoChar(&out, '{');
	json_bool(&out, "active", true);
	json_uuid(&out, "sub", &bearer.session.user_id);
	json_uuid(&out, "sid", &bearer.session.sid);
	json_string(&out, "username", user.email);
	json_number(&out, "iat", timestamptz_to_time_t(bearer.issued_at));
	json_number(&out, "exp", timestamptz_to_time_t(bearer.expires_at));
	json_string(&out, "iss", setting_issuer);
	json_string(&out, "token_type", type);
	session_append_act(&out, bearer.session.actor);
	append_profiles(&out, bearer.session.profiles, SIZE_MAX);
	appendStringInfoChar(&out, '}');
	return out.data;
}
