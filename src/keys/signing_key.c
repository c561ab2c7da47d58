/*
 * signing_key.c
 *		Owns the signing keys: generated, sealed, parsed once per backend.
 *
 * Threat: a key used with an algorithm other than its own, or a token signed by
 * a deleted key.  Each key has the one JWT header that it writes and verifies;
 * the cache is dropped when any key changes, in every backend at commit
 * (catalog_epoch).
 */
#include "postgres.h"

#include "commands/async.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "keys/key_file.h"
#include "keys/key_file_check.h"
#include "keys/key_file_disk.h"
#include "keys/signing_key.h"
#include "server/encoding.h"
#include "server/json.h"
#include "server/secret.h"
#include "server/settings.h"
#include "tables/catalog.h"
#include "tables/store.h"
#include "text/bytes.h"

/* Extra time in which a retired key verifies: tokens may be signed while the transaction that retires it is open. */
#define RETIREMENT_SLACK_S 300

/* PostgREST loads a new key a moment after the commit: until then it gets tokens of the previous key. */
#define LEAD_S 5

typedef struct SigningKey
{
	char kid[JWT_KID_MAX + 1];
	CryptoAlg alg;
	bool active;
	TimestampTz created_at;
	TimestampTz verify_until;
	int longest_token; /* s */
	char encoded[JWT_HEADER_MAX];
	Slice header;
	CryptoKey *verifier; /* NULL if it could not be opened */
	CryptoKey *signer; /* likewise */
} SigningKey;

static SigningKey *cached = NULL;
static int ncached = 0;
static uint64 cached_epoch = 0;
static uint64 cached_generation = 0; /* of the key file */
static bool some_unopened = false;

static void
drop_cache(void)
{
	int i;

	for (i = 0; i < ncached; i++)
	{
		if (cached[i].signer != cached[i].verifier)
			crypto_key_free(cached[i].signer);
		crypto_key_free(cached[i].verifier);
	}
	ncached = 0;
	if (cached)
		pfree(cached);
	cached = NULL;
	cached_epoch = 0;
	some_unopened = false;
}

/* NULL under another key file; callers then still verify with the public key. */
static CryptoKey *
open_private(const KeyRow *row, CryptoAlg alg)
{
	Slice sealed = text_slice(row->private_key);
	uint8_t *plain = secret_alloc(sealed.length + 1);

	if (!key_file_matches() || !key_file_open_key(row->kid, sealed, plain))
		return NULL;
	return crypto_key_private(alg, plain, sealed.length - SEAL_NONCE_SIZE - SEAL_TAG_SIZE);
}

static void
parse_key(const KeyRow *row, SigningKey *key)
{
	memset(key, 0, sizeof(*key));
	if (!crypto_alg_from_name(row->algorithm, &key->alg))
		elog(ERROR, "unknown algorithm in signing_key");
	strlcpy(key->kid, row->kid, sizeof(key->kid));
	key->active = row->active;
	key->created_at = row->created_at;
	key->verify_until = row->verify_until;
	key->longest_token = row->longest_token;
	key->header = (Slice){key->encoded, jwt_header(key->alg, key->kid, key->encoded)};
	key->signer = open_private(row, key->alg);
	key->verifier =
		key->alg == ALG_HS256 ?
			key->signer :
			crypto_key_public(key->alg, (uint8_t *) VARDATA_ANY(row->public_key), VARSIZE_ANY_EXHDR(row->public_key));
	some_unopened = some_unopened || key->signer == NULL;
}

/* Rebuilds the cache until no key changed meanwhile, and when the right key file is back. */
static void
load(void)
{
	uint64 epoch;

	AcceptInvalidationMessages();
	if (some_unopened)
		key_file_matches();
	while ((epoch = catalog_epoch()) != cached_epoch || cached_generation != key_file_generation())
	{
		List *rows;
		ListCell *cell;

		drop_cache();
		cached_generation = key_file_generation();
		rows = catalog_keys();
		cached = MemoryContextAllocZero(TopMemoryContext, sizeof(SigningKey) * (list_length(rows) + 1));
		foreach(cell, rows)
			parse_key(lfirst(cell), &cached[ncached++]);
		cached_epoch = epoch;
	}
}

static SigningKey *
active_key(void)
{
	int i;

	load();
	for (i = 0; i < ncached; i++)
		if (cached[i].active)
			return &cached[i];
	return NULL;
}

