/* kdf_fuzz.c: derived keys are those of the RFCs, written a second time, and bad numbers derive nothing. */
#include <openssl/evp.h>
#include <openssl/params.h>

#include "crypto/crypto.h"
#include "fuzz.h"

#define HKDF_MOST (255 * SHA256_SIZE)

static uint8_t made[HKDF_MOST + 1], expected[HKDF_MOST + 64];

static bool
is_zero(const uint8_t *p, size_t n)
{
	while (n > 0 && p[n - 1] == 0)
		n--;
	return n == 0;
}

/* A context for each digest, made once. */
static void
hmac(CryptoDigest digest, Slice key, Slice data, uint8_t *out)
{
	static EVP_MAC_CTX *contexts[3];
	static const char *const names[] = {"SHA1", "SHA256", "SHA512"};
	OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("digest", (char *) names[digest], 0),
						   OSSL_PARAM_construct_end()};
	const void *bytes = key.length > 0 ? key.data : "";
	size_t n;

	if (contexts[digest] == NULL)
		contexts[digest] = EVP_MAC_CTX_new(EVP_MAC_fetch(NULL, "HMAC", NULL));
	assert(EVP_MAC_init(
			   contexts[digest], bytes, key.length, EVP_MAC_CTX_get_mac_size(contexts[digest]) > 0 ? NULL : params) ==
		   1);
	assert(EVP_MAC_update(contexts[digest], (const uint8_t *) data.data, data.length) == 1 &&
		   EVP_MAC_final(contexts[digest], out, &n, 64) == 1);
}

/* RFC 5869: T(i) = HMAC(PRK, T(i - 1) | info | i). */
static void
check_hkdf(Slice ikm, Slice salt, Slice info, size_t n)
{
	uint8_t prk[SHA256_SIZE], block[SHA256_SIZE];
	char *text = malloc(SHA256_SIZE + info.length + 1);
	size_t before = 0;
	size_t at;

	hmac(DIGEST_SHA256, salt, ikm, prk);
	for (at = 0; at < n && at < HKDF_MOST; at += SHA256_SIZE, before = SHA256_SIZE)
	{
		memcpy(text, block, before);
		memcpy(text + before, info.data, info.length);
		text[before + info.length] = (char) (at / SHA256_SIZE + 1);
		hmac(DIGEST_SHA256, (Slice){(char *) prk, sizeof(prk)}, (Slice){text, before + info.length + 1}, block);
		memcpy(expected + at, block, SHA256_SIZE);
	}
	memset(made, 0xee, sizeof(made));
	assert(crypto_hkdf(ikm.data, ikm.length, salt.data, salt.length, info.data, info.length, made, n) ==
		   (n > 0 && n <= HKDF_MOST));
	assert(n > HKDF_MOST ? is_zero(made, n) : memcmp(made, expected, n) == 0);
	free(text);
}

/* RFC 8018, blocks of as many iterations. */
static void
check_pbkdf2(CryptoDigest digest, Slice password, Slice salt, unsigned iterations, size_t n)
{
	const size_t size = digest == DIGEST_SHA1 ? 20 : digest == DIGEST_SHA256 ? 32 : 64;
	uint8_t u[64];
	char *text = malloc(salt.length + 4);
	size_t at, i;
	unsigned turn;

	memcpy(text, salt.data, salt.length);
	for (at = 0; at < n; at += size)
	{
		memcpy(text + salt.length, (uint8_t[]){0, 0, 0, (uint8_t) (at / size + 1)}, 4);
		hmac(digest, password, (Slice){text, salt.length + 4}, u);
		memcpy(expected + at, u, size);
		for (turn = 1; turn < iterations; turn++)
		{
			hmac(digest, password, (Slice){(char *) u, size}, u);
			for (i = 0; i < size; i++)
				expected[at + i] ^= u[i];
		}
	}
	assert(crypto_pbkdf2(digest, password.data, password.length, salt.data, salt.length, iterations, made, n) ==
		   (n > 0 && iterations > 0));
	assert(n == 0 || iterations == 0 || memcmp(made, expected, n) == 0);
	assert(!crypto_pbkdf2(digest, password.data, password.length, salt.data, salt.length, UINT32_MAX, made, n));
	free(text);
}

/* What the library computes from the same numbers; other numbers, and those that overflow, are refused. */
static void
check_scrypt(Slice password, Slice salt, uint64_t n, uint64_t r, uint64_t p, size_t length)
{
	bool good = n > 1 && (n & (n - 1)) == 0 && r > 0 && p > 0 && (r > 1 || n < 65536);

	memset(made, 0xee, length);
	assert(crypto_scrypt(password.data, password.length, salt.data, salt.length, n, r, p, made, length) == good);
	if (good)
		assert(EVP_PBE_scrypt(password.data,
							  password.length,
							  (const uint8_t *) salt.data,
							  salt.length,
							  n,
							  r,
							  p,
							  0,
							  expected,
							  length) == 1);
	assert(good ? memcmp(made, expected, length) == 0 : is_zero(made, length));
	assert(!crypto_scrypt(
		password.data, password.length, salt.data, salt.length, n, UINT64_MAX / (n + p + 3), p, made, length));
	assert(!crypto_scrypt(password.data, password.length, salt.data, salt.length, UINT64_MAX - p, r, p, made, length));
}

/* Eight numbers, a secret, a salt, and the rest. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Slice input = {(const char *) data, size};
	uint8_t number[8] = {0};
	Slice head = take(&input, sizeof(number));
	Slice secret, salt;

	memcpy(number, head.data, head.length);
	secret = take(&input, number[0]);
	salt = take(&input, number[1]);
	check_hkdf(secret, salt, input, number[2] == 255 && number[3] >= 254 ? HKDF_MOST + number[3] % 2 : 1 + number[2]);
	check_pbkdf2((CryptoDigest) (number[4] % 3), secret, salt, number[5] % 5, number[6] % 97);
	check_scrypt(secret,
				 salt,
				 number[7] & 8 ? 1u << number[7] % 8 : number[7] % 20,
				 number[2] % 5,
				 number[3] % 4,
				 1 + number[6]);
	return 0;
}
