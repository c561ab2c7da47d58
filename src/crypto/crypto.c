/*
 * crypto.c
 *		OpenSSL's digests, MACs, key derivation and sealing: one-shot calls
 *		over caller's buffers.
 *
 * Only this folder calls libcrypto.  Contexts kept between calls hold no data;
 * a failed call leaves nothing in the library's error queue, which the server's
 * own TLS code reads.  Never logs and never decides policy.
 *
 * Threats: plaintext returned before its tag was checked; secrets left in freed
 * memory.
 */
#include <limits.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>

#include "crypto/crypto.h"
#include "text/bytes.h"

/* Every public function of the folder returns through here, so the error queue stays clean. */
bool
crypto_outcome(bool good)
{
	if (!good)
		ERR_clear_error();
	return good;
}

/* Uses the private DRBG: most callers want secrets. */
bool
crypto_random(void *out, size_t n)
{
	return n <= INT_MAX && crypto_outcome(RAND_priv_bytes(out, (int) n) == 1);
}

/*
 * Every authorisation hashes a token, and fetching SHA-256 takes a third of that, so algorithm and context are kept for
 * the life of the process.  Finishing wipes the hashed data from the context.
 */
bool
crypto_sha256(const void *data, size_t n, uint8_t out[SHA256_SIZE])
{
	static EVP_MD_CTX *context = NULL;
	static EVP_MD *sha256 = NULL;

	if (sha256 == NULL)
		sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (context == NULL)
		context = EVP_MD_CTX_new();
	return crypto_outcome(sha256 != NULL && context != NULL && EVP_DigestInit_ex2(context, sha256, NULL) == 1 &&
						  EVP_DigestUpdate(context, crypto_or_empty(data), n) == 1 &&
						  EVP_DigestFinal_ex(context, out, NULL) == 1);
}

/* Algorithm and digest are fetched once; the MAC keys live as long as the process anyway. */
static EVP_MAC_CTX *
hmac_context(void)
{
	static EVP_MAC_CTX *context = NULL;
	OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *) "SHA256", 0),
						   OSSL_PARAM_construct_end()};
	EVP_MAC *mac;

	if (context == NULL && (mac = EVP_MAC_fetch(NULL, "HMAC", NULL)) != NULL)
	{
		context = EVP_MAC_CTX_new(mac);
		EVP_MAC_free(mac);
		if (context != NULL && EVP_MAC_CTX_set_params(context, params) != 1)
		{
			EVP_MAC_CTX_free(context);
			context = NULL;
		}
	}
	return context;
}

/* RFC 2104. */
bool
crypto_hmac_sha256(const void *key, size_t key_length, const void *data, size_t n, uint8_t out[SHA256_SIZE])
{
	EVP_MAC_CTX *context = hmac_context();
	size_t length = 0;

	return crypto_outcome(context != NULL && EVP_MAC_init(context, crypto_or_empty(key), key_length, NULL) == 1 &&
						  EVP_MAC_update(context, crypto_or_empty(data), n) == 1 &&
						  EVP_MAC_final(context, out, &length, SHA256_SIZE) == 1 && length == SHA256_SIZE);
}

/* The library copies the parameters, and wipes the copies when the context is freed. */
bool
crypto_hkdf(const void *ikm, size_t ikm_length, const void *salt, size_t salt_length, const void *info,
			size_t info_length, uint8_t *out, size_t n)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
	EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
	OSSL_PARAM params[5];
	OSSL_PARAM *p = params;
	bool good;

	*p++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *) "SHA256", 0);
	*p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *) crypto_or_empty(ikm), ikm_length);
	if (salt_length > 0)
		*p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *) salt, salt_length);
	if (info_length > 0)
		*p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *) info, info_length);
	*p = OSSL_PARAM_construct_end();

	good = context != NULL && EVP_KDF_derive(context, out, n, params) == 1;
	EVP_KDF_CTX_free(context);
	EVP_KDF_free(kdf);
	if (!good)
		bytes_wipe(out, n);
	return crypto_outcome(good);
}

/* A GCM context with key, nonce and additional data; NULL on failure. */
static EVP_CIPHER_CTX *
gcm_start(int encrypting, const uint8_t *key, const uint8_t *nonce, const void *aad, size_t aad_length)
{
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	int length;

	if (context != NULL && EVP_CipherInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce, encrypting) == 1 &&
		(aad_length == 0 || EVP_CipherUpdate(context, NULL, &length, aad, (int) aad_length) == 1))
		return context;
	EVP_CIPHER_CTX_free(context);
	return NULL;
}

/* Processes and finishes the data; out holds n bytes, as GCM adds none. */
static bool
gcm_finish(EVP_CIPHER_CTX *context, const uint8_t *in, size_t n, uint8_t *out)
{
	uint8_t rest[EVP_MAX_BLOCK_LENGTH];
	int length = 0;

	if (n > 0 && EVP_CipherUpdate(context, out, &length, in, (int) n) != 1)
		return false;
	return EVP_CipherFinal_ex(context, rest, &length) == 1 && length == 0;
}

/* The caller must not repeat a nonce under one key.  The tag follows the ciphertext. */
bool
crypto_seal(const uint8_t key[SEAL_KEY_SIZE], const uint8_t nonce[SEAL_NONCE_SIZE], const void *aad, size_t aad_length,
			const void *plain, size_t n, uint8_t *sealed)
{
	EVP_CIPHER_CTX *context;
	bool good;

	if (n > INT_MAX - SEAL_TAG_SIZE || aad_length > INT_MAX)
		return false;
	context = gcm_start(1, key, nonce, aad, aad_length);
	good = context != NULL && gcm_finish(context, plain, n, sealed) &&
		   EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, SEAL_TAG_SIZE, sealed + n) == 1;
	EVP_CIPHER_CTX_free(context);
	if (!good)
		bytes_wipe(sealed, n + SEAL_TAG_SIZE);
	return crypto_outcome(good);
}

