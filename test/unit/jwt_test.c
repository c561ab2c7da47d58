/*
 * jwt_test.c
 *		The round trip for each algorithm, and each known attack on JWS, by its
 *		name.  The signatures of RFC 7515 and RFC 8037 are in crypto_test.c.
 *
 * The attacker of these tests is given more than a real one has: where it
 * makes sense, forged tokens carry a good signature by the right key.
 */
#include <stdlib.h>

#include "text/bytes.h"
#include "check.h"
#include "crypto/jwt.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define KID "k1"
#define SID "01234567-89ab-cdef-0123-456789abcdef"
#define PAYLOAD "{\"sid\":\"" SID "\",\"sub\":\"someone\",\"exp\":1700000000}"
#define GOOD_HEADER(alg) "{\"typ\":\"at+jwt\",\"alg\":\"" alg "\",\"kid\":\"" KID "\"}"

/* Longer than any token, for tokens that are too long. */
typedef struct Token
{
	char text[2 * JWT_MAX];
	size_t length;
} Token;

/* One key of each algorithm, with the header it pins. */
typedef struct Signer
{
	CryptoKey *private_key;
	CryptoKey *public_key; /* the private one for HS256 */
	uint8_t public_der[CRYPTO_PUBLIC_MAX];
	size_t public_length;
	char encoded[JWT_HEADER_MAX];
	Slice header;
} Signer;

static const CryptoAlg algs[] = {ALG_ES256, ALG_HS256, ALG_RS256, ALG_EDDSA};

static Signer signers[4]; /* by CryptoAlg */
static Signer *const es256 = &signers[ALG_ES256];
static Signer *const hs256 = &signers[ALG_HS256];
static Signer *const rs256 = &signers[ALG_RS256];

/* A text as a token. */
static Token
token_of(const char *text)
{
	Token token;

	token.length = strlen(text);
	memcpy(token.text, text, token.length + 1);
	return token;
}

/* Appends text to a token. */
static void
append(Token *token, const char *text, size_t length)
{
	memcpy(token->text + token->length, text, length);
	token->length += length;
	token->text[token->length] = '\0';
}

/* Appends a part to a token, in base64url. */
static void
append_encoded(Token *token, const void *bytes, size_t length)
{
	token->length += b64_encode(BASE64_URL, bytes, length, token->text + token->length);
	token->text[token->length] = '\0';
}

/* A token with a header of the attacker's choice and a good signature by this key. */
static Token
forge(const char *header, const CryptoKey *key)
{
	uint8_t signature[CRYPTO_SIGNATURE_MAX];
	size_t length = 0;
	Token token = token_of("");

	append_encoded(&token, header, strlen(header));
	append(&token, ".", 1);
	append_encoded(&token, PAYLOAD, strlen(PAYLOAD));
	CHECK(crypto_sign(key, token.text, token.length, signature, &length));
	append(&token, ".", 1);
	append_encoded(&token, signature, length);
	return token;
}

/* The whole way of a token: split and verify under the signer's pinned header and key. */
static bool
accepted(const Token *token, const Signer *signer)
{
	JwtParts parts;

	return jwt_split((Slice){token->text, token->length}, &parts) &&
		   jwt_verify(&parts, signer->header, signer->public_key);
}

/* True when no key of ours takes the token. */
static bool
refused_by_all(const Token *token)
{
	size_t i;

	for (i = 0; i < COUNT(signers); i++)
	{
		if (accepted(token, &signers[i]))
			return false;
	}
	return true;
}

/* A good token by this signer. */
static Token
good_token(const Signer *signer)
{
	Token token = token_of("");

	CHECK(jwt_sign(signer->private_key, signer->header, slice_of(PAYLOAD), token.text, &token.length));
	CHECK(accepted(&token, signer));
	return token;
}

/* Where the signature begins. */
static size_t
signature_start(const Token *token)
{
	JwtParts parts;

	CHECK(jwt_split((Slice){token->text, token->length}, &parts));
	return token->length - parts.signature.length;
}

/* The token without its signature, and another one in its place. */
static Token
with_signature(const Token *token, const void *signature, size_t length)
{
	Token changed = *token;

	changed.length = signature_start(token);
	append_encoded(&changed, signature, length);
	return changed;
}

