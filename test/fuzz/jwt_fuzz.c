/* jwt_fuzz.c: a token passes only under the one header and key that make it again, byte for byte; our own tokens come back. */
#include "../unit/keys.h"
#include "crypto/jwt.h"
#include "fuzz.h"

#define KID "k"
#define SID "01234567-89ab-cdef-0123-456789abcdef"

static CryptoKey *keys[4]; /* by CryptoAlg */
static char encoded[4][JWT_HEADER_MAX];
static Slice headers[4];
static char token[FUZZ_MAX], payload[JWT_MAX];
static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static CryptoKey *
private_key(CryptoAlg alg, const char *prefix, const char *base64)
{
	uint8_t der[CRYPTO_PRIVATE_MAX];
	size_t n = strlen(prefix) / 2;
	size_t length;

	assert(bytes_hex_decode(slice_of(prefix), der, n) &&
		   b64_decode(BASE64_URL, slice_of(base64), der + n, sizeof(der) - n, &length));
	return crypto_key_private(alg, der, n + length);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	CryptoAlg alg;

	keys[ALG_ES256] = private_key(ALG_ES256, P256_PRIVATE_PREFIX, A3_D);
	keys[ALG_HS256] = private_key(ALG_HS256, "", A1_K);
	keys[ALG_RS256] = private_key(ALG_RS256, "", A2_PRIVATE);
	keys[ALG_EDDSA] = private_key(ALG_EDDSA, ED25519_PRIVATE_PREFIX, A4_D);
	for (alg = ALG_ES256; alg <= ALG_EDDSA; alg++)
		headers[alg] = (Slice){encoded[alg], jwt_header(alg, KID, encoded[alg])};
	return 0;
}

/* No other character stands in the place of one of a token that passes. */
static void
check_changed(Slice given, CryptoAlg alg)
{
	size_t choice = choose(given, given.length * strlen(letters));
	char *changed = copy_of(given);
	JwtParts parts;

	changed[choice % given.length] = letters[choice / given.length];
	assert(changed[choice % given.length] == given.data[choice % given.length] ||
		   !jwt_split((Slice){changed, given.length}, &parts) || !jwt_verify(&parts, headers[alg], keys[alg]));
	free(changed);
}

/* A byte more or less, in base64url: a signature has one length. */
static void
check_length(const JwtParts *parts, CryptoAlg alg)
{
	uint8_t signature[CRYPTO_SIGNATURE_MAX] = "";
	char spelled[B64URL_LENGTH(CRYPTO_SIGNATURE_MAX)];
	JwtParts changed = *parts;
	size_t n, length;

	assert(b64_decode(BASE64_URL, parts->signature, signature, sizeof(signature), &n));
	for (length = n - 1; length <= n + 1 && length <= sizeof(signature); length += 2)
	{
		changed.signature = (Slice){spelled, b64_encode(BASE64_URL, signature, length, spelled)};
		assert(!jwt_verify(&changed, headers[alg], keys[alg]));
	}
}

/* ES256 signs anew each time, so only that the new token passes. */
static void
check_accepted(Slice given, const JwtParts *parts, CryptoAlg alg)
{
	JwtParts made;
	size_t n, length;

	assert(slice_equal(parts->header, headers[alg]));
	check_changed(given, alg);
	check_length(parts, alg);
	if (!jwt_payload(parts, payload, &n))
		return;
	assert(jwt_sign(keys[alg], headers[alg], (Slice){payload, n}, token, &length));
	assert(alg == ALG_ES256 || slice_equal((Slice){token, length}, given));
	assert(jwt_split((Slice){token, length}, &made) && jwt_verify(&made, headers[alg], keys[alg]));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Slice given = {(const char *) data, size};
	JwtParts parts;
	CryptoAlg alg;
	size_t n, length;

	if (jwt_split(given, &parts))
	{
		assert(parts.signed_part.length + 1 + parts.signature.length == size && size <= JWT_MAX);
		assert(!jwt_payload(&parts, payload, &n) || strnlen(payload, n + 1) <= n);
		for (alg = ALG_ES256; alg <= ALG_EDDSA; alg++)
			if (jwt_verify(&parts, headers[alg], keys[alg]))
				check_accepted(given, &parts, alg);
	}
	if (jwt_sign(keys[ALG_HS256], headers[ALG_HS256], given, token, &n))
		assert(jwt_split((Slice){token, n}, &parts) && jwt_verify(&parts, headers[ALG_HS256], keys[ALG_HS256]) &&
			   jwt_payload(&parts, payload, &length) && slice_equal((Slice){payload, length}, given));
	return 0;
}

/* A token with a good signature; ES256 would not come out the same twice. */
static size_t
forge(uint8_t *data, size_t size, size_t max, CryptoAlg alg, Slice header, Slice body)
{
	uint8_t signature[CRYPTO_SIGNATURE_MAX];
	size_t n = header.length;
	size_t length = 0;

	if (JWT_SIZE(header.length, body.length) > sizeof(token))
		return size;
	memcpy(token, header.data, header.length);
	token[n++] = '.';
	n += b64_encode(BASE64_URL, (const uint8_t *) body.data, body.length, token + n);
	assert(crypto_sign(keys[alg], token, n, signature, &length));
	token[n++] = '.';
	n += b64_encode(BASE64_URL, signature, length, token + n);
	return splice(data, size, max, 0, size, (Slice){token, n});
}

/* Headers and payloads are changed in clear, and what comes out is signed. */
size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	static const char *const jsons[] = {
		"{}",
		"{\"alg\":\"none\"}",
		"{\"typ\":\"at+jwt\",\"alg\":\"none\",\"kid\":\"k\"}",
		"{\"typ\":\"at+jwt\",\"alg\":\"RS256\",\"kid\":\"k\",\"crit\":[\"b64\"]}",
		"{\"typ\":\"JWT\",\"alg\":\"HS256\",\"kid\":\"k\"}",
		"{\"typ\":\"at+jwt\",\"alg\":\"HS256\",\"kid\":\"k\",\"jku\":\"https://x.example\"}",
		"{\"sid\":\"" SID "\",\"sub\":\"x\"}",
		"{\"sid\":\"" SID "\"}           ",
		"{\"sid\":\"01234567_89ab-cdef-0123-456789abcdef\",\"sub\":\"x\"}"};
	static const char *const words[] = {"", ".", "..", "=", "e30", "e30.", "AA", "AB", "-_", "+/"};
	static const CryptoAlg signers[] = {ALG_HS256, ALG_EDDSA, ALG_HS256, ALG_EDDSA, ALG_HS256, ALG_RS256};
	static char json[JWT_HEADER_MAX], body[FUZZ_MAX];
	CryptoAlg alg = signers[draw(&seed, COUNT(signers))];
	Slice header = headers[draw(&seed, 4) == 0 ? draw(&seed, 4) : alg];
	Slice word = slice_of(jsons[draw(&seed, COUNT(jsons))]);
	JwtParts parts;
	size_t n = word.length;
	unsigned choice = draw(&seed, 8);

	if (choice > 3)
		return mutate_fields(data, size, max, seed, ".", words, COUNT(words));
	if (choice == 0)
		header = (Slice){json, b64_encode(BASE64_URL, (const uint8_t *) word.data, word.length, json)};
	if (choice == 1 || !jwt_split((Slice){(const char *) data, size}, &parts) || !jwt_payload(&parts, body, &n))
		memcpy(body, word.data, n = word.length);
	return forge(
		data, size, max, alg, header, (Slice){body, choice == 2 ? LLVMFuzzerMutate((uint8_t *) body, n, JWT_MAX) : n});
}