/* Sets the tag before the data, and wipes data decrypted under a wrong tag. */
bool
crypto_open(const uint8_t key[SEAL_KEY_SIZE], const uint8_t nonce[SEAL_NONCE_SIZE], const void *aad, size_t aad_length,
			const void *sealed, size_t n, uint8_t *plain)
{
	EVP_CIPHER_CTX *context;
	uint8_t tag[SEAL_TAG_SIZE];
	bool good;

	if (n < SEAL_TAG_SIZE || n > INT_MAX || aad_length > INT_MAX)
		return false;
	n -= SEAL_TAG_SIZE;
	memcpy(tag, (const uint8_t *) sealed + n, SEAL_TAG_SIZE);
	context = gcm_start(0, key, nonce, aad, aad_length);
	good = context != NULL && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, SEAL_TAG_SIZE, tag) == 1 &&
		   gcm_finish(context, sealed, n, plain);
	EVP_CIPHER_CTX_free(context);
	if (!good)
		bytes_wipe(plain, n);
	return crypto_outcome(good);
}

/* RFC 7914.  The caller has bounded the cost; the library's own bound is set to exactly the required memory. */
bool
crypto_scrypt(const void *password, size_t password_length, const void *salt, size_t salt_length, uint64_t n,
			  uint64_t r, uint64_t p, uint8_t *out, size_t out_length)
{
	uint64_t blocks;
	uint64_t memory;

	if (__builtin_add_overflow(n, p, &blocks) || __builtin_add_overflow(blocks, 2, &blocks) ||
		__builtin_mul_overflow(blocks, r, &memory) || __builtin_mul_overflow(memory, 128, &memory))
		return false;
	if (EVP_PBE_scrypt(crypto_or_empty(password),
					   password_length,
					   crypto_or_empty(salt),
					   salt_length,
					   n,
					   r,
					   p,
					   memory,
					   out,
					   out_length) == 1)
		return true;
	bytes_wipe(out, out_length);
	return crypto_outcome(false);
}

static const EVP_MD *
digest_method(CryptoDigest digest)
{
	switch (digest)
	{
		case DIGEST_SHA1:
			return EVP_sha1();
		case DIGEST_SHA256:
			return EVP_sha256();
		case DIGEST_SHA512:
			return EVP_sha512();
		case DIGEST_MD5:
			return EVP_md5();
		case DIGEST_SHA224:
			return EVP_sha224();
		case DIGEST_SHA384:
			return EVP_sha384();
	}
	return NULL;
}

size_t
crypto_digest_size(CryptoDigest digest)
{
	return (size_t) EVP_MD_get_size(digest_method(digest));
}

/* The context is kept, as schemes repeat this a hundred thousand times. */
bool
crypto_digest(CryptoDigest digest, Slice first, Slice second, uint8_t *out)
{
	static EVP_MD_CTX *context = NULL;

	if (context == NULL)
		context = EVP_MD_CTX_new();
	return crypto_outcome(context != NULL && EVP_DigestInit_ex2(context, digest_method(digest), NULL) == 1 &&
						  EVP_DigestUpdate(context, crypto_or_empty(first.data), first.length) == 1 &&
						  EVP_DigestUpdate(context, crypto_or_empty(second.data), second.length) == 1 &&
						  EVP_DigestFinal_ex(context, out, NULL) == 1);
}

bool
crypto_hmac(CryptoDigest digest, Slice key, Slice data, uint8_t *out)
{
	unsigned length;

	return key.length <= INT_MAX && crypto_outcome(HMAC(digest_method(digest),
														crypto_or_empty(key.data),
														(int) key.length,
														(const unsigned char *) crypto_or_empty(data.data),
														data.length,
														out,
														&length) != NULL);
}

bool
crypto_aes_256_ctr(const uint8_t key[AES_256_KEY_SIZE], const uint8_t *plain, size_t n, uint8_t *out)
{
	static const uint8_t counter[EVP_MAX_IV_LENGTH];
	EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	int length;
	bool good = n <= INT_MAX && context != NULL &&
				EVP_EncryptInit_ex(context, EVP_aes_256_ctr(), NULL, key, counter) == 1 &&
				EVP_EncryptUpdate(context, out, &length, plain, (int) n) == 1;

	EVP_CIPHER_CTX_free(context);
	return crypto_outcome(good);
}

/* RFC 8018 section 5.2.  The library takes ints: larger values are refused, not truncated. */
bool
crypto_pbkdf2(CryptoDigest digest, const void *password, size_t password_length, const void *salt, size_t salt_length,
			  unsigned iterations, uint8_t *out, size_t out_length)
{
	if (password_length > INT_MAX || salt_length > INT_MAX || out_length > INT_MAX || out_length == 0 ||
		iterations == 0 || iterations > INT_MAX)
		return false;
	if (PKCS5_PBKDF2_HMAC(crypto_or_empty(password),
						  (int) password_length,
						  crypto_or_empty(salt),
						  (int) salt_length,
						  (int) iterations,
						  digest_method(digest),
						  (int) out_length,
						  out) == 1)
		return true;
	bytes_wipe(out, out_length);
	return crypto_outcome(false);
}