/* Fresh keys: no test depends on their values. */
static void
make_signers(void)
{
	size_t i;

	for (i = 0; i < COUNT(algs); i++)
	{
		Signer *s = &signers[algs[i]];
		uint8_t der[CRYPTO_PRIVATE_MAX];
		size_t length = 0;

		CHECK(crypto_generate(algs[i], der, &length, s->public_der, &s->public_length));
		s->private_key = crypto_key_private(algs[i], der, length);
		s->public_key =
			algs[i] == ALG_HS256 ? s->private_key : crypto_key_public(algs[i], s->public_der, s->public_length);
		s->header = (Slice){s->encoded, jwt_header(algs[i], KID, s->encoded)};
		if (s->private_key == NULL || s->public_key == NULL)
			abort();
	}
}

/* HS256 has one key in both places. */
static void
free_signers(void)
{
	size_t i;

	for (i = 0; i < COUNT(signers); i++)
	{
		if (signers[i].public_key != signers[i].private_key)
			crypto_key_free(signers[i].public_key);
		crypto_key_free(signers[i].private_key);
	}
}

/* Header, payload, session id and signature come back for each algorithm, and under its own key only. */
static void
test_round_trip(void)
{
	size_t i;
	size_t j;

	for (i = 0; i < COUNT(signers); i++)
	{
		static char payload[JWT_MAX];
		uint8_t sid[16];
		uint8_t expected[] = "\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef";
		size_t length = 0;
		JwtParts parts;
		Token token = good_token(&signers[i]);

		CHECK(jwt_split((Slice){token.text, token.length}, &parts));
		CHECK(jwt_payload(&parts, payload, &length) && length == strlen(PAYLOAD) && strcmp(payload, PAYLOAD) == 0);
		CHECK(jwt_peek_sid((Slice){token.text, token.length}, sid) && memcmp(sid, expected, 16) == 0);
		for (j = 0; j < COUNT(signers); j++)
			CHECK(accepted(&token, &signers[j]) == (i == j));
	}
}

/* The header is this one spelling; a kid that would need escapes makes none. */
static void
test_header(void)
{
	static const char *const unfit[] = {"", "a b", "a\"b", "a\\b", "a.b", "a/b", "a\n", "\xc3\xa9"};
	char kid[JWT_KID_MAX + 2];
	char header[JWT_HEADER_MAX];
	char json[JWT_HEADER_MAX];
	size_t length = 0;
	size_t n;
	size_t i;

	n = jwt_header(ALG_EDDSA, "a-Z_09", header);
	CHECK(b64_decode(BASE64_URL, (Slice){header, n}, (uint8_t *) json, sizeof(json), &length));
	CHECK(length == strlen("{\"typ\":\"at+jwt\",\"alg\":\"EdDSA\",\"kid\":\"a-Z_09\"}") &&
		  memcmp(json, "{\"typ\":\"at+jwt\",\"alg\":\"EdDSA\",\"kid\":\"a-Z_09\"}", length) == 0);
	for (i = 0; i < COUNT(unfit); i++)
		CHECK_THAT(jwt_header(ALG_ES256, unfit[i], header) == 0, unfit[i]);
	memset(kid, 'k', sizeof(kid));
	kid[JWT_KID_MAX + 1] = '\0';
	CHECK(jwt_header(ALG_ES256, kid, header) == 0);
	kid[JWT_KID_MAX] = '\0';
	CHECK(jwt_header(ALG_ES256, kid, header) > 0);
}

