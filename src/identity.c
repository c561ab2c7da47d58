/*
 * identity.c
 *		Owns the question who presents a token, now.
 *
 * Threats: forged, stale and confused tokens.  An access token is authentic if
 * its SHA-256 is the one its session remembers from issue, or if a key signed
 * it; either way its session must be alive in the latest snapshot.  A refresh
 * token is a MAC over session and generation under the key file's key: there
 * is nothing to store and nothing to steal from a table.
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"

#include "bytes.h"
#include "identity.h"
#include "jwt.h"
#include "keyfile.h"
#include "keys.h"
#include "secret.h"
#include "settings.h"

#define REFRESH_PREFIX "djr_"
#define REFRESH_PREFIX_LENGTH 4
#define REFRESH_CONTENT_SIZE (UUID_LEN + 4)
#define REFRESH_SIZE (REFRESH_CONTENT_SIZE + SHA256_SIZE)
#define REFRESH_LENGTH (REFRESH_PREFIX_LENGTH + B64URL_LENGTH(REFRESH_SIZE))

static TimestampTz
from_unix(int64 seconds)
{
	return (seconds - (int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY) * USECS_PER_SEC;
}

static JsonbValue *
member(Jsonb *object, const char *name, JsonbValue *value, enum jbvType type)
{
	JsonbValue *found = getKeyJsonValueFromContainer(&object->root, name, strlen(name), value);

	return found && found->type == type ? found : NULL;
}

static bool
member_is(Jsonb *object, const char *name, const char *expected)
{
	JsonbValue	value;

	return member(object, name, &value, jbvString) && value.val.string.len == strlen(expected) &&
		memcmp(value.val.string.val, expected, strlen(expected)) == 0;
}

static bool
member_time(Jsonb *object, const char *name, TimestampTz *time)
{
	JsonbValue	value;

	if (!member(object, name, &value, jbvNumeric))
		return false;
	*time = from_unix(DatumGetInt64(DirectFunctionCall1(numeric_int8, NumericGetDatum(value.val.numeric))));
	return true;
}

/* Only after the signature is known to be ours is the payload read. */
static bool
read_signed(const JwtParts *parts, Identity *identity)
{
	char	   *payload;
	size_t		length;
	Jsonb	   *claims;

	if (!keys_verify(parts))
		return false;
	payload = palloc(JWT_MAX);
	if (!jwt_payload(parts, payload, &length))
		return false;
	claims = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(payload)));
	return JB_ROOT_IS_OBJECT(claims) &&
		member_is(claims, "iss", setting_issuer) && member_is(claims, "aud", setting_audience) &&
		member_time(claims, "exp", &identity->expires_at) && member_time(claims, "iat", &identity->issued_at);
}

bool
identity_access(const char *token, size_t length, Identity *identity)
{
	TimestampTz now = GetCurrentTimestamp();
	uint8_t		hash[SHA256_SIZE];
	pg_uuid_t	sid;
	JwtParts	parts;

	if (!jwt_split(token, length, &parts) || !jwt_peek_sid(&parts, sid.data) ||
		!catalog_session(&sid, &identity->session) || now >= identity->session.expires_at ||
		!crypto_sha256(token, length, hash))
		return false;
	if (bytes_equal(hash, identity->session.access_hash, SHA256_SIZE))
	{
		identity->issued_at = identity->session.refreshed_at;
		identity->expires_at = identity->session.access_expires_at;
	}
	else if (!read_signed(&parts, identity))
		return false;
	return now < identity->expires_at;
}

static void
refresh_content(const pg_uuid_t *sid, int32 generation, uint8_t content[REFRESH_SIZE])
{
	int			i;

	memcpy(content, sid->data, UUID_LEN);
	for (i = 0; i < 4; i++)
		content[UUID_LEN + i] = (uint8_t) ((uint32) generation >> (8 * (3 - i)));
	keyfile_refresh_mac(content, REFRESH_CONTENT_SIZE, content + REFRESH_CONTENT_SIZE);
}

char *
identity_refresh_token(const pg_uuid_t *sid, int32 generation)
{
	char	   *token = secret_alloc(REFRESH_LENGTH + 1);
	uint8_t		content[REFRESH_SIZE];

	refresh_content(sid, generation, content);
	memcpy(token, REFRESH_PREFIX, REFRESH_PREFIX_LENGTH);
	b64url_encode(content, REFRESH_SIZE, token + REFRESH_PREFIX_LENGTH);
	bytes_wipe(content, sizeof(content));
	return token;
}

/* The MAC is compared before any table is read. */
static bool
read_refresh(const char *token, size_t length, pg_uuid_t *sid, int32 *generation)
{
	uint8_t		given[REFRESH_SIZE];
	uint8_t		expected[REFRESH_SIZE];
	size_t		n;
	bool		good;

	if (length != REFRESH_LENGTH || memcmp(token, REFRESH_PREFIX, REFRESH_PREFIX_LENGTH) != 0 ||
		!b64url_decode(token + REFRESH_PREFIX_LENGTH, length - REFRESH_PREFIX_LENGTH, given, sizeof(given), &n) ||
		n != REFRESH_SIZE)
		return false;
	memcpy(sid->data, given, UUID_LEN);
	*generation = (int32) (((uint32) given[16] << 24) | ((uint32) given[17] << 16) | ((uint32) given[18] << 8) | given[19]);
	refresh_content(sid, *generation, expected);
	good = bytes_equal(given, expected, REFRESH_SIZE);
	bytes_wipe(expected, sizeof(expected));
	return good;
}

RefreshState
identity_refresh(const char *token, size_t length, SessionRow *session)
{
	TimestampTz now = GetCurrentTimestamp();
	pg_uuid_t	sid;
	int32		generation;

	if (!read_refresh(token, length, &sid, &generation) || !catalog_session(&sid, session) ||
		now >= session->expires_at || generation > session->generation)
		return REFRESH_DEAD;
	if (generation == session->generation)
		return REFRESH_CURRENT;
	if (generation == session->generation - 1 &&
		now - session->refreshed_at < setting_refresh_reuse_grace * USECS_PER_SEC)
		return REFRESH_PREVIOUS;
	return REFRESH_REUSED;
}
