/*
 * token.c
 *		Owns authenticating the bearer of a token.
 *
 * Threats: forged, stale and confused tokens.  An access token is authentic if
 * its SHA-256 is the one stored in its session, or if a key signed it; in both
 * cases its session must be alive in the latest snapshot.  A refresh token is a
 * MAC over session and generation under the key file's key: nothing is stored
 * that could be stolen from a table.
 */
#include "postgres.h"

#include "port/pg_bswap.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "auth/link.h"
#include "auth/replica.h"
#include "auth/session_cutoff.h"
#include "auth/token.h"
#include "crypto/jwt.h"
#include "keys/key_file.h"
#include "keys/key_file_check.h"
#include "keys/signing_key.h"
#include "server/encoding.h"
#include "server/secret.h"
#include "server/settings.h"
#include "server/shard.h"
#include "tables/session_tid.h"
#include "text/bytes.h"

/* A token from the future was issued before the clock was set back.  A standby's clock may be slightly behind. */
#define CLOCK_SKEW_S 2
#define LATEST_S INT64CONST(253402300799) /* the end of the year 9999 */
#define REFRESH_PREFIX "djr_"
#define REFRESH_PREFIX_LENGTH 4
#define REFRESH_CONTENT_SIZE (UUID_LEN + 4)
#define REFRESH_SIZE (REFRESH_CONTENT_SIZE + SHA256_SIZE)
#define REFRESH_LENGTH (REFRESH_PREFIX_LENGTH + B64URL_LENGTH(REFRESH_SIZE))

/* An access token's session id, and its hash, which its session row may contain. */
typedef struct TokenKey
{
	pg_uuid_t sid;
	uint8_t hash[SHA256_SIZE];
} TokenKey;

struct TokenMemo
{
	MemoryContext context;
	SecretCopy token; /* the token that the other fields belong to */
	TokenKey key;
	uint64 signed_epoch; /* of the keys that verified the signature; 0: none did */
	TimestampTz issued_at; /* from the signed claims */
	TimestampTz expires_at;
};

static JsonbValue *
member(Jsonb *object, const char *name, JsonbValue *value, enum jbvType type)
{
	JsonbValue *found = getKeyJsonValueFromContainer(&object->root, name, strlen(name), value);

	return found && found->type == type ? found : NULL;
}

static bool
member_is(Jsonb *object, const char *name, const char *expected)
{
	JsonbValue value;

	return member(object, name, &value, jbvString) &&
		   slice_equal((Slice){value.val.string.val, value.val.string.len}, slice_of(expected));
}

static bool
member_time(Jsonb *object, const char *name, TimestampTz *time)
{
	JsonbValue value;
	int64 seconds;

	if (!member(object, name, &value, jbvNumeric))
		return false;
	seconds = DatumGetInt64(DirectFunctionCall1(numeric_int8, NumericGetDatum(value.val.numeric)));
	if (seconds < 0 || seconds > LATEST_S)
		return false;
	*time = time_t_to_timestamptz(seconds);
	return true;
}

static bool
read_claims(char *payload, size_t n, Bearer *bearer)
{
	Jsonb *claims = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(database_from_utf8(payload, n))));

	return JB_ROOT_IS_OBJECT(claims) && member_is(claims, "iss", setting_issuer) &&
		   member_is(claims, "aud", setting_audience) && member_time(claims, "exp", &bearer->expires_at) &&
		   member_time(claims, "iat", &bearer->issued_at);
}

/*
 * Another holder of an HS256 key may sign text that is not JSON, or numbers that do not fit.  The functions that reject
 * these hold only memory, so their errors can be caught here.
 */
static bool
can_read_claims(char *payload, size_t n, Bearer *bearer)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool good = false;

	PG_TRY();
	{
		good = read_claims(payload, n, bearer);
	}
	PG_CATCH();
	{
		if (ERRCODE_TO_CATEGORY(geterrcode()) != ERRCODE_DATA_EXCEPTION)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		FlushErrorState();
	}
	PG_END_TRY();
	return good;
}

/* Reads the payload only after verifying the signature. */
static bool
read_signed(Slice token, Bearer *bearer)
{
	JwtParts parts;
	char *payload;
	size_t n;

	if (!jwt_split(token, &parts) || !signing_key_verify(&parts))
		return false;
	payload = palloc(JWT_MAX);
	return jwt_payload(&parts, payload, &n) && can_read_claims(payload, n, bearer);
}

TokenMemo *
token_memo(void)
{
	TokenMemo *memo = palloc0(sizeof(TokenMemo));

	memo->context = CurrentMemoryContext;
	return memo;
}

/* Uses the memo only for exactly the same token. */
static bool
decode_token(Slice token, TokenMemo *memo, TokenKey *key)
{
	if (token.length > JWT_MAX)
		return false;
	if (memo && secret_is(&memo->token, token))
	{
		*key = memo->key;
		return true;
	}
	if (!jwt_peek_sid(token, key->sid.data))
		return false;
	session_tid_prefetch(&key->sid);
	if (!crypto_sha256(token.data, token.length, key->hash))
		return false;
	session_tid_prefetch_row(&key->sid);
	if (memo)
	{
		secret_keep(&memo->token, memo->context, token);
		memo->key = *key;
		memo->signed_epoch = 0;
	}
	return true;
}