/* The peeked id comes from exactly the start that this project writes; nothing behind the token is read. */
static void
test_peek_sid(void)
{
	static const char *const foreign[] = {"{\"sub\":\"" SID "\",\"exp\":1700000000}",
										  "{ \"sid\":\"" SID "\",\"exp\":1700000000}",
										  "{\"exp\":1,\"sid\":\"" SID "\",\"a\":1}",
										  "{\"sid\":\"" SID "\"}                ",
										  "{\"sid\":\"" SID "\" ,\"exp\":1700000000}",
										  "{\"sid\":\"0123456789abcdef0123456789abcdef\",\"exp\":1700000000}",
										  "{\"sid\":\"01234567_89ab-cdef-0123-456789abcdef\",\"exp\":1700000000}",
										  "{\"sid\":\"01234567-89ab-cdef-0123-456789abcdeg\",\"exp\":1700000000}",
										  "{\"sid\":\"01234567-89ab-cdef-01-3-456789abcdef\",\"exp\":1700000000}",
										  "{\"sid\":\"" SID "0\",\"exp\":1700000000}",
										  "{\"sid\":\"" SID "\",",
										  "{}"};
	size_t i;

	for (i = 0; i < COUNT(foreign); i++)
	{
		uint8_t sid[16];
		char *copy;
		Token token = token_of("e30.");

		append_encoded(&token, foreign[i], strlen(foreign[i]));
		append(&token, ".AA", 3);
		copy = malloc(token.length);
		memcpy(copy, token.text, token.length);
		CHECK_THAT(!jwt_peek_sid((Slice){copy, token.length}, sid), foreign[i]);
		free(copy);
	}
	for (i = 0; i <= JWT_HEADER_MAX + 1; i++)
	{
		uint8_t sid[16];
		char *copy;
		Token token = {.length = 0};
		size_t j;

		for (j = 0; j < i; j++)
			append(&token, "e", 1);
		append(&token, ".", 1);
		append_encoded(&token, PAYLOAD, strlen(PAYLOAD));
		copy = malloc(token.length);
		memcpy(copy, token.text, token.length);
		CHECK(jwt_peek_sid((Slice){copy, token.length}, sid) == (i <= JWT_HEADER_MAX));
		CHECK(!jwt_peek_sid((Slice){copy, i + 1 + 63}, sid));
		free(copy);
	}
}

/* A payload in another spelling, or one with a NUL, is handed back as what it is. */
static void
test_payload(void)
{
	static char out[JWT_MAX];
	size_t length = 99;
	JwtParts parts;

	CHECK(jwt_split((Slice){"e30.YQBi.AA", 11}, &parts));
	CHECK(jwt_payload(&parts, out, &length) && length == 3 && memcmp(out, "a\0b", 4) == 0);
	CHECK(jwt_split((Slice){"e30.YQ.AA", 9}, &parts) && jwt_payload(&parts, out, &length) && strcmp(out, "a") == 0);
	CHECK(jwt_split((Slice){"e30.YR.AA", 9}, &parts) && !jwt_payload(&parts, out, &length));
	CHECK(jwt_split((Slice){"e30.YQABC.AA", 12}, &parts) && !jwt_payload(&parts, out, &length));
}

/* A token that would be too long is not made; the longest one is, and is read back. */
static void
test_sign_limits(void)
{
	static char payload[JWT_MAX + 1];
	static char out[JWT_MAX];
	Token token = token_of("");
	JwtParts parts;
	size_t length = 0;
	size_t n;

	memset(payload, 'x', sizeof(payload));
	for (n = JWT_MAX + 1; n > 0; n--)
	{
		if (jwt_sign(hs256->private_key, hs256->header, (Slice){payload, n}, token.text, &token.length))
			break;
	}
	CHECK(n > 5000 && token.length <= JWT_MAX && token.length > JWT_MAX - 2);
	CHECK(accepted(&token, hs256));
	CHECK(jwt_split((Slice){token.text, token.length}, &parts) && jwt_payload(&parts, out, &length));
	CHECK(length == n && memcmp(out, payload, n) == 0 && out[n] == '\0');
	CHECK(!jwt_sign(hs256->private_key, hs256->header, (Slice){payload, 0}, token.text, &token.length));
	CHECK(!jwt_sign(hs256->private_key, (Slice){hs256->encoded, 0}, (Slice){payload, 9}, token.text, &token.length));
	CHECK(!jwt_sign(
		hs256->private_key, (Slice){payload, JWT_HEADER_MAX + 1}, (Slice){payload, 9}, token.text, &token.length));
}

/* Headers that are not ours, each signed with the right key. */
static void
refuse_headers(const char *const *headers, size_t n)
{
	size_t i;
	size_t j;

	for (i = 0; i < n; i++)
	{
		for (j = 0; j < COUNT(signers); j++)
		{
			Token token = forge(headers[i], signers[j].private_key);

			CHECK_THAT(refused_by_all(&token), headers[i]);
		}
	}
}