/* Returns the new kid, in the current context.  The commit notifies PostgREST. */
static char *
make_key(CryptoAlg alg)
{
	uint8_t *private_key = secret_alloc(CRYPTO_PRIVATE_MAX);
	uint8_t public_key[CRYPTO_PUBLIC_MAX];
	uint8_t sealed[CRYPTO_PRIVATE_MAX + SEAL_NONCE_SIZE + SEAL_TAG_SIZE];
	uint8_t random[12];
	size_t private_length;
	size_t public_length = 0;
	char *kid = palloc0(B64URL_LENGTH(sizeof(random)) + 1);

	if (!pg_strong_random(random, sizeof(random)) ||
		!crypto_generate(alg, private_key, &private_length, public_key, &public_length))
		elog(ERROR, "could not generate a signing key");
	b64_encode(BASE64_URL, random, sizeof(random), kid);
	key_file_seal_key(kid, private_key, private_length, sealed);
	store_key_insert(kid,
					 crypto_alg_name(alg),
					 sealed,
					 private_length + SEAL_NONCE_SIZE + SEAL_TAG_SIZE,
					 public_key,
					 public_length,
					 GetCurrentTimestamp(),
					 setting_access_token_lifetime);
	Async_Notify("pgrst", "reload config");
	return kid;
}

/* The lock lets one caller create the first key; the others then find it. */
static SigningKey *
active_key_or_new(void)
{
	SigningKey *key;

	key_file_require();
	key = active_key();
	if (key == NULL && setting_follower)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("no signing key has come from the shard that this one follows"),
				 errhint("See pg_stat_subscription here; there, the first login makes the key.")));
	if (key == NULL)
	{
		store_key_lock();
		if (active_key() == NULL)
			make_key(ALG_ES256);
		key = active_key();
	}
	if (key == NULL || key->signer == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the signing key could not be opened with the key file"),
				 errhint("Put the key file back that it was made with, or call djust_auth.rotate_signing_key().")));
	return key;
}

/* The newest key that PostgREST has had time to load; the oldest one if all are new. */
static SigningKey *
choose_key(bool for_postgrest)
{
	SigningKey *best = active_key_or_new();
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz token_end = now + setting_access_token_lifetime * USECS_PER_SEC;
	TimestampTz known = now - LEAD_S * USECS_PER_SEC;
	int i;

	for (i = 0; for_postgrest && i < ncached; i++)
	{
		SigningKey *key = &cached[i];

		if (key->signer && (key->active || token_end < key->verify_until) &&
			(best->created_at > known ? key->created_at < best->created_at :
										key->created_at > best->created_at && key->created_at <= known))
			best = key;
	}
	return best;
}

/*
 * A raised access_token_lifetime is recorded in the key with the first token, so that it verifies for longer; a
 * follower's by the shard that it follows.
 */
static SigningKey *
signing_key(bool for_postgrest)
{
	SigningKey *key = choose_key(for_postgrest);

	if (key->active && key->longest_token < setting_access_token_lifetime && !setting_follower)
	{
		store_key_lengthen(key->kid, setting_access_token_lifetime);
		key = choose_key(for_postgrest);
	}
	return key;
}

Slice
signing_key_sign(Slice payload, bool for_postgrest)
{
	SigningKey *key = signing_key(for_postgrest);
	char *token = secret_alloc(JWT_SIZE(key->header.length, payload.length) + 1);
	size_t length;

	if (!jwt_sign(key->signer, key->header, payload, token, &length))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("access token would be longer than %d characters", JWT_MAX),
				 errhint("Give the user fewer profiles.")));
	return (Slice){token, length};
}

bool
signing_key_verify(const JwtParts *parts)
{
	TimestampTz now = GetCurrentTimestamp();
	int i;

	load();
	for (i = 0; i < ncached; i++)
	{
		SigningKey *key = &cached[i];

		if ((key->active || now < key->verify_until) && slice_equal(parts->header, key->header))
		{
			/* the present key file does not open this HS256 key: the token cannot be verified, so raise */
			if (key->verifier == NULL)
				key_file_check();
			return key->verifier && jwt_verify(parts, key->header, key->verifier);
		}
	}
	return false;
}

static void
append_base64(StringInfo out, const char *name, const uint8_t *value, size_t n)
{
	char text[B64URL_LENGTH(CRYPTO_JWK_MAX) + 1];

	text[b64_encode(BASE64_URL, value, n, text)] = '\0';
	json_string(out, name, text);
}