/* A signature stays good until a key changes; the caller checks the times. */
static bool
read_signed_once(Slice token, TokenMemo *memo, Bearer *bearer)
{
	uint64 epoch;

	AcceptInvalidationMessages();
	epoch = catalog_epoch();
	if (memo && memo->signed_epoch == epoch)
	{
		bearer->issued_at = memo->issued_at;
		bearer->expires_at = memo->expires_at;
		return true;
	}
	if (!read_signed(token, bearer))
		return false;
	if (memo)
	{
		memo->signed_epoch = epoch;
		memo->issued_at = bearer->issued_at;
		memo->expires_at = bearer->expires_at;
	}
	return true;
}

TimestampTz
token_sessions_since(TimestampTz now)
{
	return Max(now - setting_session_max_lifetime * USECS_PER_SEC, session_cutoff());
}

bool
token_session_lives(const SessionRow *session, TimestampTz now)
{
	return now < session->expires_at && session->created_at > token_sessions_since(now);
}

bool
token_find_access(Slice token, TokenMemo *memo, Bearer *bearer)
{
	TimestampTz now = GetCurrentTimestamp();
	TokenKey key;

	if (!decode_token(token, memo, &key) || key_file_in_copy() || replica_is_behind() ||
		!catalog_session(&key.sid, &bearer->session) || !token_session_lives(&bearer->session, now))
		return false;
	if (bytes_equal(key.hash, bearer->session.access_hash, SHA256_SIZE))
	{
		bearer->issued_at = bearer->session.refreshed_at;
		bearer->expires_at = bearer->session.access_expires_at;
	}
	else if (!read_signed_once(token, memo, bearer))
		return false;
	return now < bearer->expires_at && bearer->issued_at <= now + CLOCK_SKEW_S * USECS_PER_SEC;
}

static void
refresh_content(const pg_uuid_t *sid, int32 generation, uint8_t content[REFRESH_SIZE])
{
	uint32 number = pg_hton32((uint32) generation);

	memcpy(content, sid->data, UUID_LEN);
	memcpy(content + UUID_LEN, &number, sizeof(number));
	key_file_refresh_mac(content, REFRESH_CONTENT_SIZE, content + REFRESH_CONTENT_SIZE);
}

char *
token_make_refresh(const pg_uuid_t *sid, int32 generation)
{
	char *token = secret_alloc(REFRESH_LENGTH + 1);
	uint8_t content[REFRESH_SIZE];

	refresh_content(sid, generation, content);
	memcpy(token, REFRESH_PREFIX, REFRESH_PREFIX_LENGTH);
	b64_encode(BASE64_URL, content, REFRESH_SIZE, token + REFRESH_PREFIX_LENGTH);
	bytes_wipe(content, sizeof(content));
	return token;
}

static bool
decode_refresh(Slice token, uint8_t content[REFRESH_SIZE])
{
	size_t n;

	return token.length == REFRESH_LENGTH && slice_begins(token, REFRESH_PREFIX) &&
		   b64_decode(BASE64_URL, slice_after(token, REFRESH_PREFIX_LENGTH), content, REFRESH_SIZE, &n) &&
		   n == REFRESH_SIZE;
}

/* Verifies the MAC before any table is read. */
static bool
read_refresh(Slice token, pg_uuid_t *sid, int32 *generation)
{
	uint8_t given[REFRESH_SIZE];
	uint8_t expected[REFRESH_SIZE];
	uint32 number;
	bool good;

	/* without a known key file there are no sessions */
	if (!decode_refresh(token, given) || !key_file_check())
		return false;
	memcpy(sid->data, given, UUID_LEN);
	memcpy(&number, given + UUID_LEN, sizeof(number));
	*generation = (int32) pg_ntoh32(number);
	refresh_content(sid, *generation, expected);
	good = bytes_equal(given, expected, REFRESH_SIZE);
	bytes_wipe(expected, sizeof(expected));
	return good;
}

int
token_shard(Slice token)
{
	uint8_t content[REFRESH_SIZE];
	JwtParts parts;
	pg_uuid_t sid;
	int shard = link_shard(token);

	if (decode_refresh(token, content))
	{
		memcpy(sid.data, content, UUID_LEN);
		shard = shard_of_sid(&sid);
	}
	else if (jwt_split(token, &parts) && jwt_peek_sid(token, sid.data))
		shard = shard_of_sid(&sid);
	bytes_wipe(content, sizeof(content));
	return shard;
}

RefreshState
token_find_refresh(Slice token, TimestampTz presented_at, SessionRow *session)
{
	pg_uuid_t sid;
	int32 generation;
	TimestampTz now;

	if (!read_refresh(token, &sid, &generation) || key_file_in_copy() || replica_is_behind() ||
		!catalog_session(&sid, session) || !token_session_lives(session, now = GetCurrentTimestamp()) ||
		generation > session->generation)
		return REFRESH_DEAD;
	if (generation == session->generation)
		return REFRESH_CURRENT;
	/* refreshed_at in the future: the clock was set back, so the time since is unknown */
	if (generation == session->generation - 1 && session->refreshed_at <= now &&
		presented_at - session->refreshed_at < setting_refresh_reuse_grace * USECS_PER_SEC)
		return REFRESH_PREVIOUS;
	return REFRESH_REUSED;
}