/* RFC 8725 section 2.1: an unsigned token. */
static void
attack_alg_none(void)
{
	static const char *const headers[] = {GOOD_HEADER("none"),
										  GOOD_HEADER("None"),
										  GOOD_HEADER("NONE"),
										  GOOD_HEADER("nOnE"),
										  GOOD_HEADER(""),
										  "{\"alg\":\"none\"}",
										  "{\"typ\":\"at+jwt\",\"kid\":\"" KID "\"}",
										  "{}"};
	size_t i;

	refuse_headers(headers, COUNT(headers));
	for (i = 0; i < COUNT(headers); i++)
	{
		Token token = forge(headers[i], hs256->private_key);

		token.length = signature_start(&token);
		CHECK_THAT(refused_by_all(&token), headers[i]);
		token.length--;
		CHECK_THAT(refused_by_all(&token), headers[i]);
	}
}

/* RFC 8725 section 2.1: the public key, which everybody has, used as an HMAC secret. */
static void
attack_alg_confusion(void)
{
	static const char *const headers[] = {GOOD_HEADER("HS256"), GOOD_HEADER("RS256"), GOOD_HEADER("ES256")};
	Signer *victims[] = {rs256, es256, &signers[ALG_EDDSA]};
	size_t i;
	size_t j;

	for (i = 0; i < COUNT(victims); i++)
	{
		CryptoKey *secret = crypto_key_private(ALG_HS256, victims[i]->public_der, victims[i]->public_length);

		CHECK(secret != NULL);
		for (j = 0; j < COUNT(headers); j++)
		{
			Token token = forge(headers[j], secret);

			CHECK_THAT(refused_by_all(&token), headers[j]);
		}
		crypto_key_free(secret);
	}
}

/* The right key under the name of another algorithm. */
static void
attack_alg_swapped(void)
{
	static const char *const headers[] = {GOOD_HEADER("ES256"),
										  GOOD_HEADER("HS256"),
										  GOOD_HEADER("RS256"),
										  GOOD_HEADER("EdDSA"),
										  GOOD_HEADER("PS256"),
										  GOOD_HEADER("RS384"),
										  GOOD_HEADER("ES384"),
										  GOOD_HEADER("ES256K"),
										  GOOD_HEADER("es256")};
	size_t i;
	size_t j;

	for (i = 0; i < COUNT(headers); i++)
	{
		for (j = 0; j < COUNT(algs); j++)
		{
			Token token = forge(headers[i], signers[algs[j]].private_key);

			CHECK_THAT(accepted(&token, &signers[algs[j]]) == (i == j), headers[i]);
		}
	}
}

/* Headers that are not, byte for byte, the one we write: every one of these tokens has a good signature. */
static void
attack_headers(void)
{
	static const char *const headers[] = {
		/* a key that is not this one, or a kid that some program would look up in a file or a database */
		"{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"k2\"}",
		"{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"K1\"}",
		"{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"\"}",
		"{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":null}",
		"{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":[\"k1\"]}",
		"{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"../../dev/null\"}",
		"{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"x' OR '1'='1\"}",
		"{\"typ\":\"at+jwt\",\"alg\":\"ES256\"}",
		/* RFC 9068 section 4: an ID token or another JWT by the same issuer is no access token */
		"{\"typ\":\"JWT\",\"alg\":\"ES256\",\"kid\":\"k1\"}",
		"{\"typ\":\"jwt\",\"alg\":\"ES256\",\"kid\":\"k1\"}",
		"{\"typ\":\"AT+JWT\",\"alg\":\"ES256\",\"kid\":\"k1\"}",
		"{\"typ\":\"application/at+jwt\",\"alg\":\"ES256\",\"kid\":\"k1\"}",
		"{\"typ\":\"\",\"alg\":\"ES256\",\"kid\":\"k1\"}",
		"{\"alg\":\"ES256\",\"kid\":\"k1\"}",
		/* RFC 7515 section 4.1.2: a key set at the attacker's address */
		"{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"k1\",\"jku\":\"https://attacker.example/jwks.json\"}",
		/* section 4.1.3: the attacker's key inside the token */
		"{\"typ\":\"at+jwt\",\"alg\":\"EdDSA\",\"kid\":\"k1\",\"jwk\":{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
		"\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}}",
		/* sections 4.1.5 and 4.1.6: the attacker's certificate */
		"{\"typ\":\"at+jwt\",\"alg\":\"RS256\",\"kid\":\"k1\",\"x5u\":\"https://attacker.example/cert.pem\"}",
		"{\"typ\":\"at+jwt\",\"alg\":\"RS256\",\"kid\":\"k1\",\"x5c\":[\"MIIB\"]}",
		/* section 4.1.11 and RFC 7797: extensions we do not know must not be ignored */
		"{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"k1\",\"crit\":[\"exp\"],\"exp\":1}",
		"{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"k1\",\"crit\":[]}",
		"{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"k1\",\"b64\":false,\"crit\":[\"b64\"]}",
		"{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"k1\",\"zip\":\"DEF\"}",
		/* equal JSON, other bytes */
		"{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"k1\"}",
		"{\"kid\":\"k1\",\"typ\":\"at+jwt\",\"alg\":\"ES256\"}",
		"{\"typ\":\"at+jwt\",\"kid\":\"k1\",\"alg\":\"ES256\"}",
		"{\"typ\":\"at+jwt\", \"alg\":\"ES256\",\"kid\":\"k1\"}",
		"{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"k1\"}\n",
		"{\"typ\":\"at+jwt\",\"\\u0061lg\":\"ES256\",\"kid\":\"k1\"}",
		/* parsers disagree on which of two members counts */
		"{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"k1\",\"alg\":\"none\"}",
		"{\"alg\":\"none\",\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"k1\"}",
		"{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"alg\":\"ES256\",\"kid\":\"k1\"}",
		"{\"typ\":\"at+jwt\",\"alg\":\"ES256\",\"kid\":\"k1\",\"kid\":\"k1\"}"};

	refuse_headers(headers, COUNT(headers));
}