/* RFC 7518 section 6, RFC 8037 section 2. */
static void
append_jwk(StringInfo out, const SigningKey *key)
{
	CryptoJwk jwk;

	if (!crypto_jwk(key->verifier, &jwk))
		elog(ERROR, "could not read the public key");
	json_member(out, NULL);
	appendStringInfoChar(out, '{');
	json_string(out, "kty", key->alg == ALG_ES256 ? "EC" : key->alg == ALG_RS256 ? "RSA" : "OKP");
	json_string(out, "use", "sig");
	json_string(out, "alg", crypto_alg_name(key->alg));
	json_string(out, "kid", key->kid);
	if (key->alg != ALG_RS256)
		json_string(out, "crv", key->alg == ALG_ES256 ? "P-256" : "Ed25519");
	append_base64(out, key->alg == ALG_RS256 ? "n" : "x", jwk.first, jwk.first_length);
	if (key->alg != ALG_EDDSA)
		append_base64(out, key->alg == ALG_RS256 ? "e" : "y", jwk.second, jwk.second_length);
	appendStringInfoChar(out, '}');
}

/* RFC 7518 section 6.4.  Returns false, and appends nothing, if it was sealed under another key file. */
static bool
append_symmetric_jwk(StringInfo out, const KeyRow *row)
{
	Slice sealed = text_slice(row->private_key);
	uint8_t *plain = secret_alloc(sealed.length + 1);
	char *text = secret_alloc(B64URL_LENGTH(sealed.length) + 1);

	if (!key_file_open_key(row->kid, sealed, plain))
		return false;
	b64_encode(BASE64_URL, plain, sealed.length - SEAL_NONCE_SIZE - SEAL_TAG_SIZE, text);
	json_member(out, NULL);
	appendStringInfoChar(out, '{');
	json_string(out, "kty", "oct");
	json_string(out, "alg", "HS256");
	json_string(out, "kid", row->kid);
	json_string(out, "k", text);
	appendStringInfoChar(out, '}');
	return true;
}

static void
append_symmetric(StringInfo out, TimestampTz now)
{
	ListCell *cell;

	foreach(cell, catalog_keys())
	{
		KeyRow *row = lfirst(cell);

		if (strcmp(row->algorithm, "HS256") == 0 && (row->active || now < row->verify_until))
			append_symmetric_jwk(out, row);
	}
}

char *
signing_key_jwks(bool with_secrets)
{
	TimestampTz now = GetCurrentTimestamp();
	StringInfoData out;
	int i;

	load();
	initStringInfo(&out);
	appendStringInfoString(&out, "{\"keys\":[");
	for (i = 0; i < ncached; i++)
		if (cached[i].alg != ALG_HS256 && cached[i].verifier && (cached[i].active || now < cached[i].verify_until))
			append_jwk(&out, &cached[i]);
	if (with_secrets)
		append_symmetric(&out, now);
	appendStringInfoString(&out, "]}");
	return out.data;
}

static CryptoAlg
alg_or_default(const SigningKey *key)
{
	return key ? key->alg : ALG_ES256;
}

/* The retired key verifies until its last token has expired. */
char *
signing_key_rotate(const char *algorithm)
{
	SigningKey *key;
	CryptoAlg alg;

	if (algorithm && !crypto_alg_from_name(algorithm, &alg))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown signing algorithm"),
				 errhint("Use ES256, HS256, RS256 or EdDSA.")));
	key_file_require();
	store_key_lock();
	key = active_key();
	if (algorithm == NULL)
		alg = alg_or_default(key);
	if (key)
		store_key_retire(GetCurrentTimestamp() + ((int64) key->longest_token + RETIREMENT_SLACK_S) * USECS_PER_SEC);
	return make_key(alg);
}

char *
signing_key_start_over(void)
{
	CryptoAlg alg;

	if (setting_follower)
		return NULL;
	store_key_lock();
	alg = alg_or_default(active_key());
	store_key_delete_all();
	return make_key(alg);
}

char *
signing_key_hs256(void)
{
	List *rows = catalog_keys();
	KeyRow *row = rows == NIL ? NULL : linitial(rows);
	StringInfoData jwk;

	if (row == NULL || !row->active || strcmp(row->algorithm, "HS256") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the active signing key is not an HS256 key"),
				 errhint("Other algorithms need no secret to verify: use djust_jwks().")));
	initStringInfo(&jwk);
	if (!append_symmetric_jwk(&jwk, row))
		elog(ERROR, "the signing key could not be opened with the key file");
	return jwk.data;
}
