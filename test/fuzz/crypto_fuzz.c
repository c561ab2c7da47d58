/* crypto_fuzz.c: what was sealed is opened, and with any bit changed nothing is; digests are the library's. */
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "crypto/crypto.h"
#include "fuzz.h"

static bool
is_zero(const uint8_t *p, size_t n)
{
	while (n > 0 && p[n - 1] == 0)
		n--;
	return n == 0;
}

/* The bit is one of key, nonce, additional data, text and tag. */
static void
check_tampered(const uint8_t *key, const uint8_t *nonce, Slice aad, uint8_t *sealed, size_t n, size_t bit)
{
	uint8_t changed_key[SEAL_KEY_SIZE], changed_nonce[SEAL_NONCE_SIZE];
	char *changed_aad = copy_of(aad);
	uint8_t *plain = malloc(n);
	uint8_t *parts[] = {memcpy(changed_key, key, SEAL_KEY_SIZE),
						memcpy(changed_nonce, nonce, SEAL_NONCE_SIZE),
						(uint8_t *) changed_aad,
						sealed};
	size_t lengths[] = {SEAL_KEY_SIZE, SEAL_NONCE_SIZE, aad.length, n};
	size_t i;

	bit %= 8 * (lengths[0] + lengths[1] + lengths[2] + lengths[3]);
	for (i = 0; bit >= 8 * lengths[i]; i++)
		bit -= 8 * lengths[i];
	parts[i][bit / 8] ^= (uint8_t) (1 << bit % 8);
	memset(plain, 0xee, n);
	assert(!crypto_open(changed_key, changed_nonce, changed_aad, aad.length, sealed, n, plain));
	assert(is_zero(plain, n - SEAL_TAG_SIZE) && plain[n - 1] == 0xee);
	free(changed_aad);
	free(plain);
}

static void
check_seal(Slice secret, Slice aad, Slice plain)
{
	uint8_t key[SEAL_KEY_SIZE] = {0}, nonce[SEAL_NONCE_SIZE] = {0};
	size_t n = plain.length + SEAL_TAG_SIZE;
	uint8_t *sealed = malloc(n), *opened = malloc(plain.length + 1);

	memcpy(key, secret.data, secret.length < sizeof(key) ? secret.length : sizeof(key));
	memcpy(nonce, aad.data, aad.length < sizeof(nonce) ? aad.length : sizeof(nonce));
	assert(crypto_seal(key, nonce, aad.data, aad.length, plain.data, plain.length, sealed));
	assert(crypto_open(key, nonce, aad.data, aad.length, sealed, n, opened) &&
		   slice_equal((Slice){(char *) opened, plain.length}, plain));
	assert(!crypto_open(key, nonce, aad.data, aad.length, sealed, n - 1, opened));
	assert(!crypto_open(key, nonce, aad.data, aad.length, sealed, SEAL_TAG_SIZE - 1, opened));
	check_tampered(key, nonce, aad, sealed, n, choose(plain, 1 << 20));
	assert(!crypto_seal(key, nonce, aad.data, aad.length, plain.data, SIZE_MAX, sealed));
	assert(!crypto_open(key, nonce, aad.data, SIZE_MAX, sealed, n, opened));
	free(sealed);
	free(opened);
}

static void
check_digests(Slice key, Slice data)
{
	uint8_t made[SHA256_SIZE], expected[SHA256_SIZE];

	assert(crypto_sha256(data.data, data.length, made) &&
		   EVP_Digest(data.data, data.length, expected, NULL, EVP_sha256(), NULL) == 1);
	assert(memcmp(made, expected, SHA256_SIZE) == 0);
	assert(crypto_hmac_sha256(key.data, key.length, data.data, data.length, made));
	assert(HMAC(EVP_sha256(),
				key.length > 0 ? key.data : "",
				(int) key.length,
				(const uint8_t *) data.data,
				data.length,
				expected,
				NULL) != NULL);
	assert(memcmp(made, expected, SHA256_SIZE) == 0);
	assert(crypto_random(made, SHA256_SIZE) && memcmp(made, expected, SHA256_SIZE) != 0 &&
		   !crypto_random(made, SIZE_MAX));
}

/* Two lengths, a secret, additional data, and the text. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Slice input = {(const char *) data, size};
	size_t lengths[] = {take_byte(&input), take_byte(&input)};
	Slice secret = take(&input, lengths[0]);
	Slice aad = take(&input, lengths[1]);

	check_digests(secret, input);
	check_seal(secret, aad, input);
	return 0;
}