/* One dot more, anywhere: no place yields three good parts. */
static void
attack_extra_dots(void)
{
	Token good = good_token(es256);
	size_t at;

	for (at = 0; at <= good.length; at++)
	{
		Token token = good;
		JwtParts parts;

		token.length = at;
		append(&token, ".", 1);
		append(&token, good.text + at, good.length - at);
		CHECK(!jwt_split((Slice){token.text, token.length}, &parts));
	}
}

/* Parts of no characters, among them the unsigned form of RFC 7515 appendix F; fewer parts, or more, as in a JWE. */
static void
attack_parts(void)
{
	static const char *const texts[] = {"",
										".",
										"..",
										"...",
										".YQ.YQ",
										"YQ..YQ",
										"YQ.YQ.",
										"YQ..",
										".YQ.",
										"..YQ",
										"YQ",
										"YQ.YQ",
										"YQ.YQ.YQ.",
										"YQ.YQ.YQ.YQ",
										"YQ.YQ.YQ.YQ.YQ"};
	JwtParts parts;
	size_t i;

	for (i = 0; i < COUNT(texts); i++)
		CHECK_THAT(!jwt_split(slice_of(texts[i]), &parts), texts[i]);
	CHECK(jwt_split(slice_of("YQ.YQ.YQ"), &parts));
	CHECK(!jwt_split((Slice){NULL, 0}, &parts));
}

/* Every byte that is not base64url, at the start, the end, and inside each part. */
static void
attack_foreign_characters(void)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	Token good = good_token(es256);
	size_t places[] = {0, 1, good.length / 2, good.length - 1};
	int byte;
	size_t i;

	for (byte = 0; byte < 256; byte++)
	{
		JwtParts parts;

		if (memchr(alphabet, byte, sizeof(alphabet) - 1) != NULL)
			continue;
		for (i = 0; i < COUNT(places); i++)
		{
			Token token = good;

			token.text[places[i]] = (char) byte;
			CHECK(!jwt_split((Slice){token.text, token.length}, &parts));
		}
	}
}

/* Padding, plain base64, and percent-encoding behind a good token. */
static void
attack_padding(void)
{
	static const char *const tails[] = {"=", "==", "%3D", "A", "AA", "AAA", "AAAA"};
	size_t i;
	size_t j;

	for (i = 0; i < COUNT(tails); i++)
	{
		for (j = 0; j < COUNT(signers); j++)
		{
			Token token = good_token(&signers[j]);

			append(&token, tails[i], strlen(tails[i]));
			CHECK_THAT(refused_by_all(&token), tails[i]);
		}
	}
}

/* White space, which some decoders skip, in front, behind and at the dots. */
static void
attack_white_space(void)
{
	static const char spaces[] = " \t\r\n\v\f";
	Token good = good_token(es256);
	size_t places[] = {0, es256->header.length, es256->header.length + 1, signature_start(&good), good.length};
	size_t i;
	size_t j;

	for (i = 0; i < sizeof(spaces); i++)
	{
		for (j = 0; j < COUNT(places); j++)
		{
			Token token = good;

			token.length = places[j];
			append(&token, spaces + i, 1);
			append(&token, good.text + places[j], good.length - places[j]);
			CHECK(refused_by_all(&token));
		}
	}
}

