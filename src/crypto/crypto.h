/*
 * crypto.h
 *		Digests, MACs, key derivation and sealing: one-shot calls over
 *		caller's buffers.
 *
 * Every function returns false if the library fails or the input is invalid;
 * outputs are then wiped or untouched.
 */
#ifndef DJUST_CRYPTO_H
#define DJUST_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text/bytes.h"

#define SHA256_SIZE 32
#define DIGEST_MAX 64 /* bytes of the longest digest */
#define AES_256_KEY_SIZE 32
#define SEAL_KEY_SIZE 32
#define SEAL_NONCE_SIZE 12
#define SEAL_TAG_SIZE 16

typedef enum CryptoDigest
{
	DIGEST_SHA1,
	DIGEST_SHA256,
	DIGEST_SHA512,
	/* of imported password hashes only */
	DIGEST_MD5,
	DIGEST_SHA224,
	DIGEST_SHA384
} CryptoDigest;

extern bool crypto_random(void *out, size_t n);
extern bool crypto_sha256(const void *data, size_t n, uint8_t out[SHA256_SIZE]);
extern bool crypto_hmac_sha256(const void *key, size_t key_length, const void *data, size_t n,
							   uint8_t out[SHA256_SIZE]);

/* For imported password hashes: the digest of two texts, one after the other, and a MAC; out takes DIGEST_MAX bytes. */
extern size_t crypto_digest_size(CryptoDigest digest);
extern bool crypto_digest(CryptoDigest digest, Slice first, Slice second, uint8_t *out);
extern bool crypto_hmac(CryptoDigest digest, Slice key, Slice data, uint8_t *out);
/* AES-256 in counter mode from a zero counter: no authentication, and only for a key that is used once. */
extern bool crypto_aes_256_ctr(const uint8_t key[AES_256_KEY_SIZE], const uint8_t *plain, size_t n, uint8_t *out);

/* RFC 5869 with SHA-256. */
extern bool crypto_hkdf(const void *ikm, size_t ikm_length, const void *salt, size_t salt_length, const void *info,
						size_t info_length, uint8_t *out, size_t n);

/* AES-256-GCM; sealed takes n + SEAL_TAG_SIZE bytes. */
extern bool crypto_seal(const uint8_t key[SEAL_KEY_SIZE], const uint8_t nonce[SEAL_NONCE_SIZE], const void *aad,
						size_t aad_length, const void *plain, size_t n, uint8_t *sealed);
/* plain takes n - SEAL_TAG_SIZE bytes, wiped if the tag is wrong. */
extern bool crypto_open(const uint8_t key[SEAL_KEY_SIZE], const uint8_t nonce[SEAL_NONCE_SIZE], const void *aad,
						size_t aad_length, const void *sealed, size_t n, uint8_t *plain);

extern bool crypto_scrypt(const void *password, size_t password_length, const void *salt, size_t salt_length,
						  uint64_t n, uint64_t r, uint64_t p, uint8_t *out, size_t out_length);
extern bool crypto_pbkdf2(CryptoDigest digest, const void *password, size_t password_length, const void *salt,
						  size_t salt_length, unsigned iterations, uint8_t *out, size_t out_length);

/*
 * For other files that call the library.  crypto_outcome returns its argument, after clearing the library's error queue
 * on failure.  crypto_or_empty is for keys and salts: the library takes NULL for "not given".
 */
extern bool crypto_outcome(bool good);

static inline const void *
crypto_or_empty(const void *p)
{
	return p != NULL ? p : "";
}

#endif
