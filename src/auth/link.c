/*
 * link.c
 *		Owns the secrets of links in mails.
 *
 * Threats: a secret that is guessed (260 random bits), or used where another
 * kind is meant (each kind has its prefix, which the stored hash covers).
 */
#include "postgres.h"

#include "lib/stringinfo.h"

#include "auth/link.h"
#include "server/secret.h"
#include "server/settings.h"
#include "server/shard.h"

#define PREFIX_LENGTH 4
/* 12 bits of the shard and 260 random bits; in 1.0 there were 256 random bits and no shard. */
#define SECRET_SIZE 34
#define SECRET_SIZE_1_0 32
#define TOKEN_LENGTH(size) (PREFIX_LENGTH + B64URL_LENGTH(size))

static const struct
{
	const char *prefix;
	char **url;
} kinds[] = {
	[LINK_RESET] = {"djp_", &setting_reset_url},
	[LINK_CONFIRM] = {"djc_", &setting_confirm_url},
	[LINK_REVERT] = {"djv_", &setting_confirm_url},
};

StaticAssertDecl(lengthof(kinds) == LINK_KINDS, "every kind has its prefix");

char *
link_make(LinkKind kind, const char *url, uint8_t hash[SHA256_SIZE])
{
	char *token = secret_alloc(TOKEN_LENGTH(SECRET_SIZE) + 1);
	uint8_t random[SECRET_SIZE];
	const char *place;

	url = url ? url : *kinds[kind].url;
	place = strstr(url, "{token}");
	if (!pg_strong_random(random, sizeof(random)))
		elog(ERROR, "could not generate random bytes");
	shard_mark_secret(random);
	memcpy(token, kinds[kind].prefix, PREFIX_LENGTH);
	b64_encode(BASE64_URL, random, sizeof(random), token + PREFIX_LENGTH);
	bytes_wipe(random, sizeof(random));
	if (!crypto_sha256(token, TOKEN_LENGTH(SECRET_SIZE), hash))
		elog(ERROR, "could not hash a token");
	return psprintf("%.*s%s%s", (int) (place - url), url, token, place + strlen("{token}"));
}

bool
link_has_prefix(Slice token, LinkKind kind)
{
	return slice_begins(token, kinds[kind].prefix);
}

static bool
is_of_kind(Slice token, LinkKind kind)
{
	return link_has_prefix(token, kind) && (token.length == TOKEN_LENGTH(SECRET_SIZE) ||
											(kind == LINK_RESET && token.length == TOKEN_LENGTH(SECRET_SIZE_1_0)));
}

bool
link_hash(Slice token, LinkKind kind, uint8_t hash[SHA256_SIZE])
{
	return is_of_kind(token, kind) && crypto_sha256(token.data, token.length, hash);
}

int
link_shard(Slice token)
{
	uint8_t secret[SECRET_SIZE];
	int shard = -1;
	size_t n;
	int kind;

	for (kind = 0; kind < LINK_KINDS; kind++)
		if (is_of_kind(token, kind) && token.length == TOKEN_LENGTH(SECRET_SIZE) &&
			b64_decode(BASE64_URL, slice_after(token, PREFIX_LENGTH), secret, SECRET_SIZE, &n))
			shard = shard_of_secret(secret);
	bytes_wipe(secret, sizeof(secret));
	return shard;
}

static int
prefix_at(const char *text)
{
	int kind;

	for (kind = 0; kind < LINK_KINDS; kind++)
		if (strncmp(text, kinds[kind].prefix, PREFIX_LENGTH) == 0)
			return PREFIX_LENGTH;
	return 0;
}

char *
link_mask(const char *text)
{
	StringInfoData out;

	initStringInfo(&out);
	while (*text)
	{
		int n = prefix_at(text);

		appendBinaryStringInfo(&out, text, Max(n, 1));
		text += Max(n, 1);
		if (n == 0)
			continue;
		appendStringInfoString(&out, "***");
		text += strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
	}
	return out.data;
}