/* 64 bytes leave four spare bits in the last character: all other spellings of the same signature are dead. */
static void
attack_spare_bits(void)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	size_t i;
	const char *c;

	for (i = 0; i < COUNT(signers); i++)
	{
		Token good = good_token(&signers[i]);

		for (c = alphabet; *c; c++)
		{
			Token token = good;

			token.text[token.length - 1] = *c;
			CHECK(accepted(&token, &signers[i]) == (*c == good.text[good.length - 1]));
		}
	}
}

/* Every shorter signature, and every shorter token. */
static void
attack_truncated_signature(void)
{
	size_t i;

	for (i = 0; i < COUNT(signers); i++)
	{
		Token token = good_token(&signers[i]);

		while (token.length > 0)
		{
			token.length--;
			CHECK(!accepted(&token, &signers[i]));
		}
	}
}

/* CVE-2022-21449: r = s = 0 passes a careless ECDSA; zeros of every length, and all ones. */
static void
attack_zero_signature(void)
{
	static const uint8_t fills[] = {0x00, 0xff};
	uint8_t signature[CRYPTO_SIGNATURE_MAX + 1];
	size_t i;
	size_t j;
	size_t n;

	for (i = 0; i < COUNT(signers); i++)
	{
		Token good = good_token(&signers[i]);

		for (j = 0; j < COUNT(fills); j++)
		{
			memset(signature, fills[j], sizeof(signature));
			for (n = 1; n <= sizeof(signature); n++)
			{
				Token token = with_signature(&good, signature, n);

				CHECK(!accepted(&token, &signers[i]));
			}
		}
	}
}

/* The DER form of a good ECDSA signature is a second spelling. */
static void
attack_der_signature(void)
{
	Token good = good_token(es256);
	uint8_t raw[64];
	uint8_t der[72] = {0x30, 70, 0x02, 33, 0x00};
	size_t start = signature_start(&good);
	size_t length = 0;
	Token token;

	CHECK(b64_decode(BASE64_URL, (Slice){good.text + start, good.length - start}, raw, sizeof(raw), &length) &&
		  length == 64);
	memcpy(der + 5, raw, 32);
	der[37] = 0x02;
	der[38] = 33;
	memcpy(der + 40, raw + 32, 32);
	token = with_signature(&good, der, sizeof(der));
	CHECK(refused_by_all(&token));
}

/* Any other character anywhere, under a good signature. */
static void
attack_changed_character(void)
{
	size_t i;
	size_t at;

	for (i = 0; i < COUNT(signers); i++)
	{
		Token token = good_token(&signers[i]);

		for (at = 0; at < token.length; at++)
		{
			char c = token.text[at];

			token.text[at] = c == 'A' ? 'B' : 'A';
			CHECK(!accepted(&token, &signers[i]));
			token.text[at] = c;
		}
		CHECK(accepted(&token, &signers[i]));
	}
}

/* Work is bounded by JWT_MAX, whatever is sent. */
static void
attack_long_token(void)
{
	Token token = token_of("YQ.");
	JwtParts parts;

	memset(token.text + token.length, 'A', sizeof(token.text) - token.length);
	memcpy(token.text + JWT_MAX - 3, ".YQ", 3);
	CHECK(jwt_split((Slice){token.text, JWT_MAX}, &parts));
	memmove(token.text + JWT_MAX - 2, ".YQ", 3);
	token.text[JWT_MAX - 3] = 'A';
	CHECK(!jwt_split((Slice){token.text, JWT_MAX + 1}, &parts));
	CHECK(!jwt_split((Slice){token.text, sizeof(token.text)}, &parts));
}

int
main(void)
{
	make_signers();
	test_round_trip();
	test_header();
	test_peek_sid();
	test_payload();
	test_sign_limits();
	attack_alg_none();
	attack_alg_confusion();
	attack_alg_swapped();
	attack_headers();
	attack_extra_dots();
	attack_parts();
	attack_foreign_characters();
	attack_padding();
	attack_white_space();
	attack_spare_bits();
	attack_truncated_signature();
	attack_zero_signature();
	attack_der_signature();
	attack_changed_character();
	attack_long_token();
	free_signers();
	return finish();
}
